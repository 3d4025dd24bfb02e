//! The review page: its files, its content security policy, and the session a viewer gets.
//!
//! The files are part of the program. The page holds no key: it speaks to `/api` like any client, with the session
//! cookie. When remote access is allowed it asks for user and key; otherwise opening it is enough to be the demo user.

use axum::extract::{Json, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use serde::Deserialize;

use crate::auth::{session_cookie, session_token};
use crate::config::DEMO_USER;
use crate::error::{ApiError, ApiResult, Exception};
use crate::state::AppState;

const PAGE: &str = include_str!("../web/index.html");

/// The page's other files: name, media type, content.
const FILES: [(&str, &str, &str); 18] = [
    ("style.css", "text/css; charset=utf-8", include_str!("../web/style.css")),
    ("pages.css", "text/css; charset=utf-8", include_str!("../web/pages.css")),
    ("icon.svg", "image/svg+xml", include_str!("../web/icon.svg")),
    ("app.js", SCRIPT, include_str!("../web/app.js")),
    ("api.js", SCRIPT, include_str!("../web/api.js")),
    ("hub.js", SCRIPT, include_str!("../web/hub.js")),
    ("review.js", SCRIPT, include_str!("../web/review.js")),
    ("versions.js", SCRIPT, include_str!("../web/versions.js")),
    ("media.js", SCRIPT, include_str!("../web/media.js")),
    ("list.js", SCRIPT, include_str!("../web/list.js")),
    ("player.js", SCRIPT, include_str!("../web/player.js")),
    ("movie.js", SCRIPT, include_str!("../web/movie.js")),
    ("still.js", SCRIPT, include_str!("../web/still.js")),
    ("pdf.js", SCRIPT, include_str!("../web/pdf.js")),
    ("parts.js", SCRIPT, include_str!("../web/parts.js")),
    ("attachments.js", SCRIPT, include_str!("../web/attachments.js")),
    ("sessions.js", SCRIPT, include_str!("../web/sessions.js")),
    ("dom.js", SCRIPT, include_str!("../web/dom.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Nothing but this server's own files, media and API; nothing inline; not inside another page. Media may come from
/// the object store as well, and files for notes go there.
fn policy(store: Option<&str>) -> HeaderValue {
    let store = store.map(|origin| format!(" {origin}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{store}; media-src 'self'{store}; \
         frame-src 'self'{store}; connect-src 'self'{store}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    // An origin is ASCII, so this does not fail; if it did, pages would be allowed nothing.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The routes of the page.
pub fn routes(state: AppState) -> Router {
    Router::new()
        .route("/", get(page))
        // The page reads the version's id from its own address.
        .route("/player/version/{id}", get(page))
        .route("/web/{file}", get(file))
        .route("/session", post(sign_in).delete(sign_out))
        .layer(middleware::map_response_with_state(policy(state.storage.origin()), guard))
        .with_state(state)
}

/// What a person signs in with.
#[derive(Deserialize)]
struct Credentials {
    user: String,
    key: String,
}

async fn page(State(state): State<AppState>, headers: HeaderMap) -> ApiResult<Response> {
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response();
    if let Some(cookie) = demo_session(&state, &headers).await? {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, _, _)| *known == name) {
        Some((_, content_type, content)) => ([(header::CONTENT_TYPE, *content_type)], *content).into_response(),
        None => (StatusCode::NOT_FOUND, format!("The page has no file {name:?}.\n")).into_response(),
    }
}

async fn sign_in(State(state): State<AppState>, Json(given): Json<Credentials>) -> ApiResult<Response> {
    let caller = state.auth.user_by_key(&given.user, &given.key).await?.ok_or_else(|| {
        let message = format!("The API key is not valid for the user {:?}.", given.user);
        ApiError::new(Exception::InvalidCredentials, message)
    })?;
    let cookie = session_cookie(&state.auth.issue(&caller));
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

async fn sign_out(State(state): State<AppState>, headers: HeaderMap) -> StatusCode {
    if let Some(token) = session_token(&headers) {
        state.auth.revoke(token);
    }
    StatusCode::NO_CONTENT
}

/// A cookie for the demo user, for a viewer on this very machine who has no session yet.
async fn demo_session(state: &AppState, headers: &HeaderMap) -> ApiResult<Option<HeaderValue>> {
    if state.config.allow_remote || !names_loopback(headers) {
        return Ok(None);
    }
    if let Some(token) = session_token(headers)
        && state.auth.user_of(token).await?.is_some()
    {
        return Ok(None);
    }
    let Some(account) = state.config.accounts.iter().find(|account| account.username == DEMO_USER) else {
        return Ok(None);
    };
    let caller = state.auth.user_by_key(&account.username, &account.key).await?;
    let cookie = caller.map(|caller| session_cookie(&state.auth.issue(&caller)));
    Ok(cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()))
}

/// Whether the page was asked for under a loopback name. A foreign site whose name was pointed at 127.0.0.1 is not
/// given a session.
fn names_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let parsed = url::Url::parse(&format!("http://{host}/"));
    match parsed.as_ref().ok().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

async fn guard(State(policy): State<HeaderValue>, mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
