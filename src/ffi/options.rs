//! What the option structs say, checked.

use super::constants::*;
use super::text::{null, optional_text, read_array};
use super::types::{ftr_publish_options, ftr_session_options};
use crate::ftrack::settings::Settings;
use crate::media::ffmpeg::Environment;
use crate::outbox::{Limits as OutboxLimits, Outbox, Places};
use crate::publish::{Around, GivenFile, Mode, OnHoles, Request, Role, Texts, Tools};
use crate::session::log::Level;
use crate::session::{Code, Error, Result, policy};
use crate::transfer::{Limits, Verify};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::time::Duration;

/// What a host chooses of the uploads of a session.
pub struct UploadSettings {
    pub limits: Limits,
    pub parallel_uploads: usize,
    pub journal_folder: Option<PathBuf>,
    pub start_spread: Duration,
}

/// # Safety
/// The texts are NULL or NUL-terminated.
pub unsafe fn read_settings(options: &ftr_session_options) -> Result<Settings> {
    // SAFETY: passed on.
    let text = |text, argument| unsafe { optional_text(text, argument) };
    let known =
        FTR_SESSION_STRICT_API | FTR_SESSION_AUTO_CONNECT_EVENT_HUB | FTR_SESSION_OUTBOX | FTR_SESSION_OUTBOX_MANUAL;
    if options.flags & !known != 0 {
        let known = "FTR_SESSION_STRICT_API, FTR_SESSION_AUTO_CONNECT_EVENT_HUB, FTR_SESSION_OUTBOX and FTR_SESSION_OUTBOX_MANUAL";
        return Err(unknown_flags(options.flags, known));
    }
    unused(options.reserved.into(), "reserved")?;
    unused(options.reserved2.into(), "reserved2")?;
    unused(options.reserved3.into(), "reserved3")?;
    Ok(Settings {
        server_url: text(options.server_url, "server_url")?,
        api_key: text(options.api_key, "api_key")?.map(Into::into),
        api_user: text(options.api_user, "api_user")?,
        timeout_ms: options.timeout_ms,
        connect_timeout_ms: options.connect_timeout_ms,
        headers: text(options.headers, "headers")?,
        cookies: text(options.cookies, "cookies")?,
        proxy: text(options.proxy, "proxy")?,
        ca_file: text(options.ca_file, "ca_file")?.map(Into::into),
        strict_api: options.flags & FTR_SESSION_STRICT_API != 0,
    })
}

/// # Safety
/// The texts are NULL or NUL-terminated.
pub unsafe fn read_request(options: &ftr_publish_options) -> Result<Request> {
    // SAFETY: passed on.
    let text = |text, argument| unsafe { optional_text(text, argument) };
    let known = FTR_PUBLISH_META_WITHOUT_SIZE
        | FTR_PUBLISH_COPY_SOURCE
        | FTR_PUBLISH_TASK_THUMBNAIL
        | FTR_PUBLISH_PARENT_THUMBNAIL
        | FTR_PUBLISH_SEQUENCE
        | FTR_PUBLISH_DISPLAY_REFERRED
        | FTR_PUBLISH_CREATE_LISTS
        | FTR_PUBLISH_CREATE_REVIEW_SESSION
        | FTR_PUBLISH_DO_NOT_INVITE
        | FTR_PUBLISH_INTO_VERSION
        | FTR_PUBLISH_CREATE_ASSET_TYPE
        | FTR_PUBLISH_KEEP_ORIGINAL;
    if options.flags & !known != 0 {
        return Err(unknown_flags(options.flags, "those of ftr_publish_options (FTR_PUBLISH_*)"));
    }
    unused_in(options.reserved.into(), "reserved", "FTR_PUBLISH_OPTIONS_INIT")?;
    Ok(Request {
        path: text(options.path, "path")?.ok_or_else(|| null("path", "the movie or still to publish"))?.into(),
        context: text(options.context, "context")?,
        asset_name: text(options.asset_name, "asset_name")?,
        asset_type: text(options.asset_type, "asset_type")?,
        comment: text(options.comment, "comment")?,
        status: text(options.status, "status")?,
        thumbnail: text(options.thumbnail, "thumbnail")?.map(Into::into),
        meta_without_size: options.flags & FTR_PUBLISH_META_WITHOUT_SIZE != 0,
        copy_source: options.flags & FTR_PUBLISH_COPY_SOURCE != 0,
        idempotency_key: text(options.idempotency_key, "idempotency_key")?,
        announce_topic: text(options.announce_topic, "announce_topic")?,
        announce_data: match text(options.announce_data, "announce_data")? {
            Some(text) => json_object(&text, "announce_data")?,
            None => Map::new(),
        },
        // SAFETY: passed on.
        around: unsafe { read_around(options) }?,
        into_version: options.flags & FTR_PUBLISH_INTO_VERSION != 0,
        mode: match options.mode {
            FTR_MODE_AUTO => Mode::Auto,
            FTR_MODE_DIRECT => Mode::Direct,
            FTR_MODE_ENCODE => Mode::Encode,
            FTR_MODE_TRANSCODE => Mode::Transcode,
            mode => {
                let known = "FTR_MODE_AUTO (0), FTR_MODE_DIRECT (1), FTR_MODE_ENCODE (2) or FTR_MODE_TRANSCODE (3)";
                return Err(invalid(format!("mode: {mode} is not known: give {known}")));
            }
        },
        keep_original: options.flags & FTR_PUBLISH_KEEP_ORIGINAL != 0,
        encode_timeout_ms: match u64::try_from(options.encode_timeout_ms) {
            Ok(0) => None,
            Ok(timeout) => Some(timeout),
            Err(_) => {
                let timeout = options.encode_timeout_ms;
                return Err(invalid(format!("encode_timeout_ms: {timeout} is no time: give milliseconds, or 0")));
            }
        },
        // SAFETY: passed on.
        files: unsafe { read_files(options) }?,
        meta: match text(options.meta, "meta")? {
            Some(text) => json_object(&text, "meta")?,
            None => Map::new(),
        },
        meta_frame_out_count: match options.meta_frame_out {
            FTR_META_FRAME_OUT_LAST => false,
            FTR_META_FRAME_OUT_COUNT => true,
            other => {
                let known = "FTR_META_FRAME_OUT_LAST (0) or FTR_META_FRAME_OUT_COUNT (1)";
                return Err(invalid(format!("meta_frame_out: {other} is not known: give {known}")));
            }
        },
        first_frame: options.first_frame,
        on_holes: match options.holes {
            FTR_HOLES_REFUSE => OnHoles::Refuse,
            FTR_HOLES_HOLD => OnHoles::Hold,
            FTR_HOLES_LEAVE_OUT => OnHoles::LeaveOut,
            other => {
                let known = "FTR_HOLES_REFUSE (0), FTR_HOLES_HOLD (1) or FTR_HOLES_LEAVE_OUT (2)";
                return Err(invalid(format!("holes: {other} is not known: give {known}")));
            }
        },
        is_sequence: options.flags & FTR_PUBLISH_SEQUENCE != 0,
        display_referred: options.flags & FTR_PUBLISH_DISPLAY_REFERRED != 0,
        frame_rate: text(options.frame_rate, "frame_rate")?,
        renditions: renditions(options.renditions)?,
        ffmpeg_arguments: text(options.ffmpeg_arguments, "ffmpeg_arguments")?
            .map(|text| arguments(&text))
            .transpose()?,
        lut: text(options.lut, "lut")?.map(Into::into),
        task_thumbnail: options.flags & FTR_PUBLISH_TASK_THUMBNAIL != 0,
        parent_thumbnail: options.flags & FTR_PUBLISH_PARENT_THUMBNAIL != 0,
    })
}

/// # Safety
/// The files are NULL or as many as is said, and their texts NULL or NUL-terminated.
unsafe fn read_files(options: &ftr_publish_options) -> Result<Vec<GivenFile>> {
    // SAFETY: passed on.
    let files = unsafe { read_array(options.files, options.file_count, "files") }?;
    let mut given = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let name = |field: &str| format!("files[{index}].{field}");
        if file.flags & !FTR_FILE_UPLOAD_FRAMES != 0 {
            let error = unknown_flags(file.flags, "FTR_FILE_UPLOAD_FRAMES");
            return Err(Error { message: format!("files[{index}].{}", error.message), ..error });
        }
        unused_in(file.reserved.into(), &name("reserved"), "FTR_PUBLISH_FILE_INIT")?;
        // SAFETY: passed on.
        let path = unsafe { optional_text(file.path, &name("path")) }?;
        given.push(GivenFile {
            path: path.ok_or_else(|| null(&name("path"), "the path of a file"))?.into(),
            role: role(file.role).ok_or_else(|| {
                let role = name("role");
                invalid(format!("{role}: {} is none of FTR_ROLE_AUTO (0) to FTR_ROLE_SEQUENCE (7)", file.role))
            })?,
            // SAFETY: passed on.
            component_name: unsafe { optional_text(file.component_name, &name("component_name")) }?,
            upload: file.flags & FTR_FILE_UPLOAD_FRAMES != 0,
        });
    }
    Ok(given)
}

fn renditions(bits: u32) -> Result<Vec<u32>> {
    let known =
        [(FTR_RENDITION_720, 720), (FTR_RENDITION_1080, 1080), (FTR_RENDITION_1440, 1440), (FTR_RENDITION_2160, 2160)];
    if bits & !known.iter().fold(0, |all, (bit, _)| all | bit) != 0 {
        let message = format!(
            "renditions: 0x{bits:x} has bits that this library does not know; it knows FTR_RENDITION_720 to 2160"
        );
        return Err(invalid(message));
    }
    Ok(known.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, height)| *height).collect())
}

fn arguments(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|error| {
        let remedy = "give the text of a JSON array of texts, such as [\"-i\", \"{input}\", \"-c:v\", \"libx264\", \"{output}\"]";
        Error::new(Code::InvalidJson, format!("ffmpeg_arguments: is no list of texts ({error}); {remedy}"))
    })
}

/// Where the session finds what makes media.
///
/// # Safety
/// The texts are NULL or NUL-terminated.
pub unsafe fn read_tools(options: &ftr_session_options) -> Result<Tools> {
    // SAFETY: passed on.
    let text = |text, argument| unsafe { optional_text(text, argument) };
    let ffmpeg = text(options.ffmpeg_path, "ffmpeg_path")?;
    let work_folder = text(options.work_folder, "work_folder")?;
    if work_folder.as_ref().is_some_and(|folder| folder.trim().is_empty()) {
        return Err(invalid("work_folder: is empty: give the path of a folder, or NULL for the system's".into()));
    }
    let work_folder = work_folder.map_or_else(std::env::temp_dir, PathBuf::from);
    Ok(Tools {
        without_ffmpeg: ffmpeg.as_deref() == Some(""),
        ffmpeg: ffmpeg.filter(|path| !path.is_empty()).map(PathBuf::from),
        environment: Environment::capture(),
        work_folder: absolute(work_folder, "work_folder")?,
    })
}

fn role(role: i32) -> Option<Role> {
    Some(match role {
        FTR_ROLE_AUTO => Role::Auto,
        FTR_ROLE_MOVIE => Role::Movie,
        FTR_ROLE_IMAGE => Role::Image,
        FTR_ROLE_PDF => Role::Pdf,
        FTR_ROLE_THUMBNAIL => Role::Thumbnail,
        FTR_ROLE_COMPONENT => Role::Component,
        FTR_ROLE_UNMANAGED => Role::Unmanaged,
        FTR_ROLE_SEQUENCE => Role::Sequence,
        _ => return None,
    })
}

/// # Safety
/// The texts are NULL or NUL-terminated.
unsafe fn read_around(options: &ftr_publish_options) -> Result<Around> {
    // SAFETY: passed on.
    let text = |text, argument| unsafe { optional_text(text, argument) };
    let flag = |flag: u32| options.flags & flag != 0;
    Texts {
        task_status: text(options.task_status, "task_status")?,
        user: text(options.user, "user")?,
        uses_versions: text(options.uses_versions, "uses_versions")?,
        lists: text(options.lists, "lists")?,
        metadata: text(options.metadata, "metadata")?,
        custom_attributes: text(options.custom_attributes, "custom_attributes")?,
        note: text(options.note, "note")?,
        note_labels: text(options.note_labels, "note_labels")?,
        note_attachments: text(options.note_attachments, "note_attachments")?,
        note_frame: options.note_frame,
        review_session: text(options.review_session, "review_session")?,
        invitees: text(options.invitees, "invitees")?,
        create_lists: flag(FTR_PUBLISH_CREATE_LISTS),
        create_review_session: flag(FTR_PUBLISH_CREATE_REVIEW_SESSION),
        do_not_invite: flag(FTR_PUBLISH_DO_NOT_INVITE),
        create_asset_type: flag(FTR_PUBLISH_CREATE_ASSET_TYPE),
    }
    .read()
}

/// # Safety
/// The text is NULL or NUL-terminated.
pub unsafe fn read_uploads(options: &ftr_session_options) -> Result<UploadSettings> {
    let memory_bytes = match options.upload_memory_bytes {
        0 => policy::UPLOAD_MEMORY,
        bytes if bytes < FTR_BLOCK_SIZE => {
            return Err(invalid(format!(
                "upload_memory_bytes: {bytes} is less than the one block of {FTR_BLOCK_SIZE} bytes (FTR_BLOCK_SIZE) that an \
                 upload needs: give that or more, or 0 for the default"
            )));
        }
        bytes => bytes,
    };
    let most = policy::MOST_UPLOADS;
    let count = |name: &str, count: i32| match usize::try_from(count) {
        Ok(count) if count <= most => Ok(count),
        _ => Err(invalid(format!("{name}: {count} is out of range: give 1 to {most}, or 0 for the default"))),
    };
    let verify = match options.upload_verify {
        FTR_VERIFY_ETAG => Verify::Etag,
        FTR_VERIFY_OFF => Verify::Off,
        FTR_VERIFY_CONTENT_MD5 => Verify::ContentMd5,
        other => {
            let known = "FTR_VERIFY_ETAG (0), FTR_VERIFY_OFF (1) or FTR_VERIFY_CONTENT_MD5 (2)";
            return Err(invalid(format!("upload_verify: {other} is not known: give {known}")));
        }
    };
    let connections = count("upload_connections", options.upload_connections)?;
    let parallel_uploads = count("parallel_uploads", options.parallel_uploads)?;
    // SAFETY: passed on.
    let journal_folder = unsafe { optional_text(options.journal_folder, "journal_folder") }?;
    if journal_folder.as_ref().is_some_and(|folder| folder.trim().is_empty()) {
        return Err(invalid("journal_folder: is empty: give the path of a folder, or NULL to note nothing".into()));
    }
    let limits = Limits {
        memory_bytes,
        bytes_per_second: options.upload_bytes_per_second,
        connections: (connections > 0).then_some(connections),
        verify,
        ..Limits::default()
    };
    let parallel_uploads = if parallel_uploads == 0 { policy::PARALLEL_UPLOADS } else { parallel_uploads };
    let Ok(spread_ms) = u64::try_from(options.start_spread_ms) else {
        let spread = options.start_spread_ms;
        return Err(invalid(format!("start_spread_ms: {spread} is no time: give milliseconds, or 0 to begin at once")));
    };
    Ok(UploadSettings {
        limits,
        parallel_uploads,
        journal_folder: journal_folder.map(Into::into),
        start_spread: Duration::from_millis(spread_ms),
    })
}

/// The session's outbox, if it is to have one.
///
/// # Safety
/// The text is NULL or NUL-terminated.
pub unsafe fn read_outbox(options: &ftr_session_options, places: &Places) -> Result<Option<Outbox>> {
    // SAFETY: passed on.
    let folder = match unsafe { optional_text(options.outbox_folder, "outbox_folder") }? {
        Some(folder) if folder.trim().is_empty() => {
            return Err(invalid("outbox_folder: is empty: give the path of a folder, or NULL for no outbox".into()));
        }
        Some(folder) => absolute(folder.into(), "outbox_folder")?,
        None if options.flags & FTR_SESSION_OUTBOX == 0 => return Ok(None),
        None => Outbox::default_folder(places).ok_or_else(|| {
            let message = "flags: FTR_SESSION_OUTBOX was given and the environment names no home of the user (HOME): give \
                           outbox_folder";
            invalid(message.to_owned())
        })?,
    };
    let defaults = OutboxLimits::default();
    let given = |value: u64| (value != 0).then_some(value);
    let limits = OutboxLimits {
        items: given(options.outbox_max_items).map_or(defaults.items, |items| items.try_into().unwrap_or(usize::MAX)),
        bytes: given(options.outbox_max_bytes).unwrap_or(defaults.bytes),
        age: given(options.outbox_max_age_s).map_or(defaults.age, Duration::from_secs),
    };
    Ok(Some(Outbox::new(folder, limits)))
}

/// Another process has another working directory.
pub fn absolute(path: PathBuf, argument: &str) -> Result<PathBuf> {
    std::path::absolute(&path).map_err(|error| {
        invalid(format!("{argument}: '{}' cannot be made absolute ({error}): give an absolute path", path.display()))
    })
}

pub fn unknown_flags(flags: u32, known: &str) -> Error {
    Error::new(
        Code::InvalidArgument,
        format!("flags: 0x{flags:x} has bits that this library does not know; it knows {known}"),
    )
}

pub fn log_level(level: i32) -> Result<Level> {
    [Level::Off, Level::Error, Level::Warning, Level::Info, Level::Debug, Level::Trace]
        .into_iter()
        .find(|known| *known as i32 == level)
        .ok_or_else(|| {
            Error::new(
                Code::InvalidArgument,
                format!("log_level: {level} is none of FTR_LOG_OFF (0) to FTR_LOG_TRACE (5)"),
            )
        })
}

fn unused(value: i64, name: &str) -> Result<()> {
    unused_in(value, name, "FTR_SESSION_OPTIONS_INIT")
}

fn unused_in(value: i64, name: &str, initialiser: &str) -> Result<()> {
    match value {
        0 => Ok(()),
        _ => Err(invalid(format!("{name}: is {value}, must be 0: begin with {initialiser}"))),
    }
}

fn invalid(message: String) -> Error {
    Error::new(Code::InvalidArgument, message)
}

/// The object that a text of JSON is.
pub fn json_object(text: &str, argument: &str) -> Result<Map<String, Value>> {
    let wrong = |why: String| {
        let remedy = "give the text of a JSON object, such as {\"shot\": \"sh010\"}";
        Error::new(Code::InvalidJson, format!("{argument}: {why}; {remedy}"))
    };
    match serde_json::from_str(text).map_err(|error| wrong(format!("is no JSON ({error})")))? {
        Value::Object(object) => Ok(object),
        _ => Err(wrong("is JSON, but no object".to_owned())),
    }
}
