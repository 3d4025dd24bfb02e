//! The first step: are the files there, what are they, will a browser play them. No network.

use super::Mode;
use super::encode;
use super::files::{self, ByPath, Candidate, FrameSequence, GivenFile, Main, Making, Role, Shown, Wish, arrange};
use super::ids::{self, Slot};
use super::part::Part;
use crate::media::{self, Kind, Media, MetaForm};
use crate::session::{Class, Code, Error, Result, Source, Stage};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a publish, where they are now.
pub struct Files {
    /// The main one.
    pub path: PathBuf,
    /// What lists show.
    pub thumbnail: Option<PathBuf>,
    /// Those beside it, with their places.
    pub others: Vec<(GivenFile, PathBuf)>,
    /// What is wanted of the main one.
    pub wish: Wish,
}

/// What was found on disk.
pub struct Checked {
    /// What reviewers open; the one that every server shows comes first. Empty until it is made.
    pub shown: Vec<Shown>,
    /// What is to be made.
    pub making: Option<Making>,
    /// What lists show, where it is a file of its own.
    pub thumbnail: Option<Media>,
    /// What is uploaded as it is.
    pub uploads: Vec<Part>,
    /// What is registered by its path.
    pub by_path: Vec<ByPath>,
    /// Sequences of frames beside what is reviewed.
    pub sequences: Vec<FrameSequence>,
    /// What is not as it should be.
    pub warnings: Vec<String>,
}

impl Checked {
    /// What every server shows.
    pub fn main(&self) -> Option<&Shown> {
        self.shown.first()
    }

    /// What is stored, the small first.
    pub fn parts(&self, form: &MetaForm) -> Vec<Part> {
        let part = |slot, name: &str, media: &Media, meta| Part {
            slot,
            name: name.to_owned(),
            file_type: media.file_type.clone(),
            source: media.source.clone(),
            meta,
        };
        let thumbnail = self.thumbnail.iter().map(|media| part(Slot::Thumbnail, ids::THUMBNAIL, media, None));
        let shown = self.shown.iter().map(|shown| {
            let meta = media::ftr_meta_in(&shown.media, form);
            part(shown.slot.clone(), &shown.name, &shown.media, Some(meta))
        });
        thumbnail.chain(shown).chain(self.uploads.iter().cloned()).collect()
    }

    /// What lists show: the thumbnail that was given, or the still itself.
    pub fn thumbnail_slot(&self) -> Option<Slot> {
        match (&self.thumbnail, self.main().map(|shown| &shown.media.kind)) {
            (Some(_), _) => Some(Slot::Thumbnail),
            (None, Some(Kind::Image(_))) => Some(Slot::Media),
            _ => None,
        }
    }
}

/// Looks at the files. On a blocking thread.
pub fn check(files: &Files) -> Result<Checked> {
    look(files).map_err(|error| error.at(Stage::Checking))
}

fn look(files: &Files) -> Result<Checked> {
    let mut warnings = Vec::new();
    let (mut candidates, mut making) = (Vec::new(), None);
    let (mut source, is_encoded) = (None, files.wish.mode == Mode::Encode);
    if is_encoded {
        source = Some(to_encode(&files.path)?);
    } else {
        match files::look(&files.path, &files.wish)? {
            Main::Shown(media) => candidates.push(candidate(media, Role::Auto, None, &mut warnings)),
            Main::Made(made) => making = Some(made),
        }
    }
    let mut given_thumbnail = files.thumbnail.as_deref();
    let (mut uploads, mut by_path, mut sequences) = (Vec::new(), Vec::new(), Vec::new());
    for (given, path) in &files.others {
        match given.role {
            Role::Auto | Role::Movie | Role::Image | Role::Pdf if is_encoded => return Err(beside_encoded(path)),
            Role::Auto | Role::Movie | Role::Image | Role::Pdf => {
                let media = media::look(path)?;
                if let Some(reason) = media::plan(&media).reason() {
                    return Err(reason.error(&media));
                }
                candidates.push(candidate(media, given.role, given.component_name.clone(), &mut warnings));
            }
            Role::Thumbnail => given_thumbnail = Some(path),
            Role::Component => uploads.push(upload(given, path)?),
            Role::Unmanaged => by_path.push(ByPath::look(given, path)?),
            Role::Sequence => sequences.push(FrameSequence::look(given, path, &files.wish)?),
        }
    }
    let given_thumbnail = given_thumbnail.map(|path| thumbnail(path, &mut warnings)).transpose()?;
    if let Some(source) = source {
        uploads.push(source);
        let shown = Vec::new();
        return Ok(Checked { shown, making: None, thumbnail: given_thumbnail, uploads, by_path, sequences, warnings });
    }
    let made = making.as_ref().map(|_| files.path.as_path());
    let arranged = arrange(candidates, made, given_thumbnail.is_some())?;
    Ok(Checked {
        shown: arranged.shown,
        making,
        thumbnail: given_thumbnail.or(arranged.thumbnail),
        uploads,
        by_path,
        sequences,
        warnings,
    })
}

fn candidate(media: Media, role: Role, name: Option<String>, warnings: &mut Vec<String>) -> Candidate {
    warnings.extend(media.warnings.iter().map(|warning| told(media.source.path(), warning)));
    Candidate { media, role, name }
}

/// What the server is to encode: anything that is a movie or an image, also one that browsers do not show.
fn to_encode(path: &Path) -> Result<Part> {
    let media = media::look(path)?;
    let (slot, name) = (Slot::Media, encode::SOURCE.to_owned());
    // The encoder goes by it.
    let file_type = if media.file_type.is_empty() { file_type(path) } else { media.file_type };
    Ok(Part { slot, name, file_type, source: media.source, meta: None })
}

fn beside_encoded(path: &Path) -> Error {
    let message = format!(
        "files: '{}' is for reviewers, and with FTR_MODE_ENCODE the server makes what they open: give it as \
         FTR_ROLE_COMPONENT or FTR_ROLE_THUMBNAIL, or publish it directly",
        path.display()
    );
    Error::new(Code::BadRole, message)
}

/// A file that nobody looks into.
fn upload(given: &GivenFile, path: &Path) -> Result<Part> {
    let source = Arc::new(Source::open(path)?);
    let name = given.name().unwrap_or_default();
    Ok(Part { slot: Slot::Named(name.clone()), name, file_type: file_type(path), source, meta: None })
}

/// The file's own ending, with its dot, as ftrack's clients have it.
pub fn file_type(path: &Path) -> String {
    path.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default()
}

fn thumbnail(path: &Path, warnings: &mut Vec<String>) -> Result<Media> {
    let media = media::probe(path).and_then(|media| media::verdict(&media).map(|()| media)).map_err(|error| {
        // What is wrong with the file as a file is told as for every file; what is in it must be an image.
        if error.code.class() == Class::Media {
            return not_an_image(path);
        }
        Error { message: format!("thumbnail: {}", error.message), ..error }
    })?;
    if !matches!(media.kind, Kind::Image(_)) {
        return Err(not_an_image(path));
    }
    warnings.extend(media.warnings.iter().map(|warning| told(path, warning)));
    Ok(media)
}

fn not_an_image(path: &Path) -> Error {
    Error::new(
        Code::BadThumbnail,
        format!("thumbnail: '{}' is not a whole jpg or png: give one, or leave the thumbnail out", path.display()),
    )
}

fn told(path: &Path, warning: &media::Warning) -> String {
    format!("'{}': {warning}", path.display())
}
