//! The repository's chores, run as `cargo xtask <chore>`. They need nothing but Rust and a C compiler; what a chore
//! needs beyond that it installs where it may, and names where it may not.

mod api;
mod artifacts;
mod bench;
mod cc;
mod check;
mod demo;
mod header;
mod install;
mod install_check;
mod media;
mod media_rows;
mod notices;
mod object_store;
mod peers;
mod shell;
mod staging;
mod suites;
mod sweep;
mod test;
mod tools;

use std::process::ExitCode;

use shell::Outcome;

/// One chore.
struct Chore {
    name: &'static str,
    /// Its lines in the list of chores, which are its own help as well.
    help: &'static str,
    run: fn(&[&str]) -> Outcome,
}

const CHORES: [Chore; 6] = [
    Chore {
        name: "demo",
        help: "  demo [--once]            Publish a movie and a still from C to a staging server, check what arrived, show the review page.
                           --once ends after checking.
",
        run: demo::run,
    },
    Chore {
        name: "test",
        help: "  test [--fast] [SUITE]... Run the tests: all suites, those that need only cargo (--fast), or the ones named.
  test --list              Name the suites.
",
        run: test::run,
    },
    Chore {
        name: "bench",
        help: "  bench upload [--quick] [--size N[MiB|GiB]] [--only SCENARIO]... [--runs N] [--smoke]
                           Send files with this library and with others, in turn, and compare. A run of everything is
                           written to docs/performance.md.
  bench hub [--quick] [--smoke]
                           Compare the event hub with that of the official Python client, likewise.
",
        run: bench::run,
    },
    Chore {
        name: "sweep",
        help: "  sweep [--quick]          Disturb a publish at every request and every file operation in turn, and see that it comes
                           out whole and once: minutes. --quick is the choice of points that is part of the tests.
  sweep --part NAME        Only what is called so: \"outbox crashes\", \"key faults\", \"outbox stalls\" and the like.
  sweep --only POINT       One point, as a failure names it; --list shows the requests and operations of a publish.
",
        run: sweep::run,
    },
    Chore {
        name: "header",
        help: "  header                   Write include/ftreview.h anew from the code.\n",
        run: header::run,
    },
    Chore {
        name: "install",
        help: "  install [--prefix DIR] [--profile NAME]
                           Lay out the library for other builds: header, shared and static library, pkg-config, CMake.
                           DIR is target/xtask/install/ftreview unless given; NAME is release (default) or dist (smaller,
                           slower to build).
",
        run: install::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Outcome {
    let Some((name, rest)) = words.split_first() else {
        return Err(format!("No chore was named.\n\n{}", usage()));
    };
    let is_help = |word: &&str| matches!(*word, "--help" | "-h");
    match CHORES.iter().find(|chore| chore.name == *name) {
        Some(chore) if rest.iter().any(is_help) => print!("Usage: cargo xtask CHORE, which is\n\n{}", chore.help),
        Some(chore) => return (chore.run)(rest),
        None if *name == "help" || is_help(name) => print!("{}", usage()),
        None => return Err(format!("There is no chore \"{name}\".\n\n{}", usage())),
    }
    Ok(())
}

fn usage() -> String {
    let chores: String = CHORES.iter().map(|chore| chore.help).collect();
    format!("Usage: cargo xtask CHORE\n\n{chores}\n`cargo xtask CHORE --help` shows one of them alone.\n")
}
