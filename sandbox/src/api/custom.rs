//! Custom attributes have a value on every entity that they are for: the default, until another is set. Clients rely on its
//! being there, and never create one for an entity that exists (Python client, entity/factory.py).
//!
//! Values of hierarchical attributes are only where they were set; everything below inherits them.

use rusqlite::params;

use super::batch::Batch;
use crate::error::ApiResult;
use crate::model::{EntityType, model};

/// What has custom attributes.
const OWNERS: [&str; 5] = ["Context", "Asset", "AssetVersion", "User", "List"];

/// Adds the values that a new entity, or a new attribute, brings along.
pub fn complete(batch: &Batch<'_>, entity: &EntityType, id: &str) -> ApiResult<()> {
    if entity.name == "CustomAttributeConfiguration" {
        return OWNERS.into_iter().try_for_each(|of| add(batch, of, "c.id = ?1", id));
    }
    match OWNERS.into_iter().find(|of| model().is_a(entity.name, of)) {
        Some(of) => add(batch, of, "e.id = ?1", id),
        None => Ok(()),
    }
}

/// Adds the default value of attributes to entities of a type, where there is none.
fn add(batch: &Batch<'_>, of: &str, criteria: &str, id: &str) -> ApiResult<()> {
    let (Some(entity), Some(value)) = (model().entity(of), model().entity(&format!("{of}CustomAttributeValue"))) else {
        return Ok(());
    };
    // What an attribute is for has the legacy names (Python client, entity/factory.py).
    let (kind, object_type) = match of {
        "Context" => ("CASE e._type WHEN 'Project' THEN 'show' ELSE 'task' END", "e.object_type_id"),
        "Asset" => ("'asset'", "NULL"),
        "AssetVersion" => ("'assetversion'", "NULL"),
        "User" => ("'user'", "NULL"),
        _ => ("'list'", "NULL"),
    };
    let project = if of == "User" { "NULL" } else { "e.project_id" };
    let sql = format!(
        "INSERT OR IGNORE INTO \"{}\" (configuration_id, entity_id, value) \
         SELECT c.id, e.id, c.\"default\" FROM custom_attribute_configuration c JOIN \"{}\" e ON c.entity_type = {kind} \
         WHERE {criteria} AND NOT coalesce(c.is_hierarchical, 0) \
         AND (c.project_id IS NULL OR c.project_id = {project}) \
         AND (c.object_type_id IS NULL OR c.object_type_id = {object_type})",
        value.table, entity.table
    );
    batch.connection.prepare_cached(&sql)?.execute(params![id])?;
    Ok(())
}
