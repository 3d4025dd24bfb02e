//! Disks that are full or read-only: real ones, small and in memory, which only root may mount.

use crate::script::{Script, assert_usable, errors, possible};
use crate::snapshot::snapshot;
use crate::{add, record};
use ftreview::outbox::{Limits, Outbox, State};
use ftreview::session::Code;
use std::path::Path;
use std::process::Command;

/// A small disk in memory, gone at the end.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// `None` where this user may not mount one, which is said.
    fn mount(options: &str) -> Option<Disk> {
        let disk = Disk { folder: tempfile::tempdir().unwrap() };
        match disk.command("mount", &["-t", "tmpfs", "-o", options, "ftreview-test"]) {
            Ok(()) => Some(disk),
            Err(why) => {
                eprintln!("SKIPPED: a disk cannot be mounted here, for which one must be root: {why}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn remount(&self, options: &str) {
        self.command("mount", &["-o", &format!("remount,{options}")]).unwrap();
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let output =
            Command::new(program).args(arguments).arg(self.path()).output().map_err(|error| error.to_string())?;
        output.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Also when it was never mounted, or a test failed while something on it is open.
        let _ = self.command("umount", &["--lazy", "--quiet"]);
    }
}

#[test]
fn a_full_disk_is_told_and_survived_wherever_it_runs_full() {
    let (mut failed, mut whole) = (0, 0);
    // Room for so many blocks, or so many files, besides what is there at the beginning.
    for (blocks, files) in (0..16).map(|room| (room, 99)).chain((0..16).map(|room| (99, room))) {
        let Some(disk) = Disk::mount("size=4m,nr_inodes=400") else { return };
        let start = Script::prepare(disk.path());
        let used = usage(disk.path());
        disk.remount(&format!("size={}k,nr_inodes={}", (used.0 + blocks) * 4, used.1 + files));
        let mut told = String::new();
        let script = Script::new(disk.path());
        let outbox = script.outbox().clone();
        script.run(&mut |line| told += &format!("{line}\n"));
        let errors = errors(&told);
        let real: Vec<_> = errors.iter().filter(|error| error.contains("FTR_E_OUTBOX_UNUSABLE")).collect();
        assert!(errors.is_empty() || !real.is_empty(), "{told}");
        for error in &real {
            assert!(error.contains("No space left") && error.contains("free space there"), "{error}");
            assert!(error.contains(disk.path().to_str().unwrap()), "{error}");
        }
        let found = snapshot(&outbox);
        let possible = possible(start, &told, false);
        assert!(
            possible.contains(&found),
            "room for {blocks} blocks, {files} files: {told}\nis {found:#?}\nshould be {possible:#?}"
        );
        *(if errors.is_empty() { &mut whole } else { &mut failed }) += 1;
        // With room, everything goes on.
        disk.remount("size=4m,nr_inodes=400");
        assert_usable(&outbox);
    }
    assert!(failed > 5 && whole > 10, "{failed} {whole}");
}

/// Blocks of 4 KiB and files in use.
fn usage(path: &Path) -> (u64, u64) {
    let output = Command::new("stat").args(["-f", "-c", "%b %f %c %d"]).arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    (numbers[0] - numbers[1], numbers[2] - numbers[3])
}

#[test]
fn an_item_survives_that_its_state_cannot_be_written() {
    let Some(disk) = Disk::mount("size=256k") else { return };
    let outbox = Outbox::new(disk.path().join("outbox"), Limits::default());
    let claim = add(&outbox, record("a"));
    let before = State { attempts: 1, ..State::default() };
    claim.set_state(before.clone()).unwrap();
    let _ = std::fs::write(disk.path().join("filler"), vec![0; 1 << 20]);
    let facts = serde_json::json!({"ids": "x".repeat(10_000)}).as_object().unwrap().clone();
    let error = claim.set_state(State { attempts: 2, facts, ..State::default() }).unwrap_err();
    assert_eq!(error.code, Code::OutboxUnusable);
    assert_eq!(claim.state(), before);
    let id = claim.id().to_owned();
    drop(claim);
    let claim = outbox.claim(&id).unwrap();
    assert_eq!(claim.state(), before);
    // A full disk can be drained.
    claim.finish().unwrap();
    assert!(outbox.list().unwrap().is_empty());
}

#[test]
fn a_read_only_outbox_is_listed_and_everything_else_says_why_not() {
    let Some(disk) = Disk::mount("size=1m") else { return };
    let outbox = Outbox::new(disk.path().join("outbox"), Limits::default());
    let claim = add(&outbox, record("a"));
    claim.set_state(State { attempts: 5, ..State::default() }).unwrap();
    let id = claim.id().to_owned();
    drop(claim);
    let before = snapshot(&outbox);
    let folder = outbox.folder().to_owned();
    // It has a file open for writing.
    drop(outbox);
    disk.remount("ro");
    let outbox = Outbox::new(folder, Limits::default());
    assert_eq!(snapshot(&outbox), before);
    assert!(!outbox.list().unwrap()[0].busy);
    outbox.sweep();
    for error in
        [outbox.add(record("b")).unwrap_err(), outbox.claim(&id).unwrap_err(), outbox.discard(&id).unwrap_err()]
    {
        assert_eq!(error.code, Code::OutboxUnusable, "{error}");
        assert!(error.message.contains("Read-only") && error.message.contains("outbox_folder"), "{error}");
    }
    let nowhere = Outbox::new(disk.path().join("not/there"), Limits::default());
    assert!(nowhere.list().unwrap().is_empty());
    assert_eq!(nowhere.add(record("b")).unwrap_err().code, Code::OutboxUnusable);
    disk.remount("rw");
    assert_usable(&outbox);
}

#[test]
fn a_folder_that_is_a_file_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("outbox")] {
        let outbox = Outbox::new(path.clone(), Limits::default());
        for error in [outbox.list().unwrap_err(), outbox.add(record("a")).unwrap_err()] {
            assert_eq!(error.code, Code::OutboxUnusable);
            assert!(error.message.contains(file.to_str().unwrap()), "{error}");
        }
    }
}
