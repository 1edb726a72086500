//! Which allocations are in the sample: as if each byte had the same small chance. Between two samples lies a number of bytes
//! that is drawn from an exponential distribution, and counted down by what is allocated: one subtraction for each that is not.

use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::sys;
use crate::words::words;

/// Bytes between samples in the mean; 0 where all is recorded.
static MEAN: AtomicU64 = AtomicU64::new(0);
/// The state of the generator, never 0 once it is started.
static STATE: AtomicU64 = AtomicU64::new(1);
/// Bytes up to the next sample in Python's own domains. Who changes it holds the GIL.
static LEFT: AtomicI64 = AtomicI64::new(0);

/// Samples with this mean from now on; with 0 everything is recorded.
pub fn start(mean: u64, seed: u64) {
    let seed = if seed == 0 { sys::clock() ^ u64::from(sys::process()) << 32 } else { seed };
    STATE.store(mixed(seed) | 1, Ordering::Relaxed);
    MEAN.store(mean, Ordering::Relaxed);
    LEFT.store(draw(), Ordering::Relaxed);
}

/// Whether there is a sample, and not everything.
#[inline]
pub fn is_on() -> bool {
    MEAN.load(Ordering::Relaxed) != 0
}

/// Counts an allocation by one of Python's domains, whose caller holds the GIL; whether it is in the sample.
#[inline]
pub fn counts_held(size: usize) -> bool {
    let left = LEFT.load(Ordering::Relaxed).wrapping_sub(size as i64);
    LEFT.store(left, Ordering::Relaxed);
    left < 0 && next_held()
}

#[cold]
fn next_held() -> bool {
    LEFT.store(draw(), Ordering::Relaxed);
    true
}

/// Counts an allocation by this thread; whether it is in the sample.
#[inline]
pub fn counts(size: usize) -> bool {
    let words = words();
    // SAFETY: the words of this thread.
    unsafe {
        (*words).left = (*words).left.wrapping_sub(size as i64);
        (*words).left < 0 && next()
    }
}

#[cold]
fn next() -> bool {
    let words = words();
    // SAFETY: the words of this thread.
    unsafe {
        let is_due = (*words).drawn != 0 || {
            // a thread's first: nothing was drawn that it could have used up
            (*words).drawn = 1;
            (*words).left = (*words).left.wrapping_add(draw());
            (*words).left < 0
        };
        if is_due {
            (*words).left = draw();
        }
        is_due
    }
}

/// Bytes up to the next sample: -ln(u) * mean for a u that is even in (0, 1].
fn draw() -> i64 {
    let even = ((random() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    let mean = MEAN.load(Ordering::Relaxed) as f64;
    (-logarithm(even) * mean) as i64
}

/// A number of 64 random bits (splitmix64: Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014).
fn random() -> u64 {
    mixed(STATE.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed))
}

fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}

/// The natural logarithm of a positive number, to 1e-9: without the C library's, which may be another's.
fn logarithm(value: f64) -> f64 {
    let bits = value.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    // ln m = 2 artanh((m - 1) / (m + 1)), for 1 <= m < 2
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let mut series = 0.0;
    let mut odd = 19.0;
    while odd > 0.0 {
        series = series * square + 1.0 / odd;
        odd -= 2.0;
    }
    2.0 * z * series + exponent as f64 * core::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_one() {
        for step in 1..10_000 {
            let value = f64::from(step) / 1000.0;
            assert!((logarithm(value) - value.ln()).abs() < 1e-9, "{value}");
        }
        assert!((logarithm(f64::MIN_POSITIVE) - f64::MIN_POSITIVE.ln()).abs() < 1e-9);
    }

    #[test]
    fn samples_come_as_often_as_they_should() {
        start(1000, 7);
        for (size, counts) in [(10, counts as fn(usize) -> bool), (300, counts), (5000, counts), (300, counts_held)] {
            let trials = 1_000_000;
            let hits = (0..trials).filter(|_| counts(size)).count() as f64;
            let expected = crate::wire::chance(size as u64, 1000) * f64::from(trials);
            // five standard deviations of a binomial
            assert!((hits - expected).abs() < 5.0 * expected.sqrt(), "{hits} of {expected} for {size}");
        }
        start(0, 0);
        assert!(!is_on());
    }
}
