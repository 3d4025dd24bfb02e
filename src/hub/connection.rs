//! One connection to the hub, and the next one after it, without end.

use super::handshake::{self, Made};
use super::shared::{Next, Shared, Wish};
use crate::ftrack::retry::pause_between;
use crate::session::news::HubStatus;
use crate::session::secret::show_url;
use crate::session::{Code, Error, Result, Status, policy};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::{timeout, timeout_at};
use tokio_tungstenite::tungstenite::{self, Message};

/// Keeps a connection for as long as the host wants one.
pub async fn keep(shared: Arc<Shared>, mut wish: watch::Receiver<Wish>) {
    let mut failed = 0;
    loop {
        let wanted = *wish.borrow_and_update();
        match wanted {
            Wish::Closed => return,
            Wish::Off => {
                if wish.changed().await.is_err() {
                    return;
                }
                failed = 0;
                continue;
            }
            Wish::On { .. } => {}
        }
        let began = Instant::now();
        let error = tokio::select! {
            biased;
            () = unwanted(wish.clone(), wanted) => None,
            Err(error) = connect_and_serve(&shared) => Some(error),
        };
        shared.lost();
        let Some(error) = error else {
            shared.report(HubStatus::Connecting, None);
            failed = 0;
            continue;
        };
        let error = error.cleaned(shared.log.redactor());
        shared.log.info("hub", format_args!("not connected: {error}"));
        if !Status::of(&error).passes() {
            shared.report(HubStatus::Refused, Some(error.clone()));
            shared.give_up(&error);
            // Until somebody asks again.
            if wish.changed().await.is_err() {
                return;
            }
            failed = 0;
            continue;
        }
        let asked = error.details.retry_after.unwrap_or_default().min(policy::HUB_RETRY_AFTER_CAP);
        shared.report(HubStatus::Connecting, Some(error));
        // A connection that held was a good one.
        failed = if began.elapsed() >= policy::HUB_STEADY { 0 } else { failed + 1 };
        let longest = policy::RETRY_BASE.saturating_mul(1 << failed.min(16)).min(policy::HUB_RECONNECT_CAP);
        // Ended early by any wish: to connect now, or not at all.
        let _ = timeout(asked + pause_between(longest / 4, longest), wish.changed()).await;
    }
}

/// Ends published events whose time is over.
pub async fn keep_time(shared: Arc<Shared>, mut wish: watch::Receiver<Wish>) {
    loop {
        let next = shared.expire(Instant::now());
        let rest = next.map_or(Duration::from_secs(3600), |next| next.saturating_duration_since(Instant::now()));
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = shared.deadlines.notified() => {}
            changed = wish.changed() => if changed.is_err() || *wish.borrow() == Wish::Closed {
                return;
            }
        }
    }
}

/// Returns when the connection that was `wanted` is not wanted any more.
async fn unwanted(mut wish: watch::Receiver<Wish>, wanted: Wish) {
    let term = |wish: &Wish| match wish {
        Wish::On { term, .. } => Some(*term),
        Wish::Off | Wish::Closed => None,
    };
    // An error is as good: nobody can want anything any more.
    let _ = wish.wait_for(|wish| term(wish) != term(&wanted)).await;
}

/// Never returns but with the reason why there is no connection any more.
async fn connect_and_serve(shared: &Shared) -> Result<()> {
    let Made { socket, silence, heartbeats } = handshake::connect(&shared.client, &shared.log).await?;
    let (sink, stream) = socket.split();
    tokio::select! {
        read = read(shared, stream, silence) => read,
        written = write(shared, sink, (!heartbeats).then_some(silence / 3)) => written,
    }
}

async fn read<Socket>(shared: &Shared, mut stream: Socket, silence: Duration) -> Result<()>
where
    Socket: Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
{
    let mut greeted = false;
    // Whatever else it says meanwhile: nothing can be sent before the greeting.
    let patience = tokio::time::Instant::now() + policy::HUB_PATIENCE;
    loop {
        let text =
            if greeted { timeout(silence, stream.next()).await } else { timeout_at(patience, stream.next()).await };
        let text = match text {
            Err(_) if greeted => return Err(silent(shared, silence)),
            Err(_) => return Err(silent(shared, policy::HUB_PATIENCE)),
            Ok(None) | Ok(Some(Ok(Message::Close(_)))) => return Err(closed(shared, "closed it")),
            Ok(Some(Err(error))) => return Err(broken(shared, error)),
            Ok(Some(Ok(Message::Text(text)))) => text,
            // Signs of life.
            Ok(Some(Ok(_))) => continue,
        };
        match shared.receive(text.as_str()) {
            Next::Read => {}
            Next::Greeted if greeted => {}
            Next::Greeted => {
                greeted = true;
                shared.log.info("hub", format_args!("connected to {}", show_url(shared.client.server_url())));
                shared.greeted();
            }
            Next::End(error) => return Err(error),
        }
    }
}

/// Sends what there is to send; where the server sends no heartbeats it is asked for signs of life.
async fn write<Socket>(shared: &Shared, mut sink: Socket, ask_every: Option<Duration>) -> Result<()>
where
    Socket: Sink<Message, Error = tungstenite::Error> + Unpin,
{
    loop {
        // One flush for all that wait: a flood is a few large writes. Each has its own time, since a slow line takes long for many.
        for _ in 0..policy::HUB_SENT_TOGETHER {
            let Some(text) = shared.next_packet() else { break };
            patiently(shared, sink.feed(Message::text(text))).await?;
        }
        patiently(shared, sink.flush()).await?;
        if shared.has_packet() {
            continue;
        }
        let rest = ask_every.unwrap_or(Duration::from_secs(3600));
        if timeout(rest, shared.work.notified()).await.is_err() && ask_every.is_some() {
            // Leaves with the flush.
            sink.feed(Message::Ping(Default::default())).await.map_err(|error| broken(shared, error))?;
        }
    }
}

/// What the connection takes within the time after which it is dead.
async fn patiently(shared: &Shared, sent: impl Future<Output = Result<(), tungstenite::Error>>) -> Result<()> {
    match timeout(policy::HUB_PATIENCE, sent).await {
        Ok(sent) => sent.map_err(|error| broken(shared, error)),
        Err(_) => Err(silent(shared, policy::HUB_PATIENCE)),
    }
}

fn silent(shared: &Shared, patience: Duration) -> Error {
    let (url, seconds) = (show_url(shared.client.server_url()), patience.as_secs());
    let message = format!("nothing was heard of the event hub of {url} for {seconds} s; the connection is made again");
    Error::new(Code::NetworkTimeout, message)
}

fn closed(shared: &Shared, how: &str) -> Error {
    let url = show_url(shared.client.server_url());
    let message = format!("the connection to the event hub ended, the server {url} {how}; it is made again");
    Error::new(Code::ConnectionLost, message)
}

fn broken(shared: &Shared, error: tungstenite::Error) -> Error {
    match error {
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => closed(shared, "closed it"),
        tungstenite::Error::Capacity(_) => {
            let limit = policy::HUB_MESSAGE_LIMIT >> 20;
            closed(shared, &format!("sent an event of more than {limit} MiB"))
        }
        other => closed(shared, &format!("broke it ({other})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ftrack::{Client, Config, Environment, ProxyChoice};
    use crate::session::log::Log;
    use futures_util::stream;

    fn shared() -> Shared {
        let config = Config {
            server_url: "http://localhost".parse().unwrap(),
            api_key: "key".to_owned().into(),
            api_user: "ada".to_owned(),
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            headers: Vec::new(),
            cookies: Vec::new(),
            proxy: ProxyChoice::None,
            ca_file: None,
            strict_api: false,
            client_token: "token".to_owned(),
            environment: Environment::default(),
        };
        Shared {
            client: Arc::new(Client::new(config, Log::silent())),
            log: Log::silent(),
            queue: Arc::default(),
            id: "hub".to_owned(),
            wish: watch::Sender::new(Wish::Off),
            work: Default::default(),
            deadlines: Default::default(),
            changed: Default::default(),
            state: Default::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_talks_and_never_greets_is_given_up() {
        for packet in ["2::", "8::"] {
            let talk = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Some((Ok(Message::text(packet)), ()))
            });
            let shared = shared();
            let read = read(&shared, Box::pin(talk), policy::HUB_SILENCE);
            let error = timeout(policy::HUB_PATIENCE * 4, read).await.unwrap().unwrap_err();
            assert_eq!(error.code, Code::NetworkTimeout);
        }
    }
}
