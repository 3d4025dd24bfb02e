//! A run through everything that an outbox does, and what may be on disk when it stopped at any point.

use crate::snapshot::{Kept, Snapshot, snapshot};
use crate::{add, record};
use ftreview::outbox::{Added, Claim, Limits, Outbox, Record, SourceNote, State, Step};
use ftreview::session::{Code, Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// As many items as the script has at once, so that the last one must make room.
const LIMITS: Limits = Limits { items: 3, bytes: 1 << 20, age: std::time::Duration::from_secs(1) };

const CONTENT: &str = "the frames of a movie";

/// The folders that the script works in.
pub struct Script {
    outbox: Outbox,
    source: PathBuf,
    a: Option<Claim>,
    c: Option<Claim>,
}

/// One thing that is done. It takes an outbox from one content to the next, over those between.
struct Deed {
    run: fn(&mut Script) -> Result<()>,
    then: fn(Snapshot) -> Vec<Snapshot>,
    /// Whether nothing, or only what is between, has happened when it says that it failed.
    fails_whole: bool,
}

const DEEDS: [Deed; 11] = [
    // 1: add
    Deed {
        run: |script| {
            let sources = vec![SourceNote::of(&script.source)?];
            script.a = new(script.outbox.add(Record { sources, ..record("a") })?)?;
            Ok(())
        },
        then: |mut there| {
            there.insert("a".to_owned(), Kept::new("softer key light"));
            vec![there]
        },
        fails_whole: true,
    },
    // 2: set_state
    Deed {
        run: |script| script.a()?.set_state(State { attempts: 1, ..State::default() }),
        then: |mut there| {
            if let Some(Kept::Whole { attempts, .. }) = there.get_mut("a") {
                *attempts = 1;
            }
            vec![there]
        },
        fails_whole: false,
    },
    // 3: copy
    Deed {
        run: |script| {
            let source = script.source.clone();
            let path = script.a.as_mut().ok_or_else(skipped)?.copy(&source)?;
            assert_eq!(std::fs::read_to_string(path).unwrap(), CONTENT);
            Ok(())
        },
        then: |mut there| {
            if let Some(Kept::Whole { copy, .. }) = there.get_mut("a") {
                *copy = Some(CONTENT.to_owned());
            }
            vec![there]
        },
        fails_whole: false,
    },
    // 4: replace
    Deed {
        run: |script| {
            let claim = script.a.as_mut().ok_or_else(skipped)?;
            let request = serde_json::json!({"comment": "harder key light"});
            claim.replace(Record { request, ..claim.record().clone() })
        },
        then: |mut there| {
            if let Some(Kept::Whole { comment, .. }) = there.get_mut("a") {
                *comment = "harder key light".to_owned();
            }
            vec![there]
        },
        fails_whole: false,
    },
    // 5: add, and let go
    Deed {
        run: |script| new(script.outbox.add(record("b"))?).map(drop),
        then: |mut there| {
            there.insert("b".to_owned(), Kept::new("softer key light"));
            vec![there]
        },
        fails_whole: true,
    },
    // 6: claim, set_state, and let go
    Deed {
        run: |script| {
            let claim = script.outbox.claim(&crate::id_of("b"))?;
            claim.set_state(State { step: Step::Failed, attempts: 1, ..State::default() })
        },
        then: |mut there| {
            if let Some(Kept::Whole { attempts, failed, .. }) = there.get_mut("b") {
                (*attempts, *failed) = (1, true);
            }
            vec![there]
        },
        fails_whole: false,
    },
    // 7: list
    Deed { run: |script| script.outbox.list().map(drop), then: |there| vec![there], fails_whole: false },
    // 8: add where there is no room but what a failed item takes
    Deed {
        run: |script| {
            script.c = new(script.outbox.add(record("c"))?)?;
            Ok(())
        },
        then: |mut there| {
            let mut all = Vec::new();
            if there.len() >= LIMITS.items {
                there.remove("b");
                all.push(there.clone());
            }
            there.insert("c".to_owned(), Kept::new("softer key light"));
            all.push(there);
            all
        },
        fails_whole: true,
    },
    // 9: finish
    Deed {
        run: |script| script.a.take().ok_or_else(skipped)?.finish(),
        then: |mut there| {
            there.remove("a");
            vec![there]
        },
        fails_whole: true,
    },
    // 10: discard
    Deed {
        run: |script| script.outbox.discard(&crate::id_of("damaged")),
        then: |mut there| {
            there.remove(&crate::id_of("damaged"));
            vec![there]
        },
        fails_whole: true,
    },
    // 11: finish the last
    Deed {
        run: |script| script.c.take().ok_or_else(skipped)?.finish(),
        then: |mut there| {
            there.remove("c");
            vec![there]
        },
        fails_whole: true,
    },
];

/// An earlier deed failed, so that this one has nothing to do.
fn skipped() -> Error {
    Error::new(Code::OutboxNoItem, "skipped")
}

fn new(added: Added) -> Result<Option<Claim>> {
    match added {
        Added::New(claim) => Ok(Some(claim)),
        Added::There => Err(skipped()),
    }
}

impl Script {
    /// The script in a folder that was prepared.
    pub fn new(folder: &Path) -> Script {
        let outbox = Outbox::new(folder.join("outbox"), LIMITS);
        Script { outbox, source: folder.join("movie.mov"), a: None, c: None }
    }

    /// Makes what the script begins with: a source, a damaged item, and what was left by processes that were killed.
    pub fn prepare(folder: &Path) -> Snapshot {
        let script = Script::new(folder);
        std::fs::write(&script.source, CONTENT).unwrap();
        let damaged = add(&script.outbox, record("damaged"));
        std::fs::write(damaged.folder().join("state.json"), "{\"form").unwrap();
        for left in ["new", "gone"] {
            let left = script.outbox.folder().join(left).join("left");
            std::fs::create_dir(&left).unwrap();
            std::fs::write(left.join("lock"), "").unwrap();
            std::fs::write(left.join("job.json.new"), "{\"form").unwrap();
        }
        snapshot(&script.outbox)
    }

    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Runs it all, and tells of each deed that it begins and how it ended.
    pub fn run(mut self, tell: &mut dyn FnMut(&str)) {
        for (at, deed) in DEEDS.iter().enumerate() {
            tell(&format!("begin {at}"));
            match (deed.run)(&mut self) {
                Ok(()) => tell(&format!("done {at}")),
                Err(error) => tell(&format!("failed {at} {error}")),
            }
        }
    }

    fn a(&self) -> Result<&Claim> {
        self.a.as_ref().ok_or_else(skipped)
    }
}

/// How many deeds there are.
pub const COUNT: usize = DEEDS.len();

/// What may be in the outbox after this was told. `lasting`: what made deeds fail did so ever after, so that what was half
/// done could not be undone.
pub fn possible(start: Snapshot, told: &str, lasting: bool) -> BTreeSet<Snapshot> {
    let mut possible = BTreeSet::from([start]);
    let lines: Vec<(&str, usize)> = told.lines().filter_map(line).collect();
    for (at, deed) in DEEDS.iter().enumerate() {
        let said = |word| lines.contains(&(word, at));
        if !said("begin") {
            break;
        }
        possible = possible
            .into_iter()
            .flat_map(|before| {
                let mut all = vec![before.clone()];
                all.extend((deed.then)(before));
                if said("done") {
                    return all.split_off(all.len() - 1);
                }
                if said("failed") && deed.fails_whole && !lasting {
                    all.pop();
                }
                all
            })
            .collect();
    }
    possible
}

/// The errors that were told, without those of deeds that had nothing to do.
pub fn errors(told: &str) -> Vec<&str> {
    told.lines()
        .filter(|said| line(said).is_some_and(|(word, _)| word == "failed") && !said.contains("skipped"))
        .collect()
}

fn line(line: &str) -> Option<(&str, usize)> {
    // The test harness writes what it does on the same line.
    let line = &line[line.find("begin ").or_else(|| line.find("done ")).or_else(|| line.find("failed "))?..];
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.parse().ok()?))
}

/// Nobody is left with a lock or half an item: all of it can be ended, and the outbox is as good as new.
#[track_caller]
pub fn assert_usable(outbox: &Outbox) {
    for item in outbox.list().unwrap() {
        assert!(!item.busy, "{item:?}");
        match item.error() {
            None => outbox.claim(&item.id).unwrap().finish().unwrap(),
            Some(_) => outbox.discard(&item.id).unwrap(),
        }
    }
    add(outbox, record("last")).finish().unwrap();
    for folder in ["jobs", "new", "gone", "held"] {
        let left: Vec<_> = std::fs::read_dir(outbox.folder().join(folder)).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
