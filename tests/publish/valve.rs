//! Stands between the library and the staging server's storage, counts what comes through, and can be closed.

use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Small, so that a closed valve is soon noticed by who sends.
const RECEIVE_BUFFER: u32 = 64 << 10;
const PIECE: usize = 16 << 10;

/// The valve, on a runtime of its own.
pub struct Valve {
    runtime: Runtime,
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    /// How many bytes may come through in all.
    limit: watch::Sender<u64>,
    passed: watch::Sender<u64>,
    /// Connections that were made, and those of them that their client has not closed.
    made: AtomicU64,
    open: watch::Sender<u64>,
    /// The first line of what each connection sent first.
    first_lines: Mutex<Vec<String>>,
    hides_etags: AtomicBool,
    before_reading: Mutex<Option<BeforeReading>>,
}

/// Gets the first line of a request that reads an object, before it goes on.
type BeforeReading = Box<dyn Fn(&str) + Send + Sync>;

impl Valve {
    /// A valve before a server, through which so many bytes come before it closes by itself.
    pub fn before(server: SocketAddr, limit: u64) -> Valve {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (shared, url) = runtime.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(RECEIVE_BUFFER).unwrap();
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
            let listener = socket.listen(64).unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let shared = Arc::new(Shared {
                server,
                limit: watch::Sender::new(limit),
                passed: watch::Sender::new(0),
                made: AtomicU64::new(0),
                open: watch::Sender::new(0),
                first_lines: Mutex::default(),
                hides_etags: AtomicBool::new(false),
                before_reading: Mutex::default(),
            });
            tokio::spawn(accept(listener, shared.clone()));
            (shared, url)
        });
        Valve { runtime, url, shared }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.shared.limit.send_replace(u64::MAX);
    }

    /// Takes the ETag out of every answer.
    pub fn hide_etags(&self) {
        self.shared.hides_etags.store(true, Ordering::SeqCst);
    }

    /// Does this whenever an object is about to be read.
    pub fn before_reading(&self, act: impl Fn(&str) + Send + Sync + 'static) {
        *self.shared.before_reading.lock() = Some(Box::new(act));
    }

    /// How many bytes came through.
    pub fn passed(&self) -> u64 {
        *self.shared.passed.borrow()
    }

    /// Waits until so many bytes came through.
    pub fn wait_passed(&self, bytes: u64) {
        let mut passed = self.shared.passed.subscribe();
        self.runtime.block_on(passed.wait_for(|passed| *passed >= bytes)).unwrap();
    }

    /// How many connections were made.
    pub fn connections(&self) -> u64 {
        self.shared.made.load(Ordering::SeqCst)
    }

    /// Waits until at least so many connections are open.
    pub fn wait_open(&self, count: u64) {
        let mut open = self.shared.open.subscribe();
        self.runtime.block_on(open.wait_for(|open| *open >= count)).unwrap();
    }

    /// Waits until every client has closed its connections.
    pub fn wait_closed(&self) {
        let mut open = self.shared.open.subscribe();
        self.runtime.block_on(open.wait_for(|open| *open == 0)).unwrap();
    }

    /// The first line of each connection.
    pub fn first_lines(&self) -> Vec<String> {
        self.shared.first_lines.lock().clone()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        shared.made.fetch_add(1, Ordering::SeqCst);
        shared.open.send_modify(|open| *open += 1);
        let shared = shared.clone();
        tokio::spawn(async move {
            // Either side may leave at any time.
            let _ = pass(client, &shared).await;
            shared.open.send_modify(|open| *open -= 1);
        });
    }
}

async fn pass(mut client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut server = TcpStream::connect(shared.server).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let up = async {
        let (mut piece, mut is_first) = (vec![0; PIECE], true);
        loop {
            let count = from_client.read(&mut piece).await?;
            if count == 0 {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&piece[..count.min(200)]).lines().next().unwrap_or_default().to_owned();
            if let (true, Some(act)) = (line.starts_with("GET "), &*shared.before_reading.lock()) {
                act(&line);
            }
            if std::mem::take(&mut is_first) {
                shared.first_lines.lock().push(line);
            }
            shared.through(count as u64).await;
            to_server.write_all(&piece[..count]).await?;
        }
    };
    let down = async {
        let mut piece = vec![0; PIECE];
        loop {
            let count = from_server.read(&mut piece).await?;
            if count == 0 {
                return Ok(());
            }
            if shared.hides_etags.load(Ordering::SeqCst) {
                hide_etag(&mut piece[..count]);
            }
            to_client.write_all(&piece[..count]).await?;
        }
    };
    tokio::select! {
        outcome = up => outcome,
        outcome = down => outcome,
    }
}

/// The server writes the head of an answer at once, and names in small letters.
fn hide_etag(piece: &mut [u8]) {
    let name = b"\r\netag:";
    if let Some(at) = piece.windows(name.len()).position(|window| window == name) {
        piece[at + 2..at + 6].copy_from_slice(b"none");
    }
}

impl Shared {
    /// Completes when the valve lets these bytes through.
    async fn through(&self, bytes: u64) {
        let mut limit = self.limit.subscribe();
        loop {
            let allowed = *limit.borrow_and_update();
            let passes = self.passed.send_if_modified(|passed| {
                let passes = passed.saturating_add(bytes) <= allowed;
                *passed += if passes { bytes } else { 0 };
                passes
            });
            // The sender is self, so the channel cannot end while this waits.
            if passes || limit.changed().await.is_err() {
                return;
            }
        }
    }
}
