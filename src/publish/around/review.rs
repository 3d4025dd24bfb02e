//! A review session that shows the version, and who is to see it.

use super::answers::{Guest, Session};
use super::pieces::{About, Found, Piece, object};
use super::wanted::is_same_address;
use crate::ftrack::{Filter, Operation, Query};
use crate::publish::resolve::Place;
use crate::publish::work::Work;
use crate::session::policy;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the version stands in it, and the session itself and invitees where they are not there.
pub fn piece(work: &Work, place: &Place, session: &Session) -> Piece {
    let (session, version) = (session.clone(), work.version_id().to_owned());
    let published = work.job.published();
    let in_session = |query: Query| query.filter(Filter::equals("review_session_id", &session.id));
    let probes = vec![
        Query::select(&["id"], "ReviewSession").filter(Filter::equals("id", &session.id)),
        in_session(Query::select(&["id"], "ReviewSessionObject")).filter(Filter::equals("version_id", &version)),
        in_session(Query::select(&["id", "email"], "ReviewSessionInvitee")),
    ];
    let what = format!("its place in the review session \"{}\"", session.name);
    let shown = object([
        ("review_session_id", json!(session.id)),
        ("version_id", json!(version)),
        ("name", json!(place.asset_name())),
        ("description", json!(work.request.comment.as_deref().unwrap_or_default())),
        // A text (official Adobe plug-in, quick_review.js).
        ("version", json!(published.version_number.map_or_else(String::new, |number| format!("Version {number}")))),
    ]);
    let object_id = work.ids.of_what(&format!("in review session {}", session.id));
    let guests: Vec<(Guest, String)> =
        session.invitees.iter().map(|guest| (guest.clone(), guest_id(work, &session, guest))).collect();
    let left = move |found: &Found| {
        let rows = |probe: usize| found.get(probe).map(Vec::as_slice).unwrap_or_default();
        let mut operations = Vec::new();
        if session.to_create && rows(0).is_empty() {
            let (start, end) = (SystemTime::now(), SystemTime::now() + policy::REVIEW_SESSION_OPEN);
            let attributes = [
                ("name", json!(session.name)),
                ("description", json!("")),
                ("project_id", json!(published.project_id)),
                ("start_date", time(start)),
                ("end_date", time(end)),
            ];
            operations.push(Operation::create("ReviewSession", &session.id, object(attributes)));
        }
        if rows(1).is_empty() {
            operations.push(Operation::create("ReviewSessionObject", &object_id, shown.clone()));
        }
        let is_in = |guest: &Guest| {
            let is_theirs =
                |row: &Value| row["email"].as_str().is_some_and(|email| is_same_address(email, &guest.invitee.email));
            guest.there.is_some() || rows(2).iter().any(is_theirs)
        };
        operations.extend(guests.iter().filter(|(guest, _)| !is_in(guest)).map(|(guest, id)| {
            let attributes = [
                ("name", json!(guest.invitee.name)),
                ("email", json!(guest.invitee.email)),
                ("review_session_id", json!(session.id)),
            ];
            Operation::create("ReviewSessionInvitee", id, object(attributes))
        }));
        operations
    };
    Piece { about: About::Review, what, probes, left: Box::new(left), instead: None }
}

/// The id that an invitee has whom this publish adds.
pub fn guest_id(work: &Work, session: &Session, guest: &Guest) -> String {
    work.ids.of_what(&format!("invitee {} of {}", guest.invitee.email.to_lowercase(), session.id))
}

/// As clients send times: UTC, and said so (official JavaScript client, session.ts).
fn time(time: SystemTime) -> Value {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    json!({"__type__": "datetime", "value": text})
}

/// Year, month and day of a day counted from 1970-01-01: by years that begin in March, whose leap day is their last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_calendar_has_them() {
        let at = |seconds| time(UNIX_EPOCH + Duration::from_secs(seconds))["value"].as_str().unwrap().to_owned();
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(at(1_709_251_200), "2024-03-01T00:00:00Z");
        assert_eq!(at(4_102_444_799), "2099-12-31T23:59:59Z");
    }
}
