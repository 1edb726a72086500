//! The plainest possible reader of a blocked process, so that the decoder can be tested without the `target` crate.

use std::fs::File;
use std::os::unix::fs::FileExt;

use memsight_model::{Address, Fault, ReadMemory, Region};

use crate::TestkitError;

/// `/proc/PID/mem`, read with one system call a read.
pub struct ProcMemory(File);

impl ProcMemory {
    /// Opens the memory of `pid`.
    pub fn open(pid: u32) -> Result<ProcMemory, TestkitError> {
        let path = std::path::PathBuf::from(format!("/proc/{pid}/mem"));
        match File::open(&path) {
            Ok(file) => Ok(ProcMemory(file)),
            Err(source) => Err(TestkitError::Read { path, source }),
        }
    }
}

impl ReadMemory for ProcMemory {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        self.0.read_exact_at(out, at.0).map_err(|_| Fault { at, len: out.len() })
    }

    fn words(&self, at: Address, count: usize, out: &mut Vec<u64>) -> Result<(), Fault> {
        let mut bytes = vec![0; count * 8];
        self.read(at, &mut bytes)?;
        out.extend(bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default())));
        Ok(())
    }
}

/// The mappings of `pid`.
pub fn regions(pid: u32) -> Result<Vec<Region>, TestkitError> {
    let path = std::path::PathBuf::from(format!("/proc/{pid}/maps"));
    let text = std::fs::read_to_string(&path).map_err(|source| TestkitError::Read { path, source })?;
    Ok(text.lines().filter_map(region).collect())
}

/// The file mapped at `region`.
pub fn mapped_file(region: &Region) -> Option<Vec<u8>> {
    (region.inode != 0).then(|| std::fs::read(&region.path).ok()).flatten()
}

pub(crate) fn region(line: &str) -> Option<Region> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let flags = fields.next()?.as_bytes();
    let offset = u64::from_str_radix(fields.next()?, 16).ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some(Region {
        start: Address(u64::from_str_radix(start, 16).ok()?),
        end: Address(u64::from_str_radix(end, 16).ok()?),
        read: flags.first() == Some(&b'r'),
        write: flags.get(1) == Some(&b'w'),
        execute: flags.get(2) == Some(&b'x'),
        shared: flags.get(3) == Some(&b's'),
        offset,
        inode,
        path: fields.next().unwrap_or_default().trim_start().to_owned(),
    })
}
