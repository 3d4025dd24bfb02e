//! Through proxies, with and without a password, and past them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

mod ftrack_support;
#[path = "ftrack_support/tls.rs"]
mod tls;

use ftrack_support::{Act, KEY, Request, Server, answer, config, read_head};
use ftreview::ftrack::{Client, Config, Operation, ProxyChoice};
use ftreview::session::log::Log;
use ftreview::session::{Code, Error};
use parking_lot::Mutex;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tls::Authority;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// A proxy that only makes tunnels. It keeps the heads of requests for them.
struct Proxy {
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Proxy {
    /// With a password, which is the whole value of the header that it wants.
    async fn start(authorization: Option<&'static str>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let seen = proxy.seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tunnel(stream, authorization, seen.clone()));
            }
        });
        proxy
    }

    fn url(&self, user: &str) -> ProxyChoice {
        ProxyChoice::Url(format!("http://{user}127.0.0.1:{}", self.port).into())
    }
}

async fn tunnel(
    mut client: TcpStream,
    authorization: Option<&str>,
    seen: Arc<Mutex<Vec<Request>>>,
) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    let Some(request) = read_head(&mut client, &mut buffer).await? else { return Ok(()) };
    let allowed = authorization.is_none() || request.header("proxy-authorization") == authorization;
    let target = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
    let connect = request.line.starts_with("CONNECT ");
    seen.lock().push(request);
    if !allowed {
        return client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
    }
    match TcpStream::connect(target).await {
        Ok(mut server) if connect => {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
        }
        _ => client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await,
    }
}

async fn secure_server(authority: &Authority) -> (Server, Config) {
    let act = Act::Answer(answer(200, json!([{"version": "4.14"}])));
    let server = Server::start(Arc::new(move |_| act.clone()), Some(authority.server("127.0.0.1", (2020, 2100)))).await;
    let mut config = config(&server.url);
    config.ca_file = Some(authority.ca_file());
    (server, config)
}

async fn call(config: Config) -> Result<(), Error> {
    Client::new(config, Log::silent()).call(&[Operation::query_server_information(&[])]).await.map(drop)
}

#[tokio::test]
async fn a_call_goes_through_the_proxy_which_sees_nothing_but_the_address() {
    let authority = Authority::new();
    let (server, mut config) = secure_server(&authority).await;
    let proxy = Proxy::start(None).await;
    config.proxy = proxy.url("");
    call(config).await.unwrap();
    assert_eq!(server.seen()[0].header("ftrack-api-key"), Some(KEY));
    let seen = proxy.seen.lock().clone();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line, format!("CONNECT 127.0.0.1:{} HTTP/1.1", server.url.port().unwrap()));
    assert!(!format!("{seen:?}").contains(KEY) && !format!("{seen:?}").contains("ftrack"), "{seen:?}");
}

#[tokio::test]
async fn a_password_reaches_the_proxy_decoded_and_no_message() {
    // ada:p@ss/word
    let wanted = "Basic YWRhOnBAc3Mvd29yZA==";
    let authority = Authority::new();
    let proxy = Proxy::start(Some(wanted)).await;

    let (server, mut config) = secure_server(&authority).await;
    config.proxy = proxy.url("ada:p%40ss%2Fword@");
    call(config.clone()).await.unwrap();
    assert!(server.seen()[0].header("proxy-authorization").is_none());

    for user in ["", "ada:hunter2@"] {
        config.proxy = proxy.url(user);
        let error = call(config.clone()).await.unwrap_err();
        assert_eq!(error.code, Code::Proxy);
        assert_eq!(error.details.http_status, Some(407));
        assert!(error.message.contains(&format!("http://127.0.0.1:{}", proxy.port)), "{error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_plain_request_that_a_proxy_refuses_names_the_proxy_too() {
    let server = Server::answering(json!([{"version": "4.14"}])).await;
    let proxy = Proxy::start(Some("Basic none")).await;
    let mut config = config(&server.url);
    config.proxy = proxy.url("");
    let error = call(config).await.unwrap_err();
    assert_eq!(error.code, Code::Proxy);
    assert_eq!(error.details.http_status, Some(407));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_proxy_that_is_not_there_or_cannot_reach_the_server_is_the_proxys_error() {
    let authority = Authority::new();
    let (_, mut config) = secure_server(&authority).await;
    let free_port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();

    config.proxy = ProxyChoice::Url(format!("127.0.0.1:{}", free_port()).into());
    let error = call(config.clone()).await.unwrap_err();
    assert_eq!(error.code, Code::Proxy, "{error}");
    assert!(error.message.contains("cannot be reached"), "{error}");

    config.server_url.set_port(Some(free_port())).unwrap();
    config.proxy = Proxy::start(None).await.url("");
    let error = call(config).await.unwrap_err();
    assert_eq!(error.code, Code::Proxy, "{error}");
    assert!(error.message.contains("does not connect to"), "{error}");
}

#[tokio::test]
async fn the_environment_is_obeyed_unless_no_proxy_or_the_option_says_otherwise() {
    let authority = Authority::new();
    let (_, mut config) = secure_server(&authority).await;
    let proxy = Proxy::start(None).await;
    config.environment.https_proxy = Some(format!("http://127.0.0.1:{}", proxy.port).into());
    call(config.clone()).await.unwrap();
    assert_eq!(proxy.seen.lock().len(), 1);

    let mut direct = config.clone();
    direct.proxy = ProxyChoice::None;
    call(direct).await.unwrap();
    config.environment.no_proxy = Some("127.0.0.0/8".to_owned());
    call(config).await.unwrap();
    assert_eq!(proxy.seen.lock().len(), 1);
}

/// tinyproxy, as a program of its own.
struct Tinyproxy {
    process: std::process::Child,
    port: u16,
}

impl Tinyproxy {
    /// Starts it with a user and a password. Nothing where it is not installed.
    fn start() -> Option<Tinyproxy> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("tinyproxy.conf");
        let text = format!("Port {port}\nListen 127.0.0.1\nMaxClients 10\nLogLevel Info\nBasicAuth ada p4ss-w0rd\n");
        std::fs::write(&configuration, text).unwrap();
        let mut command = Command::new("tinyproxy");
        command.arg("-d").arg("-c").arg(&configuration).stdout(Stdio::piped());
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("{error}"),
        };
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        lines
            .find(|line| line.as_ref().unwrap().contains("Accepting connections"))
            .expect("a proxy that starts")
            .unwrap();
        // Goes on reading, so that the proxy's log finds a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Tinyproxy { process, port })
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test]
async fn a_real_proxy_lets_calls_through_with_its_password_and_not_without() {
    let Some(proxy) = Tinyproxy::start() else {
        return eprintln!("skipped: tinyproxy is not installed (the other tests here bring their own proxy)");
    };
    let through = |config: &Config, user: &str| {
        let url = format!("http://{user}127.0.0.1:{}", proxy.port);
        Config { proxy: ProxyChoice::Url(url.into()), ..config.clone() }
    };
    let authority = Authority::new();
    let (secure, secure_config) = secure_server(&authority).await;
    let plain = Server::answering(json!([{"version": "4.14"}])).await;
    for (server, config) in [(&secure, &secure_config), (&plain, &config(&plain.url))] {
        call(through(config, "ada:p4ss-w0rd@")).await.unwrap();
        assert_eq!(server.seen()[0].header("ftrack-api-key"), Some(KEY));
        assert!(server.seen()[0].header("proxy-authorization").is_none());
    }
    for user in ["", "ada:hunter2@"] {
        let error = call(through(&secure_config, user)).await.unwrap_err();
        assert_eq!(error.code, Code::Proxy, "{error}");
        assert!(error.message.contains("password") && !error.message.contains("hunter2"), "{error}");
    }
    assert_eq!(secure.seen().len(), 1);
}

#[tokio::test]
async fn the_event_hub_goes_through_the_proxys_tunnel_with_the_same_certificates() {
    let authority = Authority::new();
    // What the client sends is seen; whether it is welcome does not matter here.
    let decide = |request: &Request| match request.line.contains("/websocket/") {
        true => Act::Answer(answer(403, "no")),
        false => Act::Answer(answer(200, "place-1:15:10:websocket")),
    };
    let tls = authority.server("127.0.0.1", (2020, 2100));
    let server = Server::start(Arc::new(decide), Some(tls)).await;
    let proxy = Proxy::start(Some("Basic bWU6c2VjcmV0")).await;
    let mut config = config(&server.url);
    config.ca_file = Some(authority.ca_file());
    config.proxy = proxy.url("me:secret@");
    let client = Client::new(config, Log::silent());
    let answer = client.get_text("socket.io/1/").await.unwrap();
    assert_eq!(answer.text, "place-1:15:10:websocket");
    let error = client
        .open_web_socket("socket.io/1/websocket", "place-1", &[], std::time::Duration::from_secs(20))
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(error.details.http_status, Some(403), "{error}");
    assert!(proxy.seen.lock().iter().all(|request| request.line.starts_with("CONNECT ")));
    let seen = server.seen();
    assert_eq!(seen[1].header("upgrade"), Some("websocket"));
    assert_eq!(seen[1].header("ftrack-api-key"), Some(KEY));
}
