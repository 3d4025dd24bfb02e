//! A value in a file, so that whatever happens to the bytes is noticed: a line of JSON, and a line with its MD5.

use super::{disk, fault};
use crate::session::{Code, Error, Result, policy};
use md5::{Digest, Md5};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::path::Path;

/// Of the files that this version writes. A version that reads more raises it only when an older one must not touch the item.
const FORMAT: u64 = 1;

/// What every format has, now and later, and what it is about.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: u64,
    kind: String,
    id: String,
    content: Value,
}

/// The bytes of a file that holds `content` of the item `id`.
pub(super) fn seal(kind: &str, id: &str, content: &impl Serialize) -> Result<Vec<u8>> {
    let text = serde_json::to_value(content).and_then(|content| {
        serde_json::to_vec(&Head { format: FORMAT, kind: kind.to_owned(), id: id.to_owned(), content })
    });
    // The only thing that serde cannot write is a path that is no text.
    let mut bytes = text.map_err(|error| {
        Error::new(
            Code::InvalidArgument,
            format!("path: cannot be kept in the outbox ({error}): give one that is UTF-8"),
        )
    })?;
    let checksum = checksum(&bytes);
    bytes.push(b'\n');
    bytes.extend(checksum.into_bytes());
    bytes.push(b'\n');
    if bytes.len() as u64 > policy::OUTBOX_FILE_LIMIT {
        let message = format!(
            "announce_data: makes the outbox's note of the publish larger than {} bytes: give less of it",
            policy::OUTBOX_FILE_LIMIT
        );
        return Err(Error::new(Code::InvalidArgument, message));
    }
    Ok(bytes)
}

/// What is in the file at `path`, which should be of this kind and item. A file that is not there is a damaged item.
pub(super) fn read<T: DeserializeOwned>(path: &Path, kind: &str, id: &str) -> Result<T> {
    let bytes = match disk::read(path, policy::OUTBOX_FILE_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => {
            return Err(fault::damaged(path, "it is missing"));
        }
        Err(error) => return Err(fault::unusable(path, "be read", &error)),
    };
    unseal(&bytes, path, kind, id)
}

fn unseal<T: DeserializeOwned>(bytes: &[u8], path: &Path, kind: &str, id: &str) -> Result<T> {
    let damaged = |why: &str| fault::damaged(path, why);
    let (text, rest) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => return Err(damaged("it is cut off")),
    };
    if rest != format!("{}\n", checksum(text)).as_bytes() {
        return Err(damaged("it does not fit its checksum"));
    }
    // From here on the bytes are what some version wrote.
    let value: Value = serde_json::from_slice(text).map_err(|_| damaged("it is no JSON"))?;
    match value.get("format").and_then(Value::as_u64) {
        None | Some(0) => return Err(damaged("it has no format")),
        Some(format) if format > FORMAT => return Err(fault::newer(path, &format!("format {format}"))),
        Some(_) => {}
    }
    let head: Head = serde_json::from_value(value).map_err(|error| fault::newer(path, &error.to_string()))?;
    if head.kind != kind || head.id != id {
        return Err(damaged("it belongs to another item"));
    }
    serde_json::from_value(head.content).map_err(|error| fault::newer(path, &error.to_string()))
}

fn checksum(bytes: &[u8]) -> String {
    let hash: [u8; 16] = Md5::digest(bytes).into();
    format!("{:032x}", u128::from_be_bytes(hash))
}
