//! One request that brings bytes of a component: the whole, or what is missing of it (Range, If-Range). Nothing of the session
//! goes along but what the caller gives for the first address, and that goes to its origin only.

use super::buffers::Buffer;
use super::landing::{Content, Landing};
use super::progress::Progress;
use super::storage;
use super::target::Address;
use super::traffic::{Traffic, Verify};
use crate::ftrack::http::read_body;
use crate::ftrack::{Http, quote, retry};
use crate::session::blocking::joined;
use crate::session::gate::Gate;
use crate::session::secret::{Redactor, show_url};
use crate::session::{Code, Error, Result, policy};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE, USER_AGENT,
};
use reqwest::{Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use url::Url;

/// A component on its way to the disk.
pub struct Fetch<'a> {
    /// The connections.
    pub http: Http,
    /// Where it is.
    pub address: Address,
    /// For that address, and for none to which it leads.
    pub headers: HeaderMap,
    /// Where it goes.
    pub landing: &'a Arc<Landing>,
    /// How many bytes it should have, where the server knows.
    pub size: Option<u64>,
    /// What it shares with the uploads of the session: memory, and times.
    pub traffic: &'a Traffic,
    /// Closed while the job is paused.
    pub gate: &'a Gate,
    /// What is told to the host meanwhile.
    pub progress: &'a Progress,
    /// Takes secrets out of others' words.
    pub redactor: &'a Redactor,
}

/// How a request ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// All bytes are there.
    Whole,
    /// The job was paused for so long that the connection was given up.
    Paused,
}

/// Blocks on their way to the disk, one while the next is being filled.
struct Writer<'a> {
    fetch: &'a Fetch<'a>,
    filling: Option<(Buffer, usize)>,
    writing: Option<JoinHandle<Result<()>>>,
}

impl Fetch<'_> {
    /// Asks for what is missing, and puts it on the disk. What came before a failure stays there.
    pub async fn run(&self) -> Result<Fetched> {
        let _blocks = self.traffic.buffers.in_use();
        let (content, written) = (self.landing.content(), self.landing.written());
        if written > 0 && content.size == Some(written) {
            self.progress.begin(written, written);
            return Ok(Fetched::Whole);
        }
        let (answer, url) = self.ask(&content, written).await?;
        let whole = match answer.status() {
            StatusCode::PARTIAL_CONTENT if is_rest(&answer, &content, written) => content.size,
            StatusCode::OK => self.begin(&answer, &url).await?,
            // The next try begins anew.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if written > 0 => {
                self.start_over(Content::default()).await?;
                let place = show_url(&url);
                let message = format!("{place} did not send the rest that it was asked for: {AGAIN}");
                return Err(Error::new(Code::StorageUnavailable, message));
            }
            _ => return Err(self.refused(answer, &url).await),
        };
        self.progress.begin(whole.unwrap_or(0), self.landing.written());
        self.take(answer, &url).await
    }

    /// Follows where the address leads, with nothing of the session.
    async fn ask(&self, content: &Content, written: u64) -> Result<(Response, Url)> {
        let mut url = self.address.url().clone();
        let mut headers = self.headers.clone();
        for _ in 0..=policy::REDIRECTS {
            headers.insert(USER_AGENT, HeaderValue::from_static(concat!("ftreview/", env!("CARGO_PKG_VERSION"))));
            // Ranges are of what is stored.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let validator = content.validator.as_deref().and_then(|validator| HeaderValue::from_str(validator).ok());
            if let Some(validator) = validator.filter(|_| written > 0) {
                headers.insert(IF_RANGE, validator);
                if let Ok(range) = HeaderValue::from_str(&format!("bytes={written}-")) {
                    headers.insert(RANGE, range);
                }
            }
            let idle = self.traffic.limits.idle_timeout;
            let asked = self.http.client().get(url.clone()).headers(headers).send();
            let answer = match timeout(idle, asked).await {
                Ok(answer) => answer.map_err(|error| self.fault(&error, &url))?,
                Err(_) => return Err(silent(&url, idle)),
            };
            if !answer.status().is_redirection() {
                return Ok((answer, url));
            }
            let target = answer.headers().get(LOCATION).and_then(|target| url.join(target.to_str().ok()?).ok());
            let Some(target) = target.filter(|target| matches!(target.scheme(), "http" | "https")) else {
                return Err(self.refused(answer, &url).await);
            };
            url = target;
            headers = HeaderMap::new();
        }
        let place = show_url(&url);
        let message = format!("the address of the component leads from one to another, at last to {place}: {ASK}");
        Err(Error::new(Code::StorageRefused, message))
    }

    /// The whole is coming: what was there before is of no use. Its size, where it is known.
    async fn begin(&self, answer: &Response, url: &Url) -> Result<Option<u64>> {
        let size = answer.content_length().or(self.size);
        self.check_size(size, url)?;
        let md5 = md5_of(answer.headers()).filter(|_| self.traffic.verify() != Verify::Off);
        let content = Content { validator: validator(answer.headers()), size, md5 };
        self.start_over(content).await?;
        Ok(size)
    }

    async fn start_over(&self, content: Content) -> Result<()> {
        let landing = self.landing.clone();
        joined(spawn_blocking(move || landing.begin(content))).await
    }

    fn check_size(&self, size: Option<u64>, url: &Url) -> Result<()> {
        match (size, self.size) {
            (Some(held), Some(wanted)) if held != wanted => {
                let place = show_url(url);
                let message = format!(
                    "the storage holds {held} bytes at {place}, and the component has {wanted}: it was not uploaded whole, or \
                     replaced; publish it again, or {ASK}"
                );
                Err(Error::new(Code::StorageMismatch, message))
            }
            _ => Ok(()),
        }
    }

    async fn take(&self, mut answer: Response, url: &Url) -> Result<Fetched> {
        let idle = self.traffic.limits.idle_timeout;
        let mut writer = Writer { fetch: self, filling: None, writing: None };
        let ended = loop {
            if self.gate.is_closed() {
                writer.write().await?;
                tokio::select! {
                    () = self.gate.opened() => {}
                    () = tokio::time::sleep(self.traffic.limits.pause_hold) => break Ok(Fetched::Paused),
                }
            }
            let chunk = tokio::select! {
                chunk = timeout(idle, answer.chunk()) => chunk,
                () = self.gate.closed() => continue,
            };
            match chunk {
                Ok(Ok(Some(chunk))) => writer.add(&chunk).await?,
                Ok(Ok(None)) => break Ok(Fetched::Whole),
                Ok(Err(error)) => break Err(self.fault(&error, url)),
                Err(_) => break Err(silent(url, idle)),
            }
        };
        // Also what came before a failure: it need not come again.
        writer.write().await?;
        writer.written().await?;
        ended
    }

    async fn refused(&self, answer: Response, url: &Url) -> Error {
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status.as_u16() == 407 {
            return self.http.proxy_refusal(url);
        }
        let read = timeout(self.traffic.limits.idle_timeout, read_body(answer, policy::STORAGE_ANSWER_LIMIT)).await;
        let body = read.ok().and_then(std::result::Result::ok).unwrap_or_default();
        refusal(status, &headers, &body, url, self.redactor)
    }

    fn fault(&self, error: &reqwest::Error, url: &Url) -> Error {
        let mut fault = self.http.fault(error, url);
        // The same bytes may be asked for again.
        fault.details.outcome_unknown = false;
        fault
    }
}

impl Writer<'_> {
    async fn add(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.fetch.progress.receive(bytes.len() as u64);
        while !bytes.is_empty() {
            let (mut buffer, filled) = match self.filling.take() {
                Some(filling) => filling,
                None => (self.fetch.traffic.buffers.take().await, 0),
            };
            let count = bytes.len().min(policy::BLOCK_SIZE - filled);
            buffer.space(policy::BLOCK_SIZE)[filled..filled + count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            self.filling = Some((buffer, filled + count));
            if filled + count == policy::BLOCK_SIZE {
                self.write().await?;
            }
        }
        Ok(())
    }

    /// Begins to write what was filled, when what was before it is written.
    async fn write(&mut self) -> Result<()> {
        self.written().await?;
        if let Some((mut buffer, filled)) = self.filling.take() {
            let landing = self.fetch.landing.clone();
            buffer.space(filled);
            let block = buffer.freeze();
            let length = block.len() as u64;
            self.writing = Some(spawn_blocking(move || landing.write(&block)));
            self.fetch.progress.land(length);
        }
        Ok(())
    }

    async fn written(&mut self) -> Result<()> {
        match self.writing.take() {
            Some(writing) => joined(writing).await,
            None => Ok(()),
        }
    }
}

/// Whether the component may be read at a fresh address.
pub fn wants_fresh_address(error: &Error) -> bool {
    storage::wants_fresh_address(error)
}

const ASK: &str = "ask the server's administrator";
const AGAIN: &str = "download it again, and if it happens again ask the storage's administrator";

fn silent(url: &Url, idle: Duration) -> Error {
    let (place, seconds) = (show_url(url), idle.as_secs_f32());
    let message = format!("{place} sent no byte for {seconds} s: check the network, and download it again");
    Error::new(Code::NetworkTimeout, message)
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8], url: &Url, redactor: &Redactor) -> Error {
    let redactor = &redactor.with(storage::secrets(url));
    let text = String::from_utf8_lossy(body);
    let xml = quote::between(&text, "<Message>", "</Message>").map(str::to_owned);
    let said = quote::clause(&xml.unwrap_or_else(|| quote::page(body, redactor)), redactor);
    let place = show_url(url);
    let (code, message) = match status.as_u16() {
        400 | 403 if text.to_ascii_lowercase().contains("expired") => {
            (Code::StorageExpired, format!("the address {place} has expired ({said}): download it again"))
        }
        401 => (Code::Unauthorised, format!("{place} does not accept the API user and key: {said}")),
        404 | 410 => (Code::StorageRefused, format!("there are no bytes of the component at {place}: {said}; {ASK}")),
        408 | 429 | 500..=599 => {
            (Code::StorageUnavailable, format!("the storage failed with {status} at {place}: {said}; {AGAIN}"))
        }
        _ => {
            (Code::StorageRefused, format!("the storage does not give the bytes at {place} ({status}): {said}; {ASK}"))
        }
    };
    Error::new(code, message).with_http_status(status.as_u16()).with_retry_after(retry::retry_after(headers))
}

/// Whether it is the rest of the same content.
fn is_rest(answer: &Response, content: &Content, written: u64) -> bool {
    let text = |name| answer.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let strong = |etag: &&str| etag.starts_with('"');
    let (kept, now) = (content.validator.as_deref().filter(strong), text(ETAG).filter(strong));
    let is_other = kept.zip(now).is_some_and(|(kept, now)| kept != now);
    match text(CONTENT_RANGE).and_then(read_range) {
        Some((first, total)) => {
            written > 0 && first == written && !is_other && (total.is_none() || total == content.size)
        }
        None => false,
    }
}

/// `bytes 4-9/10`: the first byte and the size of the whole, where it is told.
fn read_range(range: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = range.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    let first = range.split_once('-')?.0.trim().parse().ok()?;
    Some((first, total.trim().parse().ok()))
}

/// By which the storage knows this very content again: weak ETags do not tell bytes apart (RFC 9110, 13.1.5).
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    text(ETAG).filter(|etag| etag.starts_with('"')).or_else(|| text(LAST_MODIFIED))
}

/// The ETag where it is the MD5 of the bytes.
fn md5_of(headers: &HeaderMap) -> Option<String> {
    let etag = headers.get(ETAG)?.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')?;
    storage::is_md5(etag, headers).then(|| etag.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_it_is_written() {
        assert_eq!(read_range("bytes 4-9/10"), Some((4, Some(10))));
        assert_eq!(read_range("bytes 4-9/*"), Some((4, None)));
        for odd in ["", "bytes */10", "4-9/10", "bytes 4/10", "bytes x-9/10"] {
            assert_eq!(read_range(odd), None, "{odd}");
        }
    }

    #[test]
    fn only_a_strong_etag_or_a_date_tells_that_bytes_are_the_same() {
        let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let date = "Sat, 21 Nov 2026 12:00:00 GMT";
        assert_eq!(validator(&headers(&[("etag", "\"a\""), ("last-modified", date)])).as_deref(), Some("\"a\""));
        assert_eq!(validator(&headers(&[("etag", "W/\"a\""), ("last-modified", date)])).as_deref(), Some(date));
        assert_eq!(validator(&headers(&[("etag", "W/\"a\"")])), None);
        let hex = "AB".repeat(16);
        assert_eq!(md5_of(&headers(&[("etag", &format!("\"{hex}\""))])), Some(hex.to_lowercase()));
        assert_eq!(md5_of(&headers(&[("etag", &format!("W/\"{hex}\""))])), None);
        assert_eq!(md5_of(&headers(&[("etag", &format!("\"{hex}-3\""))])), None);
    }

    #[test]
    fn each_refusal_to_read_has_its_code_and_no_secret_in_it() {
        let url = Url::parse("https://store.example/object?X-Amz-Signature=0123456789abcdef0123").unwrap();
        for (status, body, code) in [
            (403, "<Code>AccessDenied</Code><Message>Request has expired</Message>", Code::StorageExpired),
            (403, "no", Code::StorageRefused),
            (401, "", Code::Unauthorised),
            (404, "<Message>0123456789abcdef0123 is no key</Message>", Code::StorageRefused),
            (503, "", Code::StorageUnavailable),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let error = refusal(status, &HeaderMap::new(), body.as_bytes(), &url, &Redactor::default());
            assert_eq!(error.code, code, "{error}");
            assert!(!error.message.contains("0123456789abcdef"), "{error}");
        }
    }
}
