//! What must never be shown, and how text is cleaned of it.
//!
//! Keys and passwords travel as `secrecy::SecretString`, which prints nothing. What others wrote
//! (a server's error text, a URL) goes through a [`Redactor`] before it reaches a message or a log line.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// What stands where a secret stood.
pub const HIDDEN: &str = "[hidden]";

/// Knows a session's secrets and takes them out of any text.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<SecretString>,
}

impl Redactor {
    /// A redactor for these secrets. Very short ones are left out: hiding every "a" hides nothing.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| secret.expose_secret().len() >= 4).collect();
        // Longest first, so that a secret that contains another goes whole.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Redactor { secrets }
    }

    /// One that knows these secrets besides.
    pub fn with(&self, secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Redactor::new(self.secrets.iter().cloned().chain(secrets))
    }

    /// The text without any of the secrets.
    pub fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.secrets {
            if clean.contains(secret.expose_secret()) {
                clean = clean.replace(secret.expose_secret(), HIDDEN);
            }
        }
        clean
    }
}

/// A URL as it may be shown: without user, password, query and fragment. Upload addresses are secrets in their query.
pub fn show_url(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for URLs that cannot have a user, which then have none to hide.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_survives_cleaning() {
        let redactor = Redactor::new(["key-123".to_owned().into(), "key-1234567".to_owned().into()]);
        assert_eq!(redactor.clean("a key-1234567 b key-123 c"), "a [hidden] b [hidden] c");
    }

    #[test]
    fn a_shown_url_has_no_credentials_and_no_query() {
        let url = Url::parse("https://user:pass@store.example:8443/bucket/object?X-Amz-Signature=abc#part").unwrap();
        assert_eq!(show_url(&url), "https://store.example:8443/bucket/object");
    }
}
