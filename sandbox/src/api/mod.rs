//! `POST /api`: a batch of operations, answered in order or not at all.

pub(crate) mod ahead;
pub(crate) mod batch;
mod changes;
mod custom;
mod delete;
mod fill;
mod information;
mod invite;
mod relations;
mod search;
mod upload;
pub(crate) mod write;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::auth::{Caller, session_cookie, session_token};
use crate::error::{ApiError, ApiResult};
use crate::hub::update::Origin;
use crate::model::tables;
use crate::query;
use crate::state::AppState;

/// The largest batch: operations are small, media do not come this way.
const MAX_BODY_BYTES: usize = 32 << 20;

/// The routes of this module.
pub fn routes(state: AppState) -> Router {
    Router::new().route("/api", post(call)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).layer(cors()).with_state(state)
}

/// Pages on other loopback ports may call: that is where web tools are developed. Pages from elsewhere may not, because
/// whoever has the review page open has a session that they could use.
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|origin, _| is_loopback(origin)))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
}

fn is_loopback(origin: &HeaderValue) -> bool {
    let url = origin.to_str().ok().and_then(|origin| url::Url::parse(origin).ok());
    match url.as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl AppState {
    /// Runs a batch for a caller: all of it or nothing. `exact` answers only the projections asked for; `origin` marks the
    /// event that follows.
    pub async fn call(
        &self,
        caller: &Caller,
        origin: Origin,
        operations: Vec<Value>,
        exact: bool,
    ) -> ApiResult<Vec<Value>> {
        let (state, caller) = (self.clone(), caller.clone());
        let ahead = ahead::run(&state, &caller, &operations).await?;
        let work =
            move |connection: &mut _| batch::run(&state, connection, &caller, &origin, &operations, ahead, exact);
        let done = self.database.run(work).await?;
        self.remove_media(done.removed).await;
        Ok(done.results)
    }

    /// The batch has passed, so nothing here can fail it: what cannot be removed now is tried again after the next one.
    async fn remove_media(&self, components: Vec<String>) {
        for id in components {
            if self.storage.remove(&id).await.is_err() {
                // A store that is away is away for the others too.
                return;
            }
            let forget = move |connection: &mut _| Ok(tables::forget_removed_component(connection, &id)?);
            let _ = self.database.run(forget).await;
        }
    }

    /// The entities a query expression finds, without paging.
    pub async fn query(&self, expression: &str) -> ApiResult<Vec<Value>> {
        let (state, expression) = (self.clone(), expression.to_owned());
        self.database
            .run(move |connection| {
                let environment = query::Environment { storage: &state.storage, exact: false };
                query::entities(connection, &environment, &expression)
            })
            .await
    }
}

async fn call(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let strict = header(&headers, "ftrack-strict-api").eq_ignore_ascii_case("true");
    // The JavaScript client asks for exact projections without strict errors this way (session.ts).
    let exact = strict || header(&headers, "ftrack-api-options").split(';').any(|option| option == "strict:1");
    let caller = match state.auth.authenticate(&headers).await {
        Ok(caller) => caller,
        Err(error) => return failed(&error, strict),
    };
    let answered = match operations(&body) {
        Ok(operations) => state.call(&caller, origin(&headers), operations, exact).await,
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

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn origin(headers: &HeaderMap) -> Origin {
    let given = |name| Some(header(headers, name).to_owned()).filter(|token| !token.is_empty());
    Origin { client_token: given("ftrack-clienttoken"), push_token: given("ftrack-pushtoken") }
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
