//! What the server can be asked to do, as the JSON objects of its API (official Python client, session.py;
//! official JavaScript client, operation.ts). One call sends a list of them, which the server runs as one transaction.

use super::query::Query;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt;

/// Attributes of an entity, in the order in which they are sent.
pub type Attributes = Map<String, Value>;

/// One operation of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Operation(Value);

/// The file that an upload address is asked for.
#[derive(Clone, Debug)]
pub struct UploadFile<'a> {
    /// The id of its FileComponent, which need not exist yet.
    pub component_id: &'a str,
    /// The name under which a browser saves it, with its extension.
    pub file_name: &'a str,
    /// Its size in bytes.
    pub file_size: u64,
}

impl Operation {
    /// Reads entities. The result's `data` is the list of them.
    pub fn query(query: &Query) -> Self {
        Operation(json!({"action": "query", "expression": query.to_string()}))
    }

    /// Creates an entity whose key is one `id`, made by the caller: sent twice, it cannot exist twice.
    pub fn create(entity_type: &str, id: &str, attributes: Attributes) -> Self {
        Self::create_with_key(entity_type, &[("id", id)], attributes)
    }

    /// Creates an entity with a composite key, such as Metadata with `parent_id` and `key`.
    pub fn create_with_key(entity_type: &str, key: &[(&str, &str)], attributes: Attributes) -> Self {
        let mut data = typed(entity_type);
        data.extend(key.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
        data.extend(attributes);
        let values: Vec<&str> = key.iter().map(|(_, value)| *value).collect();
        Operation(json!({"action": "create", "entity_type": entity_type, "entity_key": values, "entity_data": data}))
    }

    /// Changes attributes of an entity. `key` holds the values of its primary key, in the order of its schema.
    pub fn update(entity_type: &str, key: &[&str], attributes: Attributes) -> Self {
        let mut data = typed(entity_type);
        data.extend(attributes);
        Operation(json!({"action": "update", "entity_type": entity_type, "entity_key": key, "entity_data": data}))
    }

    /// Deletes an entity.
    pub fn delete(entity_type: &str, key: &[&str]) -> Self {
        Operation(json!({"action": "delete", "entity_type": entity_type, "entity_key": key}))
    }

    /// Asks what the server is. With no names it tells what it tells by itself; `user_information` must be named.
    pub fn query_server_information(values: &[&str]) -> Self {
        let mut operation = json!({"action": "query_server_information"});
        if !values.is_empty() {
            operation["values"] = json!(values);
        }
        Operation(operation)
    }

    /// Asks for the address that a whole file is sent to. `md5` of the whole file makes the storage check it.
    pub fn get_upload_metadata(file: &UploadFile<'_>, md5: Option<[u8; 16]>) -> Self {
        let mut operation = upload(file);
        if let Some(md5) = md5 {
            use base64::Engine;
            operation["checksum"] = base64::engine::general_purpose::STANDARD.encode(md5).into();
        }
        Operation(operation)
    }

    /// Asks for the addresses of the parts of a file, numbered from 1.
    pub fn get_multipart_upload_metadata(file: &UploadFile<'_>, parts: u32) -> Self {
        let mut operation = upload(file);
        operation["parts"] = parts.into();
        Operation(operation)
    }

    /// Asks for an address at which anybody may read a component's bytes for a while (official JavaScript client, types.ts; the
    /// fields are those of the official MCP server).
    pub fn generate_signed_url(component_id: &str) -> Self {
        Operation(json!({"action": "generate_signed_url", "component_id": component_id, "operation": "get"}))
    }

    /// Has the server send somebody the mail that invites them to a review session (official Python client, session.py).
    pub fn send_review_session_invite(invitee_id: &str) -> Self {
        Operation(json!({"action": "send_review_session_invite", "review_session_invitee_id": invitee_id}))
    }

    /// Has the server encode a component that is in its storage, for a version (official Python client, session.py). The result
    /// has the `job_id`.
    pub fn encode_media(component_id: &str, version_id: &str, keep_original: bool) -> Self {
        Operation(json!({
            "action": "encode_media",
            "component_id": component_id,
            "version_id": version_id,
            "keep_original": keep_original,
        }))
    }

    /// Makes one file of its uploaded parts. `parts` are numbers and ETags, in any order.
    pub fn complete_multipart_upload(component_id: &str, upload_id: &str, parts: &[(u32, String)]) -> Self {
        let mut ascending: Vec<&(u32, String)> = parts.iter().collect();
        ascending.sort_by_key(|(number, _)| *number);
        let parts: Vec<Value> =
            ascending.iter().map(|(number, etag)| json!({"part_number": number, "e_tag": etag})).collect();
        Operation(json!({
            "action": "complete_multipart_upload",
            "component_id": component_id,
            "upload_id": upload_id,
            "parts": parts,
        }))
    }

    /// Whether it changes an entity. Its kind then reads as a verb with its object.
    pub(super) fn is_write(&self) -> bool {
        matches!(self.0["action"].as_str(), Some("create" | "update" | "delete"))
    }

    /// The operation as it is sent.
    pub fn json(&self) -> &Value {
        &self.0
    }
}

/// The kind of operation, for log lines and messages: `create FileComponent`. No values.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0["action"].as_str().unwrap_or("unknown"))?;
        self.0["entity_type"].as_str().map_or(Ok(()), |entity_type| write!(f, " {entity_type}"))
    }
}

/// The kinds of operations, each once, for log lines and messages.
pub(super) fn kinds(operations: &[Operation]) -> String {
    let mut kinds: Vec<String> = Vec::new();
    for kind in operations.iter().map(ToString::to_string) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.join(", ")
}

fn typed(entity_type: &str) -> Attributes {
    Attributes::from_iter([("__entity_type__".to_owned(), Value::from(entity_type))])
}

fn upload(file: &UploadFile<'_>) -> Value {
    json!({
        "action": "get_upload_metadata",
        "component_id": file.component_id,
        "file_name": file.file_name,
        "file_size": file.file_size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(value: Value) -> Attributes {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_create_carries_its_type_and_key_beside_its_attributes() {
        let operation = Operation::create("Asset", "a1", attributes(json!({"name": "comp"})));
        assert_eq!(
            *operation.json(),
            json!({"action": "create", "entity_type": "Asset", "entity_key": ["a1"],
                   "entity_data": {"__entity_type__": "Asset", "id": "a1", "name": "comp"}})
        );
        assert_eq!(operation.to_string(), "create Asset");
    }

    #[test]
    fn a_composite_key_keeps_the_order_it_was_given_in() {
        let key = [("parent_id", "c1"), ("key", "ftr_meta")];
        let operation = Operation::create_with_key("Metadata", &key, attributes(json!({"value": "{}"})));
        assert_eq!(operation.json()["entity_key"], json!(["c1", "ftr_meta"]));
        assert_eq!(
            operation.json()["entity_data"],
            json!({"__entity_type__": "Metadata", "parent_id": "c1", "key": "ftr_meta", "value": "{}"})
        );
    }

    #[test]
    fn an_update_and_a_delete_name_their_entity_by_key() {
        let update = Operation::update("Task", &["t1"], attributes(json!({"status_id": null})));
        assert_eq!(
            *update.json(),
            json!({"action": "update", "entity_type": "Task", "entity_key": ["t1"],
                   "entity_data": {"__entity_type__": "Task", "status_id": null}})
        );
        let delete = Operation::delete("Metadata", &["c1", "ftr_meta"]);
        assert_eq!(
            *delete.json(),
            json!({"action": "delete", "entity_type": "Metadata", "entity_key": ["c1", "ftr_meta"]})
        );
    }

    #[test]
    fn an_upload_is_asked_for_whole_with_a_checksum_or_in_parts() {
        let file = UploadFile { component_id: "c1", file_name: "comp.mov", file_size: 17 };
        assert_eq!(
            *Operation::get_upload_metadata(&file, Some([0; 16])).json(),
            json!({"action": "get_upload_metadata", "component_id": "c1", "file_name": "comp.mov", "file_size": 17,
                   "checksum": "AAAAAAAAAAAAAAAAAAAAAA=="})
        );
        assert!(Operation::get_upload_metadata(&file, None).json().get("checksum").is_none());
        assert_eq!(Operation::get_multipart_upload_metadata(&file, 3).json()["parts"], json!(3));
    }

    #[test]
    fn parts_are_completed_in_ascending_order() {
        let parts = [(10, "j".to_owned()), (2, "b".to_owned())];
        let operation = Operation::complete_multipart_upload("c1", "u1", &parts);
        assert_eq!(
            operation.json()["parts"],
            json!([{"part_number": 2, "e_tag": "b"}, {"part_number": 10, "e_tag": "j"}])
        );
    }

    #[test]
    fn server_information_is_asked_for_by_name_or_as_it_comes() {
        assert_eq!(
            *Operation::query_server_information(&["version"]).json(),
            json!({"action": "query_server_information", "values": ["version"]})
        );
        assert_eq!(*Operation::query_server_information(&[]).json(), json!({"action": "query_server_information"}));
    }
}
