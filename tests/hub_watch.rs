//! What reviewers do reaches the session that watches, once, on the staging server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests fail by panicking
#![cfg(target_os = "linux")]

mod ftrack_support;
#[path = "hub/host.rs"]
mod host;
#[path = "hub/line.rs"]
mod line;
mod support;

use ftreview::ftrack::{Filter, Operation};
use ftreview::hub::What;
use ftreview::session::news::Receiver;
use ftreview::session::review::{Deed, Review};
use ftreview::session::{Event, policy};
use host::Host;
use serde_json::json;
use std::sync::Arc;
use support::reviewer::{Reviewer, config, object};
use support::server::Staging;
use uuid::Uuid;

/// What the tests' sessions mark their own changes with.
const TOKEN: &str = "ftreview--the-session-itself";

/// A session that is connected and watches; what was there before has been taken in.
fn watching(url: &str, what: What) -> Host {
    let host = Host::with(config(url, TOKEN));
    host.hub.connect().unwrap();
    host.wait_connected();
    host.hub.watch(what, Receiver { handle: 1, tag: 7 }).unwrap();
    host
}

impl Host {
    fn next_review(&self) -> Arc<Review> {
        self.next(|event| match event {
            Event::Review { watch: Receiver { handle: 1, tag: 7 }, review } => Some(review),
            _ => None,
        })
    }

    /// Notes until this one, which is the last that there is.
    fn notes_until(&self, last: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let review = self.next_review();
            assert_eq!(review.deed, Deed::Note);
            if review.text == last {
                return heard;
            }
            heard.push(review.text.clone());
        }
    }
}

/// Writes a note, again and again, until the watch has heard of one: then it has taken in what was there.
fn settled(host: &Host, reviewer: &Reviewer, version: &str) {
    let queue = host.session.queue();
    for _ in 0..100 {
        reviewer.note(version, "are you there?", None);
        let soon = std::time::Instant::now() + std::time::Duration::from_secs(1);
        while queue.wait(Some(soon)) == ftreview::session::queue::Woken::Ready {
            if let Some(Event::Review { .. }) = queue.take() {
                reviewer.note(version, "good", None);
                host.notes_until("good");
                return;
            }
        }
    }
    panic!("the watch heard nothing");
}

#[test]
fn each_thing_that_a_reviewer_does_is_told_as_what_it_is() {
    let server = Staging::start();
    let reviewer = Reviewer::new(server.url(), "a-browser");
    let version = reviewer.version();
    reviewer.note(&version, "from before", None);
    let host = watching(server.url(), What::Version(version.clone()));
    settled(&host, &reviewer, &version);

    let note = reviewer.note(&version, "Softer key light", Some(1012));
    let review = host.next_review();
    assert_eq!(
        (review.deed, review.version_id.as_str(), review.id.as_str()),
        (Deed::Note, version.as_str(), note.as_str())
    );
    assert_eq!((review.text.as_str(), review.frame), ("Softer key light", Some(1012)));
    assert!(review.author.as_ref().is_some_and(|author| !author.is_empty()), "{review:?}");

    let answer = json!({"content": "Yes", "parent_id": version, "parent_type": "AssetVersion", "in_reply_to_id": note});
    reviewer.create("Note", answer);
    assert_eq!(host.next_review().in_reply_to.as_deref(), Some(note.as_str()));

    for (status, deed) in [("Pending Review", Deed::Status), ("Approved", Deed::Approved)] {
        reviewer.update("AssetVersion", &version, json!({"status_id": reviewer.status(status)}));
        let review = host.next_review();
        assert_eq!((review.deed, review.text.as_str()), (deed, status));
    }

    let component = reviewer.component(&version, "thumbnail");
    reviewer.update("AssetVersion", &version, json!({"thumbnail_id": component}));
    assert_eq!(host.next_review().id, component);
    // As a server does that encodes: the component is there long before the player can show it.
    let movie = reviewer.component(&version, "ftrackreview-mp4");
    reviewer.set_ftr_meta(&movie, "encoding");
    reviewer.note(&version, "still encoding", None);
    assert_eq!(host.next_review().text, "still encoding");
    reviewer.set_ftr_meta(&movie, "{\"frameIn\": 0, \"frameOut\": 9, \"frameRate\": 24}");
    let review = host.next_review();
    assert_eq!((review.deed, &review.id, review.text.as_str()), (Deed::Encoded, &movie, "ftrackreview-mp4"));
}

#[test]
fn answers_and_notes_in_a_review_session_are_told_also_of_versions_that_come_later() {
    let server = Staging::start();
    let reviewer = Reviewer::new(server.url(), "a-browser");
    let project = reviewer.first("Project", Some(Filter::equals("name", "demo")));
    let session = reviewer.create("ReviewSession", json!({"name": "dailies", "project_id": project}));
    let version = reviewer.version();
    let added = |version: &str| {
        let attributes = json!({"name": "sh010", "version_id": version, "review_session_id": session});
        reviewer.create("ReviewSessionObject", attributes)
    };
    let first = added(&version);
    let invitee = json!({"name": "Grace", "email": "grace@studio.example", "review_session_id": session});
    let invitee = reviewer.create("ReviewSessionInvitee", invitee);
    let host = watching(server.url(), What::ReviewSession(session.clone()));
    settled(&host, &reviewer, &version);

    let answer = |object: &str, status: &str| {
        let attributes =
            json!({"review_session_object_id": object, "review_session_invitee_id": invitee, "status": status});
        reviewer.create("ReviewSessionObjectStatus", attributes)
    };
    let id = answer(&first, "require_changes");
    let review = host.next_review();
    assert_eq!((review.deed, &review.id), (Deed::ChangesRequired, &id));
    assert_eq!((review.review_session_id.as_ref(), review.author.as_deref()), (Some(&session), Some("Grace")));
    reviewer.update("ReviewSessionObjectStatus", &id, json!({"status": "approved"}));
    assert_eq!(host.next_review().deed, Deed::Approved);

    let later = reviewer.version();
    let second = added(&later);
    // What it had when it came is not told; when that is taken in nobody says.
    settled(&host, &reviewer, &later);
    answer(&second, "approved");
    let review = host.next_review();
    assert_eq!((review.deed, &review.version_id), (Deed::Approved, &later));
}

#[test]
fn the_sessions_own_changes_are_not_told() {
    let server = Staging::start();
    let reviewer = Reviewer::new(server.url(), "a-browser");
    let own = Reviewer::new(server.url(), TOKEN);
    let version = reviewer.version();
    let host = watching(server.url(), What::Version(version.clone()));
    settled(&host, &reviewer, &version);
    for round in 0..5 {
        own.note(&version, "mine", None);
        let status = if round % 2 == 0 { "Pending Review" } else { "Approved" };
        own.update("AssetVersion", &version, json!({"status_id": own.status(status)}));
        reviewer.note(&version, "theirs", Some(round));
        let review = host.next_review();
        assert_eq!((review.deed, review.text.as_str(), review.frame), (Deed::Note, "theirs", Some(round)));
    }
}

#[test]
fn a_lost_connection_loses_nothing_and_tells_nothing_twice() {
    let server = Staging::start();
    let reviewer = Reviewer::new(server.url(), "a-browser");
    let version = reviewer.version();
    let line = line::Line::to(server.url());
    let host = watching(&line.url(), What::Version(version.clone()));
    settled(&host, &reviewer, &version);
    for round in 0..3 {
        reviewer.note(&version, &format!("before {round}"), None);
        line.cut();
        reviewer.note(&version, &format!("while {round}"), None);
        reviewer.update("AssetVersion", &version, json!({"status_id": reviewer.status("Approved")}));
        line.mend();
        reviewer.note(&version, &format!("after {round}"), None);
        let mut told = Vec::new();
        while told.len() < if round == 0 { 4 } else { 3 } {
            told.push(host.next_review().text.clone());
        }
        told.sort();
        let mut expected = vec![format!("after {round}"), format!("before {round}"), format!("while {round}")];
        if round == 0 {
            expected.insert(0, "Approved".to_owned());
        }
        assert_eq!(told, expected);
    }
    reviewer.note(&version, "the end", None);
    assert_eq!(host.notes_until("the end"), [""; 0]);
}

#[test]
fn a_host_that_does_not_poll_is_told_all_of_more_than_there_is_room_for() {
    let server = Staging::start();
    let reviewer = Reviewer::new(server.url(), "a-browser");
    let version = reviewer.version();
    let host = watching(server.url(), What::Version(version.clone()));
    settled(&host, &reviewer, &version);
    let many = policy::WATCH_EVENTS + 100;
    let notes: Vec<Operation> = (0..many)
        .map(|number| {
            let note = json!({"content": number.to_string(), "parent_id": version, "parent_type": "AssetVersion"});
            Operation::create("Note", &Uuid::new_v4().to_string(), object(note))
        })
        .collect();
    reviewer.call(&notes);
    // Full: nothing is dropped, and nothing more is put in.
    while host.session.queue().review_room() > 0 {
        std::thread::yield_now();
    }
    let mut told: Vec<usize> = (0..many).map(|_| host.next_review().text.parse().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, (0..many).collect::<Vec<_>>());
    reviewer.note(&version, "the end", None);
    assert_eq!(host.notes_until("the end"), [""; 0]);
}
