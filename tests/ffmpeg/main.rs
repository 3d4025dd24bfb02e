//! Review movies and thumbnails by a real ffmpeg, and what becomes of one that misbehaves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking
#![cfg(target_os = "linux")]

mod colours; // values that go in come out
mod fakes; // programs that fail, hang, lie and die
mod finding; // which ffmpeg
mod frames; // every frame once, at its place
mod host; // what the host notices: nothing
mod inputs; // every kind of input
mod names; // paths that nobody would choose
mod pictures; // odd, turned, anamorphic, deep, transparent
mod sound; // sound beside the picture
mod stills; // thumbnails
mod support; // making media and reading movies back
