//! What is done about holes, single frames, empty frames and frames that are still being written.

use std::fs::{self, File};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ftreview::media::sequence::{Choice, Holes, of_files};
use ftreview::session::Code;

use super::{Folder, assert_error};

const HOLD: Choice = Choice { holes: Holes::Hold, single: false };
const LEAVE_OUT: Choice = Choice { holes: Holes::LeaveOut, single: false };

fn folder(frames: &[i64]) -> Folder {
    Folder::with(frames.iter().map(|frame| format!("s.{frame:04}.exr")))
}

#[test]
fn a_whole_sequence_is_all_right() {
    let checked = folder(&[1, 2, 3]).sequence("s.####.exr").check(Choice::default()).unwrap();
    assert_eq!((checked.count(), checked.size_bytes), (3, 3));
    let shown: Vec<i64> = checked.shown().map(|(frame, _)| frame).collect();
    assert_eq!(shown, [1, 2, 3]);
}

#[test]
fn holes_are_refused_by_name_unless_told_otherwise() {
    let folder = folder(&[1, 2, 5, 9]);
    let sequence = folder.sequence("s.####.exr");
    let error = sequence.check(Choice::default()).unwrap_err();
    assert_error(error, Code::SequenceHoles, &["s.%04d.exr", "5 frames: 3-4, 6-8", "held", "left out"]);

    let files = |choice| -> Vec<(i64, String)> {
        let name = |path: std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        sequence.check(choice).unwrap().shown().map(|(frame, path)| (frame, name(path))).collect()
    };
    let expected = |list: &[(i64, i64)]| -> Vec<(i64, String)> {
        list.iter().map(|(frame, file)| (*frame, format!("s.{file:04}.exr"))).collect()
    };
    assert_eq!(files(LEAVE_OUT), expected(&[(1, 1), (2, 2), (5, 5), (9, 9)]));
    assert_eq!(files(HOLD), expected(&[(1, 1), (2, 2), (3, 2), (4, 2), (5, 5), (6, 5), (7, 5), (8, 5), (9, 9)]));
    assert_eq!(sequence.check(HOLD).unwrap().count(), 9);
    assert_eq!(sequence.check(LEAVE_OUT).unwrap().count(), 4);
}

#[test]
fn a_hole_at_the_beginning_shows_the_first_frame_there_is() {
    let folder = folder(&[3, 4]);
    let checked = folder.sequence("s.1-5#.exr").check(HOLD).unwrap();
    let shown: Vec<(i64, bool)> =
        checked.shown().map(|(frame, path)| (frame, path == folder.path("s.0003.exr"))).collect();
    assert_eq!(shown, [(1, true), (2, true), (3, true), (4, false), (5, false)]);
}

#[test]
fn many_holes_are_counted_rather_than_listed() {
    let folder = folder(&(0..60).map(|index| index * 3).collect::<Vec<_>>());
    let error = folder.sequence("s.####.exr").check(Choice::default()).unwrap_err();
    assert_error(error, Code::SequenceHoles, &["118 frames: 1-2, 4-5,", "more"]);
}

#[test]
fn one_frame_is_refused_where_a_sequence_was_meant() {
    let folder = folder(&[1001]);
    let sequence = folder.sequence("s.####.exr");
    let error = sequence.check(Choice::default()).unwrap_err();
    assert_error(error, Code::SequenceSingle, &["s.1001.exr", "only frame", "as an image"]);
    assert_eq!(sequence.check(Choice { single: true, ..Choice::default() }).unwrap().count(), 1);
    // Who types one frame means one.
    assert_eq!(folder.sequence("s.1001-1001#.exr").check(Choice::default()).unwrap().count(), 1);
    assert_eq!(of_files(&[folder.path("s.1001.exr")]).unwrap().check(Choice::default()).unwrap().count(), 1);
}

#[test]
fn one_frame_among_others_with_another_padding_says_so() {
    let folder = Folder::with(["s.0009.exr", "s.10.exr", "s.11.exr"]);
    let error = folder.sequence("s.####.exr").check(Choice::default()).unwrap_err();
    assert_error(error, Code::SequenceSingle, &["s.0009.exr", "2 more are padded differently", "s.1"]);
}

#[test]
fn no_frame_at_all_is_told_with_what_may_have_been_meant() {
    let folder = Folder::with(["s.0009.exr"]);
    let empty = |name: &str| folder.sequence(name).check(HOLD).unwrap_err();
    assert_error(empty("t.####.exr"), Code::SequenceEmpty, &["t.%04d.exr", "no frame", "check the path"]);
    assert_error(empty("s.%06d.exr"), Code::SequenceEmpty, &["s.%06d.exr", "s.0009.exr", "padded differently"]);
    assert_error(empty("s.20-30#.exr"), Code::SequenceEmpty, &["none of the frames 20-30"]);
}

#[test]
fn frames_without_a_byte_are_holes() {
    let folder = folder(&[1, 2, 3, 4]);
    folder.write("s.0002.exr", b"");
    folder.write("s.0004.exr", b"");
    let sequence = folder.sequence("s.####.exr");
    let error = sequence.check(Choice::default()).unwrap_err();
    assert_error(error, Code::SequenceHoles, &["2 frames: 2, 4", "without a byte"]);
    let held = sequence.check(HOLD).unwrap();
    assert_eq!((held.count(), held.empty.to_string()), (4, "2, 4".to_owned()));
    assert_eq!(sequence.check(LEAVE_OUT).unwrap().sequence.frames.to_string(), "1, 3");

    fs::remove_file(folder.path("s.0003.exr")).unwrap();
    let error = folder.sequence("s.####.exr").check(Choice::default()).unwrap_err();
    assert_error(error, Code::SequenceHoles, &["lacks frame 3", "2 frames: 2, 4 have no byte"]);
    folder.write("s.0001.exr", b"");
    assert_error(folder.sequence("s.1-2#.exr").check(HOLD).unwrap_err(), Code::SequenceEmpty, &["are empty"]);
}

#[test]
fn a_frame_that_vanished_after_it_was_found_is_a_hole() {
    let folder = folder(&[1, 2, 3]);
    let sequence = folder.sequence("s.####.exr");
    fs::remove_file(folder.path("s.0002.exr")).unwrap();
    assert_error(sequence.check(Choice::default()).unwrap_err(), Code::SequenceHoles, &["lacks frame 2"]);
}

#[test]
fn frames_that_are_still_being_written_are_noticed_and_may_be_tried_again() {
    let folder = folder(&[1, 2, 3]);
    let sequence = folder.sequence("s.####.exr");
    let path = folder.path("s.0003.exr");
    fs::write(&path, b"begun").unwrap();
    let done = AtomicBool::new(false);
    let error = thread::scope(|scope| {
        scope.spawn(|| {
            let mut length = 5;
            while !done.load(Ordering::Relaxed) {
                length += 1;
                File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        });
        let result = sequence.check(Choice::default());
        done.store(true, Ordering::Relaxed);
        result.unwrap_err()
    });
    assert!(error.retryable());
    assert_error(error, Code::FileChanged, &["s.%04d.exr", "still being written", "frame 3"]);
}

#[test]
fn a_list_of_files_is_checked_like_a_pattern() {
    let folder = folder(&[1, 2, 4]);
    let list = |frames: &[i64]| {
        of_files(&frames.iter().map(|frame| folder.path(&format!("s.{frame:04}.exr"))).collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(list(&[2, 1]).check(Choice::default()).unwrap().count(), 2);
    assert_error(list(&[1, 2, 4]).check(Choice::default()).unwrap_err(), Code::SequenceHoles, &["lacks frame 3"]);
    assert_error(list(&[1, 2, 3]).check(Choice::default()).unwrap_err(), Code::SequenceHoles, &["lacks frame 3"]);
}
