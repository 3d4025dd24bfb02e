//! Every frame of a sequence looked at: is it there, is it empty, is it still being written.

use std::fs::{self, Metadata};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{Frames, NAMED, Sequence, Strays};
use crate::session::{Code, Error, Result, policy};

/// What is done about frames that are missing, empty or damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holes {
    /// The sequence is refused with `SequenceHoles`.
    #[default]
    Refuse,
    /// The frame before is shown in their place, so that all others keep their time; before the first, the first.
    Hold,
    /// They are left out, so that the movie is shorter.
    LeaveOut,
}

/// What the caller allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What is done about holes.
    pub holes: Holes,
    /// Whether a sequence of one frame is all right. Named by a range of one, it is.
    pub single: bool,
}

/// A sequence that was looked at, frame by frame.
#[derive(Clone, Debug)]
pub struct Checked {
    /// It, with the frames that can be used; all others are `missing`.
    pub sequence: Sequence,
    /// The frames that are there without a byte in them. They are among the missing.
    pub empty: Frames,
    /// What is done about those that are missing.
    pub holes: Holes,
    /// What the files take on disk, in bytes.
    pub size_bytes: u64,
}

impl Checked {
    /// The number and the file of each frame that is shown, in order. With [`Holes::Hold`] a file stands for several.
    pub fn shown(&self) -> impl Iterator<Item = (i64, PathBuf)> + '_ {
        let there = &self.sequence.frames;
        let held = self.holes == Holes::Hold;
        let all = if held { there.with(&self.sequence.missing) } else { there.clone() };
        let ranges = all.ranges().to_vec();
        let mut last = there.first();
        ranges.into_iter().flat_map(|(first, last)| first..=last).filter_map(move |frame| {
            last = if there.contains(frame) { Some(frame) } else { last };
            last.map(|file| (frame, self.sequence.path_of(file)))
        })
    }

    /// How many frames are shown.
    pub fn count(&self) -> u64 {
        let missing = if self.holes == Holes::Hold { self.sequence.missing.len() } else { 0 };
        self.sequence.frames.len() + missing
    }
}

impl Sequence {
    /// Looks at every frame on disk, and says whether the sequence can be used in the way that the caller chose.
    ///
    /// Blocks for file I/O, a question for each file, and for `policy::SETTLE_TIME` where frames changed a moment ago.
    /// `SequenceEmpty`, `SequenceSingle` and `SequenceHoles` say what is not as it should be, and `FileChanged` that frames
    /// are still being written.
    pub fn check(&self, choice: Choice) -> Result<Checked> {
        check(self, choice, std::thread::sleep)
    }
}

/// [`Sequence::check`] with the waiting handed in, so that a test can change files in that time.
fn check(sequence: &Sequence, choice: Choice, wait: impl FnOnce(Duration)) -> Result<Checked> {
    refuse_none(sequence)?;
    let Looked { gone, empty, recent, size_bytes } = look(sequence)?;
    if !recent.is_empty() {
        wait(policy::SETTLE_TIME);
        refuse_changing(sequence, recent)?;
    }
    let unusable = gone.with(&empty);
    let mut sequence = sequence.clone();
    sequence.frames = sequence.frames.without(&unusable);
    sequence.missing = sequence.missing.with(&unusable);
    if sequence.frames.is_empty() {
        return Err(Error::new(
            Code::SequenceEmpty,
            format!("all {} frames of {} are empty: the render did not finish", empty.len(), sequence.quoted()),
        ));
    }
    let one = sequence.frames.len() == 1 && sequence.missing.is_empty();
    if one && !choice.single && !sequence.named {
        return Err(single(&sequence));
    }
    if choice.holes == Holes::Refuse && !sequence.missing.is_empty() {
        return Err(holes(&sequence, &empty));
    }
    Ok(Checked { sequence, empty, holes: choice.holes, size_bytes })
}

#[derive(Default)]
struct Looked {
    gone: Frames,
    empty: Frames,
    /// Frames that changed a moment ago, with how they looked.
    recent: Vec<(i64, u64, Option<SystemTime>)>,
    size_bytes: u64,
}

fn look(sequence: &Sequence) -> Result<Looked> {
    let mut looked = Looked::default();
    let (mut gone, mut empty) = (Vec::new(), Vec::new());
    for frame in sequence.frames.iter() {
        let Some(metadata) = metadata(sequence, frame)? else {
            gone.push(frame);
            continue;
        };
        let modified = metadata.modified().ok();
        if modified.is_some_and(|time| time.elapsed().map_or(true, |age| age < policy::RECENT)) {
            looked.recent.push((frame, metadata.len(), modified));
        }
        if metadata.len() == 0 {
            empty.push(frame);
        }
        looked.size_bytes = looked.size_bytes.saturating_add(metadata.len());
    }
    looked.gone = gone.into_iter().collect();
    looked.empty = empty.into_iter().collect();
    Ok(looked)
}

/// `None` when the file is not there (any longer).
fn metadata(sequence: &Sequence, frame: i64) -> Result<Option<Metadata>> {
    let path = sequence.path_of(frame);
    let error = |code, what: String| Err(Error::new(code, format!("'{}' {what}", path.display())));
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(_) => {
            error(Code::NotAFile, "has the name of a frame and is no file: give the frames another folder".to_owned())
        }
        Err(reason) if matches!(reason.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(reason) => error(Code::FileUnreadable, format!("cannot be looked at: {reason}")),
    }
}

fn refuse_none(sequence: &Sequence) -> Result<()> {
    if !sequence.frames.is_empty() {
        return Ok(());
    }
    let quoted = sequence.quoted();
    let wanted = match sequence.missing.is_empty() {
        true => format!("there is no frame of {quoted}"),
        false => format!("none of the frames {} of {quoted} is there", sequence.missing.brief(NAMED)),
    };
    let hint = match &sequence.strays {
        Some(strays) => format!("'{}' is padded differently, give its pattern", strays.example),
        None => "check the path, and that the render wrote there".to_owned(),
    };
    Err(Error::new(Code::SequenceEmpty, format!("{wanted}: {hint}")))
}

fn refuse_changing(sequence: &Sequence, recent: Vec<(i64, u64, Option<SystemTime>)>) -> Result<()> {
    let mut changing = Vec::new();
    for (frame, size, modified) in recent {
        let same = metadata(sequence, frame)?.is_some_and(|now| now.len() == size && now.modified().ok() == modified);
        if !same {
            changing.push(frame);
        }
    }
    let changing: Frames = changing.into_iter().collect();
    if changing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} is still being written ({}): publish it when the render is done",
        sequence.quoted(),
        counted(&changing)
    );
    Err(Error::new(Code::FileChanged, message))
}

fn single(sequence: &Sequence) -> Error {
    let frame = sequence.frames.first().map_or_else(String::new, |frame| sequence.path_of(frame).display().to_string());
    let strays = match &sequence.strays {
        Some(Strays { count, example }) => {
            format!(" ({count} more are padded differently, such as '{example}')")
        }
        None => String::new(),
    };
    Error::new(
        Code::SequenceSingle,
        format!(
            "'{frame}' is the only frame of {}{strays}: render the others, or publish it as an image",
            sequence.quoted()
        ),
    )
}

fn holes(sequence: &Sequence, empty: &Frames) -> Error {
    let missing = sequence.missing.without(empty);
    let lacks = match (missing.is_empty(), empty.is_empty()) {
        (false, true) => format!("lacks {}", counted(&missing)),
        (true, _) => format!("has {} without a byte in it", counted(empty)),
        (false, false) => format!("lacks {}, and {} have no byte in them", counted(&missing), counted(empty)),
    };
    let remedy = "render them, or choose that the frame before is held or that they are left out";
    Error::new(Code::SequenceHoles, format!("{} {lacks}: {remedy}", sequence.quoted()))
}

fn counted(frames: &Frames) -> String {
    match frames.len() {
        1 => format!("frame {frames}"),
        count => format!("{count} frames: {}", frames.brief(NAMED)),
    }
}
