//! What the server adds by itself: values of new entities, and the record of status changes.

use rusqlite::types::Value as SqlValue;
use rusqlite::{OptionalExtension, Params, params};
use serde_json::Value;

use super::batch::Batch;
use super::write::Columns;
use crate::error::{ApiError, ApiResult};
use crate::model::{EntityType, Fill, Kind, model};
use crate::value::now;

/// The value of an attribute that was not given; null when there is nothing to find it from.
pub fn value(batch: &Batch<'_>, fill: Fill, columns: &Columns) -> ApiResult<SqlValue> {
    Ok(match fill {
        Fill::Now => SqlValue::Text(now()),
        Fill::Caller => SqlValue::Text(batch.caller.id.clone()),
        Fill::False => SqlValue::Integer(0),
        Fill::Zero => SqlValue::Real(0.0),
        Fill::Text(text) => SqlValue::Text(text.to_owned()),
        Fill::First(name) => first(batch, name)?,
        Fill::NextVersion => {
            let sql = "SELECT coalesce(max(version), 0) + 1 FROM asset_version WHERE asset_id = ?1";
            select(batch, sql, params![given(columns, "asset_id")])?
        }
        Fill::VersionStatus => match version_status(batch, &given(columns, "asset_id"))? {
            SqlValue::Null => first(batch, "Status")?,
            status => status,
        },
        // A project is its own project.
        Fill::ProjectOf("id") => given(columns, "id"),
        Fill::ProjectOf(name) => project_of(batch, &given(columns, name))?,
    })
}

/// A context cannot be moved below itself.
pub fn refuse_own_descendant(
    batch: &Batch<'_>,
    entity: &EntityType,
    key: &[String],
    columns: &Columns,
) -> ApiResult<()> {
    let SqlValue::Text(parent) = given(columns, "parent_id") else { return Ok(()) };
    if !model().is_a(entity.name, "Context") {
        return Ok(());
    }
    let sql = "WITH RECURSIVE up(id) AS (SELECT ?1 UNION SELECT c.parent_id FROM context c JOIN up ON c.id = up.id) \
               SELECT count(*) FROM up WHERE id = ?2";
    if select(batch, sql, params![parent, key[0]])? == SqlValue::Integer(0) {
        return Ok(());
    }
    Err(ApiError::validation(format!("{}.parent_id: {parent:?} is the entity itself or below it.", entity.name)))
}

/// A context that was moved takes everything below it to its new parent's project.
pub fn follow_parent(batch: &Batch<'_>, entity: &EntityType, key: &[String], columns: &Columns) -> ApiResult<()> {
    let SqlValue::Text(parent) = given(columns, "parent_id") else { return Ok(()) };
    if !model().is_a(entity.name, "TypedContext") {
        return Ok(());
    }
    let sql = "WITH RECURSIVE down(id) AS (SELECT ?1 UNION SELECT c.id FROM context c JOIN down ON c.parent_id = down.id) \
               UPDATE context SET project_id = (SELECT project_id FROM context WHERE id = ?2) \
               WHERE id IN (SELECT id FROM down)";
    batch.connection.execute(sql, params![key[0], parent])?;
    Ok(())
}

/// What was put into a collection of an entity is in the same project, where it has none yet.
pub fn follow_owner(batch: &Batch<'_>, entity: &EntityType, via: &str, owner: &str) -> ApiResult<()> {
    let follows = |name| matches!(name, Some(Fill::ProjectOf(column)) if column == via);
    if !entity.attribute("project_id").is_some_and(|attribute| follows(attribute.fill)) {
        return Ok(());
    }
    let project = project_of(batch, &SqlValue::Text(owner.to_owned()))?;
    let sql = format!("UPDATE \"{}\" SET project_id = ?1 WHERE \"{via}\" = ?2 AND project_id IS NULL", entity.table);
    batch.connection.execute(&sql, params![project, owner])?;
    Ok(())
}

/// Writes down who changed a status, where the type has such a record.
pub fn record_status_change(
    batch: &Batch<'_>,
    entity: &EntityType,
    key: &[String],
    before: &Value,
    columns: &Columns,
) -> ApiResult<()> {
    let SqlValue::Text(status) = given(columns, "status_id") else { return Ok(()) };
    let record = entity.attribute("status_changes").and_then(|attribute| match attribute.kind {
        Kind::Many { to, .. } => model().entity(to),
        _ => None,
    });
    let Some(record) = record else { return Ok(()) };
    let parent_type = if model().is_a(entity.name, "TypedContext") { "TypedContext" } else { entity.name };
    let sql = format!(
        "INSERT INTO \"{}\" (id, date, parent_type, parent_id, status_id, from_status_id, user_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        record.table
    );
    let id = uuid::Uuid::new_v4().to_string();
    let from = before["status_id"].as_str();
    batch.connection.execute(&sql, params![id, now(), parent_type, key[0], status, from, batch.caller.id])?;
    Ok(())
}

/// The first entity of a type, by `sort` where it has one.
fn first(batch: &Batch<'_>, name: &str) -> ApiResult<SqlValue> {
    let Some(entity) = model().entity(name) else { return Ok(SqlValue::Null) };
    let order = if entity.attribute("sort").is_some() { "sort, rowid" } else { "rowid" };
    select(batch, &format!("SELECT id FROM \"{}\" ORDER BY {order} LIMIT 1", entity.table), [])
}

fn version_status(batch: &Batch<'_>, asset: &SqlValue) -> ApiResult<SqlValue> {
    let sql = "SELECT s.id FROM asset a \
               JOIN context c ON c.id = a.context_id JOIN context p ON p.id = c.project_id \
               JOIN project_schema ps ON ps.id = p.project_schema_id \
               JOIN workflow_schema_status w ON w.workflow_schema_id = ps.asset_version_workflow_schema_id \
               JOIN status s ON s.id = w.status_id WHERE a.id = ?1 ORDER BY w.rowid LIMIT 1";
    select(batch, sql, params![asset])
}

/// The project of whatever has this id.
fn project_of(batch: &Batch<'_>, id: &SqlValue) -> ApiResult<SqlValue> {
    let sql = "SELECT project_id FROM context WHERE id = ?1 UNION ALL SELECT project_id FROM asset WHERE id = ?1 \
               UNION ALL SELECT project_id FROM asset_version WHERE id = ?1 UNION ALL \
               SELECT s.project_id FROM review_session_object o JOIN review_session s ON s.id = o.review_session_id \
               WHERE o.id = ?1 LIMIT 1";
    select(batch, sql, params![id])
}

fn given(columns: &Columns, name: &str) -> SqlValue {
    let found = columns.iter().find(|(attribute, _)| attribute.name == name);
    found.map_or(SqlValue::Null, |(_, value)| value.clone())
}

fn select(batch: &Batch<'_>, sql: &str, parameters: impl Params) -> ApiResult<SqlValue> {
    let mut statement = batch.connection.prepare_cached(sql)?;
    Ok(statement.query_row(parameters, |row| row.get(0)).optional()?.unwrap_or(SqlValue::Null))
}
