//! DPX (SMPTE 268M) and Cineon, as film scanners and grading systems write them.

use super::{Encoding, Facts};
use crate::media::bytes::Numbers;
use crate::media::head;
use crate::media::image::damaged;
use crate::session::{Result, Source};

pub(super) fn read_dpx(source: &Source) -> Result<Facts> {
    let bytes = head(source, 2048)?;
    let numbers = Numbers { bytes: &bytes, big: bytes.starts_with(b"SDPX") };
    let size = numbers.u32(772).zip(numbers.u32(776)).ok_or_else(|| damaged("it is cut off in its header"))?;
    check_length(source, numbers.u32(16))?;
    // The transfer characteristic of the first element.
    let encoding = match numbers.u8(801) {
        // Printing density, and logarithmic.
        Some(1 | 3) => Encoding::Logarithmic,
        // SMPTE 274M, ITU-R 709 and 601, composite video.
        Some(5..=10) => Encoding::Display,
        // Also 2, linear: ffmpeg writes that into every file, whatever is in it.
        _ => Encoding::Unsaid,
    };
    Ok(Facts::encoded(size, encoding))
}

pub(super) fn read_cineon(source: &Source) -> Result<Facts> {
    let bytes = head(source, 1024)?;
    let numbers = Numbers { bytes: &bytes, big: bytes.starts_with(b"\x80\x2a\x5f\xd7") };
    let size = numbers.u32(200).zip(numbers.u32(204)).ok_or_else(|| damaged("it is cut off in its header"))?;
    check_length(source, numbers.u32(20))?;
    Ok(Facts::encoded(size, Encoding::Logarithmic))
}

/// The header says how long the file is. Programs that leave it empty write zeros or ones.
fn check_length(source: &Source, said: Option<u32>) -> Result<()> {
    let there = source.size_bytes();
    match said.filter(|said| !matches!(*said, 0 | u32::MAX)).map(u64::from) {
        Some(said) if said > there => Err(damaged(&format!("it is cut off: {there} of its {said} bytes are there"))),
        _ => Ok(()),
    }
}
