//! Building the library once, and C and C++ programs against it.

use super::repository;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library as an installation has it.
pub struct Library {
    /// The shared library that cargo built.
    pub file: PathBuf,
    /// A folder with `libftreview.so` and, under its soname, `libftreview.so.1`: for -L and for the run path.
    pub folder: PathBuf,
}

/// The shared library, built in the profile of the tests when this is first called.
pub fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--profile", profile]);
        installed(cargo, "lib")
    })
}

/// Runs a cargo command that builds the library, and lays it out in a folder of this name.
pub fn installed(mut cargo: Command, folder: &str) -> Library {
    cargo.args(["--package", "ftreview", "--lib", "--message-format", "json-render-diagnostics"]);
    without_cargos_variables(&mut cargo);
    let output = cargo.current_dir(repository("")).stderr(std::process::Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{cargo:?} ended with {}", output.status);
    let file = shared_library(&String::from_utf8(output.stdout).unwrap());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    link(&file, &folder.join("libftreview.so.1"));
    link(Path::new("libftreview.so.1"), &folder.join("libftreview.so"));
    Library { file, folder }
}

/// Compiles a C program of the repository and links it with the library. `name` is unique among the tests.
pub fn program(source: &str, name: &str) -> PathBuf {
    compile(source, name, |command| link_with(command, &library().folder))
}

/// The same without the library, for a program that loads it.
pub fn program_alone(source: &str, name: &str) -> PathBuf {
    compile(source, name, |command| {
        command.arg("-ldl");
    })
}

/// The arguments with which all C of the repository must compile.
pub const STRICT: [&str; 5] = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"];

fn compile(source: &str, name: &str, link: impl FnOnce(&mut Command)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join(name);
    let mut command = Command::new("gcc");
    command.args(STRICT).args(["-g", "-pthread", "-I"]).arg(repository("include"));
    command.arg(repository(source)).arg("-o").arg(&program);
    link(&mut command);
    compiled(command);
    program
}

/// The arguments that link a program with the library in this folder, and let it find it there.
pub fn link_with(command: &mut Command, folder: &Path) {
    let run_path = [OsStr::new("-Wl,-rpath,"), folder.as_os_str()].join(OsStr::new(""));
    command.arg("-L").arg(folder).arg("-lftreview").arg(run_path);
}

/// Runs a compiler; fails with what it says.
pub fn compiled(mut command: Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
}

/// Takes back what cargo sets for the tests: build scripts that watch it would run again, and everything after them.
fn without_cargos_variables(cargo: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || ["OUT_DIR", "LD_LIBRARY_PATH"].contains(&name.as_str())
        {
            cargo.env_remove(name);
        }
    }
}

/// The path of the shared library in cargo's messages.
fn shared_library(messages: &str) -> PathBuf {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == "ftreview")
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .find(|path| path.extension() == Some(OsStr::new("so")))
        .expect("cargo names the shared library that it built")
}

/// Makes a symbolic link, in place of another; safe when several test programs do it at once.
fn link(target: &Path, link: &Path) {
    let new = link.with_extension(format!("{}", std::process::id()));
    let _ = std::fs::remove_file(&new);
    std::os::unix::fs::symlink(target, &new).unwrap();
    std::fs::rename(&new, link).unwrap();
}
