//! A staging ftrack server: enough of one to integrate against, to test with and to show.
//!
//! - `model`: the one description of the entity types; tables, schemas, checks and queries follow from it
//! - `query`: the query language, from text to SQL to entities
//! - `api`: the operations of `POST /api`
//! - `hub`: the event hub, which tells clients of commits and of each other
//! - `database`, `auth`, `storage`: what the operations stand on
//! - `encoding`: what makes media playable, as jobs
//! - `components`, `web`: what is served beside the API: media and thumbnails, and the review page
//! - `studio`: an endpoint as studios have for their own review pages
//! - `demo`: the content of a fresh server
//! - `mails`: what it would send, to be looked at
//! - `requests`: what clients asked, to be counted
//! - `server`: putting it on a port

#![forbid(unsafe_code)]

pub mod api;
pub mod auth;
pub mod components;
pub mod config;
pub mod database;
mod demo;
pub mod encoding;
pub mod error;
pub mod hub;
pub mod links;
pub mod mails;
pub mod model;
pub mod query;
pub mod requests;
pub mod server;
pub mod state;
pub mod storage;
pub mod studio;
pub mod value;
pub mod web;

pub use config::{Account, Config};
pub use server::{Server, StartError};
pub use state::AppState;
