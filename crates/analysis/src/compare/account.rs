//! Every byte of the difference, booked where it hangs.
//!
//! Each object without a counterpart is followed up its shortest path to the last object that has one: its *holder*.
//! New objects add their bytes to the holder's account, gone ones take theirs off, and a pair adds what its object has
//! gained itself. So the accounts add up to the difference of the two heaps exactly, and a cache that forgets as much as
//! it learns stands at nothing. Holders whose paths differ only in indices and keys share an account.

use std::collections::HashMap;

use memsight_heap::{Matching, Moments, Step};
use memsight_model::{LabelKind, ObjectFlags, ObjectId, ObjectKind, RootKind, Snapshot};

use super::collection::Waiting;
use super::view::Amount;
use crate::Analysis;
use crate::shapes::Shapes;
use crate::words::{is_namespace, object_kind, type_name};

const NONE: u32 = u32::MAX;
/// All garbage stands in one account: cycles of one type that are freed make up for those of another that have gathered.
const GARBAGE: &str = "unreachable cycles";
/// What paths through garbage begin with.
const UNREACHABLE: &str = "unreachable cycle";

/// What kind of place an account stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Items of containers, or objects that have grown themselves.
    Items,
    /// A named place: an attribute, variable, cell or field.
    Named,
    /// Modules that are new, with what they brought.
    Imports,
    /// Held by a root directly.
    Root(RootKind),
    /// Held by nothing: a full collection frees it.
    Garbage,
}

/// What has changed at one merged path.
#[derive(Debug)]
pub(super) struct Account<'s> {
    /// The path to the holder (items) or to the value (named places).
    pub(super) words: Vec<String>,
    pub(super) place: Place,
    pub(super) new: Amount,
    pub(super) gone: Amount,
    /// What pairs have gained themselves.
    pub(super) resized: i64,
    /// Holders at this path, and the one with the largest growth.
    pub(super) holders: u64,
    pub(super) top: Option<(ObjectId, i64)>,
    /// The largest new entry.
    pub(super) example: Option<(ObjectId, u64)>,
    /// New bytes in places where nothing stood before.
    pub(super) first_use: u64,
    /// Entries by type: how many more, and bytes below them.
    pub(super) entries: HashMap<&'s str, (i64, i64)>,
    /// Entries that came and that went.
    pub(super) came: u64,
    pub(super) went: u64,
    /// Sum of the squares of their bytes: the variance of growth where coming and going is left to chance.
    pub(super) squares: f64,
    /// The same of pairs that have gained and that have lost bytes themselves: what was replaced at its address by another
    /// of its type looks like them.
    pub(super) widened: u64,
    pub(super) shrunk: u64,
    pub(super) resized_squares: f64,
    /// New bytes that never die: interned strings of some versions.
    pub(super) immortal: u64,
}

impl<'s> Account<'s> {
    /// Bytes more.
    pub(super) fn growth(&self) -> i64 {
        signed(self.new.bytes) - signed(self.gone.bytes) + self.resized
    }

    /// Whether nothing but garbage leads to it.
    pub(super) fn is_garbage(&self) -> bool {
        self.place == Place::Garbage || self.words.first().is_some_and(|root| root == UNREACHABLE)
    }

    fn resize(&mut self, gained: i64) {
        self.resized += gained;
        *if gained > 0 { &mut self.widened } else { &mut self.shrunk } += 1;
        self.resized_squares += (gained as f64).powi(2);
    }

    fn enter(&mut self, amount: Amount, name: &'s str, sign: i64) {
        let (side, times) = if sign > 0 { (&mut self.new, &mut self.came) } else { (&mut self.gone, &mut self.went) };
        side.objects += amount.objects;
        side.bytes += amount.bytes;
        *times += 1;
        self.squares += (amount.bytes as f64).powi(2);
        let sum = self.entries.entry(name).or_default();
        *sum = (sum.0 + sign, sum.1 + sign * signed(amount.bytes));
    }
}

/// The objects of one moment that have no counterpart.
struct Side<'a> {
    analysis: &'a Analysis<'a>,
    waiting: &'a Waiting,
    /// By object: the first on its path without a counterpart, which hangs from the holder.
    entries: Vec<u32>,
    /// What hangs below each entry.
    amounts: HashMap<u32, Amount>,
    /// The account of each entry.
    accounts: HashMap<u32, u32>,
}

/// All accounts of two moments.
pub(super) struct Books<'a> {
    pub(super) accounts: Vec<Account<'a>>,
    /// Growth of each holder, by object of the later moment.
    pub(super) holders: HashMap<u32, i64>,
    then: Side<'a>,
    now: Side<'a>,
}

pub(super) fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A look with what waits for a collection in it.
pub(super) type Look<'a> = (&'a Analysis<'a>, &'a Waiting);

fn is_immortal(snapshot: &Snapshot, object: ObjectId) -> bool {
    snapshot.objects.flags.get(object.index()).is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL))
}

fn own(analysis: &Analysis<'_>, object: ObjectId) -> u64 {
    let tree = analysis.graph.tree();
    tree.own(tree.node(object))
}

impl<'a> Side<'a> {
    /// Cost: one step for each object without a counterpart.
    fn new((analysis, waiting): Look<'a>, paired: impl Fn(ObjectId) -> bool) -> Side<'a> {
        let snapshot = analysis.snapshot;
        let (paths, roots) = (analysis.graph.paths(snapshot), analysis.graph.roots());
        let mut entries = vec![NONE; snapshot.objects.len()];
        let mut amounts: HashMap<u32, Amount> = HashMap::new();
        let mut pending: Vec<ObjectId> = Vec::new();
        for object in snapshot.objects.ids().filter(|&object| !paired(object)) {
            let mut here = object;
            let entry = loop {
                match entries[here.index()] {
                    NONE => {}
                    entry => break entry,
                }
                pending.push(here);
                match paths.last_step(snapshot, roots, here) {
                    Some(Ok(step)) if !paired(step.owner) => here = step.owner,
                    _ => break here.0,
                }
            };
            for passed in pending.drain(..) {
                entries[passed.index()] = entry;
            }
            let amount = amounts.entry(entry).or_default();
            amount.objects += 1;
            amount.bytes += own(analysis, object);
        }
        Side { analysis, waiting, entries, amounts, accounts: HashMap::new() }
    }

    fn sorted(&self) -> Vec<(ObjectId, Amount)> {
        let mut sorted: Vec<(ObjectId, Amount)> = self.amounts.iter().map(|(id, sum)| (ObjectId(*id), *sum)).collect();
        sorted.sort_unstable_by_key(|(id, _)| *id);
        sorted
    }

    /// How the entry hangs from its holder; the kind of the root without one.
    fn hangs(&self, entry: ObjectId) -> Result<(Step, bool), Option<RootKind>> {
        let Analysis { snapshot, graph, .. } = self.analysis;
        let (paths, roots) = (graph.paths(snapshot), graph.roots());
        match paths.last_step(snapshot, roots, entry) {
            Some(Ok(step)) => Ok((step, !self.is_item(&step))),
            Some(Err(origin)) => Err(Some(origin.kind(snapshot))),
            None => Err(None),
        }
    }

    /// Whether the step leads to one of many: an item, not an attribute or variable.
    fn is_item(&self, step: &Step) -> bool {
        let Analysis { snapshot, graph, .. } = self.analysis;
        match step.label.kind() {
            LabelKind::Index | LabelKind::Key | LabelKind::Member => true,
            LabelKind::Value => {
                let above = graph.paths(snapshot).last_step(snapshot, graph.roots(), step.owner);
                !matches!(above, Some(Ok(above)) if is_namespace(snapshot, above.label, above.target))
            }
            _ => false,
        }
    }
}

/// Opens the accounts.
struct Clerk<'a> {
    accounts: Vec<Account<'a>>,
    by_words: HashMap<Vec<String>, u32>,
    /// Account by shape of the later moment.
    by_shape: HashMap<u32, u32>,
    shapes: Shapes<'a>,
    holders: HashMap<u32, (i64, u32)>,
}

impl<'a> Clerk<'a> {
    fn open(&mut self, words: Vec<String>, place: Place) -> u32 {
        let next = self.accounts.len() as u32;
        let number = *self.by_words.entry(words.clone()).or_insert(next);
        if number == next {
            self.accounts.push(Account {
                words,
                place,
                new: Amount::default(),
                gone: Amount::default(),
                resized: 0,
                holders: 0,
                top: None,
                example: None,
                first_use: 0,
                entries: HashMap::new(),
                came: 0,
                went: 0,
                squares: 0.0,
                widened: 0,
                shrunk: 0,
                resized_squares: 0.0,
                immortal: 0,
            });
        }
        number
    }

    /// The account at the path of an object of the later moment.
    fn at(&mut self, object: ObjectId, place: Place) -> Option<u32> {
        let shape = self.shapes.of(object)?;
        if let Some(&number) = self.by_shape.get(&shape) {
            return Some(number);
        }
        let words = self.shapes.words(shape);
        let number = self.open(words, place);
        self.by_shape.insert(shape, number);
        Some(number)
    }

    /// Books `bytes` to a holder of the later moment; gives its account.
    fn book(&mut self, holder: ObjectId, bytes: i64) -> Option<u32> {
        if let Some((sum, number)) = self.holders.get_mut(&holder.0) {
            *sum += bytes;
            return Some(*number);
        }
        let number = self.at(holder, Place::Items)?;
        self.holders.insert(holder.0, (bytes, number));
        Some(number)
    }

    /// `freed`: a full collection frees what the root holds.
    fn root(&mut self, words: Vec<String>, kind: Option<RootKind>, freed: bool) -> u32 {
        match kind {
            Some(RootKind::Unreachable) if freed => self.open(vec![GARBAGE.to_owned()], Place::Garbage),
            Some(RootKind::Module) => self.open(vec!["imported modules".to_owned()], Place::Imports),
            kind => self.open(words, Place::Root(kind.unwrap_or(RootKind::External))),
        }
    }
}

impl<'a> Books<'a> {
    /// Cost: a few passes over the objects without a counterpart, and one over the pairs.
    pub(super) fn new(then: Look<'a>, now: Look<'a>, moments: &Moments<'_>, matching: &Matching) -> Books<'a> {
        let (before, after) = (then.0, now.0);
        let mut clerk = Clerk {
            accounts: Vec::new(),
            by_words: HashMap::new(),
            by_shape: HashMap::new(),
            shapes: Shapes::across(after),
            holders: HashMap::new(),
        };
        let mut now = Side::new(now, |object| matching.then(object).is_some());
        let mut then = Side::new(then, |object| matching.now(object).is_some());
        for object in after.snapshot.objects.ids() {
            let Some(was) = matching.then(object) else { continue };
            let gained = signed(own(after, object)) - signed(own(before, was));
            if gained != 0
                && let Some(number) = clerk.book(object, gained)
            {
                clerk.accounts[number as usize].resize(gained);
            }
        }
        book_new(&mut clerk, &mut now, before.snapshot, moments, matching);
        book_gone(&mut clerk, &mut then, matching);
        let Clerk { mut accounts, holders, .. } = clerk;
        let mut sorted: Vec<(u32, (i64, u32))> = holders.iter().map(|(&id, &sum)| (id, sum)).collect();
        sorted.sort_unstable();
        for (id, (growth, number)) in sorted {
            let account = &mut accounts[number as usize];
            account.holders += 1;
            if account.top.is_none_or(|(_, most)| growth > most) {
                account.top = Some((ObjectId(id), growth));
            }
        }
        let holders = holders.into_iter().map(|(id, (growth, _))| (id, growth)).collect();
        Books { accounts, holders, then, now }
    }

    /// What the accounts `wanted` hold more than before, by type. Cost: one pass over the objects without a counterpart.
    pub(super) fn by_type(&self, wanted: &[u32]) -> HashMap<(u32, &'a str), (i64, i64)> {
        let mut sums: HashMap<(u32, &'a str), (i64, i64)> = HashMap::new();
        for (side, sign) in [(&self.now, 1), (&self.then, -1)] {
            let snapshot = side.analysis.snapshot;
            for object in snapshot.objects.ids() {
                let entry = side.entries[object.index()];
                let Some(number) = side.accounts.get(&entry).filter(|number| wanted.contains(number)) else { continue };
                let sum = sums.entry((*number, type_name(snapshot, object))).or_default();
                sum.0 += sign;
                sum.1 += sign * signed(own(side.analysis, object));
            }
        }
        sums
    }
}

fn book_new<'a>(
    clerk: &mut Clerk<'a>,
    now: &mut Side<'a>,
    before: &Snapshot,
    moments: &Moments<'_>,
    matching: &Matching,
) {
    let snapshot = now.analysis.snapshot;
    for (entry, amount) in now.sorted() {
        let mut first_use = false;
        let number = match now.hangs(entry) {
            Ok((step, false)) => clerk.book(step.owner, signed(amount.bytes)),
            Ok((step, true)) => {
                let held = moments.held_then(matching, step.owner, step.label);
                first_use = held.is_none_or(|object| object_kind(before, object) == ObjectKind::None);
                clerk.at(entry, Place::Named)
            }
            Err(kind) => {
                let words = clerk.shapes.of(entry).map(|shape| clerk.shapes.words(shape)).unwrap_or_default();
                Some(clerk.root(words, kind, now.waiting.has(entry)))
            }
        };
        let Some(number) = number else { continue };
        now.accounts.insert(entry.0, number);
        let account = &mut clerk.accounts[number as usize];
        account.enter(amount, type_name(snapshot, entry), 1);
        account.first_use += if first_use { amount.bytes } else { 0 };
        account.immortal += if is_immortal(snapshot, entry) { amount.bytes } else { 0 };
        if account.example.is_none_or(|(_, most)| amount.bytes > most) {
            account.example = Some((entry, amount.bytes));
        }
    }
}

fn book_gone<'a>(clerk: &mut Clerk<'a>, then: &mut Side<'a>, matching: &Matching) {
    let snapshot = then.analysis.snapshot;
    let mut shapes = Shapes::across(then.analysis);
    for (entry, amount) in then.sorted() {
        let words = |shapes: &mut Shapes<'a>| shapes.of(entry).map(|shape| shapes.words(shape)).unwrap_or_default();
        let number = match then.hangs(entry) {
            Ok((step, false)) => matching.now(step.owner).and_then(|holder| clerk.book(holder, -signed(amount.bytes))),
            Ok(_) => Some(clerk.open(words(&mut shapes), Place::Named)),
            Err(kind) => Some(clerk.root(words(&mut shapes), kind, then.waiting.has(entry))),
        };
        let Some(number) = number else { continue };
        then.accounts.insert(entry.0, number);
        clerk.accounts[number as usize].enter(amount, type_name(snapshot, entry), -1);
    }
}
