//! Connecting: `GET /socket.io/1/` gives a session id for `/socket.io/1/websocket/{id}`.

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::{Hub, connection};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, Exception};
use crate::state::AppState;

/// The routes of the hub.
pub fn routes(state: AppState) -> Router {
    Router::new()
        .route("/socket.io/1/", get(shake_hands))
        .route("/socket.io/1", get(shake_hands))
        .route("/socket.io/1/websocket/{session}", get(open))
        .layer(crate::api::cors())
        .with_state(state)
}

/// Where the JavaScript client puts user and key (simple_socketio.ts, fetchSessionId).
#[derive(Deserialize)]
struct Credentials {
    api_user: Option<String>,
    api_key: Option<String>,
}

/// Answers `session:heartbeat timeout:close timeout:transports`. A refusal is a JSON object with status 200, as that of
/// the API without strict mode; a full hub answers 503.
async fn shake_hands(
    State(state): State<AppState>,
    Query(given): Query<Credentials>,
    headers: HeaderMap,
) -> Result<String, Response> {
    let caller = caller(&state, &given, &headers).await;
    let caller = caller.map_err(|error| axum::Json(error.to_json()).into_response())?;
    let limits = state.hub.limits();
    let full = || (StatusCode::SERVICE_UNAVAILABLE, "The event hub is full; try again later.\n").into_response();
    let session = state.hub.expect(caller).ok_or_else(full)?;
    // Whole seconds, and not 0, which would mean none.
    let seconds = |time: std::time::Duration| time.as_secs_f64().ceil().max(1.0);
    Ok(format!("{session}:{}:{}:websocket", seconds(limits.heartbeat_timeout), seconds(limits.close_timeout)))
}

/// The caller by query string, or else by headers or cookie.
async fn caller(state: &AppState, given: &Credentials, headers: &HeaderMap) -> ApiResult<Caller> {
    match (&given.api_user, &given.api_key) {
        (Some(user), Some(key)) => state.auth.user_by_key(user, key).await?.ok_or_else(|| {
            let message = format!("The supplied API key is not valid for the user {user:?}.");
            ApiError::new(Exception::InvalidCredentials, message)
        }),
        _ => state.auth.authenticate(headers).await,
    }
}

/// The session id alone says who it is: clients send no more that could be relied on (reference, 2.1).
async fn open(State(state): State<AppState>, Path(session): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    let hub: Hub = state.hub.clone();
    let caller = hub.admit(&session);
    let upgrade = upgrade.max_message_size(hub.limits().packet_bytes).max_frame_size(hub.limits().packet_bytes);
    upgrade.on_upgrade(async move |socket| match caller {
        Some(caller) => connection::serve(hub, caller, socket).await,
        None => connection::refuse(socket).await,
    })
}
