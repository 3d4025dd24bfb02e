//! The thumbnail on more than the version: on the task, and on what the asset belongs to. The same component, uploaded once.

use super::resolve::Place;
use super::version::attributes;
use super::work::Work;
use crate::ftrack::{Filter, Operation, Query, rows};
use crate::session::{Code, Error, Result};
use serde_json::{Value, json};

/// Shows it where the host wants. The version is there: what goes wrong here is a warning.
pub async fn show_elsewhere(work: &Work, place: &Place) {
    let request = &work.request;
    let task = place.task_id.as_ref().filter(|_| request.task_thumbnail);
    let parent = Some(&place.parent_id).filter(|_| request.parent_thumbnail);
    if request.task_thumbnail && place.task_id.is_none() {
        work.warn("the version has no task whose thumbnail could be set: give a task as its context".into());
    }
    let wanted: Vec<&String> = task.into_iter().chain(parent).collect();
    let thumbnail = work.job.published().thumbnail_id;
    let (false, Some(thumbnail)) = (wanted.is_empty(), thumbnail) else { return };
    if let Err(error) = show(work, &wanted, &thumbnail).await {
        work.warn(format!("the thumbnail is on the version and could not be set elsewhere: {}", error.message));
    }
}

async fn show(work: &Work, wanted: &[&String], thumbnail: &str) -> Result<()> {
    // An update names the entity's own type, such as Shot, which only the server knows.
    let query =
        |entity: &'static str| Query::select(&["id"], entity).filter(Filter::within("id", wanted.iter().copied()));
    let queries = [Operation::query(&query("TypedContext")), Operation::query(&query("Project"))];
    let found = work.client().call_repeatable(&queries).await?;
    let found: Vec<Value> = found.into_iter().map(rows).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    let update = |row: &Value| {
        let (entity_type, id) = (row["__entity_type__"].as_str()?, row["id"].as_str()?);
        Some(Operation::update(entity_type, &[id], attributes([("thumbnail_id", json!(thumbnail))])))
    };
    let updates: Vec<Operation> = found.iter().filter_map(update).collect();
    if updates.len() < wanted.len() {
        return Err(Error::new(Code::Integrity, "the task or its parent is not there any more"));
    }
    work.client().call_repeatable(&updates).await.map(drop)
}
