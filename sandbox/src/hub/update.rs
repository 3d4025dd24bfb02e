//! `ftrack.update`: what the server tells of every commit.
//!
//! The shape is that of the official recipes and of AYON's handlers (reference, 2.8); columns have their legacy names.

use serde_json::{Value, json};

use super::Hub;
use crate::auth::Caller;
use crate::value::now;

/// Entities in one event; a batch that changes more is told in several. Clients have bounds for packets too.
const ENTITIES: usize = 200;

/// How a client marks its requests, so that it knows them again in events.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The header `ftrack-clienttoken`.
    pub client_token: Option<String>,
    /// The header `ftrack-pushtoken`.
    pub push_token: Option<String>,
}

/// Tells who asked that `entities` were changed by this caller, whose display name is `name`.
pub fn publish(hub: &Hub, caller: &Caller, name: &str, origin: &Origin, entities: &[Value]) {
    for entities in entities.chunks(ENTITIES) {
        let event = json!({
            "topic": "ftrack.update",
            "id": uuid::Uuid::new_v4().simple().to_string(),
            "data": {
                "entities": entities,
                "user": {"userid": caller.id, "name": name},
                "clientToken": origin.client_token,
                "pushToken": origin.push_token,
            },
            "source": {
                "id": "ftreview-sandbox",
                "applicationId": "ftreview.sandbox",
                "user": {"id": caller.id, "username": caller.username},
                "clientToken": origin.client_token,
            },
            "target": "",
            "inReplyToEvent": null,
            "sent": now(),
        });
        // It has no target that could be wrong.
        let _ = hub.publish(&event);
    }
}
