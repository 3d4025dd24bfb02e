//! What lists show.

use super::given::{File, Given, TASK, named};
use super::host::{Staging, example};
use ftreview::ffi::constants::*;
use ftreview::session::Code;
use serde_json::{Value, json};

fn thumbnail_of(staging: &Staging, entity: &str, id: &str) -> Value {
    staging.query(&format!("select thumbnail_id from {entity} where id is \"{id}\""))[0]["thumbnail_id"].clone()
}

#[test]
fn the_thumbnail_is_shown_by_task_and_parent_if_wanted_and_uploaded_once() {
    let staging = Staging::start();
    let given = Given {
        flags: FTR_PUBLISH_TASK_THUMBNAIL | FTR_PUBLISH_PARENT_THUMBNAIL,
        thumbnail: Some(example("thumbnail.jpg")),
        ..Given::of(example("review.mp4"))
    };
    let session = staging.session();
    staging.requests();
    let ended = given.publish(&session).done();
    assert_eq!(staging.puts(), 2);
    assert_eq!(ended.warnings, [""; 0]);
    let thumbnail = json!(ended.thumbnail_id);
    assert_eq!(thumbnail_of(&staging, "AssetVersion", &ended.version_id), thumbnail);
    assert_eq!(thumbnail_of(&staging, "Task", &ended.task_id), thumbnail);
    assert_eq!(thumbnail_of(&staging, "Shot", &ended.parent_id), thumbnail);
    // Without the flags they stay as they are.
    let other = Given { flags: 0, ..given }.done(&staging);
    assert_ne!(other.thumbnail_id, ended.thumbnail_id);
    assert_eq!(thumbnail_of(&staging, "Task", &ended.task_id), thumbnail);
}

#[test]
fn a_project_can_show_the_thumbnail_and_a_version_without_a_task_says_that_it_has_none() {
    let staging = Staging::start();
    let given = Given {
        flags: FTR_PUBLISH_TASK_THUMBNAIL | FTR_PUBLISH_PARENT_THUMBNAIL,
        context: Some("demo".into()),
        ..Given::of(example("still.png"))
    };
    let ended = given.done(&staging);
    assert_eq!(thumbnail_of(&staging, "Project", &ended.project_id), json!(ended.component_id));
    assert!(ended.warnings.len() == 1 && ended.warnings[0].contains("no task"), "{:?}", ended.warnings);
    assert!(TASK.starts_with("demo"));
}

#[test]
fn one_image_beside_a_movie_is_its_thumbnail_and_of_two_nobody_knows() {
    let staging = Staging::start();
    let image = |role| File::new(example("thumbnail.jpg"), role);
    for role in [FTR_ROLE_AUTO, FTR_ROLE_THUMBNAIL] {
        let ended = Given::with(example("review.mp4"), [image(role)]).done(&staging);
        let thumbnail = named(&staging, &ended.version_id, "thumbnail");
        assert_eq!((&thumbnail["id"], ended.warnings.len()), (&json!(ended.thumbnail_id), 0));
    }
    let files = [image(FTR_ROLE_AUTO), File::new(example("still.png"), FTR_ROLE_AUTO)];
    let message = Given::with(example("review.mp4"), files).refused(&staging, Code::BadRole as i32);
    assert!(message.contains("FTR_ROLE_THUMBNAIL"), "{message}");
}
