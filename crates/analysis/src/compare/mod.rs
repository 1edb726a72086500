//! Two moments of a process (or two runs of a program): what has grown, where it gathers, and whether it will end.

mod account;
mod check;
mod judge;
mod suspects;
mod tables;
mod verdict;
mod view;

use memsight_heap::{Matching, Moments};
use memsight_model::{Progress, SCHEMA_VERSION};

pub use view::*;

use crate::{Analysis, AnalysisError, limit};
use account::Books;
use judge::{Judge, Recent};

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
    fn new(before: &'a Analysis<'a>, after: &'a Analysis<'a>, basis: Basis) -> Pair<'a> {
        let moments = Moments::new(before.snapshot, after.snapshot);
        let matching = match basis {
            Basis::Address => moments.by_address(),
            Basis::Place => moments.by_place(),
        };
        let books = Books::new(before, after, &moments, &matching);
        Pair { before, after, matching, books }
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
    let whole = Pair::new(first, last, basis);
    let recent = (ordered.len() > 2).then(|| {
        progress.phase("comparing the last interval", None);
        let pair = Pair::new(before_last, last, basis);
        Recent::new(pair, part_of(first, before_last, last, ordered.len()))
    });
    Ok(view(&ordered, swapped, basis, &whole, recent.as_ref(), limit(options.top)))
}

fn view(
    looks: &[&Analysis<'_>],
    swapped: bool,
    basis: Basis,
    whole: &Pair<'_>,
    recent: Option<&Recent<'_>>,
    top: usize,
) -> CompareView {
    let judge = Judge::new(whole, recent);
    let (suspects, all) = judge.suspects(top);
    let (types, type_count) = tables::types(whole, top);
    let (paths, path_count) = judge.paths(top);
    let (containers, container_count) = tables::containers(whole, top);
    let growth = tables::growth(whole);
    let interval_ns = interval(whole.before, whole.after);
    CompareView {
        schema_version: SCHEMA_VERSION,
        moments: looks.iter().map(|look| tables::moment(look)).collect(),
        swapped,
        interval_ns,
        verdict: verdict::verdict(&all, &growth, judge.threshold(), interval_ns, looks.len(), basis),
        growth,
        turnover: tables::turnover(whole),
        identity: tables::identity(basis, &whole.matching.evidence),
        threshold_bytes: judge.threshold(),
        suspects,
        types,
        type_count,
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
