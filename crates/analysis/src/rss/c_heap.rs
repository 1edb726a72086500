//! The C heap's part: objects in it, arrays, other blocks, and what it keeps free.

use std::collections::BTreeMap;

use memsight_model::{CAllocator, CArena, CBlocks, CHeap, COwned, OwnedBlock, TypeId, count};

use super::pages::{Account, Held, Owner};
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

impl Analysis<'_> {
    /// The lines of the C heap: they add up to the resident pages of its arenas and mappings.
    pub(super) fn c_heap_lines(&self, account: &mut Account<'_>) {
        let own = account.held(Owner::Mapped);
        self.add_external(account, own);
        let Some(heap) = &self.snapshot.c_heap else { return };
        if heap.allocator != CAllocator::Glibc {
            return self.whole_heap(heap, account);
        }
        let held = account.held(Owner::CHeap);
        if held.bytes == 0 {
            return;
        }
        let pss = |bytes: u64| held.pss_bytes * (bytes as f64 / held.bytes as f64);
        let sum = |of: fn(&CArena) -> &CBlocks| heap.arenas.iter().map(|arena| of(arena).resident_bytes).sum::<u64>();
        let parts = [
            ("free blocks", sum(|arena| &arena.free)),
            ("free end", sum(|arena| &arena.top)),
            ("kept for threads and sizes", sum(|arena| &arena.cached)),
        ];
        let mut left = held.bytes;
        for (name, bytes) in parts {
            let bytes = bytes.min(left);
            left -= bytes;
            account.add(RssKind::CHeapFree, name, bytes, pss(bytes), 0);
        }
        let owners = self.c_heap_owners(heap, account);
        for (kind, types) in [(RssKind::External, owners.external), (RssKind::CHeapObjects, owners.objects)] {
            for (type_, (bytes, blocks)) in types {
                let bytes = bytes.min(left);
                left -= bytes;
                account.add(kind, type_name(self.snapshot, type_.0), bytes, pss(bytes), blocks);
            }
        }
        let arenas = sum(|arena| &arena.overhead).min(left);
        let unread = sum(|arena| &arena.unread).min(left - arenas);
        account.add(RssKind::CHeapOther, "heads of arenas", arenas, pss(arenas), 0);
        if unread > 0 {
            account.add(RssKind::CHeapOther, "arenas that could not be walked", unread, pss(unread), 0);
        }
        left -= arenas + unread;
        account.add(RssKind::CHeapOther, "blocks of C code", left, pss(left), 0);
        explain(heap, account);
    }

    /// Memory that objects have mapped themselves.
    fn add_external(&self, account: &mut Account<'_>, held: Held) {
        if held.bytes > 0 {
            account.add(RssKind::External, "mmap", held.bytes, held.pss_bytes, 1);
        }
    }

    /// An allocator that is not looked into has what is left of anonymous memory.
    fn whole_heap(&self, heap: &CHeap, account: &mut Account<'_>) {
        let named = heap.allocator != CAllocator::Unknown;
        if named {
            account.rename_rest(&format!("{}, used and free", heap.allocator.name()));
        }
    }

    /// Whose blocks of the C heap are.
    fn c_heap_owners(&self, heap: &CHeap, account: &Account<'_>) -> Owners {
        let mut owners = Owners::default();
        let Some(owned) = &self.snapshot.c_owned else { return owners };
        let external = self.external_types();
        let used = heap.arenas.iter().fold(CBlocks::default(), |mut sum, arena| {
            sum.join(arena.used);
            sum
        });
        // small blocks are written all over soon after they are handed out: the rare page that is not resident is shared out
        let resident = |bytes: u64| super::pages::portion(used.resident_bytes, bytes, used.bytes) as u64;
        for row in &owned.types {
            let is_external = external.contains(&row.type_);
            let buffers = if is_external { &mut owners.external } else { &mut owners.objects };
            add(buffers, row.type_, resident(row.buffer_bytes), row.buffers);
            add(&mut owners.objects, row.type_, resident(row.object_bytes), row.objects);
        }
        self.large_owners(owned, heap, account, &mut owners);
        owners
    }

    fn large_owners(&self, owned: &COwned, heap: &CHeap, account: &Account<'_>, owners: &mut Owners) {
        let objects = &self.snapshot.objects;
        for block in owned.large.iter().filter(|block| is_in(heap, block)) {
            let Some(type_) = objects.types.get(block.object.index()) else { continue };
            let at = block.address.0 - 16;
            let bytes = account.pages().within(at..at.saturating_add(block.bytes));
            let is_external = objects.external.get(block.object) > 0;
            add(if is_external { &mut owners.external } else { &mut owners.objects }, *type_, bytes, 1);
        }
    }

    /// Types whose objects have buffers that `sys.getsizeof` does not count.
    fn external_types(&self) -> std::collections::HashSet<TypeId> {
        let objects = &self.snapshot.objects;
        objects.external.0.iter().filter_map(|(id, _)| objects.types.get(id.index()).copied()).collect()
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
    CArenaRow {
        name: if arena.main { "main".to_owned() } else { number.to_string() },
        threads: arena.threads,
        system_bytes: arena.system_bytes,
        used_bytes: arena.used.bytes,
        free_bytes: arena.free.bytes.saturating_add(arena.cached.bytes),
        free_resident_bytes: arena.free.resident_bytes.saturating_add(arena.cached.resident_bytes),
        top_bytes: arena.top.bytes,
        trimmable_bytes: arena.trimmable_bytes,
    }
}

/// Whether a block is one of the C library's, as its own structures have it.
fn is_in(heap: &CHeap, block: &OwnedBlock) -> bool {
    let start = memsight_model::Address(block.address.0.saturating_sub(16));
    heap.mapping_of(start).is_some_and(|mapping| mapping.address == start) || heap.arena_of(start).is_some()
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
