//! Movies that are cut off or make no sense.

use std::fs::{self, File};

use ftreview::media::probe;
use ftreview::session::Code;
use tempfile::TempDir;

use super::{assert_error, bytes, position, probe_content};

#[test]
fn a_movie_that_is_cut_off_anywhere_is_reported_as_damaged() {
    for name in ["h264.mp4", "index-at-end.mp4", "sound.mp4", "h264.mov"] {
        let whole = bytes(name);
        // Shorter than eight bytes it is not recognised at all.
        for length in (8..whole.len()).step_by(61).chain([whole.len() - 1]) {
            let error = probe_content("a.mp4", &whole[..length]).expect_err(&format!("{name} cut to {length} bytes"));
            assert_eq!(error.code, Code::MovieDamaged, "{name} cut to {length} bytes: {error}");
        }
    }
}

#[test]
fn a_cut_off_movie_says_how_much_is_there() {
    let whole = bytes("h264.mp4");
    let error = probe_content("a.mp4", &whole[..whole.len() - 100]).unwrap_err();
    assert_error(error, Code::MovieDamaged, "a.mp4", &["cut off", "media data", "Copy or export it again"]);
}

#[test]
fn media_data_without_a_length_that_are_cut_off_are_noticed() {
    let mut open_ended = bytes("h264.mp4");
    let media_data = position(&open_ended, b"mdat");
    open_ended[media_data - 4..media_data].copy_from_slice(&0u32.to_be_bytes());
    open_ended.truncate(open_ended.len() - 1);
    let error = probe_content("a.mp4", &open_ended).unwrap_err();
    assert_error(error, Code::MovieDamaged, "a.mp4", &["cut off"]);
}

#[test]
fn a_movie_whose_writer_was_killed_has_no_index() {
    let whole = bytes("index-at-end.mp4");
    let error = probe_content("a.mp4", &whole[..position(&whole, b"moov") - 4]).unwrap_err();
    assert_error(error, Code::MovieDamaged, "a.mp4", &["no index (moov)", "stopped before it finished"]);
}

#[test]
fn a_table_that_claims_more_than_it_holds_is_damage() {
    let mut wrong = bytes("h264.mp4");
    let table = position(&wrong, b"stts");
    wrong[table + 8..table + 12].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_error(probe_content("a.mp4", &wrong).unwrap_err(), Code::MovieDamaged, "a.mp4", &["stts"]);
}

#[test]
fn a_movie_with_endless_boxes_is_given_up() {
    let boxes = [&8u32.to_be_bytes()[..], b"free"].concat().repeat(100_000);
    let content = [&bytes("h264.mp4")[..32], &boxes].concat();
    assert_eq!(probe_content("a.mp4", &content).unwrap_err().code, Code::MovieDamaged);
}

#[test]
fn an_index_beyond_all_size_is_not_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.mp4");
    fs::write(&path, [&bytes("h264.mp4")[..32], &(3u32 << 30).to_be_bytes(), b"moov"].concat()).unwrap();
    // A file with a hole: it takes no room on disk.
    File::options().write(true).open(&path).unwrap().set_len((3 << 30) + 32).unwrap();
    assert_error(probe(&path).unwrap_err(), Code::MovieDamaged, "a.mp4", &["3221225464 bytes"]);
}
