//! Files to endpoints: what arrives there, what comes back, and where the key goes.

use super::ftrack_support::{Act, KEY, Request, Server, answer};
use super::host::{Ended, Session, Upload, file, noise};
use ftreview::ffi::constants::*;
use ftreview::session::Code;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Runtime;

pub const USER: &str = "ada@studio.example";

/// A server with an endpoint at /studio/review, on a runtime of its own. Everything else is answered as an API would.
pub struct Studio {
    pub server: Server,
    pub folder: tempfile::TempDir,
    // The server runs on it.
    _runtime: Runtime,
}

impl Studio {
    /// The endpoint does one act a request, in this order, and the last one for all after it.
    pub fn acting(acts: impl IntoIterator<Item = Act>) -> Studio {
        let acts: Vec<Act> = acts.into_iter().collect();
        let next = AtomicUsize::new(0);
        Self::deciding(move |_| acts[next.fetch_add(1, Ordering::SeqCst).min(acts.len() - 1)].clone())
    }

    pub fn deciding(decide: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Studio {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let api = |request: &Request| request.line.starts_with("POST /api");
        let server = runtime.block_on(Server::deciding(move |request| match api(request) {
            true => Act::Answer(answer(200, json!([{"version": "4.13.8"}]))),
            false => decide(request),
        }));
        Studio { _runtime: runtime, server, folder: tempfile::tempdir().unwrap() }
    }

    pub fn session(&self) -> Session {
        Session::create(self.server.url.as_str(), USER, KEY)
    }

    /// A file of so many bytes.
    pub fn movie(&self, size: usize) -> Upload {
        Upload::of(file(self.folder.path(), "comp_v003.mov", &noise(size)), "/studio/review")
    }

    /// What came to the endpoint.
    pub fn posts(&self) -> Vec<Request> {
        self.server.seen().into_iter().filter(|request| !request.line.starts_with("POST /api")).collect()
    }
}

/// The parts of a form: head and body of each.
pub fn parts(request: &Request) -> Vec<(String, Vec<u8>)> {
    let content_type = request.header("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = &request.body;
    let mark = format!("\r\n--{boundary}");
    let mark = mark.as_bytes();
    // As if a line stood before the first boundary, too.
    let body = [b"\r\n", &body[..]].concat();
    let mut starts: Vec<usize> =
        (0..body.len() - mark.len() + 1).filter(|at| body[*at] == b'\r' && body[*at..].starts_with(mark)).collect();
    let last = starts.pop().unwrap();
    assert_eq!(&body[last + mark.len()..], b"--\r\n", "the end of the form");
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([last]).collect();
    let part = |(start, end): (usize, usize)| {
        let part = &body[start + mark.len() + 2..end];
        let at = part.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        (String::from_utf8(part[..at].to_vec()).unwrap(), part[at + 4..].to_vec())
    };
    starts.into_iter().zip(ends).map(part).collect()
}

#[test]
fn a_file_arrives_whole_in_a_form_after_its_fields_and_the_answer_comes_back() {
    let studio = Studio::acting([Act::Answer(answer(201, json!({"review_id": 17, "message": "obrigado"})))]);
    let session = studio.session();
    let bytes = noise(5_000_001);
    let path = file(studio.folder.path(), "größe \"1\".mov", &bytes);
    let upload = Upload {
        fields: Some(json!({"shot": "sh010", "tags": ["a", "b"], "note": "one\ntwo"}).to_string()),
        headers: Some(json!({"X-Studio": "lyon"}).to_string()),
        ..Upload::of(path, "/studio/review?project=demo#top")
    };
    let ended = session.uploaded(&upload).done();
    assert_eq!((ended.http_status, ended.warnings.len()), (201, 0));
    assert_eq!(serde_json::from_str::<Value>(&ended.answer).unwrap()["review_id"], 17);
    let posts = studio.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].line, "POST /studio/review?project=demo HTTP/1.1");
    assert_eq!(posts[0].header("content-length").unwrap(), posts[0].body.len().to_string());
    assert_eq!(posts[0].header("transfer-encoding"), None);
    assert_eq!(posts[0].header("expect"), None);
    assert_eq!((posts[0].header("ftrack-user"), posts[0].header("ftrack-api-key")), (Some(USER), Some(KEY)));
    assert_eq!(posts[0].header("x-studio"), Some("lyon"));
    let parts = parts(&posts[0]);
    let field = |name: &str, value: &str| {
        (format!("Content-Disposition: form-data; name=\"{name}\""), value.as_bytes().to_vec())
    };
    assert_eq!(
        parts[..4],
        [field("shot", "sh010"), field("tags", "a"), field("tags", "b"), field("note", "one\r\ntwo")]
    );
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"größe %221%22.mov\"\r\nContent-Type: video/quicktime";
    assert_eq!(parts[4].0, head);
    assert!(parts[4].1 == bytes, "the file's own bytes");
    // Told before the end, and never more than the file.
    let progress: Vec<Value> =
        session.events().into_iter().filter(|event| event["kind"] == FTR_EVENT_PROGRESS).collect();
    let last = &progress.last().unwrap()["progress"];
    assert_eq!((&last["bytes_done"], &last["bytes_stored"]), (&json!(5_000_001), &json!(5_000_001)));
    assert!(progress.iter().all(|event| event["progress"]["bytes_done"].as_u64() <= Some(5_000_001)));
}

#[test]
fn field_name_and_kind_of_the_file_and_the_method_are_what_the_caller_says() {
    let studio = Studio::acting([Act::Answer(answer(200, "thanks"))]);
    let upload = Upload {
        file_field: Some("media".into()),
        file_name: Some("review.bin".into()),
        content_type: Some("application/x-studio".into()),
        flags: FTR_HTTP_UPLOAD_PUT,
        ..studio.movie(10)
    };
    assert_eq!(studio.session().uploaded(&upload).done().answer, "thanks");
    let posts = studio.posts();
    assert!(posts[0].line.starts_with("PUT "), "{}", posts[0].line);
    let head =
        "Content-Disposition: form-data; name=\"media\"; filename=\"review.bin\"\r\nContent-Type: application/x-studio";
    assert_eq!(parts(&posts[0])[0].0, head);
}

#[test]
fn a_large_file_goes_through_one_block_of_memory() {
    let studio = Studio::acting([Act::Answer(answer(200, "{}"))]);
    let upload = studio.movie(40 << 20);
    let session = Session::with(studio.server.url.as_str(), USER, KEY, |options| {
        options.upload_memory_bytes = FTR_BLOCK_SIZE;
    });
    session.uploaded(&upload).done();
    assert!(parts(&studio.posts()[0])[0].1 == noise(40 << 20));
}

#[test]
fn a_servers_path_stands_before_the_endpoints_and_a_whole_url_is_taken_as_it_is() {
    let studio = Studio::acting([Act::Answer(answer(200, "{}"))]);
    let below = format!("{}ftrack/", studio.server.url);
    let session = Session::create(&below, USER, KEY);
    session.uploaded(&studio.movie(10)).done();
    let whole = Upload { endpoint: format!("{}studio/review", studio.server.url), ..studio.movie(10) };
    session.uploaded(&whole).done();
    let lines: Vec<String> =
        studio.posts().into_iter().map(|post| post.line).filter(|line| line.contains("studio")).collect();
    assert_eq!(lines, ["POST /ftrack/studio/review HTTP/1.1", "POST /studio/review HTTP/1.1"]);
}

#[test]
fn the_key_goes_to_no_other_origin_whatever_the_address_or_the_callers_headers_say() {
    let studio = Studio::acting([Act::Answer(answer(200, "{}"))]);
    let other = Studio::acting([Act::Answer(answer(200, "{}"))]);
    let session = studio.session();
    let port = studio.server.url.port().unwrap();
    for foreign in [
        other.server.url.join("/studio/review").unwrap().to_string(),
        format!("https://127.0.0.1:{port}/studio/review"),
        format!("http://localhost:{port}/studio/review"),
        format!("http://127.0.0.1.evil.example:{port}/studio/review"),
        "http://127.0.0.1/studio/review".to_owned(),
    ] {
        let refused = session.http_upload(&Upload { endpoint: foreign.clone(), ..studio.movie(10) }).err().unwrap();
        assert_eq!(refused.0, Code::ForeignOrigin as i32, "{foreign}: {}", refused.1);
        assert!(refused.1.contains("FTR_HTTP_UPLOAD_NO_AUTH"), "{}", refused.1);
    }
    for odd in [
        "//127.0.0.1:1/x".to_owned(),
        "/\\127.0.0.1:1/x".to_owned(),
        format!("http://user:password@127.0.0.1:{port}/x"),
        format!("/studio/review?apiKey={KEY}"),
        format!("/studio/review?apiKey={}", KEY.replace('-', "%2D")),
        format!("http://127.0.0.1:{port}/{KEY}"),
        "javascript:alert(1)".to_owned(),
    ] {
        // Below the server's own address, or not at all.
        match session.http_upload(&Upload { endpoint: odd.clone(), ..studio.movie(10) }) {
            Ok(job) => drop(job.wait()),
            Err((code, message)) => {
                assert!([Code::InvalidArgument as i32, Code::ForeignOrigin as i32].contains(&code), "{odd}: {message}");
                assert!(!message.contains(KEY), "{message}");
            }
        }
    }
    let told = |request: &Request| request.line.replace("%2D", "-").contains(KEY);
    assert!(!studio.server.seen().iter().any(told));
    let there = other.server.url.join("/studio/review").unwrap().to_string();
    let without = Upload { endpoint: there, flags: FTR_HTTP_UPLOAD_NO_AUTH, ..studio.movie(10) };
    for (fields, headers) in [
        (None, Some(json!({"Authorization": format!("Bearer {KEY}")}).to_string())),
        (Some(json!({"key": KEY}).to_string()), None),
        (Some(json!({KEY: "x"}).to_string()), None),
    ] {
        let refused = session.http_upload(&Upload { fields, headers, ..without.clone() }).err().unwrap();
        assert_eq!(refused.0, Code::ForeignOrigin as i32, "{}", refused.1);
        assert!(!refused.1.contains(KEY), "{}", refused.1);
    }
    assert!(other.posts().is_empty());
    session.uploaded(&without).done();
    let posts = other.posts();
    assert_eq!(posts.len(), 1);
    assert!(posts[0].headers.iter().all(|(name, value)| !name.starts_with("ftrack") && !value.contains(KEY)));
}

#[test]
fn cookies_and_headers_of_the_session_go_along_and_those_of_the_request_beside_them() {
    let studio = Studio::acting([Act::Answer(answer(200, "{}"))]);
    let (cookies, headers) = (super::host::text(r#"{"gateway": "in"}"#), super::host::text(r#"{"X-Site": "lyon"}"#));
    let session = Session::with(studio.server.url.as_str(), USER, KEY, |options| {
        options.cookies = cookies.as_ptr();
        options.headers = headers.as_ptr();
    });
    let upload = Upload { headers: Some(json!({"Cookie": "mine=1", "X-Own": "yes"}).to_string()), ..studio.movie(10) };
    session.uploaded(&upload).done();
    let posts = studio.posts();
    assert_eq!(posts[0].header("cookie"), Some("gateway=in; mine=1"));
    assert_eq!((posts[0].header("x-site"), posts[0].header("x-own")), (Some("lyon"), Some("yes")));
    assert!(posts[0].header("content-type").unwrap().starts_with("multipart/form-data"));
}

#[test]
fn an_answer_that_repeats_the_key_does_not_show_it_and_nothing_of_the_job_does() {
    let studio = Studio::deciding(|request| Act::Answer(answer(200, format!("{:?}", request.headers))));
    let session = studio.session();
    let ended = session.uploaded(&studio.movie(100_000)).done();
    assert!(ended.answer.contains(USER) && ended.answer.contains("[hidden]"), "{}", ended.answer);
    assert!(!format!("{ended:?}{:?}", session.events()).contains(KEY));
}

#[test]
fn an_answer_that_is_too_large_or_breaks_off_is_a_warning_because_the_file_was_taken() {
    let large = answer(200, "x".repeat((1 << 20) + 1));
    let cut = answer(200, "{\"half\": ".repeat(100));
    for (act, word) in [(Act::Answer(large), "larger"), (Act::CutOff(cut), "broke off")] {
        let studio = Studio::acting([act]);
        let ended: Ended = studio.session().uploaded(&studio.movie(10)).done();
        assert_eq!((ended.http_status, ended.answer.as_str()), (200, ""));
        assert!(ended.warnings.iter().any(|warning| warning.contains(word)), "{:?}", ended.warnings);
        assert_eq!(studio.posts().len(), 1);
    }
}

#[test]
fn many_uploads_at_once_each_get_their_own_answer() {
    let studio = Studio::deciding(|request| Act::Answer(answer(200, request.line.clone())));
    let (session, movie) = (studio.session(), studio.movie(300_000));
    let jobs: Vec<_> = (0..20)
        .map(|number| {
            let upload = Upload { endpoint: format!("/studio/review?{number}"), ..movie.clone() };
            (number, session.http_upload(&upload).unwrap())
        })
        .collect();
    for (number, job) in jobs {
        assert_eq!(job.wait().done().answer, format!("POST /studio/review?{number} HTTP/1.1"));
    }
}
