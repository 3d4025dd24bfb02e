//! The programs in examples/c that go with this, which people copy: they compile strictly, and do what they say.

use super::ftrack_support::{Act, KEY, answer};
use super::host::file;
use super::http_upload::{Studio, USER, parts};
use super::support::build::program;
use super::support::run::{command, run};
use std::process::Command;

/// An example with a server and a user in the environment.
fn example(name: &str, url: &str) -> Command {
    let mut example = command(program(&format!("examples/c/{name}.c"), &format!("exchange-{name}")));
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
