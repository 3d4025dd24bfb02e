//! `POST /api`: a batch of operations, answered in order or not at all.

pub(crate) mod batch;
mod delete;
mod fill;
mod information;
mod relations;
mod search;
mod upload;
mod write;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

use crate::auth::{Caller, session_cookie, session_token};
use crate::error::{ApiError, ApiResult};
use crate::query;
use crate::state::AppState;

/// The largest batch: operations are small, media do not come this way.
const MAX_BODY_BYTES: usize = 32 << 20;

/// The routes of this module.
pub fn routes(state: AppState) -> Router {
    Router::new().route("/api", post(call)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).with_state(state)
}

impl AppState {
    /// Runs a batch for a caller: all of it or nothing. `strict` answers only the projections asked for.
    pub async fn call(&self, caller: &Caller, operations: Vec<Value>, strict: bool) -> ApiResult<Vec<Value>> {
        let (state, caller) = (self.clone(), caller.clone());
        let completed = upload::complete_all(&state, &caller, &operations).await?;
        self.database
            .run(move |connection| batch::run(&state, connection, &caller, &operations, completed, strict))
            .await
    }

    /// The entities a query expression finds, without paging.
    pub async fn query(&self, expression: &str) -> ApiResult<Vec<Value>> {
        let (state, expression) = (self.clone(), expression.to_owned());
        self.database
            .run(move |connection| {
                let environment = query::Environment { storage: &state.storage, strict: false };
                query::entities(connection, &environment, &expression)
            })
            .await
    }
}

async fn call(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let strict = headers.get("ftrack-strict-api").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let caller = match state.auth.authenticate(&headers).await {
        Ok(caller) => caller,
        Err(error) => return failed(&error, strict),
    };
    let answered = match operations(&body) {
        Ok(operations) => state.call(&caller, operations, strict).await,
        Err(error) => Err(error),
    };
    let mut response = match answered {
        Ok(results) => Json(results).into_response(),
        Err(error) => failed(&error, strict),
    };
    let has_session = session_token(&headers).is_some_and(|token| state.auth.is_live(token));
    if !has_session && let Ok(cookie) = HeaderValue::from_str(&session_cookie(&state.auth.session_for_api(&caller))) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Without strict mode a failure is told in the body alone (Python client, session.py, call).
fn failed(error: &ApiError, strict: bool) -> Response {
    let status = if strict { error.status() } else { StatusCode::OK };
    (status, Json(error.to_json())).into_response()
}

fn operations(body: &[u8]) -> ApiResult<Vec<Value>> {
    let parsed = serde_json::from_slice(body);
    let value: Value = parsed.map_err(|error| ApiError::validation(format!("The request is not JSON: {error}.")))?;
    match value {
        Value::Array(operations) => Ok(operations),
        _ => Err(ApiError::validation("The request has to be a JSON array of operations.")),
    }
}
