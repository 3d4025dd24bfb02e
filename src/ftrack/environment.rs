//! The process's variables that concern the network, read once, on the thread that creates the session.
//! A host may change its environment at any time, and reading it from another thread meanwhile is not safe in C.

use secrecy::{ExposeSecret, SecretString};
use std::env;
use std::ffi::OsString;

/// What the environment said about proxies and certificates. The default says nothing.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `SSL_CERT_FILE`: a file of PEM certificates.
    pub ssl_cert_file: Option<OsString>,
    /// `SSL_CERT_DIR`: directories of PEM certificates, separated as in `PATH`.
    pub ssl_cert_dir: Option<OsString>,
    /// `REQUESTS_CA_BUNDLE`: a file or directory, as Python's requests reads it.
    pub requests_ca_bundle: Option<OsString>,
    /// `HTTPS_PROXY` or `https_proxy`; may hold a password.
    pub https_proxy: Option<SecretString>,
    /// `HTTP_PROXY` or `http_proxy`; may hold a password.
    pub http_proxy: Option<SecretString>,
    /// `ALL_PROXY` or `all_proxy`, where the two above say nothing; may hold a password.
    pub all_proxy: Option<SecretString>,
    /// `NO_PROXY` or `no_proxy`: hosts that are reached directly.
    pub no_proxy: Option<String>,
}

impl Environment {
    /// Reads the variables of this process. An empty variable is as good as none.
    pub fn capture() -> Self {
        let either = |upper: &str| {
            let value = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
            value(upper).or_else(|| value(&upper.to_lowercase()))
        };
        let path = |name| env::var_os(name).filter(|value| !value.is_empty());
        Environment {
            ssl_cert_file: path("SSL_CERT_FILE"),
            ssl_cert_dir: path("SSL_CERT_DIR"),
            requests_ca_bundle: path("REQUESTS_CA_BUNDLE"),
            https_proxy: either("HTTPS_PROXY").map(SecretString::from),
            http_proxy: either("HTTP_PROXY").map(SecretString::from),
            all_proxy: either("ALL_PROXY").map(SecretString::from),
            no_proxy: either("NO_PROXY"),
        }
    }

    /// The proxies, as they stand there.
    pub fn proxies(&self) -> impl Iterator<Item = &str> {
        [&self.https_proxy, &self.http_proxy, &self.all_proxy].into_iter().flatten().map(ExposeSecret::expose_secret)
    }
}
