//! Frame numbers as they stand in file names, and how they are padded.

/// Digits that a frame number may have: all that surely fit 64 bits. Longer ones are dates and serial numbers.
const DIGITS: usize = 18;

/// A number as it stands in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// The frame.
    pub value: i64,
    /// Characters, with the sign.
    pub width: usize,
    /// Whether it is filled with zeros.
    pub filled: bool,
}

impl Number {
    /// Reads digits, with a minus before them or not. There is no negative zero: no program would write it.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || digits.len() > DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let value: i64 = text.parse().ok()?;
        if value == 0 && digits.len() < text.len() {
            return None;
        }
        Some(Self { value, width: text.len(), filled: digits.len() > 1 && digits.starts_with('0') })
    }

    /// Whether this is how the number is written with this padding.
    pub fn fits(self, padding: usize) -> bool {
        match self.filled {
            true => self.width == padding,
            false => self.width >= padding,
        }
    }
}

/// The number with this padding: `text(7, 4)` is `0007`, `text(-7, 4)` is `-007`.
pub(super) fn text(frame: i64, padding: usize) -> String {
    format!("{frame:0padding$}")
}

/// printf's sign for numbers with this padding.
pub(super) fn printf(padding: usize) -> String {
    match padding {
        0 => "%d".to_owned(),
        width => format!("%0{width}d"),
    }
}

/// A width that says nothing about filling is no padding.
pub(super) fn normal(padding: usize) -> usize {
    if padding == 1 { 0 } else { padding }
}

/// The number that a name has between head and tail, if there is nothing but a number.
pub(super) fn between(name: &str, head: &str, tail: &str) -> Option<Number> {
    let inner = name.len().checked_sub(head.len() + tail.len())?;
    let (start, end) = (head.len(), head.len() + inner);
    if same(name.get(..start)?, head) && same(name.get(end..)?, tail) {
        Number::parse(name.get(start..end)?)
    } else {
        None
    }
}

/// Whether two parts of names mean the same file: on Windows, case says nothing.
fn same(a: &str, b: &str) -> bool {
    if cfg!(windows) { a.eq_ignore_ascii_case(b) } else { a == b }
}

/// The padding of numbers that belong together; `None` when they are padded differently.
///
/// Numbers of one width that all need it, such as 1000 to 1010, count as padded: the frame before 1000 would be 0999 far
/// more often than 999 in the names that studios use.
pub(super) fn common_padding(numbers: &[Number]) -> Option<usize> {
    let padding = match numbers.iter().find(|number| number.filled) {
        Some(filled) => filled.width,
        None => {
            let widths = || numbers.iter().map(|number| number.width);
            if widths().min() == widths().max() { widths().min().unwrap_or(0) } else { 0 }
        }
    };
    numbers.iter().all(|number| number.fits(padding)).then(|| normal(padding))
}

/// The padding for the sequence that this number is one of, among others that may be padded differently.
pub(super) fn padding_with(one: Number, others: &[Number]) -> usize {
    if one.filled {
        return one.width;
    }
    // 1000 is a frame of 0999; 10000 is one of 9999, padded to four.
    let filled = others.iter().filter(|other| other.filled && other.width <= one.width).map(|other| other.width).max();
    let plain = || others.iter().filter(|other| !other.filled).all(|other| other.width == one.width);
    normal(filled.unwrap_or_else(|| if plain() { one.width } else { 0 }))
}

/// A number in a name: from where to where.
pub(super) type Place = (usize, usize);

/// The numbers of a name that may be its frame, the most likely first.
///
/// That is the last one before the extension, or between two dots; then one that stands by itself between separators. A number
/// behind a lone v is a version and never a frame. A minus belongs to the number behind a separator only: `shot.-5` is
/// frame -5, `shot-5` is frame 5.
pub(super) fn places(name: &str) -> Vec<Place> {
    let bytes = name.as_bytes();
    let stem = stem_length(name);
    let mut likely = Vec::new();
    let mut possible = Vec::new();
    let mut end = stem;
    while let Some(last) = bytes[..end].iter().rposition(u8::is_ascii_digit) {
        let digits = bytes[..last].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |before| before + 1);
        let start = if is_sign(name, digits) { digits - 1 } else { digits };
        let place = (start, last + 1);
        end = start;
        if is_version(bytes, digits) || Number::parse(&name[start..=last]).is_none() {
            continue;
        }
        let by_itself = start == 0 || !bytes[start - 1].is_ascii_alphanumeric();
        match bytes.get(last + 1) {
            None | Some(b'.') => likely.push(place),
            Some(next) if by_itself && !next.is_ascii_alphanumeric() => possible.push(place),
            _ => {}
        }
    }
    likely.append(&mut possible);
    likely
}

/// Whether what stands before these digits is their sign.
pub(super) fn is_sign(name: &str, digits: usize) -> bool {
    let Some(before) = name.get(..digits).and_then(|before| before.strip_suffix('-')) else { return false };
    !before.ends_with(|last: char| last.is_alphanumeric() || last == '-' || last == ')')
}

/// Where the extension begins: the last dot, unless what follows it is a number.
fn stem_length(name: &str) -> usize {
    match name.rfind('.') {
        Some(dot) if name[dot + 1..].bytes().any(|byte| !byte.is_ascii_digit() && byte != b'-') => dot,
        _ => name.len(),
    }
}

fn is_version(name: &[u8], digits: usize) -> bool {
    let Some((b'v' | b'V', before)) = name[..digits].split_last() else { return false };
    before.last().is_none_or(|letter| !letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_fits_the_padding_that_writes_it_so_and_no_other() {
        for value in [0, 1, 7, 10, 99, 100, 1001, 10_000, -1, -9, -10, -123, -99_999] {
            for written in 0..8 {
                let shown = text(value, written);
                let number = Number::parse(&shown).unwrap();
                assert_eq!(number.value, value);
                for padding in 0..8 {
                    assert_eq!(number.fits(padding), text(value, padding) == shown, "{shown} padded to {padding}");
                }
            }
        }
        for wrong in ["", "-", "+1", "1.5", "-0", "-000", "1x", " 1", "--1", "1234567890123456789", "٣"] {
            assert_eq!(Number::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_frame_is_the_last_number_before_the_extension_and_never_a_version() {
        let first = |name: &str| places(name).first().map(|(start, end)| name[*start..*end].to_owned());
        for (name, frame) in [
            ("shot.1001.exr", "1001"),
            ("shot_v001.0100.exr", "0100"),
            ("shot_v001_0100.exr", "0100"),
            ("shot.0100_v002.exr", "0100"),
            ("frame0001.png", "0001"),
            ("mov12.exr", "12"),
            ("comp_v012.exr", ""),
            ("V3.exr", ""),
            ("shot.-005.exr", "-005"),
            ("shot-005.exr", "005"),
            ("shot_-5.exr", "-5"),
            ("shot2-005.exr", "005"),
            ("-7.exr", "-7"),
            ("0001", "0001"),
            ("shot.0001", "0001"),
            ("clip.mp4", ""),
            ("shot.0012.jp2", "0012"),
            ("shot.0100.exr.bak", "0100"),
            ("shot_0100_left.exr", "0100"),
            ("sh010_comp.exr", ""),
            ("a.20261121123456789012345.exr", ""),
            ("no number.exr", ""),
            ("", ""),
        ] {
            assert_eq!(first(name).unwrap_or_default(), frame, "{name}");
        }
        assert_eq!(places("shot.1001.x2.exr").len(), 2);
    }

    #[test]
    fn padding_is_what_all_numbers_can_have() {
        let numbers = |list: &[&str]| list.iter().map(|text| Number::parse(text).unwrap()).collect::<Vec<_>>();
        for (list, padding) in [
            (&["9", "10"][..], Some(0)),
            (&["0009", "0010"], Some(4)),
            (&["0999", "1000"], Some(4)),
            (&["9999", "10000", "0001"], Some(4)),
            (&["1000", "1010"], Some(4)),
            (&["998", "1002"], Some(0)),
            (&["-005", "0001"], Some(4)),
            (&["-1", "0", "1"], Some(0)),
            (&["1", "2"], Some(0)),
            (&["9", "0010"], None),
            (&["0009", "00010"], None),
            (&["-0005", "0001"], None),
        ] {
            assert_eq!(common_padding(&numbers(list)), padding, "{list:?}");
        }
    }
}
