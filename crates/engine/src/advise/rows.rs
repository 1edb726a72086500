//! From findings to the rows that people and scripts see.

use memsight_advice::{FileReport, Finding, Fix, NotText, Safety, Saves, Source, Technique};
use memsight_analysis::advise::{AdviceRow, AdviceView, EditRow, FaultRow, FixRow};

use super::count;

/// Lines of a finding that are shown.
const MAX_LINES: u32 = 6;

pub(super) fn add(report: &FileReport, view: &mut AdviceView) {
    let source = &report.source;
    view.summary.files += 1;
    view.summary.lines += u64::from(source.line_count());
    view.summary.ignored += report.ignores.iter().map(|ignore| ignore.used as u64).sum::<u64>();
    for fault in &report.faults {
        view.faults.push(FaultRow {
            file: source.path.clone(),
            line: Some(fault.at.line),
            column: Some(fault.at.column),
            message: fault.message.clone(),
        });
    }
    for finding in &report.findings {
        count(&mut view.summary, finding.fix.as_ref().map(|fix| fix.safety));
        view.findings.push(row(finding, source));
    }
}

/// A file that is no text.
pub(super) fn whole(file: &str, why: &NotText) -> FaultRow {
    FaultRow { file: file.to_owned(), line: None, column: None, message: why.to_string() }
}

fn row(finding: &Finding, source: &Source) -> AdviceRow {
    let last = finding.end.line.min(finding.start.line.saturating_add(MAX_LINES - 1));
    AdviceRow {
        rule: finding.rule.id.to_owned(),
        name: finding.rule.name.to_owned(),
        technique: technique(finding.rule.technique).to_owned(),
        file: source.path.clone(),
        line: finding.start.line,
        column: finding.start.column,
        end_line: finding.end.line,
        end_column: finding.end.column,
        message: finding.message.clone(),
        advice: finding.advice.clone(),
        but: finding.but.clone(),
        severity: finding.severity,
        confidence: finding.confidence,
        bytes: None,
        saves: saves(finding.saving.of).to_owned(),
        formula: finding.saving.formula.clone(),
        evidence: Vec::new(),
        fix: finding.fix.as_ref().map(|fix| fix_row(fix, source)),
        lines: (finding.start.line..=last).map(|line| source.line(line).to_owned()).collect(),
    }
}

/// As `model` says it in JSON.
pub fn technique(technique: Technique) -> &'static str {
    match technique {
        Technique::Generators => "generators",
        Technique::FewerObjects => "fewer-objects",
        Technique::CompactStructures => "compact-structures",
        Technique::FreeExplicitly => "free-explicitly",
    }
}

fn saves(saves: Saves) -> &'static str {
    match saves {
        Saves::Peak => "peak",
        Saves::Now => "now",
        Saves::Churn => "churn",
    }
}

fn fix_row(fix: &Fix, source: &Source) -> FixRow {
    let edits = fix.edits.iter().map(|edit| {
        let (start, end) = (source.position(edit.range.start()), source.position(edit.range.end()));
        EditRow {
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            text: edit.text.clone(),
        }
    });
    let safety = match fix.safety {
        Safety::Safe => "safe",
        Safety::Unsafe => "unsafe",
    };
    FixRow { safety: safety.to_owned(), edits: edits.collect() }
}
