//! Programs that fail, hang, lie and die in the place of ffmpeg: each is an error that says so, and nothing of it is left.

use std::fs;
use std::future::{Future, pending, ready};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ftreview::media::ffmpeg::{Done, Environment, Ffmpeg, Input, Progress, Settings, transcode};
use ftreview::session::{Code, Error, Result, policy};
use tokio::sync::Notify;

use crate::support::{Studio, block_on, frames, rate, real, script};

/// A studio with a program that answers as ffmpeg does until it shall make a movie, and then does this. `$out` is where it
/// writes, and `pids` a file in the studio where it may leave the numbers of its processes.
pub fn fake(studio: &Studio, makes: &str) -> Ffmpeg {
    let body = format!(
        r#"for out; do :; done
case "$*" in
*-version) echo "ffmpeg version 6.1-fake"; exit;;
*-encoders) echo " V....D libx264"; exit;;
*showinfo*)
    echo "[Parsed_showinfo_0 @ 0x1] config in time_base: 1/24, frame_rate: 24/1" >&2
    echo "[Parsed_showinfo_0 @ 0x1] n: 0 pts: 0 fmt:rgb24 sar:1/1 s:160x90 i:P" >&2
    echo "[Parsed_showinfo_0 @ 0x1] color_range:pc color_space:gbr color_primaries:unknown color_trc:unknown" >&2
    exit;;
esac
cd '{}'
{makes}"#,
        studio.folder.path().display()
    );
    let path = studio.path("ffmpeg");
    script(&path, &body);
    for file in ["a.png", "b.png"] {
        fs::write(studio.path(file), "no picture, and nobody looks").unwrap();
    }
    let environment = Environment::new([("PATH".into(), "/usr/bin:/bin".into())]);
    block_on(Ffmpeg::find(Some(&path), &environment, pending())).unwrap()
}

pub fn input(studio: &Studio) -> Input {
    frames(&[studio.path("a.png"), studio.path("b.png")], rate(24, 1))
}

pub async fn run(
    studio: &Studio,
    ffmpeg: &Ffmpeg,
    stall: Duration,
    progress: impl Fn(Progress),
    cancelled: impl Future<Output = ()>,
) -> Result<Done> {
    let settings = Settings { stall, ..Settings::default() };
    let result = transcode(ffmpeg, input(studio), settings, &studio.path("out.mp4"), progress, cancelled).await;
    studio.assert_tidy();
    assert!(!studio.path("out.mp4").exists(), "a failure left a file");
    result
}

/// What becomes of a program that is left alone.
fn failure(makes: &str) -> Error {
    let studio = Studio::new();
    let ffmpeg = fake(&studio, makes);
    block_on(run(&studio, &ffmpeg, policy::FFMPEG_STALL, |_| (), pending())).unwrap_err()
}

/// Cancels as soon as the program has written the numbers of its processes.
pub async fn begun(studio: &Studio) {
    while read_pids(studio).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn read_pids(studio: &Studio) -> Vec<String> {
    let text = fs::read_to_string(studio.path("pids")).unwrap_or_default();
    if text.ends_with("end\n") {
        text.lines().filter(|line| *line != "end").map(str::to_owned).collect()
    } else {
        Vec::new()
    }
}

/// Nothing runs under these numbers. Ending takes a process a moment, and whoever is its parent then another.
#[track_caller]
pub fn assert_gone(pids: &[String]) {
    assert!(!pids.is_empty());
    let begun = Instant::now();
    let is_alive = |pid: &&String| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // One that was reparented may wait for a reaper that is not ours.
        !stat.is_empty() && !stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('Z'))
    };
    while let Some(pid) = pids.iter().find(is_alive) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{pid} still runs");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_last_lines_of_one_that_fails_are_in_the_error() {
    let error = failure("echo first >&2; echo '[png @ 0x5581ab] [error] the real reason' >&2; exit 7");
    assert_eq!(error.code, Code::FfmpegFailed);
    assert!(
        error.message.contains("exit status 7") && error.message.contains("first | png: the real reason"),
        "{error}"
    );
}

#[test]
fn one_that_says_nothing_is_told_so() {
    let error = failure("exit 1");
    assert!(error.message.contains("exit status 1") && error.message.contains("said nothing"), "{error}");
}

#[test]
fn control_characters_and_our_own_folder_do_not_reach_the_message() {
    let error = failure(
        r#"printf '\033[31mred\007 \377 %s\r\n' "$out" >&2; echo "bad ${out%/*}/frame00000001.png" >&2; exit 1"#,
    );
    assert!(!error.message.chars().any(char::is_control), "{error:?}");
    assert!(
        !error.message.contains(".ftr-") && error.message.contains("bad /") && error.message.contains("b.png"),
        "{error}"
    );
}

#[test]
fn mebibytes_of_words_are_bounded() {
    let error = failure(
        "yes '[error] the picture is broken' | head -c 5000000 >&2; yes x | tr -d '\\n' | head -c 3000000 >&2; exit 1",
    );
    assert_eq!(error.code, Code::FfmpegFailed);
    assert!(error.message.len() < 4000, "{}", error.message.len());
    assert!(error.message.contains("the picture is broken"), "{error}");
}

#[test]
fn one_that_dies_by_a_signal_is_told_so() {
    let error = failure("kill -SEGV $$");
    assert!(error.code == Code::FfmpegFailed && error.message.contains("signal 11"), "{error}");
    let error = failure("kill -KILL $$");
    assert!(error.message.contains("out of memory"), "{error}");
}

#[test]
fn a_full_disk_is_told_as_such() {
    let error = failure("echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 1");
    assert!(error.code == Code::FfmpegFailed && error.message.contains("is full"), "{error}");
}

#[test]
fn one_that_claims_success_and_lies_is_caught() {
    let sample =
        |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/media").join(name).display().to_string();
    for (makes, word) in [
        ("exit 0".to_owned(), "not right"),
        (": > \"$out\"".to_owned(), "empty"),
        ("echo this is no movie > \"$out\"".to_owned(), "not right"),
        (format!("cp '{}' \"$out\"", sample("444.mp4")), "yuv444p"),
        (format!("cp '{}' \"$out\"", sample("hevc.mp4")), "HEVC"),
        (format!("cp '{}' \"$out\"", sample("h264.mp4")), "24 frames"),
        (format!("cp '{}' \"$out\"", sample("25.mp4")), "frames a second"),
        (format!("cp '{}' \"$out\"", sample("large.mp4")), "4128x32"),
        (format!("head -c 2000 '{}' > \"$out\"", sample("h264.mp4")), "not right"),
    ] {
        let error = failure(&makes);
        assert!(error.code == Code::FfmpegFailed && error.message.contains(word), "{makes}: {error}");
        assert!(!error.message.contains(".ftr-"), "{error}");
    }
}

#[test]
fn one_that_hangs_is_stopped_with_all_that_it_started_and_told() {
    let studio = Studio::new();
    let ffmpeg = fake(&studio, "echo frame=1; sleep 1000 & echo $$ > pids; echo $! >> pids; echo end >> pids; wait");
    let error = block_on(run(&studio, &ffmpeg, Duration::from_secs(2), |_| (), pending())).unwrap_err();
    assert_eq!(error.code, Code::FfmpegStalled);
    assert!(error.message.contains("frame 1 of 2") && error.retryable(), "{error}");
    assert_gone(&read_pids(&studio));
}

#[test]
fn one_that_hangs_at_the_first_look_is_stopped_too() {
    let studio = Studio::new();
    // As found, and replaced by one that hangs.
    let ffmpeg = fake(&studio, "");
    script(
        &studio.path("ffmpeg"),
        &format!("cd '{}'; echo $$ > pids; echo end >> pids; exec sleep 1000", studio.folder.path().display()),
    );
    let cancelled = begun(&studio);
    let error = block_on(run(&studio, &ffmpeg, policy::FFMPEG_STALL, |_| (), cancelled)).unwrap_err();
    assert_eq!(error.code, Code::Cancelled);
    assert_gone(&read_pids(&studio));
}

#[test]
fn slow_is_not_hanging() {
    let counts = "for i in 1 2 3 4 5 6; do echo frame=$i; sleep 0.7; done; echo slow >&2; exit 1";
    let grows = "for i in 1 2 3 4 5 6; do echo x >> \"$out\"; sleep 0.7; done; echo slow >&2; exit 1";
    for makes in [counts, grows] {
        let studio = Studio::new();
        let ffmpeg = fake(&studio, makes);
        let error = block_on(run(&studio, &ffmpeg, Duration::from_secs(3), |_| (), pending())).unwrap_err();
        assert!(error.code == Code::FfmpegFailed && error.message.contains("slow"), "{makes}: {error}");
    }
}

#[test]
fn one_that_ignores_sigterm_and_its_children_are_killed_when_it_is_cancelled() {
    for makes in [
        "trap '' TERM INT; (trap '' TERM; exec sleep 1000) & echo $$ > pids; echo $! >> pids; echo end >> pids; while :; do sleep 1000; done",
        // And one that says so much that it cannot hear.
        "echo $$ > pids; echo end >> pids; trap '' TERM; while :; do echo '[error] again and again' >&2; done",
        // And one that was stopped.
        "echo $$ > pids; echo end >> pids; kill -STOP $$",
        // And one that hides: it has closed what it writes to.
        "exec >&- 2>&-; echo $$ > pids; echo end >> pids; sleep 1000",
    ] {
        let studio = Studio::new();
        let ffmpeg = fake(&studio, makes);
        let error = block_on(run(&studio, &ffmpeg, policy::FFMPEG_STALL, |_| (), begun(&studio))).unwrap_err();
        assert_eq!(error.code, Code::Cancelled, "{makes}");
        assert_gone(&read_pids(&studio));
    }
}

#[test]
fn what_it_leaves_behind_when_it_ends_is_ended() {
    let studio = Studio::new();
    let ffmpeg = fake(&studio, "sleep 1000 & echo $! > pids; echo end >> pids; echo done >&2; exit 1");
    let error = block_on(run(&studio, &ffmpeg, policy::FFMPEG_STALL, |_| (), pending())).unwrap_err();
    assert!(error.message.contains("exit status 1"), "{error}");
    assert_gone(&read_pids(&studio));
}

#[test]
fn cancelled_at_once_nothing_is_started() {
    let studio = Studio::new();
    let ffmpeg = fake(&studio, "echo $$ > pids; echo end >> pids");
    let error = block_on(run(&studio, &ffmpeg, policy::FFMPEG_STALL, |_| (), ready(()))).unwrap_err();
    assert_eq!(error.code, Code::Cancelled);
    assert!(!studio.path("pids").exists());
}

#[test]
fn dropping_the_work_stops_it() {
    let studio = Studio::new();
    let ffmpeg = fake(&studio, "echo $$ > pids; echo end >> pids; exec sleep 1000");
    block_on(async {
        let output = studio.path("out.mp4");
        let work = transcode(&ffmpeg, input(&studio), Settings::default(), &output, |_| (), pending());
        tokio::select! {
            result = work => panic!("{result:?}"),
            () = begun(&studio) => {}
        }
    });
    assert_gone(&read_pids(&studio));
    // Its thread removes the folder after that.
    let started = Instant::now();
    let is_left = || {
        fs::read_dir(studio.folder.path())
            .unwrap()
            .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".ftr-"))
    };
    while is_left() {
        assert!(started.elapsed() < Duration::from_secs(60), "the folder is left");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn no_more_than_a_few_run_at_once() {
    let studio = Studio::new();
    let makes = "echo begin >> log; sleep 0.3; echo end >> log; exit 1";
    let ffmpeg = fake(&studio, makes);
    let outputs: Vec<PathBuf> = (0..6).map(|number| studio.path(format!("{number}.mp4"))).collect();
    block_on(async {
        let works = outputs
            .iter()
            .map(|output| transcode(&ffmpeg, input(&studio), Settings::default(), output, |_| (), pending()));
        for result in futures_util::future::join_all(works).await {
            assert_eq!(result.unwrap_err().code, Code::FfmpegFailed);
        }
    });
    let log = fs::read_to_string(studio.path("log")).unwrap();
    let (mut running, mut most) = (0usize, 0);
    for line in log.lines() {
        running = if line == "begin" { running + 1 } else { running - 1 };
        most = most.max(running);
    }
    assert_eq!(log.lines().count(), 12);
    assert!(most <= policy::TRANSCODES, "{most} at once");
}

#[test]
fn the_real_one_is_cancelled_in_the_middle_and_leaves_nothing() {
    let ffmpeg = real!();
    let studio = Studio::new();
    studio.ffmpeg("-f lavfi -i testsrc2=size=1280x720:rate=24 -t 60 -c:v mpeg4 -q:v 20 long.mov");
    let cancel = Notify::new();
    let output = studio.path("out.mp4");
    let told = std::cell::RefCell::new(Vec::new());
    let progress = |progress: Progress| {
        told.borrow_mut().push(progress);
        if progress.frames_done > 0 {
            cancel.notify_one();
        }
    };
    let input = Input::Movie(studio.path("long.mov"));
    let error =
        block_on(transcode(ffmpeg, input, Settings::default(), &output, progress, cancel.notified())).unwrap_err();
    assert_eq!(error.code, Code::Cancelled);
    studio.assert_tidy();
    assert!(!output.exists());
    let told = told.into_inner();
    assert!(told.iter().all(|progress| progress.frames_total == Some(1440)), "{told:?}");
    assert!(told.windows(2).all(|pair| pair[0].frames_done <= pair[1].frames_done), "{told:?}");
}

/// A small disk of its own, where this user may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<SmallDisk> {
        fs::create_dir(&at).unwrap();
        let mut command = std::process::Command::new("mount");
        let mounted = command.args(["-t", "tmpfs", "-o", "size=200k", "tmpfs"]).arg(&at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(SmallDisk(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_really_full_is_told_as_such() {
    let ffmpeg = real!();
    let studio = Studio::new();
    let Some(disk) = SmallDisk::mount(studio.path("disk")) else {
        println!("this user may not mount a disk: this test is left out");
        return;
    };
    studio.ffmpeg("-f lavfi -i testsrc2=size=640x360:rate=24 -frames:v 48 -c:v mjpeg -q:v 2 a.mov");
    let output = disk.0.join("out.mp4");
    let input = Input::Movie(studio.path("a.mov"));
    let error = block_on(transcode(ffmpeg, input, Settings::default(), &output, |_| (), pending())).unwrap_err();
    assert!(error.code == Code::FfmpegFailed && error.message.contains("is full"), "{error}");
    assert_eq!(fs::read_dir(&disk.0).unwrap().count(), 0, "something is left on it");
}
