//! The C programs under valgrind, and with the library and the programs built with AddressSanitizer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's failure is a panic
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::build::{Library, STRICT, compiled, installed, link_with, program};
use support::run::{Ended, command, run};
use support::server::{CONTEXT, Staging, environment, nobody};
use support::{is_there, repository, sample};

/// What valgrind ends with when it has found something: none of the programs ends so by itself.
const FOUND: i32 = 99;

#[test]
fn the_examples_have_no_memory_error_and_leak_nothing_under_valgrind() {
    if !is_there("valgrind") {
        return;
    }
    let server = Staging::start();
    for (source, name, arguments) in publishes() {
        let mut checked = valgrind(&program(source, name));
        server.tell(&mut checked);
        run(with(checked, &arguments)).succeeded();
    }
    assert_eq!(server.count("asset_version"), publishes().len() as i64);

    // A job that fails, too: errors are texts that somebody must free.
    let mut failing = valgrind(&program("examples/c/publish.c", "valgrind-publish"));
    environment(&mut failing, &nobody());
    failing.args(["--context", CONTEXT]).arg(sample("h264.mp4"));
    let ended = run(failing);
    assert_eq!(ended.status.code(), Some(4), "{}", ended.account());
}

#[test]
fn the_event_hub_leaks_nothing_and_touches_no_wrong_memory_under_valgrind() {
    if !is_there("valgrind") {
        return;
    }
    let hub = program("tests/c/hub.c", "valgrind-hub");
    // Each session reads the certificates of the machine, which takes valgrind long.
    for case in ["question_and_answer", "ended_in_its_callback", "announced"] {
        let server = Staging::start();
        let mut checked = valgrind(&hub);
        server.tell(&mut checked);
        run(with(checked, &[case.into(), server.url().into(), sample("still.png")])).succeeded();
    }
}

#[test]
fn wrong_calls_touch_no_wrong_memory_under_valgrind() {
    if !is_there("valgrind") {
        return;
    }
    let server = nobody();
    let mut misuse = valgrind(&program("tests/c/misuse.c", "valgrind-misuse"));
    environment(&mut misuse, &server);
    misuse.env_remove("FTRACK_SERVER").arg(&server);
    run(misuse).succeeded();
}

/// That a clean run means something.
#[test]
fn valgrind_would_tell_of_a_leak_and_of_a_wrong_access() {
    if !is_there("valgrind") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("leak.c");
    std::fs::write(&source, LEAK).unwrap();
    let ended = run(valgrind(&program(source.to_str().unwrap(), "valgrind-leak")));
    assert_eq!(ended.status.code(), Some(FOUND), "{}", ended.account());
}

#[test]
#[ignore = "builds the library a second time: cargo xtask test"]
fn the_library_and_its_programs_are_clean_with_address_sanitizer() {
    let library = sanitized();
    let symbols = Command::new("nm").arg("--dynamic").arg(&library.file).output().unwrap();
    let symbols = String::from_utf8_lossy(&symbols.stdout);
    assert!(symbols.contains("__asan_report_load"), "the library is not instrumented: {symbols}");

    let server = Staging::start();
    for (source, name, arguments) in publishes() {
        let mut checked = command(sanitized_program(&library, source, name));
        server.tell(&mut checked);
        clean(run(with(checked, &arguments)));
    }
    let url = nobody();
    let mut misuse = command(sanitized_program(&library, "tests/c/misuse.c", "misuse"));
    environment(&mut misuse, &url);
    misuse.env_remove("FTRACK_SERVER").arg(&url);
    clean(run(misuse));
    let lifecycle = sanitized_program(&library, "tests/c/lifecycle.c", "lifecycle");
    for case in ["free_in_callback", "close_in_callback", "free_while_another_polls", "replace_wakeup_callback"] {
        let mut checked = command(&lifecycle);
        environment(&mut checked, &url);
        clean(run(with(checked, &[case.into(), url.clone().into(), sample("h264.mp4")])));
    }
    let hub = sanitized_program(&library, "tests/c/hub.c", "hub");
    for case in ["question_and_answer", "pulled", "local_events", "ended_in_its_callback", "announced"] {
        // They count versions: each has a server of its own.
        let server = Staging::start();
        let mut checked = command(&hub);
        server.tell(&mut checked);
        clean(run(with(checked, &[case.into(), server.url().into(), sample("still.png")])));
    }
    let jobs = sanitized_program(&library, "tests/c/jobs.c", "jobs");
    for case in ["queue_full", "room_after_waiting", "many_wait", "cancel_at_every_moment"] {
        let mut checked = command(&jobs);
        server.tell(&mut checked);
        clean(run(with(checked, &[case.into(), server.url().into(), sample("h264.mp4")])));
    }
}

/// Source, name of the program, arguments.
fn publishes() -> [(&'static str, &'static str, Vec<PathBuf>); 2] {
    let thumbnail: [PathBuf; 2] = ["--thumbnail".into(), sample("still.jpg")];
    let publish = ["--verbose".into(), "--context".into(), CONTEXT.into(), sample("h264.mp4")];
    [
        ("examples/c/minimal.c", "tools-minimal", vec![sample("still.png"), CONTEXT.into()]),
        ("examples/c/publish.c", "tools-publish", thumbnail.into_iter().chain(publish).collect()),
    ]
}

fn with(mut command: Command, arguments: &[PathBuf]) -> Command {
    command.args(arguments);
    command
}

/// Only what nothing points to any more is a leak: the library's thread may still be running when the program ends, and
/// what it works on then is "possibly lost" or "reachable".
fn valgrind(program: &Path) -> Command {
    let mut command = command("valgrind");
    command.args(["--quiet", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]);
    command.arg(format!("--error-exitcode={FOUND}")).arg(program);
    command
}

const LEAK: &str = r#"
#include <ftreview.h>
#include <stdlib.h>

/* The struct of a host that forgot it: lost as soon as main's variable is. */
int main(void)
{
    ftr_session *volatile forgotten = malloc(sizeof *forgotten);

    if (forgotten == NULL)
        return 1;
    ftr_session_create(NULL, forgotten);
    forgotten = NULL;
    return 0;
}
"#;

/// The library built with AddressSanitizer, in a target directory of its own. The stable compiler has the sanitizer and
/// asks for this variable before it lets one use it.
fn sanitized() -> Library {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
    // With a target named, build scripts and procedural macros are built without it.
    cargo.args(["build", "--target", "x86_64-unknown-linux-gnu", "--target-dir"]).arg(repository("target/asan"));
    installed(cargo, "asan")
}

/// A program that brings the sanitizer's run time, which the library then uses.
fn sanitized_program(library: &Library, source: &str, name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("asan-{name}"));
    let mut build = Command::new("gcc");
    build.args(STRICT).args(["-g", "-pthread", "-fsanitize=address", "-I"]).arg(repository("include"));
    build.arg(repository(source)).arg("-o").arg(&program);
    link_with(&mut build, &library.folder);
    compiled(build);
    program
}

fn clean(ended: Ended) {
    let ended = ended.succeeded();
    assert!(!ended.err.contains("Sanitizer"), "{}", ended.account());
}
