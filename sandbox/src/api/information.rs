//! `query_server_information`.

use serde_json::{Map, Value, json};

use super::batch::Batch;
use crate::error::{ApiError, ApiResult};
use crate::model::schemas::schema_hash;
use crate::query;

/// The server version this one resembles.
pub const VERSION: &str = "4.13.8";

/// What is told when no `values` are asked for (official client fixtures).
const USUAL: [&str; 4] = ["version", "schema_hash", "storage_scenario", "is_timezone_support_enabled"];

/// Answers the values asked for; those this server does not know are left out.
pub fn answer(batch: &Batch<'_>, operation: &Value) -> ApiResult<Value> {
    let asked = match &operation["values"] {
        Value::Null => json!(USUAL),
        Value::Array(_) => operation["values"].clone(),
        other => return Err(ApiError::validation(format!("\"values\" has to be a list of names, not {other}."))),
    };
    let mut answer = Map::new();
    for name in asked.as_array().into_iter().flatten().filter_map(Value::as_str) {
        if let Some(value) = value(batch, name)? {
            answer.insert(name.to_owned(), value);
        }
    }
    Ok(Value::Object(answer))
}

fn value(batch: &Batch<'_>, name: &str) -> ApiResult<Option<Value>> {
    Ok(Some(match name {
        "version" => json!(VERSION),
        "schema_hash" => json!(schema_hash()),
        "storage_scenario" => json!({"scenario": null, "data": {}}),
        "is_timezone_support_enabled" | "is_nested_subqueries_enabled" => json!(true),
        "product" => json!("ftreview-sandbox"),
        "preferred_language" => json!("en"),
        "week_startday" => json!(1),
        "workday_length" => json!(28_800),
        "display_week_numbers" | "display_task_dates_as_time" | "custom_widget" => json!(false),
        "storage_limit" => Value::Null,
        "license" | "default_colors" => json!([]),
        "company_information" => json!({"name": "Sandbox", "logo_url": null}),
        "user_information" => user(batch)?,
        _ => return Ok(None),
    }))
}

fn user(batch: &Batch<'_>) -> ApiResult<Value> {
    let expression = format!(
        "select id, username, first_name, last_name, thumbnail_id, thumbnail_url from User where id is \"{}\"",
        batch.caller.id
    );
    let mut user = query::entities(batch.connection, &batch.environment, &expression)?.pop().unwrap_or_default();
    if let Some(user) = user.as_object_mut() {
        user.retain(|name, _| !matches!(name.as_str(), "__entity_type__" | "resource_type"));
        user.insert("access_key_id".to_owned(), Value::Null);
        user.insert("is_global_access_key".to_owned(), json!(false));
        user.insert("restricted_user".to_owned(), json!(!batch.caller.can_write));
        user.insert("permissions".to_owned(), json!([]));
    }
    Ok(user)
}
