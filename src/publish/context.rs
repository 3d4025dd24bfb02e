//! A context: what a host wrote, which queries find it, and what the answers say it is.

use super::answers::{malformed, text};
use super::ids::TASK_TYPE;
use crate::ftrack::{Filter, Query};
use crate::session::{Code, Error, Result};
use serde_json::Value;
use uuid::Uuid;

/// A context as the host wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Context {
    Id(String),
    /// The project, and the names below it.
    Names(String, Vec<String>),
}

/// What a context turned out to be.
#[derive(Debug)]
pub struct Found {
    pub project_id: String,
    pub parent_id: String,
    pub task_id: Option<String>,
    /// Given when a version was named: a further version of its asset.
    pub asset: Option<KnownAsset>,
    /// That version's number.
    pub number: Option<i64>,
    /// The project's statuses for versions, if they came with the answer.
    pub statuses: Option<Value>,
}

/// An asset that has versions already.
#[derive(Clone, Debug)]
pub struct KnownAsset {
    pub id: String,
    pub name: String,
}

/// In the context's own answer, below its project.
pub const STATUSES: &str = "/project_schema/asset_version_workflow_schema/statuses";

impl Context {
    pub fn parse(text: &str) -> Result<Context> {
        let text = text.trim();
        if let Ok(id) = Uuid::try_parse(text) {
            // As ftrack writes them.
            return Ok(Context::Id(id.hyphenated().to_string()));
        }
        let mut parts = text.trim_matches('/').split('/').map(str::trim);
        match (parts.next(), parts.clone().any(str::is_empty)) {
            (Some(project), false) if !project.is_empty() => {
                Ok(Context::Names(project.to_owned(), parts.map(str::to_owned).collect()))
            }
            _ => Err(Error::new(
                Code::InvalidArgument,
                format!(
                    "context: \"{text}\" has an empty name: give an id, or names such as project/sq010/sh010/compositing"
                ),
            )),
        }
    }

    /// One query for each kind of thing that the context may be.
    pub fn queries(&self, with_statuses: bool) -> Vec<Query> {
        let mut below_project = vec!["id", "name", "link", "parent_id", "project_id", "object_type_id"];
        let mut project = vec!["id", "name", "full_name"];
        if with_statuses {
            below_project.push("project.project_schema.asset_version_workflow_schema.statuses.name");
            project.push("project_schema.asset_version_workflow_schema.statuses.name");
        }
        match self {
            Context::Id(id) => vec![
                Query::select(&below_project, "TypedContext").filter(Filter::equals("id", id)),
                Query::select(&project, "Project").filter(Filter::equals("id", id)),
                Query::select(
                    &["id", "version", "link", "task_id", "asset_id", "asset.name", "asset.context_id"],
                    "AssetVersion",
                )
                .filter(Filter::equals("id", id)),
            ],
            Context::Names(name, below) if below.is_empty() => {
                vec![Query::select(&project, "Project").filter(is_project("name", "full_name", name))]
            }
            Context::Names(project, below) => {
                let chain = below.iter().fold(None, |parent, name| {
                    let named = Filter::equals("name", name);
                    Some(match parent {
                        Some(parent) => named.and(Filter::has("parent", parent)),
                        None => named,
                    })
                });
                let filter = is_project("project.name", "project.full_name", project);
                let filter = chain.into_iter().fold(filter, Filter::and);
                vec![Query::select(&below_project, "TypedContext").filter(filter)]
            }
        }
    }

    /// Which of the answers it is.
    pub fn choose(&self, answers: Vec<Vec<Value>>) -> Result<Option<Found>> {
        let depth = match self {
            Context::Names(_, below) => Some(below.len() + 1),
            Context::Id(_) => None,
        };
        let mut found: Vec<Value> = answers.into_iter().flatten().collect();
        if let Some(depth) = depth {
            // The names may also fit further down; the link has an entry for each level.
            found.retain(|row| link(row).is_none_or(|link| link.len() == depth));
        }
        if found.len() > 1 {
            let paths: Vec<String> = found.iter().take(5).map(described).collect();
            return Err(Error::new(
                Code::AmbiguousContext,
                format!("context: {self} fits {} entities: give one of their ids: {}", found.len(), paths.join("; ")),
            ));
        }
        found.pop().map(Found::read).transpose()
    }
}

impl std::fmt::Display for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Context::Id(id) => write!(f, "the id {id}"),
            Context::Names(project, below) if below.is_empty() => write!(f, "\"{project}\""),
            Context::Names(project, below) => write!(f, "\"{project}/{}\"", below.join("/")),
        }
    }
}

impl Found {
    fn read(row: Value) -> Result<Found> {
        let id = text(&row, "id")?;
        if row.get("asset_id").is_some() {
            let asset = row.get("asset").unwrap_or(&Value::Null);
            let known = KnownAsset { id: text(&row, "asset_id")?, name: text(asset, "name").unwrap_or_default() };
            let project = link(&row).and_then(|link| link.first().and_then(|first| text(first, "id").ok()));
            return Ok(Found {
                project_id: project.ok_or_else(|| malformed("AssetVersion.link"))?,
                parent_id: text(asset, "context_id")?,
                task_id: text(&row, "task_id").ok(),
                asset: Some(known),
                number: row["version"].as_i64(),
                statuses: None,
            });
        }
        if row.get("object_type_id").is_none() {
            let statuses = row.pointer(STATUSES).cloned();
            return Ok(Found {
                project_id: id.clone(),
                parent_id: id,
                task_id: None,
                asset: None,
                number: None,
                statuses,
            });
        }
        let is_task = row["object_type_id"] == TASK_TYPE;
        let parent_id = if is_task { text(&row, "parent_id")? } else { id.clone() };
        Ok(Found {
            project_id: text(&row, "project_id")?,
            parent_id,
            task_id: is_task.then_some(id),
            asset: None,
            number: None,
            statuses: row.pointer(&format!("/project{STATUSES}")).cloned(),
        })
    }
}

fn is_project(name: &'static str, full_name: &'static str, value: &str) -> Filter {
    Filter::equals(name, value).or(Filter::equals(full_name, value))
}

/// The entities from the project down to this one. Servers give a list, or its JSON text.
fn link(row: &Value) -> Option<Vec<Value>> {
    match row.get("link")? {
        Value::Array(link) => Some(link.clone()),
        Value::String(link) => serde_json::from_str(link).ok(),
        _ => None,
    }
}

fn described(row: &Value) -> String {
    let names = link(row).unwrap_or_default();
    let path: Vec<&str> = names.iter().filter_map(|entry| entry["name"].as_str()).collect();
    let id = row["id"].as_str().unwrap_or("?");
    if path.is_empty() { id.to_owned() } else { format!("{id} is {}", path.join("/")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_context_is_an_id_or_names_and_nothing_in_between() {
        let id = "9D7F2B8C-0000-4000-8000-00000000abcd";
        assert_eq!(Context::parse(id).unwrap(), Context::Id(id.to_lowercase()));
        let names = Context::Names("demo".into(), vec!["sq010".into(), "sh010".into()]);
        assert_eq!(Context::parse(" /demo/sq010/ sh010/").unwrap(), names);
        for wrong in ["", "/", "demo//sh010"] {
            assert_eq!(Context::parse(wrong).unwrap_err().code, Code::InvalidArgument, "{wrong}");
        }
    }

    #[test]
    fn names_that_also_fit_deeper_down_mean_the_ones_at_their_own_level() {
        let row = |id: &str, path: &[&str]| {
            let link: Vec<Value> = path.iter().map(|name| json!({"name": name, "id": *name})).collect();
            json!({"id": id, "parent_id": "p", "project_id": "demo", "object_type_id": TASK_TYPE, "link": link})
        };
        let context = Context::parse("demo/sh010/comp").unwrap();
        let answers = vec![vec![row("a", &["demo", "ep1", "sh010", "comp"]), row("b", &["demo", "sh010", "comp"])]];
        assert_eq!(context.choose(answers).unwrap().unwrap().task_id.as_deref(), Some("b"));
        let twice = vec![vec![row("b", &["demo", "sh010", "comp"]), row("c", &["demo", "sh010", "comp"])]];
        let error = context.choose(twice).unwrap_err();
        assert_eq!(error.code, Code::AmbiguousContext);
        assert!(error.message.contains("b is demo/sh010/comp"), "{error}");
        assert!(context.choose(vec![vec![]]).unwrap().is_none());
    }
}
