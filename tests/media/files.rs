//! What is told of the file itself, and that it changed.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use ftreview::media::probe;
use ftreview::session::Code;
use ftreview::session::source::{Fingerprint, Source};
use tempfile::TempDir;

use super::{assert_error, bytes, probe_content, sample};

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
    let source = Source::open(&path).unwrap();
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
