//! What comes with a version besides its media: statuses, links, lists, attributes, a note, a review session.
//!
//! Names become ids before anything is made, so that what is wrong is told while the server is as it was. What a reviewer
//! sees is made in the very request that shows the media, and so neither before them nor twice. What the server refuses of it
//! is a warning then: the version is what was asked for first, and taking it back would take it from people who may look at it.

mod address; // an invitee's mail address
mod answers; // names and what the server has by them
mod attachments; // files that hang on the note
mod invite; // invitations, which cannot be taken back
mod note; // a note on the version
mod pieces; // the operations, by what is told when the server refuses them
mod questions; // what is asked to turn names into ids
mod review; // a review session and who is invited
mod show; // one request that shows the version with all of it
mod wanted; // what a host asks for

pub use answers::{Surroundings, learn};
pub use attachments::open as open_attachments;
pub use questions::{About, Answers, ask_first, ask_then};
pub use show::{complete, invite_guests, later, show};
pub use wanted::{Around, Texts};
