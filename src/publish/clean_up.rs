//! What a publish that failed or was cancelled takes away again.

use super::work::Work;
use crate::ftrack::{Filter, Operation, Query};
use crate::session::Result;

impl Work {
    /// Removes what the publish made, the visible first. What cannot be removed is told and stays in the result; true when nothing is left. The asset
    /// stays in any case: others may have found it and published to it, and it goes with all its versions.
    pub async fn clean_up(&self) -> bool {
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
                "the server could not be asked to remove what was made so far: {}; it takes storage there, and reviewers do not \
                 see it unless it is a version",
                left.join(", ")
            )),
        }
        left.is_empty()
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
                match self.client().call_repeatable(&removals).await {
                    Ok(_) => Vec::new(),
                    // They may be gone, and only the answer was lost.
                    Err(_) => self.existing(entity_type, &there).await.unwrap_or(there),
                }
            }
        };
        left.into_iter().map(|id| format!("{entity_type} {id}")).collect()
    }

    async fn existing(&self, entity_type: &'static str, ids: &[String]) -> Result<Vec<String>> {
        let rows = self.client().query(&Query::select(&["id"], entity_type).filter(Filter::within("id", ids))).await?;
        Ok(rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect())
    }
}
