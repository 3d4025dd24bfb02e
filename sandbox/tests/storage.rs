//! What the store promises to a publishing client: its refusals are S3's, and nothing is ever half there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::client;
use ftreview_sandbox::storage::{Limits, MultipartUpload, Storage, Upload};
use md5::{Digest, Md5};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

/// A store in a folder of its own, listening on a port of its own.
struct Store {
    storage: Storage,
    address: SocketAddr,
    client: Client,
    folder: TempDir,
}

impl Store {
    async fn start() -> Store {
        Store::start_in(tempfile::tempdir().unwrap()).await
    }

    async fn start_in(folder: TempDir) -> Store {
        let storage = Storage::open(folder.path().join("storage")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        storage.set_public_url(&format!("http://{address}/"));
        let routes = storage.routes();
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Store { storage, address, client: client(), folder }
    }

    /// A PUT of `body` as the upload says it should be done.
    fn put(&self, upload: &Upload, body: &'static [u8]) -> RequestBuilder {
        let mut request = self.client.put(&upload.url).body(body);
        for (name, value) in &upload.headers {
            request = request.header(name, value);
        }
        request
    }

    async fn store(&self, body: &'static [u8]) -> String {
        let id = new_id();
        let upload = self.storage.single_upload(&id, Some(body.len() as u64), "video/mp4", None, None);
        let response = self.put(&upload, body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        id
    }

    async fn begin(&self, id: &str, parts: u32) -> MultipartUpload {
        self.storage.begin_multipart(id, parts, "video/mp4").await.unwrap()
    }

    /// Completes an upload, and answers with the size of the object or the code of the refusal.
    async fn complete(&self, id: &str, upload_id: &str, parts: &[(u32, String)]) -> Result<u64, String> {
        let completed = self.storage.complete_multipart(id, upload_id, parts.to_vec()).await;
        completed.map(|()| self.storage.size(id).unwrap()).map_err(|error| error.code().to_owned())
    }

    async fn put_part(&self, url: &str, body: impl Into<reqwest::Body>) -> String {
        let response = self.client.put(url).body(body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.headers()["etag"].to_str().unwrap().to_owned()
    }

    /// Sends bytes as they are and returns the answer as text.
    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn path_of<'a>(&self, url: &'a str) -> &'a str {
        url.strip_prefix(&format!("http://{}", self.address)).unwrap()
    }
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

async fn assert_refused(response: Response, status: u16, code: &str) -> String {
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(response.headers()["content-type"], "application/xml");
    let body = response.text().await.unwrap();
    assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
    body
}

#[tokio::test]
async fn a_file_that_was_put_is_read_back_with_its_md5_as_etag() {
    let store = Store::start().await;
    let id = new_id();
    let content_md5 = STANDARD.encode(md5(b"twelve bytes"));
    let upload = store.storage.single_upload(&id, Some(12), "video/mp4", Some("comp v003.mov"), Some(&content_md5));
    let response = store.put(&upload, b"twelve bytes").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let etag = format!("\"{}\"", hex::encode(md5(b"twelve bytes")));
    assert_eq!(response.headers()["etag"], etag.as_str());
    assert_eq!(store.storage.size(&id), Some(12));

    let response =
        store.client.get(store.storage.signed_url(&id, "comp vä.mov", "video/quicktime")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "video/quicktime");
    assert_eq!(response.headers()["etag"], etag.as_str());
    let disposition = response.headers()["content-disposition"].to_str().unwrap();
    assert_eq!(disposition, "inline; filename=\"comp v_.mov\"; filename*=UTF-8''comp%20v%C3%A4.mov");
    assert_eq!(response.bytes().await.unwrap(), "twelve bytes");
}

#[tokio::test]
async fn a_page_that_was_uploaded_is_a_download_and_never_opens_on_the_servers_origin() {
    let store = Store::start().await;
    let id = store.store(b"<script>").await;
    for content_type in ["text/html", "image/svg+xml", "application/xhtml+xml"] {
        let response = store.client.get(store.storage.signed_url(&id, "a.html", content_type)).send().await.unwrap();
        assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"a.html\"");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn an_address_for_one_component_is_refused_for_another_one() {
    let store = Store::start().await;
    let (id, other) = (new_id(), new_id());
    let upload = store.storage.single_upload(&id, Some(3), "video/mp4", None, None);
    let moved = Upload { url: upload.url.replace(&id, &other), ..upload };
    let response = store.put(&moved, b"abc").send().await.unwrap();
    assert_refused(response, 403, "SignatureDoesNotMatch").await;
    assert_eq!(store.storage.size(&other), None);
}

#[tokio::test]
async fn an_address_without_a_signature_is_refused() {
    let store = Store::start().await;
    let url = format!("http://{}/storage/{}", store.address, new_id());
    assert_refused(store.client.put(&url).body("abc").send().await.unwrap(), 403, "AccessDenied").await;
    assert_refused(store.client.get(&url).send().await.unwrap(), 403, "AccessDenied").await;
}

#[tokio::test]
async fn a_read_address_does_not_allow_writing() {
    let store = Store::start().await;
    let id = store.store(b"original").await;
    let url = store.storage.signed_url(&id, "a.mov", "video/mp4");
    assert_refused(store.client.put(url).body("new").send().await.unwrap(), 403, "SignatureDoesNotMatch").await;
    assert_eq!(store.storage.size(&id), Some(8));
}

#[tokio::test]
async fn an_address_that_ended_is_refused_with_the_words_of_s3() {
    let store = Store::start().await;
    store.storage.set_limits(Limits { address_lifetime: Duration::ZERO, ..Limits::default() });
    let id = new_id();
    let upload = store.storage.single_upload(&id, Some(3), "video/mp4", None, None);
    let body = assert_refused(store.put(&upload, b"abc").send().await.unwrap(), 403, "AccessDenied").await;
    assert!(body.contains("Request has expired"), "{body}");
    assert_eq!(store.storage.size(&id), None);
}

#[tokio::test]
async fn the_end_of_an_address_cannot_be_moved() {
    let store = Store::start().await;
    store.storage.set_limits(Limits { address_lifetime: Duration::ZERO, ..Limits::default() });
    let upload = store.storage.single_upload(&new_id(), Some(3), "video/mp4", None, None);
    let later = Upload { url: upload.url.replace("expires=", "expires=9"), ..upload };
    assert_refused(store.put(&later, b"abc").send().await.unwrap(), 403, "SignatureDoesNotMatch").await;
}

#[tokio::test]
async fn a_header_that_was_handed_out_must_be_sent_as_it_is() {
    let store = Store::start().await;
    let upload = store.storage.single_upload(&new_id(), Some(3), "video/mp4", Some("a.mov"), None);
    let changed = store.client.put(&upload.url).header("Content-Type", "video/quicktime");
    let changed = changed.header("Content-Disposition", "attachment; filename=\"a.mov\"").body("abc");
    let body = assert_refused(changed.send().await.unwrap(), 403, "SignatureDoesNotMatch").await;
    assert!(body.contains("video/quicktime"), "{body}");

    let left_out = store.client.put(&upload.url).header("Content-Type", "video/mp4").body("abc");
    let body = assert_refused(left_out.send().await.unwrap(), 403, "AccessDenied").await;
    assert!(body.contains("content-disposition"), "{body}");
}

#[tokio::test]
async fn a_body_whose_md5_is_not_the_announced_one_is_not_stored() {
    let store = Store::start().await;
    let id = new_id();
    let content_md5 = STANDARD.encode(md5(b"abc"));
    let upload = store.storage.single_upload(&id, Some(3), "video/mp4", None, Some(&content_md5));
    assert_refused(store.put(&upload, b"abd").send().await.unwrap(), 400, "BadDigest").await;
    assert_eq!(store.storage.size(&id), None);
}

#[tokio::test]
async fn a_file_of_another_size_than_announced_is_refused() {
    let store = Store::start().await;
    let id = new_id();
    let upload = store.storage.single_upload(&id, Some(100), "video/mp4", None, None);
    let request = store.client.put(&upload.url).header("Content-Type", "video/mp4").body("abc");
    assert_refused(request.send().await.unwrap(), 400, "IncompleteBody").await;
    assert_eq!(store.storage.size(&id), None);
}

#[tokio::test]
async fn a_body_without_content_length_is_refused() {
    let store = Store::start().await;
    let upload = store.storage.single_upload(&new_id(), None, "video/mp4", None, None);
    let path = store.path_of(&upload.url);
    let answer = store
        .raw(&format!(
            "PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\
             Connection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 411"), "{answer}");
    assert!(answer.contains("MissingContentLength"), "{answer}");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_what_was_there_before() {
    let store = Store::start().await;
    let id = store.store(b"original").await;
    let upload = store.storage.single_upload(&id, Some(1000), "video/mp4", None, None);
    let path = store.path_of(&upload.url);
    store
        .raw(&format!(
            "PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nContent-Length: 1000\r\n\
             Connection: close\r\n\r\nonly this"
        ))
        .await;
    assert_eq!(std::fs::read(store.storage.path(&id).unwrap()).unwrap(), b"original");
}

#[tokio::test]
async fn a_client_that_sends_its_ftrack_key_to_storage_is_told_so() {
    let store = Store::start().await;
    let upload = store.storage.single_upload(&new_id(), Some(3), "video/mp4", None, None);
    let request = store.put(&upload, b"abc").header("ftrack-api-key", "secret");
    let body = assert_refused(request.send().await.unwrap(), 400, "InvalidRequest").await;
    assert!(body.contains("ftrack-api-key") && !body.contains("secret"), "{body}");
}

#[tokio::test]
async fn a_component_id_that_is_no_uuid_never_touches_the_disk() {
    let store = Store::start().await;
    for id in ["../../etc/passwd", "", "3a372bde05bc11e4890820c9d081909b"] {
        let upload = store.storage.single_upload(id, Some(3), "video/mp4", None, None);
        let response = store.put(&upload, b"abc").send().await.unwrap();
        assert!(response.status().is_client_error(), "{id}: {}", response.status());
        assert_eq!(store.storage.path(id), None);
        store.storage.remove(id).await.unwrap();
    }
}

#[tokio::test]
async fn parts_become_one_object_with_the_etag_of_s3() {
    let store = Store::start().await;
    store.storage.set_limits(Limits { smallest_part: 4, ..Limits::default() });
    let id = new_id();
    let upload = store.begin(&id, 3).await;
    let bodies = ["first ", "second ", "3"];
    let mut parts = Vec::new();
    for ((number, url), body) in upload.urls.iter().zip(bodies).rev() {
        parts.push((*number, store.put_part(url, body).await));
    }
    parts.sort();
    assert_eq!(store.complete(&id, &upload.upload_id, &parts).await, Ok(14));
    assert_eq!(std::fs::read(store.storage.path(&id).unwrap()).unwrap(), b"first second 3");

    let digests: Vec<u8> = bodies.iter().flat_map(|body| md5(body.as_bytes())).collect();
    let response = store.client.get(store.storage.signed_url(&id, "a", "video/mp4")).send().await.unwrap();
    assert_eq!(response.headers()["etag"], format!("\"{}-3\"", hex::encode(md5(&digests))).as_str());
}

#[tokio::test]
async fn a_part_that_is_sent_again_replaces_the_first_one() {
    let store = Store::start().await;
    let id = new_id();
    let upload = store.begin(&id, 1).await;
    let first = store.put_part(&upload.urls[0].1, "first").await;
    let second = store.put_part(&upload.urls[0].1, "second").await;
    assert_eq!(store.complete(&id, &upload.upload_id, &[(1, first)]).await, Err("InvalidPart".into()));
    assert_eq!(store.complete(&id, &upload.upload_id, &[(1, second)]).await, Ok(6));
}

#[tokio::test]
async fn completing_refuses_what_s3_refuses_and_leaves_the_upload_open() {
    let store = Store::start().await;
    let id = new_id();
    let upload = store.begin(&id, 2).await;
    let first = store.put_part(&upload.urls[0].1, vec![1; 5 << 20]).await;
    let complete = async |parts: &[(u32, String)]| store.complete(&id, &upload.upload_id, parts).await;
    let wrong = "\"00000000000000000000000000000000\"".to_owned();
    assert_eq!(
        complete(&[(1, first.clone()), (2, wrong.clone())]).await,
        Err("InvalidPart".into()),
        "part 2 was never sent"
    );
    let second = store.put_part(&upload.urls[1].1, "rest").await;
    assert_eq!(complete(&[(1, first.clone())]).await, Err("InvalidPart".into()), "part 2 is not listed");
    assert_eq!(complete(&[(1, first.clone()), (2, wrong)]).await, Err("InvalidPart".into()), "another ETag");
    assert_eq!(complete(&[(2, second.clone()), (1, first.clone())]).await, Err("InvalidPartOrder".into()));
    let small = store.put_part(&upload.urls[0].1, "too small").await;
    assert_eq!(complete(&[(1, small), (2, second.clone())]).await, Err("EntityTooSmall".into()));
    let first = store.put_part(&upload.urls[0].1, vec![1; 5 << 20]).await;
    let bare = first.trim_matches('"').to_owned();
    assert_eq!(complete(&[(1, bare), (2, second)]).await, Ok((5 << 20) + 4));
    assert_eq!(complete(&[]).await, Err("NoSuchUpload".into()), "complete already");
}

#[tokio::test]
async fn a_part_of_an_unknown_or_completed_upload_is_refused() {
    let store = Store::start().await;
    let id = new_id();
    let upload = store.begin(&id, 1).await;
    let etag = store.put_part(&upload.urls[0].1, "all").await;
    store.complete(&id, &upload.upload_id, &[(1, etag)]).await.unwrap();
    let response = store.client.put(&upload.urls[0].1).body("again").send().await.unwrap();
    assert_refused(response, 404, "NoSuchUpload").await;
    for unknown in [Uuid::new_v4().simple().to_string(), "../objects".to_owned(), String::new()] {
        let refused = store.storage.complete_multipart(&id, &unknown, Vec::new()).await.unwrap_err();
        assert_eq!((refused.code(), refused.status().as_u16()), ("NoSuchUpload", 404));
    }
}

#[tokio::test]
async fn an_upload_in_parts_and_its_addresses_survive_a_restart_of_the_server() {
    let store = Store::start().await;
    let id = new_id();
    let upload = store.begin(&id, 1).await;
    let etag = store.put_part(&upload.urls[0].1, "kept").await;
    let read = store.storage.signed_url(&id, "a", "video/mp4");
    let again = Store::start_in(store.folder).await;
    assert_eq!(again.complete(&id, &upload.upload_id, &[(1, etag)]).await, Ok(4));
    // The same address on the port that the server has now.
    let read = read.replace(&store.address.to_string(), &again.address.to_string());
    assert_eq!(again.client.get(read).send().await.unwrap().text().await.unwrap(), "kept");
}

#[tokio::test]
async fn a_browser_page_of_another_origin_may_put_and_read_the_etag() {
    let store = Store::start().await;
    let upload = store.storage.single_upload(&new_id(), Some(3), "video/mp4", None, None);
    let preflight = store.client.request(reqwest::Method::OPTIONS, &upload.url).header("Origin", "https://review.test");
    let preflight = preflight
        .header("Access-Control-Request-Method", "PUT")
        .header("Access-Control-Request-Headers", "content-type")
        .send()
        .await
        .unwrap();
    assert!(preflight.status().is_success());
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert!(preflight.headers()["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
    let put = store.put(&upload, b"abc").header("Origin", "https://review.test").send().await.unwrap();
    assert_eq!(put.headers()["access-control-allow-origin"], "*");
    assert_eq!(put.headers()["access-control-expose-headers"], "etag");
}

#[tokio::test]
async fn a_range_is_answered_with_just_those_bytes() {
    let store = Store::start().await;
    let id = store.store(b"0123456789").await;
    let url = store.storage.signed_url(&id, "a.mp4", "video/mp4");
    for (range, body, described) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=0-0", "0", "bytes 0-0/10"),
    ] {
        let response = store.client.get(&url).header("Range", range).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(response.headers()["content-range"], described);
        assert_eq!(response.headers()["content-type"], "video/mp4");
        assert_eq!(response.text().await.unwrap(), body);
    }
    let beyond = store.client.get(&url).header("Range", "bytes=10-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test]
async fn a_range_of_content_that_changed_is_answered_with_the_whole_file() {
    let store = Store::start().await;
    let id = store.store(b"0123456789").await;
    let url = store.storage.signed_url(&id, "a.mp4", "video/mp4");
    let etag = store.client.head(&url).send().await.unwrap().headers()["etag"].clone();
    let same = store.client.get(&url).header("Range", "bytes=2-4").header("If-Range", etag.clone());
    assert_eq!(same.send().await.unwrap().status(), StatusCode::PARTIAL_CONTENT);
    let other = store.client.get(&url).header("Range", "bytes=2-4").header("If-Range", "\"other\"");
    let response = other.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.text().await.unwrap(), "0123456789");
    let unchanged = store.client.get(&url).header("If-None-Match", etag).send().await.unwrap();
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn head_tells_the_size_and_sends_no_body() {
    let store = Store::start().await;
    let id = store.store(b"0123456789").await;
    let response = store.client.head(store.storage.signed_url(&id, "a", "video/mp4")).send().await.unwrap();
    assert_eq!(response.headers()["content-length"], "10");
    assert_eq!(response.headers()["accept-ranges"], "bytes");
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_component_that_was_removed_is_gone_and_removing_it_again_is_fine() {
    let store = Store::start().await;
    let id = store.store(b"abc").await;
    let url = store.storage.signed_url(&id, "a", "video/mp4");
    store.storage.remove(&id).await.unwrap();
    store.storage.remove(&id).await.unwrap();
    assert_eq!(store.storage.size(&id), None);
    assert_refused(store.client.get(url).send().await.unwrap(), 404, "NoSuchKey").await;
}
