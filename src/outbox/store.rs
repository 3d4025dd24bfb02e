//! The outbox as a folder: adding items, claiming them, listing them, and clearing away what others left.

use super::claim::{Claim, read_record, read_state};
use super::lock::{self, Holder, Lock, Tried};
use super::place::Places;
use super::record::{Record, State, Step};
use super::{copies, disk, fault};
use crate::session::{Code, Error, Result, policy};
use parking_lot::Mutex;
use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// An outbox, which any number of threads, processes and versions of the library may use at once.
#[derive(Clone, Debug)]
pub struct Outbox(Arc<Place>);

#[derive(Debug)]
struct Place {
    folder: PathBuf,
    limits: Limits,
    /// By which others know that what is held here is held. Gone with the last that is.
    holder: Mutex<Weak<Holder>>,
}

/// How much an outbox may hold. Processes that add in the same moment may each pass them by one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Items.
    pub items: usize,
    /// Bytes of copied sources.
    pub bytes: u64,
    /// How old an item may be before it is told as expired.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { items: policy::OUTBOX_ITEMS, bytes: policy::OUTBOX_BYTES, age: policy::OUTBOX_AGE }
    }
}

/// How adding went.
#[derive(Debug)]
pub enum Added {
    /// The item is on disk, and whoever added it holds it.
    New(Claim),
    /// There is an item with this id already, which may be damaged or a newer version's.
    There,
}

/// One item, as it was when the outbox was listed.
#[derive(Clone, Debug)]
pub struct Item {
    /// The item's id.
    pub id: String,
    /// The item's folder.
    pub folder: PathBuf,
    /// Whether somebody was working on it, in whichever process.
    pub busy: bool,
    /// Whether it is older than the outbox's limit, by this machine's clock.
    pub expired: bool,
    /// Bytes of copied sources.
    pub bytes: u64,
    /// What is to be published; or `OutboxDamaged`, `OutboxNewer` or `OutboxUnusable`.
    pub record: Result<Record>,
    /// How far it is; or one of the same errors.
    pub state: Result<State>,
}

impl Item {
    /// Why the item cannot be worked on, if so.
    pub fn error(&self) -> Option<&Error> {
        self.record.as_ref().err().or(self.state.as_ref().err())
    }

    /// Since when it is there: of an item that cannot be read, since when its folder looks as it does.
    fn since(&self) -> SystemTime {
        let changed = || fs::metadata(&self.folder).and_then(|metadata| metadata.modified()).ok();
        self.record.as_ref().ok().map(|record| record.created).or_else(changed).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl Outbox {
    /// The outbox in `folder`. Nothing is read or made yet.
    pub fn new(folder: PathBuf, limits: Limits) -> Outbox {
        // A host may change its working directory later.
        let folder = path::absolute(&folder).unwrap_or(folder);
        Outbox(Arc::new(Place { folder, limits, holder: Mutex::default() }))
    }

    /// The folder of the user's own outbox; `None` where the environment does not say where the user's files are.
    pub fn default_folder(places: &Places) -> Option<PathBuf> {
        places.outbox()
    }

    /// The id of a publish with this key to this server in this user's name: the same in every process. Keys are a host's own,
    /// and the same one may be used for the staging server and for the real one.
    pub fn id_of(server_url: &str, api_user: &str, key: &str) -> String {
        /// Drawn once for this purpose.
        const NAMESPACE: Uuid = Uuid::from_u128(0x0d5e_93a1_6b7c_4f28_9a04_c1e2_58f7_bd36);
        // Neither of the first two has a line break in it.
        Uuid::new_v5(&NAMESPACE, format!("{server_url}\n{api_user}\n{key}").as_bytes()).to_string()
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// How much it may hold.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Keeps a publish. When this returns `New`, it is on disk, and held. The record's id is made from what it says.
    ///
    /// `OutboxFull` when there are as many items as there may be, and none that failed could give way; `OutboxUnusable`
    /// when it cannot be written. After an error nothing of it is left.
    pub fn add(&self, record: Record) -> Result<Added> {
        let record = record.kept();
        let folder = self.item(&record.id);
        if folder.is_dir() {
            return Ok(Added::There);
        }
        for folder in [self.jobs(), self.new_items(), self.gone_items(), self.holders()] {
            disk::make_folders(&folder).map_err(|error| fault::unusable(&folder, "be made", &error))?;
        }
        self.sweep();
        self.make_room()?;
        let lock = self.begin()?;
        let fresh = lock.folder().to_owned();
        let added = self.fill(record, &fresh, lock, &folder);
        if !matches!(added, Ok(Added::New(_))) {
            // What stays is swept later.
            let _ = lock::delete(&fresh);
        }
        added
    }

    /// Takes an item in hand. `OutboxBusy`, `OutboxNoItem`, `OutboxNewer`, `OutboxDamaged`, `OutboxUnusable`.
    pub fn claim(&self, id: &str) -> Result<Claim> {
        Claim::read(self, id, self.hold(id)?)
    }

    /// Every item, those included that cannot be read, oldest first. An outbox that is not there yet is empty. Nothing is written.
    pub fn list(&self) -> Result<Vec<Item>> {
        let mut items: Vec<(SystemTime, Item)> = Vec::new();
        for id in self.ids()? {
            items.extend(self.look(id).map(|item| (item.since(), item)));
        }
        items.sort_by(|(since, item), (other_since, other)| (since, &item.id).cmp(&(other_since, &other.id)));
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }

    /// Removes an item that is damaged, so that nobody can claim it. Of one that is whole, or that a newer version wrote, the
    /// error says so.
    pub fn discard(&self, id: &str) -> Result<()> {
        match Claim::read(self, id, self.hold(id)?) {
            Err(error) if error.code == Code::OutboxDamaged => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let message = format!("outbox: item \"{id}\" is whole: claim it to end it");
                return Err(Error::new(Code::InvalidArgument, message));
            }
        }
        // Reading let go of it; nobody can read it, but somebody may be discarding it as well.
        let lock = self.hold(id)?;
        self.remove(id, lock.folder())
    }

    /// Deletes what processes left that were killed while they added or removed an item. What cannot be deleted stays.
    pub fn sweep(&self) {
        for folder in folders(&self.new_items()) {
            // Held from its first moment on; whoever loses it in the moment before begins anew.
            if let Ok(Tried::Held(_lock)) = self.holder().and_then(|holder| Lock::take(&holder, &folder)) {
                let _ = lock::delete(&folder);
            }
        }
        // It does no harm when two delete the same.
        folders(&self.gone_items()).for_each(|folder| drop(lock::delete(&folder)));
        Holder::sweep(&self.holders());
    }

    /// Says `OutboxFull` when copies take more than they may.
    pub(super) fn check_bytes(&self) -> Result<()> {
        let bytes: u64 = folders(&self.jobs()).map(|folder| copies::bytes(&folder)).sum();
        if bytes <= self.0.limits.bytes {
            return Ok(());
        }
        let message = format!(
            "outbox: copies of sources in '{}' would take {bytes} bytes, more than the {} that they may: drain it, or \
             raise outbox_max_bytes",
            self.folder().display(),
            self.0.limits.bytes
        );
        Err(Error::new(Code::OutboxFull, message))
    }

    /// Removes the folder of an item that is held: it is gone at once, and its files soon after.
    pub(super) fn remove(&self, id: &str, folder: &Path) -> Result<()> {
        let unusable = |error: io::Error| fault::unusable(folder, "be removed", &error);
        disk::make_folders(&self.gone_items()).map_err(unusable)?;
        let gone = self.gone_items().join(format!("{id}.{}", Uuid::new_v4()));
        fs::rename(folder, &gone).map_err(unusable)?;
        // Where that fails, a power failure brings the item back, and whoever works on it finds that all is done.
        let _ = disk::sync_folder(&self.jobs());
        // What stays is swept later.
        let _ = lock::delete(&gone);
        Ok(())
    }

    /// An empty folder, which nobody else touches.
    fn begin(&self) -> Result<Lock> {
        let holder = self.holder()?;
        for _ in 0..policy::OUTBOX_FRESH_STARTS {
            let folder = self.new_items().join(Uuid::new_v4().to_string());
            disk::make_folder(&folder).map_err(|error| fault::unusable(&folder, "be made", &error))?;
            match Lock::take(&holder, &folder) {
                Ok(Tried::Held(lock)) => return Ok(lock),
                // Somebody swept in the moment between.
                Ok(Tried::Busy | Tried::Gone) => {}
                Err(error) => {
                    let _ = lock::delete(&folder);
                    return Err(error);
                }
            }
        }
        let message = format!("outbox: folders in '{}' vanish while they are made", self.new_items().display());
        Err(Error::new(Code::OutboxUnusable, message))
    }

    fn fill(&self, record: Record, fresh: &Path, lock: Lock, folder: &Path) -> Result<Added> {
        let mut claim = Claim::write(self, record, lock)?;
        match fs::rename(fresh, folder) {
            Ok(()) => claim.moved(folder.to_owned()),
            // Somebody added the same at the same moment, and may have ended it by now. Windows says something else.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists)
                    || folder.is_dir() =>
            {
                return Ok(Added::There);
            }
            Err(error) => return Err(fault::unusable(folder, "be made", &error)),
        }
        if let Err(error) = disk::sync_folder(&self.jobs()) {
            // It may or may not survive a power failure: better it is not there at all.
            let _ = claim.finish();
            return Err(fault::unusable(&self.jobs(), "be written", &error));
        }
        Ok(Added::New(claim))
    }

    /// Sees to it that there is room for one more item.
    fn make_room(&self) -> Result<()> {
        let limit = self.0.limits.items;
        let mut count = self.ids()?.len();
        if count < limit {
            return Ok(());
        }
        for item in self.list()? {
            let failed = item.state.as_ref().is_ok_and(|state| state.step == Step::Failed);
            if !failed || item.busy {
                continue;
            }
            // Somebody may have taken it up meanwhile.
            if let Ok(claim) = self.claim(&item.id)
                && claim.state().step == Step::Failed
                && claim.finish().is_ok()
            {
                count -= 1;
            }
            if count < limit {
                return Ok(());
            }
        }
        let message = format!(
            "outbox: '{}' holds {count} items, as many as it may, and none of them failed: drain it, or raise outbox_max_items",
            self.folder().display()
        );
        Err(Error::new(Code::OutboxFull, message))
    }

    /// Locks an item.
    fn hold(&self, id: &str) -> Result<Lock> {
        // Also because an id may come from anywhere, and must not lead out of the folder.
        if !is_id(id) {
            return Err(fault::no_item(id, self.folder()));
        }
        let folder = self.item(id);
        if !folder.is_dir() {
            return Err(fault::no_item(id, self.folder()));
        }
        match Lock::take(&self.holder()?, &folder)? {
            Tried::Held(lock) => Ok(lock),
            Tried::Busy => Err(fault::busy(id)),
            Tried::Gone => Err(fault::no_item(id, self.folder())),
        }
    }

    fn holder(&self) -> Result<Arc<Holder>> {
        let mut known = self.0.holder.lock();
        if let Some(holder) = known.upgrade().filter(|holder| holder.is_there()) {
            return Ok(holder);
        }
        let folder = self.holders();
        disk::make_folders(&folder).map_err(|error| fault::unusable(&folder, "be made", &error))?;
        Holder::sweep(&folder);
        let holder = Arc::new(Holder::new(&folder)?);
        *known = Arc::downgrade(&holder);
        Ok(holder)
    }

    fn look(&self, id: String) -> Option<Item> {
        let folder = self.item(&id);
        let read = || (read_record(&folder, &id), read_state(&folder, &id));
        let (mut record, mut state) = read();
        if record.is_err() || state.is_err() {
            // It may just have been removed, and even been made anew.
            if !folder.is_dir() {
                return None;
            }
            (record, state) = read();
            if !folder.is_dir() {
                return None;
            }
        }
        // Where there are no locks, claiming says so.
        let busy = Lock::is_held(&self.holders(), &folder).unwrap_or(false);
        let age = record.as_ref().ok().and_then(|record| SystemTime::now().duration_since(record.created).ok());
        let expired = age.is_some_and(|age| age > self.0.limits.age);
        let bytes = copies::bytes(&folder);
        Some(Item { id, folder, busy, expired, bytes, record, state })
    }

    /// The ids of all items. What else somebody put there is none of ours.
    fn ids(&self) -> Result<Vec<String>> {
        let jobs = self.jobs();
        let unreadable = |error: io::Error| fault::unusable(&jobs, "be read", &error);
        let entries = match fs::read_dir(&jobs) {
            Err(error) if disk::is_gone(&error) => return Ok(Vec::new()),
            entries => entries.map_err(unreadable)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().into_string().ok().filter(|name| is_id(name));
            ids.extend(name.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_dir())));
        }
        Ok(ids)
    }

    fn jobs(&self) -> PathBuf {
        self.folder().join("jobs")
    }

    fn item(&self, id: &str) -> PathBuf {
        self.jobs().join(id)
    }

    fn new_items(&self) -> PathBuf {
        self.folder().join("new")
    }

    fn holders(&self) -> PathBuf {
        self.folder().join("held")
    }

    fn gone_items(&self) -> PathBuf {
        self.folder().join("gone")
    }
}

/// Whether this is an id as [`Outbox::id_of`] writes them.
fn is_id(text: &str) -> bool {
    Uuid::try_parse(text).is_ok_and(|id| id.to_string() == text)
}

/// The folders in a folder, as far as they can be seen.
fn folders(path: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;

    #[test]
    fn what_was_added_another_claims_works_on_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Outbox::new(folder.path().join("deep/outbox"), Limits::default());
        assert!(open().list().unwrap().is_empty());
        let Added::New(claim) = open().add(record("a")).unwrap() else { panic!("it is there already") };
        let id = claim.id().to_owned();
        assert_eq!(open().claim(&id).unwrap_err().code, Code::OutboxBusy);
        assert!(open().list().unwrap()[0].busy);
        let state = State { attempts: 3, next_try: Some(SystemTime::now()), ..State::default() }.kept();
        claim.set_state(state.clone()).unwrap();
        drop(claim);
        let claim = open().claim(&id).unwrap();
        assert_eq!((claim.record(), claim.state()), (&record("a").kept(), state));
        claim.finish().unwrap();
        assert_eq!(open().claim(&id).unwrap_err().code, Code::OutboxNoItem);
        assert!(open().list().unwrap().is_empty());
    }
}
