//! What objects hold, as far as it could be held in less: equal values, tables larger than their items need, instances
//! that `__slots__` would make smaller, numbers that an array would hold.
//!
//! Nothing here is a content: which objects are equal is all that leaves the decoder, neither the bytes nor a hash of
//! them.

use crate::{ObjectId, TypeId};

/// What was found when contents were looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Objects of equal type and content.
    pub equals: Equals,
    /// Containers that are empty or whose table could be smaller, by object.
    pub slack: Vec<Slack>,
    /// Classes whose instances could do without a `__dict__`, by type.
    pub layouts: Vec<InstanceLayout>,
    /// Long lists and tuples that hold numbers of one type only, by object.
    pub boxed: Vec<Boxed>,
    /// Views of memory that another object owns, by object.
    pub views: Vec<View>,
}

/// Classes of equal objects, two or more in each. Exact `str`, `bytes`, `int`, `float` and `complex` are equal by type
/// and bits, exact tuples when each item is the same object or an equal one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Equals {
    ends: Vec<u32>,
    members: Vec<ObjectId>,
}

impl Equals {
    /// Appends a class: the first member is the one that would stay, any other could be it. Fewer than two members are
    /// no class; past 2^32 members nothing more is kept.
    pub fn push(&mut self, members: &[ObjectId]) {
        if let (2.., Ok(end)) = (members.len(), u32::try_from(self.members.len() + members.len())) {
            self.members.extend_from_slice(members);
            self.ends.push(end);
        }
    }

    /// The members of every class.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[ObjectId]> {
        self.ends.iter().enumerate().map(|(at, &end)| {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
            &self.members[start..end as usize]
        })
    }

    /// A range of all members, each with the number of its class. Cost: linear in the range.
    pub fn rows(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = (u32, ObjectId)> {
        let end = range.end.min(self.members.len());
        let start = range.start.min(end);
        let mut class = self.ends.partition_point(|&end| end as usize <= start);
        self.members[start..end].iter().zip(start..).map(move |(&object, at)| {
            class += usize::from(self.ends.get(class).is_some_and(|&end| end as usize <= at));
            (class as u32, object)
        })
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether no two objects are equal.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Objects in all classes together.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }
}

/// A container and its table. Sizes are parts of what `sys.getsizeof` says of the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slack {
    /// The list, dictionary, set, deque or bytearray.
    pub object: ObjectId,
    /// Items that it holds (bytearray: bytes).
    pub used: u64,
    /// Items that its table has room for, those included.
    pub allocated: u64,
    /// Bytes of the table.
    pub table_bytes: u64,
    /// Bytes of the table of a new container of the same type with the same items.
    pub fit_bytes: u64,
}

impl Slack {
    /// Bytes that a new container with the same items would save.
    pub fn saved_bytes(&self) -> u64 {
        self.table_bytes.saturating_sub(self.fit_bytes)
    }
}

/// What the instances of a class take, and would take with `__slots__` in the class and its bases. Only classes all of
/// whose instances have the same attributes, and none of whose instances' `__dict__` is held by anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceLayout {
    /// The class.
    pub type_id: TypeId,
    /// Its instances, those of subclasses excluded.
    pub instances: u64,
    /// Attributes of each in its `__dict__` or its inline values.
    pub attributes: u32,
    /// Some instance is weakly referenced: the class would need `__weakref__` among its slots.
    pub weakly_referenced: bool,
    /// Bytes of all instances with their heads, values and dictionaries; keys that they share are not counted.
    pub bytes: u64,
    /// Bytes of all instances with slots instead.
    pub slots_bytes: u64,
}

/// A list or tuple that an `array.array` could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boxed {
    /// The list or tuple.
    pub object: ObjectId,
    /// Type code of the array: `d` for float, `q` for int (every one fits 64 bits).
    pub code: char,
    /// `sys.getsizeof` of the array.
    pub array_bytes: u64,
}

/// An array of numpy or a memoryview that looks at memory of another object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The array or memoryview.
    pub object: ObjectId,
    /// The object that owns the memory: an array, `bytes`, `bytearray`.
    pub base: ObjectId,
    /// Who refers to it for the view: the view itself, or what stands between.
    pub holder: ObjectId,
    /// Bytes that the view shows (`nbytes`).
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_come_back_and_single_objects_are_none() {
        let mut equals = Equals::default();
        equals.push(&[ObjectId(4), ObjectId(1)]);
        equals.push(&[ObjectId(9)]);
        equals.push(&[ObjectId(2), ObjectId(3), ObjectId(5)]);
        let classes: Vec<Vec<u32>> = equals.iter().map(|class| class.iter().map(|id| id.0).collect()).collect();
        assert_eq!(classes, [vec![4, 1], vec![2, 3, 5]]);
        assert_eq!((equals.len(), equals.member_count()), (2, 5));
        let rows = [(0, 4), (0, 1), (1, 2), (1, 3), (1, 5)];
        for start in 0..=5 {
            let found: Vec<(u32, u32)> = equals.rows(start..9).map(|(class, id)| (class, id.0)).collect();
            assert_eq!(found, rows[start..]);
        }
    }
}
