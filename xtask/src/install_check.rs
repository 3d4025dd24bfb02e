//! The suite `install`: what a build elsewhere finds in an installed folder that was moved since.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::{self, ABI};
use crate::shell::{self, Outcome, root, scratch};

/// Installs, moves, looks into the libraries, and builds and runs programs against them.
pub fn run() -> Outcome<String> {
    let folder = scratch("install-check");
    shell::emptied(&folder)?;
    let (installed, moved) = (folder.join("installed"), folder.join("moved elsewhere"));
    install::install(&installed, "release")?;
    std::fs::rename(&installed, &moved).map_err(|error| format!("Cannot move {}: {error}.", installed.display()))?;
    let library = moved.join(format!("lib/libftreview.so.{ABI}"));
    only_own_symbols(&library)?;
    loads_as_promised(&library)?;
    names_no_folder_of_this_machine(&[&library, &moved.join("lib/libftreview.a")], &moved)?;
    documents_stand_alone(&moved.join("share/doc/ftreview"))?;
    through_pkg_config(&moved, &folder)?;
    through_cmake(&moved, &folder.join("cmake"))?;
    Ok(String::new())
}

fn only_own_symbols(library: &Path) -> Outcome {
    let names = exports(library)?;
    let foreign: Vec<&String> = names.iter().filter(|name| !name.starts_with("ftr_")).collect();
    if !names.iter().any(|name| name == "ftr_version") {
        return Err(format!("The shared library exports no ftr_version but {names:?}."));
    }
    if !foreign.is_empty() {
        return Err(format!("The shared library exports more than ftr_*: {foreign:?}."));
    }
    println!("exports {} functions, all ftr_*", names.len());
    Ok(())
}

fn exports(library: &Path) -> Outcome<Vec<String>> {
    let symbols = shell::output(shell::program("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library))?;
    Ok(symbols.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

fn loads_as_promised(library: &Path) -> Outcome {
    let entries = shell::output(shell::program("readelf").args(["-d", "-W"]).arg(library))?;
    for wanted in [&format!("[libftreview.so.{ABI}]"), "NODELETE"] {
        if !entries.contains(wanted) {
            return Err(format!("The shared library's dynamic section does not have {wanted}:\n{entries}"));
        }
    }
    println!("soname libftreview.so.{ABI}, NODELETE");
    Ok(())
}

/// Looks for the folders themselves in the libraries' bytes and in the text files, so that nothing can hide from `strings`.
fn names_no_folder_of_this_machine(libraries: &[&Path], prefix: &Path) -> Outcome {
    let mut private: Vec<PathBuf> = install::private_paths()?.into_iter().map(|(path, _)| path).collect();
    private.extend(std::env::home_dir().filter(|home| home.parent().is_some()));
    let texts =
        ["pkgconfig/ftreview.pc", "cmake/ftreview/ftreviewConfig.cmake"].map(|name| prefix.join("lib").join(name));
    for file in libraries.iter().copied().chain(texts.iter().map(PathBuf::as_path)) {
        let bytes = std::fs::read(file).map_err(|error| format!("Cannot read {}: {error}.", file.display()))?;
        for path in &private {
            let needle = format!("{}/", path.display());
            if let Some(place) = find(&bytes, needle.as_bytes()) {
                let end = bytes.len().min(place + 160);
                let found = String::from_utf8_lossy(&bytes[place..end]);
                return Err(format!("{} names a folder of this machine: {found}", file.display()));
            }
        }
    }
    println!("no folder of this machine in the libraries");
    Ok(())
}

/// What is installed leads nowhere in the repository, and says whose code is in the library.
fn documents_stand_alone(folder: &Path) -> Outcome {
    for name in ["README.md", "CHANGELOG.md"] {
        let text = read(&folder.join(name))?;
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.contains("://") && !folder.join(link).exists() {
                return Err(format!("The installed {name} links to {link}, which is not installed."));
            }
        }
    }
    let notices = read(&folder.join("THIRD-PARTY.md"))?;
    // One under each kind of licence, and one that only the tests use.
    for (name, licence) in [("mp4parse", "MPL-2.0"), ("ring", "Apache-2.0 AND ISC"), ("tokio", "MIT")] {
        let is_there =
            |line: &str| line.starts_with(&format!("| {name} | ")) && line.contains(&format!("| {licence} |"));
        if !notices.lines().any(is_there) {
            return Err(format!("The installed THIRD-PARTY.md does not name {name} with its licence {licence}."));
        }
    }
    if notices.contains("| cbindgen |") {
        return Err("The installed THIRD-PARTY.md names cbindgen, which is not in the library.".into());
    }
    println!("documents lead nowhere else, and name the code of others");
    Ok(())
}

fn read(file: &Path) -> Outcome<String> {
    std::fs::read_to_string(file).map_err(|error| format!("Cannot read {}: {error}.", file.display()))
}

fn through_pkg_config(prefix: &Path, folder: &Path) -> Outcome {
    let alone = folder.join("static only");
    static_only(prefix, &alone)?;
    for (language, compiler) in [("c", "cc"), ("cpp", "c++")] {
        let program = folder.join(format!("shared-{language}"));
        build(compiler, language, &program, &pkg_config(prefix, &["--cflags", "--libs"])?)?;
        says_version(Command::new(&program).env("LD_LIBRARY_PATH", prefix.join("lib")))?;
        let program = folder.join(format!("static-{language}"));
        build(compiler, language, &program, &pkg_config(&alone, &["--cflags", "--libs", "--static"])?)?;
        says_version(&mut Command::new(&program))?;
    }
    println!("builds through pkg-config, shared and static, C and C++");
    Ok(())
}

/// The linker takes the shared library where it has the choice, so the static one is offered alone.
fn static_only(prefix: &Path, alone: &Path) -> Outcome {
    shell::run(shell::program("cp").arg("-R").arg(prefix).arg(alone))?;
    let libraries = std::fs::read_dir(alone.join("lib")).map_err(|error| format!("Cannot read the copy: {error}."))?;
    for file in libraries.flatten().filter(|file| file.file_name().to_string_lossy().contains(".so")) {
        std::fs::remove_file(file.path()).map_err(|error| format!("Cannot remove {:?}: {error}.", file.path()))?;
    }
    Ok(())
}

fn pkg_config(prefix: &Path, arguments: &[&str]) -> Outcome<Vec<String>> {
    let mut command = shell::program("pkg-config");
    let answer =
        shell::output(command.args(arguments).arg("ftreview").env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")))?;
    Ok(split_escaped(&answer))
}

fn build(compiler: &str, language: &str, program: &Path, flags: &[String]) -> Outcome {
    let mut command = shell::program(compiler);
    command.arg(format!("tests/install/version.{language}")).args(["-Wall", "-Wextra", "-Werror", "-o"]);
    shell::run(command.arg(program).args(flags))
}

fn through_cmake(prefix: &Path, build: &Path) -> Outcome {
    let mut configure = shell::program("cmake");
    configure.arg("-S").arg(root().join("tests/install")).arg("-B").arg(build);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    configure.arg(format!("-DFTREVIEW_VERSION={}", env!("CARGO_PKG_VERSION")));
    shell::output(&mut configure)?;
    shell::output(shell::program("cmake").arg("--build").arg(build))?;
    for program in ["c_ftreview", "cpp_ftreview", "c_static", "cpp_static"] {
        says_version(&mut Command::new(build.join(program)))?;
    }
    contains_the_library_as_promised(&build.join("libplugin.so"))?;
    println!("builds through find_package, shared, static and as a plug-in, C and C++");
    Ok(())
}

/// The plug-in exports its own functions only, and stays in memory.
fn contains_the_library_as_promised(plugin: &Path) -> Outcome {
    let exports = exports(plugin)?;
    if exports != ["main"] {
        return Err(format!("A plug-in with the static library exports {exports:?}, not only its own main."));
    }
    let entries = shell::output(shell::program("readelf").args(["-d", "-W"]).arg(plugin))?;
    if entries.contains("NODELETE") {
        Ok(())
    } else {
        Err(format!("A plug-in with the static library can be unloaded:\n{entries}"))
    }
}

fn says_version(command: &mut Command) -> Outcome {
    let said = shell::output(command)?;
    if said.trim() == env!("CARGO_PKG_VERSION") {
        Ok(())
    } else {
        Err(format!("{} says it has version {said:?}.", command.get_program().display()))
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// Splits words as a shell would, as far as pkg-config's answers go: a backslash keeps the space after it.
fn split_escaped(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut letters = text.trim().chars();
    while let Some(letter) = letters.next() {
        match (letter, words.last_mut()) {
            (' ', _) => words.push(String::new()),
            ('\\', Some(word)) => word.extend(letters.next()),
            (_, Some(word)) => word.push(letter),
            (_, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
