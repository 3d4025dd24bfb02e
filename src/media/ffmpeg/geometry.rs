//! From stored pixels to a picture of square pixels and even size: padded by a line where it must be, never squeezed.

use super::look::Seen;

/// Sizes in pixels on the way from source to output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// As the source is stored.
    pub stored: (u32, u32),
    /// What the picture is scaled to; may be odd.
    pub picture: (u32, u32),
    /// What is encoded: the picture, and a line more to be even.
    pub frame: (u32, u32),
}

/// Pixels that claim to be more than this much wider than high, or the reverse, are a damaged number.
const MOST_ASPECT: u32 = 8;

impl Geometry {
    /// For a movie that is at most `height` pixels high.
    pub fn of_movie(seen: &Seen, height: Option<u32>) -> Self {
        let square = square(seen);
        let (width, stored_height) = square;
        let limit = height.map(|height| (height & !1).max(2)).filter(|height| *height < stored_height);
        let picture = match limit {
            Some(height) => (nearest_even(width, height, stored_height), height),
            None => square,
        };
        Self { stored: (seen.width, seen.height), picture, frame: (even(picture.0), even(picture.1)) }
    }

    /// For an image that is at most `width` pixels wide.
    pub fn of_still(seen: &Seen, width: Option<u32>) -> Self {
        let square = square(seen);
        let picture = match width.map(|width| width.max(1)).filter(|width| *width < square.0) {
            Some(width) => (width, scaled(square.1, width, square.0)),
            None => square,
        };
        Self { stored: (seen.width, seen.height), picture, frame: picture }
    }

    /// Whether pixels are made anew.
    pub fn scales(&self) -> bool {
        self.stored != self.picture
    }

    /// Whether a line is added.
    pub fn pads(&self) -> bool {
        self.picture != self.frame
    }
}

/// Programs that scale a picture to whole pixels write what they rounded as an aspect: within this it is none.
const ROUNDING: f64 = 0.01;

/// What is to be made of the source's pixels: nothing where they are square, or the number makes no sense.
pub(super) fn pixel_aspect(seen: &Seen) -> Option<(u32, u32)> {
    let believable = |(a, b): &(u32, u32)| a / MOST_ASPECT < *b && b / MOST_ASPECT < *a;
    let counts = |(a, b): &(u32, u32)| (f64::from(*a) / f64::from(*b) - 1.0).abs() >= ROUNDING;
    seen.pixel_aspect.filter(believable).filter(counts)
}

/// The size in square pixels: the longer side of a pixel is made longer, so that nothing is lost.
fn square(seen: &Seen) -> (u32, u32) {
    match pixel_aspect(seen) {
        Some((a, b)) if a > b => (scaled(seen.width, a, b), seen.height),
        Some((a, b)) if a < b => (seen.width, scaled(seen.height, b, a)),
        _ => (seen.width, seen.height),
    }
}

/// `value * by / of`, to the nearest, and one at least.
fn scaled(value: u32, by: u32, of: u32) -> u32 {
    let (value, by, of) = (u64::from(value), u64::from(by), u64::from(of));
    ((value * by + of / 2) / of).clamp(1, u32::MAX.into()) as u32
}

fn nearest_even(value: u32, by: u32, of: u32) -> u32 {
    let (value, by, of) = (u64::from(value), u64::from(by), u64::from(of));
    ((value * by + of) / (2 * of) * 2).clamp(2, u32::MAX.into()) as u32
}

fn even(value: u32) -> u32 {
    value + value % 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(width: u32, height: u32, pixel_aspect: Option<(u32, u32)>) -> Seen {
        Seen { width, height, pixel_aspect, ..Seen::default() }
    }

    #[track_caller]
    fn assert_movie(source: Seen, height: Option<u32>, picture: (u32, u32), frame: (u32, u32)) {
        let geometry = Geometry::of_movie(&source, height);
        assert_eq!((geometry.picture, geometry.frame), (picture, frame));
    }

    #[test]
    fn an_odd_size_is_padded_by_a_line() {
        assert_movie(seen(321, 181, None), None, (321, 181), (322, 182));
        assert_movie(seen(1, 1, None), None, (1, 1), (2, 2));
        assert_movie(seen(1920, 1080, Some((1, 1))), None, (1920, 1080), (1920, 1080));
    }

    #[test]
    fn a_rendition_keeps_the_shape_and_is_never_larger() {
        assert_movie(seen(3840, 2160, None), Some(1080), (1920, 1080), (1920, 1080));
        assert_movie(seen(1998, 1080, None), Some(720), (1332, 720), (1332, 720));
        assert_movie(seen(2048, 858, None), Some(720), (1718, 720), (1718, 720));
        assert_movie(seen(640, 359, None), Some(720), (640, 359), (640, 360));
        assert_movie(seen(3000, 2001, None), Some(721), (1080, 720), (1080, 720));
        assert_movie(seen(1, 10_000, None), Some(720), (2, 720), (2, 720));
    }

    #[test]
    fn pixels_become_square_by_growing() {
        assert_movie(seen(720, 576, Some((16, 15))), None, (768, 576), (768, 576));
        assert_movie(seen(720, 480, Some((8, 9))), None, (720, 540), (720, 540));
        assert_movie(seen(1024, 1716, Some((2, 1))), Some(858), (1024, 858), (1024, 858));
        assert_movie(seen(161, 90, Some((208, 207))), None, (161, 90), (162, 90));
        assert_movie(seen(160, 90, Some((1, 4000))), None, (160, 90), (160, 90));
    }

    #[test]
    fn an_image_is_narrowed_and_may_be_odd() {
        assert_eq!(Geometry::of_still(&seen(1920, 1080, None), Some(641)).frame, (641, 361));
        assert_eq!(Geometry::of_still(&seen(320, 181, None), Some(640)).frame, (320, 181));
        assert_eq!(Geometry::of_still(&seen(100_000, 1, None), Some(640)).frame, (640, 1));
    }
}
