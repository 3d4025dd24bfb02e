//! What a form says that a file is.

use crate::media;
use std::path::Path;

/// What is said where nothing is known: bytes.
const UNKNOWN: &str = "application/octet-stream";

/// Extensions and what the registry of media types (IANA) calls them; those that it does not know are what browsers send.
const TYPES: [(&[&str], &str); 34] = [
    (&["mp4", "m4v", "f4v"], "video/mp4"),
    (&["mov", "qt"], "video/quicktime"),
    (&["webm"], "video/webm"),
    (&["mkv"], "video/matroska"),
    (&["avi"], "video/vnd.avi"),
    (&["mxf"], "application/mxf"),
    (&["mpg", "mpeg"], "video/mpeg"),
    (&["ts", "m2ts", "mts"], "video/mp2t"),
    (&["3gp"], "video/3gpp"),
    (&["3g2"], "video/3gpp2"),
    (&["m4a"], "audio/mp4"),
    (&["mp3"], "audio/mpeg"),
    (&["wav"], "audio/wav"),
    (&["flac"], "audio/flac"),
    (&["ogg", "ogv"], "application/ogg"),
    (&["jpg", "jpeg", "jpe", "jfif"], "image/jpeg"),
    (&["png"], "image/png"),
    (&["gif"], "image/gif"),
    (&["webp"], "image/webp"),
    (&["tif", "tiff"], "image/tiff"),
    (&["exr"], "image/x-exr"),
    (&["dpx"], "image/x-dpx"),
    (&["tga"], "image/x-tga"),
    (&["psd"], "image/vnd.adobe.photoshop"),
    (&["hdr"], "image/vnd.radiance"),
    (&["avif"], "image/avif"),
    (&["heic"], "image/heic"),
    (&["svg"], "image/svg+xml"),
    (&["pdf"], "application/pdf"),
    (&["json"], "application/json"),
    (&["txt", "log", "edl"], "text/plain"),
    (&["csv"], "text/csv"),
    (&["xml"], "application/xml"),
    (&["zip"], "application/zip"),
];

/// By the content where it is media that this library knows, else by the extension. Reads the file: on a blocking thread.
pub fn content_type(path: &Path) -> &'static str {
    let named = || path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default();
    let extension = match media::probe(path) {
        Ok(media) if !media.file_type.is_empty() => media.file_type.trim_start_matches('.').to_owned(),
        _ => named(),
    };
    let known = TYPES.iter().find(|(extensions, _)| extensions.contains(&extension.as_str()));
    known.map_or(UNKNOWN, |(_, content_type)| content_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_are_known_by_their_content_and_other_files_by_their_name() {
        let folder = tempfile::tempdir().unwrap();
        let sample = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media").join(name);
        let misnamed = folder.path().join("frame.txt");
        std::fs::copy(sample("still.png"), &misnamed).unwrap();
        let other = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "no media").unwrap();
            path
        };
        for (path, expected) in [
            (sample("h264.mp4"), "video/mp4"),
            (sample("h264.mov"), "video/quicktime"),
            (misnamed, "image/png"),
            (other("cut.EDL"), "text/plain"),
            (other("data.json"), "application/json"),
            (other("scene.blend"), UNKNOWN),
            (other("noextension"), UNKNOWN),
        ] {
            assert_eq!(content_type(&path), expected, "{}", path.display());
        }
    }
}
