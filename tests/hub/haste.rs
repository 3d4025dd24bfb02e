//! What a host may do in a hurry, and servers that are slow or rude about it.

use crate::faults::blocking;
use crate::host::{Host, subscription};
use crate::server::{Greeting, HubServer};
use ftreview::hub::What;
use ftreview::session::news::{HubStatus, Receiver};
use ftreview::session::{Code, policy};

#[tokio::test]
async fn who_disconnects_and_connects_at_once_is_connected_and_what_is_published_then_is_sent() {
    let server = HubServer::well_behaved().await;
    let host = Host::new(&server.url);
    host.hub.connect().unwrap();
    blocking(move || {
        host.wait_connected();
        for round in 0..20 {
            host.hub.disconnect();
            host.hub.connect().unwrap();
            host.publish("studio.again", round);
            host.wait_connected();
            let (tag, error) = host.next_published();
            assert_eq!((tag, error.map(|error| error.code)), (round, None));
        }
    })
    .await;
}

#[tokio::test]
async fn a_watch_for_which_there_was_no_room_leaves_nothing_behind_and_the_next_one_works() {
    let server = HubServer::well_behaved().await;
    let host = Host::new(&server.url);
    host.hub.connect().unwrap();
    let version = "6a1f6f54-0000-4000-8000-000000000001".to_owned();
    blocking(move || {
        host.wait_connected();
        let many: Vec<u64> =
            (0..policy::HUB_SUBSCRIPTIONS as u64).map(|handle| host.subscribe("topic=x", handle)).collect();
        assert_eq!(
            host.hub.subscribe(subscription("topic=x"), Receiver::default()).unwrap_err().code,
            Code::OutOfResources
        );
        // Those of the host are counted, and not the one by which the library hears.
        host.hub.watch(What::Version(version.clone()), Receiver { handle: 1, tag: 0 }).unwrap();
        assert_eq!(host.hub.counts().subscriptions, many.len());
        assert_eq!(
            host.hub.subscribe(subscription("topic=x"), Receiver::default()).unwrap_err().code,
            Code::OutOfResources
        );
    })
    .await;
}

#[tokio::test]
async fn a_server_that_names_a_time_to_come_back_is_left_alone_until_then() {
    let busy = |_| Greeting::Raw("HTTP/1.1 503 Busy\r\nRetry-After: 25\r\nContent-Length: 0\r\n\r\n".to_owned());
    let server = HubServer::start(busy, |_, line| Box::pin(line.serve())).await;
    let host = Host::new(&server.url);
    host.hub.connect().unwrap();
    let error = blocking(move || {
        let error = host.next_status(HubStatus::Connecting).unwrap();
        // Longer than the pauses after several tries without it.
        std::thread::sleep(policy::RETRY_BASE * 8);
        error
    })
    .await;
    assert_eq!((error.code, server.handshakes()), (Code::ServerBusy, 1));
}

#[tokio::test]
async fn the_place_on_the_hub_is_in_no_message() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        for number in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut asked = vec![0; 4096];
            let count = stream.read(&mut asked).await.unwrap();
            let line = "not-for-others:15:10:websocket";
            let length = line.len();
            let answer = match String::from_utf8_lossy(&asked[..count]).contains("/websocket/") {
                false => format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{line}"),
                true if number < 3 => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi".to_owned(),
                true => "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi".to_owned(),
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let host = Host::new(&url);
    host.hub.connect().unwrap();
    blocking(move || {
        for code in [Code::WrongServer, Code::ServerBusy] {
            let error = host.next_status(HubStatus::Connecting).unwrap();
            assert_eq!(error.code, code);
            assert!(!error.message.contains("not-for-others"), "{error}");
        }
    })
    .await;
}
