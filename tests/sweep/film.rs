//! What is published: a film that goes up in three parts, and its thumbnail.

use super::support::repository;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// As tests/sweep/host.c gives them.
pub const COMMENT: &str = "Softer key light";
pub const STATUS: &str = "In Progress";

/// Two parts of 8 MiB and one of what is left.
const SIZE: usize = 17 << 20;

#[derive(Debug)]
pub struct Source {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

/// The film, made once.
pub fn film() -> &'static Source {
    static FILM: OnceLock<Source> = OnceLock::new();
    FILM.get_or_init(|| {
        let mut bytes = std::fs::read(repository("examples/media/review.mp4")).unwrap();
        // A box that players skip, whose length of 64 bits follows its name.
        bytes.extend(1u32.to_be_bytes());
        bytes.extend(b"free");
        bytes.extend((SIZE - (bytes.len() - 8)).to_be_bytes());
        // Bytes of which no two parts have the same.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        while bytes.len() < SIZE {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend(state.to_le_bytes());
        }
        bytes.truncate(SIZE);
        settled("film.mp4", bytes)
    })
}

pub fn thumbnail() -> &'static Source {
    static THUMBNAIL: OnceLock<Source> = OnceLock::new();
    THUMBNAIL
        .get_or_init(|| settled("thumbnail.jpg", std::fs::read(repository("examples/media/thumbnail.jpg")).unwrap()))
}

/// A movie that goes up in one request.
pub fn small() -> &'static Source {
    static SMALL: OnceLock<Source> = OnceLock::new();
    SMALL.get_or_init(|| settled("small.mp4", std::fs::read(repository("examples/media/review.mp4")).unwrap()))
}

/// A file that was written long ago, so that nobody waits for it to be written whole. It stays for the next time.
fn settled(name: &str, bytes: Vec<u8>) -> Source {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sweep");
    let path = folder.join(name);
    if std::fs::read(&path).ok().as_ref() != Some(&bytes) {
        std::fs::create_dir_all(&folder).unwrap();
        let fresh = folder.join(format!("{name}.{}", std::process::id()));
        std::fs::write(&fresh, &bytes).unwrap();
        std::fs::rename(&fresh, &path).unwrap();
    }
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
    Source { path, bytes }
}
