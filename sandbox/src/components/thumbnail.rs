//! Scaled images, kept beside the storage, and the one shown where there is none.

use std::io::{self, Cursor, Write};
use std::path::Path;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, ImageReader};
use tempfile::NamedTempFile;

use crate::storage::{File, Storage};

/// Pixels on the longer side when none are asked for, as in the JavaScript client.
pub(super) const DEFAULT_SIZE: u32 = 300;

/// Smallest and largest thumbnail in pixels. The upper bound keeps one request from asking for gigabytes.
const SIZES: std::ops::RangeInclusive<u32> = 16..=2048;

const PLACEHOLDER: &[u8] = include_bytes!("../../web/no-thumbnail.png");

/// JPEG quality: no visible artefacts at thumbnail size.
const QUALITY: u8 = 85;

/// The component's image scaled to fit `size` x `size`, with its media type. `None` when there is no data or they
/// are no image that can be read. Blocks.
pub(super) fn scaled(storage: &Storage, component_id: &str, size: u32) -> Option<(File, &'static str)> {
    let size = size.clamp(*SIZES.start(), *SIZES.end());
    let source = storage.file(component_id)?;
    let folder = storage.derived_folder(component_id)?;
    // The ETag in the name: replaced data get a new thumbnail.
    let key = format!("{size}-{}", source.etag.trim_matches('"'));
    let etag = format!("\"{key}\"");
    let kept = |extension: &str| folder.join(format!("{key}.{extension}"));
    for (extension, content_type) in [("jpg", "image/jpeg"), ("png", "image/png")] {
        if kept(extension).is_file() {
            return Some((File { path: kept(extension), etag }, content_type));
        }
    }
    let image = decode(&source.path)?;
    let small = if image.width().max(image.height()) > size { image.thumbnail(size, size) } else { image };
    let (bytes, extension, content_type) = encode(&small)?;
    keep(&folder, &kept(extension), &bytes).ok()?;
    Some((File { path: kept(extension), etag }, content_type))
}

/// A neutral picture that says "nothing to show", at the address the JavaScript client falls back to.
pub(super) fn placeholder() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CONTENT_LOCATION, "/img/thumbnail2.png"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, PLACEHOLDER).into_response()
}

fn decode(path: &Path) -> Option<DynamicImage> {
    ImageReader::open(path).ok()?.with_guessed_format().ok()?.decode().ok()
}

fn encode(image: &DynamicImage) -> Option<(Vec<u8>, &'static str, &'static str)> {
    let mut bytes = Cursor::new(Vec::new());
    if image.color().has_alpha() {
        image.to_rgba8().write_to(&mut bytes, ImageFormat::Png).ok()?;
        return Some((bytes.into_inner(), "png", "image/png"));
    }
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&image.to_rgb8()).ok()?;
    Some((bytes.into_inner(), "jpg", "image/jpeg"))
}

fn keep(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
