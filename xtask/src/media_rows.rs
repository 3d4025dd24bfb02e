//! The rows of docs/media.md: each published through the C interface with files that ffmpeg, Blender and OpenEXR made, looked at
//! in Chromium, and read back with the official Python client.

use std::path::Path;

use crate::shell::{self, Outcome, root, scratch};
use crate::staging::Staging;
use crate::{artifacts, cc, tools};

const CLIENT: &str = include_str!("../../tests/peers/rows/requirements.txt");
const BLENDER: &str = include_str!("../../tests/peers/rows/blender.txt");

/// Fetches the official Python client with OpenEXR, and what drives the browser. Blender, which is there for few versions of
/// Python and large, may be missing.
pub fn provide() -> Outcome {
    tools::python_environment("media-rows-environment", CLIENT)?;
    if let Err(message) = tools::python_environment("blender-environment", BLENDER) {
        eprintln!("Blender cannot be installed: {message}");
    }
    tools::node_modules("tests/browser")
}

/// Makes the files, publishes, looks and reads.
pub fn run() -> Outcome<String> {
    let folder = scratch("media-rows");
    let media = folder.join("media");
    shell::emptied(&media)?;
    let not_run = render(&media)?;
    let artifacts = artifacts::build()?;
    let program = cc::program(&root().join("tests/peers/rows/row.c"), &artifacts, &folder)?;
    let server = Staging::start(&artifacts.server, &folder.join("data"))?;
    let cache = folder.join("schemas");
    shell::emptied(&cache)?;
    let client = tools::python_environment("media-rows-environment", CLIENT)?.join("python");
    let python = |script: &str| {
        let mut command = shell::program(&client);
        command.args(["-W", "ignore::DeprecationWarning"]).arg(format!("tests/peers/rows/{script}.py")).arg(&media);
        // It would write what it compiled beside the scripts.
        server.address(&mut command).env("FTREVIEW_ROW", &program).env("PYTHONDONTWRITEBYTECODE", "1");
        shell::run(command.env("FTRACK_API_SCHEMA_CACHE_PATH", &cache))
    };
    // What follows looks at the rows that worked, also where one did not.
    let published = python("rows");
    let rows = media.join("rows.json");
    if !rows.is_file() {
        return published.map(|()| String::new());
    }
    let mut browser = shell::program(tools::node()?);
    browser.args(["tests/browser/rows.mjs", "--url", &server.url, "--rows"]).arg(&rows);
    let seen = shell::run(server.address(&mut browser));
    let read = python("read_back");
    let failures: Vec<String> = [published, seen, read].into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(not_run) } else { Err(failures.join(" ")) }
}

/// Has Blender render frames into the folder; returns what is to be said where it cannot be installed.
fn render(media: &Path) -> Outcome<String> {
    let programs = match tools::python_environment("blender-environment", BLENDER) {
        Ok(programs) => programs,
        Err(message) => return Ok(format!("NOT RUN: the rows of Blender, which cannot be installed: {message}")),
    };
    let mut command = shell::program(programs.join("python"));
    // Blender says much of each frame.
    let log = media.join("blender.log");
    let said = std::fs::File::create(&log).map_err(|error| format!("Cannot write {}: {error}.", log.display()))?;
    command.arg("tests/peers/rows/render.py").arg(media).stdout(said);
    shell::run(&mut command).map(|()| String::new())
}
