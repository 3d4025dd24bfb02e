//! What goes to and comes from a server besides publishing: a file to an endpoint, a component to a file, and removal. Each
//! is a job with the same progress, pause, cancelling and one end as a publish.
#![forbid(unsafe_code)]

mod content_type; // what a form says that a file is
mod download; // a component to a file, as a job
mod endpoint; // where an upload goes, and what may go there
mod exchanger; // what all exchanges of a session share
mod form; // multipart/form-data
mod http_upload; // a file to an endpoint, as a job
mod places; // where a component is, and at which address it can be read
mod refusal; // what an endpoint's answer means
mod remove; // a component or a version taken away, as a job

pub use download::{Download, download};
pub use exchanger::Exchanger;
pub use http_upload::{HttpUpload, http_upload};
pub use remove::{Kind, Removal, remove};
