//! Publishes that go on from the outbox: those that the host asks for, and by themselves those that wait.

use super::ids::Ids;
use super::kept::{self, Kept};
use super::work::{Made, Work};
use super::{Publisher, encode};
use crate::ftrack::retry;
use crate::outbox::{Claim, Item, NotedError, Outbox, State as Noted, Step};
use crate::session::blocking::blocking;
use crate::session::life::Accepted;
use crate::session::log::Log;
use crate::session::{Class, Code, Error, Job, Result, Session, State, Status, policy};
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// What is to become of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It goes on, if it waits.
    Resume,
    /// It goes on, also if it has failed, with the files as they are now.
    Retry,
    /// What it made on the server is taken back, and the item removed.
    Forget,
}

/// Gives a job that the host did not submit a handle.
pub type Register = Box<dyn Fn(&Arc<Job>) -> Result<u64> + Send + Sync>;

/// Starts an accepted job with an item of the outbox, for a host that named it.
pub fn resume(session: &Session, publisher: &Arc<Publisher>, accepted: Accepted, id: String, how: How) {
    let (publisher, job, log) = (publisher.clone(), accepted.job.clone(), session.log().clone());
    session.start(accepted, async move {
        match prepare(&publisher, &id, how).await {
            Ok(Some(claim)) => run(publisher, job, log, claim).await,
            Ok(None) => (State::Cancelled, Some(forgotten())),
            Err(error) => (State::Failed, Some(error)),
        }
    });
}

/// Goes on with the items that wait, for as long as the session is open: when it becomes ready, and now and then.
pub fn follow(session: &Session, publisher: &Arc<Publisher>, register: Register) {
    let Some(outbox) = publisher.outbox.clone() else { return };
    let (session, weak, publisher) = (session.clone(), session.downgrade(), Arc::downgrade(publisher));
    let log = session.log().clone();
    session.runtime().spawn(async move {
        let mut was_ready = false;
        loop {
            {
                let (Some(session), Some(publisher)) = (weak.upgrade(), publisher.upgrade()) else { return };
                let is_ready = session.status().0 == Status::Ready;
                if is_ready && let Err(error) = look(&session, &publisher, &outbox, &register, !was_ready).await {
                    log.info("outbox", format_args!("the outbox could not be looked through: {error}"));
                }
                was_ready = is_ready;
            }
            let pause = retry::pause_between(policy::OUTBOX_LOOK / 2, policy::OUTBOX_LOOK);
            let _ = tokio::time::timeout(pause, weak.changed()).await;
        }
    });
}

/// Starts what is to go on now. `is_back`: the server has just become reachable.
async fn look(
    session: &Session,
    publisher: &Arc<Publisher>,
    outbox: &Outbox,
    register: &Register,
    is_back: bool,
) -> Result<()> {
    let here = outbox.clone();
    let items = blocking(move || {
        here.sweep();
        here.list()
    });
    for item in items.await? {
        if !(belongs(&item, publisher) && is_due(&item, is_back)) {
            continue;
        }
        // Nobody closes it.
        let Ok(turn) = publisher.resumed.clone().acquire_owned().await else { return Ok(()) };
        if session.is_closed() {
            return Ok(());
        }
        let (here, id) = (outbox.clone(), item.id.clone());
        // Somebody else may have been faster.
        let Ok(claim) = blocking(move || here.claim(&id)).await else { continue };
        // It may have waited long for its turn.
        if !(kept::is_known(claim.record()) && is_to_go_on(&claim.state(), is_back)) {
            continue;
        }
        let claim = if item.expired && claim.state().step == Step::Waiting { give_up(claim).await? } else { claim };
        // A host that does not poll has no room for more.
        let Ok(accepted) = session.accept_unasked(claim.record().tag) else { return Ok(()) };
        match register(&accepted.job) {
            Ok(handle) => accepted.job.set_handle(handle),
            Err(_) => {
                accepted.withdraw();
                return Ok(());
            }
        }
        let (publisher, job, log) = (publisher.clone(), accepted.job.clone(), session.log().clone());
        session.start(accepted, async move {
            job.note(|published| published.outbox_id = Some(claim.record().id.clone()));
            job.resumed();
            let end = run(publisher, job, log, claim).await;
            drop(turn);
            end
        });
    }
    Ok(())
}

/// Whether this session may go on with it.
pub fn belongs(item: &Item, publisher: &Publisher) -> bool {
    item.record.as_ref().is_ok_and(|record| is_of(&record.server_url, &record.api_user, publisher))
}

fn is_of(server_url: &str, api_user: &str, publisher: &Publisher) -> bool {
    server_url == kept::server_url(&publisher.client) && api_user == publisher.client.api_user()
}

fn is_due(item: &Item, is_back: bool) -> bool {
    !item.busy && item.state.as_ref().is_ok_and(|state| is_to_go_on(state, is_back))
}

fn is_to_go_on(state: &Noted, is_back: bool) -> bool {
    if !matches!(state.step, Step::Waiting | Step::Undoing) {
        return false;
    }
    let was_away = state.error.as_ref().and_then(|error| Code::from_value(error.code)).is_some_and(|code| {
        matches!(code.class(), Class::Network | Class::Configuration) || code == Code::Unauthorised
    });
    (is_back && (was_away || state.step == Step::Undoing))
        || state.wait(SystemTime::now(), policy::OUTBOX_LONGEST_PAUSE).is_zero()
}

/// An item that has expired: what it made is taken back, as of any other publish that fails for good.
async fn give_up(claim: Claim) -> Result<Claim> {
    let error = Some(NotedError::from(&expired(&claim)));
    blocking(move || {
        claim.set_state(Noted { step: Step::Undoing, error, next_try: None, ..claim.state() })?;
        Ok(claim)
    })
    .await
}

/// Claims an item for what a host wants of it. Nothing where that is done already.
async fn prepare(publisher: &Arc<Publisher>, id: &str, how: How) -> Result<Option<Claim>> {
    let Some(outbox) = publisher.outbox.clone() else { return Err(no_outbox()) };
    let id = id.to_owned();
    let publisher = publisher.clone();
    blocking(move || {
        let mut claim = match outbox.claim(&id) {
            Err(error) if error.code == Code::OutboxDamaged && how == How::Forget => {
                return outbox.discard(&id).map(|()| None);
            }
            claim => claim?,
        };
        let record = claim.record();
        if !is_of(&record.server_url, &record.api_user, &publisher) {
            return Err(Error::new(
                Code::OutboxOther,
                format!(
                    "item_id: \"{id}\" is a publish of {} to {}: resume it with a session of that user and server",
                    record.api_user, record.server_url
                ),
            ));
        }
        // Before anything of it is changed.
        kept::request(record)?;
        match (how, claim.state().step) {
            (How::Resume, Step::Failed) => {
                let why = claim.state().error.map(|error| error.message).unwrap_or_default();
                return Err(Error::new(
                    Code::OutboxFailed,
                    format!("item_id: \"{id}\" has failed for good ({why}): mend that and call ftr_outbox_retry, or ftr_outbox_forget"),
                ));
            }
            (How::Resume, _) => {}
            (How::Retry, _) => {
                let mut record = record.clone();
                record.sources.iter_mut().for_each(kept::look_again);
                claim.replace(record)?;
                claim.set_state(kept::anew(claim.state()))?;
            }
            (How::Forget, _) => {
                let error = Some(NotedError::from(&forgotten()));
                claim.set_state(Noted { step: Step::Undoing, error, ..claim.state() })?;
            }
        }
        Ok(Some(claim))
    })
    .await
}

/// Goes on with an item to its end.
async fn run(publisher: Arc<Publisher>, job: Arc<Job>, log: Log, claim: Claim) -> (State, Option<Error>) {
    let request = match kept::request(claim.record()) {
        Ok(request) => request,
        Err(error) => return (State::Failed, Some(error)),
    };
    let kept = Kept::new(claim);
    let key = kept.record().key.clone();
    let ids = Ids::new(&key, request.slots());
    let existing_version = request.existing_version();
    let mut made = Made::by_any_try(&ids, &request);
    made.components.extend(encode::noted_outputs(&kept));
    let work = Work {
        publisher,
        job,
        log,
        request,
        key,
        ids,
        existing_version,
        kept: OnceLock::from(kept),
        is_resumed: true,
        made: Mutex::new(made),
        turn: Mutex::default(),
        chosen: OnceLock::new(),
        work_folder: OnceLock::new(),
        measured: Arc::default(),
        begun: Notify::new(),
    };
    let end = work.go_on().await;
    work.let_go_of_disk().await;
    end
}

impl Work {
    /// From where the item was left.
    async fn go_on(&self) -> (State, Option<Error>) {
        // It was made with one.
        let Some(kept) = self.kept.get() else { return (State::Failed, Some(no_outbox())) };
        self.job.note(|published| published.outbox_id = Some(kept.id.clone()));
        if kept.step() == Step::Undoing {
            let error = kept.last_error().unwrap_or_else(forgotten);
            return self.undo(kept, error).await;
        }
        if let Err(error) = kept.begin().await {
            self.log.warning("publish", format_args!("the outbox cannot be written: {error}"));
        }
        self.run_in_turn().await
    }
}

fn forgotten() -> Error {
    Error::new(Code::Cancelled, "the publish was taken out of the outbox")
}

fn expired(claim: &Claim) -> Error {
    let days = claim.record().created.elapsed().unwrap_or(Duration::ZERO).as_secs() / 86_400;
    let last = claim.state().error.map(|error| format!(", last because {}", error.message)).unwrap_or_default();
    Error::new(
        Code::OutboxExpired,
        format!("the publish was tried for {days} days and could not be done{last}: try again with ftr_outbox_retry"),
    )
}

/// What calls of the outbox are told by a session that has none.
pub fn no_outbox() -> Error {
    Error::new(
        Code::OutboxOff,
        "session: has no outbox: create it with ftr_session_options.outbox_folder or FTR_SESSION_OUTBOX",
    )
}
