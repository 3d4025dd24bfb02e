//! Errors as the server tells them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What kind of failure it is: the `exception` of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// The user name, key or session cookie is missing or wrong.
    InvalidCredentials,
    /// The caller is known and may not do this.
    Permission,
    /// The request, an attribute or a value is not as it has to be.
    Validation,
    /// An entity with this key is there already.
    DuplicateEntry,
    /// A reference leads nowhere, or something still refers to what is to go.
    Integrity,
    /// The query expression cannot be understood.
    Parse,
    /// The operation is not one this server knows.
    InvalidAction,
    /// The server itself failed.
    Internal,
}

/// A failed request, told as `{"exception", "content", "error_code"}` (JavaScript client, types.ts, ResponseError).
#[derive(Clone, Debug)]
pub struct ApiError {
    /// The kind.
    pub exception: Exception,
    /// What went wrong with what, for people.
    pub content: String,
}

/// The result of everything that can be told to a client.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// An error of this kind with this text.
    pub fn new(exception: Exception, content: impl Into<String>) -> Self {
        Self { exception, content: content.into() }
    }

    /// The request or a value in it is wrong.
    pub fn validation(content: impl Into<String>) -> Self {
        Self::new(Exception::Validation, content)
    }

    /// A reference is broken.
    pub fn integrity(content: impl Into<String>) -> Self {
        Self::new(Exception::Integrity, content)
    }

    /// The JSON object a client gets.
    pub fn to_json(&self) -> Value {
        let code = (self.exception == Exception::InvalidCredentials).then_some("api_credentials_invalid");
        json!({"exception": self.exception.name(), "content": self.content, "error_code": code})
    }

    /// The HTTP status in strict mode; without it the API answers 200 (Python client, session.py, call).
    pub fn status(&self) -> StatusCode {
        match self.exception {
            Exception::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Exception::Permission => StatusCode::FORBIDDEN,
            Exception::Validation => StatusCode::UNPROCESSABLE_ENTITY,
            Exception::DuplicateEntry | Exception::Integrity => StatusCode::CONFLICT,
            Exception::Parse | Exception::InvalidAction => StatusCode::BAD_REQUEST,
            Exception::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Exception {
    /// The class name on the wire. An unknown action has none of its own: clients look at its text.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidCredentials => "InvalidCredentialsError",
            Self::Permission => "PermissionError",
            Self::Validation | Self::InvalidAction => "ValidationError",
            Self::DuplicateEntry => "DuplicateEntryError",
            Self::Integrity => "IntegrityError",
            Self::Parse => "ParseError",
            Self::Internal => "InternalServerError",
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.exception.name(), self.content)
    }
}

impl std::error::Error for ApiError {}

impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(Exception::Internal, format!("The database failed: {error}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status(), Json(self.to_json())).into_response()
    }
}
