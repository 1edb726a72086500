//! Limits against figures.

use super::estimate::{Estimate, whole};
use super::measure::{culprits, measure};
use super::{Bound, CHECK_SCHEMA_VERSION, CheckRow, CheckView, Rule, Subject, VerdictWord};

/// Holds a subject against rules of its kind; `names` are those of the subject, the budget and the baseline, which is of the same
/// kind. Cost: for each rule linear in the rows and places of a trace, or in the types of a snapshot.
pub fn judge(
    rules: &[Rule],
    subject: &Subject,
    baseline: Option<&Subject>,
    names: (String, String, Option<String>),
) -> CheckView {
    let checks: Vec<CheckRow> = rules.iter().map(|rule| row(rule, subject, baseline)).collect();
    let count = |verdict| checks.iter().filter(|row| row.verdict == verdict).count() as u64;
    CheckView {
        schema_version: CHECK_SCHEMA_VERSION,
        kind: subject.kind(),
        subject: names.0,
        budget: names.1,
        baseline: names.2,
        verdict: checks.iter().map(|row| row.verdict).min().unwrap_or(VerdictWord::Within),
        over: count(VerdictWord::Over),
        unknown: count(VerdictWord::Unknown),
        within: count(VerdictWord::Within),
        checks,
    }
}

fn row(rule: &Rule, subject: &Subject, baseline: Option<&Subject>) -> CheckRow {
    let unknown = |reason: String| CheckRow {
        name: rule.name.clone(),
        budget_line: rule.line,
        verdict: VerdictWord::Unknown,
        unit: rule.figure.unit(),
        value: None,
        low: None,
        high: None,
        limit: None,
        baseline: None,
        reason: Some(reason),
        culprits: Vec::new(),
    };
    let now = match measure(rule, subject) {
        Ok(now) => now,
        Err(reason) => return unknown(reason),
    };
    let (figure, limit, before) = match rule.bound {
        Bound::AtMost(most) => (now, most, None),
        Bound::Growth { most, share } => {
            let Some(baseline) = baseline else { return unknown("there is no baseline to compare with".to_owned()) };
            match measure(rule, baseline) {
                Ok(before) => (now.since(before), allowed(before, most, share), Some(before)),
                Err(reason) => return unknown(format!("of the baseline: {reason}")),
            }
        }
    };
    let verdict = verdict(figure, limit);
    CheckRow {
        verdict,
        value: Some(figure.value),
        low: (figure.low != i64::MIN).then_some(figure.low),
        high: figure.high,
        limit: Some(limit),
        baseline: before.map(|before| before.value),
        reason: (verdict == VerdictWord::Unknown).then(|| why(figure).to_owned()),
        culprits: match verdict {
            VerdictWord::Within => Vec::new(),
            _ => culprits(rule, subject, baseline.filter(|_| before.is_some())),
        },
        ..unknown(String::new())
    }
}

/// By how much a figure may be above that of the baseline.
fn allowed(before: Estimate, most: u64, share: f64) -> u64 {
    most.max((before.value.max(0) as f64 * share).floor() as u64)
}

fn verdict(figure: Estimate, limit: u64) -> VerdictWord {
    let limit = whole(limit);
    if figure.low > limit {
        VerdictWord::Over
    } else if figure.high.is_some_and(|high| high <= limit) {
        VerdictWord::Within
    } else {
        VerdictWord::Unknown
    }
}

fn why(figure: Estimate) -> &'static str {
    match figure.high {
        None => "something was not seen: the true figure may be above the limit",
        Some(_) => "the limit lies within the interval of the figure",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Figure, Of};
    use super::*;
    use crate::views::{TypeRow, TypesView};

    fn rule(figure: Figure, of: Of, bound: Bound) -> Rule {
        Rule { name: "limit".to_owned(), line: 1, figure, of, bound }
    }

    fn snapshot(rows: &[(&str, u64, u64)]) -> Subject {
        let row = |(name, count, bytes): &(&str, u64, u64)| TypeRow {
            type_name: (*name).to_owned(),
            count: *count,
            shallow_bytes: *bytes,
            ..TypeRow::default()
        };
        Subject::Snapshot(Box::new(TypesView { types: rows.iter().map(row).collect(), ..TypesView::default() }))
    }

    fn names() -> (String, String, Option<String>) {
        (String::new(), String::new(), None)
    }

    #[test]
    fn a_limit_is_broken_only_where_the_whole_interval_is_above_it() {
        let figure = Estimate::around(100, 20);
        let verdicts = [(79, VerdictWord::Over), (80, VerdictWord::Unknown), (119, VerdictWord::Unknown)];
        for (limit, expected) in verdicts {
            assert_eq!(verdict(figure, limit), expected, "{limit}");
        }
        assert_eq!(verdict(figure, 120), VerdictWord::Within);
        assert_eq!(verdict(figure.at_least(), 1000), VerdictWord::Unknown);
        assert_eq!(verdict(figure.at_least(), 79), VerdictWord::Over);
    }

    #[test]
    fn types_are_counted_by_pattern_and_named_by_size() {
        let now = snapshot(&[("app.A", 3, 300), ("app.B", 5, 900), ("dict", 7, 5000)]);
        let rules = [
            rule(Figure::Objects, Of::Types("app.*".to_owned()), Bound::AtMost(7)),
            rule(Figure::Bytes, Of::Whole, Bound::AtMost(6200)),
        ];
        let view = judge(&rules, &now, None, names());
        assert_eq!((view.over, view.within, view.verdict), (1, 1, VerdictWord::Over));
        let broken = &view.checks[0];
        assert_eq!((broken.value, broken.limit), (Some(8), Some(7)));
        let named: Vec<_> = broken.culprits.iter().map(|culprit| culprit.value).collect();
        assert_eq!(named, [5, 3]);
        assert!(view.checks[1].culprits.is_empty());
    }

    #[test]
    fn growth_is_held_against_the_larger_of_a_number_and_a_share() {
        let (before, now) = (snapshot(&[("a.A", 1, 1000), ("b", 1, 50)]), snapshot(&[("a.A", 1, 1200), ("b", 1, 60)]));
        let grown = |most, share| {
            let rules = [rule(Figure::Bytes, Of::Whole, Bound::Growth { most, share })];
            judge(&rules, &now, Some(&before), names()).checks.remove(0)
        };
        assert_eq!(grown(210, 0.0).verdict, VerdictWord::Within);
        assert_eq!(grown(0, 0.2).verdict, VerdictWord::Within);
        let broken = grown(100, 0.1);
        assert_eq!((broken.verdict, broken.value, broken.limit), (VerdictWord::Over, Some(210), Some(105)));
        assert_eq!(broken.culprits[0].value, 200);
        let alone =
            judge(&[rule(Figure::Bytes, Of::Whole, Bound::Growth { most: 9, share: 0.0 })], &now, None, names());
        assert_eq!(alone.verdict, VerdictWord::Unknown);
    }
}
