//! The fourth step: the version is created and given its media, in the two batches that servers are known to take:
//! a component's `version_id` in the batch that creates the version is refused (official Adobe plug-in, share.js).

use super::check::Checked;
use super::ids;
use super::part::Attached;
use super::resolve::{Asset, Place};
use super::store::{self, Stored};
use super::work::Work;
use super::{around, into};
use crate::ftrack::{Committed, Filter, Operation, Query};
use crate::session::{Code, Error, Result, policy};
use serde_json::{Map, Value, json};

/// Creates the version and everything that belongs to it. When this returns, reviewers can open it.
pub async fn create(work: &Work, place: &Place, checked: &Checked, stored: Stored) -> Result<()> {
    match &place.version {
        Some(version) => {
            register(work, &stored).await?;
            note_version(work, place, place.asset_id(), version.number);
        }
        None => {
            let (asset_id, number) = create_new(work, place, checked, &stored).await?;
            note_version(work, place, Some(&asset_id), number);
        }
    }
    work.job.version_created();
    attach(work, place, checked, &stored).await
}

fn note_version(work: &Work, place: &Place, asset_id: Option<&str>, number: Option<i64>) {
    work.job.note(|published| {
        published.asset_id = asset_id.map(str::to_owned);
        published.version_id = Some(work.version_id().to_owned());
        published.version_number = number;
        published.link = Some(link(work, place));
    });
}

/// The version, of an asset that is there or not. Returns the asset's id, and the number that the server gave the version.
async fn create_new(work: &Work, place: &Place, checked: &Checked, stored: &Stored) -> Result<(String, Option<i64>)> {
    let mut asset = match (&place.asset, &stored.asset_id) {
        (Asset::Known(asset), _) => AssetChoice::Existing(asset.id.clone()),
        (Asset::Sought { .. }, Some(id)) => AssetChoice::Existing(id.clone()),
        (Asset::Sought { name, type_id, .. }, None) => AssetChoice::Create(ids::asset(&place.parent_id, type_id, name)),
    };
    // Of an asset that is there its type is there.
    let mut new_type = place.new_type().filter(|_| asset.is_new());
    let number = match create_version(work, place, checked, stored, &asset, new_type.is_some()).await {
        // Somebody created the asset meanwhile, or one with its id is in the server's bin.
        Err(error) if matches!(error.code, Code::Duplicate | Code::Integrity) && asset.is_new() => {
            asset = find_again(work, place).await?;
            if let Some((id, _)) = new_type
                && !work.existing("AssetType", &[id.to_owned()]).await?.is_empty()
            {
                new_type = None;
            }
            create_version(work, place, checked, stored, &asset, new_type.is_some()).await?
        }
        other => other?,
    };
    Ok((asset.id().to_owned(), number))
}

enum AssetChoice {
    Existing(String),
    Create(String),
}

impl AssetChoice {
    fn id(&self) -> &str {
        match self {
            AssetChoice::Existing(id) | AssetChoice::Create(id) => id,
        }
    }

    fn is_new(&self) -> bool {
        matches!(self, AssetChoice::Create(_))
    }
}

async fn find_again(work: &Work, place: &Place) -> Result<AssetChoice> {
    let found = match place.asset_query() {
        Some(query) => work.client().query(&query).await?,
        None => Vec::new(),
    };
    Ok(match found.first().and_then(|row| row["id"].as_str()) {
        Some(id) => AssetChoice::Existing(id.to_owned()),
        None => AssetChoice::Create(uuid::Uuid::new_v4().to_string()),
    })
}

/// One request: where the bytes are, what the player must know of them, the asset if it is new, and the version.
/// Returns the number that the server gave the version.
async fn create_version(
    work: &Work,
    place: &Place,
    checked: &Checked,
    stored: &Stored,
    asset: &AssetChoice,
    with_type: bool,
) -> Result<Option<i64>> {
    let ids = &work.ids;
    let mut operations = registrations(work, stored);
    if let (Some((id, kind)), true) = (place.new_type(), with_type) {
        let parts = [("name", json!(kind.name)), ("short", json!(kind.short))];
        operations.push(Operation::create("AssetType", id, attributes(parts)));
    }
    if let (AssetChoice::Create(id), Asset::Sought { name, type_id, .. }) = (asset, &place.asset) {
        let parts = [("name", json!(name)), ("type_id", json!(type_id)), ("context_id", json!(place.parent_id))];
        operations.push(Operation::create("Asset", id, attributes(parts)));
    }
    operations.push(Operation::create("AssetVersion", &ids.version, version_attributes(work, place, checked, asset)));

    work.made.lock().version = true;
    let probe = Query::select(&["id", "version"], "AssetVersion").filter(Filter::equals("id", &ids.version));
    let number = match work.client().patient(policy::UPLOAD_PATIENCE).commit(&operations, &probe).await? {
        Committed::Now(results) => results.last().and_then(|result| result["data"]["version"].as_i64()),
        Committed::Before(rows) => rows.first().and_then(|row| row["version"].as_i64()),
    };
    match number {
        Some(number) => Ok(Some(number)),
        // A strict server need not tell what it was not asked for; and no version is lost for want of its number.
        None => {
            let rows = work.client().query(&probe).await.unwrap_or_default();
            Ok(rows.first().and_then(|row| row["version"].as_i64()))
        }
    }
}

fn version_attributes(work: &Work, place: &Place, checked: &Checked, asset: &AssetChoice) -> Map<String, Value> {
    let mut version = attributes([
        ("asset_id", json!(asset.id())),
        ("task_id", json!(place.task_id)),
        ("comment", json!(work.request.comment.as_deref().unwrap_or_default())),
    ]);
    if let Some(status_id) = &place.status_id {
        version.insert("status_id".into(), json!(status_id));
    }
    if let Some(user_id) = &place.around.user_id {
        version.insert("user_id".into(), json!(user_id));
    }
    if let Some(slot) = checked.thumbnail_slot() {
        version.insert("thumbnail_id".into(), json!(work.ids.of(&slot)));
    }
    version
}

/// The same for a version that is there.
async fn register(work: &Work, stored: &Stored) -> Result<()> {
    let locations: Vec<String> = stored.parts.iter().map(|part| work.ids.location_of(&part.slot)).collect();
    let probe = Query::select(&["id"], "ComponentLocation").filter(Filter::within("id", locations));
    let client = work.client().patient(policy::UPLOAD_PATIENCE);
    client.commit(&registrations(work, stored), &probe).await.map(drop)
}

/// Where the bytes are, and what the player must know of them.
fn registrations(work: &Work, stored: &Stored) -> Vec<Operation> {
    let ids = &work.ids;
    let mut operations: Vec<Operation> = stored.parts.iter().map(|part| store::location(ids, &part.slot)).collect();
    for (part, meta) in stored.parts.iter().filter_map(|part| part.meta.as_ref().map(|meta| (part, meta))) {
        operations.push(Operation::create_with_key(
            "Metadata",
            &[("parent_id", &ids.of(&part.slot)), ("key", "ftr_meta")],
            // The value is JSON as text, not JSON (official documentation, web review).
            attributes([("parent_type", json!("FileComponent")), ("value", json!(meta.to_string()))]),
        ));
    }
    operations
}

/// The other request: the media become the version's, with all that belongs to it. The media may be sent again without harm.
async fn attach(work: &Work, place: &Place, checked: &Checked, stored: &Stored) -> Result<()> {
    let attach = |attached: Attached| {
        let version = attributes([("version_id", json!(work.version_id()))]);
        Operation::update(attached.entity_type, &[&attached.component.id], version)
    };
    let mut attached = stored.attached(&work.ids);
    if work.is_encoded() {
        // A source that the server encodes and deletes is nobody's, and what reviewers see comes when it has.
        attached.retain(|attached| work.request.keep_original || attached.component.id != work.ids.component);
        let client = work.client().patient(policy::ATTACH_PATIENCE);
        if !attached.is_empty() {
            let operations: Vec<Operation> = attached.iter().cloned().map(attach).collect();
            client.call_repeatable(&operations).await?;
        }
        work.job.note(|published| published.components = attached.into_iter().map(|known| known.component).collect());
        return Ok(());
    }
    let mut operations: Vec<Operation> = attached.iter().cloned().map(attach).collect();
    if place.version.is_some() {
        let thumbnail = checked.thumbnail_slot().map(|slot| work.ids.of(&slot));
        operations.extend(into::update(work, place, thumbnail.as_deref()));
    }
    around::show(work, place, &operations).await.map_err(|error| {
        let what = if place.version.is_some() { "is there" } else { "was created" };
        Error { message: format!("the version {what} and could not be given its media: {}", error.message), ..error }
    })?;
    let given = attached.into_iter().map(|attached| attached.component).collect();
    work.job.note(|published| published.components = given);
    Ok(())
}

/// The server has encoded the media and shows them: what belongs to the version follows.
pub async fn follow(work: &Work, place: &Place, checked: &Checked) -> Result<()> {
    let thumbnail = checked.thumbnail_slot().map(|slot| work.ids.of(&slot));
    // The server's encoder sets one of its own.
    let operations = match (&place.version, &thumbnail) {
        (Some(_), thumbnail) => into::update(work, place, thumbnail.as_deref()),
        (None, Some(thumbnail)) => {
            let attributes = attributes([("thumbnail_id", json!(thumbnail))]);
            Some(Operation::update("AssetVersion", &[work.version_id()], attributes))
        }
        (None, None) => None,
    };
    let operations: Vec<Operation> = operations.into_iter().collect();
    match around::show(work, place, &operations).await {
        Ok(()) => Ok(()),
        Err(error) => around::later(work, error, "what was to come with it").map(drop),
    }
}

/// Where a browser opens the version: not documented by ftrack, and the form that its users' programs have in common.
pub fn link(work: &Work, place: &Place) -> String {
    let server = work.client().server_url().as_str().trim_end_matches('/');
    format!(
        "{server}/#slideEntityId={}&slideEntityType=assetversion&view=versions_v1&itemId=projects&entityId={}&entityType=show",
        work.version_id(),
        place.project_id
    )
}

/// Attributes of an entity, from their names and values.
pub fn attributes<const N: usize>(attributes: [(&str, Value); N]) -> Map<String, Value> {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
