//! The header alone: for every compiler and language version it is for, with every number that a program is built with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's failure is a panic
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

mod support;

use ftreview::ffi::{constants, types};
use ftreview::session::Code;
use std::mem::{offset_of, size_of};
use std::process::Command;
use support::build::{compiled, program};
use support::run::{command, run};
use support::{header, is_there, repository};

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-pedantic", "-Werror"];

/// Compiler, its language, and what else to be strict about.
const C: [(&str, &[&str]); 3] = [
    ("-std=c99", &["-Wstrict-prototypes", "-Wundef", "-Wpadded", "-Wc++-compat"]),
    ("-std=c11", &["-Wstrict-prototypes", "-Wundef", "-Wpadded"]),
    ("-std=c17", &["-Wconversion"]),
];
const CPP: [(&str, &[&str]); 2] = [
    ("-std=c++17", &["-fno-exceptions", "-fno-rtti", "-Wold-style-cast", "-Wundef", "-Wpadded"]),
    ("-std=c++20", &["-Wconversion", "-Wzero-as-null-pointer-constant"]),
];

#[test]
fn the_header_compiles_alone_and_included_twice_without_a_warning() {
    for (compiler, languages) in [("gcc", &C[..]), ("clang", &C), ("g++", &CPP), ("clang++", &CPP)] {
        if !is_there(compiler) {
            continue;
        }
        for (standard, more) in languages {
            let extension = if compiler.ends_with("++") { "c++" } else { "c" };
            let mut command = Command::new(compiler);
            command.args(STRICT).arg(standard).args(*more).arg("-I").arg(repository("include"));
            command.args(["-fsyntax-only", "-x", extension]).arg(repository("tests/c/header_alone.c"));
            compiled(command);
        }
    }
}

#[test]
fn the_initialisers_set_size_and_defaults_and_nothing_else_in_c_and_in_cpp() {
    for (compiler, flags) in [
        ("gcc", &["-std=c99"][..]),
        ("clang", &["-std=c99"]),
        ("g++", &["-x", "c++", "-std=c++17", "-fno-exceptions", "-fno-rtti", "-Wold-style-cast"]),
        ("clang++", &["-x", "c++", "-std=c++17", "-fno-exceptions", "-fno-rtti", "-Wold-style-cast"]),
    ] {
        if is_there(compiler) {
            let output = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("initialisers-{compiler}"));
            let mut build = Command::new(compiler);
            build.args(STRICT).args(flags).arg("-I").arg(repository("include"));
            build.arg(repository("tests/c/initialisers.c")).arg("-o").arg(&output);
            compiled(build);
            run(command(output)).succeeded();
        }
    }
}

/// tests/c/abi.txt says which sizes, offsets and numbers programs are built with. A released line never changes; the ABI
/// grows by lines.
#[test]
fn the_abi_is_the_one_that_programs_were_built_with() {
    let path = repository("tests/c/abi.txt");
    let measured = measured_by_c();
    if std::env::var_os("FTREVIEW_UPDATE_ABI").is_some() {
        std::fs::write(&path, &measured).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    for (kept, measured) in kept.lines().zip(measured.lines()) {
        assert_eq!(measured, kept, "the ABI has changed: see tests/c_header.rs");
    }
    assert_eq!(
        measured.lines().count(),
        kept.lines().count(),
        "the ABI has grown: FTREVIEW_UPDATE_ABI=1 writes it down"
    );
}

#[test]
fn c_and_rust_agree_on_every_size_offset_and_number() {
    let c: Vec<String> = measured_by_c().lines().map(str::to_owned).collect();
    let rust: Vec<String> = layouts().into_iter().chain(numbers()).collect();
    for line in &c {
        assert!(rust.contains(line), "C has `{line}`, Rust has not");
    }
    for line in &rust {
        assert!(c.contains(line), "Rust has `{line}`, C has not");
    }
}

/// What a C program says of the header: `struct size`, `struct.field offset`, `NAME number`, in the order of the header.
fn measured_by_c() -> String {
    let mut body = String::new();
    let text = header();
    for line in text.lines() {
        let name = line.strip_prefix("#define ").and_then(|define| define.split_once([' ', '(']));
        // Numbers only: not the include guard, texts, attributes and initialisers.
        if let Some((name, value)) = name
            && value.trim_matches(['(', ')']).parse::<i64>().is_ok()
            && !name.starts_with("FTR_VERSION")
        {
            body += &format!("    printf(\"{name} %lld\\n\", (long long){name});\n");
        }
    }
    for (name, fields) in structs(&text) {
        body += &format!("    printf(\"{name} %zu\\n\", sizeof(struct {name}));\n");
        for field in fields {
            body += &format!("    printf(\"{name}.{field} %zu\\n\", offsetof(struct {name}, {field}));\n");
        }
    }
    let source = format!("#include <ftreview.h>\n#include <stdio.h>\n\nint main(void)\n{{\n{body}    return 0;\n}}\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("abi.c");
    std::fs::write(&file, source).unwrap();
    let name = format!("abi-{:?}", std::thread::current().id()).replace(['(', ')'], "-");
    run(command(program(file.to_str().unwrap(), &name))).succeeded().out
}

/// The structs of the header and their fields.
fn structs(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("typedef struct ").and_then(|line| line.strip_suffix(" {")) {
            found.push((name.to_owned(), Vec::new()));
            inside = true;
        } else if line.starts_with('}') {
            inside = false;
        } else if inside && let Some(declaration) = line.strip_suffix(';') {
            let field = declaration.rsplit([' ', '*']).next().unwrap().to_owned();
            found.last_mut().unwrap().1.push(field);
        }
    }
    assert!(found.len() >= 7, "{found:?}");
    found
}

/// `name size` of each struct, then `name.field offset`, as Rust has them.
fn layouts() -> Vec<String> {
    let mut lines = Vec::new();
    macro_rules! layout {
        ($($name:ident { $($field:ident)* })*) => {$(
            lines.push(format!("{} {}", stringify!($name), size_of::<types::$name>()));
            $(lines.push(format!(
                "{}.{} {}", stringify!($name), stringify!($field), offset_of!(types::$name, $field)
            ));)*
        )*};
    }
    layout! {
        ftr_error {
            struct_size code error_class stage retryable http_status retry_after_ms message exception server_code
            outcome_unknown reserved
        }
        ftr_progress {
            struct_size stage job tag bytes_done bytes_total bytes_per_second remaining_ms bytes_stored paused reserved
            files file_count frames_done frames_total
        }
        ftr_file_progress { struct_size reserved name bytes_done bytes_stored bytes_total }
        ftr_job_result {
            struct_size state job tag error project_id parent_id task_id asset_id asset_name version_id version_number
            component_id component_name thumbnail_id link warnings warning_count outbox_id answer http_status
            reserved note_id review_session_id encode_job_id components
        }
        ftr_log_line { struct_size level time_ms target message }
        ftr_event_info {
            struct_size kind session job tag status reserved error progress result log dropped
            subscription hub watch review
        }
        ftr_hub_event { struct_size reserved topic id source_id data source target in_reply_to }
        ftr_review { struct_size deed version_id review_session_id id text author in_reply_to frame }
        ftr_outbox_item {
            struct_size state id attempts belongs created_ms next_try_ms error_code reserved error_message path context
            server_url api_user tag size_bytes copied_bytes
        }
        ftr_watch_options { struct_size flags version_id review_session_id tag callback user_data }
        ftr_hub_info { struct_size status connections subscriptions waiting dropped published }
        ftr_session_options {
            struct_size flags server_url api_key api_user timeout_ms connect_timeout_ms headers cookies proxy ca_file
            log_level reserved user_data on_progress on_job on_event on_log upload_memory_bytes upload_bytes_per_second
            parallel_uploads upload_connections upload_verify reserved2 journal_folder outbox_folder outbox_max_items
            outbox_max_bytes outbox_max_age_s start_spread_ms reserved3 ffmpeg_path work_folder
        }
        ftr_publish_options {
            struct_size flags path context asset_name asset_type comment status thumbnail tag idempotency_key
            announce_topic announce_data mode encode_timeout_ms task_status user uses_versions lists metadata
            custom_attributes note note_labels note_attachments note_frame review_session invitees
            files file_count meta first_frame meta_frame_out holes renditions reserved frame_rate ffmpeg_arguments lut
        }
        ftr_publish_file { struct_size flags path component_name role reserved }
        ftr_http_upload_options {
            struct_size flags endpoint path fields file_field file_name content_type headers tag answer_timeout_ms
            reserved
        }
        ftr_download_options { struct_size flags component_id path tag }
        ftr_remove_options { struct_size flags entity_type id tag }
        ftr_hub_subscribe_options { struct_size priority metadata tag callback user_data }
        ftr_hub_publish_options {
            struct_size flags target in_reply_to tag reply_timeout_ms max_replies callback user_data
        }
    }
    lines
}

/// `NAME number` of each constant, as Rust has them.
fn numbers() -> Vec<String> {
    let mut lines: Vec<String> = Code::ALL.iter().map(|code| format!("{} {}", code.constant(), *code as i32)).collect();
    macro_rules! constants {
        ($($name:ident)*) => {$(lines.push(format!("{} {}", stringify!($name), constants::$name));)*};
    }
    constants! {
        FTR_ABI_VERSION FTR_OK FTR_NO_TIMEOUT
        FTR_CLASS_MISUSE FTR_CLASS_STATE FTR_CLASS_CONFIGURATION FTR_CLASS_FILE FTR_CLASS_NETWORK FTR_CLASS_SERVER
        FTR_CLASS_STORAGE FTR_CLASS_MEDIA FTR_CLASS_PUBLISH FTR_CLASS_INTERNAL
        FTR_STATUS_CONNECTING FTR_STATUS_READY FTR_STATUS_UNAUTHORISED FTR_STATUS_UNREACHABLE FTR_STATUS_TLS_FAILED
        FTR_STATUS_PROXY_FAILED FTR_STATUS_WRONG_SERVER FTR_STATUS_MISCONFIGURED FTR_STATUS_CLOSED
        FTR_JOB_RUNNING FTR_JOB_DONE FTR_JOB_FAILED FTR_JOB_CANCELLED FTR_JOB_PARKED
        FTR_STAGE_ACCEPTED FTR_STAGE_CHECKING FTR_STAGE_RESOLVING FTR_STAGE_UPLOADING FTR_STAGE_VERSIONING
        FTR_STAGE_FINISHING FTR_STAGE_ANNOUNCING FTR_STAGE_DOWNLOADING FTR_STAGE_REMOVING FTR_STAGE_ENCODING
        FTR_EVENT_STATUS FTR_EVENT_PROGRESS FTR_EVENT_VERSION_CREATED FTR_EVENT_JOB_ENDED FTR_EVENT_LOG
        FTR_EVENT_DROPPED FTR_EVENT_HUB_STATUS FTR_EVENT_HUB FTR_EVENT_HUB_REPLY FTR_EVENT_HUB_PUBLISHED
        FTR_EVENT_HUB_REFUSED FTR_EVENT_HUB_DROPPED FTR_EVENT_REVIEW FTR_EVENT_JOB_KEPT FTR_EVENT_JOB_RESUMED
        FTR_OUTBOX_WAITING FTR_OUTBOX_RUNNING FTR_OUTBOX_FAILED FTR_OUTBOX_UNDOING FTR_OUTBOX_DAMAGED FTR_OUTBOX_NEWER
        FTR_REVIEW_NOTE FTR_REVIEW_STATUS FTR_REVIEW_APPROVED FTR_REVIEW_CHANGES_REQUIRED FTR_REVIEW_ENCODED
        FTR_REVIEW_THUMBNAIL FTR_WATCH_PUBLISHED
        FTR_HUB_OFF FTR_HUB_CONNECTING FTR_HUB_CONNECTED FTR_HUB_UNACCEPTED
        FTR_LOG_OFF FTR_LOG_ERROR FTR_LOG_WARNING FTR_LOG_INFO FTR_LOG_DEBUG FTR_LOG_TRACE
        FTR_SESSION_STRICT_API FTR_SESSION_AUTO_CONNECT_EVENT_HUB FTR_SESSION_OUTBOX FTR_SESSION_OUTBOX_MANUAL
        FTR_PUBLISH_COPY_SOURCE FTR_PUBLISH_TASK_THUMBNAIL FTR_PUBLISH_PARENT_THUMBNAIL FTR_PUBLISH_SEQUENCE
        FTR_PUBLISH_DISPLAY_REFERRED FTR_HOLES_REFUSE FTR_HOLES_HOLD FTR_HOLES_LEAVE_OUT FTR_RENDITION_720
        FTR_RENDITION_1080 FTR_RENDITION_1440 FTR_RENDITION_2160 FTR_STAGE_TRANSCODING
        FTR_META_FRAME_OUT_LAST FTR_META_FRAME_OUT_COUNT
        FTR_ROLE_AUTO FTR_ROLE_MOVIE FTR_ROLE_IMAGE FTR_ROLE_PDF FTR_ROLE_THUMBNAIL FTR_ROLE_COMPONENT
        FTR_ROLE_UNMANAGED FTR_ROLE_SEQUENCE FTR_FILE_UPLOAD_FRAMES FTR_HUB_LOCAL FTR_PUBLISH_META_WITHOUT_SIZE
        FTR_HTTP_UPLOAD_NO_AUTH FTR_HTTP_UPLOAD_REPEATABLE FTR_HTTP_UPLOAD_PUT FTR_DOWNLOAD_OVERWRITE
        FTR_REMOVE_MISSING_OK
        FTR_PUBLISH_CREATE_LISTS
        FTR_PUBLISH_CREATE_REVIEW_SESSION FTR_PUBLISH_DO_NOT_INVITE FTR_PUBLISH_INTO_VERSION
        FTR_PUBLISH_CREATE_ASSET_TYPE FTR_PUBLISH_KEEP_ORIGINAL
        FTR_MODE_AUTO FTR_MODE_DIRECT FTR_MODE_ENCODE FTR_MODE_TRANSCODE
        FTR_VERIFY_ETAG FTR_VERIFY_OFF FTR_VERIFY_CONTENT_MD5 FTR_BLOCK_SIZE
    }
    lines
}
