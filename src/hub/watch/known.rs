//! What a watch has told of a version, and what is new in the server's latest answer.

use super::ask::{Answer, VersionNow};
use crate::session::review::{Deed, Review};
use std::collections::{HashMap, HashSet};

/// What is known of one version in one watch.
#[derive(Debug, Default)]
pub struct Known {
    /// The server has been asked once: what it said then is where the telling begins.
    met: bool,
    /// The session made the version: every note on it is news, from the first on.
    fresh: bool,
    pub status: Option<String>,
    pub thumbnail: Option<String>,
    pub notes: HashSet<String>,
    /// The answers in review sessions, and what they were.
    pub answers: HashMap<String, String>,
    media: HashSet<String>,
    /// The session changed it while the server was being asked: what the server said may be older than that.
    pub marked: bool,
}

impl Known {
    /// Of a version that the session has just made.
    pub fn fresh() -> Known {
        Known { fresh: true, ..Known::default() }
    }

    /// What is new of the version. `tell` says whether it takes another one; what it does not take stays new.
    pub fn learn(
        &mut self,
        version: &VersionNow,
        answer: &Answer,
        review_session: Option<&str>,
        tell: &mut dyn FnMut(Review) -> bool,
    ) -> bool {
        let first = !self.met;
        let silent_notes = first && !self.fresh;
        let review = |deed, id: &str, text: &str| Review {
            deed,
            version_id: version.id.clone(),
            review_session_id: None,
            id: id.to_owned(),
            text: text.to_owned(),
            author: None,
            frame: None,
            in_reply_to: None,
        };
        for note in answer.notes.iter().filter(|note| answer.is_on(&note.parent_id, &version.id, review_session)) {
            if self.notes.contains(&note.id) {
                continue;
            }
            let told = silent_notes
                || tell(Review {
                    review_session_id: answer.session_of(&note.parent_id),
                    author: note.author.clone(),
                    frame: note.frame,
                    in_reply_to: note.in_reply_to.clone(),
                    ..review(Deed::Note, &note.id, &note.content)
                });
            if !told {
                return false;
            }
            self.notes.insert(note.id.clone());
        }
        for given in answer.answers.iter().filter(|given| answer.is_on(&given.object_id, &version.id, review_session)) {
            if self.answers.get(&given.id) == Some(&given.status) {
                continue;
            }
            let deed = match given.status.as_str() {
                "approved" => Deed::Approved,
                "require_changes" => Deed::ChangesRequired,
                _ => Deed::Status,
            };
            let told = silent_notes
                || tell(Review {
                    review_session_id: answer.session_of(&given.object_id),
                    author: given.author.clone(),
                    ..review(deed, &given.id, &given.status)
                });
            if !told {
                return false;
            }
            self.answers.insert(given.id.clone(), given.status.clone());
        }
        if version.status != self.status {
            let told = first
                || version.status.as_ref().is_none_or(|status| {
                    let name = answer.statuses.get(status).map(String::as_str).unwrap_or_default();
                    tell(review(deed_of(name), status, name))
                });
            if !told {
                return false;
            }
            self.status.clone_from(&version.status);
        }
        for (component, name) in answer.media.iter().filter(|(_, of)| of.0 == version.id).map(|(id, of)| (id, &of.1)) {
            if self.media.contains(component) {
                continue;
            }
            if !first && !tell(review(Deed::Encoded, component, name)) {
                return false;
            }
            self.media.insert(component.clone());
        }
        if version.thumbnail != self.thumbnail {
            let told = first
                || version.thumbnail.as_ref().is_none_or(|thumbnail| tell(review(Deed::Thumbnail, thumbnail, "")));
            if !told {
                return false;
            }
            self.thumbnail.clone_from(&version.thumbnail);
        }
        // What was deleted is forgotten, so that this grows no further than the server's own list.
        self.notes.retain(|id| answer.notes.iter().any(|note| note.id == *id));
        self.answers.retain(|id, _| answer.answers.iter().any(|given| given.id == *id));
        self.media.retain(|id| answer.media.contains_key(id));
        // Only now: where there was no room for all of it, this is still the first time.
        self.met = true;
        true
    }
}

/// What a version's status means, by its name: servers have no other sign of it. ftrack's own workflows say "Approved" and
/// "Require Changes"; studios say "Client approved" or "Changes requested".
fn deed_of(name: &str) -> Deed {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
    let has = |word: &str| words.contains(&word);
    if has("approved") && !has("not") {
        Deed::Approved
    } else if (has("change") || has("changes")) && !has("done") && !has("made") {
        Deed::ChangesRequired
    } else {
        Deed::Status
    }
}

#[cfg(test)]
mod tests {
    use super::super::ask::{AnswerNow, NoteNow};
    use super::*;

    fn note(id: &str, parent: &str) -> NoteNow {
        let text = |text: &str| text.to_owned();
        NoteNow {
            id: text(id),
            parent_id: text(parent),
            content: text("Softer"),
            author: Some(text("Ada")),
            frame: Some(12),
            in_reply_to: None,
        }
    }

    fn version(status: &str) -> VersionNow {
        VersionNow { id: "v".into(), status: Some(status.into()), thumbnail: Some("t".into()) }
    }

    fn learn(known: &mut Known, version: &VersionNow, answer: &Answer) -> Vec<(Deed, String)> {
        let mut told = Vec::new();
        known.learn(version, answer, None, &mut |review| {
            told.push((review.deed, review.id));
            true
        });
        told
    }

    #[test]
    fn what_was_there_before_is_not_told_and_what_comes_is_told_once() {
        let mut known = Known::default();
        let mut answer = Answer::default();
        answer.notes.push(note("n1", "v"));
        answer.media.insert("c1".into(), ("v".into(), "ftrackreview-mp4".into()));
        answer.statuses.insert("s2".into(), "Client Approved".into());
        assert_eq!(learn(&mut known, &version("s1"), &answer), []);
        answer.notes.push(note("n2", "v"));
        answer.notes.push(note("n3", "another version"));
        answer.media.insert("c2".into(), ("v".into(), "ftrackreview-image".into()));
        let told = learn(&mut known, &version("s2"), &answer);
        let expected = [(Deed::Note, "n2"), (Deed::Approved, "s2"), (Deed::Encoded, "c2")];
        assert_eq!(told, expected.map(|(deed, id)| (deed, id.to_owned())));
        assert_eq!(learn(&mut known, &version("s2"), &answer), []);
    }

    #[test]
    fn every_note_on_a_version_that_the_session_made_is_news() {
        let mut known = Known { fresh: true, ..Known::default() };
        let mut answer = Answer::default();
        answer.notes.push(note("n1", "v"));
        assert_eq!(learn(&mut known, &version("s1"), &answer), [(Deed::Note, "n1".to_owned())]);
    }

    #[test]
    fn answers_in_review_sessions_count_again_when_they_change() {
        let mut known = Known::default();
        let mut answer = Answer::default();
        answer.objects.insert("o".into(), ("v".into(), "r".into()));
        assert_eq!(learn(&mut known, &version("s"), &answer), []);
        let given =
            |status: &str| AnswerNow { id: "a".into(), object_id: "o".into(), status: status.into(), author: None };
        answer.answers = vec![given("require_changes")];
        assert_eq!(learn(&mut known, &version("s"), &answer), [(Deed::ChangesRequired, "a".to_owned())]);
        answer.answers = vec![given("approved")];
        assert_eq!(learn(&mut known, &version("s"), &answer), [(Deed::Approved, "a".to_owned())]);
        assert_eq!(learn(&mut known, &version("s"), &answer), []);
    }

    #[test]
    fn how_a_version_was_when_it_was_met_is_no_news_also_where_there_was_no_room_for_its_notes() {
        let mut known = Known::fresh();
        let mut answer = Answer::default();
        answer.notes.push(note("n1", "v"));
        answer.media.insert("c".into(), ("v".into(), "ftrackreview-mp4".into()));
        assert!(!known.learn(&version("s"), &answer, None, &mut |_| false));
        assert_eq!(learn(&mut known, &version("s"), &answer), [(Deed::Note, "n1".to_owned())]);
    }

    #[test]
    fn what_finds_no_room_is_told_later_and_once() {
        let mut known = Known::default();
        let mut answer = Answer::default();
        assert_eq!(learn(&mut known, &version("s"), &answer), []);
        answer.notes = vec![note("n1", "v"), note("n2", "v"), note("n3", "v")];
        let (mut told, mut room) = (Vec::new(), 2);
        let whole = known.learn(&version("s"), &answer, None, &mut |review| {
            let takes = room > 0;
            if takes {
                room -= 1;
                told.push(review.id);
            }
            takes
        });
        assert!(!whole && told == ["n1", "n2"]);
        assert_eq!(learn(&mut known, &version("s"), &answer), [(Deed::Note, "n3".to_owned())]);
    }

    #[test]
    fn a_status_is_understood_by_its_name() {
        for (name, deed) in [
            ("Approved", Deed::Approved),
            ("Client approved", Deed::Approved),
            ("Not approved", Deed::Status),
            ("Awaiting approval", Deed::Status),
            ("Require Changes", Deed::ChangesRequired),
            ("changes requested", Deed::ChangesRequired),
            ("Changes done", Deed::Status),
            ("In progress", Deed::Status),
        ] {
            assert_eq!(deed_of(name), deed, "{name}");
        }
    }
}
