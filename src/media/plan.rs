//! What can be done with a file so that reviewers see it, and why.

use super::containers::MovieFormat;
use super::stills::{Encoding, OtherImage, StillFormat};
use super::verdict::{self, Objection};
use super::{Kind, Media, with_path};
use crate::session::{Code, Error};

/// What it takes to have a file shown to reviewers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing: browsers show it as it is.
    Direct,
    /// A movie or image must be made of it: by ffmpeg on this machine, or by the server's encoder.
    NeedsTranscode(Reason),
    /// Only the server's encoder may be able to make something of it: ffmpeg does not read it, or not reliably.
    NeedsEncode(Reason),
    /// Nothing here can make something of it.
    Unsupported(Reason),
}

/// Why a file is not shown as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The code that says it to programs.
    pub code: Code,
    /// What was found, to stand behind the file's path: `is ProRes 422 HQ (apch), which not every browser plays`.
    pub found: String,
    /// What the user can do about it, in the imperative.
    pub remedy: String,
    /// Whether it takes a LUT, or a proxy made with OCIO, to say how the picture should look. Nobody may guess that: a
    /// transcode without one is done only when the user says so.
    pub needs_lut: bool,
}

impl Reason {
    /// The reason as an error that names the file.
    pub fn error(&self, media: &Media) -> Error {
        let message = format!("'{}' {}: {}", media.source.path().display(), self.found, self.remedy);
        with_path(Error::new(self.code, message), media.source.path())
    }

    fn new(code: Code, found: String, remedy: impl Into<String>) -> Reason {
        Reason { code, found, remedy: remedy.into(), needs_lut: false }
    }
}

impl Plan {
    /// Why the file is not shown as it is; `None` when it is.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Plan::Direct => None,
            Plan::NeedsTranscode(reason) | Plan::NeedsEncode(reason) | Plan::Unsupported(reason) => Some(reason),
        }
    }
}

/// Says what can be done with a file that was looked at.
pub fn plan(media: &Media) -> Plan {
    match &media.kind {
        Kind::Image(_) => Plan::Direct,
        Kind::Movie(movie) => match verdict::objection(movie) {
            None => Plan::Direct,
            Some(Objection { code, found }) if movie.codec.is_encrypted() => {
                Plan::Unsupported(Reason::new(code, found, "export it without copy protection"))
            }
            Some(Objection { code, found }) => Plan::NeedsTranscode(Reason::new(code, found, verdict::remedy(movie))),
        },
        Kind::OtherMovie(movie) => other_movie(movie.format, movie.codec.as_deref()),
        Kind::OtherImage(image) => other_image(image),
        Kind::Pdf(pdf) if pdf.encrypted => {
            let found = "is an encrypted PDF document, which the review page may not open".to_owned();
            Plan::Unsupported(Reason::new(Code::NotMedia, found, "export it without a password or restrictions"))
        }
        Kind::Pdf(_) => Plan::Direct,
    }
}

/// Says what can be done with a sequence whose frames are of this kind. Frames alone do not play, so that it is never
/// [`Plan::Direct`].
pub fn plan_frames(kind: &Kind) -> Plan {
    let frames = |image: &str| {
        let found = format!("is a sequence of frames ({image}), which browsers do not play");
        Plan::NeedsTranscode(Reason::new(Code::NotMedia, found, "publish a movie made of it"))
    };
    match kind {
        Kind::Image(_) => frames("jpg or png"),
        Kind::OtherImage(OtherImage { animated: true, .. }) | Kind::Movie(_) | Kind::OtherMovie(_) | Kind::Pdf(_) => {
            let found = "is a row of files of which each is a movie or document of its own".to_owned();
            Plan::Unsupported(Reason::new(Code::NotMedia, found, "publish them one by one"))
        }
        Kind::OtherImage(image) => match other_image(image) {
            Plan::NeedsTranscode(reason) if !reason.needs_lut => frames(&image.format.to_string()),
            other => other,
        },
    }
}

fn other_movie(format: MovieFormat, codec: Option<&str>) -> Plan {
    let with_codec = codec.map_or_else(String::new, |codec| format!(" with {codec}"));
    let found = format!("is {format}{with_codec}, which not every browser plays");
    if format == MovieFormat::Red {
        let remedy = "develop it and export an mp4 from an editing or grading program";
        return Plan::Unsupported(Reason::new(Code::MovieContainer, found, remedy));
    }
    if format == MovieFormat::Fragmented {
        return Plan::NeedsTranscode(Reason::new(
            Code::MovieFragmented,
            "is a fragmented movie, so that its length and frames are unknown".to_owned(),
            "write it in one piece, without loss, with ffmpeg -i IN -c copy -movflags +faststart OUT.mp4",
        ));
    }
    let remedy = "write an mp4, with ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p -movflags +faststart OUT.mp4";
    Plan::NeedsTranscode(Reason::new(Code::MovieContainer, found, remedy))
}

fn other_image(image: &OtherImage) -> Plan {
    let found = format!("is {}, which not every browser shows", image.format);
    if let Some(how) = unlike_a_screen(image.encoding) {
        return Plan::NeedsTranscode(Reason {
            code: Code::SceneLinear,
            found: format!("is {}, {how}, so that nobody can know how it should look", image.format),
            remedy: "give the LUT that takes it to the screen, or publish a jpg, png or mp4 made through OCIO"
                .to_owned(),
            needs_lut: true,
        });
    }
    match (image.format, image.animated) {
        (StillFormat::CanonRaw, _) => {
            Plan::Unsupported(Reason::new(Code::NotMedia, found, "develop it and export a jpg or png"))
        }
        // ffmpeg reads these in its newest versions only, and there not all of them.
        (StillFormat::Heif | StillFormat::Avif, _) | (StillFormat::WebP, true) => {
            Plan::NeedsEncode(Reason::new(Code::NotMedia, found, "convert it to jpg, png or mp4"))
        }
        (_, true) => Plan::NeedsTranscode(Reason::new(
            Code::NotMedia,
            format!("is {} that moves, and ftrack shows jpg and png as they are", image.format),
            "convert it to mp4",
        )),
        (StillFormat::WebP | StillFormat::Gif, false) => Plan::NeedsTranscode(Reason::new(
            Code::NotMedia,
            format!("is {}, and ftrack shows jpg and png as they are", image.format),
            "convert it to jpg or png",
        )),
        _ => Plan::NeedsTranscode(Reason::new(Code::NotMedia, found, "convert it to jpg or png")),
    }
}

/// What is said of values that a screen does not show as they are.
fn unlike_a_screen(encoding: Encoding) -> Option<&'static str> {
    match encoding {
        Encoding::Display => None,
        Encoding::SceneLinear => Some("scene-linear"),
        Encoding::Logarithmic => Some("logarithmic"),
        Encoding::Unsaid => Some("and its header does not say whether it is logarithmic"),
    }
}
