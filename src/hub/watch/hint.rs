//! What an `ftrack.update` says to a watch: whose it is, and which versions are worth asking for.

use serde_json::Value;
use std::collections::HashSet;

/// What an event says.
#[derive(Debug, Default, PartialEq)]
pub struct Hint {
    /// The session did it itself.
    pub own: Vec<Own>,
    /// Ids of everything that somebody else changed, and of what that belongs to.
    pub ids: HashSet<String>,
    /// Notes or answers changed, and the event does not say of what.
    pub vague: bool,
}

/// Something that the session did itself.
#[derive(Debug, PartialEq)]
pub enum Own {
    Note(String),
    Answer { id: String, status: String },
    Status { version: String, status: String },
    Thumbnail { version: String, thumbnail: String },
}

impl Hint {
    /// Reads an event. `token` marks the session's own changes.
    pub fn read(event: &Value, token: &str) -> Hint {
        let mut hint = Hint::default();
        let is_own = event.pointer("/data/clientToken").and_then(Value::as_str) == Some(token);
        let entities = event.pointer("/data/entities").and_then(Value::as_array);
        for entity in entities.into_iter().flatten() {
            match is_own {
                true => hint.own.extend(own(entity)),
                false => hint.add(entity),
            }
        }
        hint
    }

    fn add(&mut self, entity: &Value) {
        let mut known = false;
        let parents = entity.get("parents").and_then(Value::as_array);
        for one in std::iter::once(entity).chain(parents.into_iter().flatten()) {
            for key in ["entityId", "parentId"] {
                self.ids.extend(one.get(key).and_then(Value::as_str).map(str::to_owned));
            }
            let kind = one.get("entityType").and_then(Value::as_str).unwrap_or_default().to_lowercase();
            known |= matches!(kind.as_str(), "assetversion" | "reviewsession" | "task" | "show");
        }
        let kind = entity.get("entityType").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        self.vague |= !known && (kind.contains("note") || kind.contains("review"));
    }
}

/// What of an own change a watch would tell.
fn own(entity: &Value) -> Vec<Own> {
    let text = |pointer: &str| entity.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let Some(id) = text("/entityId") else { return Vec::new() };
    match text("/entityType").unwrap_or_default().to_lowercase().as_str() {
        "note" => vec![Own::Note(id)],
        "reviewsessionobjectstatus" => {
            text("/changes/status/new").map(|status| Own::Answer { id, status }).into_iter().collect()
        }
        "assetversion" => {
            let status = text("/changes/statusid/new").map(|status| Own::Status { version: id.clone(), status });
            let thumbnail = text("/changes/thumbid/new").map(|thumbnail| Own::Thumbnail { version: id, thumbnail });
            status.into_iter().chain(thumbnail).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn own_changes_are_known_by_the_token_and_others_by_what_they_belong_to() {
        let event = json!({"data": {"clientToken": "mine", "entities": [
            {"entityType": "note", "entityId": "n", "action": "add"},
            {"entityType": "assetversion", "entityId": "v", "changes": {"statusid": {"old": "a", "new": "b"}}},
        ]}});
        let hint = Hint::read(&event, "mine");
        let status = Own::Status { version: "v".into(), status: "b".into() };
        assert_eq!((hint.own, hint.ids.len(), hint.vague), (vec![Own::Note("n".into()), status], 0, false));

        let hint = Hint::read(&event, "other");
        assert_eq!(hint.own, []);
        // A note of which nothing is said may be anywhere.
        assert!(hint.ids.contains("v") && hint.vague);
        let placed = json!({"data": {"entities": [{"entityType": "note", "entityId": "n", "parents": [
            {"entityType": "note", "entityId": "n", "parentId": "v"}, {"entityType": "assetversion", "entityId": "v"}]}]}});
        let hint = Hint::read(&placed, "mine");
        assert!(hint.ids.contains("v") && !hint.vague);
    }

    #[test]
    fn an_event_of_any_shape_is_read() {
        for data in [json!(null), json!([]), json!({"entities": 7}), json!({"entities": [1, "x", {"parents": 3}, {}]})]
        {
            assert_eq!(Hint::read(&json!({"data": data}), "mine"), Hint::default());
        }
    }
}
