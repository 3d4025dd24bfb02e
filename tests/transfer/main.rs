//! Uploads to storages that behave and to storages that do not. What arrives is compared byte by byte, and what a storage
//! holds in the end decides, not what was said meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

#[path = "../ftrack_support/mod.rs"]
mod ftrack_support; // servers that answer as told, and a client
#[path = "../ftrack_support/tls.rs"]
mod tls; // certificates

mod case; // a file, a fault, and what is to come of them
mod control; // pause, caps, limits, and uploads next to each other
mod encrypted; // the faults that look otherwise over TLS
mod fault; // what a storage can do wrong with one request
mod faults; // every fault at every place
mod mixture; // many faults in one upload
mod promises; // what does not fit the table: waits, connections, a part that is alone
mod renewal; // addresses that run out
mod resume; // uploads that another try, or another process, began
mod store; // a storage that remembers everything
mod upload; // uploads, one promise at a time
mod wire; // HTTP that breaks its rules
