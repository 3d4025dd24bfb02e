//! The event hub: what others on the server say reaches the host, and what the host says reaches them.
//!
//! One connection a session, kept on the runtime thread, so that heartbeats are answered however long a host is busy.
//! Everything that a host hears of goes through the session's event queue, and is bounded there.
#![forbid(unsafe_code)]

mod connection; // one connection: greeting, packets in and out, silence noticed; made again without end
pub mod expression; // what subscriptions and targets say, and whether an object fulfils it
mod handshake; // from the session's HTTP client to a WebSocket
mod outgoing; // events that wait to be sent, bounded, with what is dropped counted
pub mod packet; // Socket.IO 0.9 framing
mod parser; // reads expressions, and says where and why not
mod published; // events whose acknowledgement or replies are awaited
mod shared; // what host threads and the connection share
mod station; // the hub of a session: connect, subscribe, publish, reply
mod subscribers; // who hears of what, in which order
mod watch; // what reviewers do, as typed events, with nothing lost

pub use expression::Expression;
pub use station::{Counts, Hub, Publish, Replies, Subscribe};
pub use subscribers::Listener;
pub use watch::What;
