//! ftreview: publish media for web review on an ftrack server, from any program that can call C.
//!
//! C programs include `include/ftreview.h`, which is the manual. This is the map of what is behind it. A room uses only
//! rooms further right in this order: ffi, publish and exchange, hub and outbox, transfer and media, ftrack, session.

pub mod exchange; // what goes to and comes from a server besides publishing: endpoints, downloads, removal
pub mod ffi; // the C boundary: every export, handles, guards, text; the only room that knows pointers
pub mod ftrack; // the server's language: operations, queries, errors, the /api client
pub mod hub; // the event hub: connection, subscriptions, events in and out
pub mod media; // what a file is: movie and image probing, and whether a browser plays it
pub mod outbox; // publishes that are kept on disk: items, their locks and states
pub mod publish; // the pipeline from a file to a version that reviewers can open, a step a file
pub mod session; // what everything stands on: jobs, events, wake-up, the runtime thread, errors, secrets, log
pub mod transfer; // bytes to storage: part plan, reading, hashing, parallel requests, retry, resume
