//! `get_upload_metadata`, and reading what an operation says about an upload.

use rusqlite::OptionalExtension;
use serde_json::{Map, Value, json};

use super::batch::{Batch, text};
use crate::error::{ApiError, ApiResult};
use crate::links::{content_type, file_name};
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
    if part_count(operation)?.is_some() {
        // Begun ahead of the transaction, unless the operation is one that cannot have come so far.
        let upload = batch.upload.take().ok_or_else(|| ApiError::validation("The upload was not begun."))?;
        let url = |(number, url): &(u32, String)| json!({"part_number": number, "signed_url": url});
        let urls: Vec<Value> = upload.urls.iter().map(url).collect();
        return Ok(json!({"component_id": id, "upload_id": upload.upload_id, "urls": urls}));
    }
    let checksum = operation["checksum"].as_str();
    let upload = batch.state.storage.single_upload(id, size, &content_type(&name), Some(&name), checksum);
    let headers: Map<String, Value> = upload.headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
    Ok(json!({"component_id": id, "url": upload.url, "headers": headers}))
}

/// The component that an operation is about.
pub fn component_id(operation: &Value) -> ApiResult<&str> {
    let id = text(operation, "component_id")?;
    let is_uuid = id.len() == UUID_LENGTH && uuid::Uuid::try_parse(id).is_ok();
    let message = || format!("\"component_id\" has to be a UUID, not {id:?}.");
    if is_uuid { Ok(id) } else { Err(ApiError::validation(message())) }
}

/// In how many parts the file is to be sent; `None` for one PUT.
pub fn part_count(operation: &Value) -> ApiResult<Option<u32>> {
    let parts = &operation["parts"];
    if parts.is_null() {
        return Ok(None);
    }
    let count =
        parts.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|count| (1..=MOST_PARTS).contains(count));
    let message = || format!("\"parts\" has to be from 1 to {MOST_PARTS}, not {parts}.");
    count.map(Some).ok_or_else(|| ApiError::validation(message()))
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

/// The numbers and ETags of the parts that were sent.
pub fn parts(operation: &Value) -> ApiResult<Vec<(u32, String)>> {
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
