//! The staging server with SeaweedFS behind it: a real object store, which refuses what S3 refuses.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::peers::{self, Stage};
use crate::shell::{self, Outcome, root, scratch};
use crate::staging::{Staging, end, end_with_parent};
use crate::{artifacts, cc, tools};

const REQUIREMENTS: &str = include_str!("../../tests/peers/object_store/requirements.txt");

/// The store's keys, of one who may do everything and of one who may only read. It listens on loopback and its data are thrown away.
const ACCESS_KEY: &str = "STAGINGACCESSKEY";
const READER_KEY: &str = "READERACCESSKEY";
const SECRET_KEY: &str = "staging-secret-key-of-a-store-on-loopback";

/// How long the store may take to be ready: it is four servers in one, of which some wait for others.
const READY: Duration = Duration::from_secs(60);

/// Fetches SeaweedFS and the official Python client.
pub fn provide() -> Outcome {
    environment().map(drop)
}

/// Starts the store and runs `sandbox/tests/seaweedfs.rs` against it; then opens the review page, where there is a browser.
pub fn run(counted: fn(&mut Command) -> Outcome<String>) -> Outcome<String> {
    let programs = environment()?;
    let folder = scratch("object-store");
    let artifacts = artifacts::build()?;
    let publish = cc::example("publish", &artifacts, &folder)?;
    let store = Store::start(&programs.join("weed"), &folder.join("seaweedfs"))?;
    let mut command = shell::cargo();
    command.args(["test", "--quiet", "--package", "ftreview-sandbox", "--test", "seaweedfs", "--", "--ignored"]);
    command.env("FTREVIEW_S3_ENDPOINT", &store.endpoint).env("FTREVIEW_PUBLISH", &publish);
    command.env("FTREVIEW_PYTHON", programs.join("python")).env("FTREVIEW_MEDIA", root().join("examples/media"));
    command.env("FTREVIEW_S3_READER", READER_KEY);
    tell_keys(&mut command);
    let passed = counted(&mut command).map_err(|message| store.blame(message))?;
    if !tools::CHROMIUM.is_there() {
        return Ok(passed);
    }
    tools::node_modules("tests/browser")?;
    let mut command = Command::new(&artifacts.server);
    command.args(["--s3-endpoint", &store.endpoint, "--s3-bucket", "review", "--s3-create-bucket"]);
    tell_keys(&mut command);
    let server = Staging::start_as(command, &folder.join("data"))?;
    let stage = Stage { server, program: publish, library: artifacts.shared };
    let seen = peers::look(&stage, "object-store", Some(&store.endpoint)).map_err(|message| store.blame(message))?;
    Ok(format!("{passed}; {seen}"))
}

/// Tells the keys. What the developer's own environment says of proxies and of temporary keys is for others.
fn tell_keys(command: &mut Command) {
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    for name in ["AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
}

fn environment() -> Outcome<PathBuf> {
    tools::python_environment("object-store-environment", REQUIREMENTS)
}

/// A running SeaweedFS. Dropping it ends it.
struct Store {
    child: Child,
    endpoint: String,
    log: PathBuf,
}

impl Store {
    /// Starts all that it takes in one process, on free loopback ports and with fresh data.
    fn start(program: &Path, folder: &Path) -> Outcome<Self> {
        shell::emptied(folder)?;
        shell::emptied(&folder.join("data"))?;
        let log = folder.join("log.txt");
        let keys = folder.join("s3.json");
        let identity = |name: &str, access_key: &str, actions: &[&str]| {
            let credentials = [serde_json::json!({"accessKey": access_key, "secretKey": SECRET_KEY})];
            serde_json::json!({"name": name, "credentials": credentials, "actions": actions})
        };
        let identities = [
            identity("staging", ACCESS_KEY, &["Admin", "Read", "Write", "List", "Tagging"]),
            identity("reader", READER_KEY, &["Read", "List"]),
        ];
        let known = serde_json::json!({"identities": identities}).to_string();
        std::fs::write(&keys, known).map_err(|error| format!("Cannot write {}: {error}.", keys.display()))?;
        let output = File::create(&log).map_err(|error| format!("Cannot make {}: {error}.", log.display()))?;
        let errors = output.try_clone().map_err(|error| format!("Cannot use {}: {error}.", log.display()))?;
        let names =
            ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc"];
        let ports = free_ports(names.len() + 2)?;
        let mut command = Command::new(program);
        command.args(["-logtostderr", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
        command.args(names.iter().zip(&ports).map(|(name, port)| format!("-{name}={port}")));
        let (s3, grpc) = (ports[names.len()], ports[names.len() + 1]);
        command.args(["-s3".to_owned(), format!("-s3.port={s3}"), format!("-s3.port.grpc={grpc}")]);
        command.arg(format!("-s3.config={}", keys.display())).arg(format!("-dir={}", folder.join("data").display()));
        // No more than is asked for: small volumes, no other protocols, nothing sent to anybody.
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"]);
        command.args(["-master.volumeSizeLimitMB=256", "-volume.max=0", "-master.telemetry=false"]);
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        end_with_parent(&mut command);
        let child = command.spawn().map_err(|error| shell::cannot_run(&command, &error))?;
        let store = Self { child, endpoint: format!("http://127.0.0.1:{s3}"), log };
        store.wait_for(&format!("http://127.0.0.1:{}/dir/assign", ports[0]))
    }

    /// A failure, with where to read on.
    fn blame(&self, message: String) -> String {
        format!("{message} The store's log: {}", self.log.display())
    }

    /// Waits until there is a place for data, and S3 is spoken.
    fn wait_for(mut self, assign: &str) -> Outcome<Self> {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).proxy(None);
        let agent: ureq::Agent = config.http_status_as_error(false).build().into();
        let status = |url: &str| agent.get(url).call().map(|answer| answer.status().as_u16()).ok();
        let begun = Instant::now();
        // Who comes without a key is refused, by one that listens.
        while status(assign) != Some(200) || status(&self.endpoint) != Some(403) {
            let ended = self.child.try_wait().is_ok_and(|ended| ended.is_some());
            if ended || begun.elapsed() > READY {
                let what = if ended { "ended" } else { "is not ready after a minute" };
                return Err(format!("SeaweedFS {what}; its log: {}", self.log.display()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(self)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ports that nobody listens on. Somebody may be quicker than the store, which then says so in its log.
fn free_ports(count: usize) -> Outcome<Vec<u16>> {
    let failed = |error| format!("Cannot find a free port: {error}.");
    // All held at once, so that they differ.
    let held: Result<Vec<_>, _> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    held.map_err(failed)?.iter().map(|listener| listener.local_addr().map(|a| a.port()).map_err(failed)).collect()
}
