//! Short texts and files that need no memory of the heap: for a process that was forked off one with many threads,
//! where another thread may have held the lock of the allocator for ever.

use std::ffi::CStr;
use std::fmt::{self, Write};

/// The longest text: `/proc/4194304/task/4194304/status` and the like.
const ROOM: usize = 64;

/// A text on the stack. What does not fit makes the whole empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short {
    bytes: [u8; ROOM],
    len: usize,
}

impl Short {
    /// `format_args!` as a short text.
    pub fn new(text: fmt::Arguments<'_>) -> Short {
        let mut short = Short { bytes: [0; ROOM], len: 0 };
        if short.write_fmt(text).is_err() {
            short.len = 0;
        }
        short
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.bytes.get(..self.len).unwrap_or_default()).unwrap_or_default()
    }

    /// The same with a zero at its end.
    pub fn as_c(&self) -> &CStr {
        self.bytes.get(..=self.len).and_then(|bytes| CStr::from_bytes_with_nul(bytes).ok()).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // one byte is left for the zero
        let end = self.len.checked_add(text.len()).filter(|&end| end < ROOM).ok_or(fmt::Error)?;
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_empty() {
        let short = Short::new(format_args!("{}/stat", u32::MAX));
        assert_eq!((short.as_str(), short.as_c()), ("4294967295/stat", c"4294967295/stat"));
        assert_eq!(Short::new(format_args!("{:63}", 1)).as_str().len(), 63);
        assert_eq!(Short::new(format_args!("{:64}", 1)).as_c(), c"");
    }
}
