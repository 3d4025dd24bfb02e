//! Somebody else on the staging server, who looks at what there is and writes.

use ftreview::ftrack::operation::Attributes;
use ftreview::ftrack::{Client, Config, Environment, Filter, Operation, ProxyChoice, Query};
use ftreview::session::log::Log;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// A client with changes marked by a token of its own.
pub struct Reviewer {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

/// How a session of the demo user reaches the server, whatever the environment says.
pub fn config(url: &str, token: &str) -> Config {
    Config {
        server_url: url.parse().unwrap(),
        api_key: DEMO_KEY.to_owned().into(),
        api_user: DEMO_USER.to_owned(),
        timeout: Duration::from_secs(60),
        connect_timeout: Duration::from_secs(10),
        headers: Vec::new(),
        cookies: Vec::new(),
        proxy: ProxyChoice::None,
        ca_file: None,
        strict_api: false,
        client_token: token.to_owned(),
        environment: Environment::default(),
    }
}

impl Reviewer {
    pub fn new(url: &str, token: &str) -> Reviewer {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Reviewer { runtime, client: Client::new(config(url, token), Log::silent()) }
    }

    pub fn call(&self, operations: &[Operation]) {
        self.runtime.block_on(self.client.call(operations)).unwrap();
    }

    pub fn create(&self, entity: &str, attributes: Value) -> String {
        let id = Uuid::new_v4().to_string();
        self.call(&[Operation::create(entity, &id, object(attributes))]);
        id
    }

    pub fn update(&self, entity: &str, id: &str, attributes: Value) {
        self.call(&[Operation::update(entity, &[id], object(attributes))]);
    }

    /// The id of the first entity that there is.
    pub fn first(&self, entity: &'static str, filter: Option<Filter>) -> String {
        let mut query = Query::select(&["id"], entity).limit(1);
        if let Some(filter) = filter {
            query = query.filter(filter);
        }
        let rows = self.runtime.block_on(self.client.query(&query)).unwrap();
        rows[0]["id"].as_str().unwrap().to_owned()
    }

    pub fn status(&self, name: &'static str) -> String {
        self.first("Status", Some(Filter::equals("name", name)))
    }

    /// A new version in the demo project.
    pub fn version(&self) -> String {
        let context = self.first("Project", Some(Filter::equals("name", "demo")));
        let kind = self.first("AssetType", None);
        let name = Uuid::new_v4().to_string();
        let asset = self.create("Asset", json!({"name": name, "context_id": context, "type_id": kind}));
        self.create("AssetVersion", json!({"asset_id": asset, "status_id": self.status("In Progress")}))
    }

    pub fn note(&self, version: &str, text: &str, frame: Option<i64>) -> String {
        let note = json!({"content": text, "parent_id": version, "parent_type": "AssetVersion", "frame_number": frame});
        self.create("Note", note)
    }

    /// Writes the player's note on a component, for the first time or again.
    pub fn set_ftr_meta(&self, component: &str, value: &str) {
        let key = [("parent_id", component), ("key", "ftr_meta")];
        let new = object(json!({"value": value, "parent_type": "FileComponent"}));
        let created = [Operation::create_with_key("Metadata", &key, new)];
        if self.runtime.block_on(self.client.call(&created)).is_err() {
            let value = object(json!({"value": value}));
            self.call(&[Operation::update("Metadata", &[component, "ftr_meta"], value)]);
        }
    }

    pub fn component(&self, version: &str, name: &str) -> String {
        self.create("FileComponent", json!({"name": name, "file_type": ".jpg", "version_id": version}))
    }
}

pub fn object(value: Value) -> Attributes {
    match value {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}
