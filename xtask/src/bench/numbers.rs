//! Medians and ratios.

/// The middle of some numbers, the mean of the two middle ones of an even count; nothing of none.
pub fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { (sorted[middle - 1] + upper) / 2.0 })
}

/// How one sender compares with another: the median of the ratios of runs that were next to each other, since the machine
/// may be slower in one minute than in the next. Where one ran less often than the other, the ratio of their medians.
pub fn ratio(of: &[f64], to: &[f64]) -> Option<f64> {
    if of.len() == to.len() {
        let pairs: Vec<f64> = of.iter().zip(to).map(|(of, to)| of / to).collect();
        return median(&pairs);
    }
    Some(median(of)? / median(to)?)
}

/// The least and the most.
pub fn span(numbers: &[f64]) -> (f64, f64) {
    numbers.iter().fold((f64::INFINITY, 0.0), |(least, most), number| (least.min(*number), most.max(*number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_whatever_the_order() {
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_machine_that_becomes_slower_does_not_change_a_ratio() {
        // Twice as slow in each round, while the machine loses nine tenths of its speed.
        assert_eq!(ratio(&[2.0, 4.0, 20.0], &[1.0, 2.0, 10.0]), Some(2.0));
    }

    #[test]
    fn a_sender_that_ran_once_is_compared_by_medians() {
        assert_eq!(ratio(&[8.0], &[1.0, 2.0, 30.0]), Some(4.0));
        assert_eq!(ratio(&[], &[1.0]), None);
    }

    #[test]
    fn a_span_has_the_least_and_the_most() {
        assert_eq!(span(&[3.0, 1.0, 2.0]), (1.0, 3.0));
    }
}
