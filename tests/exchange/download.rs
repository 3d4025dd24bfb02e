//! Components to files: from the staging server, and from storages that break off, change, lie and expire.

use super::depot::{Depot, ID, SERVER_LOCATION, Serve, usual};
use super::ftrack_support::{KEY, config};
use super::host::{Session, file, noise};
use super::support::reviewer::Reviewer;
use super::support::sample;
use super::support::server::Staging;
use ftreview::exchange::{Download, Exchanger, download};
use ftreview::ffi::constants::*;
use ftreview::ftrack::Client;
use ftreview::session::log::Level;
use ftreview::session::secret::Redactor;
use ftreview::session::{Code, State};
use ftreview::transfer::{Limits, Traffic};
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SIZE: usize = 5_000_001;

fn staged(server: &Staging) -> Session {
    Session::create(server.url(), DEMO_USER, DEMO_KEY)
}

#[test]
fn what_was_published_comes_back_byte_by_byte_whole_or_in_parts() {
    let server = Staging::start();
    let session = staged(&server);
    let folder = tempfile::tempdir().unwrap();
    // In storage of several parts, whose ETag is no MD5.
    let mut large = std::fs::read(sample("h264.mp4")).unwrap();
    let more = 20_000_000_u32;
    large.extend(more.to_be_bytes());
    large.extend(b"free");
    large.extend(noise(more as usize - 8));
    for path in [sample("still.png"), file(folder.path(), "long.mp4", &large)] {
        let component = session.published(&path).component_id;
        session.events();
        let target = folder.path().join("back");
        let ended = session.downloaded(&component, &target).done();
        assert_eq!((ended.component_id, ended.warnings.len()), (component, 0));
        assert!(std::fs::read(&target).unwrap() == std::fs::read(&path).unwrap());
        let size = target.metadata().unwrap().len();
        let events = session.events();
        let progress: Vec<&Value> = events.iter().filter(|event| event["kind"] == FTR_EVENT_PROGRESS).collect();
        let last = &progress.last().unwrap()["progress"];
        assert_eq!(
            (&last["bytes_done"], &last["bytes_stored"], &last["bytes_total"]),
            (&json!(size), &json!(size), &json!(size))
        );
        assert_eq!(last["stage"], FTR_STAGE_DOWNLOADING);
        std::fs::remove_file(target).unwrap();
    }
}

#[test]
fn a_download_that_breaks_again_and_again_asks_each_time_for_the_rest_only() {
    let breaks = [1_000_000, 1_500_000, 0, 100].map(Serve::Break);
    let depot = Depot::serving(SIZE, breaks.into_iter().chain([Serve::Good]));
    depot.session().downloaded(ID, &depot.target()).done();
    depot.assert_whole();
    assert_eq!(depot.ranges(), ["all", "bytes=1000000-", "bytes=2500000-", "bytes=2500000-", "bytes=2500100-"]);
}

#[test]
fn nothing_of_the_session_goes_to_an_address_that_is_signed_and_no_address_is_told() {
    let depot = Depot::serving(SIZE, [Serve::Break(10), Serve::Refuse(503, "very-secret-0123456789"), Serve::Good]);
    let session = depot.session();
    let ended = session.downloaded(ID, &depot.target()).done();
    for get in depot.gets() {
        assert!(get.headers.iter().all(|(name, value)| !name.starts_with("ftrack") && !value.contains(KEY)), "{get:?}");
    }
    let told = format!("{ended:?}{:?}", session.events());
    assert!(!told.contains("very-secret") && !told.contains(KEY));
}

#[test]
fn a_later_try_in_another_session_goes_on_from_what_is_there() {
    let depot = Depot::serving(SIZE, [Serve::Break(3_000_000), Serve::Refuse(404, "gone")]);
    let ended = depot.session().downloaded(ID, &depot.target()).failed(Code::StorageRefused);
    assert!(
        ended.message.contains("3000000 bytes are kept in") && ended.message.contains("comp.mov.part"),
        "{ended:?}"
    );
    assert_eq!((ended.refused_with, ended.stage), (404, FTR_STAGE_DOWNLOADING));
    assert_eq!(depot.names(), ["comp.mov.part", "comp.mov.part.json"]);
    let note = std::fs::read_to_string(depot.folder.path().join("comp.mov.part.json")).unwrap();
    assert!(!note.contains("secret") && !note.contains(KEY), "{note}");
    depot.serve(Serve::Good);
    depot.session().downloaded(ID, &depot.target()).done();
    depot.assert_whole();
    assert_eq!(depot.ranges().last().unwrap(), "bytes=3000000-");
}

#[test]
fn what_was_replaced_in_storage_meanwhile_is_fetched_anew_and_never_mixed() {
    let depot =
        Depot::with(SIZE, [Serve::Break(3_000_000), Serve::Replaced("other"), Serve::Good], true, |operation| {
            // Registered by somebody who does not know its size.
            usual(operation, 0)
        });
    depot.session().downloaded(ID, &depot.target()).done();
    assert_eq!(depot.ranges(), ["all", "bytes=3000000-"]);
    depot.assert_whole();
}

#[test]
fn a_storage_that_knows_no_ranges_or_sends_a_wrong_one_gives_the_whole_in_the_end() {
    for (serves, ranges) in [
        (vec![Serve::Break(3_000_000), Serve::Whole], 2),
        (vec![Serve::Break(3_000_000), Serve::OtherRest, Serve::Good], 3),
        (vec![Serve::Break(3_000_000), Serve::Refuse(416, "no such range"), Serve::Good], 3),
        (vec![Serve::Chunks], 1),
    ] {
        let depot = Depot::serving(SIZE, serves);
        depot.session().downloaded(ID, &depot.target()).done();
        depot.assert_whole();
        assert_eq!(depot.ranges().len(), ranges);
    }
    // Without an ETag nobody can say that a rest is one of the same bytes.
    let depot = Depot::with(SIZE, [Serve::Break(3_000_000), Serve::Good], false, |operation| usual(operation, SIZE));
    depot.session().downloaded(ID, &depot.target()).done();
    depot.assert_whole();
    assert_eq!(depot.ranges(), ["all", "all"]);
}

#[test]
fn bytes_that_are_not_those_of_the_storage_never_become_a_file() {
    let depot = Depot::serving(SIZE, [Serve::Spoilt]);
    let ended = depot.session().downloaded(ID, &depot.target()).failed(Code::StorageMismatch);
    assert!(ended.message.contains("MD5"), "{ended:?}");
    assert_eq!((depot.names().len(), depot.ranges()), (0, vec!["all".to_owned(), "all".to_owned()]));
    depot.serve(Serve::Good);
    depot.session().downloaded(ID, &depot.target()).done();
    depot.assert_whole();
}

#[test]
fn a_component_of_another_size_than_the_storage_holds_is_told_before_anything_is_written() {
    let depot = Depot::with(SIZE, [Serve::Good], true, |operation| usual(operation, SIZE + 1));
    let ended = depot.session().downloaded(ID, &depot.target()).failed(Code::StorageMismatch);
    for word in ["5000001", "5000002"] {
        assert!(ended.message.contains(word), "{}", ended.message);
    }
    assert!(depot.names().is_empty());
}

#[test]
fn an_address_that_has_expired_is_asked_for_again_and_one_that_is_refused_at_once_is_a_failure() {
    let expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    let depot = Depot::serving(
        SIZE,
        [
            Serve::Break(1_000_000),
            Serve::Refuse(403, expired),
            Serve::Break(1_000_000),
            Serve::Refuse(403, "no"),
            Serve::Good,
        ],
    );
    depot.session().downloaded(ID, &depot.target()).done();
    depot.assert_whole();
    let depot = Depot::serving(SIZE, [Serve::Refuse(403, expired)]);
    depot.session().downloaded(ID, &depot.target()).failed(Code::StorageExpired);
    assert_eq!((depot.gets().len(), depot.names().len()), (2, 0));
}

#[test]
fn a_server_that_signs_nothing_is_asked_itself_with_the_key_in_a_header_that_goes_to_no_other() {
    let other = Depot::serving(SIZE, [Serve::Good]);
    let api = |operation: &Value| match operation["action"].as_str() {
        Some("generate_signed_url") => {
            json!({"exception": "KeyError", "content": "Invalid action u'generate_signed_url'"})
        }
        _ => usual(operation, SIZE),
    };
    let depot = Depot::with(SIZE, [Serve::Redirect(format!("{}/object", other.url))], true, api);
    depot.session().downloaded(ID, &depot.target()).done();
    assert!(std::fs::read(depot.target()).unwrap() == *other.bytes());
    let (own, there) = (depot.gets(), other.gets());
    assert_eq!(own[0].target, format!("GET /component/get?id={ID}"));
    assert_eq!(own[0].header("ftrack-api-key"), Some(KEY));
    assert!(
        there[0].headers.iter().all(|(name, value)| !name.starts_with("ftrack") && !value.contains(KEY)),
        "{there:?}"
    );

    let circle = Depot::with(SIZE, [Serve::Redirect("/again".to_owned())], true, api);
    circle.session().downloaded(ID, &circle.target()).failed(Code::StorageRefused);
    assert!(circle.gets().len() < 10);
    assert!(circle.gets()[1..].iter().all(|get| get.header("ftrack-api-key").is_none()));
}

#[test]
fn what_is_wrong_with_the_target_is_told_by_its_own_code_before_anything_is_asked() {
    let depot = Depot::serving(SIZE, [Serve::Good]);
    let session = depot.session();
    let folder = depot.folder.path();
    let there = file(folder, "there.mov", b"mine");
    for (target, code) in [
        (there.clone(), Code::FileExists),
        (folder.join("no such folder/comp.mov"), Code::FileNotFound),
        (folder.to_owned(), Code::NotAFile),
        (there.join("comp.mov"), Code::NotAFile),
        // Where not even root may write.
        (Path::new("/sys/comp.mov").to_owned(), Code::FileUnwritable),
    ] {
        let ended = session.downloaded(ID, &target).failed(code);
        assert!(ended.message.contains(target.file_name().unwrap().to_str().unwrap()), "{ended:?}");
        assert_eq!(ended.stage, FTR_STAGE_CHECKING);
    }
    assert_eq!(std::fs::read(&there).unwrap(), b"mine");
    session.download(ID, &there, FTR_DOWNLOAD_OVERWRITE).unwrap().wait().done();
    assert!(std::fs::read(&there).unwrap() == *depot.bytes());
    assert_eq!(depot.names(), ["there.mov"]);
    assert_eq!(depot.gets().len(), 1);
}

#[test]
fn a_disk_that_is_full_is_told_and_what_came_is_gone_on_with_when_there_is_room() {
    let Some(disk) = small_disk() else { return };
    let depot = Depot::serving(SIZE, [Serve::Good]);
    let target = disk.0.join("comp.mov");
    let filler = disk.0.join("filler");
    std::fs::write(&filler, vec![1; 3 << 20]).unwrap();
    let ended = depot.session().downloaded(ID, &target).failed(Code::DiskFull);
    assert!(ended.message.contains("make room") && ended.message.contains("are kept in"), "{ended:?}");
    assert!(!target.exists());
    std::fs::remove_file(filler).unwrap();
    depot.session().downloaded(ID, &target).done();
    assert!(std::fs::read(&target).unwrap() == *depot.bytes());
    assert_ne!(depot.ranges()[1], "all");
}

/// A file system of 7 MiB, where this user may make one.
struct Disk(std::path::PathBuf, tempfile::TempDir);

fn small_disk() -> Option<Disk> {
    let folder = tempfile::tempdir().unwrap();
    let mount =
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=7m", "none"]).arg(folder.path()).output();
    if mount.is_ok_and(|mount| mount.status.success()) {
        return Some(Disk(folder.path().to_owned(), folder));
    }
    eprintln!("SKIPPED: this user may mount no file system");
    None
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.1.path()).status();
    }
}

#[test]
fn two_downloads_to_one_path_do_not_meet() {
    let depot = Depot::serving(SIZE, [Serve::Stall(1_000_000), Serve::Good]);
    let session = depot.session();
    let first = session.download(ID, &depot.target(), 0).unwrap();
    session
        .await_event(|event| event["kind"] == FTR_EVENT_PROGRESS && event["progress"]["bytes_done"].as_u64() > Some(0));
    let second = session.downloaded(ID, &depot.target()).failed(Code::FileUnwritable);
    assert!(second.message.contains("another download"), "{second:?}");
    first.cancel();
    let ended = first.wait();
    assert_eq!((ended.state, ended.code), (FTR_JOB_CANCELLED, Code::Cancelled as i32), "{ended:?}");
    assert!(ended.message.contains("nothing of it is left") && depot.names().is_empty(), "{ended:?}");
}

#[test]
fn a_paused_download_takes_nothing_and_goes_on_when_resumed() {
    let depot = Depot::serving(SIZE, [Serve::Stall(3_000_000), Serve::Good]);
    let limits =
        Limits { pause_hold: Duration::from_millis(50), idle_timeout: Duration::from_secs(60), ..Limits::default() };
    let (session, job) = started(&depot, limits);
    let part = depot.folder.path().join("comp.mov.part");
    let there = |bytes: u64| {
        while !part.metadata().is_ok_and(|part| part.len() >= bytes) {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    // Two whole blocks, which come whenever the download is not paused.
    there(2 << 20);
    job.gate().set_closed(true);
    assert!(job.wait(Some(std::time::Instant::now() + Duration::from_millis(500))).is_none());
    assert_eq!(depot.gets().len(), 1);
    job.gate().set_closed(false);
    assert_eq!(job.wait(None).unwrap().state, State::Done);
    assert_eq!(depot.gets().len(), 2);
    depot.assert_whole();
    drop(session);
}

#[test]
fn a_storage_that_falls_silent_is_asked_again_for_the_rest() {
    let depot = Depot::serving(SIZE, [Serve::Stall(2_000_000), Serve::Good]);
    let (session, job) = started(&depot, quick());
    let ended = job.wait(None).unwrap();
    assert_eq!(ended.state, State::Done, "{ended:?}");
    assert_eq!(depot.ranges(), ["all", "bytes=2000000-"]);
    depot.assert_whole();
    drop(session);

    let depot = Depot::serving(SIZE, [Serve::Stall(0)]);
    let (session, job) = started(&depot, quick());
    assert_eq!(job.wait(None).unwrap().error.as_ref().unwrap().code, Code::NetworkTimeout);
    drop(session);
}

fn quick() -> Limits {
    Limits {
        idle_timeout: Duration::from_millis(300),
        patience: Duration::ZERO,
        retry_base: Duration::from_millis(10),
        ..Limits::default()
    }
}

/// A download with limits that a host cannot set.
fn started(depot: &Depot, limits: Limits) -> (ftreview::session::Session, Arc<ftreview::session::Job>) {
    let session = ftreview::session::Session::open(Level::Off, Redactor::default()).unwrap();
    let client = Arc::new(Client::new(config(&depot.url.parse().unwrap()), session.log().clone()));
    let exchanger = Exchanger::new(client, Traffic::new(limits), 4);
    let request = Download { component_id: ID.to_owned(), path: depot.target(), overwrite: false };
    let start = download(&session, &exchanger, request).unwrap();
    let accepted = session.accept(1).unwrap();
    let job = accepted.job.clone();
    start(&session, accepted);
    (session, job)
}

#[test]
fn a_component_that_is_not_on_the_server_is_told_with_where_it_is() {
    let server = Staging::start();
    let (session, folder) = (staged(&server), tempfile::tempdir().unwrap());
    let reviewer = Reviewer::new(server.url(), "a-script");
    let target = folder.path().join("comp.exr");
    let nowhere = "00000000-0000-4000-8000-000000000000";
    let ended = session.downloaded(nowhere, &target).failed(Code::Integrity);
    assert!(ended.message.contains(nowhere), "{ended:?}");

    let component = reviewer.create("FileComponent", json!({"name": "comp", "file_type": ".exr"}));
    let ended = session.downloaded(&component, &target).failed(Code::NoLocation);
    assert!(ended.message.contains("in no location"), "{ended:?}");

    let unmanaged = "cb268ecc-8809-11e3-a7e2-20c9d081909b";
    let place =
        json!({"component_id": component, "location_id": unmanaged, "resource_identifier": "/shots/comp.0001.exr"});
    reviewer.create("ComponentLocation", place);
    let ended = session.downloaded(&component, &target).failed(Code::NoLocation);
    assert!(ended.message.contains("ftrack.unmanaged: '/shots/comp.0001.exr'"), "{ended:?}");

    let sequence = reviewer.create("SequenceComponent", json!({"name": "frames", "file_type": ".exr", "padding": 4}));
    let ended = session.downloaded(&sequence, &target).failed(Code::InvalidArgument);
    assert!(ended.message.contains("sequence"), "{ended:?}");

    // Registered, and not in storage.
    let lost = reviewer.create("FileComponent", json!({"name": "lost", "file_type": ".mov"}));
    reviewer.create(
        "ComponentLocation",
        json!({"component_id": lost, "location_id": SERVER_LOCATION, "resource_identifier": lost}),
    );
    session.downloaded(&lost, &target).failed(Code::StorageRefused);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_download_whose_session_is_closed_is_kept_for_a_later_one() {
    let depot = Depot::serving(SIZE, [Serve::Stall(3_000_000), Serve::Good]);
    let session = depot.session();
    let job = session.download(ID, &depot.target(), 0).unwrap();
    while !depot.folder.path().join("comp.mov.part").metadata().is_ok_and(|part| part.len() > 0) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(ftreview::ffi::ftr_session_close(session.0, 0), 1);
    let ended = job.wait();
    assert_eq!(ended.state, FTR_JOB_CANCELLED, "{ended:?}");
    assert!(ended.message.contains("are kept in"), "{ended:?}");
    depot.session().downloaded(ID, &depot.target()).done();
    assert_ne!(depot.ranges()[1], "all");
    depot.assert_whole();
}
