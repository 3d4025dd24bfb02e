//! Uploads to storages that behave and storages that do not: what arrives is compared byte by byte.

use super::case::limits;
use super::ftrack_support::{Act, Answer, Lines, Request, Server, answer, client};
use ftreview::ftrack::Http;
use ftreview::session::{Code, Error, Source};
use ftreview::transfer::{Limits, Plan, Progress, Renewal, Target, Traffic, Upload, Uploaded};
use futures_util::future::BoxFuture;
use md5::{Digest, Md5};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Two parts of 8 MiB and one of some blocks and a rest.
const IN_PARTS: usize = (16 << 20) + (3 << 20) + 12_345;
/// Some blocks and a rest.
const WHOLE: usize = (3 << 20) + 4_321;

struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
}

fn file(size: usize) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("comp_v003.mov");
    // No two blocks are alike, so that one in the wrong place is noticed.
    let bytes: Vec<u8> = (0..size).map(|index| (index ^ (index >> 8) ^ (index >> 16).wrapping_mul(31)) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    File { _folder: folder, path, bytes }
}

fn md5_hex(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An upload to a target that never changes, in which each request is tried as often as policy says at least.
struct Going {
    http: Http,
    source: Arc<Source>,
    target: Target,
    progress: Arc<Progress>,
    idle_timeout: Duration,
}

impl Going {
    async fn run(&self) -> Result<Uploaded, Error> {
        let limits = Limits { idle_timeout: self.idle_timeout, ..limits() };
        let upload = Upload {
            http: self.http.clone(),
            source: self.source.clone(),
            target: self.target.clone(),
            renewal: self,
            traffic: Traffic::new(limits),
            gate: Arc::default(),
            progress: self.progress.clone(),
            journal: None,
            log: Lines::default().log(),
        };
        upload.run().await
    }
}

impl Renewal for Going {
    fn renew(&self) -> BoxFuture<'_, Result<Target, Error>> {
        Box::pin(async { Ok(self.target.clone()) })
    }
}

async fn upload(file: &File, target: Target, server: &Server) -> Going {
    Going {
        http: client(&server.url).http().await.unwrap(),
        source: Arc::new(Source::open(&file.path).unwrap()),
        target,
        progress: Arc::default(),
        idle_timeout: Duration::from_secs(20),
    }
}

/// An upload of the whole file in one request.
async fn whole(file: &File, server: &Server) -> Going {
    let metadata = json!({"url": format!("{}object?X-Amz-Signature=secret", server.url),
                          "headers": {"Content-Type": "video/quicktime", "Content-Length": file.bytes.len()}});
    let target = Target::from_metadata(&metadata, Plan::Single, &server.url).unwrap();
    upload(file, target, server).await
}

/// An upload in parts.
async fn in_parts(file: &File, server: &Server) -> Going {
    let plan = Plan::for_size(file.bytes.len() as u64).unwrap();
    let Plan::Parts { count, .. } = plan else { panic!("small file") };
    let urls: Vec<_> = (1..=count)
        .map(|number| json!({"part_number": number, "signed_url": format!("{}part/{number}?sig=secret", server.url)}))
        .collect();
    let metadata = json!({"upload_id": "u1", "urls": urls});
    upload(file, Target::from_metadata(&metadata, plan, &server.url).unwrap(), server).await
}

fn stored(etag: &str) -> Answer {
    answer(200, "").with("ETag", etag)
}

/// Does the acts one after the other for each address, and then answers with the right ETag of that part of the file.
async fn store(file: &File, acts: Vec<Act>) -> Server {
    let tries: Mutex<HashMap<String, usize>> = Mutex::default();
    let bytes = file.bytes.clone();
    Server::deciding(move |request| {
        let mut tries = tries.lock();
        let count = tries.entry(request.line.clone()).or_default();
        *count += 1;
        acts.get(*count - 1)
            .cloned()
            .unwrap_or_else(|| Act::Answer(stored(&format!("\"{}\"", md5_hex(part(request, &bytes))))))
    })
    .await
}

fn part_number(request: &Request) -> Option<u32> {
    request.line.strip_prefix("PUT /part/")?.split('?').next()?.parse().ok()
}

fn part<'a>(request: &Request, bytes: &'a [u8]) -> &'a [u8] {
    let Some(number) = part_number(request) else { return bytes };
    bytes.chunks(8 << 20).nth(number as usize - 1).unwrap()
}

/// What was received in the end: of each address the last body.
fn received(server: &Server) -> Vec<u8> {
    let mut last: Vec<(Option<u32>, Vec<u8>)> = Vec::new();
    for request in server.seen() {
        last.retain(|(number, _)| *number != part_number(&request));
        last.push((part_number(&request), request.body));
    }
    last.sort();
    last.into_iter().flat_map(|(_, body)| body).collect()
}

fn assert_all_sent(progress: &Progress, file: &File) {
    assert_eq!((progress.sent(), progress.total()), (file.bytes.len() as u64, file.bytes.len() as u64));
}

async fn fails_with(act: Act) -> (Error, Server, Arc<Progress>) {
    let file = file(WHOLE);
    let server = Server::acting([act]).await;
    let upload = whole(&file, &server).await;
    let error = upload.run().await.expect_err("an error");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    (error, server, upload.progress)
}

#[tokio::test]
async fn a_whole_file_arrives_with_the_headers_that_were_handed_out_and_no_others() {
    let file = file(WHOLE);
    let server = store(&file, vec![]).await;
    let upload = whole(&file, &server).await;
    assert_eq!(upload.run().await.unwrap(), Uploaded { verified: true, ..Uploaded::default() });
    assert!(received(&server) == file.bytes);
    assert_all_sent(&upload.progress, &file);

    let request = server.seen().remove(0);
    assert_eq!(request.line, "PUT /object?X-Amz-Signature=secret HTTP/1.1");
    let mut headers: Vec<_> =
        request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str())).collect();
    headers.sort();
    let host = format!("127.0.0.1:{}", server.url.port().unwrap());
    let length = file.bytes.len().to_string();
    let expected =
        [("accept", "*/*"), ("content-length", &length), ("content-type", "video/quicktime"), ("host", &host)];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value)));
}

#[tokio::test]
async fn parts_arrive_each_at_its_address_and_their_etags_are_told_in_order() {
    let file = file(IN_PARTS);
    let server = store(&file, vec![]).await;
    let upload = in_parts(&file, &server).await;
    let uploaded = upload.run().await.unwrap();
    let etags: Vec<_> = (1..).zip(file.bytes.chunks(8 << 20)).map(|(number, part)| (number, md5_hex(part))).collect();
    assert_eq!(
        uploaded,
        Uploaded { upload_id: Some("u1".to_owned()), parts: etags, verified: true, ..Uploaded::default() }
    );
    assert!(received(&server) == file.bytes);
    assert_all_sent(&upload.progress, &file);
    assert!(server.seen().iter().all(|request| request.header("content-type").is_none()));
}

#[tokio::test]
async fn parts_are_under_way_at_the_same_time() {
    let file = file(IN_PARTS);
    let server = Server::acting([Act::Stall(0)]).await;
    let upload = in_parts(&file, &server).await;
    let running = tokio::spawn(async move { upload.run().await });
    while server.seen().len() < 3 && !running.is_finished() {
        tokio::task::yield_now().await;
    }
    let mut parts: Vec<_> = server.seen().iter().map(part_number).collect();
    parts.sort();
    assert_eq!(parts, [Some(1), Some(2), Some(3)]);
    running.abort();
}

#[tokio::test]
async fn a_refusal_is_told_without_retries_also_when_it_comes_before_the_bytes() {
    let denied = answer(403, "<Error><Code>AccessDenied</Code><Message>No</Message></Error>");
    let expired = answer(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
    for (act, code) in [
        (Act::Answer(denied.clone()), Code::StorageRefused),
        (Act::AnswerEarly(denied), Code::StorageRefused),
        (Act::Answer(expired.clone()), Code::StorageExpired),
        (Act::AnswerEarly(expired), Code::StorageExpired),
        (Act::AnswerEarly(answer(400, "")), Code::StorageRefused),
        (
            Act::Answer(answer(307, "").with("Location", "https://elsewhere.example/?token=secret")),
            Code::StorageRefused,
        ),
    ] {
        let (error, server, progress) = fails_with(act.clone()).await;
        assert_eq!(error.code, code, "{act:?}");
        // What is wrong with an address may be right with another, which is asked for once.
        let is_address = error.details.http_status == Some(403);
        assert_eq!(server.seen().len(), 1 + usize::from(is_address), "{act:?}");
        assert_eq!(progress.sent(), 0);
    }
}

#[tokio::test]
async fn dropping_an_upload_closes_its_connection_and_takes_its_bytes_back() {
    let file = file(16 << 20);
    let server = Server::acting([Act::Stall(200_000)]).await;
    let upload = whole(&file, &server).await;
    let progress = upload.progress.clone();
    let running = tokio::spawn(async move { upload.run().await });
    while progress.sent() == 0 {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    server.client_left.notified().await;
    assert_eq!(progress.sent(), 0);
}

#[tokio::test]
async fn a_file_that_changes_meanwhile_is_not_taken_for_the_one_that_was_checked() {
    let shorter = file(WHOLE);
    let server = store(&shorter, vec![]).await;
    let upload = whole(&shorter, &server).await;
    std::fs::File::options().write(true).open(&shorter.path).unwrap().set_len(1000).unwrap();
    assert_eq!(upload.run().await.unwrap_err().code, Code::FileChanged);
    // The bytes that were there may have gone; the rest was not made up.
    assert!(server.seen().iter().all(|request| request.body.len() < WHOLE));

    let longer = file(WHOLE);
    let server = store(&longer, vec![]).await;
    let upload = whole(&longer, &server).await;
    std::fs::write(&longer.path, vec![0; WHOLE + 1]).unwrap();
    assert_eq!(upload.run().await.unwrap_err().code, Code::FileChanged);
}
