//! Objects and references in flat arrays: 32-bit ids in address order, columns beside each other.

use crate::{Address, Label, TypeId};

/// Number of an object in an [`ObjectTable`]; ids follow the addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

impl ObjectId {
    /// The id as an index into a column.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Bits of [`ObjectTable::flags`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObjectFlags(pub u8);

impl ObjectFlags {
    /// Tracked by the garbage collector.
    pub const TRACKED: u8 = 1;
    /// Immortal (PEP 683): the reference count is not a count.
    pub const IMMORTAL: u8 = 2;
    /// Some or all references come from a conservative scan.
    pub const INFERRED: u8 = 4;
    /// Something of the object could not be read; sizes or references may miss parts.
    pub const PARTIAL: u8 = 8;
    /// Its finaliser (`__del__`, the closing of a generator) has run: it does so only once.
    pub const FINALIZED: u8 = 64;
    /// A generator or coroutine that its finaliser does not close: one that has not begun to run.
    pub const STAYS_OPEN: u8 = 128;
    const GENERATION_SHIFT: u8 = 4;

    /// These flags with the generation (0, 1, 2; 3 permanent).
    pub fn with_generation(self, generation: u8) -> ObjectFlags {
        ObjectFlags((self.0 & 0xcf) | Self::TRACKED | (generation.min(3) << Self::GENERATION_SHIFT))
    }

    /// Whether all bits of `mask` are set.
    pub fn has(self, mask: u8) -> bool {
        self.0 & mask == mask
    }

    /// Generation of a tracked object (3 is the permanent one).
    pub fn generation(self) -> Option<u8> {
        self.has(Self::TRACKED).then_some((self.0 >> Self::GENERATION_SHIFT) & 3)
    }
}

/// A column of sizes in bytes: 32 bits each, the rare larger ones aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes {
    small: Vec<u32>,
    large: std::collections::BTreeMap<u32, u64>,
}

impl Sizes {
    /// An empty column with room for `capacity` sizes.
    pub fn with_capacity(capacity: usize) -> Sizes {
        Sizes { small: Vec::with_capacity(capacity), large: Default::default() }
    }
    /// A column from its parts: sizes of at least `u32::MAX` stand as that in `small` and by number in `large`.
    pub fn from_parts(small: Vec<u32>, large: impl IntoIterator<Item = (ObjectId, u64)>) -> Sizes {
        Sizes { small, large: large.into_iter().map(|(id, bytes)| (id.0, bytes)).collect() }
    }
    /// Appends a size.
    pub fn push(&mut self, bytes: u64) {
        if bytes >= u64::from(u32::MAX) {
            self.large.insert(self.small.len() as u32, bytes);
        }
        self.small.push(bytes.min(u64::from(u32::MAX)) as u32);
    }
    /// The size of `id`, 0 for an id that is not there.
    pub fn get(&self, id: ObjectId) -> u64 {
        match self.small.get(id.index()) {
            Some(&u32::MAX) => self.large.get(&id.0).copied().unwrap_or(u64::from(u32::MAX)),
            Some(&bytes) => u64::from(bytes),
            None => 0,
        }
    }
    /// Number of sizes.
    pub fn len(&self) -> usize {
        self.small.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.small.is_empty()
    }
    /// Appends a column.
    pub fn append(&mut self, other: &Sizes) {
        let base = self.small.len() as u32;
        self.small.extend_from_slice(&other.small);
        self.large.extend(other.large.iter().map(|(id, bytes)| (id + base, *bytes)));
    }
}

/// A column of reference counts: a byte each, the rare larger ones aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    small: Vec<u8>,
    large: std::collections::BTreeMap<u32, u32>,
}

impl Counts {
    /// Stands for `u32::MAX`, the count of immortal objects.
    pub const IMMORTAL: u8 = u8::MAX - 1;
    /// Stands for a count that is kept aside.
    pub const LARGE: u8 = u8::MAX;

    /// A column from its parts: bytes with their two special values, and the counts kept aside.
    pub fn from_parts(small: Vec<u8>, large: impl IntoIterator<Item = (ObjectId, u32)>) -> Counts {
        Counts { small, large: large.into_iter().map(|(id, count)| (id.0, count)).collect() }
    }
    /// The byte that stands for a count.
    pub fn byte(count: u32) -> u8 {
        match count {
            u32::MAX => Self::IMMORTAL,
            count => u8::try_from(count).ok().filter(|byte| *byte < Self::IMMORTAL).unwrap_or(Self::LARGE),
        }
    }
    /// Appends a count.
    pub fn push(&mut self, count: u32) {
        let id = ObjectId(self.small.len() as u32);
        self.small.push(0);
        self.set(id, count);
    }
    /// Changes the count of an object that is there.
    pub fn set(&mut self, id: ObjectId, count: u32) {
        if let Some(place) = self.small.get_mut(id.index()) {
            *place = Self::byte(count);
            if *place == Self::LARGE {
                self.large.insert(id.0, count);
            }
        }
    }
    /// The count of `id`, 0 for an id that is not there.
    pub fn get(&self, id: ObjectId) -> u32 {
        match self.small.get(id.index()) {
            Some(&Self::IMMORTAL) => u32::MAX,
            Some(&Self::LARGE) => self.large.get(&id.0).copied().unwrap_or(u32::MAX - 1),
            Some(&count) => u32::from(count),
            None => 0,
        }
    }
    /// Number of counts.
    pub fn len(&self) -> usize {
        self.small.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.small.is_empty()
    }
    /// Drops the counts from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.small.truncate(len);
        self.large.retain(|id, _| (*id as usize) < len);
    }
}

/// Bytes owned outside the object that `sys.getsizeof` does not count; few objects have any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalSizes(pub Vec<(ObjectId, u64)>);

impl ExternalSizes {
    /// External bytes of `id`. Cost: a binary search.
    pub fn get(&self, id: ObjectId) -> u64 {
        self.0.binary_search_by_key(&id, |entry| entry.0).map_or(0, |at| self.0[at].1)
    }
}

/// Every object: one row each, sorted by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectTable {
    /// Address in the target, strictly ascending.
    pub addresses: AddressColumn,
    /// Row of the type table.
    pub types: Vec<TypeId>,
    /// Shallow size: what `sys.getsizeof` says.
    pub shallow: Sizes,
    /// External bytes, sorted by id.
    pub external: ExternalSizes,
    /// Bytes of C memory that the object's own memory points to, sorted by id. Each block counts once, for the nearest of
    /// the objects from which pointers lead there.
    pub native: ExternalSizes,
    /// Of all these bytes those that are not in private memory of the process: pages that were never touched, or that are
    /// a file's or shared. Sorted by id; where nobody looked, none.
    pub untouched: ExternalSizes,
    /// Reference counts, saturated; `u32::MAX` for immortal objects.
    pub refcounts: Counts,
    /// Bits of [`ObjectFlags`].
    pub flags: Vec<ObjectFlags>,
}

impl ObjectTable {
    /// Number of objects.
    pub fn len(&self) -> usize {
        self.types.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }
    /// All ids.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ObjectId> + use<> {
        (0..self.types.len() as u32).map(ObjectId)
    }
    /// The object at exactly this address. Cost: a binary search.
    pub fn find(&self, address: Address) -> Option<ObjectId> {
        self.addresses.find(address)
    }
}

/// Ascending addresses in 4 bytes each: a block of addresses within 32 GiB shares its base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressColumn {
    bases: Vec<(u32, u64)>,
    offsets: Vec<u32>,
    /// Addresses are multiples of 8 in every build of CPython; an image that says otherwise is stored as it is.
    odd: std::collections::BTreeMap<u32, u64>,
}

impl AddressColumn {
    const SHIFT: u32 = 3;

    /// An empty column with room for `capacity` addresses.
    pub fn with_capacity(capacity: usize) -> AddressColumn {
        AddressColumn { offsets: Vec::with_capacity(capacity), ..Default::default() }
    }

    /// Appends an address, which must be larger than the last.
    pub fn push(&mut self, address: Address) {
        let id = self.offsets.len() as u32;
        if address.0 & 7 != 0 {
            self.odd.insert(id, address.0);
        }
        let aligned = address.0 & !7;
        let offset = match self.bases.last() {
            Some((_, base)) if aligned >= *base => u32::try_from((aligned - base) >> Self::SHIFT).ok(),
            _ => None,
        };
        let offset = offset.unwrap_or_else(|| {
            self.bases.push((id, aligned));
            0
        });
        self.offsets.push(offset);
    }

    /// Number of addresses.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The address of `id`; null for an id that is not there.
    pub fn get(&self, id: ObjectId) -> Address {
        let Some(&offset) = self.offsets.get(id.index()) else { return Address::NULL };
        if let Some(&odd) = self.odd.get(&id.0) {
            return Address(odd);
        }
        let block = self.bases.partition_point(|(first, _)| *first <= id.0);
        let base = block.checked_sub(1).map_or(0, |block| self.bases[block].1);
        Address(base + (u64::from(offset) << Self::SHIFT))
    }

    /// The id of exactly this address.
    pub fn find(&self, address: Address) -> Option<ObjectId> {
        let (mut low, mut high) = (0, self.offsets.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(ObjectId(middle)).cmp(&address) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(ObjectId(middle)),
            }
        }
        None
    }
}

/// Every reference, by owner: compressed sparse rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReferenceTable {
    /// Row `i` is `targets[offsets[i]..offsets[i + 1]]`; one more entry than there are objects.
    pub offsets: Vec<u32>,
    /// The objects referred to.
    pub targets: Vec<ObjectId>,
    /// What each reference is called; as long as `targets`.
    pub labels: Vec<Label>,
}

impl ReferenceTable {
    /// The references of `owner`, weak ones included; empty for an id that is not there.
    pub fn of(&self, owner: ObjectId) -> impl ExactSizeIterator<Item = (ObjectId, Label)> + '_ {
        let range = self.range(owner);
        self.targets[range.clone()].iter().copied().zip(self.labels[range].iter().copied())
    }

    /// Where the references of `owner` stand in `targets` and `labels`.
    pub fn range(&self, owner: ObjectId) -> std::ops::Range<usize> {
        match (self.offsets.get(owner.index()), self.offsets.get(owner.index() + 1)) {
            // A file may say anything: never past the columns, never backwards.
            (Some(&start), Some(&end)) => {
                let end = (end as usize).min(self.targets.len()).min(self.labels.len());
                (start as usize).min(end)..end
            }
            _ => 0..0,
        }
    }

    /// Number of references.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_across_blocks_and_odd_ones() {
        let raw = [0x1000, 0x1010, 0x1013, 0x5555_5555_0000, 0x7fff_0000_0000, 0x7fff_0000_0008];
        let mut column = AddressColumn::default();
        raw.iter().for_each(|&address| column.push(Address(address)));
        for (i, &address) in raw.iter().enumerate() {
            assert_eq!(column.get(ObjectId(i as u32)), Address(address));
            assert_eq!(column.find(Address(address)), Some(ObjectId(i as u32)));
        }
        assert_eq!(column.find(Address(0x1008)), None);
    }

    #[test]
    fn counts_come_back_whatever_their_size() {
        let all = [0, 1, 253, 254, 255, 256, 70_000, u32::MAX - 1, u32::MAX];
        let mut counts = Counts::default();
        all.iter().for_each(|count| counts.push(*count));
        for (i, count) in all.into_iter().enumerate() {
            assert_eq!(counts.get(ObjectId(i as u32)), count);
        }
    }

    #[test]
    fn large_sizes_are_exact() {
        let mut sizes = Sizes::default();
        for bytes in [0, 7, u64::from(u32::MAX), 1 << 40] {
            sizes.push(bytes);
        }
        assert_eq!(sizes.get(ObjectId(2)), u64::from(u32::MAX));
        assert_eq!(sizes.get(ObjectId(3)), 1 << 40);
    }
}
