//! Tries with the same idempotency key that meet each other, or what another has left.

use super::host::{Ended, Publish, Session, Staging, example, film, session_options, text};
use super::relay::{Act, Decide, does, exception, relay};
use super::valve::Valve;
use ftreview::ffi::constants::*;
use ftreview::ffi::ftr_job_cancel;
use ftreview::ffi::types::ftr_session_options;
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use ftreview_sandbox::storage::Limits;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const TASK: &str = "demo/sq010/sh010/compositing";
const MIB: u64 = 1 << 20;

fn keyed(path: &Path) -> Publish {
    Publish { idempotency_key: Some("farm/job 17/task 3".to_owned()), ..Publish::of(path, TASK) }
}

fn journal(staging: &Staging) -> PathBuf {
    staging.scratch().join("journal")
}

/// A session with a journal.
fn session(staging: &Staging, url: &str) -> Session {
    let folder = text(journal(staging).to_str().unwrap());
    let options = ftr_session_options { journal_folder: folder.as_ptr(), ..session_options() };
    Session::with(url, options).unwrap_or_else(|(_, message)| panic!("{message}"))
}

fn relayed(staging: &Staging, decide: Decide) -> Session {
    session(staging, &relay(staging.url(), decide))
}

fn is(operations: &[Value], action: &str) -> bool {
    operations.iter().any(|operation| operation["action"] == action)
}

fn completes(operations: &[Value]) -> bool {
    is(operations, "complete_multipart_upload")
}

fn attaches(operations: &[Value]) -> bool {
    does(operations, "update", "FileComponent")
        && operations.iter().any(|operation| !operation["entity_data"]["version_id"].is_null())
}

fn journals(staging: &Staging) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(journal(staging)).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The version is there, once, and has all of the file.
fn assert_shown(staging: &Staging, version_id: &str, path: &Path) {
    assert_eq!(staging.id("select id from AssetVersion"), version_id);
    let component = format!(
        "select id, size from FileComponent where version_id is \"{version_id}\" and name like \"ftrackreview%\""
    );
    let component = staging.query(&component);
    assert_eq!(component.len(), 1, "{component:?}");
    let bytes = std::fs::read(path).unwrap();
    assert!(staging.stored(component[0]["id"].as_str().unwrap()) == bytes);
    assert_eq!(component[0]["size"], json!(bytes.len()));
}

/// Before the first request of this kind, another process publishes the same.
fn overtaken(
    staging: &Staging,
    path: &Path,
    when: fn(&[Value]) -> bool,
    then: fn() -> Act,
) -> (Session, Arc<Mutex<Ended>>) {
    let other = Mutex::new(Some(staging.session()));
    let ended: Arc<Mutex<Ended>> = Arc::default();
    let (published, publish) = (ended.clone(), keyed(path));
    let decide = move |operations: &[Value]| {
        if !when(operations) {
            return Act::Pass;
        }
        if let Some(other) = other.lock().take() {
            *published.lock() = other.publish(&publish).done();
        }
        then()
    };
    (relayed(staging, Box::new(decide)), ended)
}

#[test]
fn a_try_that_fails_takes_nothing_away_from_one_that_has_published_meanwhile() {
    for when in [|operations: &[Value]| does(operations, "create", "AssetVersion"), attaches] {
        let staging = Staging::start();
        let path = example("still.png");
        let refuse = || Act::Refuse(200, exception("ValidationError", "not now"));
        let (session, other) = overtaken(&staging, &path, when, refuse);
        let ended = session.publish(&keyed(&path));
        assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::Validation as i32), "{ended:?}");
        assert!(ended.message.contains("another try"), "{}", ended.message);
        assert_shown(&staging, &other.lock().version_id, &path);
    }
}

#[test]
fn a_try_that_is_cancelled_takes_nothing_away_from_one_that_has_published_meanwhile() {
    let staging = Staging::start();
    let path = film(&staging, 20 * MIB).unwrap();
    let valve = Valve::before(staging.address(), MIB);
    staging.storage().set_public_url(valve.url());
    let first = session(&staging, staging.url());
    let job = first.submit(&keyed(&path)).unwrap();
    valve.wait_passed(MIB / 2);
    staging.storage().set_public_url(staging.url());
    let other = staging.session().publish(&keyed(&path)).done();
    assert_eq!(ftr_job_cancel(job.0), FTR_OK);
    assert_eq!(job.wait().state, FTR_JOB_CANCELLED);
    assert_shown(&staging, &other.version_id, &path);
}

#[test]
fn an_upload_that_another_try_has_completed_is_complete() {
    let staging = Staging::start();
    let path = film(&staging, 20 * MIB).unwrap();
    let (session, other) = overtaken(&staging, &path, completes, || Act::Pass);
    let ended = session.publish(&keyed(&path)).done();
    assert_eq!(ended.version_id, other.lock().version_id);
    assert_shown(&staging, &ended.version_id, &path);
}

/// A try that fails and leaves what it has stored.
fn fail(staging: &Staging, publish: &Publish) {
    let decide = |operations: &[Value]| match completes(operations) {
        true => Act::Refuse(200, exception("ServerError", "the disk is full")),
        false => Act::Pass,
    };
    let ended = relayed(staging, Box::new(decide)).publish(publish);
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::ServerError as i32), "{ended:?}");
    assert!(ended.message.contains("is kept"), "{}", ended.message);
}

#[test]
fn a_file_rendered_anew_is_registered_as_it_is_now() {
    let staging = Staging::start();
    fail(&staging, &keyed(&film(&staging, 20 * MIB).unwrap()));
    let path = film(&staging, 25 * MIB).unwrap();
    let ended = session(&staging, staging.url()).publish(&keyed(&path)).done();
    assert_shown(&staging, &ended.version_id, &path);
}

#[test]
fn a_still_takes_the_place_of_a_film_that_failed() {
    let staging = Staging::start();
    fail(&staging, &keyed(&film(&staging, 20 * MIB).unwrap()));
    let ended = session(&staging, staging.url()).publish(&keyed(&example("still.png"))).done();
    assert_shown(&staging, &ended.version_id, &example("still.png"));
    let component = format!("select name, file_type from FileComponent where id is \"{}\"", ended.component_id);
    let component = staging.query(&component).pop().unwrap();
    assert_eq!((&component["name"], &component["file_type"]), (&json!("ftrackreview-image"), &json!(".png")));
}

#[test]
fn a_thumbnail_that_an_earlier_try_did_not_have_is_made() {
    let staging = Staging::start();
    let path = film(&staging, 20 * MIB).unwrap();
    fail(&staging, &keyed(&path));
    let publish = Publish { thumbnail: Some(example("still.png")), ..keyed(&path) };
    let ended = session(&staging, staging.url()).publish(&publish).done();
    assert_shown(&staging, &ended.version_id, &path);
    let thumbnail =
        format!("select id from FileComponent where version_id is \"{}\" and name is thumbnail", ended.version_id);
    assert_eq!(staging.id(&thumbnail), ended.thumbnail_id);
}

#[test]
fn a_key_that_was_used_for_another_file_is_told() {
    let staging = Staging::start();
    let session = session(&staging, staging.url());
    let first = session.publish(&keyed(&example("still.png"))).done();
    let second = session.publish(&keyed(&example("review.mp4"))).done();
    assert_eq!((second.version_id, &second.component_name), (first.version_id, &first.component_name));
    let told =
        second.warnings.iter().any(|warning| warning.contains("idempotency_key") && warning.contains("review.mp4"));
    assert!(told, "{:?}", second.warnings);
    let again = session.publish(&keyed(&example("still.png"))).done();
    assert!(again.warnings.is_empty(), "{:?}", again.warnings);
}

#[test]
fn a_publish_whose_version_was_deleted_on_the_server_makes_it_again() {
    let staging = Staging::start();
    let session = session(&staging, staging.url());
    let path = film(&staging, 20 * MIB).unwrap();
    let first = session.publish(&keyed(&path)).done();
    delete_version(&staging, &first.version_id);
    let second = session.publish(&keyed(&path)).done();
    assert_shown(&staging, &second.version_id, &path);
}

#[test]
fn what_is_in_storage_stays_noted_when_a_resumed_upload_cannot_be_completed_yet() {
    let staging = Staging::start();
    let path = film(&staging, 40 * MIB).unwrap();
    fail(&staging, &keyed(&path));
    staging.puts();
    fail(&staging, &keyed(&path));
    assert_eq!(staging.puts(), 0);
    // And when the server is gone with the answer.
    let gone = AtomicBool::new(false);
    let decide = move |operations: &[Value]| match gone.load(Ordering::SeqCst) {
        true => Act::Refuse(200, exception("PermissionError", "not now")),
        false if completes(operations) => {
            gone.store(true, Ordering::SeqCst);
            Act::Refuse(200, json!([]))
        }
        false => Act::Pass,
    };
    let ended = relayed(&staging, Box::new(decide)).publish(&keyed(&path));
    assert_eq!(ended.state, FTR_JOB_FAILED, "{ended:?}");
    assert_eq!(staging.puts(), 0);
    let ended = session(&staging, staging.url()).publish(&keyed(&path)).done();
    assert_eq!(staging.puts(), 0);
    assert_shown(&staging, &ended.version_id, &path);
}

#[test]
fn nothing_is_left_in_the_journal_of_a_publish_that_was_cancelled() {
    let staging = Staging::start();
    let path = film(&staging, 64 * MIB).unwrap();
    let valve = Valve::before(staging.address(), 40 * MIB);
    staging.storage().set_public_url(valve.url());
    let session = session(&staging, staging.url());
    let job = session.submit(&keyed(&path)).unwrap();
    valve.wait_passed(39 * MIB);
    assert_eq!(journals(&staging).len(), 1);
    assert_eq!(ftr_job_cancel(job.0), FTR_OK);
    let ended = job.wait();
    assert_eq!(ended.state, FTR_JOB_CANCELLED, "{ended:?}");
    assert_eq!(journals(&staging), [] as [PathBuf; 0]);
    // And so the next try has nothing to complain of.
    staging.storage().set_limits(Limits { renew_upload_id: true, ..Limits::default() });
    valve.open();
    let again = session.publish(&keyed(&path)).done();
    assert!(!again.warnings.iter().any(|warning| warning.contains("earlier try")), "{:?}", again.warnings);
}

#[test]
fn a_cancelled_upload_lets_go_of_its_connections_before_it_cleans_up() {
    let staging = Staging::start();
    let path = film(&staging, 64 * MIB).unwrap();
    let valve = Arc::new(Valve::before(staging.address(), 2 * MIB));
    staging.storage().set_public_url(valve.url());
    let (waiting, cancelled) = (valve.clone(), Arc::new(AtomicBool::new(false)));
    let is_cancelled = cancelled.clone();
    let decide = move |_: &[Value]| {
        if is_cancelled.load(Ordering::SeqCst) {
            // The server takes its time, and no connection to the storage waits for it.
            waiting.open();
            waiting.wait_closed();
        }
        Act::Pass
    };
    let session = relayed(&staging, Box::new(decide));
    let job = session.submit(&Publish::of(&path, TASK)).unwrap();
    valve.wait_open(6);
    valve.wait_passed(MIB);
    cancelled.store(true, Ordering::SeqCst);
    assert_eq!(ftr_job_cancel(job.0), FTR_OK);
    let ended = job.wait();
    assert_eq!(ended.state, FTR_JOB_CANCELLED, "{ended:?}");
    assert!(ended.message.contains("nothing of it is left"), "{ended:?}");
}

/// As a user of the server does.
fn delete_version(staging: &Staging, id: &str) {
    let body = json!([{"action": "delete", "entity_type": "AssetVersion", "entity_key": [id]}]).to_string();
    let mut stream = TcpStream::connect(staging.address()).unwrap();
    let head = format!(
        "POST /api HTTP/1.1\r\nhost: staging\r\nftrack-user: {DEMO_USER}\r\nftrack-api-key: {DEMO_KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(staging.query("select id from AssetVersion").is_empty(), "{answer}");
}
