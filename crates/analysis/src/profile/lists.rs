//! Lists: sums by place, thread and newest frames.

use std::collections::HashMap;
use std::hash::Hash;

use super::amount::Amount;
use super::forest::Forest;
use super::places::{NO_FRAME, module};
use super::types::*;
use super::{Chosen, Profile, Selection};
use crate::{AnalysisError, limit};

/// Frames of a stack that tell leaks apart.
const NEWEST: usize = 5;

/// What the places of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Lines.
    Line,
    /// Functions.
    Function,
    /// Files.
    File,
    /// Modules.
    Module,
}

/// Sums of one place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub shown: Amount,
    pub inclusive: Amount,
    pub allocated: Amount,
    pub temporary: Amount,
    pub peak: Amount,
}

/// Places that count together.
pub(super) struct Groups {
    /// The group of each place.
    of: Vec<u32>,
    /// One place of each group.
    pub example: Vec<u32>,
}

/// Rows of a list.
struct Listed {
    rows: Vec<PlaceRow>,
    count: u64,
    rest_bytes: u64,
}

/// The first `top` of the groups that have something, by `key`; how many they are, and the bytes that the others have by `part`,
/// of which a sum makes sense.
fn ranked(
    sums: Vec<Sums>,
    key: impl Fn(&Sums) -> Amount,
    part: impl Fn(&Sums) -> Amount,
    top: usize,
) -> (Vec<(usize, Sums)>, u64, u64) {
    let has_some = |(_, sums): &(usize, Sums)| key(sums) != Amount::default();
    let mut order: Vec<(usize, Sums)> = sums.into_iter().enumerate().filter(has_some).collect();
    order.sort_by_key(|(group, sums)| (std::cmp::Reverse((key(sums).bytes, key(sums).blocks)), *group));
    let count = order.len() as u64;
    let rest: Amount = order.iter().skip(limit(top)).map(|(_, sums)| part(sums)).sum();
    order.truncate(limit(top));
    (order, count, rest.bytes)
}

impl Profile {
    /// The trace as a whole, with its largest lines. Cost: that of [`Profile::places`].
    pub fn summary(&self, selection: &Selection) -> Result<SummaryView, AnalysisError> {
        let chosen = self.chosen(selection)?;
        let listed = self.listed(By::Line, &chosen, selection);
        let sum = |of: fn(&Chosen) -> Amount| self.scale.figures(chosen.iter().map(of).sum());
        // The peak of a part is not known: what it had at the peak of all is.
        let peak = sum(|chosen| chosen.row.peak);
        let end = sum(|chosen| chosen.row.live);
        let allocated = sum(|chosen| chosen.row.allocated);
        let temporary = sum(|chosen| chosen.row.temporary).count;
        let mut threads: Vec<u32> = chosen.iter().map(|chosen| chosen.row.thread).collect();
        threads.sort_unstable();
        threads.dedup();
        Ok(SummaryView {
            peak_bytes: peak.bytes,
            peak_error_bytes: peak.error_bytes,
            peak_count: peak.count,
            peak_at_ns: self.totals.peak_ns,
            end_bytes: end.bytes,
            end_error_bytes: end.error_bytes,
            end_count: end.count,
            allocated_bytes: allocated.bytes,
            allocated_error_bytes: allocated.error_bytes,
            allocations: allocated.count,
            temporary_allocations: (self.head.sample_bytes == 0).then_some(temporary),
            peak_resident_bytes: self.totals.peak_resident_bytes,
            threads: threads.len() as u64,
            exit_code: self.end.and_then(|end| end.exit_code),
            signal: self.end.and_then(|end| end.signal),
            header: self.header(selection, chosen.iter().map(|chosen| chosen.shown).sum()),
            lines: listed.rows,
            line_count: listed.count,
            rest_bytes: listed.rest_bytes,
        })
    }

    /// Blocks by line, function, file or module of their newest frame. Cost: linear in rows and frames.
    pub fn places(&self, by: By, selection: &Selection) -> Result<PlacesView, AnalysisError> {
        let chosen = self.chosen(selection)?;
        let listed = self.listed(by, &chosen, selection);
        Ok(PlacesView {
            header: self.header(selection, chosen.iter().map(|chosen| chosen.shown).sum()),
            is_inclusive: selection.inclusive,
            places: match by {
                By::Line => PlaceRows::Lines(listed.rows),
                By::Function => PlaceRows::Functions(listed.rows),
                By::File => PlaceRows::Files(listed.rows),
                By::Module => PlaceRows::Modules(listed.rows),
            },
            place_count: listed.count,
            rest_bytes: listed.rest_bytes,
        })
    }

    fn listed(&self, by: By, chosen: &[Chosen], selection: &Selection) -> Listed {
        let groups = self.groups(by);
        let key = |sums: &Sums| if selection.inclusive { sums.inclusive } else { sums.shown };
        let (order, count, rest_bytes) =
            ranked(self.sums(&groups, chosen, true), key, |sums| sums.shown, selection.top);
        let all: Amount = chosen.iter().map(|chosen| chosen.shown).sum();
        let row = |(group, sums): (usize, Sums)| {
            let (file, line, function, module) = self.names(by, groups.example.get(group).copied().unwrap_or_default());
            PlaceRow {
                file,
                line,
                function,
                module,
                figures: self.scale.figures(sums.shown),
                share: share(key(&sums).bytes, all.bytes),
                inclusive_bytes: sums.inclusive.bytes,
                allocated_bytes: sums.allocated.bytes,
                allocations: self.scale.count(sums.allocated),
            }
        };
        Listed { rows: order.into_iter().map(row).collect(), count, rest_bytes }
    }

    /// Lines by what they allocated over the whole run, or of that what was free again at once.
    pub fn churn(&self, is_temporary: bool, selection: &Selection) -> Result<ChurnView, AnalysisError> {
        if is_temporary && self.head.sample_bytes > 0 {
            return Err(AnalysisError::NotInASample { sample_bytes: self.head.sample_bytes });
        }
        let chosen = self.chosen(selection)?;
        let groups = self.groups(By::Line);
        let key = |sums: &Sums| if is_temporary { sums.temporary } else { sums.allocated };
        let sums = self.sums(&groups, &chosen, false);
        let all: Amount = sums.iter().map(key).sum();
        let (order, count, rest) = ranked(sums, key, key, selection.top);
        let row = |(group, sums): (usize, Sums)| ChurnRow {
            spot: self.places.spot(groups.example.get(group).copied().unwrap_or_default()),
            figures: self.scale.figures(key(&sums)),
            share: share(key(&sums).bytes, all.bytes),
            allocated_bytes: sums.allocated.bytes,
            allocations: self.scale.count(sums.allocated),
            peak_bytes: sums.peak.bytes,
        };
        Ok(ChurnView {
            header: self.header(selection, all),
            is_temporary,
            lines: order.into_iter().map(row).collect(),
            line_count: count,
            rest_bytes: rest,
        })
    }

    /// Blocks by the newest frames of their stacks.
    pub fn leaks(&self, selection: &Selection) -> Result<LeaksView, AnalysisError> {
        let chosen = self.chosen(selection)?;
        let mut sums: HashMap<(Vec<u32>, bool), (Amount, Amount)> = HashMap::new();
        for row in chosen.iter().filter(|row| row.shown != Amount::default()) {
            let mut stack = self.places.stack(row.frame);
            let newest: Vec<u32> = stack.by_ref().take(NEWEST).map(|frame| self.places.of(frame)).collect();
            let sum = sums.entry((newest, stack.next().is_some())).or_default();
            sum.0 += row.shown;
            sum.1 += row.row.allocated;
        }
        let mut order: Vec<_> = sums.into_iter().collect();
        order.sort_by(|(left, a), (right, b)| {
            (b.0.bytes, b.0.blocks).cmp(&(a.0.bytes, a.0.blocks)).then(left.cmp(right))
        });
        let count = order.len() as u64;
        let rest = order.iter().skip(limit(selection.top)).map(|(_, sums)| sums.0.bytes).sum();
        order.truncate(limit(selection.top));
        let all: Amount = chosen.iter().map(|chosen| chosen.shown).sum();
        let row = |((stack, has_older), (live, allocated)): ((Vec<u32>, bool), (Amount, Amount))| StackRow {
            stack: stack.into_iter().map(|place| self.places.spot(place)).collect(),
            has_older,
            figures: self.scale.figures(live),
            share: share(live.bytes, all.bytes),
            allocated_bytes: allocated.bytes,
            allocations: self.scale.count(allocated),
        };
        let leaks = order.into_iter().map(row).collect();
        Ok(LeaksView { header: self.header(selection, all), leaks, leak_count: count, rest_bytes: rest })
    }

    /// Blocks by the thread that allocated them.
    pub fn threads(&self, selection: &Selection) -> Result<ThreadSumsView, AnalysisError> {
        let chosen = self.chosen(selection)?;
        let mut sums: HashMap<u32, [Amount; 3]> = HashMap::new();
        for row in &chosen {
            let sum = sums.entry(row.row.thread).or_default();
            sum[0] += row.shown;
            sum[1] += row.row.live;
            sum[2] += row.row.allocated;
        }
        let mut order: Vec<(u32, [Amount; 3])> = sums.into_iter().collect();
        order.sort_by_key(|(thread, sums)| (std::cmp::Reverse((sums[0].bytes, sums[2].bytes)), *thread));
        let count = order.len() as u64;
        let rest = order.iter().skip(limit(selection.top)).map(|(_, sums)| sums[0].bytes).sum();
        order.truncate(limit(selection.top));
        let all: Amount = chosen.iter().map(|chosen| chosen.shown).sum();
        let row = |(thread, [shown, live, allocated]): (u32, [Amount; 3])| ThreadSums {
            thread,
            figures: self.scale.figures(shown),
            share: share(shown.bytes, all.bytes),
            end_bytes: live.bytes,
            allocated_bytes: allocated.bytes,
            allocations: self.scale.count(allocated),
        };
        let threads = order.into_iter().map(row).collect();
        Ok(ThreadSumsView { header: self.header(selection, all), threads, thread_count: count, rest_bytes: rest })
    }

    /// What was live over time. It is that of all threads and places, whatever else is selected.
    pub fn timeline(&self) -> TimelineView {
        let header = self.header(&Selection::default(), self.totals.peak);
        TimelineView {
            header,
            peak_bytes: self.totals.peak.bytes,
            peak_at_ns: self.totals.peak_ns,
            step_ns: self.timeline_step_ns,
            points: self.timeline.clone(),
        }
    }

    /// Sums of each group.
    pub(super) fn sums(&self, groups: &Groups, chosen: &[Chosen], inclusive: bool) -> Vec<Sums> {
        let mut sums = vec![Sums::default(); groups.example.len()];
        for row in chosen {
            let group = groups.of.get(self.places.of(row.frame) as usize).copied().unwrap_or_default();
            let Some(sum) = sums.get_mut(group as usize) else { continue };
            sum.shown += row.shown;
            sum.allocated += row.row.allocated;
            sum.temporary += row.row.temporary;
            sum.peak += row.row.peak;
        }
        if inclusive {
            let forest = Forest::new(&self.places, chosen);
            let all = forest.by_group(&self.places, &groups.of, groups.example.len());
            sums.iter_mut().zip(all).for_each(|(sum, inclusive)| sum.inclusive = inclusive);
        }
        sums
    }

    fn groups(&self, by: By) -> Groups {
        let places = &self.places;
        let mut modules: HashMap<String, u32> = HashMap::new();
        let module_of: Vec<u32> = match by {
            By::Module => (places.files().iter())
                .map(|file| {
                    let next = modules.len() as u32;
                    *modules.entry(module(file)).or_insert(next)
                })
                .collect(),
            _ => Vec::new(),
        };
        self.groups_by(|place| {
            let function = places.get(place).function;
            let file = places.function_at(function).file;
            match by {
                By::Line => place,
                By::Function => function,
                By::File => file,
                By::Module => module_of.get(file as usize).copied().unwrap_or_default(),
            }
        })
    }

    /// Places that have the same key.
    pub(super) fn groups_by<K: Eq + Hash>(&self, key: impl Fn(u32) -> K) -> Groups {
        let places = self.places.place_count();
        let mut numbers: HashMap<K, u32> = HashMap::new();
        let mut groups = Groups { of: Vec::with_capacity(places), example: Vec::new() };
        for place in 0..places as u32 {
            let group = *numbers.entry(key(place)).or_insert_with(|| {
                groups.example.push(place);
                groups.example.len() as u32 - 1
            });
            groups.of.push(group);
        }
        groups
    }

    /// File, line, function and module of the group that a place is in, as far as it has them.
    fn names(&self, by: By, place: u32) -> (String, Option<u32>, Option<String>, Option<String>) {
        let place = self.places.get(place);
        let function = self.places.function_at(place.function);
        let file = self.places.file(function.file);
        let words = match by {
            By::Line => (Some(place.line), Some(function.name.clone()), None),
            By::Function => (Some(function.first_line), Some(function.name.clone()), None),
            By::File => (None, None, None),
            By::Module if file.is_empty() => (None, None, Some(NO_FRAME.to_owned())),
            By::Module => (None, None, Some(module(file))),
        };
        (file.to_owned(), words.0, words.1, words.2)
    }
}

/// `part` of `whole`, 0 to 1.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
