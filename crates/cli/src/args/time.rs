//! Times as people write them: `100ms`, `2.5s`, `10m`, `1h`; a bare number is seconds.

use std::time::Duration;

/// Reads a time.
pub fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = number_and_unit(text);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(format!("{unit:?} is no unit of time; write 100ms, 2.5s, 10m or 1h")),
    };
    let number: f64 = number.parse().map_err(|_| "write a time such as 100ms, 2.5s, 10m or 1h".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| "it is too long".to_owned())
}

/// The same, of a time in which something is to happen.
pub fn lasting(text: &str) -> Result<Duration, String> {
    match time(text)? {
        Duration::ZERO => Err("nothing grows in no time; write how long to wait, such as 10s, 10m or 1h".to_owned()),
        time => Ok(time),
    }
}

/// What stands before the first letter, and the rest.
pub(super) fn number_and_unit(text: &str) -> (&str, &str) {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        for (text, ms) in [("100ms", 100), ("2.5s", 2_500), ("3", 3_000), ("0", 0), ("10m", 600_000), ("1h", 3_600_000)]
        {
            assert_eq!(time(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "-1s", "1 fortnight", "1.2.3s", "1e300s", "99999999999999999999d", "NaN"] {
            assert!(time(text).is_err(), "{text}");
        }
        for text in ["0", "0s", "0.0ms", "0.0001us", "0h"] {
            assert!(lasting(text).is_err_and(|why| why.contains("such as 10s")), "{text}");
        }
        assert_eq!(lasting("1ms"), Ok(Duration::from_millis(1)));
    }
}
