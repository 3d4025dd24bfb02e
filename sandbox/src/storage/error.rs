//! Why the store refused, in S3's words.

use std::borrow::Cow;
use std::fmt;
use std::io;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A refusal: S3's error code, the HTTP status that goes with it, and a message that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageError {
    code: Cow<'static, str>,
    status: StatusCode,
    message: String,
}

impl StorageError {
    /// S3's name of the error, such as `NoSuchUpload`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The HTTP status S3 answers it with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, with which value, and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        StorageError { code: Cow::Borrowed(code), status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        StorageError { code: Cow::Borrowed(code), status: StatusCode::FORBIDDEN, message: message.into() }
    }

    pub(super) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        StorageError { code: Cow::Borrowed(code), status: StatusCode::NOT_FOUND, message: message.into() }
    }

    /// What another store refused, in its own words.
    pub(super) fn refused(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        StorageError { code: code.into(), status, message: message.into() }
    }

    pub(super) fn length_required() -> Self {
        StorageError {
            code: Cow::Borrowed("MissingContentLength"),
            status: StatusCode::LENGTH_REQUIRED,
            message: "the request has no Content-Length header; send it, and no chunked body".to_owned(),
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for StorageError {}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        StorageError {
            code: Cow::Borrowed("InternalError"),
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: format!("the storage folder could not be used: {error}"),
        }
    }
}

impl IntoResponse for StorageError {
    fn into_response(self) -> Response {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>\n",
            self.code,
            escape(&self.message)
        );
        (self.status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
    }
}

/// Text as it stands in XML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
