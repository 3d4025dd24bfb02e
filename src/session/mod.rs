//! What everything else stands on. Nothing here knows the server, a file format or C.

pub mod error; // the table of codes, and the error that carries one
pub mod log; // log lines: level first, secrets out, into the session's own queue
pub mod policy; // every number that is a choice, with its reason
pub mod secret; // what must never be shown, and how text is cleaned of it

pub use error::{Class, Code, Error, Result, Stage};
