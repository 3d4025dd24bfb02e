//! The ids of one publish, all made before the first is used (ftrack's ids are the client's to make: the
//! schema's default `{uid}`). Sending the same operation twice therefore cannot make two of anything.

use uuid::Uuid;

/// The location of media that ftrack's web player reads (official Python client, symbol.py).
pub const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

/// The location of components whose bytes stay where they are (as above).
pub const UNMANAGED_LOCATION: &str = "cb268ecc-8809-11e3-a7e2-20c9d081909b";

/// The asset type that every server has (official Adobe plug-in, share.js).
pub const UPLOAD_TYPE: &str = "8f4144e0-a8e6-11e2-9e96-0800200c9a66";

/// The object type of tasks (a server's query_schemas, classifier of Task).
pub const TASK_TYPE: &str = "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c";

/// The names by which ftrack's player finds a movie and a still (official documentation, web review).
pub const MOVIE: &str = "ftrackreview-mp4";
/// As `MOVIE`.
pub const IMAGE: &str = "ftrackreview-image";
/// Of movies beside `MOVIE`, with the heights that they are for. Servers show them since 4.5.
pub const LARGER_MOVIES: [(u32, &str); 3] =
    [(1080, "ftrackreview-mp4-1080"), (1440, "ftrackreview-mp4-1440"), (2160, "ftrackreview-mp4-2160")];
/// Of a larger image beside `IMAGE`. Servers show it since 4.5.
pub const LARGER_IMAGE: &str = "ftrackreview-image-high";
/// The name that ftrack's recipes give a document. Its player goes by `ftr_meta`, and no name is reserved.
pub const PDF: &str = "ftrackreview-pdf";

/// The name of a thumbnail's component (official documentation, thumbnails).
pub const THUMBNAIL: &str = "thumbnail";

/// What a component is of one publish. Its id is made from this, so that every try finds the same one, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// What reviewers open.
    Media,
    /// What lists show, where it is a file of its own.
    Thumbnail,
    /// What hangs on the note, by its place there.
    Attachment(usize),
    /// Any other, by its name.
    Named(String),
    /// A frame of the sequence with this name.
    Frame(String, i64),
}

impl Slot {
    /// The sequence that a frame belongs to.
    pub fn sequence(&self) -> Option<Slot> {
        match self {
            Slot::Frame(name, _) => Some(Slot::Named(name.clone())),
            _ => None,
        }
    }

    fn what(&self) -> String {
        match self {
            Slot::Media => "component".to_owned(),
            Slot::Thumbnail => "thumbnail".to_owned(),
            Slot::Attachment(index) => format!("note attachment {index}"),
            Slot::Named(name) => format!("component: {name}"),
            Slot::Frame(name, frame) => format!("frame {frame} of component: {name}"),
        }
    }
}

/// Ids of what one publish creates: each is made from the publish's key and from what it is for, so that every try of the same
/// publish, in whichever process, has the same ones.
#[derive(Clone, Debug)]
pub struct Ids {
    key: String,
    /// Besides the media and the thumbnail.
    others: Vec<Slot>,
    /// The media.
    pub component: String,
    /// The version.
    pub version: String,
}

impl Ids {
    /// Those that belong to a key, of a publish that may make `others` besides the media and the thumbnail.
    pub fn new(key: &str, others: Vec<Slot>) -> Ids {
        let component = |slot: Slot| id(key, &slot.what());
        Ids { component: component(Slot::Media), version: id(key, "version"), key: key.to_owned(), others }
    }

    /// Every component that a publish may make. Frames go with their sequence.
    pub fn components(&self) -> Vec<String> {
        [&Slot::Media, &Slot::Thumbnail].into_iter().chain(&self.others).map(|slot| self.of(slot)).collect()
    }

    /// A component.
    pub fn of(&self, slot: &Slot) -> String {
        id(&self.key, &slot.what())
    }

    /// Anything else that is made once by one publish, such as its note.
    pub fn of_what(&self, what: &str) -> String {
        id(&self.key, &format!("besides: {what}"))
    }

    /// That component's location.
    pub fn location_of(&self, slot: &Slot) -> String {
        match slot {
            Slot::Media | Slot::Thumbnail => id(&self.key, &format!("{} location", slot.what())),
            slot => id(&self.key, &format!("location of {}", slot.what())),
        }
    }
}

fn id(key: &str, what: &str) -> String {
    Uuid::new_v5(&KEYS, format!("{what}\n{key}").as_bytes()).to_string()
}

/// The namespace of ids made from keys, drawn once for this purpose.
const KEYS: Uuid = Uuid::from_u128(0x6f3b_91d4_0c7e_4a1b_8f52_d6e9_37a8_b05c);

/// The id of what is to be created and found by others, such as a list: the same for everybody who creates it, so that two
/// machines make one of it.
pub fn shared(entity_type: &str, names: &[&str]) -> String {
    /// Drawn once for this purpose.
    const NAMESPACE: Uuid = Uuid::from_u128(0x9a41_70be_52d3_4f06_a9c8_1be7_64d0_f32b);
    let names = names.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>().join("\n");
    Uuid::new_v5(&NAMESPACE, format!("{entity_type}\n{names}").as_bytes()).to_string()
}

/// The id of an asset that is to be created: the same for everybody who creates it, so that two machines that publish the
/// first version of a thing at the same moment make one asset and not two.
pub fn asset(parent_id: &str, type_id: &str, name: &str) -> String {
    /// Any constant will do; this one was drawn once for this purpose.
    const NAMESPACE: Uuid = Uuid::from_u128(0x3d0c_5a0b_3c55_4b7e_9b0e_6a5d_8f0e_21c4);
    Uuid::new_v5(&NAMESPACE, format!("{parent_id}\n{type_id}\n{name}").as_bytes()).to_string()
}
