//! What plays, with exact numbers, and what is a warning.

use std::fs;
use std::path::Path;
use std::process::Command;

use ftreview::media::{Chroma, Container, Kind, Media, Warning, ftr_meta, probe, verdict};
use serde_json::json;

use super::{bytes, media, movie, position, probe_content, sample};

#[test]
fn a_right_movie_plays_and_has_no_warnings() {
    let media = media("h264.mp4");
    verdict(&media).unwrap();
    assert_eq!(media.warnings, []);
    assert_eq!(media.file_type, ".mp4");
    assert_eq!(media.source.size_bytes(), fs::metadata(sample("h264.mp4")).unwrap().len());
    let movie = movie("h264.mp4");
    assert_eq!((movie.width, movie.height, movie.frames), (160, 90, 24));
    assert_eq!((movie.codec.to_string(), movie.profile.unwrap().to_string()), ("H.264 (avc1)".into(), "High".into()));
    assert_eq!(movie.pixel_format.unwrap().to_string(), "yuv420p");
    assert_eq!(movie.duration.to_string(), "1");
    assert!(movie.faststart && !movie.has_audio && !movie.interlaced && !movie.variable_frame_rate);
}

#[test]
fn frame_rates_are_exact() {
    for (name, rate, frames) in
        [("23976.mp4", "24000/1001", 48), ("2997.mp4", "30000/1001", 30), ("25.mp4", "25", 25), ("h264.mp4", "24", 24)]
    {
        let movie = movie(name);
        assert_eq!((movie.frame_rate.to_string().as_str(), movie.frames), (rate, frames), "{name}");
        assert!(!movie.variable_frame_rate, "{name}");
    }
}

#[test]
fn a_rate_that_a_coarse_clock_rounded_is_the_rate_that_was_meant() {
    let movie = movie("23976-milliseconds.mp4");
    assert_eq!(movie.frame_rate.to_string(), "24000/1001");
    assert!(!movie.variable_frame_rate);
}

#[test]
fn a_variable_frame_rate_is_a_warning() {
    let media = media("variable-rate.mp4");
    verdict(&media).unwrap();
    assert_eq!(media.warnings, [Warning::VariableFrameRate]);
    assert_eq!(movie("variable-rate.mp4").frames, 40);
}

#[test]
fn an_index_at_the_end_is_a_warning_that_names_faststart() {
    let media = media("index-at-end.mp4");
    verdict(&media).unwrap();
    assert_eq!(media.warnings, [Warning::NotFaststart]);
    assert!(media.warnings[0].to_string().contains("-movflags +faststart"));
}

#[test]
fn sound_is_noticed_and_neither_it_nor_its_absence_is_a_warning() {
    assert!(movie("sound.mp4").has_audio && !movie("h264.mp4").has_audio);
    assert_eq!(media("sound.mp4").warnings, []);
}

#[test]
fn sound_that_browsers_do_not_play_is_a_warning() {
    assert_eq!(media("ac3.mp4").warnings, [Warning::SilentSound("ac-3".into())]);
}

#[test]
fn h264_in_a_quicktime_file_plays_with_a_warning() {
    let media = media("h264.mov");
    verdict(&media).unwrap();
    assert_eq!((movie("h264.mov").container, media.file_type.as_str()), (Container::QuickTime, ".mov"));
    assert_eq!(media.warnings, [Warning::QuickTime]);
}

#[test]
fn interlaced_turned_anamorphic_and_large_movies_are_warnings() {
    for (name, warning) in [
        ("interlaced.mp4", Warning::Interlaced),
        ("rotated.mp4", Warning::Rotated(270)),
        ("anamorphic.mp4", Warning::PixelAspect { width: 2, height: 1 }),
        ("large.mp4", Warning::Large { width: 4128, height: 32 }),
    ] {
        let media = media(name);
        verdict(&media).unwrap();
        assert_eq!(media.warnings, [warning], "{name}");
    }
}

#[test]
fn colour_key_frames_sound_and_timecode_are_told() {
    let movie = movie("tagged.mp4");
    assert_eq!(movie.colour.unwrap().to_string(), "tv, bt709/bt709/iec61966-2-1");
    assert_eq!(movie.key_interval, Some(5));
    assert_eq!(movie.timecode.unwrap().to_string(), "00:00:41:17");
    let audio = movie.audio.unwrap();
    assert_eq!((audio.codec.as_str(), audio.sample_rate, audio.channels), ("mp4a", Some(48_000), Some(2)));
    assert!((audio.duration.unwrap().as_f64() - 1.0).abs() < 0.05);
}

#[test]
fn what_a_movie_does_not_tell_is_not_made_up() {
    let movie = movie("h264.mp4");
    assert_eq!((movie.colour, movie.timecode, movie.audio), (None, None, None));
    assert_eq!(super::movie("mjpeg.mov").key_interval, Some(1));
    assert_eq!(super::movie("prores.mov").timecode.unwrap().to_string(), "00:00:41:17");
}

#[test]
fn a_trimmed_movie_is_a_warning() {
    let mut trimmed = bytes("h264.mp4");
    let edit = position(&trimmed, b"elst");
    // Version and flags, one edit, its length in the movie's clock: half a second of milliseconds.
    trimmed[edit + 12..edit + 16].copy_from_slice(&500u32.to_be_bytes());
    assert_eq!(probe_content("a.mp4", &trimmed).unwrap().warnings, [Warning::EditList]);
}

#[test]
fn the_content_decides_and_a_wrong_extension_is_a_warning() {
    let media = probe_content("shot.mov", &bytes("h264.mp4")).unwrap();
    assert_eq!(media.file_type, ".mp4");
    assert_eq!(media.warnings, [Warning::Extension(".mp4".into())]);
    assert_eq!(probe_content("SHOT.M4V", &bytes("h264.mp4")).unwrap().file_type, ".m4v");
    assert_eq!(probe_content("still.png", &bytes("still.jpg")).unwrap().file_type, ".jpg");
}

#[test]
fn rubbish_after_a_whole_movie_does_not_matter() {
    for rubbish in [&b"abc"[..], &[0; 64], b"no box at all, of any kind"] {
        let padded = [bytes("h264.mp4"), rubbish.to_vec()].concat();
        verdict(&probe_content("a.mp4", &padded).unwrap()).unwrap();
    }
}

#[test]
fn media_data_without_a_length_or_with_a_long_one_are_read() {
    let mut open_ended = bytes("h264.mp4");
    let media_data = position(&open_ended, b"mdat");
    open_ended[media_data - 4..media_data].copy_from_slice(&0u32.to_be_bytes());
    probe_content("a.mp4", &open_ended).unwrap();

    let mut long = bytes("h264.mp4");
    let length = (long.len() - media_data + 4 + 8) as u64;
    let header = [&1u32.to_be_bytes()[..], b"mdat", &length.to_be_bytes()].concat();
    long.splice(media_data - 4..media_data + 4, header);
    probe_content("a.mp4", &long).unwrap();
}

#[test]
fn the_numbers_are_those_of_ffprobe() {
    if Command::new("ffprobe").arg("-version").output().is_err() {
        println!("ffprobe is not installed: the comparison with it is left out");
        return;
    }
    let mut compared = 0;
    for entry in fs::read_dir(sample("")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(Media { kind: Kind::Movie(movie), .. }) = probe(&path) else { continue };
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "v:0", "-of", "json", "-show_entries"])
            .arg("stream=width,height,nb_frames,avg_frame_rate,pix_fmt")
            .arg(&path)
            .output()
            .unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let stream = &answer["streams"][0];
        let rate = format!("{}/{}", movie.frame_rate.numerator(), movie.frame_rate.denominator());
        assert_eq!(stream["avg_frame_rate"], rate, "{path:?}");
        assert_eq!(stream["nb_frames"], movie.frames.to_string(), "{path:?}");
        assert_eq!((&stream["width"], &stream["height"]), (&json!(movie.width), &json!(movie.height)), "{path:?}");
        if let Some(format) = movie.pixel_format.filter(|format| format.chroma != Chroma::Monochrome) {
            let name = stream["pix_fmt"].as_str().unwrap().trim_end_matches("le").to_owned();
            assert_eq!(name, format.to_string(), "{path:?}");
        }
        compared += 1;
    }
    assert!(compared >= 20, "only {compared} movies were compared");
}

#[test]
fn the_media_of_the_demo_play_without_a_warning() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/media");
    let review = probe(&examples.join("review.mp4")).unwrap();
    verdict(&review).unwrap();
    assert_eq!(review.warnings, []);
    assert_eq!(
        ftr_meta(&review, true),
        json!({"frameIn": 0, "frameOut": 95, "frameRate": 24.0, "width": 1280, "height": 720})
    );
    for (name, width, height) in [("thumbnail.jpg", 640, 360), ("still.png", 1280, 720)] {
        let image = probe(&examples.join(name)).unwrap();
        assert_eq!(ftr_meta(&image, true), json!({"format": "image", "width": width, "height": height}), "{name}");
        assert_eq!(image.warnings, []);
    }
}

#[test]
fn ftr_meta_counts_frames_from_zero_and_includes_the_last() {
    assert_eq!(
        ftr_meta(&media("23976.mp4"), true),
        json!({"frameIn": 0, "frameOut": 47, "frameRate": 24_000.0 / 1001.0, "width": 160, "height": 90})
    );
    assert_eq!(ftr_meta(&media("25.mp4"), false), json!({"frameIn": 0, "frameOut": 24, "frameRate": 25.0}));
}

#[test]
fn ftr_meta_has_the_size_that_is_shown() {
    let meta = ftr_meta(&media("rotated.mp4"), true);
    assert_eq!((&meta["width"], &meta["height"]), (&json!(90), &json!(160)));
}

#[test]
fn ftr_meta_of_an_image_says_so() {
    assert_eq!(ftr_meta(&media("still.png"), true), json!({"format": "image", "width": 120, "height": 68}));
    assert_eq!(ftr_meta(&media("still.jpg"), false), json!({"format": "image"}));
}
