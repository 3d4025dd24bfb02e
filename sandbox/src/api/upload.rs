//! `get_upload_metadata` and `complete_multipart_upload`.

use std::collections::HashMap;

use rusqlite::OptionalExtension;
use serde_json::{Map, Value, json};

use super::batch::{Batch, allow_writing, text};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult};
use crate::links::{content_type, file_name};
use crate::state::AppState;
use crate::storage::MOST_PARTS;

/// A UUID with dashes, which is how the storage names files.
const UUID_LENGTH: usize = 36;

/// Where to send a file, whole or in parts.
pub fn metadata(batch: &mut Batch<'_>, operation: &Value) -> ApiResult<Value> {
    let id = component_id(operation)?;
    let known = component(batch, id)?;
    let given_name = operation["file_name"].as_str().map(str::to_owned);
    let name = given_name.or_else(|| known.as_ref().map(|(name, _)| name.clone()));
    let size = operation["file_size"].as_u64().or(known.as_ref().and_then(|(_, size)| *size));
    let (Some(name), true) = (name, known.is_some() || size.is_some()) else {
        return Err(ApiError::validation(format!(
            "The component {id:?} is not there yet: \"file_name\" and \"file_size\" have to be given."
        )));
    };
    let storage = &batch.state.storage;
    if !operation["parts"].is_null() {
        let parts = operation["parts"].as_u64().filter(|parts| (1..=u64::from(MOST_PARTS)).contains(parts));
        let parts = parts.and_then(|parts| u32::try_from(parts).ok()).ok_or_else(|| {
            ApiError::validation(format!("\"parts\" has to be from 1 to {MOST_PARTS}, not {}.", operation["parts"]))
        })?;
        let upload = storage.begin_multipart(id, parts);
        let url = |(number, url): &(u32, String)| json!({"part_number": number, "signed_url": url});
        let urls: Vec<Value> = upload.urls.iter().map(url).collect();
        return Ok(json!({"component_id": id, "upload_id": upload.upload_id, "urls": urls}));
    }
    let checksum = operation["checksum"].as_str();
    let upload = storage.single_upload(id, size, &content_type(&name), Some(&name), checksum);
    let headers: Map<String, Value> = upload.headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
    Ok(json!({"component_id": id, "url": upload.url, "headers": headers}))
}

/// Completes all multi-part uploads of a batch, and answers by the index of the operation.
///
/// This joins files, which can take long, so it comes before the transaction that others wait for. When a later
/// operation fails the data stay where they are: they belong to no entity, and a new upload replaces them.
pub async fn complete_all(state: &AppState, caller: &Caller, operations: &[Value]) -> ApiResult<HashMap<usize, Value>> {
    let mut completed = HashMap::new();
    let is_complete = |operation: &Value| operation["action"] == "complete_multipart_upload";
    for (index, operation) in operations.iter().enumerate().filter(|(_, operation)| is_complete(operation)) {
        allow_writing(caller, "complete_multipart_upload")?;
        let id = component_id(operation)?.to_owned();
        let upload_id = text(operation, "upload_id")?.to_owned();
        let parts = parts(operation)?;
        let storage = state.storage.clone();
        let work = {
            let id = id.clone();
            tokio::task::spawn_blocking(move || storage.complete_multipart(&id, &upload_id, &parts))
        };
        let joined = work.await.map_err(|error| {
            ApiError::new(crate::error::Exception::Internal, format!("The upload of {id:?} was not completed: {error}"))
        })?;
        joined.map_err(|error| ApiError::validation(format!("The upload of {id:?} cannot be completed: {error}")))?;
        let url = state.storage.signed_url(&id, &id, "application/octet-stream");
        completed.insert(index, json!({"action": "complete_multipart_upload", "component_id": id, "url": url}));
    }
    Ok(completed)
}

fn component_id(operation: &Value) -> ApiResult<&str> {
    let id = text(operation, "component_id")?;
    let is_uuid = id.len() == UUID_LENGTH && uuid::Uuid::try_parse(id).is_ok();
    let message = || format!("\"component_id\" has to be a UUID, not {id:?}.");
    if is_uuid { Ok(id) } else { Err(ApiError::validation(message())) }
}

/// The file name and the size of a component that is there.
fn component(batch: &Batch<'_>, id: &str) -> ApiResult<Option<(String, Option<u64>)>> {
    let mut statement = batch.connection.prepare_cached("SELECT name, file_type, size FROM component WHERE id = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        let (name, file_type): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        // A size of 0 is the default of the attribute: not known.
        let size = row.get::<_, Option<i64>>(2)?.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0);
        Ok((file_name(&name, file_type.as_deref()), size))
    };
    Ok(statement.query_row([id], read).optional()?)
}

fn parts(operation: &Value) -> ApiResult<Vec<(u32, String)>> {
    let wrong = || {
        ApiError::validation(format!(
            "\"parts\" has to be a list of {{\"part_number\", \"e_tag\"}}, not {}.",
            operation["parts"]
        ))
    };
    let part = |part: &Value| {
        let number = u32::try_from(part["part_number"].as_u64()?).ok()?;
        Some((number, part["e_tag"].as_str()?.to_owned()))
    };
    let parts = operation["parts"].as_array().ok_or_else(wrong)?;
    parts.iter().map(|item| part(item).ok_or_else(wrong)).collect()
}
