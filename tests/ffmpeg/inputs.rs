//! Every kind of input becomes a movie that plays.

use ftreview::media::ffmpeg::{Input, Quality, Settings};
use ftreview::session::Code;

use crate::support::{Studio, frames, probed, rate, real};

#[test]
fn frames_of_every_usual_kind_and_one_become_a_movie() {
    real!();
    for (extension, more) in [
        ("png", ""),
        ("png", "-pix_fmt rgb48be"),
        ("jpg", "-q:v 2"),
        ("tif", ""),
        ("tif", "-pix_fmt rgb48le"),
        ("tga", ""),
        ("bmp", ""),
        ("webp", "-f image2 -c:v libwebp"),
        ("png", "-pix_fmt gray"),
        ("png", "-pix_fmt gray16be"),
        ("png", "-pix_fmt pal8"),
    ] {
        for count in [1, 5] {
            let studio = Studio::new();
            let files = studio.pictures(&format!("a.%04d.{extension}"), "64x36", count, more);
            let (done, movie) = studio.movie(frames(&files, rate(24, 1)), Settings::default());
            assert_eq!((movie.frames, movie.width, movie.height), (count as u64, 64, 36), "{extension} {more}");
            assert_eq!(movie.profile.unwrap().to_string(), "High");
            assert!(movie.faststart && !movie.has_audio);
            assert_eq!(done.warnings, Vec::<String>::new(), "{extension} {more}");
        }
    }
}

#[test]
fn rates_are_exact() {
    real!();
    for (numerator, denominator) in
        [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (48, 1), (60_000, 1001), (25, 2), (12, 1)]
    {
        let studio = Studio::new();
        let files = studio.pictures("a%d.png", "32x32", 7, "");
        let wanted = rate(numerator, denominator);
        let (_, movie) = studio.movie(frames(&files, wanted), Settings::default());
        assert_eq!((movie.frame_rate, movie.frames), (wanted, 7));
    }
}

#[test]
fn rates_of_movies_are_exact_whatever_the_clock_of_their_container() {
    real!();
    // Exact, of milliseconds, and of 90 kHz.
    for (numerator, denominator, extensions) in [
        (24_000, 1001, &["mov", "mkv", "ts", "avi"][..]),
        (60_000, 1001, &["mkv", "ts"]),
        (30_000, 1001, &["mkv"]),
        (25, 1, &["ts"]),
        (25, 2, &["mov", "mkv"]),
    ] {
        for extension in extensions {
            let studio = Studio::new();
            let wanted = rate(numerator, denominator);
            let name = format!("source.{extension}");
            let source = format!("-f lavfi -i testsrc2=size=64x64:rate={wanted} -frames:v 11");
            studio.ffmpeg(&format!("{source} -c:v mpeg4 -bf 0 {name}"));
            let (_, movie) = studio.movie(Input::Movie(studio.path(&name)), Settings::default());
            assert_eq!((movie.frame_rate, movie.frames), (wanted, 11), "{extension}");
        }
    }
}

#[test]
fn movies_of_every_usual_kind_become_a_movie() {
    real!();
    for (name, codec) in [
        ("a.mov", "-c:v prores_ks -profile:v hq"),
        ("a.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuv444p10le"),
        ("a.mov", "-c:v dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p"),
        ("a.mov", "-c:v mjpeg -q:v 2"),
        ("a.mov", "-c:v png"),
        ("a.mov", "-c:v qtrle"),
        ("a.mov", "-c:v v210"),
        ("a.mov", "-c:v rawvideo -pix_fmt uyvy422"),
        ("a.mkv", "-c:v ffv1"),
        ("a.mkv", "-c:v libx264 -pix_fmt yuv444p10le"),
        ("a.webm", "-c:v libvpx-vp9 -deadline realtime"),
        ("a.avi", "-c:v mpeg4 -q:v 2"),
        ("a.mxf", "-c:v mpeg2video -q:v 2 -pix_fmt yuv422p"),
        ("a.mp4", "-c:v libx265 -x265-params log-level=none -tag:v hvc1"),
        ("a.gif", ""),
    ] {
        let studio = Studio::new();
        studio.ffmpeg(&format!("-f lavfi -i testsrc2=size=256x144:rate=25 -frames:v 10 {codec} {name}"));
        let (_, movie) = studio.movie(Input::Movie(studio.path(name)), Settings::default());
        assert_eq!((movie.frames, movie.width, movie.height), (10, 256, 144), "{name} {codec}");
        assert_eq!(movie.frame_rate, rate(25, 1), "{name} {codec}");
    }
}

#[test]
fn a_still_is_shown_for_its_time() {
    real!();
    for count in [1, 2, 50] {
        let studio = Studio::new();
        let file = studio.pictures("a%d.png", "64x36", 1, "").remove(0);
        let still = Input::Still { path: file, frames: count, rate: rate(24_000, 1001), audio: None };
        let (_, movie) = studio.movie(still, Settings::default());
        assert_eq!((movie.frames, movie.frame_rate), (count.into(), rate(24_000, 1001)));
    }
}

#[test]
fn another_rate_keeps_the_length() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=24 -frames:v 48 a.mov");
    let settings = Settings { rate: Some(rate(30, 1)), ..Settings::default() };
    let (_, movie) = studio.movie(Input::Movie(studio.path("a.mov")), settings.clone());
    assert_eq!((movie.frame_rate, movie.frames), (rate(30, 1), 60));
    let files = studio.pictures("a%d.png", "32x32", 24, "");
    let (_, movie) = studio.movie(frames(&files, rate(24, 1)), settings);
    assert_eq!((movie.frame_rate, movie.frames), (rate(30, 1), 30));
}

#[test]
fn a_variable_rate_becomes_a_constant_one_and_that_is_told() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=30 -frames:v 90 -vf select='mod(n\\,7)' -vsync vfr a.mp4");
    let (done, movie) = studio.movie(Input::Movie(studio.path("a.mp4")), Settings::default());
    assert!(!movie.variable_frame_rate);
    assert!((3.4..3.6).contains(&movie.duration.as_f64()), "{}", movie.duration);
    assert!(done.warnings.iter().any(|warning| warning.contains("not follow at one rate")), "{:?}", done.warnings);
}

#[test]
fn renditions_have_their_heights_and_nothing_is_enlarged() {
    real!();
    let studio = Studio::new();
    let files = studio.pictures("a%d.png", "400x300", 2, "");
    for (height, size) in
        [(Some(150), (200, 150)), (Some(720), (400, 300)), (None, (400, 300)), (Some(101), (134, 100))]
    {
        let (_, movie) = studio.movie(frames(&files, rate(24, 1)), Settings { height, ..Settings::default() });
        assert_eq!((movie.width, movie.height), size, "{height:?}");
    }
}

#[test]
fn key_frames_stand_where_they_are_asked_for() {
    real!();
    let studio = Studio::new();
    let files = studio.pictures("a%d.png", "64x36", 20, "");
    for (key_interval, expected) in [(1, 20), (5, 4), (1000, 1)] {
        studio.movie(frames(&files, rate(24, 1)), Settings { key_interval, ..Settings::default() });
        let key = crate::support::raw(
            &studio.path("out.mp4"),
            &["-vf", "select=eq(pict_type\\,I)", "-vsync", "0", "-pix_fmt", "gray"],
        );
        assert_eq!(key.len(), expected * 64 * 36, "every {key_interval}");
        assert_eq!(probed(&studio.path("out.mp4"), "v")["streams"][0]["has_b_frames"], 0);
    }
}

#[test]
fn a_bit_rate_is_kept() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg("-f lavfi -i testsrc2=size=640x360:rate=24 -t 4 -c:v mjpeg -q:v 2 a.mov");
    let of = |quality| {
        studio.movie(Input::Movie(studio.path("a.mov")), Settings { quality, ..Settings::default() }).0.size_bytes
    };
    let (small, large) = (of(Quality::BitRate(200_000)), of(Quality::BitRate(2_000_000)));
    assert!(small < 4 * 200_000 / 8 * 2 && large > 3 * small, "{small} {large}");
}

#[test]
fn nothing_of_the_studio_stands_in_the_movie() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg(
        "-f lavfi -i testsrc2=size=64x64:rate=24 -frames:v 5 -metadata title=SecretTitle -metadata comment=/mnt/secret -timecode 00:00:41:17 a.mov",
    );
    studio.movie(Input::Movie(studio.path("a.mov")), Settings::default());
    let bytes = std::fs::read(studio.path("out.mp4")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for word in ["ecret", "ftr-test", "a.mov", "00:00:41", "tmcd", "Lavf", "Lavc5"] {
        assert!(!text.contains(word), "{word}");
    }
    assert_eq!(probed(&studio.path("out.mp4"), "d")["streams"].as_array().unwrap().len(), 0);
}

#[test]
fn a_studios_own_arguments_replace_ours() {
    real!();
    let studio = Studio::new();
    let files = studio.pictures("a%d.png", "64x36", 6, "");
    let template = "-framerate {rate} -i {input} -c:v libx264 -pix_fmt yuv420p -vf scale={width}:{height} -movflags +faststart {output}";
    let arguments = Some(template.split(' ').map(str::to_owned).collect());
    let settings = Settings { arguments, ..Settings::default() };
    let (done, movie) = studio.movie(frames(&files, rate(25, 1)), settings.clone());
    assert_eq!((movie.frames, done.warnings.len()), (6, 0), "{:?}", done.warnings);

    // What differs is told; what does not play is refused.
    let with = |from: &str, to: &str| {
        let arguments = Some(template.replace(from, to).split(' ').map(str::to_owned).collect());
        Settings { arguments, ..settings.clone() }
    };
    let (done, _) = studio.movie(frames(&files, rate(25, 1)), with("{output}", "-frames:v 5 {output}"));
    assert!(done.warnings.iter().any(|warning| warning.contains("5 frames")), "{:?}", done.warnings);
    std::fs::remove_file(studio.path("out.mp4")).unwrap();
    let error = studio.refused(frames(&files, rate(25, 1)), with("yuv420p", "yuv444p"));
    assert!(error.code == Code::FfmpegFailed && error.message.contains("yuv444p"), "{error}");
    let error = studio.refused(frames(&files, rate(25, 1)), with("{output}", "{result}"));
    assert_eq!(error.code, Code::InvalidArgument, "{error}");
}

#[test]
fn inputs_that_cannot_be_are_refused_with_their_code() {
    real!();
    let studio = Studio::new();
    let files = studio.pictures("a%d.png", "64x36", 3, "");
    std::fs::write(studio.path("empty.png"), b"").unwrap();
    std::fs::write(studio.path("text.mov"), b"this is no movie at all, of any kind, but a text of some length")
        .unwrap();
    studio.ffmpeg("-f lavfi -i sine=duration=0.2 sound.wav");
    let one = |name: &str| frames(&[files[0].clone(), studio.path(name), files[2].clone()], rate(24, 1));
    let movie = |name: &str| Input::Movie(studio.path(name));
    let still = |frames| Input::Still { path: files[0].clone(), frames, rate: rate(24, 1), audio: None };
    for (input, code, word) in [
        (one("missing.png"), Code::FileNotFound, "missing.png"),
        (one("empty.png"), Code::FileEmpty, "empty.png"),
        (one("."), Code::NotAFile, "directory"),
        (frames(&[], rate(24, 1)), Code::InvalidArgument, "none"),
        (still(0), Code::InvalidArgument, "0"),
        (movie("missing.mov"), Code::FileNotFound, "missing.mov"),
        (movie("text.mov"), Code::FfmpegFailed, "text.mov"),
        (movie("sound.wav"), Code::MovieNoVideo, "sound.wav"),
    ] {
        let error = studio.refused(input, Settings::default());
        assert!(error.code == code && error.message.contains(word), "{error}");
        assert!(!error.message.contains(".ftr-"), "{error}");
    }
}

#[test]
fn a_damaged_frame_is_an_error_that_names_it_and_is_not_filled_with_another() {
    real!();
    for extension in ["png", "jpg", "tif"] {
        let studio = Studio::new();
        let files = studio.pictures(&format!("shot.%04d.{extension}"), "128x128", 5, "");
        let whole = std::fs::read(&files[3]).unwrap();
        std::fs::write(&files[3], &whole[..whole.len() / 2]).unwrap();
        let error = studio.refused(frames(&files, rate(24, 1)), Settings::default());
        assert_eq!(error.code, Code::FfmpegFailed, "{extension} {error}");
        println!("{error}");
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_told() {
    real!();
    let studio = Studio::new();
    let files = studio.pictures("a%d.png", "640x360", 60, "");
    let ffmpeg = crate::support::installed().unwrap();
    let output = studio.path("out.mp4");
    let touch = |progress: ftreview::media::ffmpeg::Progress| {
        if progress.frames_total.is_some() {
            std::fs::write(&files[0], b"something else").unwrap();
        }
    };
    let work = ftreview::media::ffmpeg::transcode(
        ffmpeg,
        frames(&files, rate(24, 1)),
        Settings::default(),
        &output,
        touch,
        std::future::pending(),
    );
    let error = crate::support::block_on(work).unwrap_err();
    assert!(error.code == Code::FileChanged && error.message.contains("a1.png"), "{error}");
    assert!(!output.exists());
}

#[test]
fn a_movie_that_is_cut_off_or_damaged_inside_is_told() {
    real!();
    let studio = Studio::new();
    // In a container that says its length at the front.
    studio.ffmpeg("-f lavfi -i testsrc2=size=320x180:rate=24 -frames:v 100 -c:v mjpeg -q:v 2 a.mkv");
    let whole = std::fs::read(studio.path("a.mkv")).unwrap();
    std::fs::write(studio.path("cut.mkv"), &whole[..whole.len() / 2]).unwrap();
    let error = studio.refused(Input::Movie(studio.path("cut.mkv")), Settings::default());
    assert!(error.code == Code::MovieDamaged && error.message.contains("about 100 frames"), "{error}");

    // With sound beside it that may be longer it is a warning.
    studio.ffmpeg(
        "-f lavfi -i testsrc2=size=64x64:rate=24:duration=1 -f lavfi -i sine=duration=3 -c:v mjpeg -c:a pcm_s16le long.mkv",
    );
    let (done, _) = studio.movie(Input::Movie(studio.path("long.mkv")), Settings::default());
    assert!(done.warnings.iter().any(|warning| warning.contains("about 72 frames, and 24")), "{:?}", done.warnings);

    // One frame of H.264 that cannot be decoded keeps its place, and ffmpeg's words are passed on.
    studio.ffmpeg("-f lavfi -i testsrc2=size=320x180:rate=24 -frames:v 48 -c:v libx264 -g 12 b.mp4");
    let mut bytes = std::fs::read(studio.path("b.mp4")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2000].fill(0xa5);
    std::fs::write(studio.path("b.mp4"), bytes).unwrap();
    std::fs::remove_file(studio.path("out.mp4")).unwrap();
    let (done, movie) = studio.movie(Input::Movie(studio.path("b.mp4")), Settings::default());
    assert_eq!(movie.frames, 48);
    assert!(done.warnings.iter().any(|warning| warning.contains("ffmpeg said")), "{:?}", done.warnings);
}
