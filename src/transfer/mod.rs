//! Bytes to storage: a file read once, in blocks, and sent whole or in parts to the addresses that the server hands out.
//!
//! Nothing of the session travels with them: a storage request has the headers it was handed out and no others.
#![forbid(unsafe_code)]

mod body; // a part of a file as the body of a request
pub mod plan; // whole or in parts, and how large
mod progress; // what has been sent, also while requests are repeated
mod storage; // the storage's answers
pub mod target; // where the server wants the bytes
mod upload; // the requests: parallel, repeated, given up when nothing moves

pub use plan::Plan;
pub use progress::Progress;
pub use target::{Address, Target};
pub use upload::{Upload, Uploaded};
