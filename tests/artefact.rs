//! The shared library as a file: what it exports, needs and asks of the system that loads it.

#![cfg(target_os = "linux")]

mod support;

use std::process::Command;
use support::build::library;
use support::{exports, is_there};

/// What a Linux has anyway. Everything else is inside, so that no host's copy of it is met.
const MAY_NEED: [&str; 7] =
    ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1", "ld-linux-x86-64.so.2"];

#[test]
fn exactly_the_functions_of_the_header_are_exported() {
    let Some(symbols) = output("nm", &["--dynamic", "--defined-only", "--format=posix"]) else { return };
    let mut exported: Vec<&str> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    exported.sort();
    assert_eq!(exported, exports());
}

#[test]
fn the_file_has_its_name_stays_mapped_and_needs_nothing_but_the_system() {
    let Some(dynamic) = output("readelf", &["--dynamic", "--wide"]) else { return };
    let values = |kind: &str| -> Vec<String> {
        let bracketed = |line: &str| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned());
        dynamic.lines().filter(|line| line.contains(kind)).filter_map(bracketed).collect()
    };
    assert_eq!(values("(SONAME)"), ["libftreview.so.1"], "{dynamic}");
    let needed = values("(NEEDED)");
    assert!(needed.iter().any(|name| name == "libc.so.6"), "{dynamic}");
    let others: Vec<&String> = needed.iter().filter(|name| !MAY_NEED.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "needs {others:?}");
    let flags: Vec<&str> = dynamic.lines().filter(|line| line.contains("FLAGS")).collect();
    for flag in ["NODELETE", "NOW"] {
        assert!(flags.iter().any(|line| line.contains(flag)), "{flag} in {flags:?}");
    }
    assert!(values("(RPATH)").is_empty() && values("(RUNPATH)").is_empty(), "{dynamic}");
    assert!(!dynamic.contains("(TEXTREL)"), "{dynamic}");
}

#[test]
fn no_memory_is_writable_and_executable_and_the_stack_is_not_executable() {
    let Some(headers) = output("readelf", &["--program-headers", "--wide"]) else { return };
    let segments: Vec<&str> = headers
        .lines()
        .map(str::trim)
        .filter(|line| ["LOAD ", "GNU_STACK ", "GNU_RELRO "].iter().any(|kind| line.starts_with(kind)))
        .collect();
    assert!(segments.iter().any(|line| line.starts_with("GNU_STACK")), "{headers}");
    assert!(segments.iter().any(|line| line.starts_with("GNU_RELRO")), "{headers}");
    for segment in segments {
        // Type, offset, two addresses, two sizes, then the flags, in which blanks stand for what is not set.
        let flags: String = segment.split_whitespace().skip(6).take_while(|word| !word.starts_with("0x")).collect();
        assert!(flags.contains('R'), "{segment}");
        assert!(!(flags.contains('W') && flags.contains('E')), "{segment}");
    }
}

/// What a program says of the library; none if the program is not there.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    if !is_there(program) {
        return None;
    }
    let output = Command::new(program).args(arguments).arg(&library().file).env("LC_ALL", "C").output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}
