//! What all uploads of a session share: memory, connections, bandwidth, and how they are to be treated.

use super::buffers::Buffers;
use super::lanes::Lanes;
use super::rate::Rate;
use crate::session::policy;
use std::sync::Arc;
use std::time::Duration;

/// How the bytes that arrived are compared with the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// The MD5 of what was sent is computed on the way and compared with the storage's ETag, where that is an MD5.
    #[default]
    Etag,
    /// Nothing is computed: sizes and the storage's own checks only.
    Off,
    /// As `Etag`; and a file that goes up in one request is read beforehand, so that its MD5 is part of its address
    /// (Content-MD5) and the storage itself refuses other bytes.
    ContentMd5,
}

/// What a host chooses.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For file contents on their way, in bytes; a block at least.
    pub memory_bytes: u64,
    /// Of all uploads together; 0 is no cap.
    pub bytes_per_second: u64,
    /// Requests at once of an upload that is alone; nothing: as many as help.
    pub connections: Option<usize>,
    /// How what arrived is compared.
    pub verify: Verify,
    /// A request on which no byte moves for this long is given up.
    pub idle_timeout: Duration,
    /// How long a request that fails is tried again at least.
    pub patience: Duration,
    /// The first wait between tries.
    pub retry_base: Duration,
    /// How long the requests of a paused job are held open.
    pub pause_hold: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory_bytes: policy::UPLOAD_MEMORY,
            bytes_per_second: 0,
            connections: None,
            verify: Verify::default(),
            idle_timeout: policy::UPLOAD_IDLE_TIMEOUT,
            patience: policy::UPLOAD_PATIENCE,
            retry_base: policy::RETRY_BASE,
            pause_hold: policy::PAUSE_HOLD,
        }
    }
}

/// The traffic of one session.
#[derive(Debug)]
pub struct Traffic {
    pub(super) limits: Limits,
    pub(super) buffers: Buffers,
    pub(super) lanes: Arc<Lanes>,
    pub(super) rate: Rate,
}

impl Traffic {
    /// Traffic within these limits. Memory is taken when it is needed.
    pub fn new(limits: Limits) -> Arc<Self> {
        let buffers = Buffers::new(limits.memory_bytes);
        let lanes = Lanes::new(limits.connections, buffers.limit());
        Arc::new(Traffic { lanes, rate: Rate::new(limits.bytes_per_second), buffers, limits })
    }

    /// Caps the bytes a second of all uploads together; 0 lifts the cap. Takes effect at once.
    pub fn set_rate(&self, bytes_per_second: u64) {
        self.rate.set(bytes_per_second);
    }

    /// What the host chose, and how patient it is.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How what arrived is compared.
    pub fn verify(&self) -> Verify {
        self.limits.verify
    }
}
