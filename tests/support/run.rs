//! Running programs with a time limit: what hangs is killed and fails, with all that it said.

use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow and busy machine: it only keeps a hang from being for ever.
pub const LIMIT: Duration = Duration::from_secs(180);

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Fails unless the program ended with 0.
    #[track_caller]
    pub fn succeeded(self) -> Ended {
        assert!(self.status.success(), "{}", self.account());
        self
    }

    /// What happened, for a failure's message.
    pub fn account(&self) -> String {
        let how = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("ended with {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended".to_owned(),
        };
        format!("the program {how}\n--- standard output:\n{}\n--- standard error:\n{}", self.out, self.err)
    }

    /// The value of a line `key: value` on standard output.
    #[track_caller]
    pub fn value(&self, key: &str) -> &str {
        let value = self.out.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {key} in what it wrote; {}", self.account()))
    }
}

/// A command whose environment names no server and no proxy.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let proxy = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].contains(&name.to_uppercase().as_str());
        if name.starts_with("FTRACK_") || proxy {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program to its end.
#[track_caller]
pub fn run(mut command: Command) -> Ended {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    finish(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

/// Waits for the end of a program whose standard output and error are pipes.
#[track_caller]
pub fn finish(mut child: Child) -> Ended {
    let (out, err) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let in_time = wait(&child, Instant::now() + LIMIT);
    let stuck = if in_time { String::new() } else { threads(child.id()) };
    if !in_time {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let ended = Ended { status, out: out.join().unwrap(), err: err.join().unwrap() };
    assert!(in_time, "not ended after {LIMIT:?}, killed; its threads were:\n{stuck}{}", ended.account());
    ended
}

/// Whether the child ends before the deadline. It is not reaped here, so its id stays its own.
fn wait(child: &Child, deadline: Instant) -> bool {
    // SAFETY: no pointers; the result is checked.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, child.id() as libc::pid_t, 0) };
    assert!(descriptor >= 0, "pidfd_open: {}", std::io::Error::last_os_error());
    // SAFETY: just opened, and nobody else knows it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor as i32) };
    loop {
        let left = deadline.saturating_duration_since(Instant::now()).as_millis() as i32;
        let mut poll = libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd.
        match unsafe { libc::poll(&mut poll, 1, left) } {
            0 => return false,
            1 => return true,
            _ => assert_eq!(std::io::Error::last_os_error().kind(), std::io::ErrorKind::Interrupted),
        }
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    let mut pipe = pipe.expect("the command pipes its output");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The names of a process's threads and where in the kernel each one waits.
fn threads(process: u32) -> String {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else { return String::new() };
    tasks
        .filter_map(Result::ok)
        .map(|task| {
            let read = |name| std::fs::read_to_string(task.path().join(name)).unwrap_or_default().trim().to_owned();
            format!("  {} in {} ({})\n", read("comm"), read("wchan"), read("syscall"))
        })
        .collect()
}
