//! Wrong calls from C: every export answers with a code of its own and a message that names the argument.

#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use support::build::program;
use support::run::{command, run};
use support::server::{environment, nobody};

#[test]
fn every_export_answers_every_wrong_call_with_its_code_and_a_message_that_names_the_argument() {
    let mut misuse = command(program("tests/c/misuse.c", "misuse"));
    let server = nobody();
    environment(&mut misuse, &server);
    misuse.env_remove("FTRACK_SERVER").arg(&server);
    let ended = run(misuse).succeeded();
    let called: BTreeSet<&str> = ended.out.lines().filter_map(|line| line.strip_prefix("row ")).collect();
    let exports = support::exports();
    let forgotten: Vec<&String> = exports.iter().filter(|export| !called.contains(export.as_str())).collect();
    assert!(forgotten.is_empty(), "tests/c/misuse.c calls these in no row: {forgotten:?}");
}

#[test]
fn a_session_without_server_or_key_is_refused_with_the_variable_to_set() {
    let missing = program("tests/c/missing.c", "missing");
    let mut nothing = command(&missing);
    nothing.args(["-301", "FTRACK_SERVER"]);
    run(nothing).succeeded();
    let mut no_key = command(&missing);
    no_key.env("FTRACK_SERVER", nobody()).args(["-303", "FTRACK_API_KEY"]);
    run(no_key).succeeded();
}
