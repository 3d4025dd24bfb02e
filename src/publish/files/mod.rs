//! The files of one publish: what the host says of each, what they are, and what becomes of them.

mod arrange; // which file reviewers open, and under which name
mod by_path; // what is registered by its path
mod given; // what the host says of a file

pub use arrange::{Candidate, Shown, arrange};
pub use by_path::ByPath;
pub use given::{GivenFile, Role};
