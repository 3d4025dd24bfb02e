//! The README shows programs that are compiled and run by other tests, and nothing else.
#![allow(clippy::unwrap_used, clippy::panic)] // tests fail by panicking

use std::path::Path;

#[test]
fn the_program_in_the_readme_is_the_example_that_is_compiled() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let example = std::fs::read_to_string(root.join("examples/c/minimal.c")).unwrap();
    assert!(example.lines().count() < 60, "the smallest program has {} lines", example.lines().count());
    let shown = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(shown.trim() == example.trim(), "copy examples/c/minimal.c into README.md");
}

#[test]
fn every_file_that_the_readme_links_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(link.starts_with("https://") || root.join(link).exists(), "{link}");
    }
}
