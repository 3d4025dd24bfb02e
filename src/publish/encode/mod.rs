//! Media that the server encodes: the source is uploaded, the version created, and then the server's job watched to its end.
//!
//! The version is there while the server works, so that it gets its media also where nobody watches any more; what else a
//! reviewer sees of the publish (its note, its review session) comes when the media are there. A job is never asked for
//! twice: that it is to be asked for is noted before, and jobs name their source, by which they are found again.

mod job; // the server's job, found, read and understood
mod wake; // the event hub says when to look

use super::again;
use super::around::later;
use super::check::Checked;
use super::kept;
use super::resolve::Place;
use super::work::Work;
use crate::ftrack::{Filter, Once, Operation, Query};
use crate::session::event::Component;
use crate::session::{Code, Error, Result, Stage, policy};
use futures_util::FutureExt;
pub use job::Job;
use job::Status;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wake::Wake;

/// The name of the source's component: what is made of it has the names that ftrack's player knows.
pub const SOURCE: &str = "source";

/// The names of facts in the outbox: that the job was asked for, its id, and the ids of what it makes.
const ASKED: &str = "encode asked";
const JOB: &str = "encode job";
const OUTPUTS: &str = "encode outputs";

/// The job that an earlier try has asked for, with the version that it is for: what it needs is on the server then.
pub async fn earlier(work: &Work, place: &Place, checked: &Checked) -> Result<Option<Job>> {
    if !work.may_have_been_tried() {
        return Ok(None);
    }
    // An earlier try that was taken back has left a job without its version.
    let (Some(job), true) = (known(work).await?, again::note_earlier_version(work, place, checked).await?) else {
        return Ok(None);
    };
    work.log.info("publish", format_args!("an earlier try has asked the server to encode it (job {})", job.id));
    Ok(Some(job))
}

async fn known(work: &Work) -> Result<Option<Job>> {
    let noted = work.kept.get().and_then(|kept| kept.fact(JOB));
    match noted.as_ref().and_then(Value::as_str) {
        Some(id) => job::read(work, id).await,
        None => job::find(work).await,
    }
}

/// Has the server encode the source, and waits until it has. `job` is one that was asked for before.
pub async fn encode(work: &Work, job: Option<Job>) -> Result<()> {
    work.job.enter(Stage::Encoding);
    let wake = Wake::listen(work);
    let job = match job {
        Some(job) => job,
        None => ask(work).await?,
    };
    tell(work, &job).await;
    wake.watch(&[&job.id, work.version_id()]);
    // Others may upload meanwhile.
    drop(work.turn.lock().take());
    let job = tokio::select! {
        biased;
        () = work.job.cancelled() => return Err(Error::new(Code::Cancelled, "the job was cancelled while the server encoded")),
        job = watch(work, job, &wake) => job?,
    };
    note_outputs(work, &job).await
}

/// Whether this publish has seen to all that comes after it, in an earlier try.
pub fn was_finished(work: &Work, job: &Job) -> bool {
    // One that is kept would not be tried again.
    job.status == Status::Done && work.kept.get().is_none()
}

/// What the job makes, as far as the outbox knows.
pub fn noted_outputs(kept: &kept::Kept) -> Vec<String> {
    let noted = kept.fact(OUTPUTS);
    let ids = noted.as_ref().and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

/// Whether reviewers have the media, as a publish that is taken back wants to know.
pub async fn is_done(work: &Work) -> Result<bool> {
    Ok(known(work).await?.is_some_and(|job| job.status == Status::Done))
}

/// Asks for the job, once.
async fn ask(work: &Work) -> Result<Job> {
    note(work, ASKED, json!(true)).await;
    let ids = &work.ids;
    let operation = Operation::encode_media(&ids.component, work.version_id(), work.request.keep_original);
    let client = work.client().patient(policy::UPLOAD_PATIENCE);
    let asked = client.once(&[operation], || job::find(work).boxed()).await.map_err(|error| match error.code {
        Code::Unsupported => {
            let message = format!(
                "the server does not encode media: {}; publish an mp4 (H.264), jpg or png, or ask its administrator",
                error.message
            );
            Error { code: Code::EncodeUnsupported, message, ..error }
        }
        _ => error,
    })?;
    match asked {
        Once::Before(job) => Ok(job),
        Once::Now(results) => {
            let id = results.first().and_then(|result| result["job_id"].as_str());
            let id = id.ok_or_else(|| super::answers::malformed("job_id"))?;
            // What it makes is known from its first moment (official Python client, test_session.py).
            Ok(job::read(work, id).await?.unwrap_or_else(|| Job::asked(id)))
        }
    }
}

/// Notes what there is now, for the host and for another process.
async fn tell(work: &Work, job: &Job) {
    work.job.note(|published| published.encode_job_id = Some(job.id.clone()));
    work.made.lock().components.extend(job.outputs.iter().cloned());
    note(work, JOB, json!(job.id)).await;
    note(work, OUTPUTS, json!(job.outputs)).await;
}

async fn note(work: &Work, name: &str, value: Value) {
    if let Some(kept) = work.kept.get()
        && let Err(error) = kept.note(name, value).await
    {
        work.log.info("publish", format_args!("not noted in the outbox: {error}"));
    }
}

/// Looks at the job when the event hub says so, and now and then, until it has ended.
async fn watch(work: &Work, mut job: Job, wake: &Wake) -> Result<Job> {
    let (began, patience) = (Instant::now(), patience(work));
    let mut pause = policy::ENCODE_FIRST_LOOK;
    loop {
        match job.status {
            Status::Done => return Ok(job),
            Status::Failed => return Err(failed(work, &job)),
            Status::Waiting => {}
        }
        let left = patience.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(stuck(&job, patience));
        }
        let longest = if wake.is_heard(work) { policy::ENCODE_LOOK_HEARING } else { policy::ENCODE_LOOK };
        wake.wait(pause.min(longest).min(left)).await;
        pause = pause.saturating_mul(2);
        job = match job::read(work, &job.id).await {
            Ok(Some(job)) => job,
            Ok(None) => {
                let message = "the server's job that encodes the media was deleted before it was done: publish again";
                return Err(Error::new(Code::EncodeFailed, message));
            }
            Err(error) if kept::may_pass(&error) => {
                work.log.info("publish", format_args!("the server's job could not be looked at: {error}"));
                job
            }
            Err(error) => return Err(error),
        };
    }
}

fn patience(work: &Work) -> Duration {
    work.request.encode_timeout_ms.map_or(policy::ENCODE_PATIENCE, Duration::from_millis)
}

fn failed(work: &Work, job: &Job) -> Error {
    let said = job.said(work);
    let message = format!(
        "the server could not encode '{}': {said} (job {}); publish an mp4 (H.264), jpg or png, or ask the server's administrator",
        work.request.path.display(),
        job.id
    );
    Error::new(Code::EncodeFailed, message)
}

fn stuck(job: &Job, patience: Duration) -> Error {
    let message = format!(
        "the server has not encoded the media within {} s (job {}, {}): the version is there and shows them when it has; look \
         at the jobs on the server, or give encode_timeout_ms",
        patience.as_secs_f64(),
        job.id,
        job.state
    );
    Error::new(Code::EncodeStuck, message)
}

/// What reviewers open now.
async fn note_outputs(work: &Work, job: &Job) -> Result<()> {
    let filter = match job.outputs.is_empty() {
        // Where the job does not say, the version does.
        true => Filter::equals("version_id", work.version_id()).and(Filter::contains("name", "ftrackreview-")),
        false => Filter::within("id", &job.outputs),
    };
    let query = Query::select(&["id", "name"], "FileComponent").filter(filter);
    let rows = match work.client().patient(policy::UPLOAD_PATIENCE).query(&query).await {
        Ok(rows) => rows,
        // They are there.
        Err(error) => return later(work, error, "its components being known here").map(drop),
    };
    let component = |row: &Value| {
        let (id, name) = (row["id"].as_str()?.to_owned(), row["name"].as_str()?.to_owned());
        Some(Component { name, id, location_id: super::ids::SERVER_LOCATION })
    };
    let mut made: Vec<Component> = rows.iter().filter_map(component).collect();
    made.sort_by_key(|component| !component.name.starts_with("ftrackreview-"));
    let Some(main) = made.first().cloned() else {
        let message = format!("the server's job {} is done and has made nothing: publish an mp4, jpg or png", job.id);
        return Err(Error::new(Code::EncodeFailed, message));
    };
    let has_thumbnail = work.request.has_thumbnail();
    let image = made.iter().find(|component| job.image.as_deref() == Some(&component.id));
    let image = image.map(|component| component.id.clone()).filter(|_| !has_thumbnail);
    work.job.note(|published| {
        published.component_id = Some(main.id);
        published.component_name = Some(main.name);
        published.thumbnail_id = image.or(published.thumbnail_id.take());
        // The server deletes a source that is not to be kept.
        let keeps_source = work.request.keep_original;
        published.components.retain(|component| keeps_source || component.id != work.ids.component);
        published.components.retain(|component| !made.iter().any(|made| made.id == component.id));
        published.components.splice(0..0, made);
    });
    Ok(())
}
