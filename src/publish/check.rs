//! The first step: is the file there, what is it, will a browser play it. No network.

use super::ids::{self, Slot};
use super::part::Part;
use crate::media::{self, Kind, Media};
use crate::session::{Class, Code, Error, Result, Stage};
use std::path::Path;

/// What was found on disk.
pub struct Checked {
    /// What reviewers open.
    pub media: Media,
    /// What lists show, where it is a file of its own.
    pub thumbnail: Option<Media>,
    /// The name of the media's component, by which ftrack's player finds it.
    pub component_name: String,
    /// What is not as it should be.
    pub warnings: Vec<String>,
}

impl Checked {
    /// What is stored, the small first.
    pub fn parts(&self, meta_with_size: bool) -> Vec<Part> {
        let part = |slot, name: &str, media: &Media, meta| Part {
            slot,
            name: name.to_owned(),
            file_type: media.file_type.clone(),
            source: media.source.clone(),
            meta,
        };
        let thumbnail = self.thumbnail.iter().map(|media| part(Slot::Thumbnail, ids::THUMBNAIL, media, None));
        let meta = media::ftr_meta(&self.media, meta_with_size);
        thumbnail.chain([part(Slot::Media, &self.component_name, &self.media, Some(meta))]).collect()
    }
}

/// Looks at the files. On a blocking thread.
pub fn check(path: &Path, thumbnail: Option<&Path>) -> Result<Checked> {
    look(path, thumbnail).map_err(|error| error.at(Stage::Checking))
}

fn look(path: &Path, image: Option<&Path>) -> Result<Checked> {
    let media = media::probe(path)?;
    media::verdict(&media)?;
    let mut warnings: Vec<String> = media.warnings.iter().map(|warning| told(path, warning)).collect();
    let thumbnail = image.map(|path| thumbnail(path, &mut warnings)).transpose()?;
    let component_name = match media.kind {
        Kind::Movie(_) => ids::MOVIE,
        Kind::Image(_) => ids::IMAGE,
    };
    let component_name = component_name.to_owned();
    Ok(Checked { media, thumbnail, component_name, warnings })
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
