//! What waits for the store: it runs before the transaction that other requests wait for.
//!
//! When the batch fails afterwards the data stay where they are: they belong to no entity, a new upload replaces them,
//! and one that is open is gone on with by the next request for it.

use std::collections::HashMap;

use rusqlite::Row;
use serde_json::{Value, json};

use super::batch::{allow_writing, text};
use super::upload::{component_id, part_count, parts};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, Exception};
use crate::links::{content_type, file_name};
use crate::state::AppState;
use crate::storage::{MultipartUpload, StorageError};

/// What was done, by the index of the operation.
#[derive(Default)]
pub struct Ahead {
    /// The answers of operations that are done.
    pub answers: HashMap<usize, Value>,
    /// The uploads begun for `get_upload_metadata`, which the transaction still has to check.
    pub uploads: HashMap<usize, MultipartUpload>,
}

/// Runs what a batch asks of the store.
pub async fn run(state: &AppState, caller: &Caller, operations: &[Value]) -> ApiResult<Ahead> {
    let mut ahead = Ahead::default();
    for (index, operation) in operations.iter().enumerate() {
        match operation["action"].as_str().unwrap_or_default() {
            "get_upload_metadata" => {
                if let Some(upload) = begin(state, caller, operation, &operations[..index]).await? {
                    ahead.uploads.insert(index, upload);
                }
            }
            "complete_multipart_upload" => {
                allow_writing(caller, "complete_multipart_upload")?;
                ahead.answers.insert(index, complete(state, operation).await?);
            }
            "generate_signed_url" => {
                ahead.answers.insert(index, sign(state, operation).await?);
            }
            _ => {}
        }
    }
    Ok(ahead)
}

/// Begins an upload in parts. What is wrong with the request is told by the transaction, in the order of operations.
async fn begin(
    state: &AppState,
    caller: &Caller,
    operation: &Value,
    earlier: &[Value],
) -> ApiResult<Option<MultipartUpload>> {
    let (Ok(id), Ok(Some(parts)), true) = (component_id(operation), part_count(operation), caller.can_write) else {
        return Ok(None);
    };
    let name = match operation["file_name"].as_str().map(str::to_owned).or_else(|| created(id, earlier)) {
        Some(name) => name,
        None => stored_name(state, id).await?,
    };
    let begun = state.storage.begin_multipart(id, parts, &content_type(&name)).await;
    begun.map(Some).map_err(|error| refused(&format!("The upload of {id:?} cannot be begun"), &error))
}

async fn complete(state: &AppState, operation: &Value) -> ApiResult<Value> {
    let id = component_id(operation)?;
    let upload_id = text(operation, "upload_id")?;
    let completed = state.storage.complete_multipart(id, upload_id, parts(operation)?).await;
    completed.map_err(|error| refused(&format!("The upload of {id:?} cannot be completed"), &error))?;
    let url = read_address(state, id).await?;
    Ok(json!({"action": "complete_multipart_upload", "component_id": id, "url": url}))
}

/// `generate_signed_url`: an address to read data from, whether or not a location has them yet.
async fn sign(state: &AppState, operation: &Value) -> ApiResult<Value> {
    let id = component_id(operation)?;
    if operation["operation"] != "get" {
        return Err(ApiError::validation(format!("\"operation\" has to be \"get\", not {}.", operation["operation"])));
    }
    let exists = state.storage.exists(id).await;
    if !exists.map_err(|error| refused(&format!("The data of {id:?} cannot be looked for"), &error))? {
        let message = format!("No data are stored for the component {id:?}: upload them, or complete the upload.");
        return Err(ApiError::validation(message));
    }
    Ok(json!({"action": "generate_signed_url", "signed_url": read_address(state, id).await?}))
}

async fn read_address(state: &AppState, id: &str) -> ApiResult<String> {
    let name = stored_name(state, id).await?;
    Ok(state.storage.signed_url(id, &name, &content_type(&name)))
}

/// The file name of a component, or its id while there is none.
async fn stored_name(state: &AppState, id: &str) -> ApiResult<String> {
    let sql = "SELECT coalesce(name, ''), file_type FROM component WHERE id = ?1";
    let read = |row: &Row<'_>| Ok(file_name(&row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?.as_deref()));
    Ok(state.database.query_one(sql, [id.to_owned()], read).await?.unwrap_or_else(|| id.to_owned()))
}

/// The file name of a component that the same batch creates.
fn created(id: &str, earlier: &[Value]) -> Option<String> {
    let data = |operation: &Value| {
        let data = &operation["entity_data"];
        let is_it = operation["action"] == "create" && data["id"] == id;
        is_it.then(|| file_name(data["name"].as_str().unwrap_or_default(), data["file_type"].as_str()))
    };
    earlier.iter().rev().find_map(data)
}

fn refused(what: &str, error: &StorageError) -> ApiError {
    // A store that is out of order is no fault of the request: clients ask again.
    let exception = if error.status().is_server_error() { Exception::Internal } else { Exception::Validation };
    ApiError::new(exception, format!("{what}: {error}"))
}
