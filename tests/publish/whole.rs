//! What a publish makes.

use super::host::{Publish, Staging, example};
use ftreview::ffi::constants::*;
use serde_json::{Value, json};

const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

#[test]
fn a_movie_is_published_with_its_thumbnail_and_read_back_byte_for_byte() {
    let staging = Staging::start();
    let session = staging.session();
    let ended = session
        .publish(&Publish {
            comment: Some("Softer key \"light\" \\ größer".into()),
            status: Some("pending review".into()),
            asset_type: Some("comp".into()),
            thumbnail: Some(example("thumbnail.jpg")),
            ..Publish::of(example("review.mp4"), "demo/sq010/sh010/compositing")
        })
        .done();
    assert_eq!(ended.warnings, [""; 0]);
    assert_eq!((ended.asset_name.as_str(), ended.version_number), ("review", 1));
    assert_eq!(ended.component_name, "ftrackreview-mp4");
    assert!(
        ended.link.starts_with(&format!("{}/#slideEntityId={}", staging.url(), ended.version_id)),
        "{}",
        ended.link
    );

    assert!(staging.stored(&ended.component_id) == std::fs::read(example("review.mp4")).unwrap());
    assert!(staging.stored(&ended.thumbnail_id) == std::fs::read(example("thumbnail.jpg")).unwrap());

    let version = &staging.query(&format!(
        "select version, comment, thumbnail_id, task_id, task.name, task.parent_id, status.name, asset.name, \
         asset.context_id, asset.type.short, is_published from AssetVersion where id is \"{}\"",
        ended.version_id
    ))[0];
    assert_eq!(version["version"], 1);
    assert_eq!(version["comment"], "Softer key \"light\" \\ größer");
    assert_eq!(version["thumbnail_id"], json!(ended.thumbnail_id));
    assert_eq!((&version["task"]["name"], &version["task_id"]), (&json!("compositing"), &json!(ended.task_id)));
    assert_eq!(version["status"]["name"], "Pending Review");
    assert_eq!((&version["asset"]["name"], &version["asset"]["type"]["short"]), (&json!("review"), &json!("comp")));
    assert_eq!(version["asset"]["context_id"], version["task"]["parent_id"]);

    let components = components(&staging, &ended.version_id);
    assert_eq!(components.len(), 2);
    let movie = components.iter().find(|component| component["name"] == "ftrackreview-mp4").unwrap();
    assert_eq!((&movie["file_type"], &movie["id"]), (&json!(".mp4"), &json!(ended.component_id)));
    assert_eq!(movie["size"], std::fs::metadata(example("review.mp4")).unwrap().len());
    let location = &movie["component_locations"][0];
    assert_eq!((&location["location_id"], &location["resource_identifier"]), (&json!(SERVER_LOCATION), &movie["id"]));
    assert_eq!(
        meta(&staging, &ended.component_id),
        json!({"frameIn": 0, "frameOut": 95, "frameRate": 24.0, "width": 1280, "height": 720})
    );
}

#[test]
fn a_still_is_reviewable_and_its_own_thumbnail() {
    let staging = Staging::start();
    let ended = staging.session().publish(&Publish::of(example("still.png"), "demo/sq010/sh010")).done();
    assert_eq!(ended.component_name, "ftrackreview-image");
    assert_eq!(ended.thumbnail_id, ended.component_id);
    assert_eq!((ended.task_id.as_str(), ended.warnings.len()), ("", 0));
    assert!(staging.stored(&ended.component_id) == std::fs::read(example("still.png")).unwrap());
    assert_eq!(meta(&staging, &ended.component_id), json!({"format": "image", "width": 1280, "height": 720}));
    assert_eq!(components(&staging, &ended.version_id).len(), 1);
}

#[test]
fn a_large_movie_goes_up_in_parts_and_is_read_back_byte_for_byte() {
    let staging = Staging::start();
    // A free box at the end is legal, and makes any movie as large as wanted.
    let mut movie = std::fs::read(example("review.mp4")).unwrap();
    let padding = 21 << 20;
    movie.extend_from_slice(&u32::to_be_bytes(padding + 8));
    movie.extend_from_slice(b"free");
    movie.extend((0..padding).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 24) as u8));
    let path = staging.scratch().join("large_v002.mp4");
    std::fs::write(&path, &movie).unwrap();

    let session = staging.session();
    staging.requests();
    let ended = session.publish(&Publish::of(&path, "demo/sq010/sh020/compositing")).done();
    assert!(staging.stored(&ended.component_id) == movie);
    assert_eq!(ended.asset_name, "large");
    let puts = staging.requests().iter().filter(|line| line.starts_with("PUT /storage")).count();
    assert_eq!(puts, movie.len().div_ceil(8 << 20));
}

#[test]
fn publishing_again_makes_the_next_version_of_the_same_asset() {
    let staging = Staging::start();
    let session = staging.session();
    let publish = Publish::of(example("still.png"), "demo/sq010/sh010/compositing");
    let first = session.publish(&publish).done();
    let second = session.publish(&publish).done();
    assert_eq!(first.asset_id, second.asset_id);
    assert_eq!((first.version_number, second.version_number), (1, 2));
    // The same name under another type, or another parent, is another asset.
    let other = session.publish(&Publish { asset_type: Some("comp".into()), ..publish.clone() }).done();
    assert_ne!(other.asset_id, first.asset_id);
    let other = session.publish(&Publish { context: Some("demo/sq010/sh020/compositing".into()), ..publish }).done();
    assert_ne!(other.asset_id, first.asset_id);
}

#[test]
fn a_context_may_be_an_id_of_a_task_a_shot_a_project_or_a_version() {
    let staging = Staging::start();
    let session = staging.session();
    let shot = staging.id("select id from Shot where name is sh010 and parent.name is sq010");
    let task = staging.id(&format!("select id from Task where name is compositing and parent.id is \"{shot}\""));
    let project = staging.id("select id from Project where name is demo");
    let at = |context: &str| session.publish(&Publish::of(example("still.png"), context)).done();

    let by_task = at(&task);
    assert_eq!((by_task.task_id.as_str(), by_task.parent_id.as_str()), (task.as_str(), shot.as_str()));
    let by_shot = at(&shot.to_uppercase());
    assert_eq!((by_shot.task_id.as_str(), by_shot.parent_id.as_str()), ("", shot.as_str()));
    assert_eq!((by_shot.asset_id.as_str(), by_shot.version_number), (by_task.asset_id.as_str(), 2));
    let by_project = at(&project);
    assert_eq!((by_project.parent_id.as_str(), by_project.project_id.as_str()), (project.as_str(), project.as_str()));
    let by_version = at(&by_task.version_id);
    assert_eq!((by_version.asset_id.as_str(), by_version.version_number), (by_task.asset_id.as_str(), 3));
    assert_eq!((by_version.task_id.as_str(), by_version.project_id.as_str()), (task.as_str(), project.as_str()));
    assert_eq!(by_version.asset_name, by_task.asset_name);
    // Names mean the same as ids.
    assert_eq!(at("demo/sq010/sh010/compositing").task_id, task);
    assert_eq!(at("Demo Project").project_id, project);
}

#[test]
fn a_movie_without_a_thumbnail_is_published_with_a_warning() {
    let staging = Staging::start();
    let ended = staging.session().publish(&Publish::of(example("review.mp4"), "demo/sq010/sh010/animation")).done();
    assert_eq!(ended.thumbnail_id, "");
    assert!(ended.warnings.len() == 1 && ended.warnings[0].contains("no thumbnail"), "{:?}", ended.warnings);
}

#[test]
fn events_tell_the_version_before_the_end_and_nothing_of_a_job_after_it() {
    let staging = Staging::start();
    let session = staging.session();
    let job = session.submit(&Publish::of(example("review.mp4"), "demo/sq010/sh010/animation")).unwrap();
    let ended = job.wait().done();
    let events: Vec<Value> = session.events().into_iter().filter(|event| event["job"] == json!(job.0)).collect();
    let kinds: Vec<i32> = events.iter().map(|event| event["kind"].as_i64().unwrap() as i32).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == FTR_EVENT_JOB_ENDED).count(), 1);
    assert_eq!(kinds.last(), Some(&FTR_EVENT_JOB_ENDED));
    let created = events.iter().find(|event| event["kind"] == FTR_EVENT_VERSION_CREATED).unwrap();
    assert_eq!(created["result"]["version_id"], json!(ended.version_id));
    assert_eq!(created["tag"], 7);
    let progress = events.iter().rfind(|event| event["kind"] == FTR_EVENT_PROGRESS).unwrap();
    let size = std::fs::metadata(example("review.mp4")).unwrap().len();
    assert_eq!((&progress["bytes_done"], &progress["bytes_total"]), (&json!(size), &json!(size)));
}

#[test]
fn fifty_publishes_at_once_make_fifty_versions_of_one_asset() {
    let staging = Staging::start();
    let session = staging.session();
    let publish = Publish::of(example("still.png"), "demo/sq010/sh010/compositing");
    let jobs: Vec<_> = (0..50).map(|_| session.submit(&publish).unwrap()).collect();
    let mut numbers: Vec<i64> = jobs.iter().map(|job| job.wait().done().version_number).collect();
    numbers.sort();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
    assert_eq!(staging.query("select id from Asset where name is still").len(), 1);
}

fn components(staging: &Staging, version_id: &str) -> Vec<Value> {
    staging.query(&format!(
        "select id, name, file_type, size, component_locations.location_id, component_locations.resource_identifier \
         from FileComponent where version_id is \"{version_id}\""
    ))
}

fn meta(staging: &Staging, component_id: &str) -> Value {
    let rows = staging.query(&format!(
        "select value, parent_type from Metadata where parent_id is \"{component_id}\" and key is ftr_meta"
    ));
    assert_eq!(rows[0]["parent_type"], "FileComponent");
    serde_json::from_str(rows[0]["value"].as_str().unwrap()).unwrap()
}
