//! One publish and its item in the outbox: what is kept, what is noted on the way, and when it is let go.

use super::Request;
use super::files::{Role, frames};
use super::work::MADE;
use crate::ftrack::{Client, retry};
use crate::outbox::{Added, Claim, NotedError, Outbox, Record, SourceNote, State, Step};
use crate::session::blocking::blocking;
use crate::session::{Class, Code, Error, Job, Result, policy};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The fact that the host was told of the end.
const TOLD: &str = "told";

/// For each id of an invitee, whether their mail was sent.
pub const INVITATIONS: &str = "invitations";

/// The item of one publish, which nobody else touches meanwhile.
pub struct Kept {
    /// Its name in the outbox.
    pub id: String,
    folder: PathBuf,
    record: Record,
    /// Taken when the item is let go.
    claim: Arc<Mutex<Option<Claim>>>,
    state: Arc<Mutex<State>>,
}

impl Kept {
    /// The item that a claim holds.
    pub fn new(claim: Claim) -> Kept {
        Kept {
            id: claim.record().id.clone(),
            folder: claim.folder().to_owned(),
            record: claim.record().clone(),
            state: Arc::new(Mutex::new(claim.state())),
            claim: Arc::new(Mutex::new(Some(claim))),
        }
    }

    /// Puts a publish into the outbox, once, with copies of its files if they are wanted. Where a publish with the same key is
    /// in it, that one's end is waited for, unless the job is asked to end: it may be under way in another process. Not to be dropped before its end, which would leave an item that nobody knows of.
    pub async fn add(outbox: &Outbox, record: Record, job: &Arc<Job>, copies: bool) -> Result<Taken> {
        loop {
            let (here, wanted, asked) = (outbox.clone(), record.clone(), job.clone());
            let taken = blocking(move || {
                let (mut claim, was_there) = take(&here, wanted)?;
                let warnings = if copies { copy(&mut claim, &asked) } else { Vec::new() };
                Ok(Taken { kept: Kept::new(claim), was_there, warnings })
            });
            match taken.await {
                Err(error) if matches!(error.code, Code::OutboxBusy | Code::OutboxNoItem) => {
                    let pause = retry::pause_between(policy::RETRY_BASE, policy::OUTBOX_KEY_PAUSE);
                    if tokio::time::timeout(pause, job.cancelled()).await.is_ok() {
                        return Err(error);
                    }
                }
                taken => return taken,
            }
        }
    }

    /// Where the publish may keep files of its own.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was kept.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What it is to do.
    pub fn step(&self) -> Step {
        self.state.lock().step
    }

    /// Why it ended last.
    pub fn last_error(&self) -> Option<Error> {
        let noted = self.state.lock().error.clone()?;
        Some(Error::from(&noted))
    }

    /// Where the file that the host named is now: the copy in the outbox, or the file itself.
    pub fn path_of(&self, path: &Path) -> PathBuf {
        let note = self.record.sources.iter().find(|note| note.path == path);
        match note.and_then(|note| note.copy.as_ref()) {
            Some(copy) => self.folder.join(copy),
            None => path.to_owned(),
        }
    }

    /// Whether the files are still those that were to be published.
    pub async fn check_sources(&self) -> Result<()> {
        let (claim, sources) = (self.claim.clone(), self.record.sources.clone());
        blocking(move || match claim.lock().as_ref() {
            Some(claim) => sources.iter().try_for_each(|note| claim.source(note).map(drop)),
            None => Ok(()),
        })
        .await
    }

    /// Every file of which there is a copy, and where that is.
    pub fn copies(&self) -> BTreeMap<PathBuf, PathBuf> {
        let copy = |note: &SourceNote| Some((note.path.clone(), self.folder.join(note.copy.as_ref()?)));
        self.record.sources.iter().filter_map(copy).collect()
    }

    /// The name of the file that the host gave, also where `path` is a copy of it.
    pub fn name_of(&self, path: &Path) -> OsString {
        let copy = path.strip_prefix(&self.folder).ok().and_then(Path::to_str);
        let note = self.record.sources.iter().find(|note| copy.is_some() && note.copy.as_deref() == copy);
        let original = note.map_or(path, |note| &note.path);
        original.file_name().unwrap_or_default().to_owned()
    }

    /// What is noted under this name.
    pub fn fact(&self, name: &str) -> Option<Value> {
        self.state.lock().facts.get(name).cloned()
    }

    /// Notes what was done and must not be done again, before anything depends on it.
    pub async fn note(&self, name: &str, value: Value) -> Result<()> {
        self.change(|state| {
            state.facts.insert(name.to_owned(), value);
        })
        .await
    }

    /// It begins: what it failed of last is no more its state.
    pub async fn begin(&self) -> Result<()> {
        self.change(|state| (state.step, state.error) = (Step::Waiting, None)).await
    }

    /// It ends for now. `error` is why; without one it may be gone on with at once.
    pub async fn wait(&self, error: Option<&Error>) -> Result<()> {
        self.change(|state| {
            state.step = Step::Waiting;
            state.error = error.map(NotedError::from);
            put_off(state, error);
        })
        .await
    }

    /// What it made is to be taken back: also by another process, should this one end before that is done. `is_told`: whoever
    /// submitted it hears of the end, so that nothing of it needs to stay.
    pub async fn undo(&self, error: &Error, is_told: bool) -> Result<()> {
        self.change(|state| {
            (state.step, state.error) = (Step::Undoing, Some(NotedError::from(error)));
            if is_told {
                state.facts.insert(TOLD.to_owned(), json!(true));
            }
        })
        .await
    }

    /// Whether whoever submitted it has heard that it ended.
    pub fn is_told(&self) -> bool {
        self.fact(TOLD).is_some()
    }

    /// Taking back failed, and is tried again later.
    pub async fn undo_later(&self, error: &Error) -> Result<()> {
        self.change(|state| put_off(state, Some(error))).await
    }

    /// It has failed for good, and waits for somebody to look at it. What was made for it would only take room meanwhile, and
    /// is made again by a retry.
    pub async fn fail(&self, error: &Error) -> Result<()> {
        let failed = self.change(|state| {
            (state.step, state.error, state.next_try) = (Step::Failed, Some(NotedError::from(error)), None);
        });
        failed.await?;
        let folder = self.folder.clone();
        blocking(move || {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_name().to_str().is_some_and(|name| name.starts_with(MADE)) {
                    // One that stays goes with the item.
                    let _ = std::fs::remove_file(entry.path());
                }
            }
            Ok(())
        })
        .await
    }

    /// Its item is no longer needed.
    pub async fn finish(&self) -> Result<()> {
        let claim = self.claim.clone();
        blocking(move || claim.lock().take().map_or(Ok(()), Claim::finish)).await
    }

    async fn change(&self, change: impl FnOnce(&mut State)) -> Result<()> {
        change(&mut self.state.lock());
        let (claim, state) = (self.claim.clone(), self.state.clone());
        blocking(move || {
            let claim = claim.lock();
            // As it is when it is written: of two changes at once, the one that is written last must not be the earlier one.
            let state = state.lock().clone();
            claim.as_ref().map_or(Ok(()), |claim| claim.set_state(state))
        })
        .await
    }
}

/// An item in the hands of a publish.
pub struct Taken {
    pub kept: Kept,
    /// It is of an earlier try, which may have made something.
    pub was_there: bool,
    /// What is not as it should be.
    pub warnings: Vec<String>,
}

/// A new item, or the one that is there with what is wanted now; and whether it was there.
fn take(outbox: &Outbox, record: Record) -> Result<(Claim, bool)> {
    match outbox.add(record.clone())? {
        Added::New(claim) => Ok((claim, false)),
        Added::There => {
            let mut claim = outbox.claim(&record.id)?;
            claim.replace(record)?;
            claim.set_state(anew(claim.state()))?;
            Ok((claim, true))
        }
    }
}

/// The files are copied into the item. What cannot be copied is published from where it is.
fn copy(claim: &mut Claim, job: &Job) -> Vec<String> {
    let paths: Vec<PathBuf> = claim.record().sources.iter().map(|note| note.path.clone()).collect();
    let failed = paths.iter().filter_map(|path| claim.copy_while(path, &|| !job.is_stopping()).err());
    failed.map(|error| format!("the outbox keeps no copy, so the file must stay as it is: {}", error.message)).collect()
}

/// Each time longer, and never shorter than the server asked.
fn put_off(state: &mut State, error: Option<&Error>) {
    let Some(error) = error else {
        state.next_try = None;
        return;
    };
    state.attempts = state.attempts.saturating_add(1);
    let doubled = policy::OUTBOX_FIRST_PAUSE.saturating_mul(1 << (state.attempts - 1).min(16));
    let pause = retry::pause_between(doubled / 2, doubled).min(policy::OUTBOX_LONGEST_PAUSE);
    let pause = pause.max(error.details.retry_after.unwrap_or_default().min(policy::OUTBOX_LONGEST_PAUSE));
    state.next_try = Some(SystemTime::now() + pause);
}

/// Whether the same publish may end well at another time, with nothing changed on this machine.
pub fn may_pass(error: &Error) -> bool {
    match error.code.class() {
        // The session's own: another one may have other settings.
        Class::Network | Class::Configuration => true,
        Class::Server => error.retryable() || error.code == Code::Unauthorised,
        Class::Storage => error.retryable(),
        // The server may have encoded it by then.
        Class::Media => error.code == Code::EncodeStuck,
        // A drive may come back; a file that was changed is another file.
        Class::File => error.code == Code::SourceGone,
        _ => false,
    }
}

/// What the outbox is to keep of a request. Blocks for file I/O.
pub fn record(client: &Client, request: &Request, key: &str, tag: u64) -> Record {
    let mut request = request.clone();
    let mut sources: Vec<PathBuf> = request.thumbnail.iter().cloned().collect();
    sources.extend(request.read_files().chain(request.attachments()).cloned());
    if !name_frames(&mut request.path, request.is_sequence, &mut sources) {
        sources.push(request.path.clone());
    }
    for file in request.files.iter_mut().filter(|file| file.role == Role::Sequence && file.upload) {
        name_frames(&mut file.path, true, &mut sources);
    }
    // A file may be in two roles, and is copied once.
    let mut known = HashSet::new();
    sources.retain(|path| known.insert(path.clone()));
    let server_url = server_url(client);
    Record {
        id: Outbox::id_of(&server_url, client.api_user(), key),
        key: key.to_owned(),
        server_url,
        api_user: client.api_user().to_owned(),
        tag,
        created: SystemTime::now(),
        library: env!("CARGO_PKG_VERSION").to_owned(),
        request: json!(request),
        sources: sources.iter().filter_map(|path| SourceNote::of(path).ok()).collect(),
    }
}

/// Writes the frames of a sequence into its notation, so that another process means the same ones; they are sources, too.
/// False where it is no sequence.
fn name_frames(path: &mut PathBuf, is_sequence: bool, sources: &mut Vec<PathBuf>) -> bool {
    let Ok(Some(sequence)) = frames::find(path, is_sequence) else { return false };
    sources.extend(sequence.frames.iter().map(|frame| sequence.path_of(frame)));
    let all = sequence.frames.with(&sequence.missing);
    if !all.is_empty() {
        *path = PathBuf::from(format!("{} [{all}]", sequence.folder.join(sequence.printf_name()).display()));
    }
    true
}

/// The server, as the outbox notes it.
pub fn server_url(client: &Client) -> String {
    let mut url = client.server_url().clone();
    // It can have neither without being a URL of another kind.
    let _ = (url.set_username(""), url.set_password(None));
    url.to_string()
}

/// The state of an item that begins anew, perhaps with other files: only what nobody takes back was done for good.
pub fn anew(state: State) -> State {
    let facts = state.facts.into_iter().filter(|(name, _)| name == INVITATIONS).collect();
    State { facts, ..State::default() }
}

/// Takes a file as it is now. One that is gone stays as it was, and the publish says so.
pub fn look_again(note: &mut SourceNote) {
    if note.copy.is_none()
        && let Ok(now) = SourceNote::of(&note.path)
    {
        *note = now;
    }
}

/// Whether this version of the library knows all that an item asks for.
pub fn is_known(record: &Record) -> bool {
    request(record).is_ok()
}

/// The request of an item.
pub fn request(record: &Record) -> Result<Request> {
    serde_json::from_value(record.request.clone()).map_err(|error| {
        Error::new(
            Code::OutboxNewer,
            format!(
                "the outbox's item {} asks for something that this version of the library does not know ({error}): it was \
                 written by version {}, resume it with that one or a newer one",
                record.id, record.library
            ),
        )
    })
}

/// A wait that grows with a farm: anywhere between nothing and `longest`.
pub fn spread(longest: Duration) -> Duration {
    retry::pause_between(Duration::ZERO, longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Limits;

    #[tokio::test]
    async fn of_many_things_noted_at_once_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::new(folder.path().to_owned(), Limits::default());
        let record = Record {
            id: String::new(),
            key: "a".to_owned(),
            server_url: "https://studio.example".to_owned(),
            api_user: "user".to_owned(),
            tag: 0,
            created: SystemTime::now(),
            library: String::new(),
            request: Value::Null,
            sources: Vec::new(),
        };
        let kept = Kept::new(take(&outbox, record).unwrap().0);
        let id = kept.id.clone();
        let mut names = Vec::new();
        for round in 0..10 {
            let more: Vec<String> = (0..8).map(|number| format!("{round} {number}")).collect();
            futures_util::future::try_join_all(more.iter().map(|name| kept.note(name, json!(true)))).await.unwrap();
            names.extend(more);
            let facts = kept.claim.lock().as_ref().unwrap().state().facts;
            assert!(names.iter().all(|name| facts.contains_key(name)), "{facts:?}");
        }
        drop(kept);
        let facts = outbox.claim(&id).unwrap().state().facts;
        assert!(names.iter().all(|name| facts.contains_key(name)), "{facts:?}");
    }
}
