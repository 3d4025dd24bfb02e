//! What host threads and the connection share: one lock, held for moments and never while the host is woken.

use super::outgoing::{Outgoing, Purpose, Waiting};
use super::packet::{self, Packet};
use super::published::{Asker, End, Published};
use super::subscribers::{Hears, Subscribers};
use crate::ftrack::Client;
use crate::ftrack::quote;
use crate::session::log::Log;
use crate::session::news::{HubEvent, HubStatus};
use crate::session::queue::Queue;
use crate::session::{Code, Error, Event, Result, policy};
use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Notify, watch};

/// The topic by which a subscription is asked for.
const SUBSCRIBE: &str = "ftrack.meta.subscribe";
/// The topic by which it is ended.
const UNSUBSCRIBE: &str = "ftrack.meta.unsubscribe";
/// The topic of replies.
pub const REPLY: &str = "ftrack.meta.reply";

/// What the host wants of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// None.
    Off,
    /// One. `asked` changes with each time that it is asked for, and `term` with each time after none was wanted: the
    /// connection of an earlier term is not wanted any more, also where nobody noticed that there was a time without.
    On { term: u64, asked: u64 },
    /// None, and never again.
    Closed,
}

/// One hub.
pub struct Shared {
    pub client: Arc<Client>,
    pub log: Log,
    pub queue: Arc<Queue>,
    /// The hub's own id, to which replies come.
    pub id: String,
    pub wish: watch::Sender<Wish>,
    /// Told when there is something to send.
    pub work: Notify,
    /// Told when an earlier deadline is there.
    pub deadlines: Notify,
    pub changed: Condvar,
    pub state: Mutex<State>,
}

/// What the lock protects.
#[derive(Default)]
pub struct State {
    pub status: HubStatus,
    pub error: Option<Error>,
    pub subscribers: Subscribers,
    pub published: Published,
    pub waiting: Waiting,
    /// Subscriptions and their ends, which go before events; only while connected.
    meta: VecDeque<Outgoing>,
    /// Heartbeats and acknowledgements, which go before everything.
    urgent: VecDeque<String>,
    /// What the numbers of sent packets were for.
    unacknowledged: BTreeMap<u64, Purpose>,
    packets: u64,
    numbers: u64,
    /// How often a connection came to be.
    pub connections: u64,
    /// How often a connection was asked for.
    pub asked: u64,
    /// The connection task and the keeper of deadlines run.
    pub started: (bool, bool),
}

impl State {
    /// A number that no subscription and no event of this session has.
    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Asks the server for a subscription, or ends one, if it is there.
    pub fn announce(&mut self, topic_and_data: (&str, Value), purpose: Purpose, shared: &Shared) {
        if self.status == HubStatus::Connected {
            let (topic, data) = topic_and_data;
            self.meta.push_back(Outgoing { event: shared.event(topic, data, String::new()), purpose });
        }
    }

    /// Forgets the connection. The ends of what was sent and not acknowledged.
    pub fn lose(&mut self) -> Vec<End> {
        let error = Error::new(
            Code::ConnectionLost,
            "the connection to the event hub broke before the server acknowledged the event: it may have been told or not",
        )
        .with_outcome_unknown();
        self.meta.clear();
        self.urgent.clear();
        self.unacknowledged.clear();
        self.published.end_all(|pending| pending.sent && !pending.acknowledged, &error)
    }

    /// Forgets what waits to be sent. The ends of it.
    pub fn give_up(&mut self, error: &Error) -> Vec<End> {
        while self.waiting.pop().is_some() {}
        self.published.end_all(|pending| !pending.local && !pending.acknowledged, error)
    }
}

/// What follows from a packet.
pub enum Next {
    /// The connection goes on.
    Read,
    /// The server has greeted.
    Greeted,
    /// The connection is over.
    End(Error),
}

impl Shared {
    /// An event of this session.
    pub fn event(&self, topic: &str, data: Value, target: String) -> Value {
        json!({
            "topic": topic, "id": new_id(), "data": data, "target": target, "source": self.source(),
            "inReplyToEvent": null, "sent": null,
        })
    }

    /// Who this session is, in its events.
    fn source(&self) -> Value {
        json!({
            "id": self.id, "applicationId": APPLICATION, "clientToken": self.client.token(),
            "user": {"username": self.client.user()},
        })
    }

    /// Asks the server for a subscription.
    pub fn subscribe(&self, state: &mut State, number: u64) {
        let Some(announcement) = state.subscribers.get(number).map(|subscriber| subscriber.announcement()) else {
            return;
        };
        state.announce((SUBSCRIBE, announcement), Purpose::Subscription(number), self);
    }

    /// Tells the server that a subscription ended.
    pub fn unsubscribe(&self, state: &mut State, metadata: &Value) {
        state.announce((UNSUBSCRIBE, json!({"subscriber": metadata})), Purpose::Unsubscription, self);
    }

    /// Tells the host what the connection is, if it is not that already. On the library's thread.
    pub fn report(&self, status: HubStatus, error: Option<Error>) {
        let error = error.map(|error| error.cleaned(self.log.redactor()));
        let waking = {
            let mut state = self.state.lock();
            if !matches!(*self.wish.borrow(), Wish::On { .. }) || (state.status == status && state.error == error) {
                return;
            }
            (state.status, state.error) = (status, error.clone());
            if status == HubStatus::Connected {
                state.connections += 1;
            }
            self.queue.hub_status_unannounced(Event::HubStatus { status, error })
        };
        self.changed.notify_all();
        self.queue.announce(waking);
    }

    /// Tells the host that the connection was ended on its own wish. On the library's thread.
    pub fn report_off(&self) {
        let waking = {
            let state = self.state.lock();
            if *self.wish.borrow() != Wish::Off {
                return;
            }
            let event = Event::HubStatus { status: state.status, error: None };
            self.queue.hub_status_unannounced(event)
        };
        self.queue.announce(waking);
    }

    /// The server has greeted: everything that was subscribed is asked for again, replies first.
    pub fn greeted(&self) {
        self.report(HubStatus::Connected, None);
        let mut state = self.state.lock();
        let state = &mut *state;
        state.meta.clear();
        let own = json!({"subscriber": {"id": self.id, "applicationId": APPLICATION}, "subscription": format!("topic={REPLY}")});
        state.announce((SUBSCRIBE, own), Purpose::Unsubscription, self);
        let numbers: Vec<u64> = state.subscribers.iter().map(|subscriber| subscriber.number).collect();
        for number in numbers {
            self.subscribe(state, number);
        }
        self.work.notify_one();
    }

    /// The connection is gone: of what was sent and not acknowledged nobody knows whether it arrived.
    pub fn lost(&self) {
        let ends = self.state.lock().lose();
        self.tell(ends);
    }

    /// Nothing will be sent any more: what waits ends with this error. On the library's thread.
    pub fn give_up(&self, error: &Error) {
        let ends = self.state.lock().give_up(error);
        self.tell(ends);
    }

    /// Whether there is a packet to send.
    pub fn has_packet(&self) -> bool {
        let state = self.state.lock();
        let connected = state.status == HubStatus::Connected;
        !state.urgent.is_empty() || connected && (!state.meta.is_empty() || state.waiting.len() > 0)
    }

    /// The next packet to send.
    pub fn next_packet(&self) -> Option<String> {
        let mut state = self.state.lock();
        let state = &mut *state;
        if let Some(text) = state.urgent.pop_front() {
            return Some(text);
        }
        if state.status != HubStatus::Connected {
            return None;
        }
        let Outgoing { event, purpose } = state.meta.pop_front().or_else(|| state.waiting.pop())?;
        state.packets += 1;
        let number = state.packets;
        if let Purpose::Published(published) = purpose
            && let Some(pending) = state.published.get(published)
        {
            pending.sent = true;
            if !pending.wants_replies {
                pending.deadline = Some(Instant::now() + policy::HUB_ACKNOWLEDGE);
                self.deadlines.notify_one();
            }
        }
        state.unacknowledged.insert(number, purpose);
        if state.unacknowledged.len() > policy::HUB_UNACKNOWLEDGED {
            state.unacknowledged.pop_first();
        }
        Some(packet::write_event(number, &event))
    }

    /// Does what a packet from the server asks for.
    pub fn receive(&self, text: &str) -> Next {
        match Packet::read(text) {
            Packet::Connect => return Next::Greeted,
            Packet::Heartbeat => self.send_urgent(packet::heartbeat()),
            Packet::Event { event, acknowledge } => {
                if let Some(wanted) = acknowledge {
                    self.send_urgent(packet::write_acknowledgement(&wanted));
                }
                self.dispatch(&event);
            }
            Packet::Acknowledged { number, answer } => self.acknowledged(number, answer),
            Packet::Disconnect => {
                return Next::End(Error::new(Code::ConnectionLost, "the event hub ended the connection"));
            }
            Packet::Error(words) => {
                let words = quote::line(&words, self.log.redactor());
                let message = format!("the event hub reports an error: {words:?}; ask the server's administrator");
                return Next::End(Error::new(Code::HubRefused, message));
            }
            Packet::Ignored => self.log.debug("hub", format_args!("ignored a packet of {} bytes", text.len())),
        }
        Next::Read
    }

    /// Hands an event to those who subscribed, and to the one who waits for it as a reply. On the library's thread.
    pub fn dispatch(&self, event: &Value) {
        let told = Arc::new(told(event));
        let (receivers, listeners, replied) = {
            let mut state = self.state.lock();
            let (receivers, listeners) = state.subscribers.of(event);
            let answered = told.in_reply_to.as_deref().filter(|_| told.topic == REPLY);
            (receivers, listeners, answered.and_then(|id| state.published.reply(id)))
        };
        if let Some((publisher, end)) = replied {
            self.queue.reply(told.clone(), publisher);
            self.tell(end);
        }
        if !receivers.is_empty() {
            self.queue.deliver(told, receivers);
        }
        for listener in listeners {
            listener.hear(event);
        }
    }

    /// Ends what has waited long enough. When the next time is over.
    pub fn expire(&self, now: Instant) -> Option<Instant> {
        let (ends, next) = {
            let mut state = self.state.lock();
            let state = &mut *state;
            let mut ends = Vec::new();
            for number in state.published.overdue(now) {
                state.waiting.withdraw(number);
                let Some(pending) = state.published.get(number) else { continue };
                let outcome = match (pending.wants_replies, pending.sent || pending.local) {
                    (true, true) if pending.replies > 0 => Ok(()),
                    (true, true) => Err(Error::new(
                        Code::TimedOut,
                        format!("nobody has replied to the event {} in the time given", pending.id),
                    )),
                    (true, false) => Err(Error::new(
                        Code::TimedOut,
                        "the event was not sent in the time given for replies: the event hub was not connected",
                    )),
                    (false, _) => Err(Error::new(
                        Code::NetworkTimeout,
                        format!(
                            "the event hub has not acknowledged the event within {} s",
                            policy::HUB_ACKNOWLEDGE.as_secs()
                        ),
                    )
                    .with_outcome_unknown()),
                };
                ends.extend(state.published.end(number, outcome));
            }
            (ends, state.published.next_deadline())
        };
        self.tell(ends);
        next
    }

    /// Tells the ends of published events. On the library's thread.
    pub fn tell(&self, ends: impl IntoIterator<Item = End>) {
        for End { id, asker, outcome } in ends {
            match asker {
                // Nobody may be waiting any more.
                Asker::Inside(asker) => drop(asker.send(outcome)),
                Asker::Host(publisher) => {
                    let error = outcome.err().map(|error| error.cleaned(self.log.redactor()));
                    self.queue.keep(Event::HubPublished { publisher, id, error });
                }
            }
        }
    }

    fn send_urgent(&self, text: String) {
        let mut state = self.state.lock();
        // A server that asks faster than the connection can answer is answered a few times.
        if state.urgent.len() < policy::HUB_URGENT {
            state.urgent.push_back(text);
        }
        self.work.notify_one();
    }

    fn acknowledged(&self, number: u64, answer: Result<(), String>) {
        let refused = |what: &str, words: &str| {
            let words = quote::clause(words, self.log.redactor());
            Error::new(Code::HubRefused, format!("the event hub refuses {what}: {words}"))
        };
        let mut end = None;
        {
            let mut state = self.state.lock();
            match state.unacknowledged.remove(&number) {
                Some(Purpose::Published(published)) => {
                    let answer = answer.map_err(|words| refused("the event", &words));
                    end = state.published.acknowledge(published, answer);
                }
                Some(Purpose::Subscription(subscription)) => {
                    let hears = state.subscribers.get(subscription).map(|subscriber| subscriber.hears.clone());
                    drop(state);
                    match (answer, hears) {
                        (Ok(()), Some(Hears::Inside(listener))) => listener.subscribed(),
                        (Ok(()), _) | (Err(_), None) => {}
                        (Err(words), Some(hears)) => {
                            let error = refused("the subscription", &words).cleaned(self.log.redactor());
                            self.log.warning("hub", &error);
                            if let Hears::Host(receiver) = hears {
                                self.queue.refuse(receiver, error);
                            }
                        }
                    }
                }
                Some(Purpose::Reply(event)) => {
                    if let Err(words) = answer {
                        self.log.warning("hub", refused(&format!("the reply to {event}"), &words));
                    }
                }
                Some(Purpose::Unsubscription) | None => {}
            }
        }
        self.tell(end);
    }
}

/// How this library names itself to others.
pub const APPLICATION: &str = "ftreview";

/// An id as the official Python client makes them.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn told(event: &Value) -> HubEvent {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let json =
        |name: &str| event.get(name).filter(|value| !value.is_null()).map_or_else(|| "{}".to_owned(), Value::to_string);
    HubEvent {
        topic: text("topic"),
        id: text("id"),
        source_id: event.pointer("/source/id").and_then(Value::as_str).unwrap_or_default().to_owned(),
        data: json("data"),
        source: json("source"),
        target: text("target"),
        in_reply_to: event.get("inReplyToEvent").and_then(Value::as_str).map(str::to_owned),
    }
}
