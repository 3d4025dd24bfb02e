//! What a studio's server has: lists, review sessions, custom attributes, people; and a post office.

use super::host::Staging;
use super::relay::{Act, relay};
use super::reviewer::Reviewer;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A server with some of all that a publish may name.
pub struct Studio {
    pub staging: Staging,
    pub reviewer: Reviewer,
    pub project: String,
}

impl Studio {
    pub fn start() -> Studio {
        Studio::of(Staging::start())
    }

    pub fn of(staging: Staging) -> Studio {
        let reviewer = Reviewer::new(staging.url(), "somebody");
        let project = staging.id("select id from Project where name is \"demo\"");
        Studio { staging, reviewer, project }
    }

    pub fn list(&self, name: &str) -> String {
        self.reviewer.create("AssetVersionList", json!({"name": name, "project_id": self.project}))
    }

    pub fn review_session(&self, name: &str) -> String {
        self.reviewer.create("ReviewSession", json!({"name": name, "project_id": self.project}))
    }

    pub fn user(&self, username: &str) -> String {
        self.reviewer.create("User", json!({"username": username, "is_active": true}))
    }

    pub fn attribute(&self, key: &str, kind: &str) -> String {
        let kind = self.staging.id(&format!("select id from CustomAttributeType where name is \"{kind}\""));
        let attribute =
            json!({"key": key, "label": key, "entity_type": "assetversion", "type_id": kind, "config": "{}"});
        self.reviewer.create("CustomAttributeConfiguration", attribute)
    }

    /// Everything that a publish with all options may make, counted.
    pub fn census(&self) -> Vec<(&'static str, usize)> {
        KINDS.map(|(kind, _)| (kind, self.count(kind))).to_vec()
    }

    /// How many of a kind there are.
    pub fn count(&self, kind: &str) -> usize {
        let (_, attribute) = KINDS.iter().find(|(known, _)| *known == kind).unwrap();
        self.staging.query(&format!("select {attribute} from {kind}")).len()
    }
}

/// What a publish may make, and an attribute that each has.
const KINDS: [(&str, &str); 16] = [
    ("Asset", "id"),
    ("AssetType", "id"),
    ("AssetVersion", "id"),
    ("FileComponent", "id"),
    ("ComponentLocation", "id"),
    ("AssetVersionLink", "id"),
    ("AssetVersionList", "id"),
    ("ListObject", "id"),
    ("Note", "id"),
    ("NoteLabelLink", "label_id"),
    ("NoteComponent", "component_id"),
    ("ReviewSession", "id"),
    ("ReviewSessionObject", "id"),
    ("ReviewSessionInvitee", "id"),
    ("Metadata", "key"),
    ("AssetVersionCustomAttributeValue", "key"),
];

/// What came by mail: the invitees.
pub type Letters = Arc<Mutex<Vec<String>>>;

/// A way to the server that counts the mails.
pub fn post_office(url: &str) -> (String, Letters) {
    let letters = Letters::default();
    let seen = letters.clone();
    let address = relay(
        url,
        Box::new(move |operations| {
            seen.lock().unwrap().extend(invited(operations));
            Act::Pass
        }),
    );
    (address, letters)
}

/// Whether a request is the one that something is to happen to.
pub type Step = fn(&[Value]) -> bool;

/// Whom these operations invite.
pub fn invited(operations: &[Value]) -> Vec<String> {
    let invitations = operations.iter().filter(|operation| operation["action"] == "send_review_session_invite");
    invitations.map(|operation| operation["review_session_invitee_id"].as_str().unwrap().to_owned()).collect()
}
