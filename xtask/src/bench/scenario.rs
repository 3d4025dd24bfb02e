//! What is sent over which line, and the runs: each sender in turn, so that a machine that becomes slower does so for all.

use std::path::{Path, PathBuf};

use super::Options;
use super::contestants::*;
use super::measure::{self, Run};
use super::sink::Sink;
use crate::shell::{self, Outcome, scratch};

/// One comparison.
pub struct Scenario {
    /// For the command line and the goals.
    pub name: &'static str,
    /// For people, after what is sent.
    line: &'static str,
    /// How the sink behaves.
    sink: &'static [&'static str],
    tls: bool,
    file: File,
    senders: &'static [&'static Sender],
    /// Once is enough, with a look at the memory meanwhile.
    sampled: bool,
    /// Whether it is part of the smoke test.
    pub smoke: bool,
}

#[derive(Clone, Copy)]
enum File {
    Large,
    Half,
    Tenth,
    Sparse,
    Small,
}

/// All of them. The one that fills the page cache with zeros comes last.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "plain",
        line: "over plain HTTP",
        sink: &[],
        tls: false,
        file: File::Large,
        senders: &[&ENGINE, &ENGINE_VERIFIED, &RAW, &RAW_VERIFIED, &CURL, &S5CMD_SENDER, &PYTHON],
        sampled: false,
        smoke: true,
    },
    Scenario {
        name: "tls",
        line: "over TLS",
        sink: &[],
        tls: true,
        file: File::Large,
        senders: &[&ENGINE, &ENGINE_VERIFIED, &RAW, &RAW_VERIFIED, &CURL, &S5CMD_SENDER],
        sampled: false,
        smoke: true,
    },
    Scenario {
        name: "line",
        line: "at 40 ms and 20 MB/s a connection",
        sink: &["--latency-ms", "40", "--rate-per-connection", "20MB"],
        tls: false,
        file: File::Half,
        senders: &[&ENGINE_VERIFIED, &ENGINE_SIX, &RAW_VERIFIED, &S5CMD_SENDER, &CURL_ONCE],
        sampled: false,
        smoke: false,
    },
    Scenario {
        name: "small",
        line: "over plain HTTP, six at once",
        sink: &[],
        tls: false,
        file: File::Small,
        senders: &[&ENGINE, &ENGINE_VERIFIED, &RAW, &RAW_VERIFIED, &CURL, &S5CMD_SENDER, &PYTHON],
        sampled: false,
        smoke: true,
    },
    Scenario {
        name: "memory-100MiB",
        line: "over plain HTTP",
        sink: &[],
        tls: false,
        file: File::Tenth,
        senders: &[&ENGINE_VERIFIED],
        sampled: false,
        smoke: false,
    },
    Scenario {
        name: "memory-20GiB",
        line: "of a sparse file over plain HTTP, once",
        sink: &[],
        tls: false,
        file: File::Sparse,
        senders: &[&ENGINE_VERIFIED],
        sampled: true,
        smoke: false,
    },
];

/// The files to send.
pub struct Files {
    folder: PathBuf,
    large: u64,
    small: u32,
}

const SMALL_SIZE: u64 = 200 << 10;
const MIB: u64 = 1 << 20;

impl Files {
    /// Makes them where they are not there yet, and reads them once: what is measured is not the disk.
    pub fn make(programs: &Programs, options: &Options) -> Outcome<Self> {
        let folder = scratch(if options.smoke { "bench-smoke" } else { "bench" });
        let small = if options.smoke { 12 } else { 200 };
        let make = |name: &str, more: &[String]| {
            let mut command = shell::program(&programs.bench);
            shell::run(command.arg("files").arg(folder.join(name)).args(more))
        };
        let file = |name: &str, size: u64| [String::from("--file"), format!("{name}={size}")];
        let mut real = file("large", options.size).to_vec();
        if !options.smoke {
            real.extend(file("half", 512 * MIB).into_iter().chain(file("tenth", 100 * MIB)));
            make("sparse", &[&file("sparse", 20 << 30)[..], &["--sparse".into()]].concat())?;
        }
        make("small", &["--count".into(), small.to_string(), "--each".into(), SMALL_SIZE.to_string()])?;
        make("data", &real)?;
        Ok(Self { folder, large: options.size, small })
    }

    /// Where it is, how many files it has, and their bytes.
    fn of(&self, file: File) -> (PathBuf, u32, u64) {
        match file {
            File::Large => (self.folder.join("data/large"), 1, self.large),
            File::Half => (self.folder.join("data/half"), 1, 512 * MIB),
            File::Tenth => (self.folder.join("data/tenth"), 1, 100 * MIB),
            File::Sparse => (self.folder.join("sparse/sparse"), 1, 20 << 30),
            File::Small => (self.folder.join("small"), self.small, u64::from(self.small) * SMALL_SIZE),
        }
    }
}

/// What the runs of a scenario showed.
pub struct Measured {
    pub scenario: &'static Scenario,
    /// What was sent over which line.
    pub title: String,
    pub bytes: u64,
    pub files: u32,
    pub senders: Vec<SenderRuns>,
    /// What senders failed with; they are out from then on.
    pub failures: Vec<String>,
}

/// One sender's runs.
pub struct SenderRuns {
    pub name: &'static str,
    pub runs: Vec<Run>,
    /// The most connections that a run made.
    pub connections: u64,
    /// Why it is out.
    failure: Option<String>,
}

impl Scenario {
    /// What is sent over which line.
    pub fn title(&self, files: &Files) -> String {
        let (_, count, bytes) = files.of(self.file);
        let what = match (count, bytes >> 30) {
            (1, 0) => format!("{} MiB", bytes >> 20),
            (1, gib) if bytes % (1 << 30) == 0 => format!("{gib} GiB"),
            (1, _) => format!("{} MiB", bytes >> 20),
            (count, _) => format!("{count} files of {} KiB", SMALL_SIZE >> 10),
        };
        format!("{what} {}", self.line)
    }
}

impl SenderRuns {
    fn of(sender: &Sender) -> Self {
        Self { name: sender.name, runs: Vec::new(), connections: 0, failure: None }
    }

    /// One figure of each run.
    pub fn figures(&self, figure: impl Fn(&Run) -> f64) -> Vec<f64> {
        self.runs.iter().map(figure).collect()
    }
}

/// Runs all senders that are there in turn: once without counting, then as often as asked for.
pub fn run(scenario: &'static Scenario, programs: &Programs, files: &Files, options: &Options) -> Outcome<Measured> {
    let folder = scratch("bench-run");
    std::fs::create_dir_all(&folder).map_err(|error| format!("Cannot make {}: {error}.", folder.display()))?;
    let sink = Sink::start(&programs.bench, scenario.sink, scenario.tls, &folder)?;
    let (path, count, bytes) = files.of(scenario.file);
    let staged = scenario.senders.iter().any(|sender| sender.name == PYTHON.name);
    let staging = if staged { programs.staging(&sink)? } else { None };
    let load = Load { sink: &sink, staging: staging.as_ref(), path: &path, files: count };
    let there = |sender: &&&Sender| {
        let wanted =
            !options.smoke || [ENGINE.name, ENGINE_VERIFIED.name, RAW_VERIFIED.name, CURL.name].contains(&sender.name);
        wanted && (sender.command)(programs, &load).is_some()
    };
    let senders: Vec<&Sender> = scenario.senders.iter().filter(there).copied().collect();
    let mut measured: Vec<SenderRuns> = senders.iter().map(|sender| SenderRuns::of(sender)).collect();
    let (warm_up, runs) = if scenario.sampled || options.smoke { (0, 1) } else { (1, options.runs) };
    for round in 0..warm_up + runs {
        for (sender, results) in senders.iter().zip(&mut measured) {
            // Who runs once does so in the first round that counts.
            if results.failure.is_some() || (sender.once && round != warm_up) {
                continue;
            }
            match one_run(sender, programs, &load, bytes, scenario.sampled, &folder) {
                Ok((run, connections)) if round >= warm_up => {
                    results.connections = results.connections.max(connections);
                    results.runs.push(run);
                }
                Ok(_) => {}
                Err(error) if options.smoke => return Err(error),
                Err(error) => {
                    println!("  {error}");
                    results.failure = Some(error);
                }
            }
        }
    }
    let told = |runs: &SenderRuns| Some(format!("{}: {}", runs.name, runs.failure.as_ref()?));
    let failures = measured.iter().filter_map(told).collect();
    measured.retain(|runs| runs.failure.is_none() && !runs.runs.is_empty());
    Ok(Measured { scenario, title: scenario.title(files), bytes, files: count, senders: measured, failures })
}

/// One run, and the connections it made.
fn one_run(
    sender: &Sender,
    programs: &Programs,
    load: &Load,
    bytes: u64,
    sampled: bool,
    folder: &Path,
) -> Outcome<(Run, u64)> {
    let mut command = (sender.command)(programs, load).ok_or("It is not there any more.")?;
    let before = load.sink.counters()?;
    let mut run = measure::run(&mut command, folder, sampled)?;
    let after = load.sink.counters()?;
    let arrived = after.bytes - before.bytes;
    if arrived < bytes {
        return Err(format!("Of the {bytes} bytes that {} should send, {arrived} arrived.", sender.name));
    }
    if let Some(told) = run.report["seconds"].as_f64().filter(|_| sender.tells_time) {
        run.seconds = told;
    }
    Ok((run, after.connections - before.connections))
}
