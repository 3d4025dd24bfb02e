//! `cargo xtask sweep`: a publish, disturbed at every request and at every file operation in turn.

use crate::shell::{self, Outcome};
use std::process::Command;

/// Runs the sweeps, which are tests: tests/sweep. They print how many points there were and which failed.
pub fn run(arguments: &[&str]) -> Outcome {
    match arguments {
        [] => shell::run(&mut ignored("in_full")),
        ["--quick"] => shell::run(shell::cargo().args(SWEEP)),
        ["--list"] => shell::run(&mut ignored("list")),
        ["--only", point] => shell::run(ignored("alone").env("SWEEP_ONLY", point)),
        ["--part", part] => shell::run(ignored("in_full").env("SWEEP_PART", part)),
        other => {
            Err(format!("The sweep has no argument \"{}\"; `cargo xtask sweep --help` names them.", other.join(" ")))
        }
    }
}

const SWEEP: [&str; 4] = ["test", "--quiet", "--test", "sweep"];

/// One of the tests that are not run with the others, for they take minutes.
fn ignored(name: &str) -> Command {
    let mut command = shell::cargo();
    command.args(SWEEP).args(["--", "--ignored", "--exact", "--nocapture", name]);
    command
}
