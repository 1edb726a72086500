//! Two moments of a process (or two runs of a program): what has grown, where it gathers, and whether it will end.

mod account;
pub(crate) mod check;
mod collection;
mod judge;
mod memory;
mod suspects;
mod tables;
mod verdict;
mod view;

use memsight_heap::{Matching, Moments};
use memsight_model::{Progress, SCHEMA_VERSION};

pub use view::*;

use crate::{Analysis, AnalysisError, limit};
use account::{Books, Look};
use collection::Waiting;
use judge::{Judge, Recent};
use memory::Memory;
use verdict::Evidence;

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompareOptions {
    /// Allow two runs of one program, compared by type and place.
    pub runs: bool,
    /// Rows of each list; 0 means all.
    pub top: usize,
}

/// Two moments with everything that is known of both.
struct Pair<'a> {
    before: &'a Analysis<'a>,
    after: &'a Analysis<'a>,
    matching: Matching,
    books: Books<'a>,
}

impl<'a> Pair<'a> {
    fn new(then: Look<'a>, now: Look<'a>, basis: Basis) -> Pair<'a> {
        let moments = Moments::new(then.0.snapshot, now.0.snapshot);
        let matching = match basis {
            Basis::Address => moments.by_address(),
            Basis::Place => moments.by_place(),
        };
        let books = Books::new(then, now, &moments, &matching);
        Pair { before: then.0, after: now.0, matching, books }
    }
}

/// Compares the first look with the last; looks in between tell whether the growth goes on. The order is found by the
/// time of the looks.
///
/// Cost: a few passes over objects and references of both, and the paths of both. Beside the analyses: 21 bytes an object
/// of both, and some for each place that has changed.
pub fn compare<'a>(
    looks: &[&'a Analysis<'a>],
    options: &CompareOptions,
    progress: &dyn Progress,
) -> Result<CompareView, AnalysisError> {
    let mut ordered = looks.to_vec();
    ordered.sort_by_key(|look| when(look));
    let swapped = ordered.iter().zip(looks).any(|(a, b)| !std::ptr::eq(*a, *b));
    let (&[first, ..], &[.., last]) = (&ordered[..], &ordered[..]) else {
        return Err(AnalysisError::TooFewLooks { given: looks.len() });
    };
    let [.., before_last, _] = ordered[..] else {
        return Err(AnalysisError::TooFewLooks { given: looks.len() });
    };
    let mut basis = Basis::Address;
    for pair in ordered.windows(2) {
        if check::basis(pair[0].snapshot, pair[1].snapshot, options.runs)? == Basis::Place {
            basis = Basis::Place;
        }
    }
    progress.phase("comparing objects", None);
    let [then, now] = &[first, last].map(Waiting::new);
    let between = if ordered.len() > 2 { Waiting::new(before_last) } else { Waiting::default() };
    let whole = Pair::new((first, then), (last, now), basis);
    let part = part_of(first, before_last, last, ordered.len());
    let recent = (ordered.len() > 2).then(|| {
        progress.phase("comparing the last interval", None);
        Recent::new(Pair::new((before_last, &between), (last, now), basis), part)
    });
    let pending = collection::pending(first.snapshot, then, last.snapshot, now);
    let middle = (ordered.len() > 2).then_some(before_last);
    let memory = Memory::new(first, middle, last, part);
    let judge = Judge::new(&whole, recent.as_ref(), pending.as_ref());
    let view = view(&ordered, basis, &judge, memory.as_ref(), limit(options.top));
    Ok(CompareView { swapped, pending, ..view })
}

fn view(
    looks: &[&Analysis<'_>],
    basis: Basis,
    judge: &Judge<'_, '_>,
    memory: Option<&Memory>,
    top: usize,
) -> CompareView {
    let whole = judge.whole;
    let (suspects, all) = judge.suspects(top);
    let (types, type_count) = tables::types(whole, top);
    let (paths, path_count) = judge.paths(top);
    let (containers, container_count) = tables::containers(whole, judge.threshold(), top);
    let (code, code_count) = tables::code(whole, top);
    let growth = tables::growth(whole);
    let interval_ns = interval(whole.before, whole.after);
    let rows = memory.map(Memory::rows).unwrap_or_default();
    let memory_threshold_bytes = memory::threshold(whole.after.snapshot.manifest.rss_bytes);
    let evidence = Evidence {
        suspects: &all,
        memory: memory.is_some().then_some(&rows[..]),
        growth: &growth,
        pending: judge.pending,
        threshold: judge.threshold(),
        memory_threshold: memory_threshold_bytes,
        interval_ns,
        looks: looks.len(),
        basis,
        pid: whole.after.snapshot.manifest.pid,
    };
    CompareView {
        schema_version: SCHEMA_VERSION,
        moments: looks.iter().map(|look| tables::moment(look)).collect(),
        swapped: false,
        interval_ns,
        verdict: verdict::verdict(&evidence),
        growth,
        memory: rows,
        memory_threshold_bytes,
        pending: None,
        turnover: tables::turnover(whole),
        identity: tables::identity(basis, &whole.matching.evidence),
        threshold_bytes: judge.threshold(),
        suspects,
        types,
        type_count,
        code,
        code_count,
        paths,
        path_count,
        containers,
        container_count,
    }
}

fn when(look: &Analysis<'_>) -> (String, Option<u64>) {
    let manifest = &look.snapshot.manifest;
    (manifest.created.clone(), manifest.created_ns)
}

fn interval(before: &Analysis<'_>, after: &Analysis<'_>) -> Option<u64> {
    let at = |look: &Analysis<'_>| look.snapshot.manifest.created_ns;
    at(after)?.checked_sub(at(before)?).filter(|&ns| ns > 0)
}

/// The last interval as a part of the whole time, 0 to 1; equal intervals where the looks do not say.
fn part_of(first: &Analysis<'_>, before_last: &Analysis<'_>, last: &Analysis<'_>, looks: usize) -> f64 {
    match (interval(before_last, last), interval(first, last)) {
        (Some(recent), Some(whole)) => recent as f64 / whole as f64,
        _ => 1.0 / (looks.max(2) - 1) as f64,
    }
}
