//! What clients send: events for others, subscriptions, and replies, which are events with a target.

use serde_json::{Map, Value, json};

use super::Hub;
use super::connection::Connection;
use super::expression::Expression;

/// The fields of an event. The Python client drops an event that has others (hub.py, _handle_packet).
const FIELDS: [&str; 7] = ["topic", "id", "data", "source", "target", "inReplyToEvent", "sent"];

/// Does what the data of an event packet say, and returns the result for the acknowledgement.
pub(super) fn receive(hub: &Hub, connection: &Connection, data: &str) -> Value {
    match take(data).and_then(|event| handle(hub, connection, event)) {
        Ok(()) => json!({"success": true}),
        Err(message) => json!({"success": false, "message": message}),
    }
}

/// The one argument of a packet named `ftrack.event`.
fn take(data: &str) -> Result<Map<String, Value>, String> {
    let mut packet: Value =
        serde_json::from_str(data).map_err(|error| format!("The packet's data are not JSON: {error}."))?;
    if packet["name"] != "ftrack.event" {
        return Err(format!("The packet has to be named \"ftrack.event\", not {}.", packet["name"]));
    }
    match packet["args"].as_array_mut().map(Vec::as_mut_slice) {
        Some([Value::Object(event)]) => Ok(std::mem::take(event)),
        _ => Err("The packet has to have one argument, the event as an object.".into()),
    }
}

fn handle(hub: &Hub, connection: &Connection, mut event: Map<String, Value>) -> Result<(), String> {
    match event.get("topic").and_then(Value::as_str) {
        None | Some("") => Err("The event needs a topic.".into()),
        Some("ftrack.meta.subscribe") => subscribe(hub, connection, &event),
        Some("ftrack.meta.unsubscribe") => unsubscribe(connection, &event),
        Some(_) => {
            complete(connection, &mut event)?;
            hub.publish(&Value::Object(event)).map(drop)
        }
    }
}

fn subscribe(hub: &Hub, connection: &Connection, event: &Map<String, Value>) -> Result<(), String> {
    let limits = hub.limits();
    let (id, metadata) = subscriber(event)?;
    let text = event.get("data").and_then(|data| data["subscription"].as_str());
    let text = text.ok_or("A subscription needs data.subscription, an expression as text.")?;
    if text.len() > limits.expression_bytes {
        return Err(format!("The subscription is longer than {} bytes.", limits.expression_bytes));
    }
    let subscription =
        Expression::parse(text).map_err(|error| format!("The subscription {text:?} cannot be read: {error}."))?;
    connection.subscribe(id, metadata.clone(), subscription, limits.subscriptions)
}

fn unsubscribe(connection: &Connection, event: &Map<String, Value>) -> Result<(), String> {
    let (id, _) = subscriber(event)?;
    let message = || format!("There is no subscriber with the id {id:?} on this connection.");
    if connection.unsubscribe(id) { Ok(()) } else { Err(message()) }
}

fn subscriber(event: &Map<String, Value>) -> Result<(&str, &Value), String> {
    let metadata = event.get("data").map_or(&Value::Null, |data| &data["subscriber"]);
    let id = metadata["id"].as_str().filter(|id| !id.is_empty());
    id.map(|id| (id, metadata)).ok_or_else(|| "The subscriber needs an id: data.subscriber.id as text.".into())
}

/// Gives the event the fields that every event has, and says truly whose it is.
fn complete(connection: &Connection, event: &mut Map<String, Value>) -> Result<(), String> {
    event.retain(|name, _| FIELDS.contains(&name.as_str()));
    for (name, value) in
        [("data", json!({})), ("target", json!("")), ("inReplyToEvent", Value::Null), ("sent", Value::Null)]
    {
        event.entry(name).or_insert(value);
    }
    match &event["target"] {
        Value::Null => event["target"] = json!(""),
        Value::String(_) => {}
        other => return Err(format!("The target has to be an expression as text, not {other}.")),
    }
    if event.get("id").and_then(Value::as_str).is_none_or(str::is_empty) {
        event.insert("id".into(), json!(uuid::Uuid::new_v4().simple().to_string()));
    }
    let source = event.entry("source").or_insert_with(|| json!({}));
    if !source.is_object() {
        *source = json!({});
    }
    let user = &mut source["user"];
    if !user.is_object() {
        *user = json!({});
    }
    user["username"] = json!(connection.caller.username);
    user["id"] = json!(connection.caller.id);
    Ok(())
}
