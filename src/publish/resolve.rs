//! The second step: names become ids. One request, and nothing is created by it.

use super::answers::{malformed, text};
use super::context::{Context, Found, KnownAsset, STATUSES};
use super::ids::UPLOAD_TYPE;
use super::resolve_help::{unknown_context, unknown_name};
use super::{Request, names};
use crate::ftrack::query::Order;
use crate::ftrack::{Client, Filter, Operation, Query, rows};
use crate::session::{Code, Result};
use serde_json::Value;

/// Where the version goes.
#[derive(Clone, Debug)]
pub struct Place {
    pub project_id: String,
    /// The asset's parent.
    pub parent_id: String,
    pub task_id: Option<String>,
    pub asset: Asset,
    pub status_id: Option<String>,
}

/// The asset that the version belongs to.
#[derive(Clone, Debug)]
pub enum Asset {
    /// Given by the context: a version of it was named.
    Known(KnownAsset),
    /// To be found by these, or created.
    Sought { name: String, type_id: String },
}

/// Asks the server for everything that the request names.
pub async fn resolve(client: &Client, request: &Request) -> Result<Place> {
    let context = Context::parse(request.context.as_deref().unwrap_or_default())?;
    let mut queries = context.queries(request.status.is_some());
    queries.push(Query::select(&["id", "name", "short"], "AssetType"));
    let operations: Vec<Operation> = queries.iter().map(Operation::query).collect();
    let mut results: Vec<Vec<Value>> =
        client.call_repeatable(&operations).await?.into_iter().map(rows).collect::<Result<_>>()?;
    let asset_types = results.pop().unwrap_or_default();
    let found = match context.choose(results)? {
        Some(found) => found,
        None => return Err(unknown_context(client, &context).await),
    };
    let type_id = asset_type(&asset_types, request.asset_type.as_deref())?;
    let status_id = match &request.status {
        Some(status) => Some(status_id(client, &found, status).await?),
        None => None,
    };
    let name = || request.asset_name.clone().unwrap_or_else(|| names::asset_name(&request.path));
    let asset = match found.asset {
        Some(asset) if request.asset_name.is_none() && request.asset_type.is_none() => Asset::Known(asset),
        _ => Asset::Sought { name: name(), type_id },
    };
    Ok(Place { project_id: found.project_id, parent_id: found.parent_id, task_id: found.task_id, asset, status_id })
}

fn asset_type(types: &[Value], wanted: Option<&str>) -> Result<String> {
    let is = |row: &Value, key: &str, wanted: &str| {
        row[key].as_str().is_some_and(|value| value.to_lowercase() == wanted.to_lowercase())
    };
    let chosen = match wanted {
        // By its fixed id first: studios rename it.
        None => types
            .iter()
            .find(|row| row["id"] == UPLOAD_TYPE)
            .or_else(|| types.iter().find(|row| is(row, "short", "upload"))),
        Some(wanted) => {
            let by = |key: &'static str| types.iter().find(move |row| is(row, key, wanted));
            by("short").or_else(|| by("name"))
        }
    };
    match chosen {
        Some(row) => text(row, "id"),
        None => {
            let known = types.iter().map(|row| match (row["name"].as_str(), row["short"].as_str()) {
                (Some(name), Some(short)) => format!("{name} ({short})"),
                (name, short) => name.or(short).unwrap_or("?").to_owned(),
            });
            Err(unknown_name(Code::UnknownAssetType, "asset_type", wanted.unwrap_or("upload"), known.collect()))
        }
    }
}

async fn status_id(client: &Client, found: &Found, wanted: &str) -> Result<String> {
    let asked;
    let statuses = match &found.statuses {
        Some(statuses) => statuses,
        None => {
            let query = Query::select(&["id", "project_schema.asset_version_workflow_schema.statuses.name"], "Project")
                .filter(Filter::equals("id", &found.project_id));
            asked = client.query(&query).await?.pop().unwrap_or_default();
            asked.pointer(STATUSES).ok_or_else(|| malformed("Project.project_schema"))?
        }
    };
    let statuses = statuses.as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |row: &&Value| row["name"].as_str().is_some_and(|name| name.to_lowercase() == wanted.to_lowercase());
    match statuses.iter().find(named) {
        Some(status) => text(status, "id"),
        None => {
            let known = statuses.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect();
            Err(unknown_name(Code::UnknownStatus, "status", wanted, known))
        }
    }
}

impl Place {
    /// The asset by the names that make it one (all official clients look it up so), if it is not known yet.
    pub fn asset_query(&self) -> Option<Query> {
        match &self.asset {
            Asset::Known(_) => None,
            Asset::Sought { name, type_id } => Some(
                Query::select(&["id"], "Asset")
                    .filter(Filter::equals("name", name))
                    .filter(Filter::equals("type_id", type_id))
                    .filter(Filter::equals("context_id", &self.parent_id))
                    // Where a server has two of them, every publish takes the same.
                    .order_by("id", Order::Ascending)
                    .limit(1),
            ),
        }
    }

    /// The asset's name.
    pub fn asset_name(&self) -> &str {
        let (Asset::Known(KnownAsset { name, .. }) | Asset::Sought { name, .. }) = &self.asset;
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_asset_type_goes_by_short_name_then_name_in_any_case_and_an_unknown_one_names_those_there_are() {
        let types = [
            json!({"id": UPLOAD_TYPE, "name": "Upload", "short": "upload"}),
            json!({"id": "c", "name": "Compositing", "short": "comp"}),
        ];
        assert_eq!(asset_type(&types, None).unwrap(), UPLOAD_TYPE);
        assert_eq!(asset_type(&types, Some("COMP")).unwrap(), "c");
        assert_eq!(asset_type(&types, Some("compositing")).unwrap(), "c");
        let error = asset_type(&types, Some("render")).unwrap_err();
        assert_eq!(error.code, Code::UnknownAssetType);
        assert!(error.message.contains("render") && error.message.contains("Compositing (comp)"), "{error}");
    }
}
