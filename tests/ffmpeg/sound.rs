//! Sound: there when it was there, as long as the picture, and in time with it.

use ftreview::media::ffmpeg::{Input, Settings};

use crate::support::{Studio, probed, rate, raw, real};

/// Where the first sound begins, in samples of mono at 48 kHz.
fn first_sound(path: &std::path::Path) -> usize {
    let samples = raw(path, &["-vn", "-ac", "1", "-ar", "48000", "-c:a", "pcm_s16le", "-f", "s16le"]);
    let loud = |pair: &[u8]| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 3000;
    samples.chunks_exact(2).position(loud).expect("no sound at all")
}

#[test]
fn the_sound_of_a_movie_is_taken_along_and_keeps_its_time() {
    real!();
    for (name, codec, channels) in [
        ("a.mov", "-c:v prores_ks -c:a pcm_s16le", 2),
        ("a.mov", "-c:v mjpeg -c:a pcm_s24le -ac 1", 1),
        ("a.mkv", "-c:v ffv1 -c:a flac -ar 96000", 2),
        ("a.mkv", "-c:v ffv1 -c:a ac3 -ac 6", 2),
        ("a.mp4", "-c:v libx264 -c:a aac -ar 22050", 2),
        ("a.ts", "-c:v libx264 -bf 2 -c:a aac", 2),
    ] {
        let studio = Studio::new();
        // A tone that begins after one second.
        studio.ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=64x64:rate=24:duration=2 -f lavfi -i sine=frequency=440:duration=1 -filter_complex [1]volume=4,adelay=1000:all=1,aformat=channel_layouts=stereo[s] -map 0:v -map [s] {codec} {name}"
        ));
        let (_, movie) = studio.movie(Input::Movie(studio.path(name)), Settings::default());
        assert!(movie.has_audio, "{name} {codec}");
        let out = studio.path("out.mp4");
        let answer = probed(&out, "a");
        let sound = &answer["streams"][0];
        assert_eq!(
            (sound["codec_name"].as_str(), sound["channels"].as_u64()),
            (Some("aac"), Some(channels)),
            "{name} {codec}"
        );
        let seconds: f64 = sound["duration"].as_str().unwrap().parse().unwrap();
        assert!((seconds - 2.0).abs() < 0.06, "{name} {codec}: {seconds}");
        let begin = first_sound(&out);
        // A transport stream does not say that its AAC begins with 1024 samples of nothing.
        let milliseconds = if name.ends_with("ts") { 30 } else { 12 };
        assert!(begin.abs_diff(48_000) < 48 * milliseconds, "{name} {codec}: it begins after {begin} samples");
    }
}

#[test]
fn sound_is_left_out_when_it_is_not_wanted() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=24:duration=1 -f lavfi -i sine=duration=1 -c:v mjpeg -c:a pcm_s16le a.mov");
    let (done, _) = studio.movie(Input::Movie(studio.path("a.mov")), Settings { audio: false, ..Settings::default() });
    assert!(!done.has_audio);
}

#[test]
fn several_sound_tracks_are_told() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg(
        "-f lavfi -i testsrc2=size=64x64:rate=24:duration=1 -f lavfi -i sine=duration=1 -map 0 -map 1 -map 1 -c:v mjpeg -c:a pcm_s16le a.mov",
    );
    let (done, _) = studio.movie(Input::Movie(studio.path("a.mov")), Settings::default());
    assert!(
        done.has_audio && done.warnings.iter().any(|warning| warning.contains("2 sound tracks")),
        "{:?}",
        done.warnings
    );
}

#[test]
fn sound_beside_frames_ends_with_them_and_may_be_shorter() {
    real!();
    let studio = Studio::new();
    let files = studio.pictures("a%d.png", "64x64", 48, "");
    for (seconds, expected) in [(10, 2.0), (1, 1.0)] {
        studio.ffmpeg(&format!("-f lavfi -i sine=duration={seconds} s.wav"));
        let input = Input::Frames { files: files.clone(), rate: rate(24, 1), audio: Some(studio.path("s.wav")) };
        let (done, movie) = studio.movie(input, Settings::default());
        assert!(done.has_audio && movie.frames == 48);
        let found: f64 =
            probed(&studio.path("out.mp4"), "a")["streams"][0]["duration"].as_str().unwrap().parse().unwrap();
        assert!((found - expected).abs() < 0.05, "{found}, not {expected}");
        assert!(first_sound(&studio.path("out.mp4")) < 1000);
    }
}

#[test]
fn a_still_with_sound_is_as_long_as_it_was_asked_for() {
    real!();
    let studio = Studio::new();
    let path = studio.pictures("a%d.png", "64x64", 1, "").remove(0);
    studio.ffmpeg("-f lavfi -i sine=duration=5 s.wav");
    let still = Input::Still { path, frames: 50, rate: rate(25, 1), audio: Some(studio.path("s.wav")) };
    let (done, movie) = studio.movie(still, Settings::default());
    assert!(done.has_audio && movie.frames == 50);
}
