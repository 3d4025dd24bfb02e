//! Ranges of frames as people type them: `1-100`, `1,5-10`, `1-100x2`, `-10--5`.

use super::frames::Frames;
use super::number::Number;
use crate::session::policy;

/// Reads ranges with commas between them, and spaces around those. The error is what is wrong, for the end of a sentence.
pub(super) fn parse(text: &str) -> Result<Frames, String> {
    let mut ranges = Vec::new();
    let mut count: u64 = 0;
    for part in text.split(',') {
        let part = part.trim();
        let Range { first, last, step } = Range::parse(part)?;
        let frames = (first.abs_diff(last) / step.unsigned_abs()).saturating_add(1);
        count = count.saturating_add(frames);
        if count > policy::SEQUENCE_FRAME_LIMIT {
            return Err(format!("\"{part}\" is more than the {} frames of any film", policy::SEQUENCE_FRAME_LIMIT));
        }
        match step {
            1 => ranges.push((first, last)),
            _ => ranges.extend((0..frames as i64).map(|index| first + index * step).map(|frame| (frame, frame))),
        }
    }
    Ok(Frames::from_ranges(ranges))
}

/// The width that the numbers of a text with ranges are padded to, as in `[0001-0100]`; 0 where they are not.
pub(super) fn padding(text: &str) -> usize {
    let numbers: Vec<Number> = text.split(',').flat_map(ends).filter_map(Number::parse).collect();
    super::number::common_padding(&numbers).unwrap_or(0)
}

/// Where the ranges at the end of a text begin, if there are any: the longest piece that is nothing but ranges.
pub(super) fn at_end_of(text: &str) -> Option<usize> {
    let mut start = None;
    let mut end = text.len();
    // From the right, so that a long list is read once.
    loop {
        let part = text[..end].rfind(',').map_or(0, |comma| comma + 1);
        if is_range(&text[part..end]) && starts_a_range(text, part) {
            start = Some(part);
            match part.checked_sub(1) {
                Some(comma) => end = comma,
                None => return start,
            }
            continue;
        }
        // What stands before the first range is a part of the name.
        let near = (part..end).filter(|at| end - at <= LONGEST && text.is_char_boundary(*at));
        return near.into_iter().find(|at| is_range(&text[*at..end]) && starts_a_range(text, *at)).or(start);
    }
}

/// Bytes that one range may take: three numbers with their signs.
const LONGEST: usize = 64;

/// Whether a range may begin here: a piece of a number is no number, and a minus that separates is no sign.
fn starts_a_range(text: &str, at: usize) -> bool {
    let within = text[..at].ends_with(|last: char| last.is_ascii_digit());
    !within && (!text[at..].starts_with('-') || super::number::is_sign(text, at + 1))
}

struct Range {
    first: i64,
    last: i64,
    step: i64,
}

impl Range {
    fn parse(part: &str) -> Result<Range, String> {
        let (span, step) = match part.find(['x', 'y', ':']) {
            Some(at) if part[at..].starts_with('x') => (&part[..at], Some(&part[at + 1..])),
            Some(at) => {
                let kind = &part[at..=at];
                return Err(format!("\"{part}\" has a step with \"{kind}\", and only steps with x are known"));
            }
            None => (part, None),
        };
        let number = |text: &str| {
            Number::parse(text).map(|number| number.value).ok_or_else(|| format!("\"{part}\" is no range of frames"))
        };
        let ends: Vec<&str> = ends(span).collect();
        let (first, last) = match ends.as_slice() {
            [one] if step.is_none() => (number(one)?, number(one)?),
            [first, last] => (number(first)?, number(last)?),
            _ => return Err(format!("\"{part}\" is no range of frames")),
        };
        let step = step.map_or(Ok(1), number)?;
        if last < first {
            return Err(format!("the range \"{part}\" goes down, and a review plays upwards"));
        }
        if step < 1 {
            return Err(format!("\"{part}\" has a step of {step}"));
        }
        Ok(Range { first, last, step })
    }
}

/// Both ends of a range, or the one number: cut at the minus that stands behind a digit.
fn ends(part: &str) -> impl Iterator<Item = &str> {
    let part = part.split(['x', 'y', ':']).next().unwrap_or(part).trim();
    let bytes = part.as_bytes();
    let cut = (1..bytes.len()).find(|at| bytes[*at] == b'-' && bytes[at - 1].is_ascii_digit());
    let (first, last) = match cut {
        Some(at) => (&part[..at], Some(&part[at + 1..])),
        None => (part, None),
    };
    std::iter::once(first).chain(last)
}

/// Whether a text has the form of one range, whatever its numbers say.
fn is_range(part: &str) -> bool {
    let is_number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (span, step) = match part.split_once(['x', 'y', ':']) {
        Some((span, step)) => (span, Some(step)),
        None => (part, None),
    };
    ends(span).all(is_number) && step.is_none_or(|step| ends(span).count() == 2 && is_number(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_meant() {
        for (text, frames) in [
            ("1", "1"),
            ("1-3", "1-3"),
            ("0001-0003", "1-3"),
            ("1,3,5-7", "1, 3, 5-7"),
            ("1-5, 7", "1-5, 7"),
            ("1-10x3", "1, 4, 7, 10"),
            ("1-9x3", "1, 4, 7"),
            ("5-5x2", "5"),
            ("-5--3", "-5--3"),
            ("-5-2", "-5-2"),
            ("-1", "-1"),
            ("3,1,2", "1-3"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), frames, "{text}");
        }
    }

    #[test]
    fn a_long_list_is_read_in_one_go() {
        let list = (0..200_000).map(|frame| (frame * 2).to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(at_end_of(&format!("shot.{list}")), Some(5));
        assert_eq!(parse(&list).unwrap().len(), 200_000);
        assert_eq!(at_end_of(&"1-".repeat(500_000)), None);
        assert_eq!(at_end_of(&format!("a{}", "1".repeat(1_000_000))), None);
    }

    #[test]
    fn what_is_no_range_is_told() {
        for (text, words) in [
            ("", "no range"),
            ("a", "no range"),
            ("1-", "no range"),
            ("1--", "no range"),
            ("1-2-3", "no range"),
            ("1,,2", "no range"),
            ("1x2", "no range"),
            ("1-10x", "no range"),
            ("10-1", "goes down"),
            ("1-10x0", "step of 0"),
            ("1-10x-1", "step of -1"),
            ("1-10y2", "with \"y\""),
            ("1-10:2", "with \":\""),
            ("1-100000000000", "more than"),
            ("1-100000000000000000x2", "more than"),
            ("1-99999999999999999999", "no range"),
        ] {
            let problem = parse(text).expect_err(text);
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn ranges_at_the_end_of_a_name_are_found() {
        for (text, ranges) in [
            ("shot.1-100", "1-100"),
            ("shot.-10-100", "-10-100"),
            ("shot-10-20", "10-20"),
            ("shot_v2.1,5-10x2", "1,5-10x2"),
            ("shot1-10", "1-10"),
            ("max1-10", "1-10"),
            ("v2-1-10", "1-10"),
            ("shot.1001", "1001"),
            ("1-5", "1-5"),
            ("-1-5", "-1-5"),
            ("shot.", ""),
            ("shot.x", ""),
            ("shot.5,", ""),
            ("a,5", "5"),
            ("s.1x1001", "1001"),
            ("s.1x1,5-10", "1,5-10"),
            ("a1,5", "1,5"),
            ("ä-1-5", "1-5"),
            ("", ""),
        ] {
            assert_eq!(at_end_of(text).map_or("", |start| &text[start..]), ranges, "{text}");
        }
    }
}
