//! The operation `encode_media`.

use rusqlite::OptionalExtension;
use serde_json::{Value, json};

use super::{Mode, Task, remember};
use crate::api::batch::{Batch, text};
use crate::api::write;
use crate::error::{ApiError, ApiResult, Exception};
use crate::links::SERVER_LOCATION;

/// What stills are called. Everything else is taken for a movie; ffmpeg says so when it is none.
const STILLS: [&str; 14] =
    [".bmp", ".dpx", ".exr", ".hdr", ".jp2", ".jpeg", ".jpg", ".png", ".psd", ".tga", ".tif", ".tiff", ".webp", ".cin"];

/// The value of `ftr_meta` while there are no data yet (reference, 3.4).
pub(crate) const ENCODING: &str = "encoding";

/// Makes the job and the components that it will put out, and answers the job's id.
pub(crate) fn encode_media(batch: &mut Batch<'_>, operation: &Value) -> ApiResult<Value> {
    if batch.state.encoder.settings().mode == Mode::Off {
        return Err(ApiError::new(Exception::InvalidAction, "Invalid action u'encode_media'"));
    }
    let source_id = text(operation, "component_id")?;
    let (name, file_type) = source(batch, source_id)?;
    let keep_original = match &operation["keep_original"] {
        Value::Null => true,
        Value::Bool(keep) => *keep,
        other => return Err(ApiError::validation(format!("\"keep_original\" has to be true or false, not {other}."))),
    };
    let version_id = match &operation["version_id"] {
        Value::Null => None,
        Value::String(id) => Some(id.clone()),
        other => return Err(ApiError::validation(format!("\"version_id\" has to be text or null, not {other}."))),
    };
    let extension = extension(&file_type, &name);
    let is_still = STILLS.contains(&extension.as_str());
    let new_id = || uuid::Uuid::new_v4().to_string();
    let task = Task {
        job_id: new_id(),
        user_id: batch.caller.id.clone(),
        source_id: source_id.to_owned(),
        file_type: extension,
        keep_original,
        version_id,
        movie_id: (!is_still).then(new_id),
        image_id: new_id(),
    };
    let mut output = Vec::new();
    if let Some(id) = &task.movie_id {
        create_output(batch, &task, id, "ftrackreview-mp4", ".mp4")?;
        output.push(json!({"format": "video/mp4", "component_id": id}));
    }
    // A movie beside it is what is reviewed; two reviewables on one version confuse players (reference, 3.9).
    create_output(batch, &task, &task.image_id, if is_still { "ftrackreview-image" } else { "thumbnail" }, ".jpg")?;
    output.push(json!({"format": "image/jpeg", "component_id": task.image_id}));
    let data = json!({"output": output, "source_component_id": source_id, "keep_original": keep_original});
    create(batch, "Job", json!({"id": task.job_id, "data": data.to_string()}))?;
    remember(batch.connection, &task)?;
    let job_id = task.job_id.clone();
    let queued = batch.state.encoder.reserve(task).ok_or_else(|| {
        let waiting = batch.state.encoder.settings().waiting;
        ApiError::new(Exception::Internal, format!("{waiting} media wait to be encoded: try again when some are done."))
    })?;
    batch.encodings.push(queued);
    Ok(json!({"job_id": job_id}))
}

/// Name and file type of the source, which has to be stored by this server.
fn source(batch: &Batch<'_>, id: &str) -> ApiResult<(String, String)> {
    let sql = "SELECT c.name, coalesce(c.file_type, ''), c._type, EXISTS (SELECT 1 FROM component_location l \
               WHERE l.component_id = c.id AND l.location_id = ?2) FROM component c WHERE c.id = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, Option<String>>(2)?,
            row.get::<_, bool>(3)?,
        ))
    };
    let found = batch.connection.prepare_cached(sql)?.query_row([id, SERVER_LOCATION], read).optional()?;
    match found {
        None => Err(ApiError::validation(format!("There is no component {id:?} to encode."))),
        Some((_, _, of_type, _)) if of_type.as_deref() != Some("FileComponent") => {
            let of_type = of_type.unwrap_or_default();
            Err(ApiError::validation(format!("The component {id:?} is a {of_type}; only a FileComponent is encoded.")))
        }
        Some((_, _, _, false)) => Err(ApiError::validation(format!(
            "The component {id:?} is not in the location ftrack.server: upload it and add it there first."
        ))),
        Some((name, file_type, _, true)) => Ok((name, file_type)),
    }
}

/// The file type in lower case with its dot; letters and digits only, since it becomes part of a file's name.
fn extension(file_type: &str, name: &str) -> String {
    let from_name = || name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let given = if file_type.is_empty() { from_name() } else { file_type.trim_start_matches('.') };
    let plain = given.to_ascii_lowercase();
    let is_plain = !plain.is_empty() && plain.len() <= 8 && plain.chars().all(|c| c.is_ascii_alphanumeric());
    if is_plain { format!(".{plain}") } else { String::new() }
}

/// A component without data yet.
fn create_output(batch: &mut Batch<'_>, task: &Task, id: &str, name: &str, file_type: &str) -> ApiResult<()> {
    let data = json!({"id": id, "name": name, "file_type": file_type, "version_id": task.version_id});
    create(batch, "FileComponent", data)?;
    for (key, value) in [("ftr_meta", ENCODING), ("source_component_id", task.source_id.as_str())] {
        let data = json!({"parent_id": id, "parent_type": "FileComponent", "key": key, "value": value});
        create(batch, "Metadata", data)?;
    }
    Ok(())
}

fn create(batch: &mut Batch<'_>, entity_type: &str, data: Value) -> ApiResult<Value> {
    write::create(batch, &json!({"entity_type": entity_type, "entity_data": data}))
}

#[cfg(test)]
mod tests {
    use super::extension;

    #[test]
    fn a_file_type_cannot_lead_out_of_a_folder() {
        for (file_type, name, found) in [
            (".MOV", "main", ".mov"),
            ("", "shot.v1.exr", ".exr"),
            ("mp4", "", ".mp4"),
            ("./../../x", "main", ""),
            ("", "no type", ""),
        ] {
            assert_eq!(extension(file_type, name), found, "{file_type} {name}");
        }
    }
}
