//! The event hub: what goes wrong with its connection, and what it does when nothing does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

mod dead;
mod events;
mod faults;
#[path = "../ftrack_support/mod.rs"]
mod ftrack_support;
mod haste;
mod host;
mod server;
