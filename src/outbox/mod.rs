//! The outbox: publishes that are kept on disk until they have ended well, or somebody has seen that they failed.
//!
//! Plain files, a folder an item, so that a person can look:
//!
//! ```text
//! <outbox>/jobs/<id>/job.json     what is to be published, for whom, from which files
//!                    state.json   how far it is: waiting, undoing or failed, tries, the last error, what was done
//!                    lock         who works on the item: nobody, or one that is named in held/
//!                    *.upload     which parts of a large upload are in storage
//!                    copy-*       copies of source files, where the host asked for them
//! <outbox>/new/                   items that are being made: renamed to jobs/ when they are whole
//! <outbox>/held/                  a locked file for each process that works on items, as long as it does
//! <outbox>/gone/                  items that have ended: renamed from jobs/, then deleted
//! ```
//!
//! An item's id is made from its server, user and key, so that the same publish is the same item in every process. The two JSON files are
//! two lines each: an object with the number of the format, and the MD5 of that line in hexadecimal digits. A file that
//! does not fit its MD5 is damaged; one that does and still cannot be read is by a newer version of the library. Both kinds are
//! listed and left alone. To throw an item away by hand, move its folder out of jobs/.
//!
//! What a power failure can do: every file is written under another name, flushed to disk and renamed, and so is every
//! folder; so an item is there whole, in its earlier or its later state, or not there. What a killed process leaves in
//! new/ and gone/ is deleted by the next that comes by.
//!
//! An item is held by whom its lock names, as long as the file of that name in held/ is locked. This lock is one of the
//! operating system (flock), which lets go when the process dies, however it dies; but not before a child process dies that the
//! host has forked without exec. A session takes one descriptor for all items that it holds. No secret is in any of the
//! files, and only the user who owns them may read them.
//!
//! All of this waits for disks: it is for blocking threads.
#![forbid(unsafe_code)]

mod claim; // an item in the hands of whoever works on it
mod copies; // source files that are copied into an item
mod disk; // folders and files that are there after a power failure, or not
mod fault; // the errors, with path and remedy
mod lock; // one thread of one process at a time
mod place; // the user's own outbox
mod record; // what is kept: the publish and its state
mod sealed; // a value in a file, with format and checksum
mod source; // a source file, and whether it is still what it was
mod store; // the folder: adding, claiming, listing, sweeping

pub use claim::Claim;
pub use place::Places;
pub use record::{NotedError, Record, State, Step};
pub use source::SourceNote;
pub use store::{Added, Item, Limits, Outbox};

#[cfg(test)]
mod tests {
    use super::Record;
    use std::time::{Duration, UNIX_EPOCH};

    /// A publish to keep, with everything in it that could be kept wrongly.
    pub(super) fn record(key: &str) -> Record {
        Record {
            id: String::new(),
            key: key.to_owned(),
            server_url: "https://studio.example".to_owned(),
            api_user: "grün".to_owned(),
            tag: u64::MAX,
            created: UNIX_EPOCH + Duration::from_millis(1_790_000_000_123),
            library: "0.1.0".to_owned(),
            request: serde_json::json!({"comment": "two\nlines", "half": 0.1, "none": null}),
            sources: Vec::new(),
        }
    }
}
