//! Bytes and blocks, exact or estimated from a sample.

use std::ops::{AddAssign, SubAssign};

use super::types::Figures;

/// Parts of a block that are counted: the inverse of a probability is no whole number.
const BLOCK: u64 = 1 << 10;
/// Parts of the largest variance that one block can have, the square of the mean between samples.
const VARIANCE: f64 = (1u64 << 20) as f64;
/// The largest block: user space ends there. A file that says more cannot make sums overflow soon.
const LARGEST: u64 = 1 << 47;
/// Standard deviations to each side that hold 95% of a normal distribution.
const DEVIATIONS: f64 = 1.96;

/// A sum over blocks. All three are whole numbers, so that what was added can be taken away again without a rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub bytes: u64,
    /// In parts of a [`BLOCK`].
    pub blocks: u64,
    /// Of `bytes`, in parts of [`VARIANCE`]; 0 where every allocation was recorded.
    pub variance: u64,
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.blocks = self.blocks.saturating_add(other.blocks);
        self.variance = self.variance.saturating_add(other.variance);
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Amount) {
        self.bytes = self.bytes.saturating_sub(other.bytes);
        self.blocks = self.blocks.saturating_sub(other.blocks);
        self.variance = self.variance.saturating_sub(other.variance);
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::default(), |mut sum, amount| {
            sum += amount;
            sum
        })
    }
}

/// What a recorded block stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Bytes between samples in the mean; 0: exact.
    mean: f64,
}

impl Scale {
    pub fn new(sample_bytes: u64) -> Scale {
        Scale { mean: sample_bytes as f64 }
    }

    /// What a block of so many bytes stands for.
    pub fn amount(self, bytes: u64) -> Amount {
        let bytes = bytes.min(LARGEST);
        if self.mean == 0.0 {
            return Amount { bytes, blocks: BLOCK, variance: 0 };
        }
        // (a block of no bytes is in no sample)
        let size = bytes.max(1) as f64;
        let chance = -(-size / self.mean).exp_m1();
        let variance = (size / self.mean / chance).powi(2) * (1.0 - chance);
        Amount {
            bytes: (size / chance).round() as u64,
            blocks: (BLOCK as f64 / chance).round() as u64,
            variance: (variance * VARIANCE).round() as u64,
        }
    }

    /// The sum for people and scripts.
    pub fn figures(self, amount: Amount) -> Figures {
        Figures { bytes: amount.bytes, count: self.count(amount), error_bytes: self.error(amount) }
    }

    /// Blocks, rounded.
    pub fn count(self, amount: Amount) -> u64 {
        amount.blocks.saturating_add(BLOCK / 2) / BLOCK
    }

    /// Half of the interval that holds the true number of bytes with 95%. Even where nothing was sampled there may be about the
    /// mean between two samples.
    pub fn error(self, amount: Amount) -> u64 {
        if self.mean == 0.0 {
            return 0;
        }
        let variance = amount.variance as f64 / VARIANCE * self.mean.powi(2);
        (DEVIATIONS * (variance + self.mean.powi(2)).sqrt()).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_stands_for_many() {
        let scale = Scale::new(1 << 19);
        let small = scale.figures(scale.amount(100));
        // (half a mean more than it: the chance of a small block is a little under its share of the mean)
        assert_eq!((small.bytes, small.count), ((1 << 19) + 50, 5243));
        let large = scale.figures(scale.amount(100 << 20));
        assert_eq!((large.bytes, large.count), (100 << 20, 1));
        assert_eq!(large.error_bytes, (1.96 * f64::from(1 << 19)).round() as u64);
        assert!(small.error_bytes > large.error_bytes);
        let exact = Scale::new(0);
        assert_eq!(exact.figures(exact.amount(7)), Figures { bytes: 7, count: 1, error_bytes: 0 });
    }

    #[test]
    fn what_was_added_goes_without_a_rest() {
        let scale = Scale::new(4096);
        let mut sum = Amount::default();
        let sizes: Vec<u64> = (0..1000).map(|n| n * n % 70_001).collect();
        sizes.iter().for_each(|size| sum += scale.amount(*size));
        sizes.iter().rev().for_each(|size| sum -= scale.amount(*size));
        assert_eq!(sum, Amount::default());
    }
}
