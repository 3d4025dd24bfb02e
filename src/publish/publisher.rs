//! What all publishes of a session share.

use super::tools::{Finder, Tools};
use crate::ftrack::Client;
use crate::hub::Hub;
use crate::outbox::Outbox;
use crate::session::policy;
use crate::transfer::Traffic;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
    /// Where publishes are kept until they have ended, if they are.
    pub outbox: Option<Outbox>,
    /// The longest that a publish waits before it begins.
    pub start_spread: Duration,
    /// What makes media.
    pub(super) finder: Finder,
    /// Items of the outbox that run at once without the host having asked for them.
    pub(super) resumed: Arc<Semaphore>,
    films: Arc<Semaphore>,
    small: Arc<Semaphore>,
}

impl Publisher {
    /// `parallel_uploads` publishes of large files run at once, and as many of small ones.
    #[allow(clippy::too_many_arguments)] // each is another thing, given once
    pub fn new(
        client: Arc<Client>,
        traffic: Arc<Traffic>,
        journal_folder: Option<PathBuf>,
        parallel_uploads: usize,
        hub: Arc<Hub>,
        outbox: Option<Outbox>,
        start_spread: Duration,
        tools: Tools,
    ) -> Arc<Publisher> {
        let (films, small) = (Arc::new(Semaphore::new(parallel_uploads)), Arc::new(Semaphore::new(parallel_uploads)));
        let resumed = Arc::new(Semaphore::new(policy::OUTBOX_RESUMED));
        Arc::new(Publisher {
            client,
            traffic,
            journal_folder,
            hub,
            outbox,
            start_spread,
            finder: Finder::new(tools),
            resumed,
            films,
            small,
        })
    }

    /// A turn for a publish of `bytes`, to be held until its end; who comes first goes first. A still has not to wait for
    /// films. Nothing only if the semaphores were closed, which nobody does.
    pub(super) async fn turn(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let turns = if bytes > policy::SINGLE_LIMIT { &self.films } else { &self.small };
        turns.clone().acquire_owned().await.ok()
    }
}
