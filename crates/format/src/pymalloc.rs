//! The optional tables of pymalloc: `arenas`, `pools`, `blocks` and `pins`; what is no table stands in the manifest.

use std::ops::Range;

use arrow_array::types::{Int64Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Int64Array, UInt16Array, UInt32Array, UInt64Array};
use memsight_model::{Address, Allocator, Arena, ObjectId, Owned, Pin, Pool, Pymalloc, TypeId};
use serde::{Deserialize, Serialize};

use crate::FormatError;
use crate::read::Reader;
use crate::rows::Batch;
use crate::tables::{Columns, Table, Tables};

/// What the manifest says of pymalloc. The tables are there when this is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PymallocHead {
    allocator: Allocator,
    pool_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw_blocks: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    frame_stacks: Vec<(Address, u64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

impl PymallocHead {
    pub(crate) fn of(pymalloc: &Pymalloc) -> PymallocHead {
        PymallocHead {
            allocator: pymalloc.allocator,
            pool_bytes: pymalloc.pool_bytes,
            raw_blocks: pymalloc.raw_blocks,
            frame_stacks: pymalloc.frame_stacks.clone(),
            missing: pymalloc.missing.clone(),
        }
    }
}

/// Rows of `table`, one of this module's.
pub(crate) fn rows(pymalloc: &Pymalloc, table: Table) -> usize {
    match table {
        Table::Arenas => pymalloc.arenas.len(),
        Table::Pools => pymalloc.pools.len(),
        Table::Blocks => pymalloc.owned.len(),
        _ => pymalloc.pins.len(),
    }
}

impl Tables<'_> {
    /// The rows `range` of `table`, one of this module's.
    pub(crate) fn pymalloc(&self, table: Table, range: Range<usize>) -> Columns {
        let none = Pymalloc::default();
        let pymalloc = self.snapshot.pymalloc.as_ref().unwrap_or(&none);
        match table {
            Table::Arenas => arenas(pymalloc.arenas.get(range).unwrap_or_default()),
            Table::Pools => pools(pymalloc.pools.get(range).unwrap_or_default()),
            Table::Blocks => self.blocks(pymalloc.owned.get(range).unwrap_or_default()),
            _ => pins(pymalloc.pins.get(range).unwrap_or_default()),
        }
    }

    fn blocks(&self, rows: &[Owned]) -> Columns {
        Columns::default()
            .with("type", UInt32Array::from_iter_values(rows.iter().map(|row| row.type_.0)))
            .with_nulls("type_name", self.type_names(rows.iter().map(|row| row.type_)))
            .with("block_bytes", UInt16Array::from_iter_values(rows.iter().map(|row| row.block_bytes)))
            .with("objects", UInt64Array::from_iter_values(rows.iter().map(|row| row.objects)))
            .with("buffers", UInt64Array::from_iter_values(rows.iter().map(|row| row.buffers)))
    }
}

fn arenas(rows: &[Arena]) -> Columns {
    Columns::default()
        .with("address", UInt64Array::from_iter_values(rows.iter().map(|row| row.address.0)))
        .with("bytes", UInt64Array::from_iter_values(rows.iter().map(|row| row.bytes)))
        .with("pools", UInt32Array::from_iter_values(rows.iter().map(|row| row.pools)))
        .with("free_pools", UInt32Array::from_iter_values(rows.iter().map(|row| row.free_pools)))
        .with("interpreter", Int64Array::from_iter_values(rows.iter().map(|row| row.interpreter)))
}

fn pools(rows: &[Pool]) -> Columns {
    Columns::default()
        .with("address", UInt64Array::from_iter_values(rows.iter().map(|row| row.address.0)))
        .with("block_bytes", UInt16Array::from_iter_values(rows.iter().map(|row| row.block_bytes)))
        .with("used", UInt16Array::from_iter_values(rows.iter().map(|row| row.used)))
        .with("capacity", UInt16Array::from_iter_values(rows.iter().map(|row| row.capacity)))
        .with("fresh", UInt16Array::from_iter_values(rows.iter().map(|row| row.fresh)))
}

fn pins(rows: &[Pin]) -> Columns {
    Columns::default()
        .with("address", UInt64Array::from_iter_values(rows.iter().map(|row| row.block.0)))
        .with("object", UInt32Array::from_iter_values(rows.iter().map(|row| row.object.0)))
}

/// Addresses that must ascend.
struct Ascending(Option<u64>);

impl Ascending {
    fn next(&mut self, batch: &Batch, address: u64) -> Result<Address, FormatError> {
        match self.0.replace(address) {
            Some(last) if address <= last => {
                Err(batch.damaged(format!("address {address:#x} is not above the one before")))
            }
            _ => Ok(Address(address)),
        }
    }
}

impl Reader<'_> {
    /// The tables of pymalloc, where the snapshot has them.
    pub(crate) fn pymalloc(&self, objects: usize, types: usize) -> Result<Option<Pymalloc>, FormatError> {
        let Some(head) = &self.manifest.pymalloc else { return Ok(None) };
        Ok(Some(Pymalloc {
            allocator: head.allocator,
            pool_bytes: head.pool_bytes,
            arenas: self.arenas()?,
            pools: self.pools()?,
            raw_blocks: head.raw_blocks,
            owned: self.blocks(types)?,
            pins: self.pins(objects)?,
            frame_stacks: head.frame_stacks.clone(),
            missing: head.missing.clone(),
        }))
    }

    fn arenas(&self) -> Result<Vec<Arena>, FormatError> {
        let (mut arenas, mut order) = (Vec::new(), Ascending(None));
        self.rows(Table::Arenas, &["address", "bytes", "pools", "free_pools", "interpreter"])?.each(|batch| {
            let (addresses, bytes) = (batch.numbers::<UInt64Type>("address")?, batch.numbers::<UInt64Type>("bytes")?);
            let (pools, free) = (batch.numbers::<UInt32Type>("pools")?, batch.numbers::<UInt32Type>("free_pools")?);
            let interpreters = batch.numbers::<Int64Type>("interpreter")?;
            for row in 0..batch.len() {
                if free[row] > pools[row] {
                    return Err(batch.damaged(format!("{} of {} pools are free", free[row], pools[row])));
                }
                arenas.push(Arena {
                    address: order.next(batch, addresses[row])?,
                    bytes: bytes[row],
                    pools: pools[row],
                    free_pools: free[row],
                    interpreter: interpreters[row],
                });
            }
            Ok(())
        })?;
        Ok(arenas)
    }

    fn pools(&self) -> Result<Vec<Pool>, FormatError> {
        let (mut pools, mut order) = (Vec::new(), Ascending(None));
        self.rows(Table::Pools, &["address", "block_bytes", "used", "capacity", "fresh"])?.each(|batch| {
            let number = |name| batch.numbers::<UInt16Type>(name);
            let addresses = batch.numbers::<UInt64Type>("address")?;
            let (sizes, used) = (number("block_bytes")?, number("used")?);
            let (capacities, fresh) = (number("capacity")?, number("fresh")?);
            for row in 0..batch.len() {
                if u32::from(used[row]) + u32::from(fresh[row]) > u32::from(capacities[row]) {
                    return Err(batch.damaged(format!("pool {row} has more blocks than fit")));
                }
                pools.push(Pool {
                    address: order.next(batch, addresses[row])?,
                    block_bytes: sizes[row],
                    used: used[row],
                    capacity: capacities[row],
                    fresh: fresh[row],
                });
            }
            Ok(())
        })?;
        Ok(pools)
    }

    fn blocks(&self, limit: usize) -> Result<Vec<Owned>, FormatError> {
        let mut owned = Vec::new();
        self.rows(Table::Blocks, &["type", "block_bytes", "objects", "buffers"])?.each(|batch| {
            let (types, sizes) = (batch.numbers::<UInt32Type>("type")?, batch.numbers::<UInt16Type>("block_bytes")?);
            let objects = batch.numbers::<UInt64Type>("objects")?;
            let buffers = batch.numbers::<UInt64Type>("buffers")?;
            for row in 0..batch.len() {
                owned.push(Owned {
                    type_: TypeId(batch.below("type", types[row], limit)?),
                    block_bytes: sizes[row],
                    objects: objects[row],
                    buffers: buffers[row],
                });
            }
            Ok(())
        })?;
        Ok(owned)
    }

    fn pins(&self, limit: usize) -> Result<Vec<Pin>, FormatError> {
        let (mut pins, mut order) = (Vec::new(), Ascending(None));
        self.rows(Table::Pins, &["address", "object"])?.each(|batch| {
            let objects = batch.numbers::<UInt32Type>("object")?;
            for (&address, &object) in batch.numbers::<UInt64Type>("address")?.iter().zip(objects) {
                let object = ObjectId(batch.below("object", object, limit)?);
                pins.push(Pin { block: order.next(batch, address)?, object });
            }
            Ok(())
        })?;
        Ok(pins)
    }
}
