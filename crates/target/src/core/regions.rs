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
    borders.windows(2).filter_map(between).collect()
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
