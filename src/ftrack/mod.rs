//! The server's language: operations, queries, errors and the client of its API.
#![forbid(unsafe_code)]

mod answer; // an HTTP answer read as results, or as the one error it stands for
mod channel; // what is asked beside the API: a short text, a WebSocket
pub mod client; // calls: once, repeated for reads, repeated with care for writes
pub mod connect; // asking the server, in the background, whether it can be worked with
pub mod environment; // the variables of the process that concern the network, read once
mod fault; // a failed request in words: who did not answer, and what to check
pub mod http; // the HTTP client that API and storage requests share
pub mod operation; // what the server can be asked to do
mod proxy; // which proxy stands before which address
pub mod query; // query texts, with every value quoted
pub mod quote; // the words of others, made fit for a message
pub mod retry; // what is worth trying again, and when
pub mod settings; // from what a host and the environment say, to how a server is reached
mod trust; // whose certificates are believed

pub use answer::rows;
pub use client::{Client, Committed, Config, Once, ServerInformation};
pub use environment::Environment;
pub use http::Http;
pub use operation::Operation;
pub use proxy::ProxyChoice;
pub use query::{Filter, Query};
