//! What a server is started with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::storage::{Limits, ObjectStoreConfig};

/// The port the program listens on when none is given.
pub const DEFAULT_PORT: u16 = 8090;

/// The user name of the account that may do everything.
pub const DEMO_USER: &str = "demo";
/// The API key of [`DEMO_USER`]. It is public: a sandbox keeps no secrets.
pub const DEMO_KEY: &str = "demo-api-key-NWQ2ZjY0NmUtNGE1My0xMWVl";
/// The user name of the account that may only read; writing answers `PermissionError`.
pub const READER_USER: &str = "reader";
/// The API key of [`READER_USER`].
pub const READER_KEY: &str = "reader-api-key-ZmE4MTFjNzItNGE1My0xMWVl";

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen. Port 0 lets the system choose one, see [`crate::Server::address`].
    pub listen: SocketAddr,
    /// Listening anywhere but on loopback is refused unless this is set: the keys are public and nothing is encrypted.
    pub allow_remote: bool,
    /// The address clients reach the server at, when it is not where it listens: behind a proxy, or on all interfaces.
    pub public_url: Option<String>,
    /// The folder of the database and the media; made when missing, kept when the server stops.
    pub data: PathBuf,
    /// Who may log in. Accounts that are missing in the database are added at each start.
    pub accounts: Vec<Account>,
    /// Imitate the ordering faults known of real servers, so that what passes here is safe there: a component cannot be
    /// moved to a version made in the same batch, and a thumbnail cannot be a component made in the same batch.
    pub strict_ordering: bool,
    /// The object store that keeps the media; `None` is a folder below `data`.
    pub object_store: Option<ObjectStoreConfig>,
    /// What the store allows, and how long its addresses are good.
    pub limits: Limits,
    /// How media are made playable.
    pub encoding: crate::encoding::Settings,
    /// What the studio's own endpoint takes.
    pub studio: crate::studio::Limits,
    /// How patient and how generous the event hub is.
    pub hub: crate::hub::Limits,
}

/// Someone who may log in.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user name, as sent in `ftrack-user`.
    pub username: String,
    /// The key, as sent in `ftrack-api-key`.
    pub key: String,
    /// Whether they may create, change, delete and upload.
    pub can_write: bool,
}

impl Config {
    /// A server on a free loopback port with its data in `data` and the two demo accounts.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            allow_remote: false,
            public_url: None,
            data: data.into(),
            accounts: vec![
                Account { username: DEMO_USER.into(), key: DEMO_KEY.into(), can_write: true },
                Account { username: READER_USER.into(), key: READER_KEY.into(), can_write: false },
            ],
            strict_ordering: true,
            object_store: None,
            limits: Limits::default(),
            encoding: crate::encoding::Settings::default(),
            studio: crate::studio::Limits::default(),
            hub: crate::hub::Limits::default(),
        }
    }
}
