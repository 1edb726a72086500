//! Which words found by scanning can be references: no more than the counts of their targets have room for.
//!
//! A scan takes every word of a C struct that equals an object's address for a reference. Some are borrowed pointers,
//! some are stale. What tables tell of and what the interpreter holds is counted first; what is left of an object's count
//! is its *room*. A word of a type that points to objects without room in more cases than to objects with room for all who
//! claim them is no reference in any object of that type. Of the others an object's claims beyond its room are dropped,
//! the least likely words first, then those of later objects. What is dropped becomes nothing.
//!
//! C memory that an object of an unknown struct owns ([`Held`]) is searched as well: a validator of pydantic keeps
//! its class there. Such words are believed last.

use std::collections::{HashMap, HashSet};

use memsight_model::{
    Label, LabelKind, MAX_PAYLOAD, ObjectFlags, ObjectId, ObjectKind, ObjectTable, ReadMemory, ReferenceTable,
    RootKind, TypeRecord,
};

use crate::rows::emit::Shared;
use crate::rows::parts::Emitted;
use crate::walk::roots::Seed;
use crate::walk::workers::joined;

/// A word that may be a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    target: ObjectId,
    /// Number of the reference.
    at: u32,
    word: Word,
}

/// A word of the structs of a type; of modules, whose states are structs of their own, that of one module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Word {
    kind: u32,
    module: Option<ObjectId>,
    index: u32,
}

/// For how many objects a word can be a reference, and for how many it cannot.
#[derive(Debug, Clone, Copy, Default)]
struct Votes {
    for_: u32,
    against: u32,
}

impl Votes {
    fn is_disbelieved(self) -> bool {
        self.against > self.for_
    }

    /// Out of 1024.
    fn share(self) -> u64 {
        1024 * u64::from(self.for_) / u64::from((self.for_ + self.against).max(1))
    }
}

/// The word that stands for all of the C memory that an object owns.
const C_MEMORY: u32 = MAX_PAYLOAD;

/// A reference from C memory that an object owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Held {
    pub owner: ObjectId,
    pub target: ObjectId,
    /// The collector sees it.
    pub traversed: bool,
}

/// Adds what C memory that objects own may hold, and drops the inferred references that cannot be any, out of what the second
/// walk has found.
pub(crate) fn make<M: ReadMemory>(
    shared: &Shared<M>,
    types: &[TypeRecord],
    emitted: &mut Emitted,
    seeds: &[Seed],
    in_c_memory: &[Held],
    threads: usize,
) {
    add(&mut emitted.references, in_c_memory);
    // A string that is interned for good has one reference more for that, up to 3.11; later it is immortal.
    let held = seeds.iter().filter(|seed| seed.counted).filter_map(|seed| shared.id_of(seed.object));
    let held = held.chain(emitted.interned.iter().copied());
    // The references of the table of interned strings are not counted.
    let tables = seeds.iter().filter(|seed| seed.kind == RootKind::Interned);
    let tables: Vec<ObjectId> = tables.filter_map(|seed| shared.id_of(seed.object)).collect();
    let files = &shared.scene.files;
    let statics: HashSet<ObjectId> =
        files.iter().flat_map(|(start, end)| shared.objects_between(*start, *end)).collect();
    let owners: HashSet<ObjectId> = in_c_memory.iter().map(|held| held.owner).collect();
    let infers = |id: ObjectId| emitted.objects.flags[id.index()].has(ObjectFlags::INFERRED) || owners.contains(&id);
    let claims = claims(types, &emitted.objects, &emitted.references, infers);
    believe(&emitted.objects, &mut emitted.references, claims, held, &tables, |id| statics.contains(&id), threads);
}

/// Adds references, sorted by owner, behind those of their owners. What is behind the first owner moves up.
fn add(references: &mut ReferenceTable, held: &[Held]) {
    let (mut end, mut to) = (references.len(), references.len() + held.len());
    if held.is_empty() || to > u32::MAX as usize {
        return;
    }
    references.targets.resize(to, ObjectId(0));
    references.labels.resize(to, Label::new(LabelKind::Inferred, C_MEMORY));
    let mut left = held;
    for owner in (0..references.offsets.len().saturating_sub(1)).rev() {
        references.offsets[owner + 1] = to as u32;
        let own = left.partition_point(|held| held.owner.index() < owner);
        for held in left[own..].iter().rev() {
            to -= 1;
            let label = Label::new(LabelKind::Inferred, C_MEMORY);
            references.targets[to] = held.target;
            references.labels[to] = if held.traversed { label } else { label.untraversed() };
        }
        left = &left[..own];
        if left.is_empty() {
            return;
        }
        let start = references.offsets[owner] as usize;
        references.targets.copy_within(start..end, to - (end - start));
        references.labels.copy_within(start..end, to - (end - start));
        (end, to) = (start, to - (end - start));
    }
}

/// Drops the inferred references that cannot be any. `held` are objects that the interpreter holds, once for each time;
/// `uncounted` are rows whose references count nowhere; targets that `is_kept` are never freed, and their counts say
/// nothing. Returns how many were dropped. Cost: where anything is inferred a pass over the references, 4 bytes an object.
fn believe(
    objects: &ObjectTable,
    references: &mut ReferenceTable,
    mut claims: Vec<Claim>,
    held: impl Iterator<Item = ObjectId>,
    uncounted: &[ObjectId],
    is_kept: impl Fn(ObjectId) -> bool,
    threads: usize,
) -> usize {
    let immortal = |id: ObjectId| objects.flags.get(id.index()).is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL));
    claims.retain(|claim| !immortal(claim.target) && !is_kept(claim.target));
    if claims.is_empty() {
        return 0;
    }
    let known = known(objects, references, &claims, held, uncounted, threads);
    let room = |target: ObjectId| {
        let known = known.get(&target).copied().unwrap_or(0);
        objects.refcounts.get(target).saturating_sub(known) as usize
    };
    claims.sort_by_key(|claim| (claim.target, claim.at));
    let votes = votes(&claims, room);
    let mut dropped: Vec<u32> = Vec::new();
    for group in claims.chunk_by(|a, b| a.target == b.target) {
        // C memory is of many structs: some of its words say nothing of others. They come last.
        let vote = |claim: &Claim| match claim.word.index {
            C_MEMORY => Votes::default(),
            _ => votes.get(&claim.word).copied().unwrap_or_default(),
        };
        let (never, mut rest): (Vec<&Claim>, Vec<&Claim>) =
            group.iter().partition(|claim| vote(claim).is_disbelieved());
        rest.sort_by_key(|claim| (std::cmp::Reverse(vote(claim).share()), claim.at));
        let beyond = rest.iter().skip(room(group[0].target));
        dropped.extend(never.iter().chain(beyond).map(|claim| claim.at));
    }
    dropped.sort_unstable();
    without(references, &dropped);
    dropped.len()
}

/// Everything that scans have found in objects that `infers` is true of.
fn claims(
    types: &[TypeRecord],
    objects: &ObjectTable,
    references: &ReferenceTable,
    infers: impl Fn(ObjectId) -> bool,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    for id in objects.ids().filter(|id| infers(*id)) {
        let kind = objects.types[id.index()].0;
        let is_module = types.get(kind as usize).is_some_and(|record| record.kind == ObjectKind::Module);
        for at in references.range(id) {
            let label = references.labels[at];
            if label.kind() == LabelKind::Inferred {
                let word = Word { kind, module: is_module.then_some(id), index: label.payload() };
                claims.push(Claim { target: references.targets[at], at: at as u32, word });
            }
        }
    }
    claims
}

/// The references of each claimed object that are sure.
fn known(
    objects: &ObjectTable,
    references: &ReferenceTable,
    claims: &[Claim],
    held: impl Iterator<Item = ObjectId>,
    uncounted: &[ObjectId],
    threads: usize,
) -> HashMap<ObjectId, u32> {
    let mut claimed = vec![0u64; objects.len().div_ceil(64)];
    claims.iter().for_each(|claim| claimed[claim.target.index() / 64] |= 1 << (claim.target.index() % 64));
    let is_claimed =
        |id: &ObjectId| claimed.get(id.index() / 64).is_some_and(|word| word >> (id.index() % 64) & 1 == 1);
    // References are many, claimed targets few.
    let count = |part: std::ops::Range<usize>| {
        let mut known: HashMap<ObjectId, u32> = HashMap::new();
        for (target, label) in references.targets[part.clone()].iter().zip(&references.labels[part]) {
            if is_claimed(target) && label.is_strong() && label.kind() != LabelKind::Inferred {
                *known.entry(*target).or_default() += 1;
            }
        }
        known
    };
    let share = references.len().div_ceil(threads.max(1)).max(1);
    let parts = (0..references.len()).step_by(share).map(|start| start..(start + share).min(references.len()));
    let found = std::thread::scope(|scope| {
        let workers: Vec<_> = parts.map(|part| scope.spawn(|| count(part))).collect();
        joined(workers)
    });
    let mut known = found.into_iter().reduce(|all, part| merged(all, part, u32::saturating_add)).unwrap_or_default();
    for row in uncounted {
        known = merged(known, count(references.range(*row)), u32::saturating_sub);
    }
    for target in held.filter(is_claimed) {
        *known.entry(target).or_default() += 1;
    }
    known
}

/// The counts of both, the second put to the first.
fn merged(
    mut all: HashMap<ObjectId, u32>,
    part: HashMap<ObjectId, u32>,
    put: impl Fn(u32, u32) -> u32,
) -> HashMap<ObjectId, u32> {
    for (target, count) in part {
        let sum = all.entry(target).or_default();
        *sum = put(*sum, count);
    }
    all
}

/// What the counts say of each word.
fn votes(claims: &[Claim], room: impl Fn(ObjectId) -> usize) -> HashMap<Word, Votes> {
    let mut votes: HashMap<Word, Votes> = HashMap::new();
    for group in claims.chunk_by(|a, b| a.target == b.target) {
        let room = room(group[0].target);
        for claim in group {
            let vote = votes.entry(claim.word).or_default();
            vote.against += u32::from(room == 0);
            vote.for_ += u32::from(room >= group.len());
        }
    }
    votes
}

/// Takes references out of the table, by number, ascending.
fn without(references: &mut ReferenceTable, dropped: &[u32]) {
    let Some(first) = dropped.first() else { return };
    let (mut to, mut left) = (*first as usize, dropped);
    for at in *first as usize..references.targets.len() {
        if left.first().is_some_and(|next| *next as usize == at) {
            left = &left[1..];
        } else {
            references.targets[to] = references.targets[at];
            references.labels[to] = references.labels[at];
            to += 1;
        }
    }
    references.targets.truncate(to);
    references.labels.truncate(to);
    let mut gone = 0;
    for offset in &mut references.offsets {
        gone += dropped[gone..].iter().take_while(|at| **at < *offset).count();
        *offset -= gone as u32;
    }
}

#[cfg(test)]
mod tests {
    use memsight_model::{Counts, Label, TypeId};

    use super::*;

    /// An object's count, and its references: target and word, or none for one that is sure.
    type Row<'a> = (u32, &'a [(u32, Option<u32>)]);

    fn table(rows: &[Row<'_>]) -> (ObjectTable, ReferenceTable) {
        let mut objects = ObjectTable::default();
        let mut references = ReferenceTable { offsets: vec![0], ..ReferenceTable::default() };
        let mut counts = Counts::default();
        for (count, row) in rows {
            counts.push(*count);
            objects.types.push(TypeId(1));
            objects.flags.push(ObjectFlags(ObjectFlags::INFERRED));
            for (target, word) in *row {
                references.targets.push(ObjectId(*target));
                references.labels.push(match word {
                    Some(word) => Label::new(LabelKind::Inferred, *word),
                    None => Label::new(LabelKind::Field, 0),
                });
            }
            references.offsets.push(references.targets.len() as u32);
        }
        objects.refcounts = counts;
        (objects, references)
    }

    fn believed(rows: &[Row<'_>], held: &[u32]) -> Vec<Vec<u32>> {
        let types = vec![TypeRecord::default(); 2];
        let (objects, mut references) = table(rows);
        let claims = claims(&types, &objects, &references, |_| true);
        believe(&objects, &mut references, claims, held.iter().copied().map(ObjectId), &[], |_| false, 2);
        objects.ids().map(|id| references.of(id).map(|(target, _)| target.0).collect()).collect()
    }

    #[test]
    fn claims_beyond_the_room_are_dropped() {
        // 0 is held by 1 for sure and counts two; 2 and 3 claim it: there is room for one, the first.
        let rows: &[(u32, &[_])] = &[(2, &[]), (1, &[(0, None)]), (1, &[(0, Some(4))]), (1, &[(0, Some(4))])];
        assert_eq!(believed(rows, &[1, 2, 3]), [vec![], vec![0], vec![0], vec![]]);
        // What the interpreter holds takes room as well.
        assert_eq!(believed(rows, &[0, 1, 2, 3]), [vec![], vec![0], vec![], vec![]]);
    }

    #[test]
    fn a_word_that_is_borrowed_elsewhere_is_nothing_anywhere() {
        // Word 3 of objects 3, 4 and 5 points to 0, 1 and 2; only 2 has room, which C code takes.
        let rows: &[(u32, &[_])] = &[
            (1, &[]),
            (1, &[]),
            (2, &[]),
            (1, &[(0, None), (0, Some(3))]),
            (1, &[(1, None), (1, Some(3))]),
            (1, &[(2, None), (2, Some(3))]),
        ];
        assert_eq!(believed(rows, &[3, 4, 5])[3..], [vec![0], vec![1], vec![2]]);
    }

    #[test]
    fn likely_words_go_before_unlikely_ones() {
        // 0 has room for one: word 2 is right for object 1 as well, word 5 is never proved.
        let rows: &[(u32, &[_])] =
            &[(1, &[]), (1, &[]), (1, &[(0, Some(5))]), (1, &[(0, Some(2))]), (1, &[(1, Some(2))])];
        assert_eq!(believed(rows, &[2, 3, 4])[2..], [vec![], vec![0], vec![1]]);
    }

    #[test]
    fn references_are_added_to_their_owners() {
        let (_, mut references) =
            table(&[(1, &[(1, None)]), (1, &[]), (1, &[(0, None), (1, None)]), (1, &[(2, None)])]);
        let held = |owner, target| Held { owner: ObjectId(owner), target: ObjectId(target), traversed: target == 3 };
        add(&mut references, &[held(1, 2), held(1, 3), held(2, 3)]);
        let row = |id| references.of(ObjectId(id)).map(|(target, label)| (target.0, label.is_collected()));
        assert_eq!(row(0).collect::<Vec<_>>(), [(1, true)]);
        assert_eq!(row(1).collect::<Vec<_>>(), [(2, false), (3, true)]);
        assert_eq!(row(2).collect::<Vec<_>>(), [(0, true), (1, true), (3, true)]);
        assert_eq!(row(3).collect::<Vec<_>>(), [(2, true)]);
    }

    #[test]
    fn rows_stay_whole_when_references_go() {
        let rows: &[(u32, &[_])] =
            &[(1, &[(1, None), (2, Some(1)), (1, None)]), (2, &[]), (1, &[(1, Some(9)), (0, None)])];
        assert_eq!(believed(rows, &[2]), [vec![1, 1], vec![], vec![0]]);
    }
}
