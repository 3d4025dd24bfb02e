//! Requests to the store: signing, sending, and what it says when it refuses.

use std::error::Error;
use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use rusty_s3::signing::sign;
use rusty_s3::{Bucket, Credentials, Method};
use url::Url;

use super::config::ObjectStoreConfig;
use crate::storage::error::StorageError;
use crate::storage::limits::{LONGEST_ADDRESS, STORE_CONNECT, STORE_REQUEST, STORE_RETRIES, STORE_SILENCE};

/// The bucket, the keys and the connections to the store.
pub(super) struct Requests {
    bucket: Bucket,
    credentials: Credentials,
    shown: String,
    client: reqwest::Client,
}

/// What is asked of the store. Names in `query` and `headers` are sorted, and those of headers are lower case.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    /// `None` is the bucket itself.
    pub(super) key: Option<&'a str>,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: Option<&'a str>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(method: Method, key: &'a str) -> Asked<'a> {
        Asked { method, key: Some(key), query: &[], headers: &[], body: None }
    }

    pub(super) fn of_bucket(method: Method) -> Asked<'a> {
        Asked { method, key: None, query: &[], headers: &[], body: None }
    }
}

impl Requests {
    pub(super) fn new(config: &ObjectStoreConfig) -> Result<Requests, String> {
        // reqwest is built without a provider of cryptography. That it fails means that the process has one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(STORE_CONNECT)
            .read_timeout(STORE_SILENCE)
            .build()
            .map_err(|error| format!("No client of the object store could be made: {}.", chain(&error)))?;
        let (bucket, credentials) = (config.bucket()?, config.credentials.clone());
        Ok(Requests { bucket, credentials, shown: config.shown(), client })
    }

    /// The bucket's own address.
    pub(super) fn bucket_url(&self) -> &Url {
        self.bucket.base_url()
    }

    /// An object's address without a permission.
    pub(super) fn unsigned(&self, key: &str) -> Url {
        self.bucket.object_url(key)
    }

    /// An address that is the permission for this one request.
    pub(super) fn presign(&self, asked: Asked<'_>, lifetime: Duration) -> Url {
        let url = asked.key.map_or_else(|| self.bucket.base_url().clone(), |key| self.bucket.object_url(key));
        // S3 takes 1 s to 7 days.
        let seconds = lifetime.as_secs().clamp(1, LONGEST_ADDRESS.as_secs());
        let (credentials, region) = (&self.credentials, self.bucket.region());
        let (key, secret, token) = (credentials.key(), credentials.secret(), credentials.token());
        let (query, headers) = (asked.query.iter().copied(), asked.headers.iter().copied());
        sign(&Timestamp::now(), asked.method, url, key, secret, token, region, seconds, query, headers)
    }

    /// Asks, and asks again when the store is out of order. For requests that may be made twice.
    pub(super) async fn send(&self, asked: Asked<'_>) -> Result<String, StorageError> {
        let mut pauses = STORE_RETRIES.iter();
        loop {
            match (self.send_once(asked).await, pauses.next()) {
                (Err(error), Some(pause)) if error.status().is_server_error() => tokio::time::sleep(*pause).await,
                (answer, _) => return answer,
            }
        }
    }

    /// Asks once; the body of the answer.
    pub(super) async fn send_once(&self, asked: Asked<'_>) -> Result<String, StorageError> {
        // An empty body too: some stores want its length.
        let body = asked.body.unwrap_or_default().to_owned();
        let response = self.start(asked, body.into()).await?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.unreachable(error))?;
        // An upload that cannot be completed may be told below a status that was sent long before.
        if status.is_success() && !text.contains("<Error>") {
            return Ok(text);
        }
        Err(self.refused(status, &text))
    }

    /// Asks once for what is too large to be held; the answer's body is still to come.
    pub(super) async fn open(&self, asked: Asked<'_>, body: reqwest::Body) -> Result<reqwest::Response, StorageError> {
        let response = self.start(asked, body).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.map_err(|error| self.unreachable(error))?;
        Err(self.refused(status, &text))
    }

    async fn start(&self, asked: Asked<'_>, body: reqwest::Body) -> Result<reqwest::Response, StorageError> {
        let method = match asked.method {
            Method::Head => reqwest::Method::HEAD,
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.client.request(method, self.presign(asked, STORE_REQUEST));
        for (name, value) in asked.headers {
            request = request.header(*name, *value);
        }
        request.body(body).send().await.map_err(|error| self.unreachable(error))
    }

    /// What the store said, without the keys should it have repeated them.
    fn refused(&self, status: StatusCode, text: &str) -> StorageError {
        let status = if status.is_success() { StatusCode::INTERNAL_SERVER_ERROR } else { status };
        let code = element(text, "Code").unwrap_or_else(|| usual_code(status).to_owned());
        let mut said = element(text, "Message").unwrap_or_else(|| format!("HTTP status {status}, without a reason"));
        said.truncate(said.trim_end_matches('.').len());
        for secret in [self.credentials.secret(), self.credentials.key()].into_iter().filter(|text| !text.is_empty()) {
            said = said.replace(secret, "***");
        }
        StorageError::refused(status, code, format!("the object store at {} says: {said}", self.shown))
    }

    pub(super) fn unreachable(&self, error: reqwest::Error) -> StorageError {
        // Without the address: its query is a permission.
        let message = format!("the object store at {} cannot be reached: {}", self.shown, chain(&error.without_url()));
        StorageError::refused(StatusCode::BAD_GATEWAY, UNREACHABLE, message)
    }
}

/// The code of an error that is no answer of the store.
pub(super) const UNREACHABLE: &str = "StoreUnreachable";

/// The text of the first element of this name. Answers of stores differ in their namespaces, and three names are all
/// that is ever read of them.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'").replace("&apos;", "'");
    Some(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

/// The code for an answer without a body, as one to HEAD is.
fn usual_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        403 => "AccessDenied",
        404 => "NoSuchKey",
        300..=399 => "PermanentRedirect",
        500..=599 => "InternalError",
        _ => "InvalidRequest",
    }
}

/// An error with its causes; the first one of reqwest says only that there is one.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::element;

    #[test]
    fn what_a_store_says_is_found_with_and_without_a_namespace() {
        let xml = "<?xml version=\"1.0\"?><InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                   <Key>a</Key><UploadId>a&amp;b&quot;</UploadId></InitiateMultipartUploadResult>";
        assert_eq!(element(xml, "UploadId").as_deref(), Some("a&b\""));
        assert_eq!(element("<Error><Code>NoSuchKey</Code></Error>", "Code").as_deref(), Some("NoSuchKey"));
        assert_eq!(element("<html>502</html>", "Code"), None);
    }
}
