//! Growth of the whole heap, of types and of containers.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use memsight_heap::{Evidence, Link, Node};
use memsight_model::{ObjectId, count};

use super::Pair;
use super::account::signed;
use super::view::{Amount, Basis, CodeGrowth, ContainerGrowth, Growth, Identity, Moment, Turnover, TypeGrowth};
use crate::Analysis;
use crate::code::Source;
use crate::code_rows::MANY;
use crate::words::{object_kind, type_name};

pub(super) fn moment(look: &Analysis<'_>) -> Moment {
    let manifest = &look.snapshot.manifest;
    Moment {
        pid: manifest.pid,
        python: manifest.python.clone(),
        created: manifest.created.clone(),
        mode: manifest.mode,
        partial: manifest.partial.clone(),
        objects: look.snapshot.objects.len() as u64,
        heap_bytes: look.graph.tree().total_bytes(),
        heap_resident_bytes: look.graph.tree().total_resident_bytes(),
        rss_bytes: manifest.rss_bytes,
    }
}

pub(super) fn growth(pair: &Pair<'_>) -> Growth {
    let (then, now) = (moment(pair.before), moment(pair.after));
    let more = |then, now| signed(now) - signed(then);
    Growth {
        objects: more(then.objects, now.objects),
        heap_bytes: more(then.heap_bytes, now.heap_bytes),
        heap_resident_bytes: more(then.heap_resident_bytes, now.heap_resident_bytes),
        rss_bytes: more(then.rss_bytes, now.rss_bytes),
    }
}

/// Whether an object of the later moment was there at the earlier one.
fn survives(pair: &Pair<'_>, now: ObjectId) -> bool {
    matches!(pair.matching.link(now), Link::Likely | Link::Confirmed)
}

/// Whether an object of the earlier moment is still there.
fn stays(pair: &Pair<'_>, then: ObjectId) -> bool {
    pair.matching.now(then).is_some_and(|now| survives(pair, now))
}

pub(super) fn turnover(pair: &Pair<'_>) -> Turnover {
    let mut turnover = Turnover::default();
    let add = |amount: &mut Amount, look: &Analysis<'_>, object| {
        let tree = look.graph.tree();
        amount.objects += 1;
        amount.bytes += tree.own(tree.node(object));
    };
    for now in pair.after.snapshot.objects.ids() {
        let amount = if survives(pair, now) { &mut turnover.surviving } else { &mut turnover.new };
        add(amount, pair.after, now);
    }
    for then in pair.before.snapshot.objects.ids().filter(|&then| !stays(pair, then)) {
        add(&mut turnover.gone, pair.before, then);
    }
    turnover
}

pub(super) fn identity(basis: Basis, evidence: &Evidence) -> Identity {
    let statement = match basis {
        Basis::Address => format!(
            "An object is the same when address and type are, the same objects hold it, and size, age and content do \
             not speak against it. {} of the survivors are confirmed by content, or never die; {} are the same by \
             address, type and holder: among these may be objects that took the address of one of their type that was \
             freed from the same place. {} addresses were taken by another object; at {} an object of the same type \
             is in other hands, which moved or is another one: it counts as gone there and as new here.",
            count(evidence.confirmed),
            count(evidence.likely),
            count(evidence.reused),
            count(evidence.elsewhere),
        ),
        Basis::Place => format!(
            "Two runs: no address means the same in both. {} objects stand in the same place (attribute, variable, key), \
             and all else is told by type and path alone: what is new and what is gone is only counted.",
            count(evidence.placed),
        ),
    };
    Identity {
        basis,
        confirmed: evidence.confirmed,
        likely: evidence.likely,
        replaced: evidence.placed,
        reused: evidence.reused,
        moved: evidence.elsewhere,
        statement,
    }
}

/// Types that have changed, by growth. Cost: one pass over the objects of both.
pub(super) fn types(pair: &Pair<'_>, top: usize) -> (Vec<TypeGrowth>, u64) {
    let mut rows: BTreeMap<String, TypeGrowth> = BTreeMap::new();
    for (look, now) in [(pair.before, false), (pair.after, true)] {
        for row in look.histogram(std::iter::once(look.graph.tree().range(Node::ROOT))) {
            let bytes = row.shallow_bytes + row.external_bytes;
            let growth = rows.entry(row.type_name.clone()).or_insert_with(|| nothing(row.type_name));
            let place = match now {
                true => (&mut growth.count_now, &mut growth.bytes_now, &mut growth.retained_now_bytes),
                false => (&mut growth.count_then, &mut growth.bytes_then, &mut growth.retained_then_bytes),
            };
            (*place.0, *place.1, *place.2) = (row.count, bytes, row.retained_bytes);
        }
    }
    let mut add = |look: &Analysis<'_>, left: &dyn Fn(ObjectId) -> bool, place: fn(&mut TypeGrowth) -> &mut u64| {
        let mut counts = vec![0u64; look.group_count()];
        look.snapshot.objects.ids().filter(|&id| left(id)).for_each(|id| counts[look.group(id) as usize] += 1);
        for (group, count) in (0..).zip(counts).filter(|(_, count)| *count > 0) {
            if let Some(row) = rows.get_mut(look.group_name(group)) {
                *place(row) += count;
            }
        }
    };
    add(pair.after, &|now| !survives(pair, now), |row| &mut row.new);
    add(pair.before, &|then| !stays(pair, then), |row| &mut row.gone);
    let mut rows: Vec<TypeGrowth> = rows.into_values().collect();
    rows.iter_mut().for_each(|row| row.growth_bytes = signed(row.bytes_now) - signed(row.bytes_then));
    rows.retain(|row| row.growth_bytes != 0 || row.count_then != row.count_now);
    rows.sort_by_key(|row| Reverse(row.growth_bytes));
    let count = rows.len() as u64;
    rows.truncate(top);
    (rows, count)
}

fn nothing(type_name: String) -> TypeGrowth {
    TypeGrowth {
        type_name,
        count_then: 0,
        count_now: 0,
        new: 0,
        gone: 0,
        bytes_then: 0,
        bytes_now: 0,
        growth_bytes: 0,
        retained_then_bytes: 0,
        retained_now_bytes: 0,
    }
}

/// What runs of which there are many more than before, by its code. Cost: one pass over the objects of both.
pub(super) fn code(pair: &Pair<'_>, top: usize) -> (Vec<CodeGrowth>, u64) {
    let mut then = pair.before.code_counts();
    let row = |((type_name, source), (count_now, retained_now_bytes)): ((String, Source), (u64, u64))| {
        let key = (type_name, source);
        let (count_then, retained_then_bytes) = then.remove(&key).unwrap_or_default();
        let (type_name, source) = key;
        CodeGrowth { type_name, source, count_then, count_now, retained_then_bytes, retained_now_bytes }
    };
    let mut rows: Vec<CodeGrowth> = pair.after.code_counts().into_iter().map(row).collect();
    let more = |row: &CodeGrowth| row.count_now.saturating_sub(row.count_then);
    rows.retain(|row| more(row) >= MANY);
    rows.sort_by_key(|row| Reverse(more(row)));
    let count = rows.len() as u64;
    rows.truncate(top);
    (rows, count)
}

/// Containers with `least` bytes or more in them than before, by growth. Cost: the references of those shown.
pub(super) fn containers(pair: &Pair<'_>, least: u64, top: usize) -> (Vec<ContainerGrowth>, u64) {
    let snapshot = pair.after.snapshot;
    let container = |object: ObjectId| {
        object_kind(snapshot, object).is_container() || type_name(snapshot, object) == "collections.deque"
    };
    let mut grown: Vec<(i64, ObjectId)> = (pair.books.holders.iter())
        .map(|(&object, &growth)| (growth, ObjectId(object)))
        .filter(|&(growth, object)| growth > 0 && growth.unsigned_abs() >= least && container(object))
        .collect();
    grown.sort_by_key(|&(growth, object)| (Reverse(growth), object));
    let count = grown.len() as u64;
    grown.truncate(top);
    let row = |(growth_bytes, now): (i64, ObjectId)| {
        let then = pair.matching.then(now)?;
        let tree = pair.before.graph.tree();
        Some(ContainerGrowth {
            object: pair.after.container_ref(now),
            length_then: pair.before.length(then),
            length_now: pair.after.length(now),
            retained_then_bytes: tree.retained(tree.node(then)),
            growth_bytes,
        })
    };
    (grown.into_iter().filter_map(row).collect(), count)
}
