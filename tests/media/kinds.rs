//! What browsers do not show: recognised, measured, and what can be done with it.

use ftreview::media::{Encoding, Kind, MovieFormat, OtherImage, Plan, StillFormat, ftr_meta, look, plan, plan_frames};
use ftreview::session::Code;
use serde_json::json;

use super::{assert_error, bytes, look_content, sample};

fn image(name: &str) -> OtherImage {
    match look(&sample(name)).unwrap().kind {
        Kind::OtherImage(image) => image,
        other => panic!("{name} is {other:?}"),
    }
}

fn image_of(name: &str, content: &[u8]) -> OtherImage {
    match look_content(name, content).unwrap().kind {
        Kind::OtherImage(image) => image,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn images_are_measured() {
    for (name, format, encoding, animated) in [
        ("still.exr", StillFormat::OpenExr, Encoding::SceneLinear, false),
        ("still.tif", StillFormat::Tiff, Encoding::Display, false),
        ("still.dpx", StillFormat::Dpx, Encoding::Unsaid, false),
        ("still.tga", StillFormat::Targa, Encoding::Display, false),
        ("still.bmp", StillFormat::Bmp, Encoding::Display, false),
        ("still.webp", StillFormat::WebP, Encoding::Display, false),
        ("moving.webp", StillFormat::WebP, Encoding::Display, true),
        ("still.gif", StillFormat::Gif, Encoding::Display, false),
        ("moving.gif", StillFormat::Gif, Encoding::Display, true),
    ] {
        let image = image(name);
        assert_eq!((image.format, image.encoding, image.animated), (format, encoding, animated), "{name}");
        assert_eq!((image.width, image.height), (Some(16), Some(16)), "{name}");
        let media = look(&sample(name)).unwrap();
        assert_eq!(media.warnings, [], "{name}");
        assert_eq!(media.file_type, name[name.find('.').unwrap()..], "{name}");
    }
}

#[test]
fn the_headers_of_other_images_are_read() {
    let psd =
        |depth: u8| [&b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x2a\0\0\0\x40\0"[..], &[depth], b"\0\x03rest"].concat();
    let hdr = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 42 +X 64\npixels";
    let cineon = {
        let mut bytes = vec![0; 1024];
        bytes[..4].copy_from_slice(b"\x80\x2a\x5f\xd7");
        bytes[200..208].copy_from_slice(b"\0\0\0\x40\0\0\0\x2a");
        bytes
    };
    for (name, content, format, encoding) in [
        ("a.psd", psd(8), StillFormat::Photoshop, Encoding::Display),
        ("a.psd", psd(32), StillFormat::Photoshop, Encoding::SceneLinear),
        ("a.hdr", hdr.to_vec(), StillFormat::Hdr, Encoding::SceneLinear),
        ("a.cin", cineon, StillFormat::Cineon, Encoding::Logarithmic),
    ] {
        let image = image_of(name, &content);
        assert_eq!((image.format, image.encoding), (format, encoding), "{name}");
        assert_eq!((image.width, image.height), (Some(64), Some(42)), "{name}");
    }
}

#[test]
fn a_dpx_says_whether_it_is_logarithmic() {
    for (value, encoding) in [
        (1, Encoding::Logarithmic),
        (3, Encoding::Logarithmic),
        (2, Encoding::Unsaid),
        (6, Encoding::Display),
        (0, Encoding::Unsaid),
        (255, Encoding::Unsaid),
    ] {
        let mut dpx = bytes("still.dpx");
        dpx[801] = value;
        assert_eq!(image_of("a.dpx", &dpx).encoding, encoding, "{value}");
    }
}

#[test]
fn a_tiff_with_floating_point_numbers_is_scene_linear() {
    // One pixel of one channel: width, height, bits, strip offset, kind of numbers, strip length.
    let tag = |tag: u16, value: u32| [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value.to_le_bytes()].concat();
    for (kind, encoding) in [(3, Encoding::SceneLinear), (1, Encoding::Display)] {
        let tags = [tag(256, 7), tag(257, 5), tag(273, 8), tag(279, 4), tag(339, kind)].concat();
        let tiff = [&b"II*\0\x0c\0\0\0abcd\x05\0"[..], &tags, &[0; 4]].concat();
        let image = image_of("a.tif", &tiff);
        assert_eq!((image.width, image.height, image.encoding), (Some(7), Some(5), encoding));
    }
}

#[test]
fn targa_files_are_known_by_their_signature_or_by_their_name() {
    let old = bytes("still.tga");
    let old = &old[..18 + 16 * 16 * 3];
    assert_eq!(image_of("a.tga", old).format, StillFormat::Targa);
    assert_eq!(image_of("A.TGA", old).format, StillFormat::Targa);
    assert_error(look_content("a.dat", old).unwrap_err(), Code::NotMedia, "a.dat", &["recognised"]);
    let signed = [old, &[0; 8], b"TRUEVISION-XFILE.\0"].concat();
    assert_eq!(image_of("a.dat", &signed).format, StillFormat::Targa);
    let rubbish = b"this is no image at all";
    assert_error(look_content("a.tga", rubbish).unwrap_err(), Code::NotMedia, "a.tga", &["recognised"]);
}

#[test]
fn images_that_are_cut_off_are_damaged_where_their_headers_tell() {
    for name in ["still.exr", "still.tif", "still.dpx", "still.tga", "still.webp"] {
        let whole = bytes(name);
        for length in (20..whole.len()).step_by(13).chain([whole.len() - 1]) {
            match look_content(name, &whole[..length]) {
                Err(error) => assert_error(error, Code::ImageDamaged, name, &["Render or copy it again"]),
                // A Targa's footer is no pixels.
                Ok(_) if name == "still.tga" && length >= 18 + 16 * 16 * 3 => {}
                Ok(media) => panic!("{name} cut to {length} of {} bytes is {:?}", whole.len(), media.kind),
            }
        }
    }
}

#[test]
fn an_openexr_of_a_render_that_was_stopped_is_damaged() {
    let mut exr = bytes("still.exr");
    // The table has an entry for each of 16 lines, and the first block follows it.
    let is_table = |at: &usize| exr[*at..at + 8] == (*at as u64 + 16 * 8).to_le_bytes();
    let table = (0..exr.len() - 8).find(is_table).unwrap();
    exr[table + 8..table + 16].fill(0);
    let error = look_content("a.exr", &exr).unwrap_err();
    assert_error(error, Code::ImageDamaged, "a.exr", &["never written", "render was stopped"]);
}

#[test]
fn movies_in_other_containers_are_measured() {
    for (name, format, codec, size) in [
        ("container.mkv", MovieFormat::Matroska, Some("V_MPEG4/ISO/AVC"), Some((160, 90))),
        ("container.webm", MovieFormat::WebM, Some("V_VP8"), Some((64, 36))),
        ("container.avi", MovieFormat::Avi, Some("MJPG"), Some((64, 36))),
        ("container.mxf", MovieFormat::Mxf, Some("MPEG-2"), Some((64, 36))),
        ("container.ts", MovieFormat::MpegTransport, None, None),
        ("fragmented.mp4", MovieFormat::Fragmented, None, None),
    ] {
        let Kind::OtherMovie(movie) = look(&sample(name)).unwrap().kind else { panic!("{name}") };
        assert_eq!((movie.format, movie.codec.as_deref()), (format, codec), "{name}");
        assert_eq!(movie.width.zip(movie.height), size, "{name}");
        assert_eq!(movie.has_audio, codec.map(|_| false), "{name}");
    }
}

#[test]
fn documents_say_their_version_and_whether_they_are_encrypted() {
    let Kind::Pdf(pdf) = look(&sample("document.pdf")).unwrap().kind else { panic!("no document") };
    assert_eq!((pdf.version, pdf.encrypted, pdf.pages), ((1, 4), false, None));
    let media = look(&sample("document.pdf")).unwrap();
    assert_eq!((media.file_type.as_str(), ftr_meta(&media, true)), (".pdf", json!({"format": "pdf"})));

    let text = String::from_utf8(bytes("document.pdf")).unwrap();
    let encrypted = text.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 4 0 R");
    let media = look_content("a.pdf", encrypted.as_bytes()).unwrap();
    assert!(matches!(media.kind, Kind::Pdf(pdf) if pdf.encrypted));
    assert!(matches!(plan(&media), Plan::Unsupported(reason) if reason.found.contains("encrypted")));
    let other_name = text.replace("/Root 1 0 R", "/Root 1 0 R /Encrypted 4");
    assert!(matches!(look_content("a.pdf", other_name.as_bytes()).unwrap().kind, Kind::Pdf(pdf) if !pdf.encrypted));

    // Lengths of four digits, so that the text is as long with one as with the other.
    let linear = |length: usize| text.replacen('\n', &format!("\n<< /Linearized 1 /L {length:04} /N 12 >>\n"), 1);
    let pages = |text: String| match look_content("a.pdf", text.as_bytes()).unwrap().kind {
        Kind::Pdf(pdf) => pdf.pages,
        _ => panic!("no document"),
    };
    assert_eq!(pages(linear(linear(0).len())), Some(12));
    assert_eq!(pages(linear(9999)), None);

    let cut = &text[..text.len() - 10];
    assert_error(look_content("a.pdf", cut.as_bytes()).unwrap_err(), Code::ImageDamaged, "a.pdf", &["PDF", "cut off"]);
}

#[test]
fn what_browsers_show_is_published_as_it_is() {
    for name in ["h264.mp4", "h264.mov", "still.jpg", "still.png", "document.pdf"] {
        assert_eq!(plan(&look(&sample(name)).unwrap()), Plan::Direct, "{name}");
    }
}

#[test]
fn what_ffmpeg_can_mend_says_why_and_how() {
    for (name, code, words) in [
        ("prores.mov", Code::MovieCodec, &["ProRes 422 HQ"][..]),
        ("10-bit.mp4", Code::MoviePixelFormat, &["yuv420p10"]),
        ("odd-size.mp4", Code::MovieOddSize, &["161x91"]),
        ("fragmented.mp4", Code::MovieFragmented, &["-c copy"]),
        ("container.mkv", Code::MovieContainer, &["Matroska", "V_MPEG4"]),
        ("container.mxf", Code::MovieContainer, &["MXF", "MPEG-2"]),
        ("still.tif", Code::NotMedia, &["TIFF", "jpg or png"]),
        ("still.gif", Code::NotMedia, &["GIF", "jpg or png"]),
        ("moving.gif", Code::NotMedia, &["GIF", "moves", "mp4"]),
        ("still.webp", Code::NotMedia, &["WebP", "ftrack shows jpg and png"]),
    ] {
        let media = look(&sample(name)).unwrap();
        let Plan::NeedsTranscode(reason) = plan(&media) else { panic!("{name}: {:?}", plan(&media)) };
        assert!(!reason.needs_lut, "{name}");
        assert_error(reason.error(&media), code, name, words);
    }
}

#[test]
fn nobody_guesses_how_scene_linear_and_logarithmic_images_look() {
    for (name, words) in [("still.exr", "scene-linear"), ("still.dpx", "does not say whether it is logarithmic")] {
        let media = look(&sample(name)).unwrap();
        let Plan::NeedsTranscode(reason) = plan(&media) else { panic!("{name}") };
        assert!(reason.needs_lut, "{name}");
        assert_error(reason.error(&media), Code::SceneLinear, name, &[words, "LUT", "OCIO"]);
        assert!(plan_frames(&media.kind).reason().unwrap().needs_lut, "{name}");
    }
}

#[test]
fn what_only_the_server_may_read_is_left_to_it() {
    let heif = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic and so on";
    for (name, content) in [("a.heic", heif.to_vec()), ("moving.webp", bytes("moving.webp"))] {
        let media = look_content(name, &content).unwrap();
        assert!(matches!(plan(&media), Plan::NeedsEncode(_)), "{name}: {:?}", plan(&media));
    }
    let red = look_content("a.r3d", b"\0\0\0\x40RED2 and so on").unwrap();
    assert!(matches!(plan(&red), Plan::Unsupported(reason) if reason.found.contains("RED")));
}

#[test]
fn frames_become_a_movie_and_movies_are_no_frames() {
    for name in ["still.png", "still.jpg", "still.tif", "still.tga"] {
        let Plan::NeedsTranscode(reason) = plan_frames(&look(&sample(name)).unwrap().kind) else { panic!("{name}") };
        assert!(!reason.needs_lut && reason.found.contains("sequence of frames"), "{name}");
    }
    for name in ["h264.mp4", "container.mkv", "moving.gif", "document.pdf"] {
        assert!(matches!(plan_frames(&look(&sample(name)).unwrap().kind), Plan::Unsupported(_)), "{name}");
    }
}

#[test]
fn what_is_neither_a_movie_nor_an_image_is_refused_by_name() {
    for (content, name) in
        [(&b"PK\x03\x04 and so on"[..], "zip"), (b"RIFF0000WAVEfmt ", "WAV"), (b"junk", "6a 75 6e 6b")]
    {
        assert_error(look_content("a.mp4", content).unwrap_err(), Code::NotMedia, "a.mp4", &[name]);
    }
}
