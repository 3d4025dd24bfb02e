//! What goes to and comes from a server besides publishing, as a host does it, through the C functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

#[path = "../ftrack_support/mod.rs"]
mod ftrack_support; // servers that answer as told

#[path = "../publish/relay.rs"]
#[allow(dead_code)] // others use the rest
mod relay; // spoils answers on their way
#[path = "../support/mod.rs"]
mod support; // programs in C

mod depot; // a server and its storage
mod download; // components to files
mod examples; // the programs in examples/c
mod host; // a host program
mod http_upload; // files to endpoints
mod refusals; // what endpoints do that they should not
mod remove;
mod studio; // the staging server's own endpoint // components and versions taken away
