//! What is made: each option, and all of them together.

use super::host::{Session, example};
use super::people::{Studio, post_office};
use super::wish::{wait, wish};
use ftreview::ffi::constants::*;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use serde_json::{Value, json};

fn names(rows: &[Value], pointer: &str) -> Vec<String> {
    let mut names: Vec<String> =
        rows.iter().map(|row| row.pointer(pointer).and_then(Value::as_str).unwrap_or("?").to_owned()).collect();
    names.sort();
    names
}

#[test]
fn everything_at_once_comes_in_one_request_with_the_media() {
    let studio = Studio::start();
    let (address, letters) = post_office(studio.staging.url());
    let session = Session::create(&address, DEMO_USER, DEMO_KEY);
    let (used, dailies) = (studio.reviewer.version(), studio.list("Dailies"));
    studio.user("anna");
    studio.attribute("cut_in", "number");
    studio.attribute("vendor", "text");
    studio.staging.requests();

    let end = wish()
        .with("comment", "Softer key light")
        .with("status", "approved")
        .with("task_status", "pending review")
        .with("user", "anna")
        .with("uses_versions", json!([used]))
        .with("lists", json!(["Dailies", "For client"]))
        .with("metadata", json!({"farm job": "17", "frames": [1, 2], "ok": true}))
        .with("custom_attributes", json!({"cut_in": 1001, "vendor": "us"}))
        .with("note", "Softer, as \"asked\"")
        .with("note_labels", json!(["internal", "Client feedback"]))
        .frame(12)
        .with("review_session", "Friday")
        .with("invitees", json!([{"name": "Bert", "email": "bert@client.com"}, {"email": "carla@client.com"}]))
        .with("asset_type", "Playblast")
        .flags(FTR_PUBLISH_CREATE_LISTS | FTR_PUBLISH_CREATE_REVIEW_SESSION | FTR_PUBLISH_CREATE_ASSET_TYPE)
        .with("note_attachments", json!([example("still.png"), example("make.sh")]))
        .done(&session);
    assert_eq!(end.warnings, [""; 0]);

    let requests = studio.staging.requests();
    let api: Vec<&String> =
        requests.iter().filter(|line| line.starts_with("POST /api") && !line.contains("server_information")).collect();
    assert_eq!(api.len(), 6, "names in two, storage, the version, all that is seen, the mails: {requests:#?}");
    assert!(api[5].contains("send_review_session_invite"), "{requests:#?}");

    let version = &studio.staging.query(&format!(
        "select version, comment, status.name, user.username, task.status.name, asset.type.name, asset.type.short, \
         thumbnail_id from AssetVersion where id is \"{}\"",
        end.version_id
    ))[0];
    let text = |pointer: &str| version.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    assert_eq!(
        (text("/comment"), text("/status/name"), text("/user/username")),
        ("Softer key light", "Approved", "anna")
    );
    assert_eq!(text("/task/status/name"), "Pending Review");
    assert_eq!((text("/asset/type/name"), text("/asset/type/short")), ("Playblast", "playblast"));

    let of_version = |kind: &str, select: &str, attribute: &str| {
        studio.staging.query(&format!("select {select} from {kind} where {attribute} is \"{}\"", end.version_id))
    };
    let links = of_version("AssetVersionLink", "from_id", "to_id");
    assert_eq!(names(&links, "/from_id"), [used]);
    let lists = of_version("ListObject", "list_id, list.name, list.project_id", "entity_id");
    assert_eq!(names(&lists, "/list/name"), ["Dailies", "For client"]);
    assert!(names(&lists, "/list_id").contains(&dailies), "the list that was there is used");
    let metadata = of_version("Metadata", "key, value, parent_type", "parent_id");
    assert_eq!(names(&metadata, "/key"), ["farm job", "frames", "ok"]);
    assert_eq!(names(&metadata, "/value"), ["17", "[1,2]", "true"]);
    let attributes = of_version("AssetVersionCustomAttributeValue", "key, value", "entity_id");
    let value = |key: &str| attributes.iter().find(|row| row["key"] == key).map(|row| row["value"].clone());
    assert_eq!((value("cut_in"), value("vendor")), (Some(json!(1001)), Some(json!("us"))));

    let notes = of_version(
        "Note",
        "id, content, frame_number, author.username, note_label_links.label.name, note_components.component.name, \
         note_components.component_id",
        "parent_id",
    );
    let note = &notes[0];
    assert_eq!((notes.len(), note["id"].as_str()), (1, Some(end.note_id.as_str())));
    assert_eq!((note["content"].as_str(), note["frame_number"].as_i64()), (Some("Softer, as \"asked\""), Some(12)));
    assert_eq!(note.pointer("/author/username"), Some(&json!("anna")));
    let labels = note["note_label_links"].as_array().unwrap();
    assert_eq!(names(labels, "/label/name"), ["Client feedback", "Internal"]);
    let hung: Vec<&str> =
        note["note_components"].as_array().unwrap().iter().filter_map(|row| row["component_id"].as_str()).collect();
    let still = std::fs::read(example("still.png")).unwrap();
    assert!(hung.len() == 2 && hung.iter().any(|id| studio.staging.stored(id) == still));
    // They are the note's and not the version's.
    assert_eq!(of_version("FileComponent", "name", "version_id").len(), 2);
    assert_eq!(end.components, ["ftrackreview-mp4", "thumbnail"]);

    let shown =
        of_version("ReviewSessionObject", "name, version, review_session_id, review_session.name", "version_id");
    assert_eq!(names(&shown, "/review_session/name"), ["Friday"]);
    assert_eq!(shown[0]["review_session_id"], end.review_session_id);
    assert_eq!(shown[0]["version"], "Version 1");
    let guests = studio.staging.query("select id, name, email, last_sent_at from ReviewSessionInvitee");
    assert_eq!(names(&guests, "/email"), ["bert@client.com", "carla@client.com"]);
    assert_eq!(names(&guests, "/name"), ["Bert", "carla"]);
    let mut letters = letters.lock().unwrap().clone();
    letters.sort();
    assert_eq!(letters, names(&guests, "/id"), "each has one mail");
    let is_open =
        studio.staging.query("select is_open from ReviewSession where name is \"Friday\"")[0]["is_open"].clone();
    assert_eq!(is_open, true);
}

#[test]
fn what_is_there_is_found_and_people_are_added_and_invited_once() {
    let studio = Studio::start();
    let (address, letters) = post_office(studio.staging.url());
    let session = Session::create(&address, DEMO_USER, DEMO_KEY);
    let friday = studio.review_session("Friday");
    let there = json!({"name": "Bert", "email": "Bert@client.com", "review_session_id": friday});
    studio.reviewer.create("ReviewSessionInvitee", there);
    let wished = wish()
        .with("review_session", "Friday")
        .with("lists", json!(["Dailies"]))
        .with("invitees", json!([{"email": "bert@client.com"}, {"email": "carla@client.com"}]))
        .flags(FTR_PUBLISH_CREATE_LISTS);
    for round in 1..=2 {
        let end = wished.done(&session);
        assert_eq!(
            (end.review_session_id.as_str(), end.version_number, end.warnings.len()),
            (friday.as_str(), round, 0)
        );
    }
    let count = |kind: &str| studio.staging.query(&format!("select id from {kind}")).len();
    assert_eq!((count("AssetVersionList"), count("ListObject")), (1, 2));
    assert_eq!((count("ReviewSession"), count("ReviewSessionObject"), count("ReviewSessionInvitee")), (1, 2, 2));
    assert_eq!(letters.lock().unwrap().len(), 1, "who was there before has had a mail");
    // By id as well, and without mails.
    let end = wish()
        .with("review_session", &friday)
        .with("invitees", json!([{"email": "dora@client.com"}]))
        .flags(FTR_PUBLISH_DO_NOT_INVITE)
        .done(&session);
    assert_eq!((end.review_session_id, count("ReviewSessionInvitee")), (friday, 3));
    assert_eq!(letters.lock().unwrap().len(), 1);
}

#[test]
fn a_note_alone_takes_no_request_more_and_is_by_the_user_of_the_key() {
    let studio = Studio::start();
    let session = studio.staging.session();
    assert_eq!(ftreview::ffi::ftr_session_wait_ready(session.0, 60_000), 0);
    studio.staging.requests();
    let end = wish().with("note", "Look").done(&session);
    let requests = studio.staging.requests();
    assert_eq!(requests.iter().filter(|line| line.starts_with("POST /api")).count(), 4, "{requests:#?}");
    let note = &studio
        .staging
        .query(&format!("select author.username, frame_number, project_id from Note where id is \"{}\"", end.note_id))
        [0];
    assert_eq!(note.pointer("/author/username"), Some(&json!("demo")));
    assert!(note["frame_number"].is_null());
}

#[test]
fn two_machines_that_make_the_same_list_and_review_session_at_once_make_one_of_each() {
    let studio = Studio::start();
    let wished = wish()
        .with("lists", json!(["Dailies"]))
        .with("review_session", "Friday")
        .with("asset_type", "Playblast")
        .flags(FTR_PUBLISH_CREATE_LISTS | FTR_PUBLISH_CREATE_REVIEW_SESSION | FTR_PUBLISH_CREATE_ASSET_TYPE);
    let sessions: Vec<Session> = (0..6).map(|_| studio.staging.session()).collect();
    let jobs: Vec<u64> = sessions.iter().map(|session| wished.submit(session).unwrap()).collect();
    for job in jobs {
        let end = wait(job);
        assert_eq!((end.state, end.warnings.len()), (FTR_JOB_DONE, 0), "{end:?}");
    }
    let count = |kind: &str| studio.staging.query(&format!("select id from {kind}")).len();
    assert_eq!(
        (count("AssetVersionList"), count("ReviewSession"), count("Asset"), count("AssetVersion")),
        (1, 1, 1, 6)
    );
    assert_eq!((count("ListObject"), count("ReviewSessionObject")), (6, 6));
    assert_eq!(studio.staging.query("select id from AssetType where name is \"Playblast\"").len(), 1);
}
