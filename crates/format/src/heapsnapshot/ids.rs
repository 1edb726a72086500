//! Numbers of objects that are the same in every snapshot of a process, so that DevTools can compare two.

use std::collections::HashSet;

use memsight_model::{ObjectId, ObjectTable};

/// The numbers before they are made even.
const MASK: u32 = u32::MAX >> 1;

/// An even number for each object, by its address: bits 4 to 34, which differ for objects within 32 GiB of memory. Where
/// two objects would have the same, the later one has the next that is free, which may differ from snapshot to
/// snapshot. DevTools keeps numbers in 32 bits. Cost: a sort; 12 bytes an object for the time of it.
pub(super) fn stable(objects: &ObjectTable) -> Vec<u32> {
    let wanted = |object: ObjectId| (objects.addresses.get(object).0 >> 4) as u32 & MASK;
    let mut ids: Vec<u32> = objects.ids().map(wanted).collect();
    let mut order: Vec<u32> = (0..ids.len() as u32).collect();
    order.sort_by_key(|&row| ids[row as usize]);
    let mut taken: Vec<u32> = order.iter().map(|&row| ids[row as usize]).collect();
    taken.dedup();
    let (mut moved, mut before) = (HashSet::new(), None);
    for row in order {
        let id = &mut ids[row as usize];
        if before.replace(*id) == Some(*id) {
            *id = id.wrapping_add(1) & MASK;
            while taken.binary_search(id).is_ok() || !moved.insert(*id) {
                *id = id.wrapping_add(1) & MASK;
            }
        }
    }
    // Zero is nobody's.
    ids.iter_mut().for_each(|id| *id = (*id << 1).max(2));
    ids
}

#[cfg(test)]
mod tests {
    use memsight_model::{Address, TypeId};

    use super::*;

    #[test]
    fn numbers_are_even_unique_and_those_of_the_addresses() {
        let zone = 1_u64 << 35;
        let addresses = [0x10, 0x18, 0x20, 0x30, zone + 0x10, zone + 0x40, 5 * zone + 0x10];
        let mut table = ObjectTable::default();
        addresses.iter().for_each(|&at| {
            table.addresses.push(Address(at));
            table.types.push(TypeId(0));
        });
        let ids = stable(&table);
        assert_eq!((ids[0], ids[2], ids[3], ids[5]), (2, 4, 6, 8), "{ids:?}");
        assert!(ids.iter().all(|id| id % 2 == 0 && *id > 0));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
    }
}
