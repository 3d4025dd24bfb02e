//! The event hub: Socket.IO 0.9 over WebSocket, as ftrack's clients speak it.
//!
//! - `handshake`: the two addresses, and who may connect
//! - `connection`: one client's packets, heartbeats and bounded backlog
//! - `packet`, `expression`: the languages on the wire
//! - `events`: what a client may publish and subscribe to
//! - `update`: `ftrack.update`, which follows every commit
//! - `limits`: the policy numbers
//!
//! Events are not kept: who is not connected when one is published never gets it. Of one publisher's events every
//! subscriber gets those it asked for in the order in which they were published, each once a connection.

mod connection;
mod events;
pub mod expression;
mod handshake;
mod limits;
pub mod packet;
pub mod update;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::ws::Utf8Bytes;
use parking_lot::{Mutex, RwLock};
use serde_json::Value;

use crate::auth::Caller;
use connection::Connection;
use expression::Expression;

pub use handshake::routes;
pub use limits::Limits;

/// The hub of one server; clones share it.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    limits: Limits,
    /// Who has shaken hands and not opened the WebSocket yet, by session id.
    expected: Mutex<HashMap<String, Expected>>,
    connections: RwLock<HashMap<u64, Arc<Connection>>>,
    next_connection: AtomicU64,
    /// Events that were waiting for clients when these were cut off for not reading.
    lost: AtomicU64,
    /// The server stops: nobody new is let in.
    closed: AtomicBool,
}

struct Expected {
    caller: Caller,
    since: Instant,
}

impl Hub {
    /// A hub without connections.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            expected: Mutex::default(),
            connections: RwLock::default(),
            next_connection: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }))
    }

    /// The policy it runs by.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.0.connections.read().len()
    }

    /// How many packets clients never got because they were cut off for not reading.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Sends an event to every connection with a subscriber that it is for: one whose metadata its target matches, if it
    /// has one, and whose subscription matches the event. Does not wait for any of them. Returns to how many it went.
    ///
    /// The error says what is wrong with the target.
    pub fn publish(&self, event: &Value) -> Result<usize, String> {
        let target = match event["target"].as_str().map(str::trim) {
            None | Some("") => None,
            Some(target) if target.len() > self.0.limits.expression_bytes => {
                return Err(format!("The target is longer than {} bytes.", self.0.limits.expression_bytes));
            }
            Some(target) => {
                Some(Expression::parse(target).map_err(|error| format!("The target cannot be read: {error}."))?)
            }
        };
        let mut packet: Option<Utf8Bytes> = None;
        let mut receivers = 0;
        for connection in self.0.connections.read().values() {
            if connection.wants(event, target.as_ref()) {
                // Written once, however many get it.
                connection.send(packet.get_or_insert_with(|| packet::event(event).into()).clone());
                receivers += 1;
            }
        }
        Ok(receivers)
    }

    /// Ends every connection as if the network had failed, without a word. For tests of clients.
    pub fn cut(&self) {
        self.0.expected.lock().clear();
        for connection in self.0.connections.read().values() {
            connection.cut();
        }
    }

    /// Says goodbye to every client and lets nobody in any more: the server stops.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
        self.0.expected.lock().clear();
        for connection in self.0.connections.read().values() {
            connection.dismiss();
        }
    }

    /// Waits until the goodbyes of [`Hub::close`] are said, for a second at most.
    pub async fn closed(&self) {
        let gone = async {
            while self.connections() > 0 {
                tokio::time::sleep(limits::GOODBYE / 100).await;
            }
        };
        // A client that takes no goodbye finds the connection closed.
        let _ = tokio::time::timeout(limits::GOODBYE, gone).await;
    }

    /// Notes a handshake and returns its session id; `None` when too many are pending.
    fn expect(&self, caller: Caller) -> Option<String> {
        let mut expected = self.0.expected.lock();
        expected.retain(|_, one| one.since.elapsed() < self.0.limits.handshake_life);
        let is_full = expected.len() >= self.0.limits.handshakes || self.connections() >= self.0.limits.connections;
        if is_full || self.0.closed.load(Ordering::Relaxed) {
            return None;
        }
        // A random UUID: 122 bits nobody can guess. Whoever has it is the caller.
        let id = uuid::Uuid::new_v4().simple().to_string();
        expected.insert(id.clone(), Expected { caller, since: Instant::now() });
        Some(id)
    }

    /// Who shook hands for this session id, which is good once.
    fn admit(&self, session: &str) -> Option<Caller> {
        let expected = self.0.expected.lock().remove(session)?;
        (expected.since.elapsed() < self.0.limits.handshake_life).then_some(expected.caller)
    }
}
