//! An existing version that gets new media: they are added first and the earlier ones removed after, so that there is no moment
//! at which it has none.

use super::kept;
use super::resolve::Place;
use super::work::Work;
use crate::ftrack::{Filter, Operation, Query, rows};
use crate::session::{Error, Result};
use serde_json::{Map, Value, json};

/// The version.
#[derive(Clone, Debug)]
pub struct Existing {
    pub number: Option<i64>,
    /// Ids and names of its components.
    pub components: Vec<(String, String)>,
}

/// What is asked of it besides the context.
pub fn query(version_id: &str) -> Query {
    Query::select(&["id", "name"], "Component").filter(Filter::equals("version_id", version_id))
}

impl Existing {
    /// From the answer to that.
    pub fn read(number: Option<i64>, rows: &[Value]) -> Existing {
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        Existing { number, components: rows.iter().map(|row| (text(row, "id"), text(row, "name"))).collect() }
    }
}

/// What changes about the version itself, with its new media.
pub fn update(work: &Work, place: &Place, thumbnail_id: Option<&str>) -> Option<Operation> {
    let given = [
        ("comment", work.request.comment.as_deref()),
        ("status_id", place.status_id.as_deref()),
        ("user_id", place.around.user_id.as_deref()),
        ("thumbnail_id", thumbnail_id),
    ];
    let changes: Map<String, Value> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect();
    (!changes.is_empty()).then(|| Operation::update("AssetVersion", &[work.version_id()], changes))
}

/// Removes the media that reviewers opened before. What else the version has stays: sources, and thumbnails, which tasks and
/// shots may show as well.
pub async fn retire(work: &Work, place: &Place) -> Result<()> {
    let Some(version) = &place.version else { return Ok(()) };
    let mut own = work.ids.components();
    // What the server's encoder makes has ids of the server's; the result also names what the version had before.
    own.extend(work.made.lock().components.iter().cloned());
    let is_earlier = |(id, name): &&(String, String)| name.starts_with("ftrackreview-") && !own.contains(id);
    let earlier: Vec<String> = version.components.iter().filter(is_earlier).map(|(id, _)| id.clone()).collect();
    let removed = match part(work, &earlier).await {
        Ok(used) => {
            let unused = earlier.into_iter().filter(|id| !used.contains(id)).collect();
            work.try_remove("FileComponent", unused).await
        }
        Err(error) => Err((earlier, error)),
    };
    if let Err((left, error)) = removed {
        if work.kept.get().is_some() && kept::may_pass(&error) {
            let message =
                format!("the version has its new media beside the earlier ones, which stayed: {}", error.message);
            return Err(Error { message, ..error });
        }
        work.warn(format!(
            "the version has its new media, and the server could not be asked to remove the earlier ones: {}; its player may \
             show those, so remove them in ftrack",
            left.join(", ")
        ));
    }
    Ok(())
}

/// Parts those from the version that are thumbnails besides, as stills are, and says which: they stay, as thumbnails do.
async fn part(work: &Work, earlier: &[String]) -> Result<Vec<String>> {
    if earlier.is_empty() {
        return Ok(Vec::new());
    }
    let users = ["TypedContext", "Project", "AssetVersion"].map(|entity_type| {
        let used = Filter::within("thumbnail_id", earlier);
        Operation::query(&Query::select(&["id", "thumbnail_id"], entity_type).filter(used))
    });
    let mut used = Vec::new();
    for result in work.client().call_repeatable(&users).await? {
        used.extend(rows(result)?.iter().filter_map(|row| row["thumbnail_id"].as_str().map(str::to_owned)));
    }
    used.sort();
    used.dedup();
    let nothing = Map::from_iter([("version_id".to_owned(), Value::Null)]);
    let parting = |id: &String| Operation::update("FileComponent", &[id], nothing.clone());
    let parting: Vec<Operation> = used.iter().map(parting).collect();
    if !parting.is_empty() {
        work.client().call_repeatable(&parting).await?;
    }
    Ok(used)
}
