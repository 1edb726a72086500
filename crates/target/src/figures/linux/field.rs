//! Words and numbers of the text files of `/proc`: bytes that are not as expected give `None`, never a panic.

/// The words of a line.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// A decimal number without a sign; `None` too when it does not fit.
pub(super) fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |sum, byte| match byte {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// Lines of the shape `Key:   value`, as key and what follows the colon; others are left out.
pub(super) fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&byte| byte == b'\n').filter_map(pair)
}

/// One such line.
pub(super) fn pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    Some((line.get(..colon)?, line.get(colon + 1..)?))
}

/// What follows the colon when that is a number of kilobytes (1024 each), in bytes.
pub(super) fn kilobytes(value: &[u8]) -> Option<u64> {
    words(value).next().and_then(number).map(|kilobytes| kilobytes.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for wrong in [&b""[..], b"-1", b"18446744073709551616", b"1x", b"\xff"] {
            assert_eq!(number(wrong), None, "{wrong:?}");
        }
        assert_eq!(kilobytes(b"   7 kB"), Some(7168));
        assert_eq!(kilobytes(b" 18446744073709551615 kB"), Some(u64::MAX));
        assert_eq!(kilobytes(b" "), None);
    }
}
