//! The hub's policy numbers, with their reasons.

use std::time::Duration;

/// How patient and how generous the hub is. Tests make it less so.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Between two heartbeats to a client. The JavaScript client takes a server for dead that is silent for 15 s
    /// (simple_socketio.ts); this leaves room for two that come late.
    pub heartbeat: Duration,
    /// Told to clients at the handshake: without a heartbeat for so long the server is gone.
    pub heartbeat_timeout: Duration,
    /// A client that says nothing for so long, not even an answer to a heartbeat, is cut off; told at the handshake too.
    /// A host whose only thread renders one long frame is meant to survive.
    pub close_timeout: Duration,
    /// The time between the handshake and the WebSocket.
    pub handshake_life: Duration,
    /// Handshakes whose WebSocket has not come yet; more are refused with 503.
    pub handshakes: usize,
    /// Connections; more are refused with 503. A studio's worth, on one machine.
    pub connections: usize,
    /// Subscriptions of one connection. A client has one for each kind of event it handles, so tens.
    pub subscriptions: usize,
    /// The longest subscription or target.
    pub expression_bytes: usize,
    /// The largest packet a client may send. Events carry ids and settings, not media.
    pub packet_bytes: usize,
    /// What may wait for a client that does not read. Past it the client is cut off rather than left with a gap it cannot
    /// see: one that connects again knows that it missed something. 100,000 usual events are about 40 MB.
    pub backlog_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(5),
            heartbeat_timeout: Duration::from_secs(15),
            close_timeout: Duration::from_secs(25),
            handshake_life: Duration::from_secs(30),
            handshakes: 1000,
            connections: 1000,
            subscriptions: 1000,
            expression_bytes: 4096,
            packet_bytes: 4 << 20,
            backlog_bytes: 64 << 20,
        }
    }
}

/// The deepest nesting of parentheses and `not` in an expression: the parser calls itself.
pub(super) const EXPRESSION_DEPTH: usize = 64;

/// Once the server stops, so long for the last packets to leave.
pub(super) const GOODBYE: Duration = Duration::from_secs(1);
