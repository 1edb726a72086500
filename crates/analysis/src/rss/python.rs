//! pymalloc's part: what its blocks hold, and what of it is free.

use memsight_model::{Bytes, Pymalloc, Snapshot, count};

use super::RssKind;
use super::pages::{Account, Owner};
use crate::Analysis;

/// Resident bytes of pymalloc.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    used: u64,
    free: u64,
    heads: u64,
    used_blocks: u64,
    free_blocks: u64,
    sparse_pools: u64,
}

impl Analysis<'_> {
    /// The lines of pymalloc: they add up to the resident pages of its arenas.
    pub(super) fn python_lines(&self, account: &mut Account<'_>) {
        let Some(pymalloc) = &self.snapshot.pymalloc else { return };
        let frames = account.held(Owner::FrameStacks);
        let chunks = pymalloc.frame_stacks.len() as u64;
        account.add(RssKind::FrameStacks, "", frames.bytes, frames.pss_bytes, chunks);
        account.explain(RssKind::FrameStacks, format!("{} chunks of threads", count(chunks)));
        let held = account.held(Owner::Pymalloc);
        if held.bytes == 0 {
            return;
        }
        let pss = |bytes: u64| held.pss_bytes * (bytes as f64 / held.bytes as f64);
        let sums = sums(pymalloc, account);
        // What a page has of a block in use that was never written is not resident, so that a pool may have less.
        let used = sums.used.min(held.bytes);
        let heads = sums.heads.min(held.bytes - used);
        let free = sums.free.min(held.bytes - used - heads);
        let pools = held.bytes - used - heads - free;
        let owned = self.owned_lines(pymalloc, used, account, &pss);
        let rest = self.native_lines(account, RssKind::PymallocOther, |parts| parts.pymalloc, used - owned, &pss);
        account.add(RssKind::PymallocOther, "freelists, C code", rest, pss(rest), 0);
        account.add(RssKind::PymallocOther, "heads of pools", heads, pss(heads), pymalloc.pools.len() as u64);
        account.add(RssKind::PymallocFreeBlocks, "", free, pss(free), sums.free_blocks);
        account.add(RssKind::PymallocFreePools, "", pools, pss(pools), free_pools(pymalloc));
        explain(pymalloc, &sums, account);
    }

    /// Blocks by the type of their owner; the bytes of all.
    fn owned_lines(&self, pymalloc: &Pymalloc, used: u64, account: &mut Account<'_>, pss: &impl Fn(u64) -> f64) -> u64 {
        let mut left = used;
        for row in &pymalloc.owned {
            let blocks = row.objects.saturating_add(row.buffers);
            let bytes = blocks.saturating_mul(row.block_bytes.into()).min(left);
            left -= bytes;
            let name = type_name(self.snapshot, row.type_.0);
            account.add(RssKind::PythonObjects, name, bytes, pss(bytes), row.objects);
        }
        used - left
    }
}

pub(super) fn type_name(snapshot: &Snapshot, row: u32) -> &str {
    snapshot.types.get(row as usize).map_or("?", |record| record.name.as_str())
}

/// What the pools hold, as far as their pages are in memory.
fn sums(pymalloc: &Pymalloc, account: &Account<'_>) -> Sums {
    let mut sums = Sums::default();
    let mut cursor = account.pages().cursor();
    for pool in &pymalloc.pools {
        let resident = cursor.within(pool.address.0..pool.address.0.saturating_add(pymalloc.pool_bytes));
        let used = pool.used_bytes().min(resident);
        let heads = Pymalloc::POOL_HEAD.min(resident - used);
        sums.used += used;
        sums.heads += heads;
        sums.free += resident - used - heads;
        sums.used_blocks += u64::from(pool.used);
        sums.free_blocks += u64::from(pool.capacity.saturating_sub(pool.used));
        sums.sparse_pools += u64::from(pool.is_sparse());
    }
    sums
}

fn free_pools(pymalloc: &Pymalloc) -> u64 {
    pymalloc.arenas.iter().map(|arena| u64::from(arena.free_pools)).sum()
}

fn explain(pymalloc: &Pymalloc, sums: &Sums, account: &mut Account<'_>) {
    let (arenas, pools) = (pymalloc.arenas.len() as u64, pymalloc.pools.len() as u64);
    account.explain(
        RssKind::PymallocFreeBlocks,
        format!(
            "{} of {} blocks, in {} pools, {} of these at most a quarter full",
            count(sums.free_blocks),
            count(sums.free_blocks + sums.used_blocks),
            count(pools),
            count(sums.sparse_pools)
        ),
    );
    let empty = free_pools(pymalloc);
    let detail = format!(
        "{} of {} pools of {} in {} arenas, as far as they were ever written",
        count(empty),
        count(empty + pools),
        Bytes(pymalloc.pool_bytes),
        count(arenas)
    );
    account.explain(RssKind::PymallocFreePools, detail);
}
