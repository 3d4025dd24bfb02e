//! What the tests that drive the library from C share: the built library, compilers, programs with a time limit, servers.

#![allow(dead_code)] // each test program uses its part of this
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's failure is a panic

pub mod build;
pub mod reviewer;
pub mod run;
pub mod server;

use std::path::{Path, PathBuf};

/// A path inside the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// One of the movies and stills kept for tests.
pub fn sample(name: &str) -> PathBuf {
    repository("tests/data/media").join(name)
}

/// The text of include/ftreview.h.
pub fn header() -> String {
    std::fs::read_to_string(repository("include/ftreview.h")).unwrap()
}

/// The names of the functions that the header declares, sorted.
pub fn exports() -> Vec<String> {
    let text = header();
    let name = |declaration: &str| {
        let before = declaration.split('(').next()?;
        before.rsplit([' ', '*']).next().map(str::to_owned)
    };
    let mut names: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix("FTR_API ")).filter_map(name).collect();
    names.sort();
    assert!(names.len() > 20 && names.iter().all(|name| name.starts_with("ftr_")), "{names:?}");
    names
}

/// Whether a program that a test needs is there. Without it the test is skipped, which is said; where CI is set it fails.
pub fn is_there(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()) {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{tool} is not installed, and CI is set: install it");
    eprintln!("SKIPPED: {tool} is not installed");
    false
}
