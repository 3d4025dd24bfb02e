//! The official clients and a browser, each against a staging server on which the C program has published.

use std::path::PathBuf;
use std::process::Command;

use crate::api::Api;
use crate::shell::{self, Outcome, root, scratch};
use crate::staging::Staging;
use crate::{artifacts, cc, check, demo, tools};

/// The staging server's account that may only read; its key is public (sandbox/src/config.rs).
const READER: (&str, &str) = ("reader", "reader-api-key-ZmE4MTFjNzItNGE1My0xMWVl");
const REQUIREMENTS: &str = include_str!("../../tests/peers/python/requirements.txt");

/// Fetches the official Python client.
pub fn provide_python() -> Outcome {
    python_environment().map(drop)
}

/// Fetches the official JavaScript client.
pub fn provide_javascript() -> Outcome {
    tools::node_modules("tests/peers/javascript")
}

/// Fetches what drives the browser, and the official client that listens to the page.
pub fn provide_review_page() -> Outcome {
    tools::node_modules("tests/browser")?;
    provide_javascript()
}

/// Fetches both, for the event hub.
pub fn provide_event_hub() -> Outcome {
    provide_python()?;
    provide_javascript()
}

/// Runs the official Python client.
pub fn python() -> Outcome<String> {
    let mut command = shell::program(python_environment()?.join("python"));
    command.args(["-W", "ignore::DeprecationWarning", "-m", "unittest", "discover", "--verbose"]);
    command.args(["--start-directory", "tests/peers/python", "--pattern", "test_peer*.py"]);
    run_python("python-client", &mut command)
}

/// Runs the official clients and this library against each other, over the staging server's event hub; and this library's
/// expressions against the official parser.
pub fn event_hub() -> Outcome<String> {
    let mut command = shell::program(python_environment()?.join("python"));
    command.args(["-W", "ignore::DeprecationWarning", "-m", "unittest", "discover", "--verbose"]);
    command.args(["--start-directory", "tests/peers/python", "--pattern", "test_hub*.py"]);
    command.env("NODE", tools::node()?);
    run_python("event-hub", &mut command)
}

/// Runs the official JavaScript client.
pub fn javascript() -> Outcome<String> {
    let stage = Stage::set("javascript-client")?;
    let mut command = shell::program(tools::node()?);
    command.args(["--test", "--test-reporter=spec", "tests/peers/javascript/peer.mjs"]);
    shell::run(stage.tell(&mut command)).map(|()| String::new())
}

/// Opens the review page in Chromium, with a movie that the C program published, and then several times at once, where
/// what is done in one is seen in the others and heard by the official JavaScript client.
pub fn review_page() -> Outcome<String> {
    let stage = Stage::set("review-page")?;
    let seen = look(&stage, "review-page", None)?;
    let mut command = shell::program(tools::node()?);
    command.args(["tests/browser/live.mjs", "--url", &stage.server.url]);
    command.args(["--reader", READER.0, "--reader-key", READER.1]);
    shell::run(stage.tell(&mut command))?;
    let mut command = shell::program(tools::node()?);
    command.args(["tests/browser/reviews.mjs", "--url", &stage.server.url]);
    shell::run(stage.tell(&mut command))?;
    // At last with the C program that watches: clicks reach it.
    let watch = cc::example("watch", &artifacts::build()?, &scratch("review-page"))?;
    let mut command = shell::program(tools::node()?);
    command.args(["tests/browser/watch.mjs", "--url", &stage.server.url]);
    shell::run(stage.tell(&mut command).env("FTREVIEW_WATCH", watch))?;
    Ok(seen)
}

/// Opens the review page of a server, with a movie that the C program published; `store` is the origin of its object store.
pub fn look(stage: &Stage, name: &str, store: Option<&str>) -> Outcome<String> {
    let movie = &demo::PUBLICATIONS[0];
    demo::publish(&stage.program, &stage.server, movie)?;
    let version = check::check(&Api::new(&stage.server), movie).version.ok_or("The movie was not published.")?;
    let screenshot = scratch(name).join("player.png");
    let mut command = shell::program(tools::node()?);
    command.args(["tests/browser/review_page.mjs", "--url", &stage.server.url, "--version", &version]);
    command.arg("--screenshot").arg(&screenshot);
    if let Some(store) = store {
        command.args(["--store", store]);
    }
    shell::run(stage.tell(&mut command))?;
    Ok(format!("screenshot: {}", screenshot.display()))
}

fn run_python(suite: &str, command: &mut Command) -> Outcome<String> {
    let stage = Stage::set(suite)?;
    // Its own cache of schemas, so that runs do not depend on what the developer did before.
    let cache = scratch(suite).join("schemas");
    shell::emptied(&cache)?;
    shell::run(stage.tell(command).env("FTRACK_API_SCHEMA_CACHE_PATH", cache)).map(|()| String::new())
}

fn python_environment() -> Outcome<PathBuf> {
    tools::python_environment("python-environment", REQUIREMENTS)
}

/// A staging server, and the C program that publishes to it.
pub struct Stage {
    /// The server.
    pub server: Staging,
    /// The compiled `examples/c/publish.c`.
    pub program: PathBuf,
    /// The shared library, for programs that load it.
    pub library: PathBuf,
}

impl Stage {
    fn set(name: &str) -> Outcome<Self> {
        let folder = scratch(name);
        let artifacts = artifacts::build()?;
        let program = cc::example("publish", &artifacts, &folder)?;
        Ok(Self {
            server: Staging::start(&artifacts.server, &folder.join("data"))?,
            program,
            library: artifacts.shared,
        })
    }

    /// Tells a peer where the server, the C program, the library and the media are.
    fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        self.server.address(command);
        command.env("FTREVIEW_PUBLISH", &self.program).env("FTREVIEW_MEDIA", root().join("examples/media"));
        command.env("FTREVIEW_LIBRARY", &self.library)
    }
}
