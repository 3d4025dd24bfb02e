//! Publishing as a host does it, through the C functions, to the staging server.
#![allow(clippy::unwrap_used, clippy::panic)] // tests fail by panicking

mod bad_input; // what is refused, how it is told, and that nothing is left behind
mod host; // a host program and a server
mod nasty_hosts; // what hosts do that nobody advises, and that must do no harm
mod requests; // how many requests a publish takes, and why each
mod whole; // what a publish makes
