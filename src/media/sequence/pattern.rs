//! Notations that stand for many files: `%04d`, `####`, `@@@@`, `$F4`, ranges in place and behind, and clique's form.

use std::path::{Path, PathBuf};

use super::frames::Frames;
use super::{number, range};
use crate::session::{Code, Error, Result, policy};

/// What a notation says: which names, and perhaps which frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The folder as it was typed; empty for the working folder. Signs in it stand for themselves.
    pub folder: PathBuf,
    /// What all names begin with.
    pub head: String,
    /// What all names end with.
    pub tail: String,
    /// The width that numbers are filled to with zeros, 0 for none.
    pub padding: usize,
    /// Whether another padding may be meant: of a lone `#`, which is four digits in some programs and one in others.
    pub any_padding: bool,
    /// The frames, where the notation names them.
    pub frames: Option<Frames>,
}

impl Pattern {
    /// Reads a path that may stand for many files. `None` when it is one file's path and nothing else.
    ///
    /// Whether a file of just this name exists is not looked at; [`super::find`] does, since names may hold such signs.
    /// One `#` is four digits, more of them are as many as there are.
    pub fn parse(text: &str) -> Result<Option<Pattern>> {
        read(text).map_err(|problem| Error::new(Code::InvalidArgument, format!("path: \"{text}\", {problem}")))
    }
}

/// The problem is the rest of a sentence, with its remedy.
fn read(text: &str) -> std::result::Result<Option<Pattern>, String> {
    let (folder, name) = split(text);
    let (name, behind) = ranges_behind(name);
    let signs = signs(name)?;
    let sign = match signs.as_slice() {
        [] => return in_brackets(folder, name, behind),
        [sign] => sign,
        [first, second, ..] => {
            return Err(format!(
                "\"{}\" and \"{}\" both stand for a frame number; leave one",
                &name[first.start..first.end],
                &name[second.start..second.end]
            ));
        }
    };
    if sign.padding > policy::SEQUENCE_PADDING_LIMIT {
        let most = policy::SEQUENCE_PADDING_LIMIT;
        return Err(format!("numbers of {} digits are meant by it; {most} are the most", sign.padding));
    }
    let (head, tail) = (&name[..sign.start], &name[sign.end..]);
    // In clique's own form, with printf's sign, the head is what it is.
    let by_clique = behind.is_some() && name[sign.start..].starts_with('%');
    let (head, within) = if by_clique { (head, None) } else { ranges_within(head) };
    // Without a frame in its brackets it is what clique writes for a collection of none.
    let behind = behind.filter(|ranges| !ranges.is_empty());
    let typed = match (within, behind) {
        (Some(_), Some(_)) => return Err("it has frames in two places; leave one".to_owned()),
        (one, other) => one.or(other),
    };
    let frames = typed.map(frames).transpose()?;
    Ok(Some(Pattern {
        folder,
        head: head.to_owned(),
        tail: tail.to_owned(),
        padding: number::normal(sign.padding),
        any_padding: sign.any_padding,
        frames,
    }))
}

fn frames(text: &str) -> std::result::Result<Frames, String> {
    range::parse(text).map_err(|problem| format!("{problem}; write frames as 1-100, 1,5-10 or 1-100x2"))
}

/// Folder and name. `Path` would take away a slash at the end, which says that a folder is meant.
fn split(text: &str) -> (PathBuf, &str) {
    match text.rfind(std::path::is_separator) {
        Some(at) => (Path::new(&text[..=at]).to_owned(), &text[at + 1..]),
        None => (PathBuf::new(), text),
    }
}

/// Takes ranges off that stand behind the name: clique's ` [1-5, 7]`, or a word of its own as in RV, ` 1-50`.
fn ranges_behind(name: &str) -> (&str, Option<&str>) {
    let brackets = name.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    let has_sign = |name: &str| signs(name).map_or(true, |signs| !signs.is_empty());
    if let Some((before, inside)) = brackets {
        let listed = inside.bytes().all(|byte| byte.is_ascii_digit() || b" ,-xy:".contains(&byte));
        if listed && has_sign(before) {
            return (before.strip_suffix(' ').unwrap_or(before), Some(inside.trim()));
        }
    }
    if let Some((before, word)) = name.rsplit_once(' ')
        && range::at_end_of(word) == Some(0)
        && has_sign(before)
    {
        return (before.trim_end(), Some(word));
    }
    (name, None)
}

/// Takes ranges off the end of what stands before a sign: `shot.1-100` of `shot.1-100#.exr`. One number alone is a frame
/// behind a dot only: `take2####.exr` has no frames in it.
fn ranges_within(head: &str) -> (&str, Option<&str>) {
    let Some(start) = range::at_end_of(head) else { return (head, None) };
    let (before, ranges) = head.split_at(start);
    let is_number = number::Number::parse(ranges).is_some();
    if is_number && !before.ends_with('.') && !before.is_empty() { (head, None) } else { (before, Some(ranges)) }
}

/// A name with the frames themselves in the place of the number: `shot.[1001-1100].exr`. The numbers show the padding.
fn in_brackets(folder: PathBuf, name: &str, behind: Option<&str>) -> std::result::Result<Option<Pattern>, String> {
    let Some((head, rest)) = name.split_once('[') else { return Ok(None) };
    let Some((inside, tail)) = rest.split_once(']') else { return Ok(None) };
    let is_range = range::at_end_of(inside) == Some(0) && inside.bytes().any(|byte| byte == b'-' || byte == b',');
    // Behind a space it would be clique's form, which has a sign before it.
    if !is_range || behind.is_some() || head.ends_with(' ') || tail.contains('[') {
        return Ok(None);
    }
    Ok(Some(Pattern {
        folder,
        head: head.to_owned(),
        tail: tail.to_owned(),
        padding: range::padding(inside),
        any_padding: false,
        frames: Some(frames(inside)?),
    }))
}

/// A sign that stands for the frame number.
struct Sign {
    start: usize,
    end: usize,
    padding: usize,
    any_padding: bool,
}

/// All signs in a name, from left to right.
fn signs(name: &str) -> std::result::Result<Vec<Sign>, String> {
    let mut signs = Vec::new();
    let mut at = 0;
    while at < name.len() {
        let rest = &name[at..];
        let found = match rest.as_bytes()[0] {
            b'#' | b'@' => marks(&name[..at], rest, signs.is_empty())?,
            b'%' => percent(rest)?,
            b'$' => dollar(rest)?,
            b'<' if rest.starts_with("<UDIM>") => return Err(udim("<UDIM>")),
            _ => None,
        };
        let Some((length, padding, any_padding)) = found else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        // After Effects writes its hashes in brackets.
        let bracketed = name[..at].ends_with('[') && name[at + length..].starts_with(']');
        let around = usize::from(bracketed);
        signs.push(Sign { start: at - around, end: at + length + around, padding, any_padding });
        at += length + around;
    }
    Ok(signs)
}

/// Length of the sign in bytes, its padding, and whether another padding may be meant.
type Found = Option<(usize, usize, bool)>;

/// A row of `#` or `@`. `logo@2x.png` and `take #2.mov` hold none: one alone that a letter or digit follows is a part of the
/// name, unless a dot or a range stands before it.
fn marks(before: &str, rest: &str, first: bool) -> std::result::Result<Found, String> {
    let length = rest.bytes().take_while(|byte| b"#@".contains(byte)).count();
    let (row, behind) = rest.split_at(length);
    let ranges = range::at_end_of(before).is_some_and(|start| before[start..].contains(['-', ',']));
    if length == 1 && behind.starts_with(char::is_alphanumeric) && !before.ends_with('.') && !ranges {
        return Ok(None);
    }
    if row.contains('#') && row.contains('@') {
        return Err(format!("\"{row}\" mixes # and @; write as many # as there are digits"));
    }
    let subframes = behind.strip_prefix('.').is_some_and(|next| next.starts_with(['#', '@']));
    if first && subframes {
        return Err("frames between frames (#.#) cannot be reviewed; give whole frames".to_owned());
    }
    let lone = row == "#";
    Ok(Some((length, if lone { 4 } else { length }, lone)))
}

/// `%d` and `%04d`, as printf has them; a width without a zero means the same in names.
fn percent(rest: &str) -> std::result::Result<Found, String> {
    if rest.starts_with("%(UDIM)d") {
        return Err(udim("%(UDIM)d"));
    }
    let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
    if rest.as_bytes().get(1 + digits) != Some(&b'd') {
        return Ok(None);
    }
    Ok(Some((digits + 2, width(&rest[1..=digits])?, false)))
}

/// Houdini's `$F` and `$F4`, also in braces.
fn dollar(rest: &str) -> std::result::Result<Found, String> {
    let (open, close) = if rest.starts_with("${F") { ("${F", "}") } else { ("$F", "") };
    let Some(behind) = rest.strip_prefix(open) else { return Ok(None) };
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let after = &behind[digits..];
    if after.starts_with('F') && digits == 0 && !after[1..].starts_with(char::is_alphanumeric) {
        return Err("frames between frames ($FF) cannot be reviewed; give whole frames".to_owned());
    }
    // $FEND, $FPS and the like are other variables.
    if !after.starts_with(close)
        || (close.is_empty() && digits == 0 && after.starts_with(|next: char| next.is_ascii_uppercase()))
    {
        return Ok(None);
    }
    Ok(Some((open.len() + digits + close.len(), width(&behind[..digits])?, false)))
}

fn width(digits: &str) -> std::result::Result<usize, String> {
    match digits {
        "" => Ok(0),
        digits => digits.parse().map_err(|_| format!("\"{digits}\" is no number of digits; write 4")),
    }
}

fn udim(sign: &str) -> String {
    format!("{sign} counts tiles of a texture, not frames; give the frames of a movie or image")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match Pattern::parse(text) {
            Ok(Some(pattern)) => {
                let frames = pattern.frames.map_or("all".to_owned(), |frames| frames.to_string());
                let loose = if pattern.any_padding { "?" } else { "" };
                let folder = pattern.folder.display();
                format!("{folder}|{}|{}{loose}|{}|{frames}", pattern.head, pattern.padding, pattern.tail)
            }
            Ok(None) => "one file".to_owned(),
            Err(error) => {
                assert_eq!(error.code, Code::InvalidArgument);
                error.message
            }
        }
    }

    #[test]
    fn every_notation_is_read() {
        for (text, meant) in [
            ("shot.%04d.exr", "|shot.|4|.exr|all"),
            ("shot.%d.exr", "|shot.|0|.exr|all"),
            ("shot.%4d.exr", "|shot.|4|.exr|all"),
            ("shot.%01d.exr", "|shot.|0|.exr|all"),
            ("/renders/a b/shot.%04d.exr", "/renders/a b/|shot.|4|.exr|all"),
            ("/####/shot.####.exr", "/####/|shot.|4|.exr|all"),
            ("shot.#.exr", "|shot.|4?|.exr|all"),
            ("shot.##.exr", "|shot.|2|.exr|all"),
            ("shot.####.exr", "|shot.|4|.exr|all"),
            ("shot.######.exr", "|shot.|6|.exr|all"),
            ("shot.[####].exr", "|shot.|4|.exr|all"),
            ("shot.@.exr", "|shot.|0|.exr|all"),
            ("shot.@@@@.exr", "|shot.|4|.exr|all"),
            ("shot.$F4.exr", "|shot.|4|.exr|all"),
            ("shot.$F.exr", "|shot.|0|.exr|all"),
            ("shot.${F4}.exr", "|shot.|4|.exr|all"),
            ("shot$F4left.exr", "|shot|4|left.exr|all"),
            ("shot$F4L.exr", "|shot|4|L.exr|all"),
            ("shot.#L.exr", "|shot.|4?|L.exr|all"),
            ("shot_1-5@L.exr", "|shot_|0|L.exr|1-5"),
            ("shot.1001-1100#.exr", "|shot.|4?|.exr|1001-1100"),
            ("shot.1-10x2####.exr", "|shot.|4|.exr|1, 3, 5, 7, 9"),
            ("shot.1,3-5@@@@.exr", "|shot.|4|.exr|1, 3-5"),
            ("shot.-10-100#.exr", "|shot.|4?|.exr|-10-100"),
            ("shot-10-20####.exr", "|shot-|4|.exr|10-20"),
            ("shot.1-5%04d.exr", "|shot.|4|.exr|1-5"),
            ("shot.7####.exr", "|shot.|4|.exr|7"),
            ("take2####.exr", "|take2|4|.exr|all"),
            ("shot_v002####.exr", "|shot_v002|4|.exr|all"),
            ("shot.[1001-1100].exr", "|shot.|4|.exr|1001-1100"),
            ("shot.[0001-0100].exr", "|shot.|4|.exr|1-100"),
            ("shot.[1-100].exr", "|shot.|0|.exr|1-100"),
            ("shot.%04d.exr 1-50", "|shot.|4|.exr|1-50"),
            (
                "shot.####.exr 1001-1100x5",
                "|shot.|4|.exr|1001, 1006, 1011, 1016, 1021, 1026, 1031, 1036, 1041, 1046, 1051, 1056, 1061, 1066, 1071, 1076, 1081, 1086, 1091, 1096",
            ),
            ("d/head%04dtail [1-5, 7]", "d/|head|4|tail|1-5, 7"),
            ("head%dtail [7]", "|head|0|tail|7"),
            ("head%04dtail []", "|head|4|tail|all"),
            ("take.1%04d.exr [3]", "|take.1|4|.exr|3"),
            ("head%04dtail[1-3]", "|head|4|tail|1-3"),
            ("%04d.png", "||4|.png|all"),
            ("1-5#", "||4?||1-5"),
            ("Ä.####.日本", "|Ä.|4|.日本|all"),
        ] {
            assert_eq!(shown(text), meant, "{text}");
        }
    }

    #[test]
    fn the_path_of_one_file_is_no_notation() {
        for text in [
            "",
            "shot.1001.exr",
            "shot.mov",
            "logo@2x.png",
            "me@home.mov",
            "take #2 final.mov",
            "100%.mov",
            "$HOME.mov",
            "$FPS.mov",
            "shot$FL.exr",
            "render [final].mov",
            "shot.exr [1-5]",
            "shot.mov [5-1]",
            "shot [1-5].mov/",
            "a[1].png",
            "/####/",
            "shot 1-5",
        ] {
            assert_eq!(shown(text), "one file", "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_its_remedy() {
        for (text, words) in [
            ("shot.####.%04d.exr", "\"####\" and \"%04d\" both"),
            ("shot.##@@.exr", "mixes # and @"),
            ("shot.#.#.exr", "frames between frames"),
            ("shot.$FF.exr", "frames between frames"),
            ("tex.<UDIM>.exr", "tiles"),
            ("tex.%(UDIM)d.exr", "tiles"),
            ("shot.1-10y2#.exr", "with \"y\""),
            ("shot.10-1#.exr", "goes down"),
            ("shot.1-5#.exr [1-5]", "two places"),
            ("shot.%099d.exr", "99 digits"),
            ("shot.%099999999999999999999999d.exr", "no number of digits"),
            ("shot.1-99999999999#.exr", "more than"),
        ] {
            let message = shown(text);
            assert!(message.starts_with(&format!("path: \"{text}\", ")) && message.contains(words), "{message}");
        }
    }
}
