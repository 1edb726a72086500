//! `# memsight: ignore[MS301] subclassed by plugins`: findings that somebody has looked at.
//!
//! The comment stands on a line of the statement that is reported, or alone on the line above. `ignore-file[...]`, alone
//! on a line of its own, is for the whole file.

use crate::finding::Finding;
use crate::source::Source;
use crate::syntax::{Ranged, TextRange, TokenKind, Tokens};

/// One such comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// The comment.
    pub range: TextRange,
    /// Rules by id or name; empty for all.
    pub rules: Vec<String>,
    /// Line that it is for; none for the file.
    line: Option<u32>,
    /// Findings that it has kept back.
    pub used: usize,
}

/// All such comments of a file.
pub(crate) fn ignores(source: &Source, tokens: &Tokens) -> Vec<Ignore> {
    let comments = tokens.iter().filter(|token| token.kind() == TokenKind::Comment);
    comments.filter_map(|token| ignore(source, token.range())).collect()
}

fn ignore(source: &Source, range: TextRange) -> Option<Ignore> {
    let text = source.slice(range).trim_start_matches('#').trim_start();
    let rest = text.strip_prefix("memsight:")?.trim_start().strip_prefix("ignore")?;
    let (whole_file, rest) = match rest.strip_prefix("-file") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rules = match rest.strip_prefix('[') {
        Some(list) => list.split_once(']')?.0.split(',').map(|rule| rule.trim().to_owned()).collect(),
        None if rest.is_empty() || rest.starts_with(char::is_whitespace) => Vec::new(),
        None => return None,
    };
    let line = source.position(range.start()).line;
    let before = source.line(line).split('#').next().unwrap_or_default();
    let line = if before.trim().is_empty() { line + 1 } else { line };
    Some(Ignore { range, rules, line: (!whole_file).then_some(line), used: 0 })
}

impl Ignore {
    fn covers(&self, finding: &Finding) -> bool {
        let here = self.line.is_none_or(|line| (finding.start.line..=finding.end.line).contains(&line));
        let named = |rule: &String| rule.eq_ignore_ascii_case(finding.rule.id) || rule == finding.rule.name;
        here && (self.rules.is_empty() || self.rules.iter().any(named))
    }
}

/// Takes out what comments keep back, and counts it.
pub(crate) fn keep_back(findings: Vec<Finding>, ignores: &mut [Ignore]) -> Vec<Finding> {
    let mut shown = Vec::with_capacity(findings.len());
    for finding in findings {
        match ignores.iter_mut().find(|ignore| ignore.covers(&finding)) {
            Some(ignore) => ignore.used += 1,
            None => shown.push(finding),
        }
    }
    shown
}
