//! HTTP/1.1 as far as the proxy has to understand it.

use serde_json::Value;
use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// A request: its head without the empty line, and its body once that was read.
pub struct Request {
    head: String,
    length: usize,
    body: Vec<u8>,
}

/// An answer as it is sent on.
pub struct Answer {
    pub bytes: Vec<u8>,
    /// It says where it ends, so another can follow it.
    pub can_be_followed: bool,
}

impl Answer {
    /// The server's own, for a value that it never takes.
    pub fn refusal() -> Answer {
        let body = r#"{"exception": "ValidationError", "content": "Versions are not made on this server."}"#;
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        Answer { bytes: (head + body).into_bytes(), can_be_followed: true }
    }
}

impl Request {
    /// Nothing: the client has closed the connection.
    pub fn read_head(reader: &mut impl BufRead) -> Option<Request> {
        let mut head = String::new();
        loop {
            let start = head.len();
            reader.read_line(&mut head).ok().filter(|count| *count > 0)?;
            if head[start..].trim_end().is_empty() {
                head.truncate(start);
                break;
            }
        }
        let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        Some(Request { head, length, body: Vec::new() })
    }

    pub fn read_body(&mut self, reader: &mut impl Read) -> Option<()> {
        let rest = self.length - self.body.len();
        if rest > 0 {
            let start = self.body.len();
            self.body.resize(self.length, 0);
            reader.read_exact(&mut self.body[start..]).ok()?;
        }
        Some(())
    }

    /// Reads some of a body that is not wanted.
    pub fn skip_half(&mut self, reader: &mut impl Read) {
        let mut half = vec![0; (self.length - self.body.len()) / 2];
        let _ = reader.read_exact(&mut half);
    }

    pub fn is_put(&self) -> bool {
        self.head.starts_with("PUT ")
    }

    pub fn is_api(&self) -> bool {
        self.head.starts_with("POST ")
    }

    /// Which request it is: the kinds of its operations, or what it does to storage.
    pub fn label(&self) -> String {
        let mut line = self.head.split(' ');
        let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
        if self.is_api() {
            return format!("api {}", kinds(&self.body));
        }
        let part = target.split(['?', '&']).find_map(|parameter| parameter.strip_prefix("partNumber="));
        match part {
            Some(part) => format!("{method} part {part}"),
            None if target.starts_with("/storage/") => format!("{method} object"),
            None => format!("{method} {}", target.split('?').next().unwrap_or_default().replace('/', ".")),
        }
    }

    /// Asks the server, on a connection of its own.
    pub fn ask(&self, server: SocketAddr) -> Option<Answer> {
        let mut stream = TcpStream::connect(server).ok()?;
        stream.write_all(format!("{}connection: close\r\n\r\n", self.head).as_bytes()).ok()?;
        stream.write_all(&self.body).ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let can_be_followed = header(&head, "content-length").is_some() || header(&head, "transfer-encoding").is_some();
        let lines = head.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
        let head = lines.collect::<Vec<_>>().join("\r\n");
        Some(Answer { bytes: [head.as_bytes(), &bytes[end..]].concat(), can_be_followed })
    }
}

/// Such as `query Task, create FileComponent x2`.
fn kinds(body: &[u8]) -> String {
    let batch: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for operation in batch.as_array().into_iter().flatten() {
        let action = operation["action"].as_str().unwrap_or("?");
        let expression = operation["expression"].as_str().unwrap_or_default();
        // A query names its type in the expression only.
        let queried = expression.split_once(" from ").map_or(expression, |(_, rest)| rest);
        let entity_type = operation["entity_type"].as_str().or(queried.split_whitespace().next());
        let kind = entity_type.map_or(action.to_owned(), |entity_type| format!("{action} {entity_type}"));
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let words = kinds.into_iter().map(|(kind, count)| if count > 1 { format!("{kind} x{count}") } else { kind });
    words.collect::<Vec<_>>().join(", ")
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub fn write(mut stream: &TcpStream, bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).ok()
}

/// A few bytes at a time: it takes about half a second.
pub fn trickle(stream: &TcpStream, bytes: &[u8]) -> Option<()> {
    for piece in bytes.chunks(bytes.len().div_ceil(16).max(1)) {
        write(stream, piece)?;
        std::thread::sleep(Duration::from_millis(30));
    }
    Some(())
}

/// Has the connection end with a reset when it is dropped.
pub fn reset(stream: &TcpStream) -> Option<()> {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: the descriptor is open, and the option is of the size that is given.
    let code = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of_val(&linger) as libc::socklen_t,
        )
    };
    assert_eq!(code, 0, "{}", std::io::Error::last_os_error());
    None
}
