//! The event hub from C, each case in a process of its own: tests/c/hub.c.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's failure is a panic
#![cfg(target_os = "linux")]

mod support;

use std::path::PathBuf;
use std::sync::OnceLock;
use support::build::program;
use support::run::{command, run};
use support::sample;
use support::server::{Staging, environment};

fn compiled() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| program("tests/c/hub.c", "hub")).clone()
}

#[track_caller]
fn case(case: &str) {
    let server = Staging::start();
    let mut command = command(compiled());
    environment(&mut command, server.url());
    command.arg(case).arg(server.url()).arg(sample("still.png"));
    let ended = run(command).succeeded();
    assert!(ended.err.is_empty(), "the library or the case wrote to standard error; {}", ended.account());
}

#[test]
fn sessions_on_one_server_hear_each_other_and_replies_find_who_asked() {
    case("question_and_answer");
}

#[test]
fn the_pull_form_has_the_events_of_the_hub_and_each_is_json() {
    case("pulled");
}

#[test]
fn local_events_go_by_priority_until_one_stops_them_and_a_callback_may_free_the_session() {
    case("local_events");
}

#[test]
fn a_subscription_that_ends_itself_hears_nothing_more_though_more_is_waiting() {
    case("ended_in_its_callback");
}

#[test]
fn others_hear_of_a_publish_when_the_hub_is_connected_and_only_then() {
    case("announced");
}

#[test]
fn sixty_connected_sessions_leave_no_descriptor_and_no_thread() {
    case("many_sessions");
}

#[test]
fn a_host_that_does_not_poll_takes_bounded_memory_and_learns_how_much_it_missed() {
    case("not_polled");
}
