//! Components beside what reviewers open.

use super::given::{File, Given, SERVER_LOCATION, UNMANAGED_LOCATION, frames, named, names, need_ffmpeg};
use super::host::{Session, Staging, example};
use super::relay::{Act, does, exception, relay};
use ftreview::ffi::constants::*;
use ftreview::ffi::ftr_job_cancel;
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

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
fn a_component_with_the_name_of_what_reviewers_open_is_refused_before_anything_is_made() {
    let staging = Staging::start();
    let before = staging.census();
    let files = [File::named(example("thumbnail.jpg"), FTR_ROLE_COMPONENT, "ftrackreview-image")];
    let ended = Given::with(example("still.png"), files).publish(&staging.session());
    assert_eq!(ended.code, Code::BadRole as i32, "{ended:?}");
    assert!(ended.message.contains("\"ftrackreview-image\""), "{}", ended.message);
    assert_eq!(staging.census(), before);
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

fn members(staging: &Staging, container: &Value) -> Vec<Value> {
    let mut rows = staging.query(&format!(
        "select id, name, file_type, size, component_locations.location_id, component_locations.resource_identifier \
         from FileComponent where container_id is \"{}\"",
        container["id"].as_str().unwrap()
    ));
    rows.sort_by_key(|row| row["name"].as_str().unwrap().to_owned());
    rows
}

#[test]
fn a_sequence_is_a_component_with_a_member_for_each_frame_by_path_or_uploaded() {
    need_ffmpeg!();
    let staging = Staging::start();
    let pattern = frames(&staging, "beauty.%04d.png", "64x36", 1001, 5);
    let one = staging.scratch().join("beauty.1003.png");
    for (path, flags, location_id) in [
        (&pattern, 0, UNMANAGED_LOCATION),
        (&one, 0, UNMANAGED_LOCATION),
        (&pattern, FTR_FILE_UPLOAD_FRAMES, SERVER_LOCATION),
    ] {
        let file = File { flags, ..File::new(path, FTR_ROLE_SEQUENCE) };
        let ended = Given::with(example("still.png"), [file]).done(&staging);
        assert_eq!(names(&staging, &ended.version_id), ["beauty", "ftrackreview-image"]);
        let sequence = named(&staging, &ended.version_id, "beauty");
        assert_eq!((&sequence["system_type"], &sequence["file_type"]), (&json!("sequence"), &json!(".png")));
        let members = members(&staging, &sequence);
        let numbers: Vec<&str> = members.iter().map(|member| member["name"].as_str().unwrap()).collect();
        assert_eq!(numbers, ["1001", "1002", "1003", "1004", "1005"]);
        let size: u64 = members.iter().map(|member| member["size"].as_u64().unwrap()).sum();
        assert_eq!(sequence["size"], size);
        let id = sequence["id"].as_str().unwrap();
        let padding = staging.query(&format!("select padding from SequenceComponent where id is \"{id}\""));
        assert_eq!(padding[0]["padding"], 4);
        let place = |component: &Value| {
            let locations = component["component_locations"].as_array().unwrap();
            assert_eq!((locations.len(), &locations[0]["location_id"]), (1, &json!(location_id)));
            locations[0]["resource_identifier"].as_str().unwrap().to_owned()
        };
        for member in &members {
            let file = staging.scratch().join(format!("beauty.{}.png", member["name"].as_str().unwrap()));
            match location_id {
                UNMANAGED_LOCATION => assert_eq!(place(member), file.to_str().unwrap()),
                _ => assert!(staging.stored(&place(member)) == std::fs::read(file).unwrap()),
            }
        }
        let expected = if location_id == UNMANAGED_LOCATION { pattern.to_str().unwrap() } else { id };
        assert_eq!(place(&sequence), expected);
    }
}

#[test]
fn a_sequence_of_more_frames_than_one_request_makes_is_whole_and_goes_when_the_publish_fails() {
    need_ffmpeg!();
    let staging = Staging::start();
    let pattern = frames(&staging, "long.%04d.png", "16x16", 1, 230);
    let files = [File { flags: FTR_FILE_UPLOAD_FRAMES, ..File::new(&pattern, FTR_ROLE_SEQUENCE) }];
    let given = Given::with(example("still.png"), files);
    let ended = given.done(&staging);
    assert_eq!(members(&staging, &named(&staging, &ended.version_id, "long")).len(), 230);

    let url = relay(
        staging.url(),
        Box::new(|operations| match does(operations, "create", "AssetVersion") {
            true => Act::Refuse(500, exception("ValidationError", "no versions today")),
            false => Act::Pass,
        }),
    );
    let session = Session::create(&url, DEMO_USER, DEMO_KEY);
    given.refused_by(&session, &staging, Code::Validation as i32);
    assert_eq!(staging.query("select id from SequenceComponent").len(), 1);
}

#[test]
fn a_sequence_with_holes_or_without_a_number_is_refused() {
    need_ffmpeg!();
    let staging = Staging::start();
    let pattern = frames(&staging, "beauty.%04d.png", "64x36", 1, 5);
    std::fs::remove_file(staging.scratch().join("beauty.0003.png")).unwrap();
    let given = Given::with(example("still.png"), [File::new(&pattern, FTR_ROLE_SEQUENCE)]);
    given.refused(&staging, Code::SequenceHoles as i32);
    let ended = Given { holes: FTR_HOLES_LEAVE_OUT, ..given }.done(&staging);
    assert_eq!(members(&staging, &named(&staging, &ended.version_id, "beauty")).len(), 4);
    let given = Given::with(example("still.png"), [File::new(example("scene.py"), FTR_ROLE_SEQUENCE)]);
    assert!(given.refused(&staging, Code::BadRole as i32).contains("scene.py"));
}

#[test]
fn a_cancelled_publish_leaves_no_component_whose_request_was_under_way() {
    let staging = Staging::start();
    let before = staging.census();
    let (job, passed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (to_cancel, is_passed) = (job.clone(), passed.clone());
    let url = relay(
        staging.url(),
        Box::new(move |operations| {
            let by_path =
                operations.iter().any(|operation| operation["entity_data"]["location_id"] == UNMANAGED_LOCATION);
            if by_path && does(operations, "create", "FileComponent") {
                while to_cancel.load(Ordering::SeqCst) == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                assert_eq!(ftr_job_cancel(to_cancel.load(Ordering::SeqCst)), FTR_OK);
                // A server that takes its time: long enough for whoever does not wait for it.
                std::thread::sleep(Duration::from_secs(1));
                is_passed.store(true, Ordering::SeqCst);
            }
            Act::Pass
        }),
    );
    let session = Session::create(&url, DEMO_USER, DEMO_KEY);
    let files = [File::named(example("scene.py"), FTR_ROLE_UNMANAGED, "source")];
    let submitted = Given::with(example("still.png"), files).submit(&session).unwrap();
    job.store(submitted.0, Ordering::SeqCst);
    let ended = submitted.wait();
    assert_eq!(ended.state, FTR_JOB_CANCELLED, "{ended:?}");
    assert!(passed.load(Ordering::SeqCst), "the end was told before the request had ended");
    assert_eq!(staging.census(), before);
}
