//! The operations that follow the media, by what is told when the server refuses them.

use super::answers::{List, Session, Surroundings};
use super::{note, review};
use crate::ftrack::{Client, Filter, Operation, Query, rows};
use crate::publish::resolve::Place;
use crate::publish::work::Work;
use crate::session::Result;
use serde_json::{Map, Value, json};

/// Something that is made or changed as a whole.
pub struct Piece {
    pub about: About,
    /// To follow on "the version is published without".
    pub what: String,
    /// What finds it where it was made before.
    pub probes: Vec<Query>,
    /// What is to be done, given what the probes found.
    pub left: Left,
    /// What is done where the server refuses that.
    pub instead: Option<Instead>,
}

/// What a piece is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Note,
    Review,
    Other,
}

/// What is to be done, given what the probes found.
pub type Left = Box<dyn Fn(&Found) -> Vec<Operation> + Send + Sync>;

/// The entities that each probe of a piece found. Nothing where it was not asked.
pub type Found = [Vec<Value>];

/// A second best.
pub struct Instead {
    pub operations: Vec<Operation>,
    /// What is said of it, and of the refusal.
    pub warning: String,
}

impl Piece {
    /// The creations that are left: whatever only changes something was done with what it belongs to.
    pub fn creations(&self, found: &Found) -> Vec<Operation> {
        let mut operations = (self.left)(found);
        operations.retain(is_creation);
        operations
    }

    /// What its probes find.
    pub async fn ask(&self, client: &Client) -> Result<Vec<Vec<Value>>> {
        Ok(ask(client, std::slice::from_ref(self)).await?.pop().unwrap_or_default())
    }
}

/// Whether it makes something, and so must not be sent twice.
pub fn is_creation(operation: &Operation) -> bool {
    operation.json()["action"] == "create"
}

/// What the probes of each piece find: one request.
pub async fn ask(client: &Client, pieces: &[Piece]) -> Result<Vec<Vec<Vec<Value>>>> {
    let operations: Vec<Operation> = pieces.iter().flat_map(|piece| &piece.probes).map(Operation::query).collect();
    if operations.is_empty() {
        return Ok(pieces.iter().map(|_| Vec::new()).collect());
    }
    let mut results = client.call_repeatable(&operations).await?.into_iter().map(rows);
    pieces.iter().map(|piece| results.by_ref().take(piece.probes.len()).collect()).collect()
}

/// All that was asked for. The version is there.
pub fn pieces(work: &Work, place: &Place) -> Vec<Piece> {
    let Surroundings { task_status_id, attributes, lists, review, .. } = &place.around;
    let mut pieces = Vec::new();
    if let (Some(status), Some(task)) = (task_status_id, &place.task_id) {
        let operation = Operation::update("Task", &[task], object([("status_id", json!(status))]));
        pieces.push(change("the status of its task", vec![operation]));
    }
    if !attributes.is_empty() {
        let version = work.version_id();
        let value = |(configuration, value): &(String, Value)| {
            // Set before or not, and in no payload of a creation (official documentation, custom attributes).
            let key = [configuration.as_str(), version];
            Operation::update("AssetVersionCustomAttributeValue", &key, object([("value", value.clone())]))
        };
        pieces.push(change("its custom attributes", attributes.iter().map(value).collect()));
    }
    pieces.extend(metadata(work));
    pieces.extend(links(work));
    pieces.extend(lists.iter().map(|list| member(work, list)));
    pieces.extend(note::piece(work, place));
    pieces.extend(review.as_ref().map(|session: &Session| review::piece(work, place, session)));
    pieces
}

fn change(what: &str, operations: Vec<Operation>) -> Piece {
    Piece {
        about: About::Other,
        what: what.to_owned(),
        probes: Vec::new(),
        left: Box::new(move |_| operations.clone()),
        instead: None,
    }
}

fn metadata(work: &Work) -> Option<Piece> {
    let wanted = work.request.around.metadata.clone();
    if wanted.is_empty() {
        return None;
    }
    let version = work.version_id().to_owned();
    let probe = Query::select(&["parent_id", "key"], "Metadata")
        .filter(Filter::equals("parent_id", &version))
        .filter(Filter::within("key", wanted.keys()));
    let left = move |found: &Found| {
        let there = |key: &str| found.iter().flatten().any(|row| row["key"] == key);
        let entry = |(key, value): (&String, &Value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match there(key) {
                true => Operation::update("Metadata", &[&version, key], object([("value", json!(text))])),
                false => Operation::create_with_key(
                    "Metadata",
                    &[("parent_id", &version), ("key", key)],
                    object([("parent_type", json!("AssetVersion")), ("value", json!(text))]),
                ),
            }
        };
        wanted.iter().map(entry).collect()
    };
    Some(Piece {
        about: About::Other,
        what: "its metadata".into(),
        probes: vec![probe],
        left: Box::new(left),
        instead: None,
    })
}

fn links(work: &Work) -> Option<Piece> {
    let version = work.version_id().to_owned();
    // A version that gets new media may be named among those that it uses.
    let used = work.request.around.uses_versions.iter().filter(|id| **id != version);
    let used: Vec<(String, String)> = used.map(|id| (id.clone(), work.ids.of_what(&format!("link {id}")))).collect();
    if used.is_empty() {
        return None;
    }
    let probe = Query::select(&["id", "from_id", "to_id"], "AssetVersionLink")
        .filter(Filter::equals("to_id", &version))
        .filter(Filter::within("from_id", used.iter().map(|(used, _)| used)));
    let left = move |found: &Found| {
        let missing = used.iter().filter(|(used, _)| !found.iter().flatten().any(|row| row["from_id"] == **used));
        let link = |(used, id): &(String, String)| {
            let ends = object([("from_id", json!(used)), ("to_id", json!(version))]);
            Operation::create("AssetVersionLink", id, ends)
        };
        missing.map(link).collect()
    };
    let what = "its links to the versions that it uses".to_owned();
    Some(Piece { about: About::Other, what, probes: vec![probe], left: Box::new(left), instead: None })
}

fn member(work: &Work, list: &List) -> Piece {
    let (list, version) = (list.clone(), work.version_id().to_owned());
    let id = work.ids.of_what(&format!("in list {}", list.id));
    let project = work.job.published().project_id;
    let probes = vec![
        Query::select(&["id"], "AssetVersionList").filter(Filter::equals("id", &list.id)),
        Query::select(&["id", "list_id", "entity_id"], "ListObject")
            .filter(Filter::equals("list_id", &list.id))
            .filter(Filter::equals("entity_id", &version)),
    ];
    let what = format!("its place in the list \"{}\"", list.name);
    let left = move |found: &Found| {
        let is_there = |probe: usize| found.get(probe).is_some_and(|rows| !rows.is_empty());
        let mut operations = Vec::new();
        if let (Some(category), false) = (&list.to_create, is_there(0)) {
            let list_attributes = [
                ("name", json!(list.name)),
                ("project_id", json!(project)),
                ("category_id", json!(category)),
                ("is_open", json!(true)),
            ];
            operations.push(Operation::create("AssetVersionList", &list.id, object(list_attributes)));
        }
        if !is_there(1) {
            let ends = object([("list_id", json!(list.id)), ("entity_id", json!(version))]);
            operations.push(Operation::create("ListObject", &id, ends));
        }
        operations
    };
    Piece { about: About::Other, what, probes, left: Box::new(left), instead: None }
}

/// Attributes of an entity.
pub fn object<const N: usize>(attributes: [(&str, Value); N]) -> Map<String, Value> {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
