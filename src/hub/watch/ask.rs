//! Asking the server how things are. Events only say that it is worth asking: they can be lost, they come with names of old
//! columns, and they do not say what a host wants to hear. Only plain columns are asked for, because servers write related
//! entities once an answer (protocol reference, 1.2).

use crate::ftrack::{Client, Filter, Query};
use crate::session::{Code, Result, policy};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A version, as it is now.
#[derive(Debug)]
pub struct VersionNow {
    pub id: String,
    pub status: Option<String>,
    pub thumbnail: Option<String>,
}

/// A note.
#[derive(Debug)]
pub struct NoteNow {
    pub id: String,
    pub parent_id: String,
    pub content: String,
    pub author: Option<String>,
    pub frame: Option<i64>,
    pub in_reply_to: Option<String>,
}

/// What somebody answered in a review session.
#[derive(Debug)]
pub struct AnswerNow {
    pub id: String,
    pub object_id: String,
    pub status: String,
    pub author: Option<String>,
}

/// How things are.
#[derive(Debug, Default)]
pub struct Answer {
    pub versions: Vec<VersionNow>,
    /// In the order in which they were written.
    pub notes: Vec<NoteNow>,
    pub answers: Vec<AnswerNow>,
    /// Objects of review sessions: the version and the session of each.
    pub objects: HashMap<String, (String, String)>,
    /// Components that the web player can show: the version and the name of each.
    pub media: BTreeMap<String, (String, String)>,
    /// Names of statuses.
    pub statuses: HashMap<String, String>,
}

impl Answer {
    /// Whether what belongs to this is on the version, or on the version in the one review session that matters.
    pub fn is_on(&self, parent: &str, version: &str, review_session: Option<&str>) -> bool {
        match self.objects.get(parent) {
            Some((of, session)) => of == version && review_session.is_none_or(|wanted| wanted == session),
            None => parent == version,
        }
    }

    /// The review session that something belongs to.
    pub fn session_of(&self, parent: &str) -> Option<String> {
        self.objects.get(parent).map(|(_, session)| session.clone())
    }
}

/// What does not change between two questions, and what the server does not tell.
#[derive(Debug, Default)]
pub struct Memory {
    statuses: HashMap<String, String>,
    people: HashMap<String, String>,
    without_frames: bool,
    /// Types that this server does not have, or that the user may not read: the rest is watched all the same.
    refused: HashSet<&'static str>,
}

/// The versions in these review sessions, by session.
pub async fn versions_of(client: &Client, sessions: &BTreeSet<String>) -> Result<Vec<(String, String)>> {
    let rows = all(client, &["version_id", "review_session_id"], "ReviewSessionObject", "review_session_id", sessions);
    let pair = |row: &Value| Some((text(row, "review_session_id")?, text(row, "version_id")?));
    Ok(rows.await?.iter().filter_map(pair).collect())
}

/// How these versions are.
pub async fn ask(client: &Client, versions: &BTreeSet<String>, memory: &mut Memory) -> Result<Answer> {
    let mut answer = Answer::default();
    for row in all(client, &["id", "status_id", "thumbnail_id"], "AssetVersion", "id", versions).await? {
        if let Some(id) = text(&row, "id") {
            let (status, thumbnail) = (text(&row, "status_id"), text(&row, "thumbnail_id"));
            answer.versions.push(VersionNow { id, status, thumbnail });
        }
    }
    let attributes = ["id", "version_id", "review_session_id"];
    for row in some(client, &attributes, "ReviewSessionObject", "version_id", versions, memory).await? {
        if let (Some(id), Some(version), Some(session)) =
            (text(&row, "id"), text(&row, "version_id"), text(&row, "review_session_id"))
        {
            answer.objects.insert(id, (version, session));
        }
    }
    let objects: BTreeSet<String> = answer.objects.keys().cloned().collect();
    let parents: BTreeSet<String> = versions.union(&objects).cloned().collect();
    let mut notes = notes(client, &parents, memory).await?;
    // Dates are ISO 8601 of one server, so that their order is that of time.
    notes.sort_by_key(|row| row.pointer("/date/value").and_then(Value::as_str).unwrap_or_default().to_owned());
    let attributes = ["id", "status", "review_session_object_id", "review_session_invitee_id"];
    let answers =
        some(client, &attributes, "ReviewSessionObjectStatus", "review_session_object_id", &objects, memory).await?;
    answer.media = media(client, versions, memory).await?;
    let authors = notes.iter().filter_map(|row| text(row, "user_id")).collect();
    learn_people(client, "User", &["id", "first_name", "last_name", "username"], authors, memory).await?;
    let invitees = answers.iter().filter_map(|row| text(row, "review_session_invitee_id")).collect();
    learn_people(client, "ReviewSessionInvitee", &["id", "name"], invitees, memory).await?;
    let statuses = answer.versions.iter().filter_map(|version| version.status.clone());
    let unknown: BTreeSet<String> = statuses.filter(|id| !memory.statuses.contains_key(id)).collect();
    for row in all(client, &["id", "name"], "Status", "id", &unknown).await? {
        if let (Some(id), Some(name)) = (text(&row, "id"), text(&row, "name")) {
            memory.statuses.insert(id, name);
        }
    }
    answer.statuses.clone_from(&memory.statuses);
    let person = |row: &Value, key: &str| memory.people.get(&text(row, key)?).cloned();
    answer.notes.extend(notes.iter().filter_map(|row| {
        Some(NoteNow {
            id: text(row, "id")?,
            parent_id: text(row, "parent_id")?,
            content: text(row, "content").unwrap_or_default(),
            author: person(row, "user_id"),
            frame: row.get("frame_number").and_then(Value::as_i64),
            in_reply_to: text(row, "in_reply_to_id"),
        })
    }));
    answer.answers.extend(answers.iter().filter_map(|row| {
        Some(AnswerNow {
            id: text(row, "id")?,
            object_id: text(row, "review_session_object_id")?,
            status: text(row, "status").unwrap_or_default(),
            author: person(row, "review_session_invitee_id"),
        })
    }));
    Ok(answer)
}

/// What the player can show: a component with a name that it knows, whose `ftr_meta` is there and no longer the placeholder
/// of media that are being encoded (protocol reference, 3.4).
async fn media(
    client: &Client,
    versions: &BTreeSet<String>,
    memory: &mut Memory,
) -> Result<BTreeMap<String, (String, String)>> {
    let mut named = BTreeMap::new();
    for row in some(client, &["id", "name", "version_id"], "Component", "version_id", versions, memory).await? {
        if let (Some(id), Some(name), Some(version)) = (text(&row, "id"), text(&row, "name"), text(&row, "version_id"))
            && name.starts_with("ftrackreview-")
        {
            named.insert(id, (version, name));
        }
    }
    let components = named.keys().cloned().collect();
    let metadata = some(client, &["parent_id", "key", "value"], "Metadata", "parent_id", &components, memory).await?;
    let ready = |row: &Value| {
        let whole = text(row, "key")? == "ftr_meta" && text(row, "value")? != "encoding";
        if whole { text(row, "parent_id") } else { None }
    };
    let ready: BTreeSet<String> = metadata.iter().filter_map(ready).collect();
    named.retain(|component, _| ready.contains(component));
    Ok(named)
}

async fn notes(client: &Client, parents: &BTreeSet<String>, memory: &mut Memory) -> Result<Vec<Value>> {
    const WITH_FRAMES: [&str; 7] = ["id", "content", "parent_id", "user_id", "in_reply_to_id", "date", "frame_number"];
    if memory.without_frames {
        return all(client, &WITH_FRAMES[..6], "Note", "parent_id", parents).await;
    }
    match all(client, &WITH_FRAMES, "Note", "parent_id", parents).await {
        Err(error) if error.details.exception.is_some() && error.code != Code::Unauthorised => {
            // Notes have frames on newer servers only (protocol reference, 3.7).
            let notes = all(client, &WITH_FRAMES[..6], "Note", "parent_id", parents).await?;
            memory.without_frames = true;
            Ok(notes)
        }
        other => other,
    }
}

async fn learn_people(
    client: &Client,
    entity: &'static str,
    attributes: &[&'static str],
    ids: BTreeSet<String>,
    memory: &mut Memory,
) -> Result<()> {
    let unknown: BTreeSet<String> = ids.into_iter().filter(|id| !memory.people.contains_key(id)).collect();
    for row in some(client, attributes, entity, "id", &unknown, memory).await? {
        let Some(id) = text(&row, "id") else { continue };
        let names = ["name", "first_name", "last_name"].into_iter().filter_map(|key| text(&row, key));
        let full = names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ");
        let name = if full.is_empty() { text(&row, "username").unwrap_or_default() } else { full };
        memory.people.insert(id, name);
    }
    Ok(())
}

/// The same of a type that not every server has, or lets every user read. It is asked for until it is refused.
async fn some(
    client: &Client,
    attributes: &[&'static str],
    entity: &'static str,
    attribute: &'static str,
    values: &BTreeSet<String>,
    memory: &mut Memory,
) -> Result<Vec<Value>> {
    if memory.refused.contains(entity) {
        return Ok(Vec::new());
    }
    match all(client, attributes, entity, attribute, values).await {
        Err(error)
            if matches!(error.code, Code::Query | Code::Validation | Code::Permission | Code::Unsupported)
                && error.details.exception.is_some() =>
        {
            memory.refused.insert(entity);
            Ok(Vec::new())
        }
        other => other,
    }
}

/// All entities whose attribute has one of the values, asked for in lists that servers take.
async fn all(
    client: &Client,
    attributes: &[&'static str],
    entity: &'static str,
    attribute: &'static str,
    values: &BTreeSet<String>,
) -> Result<Vec<Value>> {
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    for some in values.chunks(policy::WATCH_LIST) {
        let filter = Filter::within(attribute, some.iter().copied());
        rows.extend(client.query(&Query::select(attributes, entity).filter(filter)).await?);
    }
    Ok(rows)
}

fn text(row: &Value, key: &str) -> Option<String> {
    row.get(key).and_then(Value::as_str).map(str::to_owned)
}
