//! Attributes that are computed when they are answered: links and addresses.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use crate::error::ApiResult;
use crate::model::{Computed, EntityType};
use crate::storage::Storage;

/// The location whose media this server keeps (Python client, symbol.py).
pub const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";
/// The location whose resource identifiers are addresses.
pub const REVIEW_LOCATION: &str = "cd41be70-8809-11e3-b98a-20c9d081909b";

/// The value of a computed attribute for a row with these columns.
pub fn compute(
    connection: &Connection,
    storage: &Storage,
    entity: &EntityType,
    what: Computed,
    columns: &HashMap<&'static str, Value>,
) -> ApiResult<Value> {
    let text = |name: &str| columns.get(name).and_then(Value::as_str);
    match what {
        Computed::Link => Ok(Value::Array(link(connection, entity, text("id").unwrap_or_default())?)),
        Computed::ThumbnailUrl => address(connection, storage, text("thumbnail_id")),
        Computed::MediaUrl => match text("location_id") {
            Some(REVIEW_LOCATION) => Ok(json!({"value": text("resource_identifier")})),
            Some(SERVER_LOCATION) => address(connection, storage, text("component_id")),
            Some(_) => Ok(json!({"value": null})),
            None if columns.contains_key("location_id") => Ok(json!({"value": null})),
            None => address(connection, storage, text("component_id")),
        },
    }
}

/// The file name a component is downloaded as. Some publishers repeat the file type in the name.
pub fn file_name(name: &str, file_type: Option<&str>) -> String {
    let file_type = file_type.unwrap_or_default();
    if name.ends_with(file_type) { name.to_owned() } else { format!("{name}{file_type}") }
}

/// The content type that goes with a file name.
pub fn content_type(file_name: &str) -> String {
    mime_guess::from_path(file_name).first_or_octet_stream().essence_str().to_owned()
}

fn address(connection: &Connection, storage: &Storage, component: Option<&str>) -> ApiResult<Value> {
    let Some(id) = component else { return Ok(json!({"value": null})) };
    let mut statement = connection.prepare_cached("SELECT name, file_type FROM component WHERE id = ?1")?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?));
    let Some((name, file_type)) = statement.query_row([id], read).optional()? else {
        return Ok(json!({"value": null}));
    };
    let name = file_name(&name, file_type.as_deref());
    Ok(json!({"value": storage.signed_url(id, &name, &content_type(&name))}))
}

/// From the project down to the entity, as `{type, id, name}`.
fn link(connection: &Connection, entity: &EntityType, id: &str) -> ApiResult<Vec<Value>> {
    if entity.table == "context" {
        return context_link(connection, id);
    }
    let sql =
        "SELECT a.context_id, a.name, v.version FROM asset_version v JOIN asset a ON a.id = v.asset_id WHERE v.id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<i64>>(2)?))
    };
    let found = statement.query_row([id], read).optional()?;
    let Some((context, name, version)) = found else { return Ok(Vec::new()) };
    let mut link = context.map_or(Ok(Vec::new()), |context| context_link(connection, &context))?;
    let name = format!("{} - v{}", name.unwrap_or_default(), version.unwrap_or_default());
    link.push(json!({"type": "AssetVersion", "id": id, "name": name}));
    Ok(link)
}

fn context_link(connection: &Connection, id: &str) -> ApiResult<Vec<Value>> {
    let mut statement =
        connection.prepare_cached("SELECT _type, name, full_name, parent_id FROM context WHERE id = ?1")?;
    let mut link = Vec::new();
    let mut next = Some(id.to_owned());
    // No row is its own ancestor: `api::write` refuses a parent that is below its child.
    while let Some(id) = next.take() {
        let mut rows = statement.query([&id])?;
        if let Some(row) = rows.next()? {
            let is_project = row.get_ref(0)?.as_str().is_ok_and(|name| name == "Project");
            let full_name: Option<String> = row.get(2)?;
            let name: Option<String> =
                full_name.filter(|_| is_project).map_or_else(|| row.get(1), |name| Ok(Some(name)))?;
            next = row.get(3)?;
            link.push(json!({"type": if is_project { "Project" } else { "TypedContext" }, "id": id, "name": name}));
        }
    }
    link.reverse();
    Ok(link)
}
