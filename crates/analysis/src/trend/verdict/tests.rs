//! Shapes of memory that people know, and what they are called.

use proptest::prelude::*;

use super::*;

const MIB: f64 = 1024.0 * 1024.0;

/// 600 s, a sample a second, on a base of 100 MiB.
fn series(shape: impl Fn(f64) -> f64) -> Vec<Point> {
    (0..=600).map(|at| Point { seconds: f64::from(at), bytes: 100.0 * MIB + shape(f64::from(at)) }).collect()
}

/// Noise of up to 1 on either side that looks like chance and is always the same.
fn noise(at: f64) -> f64 {
    let bits = (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((bits ^ (bits >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f64 / (1 << 23) as f64 - 1.0
}

#[track_caller]
fn says(expected: &str, shape: impl Fn(f64) -> f64) -> Trend {
    let trend = trend(&series(shape));
    let said = match trend.verdict {
        Verdict::TooShort => "too short",
        Verdict::Stable => "stable",
        Verdict::Unclear => "not known yet",
        Verdict::WarmingUp => "warming up",
        Verdict::Leaking { .. } => "leaking",
        Verdict::Shrinking => "shrinking",
    };
    assert_eq!(said, expected, "{trend:?}");
    trend
}

#[test]
fn level_noise_and_small_growth_are_stable() {
    says("stable", |_| 0.0);
    says("stable", |at| 20.0 * MIB * noise(at));
    says("stable", |at| at * MIB / 600.0);
}

#[test]
fn a_steady_leak_is_named_with_its_rate() {
    for wobble in [0.0, 0.5, 5.0] {
        let trend = says("leaking", |at| at / 60.0 * MIB + wobble * MIB * noise(at));
        let slope = trend.slope.unwrap();
        assert!((slope.bytes_per_hour / (60.0 * MIB) - 1.0).abs() < 0.15, "{trend:?}");
        assert!(slope.low_bytes_per_hour <= 60.0 * MIB && slope.high_bytes_per_hour >= 60.0 * MIB, "{trend:?}");
        assert_eq!(trend.confidence, Confidence::High);
    }
}

#[test]
fn a_leak_by_steps_or_under_teeth_is_a_leak() {
    says("leaking", |at| (at / 50.0).floor() * 4.0 * MIB);
    says("leaking", |at| at / 30.0 * MIB + (at % 20.0) / 20.0 * 3.0 * MIB);
    says("leaking", |at| if at < 250.0 { 0.0 } else { (at - 250.0) / 10.0 * MIB });
}

#[test]
fn a_leak_after_a_warm_up_is_a_leak() {
    let trend = says("leaking", |at| at.min(100.0) * 3.0 * MIB + at / 10.0 * MIB);
    assert!((trend.slope.unwrap().bytes_per_hour / (360.0 * MIB) - 1.0).abs() < 0.05, "{trend:?}");
}

#[test]
fn a_ramp_that_ends_is_warming_up() {
    for end in [200.0, 220.0, 300.0, 350.0, 450.0] {
        says("warming up", |at| at.min(end) / 3.0 * MIB);
        says("warming up", |at| at.min(end) / 3.0 * MIB + noise(at) * MIB);
    }
    says("warming up", |at| 200.0 * MIB * (1.0 - (-at / 200.0).exp()));
}

#[test]
fn a_start_that_is_over_is_stable() {
    says("stable", |at| at.min(120.0) * MIB);
    says("stable", |at| at.min(30.0) * MIB + 0.3 * MIB * noise(at));
}

#[test]
fn teeth_without_growth_are_stable() {
    for period in [7.0, 20.0, 45.0, 61.0, 100.0, 150.0, 180.0, 230.0, 300.0] {
        for phase in 0..20 {
            let phase = f64::from(phase) / 20.0 * period;
            says("stable", |at| ((at + phase) % period) / period * 30.0 * MIB);
        }
    }
}

#[test]
fn one_step_is_no_leak() {
    for at_step in (10..600).step_by(10).map(f64::from) {
        let trend = trend(&series(|at| if at < at_step { 0.0 } else { 50.0 * MIB } + 0.1 * MIB * noise(at)));
        assert!(!trend.is_leaking(), "{at_step}: {trend:?}");
    }
}

/// What is too near to the end to be told from a step is not called level: the estimate beside it says otherwise.
#[test]
fn a_rise_that_may_be_chance_is_not_known_yet() {
    // four levels in 12 s, each above all before
    let points: Vec<Point> = (0..24)
        .map(|at| Point { seconds: f64::from(at) / 2.0, bytes: (100.0 + f64::from(at / 6) * 40.0) * MIB })
        .collect();
    let short = trend(&points);
    assert!(!matches!(short.verdict, Verdict::Stable), "{short:?}");
    for at_step in (10..600).step_by(10).map(f64::from) {
        let trend = trend(&series(|at| if at < at_step { 0.0 } else { 50.0 * MIB } + 0.1 * MIB * noise(at)));
        let estimate = trend.slope.map_or(0.0, |slope| slope.over(300.0));
        let material = MATERIAL_BYTES.max(trend.level_bytes * MATERIAL_SHARE);
        assert!(!(trend.verdict == Verdict::Stable && estimate > material), "{at_step}: {trend:?}");
    }
}

/// Whatever the shape, a rate is shown only where the word says that memory grows or falls.
#[test]
fn the_rate_agrees_with_the_word() {
    let rises = |trend: &Trend| trend.rate().is_some_and(|slope| slope.rises());
    assert!(rises(&says("leaking", |at| at / 60.0 * MIB)));
    assert!(says("shrinking", |at| 80.0 * MIB - at / 10.0 * MIB).rate().is_some_and(|slope| slope.falls()));
    for shape in [0.0, 7.0, 45.0, 180.0] {
        assert_eq!(says("stable", |at| (at % (shape + 1.0)) / (shape + 1.0) * 30.0 * MIB).rate(), None);
    }
    assert_eq!(trend(&series(|at| at * MIB)[..19]).rate(), None);
}

#[test]
fn falling_is_shrinking() {
    says("shrinking", |at| 80.0 * MIB - at / 10.0 * MIB);
}

#[test]
fn a_few_samples_say_nothing() {
    let points = series(|at| at * MIB);
    assert_eq!(trend(&[]).verdict, Verdict::TooShort);
    assert_eq!(trend(&points[..19]).verdict, Verdict::TooShort);
    let fast: Vec<Point> = points.iter().map(|point| Point { seconds: point.seconds / 100.0, ..*point }).collect();
    assert_eq!(trend(&fast).verdict, Verdict::TooShort, "600 samples in 6 s");
    assert!(trend(&points[..25]).is_leaking());
}

/// A random walk has no trend, though it looks like one: most are not taken in. (Without the correction for
/// autocorrelation nine of ten would be.)
#[test]
fn few_random_walks_are_called_leaks() {
    let walks = 200;
    let leaks = (0..walks).filter(|walk| {
        let mut level = 0.0;
        let values: Vec<f64> = (0..600)
            .map(|at| {
                level += noise(f64::from(walk * 600 + at)) * 3.0 * MIB;
                100.0 * MIB + level
            })
            .collect();
        trend(&values.iter().enumerate().map(Point::from).collect::<Vec<_>>()).is_leaking()
    });
    let leaks = leaks.count();
    assert!(leaks <= walks as usize / 5, "{leaks} of {walks}");
}

#[test]
fn the_time_to_a_limit_needs_a_leak() {
    let leak = says("leaking", |at| at / 60.0 * MIB + noise(at) * MIB);
    let time = crate::trend::time_to_limit(&leak, 60 << 20).unwrap();
    assert!((time.seconds / 3600.0 - 1.0).abs() < 0.1, "{time:?}");
    assert!(time.earliest_seconds <= time.seconds && time.seconds <= time.latest_seconds);
    assert_eq!(crate::trend::time_to_limit(&says("stable", |_| 0.0), 1), None);
    assert_eq!(crate::trend::time_to_limit(&leak, 0).unwrap().seconds, 0.0);
}

proptest! {
    #[test]
    fn the_order_of_samples_and_wild_ones_do_not_change_the_word(
        turn in 0..600_usize, wild in prop::collection::vec(0.0..1e12_f64, 60), seed in 0..600_usize,
    ) {
        let mut points = series(|at| at / 20.0 * MIB + noise(at) * MIB);
        for (at, bytes) in wild.into_iter().enumerate() {
            points[(seed + at * 7) % 600].bytes = bytes;
        }
        let straight = trend(&points);
        prop_assert!(straight.is_leaking(), "{:?}", straight);
        points.rotate_left(turn);
        prop_assert_eq!(straight, trend(&points));
    }
}

/// A share of the time from 0 to 1 as MiB, in so many samples.
fn over(samples: u32, shape: impl Fn(f64) -> f64) -> Trend {
    let point = |at: u32| {
        let share = f64::from(at) / f64::from(samples - 1);
        let bytes = (100.0 + shape(share) + 0.1 * noise(f64::from(at))) * MIB;
        Point { seconds: share * 600.0, bytes }
    };
    trend(&(0..samples).map(point).collect::<Vec<_>>())
}

/// What was taken and given back whole says of no time after it that memory grows, has grown or falls.
#[test]
fn level_after_a_spike_is_stable_or_not_known() {
    for samples in [24, 60, 601] {
        for (from, to) in (0..18).flat_map(|from| (from + 1..=19).map(move |to| (from, to))) {
            let (begin, end) = (f64::from(from) / 20.0, f64::from(to) / 20.0);
            let inside = |share: f64| share >= begin && share < end;
            let block = over(samples, |share| if inside(share) { 200.0 } else { 0.0 });
            let ramp = |share: f64| 200.0 * (share - begin) / (end - begin);
            let ramp = over(samples, |share| if inside(share) { ramp(share) } else { 0.0 });
            for trend in [block, ramp] {
                let right = matches!(trend.verdict, Verdict::Stable | Verdict::Unclear);
                assert!(right, "{samples} samples, {from} to {to} of 20: {trend:?}");
                assert_eq!(trend.rate(), None);
            }
        }
    }
}

#[test]
fn a_slope_up_and_down_again_is_no_shrinking() {
    for top in [0.3, 0.4, 0.5] {
        let trend = over(601, |share| 100.0 * (1.0 - (share - top).abs() / 0.3).max(0.0));
        assert_eq!(trend.verdict, Verdict::Stable, "{top}: {trend:?}");
    }
    assert_eq!(over(601, |share| 100.0 * (1.0 - share)).verdict, Verdict::Shrinking);
}

#[test]
fn a_second_tooth_as_high_as_the_first_is_no_leak() {
    for teeth in 2..16_u8 {
        for samples in [24, 60, 601] {
            let trend = over(samples, |share| (share * f64::from(teeth) * 0.999) % 1.0 * 50.0);
            let right = matches!(trend.verdict, Verdict::Stable | Verdict::Unclear);
            assert!(right, "{teeth} teeth in {samples}: {trend:?}");
        }
    }
}

/// A step in the last half is not followed by a level last half.
#[test]
fn the_reason_claims_no_more_than_was_seen() {
    let trend = over(601, |share| if share < 0.6 { 0.0 } else { 50.0 });
    assert_eq!(trend.verdict, Verdict::WarmingUp);
    assert_eq!(trend.reason, "grew by 50.0 MiB, and has been level since");
}
