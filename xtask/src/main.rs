//! The repository's chores, run as `cargo xtask <chore>`. They need nothing but Rust and a C compiler; what a chore
//! needs beyond that it installs where it may, and names where it may not.

mod api;
mod artifacts;
mod cc;
mod check;
mod demo;
mod header;
mod install;
mod install_check;
mod peers;
mod shell;
mod staging;
mod suites;
mod test;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <chore>

  demo [--once]            Publish a movie and a still from C to a staging server, check what arrived, show the review page.
                           --once ends after checking.
  test [--fast] [SUITE]... Run the tests: all suites, those that need only cargo (--fast), or the ones named.
  test --list              Name the suites.
  header                   Write include/ftreview.h anew from the code.
  install [--prefix DIR] [--profile NAME]
                           Lay out the library for other builds: header, shared and static library, pkg-config, CMake.
                           DIR is target/xtask/install/ftreview unless given; NAME is release (default) or dist (smaller, slower to build).
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["demo", rest @ ..] => demo::run(rest),
        ["test", rest @ ..] => test::run(rest),
        ["header"] => header::run(),
        ["install", rest @ ..] => install::run(rest),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        [] => Err(format!("No chore was named.\n\n{USAGE}")),
        other => Err(format!("There is no chore \"{}\".\n\n{USAGE}", other.join(" "))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
