//! Every byte of RSS: one account of objects, allocators, files, stacks, and what to do about each.
//!
//! Each resident page is one mapping's, and inside anonymous memory each byte of it one owner's: an arena of pymalloc,
//! a heap of the C library, a stack, or nobody known. So the lines add up to what the kernel counts.

mod advice;
mod c_heap;
mod groups;
mod native;
mod pages;
mod python;
mod unknown;

use memsight_model::{Mode, Residence, Rollup, Snapshot};
use serde::Serialize;

use crate::Analysis;
use crate::fragmentation::PymallocView;
use crate::views::Header;
pub use groups::RssGroup;
pub(crate) use pages::backing;
use pages::{Account, Place};

/// `rss`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RssView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// Resident set size as the kernel's counters have it (`/proc/PID/statm`), of the same pause as all the rest.
    pub rss_bytes: u64,
    /// Sum of the lines: resident pages as the kernel finds them in the page tables (`/proc/PID/smaps`), and what the
    /// counters have beyond them as a line of its own.
    pub lines_bytes: u64,
    /// `rss_bytes` less `lines_bytes`: negative where the counters lag behind the page tables.
    pub difference_bytes: i64,
    /// Proportional set size: each page divided by the number of processes that map it.
    pub pss_bytes: u64,
    /// Memory of the process in swap, beside RSS.
    pub swap_bytes: u64,
    /// Part of RSS that stands in huge pages of anonymous memory.
    pub huge_bytes: u64,
    /// The account, by kind.
    pub lines: Vec<RssLine>,
    /// What is not a part of RSS, or counted in another line already: swap, huge pages.
    pub beside: Vec<RssLine>,
    /// Arenas of the allocators.
    pub c_arenas: Vec<CArenaRow>,
    /// The C library's allocator: `glibc 2.36`.
    pub c_allocator: String,
    /// pymalloc: sizes, fragmentation, whose the blocks are; where it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pymalloc: Option<PymallocView>,
    /// Reasons why parts may be told less exactly.
    pub missing: Vec<String>,
}

/// A line of the account.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RssLine {
    /// What it is.
    pub name: String,
    /// Stable name of that kind.
    pub kind: RssKind,
    /// Resident bytes.
    pub bytes: u64,
    /// Part of RSS, 0 to 1.
    pub share: f64,
    /// The same with each page divided by the number of processes that map it.
    pub pss_bytes: u64,
    /// How many of them: objects, blocks, mappings.
    pub count: u64,
    /// What makes it up, largest first.
    pub parts: Vec<RssPart>,
    /// Numbers that explain it.
    pub detail: String,
    /// What to do about it; empty where there is nothing.
    pub advice: String,
}

/// A part of a line: a type, a file.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RssPart {
    /// Its name.
    pub name: String,
    /// Resident bytes.
    pub bytes: u64,
    /// How many objects, blocks or mappings.
    pub count: u64,
}

/// Kinds of memory, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RssKind {
    /// Objects and their buffers in blocks of pymalloc.
    PythonObjects,
    /// Blocks of pymalloc in use that belong to no object found: freelists, C code.
    PymallocOther,
    /// Free blocks in pools that hold others in use.
    PymallocFreeBlocks,
    /// Pools and arenas of pymalloc without a block in use.
    PymallocFreePools,
    /// Objects and their buffers in the C heap.
    CHeapObjects,
    /// Arrays of numpy and other buffers that `sys.getsizeof` does not count.
    External,
    /// Memory of C code that objects point to, by the type of the nearest.
    Native,
    /// Blocks of the C heap in use by others.
    CHeapOther,
    /// Free memory of the C heap.
    CHeapFree,
    /// An allocator that is not looked into, such as musl's.
    CHeapWhole,
    /// Stacks of threads.
    Stacks,
    /// Where threads keep the frames of Python functions.
    FrameStacks,
    /// Executables and libraries, pages that other processes have mapped, too.
    LibrariesShared,
    /// Executables and libraries, pages that this process alone has.
    LibrariesPrivate,
    /// Other mapped files, pages that other processes have mapped, too.
    FilesShared,
    /// Other mapped files, pages that this process alone has.
    FilesPrivate,
    /// Shared memory: `/dev/shm`, memfd, anonymous shared mappings.
    SharedMemory,
    /// Anonymous memory of nobody known.
    #[default]
    Unknown,
    /// What the kernel's counters have beyond the page tables.
    Counters,
    /// Pages in swap.
    Swap,
    /// Huge pages of anonymous memory.
    HugePages,
    /// Pages of hugetlbfs.
    Hugetlb,
}

/// An arena of glibc or of jemalloc, the heap of tcmalloc, a heap of mimalloc.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CArenaRow {
    /// `main`, or the number of the thread arena; with the allocator's name in front for others than glibc's.
    pub name: String,
    /// Whose it is: `glibc`, `jemalloc`.
    pub allocator: String,
    /// The file that the allocator is a part of; empty for glibc.
    pub library: String,
    /// Threads that allocate from it now.
    pub threads: u64,
    /// Bytes that it has from the system.
    pub system_bytes: u64,
    /// Bytes of blocks in use.
    pub used_bytes: u64,
    /// Bytes of free blocks, cached ones included.
    pub free_bytes: u64,
    /// Of these, what is in memory.
    pub free_resident_bytes: u64,
    /// Free bytes at its end.
    pub top_bytes: u64,
    /// Whole resident pages between blocks: what `malloc_trim(0)` gives back.
    pub trimmable_bytes: u64,
}

impl Analysis<'_> {
    /// The account of RSS, with `top` parts a line. Cost: a pass over pools, mappings and runs of pages.
    pub fn rss(&self, top: usize) -> RssView {
        let none = Residence::default();
        let residence = self.snapshot.residence.as_ref().unwrap_or(&none);
        let total = residence.total();
        let mut account = Account::new(self.snapshot, residence);
        account.take_mappings();
        self.python_lines(&mut account);
        self.c_heap_lines(&mut account);
        self.loose_lines(&mut account);
        self.unknown_lines(&mut account);
        account.settle();
        let rss_bytes = self.snapshot.manifest.rss_bytes;
        let mut view = RssView {
            header: self.header(),
            rss_bytes,
            lines_bytes: 0,
            difference_bytes: 0,
            pss_bytes: total.pss_bytes,
            swap_bytes: total.swap_bytes,
            huge_bytes: total.anon_huge_pages_bytes.saturating_add(total.shmem_huge_pages_bytes),
            lines: account.lines(limit_parts(top)),
            beside: Vec::new(),
            c_arenas: self.c_arena_rows(),
            c_allocator: self.c_allocator(),
            pymalloc: self.pymalloc(top),
            missing: self.rss_missing(&account),
        };
        if let Some(more) = rss_bytes.checked_sub(total.rss_bytes).filter(|more| *more > 0) {
            view.lines.push(counters(more, self.snapshot));
        }
        view.lines_bytes = view.lines.iter().map(|line| line.bytes).sum();
        view.difference_bytes = i64::try_from(i128::from(rss_bytes) - i128::from(view.lines_bytes)).unwrap_or(0);
        for line in &mut view.lines {
            line.share = if rss_bytes == 0 { 0.0 } else { line.bytes as f64 / rss_bytes as f64 };
        }
        view.beside = beside(&total);
        advice::give(&mut view, self.snapshot, &account);
        view
    }

    fn rss_missing(&self, account: &Account<'_>) -> Vec<String> {
        let snapshot = self.snapshot;
        let mut missing = account.missing.clone();
        if snapshot.residence.is_none() {
            let why = match snapshot.manifest.mode {
                Mode::Core => {
                    "no core file says what of its memory was resident: that is known of a running process alone"
                }
                _ => "this snapshot does not say what was in memory; a new one does",
            };
            missing.push(why.to_owned());
        }
        missing.extend(snapshot.c_heap.iter().flat_map(|heap| heap.missing.iter().cloned()));
        missing.extend(snapshot.pymalloc.iter().flat_map(|pymalloc| pymalloc.missing.iter().cloned()));
        missing
    }
}

/// Parts of a line.
fn limit_parts(top: usize) -> usize {
    if top == 0 { usize::MAX } else { top }
}

/// What `statm` has beyond `smaps`; everything where there is no `smaps`, and what was dumped into a core.
fn counters(bytes: u64, snapshot: &Snapshot) -> RssLine {
    let name = "unknown: in the counters alone";
    let (name, detail) = match (&snapshot.residence, snapshot.manifest.mode) {
        (Some(_), _) => {
            (name, "counted by the kernel (statm) but in no page table (smaps): counters are exact from Linux 6.16 on")
        }
        (None, Mode::Core) => ("unknown: dumped into the core", "what the core holds, whether it was resident or not"),
        (None, _) => (name, "not looked at"),
    };
    RssLine {
        name: name.to_owned(),
        kind: RssKind::Counters,
        bytes,
        pss_bytes: 0,
        detail: detail.to_owned(),
        ..RssLine::default()
    }
}

/// What is not a part of the sum.
fn beside(total: &Rollup) -> Vec<RssLine> {
    let huge = total.anon_huge_pages_bytes.saturating_add(total.shmem_huge_pages_bytes);
    let hugetlb = total.private_hugetlb_bytes.saturating_add(total.shared_hugetlb_bytes);
    let rows = [
        ("swap", RssKind::Swap, total.swap_bytes, "memory of the process that is on disk: not in RSS"),
        ("huge pages", RssKind::HugePages, huge, "of the lines above, what stands in pages of 2 MiB"),
        ("hugetlb pages", RssKind::Hugetlb, hugetlb, "reserved huge pages, which RSS does not count"),
    ];
    rows.into_iter()
        .filter(|row| row.2 > 0 || row.1 == RssKind::Swap)
        .map(|(name, kind, bytes, detail)| RssLine {
            name: name.to_owned(),
            kind,
            bytes,
            pss_bytes: if kind == RssKind::Swap { total.swap_pss_bytes } else { 0 },
            detail: detail.to_owned(),
            ..RssLine::default()
        })
        .collect()
}

impl Place {
    /// The line for pages of the place that others have mapped, too, and for those that nobody else has.
    fn kinds(&self) -> (RssKind, RssKind) {
        match self {
            Place::Library(_) => (RssKind::LibrariesShared, RssKind::LibrariesPrivate),
            Place::File(_) => (RssKind::FilesShared, RssKind::FilesPrivate),
            Place::Shared(_) => (RssKind::SharedMemory, RssKind::SharedMemory),
            Place::Stack { .. } => (RssKind::Stacks, RssKind::Stacks),
            Place::Anonymous(_) => (RssKind::Unknown, RssKind::Unknown),
        }
    }
}
