//! What ftrack's player is told, in the forms that servers and studios disagree about.

use super::given::{Given, meta};
use super::host::{Staging, example};
use ftreview::ffi::constants::*;
use ftreview::session::Code;
use serde_json::json;

#[test]
fn frames_may_be_counted_from_anywhere_and_to_the_last_or_one_more() {
    let staging = Staging::start();
    for (first_frame, frame_out, expected) in [
        (0, FTR_META_FRAME_OUT_LAST, (0, 95)),
        (0, FTR_META_FRAME_OUT_COUNT, (0, 96)),
        (1001, FTR_META_FRAME_OUT_LAST, (1001, 1096)),
        (-10, FTR_META_FRAME_OUT_COUNT, (-10, 86)),
    ] {
        let ended = Given { first_frame, frame_out, ..Given::of(example("review.mp4")) }.done(&staging);
        let meta = meta(&staging, &ended.component_id);
        assert_eq!((&meta["frameIn"], &meta["frameOut"]), (&json!(expected.0), &json!(expected.1)));
    }
    let given = Given { frame_out: 2, ..Given::of(example("review.mp4")) };
    assert!(given.refused(&staging, Code::InvalidArgument as i32).contains("meta_frame_out: 2"));
}

#[test]
fn width_and_height_may_be_left_out() {
    let staging = Staging::start();
    let ended = Given { flags: FTR_PUBLISH_META_WITHOUT_SIZE, ..Given::of(example("review.mp4")) }.done(&staging);
    assert_eq!(meta(&staging, &ended.component_id), json!({"frameIn": 0, "frameOut": 95, "frameRate": 24.0}));
}

#[test]
fn a_host_may_put_its_own_keys_over_those_that_were_found() {
    let staging = Staging::start();
    let over = json!({"frameRate": 23.976, "width": null, "studio": {"shot": "sh010"}});
    let ended = Given { meta: Some(over.to_string()), ..Given::of(example("review.mp4")) }.done(&staging);
    let expected =
        json!({"frameIn": 0, "frameOut": 95, "frameRate": 23.976, "height": 720, "studio": {"shot": "sh010"}});
    assert_eq!(meta(&staging, &ended.component_id), expected);
    for wrong in ["[1]", "{", "7"] {
        let given = Given { meta: Some(wrong.into()), ..Given::of(example("review.mp4")) };
        assert!(given.refused(&staging, Code::InvalidJson as i32).starts_with("meta: "), "{wrong}");
    }
}
