//! Review sessions: who is invited and written to, and custom attributes of what is reviewed. The official Python client does
//! the rest in `tests/peers/python/test_peer_review.py`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

mod common;

use common::{Sandbox, create, new_id, update};
use ftreview_sandbox::config::{READER_KEY, READER_USER};
use ftreview_sandbox::mails::Mail;
use serde_json::{Value, json};

/// A review session of the demo project.
async fn session(sandbox: &Sandbox) -> String {
    let project = sandbox.id("select id from Project where name is demo").await;
    let id = new_id();
    let data = json!({"id": id, "name": "Dailies", "project_id": project});
    sandbox.pass(json!([create("ReviewSession", data)])).await;
    id
}

fn invitee(id: &str, session: &str, email: &str) -> Value {
    create("ReviewSessionInvitee", json!({"id": id, "name": "Client", "email": email, "review_session_id": session}))
}

fn invite(id: &str) -> Value {
    json!({"action": "send_review_session_invite", "review_session_invitee_id": id})
}

async fn last_sent(sandbox: &Sandbox, id: &str) -> Value {
    let expression = format!("select last_sent_at from ReviewSessionInvitee where id is \"{id}\"");
    sandbox.query(&expression).await[0]["last_sent_at"].clone()
}

#[tokio::test]
async fn an_invitee_is_written_to_and_the_time_is_remembered() {
    let sandbox = Sandbox::start().await;
    let (session, id) = (session(&sandbox).await, new_id());
    sandbox.pass(json!([invitee(&id, &session, "client@example.com")])).await;
    assert_eq!(last_sent(&sandbox, &id).await, Value::Null);
    let mut client = sandbox.connect().await;
    client.subscribe("s", "topic=ftrack.update").await;
    let answer = sandbox.pass(json!([invite(&id)])).await;
    assert_eq!(answer[0]["sent"], true);
    assert!(last_sent(&sandbox, &id).await["value"].is_string());
    let sent = Mail {
        to: "client@example.com".to_owned(),
        name: "Client".to_owned(),
        invitee_id: id.clone(),
        review_session_id: session,
        review_session: "Dailies".to_owned(),
    };
    assert_eq!(sandbox.server.state().mails.all(), [sent]);
    let told = client.event().await["data"]["entities"][0].clone();
    assert_eq!((&told["entityId"], &told["keys"]), (&json!(id), &json!(["last_sent_at"])));
}

#[tokio::test]
async fn nobody_is_written_to_by_a_batch_that_fails_or_by_one_who_may_only_read() {
    let sandbox = Sandbox::start().await;
    let (session, id) = (session(&sandbox).await, new_id());
    sandbox.pass(json!([invitee(&id, &session, "client@example.com")])).await;
    let content = sandbox.fail(json!([invite(&id), invite(&new_id())]), "ValidationError").await;
    assert!(content.contains("commit it before"), "{content}");
    let refused = sandbox.call_as(READER_USER, READER_KEY, json!([invite(&id)])).await;
    assert_eq!(refused["exception"], "PermissionError", "{refused}");
    assert_eq!(sandbox.server.state().mails.all(), []);
    assert_eq!(last_sent(&sandbox, &id).await, Value::Null);
}

#[tokio::test]
async fn a_bad_address_is_refused_when_it_is_written_and_names_itself() {
    let sandbox = Sandbox::start().await;
    let (session, id) = (session(&sandbox).await, new_id());
    let content = sandbox.fail(json!([invitee(&id, &session, "client at example")]), "ValidationError").await;
    assert!(content.contains("email") && content.contains("client at example"), "{content}");
    sandbox.pass(json!([invitee(&id, &session, "client@example.com")])).await;
    let change = update("ReviewSessionInvitee", &id, json!({"email": "client@"}));
    sandbox.fail(json!([change]), "ValidationError").await;
}

#[tokio::test]
async fn everything_that_a_custom_attribute_is_for_has_its_default() {
    let sandbox = Sandbox::start().await;
    let text = sandbox.id("select id from CustomAttributeType where name is text").await;
    let (before, after) = (sandbox.asset().await, new_id());
    let version = new_id();
    let configuration = |entity_type: &str, key: &str| {
        let data = json!({"key": key, "label": key, "entity_type": entity_type, "type_id": text, "default": "none"});
        create("CustomAttributeConfiguration", data)
    };
    sandbox.pass(json!([configuration("asset", "of_assets"), configuration("assetversion", "of_versions")])).await;
    let shot = sandbox.id("select id from Shot where name is sh020").await;
    sandbox
        .pass(json!([
            create("Asset", json!({"id": after, "name": "later", "context_id": shot})),
            create("AssetVersion", json!({"id": version, "asset_id": before})),
        ]))
        .await;
    for (entity_type, key, id) in
        [("Asset", "of_assets", &before), ("Asset", "of_assets", &after), ("AssetVersion", "of_versions", &version)]
    {
        let expression = format!(
            "select custom_attributes.key, custom_attributes.value from {entity_type} where id is \"{id}\" \
             and custom_attributes any (key is \"{key}\" and value is \"none\")"
        );
        let found = sandbox.query(&expression).await;
        let values = found[0]["custom_attributes"].as_array().unwrap();
        assert_eq!((values.len(), &values[0]["value"]), (1, &json!("none")), "{values:?}");
    }
}
