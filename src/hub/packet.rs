//! Socket.IO 0.9 framing, "protocol 1": `type:[id[+]]:[endpoint][:data]`.
//!
//! Read with tolerance, because a packet that is not understood must never end a connection: parts may be missing, data
//! may contain colons, a type that is not known is only ignored. Written as the official Python client writes.

use serde_json::{Value, json};

/// The name of every event that ftrack's hub carries; the endpoint stays empty (protocol reference, 2.1).
const EVENT_NAME: &str = "ftrack.event";

/// A packet from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Packet {
    /// The server ends the connection.
    Disconnect,
    /// The connection is there.
    Connect,
    /// To be answered with the same.
    Heartbeat,
    /// An event, and what is to be acknowledged.
    Event {
        /// The event, or null where there was none in the packet.
        event: Value,
        /// The acknowledgement that the server wants.
        acknowledge: Option<String>,
    },
    /// The server's answer to a packet that was sent with this number.
    Acknowledged {
        /// The number.
        number: u64,
        /// Whether the server did what was asked, and its words where it did not.
        answer: Result<(), String>,
    },
    /// The server reports an error: its words.
    Error(String),
    /// Nothing to do: a type without meaning here, or none at all.
    Ignored,
}

impl Packet {
    /// Reads a text frame.
    pub fn read(text: &str) -> Packet {
        let mut parts = text.splitn(4, ':');
        let mut part = || parts.next().unwrap_or_default();
        let (kind, id, _endpoint, data) = (part(), part(), part(), part());
        match kind {
            "0" => Packet::Disconnect,
            "1" => Packet::Connect,
            "2" => Packet::Heartbeat,
            "5" => match event(data) {
                Some(event) => Packet::Event { event, acknowledge: acknowledgement(id) },
                None => Packet::Ignored,
            },
            "6" => acknowledged(data).unwrap_or(Packet::Ignored),
            "7" => Packet::Error(data.trim_matches('+').to_owned()),
            // 3 and 4 are messages outside of events, 8 does nothing, and there are no others yet.
            _ => Packet::Ignored,
        }
    }
}

/// The answer to a heartbeat.
pub fn heartbeat() -> String {
    "2::".to_owned()
}

/// An event that the server is to acknowledge under this number.
pub fn write_event(number: u64, event: &Value) -> String {
    format!("5:{number}+::{}", json!({"name": EVENT_NAME, "args": [event]}))
}

/// The acknowledgement that an event from the server asked for.
pub fn write_acknowledgement(wanted: &str) -> String {
    format!("6:::{wanted}")
}

/// The first argument of an `ftrack.event`; others have no meaning.
fn event(data: &str) -> Option<Value> {
    let mut packet: Value = serde_json::from_str(data).ok()?;
    if packet.get("name").and_then(Value::as_str) != Some(EVENT_NAME) {
        return None;
    }
    let event = packet.get_mut("args")?.get_mut(0)?.take();
    event.is_object().then_some(event)
}

/// `7` is acknowledged by the transport itself; `7+` wants data, and an empty list is data enough.
fn acknowledgement(id: &str) -> Option<String> {
    let number = id.strip_suffix('+')?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{number}+[]"))
}

/// `<number>` or `<number>+[{"success": …, "message": …}]`.
fn acknowledged(data: &str) -> Option<Packet> {
    let (number, answer) = data.split_once('+').unwrap_or((data, ""));
    let number = number.parse().ok()?;
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let first = answer.get(0).unwrap_or(&answer);
    let refused = first.get("success") == Some(&Value::Bool(false));
    let message = first.get("message").and_then(Value::as_str).unwrap_or("no reason was given");
    Some(Packet::Acknowledged { number, answer: if refused { Err(message.to_owned()) } else { Ok(()) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_may_contain_colons_and_parts_may_be_missing() {
        let text = r#"5:::{"name":"ftrack.event","args":[{"topic":"a:b::c","data":{"at":"10:30:00"}}]}"#;
        let Packet::Event { event, acknowledge: None } = Packet::read(text) else { panic!("{text}") };
        assert_eq!((event["topic"].as_str(), event["data"]["at"].as_str()), (Some("a:b::c"), Some("10:30:00")));
        for heartbeat in ["2", "2:", "2::", "2:::"] {
            assert_eq!(Packet::read(heartbeat), Packet::Heartbeat, "{heartbeat}");
        }
        assert_eq!(Packet::read("1::"), Packet::Connect);
        assert_eq!(Packet::read("0"), Packet::Disconnect);
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        let long = "5:::".to_owned() + &"[".repeat(100_000);
        for text in [
            "",
            ":",
            "8::",
            "9::x",
            "3:::hello",
            "4:::{}",
            "5",
            "5:::",
            "5:::{",
            "5:::[]",
            "55:::{}",
            "6:::",
            "6:::x+[]",
            &long,
        ] {
            assert_eq!(Packet::read(text), Packet::Ignored, "{text:.40}");
        }
        for data in
            [r#"{"name":"other","args":[{}]}"#, r#"{"name":"ftrack.event"}"#, r#"{"name":"ftrack.event","args":[7]}"#]
        {
            assert_eq!(Packet::read(&format!("5:::{data}")), Packet::Ignored, "{data}");
        }
    }

    #[test]
    fn an_acknowledgement_says_whether_the_server_did_it_and_why_not() {
        let answer = |text: &str| match Packet::read(text) {
            Packet::Acknowledged { number: 4, answer } => answer,
            other => panic!("{other:?}"),
        };
        assert_eq!(answer("6:::4"), Ok(()));
        assert_eq!(answer("6:::4+[]"), Ok(()));
        assert_eq!(answer(r#"6:::4+[{"success":true}]"#), Ok(()));
        assert_eq!(answer(r#"6:::4+[{"success":false,"message":"no: never"}]"#), Err("no: never".to_owned()));
        assert_eq!(answer(r#"6:::4+{"success":false}"#), Err("no reason was given".to_owned()));
    }

    #[test]
    fn an_event_with_an_id_is_acknowledged_when_the_server_wants_data() {
        let data = r#"{"name":"ftrack.event","args":[{}]}"#;
        let wanted = |id: &str| match Packet::read(&format!("5:{id}::{data}")) {
            Packet::Event { acknowledge, .. } => acknowledge.map(|wanted| write_acknowledgement(&wanted)),
            other => panic!("{other:?}"),
        };
        assert_eq!(wanted("7+").as_deref(), Some("6:::7+[]"));
        assert_eq!((wanted("7"), wanted(""), wanted("x+")), (None, None, None));
    }

    #[test]
    fn an_event_is_written_as_it_is_read() {
        let event = json!({"topic": "ä:1", "data": {}});
        let text = write_event(3, &event);
        assert!(text.starts_with("5:3+::{") && text.contains("ä:1"), "{text}");
        assert_eq!(Packet::read(&text), Packet::Event { event, acknowledge: Some("3+[]".to_owned()) });
    }
}
