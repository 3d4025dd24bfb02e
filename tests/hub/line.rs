//! A line to a server that can be cut: no connection comes through, and those that were there end.

use parking_lot::Mutex;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Ends with the test program.
pub struct Line {
    address: SocketAddr,
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Line {
    /// To the server at this URL.
    pub fn to(url: &str) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Line { address: listener.local_addr().unwrap(), open: Arc::new(Mutex::new(Some(Vec::new()))) };
        let (server, open) = (url.trim_start_matches("http://").to_owned(), line.open.clone());
        std::thread::spawn(move || {
            for here in listener.incoming().flatten() {
                let mut open = open.lock();
                // Closed at once while the line is cut.
                let Some(streams) = open.as_mut() else { continue };
                let there = TcpStream::connect(&server).unwrap();
                streams.extend([here.try_clone().unwrap(), there.try_clone().unwrap()]);
                for (from, to) in [(here.try_clone().unwrap(), there.try_clone().unwrap()), (there, here)] {
                    std::thread::spawn(move || pass(from, to));
                }
            }
        });
        line
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn cut(&self) {
        for stream in self.open.lock().take().into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        *self.open.lock() = Some(Vec::new());
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
