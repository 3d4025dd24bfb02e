//! A process that is killed at any file operation, or whose disk refuses any of them, leaves an outbox in which everything is
//! whole, and in which is exactly what the process was told.

use crate::script::{COUNT, Script, assert_usable, errors, possible};
use crate::shim::{child, shimmed};
use crate::snapshot::{Kept, snapshot};
use crate::{add, folder, record};
use ftreview::outbox::{Limits, Outbox, Record, State};
use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const FOLDER: &str = "FTREVIEW_TEST_OUTBOX_SCRIPT";

#[test]
#[ignore = "is the process that other tests run"]
fn process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let script = Script::new(Path::new(&folder));
    let marks = script.outbox().folder().to_owned();
    script.run(&mut |line| {
        // Seen by the shim, and by nobody else.
        let _ = std::fs::File::open(marks.join(format!("told {line}")));
        println!("\n{line}");
    });
}

/// Operations of a run in which nothing goes wrong, as the shim sees them: what, path, other path.
fn operations() -> Vec<(String, String, String)> {
    let folder = folder();
    Script::prepare(folder.path());
    let log = folder.path().join("log");
    let mut command = child("instants::process", FOLDER, folder.path());
    shimmed(&mut command, &folder.path().join("outbox"), 0, "log");
    let output = command.env("OUTBOX_SHIM_LOG", &log).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(log).unwrap();
    let prefix = folder.path().to_str().unwrap();
    let mut operations = Vec::new();
    for line in text.lines() {
        let mut fields = line.split('\t').map(|field| field.strip_prefix(prefix).unwrap_or(field).to_owned());
        operations.push((fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap()));
    }
    assert!(operations.iter().filter(|(what, ..)| what == "fsync").count() > 20, "{operations:?}");
    operations
}

/// Runs the script with this fault, and checks what is left.
fn run_with(number: usize, what: &str, operation: &(String, String, String)) {
    let folder = folder();
    let start = Script::prepare(folder.path());
    let mut command = child("instants::process", FOLDER, folder.path());
    shimmed(&mut command, &folder.path().join("outbox"), number, what);
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let here = format!("{what} at operation {number}, {operation:?}, in {:?}: {told}", folder.path());
    let kills = ["before", "after"].contains(&what);
    assert_eq!(output.status.signal(), kills.then_some(9), "{here}{}", String::from_utf8_lossy(&output.stderr));
    let outbox = Script::new(folder.path()).outbox().clone();
    let possible = possible(start, &told, what.starts_with("on "));
    let found = snapshot(&outbox);
    assert!(possible.contains(&found), "{here}\nis {found:#?}\nshould be one of {possible:#?}");
    for error in errors(&told) {
        let expected = ["FTR_E_OUTBOX_UNUSABLE", "FTR_E_OUTBOX_NO_ITEM", "FTR_E_OUTBOX_FULL"];
        assert!(expected.iter().any(|code| error.contains(code)), "{here}\n{error}");
    }
    assert_usable(&outbox);
}

/// Runs the script with each of these faults at each operation of which `wanted` says so, on two processors.
fn sweep(faults: &[&str], wanted: impl Fn(&str) -> bool + Sync) {
    let operations = operations();
    let points: Vec<(usize, &str)> = (1..=operations.len())
        .filter(|number| wanted(&operations[number - 1].0))
        .flat_map(|number| faults.iter().map(move |fault| (number, *fault)))
        .collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((number, fault)) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run_with(*number, fault, &operations[number - 1]);
                }
            });
        }
    });
    println!("{} points", points.len());
}

#[test]
fn a_process_that_is_killed_at_any_file_operation_leaves_every_item_whole() {
    sweep(&["before", "after"], |what| !["read", "open"].contains(&what));
}

#[test]
fn an_operation_that_fails_once_is_told_and_leaves_every_item_whole() {
    sweep(&["once 28", "once 5", "once 4"], |_| true);
}

#[test]
fn a_disk_that_fails_from_any_operation_on_is_told_and_leaves_every_item_whole() {
    sweep(&["on 28", "on 5", "on 30"], |_| true);
}

#[test]
fn a_file_system_without_locks_is_told_with_its_remedy() {
    for errno in [libc::ENOLCK, libc::EOPNOTSUPP, libc::ENOSYS] {
        let folder = folder();
        let start = Script::prepare(folder.path());
        let mut command = child("instants::process", FOLDER, folder.path());
        shimmed(&mut command, &folder.path().join("outbox"), 0, &format!("flock {errno}"));
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let errors = errors(&told);
        assert!(errors.len() >= 3 && !told.contains(&format!("done {}", COUNT - 1)), "{told}");
        for error in errors.iter().filter(|error| !error.contains("FTR_E_OUTBOX_NO_ITEM")) {
            assert!(error.contains("FTR_E_OUTBOX_UNUSABLE") && error.contains("such as a local disk"), "{error}");
        }
        assert_eq!(snapshot(Script::new(folder.path()).outbox()), start);
    }
}

/// What a power failure leaves cannot be tried here; that nothing is relied on before it was flushed can.
#[test]
fn nothing_is_renamed_or_told_before_it_was_flushed_to_disk() {
    let mut unflushed: HashSet<String> = HashSet::new();
    let parent = |path: &str| path.rsplit_once('/').unwrap().0.to_owned();
    let mut renames = 0;
    for (what, path, other) in operations() {
        // What nobody needs after a power failure.
        let counts = |path: &str| !path.ends_with("/lock") && !path.starts_with("/outbox/gone");
        match what.as_str() {
            "create" | "write" if counts(&path) => {
                unflushed.insert(path.clone());
                unflushed.extend((what == "create").then(|| parent(&path)));
            }
            "mkdir" => unflushed.extend([parent(&path)]),
            "fsync" => drop(unflushed.remove(&path)),
            "rename" => {
                let inside = format!("{path}/");
                let early: Vec<_> =
                    unflushed.iter().filter(|it| **it == path || it.starts_with(&inside)).cloned().collect();
                let is_gone = other.starts_with("/outbox/gone");
                assert!(is_gone || early.is_empty(), "{path} was renamed before {early:?} was flushed");
                unflushed.retain(|it| *it != path && !it.starts_with(&inside));
                // The folder from which it went lists it or not: both may be.
                unflushed.insert(if is_gone { parent(&path) } else { parent(&other) });
                renames += 1;
            }
            "unlink" | "rmdir" => drop(unflushed.remove(&path)),
            "open" if path.starts_with("/outbox/told done") => {
                unflushed.retain(|it| it.starts_with("/outbox/jobs"));
                assert!(unflushed.is_empty(), "{path} before {unflushed:?} was flushed");
            }
            _ => {}
        }
    }
    assert!(renames > 10, "{renames}");
}

#[test]
fn a_copy_of_the_folder_taken_at_any_instant_holds_nothing_that_was_never_so() {
    let folder = folder();
    let source = folder.path().join("outbox");
    let outbox = Outbox::new(source.clone(), Limits::default());
    let still = |key: &str| Record { request: serde_json::json!({"comment": "still"}), ..record(key) };
    for number in 0..5 {
        drop(add(&outbox, still(&format!("still {number}"))));
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| {
            let _over = Over(&over);
            let mut round = 0;
            while !over.load(Ordering::Relaxed) {
                round += 1;
                let mut claim = add(&outbox, record(&format!("{}", round % 7)));
                claim.set_state(State { attempts: 1, ..State::default() }).unwrap();
                let request = serde_json::json!({"comment": "harder key light"});
                claim.replace(Record { request, ..claim.record().clone() }).unwrap();
                claim.set_state(State { attempts: 2, ..State::default() }).unwrap();
                claim.finish().unwrap();
            }
        });
        let mut moving = 0;
        let mut copies = 0;
        // Until enough of them have caught an item that was being worked on.
        while moving < 200 && !over.load(Ordering::Relaxed) {
            copies += 1;
            let copy = folder.path().join(format!("copy {copies}"));
            copy_folder(&source, &copy);
            let outbox = Outbox::new(copy.clone(), Limits::default());
            let found = snapshot(&outbox);
            let whole = found.iter().filter(|(_, kept)| **kept == Kept::new("still")).count();
            assert_eq!(whole, 5, "{found:#?}");
            for (key, kept) in found.iter().filter(|(key, _)| !key.starts_with("still")) {
                moving += 1;
                match kept {
                    Kept::Whole { comment, attempts: 0, .. } => assert_eq!(comment, "softer key light"),
                    Kept::Whole { comment, attempts: 2, .. } => assert_eq!(comment, "harder key light"),
                    Kept::Whole { attempts, .. } => assert_eq!(*attempts, 1),
                    // Its folder was copied half: a copy takes time, in which an item may end.
                    Kept::Damaged => assert!(uuid::Uuid::parse_str(key).is_ok()),
                }
            }
            assert_usable(&outbox);
            std::fs::remove_dir_all(copy).unwrap();
        }
    });
}

/// Says that it is over, also when a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Copies what is there; what vanishes meanwhile is not copied.
fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let to = to.join(entry.file_name());
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => copy_folder(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to)),
        }
    }
}
