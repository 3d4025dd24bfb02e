//! Asking the server, in the background, whether it can be worked with.

use super::client::{Client, Config, ServerInformation};
use super::retry;
use crate::session::{Session, Status};
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

/// Begins to ask, and reports to the session how it went. A server that is merely away is asked again until the session ends.
pub fn connect(session: &Session, config: Config) -> Connection {
    let client = Arc::new(Client::new(config, session.log().clone()));
    let information = Arc::new(OnceLock::new());
    let connection = Connection { client: client.clone(), information: information.clone() };
    let reporter = session.reporter();
    // Neither the client nor the runtime is kept alive by the asking.
    let client = Arc::downgrade(&client);
    session.runtime().spawn(async move {
        while let Some(client) = client.upgrade() {
            match client.server_information().await {
                Ok(answer) => {
                    let _ = information.set(answer);
                    reporter.report(Status::Ready, None);
                    return;
                }
                Err(error) => {
                    let status = Status::of(&error);
                    reporter.report(status, Some(error));
                    drop(client);
                    if !status.passes() {
                        return;
                    }
                    tokio::time::sleep(retry::pause()).await;
                }
            }
        }
    });
    connection
}
