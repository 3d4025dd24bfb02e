//! Events as C sees them: structs whose pointers lead into text that the same box owns.

use super::constants::*;
use super::guard::c_text;
use super::types::*;
use crate::session::event::{Component, FileProgress, JobName};
use crate::session::log::Line;
use crate::session::news::{HubEvent, Receiver};
use crate::session::review::Review;
use crate::session::{Ended, Error, Event, Progress, Published};
use serde_json::{Value, json};
use std::ffi::{CString, c_char};
use std::mem::size_of;
use std::ptr::null;
use std::time::{Duration, UNIX_EPOCH};

/// Texts that C structs point to. A `CString` keeps its bytes where they are when it is moved.
#[derive(Default)]
struct Texts(Vec<CString>);

impl Texts {
    fn keep(&mut self, text: &str) -> *const c_char {
        let text = c_text(text);
        let pointer = text.as_ptr();
        self.0.push(text);
        pointer
    }

    fn keep_optional(&mut self, text: Option<&str>) -> *const c_char {
        text.map_or(null(), |text| self.keep(text))
    }
}

/// An [`ftr_error`] and what it points to.
pub struct ErrorView {
    pub raw: ftr_error,
    _texts: Texts,
}

impl ErrorView {
    pub fn new(error: &Error) -> Box<ErrorView> {
        let mut texts = Texts::default();
        let details = &error.details;
        let raw = ftr_error {
            struct_size: size_of::<ftr_error>() as u32,
            code: error.code as i32,
            error_class: error.code.class() as i32,
            stage: details.stage.map_or(0, |stage| stage as i32),
            retryable: error.retryable().into(),
            http_status: details.http_status.unwrap_or_default().into(),
            retry_after_ms: milliseconds(details.retry_after),
            message: texts.keep(&error.message),
            exception: texts.keep_optional(details.exception.as_deref()),
            server_code: texts.keep_optional(details.error_code.as_deref()),
            outcome_unknown: details.outcome_unknown.into(),
            reserved: 0,
        };
        Box::new(ErrorView { raw, _texts: texts })
    }
}

/// An [`ftr_job_result`] and what it points to.
pub struct ResultView {
    pub raw: ftr_job_result,
    _error: Option<Box<ErrorView>>,
    _warnings: Vec<*const c_char>,
    _texts: Texts,
}

// SAFETY: the pointers lead into memory that the same value owns and never changes.
unsafe impl Send for ResultView {}
// SAFETY: as above.
unsafe impl Sync for ResultView {}

impl ResultView {
    pub fn ended(job: ftr_job, tag: u64, ended: &Ended) -> Box<ResultView> {
        ResultView::new(job, tag, ended.state as i32, ended.error.as_ref(), &ended.published)
    }

    fn new(job: ftr_job, tag: u64, state: i32, error: Option<&Error>, published: &Published) -> Box<ResultView> {
        let mut texts = Texts::default();
        let error = error.map(ErrorView::new);
        let warnings: Vec<_> = published.warnings.iter().map(|warning| texts.keep(warning)).collect();
        let list = |components: &[Component]| Value::from_iter(components.iter().map(component_json)).to_string();
        let components = (!published.components.is_empty()).then(|| list(&published.components));
        let mut text = |text: &Option<String>| texts.keep_optional(text.as_deref());
        let raw = ftr_job_result {
            struct_size: size_of::<ftr_job_result>() as u32,
            state,
            job,
            tag,
            error: error.as_ref().map_or(null(), |error| &raw const error.raw),
            project_id: text(&published.project_id),
            parent_id: text(&published.parent_id),
            task_id: text(&published.task_id),
            asset_id: text(&published.asset_id),
            asset_name: text(&published.asset_name),
            version_id: text(&published.version_id),
            version_number: published.version_number.unwrap_or(-1),
            component_id: text(&published.component_id),
            component_name: text(&published.component_name),
            thumbnail_id: text(&published.thumbnail_id),
            link: text(&published.link),
            outbox_id: text(&published.outbox_id),
            answer: text(&published.answer),
            note_id: text(&published.note_id),
            review_session_id: text(&published.review_session_id),
            encode_job_id: text(&published.encode_job_id),
            components: text(&components),
            warnings: if warnings.is_empty() { null() } else { warnings.as_ptr() },
            warning_count: warnings.len() as u64,
            http_status: published.http_status.unwrap_or_default().into(),
            reserved: 0,
        };
        Box::new(ResultView { raw, _error: error, _warnings: warnings, _texts: texts })
    }
}

/// An [`ftr_progress`] and what it points to.
struct ProgressView {
    raw: ftr_progress,
    _files: Vec<ftr_file_progress>,
    _texts: Texts,
}

impl ProgressView {
    fn new(progress: &Progress) -> Box<ProgressView> {
        let mut texts = Texts::default();
        let file = |file: &FileProgress| ftr_file_progress {
            struct_size: size_of::<ftr_file_progress>() as u32,
            reserved: 0,
            name: texts.keep(&file.name),
            bytes_done: file.bytes_done,
            bytes_stored: file.bytes_stored,
            bytes_total: file.bytes_total,
        };
        let files: Vec<ftr_file_progress> = progress.files.iter().map(file).collect();
        let raw = ftr_progress {
            struct_size: size_of::<ftr_progress>() as u32,
            stage: progress.stage as i32,
            job: progress.job.handle,
            tag: progress.job.tag,
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            bytes_per_second: progress.bytes_per_second,
            remaining_ms: milliseconds(progress.remaining),
            bytes_stored: progress.bytes_stored,
            paused: progress.paused.into(),
            reserved: 0,
            files: if files.is_empty() { null() } else { files.as_ptr() },
            file_count: files.len() as u64,
            frames_done: progress.frames_done,
            frames_total: progress.frames_total,
        };
        Box::new(ProgressView { raw, _files: files, _texts: texts })
    }
}

/// An [`ftr_event_info`] and what it points to.
pub struct EventView {
    pub raw: ftr_event_info,
    _hub: Option<Box<ftr_hub_event>>,
    _review: Option<Box<ftr_review>>,
    progress: Option<Box<ProgressView>>,
    result: Option<Box<ResultView>>,
    log: Option<Box<ftr_log_line>>,
    _error: Option<Box<ErrorView>>,
    _texts: Texts,
}

// SAFETY: the pointers lead into memory that the same value owns and never changes.
unsafe impl Send for EventView {}
// SAFETY: as above.
unsafe impl Sync for EventView {}

impl EventView {
    pub fn new(session: ftr_session, event: &Event) -> EventView {
        let mut view = EventView {
            raw: ftr_event_info {
                struct_size: size_of::<ftr_event_info>() as u32,
                kind: 0,
                session,
                job: 0,
                tag: 0,
                status: 0,
                reserved: 0,
                error: null(),
                progress: null(),
                result: null(),
                log: null(),
                dropped: 0,
                subscription: 0,
                hub: null(),
                watch: 0,
                review: null(),
            },
            _hub: None,
            _review: None,
            progress: None,
            result: None,
            log: None,
            _error: None,
            _texts: Texts::default(),
        };
        view.fill(event);
        view
    }

    fn fill(&mut self, event: &Event) {
        let raw = &mut self.raw;
        match event {
            Event::Status { status, error } => {
                raw.kind = FTR_EVENT_STATUS;
                raw.status = *status as i32;
                self.fill_error(error.as_ref());
            }
            Event::Progress(progress) => {
                raw.kind = FTR_EVENT_PROGRESS;
                (raw.job, raw.tag) = (progress.job.handle, progress.job.tag);
                raw.progress = &raw const self.progress.insert(ProgressView::new(progress)).raw;
            }
            Event::VersionCreated { job, published } => {
                raw.kind = FTR_EVENT_VERSION_CREATED;
                (raw.job, raw.tag) = (job.handle, job.tag);
                let result = ResultView::new(job.handle, job.tag, FTR_JOB_RUNNING, None, published);
                raw.result = &raw const self.result.insert(result).raw;
            }
            Event::Kept { job, published } | Event::Resumed { job, published } => {
                let is_kept = matches!(event, Event::Kept { .. });
                raw.kind = if is_kept { FTR_EVENT_JOB_KEPT } else { FTR_EVENT_JOB_RESUMED };
                (raw.job, raw.tag) = (job.handle, job.tag);
                let result = ResultView::new(job.handle, job.tag, FTR_JOB_RUNNING, None, published);
                raw.result = &raw const self.result.insert(result).raw;
            }
            Event::Ended { job, ended } => {
                raw.kind = FTR_EVENT_JOB_ENDED;
                (raw.job, raw.tag) = (job.handle, job.tag);
                raw.result = &raw const self.result.insert(ResultView::ended(job.handle, job.tag, ended)).raw;
            }
            Event::Log(line) => {
                raw.kind = FTR_EVENT_LOG;
                let line = log_struct(line, &mut self._texts);
                raw.log = &raw const **self.log.insert(Box::new(line));
            }
            Event::Dropped(lines) => {
                raw.kind = FTR_EVENT_DROPPED;
                raw.dropped = *lines;
            }
            Event::HubStatus { status, error } => {
                (raw.kind, raw.status) = (FTR_EVENT_HUB_STATUS, *status as i32);
                self.fill_error(error.as_ref());
            }
            Event::Hub { subscription, event } => {
                (raw.kind, raw.subscription, raw.tag) = (FTR_EVENT_HUB, subscription.handle, subscription.tag);
                self.fill_hub(event);
            }
            Event::HubReply { publisher, event } => {
                (raw.kind, raw.tag) = (FTR_EVENT_HUB_REPLY, publisher.tag);
                self.fill_hub(event);
            }
            Event::HubPublished { publisher, id, error } => {
                (raw.kind, raw.tag) = (FTR_EVENT_HUB_PUBLISHED, publisher.tag);
                self.fill_hub(&HubEvent { id: id.clone(), ..HubEvent::default() });
                self.fill_error(error.as_ref());
            }
            Event::HubRefused { subscription, error } => {
                (raw.kind, raw.subscription, raw.tag) = (FTR_EVENT_HUB_REFUSED, subscription.handle, subscription.tag);
                self.fill_error(Some(error));
            }
            Event::Review { watch, review } => {
                (raw.kind, raw.watch, raw.tag) = (FTR_EVENT_REVIEW, watch.handle, watch.tag);
                let review = review_struct(review, &mut self._texts);
                raw.review = &raw const **self._review.insert(Box::new(review));
            }
            Event::HubDropped(events) => (raw.kind, raw.dropped) = (FTR_EVENT_HUB_DROPPED, *events),
        }
    }

    fn fill_error(&mut self, error: Option<&Error>) {
        self._error = error.map(ErrorView::new);
        self.raw.error = self._error.as_ref().map_or(null(), |error| &raw const error.raw);
    }

    fn fill_hub(&mut self, event: &HubEvent) {
        let hub = hub_struct(event, &mut self._texts);
        self.raw.hub = &raw const **self._hub.insert(Box::new(hub));
    }

    /// The job's end, of FTR_EVENT_JOB_ENDED.
    pub fn job_result(&self) -> Option<&ftr_job_result> {
        self.result.as_ref().filter(|_| self.raw.kind == FTR_EVENT_JOB_ENDED).map(|result| &result.raw)
    }

    /// Of FTR_EVENT_PROGRESS.
    pub fn progress(&self) -> Option<&ftr_progress> {
        self.progress.as_ref().map(|progress| &progress.raw)
    }

    /// Of FTR_EVENT_LOG.
    pub fn log(&self) -> Option<&ftr_log_line> {
        self.log.as_deref()
    }
}

/// The event as JSON: the fields of [`ftr_event_info`] and of the structs in it, without those that the kind does not have.
/// Handles and tags are text, because the numbers of JavaScript and Lua do not hold 64 bits.
pub fn event_json(session: ftr_session, event: &Event) -> Value {
    let about = |job: JobName| [("job", json!(job.handle.to_string())), ("tag", json!(job.tag.to_string()))];
    let mut fields: Vec<(&str, Value)> = vec![("session", json!(session.to_string()))];
    match event {
        Event::Status { status, error } => fields.extend([
            ("kind", json!(FTR_EVENT_STATUS)),
            ("status", json!(*status as i32)),
            ("error", json!(error.as_ref().map(error_json))),
        ]),
        Event::Progress(progress) => {
            fields.extend(about(progress.job));
            fields.extend([("kind", json!(FTR_EVENT_PROGRESS)), ("progress", progress_json(progress))]);
        }
        Event::VersionCreated { job, published } => {
            fields.extend(about(*job));
            let result = result_json(FTR_JOB_RUNNING, None, published);
            fields.extend([("kind", json!(FTR_EVENT_VERSION_CREATED)), ("result", result)]);
        }
        Event::Kept { job, published } | Event::Resumed { job, published } => {
            fields.extend(about(*job));
            let is_kept = matches!(event, Event::Kept { .. });
            let kind = if is_kept { FTR_EVENT_JOB_KEPT } else { FTR_EVENT_JOB_RESUMED };
            fields.extend([("kind", json!(kind)), ("result", result_json(FTR_JOB_RUNNING, None, published))]);
        }
        Event::Ended { job, ended } => {
            fields.extend(about(*job));
            let result = result_json(ended.state as i32, ended.error.as_ref(), &ended.published);
            fields.extend([("kind", json!(FTR_EVENT_JOB_ENDED)), ("result", result)]);
        }
        Event::Log(line) => fields.extend([("kind", json!(FTR_EVENT_LOG)), ("log", log_json(line))]),
        Event::Dropped(lines) => fields.extend([("kind", json!(FTR_EVENT_DROPPED)), ("dropped", json!(lines))]),
        Event::HubStatus { status, error } => fields.extend([
            ("kind", json!(FTR_EVENT_HUB_STATUS)),
            ("status", json!(*status as i32)),
            ("error", json!(error.as_ref().map(error_json))),
        ]),
        Event::Hub { subscription, event } => {
            fields.extend(of_subscription(FTR_EVENT_HUB, subscription));
            fields.push(("hub", hub_json(event)));
        }
        Event::HubReply { publisher, event } => {
            let tag = publisher.tag.to_string();
            fields.extend([("kind", json!(FTR_EVENT_HUB_REPLY)), ("tag", json!(tag)), ("hub", hub_json(event))]);
        }
        Event::HubPublished { publisher, id, error } => fields.extend([
            ("kind", json!(FTR_EVENT_HUB_PUBLISHED)),
            ("tag", json!(publisher.tag.to_string())),
            ("hub", json!({"id": id})),
            ("error", json!(error.as_ref().map(error_json))),
        ]),
        Event::HubRefused { subscription, error } => {
            fields.extend(of_subscription(FTR_EVENT_HUB_REFUSED, subscription));
            fields.push(("error", error_json(error)));
        }
        Event::Review { watch, review } => fields.extend([
            ("kind", json!(FTR_EVENT_REVIEW)),
            ("watch", json!(watch.handle.to_string())),
            ("tag", json!(watch.tag.to_string())),
            ("review", review_json(review)),
        ]),
        Event::HubDropped(events) => {
            fields.extend([("kind", json!(FTR_EVENT_HUB_DROPPED)), ("dropped", json!(events))]);
        }
    }
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn of_subscription(kind: i32, name: &Receiver) -> [(&'static str, Value); 3] {
    [("kind", json!(kind)), ("subscription", json!(name.handle.to_string())), ("tag", json!(name.tag.to_string()))]
}

/// What an event carries is JSON here, too, rather than a text of it.
fn hub_json(event: &HubEvent) -> Value {
    let inner = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    json!({
        "topic": event.topic, "id": event.id, "source_id": event.source_id, "data": inner(&event.data),
        "source": inner(&event.source), "target": event.target, "in_reply_to": event.in_reply_to,
    })
}

fn review_json(review: &Review) -> Value {
    json!({
        "deed": review.deed as i32, "version_id": review.version_id, "review_session_id": review.review_session_id,
        "id": review.id, "text": review.text, "author": review.author, "in_reply_to": review.in_reply_to,
        "frame": review.frame.unwrap_or(-1),
    })
}

fn review_struct(review: &Review, texts: &mut Texts) -> ftr_review {
    ftr_review {
        struct_size: size_of::<ftr_review>() as u32,
        deed: review.deed as i32,
        version_id: texts.keep(&review.version_id),
        review_session_id: texts.keep_optional(review.review_session_id.as_deref()),
        id: texts.keep(&review.id),
        text: texts.keep(&review.text),
        author: texts.keep_optional(review.author.as_deref()),
        in_reply_to: texts.keep_optional(review.in_reply_to.as_deref()),
        frame: review.frame.unwrap_or(-1),
    }
}

fn hub_struct(event: &HubEvent, texts: &mut Texts) -> ftr_hub_event {
    ftr_hub_event {
        struct_size: size_of::<ftr_hub_event>() as u32,
        reserved: 0,
        topic: texts.keep(&event.topic),
        id: texts.keep(&event.id),
        source_id: texts.keep(&event.source_id),
        data: texts.keep(&event.data),
        source: texts.keep(&event.source),
        target: texts.keep(&event.target),
        in_reply_to: texts.keep_optional(event.in_reply_to.as_deref()),
    }
}

fn progress_json(progress: &Progress) -> Value {
    json!({
        "stage": progress.stage as i32, "bytes_done": progress.bytes_done, "bytes_total": progress.bytes_total,
        "bytes_per_second": progress.bytes_per_second, "remaining_ms": milliseconds(progress.remaining),
        "bytes_stored": progress.bytes_stored, "paused": i32::from(progress.paused),
        "frames_done": progress.frames_done, "frames_total": progress.frames_total,
        "files": progress.files.iter().map(file_json).collect::<Vec<_>>(),
    })
}

fn file_json(file: &FileProgress) -> Value {
    json!({
        "name": file.name, "bytes_done": file.bytes_done, "bytes_stored": file.bytes_stored,
        "bytes_total": file.bytes_total,
    })
}

fn log_json(line: &Line) -> Value {
    json!({
        "level": line.level as i32, "time_ms": time_ms(line), "target": line.target, "message": line.message,
    })
}

fn result_json(state: i32, error: Option<&Error>, published: &Published) -> Value {
    json!({
        "state": state, "error": error.map(error_json), "project_id": published.project_id,
        "parent_id": published.parent_id, "task_id": published.task_id, "asset_id": published.asset_id,
        "asset_name": published.asset_name, "version_id": published.version_id,
        "version_number": published.version_number.unwrap_or(-1), "component_id": published.component_id,
        "component_name": published.component_name, "thumbnail_id": published.thumbnail_id,
        "link": published.link, "warnings": published.warnings, "outbox_id": published.outbox_id,
        "answer": published.answer,
        "http_status": published.http_status.unwrap_or_default(),
        "components": published.components.iter().map(component_json).collect::<Vec<_>>(),
        "note_id": published.note_id, "review_session_id": published.review_session_id,
        "encode_job_id": published.encode_job_id,
    })
}

fn component_json(component: &Component) -> Value {
    json!({"name": component.name, "id": component.id, "location_id": component.location_id})
}

fn error_json(error: &Error) -> Value {
    let details = &error.details;
    json!({
        "code": error.code as i32, "name": error.code.constant(), "error_class": error.code.class() as i32,
        "stage": details.stage.map_or(0, |stage| stage as i32), "retryable": i32::from(error.retryable()),
        "http_status": details.http_status.unwrap_or_default(), "retry_after_ms": milliseconds(details.retry_after),
        "message": error.message, "exception": details.exception, "server_code": details.error_code,
        "outcome_unknown": i32::from(details.outcome_unknown),
    })
}

fn log_struct(line: &Line, texts: &mut Texts) -> ftr_log_line {
    ftr_log_line {
        struct_size: size_of::<ftr_log_line>() as u32,
        level: line.level as i32,
        time_ms: time_ms(line),
        target: texts.keep(line.target),
        message: texts.keep(&line.message),
    }
}

fn time_ms(line: &Line) -> i64 {
    milliseconds(line.time.duration_since(UNIX_EPOCH).ok())
}

fn milliseconds(duration: Option<Duration>) -> i64 {
    duration.map_or(-1, |duration| duration.as_millis().try_into().unwrap_or(i64::MAX))
}
