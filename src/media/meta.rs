//! What ftrack's player is told about a file: the metadata `ftr_meta` on its component.

use serde_json::{Value, json};

use super::{Kind, Media};

/// The value of `ftr_meta`, to be written as JSON text.
///
/// Frames count from zero and the last one is included: 100 frames are 0 to 99, as ftrack's JavaScript client has it.
/// Width and height are in ftrack's documentation since 2.1.2, but AYON leaves them out because some servers then did
/// not play the movie; `with_size` decides.
pub fn ftr_meta(media: &Media, with_size: bool) -> Value {
    let (mut meta, size) = match &media.kind {
        Kind::Movie(movie) => (
            json!({
                "frameIn": 0,
                "frameOut": movie.frames.saturating_sub(1),
                "frameRate": movie.frame_rate.as_f64(),
            }),
            Some(movie.shown_size()),
        ),
        Kind::Image(image) => (json!({ "format": "image" }), Some((image.width, image.height))),
        Kind::OtherImage(image) => (json!({ "format": "image" }), image.width.zip(image.height)),
        // Its frames and rate are not known.
        Kind::OtherMovie(movie) => (json!({}), movie.width.zip(movie.height)),
        Kind::Pdf(_) => (json!({ "format": "pdf" }), None),
    };
    if let Some((width, height)) = size.filter(|_| with_size) {
        meta["width"] = width.into();
        meta["height"] = height.into();
    }
    meta
}
