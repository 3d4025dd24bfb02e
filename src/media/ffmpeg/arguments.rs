//! The whole command line: ours, or the studio's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::settings::{Quality, Settings};
use crate::media::Rational;
use crate::session::{Code, Error, Result, policy};

/// What every run begins with: no questions, no input of its own, its progress on standard output, only what is wrong on
/// standard error, and each line with its level.
pub(super) fn common() -> Vec<OsString> {
    words("-hide_banner -nostdin -y -loglevel level+warning -nostats -progress pipe:1")
}

/// Words of an argument list that hold no spaces.
pub(super) fn words(text: &str) -> Vec<OsString> {
    text.split(' ').map(OsString::from).collect()
}

/// A movie or an image, read from this link. Only files: what lies about being a movie and is a playlist must not fetch.
pub(super) fn movie_input(link: &Path) -> Vec<OsString> {
    let mut arguments = words("-protocol_whitelist file -i");
    arguments.push(link.into());
    arguments
}

/// Images that are counted from zero. One that is damaged ends the run: its place would be filled with another.
pub(super) fn frames_input(pattern: OsString, rate: Rational) -> Vec<OsString> {
    // The JPEG decoder fills what is missing with grey and says so only when it is asked to. Others refuse by themselves,
    // and would then refuse what is merely unusual.
    let strict = if pattern.as_encoded_bytes().ends_with(b".jpg") { "-err_detect explode " } else { "" };
    let options = "-protocol_whitelist file -f image2 -pattern_type sequence -start_number 0";
    let mut arguments = words(&format!("{strict}{options} -framerate {rate} -i"));
    arguments.push(pattern);
    arguments
}

/// What a movie shall be, when everything is known.
#[derive(Debug)]
pub(super) struct Plan {
    /// The arguments that name the picture's source.
    pub input: Vec<OsString>,
    /// What stands for it in a studio's arguments.
    pub input_name: OsString,
    /// Frames end the run when one is damaged.
    pub strict: bool,
    /// The chain of filters.
    pub filters: OsString,
    /// Sound from the movie itself.
    pub has_own_sound: bool,
    /// Sound from a file of its own.
    pub audio: Option<PathBuf>,
    /// Even size.
    pub size: (u32, u32),
    /// Frames a second.
    pub rate: Rational,
    /// The option by which frames keep their rate in spite of a clock that has rounded it; without it they have it.
    pub constant_rate: Option<&'static str>,
    /// Frames in the movie, where that is known.
    pub frames: Option<u64>,
    /// What the movie says of its colours.
    pub primaries: String,
    pub transfer: &'static str,
    /// The LUT, for a studio's arguments.
    pub lut: Option<PathBuf>,
    /// Where ffmpeg writes.
    pub output: PathBuf,
}

impl Plan {
    /// The whole command line without the program.
    pub fn arguments(&self, settings: &Settings) -> Result<Vec<OsString>> {
        let mut all = common();
        match &settings.arguments {
            Some(template) => all.extend(self.filled(template, settings)?),
            None => all.extend(self.own(settings)),
        }
        Ok(all)
    }

    fn own(&self, settings: &Settings) -> Vec<OsString> {
        let mut all = Vec::new();
        if self.strict {
            all.push("-xerror".into());
        }
        all.extend_from_slice(&self.input);
        if let Some(audio) = &self.audio {
            all.extend(movie_input(audio));
        }
        all.extend(words("-map 0:V:0"));
        if self.has_own_sound {
            all.extend(words("-map 0:a:0"));
        } else if self.audio.is_some() {
            all.extend(words("-map 1:a:0"));
        }
        all.push("-filter:v".into());
        all.push(self.filters.clone());
        if let Some(option) = self.constant_rate {
            all.extend(words(&format!("-r {} {option}", self.rate)));
        }
        all.extend(words("-c:v libx264 -preset medium -profile:v high -pix_fmt yuv420p -bf 0"));
        all.extend(words(&format!("-g {} {}", settings.key_interval.max(1), self.quality(settings.quality))));
        all.extend(words("-color_range tv -colorspace bt709"));
        all.extend(words(&format!("-color_primaries {} -color_trc {}", self.primaries, self.transfer)));
        if self.has_own_sound || self.audio.is_some() {
            all.extend(self.sound());
        }
        // Nothing of where it was made: no names, no places, no time codes, no versions.
        all.extend(words("-map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact"));
        all.extend(words("-write_tmcd 0 -movflags +faststart+write_colr -max_muxing_queue_size 4096 -f mp4"));
        all.push(self.output.clone().into());
        all
    }

    fn quality(&self, quality: Quality) -> String {
        match quality {
            Quality::Constant(crf) => {
                let pixels = f64::from(self.size.0) * f64::from(self.size.1) * self.rate.as_f64();
                let peak = ((pixels * policy::REVIEW_BITS_PER_PIXEL) as u64)
                    .clamp(policy::REVIEW_SMALLEST_PEAK, policy::REVIEW_PEAK);
                format!("-crf {} -maxrate {peak} -bufsize {}", crf.min(51), 2 * peak)
            }
            Quality::BitRate(rate) => {
                format!("-b:v {rate} -maxrate {} -bufsize {}", rate.saturating_mul(3) / 2, rate.saturating_mul(2))
            }
        }
    }

    /// Sound begins with the picture: silence stands for what is missing at the front, and what is beyond the end of frames is cut.
    fn sound(&self) -> Vec<OsString> {
        let mut filters =
            "aresample=async=1:first_pts=0,aformat=channel_layouts=mono|stereo:sample_rates=44100|48000".to_owned();
        if let (Some(frames), Some(_)) = (self.frames, &self.audio) {
            let microseconds =
                frames.saturating_mul(1_000_000).saturating_mul(self.rate.denominator()) / self.rate.numerator();
            filters.push_str(&format!(",atrim=end={}us", microseconds));
        }
        let mut all = words(&format!("-c:a aac -b:a {} -filter:a", policy::REVIEW_AUDIO));
        all.push(filters.into());
        all
    }

    /// A studio's arguments with what stands for names and numbers filled in.
    fn filled(&self, template: &[String], settings: &Settings) -> Result<Vec<OsString>> {
        for needed in ["{input}", "{output}"] {
            if !template.iter().any(|argument| argument.contains(needed)) {
                return Err(invalid(format!("{needed} does not stand in them: it must")));
            }
        }
        template.iter().map(|argument| self.filled_one(argument, settings)).collect()
    }

    fn filled_one(&self, argument: &str, settings: &Settings) -> Result<OsString> {
        let mut filled = OsString::new();
        let mut rest = argument;
        while let Some(at) = rest.find(['{', '}']) {
            filled.push(&rest[..at]);
            let brace = &rest[at..at + 1];
            if rest[at + 1..].starts_with(brace) {
                filled.push(brace);
                rest = &rest[at + 2..];
                continue;
            }
            let name = rest[at + 1..].split_once('}').filter(|_| brace == "{");
            let Some((name, after)) = name else {
                return Err(invalid(format!(
                    "\"{argument}\" has a brace alone: write it twice, or a name between two"
                )));
            };
            filled.push(
                self.value(name, settings).map_err(|what| invalid(format!("\"{argument}\": {{{name}}} {what}")))?,
            );
            rest = after;
        }
        filled.push(rest);
        Ok(filled)
    }

    fn value(&self, name: &str, settings: &Settings) -> Result<OsString, &'static str> {
        Ok(match name {
            "input" => self.input_name.clone(),
            "output" => self.output.clone().into(),
            "width" => self.size.0.to_string().into(),
            "height" => self.size.1.to_string().into(),
            "rate" => self.rate.to_string().into(),
            "frames" => self.frames.ok_or("is not known of this movie")?.to_string().into(),
            "key_interval" => settings.key_interval.max(1).to_string().into(),
            "audio" => self.audio.clone().ok_or("stands for a file with sound, and none is given")?.into(),
            "lut" => self.lut.clone().ok_or("stands for a LUT, and none is given")?.into(),
            _ => {
                return Err(
                    "is none of {input}, {output}, {width}, {height}, {rate}, {frames}, {key_interval}, {audio}, {lut}",
                );
            }
        })
    }
}

fn invalid(what: String) -> Error {
    Error::new(Code::InvalidArgument, format!("ffmpeg arguments: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            input: words("-i in"),
            input_name: "/w/frame%08d.png".into(),
            strict: true,
            filters: "null".into(),
            has_own_sound: false,
            audio: None,
            size: (1920, 1080),
            rate: Rational::new(24_000, 1001).unwrap(),
            constant_rate: None,
            frames: Some(48),
            primaries: "bt709".into(),
            transfer: "bt709",
            lut: None,
            output: "/w/out.mp4".into(),
        }
    }

    fn filled(template: &[&str]) -> Result<Vec<OsString>> {
        let template: Vec<String> = template.iter().map(|argument| (*argument).to_owned()).collect();
        plan().filled(&template, &Settings::default())
    }

    #[test]
    fn a_template_is_filled_in_word_by_word() {
        let arguments =
            filled(&["-r", "{rate}", "-i", "{input}", "-vf", "scale={width}:{height},x={{{frames}}}", "{output}"])
                .unwrap();
        let expected = ["-r", "24000/1001", "-i", "/w/frame%08d.png", "-vf", "scale=1920:1080,x={48}", "/w/out.mp4"];
        assert_eq!(arguments, expected.map(OsString::from));
    }

    #[test]
    fn a_template_that_cannot_be_right_is_refused() {
        for (template, word) in [
            (&["-i", "{input}"][..], "{output}"),
            (&["{output}"], "{input}"),
            (&["{input}", "{output}", "{colour}"], "{colour}"),
            (&["{input}", "{output}", "{audio}"], "sound"),
            (&["{input}", "{output}", "a}"], "brace"),
            (&["{input}", "{output}", "{"], "brace"),
        ] {
            let error = filled(template).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            assert!(error.message.contains(word), "{error}");
        }
    }

    #[test]
    fn sound_of_its_own_file_ends_with_the_frames() {
        let plan = Plan { audio: Some("a.wav".into()), ..plan() };
        let filters = plan.sound().pop().unwrap().into_string().unwrap();
        assert!(filters.ends_with(",atrim=end=2002000us"), "{filters}");
    }
}
