//! The SQLite database: one connection, used from blocking threads, one piece of work at a time.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::error::{ApiError, ApiResult, Exception};

/// A handle to the database; clones share the connection.
#[derive(Clone)]
pub struct Database {
    connection: Arc<Mutex<Connection>>,
}

impl Database {
    /// Opens the file and makes it when missing. Blocks.
    pub fn open(file: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Runs `work` with the connection on a blocking thread.
    pub async fn run<T, F>(&self, work: F) -> ApiResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> ApiResult<T> + Send + 'static,
    {
        let connection = self.connection.clone();
        let ran = tokio::task::spawn_blocking(move || work(&mut connection.lock())).await;
        ran.unwrap_or_else(|error| {
            Err(ApiError::new(Exception::Internal, format!("The request was not finished: {error}")))
        })
    }

    /// The first row of a statement, made into a value by `read`; `None` when there is no row.
    pub async fn query_one<T, P, F>(&self, sql: &'static str, parameters: P, read: F) -> ApiResult<Option<T>>
    where
        T: Send + 'static,
        P: Params + Send + 'static,
        F: FnOnce(&Row<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run(move |connection| Ok(connection.query_row(sql, parameters, read).optional()?)).await
    }

    /// Runs `work` with the connection on the calling thread. For start-up, and for code that is on a blocking thread.
    pub fn run_blocking<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        work(&mut self.connection.lock())
    }
}
