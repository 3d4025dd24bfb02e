//! Sequences of frames: every notation that people type for them, and what of it is on disk.
//!
//! [`Pattern::parse`] and [`of_files`] only think; [`find`], [`scan`] and [`siblings`] read a folder, and
//! [`Sequence::check`] looks at every frame. Those block for file I/O.

mod check; // every frame looked at: holes, empty frames, frames that are still being written
mod frames; // sets of frame numbers
mod list; // an explicit list of files
mod number; // frame numbers as they stand in names, and their padding
mod pattern; // notations that stand for many files
mod pictures; // the headers of all frames: damaged ones, and those that differ
mod range; // ranges as people type them
mod scan; // what is in a folder

use std::fmt;
use std::path::{Path, PathBuf};

pub use check::{Checked, Choice, Holes};
pub use frames::Frames;
pub use list::of_files;
pub use pattern::Pattern;
pub use pictures::Pictures;
pub use scan::{find, scan, siblings};

use crate::session::policy;

/// Frames of one picture in motion, a file each: `shot.1001.exr`, `shot.1002.exr` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The folder of all of them, as it was typed; empty for the working folder.
    pub folder: PathBuf,
    /// What all names begin with: `shot.`.
    pub head: String,
    /// What all names end with: `.exr`.
    pub tail: String,
    /// The width that numbers are filled to with zeros; the sign of a negative number is a part of it, as it is for
    /// printf. 0 for numbers that are not filled. Numbers that need more digits have them.
    pub padding: usize,
    /// The frames that are there.
    pub frames: Frames,
    /// The frames that are not: of the range that was typed, or between the first and the last that are there.
    pub missing: Frames,
    /// Whether the frames were named one by one or by a range, rather than taken from what is there.
    pub named: bool,
    /// Files with the same head and tail whose numbers are padded differently. They are not a part of this.
    pub strays: Option<Strays>,
}

/// Files that look like frames of a sequence and are not, for their padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strays {
    /// How many.
    pub count: u64,
    /// The name of one.
    pub example: String,
}

impl Sequence {
    /// The path of a frame, whether it is there or not.
    pub fn path_of(&self, frame: i64) -> PathBuf {
        self.folder.join(self.name_of(frame))
    }

    /// The file name of a frame, whether it is there or not.
    pub fn name_of(&self, frame: i64) -> String {
        format!("{}{}{}", self.head, number::text(frame, self.padding), self.tail)
    }

    /// The frame that a file name stands for, if it is one of this sequence's names.
    pub fn frame_of(&self, name: &str) -> Option<i64> {
        let number = number::between(name, &self.head, &self.tail)?;
        number.fits(self.padding).then_some(number.value)
    }

    /// The name with printf's sign for the number: `shot.%04d.exr`. What ftrack calls a sequence's name.
    pub fn printf_name(&self) -> String {
        format!("{}{}{}", self.head, number::printf(self.padding), self.tail)
    }

    /// The pattern for ffmpeg's `-i` with `-f image2 -pattern_type sequence`, and its `-start_number`. Percent signs in
    /// folder and name are doubled.
    ///
    /// `None` where ffmpeg would not find these frames and no others: with holes, with negative numbers, with numbers
    /// beyond 32 bits, and where the folder is not Unicode. A list of files does for those.
    pub fn ffmpeg_pattern(&self) -> Option<(String, u32)> {
        let (&[(first, last)], true) = (self.frames.ranges(), self.missing.is_empty()) else { return None };
        let first = u32::try_from(first).ok()?;
        i32::try_from(last).ok()?;
        let escaped = |text: &str| text.replace('%', "%%");
        let name = format!("{}{}{}", escaped(&self.head), number::printf(self.padding), escaped(&self.tail));
        let folder = escaped(self.folder.to_str()?);
        let path = Path::new(&folder).join(name);
        path.into_os_string().into_string().ok().map(|pattern| (pattern, first))
    }

    /// The error's words for which sequence it is: `'renders/shot.%04d.exr'`.
    fn quoted(&self) -> String {
        format!("'{}'", self.folder.join(self.printf_name()).display())
    }
}

/// In clique's form, which ftrack's Python API reads: `renders/shot.%04d.exr [1001-1005, 1007]`.
impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.folder.join(self.printf_name()).display(), self.frames)
    }
}

/// How many frames are named in a message; the rest are counted.
const NAMED: usize = policy::SEQUENCE_NAMED;
