//! The arithmetic: counts, less what is found.

use memsight_model::{Holder, HolderKind, LabelKind, ObjectFlags, ObjectId, ObjectKind, RootKind, Snapshot};

/// Counts from here on mean "never freed" in 3.11, which marks static objects so before immortality had a flag.
const HELD_FOR_GOOD: u32 = 1 << 28;

/// Every object whose count differs from what was found.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Objects whose count says nothing.
    pub left_out: u64,
    /// Objects whose count is explained whole.
    pub exact: u64,
    pub surplus: Vec<Account>,
    pub deficits: Vec<Account>,
}

/// An object's count.
#[derive(Debug)]
pub(super) struct Account {
    pub object: ObjectId,
    pub refcount: u64,
    /// References found, those of conservative scans included where the count has room for them.
    pub found: u64,
    /// What is left of the count, or missing from it.
    pub surplus: u64,
    /// Of it what no place explains.
    pub unexplained: u64,
    /// Places that may hold the rest, with how much.
    pub held: Vec<(Holder, u64)>,
}

impl Account {
    /// Whether what explains it is a variable or state, not what is left on a stack.
    pub fn is_firm(&self) -> bool {
        let weak = |kind| matches!(kind, HolderKind::Stack | HolderKind::Temporary);
        !self.held.iter().any(|(holder, _)| weak(holder.kind))
    }
}

/// What is found of each object.
struct Found {
    /// References that a table tells of.
    known: Vec<u32>,
    /// References that a scan of a C struct found: there, or not.
    inferred: Vec<u32>,
    permanent: Vec<bool>,
}

impl Audit {
    pub fn of(snapshot: &Snapshot) -> Audit {
        let found = Found::new(snapshot);
        let mut audit = Audit::default();
        for id in snapshot.objects.ids() {
            let refcount = snapshot.objects.refcounts.get(id);
            let immortal = snapshot.objects.flags.get(id.index()).is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL));
            if immortal || refcount >= HELD_FOR_GOOD || found.permanent[id.index()] {
                audit.left_out += 1;
            } else {
                audit.book(snapshot, &found, id, refcount);
            }
        }
        audit
    }

    fn book(&mut self, snapshot: &Snapshot, found: &Found, object: ObjectId, refcount: u32) {
        let (known, inferred) = (found.known[object.index()], found.inferred[object.index()]);
        let refcount_of = |found: u32| (u64::from(refcount), u64::from(found));
        if refcount < known {
            let (refcount, found) = refcount_of(known);
            let missing = found - refcount;
            let held = Vec::new();
            self.deficits.push(Account { object, refcount, found, surplus: missing, unexplained: missing, held });
            return;
        }
        let found = known.saturating_add(inferred).min(refcount);
        if found == refcount {
            self.exact += 1;
            return;
        }
        let (refcount, found) = refcount_of(found);
        let surplus = refcount - found;
        let mut unexplained = surplus;
        let mut held = Vec::new();
        for holder in holders(snapshot, object).iter().filter(|holder| holder.kind != HolderKind::Counted) {
            let taken = unexplained.min(u64::from(holder.count));
            unexplained -= taken;
            if taken > 0 {
                held.push((*holder, taken));
            }
        }
        self.surplus.push(Account { object, refcount, found, surplus, unexplained, held });
    }
}

/// The holders of an object, surest first.
fn holders(snapshot: &Snapshot, object: ObjectId) -> &[Holder] {
    let first = snapshot.holders.partition_point(|holder| holder.object < object);
    let count = snapshot.holders[first..].partition_point(|holder| holder.object == object);
    &snapshot.holders[first..first + count]
}

impl Found {
    fn new(snapshot: &Snapshot) -> Found {
        let objects = snapshot.objects.len();
        let mut found = Found { known: vec![0; objects], inferred: vec![0; objects], permanent: vec![false; objects] };
        let interned = interned_table(snapshot);
        for id in snapshot.objects.ids().filter(|id| Some(*id) != interned) {
            for (target, label) in snapshot.references.of(id).filter(|(_, label)| label.is_strong()) {
                let inferred = label.kind() == LabelKind::Inferred;
                let column = if inferred { &mut found.inferred } else { &mut found.known };
                if let Some(sum) = column.get_mut(target.index()) {
                    *sum = sum.saturating_add(1);
                }
            }
        }
        for holder in &snapshot.holders {
            let Some(sum) = found.known.get_mut(holder.object.index()) else { continue };
            match holder.kind {
                HolderKind::Counted => *sum = sum.saturating_add(holder.count),
                HolderKind::Permanent => found.permanent[holder.object.index()] = true,
                _ => {}
            }
        }
        found
    }
}

/// The table of interned strings, whose references are not counted.
fn interned_table(snapshot: &Snapshot) -> Option<ObjectId> {
    let is_table = |id: ObjectId| snapshot.type_of(id).is_some_and(|record| record.kind == ObjectKind::Dict);
    snapshot.roots.iter().find(|root| root.kind == RootKind::Interned && is_table(root.object)).map(|root| root.object)
}
