//! One look at a process: from a pid to a decoded heap.

use std::path::Path;
use std::time::{Duration, Instant};

use memsight_cpython::{DecodeOptions, Python, locate};
use memsight_format::Limits;
use memsight_model::{
    Blocks, CHeap, Manifest, Mode, PageRuns, Progress, ReadMemory, Region, Residence, Snapshot, is_pid,
};
use memsight_target::{CoreFiles, Image, Process, TargetError, c_heap, is_core, note_pointers};

use crate::core::open_core;
use crate::moment::{Capture, Cost, Subject, capture};
use crate::{Error, clock};

/// Copies that may turn out torn before one is read as far as it goes.
const MAX_COPIES: u32 = 8;
/// Copies of a process that always runs Python code in which an object may turn out half-built: one that is so in all of
/// them is no matter of the moment.
const WHOLE_COPIES: u32 = 3;

/// How to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LookOptions {
    /// Stop the process while its memory is copied, or not at all.
    pub mode: Mode,
    /// The longest that the process may stand still while its memory is copied. `None`: 1 s where [`Mode::Auto`] has come to that
    /// because the process cannot be forked, as long as it takes in [`Mode::Freeze`].
    pub max_pause: Option<Duration>,
    /// Keep the contents of strings, bytes and numbers.
    pub values: bool,
    /// Count and size the objects only: no references, so that nothing but [`analysis::histogram`] makes sense.
    ///
    /// [`analysis::histogram`]: memsight_analysis::histogram
    pub shallow: bool,
    /// Look at what objects hold, too, for the view `waste`. See [`DecodeOptions::contents`].
    pub contents: bool,
    /// Look at what is resident, at the C library's heap and at whose memory it is, too, for the view `rss`. Cost: some
    /// 25 ms for each GiB, in the pause if the process is not forked.
    pub residence: bool,
    /// Of what is resident the sums of groups are enough, as for the overview: who points to mappings of nobody known is left
    /// out.
    pub groups: bool,
    /// Look for what C holds, too, for the view `refcounts`. See [`DecodeOptions::holders`].
    pub holders: bool,
    /// How much memory reading a snapshot may take.
    pub limits: Limits,
}

impl LookOptions {
    /// The same with all that any view asks for: what a snapshot is to hold.
    pub fn whole(self) -> LookOptions {
        LookOptions { contents: true, residence: true, holders: true, ..self }
    }
}

/// Looks at the Python heap of a process.
///
/// The process stands still only while the kernel forks it, or where that cannot be done while its private memory is
/// copied. Cost: one copy of that memory, and work linear in objects and references.
pub fn look(pid: u32, options: &LookOptions, progress: &dyn Progress) -> Result<Snapshot, Error> {
    let started = start();
    let process = Process::open(pid)?;
    let mut snapshot = look_at(&process, options, progress).map_err(|error| blame(&process, error))?;
    snapshot.manifest.process = process.stamp();
    snapshot.manifest.total_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Ok(snapshot)
}

/// Copies and decodes until a copy is whole.
fn look_at(process: &Process, options: &LookOptions, progress: &dyn Progress) -> Result<Snapshot, Error> {
    let python = find(process)?;
    let subject = Subject { process, python: &python, options };
    let mut cost = Cost::default();
    let mut copies = 0;
    loop {
        copies += 1;
        let capture = match options.mode {
            Mode::Live => capture_live(&subject, &mut cost, progress)?,
            Mode::Auto | Mode::Fork | Mode::Freeze | Mode::Core => capture(&subject, &mut cost, progress)?,
        };
        let Capture { image, usage, residence, gil_held, collecting, mode } = capture;
        let best_effort = collecting || copies == MAX_COPIES;
        // Neither needs the other, and each keeps one core busy.
        let (heap, listed) = std::thread::scope(|scope| {
            let heap = (!options.shallow).then(|| scope.spawn(|| c_memory(&image, residence.as_ref(), options)));
            let listed = python.listed(&image, image.regions(), best_effort, progress);
            (heap.map(|heap| heap.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))), listed)
        });
        let decoded = listed.map_err(Error::from).and_then(|listed| {
            let regions = image.regions().to_vec();
            let whole = gil_held && copies < WHOLE_COPIES;
            let decoding = DecodeOptions { whole, ..decode_options(options, heap.as_ref()) };
            Ok(python.decode_listed(image, &regions, listed, &decoding, progress)?)
        });
        match decoded {
            Ok(mut snapshot) => {
                snapshot.c_heap = heap.filter(|_| residence.is_some()).map(|memory| memory.into_heap());
                snapshot.residence = residence;
                let manifest = &mut snapshot.manifest;
                (manifest.rss_bytes, manifest.vms_bytes) = (usage.rss_bytes, usage.vms_bytes);
                (manifest.gil_held, manifest.mode) = (gil_held, mode);
                describe(manifest, process.pid(), options, &cost);
                return Ok(snapshot);
            }
            Err(Error::Python(error)) if error.is_transient() && copies < MAX_COPIES => {}
            Err(error) => return Err(error),
        }
    }
}

/// Looks at the process with that pid, or reads the snapshot or the core file at that path.
pub fn open(subject: &str, options: &LookOptions, progress: &dyn Progress) -> Result<Snapshot, Error> {
    open_with(subject, &CoreFiles::default(), options, progress)
}

/// The same; `files` are those that the process of a core had mapped.
pub fn open_with(
    subject: &str,
    files: &CoreFiles,
    options: &LookOptions,
    progress: &dyn Progress,
) -> Result<Snapshot, Error> {
    if is_pid(subject) {
        let pid = subject.parse().map_err(|_| Error::NotAPid { text: subject.to_owned() })?;
        return look(pid, options, progress);
    }
    open_file(Path::new(subject), files, options, progress)
}

/// Reads the snapshot or the core file at `path`, whatever it is called.
pub fn open_file(
    path: &Path,
    files: &CoreFiles,
    options: &LookOptions,
    progress: &dyn Progress,
) -> Result<Snapshot, Error> {
    match is_core(path) {
        true => open_core(path, files, options, progress),
        false => Ok(memsight_format::read_within(path, options.limits)?),
    }
}

#[allow(clippy::disallowed_methods, reason = "the engine measures its own cost")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

/// The interpreter of a running process.
pub(crate) fn find(process: &Process) -> Result<Python, Error> {
    let regions = process.maps()?;
    let files = |region: &Region| process.file(region);
    locate(&process.memory(), &regions, &files).map_err(|error| match process.check_access() {
        // what cannot be read looks like no Python
        Err(denied) => denied.into(),
        Ok(()) => error.into(),
    })
}

/// Copies the memory while the process runs.
fn capture_live(subject: &Subject<'_>, cost: &mut Cost, progress: &dyn Progress) -> Result<Capture, Error> {
    let Subject { process, python, options } = *subject;
    cost.attempts += 1;
    let image = process.capture_live(progress)?;
    let gil_held = python.moment(&image)?.gil_locked;
    // a running process is seen in another moment the next time
    let collecting = false;
    let residence = options.residence.then(|| process.residence()).transpose()?;
    Ok(Capture { image, usage: process.usage()?, residence, gil_held, collecting, mode: Mode::Live })
}

/// What is known of the memory of C beside its bytes.
pub(crate) struct CMemory {
    heap: CHeap,
    pages: PageRuns,
}

impl CMemory {
    /// Of a memory with these mappings, of which that is there.
    pub(crate) fn of(memory: &impl ReadMemory, regions: &[Region], residence: &Residence) -> CMemory {
        CMemory { heap: c_heap(memory, regions, residence), pages: residence.pages.clone() }
    }

    /// The allocator's account, without its single blocks.
    fn into_heap(self) -> CHeap {
        CHeap { blocks: Blocks::default(), ..self.heap }
    }
}

/// What the decoder is asked for, and told of the memory of C.
pub(crate) fn decode_options<'a>(options: &LookOptions, heap: Option<&'a CMemory>) -> DecodeOptions<'a> {
    DecodeOptions {
        values: options.values,
        references: !options.shallow,
        contents: options.contents,
        account: options.residence,
        sums: options.groups,
        holders: options.holders,
        c_heap: heap.map(|memory| &memory.heap),
        pages: heap.map(|memory| &memory.pages),
        ..DecodeOptions::default()
    }
}

/// What is known of the memory of C in a copy, and where it says more than sums: who points to what nobody is known to own.
fn c_memory(image: &Image, residence: Option<&Residence>, options: &LookOptions) -> CMemory {
    let Some(residence) = residence else {
        let residence = Residence { pages: image.pages().clone(), ..Residence::default() };
        return CMemory::of(image, image.regions(), &residence);
    };
    let mut memory = CMemory::of(image, image.regions(), residence);
    if !options.groups {
        note_pointers(image, image.regions(), residence, &mut memory.heap);
    }
    memory
}

/// Fills the part of the manifest that only the engine knows.
fn describe(manifest: &mut Manifest, pid: u32, options: &LookOptions, cost: &Cost) {
    manifest.pid = pid;
    manifest.memsight = env!("CARGO_PKG_VERSION").to_owned();
    manifest.created = clock::now();
    manifest.created_ns = Some(clock::now_ns());
    manifest.mode_reason.clone_from(&cost.reason);
    manifest.pause_ns = cost.pause_ns;
    manifest.attempts = cost.attempts;
    manifest.values = options.values;
    if options.mode == Mode::Live {
        manifest.partial.insert(0, "read while the process ran (--mode live)".to_owned());
    }
}

/// An error of the decoder has a better explanation when the process is gone. One that ends loses its memory before
/// it loses its id: it has no maps then.
fn blame(process: &Process, error: Error) -> Error {
    let gone = || process.maps().map_or(true, |maps| maps.is_empty()) || Process::open(process.pid()).is_err();
    match error {
        Error::Python(_) if gone() => TargetError::TargetExited { pid: process.pid() }.into(),
        error => error,
    }
}
