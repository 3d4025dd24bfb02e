//! Building the library and the staging server, and where cargo put them.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::shell::{self, Outcome};

/// What a build made.
pub struct Artifacts {
    /// The shared library.
    pub shared: PathBuf,
    /// The staging server's program.
    pub server: PathBuf,
}

/// Builds both in the dev profile.
pub fn build() -> Outcome<Artifacts> {
    build_in(&[])
}

/// Builds both in the release profile.
pub fn build_release() -> Outcome<Artifacts> {
    build_in(&["--release"])
}

fn build_in(profile: &[&str]) -> Outcome<Artifacts> {
    let mut command = shell::cargo();
    command.args(["build", "-p", "ftreview", "-p", "ftreview-sandbox", "--lib", "--bins"]).args(profile);
    let files = build_with(&mut command, &[])?;
    Ok(Artifacts {
        shared: find(&files, "libftreview", &["so", "dylib"])?,
        server: find(&files, "ftreview-sandbox", &[""])?,
    })
}

/// Runs a `cargo build` or `cargo rustc` and returns every file that it says it made or found fresh; `last` ends the
/// command line. Cargo's progress and the compiler's messages go to the terminal.
pub fn build_with(command: &mut Command, last: &[OsString]) -> Outcome<Vec<PathBuf>> {
    let rendered = if stderr().is_terminal() { "json,json-diagnostic-rendered-ansi" } else { "json" };
    command.arg(format!("--message-format={rendered}")).args(last).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| shell::cannot_run(command, &error))?;
    let mut files = Vec::new();
    let lines = child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines());
    for line in lines.map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        match message["reason"].as_str() {
            Some("compiler-artifact") => files.extend(paths(&message["filenames"])),
            Some("compiler-message") => show(&message["message"]),
            _ => {}
        }
    }
    let status = child.wait().map_err(|error| shell::cannot_run(command, &error))?;
    if status.success() { Ok(files) } else { Err("The build failed; cargo's messages are above.".into()) }
}

/// Shows what the compiler says, but not where it has written the names of the system's libraries: nobody asked for
/// that but this program.
fn show(message: &Value) {
    let is_asked_for = message["level"] == "note"
        && message["message"].as_str().is_some_and(|text| text.starts_with("native artifacts to link against"));
    if let Some(text) = message["rendered"].as_str().filter(|_| !is_asked_for) {
        // Cargo's progress bar may stand on the line.
        let begin = if stderr().is_terminal() { "\r\x1b[K" } else { "" };
        eprint!("{begin}{text}");
    }
}

/// The file with this stem and one of these extensions.
pub fn find(files: &[PathBuf], stem: &str, extensions: &[&str]) -> Outcome<PathBuf> {
    let matches = |path: &Path| {
        let extension = path.extension().unwrap_or_default();
        path.file_stem().is_some_and(|name| name == stem) && extensions.iter().any(|wanted| extension == *wanted)
    };
    let found = files.iter().find(|path| matches(path));
    found.cloned().ok_or_else(|| format!("The build made no {stem} ({}).", extensions.join(" or ")))
}

fn paths(list: &Value) -> Vec<PathBuf> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(PathBuf::from).collect()
}
