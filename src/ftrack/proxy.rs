//! Which proxy stands before which address. An address with a password is never shown.

use super::environment::Environment;
use crate::session::log::Log;
use crate::session::secret::show_url;
use crate::session::{Code, Error, Result};
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use url::Url;

/// How the server and the storage are reached.
#[derive(Clone, Debug, Default)]
pub enum ProxyChoice {
    /// As the captured `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Environment,
    /// Directly, whatever the environment says.
    None,
    /// Through this proxy, for every address: `http://user:password@proxy.studio:3128`. The password may be percent-encoded.
    Url(SecretString),
}

/// The proxies in force. No Debug: the addresses hold passwords.
#[derive(Clone)]
pub(super) struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    bypass: String,
    matcher: Arc<Matcher>,
}

impl Proxies {
    /// Reads the choice. A proxy given as an option must be right; one of the environment that cannot be used is
    /// a warning, because the variable may be meant for other programs.
    pub(super) fn new(choice: &ProxyChoice, environment: &Environment, log: &Log) -> Result<Self> {
        match choice {
            ProxyChoice::None => Ok(Self::of(None, None, "")),
            ProxyChoice::Url(url) => {
                let url = parse(url.expose_secret()).map_err(|reason| {
                    Error::new(
                        Code::BadProxyUrl,
                        format!("proxy: {reason}: give an address such as http://proxy.studio:3128"),
                    )
                })?;
                Ok(Self::of(Some(url.clone()), Some(url), ""))
            }
            ProxyChoice::Environment => {
                let read = |name: &str, value: &Option<SecretString>| {
                    let value = value.as_ref()?;
                    parse(value.expose_secret())
                        .inspect_err(|reason| log.warning("ftrack", format_args!("{name} is not used: it {reason}")))
                        .ok()
                };
                let all = read("ALL_PROXY", &environment.all_proxy);
                Ok(Self::of(
                    read("HTTP_PROXY", &environment.http_proxy).or_else(|| all.clone()),
                    read("HTTPS_PROXY", &environment.https_proxy).or(all),
                    environment.no_proxy.as_deref().unwrap_or(""),
                ))
            }
        }
    }

    fn of(http: Option<Url>, https: Option<Url>, bypass: &str) -> Self {
        let text = |url: &Option<Url>| url.as_ref().map(|url| url.as_str().to_owned()).unwrap_or_default();
        let matcher = Matcher::builder().http(text(&http)).https(text(&https)).no(bypass.to_owned()).build();
        Proxies { http, https, bypass: bypass.to_owned(), matcher: Arc::new(matcher) }
    }

    /// The same for reqwest, which reads them as the matcher here does.
    pub(super) fn for_reqwest(&self) -> reqwest::Result<Vec<reqwest::Proxy>> {
        let bypass = reqwest::NoProxy::from_string(&self.bypass);
        let http = self.http.iter().map(|url| reqwest::Proxy::http(url.clone()));
        let https = self.https.iter().map(|url| reqwest::Proxy::https(url.clone()));
        http.chain(https).map(|proxy| Ok(proxy?.no_proxy(bypass.clone()))).collect()
    }

    /// The proxy that a request to `url` goes through, as it may be shown.
    pub(super) fn before(&self, url: &Url) -> Option<String> {
        let intercept = self.matcher.intercept(&url.as_str().parse().ok()?)?;
        Some(Url::parse(&intercept.uri().to_string()).map_or_else(|_| "the proxy".to_owned(), |url| show_url(&url)))
    }
}

/// The address as a URL, or what is wrong with it in words that hold no part of it but the scheme.
fn parse(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).map_err(|error| format!("is not an address ({error})"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "http" | "https" => Err("names no host".to_owned()),
        scheme => Err(format!("is of the kind {scheme}, and only http and https proxies can be used")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(environment: &Environment, url: &str) -> Option<String> {
        let proxies = Proxies::new(&ProxyChoice::Environment, environment, &Log::silent()).unwrap();
        proxies.before(&Url::parse(url).unwrap())
    }

    #[test]
    fn each_scheme_has_its_proxy_and_no_proxy_is_obeyed() {
        let environment = Environment {
            https_proxy: Some("http://secure.example:3128".to_owned().into()),
            all_proxy: Some("plain.example:8080".to_owned().into()),
            no_proxy: Some("localhost, .inside.example".to_owned()),
            ..Environment::default()
        };
        assert_eq!(before(&environment, "https://studio.example/api").as_deref(), Some("http://secure.example:3128"));
        assert_eq!(before(&environment, "http://studio.example/api").as_deref(), Some("http://plain.example:8080"));
        assert_eq!(before(&environment, "https://ftrack.inside.example/api"), None);
        assert_eq!(before(&environment, "http://localhost:8080/api"), None);
    }

    #[test]
    fn a_shown_proxy_has_no_password_even_with_an_at_sign_in_it() {
        let environment = Environment {
            all_proxy: Some("http://render:p@ss%3Aword@proxy:3128".to_owned().into()),
            ..Environment::default()
        };
        assert_eq!(before(&environment, "https://studio.example").as_deref(), Some("http://proxy:3128"));
        let proxies = Proxies::new(&ProxyChoice::Environment, &environment, &Log::silent()).unwrap();
        let intercept = proxies.matcher.intercept(&"https://studio.example".parse().unwrap()).unwrap();
        // render:p@ss:word
        assert_eq!(intercept.basic_auth().unwrap(), "Basic cmVuZGVyOnBAc3M6d29yZA==");
    }

    #[test]
    fn a_wrong_proxy_option_is_an_error_that_does_not_repeat_it() {
        let choice = ProxyChoice::Url("socks5://user:hunter2@proxy:1080".to_owned().into());
        let error = Proxies::new(&choice, &Environment::default(), &Log::silent()).map(drop).unwrap_err();
        assert_eq!(error.code, Code::BadProxyUrl);
        assert!(error.message.contains("socks5") && !error.message.contains("hunter2"), "{error}");
    }
}
