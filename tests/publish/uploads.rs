//! Uploads in the host's hands: what is refused, limits, pause, cap and cancel.

use super::host::{Publish, Session, Staging, example, film, session_options, text};
use super::valve::Valve;
use ftreview::ffi::constants::*;
use ftreview::ffi::types::ftr_session_options;
use ftreview::ffi::{ftr_job_cancel, ftr_job_pause, ftr_job_resume, ftr_session_set_upload_rate};
use ftreview::session::{Code, policy};
use ftreview_sandbox::storage::Limits;
use std::time::{Duration, Instant};

const TASK: &str = "demo/sq010/sh010/compositing";

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[test]
fn a_file_larger_than_any_storage_takes_is_refused_before_anything_is_created() {
    let staging = Staging::start();
    let Some(path) = film(&staging, 1251 * GIB) else {
        eprintln!("skipped: the file system of {} takes no file of 1251 GiB", staging.scratch().display());
        return;
    };
    let before = staging.census();
    let ended = staging.session().publish(&Publish::of(&path, TASK));
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::FileTooLarge as i32), "{ended:?}");
    for word in ["film_", "1250 GiB", "split it, or encode it smaller"] {
        assert!(ended.message.contains(word), "{}", ended.message);
    }
    assert_eq!(staging.census(), before);
    assert_eq!(staging.puts(), 0);
}

#[test]
fn a_storage_that_refuses_the_size_of_the_parts_is_told_and_leaves_nothing() {
    let staging = Staging::start();
    staging.storage().set_limits(Limits { smallest_part: 20 * MIB, ..Limits::default() });
    let before = staging.census();
    let path = film(&staging, 20 * MIB).unwrap();
    let ended = staging.session().publish(&Publish::of(&path, TASK));
    assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, Code::StorageRefused as i32), "{ended:?}");
    for word in ["EntityTooSmall", "film_", "ask"] {
        assert!(ended.message.contains(word), "{}", ended.message);
    }
    assert_eq!(staging.census(), before);
}

#[test]
fn no_request_follows_the_end_of_a_publish_that_was_cancelled_with_parts_in_flight() {
    let staging = Staging::start();
    let session = staging.session();
    let before = staging.census();
    let path = film(&staging, 120 * MIB).unwrap();
    // Of fifteen parts, some are on their way and none arrives.
    let valve = Valve::before(staging.address(), 2 * MIB);
    staging.storage().set_public_url(valve.url());
    let job = session.submit(&Publish::of(&path, TASK)).unwrap();
    valve.wait_open(6);
    valve.wait_passed(MIB);
    assert_eq!(ftr_job_cancel(job.0), FTR_OK);
    let ended = job.wait();
    assert_eq!((ended.state, ended.code), (FTR_JOB_CANCELLED, Code::Cancelled as i32), "{ended:?}");

    let connections = valve.connections();
    valve.open();
    valve.wait_closed();
    // Whatever was left to do would have come before what follows.
    session.publish(&Publish::of(example("still.png"), TASK)).done();
    assert_eq!(valve.connections(), connections + 1, "{:?}", valve.first_lines());
    assert!(valve.passed() < 100 * MIB, "{}", valve.passed());
    let added: Vec<usize> = staging.census().iter().zip(before).map(|(now, before)| now - before).collect();
    assert_eq!(added, [1, 1, 1, 1], "only what was published after it");
}

#[test]
fn settings_that_cannot_be_are_refused_by_name_with_what_can() {
    let (staging, empty) = (Staging::start(), text(""));
    let default = session_options();
    let cases = [
        (ftr_session_options { upload_memory_bytes: 1, ..default }, "upload_memory_bytes: 1 ", "FTR_BLOCK_SIZE"),
        (
            ftr_session_options { upload_memory_bytes: FTR_BLOCK_SIZE - 1, ..default },
            "upload_memory_bytes: 1048575 ",
            "1048576",
        ),
        (ftr_session_options { upload_connections: -1, ..default }, "upload_connections: -1 ", "1 to 64"),
        (ftr_session_options { upload_connections: 65, ..default }, "upload_connections: 65 ", "1 to 64"),
        (ftr_session_options { parallel_uploads: -1, ..default }, "parallel_uploads: -1 ", "1 to 64"),
        (ftr_session_options { parallel_uploads: i32::MAX, ..default }, "parallel_uploads: 2147483647 ", "1 to 64"),
        (ftr_session_options { upload_verify: -1, ..default }, "upload_verify: -1 ", "FTR_VERIFY_ETAG"),
        (ftr_session_options { upload_verify: 3, ..default }, "upload_verify: 3 ", "FTR_VERIFY_CONTENT_MD5"),
        (ftr_session_options { journal_folder: empty.as_ptr(), ..default }, "journal_folder: ", "NULL"),
        (ftr_session_options { reserved2: 1, ..default }, "reserved2: ", "FTR_SESSION_OPTIONS_INIT"),
    ];
    for (options, named, remedy) in cases {
        let (code, message) = Session::with(staging.url(), options).err().unwrap_or_else(|| panic!("{named} is taken"));
        assert_eq!(code, Code::InvalidArgument as i32, "{message}");
        assert!(message.starts_with(named) && message.contains(remedy), "{message}");
    }
    for upload_verify in [FTR_VERIFY_ETAG, FTR_VERIFY_OFF, FTR_VERIFY_CONTENT_MD5] {
        let options = ftr_session_options {
            upload_memory_bytes: FTR_BLOCK_SIZE,
            upload_bytes_per_second: u64::MAX,
            upload_connections: 64,
            parallel_uploads: 1,
            upload_verify,
            ..session_options()
        };
        let session = Session::with(staging.url(), options).unwrap_or_else(|(_, message)| panic!("{message}"));
        let path = film(&staging, 20 * MIB).unwrap();
        let ended = session.publish(&Publish::of(&path, TASK)).done();
        assert!(staging.stored(&ended.component_id) == std::fs::read(&path).unwrap());
    }
}

#[test]
fn no_byte_moves_while_a_publish_is_paused_and_it_ends_whole_when_it_goes_on() {
    let staging = Staging::start();
    let path = film(&staging, 64 * MIB).unwrap();
    // Few connections, so that what is in their buffers is little.
    let options = ftr_session_options { upload_connections: 2, ..session_options() };
    let session = Session::with(staging.url(), options).unwrap_or_else(|(_, message)| panic!("{message}"));
    let valve = Valve::before(staging.address(), 2 * MIB);
    staging.storage().set_public_url(valve.url());
    let job = session.submit(&Publish::of(&path, TASK)).unwrap();
    valve.wait_passed(MIB);
    assert_eq!(ftr_job_pause(job.0), FTR_OK);
    assert_eq!(ftr_job_pause(job.0), FTR_OK);
    valve.open();
    let settled = || {
        let mut before = valve.passed();
        loop {
            std::thread::sleep(Duration::from_millis(400));
            let now = std::mem::replace(&mut before, valve.passed());
            if now == before {
                return now;
            }
        }
    };
    let paused_at = settled();
    assert!(paused_at < 40 * MIB, "{paused_at} bytes passed a pause");
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(valve.passed(), paused_at);
    let told = session.events();
    let last = told.iter().rfind(|event| event["kind"] == FTR_EVENT_PROGRESS).unwrap();
    assert_eq!(last["progress"]["paused"], 1, "{last}");
    // Others go on meanwhile.
    session.publish(&Publish::of(example("still.png"), TASK)).done();
    assert_eq!(ftr_job_resume(job.0), FTR_OK);
    assert_eq!(ftr_job_resume(job.0), FTR_OK);
    let ended = job.wait().done();
    assert!(staging.stored(&ended.component_id) == std::fs::read(&path).unwrap());
    assert_eq!((ftr_job_pause(job.0), ftr_job_resume(job.0)), (FTR_OK, FTR_OK), "of a job that has ended");
}

#[test]
fn a_paused_publish_can_be_cancelled() {
    let staging = Staging::start();
    let before = staging.census();
    let session = staging.session();
    let path = film(&staging, 64 * MIB).unwrap();
    let valve = Valve::before(staging.address(), MIB);
    staging.storage().set_public_url(valve.url());
    let job = session.submit(&Publish::of(&path, TASK)).unwrap();
    valve.wait_passed(MIB / 2);
    assert_eq!((ftr_job_pause(job.0), ftr_job_cancel(job.0)), (FTR_OK, FTR_OK));
    let ended = job.wait();
    assert_eq!((ended.state, ended.code), (FTR_JOB_CANCELLED, Code::Cancelled as i32), "{ended:?}");
    assert_eq!(staging.census(), before);
}

#[test]
fn a_cap_slows_all_uploads_of_a_session_and_can_be_lifted_while_they_run() {
    let staging = Staging::start();
    let path = film(&staging, 4 * MIB).unwrap();
    let options = ftr_session_options { upload_bytes_per_second: 4 * MIB, ..session_options() };
    let session = Session::with(staging.url(), options).unwrap_or_else(|(_, message)| panic!("{message}"));
    let began = Instant::now();
    let jobs = [0, 1].map(|_| session.submit(&Publish::of(&path, TASK)).unwrap());
    jobs.into_iter().for_each(|job| drop(job.wait().done()));
    // Both together have 8 MiB; a little goes out at once.
    assert!(began.elapsed() >= Duration::from_millis(1700), "{:?}", began.elapsed());

    assert_eq!(ftr_session_set_upload_rate(session.0, 1), FTR_OK);
    let job = session.submit(&Publish::of(film(&staging, 20 * MIB).unwrap(), TASK)).unwrap();
    while staging.puts() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(ftr_session_set_upload_rate(session.0, 0), FTR_OK);
    job.wait().done();
}

#[test]
fn progress_never_goes_back_and_ends_with_what_the_storage_has() {
    let staging = Staging::start();
    let session = staging.session();
    let path = film(&staging, 40 * MIB).unwrap();
    let job = session.submit(&Publish::of(&path, TASK)).unwrap();
    job.wait().done();
    let events = session.events();
    let told: Vec<_> = events.iter().filter(|event| event["kind"] == FTR_EVENT_PROGRESS).collect();
    let read =
        |name: &str| -> Vec<u64> { told.iter().map(|event| event["progress"][name].as_u64().unwrap()).collect() };
    let (done, stored) = (read("bytes_done"), read("bytes_stored"));
    assert!(done.is_sorted() && stored.is_sorted(), "{done:?} {stored:?}");
    assert!(stored.iter().zip(&done).all(|(stored, done)| stored <= done), "{done:?} {stored:?}");
    assert_eq!((done.last(), stored.last()), (Some(&(40 * MIB)), Some(&(40 * MIB))));
    assert!(policy::PROGRESS_INTERVAL >= Duration::from_millis(100), "ten times a second at most");
}
