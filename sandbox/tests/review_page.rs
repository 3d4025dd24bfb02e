//! What the server promises to a viewer: media by component id, and a page that holds no secrets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::io::Cursor;

use common::client;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER, READER_KEY, READER_USER};
use ftreview_sandbox::{Config, Server};
use image::{ImageFormat, RgbImage};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

struct Sandbox {
    server: Server,
    client: Client,
    _folder: TempDir,
}

impl Sandbox {
    async fn start() -> Sandbox {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(Config::new(folder.path())).await.unwrap();
        Sandbox { server, client: client(), _folder: folder }
    }

    async fn api(&self, operations: Value) -> Value {
        let request = self.client.post(format!("{}/api", self.server.url())).json(&operations);
        let request = request.header("ftrack-user", DEMO_USER).header("ftrack-api-key", DEMO_KEY);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer.is_array(), "{answer}");
        answer
    }

    /// A component with data in the store.
    async fn component(&self, name: &str, file_type: &str, data: Vec<u8>) -> String {
        let id = Uuid::new_v4().to_string();
        let entity = json!({"__entity_type__": "FileComponent", "id": id, "name": name, "file_type": file_type, "size": data.len()});
        let create = json!({"action": "create", "entity_type": "FileComponent", "entity_data": entity});
        let upload =
            json!({"action": "get_upload_metadata", "component_id": id, "file_size": data.len(), "file_name": "a"});
        self.api(json!([create])).await;
        let answer = self.api(json!([upload])).await;
        let mut put = self.client.put(answer[0]["url"].as_str().unwrap()).body(data);
        for (name, value) in answer[0]["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        assert_eq!(put.send().await.unwrap().status(), StatusCode::OK);
        id
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.server.url())).send().await.unwrap()
    }

    fn as_demo(&self, path: &str) -> String {
        format!("{path}&username={DEMO_USER}&apiKey={DEMO_KEY}")
    }
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::new(width, height).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

async fn size_of(response: Response) -> (u32, u32) {
    let bytes = response.bytes().await.unwrap();
    let image = image::load_from_memory(&bytes).unwrap();
    (image.width(), image.height())
}

/// The session cookie that an answer sets, as a `Cookie` header.
fn cookie(response: &Response) -> Option<String> {
    let set = response.headers().get("set-cookie")?.to_str().ok()?;
    Some(set.split(';').next()?.to_owned())
}

#[tokio::test]
async fn a_component_is_served_with_its_type_and_name_and_in_ranges() {
    let sandbox = Sandbox::start().await;
    let id = sandbox.component("ftrackreview-mp4", ".mp4", b"0123456789".to_vec()).await;
    let response = sandbox.get(&sandbox.as_demo(&format!("/component/get?id={id}"))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "video/mp4");
    assert_eq!(response.headers()["content-disposition"], "inline; filename=\"ftrackreview-mp4.mp4\"");
    assert_eq!(response.text().await.unwrap(), "0123456789");

    let url = format!("{}{}", sandbox.server.url(), sandbox.as_demo(&format!("/component/get?id={id}")));
    let part = sandbox.client.get(&url).header("Range", "bytes=3-5").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], "bytes 3-5/10");
    assert_eq!(part.text().await.unwrap(), "345");
    let head = sandbox.client.head(&url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "10");
}

#[tokio::test]
async fn media_are_refused_without_valid_credentials() {
    let sandbox = Sandbox::start().await;
    let id = sandbox.component("main", ".mov", b"secret".to_vec()).await;
    for path in ["get", "thumbnail", "remove"] {
        for who in ["", "&username=demo&apiKey=wrong", "&username=nobody&apiKey=x"] {
            let response = sandbox.get(&format!("/component/{path}?id={id}{who}")).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path} {who}");
            assert!(!response.text().await.unwrap().contains("secret"));
        }
    }
}

#[tokio::test]
async fn a_component_that_is_unknown_or_has_no_data_is_named_in_the_answer() {
    let sandbox = Sandbox::start().await;
    let unknown = Uuid::new_v4();
    let response = sandbox.get(&sandbox.as_demo(&format!("/component/get?id={unknown}"))).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(response.text().await.unwrap().contains(&unknown.to_string()));
    let response = sandbox.get(&sandbox.as_demo("/component/get?x=1")).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_thumbnail_fits_the_size_asked_for_and_is_never_enlarged() {
    let sandbox = Sandbox::start().await;
    let png = sandbox.component("thumbnail", ".png", picture(640, 320, ImageFormat::Png)).await;
    let jpeg = sandbox.component("thumbnail", ".jpg", picture(100, 400, ImageFormat::Jpeg)).await;
    for (id, size, expected) in [
        (&png, "", (300, 150)),
        (&png, "&size=64", (64, 32)),
        (&png, "&size=2000", (640, 320)),
        (&jpeg, "&size=200", (50, 200)),
    ] {
        // The second time it comes from the folder of scaled images.
        for _ in 0..2 {
            let response = sandbox.get(&sandbox.as_demo(&format!("/component/thumbnail?id={id}{size}"))).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(size_of(response).await, expected, "{size}");
        }
    }
}

#[tokio::test]
async fn a_thumbnail_follows_when_the_data_are_replaced() {
    let sandbox = Sandbox::start().await;
    let id = sandbox.component("thumbnail", ".png", picture(64, 32, ImageFormat::Png)).await;
    let path = sandbox.as_demo(&format!("/component/thumbnail?id={id}"));
    assert_eq!(size_of(sandbox.get(&path).await).await, (64, 32));
    let upload = sandbox.server.state().storage.single_upload(&id, None, "image/png", None, None);
    let body = picture(32, 64, ImageFormat::Png);
    let put = sandbox.client.put(upload.url).header("Content-Type", "image/png").body(body).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::OK);
    assert_eq!(size_of(sandbox.get(&path).await).await, (32, 64));
}

#[tokio::test]
async fn what_is_no_image_has_the_neutral_picture_as_thumbnail() {
    let sandbox = Sandbox::start().await;
    let id = sandbox.component("main", ".mov", b"no image".to_vec()).await;
    for id in [id, Uuid::new_v4().to_string()] {
        let response = sandbox.get(&sandbox.as_demo(&format!("/component/thumbnail?id={id}"))).await;
        assert_eq!(response.headers()["content-location"], "/img/thumbnail2.png");
        assert_eq!(size_of(response).await, (320, 180));
    }
    assert_eq!(size_of(sandbox.get("/img/thumbnail2.png").await).await, (320, 180));
}

#[tokio::test]
async fn removing_needs_the_right_to_write_and_leaves_no_data() {
    let sandbox = Sandbox::start().await;
    let id = sandbox.component("main", ".mov", b"data".to_vec()).await;
    let refused = sandbox.get(&format!("/component/remove?id={id}&username={READER_USER}&apiKey={READER_KEY}")).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(sandbox.server.state().storage.size(&id), Some(4));
    let path = sandbox.as_demo(&format!("/component/remove?id={id}"));
    assert_eq!(sandbox.get(&path).await.status(), StatusCode::OK);
    assert_eq!(sandbox.server.state().storage.size(&id), None);
    assert_eq!(sandbox.get(&path).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn opening_the_page_on_loopback_is_enough_to_read_as_the_demo_user() {
    let sandbox = Sandbox::start().await;
    let id = sandbox.component("main", ".mp4", b"data".to_vec()).await;
    for path in ["/", "/player/version/3a372bde-05bc-11e4-8908-20c9d081909b"] {
        let page = sandbox.get(path).await;
        let set = page.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
        let session = cookie(&page).unwrap();
        let media = sandbox.client.get(format!("{}/component/get?id={id}", sandbox.server.url()));
        assert_eq!(media.header("Cookie", session).send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_foreign_name_that_points_at_loopback_gets_no_session() {
    let sandbox = Sandbox::start().await;
    let request = sandbox.client.get(sandbox.server.url()).header("Host", "evil.test:8090");
    assert_eq!(cookie(&request.send().await.unwrap()), None);
}

#[tokio::test]
async fn a_server_open_to_others_asks_for_user_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.allow_remote = true;
    let server = Server::start(config).await.unwrap();
    let url = server.url();
    let client = client();
    assert_eq!(cookie(&client.get(url).send().await.unwrap()), None);

    let sign_in =
        |key: &'static str| client.post(format!("{url}/session")).json(&json!({"user": DEMO_USER, "key": key})).send();
    let refused = sign_in("wrong").await.unwrap();
    assert!(refused.status().is_client_error() && cookie(&refused).is_none());
    let session = cookie(&sign_in(DEMO_KEY).await.unwrap()).unwrap();
    let ask = || {
        let query = json!([{"action": "query", "expression": "select id from Project"}]);
        client.post(format!("{url}/api")).json(&query).header("Cookie", session.clone()).send()
    };
    assert!(ask().await.unwrap().json::<Value>().await.unwrap().is_array());
    client.delete(format!("{url}/session")).header("Cookie", session.clone()).send().await.unwrap();
    let answer: Value = ask().await.unwrap().json().await.unwrap();
    assert_eq!(answer["exception"], "InvalidCredentialsError");
}

#[tokio::test]
async fn the_page_has_no_key_and_loads_nothing_from_elsewhere() {
    let sandbox = Sandbox::start().await;
    let page = sandbox.get("/").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let mut texts = vec![page.text().await.unwrap()];
    let files: Vec<_> = texts[0].split('"').filter(|text| text.starts_with("/web/")).map(str::to_owned).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let response = sandbox.get(&file).await;
        assert_eq!(response.status(), StatusCode::OK, "{file}");
        texts.push(response.text().await.unwrap());
    }
    for text in &texts {
        assert!(!text.contains(DEMO_KEY));
        assert!(!text.contains("https://") && !text.replace("http://www.w3.org", "").contains("http://"), "{text}");
    }
}

#[tokio::test]
async fn every_module_that_the_page_imports_is_there_as_javascript() {
    let sandbox = Sandbox::start().await;
    let mut waiting = vec!["app.js".to_owned()];
    let mut seen = Vec::new();
    while let Some(name) = waiting.pop() {
        if seen.contains(&name) {
            continue;
        }
        let response = sandbox.get(&format!("/web/{name}")).await;
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/javascript"));
        let text = response.text().await.unwrap();
        let imports = text.lines().filter(|line| line.starts_with("import"));
        waiting.extend(imports.filter_map(|line| Some(line.split_once("\"./")?.1.trim_end_matches("\";").to_owned())));
        seen.push(name);
    }
    assert!(seen.len() > 5, "{seen:?}");
}
