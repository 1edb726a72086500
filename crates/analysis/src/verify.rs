//! What fixes have really saved: figures of runs before and after, told apart from noise.
//!
//! ```text
//! Samples (runs of the program as it was)  ─┐
//! Samples (runs of it with a fix)          ─┴─> Effect ──> what counts: Effect::saving
//! ```
//! Peaks and times move from run to run: two sets of runs are compared by the ranks of their figures, exactly, over all ways in which
//! they could have been dealt out (the permutation test of Mann and Whitney, and the interval that belongs to it). Traced figures
//! repeat; what two traces of the same program differ by is their noise.

use serde::Serialize;

/// Runs with less than this part of the figure saved are not worth a change.
const LEAST_PART: f64 = 0.01;
/// An interval that is narrower than this part of what is saved is narrow enough.
const SHARP: f64 = 0.02;
/// One time in twenty chance alone is taken for a difference.
const CHANCE: f64 = 0.05;

/// Figures of one program, a value a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Samples {
    /// Highest resident sets of its processes.
    pub peak_bytes: Vec<u64>,
    /// Processor time.
    pub cpu_ns: Vec<u64>,
    /// Traced runs, apart from the others.
    pub traced: Vec<Traced>,
}

/// What a trace of every allocation counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Traced {
    /// The most that was live.
    pub peak_bytes: u64,
    /// What was live at the end.
    pub end_bytes: u64,
    /// All that was allocated.
    pub allocated_bytes: u64,
    /// How often.
    pub allocations: u64,
}

/// A figure before and after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Median before.
    pub before: u64,
    /// Median after.
    pub after: u64,
    /// Lowest and highest of the runs before.
    pub before_range: [u64; 2],
    /// Lowest and highest of the runs after.
    pub after_range: [u64; 2],
    /// Median of the differences of all pairs of runs; positive: less than before.
    pub saved: i64,
    /// The saving is between these with 95% confidence; that of traces is as sure as two traces of the same program are equal.
    pub saved_range: [i64; 2],
    /// It is no chance.
    pub is_seen: bool,
}

impl Difference {
    /// Between runs whose figures move.
    pub fn of_runs(before: &[u64], after: &[u64]) -> Option<Difference> {
        let (old, new) = (Spread::of(before)?, Spread::of(after)?);
        let mut pairs: Vec<i64> = Vec::with_capacity(before.len() * after.len());
        for old in before {
            pairs.extend(after.iter().map(|new| minus(*old, *new)));
        }
        pairs.sort_unstable();
        let cut = critical(before.len(), after.len());
        let (low, high) = (pairs[cut.saturating_sub(1)], pairs[pairs.len() - cut.max(1)]);
        let saved = middle(&pairs);
        let is_seen = cut > 0 && (low > 0 || high < 0);
        Some(Difference {
            before: old.median,
            after: new.median,
            before_range: [old.lowest, old.highest],
            after_range: [new.lowest, new.highest],
            saved,
            saved_range: [low, high],
            is_seen,
        })
    }

    /// Between figures that repeat: their noise is what the same program's differ by.
    fn of_traces(before: &[u64], after: &[u64]) -> Option<Difference> {
        let (old, new) = (Spread::of(before)?, Spread::of(after)?);
        let noise = minus(old.highest, old.lowest).max(minus(new.highest, new.lowest));
        let saved = minus(old.median, new.median);
        Some(Difference {
            before: old.median,
            after: new.median,
            before_range: [old.lowest, old.highest],
            after_range: [new.lowest, new.highest],
            saved,
            saved_range: [saved - noise, saved + noise],
            is_seen: saved.abs() > noise,
        })
    }

    /// Whether it is a saving that is worth something: no chance, and 1% at least.
    pub fn counts(&self) -> bool {
        self.is_seen && self.saved as f64 >= LEAST_PART * self.before as f64 && self.saved > 0
    }

    /// Half the width of the interval.
    pub fn error(&self) -> u64 {
        self.saved_range[1].abs_diff(self.saved_range[0]) / 2
    }

    /// Whether more runs would say little more: the interval is under 2% of what is saved.
    pub fn is_sharp(&self) -> bool {
        self.is_seen && self.error() as f64 <= SHARP * self.saved.unsigned_abs() as f64
    }

    /// After for one before, such as 0.98; none where nothing was measured.
    pub fn ratio(&self) -> Option<f64> {
        (self.before > 0).then(|| self.after as f64 / self.before as f64)
    }
}

/// Lowest, middle, highest.
struct Spread {
    lowest: u64,
    median: u64,
    highest: u64,
}

impl Spread {
    fn of(values: &[u64]) -> Option<Spread> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let (lowest, highest) = (*sorted.first()?, *sorted.last()?);
        let (left, right) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Spread { lowest, median: left + (right - left) / 2, highest })
    }
}

fn minus(one: u64, other: u64) -> i64 {
    i64::try_from(i128::from(one) - i128::from(other)).unwrap_or(i64::MAX)
}

fn middle(sorted: &[i64]) -> i64 {
    let (left, right) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    left + (right - left) / 2
}

/// How many pairs of runs may speak against a difference, plus one, so that it is no chance; 0: with so few runs it may always be.
fn critical(before: usize, after: usize) -> usize {
    let ways = ways(before, after);
    let all: f64 = ways.iter().sum();
    let mut below = 0.0;
    ways.iter()
        .take_while(|&&ways| {
            below += ways;
            2.0 * below / all <= CHANCE
        })
        .count()
}

/// In how many of the ways to deal figures out to two sets a number of pairs is in the wrong order, by that number.
fn ways(before: usize, after: usize) -> Vec<f64> {
    // of[j][u]: ways for the sets dealt out so far, with j in the second
    let mut of = vec![vec![0.0; before * after + 1]; after + 1];
    of[0][0] = 1.0;
    for left in 0..=before {
        for right in 0..=after {
            if (left, right) == (0, 0) {
                continue;
            }
            // The last one dealt out belongs to the first set, and stands behind all of the second; or to the second.
            let from_first: Vec<f64> = if left > 0 {
                let shift = right;
                (0..=before * after).map(|u| if u >= shift { of[right][u - shift] } else { 0.0 }).collect()
            } else {
                vec![0.0; before * after + 1]
            };
            let from_second = if right > 0 { of[right - 1].clone() } else { vec![0.0; before * after + 1] };
            of[right] = from_first.iter().zip(&from_second).map(|(one, other)| one + other).collect();
        }
    }
    of.swap_remove(after)
}

/// What a change did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Effect {
    /// On the highest resident set.
    pub peak: Difference,
    /// On processor time, in nanoseconds.
    pub cpu_ns: Difference,
    /// On what is live at the highest point, by traces.
    pub traced_peak: Option<Difference>,
    /// On what is live at the end, by traces.
    pub end: Option<Difference>,
    /// On all that is allocated, by traces.
    pub churn: Option<Difference>,
}

impl Effect {
    /// Compares runs; none without any.
    pub fn of(before: &Samples, after: &Samples) -> Option<Effect> {
        let traced = |figure: fn(&Traced) -> u64| {
            let of = |samples: &Samples| samples.traced.iter().map(figure).collect::<Vec<u64>>();
            Difference::of_traces(&of(before), &of(after))
        };
        Some(Effect {
            peak: Difference::of_runs(&before.peak_bytes, &after.peak_bytes)?,
            cpu_ns: Difference::of_runs(&before.cpu_ns, &after.cpu_ns)?,
            traced_peak: traced(|traced| traced.peak_bytes),
            end: traced(|traced| traced.end_bytes),
            churn: traced(|traced| traced.allocated_bytes),
        })
    }

    /// The figure that was promised (`peak`, `now` or `churn`), where it is less by enough; else the peak, where that is.
    pub fn saving(&self, promised: &str) -> Option<(&'static str, Difference)> {
        let promised = match promised {
            "now" => self.end.map(|end| ("end", end)),
            "churn" => self.churn.map(|churn| ("churn", churn)),
            _ => None,
        };
        promised.into_iter().chain([("peak", self.peak)]).find(|(_, difference)| difference.counts())
    }
}

/// `memsight advise --verify`: what was run, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct VerifyView {
    /// What was run, as it was given.
    pub command: Vec<String>,
    /// What had to be equal: `output`, `exit` or `none`.
    pub compare: String,
    /// Runs of each form of the program, one to warm up and those with a trace aside.
    pub runs: u64,
    /// In the order of the findings.
    pub fixes: Vec<VerifiedFix>,
    /// All that are kept, against the program as it was; null where none is.
    pub together: Option<Effect>,
    /// Files that change by what is kept.
    pub changed_files: u64,
    /// Whether they were written; without `--fix` nothing is.
    pub written: bool,
    /// Fixes that were not tried, since they change what others change as well.
    pub left: u64,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// One fix.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerifiedFix {
    /// Such as `MS105`.
    pub rule: String,
    /// Such as `whole-lines`.
    pub name: String,
    /// The file as it was named.
    pub file: String,
    /// Where it was.
    pub line: u32,
    /// `safe` or `unsafe`.
    pub safety: String,
    /// Which figure it was to save: `peak`, `now` or `churn`.
    pub saves: String,
    /// What it was to save, as the source tells.
    pub formula: String,
    /// What it was to save, in bytes, where there was evidence.
    pub promised_bytes: Option<u64>,
    /// What it did by itself; null where it was not measured.
    pub effect: Option<Effect>,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it was undone, a sentence; empty for one that is kept.
    pub reason: String,
}

/// What became of a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It saves memory.
    Kept,
    /// It saves nothing that can be seen, and was to be kept all the same.
    KeptOnRequest,
    /// It saves nothing that can be seen.
    SavesNothing,
    /// The program writes something else with it, or ends in another way.
    ChangesProgram,
}

impl Verdict {
    /// Whether the fix stays.
    pub fn is_kept(self) -> bool {
        matches!(self, Verdict::Kept | Verdict::KeptOnRequest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All ways to deal `values` out to two sets, and how many pairs are in the wrong order.
    fn counted(before: usize, after: usize) -> Vec<f64> {
        let mut ways = vec![0.0; before * after + 1];
        for chosen in 0_u32..1 << (before + after) {
            if chosen.count_ones() as usize != before {
                continue;
            }
            let is_first = |at: usize| chosen & (1 << at) != 0;
            let all = before + after;
            let wrong = (0..all).flat_map(|one| (0..one).map(move |other| (one, other)));
            ways[wrong.filter(|&(one, other)| is_first(one) && !is_first(other)).count()] += 1.0;
        }
        ways
    }

    #[test]
    fn ways_are_those_that_counting_gives() {
        for (before, after) in [(1, 1), (3, 3), (4, 4), (5, 5), (3, 6)] {
            assert_eq!(ways(before, after), counted(before, after), "{before} {after}");
        }
        // Tables of the test of Mann and Whitney, two-sided at 5%: 2 of 25 pairs for 5 against 5, 0 of 16 for 4 against 4.
        assert_eq!([critical(3, 3), critical(4, 4), critical(5, 5), critical(10, 10)], [0, 1, 3, 24]);
    }

    #[test]
    fn a_difference_is_seen_where_chance_does_not_make_it() {
        let of = |before: &[u64], after: &[u64]| Difference::of_runs(before, after).unwrap();
        let clear = of(&[100, 101, 102, 103, 104], &[50, 51, 52, 53, 54]);
        assert_eq!((clear.saved, clear.saved_range, clear.is_seen, clear.counts()), (50, [47, 53], true, true));
        let none = of(&[100, 101, 102, 103, 104], &[104, 103, 102, 101, 100]);
        assert!(!none.is_seen && !none.counts() && none.saved == 0);
        let worse = of(&[50, 51, 52, 53, 54], &[100, 101, 102, 103, 104]);
        assert!(worse.is_seen && !worse.counts() && worse.saved == -50);
        // Below 1% it is seen and does not count; of three against three nothing is ever seen.
        let little = of(&[10_000, 10_001, 10_002, 10_003, 10_004], &[9_990, 9_991, 9_992, 9_993, 9_994]);
        assert!(little.is_seen && !little.counts());
        assert!(!of(&[100, 101, 102], &[1, 2, 3]).is_seen);
        assert!(Difference::of_runs(&[], &[1]).is_none());
        // All the same: nothing is seen.
        assert!(!of(&[7; 5], &[7; 5]).is_seen);
    }

    #[test]
    fn noise_of_traces_is_what_the_same_program_differs_by() {
        let seen = Difference::of_traces(&[1000, 1010], &[900]).unwrap();
        assert!(seen.is_seen && seen.saved_range == [95, 115]);
        assert!(!Difference::of_traces(&[1000, 1010], &[996]).unwrap().is_seen);
    }

    #[test]
    fn what_was_promised_counts_before_the_peak() {
        let traced = |end_bytes| Traced { end_bytes, ..Traced::default() };
        let samples = |peak: u64, end| Samples {
            peak_bytes: (0..5).map(|at| peak + at).collect(),
            cpu_ns: vec![5; 5],
            traced: vec![traced(end)],
        };
        let effect = Effect::of(&samples(1000, 100), &samples(500, 50)).unwrap();
        assert_eq!(effect.saving("now").unwrap().0, "end");
        assert_eq!(effect.saving("peak").unwrap().0, "peak");
        let only_peak = Effect::of(&samples(1000, 100), &samples(500, 100)).unwrap();
        assert_eq!(only_peak.saving("now").unwrap().0, "peak");
        let only_end = Effect::of(&samples(1000, 100), &samples(1000, 50)).unwrap();
        assert_eq!((only_end.saving("now").unwrap().0, only_end.saving("peak")), ("end", None));
        assert_eq!(Effect::of(&samples(1, 1), &Samples::default()), None);
    }
}
