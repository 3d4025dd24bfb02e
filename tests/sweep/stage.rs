//! A staging server of its own for each point, and what must be on it when a publish has ended.

use super::film::{COMMENT, STATUS, Source, film, thumbnail};
use ftreview_sandbox::storage::Storage;
use ftreview_sandbox::{AppState, Config, Server};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Everything that a publish makes, and how many of each a clean one makes.
const MADE: [(&str, &str, usize); 5] = [
    ("Asset", "id", 1),
    ("AssetVersion", "id", 1),
    ("FileComponent", "id", 2),
    ("ComponentLocation", "id", 2),
    ("Metadata", "key", 1),
];

/// A staging server with a fresh demo project.
pub struct Stage {
    runtime: tokio::runtime::Runtime,
    server: Server,
    folder: tempfile::TempDir,
    before: Vec<usize>,
    film: &'static Source,
}

/// What is left that nobody needs, and that no client can take away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Uploads in parts that were not completed: ftrack has no way to end one.
    pub uploads: usize,
}

impl Stage {
    pub fn start() -> Stage {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let folder = scratch();
        let server = runtime.block_on(Server::start(Config::new(folder.path().join("server")))).unwrap();
        let mut stage = Stage { runtime, server, folder, before: Vec::new(), film: film() };
        stage.before = stage.census();
        stage
    }

    /// Another film than the usual one is published.
    pub fn expect(&mut self, film: &'static Source) {
        self.film = film;
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn state(&self) -> &AppState {
        self.server.state()
    }

    pub fn storage(&self) -> &Storage {
        &self.server.state().storage
    }

    /// A folder for what the host keeps.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn query(&self, expression: &str) -> Vec<Value> {
        self.runtime.block_on(self.server.state().query(expression)).unwrap()
    }

    pub fn has_version(&self) -> bool {
        !self.query("select id from AssetVersion").is_empty()
    }

    fn census(&self) -> Vec<usize> {
        MADE.iter().map(|(entity, column, _)| self.query(&format!("select {column} from {entity}")).len()).collect()
    }

    /// That the film was published, `times` times, and nothing else is there: or what is not so.
    pub fn check(&self, times: usize) -> Result<Left, String> {
        let mut wrong = Vec::new();
        for ((now, before), (entity, _, made)) in self.census().iter().zip(&self.before).zip(MADE) {
            // All versions are of one asset.
            let made = if entity == "Asset" { made.min(times) } else { made * times };
            if *now != before + made {
                wrong.push(format!("{} of {entity} were made, not {made}", *now as i64 - *before as i64));
            }
        }
        let versions = self.query("select id, comment, status.name, is_published, thumbnail_id from AssetVersion");
        let mut named = Vec::new();
        for version in &versions {
            self.check_version(version, &mut named, &mut wrong);
        }
        self.check_store(&named, &mut wrong);
        match wrong.is_empty() {
            true => Ok(Left { uploads: self.open_uploads() }),
            false => Err(wrong.join("; ")),
        }
    }

    /// That no reviewer sees anything, or all of it.
    pub fn check_all_or_nothing(&self) -> Result<(), String> {
        match self.has_version() {
            false => Ok(()),
            true => self.check(1).map(drop).map_err(|wrong| format!("a version is there, and {wrong}")),
        }
    }

    /// That nothing is left but, perhaps, an asset, which is for all.
    pub fn check_nothing(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        for ((now, before), (entity, _, _)) in self.census().iter().zip(&self.before).zip(MADE) {
            if *now != *before && entity != "Asset" {
                wrong.push(format!("{} of {entity} are left", *now as i64 - *before as i64));
            }
        }
        self.check_store(&[], &mut wrong);
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    fn check_version(&self, version: &Value, named: &mut Vec<String>, wrong: &mut Vec<String>) {
        let id = text(&version["id"]);
        let said = (text(&version["comment"]), text(&version["status"]["name"]), &version["is_published"]);
        if said != (COMMENT, STATUS, &Value::Bool(true)) {
            wrong.push(format!("the version says {said:?}"));
        }
        let query = format!("select id, name, size from FileComponent where version_id is \"{id}\" order by name");
        let components = self.query(&query);
        let names: Vec<&str> = components.iter().map(|component| text(&component["name"])).collect();
        if names != ["ftrackreview-mp4", "thumbnail"] {
            wrong.push(format!("the version has the components {names:?}"));
        }
        for component in &components {
            let id = text(&component["id"]);
            named.push(id.to_owned());
            let is_film = component["name"] == "ftrackreview-mp4";
            let expected: &[u8] = if is_film { &self.film.bytes } else { &thumbnail().bytes };
            let stored = self.storage().path(id).and_then(|path| std::fs::read(path).ok());
            if stored.as_deref() != Some(expected) {
                let has = stored.map_or("nothing".to_owned(), |stored| format!("{} other bytes", stored.len()));
                wrong.push(format!("storage holds {has} for {}", component["name"]));
            }
            if component["size"].as_f64() != Some(expected.len() as f64) {
                wrong.push(format!("the size of {} is {}", component["name"], component["size"]));
            }
            let locations = self.query(&format!("select id from ComponentLocation where component_id is \"{id}\""));
            if locations.len() != 1 {
                wrong.push(format!("{} has {} locations", component["name"], locations.len()));
            }
            let metadata = self.query(&format!("select key from Metadata where parent_id is \"{id}\""));
            if metadata.len() != usize::from(is_film) {
                wrong.push(format!("{} has {} metadata", component["name"], metadata.len()));
            }
            if !is_film && version["thumbnail_id"] != component["id"] {
                wrong.push(format!("the version's thumbnail is {}", version["thumbnail_id"]));
            }
        }
    }

    /// That storage holds what an entity names, and no other object.
    fn check_store(&self, named: &[String], wrong: &mut Vec<String>) {
        let mut stored: Vec<String> = files(&self.media().join("objects"))
            .iter()
            .filter_map(|path| path.file_name()?.to_str().filter(|name| !name.ends_with(".etag")).map(str::to_owned))
            .collect();
        let mut named = named.to_vec();
        stored.sort();
        named.sort();
        if stored != named {
            wrong.push(format!("storage holds {} objects and entities name {}", stored.len(), named.len()));
        }
    }

    fn open_uploads(&self) -> usize {
        std::fs::read_dir(self.media().join("uploads")).map_or(0, Iterator::count)
    }

    pub fn media(&self) -> PathBuf {
        self.folder("server").join("media")
    }
}

/// A folder in memory where the system has one: a sweep writes gigabytes.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match tempfile::tempdir_in(memory) {
        Ok(folder) => folder,
        Err(_) => tempfile::tempdir().unwrap(),
    }
}

/// Every file below a folder, which need not be there.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let (folders, mut found): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
