//! One thing that goes wrong, and a text that names it, so that it can be made to happen alone.

use super::fault::Fault;
use std::fmt;

/// A request: the n-th of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct At {
    pub label: String,
    pub number: u32,
}

/// How often it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Times {
    Once,
    /// Also to the next request of the same kind.
    Twice,
    /// Also to the next request, whatever it is for.
    AndNext,
}

/// When a process ends, seen from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// Before the server sees it.
    Before,
    /// When the server has done it and not answered.
    Done,
    /// When the server has answered.
    After,
    /// Before the server sees it, which it does when the next process has begun: something between held it back.
    Meanwhile,
    /// Before the server sees it, which it does when the next process has ended.
    Late,
}

/// What a publish survives by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// The outbox: another process finds there what it has to go on with.
    Outbox,
    /// An idempotency key and a folder for journals: another process publishes the same again.
    Key,
    /// The outbox, and a server that refuses the version, whatever is done: the publish fails for good, and is to leave nothing.
    Doomed,
}

/// What goes wrong in which kind of publish.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    pub way: Way,
    pub what: What,
}

/// What goes wrong in a publish.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A request fails.
    Fault(At, Fault, Times),
    /// The process is killed at a request.
    Request(At, When),
    /// The process is killed at a file operation: its number, and one of the shim's words.
    File(u32, &'static str),
    /// The process is killed at a request, and the next one at its so-manieth request.
    Again(At, When, u32),
    /// The process is killed at a request, and the so-manieth request of the next one fails.
    Mixed(At, When, u32, Fault),
}

pub const WAYS: [(&str, Way); 3] = [("outbox", Way::Outbox), ("key", Way::Key), ("doomed", Way::Doomed)];
pub const WHENS: [(&str, When); 5] = [
    ("before", When::Before),
    ("done", When::Done),
    ("after", When::After),
    ("meanwhile", When::Meanwhile),
    ("late", When::Late),
];
pub const TIMES: [(&str, Times); 3] = [("once", Times::Once), ("twice", Times::Twice), ("and-next", Times::AndNext)];
pub const SHIM_WORDS: [&str; 4] = ["before", "after", "torn", "power"];

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.label, self.number)
    }
}

impl At {
    pub fn parse(text: &str) -> Option<At> {
        let (label, number) = text.rsplit_once('#')?;
        Some(At { label: label.to_owned(), number: number.parse().ok()? })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", word(&WAYS, &self.way), self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Fault(at, fault, times) => write!(f, "fault/{at}/{fault}/{}", word(&TIMES, times)),
            What::Request(at, when) => write!(f, "kill/{at}/{}", word(&WHENS, when)),
            What::File(number, word) => write!(f, "file/{number}/{word}"),
            What::Again(at, when, number) => write!(f, "again/{at}/{}/{number}", word(&WHENS, when)),
            What::Mixed(at, when, number, fault) => write!(f, "mixed/{at}/{}/{number}/{fault}", word(&WHENS, when)),
        }
    }
}

impl Point {
    pub fn parse(text: &str) -> Option<Point> {
        let words: Vec<&str> = text.split('/').collect();
        let (way, words) = words.split_first()?;
        let what = match *words {
            ["fault", at, fault, times] => What::Fault(At::parse(at)?, Fault::parse(fault)?, meant(&TIMES, times)?),
            ["kill", at, when] => What::Request(At::parse(at)?, meant(&WHENS, when)?),
            ["again", at, when, number] => What::Again(At::parse(at)?, meant(&WHENS, when)?, number.parse().ok()?),
            ["mixed", at, when, number, fault] => {
                What::Mixed(At::parse(at)?, meant(&WHENS, when)?, number.parse().ok()?, Fault::parse(fault)?)
            }
            ["file", number, word] => {
                What::File(number.parse().ok()?, SHIM_WORDS.into_iter().find(|known| *known == word)?)
            }
            _ => return None,
        };
        Some(Point { way: meant(&WAYS, way)?, what })
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], meaning: &T) -> &'static str {
    words.iter().find(|(_, known)| known == meaning).map_or("?", |(word, _)| word)
}

fn meant<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
}

#[test]
fn a_point_is_read_as_it_is_written() {
    for text in [
        "key/fault/api query Task, query X x2#1/429-retry-after/and-next",
        "outbox/kill/PUT part 2#1/done",
        "key/file/17/torn",
        "doomed/again/PUT object#1/done/3",
        "key/mixed/PUT object#1/done/3/408",
    ] {
        assert_eq!(Point::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Point::parse("key/fault/api#1/unheard-of/once"), None);
}
