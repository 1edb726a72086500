//! The slope of a noisy series: the median of the slopes of all pairs of points, with Sen's interval.
//!
//! Theil (1950) and Sen, "Estimates of the regression coefficient based on Kendall's tau" (JASA 63, 1968). The
//! interval rests on the variance of Kendall's S, corrected for ties (Kendall, "Rank correlation methods") and, since
//! the memory of a process remembers what it was a moment ago, for autocorrelation: the variance is multiplied by
//! `(1 + r) / (1 - r)`, where `r` is the correlation of neighbouring residuals, by rank (Hamed and Rao, J. Hydrology
//! 204, 1998; Yue and Wang, Water Resources Management 18, 2004). Without that, any slow wave would be a trend.

use serde::{Deserialize, Serialize};

use super::Point;

/// Points that are used of a longer series, evenly spread over it: the work grows with the square of their number.
pub const MAX_POINTS: usize = 600;

/// Standard normal quantile of a two-sided interval of 95 %.
const Z: f64 = 1.959_964;

/// Residuals are never taken to be more alike than this, or the interval would hold everything.
const MAX_CORRELATION: f64 = 0.98;

/// Neighbours that are so unlike alternate: independent ones are not, by chance, but once in hundreds of series.
const ALTERNATING: f64 = 0.4;

const SECONDS_PER_HOUR: f64 = 3600.0;

/// How fast a figure grows, with the interval that holds the true slope in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Slope {
    /// Best estimate.
    pub bytes_per_hour: f64,
    /// Lower end of the interval.
    pub low_bytes_per_hour: f64,
    /// Upper end of the interval.
    pub high_bytes_per_hour: f64,
}

impl Slope {
    /// Through `points`, in any order; `None` when fewer than three of them have times of their own. Up to a quarter
    /// of the points may be wild without moving it far.
    ///
    /// Cost: at most 180,000 slopes ([`MAX_POINTS`]), about 2 ms and 1.5 MB for a moment.
    pub fn through(points: &[Point]) -> Option<Slope> {
        let points = thin(ordered(points));
        if points.len() < 3 {
            return None;
        }
        let mut slopes = pairs(&points);
        let median = quantile(&mut slopes, 0.5);
        let spread = Z * (variance(&points) * inflation(&points, median)).sqrt();
        let count = slopes.len() as f64;
        let mut at = |rank: f64| {
            let rank = (rank.max(0.0) as usize).min(slopes.len() - 1);
            *slopes.select_nth_unstable_by(rank, f64::total_cmp).1 * SECONDS_PER_HOUR
        };
        Some(Slope {
            bytes_per_hour: median * SECONDS_PER_HOUR,
            low_bytes_per_hour: at(((count - spread) / 2.0).floor() - 1.0),
            high_bytes_per_hour: at(((count + spread) / 2.0).ceil()),
        })
    }

    /// What it comes to in so many seconds.
    pub fn over(&self, seconds: f64) -> f64 {
        self.bytes_per_hour * seconds / SECONDS_PER_HOUR
    }

    /// Growth beyond chance.
    pub fn rises(&self) -> bool {
        self.low_bytes_per_hour > 0.0
    }

    /// Shrinking beyond chance.
    pub fn falls(&self) -> bool {
        self.high_bytes_per_hour < 0.0
    }
}

/// By time; of points with the same time the middle one.
fn ordered(points: &[Point]) -> Vec<Point> {
    let mut points: Vec<Point> =
        points.iter().copied().filter(|point| point.seconds.is_finite() && point.bytes.is_finite()).collect();
    points.sort_by(|a, b| a.seconds.total_cmp(&b.seconds).then(a.bytes.total_cmp(&b.bytes)));
    points.chunk_by(|a, b| a.seconds == b.seconds).map(|same| same[same.len() / 2]).collect()
}

/// At most [`MAX_POINTS`], picked evenly, the first and the last among them.
fn thin(points: Vec<Point>) -> Vec<Point> {
    if points.len() <= MAX_POINTS {
        return points;
    }
    (0..MAX_POINTS).map(|at| points[at * (points.len() - 1) / (MAX_POINTS - 1)]).collect()
}

fn pairs(points: &[Point]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
    for (at, from) in points.iter().enumerate() {
        slopes.extend(points[at + 1..].iter().map(|to| (to.bytes - from.bytes) / (to.seconds - from.seconds)));
    }
    slopes
}

/// The value below which that share of the values lies; the values are reordered, and must not be none.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    let place = (values.len() - 1) as f64 * share;
    let (_, &mut value, above) = values.select_nth_unstable_by(place as usize, f64::total_cmp);
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(value);
    value + (next - value) * place.fract()
}

/// Variance of Kendall's S under the hypothesis of no trend, with its correction for tied values.
fn variance(points: &[Point]) -> f64 {
    let mut values: Vec<f64> = points.iter().map(|point| point.bytes).collect();
    values.sort_by(f64::total_cmp);
    let term = |n: usize| (n * n.saturating_sub(1) * (2 * n + 5)) as f64;
    let ties: f64 = values.chunk_by(|a, b| a == b).map(|same| term(same.len())).sum();
    (term(points.len()) - ties) / 18.0
}

/// By how much likeness of neighbours widens the variance; 1 when they are not alike.
fn inflation(points: &[Point], slope: f64) -> f64 {
    // from the first point on, so that a constant cannot break ties by its rounding
    let first = points[0];
    let residual = |point: &Point| point.bytes - first.bytes - slope * (point.seconds - first.seconds);
    let residuals: Vec<f64> = points.iter().map(residual).collect();
    let ranks = ranks(&residuals);
    let mean = (ranks.len() - 1) as f64 / 2.0;
    let product = |(a, b): (&f64, &f64)| (a - mean) * (b - mean);
    let own: f64 = ranks.iter().zip(&ranks).map(product).sum();
    let alike = |apart: usize| ranks.iter().zip(&ranks[apart..]).map(product).sum::<f64>();
    // where they alternate, as teeth do that are about two samples long, the ones after the next are alike
    let alike = if alike(1) < -ALTERNATING * own { alike(2) } else { alike(1) };
    let correlation = if own > 0.0 { (alike / own).clamp(0.0, MAX_CORRELATION) } else { 0.0 };
    (1.0 + correlation) / (1.0 - correlation)
}

/// The place of each value among all, from 0; equal values share the middle of their places.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for same in order.chunk_by(|&a, &b| values[a] == values[b]) {
        same.iter().for_each(|&at| ranks[at] = first as f64 + (same.len() - 1) as f64 / 2.0);
        first += same.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(count: usize, per_second: f64, noise: &[f64]) -> Vec<Point> {
        let value = |at: usize| per_second * at as f64 + noise.get(at % noise.len().max(1)).copied().unwrap_or(0.0);
        (0..count).map(|at| Point { seconds: at as f64, bytes: value(at) }).collect()
    }

    /// The definition, without any shortcut.
    fn brute(points: &[Point]) -> f64 {
        let mut slopes = Vec::new();
        for a in points {
            for b in points.iter().filter(|b| b.seconds > a.seconds) {
                slopes.push((b.bytes - a.bytes) / (b.seconds - a.seconds));
            }
        }
        slopes.sort_by(f64::total_cmp);
        let middle = slopes.len() / 2;
        let median = if slopes.len() % 2 == 1 { slopes[middle] } else { (slopes[middle - 1] + slopes[middle]) / 2.0 };
        median * 3600.0
    }

    /// Sen's own figures are in a paper; these were worked out by hand after it: n = 5, 10 slopes.
    #[test]
    fn a_small_series_by_hand() {
        let points: Vec<Point> = [1.0, 3.0, 2.0, 5.0, 6.0].iter().enumerate().map(Point::from).collect();
        // slopes: 2 .5 4/3 5/4 -1 1 1 3 2 1 -> sorted -1 .5 1 1 1 5/4 4/3 2 2 3, the median 1.125
        let slope = Slope::through(&points).unwrap();
        assert_eq!(slope.bytes_per_hour, 1.125 * 3600.0);
        assert!(slope.low_bytes_per_hour < 0.0 && slope.high_bytes_per_hour > slope.bytes_per_hour);
    }

    #[test]
    fn the_variance_of_kendalls_s_with_ties() {
        let points: Vec<Point> = [1.0, 1.0, 1.0, 2.0, 2.0, 3.0].iter().enumerate().map(Point::from).collect();
        // (6*5*17 - 3*2*11 - 2*1*9) / 18
        assert_eq!(variance(&points), (510.0 - 66.0 - 18.0) / 18.0);
    }

    #[test]
    fn too_little_to_say() {
        assert_eq!(Slope::through(&[]), None);
        let point = Point { seconds: 1.0, bytes: 5.0 };
        assert_eq!(Slope::through(&[point; 50]), None, "one moment is no series");
        assert_eq!(Slope::through(&[Point { seconds: f64::NAN, bytes: 1.0 }; 5]), None);
    }

    #[test]
    fn white_noise_is_no_trend_and_a_wave_neither() {
        let noise: Vec<f64> = (0..997_u64).map(|at| (at.wrapping_mul(2_654_435_761) % 1000) as f64).collect();
        let slope = Slope::through(&line(500, 0.0, &noise)).unwrap();
        assert!(!slope.rises() && !slope.falls(), "{slope:?}");
        let wave: Vec<f64> = (0..210).map(|at| (f64::from(at) / 15.0).sin() * 1e6).collect();
        let slope = Slope::through(&line(210, 0.0, &wave)).unwrap();
        assert!(!slope.rises() && !slope.falls(), "{slope:?}");
    }

    proptest! {
        #[test]
        fn it_is_the_median_of_all_slopes(values in prop::collection::vec(-1e9..1e9_f64, 3..60)) {
            let points: Vec<Point> = values.iter().enumerate().map(Point::from).collect();
            let slope = Slope::through(&points).unwrap();
            let expected = brute(&points);
            prop_assert!((slope.bytes_per_hour - expected).abs() <= 1e-6 * expected.abs().max(1.0));
            prop_assert!(slope.low_bytes_per_hour <= slope.bytes_per_hour);
            prop_assert!(slope.high_bytes_per_hour >= slope.bytes_per_hour);
        }

        #[test]
        fn a_constant_and_the_order_do_not_matter(values in prop::collection::vec(0..1_000_000_u32, 3..80),
                                                  constant in 0..1_000_000_u32, turn in 0..80_usize) {
            let points: Vec<Point> = values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>().iter().enumerate()
                .map(Point::from).collect();
            let mut other: Vec<Point> =
                points.iter().map(|p| Point { bytes: p.bytes + f64::from(constant), ..*p }).collect();
            other.rotate_left(turn % values.len());
            prop_assert_eq!(Slope::through(&points), Slope::through(&other));
        }

        #[test]
        fn it_scales(values in prop::collection::vec(0..1_000_000_u32, 3..80), shift in 0..10_u32) {
            let points: Vec<Point> = values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>().iter().enumerate()
                .map(Point::from).collect();
            let factor = f64::from(1_u32 << shift);
            let scaled: Vec<Point> = points.iter().map(|p| Point { bytes: p.bytes * factor, ..*p }).collect();
            let (one, other) = (Slope::through(&points).unwrap(), Slope::through(&scaled).unwrap());
            prop_assert_eq!(one.bytes_per_hour * factor, other.bytes_per_hour);
            prop_assert_eq!(one.low_bytes_per_hour * factor, other.low_bytes_per_hour);
        }

        #[test]
        fn a_quarter_of_outliers_does_not_turn_it(wild in prop::collection::vec(-1e12..1e12_f64, 100), seed in 0..97_usize) {
            let mut points = line(100, 1000.0, &[0.0, 300.0, -200.0]);
            for at in 0..25 {
                points[(seed + at * 37) % 100].bytes = wild[at];
            }
            let slope = Slope::through(&points).unwrap();
            prop_assert!((slope.bytes_per_hour / 3.6e6 - 1.0).abs() < 0.2, "{:?}", slope);
        }

        #[test]
        fn noise_on_a_slope_leaves_it_in_the_interval(noise in prop::collection::vec(-5e4..5e4_f64, 300)) {
            let slope = Slope::through(&line(300, 1000.0, &noise)).unwrap();
            prop_assert!(slope.rises(), "{:?}", slope);
            let half = (slope.high_bytes_per_hour - slope.low_bytes_per_hour) / 2.0;
            prop_assert!((slope.bytes_per_hour - 3.6e6).abs() < 3.0 * half, "{:?}", slope);
        }
    }
}
