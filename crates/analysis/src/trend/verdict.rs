//! From a slope to a plain word.

use memsight_model::{Bytes, Confidence};
use serde::{Deserialize, Serialize};

use super::slope::quantile;
use super::{Point, Slope};

/// Samples below which nothing is said.
pub const MIN_POINTS: usize = 20;
/// Seconds below which nothing is said.
pub const MIN_SECONDS: f64 = 10.0;
/// A change of less is the noise of allocators: CPython's arenas have 256 KiB or 1 MiB.
pub const MATERIAL_BYTES: f64 = 1024.0 * 1024.0;
/// A change of less than this share of the level is not called one.
pub const MATERIAL_SHARE: f64 = 0.01;

/// Seconds of watching from which on a verdict is of medium and of high confidence.
const CONFIDENT_SECONDS: [f64; 2] = [60.0, 600.0];
/// Growth that fell to less than this part of what it was is slowing down.
const SLOWING: f64 = 0.5;

/// The highest and lowest of a stretch are these quantiles of it: up to a seventh of the samples may be wild.
const LOW: f64 = 0.15;
const HIGH: f64 = 0.85;
/// The part of the samples that tells where memory is at the end, and the least number of them.
const NOW: (usize, usize) = (50, 3);
/// A way back of more than this times what the first half moved is none of its ups and downs.
const BEYOND: f64 = 1.5;

/// What memory does, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Fewer than [`MIN_POINTS`] samples or [`MIN_SECONDS`] seconds.
    TooShort,
    /// No material change, or none that lasts.
    Stable,
    /// It rose materially, but that may be chance: what was seen does not tell.
    Unclear,
    /// It grew, and the growth ended or slows down.
    WarmingUp,
    /// It grows until the end, beyond chance, materially and without slowing down.
    Leaking {
        /// Growth.
        bytes_per_hour: f64,
    },
    /// It falls, beyond chance and materially.
    Shrinking,
}

/// The trend of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// In a word.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Why, in a sentence for people.
    pub reason: String,
    /// How sure; it grows with the time that was watched.
    pub confidence: Confidence,
    /// The slope after the warm-up where it rises throughout, else that of the last half. An estimate, which the verdict need not
    /// bear out: see [`Trend::rate`].
    pub slope: Option<Slope>,
    /// Seconds from the first sample to the last.
    pub seconds: f64,
    /// Samples that were looked at.
    pub points: u64,
    /// The median of the last half.
    pub level_bytes: f64,
}

impl Trend {
    /// The slope, where the verdict says that memory grows or falls: any other rate is none to rely on.
    pub fn rate(&self) -> Option<Slope> {
        let moves = matches!(self.verdict, Verdict::Leaking { .. } | Verdict::WarmingUp | Verdict::Shrinking);
        self.slope.filter(|slope| moves && (slope.rises() || slope.falls()))
    }

    /// Whether memory leaks, as far as can be seen.
    pub fn is_leaking(&self) -> bool {
        matches!(self.verdict, Verdict::Leaking { .. })
    }
}

/// Judges a series, in any order. Deterministic. Cost: four slopes ([`Slope::through`]), about 5 ms for 600 points.
pub fn trend(points: &[Point]) -> Trend {
    let mut points: Vec<Point> = points.iter().copied().filter(|point| point.bytes.is_finite()).collect();
    points.sort_by(|a, b| a.seconds.total_cmp(&b.seconds).then(a.bytes.total_cmp(&b.bytes)));
    let seconds = points.last().map_or(0.0, |last| last.seconds) - points.first().map_or(0.0, |first| first.seconds);
    let confidence = match seconds {
        seconds if seconds >= CONFIDENT_SECONDS[1] => Confidence::High,
        seconds if seconds >= CONFIDENT_SECONDS[0] => Confidence::Medium,
        _ => Confidence::Low,
    };
    let shape = (points.len() >= MIN_POINTS && seconds >= MIN_SECONDS).then(|| Shape::of(&points, seconds)).flatten();
    let (verdict, reason) = match &shape {
        Some(shape) => shape.judge(),
        None => (Verdict::TooShort, too_short(points.len(), seconds)),
    };
    Trend {
        verdict,
        reason,
        confidence,
        slope: shape.as_ref().map(Shape::slope),
        seconds,
        points: points.len() as u64,
        level_bytes: shape.map_or(points.last().map_or(0.0, |last| last.bytes), |shape| shape.level),
    }
}

fn too_short(points: usize, seconds: f64) -> String {
    format!("{points} samples in {seconds:.0} s: a verdict needs {MIN_POINTS} samples and {MIN_SECONDS:.0} s")
}

/// The slopes and levels of the parts of a series, which is all that the rules look at.
struct Shape {
    seconds: f64,
    /// Slope from the first quarter's end: before it, programs start up.
    settled: Slope,
    /// Slope of the second quarter.
    middle: Slope,
    /// Slope of the last half.
    late: Slope,
    /// Slope of the last quarter.
    end: Slope,
    /// Median of the last half.
    level: f64,
    /// Lower quartile of the last half.
    late_floor: f64,
    /// Between the quartiles of the last half.
    late_range: f64,
    /// Lowest and highest of the last half.
    late_ends: (f64, f64),
    /// Median of the last quarter.
    end_level: f64,
    /// Median of the last few samples.
    now: f64,
    /// Median of the second quarter.
    middle_level: f64,
    /// Lower quartile of the second quarter.
    middle_floor: f64,
    /// Lowest and highest of the first half.
    before: (f64, f64),
}

impl Shape {
    fn of(points: &[Point], seconds: f64) -> Option<Shape> {
        let start = points.first()?.seconds;
        let at = |share: f64| points.partition_point(|point| point.seconds < start + seconds * share);
        let (quarter, half, last) = (at(0.25), at(0.5), at(0.75));
        let level = |part: &[Point], share: f64| {
            let mut values: Vec<f64> = part.iter().map(|point| point.bytes).collect();
            if values.is_empty() { None } else { Some(quantile(&mut values, share)) }
        };
        let ends = |part: &[Point]| Some((level(part, LOW)?, level(part, HIGH)?));
        let (middle, late) = (&points[quarter..half], &points[half..]);
        let now = points.len() - (points.len() / NOW.0).max(NOW.1).min(points.len());
        let late_floor = level(late, 0.25)?;
        Some(Shape {
            seconds,
            settled: Slope::through(&points[quarter..])?,
            middle: Slope::through(middle)?,
            late: Slope::through(late)?,
            end: Slope::through(&points[last..])?,
            level: level(late, 0.5)?,
            late_floor,
            late_range: level(late, 0.75)? - late_floor,
            late_ends: ends(late)?,
            end_level: level(&points[last..], 0.5)?,
            now: level(&points[now..], 0.5)?,
            middle_level: level(middle, 0.5)?,
            middle_floor: level(middle, 0.25)?,
            before: ends(&points[..half])?,
        })
    }

    fn material(&self) -> f64 {
        MATERIAL_BYTES.max(self.level.abs() * MATERIAL_SHARE)
    }

    /// Growth in the last half that is neither chance nor noise, above all that the first half reached, and still there.
    fn grows(&self) -> bool {
        self.grew_late() && !self.fell_back()
    }

    fn grew_late(&self) -> bool {
        let growth = self.late.over(self.seconds / 2.0);
        self.late.rises() && growth >= self.material() && self.end_level > self.before.1
    }

    /// The last quarter lies above all that was before, materially, but the rise is not beyond chance.
    fn may_grow(&self) -> bool {
        let material = self.material();
        let rise = self.end_level - self.before.1;
        !self.late.rises() && rise >= material && self.late.over(self.seconds / 2.0) >= material
    }

    /// Whether memory went down from the top of the last half by more than it moved before: what has grown was let go.
    fn fell_back(&self) -> bool {
        self.late_ends.1 - self.now > self.usual()
    }

    /// The same upwards.
    fn rose_back(&self) -> bool {
        self.now - self.late_ends.0 > self.usual()
    }

    /// More than what the first half moved.
    fn usual(&self) -> f64 {
        BEYOND * (self.before.1 - self.before.0) + self.material()
    }

    fn slows(&self) -> bool {
        let below = |slope: &Slope, of: &Slope| slope.high_bytes_per_hour < of.bytes_per_hour * SLOWING;
        below(&self.late, &self.middle) || below(&self.end, &self.late)
    }

    /// Growth into the second quarter that was more than the last half moved, and that it did not give back.
    fn grew(&self) -> bool {
        let growth = self.level - self.middle_floor;
        growth >= self.material()
            && growth >= 2.0 * self.late_range
            && growth >= 2.0 * (self.late_ends.1 - self.level)
            && self.late_floor + self.late_range >= self.middle_level
            && self.now >= self.late_floor - self.late_range.max(self.material())
    }

    /// A fall in the last half that is neither chance nor noise, below all that was before, and still there.
    fn shrinks(&self) -> bool {
        let fall = -self.late.over(self.seconds / 2.0);
        self.late.falls() && fall >= self.material() && self.end_level < self.before.0 && !self.rose_back()
    }

    /// The slope to show: of everything after the warm-up where it rises as the last half does, else of the last half, of
    /// which the verdict speaks.
    fn slope(&self) -> Slope {
        let agrees = self.settled.rises()
            && self.late.rises()
            && self.settled.low_bytes_per_hour <= self.late.high_bytes_per_hour
            && self.settled.high_bytes_per_hour >= self.late.low_bytes_per_hour;
        if agrees { self.settled } else { self.late }
    }

    fn judge(&self) -> (Verdict, String) {
        let half = self.seconds / 2.0;
        if self.grows() && !self.slows() {
            let slope = self.slope();
            let verdict = Verdict::Leaking { bytes_per_hour: slope.bytes_per_hour };
            return (
                verdict,
                format!("grew by {} in the last {half:.0} s without slowing down", size(self.late.over(half))),
            );
        }
        if self.grows() {
            return (
                Verdict::WarmingUp,
                format!("still grows, by {} in the last {half:.0} s, but ever slower", size(self.late.over(half))),
            );
        }
        if self.grew() {
            let grown = size(self.level - self.middle_floor);
            return (Verdict::WarmingUp, format!("grew by {grown}, and has been level since"));
        }
        if self.shrinks() {
            return (Verdict::Shrinking, format!("fell by {} in the last {half:.0} s", size(-self.late.over(half))));
        }
        if self.fell_back() && (self.grew_late() || self.end_level - self.before.1 >= self.material()) {
            let fallen = size(self.late_ends.1 - self.now);
            return (
                Verdict::Unclear,
                format!("rose, and fell back by {fallen} near the end: not enough was seen since to tell"),
            );
        }
        if self.may_grow() {
            let risen = size(self.end_level - self.before.1);
            return (
                Verdict::Unclear,
                format!("rose by {risen} in the last {half:.0} s, which may be chance: not enough was seen to tell"),
            );
        }
        let material = size(self.material());
        if self.late.rises() && self.end_level <= self.before.1 && self.late.over(half) >= self.material() {
            return (Verdict::Stable, "rises and falls back again: it was as high before".to_owned());
        }
        (Verdict::Stable, format!("no growth beyond chance or above {material} in the last {half:.0} s"))
    }
}

fn size(bytes: f64) -> Bytes {
    Bytes(bytes.max(0.0) as u64)
}

#[cfg(test)]
mod tests;
