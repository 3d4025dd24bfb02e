//! A server with one component, and its storage behind the same address, which keeps the rules of HTTP or breaks them as told.

use super::ftrack_support::KEY;
use super::host::{Session, noise};
use super::http_upload::USER;
use md5::{Digest, Md5};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

pub const ID: &str = "5a5ba2c1-6a5e-4c9f-8d0e-0123456789ab";
pub const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

/// What the storage does with one request.
#[derive(Clone, Debug)]
pub enum Serve {
    /// What it was asked for.
    Good,
    /// So many bytes of it, and then closes the connection.
    Break(usize),
    /// So many bytes of it, and then nothing, with the connection open.
    Stall(usize),
    /// A status with these words.
    Refuse(u16, &'static str),
    /// Sends the reader elsewhere.
    Redirect(String),
    /// The whole, whatever was asked for.
    Whole,
    /// A rest that begins elsewhere than was asked for.
    OtherRest,
    /// The whole in chunks, without its length.
    Chunks,
    /// With these bytes changed in the middle, and the ETag of the good ones.
    Spoilt,
    /// From now on other bytes with another ETag are stored.
    Replaced(&'static str),
}

/// A request for bytes.
#[derive(Clone, Debug)]
pub struct Get {
    pub target: String,
    pub headers: Vec<(String, String)>,
}

impl Get {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

struct Shared {
    bytes: Mutex<Arc<Vec<u8>>>,
    /// Whether the storage tells an ETag.
    tells_etag: bool,
    serves: Mutex<Vec<Serve>>,
    gets: Mutex<Vec<Get>>,
    api: Box<dyn Fn(&Value) -> Value + Send + Sync>,
}

pub struct Depot {
    pub url: String,
    pub folder: tempfile::TempDir,
    shared: Arc<Shared>,
}

impl Depot {
    /// Serves a component of so many bytes in these ways, one a request, and the last one for all after it.
    pub fn serving(size: usize, serves: impl IntoIterator<Item = Serve>) -> Depot {
        Self::with(size, serves, true, move |operation| usual(operation, size))
    }

    pub fn with(
        size: usize,
        serves: impl IntoIterator<Item = Serve>,
        tells_etag: bool,
        api: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Depot {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            bytes: Mutex::new(Arc::new(noise(size))),
            tells_etag,
            serves: Mutex::new(serves.into_iter().collect()),
            gets: Mutex::default(),
            api: Box::new(api),
        });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = serving.clone();
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Depot { url, folder: tempfile::tempdir().unwrap(), shared }
    }

    pub fn session(&self) -> Session {
        Session::create(&self.url, USER, KEY)
    }

    pub fn target(&self) -> PathBuf {
        self.folder.path().join("comp.mov")
    }

    /// What was asked of the storage.
    pub fn gets(&self) -> Vec<Get> {
        self.shared.gets.lock().clone()
    }

    /// Which ranges were asked for.
    pub fn ranges(&self) -> Vec<String> {
        self.gets().iter().map(|get| get.header("range").unwrap_or("all").to_owned()).collect()
    }

    /// What is stored now.
    pub fn bytes(&self) -> Arc<Vec<u8>> {
        self.shared.bytes.lock().clone()
    }

    /// Serves so from now on.
    pub fn serve(&self, serve: Serve) {
        *self.shared.serves.lock() = vec![serve];
    }

    /// The files in the target's folder.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// That the target has what is stored, and nothing else is left.
    #[track_caller]
    pub fn assert_whole(&self) {
        assert!(std::fs::read(self.target()).unwrap() == *self.bytes(), "other bytes than in storage");
        assert_eq!(self.names(), ["comp.mov"]);
    }
}

/// Answers as an ftrack server does of a component of this size.
pub fn usual(operation: &Value, size: usize) -> Value {
    let text = operation["expression"].as_str().unwrap_or_default();
    let rows = |rows: Value| json!({"action": "query", "data": rows, "metadata": {"next": {"offset": null}}});
    match operation["action"].as_str().unwrap() {
        "generate_signed_url" => json!({"signed_url": format!("/store/{ID}?signature=very-secret-0123456789")}),
        "query" if text.contains("from ComponentLocation") => rows(json!([{
            "id": "l1", "location_id": SERVER_LOCATION, "location": {"id": SERVER_LOCATION, "name": "ftrack.server"},
            "resource_identifier": ID,
        }])),
        "query" => rows(json!([{"id": ID, "name": "comp", "file_type": ".mov", "size": size, "system_type": "file"}])),
        _ => json!({"version": "4.13.8"}),
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let (target, headers, body) = read(&mut BufReader::new(&stream))?;
        if target.starts_with("POST") {
            let operations: Vec<Value> = serde_json::from_slice(&body).unwrap();
            let results: Vec<Value> = operations.iter().map(|operation| (self.api)(operation)).collect();
            // An exception stands in place of all results.
            let failed = results.iter().find(|result| result.get("exception").is_some()).cloned();
            let text = failed.unwrap_or(Value::Array(results)).to_string();
            return send(&mut stream, "200 OK", &[], text.as_bytes(), text.len());
        }
        let get = Get { target, headers };
        self.gets.lock().push(get.clone());
        let serve = {
            let mut serves = self.serves.lock();
            if serves.len() > 1 { serves.remove(0) } else { serves[0].clone() }
        };
        if let Serve::Replaced(with) = serve {
            *self.bytes.lock() = Arc::new(with.as_bytes().repeat(1000));
        }
        self.give(&mut stream, &get, &serve)
    }

    fn give(&self, stream: &mut TcpStream, get: &Get, serve: &Serve) -> Option<()> {
        let bytes = self.bytes.lock().clone();
        let md5: String = Md5::digest(&*bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let etag = format!("\"{md5}\"");
        let first = get
            .header("range")
            .map(|range| range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse::<usize>().unwrap());
        let first = first.filter(|_| get.header("if-range") == Some(&etag));
        let mut headers = Vec::new();
        if self.tells_etag {
            headers.push(("ETag", etag.clone()));
        }
        let (status, at) = match (first, serve) {
            (_, Serve::Whole | Serve::Spoilt | Serve::Chunks) | (None, _) => ("200 OK", 0),
            (Some(first), Serve::OtherRest) => ("206 Partial Content", first - 1),
            (Some(first), _) => ("206 Partial Content", first),
        };
        if status.starts_with("206") {
            headers.push(("Content-Range", format!("bytes {at}-{}/{}", bytes.len() - 1, bytes.len())));
        }
        let rest = &bytes[at..];
        match serve {
            Serve::Refuse(status, words) => {
                send(stream, &format!("{status} Refused"), &[], words.as_bytes(), words.len())
            }
            Serve::Redirect(to) => send(stream, "307 Elsewhere", &[("Location", to.clone())], b"", 0),
            Serve::Break(count) => send(stream, status, &headers, &rest[..rest.len().min(*count)], rest.len()),
            Serve::Stall(count) => {
                send(stream, status, &headers, &rest[..rest.len().min(*count)], rest.len())?;
                // Until the reader leaves.
                stream.read_to_end(&mut Vec::new()).ok().map(drop)
            }
            Serve::Spoilt => {
                let mut spoilt = rest.to_vec();
                let middle = spoilt.len() / 2;
                spoilt[middle] ^= 1;
                send(stream, status, &headers, &spoilt, spoilt.len())
            }
            Serve::Chunks => {
                write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n").ok()?;
                for chunk in rest.chunks(100_000) {
                    write!(stream, "{:x}\r\n", chunk.len()).ok()?;
                    stream.write_all(chunk).ok()?;
                    write!(stream, "\r\n").ok()?;
                }
                write!(stream, "0\r\n\r\n").ok()
            }
            _ => send(stream, status, &headers, rest, rest.len()),
        }?;
        // In order, so that what was sent is read before the end.
        let _ = stream.shutdown(Shutdown::Write);
        stream.read_to_end(&mut Vec::new()).ok().map(drop)
    }
}

fn send(stream: &mut TcpStream, status: &str, headers: &[(&str, String)], body: &[u8], length: usize) -> Option<()> {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}

/// Method and target, headers, body.
type Request = (String, Vec<(String, String)>, Vec<u8>);

fn read(stream: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let target = line.rsplit_once(' ')?.0.to_owned();
    let mut headers: Vec<(String, String)> = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|count| *count > 0)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some((target, headers, body))
}
