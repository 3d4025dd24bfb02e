//! What the installed ffmpeg can write: none of it looks damaged, and it is measured as ffprobe measures it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ftreview::media::{Encoding, Kind, Media, look, plan};
use ftreview::session::Code;
use serde_json::Value;
use tempfile::TempDir;

use super::{age, look_content, sample};

#[test]
fn what_studios_write_with_ffmpeg_is_measured_as_ffprobe_measures_it() {
    let folder = TempDir::new().unwrap();
    let Ok(status) = Command::new(sample("make-samples.sh").with_file_name("write-all.sh")).arg(folder.path()).status()
    else {
        println!("there is no shell: left out");
        return;
    };
    if !status.success() || Command::new("ffprobe").arg("-version").output().is_err() {
        println!("ffmpeg is not installed: left out");
        return;
    }
    let told = measure(folder.path());
    assert!(told.compared >= 50 && told.unknown == 0, "{told:?}");
}

#[test]
#[ignore = "takes minutes: cargo xtask test media"]
fn all_that_ffmpeg_writes_is_measured_as_ffprobe_measures_it() {
    let folder = std::env::var("FTREVIEW_CORPUS").expect("FTREVIEW_CORPUS names a folder of what write-all.sh wrote");
    let told = measure(Path::new(&folder));
    println!("{told:?}");
    assert!(told.compared >= 400, "{told:?}");
}

#[test]
#[ignore = "needs OpenEXR: cargo xtask test media"]
fn what_openexr_writes_is_measured_and_is_damaged_when_it_is_cut_off() {
    let folder = std::env::var("FTREVIEW_CORPUS").expect("FTREVIEW_CORPUS names a folder of what write_exr.py wrote");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // Their names end with how large they are: exr-zip-float16-48x300.exr.
        let Some(size) = name.strip_prefix("exr-").and_then(|rest| rest.strip_suffix(".exr")) else { continue };
        let size = size.rsplit('-').next().unwrap();
        age(&path);
        let Kind::OtherImage(image) = look(&path).unwrap().kind else { panic!("{name} is no image") };
        assert_eq!(format!("{}x{}", image.width.unwrap(), image.height.unwrap()), size, "{name}");
        assert_eq!(image.encoding, Encoding::SceneLinear, "{name}");
        let whole = fs::read(&path).unwrap();
        for length in [whole.len() - 1, whole.len() / 2] {
            // The blocks of several parts are not counted.
            let error = look_content("a.exr", &whole[..length]).map(|_| ());
            assert_eq!(error.is_err(), !name.contains("parts"), "{name} cut to {length}: {error:?}");
        }
        seen += 1;
    }
    assert!(seen >= 20, "only {seen} files");
}

#[derive(Debug, Default)]
struct Told {
    compared: usize,
    /// Neither movies nor images that are known here, such as subtitles and the formats of games.
    unknown: usize,
}

fn measure(folder: &Path) -> Told {
    let mut told = Told::default();
    let mut wrong = Vec::new();
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        age(&path);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let media = match look(&path) {
            Ok(media) => media,
            Err(error) if matches!(error.code, Code::NotMedia | Code::MovieNoVideo) => {
                told.unknown += 1;
                continue;
            }
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let _ = plan(&media);
        if let Some(difference) = unlike_ffprobe(&path, &media) {
            wrong.push(format!("{name}: {difference}"));
        }
        told.compared += 1;
    }
    assert!(wrong.is_empty(), "{told:?}, and\n{}", wrong.join("\n"));
    told
}

/// What ffprobe says otherwise.
fn unlike_ffprobe(path: &Path, media: &Media) -> Option<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-of", "json", "-show_entries"])
        .arg("stream=width,height,nb_frames,avg_frame_rate,color_primaries,color_transfer,color_space")
        .arg(path)
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let stream = &answer["streams"][0];
    let number = |name: &str| stream[name].as_u64().filter(|number| *number > 0);
    let (Some(width), Some(height)) = (number("width"), number("height")) else {
        // What ffmpeg does not read back says nothing.
        return None;
    };
    let size = match &media.kind {
        Kind::Movie(movie) => {
            let frames = stream["nb_frames"].as_str().and_then(|frames| frames.parse().ok());
            if frames.is_some_and(|frames: u64| frames != movie.frames) {
                return Some(format!("{} frames, ffprobe says {frames:?}", movie.frames));
            }
            Some((movie.width, movie.height))
        }
        Kind::Image(image) => Some((image.width, image.height)),
        Kind::OtherMovie(movie) => movie.width.zip(movie.height),
        Kind::OtherImage(image) => image.width.zip(image.height),
        Kind::Pdf(_) => None,
    };
    size.filter(|size| (u64::from(size.0), u64::from(size.1)) != (width, height))
        .map(|size| format!("{size:?}, ffprobe says {width}x{height}"))
}
