//! One request that carries bytes: sent, watched, verified, and sent again where that may help.

use super::body::PartBody;
use super::feed::Feed;
use super::progress::{Attempt, Counter, Wait};
use super::target::Address;
use super::traffic::Verify;
use super::{Upload, storage};
use crate::ftrack::http::{Unread, read_body};
use crate::ftrack::retry::{Tries, may_pass};
use crate::session::secret::show_url;
use crate::session::{Code, Error, Result, policy};
use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use std::ops::Range;
use std::pin::pin;
use std::time::Duration;
use tokio::time::sleep_until;

/// The bytes of one request.
pub(super) struct Part {
    /// Nothing for a whole file.
    pub number: Option<u32>,
    pub address: Address,
    pub headers: HeaderMap,
    pub range: Range<u64>,
}

/// How a request ended.
pub(super) enum End {
    /// The storage has the bytes.
    Stored(Receipt),
    /// The job was paused for so long that the request was given up: it is to be sent when the job goes on.
    Paused,
    /// It failed, and to send it again would not help.
    Failed(Error),
}

/// What the storage says of bytes that it has taken.
pub(super) struct Receipt {
    /// Its ETag, if it gave one.
    pub etag: Option<String>,
    /// Whether that was compared with what was sent.
    pub verified: bool,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// Of the bytes, if all were sent and they were hashed.
    md5: Option<[u8; 16]>,
    all_sent: bool,
}

impl Upload<'_> {
    /// Sends one request, again where that may help; to send the same bytes twice does no harm.
    pub(super) async fn put_repeatedly(&self, part: &Part) -> End {
        let limits = &self.traffic.limits;
        let mut tries = Tries::lasting(limits.patience).beginning_with(limits.retry_base);
        let mut head_first = Duration::ZERO;
        loop {
            let pauses = self.gate.times_closed();
            let error = tokio::select! {
                put = self.put(part, head_first) => match put {
                    Ok(receipt) => return End::Stored(receipt),
                    Err(error) => error,
                },
                () = self.paused_for_long() => return End::Paused,
            };
            if error.code == Code::StorageUnavailable && matches!(error.details.http_status, Some(429 | 503)) {
                self.traffic.lanes.slow_down();
            }
            if self.gate.is_closed() || self.gate.times_closed() != pauses {
                // Whoever closed the connection meanwhile had a reason.
                self.log.debug("transfer", format_args!("a request did not survive the pause: {error}"));
                if may_pass(&error) {
                    return End::Paused;
                }
            }
            let broke = error.code == Code::StorageUnavailable && error.details.http_status.is_none();
            head_first = if broke { limits.retry_base * 2 } else { Duration::ZERO };
            let Some(wait) = tries.after(&error) else { return End::Failed(error) };
            let what = part.number.map_or_else(|| "the file".to_owned(), |number| format!("part {number}"));
            self.log.info("transfer", format_args!("sending {what} again in {} ms: {error}", wait.as_millis()));
            tokio::time::sleep(wait).await;
        }
    }

    /// Completes when the job was paused for as long as a connection is held open.
    async fn paused_for_long(&self) {
        loop {
            self.gate.closed().await;
            tokio::select! {
                () = tokio::time::sleep(self.traffic.limits.pause_hold) => return,
                () = self.gate.opened() => {}
            }
        }
    }

    async fn put(&self, part: &Part, head_first: Duration) -> Result<Receipt> {
        let url = part.address.url();
        let length = part.range.end - part.range.start;
        let attempt = Attempt(Counter::new(self.progress.clone(), self.traffic.lanes.moved(), length));
        let answer = tokio::select! {
            answer = self.send(part, head_first, &attempt.0) => answer?,
            stalled = self.stalled(part, &attempt.0) => return Err(stalled),
        };
        if answer.status.as_u16() == 407 {
            return Err(self.http.proxy_refusal(url));
        }
        if !answer.status.is_success() {
            return Err(storage::refusal(answer.status, &answer.headers, &answer.body, url, self.log.redactor()));
        }
        if !answer.all_sent {
            let message = format!(
                "the storage said that it is done before it was sent all bytes at {}: publish again, and if it happens \
                 again ask the storage's administrator",
                show_url(url)
            );
            return Err(Error::new(Code::StorageUnavailable, message).with_http_status(answer.status.as_u16()));
        }
        let etag = storage::etag(&answer.headers);
        let verified = match (&etag, answer.md5) {
            (Some(etag), Some(md5)) => storage::check_etag(etag, md5, &answer.headers, url)?,
            _ => false,
        };
        attempt.0.succeed();
        Ok(Receipt { etag, verified })
    }

    /// Feeds the file to the request, and waits for the answer. The body begins `head_first` after the head: a storage that
    /// refuses an address by the head alone closes the connection, and bytes that arrive after that reset it, so that the
    /// answer is lost and nobody knows why. After a connection that broke the answer gets the time to arrive before them.
    async fn send(&self, part: &Part, head_first: Duration, counter: &Counter) -> Result<Answer> {
        let length = part.range.end - part.range.start;
        let (frames, body) = PartBody::new(length, counter.clone());
        let feed = Feed {
            source: &self.source,
            range: part.range.clone(),
            traffic: &self.traffic,
            gate: &self.gate,
            counter,
            hashed: self.traffic.verify() != Verify::Off,
        };
        let mut answer = pin!(self.request(part, body));
        let mut fed = None;
        let mut feeding = pin!(async {
            if !head_first.is_zero() {
                counter.wait(Wait::Us);
                tokio::time::sleep(head_first).await;
                counter.wait(Wait::Network);
            }
            feed.run(frames).await
        });
        loop {
            tokio::select! {
                biased;
                outcome = &mut feeding, if fed.is_none() => fed = Some(outcome?),
                answer = &mut answer => {
                    let (status, headers, body) = answer?;
                    return Ok(Answer { status, headers, body, md5: fed.flatten(), all_sent: fed.is_some() });
                }
            }
        }
    }

    async fn request(&self, part: &Part, body: PartBody) -> Result<(StatusCode, HeaderMap, Bytes)> {
        let url = part.address.url();
        let mut headers = part.headers.clone();
        headers.insert(CONTENT_LENGTH, (part.range.end - part.range.start).into());
        let request = self.http.client().put(url.clone()).headers(headers).body(reqwest::Body::wrap(body));
        let answer = request.send().await.map_err(|error| self.fault(&error, part))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = match read_body(answer, policy::STORAGE_ANSWER_LIMIT).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => Bytes::new(),
            Err(Unread::Broken(error)) => return Err(self.fault(&error, part)),
        };
        Ok((status, headers, body))
    }

    /// Ends when no byte has moved for the idle time.
    async fn stalled(&self, part: &Part, counter: &Counter) -> Error {
        let idle = self.traffic.limits.idle_timeout;
        loop {
            match counter.deadline(idle) {
                (None, _) => tokio::time::sleep(idle).await,
                (Some(deadline), wait) if deadline <= tokio::time::Instant::now() => {
                    return self.idle(part, wait == Wait::Disk);
                }
                (Some(deadline), _) => sleep_until(deadline).await,
            }
        }
    }

    fn idle(&self, part: &Part, on_disk: bool) -> Error {
        let idle = self.traffic.limits.idle_timeout.as_secs_f32();
        if on_disk {
            let path = self.source.path().display();
            let message = format!("'{path}' could not be read for {idle} s: check the disk or the file server");
            return Error::new(Code::FileUnreadable, message);
        }
        let place = show_url(part.address.url());
        let message = format!("the storage took no byte for {idle} s at {place}: check the network, and publish again");
        Error::new(Code::NetworkTimeout, message)
    }

    fn fault(&self, error: &reqwest::Error, part: &Part) -> Error {
        let mut fault = self.http.fault(error, part.address.url());
        // The same bytes may be sent again whatever became of these.
        fault.details.outcome_unknown = false;
        if fault.code == Code::WrongServer {
            // Something between that fell over: whoever gave the address speaks HTTP.
            let place = show_url(part.address.url());
            fault.message = format!(
                "what answered at {place} was no HTTP: publish again, and if it happens again check the proxy and the \
                 storage"
            );
        }
        // In the middle of a connection it is no question of trust: that was settled when it was made.
        let is_cut_off = fault.code == Code::Tls && !error.is_connect();
        if is_cut_off {
            let place = show_url(part.address.url());
            fault.message = format!("the encrypted connection to {place} broke: check the network, and publish again");
        }
        if is_cut_off || matches!(fault.code, Code::ConnectionLost | Code::WrongServer) {
            fault.code = Code::StorageUnavailable;
        }
        fault
    }
}
