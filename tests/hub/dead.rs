//! Servers that are there and say nothing, and servers that vanish.

use crate::host::{Host, LIMIT, publish};
use crate::server::{Gate, Greeting, HubServer, Line, PLACE, gated};
use ftreview::session::news::HubStatus;
use ftreview::session::{Code, Event};
use ftreview_sandbox::{Config, Server, config};
use futures_util::future::BoxFuture;
use std::time::Duration;

async fn blocking<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(body).await.unwrap()
}

/// The first try ends in silence, the second one finds a hub.
async fn noticed(
    greet: Greeting,
    gate: Gate,
    talk: impl Fn(usize, Line) -> BoxFuture<'static, ()> + Send + Sync + 'static,
) {
    let server = HubServer::start(move |number| if number == 0 { greet.clone() } else { PLACE }, talk).await;
    let host = Host::new(&server.url);
    host.subscribe("topic=studio.*", 1);
    host.hub.connect().unwrap();
    blocking(move || {
        let error = host.next_status(HubStatus::Connecting).unwrap();
        assert_eq!(error.code, Code::NetworkTimeout, "{error}");
        gate.open();
        host.next_status(HubStatus::Connected);
        host.publish("studio.after", 1);
        assert_eq!(host.next_heard(), ("studio.after".to_owned(), 1));
    })
    .await;
    assert_eq!(server.handshakes(), 2);
}

#[tokio::test]
async fn a_handshake_that_is_never_answered_is_given_up_and_made_again() {
    let gate = Gate::new();
    let held = gate.clone();
    noticed(Greeting::Silence, gate, move |_, line| held.serve(line)).await;
}

#[tokio::test]
async fn a_web_socket_that_never_opens_is_given_up_and_made_again() {
    let gate = Gate::new();
    let held = gate.clone();
    noticed(Greeting::Place("mute:15:10:websocket"), gate, move |_, line| held.serve(line)).await;
}

#[tokio::test]
async fn a_web_socket_on_which_no_greeting_comes_is_given_up_and_made_again() {
    let (gate, talk) = gated(|line| {
        Box::pin(async move {
            tokio::time::sleep(LIMIT).await;
            drop(line);
        })
    });
    noticed(PLACE, gate, talk).await;
}

#[tokio::test]
async fn on_a_half_open_connection_every_event_ends_once_and_the_subscriptions_are_back_on_the_next() {
    const EVENTS: u64 = 24;
    let talk = |number, mut line: Line| -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if number > 0 {
                return line.serve().await;
            }
            line.say("1::").await;
            // From here on neither read nor written, and never closed: what a pulled cable looks like.
            line.hear_until(|text| text.contains("studio.large")).await;
            tokio::time::sleep(LIMIT).await;
        })
    };
    let server = HubServer::start(|_| Greeting::Place("place:1:1:websocket"), talk).await;
    let host = Host::new(&server.url);
    host.subscribe("topic=studio.after", 1);
    host.hub.connect().unwrap();
    blocking(move || {
        host.wait_connected();
        for tag in 0..EVENTS {
            let mut large = publish("studio.large");
            large.data.insert("text".to_owned(), "x".repeat(256 << 10).into());
            host.hub.publish(large, tag).unwrap();
        }
        let (mut tags, mut unknown) = (Vec::new(), 0);
        for _ in 0..EVENTS {
            let (tag, error) = host.next_published();
            tags.push(tag);
            if let Some(error) = error {
                assert_eq!((error.code, error.details.outcome_unknown), (Code::ConnectionLost, true), "{error}");
                unknown += 1;
            }
        }
        tags.sort_unstable();
        assert_eq!(tags, (0..EVENTS).collect::<Vec<_>>());
        assert!(unknown > 0);
        host.publish("studio.after", EVENTS);
        assert_eq!(host.next_published(), (EVENTS, None));
        assert_eq!(host.next_heard(), ("studio.after".to_owned(), 1));
        assert_eq!((host.hub.counts().connections, host.hub.counts().published), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn a_staging_server_that_is_started_again_is_heard_again_with_every_subscription() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(Config::new(data.path())).await.unwrap();
    let url: url::Url = server.url().parse().unwrap();
    let listen = format!("127.0.0.1:{}", url.port().unwrap()).parse().unwrap();
    let mut settings = crate::ftrack_support::config(&url);
    (settings.api_user, settings.api_key) = (config::DEMO_USER.to_owned(), config::DEMO_KEY.into());
    let host = Host::with(settings);
    for handle in 1..=20 {
        host.subscribe(&format!("topic=studio.restart and data.from=\"a test\" and not data.number={handle}"), handle);
    }
    host.hub.connect().unwrap();
    let host = blocking(move || {
        host.next_status(HubStatus::Connected);
        host
    })
    .await;
    server.stop().await;
    let host = blocking(move || {
        assert!(host.next_status(HubStatus::Connecting).is_some());
        // Waits for the connection, as the events of a host do that has not heard of it yet.
        host.publish("studio.restart", 1);
        host
    })
    .await;
    let server = Server::start(Config { listen, ..Config::new(data.path()) }).await.unwrap();
    blocking(move || {
        for handle in 1..=20 {
            assert_eq!(host.next_heard(), ("studio.restart".to_owned(), handle));
        }
        let ended = host.next(|event| match event {
            Event::HubPublished { error, .. } => Some(error),
            _ => None,
        });
        assert_eq!(ended, None);
        assert_eq!(host.hub.counts().connections, 2);
    })
    .await;
    tokio::time::timeout(Duration::from_secs(60), server.stop()).await.unwrap();
}
