//! What each request gets: a PUT its ETag, and what uploaders to S3 ask for besides just enough to believe that it is one.

use super::ETag;
use crate::files::hex;
use base64::Engine as _;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode, header};
use md5::{Digest, Md5};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use url::form_urlencoded;

/// What was received, or rather how much of it.
pub struct Store {
    etag: ETag,
    round_trip: Duration,
    /// Set for the connections on which the counters of another are asked for.
    counters_of: Option<Arc<Store>>,
    bytes: AtomicU64,
    puts: AtomicU64,
    connections: AtomicU64,
    /// Sizes of the objects by path, for those who look whether they are there.
    objects: Mutex<HashMap<String, u64>>,
}

type Answer = Response<Full<Bytes>>;

impl Store {
    pub fn new(etag: ETag, round_trip: Duration) -> Self {
        Self {
            etag,
            round_trip,
            counters_of: None,
            bytes: AtomicU64::new(0),
            puts: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            objects: Mutex::default(),
        }
    }

    /// Answers nothing but what `store` has counted.
    pub fn counting(store: Arc<Store>) -> Self {
        Self { counters_of: Some(store), ..Self::new(ETag::None, Duration::ZERO) }
    }

    /// Counts a connection.
    pub fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads a request to its end and answers it.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Infallible> {
        if let Some(store) = &self.counters_of {
            return Ok(store.counters());
        }
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let query: HashMap<String, String> =
            form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let told = told_md5(&query, &head.headers);
        let hashed = head.method == Method::PUT && told.is_none() && self.etag == ETag::Md5;
        let (count, md5) = discard(body, hashed).await;
        tokio::time::sleep(self.round_trip).await;
        Ok(match head.method {
            Method::PUT => {
                self.bytes.fetch_add(count, Ordering::Relaxed);
                self.puts.fetch_add(1, Ordering::Relaxed);
                *self.objects.lock().entry(path).or_default() += count;
                let fixed = || (self.etag == ETag::Fixed).then(|| "discarded".to_owned());
                match told.or(md5).or_else(fixed) {
                    Some(etag) => with_etag(&etag),
                    None => Answer::default(),
                }
            }
            Method::POST if query.contains_key("uploads") => {
                self.objects.lock().remove(&path);
                created(&path)
            }
            Method::POST => completed(&path),
            Method::HEAD => match self.objects.lock().get(&path) {
                Some(size) => head_of(*size),
                None if is_bucket(&path) => Answer::default(),
                None => refused(StatusCode::NOT_FOUND),
            },
            Method::GET if query.contains_key("location") => xml("<LocationConstraint>us-east-1</LocationConstraint>"),
            Method::GET => xml("<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"),
            Method::DELETE => refused(StatusCode::NO_CONTENT),
            _ => refused(StatusCode::METHOD_NOT_ALLOWED),
        })
    }

    fn counters(&self) -> Answer {
        let counters = json!({
            "bytes": self.bytes.load(Ordering::Relaxed),
            "puts": self.puts.load(Ordering::Relaxed),
            "connections": self.connections.load(Ordering::Relaxed),
        });
        Answer::new(Full::from(counters.to_string()))
    }
}

/// What the sender says its bytes hash to: believed, since hashing them here would take the processor from the sender.
fn told_md5(query: &HashMap<String, String>, headers: &header::HeaderMap) -> Option<String> {
    let digest = || base64::engine::general_purpose::STANDARD.decode(headers.get("content-md5")?).ok();
    query.get("md5").cloned().or_else(|| digest().map(|digest| hex(&digest)))
}

/// Reads a body to its end, and counts it.
async fn discard(mut body: Incoming, hashed: bool) -> (u64, Option<String>) {
    let mut count = 0;
    let mut hash = hashed.then(Md5::new);
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            count += data.len() as u64;
            if let Some(hash) = &mut hash {
                hash.update(data);
            }
        }
    }
    (count, hash.map(|hash| hex(&hash.finalize())))
}

fn with_etag(etag: &str) -> Answer {
    let mut answer = Answer::default();
    if let Ok(value) = format!("\"{etag}\"").parse() {
        answer.headers_mut().insert(header::ETAG, value);
    }
    answer
}

fn is_bucket(path: &str) -> bool {
    !path.trim_matches('/').contains('/')
}

fn bucket_and_key(path: &str) -> (&str, &str) {
    path.trim_start_matches('/').split_once('/').unwrap_or((path, ""))
}

fn created(path: &str) -> Answer {
    let (bucket, key) = bucket_and_key(path);
    xml(&format!(
        "<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>bench</UploadId>\
         </InitiateMultipartUploadResult>"
    ))
}

fn completed(path: &str) -> Answer {
    let (bucket, key) = bucket_and_key(path);
    xml(&format!(
        "<CompleteMultipartUploadResult><Location>{path}</Location><Bucket>{bucket}</Bucket><Key>{key}</Key>\
         <ETag>\"discarded-1\"</ETag></CompleteMultipartUploadResult>"
    ))
}

fn head_of(size: u64) -> Answer {
    let mut answer = with_etag("discarded");
    answer.headers_mut().insert(header::CONTENT_LENGTH, size.into());
    answer
}

fn xml(text: &str) -> Answer {
    let mut answer = Answer::new(Full::from(text.to_owned()));
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/xml"));
    answer
}

fn refused(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}
