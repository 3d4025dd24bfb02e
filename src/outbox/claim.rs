//! An item in the hands of whoever works on it: nobody else can until it is dropped, or its process is dead.

use super::lock::Lock;
use super::record::{Record, State};
use super::source::SourceNote;
use super::store::Outbox;
use super::{copies, disk, fault, sealed};
use crate::session::{Code, Error, Result};
use parking_lot::Mutex;
use std::fs;
use std::path::{Path, PathBuf};

/// The file of what is to be published.
const RECORD: &str = "job.json";
/// The file of how far it is.
const STATE: &str = "state.json";

/// An item that is held. Dropping it lets go, and leaves the item as it was last written.
#[derive(Debug)]
pub struct Claim {
    outbox: Outbox,
    /// Boxed, as the state is, so that a claim is small to move.
    record: Box<Record>,
    /// Only locked to look and to replace, so that [`Claim::state`] does not wait for a disk.
    state: Box<Mutex<State>>,
    /// One writer of state.json at a time.
    writing: Mutex<()>,
    lock: Lock,
}

impl Claim {
    /// Reads an item whose folder is held.
    pub(super) fn read(outbox: &Outbox, id: &str, lock: Lock) -> Result<Claim> {
        let record = Box::new(read_record(lock.folder(), id)?);
        let state = Box::new(Mutex::new(read_state(lock.folder(), id)?));
        copies::tidy(lock.folder(), &record.sources);
        Ok(Claim { outbox: outbox.clone(), record, state, writing: Mutex::default(), lock })
    }

    /// Writes a new item into a folder that is held.
    pub(super) fn write(outbox: &Outbox, record: Record, lock: Lock) -> Result<Claim> {
        let state = State::default();
        put(lock.folder(), RECORD, &record.id, &record)?;
        put(lock.folder(), STATE, &record.id, &state)?;
        let (record, state) = (Box::new(record), Box::new(Mutex::new(state)));
        Ok(Claim { outbox: outbox.clone(), record, state, writing: Mutex::default(), lock })
    }

    /// The item's folder has this name now.
    pub(super) fn moved(&mut self, folder: PathBuf) {
        self.lock.moved(folder);
    }

    /// The item's id.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// What is to be published.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// How far it is. Does not wait for the disk.
    pub fn state(&self) -> State {
        self.state.lock().clone()
    }

    /// Writes down how far it is; afterwards it is on disk. After an error it is as it was before, or as it should be: what
    /// [`Claim::state`] says is the former.
    pub fn set_state(&self, state: State) -> Result<()> {
        let state = state.kept();
        let _writing = self.writing.lock();
        self.check_held()?;
        put(self.folder(), STATE, self.id(), &state)?;
        *self.state.lock() = state;
        Ok(())
    }

    /// Writes down that something else is to be published by the same user under the same key, such as the same file as it is now. Copies that
    /// it does not name are removed.
    pub fn replace(&mut self, record: Record) -> Result<()> {
        let record = record.kept();
        if record.id != self.record.id {
            let message = format!("outbox: item \"{}\" was to be replaced by another: please report it", self.id());
            return Err(Error::new(Code::Internal, message));
        }
        self.check_held()?;
        put(self.folder(), RECORD, &record.id, &record)?;
        copies::tidy(self.folder(), &record.sources);
        *self.record = record;
        Ok(())
    }

    /// The item's folder, in which an upload notes its parts. It goes with the item.
    pub fn folder(&self) -> &Path {
        self.lock.folder()
    }

    /// Copies a source into the item, so that the original may change or go. Returns the copy's path. After an error nothing
    /// of it is left: `OutboxFull` when copies would take more than the limit, `OutboxUnusable` when the disk is full.
    pub fn copy(&mut self, source: &Path) -> Result<PathBuf> {
        self.copy_while(source, &|| true)
    }

    /// [`Claim::copy`], given up as `Cancelled` soon after `go_on` says false.
    pub fn copy_while(&mut self, source: &Path, go_on: &dyn Fn() -> bool) -> Result<PathBuf> {
        let source = std::path::absolute(source).unwrap_or_else(|_| source.to_owned());
        let Some(number) = self.record.sources.iter().position(|note| note.path == source) else {
            let message = format!("outbox: '{}' is none of the item's sources: please report it", source.display());
            return Err(Error::new(Code::Internal, message));
        };
        let note = &self.record.sources[number];
        if note.copy.is_some() {
            return self.source(note);
        }
        self.check_held()?;
        let name = copies::name(number, &source);
        copies::copy(note, self.folder(), &name, || self.outbox.check_bytes(), go_on)?;
        let mut record = Record::clone(&self.record);
        record.sources[number].copy = Some(name.clone());
        let path = self.folder().join(name);
        self.replace(record).inspect_err(|_| {
            // Unless the item may name the copy, although it is not certain to be on disk.
            if read_record(self.folder(), self.id()).is_ok_and(|there| there == *self.record) {
                let _ = fs::remove_file(&path);
            }
        })?;
        Ok(path)
    }

    /// Where the bytes of a source are to be read: the copy, or the original when it is still what it was.
    pub fn source(&self, note: &SourceNote) -> Result<PathBuf> {
        let Some(copy) = &note.copy else {
            return note.check().map(|()| note.path.clone());
        };
        let path = self.folder().join(copy);
        // A name with a separator in it would lead out of the folder.
        let is_name = copies::is_copy(copy) && Path::new(copy).file_name().is_some_and(|name| name == copy.as_str());
        match fs::metadata(&path) {
            Ok(there) if is_name && there.is_file() && there.len() == note.size => Ok(path),
            Ok(_) => Err(fault::damaged(&path, "it is not the copy that was made")),
            Err(error) if disk::is_gone(&error) => Err(fault::damaged(&path, "it is missing")),
            Err(error) => Err(fault::unusable(&path, "be read", &error)),
        }
    }

    /// The item has ended: it is gone. After an error it is still there, and nobody holds it. A power failure within the next
    /// moments may bring it back, as it was last written.
    pub fn finish(self) -> Result<()> {
        self.check_held()?;
        self.outbox.remove(self.id(), self.folder())
    }

    /// Somebody may have deleted the folder by hand, and somebody else made the same item anew.
    fn check_held(&self) -> Result<()> {
        match self.lock.is_there() {
            true => Ok(()),
            false => Err(fault::no_item(self.id(), self.outbox.folder())),
        }
    }
}

/// What is to be published, from an item's folder.
pub(super) fn read_record(folder: &Path, id: &str) -> Result<Record> {
    let path = folder.join(RECORD);
    let record: Record = sealed::read(&path, RECORD, id)?;
    match record.id == id {
        true => Ok(record),
        false => Err(fault::damaged(&path, "it belongs to another item")),
    }
}

/// How far it is, from an item's folder.
pub(super) fn read_state(folder: &Path, id: &str) -> Result<State> {
    sealed::read(&folder.join(STATE), STATE, id)
}

fn put(folder: &Path, name: &str, id: &str, content: &impl serde::Serialize) -> Result<()> {
    let bytes = sealed::seal(name, id, content)?;
    disk::write(folder, name, &bytes).map_err(|error| fault::unusable(&folder.join(name), "be written", &error))
}
