//! What browsers do not play: refused with the name of what it is, and what mends it.

use ftreview::media::verdict;
use ftreview::session::Code;

use super::{assert_does_not_play, assert_error, assert_refused, bytes, movie, position, probe_content};

#[test]
fn other_codecs_are_refused_by_name() {
    for (name, codec) in [
        ("prores.mov", "ProRes 422 HQ (apch)"),
        ("hevc.mp4", "HEVC (H.265) (hvc1)"),
        ("mpeg4.mp4", "MPEG-4 part 2 (mp4v)"),
        ("mjpeg.mov", "Motion JPEG (jpeg)"),
        ("dnxhr.mov", "DNxHR (AVdh)"),
    ] {
        assert_does_not_play(name, Code::MovieCodec, &[codec, "-c:v libx264", "-pix_fmt yuv420p"]);
    }
    assert_eq!((movie("prores.mov").width, movie("prores.mov").height, movie("prores.mov").frames), (64, 36, 4));
}

#[test]
fn other_pixel_formats_are_refused_by_name() {
    for (name, format) in [
        ("444.mp4", "yuv444p"),
        ("422.mp4", "yuv422p"),
        ("10-bit.mp4", "yuv420p10"),
        ("gray.mp4", "gray"),
        ("lossless.mp4", "High 4:4:4 Predictive"),
    ] {
        assert_does_not_play(name, Code::MoviePixelFormat, &[format, "-pix_fmt yuv420p"]);
    }
}

#[test]
fn an_odd_size_is_refused_with_the_option_that_pads_it() {
    assert_does_not_play("odd-size.mp4", Code::MovieOddSize, &["161x91", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "yuv420p"]);
}

#[test]
fn a_level_that_is_too_low_for_the_picture_hides_nothing() {
    // Encoders in hardware write such levels, and decoders take no notice.
    for (name, plays) in [("large.mp4", true), ("10-bit.mp4", false)] {
        let mut low = bytes(name);
        let configuration = position(&low, b"avcC") + 4;
        let sps = configuration + 8;
        // Level 1, which allows 176x144, in the configuration and in the sequence parameters.
        low[configuration + 3] = 10;
        low[sps + 3] = 10;
        let media = probe_content("a.mp4", &low).unwrap();
        assert_eq!(verdict(&media).is_ok(), plays, "{name}");
    }
}

#[test]
fn a_fragmented_movie_is_refused() {
    assert_refused("fragmented.mp4", Code::MovieFragmented, &["-c copy", "-movflags +faststart"]);
}

#[test]
fn a_movie_without_a_picture_is_refused() {
    assert_refused("sound-only.m4a", Code::MovieNoVideo, &["no picture"]);
}

#[test]
fn other_containers_are_refused_by_name_whatever_they_are_called() {
    for (name, container) in [
        ("container.avi", "AVI"),
        ("container.mkv", "Matroska"),
        ("container.webm", "WebM"),
        ("container.mxf", "MXF"),
        ("container.ts", "MPEG transport stream"),
    ] {
        assert_refused(name, Code::MovieContainer, &[container, "-movflags +faststart"]);
        let error = probe_content("renamed.mp4", &bytes(name)).unwrap_err();
        assert_error(error, Code::MovieContainer, "renamed.mp4", &[container]);
    }
}

#[test]
fn what_is_no_media_is_refused_by_name() {
    for (content, name) in [
        (&b"%PDF-1.7 and so on"[..], "PDF"),
        (b"PK\x03\x04 and so on", "zip"),
        (b"RIFF0000WAVEfmt ", "WAV"),
        (b"junk", "6a 75 6e 6b"),
    ] {
        assert_error(
            probe_content("a.mp4", content).unwrap_err(),
            Code::NotMedia,
            "a.mp4",
            &[name, "mp4, mov, jpg or png"],
        );
    }
}
