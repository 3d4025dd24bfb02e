//! The staging server's own endpoint, `/studio/review`, which reads forms with a parser that others wrote.

use super::host::{Session, Upload, file, noise};
use super::support::sample;
use super::support::server::Staging;
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use md5::{Digest, Md5};
use serde_json::{Value, json};

fn md5_of(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_parser_of_forms_reads_what_was_meant_and_knows_who_sent_it() {
    let server = Staging::start();
    let session = Session::create(server.url(), DEMO_USER, DEMO_KEY);
    let folder = tempfile::tempdir().unwrap();
    let bytes = noise(9_000_001);
    let fields = json!({
        "shot": "sh010", "tags": ["a", "", "ü"], "note": "one\r\ntwo", "--boundary": "--\r\n\r\n--", "größe": "1;2=\"3\"",
    });
    let upload = Upload {
        fields: Some(fields.to_string()),
        file_field: Some("media".into()),
        ..Upload::of(file(folder.path(), "größe v003; x=1.dat", &bytes), "/studio/review")
    };
    let ended = session.uploaded(&upload).done();
    let answer: Value = serde_json::from_str(&ended.answer).unwrap();
    assert_eq!((&answer["user"], &answer["fields"]), (&json!(DEMO_USER), &fields));
    assert_eq!(
        answer["file"],
        json!({"field": "media", "name": "größe v003; x=1.dat", "content_type": "application/octet-stream",
               "size": bytes.len(), "md5": md5_of(&bytes)})
    );
    let movie = sample("h264.mp4");
    let ended = session.uploaded(&Upload::of(&movie, "/studio/review")).done();
    let answer: Value = serde_json::from_str(&ended.answer).unwrap();
    assert_eq!(answer["file"]["content_type"], "video/mp4");
    assert_eq!(answer["file"]["md5"], md5_of(&std::fs::read(movie).unwrap()));
}

#[test]
fn a_real_endpoints_refusals_are_told_by_their_codes() {
    let server = Staging::start();
    let session = Session::create(server.url(), DEMO_USER, DEMO_KEY);
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "comp.mov", &noise(6_000_000));
    let with = |query: &str| Upload::of(&path, &format!("/studio/review?{query}"));
    for (query, code, status) in [
        ("status=401", Code::Unauthorised, 401),
        ("status=403", Code::Permission, 403),
        ("status=404", Code::HttpRefused, 404),
        ("status=413", Code::HttpRefused, 413),
        ("status=429", Code::ServerBusy, 429),
        ("status=500&answer=html", Code::HttpRefused, 500),
    ] {
        let ended = session.uploaded(&with(query)).failed(code);
        assert_eq!(ended.refused_with, status, "{ended:?}");
        assert!(ended.message.contains("/studio/review") && !ended.message.contains('<'), "{ended:?}");
    }
    let wrong = Session::create(server.url(), DEMO_USER, "a-wrong-key");
    let ended = wrong.uploaded(&with("")).failed(Code::Unauthorised);
    assert!(!ended.message.contains("a-wrong-key"), "{ended:?}");
}
