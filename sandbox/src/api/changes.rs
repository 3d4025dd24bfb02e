//! What a batch changes, for the `ftrack.update` that follows it: each entity once, as it was before the batch and as it is
//! at its end.
//!
//! Rows that go along with a deleted entity, and links that a collection of the kind "through" writes, are not told.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::batch::Batch;
use super::write::find;
use crate::encoding::request::ENCODING;
use crate::error::ApiResult;
use crate::model::{EntityType, model};
use crate::query::Loader;

/// The deepest chain of parents: a guard, no project is that deep.
const MOST_PARENTS: usize = 100;

/// The entities a batch has touched, in order.
#[derive(Default)]
pub struct Changes {
    touched: Vec<Touched>,
    by_key: HashMap<(&'static str, Vec<String>), usize>,
}

struct Touched {
    entity: &'static EntityType,
    key: Vec<String>,
    /// `None` when the batch made it.
    before: Option<Value>,
    /// The entity and what it belongs to, before it is deleted.
    parents: Vec<Value>,
}

impl Changes {
    /// The batch made this entity.
    pub fn created(&mut self, entity: &'static EntityType, key: &[String]) {
        self.add(entity, key, None);
    }

    /// The batch is about to change this entity, which was so before.
    pub fn updating(&mut self, entity: &'static EntityType, key: &[String], before: &Value) {
        self.add(entity, key, Some(before));
    }

    fn knows(&self, entity: &EntityType, key: &[String]) -> bool {
        self.by_key.contains_key(&(entity.table, key.to_vec()))
    }

    fn add(&mut self, entity: &'static EntityType, key: &[String], before: Option<&Value>) -> &mut Touched {
        let touched = &mut self.touched;
        let index = *self.by_key.entry((entity.table, key.to_vec())).or_insert_with(|| {
            touched.push(Touched { entity, key: key.to_vec(), before: before.cloned(), parents: Vec::new() });
            touched.len() - 1
        });
        // The index was made two lines above, or by an earlier call.
        &mut self.touched[index]
    }
}

/// The batch is about to change this entity by way of another one, or to delete it.
pub fn touching(batch: &mut Batch<'_>, named: &'static EntityType, key: &[String], deleting: bool) -> ApiResult<()> {
    let Some(entity) = find(batch, named, key)? else { return Ok(()) };
    if batch.changes.is_none() || !deleting && batch.changes.as_ref().is_some_and(|changes| changes.knows(entity, key))
    {
        return Ok(());
    }
    let before = Loader::new(batch.connection, &batch.environment).full(entity, key, std::iter::empty())?;
    let parents = if deleting { parents(batch, entity, key)? } else { Vec::new() };
    if let Some(changes) = &mut batch.changes {
        changes.add(entity, key, before.as_ref()).parents = parents;
    }
    Ok(())
}

/// The `entities` of the event for everything the batch has changed.
pub fn entities(batch: &Batch<'_>) -> ApiResult<Vec<Value>> {
    let mut entities = Vec::new();
    for touched in batch.changes.iter().flat_map(|changes| &changes.touched) {
        let loader = Loader::new(batch.connection, &batch.environment);
        let after = loader.full(touched.entity, &touched.key, std::iter::empty())?;
        let action = match (&touched.before, &after) {
            (None, Some(_)) => "add",
            (Some(_), Some(_)) => "update",
            (Some(_), None) => "remove",
            (None, None) => continue,
        };
        let (before, after) = (touched.before.as_ref().unwrap_or(&Value::Null), after.as_ref().unwrap_or(&Value::Null));
        let parents = match action {
            "remove" => touched.parents.clone(),
            _ => parents(batch, touched.entity, &touched.key)?,
        };
        if touched.entity.name.ends_with("CustomAttributeValue") {
            entities.extend(custom_attribute(before, after, &parents));
            continue;
        }
        let changes = changes(touched.entity, before, after);
        if changes.is_empty() {
            continue;
        }
        let is_encoded = touched.entity.name == "Metadata"
            && after["key"] == "ftr_meta"
            && before["value"] == ENCODING
            && after["value"] != ENCODING;
        let encoded = if is_encoded { version_of(&parents) } else { None };
        entities.push(described(action, changes, parents));
        // Once, however many components a version has got.
        let is_told = |one: &Value| {
            entities.iter().any(|told: &Value| told["action"] == "encoded" && told["entityId"] == one["entityId"])
        };
        let encoded = encoded.filter(|one| !is_told(one));
        entities.extend(encoded);
    }
    Ok(entities)
}

/// The columns that differ, under their legacy names, with the values before and after.
fn changes(entity: &EntityType, before: &Value, after: &Value) -> Map<String, Value> {
    let mut changes = Map::new();
    for attribute in entity.columns().filter(|attribute| !attribute.hidden) {
        let (old, new) = (plain(&before[attribute.name]), plain(&after[attribute.name]));
        if old != new {
            changes.insert(attribute.alias.unwrap_or(attribute.name).to_owned(), json!({"old": old, "new": new}));
        }
    }
    changes
}

/// A custom attribute is told as a change of the entity that has it, under the attribute's own key.
fn custom_attribute(before: &Value, after: &Value, parents: &[Value]) -> Option<Value> {
    let key = after["key"].as_str().or(before["key"].as_str())?;
    let (old, new) = (plain(&before["value"]), plain(&after["value"]));
    if old == new || parents.len() < 2 {
        return None;
    }
    let changes = Map::from_iter([(key.to_owned(), json!({"old": old, "new": new}))]);
    Some(described("update", changes, parents[1..].to_vec()))
}

/// The version among the parents, whose media are ready now.
fn version_of(parents: &[Value]) -> Option<Value> {
    let at = parents.iter().position(|parent| parent["entityType"] == "assetversion")?;
    Some(described("encoded", Map::new(), parents[at..].to_vec()))
}

fn described(action: &str, changes: Map<String, Value>, mut parents: Vec<Value>) -> Value {
    let mut entity = parents.first().cloned().unwrap_or_default();
    let object_type = entity["objectTypeId"].take();
    for parent in &mut parents {
        if let Some(parent) = parent.as_object_mut() {
            parent.remove("objectTypeId");
        }
    }
    entity["action"] = json!(action);
    entity["objectTypeId"] = object_type;
    entity["keys"] = changes.keys().cloned().collect();
    entity["changes"] = Value::Object(changes);
    entity["parents"] = Value::Array(parents);
    entity
}

/// Times without their wrapper.
fn plain(value: &Value) -> &Value {
    if value["__type__"].is_string() { &value["value"] } else { value }
}

/// The entity itself and what it belongs to, up to the project.
fn parents(batch: &Batch<'_>, entity: &'static EntityType, key: &[String]) -> ApiResult<Vec<Value>> {
    let mut chain = Vec::new();
    let mut next = Some((entity, key.to_vec()));
    while let Some((entity, key)) = next.take().filter(|_| chain.len() < MOST_PARENTS) {
        let Some((entity, parent, object_type)) = step(batch, entity, &key)? else { break };
        // Where the key has several parts, the entity is known by what it belongs to.
        let id = if key.len() == 1 { Some(&key[0]) } else { parent.as_ref().map(|(_, id)| id) };
        chain.push(json!({
            "entityId": id,
            "entityType": legacy_type(entity),
            "entity_type": entity.name,
            "parentId": parent.as_ref().map(|(_, id)| id),
            "objectTypeId": object_type,
        }));
        next = parent.map(|(entity, id)| (entity, vec![id]));
    }
    Ok(chain)
}

/// An entity with its own type, what it belongs to, and its object type where it has one.
type Step = (&'static EntityType, Option<(&'static EntityType, String)>, Option<String>);

fn step(batch: &Batch<'_>, named: &'static EntityType, key: &[String]) -> ApiResult<Option<Step>> {
    let Some(entity) = find(batch, named, key)? else { return Ok(None) };
    let row = Loader::new(batch.connection, &batch.environment).full(entity, key, std::iter::empty())?;
    let row = row.unwrap_or_default();
    let text = |name: &str| row[name].as_str().map(str::to_owned);
    let of_type = |name: &str| model().entity(text(name).as_deref().unwrap_or_default());
    let is = |name: &str| model().entity(name);
    // The first of these columns that is there and not empty says what the entity belongs to.
    let owners = match entity.table {
        "context" => vec![("parent_id", is("Context"))],
        "asset_version" => vec![("asset_id", is("Asset"))],
        _ => vec![
            ("note_id", is("Note")),
            ("review_session_object_id", is("ReviewSessionObject")),
            ("review_session_id", is("ReviewSession")),
            ("version_id", is("AssetVersion")),
            ("container_id", is("Component")),
            ("component_id", is("Component")),
            ("parent_id", of_type("parent_type")),
            ("entity_id", is(entity.name.strip_suffix("CustomAttributeValue").unwrap_or_default())),
            ("list_id", is("List")),
            ("context_id", is("Context")),
            ("project_id", is("Project")),
        ],
    };
    let is_other = |id: &String| key.first() != Some(id) || entity.primary_key != ["id"];
    let parent = owners.into_iter().find_map(|(column, owner)| Some((owner?, text(column).filter(is_other)?)));
    Ok(Some((entity, parent, text("object_type_id"))))
}

/// The table's name on the legacy side, in lower case: `task` for all that is below a project, `show`, `assetversion`.
fn legacy_type(entity: &EntityType) -> String {
    let name = if entity.table == "component" { "component" } else { entity.alias_for.unwrap_or(entity.name) };
    name.to_ascii_lowercase()
}
