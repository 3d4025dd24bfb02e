//! A failed request in words: what failed, where, and what to check. Nobody should think that a key is
//! wrong when a cable is out.

use crate::session::secret::show_url;
use crate::session::{Code, Error};
use rustls::{AlertDescription, CertificateError};
use std::error::Error as StdError;
use std::io;
use std::time::Duration;
use url::Url;

/// Explains an error of the HTTP client. `proxy` is the one that the request went through, as it may be shown.
pub(super) fn explain(error: &reqwest::Error, url: &Url, proxy: Option<&str>, connect_timeout: Duration) -> Error {
    let place = place(url);
    if let Some(tls) = find(error, |error| error.downcast_ref::<rustls::Error>()) {
        return Error::new(Code::Tls, tls_words(tls, &place, proxy));
    }
    if let Some(cause) = find(error, tunnel_error) {
        return tunnel_fault(&cause, &place, proxy);
    }
    if error.is_builder() {
        let cause = root_cause(error);
        let message = format!("a defect in the library made a wrong request to {place} ({cause}): please report it");
        return Error::new(Code::Internal, message);
    }
    if error.is_connect() {
        let reason = connect_words(error, connect_timeout);
        return match proxy {
            Some(proxy) => Error::new(
                Code::Proxy,
                format!(
                    "the proxy {proxy} cannot be reached: {reason}; check its address, or name {place} in NO_PROXY"
                ),
            ),
            None => Error::new(
                Code::Unreachable,
                format!("{place} cannot be reached: {reason}; check the address, the network and the VPN"),
            ),
        };
    }
    if error.is_timeout() {
        let message = format!(
            "{place} did not answer in the time allowed, the server or the network is too slow: try again, or allow \
             more time with timeout_ms"
        );
        return Error::new(Code::NetworkTimeout, message).with_outcome_unknown();
    }
    let cause = root_cause(error);
    // What the HTTP parser says of an answer that has no HTTP status line.
    if cause.starts_with("invalid HTTP") {
        let message = format!("what answers at {place} does not speak HTTP: check the port, and http or https");
        return Error::new(Code::WrongServer, message);
    }
    let way = proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
    let message = format!(
        "the connection to {place}{way} broke before the answer was complete: {cause}; check the network, and try again"
    );
    Error::new(Code::ConnectionLost, message).with_outcome_unknown()
}

pub(super) fn proxy_wants_password(proxy: Option<&str>) -> Error {
    let proxy = proxy.map_or_else(|| "a proxy on the way".to_owned(), |proxy| format!("the proxy {proxy}"));
    let remedy = "give them in its address, as in http://user:password@proxy.studio:3128";
    Error::new(
        Code::Proxy,
        format!("{proxy} wants a user and password, or does not accept those it was given: {remedy}"),
    )
    .with_http_status(407)
}

/// The innermost error's words, which name no URL.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut root = error;
    while let Some(inner) = cause(root) {
        root = inner;
    }
    root.to_string()
}

/// Host and port, for messages.
fn place(url: &Url) -> String {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => show_url(url),
    }
}

/// What `pick` makes of the first error of the chain that it knows.
fn find<'a, T>(error: &'a reqwest::Error, pick: impl Fn(&'a (dyn StdError + 'static)) -> Option<T>) -> Option<T> {
    let mut next: Option<&'a (dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = pick(error) {
            return Some(found);
        }
        next = cause(error);
    }
    None
}

/// The next error inside. I/O errors skip the error they hold when asked for their source.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}

/// The error of the tunnel through a proxy has no public type; its text is told from others by this beginning.
fn tunnel_error(error: &(dyn StdError + 'static)) -> Option<String> {
    let text = error.to_string();
    text.starts_with("tunnel error: ").then(|| match text.contains("failed to create underlying connection") {
        true => String::new(),
        false => text["tunnel error: ".len()..].to_owned(),
    })
}

fn tunnel_fault(cause: &str, place: &str, proxy: Option<&str>) -> Error {
    let name = proxy.unwrap_or("on the way");
    match cause {
        "" => Error::new(
            Code::Proxy,
            format!("the proxy {name} cannot be reached: check its address, or name {place} in NO_PROXY"),
        ),
        "proxy authorization required" => proxy_wants_password(proxy),
        "unsuccessful" => {
            let message = format!("the proxy {name} does not connect to {place}");
            let remedy = "check the user and password in its address, and whether it allows and reaches the server";
            Error::new(Code::Proxy, format!("{message}: {remedy}"))
        }
        cause => Error::new(
            Code::Proxy,
            format!("the proxy {name} broke the connection to {place}: {cause}; try again, or ask its administrator"),
        ),
    }
}

fn connect_words(error: &reqwest::Error, connect_timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("nothing answered within {} s", connect_timeout.as_secs_f32());
    }
    if error.is_dns() {
        return format!("its name is unknown ({})", root_cause(error));
    }
    let io = find(error, |error| error.downcast_ref::<io::Error>().map(io::Error::kind));
    match io {
        Some(io::ErrorKind::ConnectionRefused) => "nothing listens there (connection refused)".to_owned(),
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            "there is no route to it".to_owned()
        }
        _ => root_cause(error),
    }
}

fn tls_words(error: &rustls::Error, place: &str, proxy: Option<&str>) -> String {
    let remedy = "if the studio has its own authority, give its PEM file as ca_file or in SSL_CERT_FILE";
    let certificate = match error {
        rustls::Error::InvalidCertificate(certificate) => certificate,
        rustls::Error::InvalidMessage(_) => {
            return format!("what answers at {place} does not speak TLS: check the port, and http or https");
        }
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion) => {
            return format!(
                "{place} offers no TLS version or cipher that is safe: ask its administrator for TLS 1.2 or 1.3"
            );
        }
        other => {
            return format!(
                "no encrypted connection to {place} could be made: {other}; check the address and the port, or ask the \
                 server's administrator"
            );
        }
    };
    match certificate {
        CertificateError::UnknownIssuer => {
            format!("the certificate of {place} is not signed by an authority that this machine trusts: {remedy}")
        }
        CertificateError::NotValidForName => {
            format!("the certificate of {place} is for another name: check the address")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            // They come as `DnsName("other.example")`.
            let names: Vec<&str> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            format!("the certificate of {place} is for another name ({names}): check the address")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!(
                "the certificate of {place} has expired: ask the server's administrator to renew it, or set this \
                 machine's clock right"
            )
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {place} is not valid yet: set this machine's clock right")
        }
        other => {
            let way = proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
            format!("the certificate of {place}{way} cannot be trusted: {other}; {remedy}")
        }
    }
}
