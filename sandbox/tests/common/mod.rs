//! A server of its own for each test, and a client that calls it.

#![allow(clippy::unwrap_used, dead_code, reason = "a test that cannot go on has failed; not every test needs all")]

pub mod hub;

use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use ftreview_sandbox::{Config, Server};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Sandbox {
    pub server: Server,
    pub client: Client,
    pub folder: TempDir,
}

impl Sandbox {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        change(&mut config);
        Self { server: Server::start(config).await.unwrap(), client: client(), folder }
    }

    /// A call of the API without credentials.
    pub fn request(&self, operations: &Value) -> RequestBuilder {
        self.client.post(format!("{}/api", self.server.url())).json(operations)
    }

    pub async fn call_as(&self, user: &str, key: &str, operations: Value) -> Value {
        let request = self.request(&operations).header("ftrack-user", user).header("ftrack-api-key", key);
        request.send().await.unwrap().json().await.unwrap()
    }

    pub async fn call(&self, operations: Value) -> Value {
        self.call_as(DEMO_USER, DEMO_KEY, operations).await
    }

    /// The answers to a batch that has to pass.
    pub async fn pass(&self, operations: Value) -> Value {
        let answer = self.call(operations).await;
        assert!(answer.is_array(), "{answer}");
        answer
    }

    /// The text of the error that a batch has to end in.
    pub async fn fail(&self, operations: Value, exception: &str) -> String {
        let answer = self.call(operations).await;
        assert_eq!(answer["exception"], exception, "{answer}");
        answer["content"].as_str().unwrap().to_owned()
    }

    pub async fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.pass(json!([{"action": "query", "expression": expression}])).await;
        answer[0]["data"].as_array().unwrap().clone()
    }

    /// The names of the entities found, in order.
    pub async fn names(&self, expression: &str) -> Vec<String> {
        let found = self.query(expression).await;
        found.iter().map(|entity| entity["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The id of the only entity found.
    pub async fn id(&self, expression: &str) -> String {
        let found = self.query(expression).await;
        assert_eq!(found.len(), 1, "{expression}: {found:?}");
        found[0]["id"].as_str().unwrap().to_owned()
    }

    /// An asset below the shot sh010.
    pub async fn asset(&self) -> String {
        let shot = self.id("select id from Shot where name is sh010").await;
        let created = self.pass(json!([create("Asset", json!({"name": "main", "context_id": shot}))])).await;
        created[0]["data"]["id"].as_str().unwrap().to_owned()
    }
}

/// A client of a server on loopback. Built together with the library, reqwest has TLS without a provider of cryptography
/// and makes no client until the process has one, even to speak plain HTTP.
pub fn client() -> Client {
    // Fails when another test of this process was first, with the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

pub fn create(entity_type: &str, mut data: Value) -> Value {
    data["__entity_type__"] = json!(entity_type);
    json!({"action": "create", "entity_type": entity_type, "entity_data": data})
}

pub fn update(entity_type: &str, id: &str, mut data: Value) -> Value {
    data["__entity_type__"] = json!(entity_type);
    json!({"action": "update", "entity_type": entity_type, "entity_key": [id], "entity_data": data})
}

pub fn delete(entity_type: &str, id: &str) -> Value {
    json!({"action": "delete", "entity_type": entity_type, "entity_key": [id]})
}

pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
