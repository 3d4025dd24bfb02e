//! The steps in order, and what stops them.

use super::again::done_before;
use super::around;
use super::check::{Checked, check};
use super::ids::Ids;
use super::kept::{self, Kept};
use super::resolve::{Place, resolve};
use super::store::{Stored, store};
use super::work::Work;
use super::{Publisher, Request, into, version};
use crate::session::blocking::blocking;
use crate::session::life::Accepted;
use crate::session::{Code, Error, Result, Session, Stage, State, policy};
use futures_util::future::FutureExt;
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Notify, SemaphorePermit};
use uuid::Uuid;

/// Starts the publish of an accepted job.
pub fn start(session: &Session, publisher: &Arc<Publisher>, accepted: Accepted, request: Request) {
    let key = request.idempotency_key.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    let work = Work {
        publisher: publisher.clone(),
        job: accepted.job.clone(),
        log: session.log().clone(),
        existing_version: request.existing_version(),
        ids: Ids::new(&key, request.slots()),
        key,
        request,
        kept: OnceLock::new(),
        is_resumed: false,
        made: Mutex::default(),
        begun: Notify::new(),
    };
    session.start(accepted, async move { work.run().await });
}

impl Work {
    async fn run(&self) -> (State, Option<Error>) {
        self.keep().await;
        let _ = tokio::time::timeout(kept::spread(self.publisher.start_spread), self.job.cancelled()).await;
        self.run_in_turn().await
    }

    /// From its turn to its end.
    pub(super) async fn run_in_turn(&self) -> (State, Option<Error>) {
        let _turn = tokio::select! {
            biased;
            () = self.job.cancelled() => return self.conclude(Err(cancelled())).await,
            turn = self.turn() => turn,
        };
        let mut outcome = self.publish().await;
        if let Err(error) = &outcome
            && self.has_lost_its_components(error).await
        {
            let what = "another try with the same idempotency_key had removed what both had stored: beginning anew";
            self.log.warning("publish", format_args!("{error}; {what}"));
            // What the first round told is no news for the second.
            let _ = self.begun.notified().now_or_never();
            self.made.lock().forget_components();
            outcome = self.publish().await;
        }
        self.conclude(outcome).await
    }

    /// Puts the publish into the outbox, if there is one. One that cannot be used keeps nobody from publishing.
    async fn keep(&self) {
        let Some(outbox) = &self.publisher.outbox else { return };
        match Kept::add(outbox, kept::record(self), &self.job, self.request.copy_source).await {
            Ok((kept, warnings)) => {
                for warning in warnings {
                    self.warn(warning);
                }
                self.job.note(|published| published.outbox_id = Some(kept.id.clone()));
                // The only place that sets it.
                let _ = self.kept.set(kept);
                self.job.kept();
            }
            Err(error) => self.warn(format!(
                "the publish is not kept in the outbox and would be lost with this process: {}",
                error.message
            )),
        }
    }

    /// Everything in order, until it is done or cancelled.
    async fn publish(&self) -> Result<()> {
        let prepared = {
            let mut preparing = std::pin::pin!(self.prepare());
            tokio::select! {
                biased;
                () = self.job.cancelled() => {
                    self.settle(preparing).await;
                    Err(cancelled())
                }
                prepared = &mut preparing => prepared,
            }
            // Here what is under way ends: to clean up may take a while, and holds no connection, memory or lane.
        };
        // From here on a publish is finished rather than cancelled: to stop between its last two requests would leave a
        // version without its media. One that is kept may be finished later.
        match prepared? {
            Prepared { place, checked, stored } => tokio::select! {
                biased;
                () = self.must_park() => Err(cancelled()),
                finished = self.finish(&place, &checked, stored) => finished,
            },
        }
    }

    /// Completes when what is under way has had its time to end, and is kept.
    pub(super) async fn must_park(&self) {
        self.job.cancelled().await;
        if self.kept.get().is_none() || !self.job.is_to_park() {
            return std::future::pending().await;
        }
        tokio::time::sleep(policy::PARK_PATIENCE).await;
    }

    /// Its turn among the publishes of its size.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let path = self.media_path();
        let size = tokio::task::spawn_blocking(move || std::fs::metadata(path).map_or(0, |metadata| metadata.len()));
        self.publisher.turn(size.await.unwrap_or_default()).await
    }

    /// Whether another try with the same key, which gave up, took them away: tries with the same key have the same ids.
    async fn has_lost_its_components(&self, error: &Error) -> bool {
        let made = self.made.lock().clone();
        if !self.may_have_been_tried() || error.code == Code::Cancelled || !made.components_were_there {
            return false;
        }
        let there = self.existing("FileComponent", &made.components).await;
        there.is_ok_and(|there| there.len() < made.components.len())
    }

    /// Waits for a request that creates components and is under way: what it makes can only be removed when it is there.
    async fn settle(&self, preparing: impl Future) {
        if !self.made.lock().is_beginning {
            return;
        }
        tokio::select! {
            biased;
            () = self.begun.notified() => {}
            _ = preparing => {}
            () = tokio::time::sleep(policy::CANCEL_PATIENCE) => {}
        }
    }

    /// Everything that a reviewer cannot see.
    async fn prepare(&self) -> Result<Prepared> {
        self.job.enter(Stage::Checking);
        if self.is_resumed
            && let Some(kept) = self.kept.get()
        {
            kept.check_sources().await?;
        }
        let (path, thumbnail, attachments) = (self.media_path(), self.thumbnail_path(), self.attachment_paths());
        let (checked, attachments) =
            blocking(move || Ok((check(&path, thumbnail.as_deref())?, around::open_attachments(&attachments)?)))
                .await?;
        for warning in &checked.warnings {
            self.warn(warning.clone());
        }

        self.job.enter(Stage::Resolving);
        let place = resolve(self.client(), &self.request).await?;
        self.job.note(|published| {
            published.project_id = Some(place.project_id.clone());
            published.parent_id = Some(place.parent_id.clone());
            published.task_id = place.task_id.clone();
            published.asset_name = Some(place.asset_name().to_owned());
        });

        if done_before(self, &place, &checked).await? {
            return Ok(Prepared { place, checked, stored: None });
        }

        self.job.enter(Stage::Uploading);
        let mut parts = checked.parts(!self.request.meta_without_size);
        parts.extend(attachments);
        let stored = store(self, &place, parts).await?;
        for warning in &stored.warnings {
            self.warn(warning.clone());
        }
        Ok(Prepared { place, checked, stored: Some(stored) })
    }

    async fn finish(&self, place: &Place, checked: &Checked, stored: Option<Stored>) -> Result<()> {
        let Some(stored) = stored else {
            self.job.enter(Stage::Finishing);
            around::complete(self, place).await?;
            return self.finish_rest(place).await;
        };
        self.job.enter(Stage::Versioning);
        self.job.note(|published| {
            published.component_id = Some(self.ids.component.clone());
            published.component_name = Some(checked.component_name.clone());
            published.thumbnail_id = self.thumbnail_id(checked).map(str::to_owned);
        });
        version::create(self, place, checked, stored).await?;
        self.job.enter(Stage::Finishing);
        if self.thumbnail_id(checked).is_none() {
            self.warn(
                "no thumbnail was given, and ftrack shows no play button on such a movie: give a jpg or png".into(),
            );
        }
        self.finish_rest(place).await
    }

    /// What comes when reviewers have the media.
    async fn finish_rest(&self, place: &Place) -> Result<()> {
        into::retire(self, place).await?;
        around::invite_guests(self, place).await
    }
}

/// What is ready to be shown.
struct Prepared {
    place: Place,
    checked: Checked,
    /// Nothing where an earlier try had shown it.
    stored: Option<Stored>,
}

/// Why a publish that is asked to end goes on no further.
pub fn cancelled() -> Error {
    Error::new(Code::Cancelled, "the job was cancelled before its version was created")
}
