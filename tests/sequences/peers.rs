//! The same as fileseq and clique say, on a corpus that Python writes (tests/peers/sequences/corpus.py). `cargo xtask test
//! sequences` runs it.
//!
//! Where the library says something else, it does so on purpose. Each such difference has a name here, and must turn up.

use std::collections::BTreeMap;
use std::fs;

use ftreview::media::sequence::{Pattern, Sequence, siblings};
use serde_json::Value;

use super::Folder;

const SAME: &str = "the same";

const HASHES: &str = "two or more # are as many digits, not four each";
const NUMBER: &str = "a number alone is a frame behind a dot only: take2####.exr has no frame in its name";
const MINUS: &str = "a minus behind a letter separates: shot-1-5 begins at 1, not at -1";
const STEPS: &str = "only steps with x are known";
const DOWN: &str = "a range that goes down is refused, not turned around or taken for nothing";
const ZERO: &str = "a step of 0 is refused with a reason";
const EMPTY_PLACE: &str = "nothing between two commas or behind a minus is no range";
const DIGITS: &str = "digits before a range, as in v2-1-10#, are a part of the name";
const TILES: &str = "tiles are no frames";
const SUBFRAMES: &str = "frames between frames are refused; $FF is Houdini's sign for them";
const MIXED: &str = "# and @ together are refused";
const BEHIND: &str = "frames behind the name are read, as clique, RV and Nuke write them";
const TWO_PLACES: &str = "frames in two places are refused";
const NO_SIGN: &str = "what has no sign is one file, whatever it is called";
const LETTER: &str = "one # or @ before a letter is a part of the name: logo@2x.png";
const FIRST: &str = "a minus that begins a name is a sign";
const VARIABLE: &str = "$FL is another variable";

const EMPTY: &str = "no frame in clique's form means all that are there";
const MORE_THAN_CLIQUE: &str = "clique reads no negative frames and no steps";

const OUTGROWN: &str = "frames that outgrow their padding are of the same sequence";
const VERSION: &str = "versions are no frames";
const BETWEEN: &str = "where paddings are mixed, fileseq gives a frame that could be of two sequences to one of them";
const ALONE: &str = "a single frame is a sequence of one";

/// Names of differences, and how often each turned up.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, usize>, Vec<String>);

impl Seen {
    fn note(&mut self, name: Option<&'static str>, case: impl Fn() -> String) {
        match name {
            Some(name) => *self.0.entry(name).or_default() += 1,
            None => self.1.push(case()),
        }
    }

    /// All differences have a name, and all names turned up.
    #[track_caller]
    fn check(self, expected: &[&'static str]) {
        println!("{:#?}", self.0);
        let shown = self.1.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.1.is_empty(), "{} differences without a name, such as\n{shown}", self.1.len());
        for name in expected.iter().chain([&SAME]) {
            assert!(self.0.contains_key(name), "'{name}' did not turn up");
        }
    }
}

fn corpus() -> Value {
    let path = std::env::var("FTREVIEW_SEQUENCES").expect("FTREVIEW_SEQUENCES names what corpus.py wrote");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What one side says of a notation.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Refused(String),
    OneFile,
    Sequence { head: String, tail: String, padding: u64, frames: Option<Vec<i64>> },
}

fn ours(text: &str) -> Said {
    match Pattern::parse(text) {
        Err(error) => Said::Refused(error.message),
        Ok(None) => Said::OneFile,
        Ok(Some(pattern)) => Said::Sequence {
            head: format!("{}{}", pattern.folder.display(), pattern.head),
            tail: pattern.tail,
            padding: pattern.padding as u64,
            frames: pattern.frames.map(|frames| frames.iter().collect()),
        },
    }
}

fn numbers(value: &Value) -> Option<Vec<i64>> {
    value.as_array().map(|list| list.iter().map(|number| number.as_i64().unwrap()).collect())
}

fn names(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(text).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn theirs(said: &Value) -> Said {
    if let Some(error) = said.get("error") {
        return Said::Refused(text(error));
    }
    Said::Sequence {
        head: format!("{}{}", said.get("folder").map(text).unwrap_or_default(), text(&said["head"])),
        tail: text(&said["tail"]),
        // One digit is what every number has.
        padding: Some(said["padding"].as_u64().unwrap()).filter(|padding| *padding != 1).unwrap_or(0),
        frames: numbers(&said["frames"]),
    }
}

#[test]
#[ignore = "needs what fileseq and clique say: cargo xtask test sequences"]
fn notations_mean_what_they_mean_to_fileseq() {
    let mut seen = Seen::default();
    for entry in corpus()["texts"].as_array().unwrap() {
        let text = entry["text"].as_str().unwrap();
        let (ours, theirs) = (ours(text), theirs(&entry["fileseq"]));
        let part = |name: &str| entry["parts"][name].as_str().unwrap();
        seen.note(unlike_fileseq(part, &ours, theirs.clone()), || {
            format!("{text}\n    ours    {ours:?}\n    fileseq {theirs:?}")
        });
    }
    seen.check(&[
        HASHES,
        NUMBER,
        MINUS,
        STEPS,
        DOWN,
        EMPTY_PLACE,
        DIGITS,
        TILES,
        SUBFRAMES,
        MIXED,
        BEHIND,
        TWO_PLACES,
        NO_SIGN,
        VARIABLE,
        ZERO,
        LETTER,
        FIRST,
    ]);
}

/// The name of the difference; `None` when it has none.
fn unlike_fileseq<'a>(part: impl Fn(&str) -> &'a str, ours: &Said, mut theirs: Said) -> Option<&'static str> {
    let (sign, range, behind) = (part("sign"), part("range"), part("behind"));
    let refused = |words: &str| matches!(ours, Said::Refused(why) if why.contains(words));
    let one_file = *ours == Said::OneFile;
    let same = *ours == theirs;
    match sign {
        "" => return one_file.then_some(NO_SIGN),
        "<UDIM>" | "%(UDIM)d" => return refused("tiles").then_some(TILES),
        "#.#" | "$FF" if refused("between frames") || one_file => return Some(SUBFRAMES),
        "#@" => return refused("mixes").then_some(MIXED),
        "$F" if one_file && part("tail").starts_with('L') => return Some(VARIABLE),
        "#" | "@" if one_file && part("tail").starts_with('L') => return Some(LETTER),
        _ => {}
    }
    if refused("only steps with x") {
        return Some(STEPS);
    }
    if refused("goes down") {
        return Some(DOWN);
    }
    if refused("step of 0") {
        return Some(ZERO);
    }
    if !behind.is_empty() {
        return match ours {
            Said::Sequence { .. } => Some(BEHIND),
            Said::Refused(_) if refused("two places") => Some(TWO_PLACES),
            Said::Refused(_) if refused("goes down") => Some(DOWN),
            _ => None,
        };
    }
    let mut hashes = false;
    if let (Said::Sequence { padding, .. }, true) = (&mut theirs, sign.starts_with("##")) {
        *padding /= 4;
        hashes = true;
    }
    if *ours == theirs {
        return Some(if same { SAME } else { HASHES }).filter(|_| same || hashes);
    }
    if matches!(range, "1-" | "1,,2") {
        return Some(EMPTY_PLACE);
    }
    let Said::Sequence { head, tail, padding, frames } = ours else { return None };
    let Said::Sequence { head: their_head, tail: their_tail, padding: their_padding, frames: theirs } = &theirs else {
        return part("head").ends_with(|last: char| last.is_ascii_digit() || last == '-').then_some(DIGITS).or_else(
            || {
                // 1-2-3 is a name that ends with 1- and the range 2-3.
                (range == "1-2-3").then_some(DIGITS)
            },
        );
    };
    if (tail, padding) != (their_tail, their_padding) {
        return None;
    }
    match (frames, theirs.as_deref()) {
        (None, Some([number])) => {
            let number = number.to_string();
            let ends = |head: &str| head.trim_end_matches(|last: char| last.is_ascii_digit() || last == '-').to_owned();
            (ends(head) == ends(their_head) && head.ends_with(&number.replace('-', ""))).then_some(NUMBER)
        }
        (Some(_), Some(_)) if head.strip_suffix('-') == Some(their_head) => Some(MINUS),
        (Some(_), Some(_)) if their_head.strip_suffix('-') == Some(head) && part("head").is_empty() => Some(FIRST),
        (Some(_), Some(_)) if part("head").ends_with(|last: char| last == 'x' || last.is_ascii_digit()) => Some(DIGITS),
        _ => None,
    }
}

#[test]
#[ignore = "needs what fileseq and clique say: cargo xtask test sequences"]
fn the_form_of_clique_is_read_as_clique_reads_it() {
    let mut seen = Seen::default();
    for entry in corpus()["texts"].as_array().unwrap() {
        let (text, behind) = (entry["text"].as_str().unwrap(), entry["parts"]["behind"].as_str().unwrap());
        let (ours, theirs) = (ours(text), theirs(&entry["clique"]));
        let name = match (&ours, &theirs) {
            (ours, theirs) if ours == theirs => Some(SAME),
            (Said::Sequence { .. }, Said::Refused(_)) if behind.contains("-5-5") || behind.contains('x') => {
                Some(MORE_THAN_CLIQUE)
            }
            // Whatever is not in its form, clique refuses.
            (_, Said::Refused(_)) => Some("another notation"),
            (Said::Refused(why), _) if why.contains("goes down") => Some(DOWN),
            (Said::Sequence { frames: None, .. }, Said::Sequence { frames: Some(none), .. }) if none.is_empty() => {
                Some(EMPTY)
            }
            _ => None,
        };
        seen.note(name, || format!("{text}\n    ours   {ours:?}\n    clique {theirs:?}"));
    }
    seen.check(&[MORE_THAN_CLIQUE, DOWN, EMPTY]);
}

#[test]
#[ignore = "needs what fileseq and clique say: cargo xtask test sequences"]
fn a_folder_holds_the_sequences_that_clique_finds_in_it() {
    let mut seen = Seen::default();
    for entry in corpus()["folders"].as_array().unwrap() {
        let files = names(&entry["names"]);
        let folder = Folder::with(&files);
        let collections = entry["clique"]["collections"].as_array().unwrap();
        for name in &files {
            let ours = siblings(&folder.path(name)).unwrap();
            let theirs: Vec<&Value> =
                collections.iter().filter(|collection| names(&collection["names"]).contains(name)).collect();
            let version = name.starts_with("comp_v") && ours.is_none();
            let unlike = || unlike_clique(ours.as_ref(), &theirs, &files);
            seen.note(if version { Some(VERSION) } else { unlike() }, || {
                let theirs: Vec<&Value> = theirs.iter().map(|collection| &collection["shown"]).collect();
                format!("{name} in {files:?}\n    ours   {:?}\n    clique {theirs:?}", ours.as_ref().map(names_of))
            });
        }
    }
    seen.check(&[OUTGROWN, ALONE, VERSION]);
}

fn names_of(sequence: &Sequence) -> Vec<String> {
    sequence.frames.iter().map(|frame| sequence.name_of(frame)).collect()
}

fn unlike_clique(ours: Option<&Sequence>, theirs: &[&Value], files: &[String]) -> Option<&'static str> {
    let Some(ours) = ours else { return theirs.is_empty().then_some(NO_SIGN) };
    let members = names_of(ours);
    assert!(members.iter().all(|name| files.contains(name)), "{members:?} are not all in {files:?}");
    for collection in theirs {
        let same_frames = names(&collection["names"]) == members;
        let padding = collection["padding"].as_u64().unwrap();
        let padding = if padding == 1 { 0 } else { padding };
        if same_frames {
            assert_eq!(padding, ours.padding as u64, "{ours}");
            if ours.padding != 1 && padding != 0 {
                assert_eq!(collection["shown"], format!("{}%0{padding}d{} [{}]", ours.head, ours.tail, ours.frames));
            }
            return Some(SAME);
        }
    }
    if theirs.is_empty() {
        return (ours.frames.len() == 1).then_some(ALONE);
    }
    let widths = |names: &[String]| names.iter().map(String::len).collect::<std::collections::BTreeSet<_>>().len();
    (widths(&members) > 1).then_some(OUTGROWN)
}

#[test]
#[ignore = "needs what fileseq and clique say: cargo xtask test sequences"]
fn a_folder_holds_the_sequences_that_fileseq_finds_in_it() {
    let mut seen = Seen::default();
    for entry in corpus()["folders"].as_array().unwrap() {
        let files = names(&entry["names"]);
        let folder = Folder::with(&files);
        for name in &files {
            let Some(ours) = siblings(&folder.path(name)).unwrap() else { continue };
            let members = names_of(&ours);
            let theirs: Vec<Vec<String>> =
                entry["fileseq"].as_array().unwrap().iter().map(|found| names(&found["names"])).collect();
            let same = theirs.contains(&members);
            let between = ours.strays.is_some().then_some(BETWEEN);
            seen.note(if same { Some(SAME) } else { between }, || {
                format!("{name} in {files:?}\n    ours {members:?}\n    fileseq {theirs:?}")
            });
        }
    }
    seen.check(&[BETWEEN]);
}
