//! Publishes that are tried again: with the same idempotency key there is one version, and what is in storage stays there.

use super::host::{Ended, Publish, Session, Staging, film, session_options, text};
use super::relay::{Act, Decide, does, exception, relay};
use super::valve::Valve;
use ftreview::ffi::constants::*;
use ftreview::ffi::types::ftr_session_options;
use ftreview::session::Code;
use ftreview_sandbox::storage::Limits;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const TASK: &str = "demo/sq010/sh010/compositing";
const MIB: u64 = 1 << 20;
/// Eight parts of 8 MiB.
const SIZE: u64 = 64 * MIB;
const PARTS: usize = 8;

fn session(url: &str, journal: &Path) -> Session {
    let folder = text(journal.to_str().unwrap());
    // So few that parts end one after the other.
    let options = ftr_session_options { journal_folder: folder.as_ptr(), upload_connections: 2, ..session_options() };
    Session::with(url, options).unwrap_or_else(|(_, message)| panic!("{message}"))
}

fn keyed(path: &Path) -> Publish {
    Publish { idempotency_key: Some("farm/job 17/task 3".to_owned()), ..Publish::of(path, TASK) }
}

fn journal(staging: &Staging) -> PathBuf {
    staging.scratch().join("journal")
}

/// How many lines the journal has: one for the upload, and one for each part that is in storage.
fn notes(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let texts = files.filter_map(|entry| std::fs::read(entry.unwrap().path()).ok());
    texts.map(|text| text.iter().filter(|byte| **byte == b'\n').count()).max().unwrap_or(0)
}

fn completes(operations: &[Value]) -> bool {
    operations.iter().any(|operation| operation["action"] == "complete_multipart_upload")
}

/// Refuses to complete an upload so many times, in a way that may be over later.
fn refuses_to_complete(times: usize) -> Decide {
    let refused = AtomicUsize::new(0);
    Box::new(move |operations| match completes(operations) && refused.fetch_add(1, Ordering::SeqCst) < times {
        true => Act::Refuse(200, exception("ServerError", "the disk is full")),
        false => Act::Pass,
    })
}

fn assert_whole(staging: &Staging, ended: &Ended, path: &Path) {
    assert!(staging.stored(&ended.component_id) == std::fs::read(path).unwrap());
    assert_eq!(staging.query("select id from AssetVersion").len(), 1);
}

fn fail_at_the_end(staging: &Staging, path: &Path) {
    let session = session(&relay(staging.url(), refuses_to_complete(1)), &journal(staging));
    let ended = session.publish(&keyed(path));
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::ServerError as i32), "{ended:?}");
    assert!(ended.message.contains("idempotency_key"), "{}", ended.message);
    assert_eq!(staging.puts(), PARTS);
    assert_eq!(notes(&journal(staging)), 1 + PARTS);
}

#[test]
fn what_is_in_storage_is_not_sent_again_after_a_failure() {
    let staging = Staging::start();
    let path = film(&staging, SIZE).unwrap();
    fail_at_the_end(&staging, &path);
    let ended = session(staging.url(), &journal(&staging)).publish(&keyed(&path)).done();
    assert_eq!(staging.puts(), 0);
    assert_whole(&staging, &ended, &path);
    assert_eq!(notes(&journal(&staging)), 0, "nothing is noted of what is done");
}

#[test]
fn a_publish_that_is_done_is_not_done_again_with_the_same_key() {
    let staging = Staging::start();
    let path = film(&staging, 20 * MIB).unwrap();
    let first = session(staging.url(), &journal(&staging)).publish(&keyed(&path)).done();
    staging.puts();
    let before = staging.census();
    let second = session(staging.url(), &journal(&staging)).publish(&keyed(&path)).done();
    assert_eq!((second.version_id, second.component_id), (first.version_id, first.component_id));
    assert_eq!((staging.puts(), staging.census()), (0, before));
    // Without the folder as well, and with another key there is another version.
    staging.session().publish(&keyed(&path)).done();
    assert_eq!(staging.census(), [1, 1, 1, 1]);
    let other = Publish { idempotency_key: Some("farm/job 18".to_owned()), ..keyed(&path) };
    assert_eq!(staging.session().publish(&other).done().version_number, 2);
}

#[test]
fn parts_that_the_storage_has_lost_meanwhile_are_sent_again() {
    let staging = Staging::start();
    let path = film(&staging, SIZE).unwrap();
    fail_at_the_end(&staging, &path);
    assert!(lose_parts(staging.data()) > 0);
    let ended = session(staging.url(), &journal(&staging)).publish(&keyed(&path)).done();
    assert!(staging.puts() > 0);
    assert_whole(&staging, &ended, &path);
}

#[test]
fn an_upload_that_the_server_does_not_take_up_again_begins_anew_and_says_so() {
    let staging = Staging::start();
    staging.storage().set_limits(Limits { renew_upload_id: true, ..Limits::default() });
    let path = film(&staging, SIZE).unwrap();
    fail_at_the_end(&staging, &path);
    let ended = session(staging.url(), &journal(&staging)).publish(&keyed(&path)).done();
    assert_eq!(staging.puts(), PARTS);
    assert!(ended.warnings.iter().any(|warning| warning.contains("from its beginning")), "{:?}", ended.warnings);
    assert_whole(&staging, &ended, &path);
}

#[test]
fn a_file_that_was_written_anew_meanwhile_is_sent_anew() {
    let staging = Staging::start();
    let path = film(&staging, SIZE).unwrap();
    fail_at_the_end(&staging, &path);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[SIZE as usize - 1] = 7;
    std::fs::write(&path, bytes).unwrap();
    let ended = session(staging.url(), &journal(&staging)).publish(&keyed(&path)).done();
    assert_eq!(staging.puts(), PARTS);
    assert_whole(&staging, &ended, &path);
}

#[test]
fn a_publish_whose_host_was_killed_goes_on_in_another_process() {
    let staging = Staging::start();
    let path = film(&staging, SIZE).unwrap();
    let valve = Valve::before(staging.address(), 40 * MIB);
    staging.storage().set_public_url(valve.url());
    let mut host = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "again::host_that_is_killed", "--ignored", "--nocapture"])
        .env(KILLED, format!("{}\n{}\n{}", staging.url(), journal(&staging).display(), path.display()))
        .spawn()
        .unwrap();
    valve.wait_passed(39 * MIB);
    while notes(&journal(&staging)) < 3 {
        assert!(host.try_wait().unwrap().is_none(), "the host has ended by itself");
        std::thread::yield_now();
    }
    host.kill().unwrap();
    host.wait().unwrap();
    valve.open();
    valve.wait_closed();
    let noted = notes(&journal(&staging)) - 1;
    assert!((1..PARTS).contains(&noted), "{noted}");
    staging.puts();
    let ended = session(staging.url(), &journal(&staging)).publish(&keyed(&path)).done();
    assert_eq!(staging.puts(), PARTS - noted);
    assert_whole(&staging, &ended, &path);
}

/// What the host that is killed is told: server, folder of the journal, movie.
const KILLED: &str = "FTREVIEW_TEST_KILLED_HOST";

#[test]
#[ignore = "is the host that another test kills"]
fn host_that_is_killed() {
    let Ok(told) = std::env::var(KILLED) else { return };
    let told: Vec<&str> = told.lines().collect();
    session(told[0], Path::new(told[1])).publish(&keyed(Path::new(told[2])));
}

/// Deletes a part of every open upload, and says how many those are.
fn lose_parts(data: &Path) -> usize {
    let mut lost = 0;
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.metadata().unwrap().len() == 8 * MIB {
                std::fs::remove_file(path).unwrap();
                lost += 1;
            }
        }
    }
    lost
}

/// Cuts an object short in the moment in which its size is asked for.
fn cutting(staging: &Staging) -> Valve {
    let valve = Valve::before(staging.address(), u64::MAX);
    staging.storage().set_public_url(valve.url());
    let storage = staging.storage();
    valve.before_reading(move |line| {
        let id = line.split('/').nth(2).unwrap().split('?').next().unwrap();
        if let Some(path) = storage.path(id) {
            std::fs::File::options().write(true).open(path).unwrap().set_len(1000).unwrap();
        }
    });
    valve
}

#[test]
fn an_object_that_the_storage_cut_short_is_not_published() {
    let staging = Staging::start();
    let before = staging.census();
    let _valve = cutting(&staging);
    let ended = staging.session().publish(&Publish::of(film(&staging, 20 * MIB).unwrap(), TASK));
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::StorageMismatch as i32), "{ended:?}");
    for word in ["1000", "20971520", "publish again"] {
        assert!(ended.message.contains(word), "{}", ended.message);
    }
    assert_eq!(staging.census(), before);
}

#[test]
fn a_file_that_went_up_whole_and_has_no_checksum_is_measured_at_least() {
    let staging = Staging::start();
    let before = staging.census();
    let valve = cutting(&staging);
    valve.hide_etags();
    let ended = staging.session().publish(&Publish::of(film(&staging, 4 * MIB).unwrap(), TASK));
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::StorageMismatch as i32), "{ended:?}");
    assert_eq!(staging.census(), before);
}

#[test]
fn a_publish_that_fails_takes_nothing_from_one_with_the_same_key_that_was_done_meanwhile() {
    for size in [4 * MIB, 20 * MIB] {
        let staging = Staging::start();
        let path = film(&staging, size).unwrap();
        let other = Mutex::new(Some((staging.session(), keyed(&path))));
        let winner: Arc<Mutex<Ended>> = Arc::default();
        let told = winner.clone();
        let late = session(
            &relay(
                staging.url(),
                Box::new(move |operations| {
                    // What it does last before a version, in parts or whole.
                    if !completes(operations) && !does(operations, "create", "AssetVersion") {
                        return Act::Pass;
                    }
                    if let Some((session, publish)) = other.lock().unwrap().take() {
                        *told.lock().unwrap() = session.publish(&publish).done();
                    }
                    Act::Refuse(200, exception("ValidationError", "not now"))
                }),
            ),
            &journal(&staging),
        );
        late.publish(&keyed(&path));
        let winner = winner.lock().unwrap();
        assert_whole(&staging, &winner, &path);
        assert_media(&staging, &winner);
        assert_eq!(staging.census(), [1, 1, 1, 1]);
    }
}

/// That the version has what it shows.
fn assert_media(staging: &Staging, ended: &Ended) {
    let (component, version) = (&ended.component_id, &ended.version_id);
    let shown = format!("select id from FileComponent where id is \"{component}\" and version_id is \"{version}\"");
    assert_eq!(staging.query(&shown).len(), 1, "{ended:?}");
}

#[test]
fn hosts_that_publish_with_one_key_at_the_same_time_make_one_version_and_take_nothing_from_each_other() {
    for (round, size) in [(1, 20 * MIB), (2, 4 * MIB), (3, 40 * MIB)] {
        let staging = Staging::start();
        let path = film(&staging, size).unwrap();
        let sessions: Vec<Session> = (0..3).map(|_| session(staging.url(), &journal(&staging))).collect();
        let jobs: Vec<_> = sessions.iter().map(|session| session.submit(&keyed(&path)).unwrap()).collect();
        let ended: Vec<Ended> = jobs.iter().map(|job| job.wait()).collect();
        let done: Vec<&Ended> = ended.iter().filter(|ended| ended.state == FTR_JOB_DONE).collect();
        assert!(!done.is_empty(), "{round}: {ended:?}");
        for one in done {
            assert_whole(&staging, one, &path);
            assert_media(&staging, one);
            assert_eq!(staging.census(), [1, 1, 1, 1], "{round}: {ended:?}");
        }
        // Who came too late can try again, and finds it done.
        let again = sessions[0].publish(&keyed(&path)).done();
        assert_whole(&staging, &again, &path);
    }
}

#[test]
fn a_journal_that_cannot_be_written_is_a_warning_that_names_it() {
    let staging = Staging::start();
    let path = film(&staging, 20 * MIB).unwrap();
    let no_folder = staging.scratch().join("notes.txt");
    std::fs::write(&no_folder, "mine").unwrap();
    let ended = session(staging.url(), &no_folder).publish(&keyed(&path)).done();
    assert_whole(&staging, &ended, &path);
    let about = |warning: &&String| warning.contains("journal_folder") && warning.contains("notes.txt");
    assert_eq!(ended.warnings.iter().filter(about).count(), 1, "{:?}", ended.warnings);
    assert_eq!(std::fs::read(&no_folder).unwrap(), b"mine");
}
