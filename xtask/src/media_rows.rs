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
    // run() tries again, and says so.
    let _ = tools::python_environment("blender-environment", BLENDER);
    tools::node_modules("tests/browser")
}

/// Makes the files, publishes, looks and reads.
pub fn run() -> Outcome<String> {
    let folder = scratch("media-rows");
    let media = folder.join("media");
    shell::emptied(&media)?;
    render(&media)?;
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
    // The summary names what was not run.
    let not_run = std::fs::read_to_string(media.join("not-run.txt")).unwrap_or_default();
    if failures.is_empty() { Ok(not_run) } else { Err(failures.join(" ")) }
}

/// Has Blender render frames into the folder; where it cannot be installed there are none, which `rows.py` says.
fn render(media: &Path) -> Outcome {
    let programs = match tools::python_environment("blender-environment", BLENDER) {
        Ok(programs) => programs,
        Err(message) => {
            eprintln!("Blender cannot be installed: {message}");
            return Ok(());
        }
    };
    let mut command = shell::program(programs.join("python"));
    // Blender says much of each frame.
    let log = media.join("blender.log");
    let said = std::fs::File::create(&log).map_err(|error| format!("Cannot write {}: {error}.", log.display()))?;
    shell::run(command.arg("tests/peers/rows/render.py").arg(media).stdout(said))
}
