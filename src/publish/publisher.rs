//! What all publishes of a session share.

use crate::ftrack::Client;
use crate::hub::Hub;
use crate::session::policy;
use crate::transfer::Traffic;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What all publishes of a session share.
pub struct Publisher {
    /// The server.
    pub client: Arc<Client>,
    /// Memory, connections and bandwidth.
    pub traffic: Arc<Traffic>,
    /// Where unfinished uploads are noted, if they are.
    pub journal_folder: Option<PathBuf>,
    /// Where a publish is announced.
    pub hub: Arc<Hub>,
    films: Semaphore,
    small: Semaphore,
}

impl Publisher {
    /// `parallel_uploads` publishes of large files run at once, and as many of small ones.
    pub fn new(
        client: Arc<Client>,
        traffic: Arc<Traffic>,
        journal_folder: Option<PathBuf>,
        parallel_uploads: usize,
        hub: Arc<Hub>,
    ) -> Arc<Publisher> {
        let (films, small) = (Semaphore::new(parallel_uploads), Semaphore::new(parallel_uploads));
        Arc::new(Publisher { client, traffic, journal_folder, hub, films, small })
    }

    /// A turn for a publish of `bytes`, to be held until its end; who comes first goes first. A still has not to wait for
    /// films. Nothing only if the semaphores were closed, which nobody does.
    pub(super) async fn turn(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let turns = if bytes > policy::SINGLE_LIMIT { &self.films } else { &self.small };
        turns.acquire().await.ok()
    }
}
