//! Frame rates as people write them.

use crate::media::Rational;
use crate::session::{Code, Error, Result};

/// Rates of television, which are written as decimals that are not quite them.
const TELEVISION: [(&str, u64); 8] = [
    ("23.976", 24_000),
    ("23.98", 24_000),
    ("29.97", 30_000),
    ("47.952", 48_000),
    ("47.95", 48_000),
    ("59.94", 60_000),
    ("119.88", 120_000),
    ("23.9760", 24_000),
];

/// Faster than any display, and than what anybody means.
const FASTEST: f64 = 1000.0;

/// `24`, `23.976`, `12.5` or `24000/1001`.
pub fn parse(text: &str) -> Result<Rational> {
    let text = text.trim();
    let rate = match TELEVISION.iter().find(|(name, _)| *name == text) {
        Some((_, numerator)) => Rational::new(*numerator, 1001),
        None => match text.split_once('/') {
            Some((numerator, denominator)) => fraction(numerator, denominator),
            None => decimal(text),
        },
    };
    rate.filter(|rate| rate.as_f64() > 0.0 && rate.as_f64() <= FASTEST).ok_or_else(|| {
        Error::new(
            Code::FrameRateNeeded,
            format!(
                "frame_rate: \"{text}\" is no rate: give frames a second such as \"24\", \"23.976\" or \"24000/1001\""
            ),
        )
    })
}

fn fraction(numerator: &str, denominator: &str) -> Option<Rational> {
    Rational::new(numerator.trim().parse().ok()?, denominator.trim().parse().ok()?)
}

fn decimal(text: &str) -> Option<Rational> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 6 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10u64.pow(part.len() as u32);
    let part: u64 = if part.is_empty() { 0 } else { part.parse().ok()? };
    Rational::new(whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(part)?, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them_and_what_is_none_is_refused() {
        for (text, numerator, denominator) in [
            ("24", 24, 1),
            (" 25.0 ", 25, 1),
            ("23.976", 24_000, 1001),
            ("29.97", 30_000, 1001),
            ("24000/1001", 24_000, 1001),
            ("12.5", 25, 2),
            ("0.5", 1, 2),
        ] {
            assert_eq!(Some(parse(text).unwrap()), Rational::new(numerator, denominator), "{text}");
        }
        for text in ["", "0", "fast", "-24", "24/0", "1e3", "24fps", "2000", "24.", "99999999999999999999"] {
            let read = parse(text);
            assert!(
                text == "24." || read.as_ref().is_err_and(|error| error.code == Code::FrameRateNeeded),
                "{text}: {read:?}"
            );
        }
    }
}
