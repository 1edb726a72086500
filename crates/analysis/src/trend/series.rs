//! A series of any length in bounded memory.

use super::Point;

/// What a stretch of samples came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// The first sample of the stretch.
    pub first: Point,
    /// The largest sample of the stretch.
    pub peak: Point,
}

/// Keeps a series evenly thinned: when it is full, neighbours are joined, and from then on a bucket holds twice as
/// many samples. So `capacity / 2` to `capacity` buckets of equal length cover all of it, and no peak is lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    buckets: Vec<Bucket>,
    /// Samples in a bucket.
    stride: u64,
    /// Samples so far.
    samples: u64,
    capacity: usize,
    last: Option<Point>,
}

impl Series {
    /// Of at most `capacity` buckets (made even, at least 2). Memory: 32 bytes a bucket.
    pub fn new(capacity: usize) -> Series {
        let capacity = capacity.max(2).next_multiple_of(2);
        Series { buckets: Vec::new(), stride: 1, samples: 0, capacity, last: None }
    }

    /// Adds a sample; times must not go back. Cost: constant on average.
    pub fn push(&mut self, point: Point) {
        if self.samples.is_multiple_of(self.stride) {
            if self.buckets.len() == self.capacity {
                self.halve();
            }
            self.buckets.push(Bucket { first: point, peak: point });
        } else if let Some(bucket) = self.buckets.last_mut()
            && point.bytes > bucket.peak.bytes
        {
            bucket.peak = point;
        }
        self.samples += 1;
        self.last = Some(point);
    }

    fn halve(&mut self) {
        let join = |pair: &[Bucket]| Bucket {
            first: pair[0].first,
            peak: pair.iter().skip(1).fold(pair[0].peak, |a, b| if b.peak.bytes > a.bytes { b.peak } else { a }),
        };
        self.buckets = self.buckets.chunks(2).map(join).collect();
        self.stride *= 2;
    }

    /// Samples so far.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// The latest sample.
    pub fn last(&self) -> Option<Point> {
        self.last
    }

    /// The stretches, oldest first.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Evenly spaced samples, oldest first, and the latest: what an estimate wants.
    pub fn points(&self) -> Vec<Point> {
        let newer = self.last.filter(|last| self.buckets.last().is_some_and(|bucket| bucket.first != *last));
        self.buckets.iter().map(|bucket| bucket.first).chain(newer).collect()
    }

    /// The largest sample of each stretch, and the latest: what a picture wants.
    pub fn peaks(&self) -> Vec<Point> {
        let newer = self.last.filter(|last| self.buckets.last().is_some_and(|bucket| bucket.peak != *last));
        self.buckets.iter().map(|bucket| bucket.peak).chain(newer).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn evenly_thinned_and_the_peak_kept(values in prop::collection::vec(0..1000_u32, 1..3000), capacity in 2..64_usize) {
            let mut series = Series::new(capacity);
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            values.iter().enumerate().map(Point::from).for_each(|point| series.push(point));
            prop_assert!(series.buckets().len() <= capacity + 1);
            prop_assert!(series.buckets().len() * 2 >= capacity.min(values.len()));
            let peak = values.iter().copied().fold(f64::MIN, f64::max);
            prop_assert_eq!(series.peaks().iter().map(|p| p.bytes).fold(f64::MIN, f64::max), peak);
            let firsts: Vec<f64> = series.buckets().iter().map(|bucket| bucket.first.seconds).collect();
            prop_assert!(firsts.windows(2).all(|pair| pair[1] - pair[0] == firsts.get(1).copied().unwrap_or(0.0) - firsts[0]));
            prop_assert_eq!(series.points().last().map(|p| p.seconds), Some((values.len() - 1) as f64));
            prop_assert_eq!(series.samples(), values.len() as u64);
        }
    }
}
