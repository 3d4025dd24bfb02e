//! The first step: is the file there, what is it, will a browser play it. No network.

use super::Request;
use crate::media::{self, Kind, Media};
use crate::session::{Code, Error, Result, Stage};
use std::path::Path;

/// What was found on disk.
pub struct Checked {
    /// What reviewers open.
    pub media: Media,
    /// What lists show, where it is a file of its own.
    pub thumbnail: Option<Media>,
    /// The name of the media's component, by which ftrack's player finds it.
    pub component_name: &'static str,
    /// What is not as it should be.
    pub warnings: Vec<String>,
}

/// Looks at the files. On a blocking thread.
pub fn check(request: &Request) -> Result<Checked> {
    look(request).map_err(|error| error.at(Stage::Checking))
}

fn look(request: &Request) -> Result<Checked> {
    let media = media::probe(&request.path)?;
    media::verdict(&media)?;
    let mut warnings: Vec<String> = media.warnings.iter().map(|warning| told(&request.path, warning)).collect();
    let thumbnail = request.thumbnail.as_deref().map(|path| thumbnail(path, &mut warnings)).transpose()?;
    let component_name = match media.kind {
        Kind::Movie(_) => "ftrackreview-mp4",
        Kind::Image(_) => "ftrackreview-image",
    };
    if thumbnail.is_none() && matches!(media.kind, Kind::Movie(_)) {
        warnings.push(
            "the version has no thumbnail, and ftrack shows no play button on such a movie: give a jpg or png as `thumbnail`"
                .into(),
        );
    }
    Ok(Checked { media, thumbnail, component_name, warnings })
}

fn thumbnail(path: &Path, warnings: &mut Vec<String>) -> Result<Media> {
    let named = |error: Error| Error { message: format!("thumbnail: {}", error.message), ..error };
    let media = media::probe(path).map_err(named)?;
    if !matches!(media.kind, Kind::Image(_)) {
        return Err(Error::new(
            Code::BadThumbnail,
            format!("thumbnail: \"{}\" is a movie: give a jpg or png", path.display()),
        ));
    }
    media::verdict(&media).map_err(named)?;
    warnings.extend(media.warnings.iter().map(|warning| told(path, warning)));
    Ok(media)
}

fn told(path: &Path, warning: &media::Warning) -> String {
    format!("\"{}\": {warning}", path.display())
}
