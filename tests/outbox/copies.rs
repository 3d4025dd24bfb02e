//! Sources that are copied, change, or go.

use crate::{add, folder, record};
use ftreview::outbox::{Claim, Limits, Outbox, Record, SourceNote};
use ftreview::session::{Code, Error};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

struct Item {
    folder: tempfile::TempDir,
    outbox: Outbox,
    source: PathBuf,
    claim: Claim,
}

fn item(bytes: u64) -> Item {
    let folder = folder();
    let outbox = Outbox::new(folder.path().join("outbox"), Limits { bytes, ..Limits::default() });
    let source = folder.path().join("sh010.comp.v003.MOV");
    fs::write(&source, "frames of a movie").unwrap();
    let claim = add(&outbox, of("a", &source));
    Item { folder, outbox, source, claim }
}

fn of(key: &str, source: &Path) -> Record {
    Record { sources: vec![SourceNote::of(source).unwrap()], ..record(key) }
}

fn touch(path: &Path, time: Duration) {
    File::options().write(true).open(path).unwrap().set_modified(UNIX_EPOCH + time).unwrap();
}

#[track_caller]
fn refused(item: &Item, code: Code, words: &[&str]) -> Error {
    let note = &item.claim.record().sources[0];
    let error = note.check().unwrap_err();
    assert_eq!(item.claim.source(note).unwrap_err(), error);
    assert_eq!(error.code, code, "{error}");
    for word in [item.source.to_str().unwrap(), "retry", "forget"].iter().chain(words) {
        assert!(error.message.contains(word), "{word}: {error}");
    }
    error
}

#[test]
fn a_source_that_is_as_it_was_is_read_where_it_is() {
    let item = item(0);
    let note = &item.claim.record().sources[0];
    assert_eq!(item.claim.source(note).unwrap(), item.source);
    // A backup that was played back has another inode.
    let bytes = fs::read(&item.source).unwrap();
    fs::remove_file(&item.source).unwrap();
    fs::write(&item.source, bytes).unwrap();
    touch(&item.source, Duration::from_nanos(note.modified_ns.unwrap()));
    note.check().unwrap();
}

#[test]
fn a_source_that_changed_or_went_is_an_error_of_its_own_that_says_what_to_do() {
    let item = item(0);
    let time = Duration::from_nanos(item.claim.record().sources[0].modified_ns.unwrap());
    touch(&item.source, time + Duration::from_millis(1));
    refused(&item, Code::SourceChanged, &["written again", "17 bytes"]);
    fs::write(&item.source, "more frames of a movie").unwrap();
    touch(&item.source, time);
    refused(&item, Code::SourceChanged, &["from 17 to 22 bytes"]);
    fs::remove_file(&item.source).unwrap();
    assert!(refused(&item, Code::SourceGone, &["no longer there"]).retryable());
    fs::create_dir(&item.source).unwrap();
    refused(&item, Code::SourceChanged, &[]);
}

#[test]
fn a_time_that_a_file_system_keeps_less_exactly_is_the_same_time() {
    let item = item(0);
    let exact = Duration::from_nanos(1_790_000_000_123_456_789);
    touch(&item.source, exact);
    let note = SourceNote::of(&item.source).unwrap();
    let cut = |nanoseconds: u128| Duration::from_nanos((exact.as_nanos() / nanoseconds * nanoseconds) as u64);
    for step in [100, 1_000, 1_000_000, 1_000_000_000] {
        touch(&item.source, cut(step));
        note.check().unwrap();
        let coarse = SourceNote::of(&item.source).unwrap();
        touch(&item.source, exact);
        coarse.check().unwrap();
    }
    for other in [
        cut(1_000_000_000) + Duration::from_secs(1),
        cut(1_000_000_000) - Duration::from_secs(1),
        cut(1000) + Duration::from_nanos(788),
    ] {
        touch(&item.source, other);
        assert_eq!(note.check().unwrap_err().code, Code::SourceChanged, "{other:?}");
    }
}

#[test]
fn a_relative_path_is_kept_as_an_absolute_one() {
    let note = SourceNote::of(Path::new("Cargo.toml")).unwrap();
    assert!(note.path.is_absolute() && note.path.is_file(), "{note:?}");
}

#[test]
fn a_copy_is_published_whatever_happens_to_the_original() {
    let mut item = item(17);
    let source = item.source.clone();
    let copy = item.claim.copy(&source).unwrap();
    assert_eq!(copy.extension().unwrap(), "MOV");
    assert_eq!(item.outbox.list().unwrap()[0].bytes, 17);
    fs::remove_file(&source).unwrap();
    let id = item.claim.id().to_owned();
    drop(item.claim);
    let mut claim = item.outbox.claim(&id).unwrap();
    let note = claim.record().sources[0].clone();
    assert_eq!(claim.source(&note).unwrap(), copy);
    assert_eq!(fs::read(&copy).unwrap(), b"frames of a movie");
    // Asked again, it is the same.
    assert_eq!(claim.copy(&source).unwrap(), copy);
    // One that is not whole is not published.
    File::options().write(true).open(&copy).unwrap().set_len(16).unwrap();
    assert_eq!(claim.source(&note).unwrap_err().code, Code::OutboxDamaged);
    fs::remove_file(&copy).unwrap();
    assert_eq!(claim.source(&note).unwrap_err().code, Code::OutboxDamaged);
    let elsewhere = SourceNote { copy: Some("../../../sh010.comp.v003.MOV".to_owned()), ..note };
    fs::write(&source, "frames of a movie").unwrap();
    assert_eq!(claim.source(&elsewhere).unwrap_err().code, Code::OutboxDamaged);
    claim.finish().unwrap();
}

#[test]
fn copies_beyond_the_limit_are_refused_and_leave_nothing() {
    let mut item = item(33);
    let source = item.source.clone();
    item.claim.copy(&source).unwrap();
    let mut other = add(&item.outbox, of("b", &source));
    let error = other.copy(&source).unwrap_err();
    assert_eq!(error.code, Code::OutboxFull);
    assert!(error.message.contains("34 bytes") && error.message.contains("outbox_max_bytes"), "{error}");
    assert_eq!(files(other.folder()), ["job.json", "lock", "state.json"]);
    assert_eq!(other.record().sources[0].copy, None);
    // What has ended counts no longer.
    item.claim.finish().unwrap();
    other.copy(&source).unwrap();
    assert_eq!(item.folder.path().join("outbox/jobs").read_dir().unwrap().count(), 1);
}

#[test]
fn a_copy_that_is_given_up_or_whose_source_changes_meanwhile_leaves_nothing() {
    let mut item = item(u64::MAX);
    let source = item.source.clone();
    let error = item.claim.copy_while(&source, &|| false).unwrap_err();
    assert_eq!(error.code, Code::Cancelled);
    let error = item.claim.copy_while(&source, &|| fs::write(&source, "other frames of a movie").is_ok()).unwrap_err();
    assert_eq!(error.code, Code::SourceChanged);
    let error = item.claim.copy(&source).unwrap_err();
    assert_eq!(error.code, Code::SourceChanged);
    // Retrying an item takes the file as it is now.
    let record = Record { sources: vec![SourceNote::of(&source).unwrap()], ..item.claim.record().clone() };
    item.claim.replace(record).unwrap();
    let cut = || File::options().write(true).open(&source).is_ok_and(|file| file.set_len(3).is_ok());
    let error = item.claim.copy_while(&source, &cut).unwrap_err();
    assert_eq!(error.code, Code::SourceChanged);
    fs::remove_file(&source).unwrap();
    assert_eq!(item.claim.copy(&source).unwrap_err().code, Code::SourceGone);
    assert_eq!(files(item.claim.folder()), ["job.json", "lock", "state.json"]);
}

#[test]
fn a_copy_that_no_source_names_is_removed_with_the_next_claim() {
    let mut item = item(u64::MAX);
    let source = item.source.clone();
    let copy = item.claim.copy(&source).unwrap();
    let left = item.claim.folder().join("copy-9.mov");
    let journal = item.claim.folder().join("c1.upload");
    fs::write(&left, "half").unwrap();
    fs::write(&journal, "parts").unwrap();
    let id = item.claim.id().to_owned();
    drop(item.claim);
    let mut claim = item.outbox.claim(&id).unwrap();
    assert!(!left.exists() && copy.exists() && journal.exists());
    // So is one that is replaced.
    let sources = vec![SourceNote::of(&source).unwrap()];
    claim.replace(Record { sources, ..claim.record().clone() }).unwrap();
    assert!(!copy.exists() && journal.exists());
}

#[test]
fn a_large_source_is_copied_whole() {
    let mut item = item(u64::MAX);
    let source = item.folder.path().join("large");
    let file = File::create(&source).unwrap();
    // Longer than a step, and not by whole blocks.
    let size = ftreview::session::policy::OUTBOX_COPY_STEP * 2 + 12_345;
    file.set_len(size).unwrap();
    for at in [0, size / 3, size / 2, size - 4] {
        std::os::unix::fs::FileExt::write_all_at(&file, &(at as u32).to_le_bytes(), at).unwrap();
    }
    item.claim
        .replace(Record { sources: vec![SourceNote::of(&source).unwrap()], ..item.claim.record().clone() })
        .unwrap();
    let copy = item.claim.copy(&source).unwrap();
    assert_eq!(copy.extension(), None);
    assert!(fs::read(copy).unwrap() == fs::read(source).unwrap());
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
