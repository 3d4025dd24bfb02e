//! Bytes to storage and from it: a file read once, in blocks, and sent whole or in parts to the addresses that the server hands out.
//!
//! Nothing of the session travels with them: a storage request has the headers it was handed out and no others.
#![forbid(unsafe_code)]

mod body; // a part of a file as the body of a request
mod buffers; // the memory of a session's uploads
mod feed; // reading ahead, hashing, and feeding the body
mod fetch; // one request that brings bytes
mod journal; // what is in storage already, for another process
mod landing; // where a download lands, and what a later try finds there
mod lanes; // how many requests run at once
mod part; // one request: sent, watched, verified, sent again
mod parts; // the parts of one file
pub mod plan; // whole or in parts, and how large
mod post; // a file as the body of one request that is not repeated
mod progress; // what has been sent, also while requests are repeated
mod rate; // the bandwidth that a session may use
mod storage; // the storage's answers
pub mod target; // where the server wants the bytes
mod traffic; // what all uploads of a session share
mod upload; // one file on its way

pub use fetch::{Fetch, Fetched, wants_fresh_address};
pub use journal::Journal;
pub use landing::Landing;
pub use plan::Plan;
pub use post::{Answered, Post, Reached, Unanswered};
pub use progress::Progress;
pub use target::{Address, Target};
pub use traffic::{Limits, Traffic, Verify};
pub use upload::{Renewal, Upload, Uploaded};
