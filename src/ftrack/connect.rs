//! Asking the server, in the background, whether it can be worked with.

use super::client::{Client, Config, ServerInformation};
use super::retry;
use crate::session::{Session, Status, policy};
use std::sync::{Arc, OnceLock};

/// A session's way to its server.
pub struct Connection {
    client: Arc<Client>,
    information: Arc<OnceLock<ServerInformation>>,
}

impl Connection {
    /// Speaks to the server.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// What the server said of itself, once it did.
    pub fn information(&self) -> Option<&ServerInformation> {
        self.information.get()
    }
}

/// Begins to ask, and reports to the session how it went. A server that is away is asked again, and so is one that was
/// there when a request fails later: what the session says of its server is never older than the last trouble with it.
pub fn connect(session: &Session, config: Config) -> Connection {
    let (client, mut news) = Client::watched(config, session.log().clone());
    let client = Arc::new(client);
    let information = Arc::new(OnceLock::new());
    let connection = Connection { client: client.clone(), information: information.clone() };
    let reporter = session.reporter();
    // Neither the client nor the runtime is kept alive by the asking.
    let client = Arc::downgrade(&client);
    session.runtime().spawn(async move {
        while let Some(client) = client.upgrade() {
            let answer = client.server_information().await;
            drop(client);
            // What this very asking has stirred up is no news.
            let _ = news.try_recv();
            match answer {
                Ok(answer) => {
                    let _ = information.set(answer);
                    reporter.report(Status::Ready, None);
                    if news.recv().await.is_none() {
                        return;
                    }
                }
                Err(error) => {
                    let status = Status::of(&error);
                    reporter.report(status, Some(error));
                    if !status.passes() {
                        return;
                    }
                    let pause = retry::pause_between(policy::RETRY_BASE, policy::RECONNECT_PAUSE);
                    if let Ok(None) = tokio::time::timeout(pause, news.recv()).await {
                        return;
                    }
                }
            }
        }
    });
    connection
}
