//! HTTP/1.1 written by hand, because no library would break its rules: requests come in, meet their faults, and what is
//! left of them goes to the store.

use super::fault::{Fault, Moment, Reply};
use super::store::{Aim, Place, Store};
use parking_lot::Mutex;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use url::Url;

/// Small, so that a body that is not read soon stays with its sender.
const RECEIVE_BUFFER: u32 = 64 << 10;

/// A storage that listens until it is dropped.
pub struct Server {
    pub store: Arc<Store>,
    connections: Arc<AtomicU64>,
    running: Mutex<JoinSet<()>>,
    late: Mutex<Option<TcpSocket>>,
    tls: Option<TlsAcceptor>,
}

/// What becomes of the connection after a request.
enum After {
    Keep,
    Close,
    Reset,
    Silence,
}

struct Head {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
}

struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Server {
    /// A storage of which everything may be asked at once.
    pub async fn start() -> Server {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Store)) -> Server {
        let socket = socket();
        let mut store = Store::new(url(socket.local_addr().unwrap()));
        change(&mut store);
        Self::listening(store, socket, None, None)
    }

    /// A storage to which everything is encrypted.
    pub async fn encrypted(tls: TlsAcceptor) -> Server {
        let socket = socket();
        let mut url = url(socket.local_addr().unwrap());
        url.set_scheme("https").unwrap();
        Self::listening(Store::new(url), socket, None, Some(tls))
    }

    /// A storage whose addresses for `place` lead to where nobody listens, until `listen_late`.
    pub async fn late_for(place: Place) -> Server {
        let (socket, late) = (socket(), socket());
        let mut store = Store::new(url(socket.local_addr().unwrap()));
        store.late_url = Some(url(late.local_addr().unwrap()));
        store.late_place = Some(place);
        Self::listening(store, socket, Some(late), None)
    }

    fn listening(store: Store, socket: TcpSocket, late: Option<TcpSocket>, tls: Option<TlsAcceptor>) -> Server {
        let server = Server {
            store: Arc::new(store),
            connections: Arc::default(),
            running: Mutex::default(),
            late: Mutex::new(late),
            tls,
        };
        server.listen(socket);
        server
    }

    /// From now on somebody listens there, too.
    pub fn listen_late(&self) {
        if let Some(socket) = self.late.lock().take() {
            self.listen(socket);
        }
    }

    /// How many connections were made.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    fn listen(&self, socket: TcpSocket) {
        let listener = socket.listen(64).unwrap();
        let (store, connections) = (self.store.clone(), self.connections.clone());
        self.running.lock().spawn(accept(listener, store, connections, self.tls.clone()));
    }
}

/// A port of its own. Connections to it are refused until it listens.
fn socket() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(RECEIVE_BUFFER).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    socket
}

fn url(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}")).unwrap()
}

async fn accept(listener: TcpListener, store: Arc<Store>, connections: Arc<AtomicU64>, tls: Option<TlsAcceptor>) {
    let mut running = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        connections.fetch_add(1, Ordering::SeqCst);
        let (store, tls) = (store.clone(), tls.clone());
        running.spawn(async move {
            let stream = match tls {
                None => Stream::Plain(stream),
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => Stream::Tls(Box::new(stream)),
                    Err(_) => return,
                },
            };
            let mut wire = Wire { stream, buffer: Vec::new() };
            // A client that goes away is part of many tests.
            let after = serve(&mut wire, &store).await.unwrap_or(After::Close);
            match after {
                After::Reset => wire.stream.below().set_zero_linger().unwrap(),
                After::Silence => pending().await,
                After::Keep | After::Close => {}
            }
        });
        while running.try_join_next().is_some() {}
    }
}

async fn serve(wire: &mut Wire, store: &Store) -> io::Result<After> {
    while let Some(head) = wire.head().await? {
        assert_eq!(head.method, "PUT");
        let aim = store.aim(&head.target);
        let length = head.header("content-length").and_then(|length| length.parse().ok());
        let request = store.begin(&aim);
        let mut exchange = Exchange { wire, store, aim, request, length: length.unwrap_or(0) };
        let after = match length {
            Some(_) => exchange.run().await,
            // As S3 does.
            None => exchange.refuse(Reply::s3(411, "MissingContentLength", "Give the length.")).await,
        };
        store.ended(request);
        match after? {
            After::Keep => {}
            after => return Ok(after),
        }
    }
    Ok(After::Close)
}

/// One request.
struct Exchange<'a> {
    wire: &'a mut Wire,
    store: &'a Store,
    aim: Aim,
    request: usize,
    length: u64,
}

impl Exchange<'_> {
    async fn run(&mut self) -> io::Result<After> {
        match self.store.check(&self.aim) {
            Err(reply) if self.store.refuses_early => {
                self.answer(&reply).await?;
                return Ok(After::Close);
            }
            Err(reply) => return self.refuse(reply).await,
            Ok(()) => {}
        }
        match self.store.next_fault(self.aim.place) {
            Some(fault) => self.spoilt(fault).await,
            None => {
                let bytes = self.body(self.length).await?;
                if let Err(reply) = self.store.check(&self.aim) {
                    return self.answer(&reply).await;
                }
                let etag = self.store.keep(&self.aim, bytes);
                self.answer(&good(&etag)).await
            }
        }
    }

    async fn spoilt(&mut self, fault: Fault) -> io::Result<After> {
        match fault {
            Fault::Reset(moment) => {
                self.read_until(moment).await?;
                Ok(After::Reset)
            }
            Fault::Stall(moment) => {
                self.read_until(moment).await?;
                Ok(After::Silence)
            }
            Fault::ResetInHead => {
                let text = self.keep_all().await?.text();
                self.wire.send(&text.as_bytes()[..text.len() / 2]).await?;
                Ok(After::Reset)
            }
            Fault::ResetInAnswer => {
                let mut reply = self.keep_all().await?;
                reply.body = "stored".to_owned();
                let text = reply.text();
                self.wire.send(&text.as_bytes()[..text.len() - 3]).await?;
                Ok(After::Reset)
            }
            Fault::Refuse(reply) => self.refuse(reply).await,
            Fault::ForgetUpload => {
                self.store.forget(&self.aim);
                let reply = self.store.check(&self.aim).unwrap_err();
                self.refuse(reply).await
            }
            Fault::RefuseEarly(reply) => {
                self.answer(&reply).await?;
                Ok(After::Silence)
            }
            Fault::RefuseAndLeave(reply) => {
                self.answer(&reply).await?;
                Ok(After::Close)
            }
            Fault::AcceptEarly => {
                let etag = self.store.keep_opaque(&self.aim, Vec::new());
                self.answer(&good(&etag)).await?;
                Ok(After::Silence)
            }
            Fault::ReadSlowly { bytes, pause } => {
                let bytes = self.body_slowly(bytes, pause).await?;
                let etag = self.store.keep(&self.aim, bytes);
                self.answer(&good(&etag)).await
            }
            Fault::AnswerSlowly(pause) => {
                let text = self.keep_all().await?.text();
                for byte in text.as_bytes() {
                    self.wire.send(&[*byte]).await?;
                    tokio::time::sleep(pause).await;
                }
                Ok(After::Keep)
            }
            Fault::WrongEtag => {
                self.keep_all().await?;
                self.answer(&good(&super::store::md5_hex(b"something else"))).await
            }
            Fault::NoEtag => {
                self.keep_all().await?;
                self.answer(&Reply::new(200, "")).await
            }
            Fault::OpaqueEtag => {
                let bytes = self.body(self.length).await?;
                let etag = self.store.keep_opaque(&self.aim, bytes);
                self.answer(&good(&etag)).await
            }
            Fault::Truncate => {
                let mut bytes = self.body(self.length).await?;
                bytes.truncate(bytes.len() / 2);
                let etag = self.store.keep(&self.aim, bytes);
                self.answer(&good(&etag)).await
            }
            Fault::CloseAfter => {
                let reply = self.keep_all().await?;
                self.answer(&reply).await?;
                Ok(After::Close)
            }
            Fault::DieAfter => {
                let reply = self.keep_all().await?;
                self.answer(&reply).await?;
                Ok(After::Silence)
            }
            Fault::ContinueFirst => {
                self.wire.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                let reply = self.keep_all().await?;
                self.answer(&reply).await
            }
            Fault::AnswerInChunks => {
                let etag = self.keep_all().await?.headers.remove(0).1;
                let head = format!("HTTP/1.1 200 OK\r\nETag: {etag}\r\nTransfer-Encoding: chunked\r\n\r\n");
                self.wire.send(head.as_bytes()).await?;
                self.wire.send(b"3\r\nsto\r\n4;why=not\r\nred!\r\n").await?;
                self.wire.send(b"0\r\nX-Trailer: yes\r\n\r\n").await?;
                self.store.answered(self.request, 200);
                Ok(After::Keep)
            }
            Fault::AnswerOld => {
                let etag = self.keep_all().await?.headers.remove(0).1;
                self.wire.send(format!("HTTP/1.0 200 OK\r\nETag: {etag}\r\n\r\nstored").as_bytes()).await?;
                self.store.answered(self.request, 200);
                Ok(After::Close)
            }
            Fault::Surplus => {
                let reply = self.keep_all().await?;
                self.answer(&reply).await?;
                self.wire.send(b"bytes of nothing\r\n\r\n").await?;
                Ok(After::Close)
            }
            Fault::Garbage => {
                self.body(self.length).await?;
                self.wire.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n").await?;
                Ok(After::Close)
            }
            Fault::BreakEncryption => {
                self.body(self.length).await?;
                self.wire.stream.below().write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await?;
                Ok(After::Close)
            }
            Fault::CloseWithoutAnswer => {
                self.body(self.length).await?;
                Ok(After::Close)
            }
        }
    }

    async fn refuse(&mut self, reply: Reply) -> io::Result<After> {
        self.body(self.length).await?;
        self.answer(&reply).await
    }

    async fn answer(&mut self, reply: &Reply) -> io::Result<After> {
        // Told first: who reads the answer may look at once.
        self.store.answered(self.request, reply.status);
        self.wire.send(reply.text().as_bytes()).await?;
        Ok(After::Keep)
    }

    /// Stores what was sent and gives the answer that belongs to it.
    async fn keep_all(&mut self) -> io::Result<Reply> {
        let bytes = self.body(self.length).await?;
        Ok(good(&self.store.keep(&self.aim, bytes)))
    }

    async fn read_until(&mut self, moment: Moment) -> io::Result<()> {
        let bytes = self.body(moment.bytes(self.length)).await?;
        if matches!(moment, Moment::Stored) {
            self.store.keep(&self.aim, bytes);
        }
        Ok(())
    }

    async fn body_slowly(&mut self, step: usize, pause: Duration) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while (body.len() as u64) < self.length {
            tokio::time::sleep(pause).await;
            let wanted = (self.length - body.len() as u64).min(step as u64);
            body.extend(self.body(wanted).await?);
        }
        Ok(body)
    }

    /// Exactly so many bytes of the body.
    async fn body(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let length = length as usize;
        let kept = self.wire.buffer.len().min(length);
        let rest = self.wire.buffer.split_off(kept);
        let mut body = std::mem::replace(&mut self.wire.buffer, rest);
        self.store.received(self.request, kept as u64);
        body.resize(length, 0);
        let mut filled = kept;
        while filled < length {
            // Not more than this piece: the next request may follow.
            let end = length.min(filled + (256 << 10));
            let count = self.wire.stream.read(&mut body[filled..end]).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += count;
            self.store.received(self.request, count as u64);
        }
        Ok(body)
    }
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Wire {
    /// The head of the next request; nothing at the end of the connection.
    async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = self.buffer.split_off(end + 4);
                let head = String::from_utf8(std::mem::replace(&mut self.buffer, rest)).unwrap();
                let mut lines = head.split("\r\n");
                let mut line = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
                let headers = lines.filter_map(|line| line.split_once(": "));
                return Ok(Some(Head {
                    method: line.next().unwrap_or_default(),
                    target: line.next().unwrap_or_default(),
                    headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                }));
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece).await? {
                0 => return Ok(None),
                count => self.buffer.extend_from_slice(&piece[..count]),
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }
}

impl Stream {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(bytes).await,
            Stream::Tls(stream) => stream.read(bytes).await,
        }
    }

    /// What carries the bytes, encrypted or not.
    fn below(&mut self) -> &mut TcpStream {
        match self {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_mut().0,
        }
    }
}

fn good(etag: &str) -> Reply {
    Reply::new(200, "").with("ETag", format!("\"{etag}\""))
}
