//! `cargo xtask install`: lays out the library for other builds, so that the folder can be copied anywhere.
//!
//! ```text
//! include/ftreview.h                    and the other headers
//! lib/libftreview.so.1.<version>        with the links libftreview.so.1 and libftreview.so
//! lib/libftreview.a
//! lib/pkgconfig/ftreview.pc
//! lib/cmake/ftreview/                   find_package(ftreview)
//! share/doc/ftreview/                   licences, where to begin, examples, third-party notices
//! ```

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::shell::{self, Outcome, root, scratch};
use crate::{artifacts, notices};

/// The ABI's version in the soname, which `build.rs` gives to the linker; the suite `install` compares the two.
pub const ABI: &str = "1";

/// What a plug-in that contains the static library is linked with, as `build.rs` links the shared one: the plug-in exports
/// nothing of it, which another plug-in's copy could be mixed up with, and stays in memory, since a thread of the library
/// may be running when the host unloads it.
const STATIC_LINK_OPTIONS: &[&str] =
    if cfg!(target_os = "linux") { &["-Wl,--exclude-libs,libftreview.a", "-Wl,-z,nodelete"] } else { &[] };

/// A build of the library with nothing of this machine in it.
struct Build {
    shared: PathBuf,
    archive: PathBuf,
    /// What the static library needs of the system, as linker arguments.
    system_libraries: String,
}

/// Builds and installs as the arguments say.
pub fn run(arguments: &[&str]) -> Outcome {
    let mut prefix = scratch("install").join("ftreview");
    let mut profile = "release";
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("\"{option}\" needs a value, or is unknown."))?;
        match *option {
            // Where the person stands, not where the repository is.
            "--prefix" => {
                prefix = std::path::absolute(value).map_err(|error| format!("--prefix {value:?}: {error}."))?
            }
            "--profile" if matches!(*value, "release" | "dist") => profile = value,
            "--profile" => {
                return Err(format!("There is no profile \"{value}\" to install; there are release and dist."));
            }
            other => return Err(format!("Install has no option \"{other}\"; it has --prefix DIR and --profile NAME.")),
        }
    }
    println!("Building ({profile}), several minutes the first time");
    install(&prefix, profile)?;
    println!("Installed in {}", prefix.display());
    println!("pkg-config   PKG_CONFIG_PATH={}", prefix.join("lib/pkgconfig").display());
    println!("CMake        -DCMAKE_PREFIX_PATH={}", prefix.display());
    Ok(())
}

/// Builds with a profile and lays everything out below `prefix`.
pub fn install(prefix: &Path, profile: &str) -> Outcome {
    let build = build(profile)?;
    lay_out(prefix, &build)
}

/// The folders of this machine that must not be in what is given away, each with what stands there instead.
/// Where one is inside another, the inner one comes later, since the compiler takes the last that matches.
pub fn private_paths() -> Outcome<Vec<(PathBuf, &'static str)>> {
    let sysroot = shell::output(shell::program("rustc").args(["--print", "sysroot"]))?;
    let mut paths = vec![(root(), "ftreview"), (scratch("install"), "ftreview/target")];
    paths.push((PathBuf::from(sysroot.trim()), "rust"));
    let registry = cargo_home()?.join("registry/src");
    paths.push((registry.clone(), "registry"));
    // One folder for each registry, with its address in the name.
    let folders = std::fs::read_dir(&registry).into_iter().flatten().flatten();
    paths.extend(folders.map(|folder| (folder.path(), "registry")));
    Ok(paths)
}

fn build(profile: &str) -> Outcome<Build> {
    // Its own target folder: with other flags, an ordinary build would start from nothing each time.
    let target = scratch("install").join("build");
    let libraries = target.join(format!("system-libraries-{profile}.txt"));
    std::fs::create_dir_all(&target).map_err(|error| format!("Cannot make {}: {error}.", target.display()))?;
    let mut command = shell::cargo();
    command.args(["rustc", "-p", "ftreview", "--lib", "--profile", profile, "--target-dir"]).arg(&target);
    // Rust code is told by flag; C code inside crates by the variable that the crate cc reads.
    let mut c_flags = std::env::var("CFLAGS").unwrap_or_default();
    let mut rust_flags = inherited_flags();
    for (path, name) in private_paths()? {
        rust_flags.push(format!("--remap-path-prefix={}={name}", path.display()));
        c_flags.push_str(&format!(" -ffile-prefix-map={}={name}", path.display()));
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", rust_flags.join("\x1f")).env("CFLAGS", c_flags);
    let files = artifacts::build_with(&mut command, &print_libraries(&libraries))?;
    let system_libraries = std::fs::read_to_string(&libraries)
        .map_err(|error| format!("The compiler did not write {}: {error}.", libraries.display()))?;
    Ok(Build {
        shared: artifacts::find(&files, "libftreview", &["so", "dylib"])?,
        archive: artifacts::find(&files, "libftreview", &["a"])?,
        system_libraries: system_libraries.trim().to_owned(),
    })
}

/// Lets the compiler write down what the static library needs, when it links it.
fn print_libraries(file: &Path) -> [OsString; 2] {
    let mut print = OsString::from("--print=native-static-libs=");
    print.push(file);
    ["--".into(), print]
}

/// Flags that the person set, which `CARGO_ENCODED_RUSTFLAGS` would otherwise hide.
fn inherited_flags() -> Vec<String> {
    match std::env::var("CARGO_ENCODED_RUSTFLAGS") {
        Ok(flags) => flags.split('\x1f').filter(|flag| !flag.is_empty()).map(str::to_owned).collect(),
        Err(_) => std::env::var("RUSTFLAGS").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
    }
}

fn cargo_home() -> Outcome<PathBuf> {
    let chosen = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || std::env::home_dir().map(|home| home.join(".cargo"));
    chosen.or_else(usual).ok_or_else(|| "Cannot find cargo's home folder. Set CARGO_HOME.".into())
}

fn lay_out(prefix: &Path, build: &Build) -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    let (file, soname, name) = if cfg!(target_os = "macos") {
        (format!("libftreview.{ABI}.{version}.dylib"), format!("libftreview.{ABI}.dylib"), "libftreview.dylib")
    } else {
        (format!("libftreview.so.{ABI}.{version}"), format!("libftreview.so.{ABI}"), "libftreview.so")
    };
    let lib = prefix.join("lib");
    copy(&build.shared, &lib.join(&file))?;
    link(&file, &lib.join(&soname))?;
    link(&soname, &lib.join(name))?;
    copy(&build.archive, &lib.join("libftreview.a"))?;
    for header in listed("include", &["h", "hpp"])? {
        copy(&header, &prefix.join("include").join(header.file_name().unwrap_or_default()))?;
    }
    let values = [
        ("@VERSION@", version.to_owned()),
        ("@SHARED_FILE@", file),
        ("@SONAME@", soname),
        ("@SYSTEM_LIBRARIES@", build.system_libraries.clone()),
        ("@SYSTEM_LIBRARIES_LIST@", build.system_libraries.replace(' ', ";")),
        ("@STATIC_LINK_OPTIONS@", STATIC_LINK_OPTIONS.join(" ")),
        ("@STATIC_LINK_OPTIONS_LIST@", STATIC_LINK_OPTIONS.join(";")),
        ("@POINTER_BYTES@", size_of::<usize>().to_string()),
    ];
    for (template, place) in [
        ("ftreview.pc.in", "pkgconfig/ftreview.pc"),
        ("ftreviewConfig.cmake.in", "cmake/ftreview/ftreviewConfig.cmake"),
        ("ftreviewConfigVersion.cmake.in", "cmake/ftreview/ftreviewConfigVersion.cmake"),
    ] {
        fill(&root().join("include").join(template), &lib.join(place), &values)?;
    }
    documents(&prefix.join("share/doc/ftreview"), &values)
}

/// The repository's own readme is about the repository; who has the library alone gets a shorter one.
fn documents(folder: &Path, values: &[(&str, String)]) -> Outcome {
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "CHANGELOG.md"] {
        copy(&root().join(name), &folder.join(name))?;
    }
    fill(&root().join("include/README.md.in"), &folder.join("README.md"), values)?;
    let notices = folder.join("THIRD-PARTY.md");
    std::fs::write(&notices, notices::third_party()?)
        .map_err(|error| format!("Cannot write {}: {error}.", notices.display()))?;
    for example in listed("examples/c", &["c", "h"])? {
        copy(&example, &folder.join("examples/c").join(example.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// The files of a folder of the repository that have one of these extensions.
fn listed(folder: &str, extensions: &[&str]) -> Outcome<Vec<PathBuf>> {
    let entries = std::fs::read_dir(root().join(folder)).map_err(|error| format!("Cannot read {folder}: {error}."))?;
    let is_wanted = |path: &PathBuf| path.extension().is_some_and(|found| extensions.iter().any(|e| found == *e));
    Ok(entries.flatten().map(|entry| entry.path()).filter(is_wanted).collect())
}

/// Copies beside the target and renames: a program that uses the old library keeps it whole.
fn copy(from: &Path, to: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("Cannot write {}: {error}.", to.display());
    std::fs::create_dir_all(to.parent().unwrap_or(to)).map_err(failed)?;
    let beside = to.with_added_extension("new");
    std::fs::copy(from, &beside).map_err(failed)?;
    std::fs::rename(&beside, to).map_err(failed)
}

fn link(target: &str, link: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("Cannot make the link {}: {error}.", link.display());
    let beside = link.with_added_extension("new");
    // Left behind by an install that was interrupted, or, usually, not there.
    let _ = std::fs::remove_file(&beside);
    symlink(target, &beside).map_err(failed)?;
    std::fs::rename(&beside, link).map_err(failed)
}

fn fill(template: &Path, to: &Path, values: &[(&str, String)]) -> Outcome {
    let failed = |error: std::io::Error| format!("Cannot make {} of {}: {error}.", to.display(), template.display());
    let text = std::fs::read_to_string(template).map_err(failed)?;
    let filled = values.iter().fold(text, |text, (name, value)| text.replace(name, value));
    std::fs::create_dir_all(to.parent().unwrap_or(to)).map_err(failed)?;
    std::fs::write(to, filled).map_err(failed)
}
