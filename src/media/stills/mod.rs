//! Images that browsers do not show, or not all of them: how large they are, how they are meant to be looked at, and
//! whether the file is whole where that can be told from its header.

mod exr; // OpenEXR
mod film; // DPX and Cineon
mod gif; // GIF, and whether it moves
mod raster; // formats whose size stands at a fixed place, or nearly so
mod tiff; // TIFF and BigTIFF

use std::fmt;

use super::image::damaged;
use crate::session::{Result, Source};

/// An image in a format that ftrack does not show as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherImage {
    /// Its format.
    pub format: StillFormat,
    /// Width in pixels, where it is known. Of OpenEXR, the display window's.
    pub width: Option<u32>,
    /// Height in pixels, where it is known.
    pub height: Option<u32>,
    /// How its values relate to light.
    pub encoding: Encoding,
    /// Whether it moves.
    pub animated: bool,
}

impl OtherImage {
    /// An image of which nothing but the format is known.
    pub(super) fn named(format: StillFormat) -> Self {
        Self { format, width: None, height: None, encoding: Encoding::Display, animated: false }
    }
}

/// How the values of an image relate to light. It decides whether a movie can be made of it without being told how it
/// should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// To be shown as it is, as nearly all images are.
    Display,
    /// In proportion to the light in the scene: OpenEXR, Radiance HDR, and other formats with floating-point numbers.
    SceneLinear,
    /// Logarithmic, as film scanners and cameras write it.
    Logarithmic,
    /// Nobody says. DPX has a field for it, which many programs leave empty or fill without thought.
    Unsaid,
}

/// The formats of images that are known beside JPEG and PNG. The `Display` is the name with its article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StillFormat {
    /// OpenEXR.
    OpenExr,
    /// TIFF.
    Tiff,
    /// TIFF for files beyond 4 GiB.
    BigTiff,
    /// DPX (SMPTE 268M).
    Dpx,
    /// Cineon.
    Cineon,
    /// Photoshop, also its form for large documents.
    Photoshop,
    /// Radiance HDR.
    Hdr,
    /// Targa.
    Targa,
    /// GIF.
    Gif,
    /// WebP.
    WebP,
    /// BMP.
    Bmp,
    /// JPEG 2000 in its file format.
    Jpeg2000,
    /// JPEG 2000 without a file format around it.
    Jpeg2000Stream,
    /// JPEG XL.
    JpegXl,
    /// JPEG of a kind that browsers do not decode: lossless, arithmetic, of 12 bits.
    RareJpeg,
    /// HEIF, such as telephones write as HEIC.
    Heif,
    /// AVIF.
    Avif,
    /// Canon's raw image.
    CanonRaw,
    /// Silicon Graphics' image.
    Sgi,
    /// DirectDraw's texture.
    Dds,
    /// PBM, PGM, PPM or PAM.
    Netpbm,
    /// Portable float map.
    Pfm,
    /// QOI.
    Qoi,
}

impl StillFormat {
    /// Extensions of the format, the usual one first, without dots.
    pub(super) fn extensions(self) -> &'static [&'static str] {
        match self {
            StillFormat::OpenExr => &["exr", "sxr", "mxr"],
            StillFormat::Tiff | StillFormat::BigTiff => &["tif", "tiff", "tx"],
            StillFormat::Dpx => &["dpx"],
            StillFormat::Cineon => &["cin"],
            StillFormat::Photoshop => &["psd", "psb"],
            StillFormat::Hdr => &["hdr", "pic", "rgbe"],
            StillFormat::Targa => &["tga", "targa", "vda", "icb", "vst"],
            StillFormat::Gif => &["gif"],
            StillFormat::WebP => &["webp"],
            StillFormat::Bmp => &["bmp", "dib"],
            StillFormat::Jpeg2000 => &["jp2", "jpx", "jpf"],
            StillFormat::Jpeg2000Stream => &["j2k", "j2c", "jpc"],
            StillFormat::JpegXl => &["jxl"],
            StillFormat::RareJpeg => &["jpg", "jpeg", "ljpg", "jls", "jpe"],
            StillFormat::Heif => &["heic", "heif", "hif"],
            StillFormat::Avif => &["avif"],
            StillFormat::CanonRaw => &["cr3"],
            StillFormat::Sgi => &["sgi", "rgb", "rgba", "bw"],
            StillFormat::Dds => &["dds"],
            StillFormat::Netpbm => &["ppm", "pgm", "pbm", "pam", "pnm"],
            StillFormat::Pfm => &["pfm"],
            StillFormat::Qoi => &["qoi"],
        }
    }
}

impl fmt::Display for StillFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StillFormat::OpenExr => "an OpenEXR image",
            StillFormat::Tiff => "a TIFF image",
            StillFormat::BigTiff => "a BigTIFF image",
            StillFormat::Dpx => "a DPX image",
            StillFormat::Cineon => "a Cineon image",
            StillFormat::Photoshop => "a Photoshop file",
            StillFormat::Hdr => "a Radiance HDR image",
            StillFormat::Targa => "a Targa image",
            StillFormat::Gif => "a GIF image",
            StillFormat::WebP => "a WebP image",
            StillFormat::Bmp => "a BMP image",
            StillFormat::Jpeg2000 => "a JPEG 2000 image",
            StillFormat::Jpeg2000Stream => "a JPEG 2000 stream",
            StillFormat::JpegXl => "a JPEG XL image",
            StillFormat::RareJpeg => "a JPEG image of a rare kind",
            StillFormat::Heif => "a HEIF image",
            StillFormat::Avif => "an AVIF image",
            StillFormat::CanonRaw => "a Canon raw image",
            StillFormat::Sgi => "an SGI image",
            StillFormat::Dds => "a DDS texture",
            StillFormat::Netpbm => "a Netpbm image",
            StillFormat::Pfm => "a portable float map",
            StillFormat::Qoi => "a QOI image",
        })
    }
}

/// What a header says. What it does not say stays as it is in the default.
#[derive(Clone, Copy, Debug)]
struct Facts {
    size: Option<(u32, u32)>,
    encoding: Encoding,
    animated: bool,
}

impl Facts {
    /// An image of this size, to be shown as it is.
    fn of(size: Option<(u32, u32)>) -> Self {
        Self { size, encoding: Encoding::Display, animated: false }
    }

    /// An image of this size with another relation to light.
    fn encoded(size: (u32, u32), encoding: Encoding) -> Self {
        Self { size: Some(size), encoding, animated: false }
    }
}

/// Reads the header of an image.
pub(super) fn read(source: &Source, format: StillFormat) -> Result<OtherImage> {
    let facts = match format {
        StillFormat::OpenExr => exr::read(source)?,
        StillFormat::Tiff | StillFormat::BigTiff => tiff::read(source)?,
        StillFormat::Dpx => film::read_dpx(source)?,
        StillFormat::Cineon => film::read_cineon(source)?,
        StillFormat::Gif => gif::read(source)?,
        _ => raster::read(source, format)?,
    };
    if let Some((width, height)) = facts.size.filter(|(width, height)| *width == 0 || *height == 0) {
        return Err(damaged(&format!("its size is {width}x{height}")));
    }
    let (width, height) = facts.size.unzip();
    Ok(OtherImage { format, width, height, encoding: facts.encoding, animated: facts.animated })
}

/// Whether a file without a beginning of its own is a Targa image.
pub(super) fn is_targa(source: &Source) -> Result<bool> {
    raster::is_targa(source)
}
