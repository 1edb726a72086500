//! How much goes with each knot.

use memsight_heap::{Components, Subset};
use memsight_model::ObjectId;

use crate::Analysis;

/// Bytes of each knot and of what hangs below it. What hangs below several belongs to the nearest one, so that all knots
/// together weigh as much as the garbage.
pub(super) struct Weights {
    bytes: Vec<u64>,
}

const NOBODY: u32 = u32::MAX;

impl Weights {
    /// For garbage `freed` (ascending) with these knots. Cost: one pass over its references, 8 bytes an object.
    pub(super) fn new(analysis: &Analysis<'_>, freed: &[ObjectId], knots: &Components) -> Weights {
        let snapshot = analysis.snapshot;
        let inside = Subset::new(snapshot.objects.len(), freed.iter().copied());
        let mut owner = vec![NOBODY; freed.len()];
        let mut queue: std::collections::VecDeque<ObjectId> = Default::default();
        for (knot, members) in knots.iter().enumerate() {
            for &member in members {
                if let Some(rank) = inside.rank(member) {
                    owner[rank] = knot as u32;
                    queue.push_back(member);
                }
            }
        }
        let mut bytes = vec![0u64; knots.len()];
        while let Some(object) = queue.pop_front() {
            let knot = inside.rank(object).map_or(NOBODY, |rank| owner[rank]);
            let Some(sum) = bytes.get_mut(knot as usize) else { continue };
            *sum = sum.saturating_add(analysis.own_bytes(object));
            for (target, _) in snapshot.references.of(object).filter(|(_, label)| label.is_strong()) {
                if let Some(rank) = inside.rank(target).filter(|rank| owner[*rank] == NOBODY) {
                    owner[rank] = knot;
                    queue.push_back(target);
                }
            }
        }
        Weights { bytes }
    }

    pub(super) fn bytes(&self, knot: u32) -> u64 {
        self.bytes.get(knot as usize).copied().unwrap_or(0)
    }
}
