//! The host, tests/sweep/host.c, in a process of its own, and what it said.

use super::film::{Source, thumbnail};
use super::support::build::{STRICT, compiled, library, program, program_alone};
use super::support::repository;
use super::support::run::{Ended, command, finish};
use super::support::server::environment;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What a host is started with.
#[derive(Clone, Debug)]
pub struct Host {
    pub url: String,
    pub film: &'static Source,
    /// The same in every process; or each publish is one of its own.
    pub key: Option<String>,
    pub journal: Option<PathBuf>,
    pub outbox: Option<PathBuf>,
    /// For one API request; 0 is the library's own.
    pub timeout_ms: u32,
}

/// What a host said until its end.
#[derive(Debug)]
pub struct Said {
    pub lines: Vec<String>,
    killed: bool,
    account: String,
}

/// What the job's end was.
#[derive(Debug, PartialEq, Eq)]
pub enum End<'a> {
    Done,
    /// Kept for later: the rest of the line, as below.
    Parked(&'a str),
    /// The rest of the line: code, class, whether it may be tried again, stage, message.
    Failed(&'a str),
    Other(&'a str),
}

/// Where the shim is to end the process, and where it writes what was done.
#[derive(Clone, Debug)]
pub struct Shim {
    pub folder: PathBuf,
    pub log: PathBuf,
    pub point: Option<String>,
}

impl Host {
    /// Publishes the film, and waits for the end of the process. `started` is told its id.
    pub fn publish(&self, shim: Option<&Shim>, started: impl FnOnce(u32)) -> Said {
        Self::run(self.publishing("publish"), shim, started)
    }

    /// Publishes the film, and ends as it is told, when there is a file `signal`.
    pub fn leave(&self, signal: &Path, how: &str) -> Said {
        let mut command = self.publishing("leave");
        command.arg(signal).arg(how);
        Self::run(command, None, |_| ())
    }

    /// Publishes the film, and ends when it is published, in however many tries.
    pub fn stay(&self) -> Said {
        Self::run(self.publishing("stay"), None, |_| ())
    }

    /// Does the same as `leave`, with the library loaded and unloaded by hand.
    pub fn unload(&self, signal: &Path) -> Said {
        let mut command = command(unloader());
        environment(&mut command, &self.url);
        command
            .arg(&library().file)
            .arg(self.outbox.as_ref().unwrap())
            .arg(&self.film.path)
            .arg(&thumbnail().path)
            .arg(signal);
        Self::run(command, None, |_| ())
    }

    fn publishing(&self, word: &str) -> Command {
        let mut command = self.command(word);
        command.arg(&self.film.path).arg(&thumbnail().path).arg(self.key.as_deref().unwrap_or("-"));
        command
    }

    /// Waits until one job has ended that was found in the outbox.
    pub fn resume(&self, started: impl FnOnce(u32)) -> Said {
        Self::run(self.command("resume"), None, started)
    }

    /// Waits until nothing is in the outbox any more, and for the end of the process.
    pub fn drain(&self, shim: Option<&Shim>, started: impl FnOnce(u32)) -> Said {
        Self::run(self.command("drain"), shim, started)
    }

    fn command(&self, word: &str) -> Command {
        let mut command = command(host());
        environment(&mut command, &self.url);
        let path = |path: &Option<PathBuf>| path.clone().unwrap_or_else(|| "-".into());
        command.arg(word).arg(path(&self.journal)).arg(path(&self.outbox)).arg(self.timeout_ms.to_string());
        command
    }

    fn run(mut command: Command, shim: Option<&Shim>, started: impl FnOnce(u32)) -> Said {
        if let Some(shim) = shim {
            shim.preload(&mut command);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        started(child.id());
        Said::of(finish(child))
    }
}

impl Shim {
    fn preload(&self, command: &mut Command) {
        command.env("LD_PRELOAD", shim()).env("SWEEP_FOLDER", &self.folder).env("SWEEP_LOG", &self.log);
        if let Some(point) = &self.point {
            command.env("SWEEP_POINT", point);
        }
    }

    /// The operations so far, in their order: what, and of which path.
    pub fn operations(&self) -> Vec<String> {
        std::fs::read_to_string(&self.log).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

impl Said {
    fn of(ended: Ended) -> Said {
        Said {
            lines: ended.out.lines().map(str::to_owned).collect(),
            killed: ended.status.signal() == Some(libc::SIGKILL),
            account: ended.account(),
        }
    }

    pub fn was_killed(&self) -> bool {
        self.killed
    }

    /// Whether the host had been told that its publish is accepted.
    pub fn said(&self, word: &str) -> bool {
        self.lines.iter().any(|line| line.split(' ').next() == Some(word))
    }

    /// How many jobs ended.
    pub fn ends(&self) -> usize {
        self.lines.iter().filter(|line| line.starts_with("ended ")).count()
    }

    /// The one end of the one job of a host that ran to its own end.
    pub fn end(&self) -> Result<End<'_>, String> {
        let ends: Vec<&str> = self.lines.iter().filter_map(|line| line.strip_prefix("ended ")).collect();
        if self.killed || !self.said("freed") || self.said("error") {
            return Err(format!("the host did not come to its end; {}", self.account));
        }
        match ends[..] {
            ["1"] => Ok(End::Done),
            [end] => Ok(match end.split_once(' ') {
                Some(("2", why)) => End::Failed(why),
                Some(("4", why)) => End::Parked(why),
                _ => End::Other(end),
            }),
            _ => Err(format!("the job ended {} times; {}", ends.len(), self.account)),
        }
    }

    /// All of it, for the message of a failure.
    pub fn account(&self) -> &str {
        &self.account
    }
}

fn host() -> &'static Path {
    static HOST: OnceLock<PathBuf> = OnceLock::new();
    HOST.get_or_init(|| program("tests/sweep/host.c", "sweep-host"))
}

fn unloader() -> &'static Path {
    static UNLOADER: OnceLock<PathBuf> = OnceLock::new();
    UNLOADER.get_or_init(|| program_alone("tests/sweep/unload.c", "sweep-unload"))
}

fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        // Not there yet: the host's folder is made with the host.
        let path = host().with_file_name("sweep-shim.so");
        let mut command = Command::new("gcc");
        command.args(STRICT).args(["-D_LARGEFILE64_SOURCE", "-pthread", "-shared", "-fPIC"]);
        command.arg(repository("tests/sweep/shim.c")).arg("-o").arg(&path).arg("-ldl");
        compiled(command);
        path
    })
}
