//! Media by component id, for viewers: `/component/get`, `/component/thumbnail` and `/component/remove`.
//!
//! The official clients give user and key in the query string (Python client, accessor/server.py; JavaScript client,
//! session.ts); the review page comes with its session cookie.

mod thumbnail;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::links::{content_type, file_name};
use crate::state::AppState;
use crate::storage::{Shown, StorageError, serve};

/// The routes of this page.
pub fn routes(state: AppState) -> Router {
    Router::new()
        .route("/component/get", get(get_component))
        .route("/component/thumbnail", get(get_thumbnail))
        .route("/component/remove", get(remove_component))
        .route("/img/thumbnail2.png", get(async || thumbnail::placeholder()))
        .with_state(state)
}

/// The query string of the three addresses. Everything is optional here, so that what is missing can be named.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    id: String,
    size: Option<u32>,
    username: Option<String>,
    #[serde(rename = "apiKey")]
    api_key: Option<String>,
}

/// A refusal: a status and a line of text.
struct Refusal(StatusCode, String);

async fn get_component(
    State(state): State<AppState>,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Result<Response, Refusal> {
    caller(&state, &wanted, request.headers()).await?;
    let name = file_name_of(&state, &wanted.id).await?;
    if state.storage.origin().is_some() {
        return elsewhere(&state, &wanted.id, &name, request.method()).await;
    }
    let file = state.storage.file(&wanted.id).ok_or_else(|| no_data(&wanted.id))?;
    let shown = Shown { content_type: &content_type(&name), file_name: &name };
    Ok(not_shared(serve(&file, &shown, request).await))
}

async fn get_thumbnail(
    State(state): State<AppState>,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Result<Response, Refusal> {
    caller(&state, &wanted, request.headers()).await?;
    if state.storage.origin().is_some() {
        return thumbnail_elsewhere(&state, &wanted.id, request.method()).await;
    }
    let size = wanted.size.unwrap_or(thumbnail::DEFAULT_SIZE);
    let storage = state.storage.clone();
    let id = wanted.id.clone();
    let scaled = tokio::task::spawn_blocking(move || thumbnail::scaled(&storage, &id, size)).await;
    match scaled.ok().flatten() {
        Some((file, content_type)) => {
            let shown = Shown { content_type, file_name: "thumbnail" };
            Ok(not_shared(serve(&file, &shown, request).await))
        }
        None => Ok(thumbnail::placeholder()),
    }
}

/// Sends the viewer to the object store. Whether there is something is looked for only when just that is asked: who reads
/// is told by the store.
async fn elsewhere(state: &AppState, id: &str, name: &str, method: &Method) -> Result<Response, Refusal> {
    if method == Method::HEAD {
        // An address is for one method, and a page may not look at another origin's answer.
        let exists = state.storage.exists(id).await.map_err(not_reached)?;
        return if exists { Ok(StatusCode::OK.into_response()) } else { Err(no_data(id)) };
    }
    let address = state.storage.signed_url(id, name, &content_type(name));
    // Not to be kept: the address ends.
    Ok(([(header::CACHE_CONTROL, "private, no-store")], Redirect::temporary(&address)).into_response())
}

/// The picture as it is: making it smaller would bring its bytes here.
async fn thumbnail_elsewhere(state: &AppState, id: &str, method: &Method) -> Result<Response, Refusal> {
    match file_name_of(state, id).await {
        Ok(name)
            if content_type(&name).starts_with("image/") && state.storage.exists(id).await.map_err(not_reached)? =>
        {
            elsewhere(state, id, &name, method).await
        }
        _ => Ok(thumbnail::placeholder()),
    }
}

async fn remove_component(
    State(state): State<AppState>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let caller = caller(&state, &wanted, &headers).await?;
    if !caller.can_write {
        let message = format!("The user {} may not remove component data.", caller.username);
        return Err(Refusal(StatusCode::FORBIDDEN, message));
    }
    file_name_of(&state, &wanted.id).await?;
    if !state.storage.exists(&wanted.id).await.map_err(not_reached)? {
        return Err(no_data(&wanted.id));
    }
    state.storage.remove(&wanted.id).await.map_err(not_reached)?;
    Ok(StatusCode::OK)
}

/// Who asks: by the query string, or else by headers or cookie.
async fn caller(state: &AppState, wanted: &Wanted, headers: &HeaderMap) -> Result<Caller, Refusal> {
    if let (Some(user), Some(key)) = (&wanted.username, &wanted.api_key) {
        let found = state.auth.user_by_key(user, key).await.map_err(failed)?;
        return found
            .ok_or_else(|| Refusal(StatusCode::FORBIDDEN, format!("The API key is not valid for the user {user:?}.")));
    }
    state.auth.authenticate(headers).await.map_err(|error| Refusal(StatusCode::FORBIDDEN, error.content))
}

/// The file name of a component.
async fn file_name_of(state: &AppState, id: &str) -> Result<String, Refusal> {
    if id.is_empty() {
        let message = "The component's id is missing; send ?id=<component id>.".to_owned();
        return Err(Refusal(StatusCode::BAD_REQUEST, message));
    }
    let sql = "SELECT coalesce(name, ''), file_type FROM component WHERE id = ?1";
    let read =
        |row: &rusqlite::Row<'_>| Ok(file_name(&row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?.as_deref()));
    let found = state.database.query_one(sql, [id.to_owned()], read).await;
    found.map_err(failed)?.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("There is no component {id:?}.")))
}

fn no_data(id: &str) -> Refusal {
    let message = format!("No data are stored for component {id}; upload them to the location ftrack.server.");
    Refusal(StatusCode::NOT_FOUND, message)
}

fn not_reached(error: StorageError) -> Refusal {
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, format!("The stored data could not be reached: {error}"))
}

fn failed(error: ApiError) -> Refusal {
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.content)
}

/// A browser keeps the answer for this viewer only, and asks whether it changed: a component's data can be replaced.
fn not_shared(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("private, no-cache"));
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, format!("{}\n", self.1)).into_response()
    }
}
