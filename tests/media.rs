//! What a file is said to be, and whether browsers show it. The samples were made by ffmpeg, with the script beside them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use ftreview::media::{
    Chroma, Container, Fingerprint, ImageFormat, Kind, Media, Movie, Warning, check_source, ftr_meta, probe, verdict,
};
use ftreview::session::{Code, Error};
use serde_json::json;
use tempfile::TempDir;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media").join(name)
}

fn media(name: &str) -> Media {
    probe(&sample(name)).unwrap()
}

fn movie(name: &str) -> Movie {
    match media(name).kind {
        Kind::Movie(movie) => movie,
        Kind::Image(image) => panic!("{name} is an image: {image:?}"),
    }
}

/// Probes content that is written to a file of this name, as one that was finished an hour ago.
fn probe_content(name: &str, content: &[u8]) -> Result<Media, Error> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(&path).unwrap().set_modified(hour_ago).unwrap();
    probe(&path)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(sample(name)).unwrap()
}

fn position(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

/// The error says the code, names the file and contains every one of these words.
#[track_caller]
fn assert_error(error: Error, code: Code, file: &str, words: &[&str]) {
    assert_eq!(error.code, code, "{error}");
    for word in words.iter().chain([&file]) {
        assert!(error.message.contains(word), "'{word}' is not in: {}", error.message);
    }
}

#[track_caller]
fn assert_refused(name: &str, code: Code, words: &[&str]) {
    assert_error(probe(&sample(name)).unwrap_err(), code, name, words);
}

#[track_caller]
fn assert_does_not_play(name: &str, code: Code, words: &[&str]) {
    assert_error(verdict(&media(name)).unwrap_err(), code, name, words);
}

// What plays.

#[test]
fn a_right_movie_plays_and_has_no_warnings() {
    let media = media("h264.mp4");
    verdict(&media).unwrap();
    assert_eq!(media.warnings, []);
    assert_eq!(media.file_type, ".mp4");
    assert_eq!(media.size_bytes, fs::metadata(sample("h264.mp4")).unwrap().len());
    let movie = movie("h264.mp4");
    assert_eq!((movie.width, movie.height, movie.frames), (160, 90, 24));
    assert_eq!((movie.codec.to_string(), movie.profile.unwrap().to_string()), ("H.264 (avc1)".into(), "High".into()));
    assert_eq!(movie.pixel_format.unwrap().to_string(), "yuv420p");
    assert_eq!(movie.duration.to_string(), "1");
    assert!(movie.faststart && !movie.has_audio && !movie.interlaced && !movie.variable_frame_rate);
}

#[test]
fn frame_rates_are_exact() {
    for (name, rate, frames) in
        [("23976.mp4", "24000/1001", 48), ("2997.mp4", "30000/1001", 30), ("25.mp4", "25", 25), ("h264.mp4", "24", 24)]
    {
        let movie = movie(name);
        assert_eq!((movie.frame_rate.to_string().as_str(), movie.frames), (rate, frames), "{name}");
        assert!(!movie.variable_frame_rate, "{name}");
    }
}

#[test]
fn a_rate_that_a_coarse_clock_rounded_is_the_rate_that_was_meant() {
    let movie = movie("23976-milliseconds.mp4");
    assert_eq!(movie.frame_rate.to_string(), "24000/1001");
    assert!(!movie.variable_frame_rate);
}

#[test]
fn a_variable_frame_rate_is_a_warning() {
    let media = media("variable-rate.mp4");
    verdict(&media).unwrap();
    assert_eq!(media.warnings, [Warning::VariableFrameRate]);
    assert_eq!(movie("variable-rate.mp4").frames, 40);
}

#[test]
fn an_index_at_the_end_is_a_warning_that_names_faststart() {
    let media = media("index-at-end.mp4");
    verdict(&media).unwrap();
    assert_eq!(media.warnings, [Warning::NotFaststart]);
    assert!(media.warnings[0].to_string().contains("-movflags +faststart"));
}

#[test]
fn sound_is_noticed_and_neither_it_nor_its_absence_is_a_warning() {
    assert!(movie("sound.mp4").has_audio && !movie("h264.mp4").has_audio);
    assert_eq!(media("sound.mp4").warnings, []);
}

#[test]
fn sound_that_browsers_do_not_play_is_a_warning() {
    assert_eq!(media("ac3.mp4").warnings, [Warning::SilentSound("ac-3".into())]);
}

#[test]
fn h264_in_a_quicktime_file_plays_with_a_warning() {
    let media = media("h264.mov");
    verdict(&media).unwrap();
    assert_eq!((movie("h264.mov").container, media.file_type.as_str()), (Container::QuickTime, ".mov"));
    assert_eq!(media.warnings, [Warning::QuickTime]);
}

#[test]
fn interlaced_turned_anamorphic_and_large_movies_are_warnings() {
    for (name, warning) in [
        ("interlaced.mp4", Warning::Interlaced),
        ("rotated.mp4", Warning::Rotated(270)),
        ("anamorphic.mp4", Warning::PixelAspect { width: 2, height: 1 }),
        ("large.mp4", Warning::Large { width: 4128, height: 32 }),
    ] {
        let media = media(name);
        verdict(&media).unwrap();
        assert_eq!(media.warnings, [warning], "{name}");
    }
}

#[test]
fn a_trimmed_movie_is_a_warning() {
    let mut trimmed = bytes("h264.mp4");
    let edit = position(&trimmed, b"elst");
    // Version and flags, one edit, its length in the movie's clock: half a second of milliseconds.
    trimmed[edit + 12..edit + 16].copy_from_slice(&500u32.to_be_bytes());
    assert_eq!(probe_content("a.mp4", &trimmed).unwrap().warnings, [Warning::EditList]);
}

#[test]
fn the_content_decides_and_a_wrong_extension_is_a_warning() {
    let media = probe_content("shot.mov", &bytes("h264.mp4")).unwrap();
    assert_eq!(media.file_type, ".mp4");
    assert_eq!(media.warnings, [Warning::Extension(".mp4".into())]);
    assert_eq!(probe_content("SHOT.M4V", &bytes("h264.mp4")).unwrap().file_type, ".m4v");
    assert_eq!(probe_content("still.png", &bytes("still.jpg")).unwrap().file_type, ".jpg");
}

#[test]
fn rubbish_after_a_whole_movie_does_not_matter() {
    for rubbish in [&b"abc"[..], &[0; 64], b"no box at all, of any kind"] {
        let padded = [bytes("h264.mp4"), rubbish.to_vec()].concat();
        verdict(&probe_content("a.mp4", &padded).unwrap()).unwrap();
    }
}

#[test]
fn media_data_without_a_length_or_with_a_long_one_are_read() {
    let mut open_ended = bytes("h264.mp4");
    let media_data = position(&open_ended, b"mdat");
    open_ended[media_data - 4..media_data].copy_from_slice(&0u32.to_be_bytes());
    probe_content("a.mp4", &open_ended).unwrap();

    let mut long = bytes("h264.mp4");
    let length = (long.len() - media_data + 4 + 8) as u64;
    let header = [&1u32.to_be_bytes()[..], b"mdat", &length.to_be_bytes()].concat();
    long.splice(media_data - 4..media_data + 4, header);
    probe_content("a.mp4", &long).unwrap();
}

#[test]
fn the_numbers_are_those_of_ffprobe() {
    if Command::new("ffprobe").arg("-version").output().is_err() {
        println!("ffprobe is not installed: the comparison with it is left out");
        return;
    }
    let mut compared = 0;
    for entry in fs::read_dir(sample("")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(Media { kind: Kind::Movie(movie), .. }) = probe(&path) else { continue };
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "v:0", "-of", "json", "-show_entries"])
            .arg("stream=width,height,nb_frames,avg_frame_rate,pix_fmt")
            .arg(&path)
            .output()
            .unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let stream = &answer["streams"][0];
        let rate = format!("{}/{}", movie.frame_rate.numerator(), movie.frame_rate.denominator());
        assert_eq!(stream["avg_frame_rate"], rate, "{path:?}");
        assert_eq!(stream["nb_frames"], movie.frames.to_string(), "{path:?}");
        assert_eq!((&stream["width"], &stream["height"]), (&json!(movie.width), &json!(movie.height)), "{path:?}");
        if let Some(format) = movie.pixel_format.filter(|format| format.chroma != Chroma::Monochrome) {
            let name = stream["pix_fmt"].as_str().unwrap().trim_end_matches("le").to_owned();
            assert_eq!(name, format.to_string(), "{path:?}");
        }
        compared += 1;
    }
    assert!(compared >= 20, "only {compared} movies were compared");
}

// What browsers do not play.

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

// Damaged files.

#[test]
fn a_movie_that_is_cut_off_anywhere_is_reported_as_damaged() {
    for name in ["h264.mp4", "index-at-end.mp4", "sound.mp4", "h264.mov"] {
        let whole = bytes(name);
        // Shorter than eight bytes it is not recognised at all.
        for length in (8..whole.len()).step_by(61).chain([whole.len() - 1]) {
            let error = probe_content("a.mp4", &whole[..length]).expect_err(&format!("{name} cut to {length} bytes"));
            assert_eq!(error.code, Code::MovieDamaged, "{name} cut to {length} bytes: {error}");
        }
    }
}

#[test]
fn a_cut_off_movie_says_how_much_is_there() {
    let whole = bytes("h264.mp4");
    let error = probe_content("a.mp4", &whole[..whole.len() - 100]).unwrap_err();
    assert_error(error, Code::MovieDamaged, "a.mp4", &["cut off", "media data", "Copy or export it again"]);
}

#[test]
fn media_data_without_a_length_that_are_cut_off_are_noticed() {
    let mut open_ended = bytes("h264.mp4");
    let media_data = position(&open_ended, b"mdat");
    open_ended[media_data - 4..media_data].copy_from_slice(&0u32.to_be_bytes());
    open_ended.truncate(open_ended.len() - 1);
    let error = probe_content("a.mp4", &open_ended).unwrap_err();
    assert_error(error, Code::MovieDamaged, "a.mp4", &["cut off"]);
}

#[test]
fn a_movie_whose_writer_was_killed_has_no_index() {
    let whole = bytes("index-at-end.mp4");
    let error = probe_content("a.mp4", &whole[..position(&whole, b"moov") - 4]).unwrap_err();
    assert_error(error, Code::MovieDamaged, "a.mp4", &["no index (moov)", "stopped before it finished"]);
}

#[test]
fn a_table_that_claims_more_than_it_holds_is_damage() {
    let mut wrong = bytes("h264.mp4");
    let table = position(&wrong, b"stts");
    wrong[table + 8..table + 12].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_error(probe_content("a.mp4", &wrong).unwrap_err(), Code::MovieDamaged, "a.mp4", &["stts"]);
}

#[test]
fn a_movie_with_endless_boxes_is_given_up() {
    let boxes = [&8u32.to_be_bytes()[..], b"free"].concat().repeat(100_000);
    let content = [&bytes("h264.mp4")[..32], &boxes].concat();
    assert_eq!(probe_content("a.mp4", &content).unwrap_err().code, Code::MovieDamaged);
}

#[test]
fn an_index_beyond_all_size_is_not_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.mp4");
    fs::write(&path, [&bytes("h264.mp4")[..32], &(3u32 << 30).to_be_bytes(), b"moov"].concat()).unwrap();
    // A file with a hole: it takes no room on disk.
    File::options().write(true).open(&path).unwrap().set_len((3 << 30) + 32).unwrap();
    assert_error(probe(&path).unwrap_err(), Code::MovieDamaged, "a.mp4", &["3221225464 bytes"]);
}

// Images.

#[test]
fn images_are_read() {
    for (name, format, file_type) in [("still.jpg", ImageFormat::Jpeg, ".jpg"), ("still.png", ImageFormat::Png, ".png")]
    {
        let media = media(name);
        let Kind::Image(image) = &media.kind else { panic!("{name} is a movie") };
        assert_eq!((image.width, image.height, image.format), (120, 68, format));
        assert_eq!((media.file_type.as_str(), media.warnings.as_slice()), (file_type, &[][..]));
        verdict(&media).unwrap();
    }
}

#[test]
fn an_image_that_is_cut_off_anywhere_is_reported_as_damaged() {
    for name in ["still.jpg", "still.png"] {
        let whole = bytes(name);
        for length in (8..whole.len()).step_by(7).chain([whole.len() - 1]) {
            let error = probe_content(name, &whole[..length]).expect_err(&format!("{name} cut to {length} bytes"));
            assert_error(error, Code::ImageDamaged, name, &["Render or copy it again"]);
        }
    }
}

#[test]
fn the_end_of_a_preview_is_not_the_end_of_the_image() {
    let whole = bytes("still.jpg");
    let preview = [&b"\xff\xe1"[..], &(2 + whole.len() as u16).to_be_bytes(), &whole].concat();
    let with_preview = [&whole[..2], &preview, &whole[2..]].concat();
    let Kind::Image(image) = probe_content("a.jpg", &with_preview).unwrap().kind else { panic!("a movie") };
    assert_eq!((image.width, image.height), (120, 68));
    let cut = &with_preview[..with_preview.len() - 2];
    assert_eq!(probe_content("a.jpg", cut).unwrap_err().code, Code::ImageDamaged);
}

#[test]
fn an_image_without_width_or_height_is_damaged() {
    let mut png = bytes("still.png");
    png[16..20].fill(0);
    assert_error(probe_content("a.png", &png).unwrap_err(), Code::ImageDamaged, "a.png", &["0x68"]);
    let mut jpeg = bytes("still.jpg");
    let frame = position(&jpeg, b"\xff\xc0");
    jpeg[frame + 5..frame + 7].fill(0);
    assert_error(probe_content("a.jpg", &jpeg).unwrap_err(), Code::ImageDamaged, "a.jpg", &["120x0"]);
}

#[test]
fn a_jpeg_in_printing_colours_is_a_warning_and_one_of_a_rare_kind_is_refused() {
    let mut printing = bytes("still.jpg");
    let frame = position(&printing, b"\xff\xc0");
    printing[frame + 9] = 4;
    assert_eq!(probe_content("a.jpg", &printing).unwrap().warnings, [Warning::Cmyk]);
    let mut lossless = bytes("still.jpg");
    lossless[frame + 1] = 0xc3;
    assert_error(probe_content("a.jpg", &lossless).unwrap_err(), Code::NotMedia, "a.jpg", &["lossless JPEG"]);
}

#[test]
fn other_images_are_refused_by_name() {
    for (name, format) in [("still.exr", "OpenEXR"), ("still.tif", "TIFF"), ("still.dpx", "DPX")] {
        assert_refused(name, Code::NotMedia, &[format, "jpg or png"]);
    }
    let error = probe_content("a.png", b"8BPS\0\x01 and so on").unwrap_err();
    assert_error(error, Code::NotMedia, "a.png", &["Photoshop"]);
}

// The file itself.

#[test]
fn a_path_without_a_file_is_told() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing.mp4");
    assert_error(probe(&missing).unwrap_err(), Code::FileNotFound, "missing.mp4", &["does not exist"]);
    let below_a_file = sample("h264.mp4").join("frame.png");
    assert_error(probe(&below_a_file).unwrap_err(), Code::FileNotFound, "frame.png", &["does not exist"]);
}

#[test]
fn a_directory_is_no_file() {
    let folder = TempDir::new().unwrap();
    assert_error(probe(folder.path()).unwrap_err(), Code::NotAFile, folder.path().to_str().unwrap(), &["directory"]);
}

#[test]
fn an_empty_file_is_told() {
    assert_error(probe_content("render.mp4", b"").unwrap_err(), Code::FileEmpty, "render.mp4", &["did not finish"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_a_device_and_a_socket_are_no_files_and_are_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe.mp4");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_error(probe(&pipe).unwrap_err(), Code::NotAFile, "pipe.mp4", &["pipe"]);
    assert_error(probe(Path::new("/dev/zero")).unwrap_err(), Code::NotAFile, "/dev/zero", &["device"]);
    let socket = folder.path().join("socket.mp4");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert_error(probe(&socket).unwrap_err(), Code::NotAFile, "socket.mp4", &["socket"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("private.mp4");
    fs::write(&path, bytes("h264.mp4")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        println!("this user may read everything: left out");
        return;
    }
    assert_error(probe(&path).unwrap_err(), Code::FileUnreadable, "private.mp4", &["cannot be opened"]);
}

#[test]
fn a_fingerprint_notices_every_kind_of_change() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.mp4");
    fs::write(&path, bytes("h264.mp4")).unwrap();
    let source = check_source(&path).unwrap();
    let before = source.fingerprint();
    assert_eq!(before.difference(&Fingerprint::of(source.file()).unwrap()), None);
    source.check_unchanged().unwrap();

    // The same length and another content: only the time tells.
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(10)).unwrap();
    assert_error(source.check_unchanged().unwrap_err(), Code::FileChanged, "a.mp4", &["written again"]);

    file.set_len(before.size + 5).unwrap();
    assert!(before.difference(&Fingerprint::at(&path).unwrap()).unwrap().contains(&format!("to {}", before.size + 5)));

    let next = folder.path().join("next.mp4");
    fs::write(&next, bytes("h264.mp4")).unwrap();
    fs::rename(&next, &path).unwrap();
    if cfg!(unix) {
        assert!(before.difference(&Fingerprint::at(&path).unwrap()).unwrap().contains("replaced"));
    }
}

// What ftrack's player is told.

#[test]
fn ftr_meta_counts_frames_from_zero_and_includes_the_last() {
    assert_eq!(
        ftr_meta(&media("23976.mp4"), true),
        json!({"frameIn": 0, "frameOut": 47, "frameRate": 24_000.0 / 1001.0, "width": 160, "height": 90})
    );
    assert_eq!(ftr_meta(&media("25.mp4"), false), json!({"frameIn": 0, "frameOut": 24, "frameRate": 25.0}));
}

#[test]
fn ftr_meta_has_the_size_that_is_shown() {
    let meta = ftr_meta(&media("rotated.mp4"), true);
    assert_eq!((&meta["width"], &meta["height"]), (&json!(90), &json!(160)));
}

#[test]
fn ftr_meta_of_an_image_says_so() {
    assert_eq!(ftr_meta(&media("still.png"), true), json!({"format": "image", "width": 120, "height": 68}));
    assert_eq!(ftr_meta(&media("still.jpg"), false), json!({"format": "image"}));
}
