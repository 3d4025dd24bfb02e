//! Whether an earlier try of the same publish had done all of it: then nothing is sent again.

use super::check::Checked;
use super::resolve::Place;
use super::version;
use super::work::Work;
use crate::ftrack::{Filter, Operation, Query, rows};
use crate::session::Result;

/// True when reviewers have the version already; the job's result names it then. Without a key there is no earlier try.
pub async fn done_before(work: &Work, place: &Place, checked: &Checked) -> Result<bool> {
    if work.request.idempotency_key.is_none() {
        return Ok(false);
    }
    let ids = &work.ids;
    let version =
        Query::select(&["id", "version", "asset_id"], "AssetVersion").filter(Filter::equals("id", &ids.version));
    // The media are given to the version last.
    let media = Query::select(&["id"], "FileComponent")
        .filter(Filter::equals("id", &ids.component))
        .filter(Filter::equals("version_id", &ids.version));
    let mut results = work.client().call_repeatable(&[Operation::query(&version), Operation::query(&media)]).await?;
    let media = rows(results.pop().unwrap_or_default())?;
    let versions = rows(results.pop().unwrap_or_default())?;
    let (Some(version), false) = (versions.first(), media.is_empty()) else { return Ok(false) };
    work.log.info("publish", "an earlier try with the same idempotency_key had published it");
    work.job.note(|published| {
        published.asset_id = version["asset_id"].as_str().map(str::to_owned);
        published.version_id = Some(ids.version.clone());
        published.version_number = version["version"].as_i64();
        published.link = Some(version::link(work, place));
        published.component_id = Some(ids.component.clone());
        published.component_name = Some(checked.component_name);
        published.thumbnail_id = work.thumbnail_id(checked).map(str::to_owned);
    });
    Ok(true)
}
