//! Media that the server encodes.

use super::host::{Session, Staging, sample};
use super::people::{Step, Studio};
use super::relay::{Act, Decide, exception, relay};
use super::wish::{Wish, keeping, outbox, wait, wish};
use ftreview::ffi::constants::*;
use ftreview::ffi::{ftr_hub_connect, ftr_job_cancel};
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use ftreview_sandbox::encoding::Mode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Media that browsers do not play, without a thumbnail.
fn prores() -> Wish {
    wish().with("path", sample("prores.mov").display()).without("thumbnail").mode(FTR_MODE_ENCODE)
}

fn encodes(operations: &[Value]) -> bool {
    operations.iter().any(|operation| operation["action"] == "encode_media")
}

fn stuck() -> Studio {
    Studio::of(Staging::start_with(|config| config.encoding.mode = Mode::Stuck))
}

fn media(studio: &Studio, version: &str) -> Vec<String> {
    let rows = studio.staging.query(&format!("select name from FileComponent where version_id is \"{version}\""));
    let mut names: Vec<String> = rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Nothing that a publish makes is there.
fn assert_nothing_left(studio: &Studio) {
    for kind in ["AssetVersion", "FileComponent", "Note"] {
        assert_eq!(studio.count(kind), 0, "{kind}");
    }
}

#[test]
fn what_browsers_do_not_play_is_encoded_by_the_server_and_then_shown_with_all_the_rest() {
    if !ffmpeg() {
        return;
    }
    let studio = Studio::start();
    let session = studio.staging.session();
    let end = prores()
        .with("note", "Encoded")
        .with("review_session", "Friday")
        .flags(FTR_PUBLISH_CREATE_REVIEW_SESSION)
        .done(&session);
    assert_eq!(end.warnings, [""; 0]);
    assert_eq!(media(&studio, &end.version_id), ["ftrackreview-mp4", "thumbnail"]);
    assert_eq!(end.components, ["ftrackreview-mp4", "thumbnail"]);
    let main = studio.staging.id("select id from FileComponent where name is \"ftrackreview-mp4\"");
    assert_eq!(end.component_id, main);
    let job = &studio.staging.query("select id, status from Job")[0];
    assert_eq!((job["id"].as_str(), job["status"].as_str()), (Some(end.encode_job_id.as_str()), Some("done")));
    let version = &studio.staging.query("select thumbnail_id from AssetVersion")[0];
    assert_eq!(version["thumbnail_id"], end.thumbnail_id);
    assert_eq!((studio.count("Note"), studio.count("ReviewSessionObject")), (1, 1));
    assert_eq!(studio.count("FileComponent"), 2, "the source is gone");
    let played = studio.staging.stored(&main);
    assert_eq!(&played[4..8], b"ftyp");
}

#[test]
fn a_source_that_is_to_be_kept_is_a_component_of_the_version_and_a_given_thumbnail_stays() {
    if !ffmpeg() {
        return;
    }
    let studio = Studio::start();
    let wished = wish().with("path", sample("container.mkv").display()).mode(FTR_MODE_ENCODE);
    let end = wished.flags(FTR_PUBLISH_KEEP_ORIGINAL).done(&studio.staging.session());
    let source = studio.staging.id("select id from FileComponent where name is \"source\"");
    assert!(studio.staging.stored(&source) == std::fs::read(sample("container.mkv")).unwrap());
    assert!(media(&studio, &end.version_id).contains(&"source".to_owned()), "{:?}", media(&studio, &end.version_id));
    assert!(end.components.contains(&"source".to_owned()), "{:?}", end.components);
    let version = &studio.staging.query("select thumbnail_id from AssetVersion")[0];
    assert_eq!(version["thumbnail_id"], end.thumbnail_id);
    let given = super::host::example("thumbnail.jpg");
    assert!(studio.staging.stored(&end.thumbnail_id) == std::fs::read(given).unwrap());
}

#[test]
fn it_is_the_same_with_the_event_hub_connected() {
    if !ffmpeg() {
        return;
    }
    let studio = Studio::of(Staging::start_with(|config| config.encoding.delay = Duration::from_millis(1500)));
    let session = studio.staging.session();
    assert_eq!(ftr_hub_connect(session.0), FTR_OK);
    session.await_event(FTR_EVENT_HUB_STATUS);
    let end = prores().done(&session);
    assert_eq!(end.warnings, [""; 0]);
    assert_eq!(media(&studio, &end.version_id), ["ftrackreview-mp4", "thumbnail"]);
}

#[test]
fn an_encoding_that_fails_is_told_in_the_servers_words_and_leaves_nothing() {
    let studio = Studio::of(Staging::start_with(|config| config.encoding.program = Some("/no/such/ffmpeg".into())));
    let end = prores().with("note", "Never seen").end(&studio.staging.session());
    assert_eq!(
        (end.state, end.code, end.stage),
        (FTR_JOB_FAILED, Code::EncodeFailed as i32, FTR_STAGE_ENCODING),
        "{end:?}"
    );
    assert!(
        end.message.contains("could not be started") && end.message.contains(&end.encode_job_id),
        "{}",
        end.message
    );
    assert_nothing_left(&studio);
}

#[test]
fn a_server_without_an_encoder_is_told_as_such_and_nothing_is_left() {
    let studio = Studio::of(Staging::start_with(|config| config.encoding.mode = Mode::Off));
    let end = prores().end(&studio.staging.session());
    assert_eq!((end.state, end.code), (FTR_JOB_FAILED, Code::EncodeUnsupported as i32), "{end:?}");
    assert_nothing_left(&studio);
}

#[test]
fn an_encoding_that_does_not_end_is_told_and_its_version_stays() {
    let studio = stuck();
    let end = prores().encode_timeout_ms(700).end(&studio.staging.session());
    assert_eq!((end.state, end.code), (FTR_JOB_FAILED, Code::EncodeStuck as i32), "{end:?}");
    assert!(end.message.contains(&end.encode_job_id) && end.message.contains("running"), "{}", end.message);
    assert_eq!(studio.staging.id("select id from AssetVersion"), end.version_id);
}

#[test]
fn a_publish_that_is_cancelled_while_the_server_encodes_leaves_nothing() {
    let studio = stuck();
    let session = studio.staging.session();
    let job = prores().submit(&session).unwrap();
    while studio.staging.query("select id from Job where status is \"running\"").is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(ftr_job_cancel(job), FTR_OK);
    let end = wait(job);
    assert_eq!((end.state, end.code), (FTR_JOB_CANCELLED, Code::Cancelled as i32), "{end:?}");
    assert_nothing_left(&studio);
}

#[test]
fn an_answer_that_is_lost_does_not_have_it_encoded_twice() {
    if !ffmpeg() {
        return;
    }
    let studio = Studio::start();
    let lost = AtomicUsize::new(0);
    let decide: Decide = Box::new(move |operations| {
        let first = encodes(operations) && lost.fetch_add(1, Ordering::SeqCst) == 0;
        if first { Act::Lose } else { Act::Pass }
    });
    let session = Session::create(&relay(studio.staging.url(), decide), DEMO_USER, DEMO_KEY);
    let end = prores().done(&session);
    assert_eq!(studio.staging.query("select id from Job").len(), 1);
    assert_eq!(media(&studio, &end.version_id), ["ftrackreview-mp4", "thumbnail"]);
}

#[test]
fn a_publish_that_is_kept_goes_on_watching_and_has_nothing_encoded_twice() {
    if !ffmpeg() {
        return;
    }
    let steps: [(&str, Step); 3] = [
        ("asking", encodes),
        ("watching", |operations| is_query_of(operations, "Job")),
        ("following", |operations| super::relay::does(operations, "create", "Note")),
    ];
    for (name, at_step) in steps {
        let studio = Studio::start();
        let well = Arc::new(AtomicBool::new(false));
        let is_well = well.clone();
        let decide: Decide = Box::new(move |operations| match at_step(operations) && !is_well.load(Ordering::SeqCst) {
            true => Act::Refuse(403, exception("InvalidCredentialsError", "not any more")),
            false => Act::Pass,
        });
        let address = relay(studio.staging.url(), decide);
        let session = keeping(&address, &outbox(&studio.staging));
        let end = prores().with("note", "Look").with("task_status", "On Hold").encode_timeout_ms(3000).end(&session);
        assert_eq!(end.state, FTR_JOB_PARKED, "{name}: {end:?}");
        drop(session);
        well.store(true, Ordering::SeqCst);
        let other = keeping(&address, &outbox(&studio.staging));
        let event = other.await_event(FTR_EVENT_JOB_RESUMED);
        let end = wait(event["job"].as_str().unwrap().parse().unwrap());
        assert_eq!((end.state, end.warnings.len()), (FTR_JOB_DONE, 0), "{name}: {end:?}");
        assert_eq!(studio.staging.query("select id from Job").len(), 1, "{name}");
        assert_eq!((studio.count("AssetVersion"), studio.count("Note")), (1, 1), "{name}");
        assert_eq!(media(&studio, &end.version_id), ["ftrackreview-mp4", "thumbnail"], "{name}");
        let task = studio
            .staging
            .query("select status.name from Task where name is \"compositing\" and parent.name is \"sh010\"");
        assert_eq!(task[0].pointer("/status/name"), Some(&json!("On Hold")), "{name}");
    }
}

#[test]
fn an_encoding_that_does_not_end_stays_in_the_outbox() {
    let studio = stuck();
    let session = keeping(studio.staging.url(), &outbox(&studio.staging));
    let end = prores().encode_timeout_ms(300).end(&session);
    assert_eq!((end.state, end.code), (FTR_JOB_PARKED, Code::EncodeStuck as i32), "{end:?}");
    assert!(!end.outbox_id.is_empty());
    assert_eq!(studio.count("AssetVersion"), 1);
}

#[test]
fn the_same_key_again_waits_for_the_same_encoding() {
    if !ffmpeg() {
        return;
    }
    let studio = Studio::start();
    let wished = prores().with("idempotency_key", "farm 17").with("note", "Look");
    let first = wished.done(&studio.staging.session());
    studio.staging.requests();
    let second = wished.done(&studio.staging.session());
    assert_eq!((&second.version_id, &second.component_id), (&first.version_id, &first.component_id));
    assert_eq!((studio.staging.query("select id from Job").len(), studio.count("Note")), (1, 1));
    assert_eq!(studio.staging.puts(), 0);
}

#[test]
fn an_existing_version_keeps_its_media_until_the_server_has_encoded_the_new_ones() {
    if !ffmpeg() {
        return;
    }
    let studio = Studio::start();
    let first = wish().done(&studio.staging.session());
    let into = || prores().with("context", &first.version_id).flags(FTR_PUBLISH_INTO_VERSION);
    let refuse: Decide = Box::new(|operations| match encodes(operations) {
        true => Act::Refuse(200, exception("PermissionError", "not you")),
        false => Act::Pass,
    });
    let session = Session::create(&relay(studio.staging.url(), refuse), DEMO_USER, DEMO_KEY);
    let end = into().end(&session);
    assert_eq!((end.state, end.code), (FTR_JOB_FAILED, Code::Permission as i32), "{end:?}");
    assert_eq!(media(&studio, &first.version_id), ["ftrackreview-mp4", "thumbnail"]);
    let end = into().done(&studio.staging.session());
    let main = studio.staging.query("select id from FileComponent where name is \"ftrackreview-mp4\"");
    assert_eq!(main.len(), 1);
    assert_eq!((main[0]["id"].as_str(), end.version_id), (Some(end.component_id.as_str()), first.version_id));
}

#[test]
fn what_the_server_cannot_encode_is_refused_before_a_byte_is_sent() {
    let studio = Studio::start();
    let session = studio.staging.session();
    let text = studio.staging.scratch().join("notes.mov");
    std::fs::write(&text, "no movie").unwrap();
    let end = prores().with("path", text.display()).end(&session);
    assert_eq!(
        (end.state, end.code, end.stage),
        (FTR_JOB_FAILED, Code::NotMedia as i32, FTR_STAGE_CHECKING),
        "{end:?}"
    );
    assert_nothing_left(&studio);
}

fn is_query_of(operations: &[Value], kind: &str) -> bool {
    let of = format!("from {kind}");
    operations.iter().any(|operation| operation["expression"].as_str().is_some_and(|text| text.contains(&of)))
}

fn ffmpeg() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| folder.join("ffmpeg").is_file());
    assert!(is_there || std::env::var_os("CI").is_none(), "ffmpeg is not installed, and CI is set: install it");
    if !is_there {
        eprintln!("SKIPPED: ffmpeg is not installed");
    }
    is_there
}
