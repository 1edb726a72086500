//! Where things are in a process that a call in its name needs.

use memsight_model::Region;

use crate::error::TargetError;
use crate::live::LiveMemory;
use crate::process::Process;

use super::inject::{CALL, SIGRETURN};
use super::way::{Site, component_ends};

/// More of a library is not searched.
const MOST: usize = 4 << 20;

impl Site {
    /// Looks for it: in the dynamic linker first, which is small and has all of it, then in the C library and the others.
    /// Cost: 0.2 ms.
    pub fn find(process: &Process) -> Result<Option<Site>, TargetError> {
        let regions = process.maps()?;
        // one that ends loses its memory before it loses its id
        if regions.is_empty() {
            return Err(TargetError::TargetExited { pid: process.pid() });
        }
        let writable = regions.iter().filter(|region| region.read && region.write && !region.shared);
        let stacks = writable.map(|region| (region.start.0..region.end.0, region.path == "[stack]")).collect();
        let mut code: Vec<&Region> = regions.iter().filter(|r| r.read && r.execute && r.path != "[vsyscall]").collect();
        code.sort_by_key(|region| (!region.path.contains("/ld-"), !region.path.contains("libc")));
        let memory = process.memory();
        let (mut call, mut sigreturn) = (None, None);
        for region in code {
            let bytes = read(&memory, region);
            let find = |wanted: &[u8]| {
                let at = bytes.windows(wanted.len()).position(|window| window == wanted)?;
                region.start.checked_add(at as u64).map(|at| at.0)
            };
            call = call.or_else(|| find(&CALL));
            sigreturn = sigreturn.or_else(|| find(&SIGRETURN));
            if let (Some(call), Some(sigreturn)) = (call, sigreturn) {
                return Ok(Some(Site { call, sigreturn, stacks, ends: component_ends() }));
            }
        }
        Ok(None)
    }
}

/// All places that a handler of a signal may return to: each library has its own. Cost: some milliseconds.
pub(super) fn returns(process: &Process) -> Result<Vec<u64>, TargetError> {
    let regions = process.maps()?;
    let is_c = |path: &str| ["/ld-", "libc", "libpthread"].iter().any(|name| path.contains(name));
    let code = regions.iter().filter(|region| region.read && region.execute && is_c(&region.path));
    let memory = process.memory();
    let all = code.flat_map(|region| {
        let bytes = read(&memory, region);
        let places = bytes.windows(SIGRETURN.len()).enumerate().filter(|(_, window)| *window == SIGRETURN);
        places.map(|(at, _)| region.start.0.wrapping_add(at as u64)).collect::<Vec<_>>()
    });
    Ok(all.collect())
}

fn read(memory: &LiveMemory, region: &Region) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(region.len()).unwrap_or(MOST).min(MOST)];
    let read = memory.read_some(region.start, &mut bytes);
    bytes.truncate(read);
    bytes
}
