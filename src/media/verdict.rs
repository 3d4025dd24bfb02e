//! Whether browsers show a file as it is, and if not, the whole of what mends it.

use super::h264::{Chroma, PixelFormat};
use super::{Kind, Media, Movie};
use crate::session::{Code, Error, Result};

/// Says whether every current browser shows the file as it is.
///
/// The error has a code for the reason; its message says what was found, in which file, and the ffmpeg command that
/// mends all of it at once. What plays with a flaw is no error but in `Media::warnings`.
pub fn verdict(media: &Media) -> Result<()> {
    // What browsers do not show is refused by `probe`; what `look` knows beyond that, `plan` speaks of.
    let Kind::Movie(movie) = &media.kind else { return Ok(()) };
    let Some(Objection { code, found }) = objection(movie) else { return Ok(()) };
    let message = format!("'{}' {found}: {}", media.source.path().display(), remedy(movie));
    Err(super::with_path(Error::new(code, message), media.source.path()))
}

/// Why a movie does not play everywhere.
pub(super) struct Objection {
    /// Its code.
    pub code: Code,
    /// What was found: a predicate of the file.
    pub found: String,
}

/// The first reason why a movie does not play everywhere, if there is one.
pub(super) fn objection(movie: &Movie) -> Option<Objection> {
    let object = |code, found| Some(Objection { code, found });
    if !movie.codec.is_h264() {
        return object(Code::MovieCodec, format!("is {}, which not every browser plays", movie.codec));
    }
    let format = movie.pixel_format.map_or_else(|| "an unknown pixel format".to_owned(), |format| format.to_string());
    // Before the pixel format: 4:2:0 cannot be odd, so who mends only the format meets this next.
    if is_odd(movie) {
        let size = format!("is {}x{} ({format}), and browsers play even sizes only", movie.width, movie.height);
        return object(Code::MovieOddSize, size);
    }
    if !movie.pixel_format.is_some_and(plays) {
        let found = format!("is H.264 in {format}, and browsers play 8-bit 4:2:0 (yuv420p) only");
        return object(Code::MoviePixelFormat, found);
    }
    // Lossless x264 is the usual case: 8-bit 4:2:0 in a profile that hardware decoders refuse.
    let profile = movie.profile.filter(|profile| !profile.plays())?;
    object(Code::MoviePixelFormat, format!("is H.264 in the profile {profile}, which not every browser plays"))
}

/// The command that makes a movie of it that plays.
pub(super) fn remedy(movie: &Movie) -> String {
    let pad = if is_odd(movie) { "-vf \"pad=ceil(iw/2)*2:ceil(ih/2)*2\" " } else { "" };
    format!(
        "encode it with ffmpeg -i IN {pad}-c:v libx264 -profile:v high -pix_fmt yuv420p -movflags +faststart OUT.mp4"
    )
}

fn is_odd(movie: &Movie) -> bool {
    movie.width % 2 == 1 || movie.height % 2 == 1
}

fn plays(format: PixelFormat) -> bool {
    format.chroma == Chroma::C420 && format.bit_depth == 8
}
