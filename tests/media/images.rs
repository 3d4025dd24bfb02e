//! Still images.

use ftreview::media::{ImageFormat, Kind, Warning, verdict};
use ftreview::session::Code;

use super::{assert_error, assert_refused, bytes, media, position, probe_content};

#[test]
fn images_are_read() {
    for (name, format, file_type) in [("still.jpg", ImageFormat::Jpeg, ".jpg"), ("still.png", ImageFormat::Png, ".png")]
    {
        let media = media(name);
        let Kind::Image(image) = &media.kind else { panic!("{name} is a movie") };
        assert_eq!((image.width, image.height, image.format), (120, 68, format));
        assert_eq!((media.file_type.as_str(), media.warnings.as_slice()), (file_type, &[][..]));
        verdict(&media).unwrap();
    }
}

#[test]
fn an_image_that_is_cut_off_anywhere_is_reported_as_damaged() {
    for name in ["still.jpg", "still.png"] {
        let whole = bytes(name);
        for length in (8..whole.len()).step_by(7).chain([whole.len() - 1]) {
            let error = probe_content(name, &whole[..length]).expect_err(&format!("{name} cut to {length} bytes"));
            assert_error(error, Code::ImageDamaged, name, &["Render or copy it again"]);
        }
    }
}

#[test]
fn the_end_of_a_preview_is_not_the_end_of_the_image() {
    let whole = bytes("still.jpg");
    let preview = [&b"\xff\xe1"[..], &(2 + whole.len() as u16).to_be_bytes(), &whole].concat();
    let with_preview = [&whole[..2], &preview, &whole[2..]].concat();
    let Kind::Image(image) = probe_content("a.jpg", &with_preview).unwrap().kind else { panic!("a movie") };
    assert_eq!((image.width, image.height), (120, 68));
    let cut = &with_preview[..with_preview.len() - 2];
    assert_eq!(probe_content("a.jpg", cut).unwrap_err().code, Code::ImageDamaged);
}

#[test]
fn an_image_without_width_or_height_is_damaged() {
    let mut png = bytes("still.png");
    png[16..20].fill(0);
    assert_error(probe_content("a.png", &png).unwrap_err(), Code::ImageDamaged, "a.png", &["0x68"]);
    let mut jpeg = bytes("still.jpg");
    let frame = position(&jpeg, b"\xff\xc0");
    jpeg[frame + 5..frame + 7].fill(0);
    assert_error(probe_content("a.jpg", &jpeg).unwrap_err(), Code::ImageDamaged, "a.jpg", &["120x0"]);
}

#[test]
fn a_jpeg_in_printing_colours_is_a_warning_and_one_of_a_rare_kind_is_refused() {
    let mut printing = bytes("still.jpg");
    let frame = position(&printing, b"\xff\xc0");
    printing[frame + 9] = 4;
    assert_eq!(probe_content("a.jpg", &printing).unwrap().warnings, [Warning::Cmyk]);
    let mut lossless = bytes("still.jpg");
    lossless[frame + 1] = 0xc3;
    assert_error(probe_content("a.jpg", &lossless).unwrap_err(), Code::NotMedia, "a.jpg", &["lossless JPEG"]);
}

#[test]
fn other_images_are_refused_by_name() {
    for (name, format) in [("still.exr", "OpenEXR"), ("still.tif", "TIFF"), ("still.dpx", "DPX")] {
        assert_refused(name, Code::NotMedia, &[format, "jpg or png"]);
    }
    let error = probe_content("a.png", b"8BPS\0\x01 and so on").unwrap_err();
    assert_error(error, Code::NotMedia, "a.png", &["Photoshop"]);
}
