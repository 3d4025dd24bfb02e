//! A sequence from an explicit list of its files.

use std::path::{Path, PathBuf};

use super::Sequence;
use super::frames::Frames;
use super::number::{self, Number};
use crate::session::{Code, Error, Result, policy};

/// The sequence that these files are, in any order. The disk is not looked at: all of them count as there.
///
/// They must lie in one folder and differ in one number only, padded in one way; `SequenceMixed` names two that do not.
pub fn of_files(files: &[PathBuf]) -> Result<Sequence> {
    let Some(first) = files.first() else {
        return Err(Error::new(Code::SequenceEmpty, "files: the list is empty; name the frames, or give a pattern"));
    };
    if files.len() as u64 > policy::SEQUENCE_FRAME_LIMIT {
        let message = format!("files: {} frames, more than any film; give a pattern", files.len());
        return Err(Error::new(Code::InvalidArgument, message));
    }
    let folder = first.parent().unwrap_or(Path::new(""));
    if let Some(other) = files.iter().find(|file| file.parent().unwrap_or(Path::new("")) != folder) {
        return Err(mixed(first, other, "lie in two folders"));
    }
    let names = names(files)?;
    let around = |(start, end): number::Place| (&names[0][..start], &names[0][end..]);
    let candidates = digits(names[0]);
    // The last number in which they differ; where they are the same file or one alone, its most likely frame.
    let place = candidates.iter().rev().map(|place| around(*place)).find_map(|(head, tail)| {
        let numbers: Option<Vec<Number>> = names.iter().map(|name| number::between(name, head, tail)).collect();
        numbers.map(|numbers| (head, tail, numbers))
    });
    let alone = number::places(names[0]).first().map(|place| around(*place)).filter(|_| files.len() == 1);
    let alone = alone.and_then(|(head, tail)| Some((head, tail, vec![number::between(names[0], head, tail)?])));
    let Some((head, tail, numbers)) = alone.or(place) else {
        let other = files.iter().find(|file| *file != first).unwrap_or(first);
        return Err(mixed(first, other, "differ in more than a frame number"));
    };
    let padding = number::common_padding(&numbers).ok_or_else(|| {
        let one = numbers.iter().position(|number| number.filled).unwrap_or(0);
        let other = numbers.iter().position(|number| !number.fits(numbers[one].width)).unwrap_or(0);
        mixed(&files[one], &files[other], "are padded differently")
    })?;
    let frames: Frames = numbers.iter().map(|number| number.value).collect();
    if frames.len() < numbers.len() as u64 {
        return Err(Error::new(Code::InvalidArgument, format!("files: {}; name each once", twice(files, &numbers))));
    }
    Ok(Sequence {
        folder: folder.to_owned(),
        head: head.to_owned(),
        tail: tail.to_owned(),
        padding,
        missing: frames.holes(),
        frames,
        named: true,
        strays: None,
    })
}

fn names(files: &[PathBuf]) -> Result<Vec<&str>> {
    files
        .iter()
        .map(|file| {
            file.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
                Error::new(Code::NotUtf8, format!("files: '{}' has no name in Unicode; rename it", file.display()))
            })
        })
        .collect()
}

/// Every number in a name, also those that would hardly be a frame: here the other names decide.
fn digits(name: &str) -> Vec<number::Place> {
    let bytes = name.as_bytes();
    let mut places = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length > 0 {
            places.push((if number::is_sign(name, at) { at - 1 } else { at }, at + length));
        }
        at += length.max(1);
    }
    places
}

fn twice(files: &[PathBuf], numbers: &[Number]) -> String {
    let mut seen = std::collections::HashSet::new();
    let second = numbers.iter().position(|number| !seen.insert(number.value)).unwrap_or(0);
    format!("'{}' is in the list twice", files[second].display())
}

fn mixed(one: &Path, other: &Path, how: &str) -> Error {
    Error::new(
        Code::SequenceMixed,
        format!(
            "files: '{}' and '{}' {how}; frames of one sequence have the same name but for the number",
            one.display(),
            other.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Sequence> {
        of_files(&names.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_number_in_which_they_differ_is_the_frame() {
        for (names, shown) in [
            (&["r/s.1003.exr", "r/s.1001.exr"][..], "r/s.%04d.exr [1001, 1003]"),
            (&["s_v001.1001.exr", "s_v001.1002.exr"], "s_v001.%04d.exr [1001-1002]"),
            (&["s_v001.exr", "s_v002.exr"], "s_v%03d.exr [1-2]"),
            (&["9.png", "10.png", "11.png"], "%d.png [9-11]"),
            (&["s.-001.exr", "s.0000.exr", "s.0001.exr"], "s.%04d.exr [-1-1]"),
            (&["s.1001.x2.exr", "s.1002.x2.exr"], "s.%04d.x2.exr [1001-1002]"),
            (&["s.1001.exr"], "s.%04d.exr [1001]"),
            (&["s_v002.0001_left.exr"], "s_v002.%04d_left.exr [1]"),
        ] {
            assert_eq!(of(names).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_one_sequence_is_told_with_two_of_its_files() {
        for (names, code, words) in [
            (&[][..], Code::SequenceEmpty, &["empty"][..]),
            (&["a/s.1.exr", "b/s.2.exr"], Code::SequenceMixed, &["a/s.1.exr", "b/s.2.exr", "two folders"]),
            (&["s.1.exr", "t.2.exr"], Code::SequenceMixed, &["s.1.exr", "t.2.exr", "more than"]),
            (&["s.exr", "t.exr"], Code::SequenceMixed, &["more than"]),
            (&["s.exr"], Code::SequenceMixed, &["more than"]),
            (&["s.1.exr", "s.1.png"], Code::SequenceMixed, &["more than"]),
            (&["s.0009.exr", "s.10.exr"], Code::SequenceMixed, &["s.0009.exr", "s.10.exr", "padded differently"]),
            (&["s.1.exr", "s.2.exr", "s.1.exr"], Code::InvalidArgument, &["s.1.exr", "twice"]),
        ] {
            let error = of(names).unwrap_err();
            assert_eq!(error.code, code, "{error}");
            assert!(words.iter().all(|word| error.message.contains(word)), "{error}");
        }
    }
}
