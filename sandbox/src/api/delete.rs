//! `delete`.

use rusqlite::params_from_iter;
use serde_json::{Value, json};

use super::batch::{Batch, entity_key, entity_type};
use super::changes;
use super::write::{by_key, find, missing, refused};
use crate::error::ApiResult;

/// Deletes an entity, and with it everything that is a part of it.
pub fn delete(batch: &mut Batch<'_>, operation: &Value) -> ApiResult<Value> {
    let entity = entity_type(operation)?;
    let key = entity_key(entity, operation)?;
    if find(batch, entity, &key)?.is_some() {
        changes::touching(batch, entity, &key, true)?;
        let sql = format!("DELETE FROM \"{}\" WHERE {}", entity.table, by_key(entity, 0));
        batch.connection.execute(&sql, params_from_iter(&key)).map_err(|error| refused(entity, &key, error))?;
    } else if !batch.released.contains(&(entity.table, key.clone())) {
        return Err(missing(entity, &key));
    }
    Ok(json!({"action": "delete", "data": true}))
}
