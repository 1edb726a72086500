//! The figures of a subject.

use wildmatch::WildMatch;

use super::estimate::{Estimate, whole};
use super::{Culprit, Figure, Of, Rule, Subject, Unit, Who};
use crate::profile::{Figures, Part, PlacePattern, Profile, State};
use crate::trend::WatchSummary;
use crate::views::{TypeRow, TypesView};

/// Most parts that are named of a figure.
const NAMED: usize = 5;

/// A figure, or why there is none.
pub(super) type Measured = Result<Estimate, String>;

/// The figure that `rule` is on.
pub(super) fn measure(rule: &Rule, subject: &Subject) -> Measured {
    match subject {
        Subject::Trace(profile) => of_trace(rule.figure, profile, &part(rule, profile)),
        Subject::Recording(summary) => of_recording(rule.figure, summary),
        Subject::Snapshot(types) => Ok(of_snapshot(rule, types)),
    }
}

/// Who has most of the figure; with a baseline who has more of it than before.
pub(super) fn culprits(rule: &Rule, subject: &Subject, baseline: Option<&Subject>) -> Vec<Culprit> {
    let mut culprits: Vec<Culprit> = match (subject, baseline) {
        (Subject::Trace(profile), Some(Subject::Trace(before))) => grown_lines(rule, profile, before),
        (Subject::Trace(profile), _) => {
            let lines = part(rule, profile).lines.into_iter();
            lines.map(|(spot, figures)| Culprit { who: Who::Line(spot), value: whole(number(rule, figures)) }).collect()
        }
        (Subject::Snapshot(types), Some(Subject::Snapshot(before))) => {
            let of = |row: &TypeRow| {
                let earlier = before.types.iter().find(|earlier| earlier.type_name == row.type_name);
                whole(type_number(rule, row)) - earlier.map_or(0, |row| whole(type_number(rule, row)))
            };
            named(chosen(rule, types), of)
        }
        (Subject::Snapshot(types), _) => named(chosen(rule, types), |row| whole(type_number(rule, row))),
        (Subject::Recording(summary), _) => processes(rule, summary),
    };
    culprits.retain(|culprit| culprit.value > 0);
    // (lines and types come in no order of their own)
    culprits.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| words(&a.who).cmp(&words(&b.who))));
    culprits.truncate(NAMED);
    culprits
}

fn words(who: &Who) -> (&str, &str, u32) {
    match who {
        Who::Line(spot) => (&spot.file, &spot.function, spot.line),
        Who::Type { name } => (name, "", 0),
        Who::Process { pid, name } => (name, "", *pid),
    }
}

fn part(rule: &Rule, profile: &Profile) -> Part {
    let state = match rule.figure {
        Figure::Leaks => State::End,
        Figure::Allocated | Figure::Allocations => State::All,
        _ => State::Peak,
    };
    profile.part(state, pattern(rule))
}

fn pattern(rule: &Rule) -> Option<&PlacePattern> {
    match &rule.of {
        Of::Places(pattern) => Some(pattern),
        _ => None,
    }
}

fn number(rule: &Rule, figures: Figures) -> u64 {
    if rule.figure.unit() == Unit::Count { figures.count } else { figures.bytes }
}

/// What was not recorded, nobody knows: sums are at least what is there.
fn of_trace(figure: Figure, profile: &Profile, part: &Part) -> Measured {
    let (is_cut, lost) = profile.gaps();
    let estimate = match figure {
        Figure::Allocations => Estimate::around(part.figures.count, part.error_count),
        _ => Estimate::around(part.figures.bytes, part.figures.error_bytes),
    };
    match figure {
        Figure::Leaks if is_cut => Err("the trace ends before its program did".to_owned()),
        // A free that was lost leaves a block behind, an allocation that was lost none.
        Figure::Leaks | Figure::Peak if lost > 0 => Err(format!("{} were lost while recording", events(lost))),
        _ if is_cut || lost > 0 => Ok(estimate.at_least()),
        _ => Ok(estimate),
    }
}

fn events(lost: u64) -> String {
    format!("{} {}", memsight_model::count(lost), if lost == 1 { "event" } else { "events" })
}

fn grown_lines(rule: &Rule, profile: &Profile, before: &Profile) -> Vec<Culprit> {
    let changes = part(rule, profile).changes(part(rule, before)).into_iter();
    let value = |line: &crate::profile::LineGrowth| match rule.figure.unit() {
        Unit::Count => whole(line.after_count).saturating_sub(whole(line.before_count)),
        _ => line.growth_bytes,
    };
    changes.map(|line| Culprit { value: value(&line), who: Who::Line(line.spot) }).collect()
}

fn of_recording(figure: Figure, summary: &WatchSummary) -> Measured {
    match figure {
        Figure::RssGrowth => {
            let (first, last) = (Estimate::exact(summary.first_rss_bytes), Estimate::exact(summary.last_rss_bytes));
            Ok(last.since(first))
        }
        Figure::RssPerHour => {
            let slope = summary.trend.slope.ok_or("the recording is too short to tell a slope")?;
            let whole = |bytes: f64| bytes.round() as i64;
            Ok(Estimate {
                value: whole(slope.bytes_per_hour),
                low: whole(slope.low_bytes_per_hour),
                high: Some(whole(slope.high_bytes_per_hour)),
            })
        }
        _ => Ok(Estimate::exact(summary.peak.bytes)),
    }
}

fn processes(rule: &Rule, summary: &WatchSummary) -> Vec<Culprit> {
    let value = |process: &crate::trend::ProcessSummary| match rule.figure {
        Figure::RssGrowth => whole(process.last_rss_bytes).saturating_sub(whole(process.first_rss_bytes)),
        Figure::RssPerHour => {
            let slope = process.trend.as_ref().and_then(|trend| trend.slope);
            slope.map_or(0, |slope| slope.bytes_per_hour.round() as i64)
        }
        _ => whole(process.peak.bytes),
    };
    let who = |process: &crate::trend::ProcessSummary| Who::Process { pid: process.pid, name: process.name.clone() };
    summary.processes.iter().map(|process| Culprit { who: who(process), value: value(process) }).collect()
}

/// What a look may have missed makes a figure too small, never too large.
fn of_snapshot(rule: &Rule, types: &TypesView) -> Estimate {
    let estimate = Estimate::exact(chosen(rule, types).map(|row| type_number(rule, row)).sum());
    if types.header.partial.is_empty() { estimate } else { estimate.at_least() }
}

fn chosen<'t>(rule: &Rule, types: &'t TypesView) -> impl Iterator<Item = &'t TypeRow> {
    let pattern = match &rule.of {
        Of::Types(pattern) => Some(WildMatch::new(pattern)),
        _ => None,
    };
    types.types.iter().filter(move |row| pattern.as_ref().is_none_or(|pattern| pattern.matches(&row.type_name)))
}

fn type_number(rule: &Rule, row: &TypeRow) -> u64 {
    match rule.figure {
        Figure::Objects => row.count,
        _ => row.shallow_bytes.saturating_add(row.external_bytes).saturating_add(row.native_bytes),
    }
}

fn named<'t>(rows: impl Iterator<Item = &'t TypeRow>, value: impl Fn(&TypeRow) -> i64) -> Vec<Culprit> {
    rows.map(|row| Culprit { who: Who::Type { name: row.type_name.clone() }, value: value(row) }).collect()
}
