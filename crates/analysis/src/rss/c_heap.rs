//! The C heap's part: objects in it, arrays, other blocks, and what it keeps free.

use std::collections::BTreeMap;

use memsight_model::{Address, CAllocator, CArena, CBlocks, CHeap, COwned, OwnedBlock, TypeId, count};

use super::pages::{Account, Held, Owner, portion};
use super::python::type_name;
use super::{CArenaRow, RssKind};
use crate::Analysis;

/// Resident bytes and number of blocks, by type.
type ByType = BTreeMap<TypeId, (u64, u64)>;

/// Resident bytes of objects in the C heap.
#[derive(Debug, Default)]
struct Owners {
    objects: ByType,
    /// Buffers that `sys.getsizeof` does not count.
    external: ByType,
}

/// Allocators of the process that were looked into: each in its own library, and glibc.
pub(super) struct Groups<'h> {
    heap: &'h CHeap,
    keys: Vec<(CAllocator, &'h str)>,
}

impl<'h> Groups<'h> {
    pub fn of(heap: &'h CHeap) -> Groups<'h> {
        let mut keys: Vec<(CAllocator, &str)> = vec![(CAllocator::Glibc, "")];
        for arena in &heap.arenas {
            let key = (arena.allocator, arena.library.as_str());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Groups { heap, keys }
    }

    /// The number of glibc, whose blocks may be mappings as well.
    pub fn glibc(&self) -> usize {
        0
    }

    pub fn of_arena(&self, arena: &CArena) -> usize {
        self.keys.iter().position(|key| *key == (arena.allocator, arena.library.as_str())).unwrap_or(0)
    }

    fn arenas(&self, group: usize) -> impl Iterator<Item = &'h CArena> + '_ {
        self.heap.arenas.iter().filter(move |arena| self.of_arena(arena) == group)
    }

    /// Whether `malloc` is this one: of several of a name the one whose library is called like it.
    fn serves_malloc(&self, group: usize) -> bool {
        let of_its_name = |(allocator, _): &&(CAllocator, &str)| *allocator == self.heap.allocator;
        let own = |(allocator, library): &(CAllocator, &str)| {
            let file = library.rsplit('/').next().unwrap_or(library);
            *allocator == self.heap.allocator
                && (file.is_empty() || file.starts_with(&format!("lib{}", allocator.name())))
        };
        let chosen = self.keys.iter().find(|key| own(key)).or_else(|| self.keys.iter().find(of_its_name));
        chosen.is_some_and(|chosen| self.keys.get(group) == Some(chosen))
    }

    /// What the parts of lines are called after: nothing for `malloc`'s, `jemalloc of lib.so` for one in a library.
    fn suffix(&self, group: usize) -> String {
        let Some((allocator, library)) = self.keys.get(group).filter(|_| !self.serves_malloc(group)) else {
            return String::new();
        };
        match library.rsplit('/').next().filter(|file| !file.is_empty()) {
            Some(file) => format!(", {} of {file}", allocator.name()),
            None => format!(", {}", allocator.name()),
        }
    }
}

impl Analysis<'_> {
    /// The lines of the allocators: they add up to the resident pages of their arenas and mappings.
    pub(super) fn c_heap_lines(&self, account: &mut Account<'_>) {
        let own = account.held(Owner::Mapped);
        self.add_external(account, own);
        let Some(heap) = &self.snapshot.c_heap else { return };
        let groups = Groups::of(heap);
        for group in 0..groups.keys.len() {
            self.group_lines(&groups, group, account);
        }
        explain(heap, account);
        if !heap.is_read() && !matches!(heap.allocator, CAllocator::Unknown | CAllocator::Glibc) {
            self.whole_heap(heap, account);
        }
    }

    /// The lines of one of them.
    fn group_lines(&self, groups: &Groups<'_>, group: usize, account: &mut Account<'_>) {
        let held = account.held(Owner::CHeap(group));
        if held.bytes == 0 {
            return;
        }
        let pss = |bytes: u64| held.pss_bytes * (bytes as f64 / held.bytes as f64);
        let sum = |of: fn(&CArena) -> &CBlocks| groups.arenas(group).map(|arena| of(arena).resident_bytes).sum::<u64>();
        let suffix = groups.suffix(group);
        let parts = [
            ("free blocks", sum(|arena| &arena.free)),
            ("free end", sum(|arena| &arena.top)),
            ("kept for threads and sizes", sum(|arena| &arena.cached)),
        ];
        let mut left = held.bytes;
        for (name, bytes) in parts {
            let bytes = bytes.min(left);
            left -= bytes;
            account.add(RssKind::CHeapFree, &format!("{name}{suffix}"), bytes, pss(bytes), 0);
        }
        let owners = self.c_heap_owners(groups, group, account);
        for (kind, types) in [(RssKind::External, owners.external), (RssKind::CHeapObjects, owners.objects)] {
            for (type_, (bytes, blocks)) in types {
                let bytes = bytes.min(left);
                left -= bytes;
                account.add(kind, type_name(self.snapshot, type_.0), bytes, pss(bytes), blocks);
            }
        }
        let arenas = sum(|arena| &arena.overhead).min(left);
        let unread = sum(|arena| &arena.unread).min(left - arenas);
        account.add(RssKind::CHeapOther, &format!("heads of arenas{suffix}"), arenas, pss(arenas), 0);
        if unread > 0 {
            let name = format!("arenas that could not be walked{suffix}");
            account.add(RssKind::CHeapOther, &name, unread, pss(unread), 0);
        }
        left -= arenas + unread;
        left = self.native_lines(account, RssKind::CHeapOther, |parts| parts.heap, left, &pss);
        account.add(RssKind::CHeapOther, &format!("blocks of C code{suffix}"), left, pss(left), 0);
    }

    /// Memory that objects have mapped themselves.
    fn add_external(&self, account: &mut Account<'_>, held: Held) {
        if held.bytes > 0 {
            account.add(RssKind::External, "mmap", held.bytes, held.pss_bytes, 1);
        }
    }

    /// An allocator that is not looked into has what is left of anonymous memory, but for the objects that are known.
    fn whole_heap(&self, heap: &CHeap, account: &mut Account<'_>) {
        let mut objects = ByType::new();
        if let Some(owned) = &self.snapshot.c_owned {
            for row in &owned.types {
                add(&mut objects, row.type_, row.object_bytes.saturating_add(row.buffer_bytes), row.objects);
            }
            for block in &owned.large {
                let range = block.address.0..block.address.0.saturating_add(block.bytes);
                let type_ = self.snapshot.objects.types.get(block.object.index());
                let is_own = self.snapshot.objects.external.get(block.object) == block.bytes;
                if let Some(type_) = type_.filter(|_| !is_own) {
                    add(&mut objects, *type_, account.pages().within(range), 1);
                }
            }
        }
        for (type_, (bytes, blocks)) in objects {
            let held = account.take_unknown(bytes);
            let name = type_name(self.snapshot, type_.0);
            account.add(RssKind::CHeapObjects, name, held.bytes, held.pss_bytes, blocks);
        }
        let rest = account.take_unknown(u64::MAX);
        let name = format!("{}, used and free", heap.allocator.name());
        account.add(RssKind::CHeapWhole, &name, rest.bytes, rest.pss_bytes, 1);
    }

    /// Whose blocks of an allocator are.
    fn c_heap_owners(&self, groups: &Groups<'_>, group: usize, account: &Account<'_>) -> Owners {
        let mut owners = Owners::default();
        let Some(owned) = &self.snapshot.c_owned else { return owners };
        let external = self.external_types();
        let large = large_blocks(owned, groups, group, account);
        let resident = self.small_blocks(owned, groups, group, &large);
        // the small ones are summed up by type, whose `malloc` is one
        for row in owned.types.iter().filter(|_| groups.serves_malloc(group)) {
            let is_external = external.get(row.type_.0 as usize) == Some(&true);
            let buffers = if is_external { &mut owners.external } else { &mut owners.objects };
            add(buffers, row.type_, resident(row.buffer_bytes), row.buffers);
            add(&mut owners.objects, row.type_, resident(row.object_bytes), row.objects);
        }
        let objects = &self.snapshot.objects;
        for Large { block, present, .. } in large {
            let Some(type_) = objects.types.get(block.object.index()) else { continue };
            let is_external = objects.external.get(block.object) > 0;
            add(if is_external { &mut owners.external } else { &mut owners.objects }, *type_, present, 1);
        }
        owners
    }

    /// What of the bytes of small blocks of objects is in memory. They are written all over soon after they are handed out:
    /// what was never touched is of the large ones and of C code, as far as these have that much. What is in swap is
    /// shared out among all.
    fn small_blocks(
        &self,
        owned: &COwned,
        groups: &Groups<'_>,
        group: usize,
        large: &[Large<'_>],
    ) -> impl Fn(u64) -> u64 + use<> {
        let used = groups.arenas(group).fold(CBlocks::default(), |mut sum, arena| {
            sum.join(arena.used);
            sum
        });
        let (mut bytes, mut missing) = (used.bytes, used.bytes.saturating_sub(used.resident_bytes));
        for Large { block, present, .. } in large.iter().filter(|large| large.is_in_arena) {
            bytes = bytes.saturating_sub(block.bytes);
            missing = missing.saturating_sub(block.bytes.saturating_sub(*present));
        }
        let small = owned.types.iter().fold(0u64, |sum, row| sum.saturating_add(row.object_bytes + row.buffer_bytes));
        let is_swapped = self.snapshot.residence.as_ref().is_some_and(|residence| residence.total().swap_bytes > 0);
        let absent = match is_swapped {
            true => portion(missing, small, bytes.max(small)) as u64,
            false => missing.saturating_sub(bytes.saturating_sub(small)),
        };
        move |of: u64| of.saturating_sub(portion(absent, of, small) as u64)
    }

    /// For each row of the types, whether its objects have buffers that `sys.getsizeof` does not count.
    fn external_types(&self) -> Vec<bool> {
        let objects = &self.snapshot.objects;
        let mut is_external = vec![false; self.snapshot.types.len()];
        for type_ in objects.external.0.iter().filter_map(|(id, _)| objects.types.get(id.index())) {
            if let Some(flag) = is_external.get_mut(type_.0 as usize) {
                *flag = true;
            }
        }
        is_external
    }

    /// The arenas, those with the most free memory first.
    pub(super) fn c_arena_rows(&self) -> Vec<CArenaRow> {
        let arenas = self.snapshot.c_heap.iter().flat_map(|heap| heap.arenas.iter().enumerate());
        let mut rows: Vec<CArenaRow> = arenas.map(|(number, arena)| row(number, arena)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.free_resident_bytes));
        rows
    }

    /// `glibc 2.36`.
    pub(super) fn c_allocator(&self) -> String {
        let heap = self.snapshot.c_heap.as_ref();
        heap.map_or_else(String::new, |heap| {
            format!("{} {}", heap.allocator.name(), heap.version).trim_end().to_owned()
        })
    }
}

fn row(number: usize, arena: &CArena) -> CArenaRow {
    let own = if arena.main { "main".to_owned() } else { number.to_string() };
    CArenaRow {
        name: if arena.allocator == CAllocator::Glibc { own } else { format!("{} {own}", arena.allocator.name()) },
        allocator: arena.allocator.name().to_owned(),
        library: arena.library.clone(),
        threads: arena.threads,
        system_bytes: arena.system_bytes,
        used_bytes: arena.used.bytes,
        free_bytes: arena.free.bytes.saturating_add(arena.cached.bytes),
        free_resident_bytes: arena.free.resident_bytes.saturating_add(arena.cached.resident_bytes),
        top_bytes: arena.top.bytes,
        trimmable_bytes: arena.trimmable_bytes,
    }
}

/// A large block of an object among those of one allocator.
struct Large<'o> {
    block: &'o OwnedBlock,
    /// Bytes of it that are in memory.
    present: u64,
    /// It is no mapping of its own.
    is_in_arena: bool,
}

fn large_blocks<'o>(owned: &'o COwned, groups: &Groups<'_>, group: usize, account: &Account<'_>) -> Vec<Large<'o>> {
    let one = |block: &'o OwnedBlock| {
        let (at, _) = place(groups, block).filter(|(_, of)| *of == group)?;
        let present = account.pages().within(at..at.saturating_add(block.bytes));
        Some(Large { block, present, is_in_arena: groups.heap.mapping_of(Address(at)).is_none() })
    };
    owned.large.iter().filter_map(one).collect()
}

/// Where a block begins, as the allocator's own structures have it, and which allocator's it is. glibc has a head of 16
/// bytes in front of what it hands out.
fn place(groups: &Groups<'_>, block: &OwnedBlock) -> Option<(u64, usize)> {
    let heap = groups.heap;
    let start = Address(block.address.0.checked_sub(16)?);
    if heap.mapping_of(start).is_some_and(|mapping| mapping.address == start) {
        return Some((start.0, groups.glibc()));
    }
    let arena = heap.arena_of(block.address)?;
    let at = if arena.allocator == CAllocator::Glibc { start } else { block.address };
    Some((at.0, groups.of_arena(arena)))
}

fn add(types: &mut ByType, type_: TypeId, bytes: u64, blocks: u64) {
    let row = types.entry(type_).or_default();
    row.0 = row.0.saturating_add(bytes);
    row.1 = row.1.saturating_add(blocks);
}

fn explain(heap: &CHeap, account: &mut Account<'_>) {
    let arenas = heap.arenas.len() as u64;
    let trimmable: u64 = heap.arenas.iter().map(|arena| arena.trimmable_bytes).sum();
    let blocks: u64 = heap.arenas.iter().map(|arena| arena.free.count).sum();
    let trimmable = memsight_model::Bytes(trimmable);
    let detail = format!("{} free blocks in {} arenas; whole pages inside: {trimmable}", count(blocks), count(arenas));
    account.explain(RssKind::CHeapFree, detail);
    let mapped: u64 = heap.mapped.iter().map(|mapping| mapping.resident_bytes).sum();
    let mapped = memsight_model::Bytes(mapped);
    let used: u64 = heap.arenas.iter().map(|arena| arena.used.count).sum();
    let detail = format!(
        "{} blocks in use in all, and {} that are mappings ({mapped} in memory)",
        count(used),
        count(heap.mapped.len() as u64)
    );
    account.explain(RssKind::CHeapOther, detail);
}
