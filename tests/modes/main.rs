//! Every kind of input, and what is published of it, through the C functions: the rows of docs/media.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

#[path = "../publish/host.rs"]
#[allow(dead_code)] // more than this needs
mod host; // a host program and a server
#[path = "../publish/relay.rs"]
#[allow(dead_code)]
mod relay; // spoils answers on their way

mod auto; // what is published of each kind of input
mod beside; // components beside what reviewers open
mod given; // a publish with everything that can be said of files
mod meta; // what ftrack's player is told
mod parked; // publishes that go on from an outbox
mod renditions; // one movie in several sizes
mod sequences; // frames
mod thumbnails; // what lists show
mod transcode; // movies that ffmpeg makes, and what can go wrong
