//! The outbox on disk, whatever happens to it: damage, full disks, processes that fight or are killed, clocks, versions.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

#[path = "../support/mod.rs"]
mod support; // compilers, programs with a time limit

mod clocks; // clocks that jump, in both directions
mod copies; // sources that are copied, change, or go
mod damage; // bytes that are not what was written, and files of newer versions
mod full; // disks that are full or read-only
mod instants; // killed, or refused by the disk, at every file operation; copied at any instant
mod rivals; // threads and processes at one outbox
mod script; // a run through everything that an outbox does, and what must be on disk after it
mod shim; // what stands between a process and its disk
mod snapshot; // what is in an outbox

use ftreview::outbox::{Added, Claim, Limits, Outbox, Record};
use std::time::{Duration, UNIX_EPOCH};

/// A publish to keep.
fn record(key: &str) -> Record {
    Record {
        id: id_of(key),
        key: key.to_owned(),
        server_url: "https://studio.example".to_owned(),
        api_user: "user".to_owned(),
        tag: 7,
        created: UNIX_EPOCH + Duration::from_millis(1_790_000_000_123),
        library: "0.1.0".to_owned(),
        request: serde_json::json!({"comment": "softer key light"}),
        sources: Vec::new(),
    }
}

/// The id of that.
fn id_of(key: &str) -> String {
    Outbox::id_of("https://studio.example", "user", key)
}

fn add(outbox: &Outbox, record: Record) -> Claim {
    match outbox.add(record).unwrap() {
        Added::New(claim) => claim,
        Added::There => panic!("it was there already"),
    }
}

/// A folder that is gone at the end, on a disk in memory where there is one: thousands of flushes are nothing to it.
fn folder() -> tempfile::TempDir {
    match std::path::Path::new("/dev/shm") {
        memory if memory.is_dir() => tempfile::tempdir_in(memory),
        _ => tempfile::tempdir(),
    }
    .unwrap()
}

fn outbox(folder: &tempfile::TempDir) -> Outbox {
    Outbox::new(folder.path().join("outbox"), Limits::default())
}
