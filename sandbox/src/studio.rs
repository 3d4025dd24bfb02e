//! `POST /studio/review`: an example of what studios have for review pages of their own, beside ftrack, to test clients with.
//!
//! It takes `multipart/form-data` with form fields and one file from callers with ftrack's headers, and answers what it got.
//! The file is streamed to disk, and gone when the answer is sent. The query string makes it misbehave: see [`Wanted`].

use std::path::PathBuf;
use std::time::Duration;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{ApiError, ApiResult, Exception};
use crate::state::AppState;
use crate::storage::{Received, discard, receive};

/// What one request may have.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the file. Enough for a feature film as it is reviewed.
    pub file_bytes: u64,
    /// Form fields beside the file.
    pub fields: usize,
    /// Bytes of all of them together: they are held in memory.
    pub field_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 64 << 30, fields: 100, field_bytes: 1 << 20 }
    }
}

/// How the answer is to be, for testing clients. It is given once the body has been read, but for 401, which a real
/// endpoint says at once.
#[derive(Deserialize)]
struct Wanted {
    /// Seconds to wait before it.
    #[serde(default)]
    delay: f64,
    /// A status other than 200.
    status: Option<u16>,
    /// `html`: a page, as proxies answer, and not JSON.
    answer: Option<String>,
}

/// The longest that an answer is put off, in seconds. A client has given up by then.
const LONGEST_DELAY: f64 = 3600.0;

/// What came in a form.
#[derive(Default)]
struct Form {
    fields: Map<String, Value>,
    field_count: usize,
    field_bytes: usize,
    file: Option<Value>,
}

/// The route.
pub fn routes(state: AppState) -> Router {
    let limit = DefaultBodyLimit::disable();
    Router::new().route("/studio/review", post(review)).layer(limit).with_state(state)
}

async fn review(State(state): State<AppState>, Query(wanted): Query<Wanted>, request: Request) -> Response {
    let headers = request.headers().clone();
    let caller = match state.auth.authenticate(&headers).await {
        Ok(_) if wanted.status == Some(401) => {
            Err(ApiError::new(Exception::InvalidCredentials, "The studio's endpoint was asked to refuse everybody."))
        }
        other => other,
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(error) => return refuse(&headers, request, error).await,
    };
    let form = match read(&state, request).await {
        Ok(form) => form,
        Err(error) => return error.into_response(),
    };
    let delay = if wanted.delay.is_finite() { wanted.delay.clamp(0.0, LONGEST_DELAY) } else { 0.0 };
    tokio::time::sleep(Duration::from_secs_f64(delay)).await;
    let status = wanted.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    if wanted.answer.as_deref() == Some("html") {
        let page = format!("<!doctype html>\n<title>{status}</title>\n<h1>{status}</h1>\n");
        return (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response();
    }
    if !status.is_success() {
        let message = format!("The studio's endpoint was asked to answer {}.", status.as_u16());
        return (status, Json(ApiError::new(Exception::Internal, message).to_json())).into_response();
    }
    let answer = json!({"user": caller.username, "fields": form.fields, "file": form.file});
    (status, Json(answer)).into_response()
}

/// Who asked first whether to send (`Expect: 100-continue`) has sent nothing; others are listened to for a while, so that
/// they get to the answer.
async fn refuse(headers: &HeaderMap, request: Request, error: ApiError) -> Response {
    if !headers.contains_key(header::EXPECT) {
        discard(request.into_body()).await;
    }
    error.into_response()
}

async fn read(state: &AppState, request: Request) -> Result<Form, Response> {
    let mut parts = Multipart::from_request(request, state).await.map_err(|rejection| {
        let message = format!("The body has to be multipart/form-data with a boundary: {}", rejection.body_text());
        ApiError::validation(message).into_response()
    })?;
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        if part.file_name().is_some() {
            form.take_file(state, part).await?;
        } else {
            form.take_field(&state.config.studio, part).await?;
        }
    }
    if form.file.is_none() {
        return Err(ApiError::validation("The form has no file: one part needs a file name.").into_response());
    }
    Ok(form)
}

impl Form {
    async fn take_field(&mut self, limits: &Limits, mut part: Field<'_>) -> Result<(), Response> {
        let name = part.name().unwrap_or_default().to_owned();
        self.field_count += 1;
        let mut bytes = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(broken)? {
            self.field_bytes += chunk.len();
            if self.field_bytes > limits.field_bytes {
                return Err(too_large(format!("The form's fields have more than {} bytes.", limits.field_bytes)));
            }
            bytes.extend_from_slice(&chunk);
        }
        if self.field_count > limits.fields {
            return Err(too_large(format!("The form has more than {} fields.", limits.fields)));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| ApiError::validation(format!("The field {name:?} is not UTF-8.")).into_response())?;
        match self.fields.get_mut(&name) {
            None => drop(self.fields.insert(name, json!(text))),
            // Given more than once: a list, in order.
            Some(Value::Array(all)) => all.push(json!(text)),
            Some(one) => *one = json!([one.take(), text]),
        }
        Ok(())
    }

    async fn take_file(&mut self, state: &AppState, part: Field<'_>) -> Result<(), Response> {
        if self.file.is_some() {
            return Err(ApiError::validation("The form has more than one file.").into_response());
        }
        let described = json!({"field": part.name(), "name": part.file_name(), "content_type": part.content_type()});
        let folder = folder(state).map_err(IntoResponse::into_response)?;
        let (limit, mut size) = (state.config.studio.file_bytes, 0);
        let counted = part.map(|chunk| {
            let chunk = chunk.map_err(|error| error.body_text())?;
            size += chunk.len() as u64;
            if size > limit { Err(String::new()) } else { Ok(chunk) }
        });
        let received = receive(Box::pin(counted), folder).await;
        if size > limit {
            return Err(too_large(format!("The file has more than {limit} bytes.")));
        }
        let Received { size, md5, .. } =
            received.map_err(|error| ApiError::validation(error.message().to_owned()).into_response())?;
        let mut file = described;
        file["size"] = json!(size);
        file["md5"] = json!(hex::encode(md5));
        self.file = Some(file);
        Ok(())
    }
}

/// Where files are received.
fn folder(state: &AppState) -> ApiResult<PathBuf> {
    let folder = state.config.data.join("studio");
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|error| ApiError::new(Exception::Internal, format!("The folder for files cannot be used: {error}.")))?;
    Ok(folder)
}

/// A form that breaks off, or is none.
fn broken(error: MultipartError) -> Response {
    ApiError::validation(format!("The form cannot be read: {}", error.body_text())).into_response()
}

fn too_large(message: String) -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, Json(ApiError::validation(message).to_json())).into_response()
}
