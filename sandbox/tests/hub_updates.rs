//! `ftrack.update`: what the server tells of commits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

mod common;

use common::hub::Client;
use common::{Sandbox, create, delete, new_id, update};
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use serde_json::{Value, json};

/// A server, and a client that hears of every commit.
async fn listening() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await;
    let mut client = sandbox.connect().await;
    client.subscribe("s", "topic=ftrack.update").await;
    (sandbox, client)
}

/// The entities of the next event.
async fn entities(client: &mut Client) -> Vec<Value> {
    let event = client.event().await;
    assert_eq!(event["topic"], "ftrack.update");
    event["data"]["entities"].as_array().unwrap().clone()
}

/// The only entity of the next event.
async fn entity(client: &mut Client) -> Value {
    let mut entities = entities(client).await;
    assert_eq!(entities.len(), 1, "{entities:?}");
    entities.remove(0)
}

/// A version of an asset below the shot sh010; what was told of it is heard.
async fn version(sandbox: &Sandbox, client: &mut Client) -> String {
    let asset = sandbox.asset().await;
    let version = new_id();
    sandbox.pass(json!([create("AssetVersion", json!({"id": version, "asset_id": asset}))])).await;
    for _ in 0..2 {
        entities(client).await;
    }
    version
}

fn types(parents: &Value) -> Vec<(&str, &str)> {
    let parents = parents.as_array().unwrap();
    parents.iter().map(|one| (one["entityType"].as_str().unwrap(), one["entity_type"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_new_version_is_told_with_legacy_names_and_everything_it_belongs_to() {
    let (sandbox, mut client) = listening().await;
    let asset = sandbox.asset().await;
    entities(&mut client).await;
    let task = sandbox.id("select id from Task where name is compositing and parent.name is sh010").await;
    let id = new_id();
    let data = json!({"id": id, "asset_id": asset, "task_id": task, "comment": "First"});
    sandbox.pass(json!([create("AssetVersion", data)])).await;
    let told = entity(&mut client).await;
    assert_eq!(
        (&told["action"], &told["entityType"], &told["entity_type"]),
        (&json!("add"), &json!("assetversion"), &json!("AssetVersion"))
    );
    assert_eq!((&told["entityId"], &told["parentId"]), (&json!(id), &json!(asset)));
    for (key, new) in [
        ("assetid", json!(asset)),
        ("taskid", json!(task)),
        ("version", json!(1)),
        ("ispublished", json!(true)),
        ("comment", json!("First")),
    ] {
        assert_eq!(told["changes"][key], json!({"old": null, "new": new}), "{key}");
        assert!(told["keys"].as_array().unwrap().contains(&json!(key)), "{key}");
    }
    assert!(told["changes"]["statusid"]["new"].is_string() && told["changes"]["date"]["new"].is_string(), "{told}");
    assert_eq!(
        types(&told["parents"]),
        [
            ("assetversion", "AssetVersion"),
            ("asset", "Asset"),
            ("task", "Shot"),
            ("task", "Sequence"),
            ("show", "Project")
        ]
    );
    let parents = told["parents"].as_array().unwrap();
    for pair in parents.windows(2) {
        assert_eq!(pair[0]["parentId"], pair[1]["entityId"]);
    }
    assert_eq!(parents[4]["parentId"], Value::Null);
}

#[tokio::test]
async fn an_update_is_told_once_with_what_differs_and_by_whom() {
    let (sandbox, mut client) = listening().await;
    let version = version(&sandbox, &mut client).await;
    let old =
        sandbox.query(&format!("select status_id from AssetVersion where id is \"{version}\"")).await[0]["status_id"]
            .clone();
    let approved = sandbox.id("select id from Status where name is Approved").await;
    let operations = json!([
        update("AssetVersion", &version, json!({"comment": "In between"})),
        update("AssetVersion", &version, json!({"status_id": approved, "is_published": true, "comment": ""})),
    ]);
    let request = sandbox.request(&operations).header("ftrack-user", DEMO_USER).header("ftrack-api-key", DEMO_KEY);
    let request = request.header("ftrack-Clienttoken", "mine--1").header("ftrack-pushtoken", "push");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let event = client.event().await;
    let data = &event["data"];
    assert_eq!(data["entities"].as_array().unwrap().len(), 1, "{data}");
    assert_eq!(data["entities"][0]["changes"], json!({"statusid": {"old": old, "new": approved}}));
    assert_eq!(data["entities"][0]["keys"], json!(["statusid"]));
    let user = sandbox.id(&format!("select id from User where username is {DEMO_USER}")).await;
    assert_eq!(data["user"], json!({"userid": user, "name": "Demo User"}));
    assert_eq!((&data["clientToken"], &data["pushToken"]), (&json!("mine--1"), &json!("push")));
    assert_eq!(event["source"]["user"], json!({"id": user, "username": DEMO_USER}));
    assert_eq!((&event["target"], &event["inReplyToEvent"]), (&json!(""), &Value::Null));
}

#[tokio::test]
async fn subscriptions_choose_among_updates_by_their_content() {
    let (sandbox, mut client) = listening().await;
    let mut picky = sandbox.connect().await;
    picky.subscribe("s", "topic=ftrack.update and data.clientToken!=mine and source.user.username=demo").await;
    let version = version(&sandbox, &mut client).await;
    // Without a token the key is there and null, which is not "mine".
    assert_eq!(entity(&mut picky).await["entityType"], "asset");
    assert_eq!(entity(&mut picky).await["entityType"], "assetversion");
    for (token, comment) in [("mine", "a"), ("theirs", "b")] {
        let operations = json!([update("AssetVersion", &version, json!({"comment": comment}))]);
        let request = sandbox.request(&operations).header("ftrack-user", DEMO_USER).header("ftrack-api-key", DEMO_KEY);
        request.header("ftrack-clienttoken", token).send().await.unwrap();
    }
    assert_eq!(entity(&mut picky).await["changes"]["comment"]["new"], "b");
}

#[tokio::test]
async fn a_note_and_its_frame_are_told_with_the_version_it_is_on() {
    let (sandbox, mut client) = listening().await;
    let version = version(&sandbox, &mut client).await;
    let note = json!({"content": "Too dark", "parent_id": version, "parent_type": "AssetVersion", "frame_number": 7});
    sandbox.pass(json!([create("Note", note)])).await;
    let told = entity(&mut client).await;
    assert_eq!((&told["entityType"], &told["action"]), (&json!("note"), &json!("add")));
    assert_eq!(told["changes"]["text"], json!({"old": null, "new": "Too dark"}));
    assert_eq!(told["changes"]["frame_number"], json!({"old": null, "new": 7}));
    assert_eq!((&told["parentId"], types(&told["parents"])[1]), (&json!(version), ("assetversion", "AssetVersion")));
}

#[tokio::test]
async fn a_note_that_is_added_by_its_parents_collection_is_told_with_its_parent() {
    // As the Python client does it.
    let (sandbox, mut client) = listening().await;
    let version = version(&sandbox, &mut client).await;
    let note = new_id();
    let collection = json!({"notes": [{"__entity_type__": "Note", "id": note}]});
    sandbox
        .pass(json!([
            update("AssetVersion", &version, collection),
            create("Note", json!({"id": note, "content": "Hello"}))
        ]))
        .await;
    let told = entity(&mut client).await;
    assert_eq!((&told["entityId"], &told["action"], &told["parentId"]), (&json!(note), &json!("add"), &json!(version)));
}

#[tokio::test]
async fn a_thumbnail_and_the_end_of_encoding_are_told_as_such() {
    let (sandbox, mut client) = listening().await;
    let version = version(&sandbox, &mut client).await;
    let component = new_id();
    let meta = |value: &str| json!({"parent_id": component, "parent_type": "FileComponent", "key": "ftr_meta", "value": value});
    sandbox
        .pass(json!([
            create("FileComponent", json!({"id": component, "name": "ftrackreview-mp4", "version_id": version})),
            create("Metadata", meta("encoding")),
        ]))
        .await;
    let told = entities(&mut client).await;
    assert_eq!(types(&json!(told)), [("component", "FileComponent"), ("meta", "Metadata")]);
    assert_eq!(types(&told[1]["parents"])[1..3], [("component", "FileComponent"), ("assetversion", "AssetVersion")]);

    sandbox.pass(json!([update("AssetVersion", &version, json!({"thumbnail_id": component}))])).await;
    let told = entity(&mut client).await;
    assert_eq!((&told["entityType"], &told["keys"]), (&json!("assetversion"), &json!(["thumbid"])));

    let finished = json!({"action": "update", "entity_type": "Metadata", "entity_key": [component, "ftr_meta"],
        "entity_data": {"value": "{\"frameIn\":0,\"frameOut\":1,\"frameRate\":24}"}});
    sandbox.pass(json!([finished])).await;
    let told = entities(&mut client).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        (&told[1]["entityType"], &told[1]["action"], &told[1]["entityId"]),
        (&json!("assetversion"), &json!("encoded"), &json!(version))
    );
}

#[tokio::test]
async fn a_deleted_entity_is_told_with_what_it_was_and_belonged_to() {
    let (sandbox, mut client) = listening().await;
    let version = version(&sandbox, &mut client).await;
    sandbox
        .pass(json!([update("AssetVersion", &version, json!({"comment": "x"})), delete("AssetVersion", &version)]))
        .await;
    let told = entity(&mut client).await;
    assert_eq!((&told["action"], &told["entityId"]), (&json!("remove"), &json!(version)));
    assert_eq!(told["changes"]["version"], json!({"old": 1, "new": null}));
    assert_eq!(types(&told["parents"]).last(), Some(&("show", "Project")));
}

#[tokio::test]
async fn a_custom_attribute_is_told_as_a_change_of_its_entity() {
    let (sandbox, mut client) = listening().await;
    let shot = sandbox.id("select id from Shot where name is sh010").await;
    let configuration = new_id();
    sandbox
        .pass(json!([create(
            "CustomAttributeConfiguration",
            json!({"id": configuration, "key": "fstart", "entity_type": "task", "default": 1})
        )]))
        .await;
    entities(&mut client).await;
    let value = json!({"action": "update", "entity_type": "ContextCustomAttributeValue", "entity_key": [configuration, shot],
        "entity_data": {"configuration_id": configuration, "entity_id": shot, "value": 1001}});
    sandbox.pass(json!([value])).await;
    let told = entity(&mut client).await;
    assert_eq!(
        (&told["entityId"], &told["entity_type"], &told["action"]),
        (&json!(shot), &json!("Shot"), &json!("update"))
    );
    // Until a value is set, there is the default.
    assert_eq!(told["changes"], json!({"fstart": {"old": 1, "new": 1001}}));
}

#[tokio::test]
async fn what_changes_nothing_or_fails_is_not_told() {
    let (sandbox, mut client) = listening().await;
    let version = version(&sandbox, &mut client).await;
    let gone = new_id();
    sandbox.pass(json!([update("AssetVersion", &version, json!({"comment": ""}))])).await;
    sandbox.pass(json!([create("Status", json!({"id": gone, "name": "x"})), delete("Status", &gone)])).await;
    let failing =
        json!([update("AssetVersion", &version, json!({"comment": "lost"})), delete("AssetVersion", "nothing")]);
    sandbox.fail(failing, "ValidationError").await;
    sandbox.query("select id from Project").await;
    sandbox.pass(json!([update("AssetVersion", &version, json!({"comment": "told"}))])).await;
    assert_eq!(entity(&mut client).await["changes"]["comment"], json!({"old": "", "new": "told"}));
}

#[tokio::test]
async fn commits_are_told_in_their_order_and_large_ones_in_several_events() {
    let (sandbox, mut client) = listening().await;
    let version = version(&sandbox, &mut client).await;
    for number in 0..20 {
        sandbox.pass(json!([update("AssetVersion", &version, json!({"comment": number.to_string()}))])).await;
    }
    for number in 0..20 {
        assert_eq!(entity(&mut client).await["changes"]["comment"]["new"], json!(number.to_string()));
    }
    let many: Vec<Value> = (0..450).map(|number| create("Status", json!({"name": format!("s{number}")}))).collect();
    sandbox.pass(json!(many)).await;
    let mut names = Vec::new();
    while names.len() < 450 {
        let told = entities(&mut client).await;
        assert!(told.len() <= 200);
        names.extend(told.iter().map(|one| one["changes"]["name"]["new"].as_str().unwrap().to_owned()));
    }
    assert!(names.iter().enumerate().all(|(number, name)| *name == format!("s{number}")));
}
