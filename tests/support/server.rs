//! Servers for the programs: the staging server, and one that takes connections and never answers.

use ftreview_sandbox::{AppState, Config, Server, config};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::OnceLock;
use std::thread::JoinHandle;
use tokio::net::TcpSocket;
use tokio::sync::oneshot;

/// A context of the staging server's demo project.
pub const CONTEXT: &str = "demo/sq010/sh010/compositing";

/// A running staging server with a folder of its own. Ends when dropped.
pub struct Staging {
    state: AppState,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Staging {
    /// Starts it on a free port.
    pub fn start() -> Staging {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let data = tempfile::tempdir().unwrap();
            runtime.block_on(async {
                let server = Server::start(Config::new(data.path())).await.unwrap_or_else(|error| panic!("{error}"));
                tell.send(server.state().clone()).unwrap();
                // An error means that the test failed and let go: end as well.
                let _ = stopped.await;
                server.stop().await;
            });
        });
        let state = told.recv().expect("the staging server starts");
        Staging { state, stop: Some(stop), thread: Some(thread) }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// How many rows a table of its database has.
    pub fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        self.state.database.run_blocking(|connection| connection.query_row(&query, [], |row| row.get(0))).unwrap()
    }

    /// What it was asked since the last [`Staging::forget_requests`], a line each.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lines()
    }

    /// Forgets what it was asked so far.
    pub fn forget_requests(&self) {
        self.state.requests.clear();
    }

    /// Tells a program of it, as a user who may do everything.
    pub fn tell(&self, command: &mut Command) {
        environment(command, self.url());
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panicked only if it could not start, which the test has said already.
            let _ = thread.join();
        }
    }
}

/// Sets the variables that name a server and a user known to the staging server.
pub fn environment(command: &mut Command, url: &str) {
    command.env("FTRACK_SERVER", url);
    command.env("FTRACK_API_USER", config::DEMO_USER).env("FTRACK_API_KEY", config::DEMO_KEY);
}

/// Takes connections, because the system does so for a listening port, and never says anything.
pub struct Silent {
    listener: TcpListener,
}

impl Silent {
    /// Listens on a free port.
    pub fn start() -> Silent {
        Silent { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    /// Its address.
    pub fn url(&self) -> String {
        let address: SocketAddr = self.listener.local_addr().unwrap();
        format!("http://{address}")
    }
}

/// A web server that is no ftrack server: whatever it is asked, it answers with a page. Takes connections as long as the
/// test program runs.
pub fn web_site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut asked = [0; 4096];
            // A client that has gone has its answer already.
            if client.read(&mut asked).is_ok() {
                let _ = client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
            }
        }
    });
    address
}

/// The address of a port on which nobody listens, and nobody else can: it is taken, but connections are refused.
pub fn nobody() -> String {
    static TAKEN: OnceLock<TcpSocket> = OnceLock::new();
    let taken = TAKEN.get_or_init(|| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        socket
    });
    format!("http://{}", taken.local_addr().unwrap())
}
