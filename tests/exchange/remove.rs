//! Components and versions taken away: all that belongs to them and nothing else, and nothing half.

use super::host::{Ended, Session};
use super::relay::{Act, Decide, does, exception, relay};
use super::support::reviewer::{Reviewer, object};
use super::support::sample;
use super::support::server::Staging;
use ftreview::ffi::constants::*;
use ftreview::ftrack::Operation;
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER, READER_KEY, READER_USER};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const UNMANAGED: &str = "cb268ecc-8809-11e3-a7e2-20c9d081909b";
const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

struct Site {
    server: Staging,
    reviewer: Reviewer,
}

impl Site {
    fn new() -> Site {
        let server = Staging::start();
        let reviewer = Reviewer::new(server.url(), "a-script");
        Site { server, reviewer }
    }

    fn session(&self) -> Session {
        Session::create(self.server.url(), DEMO_USER, DEMO_KEY)
    }

    /// Whose requests are decided on.
    fn before(&self, decide: Decide) -> Session {
        Session::create(&relay(self.server.url(), decide), DEMO_USER, DEMO_KEY)
    }

    /// Versions, components, and their locations.
    fn census(&self) -> [i64; 3] {
        ["asset_version", "component", "component_location"].map(|table| self.server.count(table))
    }

    /// A version with a still in storage; the version's and the component's id.
    fn published(&self) -> (String, String) {
        let ended = self.session().published(&sample("still.png"));
        let version = self.reviewer.first("AssetVersion", None);
        (version, ended.component_id)
    }

    /// A sequence at a version, with so many frames that are registered by path.
    fn sequence(&self, version: &str, frames: usize) -> String {
        let sequence = json!({"name": "beauty", "file_type": ".exr", "padding": 4, "version_id": version});
        let sequence = self.reviewer.create("SequenceComponent", sequence);
        let mut operations = Vec::new();
        for frame in 1..=frames {
            let (id, place) = (uuid(), uuid());
            let member = json!({"name": frame.to_string(), "file_type": ".exr", "container_id": sequence});
            operations.push(Operation::create("FileComponent", &id, object(member)));
            let path = format!("/shots/sh010/beauty.{frame:04}.exr");
            let location = json!({"component_id": id, "location_id": UNMANAGED, "resource_identifier": path});
            operations.push(Operation::create("ComponentLocation", &place, object(location)));
        }
        self.reviewer.call(&operations);
        sequence
    }
}

fn uuid() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("7b3f0000-0000-4000-8000-{:012}", NEXT.fetch_add(1, Ordering::SeqCst))
}

fn removed(ended: &Ended) -> Vec<Value> {
    serde_json::from_str::<Value>(&ended.answer).unwrap()["removed"].as_array().unwrap().clone()
}

#[test]
fn a_version_goes_with_its_media_and_nothing_of_another_version() {
    let site = Site::new();
    let (version, component) = site.published();
    let other = site.session().published(&sample("still.jpg")).component_id;
    let ended = site.session().removed("AssetVersion", &version, 0).done();
    assert_eq!(site.census(), [1, 1, 1]);
    let gone = removed(&ended);
    let told: Vec<(&str, &str)> =
        gone.iter().map(|one| (one["entity_type"].as_str().unwrap(), one["id"].as_str().unwrap())).collect();
    assert_eq!(told, [("AssetVersion", version.as_str()), ("FileComponent", component.as_str())]);
    assert_eq!(gone[0]["name"], "still version 1");
    assert!(ended.warnings.is_empty(), "{ended:?}");
    let folder = tempfile::tempdir().unwrap();
    site.session().downloaded(&other, &folder.path().join("other")).done();
    site.session().downloaded(&component, &folder.path().join("gone")).failed(Code::Integrity);
}

#[test]
fn a_component_goes_and_its_version_stays() {
    let site = Site::new();
    let (version, component) = site.published();
    let ended = site.session().removed("FileComponent", &component, 0).done();
    assert_eq!((site.census(), ended.component_id), ([1, 0, 0], component));
    // A still is its own thumbnail.
    assert!(ended.warnings.iter().any(|warning| warning.contains("was the thumbnail")), "{:?}", ended.warnings);
    assert_eq!(site.reviewer.first("AssetVersion", None), version);
}

#[test]
fn a_sequence_goes_with_every_frame_and_leaves_the_files_where_they_are() {
    let site = Site::new();
    let version = site.reviewer.version();
    for frames in [3, 450] {
        let sequence = site.sequence(&version, frames);
        site.server.forget_requests();
        let ended = site.session().removed("SequenceComponent", &sequence, 0).done();
        assert_eq!(site.census(), [1, 0, 0]);
        assert_eq!(removed(&ended)[0]["members"], frames);
        assert_eq!(removed(&ended).len(), 1);
        let more = format!("'/shots/sh010/beauty.0001.exr' and {} more", frames - 1);
        assert_eq!(ended.warnings.len(), 1, "{:?}", ended.warnings);
        assert!(ended.warnings[0].contains("stays there"), "{:?}", ended.warnings);
        assert!(ended.warnings[0].contains(&more), "{:?}", ended.warnings);
        assert!(site.server.requests().len() < 30, "{:?}", site.server.requests());
    }
    site.sequence(&version, 5);
    site.session().removed("AssetVersion", &version, 0).done();
    assert_eq!(site.census(), [0, 0, 0]);
}

#[test]
fn a_thumbnail_that_a_task_shows_too_stays_when_its_version_goes() {
    let site = Site::new();
    let (version, component) = site.published();
    let task = site.reviewer.first("Task", None);
    site.reviewer.update("Task", &task, json!({"thumbnail_id": component}));
    let ended = site.session().removed("AssetVersion", &version, 0).done();
    assert_eq!(site.census(), [0, 1, 1]);
    assert!(ended.warnings[0].contains(&component) && ended.warnings[0].contains("stays"), "{:?}", ended.warnings);
    assert_eq!(removed(&ended).len(), 1);
}

#[test]
fn what_is_not_there_is_told_unless_that_is_as_good() {
    let site = Site::new();
    let (version, component) = site.published();
    let session = site.session();
    for (kind, id) in [("AssetVersion", NOWHERE), ("FileComponent", &version), ("SequenceComponent", &component)] {
        let ended = session.removed(kind, id, 0).failed(Code::Integrity);
        assert!(ended.message.contains(id) && ended.message.contains("FTR_REMOVE_MISSING_OK"), "{ended:?}");
        let ended = session.removed(kind, id, FTR_REMOVE_MISSING_OK).done();
        assert!(removed(&ended).is_empty());
    }
    assert_eq!(site.census(), [1, 1, 1]);
}

#[test]
fn who_may_not_remove_is_told_so_and_nothing_is_removed() {
    let site = Site::new();
    let (version, _) = site.published();
    let reader = Session::create(site.server.url(), READER_USER, READER_KEY);
    let ended = reader.removed("AssetVersion", &version, 0).failed(Code::Permission);
    assert_eq!((ended.stage, site.census()), (FTR_STAGE_REMOVING, [1, 1, 1]));
    assert!(removed(&ended).is_empty() && ended.warnings.is_empty(), "{ended:?}");
}

fn deletes(operations: &[Value], entity: &str) -> bool {
    does(operations, "delete", entity)
}

#[test]
fn an_answer_that_was_lost_is_no_failure() {
    let site = Site::new();
    for lost in ["AssetVersion", "FileComponent"] {
        let (version, _) = site.published();
        let once = AtomicBool::new(true);
        // Another's component goes by itself, because this server takes a version's along.
        let extra = site.reviewer.component(&version, "plate");
        let session = site.before(Box::new(move |operations| {
            match deletes(operations, lost) && once.swap(false, Ordering::SeqCst) {
                true => Act::Lose,
                false => Act::Pass,
            }
        }));
        session.removed("FileComponent", &extra, 0).done();
        session.removed("AssetVersion", &version, 0).done();
        assert_eq!(site.census(), [0, 0, 0], "{lost}");
    }
}

#[test]
fn a_removal_that_fails_in_the_middle_shows_reviewers_nothing_and_tells_what_is_left() {
    let site = Site::new();
    let version = site.reviewer.version();
    let sequence = site.sequence(&version, 450);
    let seen = AtomicUsize::new(0);
    let session = site.before(Box::new(move |operations| {
        match deletes(operations, "FileComponent") && seen.fetch_add(1, Ordering::SeqCst) > 0 {
            true => Act::Refuse(200, exception("ValidationError", "not now")),
            false => Act::Pass,
        }
    }));
    let ended = session.removed("SequenceComponent", &sequence, 0).failed(Code::Validation);
    assert_eq!(site.census()[1], 251);
    assert!(ended.warnings.iter().any(|warning| warning.contains(&sequence)), "{:?}", ended.warnings);
    // It is at no version any more, and a second try removes the rest.
    let shown = ftreview::ftrack::Filter::equals("version_id", &version);
    let none = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| site.reviewer.first("Component", Some(shown))));
    assert!(none.is_err());
    site.session().removed("SequenceComponent", &sequence, 0).done();
    assert_eq!(site.census(), [1, 0, 0]);
}

#[test]
fn a_removal_that_is_cancelled_at_any_moment_is_done_or_has_removed_nothing() {
    let site = Site::new();
    let session = site.session();
    for round in 0..6 {
        let (version, _) = site.published();
        let job = session.remove("AssetVersion", &version, 0).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(round * 4));
        job.cancel();
        let ended = job.wait();
        match ended.state {
            FTR_JOB_DONE => {}
            state => {
                assert_eq!((state, site.census()), (FTR_JOB_CANCELLED, [1, 1, 1]), "{ended:?}");
                session.removed("AssetVersion", &version, 0).done();
            }
        }
        assert_eq!(site.census(), [0, 0, 0]);
    }
}
