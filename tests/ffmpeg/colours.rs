//! Colours that go in come out, whatever they are stored as, and the movie says what its values are.

use std::path::Path;

use ftreview::media::ffmpeg::{Alpha, Colour, Input, Settings, Transfer};
use ftreview::session::Code;

use crate::support::{Studio, decoded, frames, luma, probed, rate, real, write_raw};

/// Patches that a wrong matrix or range would show: pure, mixed and near the ends.
const PATCHES: [[u8; 3]; 16] = [
    [0, 0, 0],
    [255, 255, 255],
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 0],
    [0, 255, 255],
    [255, 0, 255],
    [128, 128, 128],
    [16, 16, 16],
    [235, 235, 235],
    [64, 128, 192],
    [200, 80, 40],
    [30, 90, 20],
    [180, 140, 210],
    [5, 250, 128],
];
const SIDE: usize = 32;

/// What rounding to eight bits of Y, Cb and Cr costs, twice, and a little for the codec.
const TOLERANCE: u8 = 5;

/// A row of patches, `lines` patches high, as raw RGB.
fn row(lines: usize) -> Vec<u8> {
    let line: Vec<u8> = PATCHES.iter().flat_map(|patch| patch.repeat(SIDE)).collect();
    line.repeat(SIDE * lines)
}

const WIDTH: usize = SIDE * PATCHES.len();

/// The colours in the middle of the patches of the first frame of a movie that is `width` pixels wide.
fn patches_of(path: &Path, width: usize) -> Vec<[u8; 3]> {
    let pixels = decoded(path);
    let line = &pixels[SIDE / 2 * width * 3..];
    let scale = width / PATCHES.len();
    (0..PATCHES.len())
        .map(|number| {
            let at = (number * scale + scale / 2) * 3;
            [line[at], line[at + 1], line[at + 2]]
        })
        .collect()
}

#[track_caller]
fn assert_near(found: &[[u8; 3]], wanted: &[[u8; 3]], what: &str) {
    for (found, wanted) in found.iter().zip(wanted) {
        let worst = (0..3).map(|channel| found[channel].abs_diff(wanted[channel])).max().unwrap();
        assert!(worst <= TOLERANCE, "{what}: {wanted:?} became {found:?}");
    }
}

#[track_caller]
fn assert_tags(path: &Path, primaries: &str, transfer: &str) {
    let answer = probed(path, "v");
    let stream = &answer["streams"][0];
    let found = ["color_range", "color_space", "color_primaries", "color_transfer"]
        .map(|key| stream[key].as_str().unwrap_or("none"));
    assert_eq!(found, ["tv", "bt709", primaries, transfer]);
}

#[test]
fn colours_of_frames_come_out_as_they_went_in() {
    real!();
    for (extension, more) in [
        ("png", "-pix_fmt rgb24"),
        ("png", "-pix_fmt rgb48be"),
        ("png", "-pix_fmt rgba"),
        ("tif", "-pix_fmt rgb24"),
        ("tif", "-pix_fmt rgb48le"),
        ("tga", "-pix_fmt bgr24"),
        ("bmp", "-pix_fmt bgr24"),
        ("jpg", "-vf scale=out_color_matrix=bt601:out_range=pc:flags=accurate_rnd,format=yuvj444p -q:v 1"),
        ("jpg", "-vf scale=out_color_matrix=bt601:out_range=pc:flags=accurate_rnd,format=yuvj420p -q:v 1"),
    ] {
        let studio = Studio::new();
        write_raw(&studio, &row(1), "rgb24", (WIDTH as u32, SIDE as u32), &format!("{more} a.{extension}"));
        studio.movie(frames(&[studio.path(format!("a.{extension}"))], rate(24, 1)), Settings::default());
        let out = studio.path("out.mp4");
        assert_near(&patches_of(&out, WIDTH), &PATCHES, &format!("{extension} {more}"));
        assert_tags(&out, "bt709", "bt709");
    }
}

#[test]
fn colours_of_movies_are_converted_from_what_they_are_said_to_be() {
    real!();
    // The matrix and range that the values are stored in, how that is said, and whether it is a large picture.
    for (matrix, range, tags, scale) in [
        ("bt709", "tv", "-colorspace bt709 -color_range tv", 1),
        ("bt601", "tv", "-colorspace smpte170m -color_range tv", 1),
        ("bt601", "tv", "-colorspace bt470bg -color_range tv", 4),
        ("bt709", "pc", "-colorspace bt709 -color_range pc", 1),
        ("bt2020", "tv", "-colorspace bt2020nc -color_range tv", 1),
        // Nothing is said: BT.601 for small pictures and BT.709 for large ones, as every player has it.
        ("bt601", "tv", "", 1),
        ("bt709", "tv", "", 4),
    ] {
        let studio = Studio::new();
        write_raw(&studio, &row(1), "rgb24", (WIDTH as u32, SIDE as u32), "a.png");
        for codec in ["-c:v libx264 -qp 1", "-c:v ffv1"] {
            let filter = format!(
                "scale=iw*{scale}:ih*{scale}:flags=neighbor,scale=out_color_matrix={matrix}:out_range={range}:flags=accurate_rnd,format=yuv444p10le"
            );
            studio.ffmpeg(&format!("-i a.png -vf {filter} {codec} {tags} a.mkv"));
            studio.movie(Input::Movie(studio.path("a.mkv")), Settings::default());
            let out = studio.path("out.mp4");
            assert_near(
                &patches_of(&out, WIDTH * scale),
                &PATCHES,
                &format!("{matrix} {range} {tags} {scale} {codec}"),
            );
            assert_tags(&out, "bt709", "bt709");
        }
    }
}

#[test]
fn a_grey_ramp_keeps_every_step() {
    real!();
    for (format, extension) in [("gray", "png"), ("gray16be", "png"), ("rgb48be", "png"), ("gray", "tif")] {
        let studio = Studio::new();
        // 256 steps of 4 pixels, 8 lines.
        let line: Vec<u8> = (0..=255u8).flat_map(|value| [value; 4]).collect();
        write_raw(&studio, &line.repeat(8), "gray", (1024, 8), &format!("-pix_fmt {format} a.{extension}"));
        studio.movie(frames(&[studio.path(format!("a.{extension}"))], rate(24, 1)), Settings::default());
        let stored = luma(&studio.path("out.mp4"));
        for value in 0..=255u32 {
            let found = f64::from(stored[4 * 1024 + value as usize * 4 + 2]);
            let wanted = 16.0 + f64::from(value) * 219.0 / 255.0;
            assert!((found - wanted).abs() <= 2.5, "{format}: {value} became {found}, not {wanted}");
        }
    }
}

#[test]
fn the_transfer_is_what_is_asked_for_and_the_primaries_stay_what_they_are() {
    real!();
    let studio = Studio::new();
    write_raw(&studio, &row(1), "rgb24", (WIDTH as u32, SIDE as u32), "a.png");
    let srgb = Settings { colour: Colour { transfer: Transfer::Srgb, ..Colour::default() }, ..Settings::default() };
    studio.movie(frames(&[studio.path("a.png")], rate(24, 1)), srgb);
    assert_tags(&studio.path("out.mp4"), "bt709", "iec61966-2-1");
    assert_near(&patches_of(&studio.path("out.mp4"), WIDTH), &PATCHES, "sRGB");

    let filter = "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv422p10le";
    for (primaries, warns) in [("smpte170m", false), ("smpte432", true), ("bt2020", true)] {
        studio.ffmpeg(&format!(
            "-i a.png {filter} -c:v libx264 -qp 1 -colorspace bt709 -color_range tv -color_primaries {primaries} -color_trc bt709 a.mkv"
        ));
        let (done, _) = studio.movie(Input::Movie(studio.path("a.mkv")), Settings::default());
        assert_tags(&studio.path("out.mp4"), primaries, "bt709");
        assert_eq!(done.warnings.iter().any(|warning| warning.contains("gamut")), warns, "{:?}", done.warnings);
    }
}

#[test]
fn transparent_pixels_are_laid_over_black() {
    real!();
    for (format, extension) in [("rgba", "png"), ("rgba64be", "png"), ("rgba", "tif"), ("bgra", "tga")] {
        let studio = Studio::new();
        // The patches with alpha from opaque to nothing.
        let alphas: Vec<u8> = (0..16u8).map(|step| 255 - step * 17).collect();
        let line: Vec<u8> = PATCHES
            .iter()
            .zip(&alphas)
            .flat_map(|(patch, alpha)| [patch[0], patch[1], patch[2], *alpha].repeat(SIDE))
            .collect();
        write_raw(
            &studio,
            &line.repeat(SIDE),
            "rgba",
            (WIDTH as u32, SIDE as u32),
            &format!("-pix_fmt {format} a.{extension}"),
        );
        let input = frames(&[studio.path(format!("a.{extension}"))], rate(24, 1));
        let (done, _) = studio.movie(input.clone(), Settings::default());
        assert!(done.warnings.iter().any(|warning| warning.contains("straight")), "{:?}", done.warnings);
        let over = |value: u8, alpha: u8| (u32::from(value) * u32::from(alpha) / 255) as u8;
        let wanted: Vec<[u8; 3]> =
            PATCHES.iter().zip(&alphas).map(|(patch, alpha)| patch.map(|value| over(value, *alpha))).collect();
        assert_near(&patches_of(&studio.path("out.mp4"), WIDTH), &wanted, &format!("{format} straight"));

        let colour = Colour { alpha: Alpha::Premultiplied, ..Colour::default() };
        studio.movie(input, Settings { colour, ..Settings::default() });
        assert_near(&patches_of(&studio.path("out.mp4"), WIDTH), &PATCHES, &format!("{format} premultiplied"));
    }
}

#[test]
fn values_that_are_not_for_a_display_need_a_lut_or_a_word() {
    real!();
    let studio = Studio::new();
    write_raw(&studio, &row(1), "rgb24", (WIDTH as u32, SIDE as u32), "-pix_fmt gbrpf32le a.exr");
    let hdr = "-vf scale=out_color_matrix=bt2020,format=yuv420p10le -c:v libx265 -x265-params log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc";
    write_raw(&studio, &row(1), "rgb24", (WIDTH as u32, SIDE as u32), &format!("{hdr} a.mkv"));
    for input in [frames(&[studio.path("a.exr")], rate(24, 1)), Input::Movie(studio.path("a.mkv"))] {
        let error = studio.refused(input.clone(), Settings::default());
        assert!(error.code == Code::SceneLinear && error.message.contains("LUT"), "{error}");
        let colour = Colour { display_referred: true, ..Colour::default() };
        studio.movie(input, Settings { colour, ..Settings::default() });
        std::fs::remove_file(studio.path("out.mp4")).unwrap();
    }
}

#[test]
fn a_lut_is_applied_to_the_values_of_the_source() {
    real!();
    let studio = Studio::new();
    let negative: Vec<[u8; 3]> = PATCHES.iter().map(|patch| patch.map(|value| 255 - value)).collect();
    let mut cube = "LUT_3D_SIZE 2\n".to_owned();
    for blue in [1, 0] {
        for green in [1, 0] {
            for red in [1, 0] {
                cube += &format!("{red} {green} {blue}\n");
            }
        }
    }
    std::fs::write(studio.path("it's, [a]: lut;.cube"), cube).unwrap();
    std::fs::write(studio.path("one.cube"), "LUT_1D_SIZE 2\n1 1 1\n0 0 0\n").unwrap();
    for format in ["-pix_fmt rgb24 a.png", "-pix_fmt rgb48be a.png", "-pix_fmt gbrpf32le a.exr"] {
        write_raw(&studio, &row(1), "rgb24", (WIDTH as u32, SIDE as u32), format);
        let input = frames(&[studio.path(format.rsplit_once(' ').unwrap().1)], rate(24, 1));
        for lut in ["it's, [a]: lut;.cube", "one.cube"] {
            studio.movie(input.clone(), Settings { lut: Some(studio.path(lut)), ..Settings::default() });
            assert_near(&patches_of(&studio.path("out.mp4"), WIDTH), &negative, &format!("{lut} {format}"));
        }
    }
    std::fs::remove_file(studio.path("out.mp4")).unwrap();
    std::fs::write(studio.path("wrong.cube"), "this is no table").unwrap();
    let input = frames(&[studio.path("a.png")], rate(24, 1));
    let with = |name: &str| Settings { lut: Some(studio.path(name)), ..Settings::default() };
    assert_eq!(studio.refused(input.clone(), with("wrong.cube")).code, Code::FfmpegFailed);
    assert_eq!(studio.refused(input, with("missing.cube")).code, Code::FileNotFound);
}
