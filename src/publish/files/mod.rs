//! The files of one publish: what the host says of each, what they are, and what becomes of them.

mod arrange; // which file reviewers open, and under which name
mod by_path; // what is registered by its path
mod folder; // a private folder for what is made
pub mod frames; // sequences of frames, found and looked at
mod given; // what the host says of a file
mod making; // what is to be made of the main file
pub mod rate;
mod sequence; // a sequence as a component of its own // frame rates as people write them

pub use arrange::{Arranged, Candidate, Shown, arrange};
pub use by_path::ByPath;
pub use folder::WorkFolder;
pub use given::{GivenFile, OnHoles, Role, head};
pub use making::{Main, Making, What, Wish, look};
pub use sequence::{Frame, FrameSequence};
