//! What all exchanges of a session share.

use crate::ftrack::Client;
use crate::session::{Code, Error, Job, State};
use crate::transfer::Traffic;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What all exchanges of a session share.
pub struct Exchanger {
    /// The server.
    pub client: Arc<Client>,
    /// Memory and bandwidth.
    pub traffic: Arc<Traffic>,
    up: Semaphore,
    down: Semaphore,
}

impl Exchanger {
    /// So many files go to endpoints at once, and as many come from storage.
    pub fn new(client: Arc<Client>, traffic: Arc<Traffic>, at_once: usize) -> Arc<Exchanger> {
        Arc::new(Exchanger { client, traffic, up: Semaphore::new(at_once), down: Semaphore::new(at_once) })
    }

    /// A turn for a file that goes up, to be held until it is there; who comes first goes first. Nothing only if the semaphore
    /// were closed, which nobody does.
    pub(super) async fn turn_up(&self) -> Option<SemaphorePermit<'_>> {
        self.up.acquire().await.ok()
    }

    /// The same for one that comes down.
    pub(super) async fn turn_down(&self) -> Option<SemaphorePermit<'_>> {
        self.down.acquire().await.ok()
    }
}

/// How a job ends that came to this.
pub(super) fn end(job: &Job, outcome: Result<(), Error>) -> (State, Option<Error>) {
    match outcome {
        Ok(()) => (State::Done, None),
        Err(error) if error.code == Code::Cancelled => (State::Cancelled, Some(error.at(job.stage()))),
        Err(error) => (State::Failed, Some(error.at(job.stage()))),
    }
}
