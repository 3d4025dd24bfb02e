//! Waiting for, cancelling and freeing a job.

use super::constants::FTR_OK;
use super::guard::guard;
use super::handle::{Kind, Table};
use super::text::{deadline, output};
use super::types::{ftr_job, ftr_job_result, ftr_session};
use super::view::ResultView;
use crate::session::{Code, Error, Job};
use std::sync::{Arc, OnceLock};

/// What a job's handle names.
pub struct JobObject {
    /// With whose end the handle ends.
    pub session: ftr_session,
    job: Arc<Job>,
    result: OnceLock<Box<ResultView>>,
}

impl JobObject {
    pub fn new(session: ftr_session, job: Arc<Job>) -> JobObject {
        JobObject { session, job, result: OnceLock::new() }
    }
}

pub static JOBS: Table<JobObject> = Table::new(Kind::Job);

/// Blocks until the job has ended, or for `timeout_ms`, and writes the address of its result. For hosts without a loop, such as a render farm's end-of-job script; it calls no callbacks. From any thread, also several at once.
/// FTR_OK: the job has ended; `result` says how, which need not be well. FTR_E_TIMED_OUT: it goes on.
/// The result is valid until ftr_job_free or ftr_session_free. The job's end stays in the event queue until it is polled, or until the job is freed after this.
///
/// # Safety
/// `result` is NULL or the address of a variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftr_job_wait(job: ftr_job, timeout_ms: i32, result: *mut *const ftr_job_result) -> i32 {
    guard(|| {
        let object = JOBS.get(job, "job")?;
        let out = output(result, "result")?;
        let Some(ended) = object.job.wait(deadline(timeout_ms)?) else {
            return Err(Error::new(Code::TimedOut, format!("the job has not ended after {timeout_ms} ms; it goes on")));
        };
        // The result dies with the handle, and while this waited another thread may have freed it.
        JOBS.get(job, "job")?;
        let name = object.job.name();
        let view = object.result.get_or_init(|| ResultView::ended(name.handle, name.tag, &ended));
        // SAFETY: not NULL, and the caller's promise. The object lives in the table until the handle is freed.
        unsafe { out.write(&raw const view.raw) };
        Ok(FTR_OK)
    })
}

/// Asks a job to end. It does so soon, as FTR_JOB_CANCELLED, removing what it made on the server; but a job that has reached FTR_STAGE_VERSIONING (or, of a removal, FTR_STAGE_REMOVING) is finished instead, so that no reviewer sees a half of it. Cancelling a job that has ended does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_job_cancel(job: ftr_job) -> i32 {
    guard(|| {
        JOBS.get(job, "job")?.job.cancel();
        Ok(FTR_OK)
    })
}

/// Pauses a job: no byte of its files moves until ftr_job_resume. Other jobs go on, but it keeps its turn: those that wait for one in FTR_STAGE_ACCEPTED wait until it ends (parallel_uploads). Requests on their way are held for some seconds and then given up, and what they had sent is sent again. A job that uploads nothing (yet) is paused when it comes to it; one that has all its bytes in storage goes on to its end. Pausing a job that is paused or has ended does nothing.
/// Progress says `paused`. Cancelling, closing and freeing work as ever.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_job_pause(job: ftr_job) -> i32 {
    guard(|| {
        JOBS.get(job, "job")?.job.gate().set_closed(true);
        Ok(FTR_OK)
    })
}

/// Lets a paused job go on. Of one that is not paused it does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_job_resume(job: ftr_job) -> i32 {
    guard(|| {
        JOBS.get(job, "job")?.job.gate().set_closed(false);
        Ok(FTR_OK)
    })
}

/// Frees a job's handle and result. A job that runs goes on, and its end is told by polling, with `tag`; the end of a job that was waited for is not told again. 0 is allowed and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ftr_job_free(job: ftr_job) -> i32 {
    guard(|| {
        if job != 0 {
            JOBS.remove(job, "job")?.job.forget();
        }
        Ok(FTR_OK)
    })
}
