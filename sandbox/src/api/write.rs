//! `create` and `update`.

use rusqlite::types::Value as SqlValue;
use rusqlite::{ErrorCode, OptionalExtension, params_from_iter};
use serde_json::{Map, Value, json};

use super::batch::{Batch, entity_data, entity_key, entity_type, key_text};
use super::{custom, fill, invite, relations};
use crate::error::{ApiError, ApiResult, Exception};
use crate::model::{Attribute, Default, EntityType, Fill, Kind, TYPE_COLUMN, model};
use crate::query::Loader;
use crate::value::to_sql;

/// Columns and their values, by attribute.
pub type Columns = Vec<(&'static Attribute, SqlValue)>;

/// The longest id: a UUID with dashes.
const MAX_ID_LENGTH: usize = 36;

/// Creates an entity and answers it with everything the server added.
pub fn create(batch: &mut Batch<'_>, operation: &Value) -> ApiResult<Value> {
    let mut data = entity_data(operation)?.clone();
    let entity = concrete(entity_type(operation)?, &data)?;
    if operation["entity_key"].is_array() {
        for (name, value) in entity.primary_key.iter().zip(entity_key(entity, operation)?) {
            data.entry(*name).or_insert(json!(value));
        }
    }
    // A null is nothing given; so is the number 0 for a version (AYON, integrate_ftrack_api.py).
    data.retain(|name, value| {
        let counts = entity.attribute(name).is_some_and(|attribute| attribute.fill == Some(Fill::NextVersion));
        !(value.is_null() || counts && value == &json!(0))
    });
    let (mut columns, collections) = take_apart(entity, &data)?;
    check_classifier(entity, &columns)?;
    complete(batch, entity, &mut columns)?;
    check_references(batch, entity, &columns)?;
    invite::check_address(entity, &columns)?;
    let key = key_of(entity, &columns)?;
    insert(batch, entity, &key, &columns)?;
    if let Some(changes) = &mut batch.changes {
        changes.created(entity, &key);
    }
    custom::complete(batch, entity, &key[0])?;
    batch.created.extend(key.first().filter(|_| key.len() == 1).cloned());
    for (attribute, items) in collections {
        relations::write(batch, entity, &key[0], attribute, items)?;
    }
    answer(batch, "create", entity, &key, &data)
}

/// Changes an entity and answers it.
pub fn update(batch: &mut Batch<'_>, operation: &Value) -> ApiResult<Value> {
    let named = entity_type(operation)?;
    let key = entity_key(named, operation)?;
    let data = entity_data(operation)?;
    let Some(entity) = find(batch, named, &key)? else {
        if named.upsert {
            return create(batch, operation);
        }
        return Err(missing(named, &key));
    };
    let Some(before) = Loader::new(batch.connection, &batch.environment).full(entity, &key, std::iter::empty())? else {
        return Err(missing(named, &key));
    };
    if let Some(changes) = &mut batch.changes {
        changes.updating(entity, &key, &before);
    }
    let (mut columns, collections) = take_apart(entity, data)?;
    for (attribute, value) in &columns {
        let stays_null = attribute.required && *value == SqlValue::Null;
        if stays_null {
            return Err(ApiError::validation(format!("{}.{} cannot be null.", entity.name, attribute.name)));
        }
    }
    columns
        .retain(|(attribute, value)| to_sql(entity, attribute, &before[attribute.name]).ok().as_ref() != Some(value));
    if let Some((attribute, _)) = columns.iter().find(|(attribute, _)| attribute.immutable) {
        return Err(ApiError::validation(format!("{}.{} cannot be changed.", entity.name, attribute.name)));
    }
    check_references(batch, entity, &columns)?;
    invite::check_address(entity, &columns)?;
    check_order(batch, entity, &columns)?;
    fill::refuse_own_descendant(batch, entity, &key, &columns)?;
    if !columns.is_empty() {
        let assignments: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(i, (attribute, _))| format!("\"{}\" = ?{}", attribute.name, i + 1))
            .collect();
        let sql = format!(
            "UPDATE \"{}\" SET {} WHERE {}",
            entity.table,
            assignments.join(", "),
            by_key(entity, columns.len())
        );
        let values = columns.iter().map(|(_, value)| value.clone()).chain(key.iter().cloned().map(SqlValue::Text));
        batch.connection.execute(&sql, params_from_iter(values)).map_err(|error| refused(entity, &key, error))?;
        fill::record_status_change(batch, entity, &key, &before, &columns)?;
        fill::follow_parent(batch, entity, &key, &columns)?;
    }
    for (attribute, items) in collections {
        relations::write(batch, entity, &key[0], attribute, items)?;
    }
    answer(batch, "update", entity, &key, data)
}

/// The type of the row with this key, when the row is there and of the type or one that extends it.
pub fn find(batch: &Batch<'_>, entity: &'static EntityType, key: &[String]) -> ApiResult<Option<&'static EntityType>> {
    let is_shared = model().is_shared(entity.table);
    let own_type = if is_shared { TYPE_COLUMN } else { "NULL" };
    let sql = format!("SELECT {own_type} FROM \"{}\" WHERE {}", entity.table, by_key(entity, 0));
    let mut statement = batch.connection.prepare_cached(&sql)?;
    let found = statement.query_row(params_from_iter(key), |row| row.get::<_, Option<String>>(0)).optional()?;
    Ok(match found {
        Some(Some(name)) if model().is_a(&name, entity.name) => model().entity(&name),
        Some(None) if !is_shared => Some(entity),
        _ => None,
    })
}

/// Says that there is no such entity.
pub fn missing(entity: &EntityType, key: &[String]) -> ApiError {
    ApiError::validation(format!("There is no {} with the key {}.", entity.name, json!(key)))
}

/// `"id" = ?1`, for all attributes of the key, with parameters counted from `after`.
pub fn by_key(entity: &EntityType, after: usize) -> String {
    let names = entity.primary_key.iter().enumerate();
    names.map(|(index, name)| format!("\"{name}\" = ?{}", after + index + 1)).collect::<Vec<_>>().join(" AND ")
}

/// What SQLite refused, in the server's words.
pub fn refused(entity: &EntityType, key: &[String], error: rusqlite::Error) -> ApiError {
    let rusqlite::Error::SqliteFailure(failure, _) = &error else { return error.into() };
    match (failure.code, failure.extended_code) {
        (ErrorCode::ConstraintViolation, rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => ApiError::new(
            Exception::DuplicateEntry,
            format!("Duplicate entry: there is already a {} with the key {}.", entity.name, json!(key)),
        ),
        (ErrorCode::ConstraintViolation, _) => ApiError::integrity(format!(
            "{} {}: other entities refer to it, or it refers to one that is not there.",
            entity.name,
            json!(key)
        )),
        _ => error.into(),
    }
}

/// Inserts a row.
pub fn insert(batch: &Batch<'_>, entity: &EntityType, key: &[String], columns: &Columns) -> ApiResult<()> {
    let mut names: Vec<&str> = columns.iter().map(|(attribute, _)| attribute.name).collect();
    let mut values: Vec<SqlValue> = columns.iter().map(|(_, value)| value.clone()).collect();
    if model().is_shared(entity.table) {
        names.push(TYPE_COLUMN);
        values.push(SqlValue::Text(entity.name.to_owned()));
    }
    let places = (1..=names.len()).map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ");
    let sql = format!("INSERT INTO \"{}\" (\"{}\") VALUES ({places})", entity.table, names.join("\", \""));
    let inserted = batch.connection.prepare_cached(&sql)?.execute(params_from_iter(values));
    inserted.map(drop).map_err(|error| refused(entity, key, error))
}

/// Clients replace what they hold by what is answered, so relations that were written have to be in it.
fn answer(
    batch: &Batch<'_>,
    action: &str,
    entity: &EntityType,
    key: &[String],
    written: &Map<String, Value>,
) -> ApiResult<Value> {
    let names = written.keys().map(String::as_str);
    let full = Loader::new(batch.connection, &batch.environment).full(entity, key, names)?;
    Ok(json!({"action": action, "data": full}))
}

/// The type that is meant when a base type is created, found by its classifier: `TypedContext` with a shot's object type.
fn concrete(named: &'static EntityType, data: &Map<String, Value>) -> ApiResult<&'static EntityType> {
    let fits = |entity: &&EntityType| {
        let given = entity.classifier.and_then(|(attribute, value)| Some(data.get(attribute)?.as_str()? == value));
        model().is_a(entity.name, named.name) && given == Some(true)
    };
    let found = if named.classifier.is_some() { None } else { model().types().iter().find(fits) };
    match found {
        Some(entity) => Ok(entity),
        None if named.is_abstract => {
            let names = model().family(named.name);
            let is_concrete = |name: &&str| model().entity(name).is_some_and(|entity| !entity.is_abstract);
            let names = names.into_iter().filter(is_concrete).collect::<Vec<_>>().join(", ");
            Err(ApiError::validation(format!("A {} cannot be created as such, only as one of {names}.", named.name)))
        }
        None => Ok(named),
    }
}

type Collections<'v> = Vec<(&'static Attribute, &'v Value)>;

/// Sorts what a client sent into columns and collections, and checks each value.
fn take_apart<'v>(entity: &'static EntityType, data: &'v Map<String, Value>) -> ApiResult<(Columns, Collections<'v>)> {
    let (mut columns, mut collections): (Columns, Collections<'v>) = (Vec::new(), Vec::new());
    for (name, value) in data.iter().filter(|(name, _)| *name != "__entity_type__") {
        let found = entity.attribute(name).filter(|attribute| !attribute.hidden);
        let no_such = || ApiError::validation(format!("{} has no attribute {name:?}.", entity.name));
        let attribute = found.ok_or_else(no_such)?;
        let via = match attribute.kind {
            Kind::One { via, .. } => entity.attribute(via),
            _ => None,
        };
        if attribute.is_column() {
            set(&mut columns, attribute, to_sql(entity, attribute, value)?);
        } else if let Some(via) = via.filter(|via| via.is_column()) {
            let id = reference(entity, attribute, value)?;
            set(&mut columns, via, id.map_or(SqlValue::Null, SqlValue::Text));
        } else if attribute.is_collection() && !matches!(attribute.kind, Kind::Ancestors | Kind::Descendants) {
            collections.push((attribute, value));
        } else if !value.is_null() {
            let message = format!("{}.{name} is computed by the server and cannot be set.", entity.name);
            return Err(ApiError::validation(message));
        }
    }
    let is_id = |attribute: &Attribute| attribute.default == Some(Default::NewId);
    for (attribute, value) in columns.iter().filter(|(attribute, _)| is_id(attribute)) {
        let SqlValue::Text(id) = value else { continue };
        let is_plain = id.chars().all(|character| character.is_ascii_alphanumeric() || character == '-');
        if id.is_empty() || id.len() > MAX_ID_LENGTH || !is_plain {
            let message = format!("{}.{} has to be a UUID, not {id:?}.", entity.name, attribute.name);
            return Err(ApiError::validation(message));
        }
    }
    Ok((columns, collections))
}

fn set(columns: &mut Columns, attribute: &'static Attribute, value: SqlValue) {
    match columns.iter_mut().find(|(known, _)| known.name == attribute.name) {
        // The id and the relation were both given; what says something wins.
        Some((_, known)) if *known == SqlValue::Null => *known = value,
        Some(_) => {}
        None => columns.push((attribute, value)),
    }
}

/// The id in `{"__entity_type__", "id"}`, which is how clients send related entities.
fn reference(entity: &EntityType, attribute: &Attribute, value: &Value) -> ApiResult<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    let message = || {
        let to = attribute.target().unwrap_or_default();
        format!("{}.{} has to be a {to} as {{\"__entity_type__\", \"id\"}}, not {value}.", entity.name, attribute.name)
    };
    key_text(&value["id"]).map(Some).ok_or_else(|| ApiError::validation(message()))
}

/// Adds defaults and what the server fills in, and checks that nothing is missing.
fn complete(batch: &Batch<'_>, entity: &'static EntityType, columns: &mut Columns) -> ApiResult<()> {
    for attribute in entity.columns() {
        if columns.iter().any(|(known, _)| known.name == attribute.name) {
            continue;
        }
        let default = attribute.default.map(|default| match default {
            Default::NewId => SqlValue::Text(uuid::Uuid::new_v4().to_string()),
            Default::Text(text) if attribute.kind == Kind::Variable => SqlValue::Text(json!(text).to_string()),
            Default::Text(text) => SqlValue::Text(text.to_owned()),
            Default::Integer(number) if attribute.kind == Kind::Number => SqlValue::Real(number as f64),
            Default::Integer(number) => SqlValue::Integer(number),
            Default::Boolean(value) => SqlValue::Integer(i64::from(value)),
        });
        let classified = entity.classifier.filter(|(name, _)| *name == attribute.name);
        let value = match (classified, default, attribute.fill) {
            (Some((_, value)), ..) => SqlValue::Text(value.to_owned()),
            (_, Some(default), _) => default,
            (_, None, Some(fill)) => fill::value(batch, fill, columns)?,
            (_, None, None) => SqlValue::Null,
        };
        if value != SqlValue::Null {
            columns.push((attribute, value));
        } else if attribute.required {
            return Err(ApiError::validation(format!("{}.{} is required.", entity.name, attribute.name)));
        }
    }
    Ok(())
}

fn check_classifier(entity: &EntityType, columns: &Columns) -> ApiResult<()> {
    let Some((name, expected)) = entity.classifier else { return Ok(()) };
    match columns.iter().find(|(attribute, _)| attribute.name == name) {
        Some((_, SqlValue::Text(given))) if given != expected => {
            Err(ApiError::validation(format!("{}.{name} has to be {expected:?}, not {given:?}.", entity.name)))
        }
        _ => Ok(()),
    }
}

fn key_of(entity: &EntityType, columns: &Columns) -> ApiResult<Vec<String>> {
    let part = |name: &&'static str| {
        let found = columns.iter().find(|(attribute, _)| attribute.name == *name).map(|(_, value)| value);
        match found {
            Some(SqlValue::Text(text)) => Ok(text.clone()),
            Some(SqlValue::Integer(number)) => Ok(number.to_string()),
            _ => Err(ApiError::validation(format!("{}.{name} is required.", entity.name))),
        }
    };
    entity.primary_key.iter().map(part).collect()
}

fn check_references(batch: &Batch<'_>, entity: &EntityType, columns: &Columns) -> ApiResult<()> {
    for (attribute, value) in columns {
        let (Kind::Key { to, .. }, SqlValue::Text(id)) = (attribute.kind, value) else { continue };
        let Some(target) = model().entity(to) else { continue };
        let is_itself = target.table == entity.table
            && columns.iter().any(|(other, value)| other.name == "id" && *value == SqlValue::Text(id.clone()));
        if !is_itself && find(batch, target, std::slice::from_ref(id))?.is_none() {
            let message = format!("{}.{}: there is no {to} with the id {id:?}.", entity.name, attribute.name);
            return Err(ApiError::integrity(message));
        }
        if batch.state.config.strict_ordering && attribute.name == "thumbnail_id" && batch.created.contains(id) {
            return Err(ApiError::integrity(format!(
                "{}.thumbnail_id: the component {id:?} is made in the same batch. Real servers may set the thumbnail \
                 before they make it; send it in a later batch.",
                entity.name
            )));
        }
    }
    Ok(())
}

/// Real servers fail when a component is moved to a version that the same batch makes (Adobe panel, share.js).
fn check_order(batch: &Batch<'_>, entity: &EntityType, columns: &Columns) -> ApiResult<()> {
    let is_component = model().is_a(entity.name, "Component");
    let version = columns.iter().find_map(|(attribute, value)| match value {
        SqlValue::Text(id) if attribute.name == "version_id" => Some(id),
        _ => None,
    });
    match version {
        Some(id) if is_component && batch.state.config.strict_ordering && batch.created.contains(id) => {
            Err(ApiError::integrity(format!(
                "{}.version_id: the version {id:?} is made in the same batch. Real servers may move the component before \
                 they make it; send it in a later batch.",
                entity.name
            )))
        }
        _ => Ok(()),
    }
}
