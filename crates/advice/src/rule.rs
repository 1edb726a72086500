//! A rule as data: what it is called, what its page says, and the functions that look for it.

use crate::context::Context;
use crate::nodes::NodeId;
use crate::syntax::ast;

/// The four ways to need less memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Technique {
    /// Generators and iterators: MS1xx.
    Generators,
    /// No needless objects: MS2xx.
    FewerObjects,
    /// Built-in data structures: MS3xx.
    CompactStructures,
    /// Explicit freeing: MS4xx.
    FreeExplicitly,
}

/// What a rule needs besides the source to claim anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Source,
    /// A look at a heap.
    Heap,
    /// A trace of allocations.
    Trace,
}

/// The page of a rule, `docs/rules/MSxxx.md`.
#[derive(Debug)]
pub struct Page {
    /// What costs memory and why, in a paragraph.
    pub why: &'static str,
    /// Code that is reported.
    pub bad: &'static str,
    /// The same without the waste.
    pub good: &'static str,
    /// When it is not reported, or should not be done: a list of sentences.
    pub unless: &'static [&'static str],
    /// Bytes, measured, with the versions they are of.
    pub figures: &'static str,
}

/// A function that looks at all nodes of one kind.
#[derive(Clone, Copy)]
pub enum Check {
    /// Calls.
    Call(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::ExprCall)),
    /// Comparisons.
    Compare(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::ExprCompare)),
    /// Operators with two sides.
    Binary(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::ExprBinOp)),
    /// Subscripts.
    Subscript(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::ExprSubscript)),
    /// `for` statements.
    For(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::StmtFor)),
    /// The `for`s of comprehensions.
    Comprehension(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::Comprehension)),
    /// Assignments `a = b`.
    Assign(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::StmtAssign)),
    /// Assignments `a += b`.
    AugAssign(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::StmtAugAssign)),
    /// `except` clauses.
    Except(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::ExceptHandlerExceptHandler)),
    /// Functions.
    Function(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::StmtFunctionDef)),
    /// Classes.
    Class(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::StmtClassDef)),
    /// The module as a whole.
    Module(for<'a> fn(&mut Context<'a, '_>)),
}

/// A rule.
pub struct Rule {
    /// Such as `MS101`. It never changes and is never used again.
    pub id: &'static str,
    /// Such as `list-for-consumer`.
    pub name: &'static str,
    /// Which way it is an instance of.
    pub technique: Technique,
    /// What it is about, in one line without a full stop.
    pub summary: &'static str,
    /// Reported without being asked for: at least 90 of 100 findings on real packages are right.
    pub is_default: bool,
    /// What it needs besides the source.
    pub needs: Needs,
    /// Its page.
    pub page: Page,
    /// Who looks for it.
    pub checks: &'static [Check],
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        self.id == other.id
    }
}
