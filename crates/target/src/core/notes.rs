//! The notes of a core: who the process was, how it ended, and what it had mapped.
//!
//! Layouts: `struct elf_prstatus`, `struct elf_prpsinfo` (`include/linux/elfcore.h`) on x86-64, and `fill_files_note` in
//! `fs/binfmt_elf.c`.

use object::LittleEndian;
use object::elf::{FileHeader64, NT_AUXV, NT_FILE, NT_PRPSINFO, NT_PRSTATUS};
use object::read::elf::NoteIterator;

/// A piece of a file in the memory of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MappedFile {
    pub start: u64,
    pub end: u64,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// As the process saw it; ` (deleted)` follows the path of a removed file.
    pub path: String,
}

/// What the notes say; zero and empty for what they do not.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub pid: u32,
    pub command: String,
    pub signal: u32,
    pub threads: u32,
    /// `AT_PHDR`: an address inside of the mapped program.
    pub program: u64,
    /// `AT_SYSINFO_EHDR`: where the kernel's own library is mapped.
    pub vdso: u64,
    /// `AT_RANDOM`: 16 bytes that the kernel put into the main thread's stack (`create_elf_tables` in `fs/binfmt_elf.c`).
    pub random: u64,
    /// Ascending, none overlaps another.
    pub files: Vec<MappedFile>,
}

const AT_PHDR: u64 = 3;
const AT_RANDOM: u64 = 25;
const AT_SYSINFO_EHDR: u64 = 33;
/// The longest path that Linux has.
const LONGEST_PATH: usize = 4096;

impl Notes {
    /// Takes what is known of the notes of one segment; those that cannot be read end it.
    pub fn read(&mut self, notes: NoteIterator<'_, FileHeader64<LittleEndian>>) {
        for note in notes.map_while(Result::ok).filter(|note| note.name() == b"CORE") {
            let desc = note.desc();
            match note.n_type(LittleEndian) {
                NT_PRSTATUS => self.take_status(desc),
                NT_PRPSINFO => self.take_process(desc),
                NT_AUXV => self.take_auxiliary(desc),
                NT_FILE => self.files = files(desc).unwrap_or_default(),
                _ => {}
            }
        }
    }

    /// The first thread of a core is the one that ended the process.
    fn take_status(&mut self, desc: &[u8]) {
        if self.threads == 0 {
            self.signal = desc.get(12..14).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]).into());
            let thread = u32_at(desc, 32).unwrap_or(0);
            self.pid = if self.pid == 0 { thread } else { self.pid };
        }
        self.threads = self.threads.saturating_add(1);
    }

    fn take_process(&mut self, desc: &[u8]) {
        self.pid = u32_at(desc, 24).filter(|pid| *pid != 0).unwrap_or(self.pid);
        let text = |range| desc.get(range).map(text_of).filter(|text: &String| !text.is_empty());
        self.command = text(56..136).or_else(|| text(40..56)).unwrap_or_default();
    }

    fn take_auxiliary(&mut self, desc: &[u8]) {
        for entry in desc.chunks_exact(16) {
            match (u64_at(entry, 0), u64_at(entry, 8)) {
                (Some(AT_PHDR), Some(value)) => self.program = value,
                (Some(AT_RANDOM), Some(value)) => self.random = value,
                (Some(AT_SYSINFO_EHDR), Some(value)) => self.vdso = value,
                _ => {}
            }
        }
    }
}

/// `NT_FILE`: count, unit of the offsets, (start, end, offset) each, then the paths.
fn files(desc: &[u8]) -> Option<Vec<MappedFile>> {
    let (count, unit) = (usize::try_from(u64_at(desc, 0)?).ok()?, u64_at(desc, 8)?);
    let table = desc.get(16..)?;
    let paths = table.get(count.checked_mul(24)?..)?;
    let mut paths = paths.split(|&byte| byte == 0);
    let mut found = Vec::new();
    for entry in table.chunks_exact(24).take(count) {
        let path = paths.next()?;
        let (start, end, offset) = (u64_at(entry, 0)?, u64_at(entry, 8)?, u64_at(entry, 16)?.checked_mul(unit));
        if let Some(offset) = offset.filter(|_| start < end && path.len() <= LONGEST_PATH) {
            found.push(MappedFile { start, end, offset, path: plain(path) });
        }
    }
    found.sort_by_key(|file| file.start);
    let mut last = 0;
    found.retain(|file| {
        let apart = file.start >= last;
        last = last.max(file.end);
        apart
    });
    Some(found)
}

/// A field of text: up to its first zero, without the blanks behind.
fn text_of(bytes: &[u8]) -> String {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    plain(bytes).trim_end().to_owned()
}

/// As the process had it: a file is opened by its name, and who shows a name escapes it.
fn plain(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
