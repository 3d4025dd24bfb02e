//! What all steps of one publish share.

use super::check::Files;
use super::files::{Wish, WorkFolder};
use super::ids::{Ids, Slot};
use super::kept::Kept;
use super::publisher::Publisher;
use super::{Mode, Request};
use crate::ftrack::Client;
use crate::session::Job;
use crate::session::log::Log;
use crate::transfer::Progress;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio::sync::{Notify, OwnedSemaphorePermit};

/// One publish.
pub struct Work {
    pub publisher: Arc<Publisher>,
    pub job: Arc<Job>,
    pub log: Log,
    pub request: Request,
    /// What the ids are made from: the host's key, or one of its own.
    pub key: String,
    pub ids: Ids,
    /// The version that shows the media, where it is not one of this publish.
    pub existing_version: Option<String>,
    /// Its item in the outbox, if it is kept.
    pub kept: OnceLock<Kept>,
    /// Whether it was resumed from the outbox: the host that submitted it is not there any more.
    pub is_resumed: bool,
    pub made: Mutex<Made>,
    /// What is uploaded, for whoever asks how far it is.
    pub measured: Arc<Mutex<Vec<Measured>>>,
    /// What was chosen where the host leaves the choice to the library: noted in the outbox, so that every try does the same.
    pub chosen: OnceLock<Mode>,
    /// Its turn among the publishes of its size, until it is given up.
    pub turn: Mutex<Option<OwnedSemaphorePermit>>,
    /// Where media are made, if no outbox keeps them.
    pub work_folder: OnceLock<WorkFolder>,
    /// Told when the components are there, or will not be.
    pub begun: Notify,
}

/// What the names of files begin with that were made for a publish.
pub const MADE: &str = "made-";

/// The name of the fact that says what was chosen.
pub const CHOSEN: &str = "mode";

/// One line of the progress: a file, or all frames of a sequence.
pub struct Measured {
    pub slot: Slot,
    pub name: String,
    pub total: u64,
    pub files: Vec<Arc<Progress>>,
}

/// What may exist on the server because of this publish: noted before it is asked for.
#[derive(Clone, Default)]
pub struct Made {
    pub components: Vec<String>,
    /// Those of them whose bytes this try has sent or is sending.
    pub sent: Vec<String>,
    /// Those of a kind of their own. Their frames go with them.
    pub sequences: Vec<String>,
    /// The server said so.
    pub components_were_there: bool,
    pub version: bool,
    /// The request that makes the components is under way.
    pub is_beginning: bool,
}

impl Made {
    /// Whatever the tries before may have made.
    pub fn by_any_try(ids: &Ids, request: &Request) -> Made {
        Made {
            components: ids.components(),
            sequences: request.sequences().map(|slot| ids.of(&slot)).collect(),
            version: request.existing_version().is_none(),
            ..Made::default()
        }
    }

    /// They are to be made again.
    pub fn forget_components(&mut self) {
        self.sent.clear();
        self.components_were_there = false;
    }
}

impl Work {
    /// The server.
    pub fn client(&self) -> &Arc<Client> {
        &self.publisher.client
    }

    /// The version that shows the media.
    pub fn version_id(&self) -> &str {
        self.existing_version.as_deref().unwrap_or(&self.ids.version)
    }

    /// How the media become what browsers play: what the host says, or what was chosen.
    pub fn mode(&self) -> Mode {
        let noted = || self.kept.get()?.fact(CHOSEN).and_then(|mode| serde_json::from_value(mode).ok());
        self.chosen.get().copied().or_else(noted).unwrap_or(self.request.mode)
    }

    /// Whether the server encodes them.
    pub fn is_encoded(&self) -> bool {
        self.mode() == Mode::Encode
    }

    /// Whether the same publish may have been tried before, or be tried elsewhere at this moment: then its ids may exist.
    pub fn may_have_been_tried(&self) -> bool {
        self.is_resumed || self.request.idempotency_key.is_some()
    }

    /// Where parts that are in storage are noted. Only a publish that can be taken up again has use for it.
    pub fn journal_folder(&self) -> Option<&Path> {
        match self.kept.get() {
            Some(kept) => Some(kept.folder()),
            None => self.request.idempotency_key.as_ref().and(self.publisher.journal_folder.as_deref()),
        }
    }

    /// Where the media are: the host's file, or the outbox's copy of it.
    pub fn media_path(&self) -> PathBuf {
        self.path_of(&self.request.path)
    }

    /// All files, where they are.
    pub fn files(&self) -> Files {
        let request = &self.request;
        Files {
            path: self.media_path(),
            thumbnail: request.thumbnail.as_deref().map(|path| self.path_of(path)),
            wish: Wish {
                copies: self.kept.get().map(Kept::copies).unwrap_or_default(),
                mode: self.mode(),
                ..request.wish()
            },
            others: request.files.iter().map(|file| (file.clone(), self.path_of(&file.path))).collect(),
        }
    }

    /// The name of the host's file, also where `path` is a copy of it.
    pub fn name_of(&self, path: &Path) -> String {
        let name = match self.kept.get() {
            Some(kept) => kept.name_of(path),
            None => path.file_name().unwrap_or_default().to_owned(),
        };
        let name = name.to_string_lossy();
        name.strip_prefix(MADE).unwrap_or(&name).to_owned()
    }

    /// The same for what hangs on the note.
    pub fn attachment_paths(&self) -> Vec<PathBuf> {
        self.request.attachments().iter().map(|path| self.path_of(path)).collect()
    }

    fn path_of(&self, path: &Path) -> PathBuf {
        self.kept.get().map_or_else(|| path.to_owned(), |kept| kept.path_of(path))
    }

    /// The end: the item's lock and the folder of what was made are let go on a thread that may wait for the disk. The one that
    /// works for all sessions may not.
    pub async fn let_go_of_disk(mut self) {
        let held = (self.kept.take(), self.work_folder.take());
        let _ = tokio::task::spawn_blocking(move || drop(held)).await;
    }

    /// Runs a request that creates something: cancelling waits for its end, since what it makes can only be removed when it
    /// is there.
    pub async fn beginning<T>(&self, request: impl Future<Output = T>) -> T {
        self.made.lock().is_beginning = true;
        let result = request.await;
        self.made.lock().is_beginning = false;
        self.begun.notify_one();
        result
    }

    /// Notes a warning, for the log and for the result.
    pub fn warn(&self, warning: String) {
        self.log.warning("publish", &warning);
        self.job.note(|published| published.warnings.push(warning));
    }
}
