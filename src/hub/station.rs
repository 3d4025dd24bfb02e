//! The hub of one session.

use super::connection;
use super::expression::Expression;
use super::outgoing::{Outgoing, Purpose};
use super::published::{Asker, End, Pending};
use super::shared::{APPLICATION, REPLY, Shared, State, Wish, new_id};
use super::subscribers::{Hears, Listener, Subscriber};
use super::watch::{Watches, What};
use crate::ftrack::Client;
use crate::session::news::{HubStatus, Receiver};
use crate::session::runtime::Runtime;
use crate::session::{Code, Error, Result, Session, policy};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// The hub of one session. Everything in it may be used from any thread, and nothing in it waits but what says so.
pub struct Hub {
    shared: Arc<Shared>,
    runtime: Arc<Runtime>,
    watches: Arc<Watches>,
    watching: AtomicBool,
}

/// What a host subscribes to.
pub struct Subscribe {
    /// Which events: see [`Expression`].
    pub expression: String,
    /// Lower ones hear first; 100 is usual.
    pub priority: i32,
    /// What targets of events are compared with, besides `id` and `applicationId`.
    pub metadata: Map<String, Value>,
}

/// An event to publish.
pub struct Publish {
    /// What it is about.
    pub topic: String,
    /// What it says.
    pub data: Map<String, Value>,
    /// For whom: an expression on subscribers, or empty for everybody.
    pub target: String,
    /// The id of the event that it answers.
    pub in_reply_to: Option<String>,
    /// Only for the subscriptions of this session; needs no connection.
    pub local: bool,
    /// The replies that are wanted.
    pub replies: Option<Replies>,
}

/// For which replies to wait.
#[derive(Clone, Copy, Debug)]
pub struct Replies {
    /// For how long.
    pub timeout: Duration,
    /// For how many at most; nothing is all that come in that time.
    pub most: Option<u32>,
}

/// How a hub is, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often a connection came to be.
    pub connections: u64,
    /// Subscriptions of the host.
    pub subscriptions: usize,
    /// Events that wait to be sent.
    pub waiting: usize,
    /// Events that were never sent because more were waiting than there is room for.
    pub dropped: u64,
    /// Published events whose end is awaited.
    pub published: usize,
}

impl Hub {
    /// The hub of a session, not connected. No I/O.
    pub fn new(session: &Session, client: &Arc<Client>) -> Hub {
        let shared = Shared {
            client: client.clone(),
            log: session.log().clone(),
            queue: session.queue().clone(),
            id: new_id(),
            wish: watch::Sender::new(Wish::Off),
            work: Default::default(),
            deadlines: Default::default(),
            changed: Default::default(),
            state: Mutex::default(),
        };
        let watches = Watches::new(client, session.queue(), session.log());
        Hub { shared: Arc::new(shared), runtime: session.runtime().clone(), watches, watching: AtomicBool::new(false) }
    }

    /// Begins to connect, in the background, and goes on until it is told otherwise. Where a connection is being tried, it is
    /// tried at once.
    pub fn connect(&self) -> Result<()> {
        let mut state = self.shared.state.lock();
        let asked = state.asked + 1;
        let next = match *self.shared.wish.borrow() {
            Wish::Closed => return Err(closed()),
            Wish::On { term, .. } => Wish::On { term, asked },
            Wish::Off => Wish::On { term: asked, asked },
        };
        state.asked = asked;
        if state.status != HubStatus::Connected {
            (state.status, state.error) = (HubStatus::Connecting, None);
        }
        let first = !std::mem::replace(&mut state.started.0, true);
        self.shared.wish.send_replace(next);
        drop(state);
        if first {
            self.runtime.spawn(connection::keep(self.shared.clone(), self.shared.wish.subscribe()));
        }
        Ok(())
    }

    /// Ends the connection. Subscriptions stay, and are asked for again by the next one; events that wait are not sent.
    pub fn disconnect(&self) {
        self.end(Wish::Off, Error::new(Code::HubOff, "the event was not sent: the event hub was disconnected"));
    }

    /// Ends everything: nothing is accepted any more.
    pub fn close(&self) {
        self.watches.close();
        self.end(Wish::Closed, Error::new(Code::Closed, "the event has no end: the session was closed"));
    }

    /// What the connection is, and why it is no better.
    pub fn status(&self) -> (HubStatus, Option<Error>) {
        let state = self.shared.state.lock();
        (state.status, state.error.clone())
    }

    /// Waits until there is a connection, until it is clear that there will be none, or until `deadline`.
    pub fn wait_connected(&self, deadline: Option<Instant>) -> (HubStatus, Option<Error>) {
        let mut state = self.shared.state.lock();
        while state.status == HubStatus::Connecting {
            match deadline {
                None => self.shared.changed.wait(&mut state),
                Some(deadline) if Instant::now() >= deadline => break,
                Some(deadline) => drop(self.shared.changed.wait_until(&mut state, deadline)),
            }
        }
        (state.status, state.error.clone())
    }

    /// How it is, in numbers.
    pub fn counts(&self) -> Counts {
        let state = self.shared.state.lock();
        Counts {
            connections: state.connections,
            subscriptions: state.subscribers.of_host(),
            waiting: state.waiting.len(),
            dropped: state.waiting.dropped,
            published: state.published.len(),
        }
    }

    /// The hub's own id, which is the source of its events.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Subscribes the host. Needs no connection. `name` says by which handle and tag the host knows it.
    pub fn subscribe(&self, subscribe: Subscribe, name: Receiver) -> Result<u64> {
        self.add(subscribe, Hears::Host(name))
    }

    /// Has a part of the library hear of these events, until `unsubscribe`. Needs no connection, and hears nothing without one.
    pub fn listen(&self, expression: &str, listener: Arc<dyn Listener>) -> Result<u64> {
        let subscribe = Subscribe { expression: expression.to_owned(), priority: 0, metadata: Map::new() };
        self.add(subscribe, Hears::Inside(listener))
    }

    /// Ends a subscription: nothing is told of it any more.
    pub fn unsubscribe(&self, number: u64) {
        let mut state = self.shared.state.lock();
        let Some(subscriber) = state.subscribers.remove(number) else { return };
        self.shared.unsubscribe(&mut state, &subscriber.metadata);
        self.shared.work.notify_one();
        drop(state);
        if let Hears::Host(receiver) = subscriber.hears {
            self.shared.queue.forget_subscription(receiver.handle);
        }
    }

    /// Publishes an event for the host, which hears of its end, and of replies, by the number that is returned and by `tag`.
    pub fn publish(&self, publish: Publish, tag: u64) -> Result<u64> {
        check(&publish)?;
        let mut state = self.open()?;
        if !publish.local {
            reachable(&state)?;
        }
        self.shared.queue.reserve_published()?;
        let number = state.number();
        self.send(&mut state, publish, number, Asker::Host(Receiver { handle: number, tag }));
        Ok(number)
    }

    /// Publishes an event of the library's own work, and waits for the server's acknowledgement.
    pub async fn announce(&self, topic: &str, data: Map<String, Value>) -> Result<()> {
        let (asker, end) = oneshot::channel();
        {
            let mut state = self.open()?;
            reachable(&state)?;
            let number = state.number();
            let publish = Publish {
                topic: topic.to_owned(),
                data,
                target: String::new(),
                in_reply_to: None,
                local: false,
                replies: None,
            };
            self.send(&mut state, publish, number, Asker::Inside(asker));
        }
        end.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Answers an event: `source_id` is who sent it.
    pub fn reply(&self, event_id: &str, source_id: &str, data: Value) -> Result<()> {
        let mut state = self.open()?;
        let mut event = self.shared.event(REPLY, data, target(source_id)?);
        event["inReplyToEvent"] = json!(event_id);
        if source_id == self.shared.id && state.published.is_local(event_id) {
            drop(state);
            self.dispatch(event);
            return Ok(());
        }
        reachable(&state)?;
        let gone = state.waiting.push(Outgoing { event, purpose: Purpose::Reply(event_id.to_owned()) });
        self.give_way(&mut state, gone);
        Ok(())
    }

    /// Watches what reviewers do. Needs no connection, but hears of it later without one.
    pub fn watch(&self, what: What, name: Receiver) -> Result<()> {
        drop(self.open()?);
        self.watches.add(what, name)?;
        if !self.watching.swap(true, Ordering::SeqCst) {
            let subscribe =
                Subscribe { expression: "topic=ftrack.update".to_owned(), priority: 0, metadata: Map::new() };
            self.add(subscribe, Hears::Inside(self.watches.clone()))?;
            self.runtime.spawn(self.watches.clone().keep());
        }
        Ok(())
    }

    /// Ends a watch: nothing is told of it any more.
    pub fn unwatch(&self, handle: u64) {
        self.watches.remove(handle);
    }

    /// The session has published this version.
    pub fn published(&self, version_id: &str) {
        self.watches.published(version_id);
    }

    /// Nobody else in this session hears of this event.
    pub fn stop(&self, event_id: &str) {
        self.shared.queue.stop(event_id);
    }

    fn open(&self) -> Result<parking_lot::MutexGuard<'_, State>> {
        let state = self.shared.state.lock();
        match *self.shared.wish.borrow() {
            Wish::Closed => Err(closed()),
            _ => Ok(state),
        }
    }

    fn add(&self, subscribe: Subscribe, hears: Hears) -> Result<u64> {
        let expression = Expression::parse(&subscribe.expression, "expression")?;
        let mut metadata = json!({"id": new_id(), "applicationId": APPLICATION});
        for (key, value) in subscribe.metadata {
            metadata[key] = value;
        }
        let mut state = self.open()?;
        if !metadata["id"].is_string() || state.subscribers.has_id(&metadata["id"]) || metadata["id"] == *self.shared.id
        {
            let message =
                format!("metadata: the id {} is no text, or another subscription has it: leave it out", metadata["id"]);
            return Err(Error::new(Code::InvalidArgument, message));
        }
        let count = state.subscribers.of_host();
        if matches!(hears, Hears::Host(_)) && count >= policy::HUB_SUBSCRIPTIONS {
            let message = format!("the session has {count} subscriptions, and no more are possible: end some");
            return Err(Error::new(Code::OutOfResources, message));
        }
        let number = state.number();
        let (text, priority) = (subscribe.expression, subscribe.priority);
        state.subscribers.insert(Subscriber { number, priority, text, expression, metadata, hears });
        self.shared.subscribe(&mut state, number);
        self.shared.work.notify_one();
        Ok(number)
    }

    fn send(&self, state: &mut State, publish: Publish, number: u64, asker: Asker) {
        let Publish { topic, data, target, in_reply_to, local, replies } = publish;
        let mut event = self.shared.event(&topic, Value::Object(data), target);
        event["inReplyToEvent"] = json!(in_reply_to);
        let id = event["id"].as_str().unwrap_or_default().to_owned();
        let pending = Pending {
            id: id.clone(),
            asker,
            replies_left: replies.and_then(|replies| replies.most),
            wants_replies: replies.is_some(),
            replies: 0,
            sent: false,
            acknowledged: false,
            local,
            deadline: replies.map(|replies| Instant::now() + replies.timeout),
        };
        state.published.insert(number, pending);
        if !std::mem::replace(&mut state.started.1, true) {
            self.runtime.spawn(connection::keep_time(self.shared.clone(), self.shared.wish.subscribe()));
        }
        self.shared.deadlines.notify_one();
        if !local {
            let gone = state.waiting.push(Outgoing { event, purpose: Purpose::Published(number) });
            return self.give_way(state, gone);
        }
        let shared = self.shared.clone();
        // Not on this thread, which may be the host's: the wake-up callback is only ever called on the library's.
        self.runtime.spawn(async move {
            shared.dispatch(&event);
            let end = {
                let mut state = shared.state.lock();
                let waits = state.published.get(number).is_some_and(|pending| pending.wants_replies);
                if waits { None } else { state.published.end(number, Ok(())) }
            };
            shared.tell(end);
        });
    }

    /// Ends events that gave way to newer ones.
    fn give_way(&self, state: &mut State, gone: Vec<Outgoing>) {
        self.shared.work.notify_one();
        let error = || {
            let most = policy::HUB_OUTGOING;
            let message = format!("the event was dropped before it was sent: more than {most} wait for the event hub");
            Error::new(Code::HubDropped, message)
        };
        let published = gone.iter().filter_map(|outgoing| match outgoing.purpose {
            Purpose::Published(number) => Some(number),
            _ => None,
        });
        let ends: Vec<End> = published.filter_map(|number| state.published.end(number, Err(error()))).collect();
        self.tell(ends);
    }

    fn end(&self, wish: Wish, error: Error) {
        let ends = {
            let mut state = self.shared.state.lock();
            if *self.shared.wish.borrow() == Wish::Closed {
                return;
            }
            self.shared.wish.send_replace(wish);
            (state.status, state.error) = (HubStatus::Off, None);
            // Now: what the host publishes after it has connected again is not meant.
            let mut ends = state.lose();
            ends.extend(state.give_up(&error));
            ends
        };
        self.shared.changed.notify_all();
        let shared = self.shared.clone();
        self.runtime.spawn(async move {
            shared.report_off();
            shared.tell(ends);
            if wish == Wish::Closed {
                let ends = shared.state.lock().published.end_all(|_| true, &error);
                shared.tell(ends);
            }
        });
    }

    fn tell(&self, ends: Vec<End>) {
        if !ends.is_empty() {
            let shared = self.shared.clone();
            self.runtime.spawn(async move { shared.tell(ends) });
        }
    }

    fn dispatch(&self, event: Value) {
        let shared = self.shared.clone();
        self.runtime.spawn(async move { shared.dispatch(&event) });
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.close();
    }
}

fn check(publish: &Publish) -> Result<()> {
    if publish.topic.trim().is_empty() {
        let message = "topic: is empty: give one such as \"studio.review.ready\"";
        return Err(Error::new(Code::InvalidArgument, message));
    }
    if !publish.target.trim().is_empty() {
        Expression::parse(&publish.target, "target")?;
    }
    Ok(())
}

/// Whether the server can be reached, now or soon.
fn reachable(state: &State) -> Result<()> {
    match (state.status, &state.error) {
        (HubStatus::Connecting | HubStatus::Connected, _) => Ok(()),
        (HubStatus::Refused, Some(error)) => Err(error.clone()),
        _ => Err(Error::new(
            Code::HubOff,
            "the event hub is not connected: call ftr_hub_connect first, or publish with FTR_HUB_LOCAL",
        )),
    }
}

/// The target that is one hub or subscriber.
fn target(id: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_,./@+".contains(c);
    match id {
        "" => Err(Error::new(Code::InvalidArgument, "source_id: is empty: give that of the event, from ftr_hub_event")),
        id if id.chars().all(plain) => Ok(format!("id={id}")),
        id if !id.contains(['"', '\\', '\n', '\r']) => Ok(format!("id=\"{id}\"")),
        _ => Err(Error::new(Code::InvalidArgument, "source_id: has characters that no id has: give that of the event")),
    }
}

fn closed() -> Error {
    Error::new(Code::Closed, "the session is closed and accepts nothing new: create another")
}
