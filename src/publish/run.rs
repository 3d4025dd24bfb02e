//! The steps in order, cancelling, and cleaning up.

use super::check::{Checked, check};
use super::ids::Ids;
use super::resolve::{Asset, Place, resolve};
use super::store::{Stored, store};
use super::{Request, version};
use crate::ftrack::{Client, Filter, Operation, Query};
use crate::media::{Kind, Media};
use crate::session::life::Accepted;
use crate::session::log::Log;
use crate::session::{Code, Error, Job, Result, Session, Stage, State, policy};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};

/// What all steps of one publish share.
pub struct Work {
    pub client: Arc<Client>,
    pub job: Arc<Job>,
    pub log: Log,
    pub request: Request,
    pub ids: Ids,
    pub made: Mutex<Made>,
    /// Told when the components are there, or will not be.
    pub begun: Notify,
    turns: Arc<Semaphore>,
}

/// What may exist on the server because of this publish: noted before it is asked for.
#[derive(Default)]
pub struct Made {
    pub components: Vec<String>,
    pub version: bool,
}

/// Starts the publish of an accepted job.
pub fn start(session: &Session, client: &Arc<Client>, accepted: Accepted, request: Request) {
    let work = Work {
        client: client.clone(),
        job: accepted.job.clone(),
        log: session.log().clone(),
        request,
        ids: Ids::new(),
        made: Mutex::default(),
        begun: Notify::new(),
        turns: session.turns().clone(),
    };
    session.start(accepted, async move { work.run().await });
}

impl Work {
    async fn run(&self) -> (State, Option<Error>) {
        let _turn = tokio::select! {
            biased;
            () = self.job.cancelled() => return (State::Cancelled, Some(cancelled().at(self.job.stage()))),
            turn = self.turns.acquire() => turn,
        };
        let mut preparing = std::pin::pin!(self.prepare());
        let prepared = tokio::select! {
            biased;
            () = self.job.cancelled() => {
                self.settle(preparing).await;
                Err(cancelled())
            }
            prepared = &mut preparing => prepared,
        };
        // From here on a publish is finished rather than cancelled: to stop between its last two requests would leave a
        // version without its media.
        let outcome = match prepared {
            Ok((place, checked, stored)) => self.finish(&place, &checked, stored).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                self.log.info("publish", format_args!("published {}", self.request.path.display()));
                (State::Done, None)
            }
            Err(error) => {
                let error = error.at(self.job.stage());
                self.clean_up().await;
                let state = if error.code == Code::Cancelled { State::Cancelled } else { State::Failed };
                if state == State::Failed {
                    self.log.say(crate::session::log::Level::Error, "publish", &error);
                }
                (state, Some(error))
            }
        }
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

    /// Everything that a reviewer cannot see.
    async fn prepare(&self) -> Result<(Place, Checked, Stored)> {
        self.job.enter(Stage::Checking);
        let request = self.request.clone();
        let checked = tokio::task::spawn_blocking(move || check(&request)).await.map_err(|error| {
            Error::new(Code::Internal, format!("checking the file did not end as it should: {error}; please report it"))
        })??;
        for warning in &checked.warnings {
            self.warn(warning.clone());
        }

        self.job.enter(Stage::Resolving);
        let place = resolve(&self.client, &self.request).await?;
        self.job.note(|published| {
            published.project_id = Some(place.project_id.clone());
            published.parent_id = Some(place.parent_id.clone());
            published.task_id = place.task_id.clone();
            let (Asset::Known { name, .. } | Asset::Sought { name, .. }) = &place.asset;
            published.asset_name = Some(name.clone());
        });

        self.job.enter(Stage::Uploading);
        let stored = store(self, &place, files(&checked)).await?;
        for warning in &stored.warnings {
            self.warn(warning.clone());
        }
        Ok((place, checked, stored))
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
        Ok(())
    }

    /// What lists show: the thumbnail that was given, or the still itself.
    pub fn thumbnail_id(&self, checked: &Checked) -> Option<&str> {
        match (&checked.thumbnail, &checked.media.kind) {
            (Some(_), _) => Some(&self.ids.thumbnail),
            (None, Kind::Image(_)) => Some(&self.ids.component),
            (None, Kind::Movie(_)) => None,
        }
    }

    fn warn(&self, warning: String) {
        self.log.warning("publish", &warning);
        self.job.note(|published| published.warnings.push(warning));
    }

    /// Removes what the publish made, the visible first. What cannot be removed is told and stays in the result. The asset
    /// stays in any case: others may have found it and published to it, and it goes with all its versions.
    async fn clean_up(&self) {
        let made = std::mem::take(&mut *self.made.lock());
        let version = if made.version { vec![self.ids.version.clone()] } else { Vec::new() };
        let mut left = self.remove("AssetVersion", version).await;
        if left.is_empty() {
            self.job.note(|published| {
                (published.version_id, published.version_number, published.link) = (None, None, None);
            });
            left = self.remove("FileComponent", made.components).await;
        } else {
            // A version that stays keeps its media.
            left.extend(made.components.iter().map(|id| format!("FileComponent {id}")));
        }
        match left.is_empty() {
            true => self.job.note(|published| {
                (published.component_id, published.thumbnail_id, published.component_name) = (None, None, None);
            }),
            false => self.warn(format!(
                "these may be left on the server and could not be removed: {}: delete them there",
                left.join(", ")
            )),
        }
    }

    /// Removes what is there of these entities, and says what may be left.
    async fn remove(&self, entity_type: &'static str, ids: Vec<String>) -> Vec<String> {
        if ids.is_empty() {
            return ids;
        }
        let left = match self.existing(entity_type, &ids).await {
            Err(_) => ids,
            Ok(there) if there.is_empty() => there,
            Ok(there) => {
                let removals: Vec<Operation> = there.iter().map(|id| Operation::delete(entity_type, &[id])).collect();
                match self.client.call_repeatable(&removals).await {
                    Ok(_) => Vec::new(),
                    // They may be gone, and only the answer was lost.
                    Err(_) => self.existing(entity_type, &there).await.unwrap_or(there),
                }
            }
        };
        left.into_iter().map(|id| format!("{entity_type} {id}")).collect()
    }

    async fn existing(&self, entity_type: &'static str, ids: &[String]) -> Result<Vec<String>> {
        let rows = self.client.query(&Query::select(&["id"], entity_type).filter(Filter::within("id", ids))).await?;
        Ok(rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect())
    }
}

fn files(checked: &Checked) -> Vec<(Media, &'static str)> {
    let thumbnail = checked.thumbnail.clone().map(|media| (media, super::ids::THUMBNAIL));
    thumbnail.into_iter().chain([(checked.media.clone(), checked.component_name)]).collect()
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, "the job was cancelled before its version was created; nothing of it is left")
}
