//! Structs of a build with the GIL, as a free-threaded build of the same sources has them: `PyObject` is larger there.
//!
//! No distribution has debug information of a free-threaded build. The structs that stand in no header differ from those of
//! the default build by the head of the object alone; one that differs by more has another size than its type says, and is
//! not decoded by the table (`CType::size`).

use std::collections::{BTreeMap, HashMap};

use super::dwarf::{Offset, Type, Types};

/// sizeof(PyObject), with the GIL and without.
const SIZES: (u64, u64) = (16, 32);
/// What an object's head has more.
pub const GROWTH: u64 = SIZES.1 - SIZES.0;

impl Types {
    /// Makes every object's head as large as it is without the GIL, and moves what stands behind.
    pub fn enlarge_heads(&mut self) {
        let mut known = HashMap::new();
        let places: Vec<Offset> = self.by_offset.keys().copied().collect();
        let growths: Vec<(Offset, Growth)> =
            places.into_iter().filter_map(|at| Some((at, self.growth(at, &mut known)?))).collect();
        for (at, Growth { total, shifts }) in growths {
            if let Some(Type::Record { size, members, .. }) = self.by_offset.get_mut(&at) {
                *size += total;
                for member in members {
                    member.offset += shifts.range(..member.offset).map(|(_, shift)| shift).sum::<u64>();
                }
            }
        }
    }

    /// How a record grows; `None` when it does not.
    fn growth(&self, at: Offset, known: &mut HashMap<Offset, u64>) -> Option<Growth> {
        let Some(Type::Record { name, members, .. }) = self.by_offset.get(&at) else { return None };
        let mut shifts = BTreeMap::new();
        if name.as_deref() == Some("_object") {
            shifts.insert(0, GROWTH);
        }
        for member in members {
            let by = member.of.map_or(0, |of| self.total(of, known));
            if by > 0 {
                // Members of a union share their place: the largest counts.
                let shift = shifts.entry(member.offset).or_insert(0);
                *shift = by.max(*shift);
            }
        }
        let total = shifts.values().sum();
        (total > 0).then_some(Growth { total, shifts })
    }

    /// By how much a value of the type at `at` grows.
    fn total(&self, at: Offset, known: &mut HashMap<Offset, u64>) -> u64 {
        if let Some(total) = known.get(&at) {
            return *total;
        }
        let total = match self.by_offset.get(&at) {
            Some(Type::Alias(Some(of))) => self.total(*of, known),
            Some(Type::Array { of: Some(of), counts }) => self.total(*of, known) * counts.iter().product::<u64>(),
            Some(Type::Record { .. }) => self.growth(at, known).map_or(0, |growth| growth.total),
            _ => 0,
        };
        known.insert(at, total);
        total
    }
}

/// By how much a record grows, and where.
struct Growth {
    total: u64,
    /// Offset of a member that grows, and by how much.
    shifts: BTreeMap<u64, u64>,
}

#[cfg(test)]
mod tests {
    use super::super::dwarf::Member;
    use super::*;

    fn record(name: &str, size: u64, members: &[(&str, u64, Offset)]) -> Type {
        let member = |&(name, offset, of): &(&str, u64, Offset)| Member {
            name: Some(name.to_owned()),
            offset,
            bit: 0,
            of: Some(of),
        };
        let members = members.iter().map(member).collect();
        Type::Record { name: Some(name.to_owned()), size, members, complete: true }
    }

    #[test]
    fn heads_grow_and_push_what_follows() {
        const WORD: Offset = 1;
        const POINTER: Offset = 2;
        const OBJECT: Offset = 3;
        const TYPEDEF: Offset = 4;
        const LIST: Offset = 5;
        let mut types = Types::default();
        types.by_offset.extend([
            (WORD, Type::Scalar(8)),
            (POINTER, Type::Pointer(Some(OBJECT))),
            (OBJECT, record("_object", 16, &[("ob_refcnt", 0, WORD), ("ob_type", 8, POINTER)])),
            (TYPEDEF, Type::Alias(Some(OBJECT))),
            (LIST, record("list", 40, &[("ob_base", 0, TYPEDEF), ("first", 16, POINTER), ("inner", 24, TYPEDEF)])),
        ]);
        types.enlarge_heads();
        let shape = |at: Offset| match &types.by_offset[&at] {
            Type::Record { size, members, .. } => (*size, members.iter().map(|member| member.offset).collect()),
            _ => (0, Vec::new()),
        };
        assert_eq!(shape(OBJECT), (32, vec![0, 24]));
        assert_eq!(shape(LIST), (72, vec![0, 32, 40]));
    }
}
