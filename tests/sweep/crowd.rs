//! An outbox that many use at once, and copies of one that were taken at any instant.

use super::film::small;
use super::host::{End, Said};
use super::life::bench;
use super::point::At;
use super::proxy::Plan;
use super::stage::{Stage, files};
use super::sweep::Bench;
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// As many machines of a farm end their tasks at the same moment.
const PROCESSES: usize = 50;

#[test]
fn fifty_processes_that_publish_at_once_to_one_outbox_and_one_server_make_fifty_versions() {
    let mut bench = bench();
    bench.stage.expect(small());
    bench.host.film = small();
    let said = at_once(PROCESSES, || bench.host.publish(None, |_| ()));
    for said in &said {
        assert_eq!(said.end(), Ok(End::Done), "{}", said.account());
    }
    bench.stage.check(PROCESSES).unwrap();
    bench.check_folder().unwrap();
    let mut numbers: Vec<i64> = bench
        .stage
        .query("select version from AssetVersion")
        .iter()
        .map(|row| row["version"].as_i64().unwrap())
        .collect();
    numbers.sort();
    assert_eq!(numbers, (1..=PROCESSES as i64).collect::<Vec<i64>>());
}

#[test]
fn what_many_processes_left_unfinished_several_others_publish_once() {
    const LEAVING: usize = 20;
    const DRAINING: usize = 4;
    let mut bench = bench();
    bench.stage.expect(small());
    bench.host.film = small();
    // All exit, wherever each of them is at this moment.
    let signal = bench.stage.folder("signal");
    let (at, path) = (At { label: "PUT object".to_owned(), number: 10 }, signal.clone());
    bench.proxy.set_plan(Plan::Call(at, Arc::new(move || std::fs::write(&path, "").unwrap())));
    let left = at_once(LEAVING, || bench.host.leave(&signal, "exit"));
    bench.proxy.settle();
    bench.proxy.set_plan(Plan::Pass);
    let drained = at_once(DRAINING, || bench.host.drain(None, |_| ()));
    for said in &drained {
        assert!(said.said("freed") && !said.said("error"), "{}", said.account());
    }
    // One that was not told to be kept may be.
    let versions = bench.stage.query("select id from AssetVersion").len();
    let kept = left.iter().filter(|said| said.said("kept")).count();
    assert!((kept..=LEAVING).contains(&versions), "{versions} versions, {kept} publishes were kept");
    bench.stage.check(versions).unwrap();
    bench.check_folder().unwrap();
}

fn at_once(count: usize, run: impl Fn() -> Said + Sync) -> Vec<Said> {
    std::thread::scope(|scope| {
        let hosts: Vec<_> = (0..count).map(|_| scope.spawn(&run)).collect();
        hosts.into_iter().map(|host| host.join().unwrap()).collect()
    })
}

#[test]
fn a_copy_of_an_outbox_taken_at_any_instant_publishes_once_wherever_it_is_resumed() {
    let bench = bench();
    let ended = AtomicBool::new(false);
    let (said, copies) = std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        let copying = scope.spawn(|| copies(&bench, receiver, &ended));
        let said = bench.host.publish(None, |process| sender.send(process).unwrap());
        ended.store(true, Ordering::SeqCst);
        (said, copying.join().unwrap())
    });
    assert_eq!(said.end(), Ok(End::Done), "{}", said.account());
    bench.check().unwrap();
    eprintln!("{} different copies", copies.len());
    assert!(copies.iter().any(|copy| items(copy) == 1), "no copy was taken while the publish was kept");

    let mut host = bench.host.clone();
    for copy in copies {
        let is_kept = items(&copy) > 0;
        // After the publish: all of it is there already.
        host.outbox = Some(copied(&copy, &bench));
        let said = host.drain(None, |_| ());
        assert!(said.ends() == usize::from(is_kept) && (!is_kept || said.end() == Ok(End::Done)), "{}", said.account());
        bench.check().unwrap_or_else(|wrong| panic!("{wrong}; {}", said.account()));
        // In place of the publish: the server has seen nothing of it.
        let stage = Stage::start();
        stage.storage().set_public_url(bench.proxy.url());
        bench.proxy.set_server(stage.address());
        bench.proxy.set_plan(Plan::Pass);
        host.outbox = Some(copied(&copy, &bench));
        let said = host.drain(None, |_| ());
        let checked = if is_kept { stage.check(1).map(drop) } else { stage.check_nothing() };
        checked.unwrap_or_else(|wrong| panic!("{wrong}; {}", said.account()));
        bench.proxy.settle();
        bench.proxy.set_server(bench.stage.address());
    }
}

/// The same copy may be resumed twice: it is itself not touched.
fn copied(copy: &Path, bench: &Bench) -> PathBuf {
    let resumed = bench.stage.folder("resumed");
    let _ = std::fs::remove_dir_all(&resumed);
    duplicate(copy, &resumed);
    resumed
}

fn items(outbox: &Path) -> usize {
    std::fs::read_dir(outbox.join("jobs")).map_or(0, Iterator::count)
}

/// Copies of the outbox of a process, until it has ended. Each is of one instant, in which the process stands still; those
/// that do not differ from another are left out.
fn copies(bench: &Bench, process: std::sync::mpsc::Receiver<u32>, ended: &AtomicBool) -> Vec<PathBuf> {
    let process = process.recv().unwrap();
    // SAFETY: no pointers; the result is checked.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, process as libc::pid_t, 0) };
    assert!(descriptor >= 0, "pidfd_open: {}", std::io::Error::last_os_error());
    // SAFETY: just opened, and nobody else knows it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor as i32) };
    let mut copies: Vec<PathBuf> = Vec::new();
    let mut known: Vec<BTreeMap<PathBuf, Vec<u8>>> = Vec::new();
    while !ended.load(Ordering::SeqCst) {
        if !signal(&descriptor, libc::SIGSTOP) {
            break;
        }
        while !stands_still(process) && !ended.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let copy = bench.stage.folder("copies").join(copies.len().to_string());
        let _ = std::fs::remove_dir_all(&copy);
        duplicate(&bench.folder(), &copy);
        signal(&descriptor, libc::SIGCONT);
        let content = content(&copy);
        if !known.contains(&content) {
            known.push(content);
            copies.push(copy);
        }
    }
    copies
}

fn signal(process: &OwnedFd, number: i32) -> bool {
    // SAFETY: the descriptor is of a process, and no information goes with the signal.
    let sent = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), number, std::ptr::null::<libc::siginfo_t>(), 0)
    };
    sent == 0
}

/// Whether every thread of the process is stopped, or has ended.
fn stands_still(process: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let mut states = tasks.map(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next())
    });
    states.all(|state| matches!(state, None | Some('T' | 't' | 'Z' | 'X')))
}

/// What is in a folder, ids of the process and of the moment left out.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let bytes = |path: PathBuf| std::fs::read(&path).map(|bytes| (path, bytes)).ok();
    let relative = |(path, bytes): (PathBuf, Vec<u8>)| (path.strip_prefix(folder).unwrap().to_owned(), bytes);
    files(folder).into_iter().filter_map(bytes).map(relative).collect()
}

fn duplicate(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            duplicate(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
