//! Pairs by address: a merge of two ascending columns, and what speaks for and against each pair.

use std::cmp::Ordering;
use std::iter::Peekable;

use memsight_model::{ObjectFlags, ObjectId, ObjectKind, Snapshot, TextTable};

use super::{Link, Matching, Moments, kind};

/// References that are compared.
const COMPARED: usize = 8;

/// The texts of a snapshot, asked for in the order of the ids.
struct Texts<'s, I: Iterator<Item = (ObjectId, &'s str)>>(Peekable<I>);

fn texts(table: &TextTable) -> Texts<'_, impl Iterator<Item = (ObjectId, &str)>> {
    Texts(table.iter().peekable())
}

impl<'s, I: Iterator<Item = (ObjectId, &'s str)>> Texts<'s, I> {
    fn of(&mut self, object: ObjectId) -> Option<&'s str> {
        while self.0.next_if(|(id, _)| *id < object).is_some() {}
        self.0.peek().filter(|(id, _)| *id == object).map(|(_, text)| *text)
    }
}

impl Moments<'_> {
    /// Pairs what has the same address at both moments.
    pub(super) fn join(&self, matching: &mut Matching) {
        let (before, after) = (&self.before.objects, &self.after.objects);
        let (mut texts_then, mut texts_now) = (texts(&self.before.texts), texts(&self.after.texts));
        let (mut then, mut now) = (ObjectId(0), ObjectId(0));
        while then.index() < before.len() && now.index() < after.len() {
            match before.addresses.get(then).cmp(&after.addresses.get(now)) {
                Ordering::Less => then.0 += 1,
                Ordering::Greater => now.0 += 1,
                Ordering::Equal => {
                    let text = (texts_then.of(then), texts_now.of(now));
                    match self.judge(then, now, text) {
                        Link::None => matching.evidence.reused += 1,
                        link => matching.pair(then, now, link),
                    }
                    then.0 += 1;
                    now.0 += 1;
                }
            }
        }
    }

    /// What the pair of two objects at one address rests on; [`Link::None`] when they cannot be the same.
    fn judge(&self, then: ObjectId, now: ObjectId, text: (Option<&str>, Option<&str>)) -> Link {
        use ObjectKind::*;
        if !self.common.same_type_object(self.before, then, self.after, now) {
            return Link::None;
        }
        let (kind, flags) = (kind(self.after, now), |snapshot: &Snapshot, id: ObjectId| {
            snapshot.objects.flags.get(id.index()).copied().unwrap_or_default()
        });
        let (old, new) = (flags(self.before, then), flags(self.after, now));
        let immortal = |flags: ObjectFlags| flags.has(ObjectFlags::IMMORTAL);
        // Objects only grow older; dictionaries and frames leave the collector's lists and come back as young ones.
        let younger = old.generation().is_some_and(|age| age > 0) && new.generation() == Some(0);
        if (immortal(old) && !immortal(new)) || (younger && !matches!(kind, Dict | Frame)) {
            return Link::None;
        }
        let size = |snapshot: &Snapshot, id| (snapshot.objects.shallow.get(id), snapshot.objects.external.get(id));
        // A str may get its UTF-8 form beside it, and `ndarray.resize` may resize an array in place; both are rare, and a
        // newcomer of another size at the address of what it replaced is not.
        let is_fixed = matches!(kind, Int | Float | Complex | Str | Bytes | Tuple)
            || self.after.type_of(now).is_some_and(|record| record.name == "numpy.ndarray");
        let same_size = !is_fixed || size(self.before, then) == size(self.after, now);
        let unchanging = matches!(kind, Int | Float | Complex | Bytes | Str);
        match text {
            _ if !same_size => Link::None,
            (Some(then), Some(now)) if unchanging => {
                if then == now {
                    Link::Confirmed
                } else {
                    Link::None
                }
            }
            _ if immortal(old) => Link::Confirmed,
            _ if matches!(kind, Tuple | Method) => self.judge_fixed(then, now),
            _ => Link::Likely,
        }
    }

    /// Objects whose references never change.
    fn judge_fixed(&self, then: ObjectId, now: ObjectId) -> Link {
        let row = |snapshot: &Snapshot, id| {
            let targets = snapshot.references.of(id).map(|(target, _)| snapshot.objects.addresses.get(target));
            (targets.len(), targets.take(COMPARED).collect::<Vec<_>>())
        };
        match (row(self.before, then), row(self.after, now)) {
            (a, b) if a != b => Link::None,
            _ => Link::Likely,
        }
    }
}
