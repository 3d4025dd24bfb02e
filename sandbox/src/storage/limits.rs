//! The numbers of the store that are policy, each with its reason.

use std::time::Duration;

/// Limits of the store. The defaults are those of S3, which ftrack's own storage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long an address is good. An hour is what presigned addresses commonly get; ftrack documents none.
    pub address_lifetime: Duration,
    /// Smallest size in bytes of a part that is not the last: 5 MiB in S3.
    pub smallest_part: u64,
    /// Largest body in bytes of one PUT, whole file or part: 5 GiB in S3.
    pub largest_put: u64,
    /// How long an upload in parts may be idle before its parts are dropped: no part of it came, and nobody asked for
    /// its addresses. A week is what lifecycle rules of buckets commonly say.
    pub upload_lifetime: Duration,
    /// What a second `get_upload_metadata` for a component with an open upload in as many parts is answered with:
    /// addresses of that upload (false), or of a new one, and the old one is gone (true). What ftrack does is not known.
    pub renew_upload_id: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            address_lifetime: Duration::from_secs(3600),
            smallest_part: 5 << 20,
            largest_put: 5 << 30,
            upload_lifetime: Duration::from_secs(7 * 24 * 3600),
            renew_upload_id: false,
        }
    }
}

/// How much of a refused body is still read, in bytes. A client that is still sending when the connection closes
/// loses the answer to a reset; above this the reset is the lesser evil.
pub(super) const READ_AFTER_REFUSAL: u64 = 16 << 20;

/// Chunks (of at most some 100 KiB each, the HTTP buffer) waiting for the disk, which bounds the memory of an upload.
pub(super) const CHUNKS_IN_FLIGHT: usize = 16;

/// The longest time an address of an object store may be good: S3 refuses more.
pub(super) const LONGEST_ADDRESS: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long this server's own requests to an object store are good. Clocks differ; S3 takes up to 15 minutes of that.
pub(super) const STORE_REQUEST: Duration = Duration::from_secs(900);

/// How long a connection to an object store may take to come about.
pub(super) const STORE_CONNECT: Duration = Duration::from_secs(5);

/// How long an object store may be silent. Completing an upload of ten thousand parts can take minutes, in which S3 sends
/// white space now and then.
pub(super) const STORE_SILENCE: Duration = Duration::from_secs(60);

/// The pauses before an object store that is out of order is asked again. Short and few: a client waits, and it asks again
/// by itself.
pub(super) const STORE_RETRIES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(500)];

/// Parts in one upload: 10 000 in S3 and in ftrack's JavaScript client.
pub const MOST_PARTS: u32 = 10_000;

/// Block size for reading a stored file, in bytes. Each block is a trip to a blocking thread.
pub(super) const READ_BLOCK: usize = 256 << 10;
