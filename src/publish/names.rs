//! A default name for the asset: the file's, without what changes from version to version.

use std::path::Path;

/// `sh010_comp_v003.mov` is `sh010_comp`: versions of one thing must find the same asset.
pub fn asset_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let name = without_version(&stem);
    if name.is_empty() { stem.into_owned() } else { name.to_owned() }
}

/// The same of a sequence, by what its frames begin with: `shot_v003.%04d.exr` is `shot`.
pub fn of_sequence(head: &str) -> String {
    let name = without_version(head);
    if name.is_empty() { head.to_owned() } else { name.to_owned() }
}

/// Cuts a version at the end: `_v003`, `.v3`, `-V012`, and a lone `v003` not at all.
fn without_version(stem: &str) -> &str {
    let digits = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    if digits.len() == stem.len() {
        return stem;
    }
    let Some(before) = digits.strip_suffix(['v', 'V']) else { return stem };
    match before.strip_suffix(['_', '.', '-', ' ']) {
        Some(name) => name.trim_end_matches(['_', '.', '-', ' ']),
        None => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_file_without_ending_and_version() {
        for (path, name) in [
            ("/shots/sh010/sh010_comp_v003.mov", "sh010_comp"),
            ("comp.V12.mp4", "comp"),
            ("comp-v1.mp4", "comp"),
            ("hero shot v02.png", "hero shot"),
            ("v003.mp4", "v003"),
            ("_v003.mp4", "_v003"),
            ("rev3.mp4", "rev3"),
            ("comp_1001.jpg", "comp_1001"),
            ("overview5.mp4", "overview5"),
            ("dialog_v2_final.mp4", "dialog_v2_final"),
            ("størrelse_v001.mp4", "størrelse"),
        ] {
            assert_eq!(asset_name(Path::new(path)), name, "{path}");
        }
    }
}
