//! The programs in examples/c, which people copy: they compile strictly everywhere, and do what they say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's failure is a panic
#![cfg(target_os = "linux")]

mod support;

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use support::build::{STRICT, compiled, program};
use support::reviewer::Reviewer;
use support::run::{command, finish, run};
use support::server::{CONTEXT, Silent, Staging, environment, nobody, web_site};
use support::{is_there, repository, sample};

const EXAMPLES: [&str; 9] =
    ["minimal", "publish", "poll_loop", "control", "watch", "http_upload", "outbox", "files", "review"];

#[test]
fn the_examples_compile_without_a_warning_with_gcc_and_clang() {
    for compiler in ["gcc", "clang"] {
        for example in EXAMPLES.iter().filter(|_| is_there(compiler)) {
            for optimise in ["-O0", "-O2"] {
                let mut command = Command::new(compiler);
                command.args(STRICT).args([optimise, "-c", "-o", "/dev/null", "-I"]).arg(repository("include"));
                compiled({
                    command.arg(repository(&format!("examples/c/{example}.c")));
                    command
                });
            }
        }
    }
}

#[test]
fn the_smallest_program_has_less_than_sixty_lines_and_publishes() {
    let source = std::fs::read_to_string(repository("examples/c/minimal.c")).unwrap();
    assert!(source.lines().count() < 60, "{}", source.lines().count());

    let server = Staging::start();
    let mut minimal = example("minimal");
    server.tell(&mut minimal);
    minimal.arg(sample("h264.mp4")).arg(CONTEXT);
    let ended = run(minimal).succeeded();
    assert!(ended.out.starts_with("version 1: http://127.0.0.1:"), "{}", ended.account());
    assert_eq!(server.count("asset_version"), 1);
}

#[test]
fn publish_prints_ids_that_are_on_the_server_and_tells_progress_elsewhere() {
    let server = Staging::start();
    let publish = || {
        let mut publish = example("publish");
        server.tell(&mut publish);
        publish.args(["--context", CONTEXT, "--asset=comp", "--comment", "Softer key light"]);
        publish.args(["--status", "Pending Review", "--thumbnail"]).arg(sample("still.jpg")).arg(sample("h264.mp4"));
        run(publish).succeeded()
    };
    let first = publish();
    assert!(first.out.starts_with("Published comp version 1\n"), "{}", first.account());
    assert_eq!(first.value("component_name"), "ftrackreview-mp4");
    assert!(first.value("link").contains(first.value("version_id")), "{}", first.account());
    assert!(first.err.contains("100 %"), "{}", first.account());
    assert!(!first.err.contains('\r') && !first.err.contains("warning"), "{}", first.account());

    let second = publish();
    assert!(second.out.starts_with("Published comp version 2\n"), "{}", second.account());
    assert_eq!(second.value("asset_id"), first.value("asset_id"));
    assert_eq!(server.count("asset_version"), 2);
    for (id, table) in [("version_id", "asset_version"), ("component_id", "component"), ("thumbnail_id", "component")] {
        let known = format!("{table} WHERE id = '{}'", second.value(id));
        assert_eq!(server.count(&known), 1, "{known}");
    }
}

#[test]
fn publish_ends_with_the_codes_that_its_help_explains() {
    let help = run(with(&["--help"], "")).succeeded();
    let server = Staging::start();
    let movie = sample("h264.mp4");
    let [movie, no_picture] =
        [movie.to_str().unwrap(), repository("tests/data/media/sound-only.m4a").to_str().unwrap()].map(str::to_owned);
    let (url, nobody) = (server.url(), nobody());
    let [web_site, no_tls] = ["http", "https"].map(|scheme| format!("{scheme}://{}", web_site()));
    let cases: [(i32, &str, &[&str], &str); 13] = [
        (1, url, &["--context", CONTEXT, "no-such-file.mp4"], "FTR_E_FILE_NOT_FOUND"),
        (1, url, &["--context", CONTEXT, &no_picture], "FTR_E_MOVIE_NO_VIDEO"),
        (1, url, &["--context", "demo/nowhere", &movie], "FTR_E_UNKNOWN_CONTEXT"),
        (2, url, &[&movie], "FTRACK_CONTEXTID"),
        (2, url, &[], "no file"),
        (2, url, &["--context"], "--context"),
        (2, url, &["--shiny", &movie], "--shiny"),
        (2, url, &["--timeout", "soon", &movie], "--timeout"),
        (3, "ftp://studio", &["--context", CONTEXT, &movie], "FTRACK_SERVER"),
        (3, url, &["--context", CONTEXT, "--user", "nobody", &movie], "FTR_E_UNAUTHORISED"),
        (3, &web_site, &["--context", CONTEXT, &movie], "FTR_E_WRONG_SERVER"),
        (3, &no_tls, &["--context", CONTEXT, &movie], "FTR_E_TLS"),
        (4, &nobody, &["--context", CONTEXT, &movie], "FTR_E_UNREACHABLE"),
    ];
    for (code, url, arguments, word) in cases {
        let ended = run(with(arguments, url));
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {}", ended.account());
        assert!(ended.err.contains(word), "{word}: {}", ended.account());
        assert!(ended.out.is_empty(), "{}", ended.account());
        assert!(help.out.contains(&format!("\n    {code}  ")), "{code} in {}", help.out);
    }
    assert_eq!(server.count("asset_version"), 0);
}

#[test]
fn ctrl_c_cancels_and_leaves_nothing_on_the_server() {
    let server = Staging::start();
    let folder = tempfile::tempdir().unwrap();
    let movie = long_movie(folder.path());
    let mut publish = with(&["--context", CONTEXT, movie.to_str().unwrap()], server.url());
    let mut child = publish.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let before = until(child.stderr.as_mut().unwrap(), "uploading");
    interrupt(child.id());
    let ended = finish(child);
    assert_eq!(ended.status.code(), Some(130), "{before}{}", ended.account());
    assert!(ended.err.contains("the unfinished upload stays on the server"), "{}", ended.account());
    assert!(ended.err.contains("cancelled, nothing was published"), "{}", ended.account());
    assert_eq!((server.count("asset_version"), server.count("component")), (0, 0));

    // A server that never answers is no reason to wait either.
    let silent = Silent::start();
    let mut publish = with(&["--context", CONTEXT, movie.to_str().unwrap()], &silent.url());
    let mut child = publish.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(child.stderr.as_mut().unwrap(), "resolving");
    interrupt(child.id());
    let ended = finish(child);
    assert_eq!(ended.status.code(), Some(130), "{}", ended.account());
}

#[test]
fn the_time_limit_cancels_and_says_that_it_may_be_tried_again() {
    let silent = Silent::start();
    let movie = sample("h264.mp4");
    let ended = run(with(&["--context", CONTEXT, "--timeout", "1", movie.to_str().unwrap()], &silent.url()));
    assert_eq!(ended.status.code(), Some(4), "{}", ended.account());
    assert!(ended.err.contains("the time is over"), "{}", ended.account());
}

#[test]
fn on_a_terminal_one_line_is_redrawn() {
    let server = Staging::start();
    let folder = tempfile::tempdir().unwrap();
    let (host, terminal) = pseudo_terminal();
    let mut publish = with(&["--context", CONTEXT, long_movie(folder.path()).to_str().unwrap()], server.url());
    let mut child = publish.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::from(terminal)).spawn().unwrap();
    // The command keeps the terminal's other end open.
    drop(publish);
    let reader = std::thread::spawn(move || {
        let (mut host, mut shown) = (std::fs::File::from(host), Vec::new());
        // Linux answers with EIO when the last program has closed the terminal.
        let _ = host.read_to_end(&mut shown);
        String::from_utf8_lossy(&shown).into_owned()
    });
    child.stderr = Some(std::process::ChildStderr::from(OwnedFd::from(std::fs::File::open("/dev/null").unwrap())));
    finish(child).succeeded();
    let shown = reader.join().unwrap();
    let lines: Vec<&str> = shown.split('\r').filter(|line| line.contains("[#")).collect();
    assert!(lines.len() > 2, "{shown:?}");
    assert!(lines.iter().all(|line| !line.contains('\n')), "{shown:?}");
    assert!(lines.iter().all(|line| line.trim_end().chars().count() < 80), "{shown:?}");
    assert!(shown.contains("[####################] 100 %") && shown.contains("MB/s"), "{shown:?}");
}

#[test]
fn the_key_is_never_shown() {
    let server = Staging::start();
    let movie = sample("h264.mp4");
    for key in [ftreview_sandbox::config::DEMO_KEY, "a-key-that-is-wrong"] {
        let mut publish = with(&["--verbose", "--context", CONTEXT, movie.to_str().unwrap()], server.url());
        publish.env("FTRACK_API_KEY", key);
        let ended = run(publish);
        assert!(ended.err.contains("debug ftrack: "), "{}", ended.account());
        assert!(!ended.out.contains(key) && !ended.err.contains(key), "{}", ended.account());
    }
}

#[test]
fn the_loop_publishes_what_it_is_told_while_it_waits_for_both() {
    let server = Staging::start();
    let mut poll_loop = example("poll_loop");
    server.tell(&mut poll_loop);
    poll_loop.arg(CONTEXT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = poll_loop.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "status\n{}", sample("h264.mp4").display()).unwrap();
    // Told without any more input: the library's descriptor alone wakes the loop.
    let first = until(child.stdout.as_mut().unwrap(), "published h264 version 1");
    assert!(first.starts_with("0 running, 0 failed"), "{first}");
    write!(input, "no-such-file.mp4\n{}", sample("still.png").display()).unwrap();
    drop(input);
    let ended = finish(child);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.account());
    assert!(ended.out.contains("published still version 1"), "{}", ended.account());
    assert!(ended.out.contains("no-such-file.mp4"), "{}", ended.account());
}

#[test]
fn watch_prints_what_reviewers_do_until_ctrl_c_in_either_loop() {
    for with_poll in [false, true] {
        let server = Staging::start();
        let mut watch = example("watch");
        server.tell(&mut watch);
        watch.args(with_poll.then_some("--poll")).arg(CONTEXT).arg(sample("still.png"));
        watch.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = watch.spawn().unwrap();
        let link = until(child.stdout.as_mut().unwrap(), "\n");
        assert!(link.starts_with("published still version 1: http"), "{link}");
        let reviewer = Reviewer::new(server.url(), "a-browser");
        let version = reviewer.first("AssetVersion", None);
        reviewer.note(&version, "Softer", Some(12));
        let note = until(child.stdout.as_mut().unwrap(), "\n");
        assert!(note.starts_with("note by ") && note.ends_with(" on frame 12: Softer\n"), "{note}");
        reviewer.update("AssetVersion", &version, serde_json::json!({"status_id": reviewer.status("Approved")}));
        assert_eq!(until(child.stdout.as_mut().unwrap(), "\n"), "approved (Approved)\n");
        if with_poll {
            let mut input = child.stdin.take().unwrap();
            until(child.stderr.as_mut().unwrap(), "connected to the event hub\n");
            writeln!(input, "hello\nstatus").unwrap();
            until(child.stdout.as_mut().unwrap(), "hub: connected, ");
            until(child.stdout.as_mut().unwrap(), "heard {\"text\":\"hello\"}\n");
            // Still open while it is interrupted.
            interrupt(child.id());
            finish(child).succeeded();
            drop(input);
        } else {
            interrupt(child.id());
            finish(child).succeeded();
        }
    }
}

#[test]
fn review_publishes_with_a_note_and_a_list_into_a_review_session_and_invites_once() {
    let server = Staging::start();
    let review = |more: &[&str]| {
        let mut review = example("review");
        server.tell(&mut review);
        review.args(["--session", "Friday \"final\"", "--list", "Dailies", "--note", "Softer", "--frame", "12"]);
        review.args(["--invite", "anna@client.com", "--invite", "bert@client.com", "--key", "farm 17"]);
        review.args(more).arg(CONTEXT).arg(sample("still.png"));
        run(review)
    };
    let first = review(&[]).succeeded();
    assert!(first.err.is_empty(), "{}", first.account());
    let second = review(&[]).succeeded();
    for key in ["version_id", "note_id", "review_session_id"] {
        assert_eq!(first.value(key), second.value(key), "{}", second.account());
    }
    for (table, count) in [
        ("asset_version", 1),
        ("note WHERE frame_number = 12", 1),
        ("list_object", 1),
        ("review_session WHERE name = 'Friday \"final\"'", 1),
        ("review_session_object", 1),
        ("review_session_invitee WHERE last_sent_at IS NOT NULL", 2),
    ] {
        assert_eq!(server.count(table), count, "{table}");
    }
    let wrong = review(&["--invite", "nobody"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", wrong.account());
    assert!(wrong.err.contains("\"nobody\" has no @"), "{}", wrong.account());
}

#[test]
fn review_has_the_server_encode_and_gives_a_version_new_media() {
    if !is_there("ffmpeg") {
        return;
    }
    let server = Staging::start();
    let review = |arguments: &[&str], file: &str| {
        let mut review = example("review");
        server.tell(&mut review);
        review.args(arguments).arg(sample(file));
        run(review).succeeded()
    };
    let first = review(&[CONTEXT], "h264.mp4");
    let second = review(&["--encode", "--into", first.value("version_id")], "prores.mov");
    assert_eq!(second.value("version_id"), first.value("version_id"));
    assert!(second.value("components").contains("ftrackreview-mp4"), "{}", second.account());
    assert_eq!(server.count("asset_version"), 1);
    assert_eq!(server.count("component WHERE name = 'ftrackreview-mp4'"), 1);
    assert_eq!(server.count(&format!("job WHERE id = '{}' AND status = 'done'", second.value("encode_job_id"))), 1);
}

#[test]
fn an_upload_is_capped_paused_resumed_and_let_go_by_the_one_who_watches_it() {
    let server = Staging::start();
    let folder = tempfile::tempdir().unwrap();
    let mut child = control(&server, &long_movie(folder.path()));
    let mut input = child.stdin.take().unwrap();
    let output = child.stdout.as_mut().unwrap();
    writeln!(input, "cap 2000000\npause").unwrap();
    until(output, "paused\n");
    let mut sent = || {
        writeln!(input, "status").unwrap();
        let line = until(output, " in storage\n");
        line.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    // What had been handed to the connections before is still told for a moment.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let resting = sent();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(sent(), resting);
    assert_eq!(server.count("asset_version"), 0);
    writeln!(input, "resume").unwrap();
    until(output, "resumed\n");
    writeln!(input, "cap 0").unwrap();
    until(output, "published long version 1\n");
    drop(input);
    finish(child).succeeded();
    assert_eq!(server.count("asset_version"), 1);
}

#[test]
fn an_upload_that_is_paused_can_be_cancelled_and_leaves_nothing() {
    let server = Staging::start();
    let folder = tempfile::tempdir().unwrap();
    let mut child = control(&server, &long_movie(folder.path()));
    let mut input = child.stdin.take().unwrap();
    let output = child.stdout.as_mut().unwrap();
    writeln!(input, "pause").unwrap();
    until(output, "paused\n");
    writeln!(input, "cancel").unwrap();
    let told = until(output, "nothing of it is left\n");
    assert!(told.contains("cancelled: "), "{told}");
    assert_eq!(finish(child).status.code(), Some(1));
    assert_eq!((server.count("asset_version"), server.count("component")), (0, 0));
}

#[test]
fn an_upload_whose_process_was_killed_goes_on_in_another_which_sends_only_the_rest() {
    let server = Staging::start();
    let folder = tempfile::tempdir().unwrap();
    let movie = long_movie(folder.path());
    let mut child = journaled(&server, &movie, folder.path());
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "cap 20000000").unwrap();
    let mut stored = 0;
    while stored < 16 << 20 {
        writeln!(input, "status").unwrap();
        let line = until(child.stdout.as_mut().unwrap(), " in storage\n");
        stored = line.split(", ").nth(1).unwrap().split(' ').next().unwrap().parse::<u64>().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    finish(child);
    server.forget_requests();

    for version in ["published long version 1\n"; 2] {
        let mut child = journaled(&server, &movie, folder.path());
        until(child.stdout.as_mut().unwrap(), version);
        finish(child).succeeded();
    }
    // 8 parts of 8 MiB: two at least were in storage, and the third try found that all was done.
    let sent = server.requests().iter().filter(|line| line.starts_with("PUT ")).count();
    assert!((1..=6).contains(&sent), "{:?}", server.requests());
    assert_eq!((server.count("asset_version"), server.count("component")), (1, 1));
    assert_eq!(std::fs::read_dir(folder.path().join("journal")).unwrap().count(), 0);
}

#[test]
fn files_publishes_a_movie_with_its_source_and_its_frames() {
    let server = Staging::start();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("comp_v003.nk");
    std::fs::write(&script, "Root { }").unwrap();
    for frame in 1001..=1003 {
        std::fs::copy(sample("still.png"), folder.path().join(format!("beauty.{frame}.png"))).unwrap();
    }
    let mut files = example("files");
    server.tell(&mut files);
    files.arg(CONTEXT).arg(sample("h264.mp4")).arg("--source").arg(&script);
    files.arg("--frames").arg(folder.path().join("beauty.%04d.png"));
    let ended = run(files).succeeded();
    for name in ["ftrackreview-mp4", "comp_v003", "beauty"] {
        assert!(ended.value("components").contains(&format!("\"{name}\"")), "{}", ended.account());
    }
}

fn journaled(server: &Staging, movie: &Path, folder: &Path) -> std::process::Child {
    let mut control = example("control");
    control.env("FTREVIEW_JOURNAL", folder.join("journal"));
    controlled(control, server, movie)
}

fn control(server: &Staging, movie: &Path) -> std::process::Child {
    controlled(example("control"), server, movie)
}

fn controlled(mut control: Command, server: &Staging, movie: &Path) -> std::process::Child {
    server.tell(&mut control);
    control.arg(movie).arg(CONTEXT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    control.spawn().unwrap()
}

/// One of the examples, compiled once.
fn example(name: &str) -> Command {
    static PROGRAMS: [OnceLock<PathBuf>; EXAMPLES.len()] = [const { OnceLock::new() }; EXAMPLES.len()];
    let index = EXAMPLES.iter().position(|known| *known == name).unwrap();
    let mut example =
        command(PROGRAMS[index].get_or_init(|| program(&format!("examples/c/{name}.c"), &format!("example-{name}"))));
    // No ffmpeg: what is published does not depend on the machine.
    example.env("PATH", "/nowhere");
    example
}

/// publish with arguments, and a server in the environment.
fn with(arguments: &[&str], url: &str) -> Command {
    let mut publish = example("publish");
    environment(&mut publish, url);
    publish.args(arguments);
    publish
}

/// A movie of 64 MB: a real one, and a box that players skip.
fn long_movie(folder: &Path) -> PathBuf {
    const MORE: u32 = 64_000_000;
    let mut bytes = std::fs::read(sample("h264.mp4")).unwrap();
    let whole = bytes.len() + MORE as usize;
    bytes.extend(MORE.to_be_bytes());
    bytes.extend(b"free");
    bytes.resize(whole, 0);
    let path = folder.join("long.mp4");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Reads until the text has come; what was read.
fn until(pipe: &mut impl Read, text: &str) -> String {
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !String::from_utf8_lossy(&read).contains(text) {
        assert_eq!(pipe.read(&mut byte).unwrap(), 1, "ended before {text}: {}", String::from_utf8_lossy(&read));
        read.push(byte[0]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

fn interrupt(process: u32) {
    // SAFETY: no pointers; the process is a child that was not reaped.
    assert_eq!(unsafe { libc::kill(process as libc::pid_t, libc::SIGINT) }, 0);
}

/// Both ends of a terminal that nobody sees.
fn pseudo_terminal() -> (OwnedFd, OwnedFd) {
    let mut ends = [0; 2];
    let [host, terminal] = &mut ends;
    let null = std::ptr::null_mut();
    // SAFETY: two variables for the descriptors; name and settings may be NULL.
    assert_eq!(unsafe { libc::openpty(host, terminal, null, null.cast(), null.cast()) }, 0);
    // SAFETY: just opened, and nobody else knows them.
    let ends = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    for end in &ends {
        // SAFETY: a flag on a descriptor of ours: the program gets its own copy only.
        unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    let [host, terminal] = ends;
    (host, terminal)
}
