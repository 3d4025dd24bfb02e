//! Reads a part of a file and feeds it to the body of its request. Blocks are read and hashed on blocking threads, one ahead
//! of the one that is being sent, so that disk and network work at the same time and a request holds two blocks.

use super::buffers::Buffer;
use super::progress::{Counter, Wait};
use super::traffic::Traffic;
use crate::session::blocking::joined;
use crate::session::gate::Gate;
use crate::session::{Result, Source, policy};
use bytes::Bytes;
use md5::{Digest, Md5};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

/// What is fed.
pub(super) struct Feed<'a> {
    pub source: &'a Arc<Source>,
    pub range: Range<u64>,
    pub traffic: &'a Traffic,
    pub gate: &'a Gate,
    pub counter: &'a Counter,
    pub hashed: bool,
}

struct Block {
    bytes: Bytes,
    hash: Option<Md5>,
}

type Reading = JoinHandle<Result<Block>>;

impl Feed<'_> {
    /// Feeds all of it, and returns its MD5 where that is asked for. When the connection takes no more, it waits until it is
    /// dropped: why is for the request to say.
    pub(super) async fn run(mut self, frames: mpsc::Sender<Bytes>) -> Result<Option<[u8; 16]>> {
        let buffer = self.wait(Wait::Us, self.traffic.buffers.take()).await;
        let mut reading = self.read(buffer, self.hashed.then(Md5::new));
        let mut pace = Pace::default();
        loop {
            let block = self.wait(Wait::Disk, joined(reading)).await?;
            if self.range.is_empty() {
                self.send(block.bytes, &mut pace, &frames).await;
                return Ok(block.hash.map(|hash| hash.finalize().into()));
            }
            // With no memory to read ahead, this block goes first.
            let (buffer, left) = match self.traffic.buffers.try_take() {
                Some(buffer) => (buffer, block.bytes),
                None => {
                    self.send(block.bytes, &mut pace, &frames).await;
                    (self.wait(Wait::Us, self.traffic.buffers.take()).await, Bytes::new())
                }
            };
            reading = self.read(buffer, block.hash);
            self.send(left, &mut pace, &frames).await;
        }
    }

    fn read(&mut self, mut buffer: Buffer, mut hash: Option<Md5>) -> Reading {
        let length = (self.range.end - self.range.start).min(policy::BLOCK_SIZE as u64);
        let (source, offset) = (self.source.clone(), self.range.start);
        self.range.start += length;
        spawn_blocking(move || {
            // At most a block, whose size is a usize by policy.
            let space = buffer.space(length as usize);
            source.read_into(offset, space).map_err(|error| source.unreadable(error))?;
            if let Some(hash) = &mut hash {
                hash.update(&space);
            }
            Ok(Block { bytes: buffer.freeze(), hash })
        })
    }

    async fn send(&self, mut block: Bytes, pace: &mut Pace, frames: &mpsc::Sender<Bytes>) {
        while !block.is_empty() {
            let frame = block.split_to(block.len().min(pace.frame).min(self.traffic.rate.frame()));
            if self.gate.is_closed() || self.traffic.rate.is_capped() {
                self.wait(Wait::Us, async {
                    self.gate.opened().await;
                    self.traffic.rate.take(frame.len()).await;
                })
                .await;
            }
            let (started, length) = (Instant::now(), frame.len());
            if frames.send(frame).await.is_err() {
                return std::future::pending().await;
            }
            pace.measure(length, started.elapsed());
        }
    }

    async fn wait<T>(&self, reason: Wait, what: impl Future<Output = T>) -> T {
        self.counter.wait(reason);
        let outcome = what.await;
        self.counter.wait(Wait::Network);
        outcome
    }
}

/// Small frames on a slow connection, so that it is seen to move; large ones on a fast one.
struct Pace {
    frame: usize,
    fed: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { frame: policy::FRAME_SIZE / 4, fed: 0 }
    }
}

impl Pace {
    fn measure(&mut self, length: usize, took: Duration) {
        self.fed += length as u64;
        if took > policy::SLOW_FRAME {
            self.frame = (self.frame / 2).max(policy::SMALLEST_FRAME);
        } else if took < policy::SLOW_FRAME / 16 && self.fed >= policy::CONNECTION_BUFFERS {
            // What only fills buffers is fast on every link.
            self.frame = (self.frame * 2).min(policy::FRAME_SIZE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::progress::Progress;
    use super::super::traffic::Limits;
    use super::*;
    use crate::session::Code;

    /// A file of zeros that takes no room on the disk.
    fn source(size: u64) -> (tempfile::TempDir, Arc<Source>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros");
        std::fs::File::create(&path).unwrap().set_len(size).unwrap();
        let source = Arc::new(Source::open(&path).unwrap());
        (folder, source)
    }

    async fn feed(source: &Arc<Source>, range: Range<u64>, blocks: u64) -> (Result<Option<[u8; 16]>>, Vec<usize>) {
        let limits = Limits { memory_bytes: blocks * policy::BLOCK_SIZE as u64, ..Limits::default() };
        let traffic = Traffic::new(limits);
        let (gate, counter) =
            (Gate::default(), Counter::new(Arc::new(Progress::default()), Arc::default(), range.end - range.start));
        let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
        let feed = Feed { source, range, traffic: &traffic, gate: &gate, counter: &counter, hashed: true };
        let taken = async {
            let mut lengths = Vec::new();
            while let Some(frame) = receiver.recv().await {
                lengths.push(frame.len());
            }
            lengths
        };
        tokio::join!(feed.run(sender), taken)
    }

    #[tokio::test]
    async fn every_byte_is_fed_and_hashed_once_with_one_block_of_memory_or_two() {
        let size = 5 * policy::BLOCK_SIZE as u64 + 77;
        let (_folder, source) = source(size);
        for blocks in [1, 2, 8] {
            let (md5, lengths) = feed(&source, 3..size, blocks).await;
            assert_eq!(lengths.iter().sum::<usize>() as u64, size - 3);
            let zeros = vec![0; size as usize - 3];
            assert_eq!(md5.unwrap().unwrap(), <[u8; 16]>::from(Md5::digest(&zeros)));
        }
    }

    #[tokio::test]
    async fn frames_do_not_grow_while_they_may_only_fill_buffers() {
        let (_folder, source) = source(4 << 20);
        let (_, lengths) = feed(&source, 0..4 << 20, 4).await;
        let mut before = 0;
        for length in &lengths {
            // On a slow link a frame that waits behind full buffers must be one that moves soon.
            assert!(before >= policy::CONNECTION_BUFFERS || *length <= policy::FRAME_SIZE / 4, "{lengths:?}");
            before += *length as u64;
        }
        assert!(lengths.contains(&policy::FRAME_SIZE), "{lengths:?}");
    }

    #[tokio::test]
    async fn a_read_that_fails_is_told() {
        let (_folder, source) = source(10);
        let (outcome, lengths) = feed(&source, 0..11, 2).await;
        assert_eq!(outcome.unwrap_err().code, Code::FileUnreadable);
        assert!(lengths.is_empty());
    }

    #[test]
    fn frames_follow_the_speed_of_the_connection() {
        let mut pace = Pace::default();
        (0..10).for_each(|_| pace.measure(policy::FRAME_SIZE, Duration::ZERO));
        assert_eq!(pace.frame, policy::FRAME_SIZE);
        (0..20).for_each(|_| pace.measure(policy::FRAME_SIZE, policy::SLOW_FRAME * 2));
        assert_eq!(pace.frame, policy::SMALLEST_FRAME);
    }
}
