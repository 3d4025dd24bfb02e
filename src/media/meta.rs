//! What ftrack's player is told about a file: the metadata `ftr_meta` on its component.

use serde_json::{Map, Value, json};

use super::{Kind, Media};

/// What sources disagree about, chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaForm {
    /// Without width and height. They are in ftrack's documentation since 2.1.2, but AYON leaves them out because some
    /// servers then did not play the movie.
    pub without_size: bool,
    /// The number of the first frame: 0 in ftrack's documentation.
    pub first_frame: i64,
    /// What `frameOut` is.
    pub frame_out: FrameOut,
    /// Put over what was found, key by key; `null` takes a key away.
    pub over: Map<String, Value>,
}

/// What `frameOut` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrameOut {
    /// The number of the last frame: of 100 frames from 0 it is 99, as ftrack's JavaScript client has it.
    #[default]
    Last,
    /// One more, as AYON and ftrack's recipes have it.
    Count,
}

/// The value of `ftr_meta`, to be written as JSON text. `with_size` says whether it has width and height.
pub fn ftr_meta(media: &Media, with_size: bool) -> Value {
    ftr_meta_in(media, &MetaForm { without_size: !with_size, ..MetaForm::default() })
}

/// The same in a form of the host's choice.
pub fn ftr_meta_in(media: &Media, form: &MetaForm) -> Value {
    let (mut meta, size) = match &media.kind {
        Kind::Movie(movie) => {
            let frames = i64::try_from(movie.frames).unwrap_or(i64::MAX);
            let end = form.first_frame.saturating_add(frames);
            let frame_out = match form.frame_out {
                FrameOut::Last => end.saturating_sub(1).max(form.first_frame),
                FrameOut::Count => end,
            };
            let meta = json!({
                "frameIn": form.first_frame,
                "frameOut": frame_out,
                "frameRate": movie.frame_rate.as_f64(),
            });
            (meta, Some(movie.shown_size()))
        }
        Kind::Image(image) => (json!({ "format": "image" }), Some((image.width, image.height))),
        Kind::OtherImage(image) => (json!({ "format": "image" }), image.width.zip(image.height)),
        // Its frames and rate are not known.
        Kind::OtherMovie(movie) => (json!({}), movie.width.zip(movie.height)),
        Kind::Pdf(_) => (json!({ "format": "pdf" }), None),
    };
    if let Some((width, height)) = size.filter(|_| !form.without_size) {
        meta["width"] = width.into();
        meta["height"] = height.into();
    }
    if let Value::Object(meta) = &mut meta {
        for (key, value) in &form.over {
            match value {
                // In the order that it was found in: what follows stays where it is.
                Value::Null => drop(meta.shift_remove(key)),
                value => drop(meta.insert(key.clone(), value.clone())),
            }
        }
    }
    meta
}
