//! What stands between a process and its disk: shim.c, and the process that runs the script behind it.

use crate::support::build::{STRICT, compiled};
use crate::support::repository;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The shim, compiled.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outbox-shim.so");
        let mut gcc = Command::new("gcc");
        gcc.args(STRICT).args(["-O1", "-shared", "-fPIC"]).arg(repository("tests/outbox/shim.c"));
        compiled({
            gcc.arg("-ldl").arg("-o").arg(&library);
            gcc
        });
        library
    })
}

/// This program again, to run one of its ignored tests with `told` in its environment.
pub fn child(test: &str, variable: &str, told: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env(variable, told);
    command
}

/// Lets the shim do `what` at the operation with this number in `folder`.
pub fn shimmed(command: &mut Command, folder: &Path, number: usize, what: &str) {
    command.env("LD_PRELOAD", library()).env("OUTBOX_SHIM", format!("{}\n{number}\n{what}", folder.display()));
}
