//! What a finding is known again by: its rule, the function that it is in, and the text of its line, wherever they move.

use std::collections::HashMap;
use std::hash::Hasher;

use memsight_advice::FileReport;
use siphasher::sip::SipHasher13;

/// The keys of the hash: any, and for ever these, for fingerprints stand in files.
const KEYS: (u64, u64) = (0x6d65_6d73_6967_6874, 0x6164_7669_7365_0001);

/// The fingerprints of findings of one file, given by rule and first line, 16 hexadecimal digits each. Findings that are alike
/// are numbered in the order in which they are given.
pub(super) fn of<'r>(report: &FileReport, findings: impl Iterator<Item = (&'r str, u32)>) -> Vec<String> {
    let mut seen: HashMap<u64, u64> = HashMap::new();
    let one = |(rule, line): (&str, u32)| {
        let alike = hash(&[rule, report.outline.around(line), report.source.line(line).trim()]);
        let number = seen.entry(alike).or_default();
        *number += 1;
        format!("{:016x}", hash(&[&alike.to_string(), &number.to_string()]))
    };
    findings.map(one).collect()
}

/// Those of the findings that a report has.
pub(super) fn of_report(report: &FileReport) -> Vec<String> {
    of(report, report.findings.iter().map(|finding| (finding.rule.id, finding.start.line)))
}

fn hash(parts: &[&str]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(KEYS.0, KEYS.1);
    for part in parts {
        hasher.write(part.as_bytes());
        hasher.write_u8(0);
    }
    hasher.finish()
}
