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

#[test]
fn every_test_that_the_map_of_promises_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = std::fs::read_to_string(root.join("tests/README.md")).unwrap();
    let sources = ["tests", "src"].map(|folder| rust_sources(&root.join(folder))).concat();
    let mut named = 0;
    for name in map.lines().filter_map(|line| line.trim().strip_prefix("- `")?.strip_suffix('`')) {
        // As a function, or as a case of the table in tests/lifecycle.rs.
        let exists = sources.contains(&format!("fn {name}()")) || sources.contains(&format!("{name}: \""));
        assert!(exists, "{name}");
        named += 1;
    }
    assert!(named > 30, "only {named} tests are named");
}

fn rust_sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Packages of the peers are not ours, and there are many.
        if path.is_dir() && !path.ends_with("node_modules") {
            text += &rust_sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &std::fs::read_to_string(&path).unwrap();
        }
    }
    text
}
