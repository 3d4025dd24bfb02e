//! Frames: movies made of them.

use super::given::{Given, frames, image, meta, need_ffmpeg, probed};
use super::host::Staging;
use ftreview::ffi::constants::*;
use ftreview::session::Code;
use serde_json::json;

fn film(path: impl Into<std::path::PathBuf>, rate: &str) -> Given {
    Given { rate: Some(rate.to_owned()), ..Given::of(path) }
}

#[test]
fn frames_in_any_notation_become_a_movie_at_the_rate_that_was_given() {
    need_ffmpeg!();
    let staging = Staging::start();
    frames(&staging, "shot.%04d.png", "320x180", 1001, 8);
    let folder = staging.scratch();
    for (notation, count) in [
        ("shot.%04d.png", 8),
        ("shot.####.png", 8),
        ("shot.@@@@.png", 8),
        ("shot.$F4.png", 8),
        ("shot.[1001-1004].png", 4),
        ("shot.%04d.png [1002-1007]", 6),
    ] {
        let given = Given { first_frame: 1001, ..film(folder.join(notation), "23.976") };
        let ended = given.made(&staging);
        let made = probed(&staging, &ended.component_id);
        assert_eq!((&made["codec_name"], &made["r_frame_rate"]), (&json!("h264"), &json!("24000/1001")), "{notation}");
        assert_eq!(made["nb_read_frames"], json!(count.to_string()), "{notation}");
        let meta = meta(&staging, &ended.component_id);
        assert_eq!((&meta["frameIn"], &meta["frameOut"]), (&json!(1001), &json!(1000 + count)), "{notation}");
        assert_eq!(ended.asset_name, "shot", "{notation}");
        assert!(!ended.thumbnail_id.is_empty());
    }
    // One frame of many is a still, unless it is said to stand for all.
    let one = folder.join("shot.1003.png");
    assert_eq!(Given::of(&one).made(&staging).component_name, "ftrackreview-image");
    let ended = Given { flags: FTR_PUBLISH_SEQUENCE, ..film(&one, "24") }.made(&staging);
    assert_eq!(probed(&staging, &ended.component_id)["nb_read_frames"], "8");
}

#[test]
fn frames_without_a_rate_or_with_one_that_is_none_are_refused() {
    need_ffmpeg!();
    let staging = Staging::start();
    let pattern = frames(&staging, "shot.%04d.png", "320x180", 1, 3);
    let code = Code::FrameRateNeeded as i32;
    assert!(Given::of(&pattern).not_made(&staging, code).contains("frame_rate"));
    assert!(film(&pattern, "fast").not_made(&staging, code).contains("\"fast\""));
}

#[test]
fn holes_are_refused_held_or_left_out_as_the_host_says() {
    need_ffmpeg!();
    let staging = Staging::start();
    let pattern = frames(&staging, "shot.%04d.png", "320x180", 1, 8);
    std::fs::remove_file(staging.scratch().join("shot.0004.png")).unwrap();
    std::fs::write(staging.scratch().join("shot.0006.png"), b"").unwrap();
    let message = film(&pattern, "24").not_made(&staging, Code::SequenceHoles as i32);
    assert!(message.contains('4') && message.contains('6'), "{message}");
    for (holes, count) in [(FTR_HOLES_HOLD, "8"), (FTR_HOLES_LEAVE_OUT, "6")] {
        let ended = Given { holes, ..film(&pattern, "24") }.made(&staging);
        assert_eq!(probed(&staging, &ended.component_id)["nb_read_frames"], count);
    }
    let given = Given { holes: 3, ..film(&pattern, "24") };
    assert!(given.not_made(&staging, Code::InvalidArgument as i32).contains("holes: 3"));
}

#[test]
fn no_frame_a_single_frame_and_frames_of_two_sizes_are_refused_with_a_code_each() {
    need_ffmpeg!();
    let staging = Staging::start();
    let folder = staging.scratch();
    film(folder.join("none.%04d.png"), "24").not_made(&staging, Code::SequenceEmpty as i32);
    let single = image(&staging, "one.0001.png", "320x180");
    film(folder.join("one.%04d.png"), "24").not_made(&staging, Code::SequenceSingle as i32);
    let given = Given { flags: FTR_PUBLISH_SEQUENCE, ..film(single, "24") };
    given.not_made(&staging, Code::SequenceSingle as i32);
    image(&staging, "two.0001.png", "320x180");
    image(&staging, "two.0002.png", "640x360");
    let message = film(folder.join("two.####.png"), "24").not_made(&staging, Code::SequenceMixed as i32);
    assert!(message.contains("two.0002.png"), "{message}");
    // The range says that one is meant.
    let ended = film(folder.join("one.%04d.png [1]"), "24").made(&staging);
    assert_eq!(probed(&staging, &ended.component_id)["nb_read_frames"], "1");
}
