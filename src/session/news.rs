//! What the event hub brings to a host, and the bounded part of the event queue in which it waits.

use super::event::Event;
use super::policy;
use std::collections::VecDeque;
use std::sync::Arc;

/// Whether events come and go; numbers are those of `FTR_HUB_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum HubStatus {
    /// Nobody asked for a connection.
    #[default]
    Off = 1,
    /// It is being made, for the first time or again, until it is there.
    Connecting = 2,
    /// Events come and go.
    Connected = 3,
    /// The server refuses the session, or the session's settings are the reason: it is not tried again by itself.
    Refused = 4,
}

/// An event of the hub, as text that can be handed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubEvent {
    /// What it is about.
    pub topic: String,
    /// Its own id.
    pub id: String,
    /// Who sent it: the hub's id, to which replies go. Empty where it names none.
    pub source_id: String,
    /// What it says: JSON text.
    pub data: String,
    /// All that it says of its sender: JSON text of an object.
    pub source: String,
    /// For whom it is: an expression, or empty for everybody.
    pub target: String,
    /// The id of the event that it answers.
    pub in_reply_to: Option<String>,
}

impl HubEvent {
    /// About how much memory it takes.
    fn size(&self) -> usize {
        let texts = [&self.topic, &self.id, &self.source_id, &self.data, &self.source, &self.target];
        // Text that grew while it was written has taken up to twice its length.
        size_of::<Self>() + texts.iter().map(|text| text.capacity()).sum::<usize>()
    }
}

/// The host's name for a subscription or a published event: what it was given, and the number that it chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receiver {
    /// The handle of a subscription, or the number of a published event.
    pub handle: u64,
    /// The host's own number, returned untouched.
    pub tag: u64,
}

/// Events that wait, oldest first; beyond the limits the oldest are dropped and counted.
#[derive(Debug, Default)]
pub struct Lane {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    dropped: u64,
}

#[derive(Debug)]
struct Waiting {
    clock: u64,
    event: Arc<HubEvent>,
    /// About how much memory it takes, as it was when it came.
    size: usize,
    to: To,
}

impl Waiting {
    fn new(clock: u64, event: Arc<HubEvent>, to: To) -> Waiting {
        let size = event.size() + to.count() * size_of::<Receiver>();
        Waiting { clock, event, size, to }
    }
}

#[derive(Debug)]
enum To {
    /// Those who subscribed, in the order in which they hear of it.
    Subscriptions(VecDeque<Receiver>),
    /// The one who published what it answers.
    Publisher(Receiver),
}

impl To {
    fn count(&self) -> usize {
        match self {
            To::Subscriptions(receivers) => receivers.len(),
            To::Publisher(_) => 1,
        }
    }
}

impl Lane {
    /// An event for these, who hear of it one after the other.
    pub fn deliver(&mut self, clock: u64, event: Arc<HubEvent>, receivers: VecDeque<Receiver>) {
        if !receivers.is_empty() {
            self.push(Waiting::new(clock, event, To::Subscriptions(receivers)));
        }
    }

    /// A reply to a published event.
    pub fn reply(&mut self, clock: u64, event: Arc<HubEvent>, publisher: Receiver) {
        self.push(Waiting::new(clock, event, To::Publisher(publisher)));
    }

    /// When the oldest was put in.
    pub fn clock(&self) -> Option<u64> {
        self.waiting.front().map(|waiting| waiting.clock)
    }

    /// How many things there are to tell.
    pub fn len(&self) -> usize {
        self.waiting.iter().map(|waiting| waiting.to.count()).sum::<usize>() + usize::from(self.dropped > 0)
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.dropped == 0
    }

    /// The next to tell: first what was lost before it.
    pub fn take(&mut self) -> Option<Event> {
        if self.dropped > 0 {
            return Some(Event::HubDropped(std::mem::take(&mut self.dropped)));
        }
        let front = self.waiting.front_mut()?;
        let event = front.event.clone();
        let (told, last) = match &mut front.to {
            To::Publisher(publisher) => (Event::HubReply { publisher: *publisher, event }, true),
            To::Subscriptions(receivers) => {
                let subscription = receivers.pop_front()?;
                (Event::Hub { subscription, event }, receivers.is_empty())
            }
        };
        if last {
            self.pop();
        }
        Some(told)
    }

    /// Nobody else hears of this event.
    pub fn stop(&mut self, id: &str) {
        self.remove(|waiting| waiting.event.id == id && matches!(waiting.to, To::Subscriptions(_)));
    }

    /// This subscription hears of nothing any more.
    pub fn forget(&mut self, handle: u64) {
        for waiting in &mut self.waiting {
            if let To::Subscriptions(receivers) = &mut waiting.to {
                receivers.retain(|receiver| receiver.handle != handle);
            }
        }
        self.remove(|waiting| waiting.to.count() == 0);
    }

    fn remove(&mut self, which: impl Fn(&Waiting) -> bool) {
        let bytes = &mut self.bytes;
        self.waiting.retain(|waiting| {
            let gone = which(waiting);
            if gone {
                *bytes -= waiting.size;
            }
            !gone
        });
    }

    fn push(&mut self, waiting: Waiting) {
        self.bytes += waiting.size;
        self.waiting.push_back(waiting);
        while self.waiting.len() > policy::HUB_INCOMING
            || (self.bytes > policy::HUB_INCOMING_BYTES && self.waiting.len() > 1)
        {
            self.dropped += self.pop();
        }
    }

    /// Takes the oldest away: for how many it was.
    fn pop(&mut self) -> u64 {
        let Some(gone) = self.waiting.pop_front() else { return 0 };
        self.bytes -= gone.size;
        gone.to.count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, data: &str) -> Arc<HubEvent> {
        Arc::new(HubEvent { id: id.to_owned(), data: data.to_owned(), ..HubEvent::default() })
    }

    fn receivers(handles: &[u64]) -> VecDeque<Receiver> {
        handles.iter().map(|handle| Receiver { handle: *handle, tag: 0 }).collect()
    }

    fn told(lane: &mut Lane) -> Vec<(String, u64)> {
        std::iter::from_fn(|| lane.take())
            .map(|event| match event {
                Event::Hub { subscription, event } => (event.id.clone(), subscription.handle),
                Event::HubReply { publisher, event } => (event.id.clone(), publisher.handle),
                Event::HubDropped(count) => ("dropped".to_owned(), count),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn pair(id: &str, handle: u64) -> (String, u64) {
        (id.to_owned(), handle)
    }

    #[test]
    fn each_receiver_hears_of_an_event_until_one_stops_it() {
        let mut lane = Lane::default();
        lane.deliver(1, event("a", ""), receivers(&[1, 2, 3]));
        lane.reply(2, event("a", ""), Receiver { handle: 9, tag: 0 });
        assert_eq!(lane.len(), 4);
        assert!(matches!(lane.take(), Some(Event::Hub { subscription: Receiver { handle: 1, .. }, .. })));
        lane.stop("a");
        assert_eq!(told(&mut lane), [pair("a", 9)]);
        assert_eq!((lane.len(), lane.bytes), (0, 0));
    }

    #[test]
    fn nothing_waits_for_a_subscription_that_was_ended() {
        let mut lane = Lane::default();
        lane.deliver(1, event("a", ""), receivers(&[1, 2]));
        lane.deliver(2, event("b", ""), receivers(&[1]));
        lane.forget(1);
        assert_eq!(told(&mut lane), [pair("a", 2)]);
        assert_eq!(lane.bytes, 0);
    }

    #[test]
    fn a_flood_is_bounded_in_number_and_bytes_and_what_is_lost_is_told() {
        let mut lane = Lane::default();
        for number in 0..100_000 {
            lane.deliver(number, event(&number.to_string(), ""), receivers(&[1]));
        }
        assert_eq!(lane.len(), policy::HUB_INCOMING + 1);
        let seen = told(&mut lane);
        assert_eq!(seen[0], pair("dropped", 100_000 - policy::HUB_INCOMING as u64));
        assert_eq!(seen.last(), Some(&pair("99999", 1)));

        let large = "x".repeat(policy::HUB_INCOMING_BYTES / 4);
        for number in 0..100 {
            lane.deliver(number, event(&number.to_string(), &large), receivers(&[1, 2]));
            assert!(lane.bytes <= policy::HUB_INCOMING_BYTES);
        }
        let seen = told(&mut lane);
        assert_eq!((seen.len(), lane.bytes), (7, 0));
        assert_eq!(seen[0], pair("dropped", 2 * 97));
    }

    #[test]
    fn those_who_hear_of_an_event_count_as_its_memory() {
        let mut lane = Lane::default();
        let all: Vec<u64> = (0..policy::HUB_SUBSCRIPTIONS as u64).collect();
        for number in 0..policy::HUB_INCOMING as u64 {
            lane.deliver(number, event("", ""), receivers(&all));
        }
        assert!(lane.len() * size_of::<Receiver>() <= policy::HUB_INCOMING_BYTES);
        lane.stop("");
        assert_eq!((lane.waiting.len(), lane.bytes), (0, 0));
    }
}
