//! A sequence of frames as a component of its own, with a member for each frame, as ftrack's Python API makes them.

use super::{GivenFile, Wish, frames};
use crate::media::sequence::Checked;
use crate::publish::check::file_type;
use crate::publish::ids::Slot;
use crate::session::{Code, Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The sequence, looked at.
#[derive(Clone, Debug)]
pub struct FrameSequence {
    pub slot: Slot,
    pub name: String,
    pub file_type: String,
    /// Whether its frames are uploaded.
    pub upload: bool,
    checked: Checked,
    copies: BTreeMap<PathBuf, PathBuf>,
}

/// One frame.
#[derive(Clone, Debug)]
pub struct Frame {
    pub number: i64,
    /// The number as it stands in the file's name, which is the member's name.
    pub name: String,
    pub path: PathBuf,
}

impl FrameSequence {
    /// Looks whether the frames are there. On a blocking thread.
    pub fn look(given: &GivenFile, path: &Path, wish: &Wish) -> Result<FrameSequence> {
        if let Some((checked, _)) = frames::copied_frames(path, &wish.copies, wish.on_holes)? {
            return Ok(FrameSequence::new(given, checked, wish));
        }
        let Some(sequence) = frames::find(path, true)? else {
            let remedy = "give the name of a frame, or a notation such as shot.%04d.exr";
            let message =
                format!("files: '{}' was given as a sequence and has no frame number: {remedy}", path.display());
            return Err(Error::new(Code::BadRole, message));
        };
        Ok(FrameSequence::new(given, frames::check(&sequence, wish.on_holes)?, wish))
    }

    fn new(given: &GivenFile, checked: Checked, wish: &Wish) -> FrameSequence {
        let name = given.name().unwrap_or_default();
        FrameSequence {
            slot: Slot::Named(name.clone()),
            name,
            // A tail without a dot before the ending is none.
            file_type: file_type(Path::new(&format!("frame{}", checked.sequence.tail))),
            upload: given.upload,
            checked,
            copies: if given.upload { wish.copies.clone() } else { BTreeMap::new() },
        }
    }

    /// The digits of its numbers.
    pub fn padding(&self) -> usize {
        self.checked.sequence.padding
    }

    /// What all frames take together.
    pub fn size_bytes(&self) -> u64 {
        self.checked.size_bytes
    }

    /// The name of all frames: `shot.%04d.exr`.
    pub fn printf_name(&self) -> String {
        self.checked.sequence.printf_name()
    }

    /// The same with its folder.
    pub fn printf_path(&self) -> PathBuf {
        self.checked.sequence.folder.join(self.printf_name())
    }

    /// Those that are there, in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame> + '_ {
        let sequence = &self.checked.sequence;
        sequence.frames.iter().map(move |number| {
            let name = sequence.name_of(number);
            // The name is made of these two and the number between them.
            let digits = name.get(sequence.head.len()..name.len() - sequence.tail.len()).unwrap_or(&name).to_owned();
            let path = sequence.path_of(number);
            Frame { number, name: digits, path: self.copies.get(&path).cloned().unwrap_or(path) }
        })
    }
}
