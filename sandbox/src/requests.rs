//! What clients asked: one line a request, for tests that count them and for plug-in developers who wonder.
//! Lines hold kinds of operations and no values, so neither keys nor content.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use parking_lot::Mutex;
use serde_json::Value;

/// So many requests are remembered; older ones are forgotten.
const KEPT: usize = 10_000;

/// Bodies up to this size are looked into; larger ones are no batches.
const BODY_LIMIT: usize = 32 << 20;

/// The requests since the server was started. A clone shares them.
#[derive(Clone, Default)]
pub struct Requests(Arc<Mutex<VecDeque<String>>>);

impl Requests {
    /// The lines, oldest first, such as `POST /api: query Asset, create FileComponent` and `PUT /storage`.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().iter().cloned().collect()
    }

    /// Forgets what was asked so far.
    pub fn clear(&self) {
        self.0.lock().clear();
    }

    fn add(&self, line: String) {
        let mut lines = self.0.lock();
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// Notes a request and passes it on.
pub async fn note(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // The first part of the path says what it is; what follows in storage paths is an id.
    let path = parts.uri.path().split('/').nth(1).unwrap_or_default().to_owned();
    let (line, body) = match path.as_str() {
        "api" => match to_bytes(body, BODY_LIMIT).await {
            Ok(bytes) => (format!("{} /api: {}", parts.method, operations(&bytes)), Body::from(bytes)),
            // The client went away, or sends too much: the handler says so.
            Err(_) => (format!("{} /api: unreadable", parts.method), Body::empty()),
        },
        _ => (format!("{} /{path}", parts.method), body),
    };
    requests.add(line);
    next.run(Request::from_parts(parts, body)).await
}

fn operations(body: &[u8]) -> String {
    let batch: Value = serde_json::from_slice(body).unwrap_or_default();
    let kinds = batch.as_array().into_iter().flatten().map(|operation| {
        let action = operation["action"].as_str().unwrap_or("?");
        // A query names its type in the expression only.
        let expression = operation["expression"].as_str().unwrap_or_default();
        let queried = expression.split_once(" from ").map_or(expression, |(_, rest)| rest);
        let entity_type = operation["entity_type"].as_str().or(queried.split_whitespace().next());
        entity_type.map_or(action.to_owned(), |entity_type| format!("{action} {entity_type}"))
    });
    kinds.collect::<Vec<_>>().join(", ")
}
