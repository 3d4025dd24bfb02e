//! Thumbnails: the frame that was meant, upright, with the right shape and colours.

use std::future::pending;
use std::path::Path;

use ftreview::media::ffmpeg::{At, StillSettings, frame};
use ftreview::media::{Image, Kind, probe, verdict};
use ftreview::session::{Code, Result};

use crate::support::{Studio, block_on, installed, raw, real, write_raw};

fn make(studio: &Studio, source: &str, settings: StillSettings, output: &str) -> Result<Image> {
    let ffmpeg = installed().expect("asked for before");
    let result = block_on(frame(ffmpeg, &studio.path(source), settings, &studio.path(output), pending()));
    studio.assert_tidy();
    result?;
    let media = probe(&studio.path(output)).unwrap();
    verdict(&media).unwrap();
    assert_eq!(media.warnings, []);
    let Kind::Image(image) = media.kind else { panic!("no image") };
    Ok(image)
}

/// A movie whose frames carry their numbers as grey, 10 and 4 for each.
fn numbered(studio: &Studio, count: usize, rate: &str, codec: &str, name: &str) {
    let bytes: Vec<u8> = (0..count).flat_map(|number| vec![10 + 4 * number as u8; 64 * 64]).collect();
    std::fs::write(studio.path("raw.bin"), bytes).unwrap();
    studio.ffmpeg(&format!("-f rawvideo -pix_fmt gray -s 64x64 -r {rate} -i raw.bin {codec} {name}"));
}

fn number_of(path: &Path) -> usize {
    let pixel = raw(path, &["-pix_fmt", "rgb24"])[0];
    ((f64::from(pixel) - 10.0) / 4.0).round() as usize
}

#[test]
fn the_middle_frame_and_any_other_are_the_right_ones() {
    real!();
    for (rate, codec, name) in [
        ("24000/1001", "-c:v libx264 -qp 2 -bf 3 -pix_fmt yuv420p", "a.mp4"),
        ("25", "-c:v prores_ks -pix_fmt yuv422p10le", "a.mov"),
        ("60000/1001", "-c:v libx264 -qp 2 -bf 3 -pix_fmt yuv420p", "a.mkv"),
        ("25", "-c:v ffv1", "a.avi"),
    ] {
        for count in [1, 2, 3, 40, 41] {
            let studio = Studio::new();
            numbered(&studio, count, rate, codec, name);
            make(&studio, name, StillSettings::default(), "out.png").unwrap();
            assert_eq!(number_of(&studio.path("out.png")), count / 2, "the middle of {count} in {name}");
            let last = StillSettings { at: At::Frame(count as u64 - 1), ..StillSettings::default() };
            make(&studio, name, last, "out.png").unwrap();
            assert_eq!(number_of(&studio.path("out.png")), count - 1, "the last of {count} in {name}");
        }
        let studio = Studio::new();
        numbered(&studio, 5, rate, codec, name);
        let beyond = StillSettings { at: At::Frame(1000), ..StillSettings::default() };
        make(&studio, name, beyond, "out.png").unwrap();
        assert_eq!(number_of(&studio.path("out.png")), 0, "one that is not there");
    }
}

#[test]
fn an_image_has_the_width_that_was_asked_for_and_square_pixels_and_is_upright() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg("-f lavfi -i testsrc2=size=320x180:rate=24 -frames:v 4 -c:v libx264 wide.mp4");
    studio.ffmpeg("-i wide.mp4 -c copy -metadata:s:v:0 rotate=90 turned.mp4");
    studio.ffmpeg("-i wide.mp4 -vf setsar=2/1 -c:v libx264 anamorphic.mp4");
    studio.ffmpeg("-i wide.mp4 -vf scale=161:91 -pix_fmt rgb24 -frames:v 1 odd.tif");
    for (source, max_width, size) in [
        ("wide.mp4", None, (320, 180)),
        ("wide.mp4", Some(100), (100, 56)),
        ("wide.mp4", Some(1000), (320, 180)),
        ("turned.mp4", None, (180, 320)),
        ("anamorphic.mp4", None, (640, 180)),
        ("odd.tif", None, (161, 91)),
    ] {
        for output in ["out.jpg", "out.png", "out.JPEG"] {
            let image = make(&studio, source, StillSettings { max_width, ..StillSettings::default() }, output).unwrap();
            assert_eq!((image.width, image.height), size, "{source} {output}");
        }
    }
}

#[test]
fn colours_of_an_image_are_those_of_its_movie() {
    real!();
    for (colour, name) in
        [([255u8, 0, 0], "red"), ([0, 255, 0], "green"), ([30, 60, 200], "blue"), ([128, 128, 128], "grey")]
    {
        let studio = Studio::new();
        let pixels = colour.repeat(64 * 64);
        write_raw(
            &studio,
            &pixels,
            "rgb24",
            (64, 64),
            "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p -c:v libx264 -qp 1 -colorspace bt709 -color_range tv a.mp4",
        );
        for output in ["out.png", "out.jpg"] {
            make(&studio, "a.mp4", StillSettings::default(), output).unwrap();
            let found = raw(&studio.path(output), &["-pix_fmt", "rgb24"]);
            assert!(
                (0..3).all(|channel| found[channel].abs_diff(colour[channel]) < 8),
                "{name} {output}: {:?}",
                &found[..3]
            );
        }
    }
}

#[test]
fn what_cannot_be_an_image_is_refused() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=24 -frames:v 2 -c:v libx264 a.mp4");
    studio.ffmpeg("-f lavfi -i sine=duration=0.2 s.wav");
    studio.ffmpeg("-f lavfi -i testsrc2=size=64x64 -frames:v 1 linear.exr");
    for (source, output, code) in [
        ("a.mp4", "out.gif", Code::InvalidArgument),
        ("a.mp4", "out", Code::InvalidArgument),
        ("missing.mp4", "out.jpg", Code::FileNotFound),
        ("s.wav", "out.jpg", Code::MovieNoVideo),
        ("linear.exr", "out.jpg", Code::SceneLinear),
        ("a.mp4", "no/folder/out.jpg", Code::FfmpegFailed),
    ] {
        let error = make(&studio, source, StillSettings::default(), output).unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(!studio.path(output).exists());
    }
}
