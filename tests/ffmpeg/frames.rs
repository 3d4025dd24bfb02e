//! Every frame once, at its place: each carries its number as its brightness.

use std::path::PathBuf;

use ftreview::media::ffmpeg::{Input, Settings};

use crate::support::{Studio, frames, luma, rate, real, write_raw};

const SIDE: usize = 32;
const COUNT: usize = 100;

/// The grey of a frame, from 20 in steps of two.
fn grey(number: usize) -> u8 {
    20 + 2 * number as u8
}

/// Frames that carry their numbers, as a grey PNG each.
fn numbered(studio: &Studio, name: impl Fn(usize) -> String) -> Vec<PathBuf> {
    let bytes: Vec<u8> = (0..COUNT).flat_map(|number| [grey(number); SIDE * SIDE]).collect();
    write_raw(studio, &bytes, "gray", (SIDE as u32, SIDE as u32), "-start_number 0 plain%d.png");
    (0..COUNT)
        .map(|number| {
            let path = studio.path(name(number));
            std::fs::rename(studio.path(format!("plain{number}.png")), &path).unwrap();
            path
        })
        .collect()
}

/// The numbers of the frames of the movie that was made.
fn numbers_in(studio: &Studio) -> Vec<usize> {
    let numbers: Vec<u8> = (0..COUNT).map(grey).collect();
    luma(&studio.path("out.mp4"))
        .chunks_exact(SIDE * SIDE)
        .map(|frame| {
            let mean = frame.iter().map(|byte| f64::from(*byte)).sum::<f64>() / frame.len() as f64;
            // From the range of television to the full one.
            let value = (mean - 16.0) * 255.0 / 219.0;
            numbers
                .iter()
                .position(|number| (f64::from(*number) - value).abs() < 0.99)
                .expect("a grey that is no frame's")
        })
        .collect()
}

fn in_order() -> Vec<usize> {
    (0..COUNT).collect()
}

#[test]
fn a_sequence_keeps_every_frame_at_every_rate() {
    real!();
    let studio = Studio::new();
    let files = numbered(&studio, |number| format!("a.{number:04}.png"));
    for rate in [rate(24_000, 1001), rate(24, 1), rate(25, 1), rate(60_000, 1001)] {
        studio.movie(frames(&files, rate), Settings::default());
        assert_eq!(numbers_in(&studio), in_order(), "{rate}");
    }
}

#[test]
fn a_list_is_shown_in_its_order_with_its_repetitions_whatever_the_names() {
    real!();
    let studio = Studio::new();
    let files = numbered(&studio, |number| format!("-{} %04d.png", 50 - number as i64));
    let order: Vec<usize> = (0..COUNT).rev().flat_map(|number| vec![number; 1 + number % 3]).collect();
    let list: Vec<PathBuf> = order.iter().map(|number| files[*number].clone()).collect();
    studio.movie(frames(&list, rate(25, 1)), Settings::default());
    assert_eq!(numbers_in(&studio), order);
}

#[test]
fn a_movie_keeps_every_frame_in_every_container() {
    real!();
    for (name, codec, rate) in [
        ("a.mov", "-c:v png", "24000/1001"),
        ("a.mov", "-c:v prores_ks", "25"),
        ("a.mkv", "-c:v ffv1", "24000/1001"),
        ("a.mkv", "-c:v libx264 -qp 4 -bf 3", "30000/1001"),
        ("a.mp4", "-c:v libx264 -qp 4 -bf 3", "24000/1001"),
        ("a.mp4", "-c:v libx264 -qp 4 -bf 3 -video_track_timescale 1000", "24000/1001"),
        ("a.ts", "-c:v libx264 -qp 4 -bf 3", "30000/1001"),
        ("a.avi", "-c:v ffv1", "60000/1001"),
        ("a.mxf", "-c:v mpeg2video -q:v 1 -bf 2 -pix_fmt yuv422p", "24000/1001"),
    ] {
        let studio = Studio::new();
        numbered(&studio, |number| format!("a.{number:04}.png"));
        studio.ffmpeg(&format!("-framerate {rate} -i a.%04d.png -vf scale=64:64,crop=32:32 {codec} {name}"));
        studio.movie(Input::Movie(studio.path(name)), Settings::default());
        assert_eq!(numbers_in(&studio), in_order(), "{name} {codec} {rate}");
    }
}

#[test]
fn twice_the_rate_is_every_frame_twice_and_half_the_rate_every_other() {
    real!();
    let studio = Studio::new();
    let files = numbered(&studio, |number| format!("a.{number:04}.png"));
    let at = |numerator| Settings { rate: Some(rate(numerator, 1)), ..Settings::default() };
    studio.movie(frames(&files, rate(25, 1)), at(50));
    assert_eq!(numbers_in(&studio), (0..2 * COUNT).map(|frame| frame / 2).collect::<Vec<_>>());
    studio.movie(frames(&files, rate(50, 1)), at(25));
    let half = numbers_in(&studio);
    assert_eq!(half.len(), COUNT / 2);
    assert!(half.windows(2).all(|pair| pair[1] == pair[0] + 2), "{half:?}");
}
