//! From what a host said, and what the environment says, to how a server is reached.

use super::{Config, Environment, ProxyChoice};
use crate::session::policy;
use crate::session::secret::Redactor;
use crate::session::{Code, Error, Result};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// What a host said. What it left out comes from the environment or from the policy.
#[derive(Default)]
pub struct Settings {
    /// The server.
    pub server_url: Option<String>,
    /// The key.
    pub api_key: Option<SecretString>,
    /// The user's name.
    pub api_user: Option<String>,
    /// One API request, in milliseconds; 0 is the policy's.
    pub timeout_ms: i32,
    /// Reaching a server, in milliseconds; 0 is the policy's.
    pub connect_timeout_ms: i32,
    /// JSON text of an object of strings.
    pub headers: Option<String>,
    /// JSON text of an object of strings.
    pub cookies: Option<String>,
    /// A URL, or empty for none.
    pub proxy: Option<String>,
    /// A PEM file.
    pub ca_file: Option<PathBuf>,
    /// Ask for real HTTP status codes.
    pub strict_api: bool,
}

/// The environment variables that matter, read at one moment.
#[derive(Clone, Default)]
pub struct Variables {
    /// `FTRACK_SERVER`.
    pub server: Option<String>,
    /// `FTRACK_API_KEY`, then `FTRACK_APIKEY`, which ftrack Connect sets in the programs it launches.
    pub api_key: Option<SecretString>,
    /// `FTRACK_API_USER`.
    pub api_user: Option<String>,
    /// The operating system's user, as the environment names it.
    pub system_user: Option<String>,
    /// `FTRACK_CONTEXTID`, then `FTRACK_TASKID`, then `FTRACK_SHOTID`: the order of ftrack's own framework.
    pub context: Option<String>,
    /// Proxies and certificates.
    pub network: Environment,
}

impl Variables {
    /// Reads the environment, once, on the thread of the caller.
    pub fn capture() -> Variables {
        Variables {
            server: variable(&["FTRACK_SERVER"]),
            api_key: variable(&["FTRACK_API_KEY", "FTRACK_APIKEY"]).map(Into::into),
            api_user: variable(&["FTRACK_API_USER"]),
            system_user: variable(&["LOGNAME", "USER", "LNAME", "USERNAME"]),
            context: variable(&["FTRACK_CONTEXTID", "FTRACK_TASKID", "FTRACK_SHOTID"]),
            network: Environment::capture(),
        }
    }
}

impl Settings {
    /// How the server is reached; or what is missing, and where it may come from.
    pub fn resolve(self, variables: &Variables) -> Result<Config> {
        let missing = |code, what: &str| Error::new(code, what);
        let server_url = match (self.server_url, &variables.server) {
            (Some(url), _) => parse_server_url(&url, "server_url")?,
            (None, Some(url)) => parse_server_url(url, "FTRACK_SERVER")?,
            (None, None) => {
                return Err(missing(
                    Code::NoServerUrl,
                    "server_url: was not given and FTRACK_SERVER is empty or not set: give the server's URL, such as https://studio.ftrackapp.com",
                ));
            }
        };
        let given = self.api_key.filter(|key| !key.expose_secret().is_empty());
        let api_key = given.or_else(|| variables.api_key.clone()).ok_or_else(|| {
            missing(
                Code::NoApiKey,
                "api_key: was not given and FTRACK_API_KEY and FTRACK_APIKEY are empty or not set: make a key in ftrack under the user's settings, API keys",
            )
        })?;
        let given = self.api_user.filter(|user| !user.is_empty());
        let api_user =
            given.or_else(|| variables.api_user.clone()).or_else(|| variables.system_user.clone()).ok_or_else(|| {
                missing(
                    Code::NoApiUser,
                    "api_user: was not given, FTRACK_API_USER is empty or not set and the operating system names no user: give the ftrack user name",
                )
            })?;
        // Both become HTTP headers, which hold visible ASCII only.
        if !api_key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::new(
                Code::InvalidArgument,
                "api_key: has characters that no ftrack key has: copy it again, without spaces or line breaks",
            ));
        }
        if api_user.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(Error::new(
                Code::InvalidArgument,
                "api_user: has control characters: give the ftrack user name",
            ));
        }
        Ok(Config {
            server_url,
            api_key,
            api_user,
            timeout: time("timeout_ms", self.timeout_ms, policy::API_TIMEOUT)?,
            connect_timeout: time("connect_timeout_ms", self.connect_timeout_ms, policy::CONNECT_TIMEOUT)?,
            headers: strings("headers", self.headers)?,
            cookies: strings("cookies", self.cookies)?,
            proxy: proxy(self.proxy)?,
            ca_file: self.ca_file,
            strict_api: self.strict_api,
            client_token: format!("ftreview--{}", uuid::Uuid::new_v4()),
            environment: variables.network.clone(),
        })
    }
}

impl Config {
    /// What may never be shown of this configuration.
    pub fn redactor(&self) -> Redactor {
        let mut secrets = vec![self.api_key.clone()];
        if let ProxyChoice::Url(url) = &self.proxy {
            secrets.extend(password(url.expose_secret()));
        }
        secrets.extend(self.environment.proxies().filter_map(password));
        secrets.extend(self.cookies.iter().map(|(_, value)| value.clone().into()));
        // A header such as X-Studio is no secret, and hiding its every word would spoil the log.
        let secret =
            |name: &str| ["auth", "token", "key", "secret", "cookie", "pass"].iter().any(|word| name.contains(word));
        let headers = self.headers.iter().filter(|(name, _)| secret(&name.to_lowercase()));
        secrets.extend(headers.map(|(_, value)| value.clone().into()));
        Redactor::new(secrets)
    }
}

/// The password in a URL, as it stands there and as it is meant.
fn password(url: &str) -> Option<SecretString> {
    Url::parse(url).ok()?.password().map(Into::into)
}

fn parse_server_url(text: &str, argument: &str) -> Result<Url> {
    let bad = |why: &str| {
        // The value is told, unless it may hold a password.
        let value = if text.contains('@') { String::new() } else { format!(" \"{text}\"") };
        Error::new(
            Code::BadServerUrl,
            format!("{argument}:{value} is no server URL, {why}: give one such as https://studio.ftrackapp.com"),
        )
    };
    let mut url = Url::parse(text.trim()).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => bad("it lacks https:// or http://"),
        error => bad(&error.to_string()),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("it does not begin with https:// or http://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("because user and key do not go into it but into api_user and api_key"));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn time(argument: &str, milliseconds: i32, policy: Duration) -> Result<Duration> {
    match milliseconds {
        0 => Ok(policy),
        1.. => Ok(Duration::from_millis(milliseconds.unsigned_abs().into())),
        _ => Err(Error::new(
            Code::InvalidArgument,
            format!("{argument}: {milliseconds} is no time: give milliseconds, or 0 for {} ms", policy.as_millis()),
        )),
    }
}

fn strings(argument: &str, text: Option<String>) -> Result<Vec<(String, String)>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let wrong = |why: String| {
        Error::new(
            Code::InvalidJson,
            format!(
                "{argument}: {why}; it must be the text of a JSON object of strings, such as {{\"X-Studio\": \"lyon\"}}"
            ),
        )
    };
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(format!("is no JSON ({error})")))?;
    let Value::Object(object) = value else { return Err(wrong("is JSON, but no object".into())) };
    let pair = |(name, value): (String, Value)| match value {
        // Refused here rather than at the first request.
        Value::String(value)
            if reqwest::header::HeaderName::try_from(name.as_str()).is_ok()
                && reqwest::header::HeaderValue::try_from(value.as_str()).is_ok() =>
        {
            Ok((name, value))
        }
        Value::String(_) => Err(wrong(format!("{name:?} or its value has characters that no header may have"))),
        _ => Err(wrong(format!("the value of {name:?} is no string"))),
    };
    object.into_iter().map(pair).collect()
}

fn proxy(text: Option<String>) -> Result<ProxyChoice> {
    let Some(text) = text else { return Ok(ProxyChoice::Environment) };
    if text.is_empty() {
        return Ok(ProxyChoice::None);
    }
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => {
            Ok(ProxyChoice::Url(text.into()))
        }
        _ => Err(Error::new(
            Code::BadProxyUrl,
            "proxy: is no proxy URL: give one such as http://user:password@proxy.studio:3128, or \"\" for no proxy",
        )),
    }
}

/// The first of the variables that is set to something. Connect sets what it does not know to the text "None".
fn variable(names: &[&str]) -> Option<String> {
    names.iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty() && value != "None")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables {
            server: Some("https://environment.example/".into()),
            api_key: Some("environment-key".to_owned().into()),
            api_user: Some("environment-user".into()),
            ..Variables::default()
        }
    }

    #[test]
    fn what_the_host_says_goes_before_the_environment() {
        let config = Settings::default().resolve(&variables()).unwrap();
        assert_eq!(
            (config.server_url.as_str(), config.api_user.as_str()),
            ("https://environment.example/", "environment-user")
        );
        let said = Settings { server_url: Some("http://host.example:8090///".into()), ..Settings::default() };
        assert_eq!(said.resolve(&variables()).unwrap().server_url.as_str(), "http://host.example:8090/");
    }

    #[test]
    fn what_is_missing_is_told_by_its_own_code() {
        let code = |variables: Variables| Settings::default().resolve(&variables).err().unwrap().code;
        assert_eq!(code(Variables { server: None, ..variables() }), Code::NoServerUrl);
        assert_eq!(code(Variables { api_key: None, ..variables() }), Code::NoApiKey);
        assert_eq!(code(Variables { api_user: None, ..variables() }), Code::NoApiUser);
    }

    #[test]
    fn a_url_that_is_none_is_refused_without_repeating_it() {
        for url in ["studio.ftrackapp.com", "ftp://studio", "https://", "", "https://user:s3cret@studio.example"] {
            let said = Settings { server_url: Some(url.into()), ..Settings::default() };
            let error = said.resolve(&variables()).err().unwrap();
            assert_eq!(error.code, Code::BadServerUrl, "{url}");
            assert!(!error.message.contains("s3cret"));
        }
    }

    #[test]
    fn headers_must_be_a_json_object_of_strings() {
        for text in ["", "[]", "{\"a\": 1}", "{\"a b\": \"c\"}", "{\"a\": \"b\\n\"}"] {
            let said = Settings { headers: Some(text.into()), ..Settings::default() };
            assert_eq!(said.resolve(&variables()).err().unwrap().code, Code::InvalidJson, "{text}");
        }
    }

    #[test]
    fn no_secret_of_a_configuration_survives_its_redactor() {
        let said = Settings {
            proxy: Some("http://me:proxy-word@proxy.example:3128".into()),
            cookies: Some("{\"session\": \"cookie-value\"}".into()),
            ..Settings::default()
        };
        let redactor = said.resolve(&variables()).unwrap().redactor();
        assert_eq!(redactor.clean("environment-key proxy-word cookie-value"), "[hidden] [hidden] [hidden]");
    }
}
