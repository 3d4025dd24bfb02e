//! From the session's HTTP client to a WebSocket: the handshake of Socket.IO 0.9 (protocol reference, 2.1).
//!
//! User and key go as headers, as with every API request, and never into an address.

use crate::ftrack::Client;
use crate::ftrack::quote;
use crate::session::log::Log;
use crate::session::{Code, Error, Result, policy};
use reqwest::Upgraded;
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// A connection that was made, and after how much silence it is dead.
pub struct Made {
    pub socket: WebSocketStream<Upgraded>,
    pub silence: Duration,
    /// Whether the server sends heartbeats, or has to be asked for signs of life.
    pub heartbeats: bool,
}

/// Asks for a place on the hub and opens the WebSocket to it.
pub async fn connect(client: &Client, log: &Log) -> Result<Made> {
    let answer = client.get_text("socket.io/1/").await?;
    let place = Place::read(&answer.text, log)?;
    let cookies = &answer.cookies;
    let upgraded =
        client.open_web_socket("socket.io/1/websocket", &place.session, cookies, policy::HUB_PATIENCE).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(policy::HUB_MESSAGE_LIMIT))
        .max_frame_size(Some(policy::HUB_MESSAGE_LIMIT));
    let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await;
    Ok(Made { socket, silence: place.silence.unwrap_or(policy::HUB_SILENCE), heartbeats: place.silence.is_some() })
}

/// `session:heartbeat:close:transports`; all but the first may be missing.
#[derive(Debug, PartialEq)]
struct Place {
    session: String,
    /// Heartbeat and close timeout together: after one the server should have been heard, after both it would have closed.
    silence: Option<Duration>,
}

impl Place {
    fn read(text: &str, log: &Log) -> Result<Place> {
        let mut parts = text.trim().split(':');
        let session = parts.next().unwrap_or_default();
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        if session.is_empty() || session.len() > 256 || !session.chars().all(word) || !text.contains(':') {
            let said = quote::page(text.as_bytes(), log.redactor());
            let said = if said.is_empty() { "an empty page".to_owned() } else { format!("{said:?}") };
            let remedy = "check the server URL, and whether the server is in maintenance or a proxy answers for it";
            let message = format!("the event hub greeted with what no hub says, {said}: {remedy}");
            return Err(Error::new(Code::WrongServer, message));
        }
        let mut seconds = || parts.next().and_then(|part| part.trim().parse::<u64>().ok());
        let (heartbeat, close) = (seconds(), seconds().unwrap_or_default());
        let transports = parts.next().unwrap_or_default();
        if !transports.is_empty() && !transports.split(',').any(|transport| transport.trim() == "websocket") {
            let said = quote::line(transports, log.redactor());
            let message = format!(
                "the event hub offers no WebSocket but {said:?}: ask the server's administrator to let WebSockets through"
            );
            return Err(Error::new(Code::Unsupported, message));
        }
        let (least, most) = policy::HUB_SILENCE_RANGE;
        let silence = heartbeat
            .filter(|heartbeat| *heartbeat > 0)
            .map(|heartbeat| Duration::from_secs(heartbeat.saturating_add(close).clamp(least, most)));
        Ok(Place { session: session.to_owned(), silence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place> {
        Place::read(text, &Log::silent())
    }

    #[test]
    fn all_but_the_session_may_be_missing() {
        let of =
            |text: &str| place(text).map(|place| (place.session, place.silence.map(|time| time.as_secs()))).unwrap();
        assert_eq!(of("a-1:15:10:websocket,xhr-polling"), ("a-1".to_owned(), Some(25)));
        assert_eq!(of("1234567890:"), ("1234567890".to_owned(), None));
        assert_eq!(of("a:::websocket\n"), ("a".to_owned(), None));
        assert_eq!(of("a:0:0:websocket"), ("a".to_owned(), None));
        assert_eq!(of("a:x:y:z,websocket"), ("a".to_owned(), None));
        assert_eq!(of("a:18446744073709551615:10:"), ("a".to_owned(), Some(policy::HUB_SILENCE_RANGE.1)));
    }

    #[test]
    fn what_is_no_place_on_a_hub_is_told_as_such() {
        for text in
            ["", "<html>Back soon: 5 minutes</html>", "../../api:15:10:websocket", "nothing", ":15:10:websocket"]
        {
            assert_eq!(place(text).unwrap_err().code, Code::WrongServer, "{text}");
        }
        assert_eq!(place("a:15:10:xhr-polling").unwrap_err().code, Code::Unsupported);
    }
}
