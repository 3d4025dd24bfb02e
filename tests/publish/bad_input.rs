//! What is refused, how it is told, and that nothing is left behind.

use super::host::{Publish, Session, Staging, example, last_error, sample, session_options, text};
use ftreview::ffi::constants::*;
use ftreview::ffi::{ftr_job_cancel, ftr_session_create, ftr_session_wait_ready};
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER, READER_KEY, READER_USER};
use std::io::Write;

const TASK: &str = "demo/sq010/sh010/compositing";

#[test]
fn a_file_that_cannot_be_reviewed_is_told_by_its_own_code_before_anything_is_created() {
    let staging = Staging::start();
    let session = staging.session();
    let scratch = staging.scratch();
    let empty = scratch.join("empty.mp4");
    std::fs::write(&empty, b"").unwrap();
    let missing = scratch.join("missing.mp4");
    let junk = scratch.join("junk.mp4");
    std::fs::write(&junk, "no movie at all ".repeat(100)).unwrap();
    let truncated = scratch.join("truncated.mp4");
    std::fs::write(&truncated, &std::fs::read(example("review.mp4")).unwrap()[..500_000]).unwrap();
    let cases = [
        (missing, Code::FileNotFound, "missing.mp4"),
        (scratch.clone(), Code::NotAFile, "scratch"),
        (empty, Code::FileEmpty, "empty.mp4"),
        (junk, Code::NotMedia, "junk.mp4"),
        (truncated, Code::MovieDamaged, "truncated.mp4"),
        (sample("sound-only.m4a"), Code::MovieNoVideo, "sound-only.m4a"),
        (sample("prores.mov"), Code::MovieCodec, "ProRes"),
        (sample("hevc.mp4"), Code::MovieCodec, "HEVC"),
        (sample("444.mp4"), Code::MoviePixelFormat, "yuv420p"),
        (sample("10-bit.mp4"), Code::MoviePixelFormat, "yuv420p"),
        (sample("odd-size.mp4"), Code::MovieOddSize, "odd-size.mp4"),
        (sample("fragmented.mp4"), Code::MovieFragmented, "faststart"),
        (sample("container.mxf"), Code::MovieContainer, "container.mxf"),
        (sample("still.exr"), Code::SceneLinear, "still.exr"),
    ];
    assert_eq!(ftr_session_wait_ready(session.0, 60_000), FTR_OK);
    staging.requests();
    for (path, code, named) in cases {
        let ended = session.publish(&Publish::of(&path, TASK));
        assert_eq!(ended.code, code as i32, "{}: {}", path.display(), ended.message);
        assert_eq!((ended.state, ended.stage), (FTR_JOB_FAILED, FTR_STAGE_CHECKING));
        assert!(ended.message.contains(named), "{}", ended.message);
    }
    let no_requests: [&str; 0] = [];
    assert_eq!(staging.requests(), no_requests);
}

#[test]
fn a_file_that_is_still_being_written_is_not_published() {
    let staging = Staging::start();
    let path = staging.scratch().join("growing.mp4");
    std::fs::copy(example("review.mp4"), &path).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        while stopped.recv_timeout(std::time::Duration::from_millis(10)).is_err() {
            file.write_all(&[0; 64]).unwrap();
        }
    });
    let ended = staging.session().publish(&Publish::of(&path, TASK));
    let _ = stop.send(());
    writer.join().unwrap();
    assert_eq!(ended.code, Code::FileChanged as i32, "{}", ended.message);
    assert_eq!(staging.census()[1], 0);
}

#[test]
fn a_name_that_the_server_does_not_have_is_told_with_those_it_has_and_nothing_is_created() {
    let staging = Staging::start();
    let session = staging.session();
    let before = staging.census();
    let with = |change: fn(&mut Publish)| {
        let mut publish = Publish::of(example("still.png"), TASK);
        change(&mut publish);
        session.publish(&publish)
    };
    let cases = [
        (
            with(|publish| publish.context = Some("nowhere/sq010".into())),
            Code::UnknownContext,
            "there is no project \"nowhere\"; there are: demo, pilot",
        ),
        (
            with(|publish| publish.context = Some("demo/sq010/sh999/compositing".into())),
            Code::UnknownContext,
            "there is no \"sh999\" in \"demo/sq010\"; there are: sh010, sh020, sh030",
        ),
        (
            with(|publish| publish.context = Some("00000000-0000-4000-8000-000000000000".into())),
            Code::UnknownContext,
            "00000000-0000-4000-8000-000000000000",
        ),
        (with(|publish| publish.status = Some("Final".into())), Code::UnknownStatus, "Pending Review"),
        (with(|publish| publish.asset_type = Some("no such type".into())), Code::UnknownAssetType, "(upload)"),
        (with(|publish| publish.thumbnail = Some(example("review.mp4"))), Code::BadThumbnail, "review.mp4"),
        (with(|publish| publish.thumbnail = Some("/nowhere/t.jpg".into())), Code::FileNotFound, "thumbnail: "),
    ];
    for (ended, code, named) in cases {
        assert_eq!(ended.code, code as i32, "{}", ended.message);
        assert!(ended.message.contains(named), "{}", ended.message);
    }
    assert_eq!(staging.census(), before);
}

#[test]
fn names_that_fit_two_entities_are_told_with_the_ids_to_choose_from() {
    let staging = Staging::start();
    let twice = staging.query("select id, name, link from Task where name is \"modeling\"");
    assert_eq!(twice.len(), 2, "the demo project has two tasks of one name");
    let names: Vec<&str> =
        twice[0]["link"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    let ended = staging.session().publish(&Publish::of(example("still.png"), &names.join("/")));
    assert_eq!(ended.code, Code::AmbiguousContext as i32, "{}", ended.message);
    for task in &twice {
        assert!(ended.message.contains(task["id"].as_str().unwrap()), "{}", ended.message);
    }
}

#[test]
fn a_user_who_may_not_write_is_told_so_and_nothing_is_created() {
    let staging = Staging::start();
    let before = staging.census();
    let session = Session::create(staging.url(), READER_USER, READER_KEY);
    let ended = session.publish(&Publish::of(example("still.png"), TASK));
    assert_eq!(ended.code, Code::Permission as i32, "{}", ended.message);
    assert_eq!(staging.census(), before);
}

#[test]
fn a_wrong_key_a_wrong_server_and_no_server_are_told_apart() {
    let staging = Staging::start();
    let page = html_server();
    let cases = [
        (staging.url().to_owned(), "wrong-key", Code::Unauthorised, FTR_STATUS_UNAUTHORISED),
        (page, DEMO_KEY, Code::WrongServer, FTR_STATUS_WRONG_SERVER),
        ("http://127.0.0.1:1".to_owned(), DEMO_KEY, Code::Unreachable, FTR_STATUS_UNREACHABLE),
        ("http://no-such-host.invalid".to_owned(), DEMO_KEY, Code::Unreachable, FTR_STATUS_UNREACHABLE),
    ];
    for (url, key, code, status) in cases {
        let session = Session::create(&url, DEMO_USER, key);
        assert_eq!(ftr_session_wait_ready(session.0, 60_000), code as i32, "{url}: {}", last_error());
        assert!(!last_error().contains(key), "{}", last_error());
        let mut told = 0;
        // SAFETY: a variable.
        assert_eq!(unsafe { ftreview::ffi::ftr_session_status(session.0, &mut told) }, FTR_OK);
        assert_eq!(told, status, "{url}");
        let ended = session.publish(&Publish::of(example("still.png"), TASK));
        assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, code as i32), "{url}: {}", ended.message);
        let events = session.events();
        assert!(
            events.iter().any(|event| event["kind"] == FTR_EVENT_STATUS && event["status"] == status),
            "{events:?}"
        );
        assert!(!format!("{events:?}").contains(key));
    }
}

#[test]
fn what_is_missing_to_create_a_session_is_told_by_its_own_code() {
    // The variables of the process that runs the tests must not answer in place of the options.
    for name in ["FTRACK_SERVER", "FTRACK_API_KEY", "FTRACK_APIKEY", "FTRACK_API_USER"] {
        assert!(std::env::var_os(name).is_none(), "unset {name} to run the tests");
    }
    let (url, key) = (text("http://127.0.0.1:1"), text("some-key"));
    let create = |options: ftreview::ffi::types::ftr_session_options| {
        let mut session = 0;
        // SAFETY: the texts outlive the call.
        let code = unsafe { ftr_session_create(&options, &mut session) };
        assert_eq!(session, 0);
        (code, last_error())
    };
    let (code, message) = create(session_options());
    assert_eq!(code, Code::NoServerUrl as i32);
    assert!(message.contains("FTRACK_SERVER"), "{message}");
    let with_url = || ftreview::ffi::types::ftr_session_options { server_url: url.as_ptr(), ..session_options() };
    let (code, message) = create(with_url());
    assert_eq!(code, Code::NoApiKey as i32);
    assert!(message.contains("FTRACK_API_KEY"), "{message}");
    let bad = text("studio");
    let (code, _) = create(ftreview::ffi::types::ftr_session_options {
        server_url: bad.as_ptr(),
        api_key: key.as_ptr(),
        ..session_options()
    });
    assert_eq!(code, Code::BadServerUrl as i32);
}

#[test]
fn a_publish_without_a_context_anywhere_is_refused_at_once() {
    let staging = Staging::start();
    let session = staging.session();
    let refused = session.submit(&Publish { path: example("still.png"), ..Publish::default() }).err().unwrap();
    assert_eq!(refused.0, Code::NoContext as i32);
    assert!(refused.1.contains("FTRACK_CONTEXTID"), "{}", refused.1);
    let refused = session.submit(&Publish::of(example("still.png"), "demo//sh010")).err().unwrap();
    assert_eq!(refused.0, Code::InvalidArgument as i32, "{}", refused.1);
}

#[test]
fn a_cancelled_publish_ends_as_cancelled_and_leaves_nothing() {
    let staging = Staging::start();
    let before = staging.census();
    let session = staging.session();
    for _ in 0..10 {
        let job = session.submit(&Publish::of(example("review.mp4"), TASK)).unwrap();
        assert_eq!(ftr_job_cancel(job.0), FTR_OK);
        let ended = job.wait();
        assert_eq!((ended.state, ended.code), (FTR_JOB_CANCELLED, Code::Cancelled as i32), "{ended:?}");
    }
    assert_eq!(staging.census(), before);
}

/// A server that answers everything with a page, as a captive portal does.
fn html_server() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 16 << 10];
            let _ = std::io::Read::read(&mut stream, &mut request);
            let page = "<html><head><title>Welcome to the hotel</title></head><body>Sign in</body></html>";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    url
}
