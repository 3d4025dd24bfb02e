//! From a file to a version that reviewers can open.
//!
//! `accepted -> checked -> resolved -> stored -> versioned -> finished -> announced`: a step a file. Until the version
//! is created nothing can be seen by a reviewer, and a publish that ends before that removes what it made.
//! All ids are made before they are used, so that a lost answer is resolved by asking for them.
#![forbid(unsafe_code)]

mod again; // whether an earlier try had done all of it
mod announce; // others are told, over the event hub
mod answers; // reading the server's answers
mod around; // what comes with a version besides its media
mod check; // is the file there, what is it, will a browser play it; no network
mod clean_up; // what a publish that failed takes away again
mod context; // an id or names, and what they turn out to be
mod encode; // media that the server encodes
mod files; // the files of one publish, and what becomes of them
mod ids; // the ids of one publish
mod into; // an existing version that gets new media
mod kept; // one publish and its item in the outbox
mod make; // media are made of what browsers do not play
mod names; // a default name for the asset
mod outcome; // how a publish ends: done, parked, or failed with everything taken back
mod part; // a component and the file that its bytes come from
mod publisher; // what all publishes of a session share
mod register; // components that are registered by their paths
mod request; // what a host asks for
mod resolve; // names become ids; nothing is created
mod resolve_help; // what to say when a context is unknown
mod resume; // publishes that go on from the outbox
mod run; // the steps in order, and what stops them
mod size; // how large an object in storage is
mod store; // components are created and bytes uploaded
mod thumbnail; // the thumbnail on more than the version
mod tools; // ffmpeg, and a folder to work in
mod version; // the version is created and given its media
mod work; // what all steps of one publish share

pub use around::{Around, Texts};
pub use files::{GivenFile, OnHoles, Role};
pub use kept::is_known;
pub use publisher::Publisher;
pub use request::{Mode, Request};
pub use resume::{How, Register, belongs, follow, no_outbox, resume};
pub use run::start;
pub use tools::Tools;
