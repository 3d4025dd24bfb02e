//! What the host notices of it: nothing. Each runs in a process of its own, since it changes what belongs to a process.

use std::fs;
use std::future::pending;
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use ftreview::media::ffmpeg::{Environment, Ffmpeg, Settings, transcode};
use ftreview::session::{Code, policy};

use crate::fakes::{assert_gone, begun, fake, input, read_pids, run};
use crate::support::{Studio, block_on, frames, installed, rate, real};

const ALONE: &str = "FTREVIEW_TEST_ALONE";

/// Leaves a test out that was not started by [`alone`]: it would harm or hold up the others.
macro_rules! alone {
    () => {
        if std::env::var_os(ALONE).is_none() {
            return;
        }
    };
}

/// Runs one of the tests below, which are ignored otherwise, in a process of its own.
fn alone(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("host::{name}"), "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(ALONE, "yes");
    command
}

#[track_caller]
fn assert_passes(name: &str) {
    let output = alone(name).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{name}: {said}");
}

/// A movie is made, a failure is told, and one that hangs is cancelled, where the host takes the status of every child.
fn works_without_a_status() {
    let studio = Studio::new();
    let files = studio_pictures(&studio);
    if let Some(ffmpeg) = installed() {
        let output = studio.path("out.mp4");
        let work = transcode(ffmpeg, frames(&files, rate(24, 1)), Settings::default(), &output, |_| (), pending());
        assert_eq!(block_on(work).unwrap().frames, 2);
    }
    let studio = Studio::new();
    let ffmpeg = fake(&studio, "echo broken >&2; exit 1");
    let error = block_on(run(&studio, &ffmpeg, policy::FFMPEG_STALL, |_| (), pending())).unwrap_err();
    assert_eq!(error.code, Code::FfmpegFailed, "{error}");
    let ffmpeg = fake(&studio, "trap '' TERM; echo $$ > pids; echo end >> pids; while :; do sleep 1; done");
    let error = block_on(run(&studio, &ffmpeg, policy::FFMPEG_STALL, |_| (), begun(&studio))).unwrap_err();
    assert_eq!(error.code, Code::Cancelled);
    assert_gone(&read_pids(&studio));
}

/// Two pictures, made without waiting for a child: PPM, which ffmpeg reads.
fn studio_pictures(studio: &Studio) -> Vec<std::path::PathBuf> {
    ["a.ppm", "b.ppm"]
        .map(|name| {
            let pixels: Vec<u8> = (0..64u32 * 36 * 3).map(|byte| byte as u8).collect();
            fs::write(studio.path(name), [b"P6\n64 36\n255\n".to_vec(), pixels].concat()).unwrap();
            studio.path(name)
        })
        .into()
}

#[test]
#[ignore = "runs in a process of its own"]
fn inside_a_host_that_ignores_sigchld() {
    alone!();
    // SAFETY: a plain disposition.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    works_without_a_status();
}

#[test]
fn a_host_that_ignores_sigchld_gets_its_movies() {
    assert_passes("inside_a_host_that_ignores_sigchld");
}

#[test]
#[ignore = "runs in a process of its own"]
fn inside_a_host_that_reaps_every_child() {
    alone!();
    std::thread::spawn(|| {
        loop {
            // SAFETY: no status is asked for.
            if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } < 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    works_without_a_status();
}

#[test]
fn a_host_that_reaps_every_child_gets_its_movies() {
    assert_passes("inside_a_host_that_reaps_every_child");
}

#[test]
#[ignore = "runs in a process of its own"]
fn inside_a_host_that_closed_its_standard_streams() {
    alone!();
    let studio = Studio::new();
    let files = studio_pictures(&studio);
    // SAFETY: they are not used again: this test reports through a file.
    let closed = unsafe { [libc::close(0), libc::close(1), libc::close(2)] };
    let environment = Environment::capture();
    let result = block_on(async {
        let ffmpeg = Ffmpeg::find(None, &environment, pending()).await?;
        let output = studio.path("out.mp4");
        transcode(&ffmpeg, frames(&files, rate(24, 1)), Settings::default(), &output, |_| (), pending()).await
    });
    let report = format!("{closed:?} {:?}", result.map(|done| done.frames));
    fs::write(std::env::var_os(ALONE).unwrap(), report).unwrap();
}

#[test]
fn a_host_that_closed_its_standard_streams_gets_its_movies() {
    real!();
    let studio = Studio::new();
    let report = studio.path("report");
    alone("inside_a_host_that_closed_its_standard_streams").env(ALONE, &report).output().unwrap();
    assert_eq!(fs::read_to_string(report).unwrap(), "[0, 0, 0] Ok(2)");
}

#[test]
#[ignore = "runs in a process of its own"]
fn inside_a_host_with_open_descriptors_and_ignored_signals() {
    alone!();
    let studio = Studio::new();
    let open = fs::File::open("/dev/null").unwrap();
    // SAFETY: flags and dispositions of this process, which is nobody else's.
    unsafe {
        libc::fcntl(open.as_raw_fd(), libc::F_SETFD, 0);
        libc::dup2(open.as_raw_fd(), 700);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGPIPE] {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
    let tells = "cat /proc/self/status > status; cat /proc/self/stat > stat; ls /proc/self/fd > fds; readlink /proc/self/fd/0 > input; exit 1";
    let ffmpeg = fake(&studio, tells);
    block_on(run(&studio, &ffmpeg, policy::FFMPEG_STALL, |_| (), pending())).unwrap_err();

    let read = |name: &str| fs::read_to_string(studio.path(name)).unwrap();
    // Its three, and the folder that `ls` itself has open.
    assert_eq!(read("fds").split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    assert_eq!(read("input").trim(), "/dev/null");
    let status = read("status");
    for kind in ["SigBlk:\t", "SigIgn:\t"] {
        let mask = status.lines().find_map(|line| line.strip_prefix(kind)).unwrap();
        // But for the two signals that the C library keeps for itself.
        assert_eq!(u64::from_str_radix(mask, 16).unwrap() & !(0b11 << 31), 0, "{kind}{mask}");
    }
    // After the name in parentheses: state, parent, group, session, ... and nice as the seventeenth.
    let stat = read("stat");
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    // SAFETY: cannot fail.
    let (own_group, own_session) = unsafe { (libc::getpgrp(), libc::getsid(0)) };
    assert_ne!(fields[2], own_group.to_string(), "it is in the host's process group");
    assert_eq!(fields[3], own_session.to_string());
    // SAFETY: no pointers.
    let own_niceness = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    assert_eq!(fields[16].parse::<i32>().unwrap(), (own_niceness + policy::CHILD_NICENESS).min(19));
}

#[test]
fn it_inherits_nothing_of_the_host_but_its_three_streams() {
    assert_passes("inside_a_host_with_open_descriptors_and_ignored_signals");
}

#[test]
#[ignore = "runs in a process of its own"]
fn inside_a_host_that_is_killed() {
    alone!();
    let studio = Studio::new();
    let ffmpeg = fake(&studio, "echo $$ > pids; echo end >> pids; exec sleep 1000");
    block_on(async {
        let output = studio.path("out.mp4");
        let work = transcode(&ffmpeg, input(&studio), Settings::default(), &output, |_| (), pending());
        let tell = async {
            begun(&studio).await;
            println!("\nbegun {} {}", read_pids(&studio).join(" "), studio.folder.path().display());
            pending::<()>().await;
        };
        tokio::select! {
            result = work => panic!("{result:?}"),
            () = tell => {}
        }
    });
}

#[test]
fn it_ends_with_a_host_that_is_killed() {
    let mut host = alone("inside_a_host_that_is_killed").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(host.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.into_iter().find(|line| line.starts_with("begun ")).expect("it never began");
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    host.kill().unwrap();
    host.wait().unwrap();
    assert_gone(&words[1..2]);
    // What it left is removed by the next who works there; here by this test.
    fs::remove_dir_all(&words[2]).unwrap();
}

#[test]
#[ignore = "runs in a process of its own"]
fn inside_a_host_that_counts() {
    alone!();
    let count = |folder: &str| fs::read_dir(folder).unwrap().count();
    let studio = Studio::new();
    let ffmpeg = fake(&studio, "echo $$ > pids; echo end >> pids; exec sleep 1000");
    our_threads_end();
    let before = count("/proc/self/fd");
    block_on(async {
        for _ in 0..20 {
            let _ = fs::remove_file(studio.path("pids"));
            let looked = async {
                begun(&studio).await;
                assert_our_threads_mask_all_signals();
            };
            let error = run(&studio, &ffmpeg, policy::FFMPEG_STALL, |_| (), looked).await.unwrap_err();
            assert_eq!(error.code, Code::Cancelled);
        }
    });
    our_threads_end();
    assert_eq!(count("/proc/self/fd"), before, "descriptors are left");
    let children = fs::read_dir("/proc/self/task").unwrap();
    let children: String =
        children.map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default()).collect();
    assert_eq!(children, "", "children are left");
}

/// A thread that has given its answer takes a moment to end.
fn our_threads_end() {
    while fs::read_dir("/proc/self/task").unwrap().any(|task| is_ours(&task.unwrap())) {
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_ours(task: &fs::DirEntry) -> bool {
    fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("ftr-"))
}

fn assert_our_threads_mask_all_signals() {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(Result::unwrap).filter(is_ours);
    let masks: Vec<String> = tasks.map(|task| fs::read_to_string(task.path().join("status")).unwrap()).collect();
    assert!(!masks.is_empty());
    for status in masks {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap();
        // All but SIGKILL and SIGSTOP, which cannot be masked, and the two that the C library keeps for itself.
        assert_eq!(u64::from_str_radix(mask, 16).unwrap() | 1 << 8 | 1 << 18 | 0b11 << 31, u64::MAX, "{mask}");
    }
}

#[test]
fn no_descriptor_no_child_and_no_thread_is_left() {
    assert_passes("inside_a_host_that_counts");
}
