//! What stands in the way of reading a core file.

use std::io;
use std::path::Path;

use super::disk;

/// Why a file cannot be read as a core.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreCause {
    /// No ELF file, and nothing that an ELF file was packed into.
    #[error("it is no ELF file")]
    NotElf,
    /// A program or library.
    #[error("it is an ELF file, but a program, library or object file, not a core")]
    NotACore,
    /// Packed, as systemd-coredump and many `core_pattern` scripts do.
    #[error("it is packed with {by}")]
    Packed {
        /// The program that unpacks it.
        by: &'static str,
    },
    /// Of a process of 32 bits.
    #[error("it is of a process of 32 bits; memsight reads x86-64")]
    Bits32,
    /// Of another processor.
    #[error("it is of another architecture ({name}); memsight reads x86-64")]
    Architecture {
        /// Its name, or the number that elf(5) lists.
        name: String,
    },
    /// It ends before anything of use.
    #[error("it is cut off within its headers, {bytes} bytes in")]
    CutInHeaders {
        /// Its length.
        bytes: u64,
    },
    /// Its headers contradict themselves.
    #[error("it is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
    /// The operating system does not let us read it.
    #[error("{source}")]
    Io {
        /// Its reason.
        source: io::Error,
    },
}

impl CoreCause {
    /// What helps with the core at `path`.
    pub(crate) fn hint(&self, path: &Path) -> String {
        let file = path.display();
        match self {
            CoreCause::NotElf => "Give a process id, a core file, or the folder of a snapshot.".to_owned(),
            CoreCause::NotACore => "A program goes with its core: memsight heap core.1234 --exe PROGRAM".to_owned(),
            CoreCause::Packed { by } => {
                let plain = path.with_extension("");
                format!("Unpack it: {by} -dc {file} > {}   (of systemd: coredumpctl dump PID -o FILE)", plain.display())
            }
            CoreCause::Bits32 | CoreCause::Architecture { .. } => {
                "Take a snapshot where it runs; snapshots are the same everywhere.".to_owned()
            }
            CoreCause::CutInHeaders { .. } => {
                "Its disk was full or its size limited (`ulimit -c`, ProcessSizeMax): see docs/guides/core-files.md."
                    .to_owned()
            }
            CoreCause::Damaged { .. } => "Copy it again from where it was written.".to_owned(),
            CoreCause::Io { .. } => "Cores belong to the user of the process: try as that user or as root.".to_owned(),
        }
    }
}

/// The beginnings of packed files.
const PACKED: [(&[u8], &str); 5] = [
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4"),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
    (&[0x1f, 0x8b], "gzip"),
    (b"BZh", "bzip2"),
];

/// With what a file that starts like this was packed.
pub(super) fn packed_by(start: &[u8]) -> Option<&'static str> {
    PACKED.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, by)| *by)
}

/// Whether the file at `path` is an ELF file, or one that may be packed inside: something for [`super::Core::open`] to
/// read or to refuse with a reason. Cost: one small read.
pub fn is_core(path: &Path) -> bool {
    let start = disk::open(path).and_then(|file| disk::start(&file, 6)).unwrap_or_default();
    start.starts_with(b"\x7fELF") || packed_by(&start).is_some()
}
