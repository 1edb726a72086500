//! An ELF file of a process or of the disk, of which nothing is trusted.

use std::ops::Range;

use object::elf::{ELF_NOTE_GNU, FileHeader64, NT_GNU_BUILD_ID, PF_X, PT_GNU_EH_FRAME, PT_LOAD, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSymbol, SymbolKind};

/// A file of 64 bits, little-endian.
#[derive(Clone, Copy)]
pub(crate) struct Image<'d> {
    data: &'d [u8],
    headers: &'d [ProgramHeader64<LittleEndian>],
}

impl<'d> Image<'d> {
    /// `None` where it is none.
    pub(crate) fn parse(data: &'d [u8]) -> Option<Image<'d>> {
        let header = FileHeader64::<LittleEndian>::parse(data).ok()?;
        Some(Image { data, headers: header.program_headers(LittleEndian, data).ok()? })
    }

    /// What its linker has named it by; empty where there is nothing.
    pub(crate) fn build_id(&self) -> Vec<u8> {
        for header in self.headers {
            let Ok(Some(mut notes)) = header.notes(LittleEndian, self.data) else { continue };
            while let Ok(Some(note)) = notes.next() {
                if note.name() == ELF_NOTE_GNU && note.n_type(LittleEndian) == NT_GNU_BUILD_ID {
                    return note.desc().to_vec();
                }
            }
        }
        Vec::new()
    }

    fn loaded(&self) -> impl Iterator<Item = Loaded> {
        let loads = self.headers.iter().filter(|header| header.p_type(LittleEndian) == PT_LOAD);
        loads.map(|header| Loaded {
            offset: header.p_offset(LittleEndian),
            address: header.p_vaddr(LittleEndian),
            bytes: header.p_filesz(LittleEndian),
            is_code: header.p_flags(LittleEndian).contains(PF_X),
        })
    }

    /// What is to be added to addresses of the file for those of a process that has its code mapped from `offset` on at `start`.
    pub(crate) fn bias(&self, start: u64, offset: u64) -> Option<u64> {
        // (mappings begin with the page)
        let segment = self.loaded().find(|segment| {
            segment.is_code && (segment.offset & !0xfff..segment.offset.saturating_add(segment.bytes)).contains(&offset)
        })?;
        Some(start.wrapping_sub(offset).wrapping_sub(segment.address.wrapping_sub(segment.offset)))
    }

    /// The bytes from an address on to the end of the segment that it is in.
    pub(crate) fn from(&self, address: u64) -> Option<&'d [u8]> {
        let segment = self.loaded().find(|segment| address.wrapping_sub(segment.address) < segment.bytes)?;
        let start = segment.offset.checked_add(address.checked_sub(segment.address)?)?;
        let end = segment.offset.checked_add(segment.bytes)?.min(self.data.len() as u64);
        self.data.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// Where the index of its unwind tables is (`.eh_frame_hdr`).
    pub(crate) fn unwind_index(&self) -> Option<u64> {
        let header = self.headers.iter().find(|header| header.p_type(LittleEndian) == PT_GNU_EH_FRAME)?;
        Some(header.p_vaddr(LittleEndian))
    }

    /// Its functions, by address: those that it names, be it for others or for debuggers. Cost: a sort.
    pub(crate) fn functions(&self) -> Vec<(Range<u64>, &'d str)> {
        let Ok(file) = object::File::parse(self.data) else { return Vec::new() };
        let all = file.symbols().chain(file.dynamic_symbols());
        let functions = all.filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition());
        let mut functions: Vec<_> = functions
            .filter_map(|symbol| {
                let end = symbol.address().checked_add(symbol.size().max(1))?;
                Some((symbol.address()..end, symbol.name().ok()?))
            })
            .collect();
        functions.sort_by_key(|(range, _)| (range.start, range.end));
        functions
    }
}

/// A segment.
struct Loaded {
    offset: u64,
    address: u64,
    bytes: u64,
    is_code: bool,
}
