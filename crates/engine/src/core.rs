//! A look at a process that has ended, through its core file.

use std::path::Path;
use std::time::{Instant, UNIX_EPOCH};

use memsight_cpython::{DecodeOptions, Python, PythonError, locate};
use memsight_model::{Ended, Mode, PageRuns, Progress, Region, Residence, Snapshot};
use memsight_target::{Core, CoreFiles};

use crate::look::{CMemory, LookOptions, decode_options};
use crate::{Error, clock};

/// Reads the Python heap out of the core file at `path`.
///
/// There is no other moment to wait for: a core that was taken in the middle of a collection, or that was cut off, is
/// read as far as it goes, and the manifest says what is missing. The mode of the options is of no effect. Cost: reading
/// the part of the core that is Python's, and work linear in objects and references.
pub fn open_core(
    path: &Path,
    files: &CoreFiles,
    options: &LookOptions,
    progress: &dyn Progress,
) -> Result<Snapshot, Error> {
    let started = start();
    progress.phase("opening the core", None);
    let core = Core::open(path, files)?;
    let mut snapshot = read(&core, options, progress).map_err(|error| explain(path, &core, error))?;
    describe(&mut snapshot, &core);
    snapshot.manifest.values = options.values;
    snapshot.manifest.total_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Ok(snapshot)
}

fn read(core: &Core, options: &LookOptions, progress: &dyn Progress) -> Result<Snapshot, PythonError> {
    let files = |region: &Region| core.file(region);
    let python: Python = locate(core, core.regions(), &files)?;
    let heap = (!options.shallow).then(|| c_memory(core, progress));
    // What was in memory is not known: a core has all of it, or says what is missing.
    let decoding = DecodeOptions { best_effort: true, pages: None, ..decode_options(options, heap.as_ref()) };
    let mut snapshot = python.decode(core, core.regions(), &decoding, progress)?;
    // The interpreter was read, so that its state can be told.
    snapshot.manifest.gil_held = python.moment(core).is_ok_and(|moment| moment.gil_locked);
    Ok(snapshot)
}

fn c_memory(core: &Core, progress: &dyn Progress) -> CMemory {
    progress.phase("reading the C heap", None);
    let private = |region: &&Region| region.write && !region.shared;
    let pages = core.regions().iter().filter(private).map(|region| region.start.0..region.end.0);
    CMemory::of(core, core.regions(), &Residence { pages: PageRuns::new(pages), ..Residence::default() })
}

/// Fills the part of the manifest that only the core knows.
fn describe(snapshot: &mut Snapshot, core: &Core) {
    let manifest = &mut snapshot.manifest;
    let written = core.written().duration_since(UNIX_EPOCH).unwrap_or_default();
    manifest.pid = core.pid();
    manifest.memsight = env!("CARGO_PKG_VERSION").to_owned();
    manifest.created = clock::rfc3339(written.as_secs());
    manifest.created_ns = u64::try_from(written.as_nanos()).ok();
    (manifest.rss_bytes, manifest.vms_bytes) = (core.dumped_bytes(), core.mapped_bytes());
    manifest.mode = Mode::Core;
    manifest.attempts = 1;
    manifest.ended = Some(Ended {
        command: core.command().to_owned(),
        signal: core.signal(),
        os_threads: core.threads(),
        dumped_bytes: core.dumped_bytes(),
    });
    manifest.partial.splice(0..0, core.missing());
}

/// An interpreter that cannot be read has a better explanation when parts of the core are missing.
fn explain(path: &Path, core: &Core, error: PythonError) -> Error {
    let missing = core.missing();
    match error {
        PythonError::Cancelled => Error::Cancelled,
        error if missing.is_empty() => error.into(),
        source => Error::Core { path: path.to_owned(), missing, source },
    }
}

#[allow(clippy::disallowed_methods, reason = "the engine measures its own cost")]
fn start() -> Instant {
    Instant::now()
}
