//! What comes with a version besides its media: through the C functions, to the staging server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

mod bad; // what is refused before anything is made
mod encode; // media that the server encodes
#[allow(dead_code)] // it is shared
#[path = "../publish/host.rs"]
mod host;
mod into; // an existing version that gets new media
mod order; // a server that refuses, loses answers or goes away in between
mod people; // what a studio's server has
#[allow(dead_code)] // it is shared
#[path = "../publish/relay.rs"]
mod relay;
#[allow(dead_code)] // it is shared
#[path = "../support/reviewer.rs"]
mod reviewer;
mod whole;
mod wish; // a publish with all of its options // what is made, each option and all together
