//! Which Python a program runs on, as its settings say it.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

/// Versions that are known: 3.8 to 3.15.
pub(super) const KNOWN: std::ops::RangeInclusive<u8> = 8..=15;

/// `3.12` or `py312` is 12.
pub fn minor_of(text: &str) -> Option<u8> {
    let minor = text.strip_prefix("3.").or_else(|| text.strip_prefix("py3"))?;
    let is_number = !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
    minor.parse().ok().filter(|minor| is_number && KNOWN.contains(minor))
}

/// Releases of a minor version that are tried: no version has had more.
const MICROS: u64 = 64;

/// The oldest known Python that `requires-python` admits: the oldest that is known where it admits none of them but older ones,
/// the newest where it admits newer ones alone.
pub(super) fn oldest(requires: &str) -> Result<u8, String> {
    let specifiers = VersionSpecifiers::from_str(requires)
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().trim_end_matches(':').to_owned())?;
    let admits = |minor: u64| (0..MICROS).any(|micro| specifiers.contains(&Version::new([3, minor, micro])));
    let known = KNOWN.into_iter().find(|minor| admits(u64::from(*minor)));
    let is_older = (0..8).any(admits) || (0..8).any(|minor| specifiers.contains(&Version::new([2, minor])));
    Ok(known.unwrap_or(if is_older { *KNOWN.start() } else { *KNOWN.end() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_is_admitted() {
        let cases = [
            (">=3.9", 9),
            (">=3.9.2", 9),
            ("~=3.11", 11),
            (">=3.8,<4", 8),
            (">=3.8,!=3.8.*,!=3.9.*", 10),
            ("==3.12.4", 12),
            (">3.9", 9),
            ("<4", 8),
            ("", 8),
            (">=2.7,<3", 8),
            (">=3.16", 15),
            ("==3.10.*", 10),
        ];
        for (requires, minor) in cases {
            assert_eq!(oldest(requires), Ok(minor), "{requires}");
        }
        assert!(oldest("3.9 or so").is_err());
        assert_eq!(
            [minor_of("3.12"), minor_of("py38"), minor_of("3.7"), minor_of("py3"), minor_of("3.+9")],
            [Some(12), Some(8), None, None, None]
        );
    }
}
