//! The headers of a core: which memory it holds, where in the file, and its notes.

use std::fs::File;

use object::elf::{EM_X86_64, ET_CORE, FileHeader64, PT_LOAD, PT_NOTE};
use object::read::elf::{FileHeader, NoteIterator, ProgramHeader};
use object::{LittleEndian, ReadCache};

use super::error::{CoreCause, packed_by};
use super::notes::{MappedFile, Notes};
use super::{PAGE, disk};

/// More mappings than a process can have (`vm.max_map_count` is 65,530 unless somebody raised it).
const MOST_SEGMENTS: u32 = 1 << 20;
/// More notes than a core has: some 2 KiB a thread and 100 bytes a mapped file.
const MOST_NOTES: u64 = 256 << 20;

/// A mapping of the process, and its bytes in the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// First address.
    pub start: u64,
    /// Length in memory.
    pub memory: u64,
    /// Where its bytes start in the file.
    pub offset: u64,
    /// Bytes that were to be written.
    pub claimed: u64,
    /// Bytes that were: fewer when the core is cut off.
    pub present: u64,
    /// `PF_R`, `PF_W`, `PF_X`.
    pub flags: u32,
}

impl Segment {
    /// One past the last address. It was checked to be one.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.memory)
    }
}

/// What the headers of a core say.
#[derive(Debug)]
pub(super) struct Headers {
    /// Ascending, none overlaps another.
    pub segments: Vec<Segment>,
    pub notes: Notes,
}

impl Headers {
    /// Reads and checks the headers of a file of `len` bytes.
    pub fn read(file: &File, len: u64) -> Result<Headers, CoreCause> {
        check_kind(file, len)?;
        let cut = CoreCause::CutInHeaders { bytes: len };
        let data = ReadCache::new(file);
        let damaged = |_| CoreCause::Damaged { what: "its table of segments cannot be read" };
        let endian = LittleEndian;
        let header = FileHeader64::<LittleEndian>::parse(&data).map_err(|_| CoreCause::CutInHeaders { bytes: len })?;
        // The number of segments above 65,534 is in a table of sections, which gdb writes last.
        let count = header.phnum(endian, &data).map_err(damaged)?;
        if count > MOST_SEGMENTS {
            return Err(CoreCause::Damaged { what: "it claims more than a million segments" });
        }
        let table = header.e_phoff.get(endian).checked_add(u64::from(count) * 56);
        if table.is_none_or(|end| end > len) {
            return Err(cut);
        }
        let mut headers = Headers { segments: Vec::new(), notes: Notes::default() };
        let mut notes_left = MOST_NOTES;
        for entry in header.program_headers(endian, &data).map_err(damaged)? {
            let (offset, filesz) = (entry.p_offset.get(endian), entry.p_filesz.get(endian));
            match entry.p_type(endian) {
                PT_LOAD => headers.segments.extend(Segment::of(entry, len)?),
                PT_NOTE if offset.checked_add(filesz).is_some_and(|end| end <= len) && filesz <= notes_left => {
                    notes_left -= filesz;
                    // Whatever a segment says of its alignment: in cores it is 4.
                    let notes = entry.data(endian, &data).map(|bytes| NoteIterator::new(endian, 4, bytes));
                    if let Ok(Ok(notes)) = notes {
                        headers.notes.read(notes);
                    }
                }
                _ => {}
            }
        }
        headers.check(len)?;
        Ok(headers)
    }

    /// The segment that holds an address.
    pub fn segment(&self, at: u64) -> Option<&Segment> {
        let next = self.segments.partition_point(|segment| segment.start <= at);
        self.segments.get(next.checked_sub(1)?).filter(|segment| at < segment.end())
    }

    /// The file that is mapped at an address.
    pub fn mapped_file(&self, at: u64) -> Option<&MappedFile> {
        let next = self.notes.files.partition_point(|file| file.start <= at);
        self.notes.files.get(next.checked_sub(1)?).filter(|file| at < file.end)
    }

    /// Segments that overlap, in memory or by more bytes than the file has, are of no process.
    fn check(&mut self, len: u64) -> Result<(), CoreCause> {
        self.segments.sort_by_key(|segment| segment.start);
        if self.segments.is_empty() {
            return Err(CoreCause::Damaged { what: "it holds no memory" });
        }
        if self.segments.windows(2).any(|pair| pair[0].end() > pair[1].start) {
            return Err(CoreCause::Damaged { what: "its segments overlap" });
        }
        let present = self.segments.iter().fold(0u64, |sum, segment| sum.saturating_add(segment.present));
        match present > len {
            true => Err(CoreCause::Damaged { what: "its segments hold more bytes than the file" }),
            false => Ok(()),
        }
    }
}

impl Segment {
    fn of(entry: &object::elf::ProgramHeader64<LittleEndian>, len: u64) -> Result<Option<Segment>, CoreCause> {
        let endian = LittleEndian;
        let (start, memory) = (entry.p_vaddr.get(endian), entry.p_memsz.get(endian));
        let (offset, claimed) = (entry.p_offset.get(endian), entry.p_filesz.get(endian));
        if !start.is_multiple_of(PAGE) || start.checked_add(memory).is_none() || claimed > memory {
            return Err(CoreCause::Damaged { what: "a segment has no possible place in memory" });
        }
        let mut present = claimed.min(len.saturating_sub(offset));
        if present < claimed {
            // A page that was cut is lost whole.
            present -= present % PAGE;
        }
        let flags = entry.p_flags(endian).0;
        Ok((memory > 0).then_some(Segment { start, memory, offset, claimed, present, flags }))
    }
}

/// Refuses what is no core of x86-64, by the first bytes of the file.
fn check_kind(file: &File, len: u64) -> Result<(), CoreCause> {
    // What a full disk leaves, or a limit of nothing.
    if len == 0 {
        return Err(CoreCause::CutInHeaders { bytes: 0 });
    }
    let mut ident = [0; 20];
    let start = disk::start(file, ident.len()).map_err(|source| CoreCause::Io { source })?;
    if let Some(by) = packed_by(&start) {
        return Err(CoreCause::Packed { by });
    }
    ident.iter_mut().zip(&start).for_each(|(place, byte)| *place = *byte);
    let [0x7f, b'E', b'L', b'F', class, order, .., kind, kind_high, machine, machine_high] = ident else {
        return Err(CoreCause::NotElf);
    };
    if start.len() < ident.len() {
        return Err(CoreCause::CutInHeaders { bytes: len });
    }
    let number = |low, high| if order == 2 { u16::from_be_bytes([low, high]) } else { u16::from_le_bytes([low, high]) };
    let machine = number(machine, machine_high);
    if number(kind, kind_high) != ET_CORE.0 {
        return Err(CoreCause::NotACore);
    }
    // x32 is x86-64 with pointers of 32 bits.
    match (class, order, machine) {
        (2, 1, _) if machine == EM_X86_64.0 => Ok(()),
        (1, 1, 3) => Err(CoreCause::Bits32),
        (1, 1, _) if machine == EM_X86_64.0 => Err(CoreCause::Bits32),
        _ => Err(CoreCause::Architecture { name: architecture(machine) }),
    }
}

fn architecture(machine: u16) -> String {
    match machine {
        8 => "MIPS",
        20 => "PowerPC",
        21 => "PowerPC 64",
        22 => "S/390",
        40 => "ARM",
        183 => "AArch64",
        243 => "RISC-V",
        258 => "LoongArch",
        other => return format!("number {other} of elf.h"),
    }
    .to_owned()
}
