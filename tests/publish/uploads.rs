//! Large files as a host sees them: what is refused, and that it can be stopped.

use super::host::{Publish, Staging, example};
use super::valve::Valve;
use ftreview::ffi::constants::*;
use ftreview::ffi::ftr_job_cancel;
use ftreview::session::Code;
use ftreview_sandbox::storage::Limits;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

const TASK: &str = "demo/sq010/sh010/compositing";

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A movie with so much room at its end that it has `size` bytes, which take no room on a disk that can leave holes. Nothing
/// where the file system takes no such file.
fn movie(staging: &Staging, size: u64) -> Option<PathBuf> {
    let path = staging.scratch().join(format!("film_{size}.mp4"));
    std::fs::copy(example("review.mp4"), &path).unwrap();
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    let end = file.seek(SeekFrom::End(0)).unwrap();
    // A box whose length of 64 bits follows its name.
    file.write_all(&1u32.to_be_bytes()).unwrap();
    file.write_all(b"free").unwrap();
    file.write_all(&(size - end).to_be_bytes()).unwrap();
    file.set_len(size).ok().map(|()| path)
}

fn put_lines(lines: &[String]) -> usize {
    lines.iter().filter(|line| line.starts_with("PUT /storage")).count()
}

#[test]
fn a_file_larger_than_any_storage_takes_is_refused_before_anything_is_created() {
    let staging = Staging::start();
    let Some(path) = movie(&staging, 1251 * GIB) else {
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
    assert_eq!(put_lines(&staging.requests()), 0);
}

#[test]
fn a_storage_that_refuses_the_size_of_the_parts_is_told_and_leaves_nothing() {
    let staging = Staging::start();
    staging.storage().set_limits(Limits { smallest_part: 20 * MIB, ..Limits::default() });
    let before = staging.census();
    let path = movie(&staging, 20 * MIB).unwrap();
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
    let path = movie(&staging, 120 * MIB).unwrap();
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
