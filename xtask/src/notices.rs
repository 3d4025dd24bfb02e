//! `THIRD-PARTY.md`: whose code is in the library, and the licences that ask to be passed on with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::shell::{self, Outcome};

/// How the files begin in which crates bring their licences along.
const FILES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "UNLICENSE", "NOTICE"];

/// The text, for the crates that a build for this machine links: neither tests' nor build scripts' nor macros'.
pub fn third_party() -> Outcome<String> {
    let crates = linked()?;
    let metadata = shell::output(shell::cargo().args(["metadata", "--format-version", "1"]))?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata answered no JSON: {error}."))?;
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let packages: Vec<&Value> = packages
        .into_iter()
        .filter(|package| crates.contains(&key(package)) && package["source"].is_string())
        .collect();
    let mut text = String::from(
        "# Third-party code in libftreview\n\nThese crates are in the library, each under its own licence. The texts that they bring along follow the table.\n\n\
         | crate | version | licence | source |\n| --- | --- | --- | --- |\n",
    );
    for package in &packages {
        let [name, version, licence, source] =
            ["name", "version", "license", "repository"].map(|field| package[field].as_str().unwrap_or("not stated"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {name} | {version} | {licence} | {source} |");
    }
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in &packages {
        let folder = Path::new(package["manifest_path"].as_str().unwrap_or_default()).parent();
        for licence in texts(folder.unwrap_or(Path::new("")))? {
            owners.entry(licence).or_default().push(key(package));
        }
    }
    // Most crates share a few texts to the letter.
    for (licence, crates) in owners {
        let _ = write!(text, "\n## {}\n\n~~~text\n{}\n~~~\n", crates.join(", "), licence);
    }
    Ok(text)
}

/// Names and versions of the crates that are linked.
fn linked() -> Outcome<BTreeSet<String>> {
    let arguments = ["tree", "--package", "ftreview", "--edges", "normal,no-proc-macro", "--prefix", "none"];
    let tree = shell::output(shell::cargo().args(arguments).args(["--no-dedupe", "--format", "{p}"]))?;
    let name = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some(format!("{name} {}", rest.split(' ').next()?))
    };
    Ok(tree.lines().filter_map(name).collect())
}

fn key(package: &Value) -> String {
    let [name, version] = ["name", "version"].map(|field| package[field].as_str().unwrap_or_default());
    format!("{name} {version}")
}

/// The licences in a crate's folder.
fn texts(folder: &Path) -> Outcome<Vec<String>> {
    let failed = |error: std::io::Error| format!("Cannot read the licences in {}: {error}.", folder.display());
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_uppercase();
        if path.is_file() && FILES.iter().any(|start| name.starts_with(start)) {
            let text = std::fs::read(&path).map_err(failed)?;
            texts.push(String::from_utf8_lossy(&text).replace('\r', "").trim_end().to_owned());
        }
    }
    Ok(texts)
}
