//! include/ftreview.h is what src/ffi says. `cargo xtask header` writes it (FTREVIEW_UPDATE_HEADER=1 here).
#![allow(clippy::unwrap_used, clippy::panic)] // tests fail by panicking

use ftreview::session::Code;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// In the order of the header: numbers, structs, functions.
const SOURCES: [&str; 10] =
    ["constants", "types", "version", "session", "exchange", "event", "job", "outbox", "hub", "watch"];

#[test]
fn the_header_is_what_the_code_says() {
    let made = generate();
    let path = root().join("include/ftreview.h");
    if std::env::var_os("FTREVIEW_UPDATE_HEADER").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((number, (kept, made))) =
        kept.lines().zip(made.lines()).enumerate().find(|(_, (kept, made))| kept != made)
    {
        panic!("include/ftreview.h:{}: is {kept:?}, should be {made:?}: run `cargo xtask header`", number + 1);
    }
    assert!(kept == made, "include/ftreview.h is not complete: run `cargo xtask header`");
}

#[test]
fn the_header_names_every_export_and_every_export_is_in_the_one_list() {
    let header = std::fs::read_to_string(root().join("include/ftreview.h")).unwrap();
    let list = std::fs::read_to_string(root().join("src/ffi/mod.rs")).unwrap();
    let functions = names(&header, &['(']);
    let exports = names(&list, &[',', '}', ';']);
    assert!(functions.len() > 20, "{functions:?}");
    assert_eq!(functions, exports);
}

#[test]
fn every_error_code_is_in_the_header_with_its_number() {
    let header = std::fs::read_to_string(root().join("include/ftreview.h")).unwrap();
    for code in Code::ALL {
        let line = format!("#define {} ({})\n", code.constant(), *code as i32);
        assert!(header.contains(&line), "{line}");
    }
}

#[test]
fn a_compiler_of_old_c_finds_no_comment_that_it_does_not_know() {
    let header = generate();
    let is_new = |line: &&str| {
        let code = line.trim_start();
        !code.starts_with('*') && code.split("/*").next().is_some_and(|code| code.contains("//"))
    };
    let found: Vec<&str> = header.lines().filter(is_new).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// The words of a text that begin with `ftr_` and are followed by one of these.
fn names(text: &str, follows: &[char]) -> Vec<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with(['/', '*'])).collect::<Vec<_>>().join("\n");
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut names: Vec<String> = (code.match_indices("ftr_"))
        .filter(|(at, _)| !code[..*at].ends_with(is_word))
        .filter_map(|(at, _)| {
            let end = at + code[at..].find(|character| !is_word(character))?;
            code[end..].starts_with(follows).then(|| code[at..end].to_owned())
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn generate() -> String {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let template = config.after_includes.take().unwrap();
    config.after_includes = Some(template.replace("@VERSION@", &version()).replace("@ERRORS@", &errors()));
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root().join(format!("src/ffi/{source}.rs")));
    }
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    // What concerns Rust callers only.
    let text = String::from_utf8(text).unwrap();
    let text = text.replace(END, &format!("{INITIALISERS}\n{END}"));
    old_comments(&parenthesised(&without_safety_sections(&text)))
}

/// cbindgen says which #ifdef ends in C++ comments, which a pedantic C90 compiler warns about.
fn old_comments(text: &str) -> String {
    let line = |line: &str| match line.split_once("// ") {
        Some((code, comment)) if code.starts_with(['#', '}']) => {
            format!("{}  /* {} */\n", code.trim_end(), comment.trim_end())
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Where the last declaration has been made.
const END: &str = "#ifdef __cplusplus\n}  // extern";

/// They name every option in the order of the struct, so that no compiler warns, and one does when the struct has grown.
const INITIALISERS: &str = r"/** To begin with: what the environment says, and warnings in the log. */
#define FTR_SESSION_OPTIONS_INIT \
    { sizeof(ftr_session_options), 0, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, FTR_LOG_WARNING, 0, \
      NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, FTR_VERIFY_ETAG, 0, NULL, \
      NULL, 0, 0, 0, 0, 0, NULL, NULL }

/** To begin with: defaults for everything but the path. */
#define FTR_PUBLISH_OPTIONS_INIT \
    { sizeof(ftr_publish_options), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, \
      FTR_MODE_AUTO, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, -1, NULL, NULL, \
      NULL, 0, NULL, 0, FTR_META_FRAME_OUT_LAST, FTR_HOLES_REFUSE, 0, 0, NULL, NULL, NULL }

/** To begin with: its content says what it is to be. */
#define FTR_PUBLISH_FILE_INIT \
    { sizeof(ftr_publish_file), 0, NULL, NULL, FTR_ROLE_AUTO, 0 }

/** To begin with: a POST of the file alone, with defaults for everything but endpoint and path. */
#define FTR_HTTP_UPLOAD_OPTIONS_INIT \
    { sizeof(ftr_http_upload_options), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0 }

/** To begin with: defaults for everything but component and path. */
#define FTR_DOWNLOAD_OPTIONS_INIT \
    { sizeof(ftr_download_options), 0, NULL, NULL, 0 }

/** To begin with: defaults for everything but type and id. */
#define FTR_REMOVE_OPTIONS_INIT \
    { sizeof(ftr_remove_options), 0, NULL, NULL, 0 }

/** To begin with: the usual priority. */
#define FTR_HUB_SUBSCRIBE_OPTIONS_INIT \
    { sizeof(ftr_hub_subscribe_options), 100, NULL, 0, NULL, NULL }

/** To begin with: for everybody, without replies. */
#define FTR_HUB_PUBLISH_OPTIONS_INIT \
    { sizeof(ftr_hub_publish_options), 0, NULL, NULL, 0, 0, 0, NULL, NULL }

/** To begin with: nothing is watched. */
#define FTR_WATCH_OPTIONS_INIT \
    { sizeof(ftr_watch_options), 0, NULL, NULL, 0, NULL, NULL }

/** To begin with: to be filled by ftr_hub_status. */
#define FTR_HUB_INFO_INIT \
    { sizeof(ftr_hub_info), 0, 0, 0, 0, 0, 0 }
";

/// `#define X -1` is a trap in an expression.
fn parenthesised(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("#define ").and_then(|define| define.split_once(' ')) {
        Some((name, value)) if value.starts_with('-') => format!("#define {name} ({value})\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn version() -> String {
    let [major, minor, patch] =
        [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")];
    format!(
        "/** The version of the library that this header is of. */\n#define FTR_VERSION \"{}\"\n#define FTR_VERSION_MAJOR {major}\n#define FTR_VERSION_MINOR {minor}\n#define FTR_VERSION_PATCH {patch}\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// The table of src/session/error.rs.
fn errors() -> String {
    let mut text = String::from("/* Errors, by what they are about. A number is never given another meaning. */\n");
    for code in Code::ALL {
        let documentation = code.documentation().trim().replace("\n", "\n *");
        writeln!(text, "\n/**\n * {documentation}\n */\n#define {} {}", code.constant(), *code as i32).unwrap();
    }
    text
}

/// `# Safety` is for Rust; C programs read the same in the function's text.
fn without_safety_sections(text: &str) -> String {
    let mut kept = Vec::new();
    let mut skipping = false;
    for line in text.lines() {
        let content = line.trim_start().trim_start_matches('*').trim();
        skipping |= content == "# Safety";
        skipping &= line.trim() != "*/";
        if !skipping {
            kept.push(line);
        } else if kept.last().is_some_and(|line: &&str| line.trim() == "*") {
            kept.pop();
        }
    }
    let mut text = String::new();
    let mut at = 0;
    while let Some(line) = kept.get(at) {
        // A comment of one short line stands on one line.
        let short = match &kept[at..] {
            [open, content, close, ..] if open.trim() == "/**" && close.trim() == "*/" => {
                let indent = &open[..open.len() - 3];
                let content = content.trim().trim_start_matches('*').trim();
                Some(format!("{indent}/** {content} */")).filter(|line| line.len() <= WIDTH)
            }
            _ => None,
        };
        at += if short.is_some() { 3 } else { 1 };
        text += &short.unwrap_or_else(|| wrapped(line));
        text.push('\n');
    }
    text
}

/// Columns of the header.
const WIDTH: usize = 118;

/// A comment of any length on lines that an editor shows whole.
fn wrapped(line: &str) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let Some(content) = line.trim_start().strip_prefix("* ").filter(|_| line.len() > WIDTH) else {
        return line.to_owned();
    };
    let mut lines = vec![String::new()];
    for word in content.split(' ') {
        let last = lines.last_mut().unwrap();
        if !last.is_empty() && indent.len() + 2 + last.len() + 1 + word.len() > WIDTH {
            lines.push(word.to_owned());
        } else {
            last.push_str(if last.is_empty() { "" } else { " " });
            last.push_str(word);
        }
    }
    lines.iter().map(|line| format!("{indent}* {line}")).collect::<Vec<_>>().join("\n")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
