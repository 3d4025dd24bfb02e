//! A staging server as a child process, which never outlives this program.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::shell::{self, Outcome};

/// A running staging server. Dropping it ends it.
pub struct Staging {
    child: Child,
    /// Its address, without a slash at the end.
    pub url: String,
    /// The demo account's user name.
    pub user: String,
    /// The demo account's API key, which is public.
    pub key: String,
}

impl Staging {
    /// Starts the server on a free loopback port with a fresh data folder, and waits until it listens.
    ///
    /// Call it on the main thread: Linux ends the server when the thread that started it ends.
    pub fn start(program: &Path, data: &Path) -> Outcome<Self> {
        Self::start_as(Command::new(program), data)
    }

    /// As [`Staging::start`], with what the command has of arguments and environment.
    pub fn start_as(mut command: Command, data: &Path) -> Outcome<Self> {
        shell::emptied(data)?;
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        end_with_parent(&mut command);
        let mut child = command.spawn().map_err(|error| shell::cannot_run(&command, &error))?;
        let account = child.stdout.take().map(read_account).unwrap_or_default();
        match account {
            Some([url, user, key]) => Ok(Self { child, url, user, key }),
            None => {
                end(&mut child);
                Err("The staging server ended before it was ready; its message is above.".into())
            }
        }
    }

    /// Sets the environment by which clients find the server, and only that: what the developer's own environment
    /// says about ftrack and proxies must not lead a test elsewhere.
    pub fn address<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let foreign = |name: &str| {
            let name = name.to_ascii_uppercase();
            name.starts_with("FTRACK_") || name.starts_with("FTREVIEW_") || name.ends_with("_PROXY")
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| foreign(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.env("FTRACK_SERVER", &self.url).env("FTRACK_API_USER", &self.user).env("FTRACK_API_KEY", &self.key)
    }

    /// Waits until the server ends by itself, as it does on Ctrl-C, which the terminal sends to it as well.
    pub fn wait(mut self) -> Outcome {
        // SAFETY: ignoring a signal installs no code. From here on Ctrl-C is the server's alone, so that this program
        // sees it off.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
        let status = self.child.wait().map_err(|error| format!("Cannot wait for the staging server: {error}."))?;
        if status.success() { Ok(()) } else { Err(format!("The staging server ended with {status}.")) }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a child and waits until it has.
pub fn end(child: &mut Child) {
    // It may have ended before, which is just as well.
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads the server's greeting: address, user, key. The rest of its output is read and dropped, so that it never waits.
fn read_account(stdout: impl std::io::Read + Send + 'static) -> Option<[String; 3]> {
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let labels = ["Server", "User", "API key"];
    let mut values = labels.map(|_| None);
    while values.iter().any(Option::is_none) {
        let line = lines.next()?;
        for (label, value) in labels.iter().zip(&mut values) {
            if let Some(rest) = line.strip_prefix(label) {
                *value = Some(rest.trim().to_owned());
            }
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    let [url, user, key] = values.map(Option::unwrap_or_default);
    Some([url, user, key])
}

/// Lets the system end the child when this program ends, however it ends.
pub fn end_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: getpid cannot fail and changes nothing.
        let parent = unsafe { libc::getpid() };
        let ask = move || {
            // SAFETY: between fork and exec only async-signal-safe calls are allowed; these two are plain system calls.
            let alone = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) != 0 || libc::getppid() != parent };
            if alone { Err(std::io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        };
        // SAFETY: the closure allocates nothing and takes no lock.
        unsafe { command.pre_exec(ask) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}
