//! An HTTP server for tests, small enough to misbehave in every way that real ones do, and a client to send to it.
#![allow(dead_code)] // each test program uses its own part

use ftreview::ftrack::{Client, Config, Environment, ProxyChoice};
use ftreview::session::log::{Level, Line, Log, Sink};
use ftreview::session::secret::Redactor;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use url::Url;

pub const KEY: &str = "key-0123456789abcdef";

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    fn length(&self) -> usize {
        self.header("content-length").map_or(0, |length| length.parse().expect("a length"))
    }
}

/// What the server does with one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Reads the request and answers.
    Answer(Answer),
    /// Answers before the body was read, reads nothing of it and keeps the connection.
    AnswerEarly(Answer),
    /// Answers before the body was read, and closes: the operating system then resets the connection.
    AnswerAndLeave(Answer),
    /// Reads the request and closes the connection without an answer.
    Close,
    /// Reads so many bytes of the body and resets the connection.
    Reset(usize),
    /// Reads so many bytes of the body, then nothing more, and answers nothing.
    Stall(usize),
    /// Sends the head of the answer and half of its body, and closes.
    CutOff(Answer),
    /// Reads the request, sends this and closes.
    Raw(&'static str),
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

pub fn answer(status: u16, body: impl ToString) -> Answer {
    Answer { status, headers: Vec::new(), body: body.to_string() }
}

impl Answer {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn text(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = self.body.len();
        format!("HTTP/1.1 {} Test\r\n{headers}Content-Length: {length}\r\n\r\n{}", self.status, self.body)
    }
}

/// Decides what to do once the head of a request has arrived; the body is empty then.
pub type Decide = Arc<dyn Fn(&Request) -> Act + Send + Sync>;

/// A server on a port of its own, for as long as the test's runtime runs.
#[derive(Clone)]
pub struct Server {
    pub url: Url,
    pub requests: Arc<Mutex<Vec<Request>>>,
    /// Told when a client closes a connection that was stalled.
    pub client_left: Arc<Notify>,
}

impl Server {
    /// Does one act a request, in this order, and the last one for all after it.
    pub async fn acting(acts: impl IntoIterator<Item = Act>) -> Server {
        let acts = Mutex::new(acts.into_iter().collect::<VecDeque<_>>());
        Self::deciding(move |_| {
            let mut acts = acts.lock();
            if acts.len() > 1 { acts.pop_front().expect("an act") } else { acts[0].clone() }
        })
        .await
    }

    /// Answers everything with 200 and this JSON.
    pub async fn answering(json: serde_json::Value) -> Server {
        Self::acting([Act::Answer(answer(200, json))]).await
    }

    pub async fn deciding(decide: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Server {
        Self::start(Arc::new(decide), None).await
    }

    pub async fn start(decide: Decide, tls: Option<TlsAcceptor>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Server {
            url: Url::parse(&format!("{scheme}://127.0.0.1:{port}")).expect("a URL"),
            requests: Arc::default(),
            client_left: Arc::default(),
        };
        let running = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, decide, tls) = (running.clone(), decide.clone(), tls.clone());
                tokio::spawn(async move {
                    // A client that goes away is part of many tests.
                    let _ = match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => server.serve(stream, decide).await.map(drop),
                            Err(error) => Err(error),
                        },
                        None => server.serve(stream, decide).await.map(|stream| stream.map(reset).unwrap_or_default()),
                    };
                });
            }
        });
        server
    }

    pub fn seen(&self) -> Vec<Request> {
        self.requests.lock().clone()
    }

    /// Serves one connection. Gives the stream back if it is to be reset.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S, decide: Decide) -> io::Result<Option<S>> {
        let mut buffer = Vec::new();
        while let Some(mut request) = read_head(&mut stream, &mut buffer).await? {
            let act = decide(&request);
            let wanted = match &act {
                Act::AnswerEarly(_) | Act::AnswerAndLeave(_) => 0,
                Act::Reset(bytes) | Act::Stall(bytes) => request.length().min(*bytes),
                _ => request.length(),
            };
            while buffer.len() < wanted && stream.read_buf(&mut buffer).await? > 0 {}
            let rest = buffer.split_off(buffer.len().min(wanted));
            request.body = std::mem::replace(&mut buffer, rest);
            self.requests.lock().push(request);
            match act {
                Act::Answer(answer) => stream.write_all(answer.text().as_bytes()).await?,
                Act::AnswerEarly(answer) => {
                    stream.write_all(answer.text().as_bytes()).await?;
                    std::future::pending::<()>().await;
                }
                Act::AnswerAndLeave(answer) => {
                    stream.write_all(answer.text().as_bytes()).await?;
                    return Ok(None);
                }
                Act::Close => return Ok(None),
                Act::Reset(_) => return Ok(Some(stream)),
                Act::Stall(_) => {
                    // What is in the way of the end of the connection has to be read after all, at leisure.
                    let mut rest = [0; 4096];
                    while matches!(stream.read(&mut rest).await, Ok(1..)) {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    self.client_left.notify_one();
                    return Ok(None);
                }
                Act::Raw(text) => {
                    stream.write_all(text.as_bytes()).await?;
                    return Ok(None);
                }
                Act::CutOff(answer) => {
                    let text = answer.text();
                    let half = text.len() - answer.body.len() / 2;
                    stream.write_all(&text.as_bytes()[..half]).await?;
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }
}

fn reset(stream: TcpStream) {
    stream.set_zero_linger().expect("linger");
}

/// The head of the next request; what follows it stays in the buffer. Nothing at the end of the connection.
pub async fn read_head(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = buffer.split_off(end + 4);
            let head = String::from_utf8(std::mem::replace(buffer, rest)).expect("ASCII");
            let mut lines = head.split("\r\n");
            let line = lines.next().unwrap_or_default().to_owned();
            let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
            return Ok(Some(Request { line, headers: lines.filter_map(header).collect(), body: Vec::new() }));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// A configuration for a server on this machine, with nothing from the environment.
pub fn config(url: &Url) -> Config {
    Config {
        server_url: url.clone(),
        api_key: KEY.to_owned().into(),
        api_user: "ada@studio.example".to_owned(),
        timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(10),
        headers: Vec::new(),
        cookies: Vec::new(),
        proxy: ProxyChoice::Environment,
        ca_file: None,
        strict_api: true,
        client_token: "ftreview--1".to_owned(),
        environment: Environment::default(),
    }
}

pub fn client(url: &Url) -> Client {
    Client::new(config(url), Log::silent())
}

/// Log lines, kept.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    /// A log of everything that knows the key of these tests.
    pub fn log(&self) -> Log {
        Log::new(Level::Trace, Redactor::new([KEY.to_owned().into()]), Arc::new(self.clone()))
    }

    pub fn text(&self) -> String {
        self.0.lock().join("\n")
    }
}

impl Sink for Lines {
    fn line(&self, line: Line) {
        self.0.lock().push(line.message);
    }
}
