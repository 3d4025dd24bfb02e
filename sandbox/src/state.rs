//! What every request handler needs.

use std::sync::Arc;

use crate::auth::Auth;
use crate::config::Config;
use crate::database::Database;
use crate::encoding::Encoder;
use crate::hub::Hub;
use crate::mails::Mails;
use crate::requests::Requests;
use crate::storage::Storage;

/// The server's parts; a clone is cheap and shares them.
#[derive(Clone)]
pub struct AppState {
    /// Entities, in SQLite.
    pub database: Database,
    /// Who calls: keys and session cookies.
    pub auth: Auth,
    /// Media.
    pub storage: Storage,
    /// Makes media playable.
    pub encoder: Encoder,
    /// Events.
    pub hub: Hub,
    /// What it would have sent.
    pub mails: Mails,
    /// What clients asked.
    pub requests: Requests,
    /// What the server was started with.
    pub config: Arc<Config>,
    /// The server's address as clients see it, without a slash at the end.
    pub url: Arc<str>,
}
