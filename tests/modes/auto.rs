//! What is published of each kind of input, where nothing is said of how: the table in docs/media.md.

use super::given::{Given, frames, image, make, meta, movie, named, names, need_ffmpeg, probed};
use super::host::{Staging, example, sample};
use ftreview::ffi::constants::*;
use ftreview::session::Code;
use serde_json::json;

#[test]
fn what_browsers_play_goes_up_as_it_is_and_a_movie_gets_its_middle_frame_as_thumbnail() {
    need_ffmpeg!();
    let staging = Staging::start();
    let ended = Given::of(example("review.mp4")).made(&staging);
    assert!(staging.stored(&ended.component_id) == std::fs::read(example("review.mp4")).unwrap());
    assert_eq!(ended.warnings, [""; 0]);
    assert_eq!(names(&staging, &ended.version_id), ["ftrackreview-mp4", "thumbnail"]);
    let thumbnail = named(&staging, &ended.version_id, "thumbnail");
    assert_eq!((&thumbnail["id"], &thumbnail["file_type"]), (&json!(ended.thumbnail_id), &json!(".jpg")));
    let picture = probed(&staging, &ended.thumbnail_id);
    assert_eq!((&picture["codec_name"], &picture["width"]), (&json!("mjpeg"), &json!(1280)));
    let ended = Given::of(example("still.png")).made(&staging);
    assert!(staging.stored(&ended.component_id) == std::fs::read(example("still.png")).unwrap());
    assert_eq!(ended.thumbnail_id, ended.component_id);
}

#[test]
fn movies_that_browsers_do_not_play_become_one_that_they_do_and_the_result_says_why() {
    need_ffmpeg!();
    let staging = Staging::start();
    let test = "-f lavfi -i testsrc2=size=320x180:rate=25 -frames:v 10";
    for (name, arguments) in [
        ("prores.mov", "-c:v prores_ks"),
        ("mpeg4.avi", "-c:v mpeg4"),
        ("h264.mkv", "-c:v libx264 -pix_fmt yuv420p"),
        ("vp9.webm", "-c:v libvpx-vp9"),
        ("mpeg2.mxf", "-c:v mpeg2video"),
        ("deep.mp4", "-c:v libx264 -pix_fmt yuv422p10le"),
        ("odd.mp4", "-vf crop=319:179:exact=1 -c:v libx264 -pix_fmt yuv444p"),
        ("pieces.mp4", "-c:v libx264 -pix_fmt yuv420p -movflags frag_keyframe+empty_moov"),
        ("animated.gif", ""),
    ] {
        let path = make(&staging, name, &format!("{test} {arguments}"));
        let ended = Given::of(&path).made(&staging);
        assert_eq!(ended.component_name, "ftrackreview-mp4", "{name}");
        let made = probed(&staging, &ended.component_id);
        assert_eq!((&made["codec_name"], &made["pix_fmt"]), (&json!("h264"), &json!("yuv420p")), "{name}");
        assert_eq!((&made["height"], &made["nb_read_frames"]), (&json!(180), &json!("10")), "{name}: {made}");
        assert_eq!(meta(&staging, &ended.component_id)["frameOut"], json!(9), "{name}");
        assert!(ended.warnings.iter().any(|told| told.contains(name) && told.contains("done by ffmpeg")), "{ended:?}");
        assert!(!ended.thumbnail_id.is_empty(), "{name}");
    }
}

#[test]
fn images_that_browsers_do_not_show_become_a_jpg() {
    need_ffmpeg!();
    let staging = Staging::start();
    for name in ["a.tif", "a.tga", "a.bmp", "a.gif"] {
        let path = image(&staging, name, "320x180");
        let ended = Given::of(&path).made(&staging);
        assert_eq!((ended.component_name.as_str(), &ended.thumbnail_id), ("ftrackreview-image", &ended.component_id));
        let picture = probed(&staging, &ended.component_id);
        assert_eq!((&picture["codec_name"], &picture["width"]), (&json!("mjpeg"), &json!(320)), "{name}");
        assert_eq!(meta(&staging, &ended.component_id), json!({"format": "image", "width": 320, "height": 180}));
    }
}

#[test]
fn scene_linear_images_are_not_guessed_at_unless_somebody_says_how_they_look() {
    need_ffmpeg!();
    let staging = Staging::start();
    let path = make(&staging, "render.exr", "-f lavfi -i testsrc2=size=320x180 -frames:v 1 -pix_fmt gbrpf32le");
    for mode in [FTR_MODE_AUTO, FTR_MODE_TRANSCODE] {
        let message = Given { mode, ..Given::of(&path) }.not_made(&staging, Code::SceneLinear as i32);
        assert!(message.contains("render.exr") && message.contains("LUT"), "{message}");
    }
    let ended = Given { flags: FTR_PUBLISH_DISPLAY_REFERRED, ..Given::of(&path) }.made(&staging);
    assert_eq!(probed(&staging, &ended.component_id)["codec_name"], "mjpeg");
    let lut = staging.scratch().join("identity.cube");
    std::fs::write(&lut, "LUT_3D_SIZE 2\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n").unwrap();
    let ended = Given { lut: Some(lut), ..Given::of(&path) }.made(&staging);
    assert_eq!(ended.component_name, "ftrackreview-image");
}

#[test]
fn a_document_is_shown_as_it_is_with_an_image_beside_it_as_thumbnail() {
    let staging = Staging::start();
    let path = staging.scratch().join("board_v002.pdf");
    std::fs::write(&path, DOCUMENT).unwrap();
    let given = Given::with(&path, [super::given::File::new(example("thumbnail.jpg"), FTR_ROLE_AUTO)]);
    let ended = given.done(&staging);
    assert_eq!(ended.component_name, "ftrackreview-pdf");
    assert_eq!(names(&staging, &ended.version_id), ["ftrackreview-pdf", "thumbnail"]);
    assert_eq!(meta(&staging, &ended.component_id), json!({"format": "pdf"}));
    assert_eq!(named(&staging, &ended.version_id, "ftrackreview-pdf")["file_type"], ".pdf");
    assert_eq!(ended.warnings, [""; 0]);
    // Two things to review do not fit into one version.
    let given = Given::with(&path, [super::given::File::new(example("review.mp4"), FTR_ROLE_AUTO)]);
    given.refused(&staging, Code::BadRole as i32);
    let ended = Given::of(&path).done(&staging);
    assert!(ended.warnings.iter().any(|told| told.contains("no thumbnail")), "{ended:?}");
}

#[test]
fn without_ffmpeg_the_server_encodes_a_movie_and_the_result_says_why() {
    need_ffmpeg!();
    let staging = Staging::start();
    let path = make(&staging, "a.mkv", "-f lavfi -i testsrc2=size=320x180 -frames:v 3 -c:v libx264 -pix_fmt yuv420p");
    let ended = Given::of(&path).done(&staging);
    assert_eq!(probed(&staging, &ended.component_id)["codec_name"], "h264");
    assert!(
        ended.warnings.iter().any(|told| told.contains("a.mkv") && told.contains("the server was asked")),
        "{ended:?}"
    );
    let given = Given { mode: FTR_MODE_TRANSCODE, ..Given::of(&path) };
    given.refused(&staging, Code::FfmpegMissing as i32);
}

#[test]
fn without_ffmpeg_what_the_server_cannot_make_is_refused_with_the_reason_and_the_remedy() {
    need_ffmpeg!();
    let staging = Staging::start();
    let still = image(&staging, "a.tga", "320x180");
    let message = Given::of(still).refused(&staging, Code::NotMedia as i32);
    assert!(message.contains("a.tga") && message.contains("ffmpeg"), "{message}");
    let pattern = frames(&staging, "f.%04d.png", "320x180", 1, 3);
    Given { rate: Some("24".into()), ..Given::of(pattern) }.refused(&staging, Code::NotMedia as i32);
    let path = make(&staging, "a.mkv", "-f lavfi -i testsrc2=size=320x180 -frames:v 3 -c:v libx264 -pix_fmt yuv420p");
    Given { renditions: FTR_RENDITION_720, ..Given::of(path) }.refused(&staging, Code::MovieContainer as i32);
}

#[test]
fn direct_publishes_nothing_but_what_plays() {
    need_ffmpeg!();
    let staging = Staging::start();
    let movie = movie(&staging, "a.mp4", "320x180", "24", 3);
    let direct = |path| Given { mode: FTR_MODE_DIRECT, ..Given::of(path) };
    assert_eq!(direct(movie).made(&staging).component_name, "ftrackreview-mp4");
    let tga = image(&staging, "a.tga", "320x180");
    direct(tga).not_made(&staging, Code::NotMedia as i32);
    let pattern = frames(&staging, "f.%04d.png", "320x180", 1, 3);
    direct(pattern).not_made(&staging, Code::NotMedia as i32);
    assert!(sample("25.mp4").exists());
}

/// The smallest whole document: one empty page.
const DOCUMENT: &str = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj\nxref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n\
0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n164\n%%EOF\n";
