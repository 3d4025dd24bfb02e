//! A publish with everything that can be said of files, and the files.

use super::host::{Ended, Job, Session, Staging, last_error, publish_options, session_options, text};
use ftreview::ffi::constants::*;
use ftreview::ffi::types::*;
use ftreview::ffi::*;
use serde_json::Value;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::null;

pub const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";
pub const UNMANAGED_LOCATION: &str = "cb268ecc-8809-11e3-a7e2-20c9d081909b";
pub const TASK: &str = "demo/sq010/sh010/compositing";

/// A file beside the main one.
#[derive(Clone, Debug, Default)]
pub struct File {
    pub path: PathBuf,
    pub role: i32,
    pub name: Option<String>,
    pub flags: u32,
}

impl File {
    pub fn new(path: impl Into<PathBuf>, role: i32) -> File {
        File { path: path.into(), role, ..File::default() }
    }

    pub fn named(path: impl Into<PathBuf>, role: i32, name: &str) -> File {
        File { name: Some(name.to_owned()), ..File::new(path, role) }
    }
}

/// What is published.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub path: PathBuf,
    pub context: Option<String>,
    pub thumbnail: Option<PathBuf>,
    pub files: Vec<File>,
    pub flags: u32,
    pub meta: Option<String>,
    pub first_frame: i64,
    pub frame_out: i32,
    pub key: Option<String>,
    pub mode: i32,
    pub rate: Option<String>,
    pub renditions: u32,
    pub holes: i32,
    pub arguments: Option<String>,
    pub lut: Option<PathBuf>,
}

impl Given {
    pub fn of(path: impl Into<PathBuf>) -> Given {
        Given { path: path.into(), ..Given::default() }
    }

    pub fn with(path: impl Into<PathBuf>, files: impl IntoIterator<Item = File>) -> Given {
        Given { files: files.into_iter().collect(), ..Given::of(path) }
    }

    pub fn submit(&self, session: &Session) -> Result<Job, (i32, String)> {
        let pointer = |text: &Option<CString>| text.as_ref().map_or(null(), |text| text.as_ptr());
        let files: Vec<_> = self.files.iter().map(|file| (path(&file.path), file.name.as_deref().map(text))).collect();
        let raw: Vec<ftr_publish_file> = (self.files.iter().zip(&files))
            .map(|(file, (path, name))| ftr_publish_file {
                struct_size: size_of::<ftr_publish_file>() as u32,
                flags: file.flags,
                path: path.as_ptr(),
                component_name: pointer(name),
                role: file.role,
                reserved: 0,
            })
            .collect();
        let (main, thumbnail) = (path(&self.path), self.thumbnail.as_deref().map(path));
        let (context, meta) = (text(self.context.as_deref().unwrap_or(TASK)), self.meta.as_deref().map(text));
        let key = self.key.as_deref().map(text);
        let (rate, arguments) = (self.rate.as_deref().map(text), self.arguments.as_deref().map(text));
        let lut = self.lut.as_deref().map(path);
        let options = ftr_publish_options {
            flags: self.flags,
            path: main.as_ptr(),
            context: context.as_ptr(),
            thumbnail: pointer(&thumbnail),
            idempotency_key: pointer(&key),
            files: if raw.is_empty() { null() } else { raw.as_ptr() },
            file_count: raw.len() as u64,
            meta: pointer(&meta),
            first_frame: self.first_frame,
            meta_frame_out: self.frame_out,
            mode: self.mode,
            frame_rate: pointer(&rate),
            renditions: self.renditions,
            holes: self.holes,
            ffmpeg_arguments: pointer(&arguments),
            lut: pointer(&lut),
            ..publish_options()
        };
        let mut job = 0;
        // SAFETY: the texts outlive the call.
        match unsafe { ftr_session_publish_file(session.0, &options, &mut job) } {
            FTR_OK => Ok(Job(job)),
            code => Err((code, last_error())),
        }
    }

    pub fn publish(&self, session: &Session) -> Ended {
        self.submit(session).unwrap_or_else(|(code, message)| panic!("{code}: {message}")).wait()
    }

    /// Publishes with a session of its own that has no ffmpeg, and must succeed.
    pub fn done(&self, staging: &Staging) -> Ended {
        self.publish(&staging.session()).done()
    }

    /// The same with ffmpeg.
    pub fn made(&self, staging: &Staging) -> Ended {
        self.publish(&studio(staging)).done()
    }

    /// Must fail with this code, and leave nothing on the server.
    pub fn refused(&self, staging: &Staging, code: i32) -> String {
        self.refused_by(&staging.session(), staging, code)
    }

    /// The same with ffmpeg.
    pub fn not_made(&self, staging: &Staging, code: i32) -> String {
        self.refused_by(&studio(staging), staging, code)
    }

    pub fn refused_by(&self, session: &Session, staging: &Staging, code: i32) -> String {
        let before = staging.census();
        let message = match self.submit(session) {
            Err((refused, message)) => {
                assert_eq!(refused, code, "{message}");
                message
            }
            Ok(job) => {
                let ended = job.wait();
                assert_eq!((ended.state, ended.code), (FTR_JOB_FAILED, code), "{ended:?}");
                ended.message
            }
        };
        assert_eq!(staging.census(), before, "{message}");
        message
    }
}

/// A session with the ffmpeg of this machine, and a folder to work in.
pub fn studio(staging: &Staging) -> Session {
    studio_with(staging, null())
}

/// The same with an ffmpeg of its own.
pub fn studio_with(staging: &Staging, ffmpeg_path: *const std::ffi::c_char) -> Session {
    let work = path(&work_folder(staging));
    let options = ftr_session_options { ffmpeg_path, work_folder: work.as_ptr(), ..session_options() };
    Session::with(staging.url(), options).unwrap()
}

/// Where media are made. Nothing is left in it.
pub fn work_folder(staging: &Staging) -> PathBuf {
    let folder = staging.data().join("work");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).unwrap()
}

/// The components of a version: name, type, size, where, and as what; sorted by name.
pub fn components(staging: &Staging, version_id: &str) -> Vec<Value> {
    let mut rows = staging.query(&format!(
        "select id, name, file_type, size, system_type, component_locations.location_id, \
         component_locations.resource_identifier from Component where version_id is \"{version_id}\""
    ));
    rows.sort_by_key(|row| row["name"].as_str().unwrap().to_owned());
    rows
}

pub fn names(staging: &Staging, version_id: &str) -> Vec<String> {
    components(staging, version_id).iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

pub fn named(staging: &Staging, version_id: &str, name: &str) -> Value {
    let rows = components(staging, version_id);
    let found = rows.iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("no component {name}: {rows:?}")).clone()
}

/// What ftrack's player is told of a component.
pub fn meta(staging: &Staging, component_id: &str) -> Value {
    let rows =
        staging.query(&format!("select value from Metadata where parent_id is \"{component_id}\" and key is ftr_meta"));
    assert_eq!(rows.len(), 1, "{rows:?}");
    serde_json::from_str(rows[0]["value"].as_str().unwrap()).unwrap()
}

/// Whether ffmpeg is here. Where it is not, tests that need it say so and pass; with CI set they fail.
pub fn has_ffmpeg() -> bool {
    let found = Command::new("ffmpeg").arg("-version").output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "ffmpeg must be there in continuous integration");
        println!("ffmpeg is not installed: this test is left out");
    }
    found
}

/// Leaves a test out where there is no ffmpeg.
macro_rules! need_ffmpeg {
    () => {
        if !crate::given::has_ffmpeg() {
            return;
        }
    };
}
pub(crate) use need_ffmpeg;

/// Makes a file with ffmpeg, from a test picture unless the arguments have an input of their own.
pub fn make(staging: &Staging, name: &str, arguments: &str) -> PathBuf {
    let path = staging.scratch().join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-nostdin"]).args(arguments.split_whitespace()).arg(&path);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    path
}

/// A movie that browsers play.
pub fn movie(staging: &Staging, name: &str, size: &str, rate: &str, frames: u32) -> PathBuf {
    let arguments = format!(
        "-f lavfi -i testsrc2=size={size}:rate={rate} -frames:v {frames} -c:v libx264 -preset ultrafast -pix_fmt yuv420p \
         -movflags +faststart"
    );
    make(staging, name, &arguments)
}

pub fn image(staging: &Staging, name: &str, size: &str) -> PathBuf {
    make(staging, name, &format!("-f lavfi -i testsrc2=size={size} -frames:v 1"))
}

/// Frames of a test picture, each with a number of its own.
pub fn frames(staging: &Staging, pattern: &str, size: &str, first: u32, count: u32) -> PathBuf {
    let arguments = format!("-f lavfi -i testsrc2=size={size}:rate=24 -frames:v {count} -start_number {first}");
    make(staging, pattern, &arguments)
}

/// What ffprobe says of what is in storage.
pub fn probed(staging: &Staging, component_id: &str) -> Value {
    let copy = staging.scratch().join(format!("{component_id}.bin"));
    std::fs::write(&copy, staging.stored(component_id)).unwrap();
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "v:0", "-count_frames", "-of", "json", "-show_entries"]);
    command.arg("stream=codec_name,pix_fmt,width,height,nb_read_frames,r_frame_rate").arg(&copy);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["streams"][0].clone()
}
