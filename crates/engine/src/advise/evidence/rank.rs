//! One list of findings, those with the most bytes first.

use std::cmp::Reverse;

use memsight_advice::rules;
use memsight_analysis::advise::{AdviceRow, AdviceView};

use super::super::{AdviseOptions, count};
use super::Verdict;

/// Orders rows by what they save; those of which nothing is known stay in the order of the source, behind them. What the
/// evidence speaks against is left out and counted, or, with all rules, comes last.
pub(super) fn rank(options: &AdviseOptions, view: &mut AdviceView, verdicts: Vec<Verdict>) {
    let rows = std::mem::take(&mut view.findings);
    let mut ranked: Vec<(AdviceRow, Verdict)> = rows.into_iter().zip(verdicts).collect();
    let contradicted = ranked.iter().filter(|(_, verdict)| *verdict == Verdict::Contradicted && !options.all).count();
    let is_asked = |row: &AdviceRow| options.all || !options.select.is_empty() || is_default(row);
    ranked.retain(|(row, verdict)| match verdict {
        Verdict::Supported => true,
        Verdict::Contradicted => options.all,
        // Rules that need evidence say nothing without it.
        Verdict::Unknown | Verdict::NotRun => is_asked(row),
        Verdict::Elsewhere => is_asked(row) && !options.evidence.only_ran,
    });
    ranked.sort_by_key(|(row, verdict)| (*verdict, Reverse(saved(row))));
    view.findings = ranked.into_iter().map(|(row, _)| row).collect();
    if let Some(evidence) = &mut view.evidence {
        evidence.contradicted = contradicted as u64;
    }
    recount(view);
}

/// Bytes of a row: of the peak and of what is live, of which a byte of either is as good. What is only allocated comes behind.
fn saved(row: &AdviceRow) -> (u64, u64) {
    let bytes = row.bytes.unwrap_or_default();
    (bytes.peak.max(bytes.now).unwrap_or_default(), bytes.churn.unwrap_or_default())
}

fn is_default(row: &AdviceRow) -> bool {
    rules::find(&row.rule).is_none_or(|rule| rule.is_default)
}

fn recount(view: &mut AdviceView) {
    let summary = &mut view.summary;
    (summary.findings, summary.fixable, summary.unsafely_fixable) = (0, 0, 0);
    for row in &view.findings {
        let safety = row.fix.as_ref().map(|fix| match fix.safety.as_str() {
            "safe" => memsight_advice::Safety::Safe,
            _ => memsight_advice::Safety::Unsafe,
        });
        count(summary, safety);
    }
}
