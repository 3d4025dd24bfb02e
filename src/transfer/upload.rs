//! The requests that carry a file to its storage: parts in parallel, each repeated by itself where that may help,
//! given up when nothing moves. Dropping the future ends everything; at most a block is read after that.

use super::body::{Outcome, PartBody};
use super::plan::part_range;
use super::progress::{Counter, Progress};
use super::storage;
use super::target::{Address, Target};
use crate::ftrack::Http;
use crate::ftrack::http::{Unread, read_body};
use crate::ftrack::retry::Tries;
use crate::session::log::Log;
use crate::session::secret::show_url;
use crate::session::{Class, Code, Error, Result, Source, policy};
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep_until;

/// One file on its way.
#[derive(Clone)]
pub struct Upload {
    /// The connections.
    pub http: Http,
    /// The file.
    pub source: Arc<Source>,
    /// Where it goes.
    pub target: Target,
    /// What is told to the host meanwhile.
    pub progress: Arc<Progress>,
    /// Where retries are told.
    pub log: Log,
    /// A request on which no byte moves for this long is given up; `policy::UPLOAD_IDLE_TIMEOUT` unless the session says otherwise.
    pub idle_timeout: Duration,
    /// How long a request that fails is tried again at least; `policy::UPLOAD_PATIENCE` unless the session says otherwise.
    pub patience: Duration,
}

/// What the storage has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Number and ETag of each part, in ascending order; empty for a file that went up whole.
    pub parts: Vec<(u32, String)>,
    /// What is not as it should be, and no failure.
    pub warnings: Vec<String>,
}

/// The bytes of one request.
struct Part<'a> {
    /// Nothing for a whole file.
    number: Option<u32>,
    address: &'a Address,
    headers: HeaderMap,
    range: Range<u64>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Upload {
    /// Sends the file and checks that it stayed the same meanwhile.
    pub async fn run(&self) -> Result<Uploaded> {
        self.progress.begin(self.source.size_bytes());
        let sent = match &self.target {
            Target::Single { address, headers } => self.whole(address, headers).await,
            Target::Parts { addresses, part_size, .. } => self.in_parts(addresses, *part_size).await,
        };
        // Also after a failure: that the file changed explains a mismatch, and nothing explains that it changed.
        let source = self.source.clone();
        let unchanged = tokio::task::spawn_blocking(move || source.check_unchanged()).await;
        unchanged.unwrap_or_else(|error| {
            let what = "a defect in the library stopped the last check of the file";
            Err(Error::new(Code::Internal, format!("{what} ({error}): please report it")))
        })?;
        sent.map_err(|error| self.with_place(error))
    }

    async fn whole(&self, address: &Address, headers: &HeaderMap) -> Result<Uploaded> {
        let part = Part { number: None, address, headers: headers.clone(), range: 0..self.source.size_bytes() };
        let mut warnings = Vec::new();
        if self.put_repeatedly(&part).await?.is_none() {
            let place = show_url(address.url());
            warnings.push(format!(
                "{} was uploaded and could not be verified: {place} sent no ETag header, which tells the checksum of \
                 what it holds; ask the storage's administrator to let it through",
                self.file_name()
            ));
        }
        Ok(Uploaded { parts: Vec::new(), warnings })
    }

    async fn in_parts(&self, addresses: &[(u32, Address)], part_size: u64) -> Result<Uploaded> {
        let mut waiting = addresses.iter();
        let mut running = FuturesUnordered::new();
        let mut parts = Vec::with_capacity(addresses.len());
        loop {
            let room = policy::PARALLEL_PARTS.saturating_sub(running.len());
            running.extend(waiting.by_ref().take(room).map(|(number, address)| self.part(*number, address, part_size)));
            match running.next().await {
                Some(part) => parts.push(part?),
                None => break,
            }
        }
        parts.sort_by_key(|(number, _)| *number);
        Ok(Uploaded { parts, warnings: Vec::new() })
    }

    async fn part(&self, number: u32, address: &Address, part_size: u64) -> Result<(u32, String)> {
        let range = part_range(number, part_size, self.source.size_bytes());
        if range.is_empty() {
            let message = format!(
                "the server gave an address for part {number} of the file, which ends before it: publish again, and \
                 if it happens again ask the server's administrator"
            );
            return Err(Error::new(Code::MalformedAnswer, message));
        }
        let part = Part { number: Some(number), address, headers: HeaderMap::new(), range };
        let etag = self.put_repeatedly(&part).await?.ok_or_else(|| {
            let place = show_url(address.url());
            let message = format!(
                "{place} sent no ETag header for part {number}, which tells the checksum of what it holds and without \
                 which the parts cannot be put together: ask the storage's administrator to let it through"
            );
            Error::new(Code::StorageMismatch, message)
        })?;
        Ok((number, etag))
    }

    /// Sends one request, again where that may help; to send the same bytes twice does no harm.
    async fn put_repeatedly(&self, part: &Part<'_>) -> Result<Option<String>> {
        let mut tries = Tries::lasting(self.patience);
        loop {
            let error = match self.put(part).await {
                Ok(etag) => return Ok(etag),
                Err(error) => error,
            };
            let Some(wait) = tries.after(&error) else { return Err(error) };
            let what = part.number.map_or_else(|| "the file".to_owned(), |number| format!("part {number}"));
            self.log.info("transfer", format_args!("sending {what} again in {} ms: {error}", wait.as_millis()));
            tokio::time::sleep(wait).await;
        }
    }

    async fn put(&self, part: &Part<'_>) -> Result<Option<String>> {
        let url = part.address.url();
        let attempt = Attempt(Counter::new(self.progress.clone()));
        let outcome = Outcome::default();
        let answer = tokio::select! {
            answer = self.send(part, &attempt.0, &outcome) => answer?,
            stalled = self.stalled(part, &attempt.0) => return Err(stalled),
        };
        if answer.status.as_u16() == 407 {
            return Err(self.http.proxy_refusal(url));
        }
        if !answer.status.is_success() {
            return Err(storage::refusal(answer.status, &answer.headers, &answer.body, url, self.log.redactor()));
        }
        let Some(md5) = outcome.md5() else {
            let message = format!(
                "the storage said that it is done before it was sent all bytes at {}: publish again, and if it happens \
                 again ask the storage's administrator",
                show_url(url)
            );
            return Err(Error::new(Code::StorageUnavailable, message).with_http_status(answer.status.as_u16()));
        };
        let etag = storage::etag(&answer.headers);
        if let Some(etag) = &etag {
            storage::check_etag(etag, md5, &answer.headers, url)?;
        }
        attempt.0.succeed(part.range.end - part.range.start);
        Ok(etag)
    }

    async fn send(&self, part: &Part<'_>, counter: &Counter, outcome: &Outcome) -> Result<Answer> {
        let url = part.address.url();
        let fault = |error: &reqwest::Error| outcome.error().unwrap_or_else(|| self.fault(error, part));
        let body = PartBody::new(self.source.clone(), part.range.clone(), counter.clone(), outcome.clone());
        let mut headers = part.headers.clone();
        headers.insert(CONTENT_LENGTH, (part.range.end - part.range.start).into());
        let request = self.http.client().put(url.clone()).headers(headers).body(reqwest::Body::wrap(body));
        let answer = request.send().await.map_err(|error| fault(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = match read_body(answer, policy::STORAGE_ANSWER_LIMIT).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => Bytes::new(),
            Err(Unread::Broken(error)) => return Err(fault(&error)),
        };
        Ok(Answer { status, headers, body })
    }

    /// Ends when no byte has moved for the idle time.
    async fn stalled(&self, part: &Part<'_>, counter: &Counter) -> Error {
        let idle = self.idle_timeout.as_secs_f32();
        loop {
            let (moved, _) = counter.moved();
            sleep_until(moved + self.idle_timeout).await;
            match counter.moved() {
                (later, _) if later > moved => {}
                (_, true) => {
                    let path = self.source.path().display();
                    let message = format!("'{path}' could not be read for {idle} s: check the disk or the file server");
                    return Error::new(Code::FileUnreadable, message);
                }
                (_, false) => {
                    let place = show_url(part.address.url());
                    return Error::new(
                        Code::NetworkTimeout,
                        format!(
                            "the storage took no byte for {idle} s at {place}: check the network, and publish again"
                        ),
                    );
                }
            }
        }
    }

    fn fault(&self, error: &reqwest::Error, part: &Part<'_>) -> Error {
        let mut fault = self.http.fault(error, part.address.url());
        // The same bytes may be sent again whatever became of these.
        fault.details.outcome_unknown = false;
        if fault.code == Code::ConnectionLost {
            fault.code = Code::StorageUnavailable;
        }
        fault
    }

    /// The error with the file's name and how far it came. Errors of the file itself name it already.
    fn with_place(&self, mut error: Error) -> Error {
        if error.code.class() != Class::File {
            let (sent, total) = (self.progress.sent(), self.progress.total());
            let name = self.file_name();
            error.message = format!("{name} was not uploaded ({sent} of {total} bytes were sent): {}", error.message);
        }
        error
    }

    /// In quotes, for messages.
    fn file_name(&self) -> String {
        format!("'{}'", self.source.path().file_name().unwrap_or_default().to_string_lossy())
    }
}

/// Takes back what a request counted unless it succeeded, also when its future is dropped.
struct Attempt(Counter);

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.fail();
    }
}
