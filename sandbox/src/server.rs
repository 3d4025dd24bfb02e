//! Putting the server on a port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::auth::Auth;
use crate::config::Config;
use crate::database::Database;
use crate::encoding::{Encoder, Queue, Workers};
use crate::mails::Mails;
use crate::model::tables;
use crate::requests::{self, Requests};
use crate::state::AppState;
use crate::storage::Storage;
use crate::{api, components, database, demo, encoding, hub, studio, web};

/// How long requests under way may take to finish when the server is stopped.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// A running server. Dropping it stops it without waiting for requests under way.
pub struct Server {
    address: SocketAddr,
    state: AppState,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<std::io::Result<()>>>,
    /// Ends with the server.
    _workers: Workers,
}

/// Why a server did not start.
#[derive(Debug)]
pub enum StartError {
    /// The address is not on loopback and remote access was not allowed.
    NotLoopback(SocketAddr),
    /// The address could not be listened on.
    Listen(SocketAddr, std::io::Error),
    /// The data folder could not be used.
    Data(std::path::PathBuf, std::io::Error),
    /// The object store cannot be used, and what to do about it.
    ObjectStore(String),
    /// The database could not be opened or set up.
    Database(std::path::PathBuf, String),
}

impl Server {
    /// Opens the data, fills them with the demo project when they are new, and starts listening.
    ///
    /// Needs a tokio runtime with time and I/O; the server runs on it until [`Server::stop`] or drop.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        if !config.listen.ip().is_loopback() && !config.allow_remote {
            return Err(StartError::NotLoopback(config.listen));
        }
        let listener = TcpListener::bind(config.listen).await.map_err(|e| StartError::Listen(config.listen, e))?;
        let address = listener.local_addr().map_err(|e| StartError::Listen(config.listen, e))?;
        let url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let (state, queue) = open(config, url.trim_end_matches('/')).await?;
        let database = || state.config.data.join("sandbox.sqlite");
        let workers = encoding::start(&state, queue).await;
        let workers = workers.map_err(|error| StartError::Database(database(), error.to_string()))?;
        let router = router(&state);
        let (stop, stopped) = oneshot::channel::<()>();
        // Answers and events are small: without this one waits some 40 ms until the client has confirmed the one before.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let serve = axum::serve(listener, router).with_graceful_shutdown(async move {
            // Both a message and a dropped sender mean stop.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move { serve.await });
        Ok(Self { address, state, stop: Some(stop), task: Some(task), _workers: workers })
    }

    /// The server's address as a URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's parts, for tests and for code in the same process.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Stops accepting, lets requests under way finish for a few seconds, and ends.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.state.hub.close();
        self.state.hub.closed().await;
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP_GRACE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.hub.close();
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

async fn open(config: Config, url: &str) -> Result<(AppState, Queue), StartError> {
    let folder = config.data.clone();
    std::fs::create_dir_all(&folder).map_err(|e| StartError::Data(folder.clone(), e))?;
    let media = folder.join("media");
    let storage = match config.object_store.clone() {
        Some(store) => Storage::connect(store, media).await.map_err(StartError::ObjectStore)?,
        None => Storage::open(media.clone()).map_err(|e| StartError::Data(media, e))?,
    };
    storage.set_public_url(url);
    storage.set_limits(config.limits);
    let file = folder.join("sandbox.sqlite");
    let failed = |reason: String| StartError::Database(file.clone(), reason);
    let database: Database = database::Database::open(&file).map_err(|e| failed(e.to_string()))?;
    let auth = Auth::new(database.clone());
    let hub = hub::Hub::new(config.hub.clone());
    let requests = Requests::default();
    let (encoder, queue) = Encoder::new(config.encoding.clone(), folder.join("encoding"));
    let state = AppState {
        database,
        auth,
        storage,
        encoder,
        hub,
        mails: Mails::default(),
        requests,
        config: Arc::new(config),
        url: url.into(),
    };
    let filled = state.clone();
    let setup = move |connection: &mut rusqlite::Connection| {
        tables::create(connection)?;
        demo::fill(&filled, connection)
    };
    state.database.run(setup).await.map_err(|e| failed(e.to_string()))?;
    Ok((state, queue))
}

fn router(state: &AppState) -> Router {
    Router::new()
        .merge(api::routes(state.clone()))
        .merge(state.storage.routes())
        .merge(components::routes(state.clone()))
        .merge(studio::routes(state.clone()))
        .merge(hub::routes(state.clone()))
        .merge(web::routes(state.clone()))
        .layer(axum::middleware::from_fn_with_state(state.requests.clone(), requests::note))
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotLoopback(address) => write!(
                f,
                "Refusing to listen on {address}: it is not a loopback address, and this server's keys are public and its \
                 traffic is not encrypted. Use 127.0.0.1, or allow remote access (--allow-remote) on a network you trust."
            ),
            Self::Listen(address, error) => {
                write!(f, "Cannot listen on {address}: {error}. Choose another port, or 0 for a free one.")
            }
            Self::Data(path, error) => write!(f, "Cannot use {} for data: {error}.", path.display()),
            Self::ObjectStore(reason) => f.write_str(reason),
            Self::Database(path, error) => write!(f, "Cannot use the database {}: {error}.", path.display()),
        }
    }
}

impl std::error::Error for StartError {}
