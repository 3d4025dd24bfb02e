//! Sets of frame numbers, as ranges: a film of a million frames takes no more room than one of ten.

use std::cmp::Ordering;
use std::fmt;

/// A set of frame numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// First and last of each, in order; between two of them at least one frame is missing.
    ranges: Vec<(i64, i64)>,
}

impl Frames {
    /// The frames of these ranges, first and last included, in any order. Those that go down are empty.
    pub fn from_ranges(mut ranges: Vec<(i64, i64)>) -> Self {
        ranges.retain(|(first, last)| first <= last);
        ranges.sort_unstable();
        let mut kept = 0;
        for next in 1..ranges.len() {
            let (first, last) = ranges[next];
            if first <= ranges[kept].1.saturating_add(1) {
                ranges[kept].1 = ranges[kept].1.max(last);
            } else {
                kept += 1;
                ranges[kept] = (first, last);
            }
        }
        ranges.truncate(kept + 1);
        Self { ranges }
    }

    /// First and last frame of each run without a hole, in order.
    pub fn ranges(&self) -> &[(i64, i64)] {
        &self.ranges
    }

    /// How many frames.
    pub fn len(&self) -> u64 {
        self.ranges
            .iter()
            .fold(0, |sum: u64, (first, last)| sum.saturating_add(first.abs_diff(*last)).saturating_add(1))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The lowest frame.
    pub fn first(&self) -> Option<i64> {
        self.ranges.first().map(|range| range.0)
    }

    /// The highest frame.
    pub fn last(&self) -> Option<i64> {
        self.ranges.last().map(|range| range.1)
    }

    /// Whether there is no hole between the first and the last.
    pub fn is_contiguous(&self) -> bool {
        self.ranges.len() <= 1
    }

    /// Whether a frame is in the set.
    pub fn contains(&self, frame: i64) -> bool {
        let place = |range: &(i64, i64)| match () {
            () if range.1 < frame => Ordering::Less,
            () if range.0 > frame => Ordering::Greater,
            () => Ordering::Equal,
        };
        self.ranges.binary_search_by(place).is_ok()
    }

    /// All frames, from low to high.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// The frames between the first and the last that are not in the set.
    pub fn holes(&self) -> Frames {
        let gap = |pair: &[(i64, i64)]| (pair[0].1.saturating_add(1), pair[1].0.saturating_sub(1));
        Self { ranges: self.ranges.windows(2).map(gap).collect() }
    }

    /// The frames of this set that are not in the other.
    pub fn without(&self, other: &Frames) -> Frames {
        let mut left = Vec::new();
        let mut others = other.ranges.iter().peekable();
        for &(mut first, last) in &self.ranges {
            while others.next_if(|cut| cut.1 < first).is_some() {}
            // The last cut of this range may reach into the next, so it is looked at and not taken.
            for cut in others.clone().take_while(|cut| cut.0 <= last) {
                if first < cut.0 {
                    left.push((first, cut.0 - 1));
                }
                first = cut.1.saturating_add(1);
            }
            if first <= last {
                left.push((first, last));
            }
        }
        Self { ranges: left }
    }

    /// The frames of both sets.
    pub fn with(&self, other: &Frames) -> Frames {
        Self::from_ranges([self.ranges.as_slice(), &other.ranges].concat())
    }

    /// The frames for a message: not more than `most` ranges of them, and the number of the rest.
    pub fn brief(&self, most: usize) -> String {
        if self.ranges.len() <= most {
            return self.to_string();
        }
        let (told, rest) = self.ranges.split_at(most);
        let rest = Self { ranges: rest.to_vec() };
        format!("{} and {} more", Self { ranges: told.to_vec() }, rest.len())
    }
}

impl FromIterator<i64> for Frames {
    fn from_iter<I: IntoIterator<Item = i64>>(numbers: I) -> Self {
        let mut numbers: Vec<i64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some(range) if number <= range.1.saturating_add(1) => range.1 = number,
                _ => ranges.push((number, number)),
            }
        }
        Self { ranges }
    }
}

/// As clique writes it: `1-5, 7`.
impl fmt::Display for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.ranges.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            match first == last {
                true => write!(f, "{separator}{first}")?,
                false => write!(f, "{separator}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Numbers without pattern, the same in every run.
    fn numbers() -> impl FnMut(u64) -> i64 {
        let mut state = 0x9e37_79b9_u64;
        move |limit| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % limit) as i64 - limit as i64 / 2
        }
    }

    #[test]
    fn they_are_the_sets_that_they_stand_for() {
        let mut next = numbers();
        for _ in 0..2000 {
            let mut set = |count: u64| -> BTreeSet<i64> { (0..count).map(|_| next(40)).collect() };
            let (a, b) = (set(15), set(9));
            let frames: Frames = a.iter().rev().copied().collect();
            let other: Frames = b.iter().copied().collect();
            assert!(frames.iter().eq(a.iter().copied()));
            assert_eq!(frames.len(), a.len() as u64);
            assert_eq!((frames.first(), frames.last()), (a.first().copied(), a.last().copied()));
            assert!((-25..25).all(|frame| frames.contains(frame) == a.contains(&frame)));
            assert!(frames.without(&other).iter().eq(a.difference(&b).copied()), "{frames} without {other}");
            assert!(frames.with(&other).iter().eq(a.union(&b).copied()), "{frames} with {other}");
            let all: Frames = (frames.first().unwrap()..=frames.last().unwrap()).collect();
            assert_eq!(frames.holes(), all.without(&frames));
            assert_eq!(frames.is_contiguous(), frames.holes().is_empty());
            assert_eq!(Frames::from_ranges(a.iter().map(|frame| (*frame, *frame)).collect()), frames);
        }
    }

    #[test]
    fn ranges_that_touch_or_overlap_are_one_and_those_that_go_down_are_none() {
        let ranges = |list: &[(i64, i64)]| Frames::from_ranges(list.to_vec()).to_string();
        assert_eq!(ranges(&[(5, 9), (1, 4), (20, 20), (8, 12)]), "1-12, 20");
        assert_eq!(ranges(&[(9, 5)]), "");
        assert_eq!(ranges(&[(-5, -2), (0, 0)]), "-5--2, 0");
        assert_eq!(ranges(&[(i64::MIN, i64::MAX), (1, 2)]), format!("{}-{}", i64::MIN, i64::MAX));
    }

    #[test]
    fn a_message_names_a_few_and_counts_the_rest() {
        let frames: Frames = [1, 3, 5, 7, 8, 9].into_iter().collect();
        assert_eq!(frames.brief(4), "1, 3, 5, 7-9");
        assert_eq!(frames.brief(2), "1, 3 and 4 more");
    }
}
