//! What a server does that it should not, in the middle of a publish.

use super::host::{Publish, Session, Staging, example};
use super::relay::{Act, Decide, does, exception, relay};
use ftreview::ffi::constants::*;
use ftreview::ffi::{ftr_job_cancel, ftr_session_wait_ready};
use ftreview::session::{Code, policy};
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER, READER_KEY, READER_USER};
use ftreview_sandbox::storage::Limits;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TASK: &str = "demo/sq010/sh010/compositing";

fn session(staging: &Staging, decide: Decide) -> Session {
    Session::create(&relay(staging.url(), decide), DEMO_USER, DEMO_KEY)
}

fn still() -> Publish {
    Publish::of(example("still.png"), TASK)
}

fn creates_version(operations: &[Value]) -> bool {
    does(operations, "create", "AssetVersion")
}

/// Gives a version its media.
fn attaches(operations: &[Value]) -> bool {
    does(operations, "update", "FileComponent")
}

#[test]
fn results_of_any_shape_are_no_defect_of_the_library() {
    let staging = Staging::start();
    for result in [json!(true), json!([]), json!("done"), json!(null), json!({"data": null}), json!({"data": [1]})] {
        let odd = result.clone();
        let session = session(
            &staging,
            Box::new(move |operations| match creates_version(operations) {
                true => Act::Replace(200, operations.iter().map(|_| odd.clone()).collect()),
                false => Act::Pass,
            }),
        );
        let ended = session.publish(&still()).done();
        assert!(ended.version_number > 0, "{result}: {ended:?}");
    }
}

#[test]
fn an_answer_that_was_lost_makes_neither_a_second_version_nor_a_failure() {
    let staging = Staging::start();
    for lost in [creates_version, attaches, |operations: &[Value]| does(operations, "create", "FileComponent")] {
        let before = staging.query("select id from AssetVersion").len();
        let once = AtomicBool::new(true);
        let session = session(
            &staging,
            Box::new(move |operations| match lost(operations) && once.swap(false, Ordering::SeqCst) {
                true => Act::Lose,
                false => Act::Pass,
            }),
        );
        let ended = session.publish(&still()).done();
        assert!(ended.version_number > 0, "{ended:?}");
        assert_eq!(staging.query("select id from AssetVersion").len(), before + 1);
    }
}

#[test]
fn however_many_jobs_are_accepted_only_a_few_run_at_once() {
    let staging = Staging::start();
    // Those that have begun and not ended, and the most there were.
    let running: Arc<Mutex<(usize, usize)>> = Arc::default();
    let counted = running.clone();
    let session = session(
        &staging,
        Box::new(move |operations| {
            let mut running = counted.lock().unwrap();
            let begins =
                |operation: &Value| operation["expression"].as_str().is_some_and(|text| text.contains("AssetType"));
            running.0 += usize::from(operations.iter().any(begins));
            running.1 = running.1.max(running.0);
            running.0 -= usize::from(attaches(operations));
            Act::Pass
        }),
    );
    let jobs: Vec<_> = (0..40).map(|_| session.submit(&still()).unwrap()).collect();
    for job in &jobs {
        job.wait().done();
    }
    let most = running.lock().unwrap().1;
    assert!(most <= policy::PARALLEL_UPLOADS, "{most}");
}

#[test]
fn a_failed_publish_never_takes_anything_of_another_publisher_with_it() {
    let staging = Staging::start();
    let before = staging.census();
    let other = Mutex::new(Some(staging.session()));
    let version: Arc<Mutex<String>> = Arc::default();
    let made = version.clone();
    let session = session(
        &staging,
        Box::new(move |operations| {
            if !attaches(operations) {
                return Act::Pass;
            }
            // The asset is there now, so another publisher finds it.
            if let Some(other) = other.lock().unwrap().take() {
                *made.lock().unwrap() = other.publish(&still()).done().version_id;
            }
            Act::Refuse(200, exception("ValidationError", "not now"))
        }),
    );
    let ended = session.publish(&still());
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::Validation as i32), "{ended:?}");
    assert_eq!((ended.version_id.as_str(), ended.warnings.len()), ("", 0), "{ended:?}");
    let left = staging.query("select id from AssetVersion where asset.name is still");
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["id"], json!(*version.lock().unwrap()));
    // An asset, a version, a component and where it is: the other's.
    let added: Vec<usize> = staging.census().iter().zip(before).map(|(now, before)| now - before).collect();
    assert_eq!(added, [1, 1, 1, 1]);
}

#[test]
fn what_could_not_be_removed_after_a_failure_is_told_and_nothing_else_is() {
    let staging = Staging::start();
    let session = session(
        &staging,
        Box::new(|operations| match attaches(operations) || does(operations, "delete", "AssetVersion") {
            true => Act::Refuse(200, exception("ServerError", "the disk is full")),
            false => Act::Pass,
        }),
    );
    let ended = session.publish(&still());
    assert_eq!(ended.state, FTR_JOB_FAILED);
    let version = staging.id("select id from AssetVersion where asset.name is still");
    assert_eq!(ended.version_id, version, "{ended:?}");
    assert!(ended.warnings.iter().any(|warning| warning.contains(&version)), "{ended:?}");

    let session = Session::create(staging.url(), READER_USER, READER_KEY);
    let ended = session.publish(&still());
    assert_eq!((ended.code, ended.warnings.len()), (Code::Permission as i32, 0), "{ended:?}");
}

#[test]
fn a_publish_that_is_cancelled_at_any_of_its_requests_is_done_or_leaves_nothing() {
    let staging = Staging::start();
    for request in 0..5 {
        let before = staging.census();
        let job = Arc::new(AtomicU64::new(0));
        let (cancelled, seen) = (job.clone(), AtomicUsize::new(0));
        let session = session(
            &staging,
            Box::new(move |operations| {
                let is_publish = operations.iter().all(|operation| operation["action"] != "query_server_information");
                if is_publish && seen.fetch_add(1, Ordering::SeqCst) == request {
                    while cancelled.load(Ordering::SeqCst) == 0 {
                        std::thread::yield_now();
                    }
                    assert_eq!(ftr_job_cancel(cancelled.load(Ordering::SeqCst)), FTR_OK);
                }
                Act::Pass
            }),
        );
        let running = session.submit(&still()).unwrap();
        job.store(running.0, Ordering::SeqCst);
        let ended = running.wait();
        match ended.state {
            FTR_JOB_DONE => assert!(request >= 2),
            _ => {
                assert_eq!((ended.state, staging.census()), (FTR_JOB_CANCELLED, before), "request {request}: {ended:?}")
            }
        }
    }
}

#[test]
fn parts_whose_completion_was_answered_into_nowhere_are_no_failure() {
    let staging = Staging::start();
    let path = large_movie(&staging);
    let once = AtomicBool::new(true);
    let session = session(
        &staging,
        Box::new(move |operations| {
            let completes = operations.iter().any(|operation| operation["action"] == "complete_multipart_upload");
            if completes && once.swap(false, Ordering::SeqCst) { Act::Lose } else { Act::Pass }
        }),
    );
    let ended = session.publish(&Publish::of(&path, TASK)).done();
    assert!(staging.stored(&ended.component_id) == std::fs::read(&path).unwrap());
    let located = format!("select id from ComponentLocation where component_id is \"{}\"", ended.component_id);
    assert_eq!(staging.query(&located).len(), 1);
}

#[test]
fn an_upload_address_that_has_expired_is_asked_for_again_once() {
    let staging = Staging::start();
    for path in [example("still.png"), large_movie(&staging)] {
        let storage = staging.storage();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let session = session(
            &staging,
            Box::new(move |operations| {
                if !operations.iter().any(|operation| operation["action"] == "get_upload_metadata") {
                    return Act::Pass;
                }
                // The first addresses have expired when they arrive.
                let first = count.fetch_add(1, Ordering::SeqCst) == 0;
                let lifetime = Duration::from_secs(if first { 0 } else { 600 });
                storage.set_limits(Limits { address_lifetime: lifetime, ..Limits::default() });
                Act::Pass
            }),
        );
        let ended = session.publish(&Publish::of(&path, TASK)).done();
        assert!(staging.stored(&ended.component_id) == std::fs::read(&path).unwrap());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}

#[test]
fn a_server_that_is_away_when_the_version_wants_its_media_is_waited_for() {
    let staging = Staging::start();
    let refusals = AtomicU64::new(0);
    // More often than one request is tried.
    let many = u64::from(policy::ATTEMPTS) + 2;
    let session = session(
        &staging,
        Box::new(move |operations| {
            let away = attaches(operations) && refusals.fetch_add(1, Ordering::SeqCst) < many;
            if away { Act::Refuse(503, json!("being restarted")) } else { Act::Pass }
        }),
    );
    let ended = session.publish(&still()).done();
    let shown = format!("select id from FileComponent where version_id is \"{}\"", ended.version_id);
    assert_eq!(staging.query(&shown).len(), 1);
}

#[test]
fn trouble_that_has_passed_is_not_the_status_for_ever() {
    let staging = Staging::start();
    // A gateway's page in place of one answer.
    let spoilt = AtomicU64::new(0);
    let session = session(
        &staging,
        Box::new(move |_| match spoilt.fetch_add(1, Ordering::SeqCst) {
            0 => Act::Refuse(404, json!("<html>maintenance</html>")),
            _ => Act::Pass,
        }),
    );
    assert_eq!(ftr_session_wait_ready(session.0, 60_000), Code::WrongServer as i32);
    session.publish(&still()).done();
    session.await_status(FTR_STATUS_READY);
}

/// A movie that goes up in parts: a free box at the end makes any movie as large as wanted.
fn large_movie(staging: &Staging) -> std::path::PathBuf {
    let mut movie = std::fs::read(example("review.mp4")).unwrap();
    let padding = 17u32 << 20;
    movie.extend_from_slice(&(padding + 8).to_be_bytes());
    movie.extend_from_slice(b"free");
    movie.resize(movie.len() + padding as usize, 7);
    let path = staging.scratch().join("large.mp4");
    std::fs::write(&path, &movie).unwrap();
    path
}
