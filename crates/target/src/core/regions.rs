//! The mappings of the process, out of the segments of the core and its list of files.

use memsight_model::{Address, Region};

use super::headers::{Headers, Segment};
use super::notes::MappedFile;

const PF_X: u32 = 1;
pub(super) const PF_W: u32 = 2;
pub(super) const PF_R: u32 = 4;

/// How the paths of memory that is shared between processes start.
const SHARED: [&str; 4] = ["/dev/zero", "/SYSV", "/memfd:", "/dev/shm/"];

/// All mappings, ascending. gcore writes no segments for what it does not dump: such mappings are known by their files
/// alone, and taken for readable.
pub(super) fn of(headers: &Headers) -> Vec<Region> {
    let (segments, files) = (&headers.segments, &headers.notes.files);
    let mut borders: Vec<u64> = segments.iter().flat_map(|segment| [segment.start, segment.end()]).collect();
    borders.extend(files.iter().flat_map(|file| [file.start, file.end]));
    borders.sort_unstable();
    borders.dedup();
    let between = |pair: &[u64]| {
        let (start, end) = (*pair.first()?, *pair.last()?);
        region(start, end, headers.segment(start), headers.mapped_file(start), headers.notes.vdso)
    };
    let mut regions: Vec<Region> = borders.windows(2).filter_map(between).collect();
    name_heap(&mut regions);
    name_stack(&mut regions, headers.notes.random);
    regions
}

/// Names the memory that `brk` grows as `/proc/PID/maps` does: a core does not. It begins behind the program, which lies
/// lowest, and what continues its data (`load_elf_binary` in `fs/binfmt_elf.c`). Whoever walks it verifies that.
fn name_heap(regions: &mut [Region]) {
    let Some(program) = regions.iter().find(|region| !region.path.is_empty()).map(|region| region.path.clone()) else {
        return;
    };
    let Some(last) = regions.iter().rposition(|region| region.path == program) else { return };
    let mut end = regions[last].end;
    for region in regions.iter_mut().skip(last + 1) {
        if !region.path.is_empty() || !region.write {
            return;
        }
        if region.start != end {
            region.path = "[heap]".to_owned();
            return;
        }
        end = region.end;
    }
}

/// Names the main thread's stack, in which `random` lies, as `/proc/PID/maps` does.
fn name_stack(regions: &mut [Region], random: u64) {
    let holds = |region: &&mut Region| region.contains(Address(random)) && region.write && region.path.is_empty();
    if let Some(stack) = regions.iter_mut().find(holds) {
        stack.path = "[stack]".to_owned();
    }
}

fn region(start: u64, end: u64, segment: Option<&Segment>, file: Option<&MappedFile>, vdso: u64) -> Option<Region> {
    let flags = match (segment, file) {
        (Some(segment), _) => segment.flags,
        (None, Some(_)) => PF_R,
        (None, None) => return None,
    };
    let path = match file {
        Some(file) => file.path.clone(),
        None if vdso != 0 && start == vdso => "[vdso]".to_owned(),
        None => String::new(),
    };
    Some(Region {
        start: Address(start),
        end: Address(end),
        read: flags & PF_R != 0,
        write: flags & PF_W != 0,
        execute: flags & PF_X != 0,
        shared: SHARED.iter().any(|kind| path.starts_with(kind)),
        offset: file.map_or(0, |file| file.offset.saturating_add(start - file.start)),
        inode: file.is_some().into(),
        path,
    })
}
