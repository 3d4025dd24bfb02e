//! What goes wrong with an outbox, with the path and the remedy.

use crate::session::{Code, Error};
use std::io;
use std::path::Path;

/// What could not be done with `path`, such as "be written".
pub(super) fn unusable(path: &Path, what: &str, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space there, or give another outbox_folder",
        _ => "give an outbox_folder that this user may read and write, on a disk that works",
    };
    Error::new(Code::OutboxUnusable, format!("outbox: '{}' cannot {what} ({error}): {remedy}", path.display()))
}

/// The lock could be neither had nor refused.
pub(super) fn no_lock(path: &Path, error: &io::Error) -> Error {
    if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) {
        return unusable(path, "be locked", error);
    }
    let message = format!(
        "outbox: '{}' cannot be locked ({error}): the file system there seems to have no locks; give an outbox_folder on \
         one that has, such as a local disk",
        path.display()
    );
    Error::new(Code::OutboxUnusable, message)
}

/// Somebody else holds the item.
pub(super) fn busy(id: &str) -> Error {
    let message = format!(
        "outbox: item \"{id}\" is being worked on by another thread or process: wait for its end, or come back later"
    );
    Error::new(Code::OutboxBusy, message)
}

/// There is no such item.
pub(super) fn no_item(id: &str, folder: &Path) -> Error {
    let message = format!(
        "outbox: there is no item \"{id}\" in '{}': it may have ended; list the outbox to see what is there",
        folder.display()
    );
    Error::new(Code::OutboxNoItem, message)
}

/// The file is whole, and says what this version cannot read.
pub(super) fn newer(path: &Path, why: &str) -> Error {
    let message = format!(
        "outbox: '{}' was written by a newer version of this library ({why}): resume it with that version",
        path.display()
    );
    Error::new(Code::OutboxNewer, message)
}

/// The file is not what was written.
pub(super) fn damaged(path: &Path, why: &str) -> Error {
    let message = format!(
        "outbox: '{}' is damaged ({why}): it is not published; forget the item, and publish its file again",
        path.display()
    );
    Error::new(Code::OutboxDamaged, message)
}
