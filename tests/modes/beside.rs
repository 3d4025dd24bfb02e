//! Components beside what reviewers open.

use super::given::{File, Given, SERVER_LOCATION, UNMANAGED_LOCATION, named, names};
use super::host::{Staging, example};
use ftreview::ffi::constants::*;
use ftreview::session::Code;
use serde_json::json;

#[test]
fn a_source_file_is_uploaded_as_it_is_or_registered_by_its_path() {
    let staging = Staging::start();
    let script = staging.scratch().join("comp_v003.nk");
    std::fs::write(&script, "Root { }").unwrap();
    let project = staging.scratch().join("scene");
    std::fs::create_dir(&project).unwrap();
    let files = [
        File::new(&script, FTR_ROLE_COMPONENT),
        File::named(&script, FTR_ROLE_UNMANAGED, "source"),
        File::new(&project, FTR_ROLE_UNMANAGED),
    ];
    let given = Given { thumbnail: Some(example("thumbnail.jpg")), ..Given::with(example("review.mp4"), files) };
    let ended = given.done(&staging);
    assert_eq!(ended.warnings, [""; 0]);
    let expected = ["comp_v003", "ftrackreview-mp4", "scene", "source", "thumbnail"];
    assert_eq!(names(&staging, &ended.version_id), expected);

    let uploaded = named(&staging, &ended.version_id, "comp_v003");
    assert_eq!((&uploaded["file_type"], &uploaded["size"]), (&json!(".nk"), &json!(8)));
    assert_eq!(uploaded["component_locations"][0]["location_id"], SERVER_LOCATION);
    assert!(staging.stored(uploaded["id"].as_str().unwrap()) == b"Root { }");

    let registered = named(&staging, &ended.version_id, "source");
    assert_eq!((&registered["file_type"], &registered["size"]), (&json!(".nk"), &json!(8)));
    let location = &registered["component_locations"][0];
    assert_eq!(location["location_id"], UNMANAGED_LOCATION);
    assert_eq!(location["resource_identifier"], json!(script.to_str().unwrap()));
    assert_eq!(registered["component_locations"].as_array().unwrap().len(), 1);
    let folder = named(&staging, &ended.version_id, "scene");
    assert_eq!((&folder["file_type"], &folder["size"]), (&json!(""), &json!(0)));
}

#[test]
fn two_components_of_one_name_are_refused_before_anything_is_looked_at() {
    let staging = Staging::start();
    let files = ["/a/scene.nk", "/b/scene.hip"].map(|path| File::new(path, FTR_ROLE_UNMANAGED));
    let message = Given::with(example("still.png"), files).refused(&staging, Code::BadRole as i32);
    assert!(message.contains("files[1]") && message.contains("\"scene\""), "{message}");
    let given = Given {
        thumbnail: Some(example("thumbnail.jpg")),
        ..Given::with(example("review.mp4"), [File::new(example("thumbnail.jpg"), FTR_ROLE_THUMBNAIL)])
    };
    given.refused(&staging, Code::BadRole as i32);
}

#[test]
fn a_file_that_is_not_there_is_named_and_nothing_is_published() {
    let staging = Staging::start();
    for role in [FTR_ROLE_AUTO, FTR_ROLE_COMPONENT, FTR_ROLE_UNMANAGED, FTR_ROLE_THUMBNAIL] {
        let given = Given::with(example("review.mp4"), [File::new("/nowhere/scene.nk", role)]);
        let message = given.refused(&staging, Code::FileNotFound as i32);
        assert!(message.contains("/nowhere/scene.nk"), "{message}");
    }
}

#[test]
fn files_are_checked_before_the_job_is_accepted_as_far_as_that_needs_no_disk() {
    let staging = Staging::start();
    let invalid = Code::InvalidArgument as i32;
    let with = |file: File| Given::with(example("still.png"), [file]).refused(&staging, invalid);
    assert!(with(File::new("a.mp4", 8)).contains("files[0].role: 8"));
    assert!(with(File::new("", FTR_ROLE_AUTO)).contains("files[0].path"));
    assert!(with(File::named("a.mp4", FTR_ROLE_COMPONENT, " ")).contains("files[0].component_name"));
    assert!(with(File { flags: 2, ..File::new("a.nk", FTR_ROLE_COMPONENT) }).contains("files[0].flags: 0x2"));
    assert!(with(File { flags: 1, ..File::new("a.nk", FTR_ROLE_COMPONENT) }).contains("FTR_ROLE_SEQUENCE"));
    assert!(with(File::named("a.jpg", FTR_ROLE_THUMBNAIL, "poster")).contains("FTR_ROLE_COMPONENT"));
}

#[test]
fn a_try_with_the_same_key_finds_every_component_that_the_first_made() {
    let staging = Staging::start();
    let files = [
        File::named(example("scene.py"), FTR_ROLE_COMPONENT, "script"),
        File::named(example("scene.py"), FTR_ROLE_UNMANAGED, "source"),
    ];
    let given = Given {
        key: Some("job 17".into()),
        thumbnail: Some(example("thumbnail.jpg")),
        ..Given::with(example("review.mp4"), files)
    };
    let first = given.done(&staging);
    let census = staging.census();
    let second = given.done(&staging);
    assert_eq!((&first.version_id, &first.component_id), (&second.version_id, &second.component_id));
    assert_eq!(staging.census(), census);
}
