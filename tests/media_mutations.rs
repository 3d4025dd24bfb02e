//! Damaged files of every kind: probing them never panics, never hangs and never asks for much memory.
//!
//! A program of its own, because its allocator watches all memory that is asked for.

#![allow(clippy::unwrap_used, reason = "this is all tests, its helpers too")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use ftreview::media::{Kind, ftr_meta, look, plan, plan_frames, probe, verdict};

/// Bytes that are in use, and the most that were since the last look.
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Watching;

fn took(size: usize) {
    let live = LIVE.fetch_add(size, Ordering::Relaxed) + size;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may exist for a moment.
        took(size);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
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

/// What no file may make probing take.
const MOST_MEMORY: usize = 64 << 20;

/// The allocator counts for the whole program, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn no_damage_makes_probing_panic_or_take_much_memory() {
    let _alone = ALONE.lock();
    let found = mutate(&samples(), 16);
    // Damage must be met at every depth: neither all refused at the door nor all unnoticed.
    assert!(found.read > 150 && found.refused > 150, "{found:?}");
}

/// Of what ffmpeg writes too, where `FTREVIEW_CORPUS` names a folder of that: `cargo xtask test media` makes it.
#[test]
#[ignore = "takes a minute: cargo xtask test media"]
fn ten_thousand_kinds_of_damage_make_nothing_panic_hang_or_take_much_memory() {
    let _alone = ALONE.lock();
    let mut paths = samples();
    if let Some(folder) = std::env::var_os("FTREVIEW_CORPUS") {
        paths.extend(files(Path::new(&folder)));
    }
    let found = mutate(&paths, 10_000_usize.div_ceil(paths.len()).max(8));
    println!("{} files: {found:?}", paths.len());
    assert!(found.read + found.refused >= 10_000 && found.read > 1500 && found.refused > 1500, "{found:?}");
}

#[derive(Debug, Default)]
struct Found {
    read: usize,
    refused: usize,
    most_memory: usize,
}

fn samples() -> Vec<PathBuf> {
    let mut paths = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media"));
    paths.retain(|path| path.extension().is_none_or(|extension| extension != "sh"));
    paths
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Looks at damaged forms of these files, so many of each.
fn mutate(paths: &[PathBuf], of_each: usize) -> Found {
    let folder = tempfile::TempDir::new().unwrap();
    let mut numbers = Numbers(0x05ee_d0ff_11e5);
    let mut found = Found::default();
    for sample in paths {
        let whole = fs::read(sample).unwrap();
        // The name matters for what has no beginning of its own.
        let path = folder.path().join("damaged").with_extension(sample.extension().unwrap_or_default());
        for _ in 0..of_each {
            let damaged = damage(&whole, &mut numbers);
            write_as_old(&path, &damaged);
            let (result, memory) = measured(|| look(&path));
            match result {
                Ok(media) => {
                    found.read += 1;
                    let _ = verdict(&media).map_err(|error| error.to_string());
                    let _ = plan(&media).reason().map(|reason| reason.error(&media).to_string());
                    let _ = plan_frames(&media.kind);
                    assert!(ftr_meta(&media, true).is_object());
                }
                Err(error) => {
                    found.refused += 1;
                    assert!(error.message.contains("damaged."), "{error}");
                }
            }
            let _ = probe(&path).map_err(|error| error.to_string());
            found.most_memory = found.most_memory.max(memory);
            // Headers and tables are read once, and kept two or three times; a page of path or message is nothing.
            let allowed = (256 << 10) + 8 * damaged.len();
            assert!(memory <= allowed, "{sample:?} of {} bytes made probing take {memory} bytes", damaged.len());
        }
    }
    found
}

/// What a piece of work returns, and how much memory it took at most.
fn measured<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = work();
    (result, PEAK.load(Ordering::Relaxed).saturating_sub(before))
}

#[test]
fn the_largest_tables_that_are_read_at_all_fit_into_the_memory_that_is_promised() {
    let _alone = ALONE.lock();
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("large.mp4");
    let whole = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media/index-at-end.mp4")).unwrap();
    // A clock without pattern is the worst: nothing of it can be put together.
    for room in [ftreview::session::policy::MOVIE_INDEX_LIMIT as usize - 4096, 1 << 20] {
        let movie = with_times(&whole, room / 8);
        write_as_old(&path, &movie);
        let (result, memory) = measured(|| look(&path));
        let media = result.unwrap();
        assert!(matches!(media.kind, Kind::Movie(_)));
        assert!(memory <= MOST_MEMORY, "an index of {room} bytes took {memory}");
        println!("an index of {room} bytes took {memory} bytes");
    }
}

/// The movie with as many entries in its table of times, each frame shown for another time than the one before.
fn with_times(whole: &[u8], count: usize) -> Vec<u8> {
    let mut movie = whole.to_vec();
    let table = movie.windows(4).position(|window| window == b"stts").unwrap() - 4;
    let old = u32::from_be_bytes(movie[table..table + 4].try_into().unwrap()) as usize;
    let entries = (0..count as u32).flat_map(|entry| [1, 500 + entry % 7].map(u32::to_be_bytes)).flatten();
    let mut new = [(16 + 8 * count as u32).to_be_bytes(), *b"stts", [0; 4], (count as u32).to_be_bytes()].concat();
    new.extend(entries);
    let grown = new.len() - old;
    movie.splice(table..table + old, new);
    for name in [b"moov", b"trak", b"mdia", b"minf", b"stbl"] {
        let at = movie.windows(4).position(|window| window == name).unwrap() - 4;
        let size = u32::from_be_bytes(movie[at..at + 4].try_into().unwrap()) + grown as u32;
        movie[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    movie
}

#[test]
fn a_header_that_claims_more_than_any_file_holds_takes_no_memory() {
    let _alone = ALONE.lock();
    let folder = tempfile::TempDir::new().unwrap();
    for name in [
        "still.exr",
        "still.tif",
        "still.dpx",
        "still.tga",
        "container.mkv",
        "container.avi",
        "container.mxf",
        "document.pdf",
    ] {
        let path = folder.path().join(name);
        write_as_old(
            &path,
            &fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media").join(name)).unwrap(),
        );
        // A file with a hole: it takes no room on disk.
        File::options().write(true).open(&path).unwrap().set_len(3 << 30).unwrap();
        write_time(&path);
        let (_, memory) = measured(|| look(&path).map_err(|error| error.to_string()));
        assert!(memory <= MOST_MEMORY / 4, "{name} took {memory} bytes");
    }
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
    write_time(path);
}

fn write_time(path: &Path) {
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(path).unwrap().set_modified(hour_ago).unwrap();
}
