//! MS001: comments of memsight's own that do nothing. `unused.rs` finds them when all rules have looked.

use crate::rule::{Needs, Page, Rule, Technique};

pub(super) const RULES: &[&Rule] = &[&UNUSED_IGNORE];

/// A comment `# memsight: ignore[...]` that keeps nothing back.
pub static UNUSED_IGNORE: Rule = Rule {
    id: "MS001",
    name: "unused-ignore",
    technique: Technique::Upkeep,
    summary: "a comment that should keep a finding back keeps none back",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "Code changes and its comments stay. A comment `# memsight: ignore[...]` under which nothing is found any more hides the next \
              finding on its line, which nobody has looked at; one that names no rule that exists never did anything.",
        bad: "for line in log:  # memsight: ignore[MS105] the file is small\n    print(line)",
        good: "for line in log:\n    print(line)",
        unless: &[
            "The rule was not looked for in this run: nothing is known of it.",
            "The rule needs a heap or a trace: the evidence of another run may wake it.",
            "The comment names no rules, and some of those that are on by default were left out.",
            "The comment itself names MS001.",
        ],
        figures: "It saves no bytes.",
    },
    checks: &[],
};
