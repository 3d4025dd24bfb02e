//! Whether a file goes up whole or in parts, and how large the parts are (official JavaScript client, get_chunk_size.ts).

use crate::session::{Code, Error, Result, policy};
use std::ops::Range;

/// How a file is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// One request.
    Single,
    /// One request a part.
    Parts {
        /// Bytes of each part but the last, which has the rest.
        part_size: u64,
        /// How many parts there are.
        count: u32,
    },
}

impl Plan {
    /// The plan for a file of `size` bytes.
    pub fn for_size(size: u64) -> Result<Plan> {
        if size <= policy::SINGLE_LIMIT {
            return Ok(Plan::Single);
        }
        let fits = policy::PART_SIZES.iter().find(|(up_to, _)| size <= *up_to);
        let part_size = fits.map_or(policy::PART_SIZES[policy::PART_SIZES.len() - 1].1, |(_, part_size)| *part_size);
        let count = size.div_ceil(part_size);
        match u32::try_from(count) {
            Ok(count) if u64::from(count) <= policy::MAX_PARTS => Ok(Plan::Parts { part_size, count }),
            _ => {
                let limit = (policy::MAX_PARTS * part_size) >> 30;
                let message = format!(
                    "the file has {size} bytes, and the storage takes {limit} GiB at most: split it, or \
                     encode it smaller"
                );
                Err(Error::new(Code::FileTooLarge, message))
            }
        }
    }
}

/// The bytes of part `number`, counted from 1, of a file of `size` bytes. Empty beyond the end.
pub fn part_range(number: u32, part_size: u64, size: u64) -> Range<u64> {
    let start = u64::from(number.saturating_sub(1)).saturating_mul(part_size).min(size);
    start..start.saturating_add(part_size).min(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    fn parts(size: u64) -> (u64, u32) {
        match Plan::for_size(size).unwrap() {
            Plan::Single => panic!("{size} bytes in one request"),
            Plan::Parts { part_size, count } => (part_size, count),
        }
    }

    #[test]
    fn a_file_of_up_to_16_mib_goes_up_whole() {
        assert_eq!(Plan::for_size(1).unwrap(), Plan::Single);
        assert_eq!(Plan::for_size(16 * MIB).unwrap(), Plan::Single);
        assert_eq!(parts(16 * MIB + 1), (8 * MIB, 3));
    }

    #[test]
    fn parts_grow_with_the_file_as_in_the_official_client() {
        for (size, part_size, count) in [
            (128 * MIB, 8 * MIB, 16),
            (128 * MIB + 1, 16 * MIB, 9),
            (GIB, 16 * MIB, 64),
            (8 * GIB, 32 * MIB, 256),
            (64 * GIB, 64 * MIB, 1024),
            (64 * GIB + 1, 128 * MIB, 513),
            (10_000 * 128 * MIB, 128 * MIB, 10_000),
        ] {
            assert_eq!(parts(size), (part_size, count), "{size}");
        }
    }

    #[test]
    fn a_file_beyond_ten_thousand_parts_is_too_large() {
        for size in [10_000 * 128 * MIB + 1, u64::MAX] {
            let error = Plan::for_size(size).unwrap_err();
            assert_eq!(error.code, Code::FileTooLarge);
            assert!(error.message.contains("1250 GiB"), "{error}");
        }
    }

    #[test]
    fn parts_cover_every_byte_once() {
        for size in [16 * MIB + 1, 24 * MIB, 24 * MIB - 1, 200 * MIB + 7] {
            let (part_size, count) = parts(size);
            let mut next = 0;
            for number in 1..=count {
                let range = part_range(number, part_size, size);
                assert_eq!(range.start, next);
                assert!(!range.is_empty());
                next = range.end;
            }
            assert_eq!(next, size);
            assert!(part_range(count + 1, part_size, size).is_empty());
        }
    }
}
