//! Odd, turned, anamorphic and interlaced pictures: whole, upright, and of the right shape.

use ftreview::media::ffmpeg::{Input, Settings};

use crate::support::{Studio, decoded, frames, rate, real, write_raw};

#[test]
fn odd_sizes_become_even_and_every_pixel_stays_where_it_is() {
    real!();
    for (width, height) in [(1_usize, 1_usize), (3, 2), (2, 3), (17, 16), (16, 17), (321, 181), (63, 1)] {
        let studio = Studio::new();
        // A grey gradient, so that subsampled colour does not count.
        let pixels: Vec<u8> =
            (0..height).flat_map(|y| (0..width).map(move |x| (x * 150 / width + y * 90 / height) as u8)).collect();
        write_raw(&studio, &pixels, "gray", (width as u32, height as u32), "-pix_fmt rgb24 a.png");
        let (done, movie) = studio.movie(frames(&[studio.path("a.png")], rate(24, 1)), Settings::default());
        let (even_width, even_height) = (width.next_multiple_of(2), height.next_multiple_of(2));
        assert_eq!((movie.width, movie.height), (even_width as u32, even_height as u32));
        assert!(done.warnings.iter().any(|warning| warning.contains("odd")), "{:?}", done.warnings);
        let found = decoded(&studio.path("out.mp4"));
        for y in 0..even_height {
            for x in 0..even_width {
                // The line more is the last one again.
                let wanted = pixels[y.min(height - 1) * width + x.min(width - 1)];
                let pixel = &found[(y * even_width + x) * 3..][..3];
                assert!(
                    pixel.iter().all(|value| value.abs_diff(wanted) <= 8),
                    "{width}x{height} at {x},{y}: {pixel:?}, not {wanted}"
                );
            }
        }
    }
}

#[test]
fn an_odd_movie_becomes_even() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg(
        "-f lavfi -i testsrc2=size=160x90:rate=24 -frames:v 5 -vf scale=161:91 -c:v libx264 -pix_fmt yuv444p a.mp4",
    );
    let (_, movie) = studio.movie(Input::Movie(studio.path("a.mp4")), Settings::default());
    assert_eq!((movie.width, movie.height, movie.frames), (162, 92, 5));
}

#[test]
fn anamorphic_pixels_become_square_and_a_circle_stays_one() {
    real!();
    for (aspect, size) in [("2/1", (200, 100)), ("1/2", (100, 200)), ("16/15", (106, 100))] {
        let studio = Studio::new();
        studio.ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=100x100:rate=24 -frames:v 3 -vf setsar={aspect} -c:v libx264 a.mp4"
        ));
        let (done, movie) = studio.movie(Input::Movie(studio.path("a.mp4")), Settings::default());
        let off = movie.width.abs_diff(size.0) + movie.height.abs_diff(size.1);
        assert!(off <= 2, "{aspect}: {}x{}", movie.width, movie.height);
        assert!(done.warnings.iter().any(|warning| warning.contains("not square")), "{:?}", done.warnings);
    }
}

#[test]
fn a_turned_movie_is_upright() {
    real!();
    let studio = Studio::new();
    // White on the left, black on the right, and said to be turned.
    let line: Vec<u8> = [[255u8; 80], [0; 80]].concat();
    write_raw(&studio, &line.repeat(90), "gray", (160, 90), "-c:v libx264 -pix_fmt yuv420p straight.mp4");
    studio.ffmpeg("-i straight.mp4 -c copy -metadata:s:v:0 rotate=90 a.mp4");
    let (_, movie) = studio.movie(Input::Movie(studio.path("a.mp4")), Settings::default());
    assert_eq!((movie.width, movie.height, movie.rotation), (90, 160, 0));
    let pixels = decoded(&studio.path("out.mp4"));
    let (top, bottom) = (pixels[(20 * 90 + 45) * 3], pixels[(140 * 90 + 45) * 3]);
    assert!(top.abs_diff(bottom) > 200, "{top} {bottom}");
}

#[test]
fn fields_are_left_as_they_are_and_that_is_told() {
    real!();
    let studio = Studio::new();
    studio.ffmpeg(
        "-f lavfi -i testsrc2=size=160x96:rate=25 -frames:v 5 -c:v libx264 -x264-params tff=1 -flags +ildct a.mp4",
    );
    let (done, movie) = studio.movie(Input::Movie(studio.path("a.mp4")), Settings::default());
    assert!(!movie.interlaced && movie.frames == 5);
    assert!(done.warnings.iter().any(|warning| warning.contains("interlaced")), "{:?}", done.warnings);
}

#[test]
fn a_frame_of_another_size_is_shown_whole_and_not_squeezed() {
    real!();
    let studio = Studio::new();
    for (name, size) in [("a.png", "64x64"), ("b.png", "128x64"), ("c.png", "64x64")] {
        studio.ffmpeg(&format!("-f lavfi -i color=white:size={size} -frames:v 1 {name}"));
    }
    let files = ["a.png", "b.png", "c.png"].map(|name| studio.path(name));
    let (_, movie) = studio.movie(frames(&files, rate(24, 1)), Settings::default());
    assert_eq!((movie.frames, movie.width, movie.height), (3, 64, 64));
    let pixels = decoded(&studio.path("out.mp4"));
    let at = |frame: usize, x: usize, y: usize| pixels[((frame * 64 + y) * 64 + x) * 3];
    assert!(at(0, 32, 4) > 240 && at(2, 32, 4) > 240);
    // The wide one fills the width; above and below it is black.
    assert!(at(1, 32, 32) > 240 && at(1, 4, 32) > 240 && at(1, 32, 4) < 15 && at(1, 32, 60) < 15);
}
