//! A publish that is disturbed at every request and at every file operation in turn, and must come out whole and once.
//!
//! The short form is part of the tests; `cargo xtask sweep` runs all of it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

#[path = "../support/mod.rs"]
mod support; // the built library, C programs, processes with a time limit

mod crowd; // many processes, and copies of an outbox
mod fault; // what can happen to a request
mod film; // what is published
mod host; // the process that publishes
mod life; // what programs, people and networks do
mod point; // one thing that goes wrong, and its name
mod proxy; // stands before the server, and spoils what it is told to
mod runner; // many points at once
mod stage; // a server a point, and what must be on it
mod sweep; // one point from beginning to end
mod wire; // HTTP as far as the proxy has to understand it

use point::{Point, WAYS, Way, What};
use runner::sweep;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use sweep::{Manner, clean_run, crash_points, double_crash_points, fault_points, mixed_points};

/// A film's address that stalls is let go after this long in the short form: a client gives up after a minute.
const SHORT_STALL: Duration = Duration::from_millis(1500);

/// See `spread`.
const STRIDE: usize = 131;

/// Points that wait for a minute do so in company.
const MANY: usize = 24;

/// Where a point may take until a client gives up.
const PATIENT: Manner = Manner { stall: None };
const HASTY: Manner = Manner { stall: Some(SHORT_STALL) };

#[test]
fn a_publish_in_the_outbox_comes_out_whole_and_once_whatever_fails_at_any_step() {
    let (requests, _) = clean_run(Way::Outbox);
    sweep(spread(&fault_points(Way::Outbox, &requests)), HASTY, 4).succeeded();
}

#[test]
fn a_publish_in_the_outbox_comes_out_whole_and_once_wherever_its_process_is_killed() {
    let (requests, operations) = clean_run(Way::Outbox);
    let points = crash_points(Way::Outbox, &requests, &operations);
    let (at_requests, at_files): (Vec<_>, Vec<_>) =
        points.into_iter().partition(|point| matches!(point.what, What::Request(..)));
    // Neighbours differ in what is before or after.
    let chosen = at_requests.into_iter().step_by(4).chain(at_files.into_iter().step_by(11));
    sweep(chosen.collect(), HASTY, 4).succeeded();
}

/// A few of the points, the same each time: every fault and every request is among them.
fn spread(points: &[Point]) -> Vec<Point> {
    let mut chosen: Vec<Point> = Vec::new();
    let (mut faults, mut labels) = (HashSet::new(), HashSet::new());
    let mut place = 0;
    for _ in 0..points.len() {
        // Prime, and larger than what one request has: neighbours in the choice are of another request and fault.
        place = (place + STRIDE) % points.len();
        if let What::Fault(at, fault, _) = &points[place].what
            && (faults.insert(*fault) | labels.insert(at.clone()))
        {
            chosen.push(points[place].clone());
        }
    }
    chosen
}

#[test]
#[ignore = "cargo xtask sweep"]
fn in_full() {
    let mut reports = Vec::new();
    for (name, way) in WAYS {
        let (requests, operations) = clean_run(way);
        println!("{name}: a publish makes {} requests and {} operations on files", requests.len(), operations.len());
        let is_stall = |point: &Point| matches!(&point.what, What::Fault(_, fault, _) if fault.is_stall());
        let (stalls, faults): (Vec<_>, Vec<_>) = fault_points(way, &requests).into_iter().partition(is_stall);
        let crashes = crash_points(way, &requests, &operations);
        let (mut again, mut mixed) = (double_crash_points(way, &requests), mixed_points(way, &requests));
        if way == Way::Key {
            // The outbox's are the same and more.
            (again, mixed) = (Vec::new(), Vec::new());
        }
        let parts = [
            ("crashes", crashes, 6),
            ("crashes twice", again, 6),
            ("crashes and faults", mixed, 8),
            ("faults", faults, 8),
            ("stalls", stalls, MANY),
        ];
        for (what, points, at_once) in parts {
            if points.is_empty() {
                continue;
            }
            if std::env::var("SWEEP_PART").is_ok_and(|part| !format!("{name} {what}").contains(&part)) {
                continue;
            }
            let since = Instant::now();
            let report = sweep(points, PATIENT, at_once);
            report.tell(&format!("{name}, {what}"), since);
            reports.push(report);
        }
    }
    reports.into_iter().for_each(runner::Report::succeeded);
}

#[test]
#[ignore = "cargo xtask sweep --only POINT"]
fn alone() {
    let named = std::env::var("SWEEP_ONLY").unwrap();
    let point = Point::parse(&named).unwrap_or_else(|| panic!("no point is named {named}"));
    let since = Instant::now();
    let report = sweep(vec![point], PATIENT, 1);
    report.tell(&named, since);
    report.succeeded();
}

#[test]
#[ignore = "cargo xtask sweep --list"]
fn list() {
    for (name, way) in WAYS {
        let (requests, operations) = clean_run(way);
        requests.iter().for_each(|at| println!("{name}: {at}"));
        (1..).zip(operations).for_each(|(number, operation)| println!("{name}: {number} {operation}"));
    }
}
