//! Events that wait to be sent.

use crate::session::policy;
use serde_json::Value;
use std::collections::VecDeque;

/// An event for the server, and what its acknowledgement is for.
#[derive(Debug)]
pub struct Outgoing {
    pub event: Value,
    pub purpose: Purpose,
}

/// What a packet was sent for.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// An event whose end somebody wants to hear, by its number.
    Published(u64),
    /// A subscription, by the number of the subscriber.
    Subscription(u64),
    /// The end of one.
    Unsubscription,
    /// A reply to this event.
    Reply(String),
}

/// Bounded in number and bytes: the oldest give way.
#[derive(Debug, Default)]
pub struct Waiting {
    events: VecDeque<(usize, Outgoing)>,
    bytes: usize,
    /// How many gave way, ever.
    pub dropped: u64,
}

impl Waiting {
    /// Puts it last. Returns those that gave way.
    pub fn push(&mut self, outgoing: Outgoing) -> Vec<Outgoing> {
        let size = outgoing.event.to_string().len();
        self.bytes += size;
        self.events.push_back((size, outgoing));
        let mut gone = Vec::new();
        while self.events.len() > policy::HUB_OUTGOING
            || (self.bytes > policy::HUB_OUTGOING_BYTES && self.events.len() > 1)
        {
            gone.extend(self.pop());
            self.dropped += 1;
        }
        gone
    }

    /// The oldest.
    pub fn pop(&mut self) -> Option<Outgoing> {
        let (size, outgoing) = self.events.pop_front()?;
        self.bytes -= size;
        Some(outgoing)
    }

    /// Takes an event back that was published under this number.
    pub fn withdraw(&mut self, number: u64) {
        let bytes = &mut self.bytes;
        self.events.retain(|(size, outgoing)| {
            let gone = outgoing.purpose == Purpose::Published(number);
            if gone {
                *bytes -= size;
            }
            !gone
        });
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_oldest_give_way_and_are_counted() {
        let mut waiting = Waiting::default();
        let publish = |number: u64, text: &str| Outgoing { event: json!(text), purpose: Purpose::Published(number) };
        for number in 0..policy::HUB_OUTGOING as u64 + 3 {
            let gone = waiting.push(publish(number, ""));
            assert_eq!(gone.len(), usize::from(number >= policy::HUB_OUTGOING as u64));
        }
        assert_eq!((waiting.len(), waiting.dropped), (policy::HUB_OUTGOING, 3));
        let large = "x".repeat(policy::HUB_OUTGOING_BYTES);
        assert_eq!(waiting.push(publish(9999, &large)).len(), policy::HUB_OUTGOING);
        assert_eq!(waiting.pop().map(|outgoing| outgoing.purpose), Some(Purpose::Published(9999)));
        assert_eq!((waiting.len(), waiting.bytes), (0, 0));
        assert!(waiting.push(publish(1, "a")).is_empty());
        waiting.withdraw(1);
        assert_eq!((waiting.len(), waiting.bytes), (0, 0));
    }
}
