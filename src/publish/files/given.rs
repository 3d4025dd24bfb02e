//! What a host says of a file that it publishes beside the main one.

use crate::publish::ids::{self, Slot};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a file is to be; in the outbox by these names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What its content says.
    #[default]
    Auto,
    /// A movie that reviewers open.
    Movie,
    /// An image that reviewers open.
    Image,
    /// A document that reviewers open.
    Pdf,
    /// What lists show.
    Thumbnail,
    /// A component that is uploaded as it is.
    Component,
    /// A component that is registered by its path.
    Unmanaged,
    /// A sequence of frames, with a component for each.
    Sequence,
}

/// What is done about frames that are missing; in the outbox by these names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnHoles {
    /// The publish fails.
    #[default]
    Refuse,
    /// The frame before is shown for as long.
    Hold,
    /// The movie is shorter.
    LeaveOut,
}

impl OnHoles {
    /// For serde.
    pub fn is_refuse(&self) -> bool {
        *self == OnHoles::Refuse
    }
}

/// One file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenFile {
    /// The file, or the notation of a sequence.
    pub path: PathBuf,
    /// What it is to be.
    #[serde(default, skip_serializing_if = "is_auto")]
    pub role: Role,
    /// The name of its component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component_name: Option<String>,
    /// Whether the frames of a sequence are uploaded, rather than registered by their paths.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub upload: bool,
}

fn is_auto(role: &Role) -> bool {
    *role == Role::Auto
}

impl GivenFile {
    /// The name of its component where that does not depend on what is in it.
    pub fn name(&self) -> Option<String> {
        match self.role {
            Role::Auto | Role::Movie | Role::Image => None,
            Role::Thumbnail => Some(ids::THUMBNAIL.to_owned()),
            Role::Pdf => Some(self.component_name.clone().unwrap_or_else(|| ids::PDF.to_owned())),
            Role::Component | Role::Unmanaged => Some(self.component_name.clone().unwrap_or_else(|| stem(&self.path))),
            Role::Sequence => Some(self.component_name.clone().unwrap_or_else(|| head(&self.path))),
        }
    }

    /// What its id is made from, if it is a component of its own.
    pub fn slot(&self) -> Option<Slot> {
        match self.role {
            Role::Component | Role::Unmanaged | Role::Sequence => self.name().map(Slot::Named),
            _ => None,
        }
    }
}

/// The file's name without its ending.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// What all frames begin with: `shot` of `shot.%04d.exr [1-5]` and of `shot.1001.exr`.
pub fn head(path: &Path) -> String {
    const SEPARATORS: [char; 4] = ['.', '_', '-', ' '];
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let head = match name.find(['%', '#', '@', '$', '[']) {
        Some(sign) => &name[..sign],
        // One frame of many.
        None => {
            let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
            stem.trim_end_matches(|character: char| character.is_ascii_digit())
        }
    };
    // A range in place stands before its sign: `shot.1001-1100#.exr`.
    let head = head.trim_end_matches(|character: char| character.is_ascii_digit() || SEPARATORS.contains(&character));
    if head.is_empty() { "sequence".to_owned() } else { head.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_called_like_its_file_and_a_sequence_like_what_its_frames_begin_with() {
        assert_eq!(stem(Path::new("/a/scene_v002.nk")), "scene_v002");
        assert_eq!(stem(Path::new("/a/Makefile")), "Makefile");
        for (path, name) in [
            ("/a/shot.%04d.exr", "shot"),
            ("/a/shot.%04d.exr [1-5, 7]", "shot"),
            ("/a/shot_####.exr", "shot"),
            ("/a/shot.$F4.exr", "shot"),
            ("/a/shot.[1001-1100].exr", "shot"),
            ("/a/shot.1001-1100#.exr", "shot"),
            ("/a/shot.1001.exr", "shot"),
            ("/a/größe.1001.exr", "größe"),
            ("/a/1001.exr", "sequence"),
        ] {
            assert_eq!(head(Path::new(path)), name, "{path}");
        }
    }
}
