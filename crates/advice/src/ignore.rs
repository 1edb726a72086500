//! `# memsight: ignore[MS301] subclassed by plugins`: findings that somebody has looked at.
//!
//! The comment stands on a line of the statement that is reported, or alone on the line above. `ignore-file[...]`, alone
//! on a line of its own, is for the whole file. It may share a comment with others: `# noqa: E501  # memsight: ignore[MS301]`.

use crate::finding::Finding;
use crate::rule::Rule;
use crate::source::Source;
use crate::syntax::{Ranged, TextRange, TextSize, TokenKind, Tokens};

/// One such comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// The comment, from its `#` up to its end or the next one in the same comment.
    pub range: TextRange,
    /// Rules by id or name; empty for all.
    pub rules: Vec<String>,
    /// What is between the brackets.
    pub(crate) list: TextRange,
    /// Line that it is for; none for the file.
    line: Option<u32>,
    /// Findings that it has kept back.
    pub used: usize,
    /// Which of the rules have been of use.
    pub(crate) caught: Vec<bool>,
}

/// All such comments of a file.
pub(crate) fn ignores(source: &Source, tokens: &Tokens) -> Vec<Ignore> {
    let comments = tokens.iter().filter(|token| token.kind() == TokenKind::Comment);
    comments.filter_map(|token| ignore(source, token.range())).collect()
}

fn ignore(source: &Source, comment: TextRange) -> Option<Ignore> {
    let range = own_part(source.slice(comment), comment.start())?;
    let text = source.slice(range);
    let rest = text.trim_start_matches('#').trim_start().strip_prefix(OURS)?.trim_start().strip_prefix("ignore")?;
    let (whole_file, rest) = match rest.strip_prefix("-file") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let mut list = TextRange::empty(range.end());
    let rules: Vec<String> = match rest.strip_prefix('[') {
        Some(inside) => {
            let inside = inside.split_once(']')?.0;
            let from = range.start() + TextSize::of(text) - TextSize::of(rest) + TextSize::of('[');
            list = TextRange::at(from, TextSize::of(inside));
            inside.split(',').map(|rule| rule.trim().to_owned()).filter(|rule| !rule.is_empty()).collect()
        }
        None if rest.is_empty() || rest.starts_with(char::is_whitespace) => Vec::new(),
        None => return None,
    };
    let line = source.position(comment.start()).line;
    let before = source.slice(TextRange::new(source.line_range(line).start(), comment.start()));
    let line = if before.trim().is_empty() { line + 1 } else { line };
    let caught = vec![false; rules.len()];
    Some(Ignore { range, rules, list, line: (!whole_file).then_some(line), used: 0, caught })
}

const OURS: &str = "memsight:";

/// Of `# noqa  # memsight: ignore  # type: ignore` the part in the middle: another one begins with a `#` between spaces.
fn own_part(comment: &str, start: TextSize) -> Option<TextRange> {
    let is_ours = |at: &usize| comment[*at..].trim_start_matches('#').trim_start().starts_with(OURS);
    let from = comment.match_indices('#').map(|(at, _)| at).find(is_ours)?;
    let behind = comment[from..].find(" # ").map_or(comment.len(), |at| from + at);
    let until = comment[..behind].trim_end().len();
    let size = |at: usize| u32::try_from(at).map(TextSize::new).ok();
    Some(TextRange::new(start + size(from)?, start + size(until)?))
}

impl Ignore {
    /// Whether it keeps back what a rule says of a line.
    pub fn keeps_back(&self, rule: &Rule, line: u32) -> bool {
        self.line.is_none_or(|at| at == line) && self.is_about(rule)
    }

    fn is_about(&self, rule: &Rule) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|name| names(name, rule))
    }

    fn covers(&self, finding: &Finding) -> bool {
        let here = self.line.is_none_or(|line| (finding.start.line..=finding.end.line).contains(&line));
        here && self.is_about(finding.rule)
    }
}

fn names(name: &str, rule: &Rule) -> bool {
    name.eq_ignore_ascii_case(rule.id) || name == rule.name
}

/// Takes out what comments keep back, and counts it.
pub(crate) fn keep_back(findings: Vec<Finding>, ignores: &mut [Ignore]) -> Vec<Finding> {
    let mut shown = Vec::with_capacity(findings.len());
    for finding in findings {
        let Some(ignore) = ignores.iter_mut().find(|ignore| ignore.covers(&finding)) else {
            shown.push(finding);
            continue;
        };
        ignore.used += 1;
        for (rule, caught) in ignore.rules.iter().zip(&mut ignore.caught) {
            *caught |= names(rule, finding.rule);
        }
    }
    shown
}
