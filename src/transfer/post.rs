//! A file as the body of one request to an endpoint, between bytes that come before and after it: read ahead, capped, paused
//! and counted as uploads to storage are. Nothing is repeated here: what an endpoint gets twice it may do twice.
//!
//! `Expect: 100-continue` is not sent. The HTTP client does not wait for the server's word, proxies drop it or answer 417, and
//! many an endpoint never says it. What it is for is had without it: the bytes wait a moment after the head, so that who
//! refuses by the head alone is heard, and an answer that comes while bytes are sent ends the sending.

use super::body::PartBody;
use super::feed::Feed;
use super::progress::{Attempt, Counter, Progress, Wait};
use super::traffic::Traffic;
use crate::ftrack::Http;
use crate::ftrack::http::{Unread, read_body};
use crate::session::blocking::blocking;
use crate::session::gate::Gate;
use crate::session::secret::show_url;
use crate::session::{Code, Error, Result, Source, policy};
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Method, StatusCode};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use url::Url;

/// One request.
pub struct Post<'a> {
    /// The connections.
    pub http: Http,
    /// How.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// All headers but the length.
    pub headers: HeaderMap,
    /// What comes before the file.
    pub head: Bytes,
    /// The file.
    pub source: &'a Arc<Source>,
    /// What comes after it.
    pub tail: Bytes,
    /// What it shares with the uploads of the session.
    pub traffic: &'a Traffic,
    /// Closed while the job is paused.
    pub gate: &'a Gate,
    /// Counts the bytes of the whole body.
    pub progress: &'a Arc<Progress>,
    /// True as long as the other side may have all of it.
    pub is_whole: &'a AtomicBool,
    /// How long the endpoint may think about it.
    pub answer_patience: Duration,
}

/// An answer, good or bad.
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; nothing where it was too large or broke off.
    pub body: Result<Bytes, &'static str>,
    /// Whether all of the request had been sent when it came.
    pub all_sent: bool,
}

/// What the other side may have of a request that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Surely nothing: no connection came to be.
    Nothing,
    /// Not all: what it has cannot be whole.
    Part,
    /// Perhaps all of it.
    Perhaps,
}

/// A request that was not answered.
pub struct Unanswered {
    /// Why.
    pub error: Error,
    /// What the other side may have.
    pub reached: Reached,
    /// How many bytes of the body had left this machine.
    pub sent: u64,
}

impl Post<'_> {
    /// Sends it once. The last bytes go only when the file has stayed as it was: of one that changed meanwhile the endpoint
    /// never has a whole request.
    pub async fn send(&self) -> Result<Answered, Unanswered> {
        let _blocks = self.traffic.buffers.in_use();
        let length = self.length();
        self.progress.begin(length, 0);
        self.is_whole.store(false, Ordering::SeqCst);
        let attempt = Attempt(Counter::new(self.progress.clone(), self.traffic.lanes.moved(), length));
        let counter = &attempt.0;
        let (frames, body) = PartBody::new(length, counter.clone());
        let mut fed: Option<Instant> = None;
        let mut answer = pin!(self.request(body, length));
        let mut feeding = pin!(self.feed(frames, counter));
        loop {
            let deadline = self.deadline(counter, fed);
            tokio::select! {
                biased;
                outcome = &mut feeding, if fed.is_none() => match outcome {
                    Ok(()) => {
                        self.is_whole.store(true, Ordering::SeqCst);
                        fed = Some(Instant::now());
                    }
                    Err(error) => return Err(self.unanswered(error, Reached::Part)),
                },
                outcome = &mut answer => return match outcome {
                    Ok((status, headers, body)) => {
                        if status.is_success() && fed.is_some() {
                            counter.succeed();
                        }
                        Ok(Answered { status, headers, body, all_sent: fed.is_some() })
                    }
                    Err(error) => {
                        let fault = self.http.fault(&error, &self.url);
                        let reached = match fed {
                            _ if error.is_connect() || error.is_builder() => Reached::Nothing,
                            None => Reached::Part,
                            Some(_) => Reached::Perhaps,
                        };
                        Err(self.unanswered(fault, reached))
                    }
                },
                () = sleep_until(deadline) => {
                    if self.deadline(counter, fed) <= Instant::now() {
                        let reached = if fed.is_some() { Reached::Perhaps } else { Reached::Part };
                        return Err(self.unanswered(self.silent(counter, fed.is_some()), reached));
                    }
                }
            }
        }
    }

    /// Bytes of the whole body.
    pub fn length(&self) -> u64 {
        (self.head.len() + self.tail.len()) as u64 + self.source.size_bytes()
    }

    fn unanswered(&self, error: Error, reached: Reached) -> Unanswered {
        Unanswered { error, reached, sent: self.progress.sent() }
    }

    async fn feed(&self, frames: mpsc::Sender<Bytes>, counter: &Counter) -> Result<()> {
        counter.wait(Wait::Us);
        if self.length() > policy::ENDPOINT_SMALL {
            tokio::time::sleep(policy::ENDPOINT_HEAD_START).await;
        }
        self.gate.opened().await;
        counter.wait(Wait::Network);
        give(&frames, self.head.clone()).await;
        let feed = Feed {
            source: self.source,
            range: 0..self.source.size_bytes(),
            traffic: self.traffic,
            gate: self.gate,
            counter,
            hashed: false,
        };
        feed.run(frames.clone()).await?;
        let source = self.source.clone();
        counter.wait(Wait::Disk);
        blocking(move || source.check_unchanged()).await?;
        counter.wait(Wait::Network);
        give(&frames, self.tail.clone()).await;
        Ok(())
    }

    async fn request(
        &self,
        body: PartBody,
        length: u64,
    ) -> Result<(StatusCode, HeaderMap, Result<Bytes, &'static str>), reqwest::Error> {
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_LENGTH, length.into());
        let request = self.http.client().request(self.method.clone(), self.url.clone()).headers(headers);
        let answer = request.body(reqwest::Body::wrap(body)).send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        // The status has said what became of the request: what is lost of the rest is lost and no failure.
        let read =
            tokio::time::timeout(self.traffic.limits.idle_timeout, read_body(answer, policy::ENDPOINT_ANSWER_LIMIT));
        let body = match read.await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(Unread::TooLarge)) => Err("is larger than 1 MiB"),
            Ok(Err(Unread::Broken(_))) | Err(_) => Err("broke off"),
        };
        Ok((status, headers, body))
    }

    /// When the request is dead unless something moves before.
    fn deadline(&self, counter: &Counter, fed: Option<Instant>) -> Instant {
        let idle = self.traffic.limits.idle_timeout;
        let moves = counter.deadline(idle).0.unwrap_or_else(|| Instant::now() + idle);
        fed.map_or(moves, |fed| moves.max(fed + self.answer_patience))
    }

    fn silent(&self, counter: &Counter, all_sent: bool) -> Error {
        let place = show_url(&self.url);
        let idle = self.traffic.limits.idle_timeout.as_secs_f32();
        if counter.deadline(Duration::ZERO).1 == Wait::Disk {
            let path = self.source.path().display();
            let message = format!("'{path}' could not be read for {idle} s: check the disk or the file server");
            return Error::new(Code::FileUnreadable, message);
        }
        let message = match all_sent {
            true => format!(
                "{place} has not answered for {} s after it was sent everything: ask its administrator, or allow it more \
                 time with answer_timeout_ms",
                self.answer_patience.as_secs_f32()
            ),
            false => format!("{place} took no byte for {idle} s: check the network and the server"),
        };
        Error::new(Code::NetworkTimeout, message)
    }
}

/// In pieces of the usual size. When the connection takes no more, it waits until it is dropped: why is for the request to
/// say.
async fn give(frames: &mpsc::Sender<Bytes>, mut bytes: Bytes) {
    while !bytes.is_empty() {
        let frame = bytes.split_to(bytes.len().min(policy::FRAME_SIZE));
        if frames.send(frame).await.is_err() {
            return std::future::pending().await;
        }
    }
}
