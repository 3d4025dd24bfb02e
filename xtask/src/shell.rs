//! Where the repository is, and running programs in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Success, or what went wrong and what to do about it, for the person at the terminal.
pub type Outcome<T = ()> = Result<T, String>;

/// The repository's root folder.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The folder below cargo's target folder for one chore's own files.
pub fn scratch(chore: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    root().join(target).join("xtask").join(chore)
}

/// A folder that is there and empty.
pub fn emptied(folder: &Path) -> Outcome {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("Cannot empty {}: {error}.", folder.display()))
        }
        _ => std::fs::create_dir_all(folder).map_err(|error| format!("Cannot make {}: {error}.", folder.display())),
    }
}

/// The cargo that runs this program, in the repository's root.
///
/// Without what cargo has set for this program: build scripts that watch these variables, such as that of ring, would
/// run again each time cargo is called from here and not from a terminal, and everything after them.
pub fn cargo() -> Command {
    let mut command = program(std::env::var_os("CARGO").as_deref().unwrap_or(OsStr::new("cargo")));
    let is_cargos = |name: &str| {
        name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || ["OUT_DIR", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"].contains(&name)
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_cargos(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

/// A program to be run in the repository's root.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Runs a program with this one's terminal; anything but exit code 0 is a failure.
pub fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| cannot_run(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}.", words(command))) }
}

/// Runs a program and returns what it printed; its errors go to the terminal.
pub fn output(command: &mut Command) -> Outcome<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| cannot_run(command, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{} ended with {}.", words(command), output.status))
    }
}

/// Runs a program silently and tells whether it succeeded; a program that is not there did not.
pub fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Why a program could not be started.
pub fn cannot_run(command: &Command, error: &std::io::Error) -> String {
    format!("Cannot run {}: {error}.", command.get_program().display())
}

/// Whether an environment variable is set to something that means yes.
pub fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
