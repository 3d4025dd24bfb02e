//! An input as ffmpeg reads it: looked at, linked, and watched for changes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::{frames_input, movie_input};
use super::find::ended;
use super::look::Refusal;
use super::run::Failure;
use super::settings::Input;
use super::tail::Tail;
use super::worker::Control;
use super::workspace::{Workspace, safe_extension};
use crate::media::{Kind, Media, Movie, Rational, look};
use crate::session::child::Exit;
use crate::session::source::Fingerprint;
use crate::session::{Class, Code, Error, Result};

/// An input as ffmpeg reads it, through links.
#[derive(Debug)]
pub(super) struct Source {
    /// The arguments that name it.
    pub input: Vec<OsString>,
    /// What stands for it in a studio's arguments.
    pub name: OsString,
    /// A link to sound beside it.
    pub audio: Option<PathBuf>,
    /// Every file that is read, as it was before.
    marks: Vec<(PathBuf, Fingerprint)>,
    /// What kind of input it is.
    pub kind: SourceKind,
}

#[derive(Debug)]
pub(super) enum SourceKind {
    /// With what is known of it without ffmpeg.
    Movie(Option<Box<Media>>),
    Still {
        frames: u32,
        rate: Rational,
    },
    Frames {
        frames: u64,
        rate: Rational,
    },
}

impl Source {
    /// Looks at the files of an input, and links them.
    pub fn prepare(input: &Input, workspace: &Workspace, control: &Control) -> Result<Source> {
        match input {
            Input::Movie(path) => Source::movie(path, workspace),
            Input::Still { path, frames, rate, audio } => {
                if *frames == 0 {
                    return Err(Error::new(
                        Code::InvalidArgument,
                        "frames: a still must be shown for one frame at least, 0 was given",
                    ));
                }
                let kind = SourceKind::Still { frames: *frames, rate: *rate };
                Source::images(std::slice::from_ref(path), *rate, audio.as_deref(), kind, workspace, control)
            }
            Input::Frames { files, rate, audio } => {
                if files.is_empty() {
                    return Err(Error::new(Code::InvalidArgument, "frames: there are none: give one file at least"));
                }
                let kind = SourceKind::Frames { frames: files.len() as u64, rate: *rate };
                Source::images(files, *rate, audio.as_deref(), kind, workspace, control)
            }
        }
    }

    /// A movie, or any other single file of which one frame is wanted.
    pub fn movie(path: &Path, workspace: &Workspace) -> Result<Source> {
        let marks = vec![mark(path)?];
        let known = match look(path) {
            Ok(media) => Some(Box::new(media)),
            // What is wrong with the file as a file is told; what is in it is ffmpeg's to say.
            Err(error) if error.code.class() == Class::File => return Err(error),
            Err(_) => None,
        };
        let link = workspace.link(&marks[0].0, &format!("input.{}", safe_extension(path)))?;
        Ok(Source { input: movie_input(&link), name: link.into(), audio: None, marks, kind: SourceKind::Movie(known) })
    }

    fn images(
        files: &[PathBuf],
        rate: Rational,
        audio: Option<&Path>,
        kind: SourceKind,
        workspace: &Workspace,
        control: &Control,
    ) -> Result<Source> {
        let mut marks = Vec::with_capacity(files.len() + 1);
        for file in files {
            control.check()?;
            marks.push(mark(file)?);
        }
        let paths: Vec<PathBuf> = marks.iter().map(|(path, _)| path.clone()).collect();
        let pattern = workspace.sequence(&paths, control)?;
        let audio = match audio {
            Some(path) => {
                let marked = mark(path)?;
                let link = workspace.link(&marked.0, &format!("audio.{}", safe_extension(path)))?;
                marks.push(marked);
                Some(link)
            }
            None => None,
        };
        Ok(Source { input: frames_input(pattern.clone(), rate), name: pattern, audio, marks, kind })
    }

    /// What is known of a movie without ffmpeg.
    pub fn known_movie(&self) -> Option<&Movie> {
        match &self.kind {
            SourceKind::Movie(Some(media)) => match &media.kind {
                Kind::Movie(movie) => Some(movie),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is an image, or images.
    pub fn is_image(&self) -> bool {
        match &self.kind {
            SourceKind::Movie(known) => {
                known.as_ref().is_some_and(|media| matches!(media.kind, Kind::Image(_) | Kind::OtherImage(_)))
            }
            SourceKind::Still { .. } | SourceKind::Frames { .. } => true,
        }
    }

    /// What a studio calls it.
    pub fn title(&self) -> String {
        let first = self.marks.first().map(|(path, _)| path.display().to_string()).unwrap_or_default();
        match &self.kind {
            SourceKind::Frames { frames, .. } if *frames > 1 => format!("the {frames} frames from '{first}'"),
            _ => format!("'{first}'"),
        }
    }

    /// Says `FileChanged` when a file is not as it was before.
    pub fn check_unchanged(&self) -> Result<()> {
        for (path, before) in &self.marks {
            let difference = match Fingerprint::at(path) {
                Ok(now) => before.difference(&now),
                Err(error) => Some(format!("went away ({error})")),
            };
            if let Some(difference) = difference {
                let message = format!(
                    "'{}' {difference} while a movie was made of it: publish it when it is written whole",
                    path.display()
                );
                return Err(Error::new(Code::FileChanged, message));
            }
        }
        Ok(())
    }

    /// Of images, everything that ffmpeg calls an error is one: it goes on with a part of the picture, or with the one before.
    pub fn check_whole(&self, tail: &mut Tail) -> Result<(), String> {
        match tail.errors() {
            [] => Ok(()),
            errors => Err(format!("ffmpeg cannot read all of {}: {}", self.title(), errors.join(" | "))),
        }
    }

    /// A text of ffmpeg's with the names of files where links stand for them.
    pub fn renamed(&self, workspace: &Workspace, text: &str) -> String {
        let mut text = text.to_owned();
        // Bounded by the length of the text: every round takes a link away.
        while let Some((link, number)) = Workspace::frame_in(&text).map(|(link, number)| (link.to_owned(), number)) {
            let Some((path, _)) = self.marks.get(number) else { break };
            text = text.replace(&format!("{}{link}", workspace.prefix()), &path.display().to_string());
            text = text.replace(&link, &path.display().to_string());
        }
        let mut replace = |link: &str, path: Option<&(PathBuf, Fingerprint)>| {
            if let Some((path, _)) = path {
                text = text.replace(
                    &format!("{}{link}.{}", workspace.prefix(), safe_extension(path)),
                    &path.display().to_string(),
                );
            }
        };
        match self.kind {
            SourceKind::Movie(_) => replace("input", self.marks.first()),
            _ if self.audio.is_some() => replace("audio", self.marks.last()),
            _ => {}
        }
        text.replace(&workspace.prefix(), "")
    }

    /// The error for a source that ffmpeg cannot read.
    pub fn refused(&self, workspace: &Workspace, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Error(error) => error,
            // That somebody writes it at this moment explains it better.
            Refusal::Said(code, what) => self
                .check_unchanged()
                .err()
                .unwrap_or_else(|| Error::new(code, self.renamed(workspace, &format!("{} {what}", self.title())))),
        }
    }

    /// The error for a run that failed.
    pub fn failed(&self, workspace: &Workspace, failure: Failure) -> Error {
        let (exit, mut tail) = match failure {
            Failure::Other(error) => {
                return Error { message: self.renamed(workspace, &error.message), ..error };
            }
            Failure::Ended(exit, tail) => (exit, tail),
        };
        if let Err(changed) = self.check_unchanged() {
            return changed;
        }
        Error::new(Code::FfmpegFailed, self.renamed(workspace, &self.failure(exit, &mut tail, workspace)))
    }

    fn failure(&self, exit: Exit, tail: &mut Tail, workspace: &Workspace) -> String {
        let said = tail.text();
        let said = if said.is_empty() { "it said nothing".to_owned() } else { format!("it said last: {said}") };
        if tail.says("No space left on device") || tail.says("Disk quota exceeded") {
            let folder =
                Path::new(&workspace.prefix()).parent().map(|path| path.display().to_string()).unwrap_or_default();
            return format!("the disk of '{folder}' is full: make room or choose another working folder; {said}");
        }
        format!("ffmpeg failed on {} ({}); {said}", self.title(), ended(exit))
    }
}

/// The absolute path of a file, and how it looks now.
pub(super) fn mark(path: &Path) -> Result<(PathBuf, Fingerprint)> {
    let told = |code, what: &str| Error::new(code, format!("'{}' {what}", path.display()));
    let absolute =
        std::path::absolute(path).map_err(|error| told(Code::FileNotFound, &format!("is no path: {error}")))?;
    let mark = match fs::metadata(&absolute) {
        Ok(data) if data.is_dir() => {
            return Err(told(Code::NotAFile, "is a directory: give the path of one file in it"));
        }
        Ok(data) if !data.is_file() => return Err(told(Code::NotAFile, "is a device, pipe or socket, not a file")),
        Ok(data) if data.len() == 0 => {
            return Err(told(Code::FileEmpty, "is empty: the render or export that should write it did not finish"));
        }
        Ok(_) => Fingerprint::at(&absolute),
        Err(error) => Err(error),
    };
    match mark {
        Ok(mark) => Ok((absolute, mark)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(told(
            Code::FileNotFound,
            "does not exist: check the path, and that the drive or mount is there on this machine",
        )),
        Err(error) => Err(told(Code::FileUnreadable, &format!("cannot be looked at: {error}"))),
    }
}
