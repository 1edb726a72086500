//! The readings made fit to draw: finite, in order, ranked, thinned.

use std::borrow::Cow;

use super::{Plot, Point};
use crate::text::clean;

/// Lines with a colour, a number and a name.
pub(super) const NAMED: usize = 8;
/// Grey lines beyond those; more would only be a grey area.
const UNNAMED: usize = 64;

/// Seconds; beyond 30,000 years a time is no time, as if it were not finite.
const FARTHEST: f64 = 1e12;
/// Bytes: 2^64 is less.
const LARGEST: f64 = 1e20;

/// One line of the plot.
pub(super) struct Curve<'a> {
    /// Fit to be shown.
    pub name: String,
    /// Finite, by time.
    pub points: Cow<'a, [Point]>,
    /// The highest point, the earliest of equals.
    pub peak: Point,
}

/// What is drawn.
pub(super) struct Data<'a> {
    /// By descending peak, at most [`NAMED`].
    pub named: Vec<Curve<'a>>,
    /// Some of the others.
    pub unnamed: Vec<Curve<'a>>,
    /// How many others there are.
    pub others: usize,
    /// The sum.
    pub total: Option<Curve<'a>>,
    /// First and last time of all; of length 0 with a single moment.
    pub span: (f64, f64),
    /// Readings of the longest line.
    pub samples: usize,
}

impl<'a> Data<'a> {
    /// `None`: there is nothing to draw. Cost: linear in the points; those already in order are not copied.
    pub(super) fn of(plot: &'a Plot) -> Option<Data<'a>> {
        let mut named: Vec<Curve> = plot.series.iter().filter_map(|s| Curve::of(&s.name, &s.points)).collect();
        named.sort_by(|a, b| b.peak.1.total_cmp(&a.peak.1));
        let mut unnamed = named.split_off(named.len().min(NAMED));
        let others = unnamed.len();
        unnamed.truncate(UNNAMED);
        // The sum of one process is that process.
        let total = if named.len() == 1 { None } else { Curve::of("sum", &plot.total) };
        let mut data = Data { named, unnamed, others, total, span: (f64::INFINITY, f64::NEG_INFINITY), samples: 0 };
        for curve in data.named.iter().chain(&data.unnamed).chain(&data.total) {
            if let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) {
                data.span = (data.span.0.min(first.0), data.span.1.max(last.0));
                data.samples = data.samples.max(curve.points.len());
            }
        }
        (data.samples > 0).then_some(data)
    }

    /// The line that people ask about: the sum, or else the one that rose highest.
    pub(super) fn main(&self) -> Option<&Curve<'a>> {
        self.total.as_ref().or(self.named.first())
    }

    /// The highest reading of any line.
    pub(super) fn highest(&self) -> f64 {
        let curves = self.named.first().into_iter().chain(&self.total);
        curves.fold(0.0, |highest, curve| f64::max(highest, curve.peak.1))
    }

    /// `others` in words, for legends.
    pub(super) fn others_named(&self) -> Option<String> {
        match self.others {
            0 => None,
            1 => Some("1 other".into()),
            n => Some(format!("{n} others")),
        }
    }
}

impl<'a> Curve<'a> {
    fn of(name: &str, points: &'a [Point]) -> Option<Curve<'a>> {
        let finite = |point: &Point| point.0.abs() <= FARTHEST && point.1.abs() <= LARGEST;
        let mut points = if points.iter().all(finite) {
            Cow::Borrowed(points)
        } else {
            Cow::Owned(points.iter().copied().filter(finite).collect())
        };
        if !points.is_sorted_by(|a, b| a.0 <= b.0) {
            points.to_mut().sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        let first = *points.first()?;
        let peak = points.iter().fold(first, |best, &point| if point.1 > best.1 { point } else { best });
        Some(Curve { name: clean(name), points, peak })
    }
}

/// `points` with at most four for each of `columns` columns of the time from `start` to `end`: the first, the smallest,
/// the largest and the last, in order of time. Cost: linear.
pub(super) fn thin(points: &[Point], (start, end): (f64, f64), columns: usize) -> Vec<Point> {
    if points.len() <= columns.saturating_mul(2) {
        return points.to_vec();
    }
    let scale = columns as f64 / (end - start).max(f64::MIN_POSITIVE);
    let column = |point: &Point| (((point.0 - start) * scale) as usize).min(columns.saturating_sub(1));
    let mut out = Vec::with_capacity(columns * 4);
    for group in points.chunk_by(|a, b| column(a) == column(b)) {
        let at = |best: fn(f64, f64) -> bool| {
            (1..group.len()).fold(0, |held, i| if best(group[i].1, group[held].1) { i } else { held })
        };
        let mut kept = [0, at(|a, b| a < b), at(|a, b| a > b), group.len() - 1];
        kept.sort_unstable();
        let mut before = None;
        for i in kept {
            if before != Some(i) {
                out.push(group[i]);
            }
            before = Some(i);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_of_one_sample_in_a_million_stays() {
        let mut points: Vec<Point> = (0..1_000_000).map(|i| (f64::from(i), 1e6)).collect();
        points[123_456].1 = 9e9;
        points[654_321].1 = 1.0;
        let thinned = thin(&points, (0.0, 999_999.0), 800);
        assert!(thinned.len() <= 3_200, "{}", thinned.len());
        assert!(thinned.contains(&(123_456.0, 9e9)));
        assert!(thinned.contains(&(654_321.0, 1.0)));
        assert!(thinned.is_sorted_by(|a, b| a.0 <= b.0));
        assert_eq!((thinned.first(), thinned.last()), (points.first(), points.last()));
    }

    #[test]
    fn what_is_not_finite_goes_and_what_is_out_of_order_is_sorted() {
        let points = [(2.0, 5.0), (f64::NAN, 1.0), (1.0, f64::INFINITY), (0.0, 3.0)];
        let curve = Curve::of("a\nb", &points).expect("two points are left");
        assert_eq!(curve.points.as_ref(), [(0.0, 3.0), (2.0, 5.0)]);
        assert_eq!((curve.name.as_str(), curve.peak), ("a\\nb", (2.0, 5.0)));
        assert!(Curve::of("", &[(f64::NAN, 1.0)]).is_none());
    }
}
