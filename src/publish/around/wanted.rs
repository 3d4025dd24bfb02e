//! What a host asks for besides the media, and what is wrong with its form: no network.

use super::address;
use crate::session::{Code, Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;
use uuid::Uuid;

/// What comes with a version besides its media. What the outbox keeps of it has the names of the fields, and those that are
/// not set are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Around {
    /// The name of a status for the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_status: Option<String>,
    /// Whose version it is: an id or a username.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Ids of versions that it was made from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uses_versions: Vec<String>,
    /// Names or ids of lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// Whether lists that are not there are made.
    #[serde(skip_serializing_if = "is_false")]
    pub create_lists: bool,
    /// Metadata of the version.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Custom attributes of the version, by key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom_attributes: Map<String, Value>,
    /// A note on the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Where it is shown to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Whether an asset type that is not there is made.
    #[serde(skip_serializing_if = "is_false")]
    pub create_asset_type: bool,
}

/// A note.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Note {
    /// What it says.
    pub text: String,
    /// Names of labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The frame that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<i64>,
    /// Files that hang on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<PathBuf>,
}

/// A review session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Review {
    /// Its id or name.
    pub session: String,
    /// Whether it is made when it is not there.
    #[serde(skip_serializing_if = "is_false")]
    pub create: bool,
    /// Who is to see it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invitees: Vec<Invitee>,
    /// Whether they get no mail.
    #[serde(skip_serializing_if = "is_false")]
    pub without_invitations: bool,
}

/// Somebody who is to see a review session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitee {
    /// What others call them.
    #[serde(default)]
    pub name: String,
    /// Their mail address.
    pub email: String,
}

/// What is not set is left out.
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The same as a host wrote it; the lists and objects as JSON.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // as in `Around`
pub struct Texts {
    pub task_status: Option<String>,
    pub user: Option<String>,
    pub uses_versions: Option<String>,
    pub lists: Option<String>,
    pub metadata: Option<String>,
    pub custom_attributes: Option<String>,
    pub note: Option<String>,
    pub note_labels: Option<String>,
    pub note_attachments: Option<String>,
    /// -1 is none.
    pub note_frame: i64,
    pub review_session: Option<String>,
    pub invitees: Option<String>,
    pub create_lists: bool,
    pub create_review_session: bool,
    pub do_not_invite: bool,
    pub create_asset_type: bool,
}

impl Texts {
    /// What they mean, or what is wrong with their form.
    pub fn read(self) -> Result<Around> {
        let names = |text: &Option<String>, argument| -> Result<Vec<String>> {
            let example = "the text of a JSON array of texts, such as [\"Dailies\"]";
            let names: Vec<String> = json(text, argument, example)?.unwrap_or_default();
            names.into_iter().map(|name| filled(name, argument)).collect::<Result<_>>().map(each_once)
        };
        let object = |text: &Option<String>, argument| -> Result<Map<String, Value>> {
            let example = "the text of a JSON object, such as {\"shot\": \"sh010\"}";
            Ok(json(text, argument, example)?.unwrap_or_default())
        };
        let uses = names(&self.uses_versions, "uses_versions")?;
        let uses = uses.iter().map(|id| version_id(id, "uses_versions")).collect::<Result<_>>().map(each_once)?;
        let labels = names(&self.note_labels, "note_labels")?;
        let attachments = names(&self.note_attachments, "note_attachments")?;
        let invitees = self.invitees()?;
        let note = match self.note {
            Some(text) if text.trim().is_empty() => {
                return Err(invalid("note: is empty: give a text, or NULL for no note".into()));
            }
            Some(text) => {
                if self.note_frame < -1 {
                    let frame = self.note_frame;
                    return Err(invalid(format!("note_frame: {frame} is no frame: give one from 0, or -1 for none")));
                }
                let frame = (self.note_frame >= 0).then_some(self.note_frame);
                Some(Note { text, labels, frame, attachments: attachments.into_iter().map(PathBuf::from).collect() })
            }
            None => {
                let of_note = [("note_labels", !labels.is_empty()), ("note_attachments", !attachments.is_empty())];
                if let Some((argument, _)) = of_note.iter().find(|(_, given)| *given) {
                    return Err(invalid(format!("{argument}: was given, and note was not: give the note as well")));
                }
                None
            }
        };
        let review = match self.review_session {
            Some(session) => Some(Review {
                session: filled(session, "review_session")?,
                create: self.create_review_session,
                invitees,
                without_invitations: self.do_not_invite,
            }),
            None if !invitees.is_empty() => {
                let message = "invitees: were given, and review_session was not: give the one that they are invited to";
                return Err(invalid(message.into()));
            }
            None => None,
        };
        Ok(Around {
            task_status: self.task_status.map(|name| filled(name, "task_status")).transpose()?,
            user: self.user.map(|name| filled(name, "user")).transpose()?,
            uses_versions: uses,
            lists: names(&self.lists, "lists")?,
            create_lists: self.create_lists,
            metadata: object(&self.metadata, "metadata")?,
            custom_attributes: object(&self.custom_attributes, "custom_attributes")?,
            note,
            review,
            create_asset_type: self.create_asset_type,
        })
    }

    fn invitees(&self) -> Result<Vec<Invitee>> {
        let example = "the text of a JSON array, such as [{\"name\": \"Anna\", \"email\": \"anna@studio.com\"}]";
        let mut invitees: Vec<Invitee> = Vec::new();
        for mut invitee in json::<Vec<Invitee>>(&self.invitees, "invitees", example)?.unwrap_or_default() {
            invitee.email = invitee.email.trim().to_owned();
            if let Some(flaw) = address::flaw(&invitee.email) {
                let email = &invitee.email;
                let message = format!("invitees: \"{email}\" has {flaw}: give an address such as anna@studio.com");
                return Err(Error::new(Code::BadInvitee, message));
            }
            invitee.name = match invitee.name.trim() {
                "" => invitee.email.split('@').next().unwrap_or_default().to_owned(),
                name => name.to_owned(),
            };
            // Mail servers make no difference, and neither do people.
            if !invitees.iter().any(|known| is_same_address(&known.email, &invitee.email)) {
                invitees.push(invitee);
            }
        }
        Ok(invitees)
    }
}

/// Whether two addresses are one.
pub fn is_same_address(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// An id of a version, as ftrack writes it.
pub fn version_id(text: &str, argument: &str) -> Result<String> {
    Uuid::try_parse(text.trim()).map(|id| id.hyphenated().to_string()).map_err(|_| {
        Error::new(Code::UnknownVersion, format!("{argument}: \"{text}\" is no id: give the ids of versions"))
    })
}

fn json<T: DeserializeOwned>(text: &Option<String>, argument: &str, example: &str) -> Result<Option<T>> {
    let Some(text) = text else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|error| {
        let what = if error.is_data() { "has not the form that is wanted" } else { "is no JSON" };
        Error::new(Code::InvalidJson, format!("{argument}: {what} ({error}); give {example}"))
    })
}

fn filled(text: String, argument: &str) -> Result<String> {
    match text.trim() {
        "" => Err(invalid(format!("{argument}: has an empty text: give a name or an id, or leave it out"))),
        trimmed => Ok(trimmed.to_owned()),
    }
}

fn each_once(names: Vec<String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

fn invalid(message: String) -> Error {
    Error::new(Code::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_is_not_asked_for_is_not_kept_and_what_is_reads_back() {
        let nothing = Texts { note_frame: -1, ..Texts::default() }.read().unwrap();
        assert_eq!(serde_json::to_string(&nothing).unwrap(), "{}");
        let all = Texts {
            lists: given(r#"["Dailies", "Dailies", " For client "]"#),
            note: given("Softer"),
            note_labels: given(r#"["Internal"]"#),
            note_frame: 12,
            metadata: given(r#"{"a": 1}"#),
            review_session: given("Friday"),
            invitees: given(r#"[{"email": "Anna@studio.com"}, {"name": "A", "email": "anna@STUDIO.com"}]"#),
            ..Texts::default()
        };
        let around = all.read().unwrap();
        assert_eq!(around.lists, ["Dailies", "For client"]);
        assert_eq!(around.note.as_ref().unwrap().frame, Some(12));
        let invitees = &around.review.as_ref().unwrap().invitees;
        assert_eq!((invitees.len(), invitees[0].name.as_str()), (1, "Anna"));
        let kept = serde_json::to_value(&around).unwrap();
        assert_eq!(serde_json::from_value::<Around>(kept).unwrap(), around);
    }

    #[test]
    fn a_wrong_form_is_told_with_its_argument() {
        let none = || Texts { note_frame: -1, ..Texts::default() };
        let cases = [
            (Texts { lists: given("Dailies"), ..none() }, Code::InvalidJson, "lists"),
            (Texts { lists: given("{}"), ..none() }, Code::InvalidJson, "lists"),
            (Texts { lists: given("[\"\"]"), ..none() }, Code::InvalidArgument, "lists"),
            (Texts { uses_versions: given("[\"7\"]"), ..none() }, Code::UnknownVersion, "uses_versions"),
            (Texts { metadata: given("[]"), ..none() }, Code::InvalidJson, "metadata"),
            (Texts { custom_attributes: given("7"), ..none() }, Code::InvalidJson, "custom_attributes"),
            (Texts { note: given(" "), ..none() }, Code::InvalidArgument, "note"),
            (Texts { note: given("a"), note_frame: -2, ..none() }, Code::InvalidArgument, "note_frame"),
            (Texts { note_labels: given("[\"a\"]"), ..none() }, Code::InvalidArgument, "note_labels"),
            (Texts { note_attachments: given("[\"a\"]"), ..none() }, Code::InvalidArgument, "note_attachments"),
            (Texts { review_session: given(""), ..none() }, Code::InvalidArgument, "review_session"),
            (Texts { invitees: given("[{\"email\": \"a@b.c\"}]"), ..none() }, Code::InvalidArgument, "review_session"),
            (
                Texts { review_session: given("a"), invitees: given("[{\"mail\": \"a\"}]"), ..none() },
                Code::InvalidJson,
                "invitees",
            ),
            (
                Texts { review_session: given("a"), invitees: given("[{\"email\": \"a\"}]"), ..none() },
                Code::BadInvitee,
                "\"a\" has no @",
            ),
        ];
        for (texts, code, word) in cases {
            let error = texts.clone().read().unwrap_err();
            assert_eq!(error.code, code, "{texts:?}: {error}");
            assert!(error.message.contains(word), "{error}");
        }
    }
}
