//! Building the library and the staging server, and where cargo put them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::shell::{self, Outcome};

/// What a build made.
pub struct Artifacts {
    /// The shared library.
    pub shared: PathBuf,
    /// The staging server's program.
    pub server: PathBuf,
}

/// Builds both in the dev profile. Cargo's errors go to the terminal.
pub fn build() -> Outcome<Artifacts> {
    let files =
        build_with(shell::cargo().args(["build", "-p", "ftreview", "-p", "ftreview-sandbox", "--lib", "--bins"]), &[])?;
    Ok(Artifacts {
        shared: find(&files, "libftreview", &["so", "dylib"])?,
        server: find(&files, "ftreview-sandbox", &[""])?,
    })
}

/// Runs a `cargo build` or `cargo rustc` and returns every file that it says it made or found fresh; `last` ends the
/// command line.
pub fn build_with(command: &mut Command, last: &[OsString]) -> Outcome<Vec<PathBuf>> {
    let messages = shell::output(command.args(["--quiet", "--message-format=json-render-diagnostics"]).args(last))
        .map_err(|_| "The build failed; cargo's messages are above.".to_owned())?;
    let artifacts = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact");
    Ok(artifacts.flat_map(|artifact| paths(&artifact["filenames"])).collect())
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
