//! The headers of all frames: damaged ones, and those of another kind or size.

use std::fs;
use std::path::Path;

use ftreview::media::sequence::{Choice, Holes};
use ftreview::media::{Kind, OtherImage, StillFormat};
use ftreview::session::Code;

use super::{Folder, assert_error};

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media").join(name)).unwrap()
}

/// Frames from 1 on, with the content of these samples.
fn frames(samples: &[&str]) -> Folder {
    let folder = Folder::with::<&str>([]);
    for (index, name) in samples.iter().enumerate() {
        folder.write(&format!("s.{:04}.exr", index + 1), &sample(name));
    }
    folder
}

#[test]
fn frames_of_one_kind_and_size_are_all_right() {
    let folder = frames(&["still.exr"; 4]);
    let pictures = folder.sequence("s.####.exr").check(Choice::default()).unwrap().look().unwrap();
    assert!(matches!(pictures.kind, Kind::OtherImage(OtherImage { format: StillFormat::OpenExr, .. })));
    assert_eq!((pictures.size, pictures.checked.count()), (Some((16, 16)), 4));
}

#[test]
fn frames_of_another_kind_or_size_are_told_with_both_files() {
    let mut wide = sample("still.png");
    wide[16..20].copy_from_slice(&200u32.to_be_bytes());
    let folder = frames(&["still.png"; 3]);
    folder.write("s.0002.exr", &wide);
    let look = |folder: &Folder| folder.sequence("s.####.exr").check(Choice::default()).unwrap().look().unwrap_err();
    assert_error(look(&folder), Code::SequenceMixed, &["s.0001.exr", "s.0002.exr", "120x68", "200x68"]);
    let folder = frames(&["still.exr", "still.exr", "still.dpx"]);
    assert_error(
        look(&folder),
        Code::SequenceMixed,
        &["s.0001.exr", "s.0003.exr", "an OpenEXR image of 16x16", "a DPX image"],
    );
    let folder = frames(&["h264.mp4", "h264.mp4"]);
    assert_error(look(&folder), Code::NotMedia, &["s.0001.exr", "a movie", "not a frame"]);
    let folder = frames(&["moving.gif", "moving.gif"]);
    assert_error(look(&folder), Code::NotMedia, &["s.0001.exr", "not a frame"]);
}

#[test]
fn damaged_frames_are_holes() {
    let folder = frames(&["still.exr"; 5]);
    let cut = &sample("still.exr")[..1000];
    folder.write("s.0001.exr", cut);
    folder.write("s.0003.exr", cut);
    let sequence = folder.sequence("s.####.exr");
    let error = sequence.check(Choice::default()).unwrap().look().unwrap_err();
    assert_error(error, Code::SequenceHoles, &["2 damaged frames: 1, 3", "s.0001.exr", "cut off"]);

    let hold = Choice { holes: Holes::Hold, single: false };
    let pictures = sequence.check(hold).unwrap().look().unwrap();
    assert_eq!(pictures.damaged.to_string(), "1, 3");
    let shown: Vec<_> = pictures.checked.shown().map(|(_, path)| path).collect();
    let expected = [2, 2, 2, 4, 5].map(|frame| folder.path(&format!("s.{frame:04}.exr")));
    assert_eq!(shown, expected);

    for frame in 1..=5 {
        folder.write(&format!("s.{frame:04}.exr"), cut);
    }
    assert_error(sequence.check(hold).unwrap().look().unwrap_err(), Code::ImageDamaged, &["s.0001.exr"]);
}

#[test]
fn a_frame_that_is_no_picture_is_told() {
    let folder = frames(&["still.exr"; 2]);
    folder.write("s.0002.exr", b"to be rendered by node 17");
    let error = folder.sequence("s.####.exr").check(Choice::default()).unwrap().look().unwrap_err();
    assert_error(error, Code::NotMedia, &["s.0002.exr", "recognised"]);
}
