//! Sessions and jobs from C, each case in a process of its own: tests/c/lifecycle.c, process.c, unload.c and jobs.c.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's failure is a panic
#![cfg(target_os = "linux")]

mod support;

use std::path::PathBuf;
use std::sync::OnceLock;
use support::build::{library, program, program_alone};
use support::run::{Ended, command, run};
use support::sample;
use support::server::{Silent, Staging, environment, nobody};

/// Compiles one of the programs, once.
fn compiled(name: &'static str) -> PathBuf {
    static PROGRAMS: [OnceLock<PathBuf>; 4] = [const { OnceLock::new() }; 4];
    let names = ["lifecycle", "process", "unload", "jobs"];
    let index = names.iter().position(|known| *known == name).unwrap();
    let source = format!("tests/c/{name}.c");
    let compile = if name == "unload" { program_alone } else { program };
    PROGRAMS[index].get_or_init(|| compile(&source, name)).clone()
}

/// Runs a case against the server at this address; it publishes a real movie where it publishes one.
#[track_caller]
fn case(program: &'static str, case: &str, url: &str) -> Ended {
    let mut command = command(compiled(program));
    environment(&mut command, url);
    command.arg(case).arg(url).arg(sample("h264.mp4"));
    let ended = run(command).succeeded();
    assert!(ended.err.is_empty(), "the library or the case wrote to standard error; {}", ended.account());
    ended
}

macro_rules! cases {
    ($($(#[$attribute:meta])* $promise:ident: $program:literal $case:literal at $url:expr;)*) => {$(
        #[test]
        $(#[$attribute])*
        fn $promise() {
            let server = $url;
            case($program, $case, server.url().as_ref());
        }
    )*};
}

/// A port on which nobody listens.
struct Nobody;

impl Nobody {
    fn url(&self) -> String {
        nobody()
    }
}

cases! {
    a_program_may_exit_without_freeing_anything: "lifecycle" "exit_without_free" at Silent::start();
    a_session_may_be_freed_while_it_connects: "lifecycle" "free_while_connecting" at Silent::start();
    closing_twice_is_fine_and_what_ran_is_cancelled: "lifecycle" "close_twice" at Silent::start();
    a_session_may_be_closed_in_a_callback: "lifecycle" "close_in_callback" at Nobody;
    a_session_may_be_freed_in_a_callback_and_no_other_follows: "lifecycle" "free_in_callback" at Nobody;
    polling_in_a_callback_of_the_same_session_is_an_error: "lifecycle" "poll_in_callback" at Nobody;
    one_thread_polls_the_other_is_told_and_an_interrupt_wakes_the_one: "lifecycle" "poll_from_two_threads" at Silent::start();
    an_interrupt_before_the_wait_is_not_lost: "lifecycle" "interrupt_before_waiting" at Silent::start();
    freeing_lets_go_a_thread_that_polls: "lifecycle" "free_while_another_polls" at Silent::start();
    the_wake_up_descriptor_is_readable_while_events_wait_and_not_for_ever: "lifecycle" "wake_descriptor" at Nobody;
    every_call_in_the_wake_up_callback_is_refused_instead_of_hanging: "lifecycle" "calls_in_wakeup_callback" at Nobody;
    a_replaced_wake_up_callback_has_returned_and_is_not_called_again: "lifecycle" "replace_wakeup_callback" at Nobody;

    a_forked_child_is_told_so_by_every_export_and_the_parent_goes_on: "process" "fork_with_session" at Nobody;
    a_child_forked_before_the_first_session_may_use_the_library: "process" "fork_before_session" at Nobody;
    no_signal_is_handled_on_a_thread_of_the_library: "process" "signals" at Silent::start();
    two_hundred_sessions_leave_no_descriptor_and_no_thread: "process" "two_hundred_sessions" at Nobody;
    nothing_of_the_process_is_changed: "process" "unchanged" at Nobody;

    a_thousand_jobs_end_once_each_when_polled: "jobs" "thousand_polled" at Staging::start();
    a_full_queue_says_so_and_has_room_again_after_polling: "jobs" "queue_full" at Nobody;
    waiting_for_a_job_and_freeing_it_makes_room_too: "jobs" "room_after_waiting" at Nobody;
    many_threads_may_wait_for_one_job: "jobs" "many_wait" at Nobody;
    cancelling_an_ended_job_does_nothing: "jobs" "cancel_ended" at Nobody;
}

#[test]
fn a_thousand_jobs_end_once_each_when_pulled_and_every_event_is_json() {
    let server = Staging::start();
    let ended = case("jobs", "thousand_pulled", server.url());
    let mut ends = 0;
    for line in ended.out.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["kind"].is_i64() && event["session"].is_string(), "{line}");
        ends += usize::from(event["kind"] == 4);
    }
    assert_eq!(ends, 1000);
}

#[test]
fn a_job_cancelled_at_any_moment_ends_once_and_leaves_a_version_only_when_it_is_done() {
    let server = Staging::start();
    let mut cancelling = command(compiled("jobs"));
    environment(&mut cancelling, server.url());
    // Without ffmpeg no thumbnail is taken, so that a version has one component.
    cancelling.env("PATH", "/nowhere");
    cancelling.arg("cancel_at_every_moment").arg(server.url()).arg(sample("h264.mp4"));
    let ended = run(cancelling).succeeded();
    let done: i64 = ended.value("done").parse().unwrap();
    let cancelled: i64 = ended.value("cancelled").parse().unwrap();
    assert!(cancelled > 0, "{}", ended.account());
    assert_eq!(server.count("asset_version"), done, "{}", ended.account());
    assert_eq!(server.count("component"), done, "{}", ended.account());
}

#[test]
fn a_program_may_exit_at_any_moment_of_a_publish() {
    let server = Staging::start();
    for events in 0..50 {
        let mut exiting = command(compiled("jobs"));
        environment(&mut exiting, server.url());
        exiting.env("EVENTS", (events % 17).to_string());
        exiting.arg("exit_while_busy").arg(server.url()).arg(sample("h264.mp4"));
        let ended = run(exiting).succeeded();
        assert!(ended.err.is_empty() && ended.out.is_empty(), "{}", ended.account());
    }
}

#[test]
fn with_hardly_any_descriptors_there_is_an_error_and_afterwards_it_works() {
    let server = Staging::start();
    case("process", "few_descriptors", server.url());
}

#[test]
fn failing_jobs_write_nothing_to_standard_output_and_error_in_any_locale() {
    for locale in ["C", "C.UTF-8", "de_DE.UTF-8", "no_SUCH"] {
        let mut failing = command(compiled("process"));
        let url = nobody();
        environment(&mut failing, &url);
        failing.env("LC_ALL", locale).env("RUST_BACKTRACE", "1").env("RUST_LOG", "trace");
        failing.arg("failing_jobs").arg(&url).arg(sample("h264.mp4"));
        let ended = run(failing).succeeded();
        assert!(ended.out.is_empty() && ended.err.is_empty(), "{}", ended.account());
    }
}

#[test]
fn the_library_survives_dlclose_and_the_end_of_a_thread_that_used_it() {
    for case in ["close_and_load_again", "thread_ends_after_dlclose", "exit_after_dlclose"] {
        let mut unload = command(compiled("unload"));
        environment(&mut unload, &nobody());
        unload.arg(case).arg(&library().file);
        run(unload).succeeded();
    }
}
