//! Components whose bytes stay where they are: the server is told their paths, in its location for what it does not manage.

use super::files::ByPath;
use super::ids::UNMANAGED_LOCATION;
use super::part::Attached;
use super::version::attributes;
use super::work::Work;
use crate::ftrack::{Filter, Operation, Query};
use crate::session::Result;
use crate::session::event::Component;
use serde_json::json;

/// Creates them. Without a version nobody sees them.
pub async fn register(work: &Work, files: &[ByPath]) -> Result<Vec<Attached>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = files.iter().map(|file| work.ids.of(&file.slot)).collect();
    work.made.lock().components.extend(ids.iter().cloned());
    let there = if work.may_have_been_tried() { work.existing("FileComponent", &ids).await? } else { Vec::new() };
    let mut operations = Vec::new();
    for (file, id) in files.iter().zip(&ids).filter(|(_, id)| !there.contains(id)) {
        let component =
            [("name", json!(file.name)), ("file_type", json!(file.file_type)), ("size", json!(file.size_bytes))];
        operations.push(Operation::create("FileComponent", id, attributes(component)));
        let location = [
            ("component_id", json!(id)),
            ("location_id", json!(UNMANAGED_LOCATION)),
            ("resource_identifier", json!(file.path.to_string_lossy())),
        ];
        operations.push(Operation::create(
            "ComponentLocation",
            &work.ids.location_of(&file.slot),
            attributes(location),
        ));
    }
    if !operations.is_empty() {
        let missing = ids.iter().filter(|id| !there.contains(id)).cloned();
        let probe = Query::select(&["id"], "FileComponent").filter(Filter::within("id", missing));
        work.client().commit(&operations, &probe).await?;
    }
    let attached = |(file, id): (&ByPath, String)| Attached {
        entity_type: "FileComponent",
        component: Component { name: file.name.clone(), id, location_id: UNMANAGED_LOCATION },
    };
    Ok(files.iter().zip(ids).map(attached).collect())
}
