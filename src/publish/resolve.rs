//! The second step: names become ids. One request, and a second for what depends on the project; nothing is created by them.

use super::Request;
use super::answers::{malformed, text};
use super::around::{self, About, Answers, Surroundings};
use super::context::{Context, Found, KnownAsset, STATUSES};
use super::ids::{self, UPLOAD_TYPE};
use super::into::{self, Existing};
use super::resolve_help::{unknown_context, unknown_name};
use crate::ftrack::query::Order;
use crate::ftrack::{Client, Filter, Operation, Query, rows};
use crate::session::{Code, Error, Result};
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
    /// What comes with the version besides its media.
    pub around: Surroundings,
    /// The version, where it is there already and gets new media.
    pub version: Option<Existing>,
}

/// The asset that the version belongs to.
#[derive(Clone, Debug)]
pub enum Asset {
    /// Given by the context: a version of it was named.
    Known(KnownAsset),
    /// To be found by these, or created.
    Sought { name: String, type_id: String, new_type: Option<NewType> },
}

/// An asset type that is not there yet.
#[derive(Clone, Debug)]
pub struct NewType {
    pub name: String,
    pub short: String,
}

/// Asks the server for everything that the request names.
pub async fn resolve(client: &Client, request: &Request) -> Result<Place> {
    let context = Context::parse(request.context.as_deref().unwrap_or_default())?;
    let mut queries = context.queries(request.status.is_some());
    queries.push(Query::select(&["id", "name", "short"], "AssetType"));
    let first = around::ask_first(&request.around, client.api_user());
    let mut operations: Vec<Operation> = queries.iter().map(Operation::query).collect();
    operations.extend(first.operations());
    let mut results = client.call_repeatable(&operations).await?;
    let answers = first.read(results.split_off(queries.len().min(results.len())))?;
    let mut results: Vec<Vec<Value>> = results.into_iter().map(rows).collect::<Result<_>>()?;
    let asset_types = results.pop().unwrap_or_default();
    let found = match context.choose(results)? {
        Some(found) if request.into_version && found.asset.is_none() => return Err(not_a_version(&context)),
        Some(found) => found,
        None if request.into_version => return Err(unknown_version(&context)),
        None => return Err(unknown_context(client, &context).await),
    };
    let (type_id, new_type) = match asset_type(&asset_types, request.asset_type.as_deref()) {
        Err(_) if request.around.create_asset_type && request.asset_type.is_some() => new_type(request),
        found => (found?, None),
    };
    let answers = answers.and(ask_then(client, request, &found).await?);
    let status_id = match &request.status {
        Some(status) => Some(status_id(&found, &answers, status)?),
        None => None,
    };
    let surroundings =
        around::learn(client, &request.around, &answers, &found.project_id, found.task_id.as_deref()).await?;
    let name = || request.asset_name.clone().unwrap_or_else(|| request.default_asset_name());
    let version = request.into_version.then(|| Existing::read(found.number, answers.of(About::Components)));
    let asset = match found.asset {
        Some(asset) if request.asset_name.is_none() && request.asset_type.is_none() => Asset::Known(asset),
        _ => Asset::Sought { name: name(), type_id, new_type },
    };
    Ok(Place {
        project_id: found.project_id,
        parent_id: found.parent_id,
        task_id: found.task_id,
        asset,
        status_id,
        around: surroundings,
        version,
    })
}

/// The second request, if one is needed.
async fn ask_then(client: &Client, request: &Request, found: &Found) -> Result<Answers> {
    let mut questions = around::ask_then(&request.around, &found.project_id, found.task_id.as_deref());
    if request.status.is_some() && found.statuses.is_none() {
        let query = Query::select(&["id", "project_schema.asset_version_workflow_schema.statuses.name"], "Project");
        questions.ask(About::VersionStatuses, query.filter(Filter::equals("id", &found.project_id)));
    }
    if let Some(version) = request.existing_version() {
        questions.ask(About::Components, into::query(&version));
    }
    let operations = questions.operations();
    match operations.is_empty() {
        true => Ok(Answers::default()),
        false => questions.read(client.call_repeatable(&operations).await?),
    }
}

fn unknown_version(context: &Context) -> Error {
    let message = format!(
        "context: there is no version with {context} that this user may see: check the id, and that it is of this server"
    );
    Error::new(Code::UnknownVersion, message)
}

fn not_a_version(context: &Context) -> Error {
    let message = format!(
        "context: {context} is of a task, shot or project and of no version, which FTR_PUBLISH_INTO_VERSION needs: give the \
         version's id, or leave the flag out for a new version"
    );
    Error::new(Code::NotAVersion, message)
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

/// The asset type that is to be made, and its id.
fn new_type(request: &Request) -> (String, Option<NewType>) {
    let name = request.asset_type.as_deref().unwrap_or_default().trim().to_owned();
    // Programs look types up by it, as by those that every server has: one word of small letters.
    let letter = |character: char| if character.is_alphanumeric() { character } else { '_' };
    let short = name.to_lowercase().chars().map(letter).collect();
    (ids::shared("AssetType", &[&name]), Some(NewType { name, short }))
}

fn status_id(found: &Found, answers: &Answers, wanted: &str) -> Result<String> {
    let asked = answers.of(About::VersionStatuses).first().and_then(|row| row.pointer(STATUSES));
    let statuses = found.statuses.as_ref().or(asked).ok_or_else(|| malformed("Project.project_schema"))?;
    let statuses = statuses.as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |row: &&Value| answers.name(row).is_some_and(|name| name.to_lowercase() == wanted.to_lowercase());
    match statuses.iter().find(named) {
        Some(status) => text(status, "id"),
        None => {
            let known = statuses.iter().filter_map(|row| answers.name(row).map(str::to_owned)).collect();
            Err(unknown_name(Code::UnknownStatus, "status", wanted, known))
        }
    }
}

impl Place {
    /// The asset by the names that make it one (all official clients look it up so), if it is not known yet.
    pub fn asset_query(&self) -> Option<Query> {
        match &self.asset {
            Asset::Known(_) => None,
            Asset::Sought { name, type_id, .. } => Some(
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

    /// The asset type that is to be made, with its id.
    pub fn new_type(&self) -> Option<(&str, &NewType)> {
        match &self.asset {
            Asset::Sought { type_id, new_type: Some(new_type), .. } => Some((type_id, new_type)),
            _ => None,
        }
    }

    /// The asset's id, if it was named by a version of it.
    pub fn asset_id(&self) -> Option<&str> {
        match &self.asset {
            Asset::Known(asset) => Some(&asset.id),
            Asset::Sought { .. } => None,
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
