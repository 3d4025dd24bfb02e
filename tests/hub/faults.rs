//! Everything that goes wrong with connections.

use crate::host::{Host, LIMIT, publish};
use crate::server::{Greeting, HubServer, Line, PLACE, packet};
use ftreview::session::news::HubStatus;
use ftreview::session::{Code, Event, policy};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

pub fn page(status: &str, body: &str) -> Greeting {
    let length = body.len();
    Greeting::Raw(format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{body}"))
}

/// Polls in the background, so that a test's own runtime goes on.
pub async fn blocking<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(body).await.unwrap()
}

#[tokio::test]
async fn a_server_that_is_not_there_is_connected_to_when_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let host = Host::new(&format!("http://{address}").parse().unwrap());
    host.hub.connect().unwrap();
    let (host, error) = blocking(move || {
        let error = host.next_status(HubStatus::Connecting);
        (host, error)
    })
    .await;
    assert_eq!(error.unwrap().code, Code::Unreachable);
    let server = HubServer::on(TcpListener::bind(address).await.unwrap(), |_| PLACE, |_, line| Box::pin(line.serve()));
    blocking(move || host.wait_connected()).await;
    assert_eq!(server.handshakes(), 1);
}

#[tokio::test]
async fn each_wrong_greeting_is_told_as_what_it_is_and_tried_again() {
    let greetings = [
        (page("503 Service Unavailable", "<html>Back soon</html>"), Code::ServerBusy),
        (page("502 Bad Gateway", "<html>Bad gateway</html>"), Code::ServerError),
        (page("200 OK", "<html>Welcome: to the portal</html>"), Code::WrongServer),
        (page("404 Not Found", ""), Code::WrongServer),
        (page("200 OK", ""), Code::WrongServer),
        (Greeting::Close, Code::ConnectionLost),
        (Greeting::Raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nplace:15".to_owned()), Code::ConnectionLost),
        (Greeting::Place("place:15:10:xhr-polling"), Code::Unsupported),
    ];
    for (greeting, code) in greetings {
        // Until the test has seen what is said of it: only the latest status is kept.
        let (wrong, well) = (greeting.clone(), Arc::new(AtomicBool::new(false)));
        let now_well = well.clone();
        let greet = move |_| if now_well.load(Ordering::SeqCst) { PLACE } else { wrong.clone() };
        let server = HubServer::start(greet, |_, line| Box::pin(line.serve())).await;
        let host = Host::new(&server.url);
        host.hub.connect().unwrap();
        let error = blocking(move || {
            let error = host.next_status(HubStatus::Connecting);
            well.store(true, Ordering::SeqCst);
            host.wait_connected();
            error.unwrap()
        });
        let error = error.await;
        assert_eq!(error.code, code, "{greeting:?}: {error}");
    }
}

#[tokio::test]
async fn bad_credentials_are_told_and_not_tried_again_until_somebody_asks() {
    let refusal = json!({"exception": "ServerError", "error_code": "api_credentials_invalid", "content": "The supplied API key is not valid."});
    for status in ["200 OK", "401 Unauthorized"] {
        let body = refusal.to_string();
        let greet = move |number| if number == 0 { page(status, &body) } else { PLACE };
        let server = HubServer::start(greet, |_, line| Box::pin(line.serve())).await;
        let host = Host::new(&server.url);
        host.hub.connect().unwrap();
        host.hub.publish(publish("studio.early"), 7).unwrap();
        let host = blocking(move || {
            let error = host.next_status(HubStatus::Refused).unwrap();
            assert_eq!(error.code, Code::Unauthorised, "{error}");
            let (tag, error) = host.next_published();
            assert_eq!((tag, error.unwrap().code), (7, Code::Unauthorised));
            host
        })
        .await;
        assert_eq!(host.hub.publish(publish("studio.late"), 8).unwrap_err().code, Code::Unauthorised);
        assert_eq!(server.handshakes(), 1);
        host.hub.connect().unwrap();
        blocking(move || host.wait_connected()).await;
    }
}

#[tokio::test]
async fn a_connection_that_ends_in_any_way_is_made_again_with_every_subscription() {
    // Each ends the first connection, which has greeted.
    type End = fn(Line) -> futures_util::future::BoxFuture<'static, ()>;
    let ends: [(&str, End); 8] = [
        ("closed without a word", |line| Box::pin(async move { drop(line) })),
        ("closed properly", |mut line| Box::pin(async move { drop(line.socket.close(None).await) })),
        ("a disconnect packet", |mut line| {
            Box::pin(async move {
                line.say("0::").await;
                drop(line.hear().await)
            })
        }),
        ("an error packet", |mut line| {
            Box::pin(async move {
                line.say("7:::1+0").await;
                drop(line.hear().await)
            })
        }),
        ("cut in the middle of a packet", |line| {
            Box::pin(async move {
                // The head of a text frame of 126 bytes, and a few of them.
                let mut stream = line.socket.into_inner();
                stream.write_all(b"\x81\x7e\x00\x7e5:::{\"na").await.unwrap();
            })
        }),
        ("an event beyond the limit", |line| {
            Box::pin(async move {
                // The head of a text frame of one byte more, and none of them: it is refused by its size alone.
                let size = (policy::HUB_MESSAGE_LIMIT as u64 + 1).to_be_bytes();
                let mut stream = line.socket.into_inner();
                stream.write_all(&[&[0x81, 0x7f], &size[..]].concat()).await.unwrap();
                tokio::time::sleep(LIMIT).await;
            })
        }),
        ("text that is none", |line| {
            Box::pin(async move {
                let mut stream = line.socket.into_inner();
                stream.write_all(b"\x81\x04\xff\xfe\xfd\xfc").await.unwrap();
                tokio::time::sleep(LIMIT).await;
            })
        }),
        ("what is no frame", |line| {
            Box::pin(async move {
                let mut stream = line.socket.into_inner();
                stream.write_all(&[0xff; 64]).await.unwrap();
                tokio::time::sleep(LIMIT).await;
            })
        }),
    ];
    for (name, end) in ends {
        let talk = move |number, mut line: Line| -> futures_util::future::BoxFuture<'static, ()> {
            Box::pin(async move {
                if number > 0 {
                    return line.serve().await;
                }
                line.say("1::").await;
                // Replies, and the two subscriptions.
                for _ in 0..3 {
                    line.hear_until(|text| text.contains("ftrack.meta.subscribe")).await;
                }
                end(line).await;
            })
        };
        let server = HubServer::start(|_| PLACE, talk).await;
        let host = Host::new(&server.url);
        host.subscribe("topic=studio.*", 1);
        host.subscribe("topic=other and data.a=b", 2);
        host.hub.connect().unwrap();
        blocking(move || {
            host.wait_connections(2);
            host.publish("studio.after", 5);
            assert_eq!(host.next_published(), (5, None), "{name}");
            assert_eq!(host.next_heard(), ("studio.after".to_owned(), 1), "{name}");
            assert_eq!(host.hub.counts().connections, 2, "{name}");
        })
        .await;
        let subscribed: Vec<_> = server
            .events(1)
            .iter()
            .filter_map(|event| event["data"]["subscription"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(subscribed, ["topic=ftrack.meta.reply", "topic=studio.*", "topic=other and data.a=b"], "{name}");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_and_reads_no_more_is_noticed_within_the_time_it_named() {
    let well = Arc::new(AtomicBool::new(false));
    let now_well = well.clone();
    let talk = move |_, mut line: Line| -> futures_util::future::BoxFuture<'static, ()> {
        let well = now_well.load(Ordering::SeqCst);
        Box::pin(async move {
            if well {
                return line.serve().await;
            }
            line.say("1::").await;
            tokio::time::sleep(LIMIT).await;
        })
    };
    let server = HubServer::start(|_| Greeting::Place("place:1:1:websocket"), talk).await;
    let host = Host::new(&server.url);
    host.hub.connect().unwrap();
    blocking(move || {
        // The first may be gone before it is seen; the later ones are like it.
        let error = host.next(|event| match event {
            Event::HubStatus { status: HubStatus::Connecting, error } => error,
            _ => None,
        });
        assert_eq!(error.code, Code::NetworkTimeout, "{error}");
        well.store(true, Ordering::SeqCst);
        host.publish("studio.heard", 1);
        while host.next_published() != (1, None) {
            // It went to the silent server, which was still there.
            host.publish("studio.heard", 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_is_ended_and_wanted_again_at_once_is_made_again() {
    let server = HubServer::well_behaved().await;
    let host = Host::new(&server.url);
    host.subscribe("topic=studio.*", 1);
    host.hub.connect().unwrap();
    blocking(move || {
        host.wait_connected();
        for round in 0..5 {
            host.hub.disconnect();
            host.hub.connect().unwrap();
            host.wait_connected();
            host.publish("studio.round", round);
            assert_eq!(host.next_published(), (round, None));
            assert_eq!(host.next_heard(), ("studio.round".to_owned(), 1));
        }
    })
    .await;
    assert_eq!(server.handshakes(), 6);
}

#[tokio::test]
async fn a_server_that_names_no_times_is_connected_to_all_the_same() {
    let server = HubServer::start(|_| Greeting::Place("1234567890:"), |_, line| Box::pin(line.serve())).await;
    let host = Host::new(&server.url);
    host.hub.connect().unwrap();
    blocking(move || {
        host.wait_connected();
        host.publish("studio.here", 1);
        assert_eq!(host.next_published(), (1, None));
    })
    .await;
}

#[tokio::test]
async fn garbage_is_passed_over_and_the_connection_stays() {
    let garbage = [
        "",
        ":",
        "99",
        "8::",
        "3:::words",
        "4:::{}",
        "5",
        "5:::{",
        "5:::[]",
        "6:::",
        "6:::999+[{}]",
        "5:::{\"name\":\"x\"}",
        "ü:ü:ü",
    ];
    let talk = move |_, mut line: Line| -> futures_util::future::BoxFuture<'static, ()> {
        Box::pin(async move {
            line.say("1::").await;
            for text in garbage {
                line.say(text).await;
            }
            let deep = format!("5:::{{\"name\":\"ftrack.event\",\"args\":[{}{}]}}", "[".repeat(5000), "]".repeat(5000));
            line.say(&deep).await;
            for odd in [
                json!({}),
                json!({"topic": 7, "data": "text", "source": "me", "target": 3}),
                json!({"topic": "studio.odd", "target": "((("}),
            ] {
                line.say(&packet(&odd)).await;
            }
            line.say(&packet(&json!({"topic": "studio.good", "unknown": [1], "data": {}}))).await;
            line.go_on().await;
        })
    };
    let server = HubServer::start(|_| PLACE, talk).await;
    let host = Host::new(&server.url);
    host.subscribe("topic=studio.*", 1);
    host.hub.connect().unwrap();
    blocking(move || {
        assert_eq!(host.next_heard(), ("studio.good".to_owned(), 1));
        assert_eq!(host.hub.counts().connections, 1);
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_100_000_events_for_a_host_that_does_not_poll_is_bounded_and_counted_and_heartbeats_go_on() {
    const FLOOD: u64 = 100_000;
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = std::sync::Mutex::new(Some(tell));
    let talk = move |_, mut line: Line| -> futures_util::future::BoxFuture<'static, ()> {
        let tell = tell.lock().unwrap().take();
        Box::pin(async move {
            line.say("1::").await;
            line.hear_until(|text| text.contains("topic=studio.*")).await;
            for number in 0..FLOOD {
                line.say(&packet(&json!({"topic": "studio.flood", "id": number.to_string(), "data": {"n": number}})))
                    .await;
                if number % 20_000 == 0 {
                    line.say("2::").await;
                    line.hear_until(|text| text.starts_with("2:")).await.unwrap();
                }
            }
            line.say("2::").await;
            // The answer comes after everything before it was taken.
            line.hear_until(|text| text.starts_with("2:")).await.unwrap();
            tell.unwrap().send(()).unwrap();
            line.go_on().await;
        })
    };
    let server = HubServer::start(|_| PLACE, talk).await;
    let host = Host::new(&server.url);
    host.subscribe("topic=studio.*", 1);
    host.hub.connect().unwrap();
    tokio::time::timeout(LIMIT, told).await.unwrap().unwrap();
    assert!(host.session.queue().len() <= policy::HUB_INCOMING + 3);
    let (mut heard, mut dropped, mut last) = (0, 0, None);
    while let Some(event) = host.session.queue().take() {
        match event {
            Event::Hub { event, .. } => {
                heard += 1;
                last = Some(event.id.clone());
            }
            Event::HubDropped(count) => dropped += count,
            _ => {}
        }
    }
    assert_eq!((heard + dropped, last), (FLOOD, Some((FLOOD - 1).to_string())));
    assert_eq!(host.hub.counts().connections, 1);
}

#[tokio::test]
async fn what_was_sent_and_not_acknowledged_is_unknown_and_what_was_not_sent_goes_out_later() {
    let talk = |number, mut line: Line| -> futures_util::future::BoxFuture<'static, ()> {
        Box::pin(async move {
            if number > 0 {
                return line.serve().await;
            }
            line.say("1::").await;
            line.hear_until(|text| text.contains("studio.one")).await;
        })
    };
    let server = HubServer::start(|_| PLACE, talk).await;
    let host = Host::new(&server.url);
    host.hub.connect().unwrap();
    blocking(move || {
        host.wait_connected();
        host.publish("studio.one", 1);
        let (tag, error) = host.next_published();
        let error = error.unwrap();
        assert_eq!((tag, error.code, error.details.outcome_unknown), (1, Code::ConnectionLost, true));
        host.publish("studio.two", 2);
        assert_eq!(host.next_published(), (2, None));
    })
    .await;
}

#[tokio::test]
async fn events_that_wait_for_a_connection_are_bounded_and_those_that_give_way_are_told_and_counted() {
    let server = HubServer::start(|_| page("503 Service Unavailable", ""), |_, line| Box::pin(line.serve())).await;
    let host = Host::new(&server.url);
    assert_eq!(host.hub.publish(publish("studio.x"), 0).unwrap_err().code, Code::HubOff);
    host.hub.connect().unwrap();
    let most = policy::HUB_OUTGOING as u64;
    for tag in 0..most {
        host.publish("studio.x", tag);
    }
    // As many as there are places for ends.
    assert_eq!(host.hub.publish(publish("studio.x"), most).unwrap_err().code, Code::QueueFull);
    for _ in 0..3 {
        // Replies wait in the same queue and need no place.
        host.hub.reply("event", "source", json!({})).unwrap();
    }
    blocking(move || {
        for tag in 0..3 {
            let (told, error) = host.next_published();
            assert_eq!((told, error.unwrap().code), (tag, Code::HubDropped));
        }
        assert_eq!((host.hub.counts().dropped, host.hub.counts().waiting as u64), (3, most));
        host.hub.disconnect();
        for tag in 3..most {
            let (told, error) = host.next_published();
            assert_eq!((told, error.unwrap().code), (tag, Code::HubOff));
        }
        assert_eq!(host.hub.status().0, HubStatus::Off);
    })
    .await;
}

#[tokio::test]
async fn closing_a_session_ends_every_published_event_and_the_connection() {
    let talk = |_, mut line: Line| -> futures_util::future::BoxFuture<'static, ()> {
        Box::pin(async move {
            line.say("1::").await;
            while line.hear().await.is_some() {}
        })
    };
    let server = HubServer::start(|_| PLACE, talk).await;
    let host = Host::new(&server.url);
    host.hub.connect().unwrap();
    blocking(move || {
        host.wait_connected();
        host.publish("studio.never.acknowledged", 4);
        host.session.close(Some(Instant::now()));
        host.hub.close();
        let (tag, error) = host.next_published();
        // It may have been sent, and then nobody knows whether it was told.
        let code = error.unwrap().code;
        assert!(tag == 4 && matches!(code, Code::Closed | Code::ConnectionLost), "{tag} {code:?}");
        while host.session.queue().wait(Some(Instant::now() + Duration::from_secs(20)))
            == ftreview::session::queue::Woken::Ready
        {
            host.session.queue().take();
        }
        assert_eq!(host.hub.connect().unwrap_err().code, Code::Closed);
        assert_eq!(
            host.hub.subscribe(crate::host::subscription("topic=x"), Default::default()).unwrap_err().code,
            Code::Closed
        );
    })
    .await;
}
