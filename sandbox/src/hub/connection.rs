//! One client's connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Notify, mpsc};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::expression::Expression;
use super::packet::{self, Kind};
use super::{Hub, events, limits};
use crate::auth::Caller;

/// What is known of a client while it is connected.
pub(super) struct Connection {
    /// Who it is.
    pub(super) caller: Caller,
    subscribers: Mutex<HashMap<String, Subscriber>>,
    outgoing: mpsc::UnboundedSender<Utf8Bytes>,
    /// Bytes and packets in `outgoing`, which this keeps bounded.
    waiting_bytes: AtomicUsize,
    waiting_packets: AtomicUsize,
    most_waiting_bytes: usize,
    overflowed: AtomicBool,
    /// The connection is to end: without a word, or with one.
    cut: Notify,
    dismissed: Notify,
}

struct Subscriber {
    metadata: Value,
    subscription: Expression,
}

/// Why a connection ended, where that is worth a line in the log.
enum End {
    Usual,
    Silent,
    Overflowed,
}

impl Connection {
    /// Whether one of its subscribers is meant by the target and asked for the event.
    pub(super) fn wants(&self, event: &Value, target: Option<&Expression>) -> bool {
        self.subscribers.lock().values().any(|subscriber| {
            target.is_none_or(|target| target.matches(&subscriber.metadata)) && subscriber.subscription.matches(event)
        })
    }

    /// Queues a packet. A client that lets too much pile up is cut off.
    pub(super) fn send(&self, packet: Utf8Bytes) {
        let waiting = self.waiting_bytes.fetch_add(cost(&packet), Ordering::Relaxed);
        self.waiting_packets.fetch_add(1, Ordering::Relaxed);
        if waiting > self.most_waiting_bytes {
            self.overflowed.store(true, Ordering::Relaxed);
            self.cut.notify_one();
            return;
        }
        // Fails when the connection has ended, when nobody is left to tell.
        let _ = self.outgoing.send(packet);
    }

    /// Adds a subscriber. The error says why not.
    pub(super) fn subscribe(
        &self,
        id: &str,
        metadata: Value,
        subscription: Expression,
        most: usize,
    ) -> Result<(), String> {
        let mut subscribers = self.subscribers.lock();
        if subscribers.contains_key(id) {
            return Err(format!("There is already a subscriber with the id {id:?} on this connection."));
        }
        if subscribers.len() >= most {
            return Err(format!("A connection may have {most} subscribers and no more."));
        }
        subscribers.insert(id.to_owned(), Subscriber { metadata, subscription });
        Ok(())
    }

    /// Takes a subscriber out; `false` when there was none with this id.
    pub(super) fn unsubscribe(&self, id: &str) -> bool {
        self.subscribers.lock().remove(id).is_some()
    }

    pub(super) fn cut(&self) {
        self.cut.notify_one();
    }

    pub(super) fn dismiss(&self) {
        self.dismissed.notify_one();
    }
}

/// Serves a client until it leaves, is silent for too long, does not read, or the server stops.
pub(super) async fn serve(hub: Hub, caller: Caller, socket: WebSocket) {
    let (outgoing, queue) = mpsc::unbounded_channel();
    let connection = Arc::new(Connection {
        caller,
        subscribers: Mutex::default(),
        outgoing,
        waiting_bytes: AtomicUsize::new(0),
        waiting_packets: AtomicUsize::new(0),
        most_waiting_bytes: hub.limits().backlog_bytes,
        overflowed: AtomicBool::new(false),
        cut: Notify::new(),
        dismissed: Notify::new(),
    });
    let number = hub.0.next_connection.fetch_add(1, Ordering::Relaxed);
    hub.0.connections.write().insert(number, connection.clone());
    let leave = Leave { hub: &hub, number };
    if hub.0.closed.load(Ordering::Relaxed) {
        // It was let in just before the server began to stop, and may have missed that.
        connection.dismiss();
    }
    let (mut sink, stream) = socket.split();
    connection.send(packet::CONNECTED.into());
    let end = tokio::select! {
        end = read(&hub, &connection, stream) => end,
        () = write(&hub, &connection, queue, &mut sink) => End::Usual,
        () = connection.dismissed.notified() => {
            let goodbye = [Message::Text(packet::DISCONNECT.into()), Message::Close(None)];
            let mut goodbye = futures_util::stream::iter(goodbye.map(Ok));
            // A client that does not take it finds the connection closed.
            let _ = timeout(limits::GOODBYE, sink.send_all(&mut goodbye)).await;
            End::Usual
        }
        () = connection.cut.notified() => End::Overflowed,
    };
    drop(leave);
    report(&hub, &connection, &end);
}

/// A WebSocket whose session id is not known, or was used before.
pub(super) async fn refuse(mut socket: WebSocket) {
    for message in [Message::Text(packet::NOT_HANDSHAKEN.into()), Message::Close(None)] {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Takes the connection out of the hub however its task ends.
struct Leave<'h> {
    hub: &'h Hub,
    number: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.hub.0.connections.write().remove(&self.number);
    }
}

async fn read(hub: &Hub, connection: &Connection, mut stream: SplitStream<WebSocket>) -> End {
    loop {
        let message = match timeout(hub.limits().close_timeout, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(_) => return End::Usual,
            Err(_) => return End::Silent,
        };
        // Binary frames, pings and pongs are signs of life and no more.
        let Message::Text(text) = message else { continue };
        let packet = packet::parse(&text);
        match packet.kind {
            Kind::Disconnect => return End::Usual,
            Kind::Event => {
                let result = events::receive(hub, connection, packet.data);
                if let Some(answer) = packet::acknowledgement(&packet, &result) {
                    connection.send(answer.into());
                }
            }
            Kind::Heartbeat | Kind::Other => {}
        }
    }
}

/// Sends what is queued, and heartbeats; returns when the client cannot be written to any more.
async fn write(
    hub: &Hub,
    connection: &Connection,
    mut queue: mpsc::UnboundedReceiver<Utf8Bytes>,
    sink: &mut SplitSink<WebSocket, Message>,
) {
    let mut heartbeat = interval(hub.limits().heartbeat);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat.reset();
    loop {
        let sent = tokio::select! {
            _ = heartbeat.tick() => sink.send(Message::Text(packet::HEARTBEAT.into())).await,
            packet = queue.recv() => match packet {
                Some(packet) => send_waiting(connection, packet, &mut queue, sink).await,
                None => return,
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Sends the packet and those behind it with one flush at the end: a flood is a few large writes.
async fn send_waiting(
    connection: &Connection,
    first: Utf8Bytes,
    queue: &mut mpsc::UnboundedReceiver<Utf8Bytes>,
    sink: &mut SplitSink<WebSocket, Message>,
) -> Result<(), axum::Error> {
    /// So many packets and then a look at the heartbeat.
    const TOGETHER: usize = 256;
    let mut next = Some(first);
    for _ in 0..TOGETHER {
        let Some(packet) = next.take().or_else(|| queue.try_recv().ok()) else { break };
        let cost = cost(&packet);
        sink.feed(Message::Text(packet)).await?;
        connection.waiting_bytes.fetch_sub(cost, Ordering::Relaxed);
        connection.waiting_packets.fetch_sub(1, Ordering::Relaxed);
    }
    sink.flush().await
}

/// What a waiting packet counts for: its bytes, and its place in the queue.
fn cost(packet: &Utf8Bytes) -> usize {
    packet.len() + size_of::<Utf8Bytes>()
}

fn report(hub: &Hub, connection: &Connection, end: &End) {
    let who = &connection.caller.username;
    match end {
        End::Overflowed if connection.overflowed.load(Ordering::Relaxed) => {
            let lost = connection.waiting_packets.load(Ordering::Relaxed);
            hub.0.lost.fetch_add(lost as u64, Ordering::Relaxed);
            eprintln!("hub: cut off a client of {who:?} that does not read: {lost} packets were not delivered");
        }
        End::Silent => {
            let seconds = hub.limits().close_timeout.as_secs();
            eprintln!("hub: cut off a client of {who:?} that was silent for {seconds} s");
        }
        End::Usual | End::Overflowed => {}
    }
}
