//! Sequences of frames: found in their folder, and looked at.

use super::{OnHoles, Wish};
use crate::media::sequence::{self, Checked, Choice, Frames, Holes, Pattern, Sequence};
use crate::media::{self, Kind};
use crate::session::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The sequence that a path stands for; nothing where it is one file, unless that is said to be one frame of many.
pub fn find(path: &Path, is_sequence: bool) -> Result<Option<Sequence>> {
    // It came as text.
    let text = path.to_string_lossy();
    match sequence::find(&text)? {
        None if is_sequence => sequence::siblings(path),
        found => Ok(found),
    }
}

/// Frames that were looked at.
pub struct Looked {
    pub checked: Checked,
    /// What each of them is.
    pub kind: Kind,
    pub height: Option<u32>,
}

/// The frames of which the outbox keeps copies: the files themselves may be gone. They were looked at when they were copied,
/// as far as that had come; what is wrong with one, ffmpeg says.
pub fn copied(path: &Path, wish: &Wish) -> Result<Option<Looked>> {
    let Some((checked, first)) = copied_frames(path, &wish.copies, wish.on_holes)? else { return Ok(None) };
    let kind = media::look(&first)?.kind;
    let height = match &kind {
        Kind::Image(image) => Some(image.height),
        Kind::OtherImage(image) => image.height,
        _ => None,
    };
    Ok(Some(Looked { checked, kind, height }))
}

/// The sequence, and the copy of its first frame. Nothing where none is copied.
pub fn copied_frames(
    path: &Path,
    copies: &BTreeMap<PathBuf, PathBuf>,
    on_holes: OnHoles,
) -> Result<Option<(Checked, PathBuf)>> {
    let Some(pattern) = Pattern::parse(&path.to_string_lossy())? else { return Ok(None) };
    let Some(named) = pattern.frames else { return Ok(None) };
    let mut sequence = Sequence {
        folder: pattern.folder,
        head: pattern.head,
        tail: pattern.tail,
        padding: pattern.padding,
        frames: Frames::default(),
        missing: Frames::default(),
        named: true,
        strays: None,
    };
    sequence.frames = named.iter().filter(|frame| copies.contains_key(&sequence.path_of(*frame))).collect();
    sequence.missing = named.without(&sequence.frames);
    let Some(first) = sequence.frames.first().and_then(|frame| copies.get(&sequence.path_of(frame)).cloned()) else {
        return Ok(None);
    };
    let size = |frame| copies.get(&sequence.path_of(frame)).and_then(|copy| std::fs::metadata(copy).ok());
    let size_bytes = sequence.frames.iter().filter_map(size).map(|metadata| metadata.len()).sum();
    Ok(Some((Checked { sequence, empty: Frames::default(), holes: holes(on_holes), size_bytes }, first)))
}

/// Looks at every frame.
pub fn check(sequence: &Sequence, on_holes: OnHoles) -> Result<Checked> {
    sequence.check(Choice { holes: holes(on_holes), single: false })
}

fn holes(on_holes: OnHoles) -> Holes {
    match on_holes {
        OnHoles::Refuse => Holes::Refuse,
        OnHoles::Hold => Holes::Hold,
        OnHoles::LeaveOut => Holes::LeaveOut,
    }
}
