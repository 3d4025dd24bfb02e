//! Compiling the C examples against a build of the library.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::artifacts::Artifacts;
use crate::shell::{self, Outcome, root};

const NO_COMPILER: &str = "There is no C compiler. Install one (Debian and Ubuntu: apt install gcc libc6-dev; Fedora: \
                           dnf install gcc; macOS: xcode-select --install), or name yours in CC.";

/// The C compiler and the arguments that go first: `$CC`, or else cc.
pub fn compiler() -> Outcome<Vec<String>> {
    let chosen = std::env::var("CC").unwrap_or_default();
    let mut words: Vec<String> = chosen.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        words.push("cc".into());
    }
    let Some(first) = words.first() else { return Err(NO_COMPILER.into()) };
    if shell::succeeds(shell::program(first).arg("--version")) {
        Ok(words)
    } else if chosen.is_empty() {
        Err(NO_COMPILER.into())
    } else {
        Err(format!("The C compiler named in CC, {chosen:?}, cannot be run. Correct CC, or unset it to use cc."))
    }
}

/// Compiles one example into `folder`, linked with the shared library; returns the program.
pub fn example(name: &str, artifacts: &Artifacts, folder: &Path) -> Outcome<PathBuf> {
    program(&root().join(format!("examples/c/{name}.c")), artifacts, folder)
}

/// Compiles one file into `folder`, linked with the shared library; returns the program.
pub fn program(source: &Path, artifacts: &Artifacts, folder: &Path) -> Outcome<PathBuf> {
    let libraries = folder.join("lib");
    offer(&artifacts.shared, &libraries)?;
    let program = folder.join(source.file_stem().unwrap_or_default());
    let words = compiler()?;
    let mut command = shell::program(&words[0]);
    command.args(&words[1..]).args(["-g", "-O1", "-Wall", "-Wextra"]);
    command.arg("-I").arg(root().join("include")).arg(source);
    command.arg("-o").arg(&program).arg("-L").arg(&libraries).arg("-lftreview");
    command.arg(format!("-Wl,-rpath,{}", libraries.display()));
    shell::run(&mut command)?;
    Ok(program)
}

/// Puts the shared library where linkers and loaders look for it: under its own name, and under the name it is loaded
/// by, which cargo does not make.
fn offer(shared: &Path, folder: &Path) -> Outcome {
    shell::emptied(folder)?;
    let names = if cfg!(target_os = "macos") {
        ["libftreview.dylib", "libftreview.1.dylib"]
    } else {
        ["libftreview.so", "libftreview.so.1"]
    };
    for name in names {
        let link = folder.join(name);
        symlink(shared, &link).map_err(|error| format!("Cannot make the link {}: {error}.", link.display()))?;
    }
    Ok(())
}
