//! The Python processes of the machine.

use memsight_model::{Explain, Region};
use memsight_target::figures::{self, Handle};
use memsight_target::{Process, pids};

use crate::Error;
use crate::look::find;

/// Characters of a command line that are kept.
const COMMAND_CAP: usize = 4096;

/// A process that runs Python, or looks like it.
#[derive(Debug, Clone, PartialEq)]
pub struct PythonProcess {
    /// Process id.
    pub pid: u32,
    /// Version of its Python; `None` when it could not be read.
    pub version: Option<String>,
    /// Code of the error that hid the version.
    pub error: Option<&'static str>,
    /// Resident set size (`/proc/PID/statm`), 0 when unknown.
    pub rss_bytes: u64,
    /// Command line as the process shows it, capped.
    pub command: String,
    /// Short name; empty when unknown.
    pub name: String,
    /// Its user, the effective one; `None` when unknown.
    pub user: Option<u32>,
    /// CPU time so far, user and system, nanoseconds.
    pub cpu_ns: u64,
    /// When it was created, seconds since 1970; 0 when unknown.
    pub created: f64,
}

/// Every process that runs Python, by pid; this process left out, and the copies that looks have made of others.
///
/// Cost: a read of every process's maps, and a few hundred small reads for each that looks like Python.
pub fn processes() -> Result<Vec<PythonProcess>, Error> {
    let mut pids = pids()?;
    pids.sort_unstable();
    // A process that ends while it is looked at is no longer in the list: that is no error.
    Ok(pids.into_iter().filter(|&pid| pid != std::process::id()).filter_map(describe).collect())
}

/// Resident set size of a process now. Cost: one read of `/proc/PID/statm`.
pub fn rss_bytes(pid: u32) -> Result<u64, Error> {
    Ok(Process::open(pid)?.usage()?.rss_bytes)
}

/// Whether a process runs Python, or looks like it. Cost: one link read when its program is an interpreter, otherwise
/// its maps.
pub(crate) fn runs_python(handle: &Handle) -> bool {
    if handle.exe().is_ok_and(|path| names_python(&path.to_string_lossy())) {
        return true;
    }
    match Process::open(handle.pid()).and_then(|process| process.maps()) {
        Ok(regions) => maps_python(&regions) && handle.is_running(),
        Err(_) => {
            let command = handle.command().unwrap_or_default();
            command.first().is_some_and(|first| names_python(&first.to_string_lossy()))
        }
    }
}

fn describe(pid: u32) -> Option<PythonProcess> {
    if figures::stat_of(pid).is_some_and(|stat| figures::is_of_a_look(pid, &stat)) {
        return None;
    }
    let process = Process::open(pid).ok()?;
    let command = process.command();
    let python = match process.maps() {
        Ok(regions) if !maps_python(&regions) => return None,
        Ok(_) => find(&process),
        Err(_) if !names_python(command.first()?) => return None,
        Err(error) => Err(error.into()),
    };
    let handle = Handle::open(pid).ok();
    let stat = handle.as_ref().and_then(|handle| handle.stat().ok());
    Some(PythonProcess {
        pid,
        error: python.as_ref().err().map(Explain::code),
        version: python.ok().map(|python| python.version().to_string()),
        rss_bytes: process.usage().map(|usage| usage.rss_bytes).unwrap_or(0),
        command: command.join(" ").chars().take(COMMAND_CAP).collect(),
        name: handle.as_ref().and_then(|handle| handle.name().ok()).unwrap_or_default().to_string_lossy().into_owned(),
        user: handle.as_ref().and_then(|handle| handle.ids().ok()).map(|ids| ids.uids[1]),
        cpu_ns: stat.map_or(0, |stat| stat.cpu_ns()),
        created: handle.as_ref().map_or(0.0, Handle::created),
    })
}

/// Whether a mapped file is an interpreter, its library or one of its extension modules.
fn maps_python(regions: &[Region]) -> bool {
    regions.iter().any(|region| {
        let path = region.path.trim_end_matches(" (deleted)");
        region.inode != 0 && (names_python(path) || path.contains("/libpython") || path.contains("/lib-dynload/"))
    })
}

/// Whether the last part of a path names an interpreter: `python`, `python3.12`, `pypy3`.
pub(crate) fn names_python(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("python") || name.starts_with("pypy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_known_by_what_they_map() {
        let maps = |path: &str| maps_python(&[Region { path: path.into(), inode: 7, ..Region::default() }]);
        assert!(maps("/usr/bin/python3.11"));
        assert!(maps("/opt/pythons/bin/python3.13-static"));
        assert!(maps("/usr/lib/libpython3.12.so.1.0 (deleted)"));
        assert!(maps("/usr/lib/python3.12/lib-dynload/_json.so"));
        assert!(!maps("/usr/bin/bash"));
        assert!(!maps("/srv/python/app"));
    }
}
