//! Signed addresses: what they grant, how they are written, and how they are checked.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::form_urlencoded;
use uuid::Uuid;

use crate::storage::error::StorageError;

/// What an address grants: one method on one component, under the conditions in its parameters and headers.
pub(super) struct Address {
    method: &'static str,
    component_id: String,
    parameters: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
}

/// Signs addresses and checks them, with a key that stays in the storage folder so that addresses outlive a restart.
pub(super) struct Signer {
    key: Vec<u8>,
}

impl Address {
    /// An address with nothing but its end.
    pub(super) fn new(method: &'static str, component_id: &str, expires: SystemTime) -> Address {
        let mut address =
            Address { method, component_id: component_id.to_owned(), parameters: BTreeMap::new(), headers: Vec::new() };
        address.set("expires", seconds(expires));
        address
    }

    /// Adds a query parameter, which the signature covers.
    pub(super) fn set(&mut self, name: &str, value: impl ToString) {
        self.parameters.insert(name.to_owned(), value.to_string());
    }

    /// Demands that the request carries this header with exactly this value.
    pub(super) fn sign_header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name.to_lowercase()).collect();
        self.set("signedHeaders", names.join(";"));
    }

    /// The demanded headers in the order they were added.
    pub(super) fn signed_headers(&self) -> &[(String, String)] {
        &self.headers
    }
}

impl Signer {
    /// Reads the key from `path`, or makes one there.
    pub(super) fn open(path: &Path) -> io::Result<Signer> {
        match std::fs::read(path) {
            Ok(key) if key.len() >= 32 => Ok(Signer { key }),
            Ok(key) => Err(io::Error::other(format!(
                "{} holds {} bytes where a signing key has 32; delete it to have a new one made",
                path.display(),
                key.len()
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Two random UUIDs are 244 bits from the system's generator, more than HMAC-SHA256 needs.
                let key = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
                write_private(path, &key)?;
                Ok(Signer { key })
            }
            Err(error) => Err(error),
        }
    }

    /// The address as path and query.
    pub(super) fn sign(&self, address: &Address) -> String {
        let mut parameters = address.parameters.clone();
        let headers: Vec<_> =
            address.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
        let mac = self.mac(address.method, &address.component_id, &parameters, &headers);
        parameters.insert("signature".to_owned(), hex::encode(mac.finalize().into_bytes()));
        format!("/storage/{}?{}", encode_segment(&address.component_id), encode(&parameters))
    }

    /// Checks a request against the address it came with and returns the address's parameters.
    ///
    /// The signature comes before the end of life, so only a real address is told that it is over.
    pub(super) fn check(
        &self,
        method: &str,
        component_id: &str,
        mut parameters: BTreeMap<String, String>,
        request_headers: &HeaderMap,
    ) -> Result<BTreeMap<String, String>, StorageError> {
        let Some(signature) = parameters.remove("signature") else {
            return Err(StorageError::forbidden(
                "AccessDenied",
                "the address has no signature; ask for one with the operation get_upload_metadata",
            ));
        };
        let names = parameters.get("signedHeaders").cloned().unwrap_or_default();
        let mut headers = Vec::new();
        for name in names.split(';').filter(|name| !name.is_empty()) {
            let value = request_headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let Some(value) = value else {
                return Err(StorageError::forbidden(
                    "AccessDenied",
                    format!("the header {name} is missing; send every header that came with the address as it is"),
                ));
            };
            headers.push((name.to_owned(), value));
        }
        let mac = self.mac(method, component_id, &parameters, &headers);
        let matches = hex::decode(&signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok());
        if !matches {
            return Err(StorageError::forbidden("SignatureDoesNotMatch", mismatch(method, component_id, &headers)));
        }
        let expires = parameters.get("expires").and_then(|text| text.parse().ok()).unwrap_or(0);
        let now = seconds(SystemTime::now());
        if now >= expires {
            let message = format!("Request has expired: the address ended {} s ago; ask for a new one", now - expires);
            return Err(StorageError::forbidden("AccessDenied", message));
        }
        Ok(parameters)
    }

    fn mac(
        &self,
        method: &str,
        component_id: &str,
        parameters: &BTreeMap<String, String>,
        headers: &[(String, String)],
    ) -> Hmac<Sha256> {
        // Percent-encoding and one line a field keep two different grants from reading the same.
        let mut text = format!("{method}\n{component_id}\n{}\n", encode(parameters));
        for (name, value) in headers {
            text.push_str(&format!("{name}:{value}\n"));
        }
        // `new_from_slice` takes keys of any length; its error type exists for other algorithms.
        #[allow(clippy::expect_used)]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC accepts a key of any length");
        mac.update(text.as_bytes());
        mac
    }
}

fn mismatch(method: &str, component_id: &str, headers: &[(String, String)]) -> String {
    let mut message = format!("the address does not allow this {method} of component {component_id}");
    if !headers.is_empty() {
        let sent: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        message.push_str(&format!(" with the headers ({})", sent.join(", ")));
    }
    message.push_str("; use the address and its headers exactly as they were handed out");
    message
}

fn encode(parameters: &BTreeMap<String, String>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// A path segment; component ids are UUIDs, so this only matters for the ones that are going to be refused.
fn encode_segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(unix)]
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}

#[cfg(not(unix))]
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::write(path, bytes)
}
