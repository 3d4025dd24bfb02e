//! Stands between the library and the staging server, and spoils chosen answers.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// What becomes of a request.
pub enum Act {
    /// It is passed on, and so is the answer.
    Pass,
    /// It is answered so, and the server never sees it.
    Refuse(u16, Value),
    /// The same, with a time after which to come back, in seconds.
    Busy(u16, u32),
    /// The server never sees it, and it is not answered.
    Drop,
    /// The server does what was asked, and its answer is replaced.
    Replace(u16, Value),
    /// The server does what was asked, and its answer is lost.
    Lose,
}

/// Decides by the operations of a request.
pub type Decide = Box<dyn Fn(&[Value]) -> Act + Send + Sync>;

/// The URL of a relay before the server at `url`.
pub fn relay(url: &str, decide: Decide) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = format!("http://{}", listener.local_addr().unwrap());
    let (server, decide) = (url.trim_start_matches("http://").to_owned(), Arc::new(decide));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (server, decide) = (server.clone(), decide.clone());
            std::thread::spawn(move || serve(stream, &server, &decide));
        }
    });
    relay
}

/// The server's own words for a refusal.
pub fn exception(name: &str, content: &str) -> Value {
    serde_json::json!({"exception": name, "content": content})
}

/// Whether one of the operations does this to such an entity.
pub fn does(operations: &[Value], action: &str, entity_type: &str) -> bool {
    operations.iter().any(|operation| operation["action"] == action && operation["entity_type"] == entity_type)
}

/// One request a connection, so that nothing of one is left for the next.
fn serve(stream: TcpStream, server: &str, decide: &Decide) -> Option<()> {
    let (head, body) = read(&mut BufReader::new(&stream))?;
    let operations: Vec<Value> = serde_json::from_slice(&body).unwrap();
    let answer = match decide(&operations) {
        Act::Refuse(status, answer) => text(status, &answer),
        Act::Busy(status, seconds) => {
            let head = format!("HTTP/1.1 {status} Test\r\nretry-after: {seconds}\r\n");
            format!("{head}content-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
        }
        Act::Drop => Vec::new(),
        Act::Pass => ask(server, &head, &body)?,
        Act::Replace(status, answer) => ask(server, &head, &body).map(|_| text(status, &answer))?,
        Act::Lose => ask(server, &head, &body).map(|_| Vec::new())?,
    };
    (&stream).write_all(&answer).ok()
}

fn ask(server: &str, head: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(server).ok()?;
    stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}

fn read(stream: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        stream.read_line(&mut head).ok().filter(|count| *count > 0)?;
        let line = head[start..].to_ascii_lowercase();
        match line.trim_end() {
            "" => {
                head.truncate(start);
                break;
            }
            line if line.starts_with("content-length:") => {
                length = line["content-length:".len()..].trim().parse().ok()?
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn text(status: u16, answer: &Value) -> Vec<u8> {
    let body = answer.to_string();
    let length = body.len();
    format!("HTTP/1.1 {status} Test\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}
