//! examples/c/outbox.c, which farms and cron entries run, at outboxes that hosts have left.

use super::outbox::{Place, publish};
use super::relay::{Act, does};
use super::support::build::program;
use super::support::run::{Ended, command, run};
use ftreview::outbox::Step;
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use std::path::PathBuf;
use std::sync::OnceLock;

/// Runs the program with the place's outbox, and says how it ended and what it said of each publish.
fn drain(place: &Place, arguments: &[&str]) -> (Ended, Vec<Line>) {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut drain = command(PROGRAM.get_or_init(|| program("examples/c/outbox.c", "example-outbox-drain")));
    drain.env("FTRACK_SERVER", &place.url).env("FTRACK_API_USER", DEMO_USER).env("FTRACK_API_KEY", DEMO_KEY);
    drain.env("XDG_STATE_HOME", place.folder()).args(arguments).arg(place.folder());
    let ended = run(drain);
    let lines = ended.out.lines().map(Line::read).collect();
    (ended, lines)
}

/// A line of its output.
#[derive(Debug)]
struct Line {
    id: String,
    what: String,
    path: String,
    details: String,
}

impl Line {
    fn read(line: &str) -> Line {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let [id, what, path, details] = fields.try_into().unwrap_or_else(|_| panic!("{line:?}"));
        Line { id, what, path, details }
    }
}

#[track_caller]
fn ends_with(ended: &Ended, code: i32) {
    assert_eq!(ended.status.code(), Some(code), "{}", ended.account());
}

#[test]
fn the_example_lists_an_outbox_drains_it_and_says_what_became_of_each() {
    let place = Place::new();
    let mut parked = Vec::new();
    for name in ["a.mp4", "b.mp4", "c.mp4"] {
        let path = place.movie().with_file_name(name);
        std::fs::rename(place.movie(), &path).unwrap();
        parked.push((place.park(&publish(&path)), path));
    }
    let (ended, listed) = drain(&place, &["--list"]);
    ends_with(&ended, 1);
    let (drained, published) = drain(&place, &[]);
    ends_with(&drained, 0);
    for ((id, path), (listed, published)) in parked.iter().zip(listed.iter().zip(&published)) {
        assert_eq!((&listed.id, listed.what.as_str()), (id, "waits"));
        assert!(listed.details.contains("127.0.0.1"), "{listed:?}");
        assert_eq!((&published.id, published.what.as_str()), (id, "published"));
        assert!(published.details.contains(" version 1: http"), "{published:?}");
        assert_eq!((listed.path.as_str(), published.path.as_str()), (path.to_str().unwrap(), path.to_str().unwrap()));
    }
    assert_eq!((listed.len(), published.len(), place.versions().len()), (3, 3, 3));
    let (again, nothing) = drain(&place, &[]);
    ends_with(&again, 0);
    assert!(nothing.is_empty());
}

#[test]
fn the_example_tries_nothing_while_nobody_answers() {
    let place = Place::new();
    place.park(&publish(&place.movie()));
    let before = place.items()[0].state.clone().unwrap();
    place.set_away(true);
    let (ended, lines) = drain(&place, &[]);
    ends_with(&ended, 1);
    assert!(ended.err.starts_with("nothing was tried: "), "{}", ended.account());
    assert_eq!(lines.len(), 1);
    assert_eq!(place.items()[0].state.as_ref().unwrap(), &before);
}

#[test]
fn the_example_retries_what_failed_only_when_it_is_told_to() {
    let place = Place::new();
    let movie = place.movie();
    place.park(&publish(&movie));
    let more = std::fs::OpenOptions::new().append(true).open(&movie).unwrap();
    // A box that players skip.
    std::io::Write::write_all(&mut &more, b"\0\0\0\x08free").unwrap();
    for _ in 0..2 {
        let (ended, lines) = drain(&place, &[]);
        ends_with(&ended, 1);
        assert_eq!(lines[0].what, "failed");
        assert!(lines[0].details.contains("8 bytes") || lines[0].details.contains("changed from"), "{lines:?}");
        assert_eq!(place.item(), (Step::Failed, Some(Code::SourceChanged as i32)));
    }
    assert!(place.versions().is_empty());
    let (ended, lines) = drain(&place, &["--retry"]);
    ends_with(&ended, 0);
    assert_eq!(lines[0].what, "published");
    assert_eq!(place.versions().len(), 1);
}

#[test]
fn the_example_forgets_what_waits_and_what_is_damaged() {
    let place = Place::new();
    let waiting = place.park(&publish(&place.movie()));
    let damaged = place.park(&publish(&place.movie()));
    std::fs::write(place.folder().join("jobs").join(&damaged).join("state.json"), "{").unwrap();
    let (_, listed) = drain(&place, &["--list"]);
    let what = |id: &str| &listed.iter().find(|line| line.id == id).unwrap().what;
    assert_eq!((what(&waiting).as_str(), what(&damaged).as_str()), ("waits", "is damaged"));
    let (ended, lines) = drain(&place, &["--forget", &waiting]);
    ends_with(&ended, 1);
    assert_eq!((&lines[0].id, lines[0].what.as_str()), (&waiting, "forgotten"));
    let (ended, lines) = drain(&place, &["--forget", &waiting]);
    ends_with(&ended, 1);
    assert_eq!(lines[0].what, "failed");
    assert!(lines[0].details.contains("there is no item"), "{lines:?}");
    let (ended, _) = drain(&place, &["--forget", &damaged]);
    ends_with(&ended, 0);
    assert_eq!(place.staging.census(), [0, 0, 0, 0]);
}

#[test]
fn the_example_leaves_alone_what_others_work_on_and_what_is_not_its_own() {
    let mut place = Place::new();
    let held = place.park(&publish(&place.movie()));
    let claim = ftreview::outbox::Outbox::new(place.folder(), Default::default()).claim(&held).unwrap();
    let (ended, lines) = drain(&place, &[]);
    ends_with(&ended, 1);
    assert_eq!((lines.len(), lines[0].what.as_str()), (1, "runs elsewhere"));
    drop(claim);
    let other = Place::new();
    place.url = other.url.clone();
    let (ended, lines) = drain(&place, &[]);
    ends_with(&ended, 1);
    assert_eq!((lines.len(), lines[0].what.as_str()), (1, "waits for another user or server"));
    assert!(other.versions().is_empty());
}

#[test]
fn the_example_stops_in_time_and_leaves_the_rest_for_later() {
    // What makes components is not answered.
    let stuck = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_stuck = stuck.clone();
    let place = Place::with(move |operations| {
        let asks = does(operations, "create", "FileComponent") && is_stuck.load(std::sync::atomic::Ordering::SeqCst);
        asks.then_some(Act::Drop)
    });
    place.park(&publish(&place.movie()));
    let (ended, lines) = drain(&place, &["--timeout", "1"]);
    ends_with(&ended, 1);
    assert_eq!((lines.len(), lines[0].what.as_str()), (1, "waits"));
    stuck.store(false, std::sync::atomic::Ordering::SeqCst);
    let (ended, _) = drain(&place, &[]);
    ends_with(&ended, 0);
    assert_eq!(place.versions().len(), 1);
}

#[test]
fn the_example_ends_with_the_codes_that_it_explains() {
    let place = Place::new();
    for arguments in [&["--shiny"][..], &["--timeout", "-1"], &["--list", "--retry"], &["--timeout", "soon"], &["more"]]
    {
        let (ended, _) = drain(&place, arguments);
        ends_with(&ended, 2);
        assert!(ended.err.starts_with("usage: "), "{}", ended.account());
    }
    ends_with(&drain(&place, &[]).0, 0);
    std::fs::create_dir_all(place.folder()).unwrap();
    std::fs::write(place.folder().join("jobs"), "no folder").unwrap();
    let (ended, _) = drain(&place, &[]);
    ends_with(&ended, 3);
    assert!(ended.err.contains("outbox: '") && ended.err.contains("cannot be read"), "{}", ended.account());
}
