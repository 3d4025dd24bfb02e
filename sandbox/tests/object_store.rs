//! What the staging server asks of an object store, and what it makes of the answers: with a store that answers as each
//! test says. `seaweedfs.rs` has a real one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Uri;
use common::{Sandbox, create, delete, new_id};
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use ftreview_sandbox::storage::{Limits, ObjectStoreConfig, Storage};
use ftreview_sandbox::{Config, Server, StartError};
use parking_lot::Mutex;
use reqwest::redirect::Policy;
use rusty_s3::Credentials;
use serde_json::{Value, json};
use url::Url;

const ACCESS: &str = "ACCESSKEY";
const SECRET: &str = "the-secret-key";

/// Status and body for a request such as `POST /bucket/key?uploads`; `None` is 200 and nothing.
type Answer = Box<dyn Fn(&str) -> Option<(u16, String)> + Send + Sync>;

/// A store that notes what it is asked.
#[derive(Clone)]
struct Fake {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    async fn start(answer: impl Fn(&str) -> Option<(u16, String)> + Send + Sync + 'static) -> Fake {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fake = Fake { url, asked: Arc::default() };
        let answer: Answer = Box::new(answer);
        let routes = Router::new().fallback(handle).with_state((fake.clone(), Arc::new(answer)));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        fake
    }

    fn config(&self) -> ObjectStoreConfig {
        ObjectStoreConfig {
            endpoint: self.url.parse().unwrap(),
            bucket: "bucket".to_owned(),
            region: "us-east-1".to_owned(),
            credentials: Credentials::new(ACCESS, SECRET),
            virtual_hosted: false,
            create_bucket: false,
        }
    }

    async fn sandbox(&self, limits: Limits) -> Sandbox {
        let store = self.config();
        let sandbox = Sandbox::start_with(|config| {
            config.object_store = Some(store);
            config.limits = limits;
        })
        .await;
        self.asked();
        sandbox
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock())
    }
}

async fn handle(
    State((fake, answer)): State<(Fake, Arc<Answer>)>,
    request: Request,
) -> (axum::http::StatusCode, String) {
    let asked = format!("{} {}", request.method(), without_signature(request.uri()));
    fake.asked.lock().push(asked.clone());
    let (status, body) = answer(&asked).unwrap_or((200, String::new()));
    (axum::http::StatusCode::from_u16(status).unwrap(), body)
}

fn without_signature(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.starts_with("X-Amz-"));
    format!("{}?{}", uri.path(), query.collect::<Vec<_>>().join("&"))
}

fn refusal(code: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>No {SECRET} for you.</Message></Error>")
}

/// Begins uploads in parts with the id `upload`, as any store does.
fn begins(asked: &str) -> Option<(u16, String)> {
    asked.ends_with("?uploads=").then(|| (200, "<R xmlns=\"any\"><UploadId>upload</UploadId></R>".to_owned()))
}

/// A store that holds nothing open and has no objects, and begins uploads with ever new ids.
fn forgetful() -> impl Fn(&str) -> Option<(u16, String)> + Send + Sync {
    let count = Mutex::new(0);
    move |asked| {
        if asked.ends_with("?uploads=") {
            *count.lock() += 1;
            return Some((200, format!("<R><UploadId>upload-{}</UploadId></R>", count.lock())));
        }
        (asked.contains("max-parts") || asked.starts_with("HEAD")).then(|| (404, refusal("NoSuchUpload")))
    }
}

fn metadata(id: &str, more: Value) -> Value {
    let mut operation =
        json!({"action": "get_upload_metadata", "component_id": id, "file_name": "comp.mov", "file_size": 8});
    operation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([operation])
}

fn complete(id: &str, parts: Value) -> Value {
    json!([{"action": "complete_multipart_upload", "component_id": id, "upload_id": "upload", "parts": parts}])
}

fn query(address: &Value) -> HashMap<String, String> {
    Url::parse(address.as_str().unwrap()).unwrap().query_pairs().into_owned().collect()
}

/// A viewer that is told where to go and does not go there.
async fn view(sandbox: &Sandbox, method: reqwest::Method, what: &str, id: &str) -> reqwest::Response {
    common::client();
    let viewer = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let address = format!("{}/component/{what}?id={id}&username={DEMO_USER}&apiKey={DEMO_KEY}", sandbox.server.url());
    viewer.request(method, address).send().await.unwrap()
}

#[tokio::test]
async fn an_address_for_a_whole_file_demands_its_type_its_name_and_its_digest() {
    let store = Fake::start(|_| None).await;
    let sandbox = store.sandbox(Limits { address_lifetime: Duration::from_secs(600), ..Limits::default() }).await;
    let id = new_id();
    let answer = sandbox.pass(metadata(&id, json!({"checksum": "XrY7u+Ae7tCTyyK7j1rNww=="}))).await;
    assert!(answer[0]["url"].as_str().unwrap().starts_with(&format!("{}/bucket/{id}?", store.url)), "{answer}");
    let query = query(&answer[0]["url"]);
    assert_eq!(query["X-Amz-SignedHeaders"], "content-disposition;content-md5;content-type;host");
    assert_eq!(query["X-Amz-Expires"], "600");
    assert!(
        query["X-Amz-Credential"].starts_with("ACCESSKEY/") && query["X-Amz-Credential"].contains("/us-east-1/s3/")
    );
    let headers = json!({"Content-Type": "video/quicktime", "Content-Disposition": "attachment; filename=\"comp.mov\"",
        "Content-MD5": "XrY7u+Ae7tCTyyK7j1rNww==", "Content-Length": "8"});
    assert_eq!(answer[0]["headers"], headers);
    assert!(!answer.to_string().contains(SECRET));
    assert!(store.asked().is_empty(), "signing asks nobody");
}

#[tokio::test]
async fn every_part_has_an_address_and_the_server_completes_the_upload() {
    let store = Fake::start(begins).await;
    let sandbox = store.sandbox(Limits::default()).await;
    let id = new_id();
    let answer = sandbox.pass(metadata(&id, json!({"parts": 3}))).await;
    assert_eq!(answer[0]["upload_id"], "upload");
    for (index, part) in answer[0]["urls"].as_array().unwrap().iter().enumerate() {
        let query = query(&part["signed_url"]);
        assert_eq!(part["part_number"], index + 1);
        assert_eq!((query["partNumber"].clone(), query["uploadId"].as_str()), ((index + 1).to_string(), "upload"));
    }
    let part = |number: u32| json!({"part_number": number, "e_tag": "\"aa\""});
    let incomplete = complete(&id, json!([part(1), part(3)]));
    assert!(sandbox.fail(incomplete, "ValidationError").await.contains("InvalidPart: part 2 of 3"));
    sandbox.pass(complete(&id, json!([part(1), part(2), part(3)]))).await;
    let asked = [format!("POST /bucket/{id}?uploads="), format!("POST /bucket/{id}?uploadId=upload")];
    assert_eq!(store.asked(), asked, "a list with a part missing is not passed on");
}

#[tokio::test]
async fn an_upload_that_the_store_has_ended_is_begun_again() {
    let store = Fake::start(forgetful()).await;
    let sandbox = store.sandbox(Limits::default()).await;
    let id = new_id();
    let first = sandbox.pass(metadata(&id, json!({"parts": 2}))).await;
    let second = sandbox.pass(metadata(&id, json!({"parts": 2}))).await;
    assert_eq!((&first[0]["upload_id"], &second[0]["upload_id"]), (&json!("upload-1"), &json!("upload-2")));
}

#[tokio::test]
async fn an_open_upload_outlives_a_restart_of_the_server() {
    let store = Fake::start(begins).await;
    let sandbox = store.sandbox(Limits::default()).await;
    let id = new_id();
    sandbox.pass(metadata(&id, json!({"parts": 2}))).await;
    store.asked();
    let again = Storage::connect(store.config(), sandbox.folder.path().join("media")).await.unwrap();
    assert_eq!(again.begin_multipart(&id, 2, "video/mp4").await.unwrap().upload_id, "upload");
    assert!(!store.asked().iter().any(|asked| asked.contains("uploads=")));
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_is_ended_in_the_store() {
    let store = Fake::start(begins).await;
    let sandbox = store.sandbox(Limits { upload_lifetime: Duration::ZERO, ..Limits::default() }).await;
    let (left, other) = (new_id(), new_id());
    sandbox.pass(metadata(&left, json!({"parts": 2}))).await;
    sandbox.pass(metadata(&other, json!({"parts": 2}))).await;
    assert!(store.asked().contains(&format!("DELETE /bucket/{left}?uploadId=upload")));
}

#[tokio::test]
async fn a_deleted_component_is_deleted_in_the_store_with_its_open_upload() {
    let store = Fake::start(begins).await;
    let sandbox = store.sandbox(Limits::default()).await;
    let id = new_id();
    let component = create("FileComponent", json!({"id": id, "name": "comp", "file_type": ".mov"}));
    sandbox.pass(json!([component])).await;
    sandbox.pass(metadata(&id, json!({"parts": 2}))).await;
    store.asked();
    sandbox.pass(json!([delete("FileComponent", &id)])).await;
    assert_eq!(store.asked(), [format!("DELETE /bucket/{id}?uploadId=upload"), format!("DELETE /bucket/{id}?")]);
}

#[tokio::test]
async fn a_refusal_below_a_good_status_is_a_refusal() {
    let store = Fake::start(|asked| {
        begins(asked).or_else(|| asked.contains("uploadId=").then(|| (200, refusal("InternalError"))))
    })
    .await;
    let sandbox = store.sandbox(Limits::default()).await;
    let id = new_id();
    sandbox.pass(metadata(&id, json!({"parts": 1}))).await;
    let parts = json!([{"part_number": 1, "e_tag": "aa"}]);
    let refused = sandbox.fail(complete(&id, parts), "InternalServerError").await;
    assert!(refused.contains("InternalError") && refused.contains("No *** for you"), "{refused}");
}

#[tokio::test]
async fn a_store_that_is_out_of_order_for_a_moment_is_asked_again() {
    let refusals = Mutex::new(2);
    let store = Fake::start(move |asked| {
        let mut left = refusals.lock();
        if *left > 0 && asked.contains("uploads=") {
            *left -= 1;
            return Some((503, refusal("SlowDown")));
        }
        begins(asked)
    })
    .await;
    let sandbox = store.sandbox(Limits::default()).await;
    sandbox.pass(metadata(&new_id(), json!({"parts": 1}))).await;
    assert_eq!(store.asked().len(), 3);
}

#[tokio::test]
async fn a_store_that_stays_out_of_order_is_an_error_that_clients_ask_again_after() {
    let store = Fake::start(|asked| (!asked.contains("list-type")).then(|| (503, refusal("SlowDown")))).await;
    let sandbox = store.sandbox(Limits::default()).await;
    let refused = sandbox.fail(metadata(&new_id(), json!({"parts": 1})), "InternalServerError").await;
    assert!(refused.contains("SlowDown"), "{refused}");
}

#[tokio::test]
async fn viewers_are_sent_to_the_store_and_the_page_may_show_what_is_there() {
    let store = Fake::start(|asked| asked.starts_with("HEAD").then(|| (404, String::new()))).await;
    let sandbox = store.sandbox(Limits::default()).await;
    let id = new_id();
    let component = create("FileComponent", json!({"id": id, "name": "page", "file_type": ".html"}));
    sandbox.pass(json!([component])).await;
    let response = view(&sandbox, reqwest::Method::GET, "get", &id).await;
    assert_eq!(response.status(), 307);
    assert_eq!(response.headers()["cache-control"], "private, no-store");
    let address = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(address.starts_with(&format!("{}/bucket/{id}?", store.url)), "{address}");
    assert!(!address.contains(DEMO_KEY), "{address}");
    let query = query(&json!(address));
    assert_eq!(query["response-content-type"], "text/html");
    assert_eq!(query["response-content-disposition"], "attachment; filename=\"page.html\"");
    // Whether there is anything is answered here.
    assert_eq!(view(&sandbox, reqwest::Method::HEAD, "get", &id).await.status(), 404);
    // No picture by its name, and nothing there: the neutral one.
    assert_eq!(view(&sandbox, reqwest::Method::GET, "thumbnail", &id).await.headers()["content-type"], "image/png");
    let page = sandbox.client.get(sandbox.server.url()).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    for kind in ["img-src", "media-src"] {
        assert!(policy.contains(&format!("{kind} 'self' {};", store.url)), "{policy}");
    }
}

#[tokio::test]
async fn a_bucket_is_made_where_that_was_asked_for() {
    let missing = Mutex::new(true);
    let store = Fake::start(move |asked| {
        let mut missing = missing.lock();
        if asked == "PUT /bucket/?" {
            *missing = false;
        }
        (*missing && asked.contains("list-type")).then(|| (404, refusal("NoSuchBucket")))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let refused = Storage::connect(store.config(), folder.path().into()).await.err().unwrap();
    assert!(refused.contains("\"bucket\"") && refused.contains("--s3-create-bucket"), "{refused}");
    assert_eq!(store.asked(), ["GET /bucket/?list-type=2&max-keys=1"]);
    let config = ObjectStoreConfig { create_bucket: true, ..store.config() };
    Storage::connect(config.clone(), folder.path().into()).await.unwrap();
    assert_eq!(store.asked(), ["GET /bucket/?list-type=2&max-keys=1", "PUT /bucket/?", "PUT /bucket/?cors="]);
    Storage::connect(config, folder.path().into()).await.unwrap();
    assert_eq!(store.asked(), ["GET /bucket/?list-type=2&max-keys=1"], "a bucket that is there stays as it is");
}

#[tokio::test]
async fn a_server_whose_store_cannot_be_used_does_not_start_and_says_why() {
    for (code, remedy) in [
        ("InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        ("AccessDenied", "docs/storage.md"),
        ("PermanentRedirect", "--s3-region"),
        ("RequestTimeTooSkewed", "clock"),
    ] {
        let store = Fake::start(move |_| Some((403, refusal(code)))).await;
        let refused = refused_start(store.config()).await;
        assert!(refused.contains(code) && refused.contains(remedy) && refused.contains(&store.url), "{refused}");
        assert!(!refused.contains(SECRET) && !refused.contains("X-Amz"), "{refused}");
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_is_named_without_the_address_that_was_signed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let store = Fake { url: format!("http://user:password@{address}"), asked: Arc::default() };
    let refused = refused_start(store.config()).await;
    assert!(refused.contains(&format!("http://{address}")) && refused.contains("--s3-endpoint"), "{refused}");
    assert!(!refused.contains("X-Amz") && !refused.contains("password"), "{refused}");
}

#[tokio::test]
async fn settings_that_cannot_be_are_named() {
    let config = Fake { url: "http://127.0.0.1:1".to_owned(), asked: Arc::default() }.config();
    let slash = refused_start(ObjectStoreConfig { bucket: "a/b".to_owned(), ..config.clone() }).await;
    assert!(slash.contains("--s3-bucket"), "{slash}");
    let scheme =
        refused_start(ObjectStoreConfig { endpoint: "ftp://s3.test".parse().unwrap(), ..config.clone() }).await;
    assert!(scheme.contains("--s3-endpoint"), "{scheme}");
    let hosted = refused_start(ObjectStoreConfig { virtual_hosted: true, ..config }).await;
    assert!(hosted.contains("--s3-virtual-hosted"), "{hosted}");
}

#[tokio::test]
async fn settings_are_shown_without_the_secret() {
    let config = Fake { url: "http://127.0.0.1:1".to_owned(), asked: Arc::default() }.config();
    assert!(!format!("{config:?}").contains(SECRET));
}

async fn refused_start(store: ObjectStoreConfig) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { object_store: Some(store), ..Config::new(folder.path()) };
    match Server::start(config).await.err().unwrap() {
        StartError::ObjectStore(reason) => reason,
        other => panic!("{other}"),
    }
}
