//! Sizes as people write them: `512MiB`, `1.5GiB`, `32G`; a bare number is bytes.

use super::time::number_and_unit;

/// Reads a size, in bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = number_and_unit(text);
    let power = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(format!("{unit:?} is no unit of memory; write 512MiB or 32GiB")),
    };
    let number: f64 = number.parse().map_err(|_| "write a size such as 512MiB or 32GiB".to_owned())?;
    let bytes = number * f64::from(power).exp2();
    // (every size below is exact)
    if bytes < (1u64 << 60) as f64 { Ok(bytes as u64) } else { Err("it is too large".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_people_write_them() {
        let sizes = [
            ("0", 0),
            ("4096", 4096),
            ("512MiB", 512 << 20),
            ("1.5 GiB", 3 << 29),
            ("32g", 32 << 30),
            ("2TB", 2 << 40),
        ];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "GiB", "-1", "1 parsec", "1.2.3M", "9999999T", "NaN"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
