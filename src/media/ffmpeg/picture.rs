//! The filters that a picture goes through, in ffmpeg's language.

use std::ffi::OsString;
use std::path::Path;

use super::colour::Meaning;
use super::geometry::Geometry;

/// Rounding is done right, and colour is taken from all pixels: ffmpeg's own defaults are the fastest.
const EXACT: &str = "accurate_rnd+full_chroma_int+full_chroma_inp+bitexact";

/// The chain of a picture. Links in it are joined by commas.
#[derive(Debug, Default)]
pub(super) struct Chain {
    links: Vec<OsString>,
}

impl Chain {
    /// From the source's values to RGB where alpha or a LUT ask for it.
    pub fn begin(meaning: &Meaning, lut: Option<&Lut>) -> (Chain, Meaning) {
        let mut chain = Chain::default();
        if lut.is_none() && !meaning.multiply {
            return (chain, meaning.clone());
        }
        let depth = if meaning.float {
            "f32le"
        } else if meaning.deep || lut.is_some() {
            "16le"
        } else {
            ""
        };
        let alpha = if meaning.multiply { "a" } else { "" };
        let matrix = meaning.matrix.map(|matrix| format!(":in_color_matrix={matrix}")).unwrap_or_default();
        chain.add(format!("scale=in_range={}{matrix}:out_range=pc:flags=bicubic+{EXACT}", meaning.range));
        chain.add(format!("format=gbr{alpha}p{depth}"));
        if meaning.multiply {
            chain.add("premultiply=inplace=1");
            chain.add(format!("format=gbrp{depth}"));
        }
        if let Some(lut) = lut {
            let mut link = OsString::from(lut.filter);
            link.push(escaped(lut.path.as_os_str()));
            chain.add(link);
        }
        (chain, Meaning { range: "pc", matrix: None, ..meaning.clone() })
    }

    /// To the size, matrix and range of a movie: square pixels, 8 bits, 4:2:0, labelled as what it is.
    pub fn movie(&mut self, meaning: &Meaning, geometry: &Geometry, interlaced: bool) {
        let (width, height) = geometry.frame;
        let between = if geometry.pads() { "yuv444p" } else { "yuv420p" };
        self.add(scaled(meaning, geometry, interlaced, "out_color_matrix=bt709:out_range=tv"));
        self.add(format!("format={between}"));
        // A frame of another shape than the first is shown whole, in the middle.
        self.add(format!("pad=w={width}:h={height}:x='2*trunc((ow-iw)/4)':y='2*trunc((oh-ih)/4)'"));
        if geometry.pads() {
            // The line more repeats the last one: a black one would look like a fault of the picture.
            let (right, bottom) = (width - geometry.picture.0, height - geometry.picture.1);
            self.add(format!("fillborders=right={right}:bottom={bottom}:mode=smear"));
            self.add(format!(
                "scale=in_color_matrix=bt709:in_range=tv:out_color_matrix=bt709:out_range=tv:flags=bicubic+{EXACT}"
            ));
            self.add("format=yuv420p");
        }
        self.add("setsar=1");
        self.add(format!(
            "setparams=range=tv:colorspace=bt709:color_primaries={}:color_trc={}",
            meaning.primaries, meaning.transfer
        ));
    }

    /// To the size of an image: RGB for PNG, what JPEG is always taken as for JPEG.
    pub fn still(&mut self, meaning: &Meaning, geometry: &Geometry, is_jpeg: bool) {
        let (to, format) =
            if is_jpeg { ("out_color_matrix=bt601:out_range=pc", "yuvj420p") } else { ("out_range=pc", "rgb24") };
        self.add(scaled(meaning, geometry, false, to));
        self.add(format!("format={format}"));
        self.add("setsar=1");
    }

    /// One more filter.
    pub fn add(&mut self, link: impl Into<OsString>) {
        self.links.push(link.into());
    }

    /// As one argument.
    pub fn argument(self) -> OsString {
        self.links.join(std::ffi::OsStr::new(","))
    }
}

fn scaled(meaning: &Meaning, geometry: &Geometry, interlaced: bool, to: &str) -> String {
    let ((width, height), (picture_width, picture_height)) = (geometry.stored, geometry.picture);
    let matrix = meaning.matrix.map(|matrix| format!(":in_color_matrix={matrix}")).unwrap_or_default();
    let way = if geometry.scales() { "lanczos" } else { "bicubic" };
    let fields = if interlaced { ":interl=1" } else { "" };
    // Frames that differ from the first are fitted in; the first and all like it have the size that was worked out.
    let size = |whole: u32, side: &str| {
        let fit = format!("min({picture_width}/iw,{picture_height}/ih)");
        format!("'if(eq(iw,{width})*eq(ih,{height}),{whole},max(2,2*trunc({side}*{fit}/2)))'")
    };
    format!(
        "scale=w={}:h={}:in_range={}{matrix}:{to}{fields}:flags={way}+{EXACT}",
        size(picture_width, "iw"),
        size(picture_height, "ih"),
        meaning.range
    )
}

/// A look-up table and the filter that reads it.
#[derive(Debug)]
pub(super) struct Lut {
    pub path: std::path::PathBuf,
    filter: &'static str,
}

impl Lut {
    /// The table at `path`, which is read to see whether it has one dimension or three. `content` is its beginning.
    pub fn new(path: &Path, content: &[u8]) -> Self {
        let text = String::from_utf8_lossy(content);
        let is_one = (text.contains("LUT_1D_SIZE") && !text.contains("LUT_3D_SIZE"))
            || (text.starts_with("CSPLUT") && text.split_whitespace().nth(1) == Some("1D"));
        Self { path: path.to_owned(), filter: if is_one { "lut1d=file=" } else { "lut3d=interp=tetrahedral:file=" } }
    }
}

/// A value in a filter's options in a chain: two languages, each with its own special characters.
#[cfg(unix)]
fn escaped(text: &std::ffi::OsStr) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let escape = |bytes: Vec<u8>, special: &[u8]| -> Vec<u8> {
        let with = |byte: u8| if special.contains(&byte) { vec![b'\\', byte] } else { vec![byte] };
        bytes.into_iter().flat_map(with).collect()
    };
    let option = escape(text.as_bytes().to_vec(), b"\\':");
    OsString::from_vec(escape(option, b"\\'[],;"))
}

#[cfg(not(unix))]
fn escaped(text: &std::ffi::OsStr) -> OsString {
    let escape = |text: String, special: &str| -> String {
        text.chars().flat_map(|c| special.contains(c).then_some('\\').into_iter().chain([c])).collect()
    };
    escape(escape(text.to_string_lossy().into_owned(), "\\':"), "\\'[],;").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_passes_both_languages() {
        assert_eq!(escaped("/a/b.cube".as_ref()), "/a/b.cube");
        assert_eq!(escaped("/it's [1]:a,b;c\\".as_ref()), r"/it\\\'s \[1\]\\:a\,b\;c\\\\");
    }

    #[test]
    fn a_table_of_one_dimension_has_a_filter_of_its_own() {
        let filter = |content: &str| Lut::new(Path::new("a"), content.as_bytes()).filter;
        assert_eq!(filter("TITLE \"x\"\nLUT_1D_SIZE 1024\n"), "lut1d=file=");
        assert_eq!(filter("LUT_3D_SIZE 33\n"), "lut3d=interp=tetrahedral:file=");
        assert_eq!(filter("CSPLUTV100\n1D\n"), "lut1d=file=");
        assert_eq!(filter("CSPLUTV100\n3D\n"), "lut3d=interp=tetrahedral:file=");
        assert_eq!(filter(""), "lut3d=interp=tetrahedral:file=");
    }
}
