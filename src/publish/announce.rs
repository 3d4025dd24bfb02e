//! Others are told of a version, over the event hub, if it is connected.
//!
//! The version is there, whatever becomes of this: what goes wrong here is a warning.

use super::work::Work;
use crate::session::news::HubStatus;
use crate::session::policy;
use crate::session::{Error, Stage};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

/// What ftrack's own clients say when a component is in a location (protocol reference, 2.8).
const COMPONENT_ADDED: &str = "ftrack.location.component-added";

/// The topic where the host names none.
const PUBLISHED: &str = "ftreview.published";

/// Tells others, and has the session's own watch hear of what follows.
pub async fn announce(work: &Work) {
    let published = work.job.published();
    let hub = &work.publisher.hub;
    if let Some(version) = &published.version_id {
        hub.published(version);
    }
    if hub.status().0 != HubStatus::Connected {
        return;
    }
    work.job.enter(Stage::Announcing);
    let mut events = Vec::new();
    for component in &published.components {
        let data = json!({"component_id": component.id, "location_id": component.location_id});
        events.push((COMPONENT_ADDED, object(data)));
    }
    let mut data = object(json!({
        "version_id": published.version_id, "version_number": published.version_number,
        "asset_id": published.asset_id, "asset_name": published.asset_name, "parent_id": published.parent_id,
        "task_id": published.task_id, "project_id": published.project_id, "component_id": published.component_id,
        "component_name": published.component_name, "thumbnail_id": published.thumbnail_id,
        "link": published.link, "comment": work.request.comment,
    }));
    data.extend(work.request.announce_data.clone());
    events.push((work.request.announce_topic.as_deref().unwrap_or(PUBLISHED), data));
    let tell = async {
        for (topic, data) in events {
            hub.announce(topic, data).await?;
        }
        Ok::<(), Error>(())
    };
    match timeout(policy::ANNOUNCE_PATIENCE, tell).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => work.warn(format!("others were not told of the version: {error}")),
        Err(_) => work.warn(format!(
            "others may not have been told of the version: the event hub has not answered for {} s; they see it when they reload",
            policy::ANNOUNCE_PATIENCE.as_secs()
        )),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
