//! Publishing as a host does it, through the C functions, to the staging server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

#[path = "../ftrack_support/mod.rs"]
mod ftrack_support; // servers that answer as told
#[path = "../support/mod.rs"]
mod support; // the built library, C programs
#[path = "../ftrack_support/tls.rs"]
mod tls; // certificates

mod again; // publishes that are tried again, and objects that are not what was sent
mod bad_input; // what is refused, how it is told, and that nothing is left behind
mod bad_servers; // what a server does that it should not, in the middle of a publish
mod drain; // the example that drains an outbox
mod host; // a host program and a server
mod nasty_hosts; // what hosts do that nobody advises, and that must do no harm
mod outbox; // publishes that are kept: parked, resumed, taken back
mod relay; // spoils answers on their way
mod requests; // how many requests a publish takes, and why each
mod same_key; // tries with one idempotency key that meet
mod sessions; // what a session tells of its server
mod uploads; // large files: what is refused, and that they can be stopped
mod valve; // lets bytes through to the storage, or not
mod whole; // what a publish makes
