//! Publishes that go on from an outbox: with the very media that were made before, and with frames that are gone.

use super::given::{File, Given, frames, make, named, need_ffmpeg, probed};
use super::host::{Ended, Job, Session, Staging, session_options, text};
use super::relay::{Act, does, relay};
use ftreview::ffi::constants::*;
use ftreview::ffi::ftr_outbox_resume;
use ftreview::ffi::types::ftr_session_options;
use std::path::PathBuf;
use std::ptr::null;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A server behind a relay that takes no components until it is told to.
struct Place {
    staging: Staging,
    url: String,
    takes: Arc<AtomicBool>,
}

impl Place {
    fn new() -> Place {
        let (staging, takes) = (Staging::start(), Arc::new(AtomicBool::new(false)));
        let open = takes.clone();
        let decide = move |operations: &[serde_json::Value]| {
            let is_shut = !open.load(Ordering::SeqCst) && does(operations, "create", "FileComponent");
            if is_shut { Act::Drop } else { Act::Pass }
        };
        let url = relay(staging.url(), Box::new(decide));
        Place { staging, url, takes }
    }

    fn outbox(&self) -> PathBuf {
        self.staging.data().join("outbox")
    }

    fn session(&self, ffmpeg_path: *const std::ffi::c_char) -> Session {
        let folder = text(self.outbox().to_str().unwrap());
        let flags = FTR_SESSION_OUTBOX_MANUAL;
        let options = ftr_session_options { ffmpeg_path, outbox_folder: folder.as_ptr(), flags, ..session_options() };
        Session::with(&self.url, options).unwrap()
    }

    fn park(&self, given: &Given) -> Ended {
        let ended = given.publish(&self.session(null()));
        assert_eq!(ended.state, FTR_JOB_PARKED, "{ended:?}");
        ended
    }

    /// Goes on in a session of its own, which has no ffmpeg.
    fn resume(&self, parked: &Ended) -> Ended {
        self.takes.store(true, Ordering::SeqCst);
        let session = self.session(c"".as_ptr());
        let (id, mut job) = (text(&parked.outbox_id), 0);
        // SAFETY: a text and a variable.
        assert_eq!(unsafe { ftr_outbox_resume(session.0, id.as_ptr(), &mut job) }, FTR_OK);
        Job(job).wait().done()
    }

    /// What was made, wherever it is kept.
    fn made(&self) -> Vec<PathBuf> {
        let (mut made, mut folders) = (Vec::new(), vec![self.outbox()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false if entry.file_name().to_str().unwrap().starts_with("made-") => made.push(entry.path()),
                    false => {}
                }
            }
        }
        made.sort();
        made
    }
}

#[test]
fn a_resumed_publish_uploads_what_was_made_before_and_needs_no_ffmpeg() {
    need_ffmpeg!();
    let place = Place::new();
    let source =
        make(&place.staging, "shot_v002.avi", "-f lavfi -i testsrc2=size=320x180:rate=25 -frames:v 10 -c:v mpeg4");
    let parked = place.park(&Given::of(source));
    let made = place.made();
    assert_eq!(made.len(), 2, "a movie and its thumbnail: {made:?}");
    let bytes: Vec<Vec<u8>> = made.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let ended = place.resume(&parked);
    assert!(bytes.contains(&place.staging.stored(&ended.component_id)));
    assert!(bytes.contains(&place.staging.stored(&ended.thumbnail_id)));
    assert!(place.made().is_empty());
}

#[test]
fn frames_that_were_copied_may_vanish_before_the_publish_goes_on() {
    need_ffmpeg!();
    let place = Place::new();
    let pattern = frames(&place.staging, "shot.%04d.png", "320x180", 1001, 6);
    let given = Given {
        rate: Some("24".into()),
        flags: FTR_PUBLISH_COPY_SOURCE,
        ..Given::with(
            &pattern,
            [File { flags: FTR_FILE_UPLOAD_FRAMES, ..File::named(&pattern, FTR_ROLE_SEQUENCE, "source") }],
        )
    };
    let first = std::fs::read(place.staging.scratch().join("shot.1001.png")).unwrap();
    let parked = place.park(&given);
    for frame in 1001..=1006 {
        std::fs::remove_file(place.staging.scratch().join(format!("shot.{frame}.png"))).unwrap();
    }
    let ended = place.resume(&parked);
    assert_eq!(probed(&place.staging, &ended.component_id)["nb_read_frames"], "6");
    let sequence = named(&place.staging, &ended.version_id, "source");
    let members = place.staging.query(&format!(
        "select id, name from FileComponent where container_id is \"{}\"",
        sequence["id"].as_str().unwrap()
    ));
    assert_eq!(members.len(), 6);
    let member = members.iter().find(|member| member["name"] == "1001").unwrap();
    assert!(place.staging.stored(member["id"].as_str().unwrap()) == first);
}
