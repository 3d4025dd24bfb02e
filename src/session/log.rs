//! Log lines of one session. They go nowhere but into that session's queue: no global logger, no
//! stdout, no file. A line below the level is never made.

use super::secret::Redactor;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// How much a host wants to hear; numbers are those of `FTR_LOG_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Nothing.
    Off = 0,
    /// What failed.
    Error = 1,
    /// What went on, but not as it should.
    Warning = 2,
    /// What a person would want in a farm's log: one line a step.
    Info = 3,
    /// Every request, with its duration.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The room that says it, such as `ftrack` or `transfer`.
    pub target: &'static str,
    /// When it was said.
    pub time: SystemTime,
    /// What happened, without secrets.
    pub message: String,
}

/// Where lines go: the session's queue, or a test.
pub trait Sink: Send + Sync {
    /// Takes a line. Must not block.
    fn line(&self, line: Line);
}

/// A cheap handle that every room logs through.
#[derive(Clone)]
pub struct Log {
    level: Level,
    redactor: Arc<Redactor>,
    sink: Option<Arc<dyn Sink>>,
}

impl Log {
    /// A log that hands lines up to `level` to `sink`.
    pub fn new(level: Level, redactor: Redactor, sink: Arc<dyn Sink>) -> Self {
        Log { level, redactor: Arc::new(redactor), sink: Some(sink) }
    }

    /// A log that keeps nothing.
    pub fn silent() -> Self {
        Log { level: Level::Off, redactor: Arc::default(), sink: None }
    }

    /// The session's redactor, for messages that quote others.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Says a line. The text is made only if somebody wants the level.
    pub fn say(&self, level: Level, target: &'static str, text: impl fmt::Display) {
        if level > self.level {
            return;
        }
        if let Some(sink) = &self.sink {
            sink.line(Line { level, target, time: SystemTime::now(), message: self.redactor.clean(&text.to_string()) });
        }
    }

    /// A warning.
    pub fn warning(&self, target: &'static str, text: impl fmt::Display) {
        self.say(Level::Warning, target, text);
    }

    /// One step of the work.
    pub fn info(&self, target: &'static str, text: impl fmt::Display) {
        self.say(Level::Info, target, text);
    }

    /// A detail.
    pub fn debug(&self, target: &'static str, text: impl fmt::Display) {
        self.say(Level::Debug, target, text);
    }
}
