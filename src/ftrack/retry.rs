//! What is worth trying again, and when: full jitter over a doubling wait, so that a farm whose server
//! came back does not come back at once itself, and `Retry-After` where the server gives one.

use crate::session::{Code, Error, policy};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::time::{Duration, Instant, SystemTime};

/// The tries of one request.
#[derive(Debug)]
pub struct Tries {
    failed: u32,
    patience: Duration,
    base: Duration,
    first: Option<Instant>,
}

impl Default for Tries {
    fn default() -> Self {
        Tries { failed: 0, patience: Duration::ZERO, base: policy::RETRY_BASE, first: None }
    }
}

impl Tries {
    /// Goes on for this long at least, for work that it would be a pity to lose.
    pub fn lasting(patience: Duration) -> Self {
        Tries { patience, ..Tries::default() }
    }

    /// With another first wait than `policy::RETRY_BASE`.
    pub fn beginning_with(self, base: Duration) -> Self {
        Tries { base, ..self }
    }

    /// Counts a failure. The wait before the next try, or nothing if the failure is to be told: it would come
    /// again, there were enough tries, or the server asks for a longer wait than a job should make.
    pub fn after(&mut self, error: &Error) -> Option<Duration> {
        self.failed += 1;
        let since = self.first.get_or_insert_with(Instant::now).elapsed();
        if !may_pass(error) || (self.failed >= policy::ATTEMPTS && since >= self.patience) {
            return None;
        }
        let cap = if self.patience.is_zero() { policy::RETRY_CAP } else { policy::PATIENT_PAUSE };
        wait(self.base, self.failed, error.details.retry_after, cap, chance())
    }
}

/// A pause between rounds of tries, anywhere between these two.
pub fn pause_between(shortest: Duration, longest: Duration) -> Duration {
    shortest + longest.saturating_sub(shortest).mul_f64(chance())
}

/// How long the server asked to wait: seconds or an HTTP date (RFC 9110, 10.2.3).
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Whether the failure may be over in a few seconds. Stricter than the code's `retryable`, which speaks of minutes and of people.
pub fn may_pass(error: &Error) -> bool {
    let status = error.details.http_status.unwrap_or(0);
    match error.code {
        // A proxy that wants a password will want it in a second, too.
        Code::Proxy => status != 407,
        // An exception with a name is the server's own reasoned answer, except where it calls it a failure of its own.
        Code::ServerError => error.details.exception.is_none() || status >= 500,
        code => {
            matches!(
                code,
                Code::Unreachable
                    | Code::NetworkTimeout
                    | Code::ConnectionLost
                    | Code::ServerBusy
                    | Code::MalformedAnswer
                    | Code::StorageUnavailable
            )
        }
    }
}

/// `chance` is from 0 up to 1.
fn wait(base: Duration, failed: u32, asked: Option<Duration>, cap: Duration, chance: f64) -> Option<Duration> {
    let doubled = base.saturating_mul(1 << failed.saturating_sub(1).min(16));
    let jitter = doubled.min(cap).mul_f64(chance);
    match asked {
        Some(asked) if asked > policy::RETRY_CAP => None,
        Some(asked) => Some(asked + jitter),
        None => Some(jitter),
    }
}

fn chance() -> f64 {
    // The lower half of a random UUID has 62 random bits; the last 32 are taken.
    f64::from(uuid::Uuid::new_v4().as_u128() as u32) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code) -> Error {
        Error::new(code, "test")
    }

    #[test]
    fn waits_double_up_to_the_cap_and_any_part_of_them_is_taken() {
        assert_eq!(wait(policy::RETRY_BASE, 1, None, policy::RETRY_CAP, 0.0), Some(Duration::ZERO));
        assert_eq!(wait(policy::RETRY_BASE, 1, None, policy::RETRY_CAP, 0.5), Some(policy::RETRY_BASE / 2));
        assert_eq!(wait(policy::RETRY_BASE, 3, None, policy::RETRY_CAP, 0.5), Some(policy::RETRY_BASE * 2));
        assert!(wait(policy::RETRY_BASE, 40, None, policy::RETRY_CAP, 0.999).unwrap() < policy::RETRY_CAP);
        let chances: Vec<f64> = (0..100).map(|_| chance()).collect();
        assert!(chances.iter().all(|chance| (0.0..1.0).contains(chance)));
        assert!(chances.iter().any(|chance| *chance < 0.5) && chances.iter().any(|chance| *chance >= 0.5));
    }

    #[test]
    fn retry_after_is_obeyed_and_one_beyond_the_cap_ends_the_tries() {
        assert_eq!(
            wait(policy::RETRY_BASE, 1, Some(Duration::from_secs(7)), policy::RETRY_CAP, 0.0),
            Some(Duration::from_secs(7))
        );
        let long = error(Code::ServerBusy).with_retry_after(Some(policy::RETRY_CAP + Duration::from_secs(1)));
        assert_eq!(Tries::default().after(&long), None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again_and_not_for_ever() {
        for code in [Code::Unauthorised, Code::Validation, Code::Tls, Code::WrongServer, Code::StorageRefused] {
            assert_eq!(Tries::default().after(&error(code)), None, "{code:?}");
        }
        assert_eq!(Tries::default().after(&error(Code::Proxy).with_http_status(407)), None);
        let mut tries = Tries::default();
        let waits = (0..policy::ATTEMPTS).map(|_| tries.after(&error(Code::Unreachable)));
        assert_eq!(waits.filter(Option::is_some).count() as u32, policy::ATTEMPTS - 1);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let headers = |value: &str| HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        assert_eq!(retry_after(&headers("12")), Some(Duration::from_secs(12)));
        let later = SystemTime::now() + Duration::from_secs(3600);
        let read = retry_after(&headers(&httpdate::fmt_http_date(later))).unwrap();
        assert!(read > Duration::from_secs(3000) && read <= Duration::from_secs(3600), "{read:?}");
        assert_eq!(retry_after(&headers("Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers("soon")), None);
    }
}
