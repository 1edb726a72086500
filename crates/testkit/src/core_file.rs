//! A core file of a blocked process, written as the kernel writes it (`fs/binfmt_elf.c`), with what can go wrong.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use memsight_model::{ReadMemory, Region};

use crate::live::region;
use crate::{ProcMemory, TestkitError};

const PAGE: u64 = 4096;
const HEADER: u64 = 64;
const SEGMENT: u64 = 56;

/// How to write a core.
#[derive(Debug, Clone, Copy)]
pub struct CoreOptions {
    /// The pages of files, too: `coredump_filter` with bit 2 and all that gcore can be told to write.
    pub file_pages: bool,
    /// The first page of every ELF file, bit 4 of `coredump_filter`.
    pub file_headers: bool,
    /// The number of segments where it is when there are more than 65,534 (`PN_XNUM`).
    pub extended_count: bool,
    /// How much of the file is kept.
    pub percent: u64,
}

impl Default for CoreOptions {
    /// What the kernel does unless it is told otherwise: filter 0x33, the whole file.
    fn default() -> Self {
        CoreOptions { file_pages: false, file_headers: true, extended_count: false, percent: 100 }
    }
}

/// A mapping, and how many of its bytes go into the core.
struct Segment {
    region: Region,
    dumped: u64,
}

/// Writes the core of `pid`, which stands still because it is blocked, to `path`. Sparse where memory is all zeros.
pub fn write_core(pid: u32, path: &Path, options: &CoreOptions) -> Result<(), TestkitError> {
    let failed = |source| TestkitError::Write { path: path.to_owned(), source };
    let memory = ProcMemory::open(pid)?;
    let segments = segments(pid, &memory, options)?;
    let notes = notes(pid, &segments)?;
    let count = segments.len() as u64 + 1;
    let sections = HEADER + count * SEGMENT;
    let notes_at = sections + if options.extended_count { HEADER } else { 0 };
    let data_at = (notes_at + notes.len() as u64).next_multiple_of(PAGE);
    let mut start = elf_header(count, sections, options.extended_count);
    start.extend(program_header(4, 0, notes_at, 0, [notes.len() as u64, 0, 4]));
    let mut offset = data_at;
    for Segment { region, dumped } in &segments {
        let flags = u32::from(region.read) * 4 + u32::from(region.write) * 2 + u32::from(region.execute);
        start.extend(program_header(1, flags, offset, region.start.0, [*dumped, region.len(), PAGE]));
        offset += dumped;
    }
    if options.extended_count {
        // Section 0: sh_info, at 44, has the number.
        let mut section = [0; HEADER as usize];
        section[44..48].copy_from_slice(&(count as u32).to_le_bytes());
        start.extend(section);
    }
    start.extend(notes);
    let file = File::create(path).map_err(failed)?;
    file.write_all_at(&start, 0).map_err(failed)?;
    write_memory(&memory, &segments, &file, data_at).map_err(failed)?;
    file.set_len(offset * options.percent / 100).map_err(failed)
}

fn write_memory(memory: &ProcMemory, segments: &[Segment], file: &File, mut offset: u64) -> std::io::Result<()> {
    let mut page = [0; PAGE as usize];
    for Segment { region, dumped } in segments {
        for at in (0..*dumped).step_by(PAGE as usize) {
            let there = region.start.checked_add(at).is_some_and(|from| memory.read(from, &mut page).is_ok());
            if there && page.iter().any(|&byte| byte != 0) {
                file.write_all_at(&page, offset + at)?;
            }
        }
        offset += dumped;
    }
    Ok(())
}

/// `vma_dump_size` of the kernel, for every mapping but those of the kernel itself.
fn segments(pid: u32, memory: &ProcMemory, options: &CoreOptions) -> Result<Vec<Segment>, TestkitError> {
    let path = PathBuf::from(format!("/proc/{pid}/smaps"));
    let text = std::fs::read_to_string(&path).map_err(|source| TestkitError::Read { path, source })?;
    let mut segments: Vec<Segment> = Vec::new();
    for line in text.lines() {
        if let Some(touched) = line.strip_prefix("Anonymous:") {
            let whole = !touched.trim().starts_with("0 ");
            if let Some(segment) = segments.last_mut().filter(|_| whole) {
                segment.dumped = segment.region.len();
            }
        } else if let Some(region) = region(line) {
            let mut magic = [0; 4];
            let is_elf = region.offset == 0 && memory.read(region.start, &mut magic).is_ok() && &magic == b"\x7fELF";
            let dumped = match region.inode != 0 {
                true if options.file_pages && region.read => region.len(),
                true if options.file_headers && is_elf => PAGE,
                _ => 0,
            };
            segments.push(Segment { dumped: if region.path == "[vdso]" { region.len() } else { dumped }, region });
        }
    }
    segments
        .retain(|segment| !segment.region.path.starts_with("[vsyscall") && !segment.region.path.starts_with("[vvar"));
    Ok(segments)
}

fn elf_header(count: u64, sections: u64, extended: bool) -> Vec<u8> {
    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let (number, section_size, section_count) =
        if extended { (0xffff, HEADER as u16, 1) } else { (count as u16, 0, 0) };
    header.extend([4u16, 62].iter().flat_map(|half| half.to_le_bytes()));
    header.extend(1u32.to_le_bytes());
    header.extend([0, HEADER, if extended { sections } else { 0 }].iter().flat_map(|word| word.to_le_bytes()));
    header.extend(0u32.to_le_bytes());
    let halves = [HEADER as u16, SEGMENT as u16, number, section_size, section_count, 0];
    header.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
    header
}

fn program_header(kind: u32, flags: u32, offset: u64, address: u64, sizes: [u64; 3]) -> Vec<u8> {
    let mut header = [kind.to_le_bytes(), flags.to_le_bytes()].concat();
    let words = [offset, address, 0, sizes[0], sizes[1], sizes[2]];
    header.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    header
}

fn notes(pid: u32, segments: &[Segment]) -> Result<Vec<u8>, TestkitError> {
    let read = |name: &str| {
        let path = PathBuf::from(format!("/proc/{pid}/{name}"));
        std::fs::read(&path).map_err(|source| TestkitError::Read { path, source })
    };
    let mut status = [0; 336];
    status[12] = 6; // SIGABRT
    status[32..36].copy_from_slice(&pid.to_le_bytes());
    let mut process = [0; 136];
    process[24..28].copy_from_slice(&pid.to_le_bytes());
    let words = read("cmdline")?;
    for (place, byte) in process[56..135].iter_mut().zip(words.iter()) {
        *place = if *byte == 0 { b' ' } else { *byte };
    }
    let mut notes = Vec::new();
    note(&mut notes, 1, &status);
    note(&mut notes, 3, &process);
    note(&mut notes, 6, &read("auxv")?);
    note(&mut notes, 0x4649_4c45, &mapped_files(segments));
    Ok(notes)
}

/// `NT_FILE`: how many, the unit of the offsets, start, end and offset of each, then the paths.
fn mapped_files(segments: &[Segment]) -> Vec<u8> {
    let files: Vec<&Region> = segments.iter().map(|each| &each.region).filter(|region| region.inode != 0).collect();
    let mut words = vec![files.len() as u64, PAGE];
    words.extend(files.iter().flat_map(|file| [file.start.0, file.end.0, file.offset / PAGE]));
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    files.iter().for_each(|file| bytes.extend(file.path.bytes().chain([0])));
    bytes
}

fn note(notes: &mut Vec<u8>, kind: u32, description: &[u8]) {
    notes.extend([5, description.len() as u32, kind].iter().flat_map(|word| word.to_le_bytes()));
    notes.extend(b"CORE\0\0\0\0");
    notes.extend(description);
    notes.resize(notes.len().next_multiple_of(4), 0);
}
