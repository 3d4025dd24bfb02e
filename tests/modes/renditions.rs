//! One movie or image in several sizes.

use super::given::{File, Given, components, image, make, meta, movie, named, names, need_ffmpeg};
use super::host::{Session, Staging};
use super::relay::{Act, relay};
use ftreview::ffi::constants::*;
use ftreview::session::Code;
use ftreview_sandbox::config::{DEMO_KEY, DEMO_USER};
use serde_json::json;

#[test]
fn movies_without_roles_are_named_by_their_height_whichever_is_the_main_one() {
    need_ffmpeg!();
    let staging = Staging::start();
    let [low, middle, high] = [("a.mp4", "640x360"), ("b.mp4", "1920x1080"), ("c.mp4", "2560x1440")]
        .map(|(name, size)| movie(&staging, name, size, "24", 6));
    let files = [&low, &high].map(|path| File::new(path, FTR_ROLE_AUTO));
    let ended = Given::with(&middle, files).done(&staging);
    assert_eq!(ended.component_name, "ftrackreview-mp4");
    let expected = ["ftrackreview-mp4", "ftrackreview-mp4-1080", "ftrackreview-mp4-1440"];
    assert_eq!(names(&staging, &ended.version_id), expected);
    for (name, path, width) in [(expected[0], &low, 640), (expected[1], &middle, 1920), (expected[2], &high, 2560)] {
        let component = named(&staging, &ended.version_id, name);
        let id = component["id"].as_str().unwrap();
        assert!(staging.stored(id) == std::fs::read(path).unwrap(), "{name}");
        let meta = meta(&staging, id);
        assert_eq!((&meta["width"], &meta["frameOut"]), (&json!(width), &json!(5)), "{name}");
    }
    assert_eq!(named(&staging, &ended.version_id, "ftrackreview-mp4")["id"], json!(ended.component_id));
}

#[test]
fn a_movie_of_a_wide_shape_is_named_by_what_it_fits_into() {
    need_ffmpeg!();
    let staging = Staging::start();
    let main = movie(&staging, "low.mp4", "1280x536", "24000/1001", 4);
    let wide = movie(&staging, "wide.mp4", "2048x858", "24000/1001", 4);
    let ended = Given::with(main, [File::new(wide, FTR_ROLE_MOVIE)]).done(&staging);
    assert_eq!(names(&staging, &ended.version_id), ["ftrackreview-mp4", "ftrackreview-mp4-1080"]);
}

#[test]
fn a_host_may_name_its_renditions_with_the_names_of_the_player_and_no_others() {
    need_ffmpeg!();
    let staging = Staging::start();
    let (main, other) = (movie(&staging, "a.mp4", "640x360", "25", 3), movie(&staging, "b.mp4", "1280x720", "25", 3));
    let files = [File::named(&other, FTR_ROLE_MOVIE, "ftrackreview-mp4-2160")];
    let ended = Given::with(&main, files).done(&staging);
    assert_eq!(names(&staging, &ended.version_id), ["ftrackreview-mp4", "ftrackreview-mp4-2160"]);
    let files = [File::named(&other, FTR_ROLE_MOVIE, "ftrackreview-mp4-720")];
    let message = Given::with(&main, files).refused(&staging, Code::BadRole as i32);
    assert!(message.contains("ftrackreview-mp4-720") && message.contains("\"ftrackreview-mp4-1080\""), "{message}");
}

#[test]
fn renditions_that_are_not_one_movie_are_refused_with_both_named() {
    need_ffmpeg!();
    let staging = Staging::start();
    let main = movie(&staging, "main.mp4", "640x360", "24", 6);
    for (name, size, rate, frames, what) in [
        ("rate.mp4", "1920x1080", "25", 6, "24 and 25 frames a second"),
        ("frames.mp4", "1920x1080", "24", 7, "6 and 7 frames"),
        ("shape.mp4", "1440x1080", "24", 6, "640x360 and 1440x1080"),
        ("same.mp4", "640x360", "24", 6, ""),
    ] {
        let other = movie(&staging, name, size, rate, frames);
        let given = Given::with(&main, [File::new(other, FTR_ROLE_AUTO)]);
        if what.is_empty() {
            // As high as the main one: one of them is for the next larger size.
            given.done(&staging);
            continue;
        }
        let message = given.refused(&staging, Code::RenditionsDiffer as i32);
        assert!(message.contains("main.mp4") && message.contains(name) && message.contains(what), "{message}");
    }
    let large = ["x.mp4", "y.mp4"].map(|name| File::new(movie(&staging, name, "1920x1080", "24", 6), FTR_ROLE_AUTO));
    let message = Given::with(&main, large).refused(&staging, Code::RenditionsDiffer as i32);
    assert!(message.contains("both") && message.contains("x.mp4") && message.contains("y.mp4"), "{message}");
}

#[test]
fn a_server_before_4_5_gets_the_first_rendition_only_and_the_result_says_so() {
    need_ffmpeg!();
    let staging = Staging::start();
    let url = relay(
        staging.url(),
        Box::new(|operations| match operations[0]["action"] == "query_server_information" {
            true => Act::Replace(200, json!([{"version": "4.4.12"}])),
            false => Act::Pass,
        }),
    );
    let (main, other) = (movie(&staging, "a.mp4", "640x360", "25", 3), movie(&staging, "b.mp4", "1920x1080", "25", 3));
    let session = Session::create(&url, DEMO_USER, DEMO_KEY);
    let ended = Given::with(&main, [File::new(&other, FTR_ROLE_AUTO)]).publish(&session).done();
    assert_eq!(names(&staging, &ended.version_id), ["ftrackreview-mp4"]);
    let told = |warning: &&String| warning.contains("4.4.12") && warning.contains("left out");
    assert_eq!(ended.warnings.iter().filter(told).count(), 1, "{:?}", ended.warnings);
}

#[test]
fn two_images_are_the_usual_and_the_high_one_and_three_are_too_many() {
    need_ffmpeg!();
    let staging = Staging::start();
    let [large, small, third] = [("l.png", "1920x1080"), ("s.jpg", "960x540"), ("t.png", "480x270")]
        .map(|(name, size)| image(&staging, name, size));
    let ended = Given::with(&large, [File::new(&small, FTR_ROLE_AUTO)]).done(&staging);
    assert_eq!(names(&staging, &ended.version_id), ["ftrackreview-image", "ftrackreview-image-high"]);
    assert_eq!(ended.thumbnail_id, ended.component_id);
    let high = named(&staging, &ended.version_id, "ftrackreview-image-high");
    assert_eq!(high["file_type"], ".png");
    let meta = meta(&staging, high["id"].as_str().unwrap());
    assert_eq!(meta, json!({"format": "image", "width": 1920, "height": 1080}));
    let files = [&small, &third].map(|path| File::new(path, FTR_ROLE_AUTO));
    Given::with(&large, files).refused(&staging, Code::RenditionsDiffer as i32);
}

#[test]
fn a_role_that_does_not_fit_the_content_is_refused_with_what_the_file_is() {
    need_ffmpeg!();
    let staging = Staging::start();
    let (main, other) = (movie(&staging, "a.mp4", "640x360", "25", 3), image(&staging, "b.png", "640x360"));
    let message = Given::with(&main, [File::new(&other, FTR_ROLE_MOVIE)]).refused(&staging, Code::BadRole as i32);
    assert!(message.contains("b.png") && message.contains("is an image"), "{message}");
    let message = Given::with(&main, [File::new(&other, FTR_ROLE_IMAGE)]).refused(&staging, Code::BadRole as i32);
    assert!(message.contains("beside something else") && message.contains("FTR_ROLE_THUMBNAIL"), "{message}");
    let sound = make(&staging, "tone.wav", "-f lavfi -i sine=duration=1");
    Given::with(&main, [File::new(sound, FTR_ROLE_AUTO)]).refused(&staging, Code::NotMedia as i32);
    assert!(components(&staging, "none").is_empty());
}
