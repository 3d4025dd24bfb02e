//! A client of the hub that speaks packets, and one that speaks events.

#![allow(clippy::expect_used, clippy::panic)] // tests fail by panicking

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::Sandbox;

/// Long enough that only a hang gets there.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that has been opened.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    acknowledged: u64,
    /// Came while something else was waited for.
    early: VecDeque<Value>,
}

impl Sandbox {
    /// The body of the answer to a handshake with these headers.
    pub async fn shake_hands(&self, headers: &[(&str, &str)], query: &str) -> String {
        let mut request = self.client.get(format!("{}/socket.io/1/{query}", self.server.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().text().await.unwrap()
    }

    /// A session id of the demo user.
    pub async fn hub_session(&self) -> String {
        let (user, key) = (ftreview_sandbox::config::DEMO_USER, ftreview_sandbox::config::DEMO_KEY);
        let answer = self.shake_hands(&[("ftrack-user", user), ("ftrack-api-key", key)], "").await;
        answer.split(':').next().unwrap().to_owned()
    }

    /// A WebSocket of which nothing was read yet.
    pub async fn open(&self, session: &str) -> Client {
        let url = format!("{}/socket.io/1/websocket/{session}", self.server.url().replace("http", "ws"));
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Client { socket, acknowledged: 0, early: VecDeque::new() }
    }

    /// A client that the server has greeted.
    pub async fn connect(&self) -> Client {
        let mut client = self.open(&self.hub_session().await).await;
        assert_eq!(client.packet().await.as_deref(), Some("1::"));
        client
    }
}

impl Client {
    /// The next packet; `None` when the connection has ended.
    pub async fn packet(&mut self) -> Option<String> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("the server says nothing");
            match message? {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next packet that is no heartbeat; heartbeats are answered.
    pub async fn news(&mut self) -> Option<String> {
        loop {
            let packet = self.packet().await?;
            if packet != "2::" {
                return Some(packet);
            }
            self.send("2::").await;
        }
    }

    pub async fn send(&mut self, packet: &str) {
        self.socket.send(Message::text(packet.to_owned())).await.unwrap();
    }

    /// The next event.
    pub async fn event(&mut self) -> Value {
        if let Some(event) = self.early.pop_front() {
            return event;
        }
        let packet = self.news().await.expect("the connection has ended");
        read_event(&packet).unwrap_or_else(|| panic!("no event: {packet}"))
    }

    /// Sends an event and returns the server's result.
    pub async fn publish(&mut self, event: Value) -> Value {
        self.acknowledged += 1;
        let number = self.acknowledged;
        let data = json!({"name": "ftrack.event", "args": [event]});
        self.send(&format!("5:{number}+::{data}")).await;
        loop {
            let packet = self.news().await.expect("the connection has ended");
            if let Some(result) = packet.strip_prefix(&format!("6:::{number}+")) {
                let mut result: Vec<Value> = serde_json::from_str(result).unwrap();
                assert_eq!(result.len(), 1);
                return result.remove(0);
            }
            self.early.extend(read_event(&packet));
        }
    }

    /// Sends an event that the server has to take.
    pub async fn pass(&mut self, event: Value) {
        let result = self.publish(event).await;
        assert_eq!(result, json!({"success": true}));
    }

    pub async fn try_subscribe(&mut self, subscriber: Value, subscription: &str) -> Value {
        let data = json!({"subscriber": subscriber, "subscription": subscription});
        self.publish(json!({"topic": "ftrack.meta.subscribe", "data": data})).await
    }

    pub async fn subscribe(&mut self, id: &str, subscription: &str) {
        let result = self.try_subscribe(json!({"id": id}), subscription).await;
        assert_eq!(result, json!({"success": true}), "{subscription}");
    }
}

fn read_event(packet: &str) -> Option<Value> {
    let data: Value = serde_json::from_str(packet.strip_prefix("5:::")?).unwrap();
    assert_eq!(data["name"], "ftrack.event");
    assert_eq!(data["args"].as_array().unwrap().len(), 1, "{data}");
    Some(data["args"][0].clone())
}
