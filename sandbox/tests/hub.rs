//! The event hub as a client sees it on the wire.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking

mod common;

use std::time::Duration;

use common::Sandbox;
use common::hub::Client;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER, READER_KEY, READER_USER};
use serde_json::{Value, json};

const FAILED: bool = false;

/// That the server refused, and why.
fn refusal(result: &Value) -> &str {
    assert_eq!(result["success"], FAILED, "{result}");
    result["message"].as_str().unwrap()
}

fn plain(topic: &str, number: u64) -> Value {
    json!({"topic": topic, "data": {"number": number}})
}

/// Sends an event that comes back to the sender itself, so that everything sent before has been handled.
async fn flush(client: &mut Client) -> Vec<Value> {
    let id = uuid::Uuid::new_v4().to_string();
    client.subscribe(&id, &format!("topic={id}")).await;
    client.send(&format!("5:::{}", json!({"name": "ftrack.event", "args": [{"topic": id}]}))).await;
    let mut events = Vec::new();
    loop {
        let event = client.event().await;
        if event["topic"] == json!(id) {
            return events;
        }
        events.push(event);
    }
}

#[tokio::test]
async fn a_handshake_tells_session_heartbeat_close_and_transport_to_who_has_a_key_or_a_session() {
    let sandbox = Sandbox::start().await;
    let by_headers = sandbox.shake_hands(&[("ftrack-user", DEMO_USER), ("ftrack-api-key", DEMO_KEY)], "").await;
    let by_query = sandbox.shake_hands(&[], &format!("?api_user={DEMO_USER}&api_key={DEMO_KEY}")).await;
    let page = sandbox.client.get(format!("{}/", sandbox.server.url())).send().await.unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let by_cookie = sandbox.shake_hands(&[("cookie", &cookie)], "").await;
    for answer in [by_headers, by_query, by_cookie] {
        let parts: Vec<&str> = answer.split(':').collect();
        assert_eq!(parts[1..], ["15", "25", "websocket"], "{answer}");
        assert!(parts[0].len() >= 32, "{answer}");
    }
}

#[tokio::test]
async fn bad_credentials_are_an_error_object_with_status_200() {
    let sandbox = Sandbox::start().await;
    for (headers, query) in [
        (vec![("ftrack-user", DEMO_USER), ("ftrack-api-key", "wrong")], ""),
        (vec![], "?api_user=demo&api_key=wrong"),
        (vec![], ""),
    ] {
        let mut request = sandbox.client.get(format!("{}/socket.io/1/{query}", sandbox.server.url()));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (&body["exception"], &body["error_code"]),
            (&json!("InvalidCredentialsError"), &json!("api_credentials_invalid"))
        );
    }
}

#[tokio::test]
async fn a_session_is_good_for_one_connection() {
    let sandbox = Sandbox::start().await;
    let session = sandbox.hub_session().await;
    let mut first = sandbox.open(&session).await;
    assert_eq!(first.packet().await.as_deref(), Some("1::"));
    for unknown in [session.as_str(), "made-up"] {
        let mut refused = sandbox.open(unknown).await;
        assert_eq!(refused.packet().await.as_deref(), Some("7:::1+0"));
        assert_eq!(refused.packet().await, None);
    }
    first.subscribe("s", "topic=a").await;
}

#[tokio::test]
async fn a_handshake_that_is_not_followed_up_expires_and_a_full_hub_says_so() {
    let sandbox = Sandbox::start_with(|config| {
        config.hub.handshake_life = Duration::from_millis(1);
        config.hub.handshakes = 1;
    })
    .await;
    let session = sandbox.hub_session().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(sandbox.open(&session).await.packet().await.as_deref(), Some("7:::1+0"));

    let full = Sandbox::start_with(|config| config.hub.handshakes = 1).await;
    full.hub_session().await;
    let url = format!("{}/socket.io/1/?api_user={DEMO_USER}&api_key={DEMO_KEY}", full.server.url());
    assert_eq!(full.client.get(url).send().await.unwrap().status(), 503);
}

#[tokio::test]
async fn heartbeats_keep_a_client_and_silence_ends_it() {
    let sandbox = Sandbox::start_with(|config| {
        config.hub.heartbeat = Duration::from_millis(50);
        config.hub.close_timeout = Duration::from_secs(4);
    })
    .await;
    let (mut lively, mut silent) = (sandbox.connect().await, sandbox.connect().await);
    let end = tokio::spawn(async move { while silent.packet().await.is_some() {} });
    let answers = async {
        loop {
            assert_eq!(lively.packet().await.as_deref(), Some("2::"));
            lively.send("2:::").await;
        }
    };
    tokio::select! { ended = end => ended.unwrap(), () = answers => {} }
    lively.subscribe("still there", "topic=a").await;
    assert_eq!(sandbox.server.state().hub.connections(), 1);
}

#[tokio::test]
async fn an_event_goes_to_whoever_asked_for_it_and_once_to_each() {
    let sandbox = Sandbox::start().await;
    let (mut sender, mut asked, mut other) =
        (sandbox.connect().await, sandbox.connect().await, sandbox.connect().await);
    sender.subscribe("own", "topic=test.*").await;
    asked.subscribe("one", "topic=test.a and data.number>1").await;
    asked.subscribe("two", "topic=test.* and source.user.username=demo").await;
    other.subscribe("other", "topic=test.* and not topic=test.a").await;
    for number in 1..=3 {
        sender.send(&format!("5:::{}", json!({"name": "ftrack.event", "args": [plain("test.a", number)]}))).await;
    }
    let numbers = |events: Vec<Value>| events.iter().map(|event| event["data"]["number"].clone()).collect::<Vec<_>>();
    assert_eq!(numbers(flush(&mut sender).await), [1, 2, 3], "the sender's own subscription counts too");
    assert_eq!(numbers(flush(&mut asked).await), [1, 2, 3]);
    assert_eq!(numbers(flush(&mut other).await).len(), 0);
}

#[tokio::test]
async fn an_event_arrives_complete_and_with_its_true_sender() {
    let sandbox = Sandbox::start().await;
    let mut client = sandbox.connect().await;
    client.subscribe("s", "topic=test").await;
    let text = "colons: in: data, and ünïcödé \u{1F3AC}";
    let event = json!({"topic": "test", "id": "e1", "data": {"text": text}, "surprise": 1,
        "source": {"id": "hub", "user": {"username": "somebody else"}, "host": "ws01"}});
    client.send(&format!("5:::{}", json!({"name": "ftrack.event", "args": [event]}))).await;
    let user = sandbox.id(&format!("select id from User where username is {DEMO_USER}")).await;
    assert_eq!(
        client.event().await,
        json!({"topic": "test", "id": "e1", "data": {"text": text}, "target": "", "inReplyToEvent": null, "sent": null,
            "source": {"id": "hub", "user": {"username": DEMO_USER, "id": user}, "host": "ws01"}})
    );
    client.send(&format!("5:::{}", json!({"name": "ftrack.event", "args": [{"topic": "test"}]}))).await;
    let bare = client.event().await;
    assert!(bare["id"].as_str().is_some_and(|id| !id.is_empty()), "{bare}");
    assert_eq!(bare["data"], json!({}));
}

#[tokio::test]
async fn a_target_chooses_among_subscribers_by_their_metadata() {
    let sandbox = Sandbox::start().await;
    let (mut sender, mut nuke, mut web) = (sandbox.connect().await, sandbox.connect().await, sandbox.connect().await);
    let metadata = json!({"id": "n", "applicationId": "nuke", "user": {"id": "u1"}});
    assert_eq!(nuke.try_subscribe(metadata, "topic=test").await["success"], true);
    // The target and the subscription have to fit one and the same subscriber.
    assert_eq!(web.try_subscribe(json!({"id": "w", "applicationId": "web"}), "topic=test").await["success"], true);
    assert_eq!(web.try_subscribe(json!({"id": "x", "applicationId": "nuke"}), "topic=other").await["success"], true);
    for (number, target) in
        ["applicationId=nuke", "applicationId=nu* and user.id=u1", "id=w", "nobody=here", ""].iter().enumerate()
    {
        sender.pass(json!({"topic": "test", "data": {"number": number}, "target": target})).await;
    }
    let numbers = |events: Vec<Value>| events.iter().map(|event| event["data"]["number"].clone()).collect::<Vec<_>>();
    assert_eq!(numbers(flush(&mut nuke).await), [0, 1, 4]);
    assert_eq!(numbers(flush(&mut web).await), [2, 4]);
    let refused = sender.publish(json!({"topic": "test", "target": "id="})).await;
    assert!(refusal(&refused).contains("at character 4"), "{refused}");
}

#[tokio::test]
async fn a_reply_finds_its_way_to_who_asked() {
    let sandbox = Sandbox::start().await;
    let (mut asking, mut answering, mut bystander) =
        (sandbox.connect().await, sandbox.connect().await, sandbox.connect().await);
    asking.subscribe("hub-1", "topic=ftrack.meta.reply").await;
    bystander.subscribe("hub-2", "topic=ftrack.meta.reply").await;
    answering.subscribe("hub-3", "topic=question").await;
    asking.pass(json!({"topic": "question", "id": "q1", "source": {"id": "hub-1"}})).await;
    let question = answering.event().await;
    let target = format!("id={}", question["source"]["id"].as_str().unwrap());
    for answer in [json!({"number": 1}), json!([1, 2]), json!("text")] {
        answering.pass(json!({"topic": "ftrack.meta.reply", "data": answer, "target": target, "inReplyToEvent": question["id"]})).await;
        let reply = asking.event().await;
        assert_eq!((&reply["data"], &reply["inReplyToEvent"]), (&answer, &json!("q1")));
    }
    assert_eq!(flush(&mut bystander).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_second_subscriber_with_the_same_id_is_refused_and_the_first_stays() {
    let sandbox = Sandbox::start().await;
    let (mut client, mut other) = (sandbox.connect().await, sandbox.connect().await);
    client.subscribe("same", "topic=a").await;
    let again = client.try_subscribe(json!({"id": "same"}), "topic=b").await;
    assert!(refusal(&again).contains("\"same\""), "{again}");
    // Another connection is another client.
    other.subscribe("same", "topic=b").await;
    for topic in ["a", "b"] {
        other.pass(plain(topic, 1)).await;
    }
    let topics = |events: Vec<Value>| events.iter().map(|event| event["topic"].clone()).collect::<Vec<_>>();
    assert_eq!(topics(flush(&mut client).await), ["a"]);
}

#[tokio::test]
async fn an_unsubscribed_client_hears_no_more_and_may_subscribe_again() {
    let sandbox = Sandbox::start().await;
    let mut client = sandbox.connect().await;
    client.subscribe("s", "topic=a").await;
    let leave = json!({"topic": "ftrack.meta.unsubscribe", "data": {"subscriber": {"id": "s"}}});
    client.pass(leave.clone()).await;
    client.send(&format!("5:::{}", json!({"name": "ftrack.event", "args": [plain("a", 1)]}))).await;
    assert_eq!(flush(&mut client).await, Vec::<Value>::new());
    assert!(refusal(&client.publish(leave).await).contains("\"s\""));
    client.subscribe("s", "topic=a").await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_in_the_acknowledgement_and_the_connection_lives() {
    let sandbox = Sandbox::start_with(|config| config.hub.subscriptions = 2).await;
    let mut client = sandbox.connect().await;
    for (subscriber, expression, words) in [
        (json!({"id": "s"}), "topic=", "at character 7"),
        (json!({"id": "s"}), "", "at character 1"),
        (json!({}), "topic=a", "subscriber.id"),
        (json!({"id": ""}), "topic=a", "subscriber.id"),
    ] {
        let result = client.try_subscribe(subscriber, expression).await;
        assert!(refusal(&result).contains(words), "{result}");
    }
    for (event, words) in
        [(json!({}), "topic"), (json!({"topic": ""}), "topic"), (json!({"topic": "a", "target": 5}), "target")]
    {
        let result = client.publish(event).await;
        assert!(refusal(&result).contains(words), "{result}");
    }
    client.subscribe("s1", "topic=a").await;
    client.subscribe("s2", "topic=a").await;
    assert!(refusal(&client.try_subscribe(json!({"id": "s3"}), "topic=a").await).contains("2 subscribers"));
}

#[tokio::test]
async fn odd_packets_are_ignored_and_the_connection_lives() {
    let sandbox = Sandbox::start().await;
    let mut client = sandbox.connect().await;
    for packet in [
        "",
        "2",
        "2:::",
        "8::",
        "99",
        "1::/other",
        "3:::hello",
        "4:::{}",
        "6:::7+[]",
        "7:::2",
        ":::::",
        "5",
        "5:::",
        "5:::{",
        "5:::[]",
        "5:::{\"name\":\"other\",\"args\":[]}",
        "5:::{\"name\":\"ftrack.event\",\"args\":[]}",
        "5:::{\"name\":\"ftrack.event\",\"args\":[1,2]}",
        "\u{0}",
    ] {
        client.send(packet).await;
    }
    client.send("5:9+::{broken").await;
    let answer = client.news().await.unwrap();
    assert!(answer.starts_with("6:::9+[{\"success\":false"), "{answer}");
    client.send(&format!("5:10::{}", json!({"name": "ftrack.event", "args": [{"topic": "a"}]}))).await;
    assert_eq!(client.news().await.as_deref(), Some("6:::10"), "an id without + wants no result");
    client.subscribe("s", "topic=a").await;
}

#[tokio::test]
async fn a_client_that_may_only_read_hears_events_too() {
    let sandbox = Sandbox::start().await;
    let answer = sandbox.shake_hands(&[("ftrack-user", READER_USER), ("ftrack-api-key", READER_KEY)], "").await;
    let mut reader = sandbox.open(answer.split(':').next().unwrap()).await;
    assert_eq!(reader.packet().await.as_deref(), Some("1::"));
    reader.subscribe("s", "topic=a").await;
    sandbox.connect().await.pass(plain("a", 1)).await;
    assert_eq!(reader.event().await["source"]["user"]["username"], DEMO_USER);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_the_others_lose_nothing() {
    let sandbox = Sandbox::start_with(|config| config.hub.backlog_bytes = 1 << 20).await;
    let hub = &sandbox.server.state().hub;
    let mut stuck = sandbox.connect().await;
    stuck.subscribe("s", "topic=flood").await;
    let padding = "x".repeat(10_000);
    let mut sent = 0_u64;
    // What the kernel buffers on the way is large and not the hub's: publish until the hub's own bound is met.
    while hub.connections() > 0 {
        assert!(sent < 100_000, "1 GB was queued for a client that does not read");
        hub.publish(&json!({"topic": "flood", "data": {"padding": padding, "number": sent}})).unwrap();
        sent += 1;
        tokio::task::yield_now().await;
    }
    assert!(hub.lost() > 0);
    let mut fresh = sandbox.connect().await;
    fresh.subscribe("s", "topic=after").await;
    hub.publish(&plain("after", 1)).unwrap();
    assert_eq!(fresh.event().await["data"]["number"], 1);
}

#[tokio::test]
async fn a_flood_of_a_hundred_thousand_events_arrives_in_order() {
    let sandbox = Sandbox::start().await;
    let mut client = sandbox.connect().await;
    client.subscribe("s", "topic=flood").await;
    let hub = sandbox.server.state().hub.clone();
    let flood = tokio::task::spawn_blocking(move || {
        for number in 0..100_000 {
            assert_eq!(hub.publish(&plain("flood", number)).unwrap(), 1);
        }
    });
    for number in 0..100_000_u64 {
        assert_eq!(client.event().await["data"]["number"], number);
    }
    flood.await.unwrap();
    assert_eq!(sandbox.server.state().hub.lost(), 0);
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye_and_one_that_is_cut_does_not() {
    let sandbox = Sandbox::start().await;
    let mut cut = sandbox.connect().await;
    sandbox.server.state().hub.cut();
    assert_eq!(cut.news().await, None);
    let mut told = sandbox.connect().await;
    let Sandbox { server, .. } = sandbox;
    server.stop().await;
    assert_eq!(told.news().await.as_deref(), Some("0::"));
    assert_eq!(told.news().await, None);
}

#[tokio::test]
async fn a_packet_that_is_too_large_ends_the_connection_of_its_sender() {
    let sandbox = Sandbox::start_with(|config| config.hub.packet_bytes = 10_000).await;
    let mut client = sandbox.connect().await;
    client.send(&format!("5:::{}", "x".repeat(20_000))).await;
    assert_eq!(client.news().await, None);
    sandbox.connect().await.subscribe("s", "topic=a").await;
}
