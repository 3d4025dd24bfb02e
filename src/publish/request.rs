//! What a host asks for.

use super::around::Around;
use super::context::Context;
use super::files::{GivenFile, OnHoles, Role, Wish, head, rate};
use super::ids::{self, Slot};
use super::names;
use crate::ftrack::settings::Variables;
use crate::media::sequence::Pattern;
use crate::media::{FrameOut, MetaForm, Rational};
use crate::session::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One publish, as the host said it. What the outbox keeps of it has the names of the fields, and those that are not set are
/// left out: an older version of the library reads what a newer one wrote unless it uses something that the older does not know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The movie or still.
    pub path: PathBuf,
    /// An id, or names from the project down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The asset's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_name: Option<String>,
    /// Name or short name of an asset type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_type: Option<String>,
    /// The version's comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The name of a version status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// An image for lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<PathBuf>,
    /// Whether a movie's `ftr_meta` leaves width and height out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub meta_without_size: bool,
    /// Whether the outbox keeps a copy of the files.
    #[serde(default, skip_serializing_if = "is_false")]
    pub copy_source: bool,
    /// The same for every try of one publish: its ids are made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The topic of the event that tells others of the version; nothing is the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce_topic: Option<String>,
    /// What that event says besides.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub announce_data: Map<String, Value>,
    /// Files beside the main one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<GivenFile>,
    /// Put over what `ftr_meta` says by itself.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
    /// Whether `frameOut` counts one more than the number of the last frame.
    #[serde(default, skip_serializing_if = "is_false")]
    pub meta_frame_out_count: bool,
    /// The number of a movie's first frame.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first_frame: i64,
    /// What is done about frames that are missing.
    #[serde(default, skip_serializing_if = "OnHoles::is_refuse")]
    pub on_holes: OnHoles,
    /// Whether the main path is a sequence also where it is the name of one frame.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_sequence: bool,
    /// Frames a second, of frames, or of the movie that is made of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<String>,
    /// Heights of the movies that are made; none is one of the usual height.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renditions: Vec<u32>,
    /// ffmpeg's arguments instead of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ffmpeg_arguments: Option<Vec<String>>,
    /// How values become those of a display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lut: Option<PathBuf>,
    /// Whether values are those of a display, whatever the file says.
    #[serde(default, skip_serializing_if = "is_false")]
    pub display_referred: bool,
    /// Whether the task shows the thumbnail, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub task_thumbnail: bool,
    /// Whether the asset's parent shows the thumbnail, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub parent_thumbnail: bool,
    /// What comes with the version besides its media.
    #[serde(default, skip_serializing_if = "is_default")]
    pub around: Around,
    /// Whether the context is the version that gets the media.
    #[serde(default, skip_serializing_if = "is_false")]
    pub into_version: bool,
    /// How the file becomes something that browsers play.
    #[serde(default, skip_serializing_if = "Mode::is_auto")]
    pub mode: Mode,
    /// Whether the version keeps a source that the server encodes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_original: bool,
    /// How long the server may take to encode it; nothing is the policy's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode_timeout_ms: Option<u64>,
}

/// How a file becomes something that browsers play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The library chooses.
    #[default]
    Auto,
    /// It is that already.
    Direct,
    /// The server encodes it.
    Encode,
    /// ffmpeg makes it, on this machine.
    Transcode,
}

impl Mode {
    fn is_auto(&self) -> bool {
        *self == Mode::Auto
    }
}

/// What is not set is left out.
fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// What is not set is left out.
fn is_default(around: &Around) -> bool {
    *around == Around::default()
}

impl Request {
    /// Whether the host gives what lists show.
    pub fn has_thumbnail(&self) -> bool {
        self.thumbnail.is_some() || self.files.iter().any(|file| file.role == Role::Thumbnail)
    }

    /// Where the media go, if that is a version that is there.
    pub fn existing_version(&self) -> Option<String> {
        match Context::parse(self.context.as_deref().unwrap_or_default()) {
            Ok(Context::Id(id)) if self.into_version => Some(id),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn attachments_mut(&mut self) -> &mut [PathBuf] {
        self.around.note.as_mut().map(|note| note.attachments.as_mut_slice()).unwrap_or_default()
    }

    /// Files that hang on the note.
    pub fn attachments(&self) -> &[PathBuf] {
        self.around.note.as_ref().map(|note| note.attachments.as_slice()).unwrap_or_default()
    }

    /// The components that the publish may make, besides the media and the thumbnail: known before any file is looked at,
    /// because they are what a publish that fails for good takes back, also in another process.
    pub fn slots(&self) -> Vec<Slot> {
        let larger = ids::LARGER_MOVIES.iter().map(|(_, name)| *name).chain([ids::LARGER_IMAGE]);
        let larger = larger.map(|name| Slot::Named(name.to_owned()));
        let attachments = (0..self.attachments().len()).map(Slot::Attachment);
        larger.chain(self.files.iter().filter_map(GivenFile::slot)).chain(attachments).collect()
    }

    /// Those of them that are sequences.
    pub fn sequences(&self) -> impl Iterator<Item = Slot> {
        self.files.iter().filter(|file| file.role == Role::Sequence).filter_map(GivenFile::slot)
    }

    /// The asset's name, where the host gives none.
    pub fn default_asset_name(&self) -> String {
        let is_pattern = || Pattern::parse(&self.path.to_string_lossy()).is_ok_and(|pattern| pattern.is_some());
        match self.is_sequence || is_pattern() {
            true => names::of_sequence(&head(&self.path)),
            false => names::asset_name(&self.path),
        }
    }

    /// How `ftr_meta` is written.
    pub fn meta_form(&self) -> MetaForm {
        MetaForm {
            without_size: self.meta_without_size,
            first_frame: self.first_frame,
            frame_out: if self.meta_frame_out_count { FrameOut::Count } else { FrameOut::Last },
            over: self.meta.clone(),
        }
    }

    /// Frames a second, where the host says them. They were read when the publish was accepted.
    pub fn frame_rate(&self) -> Option<Rational> {
        self.frame_rate.as_deref().and_then(|text| rate::parse(text).ok())
    }

    /// What is wanted of the main file.
    pub fn wish(&self) -> Wish {
        Wish {
            mode: self.mode,
            frame_rate: self.frame_rate(),
            on_holes: self.on_holes,
            is_sequence: self.is_sequence,
            knows_colours: self.lut.is_some() || self.display_referred,
            copies: BTreeMap::new(),
        }
    }

    /// The files that the publish reads, beside the main one and the thumbnail.
    pub fn read_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(|file| !matches!(file.role, Role::Unmanaged | Role::Sequence)).map(|file| &file.path)
    }

    /// What can be said of the files without looking at them.
    fn check_files(&self) -> Result<()> {
        let mut names: Vec<String> = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            let wrong = |what: String| Err(Error::new(Code::InvalidArgument, format!("files[{index}].{what}")));
            if file.path.as_os_str().is_empty() {
                return wrong("path: is empty: give the path of a file".to_owned());
            }
            if file.component_name.as_ref().is_some_and(|name| name.trim().is_empty()) {
                return wrong("component_name: is empty: give a name, or NULL for the default".to_owned());
            }
            if file.role == Role::Thumbnail && file.component_name.is_some() {
                let remedy = "give FTR_ROLE_COMPONENT for another name";
                return wrong(format!(
                    "component_name: a thumbnail is called \"{}\": leave it NULL, or {remedy}",
                    ids::THUMBNAIL
                ));
            }
            if file.upload && file.role != Role::Sequence {
                return wrong("flags: FTR_FILE_UPLOAD_FRAMES is for FTR_ROLE_SEQUENCE only: leave it out".to_owned());
            }
            let Some(name) = file.name() else { continue };
            if names.contains(&name) || (file.role == Role::Thumbnail && self.thumbnail.is_some()) {
                return Err(Error::new(
                    Code::BadRole,
                    format!(
                        "files[{index}]: '{}' would be a second component \"{name}\" of the version: give it another \
                         component_name or role",
                        file.path.display()
                    ),
                ));
            }
            names.push(name);
        }
        Ok(())
    }

    /// The request with what the environment adds, or what is wrong with it as far as can be told at once.
    pub fn complete(mut self, variables: &Variables) -> Result<Request> {
        let empty = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
        for (argument, text, remedy) in [
            ("context", &self.context, "an id, or names such as project/sq010/sh010/compositing"),
            ("asset_name", &self.asset_name, "a name"),
            ("asset_type", &self.asset_type, "the name of an asset type"),
            ("status", &self.status, "the name of a status"),
            ("announce_topic", &self.announce_topic, "a topic such as \"studio.review.ready\""),
            ("idempotency_key", &self.idempotency_key, "a text that names this publish and no other"),
        ] {
            if empty(text) {
                return Err(Error::new(
                    Code::InvalidArgument,
                    format!("{argument}: is empty: give {remedy}, or NULL for the default"),
                ));
            }
        }
        if self.path.as_os_str().is_empty() {
            return Err(Error::new(Code::InvalidArgument, "path: is empty: give the path of a movie or still"));
        }
        self.check_files()?;
        if let Some(text) = &self.frame_rate {
            rate::parse(text)?;
        }
        let context = self.context.or_else(|| variables.context.clone()).ok_or_else(|| {
            Error::new(
                Code::NoContext,
                "context: was not given and FTRACK_CONTEXTID, FTRACK_TASKID and FTRACK_SHOTID are empty or not set: \
                 give an id, or names such as project/sq010/sh010/compositing",
            )
        })?;
        // What is wrong with its form is told at once; what it names, only the server knows.
        let is_id = matches!(Context::parse(&context)?, Context::Id(_));
        if self.into_version {
            if !is_id {
                let message = format!(
                    "context: \"{context}\" is no version, which FTR_PUBLISH_INTO_VERSION needs: give the version's id"
                );
                return Err(Error::new(Code::NotAVersion, message));
            }
            let of_asset = [("asset_name", &self.asset_name), ("asset_type", &self.asset_type)];
            if let Some((argument, _)) = of_asset.iter().find(|(_, given)| given.is_some()) {
                let message = format!(
                    "{argument}: was given with FTR_PUBLISH_INTO_VERSION, and the version has its asset already: leave it out"
                );
                return Err(Error::new(Code::InvalidArgument, message));
            }
        }
        self.context = Some(context);
        Ok(self)
    }
}
