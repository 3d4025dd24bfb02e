//! Uploads through the API: a second request for addresses, what completing answers, and addresses to read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::Duration;

use common::{Sandbox, create, delete, new_id};
use ftreview_sandbox::storage::Limits;
use serde_json::{Value, json};

/// Parts may be small here.
fn limits() -> Limits {
    Limits { smallest_part: 1, ..Limits::default() }
}

async fn sandbox(limits: Limits) -> Sandbox {
    Sandbox::start_with(|config| config.limits = limits).await
}

async fn begin(sandbox: &Sandbox, id: &str, parts: u32) -> Value {
    let operation = json!({"action": "get_upload_metadata", "component_id": id, "file_name": "comp.mov",
        "file_size": 8, "parts": parts});
    sandbox.pass(json!([operation])).await[0].clone()
}

/// PUTs a part; its ETag, or the status of the refusal.
async fn put(sandbox: &Sandbox, upload: &Value, number: usize, body: &'static str) -> Result<String, u16> {
    let url = upload["urls"][number - 1]["signed_url"].as_str().unwrap();
    let response = sandbox.client.put(url).body(body).send().await.unwrap();
    let etag = || response.headers()["etag"].to_str().unwrap().to_owned();
    if response.status().is_success() { Ok(etag()) } else { Err(response.status().as_u16()) }
}

fn complete(id: &str, upload: &Value, etags: &[String]) -> Value {
    let part = |(index, etag): (usize, &String)| json!({"part_number": index + 1, "e_tag": etag});
    let parts: Vec<Value> = etags.iter().enumerate().map(part).collect();
    json!({"action": "complete_multipart_upload", "component_id": id, "upload_id": upload["upload_id"], "parts": parts})
}

fn sign(id: &str) -> Value {
    json!({"action": "generate_signed_url", "component_id": id, "operation": "get"})
}

/// The size of what an address leads to, read as clients do that are not to read it all.
async fn size(sandbox: &Sandbox, url: &Value) -> String {
    let request = sandbox.client.get(url.as_str().unwrap()).header("Range", "bytes=0-0");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 206);
    response.headers()["content-range"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_second_request_for_an_open_upload_gives_its_addresses_again() {
    let sandbox = sandbox(limits()).await;
    let id = new_id();
    let first = begin(&sandbox, &id, 2).await;
    let one = put(&sandbox, &first, 1, "first").await.unwrap();
    let second = begin(&sandbox, &id, 2).await;
    assert_eq!(first["upload_id"], second["upload_id"]);
    // A part from before, and one by a new address, make the object.
    let two = put(&sandbox, &second, 2, "end").await.unwrap();
    let answer = sandbox.pass(json!([complete(&id, &second, &[one, two])])).await;
    assert_eq!(size(&sandbox, &answer[0]["url"]).await, "bytes 0-0/8");
    let third = begin(&sandbox, &id, 2).await;
    assert_ne!(second["upload_id"], third["upload_id"], "that one is complete");
}

#[tokio::test]
async fn a_request_for_other_parts_begins_a_new_upload_in_place_of_the_open_one() {
    let sandbox = sandbox(limits()).await;
    let id = new_id();
    let first = begin(&sandbox, &id, 2).await;
    let second = begin(&sandbox, &id, 3).await;
    assert_ne!(first["upload_id"], second["upload_id"]);
    assert_eq!(put(&sandbox, &first, 1, "late").await, Err(404));
    let other = begin(&sandbox, &new_id(), 3).await;
    assert_ne!(second["upload_id"], other["upload_id"], "another component");
}

#[tokio::test]
async fn a_server_that_renews_upload_ids_drops_the_open_upload() {
    let sandbox = sandbox(Limits { renew_upload_id: true, ..limits() }).await;
    let id = new_id();
    let first = begin(&sandbox, &id, 1).await;
    put(&sandbox, &first, 1, "old").await.unwrap();
    let second = begin(&sandbox, &id, 1).await;
    assert_ne!(first["upload_id"], second["upload_id"]);
    assert_eq!(put(&sandbox, &first, 1, "late").await, Err(404));
    let etag = put(&sandbox, &second, 1, "new").await.unwrap();
    let answer = sandbox.pass(json!([complete(&id, &second, &[etag])])).await;
    assert_eq!(size(&sandbox, &answer[0]["url"]).await, "bytes 0-0/3");
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_is_dropped_with_its_parts() {
    let sandbox = sandbox(limits()).await;
    let first = begin(&sandbox, &new_id(), 1).await;
    put(&sandbox, &first, 1, "left behind").await.unwrap();
    let storage = &sandbox.server.state().storage;
    storage.set_limits(Limits { upload_lifetime: Duration::ZERO, ..limits() });
    begin(&sandbox, &new_id(), 1).await;
    assert_eq!(put(&sandbox, &first, 1, "late").await, Err(404));
}

#[tokio::test]
async fn a_deleted_component_takes_its_open_upload_along() {
    let sandbox = sandbox(limits()).await;
    let id = new_id();
    let component = create("FileComponent", json!({"id": id, "name": "comp", "file_type": ".mov", "size": 8}));
    let request = json!({"action": "get_upload_metadata", "component_id": id, "parts": 1});
    let upload = sandbox.pass(json!([component, request])).await[1].clone();
    put(&sandbox, &upload, 1, "half").await.unwrap();
    sandbox.pass(json!([delete("FileComponent", &id)])).await;
    assert_eq!(put(&sandbox, &upload, 1, "late").await, Err(404));
}

#[tokio::test]
async fn a_reader_begins_no_upload() {
    use ftreview_sandbox::config::{READER_KEY, READER_USER};
    let sandbox = sandbox(limits()).await;
    let operation = json!({"action": "get_upload_metadata", "component_id": new_id(), "file_name": "a.mov",
        "file_size": 8, "parts": 2});
    let answer = sandbox.call_as(READER_USER, READER_KEY, json!([operation])).await;
    assert_eq!(answer["exception"], "PermissionError");
    let uploads = sandbox.folder.path().join("media/uploads");
    assert_eq!(std::fs::read_dir(uploads).unwrap().count(), 0);
}

#[tokio::test]
async fn an_object_can_be_read_by_a_signed_address_before_any_location_has_it() {
    let sandbox = sandbox(limits()).await;
    let id = new_id();
    let refused = sandbox.fail(json!([sign(&id)]), "ValidationError").await;
    assert!(refused.contains("No data are stored") && refused.contains(&id), "{refused}");
    let upload = begin(&sandbox, &id, 1).await;
    let etag = put(&sandbox, &upload, 1, "0123456789").await.unwrap();
    sandbox.fail(json!([sign(&id)]), "ValidationError").await;
    let answers = sandbox.pass(json!([complete(&id, &upload, &[etag]), sign(&id)])).await;
    assert_eq!(answers[1]["action"], "generate_signed_url");
    assert_eq!(size(&sandbox, &answers[1]["signed_url"]).await, "bytes 0-0/10");
    let created = create("FileComponent", json!({"id": id, "name": "comp", "file_type": ".mov"}));
    let answers = sandbox.pass(json!([created, sign(&id)])).await;
    assert_eq!(size(&sandbox, &answers[1]["signed_url"]).await, "bytes 0-0/10");
}

#[tokio::test]
async fn a_signed_address_is_for_reading_only() {
    let sandbox = sandbox(limits()).await;
    let operation = json!({"action": "generate_signed_url", "component_id": new_id(), "operation": "put"});
    let refused = sandbox.fail(json!([operation]), "ValidationError").await;
    assert!(refused.contains("\"get\"") && refused.contains("\"put\""), "{refused}");
}
