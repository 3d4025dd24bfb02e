//! What a session tells of its server, and what it never tells.

use super::ftrack_support::{Act, Server, answer};
use super::host::{Publish, Session, Staging, example, last_error, session_options, text};
use super::tls::Authority;
use ftreview::ffi::constants::*;
use ftreview::ffi::types::{ftr_session, ftr_session_options};
use ftreview::ffi::{
    ftr_session_create, ftr_session_server_information, ftr_session_server_version, ftr_session_status,
    ftr_session_wait_ready,
};
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use serde_json::{Value, json};
use std::ffi::{CStr, CString};
use std::ptr::null;
use std::sync::Arc;

/// Texts of options, kept while they are pointed to.
#[derive(Default)]
struct Options {
    url: String,
    proxy: Option<String>,
    ca_file: Option<String>,
    headers: Option<String>,
    cookies: Option<String>,
}

impl Options {
    fn to(url: &str) -> Options {
        Options { url: url.to_owned(), ..Options::default() }
    }

    fn create(&self) -> Session {
        let pointer = |text: &Option<CString>| text.as_ref().map_or(null(), |text| text.as_ptr());
        let optional = |value: &Option<String>| value.as_deref().map(text);
        let [url, user, key] = [&*self.url, DEMO_USER, DEMO_KEY].map(text);
        let [proxy, ca_file, headers, cookies] =
            [&self.proxy, &self.ca_file, &self.headers, &self.cookies].map(optional);
        let options = ftr_session_options {
            server_url: url.as_ptr(),
            api_user: user.as_ptr(),
            api_key: key.as_ptr(),
            proxy: pointer(&proxy),
            ca_file: pointer(&ca_file),
            headers: pointer(&headers),
            cookies: pointer(&cookies),
            log_level: FTR_LOG_TRACE,
            ..session_options()
        };
        let mut session = 0;
        // SAFETY: the texts outlive the call.
        assert_eq!(unsafe { ftr_session_create(&options, &mut session) }, FTR_OK, "{}", last_error());
        Session(session)
    }
}

#[test]
fn a_ready_session_tells_the_servers_version_and_information() {
    let staging = Staging::start();
    let session = staging.session();
    assert_eq!(ftr_session_wait_ready(session.0, FTR_NO_TIMEOUT), FTR_OK);
    assert_eq!(status(session.0), FTR_STATUS_READY);
    let (mut version, mut information) = (null(), null());
    // SAFETY: variables, and texts that are valid until the session is freed.
    let (version, information) = unsafe {
        assert_eq!(ftr_session_server_version(session.0, &mut version), FTR_OK);
        assert_eq!(ftr_session_server_information(session.0, &mut information), FTR_OK);
        (CStr::from_ptr(version).to_str().unwrap(), CStr::from_ptr(information).to_str().unwrap())
    };
    let information: Value = serde_json::from_str(information).unwrap();
    assert_eq!(information["version"], json!(version));
    assert_eq!(information["user_information"]["username"], json!(DEMO_USER));
}

#[test]
fn an_untrusted_certificate_a_dead_proxy_and_a_missing_ca_file_are_told_apart() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let authority = Authority::new();
    let act = Act::Answer(answer(200, json!([{"version": "4.14"}])));
    let tls = Some(authority.server("127.0.0.1", (2020, 2100)));
    let server = runtime.block_on(Server::start(Arc::new(move |_| act.clone()), tls));
    let url = server.url.as_str();
    let trusting = Options { ca_file: Some(authority.ca_file().to_str().unwrap().into()), ..Options::to(url) };
    let dead_proxy = Options { proxy: Some("http://me:pass-word@127.0.0.1:1".into()), ..Options::to(url) };
    let no_ca_file = Options { ca_file: Some("/nowhere/studio.pem".into()), ..Options::to(url) };
    for (options, code, expected, named) in [
        (Options::to(url), Code::Tls as i32, FTR_STATUS_TLS_FAILED, "ca_file"),
        (trusting, FTR_OK, FTR_STATUS_READY, ""),
        (dead_proxy, Code::Proxy as i32, FTR_STATUS_PROXY_FAILED, "127.0.0.1:1"),
        (no_ca_file, Code::CaFile as i32, FTR_STATUS_MISCONFIGURED, "/nowhere/studio.pem"),
    ] {
        let session = options.create();
        assert_eq!(ftr_session_wait_ready(session.0, 60_000), code, "{}", last_error());
        assert_eq!(status(session.0), expected);
        if code != FTR_OK {
            assert!(last_error().contains(named) && !last_error().contains("pass-word"), "{}", last_error());
        }
        let events = session.events();
        let told = events.iter().find(|event| event["event"] == "status").unwrap();
        assert_eq!((&told["status"], &told["error"]["code"]), (&json!(expected), &json!((code != 0).then_some(code))));
    }
}

#[test]
fn extra_headers_and_cookies_go_with_api_requests() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(Server::answering(json!([{"version": "4.14"}])));
    let options = Options {
        headers: Some("{\"X-Studio\": \"lyon\"}".into()),
        cookies: Some("{\"gate\": \"open-sesame\"}".into()),
        ..Options::to(server.url.as_str())
    };
    let session = options.create();
    assert_eq!(ftr_session_wait_ready(session.0, 60_000), FTR_OK);
    let request = &server.seen()[0];
    assert_eq!(request.header("x-studio"), Some("lyon"));
    assert_eq!(request.header("cookie"), Some("gate=open-sesame"));
    assert_eq!((request.header("ftrack-user"), request.header("ftrack-api-key")), (Some(DEMO_USER), Some(DEMO_KEY)));
}

/// The staging server's storage refuses requests that carry a key, so what succeeds has sent none there.
#[test]
fn no_event_of_a_whole_publish_holds_the_key_or_an_upload_address() {
    let staging = Staging::start();
    let session = staging.session();
    let publish = Publish::of(example("review.mp4"), "demo/sq010/sh010/compositing");
    session.publish(&publish).done();
    session.publish(&Publish { context: Some(DEMO_KEY.into()), ..publish });
    let told = format!("{:?}", session.events());
    assert!(told.contains("get_upload_metadata"), "the log tells requests: {told}");
    for secret in [DEMO_KEY, "/storage", "signature", "expires"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}

fn status(session: ftr_session) -> i32 {
    let mut status = 0;
    // SAFETY: a variable.
    assert_eq!(unsafe { ftr_session_status(session, &mut status) }, FTR_OK);
    status
}
