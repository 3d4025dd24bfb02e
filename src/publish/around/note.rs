//! A note on the version, with its labels and what hangs on it.

use super::pieces::{About, Found, Instead, Piece, object};
use crate::ftrack::{Filter, Operation, Query};
use crate::publish::ids::Slot;
use crate::publish::resolve::Place;
use crate::publish::work::Work;
use serde_json::json;

/// The id of the note that a publish writes.
pub fn id(work: &Work) -> Option<String> {
    work.request.around.note.as_ref().map(|_| work.ids.of_what("note"))
}

/// The note, if there is to be one.
pub fn piece(work: &Work, place: &Place) -> Option<Piece> {
    let (note, id) = (work.request.around.note.as_ref()?, id(work)?);
    let operations = |text: &str, frame: Option<i64>| {
        let mut attributes = object([
            ("content", json!(text)),
            // Of notes on versions (protocol reference, 3.7).
            ("parent_type", json!("AssetVersion")),
            ("parent_id", json!(work.version_id())),
        ]);
        if let Some(author) = &place.around.author_id {
            attributes.insert("user_id".into(), json!(author));
        }
        if let Some(frame) = frame {
            attributes.insert("frame_number".into(), json!(frame));
        }
        let mut operations = vec![Operation::create("Note", &id, attributes)];
        operations.extend(place.around.label_ids.iter().map(|label| {
            Operation::create_with_key("NoteLabelLink", &[("note_id", &id), ("label_id", label)], object([]))
        }));
        operations.extend((0..note.attachments.len()).map(|index| {
            let component = work.ids.of(&Slot::Attachment(index));
            Operation::create_with_key("NoteComponent", &[("component_id", &component), ("note_id", &id)], object([]))
        }));
        operations
    };
    let (whole, text) = (operations(&note.text, note.frame), &note.text);
    let instead = note.frame.map(|frame| Instead {
        operations: operations(&format!("Frame {frame}: {text}"), None),
        warning: format!(
            "the server takes no note on a frame, so the note begins with \"Frame {frame}\": it may be older than its web player"
        ),
    });
    Some(Piece {
        about: About::Note,
        what: "its note".into(),
        probes: vec![Query::select(&["id"], "Note").filter(Filter::equals("id", &id))],
        left: Box::new(
            move |found: &Found| if found.iter().flatten().next().is_some() { Vec::new() } else { whole.clone() },
        ),
        instead,
    })
}
