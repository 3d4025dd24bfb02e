//! An event hub that does what a test says, the wrong things too.

use crate::ftrack_support::{Request, read_head};
use crate::host::LIMIT;
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use url::Url;

/// What a server says to the n-th handshake, the first being 0.
#[derive(Clone, Debug)]
pub enum Greeting {
    /// A place on the hub: this line. No WebSocket ever opens for a place called "mute".
    Place(&'static str),
    /// This, status line and all, and the end of the connection.
    Raw(String),
    /// Nothing, and the end of the connection.
    Close,
    /// Nothing at all.
    Silence,
}

/// What most servers say.
pub const PLACE: Greeting = Greeting::Place("place-1:15:10:websocket,xhr-polling");

/// What happens on the n-th WebSocket.
pub type Talk = Arc<dyn Fn(usize, Line) -> BoxFuture<'static, ()> + Send + Sync>;

/// A running hub. Ends with the test's runtime.
#[derive(Clone)]
pub struct HubServer {
    pub url: Url,
    /// Heads of all requests.
    pub requests: Arc<Mutex<Vec<Request>>>,
    /// Packets of all connections, with the number of the connection.
    pub heard: Arc<Mutex<Vec<(usize, String)>>>,
    handshakes: Arc<AtomicUsize>,
    sockets: Arc<AtomicUsize>,
}

/// One WebSocket, from the server's side.
pub struct Line {
    pub number: usize,
    pub socket: WebSocketStream<TcpStream>,
    heard: Arc<Mutex<Vec<(usize, String)>>>,
}

impl HubServer {
    /// Greets and talks as the test says.
    pub async fn start(
        greet: impl Fn(usize) -> Greeting + Send + Sync + 'static,
        talk: impl Fn(usize, Line) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> HubServer {
        HubServer::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), greet, talk)
    }

    /// The same on a port that is known before.
    pub fn on(
        listener: TcpListener,
        greet: impl Fn(usize) -> Greeting + Send + Sync + 'static,
        talk: impl Fn(usize, Line) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> HubServer {
        let address = listener.local_addr().unwrap();
        let server = HubServer {
            url: Url::parse(&format!("http://{address}")).unwrap(),
            requests: Arc::default(),
            heard: Arc::default(),
            handshakes: Arc::default(),
            sockets: Arc::default(),
        };
        let (running, greet, talk) = (server.clone(), Arc::new(greet), Arc::new(talk) as Talk);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, greet, talk) = (running.clone(), greet.clone(), talk.clone());
                tokio::spawn(async move {
                    // A client that goes away is part of many tests.
                    let _ = server.serve(stream, &*greet, talk).await;
                });
            }
        });
        server
    }

    /// A hub that does everything right.
    pub async fn well_behaved() -> HubServer {
        HubServer::start(|_| PLACE, |_, line| Box::pin(line.serve())).await
    }

    /// How many handshakes there were.
    pub fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }

    /// The events that came on a connection.
    pub fn events(&self, connection: usize) -> Vec<Value> {
        let heard = self.heard.lock();
        heard
            .iter()
            .filter(|(number, _)| *number == connection)
            .filter_map(|(_, text)| event(text))
            .map(|(_, event)| event)
            .collect()
    }

    async fn serve(
        &self,
        mut stream: TcpStream,
        greet: &(impl Fn(usize) -> Greeting + ?Sized),
        talk: Talk,
    ) -> std::io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(request) = read_head(&mut stream, &mut buffer).await? {
            self.requests.lock().push(request.clone());
            if request.line.starts_with("GET /socket.io/1/websocket/mute") {
                tokio::time::sleep(LIMIT).await;
            } else if request.line.starts_with("GET /socket.io/1/websocket/") {
                let key = derive_accept_key(request.header("sec-websocket-key").unwrap_or_default().as_bytes());
                let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
                stream.write_all(format!("{head}Sec-WebSocket-Accept: {key}\r\n\r\n").as_bytes()).await?;
                let number = self.sockets.fetch_add(1, Ordering::SeqCst);
                let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
                talk(number, Line { number, socket, heard: self.heard.clone() }).await;
                return Ok(());
            }
            match greet(self.handshakes.fetch_add(1, Ordering::SeqCst)) {
                Greeting::Place(line) => {
                    let length = line.len();
                    let head = format!("HTTP/1.1 200 OK\r\nSet-Cookie: server=b2; Path=/\r\nContent-Length: {length}");
                    stream.write_all(format!("{head}\r\n\r\n{line}").as_bytes()).await?;
                }
                Greeting::Raw(text) => return stream.write_all(text.as_bytes()).await,
                Greeting::Close => return Ok(()),
                Greeting::Silence => tokio::time::sleep(LIMIT).await,
            }
        }
        Ok(())
    }
}

/// What keeps a hub from greeting before the test has seen that the first connection is gone: of several
/// statuses in a row a host is told the latest.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// One that is closed.
    pub fn new() -> Gate {
        Gate(Arc::new(Semaphore::new(0)))
    }

    /// The greetings that it holds back may come.
    pub fn open(&self) {
        self.0.add_permits(1);
    }

    /// A hub that does everything right, once the gate is open.
    pub fn serve(&self, line: Line) -> BoxFuture<'static, ()> {
        let gate = self.clone();
        Box::pin(async move {
            drop(gate.0.acquire().await);
            line.serve().await;
        })
    }
}

/// Lets `first` talk on the first WebSocket, and a hub that does everything right on those after it, once the gate is open.
pub fn gated(
    first: impl Fn(Line) -> BoxFuture<'static, ()> + Send + Sync + 'static,
) -> (Gate, impl Fn(usize, Line) -> BoxFuture<'static, ()> + Send + Sync + 'static) {
    let gate = Gate::new();
    let (passed, opened) = (AtomicBool::new(false), gate.clone());
    let talk = move |_, line: Line| -> BoxFuture<'static, ()> {
        match passed.swap(true, Ordering::SeqCst) {
            false => first(line),
            true => opened.serve(line),
        }
    };
    (gate, talk)
}

impl Line {
    /// Sends a packet. Whether the client is still there is another's business.
    pub async fn say(&mut self, packet: &str) {
        let _ = self.socket.send(Message::text(packet)).await;
    }

    /// The next packet; nothing when the client has gone.
    pub async fn hear(&mut self) -> Option<String> {
        loop {
            if let Message::Text(text) = self.socket.next().await?.ok()? {
                self.heard.lock().push((self.number, text.to_string()));
                return Some(text.to_string());
            }
        }
    }

    /// Hears until the packet is what `wanted` says.
    pub async fn hear_until(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        loop {
            let text = self.hear().await?;
            if wanted(&text) {
                return Some(text);
            }
        }
    }

    /// Greets, acknowledges every event and sends published ones back, until the client has gone.
    pub async fn serve(mut self) {
        self.say("1::").await;
        self.go_on().await;
    }

    /// The same without the greeting.
    pub async fn go_on(mut self) {
        while let Some(text) = self.hear().await {
            let Some((number, event)) = event(&text) else { continue };
            self.say(&format!("6:::{number}+[{{\"success\":true}}]")).await;
            if !event["topic"].as_str().unwrap_or_default().starts_with("ftrack.meta.s") {
                self.say(&packet(&event)).await;
            }
        }
    }
}

/// An event, as a server sends it.
pub fn packet(event: &Value) -> String {
    format!("5:::{}", json!({"name": "ftrack.event", "args": [event]}))
}

/// An event as a client sends it: its number and itself.
pub fn event(text: &str) -> Option<(u64, Value)> {
    let (number, rest) = text.strip_prefix("5:")?.split_once("+::")?;
    let packet: Value = serde_json::from_str(rest).ok()?;
    Some((number.parse().ok()?, packet["args"][0].clone()))
}
