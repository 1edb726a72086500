//! Round places on the axes, and what they are called.

/// Units of bytes, each 1024 of the one before.
const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
/// Seconds between ticks that people find round.
const TIMES: [f64; 34] = [
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1800.0,
    3600.0,
    7200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    345_600.0,
    604_800.0,
    1_209_600.0,
    2_419_200.0,
    7_257_600.0,
    29_030_400.0,
];

/// A place on an axis and its label.
pub(super) type Tick = (f64, String);

/// At most about `most` ticks from 0 to `top` bytes, in one unit, at 1, 2 or 5 of a power of ten of it. There is always
/// one beside 0.
pub(super) fn bytes(top: f64, most: usize) -> Vec<Tick> {
    let enough = |most: usize| Some(bytes_at_most(top, most)).filter(|ticks| ticks.len() > 1);
    (most..most + 4).find_map(enough).unwrap_or_else(|| bytes_at_most(top, most))
}

fn bytes_at_most(top: f64, most: usize) -> Vec<Tick> {
    let unit = (0..UNITS.len() - 1).find(|&unit| top < 1024_f64.powi(unit as i32 + 1)).unwrap_or(UNITS.len() - 1);
    let one = 1024_f64.powi(unit as i32);
    let rough = top / one / most.max(1) as f64;
    let power = 10_f64.powf(rough.max(1e-9).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough * 0.999);
    // There are no parts of a byte.
    let step = step.unwrap_or(power * 10.0).max(if unit == 0 { 1.0 } else { 0.0 });
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    places(0.0, top / one, step)
        .map(|value| {
            (value * one, if value == 0.0 { "0".into() } else { format!("{value:.decimals$} {}", UNITS[unit]) })
        })
        .collect()
}

/// At most `most` ticks from `start` to `end` seconds.
pub(super) fn times((start, end): (f64, f64), most: usize) -> Vec<Tick> {
    let rough = (end - start) / most.max(1) as f64;
    let step = TIMES.into_iter().find(|step| *step >= rough * 0.999).unwrap_or_else(|| {
        let years = TIMES[TIMES.len() - 1];
        (rough / years).ceil() * years
    });
    places(start, end, step).map(|at| (at, time(at, step))).collect()
}

/// Multiples of `step` from `start` to `end`. Never more than a thousand, whatever the numbers.
fn places(start: f64, end: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (start / step - 1e-9).ceil();
    let count = ((end / step + 1e-9).floor() - first + 1.0).clamp(0.0, 1000.0) as usize;
    (0..count).map(move |i| (first + i as f64) * step)
}

/// `seconds` to within `step` of them: `250 ms`, `1.5 s`, `2:30 min`, `1:30 h`, `1:30:05 h`, `3.5 d`.
pub(super) fn time(seconds: f64, step: f64) -> String {
    let at = seconds.abs();
    if at < step / 2.0 {
        return "0".into();
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    if step < 1.0 {
        let decimals = (-step.log10().floor()).clamp(0.0, 3.0) as usize;
        return if at < 1.0 { format!("{sign}{:.0} ms", at * 1e3) } else { format!("{sign}{at:.decimals$} s") };
    }
    let (seconds, minutes) = (at.round() as u64, (at / 60.0).round() as u64);
    let text = match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, seconds % 60, "min"),
        3600.. if step < 60.0 => format!("{}:{:02}:{:02} h", seconds / 3600, seconds / 60 % 60, seconds % 60),
        3600..259_200 if step < 86_400.0 => two(minutes / 60, minutes % 60, "h"),
        _ => format!("{} d", (at / 8640.0).round() / 10.0),
    };
    format!("{sign}{text}")
}

/// A moment of a record, as exactly as its length makes sense of.
pub(super) fn moment(seconds: f64, (start, end): (f64, f64)) -> String {
    let exact = ((end - start) / 200.0).clamp(0.001, 60.0);
    time(
        seconds,
        if seconds.abs() >= 60.0 {
            exact.max(1.0)
        } else if end > start {
            exact
        } else {
            0.1
        },
    )
}

/// `2 min`, `2:30 min`.
fn two(large: u64, small: u64, unit: &str) -> String {
    if small == 0 { format!("{large} {unit}") } else { format!("{large}:{small:02} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: Vec<Tick>) -> Vec<String> {
        ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn bytes_are_round_in_binary_units() {
        const MIB: f64 = 1048576.0;
        assert_eq!(labels(bytes(250.0 * MIB, 5)), ["0", "50 MiB", "100 MiB", "150 MiB", "200 MiB", "250 MiB"]);
        assert_eq!(labels(bytes(1300.0 * MIB, 6)), ["0", "0.5 GiB", "1.0 GiB"]);
        assert_eq!(labels(bytes(3.0, 8)), ["0", "1 B", "2 B", "3 B"]);
        assert_eq!(bytes(250.0 * MIB, 5)[1].0, 50.0 * MIB);
        assert!(bytes(f64::MAX, 5).len() <= 1000);
    }

    #[test]
    fn times_are_round_for_people() {
        assert_eq!(labels(times((0.0, 0.9), 5)), ["0", "200 ms", "400 ms", "600 ms", "800 ms"]);
        assert_eq!(labels(times((0.0, 3.0), 6)), ["0", "500 ms", "1.0 s", "1.5 s", "2.0 s", "2.5 s", "3.0 s"]);
        assert_eq!(labels(times((0.0, 130.0), 5)), ["0", "30 s", "1 min", "1:30 min", "2 min"]);
        assert_eq!(labels(times((10.0, 7000.0), 4)), ["30 min", "1 h", "1:30 h"]);
        assert_eq!(labels(times((0.0, 5.0 * 86_400.0), 5)), ["0", "1 d", "2 d", "3 d", "4 d", "5 d"]);
        assert_eq!(labels(times((7200.0, 7220.0), 2)), ["2:00:00 h", "2:00:10 h", "2:00:20 h"]);
        assert!(times((0.0, 1e300), 5).len() <= 10);
    }
}
