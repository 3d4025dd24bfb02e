//! PDF (ISO 32000-1): its version, whether it is encrypted, and the number of pages where it stands at the beginning.

use super::{head, read_at};
use crate::session::{Code, Error, Result, Source, policy};

/// A PDF document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pdf {
    /// The version in its first line: 1.7 is (1, 7).
    pub version: (u8, u8),
    /// Whether it is encrypted: with or without a password to open it, a viewer may refuse it.
    pub encrypted: bool,
    /// The number of pages, of documents written for the web; others would have to be read from end to end.
    pub pages: Option<u32>,
}

pub(super) fn read(source: &Source) -> Result<Pdf> {
    let beginning = head(source, policy::IMAGE_TAIL)?;
    let size = source.size_bytes();
    let start = size.saturating_sub(policy::IMAGE_TAIL);
    let ending = read_at(source, start, (size - start) as usize)?;
    let version = version(&beginning).ok_or_else(|| damaged("its first line names no version"))?;
    let last = position(&ending, b"%%EOF").ok_or_else(|| damaged("it is cut off before its end"))?;
    // The dictionary that names the encryption is in the trailer, at the end or where the end points to.
    let pointed = reference(&ending[..last]).filter(|at| *at < size).map(|at| {
        let length = (size - at).min(policy::IMAGE_TAIL) as usize;
        read_at(source, at, length)
    });
    let pointed = pointed.transpose()?.unwrap_or_default();
    let encrypted = [&beginning, &ending, &pointed].iter().any(|part| names_encryption(part));
    Ok(Pdf { version, encrypted, pages: pages(&beginning, size) })
}

fn version(bytes: &[u8]) -> Option<(u8, u8)> {
    match bytes.strip_prefix(b"%PDF-")? {
        [major @ b'1'..=b'9', b'.', minor @ b'0'..=b'9', ..] => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}

/// The number behind the last `startxref`: where the table of objects and its trailer are.
fn reference(ending: &[u8]) -> Option<u64> {
    number(&ending[position(ending, b"startxref")? + b"startxref".len()..])
}

/// A document for the web begins with a dictionary that has its own length and the number of pages. Where the length is
/// not that of the file, something was added since.
fn pages(beginning: &[u8], size: u64) -> Option<u32> {
    let dictionary = &beginning[..beginning.len().min(1024)];
    position(dictionary, b"/Linearized")?;
    let value = |name: &[u8]| number(&dictionary[position(dictionary, name)? + name.len()..]);
    if value(b"/L ")? != size {
        return None;
    }
    value(b"/N ").and_then(|pages| u32::try_from(pages).ok()).filter(|pages| *pages > 0)
}

fn names_encryption(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"/Encrypt";
    let mut places = bytes.windows(NAME.len() + 1).filter(|window| window.starts_with(NAME));
    // A longer name is another one.
    places.any(|window| !window[NAME.len()].is_ascii_alphanumeric())
}

/// Where the last of these words begins.
fn position(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|window| window == word)
}

fn number(bytes: &[u8]) -> Option<u64> {
    let text = bytes.trim_ascii_start();
    let digits = text.iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

fn damaged(reason: &str) -> Error {
    Error::new(Code::ImageDamaged, format!("is a damaged PDF document: {reason}. Export or copy it again"))
}
