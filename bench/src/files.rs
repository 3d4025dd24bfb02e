//! The files that are sent, and the MD5 of each of their parts: a sink that is told them need not compute them, and a
//! sender that verifies has something to compare with.

use crate::Outcome;
use clap::Args;
use ftreview::transfer::{Plan, plan::part_range};
use md5::{Digest, Md5};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The name of the list of MD5s in each folder.
const LIST: &str = "md5s.txt";

/// What to make.
#[derive(Args)]
pub struct Options {
    /// The folder for them
    folder: PathBuf,
    /// Files to make: NAME=BYTES
    #[arg(long = "file", value_parser = name_and_size)]
    files: Vec<(String, u64)>,
    /// How many more files, named 0000 and so on
    #[arg(long, default_value_t = 0)]
    count: u32,
    /// Bytes of each of those
    #[arg(long, default_value_t = 200 << 10)]
    each: u64,
    /// Files that are all hole: they take no room on the disk, and their MD5s are not listed
    #[arg(long)]
    sparse: bool,
}

fn name_and_size(text: &str) -> Result<(String, u64), String> {
    let (name, size) = text.split_once('=').ok_or("NAME=BYTES is wanted")?;
    Ok((name.to_owned(), size.parse().map_err(|_| format!("{size} is no number of bytes"))?))
}

/// Makes the files that are not there yet in the right size, and reads the others, so that all are in the page cache.
pub fn run(options: &Options) -> Outcome {
    fs::create_dir_all(&options.folder)?;
    let numbered = (0..options.count).map(|number| (format!("{number:04}"), options.each));
    let mut list = Vec::new();
    for (name, size) in options.files.iter().cloned().chain(numbered) {
        let path = options.folder.join(&name);
        if fs::metadata(&path).map(|metadata| metadata.len()).ok() != Some(size) {
            make(&path, size, options.sparse)?;
        }
        if !options.sparse {
            let md5s = md5s_of(&path, size)?;
            md5s.iter().zip(1..).try_for_each(|(md5, part)| writeln!(list, "{name}\t{part}\t{md5}"))?;
        }
    }
    Ok(fs::write(options.folder.join(LIST), list)?)
}

/// Bytes without a pattern that a disk or a file system could shorten, the same in each run.
fn make(path: &Path, size: u64, sparse: bool) -> Outcome {
    let mut file = File::create(path)?;
    if sparse {
        file.set_len(size)?;
    } else {
        let mut state = size | 1;
        let mut block = Vec::with_capacity(1 << 20);
        let mut left = size;
        while left > 0 {
            block.clear();
            let length = left.min(1 << 20);
            while (block.len() as u64) < length {
                // xorshift64: quick, and far from compressible.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                block.extend_from_slice(&state.to_le_bytes());
            }
            file.write_all(&block[..length as usize])?;
            left -= length;
        }
        file.sync_all()?;
    }
    // A file that was written a moment ago is watched before it is sent.
    file.set_modified(SystemTime::now() - Duration::from_secs(3600))?;
    Ok(())
}

fn md5s_of(path: &Path, size: u64) -> Outcome<Vec<String>> {
    let (part_size, count) = match Plan::for_size(size)? {
        Plan::Single => (size, 1),
        Plan::Parts { part_size, count } => (part_size, count),
    };
    let mut file = File::open(path)?;
    let mut block = vec![0; 1 << 20];
    let mut md5s = Vec::new();
    for number in 1..=count {
        let range = part_range(number, part_size, size);
        file.seek(SeekFrom::Start(range.start))?;
        let mut part = (&mut file).take(range.end - range.start);
        let mut hash = Md5::new();
        loop {
            match part.read(&mut block)? {
                0 => break,
                count => hash.update(&block[..count]),
            }
        }
        md5s.push(hex(&hash.finalize()));
    }
    Ok(md5s)
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The MD5s of the parts of a folder's files, by file name and part number.
#[derive(Default)]
pub struct Md5s(HashMap<(String, u32), String>);

impl Md5s {
    /// Those that [`run`] has listed beside the file.
    pub fn beside(file: &Path) -> Outcome<Self> {
        let path = file.with_file_name(LIST);
        let text = fs::read_to_string(&path).map_err(|error| format!("Cannot read {}: {error}.", path.display()))?;
        let mut md5s = HashMap::new();
        for line in text.lines() {
            if let [name, part, md5] = line.split('\t').collect::<Vec<_>>()[..] {
                md5s.insert((name.to_owned(), part.parse()?), md5.to_owned());
            }
        }
        Ok(Self(md5s))
    }

    /// The one of a part, which is 1 for a file that goes up whole.
    pub fn of(&self, file: &Path, part: u32) -> Option<&str> {
        let name = file.file_name()?.to_string_lossy().into_owned();
        self.0.get(&(name, part)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_md5s_listed_are_those_of_the_parts_as_they_are_sent() {
        let folder = tempfile::tempdir().unwrap();
        let size = (16 << 20) + 5;
        let files = vec![("whole".to_owned(), 1000), ("parts".to_owned(), size)];
        run(&Options { folder: folder.path().into(), files, count: 2, each: 10, sparse: false }).unwrap();
        let md5s = Md5s::beside(&folder.path().join("whole")).unwrap();
        let parts = folder.path().join("parts");
        let bytes = fs::read(&parts).unwrap();
        assert_eq!(bytes.len() as u64, size);
        for (number, part) in (1..).zip(bytes.chunks(8 << 20)) {
            assert_eq!(md5s.of(&parts, number), Some(hex(&Md5::digest(part)).as_str()));
        }
        assert_eq!(md5s.of(&parts, 4), None);
        assert!(md5s.of(&folder.path().join("0001"), 1).is_some());
        assert_ne!(bytes[..1000], fs::read(folder.path().join("whole")).unwrap());
    }
}
