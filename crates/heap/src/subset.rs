//! Some of the objects of a snapshot, numbered among themselves.

use memsight_model::ObjectId;

/// A set of objects that gives each its rank, so that what an algorithm knows of them stands in arrays. Costs a bit
/// and a half for every object of the snapshot.
#[derive(Debug, Clone, Default)]
pub struct Subset {
    bits: Vec<u64>,
    /// Members before each word of bits.
    before: Vec<u32>,
}

impl Subset {
    /// The set of `members` out of `objects` objects. Cost: linear in both.
    pub fn new(objects: usize, members: impl IntoIterator<Item = ObjectId>) -> Subset {
        let mut bits = vec![0u64; objects.div_ceil(64)];
        for id in members {
            if let Some(word) = bits.get_mut(id.index() / 64) {
                *word |= 1 << (id.index() % 64);
            }
        }
        let sums = bits.iter().scan(0, |sum, word| {
            *sum += word.count_ones();
            Some(*sum - word.count_ones())
        });
        let before = sums.collect();
        Subset { bits, before }
    }

    /// Whether `id` is a member.
    pub fn contains(&self, id: ObjectId) -> bool {
        self.bits.get(id.index() / 64).is_some_and(|word| word >> (id.index() % 64) & 1 == 1)
    }

    /// How many members stand before `id`; `None` when it is no member.
    pub fn rank(&self, id: ObjectId) -> Option<usize> {
        let (word, below) = (self.bits.get(id.index() / 64)?, (1u64 << (id.index() % 64)) - 1);
        let rank = self.before[id.index() / 64] + (word & below).count_ones();
        (word & (below + 1) != 0).then_some(rank as usize)
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        let last = self.bits.last().map_or(0, |word| word.count_ones());
        (self.before.last().copied().unwrap_or(0) + last) as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_the_members_before() {
        let members = [0, 1, 63, 64, 130, 191].map(ObjectId);
        let set = Subset::new(192, members);
        assert_eq!(set.len(), members.len());
        for (rank, id) in members.into_iter().enumerate() {
            assert_eq!(set.rank(id), Some(rank));
        }
        assert_eq!(set.rank(ObjectId(62)), None);
        assert_eq!(set.rank(ObjectId(9999)), None);
        assert!(!set.contains(ObjectId(65)) && set.contains(ObjectId(191)));
        assert!(Subset::new(0, []).is_empty());
    }
}
