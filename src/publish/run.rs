//! The steps in order, and what stops them.

use super::again::done_before;
use super::around;
use super::check::{Checked, check};
use super::encode::{self, Job};
use super::ids::Ids;
use super::kept::{self, Kept, Taken};
use super::make::Tool;
use super::register::{register, register_sequence};
use super::resolve::{Place, resolve};
use super::store::{Stored, store};
use super::thumbnail::show_elsewhere;
use super::work::{Made, Work};
use super::{Publisher, Request, into, version};
use crate::session::blocking::blocking;
use crate::session::life::Accepted;
use crate::session::{Code, Error, Result, Session, Stage, State, policy};
use futures_util::future::FutureExt;
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Notify, OwnedSemaphorePermit};
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
        turn: Mutex::default(),
        chosen: OnceLock::new(),
        work_folder: OnceLock::new(),
        measured: Arc::default(),
        begun: Notify::new(),
    };
    session.start(accepted, async move {
        let end = work.run().await;
        work.let_go_of_disk().await;
        end
    });
}

impl Work {
    async fn run(&self) -> (State, Option<Error>) {
        self.keep().await;
        let _ = tokio::time::timeout(kept::spread(self.publisher.start_spread), self.job.cancelled()).await;
        self.run_in_turn().await
    }

    /// From its turn to its end.
    pub(super) async fn run_in_turn(&self) -> (State, Option<Error>) {
        let turn = tokio::select! {
            biased;
            () = self.job.cancelled() => return self.conclude(Err(cancelled())).await,
            turn = self.turn() => turn,
        };
        *self.turn.lock() = turn;
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
        let (client, request, key) = (self.client().clone(), self.request.clone(), self.key.clone());
        let tag = self.job.name().tag;
        let record = blocking(move || Ok(kept::record(&client, &request, &key, tag)));
        let added = match record.await {
            Ok(record) => Kept::add(outbox, record, &self.job, self.request.copy_source).await,
            Err(error) => Err(error),
        };
        match added {
            Ok(Taken { kept, was_there, warnings }) => {
                for warning in warnings {
                    self.warn(warning);
                }
                if was_there {
                    *self.made.lock() = Made::by_any_try(&self.ids, &self.request);
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
        let Prepared { place, checked, found } = prepared?;
        tokio::select! {
            biased;
            () = self.must_park() => Err(cancelled()),
            finished = self.finish(&place, &checked, found) => finished,
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
    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let path = self.media_path();
        let size = tokio::task::spawn_blocking(move || std::fs::metadata(path).map_or(0, |metadata| metadata.len()));
        self.publisher.turn(size.await.unwrap_or_default()).await
    }

    /// Whether another try with the same key, which gave up, took them away: tries with the same key have the same ids.
    async fn has_lost_its_components(&self, error: &Error) -> bool {
        let made = self.made.lock().clone();
        // The server deletes a source when it has encoded it.
        let is_encoded = self.is_encoded();
        if is_encoded || !self.may_have_been_tried() || error.code == Code::Cancelled || !made.components_were_there {
            return false;
        }
        let there = self.existing("FileComponent", &made.sent).await;
        there.is_ok_and(|there| there.len() < made.sent.len())
    }

    /// Waits for a request that creates components and is under way: what it makes can only be removed when it is there.
    async fn settle(&self, preparing: impl Future) {
        let begun = async {
            // The next one may have been sent in the moment in which the one before has ended.
            while self.made.lock().is_beginning {
                self.begun.notified().await;
            }
        };
        tokio::select! {
            biased;
            () = begun => {}
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
        let (files, attachments) = (self.files(), self.attachment_paths());
        let (mut checked, attachments) =
            blocking(move || Ok((check(&files)?, around::open_attachments(&attachments)?))).await?;
        for warning in &checked.warnings {
            self.warn(warning.clone());
        }
        let tool = match self.tool_for(&checked).await? {
            Tool::Server => {
                // Now it is the source that is published.
                let files = self.files();
                checked = blocking(move || check(&files)).await?;
                None
            }
            Tool::Ffmpeg(ffmpeg) => Some(ffmpeg),
            Tool::None => None,
        };

        self.job.enter(Stage::Resolving);
        let place = resolve(self.client(), &self.request).await?;
        self.job.note(|published| {
            published.project_id = Some(place.project_id.clone());
            published.parent_id = Some(place.parent_id.clone());
            published.task_id = place.task_id.clone();
            published.asset_name = Some(place.asset_name().to_owned());
        });

        let larger = self.server_shows_larger(&mut checked).await?;
        if self.is_encoded() {
            if let Some(job) = encode::earlier(self, &place, &checked).await? {
                return Ok(Prepared { place, checked, found: Found::Encoding(job) });
            }
        } else if done_before(self, &place, &checked).await? {
            return Ok(Prepared { place, checked, found: Found::Shown });
        }

        self.make(&mut checked, tool.as_ref(), larger).await?;
        self.take_thumbnail(&mut checked).await?;

        self.job.enter(Stage::Uploading);
        let mut parts = checked.parts(&self.request.meta_form());
        parts.extend(attachments);
        let mut stored = store(self, &place, parts, &checked.sequences).await?;
        stored.registered = register(self, &checked.by_path).await?;
        for sequence in &checked.sequences {
            let (attached, warnings) = register_sequence(self, sequence).await?;
            stored.registered.push(attached);
            stored.warnings.extend(warnings);
        }
        for warning in &stored.warnings {
            self.warn(warning.clone());
        }
        Ok(Prepared { place, checked, found: Found::Nothing(stored) })
    }

    async fn finish(&self, place: &Place, checked: &Checked, found: Found) -> Result<()> {
        match found {
            Found::Shown => {
                self.job.enter(Stage::Finishing);
                around::complete(self, place).await?;
            }
            Found::Encoding(job) => {
                let was_finished = encode::was_finished(self, &job);
                encode::encode(self, Some(job)).await?;
                self.job.enter(Stage::Finishing);
                match was_finished {
                    true => around::complete(self, place).await?,
                    false => version::follow(self, place, checked).await?,
                }
            }
            Found::Nothing(stored) => self.show(place, checked, stored).await?,
        }
        self.finish_rest(place).await
    }

    /// A version that nobody has seen is created and shown.
    async fn show(&self, place: &Place, checked: &Checked, stored: Stored) -> Result<()> {
        let is_encoded = self.is_encoded();
        self.job.enter(Stage::Versioning);
        self.job.note(|published| {
            published.components = stored.attached(&self.ids).into_iter().map(|attached| attached.component).collect();
            published.component_id = (!is_encoded).then(|| self.ids.component.clone());
            published.component_name = checked.main().map(|shown| shown.name.clone());
            published.thumbnail_id = checked.thumbnail_slot().map(|slot| self.ids.of(&slot));
        });
        version::create(self, place, checked, stored).await?;
        if is_encoded {
            encode::encode(self, None).await?;
            self.job.enter(Stage::Finishing);
            return version::follow(self, place, checked).await;
        }
        self.job.enter(Stage::Finishing);
        if checked.thumbnail_slot().is_none() {
            self.warn(
                "no thumbnail was given, and ftrack shows no play button on such a movie: give a jpg or png".into(),
            );
        }
        Ok(())
    }

    /// What comes when reviewers have the media.
    async fn finish_rest(&self, place: &Place) -> Result<()> {
        show_elsewhere(self, place).await;
        into::retire(self, place).await?;
        around::invite_guests(self, place).await
    }

    /// Whether there may be more than one rendition. What old servers do not show is left out.
    async fn server_shows_larger(&self, checked: &mut Checked) -> Result<bool> {
        let are_to_be_made = checked.making.is_some() && self.request.renditions.len() > 1;
        if checked.shown.len() < 2 && !are_to_be_made {
            return Ok(true);
        }
        let version = self.client().server_information().await?.version;
        let is_older = is_older(&version, policy::LARGER_RENDITIONS);
        if is_older {
            checked.shown.truncate(1);
            let (major, minor) = policy::LARGER_RENDITIONS;
            self.warn(format!(
                "the server is {version}, and renditions beside the first are shown since {major}.{minor}: they were left out"
            ));
        }
        Ok(!is_older)
    }
}

/// What cannot be read, such as "dev", is new.
fn is_older(version: &str, than: (u32, u32)) -> bool {
    let mut numbers = version.split('.').map(|number| number.trim().parse::<u32>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < than,
        _ => false,
    }
}

/// What is ready to be shown.
struct Prepared {
    place: Place,
    checked: Checked,
    found: Found,
}

/// What an earlier try had done.
enum Found {
    /// What is stored now is to be shown.
    Nothing(Stored),
    /// The server was asked to encode it.
    Encoding(Job),
    /// Reviewers have the media.
    Shown,
}

/// Why a publish that is asked to end goes on no further.
pub fn cancelled() -> Error {
    Error::new(Code::Cancelled, "the job was cancelled before its version was created")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_older_by_its_numbers_and_not_by_their_text() {
        for version in ["3.9.1", "4.4", "4.4.12"] {
            assert!(is_older(version, (4, 5)), "{version}");
        }
        for version in ["4.5", "4.5.0", "4.13.8", "24.10.10", "dev", "", "4"] {
            assert!(!is_older(version, (4, 5)), "{version}");
        }
    }
}
