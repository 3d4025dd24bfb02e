//! What a publish that failed or was cancelled takes away again.

use super::again::shown_media;
use super::encode;
use super::work::{Made, Work};
use crate::ftrack::{Filter, Operation, Query};
use crate::session::{Error, Result, policy};
use crate::transfer::Journal;
use std::path::Path;

/// What became of what a publish had made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CleanedUp {
    /// Nothing of it is left.
    All,
    /// Some may be left; a warning says what.
    NotAll,
    /// Another try with the same key has published it, so all of it stays.
    Published,
}

impl Work {
    /// Removes what the publish made. What cannot be removed is told and stays in the result. The asset stays in any case:
    /// others may have found it and published to it, and it goes with all its versions.
    pub async fn clean_up(&self) -> CleanedUp {
        let made = std::mem::take(&mut *self.made.lock());
        let left = match self.is_published(&made).await {
            Ok(true) => return CleanedUp::Published,
            Ok(false) => self.remove_all(made).await,
            // It may be published: what nobody can tell is not removed.
            Err(_) => {
                let version = made.version.then(|| format!("AssetVersion {}", self.ids.version));
                version.into_iter().chain(made.components.iter().map(|id| format!("FileComponent {id}"))).collect()
            }
        };
        if left.is_empty() {
            return CleanedUp::All;
        }
        self.warn(format!(
            "the server could not be asked to remove what was made so far: {}; it takes storage there, and reviewers do not \
             see it unless it is a version",
            left.join(", ")
        ));
        CleanedUp::NotAll
    }

    /// Whether another try has published it: tries with the same key have the same ids.
    async fn is_published(&self, made: &Made) -> Result<bool> {
        if !(self.may_have_been_tried() || self.kept.get().is_some()) || made.components.is_empty() {
            return Ok(false);
        }
        if self.is_encoded() {
            return encode::is_done(self).await;
        }
        Ok(!self.client().query(&shown_media(self)).await?.is_empty())
    }

    /// The visible first. Says what is left.
    async fn remove_all(&self, made: Made) -> Vec<String> {
        let version = if made.version { vec![self.ids.version.clone()] } else { Vec::new() };
        let mut left = self.remove("AssetVersion", version).await;
        if !left.is_empty() {
            // A version that stays keeps its media.
            left.extend(made.components.iter().map(|id| format!("FileComponent {id}")));
            return left;
        }
        self.job.note(|published| {
            (published.version_id, published.version_number, published.link) = (None, None, None);
        });
        left = self.remove_sequences(made.sequences).await;
        left.extend(self.remove("FileComponent", made.components.clone()).await);
        if left.is_empty() {
            self.forget_uploads(made.components).await;
            self.job.note(|published| {
                (published.component_id, published.thumbnail_id, published.component_name) = (None, None, None);
                published.components.clear();
            });
        }
        left
    }

    /// Their frames first: a server may keep the members of a container that is gone.
    async fn remove_sequences(&self, sequences: Vec<String>) -> Vec<String> {
        let mut left = Vec::new();
        for id in &sequences {
            loop {
                let frames = Query::select(&["id"], "FileComponent").filter(Filter::equals("container_id", id));
                let Ok(rows) = self.client().query(&frames.limit(policy::FRAMES_TOGETHER as u32)).await else { break };
                let ids: Vec<String> = rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect();
                if ids.is_empty() {
                    break;
                }
                let stay = self.remove("FileComponent", ids.clone()).await;
                if !stay.is_empty() {
                    left.extend(stay);
                    break;
                }
                self.forget_uploads(ids).await;
            }
        }
        left.extend(self.remove("SequenceComponent", sequences).await);
        left
    }

    /// What was noted of their parts, which are gone with them.
    async fn forget_uploads(&self, components: Vec<String>) {
        let Some(folder) = self.journal_folder().map(Path::to_owned) else { return };
        let forget = move || components.iter().for_each(|id| Journal::forget(&folder, id));
        let _ = tokio::task::spawn_blocking(forget).await;
    }

    /// Removes what is there of these entities, and says what may be left.
    pub(super) async fn remove(&self, entity_type: &'static str, ids: Vec<String>) -> Vec<String> {
        self.try_remove(entity_type, ids).await.err().map(|(left, _)| left).unwrap_or_default()
    }

    /// The same, and why they are left.
    pub(super) async fn try_remove(
        &self,
        entity_type: &'static str,
        ids: Vec<String>,
    ) -> std::result::Result<(), (Vec<String>, Error)> {
        if ids.is_empty() {
            return Ok(());
        }
        let named = |ids: Vec<String>| ids.into_iter().map(|id| format!("{entity_type} {id}")).collect();
        let there = match self.existing(entity_type, &ids).await {
            Err(error) => return Err((named(ids), error)),
            Ok(there) if there.is_empty() => return Ok(()),
            Ok(there) => there,
        };
        let removals: Vec<Operation> = there.iter().map(|id| Operation::delete(entity_type, &[id])).collect();
        let Err(error) = self.client().call_repeatable(&removals).await else { return Ok(()) };
        // They may be gone, and only the answer was lost.
        match self.existing(entity_type, &there).await.unwrap_or(there) {
            left if left.is_empty() => Ok(()),
            left => Err((named(left), error)),
        }
    }

    pub(super) async fn existing(&self, entity_type: &'static str, ids: &[String]) -> Result<Vec<String>> {
        let rows = self.client().query(&Query::select(&["id"], entity_type).filter(Filter::within("id", ids))).await?;
        Ok(rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect())
    }
}
