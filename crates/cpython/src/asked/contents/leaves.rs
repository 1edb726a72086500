//! Strings, bytes and numbers: hashed by type and content, sorted into classes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use memsight_model::{Address, Equals, Fault, ObjectFlags, ObjectId, ObjectKind, ObjectTable, ReadMemory};
use siphasher::sip128::{Hash128, SipHasher13};
use std::hash::Hasher;

use super::{Here, Walk, parallel};
use crate::object::text::{StrView, int_digits, small_int};
use crate::walk::slots::CHUNK;

/// Hashes are sorted in this many parts.
pub(super) const BUCKETS: usize = 64;
/// Bytes of a string read at a time.
const BLOCK: u64 = 1 << 16;

/// The hash of a leaf and its number. The lowest bit of the hash is 0 for an object that is the one copy anyway
/// ([`Walk::is_settled`]), so that it sorts before its equals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    hash: [u32; 4],
    id: ObjectId,
}

impl Entry {
    fn new(hash: Hash128, id: ObjectId, settled: bool) -> Entry {
        let parts = [hash.h1 >> 32, hash.h1, hash.h2 >> 32, hash.h2 & !1 | u64::from(!settled)];
        Entry { hash: parts.map(|part| part as u32), id }
    }

    fn bucket(&self) -> usize {
        self.hash[0] as usize % BUCKETS
    }

    fn is_settled(&self) -> bool {
        self.hash[3] & 1 == 0
    }

    fn equals(&self, other: &Entry) -> bool {
        self.hash[..3] == other.hash[..3] && self.hash[3] | 1 == other.hash[3] | 1
    }
}

impl<'a, M: ReadMemory> Walk<'a, M> {
    /// Hashes a leaf; one that cannot be read is equal to nothing.
    pub(super) fn leaf(&mut self, here: Here<'a>) {
        self.window.turn_to(here.at);
        let mut hasher = self.hasher;
        hasher.write_u64(here.info.address.0);
        if let Ok(true) = self.content(here, &mut hasher) {
            let entry = Entry::new(finish(&hasher), here.id, self.is_settled(here));
            self.found.leaves[entry.bucket()].push(entry);
        }
    }

    /// Feeds what makes the value; false when it cannot be told.
    fn content(&mut self, here: Here<'a>, hasher: &mut SipHasher13) -> Result<bool, Fault> {
        let layout = self.heap.scene.layout;
        let fault = Fault { at: here.at, len: 8 };
        match here.info.kind {
            ObjectKind::Str => {
                let view = StrView::read(&self.window, layout, here.at).ok_or(fault)?;
                hasher.write_u64(view.length << 3 | u64::from(view.kind));
                let readable = view.kind != 0 && !view.data.is_null();
                Ok(readable && self.feed(view.data, view.length * u64::from(view.kind), hasher)?)
            }
            ObjectKind::Bytes => {
                let length = self.window.word(layout.length_at(here.at))?;
                self.feed(here.at.at(layout.bytes.value.into()), length, hasher)
            }
            ObjectKind::Int => {
                let (digits, sign) = int_digits(&self.window, layout, here.at).ok_or(fault)?;
                hasher.write_i8(sign);
                self.feed(here.at.at(layout.long.digits.into()), digits.saturating_mul(4), hasher)
            }
            ObjectKind::Float => self.feed(here.at.at(layout.float.value.into()), 8, hasher),
            ObjectKind::Complex => self.feed(here.at.at(layout.complex.value.into()), 16, hasher),
            _ => Ok(false),
        }
    }

    /// Feeds bytes of memory; false when the budget is used up, or when so much of them was never touched that to hold
    /// them once would save nothing.
    fn feed(&mut self, from: Address, length: u64, hasher: &mut SipHasher13) -> Result<bool, Fault> {
        if length > CHUNK && self.heap.scene.slots.bytes_between(from, from.at(length as i64)) < length - CHUNK {
            return Ok(false);
        }
        if length > self.budget.get() {
            self.budget.set(0);
            return Ok(false);
        }
        self.budget.set(self.budget.get() - length);
        hasher.write_u64(length);
        let mut done = 0;
        while done < length {
            let block = BLOCK.min(length - done);
            self.buffer.resize(block as usize, 0);
            self.heap.scene.memory.read(from.at(done as i64), &mut self.buffer)?;
            hasher.write(&self.buffer);
            done += block;
        }
        Ok(true)
    }

    /// Whether an object is the one copy of its value already: immortal, static, interned, a cached small number or
    /// character. Others can be made the same as it, but it cannot be saved.
    fn is_settled(&self, here: Here<'a>) -> bool {
        let scene = self.heap.scene;
        let immortal = self.heap.objects.flags.get(here.id.index()).is_some_and(|f| f.has(ObjectFlags::IMMORTAL));
        if immortal || scene.is_static(here.at) {
            return true;
        }
        match here.info.kind {
            // `state.interned`; `unicode_latin1` and the empty string
            ObjectKind::Str => {
                let state = self.window.u32(here.at.at(scene.layout.unicode.state.into())).unwrap_or(0);
                let short = StrView::read(&self.window, scene.layout, here.at);
                state & 3 != 0 || short.is_some_and(|text| text.length <= 1 && text.kind == 1)
            }
            ObjectKind::Bytes => self.window.word(scene.layout.length_at(here.at)).is_ok_and(|length| length <= 1),
            // _PY_NSMALLNEGINTS, _PY_NSMALLPOSINTS
            ObjectKind::Int => {
                let most = if scene.layout.minor >= 15 { 1024 } else { 256 };
                small_int(&self.window, scene.layout, here.at).is_some_and(|number| (-5..=most).contains(&number))
            }
            _ => false,
        }
    }
}

/// The hash with its bits in a fixed order.
pub(super) fn finish(hasher: &SipHasher13) -> Hash128 {
    use siphasher::sip128::Hasher128;
    hasher.finish128()
}

/// Classes in flat arrays, in no order yet.
#[derive(Default)]
pub(super) struct Classes {
    /// First object of the class (by number), and where its members are.
    rows: Vec<(u32, std::ops::Range<u32>)>,
    members: Vec<ObjectId>,
}

impl Classes {
    /// Adds a class whose first `settled` members are the one copy each somewhere (an interpreter, say): the first of
    /// them stays, the others are no waste. Without one the largest stays, so that no more is promised than is saved.
    pub(super) fn add(&mut self, objects: &ObjectTable, members: &[ObjectId], settled: usize) {
        let start = self.members.len();
        let kept = match settled {
            0 => members.iter().copied().max_by_key(|id| (objects.shallow.get(*id), std::cmp::Reverse(*id))),
            _ => members.first().copied(),
        };
        let Some(kept) = kept else { return };
        self.members.push(kept);
        self.members.extend(members[settled..].iter().filter(|id| **id != kept));
        let range = start as u32..u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        match (range.len(), members.iter().min()) {
            (2.., Some(first)) if range.end < u32::MAX => self.rows.push((first.0, range)),
            _ => self.members.truncate(start),
        }
    }

    /// Adds other classes.
    pub(super) fn append(&mut self, other: Classes) {
        let base = self.members.len() as u32;
        self.members.extend(other.members);
        let moved = |(first, range): (u32, std::ops::Range<u32>)| {
            Some((first, base.checked_add(range.start)?..base.checked_add(range.end)?))
        };
        self.rows.extend(other.rows.into_iter().filter_map(moved));
    }

    /// The classes by their first objects.
    pub(super) fn sorted(mut self) -> Equals {
        self.rows.sort_unstable_by_key(|(first, _)| *first);
        let mut equals = Equals::default();
        for (_, range) in self.rows {
            equals.push(&self.members[range.start as usize..range.end as usize]);
        }
        equals
    }
}

/// Sorts the hashes into classes, and notes for every member the first of its class in `canon`.
pub(super) fn classes(
    objects: &ObjectTable,
    found: Vec<Vec<Vec<Entry>>>,
    canon: &[AtomicU32],
    threads: usize,
) -> Classes {
    let mut buckets: Vec<Mutex<Vec<Entry>>> = Vec::new();
    for (part, lists) in found.into_iter().enumerate() {
        for (at, list) in lists.into_iter().enumerate() {
            match buckets.get_mut(at).filter(|_| part > 0) {
                Some(bucket) => bucket.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(list),
                None => buckets.push(Mutex::new(list)),
            }
        }
    }
    let next = AtomicUsize::new(0);
    let sort = || {
        let mut classes = Classes::default();
        while let Some(bucket) = buckets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut entries = std::mem::take(&mut *bucket.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
            entries.sort_unstable();
            let mut members = Vec::new();
            for class in entries.chunk_by(Entry::equals).filter(|class| class.len() > 1) {
                members.clear();
                members.extend(class.iter().map(|entry| entry.id));
                let first = members.iter().map(|id| id.0).min().unwrap_or_default();
                members.iter().for_each(|id| canon[id.index()].store(first, Ordering::Relaxed));
                classes.add(objects, &members, class.iter().take_while(|entry| entry.is_settled()).count());
            }
        }
        classes
    };
    let mut all = Classes::default();
    parallel(threads, sort).into_iter().for_each(|part| all.append(part));
    all
}
