//! Threads and processes at one outbox.

use crate::script::assert_usable;
use crate::shim::child;
use crate::{add, folder, outbox, record};
use ftreview::outbox::{Added, Limits, Outbox, State, Step};
use ftreview::session::Code;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::sync::Barrier;

#[test]
fn fifty_threads_add_to_one_folder_and_every_item_is_there_once() {
    let folder = folder();
    let outbox = outbox(&folder);
    let start = Barrier::new(50);
    let claims: Vec<_> = std::thread::scope(|scope| {
        let add_one = |number: usize| {
            start.wait();
            add(&outbox, record(&format!("{number}")))
        };
        let threads: Vec<_> = (0..50).map(|number| scope.spawn(move || add_one(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let items = outbox.list().unwrap();
    assert_eq!(items.len(), 50);
    assert!(items.iter().all(|item| item.busy && item.error().is_none()));
    drop(claims);
    assert!(outbox.list().unwrap().iter().all(|item| !item.busy));
    assert_usable(&outbox);
}

#[test]
fn the_same_key_added_by_fifty_threads_at_once_is_one_item_held_by_one_of_them() {
    for _ in 0..20 {
        let folder = folder();
        let outbox = outbox(&folder);
        let start = Barrier::new(50);
        let added: Vec<Added> = std::thread::scope(|scope| {
            let add_it = || {
                start.wait();
                outbox.add(record("a")).unwrap()
            };
            let threads: Vec<_> = (0..50).map(|_| scope.spawn(add_it)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(added.iter().filter(|added| matches!(added, Added::New(_))).count(), 1);
        assert_eq!(outbox.claim(&crate::id_of("a")).unwrap_err().code, Code::OutboxBusy);
        drop(added);
        assert_eq!(outbox.list().unwrap().len(), 1);
        assert_usable(&outbox);
    }
}

#[test]
fn the_same_key_for_another_server_or_user_is_another_item() {
    let folder = folder();
    let outbox = outbox(&folder);
    let of = |server_url: &str, api_user: &str| ftreview::outbox::Record {
        server_url: server_url.to_owned(),
        api_user: api_user.to_owned(),
        ..record("farm/17")
    };
    let staging = add(&outbox, of("https://staging.example", "user"));
    let claims =
        [add(&outbox, of("https://studio.example", "user")), add(&outbox, of("https://studio.example", "other"))];
    assert_eq!(outbox.list().unwrap().len(), 3);
    // Nor may one become the other.
    let mut staging = staging;
    let error = staging.replace(claims[0].record().clone()).unwrap_err();
    assert_eq!(error.code, Code::Internal);
    // A password is no part of a server.
    assert!(matches!(outbox.add(of("https://me:secret@staging.example/", "user")).unwrap(), Added::New(_)));
    assert!(matches!(outbox.add(of("https://me:other@staging.example/", "user")).unwrap(), Added::There));
}

#[test]
fn an_item_that_was_made_anew_is_not_written_by_whoever_held_the_earlier_one() {
    let folder = folder();
    let outbox = outbox(&folder);
    let mut earlier = add(&outbox, record("a"));
    // Somebody cleans up by hand.
    fs::remove_dir_all(earlier.folder()).unwrap();
    assert_eq!(earlier.set_state(State::default()).unwrap_err().code, Code::OutboxNoItem);
    let later = add(&outbox, record("a"));
    assert_eq!(earlier.set_state(State { attempts: 9, ..State::default() }).unwrap_err().code, Code::OutboxNoItem);
    assert_eq!(earlier.replace(record("a")).unwrap_err().code, Code::OutboxNoItem);
    assert_eq!(earlier.finish().unwrap_err().code, Code::OutboxNoItem);
    assert_eq!(later.state(), State::default());
    assert_eq!(outbox.claim(later.id()).unwrap_err().code, Code::OutboxBusy);
    later.finish().unwrap();
}

#[test]
fn an_item_without_its_lock_file_is_claimed_by_one() {
    let folder = folder();
    let outbox = outbox(&folder);
    let claim = add(&outbox, record("a"));
    let (id, lock) = (claim.id().to_owned(), claim.folder().join("lock"));
    drop(claim);
    fs::remove_file(lock).unwrap();
    assert!(!outbox.list().unwrap()[0].busy);
    let claim = outbox.claim(&id).unwrap();
    assert_eq!(outbox.claim(&id).unwrap_err().code, Code::OutboxBusy);
    claim.finish().unwrap();
}

#[test]
fn whoever_lists_an_outbox_keeps_nobody_from_claiming() {
    let folder = folder();
    let outbox = outbox(&folder);
    drop(add(&outbox, record("a")));
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    outbox.list().unwrap();
                }
            });
        }
        let claimed: Vec<_> = (0..500).map(|_| outbox.claim(&crate::id_of("a")).map(drop)).collect();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        for claimed in claimed {
            claimed.unwrap();
        }
    });
}

/// A process that the host forks has a copy of every descriptor, and lives as long as it likes.
#[test]
fn an_item_that_was_let_go_is_free_although_a_forked_process_lives_on() {
    let folder = folder();
    let outbox = outbox(&folder);
    let claim = add(&outbox, record("a"));
    let id = claim.id().to_owned();
    // SAFETY: the child calls nothing but pause.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        loop {
            // SAFETY: no arguments.
            unsafe { libc::pause() };
        }
    }
    assert!(forked > 0);
    drop(claim);
    let claimed = outbox.claim(&id).map(drop);
    // SAFETY: the child above, which nobody else waits for.
    unsafe {
        libc::kill(forked, libc::SIGKILL);
        libc::waitpid(forked, std::ptr::null_mut(), 0);
    }
    claimed.unwrap();
}

#[test]
fn one_descriptor_is_all_that_many_items_take_and_none_when_they_are_let_go() {
    let folder = folder();
    let outbox = outbox(&folder);
    let descriptors = || {
        let open =
            fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        open.filter(|path| path.starts_with(folder.path())).count()
    };
    let claims: Vec<_> = (0..200).map(|number| add(&outbox, record(&number.to_string()))).collect();
    assert_eq!(descriptors(), 1);
    let other = Outbox::new(outbox.folder().to_owned(), Limits::default());
    assert!(other.list().unwrap().iter().all(|item| item.busy));
    drop(claims);
    assert!(other.list().unwrap().iter().all(|item| !item.busy));
    assert_eq!(descriptors(), 0);
}

#[test]
fn what_a_lock_says_that_nobody_can_understand_keeps_nobody_out() {
    let folder = folder();
    let outbox = outbox(&folder);
    let claim = add(&outbox, record("a"));
    let (id, lock) = (claim.id().to_owned(), claim.folder().join("lock"));
    let held = fs::read(&lock).unwrap();
    drop(claim);
    let nobody = format!("{0} {0}\n", uuid::Uuid::new_v4());
    for text in [&b""[..], b"\n", &held, &held[..40], nobody.as_bytes(), &[0xff; 74], &[b'x'; 5000]] {
        fs::write(&lock, text).unwrap();
        let claim = outbox.claim(&id).unwrap();
        assert_eq!(outbox.claim(&id).unwrap_err().code, Code::OutboxBusy);
        assert_eq!(fs::metadata(&lock).unwrap().len(), 74);
        drop(claim);
    }
}

/// Somebody deletes the whole outbox under a session.
#[test]
fn a_session_whose_outbox_was_deleted_begins_a_new_one() {
    let folder = folder();
    let outbox = outbox(&folder);
    let claim = add(&outbox, record("a"));
    fs::remove_dir_all(outbox.folder()).unwrap();
    assert!(outbox.list().unwrap().is_empty());
    assert_eq!(outbox.claim(claim.id()).unwrap_err().code, Code::OutboxNoItem);
    let anew = add(&outbox, record("a"));
    drop(claim);
    let other = Outbox::new(outbox.folder().to_owned(), Limits::default());
    assert_eq!(other.claim(anew.id()).unwrap_err().code, Code::OutboxBusy);
    anew.finish().unwrap();
}

const RIVAL: &str = "FTREVIEW_TEST_OUTBOX_RIVAL";
const ROUNDS: usize = 2000;
const KEYS: usize = 3;

/// One of the processes; killed when it is dropped, also when a test fails.
struct Rival(Child);

impl Drop for Rival {
    fn drop(&mut self) {
        // Fails only where it has ended.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

fn rival_in(folder: &Path, keeps_watch: bool) -> Rival {
    let told = format!("{}\n{keeps_watch}", folder.display());
    Rival(child("rivals::rival", RIVAL, told).stdout(std::process::Stdio::null()).spawn().unwrap())
}

/// Adds the same few items as its rivals do, works on them and ends some. Where it keeps watch, it leaves a mark while it holds
/// an item, which nobody else may find, and counts what was made and what ended.
#[test]
#[ignore = "is one of the processes that fight"]
fn rival() {
    let Ok(told) = std::env::var(RIVAL) else { return };
    let (folder, keeps_watch) = told.split_once('\n').unwrap();
    let folder = Path::new(folder);
    let outbox = Outbox::new(folder.join("outbox"), Limits::default());
    let count = |what: &str| {
        let mut log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
        log.write_all(format!("{what}\n").as_bytes()).unwrap();
    };
    let mut random = std::process::id() as usize;
    for round in 0.. {
        if keeps_watch == "true" && round == ROUNDS {
            break;
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = format!("{}", (random >> 33) % KEYS);
        let claim = match outbox.add(record(&key)).unwrap() {
            Added::New(claim) => {
                count("made");
                claim
            }
            Added::There => match outbox.claim(&crate::id_of(&key)) {
                Ok(claim) => claim,
                Err(error) if [Code::OutboxBusy, Code::OutboxNoItem].contains(&error.code) => continue,
                Err(error) => panic!("{error}"),
            },
        };
        let mark = folder.join(format!("held {key}"));
        if keeps_watch == "true" {
            File::options().create_new(true).write(true).open(&mark).expect("nobody else holds it");
        }
        let before = claim.state().attempts;
        claim.set_state(State { attempts: before + 1, ..State::default() }).unwrap();
        std::thread::yield_now();
        assert_eq!(claim.state().attempts, before + 1);
        if keeps_watch == "true" {
            fs::remove_file(&mark).unwrap();
        }
        if (random >> 40).is_multiple_of(3) {
            claim.finish().unwrap();
            count("ended");
        }
    }
}

#[test]
fn processes_that_fight_for_the_same_items_hold_each_one_at_a_time_and_end_each_once() {
    let folder = folder();
    let rivals: Vec<Rival> = (0..4).map(|_| rival_in(folder.path(), true)).collect();
    for mut rival in rivals {
        let status = rival.0.wait().unwrap();
        assert!(status.success(), "a rival ended with {status}");
    }
    let outbox = outbox(&folder);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let count = |what| log.lines().filter(|line| *line == what).count();
    assert_eq!(count("made"), count("ended") + outbox.list().unwrap().len());
    assert!(count("ended") > ROUNDS / 10, "{}", count("ended"));
    assert_usable(&outbox);
}

#[test]
fn processes_that_are_killed_while_they_fight_leave_all_to_the_others() {
    let folder = folder();
    let log = folder.path().join("log");
    let outbox = outbox(&folder);
    let mut rivals: Vec<Rival> = (0..3).map(|_| rival_in(folder.path(), false)).collect();
    let mut done = 0;
    for kill in 0..60 {
        // Each goes on working while another is killed: nobody waits for the dead.
        while fs::metadata(&log).map_or(0, |log| log.len()) <= done {
            assert!(
                rivals.iter_mut().all(|rival| rival.0.try_wait().unwrap().is_none()),
                "a rival has ended by itself"
            );
            std::thread::yield_now();
        }
        done = fs::metadata(&log).unwrap().len();
        drop(std::mem::replace(&mut rivals[kill % 3], rival_in(folder.path(), false)));
        for item in outbox.list().unwrap() {
            assert!(item.error().is_none(), "{item:?}");
        }
    }
    drop(rivals);
    let items = outbox.list().unwrap();
    assert!(items.len() <= KEYS && items.iter().all(|item| !item.busy), "{items:?}");
    assert!(items.iter().all(|item| item.state.as_ref().unwrap().step == Step::Waiting));
    assert_usable(&outbox);
}

#[test]
fn what_killed_processes_left_is_swept_and_what_others_are_making_is_not() {
    let folder = folder();
    let outbox = outbox(&folder);
    drop(add(&outbox, record("a")));
    let other = Outbox::new(outbox.folder().to_owned(), Limits::default());
    let held = add(&other, record("b"));
    // As it is while an item is being made.
    let making = outbox.folder().join("new").join("making");
    fs::create_dir(&making).unwrap();
    fs::write(making.join("job.json"), "half").unwrap();
    fs::copy(held.folder().join("lock"), making.join("lock")).unwrap();
    let dead = outbox.folder().join("held").join(uuid::Uuid::new_v4().to_string());
    fs::write(&dead, "").unwrap();
    for (place, name, files) in [
        ("new", "empty", &[][..]),
        ("new", "locked before", &["lock"]),
        ("new", "half", &["lock", "job.json", "state.json.new"]),
        ("gone", "empty", &[]),
        ("gone", "nearly", &["lock"]),
        ("gone", "whole", &["lock", "job.json", "state.json", "c1.upload", "copy-1.mov"]),
        ("gone", "damaged", &["job.json"]),
    ] {
        let left = outbox.folder().join(place).join(name);
        fs::create_dir(&left).unwrap();
        for file in files {
            fs::write(left.join(file), "").unwrap();
        }
    }
    outbox.sweep();
    let names = |place: &str| -> Vec<_> {
        let entries = fs::read_dir(outbox.folder().join(place)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!((names("new"), names("gone")), (vec!["making".to_owned()], Vec::new()));
    assert!(making.join("job.json").exists());
    assert!(!dead.exists());
    assert_eq!(outbox.claim(&crate::id_of("b")).unwrap_err().code, Code::OutboxBusy);
    // It dies.
    drop(held);
    outbox.sweep();
    assert!(names("new").is_empty());
    assert_eq!(outbox.list().unwrap().len(), 2);
    assert!(names("held").is_empty());
}
