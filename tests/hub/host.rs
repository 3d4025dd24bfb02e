//! A session with a hub, as a host has it.
#![allow(dead_code)] // each test program uses its own part

use crate::ftrack_support::config;
use ftreview::ftrack::Client;
use ftreview::hub::{Hub, Publish, Subscribe};
use ftreview::session::log::Level;
use ftreview::session::news::{HubStatus, Receiver};
use ftreview::session::queue::Woken;
use ftreview::session::secret::Redactor;
use ftreview::session::{Error, Event, Session};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Longer than anything takes on a busy machine; only keeps a hang from being for ever.
pub const LIMIT: Duration = Duration::from_secs(60);

pub struct Host {
    pub hub: Hub,
    pub session: Session,
}

impl Host {
    pub fn new(url: &Url) -> Host {
        Host::with(ftreview::ftrack::Config { timeout: Duration::from_secs(5), ..config(url) })
    }

    pub fn with(config: ftreview::ftrack::Config) -> Host {
        let session = Session::open(Level::Off, Redactor::default()).unwrap();
        let client = Arc::new(Client::new(config, session.log().clone()));
        Host { hub: Hub::new(&session, &client), session }
    }

    /// A host that is connected.
    pub fn connected(url: &Url) -> Host {
        let host = Host::new(url);
        host.hub.connect().unwrap();
        host.wait_connected();
        host
    }

    pub fn wait_connected(&self) {
        let (status, error) = self.hub.wait_connected(Some(Instant::now() + LIMIT));
        assert_eq!(status, HubStatus::Connected, "{error:?}");
    }

    /// Waits until so many connections came to be, one after the other, and the last one is there.
    pub fn wait_connections(&self, count: u64) {
        let deadline = Instant::now() + LIMIT;
        while self.hub.counts().connections < count {
            assert!(Instant::now() < deadline, "{:?}", self.hub.counts());
            std::thread::sleep(Duration::from_millis(5));
        }
        self.wait_connected();
    }

    pub fn subscribe(&self, expression: &str, handle: u64) -> u64 {
        self.hub.subscribe(subscription(expression), Receiver { handle, tag: handle }).unwrap()
    }

    pub fn publish(&self, topic: &str, tag: u64) {
        self.hub.publish(publish(topic), tag).unwrap();
    }

    /// The next event that `pick` makes something of.
    #[track_caller]
    pub fn next<T>(&self, pick: impl Fn(Event) -> Option<T>) -> T {
        let deadline = Instant::now() + LIMIT;
        loop {
            assert_eq!(self.session.queue().wait(Some(deadline)), Woken::Ready);
            if let Some(found) = self.session.queue().take().and_then(&pick) {
                return found;
            }
        }
    }

    /// The next event of a subscription: topic, and the handle of the subscription.
    #[track_caller]
    pub fn next_heard(&self) -> (String, u64) {
        self.next(|event| match event {
            Event::Hub { subscription, event } => Some((event.topic.clone(), subscription.handle)),
            _ => None,
        })
    }

    /// The end of the next published event: its tag, and the error.
    #[track_caller]
    pub fn next_published(&self) -> (u64, Option<Error>) {
        self.next(|event| match event {
            Event::HubPublished { publisher, error, .. } => Some((publisher.tag, error)),
            _ => None,
        })
    }

    /// The next status of the hub that is one of these, with its error.
    #[track_caller]
    pub fn next_status(&self, wanted: HubStatus) -> Option<Error> {
        self.next(|event| match event {
            Event::HubStatus { status, error } if status == wanted => Some(error),
            _ => None,
        })
    }
}

pub fn subscription(expression: &str) -> Subscribe {
    Subscribe { expression: expression.to_owned(), priority: 100, metadata: Map::new() }
}

pub fn publish(topic: &str) -> Publish {
    Publish {
        topic: topic.to_owned(),
        data: Map::from_iter([("from".to_owned(), Value::from("a test"))]),
        target: String::new(),
        in_reply_to: None,
        local: false,
        replies: None,
    }
}
