//! Between the second step and the third: media are made of what browsers do not play, and a thumbnail of what has none.
//!
//! What is made is kept with the item of the outbox, so that a resumed publish uploads the very same bytes: another run of
//! ffmpeg may differ by one, and parts of the first may be in storage.

use super::Mode;
use super::check::Checked;
use super::files::{Making, Role, Shown, What, WorkFolder};
use super::ids::{IMAGE, LARGER_MOVIES, MOVIE, Slot};
use super::run::cancelled;
use super::work::{CHOSEN, MADE, Work};
use crate::media::ffmpeg::{self, Colour, Ffmpeg, Input, Settings, StillSettings};
use crate::media::{self, Kind, Media};
use crate::session::blocking::blocking;
use crate::session::{Code, Error, Result, Stage, policy};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A file that was made, as the outbox notes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Made {
    /// Its name in the item's folder.
    file: String,
    size: u64,
    /// The rendition that it is for.
    height: u32,
}

/// Who makes media.
pub enum Tool {
    /// There is nothing to make, or it is there.
    None,
    /// The program on this machine.
    Ffmpeg(Ffmpeg),
    /// The server.
    Server,
}

impl Work {
    /// Who makes what is to be made. Where it decides whether the publish can be done at all, that is known before the server is
    /// asked anything.
    pub(super) async fn tool_for(&self, checked: &Checked) -> Result<Tool> {
        let Some(making) = &checked.making else { return Ok(Tool::None) };
        if self.was_made("media").await.is_some() {
            return Ok(Tool::None);
        }
        let is_auto = self.mode() == Mode::Auto;
        if matches!(making.what, What::Encoded) {
            return self.choose_server(&making.reason, "only the server's encoder may read it").await;
        }
        match self.publisher.finder.ffmpeg(self.job.cancelled()).await {
            Ok(ffmpeg) => {
                if is_auto {
                    self.warn(format!("{}; this was done by ffmpeg {}", making.reason.message, ffmpeg.version));
                }
                Ok(Tool::Ffmpeg(ffmpeg))
            }
            Err(error) if !is_auto || error.code == Code::Cancelled => Err(error.at(Stage::Checking)),
            // The server makes movies of movies, and knows nothing of looks and rates.
            Err(error) if matches!(making.what, What::Movie(_)) && self.has_no_wishes() => {
                self.choose_server(&making.reason, &error.message).await
            }
            Err(error) => {
                let message =
                    format!("{}; it would be done for you with ffmpeg, but {}", making.reason.message, error.message);
                Err(Error { message, ..making.reason.clone() }.at(Stage::Checking))
            }
        }
    }

    /// Whether the host asks for nothing that only ffmpeg here would do.
    fn has_no_wishes(&self) -> bool {
        let request = &self.request;
        let has_sizes =
            request.files.iter().any(|file| matches!(file.role, Role::Auto | Role::Movie | Role::Image | Role::Pdf));
        request.lut.is_none() && request.ffmpeg_arguments.is_none() && request.renditions.is_empty() && !has_sizes
    }

    async fn choose_server(&self, reason: &Error, why: &str) -> Result<Tool> {
        // Every try does the same, also where ffmpeg is.
        if let Some(kept) = self.kept.get() {
            kept.note(CHOSEN, json!(Mode::Encode)).await?;
        }
        let _ = self.chosen.set(Mode::Encode);
        self.warn(format!("{}; the server was asked to do this, because {why}", reason.message));
        Ok(Tool::Server)
    }

    /// Makes the media, where that is to be done.
    pub(super) async fn make(&self, checked: &mut Checked, tool: Option<&Ffmpeg>, larger: bool) -> Result<()> {
        let Some(making) = checked.making.clone() else { return Ok(()) };
        let made = match (self.was_made("media").await, tool) {
            (Some(made), _) => {
                self.log.info("publish", "an earlier try had made the media");
                made
            }
            (None, Some(ffmpeg)) => {
                self.job.enter(Stage::Transcoding);
                let folder = self.folder_for_made().await?;
                let made = match &making.what {
                    What::Still(path) => vec![(self.still(ffmpeg, path, &folder).await?, 0)],
                    _ => self.transcode(ffmpeg, &making, &folder, larger).await?,
                };
                self.note_made("media", &made).await?;
                made
            }
            (None, None) => {
                let message = "what an earlier try had made vanished from the outbox while it was looked at: try again";
                return Err(Error::new(Code::FileChanged, message));
            }
        };
        let name = |index: usize, height: u32| match (&making.what, index) {
            (What::Still(_), _) => IMAGE,
            (_, 0) => MOVIE,
            _ => LARGER_MOVIES.iter().find(|(label, _)| height <= *label).unwrap_or(&LARGER_MOVIES[2]).1,
        };
        for (index, (path, height)) in made.into_iter().enumerate() {
            let name = name(index, height).to_owned();
            let slot = if index == 0 { Slot::Media } else { Slot::Named(name.clone()) };
            let media = blocking(move || media::probe(&path)).await?;
            checked.shown.push(Shown { slot, name, media });
        }
        Ok(())
    }

    /// Takes the middle frame of a movie without a thumbnail. What goes wrong costs the thumbnail only.
    pub(super) async fn take_thumbnail(&self, checked: &mut Checked) -> Result<()> {
        let movie = match (checked.thumbnail_slot(), checked.main()) {
            (None, Some(Shown { media, .. })) if matches!(media.kind, Kind::Movie(_)) => media.source.path().to_owned(),
            _ => return Ok(()),
        };
        if let Some(made) = self.was_made("thumbnail").await {
            let image = made.into_iter().next().map(|(path, _)| path).unwrap_or_default();
            checked.thumbnail = blocking(move || media::probe(&image)).await.ok();
            return Ok(());
        }
        let ffmpeg = match self.publisher.finder.ffmpeg(self.job.cancelled()).await {
            Ok(ffmpeg) => ffmpeg,
            Err(error) if error.code == Code::Cancelled => return Err(cancelled()),
            Err(error) => {
                self.log.info("publish", format_args!("no thumbnail is taken of the movie: {error}"));
                return Ok(());
            }
        };
        self.job.enter(Stage::Transcoding);
        match self.thumbnail_of(&ffmpeg, &movie).await {
            Ok(media) => checked.thumbnail = Some(media),
            Err(error) if error.code == Code::Cancelled => return Err(cancelled()),
            Err(error) => {
                self.warn(format!("no frame of the movie could be taken as its thumbnail: {}", error.message))
            }
        }
        Ok(())
    }

    async fn thumbnail_of(&self, ffmpeg: &Ffmpeg, movie: &Path) -> Result<Media> {
        let folder = self.folder_for_made().await?;
        let settings = StillSettings { max_width: Some(policy::THUMBNAIL_WIDTH), ..StillSettings::default() };
        let output = folder.join(format!("{MADE}thumbnail.jpg"));
        ffmpeg::frame(ffmpeg, movie, settings, &output, self.job.cancelled()).await?;
        self.note_made("thumbnail", &[(output.clone(), 0)]).await?;
        blocking(move || media::probe(&output)).await
    }

    async fn still(&self, ffmpeg: &Ffmpeg, path: &Path, folder: &Path) -> Result<PathBuf> {
        let output = folder.join(self.made_name("", "jpg"));
        let settings =
            StillSettings { colour: self.colour(), lut: self.request.lut.clone(), ..StillSettings::default() };
        ffmpeg::frame(ffmpeg, path, settings, &output, self.job.cancelled()).await?;
        Ok(output)
    }

    /// The paths of the movies, and the heights that they are for; the lowest first.
    async fn transcode(
        &self,
        ffmpeg: &Ffmpeg,
        making: &Making,
        folder: &Path,
        larger: bool,
    ) -> Result<Vec<(PathBuf, u32)>> {
        let heights = heights(&self.request.renditions, making.height, larger);
        let runs = heights.len() as u64;
        let mut made: Vec<(PathBuf, u32)> = Vec::new();
        let mut last_height = 0;
        for (run, height) in heights.into_iter().enumerate() {
            let run = run as u64;
            let output = folder.join(self.made_name(&format!("_{height}"), "mp4"));
            let input = match &making.what {
                What::Frames(files, rate) => Input::Frames { files: files.clone(), rate: *rate, audio: None },
                What::Movie(path) | What::Still(path) => Input::Movie(path.clone()),
                What::Encoded => {
                    return Err(Error::new(Code::Internal, "nothing is to be made here: please report it"));
                }
            };
            let settings = Settings {
                height: Some(height),
                rate: self.request.frame_rate().filter(|_| matches!(input, Input::Movie(_))),
                colour: self.colour(),
                lut: self.request.lut.clone(),
                arguments: self.request.ffmpeg_arguments.clone(),
                ..Settings::default()
            };
            let progress = |progress: ffmpeg::Progress| {
                let total = progress.frames_total.unwrap_or_default();
                self.job.count_frames(run * total + progress.frames_done, runs * total);
            };
            let done = ffmpeg::transcode(ffmpeg, input, settings, &output, progress, self.job.cancelled()).await?;
            for warning in &done.warnings {
                if run == 0 {
                    self.warn(warning.clone());
                }
            }
            self.log.info(
                "publish",
                format_args!("made {}x{}, {} frames, {} bytes", done.width, done.height, done.frames, done.size_bytes),
            );
            // A source whose height was not known is no larger than the one before.
            if done.height == last_height && self.request.ffmpeg_arguments.is_none() {
                let _ = tokio::task::spawn_blocking(move || std::fs::remove_file(output)).await;
                break;
            }
            last_height = done.height;
            made.push((output, height));
        }
        Ok(made)
    }

    fn colour(&self) -> Colour {
        Colour { display_referred: self.request.display_referred, ..Colour::default() }
    }

    /// What it is called in its folder; reviewers who download it see the rest of the name.
    fn made_name(&self, addition: &str, extension: &str) -> String {
        let stem: String = self
            .request
            .default_asset_name()
            .chars()
            .map(|character| if character.is_alphanumeric() || "-_".contains(character) { character } else { '_' })
            .take(60)
            .collect();
        format!("{MADE}{stem}{addition}.{extension}")
    }

    /// The folder of the outbox's item, or one that goes with this publish.
    async fn folder_for_made(&self) -> Result<PathBuf> {
        if let Some(kept) = self.kept.get() {
            return Ok(kept.folder().to_owned());
        }
        if let Some(folder) = self.work_folder.get() {
            return Ok(folder.path().to_owned());
        }
        let parent = self.publisher.finder.tools.work_folder.clone();
        let folder = blocking(move || WorkFolder::new(&parent)).await?;
        let path = folder.path().to_owned();
        // One step of the publish runs at a time.
        let _ = self.work_folder.set(folder);
        Ok(path)
    }

    /// What an earlier try had made, if all of it is there.
    async fn was_made(&self, what: &str) -> Option<Vec<(PathBuf, u32)>> {
        let kept = self.kept.get()?;
        let made: Vec<Made> = serde_json::from_value(kept.fact(&fact(what))?).ok()?;
        let folder = kept.folder().to_owned();
        blocking(move || {
            let there = |made: Made| {
                let path = folder.join(&made.file);
                let size = std::fs::metadata(&path).ok()?.len();
                (size == made.size).then_some((path, made.height))
            };
            Ok(made.into_iter().map(there).collect::<Option<Vec<_>>>().filter(|made| !made.is_empty()))
        })
        .await
        .ok()?
    }

    async fn note_made(&self, what: &str, made: &[(PathBuf, u32)]) -> Result<()> {
        let Some(kept) = self.kept.get() else { return Ok(()) };
        let made = made.to_vec();
        let noted = blocking(move || {
            let note = |(path, height): &(PathBuf, u32)| {
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let size = std::fs::metadata(path).map(|metadata| metadata.len()).unwrap_or_default();
                Made { file, size, height: *height }
            };
            Ok(json!(made.iter().map(note).collect::<Vec<_>>()))
        });
        let noted = noted.await?;
        if let Err(error) = kept.note(&fact(what), noted).await {
            self.log.info("publish", format_args!("not noted in the outbox: {error}"));
        }
        Ok(())
    }
}

fn fact(what: &str) -> String {
    format!("made {what}")
}

/// The renditions to make, the lowest first: none larger than the source, but for the one that the source itself is.
fn heights(wanted: &[u32], source: Option<u32>, larger: bool) -> Vec<u32> {
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    if wanted.is_empty() {
        wanted.push(policy::REVIEW_HEIGHT);
    }
    let mut heights = Vec::new();
    for height in wanted {
        heights.push(height);
        if !larger || source.is_some_and(|source| source <= height) {
            break;
        }
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rendition_is_larger_than_its_source_and_the_source_itself_is_one() {
        let all = [2160, 720, 1440, 1080];
        assert_eq!(heights(&all, Some(2160), true), [720, 1080, 1440, 2160]);
        assert_eq!(heights(&all, Some(1080), true), [720, 1080]);
        assert_eq!(heights(&all, Some(858), true), [720, 1080]);
        assert_eq!(heights(&all, Some(480), true), [720]);
        assert_eq!(heights(&all, None, true), [720, 1080, 1440, 2160]);
        assert_eq!(heights(&all, Some(2160), false), [720]);
        assert_eq!(heights(&[], Some(2160), true), [policy::REVIEW_HEIGHT]);
    }
}
