//! Findings: what to look at, why, and what to do.

use memsight_model::{Bytes, Confidence, Finding, Severity};

use super::paragraph::Paragraph;
use super::style::{Style, Tone};
use super::words::clean;

/// Numbered paragraphs; nothing for none.
pub fn findings(found: &[Finding], style: &Style) -> String {
    found.iter().enumerate().map(|(at, finding)| paragraph(at, finding, style)).collect()
}

fn paragraph(at: usize, finding: &Finding, style: &Style) -> String {
    let (word, tone) = match finding.severity {
        Severity::Note => ("note", Tone::Hint),
        Severity::Warning => ("warning", Tone::Warn),
        Severity::Error => ("error", Tone::Bad),
    };
    let bytes = finding.bytes.map_or_else(String::new, |bytes| format!(" ({})", Bytes(bytes)));
    let message = format!("{word}: {}{bytes}", clean(&finding.message));
    let mut out = Paragraph::new(at, &message, tone, 4, style);
    let mut part = |name: &str, text: &str| out.sentence(name, &clean(text), None);
    part("do", &finding.advice);
    part("why", &finding.evidence.join("; "));
    let sure = match finding.confidence {
        Confidence::Low => "likely, by experience",
        Confidence::Medium => "follows from an estimate",
        Confidence::High => "follows from what was counted",
    };
    part("rule", &format!("{}; {sure}", finding.rule));
    out.finish()
}
