//! The few requests that checking a publish needs: queries, and downloads.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shell::Outcome;
use crate::staging::Staging;

/// The server answers from the same machine; one that takes this long hangs.
const TIMEOUT: Duration = Duration::from_secs(30);
/// No media of the demo is larger.
const MAX_DOWNLOAD: u64 = 256 << 20;

/// A client of one staging server.
pub struct Api<'a> {
    server: &'a Staging,
    agent: ureq::Agent,
}

impl<'a> Api<'a> {
    /// A client with the server's demo account.
    pub fn new(server: &'a Staging) -> Self {
        let agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).proxy(None).build().into();
        Self { server, agent }
    }

    /// The entities that a query finds.
    pub fn query(&self, expression: &str) -> Outcome<Vec<Value>> {
        let failed = |what: String| format!("The query {expression:?} failed: {what}.");
        let body = json!([{"action": "query", "expression": expression}]).to_string();
        let request = self.agent.post(format!("{}/api", self.server.url)).header("content-type", "application/json");
        let request = request.header("ftrack-user", &self.server.user).header("ftrack-api-key", &self.server.key);
        let mut response = request.send(&body).map_err(|error| failed(error.to_string()))?;
        let text = response.body_mut().read_to_string().map_err(|error| failed(error.to_string()))?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| failed(format!("{error} in {text:?}")))?;
        let entities = answer[0]["data"].as_array().cloned();
        entities.ok_or_else(|| failed(format!("the server answered {answer}")))
    }

    /// The one entity that a query finds; more or fewer are a failure.
    pub fn query_one(&self, expression: &str) -> Outcome<Value> {
        let mut found = self.query(expression)?;
        match (found.len(), found.pop()) {
            (1, Some(entity)) => Ok(entity),
            (count, _) => Err(format!("The query {expression:?} found {count} entities, not one.")),
        }
    }

    /// A component's bytes, as the web player gets them.
    pub fn download(&self, component: &str) -> Outcome<Vec<u8>> {
        self.get(&format!("/component/get?id={component}"))
    }

    /// The answer to a GET with the demo account.
    pub fn get(&self, path: &str) -> Outcome<Vec<u8>> {
        let failed = |error: ureq::Error| format!("GET {path} failed: {error}.");
        let request = self.agent.get(format!("{}{path}", self.server.url));
        let request = request.header("ftrack-user", &self.server.user).header("ftrack-api-key", &self.server.key);
        let mut response = request.call().map_err(failed)?;
        response.body_mut().with_config().limit(MAX_DOWNLOAD).read_to_vec().map_err(failed)
    }
}
