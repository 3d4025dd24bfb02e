//! What must be reached, and whether it was.

use super::contestants::*;
use super::measure::Run;
use super::numbers::{median, ratio};
use super::scenario::{Measured, SenderRuns};

/// One goal, and what was measured.
pub struct Reached {
    pub what: String,
    pub goal: String,
    pub measured: String,
    pub met: bool,
}

/// A ratio that must not be larger.
struct Ratio {
    what: &'static str,
    scenario: &'static str,
    of: &'static Sender,
    to: &'static Sender,
    figure: fn(&Run) -> f64,
    limit: f64,
}

fn seconds(run: &Run) -> f64 {
    run.seconds
}

fn cpu(run: &Run) -> f64 {
    run.cpu_seconds
}

const RATIOS: &[Ratio] = &[
    Ratio {
        what: "plain HTTP, verification off: time",
        scenario: "plain",
        of: &ENGINE,
        to: &CURL,
        figure: seconds,
        limit: 1.0,
    },
    Ratio {
        what: "plain HTTP, verification off: processor time",
        scenario: "plain",
        of: &ENGINE,
        to: &CURL,
        figure: cpu,
        limit: 1.3,
    },
    Ratio {
        what: "plain HTTP, verified: time",
        scenario: "plain",
        of: &ENGINE_VERIFIED,
        to: &RAW_VERIFIED,
        figure: seconds,
        limit: 1.15,
    },
    Ratio { what: "TLS, verification off: time", scenario: "tls", of: &ENGINE, to: &RAW, figure: seconds, limit: 1.2 },
    Ratio { what: "TLS, verification off: time", scenario: "tls", of: &ENGINE, to: &CURL, figure: seconds, limit: 1.0 },
    Ratio {
        what: "TLS, verified: time",
        scenario: "tls",
        of: &ENGINE_VERIFIED,
        to: &RAW_VERIFIED,
        figure: seconds,
        limit: 1.2,
    },
    Ratio {
        what: "slow line, six connections: time",
        scenario: "line",
        of: &ENGINE_SIX,
        to: &RAW_VERIFIED,
        figure: seconds,
        limit: 1.1,
    },
    Ratio {
        what: "slow line, as many connections as help: time",
        scenario: "line",
        of: &ENGINE_VERIFIED,
        to: &RAW_VERIFIED,
        figure: seconds,
        limit: 1.0,
    },
];

/// Files a second that are wanted of small ones.
const FILES_PER_SECOND: f64 = 1000.0;

/// Resident memory above an idle session.
const MEMORY_MIB: f64 = 64.0;

/// All goals whose scenarios were run.
pub fn check(measured: &[Measured]) -> Vec<Reached> {
    let ratios = RATIOS.iter().filter_map(|goal| reach(goal, measured));
    let memory = ["memory-100MiB", "plain", "memory-20GiB"].iter().filter_map(|name| memory(measured, name));
    ratios.chain(small(measured)).chain(memory).chain(disk(measured)).collect()
}

fn find<'a>(measured: &'a [Measured], scenario: &str, sender: &Sender) -> Option<(&'a Measured, &'a SenderRuns)> {
    let measured = measured.iter().find(|measured| measured.scenario.name == scenario)?;
    let runs = measured.senders.iter().find(|runs| runs.name == sender.name && !runs.runs.is_empty())?;
    Some((measured, runs))
}

fn reach(goal: &Ratio, measured: &[Measured]) -> Option<Reached> {
    let (_, of) = find(measured, goal.scenario, goal.of)?;
    let (_, to) = find(measured, goal.scenario, goal.to)?;
    let ratio = ratio(&of.figures(goal.figure), &to.figures(goal.figure))?;
    Some(Reached {
        what: goal.what.to_owned(),
        goal: format!("at most {} of {}", goal.limit, goal.to.name),
        measured: format!("{ratio:.2}"),
        // What rounds to the limit is at the limit.
        met: ratio < goal.limit + 0.005,
    })
}

fn small(measured: &[Measured]) -> Option<Reached> {
    let (measured, runs) = find(measured, "small", &ENGINE_VERIFIED)?;
    let rate = f64::from(measured.files) / median(&runs.figures(seconds))?;
    Some(Reached {
        what: "200 small files, six at once, verified".into(),
        goal: format!("at least {FILES_PER_SECOND} files a second"),
        measured: format!("{rate:.0}"),
        met: rate >= FILES_PER_SECOND,
    })
}

/// The most that was resident, less what an idle session had, in MiB.
pub fn above_idle(run: &Run) -> f64 {
    let kib = |name: &str| run.report[name].as_f64().unwrap_or(0.0);
    (kib("peak_kib") - kib("idle_kib")) / 1024.0
}

fn memory(measured: &[Measured], scenario: &str) -> Option<Reached> {
    let (measured, runs) = find(measured, scenario, &ENGINE_VERIFIED)?;
    let most = runs.figures(above_idle).into_iter().fold(0.0, f64::max);
    Some(Reached {
        what: format!("memory above an idle session, {} MiB", measured.bytes >> 20),
        goal: format!("at most {MEMORY_MIB} MiB"),
        measured: format!("{most:.0} MiB"),
        met: most <= MEMORY_MIB,
    })
}

fn disk(measured: &[Measured]) -> Option<Reached> {
    let (_, runs) = find(measured, "plain", &ENGINE_VERIFIED)?;
    let most = runs.runs.iter().map(|run| run.written_bytes).max()?;
    Some(Reached {
        what: "bytes written to disk (the bench keeps no journal)".into(),
        goal: "none".into(),
        measured: most.to_string(),
        met: most == 0,
    })
}
