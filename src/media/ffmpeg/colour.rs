//! What the source's values mean, and what the movie's shall mean.
//!
//! A review movie is BT.709 in the range of television, and says so. Matrix and range are converted to it from what the
//! source says they are. Red, green and blue of another kind keep their name, which is true and which browsers convert.
//! Values that are not made for a display (scene-linear, log, PQ, HLG) are refused: how they shall look is not in the file.

use super::look::Seen;

/// What the caller knows of colours that no file says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colour {
    /// What the movie says of its transfer function. Values are not changed by it.
    pub transfer: Transfer,
    /// How colours and alpha go together.
    pub alpha: Alpha,
    /// True when the values are made for a display, whatever the file says: a PQ label that is wrong, or floats that went
    /// through a view transform.
    pub display_referred: bool,
}

/// How a movie's values become light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transfer {
    /// BT.709, as nearly all review movies say: every player shows the values as they are.
    #[default]
    Bt709,
    /// sRGB, as the ASWF's guidelines say of frames that were made on a computer display.
    Srgb,
}

/// How colours and alpha go together. EXR is always premultiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alpha {
    /// Colours are as if opaque, as the formats PNG, TIFF and TGA mean it: they are multiplied with alpha over black.
    #[default]
    Straight,
    /// Colours are multiplied with alpha already, as compositing programs often write it: they are over black as they are.
    Premultiplied,
}

/// How to get from the source's values to the movie's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    /// `tv` or `pc`.
    pub range: &'static str,
    /// The matrix, in the words of the scale filter; `None` for RGB, which has none.
    pub matrix: Option<&'static str>,
    /// What the movie says of red, green and blue.
    pub primaries: String,
    /// What the movie says of its transfer function.
    pub transfer: &'static str,
    /// Whether an alpha channel must be laid over black first.
    pub multiply: bool,
    /// Whether there are more than eight bits to keep on the way.
    pub deep: bool,
    /// Whether values are floats.
    pub float: bool,
    /// Whether there is an alpha channel.
    pub alpha: bool,
    /// What was assumed, in sentences.
    pub warnings: Vec<String>,
}

/// Sources at least this high or wide without a matrix of their own are taken as HD, BT.709, and others as SD, BT.601:
/// what every player does.
const HD: (u32, u32) = (1280, 720);

impl Meaning {
    /// Of a source. An error is a predicate that says what the values are and what to do.
    pub fn of(seen: &Seen, colour: &Colour, has_lut: bool, is_image: bool) -> Result<Meaning, String> {
        let format = seen.format.as_str();
        let float = format.contains("f32") || format.contains("f16");
        if !has_lut && !colour.display_referred {
            refuse(seen, float)?;
        }
        let mut meaning = Meaning { float, alpha: has_alpha(format), deep: is_deep(format), ..Meaning::default() };
        meaning.multiply = meaning.alpha && !float && colour.alpha == Alpha::Straight;
        if meaning.alpha && format != "pal8" {
            let how = if meaning.multiply { "straight" } else { "premultiplied" };
            meaning.warnings.push(format!("its alpha channel was taken as {how} and the picture laid over black"));
        }
        let is_rgb = is_rgb(format);
        meaning.range = match seen.range.as_str() {
            _ if is_rgb => "pc",
            "pc" => "pc",
            "tv" => "tv",
            _ if format.starts_with("yuvj") || (is_image && is_gray(format)) => "pc",
            _ => "tv",
        };
        meaning.matrix = (!is_rgb && !is_gray(format)).then(|| matrix(seen, is_image, &mut meaning.warnings));
        meaning.primaries = primaries(seen, has_lut, &mut meaning.warnings);
        meaning.transfer = match colour.transfer {
            Transfer::Bt709 => "bt709",
            Transfer::Srgb => "iec61966-2-1",
        };
        Ok(meaning)
    }
}

fn refuse(seen: &Seen, float: bool) -> Result<(), String> {
    let what = match seen.transfer.as_str() {
        "smpte2084" => "is HDR (PQ)",
        "arib-std-b67" => "is HDR (HLG)",
        "log" | "log_sqrt" | "log100" | "log316" => "holds logarithmic values",
        "linear" => "holds scene-linear values",
        _ if float => "holds floating-point values, which are scene-linear as a rule",
        _ => return Ok(()),
    };
    Err(format!(
        "{what}, and how they shall look on a display is not guessed: give a LUT, or a movie that was made through OCIO; say that they are display-referred if they are"
    ))
}

fn is_rgb(format: &str) -> bool {
    let known = ["rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2rgb", "x2bgr", "pal8", "xyz", "bayer"];
    known.iter().any(|start| format.starts_with(start))
}

fn is_gray(format: &str) -> bool {
    format.starts_with("gray") || format.starts_with("mono") || format.starts_with("ya")
}

fn has_alpha(format: &str) -> bool {
    let inside = ["rgba", "bgra", "argb", "abgr", "gbrap", "ayuv", "vuya", "pal8"];
    format.starts_with("yuva") || format.starts_with("ya") || inside.iter().any(|part| format.contains(part))
}

/// Samples of more than a byte have an order of bytes, and its name.
fn is_deep(format: &str) -> bool {
    format.ends_with("le") || format.ends_with("be")
}

fn matrix(seen: &Seen, is_image: bool, warnings: &mut Vec<String>) -> &'static str {
    match seen.matrix.as_str() {
        "bt709" => "bt709",
        "bt470bg" | "smpte170m" => "bt601",
        "smpte240m" => "smpte240m",
        "fcc" => "fcc",
        "bt2020nc" | "bt2020c" => "bt2020",
        // JPEG and WebP, which know no other.
        "unknown" | "" if is_image => "bt601",
        "unknown" | "" if seen.width >= HD.0 || seen.height >= HD.1 => "bt709",
        "unknown" | "" => "bt601",
        other => {
            warnings.push(format!("its colour matrix {other} is taken as bt709: colours may be off"));
            "bt709"
        }
    }
}

fn primaries(seen: &Seen, has_lut: bool, warnings: &mut Vec<String>) -> String {
    match seen.primaries.as_str() {
        known @ ("bt470m" | "bt470bg" | "smpte170m" | "smpte240m" | "film") if !has_lut => known.to_owned(),
        wide @ ("bt2020" | "smpte428" | "smpte431" | "smpte432") if !has_lut => {
            warnings
                .push(format!("its colours are of a wide gamut ({wide}), which is kept: not every display shows them"));
            wide.to_owned()
        }
        _ => "bt709".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(format: &str, transfer: &str) -> Seen {
        let [format, transfer] = [format, transfer].map(str::to_owned);
        Seen { width: 1920, height: 1080, format, transfer, ..Seen::default() }
    }

    #[test]
    fn values_that_are_not_for_a_display_are_refused_unless_told() {
        let told = Colour { display_referred: true, ..Colour::default() };
        for (format, transfer, word) in [
            ("yuv420p10le", "smpte2084", "PQ"),
            ("yuv420p10le", "arib-std-b67", "HLG"),
            ("rgb48be", "log100", "logarithmic"),
            ("rgb24", "linear", "scene-linear"),
            ("gbrpf32le", "unknown", "scene-linear"),
            ("gbrapf32le", "", "scene-linear"),
        ] {
            let source = seen(format, transfer);
            let refusal = Meaning::of(&source, &Colour::default(), false, true).unwrap_err();
            assert!(refusal.contains(word) && refusal.contains("LUT"), "{refusal}");
            Meaning::of(&source, &told, false, true).unwrap();
            Meaning::of(&source, &Colour::default(), true, true).unwrap();
        }
    }

    #[test]
    fn what_is_not_said_is_taken_as_players_take_it() {
        let of = |format: &str, width, is_image| {
            let source = Seen { width, height: width / 2, ..seen(format, "unknown") };
            let meaning = Meaning::of(&source, &Colour::default(), false, is_image).unwrap();
            (meaning.range, meaning.matrix)
        };
        assert_eq!(of("yuv420p", 1920, false), ("tv", Some("bt709")));
        assert_eq!(of("yuv420p", 720, false), ("tv", Some("bt601")));
        assert_eq!(of("yuvj420p", 1920, true), ("pc", Some("bt601")));
        assert_eq!(of("rgb24", 1920, true), ("pc", None));
        assert_eq!(of("gbrp10le", 1920, false), ("pc", None));
        assert_eq!(of("gray16be", 1920, true), ("pc", None));
        assert_eq!(of("gray", 1920, false), ("tv", None));
    }

    #[test]
    fn alpha_is_found_by_the_name_of_the_format() {
        for format in ["rgba", "bgra", "rgba64be", "gbrap12le", "yuva444p10le", "ya8", "ya16be", "argb", "abgr", "pal8"]
        {
            assert!(has_alpha(format), "{format}");
        }
        for format in ["rgb24", "bgr0", "gbrp", "yuv420p", "yuvj444p", "gray", "rgb48le", "0rgb", "yuyv422"] {
            assert!(!has_alpha(format), "{format}");
        }
    }
}
