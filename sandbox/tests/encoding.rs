//! `encode_media` with a real ffmpeg, and what becomes of jobs that cannot be done.
//!
//! Without ffmpeg those that need it pass without a look; continuous integration has it, and there its absence is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::{Sandbox, create, delete, new_id, update};
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER, READER_KEY, READER_USER};
use ftreview_sandbox::encoding::Mode;
use ftreview_sandbox::links::SERVER_LOCATION;
use ftreview_sandbox::{Config, Server};
use serde_json::{Value, json};

fn media(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/media").join(name)
}

fn no_ffmpeg() -> bool {
    let is_missing = Command::new("ffmpeg").arg("-version").output().is_err();
    assert!(!is_missing || std::env::var_os("CI").is_none(), "ffmpeg is not installed");
    if is_missing {
        eprintln!("skipped: ffmpeg is not installed");
    }
    is_missing
}

/// A file that ffmpeg makes.
fn make(sandbox: &Sandbox, name: &str, arguments: &[&str]) -> PathBuf {
    let path = sandbox.folder.path().join(name);
    let done = Command::new("ffmpeg").args(["-v", "error", "-nostdin"]).args(arguments).arg(&path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    path
}

/// A component with these data in ftrack.server, named after the file.
async fn upload(sandbox: &Sandbox, bytes: Vec<u8>, file_type: &str) -> String {
    let id = new_id();
    let created = sandbox
        .pass(json!([
            create("FileComponent", json!({"id": id, "name": "source", "file_type": file_type, "size": bytes.len()})),
            {"action": "get_upload_metadata", "component_id": id, "file_name": format!("source{file_type}"),
                "file_size": bytes.len()},
            create("ComponentLocation", json!({"component_id": id, "location_id": SERVER_LOCATION,
                "resource_identifier": id})),
        ]))
        .await;
    let mut put = sandbox.client.put(created[1]["url"].as_str().unwrap()).body(bytes);
    for (name, value) in created[1]["headers"].as_object().unwrap().iter().filter(|(name, _)| *name != "Content-Length")
    {
        put = put.header(name, value.as_str().unwrap());
    }
    assert!(put.send().await.unwrap().status().is_success());
    id
}

async fn upload_file(sandbox: &Sandbox, path: &Path) -> String {
    let file_type = format!(".{}", path.extension().unwrap().to_str().unwrap());
    upload(sandbox, std::fs::read(path).unwrap(), &file_type).await
}

async fn version(sandbox: &Sandbox) -> String {
    let asset = sandbox.asset().await;
    let id = new_id();
    sandbox.pass(json!([create("AssetVersion", json!({"id": id, "asset_id": asset}))])).await;
    id
}

fn encode(component: &str, version: Option<&str>, keep: bool) -> Value {
    json!([{"action": "encode_media", "component_id": component, "version_id": version, "keep_original": keep}])
}

async fn start(sandbox: &Sandbox, component: &str, version: Option<&str>, keep: bool) -> String {
    let answer = sandbox.pass(encode(component, version, keep)).await;
    answer[0]["job_id"].as_str().unwrap().to_owned()
}

async fn job(sandbox: &Sandbox, id: &str) -> Value {
    let expression =
        format!("select status, data, finished_at, job_components.component_id from Job where id is \"{id}\"");
    sandbox.query(&expression).await.remove(0)
}

/// The job once its status is one of these; only a hang gets to the end of patience.
async fn wait(sandbox: &Sandbox, id: &str, statuses: &[&str]) -> Value {
    for _ in 0..1200 {
        let job = job(sandbox, id).await;
        if statuses.contains(&job["status"].as_str().unwrap()) {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the job {id} does not end: {}", job(sandbox, id).await);
}

fn data(job: &Value) -> Value {
    serde_json::from_str(job["data"].as_str().unwrap()).unwrap()
}

fn outputs(job: &Value) -> Vec<(String, String)> {
    let data = data(job);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    data["output"].as_array().unwrap().iter().map(|one| (text(&one["format"]), text(&one["component_id"]))).collect()
}

async fn component(sandbox: &Sandbox, id: &str) -> Option<Value> {
    let expression = format!(
        "select name, file_type, size, version_id, metadata.key, metadata.value, component_locations.location_id \
         from FileComponent where id is \"{id}\""
    );
    sandbox.query(&expression).await.pop()
}

fn metadata(component: &Value, key: &str) -> String {
    let all = component["metadata"].as_array().unwrap();
    let found = all.iter().find(|one| one["key"] == key).unwrap_or_else(|| panic!("no {key}: {component}"));
    found["value"].as_str().unwrap().to_owned()
}

fn meta(component: &Value) -> Value {
    serde_json::from_str(&metadata(component, "ftr_meta")).unwrap()
}

async fn bytes(sandbox: &Sandbox, id: &str) -> Vec<u8> {
    let url = format!("{}/component/get?id={id}&username={DEMO_USER}&apiKey={DEMO_KEY}", sandbox.server.url());
    let answer = sandbox.client.get(url).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.bytes().await.unwrap().to_vec()
}

/// The server started again with the same data, and without a delay.
async fn restart(sandbox: Sandbox) -> Sandbox {
    let Sandbox { server, client, folder } = sandbox;
    server.stop().await;
    let server = Server::start(Config::new(folder.path())).await.unwrap();
    Sandbox { server, client, folder }
}

#[tokio::test]
async fn a_movie_becomes_an_mp4_and_an_image_of_its_version() {
    if no_ffmpeg() {
        return;
    }
    let sandbox = Sandbox::start().await;
    let arguments = ["-f", "lavfi", "-i", "testsrc=size=1999x1079:rate=24000/1001", "-frames:v", "37", "-c:v", "png"];
    let source = upload_file(&sandbox, &make(&sandbox, "odd.mkv", &arguments)).await;
    let version = version(&sandbox).await;
    let id = start(&sandbox, &source, Some(&version), false).await;
    let formats: Vec<_> = outputs(&job(&sandbox, &id).await).into_iter().map(|(format, _)| format).collect();
    assert_eq!(formats, ["video/mp4", "image/jpeg"]);
    let job = wait(&sandbox, &id, &["done", "failed"]).await;
    assert_eq!(job["status"], "done", "{job}");
    assert!(job["finished_at"]["value"].is_string(), "{job}");
    assert_eq!((&data(&job)["source_component_id"], &data(&job)["keep_original"]), (&json!(source), &json!(false)));
    let outputs = outputs(&job);
    let listed = job["job_components"].as_array().unwrap();
    assert!(outputs.iter().all(|(_, id)| listed.iter().any(|one| one["component_id"] == *id)), "{job}");
    let movie = component(&sandbox, &outputs[0].1).await.unwrap();
    let still = component(&sandbox, &outputs[1].1).await.unwrap();
    assert_eq!((&movie["name"], &movie["file_type"]), (&json!("ftrackreview-mp4"), &json!(".mp4")));
    assert_eq!((&still["name"], &still["file_type"]), (&json!("thumbnail"), &json!(".jpg")));
    for (component, id) in [(&movie, &outputs[0].1), (&still, &outputs[1].1)] {
        assert_eq!(component["version_id"], json!(version));
        assert_eq!(metadata(component, "source_component_id"), source);
        assert_eq!(component["component_locations"][0]["location_id"], SERVER_LOCATION);
        assert_eq!(component["size"], json!(bytes(&sandbox, id).await.len()));
    }
    let rate = meta(&movie)["frameRate"].as_f64().unwrap();
    assert!((rate - 24000.0 / 1001.0).abs() < 0.001, "{rate}");
    let told = meta(&movie);
    let told = ["frameIn", "frameOut", "width", "height"].map(|key| told[key].as_i64().unwrap());
    assert_eq!(told, [0, 36, 1332, 720]);
    assert_eq!(meta(&still), json!({"format": "image", "width": 1332, "height": 720}));
    let found = sandbox.query(&format!("select thumbnail_id from AssetVersion where id is \"{version}\"")).await;
    assert_eq!(found[0]["thumbnail_id"], json!(outputs[1].1));
    assert_eq!(component(&sandbox, &source).await, None, "the source is deleted");
    assert!(!sandbox.server.state().storage.exists(&source).await.unwrap(), "and its data");
    let probed = sandbox.folder.path().join("result.mp4");
    std::fs::write(&probed, bytes(&sandbox, &outputs[0].1).await).unwrap();
    let arguments = ["-v", "error", "-show_entries", "stream=codec_name,pix_fmt,color_space", "-of", "csv=p=0"];
    let said = Command::new("ffprobe").args(arguments).arg(probed).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "h264,yuv420p,bt709");
    assert_eq!(std::fs::read_dir(sandbox.folder.path().join("encoding")).unwrap().count(), 0, "nothing is left");
}

#[tokio::test]
async fn a_still_becomes_an_image_and_the_original_is_kept_when_that_is_asked() {
    if no_ffmpeg() {
        return;
    }
    let sandbox = Sandbox::start().await;
    // TGA has no mark at its start: ffmpeg goes by the name.
    let arguments = ["-f", "lavfi", "-i", "testsrc2=size=3840x1000", "-frames:v", "1"];
    let source = upload_file(&sandbox, &make(&sandbox, "plate.tga", &arguments)).await;
    let version = version(&sandbox).await;
    let id = start(&sandbox, &source, Some(&version), true).await;
    let job = wait(&sandbox, &id, &["done", "failed"]).await;
    assert_eq!(job["status"], "done", "{job}");
    let outputs = outputs(&job);
    assert_eq!(outputs.len(), 1);
    let image = component(&sandbox, &outputs[0].1).await.unwrap();
    assert_eq!(image["name"], "ftrackreview-image");
    assert_eq!(meta(&image), json!({"format": "image", "width": 1920, "height": 500}));
    assert!(component(&sandbox, &source).await.is_some());
    assert!(sandbox.server.state().storage.exists(&source).await.unwrap());
}

#[tokio::test]
async fn a_movie_of_one_frame_with_sound_and_without_a_version_is_encoded_too() {
    if no_ffmpeg() {
        return;
    }
    let sandbox = Sandbox::start().await;
    let arguments =
        ["-f", "lavfi", "-i", "color=size=3x3:rate=25:duration=0.04", "-f", "lavfi", "-i", "sine=duration=0.04"];
    let source = upload_file(&sandbox, &make(&sandbox, "tiny.avi", &arguments)).await;
    let id = start(&sandbox, &source, None, true).await;
    let job = wait(&sandbox, &id, &["done", "failed"]).await;
    assert_eq!(job["status"], "done", "{job}");
    let movie = component(&sandbox, &outputs(&job)[0].1).await.unwrap();
    assert_eq!(movie["version_id"], Value::Null);
    assert_eq!((&meta(&movie)["frameOut"], &meta(&movie)["width"]), (&json!(0), &json!(2)));
}

#[tokio::test]
async fn what_ffmpeg_cannot_read_fails_with_its_words_and_leaves_nothing_half_visible() {
    if no_ffmpeg() {
        return;
    }
    let sandbox = Sandbox::start().await;
    let version = version(&sandbox).await;
    for (file_type, content) in
        [(".mov", &b"this is no movie"[..]), (".png", b"nor is this a picture"), (".mp4", b"\0")]
    {
        let source = upload(&sandbox, content.to_vec(), file_type).await;
        let id = start(&sandbox, &source, Some(&version), false).await;
        let job = wait(&sandbox, &id, &["done", "failed"]).await;
        assert_eq!(job["status"], "failed", "{job}");
        assert!(job["finished_at"]["value"].is_string(), "{job}");
        let error = data(&job)["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with("The media could not be encoded: ffmpeg ended with"), "{error}");
        assert!(!error.contains(sandbox.folder.path().to_str().unwrap()), "a path of this machine: {error}");
        for (_, id) in outputs(&job) {
            assert_eq!(component(&sandbox, &id).await, None);
            assert!(!sandbox.server.state().storage.exists(&id).await.unwrap());
        }
        assert!(component(&sandbox, &source).await.is_some(), "what could not be encoded is not deleted");
    }
    let found = sandbox.query(&format!("select thumbnail_id from AssetVersion where id is \"{version}\"")).await;
    assert_eq!(found[0]["thumbnail_id"], Value::Null);
}

#[tokio::test]
async fn a_source_without_data_and_a_server_without_ffmpeg_fail_with_what_to_do() {
    let sandbox = Sandbox::start_with(|config| config.encoding.program = Some("no-such-ffmpeg".into())).await;
    let source = upload_file(&sandbox, &media("still.png")).await;
    let id = start(&sandbox, &source, None, true).await;
    let failed = wait(&sandbox, &id, &["done", "failed"]).await;
    assert!(data(&failed)["error"].as_str().unwrap().contains("ffmpeg could not be started"), "{failed}");
    sandbox.server.state().storage.remove(&source).await.unwrap();
    let id = start(&sandbox, &source, None, true).await;
    let failed = wait(&sandbox, &id, &["done", "failed"]).await;
    assert!(data(&failed)["error"].as_str().unwrap().contains("no data are stored"), "{failed}");
}

#[tokio::test]
async fn a_job_can_be_watched_by_events_from_queued_to_encoded() {
    if no_ffmpeg() {
        return;
    }
    let sandbox = Sandbox::start().await;
    let version = version(&sandbox).await;
    let source = upload_file(&sandbox, &media("still.png")).await;
    let mut client = sandbox.connect().await;
    client.subscribe("s", "topic=ftrack.update").await;
    let id = start(&sandbox, &source, Some(&version), true).await;
    let (mut statuses, mut encoded) = (Vec::new(), 0);
    while statuses.last() != Some(&json!("done")) {
        let event = client.event().await;
        for entity in event["data"]["entities"].as_array().unwrap() {
            let change = &entity["changes"]["status"]["new"];
            if entity["entityType"] == "job" && entity["entityId"] == json!(id) && change.is_string() {
                statuses.push(change.clone());
            }
            let is_encoded = entity["action"] == "encoded" && entity["entityType"] == "assetversion";
            encoded += usize::from(is_encoded && entity["entityId"] == json!(version));
        }
    }
    assert_eq!(statuses, ["queued", "running", "done"]);
    assert_eq!(encoded, 1, "once for the version");
}

#[tokio::test]
async fn several_outputs_of_one_version_are_told_as_encoded_once() {
    if no_ffmpeg() {
        return;
    }
    let sandbox = Sandbox::start().await;
    let version = version(&sandbox).await;
    let source = upload_file(&sandbox, &media("review.mp4")).await;
    let mut client = sandbox.connect().await;
    client.subscribe("s", "topic=ftrack.update").await;
    let id = start(&sandbox, &source, Some(&version), true).await;
    loop {
        let event = client.event().await;
        let entities = event["data"]["entities"].as_array().unwrap();
        if entities.iter().any(|one| one["entityId"] == json!(id) && one["changes"]["status"]["new"] == "done") {
            assert_eq!(entities.iter().filter(|one| one["action"] == "encoded").count(), 1, "{entities:?}");
            return;
        }
    }
}

#[tokio::test]
async fn a_server_without_an_encoder_does_not_know_the_action() {
    let sandbox = Sandbox::start_with(|config| config.encoding.mode = Mode::Off).await;
    let source = upload_file(&sandbox, &media("still.png")).await;
    let content = sandbox.fail(encode(&source, None, true), "ValidationError").await;
    assert_eq!(content, "Invalid action u'encode_media'");
    assert_eq!(sandbox.query("select id from Job").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_job_that_never_ends_runs_on_and_shows_what_it_would_put_out() {
    let sandbox = Sandbox::start_with(|config| config.encoding.mode = Mode::Stuck).await;
    let version = version(&sandbox).await;
    let source = upload_file(&sandbox, &media("review.mp4")).await;
    let id = start(&sandbox, &source, Some(&version), true).await;
    let job = wait(&sandbox, &id, &["running"]).await;
    let movie = component(&sandbox, &outputs(&job)[0].1).await.unwrap();
    assert_eq!((&movie["version_id"], metadata(&movie, "ftr_meta")), (&json!(version), "encoding".to_owned()));
    assert_eq!((&movie["component_locations"], &job["job_components"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn what_cannot_be_encoded_is_refused_and_makes_no_job() {
    let sandbox = Sandbox::start().await;
    let source = upload_file(&sandbox, &media("still.png")).await;
    let (elsewhere, sequence) = (new_id(), new_id());
    sandbox
        .pass(json!([
            create("FileComponent", json!({"id": elsewhere, "file_type": ".mov"})),
            create("SequenceComponent", json!({"id": sequence, "padding": 4})),
        ]))
        .await;
    for (component, version, exception, words) in [
        (new_id(), None, "ValidationError", "no component"),
        (elsewhere, None, "ValidationError", "not in the location ftrack.server"),
        (sequence, None, "ValidationError", "only a FileComponent"),
        (source.clone(), Some(new_id()), "IntegrityError", "AssetVersion"),
    ] {
        let content = sandbox.fail(encode(&component, version.as_deref(), true), exception).await;
        assert!(content.contains(words), "{content}");
    }
    for (name, value) in [("keep_original", json!("auto")), ("version_id", json!(3)), ("component_id", json!(null))] {
        let mut operations = encode(&source, None, true);
        operations[0][name] = value;
        assert!(sandbox.fail(operations, "ValidationError").await.contains(name));
    }
    let refused = sandbox.call_as(READER_USER, READER_KEY, encode(&source, None, true)).await;
    assert_eq!(refused["exception"], "PermissionError", "{refused}");
    assert_eq!(sandbox.query("select id from Job").await, Vec::<Value>::new());
}

#[tokio::test]
async fn more_jobs_than_may_wait_are_refused() {
    let sandbox = Sandbox::start_with(|config| {
        (config.encoding.workers, config.encoding.waiting) = (1, 1);
        config.encoding.delay = Duration::from_secs(3600);
    })
    .await;
    let source = upload_file(&sandbox, &media("still.png")).await;
    let first = start(&sandbox, &source, None, true).await;
    wait(&sandbox, &first, &["running"]).await;
    let second = start(&sandbox, &source, None, true).await;
    let content = sandbox.fail(encode(&source, None, true), "InternalServerError").await;
    assert!(content.contains("1 media wait"), "{content}");
    assert_eq!(job(&sandbox, &second).await["status"], "queued");
}

#[tokio::test]
async fn a_job_that_takes_too_long_fails() {
    if no_ffmpeg() {
        return;
    }
    let sandbox = Sandbox::start_with(|config| config.encoding.time = Duration::ZERO).await;
    let source = upload_file(&sandbox, &media("review.mp4")).await;
    let id = start(&sandbox, &source, None, true).await;
    let failed = wait(&sandbox, &id, &["done", "failed"]).await;
    assert!(data(&failed)["error"].as_str().unwrap().contains("took longer than 0 s"), "{failed}");
}

#[tokio::test]
async fn a_version_that_is_deleted_meanwhile_leaves_a_failed_job_and_no_data() {
    if no_ffmpeg() {
        return;
    }
    let sandbox = Sandbox::start_with(|config| config.encoding.delay = Duration::from_secs(3600)).await;
    let version = version(&sandbox).await;
    let source = upload_file(&sandbox, &media("still.png")).await;
    let id = start(&sandbox, &source, Some(&version), true).await;
    wait(&sandbox, &id, &["running"]).await;
    sandbox.pass(json!([delete("AssetVersion", &version)])).await;
    let sandbox = restart(sandbox).await;
    let job = wait(&sandbox, &id, &["done", "failed"]).await;
    assert_eq!(job["status"], "failed");
    for (_, id) in outputs(&job) {
        assert_eq!(component(&sandbox, &id).await, None);
    }
}

#[tokio::test]
async fn a_job_that_somebody_deletes_or_ends_puts_nothing_out() {
    let sandbox = Sandbox::start_with(|config| config.encoding.delay = Duration::from_secs(3600)).await;
    let source = upload_file(&sandbox, &media("still.png")).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(start(&sandbox, &source, None, true).await);
        wait(&sandbox, ids.last().unwrap(), &["running"]).await;
    }
    let mut expected = Vec::new();
    for id in &ids {
        expected.extend(outputs(&job(&sandbox, id).await));
    }
    sandbox.pass(json!([delete("Job", &ids[0]), update("Job", &ids[1], json!({"status": "failed"}))])).await;
    let sandbox = restart(sandbox).await;
    for (_, id) in expected {
        for _ in 0..1200 {
            if component(&sandbox, &id).await.is_none() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(component(&sandbox, &id).await, None);
    }
    assert_eq!(job(&sandbox, &ids[1]).await["status"], "failed");
    assert!(component(&sandbox, &source).await.is_some());
}

#[tokio::test]
async fn jobs_that_were_not_done_are_begun_again_when_the_server_starts_again() {
    if no_ffmpeg() {
        return;
    }
    let sandbox = Sandbox::start_with(|config| config.encoding.delay = Duration::from_secs(3600)).await;
    let version = version(&sandbox).await;
    let source = upload_file(&sandbox, &media("still.png")).await;
    let id = start(&sandbox, &source, Some(&version), false).await;
    wait(&sandbox, &id, &["running"]).await;
    let sandbox = restart(sandbox).await;
    let job = wait(&sandbox, &id, &["done", "failed"]).await;
    assert_eq!(job["status"], "done", "{job}");
    assert!(component(&sandbox, &outputs(&job)[0].1).await.is_some());
}
