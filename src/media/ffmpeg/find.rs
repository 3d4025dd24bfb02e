//! Which ffmpeg, and what it can do.

use std::env;
use std::ffi::{OsStr, OsString};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::FRAME_GRABS;
use super::run::{self, Answer};
use super::worker::{self, Control};
use crate::session::child::Exit;
use crate::session::{Code, Error, Result, policy};

/// The variables of the host's process, for programs that run beside it. Reading them on another thread than the host's own
/// is not safe in C, so they are read once, where a session is created.
#[derive(Clone, Default)]
pub struct Environment(Arc<Vec<(OsString, OsString)>>);

/// Not for ffmpeg: the keys of the server, which it has no use for, and what makes it write files or colours of its own accord.
const WITHHELD: [&str; 5] =
    ["FTRACK_API_KEY", "FTRACK_APIKEY", "FFREPORT", "AV_LOG_FORCE_COLOR", "AV_LOG_FORCE_256COLOR"];

/// By these a host brings its own libraries along, which are often not those that ffmpeg was built with.
const LIBRARIES: [&str; 2] = ["LD_LIBRARY_PATH", "LD_PRELOAD"];

impl Environment {
    /// Reads the variables of this process. Call it on a thread of the host.
    pub fn capture() -> Self {
        Self::new(env::vars_os())
    }

    /// These variables, without those that are not for other programs.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let kept = variables.into_iter().filter(|(name, _)| WITHHELD.iter().all(|withheld| name != withheld));
        Self(Arc::new(kept.collect()))
    }

    fn value(&self, name: &str) -> Option<&OsStr> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    fn without_libraries(&self) -> Self {
        Self::new(self.0.iter().filter(|(name, _)| LIBRARIES.iter().all(|library| name != library)).cloned())
    }
}

/// Names only: values may be secrets of the studio.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// An ffmpeg that runs on this machine.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// What it calls its version, such as `5.1.9-0+deb12u1`.
    pub version: String,
    /// Whether it encodes H.264 with libx264, without which only a studio's own arguments make movies.
    pub has_x264: bool,
    /// Whether it only runs without the host's own libraries (`LD_LIBRARY_PATH`).
    pub without_host_libraries: bool,
    environment: Environment,
}

impl Ffmpeg {
    /// Finds ffmpeg and asks what it can do: at `given` where that is a path, else under that name, or `ffmpeg`, on the
    /// `PATH` of the environment.
    ///
    /// `FFMPEG_MISSING` says where was looked and what to do.
    pub async fn find(
        given: Option<&Path>,
        environment: &Environment,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Ffmpeg> {
        let (given, environment) = (given.map(Path::to_owned), environment.clone());
        let work = move |control: &Control| examine(locate(given.as_deref(), &environment)?, environment, control);
        worker::run(&FRAME_GRABS, |_| (), cancelled, work).await
    }

    /// The option that keeps frames at one rate: its name changed with version 5.1.
    pub(super) fn constant_rate(&self) -> &'static str {
        let numbers = self.version.trim_start_matches(['n', 'v']);
        let mut numbers = numbers.split(|sign: char| !sign.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
        match (numbers.next(), numbers.next().unwrap_or(0)) {
            (Some(major), minor) if (major, minor) < (5, 1) => "-vsync cfr",
            _ => "-fps_mode cfr",
        }
    }

    pub(super) fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment.0
    }

    /// Runs it for a short answer.
    pub(super) fn ask(
        &self,
        arguments: &[OsString],
        patience: std::time::Duration,
        control: &Control,
    ) -> Result<Answer> {
        run::ask(&self.path, arguments, self.environment(), patience, control)
    }
}

const REMEDY: &str = "install ffmpeg with libx264 (apt install ffmpeg, brew install ffmpeg, or a build from ffmpeg.org) or give the path of one";

fn missing(message: String) -> Error {
    Error::new(Code::FfmpegMissing, message)
}

fn locate(given: Option<&Path>, environment: &Environment) -> Result<PathBuf> {
    let name = match given {
        Some(path) if path.components().count() != 1 || path.is_absolute() => return at(path),
        Some(name) => name,
        None => Path::new("ffmpeg"),
    };
    let Some(variable) = environment.value("PATH").filter(|value| !value.is_empty()) else {
        return Err(missing(format!("no ffmpeg was given and PATH is not set: {REMEDY}")));
    };
    // Relative folders are left out: what stands in the working directory is not to be run by chance.
    let folders: Vec<PathBuf> = env::split_paths(variable).filter(|folder| folder.is_absolute()).collect();
    let mut file = name.as_os_str().to_owned();
    if name.extension().is_none() {
        file.push(env::consts::EXE_SUFFIX);
    }
    folders.iter().map(|folder| folder.join(&file)).find(|path| may_run(path)).ok_or_else(|| {
        let looked: Vec<String> = folders.iter().map(|folder| format!("'{}'", folder.display())).collect();
        missing(format!("there is no '{}' in the folders of PATH, {}: {REMEDY}", name.display(), looked.join(", ")))
    })
}

fn at(path: &Path) -> Result<PathBuf> {
    let told = |what: &str| missing(format!("ffmpeg: '{}' {what}: {REMEDY}", path.display()));
    let absolute = std::path::absolute(path).map_err(|error| told(&format!("is no path ({error})")))?;
    match absolute.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(told("does not exist")),
        Err(error) => Err(told(&format!("cannot be looked at ({error})"))),
        Ok(metadata) if metadata.is_dir() => Err(told("is a folder, not the program in it")),
        Ok(_) if !may_run(&absolute) => Err(told("may not be run by this user")),
        Ok(_) => Ok(absolute),
    }
}

#[cfg(unix)]
fn may_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn may_run(path: &Path) -> bool {
    path.is_file()
}

fn examine(path: PathBuf, environment: Environment, control: &Control) -> Result<Ffmpeg> {
    let mut ffmpeg =
        Ffmpeg { path, version: String::new(), has_x264: false, without_host_libraries: false, environment };
    ffmpeg.version = match ffmpeg.ask_version(control) {
        Ok(version) => version,
        Err(error) => ffmpeg.ask_alone(control).ok_or(error)?,
    };
    let encoders = ffmpeg.ask(&["-hide_banner", "-encoders"].map(OsString::from), policy::FFMPEG_ANSWER, control)?;
    ffmpeg.has_x264 = String::from_utf8_lossy(&encoders.out).split_whitespace().any(|word| word == "libx264");
    Ok(ffmpeg)
}

impl Ffmpeg {
    fn ask_version(&self, control: &Control) -> Result<String> {
        let answer = self.ask(&["-version".into()], policy::FFMPEG_ANSWER, control)?;
        let said = String::from_utf8_lossy(&answer.out).into_owned();
        let version = said.strip_prefix("ffmpeg version ").and_then(|rest| rest.split_whitespace().next());
        if let (Some(version), Exit::Code(0) | Exit::Unknown) = (version, answer.exit) {
            return Ok(version.to_owned());
        }
        let mut tail = super::tail::Tail::default();
        tail.feed(&answer.err);
        tail.feed(b"\n");
        tail.feed(&answer.out);
        let path = self.path.display();
        Err(missing(format!(
            "'{path}' is no ffmpeg that runs ({}; it said: {}): {REMEDY}",
            ended(answer.exit),
            tail.text()
        )))
    }

    /// A host's own libraries may be the reason that it does not run: then it runs without them.
    fn ask_alone(&mut self, control: &Control) -> Option<String> {
        if LIBRARIES.iter().all(|name| self.environment.value(name).is_none()) {
            return None;
        }
        let former = std::mem::take(&mut self.environment);
        self.environment = former.without_libraries();
        self.without_host_libraries = true;
        self.ask_version(control).ok()
    }
}

/// How a program ended, in words.
pub(super) fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit status {code}"),
        Exit::Signal(9) => "killed by signal 9: is the machine out of memory?".to_owned(),
        Exit::Signal(signal) => format!("killed by signal {signal}"),
        Exit::Unknown => "exit status unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_for_a_constant_rate_is_that_of_the_version() {
        for (version, option) in [
            ("5.1.9-0+deb12u1", "-fps_mode cfr"),
            ("5.0.1", "-vsync cfr"),
            ("4.4.2-0ubuntu0.22.04.1", "-vsync cfr"),
            ("n7.1", "-fps_mode cfr"),
            ("7.0.2-static", "-fps_mode cfr"),
            ("N-109542-g1bf1b3a", "-fps_mode cfr"),
            ("3.4", "-vsync cfr"),
            ("2024-01-01-git", "-fps_mode cfr"),
        ] {
            let ffmpeg = Ffmpeg {
                path: PathBuf::new(),
                version: version.to_owned(),
                has_x264: true,
                without_host_libraries: false,
                environment: Environment::default(),
            };
            assert_eq!(ffmpeg.constant_rate(), option, "{version}");
        }
    }
}
