//! Packets of Socket.IO 0.9, "protocol 1": `type ":" [id ["+"]] ":" [endpoint] [":" data]`.

use serde_json::Value;

/// What the server says first on a new connection.
pub const CONNECTED: &str = "1::";
/// Asks for a sign of life, and is one.
pub const HEARTBEAT: &str = "2::";
/// The server ends the connection.
pub const DISCONNECT: &str = "0::";
/// The error of a WebSocket without a handshake: reason 1, "client not handshaken", advice 0, "reconnect".
pub const NOT_HANDSHAKEN: &str = "7:::1+0";

/// What a packet is; what this server has no use for is `Other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client leaves.
    Disconnect,
    /// A sign of life.
    Heartbeat,
    /// A named event with arguments, as JSON.
    Event,
    /// Anything else: connecting to an endpoint, messages, acknowledgements, errors, and types that are not known.
    Other,
}

/// A packet as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Packet<'t> {
    /// What it is.
    pub kind: Kind,
    /// The number by which the client wants it acknowledged.
    pub id: Option<u64>,
    /// The acknowledgement is to carry a result.
    pub wants_result: bool,
    /// Everything after the third colon, colons included.
    pub data: &'t str,
}

/// Takes a packet apart. Clients leave out what is empty at the end (`2::`, `2`), so every part but the first may be missing.
pub fn parse(text: &str) -> Packet<'_> {
    let mut parts = text.splitn(4, ':');
    let kind = match parts.next() {
        Some("0") => Kind::Disconnect,
        Some("2") => Kind::Heartbeat,
        Some("5") => Kind::Event,
        _ => Kind::Other,
    };
    let id = parts.next().unwrap_or_default();
    let number = id.strip_suffix('+');
    Packet {
        kind,
        id: number.unwrap_or(id).parse().ok(),
        wants_result: number.is_some(),
        data: parts.nth(1).unwrap_or_default(),
    }
}

/// Acknowledges a packet, with a result when the client wants one.
pub fn acknowledgement(packet: &Packet<'_>, result: &Value) -> Option<String> {
    let id = packet.id?;
    Some(if packet.wants_result { format!("6:::{id}+[{result}]") } else { format!("6:::{id}") })
}

/// An event for a client. It has no id: the JavaScript client cannot read one (simple_socketio.ts, handleMessage).
pub fn event(event: &Value) -> String {
    format!("5:::{{\"name\":\"ftrack.event\",\"args\":[{event}]}}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn packets_of_any_length_are_read_and_data_keep_their_colons() {
        let packet = |kind, id, wants_result, data| Packet { kind, id, wants_result, data };
        for (text, expected) in [
            ("2", packet(Kind::Heartbeat, None, false, "")),
            ("2::", packet(Kind::Heartbeat, None, false, "")),
            ("2:::", packet(Kind::Heartbeat, None, false, "")),
            ("5:17+::{\"a\":\":\"}", packet(Kind::Event, Some(17), true, "{\"a\":\":\"}")),
            ("5:17::x", packet(Kind::Event, Some(17), false, "x")),
            ("5:::a:b", packet(Kind::Event, None, false, "a:b")),
            ("5", packet(Kind::Event, None, false, "")),
            ("5:x+::y", packet(Kind::Event, None, true, "y")),
            ("0::", packet(Kind::Disconnect, None, false, "")),
            ("8::", packet(Kind::Other, None, false, "")),
            ("", packet(Kind::Other, None, false, "")),
            ("::::", packet(Kind::Other, None, false, ":")),
            ("nonsense", packet(Kind::Other, None, false, "")),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_packet_is_acknowledged_as_its_sender_asked() {
        let result = json!({"success": true});
        assert_eq!(acknowledgement(&parse("5:3+::x"), &result).as_deref(), Some("6:::3+[{\"success\":true}]"));
        assert_eq!(acknowledgement(&parse("5:3::x"), &result).as_deref(), Some("6:::3"));
        assert_eq!(acknowledgement(&parse("5:::x"), &result), None);
    }
}
