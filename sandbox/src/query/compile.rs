//! From a tree to SQL. Everything a client wrote becomes a bound parameter; names come from the description.

use rusqlite::types::Value as SqlValue;
use serde_json::json;

use super::ParseError;
use super::ast::{Comparison, Criteria, Literal, Path, Query};
use crate::model::{Attribute, EntityType, Kind, Scalar, TYPE_COLUMN, model};
use crate::value::literal_to_sql;

/// Compiles one query, its sub-queries included.
#[derive(Default)]
pub struct Compiler {
    /// The values of `?1`, `?2` and so on.
    pub parameters: Vec<SqlValue>,
    aliases: usize,
}

/// The parts of a statement behind its columns.
pub struct Clauses {
    /// What `FROM` names the entities.
    pub alias: String,
    /// `FROM … WHERE … ORDER BY … LIMIT … OFFSET …`
    pub sql: String,
}

type Compiled = Result<String, ParseError>;

impl Compiler {
    /// The clauses that select a query's entities.
    pub fn clauses(&mut self, entity: &EntityType, query: &Query) -> Result<Clauses, ParseError> {
        let alias = self.alias();
        let mut sql = format!(" FROM \"{}\" {alias} WHERE {}", entity.table, type_filter(entity, &alias));
        if let Some(criteria) = &query.criteria {
            sql += &format!(" AND ({})", self.criteria(entity, &alias, criteria)?);
        }
        sql += " ORDER BY ";
        for order in &query.order {
            let (expression, _) = self.value(entity, &alias, &order.path.names, order.path.position)?;
            sql += &format!("{expression} {}, ", if order.descending { "DESC" } else { "ASC" });
        }
        // Pages need a total order.
        sql += &format!("{alias}.rowid");
        if query.limit.is_some() || query.offset.is_some() {
            // The parser lets no number pass that is beyond i64; -1 means no limit.
            let limit = query.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
            let offset = i64::try_from(query.offset.unwrap_or(0)).unwrap_or(i64::MAX);
            sql += &format!(" LIMIT {limit} OFFSET {offset}");
        }
        Ok(Clauses { alias, sql })
    }

    /// Adds a value and returns its placeholder.
    pub fn bind(&mut self, value: SqlValue) -> String {
        self.parameters.push(value);
        format!("?{}", self.parameters.len())
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    fn criteria(&mut self, entity: &EntityType, alias: &str, criteria: &Criteria) -> Compiled {
        match criteria {
            Criteria::And(parts) => self.joined(entity, alias, parts, " AND "),
            Criteria::Or(parts) => self.joined(entity, alias, parts, " OR "),
            Criteria::Not(inner) => Ok(format!("NOT ({})", self.criteria(entity, alias, inner)?)),
            Criteria::Compare(path, comparison, literal) => {
                self.test(entity, alias, path, 0, &mut |compiler, expression, attribute| {
                    compiler.comparison(expression, attribute, *comparison, literal)
                })
            }
            Criteria::InList { path, negated, values } => {
                self.test(entity, alias, path, 0, &mut |compiler, expression, attribute| {
                    let list = compiler.list(attribute, values)?;
                    Ok(format!("{expression} {} (SELECT value FROM json_each({list}))", membership(*negated)))
                })
            }
            Criteria::InQuery { path, negated, query } => {
                self.test(entity, alias, path, 0, &mut |compiler, expression, _| {
                    let inner = compiler.sub_query(query)?;
                    Ok(format!("{expression} {} ({inner})", membership(*negated)))
                })
            }
            Criteria::Related { path, any, criteria } => {
                self.related(entity, alias, path, 0, *any, criteria.as_deref())
            }
        }
    }

    fn joined(&mut self, entity: &EntityType, alias: &str, parts: &[Criteria], by: &str) -> Compiled {
        let parts = parts.iter().map(|part| Ok(format!("({})", self.criteria(entity, alias, part)?)));
        Ok(parts.collect::<Result<Vec<_>, ParseError>>()?.join(by))
    }

    /// Applies `leaf` to the value at the end of the path. Through a collection it is enough that one entity passes.
    fn test(
        &mut self,
        entity: &EntityType,
        alias: &str,
        path: &Path,
        from: usize,
        leaf: &mut dyn FnMut(&mut Self, &str, &Attribute) -> Compiled,
    ) -> Compiled {
        let names = &path.names[from..];
        if !passes_collection(entity, names) {
            let (expression, attribute) = self.value(entity, alias, names, path.position)?;
            return leaf(self, &expression, attribute);
        }
        let attribute = attribute(entity, &names[0], path.position)?;
        if names.len() == 1 {
            let name = &names[0];
            return Err(wrong(path, format!("{}.{name} is a collection, use \"{name} any (…)\"", entity.name)));
        }
        self.exists(entity, alias, attribute, path, &mut |compiler, target, alias| {
            compiler.test(target, alias, path, from + 1, leaf)
        })
    }

    fn related(
        &mut self,
        entity: &EntityType,
        alias: &str,
        path: &Path,
        from: usize,
        any: bool,
        criteria: Option<&Criteria>,
    ) -> Compiled {
        let attribute = attribute(entity, &path.names[from], path.position)?;
        let is_last = from + 1 == path.names.len();
        if is_last && attribute.is_collection() != any && attribute.target().is_some() {
            let (right, kind) = if any { ("has", "one entity") } else { ("any", "a collection") };
            return Err(wrong(path, format!("{}.{} is {kind}, use {right:?}", entity.name, attribute.name)));
        }
        self.exists(entity, alias, attribute, path, &mut |compiler, target, alias| match criteria {
            _ if !is_last => compiler.related(target, alias, path, from + 1, any, criteria),
            Some(criteria) => compiler.criteria(target, alias, criteria),
            None => Ok("1".to_owned()),
        })
    }

    /// That the attribute leads to an entity for which `inner` holds.
    fn exists(
        &mut self,
        entity: &EntityType,
        alias: &str,
        attribute: &Attribute,
        path: &Path,
        inner: &mut dyn FnMut(&mut Self, &EntityType, &str) -> Compiled,
    ) -> Compiled {
        let target = target(entity, attribute, path.position)?;
        let to = self.alias();
        let link = match attribute.kind {
            Kind::One { via, .. } => format!("{to}.id = {}", column(entity, via, alias)),
            Kind::Many { via, .. } | Kind::Mapped { via, .. } => format!("{to}.\"{via}\" = {alias}.id"),
            Kind::Through { link, near, far, .. } => {
                let table = model().entity(link).map_or(link, |link| link.table);
                format!("{to}.id IN (SELECT l.\"{far}\" FROM \"{table}\" l WHERE l.\"{near}\" = {alias}.id)")
            }
            Kind::Ancestors => format!(
                "{to}.id IN (WITH RECURSIVE up(id) AS (SELECT {alias}.parent_id UNION \
                 SELECT c.parent_id FROM context c JOIN up ON c.id = up.id) SELECT id FROM up)"
            ),
            Kind::Descendants => format!(
                "{to}.id IN (WITH RECURSIVE down(id) AS (SELECT c.id FROM context c WHERE c.parent_id = {alias}.id \
                 UNION SELECT c.id FROM context c JOIN down ON c.parent_id = down.id) SELECT id FROM down)"
            ),
            // `target` has refused everything else.
            _ => "0".to_owned(),
        };
        let condition = inner(self, target, &to)?;
        let filter = type_filter(target, &to);
        Ok(format!("EXISTS (SELECT 1 FROM \"{}\" {to} WHERE {link} AND {filter} AND ({condition}))", target.table))
    }

    /// The value at the end of a path without collections, as an expression that is null where the path breaks off.
    fn value<'a>(
        &mut self,
        entity: &'a EntityType,
        alias: &str,
        names: &[String],
        position: usize,
    ) -> Result<(String, &'a Attribute), ParseError> {
        let attribute = attribute(entity, &names[0], position)?;
        if names.len() == 1 {
            return match attribute.kind {
                Kind::One { via, .. } => Ok((column(entity, via, alias), attribute)),
                Kind::Sql { .. } => Ok((column(entity, attribute.name, alias), attribute)),
                _ if attribute.is_column() => Ok((column(entity, attribute.name, alias), attribute)),
                _ => {
                    let message = format!("{}.{} cannot be searched or sorted by", entity.name, attribute.name);
                    Err(ParseError { position, message })
                }
            };
        }
        let target = target(entity, attribute, position)?;
        let Kind::One { via, .. } = attribute.kind else {
            let message = format!("{}.{} is a collection and cannot be sorted by", entity.name, attribute.name);
            return Err(ParseError { position, message });
        };
        let to = self.alias();
        let (inner, last) = self.value(target, &to, &names[1..], position)?;
        let filter = type_filter(target, &to);
        let link = column(entity, via, alias);
        Ok((format!("(SELECT {inner} FROM \"{}\" {to} WHERE {to}.id = {link} AND {filter})", target.table), last))
    }

    fn comparison(
        &mut self,
        expression: &str,
        attribute: &Attribute,
        comparison: Comparison,
        literal: &Literal,
    ) -> Compiled {
        let Some(text) = &literal.text else {
            return match comparison {
                Comparison::Is => Ok(format!("{expression} IS NULL")),
                Comparison::IsNot => Ok(format!("{expression} IS NOT NULL")),
                _ => {
                    let message = "\"none\" can only be compared with \"is\" and \"is_not\"".to_owned();
                    Err(ParseError { position: literal.position, message })
                }
            };
        };
        let operator = match comparison {
            Comparison::Is => "=",
            Comparison::IsNot => "<>",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Like | Comparison::NotLike => {
                let not = if comparison == Comparison::NotLike { "NOT " } else { "" };
                let pattern = self.bind(SqlValue::Text(text.clone()));
                return Ok(format!("CAST({expression} AS TEXT) {not}LIKE {pattern}"));
            }
        };
        let value = convert(attribute, text, literal.position)?;
        Ok(format!("{expression} {operator} {}", self.bind(value)))
    }

    /// The values as one JSON array: one parameter however many there are.
    fn list(&mut self, attribute: &Attribute, values: &[Literal]) -> Compiled {
        let mut list = Vec::new();
        for literal in values {
            let Some(text) = &literal.text else {
                let message = "\"none\" cannot be in a list, use \"is none\"".to_owned();
                return Err(ParseError { position: literal.position, message });
            };
            list.push(match convert(attribute, text, literal.position)? {
                SqlValue::Integer(number) => json!(number),
                SqlValue::Real(number) => json!(number),
                SqlValue::Text(text) => json!(text),
                SqlValue::Null | SqlValue::Blob(_) => json!(null),
            });
        }
        Ok(self.bind(SqlValue::Text(json!(list).to_string())))
    }

    fn sub_query(&mut self, query: &Query) -> Compiled {
        let entity = entity(&query.entity_type)?;
        let position = query.entity_type.position;
        let names = match query.projections.as_deref() {
            None => vec![entity.primary_key[0].to_owned()],
            Some([path]) => path.names.clone(),
            Some(_) => {
                let message = "a sub-query has to select exactly one attribute".to_owned();
                return Err(ParseError { position, message });
            }
        };
        let clauses = self.clauses(entity, query)?;
        let (expression, _) = self.value(entity, &clauses.alias, &names, position)?;
        Ok(format!("SELECT {expression}{}", clauses.sql))
    }
}

/// The entity type of this name.
pub fn entity(name: &super::ast::Word) -> Result<&'static EntityType, ParseError> {
    let message = || format!("there is no entity type {:?}", name.text);
    model().entity(&name.text).ok_or_else(|| ParseError { position: name.position, message: message() })
}

/// The attribute of this name, when clients may know it.
pub fn attribute<'a>(entity: &'a EntityType, name: &str, position: usize) -> Result<&'a Attribute, ParseError> {
    let message = || format!("{} has no attribute {name:?}", entity.name);
    let found = entity.attribute(name).filter(|attribute| !attribute.hidden);
    found.ok_or_else(|| ParseError { position, message: message() })
}

/// The type the attribute leads to.
pub fn target(entity: &EntityType, attribute: &Attribute, position: usize) -> Result<&'static EntityType, ParseError> {
    let message = || format!("{}.{} does not lead to another entity", entity.name, attribute.name);
    let found = attribute.target().and_then(|name| model().entity(name));
    found.ok_or_else(|| ParseError { position, message: message() })
}

/// A stored column, or the expression of a computed one.
pub fn column(entity: &EntityType, name: &str, alias: &str) -> String {
    match entity.attribute(name).map(|attribute| attribute.kind) {
        Some(Kind::Sql { expression, .. }) => format!("({})", expression.replace("{t}", alias)),
        _ => format!("{alias}.\"{name}\""),
    }
}

/// That a row of a shared table is of the type or of one that extends it.
pub fn type_filter(entity: &EntityType, alias: &str) -> String {
    if !model().is_shared(entity.table) {
        return "1".to_owned();
    }
    let names = model().family(entity.name);
    let names = names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    format!("{alias}.{TYPE_COLUMN} IN ({names})")
}

fn passes_collection(entity: &EntityType, names: &[String]) -> bool {
    let Some(attribute) = names.first().and_then(|name| entity.attribute(name)) else { return false };
    let target = attribute.target().and_then(|name| model().entity(name));
    attribute.is_collection() || target.is_some_and(|target| passes_collection(target, &names[1..]))
}

fn convert(attribute: &Attribute, text: &str, position: usize) -> Result<SqlValue, ParseError> {
    let expected = match attribute.kind {
        Kind::Boolean | Kind::Sql { yields: Scalar::Boolean, .. } => "true or false",
        Kind::DateTime | Kind::Sql { yields: Scalar::DateTime, .. } => "a time such as \"2026-01-31T12:00:00\"",
        _ => "a number",
    };
    let message = || format!("{} has to be compared with {expected}, not {text:?}", attribute.name);
    literal_to_sql(attribute.kind, text).ok_or_else(|| ParseError { position, message: message() })
}

fn membership(negated: bool) -> &'static str {
    if negated { "NOT IN" } else { "IN" }
}

fn wrong(path: &Path, message: String) -> ParseError {
    ParseError { position: path.position, message }
}
