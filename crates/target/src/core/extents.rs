//! Which bytes of which file an address is: the core's, or those of a file that the process had mapped.

use std::ops::Range;

use memsight_model::Region;

use super::directory::block_of;
use super::files::Mapped;
use super::headers::{Headers, Segment};

/// Blocks of 1 MiB that files are taken for at most: 64 GiB of code.
const MOST_FILE_BLOCKS: usize = 1 << 16;

/// Whose bytes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Core,
    /// The file of this number in [`Mapped`].
    File(usize),
}

/// A range of addresses with its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub start: u64,
    pub end: u64,
    /// Where its first byte is in the source.
    pub offset: u64,
    pub source: Source,
}

/// All ranges that have bytes.
#[derive(Debug)]
pub(super) struct Extents {
    /// Ascending, none overlaps another.
    list: Vec<Extent>,
    blocks: Vec<u64>,
    /// Bytes that the core holds, without its holes.
    pub dumped: u64,
}

impl Extents {
    /// What the core itself holds; `data` are the parts of the file that are not holes.
    pub fn of_core(headers: &Headers, data: &[Range<u64>]) -> Extents {
        let mut extents = Extents { list: Vec::new(), blocks: Vec::new(), dumped: 0 };
        for segment in headers.segments.iter().filter(|segment| segment.present > 0) {
            let (start, end) = (segment.start, segment.start + segment.present);
            extents.list.push(Extent { start, end, offset: segment.offset, source: Source::Core });
            for piece in pieces_of(segment, data) {
                extents.dumped += piece.end - piece.start;
                push_blocks(&mut extents.blocks, piece);
            }
        }
        extents
    }

    /// The same with the files that the process had mapped, where the core leaves their pages out. Pages that could be
    /// written are not taken from files: nobody knows what was written.
    pub fn with_files(mut self, regions: &[Region], mapped: &Mapped, headers: &Headers) -> Extents {
        let mut blocks = Vec::new();
        for region in regions.iter().filter(|region| region.inode != 0 && !region.write) {
            let Some((number, len)) = mapped.usable(&region.path) else { continue };
            let claimed = headers.segment(region.start.0).map_or(0, |segment| segment.start + segment.claimed);
            let start = claimed.max(region.start.0);
            let offset = region.offset.saturating_add(start - region.start.0);
            let end = region.end.0.min(start.saturating_add(len.saturating_sub(offset)));
            if start < end && blocks.len() < MOST_FILE_BLOCKS {
                self.list.push(Extent { start, end, offset, source: Source::File(number) });
                push_blocks(&mut blocks, start..end.min(start + ((MOST_FILE_BLOCKS as u64) << 20)));
            }
        }
        self.list.sort_unstable_by_key(|extent| extent.start);
        self.blocks.append(&mut blocks);
        self
    }

    /// The range that holds an address.
    pub fn find(&self, at: u64) -> Option<Extent> {
        let next = self.list.partition_point(|extent| extent.start <= at);
        self.list.get(next.checked_sub(1)?).filter(|extent| at < extent.end).copied()
    }

    /// The blocks of 1 MiB of memory that have bytes, ascending. What is not in them is zeros, or nothing.
    pub fn blocks(&self) -> Vec<u64> {
        let mut blocks = self.blocks.clone();
        blocks.sort_unstable();
        blocks.dedup();
        blocks
    }
}

/// The addresses of a segment whose bytes are no hole of the file.
fn pieces_of(segment: &Segment, data: &[Range<u64>]) -> impl Iterator<Item = Range<u64>> {
    let (offset, len, base) = (segment.offset, segment.present, segment.start);
    let first = data.partition_point(|piece| piece.end <= offset);
    let inside = data.get(first..).unwrap_or_default().iter().take_while(move |piece| piece.start < offset + len);
    inside.map(move |piece| {
        let (start, end) = (piece.start.max(offset) - offset, piece.end.min(offset + len) - offset);
        base + start..base + end
    })
}

fn push_blocks(blocks: &mut Vec<u64>, range: Range<u64>) {
    let known = blocks.last().copied();
    let all = block_of(range.start)..=block_of(range.end - 1);
    blocks.extend(all.filter(|block| Some(*block) != known));
}
