//! Answering with a stored file: ranges, conditions, and a content type a browser may trust.

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower_http::services::ServeFile;

use crate::storage::headers::reading_disposition;
use crate::storage::limits::READ_BLOCK;

/// A stored file and the ETag (quoted) of its content.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) etag: String,
}

/// What the file is to be taken for.
pub(crate) struct Shown<'a> {
    pub(crate) content_type: &'a str,
    pub(crate) file_name: &'a str,
}

/// Answers GET and HEAD with the file, whole or the range that was asked for.
pub(crate) async fn serve(file: &File, shown: &Shown<'_>, mut request: Request) -> Response {
    if none_match(request.headers(), &file.etag) {
        return with_headers(StatusCode::NOT_MODIFIED.into_response(), file, shown);
    }
    if !range_applies(request.headers(), &file.etag) {
        request.headers_mut().remove(header::RANGE);
    }
    // The file's time says nothing that the ETag does not say better.
    for name in [header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE] {
        request.headers_mut().remove(name);
    }
    match ServeFile::new(&file.path).with_buf_chunk_size(READ_BLOCK).try_call(request).await {
        Ok(response) => with_headers(response.map(Body::new), file, shown),
        Err(error) => {
            let message = format!("the stored file could not be read: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
        }
    }
}

fn with_headers(mut response: Response, file: &File, shown: &Shown<'_>) -> Response {
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, shown.content_type);
    set(header::CONTENT_DISPOSITION, &reading_disposition(shown.content_type, shown.file_name));
    set(header::ETAG, &file.etag);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

fn none_match(headers: &HeaderMap, etag: &str) -> bool {
    let Some(listed) = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()) else { return false };
    listed.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

/// A range is only served of the content it was asked of (RFC 9110, 13.1.5), and only a single one: an answer may
/// always be the whole file, which is simpler than a multi-part body that no player asks for.
fn range_applies(headers: &HeaderMap, etag: &str) -> bool {
    let several = headers.get(header::RANGE).is_some_and(|value| value.as_bytes().contains(&b','));
    let other = headers.get(header::IF_RANGE).is_some_and(|value| value.as_bytes() != etag.as_bytes());
    !several && !other
}
