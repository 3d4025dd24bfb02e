//! What a notation finds in a folder.

use std::fs;

use ftreview::media::sequence::{Frames, Pattern, Sequence, find, of_files, siblings};
use ftreview::session::Code;

use super::{Folder, assert_error};

/// Names of frames with this padding.
fn frames(head: &'static str, range: std::ops::RangeInclusive<i64>, padding: usize) -> impl Iterator<Item = String> {
    range.map(move |frame| format!("{head}.{frame:0padding$}.exr"))
}

#[test]
fn every_notation_finds_the_same_frames() {
    let folder = Folder::with(frames("shot", 1001..=1005, 4).chain(["shot.mov".into(), "shot.exr".into()]));
    for name in [
        "shot.%04d.exr",
        "shot.%d.exr",
        "shot.####.exr",
        "shot.#.exr",
        "shot.@@@@.exr",
        "shot.@.exr",
        "shot.$F4.exr",
        "shot.$F.exr",
        "shot.1001-1005#.exr",
        "shot.1001-1005####.exr",
        "shot.[1001-1005].exr",
        "shot.%04d.exr 1001-1005",
        "shot.%04d.exr [1001-1005]",
        "shot.[####].exr",
    ] {
        let sequence = folder.sequence(name);
        assert_eq!(sequence.frames.to_string(), "1001-1005", "{name}");
        assert!(sequence.missing.is_empty(), "{name}");
        assert_eq!(sequence.path_of(1003), folder.path("shot.1003.exr"), "{name}");
    }
}

#[test]
fn a_range_that_was_typed_takes_its_frames_and_says_which_are_missing() {
    let folder = Folder::with(frames("shot", 1..=10, 4));
    assert_eq!(folder.shown("shot.3-5#.exr"), "shot.%04d.exr [3-5]");
    assert_eq!(folder.shown("shot.8-12#.exr"), "shot.%04d.exr [8-10] without 11-12");
    assert_eq!(folder.shown("shot.1-9x2####.exr"), "shot.%04d.exr [1, 3, 5, 7, 9]");
    assert_eq!(folder.shown("shot.%04d.exr [2, 9-11]"), "shot.%04d.exr [2, 9-10] without 11");
    assert_eq!(folder.shown("shot.20-30#.exr"), "shot.%04d.exr [] without 20-30");
}

#[test]
fn holes_are_reported_where_no_range_was_typed() {
    let folder =
        Folder::with(frames("shot", 1..=4, 4).chain(frames("shot", 7..=8, 4)).chain(frames("shot", 20..=20, 4)));
    assert_eq!(folder.shown("shot.####.exr"), "shot.%04d.exr [1-4, 7-8, 20] without 5-6, 9-19");
}

#[test]
fn padding_tells_sequences_apart() {
    let names = ["s.9.exr", "s.10.exr", "s.11.exr", "s.0009.exr", "s.0010.exr", "s.1000.exr", "s.00009.exr"];
    let folder = Folder::with(names);
    assert_eq!(folder.shown("s.%d.exr"), "s.%d.exr [9-11, 1000] without 12-999");
    assert_eq!(folder.shown("s.%04d.exr"), "s.%04d.exr [9-10, 1000] without 11-999");
    assert_eq!(folder.shown("s.%05d.exr"), "s.%05d.exr [9]");
    let strays = folder.sequence("s.%05d.exr").strays.unwrap();
    assert_eq!(strays.count, 6);
    assert!(names.contains(&strays.example.as_str()), "{strays:?}");
}

#[test]
fn numbers_that_outgrow_their_padding_go_on() {
    let folder = Folder::with(frames("shot", 9998..=10_001, 4));
    assert_eq!(folder.shown("shot.####.exr"), "shot.%04d.exr [9998-10001]");
    assert_eq!(folder.siblings("shot.10000.exr"), "shot.%d.exr [9998-10001]");
    let folder = Folder::with(frames("shot", 0..=0, 4).chain(frames("shot", 9999..=10_000, 4)));
    assert_eq!(folder.siblings("shot.10000.exr"), "shot.%04d.exr [0, 9999-10000] without 1-9998");
}

#[test]
fn a_lone_hash_is_four_digits_or_what_there_is() {
    let folder = Folder::with(["a.1.exr", "a.2.exr", "a.10.exr", "b.001.exr", "b.002.exr", "c.0001.exr", "c.1.exr"]);
    assert_eq!(folder.shown("a.#.exr"), "a.%d.exr [1-2, 10] without 3-9");
    assert_eq!(folder.shown("b.#.exr"), "b.%03d.exr [1-2]");
    assert_eq!(folder.shown("c.#.exr"), "c.%04d.exr [1]");
    assert_eq!(folder.shown("d.#.exr"), "d.%04d.exr []");
}

#[test]
fn negative_frames_are_counted_with_their_sign() {
    let folder = Folder::with(frames("shot", -12..=3, 4));
    assert_eq!(folder.shown("shot.####.exr"), "shot.%04d.exr [-12-3]");
    assert_eq!(folder.shown("shot.-3-1#.exr"), "shot.%04d.exr [-3-1]");
    assert_eq!(folder.siblings("shot.-012.exr"), "shot.%04d.exr [-12-3]");
    assert_eq!(folder.sequence("shot.####.exr").path_of(-7), folder.path("shot.-007.exr"));
    let folder = Folder::with(frames("shot", -2..=2, 0));
    assert_eq!(folder.siblings("shot.-1.exr"), "shot.%d.exr [-2-2]");
    let folder = Folder::with(["shot-1.exr", "shot-2.exr"]);
    assert_eq!(folder.siblings("shot-1.exr"), "shot-%d.exr [1-2]");
}

#[test]
fn one_frame_finds_the_others() {
    let folder = Folder::with(frames("shot_v001", 1001..=1005, 4).chain(frames("shot_v002", 1001..=1002, 4)).chain([
        "shot_v001.1003.png".into(),
        "shot_v001.left.1001.exr".into(),
        "shot_v001.1001.exr.tmp".into(),
    ]));
    assert_eq!(folder.siblings("shot_v001.1003.exr"), "shot_v001.%04d.exr [1001-1005]");
    assert_eq!(folder.siblings("shot_v002.1001.exr"), "shot_v002.%04d.exr [1001-1002]");
    assert_eq!(folder.siblings("shot_v001.1003.png"), "shot_v001.%04d.png [1003]");
    assert_eq!(folder.siblings("shot_v001.9999.exr"), "shot_v001.%04d.exr [1001-1005]");
}

#[test]
fn padding_of_one_frame_is_that_of_its_siblings() {
    let siblings = |names: &[&str], one: &str| Folder::with(names).siblings(one);
    assert_eq!(siblings(&["s.9.exr", "s.10.exr"], "s.10.exr"), "s.%d.exr [9-10]");
    assert_eq!(siblings(&["s.0009.exr", "s.0010.exr"], "s.0010.exr"), "s.%04d.exr [9-10]");
    assert_eq!(siblings(&["s.0999.exr", "s.1000.exr"], "s.1000.exr"), "s.%04d.exr [999-1000]");
    assert_eq!(siblings(&["s.999.exr", "s.1000.exr"], "s.1000.exr"), "s.%d.exr [999-1000]");
    assert_eq!(siblings(&["s.1000.exr", "s.1001.exr"], "s.1000.exr"), "s.%04d.exr [1000-1001]");
    assert_eq!(siblings(&["s.0009.exr", "s.9.exr", "s.10.exr"], "s.10.exr"), "s.%d.exr [9-10]");
    assert_eq!(siblings(&["s.1.exr"], "s.1.exr"), "s.%d.exr [1]");
}

#[test]
fn versions_and_other_numbers_are_no_frames() {
    let folder =
        Folder::with(["comp_v001.exr", "comp_v002.exr", "sh010_comp.exr", "sh020_comp.exr", "a.mp4", "logo.exr"]);
    for name in ["comp_v001.exr", "sh010_comp.exr", "a.mp4", "logo.exr"] {
        assert_eq!(folder.siblings(name), "none", "{name}");
    }
    let folder = Folder::with(["s.1001.x2.exr", "s.1002.x2.exr", "s.0001_left.exr", "s.0002_left.exr"]);
    assert_eq!(folder.siblings("s.1001.x2.exr"), "s.%04d.x2.exr [1001-1002]");
    assert_eq!(folder.siblings("s.0001_left.exr"), "s.%04d_left.exr [1-2]");
}

#[test]
fn a_file_with_a_sign_in_its_name_is_that_file() {
    let folder = Folder::with(["take ####.mov", "100%done.mov", "a.%04d.exr", "a.0001.exr"]);
    assert_eq!(folder.find("take ####.mov").unwrap(), None);
    assert_eq!(folder.find("100%done.mov").unwrap(), None);
    assert_eq!(folder.find("a.%04d.exr").unwrap(), None);
    assert_eq!(folder.shown("a.####.exr"), "a.%04d.exr [1]");
}

#[test]
fn folders_and_other_files_are_no_frames() {
    let folder = Folder::with([
        "s.0001.exr",
        "s.0002.exr.tmp",
        ".s.0003.exr",
        "s.0004x.exr",
        "s.+005.exr",
        "s.-000.exr",
        "S.0008.exr",
    ]);
    fs::create_dir(folder.path("s.0006.exr")).unwrap();
    let shown = folder.shown("s.####.exr");
    let windows = "s.%04d.exr [1, 8] without 2-7";
    assert_eq!(shown, if cfg!(windows) { windows } else { "s.%04d.exr [1]" });
}

#[test]
fn signs_in_the_folder_stand_for_themselves() {
    let folder = Folder::with::<&str>([]);
    fs::create_dir_all(folder.path("%04d/##")).unwrap();
    folder.write("%04d/##/a.0001.exr", b"x");
    assert_eq!(folder.shown("%04d/##/a.####.exr"), "%04d/##/a.%04d.exr [1]");
}

#[cfg(unix)]
#[test]
fn names_that_are_not_unicode_are_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::with(["s.0001.exr"]);
    fs::write(folder.0.path().join(std::ffi::OsStr::from_bytes(b"s.\xff.exr")), b"x").unwrap();
    assert_eq!(folder.shown("s.####.exr"), "s.%04d.exr [1]");
}

#[cfg(unix)]
#[test]
fn links_to_frames_are_frames() {
    let folder = Folder::with(["real.exr"]);
    for frame in 1..4 {
        std::os::unix::fs::symlink("real.exr", folder.path(&format!("s.{frame:04}.exr"))).unwrap();
    }
    assert_eq!(folder.shown("s.####.exr"), "s.%04d.exr [1-3]");
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let folder = Folder::with(["s.0001.exr"]);
    let message = ["does not exist", "nowhere"];
    assert_error(folder.find("nowhere/s.####.exr").unwrap_err(), Code::FileNotFound, &message);
    assert_error(siblings(&folder.path("nowhere/s.0001.exr")).unwrap_err(), Code::FileNotFound, &message);
    assert_error(folder.find("s.0001.exr/s.####.exr").unwrap_err(), Code::FileNotFound, &["s.0001.exr"]);
    assert_error(find("nowhere.####.<UDIM>.exr").unwrap_err(), Code::InvalidArgument, &["tiles"]);
}

#[test]
fn ffmpeg_gets_a_pattern_where_it_finds_just_these_frames() {
    let folder = Folder::with(
        frames("full", 998..=1003, 4)
            .chain(frames("hole", 1..=2, 4))
            .chain(frames("hole", 4..=4, 4))
            .chain(frames("below", -1..=1, 4))
            .chain(frames("plain", 9..=11, 0))
            .chain(frames("50%d", 1..=2, 4))
            .chain(["huge.0000000001.exr".into(), "huge.5000000000.exr".into()]),
    );
    let pattern = |name: &str| {
        folder.sequence(name).ffmpeg_pattern().map(|(path, start)| {
            (path.strip_prefix(&format!("{}/", folder.0.path().display())).unwrap().to_owned(), start)
        })
    };
    assert_eq!(pattern("full.####.exr"), Some(("full.%04d.exr".into(), 998)));
    assert_eq!(pattern("full.999-1001####.exr"), Some(("full.%04d.exr".into(), 999)));
    assert_eq!(pattern("plain.%d.exr"), Some(("plain.%d.exr".into(), 9)));
    let percent = siblings(&folder.path("50%d.0001.exr")).unwrap().unwrap().ffmpeg_pattern().unwrap();
    assert!(percent.0.ends_with("/50%%d.%04d.exr") && percent.1 == 1, "{percent:?}");
    for none in ["hole.####.exr", "below.####.exr", "huge.%010d.exr"] {
        assert_eq!(pattern(none), None, "{none}");
    }
}

#[test]
fn any_text_is_read_without_a_panic_and_what_is_found_writes_itself_as_it_was() {
    let pieces = [
        "#",
        "##",
        "@",
        "%d",
        "%04d",
        "%",
        "$F",
        "$F4",
        "${F",
        "}",
        "[",
        "]",
        "-",
        ",",
        "x",
        "1",
        "0",
        "10",
        "007",
        " ",
        ".",
        "_",
        "/",
        "v",
        "ä",
        "日",
        "exr",
        "<UDIM>",
        "99999999999999999999",
        "\0",
        "\u{1F3AC}",
        "",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    let mut read = 0;
    for _ in 0..100_000 {
        let text: String = (0..next(9)).map(|_| pieces[next(pieces.len())]).collect();
        let list = of_files(&[text.clone().into(), format!("{text}1").into()]).map(|sequence| sequence.name_of(1));
        assert!(list.is_err() || list.is_ok_and(|name| name.contains('1')), "{text}");
        let Ok(Some(pattern)) = Pattern::parse(&text) else { continue };
        read += 1;
        let Some(frame) = pattern.frames.as_ref().and_then(Frames::first) else { continue };
        let sequence = Sequence {
            folder: pattern.folder,
            head: pattern.head,
            tail: pattern.tail,
            padding: pattern.padding,
            frames: pattern.frames.unwrap_or_default(),
            missing: Frames::default(),
            named: true,
            strays: None,
        };
        assert_eq!(sequence.frame_of(&sequence.name_of(frame)), Some(frame), "{text}");
        let again = Pattern::parse(&sequence.to_string());
        // Signs in the head are taken for signs when it is read again.
        if let Ok(Some(again)) = again {
            assert_eq!(again.frames, Some(sequence.frames), "{text}");
        }
    }
    assert!(read > 10_000, "only {read} were notations");
}
