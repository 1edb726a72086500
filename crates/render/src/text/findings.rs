//! Findings: what to look at, why, and what to do.

use memsight_model::{Bytes, Confidence, Finding, Severity};

use super::style::{Style, Tone};
use super::words::{clean, wrap_words};

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
    let room = style.width.saturating_sub(5);
    let bytes = finding.bytes.map_or_else(String::new, |bytes| format!(" ({})", Bytes(bytes)));
    let message = format!("{word}: {}{bytes}", clean(&finding.message));
    let mut out = String::new();
    for (line, text) in wrap_words(&message, room).iter().enumerate() {
        let number = if line == 0 { format!("{:>3}. ", at + 1) } else { " ".repeat(5) };
        out.push_str(&format!("{number}{}\n", style.paint(tone, text)));
    }
    let mut part = |name: &str, text: &str| {
        for (line, text) in wrap_words(&clean(text), room.saturating_sub(6)).iter().enumerate() {
            let name = if line == 0 { name } else { "" };
            out.push_str(&format!("     {}  {text}\n", style.paint(Tone::Dim, &format!("{name:<4}"))));
        }
    };
    part("do", &finding.advice);
    part("why", &finding.evidence.join("; "));
    let sure = match finding.confidence {
        Confidence::Low => "likely, by experience",
        Confidence::Medium => "follows from an estimate",
        Confidence::High => "follows from what was counted",
    };
    part("rule", &format!("{}; {sure}", finding.rule));
    out
}
