//! The HTTP client that API and storage requests share: trust, proxies, time to connect. It has no default headers and
//! no cookies and follows no redirect, so nothing of one request can reach another's server.

use super::environment::Environment;
use super::proxy::{Proxies, ProxyChoice};
use super::{fault, trust};
use crate::session::log::Log;
use crate::session::{Code, Error, Result, policy};
use bytes::{Bytes, BytesMut};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// How connections are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For reaching a server: name, connection, proxy and TLS together.
    pub connect_timeout: Duration,
    /// Which proxy to use.
    pub proxy: ProxyChoice,
    /// PEM certificates to trust beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// What the process said when the session was created.
    pub environment: Environment,
}

/// A pool of connections. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    proxies: Proxies,
    connect_timeout: Duration,
}

/// Why the body of an answer was not read.
#[derive(Debug)]
pub enum Unread {
    /// It has more bytes than allowed.
    TooLarge,
    /// The connection broke or stalled.
    Broken(reqwest::Error),
}

impl Http {
    /// Reads certificates and makes the client. Reads files: call it on a blocking thread.
    pub fn build(settings: &Settings, log: &Log) -> Result<Self> {
        let proxies = Proxies::new(&settings.proxy, &settings.environment, log)?;
        let tls = trust::tls_config(settings.ca_file.as_deref(), &settings.environment, log)?;
        // no_proxy first: without it reqwest reads the environment by itself.
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(policy::POOL_IDLE);
        #[cfg(target_os = "linux")]
        {
            // reqwest's own 30 s would end uploads that the idle timeout still gives time.
            builder = builder.tcp_user_timeout(policy::UPLOAD_IDLE_TIMEOUT);
        }
        let failed = |error: reqwest::Error| {
            let cause = fault::root_cause(&error);
            let message =
                format!("a defect in the library kept the HTTP client from being made ({cause}): please report it");
            Error::new(Code::Internal, message)
        };
        for proxy in proxies.for_reqwest().map_err(failed)? {
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(failed)?;
        Ok(Http { client, proxies, connect_timeout: settings.connect_timeout })
    }

    /// The client, for requests that bring all their headers themselves.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// What a failed request means, in words. After anything but a failure to connect the outcome is marked as unknown.
    pub fn fault(&self, error: &reqwest::Error, url: &Url) -> Error {
        fault::explain(error, url, self.proxies.before(url).as_deref(), self.connect_timeout)
    }

    /// The error for an answer 407, which only a proxy gives.
    pub fn proxy_refusal(&self, url: &Url) -> Error {
        fault::proxy_wants_password(self.proxies.before(url).as_deref()).with_http_status(407)
    }
}

/// The whole body of an answer, if it has at most `limit` bytes. Of a refusal it is what could be read: who refuses a request
/// often closes the connection before it was read, and the status has said enough.
pub async fn read_body(mut answer: reqwest::Response, limit: usize) -> Result<Bytes, Unread> {
    if answer.content_length().is_some_and(|length| length > limit as u64) {
        return Err(Unread::TooLarge);
    }
    let mut body = BytesMut::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(Unread::TooLarge),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(_) if !answer.status().is_success() => return Ok(body.freeze()),
            Err(error) => return Err(Unread::Broken(error)),
        }
    }
}
