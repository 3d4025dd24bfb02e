//! The staging server with a real object store behind it, and real clients before it.
//!
//! `cargo xtask test object-store` starts the store and runs these; by themselves they are ignored. They need
//! `FTREVIEW_S3_ENDPOINT` and the keys, `FTREVIEW_S3_READER` (the access key of one who may only read, same secret), `FTREVIEW_PUBLISH` (the compiled `examples/c/publish.c`), `FTREVIEW_PYTHON` (a
//! Python with ftrack's own client) and `FTREVIEW_MEDIA` (the folder `examples/media`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Sandbox, create, delete, new_id};
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use ftreview_sandbox::storage::{Limits, ObjectStoreConfig};
use md5::{Digest, Md5};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use rusty_s3::Credentials;
use serde_json::{Value, json};

/// The smallest part that is not the last, in S3.
const SMALLEST: usize = 5 << 20;

/// Uploads a file to `ftrack.server` as pipelines do, and prints the component's id and that what it reads is the same.
const PYTHON: &str = r#"
import sys, ftrack_api, ftrack_api.symbol
session = ftrack_api.Session(auto_connect_event_hub=False)
server = session.get("Location", ftrack_api.symbol.SERVER_LOCATION_ID)
component = session.create_component(sys.argv[1], {"name": "from python"}, location=server)
session.commit()
data = server.accessor.open(server.get_resource_identifier(component), "rb").read()
print("component_id:", component["id"])
print("equal:", data == open(sys.argv[1], "rb").read())
"#;

async fn sandbox(limits: Limits) -> Sandbox {
    sandbox_as(Credentials::from_env().unwrap(), limits).await
}

async fn sandbox_as(credentials: Credentials, limits: Limits) -> Sandbox {
    Sandbox::start_with(|config| {
        config.limits = limits;
        config.object_store = Some(ObjectStoreConfig {
            endpoint: variable("FTREVIEW_S3_ENDPOINT").parse().unwrap(),
            bucket: "staging".to_owned(),
            region: "us-east-1".to_owned(),
            credentials,
            virtual_hosted: false,
            create_bucket: true,
        });
    })
    .await
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask test object-store`"))
}

fn media(name: &str) -> PathBuf {
    Path::new(&variable("FTREVIEW_MEDIA")).join(name)
}

/// Runs a client that finds the server in its environment.
async fn run(sandbox: &Sandbox, mut command: Command) -> Output {
    command.env("FTRACK_SERVER", sandbox.server.url());
    command.env("FTRACK_API_USER", DEMO_USER).env("FTRACK_API_KEY", DEMO_KEY);
    command.env("FTRACK_API_SCHEMA_CACHE_PATH", sandbox.folder.path());
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "HTTP_PROXY", "http_proxy"] {
        command.env_remove(name);
    }
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

/// Runs a client that has to pass; the `key: value` lines that it prints.
async fn client(sandbox: &Sandbox, command: Command) -> HashMap<String, String> {
    let Output { status, stdout, stderr } = run(sandbox, command).await;
    assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&stderr));
    let text = String::from_utf8(stdout).unwrap();
    text.lines().filter_map(|line| line.split_once(": ")).map(|(key, value)| (key.into(), value.into())).collect()
}

fn publish(path: &Path) -> Command {
    let mut command = Command::new(variable("FTREVIEW_PUBLISH"));
    command.args(["--context", "demo/sq010/sh010/compositing", "--thumbnail"]).arg(media("thumbnail.jpg")).arg(path);
    command
}

fn metadata(id: &str, more: Value) -> Value {
    let mut operation = json!({"action": "get_upload_metadata", "component_id": id, "file_name": "comp v003.mov"});
    operation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    operation
}

async fn ask(sandbox: &Sandbox, id: &str, more: Value) -> Value {
    sandbox.pass(json!([metadata(id, more)])).await[0].clone()
}

/// The PUT that an upload asks for. reqwest adds the length.
fn put(sandbox: &Sandbox, upload: &Value, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let mut request = sandbox.client.put(upload["url"].as_str().unwrap()).body(body);
    for (name, value) in upload["headers"].as_object().unwrap().iter().filter(|(name, _)| *name != "Content-Length") {
        request = request.header(name, value.as_str().unwrap());
    }
    request
}

/// PUTs a part and returns its ETag without quotes, as the official client lists it.
async fn put_part(sandbox: &Sandbox, upload: &Value, number: usize, body: Vec<u8>) -> Response {
    sandbox.client.put(upload["urls"][number - 1]["signed_url"].as_str().unwrap()).body(body).send().await.unwrap()
}

fn etag(response: &Response) -> String {
    assert_eq!(response.status(), StatusCode::OK);
    response.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned()
}

fn complete(id: &str, upload: &Value, etags: &[&str]) -> Value {
    let part = |(index, etag): (usize, &&str)| json!({"part_number": index + 1, "e_tag": etag});
    let parts: Vec<Value> = etags.iter().enumerate().map(part).collect();
    json!({"action": "complete_multipart_upload", "component_id": id, "upload_id": upload["upload_id"], "parts": parts})
}

fn md5(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

async fn assert_refused(response: Response, status: u16, code: &str) {
    let (answered, body) = (response.status().as_u16(), response.text().await.unwrap());
    assert!(answered == status && body.contains(&format!("<Code>{code}</Code>")), "{answered}: {body}");
}

/// Reads a component as viewers do, who are sent to the store, and by the address that the API gives; returns the latter
/// answer and the bytes.
async fn read(sandbox: &Sandbox, id: &str) -> (Response, Vec<u8>) {
    let address = format!("{}/component/get?id={id}&username={DEMO_USER}&apiKey={DEMO_KEY}", sandbox.server.url());
    let viewed = sandbox.client.get(address).send().await.unwrap();
    assert!(viewed.url().as_str().starts_with(&variable("FTREVIEW_S3_ENDPOINT")), "{}", viewed.url());
    let query = format!("select component_id, url from ComponentLocation where component_id is \"{id}\"");
    let address = sandbox.query(&query).await[0]["url"]["value"].as_str().unwrap().to_owned();
    let mut direct = sandbox.client.get(address).send().await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = direct.chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    assert!(viewed.bytes().await.unwrap() == bytes);
    (direct, bytes)
}

/// The bytes were never sent to this server.
fn assert_not_through_the_server(sandbox: &Sandbox) {
    let lines = sandbox.server.state().requests.lines();
    assert!(lines.iter().any(|line| line.contains("get_upload_metadata")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("PUT") || line.contains("/storage")), "{lines:?}");
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn a_movie_that_the_library_publishes_is_in_the_store_in_one_piece() {
    let sandbox = sandbox(Limits::default()).await;
    let movie = std::fs::read(media("review.mp4")).unwrap();
    let published = client(&sandbox, publish(&media("review.mp4"))).await;
    assert_not_through_the_server(&sandbox);
    let (response, bytes) = read(&sandbox, &published["component_id"]).await;
    assert_eq!(etag(&response), md5(&movie));
    assert_eq!(response.headers()["content-type"], "video/mp4");
    assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("inline"));
    assert!(bytes == movie);
    let query = format!("select thumbnail_id from AssetVersion where id is \"{}\"", published["version_id"]);
    let thumbnail = sandbox.query(&query).await[0]["thumbnail_id"].as_str().unwrap().to_owned();
    let address = format!("/component/thumbnail?id={thumbnail}&username={DEMO_USER}&apiKey={DEMO_KEY}");
    let shown = sandbox.client.get(format!("{}{address}", sandbox.server.url())).send().await.unwrap();
    assert_eq!(shown.headers()["content-type"], "image/jpeg");
    assert!(shown.bytes().await.unwrap() == std::fs::read(media("thumbnail.jpg")).unwrap());
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn a_large_movie_that_the_library_publishes_is_joined_from_parts_in_the_store() {
    let sandbox = sandbox(Limits::default()).await;
    // A box of free space at the end makes any movie as large as wanted.
    let mut movie = std::fs::read(media("review.mp4")).unwrap();
    movie.extend_from_slice(&((17 << 20) + 8_u32).to_be_bytes());
    movie.extend_from_slice(b"free");
    movie.extend((0..17 << 20).map(|index: u32| index.to_le_bytes()[1]));
    let path = sandbox.folder.path().join("large.mp4");
    std::fs::write(&path, &movie).unwrap();
    let published = client(&sandbox, publish(&path)).await;
    assert_not_through_the_server(&sandbox);
    let (response, bytes) = read(&sandbox, &published["component_id"]).await;
    // The MD5 of the parts' MD5s: what the library sent is what the store hashed, part by part.
    let digests: Vec<u8> = movie.chunks(8 << 20).flat_map(|part| Md5::digest(part).to_vec()).collect();
    assert_eq!(etag(&response), format!("{}-3", md5(&digests)));
    assert!(bytes == movie);
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn a_store_that_takes_nothing_is_told_by_the_library_and_leaves_no_version() {
    // Makes the bucket.
    drop(sandbox(Limits::default()).await);
    let secret = Credentials::from_env().unwrap().secret().to_owned();
    let reader = Credentials::new(variable("FTREVIEW_S3_READER"), &secret);
    let sandbox = sandbox_as(reader, Limits::default()).await;
    let Output { status, stderr, .. } = run(&sandbox, publish(&media("review.mp4"))).await;
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && stderr.contains("AccessDenied"), "{status}: {stderr}");
    assert!(!stderr.contains("X-Amz") && !stderr.contains(&secret), "{stderr}");
    assert!(sandbox.query("select id from AssetVersion").await.is_empty());
    let refused =
        sandbox.fail(json!([metadata(&new_id(), json!({"file_size": 8, "parts": 2}))]), "ValidationError").await;
    assert!(refused.contains("AccessDenied"), "{refused}");
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn the_official_client_stores_and_reads_a_component() {
    let sandbox = sandbox(Limits::default()).await;
    let mut command = Command::new(variable("FTREVIEW_PYTHON"));
    command.args(["-W", "ignore", "-c", PYTHON]).arg(media("still.png"));
    let printed = client(&sandbox, command).await;
    assert_eq!(printed["equal"], "True");
    assert_not_through_the_server(&sandbox);
    let still = std::fs::read(media("still.png")).unwrap();
    let (response, bytes) = read(&sandbox, &printed["component_id"]).await;
    assert_eq!(etag(&response), md5(&still));
    assert!(bytes == still);
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn the_store_refuses_what_the_address_does_not_allow() {
    let sandbox = sandbox(Limits::default()).await;
    let (id, other) = (new_id(), new_id());
    let body = b"twelve bytes".to_vec();
    let checksum = STANDARD.encode(Md5::digest(&body));
    let upload = ask(&sandbox, &id, json!({"file_size": 12, "checksum": checksum})).await;
    assert_eq!(upload["headers"]["Content-MD5"], checksum);
    assert_eq!(upload["headers"]["Content-Type"], "video/quicktime");
    assert_eq!(upload["headers"]["Content-Disposition"], "attachment; filename=\"comp v003.mov\"");

    let url = upload["url"].as_str().unwrap();
    let moved = json!({"url": url.replace(&id, &other), "headers": upload["headers"]});
    assert_refused(put(&sandbox, &moved, body.clone()).send().await.unwrap(), 403, "SignatureDoesNotMatch").await;
    let unsigned = json!({"url": url.split('?').next().unwrap(), "headers": upload["headers"]});
    assert_refused(put(&sandbox, &unsigned, body.clone()).send().await.unwrap(), 403, "AccessDenied").await;
    let other_type = json!({"url": url, "headers": {"Content-Type": "text/html", "Content-MD5": checksum,
        "Content-Disposition": upload["headers"]["Content-Disposition"]}});
    assert_refused(put(&sandbox, &other_type, body.clone()).send().await.unwrap(), 403, "SignatureDoesNotMatch").await;
    assert_refused(put(&sandbox, &upload, "damaged bits").send().await.unwrap(), 400, "BadDigest").await;
    sandbox
        .fail(json!([{"action": "generate_signed_url", "component_id": id, "operation": "get"}]), "ValidationError")
        .await;

    let stored = put(&sandbox, &upload, body).send().await.unwrap();
    assert_eq!(etag(&stored), md5(b"twelve bytes"));
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn an_address_that_ended_is_refused() {
    // The shortest that S3 has.
    let sandbox = sandbox(Limits { address_lifetime: Duration::from_secs(1), ..Limits::default() }).await;
    let upload = ask(&sandbox, &new_id(), json!({"file_size": 3})).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_refused(put(&sandbox, &upload, "abc").send().await.unwrap(), 403, "AccessDenied").await;
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn completing_is_refused_with_the_stores_reason_and_can_be_tried_again() {
    let sandbox = sandbox(Limits::default()).await;
    let id = new_id();
    let upload = ask(&sandbox, &id, json!({"file_size": 8, "parts": 2})).await;
    let small = etag(&put_part(&sandbox, &upload, 1, b"too small".to_vec()).await);
    let last = etag(&put_part(&sandbox, &upload, 2, b"the end".to_vec()).await);
    let refused = sandbox.fail(json!([complete(&id, &upload, &[&small, &last])]), "ValidationError").await;
    assert!(refused.contains("EntityTooSmall"), "{refused}");
    let wrong = "0".repeat(32);
    let refused = sandbox.fail(json!([complete(&id, &upload, &[&wrong, &last])]), "ValidationError").await;
    assert!(refused.contains("InvalidPart"), "{refused}");
    let refused = sandbox.fail(json!([complete(&id, &upload, &[&small])]), "ValidationError").await;
    assert!(refused.contains("InvalidPart") && refused.contains("part 2"), "{refused}");

    // Asked again, the upload goes on, by other addresses.
    let again = ask(&sandbox, &id, json!({"file_size": 8, "parts": 2})).await;
    assert_eq!(again["upload_id"], upload["upload_id"]);
    let first = etag(&put_part(&sandbox, &again, 1, vec![1; SMALLEST]).await);
    let sign = json!({"action": "generate_signed_url", "component_id": id, "operation": "get"});
    let answers = sandbox.pass(json!([complete(&id, &again, &[&first, &last]), sign])).await;
    // No component and no location has it yet.
    for url in [&answers[0]["url"], &answers[1]["signed_url"]] {
        let read = sandbox.client.get(url.as_str().unwrap()).header("Range", "bytes=0-0").send().await.unwrap();
        assert_eq!(read.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(read.headers()["content-range"], format!("bytes 0-0/{}", SMALLEST + 7).as_str());
    }
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn an_upload_that_is_replaced_is_ended_in_the_store() {
    let sandbox = sandbox(Limits { renew_upload_id: true, ..Limits::default() }).await;
    let id = new_id();
    let first = ask(&sandbox, &id, json!({"file_size": 8, "parts": 1})).await;
    let second = ask(&sandbox, &id, json!({"file_size": 8, "parts": 1})).await;
    assert_ne!(first["upload_id"], second["upload_id"]);
    assert_refused(put_part(&sandbox, &first, 1, b"late".to_vec()).await, 404, "NoSuchUpload").await;
    let part = etag(&put_part(&sandbox, &second, 1, b"in time".to_vec()).await);
    sandbox.pass(json!([complete(&id, &second, &[&part])])).await;
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn a_deleted_component_leaves_nothing_in_the_store() {
    let sandbox = sandbox(Limits::default()).await;
    let id = new_id();
    let component = create("FileComponent", json!({"id": id, "name": "comp", "file_type": ".mov", "size": 3}));
    let answers = sandbox.pass(json!([component, {"action": "get_upload_metadata", "component_id": id}])).await;
    put(&sandbox, &answers[1], "abc").send().await.unwrap().error_for_status().unwrap();
    let open = ask(&sandbox, &id, json!({"parts": 2})).await;
    let sign = json!([{"action": "generate_signed_url", "component_id": id, "operation": "get"}]);
    let url = sandbox.pass(sign).await[0]["signed_url"].as_str().unwrap().to_owned();
    assert_eq!(sandbox.client.get(&url).send().await.unwrap().text().await.unwrap(), "abc");

    sandbox.pass(json!([delete("FileComponent", &id)])).await;
    assert_refused(sandbox.client.get(&url).send().await.unwrap(), 404, "NoSuchKey").await;
    assert_refused(put_part(&sandbox, &open, 1, b"late".to_vec()).await, 404, "NoSuchUpload").await;
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn a_page_of_another_origin_may_put_to_a_bucket_that_the_server_made() {
    let sandbox = sandbox(Limits::default()).await;
    let upload = ask(&sandbox, &new_id(), json!({"file_size": 3})).await;
    let preflight = sandbox.client.request(Method::OPTIONS, upload["url"].as_str().unwrap());
    let preflight = preflight.header("Origin", "https://review.test").header("Access-Control-Request-Method", "PUT");
    let preflight = preflight.header("Access-Control-Request-Headers", "content-type").send().await.unwrap();
    assert!(preflight.status().is_success(), "{}", preflight.status());
    let stored = put(&sandbox, &upload, "abc").header("Origin", "https://review.test").send().await.unwrap();
    assert_eq!(stored.status(), StatusCode::OK);
    assert!(["*", "https://review.test"].contains(&stored.headers()["access-control-allow-origin"].to_str().unwrap()));
    let exposed = stored.headers()["access-control-expose-headers"].to_str().unwrap().to_lowercase();
    assert!(exposed.contains("etag"), "{exposed}");
}

#[tokio::test]
#[ignore = "needs an object store: cargo xtask test object-store"]
async fn a_movie_is_read_from_the_store_encoded_and_stored_there() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        assert!(env::var_os("CI").is_none(), "ffmpeg is not installed");
        eprintln!("skipped: ffmpeg is not installed");
        return;
    }
    let sandbox = sandbox(Limits::default()).await;
    let (id, movie) = (new_id(), std::fs::read(media("review.mp4")).unwrap());
    let component =
        create("FileComponent", json!({"id": id, "name": "comp", "file_type": ".mp4", "size": movie.len()}));
    let answers = sandbox.pass(json!([component, {"action": "get_upload_metadata", "component_id": id}])).await;
    put(&sandbox, &answers[1], movie).send().await.unwrap().error_for_status().unwrap();
    let server = ftreview_sandbox::links::SERVER_LOCATION;
    let place = json!({"component_id": id, "location_id": server, "resource_identifier": id});
    sandbox.pass(json!([create("ComponentLocation", place)])).await;
    let encode = json!([{"action": "encode_media", "component_id": id, "keep_original": false}]);
    let job = sandbox.pass(encode).await[0]["job_id"].as_str().unwrap().to_owned();
    let job = loop {
        let found = sandbox.query(&format!("select status, data from Job where id is \"{job}\"")).await.remove(0);
        if ["done", "failed"].contains(&found["status"].as_str().unwrap()) {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(job["status"], "done", "{job}");
    let data: Value = serde_json::from_str(job["data"].as_str().unwrap()).unwrap();
    for (output, kind, start) in [(0, "video/mp4", &b"ftyp"[..]), (1, "image/jpeg", b"JFIF")] {
        let output = data["output"][output]["component_id"].as_str().unwrap();
        let (response, bytes) = read(&sandbox, output).await;
        assert_eq!(response.headers()["content-type"], kind);
        assert!(bytes[..16].windows(4).any(|four| four == start), "{:?}", &bytes[..16]);
    }
    assert!(!sandbox.server.state().storage.exists(&id).await.unwrap(), "the source is gone");
}
