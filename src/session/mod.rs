//! What everything else stands on: a session's life, its jobs, its events, the thread that works.
//! Nothing here knows the server, a file format or C.

#[forbid(unsafe_code)]
pub mod blocking; // work that may wait for a disk, on a thread that may
pub mod child; // a program that runs beside the host
#[forbid(unsafe_code)]
pub mod error; // the table of codes, and the error that carries one
#[forbid(unsafe_code)]
pub mod event; // what a session tells its host
#[forbid(unsafe_code)]
pub mod gate; // what a host closes to pause a job
#[forbid(unsafe_code)]
pub mod job; // one accepted piece of work, and the token by which it ends exactly once
#[forbid(unsafe_code)]
pub mod life; // a session: open, accept jobs, close within a time
#[forbid(unsafe_code)]
pub mod log; // log lines: level first, secrets out, into the session's own queue
#[forbid(unsafe_code)]
pub mod news; // what the event hub brings, and the bounded place in which it waits
#[forbid(unsafe_code)]
pub mod policy; // every number that is a choice, with its reason
#[forbid(unsafe_code)]
pub mod queue; // the bounded event queue: reserved places, latest values, counted losses
#[forbid(unsafe_code)]
pub mod review; // what reviewers did
pub mod runtime; // the one thread that works for all sessions
#[forbid(unsafe_code)]
pub mod secret; // what must never be shown, and how text is cleaned of it
#[forbid(unsafe_code)]
pub mod source; // a file that is published: opened once, read at offsets, noticed when it changes
#[forbid(unsafe_code)]
pub mod status; // whether the server can be worked with, and why not
pub mod wake; // telling a host's own event loop that there is something to poll

pub use error::{Class, Code, Details, Error, Result, Stage};
pub use event::{Ended, Event, Progress, Published, State};
pub use job::Job;
pub use life::Session;
pub use source::Source;
pub use status::Status;
