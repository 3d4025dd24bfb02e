//! The server that discards, as a child process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::shell::{self, Outcome};
use crate::staging::end_with_parent;

/// A running sink. Dropping it ends it.
pub struct Sink {
    child: Child,
    /// Its address, without a slash at the end.
    pub url: String,
    /// The certificate to trust, if it speaks TLS.
    pub certificate: Option<PathBuf>,
    counters: String,
}

/// What a sink has received so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// Bytes of uploads.
    pub bytes: u64,
    /// Connections.
    pub connections: u64,
}

impl Sink {
    /// Starts one with these arguments; with TLS its certificate goes into `folder`.
    pub fn start(program: &Path, arguments: &[&str], tls: bool, folder: &Path) -> Outcome<Self> {
        let certificate = tls.then(|| folder.join("sink.pem"));
        let mut command = Command::new(program);
        command.arg("sink").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(certificate) = &certificate {
            command.arg("--tls").arg(certificate);
        }
        end_with_parent(&mut command);
        let mut child = command.spawn().map_err(|error| shell::cannot_run(&command, &error))?;
        let mut lines =
            child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines().map_while(Result::ok));
        let (url, counters) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let sink = Self { child, url, certificate, counters };
        if sink.counters.is_empty() { Err("The sink did not start.".into()) } else { Ok(sink) }
    }

    /// What it has received so far.
    pub fn counters(&self) -> Outcome<Counters> {
        let failed = |error: ureq::Error| format!("The sink does not say what it received: {error}.");
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let text = agent.get(&self.counters).call().and_then(|mut a| a.body_mut().read_to_string()).map_err(failed)?;
        let counters: Value = serde_json::from_str(&text).unwrap_or_default();
        let count = |name: &str| counters[name].as_u64().unwrap_or(0);
        Ok(Counters { bytes: count("bytes"), connections: count("connections") })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended before, which is just as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
