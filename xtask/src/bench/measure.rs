//! A process, measured by the system's own accounting.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::shell::{self, Outcome};

/// What one run took.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// From start to end, or what the program says its own work took.
    pub seconds: f64,
    /// In the program and in the system for it.
    pub cpu_seconds: f64,
    /// The most that was resident.
    pub peak_kib: u64,
    /// Given to the disk to write.
    pub written_bytes: u64,
    /// What the program printed as JSON, if it did.
    pub report: Value,
    /// Resident memory in KiB, a few times a second, if that was asked for.
    pub samples: Vec<u64>,
}

/// Time between samples of memory.
const SAMPLE: Duration = Duration::from_millis(100);

/// Runs a program to its end. What it says when it fails is kept in `folder` and told.
pub fn run(command: &mut Command, folder: &Path, sampled: bool) -> Outcome<Run> {
    let errors = folder.join("stderr.txt");
    let file = File::create(&errors).map_err(|error| format!("Cannot write {}: {error}.", errors.display()))?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| shell::cannot_run(command, &error))?;
    let (pid, over) = (child.id(), AtomicBool::new(false));
    let mut text = String::new();
    let (samples, ended) = std::thread::scope(|scope| {
        let sampler = sampled.then(|| scope.spawn(|| sample(pid, &over)));
        if let Some(mut stdout) = child.stdout.take() {
            // What is no text is no report.
            let _ = stdout.read_to_string(&mut text);
        }
        let ended = reap(pid);
        let seconds = started.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        let samples = sampler.and_then(|sampler| sampler.join().ok()).unwrap_or_default();
        (samples, ended.map(|(status, usage)| (status, usage, seconds)))
    });
    let (status, usage, seconds) = ended?;
    if status != 0 {
        let said = std::fs::read_to_string(&errors).unwrap_or_default();
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        return Err(format!("{} failed: {last}", command.get_program().display()));
    }
    let report: Value = text.lines().rev().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    let time = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(Run {
        seconds,
        cpu_seconds: time(usage.ru_utime) + time(usage.ru_stime),
        peak_kib: usage.ru_maxrss as u64,
        written_bytes: usage.ru_oublock as u64 * 512,
        report,
        samples,
    })
}

/// Waits for a child, and returns its status and what it used.
fn reap(pid: u32) -> Outcome<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: a rusage is plain data.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are valid; the child is this process's own and nobody else waits for it.
        if unsafe { libc::wait4(pid as libc::pid_t, &raw mut status, 0, &raw mut usage) } >= 0 {
            return Ok((status, usage));
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(format!("Cannot wait for a process: {error}."));
        }
    }
}

fn sample(pid: u32, over: &AtomicBool) -> Vec<u64> {
    let mut samples = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        samples.extend(line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()));
        std::thread::sleep(SAMPLE);
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_measured_and_its_report_is_read() {
        let folder = std::env::temp_dir();
        let mut command = Command::new("sh");
        command.args(["-c", "echo hello; echo '{\"seconds\": 2.5}'"]);
        let run = run(&mut command, &folder, false).unwrap();
        assert_eq!(run.report["seconds"], 2.5);
        assert!(run.peak_kib > 0 && run.seconds > 0.0);
    }

    #[test]
    fn a_process_that_fails_is_told_with_its_last_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such bucket >&2; exit 3"]);
        let error = run(&mut command, &std::env::temp_dir(), false).unwrap_err();
        assert!(error.contains("no such bucket"), "{error}");
    }
}
