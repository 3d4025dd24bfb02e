//! What hosts do that nobody advises, and that must do no harm.

use super::host::{Publish, Session, example, publish_options, session_options, text};
use ftreview::ffi::constants::*;
use ftreview::ffi::types::*;
use ftreview::ffi::*;
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const TASK: &str = "demo/sq010/sh010/compositing";

/// A test fails rather than hangs after this long.
const GUARD: Duration = Duration::from_secs(120);

/// A session to a server that is not there, whose callback gets every event.
fn session(user_data: *mut c_void, on_event: ftr_event_callback) -> ftr_session {
    let (url, user, key) = (text("http://127.0.0.1:1"), text(DEMO_USER), text(DEMO_KEY));
    let options = ftr_session_options {
        server_url: url.as_ptr(),
        api_user: user.as_ptr(),
        api_key: key.as_ptr(),
        log_level: FTR_LOG_OFF,
        user_data,
        on_event,
        ..session_options()
    };
    let mut session = 0;
    // SAFETY: the texts outlive the call.
    assert_eq!(unsafe { ftr_session_create(&options, &mut session) }, FTR_OK);
    session
}

fn submit(session: ftr_session) -> ftr_job {
    let (path, context) = (text("/nowhere/nothing.mp4"), text(TASK));
    let options = ftr_publish_options { path: path.as_ptr(), context: context.as_ptr(), ..publish_options() };
    let mut job = 0;
    // SAFETY: the texts outlive the call.
    assert_eq!(unsafe { ftr_session_publish_file(session, &options, &mut job) }, FTR_OK);
    job
}

fn wait(job: ftr_job) {
    let mut result = std::ptr::null();
    // SAFETY: a variable.
    assert_eq!(unsafe { ftr_job_wait(job, 120_000, &mut result) }, FTR_OK);
}

/// Two jobs have ended; in the callback of the first a third one ends.
#[test]
fn a_host_that_polls_once_for_each_wake_up_is_told_everything() {
    struct Host {
        session: AtomicU64,
        ends: Sender<ftr_job>,
        third: AtomicU64,
    }
    unsafe extern "C" fn on_event(user_data: *mut c_void, event: *const ftr_event_info) {
        // SAFETY: the test's host, and the library's event.
        let (host, event) = unsafe { (&*user_data.cast::<Host>(), &*event) };
        if event.kind != FTR_EVENT_JOB_ENDED {
            return;
        }
        if host.third.load(Ordering::SeqCst) == 0 {
            let third = submit(host.session.load(Ordering::SeqCst));
            host.third.store(third, Ordering::SeqCst);
            wait(third);
        }
        host.ends.send(event.job).unwrap();
    }
    unsafe extern "C" fn on_wake(wakes: *mut c_void) {
        // SAFETY: the test's sender, which outlives the session.
        let _ = unsafe { &*wakes.cast::<Sender<()>>() }.send(());
    }

    let (ends, ended) = channel();
    let host = Box::new(Host { session: AtomicU64::new(0), ends, third: AtomicU64::new(0) });
    let session = session((&raw const *host).cast_mut().cast(), Some(on_event));
    host.session.store(session, Ordering::SeqCst);
    for job in [submit(session), submit(session)] {
        wait(job);
    }
    let (wakes, woken): (Sender<()>, Receiver<()>) = channel();
    // SAFETY: the sender outlives the session.
    let set = unsafe { ftr_session_set_wakeup_callback(session, Some(on_wake), (&raw const wakes).cast_mut().cast()) };
    assert_eq!(set, FTR_OK);
    let mut told = Vec::new();
    while told.len() < 3 {
        assert!(
            woken.recv_timeout(GUARD).is_ok(),
            "{} of 3 ends were told, and no wake-up came for the rest",
            told.len()
        );
        assert!(ftr_session_poll_events(session, 0) >= 0);
        told.extend(ended.try_iter());
    }
    assert!(told.contains(&host.third.load(Ordering::SeqCst)));
    assert_eq!(ftr_session_free(session), FTR_OK);
}

#[test]
fn a_thread_that_polls_without_limit_learns_that_the_session_was_closed() {
    let session = session(std::ptr::null_mut(), None);
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let last = loop {
            match ftr_session_poll_events(session, FTR_NO_TIMEOUT) {
                0.. => {}
                code => break code,
            }
        };
        tell.send(last).unwrap();
    });
    assert_eq!(ftr_session_close(session, 0), 0);
    assert_eq!(told.recv_timeout(GUARD).unwrap(), Code::Closed as i32);
    assert_eq!(ftr_session_free(session), FTR_OK);
}

/// As a C++ static or thread_local object does that owns a session.
#[test]
fn a_session_may_be_polled_and_freed_in_a_destructor_that_runs_when_the_thread_ends() {
    struct Owner(ftr_session, Sender<(i32, i32)>);
    impl Drop for Owner {
        fn drop(&mut self) {
            let polled = ftr_session_poll_events(self.0, 0);
            self.1.send((polled, ftr_session_free(self.0))).unwrap();
        }
    }
    thread_local! {
        static OWNER: std::cell::RefCell<Option<Owner>> = const { std::cell::RefCell::new(None) };
    }
    let (tell, told) = channel();
    std::thread::spawn(move || {
        // Before the library's own thread-locals, so that these go first.
        OWNER.with_borrow_mut(|owner| *owner = Some(Owner(0, tell)));
        let session = session(std::ptr::null_mut(), None);
        OWNER.with_borrow_mut(|owner| owner.as_mut().unwrap().0 = session);
        assert!(ftr_session_poll_events(session, 0) >= 0);
        assert!(ftr_session_poll_events(0, 0) < 0);
    });
    let (polled, freed) = told.recv_timeout(GUARD).unwrap();
    assert!(polled >= 0, "{polled}");
    assert_eq!(freed, FTR_OK);
}

#[test]
fn a_wait_for_a_job_whose_session_is_freed_meanwhile_gives_no_result_that_is_gone() {
    // It takes requests and never answers, so that the job runs until it is cancelled.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let session = Session::create(&format!("http://{}", silent.local_addr().unwrap()), DEMO_USER, DEMO_KEY);
    let job = session.submit(&Publish::of(example("still.png"), TASK)).unwrap();
    let handle = job.0;
    let (tell, told) = channel();
    std::thread::spawn(move || {
        tell.send(None).unwrap();
        let mut result = std::ptr::null();
        // SAFETY: a variable.
        let code = unsafe { ftr_job_wait(handle, FTR_NO_TIMEOUT, &mut result) };
        tell.send(Some((code, result.is_null()))).unwrap();
    });
    assert_eq!(told.recv_timeout(GUARD).unwrap(), None);
    drop(session);
    let (code, is_null) = told.recv_timeout(GUARD).unwrap().unwrap();
    assert_eq!((code, is_null), (Code::StaleHandle as i32, true));
}
