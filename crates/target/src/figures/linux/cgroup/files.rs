//! The files of one control group.

use std::io;
use std::path::PathBuf;

use super::super::field::{number, words};
use crate::error::TargetError;

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Where its files are.
    pub directory: PathBuf,
    /// Its path below the mount.
    pub path: String,
}

impl Group {
    /// A file's text; empty when it cannot be read.
    pub fn text(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.directory.join(file)).unwrap_or_default()
    }

    /// A file that holds one number; `None` too for `max`.
    pub fn number(&self, file: &str) -> Option<u64> {
        words(&self.text(file)).next().and_then(number)
    }

    /// A file without which there is no sample.
    pub fn needed(&self, file: &'static str) -> Result<u64, TargetError> {
        let path = || self.path.clone();
        let text = std::fs::read(self.directory.join(file)).map_err(|source| match source.raw_os_error() {
            Some(libc::ENOENT | libc::ENODEV) => TargetError::NoGroup { path: path() },
            _ => TargetError::Group { path: path(), what: file, source },
        })?;
        words(&text).next().and_then(number).ok_or_else(|| {
            let source = io::Error::from(io::ErrorKind::InvalidData);
            TargetError::Group { path: path(), what: file, source }
        })
    }

    pub fn has(&self, file: &str) -> bool {
        self.directory.join(file).exists()
    }
}

/// The number of a line `name number`.
pub(super) fn entry(text: &[u8], name: &str) -> Option<u64> {
    text.split(|&byte| byte == b'\n').find_map(|line| {
        let mut words = words(line);
        (words.next()? == name.as_bytes()).then(|| words.next().and_then(number))?
    })
}

#[cfg(test)]
mod tests {
    use super::entry;

    #[test]
    fn entries_are_found_by_their_whole_name() {
        let text = b"inactive_file 9\nfile 7\nfile_mapped 3\nanon\nswap x\n";
        assert_eq!((entry(text, "file"), entry(text, "anon"), entry(text, "swap")), (Some(7), None, None));
        assert_eq!(entry(b"\xff \xff\n", "file"), None);
    }
}
