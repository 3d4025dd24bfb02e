//! What of a sequence is in its folder.

use std::fs;
use std::io;
use std::path::Path;

use super::frames::Frames;
use super::number::{self, Number};
use super::pattern::Pattern;
use super::{Sequence, Strays};
use crate::session::{Code, Error, Result, policy};

/// The sequence that a path stands for, with what of it is there; `None` when the path is that of one file.
///
/// A file that has just this name is that file, whatever signs are in it.
pub fn find(text: &str) -> Result<Option<Sequence>> {
    let Some(pattern) = Pattern::parse(text)? else { return Ok(None) };
    if fs::metadata(text).is_ok() { Ok(None) } else { scan(&pattern).map(Some) }
}

/// Looks for the frames of a pattern in its folder. That there are none is no error here but of [`Sequence::check`].
pub fn scan(pattern: &Pattern) -> Result<Sequence> {
    let Pattern { folder, head, tail, .. } = pattern;
    let numbers = numbers(folder, head, tail)?;
    let fits = numbers.iter().any(|number| number.fits(pattern.padding));
    // A lone # finds what there is: four digits, else the padding of any.
    let padding = match numbers.iter().max_by_key(|number| (number.filled, number.width)) {
        Some(example) if pattern.any_padding && !fits => number::padding_with(*example, &numbers),
        _ => pattern.padding,
    };
    Ok(sequence(folder, head, tail, padding, &numbers, pattern.frames.as_ref()))
}

/// The sequence that a file is one frame of: the files in its folder that differ in the frame number only.
///
/// `None` when no number in its name can be a frame. A sequence of this one frame when there are no others.
/// The file itself need not exist.
pub fn siblings(path: &Path) -> Result<Option<Sequence>> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(None) };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut alone = None;
    for (start, end) in number::places(name) {
        let (head, tail) = (&name[..start], &name[end..]);
        let Some(one) = Number::parse(&name[start..end]) else { continue };
        let numbers = numbers(folder, head, tail)?;
        let padding = number::padding_with(one, &numbers);
        let found = sequence(folder, head, tail, padding, &numbers, None);
        if found.frames.len() > 1 {
            return Ok(Some(found));
        }
        alone = alone.or(Some(found));
    }
    Ok(alone)
}

fn sequence(
    folder: &Path,
    head: &str,
    tail: &str,
    padding: usize,
    numbers: &[Number],
    wanted: Option<&Frames>,
) -> Sequence {
    let there: Frames = numbers.iter().filter(|number| number.fits(padding)).map(|number| number.value).collect();
    let (frames, missing) = match wanted {
        Some(wanted) => {
            let missing = wanted.without(&there);
            (wanted.without(&missing), missing)
        }
        None => (there.clone(), there.holes()),
    };
    let strays = numbers.iter().filter(|number| !number.fits(padding));
    let strays = strays.clone().next().map(|first| Strays {
        count: strays.count() as u64,
        example: format!("{head}{}{tail}", number::text(first.value, if first.filled { first.width } else { 0 })),
    });
    let (folder, head, tail) = (folder.to_owned(), head.to_owned(), tail.to_owned());
    Sequence { folder, head, tail, padding, frames, missing, named: wanted.is_some(), strays }
}

/// The numbers that stand between head and tail in the names of a folder. Folders are left out.
fn numbers(folder: &Path, head: &str, tail: &str) -> Result<Vec<Number>> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let unreadable = |error: io::Error| cannot_list(place, &error);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(place).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        // What is not Unicode is not between head and tail, which are.
        let Some(number) = name.to_str().and_then(|name| number::between(name, head, tail)) else { continue };
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if numbers.len() as u64 >= policy::SEQUENCE_FRAME_LIMIT {
            let message = format!("'{}' holds more than {} frames of one name", place.display(), numbers.len());
            return Err(Error::new(Code::InvalidArgument, format!("path: {message}; give a range of them")));
        }
        numbers.push(number);
    }
    Ok(numbers)
}

fn cannot_list(folder: &Path, error: &io::Error) -> Error {
    let folder = folder.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::new(
            Code::FileNotFound,
            format!(
                "the folder '{folder}' does not exist: check the path, and that the drive or mount is there on this machine"
            ),
        ),
        _ => Error::new(Code::FileUnreadable, format!("the folder '{folder}' cannot be listed: {error}")),
    }
}
