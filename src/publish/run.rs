//! The steps in order, cancelling, and cleaning up.

use super::again::done_before;
use super::announce::announce;
use super::check::{Checked, check};
use super::clean_up::CleanedUp;
use super::ids::{self, Ids};
use super::resolve::{Place, resolve};
use super::store::{Stored, store};
use super::work::Work;
use super::{Publisher, Request, version};
use crate::media::Media;
use crate::session::blocking::blocking;
use crate::session::life::Accepted;
use crate::session::log::Level;
use crate::session::{Code, Error, Result, Session, Stage, State, policy};
use futures_util::future::FutureExt;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::{Notify, SemaphorePermit};

/// Starts the publish of an accepted job.
pub fn start(session: &Session, publisher: &Arc<Publisher>, accepted: Accepted, request: Request) {
    let work = Work {
        publisher: publisher.clone(),
        job: accepted.job.clone(),
        log: session.log().clone(),
        ids: Ids::new(request.idempotency_key.as_deref()),
        request,
        made: Mutex::default(),
        begun: Notify::new(),
    };
    session.start(accepted, async move { work.run().await });
}

impl Work {
    async fn run(&self) -> (State, Option<Error>) {
        let _turn = tokio::select! {
            biased;
            () = self.job.cancelled() => {
                let mut error = cancelled().at(self.job.stage());
                error.message.push_str(NOTHING_LEFT);
                return (State::Cancelled, Some(error));
            }
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
        match outcome {
            Ok(()) => {
                announce(self).await;
                self.log.info("publish", format_args!("published {}", self.request.path.display()));
                (State::Done, None)
            }
            Err(error) => {
                let mut error = error.at(self.job.stage());
                if self.is_worth_keeping(&error) {
                    error.message.push_str(match self.journal_folder() {
                        Some(_) => {
                            "; what is in storage is kept: publish the file with the same idempotency_key again to go on from there"
                        }
                        None => "; publish the file with the same idempotency_key again to replace what is in storage",
                    });
                    self.log.say(Level::Error, "publish", &error);
                    return (State::Failed, Some(error));
                }
                match self.clean_up().await {
                    CleanedUp::All if error.code == Code::Cancelled => {
                        error.message.push_str(NOTHING_LEFT);
                    }
                    CleanedUp::Published => error.message.push_str(
                        "; another try with the same idempotency_key has published it meanwhile, and that stays",
                    ),
                    CleanedUp::All | CleanedUp::NotAll => {}
                }
                let state = if error.code == Code::Cancelled { State::Cancelled } else { State::Failed };
                if state == State::Failed {
                    self.log.say(Level::Error, "publish", &error);
                }
                (state, Some(error))
            }
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
        // version without its media.
        match prepared? {
            Some((place, checked, stored)) => self.finish(&place, &checked, stored).await,
            None => Ok(()),
        }
    }

    /// Its turn among the publishes of its size.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let path = self.request.path.clone();
        let size = tokio::task::spawn_blocking(move || std::fs::metadata(path).map_or(0, |metadata| metadata.len()));
        self.publisher.turn(size.await.unwrap_or_default()).await
    }

    /// Whether another try with the same key, which gave up, took them away: tries with the same key have the same ids.
    async fn has_lost_its_components(&self, error: &Error) -> bool {
        let made = self.made.lock().clone();
        if self.request.idempotency_key.is_none() || error.code == Code::Cancelled || !made.components_were_there {
            return false;
        }
        let there = self.existing("FileComponent", &made.components).await;
        there.is_ok_and(|there| there.len() < made.components.len())
    }

    /// Whether what is in storage stays. With a key it does, unless the host cancels: a later try goes on from it, and another
    /// that runs at this moment, perhaps on another machine, is using it. A version is not stored but seen, and so not kept
    /// half done.
    fn is_worth_keeping(&self, error: &Error) -> bool {
        let made = self.made.lock();
        let is_shared = self.request.idempotency_key.is_some() && error.code != Code::Cancelled;
        is_shared && !made.components.is_empty() && !made.version
    }

    /// Waits for a request that creates components and is under way: what it makes can only be removed when it is there.
    async fn settle(&self, preparing: impl Future) {
        if self.made.lock().components.is_empty() {
            return;
        }
        tokio::select! {
            biased;
            () = self.begun.notified() => {}
            _ = preparing => {}
            () = tokio::time::sleep(policy::CANCEL_PATIENCE) => {}
        }
    }

    /// Everything that a reviewer cannot see. Nothing where an earlier try had done all of it, to the end.
    async fn prepare(&self) -> Result<Option<(Place, Checked, Stored)>> {
        self.job.enter(Stage::Checking);
        let request = self.request.clone();
        let checked = blocking(move || check(&request)).await?;
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
            return Ok(None);
        }

        self.job.enter(Stage::Uploading);
        let stored = store(self, &place, files(&checked)).await?;
        for warning in &stored.warnings {
            self.warn(warning.clone());
        }
        Ok(Some((place, checked, stored)))
    }

    async fn finish(&self, place: &Place, checked: &Checked, stored: Stored) -> Result<()> {
        self.job.enter(Stage::Versioning);
        self.job.note(|published| {
            published.component_id = Some(self.ids.component.clone());
            published.component_name = Some(checked.component_name);
            published.thumbnail_id = self.thumbnail_id(checked).map(str::to_owned);
        });
        version::create(self, place, checked, stored).await?;
        self.job.enter(Stage::Finishing);
        if self.thumbnail_id(checked).is_none() {
            self.warn(
                "no thumbnail was given, and ftrack shows no play button on such a movie: give a jpg or png".into(),
            );
        }
        Ok(())
    }
}

fn files(checked: &Checked) -> Vec<(Media, &'static str)> {
    let thumbnail = checked.thumbnail.clone().map(|media| (media, ids::THUMBNAIL));
    thumbnail.into_iter().chain([(checked.media.clone(), checked.component_name)]).collect()
}

/// What is said of a cancelled publish of which the server has nothing (more).
const NOTHING_LEFT: &str = "; nothing of it is left";

fn cancelled() -> Error {
    Error::new(Code::Cancelled, "the job was cancelled before its version was created")
}
