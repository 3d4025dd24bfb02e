//! An existing version that gets new media.

use super::host::{Session, example, sample};
use super::people::Studio;
use super::relay::{Act, does, exception, relay};
use super::wish::{keeping, outbox, resumed, wish};
use ftreview::ffi::constants::*;
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

#[test]
fn a_version_that_gets_new_media_is_never_without_and_loses_the_earlier_ones() {
    let studio = Studio::start();
    let first = wish().with("comment", "First").with("lists", json!(["Dailies"])).flags(FTR_PUBLISH_CREATE_LISTS);
    let first = first.done(&studio.staging.session());
    let media = |version: &str| {
        let rows = studio.staging.query(&format!(
            "select id, name from FileComponent where version_id is \"{version}\" and name like \"ftrackreview%\""
        ));
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(media(&first.version_id), [first.component_id.as_str()]);
    // What the version has before each request of the library that deletes something.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let address = relay(
        studio.staging.url(),
        Box::new(move |operations| {
            noted
                .lock()
                .unwrap()
                .push((does(operations, "delete", "FileComponent"), does(operations, "update", "FileComponent")));
            Act::Pass
        }),
    );
    let session = Session::create(&address, DEMO_USER, DEMO_KEY);
    let second = wish()
        .with("context", &first.version_id)
        .with("path", sample("h264.mp4").display())
        .with("status", "Approved")
        .with("note", "With new media")
        .with("metadata", json!({"round": 2}))
        .with("lists", json!(["Dailies", "Weeklies"]))
        .flags(FTR_PUBLISH_INTO_VERSION | FTR_PUBLISH_CREATE_LISTS)
        .done(&session);
    assert_eq!(second.warnings, [""; 0]);
    assert_eq!((&second.version_id, second.version_number), (&first.version_id, 1));
    assert_eq!(media(&first.version_id), [second.component_id.as_str()]);
    assert!(studio.staging.stored(&second.component_id) == std::fs::read(sample("h264.mp4")).unwrap());
    let order: Vec<_> =
        seen.lock().unwrap().iter().filter(|(deletes, updates)| *deletes || *updates).copied().collect();
    assert_eq!(order, [(false, true), (true, false)], "the new media are there before the earlier ones go");
    let version = &studio.staging.query("select comment, status.name, thumbnail_id from AssetVersion")[0];
    assert_eq!(
        (version["comment"].as_str(), version["thumbnail_id"].as_str()),
        (Some("First"), Some(second.thumbnail_id.as_str()))
    );
    assert_eq!(version.pointer("/status/name"), Some(&json!("Approved")));
    assert_eq!(studio.staging.query("select id from ListObject").len(), 2, "it was in Dailies already");
    // The same metadata key again.
    let third = wish()
        .with("context", &first.version_id)
        .with("metadata", json!({"round": 3}))
        .flags(FTR_PUBLISH_INTO_VERSION)
        .done(&session);
    assert_eq!((third.warnings, media(&first.version_id)), (vec![], vec![third.component_id]));
    let rounds =
        studio.staging.query(&format!("select value from Metadata where parent_id is \"{}\"", first.version_id));
    assert_eq!(rounds[0]["value"], "3");
    assert_eq!(studio.staging.query("select id from AssetVersion").len(), 1);
}

#[test]
fn a_version_keeps_its_media_when_the_new_ones_cannot_be_given_to_it() {
    let studio = Studio::start();
    let first = wish().done(&studio.staging.session());
    let before = studio.census();
    for (action, kind) in [("create", "ComponentLocation"), ("update", "FileComponent")] {
        let refuse = move |operations: &[serde_json::Value]| match does(operations, action, kind) {
            true => Act::Refuse(200, exception("PermissionError", "not you")),
            false => Act::Pass,
        };
        let session = Session::create(&relay(studio.staging.url(), Box::new(refuse)), DEMO_USER, DEMO_KEY);
        let wished = wish().with("context", &first.version_id).with("path", example("review.mp4").display());
        let end = wished.flags(FTR_PUBLISH_INTO_VERSION).end(&session);
        assert_eq!((end.state, end.code), (FTR_JOB_FAILED, Code::Permission as i32), "{end:?}");
        assert_eq!(studio.census(), before, "{action} {kind}");
        assert!(studio.staging.stored(&first.component_id) == std::fs::read(example("review.mp4")).unwrap());
    }
}

#[test]
fn a_publish_that_is_kept_goes_on_until_the_earlier_media_are_gone() {
    let studio = Studio::start();
    let first = wish().done(&studio.staging.session());
    let well = Arc::new(AtomicBool::new(false));
    let is_well = well.clone();
    let address = relay(
        studio.staging.url(),
        Box::new(move |operations| {
            match does(operations, "delete", "FileComponent") && !is_well.load(Ordering::SeqCst) {
                true => Act::Refuse(403, exception("InvalidCredentialsError", "not any more")),
                false => Act::Pass,
            }
        }),
    );
    let folder = outbox(&studio.staging);
    let wished = wish().with("context", &first.version_id).flags(FTR_PUBLISH_INTO_VERSION);
    let end = wished.end(&keeping(&address, &folder));
    assert_eq!((end.state, end.code), (FTR_JOB_PARKED, Code::Unauthorised as i32), "{end:?}");
    well.store(true, Ordering::SeqCst);
    let end = resumed(&keeping(&address, &folder));
    assert_eq!((end.state, &end.version_id), (FTR_JOB_DONE, &first.version_id), "{end:?}");
    let media = format!(
        "select id from FileComponent where version_id is \"{}\" and name like \"ftrackreview%\"",
        first.version_id
    );
    assert_eq!(studio.staging.id(&media), end.component_id);
}

#[test]
fn an_earlier_still_that_a_task_shows_as_its_thumbnail_stays_as_that() {
    let studio = Studio::start();
    let session = studio.staging.session();
    let still = wish().with("path", example("still.png").display()).without("thumbnail");
    let first = still.flags(FTR_PUBLISH_TASK_THUMBNAIL).done(&session);
    let task = "select thumbnail_id from Task where name is \"compositing\" and parent.name is \"sh010\"";
    assert_eq!(studio.staging.query(task)[0]["thumbnail_id"], first.component_id.as_str());
    let second = wish().with("context", &first.version_id).flags(FTR_PUBLISH_INTO_VERSION).done(&session);
    let there = |filter: String| {
        let rows = studio.staging.query(&format!("select id from FileComponent where {filter}"));
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let media = format!("version_id is \"{}\" and name like \"ftrackreview%\"", first.version_id);
    assert_eq!(there(media), [second.component_id]);
    assert_eq!(studio.staging.query(task)[0]["thumbnail_id"], first.component_id.as_str());
    assert_eq!(there(format!("id is \"{}\"", first.component_id)), [first.component_id.as_str()]);
    assert!(studio.staging.stored(&first.component_id) == std::fs::read(example("still.png")).unwrap());
}
