//! Which ffmpeg is taken, and what is said where there is none.

use std::ffi::OsString;
use std::fs;
use std::future::pending;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ftreview::media::ffmpeg::{Environment, Ffmpeg, Input, Settings};
use ftreview::session::{Code, Error, Result};

use crate::support::{Studio, block_on, real, script};

fn find(given: Option<&Path>, variables: &[(&str, &str)]) -> Result<Ffmpeg> {
    let environment =
        Environment::new(variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))));
    block_on(Ffmpeg::find(given, &environment, pending()))
}

#[track_caller]
fn missing(result: Result<Ffmpeg>, words: &[&str]) {
    let error: Error = result.unwrap_err();
    assert_eq!(error.code, Code::FfmpegMissing, "{error}");
    for word in words {
        assert!(error.message.contains(word), "\"{word}\" is not in: {error}");
    }
}

const GOOD: &str = r#"case "$*" in
*-version) echo "ffmpeg version 6.1-fake Copyright";;
*-encoders) echo " V....D libx264  H.264";;
esac"#;

#[test]
fn the_path_is_searched_in_its_order_and_only_its_absolute_folders() {
    let studio = Studio::new();
    for folder in ["one", "two", "three"] {
        fs::create_dir(studio.path(folder)).unwrap();
    }
    script(&studio.path("two/ffmpeg"), GOOD);
    script(&studio.path("three/ffmpeg"), GOOD);
    // The first one has a file of that name that nobody may run.
    fs::write(studio.path("one/ffmpeg"), "no").unwrap();
    let folders = ["", ".", "bin", "/nowhere", "one", "two", "three"].map(|folder| match folder {
        "one" | "two" | "three" => studio.path(folder).display().to_string(),
        other => other.to_owned(),
    });
    let found = find(None, &[("PATH", &folders.join(":"))]).unwrap();
    assert_eq!(found.path, studio.path("two/ffmpeg"));
    assert_eq!((found.version.as_str(), found.has_x264), ("6.1-fake", true));
    // A name alone is looked for too; a path is taken as it is.
    script(&studio.path("three/ffmpeg-6.1"), GOOD);
    let found = find(Some(Path::new("ffmpeg-6.1")), &[("PATH", &folders.join(":"))]).unwrap();
    assert_eq!(found.path, studio.path("three/ffmpeg-6.1"));
    assert_eq!(find(Some(&studio.path("three/ffmpeg")), &[]).unwrap().path, studio.path("three/ffmpeg"));
}

#[test]
fn where_there_is_none_it_is_said_where_was_looked_and_what_to_do() {
    let studio = Studio::new();
    let folder = studio.folder.path().display().to_string();
    missing(find(None, &[]), &["PATH is not set", "install"]);
    missing(find(None, &[("PATH", &folder)]), &[&folder, "install"]);
    missing(find(Some(&studio.path("ffmpeg")), &[]), &["does not exist", &folder]);
    missing(find(Some(studio.folder.path()), &[]), &["folder"]);
    fs::write(studio.path("text"), "text").unwrap();
    missing(find(Some(&studio.path("text")), &[]), &["may not be run"]);
    fs::set_permissions(studio.path("text"), fs::Permissions::from_mode(0o755)).unwrap();
    missing(find(Some(&studio.path("text")), &[]), &["cannot be run"]);
    script(&studio.path("other"), "echo hello; echo sorry >&2; exit 3");
    missing(find(Some(&studio.path("other")), &[]), &["exit status 3", "hello", "sorry"]);
    script(&studio.path("dies"), "kill -SEGV $$");
    missing(find(Some(&studio.path("dies")), &[]), &["signal 11"]);
}

#[test]
fn one_without_libx264_is_said_to_lack_it_and_nothing_else_is_guessed() {
    let studio = Studio::new();
    script(&studio.path("ffmpeg"), &GOOD.replace("libx264", "libopenh264"));
    let ffmpeg = find(Some(&studio.path("ffmpeg")), &[]).unwrap();
    assert!(!ffmpeg.has_x264);
    let input = Input::Movie(studio.path("a.mov"));
    let output = studio.path("out.mp4");
    let work = ftreview::media::ffmpeg::transcode(&ffmpeg, input, Settings::default(), &output, |_| (), pending());
    let error = block_on(work).unwrap_err();
    assert!(error.code == Code::FfmpegMissing && error.message.contains("libx264"), "{error}");
}

#[test]
fn a_hosts_own_libraries_are_left_out_where_they_break_it() {
    let studio = Studio::new();
    let breaks = format!("if [ -n \"$LD_LIBRARY_PATH\" ]; then echo 'symbol lookup error' >&2; exit 127; fi\n{GOOD}");
    script(&studio.path("ffmpeg"), &breaks);
    let path = studio.path("ffmpeg");
    assert!(!find(Some(&path), &[]).unwrap().without_host_libraries);
    assert!(find(Some(&path), &[("LD_LIBRARY_PATH", "/opt/maya/lib")]).unwrap().without_host_libraries);
    script(&path, "echo 'symbol lookup error' >&2; exit 127");
    missing(find(Some(&path), &[("LD_LIBRARY_PATH", "/opt/maya/lib")]), &["symbol lookup error"]);
}

#[test]
fn the_keys_of_the_server_are_not_given_to_it() {
    let studio = Studio::new();
    let tells = format!("env > '{}'\n{GOOD}", studio.path("seen").display());
    script(&studio.path("ffmpeg"), &tells);
    find(
        Some(&studio.path("ffmpeg")),
        &[("FTRACK_API_KEY", "secret1"), ("FTRACK_APIKEY", "secret2"), ("FFREPORT", "level=48"), ("STUDIO", "kept")],
    )
    .unwrap();
    let seen = fs::read_to_string(studio.path("seen")).unwrap();
    assert!(seen.contains("STUDIO=kept") && !seen.contains("secret") && !seen.contains("FFREPORT"), "{seen}");
    let environment = Environment::new([("A".into(), "private".into())]);
    assert!(!format!("{environment:?}").contains("private"));
}

#[test]
fn the_real_one_is_found_on_the_path() {
    let ffmpeg = real!();
    assert!(ffmpeg.path.is_absolute() && ffmpeg.has_x264 && !ffmpeg.version.is_empty());
}
