//! The server that discards: fast enough not to be what is measured, and slow in the ways that networks are slow.
//!
//! Latency is modelled as a round trip of so many milliseconds: a connection is served that much after it was accepted
//! (twice that with TLS, whose handshake is one more), and each answer comes that much after the request's last byte.
//! A rate is modelled for each connection by itself, by reading no faster.

mod answer; // what each request gets
mod line; // a slow line

use crate::Outcome;
use answer::Store;
use clap::{Args, ValueEnum};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use line::Line;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The buffer of a connection. Larger ones are had from the system and given back each time, which costs more than they save.
const BUFFER: usize = 128 << 10;

/// How to be.
#[derive(Args)]
pub struct Options {
    /// Where to listen; port 0 chooses a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Speak TLS, with a new certificate for localhost and 127.0.0.1 that is written to this file
    #[arg(long)]
    tls: Option<PathBuf>,
    /// The ETag of an upload that neither has an md5 in its query nor a Content-MD5
    #[arg(long, value_enum, default_value_t = ETag::Fixed)]
    etag: ETag,
    /// Milliseconds of a round trip
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Bytes a second of each connection; kB and MB may follow the number
    #[arg(long, value_parser = rate)]
    rate_per_connection: Option<u64>,
}

/// What is told of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ETag {
    /// Nothing.
    None,
    /// Something that is no MD5.
    Fixed,
    /// Their MD5, which costs more than receiving them.
    Md5,
}

fn rate(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit {
        "" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        _ => return Err(format!("{unit} is neither kB nor MB")),
    };
    Ok(number.parse::<u64>().map_err(|error| error.to_string())? * factor)
}

/// Serves until the process is ended.
pub fn run(options: Options) -> Outcome {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(options))
}

async fn serve(options: Options) -> Outcome {
    let store = Arc::new(Store::new(options.etag, Duration::from_millis(options.latency_ms)));
    let tls = options.tls.as_ref().map(certificate).transpose()?;
    let listener = TcpListener::bind(options.listen).await?;
    // The counters are asked for plainly and at once, whatever the line is like.
    let counters = TcpListener::bind((options.listen.ip(), 0)).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    println!("{scheme}://{}", listener.local_addr()?);
    println!("http://{}", counters.local_addr()?);
    let (counting, plain) = (Arc::new(Store::counting(store.clone())), Duration::ZERO);
    tokio::spawn(async move {
        while let Ok((stream, _)) = counters.accept().await {
            tokio::spawn(connection(stream, None, plain, None, counting.clone()));
        }
    });
    let round_trip = Duration::from_millis(options.latency_ms);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, tls.clone(), round_trip, options.rate_per_connection, store.clone()));
    }
}

fn certificate(file: &PathBuf) -> Outcome<TlsAcceptor> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    std::fs::write(file, made.cert.pem())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    round_trip: Duration,
    rate: Option<u64>,
    store: Arc<Store>,
) {
    // A sender that goes away is its own affair.
    let _ = stream.set_nodelay(true);
    tokio::time::sleep(round_trip * if tls.is_some() { 2 } else { 1 }).await;
    let stream = Line::new(stream, rate);
    match tls {
        None => requests(stream, store).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                requests(stream, store).await;
            }
        }
    }
}

async fn requests<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, store: Arc<Store>) {
    store.connected();
    let service = service_fn(|request| store.clone().answer(request));
    let _ = http1::Builder::new().max_buf_size(BUFFER).serve_connection(TokioIo::new(stream), service).await;
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn a_rate_has_a_unit_or_is_in_bytes() {
        assert_eq!(rate("20MB"), Ok(20_000_000));
        assert_eq!(rate("5kB"), Ok(5_000));
        assert_eq!(rate("123"), Ok(123));
        assert!(rate("20MiB").is_err() && rate("MB").is_err());
    }
}
