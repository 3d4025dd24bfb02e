//! The client of a server's API. Every call is one HTTP request of its own: there is no connection to lose
//! and nothing that grows old while a long upload runs.

use super::answer::{self, Question};
use super::http::{self, Http, Unread};
use super::operation::{self, Operation};
use super::retry::Tries;
use super::{Environment, ProxyChoice};
use crate::session::blocking::blocking;
use crate::session::log::Log;
use crate::session::secret::show_url;
use crate::session::{Class, Code, Error, Result, policy};
use futures_util::future::{BoxFuture, FutureExt};
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OnceCell, mpsc};
use url::{Host, Url};

/// Everything that calls depend on.
#[derive(Clone)]
pub struct Config {
    /// The server, such as `https://studio.ftrackapp.com`.
    pub server_url: Url,
    /// The key of a user, or a global one.
    pub api_key: SecretString,
    /// The user's name, not its id.
    pub api_user: String,
    /// For one request, from sending to the whole answer.
    pub timeout: Duration,
    /// For reaching the server.
    pub connect_timeout: Duration,
    /// Sent with each API request, to the server only.
    pub headers: Vec<(String, String)>,
    /// Sent with each API request, to the server only.
    pub cookies: Vec<(String, String)>,
    /// Which proxy to use.
    pub proxy: ProxyChoice,
    /// PEM certificates to trust beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// Whether the server uses HTTP status codes and tells only what was asked for (`ftrack-strict-api`).
    pub strict_api: bool,
    /// Comes back as `clientToken` in events, so that a session knows its own changes.
    pub client_token: String,
    /// What the process said when the session was created.
    pub environment: Environment,
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
    patience: Duration,
}

pub(super) struct Inner {
    pub(super) config: Config,
    api_url: Url,
    pub(super) log: Log,
    ready: OnceCell<Result<Ready>>,
    news: Option<mpsc::Sender<()>>,
    troubled: AtomicBool,
}

#[derive(Clone)]
pub(super) struct Ready {
    pub(super) http: Http,
    pub(super) headers: HeaderMap,
}

/// How a write came to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Committed {
    /// The server answered this request: one result an operation.
    Now(Vec<Value>),
    /// An earlier request had done it, and its answer was lost: the entities that the probe found.
    Before(Vec<Value>),
}

/// How something that is to be done once came to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Once<T> {
    /// The server answered this request: one result an operation.
    Now(Vec<Value>),
    /// An earlier request had done it: what told so.
    Before(T),
}

/// What the server says of itself.
#[derive(Clone, Debug)]
pub struct ServerInformation {
    /// Such as `4.14.2`, or `dev`.
    pub version: String,
    /// The id of the API user, where the server tells it.
    pub user_id: Option<String>,
    /// The name of the API user, where the server tells it.
    pub user_name: Option<String>,
    /// Where the server wants media, such as `ftrack.server`, where it tells it.
    pub storage_scenario: Option<String>,
    /// Everything it said.
    pub raw: Value,
}

impl Client {
    /// A client. Does no I/O: a wrong option is told by the first call, and by each one after it.
    pub fn new(config: Config, log: Log) -> Self {
        Self::make(config, log, None)
    }

    /// A client, and what tells when calls begin to fail for a reason that may concern all of them (no connection, no
    /// permission to call at all, another server than before), and when they succeed again. It ends when the client is gone.
    pub fn watched(config: Config, log: Log) -> (Self, mpsc::Receiver<()>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self::make(config, log, Some(sender)), receiver)
    }

    fn make(config: Config, log: Log, news: Option<mpsc::Sender<()>>) -> Self {
        let mut api_url = config.server_url.clone();
        api_url.set_path(&format!("{}/api", config.server_url.path().trim_end_matches('/')));
        api_url.set_query(None);
        api_url.set_fragment(None);
        Client {
            patience: Duration::ZERO,
            inner: Arc::new(Inner {
                config,
                api_url,
                log,
                ready: OnceCell::new(),
                news,
                troubled: AtomicBool::new(false),
            }),
        }
    }

    /// The same client, which goes on trying for this long at least where that may help.
    pub fn patient(&self, patience: Duration) -> Self {
        Client { inner: self.inner.clone(), patience }
    }

    /// The server, as it was given.
    pub fn server_url(&self) -> &Url {
        &self.inner.config.server_url
    }

    /// The user's name.
    pub fn api_user(&self) -> &str {
        &self.inner.config.api_user
    }

    /// The connections, for uploads. They carry nothing of the session.
    pub async fn http(&self) -> Result<Http> {
        Ok(self.ready().await?.http.clone())
    }

    /// Sends the operations once. One result an operation, in their order.
    pub async fn call(&self, operations: &[Operation]) -> Result<Vec<Value>> {
        let ready = self.ready().await?;
        let started = Instant::now();
        let outcome = self.request(ready, operations).await;
        let what = || operation::kinds(operations);
        let took = started.elapsed().as_millis();
        match &outcome {
            Ok((_, size)) => {
                let count = operations.len();
                self.inner.log.debug("ftrack", format_args!("{} ({count}): {size} bytes in {took} ms", what()));
            }
            Err(error) => {
                self.inner.log.debug("ftrack", format_args!("{} failed after {took} ms: {error}", what()));
            }
        }
        self.tell_news(outcome.as_ref().err());
        outcome.map(|(results, _)| results)
    }

    fn tell_news(&self, error: Option<&Error>) {
        let troubled = match error {
            None => false,
            Some(error) if error.code.class() == Class::Network || error.code == Code::Unauthorised => true,
            // Says nothing of other calls.
            Some(_) => return,
        };
        if self.inner.troubled.swap(troubled, Ordering::Relaxed) != troubled
            && let Some(news) = &self.inner.news
        {
            // Full is as good as told.
            let _ = news.try_send(());
        }
    }

    /// Sends operations that change nothing, again where that may help.
    pub async fn call_repeatable(&self, operations: &[Operation]) -> Result<Vec<Value>> {
        let mut tries = Tries::lasting(self.patience);
        loop {
            match self.call(operations).await {
                Ok(results) => return Ok(results),
                Err(error) => self.wait_or_tell(&mut tries, error).await?,
            }
        }
    }

    /// The entities that a query finds, asked again where that may help.
    pub async fn query(&self, query: &super::Query) -> Result<Vec<Value>> {
        let results = self.call_repeatable(&[Operation::query(query)]).await?;
        results.into_iter().next().map_or_else(|| Ok(Vec::new()), answer::rows)
    }

    /// Sends writes whose ids the caller made, exactly once as far as the server is concerned. `applied` is a query that finds
    /// something if and only if the operations were done: after a lost answer, and where the server says that something
    /// exists already, the server is asked before anything is repeated or told to have failed.
    pub async fn commit(&self, operations: &[Operation], applied: &super::Query) -> Result<Committed> {
        let found = || async { self.query(applied).await.map(|rows| (!rows.is_empty()).then_some(rows)) }.boxed();
        Ok(match self.once(operations, found).await? {
            Once::Now(results) => Committed::Now(results),
            Once::Before(rows) => Committed::Before(rows),
        })
    }

    /// The same for what another question than a query answers. `done` gives nothing where the operations were not done, or
    /// where that cannot be told: then the error that is returned says by `outcome_unknown` whether they may have been.
    pub async fn once<'a, T>(
        &self,
        operations: &[Operation],
        done: impl Fn() -> BoxFuture<'a, Result<Option<T>>>,
    ) -> Result<Once<T>> {
        let mut tries = Tries::lasting(self.patience);
        let mut unknown = false;
        loop {
            let mut error = match self.call(operations).await {
                Ok(results) => return Ok(Once::Now(results)),
                Err(error) => error,
            };
            unknown |= error.details.outcome_unknown;
            // A lost request may still be at work behind a gateway, so no later answer takes the doubt away.
            error.details.outcome_unknown = unknown;
            if unknown || matches!(error.code, Code::Duplicate | Code::Integrity) {
                match done().await {
                    Ok(Some(found)) => {
                        self.inner
                            .log
                            .info("ftrack", format_args!("already done on the server, which had said: {error}"));
                        return Ok(Once::Before(found));
                    }
                    Ok(None) => {}
                    // Nobody can be asked: the first error says why.
                    Err(_) => return Err(error),
                }
            }
            self.wait_or_tell(&mut tries, error).await?;
        }
    }

    /// Asks the server what it is, with the user's key: the first call of a session.
    pub async fn server_information(&self) -> Result<ServerInformation> {
        let values = ["version", "storage_scenario", "user_information", "is_timezone_support_enabled", "schema_hash"];
        let named = self.call_repeatable(&[Operation::query_server_information(&values)]).await;
        let results = match named {
            // A server that does not know one of the names says so by an exception; it tells the rest unasked.
            Err(error) if error.details.exception.is_some() && error.code != Code::Unauthorised => {
                self.call_repeatable(&[Operation::query_server_information(&[])]).await?
            }
            other => other?,
        };
        let raw = results.into_iter().next().unwrap_or_default();
        let text = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let Some(version) = text("/version") else {
            let url = show_url(&self.inner.api_url);
            let message = format!("{url} is no ftrack API, it told no version when asked: check the server URL");
            return Err(Error::new(Code::WrongServer, message));
        };
        Ok(ServerInformation {
            version,
            user_id: text("/user_information/id"),
            user_name: text("/user_information/username"),
            storage_scenario: text("/storage_scenario/scenario"),
            raw,
        })
    }

    /// Waits if the failure may pass, or gives it back.
    async fn wait_or_tell(&self, tries: &mut Tries, error: Error) -> Result<()> {
        let Some(wait) = tries.after(&error) else { return Err(error) };
        self.inner.log.info("ftrack", format_args!("trying again in {} ms: {error}", wait.as_millis()));
        tokio::time::sleep(wait).await;
        Ok(())
    }

    pub(super) async fn ready(&self) -> Result<&Ready> {
        let ready = self.inner.ready.get_or_init(|| async {
            let inner = self.inner.clone();
            blocking(move || inner.config.ready(&inner.log)).await
        });
        ready.await.as_ref().map_err(Clone::clone)
    }

    /// One request: the results, and the size of the answer in bytes.
    async fn request(&self, ready: &Ready, operations: &[Operation]) -> Result<(Vec<Value>, usize)> {
        let Inner { config, api_url: url, log, .. } = &*self.inner;
        let body = serde_json::to_vec(operations).map_err(|error| {
            let what = "a defect in the library made a request that cannot be written as JSON";
            Error::new(Code::Internal, format!("{what} ({error}): please report it"))
        })?;
        let request =
            ready.http.client().post(url.clone()).headers(ready.headers.clone()).timeout(config.timeout).body(body);
        let answer = request.send().await.map_err(|error| ready.http.fault(&error, url))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = match http::read_body(answer, policy::ANSWER_LIMIT).await {
            Ok(body) => body,
            Err(Unread::Broken(error)) => return Err(ready.http.fault(&error, url).with_http_status(status.as_u16())),
            Err(Unread::TooLarge) => {
                let limit = policy::ANSWER_LIMIT >> 20;
                let message = format!(
                    "{} sent an answer of more than {limit} MiB, which no ftrack API does: check the server URL",
                    show_url(url)
                );
                return Err(Error::new(Code::WrongServer, message)
                    .with_http_status(status.as_u16())
                    .with_outcome_unknown());
            }
        };
        if status.as_u16() == 407 {
            return Err(ready.http.proxy_refusal(url));
        }
        let question = Question { url, api_user: &config.api_user, operations, redactor: log.redactor() };
        Ok((question.read(status, &headers, &body)?, body.len()))
    }
}

impl Config {
    fn ready(&self, log: &Log) -> Result<Ready> {
        let settings = http::Settings {
            connect_timeout: self.connect_timeout,
            proxy: self.proxy.clone(),
            ca_file: self.ca_file.clone(),
            environment: self.environment.clone(),
        };
        if self.server_url.scheme() == "http" && !is_loopback(&self.server_url) {
            let server = show_url(&self.server_url);
            log.warning(
                "ftrack",
                format_args!("{server} is not encrypted: anybody on the way can read the API key; use https"),
            );
        }
        Ok(Ready { headers: self.request_headers()?, http: Http::build(&settings, log)? })
    }

    /// The headers of an API request, and of no other.
    fn request_headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let invalid = |what: &str| {
                let message = format!("headers: {name:?} has a {what} that HTTP does not allow: correct or remove it");
                Error::new(Code::InvalidArgument, message)
            };
            let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid("value"))?;
            // It may let somebody through a gateway.
            value.set_sensitive(true);
            headers.append(HeaderName::try_from(name).map_err(|_| invalid("name"))?, value);
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let texts = [
            (USER_AGENT, "user-agent", concat!("ftreview/", env!("CARGO_PKG_VERSION"))),
            (CONTENT_TYPE, "content-type", "application/json"),
            (ACCEPT, "accept", "application/json"),
            (HeaderName::from_static("ftrack-user"), "api_user", &self.api_user),
            (HeaderName::from_static("ftrack-api-key"), "api_key", self.api_key.expose_secret()),
            (
                HeaderName::from_static("ftrack-strict-api"),
                "strict_api",
                if self.strict_api { "true" } else { "false" },
            ),
            (HeaderName::from_static("ftrack-clienttoken"), "client_token", &self.client_token),
        ];
        // After the extra ones, so that these cannot be replaced by accident.
        for (name, argument, value) in texts {
            headers.insert(name, header_value(argument, value)?);
        }
        if !cookies.is_empty() {
            headers.insert(COOKIE, header_value("cookies", &cookies.join("; "))?);
        }
        Ok(headers)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The value, never shown by debug output; an error names the argument and not the value.
fn header_value(argument: &str, value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        let message = format!(
            "{argument}: has a character that HTTP does not allow, such as a line break: give it again without"
        );
        Error::new(Code::InvalidArgument, message)
    })?;
    value.set_sensitive(true);
    Ok(value)
}
