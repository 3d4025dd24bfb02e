//! What is asked of the server beside its API, in the same way: the same connections, certificates, proxies, headers and
//! cookies. The event hub stands on this.
//!
//! A plain http server behind an http proxy is asked through the proxy as every other request is, and not every proxy lets a
//! change of protocol through; https goes through a tunnel, which carries anything.

use super::answer::Question;
use super::client::Client;
use super::http::{self, Unread};
use super::quote;
use crate::session::secret::show_url;
use crate::session::{Code, Error, Result, policy};
use reqwest::header::{CONNECTION, COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE, UPGRADE};
use reqwest::{Response, StatusCode, Upgraded};
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::Url;

/// A short text that the server answered with.
pub struct Text {
    /// The whole of it.
    pub text: String,
    /// The cookies that came with it, to be sent back: a balancer knows by them which of its servers it was.
    pub cookies: Vec<String>,
}

impl Client {
    /// Gets a short text. A refusal is the error that it would be for an API request, also where its status is 200.
    pub async fn get_text(&self, path: &str) -> Result<Text> {
        let url = self.address(path);
        let answer = self.get(&url, &url, HeaderMap::new(), self.inner.config.timeout).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = self.body(answer, &url).await?;
        if !status.is_success() || body.trim_start().starts_with('{') {
            return Err(self.refusal(&url, status, &headers, body.as_bytes()));
        }
        let cookie = |value: &HeaderValue| Some(value.to_str().ok()?.split(';').next()?.trim().to_owned());
        let cookies = headers.get_all(SET_COOKIE).iter().filter_map(cookie).collect();
        Ok(Text { text: body, cookies })
    }

    /// Makes a WebSocket of a connection to the path (RFC 6455, 4.1), with these cookies besides. `place` is the last part of
    /// the path and stands in no message: who has it has what the session may do on the hub.
    pub async fn open_web_socket(
        &self,
        path: &str,
        place: &str,
        cookies: &[String],
        patience: Duration,
    ) -> Result<Upgraded> {
        let url = self.address(path);
        let key = generate_key();
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(HeaderName::from_static("sec-websocket-version"), HeaderValue::from_static("13"));
        headers.insert(HeaderName::from_static("sec-websocket-key"), word(&key)?);
        let own = self.ready().await?.headers.get(COOKIE).and_then(|value| value.to_str().ok());
        let all: Vec<&str> = own.into_iter().chain(cookies.iter().map(String::as_str)).collect();
        if !all.is_empty() {
            headers.insert(COOKIE, word(&all.join("; "))?);
        }
        let answer = self.get(&self.address(&format!("{path}/{place}")), &url, headers, patience).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = self.body(answer, &url).await?;
            return Err(match status.is_success() {
                true => self.no_web_socket(&url, &format!("it answered with {status}")),
                false => self.refusal(&url, status, &headers, body.as_bytes()),
            });
        }
        let accepted = answer.headers().get("sec-websocket-accept").and_then(|value| value.to_str().ok());
        if accepted.map(str::trim) != Some(derive_accept_key(key.as_bytes()).as_str()) {
            return Err(self.no_web_socket(&url, "its answer does not fit the question"));
        }
        let ready = self.ready().await?;
        answer.upgrade().await.map_err(|error| ready.http.fault(&error, &url))
    }

    /// The headers of the session for a request to this address, which must be the server's own: user and key go to no other
    /// origin. Those for JSON are among them.
    pub async fn headers_to(&self, url: &Url) -> Result<HeaderMap> {
        if url.origin() != self.server_url().origin() {
            return Err(self.foreign(url));
        }
        Ok(self.ready().await?.headers.clone())
    }

    /// The error for an address of another origin than the server's.
    pub fn foreign(&self, url: &Url) -> Error {
        let (other, own) = (url.origin().ascii_serialization(), self.server_url().origin().ascii_serialization());
        let message = format!("{other} is not the ftrack server, which is {own}, and the user and key go to no other");
        Error::new(Code::ForeignOrigin, message)
    }

    /// The address below the server's own, with its query; `path` begins with a slash.
    pub fn below(&self, path: &str) -> Result<Url, url::ParseError> {
        Url::parse(&format!("{}{path}", self.server_url().as_str().trim_end_matches('/')))
    }

    /// The API user's name.
    pub fn user(&self) -> &str {
        &self.inner.config.api_user
    }

    /// What marks this session's own changes in events.
    pub fn token(&self) -> &str {
        &self.inner.config.client_token
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.server_url().clone();
        url.set_path(&format!("{}/{path}", self.server_url().path().trim_end_matches('/')));
        url
    }

    /// Asks; errors name the second URL.
    async fn get(&self, asked: &Url, url: &Url, more: HeaderMap, patience: Duration) -> Result<Response> {
        let ready = self.ready().await?;
        let mut headers = ready.headers.clone();
        headers.extend(more);
        let asked = ready.http.client().get(asked.clone()).headers(headers).send();
        let answer = match tokio::time::timeout(patience, asked).await {
            Ok(answer) => answer.map_err(|error| ready.http.fault(&error, url))?,
            Err(_) => return Err(silent(url, patience)),
        };
        match answer.status().as_u16() {
            407 => Err(ready.http.proxy_refusal(url)),
            _ => Ok(answer),
        }
    }

    async fn body(&self, answer: Response, url: &Url) -> Result<String> {
        let patience = self.inner.config.timeout;
        let read = http::read_body(answer, policy::HANDSHAKE_LIMIT);
        match tokio::time::timeout(patience, read).await {
            Ok(Ok(body)) => Ok(String::from_utf8_lossy(&body).into_owned()),
            Ok(Err(Unread::Broken(error))) => Err(self.ready().await?.http.fault(&error, url)),
            Ok(Err(Unread::TooLarge)) => {
                Err(self.no_hub(url, "it sent far more than the few words that were asked for"))
            }
            Err(_) => Err(silent(url, patience)),
        }
    }

    /// What an answer that is no good says, read as answers of the API are.
    fn refusal(&self, url: &Url, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        let config = &self.inner.config;
        let redactor = self.inner.log.redactor();
        let question = Question { url, api_user: &config.api_user, operations: &[], redactor };
        let error = match question.read(status, headers, body) {
            Err(error) => error,
            Ok(_) => self.no_hub(url, &format!("it said {:?}", quote::page(body, redactor))),
        };
        // A server without an event hub has no such page.
        match status {
            StatusCode::NOT_FOUND => self.no_hub(url, "there is no such page").with_http_status(404),
            _ => error,
        }
    }

    /// The error for a server that has no event hub.
    pub fn no_hub(&self, url: &Url, why: &str) -> Error {
        let url = show_url(url);
        let remedy = "check the server URL, and whether a proxy on the way answers in its place";
        Error::new(Code::WrongServer, format!("{url} is no event hub of an ftrack server, {why}: {remedy}"))
    }

    fn no_web_socket(&self, url: &Url, why: &str) -> Error {
        let url = show_url(url);
        let remedy = "a proxy on the way may not let WebSockets through: ask its administrator";
        Error::new(Code::WrongServer, format!("{url} does not open a WebSocket, {why}: {remedy}"))
    }
}

fn silent(url: &Url, patience: Duration) -> Error {
    let (url, seconds) = (show_url(url), patience.as_secs_f32());
    let message = format!("{url} did not answer within {seconds} s: check whether the server is well");
    Error::new(Code::NetworkTimeout, message)
}

fn word(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        let message =
            "the server set a cookie with characters that HTTP does not allow: report it to its administrator";
        Error::new(Code::MalformedAnswer, message)
    })?;
    value.set_sensitive(true);
    Ok(value)
}
