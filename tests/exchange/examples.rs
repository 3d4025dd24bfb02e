//! The programs in examples/c that go with this, which people copy: they compile strictly, and do what they say.

use super::depot::{Depot, ID, Serve};
use super::ftrack_support::{Act, KEY, answer};
use super::host::file;
use super::http_upload::{Studio, USER, parts};
use super::support::build::program;
use super::support::reviewer::Reviewer;
use super::support::run::{command, run};
use super::support::server::Staging;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// An example with a server and a user in the environment.
fn example(name: &str, url: &str) -> Command {
    static PROGRAMS: [OnceLock<PathBuf>; 3] = [const { OnceLock::new() }; 3];
    let index = ["http_upload", "download", "remove"].iter().position(|known| *known == name).unwrap();
    let compile = || program(&format!("examples/c/{name}.c"), &format!("exchange-{name}"));
    let mut example = command(PROGRAMS[index].get_or_init(compile));
    example.env("FTRACK_SERVER", url).env("FTRACK_API_USER", USER).env("FTRACK_API_KEY", KEY);
    example
}

#[test]
fn http_upload_sends_fields_prints_the_answer_and_tells_what_nobody_knows_by_its_exit_code() {
    let studio = Studio::acting([
        Act::Answer(answer(200, "{\"id\": 17}")),
        Act::Close,
        Act::Answer(answer(403, "{\"error\": \"not you\"}")),
    ]);
    let movie = file(studio.folder.path(), "comp.mov", b"a movie");
    let upload = || {
        let mut upload = example("http_upload", studio.server.url.as_str());
        upload.arg("/studio/review").arg(&movie).args(["shot=sh010", "say=\"a\\b\"\t= c"]);
        run(upload)
    };
    let taken = upload().succeeded();
    assert_eq!(taken.out, "{\"id\": 17}\n");
    assert!(taken.err.contains("7 of 7 bytes"), "{}", taken.account());
    let parts = parts(&studio.posts()[0]);
    assert_eq!((parts[0].1.as_slice(), parts[1].1.as_slice()), (&b"sh010"[..], &b"\"a\\b\"\t= c"[..]));
    assert_eq!(upload().status.code(), Some(3));
    let refused = upload();
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.err.contains("not you"), "{}", refused.account());
    let mut wrong = example("http_upload", studio.server.url.as_str());
    wrong.args(["/studio/review", "comp.mov", "no-equals-sign"]);
    assert_eq!(run(wrong).status.code(), Some(2));
}

#[test]
fn download_writes_the_file_once_and_over_it_only_when_it_is_told_to() {
    let depot = Depot::serving(300_000, [Serve::Break(100_000), Serve::Good]);
    let run_with = |arguments: &[&str]| {
        let mut download = example("download", &depot.url);
        download.args(arguments);
        run(download)
    };
    let target = depot.target();
    let target = target.to_str().unwrap();
    let ended = run_with(&[ID, target]).succeeded();
    assert!(ended.err.contains("of 300000 bytes"), "{}", ended.account());
    depot.assert_whole();
    let again = run_with(&[ID, target]);
    assert_eq!(again.status.code(), Some(1));
    assert!(again.err.contains("FTR_E_FILE_EXISTS"), "{}", again.account());
    run_with(&["--overwrite", ID, target]).succeeded();
    assert_eq!(run_with(&[ID]).status.code(), Some(2));
}

#[test]
fn a_download_whose_program_was_killed_goes_on_from_what_is_there() {
    let size = 70 << 20;
    let depot = Depot::serving(size, [Serve::Stall(size - 1000), Serve::Good]);
    let mut download = example("download", &depot.url);
    let mut child = download.arg(ID).arg(depot.target()).stderr(Stdio::null()).spawn().unwrap();
    let note = depot.folder.path().join("comp.mov.part.json");
    // So much was flushed to the disk.
    while !std::fs::read_to_string(&note).is_ok_and(|note| !note.contains("\"flushed\":0")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut again = example("download", &depot.url);
    again.arg(ID).arg(depot.target());
    run(again).succeeded();
    depot.assert_whole();
    let rest = depot.ranges()[1].strip_prefix("bytes=").unwrap().trim_end_matches('-').parse::<usize>().unwrap();
    assert!(rest >= 64 << 20, "{rest}");
}

#[test]
fn remove_prints_what_it_removed() {
    let server = Staging::start();
    let version = Reviewer::new(server.url(), "a-script").version();
    let removed = |arguments: &[&str]| {
        let mut remove = example("remove", server.url());
        server.tell(&mut remove);
        remove.args(arguments);
        run(remove)
    };
    let ended = removed(&["AssetVersion", &version]).succeeded();
    assert!(ended.out.contains(&version), "{}", ended.account());
    assert_eq!(server.count("asset_version"), 0);
    let again = removed(&["AssetVersion", &version]);
    assert_eq!(again.status.code(), Some(1));
    assert!(again.err.contains("there is no AssetVersion"), "{}", again.account());
    assert_eq!(removed(&["Shot", &version]).status.code(), Some(1));
    assert_eq!(removed(&[]).status.code(), Some(2));
}
