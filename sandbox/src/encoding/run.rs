//! One job from start to end.

use std::path::Path;

use serde_json::{Value, json};

use super::{Mode, Task};
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::hub::update::Origin;
use crate::links::SERVER_LOCATION;
use crate::state::AppState;
use crate::value::now;

const NO_FFMPEG: &str = "this server has no ffmpeg to encode with: install it and start the server again, or publish media \
                         that play as they are";

/// A component that has data now.
struct Made<'a> {
    id: &'a str,
    bytes: u64,
    /// Its `ftr_meta`.
    meta: Value,
}

/// Runs a job. Whatever goes wrong is told in the job. One that somebody deleted or ended meanwhile puts nothing out.
pub(super) async fn run(state: &AppState, task: &Task) {
    let known = state.auth.user_by_id(&task.user_id).await.ok().flatten();
    let username = known.map(|caller| caller.username).unwrap_or_default();
    // Who asked was allowed to.
    let caller = Caller { id: task.user_id.clone(), username, can_write: true };
    let settings = state.encoder.settings();
    if is_wanted(state, task).await {
        let started = call(state, &caller, vec![update_job(task, json!({"status": "running"}))]).await;
        if started.is_ok() && settings.mode == Mode::Stuck {
            return;
        }
        tokio::time::sleep(settings.delay).await;
        let encoded = tokio::time::timeout(settings.time, encode(state, task)).await;
        let encoded = encoded.unwrap_or_else(|_| {
            Err(format!("it took longer than {} s, which is the most this server allows", settings.time.as_secs()))
        });
        match encoded {
            _ if !is_wanted(state, task).await => remove_outputs(state, &caller, task).await,
            Ok(made) => {
                if let Err(error) = call(state, &caller, done(state, task, &made).await).await {
                    fail(state, &caller, task, error.content.trim_end_matches('.')).await;
                }
            }
            Err(reason) => fail(state, &caller, task, &reason).await,
        }
    } else {
        remove_outputs(state, &caller, task).await;
    }
    forget(state, task).await;
}

/// Whether the job is there and nobody has ended it.
async fn is_wanted(state: &AppState, task: &Task) -> bool {
    let expression = format!("Job where id is \"{}\" and status in (\"queued\", \"running\")", task.job_id);
    state.query(&expression).await.is_ok_and(|found| !found.is_empty())
}

/// Makes what the job puts out and stores it; the database does not know of it yet.
async fn encode<'a>(state: &AppState, task: &'a Task) -> Result<Vec<Made<'a>>, String> {
    let encoder = &state.encoder.0;
    let ffmpeg = encoder.ffmpeg.as_ref().ok_or(NO_FFMPEG)?;
    let failed = |error: std::io::Error| format!("the folder for encoding cannot be used: {error}");
    std::fs::create_dir_all(&encoder.folder).map_err(failed)?;
    // It goes when this ends, however it does.
    let folder = tempfile::tempdir_in(&encoder.folder).map_err(failed)?;
    let source = format!("source{}", task.file_type);
    let fetched = state.storage.fetch(&task.source_id, &folder.path().join(&source)).await;
    fetched.map_err(|error| format!("the source cannot be read: {error}"))?;
    let image = folder.path().join("image.jpg");
    let mut made = Vec::new();
    match &task.movie_id {
        Some(id) => {
            let movie = ffmpeg.movie(folder.path(), &source, "movie.mp4").await?;
            ffmpeg.frame(folder.path(), "movie.mp4", movie.middle(), "image.jpg").await?;
            let meta = json!({
                "frameIn": 0,
                "frameOut": movie.frames.saturating_sub(1),
                "frameRate": movie.rate,
                "width": movie.width,
                "height": movie.height,
            });
            made.push(store(state, id, &folder.path().join("movie.mp4"), "ftrackreview-mp4.mp4", meta).await?);
        }
        None => ffmpeg.still(folder.path(), &source, "image.jpg").await?,
    }
    let size = image::image_dimensions(&image).map_err(|error| format!("the image made cannot be read: {error}"))?;
    let meta = json!({"format": "image", "width": size.0, "height": size.1});
    made.push(store(state, &task.image_id, &image, "image.jpg", meta).await?);
    Ok(made)
}

async fn store<'a>(state: &AppState, id: &'a str, path: &Path, name: &str, meta: Value) -> Result<Made<'a>, String> {
    let bytes = path.metadata().map_err(|error| format!("what was made cannot be read: {error}"))?.len();
    let stored = state.storage.put(id, path, name).await;
    stored.map_err(|error| format!("what was made cannot be stored: {error}"))?;
    Ok(Made { id, bytes, meta })
}

/// Everything becomes visible at once: the outputs with their location, the thumbnail, and the job's end.
async fn done(state: &AppState, task: &Task, made: &[Made<'_>]) -> Vec<Value> {
    let mut operations = Vec::new();
    for Made { id, bytes, meta } in made {
        operations.push(update("FileComponent", json!([id]), json!({"size": bytes})));
        operations.push(update("Metadata", json!([id, "ftr_meta"]), json!({"value": meta.to_string()})));
        let place = json!({"component_id": id, "location_id": SERVER_LOCATION, "resource_identifier": id});
        operations.push(create("ComponentLocation", place));
        operations.push(create("JobComponent", json!({"job_id": task.job_id, "component_id": id})));
    }
    if let Some(version) = &task.version_id {
        operations.push(update("AssetVersion", json!([version]), json!({"thumbnail_id": task.image_id})));
    }
    if !task.keep_original {
        operations.extend(deletions(state, &[&task.source_id]).await);
    }
    operations.push(update_job(task, json!({"status": "done", "finished_at": now()})));
    operations
}

/// Ends the job with the reason, and takes back what it would have put out.
async fn fail(state: &AppState, caller: &Caller, task: &Task, reason: &str) {
    let expression = format!("select data from Job where id is \"{}\"", task.job_id);
    let job = state.query(&expression).await.ok().and_then(|mut found| found.pop()).unwrap_or_default();
    let mut data: Value = job["data"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(json!({}));
    data["error"] = json!(format!("The media could not be encoded: {reason}."));
    let ended = json!({"status": "failed", "finished_at": now(), "data": data.to_string()});
    remove_outputs(state, caller, task).await;
    if let Err(error) = call(state, caller, vec![update_job(task, ended)]).await {
        eprintln!("encoding: the job {} could not be ended: {error}", task.job_id);
    }
}

async fn remove_outputs(state: &AppState, caller: &Caller, task: &Task) {
    let ids: Vec<&str> = task.movie_id.iter().chain([&task.image_id]).map(String::as_str).collect();
    if let Err(error) = call(state, caller, deletions(state, &ids).await).await {
        eprintln!("encoding: what the job {} would have put out could not be removed: {error}", task.job_id);
    }
    for id in ids {
        // Stored before the version went, perhaps; nothing there is no error.
        let _ = state.storage.remove(id).await;
    }
}

/// Operations that delete those of the components that are there: they may have gone with their version.
async fn deletions(state: &AppState, ids: &[&str]) -> Vec<Value> {
    let listed = ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
    let there = state.query(&format!("select id from FileComponent where id in ({listed})")).await.unwrap_or_default();
    let delete =
        |found: &Value| json!({"action": "delete", "entity_type": "FileComponent", "entity_key": [found["id"]]});
    there.iter().map(delete).collect()
}

async fn forget(state: &AppState, task: &Task) {
    let id = task.job_id.clone();
    let forget = move |connection: &mut rusqlite::Connection| {
        Ok(connection.execute("DELETE FROM _encoding WHERE job_id = ?1", [id]).map(drop)?)
    };
    // What stays is forgotten at the next start.
    let _ = state.database.run(forget).await;
}

async fn call(state: &AppState, caller: &Caller, operations: Vec<Value>) -> ApiResult<()> {
    state.call(caller, Origin::default(), operations, false).await.map(drop)
}

fn update_job(task: &Task, data: Value) -> Value {
    update("Job", json!([task.job_id]), data)
}

fn update(entity_type: &str, key: Value, data: Value) -> Value {
    json!({"action": "update", "entity_type": entity_type, "entity_key": key, "entity_data": data})
}

fn create(entity_type: &str, data: Value) -> Value {
    json!({"action": "create", "entity_type": entity_type, "entity_data": data})
}
