//! A component to a file, as a job: found, fetched with as many requests as it takes, compared, and put in its place.

use super::exchanger::{Exchanger, end};
use super::places::{self, Found};
use crate::ftrack::retry::Tries;
use crate::session::blocking::blocking;
use crate::session::event::FileProgress;
use crate::session::life::Accepted;
use crate::session::log::{Level, Log};
use crate::session::{Class, Code, Error, Job, Result, Session, Stage, State};
use crate::transfer::{Fetch, Fetched, Landing, Progress, wants_fresh_address};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What a host asks for.
#[derive(Clone, Debug, Default)]
pub struct Download {
    /// The component's id.
    pub component_id: String,
    /// The file to write.
    pub path: PathBuf,
    /// What is there may be replaced.
    pub overwrite: bool,
}

struct Work {
    exchanger: Arc<Exchanger>,
    job: Arc<Job>,
    log: Log,
    request: Download,
    landing: OnceLock<Arc<Landing>>,
}

/// Checks what can be checked at once. What it returns starts the job.
pub fn download(
    session: &Session,
    exchanger: &Arc<Exchanger>,
    request: Download,
) -> Result<impl FnOnce(&Session, Accepted) + use<>> {
    let invalid = |message| Err(Error::new(Code::InvalidArgument, message));
    if request.component_id.trim().is_empty() {
        return invalid("component_id: is empty: give the id of a component");
    }
    if request.path.as_os_str().is_empty() {
        return invalid("path: is empty: give the path of the file to write");
    }
    let (exchanger, log) = (exchanger.clone(), session.log().clone());
    Ok(move |session: &Session, accepted: Accepted| {
        let work = Work { exchanger, job: accepted.job.clone(), log, request, landing: OnceLock::new() };
        session.start(accepted, async move { work.run().await });
    })
}

impl Work {
    async fn run(&self) -> (State, Option<Error>) {
        let outcome = tokio::select! {
            biased;
            () = self.job.cancelled() => Err(Error::new(Code::Cancelled, "the download was cancelled")),
            outcome = self.download() => outcome,
        };
        let outcome = match outcome {
            Ok(()) => Ok(()),
            Err(error) => Err(self.leave(error).await),
        };
        end(&self.job, outcome)
    }

    /// The error, and what is left on the disk: what came before a failure, or before its session was closed, is for a later
    /// try; a host that cancels wants nothing.
    async fn leave(&self, mut error: Error) -> Error {
        let is_cancelled = error.code == Code::Cancelled;
        if let Some(landing) = self.landing.get().cloned() {
            // Of bytes that are wrong, nobody knows which.
            let is_useless = (is_cancelled && !self.job.is_to_park()) || error.code == Code::StorageMismatch;
            let kept = blocking(move || {
                if is_useless || landing.written() == 0 || landing.flush().is_err() {
                    landing.discard();
                    return Ok(None);
                }
                Ok(Some((landing.written(), landing.part().to_owned())))
            });
            if let Ok(Some((bytes, part))) = kept.await {
                let part = part.display();
                error.message = format!(
                    "{}; {bytes} bytes are kept in '{part}', and downloading it to the same path again goes on from there",
                    error.message
                );
            } else if is_cancelled {
                error.message.push_str("; nothing of it is left");
            }
        }
        if !is_cancelled {
            self.log.say(Level::Error, "exchange", &error);
        }
        error
    }

    async fn download(&self) -> Result<()> {
        let _turn = self.exchanger.turn_down().await;
        let id = self.request.component_id.trim().to_owned();
        self.job.enter(Stage::Checking);
        let (path, overwrite) = (self.request.path.clone(), self.request.overwrite);
        let what = format!("{} {id}", self.exchanger.client.server_url());
        let landing = Arc::new(blocking(move || Landing::open(&path, overwrite, &what)).await?);
        // Once a job.
        let _ = self.landing.set(landing.clone());
        self.job.enter(Stage::Resolving);
        let found = places::find(&self.exchanger, &id).await?;
        self.job.note(|published| published.component_id = Some(id.clone()));
        self.job.enter(Stage::Downloading);
        let progress = Arc::new(Progress::default());
        self.measure(&landing, progress.clone());
        let mut begun_anew = false;
        loop {
            self.fetch(&id, &found, &landing, &progress).await?;
            let whole = landing.clone();
            match blocking(move || whole.finish()).await {
                // Once: somewhere on the way, or on a disk, a bit may have flipped.
                Err(error) if error.code == Code::StorageMismatch && !begun_anew => {
                    begun_anew = true;
                    self.log.warning("exchange", format_args!("{error}; downloading it anew"));
                    let spoilt = landing.clone();
                    blocking(move || spoilt.start_over()).await?;
                }
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        self.log.info("exchange", format_args!("{} is downloaded: {} bytes", landing.name(), landing.written()));
        Ok(())
    }

    /// Until all bytes are there.
    async fn fetch(&self, id: &str, found: &Found, landing: &Arc<Landing>, progress: &Arc<Progress>) -> Result<()> {
        let http = self.exchanger.client.http().await?;
        let limits = self.exchanger.traffic.limits();
        // What came, even in part, is worth more waiting than what never began to come.
        let patience = |written: u64| if written > 0 { limits.patience } else { Duration::ZERO };
        let tries_after = |written| Tries::lasting(patience(written)).beginning_with(limits.retry_base);
        let mut most = landing.written();
        let mut tries = tries_after(most);
        let mut reading = places::address(&self.exchanger, id, &self.log).await?;
        let mut renewed_at = None;
        loop {
            self.job.gate().opened().await;
            let fetch = Fetch {
                http: http.clone(),
                address: reading.address.clone(),
                headers: reading.headers.clone(),
                landing,
                size: found.size,
                traffic: &self.exchanger.traffic,
                gate: self.job.gate(),
                progress,
                redactor: self.log.redactor(),
            };
            let error = match fetch.run().await {
                Ok(Fetched::Whole) => return Ok(()),
                Ok(Fetched::Paused) => continue,
                Err(error) => error,
            };
            let written = landing.written();
            if written > most {
                // A link that breaks again and again, and brings something each time, gets there.
                (tries, most) = (tries_after(written), written);
            }
            if wants_fresh_address(&error) && renewed_at != Some(written) {
                renewed_at = Some(written);
                self.log.warning("exchange", format_args!("{error}; asking for a new address"));
                reading = places::address(&self.exchanger, id, &self.log).await?;
                continue;
            }
            let wait = if error.code.class() == Class::File { None } else { tries.after(&error) };
            let Some(wait) = wait else { return Err(error) };
            let wait_ms = wait.as_millis();
            self.log.info("exchange", format_args!("going on in {wait_ms} ms, after {written} bytes: {error}"));
            tokio::time::sleep(wait).await;
        }
    }

    fn measure(&self, landing: &Arc<Landing>, progress: Arc<Progress>) {
        let name = landing.name();
        self.job.measure(Box::new(move || {
            vec![FileProgress {
                name: name.clone(),
                bytes_done: progress.sent(),
                bytes_stored: progress.stored(),
                bytes_total: progress.total(),
            }]
        }));
    }
}
