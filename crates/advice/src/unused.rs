//! Comments that keep nothing back: MS001.

use memsight_model::{Confidence, Severity};

use crate::edit::{Edit, Fix, Safety, Saves};
use crate::finding::{Finding, Saving};
use crate::ignore::Ignore;
use crate::outline::Lines;
use crate::rule::{Needs, Rule};
use crate::rules::{self, UNUSED_IGNORE};
use crate::source::Source;
use crate::syntax::{TextRange, TextSize};

/// What is to be said of the comments of a file, after all rules have looked at it.
///
/// Of a rule that was not looked for nothing is known, nor of one that needs more than the source: evidence of another run may
/// wake it.
pub(crate) fn findings(source: &Source, ignores: &[Ignore], looked_for: &[&'static Rule]) -> Vec<Finding> {
    if !looked_for.contains(&&UNUSED_IGNORE) {
        return Vec::new();
    }
    let whole = rules::defaults().iter().all(|rule| looked_for.contains(rule));
    ignores.iter().filter_map(|ignore| of_comment(source, ignore, looked_for, whole)).collect()
}

/// Why one of the rules of a comment should not stand there.
enum Fault {
    Unknown,
    Idle,
}

fn of_comment(source: &Source, ignore: &Ignore, looked_for: &[&'static Rule], whole: bool) -> Option<Finding> {
    if ignore.rules.is_empty() {
        let message = "this comment keeps nothing back".to_owned();
        return (whole && ignore.used == 0).then(|| finding(source, ignore, message, &[]));
    }
    let fault = |(rule, caught): (&String, &bool)| match rules::find(rule) {
        None => Some(Fault::Unknown),
        Some(rule) if *rule == UNUSED_IGNORE || rule.needs != Needs::Source => None,
        Some(rule) => (!caught && looked_for.contains(&rule)).then_some(Fault::Idle),
    };
    let faults: Vec<Option<Fault>> = ignore.rules.iter().zip(&ignore.caught).map(fault).collect();
    let named = |wanted: fn(&Fault) -> bool| -> Vec<&str> {
        let of = ignore.rules.iter().zip(&faults).filter(|(_, fault)| fault.as_ref().is_some_and(wanted));
        of.map(|(rule, _)| rule.as_str()).collect()
    };
    let unknown = named(|fault| matches!(fault, Fault::Unknown));
    let idle = named(|fault| matches!(fault, Fault::Idle));
    let sentence = |what: &str, rules: &[&str]| (!rules.is_empty()).then(|| format!("{what} {}", rules.join(", ")));
    let parts = [sentence("this comment keeps nothing back of", &idle), sentence("there is no rule", &unknown)];
    let message = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let kept: Vec<&str> =
        ignore.rules.iter().zip(&faults).filter(|(_, fault)| fault.is_none()).map(|(rule, _)| rule.as_str()).collect();
    (!message.is_empty()).then(|| finding(source, ignore, message, &kept))
}

fn finding(source: &Source, ignore: &Ignore, message: String, kept: &[&str]) -> Finding {
    let edit = match kept {
        [] => Edit::new(with_space(source, ignore.range), ""),
        kept => Edit::new(ignore.list, kept.join(", ")),
    };
    let advice = if kept.is_empty() { "take it out".to_owned() } else { format!("ignore[{}]", kept.join(", ")) };
    Finding {
        rule: &UNUSED_IGNORE,
        range: ignore.range,
        start: source.position(ignore.range.start()),
        end: source.position(ignore.range.end()),
        message,
        advice,
        but: String::new(),
        severity: Severity::Note,
        confidence: Confidence::High,
        saving: Saving { of: Saves::Now, formula: String::new() },
        made: Lines {
            first: source.position(ignore.range.start()).line,
            last: source.position(ignore.range.end()).line,
        },
        fix: Some(Fix::new(Safety::Safe, vec![edit])),
    }
}

/// A comment with the space in front of it; where nothing else is on its line, the line.
fn with_space(source: &Source, range: TextRange) -> TextRange {
    let line = source.line_range(source.position(range.start()).line);
    let before = source.slice(TextRange::new(line.start(), range.start()));
    let behind = source.slice(TextRange::new(range.end(), line.end()));
    let kept = TextSize::of(before.trim_end());
    match (before.trim().is_empty(), behind.trim().is_empty()) {
        (true, true) => line,
        // Another comment follows, and stands where this one stood.
        (true, false) => {
            TextRange::new(range.start(), range.end() + TextSize::of(behind) - TextSize::of(behind.trim_start()))
        }
        (false, _) => TextRange::new(line.start() + kept, range.end()),
    }
}
