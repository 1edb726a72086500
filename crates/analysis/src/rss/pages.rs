//! From mappings and runs of pages to owners: who has which resident byte.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use memsight_model::{Address, CAllocator, PageRuns, Region, Residence, ResidentMapping, Snapshot};

use super::c_heap::Groups;
use super::{RssKind, RssLine, RssPart};

/// What a mapping is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// An executable, a library, or the kernel's own page of code.
    Library(String),
    /// Another file.
    File(String),
    /// Shared memory.
    Shared(String),
    /// The stack of a thread; `ended` when no thread uses it any more.
    Stack { main: bool, ended: bool },
    /// Private memory of no file, with the kernel's name for it.
    Anonymous(String),
}

/// Resident bytes of one owner inside anonymous memory.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Held {
    pub bytes: u64,
    pub pss_bytes: f64,
}

/// Who claims ranges of anonymous memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Pymalloc,
    /// The allocator of that number ([`super::c_heap::Groups`]).
    CHeap(usize),
    FrameStacks,
    Mapped,
}

/// A line under construction.
#[derive(Debug, Clone, Default)]
struct Row {
    bytes: u64,
    pss_bytes: f64,
    count: u64,
    parts: BTreeMap<String, (u64, u64)>,
    detail: String,
}

/// The account under construction.
pub(super) struct Account<'a> {
    snapshot: &'a Snapshot,
    residence: &'a Residence,
    rows: BTreeMap<RssKind, Row>,
    held: BTreeMap<Owner, Held>,
    pub missing: Vec<String>,
    /// Mappings of anonymous memory, what of each no owner claims, and the kernel's name of it.
    pub unclaimed: Vec<(Address, u64, String)>,
    /// Resident bytes of private memory that a forked process still shares.
    pub shared_anonymous_bytes: u64,
    pub stacks: u64,
    pub ended_stacks_bytes: u64,
}

impl<'a> Account<'a> {
    pub fn new(snapshot: &'a Snapshot, residence: &'a Residence) -> Account<'a> {
        Account {
            snapshot,
            residence,
            rows: BTreeMap::new(),
            held: BTreeMap::new(),
            missing: Vec::new(),
            unclaimed: Vec::new(),
            shared_anonymous_bytes: 0,
            stacks: 0,
            ended_stacks_bytes: 0,
        }
    }

    /// The resident pages of private anonymous memory.
    pub fn pages(&self) -> &'a PageRuns {
        &self.residence.pages
    }

    /// What an owner has of anonymous memory.
    pub fn held(&self, owner: Owner) -> Held {
        self.held.get(&owner).copied().unwrap_or_default()
    }

    /// Gives every mapping's pages to lines, but those of owners, which are summed up for the owner.
    pub fn take_mappings(&mut self) {
        let places = places(&self.snapshot.maps, self.residence);
        let claims = claims(self.snapshot);
        for (mapping, place) in self.residence.mappings.iter().zip(places) {
            let pages = &mapping.pages;
            let claimed = self.claim(mapping, &claims);
            let rest = pages.rss_bytes.saturating_sub(claimed);
            if matches!(place, Place::Anonymous(_)) {
                let shared = pages.shared_clean_bytes.saturating_add(pages.shared_dirty_bytes);
                self.shared_anonymous_bytes = self.shared_anonymous_bytes.saturating_add(shared);
            }
            if rest > 0 {
                self.give_rest(mapping, &place, rest);
            }
        }
    }

    /// Takes the pages of owners out of a mapping; their bytes.
    fn claim(&mut self, mapping: &ResidentMapping, claims: &[(Range<u64>, Owner)]) -> u64 {
        let first = claims.partition_point(|(range, _)| range.end <= mapping.start.0);
        let (mut claimed, pages) = (0, &mapping.pages);
        for (range, owner) in claims.iter().skip(first).take_while(|(range, _)| range.start < mapping.end.0) {
            let inside = range.start.max(mapping.start.0)..range.end.min(mapping.end.0);
            // never more than the mapping has, whatever the runs of pages say
            let bytes = self.residence.pages.within(inside).min(pages.rss_bytes - claimed);
            claimed += bytes;
            let held = self.held.entry(*owner).or_default();
            held.bytes += bytes;
            held.pss_bytes += portion(pages.pss_bytes, bytes, pages.rss_bytes);
        }
        claimed
    }

    /// What of a mapping no owner claims.
    fn give_rest(&mut self, mapping: &ResidentMapping, place: &Place, rest: u64) {
        let pages = &mapping.pages;
        let pss = |bytes: u64| portion(pages.pss_bytes, bytes, pages.rss_bytes);
        let (shared_kind, private_kind) = place.kinds();
        match place {
            Place::Anonymous(name) => {
                let glibc = self.snapshot.c_heap.as_ref().is_some_and(|heap| heap.allocator == CAllocator::Glibc);
                match name.as_str() {
                    "[heap]" if glibc => self.add(RssKind::CHeapOther, name, rest, pss(rest), 1),
                    _ => {
                        self.add(RssKind::Unknown, "", rest, pss(rest), 1);
                        self.unclaimed.push((mapping.start, rest, name.clone()));
                    }
                }
            }
            Place::Stack { main, ended } => {
                let name = if *main {
                    "main thread"
                } else if *ended {
                    "threads that have ended"
                } else {
                    "threads"
                };
                self.stacks += u64::from(!ended);
                self.ended_stacks_bytes += if *ended { rest } else { 0 };
                self.add(RssKind::Stacks, name, rest, pss(rest), 1);
            }
            Place::Library(path) | Place::File(path) | Place::Shared(path) => {
                let shared = pages.shared_clean_bytes.saturating_add(pages.shared_dirty_bytes).min(rest);
                let private = rest - shared;
                // a private page is this process's alone; the rest of the PSS is of the shared ones
                let private_pss = (private as f64).min(pss(rest));
                if shared > 0 {
                    self.add(shared_kind, path, shared, pss(rest) - private_pss, 1);
                }
                if private > 0 {
                    self.add(private_kind, path, private, private_pss, 1);
                }
            }
        }
    }

    /// Adds bytes to a line, as a part of that name.
    pub fn add(&mut self, kind: RssKind, part: &str, bytes: u64, pss_bytes: f64, count: u64) {
        let row = self.rows.entry(kind).or_default();
        row.bytes = row.bytes.saturating_add(bytes);
        row.pss_bytes += pss_bytes;
        row.count = row.count.saturating_add(count);
        if !part.is_empty() {
            let (sum, times) = row.parts.entry(part.to_owned()).or_default();
            *sum = sum.saturating_add(bytes);
            *times = times.saturating_add(count);
        }
    }

    /// Takes up to `bytes` out of a line and its largest parts; how many there were, and their PSS.
    pub fn take(&mut self, kind: RssKind, bytes: u64) -> (u64, f64) {
        let Some(row) = self.rows.get_mut(&kind) else { return (0, 0.0) };
        let taken = bytes.min(row.bytes);
        let pss_bytes = if row.bytes == 0 { 0.0 } else { row.pss_bytes * (taken as f64 / row.bytes as f64) };
        row.bytes -= taken;
        row.pss_bytes -= pss_bytes;
        let mut left = taken;
        while let Some(part) = row.parts.values_mut().max_by_key(|part| part.0).filter(|part| left > 0 && part.0 > 0) {
            let of_part = left.min(part.0);
            part.0 -= of_part;
            left -= of_part;
        }
        row.parts.retain(|_, part| part.0 > 0);
        (taken, pss_bytes)
    }

    /// Explains a line.
    pub fn explain(&mut self, kind: RssKind, detail: String) {
        if let Some(row) = self.rows.get_mut(&kind) {
            row.detail = detail;
        }
    }

    /// Takes bytes of anonymous memory that nobody claims; how many there were, with their part of the PSS.
    pub fn take_unknown(&mut self, bytes: u64) -> Held {
        let Some(rest) = self.rows.get_mut(&RssKind::Unknown) else { return Held::default() };
        let bytes = bytes.min(rest.bytes);
        let pss_bytes = portion(rest.pss_bytes as u64, bytes, rest.bytes);
        rest.bytes -= bytes;
        rest.pss_bytes -= pss_bytes;
        if rest.bytes == 0 {
            self.rows.remove(&RssKind::Unknown);
        }
        Held { bytes, pss_bytes }
    }

    /// Names parts of a line.
    pub fn name_parts(&mut self, kind: RssKind, parts: BTreeMap<String, (u64, u64)>) {
        if let Some(row) = self.rows.get_mut(&kind) {
            row.parts = parts;
        }
    }

    /// Bytes of a line.
    pub fn bytes(&self, kind: RssKind) -> u64 {
        self.rows.get(&kind).map_or(0, |row| row.bytes)
    }

    /// Says what is strange.
    pub fn settle(&mut self) {
        let counted: u64 = self.rows.values().map(|row| row.bytes).sum();
        let resident = self.residence.total().rss_bytes;
        if counted != resident {
            self.missing.push(format!("the lines come to {counted} bytes, the mappings to {resident}"));
        }
    }

    /// The lines with their largest parts.
    pub fn lines(&self, top: usize) -> Vec<RssLine> {
        let line = |(kind, row): (&RssKind, &Row)| {
            let mut parts: Vec<RssPart> = row
                .parts
                .iter()
                .map(|(name, (bytes, count))| RssPart { name: name.clone(), bytes: *bytes, count: *count })
                .collect();
            parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
            parts.truncate(top);
            RssLine {
                name: kind.name().to_owned(),
                kind: *kind,
                bytes: row.bytes,
                pss_bytes: row.pss_bytes.round() as u64,
                count: row.count,
                parts,
                detail: row.detail.clone(),
                ..RssLine::default()
            }
        };
        self.rows.iter().filter(|(_, row)| row.bytes > 0).map(line).collect()
    }
}

/// The part of `whole` that `bytes` of `all` take.
pub(super) fn portion(whole: u64, bytes: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { whole as f64 * (bytes as f64 / all as f64) }
}

/// The ranges that allocators have, ascending and apart from each other.
fn claims(snapshot: &Snapshot) -> Vec<(Range<u64>, Owner)> {
    let range = |start: u64, bytes: u64| start..start.saturating_add(bytes);
    let mut claims: Vec<(Range<u64>, Owner)> = Vec::new();
    let arenas = snapshot.pymalloc.iter().flat_map(|pymalloc| &pymalloc.arenas);
    claims.extend(arenas.map(|arena| (range(arena.address.0, arena.bytes), Owner::Pymalloc)));
    if let Some(heap) = &snapshot.c_heap {
        let groups = Groups::of(heap);
        for arena in &heap.arenas {
            let owner = Owner::CHeap(groups.of_arena(arena));
            claims.extend(arena.heaps.iter().map(|(start, bytes)| (range(start.0, *bytes), owner)));
        }
        let glibc = Owner::CHeap(groups.glibc());
        claims.extend(heap.mapped.iter().map(|block| (range(block.address.0, block.bytes), glibc)));
    }
    let frames = snapshot.pymalloc.iter().flat_map(|pymalloc| &pymalloc.frame_stacks);
    claims.extend(frames.map(|(start, bytes)| (range(start.0, *bytes), Owner::FrameStacks)));
    // an `mmap` object's mapping is what it has outside of itself, no more and no less
    let large = snapshot.c_owned.iter().flat_map(|owned| &owned.large);
    let own = large.filter(|block| snapshot.objects.external.get(block.object) == block.bytes);
    claims.extend(own.map(|block| (range(block.address.0, block.bytes), Owner::Mapped)));
    // the first of several claims to a byte wins: pymalloc's, then the C heap's
    claims.sort_by_key(|(range, owner)| (*owner, range.start));
    let mut taken: BTreeMap<u64, (u64, Owner)> = BTreeMap::new();
    for (range, owner) in claims {
        let mut start = range.start;
        let before = taken.range(..=start).next_back().map(|(_, (end, _))| *end);
        start = start.max(before.unwrap_or(0));
        let after = taken.range(start..).next().map(|(next, _)| *next);
        let end = range.end.min(after.unwrap_or(u64::MAX));
        if start < end {
            taken.insert(start, (end, owner));
        }
    }
    taken.into_iter().map(|(start, (end, owner))| (start..end, owner)).collect()
}

/// What each mapping is.
fn places(maps: &[Region], residence: &Residence) -> Vec<Place> {
    let executables: HashSet<&str> = maps.iter().filter(|map| map.execute).map(|map| map.path.as_str()).collect();
    let stack_bytes: HashSet<u64> = stack_sizes(maps, residence);
    let mut library: Option<(u64, String)> = None;
    let mut guard = 0;
    let mut places = Vec::with_capacity(residence.mappings.len());
    for mapping in &residence.mappings {
        let next = maps.partition_point(|map| map.start <= mapping.start);
        let map = next.checked_sub(1).and_then(|last| maps.get(last)).filter(|map| map.contains(mapping.start));
        let place = match map {
            None => Place::Anonymous(String::new()),
            Some(map) => {
                let place = place(map, mapping, &executables);
                match place {
                    // memory that a library has beyond its file (.bss) continues the file's mapping
                    Place::Anonymous(name) if name.is_empty() => match &library {
                        _ if guard == mapping.start.0 && stack_bytes.contains(&map.len()) => {
                            Place::Stack { main: false, ended: true }
                        }
                        Some((end, path)) if *end == mapping.start.0 => Place::Library(path.clone()),
                        _ => Place::Anonymous(name),
                    },
                    other => other,
                }
            }
        };
        if let (Some(map), Place::Library(path)) = (map, &place)
            && map.inode != 0
            && map.write
        {
            library = Some((mapping.end.0, path.clone()));
        }
        guard = map.filter(|map| !map.read && !map.write && map.len() <= 1 << 16).map_or(0, |map| map.end.0);
        places.push(place);
    }
    places
}

/// Lengths of the stacks that threads stand on: a thread that has ended leaves one of these behind.
fn stack_sizes(maps: &[Region], residence: &Residence) -> HashSet<u64> {
    let stacks = residence.mappings.iter().filter(|mapping| mapping.stacks > 0);
    let used = stacks.filter(|mapping| maps.iter().any(|map| map.contains(mapping.start) && map.path.is_empty()));
    let sizes = used.map(|mapping| mapping.end.0 - mapping.start.0);
    // the default of 8 MiB is a stack's even when no thread is left that has one
    sizes.chain([8 << 20]).filter(|bytes| *bytes >= 64 << 10).collect()
}

fn is_shared_memory(map: &Region) -> bool {
    let starts = ["/dev/shm/", "/memfd:", "/SYSV", "/dev/zero", "/anon_hugepage"];
    map.shared && (map.inode == 0 || starts.iter().any(|start| map.path.starts_with(start)))
}

/// What stands behind a mapping that is not private memory of no file.
pub(crate) fn backing(map: &Region) -> Option<String> {
    match is_shared_memory(map) {
        true => Some("shared memory".to_owned()),
        false if map.path.starts_with('/') && !map.path.starts_with("/dev/zero") => Some(format!("file {}", map.path)),
        false => None,
    }
}

fn place(map: &Region, mapping: &ResidentMapping, executables: &HashSet<&str>) -> Place {
    let path = map.path.as_str();
    match path {
        "[stack]" => Place::Stack { main: true, ended: false },
        _ if path.starts_with("[v") => Place::Library("kernel (vdso)".to_owned()),
        _ if is_shared_memory(map) => Place::Shared(path.to_owned()),
        _ if path.starts_with('/') && executables.contains(path) => Place::Library(path.to_owned()),
        _ if path.starts_with('/') && !path.starts_with("/dev/zero") => Place::File(path.to_owned()),
        _ if mapping.stacks > 0 && path != "[heap]" => Place::Stack { main: false, ended: false },
        _ => Place::Anonymous(path.to_owned()),
    }
}
