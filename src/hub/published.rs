//! Events that were published and have not ended: each waits for its acknowledgement, and some for replies. How many there
//! can be is bounded by the places that the event queue reserves for their ends.

use crate::session::news::Receiver;
use crate::session::{Error, Result};
use std::collections::BTreeMap;
use std::time::Instant;
use tokio::sync::oneshot;

/// One event that was published.
#[derive(Debug)]
pub struct Pending {
    /// The event's id, which replies name.
    pub id: String,
    /// Who wants to hear of its end.
    pub asker: Asker,
    /// How many replies are still wanted; 0 is none, nothing is all that come.
    pub replies_left: Option<u32>,
    /// Whether replies were asked for at all.
    pub wants_replies: bool,
    /// How many came.
    pub replies: u32,
    /// Whether it was handed to the connection.
    pub sent: bool,
    /// Whether the server has it.
    pub acknowledged: bool,
    /// Whether it stays in this session.
    pub local: bool,
    /// When it ends as it is.
    pub deadline: Option<Instant>,
}

/// Who wants to hear of an event's end.
#[derive(Debug)]
pub enum Asker {
    /// The host, by the event queue.
    Host(Receiver),
    /// A step of the library's own work.
    Inside(oneshot::Sender<Result<()>>),
}

/// An end, to be told without a lock.
#[derive(Debug)]
pub struct End {
    pub id: String,
    pub asker: Asker,
    pub outcome: Result<()>,
}

/// All of a session, by number.
#[derive(Debug, Default)]
pub struct Published {
    all: BTreeMap<u64, Pending>,
}

impl Published {
    /// Another one.
    pub fn insert(&mut self, number: u64, pending: Pending) {
        self.all.insert(number, pending);
    }

    /// The one with this number.
    pub fn get(&mut self, number: u64) -> Option<&mut Pending> {
        self.all.get_mut(&number)
    }

    /// Whether an event that stays in this session has this id.
    pub fn is_local(&self, id: &str) -> bool {
        self.all.values().any(|pending| pending.local && pending.id == id)
    }

    /// How many have not ended.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The server has it, or refuses it.
    pub fn acknowledge(&mut self, number: u64, answer: Result<()>) -> Option<End> {
        let pending = self.all.get_mut(&number)?;
        pending.acknowledged = true;
        match answer {
            Ok(()) if pending.wants_replies => None,
            outcome => self.end(number, outcome),
        }
    }

    /// A reply came: who asked for it, and perhaps the end.
    pub fn reply(&mut self, id: &str) -> Option<(Receiver, Option<End>)> {
        let (number, pending) = self.all.iter_mut().find(|(_, pending)| pending.wants_replies && pending.id == id)?;
        let Asker::Host(receiver) = pending.asker else { return None };
        pending.replies += 1;
        if let Some(left) = &mut pending.replies_left {
            *left = left.saturating_sub(1);
        }
        let (number, enough) = (*number, pending.replies_left == Some(0));
        Some((receiver, enough.then(|| self.end(number, Ok(()))).flatten()))
    }

    /// Ends the one with this number.
    pub fn end(&mut self, number: u64, outcome: Result<()>) -> Option<End> {
        let Pending { id, asker, .. } = self.all.remove(&number)?;
        Some(End { id, asker, outcome })
    }

    /// Ends those that `which` says, with the error.
    pub fn end_all(&mut self, which: impl Fn(&Pending) -> bool, error: &Error) -> Vec<End> {
        let numbers: Vec<u64> =
            self.all.iter().filter(|(_, pending)| which(pending)).map(|(number, _)| *number).collect();
        numbers.into_iter().filter_map(|number| self.end(number, Err(error.clone()))).collect()
    }

    /// Those whose time is over.
    pub fn overdue(&self, now: Instant) -> Vec<u64> {
        let over = |pending: &Pending| pending.deadline.is_some_and(|deadline| deadline <= now);
        self.all.iter().filter(|(_, pending)| over(pending)).map(|(number, _)| *number).collect()
    }

    /// When the next one's time is over.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.all.values().filter_map(|pending| pending.deadline).min()
    }
}
