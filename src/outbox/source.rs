//! A source file of a publish that waits: where it is, and whether it is still what it was.

use crate::session::source::Fingerprint;
use crate::session::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{self, Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A source file as it was when the publish was accepted. Not its inode: another machine, or a restored disk, has others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceNote {
    /// Where it is, absolute: another process has another working directory.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// Its time of modification in nanoseconds since 1970, where there is one.
    pub modified_ns: Option<u64>,
    /// The name of its copy in the item's folder.
    #[serde(default)]
    pub copy: Option<String>,
}

impl SourceNote {
    /// How the file at `path` looks now.
    pub fn of(path: &Path) -> Result<SourceNote> {
        let there = Fingerprint::at(path).map_err(|error| gone(path, &error))?;
        Ok(SourceNote::new(path, &there))
    }

    /// The file at `path`, which was opened and looked like this.
    pub fn new(path: &Path, looked: &Fingerprint) -> SourceNote {
        let path = path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let modified = looked.modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        let modified_ns = modified.and_then(|modified| u64::try_from(modified.as_nanos()).ok());
        SourceNote { path, size: looked.size, modified_ns, copy: None }
    }

    /// Whether what is at the path is still that: `SourceChanged` or `SourceGone` says why not. Where there is a copy, that
    /// is what is published, and [`super::Claim::source`] is to be asked instead.
    pub fn check(&self) -> Result<()> {
        let now = SourceNote::of(&self.path)?;
        let difference = if self.size != now.size {
            format!("changed from {} to {} bytes", self.size, now.size)
        } else if !is_same_time(self.modified_ns, now.modified_ns) {
            format!("was written again (still {} bytes)", self.size)
        } else {
            return Ok(());
        };
        let message = format!(
            "'{}' {difference} since it was handed over to be published: retry the item to publish the file as it is now, or \
             forget it",
            self.path.display()
        );
        Err(Error::new(Code::SourceChanged, message))
    }
}

fn gone(path: &Path, error: &io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "is no longer there".to_owned(),
        _ => format!("can no longer be looked at ({error})"),
    };
    let message = format!(
        "'{}' {why}: bring it back, or its drive or mount, and retry the item; or forget the item",
        path.display()
    );
    Error::new(Code::SourceGone, message)
}

/// Whether two times are the same, one of which may have been cut to whole microseconds or seconds: the same file seen over
/// NFS and over SMB, or after its disk was mounted again, shows more digits or fewer. An unknown time says nothing.
fn is_same_time(one: Option<u64>, other: Option<u64>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    let cut = |step: u64| one / step == other / step && (one % step == 0 || other % step == 0);
    [1, 100, 1_000, 1_000_000, 1_000_000_000].into_iter().any(cut)
}
