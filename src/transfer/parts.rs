//! The parts of one file: which are in storage, which are on their way, which wait, and what is done about addresses that
//! are refused.

use super::journal::Noted;
use super::lanes::Lane;
use super::part::{End, Part, Receipt};
use super::plan::part_range;
use super::storage;
use super::target::{Address, Target};
use super::traffic::Verify;
use super::upload::{Upload, Uploaded, other_kind};
use crate::session::blocking::blocking;
use crate::session::secret::show_url;
use crate::session::{Code, Error, Result, policy};
use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::header::HeaderMap;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// An upload in parts.
pub(super) struct Parts<'a> {
    upload: &'a Upload<'a>,
    upload_id: String,
    part_size: u64,
    addresses: HashMap<u32, Address>,
    /// Counts the renewals of the addresses.
    generation: u32,
    /// Numbers and ETags.
    stored: BTreeMap<u32, String>,
    waiting: VecDeque<u32>,
    /// Parts whose address was refused, waiting for fresh ones.
    refused: Vec<(u32, Error)>,
    /// How often parts in a row were refused for another reason than an address that has expired.
    refusals: HashMap<u32, u32>,
    /// How many parts were stored when the addresses were renewed last.
    renewed_at: Option<usize>,
    fresh_starts: u32,
    taken_up: usize,
    /// Parts whose ETag said nothing of their contents.
    unverified: usize,
    warnings: Vec<String>,
}

/// What became of a part that was sent.
struct Sent {
    number: u32,
    generation: u32,
    lane: Option<Lane>,
    end: End,
}

impl<'a> Parts<'a> {
    pub(super) fn new(
        upload: &'a Upload<'a>,
        upload_id: &str,
        addresses: &[(u32, Address)],
        part_size: u64,
    ) -> Parts<'a> {
        Parts {
            upload,
            upload_id: upload_id.to_owned(),
            part_size,
            addresses: addresses.iter().cloned().collect(),
            generation: 0,
            stored: BTreeMap::new(),
            waiting: VecDeque::new(),
            refused: Vec::new(),
            refusals: HashMap::new(),
            renewed_at: None,
            fresh_starts: 0,
            taken_up: 0,
            unverified: 0,
            warnings: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) -> Result<Uploaded> {
        self.take_up().await;
        loop {
            if self.send().await? {
                break;
            }
            self.begin_anew().await?;
        }
        let verified = self.unverified == 0 || self.upload.traffic.verify() == Verify::Off;
        if !verified {
            self.warnings.push(self.upload.unverified(true));
        }
        let parts = std::mem::take(&mut self.stored).into_iter().collect();
        Ok(Uploaded {
            upload_id: Some(self.upload_id),
            parts,
            verified,
            taken_up: self.taken_up,
            warnings: self.warnings,
        })
    }

    /// What an earlier try has stored is not sent again.
    async fn take_up(&mut self) {
        if let Some(journal) = self.upload.journal.clone() {
            let (id, size) = (self.upload_id.clone(), self.part_size);
            let name = self.upload.file_name();
            match blocking(move || Ok(journal.read(&id, size))).await {
                Ok(Noted::Parts(parts)) => {
                    self.stored = parts.into_iter().filter(|(number, _)| self.addresses.contains_key(number)).collect();
                    let (stored, count) = (self.stored.len(), self.addresses.len());
                    self.taken_up = stored;
                    self.upload.log.info("transfer", format_args!("{name}: {stored} of {count} parts are in storage"));
                }
                Ok(Noted::Other(parts)) if parts > 0 => self.warn(format!(
                    "{name} is uploaded from its beginning: {parts} parts of an earlier try cannot be used, because the \
                     file has changed or the server has given up that upload"
                )),
                _ => {}
            }
        }
        self.line_up().await;
    }

    /// Puts what is not in storage in line, and tells journal and progress what is.
    async fn line_up(&mut self) {
        let mut missing: Vec<u32> =
            self.addresses.keys().filter(|number| !self.stored.contains_key(number)).copied().collect();
        missing.sort_unstable();
        self.waiting = missing.into();
        self.refused.clear();
        let upload = self.upload;
        let stored = self.stored.keys().map(|number| self.length(*number)).sum();
        upload.progress.begin(upload.source.size_bytes(), stored);
        if let Some(journal) = upload.journal.clone() {
            let (id, size, stored) = (self.upload_id.clone(), self.part_size, self.stored.clone());
            if let Err(error) = blocking(move || journal.begin(&id, size, &stored)).await {
                self.warn(format!("{} cannot be taken up again later: {}", upload.file_name(), error.message));
            }
        }
    }

    /// Sends what waits. False when the server gave another upload, so that everything has to be sent again.
    async fn send(&mut self) -> Result<bool> {
        let upload = self.upload;
        let mut running = FuturesUnordered::new();
        let mut own_lane_is_free = true;
        let mut lane: Option<BoxFuture<'_, Lane>> = None;
        let mut renewal: Option<BoxFuture<'_, Result<Target>>> = None;
        let mut looks = tokio::time::interval(policy::ADAPT_INTERVAL);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if renewal.is_none() && !self.refused.is_empty() {
                renewal = Some(self.ask_for_addresses()?);
            }
            let ready = !self.waiting.is_empty() && renewal.is_none() && !upload.gate.is_closed();
            if ready
                && own_lane_is_free
                && let Some(number) = self.waiting.pop_front()
            {
                own_lane_is_free = false;
                running.push(self.send_part(number, None)?);
                continue;
            }
            if running.is_empty() && self.waiting.is_empty() && renewal.is_none() {
                return Ok(true);
            }
            match ready {
                true if lane.is_none() => lane = Some(Box::pin(upload.traffic.lanes.enter())),
                // Who does not need one must not stand in the line.
                false => lane = None,
                true => {}
            }
            tokio::select! {
                Some(sent) = running.next() => {
                    own_lane_is_free |= sent.lane.is_none();
                    self.take(sent)?;
                }
                Some(lane_free) = OptionFuture::from(lane.as_mut()) => {
                    lane = None;
                    if let Some(number) = self.waiting.pop_front() {
                        running.push(self.send_part(number, Some(lane_free))?);
                    }
                }
                Some(target) = OptionFuture::from(renewal.as_mut()) => {
                    renewal = None;
                    if !self.renew(target?)? {
                        return Ok(false);
                    }
                }
                () = upload.gate.opened(), if upload.gate.is_closed() => {}
                _ = looks.tick() => upload.traffic.lanes.adapt(),
            }
        }
    }

    fn send_part(&self, number: u32, lane: Option<Lane>) -> Result<impl Future<Output = Sent> + use<'a>> {
        let upload = self.upload;
        let range = part_range(number, self.part_size, upload.source.size_bytes());
        let address = self.addresses.get(&number).cloned();
        let Some(address) = address.filter(|_| !range.is_empty()) else {
            let message = format!(
                "the server gave an address for part {number} of the file, which ends before it: publish again, and \
                 if it happens again ask the server's administrator"
            );
            return Err(Error::new(Code::MalformedAnswer, message));
        };
        let generation = self.generation;
        let part = Part { number: Some(number), address, headers: HeaderMap::new(), range };
        Ok(async move {
            let end = match upload.put_repeatedly(&part).await {
                End::Stored(Receipt { etag: None, .. }) => End::Failed(no_etag(&part.address, number)),
                end => end,
            };
            Sent { number, generation, lane, end }
        })
    }

    fn take(&mut self, sent: Sent) -> Result<()> {
        match sent.end {
            End::Stored(receipt) => {
                self.unverified += usize::from(!receipt.verified);
                let etag = receipt.etag.unwrap_or_default();
                self.note(sent.number, etag.clone());
                self.stored.insert(sent.number, etag);
            }
            End::Paused => self.waiting.push_front(sent.number),
            // Its address was of a former generation: it has not been tried with the present one.
            End::Failed(error) if storage::wants_fresh_address(&error) && sent.generation < self.generation => {
                self.waiting.push_front(sent.number);
            }
            End::Failed(error) if storage::wants_fresh_address(&error) => {
                let refusals = self.refusals.entry(sent.number).or_default();
                *refusals += u32::from(error.code != Code::StorageExpired);
                if *refusals > 1 {
                    return Err(error);
                }
                self.refused.push((sent.number, error));
            }
            End::Failed(error) => return Err(error),
        }
        Ok(())
    }

    /// In the background: the journal is for another day.
    fn note(&self, number: u32, etag: String) {
        if let Some(journal) = self.upload.journal.clone() {
            let (log, upload_id) = (self.upload.log.clone(), self.upload_id.clone());
            tokio::task::spawn_blocking(move || {
                if let Err(error) = journal.add(&upload_id, number, &etag) {
                    log.warning("transfer", &error);
                }
            });
        }
    }

    /// Once for each time that something was stored in between: what fresh addresses do not help is a failure.
    fn ask_for_addresses(&mut self) -> Result<BoxFuture<'a, Result<Target>>> {
        let stored = self.stored.len();
        if self.renewed_at == Some(stored)
            && let Some((_, error)) = self.refused.pop()
        {
            return Err(error);
        }
        self.renewed_at = Some(stored);
        if let Some((_, error)) = self.refused.first() {
            self.upload.tell_renewal(error);
        }
        Ok(self.upload.renewal.renew())
    }

    /// Takes fresh addresses. False when they are those of another upload.
    fn renew(&mut self, target: Target) -> Result<bool> {
        let Target::Parts { upload_id, addresses, part_size } = target else { return Err(other_kind()) };
        let same = upload_id == self.upload_id && part_size == self.part_size;
        self.addresses = addresses.into_iter().collect();
        self.generation += 1;
        (self.upload_id, self.part_size) = (upload_id, part_size);
        let refused = std::mem::take(&mut self.refused);
        self.waiting.extend(refused.into_iter().map(|(number, _)| number));
        Ok(same)
    }

    async fn begin_anew(&mut self) -> Result<()> {
        let name = self.upload.file_name();
        let (lost, count) = (self.stored.len(), self.addresses.len());
        self.fresh_starts += 1;
        if self.fresh_starts > policy::FRESH_STARTS {
            let message = format!(
                "the server opened another upload {} times when it was asked for other addresses, and all parts had to be \
                 sent again: the link is too slow for the life of its addresses; publish from a machine with a faster one, \
                 or a smaller file",
                self.fresh_starts
            );
            return Err(Error::new(Code::StorageExpired, message));
        }
        self.stored.clear();
        self.taken_up = 0;
        // Fresh addresses that were refused at once are no better for being those of another upload.
        self.renewed_at = (lost == 0).then_some(0);
        let what = "the server opened another upload when it was asked for other addresses";
        let log = &self.upload.log;
        log.warning("transfer", format_args!("{name}: {what}: {lost} of {count} parts have to be sent again"));
        self.line_up().await;
        Ok(())
    }

    fn length(&self, number: u32) -> u64 {
        let range = part_range(number, self.part_size, self.upload.source.size_bytes());
        range.end - range.start
    }

    fn warn(&mut self, warning: String) {
        self.upload.log.warning("transfer", &warning);
        self.warnings.push(warning);
    }
}

fn no_etag(address: &Address, number: u32) -> Error {
    let message = format!(
        "{} sent no ETag header for part {number}, which tells the checksum of what it holds and without which the parts \
         cannot be put together: ask the storage's administrator to let it through",
        show_url(address.url())
    );
    Error::new(Code::StorageMismatch, message)
}
