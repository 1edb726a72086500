//! What a rule sees while it looks, and where it puts what it finds.

use memsight_model::Confidence;

use crate::edit::{Fix, Saves};
use crate::nodes::{NodeId, Nodes};
use crate::project::Project;
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
    found: Vec<Report>,
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
    ) -> Context<'a, 'run> {
        Context { source, tokens, semantics, project, target, found: Vec::new() }
    }

    /// What was found since this was asked last.
    pub(crate) fn take(&mut self) -> std::vec::Drain<'_, Report> {
        self.found.drain(..)
    }

    /// Puts down what was found.
    pub fn report(&mut self, report: Report) {
        self.found.push(report);
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
