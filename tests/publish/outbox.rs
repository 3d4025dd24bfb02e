//! Publishes that are kept in an outbox: what is parked, who goes on with it, and what is taken back.

use super::host::{Job, Publish, Session, Staging, example, film, session_options, text};
use super::relay::{Act, does, exception, relay};
use ftreview::ffi::constants::*;
use ftreview::ffi::types::{ftr_job, ftr_session, ftr_session_options};
use ftreview::ffi::{ftr_job_cancel, ftr_outbox_resume, ftr_outbox_retry, ftr_session_close};
use ftreview::outbox::{Item, Limits, Outbox, State, Step};
use ftreview::session::{Code, policy};
use serde_json::{Value, json};
use std::ffi::c_char;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A call that goes on with an item.
type GoOn = unsafe extern "C" fn(ftr_session, *const c_char, *mut ftr_job) -> i32;

const TASK: &str = "demo/sq010/sh010/compositing";

/// A staging server behind a relay that can be taken away, and an outbox.
pub struct Place {
    pub staging: Staging,
    pub url: String,
    /// Nobody answers.
    pub away: Arc<AtomicBool>,
}

impl Place {
    pub fn new() -> Place {
        Place::with(|_| None)
    }

    /// While the server is there, requests may be spoiled.
    pub fn with(spoil: impl Fn(&[Value]) -> Option<Act> + Send + Sync + 'static) -> Place {
        let (staging, away) = (Staging::start(), Arc::new(AtomicBool::new(false)));
        let gone = away.clone();
        let decide = move |operations: &[Value]| match gone.load(Ordering::SeqCst) {
            true => Act::Drop,
            false => spoil(operations).unwrap_or(Act::Pass),
        };
        let url = relay(staging.url(), Box::new(decide));
        Place { staging, url, away }
    }

    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    pub fn folder(&self) -> PathBuf {
        self.staging.scratch().join("outbox")
    }

    pub fn session(&self) -> Session {
        self.session_with(0)
    }

    /// One that leaves alone what waits.
    pub fn manual(&self) -> Session {
        self.session_with(FTR_SESSION_OUTBOX_MANUAL)
    }

    pub fn session_with(&self, flags: u32) -> Session {
        let folder = text(self.folder().to_str().unwrap());
        let options = ftr_session_options { outbox_folder: folder.as_ptr(), flags, ..session_options() };
        Session::with(&self.url, options).unwrap_or_else(|(_, message)| panic!("{message}"))
    }

    pub fn items(&self) -> Vec<Item> {
        Outbox::new(self.folder(), Limits::default()).list().unwrap()
    }

    /// The one item, which can be read.
    pub fn item(&self) -> (Step, Option<i32>) {
        let items = self.items();
        assert_eq!(items.len(), 1, "{items:?}");
        let state = items[0].state.clone().unwrap();
        (state.step, state.error.map(|error| error.code))
    }

    pub fn versions(&self) -> Vec<Value> {
        self.staging.query("select id, comment from AssetVersion")
    }

    /// The path of a movie of the test's own.
    pub fn movie(&self) -> PathBuf {
        let path = self.staging.scratch().join("comp_v001.mp4");
        std::fs::copy(example("review.mp4"), &path).unwrap();
        path
    }

    /// Parks a publish: submitted while nobody answers.
    pub fn park(&self, publish: &Publish) -> String {
        self.set_away(true);
        let session = self.manual();
        let ended = session.submit(publish).unwrap().wait();
        assert_eq!(ended.state, FTR_JOB_PARKED, "{ended:?}");
        assert!(!ended.outbox_id.is_empty());
        self.set_away(false);
        ended.outbox_id
    }

    /// A session that resumes one item, and how that ended.
    pub fn resume(&self, id: &str) -> (i32, i32) {
        self.go_on(id, ftr_outbox_resume)
    }

    /// The same, also where it has failed.
    pub fn retry(&self, id: &str) -> (i32, i32) {
        self.go_on(id, ftr_outbox_retry)
    }

    fn go_on(&self, id: &str, how: GoOn) -> (i32, i32) {
        let session = self.manual();
        let (id, mut job) = (text(id), 0);
        // SAFETY: a text and a variable.
        assert_eq!(unsafe { how(session.0, id.as_ptr(), &mut job) }, FTR_OK);
        let ended = Job(job).wait();
        (ended.state, ended.code)
    }

    /// Waits until nothing is in the outbox that a session would go on with.
    pub fn settle(&self) {
        let begun = Instant::now();
        while self.items().iter().any(|item| item.state.as_ref().is_ok_and(|state| state.step != Step::Failed)) {
            assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", self.items());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

pub fn publish(path: &Path) -> Publish {
    Publish { comment: Some("kept".to_owned()), ..Publish::of(path, TASK) }
}

/// The ends of jobs among events.
fn ends(events: &[Value]) -> Vec<i64> {
    let ended = events.iter().filter(|event| event["kind"] == FTR_EVENT_JOB_ENDED);
    ended.map(|event| event["result"]["state"].as_i64().unwrap()).collect()
}

fn kinds(events: &[Value]) -> Vec<i64> {
    let kinds = events.iter().map(|event| event["kind"].as_i64().unwrap());
    kinds.filter(|kind| ![FTR_EVENT_LOG, FTR_EVENT_PROGRESS, FTR_EVENT_STATUS].map(i64::from).contains(kind)).collect()
}

#[test]
fn a_publish_that_ends_well_was_told_to_be_kept_and_leaves_an_empty_outbox() {
    let place = Place::new();
    let session = place.session();
    let ended = session.publish(&publish(&place.movie())).done();
    assert_eq!(ended.outbox_id, "", "it is there no longer");
    let told = kinds(&session.events());
    assert_eq!(told, [FTR_EVENT_JOB_KEPT, FTR_EVENT_VERSION_CREATED, FTR_EVENT_JOB_ENDED].map(i64::from));
    assert!(place.items().is_empty());
}

#[test]
fn a_publish_submitted_while_nobody_answers_is_parked_and_the_next_session_publishes_it_once() {
    let place = Place::new();
    place.park(&publish(&place.movie()));
    assert_eq!(place.item().0, Step::Waiting);
    assert!(place.versions().is_empty());
    let session = place.session();
    place.settle();
    assert_eq!(place.versions().len(), 1);
    assert_eq!(place.versions()[0]["comment"], "kept");
    let mut events = Vec::new();
    while ends(&events).is_empty() {
        events.extend(session.events());
    }
    let told = kinds(&events);
    assert_eq!(told, [FTR_EVENT_JOB_RESUMED, FTR_EVENT_VERSION_CREATED, FTR_EVENT_JOB_ENDED].map(i64::from));
    let resumed = events.iter().find(|event| event["kind"] == FTR_EVENT_JOB_RESUMED).unwrap();
    assert_eq!(resumed["tag"], "7", "the number that the first host chose");
    assert_ne!(resumed["job"], "0");
}

#[test]
fn a_parked_publish_goes_on_in_the_same_session_when_the_server_is_back() {
    let place = Place::new();
    let session = place.session();
    session.await_status(FTR_STATUS_READY);
    place.set_away(true);
    let ended = session.publish(&publish(&place.movie()));
    assert_eq!(ended.state, FTR_JOB_PARKED, "{ended:?}");
    session.await_status(FTR_STATUS_UNREACHABLE);
    place.set_away(false);
    place.settle();
    assert_eq!(place.versions().len(), 1);
}

#[test]
fn closing_parks_what_runs_says_how_many_and_leaves_nothing_half_published() {
    let place = Place::with(|operations| does(operations, "create", "FileComponent").then_some(Act::Drop));
    let session = place.session();
    let movie = place.movie();
    let jobs: Vec<Job> = (0..3).map(|_| session.submit(&publish(&movie)).unwrap()).collect();
    while place.items().len() < 3 {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(ftr_session_close(session.0, 0), 3);
    for job in &jobs {
        let ended = job.wait();
        assert_eq!((ended.state, ended.code), (FTR_JOB_PARKED, Code::Closed as i32), "{ended:?}");
    }
    assert!(place.versions().is_empty());
    assert_eq!(place.items().len(), 3);
    assert!(place.items().iter().all(|item| !item.busy));
}

#[test]
fn what_a_publish_left_that_was_cancelled_while_nobody_answered_is_removed_by_the_next_session() {
    let place = Place::new();
    let Some(path) = film(&place.staging, 64 << 20) else { return };
    let session = place.manual();
    let job = session.submit(&publish(&path)).unwrap();
    while place.staging.query("select id from FileComponent").is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    place.set_away(true);
    assert_eq!(ftr_job_cancel(job.0), FTR_OK);
    let ended = job.wait();
    assert_eq!(ended.state, FTR_JOB_CANCELLED, "{ended:?}");
    assert_eq!(place.item().0, Step::Undoing);
    drop(session);
    place.set_away(false);
    let _session = place.session();
    place.settle();
    assert!(place.items().is_empty());
    assert_eq!(place.staging.census(), [0, 0, 0, 0]);
}

#[test]
fn a_resumed_publish_that_fails_for_good_is_taken_back_and_stays_as_failed() {
    let refuse = Arc::new(AtomicBool::new(false));
    let refusing = refuse.clone();
    let place = Place::with(move |operations| {
        (refusing.load(Ordering::SeqCst) && does(operations, "create", "AssetVersion"))
            .then(|| Act::Refuse(200, exception("PermissionError", "no more versions")))
    });
    place.park(&publish(&place.movie()));
    refuse.store(true, Ordering::SeqCst);
    let session = place.session();
    place.settle();
    assert_eq!(place.item(), (Step::Failed, Some(Code::Permission as i32)));
    assert_eq!(place.staging.census(), [0, 0, 0, 0]);
    let mut events = Vec::new();
    while ends(&events).is_empty() {
        events.extend(session.events());
    }
    assert_eq!(ends(&events), [i64::from(FTR_JOB_FAILED)]);
}

#[test]
fn a_publish_that_fails_for_good_before_its_host_leaves_no_item() {
    let place = Place::new();
    let ended = place.session().publish(&Publish::of(place.movie(), "demo/none"));
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::UnknownContext as i32));
    assert!(place.items().is_empty());
}

#[test]
fn a_file_that_changed_since_is_not_published_and_one_that_is_away_is_waited_for() {
    let place = Place::new();
    let movie = place.movie();
    place.park(&publish(&movie));
    let aside = movie.with_extension("aside");
    std::fs::rename(&movie, &aside).unwrap();
    {
        let session = place.session();
        let mut events = Vec::new();
        while ends(&events).is_empty() {
            events.extend(session.events());
        }
        assert_eq!(ends(&events), [i64::from(FTR_JOB_PARKED)]);
        assert_eq!(place.item(), (Step::Waiting, Some(Code::SourceGone as i32)));
    }
    std::fs::write(&movie, b"something else").unwrap();
    let id = place.items()[0].id.clone();
    let (state, code) = place.resume(&id);
    assert_eq!((state, code), (FTR_JOB_FAILED, Code::SourceChanged as i32));
    assert_eq!(place.item(), (Step::Failed, Some(Code::SourceChanged as i32)));
    assert!(place.versions().is_empty());
}

#[test]
fn a_copy_in_the_outbox_is_published_when_the_file_is_gone() {
    let place = Place::new();
    let movie = place.movie();
    let bytes = std::fs::read(&movie).unwrap();
    place.park(&Publish { copy_source: true, ..publish(&movie) });
    std::fs::remove_file(&movie).unwrap();
    let _session = place.session();
    place.settle();
    let media = place.staging.query("select id, name, file_type from FileComponent");
    assert_eq!((media.len(), &media[0]["name"]), (1, &json!("ftrackreview-mp4")));
    assert!(place.staging.stored(media[0]["id"].as_str().unwrap()) == bytes);
    assert_eq!(place.staging.query("select name from Asset")[0]["name"], "comp", "named after the file, not the copy");
}

#[test]
fn the_same_key_is_one_item_and_one_version_however_often_it_is_submitted() {
    let place = Place::new();
    let keyed = Publish { idempotency_key: Some("farm/17".to_owned()), ..publish(&place.movie()) };
    place.park(&keyed);
    place.park(&keyed);
    assert_eq!(place.items().len(), 1);
    let session = place.session();
    let jobs: Vec<Job> = (0..4).map(|_| session.submit(&keyed).unwrap()).collect();
    let versions: Vec<String> = jobs.iter().map(|job| job.wait().done().version_id).collect();
    place.settle();
    assert!(versions.iter().all(|version| *version == versions[0]));
    assert_eq!(place.versions().len(), 1);
    assert!(place.items().is_empty());
}

#[test]
fn an_outbox_that_cannot_be_written_is_told_and_the_publish_goes_on_without_it() {
    let place = Place::new();
    std::fs::write(place.folder(), b"a file where a folder should be").unwrap();
    let ended = place.session().publish(&publish(&place.movie())).done();
    assert!(ended.warnings.iter().any(|warning| warning.contains("not kept in the outbox")), "{:?}", ended.warnings);
    assert_eq!(place.versions().len(), 1);
}

#[test]
fn a_key_that_was_revoked_parks_and_the_session_with_a_good_one_goes_on() {
    let revoked = Arc::new(AtomicBool::new(true));
    let is_revoked = revoked.clone();
    let place = Place::with(move |_| {
        let refusal = json!({"exception": "ServerError", "content": "The supplied API key is not valid.",
                             "error_code": "api_credentials_invalid"});
        is_revoked.load(Ordering::SeqCst).then_some(Act::Refuse(401, refusal))
    });
    let ended = place.session().publish(&publish(&place.movie()));
    assert_eq!((ended.state, ended.code), (FTR_JOB_PARKED, Code::Unauthorised as i32), "{ended:?}");
    revoked.store(false, Ordering::SeqCst);
    let _session = place.session();
    place.settle();
    assert_eq!(place.versions().len(), 1);
}

#[test]
fn what_was_stored_before_is_not_sent_again() {
    let spoiled = Arc::new(AtomicUsize::new(0));
    let count = spoiled.clone();
    // The version cannot be made at first, for a reason that may pass.
    let place = Place::with(move |operations| {
        (does(operations, "create", "AssetVersion") && count.fetch_add(1, Ordering::SeqCst) == 0)
            .then(|| Act::Busy(503, 3600))
    });
    let ended = place.manual().publish(&publish(&place.movie()));
    assert_eq!(ended.state, FTR_JOB_PARKED, "{ended:?}");
    assert_eq!(place.staging.puts(), 1);
    let id = place.items()[0].id.clone();
    assert_eq!(place.resume(&id), (FTR_JOB_DONE, 0));
    assert_eq!(place.staging.puts(), 0);
    assert_eq!(place.versions().len(), 1);
}

#[test]
fn an_item_that_asks_for_something_unknown_is_a_newer_versions_and_left_alone() {
    let place = Place::new();
    place.park(&publish(&place.movie()));
    let outbox = Outbox::new(place.folder(), Limits::default());
    let id = place.items()[0].id.clone();
    let mut claim = outbox.claim(&id).unwrap();
    let mut record = claim.record().clone();
    record.request["hologram"] = json!(true);
    claim.replace(record).unwrap();
    drop(claim);
    assert_eq!(place.resume(&id), (FTR_JOB_FAILED, Code::OutboxNewer as i32));
    // Nor is anything changed that it has noted.
    let before = place.items()[0].state.clone().unwrap();
    assert_eq!(place.retry(&id), (FTR_JOB_FAILED, Code::OutboxNewer as i32));
    assert_eq!(place.items()[0].state.clone().unwrap(), before);
    let session = place.session();
    session.await_status(FTR_STATUS_READY);
    let other = place.session();
    // Its own publish ends well beside it.
    other.publish(&publish(&place.movie())).done();
    assert_eq!(place.item().0, Step::Waiting);
    assert_eq!(place.versions().len(), 1);
}

#[test]
fn what_cannot_be_taken_back_at_once_is_later_and_nothing_stays_where_the_host_was_told() {
    let away = Arc::new(AtomicBool::new(false));
    let gone = away.clone();
    let place = Place::with(move |operations| {
        if gone.load(Ordering::SeqCst) {
            return Some(Act::Drop);
        }
        does(operations, "create", "AssetVersion").then(|| {
            gone.store(true, Ordering::SeqCst);
            Act::Refuse(200, exception("PermissionError", "no more versions"))
        })
    });
    let ended = place.manual().publish(&publish(&place.movie()));
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::Permission as i32), "{ended:?}");
    assert!(ended.message.contains("removed later, from the outbox"), "{}", ended.message);
    assert_eq!(place.item(), (Step::Undoing, Some(Code::Permission as i32)));
    away.store(false, Ordering::SeqCst);
    let _session = place.session();
    place.settle();
    assert!(place.items().is_empty(), "{:?}", place.items());
    assert_eq!(place.staging.census(), [0, 0, 0, 0]);
}

#[test]
fn an_item_of_another_server_or_user_is_left_alone_and_says_whose_it_is() {
    let place = Place::new();
    place.park(&publish(&place.movie()));
    let id = place.items()[0].id.clone();
    let elsewhere = Place { url: relay(place.staging.url(), Box::new(|_| Act::Pass)), ..place };
    let (state, code) = elsewhere.resume(&id);
    assert_eq!((state, code), (FTR_JOB_FAILED, Code::OutboxOther as i32));
    assert_eq!(elsewhere.item().0, Step::Waiting);
}

#[test]
fn hundreds_of_kept_publishes_take_no_descriptor_each_of_their_host() {
    const JOBS: usize = 300;
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let place = Place::new();
    place.set_away(true);
    let movie = place.movie();
    let session = place.manual();
    let jobs: Vec<Job> = (0..JOBS).map(|_| session.submit(&publish(&movie)).unwrap()).collect();
    let begun = Instant::now();
    while place.items().iter().filter(|item| item.busy).count() < JOBS - policy::PARALLEL_UPLOADS * 2 {
        assert!(begun.elapsed() < Duration::from_secs(120), "{}", place.items().len());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(descriptors() < JOBS / 2, "{}", descriptors());
    ftr_session_close(session.0, 0);
    for job in jobs {
        assert_eq!(job.wait().state, FTR_JOB_PARKED);
    }
    assert_eq!(place.items().len(), JOBS);
}

/// Gives the media to their version.
fn shows(operations: &[Value]) -> bool {
    let is_given = |operation: &Value| !operation["entity_data"]["version_id"].is_null();
    does(operations, "update", "FileComponent") && operations.iter().any(is_given)
}

/// A publish that is parked between its version and the version's media.
fn half_done(publish: impl Fn(&Place) -> Publish) -> (Place, Publish) {
    let spoiled = Arc::new(AtomicUsize::new(0));
    let place = Place::with(move |operations| {
        (shows(operations) && spoiled.fetch_add(1, Ordering::SeqCst) == 0).then(|| Act::Busy(503, 3600))
    });
    let publish = publish(&place);
    let ended = place.manual().publish(&publish);
    assert_eq!(ended.state, FTR_JOB_PARKED, "{ended:?}");
    assert_eq!(place.versions().len(), 1);
    (place, publish)
}

#[test]
fn a_version_without_media_that_another_process_left_goes_when_the_same_key_fails_for_good() {
    let (place, publish) =
        half_done(|place| Publish { idempotency_key: Some("farm/17".to_owned()), ..publish(&place.movie()) });
    let wrong = Publish { status: Some("No Such Status".to_owned()), ..publish };
    let ended = place.manual().publish(&wrong);
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::UnknownStatus as i32), "{ended:?}");
    assert!(place.items().is_empty());
    assert!(place.versions().is_empty(), "{:?}", place.versions());
    assert_eq!(place.staging.query("select id from FileComponent"), [] as [Value; 0]);
}

#[test]
fn a_publish_that_expires_leaves_no_version_without_media() {
    let (place, _) = half_done(|place| publish(&place.movie()));
    let outbox = Outbox::new(place.folder(), Limits::default());
    let mut claim = outbox.claim(&place.items()[0].id).unwrap();
    let mut record = claim.record().clone();
    record.created -= 2 * Limits::default().age;
    claim.replace(record).unwrap();
    claim.set_state(State { next_try: None, ..claim.state() }).unwrap();
    drop(claim);
    let _session = place.session();
    place.settle();
    assert_eq!(place.item(), (Step::Failed, Some(Code::OutboxExpired as i32)));
    assert!(place.versions().is_empty(), "{:?}", place.versions());
}

#[test]
fn an_item_that_failed_while_it_waited_for_its_turn_is_not_tried_again() {
    // Two that go on hold the turns of all others.
    let (holding, held) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_holding, count) = (holding.clone(), held.clone());
    let place = Place::with(move |operations| {
        if does(operations, "create", "FileComponent") && is_holding.load(Ordering::SeqCst) {
            count.fetch_add(1, Ordering::SeqCst);
            while is_holding.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        None
    });
    let movie = place.movie();
    let ids: Vec<String> = (0..3).map(|_| place.park(&publish(&movie))).collect();
    holding.store(true, Ordering::SeqCst);
    let outbox = Outbox::new(place.folder(), Limits::default());
    for id in &ids {
        let claim = outbox.claim(id).unwrap();
        claim.set_state(State { next_try: None, ..claim.state() }).unwrap();
    }
    let session = place.session();
    while held.load(Ordering::SeqCst) < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let last = place.items().into_iter().find(|item| !item.busy).unwrap().id;
    let claim = outbox.claim(&last).unwrap();
    claim.set_state(State { step: Step::Failed, ..claim.state() }).unwrap();
    drop(claim);
    holding.store(false, Ordering::SeqCst);
    place.settle();
    // What is told next, on the same thread, comes after the look that had listed all three.
    session.publish(&publish(&movie)).done();
    assert_eq!(place.item().0, Step::Failed);
    assert_eq!(place.versions().len(), 3);
}
