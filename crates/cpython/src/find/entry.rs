//! What one must know to have a thread of the process call a function: where the loop of the interpreter is, where the C library,
//! and where functions are.

use std::ops::Range;

use memsight_model::{ReadMemory, Region};

use super::elf::Image;

/// Where things are in a process that is to be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `dlopen`.
    pub dlopen: u64,
    /// The loop of the interpreter (`_PyEval_EvalFrameDefault`, Python/ceval.c): code that is never within an allocator, the loader
    /// or a handler of a signal.
    pub running: Vec<Range<u64>>,
    /// All of the interpreter's own code, without that of extensions.
    pub image: Vec<Range<u64>>,
    /// The C library's code.
    pub waiting: Vec<Range<u64>>,
}

/// Finds it; `None` where the C library is not glibc, or the interpreter exports nothing. Cost: some thousand small reads.
pub fn entry<M: ReadMemory>(memory: &M, regions: &[Region]) -> Option<Entry> {
    let is_c = |path: &str| {
        let file = path.rsplit('/').next().unwrap_or(path);
        ["libc.so.6", "libc-2.", "libpthread.so.0", "libpthread-2."].iter().any(|name| file.starts_with(name))
    };
    let is_loader = |path: &str| is_c(path) || path.rsplit('/').next().is_some_and(|file| file.starts_with("libdl"));
    let dlopen =
        ["dlopen", "__libc_dlopen_mode"].iter().find_map(|name| function(memory, regions, &is_loader, name))?;
    let (mut running, mut image) = (Vec::new(), Vec::new());
    let code = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<Range<u64>> {
        let code = regions.iter().filter(|region| region.execute && is_wanted(&region.path));
        code.map(|region| region.start.0..region.end.0).collect()
    };
    for region in images(regions, &|path| path.contains("python")) {
        let at = Image::at(memory, region);
        if let Some(function) = at.and_then(|image| image.dynamic_function(memory, "_PyEval_EvalFrameDefault")) {
            running.push(function);
            image.extend(code(&|path| path == region.path));
        }
    }
    let waiting = code(&is_c);
    (!running.is_empty()).then_some(Entry { dlopen, running, image, waiting })
}

/// Where a function is that an image exports whose path `is_wanted`.
pub fn function<M: ReadMemory>(
    memory: &M,
    regions: &[Region],
    is_wanted: &dyn Fn(&str) -> bool,
    name: &str,
) -> Option<u64> {
    images(regions, is_wanted).find_map(|region| Some(Image::at(memory, region)?.dynamic_symbol(memory, name)?.0))
}

/// The first mapping of each such image.
fn images<'r>(regions: &'r [Region], is_wanted: &'r dyn Fn(&str) -> bool) -> impl Iterator<Item = &'r Region> {
    regions.iter().filter(move |region| region.offset == 0 && region.read && is_wanted(&region.path))
}
