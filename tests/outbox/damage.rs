//! Files that are not what this version wrote are noticed, listed and left alone.

use crate::{add, folder, outbox, record};
use ftreview::outbox::{NotedError, Outbox, State, Step};
use ftreview::session::Code;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const FILES: [&str; 2] = ["job.json", "state.json"];

/// An outbox with one item, which has something in each of its fields.
struct Item {
    _folder: tempfile::TempDir,
    outbox: Outbox,
    id: String,
    folder: PathBuf,
}

fn item() -> Item {
    let folder = folder();
    let outbox = outbox(&folder);
    let claim = add(&outbox, record("a"));
    let error = Some(NotedError { code: Code::Unreachable as i32, message: "nobody answers".to_owned() });
    let facts = json!({"version": {"id": "v1", "number": 12}}).as_object().unwrap().clone();
    let state = State { step: Step::Undoing, attempts: 3, next_try: Some(SystemTime::now()), error, facts };
    claim.set_state(state).unwrap();
    Item { _folder: folder, id: claim.id().to_owned(), folder: claim.folder().to_owned(), outbox }
}

impl Item {
    /// The item is listed with this error, cannot be claimed for the same reason, and its files are left as they are.
    #[track_caller]
    fn is_left_alone(&self, code: Code, what: &str) {
        let before = FILES.map(|file| std::fs::read(self.folder.join(file)).ok());
        let listed = self.outbox.list().unwrap();
        assert_eq!(listed.len(), 1, "{what}");
        let error = listed[0].error().unwrap_or_else(|| panic!("{what}: is taken for whole"));
        assert_eq!(error.code, code, "{what}: {error}");
        assert!(error.message.contains(self.folder.to_str().unwrap()), "{what}: {error}");
        assert_eq!(self.outbox.claim(&self.id).unwrap_err().code, code, "{what}");
        if code != Code::OutboxDamaged {
            assert_eq!(self.outbox.discard(&self.id).unwrap_err().code, code, "{what}");
        }
        assert_eq!(before, FILES.map(|file| std::fs::read(self.folder.join(file)).ok()), "{what}");
    }
}

#[test]
fn a_changed_byte_or_bit_anywhere_is_noticed_and_never_taken_for_something_else() {
    let item = item();
    for file in FILES {
        let path = item.folder.join(file);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for flip in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                std::fs::write(&path, bytes).unwrap();
                // All of what is read, in one; the long way round is tried below.
                let listed = item.outbox.list().unwrap().remove(0);
                let error = listed.error().unwrap_or_else(|| panic!("{file}: byte {at}, {flip:#x}: unnoticed"));
                assert_eq!(error.code, Code::OutboxDamaged, "{file}: byte {at}, {flip:#x}: {error}");
            }
            if at % 16 == 0 {
                item.is_left_alone(Code::OutboxDamaged, &format!("{file}: byte {at}"));
            }
        }
        std::fs::write(&path, whole).unwrap();
    }
    drop(item.outbox.claim(&item.id).unwrap());
}

#[test]
fn a_file_that_was_cut_or_grew_or_is_gone_is_noticed() {
    let item = item();
    for file in FILES {
        let path = item.folder.join(file);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            item.is_left_alone(Code::OutboxDamaged, &format!("{file}: {length} bytes of it"));
        }
        for more in [&b"\n"[..], b"x", b"\0", &whole] {
            std::fs::write(&path, [&whole[..], more].concat()).unwrap();
            item.is_left_alone(Code::OutboxDamaged, &format!("{file}: {} bytes more", more.len()));
        }
        std::fs::remove_file(&path).unwrap();
        item.is_left_alone(Code::OutboxDamaged, &format!("{file}: gone"));
        std::fs::create_dir(&path).unwrap();
        assert_eq!(item.outbox.claim(&item.id).unwrap_err().code, Code::OutboxDamaged);
        std::fs::remove_dir(&path).unwrap();
        // Larger than any of ours: not read into memory.
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(item.outbox.claim(&item.id).unwrap_err().code, Code::OutboxDamaged);
        std::fs::write(&path, whole).unwrap();
    }
    drop(item.outbox.claim(&item.id).unwrap());
}

#[test]
fn a_file_of_another_item_or_of_another_kind_is_noticed() {
    let item = item();
    let other = add(&item.outbox, record("b"));
    let (other_id, other_folder) = (other.id().to_owned(), other.folder().to_owned());
    drop(other);
    for file in FILES {
        let whole = std::fs::read(item.folder.join(file)).unwrap();
        std::fs::copy(other_folder.join(file), item.folder.join(file)).unwrap();
        assert_eq!(item.outbox.claim(&item.id).unwrap_err().code, Code::OutboxDamaged);
        std::fs::write(item.folder.join(file), whole).unwrap();
    }
    std::fs::copy(item.folder.join("state.json"), item.folder.join("job.json")).unwrap();
    assert_eq!(item.outbox.claim(&item.id).unwrap_err().code, Code::OutboxDamaged);
    // The one beside it is not concerned, and a damaged one can be thrown away.
    item.outbox.claim(&other_id).unwrap().finish().unwrap();
    item.outbox.discard(&item.id).unwrap();
    assert!(item.outbox.list().unwrap().is_empty());
    assert_eq!(item.outbox.discard(&item.id).unwrap_err().code, Code::OutboxNoItem);
}

/// What another version does to the JSON of a file.
type Change = &'static dyn Fn(&mut Value);

/// Writes a file as a version of the library would whose JSON is changed in this way.
fn rewrite(path: &Path, change: impl FnOnce(&mut Value)) {
    use md5::{Digest, Md5};
    let text = std::fs::read_to_string(path).unwrap();
    let mut value: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    change(&mut value);
    let line = value.to_string();
    let hash: String = Md5::digest(&line).iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(path, format!("{line}\n{hash}\n")).unwrap();
}

#[test]
fn an_item_of_a_newer_version_is_left_alone_and_all_others_are_worked_on() {
    let changes: [(&str, Change); 6] = [
        ("a later format", &|value| value["format"] = json!(2)),
        ("a much later format", &|value| value["format"] = json!(u64::MAX)),
        ("a later format of another shape", &|value| *value = json!({"format": 3, "all": "different"})),
        ("a field beside the content", &|value| value["more"] = json!(1)),
        ("a field in the content", &|value| value["content"]["more"] = json!(1)),
        ("a value of another type", &|value| {
            *value["content"].as_object_mut().unwrap().values_mut().next().unwrap() = json!([])
        }),
    ];
    for file in FILES {
        for (what, change) in changes {
            let item = item();
            rewrite(&item.folder.join(file), change);
            item.is_left_alone(Code::OutboxNewer, &format!("{file}: {what}"));
            assert!(matches!(item.outbox.add(record("a")).unwrap(), ftreview::outbox::Added::There));
            // What this version cannot read is not in its way.
            add(&item.outbox, record("b")).finish().unwrap();
            item.is_left_alone(Code::OutboxNewer, &format!("{file}: {what}"));
        }
    }
    // The way the files are rewritten here is the one in which they are written.
    let item = item();
    for file in FILES {
        let before = std::fs::read(item.folder.join(file)).unwrap();
        rewrite(&item.folder.join(file), |_| {});
        assert_eq!(std::fs::read(item.folder.join(file)).unwrap(), before);
    }
}

#[test]
fn a_step_that_a_newer_version_added_is_not_taken_for_another() {
    let item = item();
    rewrite(&item.folder.join("state.json"), |value| value["content"]["step"] = json!("encoding"));
    item.is_left_alone(Code::OutboxNewer, "step");
}

#[test]
fn a_file_without_a_format_is_none_of_any_version() {
    for format in [json!(null), json!(0), json!(-1), json!("1"), json!(1.5)] {
        let item = item();
        rewrite(&item.folder.join("job.json"), |value| value["format"] = format.clone());
        item.is_left_alone(Code::OutboxDamaged, &format.to_string());
    }
}

#[test]
fn what_others_put_into_the_folder_is_neither_listed_nor_touched() {
    let item = item();
    let jobs = item.outbox.folder().join("jobs");
    let strange = ["notes", ".DS_Store", "..data", "6F3B91D4-0C7E-4A1B-8F52-D6E937A8B05C", "item (copy)"];
    for name in strange {
        std::fs::create_dir(jobs.join(name)).unwrap();
    }
    std::fs::write(jobs.join(crate::id_of("file")), "a file").unwrap();
    std::fs::write(item.outbox.folder().join("new").join("file"), "a file").unwrap();
    item.outbox.sweep();
    assert_eq!(item.outbox.list().unwrap().len(), 1);
    assert!(strange.iter().all(|name| jobs.join(name).is_dir()));
    for id in strange.into_iter().chain(["", ".", "..", "../jobs", "/", "a\0b"]) {
        assert_eq!(item.outbox.claim(id).unwrap_err().code, Code::OutboxNoItem, "{id}");
        assert_eq!(item.outbox.discard(id).unwrap_err().code, Code::OutboxNoItem, "{id}");
    }
}

#[test]
fn only_the_user_may_read_and_no_password_is_written() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let source = folder.path().join("movie.mov");
    std::fs::write(&source, "frames").unwrap();
    std::fs::set_permissions(&source, std::fs::Permissions::from_mode(0o644)).unwrap();
    let outbox = outbox(&folder);
    let note = ftreview::outbox::SourceNote::of(&source).unwrap();
    for (key, server_url) in [("a", "https://me:s3cret@studio.example/x"), ("b", "no url: me:s3cret@studio.example")] {
        let record =
            ftreview::outbox::Record { server_url: server_url.into(), sources: vec![note.clone()], ..record(key) };
        let mut claim = add(&outbox, record);
        claim.set_state(State::default()).unwrap();
        claim.copy(&source).unwrap();
        assert!(claim.record().server_url.ends_with(&server_url[server_url.find("studio").unwrap()..]));
    }
    let mut files = 0;
    let mut left = vec![outbox.folder().to_owned()];
    while let Some(path) = left.pop() {
        let metadata = std::fs::metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_dir() {
            assert_eq!(mode, 0o700, "{path:?}");
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            assert_eq!(mode, 0o600, "{path:?}");
            assert!(!std::fs::read_to_string(&path).unwrap().contains("s3cret"), "{path:?}");
            files += 1;
        }
    }
    assert_eq!(files, 8);
}
