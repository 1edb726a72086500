//! The C library's allocator seen from outside: what `malloc` has handed out, what it keeps, where.
//!
//! glibc's arenas are found through its own data and walked chunk by chunk ([`glibc`]); the others are told by the name
//! of their library and left whole. Everything comes through [`ReadMemory`]; nothing that is read is believed before
//! it fits its neighbours.
//!
//! Source: glibc's `malloc/malloc.c` and `malloc/arena.c`, 2.26 to 2.43.

mod cache;
mod glibc;
mod mapped;
mod ring;
mod walk;

use memsight_model::{CAllocator, CHeap, ReadMemory, Region, Residence};

/// Libraries that take the place of the C library's `malloc`, by a part of their file's name.
const OTHERS: [(&str, CAllocator); 3] = [
    ("libjemalloc", CAllocator::Jemalloc),
    ("libtcmalloc", CAllocator::Tcmalloc),
    ("libmimalloc", CAllocator::Mimalloc),
];

/// The allocator behind `malloc` in a process with these mappings (ascending), and what it holds. Cost: for glibc about
/// 20 ns a block, for others nothing.
pub fn c_heap(memory: &impl ReadMemory, regions: &[Region], residence: &Residence) -> CHeap {
    match allocator(regions) {
        CAllocator::Glibc => glibc::walk(memory, regions, residence),
        allocator => CHeap { allocator, ..CHeap::default() },
    }
}

fn allocator(regions: &[Region]) -> CAllocator {
    let names = || regions.iter().filter(|region| region.path.starts_with('/')).map(|region| file_name(&region.path));
    let preloaded = OTHERS.into_iter().find(|(part, _)| names().any(|name| name.starts_with(part)));
    match preloaded {
        Some((_, allocator)) => allocator,
        None if names().any(is_glibc) => CAllocator::Glibc,
        None if names().any(|name| name.contains("musl")) => CAllocator::Musl,
        None => CAllocator::Unknown,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `libc.so.6`, or `libc-2.31.so` as files were called before 2.34.
fn is_glibc(name: &str) -> bool {
    name == "libc.so.6" || name.starts_with("libc.so.6 ") || (name.starts_with("libc-2.") && name.contains(".so"))
}

/// Whether a mapping may hold blocks of `malloc`: private, of no file, written.
fn is_anonymous(region: &Region) -> bool {
    let named = region.path.starts_with('/') || (region.path.starts_with('[') && !region.path.starts_with("[anon"));
    region.read && region.write && !region.shared && region.inode == 0 && !named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocators_are_told_by_their_library() {
        let of = |paths: &[&str]| {
            let region = |path: &&str| Region { path: (*path).to_owned(), ..Region::default() };
            allocator(&paths.iter().map(region).collect::<Vec<_>>())
        };
        assert_eq!(of(&["[heap]", "/usr/lib/x86_64-linux-gnu/libc.so.6"]), CAllocator::Glibc);
        assert_eq!(of(&["/lib/libc-2.31.so"]), CAllocator::Glibc);
        assert_eq!(of(&["/lib/libc.so.6 (deleted)", "/usr/lib/libjemalloc.so.2"]), CAllocator::Jemalloc);
        assert_eq!(of(&["/usr/lib/libtcmalloc_minimal.so.4"]), CAllocator::Tcmalloc);
        assert_eq!(of(&["/lib/ld-musl-x86_64.so.1"]), CAllocator::Musl);
        assert_eq!(of(&["/tmp/libc.so.66", "[stack]"]), CAllocator::Unknown);
    }
}
