//! A server that refuses, loses answers or goes away in between: nothing is made twice, and what is published stays.

use super::host::{Session, session_options, text};
use super::people::{Step, Studio, invited};
use super::relay::{Act, Decide, does, exception, relay};
use super::wish::{Wish, keeping, outbox, resumed, wait, wish};
use ftreview::ffi::constants::*;
use ftreview::ffi::ftr_outbox_retry;
use ftreview::ffi::types::ftr_session_options;
use ftreview::outbox::{Limits, Outbox};
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// With something of everything.
fn full(studio: &Studio) -> Wish {
    studio.attribute("cut_in", "number");
    wish()
        .with("task_status", "Pending Review")
        .with("uses_versions", json!([studio.reviewer.version()]))
        .with("lists", json!(["Dailies"]))
        .with("metadata", json!({"a": 1}))
        .with("custom_attributes", json!({"cut_in": 1001}))
        .with("note", "Look")
        .with("note_labels", json!(["Internal"]))
        .frame(3)
        .with("review_session", "Friday")
        .with("invitees", json!([{"email": "bert@client.com"}, {"email": "carla@client.com"}]))
        .flags(FTR_PUBLISH_CREATE_LISTS | FTR_PUBLISH_CREATE_REVIEW_SESSION)
}

fn session(studio: &Studio, decide: Decide) -> Session {
    Session::create(&relay(studio.staging.url(), decide), DEMO_USER, DEMO_KEY)
}

/// What a whole publish makes is there, once.
fn assert_once(studio: &Studio) {
    for (kind, number) in [
        ("AssetVersionLink", 1),
        ("AssetVersionList", 1),
        ("ListObject", 1),
        ("Note", 1),
        ("NoteLabelLink", 1),
        ("ReviewSession", 1),
        ("ReviewSessionObject", 1),
        ("ReviewSessionInvitee", 2),
    ] {
        assert_eq!(studio.count(kind), number, "{kind}");
    }
}

#[test]
fn a_lost_answer_makes_nothing_twice() {
    for (kind, action) in [("AssetVersion", "create"), ("FileComponent", "update")] {
        let studio = Studio::start();
        let wished = full(&studio);
        let lost = AtomicUsize::new(0);
        let session = session(
            &studio,
            Box::new(move |operations| {
                let first = does(operations, action, kind) && lost.fetch_add(1, Ordering::SeqCst) == 0;
                if first { Act::Lose } else { Act::Pass }
            }),
        );
        let end = wished.done(&session);
        assert_eq!(end.warnings, [""; 0]);
        assert_once(&studio);
    }
}

#[test]
fn what_the_server_refuses_is_a_warning_of_its_own_and_the_rest_is_there() {
    for (kind, word) in [
        ("Note", "without its note"),
        ("ListObject", "without its place in the list \"Dailies\""),
        ("ReviewSessionObject", "without its place in the review session \"Friday\""),
        ("AssetVersionLink", "without its links"),
        ("Metadata", "without its metadata"),
        ("Task", "without the status of its task"),
        ("AssetVersionCustomAttributeValue", "without its custom attributes"),
    ] {
        let studio = Studio::start();
        let wished = full(&studio);
        let session = session(
            &studio,
            Box::new(move |operations| {
                let of_version = operations.iter().any(|operation| {
                    operation["entity_type"] == kind && operation["entity_data"]["parent_type"] != "FileComponent"
                });
                match of_version {
                    true => Act::Refuse(200, exception("PermissionError", "not you")),
                    false => Act::Pass,
                }
            }),
        );
        let end = wished.done(&session);
        assert_eq!(end.warnings.len(), 1, "{kind}: {:?}", end.warnings);
        assert!(end.warnings[0].contains(word) && end.warnings[0].contains("not you"), "{:?}", end.warnings);
        let media = format!("select id from FileComponent where version_id is \"{}\"", end.version_id);
        assert_eq!(studio.staging.query(&media).len(), 2, "{kind}");
        let has = |other: &str, number: usize| {
            assert_eq!(studio.count(other), if other == kind { 0 } else { number }, "{kind}: {other}")
        };
        has("Note", 1);
        has("ListObject", 1);
        has("AssetVersionLink", 1);
        has("ReviewSessionObject", 1);
        assert_eq!(end.note_id.is_empty(), kind == "Note");
        assert_eq!(end.review_session_id.is_empty(), kind == "ReviewSessionObject");
    }
}

#[test]
fn a_server_whose_notes_have_no_frames_gets_the_frame_in_the_text() {
    let studio = Studio::start();
    let session = session(
        &studio,
        Box::new(|operations| {
            let on_frame = operations.iter().any(|operation| operation["entity_data"].get("frame_number").is_some());
            match on_frame {
                true => Act::Refuse(200, exception("ValidationError", "Note has no attribute frame_number")),
                false => Act::Pass,
            }
        }),
    );
    let end = full(&studio).done(&session);
    assert!(end.warnings.len() == 1 && end.warnings[0].contains("Frame 3"), "{:?}", end.warnings);
    assert_eq!(studio.staging.query("select content from Note")[0]["content"], "Frame 3: Look");
    assert_once(&studio);
}

#[test]
fn an_invitation_whose_answer_is_lost_is_not_sent_again() {
    let studio = Studio::start();
    let asked = Arc::new(AtomicUsize::new(0));
    let seen = asked.clone();
    // The server sends the mails, and so has a date for each; then the mails are on their way and nobody knows.
    for loses_before in [false, true] {
        let seen = seen.clone();
        let decide: Decide = Box::new(move |operations| match (invited(operations).is_empty(), loses_before) {
            (true, _) => Act::Pass,
            (false, false) => {
                seen.fetch_add(1, Ordering::SeqCst);
                Act::Lose
            }
            (false, true) => {
                seen.fetch_add(1, Ordering::SeqCst);
                Act::Refuse(500, Value::Null)
            }
        });
        asked.store(0, Ordering::SeqCst);
        let session = session(&studio, decide);
        let name = format!("Friday {loses_before}");
        let end = wish()
            .with("review_session", name)
            .with("invitees", json!([{"email": "bert@client.com"}]))
            .flags(FTR_PUBLISH_CREATE_REVIEW_SESSION)
            .done(&session);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert_eq!(end.warnings.len(), usize::from(loses_before), "{:?}", end.warnings);
        assert!(end.warnings.iter().all(|warning| warning.contains("nobody can tell")), "{:?}", end.warnings);
    }
}

#[test]
fn a_publish_that_is_done_is_not_done_again_with_the_same_key() {
    let studio = Studio::start();
    let wished = full(&studio).with("idempotency_key", "farm 17");
    let first = wished.done(&studio.staging.session());
    let (before, mails) = (studio.census(), studio.staging.query("select id, last_sent_at from ReviewSessionInvitee"));
    // Somebody has done something since.
    let task = studio.staging.id("select id from Task where name is \"compositing\" and parent.name is \"sh010\"");
    studio.reviewer.update("Task", &task, json!({"status_id": studio.reviewer.status("Approved")}));
    let second = wished.done(&studio.staging.session());
    assert_eq!((&second.version_id, second.warnings.len()), (&first.version_id, 0), "{second:?}");
    assert_eq!((&second.note_id, &second.review_session_id), (&first.note_id, &first.review_session_id));
    assert_eq!(studio.census(), before);
    assert_eq!(studio.staging.query("select id, last_sent_at from ReviewSessionInvitee"), mails);
    let status = studio.staging.query(&format!("select status.name from Task where id is \"{task}\""))[0].clone();
    assert_eq!(status.pointer("/status/name"), Some(&json!("Approved")), "what others did since stays");
}

#[test]
fn a_publish_that_is_kept_goes_on_after_each_step_and_makes_nothing_twice() {
    let steps: [(&str, Step); 4] = [
        ("resolving", |operations| is_query_of(operations, "AssetType")),
        ("versioning", |operations| does(operations, "create", "AssetVersion")),
        ("showing", |operations| does(operations, "update", "FileComponent")),
        ("inviting", |operations| !invited(operations).is_empty()),
    ];
    for (name, at_step) in steps {
        let studio = Studio::start();
        let wished = full(&studio);
        let folder = outbox(&studio.staging);
        let well = Arc::new(AtomicBool::new(false));
        let is_well = well.clone();
        let decide: Decide = Box::new(move |operations| match at_step(operations) && !is_well.load(Ordering::SeqCst) {
            true => Act::Refuse(403, exception("InvalidCredentialsError", "not any more")),
            false => Act::Pass,
        });
        let address = relay(studio.staging.url(), decide);
        let session = keeping(&address, &folder);
        let end = wished.end(&session);
        assert_eq!((end.state, end.code), (FTR_JOB_PARKED, Code::Unauthorised as i32), "{name}: {end:?}");
        drop(session);
        well.store(true, Ordering::SeqCst);
        let other = keeping(&address, &folder);
        let end = resumed(&other);
        assert_eq!((end.state, end.warnings.len()), (FTR_JOB_DONE, 0), "{name}: {end:?}");
        assert_once(&studio);
        assert_eq!(
            studio.staging.query("select id from AssetVersion where asset.name is \"review\"").len(),
            1,
            "{name}"
        );
        let mails = studio.staging.query("select id, last_sent_at from ReviewSessionInvitee");
        assert!(mails.iter().all(|row| !row["last_sent_at"].is_null()), "{name}: {mails:?}");
    }
}

fn is_query_of(operations: &[Value], kind: &str) -> bool {
    let of = format!("from {kind}");
    operations.iter().any(|operation| operation["expression"].as_str().is_some_and(|text| text.contains(&of)))
}

#[test]
fn who_may_have_been_invited_is_not_invited_again_by_a_retry() {
    let studio = Studio::start();
    let well = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let (is_well, count) = (well.clone(), asked.clone());
    let decide: Decide =
        Box::new(move |operations| match (invited(operations).is_empty(), is_well.load(Ordering::SeqCst)) {
            (true, _) => Act::Pass,
            (false, false) => Act::Refuse(403, exception("InvalidCredentialsError", "not any more")),
            (false, true) => {
                count.fetch_add(1, Ordering::SeqCst);
                Act::Pass
            }
        });
    let (address, folder) = (relay(studio.staging.url(), decide), outbox(&studio.staging));
    let end = wish()
        .with("review_session", "Friday")
        .with("invitees", json!([{"email": "bert@client.com"}]))
        .flags(FTR_PUBLISH_CREATE_REVIEW_SESSION)
        .end(&keeping(&address, &folder));
    assert_eq!(end.state, FTR_JOB_PARKED, "{end:?}");
    // As a process leaves it that is killed while the server sends the mail.
    let claim = Outbox::new(folder.clone(), Limits::default()).claim(&end.outbox_id).unwrap();
    let mut state = claim.state();
    let guest = studio.staging.id("select id from ReviewSessionInvitee");
    state.facts.insert("invitations".to_owned(), json!({guest: "asked"}));
    claim.set_state(state).unwrap();
    drop(claim);
    well.store(true, Ordering::SeqCst);
    let path = text(folder.to_str().unwrap());
    let options =
        ftr_session_options { outbox_folder: path.as_ptr(), flags: FTR_SESSION_OUTBOX_MANUAL, ..session_options() };
    let session = Session::with(&address, options).unwrap();
    let (id, mut job) = (text(&end.outbox_id), 0);
    // SAFETY: a text and a variable.
    assert_eq!(unsafe { ftr_outbox_retry(session.0, id.as_ptr(), &mut job) }, FTR_OK);
    let end = wait(job);
    assert_eq!((end.state, asked.load(Ordering::SeqCst)), (FTR_JOB_DONE, 0), "{end:?}");
    assert!(end.warnings.iter().any(|warning| warning.contains("bert@client.com")), "{:?}", end.warnings);
}
