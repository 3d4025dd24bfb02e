//! Collections in `create` and `update`: clients send the whole collection, as references.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params, params_from_iter};
use serde_json::{Value, json};

use super::batch::{Batch, key_text};
use super::write::{by_key, refused};
use super::{changes, fill};
use crate::error::{ApiError, ApiResult};
use crate::model::{Attribute, EntityType, Kind, model};

/// A collection with entities that were not there when it was written.
pub struct Unfinished {
    entity: &'static EntityType,
    id: String,
    attribute: &'static Attribute,
    missing: Vec<Vec<String>>,
}

/// Makes the collection what the client sent: adds what is new, takes out what is not named any more.
pub fn write(
    batch: &mut Batch<'_>,
    entity: &'static EntityType,
    id: &str,
    attribute: &'static Attribute,
    items: &Value,
) -> ApiResult<()> {
    let Some(target) = attribute.target().and_then(|name| model().entity(name)) else { return Ok(()) };
    let keys = keys(entity, attribute, target, items)?;
    match attribute.kind {
        Kind::Many { via, .. } | Kind::Mapped { via, .. } => {
            let mut missing = Vec::new();
            for key in &keys {
                changes::touching(batch, target, key, false)?;
                if !adopt(batch, entity, id, target, via, key)? {
                    missing.push(key.clone());
                }
            }
            let released = release(batch, id, target, via, &keys)?;
            batch.released.extend(released.into_iter().map(|key| (target.table, key)));
            if !missing.is_empty() {
                batch.unfinished.push(Unfinished { entity, id: id.to_owned(), attribute, missing });
            }
            Ok(())
        }
        Kind::Through { link, near, far, .. } => relink(batch.connection, id, (link, near, far), &keys),
        _ => Ok(()),
    }
}

/// Tries again at the end of the batch, when everything is there that ever will be.
pub fn finish(batch: &mut Batch<'_>) -> ApiResult<()> {
    for unfinished in std::mem::take(&mut batch.unfinished) {
        let Unfinished { entity, id, attribute, missing } = unfinished;
        let (Kind::Many { to, via } | Kind::Mapped { to, via }) = attribute.kind else { continue };
        let Some(target) = model().entity(to) else { continue };
        for key in missing {
            changes::touching(batch, target, &key, false)?;
            if !adopt(batch, entity, &id, target, via, &key)? {
                let message =
                    format!("{}.{}: there is no {to} with the key {}.", entity.name, attribute.name, json!(key));
                return Err(ApiError::integrity(message));
            }
        }
    }
    Ok(())
}

/// The keys in a list of `{"__entity_type__", key attributes}`.
fn keys(entity: &EntityType, attribute: &Attribute, target: &EntityType, items: &Value) -> ApiResult<Vec<Vec<String>>> {
    let wrong = || {
        let names = target.primary_key.join(", ");
        ApiError::validation(format!(
            "{}.{} has to be a list of {} with {names}, not {items}.",
            entity.name, attribute.name, target.name
        ))
    };
    if items.is_null() {
        return Ok(Vec::new());
    }
    let key = |item: &Value| target.primary_key.iter().map(|name| key_text(&item[*name])).collect::<Option<Vec<_>>>();
    items.as_array().ok_or_else(wrong)?.iter().map(|item| key(item).ok_or_else(wrong)).collect()
}

/// Points the row's `via` at the owner; `false` when there is no such row.
fn adopt(
    batch: &Batch<'_>,
    owner: &EntityType,
    id: &str,
    target: &EntityType,
    via: &str,
    key: &[String],
) -> ApiResult<bool> {
    // What hangs on entities of any type says on which.
    let owner_type = if model().is_a(owner.name, "TypedContext") { "TypedContext" } else { owner.name };
    let mut values = vec![id];
    let mut assignments = format!("\"{via}\" = ?1");
    if target.attribute("parent_type").is_some() {
        values.push(owner_type);
        assignments += ", parent_type = coalesce(parent_type, ?2)";
    }
    let sql = format!("UPDATE \"{}\" SET {assignments} WHERE {}", target.table, by_key(target, values.len()));
    let parameters = values.into_iter().chain(key.iter().map(String::as_str));
    let changed =
        batch.connection.execute(&sql, params_from_iter(parameters)).map_err(|error| refused(target, key, error))?;
    if changed > 0 {
        fill::follow_owner(batch, target, via, id)?;
    }
    Ok(changed > 0)
}

/// Takes out rows that are not among `keys`, and returns the keys of those that went because they need an owner.
fn release(
    batch: &mut Batch<'_>,
    id: &str,
    target: &'static EntityType,
    via: &str,
    keys: &[Vec<String>],
) -> ApiResult<Vec<Vec<String>>> {
    let names = target.primary_key.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let connection = batch.connection;
    let mut statement =
        connection.prepare(&format!("SELECT {names} FROM \"{}\" WHERE \"{via}\" = ?1", target.table))?;
    let count = target.primary_key.len();
    let present = statement.query_map([id], |row| (0..count).map(|index| row.get::<_, String>(index)).collect())?;
    let present: Vec<Vec<String>> = present.collect::<Result<_, _>>()?;
    let needs_owner = target.attribute(via).is_some_and(|attribute| attribute.required);
    let unnamed: Vec<Vec<String>> = present.into_iter().filter(|key| !keys.contains(key)).collect();
    for key in &unnamed {
        changes::touching(batch, target, key, needs_owner)?;
        let sql = if needs_owner {
            format!("DELETE FROM \"{}\" WHERE {}", target.table, by_key(target, 0))
        } else {
            format!("UPDATE \"{}\" SET \"{via}\" = NULL WHERE {}", target.table, by_key(target, 0))
        };
        connection.execute(&sql, params_from_iter(key)).map_err(|error| refused(target, key, error))?;
    }
    Ok(if needs_owner { unnamed } else { Vec::new() })
}

fn relink(
    connection: &Connection,
    id: &str,
    (link, near, far): (&str, &str, &str),
    keys: &[Vec<String>],
) -> ApiResult<()> {
    let Some(link) = model().entity(link) else { return Ok(()) };
    let wanted = json!(keys.iter().map(|key| &key[0]).collect::<Vec<_>>()).to_string();
    let table = link.table;
    connection.execute(
        &format!(
            "DELETE FROM \"{table}\" WHERE \"{near}\" = ?1 AND \"{far}\" NOT IN (SELECT value FROM json_each(?2))"
        ),
        params![id, wanted],
    )?;
    for key in keys {
        let known = format!("SELECT count(*) FROM \"{table}\" WHERE \"{near}\" = ?1 AND \"{far}\" = ?2");
        if connection.query_row(&known, params![id, key[0]], |row| row.get::<_, i64>(0))? > 0 {
            continue;
        }
        let mut columns = vec![(near, id.to_owned()), (far, key[0].clone())];
        if link.primary_key == ["id"] {
            columns.push(("id", uuid::Uuid::new_v4().to_string()));
        }
        let names = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let places = (1..=columns.len()).map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ");
        let sql = format!("INSERT INTO \"{table}\" ({names}) VALUES ({places})");
        let values = columns.into_iter().map(|(_, value)| SqlValue::Text(value));
        connection.execute(&sql, params_from_iter(values)).map_err(|error| refused(link, key, error))?;
    }
    Ok(())
}
