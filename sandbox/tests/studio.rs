//! The example of a studio's own endpoint, `POST /studio/review`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

mod common;

use common::Sandbox;
use ftreview_sandbox::Config;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use md5::{Digest, Md5};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

const BOUNDARY: &str = "a-boundary-of-no-meaning";

/// A part of a form: its `Content-Disposition` beyond `form-data`, more headers, and what it holds.
fn part(disposition: &str, headers: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n{headers}\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn field(name: &str, text: &str) -> Vec<u8> {
    part(&format!("name=\"{name}\""), "", text.as_bytes())
}

fn file(content: &[u8]) -> Vec<u8> {
    part("name=\"movie\"; filename=\"comp v003.mov\"", "Content-Type: video/quicktime\r\n", content)
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), format!("--{BOUNDARY}--\r\n").into_bytes()].concat()
}

fn post(sandbox: &Sandbox, query: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    sandbox
        .client
        .post(format!("{}/studio/review{query}", sandbox.server.url()))
        .header("ftrack-user", DEMO_USER)
        .header("ftrack-api-key", DEMO_KEY)
        .header("Content-Type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(body)
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// Nothing of what was sent is kept.
fn assert_nothing_left(sandbox: &Sandbox) {
    let kept = std::fs::read_dir(sandbox.folder.path().join("studio"));
    assert_eq!(kept.map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn fields_and_the_file_are_told_as_they_were_sent() {
    let sandbox = Sandbox::start().await;
    let content: Vec<u8> = (0..40_u32 << 20).map(|index| index.to_le_bytes()[1]).collect();
    let parts = [
        field("comment", "naïve \"quotes\"\r\nand a line"),
        field("tag", "one"),
        file(&content),
        field("tag", "two"),
        field("empty", ""),
    ];
    let (status, told) = answer(post(&sandbox, "", form(&parts))).await;
    let file = json!({"field": "movie", "name": "comp v003.mov", "content_type": "video/quicktime",
        "size": content.len(), "md5": hex::encode(Md5::digest(&content))});
    let fields = json!({"comment": "naïve \"quotes\"\r\nand a line", "tag": ["one", "two"], "empty": ""});
    assert_eq!((status, told), (StatusCode::OK, json!({"user": DEMO_USER, "fields": fields, "file": file})));
    assert_nothing_left(&sandbox);
}

#[tokio::test]
async fn a_file_of_nothing_is_a_file() {
    let sandbox = Sandbox::start().await;
    let (status, told) = answer(post(&sandbox, "", form(&[file(b"")]))).await;
    assert_eq!((status, &told["file"]["size"]), (StatusCode::OK, &json!(0)));
}

#[tokio::test]
async fn who_has_no_good_key_is_refused() {
    let sandbox = Sandbox::start().await;
    let body = form(&[file(&vec![7; 4 << 20])]);
    let wrong = sandbox.client.post(format!("{}/studio/review", sandbox.server.url())).body(body.clone());
    for request in [wrong.try_clone().unwrap(), wrong.header("ftrack-user", DEMO_USER).header("ftrack-api-key", "no")] {
        let (status, told) = answer(request).await;
        assert_eq!(
            (status, &told["exception"]),
            (StatusCode::UNAUTHORIZED, &json!("InvalidCredentialsError")),
            "{told}"
        );
    }
    let (status, told) = answer(post(&sandbox, "?status=401", body)).await;
    assert_eq!((status, &told["exception"]), (StatusCode::UNAUTHORIZED, &json!("InvalidCredentialsError")));
}

#[tokio::test]
async fn what_is_no_form_with_one_file_is_refused_with_the_reason() {
    let sandbox = Sandbox::start().await;
    let cut = form(&[file(b"abc")])[..60].to_vec();
    for (body, words) in [
        (form(&[field("comment", "alone")]), "no file"),
        (form(&[file(b"a"), file(b"b")]), "more than one file"),
        (cut, "cannot be read"),
        (form(&[file(b"a"), part("name=\"text\"", "", b"\xff\xfe")]), "UTF-8"),
    ] {
        let (status, told) = answer(post(&sandbox, "", body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(told["content"].as_str().unwrap().contains(words), "{told}");
    }
    let request = post(&sandbox, "", "{}").header("Content-Type", "application/json");
    let (status, told) = answer(request).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
    assert_nothing_left(&sandbox);
}

#[tokio::test]
async fn a_form_has_bounds() {
    let limit = |config: &mut Config| {
        (config.studio.file_bytes, config.studio.fields, config.studio.field_bytes) = (1000, 2, 100);
    };
    let sandbox = Sandbox::start_with(limit).await;
    let (small, large) = (file(&[1; 1000]), file(&[1; 1001]));
    let (status, _) =
        answer(post(&sandbox, "", form(&[small.clone(), field("a", "1"), field("b", &"x".repeat(99))]))).await;
    assert_eq!(status, StatusCode::OK);
    for (parts, words) in [
        (vec![large], "The file has more than 1000 bytes"),
        (vec![small.clone(), field("a", &"x".repeat(101))], "more than 100 bytes"),
        (vec![field("a", "1"), field("b", "2"), field("c", "3"), small], "more than 2 fields"),
    ] {
        let (status, told) = answer(post(&sandbox, "", form(&parts))).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{told}");
        assert!(told["content"].as_str().unwrap().contains(words), "{told}");
    }
    assert_nothing_left(&sandbox);
}

#[tokio::test]
async fn it_misbehaves_when_it_is_asked_to() {
    let sandbox = Sandbox::start().await;
    let body = form(&[file(b"abc")]);
    let (status, told) = answer(post(&sandbox, "?status=500", body.clone())).await;
    assert_eq!((status, &told["exception"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("InternalServerError")));
    let page = post(&sandbox, "?status=502&answer=html", body.clone()).send().await.unwrap();
    assert_eq!(
        (page.status(), &page.headers()["content-type"]),
        (StatusCode::BAD_GATEWAY, &"text/html; charset=utf-8".parse().unwrap())
    );
    // It has all of the form and says nothing: a client that waits half a second hears nothing.
    let silent = post(&sandbox, "?delay=3600", body).timeout(std::time::Duration::from_millis(500)).send().await;
    assert!(silent.unwrap_err().is_timeout());
}
