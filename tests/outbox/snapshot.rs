//! What is in an outbox, in a form that can be compared.

use ftreview::outbox::{Outbox, Step};
use ftreview::session::Code;
use std::collections::BTreeMap;

/// Items by their keys, or by their ids when their keys cannot be read.
pub type Snapshot = BTreeMap<String, Kept>;

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// It cannot be read, and nobody takes it for anything.
    Damaged,
    /// What it says.
    Whole { comment: String, attempts: u32, failed: bool, copy: Option<String> },
}

impl Kept {
    /// An item that was just added.
    pub fn new(comment: &str) -> Kept {
        Kept::Whole { comment: comment.to_owned(), attempts: 0, failed: false, copy: None }
    }
}

pub fn snapshot(outbox: &Outbox) -> Snapshot {
    let items = outbox.list().unwrap().into_iter();
    items
        .map(|item| match (item.record, item.state) {
            (Ok(record), Ok(state)) => {
                assert_eq!(record.id, item.id);
                assert_eq!(crate::id_of(&record.key), item.id);
                let copy = record.sources.first().and_then(|source| source.copy.as_ref());
                let kept = Kept::Whole {
                    comment: record.request["comment"].as_str().unwrap().to_owned(),
                    attempts: state.attempts,
                    failed: state.step == Step::Failed,
                    copy: copy.map(|name| std::fs::read_to_string(item.folder.join(name)).unwrap_or("gone".into())),
                };
                (record.key, kept)
            }
            (record, state) => {
                let error = record.err().or(state.err()).unwrap();
                assert_eq!(error.code, Code::OutboxDamaged, "{error}");
                (item.id, Kept::Damaged)
            }
        })
        .collect()
}
