//! Allocators that take the place of the C library's.

use std::path::{Path, PathBuf};

/// The library of an allocator that `tools/get_allocators.sh` has unpacked, or why there is none: `libjemalloc`,
/// `libtcmalloc_minimal`, `libmimalloc`. They are in `MEMSIGHT_ALLOCATORS_DIR`, else in the repository's `.allocators`.
pub fn allocator(library: &str) -> Result<PathBuf, String> {
    let folder = std::env::var_os("MEMSIGHT_ALLOCATORS_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.allocators"), PathBuf::from);
    let path = folder.join("lib").join(format!("{library}.so"));
    path.canonicalize().map_err(|_| format!("no {} (tools/get_allocators.sh .allocators)", path.display()))
}
