//! Where an upload goes, and what may go there. User and key go to the server's own origin and to no other, whatever the
//! host, the address or the caller's headers say.

use crate::ftrack::Client;
use crate::session::log::Log;
use crate::session::secret::show_url;
use crate::session::{Code, Error, Result};
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

/// An address that an upload may go to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address.
    pub url: Url,
    /// Whether the session's user and key go with it.
    pub authenticated: bool,
}

/// Headers that are the request's own, or the session's.
const OURS: [&str; 11] = [
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "expect",
    "host",
    "te",
    "upgrade",
    "ftrack-user",
    "ftrack-api-key",
];

impl Endpoint {
    /// The address that `text` means: a path below the server's URL, or a whole URL.
    pub fn parse(text: &str, authenticated: bool, client: &Client, log: &Log) -> Result<Endpoint> {
        let wrong = |why: &str| {
            let remedy = "give a path of the server, such as /studio/review, or a whole URL";
            Error::new(Code::InvalidArgument, format!("endpoint: {why}: {remedy}"))
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(wrong("is empty"));
        }
        if holds_secret(text, log) {
            return Err(wrong("holds the API key, which goes into a header by itself"));
        }
        let is_path = text.starts_with('/') && !text.starts_with("//");
        let parsed = if is_path { client.below(text) } else { Url::parse(text) };
        let mut url = parsed.map_err(|error| wrong(&format!("is no address ({error})")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("does not begin with a slash, http:// or https://"));
        }
        if shows_secret(&url, log) {
            return Err(wrong("holds the API key, which goes into a header by itself"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has a user or password in it"));
        }
        url.set_fragment(None);
        if authenticated && url.origin() != client.server_url().origin() {
            let error = client.foreign(&url);
            let remedy = "send without them (FTR_HTTP_UPLOAD_NO_AUTH), or give an address of the server";
            return Err(Error { message: format!("endpoint: {}: {remedy}", error.message), ..error });
        }
        Ok(Endpoint { url, authenticated })
    }

    /// As it may be shown.
    pub fn shown(&self) -> String {
        show_url(&self.url)
    }

    /// Refuses text that would carry the key to where it must not go.
    pub fn check_secret(&self, argument: &str, text: &str, log: &Log) -> Result<()> {
        if self.authenticated || !holds_secret(text, log) {
            return Ok(());
        }
        let message =
            format!("{argument}: hold the API key or another secret of the session, which goes to no other server");
        Err(Error::new(Code::ForeignOrigin, message))
    }

    /// The headers of the request, but for its length.
    pub async fn headers(&self, client: &Client, content_type: &str, more: &HeaderMap) -> Result<HeaderMap> {
        let mut headers = match self.authenticated {
            true => client.headers_to(&self.url).await?,
            false => HeaderMap::from_iter([(
                USER_AGENT,
                HeaderValue::from_static(concat!("ftreview/", env!("CARGO_PKG_VERSION"))),
            )]),
        };
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/plain;q=0.9, */*;q=0.8"));
        let content_type = HeaderValue::from_str(content_type).map_err(|_| {
            let message = "a defect in the library made a form whose kind cannot be told: please report it";
            Error::new(Code::Internal, message)
        })?;
        headers.insert(CONTENT_TYPE, content_type);
        for (name, value) in more {
            match name {
                // One line of cookies: theirs after the session's.
                name if name == COOKIE && headers.contains_key(COOKIE) => {
                    let own = headers.get(COOKIE).map(HeaderValue::as_bytes).unwrap_or_default();
                    let both = [own, b"; ", value.as_bytes()].concat();
                    if let Ok(mut both) = HeaderValue::from_bytes(&both) {
                        both.set_sensitive(true);
                        headers.insert(COOKIE, both);
                    }
                }
                name => {
                    headers.insert(name, value.clone());
                }
            }
        }
        Ok(headers)
    }
}

/// Headers from their names and values, as a host gave them.
pub fn more_headers(pairs: &[(String, String)]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let wrong = |why: &str| Error::new(Code::InvalidArgument, format!("headers: {name:?} {why}"));
        if OURS.contains(&name.to_lowercase().as_str()) {
            return Err(wrong("is set by the library: leave it out"));
        }
        let name = HeaderName::try_from(name).map_err(|_| wrong("is no name of a header: correct or remove it"))?;
        let mut value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| wrong("has a value with characters that no header may have: correct or remove it"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Whether an address has a secret of the session in it, as it stands there or as it is meant.
pub fn shows_secret(url: &Url, log: &Log) -> bool {
    let pairs = url.query_pairs();
    holds_secret(url.as_str(), log)
        || pairs.into_iter().any(|(name, value)| holds_secret(&name, log) || holds_secret(&value, log))
}

/// Whether the session's redactor would hide something of it.
fn holds_secret(text: &str, log: &Log) -> bool {
    log.redactor().clean(text) != text
}
