//! What an H.264 stream says about itself: its decoder configuration (`avcC`, ISO/IEC 14496-15) and the sequence
//! parameter set in it (ITU-T H.264, section 7.3.2.1).

use std::fmt;

use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::sps::{ChromaFormat, FrameMbsFlags, SeqParameterSet};
use h264_reader::nal::{Nal, RefNal};

use super::boxes::damaged;
use super::details::Colour;
use crate::session::Result;

/// A profile of H.264, as its `profile_idc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile(pub u8);

impl Profile {
    /// Whether browsers decode it: the profiles of consumer devices.
    pub fn plays(self) -> bool {
        matches!(self.0, 66 | 77 | 100)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            44 => "CAVLC 4:4:4 Intra",
            66 => "Baseline",
            77 => "Main",
            88 => "Extended",
            100 => "High",
            110 => "High 10",
            122 => "High 4:2:2",
            244 => "High 4:4:4 Predictive",
            other => return write!(f, "profile {other}"),
        };
        f.write_str(name)
    }
}

/// How much colour is stored beside brightness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chroma {
    /// None: 4:0:0.
    Monochrome,
    /// A quarter of it: 4:2:0, the only one that browsers play.
    C420,
    /// Half of it: 4:2:2.
    C422,
    /// All of it: 4:4:4.
    C444,
}

/// How pixels are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelFormat {
    /// Colour beside brightness.
    pub chroma: Chroma,
    /// Bits of a sample, the deeper of brightness and colour.
    pub bit_depth: u8,
    /// Whether values use the full range from 0 to 255 rather than that of television.
    pub full_range: bool,
}

/// The name that ffmpeg has for it: `yuv420p`, `yuv422p10`, `gray`.
impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plain, full) = match self.chroma {
            Chroma::Monochrome => ("gray", "gray"),
            Chroma::C420 => ("yuv420p", "yuvj420p"),
            Chroma::C422 => ("yuv422p", "yuvj422p"),
            Chroma::C444 => ("yuv444p", "yuvj444p"),
        };
        match (self.bit_depth, self.full_range) {
            (8, true) => f.write_str(full),
            (8, false) => f.write_str(plain),
            (depth, _) => write!(f, "{plain}{depth}"),
        }
    }
}

/// What can be read from a decoder configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    /// The profile.
    pub profile: Profile,
    /// How pixels are stored, where it is said.
    pub pixel_format: Option<PixelFormat>,
    /// Width and height after cropping, where they are said.
    pub size: Option<(u32, u32)>,
    /// Whether frames may be made of fields.
    pub interlaced: bool,
    /// Width and height of a pixel that is not square.
    pub pixel_aspect: Option<(u16, u16)>,
    /// What its numbers mean, where it says it.
    pub colour: Option<Colour>,
}

/// Reads a decoder configuration, the content of `avcC`.
pub(super) fn read(configuration: &[u8]) -> Result<Stream> {
    let record = AvcDecoderConfigurationRecord::try_from(configuration)
        .map_err(|_| damaged("its H.264 settings (avcC) make no sense"))?;
    // The second byte: the crate keeps the number behind it to itself.
    let profile = Profile(configuration.get(1).copied().unwrap_or_default());
    let Some(sps) = sequence_parameters(configuration) else {
        let pixel_format = declared(&record).or_else(|| implied(profile));
        return Ok(Stream { profile, pixel_format, size: None, interlaced: false, pixel_aspect: None, colour: None });
    };
    let aspect = sps.vui_parameters.as_ref().and_then(|vui| vui.aspect_ratio_info.as_ref()?.get());
    Ok(Stream {
        profile,
        pixel_format: stored(&sps),
        size: sps.pixel_dimensions().ok().filter(|(width, height)| *width > 0 && *height > 0),
        interlaced: matches!(sps.frame_mbs_flags, FrameMbsFlags::Fields { .. }),
        pixel_aspect: aspect.filter(|(width, height)| width != height),
        colour: colour(&sps),
    })
}

/// The first sequence parameter set. `None` where there is none (`avc3` keeps them among the pictures), and where the
/// crate is stricter than decoders are: it refuses a picture that is larger than its level allows, which encoders write.
fn sequence_parameters(configuration: &[u8]) -> Option<SeqParameterSet> {
    // The crate's own iterator over them panics on an empty one, so it is taken out here:
    // five bytes, a count in the low five bits of the sixth, then length and content of each.
    let count = configuration.get(5)? & 0x1f;
    let length = u16::from_be_bytes(*configuration.get(6..)?.first_chunk()?);
    let nal = configuration.get(8..8 + usize::from(length))?;
    if count == 0 || nal.is_empty() {
        return None;
    }
    SeqParameterSet::from_bits(RefNal::new(nal, &[], true).rbsp_bits()).ok()
}

fn stored(sps: &SeqParameterSet) -> Option<PixelFormat> {
    let chroma = &sps.chroma_info;
    let signal = sps.vui_parameters.as_ref().and_then(|vui| vui.video_signal_type.as_ref());
    Some(PixelFormat {
        chroma: match chroma.chroma_format {
            ChromaFormat::Monochrome => Chroma::Monochrome,
            ChromaFormat::YUV420 => Chroma::C420,
            ChromaFormat::YUV422 => Chroma::C422,
            ChromaFormat::YUV444 => Chroma::C444,
            ChromaFormat::Invalid(_) => return None,
        },
        bit_depth: 8 + chroma.bit_depth_luma_minus8.max(chroma.bit_depth_chroma_minus8),
        full_range: signal.is_some_and(|signal| signal.video_full_range_flag),
    })
}

fn colour(sps: &SeqParameterSet) -> Option<Colour> {
    let signal = sps.vui_parameters.as_ref()?.video_signal_type.as_ref()?;
    let said = signal.colour_description.as_ref()?;
    Some(Colour {
        primaries: said.colour_primaries.into(),
        transfer: said.transfer_characteristics.into(),
        matrix: said.matrix_coefficients.into(),
        full_range: Some(signal.video_full_range_flag),
    })
}

/// What the configuration itself says, which it only does for the profiles above Main.
fn declared(record: &AvcDecoderConfigurationRecord<'_>) -> Option<PixelFormat> {
    let chroma = match record.chroma_format()? {
        0 => Chroma::Monochrome,
        1 => Chroma::C420,
        2 => Chroma::C422,
        _ => Chroma::C444,
    };
    let bit_depth = 8 + record.bit_depth_luma_minus8()?.max(record.bit_depth_chroma_minus8()?);
    Some(PixelFormat { chroma, bit_depth, full_range: false })
}

/// What follows from the profile: these store nothing else.
fn implied(profile: Profile) -> Option<PixelFormat> {
    profile.plays().then_some(PixelFormat { chroma: Chroma::C420, bit_depth: 8, full_range: false })
}
