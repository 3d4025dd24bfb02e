//! What is kept of a publish: what it is, which never changes by itself, and how far it is.

use super::source::SourceNote;
use super::store::Outbox;
use crate::session::{Code, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};
use url::Url;

/// One publish, as it was asked for. A field that this version does not know means that a newer one wrote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`super::Outbox::id_of`] server, user and key.
    pub id: String,
    /// The idempotency key, the host's or one that was made for this publish.
    pub key: String,
    /// For which server, without user and password.
    pub server_url: String,
    /// In whose name.
    pub api_user: String,
    /// The host's own number.
    pub tag: u64,
    /// When it was accepted, in whole milliseconds.
    #[serde(rename = "created_ms", with = "unix_ms")]
    pub created: SystemTime,
    /// The version of the library that wrote it, for people.
    pub library: String,
    /// What the host asked for.
    pub request: Value,
    /// The files that are published.
    pub sources: Vec<SourceNote>,
}

impl Record {
    /// The record as it is kept: without a password in its URL, with its own id, and with times as they are read again.
    pub(super) fn kept(mut self) -> Record {
        self.server_url = without_user(&self.server_url);
        self.id = Outbox::id_of(&self.server_url, &self.api_user, &self.key);
        self.created = unix_ms::whole(self.created);
        self
    }
}

/// What happens to an item next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// It is published when it is its time.
    #[default]
    Waiting,
    /// What it made is removed from the server.
    Undoing,
    /// Nothing, until somebody says so.
    Failed,
}

/// How far an item is. The default is one that nobody has begun.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// What happens next.
    pub step: Step,
    /// How often it was begun.
    pub attempts: u32,
    /// Not before this time, in whole milliseconds.
    #[serde(rename = "next_try_ms", with = "unix_ms::option", default)]
    pub next_try: Option<SystemTime>,
    /// Why the last try did not end well.
    #[serde(default)]
    pub error: Option<NotedError>,
    /// What was done and must not be done again.
    #[serde(default)]
    pub facts: Map<String, Value>,
}

impl State {
    /// How long the item waits from `now` on. A time that is further away than the `longest` pause was set by a clock that has
    /// been put right since, and counts as come.
    pub fn wait(&self, now: SystemTime, longest: Duration) -> Duration {
        let left = self.next_try.and_then(|time| time.duration_since(now).ok()).unwrap_or_default();
        if left > longest { Duration::ZERO } else { left }
    }

    pub(super) fn kept(mut self) -> State {
        self.next_try = self.next_try.map(unix_ms::whole);
        self
    }
}

/// An error as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedError {
    /// The number of its code; a newer version may have written one that this version does not know.
    pub code: i32,
    /// What went wrong, and the remedy.
    pub message: String,
}

impl From<&Error> for NotedError {
    fn from(error: &Error) -> NotedError {
        NotedError { code: error.code as i32, message: error.message.clone() }
    }
}

impl From<&NotedError> for Error {
    fn from(noted: &NotedError) -> Error {
        Error::new(Code::from_value(noted.code).unwrap_or(Code::Internal), noted.message.clone())
    }
}

/// A URL without user and password; of what is no URL, what is after the `@`.
fn without_user(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            // Both fail only for URLs that cannot have a user, which then have none.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.into()
        }
        Ok(_) => text.to_owned(),
        Err(_) => text.rsplit_once('@').map_or(text, |(_, rest)| rest).to_owned(),
    }
}

/// Times as milliseconds since 1970.
mod unix_ms {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    /// Before 1970 no item was made: a clock that says so is reset.
    fn milliseconds(time: SystemTime) -> u64 {
        time.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis().try_into().unwrap_or(u64::MAX))
    }

    fn time(milliseconds: u64) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))
    }

    pub fn whole(given: SystemTime) -> SystemTime {
        time(milliseconds(given)).unwrap_or(given)
    }

    pub fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        milliseconds(*time).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        time(u64::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("a time beyond all calendars"))
    }

    pub mod option {
        use super::{milliseconds, time};
        use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
        use std::time::SystemTime;

        pub fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
            time.map(milliseconds).serialize(serializer)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
            let wrong = || de::Error::custom("a time beyond all calendars");
            Option::<u64>::deserialize(deserializer)?.map(|given| time(given).ok_or_else(wrong)).transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_kept_without_user_and_password() {
        for (given, kept) in [
            ("https://studio.example", "https://studio.example"),
            ("http://studio.example:8090/ftrack", "http://studio.example:8090/ftrack"),
            ("https://me@studio.example/a", "https://studio.example/a"),
            ("https://me:s3@cret@studio.example/a", "https://studio.example/a"),
            ("https://me:s3cret@studio example", "studio example"),
            ("s3cret@", ""),
        ] {
            assert_eq!(without_user(given), kept);
        }
    }

    #[test]
    fn an_error_is_kept_with_its_code_and_one_of_a_newer_version_with_its_message() {
        let error = Error::new(Code::OutboxFull, "no room");
        assert_eq!(Error::from(&NotedError::from(&error)), error);
        let newer = NotedError { code: -299, message: "of later".to_owned() };
        assert_eq!(Error::from(&newer), Error::new(Code::Internal, "of later"));
    }
}
