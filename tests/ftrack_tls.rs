//! Whose certificates are believed, over real TLS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

mod ftrack_support;
#[path = "ftrack_support/tls.rs"]
mod tls;

use ftrack_support::{Act, Lines, Server, answer, config};
use ftreview::ftrack::{Client, Config, Operation};
use ftreview::session::log::Log;
use ftreview::session::{Code, Error};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tls::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// Years in which the tests are run.
const VALID: (i32, i32) = (2020, 2100);

async fn server(authority: &Authority, name: &str, years: (i32, i32)) -> Server {
    let act = Act::Answer(answer(200, json!([{"version": "4.14"}])));
    Server::start(Arc::new(move |_| act.clone()), Some(authority.server(name, years))).await
}

async fn call(config: Config) -> Result<(), Error> {
    Client::new(config, Log::silent()).call(&[Operation::query_server_information(&[])]).await.map(drop)
}

#[tokio::test]
async fn a_private_authority_is_refused_with_the_remedy_and_nothing_is_sent() {
    let authority = Authority::new();
    let server = server(&authority, "127.0.0.1", VALID).await;
    let error = call(config(&server.url)).await.unwrap_err();
    assert_eq!(error.code, Code::Tls);
    assert!(error.message.contains("ca_file") && error.message.contains("SSL_CERT_FILE"), "{error}");
    assert!(!error.details.outcome_unknown);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_an_option_or_the_environment_names_it() {
    let authority = Authority::new();
    let server = server(&authority, "127.0.0.1", VALID).await;
    let file = authority.ca_file();
    let folder = file.parent().unwrap().as_os_str().to_owned();

    let mut by_option = config(&server.url);
    by_option.ca_file = Some(file.clone());
    let mut by_file = config(&server.url);
    by_file.environment.ssl_cert_file = Some(file.clone().into());
    let mut by_folder = config(&server.url);
    by_folder.environment.ssl_cert_dir = Some(folder);
    let mut by_bundle = config(&server.url);
    by_bundle.environment.requests_ca_bundle = Some(file.into());
    for config in [by_option, by_file, by_folder, by_bundle] {
        call(config).await.unwrap();
    }
}

#[tokio::test]
async fn a_variable_that_names_no_file_is_a_warning_beside_an_option_that_does() {
    let authority = Authority::new();
    let server = server(&authority, "127.0.0.1", VALID).await;
    let mut config = config(&server.url);
    config.ca_file = Some(authority.ca_file());
    // What ftrack Connect sets where Python knows no certificate file.
    config.environment.ssl_cert_file = Some("None".into());
    let lines = Lines::default();
    Client::new(config, lines.log()).call(&[Operation::query_server_information(&[])]).await.unwrap();
    assert!(lines.text().contains("SSL_CERT_FILE is not used"), "{}", lines.text());
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_read_is_an_error_of_every_call() {
    let mut config = config(&Url::parse("https://127.0.0.1:1").unwrap());
    config.ca_file = Some("missing/studio.pem".into());
    let client = Client::new(config, Log::silent());
    for _ in 0..2 {
        let error = client.call(&[]).await.unwrap_err();
        assert_eq!(error.code, Code::CaFile);
        assert!(error.message.contains("missing/studio.pem"), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_or_another_time_says_so() {
    let authority = Authority::new();
    for (name, years, words) in [
        ("other.example", VALID, "another name (other.example)"),
        ("127.0.0.1", (2020, 2021), "expired"),
        ("127.0.0.1", (2099, 2100), "not valid yet"),
    ] {
        let server = server(&authority, name, years).await;
        let mut config = config(&server.url);
        config.ca_file = Some(authority.ca_file());
        let error = call(config).await.unwrap_err();
        assert_eq!(error.code, Code::Tls);
        assert!(error.message.contains(words), "{words}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_never_finishes_the_handshake_is_unreachable_after_the_time_to_connect() {
    // Connections wait in its backlog for ever.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&Url::parse(&format!("https://{}", silent.local_addr().unwrap())).unwrap());
    config.connect_timeout = Duration::from_millis(100);
    let error = call(config).await.unwrap_err();
    assert_eq!(error.code, Code::Unreachable);
    assert!(error.message.contains("nothing answered within 0.1 s"), "{error}");
}

#[tokio::test]
async fn http_and_https_taken_for_each_other_are_told_apart_from_a_bad_certificate() {
    // What web servers say to TLS on a plain port.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let as_https = Url::parse(&format!("https://{}", plain.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap_or_default();
    });
    let error = call(config(&as_https)).await.unwrap_err();
    assert_eq!(error.code, Code::Tls);
    assert!(error.message.contains("does not speak TLS"), "{error}");

    let secure = server(&Authority::new(), "127.0.0.1", VALID).await;
    let as_http = Url::parse(&secure.url.as_str().replace("https:", "http:")).unwrap();
    let error = call(config(&as_http)).await.unwrap_err();
    assert_eq!(error.code, Code::WrongServer, "{error}");
    assert!(error.message.contains("http or https"), "{error}");
}
