//! Pressure stall information: how long tasks waited for memory (Documentation/accounting/psi.rst).

use std::io;
use std::path::Path;

use memsight_model::Pressure;

use super::field::{number, words};
use crate::error::TargetError;

/// The machine's; `None` where the kernel has no PSI or it is switched off. Cost: one small file.
pub fn pressure() -> Result<Option<Pressure>, TargetError> {
    let what = "/proc/pressure/memory";
    of(Path::new(what)).map_err(|source| TargetError::Machine { what, source })
}

/// Of a file in the format of PSI; `None` where there is none.
pub(super) fn of(file: &Path) -> io::Result<Option<Pressure>> {
    match std::fs::read(file) {
        Ok(text) => Ok(parse(&text)),
        // switched off at boot: the file is there and cannot be opened
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EOPNOTSUPP)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and a line `full` likewise.
fn parse(text: &[u8]) -> Option<Pressure> {
    let line = |name: &[u8]| {
        let mut fields = words(text.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(name))?);
        let mut next = |name: &str| fields.next().and_then(|field| field.strip_prefix(name.as_bytes()));
        let averages = [next("avg10=")?, next("avg60=")?, next("avg300=")?].map(percent);
        Some((averages, number(next("total=")?)?.saturating_mul(1000)))
    };
    let ([some_avg10, some_avg60, some_avg300], some_total_ns) = line(b"some ")?;
    let ([full_avg10, full_avg60, full_avg300], full_total_ns) = line(b"full ").unwrap_or_default();
    Some(Pressure {
        some_avg10,
        some_avg60,
        some_avg300,
        some_total_ns,
        full_avg10,
        full_avg60,
        full_avg300,
        full_total_ns,
    })
}

fn percent(text: &[u8]) -> f64 {
    let value = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    value.filter(|value: &f64| value.is_finite()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lines_are_read() {
        let text = b"some avg10=1.50 avg60=0.25 avg300=0.00 total=12\nfull avg10=0.50 avg60=inf avg300=x total=7\n";
        let pressure = parse(text).expect("well-formed");
        assert_eq!((pressure.some_avg10, pressure.some_avg60, pressure.some_total_ns), (1.5, 0.25, 12_000));
        assert_eq!((pressure.full_avg10, pressure.full_avg60, pressure.full_total_ns), (0.5, 0.0, 7000));
        assert_eq!(parse(b"some avg10=1.50"), None);
        assert_eq!(parse(b""), None);
    }
}
