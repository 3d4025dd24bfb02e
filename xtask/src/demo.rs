//! `cargo xtask demo`: the whole way once, from a C program to the review page.

use std::fs::File;
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::process::{Child, Command};

use crate::api::Api;
use crate::check::{self, Publication};
use crate::shell::{self, Outcome, root};
use crate::staging::Staging;
use crate::{artifacts, cc};

const CONTEXT: &str = "demo/sq010/sh010/compositing";

/// What is published. Frames, rate and size are what `examples/media/make.sh` made, not what the library found in the
/// files: checking against them checks the library's reading too.
pub const PUBLICATIONS: [Publication; 2] = [
    Publication {
        path: "examples/media/review.mp4",
        thumbnail: Some("examples/media/thumbnail.jpg"),
        context: CONTEXT,
        asset: "sh010 comp",
        comment: "Softer key light",
        status: "Pending Review",
        component: "ftrackreview-mp4",
        ftr_meta: r#"{"frameIn": 0, "frameOut": 95, "frameRate": 24.0, "width": 1280, "height": 720}"#,
    },
    Publication {
        path: "examples/media/still.png",
        thumbnail: None,
        context: CONTEXT,
        asset: "sh010 still",
        comment: "The same frame without grain",
        // Not the one that new versions get by themselves.
        status: "In Progress",
        component: "ftrackreview-image",
        ftr_meta: r#"{"format": "image", "width": 1280, "height": 720}"#,
    },
];

/// Runs the demo. With `--once` it ends after checking what arrived.
pub fn run(arguments: &[&str]) -> Outcome {
    let once = match arguments {
        [] => false,
        ["--once"] => true,
        other => return Err(format!("The demo has no argument \"{}\"; it has --once.", other.join(" "))),
    };
    let folder = shell::scratch("demo");
    let _alone = only_one(&folder)?;
    // Before the long build: whoever has no compiler learns it now.
    cc::compiler()?;

    step("Building the library and the staging server (two to six minutes the first time)");
    let artifacts = artifacts::build()?;
    step("Compiling examples/c/publish.c and examples/c/watch.c");
    let program = cc::example("publish", &artifacts, &folder)?;
    let watch = cc::example("watch", &artifacts, &folder)?;
    let server = Staging::start(&artifacts.server, &folder.join("data"))?;
    step(&format!("A staging ftrack server runs on {}", server.url));
    let found = publish_all(&program, &server)?;
    println!();
    println!("  Review page  {}/", server.url);
    for (what, link) in found {
        println!("  {what:<12} {link}");
    }
    println!(
        "  API          FTRACK_SERVER={} FTRACK_API_USER={} FTRACK_API_KEY={}",
        server.url, server.user, server.key
    );
    if once {
        return Ok(());
    }
    println!("\n  Open the page in a browser. Ctrl-C stops the server.");
    step(
        "\nThe artist's program, examples/c/watch.c: write a note on its version in the page, or approve it, and it prints so",
    );
    let mut artist = start_watch(&watch, &server)?;
    let waited = server.wait();
    // Ctrl-C in the terminal has reached it, too.
    let _ = artist.kill();
    let _ = artist.wait();
    waited?;
    println!("\n  Stopped.");
    Ok(())
}

/// Publishes a version of its own and prints what reviewers do with it, until the demo ends.
fn start_watch(program: &Path, server: &Staging) -> Outcome<Child> {
    let mut command = Command::new(program);
    command.current_dir(root()).args([CONTEXT, "examples/media/review.mp4"]);
    server.address(&mut command).spawn().map_err(|error| format!("Cannot start {}: {error}.", program.display()))
}

/// Publishes and checks everything; returns the pages that show it.
fn publish_all(program: &Path, server: &Staging) -> Outcome<Vec<(String, String)>> {
    for publication in &PUBLICATIONS {
        step(&format!("Publishing {}", publication.path));
        publish(program, server, publication)?;
    }
    step("Checking what arrived");
    let api = Api::new(server);
    let mut links = Vec::new();
    let mut wrong = 0;
    for publication in &PUBLICATIONS {
        let report = check::check(&api, publication);
        report.checks.iter().for_each(|check| println!("  {check}"));
        wrong += report.checks.iter().filter(|check| check.failure.is_some()).count();
        let name = publication.path.rsplit('/').next().unwrap_or(publication.path);
        links.extend(report.version.map(|id| (name.to_owned(), format!("{}/player/version/{id}", server.url))));
    }
    if wrong == 0 { Ok(links) } else { Err(format!("{wrong} checks failed: what arrived is not what was published.")) }
}

/// Publishes one file with the C program, whose output goes to the terminal.
pub fn publish(program: &Path, server: &Staging, publication: &Publication) -> Outcome {
    let mut command = Command::new(program);
    command.current_dir(root());
    command.args(["--context", publication.context, "--asset", publication.asset]);
    command.args(["--comment", publication.comment, "--status", publication.status]);
    command.args(publication.thumbnail.iter().flat_map(|path| ["--thumbnail", path]));
    command.arg(publication.path);
    shell::run(server.address(&mut command))
}

/// Two demos at once would empty each other's folder.
fn only_one(folder: &Path) -> Outcome<File> {
    std::fs::create_dir_all(folder).map_err(|error| format!("Cannot make {}: {error}.", folder.display()))?;
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|error| format!("Cannot write {}: {error}.", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => {
            Err("A demo is already running from this checkout. Stop it with Ctrl-C in its terminal first.".into())
        }
    }
}

fn step(what: &str) {
    if stdout().is_terminal() {
        println!("\x1b[1m{what}\x1b[0m");
    } else {
        println!("{what}");
    }
}
