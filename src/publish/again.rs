//! Whether an earlier try of the same publish had done all of it: then nothing is sent again.

use super::check::Checked;
use super::ids::{SERVER_LOCATION, UNMANAGED_LOCATION};
use super::resolve::Place;
use super::version;
use super::work::Work;
use crate::ftrack::{Filter, Operation, Query, rows};
use crate::session::Result;
use crate::session::event::Component;
use serde_json::Value;

/// True when reviewers have the version already; the job's result names it then. Without a key there is no earlier try.
pub async fn done_before(work: &Work, place: &Place, checked: &Checked) -> Result<bool> {
    if !work.may_have_been_tried() {
        return Ok(false);
    }
    let ids = &work.ids;
    let version = Query::select(&["id", "version", "asset_id", "thumbnail_id"], "AssetVersion")
        .filter(Filter::equals("id", work.version_id()));
    let all = Query::select(&["id", "name"], "Component").filter(Filter::equals("version_id", work.version_id()));
    let questions = [Operation::query(&version), Operation::query(&all), Operation::query(&shown_media(work))];
    let mut results = work.client().call_repeatable(&questions).await?;
    let media = rows(results.pop().unwrap_or_default())?;
    let components = rows(results.pop().unwrap_or_default())?;
    let versions = rows(results.pop().unwrap_or_default())?;
    let (Some(version), Some(media)) = (versions.first(), media.first()) else { return Ok(false) };
    work.log.info("publish", "an earlier try with the same idempotency_key had published it");
    // Servers give the size as a whole number or not.
    let size = checked.main().map(|shown| shown.media.source.size_bytes()).unwrap_or_default();
    // What is made of a file has another size each time.
    if size > 0 && media["size"].as_f64().is_some_and(|published| published != size as f64) {
        work.warn(format!(
            "'{}' was not published: its idempotency_key was used before, for a file of {} bytes, and this one has {size}; \
             give each publish a key of its own",
            work.request.path.display(),
            media["size"]
        ));
    }
    let frames = checked.sequences.iter().filter(|sequence| !sequence.upload).map(|sequence| &sequence.slot);
    let by_path: Vec<String> =
        checked.by_path.iter().map(|file| &file.slot).chain(frames).map(|slot| ids.of(slot)).collect();
    let component = |row: &Value| {
        let (id, name) = (row["id"].as_str()?.to_owned(), row["name"].as_str().unwrap_or_default().to_owned());
        let location_id = if by_path.contains(&id) { UNMANAGED_LOCATION } else { SERVER_LOCATION };
        Some(Component { name, id, location_id })
    };
    let mut components: Vec<Component> = components.iter().filter_map(component).collect();
    components.sort_by_key(|component| component.id != ids.component);
    work.job.note(|published| {
        published.components = components;
        published.asset_id = version["asset_id"].as_str().map(str::to_owned);
        published.version_id = Some(work.version_id().to_owned());
        published.version_number = version["version"].as_i64();
        published.link = Some(version::link(work, place));
        published.component_id = Some(ids.component.clone());
        published.component_name = media["name"].as_str().map(str::to_owned);
        published.thumbnail_id = version["thumbnail_id"].as_str().map(str::to_owned);
    });
    Ok(true)
}

/// Tells the host of the version that an earlier try has created, where it is there.
pub async fn note_earlier_version(work: &Work, place: &Place, checked: &Checked) -> Result<bool> {
    let query =
        Query::select(&["id", "version", "asset_id"], "AssetVersion").filter(Filter::equals("id", work.version_id()));
    let rows = work.client().query(&query).await?;
    let Some(version) = rows.first() else { return Ok(false) };
    work.made.lock().version = work.existing_version.is_none();
    work.job.note(|published| {
        published.asset_id = version["asset_id"].as_str().map(str::to_owned);
        published.version_id = Some(work.version_id().to_owned());
        published.version_number = version["version"].as_i64();
        published.link = Some(version::link(work, place));
        published.thumbnail_id = checked.thumbnail_slot().map(|slot| work.ids.of(&slot));
    });
    Ok(true)
}

/// The media, once the version shows them: they are given to it last.
pub fn shown_media(work: &Work) -> Query {
    Query::select(&["id", "name", "size"], "FileComponent")
        .filter(Filter::equals("id", &work.ids.component))
        .filter(Filter::equals("version_id", work.version_id()))
}
