//! Who calls: API keys, and session cookies for browsers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::Database;
use crate::error::{ApiError, ApiResult, Exception};

/// The name of the session cookie.
pub const SESSION_COOKIE: &str = "session";

/// How long a session cookie is good for: a working day with some to spare.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);

/// Security role whose holders may only read. Every other role may write.
pub const READER_ROLE_ID: &str = "9d1c7c0e-4a53-4b7e-8c4a-6a6f1f1c0d02";

/// A user who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `User.id`.
    pub id: String,
    /// `User.username`.
    pub username: String,
    /// Whether they may create, change, delete and upload.
    pub can_write: bool,
}

/// Looks callers up; clones share the sessions. Sessions end with the server.
#[derive(Clone)]
pub struct Auth {
    database: Database,
    sessions: Arc<Mutex<HashMap<String, Session>>>,
}

struct Session {
    user_id: String,
    /// Made for an API client rather than a person's login; each user has one, and all their clients share it.
    shared: bool,
    started: Instant,
}

impl Auth {
    /// Over the users and keys of `database`.
    pub fn new(database: Database) -> Self {
        Self { database, sessions: Arc::default() }
    }

    /// The caller behind a user name and an API key; `None` when they do not match.
    pub async fn user_by_key(&self, username: &str, key: &str) -> ApiResult<Option<Caller>> {
        let (username, key) = (username.to_owned(), key.to_owned());
        let sql = "SELECT u.id FROM resource u JOIN _api_key k ON k.user_id = u.id \
                   WHERE u.username = ?1 AND k.key = ?2 AND u.is_active";
        self.database
            .run(move |connection| {
                let id: Option<String> =
                    connection.query_row(sql, params![username, key], |row| row.get(0)).optional()?;
                id.map_or(Ok(None), |id| caller(connection, &id))
            })
            .await
    }

    /// The active user of this id.
    pub async fn user_by_id(&self, id: &str) -> ApiResult<Option<Caller>> {
        let id = id.to_owned();
        self.database.run(move |connection| caller(connection, &id)).await
    }

    /// Opens a session for the user and returns the cookie's value.
    pub fn issue(&self, user: &Caller) -> String {
        self.open_session(user, false)
    }

    /// The caller behind a session cookie's value; `None` when it is unknown or has expired.
    pub async fn user_of(&self, token: &str) -> ApiResult<Option<Caller>> {
        let id = self.sessions.lock().get(token).filter(|session| session.is_alive()).map(|s| s.user_id.clone());
        match id {
            Some(id) => self.user_by_id(&id).await,
            None => Ok(None),
        }
    }

    /// Whether a session cookie's value is good.
    pub fn is_live(&self, token: &str) -> bool {
        self.sessions.lock().get(token).is_some_and(Session::is_alive)
    }

    /// Ends a session: logging out.
    pub fn revoke(&self, token: &str) {
        self.sessions.lock().remove(token);
    }

    /// The caller of a request: `ftrack-user` and `ftrack-api-key`, or else the session cookie.
    pub async fn authenticate(&self, headers: &HeaderMap) -> ApiResult<Caller> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let found = match (text("ftrack-user"), text("ftrack-api-key"), session_token(headers)) {
            (Some(user), Some(key), _) => self.user_by_key(user, key).await?,
            (_, _, Some(token)) => self.user_of(token).await?,
            _ => None,
        };
        found.ok_or_else(|| {
            let reason = match text("ftrack-user") {
                Some(user) => format!("The supplied API key is not valid for the user {user:?}."),
                None => "No user with an API key, and no session, was supplied.".to_owned(),
            };
            ApiError::new(Exception::InvalidCredentials, reason)
        })
    }

    /// The session that API answers to this user carry.
    pub fn session_for_api(&self, user: &Caller) -> String {
        let live =
            |(_, session): &(&String, &Session)| session.shared && session.user_id == user.id && session.is_fresh();
        let token = self.sessions.lock().iter().find(live).map(|(token, _)| token.clone());
        token.unwrap_or_else(|| self.open_session(user, true))
    }

    fn open_session(&self, user: &Caller, shared: bool) -> String {
        // Two random UUIDs: 244 bits nobody can guess.
        let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let mut sessions = self.sessions.lock();
        sessions.retain(|_, session| session.is_alive());
        sessions.insert(token.clone(), Session { user_id: user.id.clone(), shared, started: Instant::now() });
        token
    }
}

impl Session {
    fn is_alive(&self) -> bool {
        self.started.elapsed() < SESSION_LIFE
    }

    /// Young enough to be given to another client.
    fn is_fresh(&self) -> bool {
        self.started.elapsed() < SESSION_LIFE / 2
    }
}

/// The `Set-Cookie` value for a session.
pub fn session_cookie(token: &str) -> String {
    format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}", SESSION_LIFE.as_secs())
}

/// The session cookie's value among the request's cookies.
pub fn session_token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(name, value)| (name == SESSION_COOKIE).then_some(value))
}

fn caller(connection: &Connection, id: &str) -> ApiResult<Option<Caller>> {
    let sql = "SELECT u.username, EXISTS (SELECT 1 FROM user_security_role r \
               WHERE r.user_id = u.id AND r.security_role_id <> ?2) FROM resource u WHERE u.id = ?1 AND u.is_active";
    let read =
        |row: &rusqlite::Row<'_>| Ok(Caller { id: id.to_owned(), username: row.get(0)?, can_write: row.get(1)? });
    Ok(connection.query_row(sql, params![id, READER_ROLE_ID], read).optional()?)
}
