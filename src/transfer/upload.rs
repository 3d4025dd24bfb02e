//! One file on its way: whole, or in parts of which several run at once. Addresses that are refused are asked for again,
//! parts that are in storage already are not sent again. Dropping the future ends everything; at most a block is read
//! after that.

use super::journal::Journal;
use super::part::{End, Part, Receipt};
use super::parts::Parts;
use super::progress::Progress;
use super::storage;
use super::target::{Address, Target};
use super::traffic::{Traffic, Verify};
use crate::ftrack::Http;
use crate::session::blocking::blocking;
use crate::session::gate::Gate;
use crate::session::log::Log;
use crate::session::{Class, Code, Error, Result, Source};
use futures_util::future::BoxFuture;
use reqwest::header::HeaderMap;
use std::sync::Arc;

/// One file on its way.
pub struct Upload<'a> {
    /// The connections.
    pub http: Http,
    /// The file.
    pub source: Arc<Source>,
    /// Where it goes.
    pub target: Target,
    /// Asks the server for fresh addresses.
    pub renewal: &'a dyn Renewal,
    /// What it shares with other uploads of the session.
    pub traffic: Arc<Traffic>,
    /// Closed while the job is paused.
    pub gate: Arc<Gate>,
    /// What is told to the host meanwhile.
    pub progress: Arc<Progress>,
    /// Where parts that are in storage are noted, for another try.
    pub journal: Option<Arc<Journal>>,
    /// Where retries are told.
    pub log: Log,
}

/// Asks the server for fresh addresses of the same file: those that it gave have expired.
pub trait Renewal: Send + Sync {
    /// Where the file goes from now on: the same upload, or another one.
    fn renew(&self) -> BoxFuture<'_, Result<Target>>;
}

/// What the storage has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// What the storage calls the upload, if it was in parts; needed to complete it.
    pub upload_id: Option<String>,
    /// Number and ETag of each part, in ascending order; empty for a file that went up whole.
    pub parts: Vec<(u32, String)>,
    /// Whether the storage's checksums were compared with what was sent, or nobody wanted that.
    pub verified: bool,
    /// How many of them an earlier try had stored.
    pub taken_up: usize,
    /// What is not as it should be, and no failure.
    pub warnings: Vec<String>,
}

impl Upload<'_> {
    /// Sends the file and checks that it stayed the same meanwhile.
    pub async fn run(&self) -> Result<Uploaded> {
        let _blocks = self.traffic.buffers.in_use();
        self.progress.begin(self.source.size_bytes(), 0);
        let sent = match &self.target {
            Target::Single { address, headers } => self.whole(address, headers).await,
            Target::Parts { upload_id, addresses, part_size } => {
                Parts::new(self, upload_id, addresses, *part_size).run().await
            }
        };
        // Also after a failure: that the file changed explains a mismatch, and nothing explains that it changed.
        let source = self.source.clone();
        blocking(move || source.check_unchanged()).await?;
        sent.map_err(|error| self.with_place(error))
    }

    async fn whole(&self, address: &Address, headers: &HeaderMap) -> Result<Uploaded> {
        let range = 0..self.source.size_bytes();
        let mut part = Part { number: None, address: address.clone(), headers: headers.clone(), range };
        let mut renewed = false;
        loop {
            match self.put_repeatedly(&part).await {
                End::Stored(receipt) => return Ok(self.stored_whole(&receipt, &part.headers)),
                End::Paused => self.gate.opened().await,
                End::Failed(error) if storage::wants_fresh_address(&error) && !renewed => {
                    renewed = true;
                    self.tell_renewal(&error);
                    (part.address, part.headers) = match self.renewal.renew().await? {
                        Target::Single { address, headers } => (address, headers),
                        Target::Parts { .. } => return Err(other_kind()),
                    };
                }
                End::Failed(error) => return Err(error),
            }
        }
    }

    fn stored_whole(&self, receipt: &Receipt, headers: &HeaderMap) -> Uploaded {
        let verified = match self.traffic.verify() {
            Verify::Off => true,
            Verify::Etag => receipt.verified,
            // The storage itself has refused other bytes, where the server let it know them.
            Verify::ContentMd5 => receipt.verified || headers.contains_key("content-md5"),
        };
        let warnings = if verified { Vec::new() } else { vec![self.unverified(receipt.etag.is_some())] };
        Uploaded { warnings, verified, ..Uploaded::default() }
    }

    /// What is told of a file whose contents could not be compared.
    pub(super) fn unverified(&self, has_etag: bool) -> String {
        let why = match has_etag {
            true => "is no MD5, as with keys of its own (SSE-KMS)",
            false => "did not come",
        };
        format!(
            "{} was uploaded, and its contents could not be compared: the storage's ETag {why}; ask its administrator, or \
             say with FTR_VERIFY_OFF that sizes are enough",
            self.file_name()
        )
    }

    pub(super) fn tell_renewal(&self, error: &Error) {
        self.log.warning("transfer", format_args!("{}: {error}; asking for a new address", self.file_name()));
    }

    /// The error with the file's name and how far it came. Errors of the file itself name it already.
    fn with_place(&self, mut error: Error) -> Error {
        if error.code.class() != Class::File {
            let (stored, total) = (self.progress.stored(), self.progress.total());
            let name = self.file_name();
            error.message =
                format!("{name} was not uploaded ({stored} of {total} bytes are in storage): {}", error.message);
        }
        error
    }

    /// In quotes, for messages.
    pub(super) fn file_name(&self) -> String {
        format!("'{}'", self.source.path().file_name().unwrap_or_default().to_string_lossy())
    }
}

/// The server must not change its mind on whether a file goes up in parts.
pub(super) fn other_kind() -> Error {
    let message = "the server gave addresses of another kind than before for the same file (get_upload_metadata): \
                   publish again, and if it happens again ask the server's administrator";
    Error::new(Code::MalformedAnswer, message)
}
