//! What reviewers do, as typed events.
//!
//! A watch keeps what it has told of its versions. An `ftrack.update` that may concern them, a connection that came back, and
//! a few minutes without either are reasons to ask the server, and what is new in its answer is told. So nothing is lost with
//! a connection, and nothing is told twice.

mod ask; // how versions are, by query
mod hint; // whose change an event tells of, and of what
mod known; // what was told, and what is new

use super::subscribers::Listener;
use crate::ftrack::Client;
use crate::ftrack::retry::pause_between;
use crate::session::log::Log;
use crate::session::news::Receiver;
use crate::session::queue::Queue;
use crate::session::{Code, Error, Event, Result, Status, policy};
use ask::{Answer, Memory};
use futures_util::FutureExt;
use hint::{Hint, Own};
use known::Known;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// One version.
    Version(String),
    /// Every version in a review session, also those that are added to it.
    ReviewSession(String),
    /// What the session has published, and will publish.
    Published,
}

/// All watches of a session.
pub struct Watches {
    client: Arc<Client>,
    queue: Arc<Queue>,
    log: Log,
    state: Mutex<State>,
    /// Told when there is a reason to ask.
    reason: Notify,
    /// Told when the server may accept the session again.
    accepted: Notify,
}

#[derive(Default)]
struct State {
    watches: Vec<Watch>,
    /// The versions that the session published, the latest last.
    published: VecDeque<String>,
    /// Objects of review sessions that were seen: the version of each.
    objects: BTreeMap<String, String>,
    /// Notes and answers that the session wrote itself, the latest last.
    own: VecDeque<Own>,
    /// What is worth asking for.
    versions: BTreeSet<String>,
    all: bool,
    closed: bool,
}

struct Watch {
    receiver: Receiver,
    what: What,
    versions: BTreeMap<String, Known>,
    /// What is in the review session is known: versions that are found in it now came later.
    listed: bool,
}

impl Watch {
    fn session(&self) -> Option<&str> {
        match &self.what {
            What::ReviewSession(id) => Some(id),
            _ => None,
        }
    }
}

impl Watches {
    /// None yet.
    pub fn new(client: &Arc<Client>, queue: &Arc<Queue>, log: &Log) -> Arc<Watches> {
        Arc::new(Watches {
            client: client.clone(),
            queue: queue.clone(),
            log: log.clone(),
            state: Mutex::default(),
            reason: Notify::new(),
            accepted: Notify::new(),
        })
    }

    /// Begins a watch. Whether it is the first.
    pub fn add(&self, what: What, receiver: Receiver) -> Result<bool> {
        let mut state = self.state.lock();
        if state.watches.len() >= policy::WATCHES {
            let message = format!("the session has {} watches, and no more are possible: end some", policy::WATCHES);
            return Err(Error::new(Code::OutOfResources, message));
        }
        let versions = match &what {
            What::Version(id) => BTreeMap::from([(id.clone(), Known::default())]),
            What::ReviewSession(_) => BTreeMap::new(),
            What::Published => state.published.iter().map(|id| (id.clone(), Known::fresh())).collect(),
        };
        state.watches.push(Watch { receiver, what, versions, listed: false });
        state.all = true;
        self.reason.notify_one();
        self.accepted.notify_one();
        Ok(state.watches.len() == 1)
    }

    /// Ends a watch: nothing is told of it any more.
    pub fn remove(&self, handle: u64) {
        {
            let mut state = self.state.lock();
            let state = &mut *state;
            state.watches.retain(|watch| watch.receiver.handle != handle);
            let watched = |version: &String| state.watches.iter().any(|watch| watch.versions.contains_key(version));
            state.objects.retain(|_, version| watched(version));
        }
        self.queue.forget_subscription(handle);
    }

    /// The session has published this version.
    pub fn published(&self, version: &str) {
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.published.iter().any(|known| known == version) {
            return;
        }
        state.published.push_back(version.to_owned());
        if state.published.len() > policy::WATCHED_VERSIONS {
            let oldest = state.published.pop_front().unwrap_or_default();
            for watch in state.watches.iter_mut().filter(|watch| watch.what == What::Published) {
                watch.versions.remove(&oldest);
            }
        }
        for watch in state.watches.iter_mut().filter(|watch| watch.what == What::Published) {
            watch.versions.insert(version.to_owned(), Known::fresh());
            state.versions.insert(version.to_owned());
        }
        self.reason.notify_one();
    }

    fn ask_all(&self) {
        self.state.lock().all = true;
        self.reason.notify_one();
    }

    /// Nothing is asked any more.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.reason.notify_one();
        self.accepted.notify_one();
    }

    /// Asks when there is reason to, until closed.
    pub async fn keep(self: Arc<Self>) {
        let mut memory = Memory::default();
        let mut failed = 0;
        loop {
            let rest = pause_between(policy::WATCH_REFRESH / 2, policy::WATCH_REFRESH);
            if tokio::time::timeout(rest, self.reason.notified()).await.is_err() {
                self.ask_all();
            }
            // One commit is often several events. And there is no use in asking while the host takes nothing.
            tokio::time::sleep(policy::WATCH_PAUSE).await;
            while self.queue.review_room() == 0 && !self.state.lock().closed {
                tokio::time::sleep(policy::WATCH_ROOM_PAUSE).await;
            }
            let (versions, sessions, all) = {
                let mut state = self.state.lock();
                if state.closed {
                    return;
                }
                state.take_reasons()
            };
            // What was told before this question does not count as an answer to it.
            let _ = self.accepted.notified().now_or_never();
            match self.ask(versions.clone(), &sessions, &mut memory).await {
                Ok(answer) => {
                    failed = 0;
                    if !self.tell(answer) {
                        // The host has not polled. The next question waits until there is room for what it missed.
                        self.ask_again(versions, all, Duration::ZERO).await;
                    }
                }
                Err(error) => {
                    failed += 1;
                    if matches!(Status::of(&error), Status::Unauthorised | Status::Misconfigured) {
                        // The same key again and again may lock the account.
                        self.log.warning("hub", format_args!("what is watched cannot be asked for: {error}"));
                        self.accepted.notified().await;
                    } else {
                        self.log.info("hub", format_args!("what is watched could not be asked for: {error}"));
                    }
                    let longest = policy::RETRY_BASE.saturating_mul(1 << failed.min(16)).min(policy::RECONNECT_PAUSE);
                    self.ask_again(versions, all, pause_between(longest / 2, longest)).await;
                }
            }
        }
    }

    async fn ask_again(&self, versions: BTreeSet<String>, all: bool, pause: Duration) {
        tokio::time::sleep(pause).await;
        let mut state = self.state.lock();
        state.versions.extend(versions);
        state.all |= all;
        self.reason.notify_one();
    }

    async fn ask(
        &self,
        mut versions: BTreeSet<String>,
        sessions: &BTreeSet<String>,
        memory: &mut Memory,
    ) -> Result<Answer> {
        let found = ask::versions_of(&self.client, sessions).await?;
        {
            let mut state = self.state.lock();
            for watch in &mut state.watches {
                let Some(session) = watch.session().map(str::to_owned) else { continue };
                if !sessions.contains(&session) {
                    continue;
                }
                let here = found.iter().filter(|(of, _)| *of == session).map(|(_, version)| version.clone());
                let here: BTreeSet<String> = here.collect();
                watch.versions.retain(|version, _| here.contains(version));
                let known = if watch.listed { Known::late } else { Known::default };
                // With more than there is room for nobody can say which came later.
                watch.listed = here.len() <= policy::WATCHED_VERSIONS;
                for version in here.into_iter().take(policy::WATCHED_VERSIONS) {
                    versions.insert(version.clone());
                    watch.versions.entry(version).or_insert_with(known);
                }
            }
        }
        if versions.is_empty() { Ok(Answer::default()) } else { ask::ask(&self.client, &versions, memory).await }
    }

    /// Tells what is new. Whether there was room for all of it.
    fn tell(&self, answer: Answer) -> bool {
        let answers = answer.by_version();
        // Only this task puts any in, so that the room can only grow meanwhile.
        let mut room = self.queue.review_room();
        let (mut news, mut whole) = (Vec::new(), true);
        {
            let mut state = self.state.lock();
            let state = &mut *state;
            state.objects.retain(|_, version| !answers.contains_key(version));
            for (_, answer) in answers.values() {
                let objects = answer.objects.iter().map(|(object, (version, _))| (object.clone(), version.clone()));
                state.objects.extend(objects);
            }
            for watch in &mut state.watches {
                let session = watch.session().map(str::to_owned);
                for (version, answer) in answers.values() {
                    let Some(known) = watch.versions.get_mut(&version.id) else { continue };
                    if known.marked {
                        state.versions.insert(version.id.clone());
                        self.reason.notify_one();
                        continue;
                    }
                    for own in &state.own {
                        match own {
                            Own::Note(id) => drop(known.notes.insert(id.clone())),
                            Own::Answer { id, status } => drop(known.answers.insert(id.clone(), status.clone())),
                            _ => {}
                        }
                    }
                    whole &= known.learn(version, answer, session.as_deref(), &mut |review| {
                        let takes = room > 0;
                        if takes {
                            room -= 1;
                            news.push(Event::Review { watch: watch.receiver, review: Arc::new(review) });
                        }
                        takes
                    });
                }
            }
        }
        for event in news {
            self.queue.review(event);
        }
        whole
    }
}

impl Listener for Watches {
    fn subscribed(&self) {
        // What happened before the server knew of the subscription was not told.
        self.ask_all();
        self.accepted.notify_one();
    }

    fn hear(&self, event: &Value) {
        let hint = Hint::read(event, self.client.token());
        let mut state = self.state.lock();
        let state = &mut *state;
        for own in hint.own {
            state.mark(own);
        }
        let before = state.versions.len();
        for watch in &state.watches {
            state.all |= watch.session().is_some_and(|session| hint.ids.contains(session));
            // An event has few ids, and a session may watch thousands of versions.
            let mentioned = hint.ids.iter().filter(|id| watch.versions.contains_key(*id));
            state.versions.extend(mentioned.cloned());
        }
        state.versions.extend(hint.ids.iter().filter_map(|id| state.objects.get(id)).cloned());
        state.all |= hint.vague;
        if state.all || state.versions.len() > before {
            self.reason.notify_one();
        }
    }
}

impl State {
    /// The versions and review sessions to ask for, and whether these are all.
    fn take_reasons(&mut self) -> (BTreeSet<String>, BTreeSet<String>, bool) {
        let mut versions = std::mem::take(&mut self.versions);
        let all = std::mem::take(&mut self.all);
        let mut sessions = BTreeSet::new();
        for known in self.watches.iter_mut().flat_map(|watch| watch.versions.values_mut()) {
            known.marked = false;
        }
        if all {
            for watch in &self.watches {
                versions.extend(watch.versions.keys().cloned());
                sessions.extend(watch.session().map(str::to_owned));
            }
        }
        (versions, sessions, all)
    }

    /// What the session did itself is known already.
    fn mark(&mut self, own: Own) {
        let version = match &own {
            Own::Note(_) | Own::Answer { .. } => {
                self.own.push_back(own);
                if self.own.len() > policy::WATCHED_VERSIONS {
                    self.own.pop_front();
                }
                return;
            }
            Own::Status { version, .. } | Own::Thumbnail { version, .. } => version,
        };
        for known in self.watches.iter_mut().filter_map(|watch| watch.versions.get_mut(version)) {
            known.marked = true;
            match &own {
                Own::Status { status, .. } => known.status = Some(status.clone()),
                Own::Thumbnail { thumbnail, .. } => known.thumbnail = Some(thumbnail.clone()),
                Own::Note(_) | Own::Answer { .. } => {}
            }
        }
    }
}
