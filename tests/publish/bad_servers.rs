//! What a server does that it should not, in the middle of a publish.

use super::host::{Publish, Session, Staging, example};
use super::relay::{Act, Decide, does, exception, relay};
use ftreview::ffi::constants::*;
use ftreview::session::{Code, policy};
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER, READER_KEY, READER_USER};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

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
    assert!(most <= policy::RUNNING_JOBS, "{most}");
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
