//! Damaged files of every kind: probing them never panics, never hangs and never asks for much memory.
//!
//! A program of its own, because its allocator watches all memory that is asked for.

#![allow(clippy::unwrap_used, reason = "this is all tests, its helpers too")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use ftreview::media::{ftr_meta, probe, verdict};

/// The largest piece of memory that was asked for at once.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

struct Watching;

// SAFETY: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Numbers without pattern, the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

const MUTATIONS_OF_EACH: usize = 80;

#[test]
fn no_damage_makes_probing_panic_or_take_much_memory() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("damaged.mp4");
    let mut numbers = Numbers(0x05ee_d0ff_11e5);
    let (mut read, mut refused) = (0, 0);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media");
    let mut paths: Vec<_> = fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for sample in paths {
        let whole = fs::read(&sample).unwrap();
        for _ in 0..MUTATIONS_OF_EACH {
            let damaged = damage(&whole, &mut numbers);
            write_as_old(&path, &damaged);
            LARGEST.store(0, Ordering::Relaxed);
            match probe(&path) {
                Ok(media) => {
                    read += 1;
                    let _ = verdict(&media).map_err(|error| error.to_string());
                    assert!(ftr_meta(&media, true).is_object());
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.message.contains("damaged.mp4"), "{error}");
                }
            }
            let largest = LARGEST.load(Ordering::Relaxed);
            // Tables take twice their room in the file at most; a page of log or path is nothing.
            assert!(largest <= 64 << 10, "{sample:?} made probing ask for {largest} bytes at once");
        }
    }
    // Damage must be met at every depth: neither all refused at the door nor all unnoticed.
    assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
}

/// One to six changes, most of them where the headers are, and sometimes an end that is too early.
fn damage(whole: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    // Where the index begins, or the file itself.
    let index = whole.windows(4).position(|window| window == b"moov").unwrap_or(0);
    for _ in 0..=numbers.below(6) {
        let (start, length) = match numbers.below(4) {
            0 => (0, bytes.len()),
            _ => (index, (bytes.len() - index).min(900)),
        };
        let at = start + numbers.below(length);
        match numbers.below(4) {
            0 => bytes[at] ^= 1 << numbers.below(8),
            1 => bytes[at] = numbers.below(256) as u8,
            // Sizes and counts at their limits.
            _ => {
                let extremes = [0, 1, 7, 8, 15, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, u32::MAX];
                let value = extremes[numbers.below(extremes.len())].to_be_bytes();
                let end = (at + 4).min(bytes.len());
                bytes[at..end].copy_from_slice(&value[..end - at]);
            }
        }
    }
    if numbers.below(10) == 0 {
        bytes.truncate(1 + numbers.below(bytes.len()));
    }
    bytes
}

/// A file that was changed a moment ago would be watched for a while.
fn write_as_old(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(path).unwrap().set_modified(hour_ago).unwrap();
}
