//! What to do about a line: only where it applies, with the numbers that say so.

use memsight_model::{Bytes, CAllocator, CHeap, Snapshot, count};

use super::pages::Account;
use super::{RssKind, RssLine, RssView};

/// Less than this is not worth a change.
const LEAST: u64 = 1 << 20;
/// glibc's default for the size from which on blocks are mappings of their own (`M_MMAP_THRESHOLD`).
const MAPPED_FROM: u64 = 128 << 10;

impl RssKind {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            RssKind::PythonObjects => "Python objects",
            RssKind::PymallocOther => "pymalloc, other blocks in use",
            RssKind::PymallocFreeBlocks => "pymalloc, free blocks",
            RssKind::PymallocFreePools => "pymalloc, free pools",
            RssKind::CHeapObjects => "Python objects in the C heap",
            RssKind::External => "arrays and other buffers",
            RssKind::Native => "native memory of objects",
            RssKind::CHeapOther => "C heap, other blocks in use",
            RssKind::CHeapFree => "C heap, free",
            RssKind::CHeapWhole => "allocator, used and free",
            RssKind::Stacks => "stacks of threads",
            RssKind::FrameStacks => "frames of Python functions",
            RssKind::LibrariesShared => "libraries, shared",
            RssKind::LibrariesPrivate => "libraries, private",
            RssKind::FilesShared => "mapped files, shared",
            RssKind::FilesPrivate => "mapped files, private",
            RssKind::SharedMemory => "shared memory",
            RssKind::Unknown => "unknown",
            RssKind::Counters => "unknown: in the counters alone",
            RssKind::Swap => "swap",
            RssKind::HugePages => "huge pages",
            RssKind::Hugetlb => "hugetlb pages",
        }
    }
}

/// Fills in the advice of each line.
pub(super) fn give(view: &mut RssView, snapshot: &Snapshot, account: &Account<'_>) {
    let rss = view.rss_bytes;
    let huge = view.huge_bytes;
    let heap = snapshot.c_heap.as_ref();
    let fragmented = view.pymalloc.as_ref().map_or(0, |pymalloc| pymalloc.fragmented_bytes);
    for line in view.lines.iter_mut().chain(&mut view.beside) {
        // a hundredth of all, or a MiB where that is more
        if line.bytes < LEAST.max(rss / 100) {
            continue;
        }
        line.advice = match line.kind {
            RssKind::PythonObjects => objects(account),
            RssKind::PymallocFreeBlocks | RssKind::PymallocFreePools => pymalloc(line, fragmented),
            RssKind::CHeapObjects => large_objects(),
            RssKind::External => {
                "a smaller dtype, views instead of copies, or np.memmap; `path ndarray` says who holds them".into()
            }
            RssKind::Native => {
                "`types` says which objects own it (native), `suspects` who keeps these: close them, or drop them"
                    .into()
            }
            RssKind::CHeapOther => other_blocks(),
            RssKind::CHeapFree => heap.map_or_else(String::new, |heap| c_free(line, heap)),
            RssKind::CHeapWhole => whole(heap),
            RssKind::Stacks => stacks(account),
            RssKind::FilesShared | RssKind::FilesPrivate => files(line),
            RssKind::SharedMemory => "counts for every process that maps it; close and unlink what is done with".into(),
            RssKind::Unknown => unknown(line),
            RssKind::Swap => {
                "the machine or the container had too little memory: RSS alone is too small a figure".into()
            }
            RssKind::HugePages => huge_pages(huge, account),
            RssKind::LibrariesPrivate | RssKind::FrameStacks => String::new(),
            RssKind::PymallocOther | RssKind::LibrariesShared | RssKind::Counters | RssKind::Hugetlb => String::new(),
        };
    }
}

/// Of an allocator that is not looked into.
fn whole(heap: Option<&CHeap>) -> String {
    match heap.map_or(CAllocator::Unknown, |heap| heap.allocator) {
        CAllocator::Jemalloc => "MALLOC_CONF=stats_print:true has it tell used from free when the program ends".into(),
        CAllocator::Tcmalloc => "MALLOCSTATS=1 has it tell used from free when the program ends".into(),
        CAllocator::Mimalloc => "MIMALLOC_SHOW_STATS=1 has it tell used from free when the program ends".into(),
        CAllocator::Musl => "musl keeps no statistics; with glibc or jemalloc used is told from free".into(),
        CAllocator::Glibc | CAllocator::Unknown => String::new(),
    }
}

fn unknown(line: &RssLine) -> String {
    let pointed = line.parts.iter().any(|part| part.name.contains(" <- "));
    match pointed {
        true => {
            "memory mapped by C code: the largest mappings stand with the libraries whose static data, or the stacks, \
                 that point there"
                .into()
        }
        false => {
            "memory mapped by C code; no static data of a library and no stack was seen to point to its largest parts"
                .into()
        }
    }
}

fn objects(account: &Account<'_>) -> String {
    let shared = account.shared_anonymous_bytes;
    let types = "`types` and `suspects` say which, `waste` what of it is not needed";
    match shared >= LEAST {
        true => format!(
            "{types}; {} of private memory are still shared with forked processes: gc.freeze() before fork keeps more so",
            Bytes(shared)
        ),
        false => types.to_owned(),
    }
}

fn pymalloc(line: &RssLine, fragmented: u64) -> String {
    let what = match line.kind {
        RssKind::PymallocFreeBlocks => "kept by the blocks in use beside them",
        _ => "kept by the pools in use of the same arenas",
    };
    format!(
        "{} can go back to the system only when the objects that pin the arenas go ({} if all lay side by side): they \
         are {what}. Make what lives long before the burst, do the burst in a process of its own, or restart workers \
         after it",
        Bytes(line.bytes),
        Bytes(fragmented)
    )
}

fn large_objects() -> String {
    "objects and tables above 512 bytes: an array or numpy for lists of numbers, generators instead of lists".to_owned()
}

fn other_blocks() -> String {
    "C libraries have it, not Python objects: look at what they cache; LD_PRELOAD a heap profiler to see who".to_owned()
}

/// What glibc keeps free, and why.
fn c_free(line: &RssLine, heap: &CHeap) -> String {
    let glibc = || heap.arenas.iter().filter(|arena| arena.allocator == CAllocator::Glibc);
    let trimmable: u64 = glibc().map(|arena| arena.trimmable_bytes).sum();
    let main_top = glibc().filter(|arena| arena.main).map(|arena| arena.top.resident_bytes).sum::<u64>();
    let back = trimmable.saturating_add(main_top).min(line.bytes);
    let mut steps = Vec::new();
    if back >= LEAST {
        let back = Bytes(back);
        steps.push(format!("ctypes.CDLL(None).malloc_trim(0) after a burst gives back about {back}"));
    }
    let others: Vec<_> = glibc().filter(|arena| !arena.main).collect();
    let kept: u64 = others.iter().map(|a| a.free.resident_bytes + a.cached.resident_bytes + a.top.resident_bytes).sum();
    if others.len() >= 2 && kept >= LEAST {
        let (arenas, kept) = (count(others.len() as u64), Bytes(kept));
        steps.push(format!("MALLOC_ARENA_MAX=2 instead of {arenas} arenas for threads, which keep {kept} free"));
    }
    let free: u64 = glibc().map(|arena| arena.free.resident_bytes).sum();
    if trimmable >= LEAST && free >= 8 * MAPPED_FROM {
        steps.push(format!(
            "MALLOC_MMAP_THRESHOLD_={MAPPED_FROM} keeps large blocks apart, to be given back when freed"
        ));
    }
    for (allocator, step) in OTHERS {
        let own = heap.arenas.iter().filter(|arena| arena.allocator == allocator);
        let kept: u64 = own.map(|arena| arena.free.resident_bytes + arena.cached.resident_bytes).sum();
        if kept >= LEAST {
            steps.push(format!("{} keeps {} free: {step}", allocator.name(), Bytes(kept)));
        }
    }
    steps.join("; ")
}

/// How other allocators are made to give back what is free.
const OTHERS: [(CAllocator, &str); 3] = [
    (CAllocator::Jemalloc, "MALLOC_CONF=dirty_decay_ms:1000,narenas:2 gives it back sooner and keeps fewer arenas"),
    (
        CAllocator::Tcmalloc,
        "TCMALLOC_RELEASE_RATE=10 gives it back sooner, MallocExtension_ReleaseFreeMemory() at once",
    ),
    (CAllocator::Mimalloc, "MIMALLOC_PURGE_DELAY=0 gives it back sooner, mi_collect(true) at once"),
];

fn stacks(account: &Account<'_>) -> String {
    let threads = count(account.stacks);
    let ended = match account.ended_stacks_bytes {
        0 => String::new(),
        bytes => format!("; {} are of threads that have ended, which glibc keeps for the next ones", Bytes(bytes)),
    };
    format!("{threads} stacks in use: a pool of fewer threads; deep recursion leaves its pages resident{ended}")
}

fn files(line: &RssLine) -> String {
    match line.kind {
        RssKind::FilesShared => {
            "page cache, mapped more than once, here or by others: the kernel takes it back when memory is short".into()
        }
        _ => "pages of files: clean ones the kernel takes back when memory is short; written private ones are copies"
            .into(),
    }
}

fn huge_pages(huge: u64, account: &Account<'_>) -> String {
    let free = account.bytes(RssKind::CHeapFree) + account.bytes(RssKind::PymallocFreePools);
    if free < LEAST.max(huge / 10) {
        return String::new();
    }
    format!(
        "a huge page stays whole while a byte of it is in use, and {} of the allocators are free: \
         PR_SET_THP_DISABLE, glibc.malloc.hugetlb=0, or `madvise` in /sys/kernel/mm/transparent_hugepage/enabled",
        Bytes(free)
    )
}
