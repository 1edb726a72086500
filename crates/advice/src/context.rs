//! What a rule sees while it looks, and where it puts what it finds.

use memsight_model::{Confidence, Severity};

use crate::finding::{Finding, Fix, Saves, Saving};
use crate::nodes::{NodeId, Nodes};
use crate::project::Project;
use crate::rule::Rule;
use crate::scopes::{Scopes, Semantics};
use crate::source::Source;
use crate::syntax::{Expr, PythonVersion, Ranged, TextRange, TextSize, Token, TokenKind, Tokens};

/// A file with all that is known of it.
pub struct Context<'a, 'run> {
    /// Its text.
    pub source: &'a Source,
    /// Its tokens, comments too.
    pub tokens: &'a Tokens,
    /// Its nodes and scopes.
    pub semantics: &'run Semantics<'a>,
    /// The other files.
    pub project: &'run Project,
    /// The oldest version that the program runs on.
    pub target: PythonVersion,
    rule: &'static Rule,
    found: Vec<Finding>,
}

/// What a rule has to say of a place.
pub struct Report {
    pub range: TextRange,
    pub message: String,
    pub advice: String,
    pub but: String,
    pub confidence: Confidence,
    pub saves: Saves,
    pub formula: String,
    pub fix: Option<Fix>,
}

impl Report {
    /// A sure finding about the peak, without a fix.
    pub fn new(
        range: TextRange,
        message: impl Into<String>,
        advice: impl Into<String>,
        formula: impl Into<String>,
    ) -> Report {
        Report {
            range,
            message: message.into(),
            advice: advice.into(),
            but: String::new(),
            confidence: Confidence::High,
            saves: Saves::Peak,
            formula: formula.into(),
            fix: None,
        }
    }
}

impl<'a, 'run> Context<'a, 'run> {
    pub fn new(
        source: &'a Source,
        tokens: &'a Tokens,
        semantics: &'run Semantics<'a>,
        project: &'run Project,
        target: PythonVersion,
        rule: &'static Rule,
    ) -> Context<'a, 'run> {
        Context { source, tokens, semantics, project, target, rule, found: Vec::new() }
    }

    pub(crate) fn set_rule(&mut self, rule: &'static Rule) {
        self.rule = rule;
    }

    pub(crate) fn finish(self) -> Vec<Finding> {
        self.found
    }

    /// The rule that is looking.
    pub fn report(&mut self, report: Report) {
        self.found.push(Finding {
            rule: self.rule,
            range: report.range,
            start: self.source.position(report.range.start()),
            end: self.source.position(report.range.end()),
            message: report.message,
            advice: report.advice,
            but: report.but,
            severity: Severity::Warning,
            confidence: report.confidence,
            saving: Saving { of: report.saves, formula: report.formula },
            fix: report.fix,
        });
    }

    pub fn nodes(&self) -> &'run Nodes<'a> {
        &self.semantics.nodes
    }

    pub fn scopes(&self) -> &'run Scopes<'a> {
        &self.semantics.scopes
    }

    /// Text of an expression as it stands there.
    pub fn text(&self, range: TextRange) -> &'a str {
        self.source.slice(range)
    }

    /// The full name of what an expression refers to.
    pub fn qualified(&self, expr: &Expr) -> Option<String> {
        self.semantics.qualified(expr)
    }

    pub fn node_of(&self, expr: &Expr) -> NodeId {
        self.nodes().of_expr(expr)
    }

    /// Tokens that begin in a stretch of the source.
    pub fn tokens_in(&self, range: TextRange) -> &'a [Token] {
        let from = self.tokens.partition_point(|token| token.start() < range.start());
        let until = self.tokens.partition_point(|token| token.start() < range.end());
        self.tokens.get(from..until).unwrap_or_default()
    }

    /// The next token behind an offset that is no comment and no line end inside of brackets.
    pub fn token_behind(&self, offset: TextSize) -> Option<&'a Token> {
        let from = self.tokens.partition_point(|token| token.start() < offset);
        self.tokens[from..].iter().find(|token| !token.kind().is_trivia())
    }

    /// Whether a comment stands in a stretch of the source.
    pub fn has_comment(&self, range: TextRange) -> bool {
        self.tokens_in(range).iter().any(|token| token.kind() == TokenKind::Comment)
    }
}
