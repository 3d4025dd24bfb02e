//! Paths that nobody would choose, and that studios have.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use ftreview::media::ffmpeg::{Input, Settings, StillSettings, frame, transcode};

use crate::support::{Studio, block_on, frames, installed, plays, rate, real};

const NAMES: [&[u8]; 13] = [
    b"with spaces",
    b"it's \"quoted\"",
    b"100%d",
    b"%%04d %n",
    b"-leading-dash",
    b"--output",
    b"a:b;c,d[e]f=g",
    "r\u{e4}um\u{2014}\u{65e5}\u{672c}\u{1f3ac}".as_bytes(),
    b"not \xff\xfe utf-8",
    b"file:http:",
    b"star*?{a,b}",
    b"back\\slash$HOME`id`",
    b"new\nline",
];

#[test]
fn sources_outputs_and_folders_may_have_any_name() {
    real!();
    let ffmpeg = installed().expect("asked for before");
    let plain = Studio::new();
    let pictures = plain.pictures("a%d.png", "64x36", 2, "");
    plain.ffmpeg("-f lavfi -i testsrc2=size=64x36:rate=24 -frames:v 2 -c:v ffv1 a.mkv");
    plain.ffmpeg("-f lavfi -i sine=duration=0.1 a.wav");
    std::fs::write(plain.path("a.cube"), "LUT_3D_SIZE 2\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n")
        .unwrap();
    for name in NAMES.map(OsStr::from_bytes) {
        let studio = Studio::new();
        let folder = studio.path(name);
        std::fs::create_dir(&folder).unwrap();
        let named = |extension: &str| -> PathBuf {
            let mut file = name.to_owned();
            file.push(extension);
            folder.join(file)
        };
        for (from, extension) in
            [("a1.png", ".1.png"), ("a2.png", ".2.png"), ("a.mkv", ".mkv"), ("a.wav", ".wav"), ("a.cube", ".cube")]
        {
            std::fs::copy(plain.path(from), named(extension)).unwrap();
        }
        let files = vec![named(".1.png"), named(".2.png")];
        let settings = Settings { lut: Some(named(".cube")), ..Settings::default() };
        for input in
            [Input::Movie(named(".mkv")), Input::Frames { files, rate: rate(24, 1), audio: Some(named(".wav")) }]
        {
            let output = named(".mp4");
            let work = transcode(ffmpeg, input, settings.clone(), &output, |_| (), std::future::pending());
            let done = block_on(work).unwrap_or_else(|error| panic!("{name:?}: {error}"));
            assert_eq!((done.path.as_path(), done.frames), (output.as_path(), 2), "{name:?}");
            plays(&output);
            std::fs::remove_file(&output).unwrap();
        }
        let image = named(".jpg");
        block_on(frame(ffmpeg, &named(".mkv"), StillSettings::default(), &image, std::future::pending())).unwrap();
        assert!(image.is_file(), "{name:?}");
        let left = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(left, 6, "{name:?}: something is left");
    }
    drop(pictures);
}

#[test]
fn an_extension_that_is_wrong_or_missing_does_not_matter() {
    real!();
    let studio = Studio::new();
    studio.pictures("a%d.jpg", "64x36", 2, "");
    std::fs::rename(studio.path("a1.jpg"), studio.path("a1.png")).unwrap();
    std::fs::rename(studio.path("a2.jpg"), studio.path("a2")).unwrap();
    let (_, movie) =
        studio.movie(frames(&["a1.png", "a2"].map(|name| studio.path(name)), rate(24, 1)), Settings::default());
    assert_eq!(movie.frames, 2);
    studio.ffmpeg("-f lavfi -i testsrc2=size=64x36:rate=24 -frames:v 3 -c:v mjpeg a.mov");
    for name in ["movie", "movie.jpg", "movie.%04d"] {
        std::fs::copy(studio.path("a.mov"), studio.path(name)).unwrap();
        assert_eq!(studio.movie(Input::Movie(studio.path(name)), Settings::default()).1.frames, 3, "{name}");
    }
}

#[test]
fn a_relative_path_is_that_of_the_working_directory() {
    real!();
    let studio = Studio::new();
    // The working directory is the package's; the studio's folder is reached from the root.
    let up = "../".repeat(std::env::current_dir().unwrap().components().count());
    let file = studio.pictures("a%d.png", "64x36", 1, "").remove(0);
    let relative = PathBuf::from(format!("{up}{}", file.display().to_string().trim_start_matches('/')));
    assert!(relative.is_relative());
    studio.movie(frames(&[relative], rate(24, 1)), Settings::default());
}

#[test]
fn a_playlist_that_pretends_to_be_a_movie_fetches_nothing() {
    real!();
    let studio = Studio::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    for (name, content) in [
        ("a.m3u8", format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{address}/a.ts\n#EXT-X-ENDLIST\n")),
        ("a.mov", format!("ffconcat version 1.0\nfile http://{address}/a.mov\n")),
    ] {
        std::fs::write(studio.path(name), content).unwrap();
        studio.refused(Input::Movie(studio.path(name)), Settings::default());
    }
    assert!(listener.accept().is_err(), "something was fetched");
}
