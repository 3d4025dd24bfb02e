//! The yardstick: what a person would write by hand for this one purpose. A thread a connection, blocking reads and
//! writes of one block, no HTTP library, and nothing that a real uploader needs when something fails.

use crate::Outcome;
use crate::files::hex;
use crate::work::{Put, Work};
use clap::Args;
use md5::{Digest, Md5};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What to send.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    work: Work,
    /// Bytes that are read and written at once
    #[arg(long, default_value_t = 256 << 10)]
    block: usize,
}

/// A connection of either kind.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Sends everything, or fails at the first fault.
pub fn run(options: &Options) -> Outcome {
    let work = &options.work;
    let files = work.files()?;
    let puts = work.puts(&files)?;
    let tls = work.cacert.as_ref().map(tls).transpose()?;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let connections = work.at_once.min(puts.len());
        let threads: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| -> Outcome {
                    let mut stream = connect(work, tls.clone())?;
                    let mut block = vec![0; options.block];
                    while let Some(put) = puts.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let file = File::open(&files[put.file].0)?;
                        send(&mut *stream, put, &file, work, &mut block)?;
                    }
                    Ok(())
                })
            })
            .collect();
        let ends = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("A thread panicked.".into())));
        ends.collect::<Outcome<Vec<()>>>().map(drop)
    })
}

fn tls(cacert: &PathBuf) -> Outcome<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(cacert)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn connect(work: &Work, tls: Option<Arc<ClientConfig>>) -> Outcome<Box<dyn Stream>> {
    let host = work.to.host_str().unwrap_or("127.0.0.1").to_owned();
    let stream = TcpStream::connect((host.as_str(), work.to.port_or_known_default().unwrap_or(80)))?;
    stream.set_nodelay(true)?;
    Ok(match tls {
        Some(config) if work.to.scheme() == "https" => {
            let mut connection = ClientConnection::new(config, ServerName::try_from(host)?)?;
            // Room for a whole block in records, or each write would end after 64 KiB.
            connection.set_buffer_limit(None);
            Box::new(StreamOwned::new(connection, stream))
        }
        _ => Box::new(stream),
    })
}

fn send(stream: &mut dyn Stream, put: &Put, file: &File, work: &Work, block: &mut [u8]) -> Outcome {
    let (path, length) = (&put.url[url::Position::BeforePath..], put.range.end - put.range.start);
    let host = put.url.host_str().unwrap_or_default();
    write!(stream, "PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n")?;
    let mut hash = Md5::new();
    let mut offset = put.range.start;
    while offset < put.range.end {
        let wanted = (put.range.end - offset).min(block.len() as u64) as usize;
        let count = file.read_at(&mut block[..wanted], offset)?;
        if count == 0 {
            return Err("The file became shorter.".into());
        }
        if !work.off {
            hash.update(&block[..count]);
        }
        stream.write_all(&block[..count])?;
        offset += count as u64;
    }
    stream.flush()?;
    let answer = answer(stream)?;
    if !answer.starts_with("HTTP/1.1 200") {
        return Err(format!("The sink answered {answer}").into());
    }
    if let Some(md5) = &put.md5
        && (hex(&hash.finalize()) != *md5 || !answer.contains(md5.as_str()))
    {
        return Err(format!("The sink holds something else: {answer}").into());
    }
    Ok(())
}

/// The head of an answer that has no body.
fn answer(stream: &mut dyn Stream) -> Outcome<String> {
    let mut answer = Vec::new();
    let mut more = [0; 1024];
    while !answer.ends_with(b"\r\n\r\n") {
        match stream.read(&mut more)? {
            0 => return Err("The sink closed the connection.".into()),
            count => answer.extend_from_slice(&more[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
