//! From SQL to entities: one statement for the entities, one more for each relation that is asked for.

use std::collections::HashMap;

use rusqlite::types::{Value as SqlValue, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value, json};

use super::ParseError;
use super::ast::{Path, Query};
use super::compile::{Compiler, attribute, column, entity, target, type_filter};
use super::parser::parse;
use crate::error::{ApiError, ApiResult, Exception};
use crate::links;
use crate::model::{Attribute, Computed, EntityType, Kind, TYPE_COLUMN, model};
use crate::storage::Storage;
use crate::value::to_json;

/// What answers depend on besides the database.
pub struct Environment<'a> {
    /// Makes the addresses of media.
    pub storage: &'a Storage,
    /// Answer only what was asked for.
    pub exact: bool,
}

/// Loads entities.
pub struct Loader<'a> {
    connection: &'a Connection,
    environment: &'a Environment<'a>,
}

/// The attributes asked for, each with those asked for behind it.
#[derive(Default)]
struct Tree {
    branches: Vec<(String, Tree)>,
}

/// Which entities to load.
struct Source {
    alias: String,
    /// The expression of the id they are loaded for.
    owner: String,
    /// `FROM …`
    sql: String,
    parameters: Vec<SqlValue>,
}

struct Loaded {
    owner: Option<String>,
    /// The values of the columns that relations need.
    columns: HashMap<&'static str, Value>,
    entity: Map<String, Value>,
}

impl<'a> Loader<'a> {
    /// Over a connection.
    pub fn new(connection: &'a Connection, environment: &'a Environment<'a>) -> Self {
        Self { connection, environment }
    }

    /// The entities a query finds.
    pub fn run(&self, query: &Query) -> ApiResult<Vec<Value>> {
        let entity = entity(&query.entity_type)?;
        let mut tree = Tree::default();
        match &query.projections {
            Some(paths) => paths.iter().try_for_each(|path| tree.add(entity, path))?,
            None => {
                for name in &entity.default_projections {
                    tree.branch(name);
                }
            }
        }
        let mut compiler = Compiler::default();
        let clauses = compiler.clauses(entity, query)?;
        let source = Source {
            alias: clauses.alias,
            owner: "NULL".to_owned(),
            sql: clauses.sql,
            parameters: compiler.parameters,
        };
        let loaded = self.load(entity, &tree, source)?;
        Ok(loaded.into_iter().map(|loaded| Value::Object(loaded.entity)).collect())
    }

    /// The entity with this key: everything that is stored of it, and the relations named in `also`. `None` when it is
    /// not there.
    pub fn full<'n>(
        &self,
        entity: &EntityType,
        key: &[String],
        also: impl Iterator<Item = &'n str>,
    ) -> ApiResult<Option<Value>> {
        let mut tree = Tree::default();
        for attribute in also.filter_map(|name| entity.attribute(name)) {
            tree.branch(attribute.name);
        }
        for attribute in entity.attributes.iter().filter(|attribute| !attribute.hidden) {
            let is_link = attribute.kind == Kind::Computed(Computed::Link);
            if attribute.is_column() || is_link || matches!(attribute.kind, Kind::Sql { .. }) {
                tree.branch(attribute.name);
            }
        }
        let is_key = entity.primary_key.iter().enumerate().map(|(i, name)| format!("t.\"{name}\" = ?{}", i + 1));
        let is_key = is_key.collect::<Vec<_>>().join(" AND ");
        let source = Source {
            alias: "t".to_owned(),
            owner: "NULL".to_owned(),
            sql: format!(" FROM \"{}\" t WHERE {} AND {is_key}", entity.table, type_filter(entity, "t")),
            parameters: key.iter().cloned().map(SqlValue::Text).collect(),
        };
        let mut found = self.load(entity, &tree, source)?;
        Ok(found.pop().map(|loaded| Value::Object(loaded.entity)))
    }

    fn load(&self, entity: &EntityType, tree: &Tree, source: Source) -> ApiResult<Vec<Loaded>> {
        let answered = self.answered(entity, tree);
        let columns = columns(entity, &answered);
        let is_shared = model().is_shared(entity.table);
        let own_type = if is_shared { format!("{}.{TYPE_COLUMN}", source.alias) } else { "NULL".to_owned() };
        let mut selected = vec![source.owner.clone(), own_type];
        selected.extend(columns.iter().map(|attribute| column(entity, attribute.name, &source.alias)));
        let sql = format!("SELECT {}{}", selected.join(", "), source.sql);
        let mut statement = self.connection.prepare(&sql).map_err(too_complex)?;
        let mut rows = statement.query(params_from_iter(source.parameters))?;
        let mut loaded = Vec::new();
        while let Some(row) = rows.next()? {
            loaded.push(read(entity, &columns, &answered, row)?);
        }
        for (name, subtree) in &tree.branches {
            let Some(attribute) = entity.attribute(name) else { continue };
            if let Kind::Computed(what) = attribute.kind {
                for one in &mut loaded {
                    let value = links::compute(self.connection, self.environment.storage, entity, what, &one.columns)?;
                    one.entity.insert(name.clone(), value);
                }
            } else if let Some(target) = attribute.target().and_then(|name| model().entity(name)) {
                self.relate(attribute, target, subtree, &mut loaded)?;
            }
        }
        Ok(loaded)
    }

    /// The scalar attributes to answer, in order: the key, what is always there, what was asked for.
    fn answered<'m>(&self, entity: &'m EntityType, tree: &Tree) -> Vec<&'m Attribute> {
        let asked = tree.branches.iter().map(|(name, _)| name.as_str());
        let mut names: Vec<&str> = entity.primary_key.clone();
        if !self.environment.exact {
            names.extend(&entity.system_projections);
            names.extend(entity.classifier.map(|(attribute, _)| attribute));
        }
        names.extend(asked);
        let mut answered: Vec<&Attribute> = Vec::new();
        for attribute in names.into_iter().filter_map(|name| entity.attribute(name)) {
            let is_new = answered.iter().all(|known| known.name != attribute.name);
            if is_new && attribute.is_scalar() && !matches!(attribute.kind, Kind::Computed(_)) {
                answered.push(attribute);
            }
        }
        answered
    }

    /// Loads what the attribute leads to for all entities at once.
    fn relate(&self, attribute: &Attribute, target: &EntityType, tree: &Tree, loaded: &mut [Loaded]) -> ApiResult<()> {
        let near = match attribute.kind {
            Kind::One { via, .. } => via,
            _ => "id",
        };
        let mut ids: Vec<&Value> = loaded.iter().filter_map(|one| one.columns.get(near)).collect();
        ids.retain(|id| id.is_string());
        let source = related_source(attribute, target, json!(ids).to_string());
        let mut groups: HashMap<String, Vec<Value>> = HashMap::new();
        for found in self.load(target, tree, source)? {
            groups.entry(found.owner.unwrap_or_default()).or_default().push(Value::Object(found.entity));
        }
        for one in loaded {
            let id = one.columns.get(near).and_then(Value::as_str).unwrap_or_default();
            let mut found = groups.get(id).cloned().unwrap_or_default();
            let value = if attribute.is_collection() { json!(found) } else { found.pop().unwrap_or_default() };
            one.entity.insert(attribute.name.to_owned(), value);
        }
        Ok(())
    }
}

impl Tree {
    fn add(&mut self, entity: &EntityType, path: &Path) -> Result<(), ParseError> {
        let (mut tree, mut at) = (self, Some(entity));
        for name in &path.names {
            // `at` is set for the first name, and below for every name that is not the last.
            let Some(here) = at else { return Ok(()) };
            let found = attribute(here, name, path.position)?;
            tree = tree.branch(name);
            let is_last = std::ptr::eq(name, &path.names[path.names.len() - 1]);
            at = if is_last { None } else { Some(target(here, found, path.position)?) };
        }
        Ok(())
    }

    fn branch(&mut self, name: &str) -> &mut Tree {
        let index = self.branches.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.branches.push((name.to_owned(), Tree::default()));
            self.branches.len() - 1
        });
        &mut self.branches[index].1
    }
}

/// Everything a row has to yield: the attributes to answer, and what relations and computed attributes go by.
fn columns<'m>(entity: &'m EntityType, answered: &[&'m Attribute]) -> Vec<&'m Attribute> {
    let mut columns = answered.to_vec();
    let vias = entity.attributes.iter().filter_map(|attribute| match attribute.kind {
        Kind::One { via, .. } => Some(via),
        _ => None,
    });
    let needed = vias.chain(["id", "thumbnail_id", "component_id", "location_id", "resource_identifier"]);
    for attribute in needed.filter_map(|name| entity.attribute(name)) {
        let is_value = attribute.is_column() || matches!(attribute.kind, Kind::Sql { .. });
        if is_value && columns.iter().all(|known| known.name != attribute.name) {
            columns.push(attribute);
        }
    }
    columns
}

fn read(
    entity: &EntityType,
    columns: &[&Attribute],
    answered: &[&Attribute],
    row: &Row<'_>,
) -> rusqlite::Result<Loaded> {
    let own_type: Option<String> = row.get(1)?;
    let mut answer = Map::new();
    answer.insert("__entity_type__".to_owned(), json!(own_type.as_deref().unwrap_or(entity.name)));
    let mut values = HashMap::new();
    for (index, attribute) in columns.iter().enumerate() {
        let value: ValueRef<'_> = row.get_ref(index + 2)?;
        let value = to_json(attribute, value);
        if index < answered.len() {
            answer.insert(attribute.name.to_owned(), value.clone());
        }
        values.insert(attribute.name, value);
    }
    Ok(Loaded { owner: row.get(0)?, columns: values, entity: answer })
}

/// The entities the attribute leads to from the entities with these ids (a JSON array).
fn related_source(attribute: &Attribute, target: &EntityType, ids: String) -> Source {
    let table = target.table;
    let among = "(SELECT value FROM json_each(?1))";
    let (owner, from) = match attribute.kind {
        Kind::Many { via, .. } | Kind::Mapped { via, .. } => {
            (format!("t.\"{via}\""), format!("\"{table}\" t WHERE t.\"{via}\" IN {among}"))
        }
        Kind::Through { link, near, far, .. } => {
            let link = model().entity(link).map_or(link, |link| link.table);
            let from = format!("\"{link}\" l JOIN \"{table}\" t ON t.id = l.\"{far}\" WHERE l.\"{near}\" IN {among}");
            (format!("l.\"{near}\""), from)
        }
        Kind::Ancestors | Kind::Descendants => {
            let (next, known) =
                if attribute.kind == Kind::Ancestors { ("parent_id", "id") } else { ("id", "parent_id") };
            let walk = format!(
                "WITH RECURSIVE walk(owner, id) AS (SELECT c.\"{known}\", c.\"{next}\" FROM context c \
                 WHERE c.\"{known}\" IN {among} UNION SELECT walk.owner, c.\"{next}\" FROM context c \
                 JOIN walk ON c.\"{known}\" = walk.id) SELECT owner, id FROM walk"
            );
            ("l.owner".to_owned(), format!("({walk}) l JOIN \"{table}\" t ON t.id = l.id WHERE 1"))
        }
        _ => ("t.id".to_owned(), format!("\"{table}\" t WHERE t.id IN {among}")),
    };
    // Statuses of a workflow and items of a list are in the order in which they were added.
    let order = if matches!(attribute.kind, Kind::Through { .. }) { "l" } else { "t" };
    Source {
        sql: format!(" FROM {from} AND {} ORDER BY {order}.rowid", type_filter(target, "t")),
        alias: "t".to_owned(),
        owner,
        parameters: vec![SqlValue::Text(ids)],
    }
}

/// The only way a statement made here is refused: it nests or joins more than SQLite takes.
fn too_complex(error: rusqlite::Error) -> ApiError {
    ApiError::new(Exception::Parse, format!("The query is too complex: {error}. Split it into several."))
}

/// Parses and loads in one step, for code that asks the server's own database.
pub fn entities(connection: &Connection, environment: &Environment<'_>, expression: &str) -> ApiResult<Vec<Value>> {
    Loader::new(connection, environment).run(&parse(expression)?)
}
