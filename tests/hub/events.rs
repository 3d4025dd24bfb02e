//! What a hub does when nothing goes wrong.

use crate::ftrack_support::config;
use crate::host::{Host, publish, subscription};
use crate::server::{HubServer, Line, PLACE, event, packet};
use ftreview::hub::{Publish, Replies};
use ftreview::session::news::Receiver;
use ftreview::session::{Code, Event};
use serde_json::json;
use std::time::Duration;

async fn blocking<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(body).await.unwrap()
}

fn local(topic: &str) -> Publish {
    Publish { local: true, ..publish(topic) }
}

#[tokio::test]
async fn handshake_and_web_socket_carry_the_sessions_headers_and_cookies_and_no_secret_in_an_address() {
    let server = HubServer::well_behaved().await;
    let mut config = config(&server.url);
    config.headers = vec![("X-Studio".to_owned(), "lyon".to_owned())];
    config.cookies = vec![("gate".to_owned(), "open".to_owned())];
    let host = Host::with(config);
    host.hub.connect().unwrap();
    blocking(move || host.wait_connected()).await;
    let requests = server.requests.lock().clone();
    assert_eq!(requests[0].line, "GET /socket.io/1/ HTTP/1.1");
    assert_eq!(requests[1].line, "GET /socket.io/1/websocket/place-1 HTTP/1.1");
    for request in &requests {
        assert_eq!(request.header("ftrack-user"), Some("ada@studio.example"));
        assert_eq!(request.header("ftrack-api-key"), Some(crate::ftrack_support::KEY));
        assert_eq!(request.header("x-studio"), Some("lyon"));
    }
    assert_eq!(requests[0].header("cookie"), Some("gate=open"));
    // What the server set at the handshake comes back: a balancer finds the same server by it.
    assert_eq!(requests[1].header("cookie"), Some("gate=open; server=b2"));
}

#[tokio::test]
async fn local_events_need_no_connection_and_are_heard_by_priority_until_one_stops_them() {
    let server = HubServer::well_behaved().await;
    let host = Host::new(&server.url);
    for (handle, priority) in [(1, 100), (2, 50), (3, 200)] {
        let mut subscribe = subscription("topic=studio.local and data.from=\"a test\"");
        subscribe.priority = priority;
        host.hub.subscribe(subscribe, Receiver { handle, tag: 0 }).unwrap();
    }
    host.hub.publish(local("studio.local"), 1).unwrap();
    let heard = [host.next_heard().1, host.next_heard().1, host.next_heard().1];
    assert_eq!((heard, host.next_published()), ([2, 1, 3], (1, None)));

    host.hub.publish(local("studio.local"), 2).unwrap();
    let id = host.next(|event| match event {
        Event::Hub { event, .. } => Some(event.id.clone()),
        _ => None,
    });
    host.hub.stop(&id);
    assert_eq!(host.next_published(), (2, None));
    assert!(host.session.queue().is_empty());
    assert_eq!(server.handshakes(), 0);
}

#[tokio::test]
async fn nothing_is_told_of_a_subscription_that_was_ended() {
    let server = HubServer::well_behaved().await;
    let host = Host::connected_in_background(&server).await;
    blocking(move || {
        let first = host.subscribe("topic=studio.*", 1);
        host.subscribe("topic=studio.*", 2);
        host.publish("studio.a", 1);
        assert_eq!(host.next_published(), (1, None));
        assert_eq!(host.next_heard().1, 1);
        host.hub.unsubscribe(first);
        assert_eq!(host.next_heard().1, 2);
        host.publish("studio.b", 2);
        assert_eq!(host.next_heard(), ("studio.b".to_owned(), 2));
    })
    .await;
    let ended = server.events(0).into_iter().filter(|event| event["topic"] == "ftrack.meta.unsubscribe").count();
    assert_eq!(ended, 1);
}

impl Host {
    async fn connected_in_background(server: &HubServer) -> Host {
        let url = server.url.clone();
        blocking(move || Host::connected(&url)).await
    }
}

#[tokio::test]
async fn a_refusal_of_the_server_is_an_error_that_the_publisher_and_the_subscriber_see() {
    let talk = |_, mut line: Line| -> futures_util::future::BoxFuture<'static, ()> {
        Box::pin(async move {
            line.say("1::").await;
            while let Some(text) = line.hear().await {
                let Some((number, _)) = event(&text) else { continue };
                line.say(&format!("6:::{number}+[{{\"success\":false,\"message\":\"not: allowed\"}}]")).await;
            }
        })
    };
    let server = HubServer::start(|_| PLACE, talk).await;
    let host = Host::connected_in_background(&server).await;
    blocking(move || {
        host.publish("studio.a", 3);
        let (tag, error) = host.next_published();
        let error = error.unwrap();
        assert_eq!((tag, error.code), (3, Code::HubRefused));
        assert!(error.message.contains("not: allowed"), "{error}");
        host.subscribe("topic=a", 9);
        let (handle, error) = host.next(|event| match event {
            Event::HubRefused { subscription, error } => Some((subscription.handle, error)),
            _ => None,
        });
        assert_eq!((handle, error.code), (9, Code::HubRefused));
    })
    .await;
}

/// Sends two replies to every event that is published.
fn answering() -> impl Fn(usize, Line) -> futures_util::future::BoxFuture<'static, ()> + Send + Sync + 'static {
    |_, mut line: Line| {
        Box::pin(async move {
            line.say("1::").await;
            while let Some(text) = line.hear().await {
                let Some((number, event)) = event(&text) else { continue };
                line.say(&format!("6:::{number}+[{{\"success\":true}}]")).await;
                for answer in 0..2 {
                    let reply = json!({"topic": "ftrack.meta.reply", "id": format!("r{answer}"), "data": {"answer": answer}, "source": {"id": "other"}, "inReplyToEvent": event["id"]});
                    line.say(&packet(&reply)).await;
                }
            }
        })
    }
}

#[tokio::test]
async fn replies_are_told_to_the_publisher_until_there_are_enough_or_the_time_is_over() {
    let server = HubServer::start(|_| PLACE, answering()).await;
    let host = Host::connected_in_background(&server).await;
    blocking(move || {
        let next = || {
            host.next(|event| match event {
                Event::HubReply { publisher, event } => Some((publisher.tag, event.data.clone())),
                Event::HubPublished { publisher, error, .. } => {
                    Some((publisher.tag, error.map_or("end".to_owned(), |error| format!("{:?}", error.code))))
                }
                _ => None,
            })
        };
        let ask = |tag, milliseconds, most| {
            let replies = Some(Replies { timeout: Duration::from_millis(milliseconds), most });
            host.hub.publish(Publish { replies, ..publish("studio.question") }, tag).unwrap();
        };
        let (first, second) = ("{\"answer\":0}".to_owned(), "{\"answer\":1}".to_owned());
        ask(1, 60_000, Some(1));
        assert_eq!([next(), next()], [(1, first.clone()), (1, "end".to_owned())]);
        ask(2, 60_000, Some(2));
        assert_eq!([next(), next(), next()], [(2, first.clone()), (2, second.clone()), (2, "end".to_owned())]);
        ask(3, 1000, None);
        assert_eq!([next(), next(), next()], [(3, first), (3, second), (3, "end".to_owned())]);
        // Nobody in this session answers.
        let replies = Some(Replies { timeout: Duration::from_millis(10), most: None });
        host.hub.publish(Publish { replies, ..local("studio.nobody") }, 4).unwrap();
        assert_eq!(next(), (4, "TimedOut".to_owned()));
        assert_eq!(host.hub.counts().published, 0);
    })
    .await;
}

#[tokio::test]
async fn a_local_event_is_answered_within_the_session() {
    let server = HubServer::well_behaved().await;
    let host = Host::new(&server.url);
    host.subscribe("topic=studio.question", 1);
    let replies = Some(Replies { timeout: Duration::from_secs(60), most: Some(1) });
    host.hub.publish(Publish { replies, ..local("studio.question") }, 5).unwrap();
    let asked = host.next(|event| match event {
        Event::Hub { event, .. } => Some(event),
        _ => None,
    });
    assert_eq!(asked.source_id, host.hub.id());
    host.hub.reply(&asked.id, &asked.source_id, json!({"yes": true})).unwrap();
    let reply = host.next(|event| match event {
        Event::HubReply { event, .. } => Some(event),
        _ => None,
    });
    assert_eq!((reply.in_reply_to.as_deref(), reply.data.as_str()), (Some(asked.id.as_str()), "{\"yes\":true}"));
    assert_eq!(host.next_published(), (5, None));
}

#[tokio::test]
async fn a_reply_goes_to_who_sent_the_event() {
    let server = HubServer::well_behaved().await;
    let host = Host::connected_in_background(&server).await;
    host.hub.reply("event-1", "0a1b", json!("fine")).unwrap();
    host.hub.reply("event-2", "a b", json!(null)).unwrap();
    for wrong in ["", "a\"b", "a\nb"] {
        assert_eq!(host.hub.reply("event", wrong, json!(1)).unwrap_err().code, Code::InvalidArgument);
    }
    blocking(move || {
        // After the replies.
        host.publish("studio.last", 1);
        assert_eq!(host.next_published(), (1, None));
    })
    .await;
    let replies: Vec<_> = (server.events(0).into_iter())
        .filter(|event| event["topic"] == "ftrack.meta.reply")
        .map(|event| (event["target"].clone(), event["inReplyToEvent"].clone(), event["data"].clone()))
        .collect();
    assert_eq!(
        replies,
        [(json!("id=0a1b"), json!("event-1"), json!("fine")), (json!("id=\"a b\""), json!("event-2"), json!(null))]
    );
}

#[test]
fn what_cannot_be_published_or_subscribed_to_is_an_error_with_a_code() {
    let host = Host::new(&"http://127.0.0.1:9".parse().unwrap());
    assert_eq!(host.hub.publish(local(" "), 0).unwrap_err().code, Code::InvalidArgument);
    let wrong_target = Publish { target: "id=".to_owned(), ..local("studio.a") };
    let error = host.hub.publish(wrong_target, 0).unwrap_err();
    assert_eq!(error.code, Code::Expression);
    assert!(error.message.starts_with("target: expected a value"), "{error}");
    let error = host.hub.subscribe(subscription("topic"), Receiver::default()).unwrap_err();
    assert_eq!(error.code, Code::Expression);
    let mut subscribe = subscription("topic=a");
    subscribe.metadata = serde_json::Map::from_iter([("id".to_owned(), json!("mine"))]);
    host.hub.subscribe(subscribe, Receiver::default()).unwrap();
    let mut again = subscription("topic=a");
    again.metadata = serde_json::Map::from_iter([("id".to_owned(), json!("mine"))]);
    assert_eq!(host.hub.subscribe(again, Receiver::default()).unwrap_err().code, Code::InvalidArgument);
    assert_eq!(host.hub.counts().subscriptions, 1);
}
