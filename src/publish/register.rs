//! Components whose bytes stay where they are: the server is told their paths, in its location for what it does not manage.
//! And sequences, whose frames are registered in this way or uploaded.

use super::files::{ByPath, Frame, FrameSequence};
use super::ids::{SERVER_LOCATION, Slot, UNMANAGED_LOCATION};
use super::part::{Attached, Part};
use super::store::store_frames;
use super::version::attributes;
use super::work::Work;
use crate::ftrack::{Filter, Operation, Query};
use crate::session::blocking::blocking;
use crate::session::event::Component;
use crate::session::{Result, Source, policy};
use serde_json::json;
use std::sync::Arc;

/// Creates them. Without a version nobody sees them.
pub async fn register(work: &Work, files: &[ByPath]) -> Result<Vec<Attached>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = files.iter().map(|file| work.ids.of(&file.slot)).collect();
    work.made.lock().components.extend(ids.iter().cloned());
    let there = if work.may_have_been_tried() { work.existing("FileComponent", &ids).await? } else { Vec::new() };
    let mut operations = Vec::new();
    for (file, id) in files.iter().zip(&ids).filter(|(_, id)| !there.contains(id)) {
        let component =
            [("name", json!(file.name)), ("file_type", json!(file.file_type)), ("size", json!(file.size_bytes))];
        operations.push(Operation::create("FileComponent", id, attributes(component)));
        operations.push(located(work, &file.slot, UNMANAGED_LOCATION, &file.path.to_string_lossy()));
    }
    if !operations.is_empty() {
        let missing = ids.iter().filter(|id| !there.contains(id)).cloned();
        let probe = Query::select(&["id"], "FileComponent").filter(Filter::within("id", missing));
        work.beginning(work.client().commit(&operations, &probe)).await?;
    }
    let attached = |(file, id): (&ByPath, String)| Attached {
        entity_type: "FileComponent",
        component: Component { name: file.name.clone(), id, location_id: UNMANAGED_LOCATION },
    };
    Ok(files.iter().zip(ids).map(attached).collect())
}

/// Creates a sequence, with its frames.
pub async fn register_sequence(work: &Work, sequence: &FrameSequence) -> Result<(Attached, Vec<String>)> {
    let id = work.ids.of(&sequence.slot);
    {
        let mut made = work.made.lock();
        if !made.sequences.contains(&id) {
            made.sequences.push(id.clone());
        }
    }
    let ids = [id.clone()];
    let is_there = work.may_have_been_tried() && !work.existing("SequenceComponent", &ids).await?.is_empty();
    let location_id = if sequence.upload { SERVER_LOCATION } else { UNMANAGED_LOCATION };
    if !is_there {
        let component = [
            ("name", json!(sequence.name)),
            ("file_type", json!(sequence.file_type)),
            ("size", json!(sequence.size_bytes())),
            ("padding", json!(sequence.padding())),
        ];
        let path = sequence.printf_path();
        let place = if sequence.upload { id.clone() } else { path.to_string_lossy().into_owned() };
        let operations = [
            Operation::create("SequenceComponent", &id, attributes(component)),
            located(work, &sequence.slot, location_id, &place),
        ];
        let probe = Query::select(&["id"], "SequenceComponent").filter(Filter::equals("id", &id));
        work.beginning(work.client().commit(&operations, &probe)).await?;
    }
    let frames: Vec<Frame> = sequence.frames().collect();
    let mut warnings = Vec::new();
    for frames in frames.chunks(policy::FRAMES_TOGETHER) {
        match sequence.upload {
            true => warnings.extend(store_frames(work, sequence, open(sequence, frames).await?).await?),
            false => register_frames(work, sequence, &id, frames).await?,
        }
    }
    let component = Component { name: sequence.name.clone(), id, location_id };
    Ok((Attached { entity_type: "SequenceComponent", component }, warnings))
}

/// Opens a few frames, to be uploaded.
async fn open(sequence: &FrameSequence, frames: &[Frame]) -> Result<Vec<Part>> {
    let (sequence, frames) = (sequence.clone(), frames.to_vec());
    blocking(move || {
        let part = |frame: Frame| {
            Ok(Part {
                slot: Slot::Frame(sequence.name.clone(), frame.number),
                name: frame.name,
                file_type: sequence.file_type.clone(),
                source: Arc::new(Source::open(&frame.path)?),
                meta: None,
            })
        };
        frames.into_iter().map(part).collect()
    })
    .await
}

/// Tells the server the paths of a few frames.
async fn register_frames(work: &Work, sequence: &FrameSequence, container_id: &str, frames: &[Frame]) -> Result<()> {
    let slot = |frame: &Frame| Slot::Frame(sequence.name.clone(), frame.number);
    let ids: Vec<String> = frames.iter().map(|frame| work.ids.of(&slot(frame))).collect();
    let there = if work.may_have_been_tried() { work.existing("FileComponent", &ids).await? } else { Vec::new() };
    let paths: Vec<_> = frames.iter().map(|frame| frame.path.clone()).collect();
    let sizes = blocking(move || {
        Ok(paths.iter().map(|path| std::fs::metadata(path).map_or(0, |metadata| metadata.len())).collect::<Vec<_>>())
    });
    let mut operations = Vec::new();
    for ((frame, id), size) in frames.iter().zip(&ids).zip(sizes.await?).filter(|((_, id), _)| !there.contains(id)) {
        let component = [
            ("name", json!(frame.name)),
            ("file_type", json!(sequence.file_type)),
            ("size", json!(size)),
            ("container_id", json!(container_id)),
        ];
        operations.push(Operation::create("FileComponent", id, attributes(component)));
        operations.push(located(work, &slot(frame), UNMANAGED_LOCATION, &frame.path.to_string_lossy()));
    }
    if !operations.is_empty() {
        let missing = ids.iter().filter(|id| !there.contains(id)).cloned();
        let probe = Query::select(&["id"], "FileComponent").filter(Filter::within("id", missing));
        work.beginning(work.client().commit(&operations, &probe)).await?;
    }
    Ok(())
}

fn located(work: &Work, slot: &Slot, location_id: &str, place: &str) -> Operation {
    let location = [
        ("component_id", json!(work.ids.of(slot))),
        ("location_id", json!(location_id)),
        ("resource_identifier", json!(place)),
    ];
    Operation::create("ComponentLocation", &work.ids.location_of(slot), attributes(location))
}
