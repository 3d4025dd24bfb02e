//! Movies that ffmpeg makes, and what can go wrong on the way.

use super::given::{
    Given, frames, make, movie, named, names, need_ffmpeg, path, probed, studio, studio_with, work_folder,
};
use super::host::{Staging, example};
use ftreview::ffi::constants::*;
use ftreview::ffi::*;
use ftreview::session::Code;
use serde_json::{Value, json};
use std::path::PathBuf;

fn transcoded(path: impl Into<PathBuf>) -> Given {
    Given { mode: FTR_MODE_TRANSCODE, ..Given::of(path) }
}

fn is_tidy(staging: &Staging) -> bool {
    std::fs::read_dir(work_folder(staging)).unwrap().next().is_none()
}

#[test]
fn renditions_are_made_in_the_sizes_that_the_source_has_and_named_by_them() {
    need_ffmpeg!();
    let staging = Staging::start();
    let source = movie(&staging, "source.mp4", "1920x1080", "24", 6);
    let all = FTR_RENDITION_720 | FTR_RENDITION_1080 | FTR_RENDITION_1440 | FTR_RENDITION_2160;
    let ended = Given { renditions: all, ..transcoded(&source) }.made(&staging);
    assert_eq!(names(&staging, &ended.version_id), ["ftrackreview-mp4", "ftrackreview-mp4-1080", "thumbnail"]);
    for (name, height) in [("ftrackreview-mp4", 720), ("ftrackreview-mp4-1080", 1080)] {
        let component = named(&staging, &ended.version_id, name);
        assert_eq!(probed(&staging, component["id"].as_str().unwrap())["height"], json!(height));
    }
    assert!(is_tidy(&staging));
    let given = Given { renditions: 16, ..transcoded(&source) };
    assert!(given.not_made(&staging, Code::InvalidArgument as i32).contains("renditions: 0x10"));
}

#[test]
fn progress_counts_the_frames_and_the_stage_says_what_is_done() {
    need_ffmpeg!();
    let staging = Staging::start();
    let source = make(&staging, "a.avi", "-f lavfi -i testsrc2=size=640x360:rate=25 -frames:v 100 -c:v mpeg4");
    let session = studio(&staging);
    Given::of(source).publish(&session).done();
    let told: Vec<Value> = (session.events().into_iter())
        .filter(|event| event["kind"] == FTR_EVENT_PROGRESS)
        .map(|event| event["progress"].clone())
        .collect();
    let last = told.last().unwrap();
    assert_eq!((&last["frames_done"], &last["frames_total"]), (&json!(100), &json!(100)));
}

#[test]
fn a_studios_own_arguments_replace_ours() {
    need_ffmpeg!();
    let staging = Staging::start();
    let source = movie(&staging, "source.mp4", "640x360", "24", 6);
    let arguments = json!([
        "-i",
        "{input}",
        "-vf",
        "scale=320:180",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-movflags",
        "+faststart",
        "{output}"
    ]);
    let ended = Given { arguments: Some(arguments.to_string()), ..transcoded(&source) }.made(&staging);
    assert_eq!(probed(&staging, &ended.component_id)["width"], 320);
    for wrong in ["{}", "[1]", "-i {input}"] {
        let given = Given { arguments: Some(wrong.to_owned()), ..transcoded(&source) };
        assert!(given.not_made(&staging, Code::InvalidJson as i32).starts_with("ffmpeg_arguments: "), "{wrong}");
    }
}

#[test]
fn an_ffmpeg_that_is_not_there_or_fails_is_told_and_nothing_is_left_of_it() {
    need_ffmpeg!();
    let staging = Staging::start();
    let source = make(&staging, "a.avi", "-f lavfi -i testsrc2=size=640x360:rate=25 -frames:v 5 -c:v mpeg4");
    let nowhere = path(&staging.data().join("nowhere/ffmpeg"));
    let session = studio_with(&staging, nowhere.as_ptr());
    let message = transcoded(&source).refused_by(&session, &staging, Code::FfmpegMissing as i32);
    assert!(message.contains("nowhere/ffmpeg"), "{message}");

    let broken = staging.scratch().join("broken.avi");
    let mut bytes = std::fs::read(&source).unwrap();
    bytes[2000..].fill(7);
    std::fs::write(&broken, bytes).unwrap();
    let message = Given::of(&broken).not_made(&staging, Code::FfmpegFailed as i32);
    assert!(message.contains("broken.avi"), "{message}");
    assert!(is_tidy(&staging));
}

#[test]
fn cancelling_stops_ffmpeg_and_leaves_nothing() {
    need_ffmpeg!();
    let staging = Staging::start();
    let source =
        make(&staging, "long.avi", "-f lavfi -i testsrc2=size=1920x1080:rate=25 -frames:v 400 -c:v mpeg4 -q:v 2");
    let session = studio(&staging);
    let before = staging.census();
    let job = Given::of(source).submit(&session).unwrap();
    let is_at_work = || session.events().iter().any(|event| event["progress"]["stage"] == FTR_STAGE_TRANSCODING);
    while !is_at_work() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(ftr_job_cancel(job.0), FTR_OK);
    let ended = job.wait();
    assert_eq!(ended.state, FTR_JOB_CANCELLED, "{ended:?}");
    assert_eq!(staging.census(), before);
    drop(session);
    // ffmpeg's own folder goes when its process has ended.
    for _ in 0..500 {
        if is_tidy(&staging) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("something is left in {}", work_folder(&staging).display());
}

#[test]
fn a_movie_that_plays_is_made_again_where_that_is_asked_for() {
    need_ffmpeg!();
    let staging = Staging::start();
    let ended = transcoded(example("review.mp4")).made(&staging);
    assert_eq!(probed(&staging, &ended.component_id)["nb_read_frames"], "96");
    assert!(staging.stored(&ended.component_id) != std::fs::read(example("review.mp4")).unwrap());
    assert_eq!(ended.warnings, [""; 0]);
    // A rate that the host asks for is kept to.
    let ended = Given { rate: Some("12".into()), ..transcoded(example("review.mp4")) }.made(&staging);
    assert_eq!(probed(&staging, &ended.component_id)["r_frame_rate"], "12/1");
    frames(&staging, "unused.%04d.png", "64x64", 1, 1);
}
