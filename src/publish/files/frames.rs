//! Sequences of frames: found in their folder, and looked at.

use super::OnHoles;
use crate::media::sequence::{self, Checked, Choice, Holes, Sequence};
use crate::session::Result;
use std::path::Path;

/// The sequence that a path stands for; nothing where it is one file, unless that is said to be one frame of many.
pub fn find(path: &Path, is_sequence: bool) -> Result<Option<Sequence>> {
    // It came as text.
    let text = path.to_string_lossy();
    match sequence::find(&text)? {
        None if is_sequence => sequence::siblings(path),
        found => Ok(found),
    }
}

/// Looks at every frame.
pub fn check(sequence: &Sequence, on_holes: OnHoles) -> Result<Checked> {
    let holes = match on_holes {
        OnHoles::Refuse => Holes::Refuse,
        OnHoles::Hold => Holes::Hold,
        OnHoles::LeaveOut => Holes::LeaveOut,
    };
    sequence.check(Choice { holes, single: false })
}
