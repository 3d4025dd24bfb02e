//! `search`: a query whose entities also match every term by name.

use serde_json::{Value, json};

use super::batch::{Batch, entity_type, text};
use crate::error::{ApiError, ApiResult};
use crate::model::EntityType;
use crate::query::ast::{Comparison, Criteria, Literal, Path, Query, Word};
use crate::query::{self, parse};

/// Where terms are looked for, in the types that have it.
const SEARCHED: [&[&str]; 7] =
    [&["name"], &["full_name"], &["asset", "name"], &["comment"], &["username"], &["first_name"], &["last_name"]];

/// Runs the operation.
pub fn search(batch: &Batch<'_>, operation: &Value) -> ApiResult<Value> {
    let entity = entity_type(operation)?;
    let mut query = match operation["expression"].as_str() {
        Some(_) => parse(text(operation, "expression")?)?,
        None => parse(entity.name)?,
    };
    query.entity_type = Word { text: entity.name.to_owned(), position: 1 };
    let terms = operation["terms"].as_array().ok_or_else(|| {
        ApiError::validation(format!("\"terms\" has to be a list of text, not {}.", operation["terms"]))
    })?;
    for term in terms.iter().filter_map(Value::as_str) {
        narrow(&mut query, matches_term(entity, term)?);
    }
    if let (Some(id), true) = (operation["context_id"].as_str(), entity.attribute("project_id").is_some()) {
        narrow(&mut query, within(entity, id));
    }
    if let (Some(ids), true) = (operation["object_type_ids"].as_array(), entity.attribute("object_type_id").is_some()) {
        let values = ids.iter().filter_map(Value::as_str).map(literal).collect();
        narrow(&mut query, Criteria::InList { path: path(&["object_type_id"]), negated: false, values });
    }
    let found = query::run(batch.connection, &batch.environment, &query)?;
    Ok(json!({"action": "search", "data": found.entities, "metadata": {"next": {"offset": found.next_offset}}}))
}

fn matches_term(entity: &EntityType, term: &str) -> ApiResult<Criteria> {
    let searched = SEARCHED.iter().filter(|names| entity.attribute(names[0]).is_some());
    let pattern = format!("%{term}%");
    let like = |names: &&[&str]| Criteria::Compare(path(names), Comparison::Like, literal(&pattern));
    let choices: Vec<Criteria> = searched.map(like).collect();
    if choices.is_empty() {
        return Err(ApiError::validation(format!("{} has no name to search for.", entity.name)));
    }
    Ok(Criteria::Or(choices))
}

/// In the project of this id, or below the context of this id.
fn within(entity: &EntityType, id: &str) -> Criteria {
    let is = |names: &[&str]| Criteria::Compare(path(names), Comparison::Is, literal(id));
    let mut choices = vec![is(&["project_id"])];
    if entity.attribute("ancestors").is_some() {
        let criteria = Some(Box::new(is(&["id"])));
        choices.push(Criteria::Related { path: path(&["ancestors"]), any: true, criteria });
    }
    Criteria::Or(choices)
}

fn narrow(query: &mut Query, criteria: Criteria) {
    query.criteria = Some(match query.criteria.take() {
        Some(present) => Criteria::And(vec![present, criteria]),
        None => criteria,
    });
}

fn path(names: &[&str]) -> Path {
    Path { names: names.iter().map(|name| (*name).to_owned()).collect(), position: 1 }
}

fn literal(text: &str) -> Literal {
    Literal { text: Some(text.to_owned()), position: 1 }
}
