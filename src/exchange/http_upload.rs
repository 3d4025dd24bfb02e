//! A file to an endpoint, as a job: checked, sent once, and sent again only where that cannot be twice.

use super::content_type::content_type;
use super::endpoint::{Endpoint, more_headers};
use super::exchanger::{Exchanger, end};
use super::form::{FilePart, Form, fields};
use super::refusal::{may_pass, refusal};
use crate::ftrack::retry::{self, Tries};
use crate::session::blocking::blocking;
use crate::session::event::FileProgress;
use crate::session::life::Accepted;
use crate::session::log::{Level, Log};
use crate::session::{Code, Error, Job, Result, Session, Source, Stage, State, policy};
use crate::transfer::{Answered, Post, Progress, Reached, Unanswered};
use reqwest::Method;
use reqwest::header::HeaderMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a host asks for.
#[derive(Clone, Debug, Default)]
pub struct HttpUpload {
    /// A path of the server, or a URL.
    pub endpoint: String,
    /// The file.
    pub path: PathBuf,
    /// The text of a JSON object.
    pub fields: Option<String>,
    /// The name of the field that has the file.
    pub file_field: Option<String>,
    /// What the form calls the file.
    pub file_name: Option<String>,
    /// What the form says that it is.
    pub content_type: Option<String>,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// How long the endpoint may think about it.
    pub answer_patience: Option<Duration>,
    /// Without anything of the session.
    pub without_auth: bool,
    /// The endpoint may get it twice.
    pub repeatable: bool,
    /// PUT rather than POST.
    pub put: bool,
}

/// One upload, checked as far as can be told without the file and the network.
struct Work {
    exchanger: Arc<Exchanger>,
    job: Arc<Job>,
    log: Log,
    endpoint: Endpoint,
    fields: Vec<(String, String)>,
    headers: HeaderMap,
    request: HttpUpload,
    /// The endpoint may have all of the file.
    is_whole: AtomicBool,
}

/// Checks what can be checked at once. What it returns starts the job.
pub fn http_upload(
    session: &Session,
    exchanger: &Arc<Exchanger>,
    request: HttpUpload,
) -> Result<impl FnOnce(&Session, Accepted) + use<>> {
    let (client, log) = (&exchanger.client, session.log());
    let endpoint = Endpoint::parse(&request.endpoint, !request.without_auth, client, log)?;
    if request.path.as_os_str().is_empty() {
        return Err(invalid("path: is empty: give the path of a file"));
    }
    for (argument, text) in [("file_field", &request.file_field), ("file_name", &request.file_name)] {
        if text.as_ref().is_some_and(String::is_empty) {
            return Err(invalid(&format!("{argument}: is empty: give a name, or NULL for the default")));
        }
    }
    let is_type = |text: &str| text.contains('/') && text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
    if request.content_type.as_deref().is_some_and(|text| !is_type(text)) {
        return Err(invalid("content_type: is none: give one such as video/mp4, or NULL for the file's own"));
    }
    let fields = request.fields.as_deref().map_or_else(|| Ok(Vec::new()), fields)?;
    let headers = more_headers(&request.headers)?;
    for (argument, pairs) in [("fields", &fields), ("headers", &request.headers)] {
        for (name, value) in pairs {
            endpoint.check_secret(argument, name, log)?;
            endpoint.check_secret(argument, value, log)?;
        }
    }
    let (exchanger, log) = (exchanger.clone(), log.clone());
    Ok(move |session: &Session, accepted: Accepted| {
        let (job, is_whole) = (accepted.job.clone(), AtomicBool::new(false));
        let work = Work { exchanger, job, log, endpoint, fields, headers, request, is_whole };
        session.start(accepted, async move { work.run().await });
    })
}

impl Work {
    async fn run(&self) -> (State, Option<Error>) {
        let progress = Arc::new(Progress::default());
        let outcome = tokio::select! {
            biased;
            // In the future itself, because what a request had sent is taken back when it is dropped.
            error = async { self.job.cancelled().await; self.cancelled(&progress) } => Err(error),
            outcome = self.upload(&progress) => outcome,
        };
        if let Err(error) = &outcome
            && error.code != Code::Cancelled
        {
            self.log.say(Level::Error, "exchange", error);
        }
        end(&self.job, outcome)
    }

    async fn upload(&self, progress: &Arc<Progress>) -> Result<()> {
        let _turn = self.exchanger.turn_up().await;
        self.job.enter(Stage::Checking);
        let (path, given) = (self.request.path.clone(), self.request.content_type.clone());
        let look = move || {
            let source = Source::open(&path)?;
            let content_type = given.unwrap_or_else(|| content_type(&path).to_owned());
            Ok((Arc::new(source), content_type))
        };
        let (source, content_type) = blocking(look).await?;
        let own_name = || self.request.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = FilePart {
            field: self.request.file_field.clone().unwrap_or_else(|| "file".to_owned()),
            file_name: self.request.file_name.clone().unwrap_or_else(own_name),
            content_type,
        };
        self.endpoint.check_secret("file_name", &file.file_name, &self.log)?;
        let form = Form::new(&self.fields, &file);
        self.measure(&form, &source, file.file_name.clone(), progress.clone());
        self.job.enter(Stage::Uploading);
        let client = &self.exchanger.client;
        let post = Post {
            http: client.http().await?,
            method: if self.request.put { Method::PUT } else { Method::POST },
            url: self.endpoint.url.clone(),
            headers: self.endpoint.headers(client, &form.content_type, &self.headers).await?,
            head: form.head.clone(),
            source: &source,
            tail: form.tail.clone(),
            traffic: &self.exchanger.traffic,
            gate: self.job.gate(),
            progress,
            is_whole: &self.is_whole,
            answer_patience: self.request.answer_patience.unwrap_or(policy::ENDPOINT_PATIENCE),
        };
        let answered = self.send(&post).await?;
        self.note(&answered);
        Ok(())
    }

    /// Sends it, again where that may help and cannot be twice.
    async fn send(&self, post: &Post<'_>) -> Result<Answered> {
        let limits = self.exchanger.traffic.limits();
        let mut tries = Tries::default().beginning_with(limits.retry_base);
        let mut has_begun = false;
        loop {
            // A pause before the first byte is one without a connection.
            self.job.gate().opened().await;
            let error = tokio::select! {
                outcome = self.send_once(post) => match outcome {
                    Ok(answered) => return Ok(answered),
                    Err(error) => error,
                },
                () = self.paused_for_long(), if self.request.repeatable => continue,
            };
            if error.reached != Reached::Nothing && !has_begun {
                // What was sent, even in part, is worth more waiting than what nobody has taken yet.
                has_begun = true;
                tries = Tries::lasting(limits.patience).beginning_with(limits.retry_base);
            }
            let may_repeat = match self.request.repeatable {
                true => may_pass(&error.error),
                false => error.reached == Reached::Nothing && retry::may_pass(&error.error),
            };
            let wait = if may_repeat { tries.after(&as_passing(&error.error)) } else { None };
            let Some(wait) = wait else { return Err(self.told(error, post.length())) };
            let wait_ms = wait.as_millis();
            self.log.info("exchange", format_args!("sending the file again in {wait_ms} ms: {}", error.error));
            tokio::time::sleep(wait).await;
        }
    }

    /// A refusal is an answer, too: then it is known what the endpoint has.
    async fn send_once(&self, post: &Post<'_>) -> Result<Answered, Unanswered> {
        let answered = post.send().await?;
        let place = self.endpoint.shown();
        let refused = |error| Err(Unanswered { error, reached: Reached::Nothing, sent: 0 });
        if answered.status.as_u16() == 407 {
            return refused(post.http.proxy_refusal(&post.url));
        }
        if !answered.status.is_success() {
            let body = answered.body.as_deref().unwrap_or_default();
            let redactor = self.log.redactor();
            let error = refusal(answered.status, &answered.headers, body, &post.url, &place, redactor);
            return Err(Unanswered { error, reached: Reached::Part, sent: 0 });
        }
        if !answered.all_sent {
            let message = format!(
                "{place} answered {} before it was sent the whole file, so it cannot have it: ask its administrator",
                answered.status
            );
            let error = Error::new(Code::MalformedAnswer, message).with_http_status(answered.status.as_u16());
            return Err(Unanswered { error, reached: Reached::Part, sent: 0 });
        }
        Ok(answered)
    }

    /// Completes when the job was paused for as long as a connection is held open.
    async fn paused_for_long(&self) {
        let gate = self.job.gate();
        loop {
            gate.closed().await;
            tokio::select! {
                () = tokio::time::sleep(self.exchanger.traffic.limits().pause_hold) => return,
                () = gate.opened() => {}
            }
        }
    }

    /// The error, with what the endpoint may have.
    fn told(&self, unanswered: Unanswered, length: u64) -> Error {
        let Unanswered { mut error, reached, sent } = unanswered;
        if error.details.http_status.is_some() || reached == Reached::Nothing {
            return error;
        }
        let place = self.endpoint.shown();
        match reached {
            Reached::Perhaps => {
                error.message = format!(
                    "it is not known whether {place} has taken the file, all of which was sent: {}; look there before you \
                     send it again",
                    error.message
                );
                error.details.outcome_unknown = true;
            }
            _ => {
                error.message = format!(
                    "{place} did not get the whole file ({sent} of {length} bytes were sent): {}",
                    error.message
                );
                error.details.outcome_unknown = false;
            }
        }
        error
    }

    fn cancelled(&self, progress: &Progress) -> Error {
        let (sent, length) = (progress.sent(), progress.total());
        let place = self.endpoint.shown();
        let mut error = Error::new(Code::Cancelled, format!("the upload was cancelled before {place} got any of it"));
        if self.is_whole.load(Ordering::SeqCst) {
            error.message =
                format!("the upload was cancelled when all of it had been sent: look whether {place} has the file");
            error.details.outcome_unknown = true;
        } else if sent > 0 {
            error.message =
                format!("the upload was cancelled when {sent} of {length} bytes were sent: {place} has no whole file");
        }
        error
    }

    /// The form around the file is not told.
    fn measure(&self, form: &Form, source: &Arc<Source>, name: String, progress: Arc<Progress>) {
        let (before, size) = (form.head.len() as u64, source.size_bytes());
        let of_file = move |bytes: u64| bytes.saturating_sub(before).min(size);
        self.job.measure(Box::new(move || {
            vec![FileProgress {
                name: name.clone(),
                bytes_done: of_file(progress.sent()),
                bytes_stored: of_file(progress.stored()),
                bytes_total: size,
            }]
        }));
    }

    fn note(&self, answered: &Answered) {
        let place = self.endpoint.shown();
        self.log.info("exchange", format_args!("{place} took the file and answered {}", answered.status));
        let warning = answered.body.as_ref().err().map(|why| {
            format!("{place} took the file, and its answer is not told because it {why}: look there what it says of it")
        });
        // Whatever it repeats of the request: the key is for nobody.
        let answer = answered.body.as_ref().ok().map(|body| self.log.redactor().clean(&String::from_utf8_lossy(body)));
        self.job.note(|published| {
            published.http_status = Some(answered.status.as_u16());
            published.answer = answer;
            published.warnings.extend(warning);
        });
    }
}

/// For the tries, which know the errors of the API: an endpoint's failure is like the server's.
fn as_passing(error: &Error) -> Error {
    match error.code {
        Code::HttpRefused => Error { code: Code::ServerError, ..error.clone() },
        _ => error.clone(),
    }
}

fn invalid(message: &str) -> Error {
    Error::new(Code::InvalidArgument, message)
}
