//! A rule as data: what it is called, what its page says, and the functions that look for it.

use crate::context::Context;
use crate::nodes::NodeId;
use crate::syntax::{AnyNodeRef, ast};

/// The four ways to need less memory, and what keeps the comments about them in order.
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
    /// None of them: comments of memsight's own, MS0xx.
    Upkeep,
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

/// All kinds of nodes that rules look at, each in one line: what the functions are called, the node, its type.
macro_rules! kinds {
    ($($doc:literal $check:ident: $node:ident,)*) => {
        /// A function that looks at all nodes of one kind.
        #[derive(Clone, Copy)]
        pub enum Check {
            $(#[doc = $doc] $check(for<'a> fn(&mut Context<'a, '_>, NodeId, &'a ast::$node)),)*
            /// The module as a whole.
            Module(for<'a> fn(&mut Context<'a, '_>)),
        }

        /// A kind of nodes that rules look at.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($check,)*
        }

        impl Kind {
            /// How many there are.
            pub(crate) const COUNT: usize = [$(Kind::$check),*].len();

            /// Most nodes are of no kind that a rule looks at.
            pub(crate) fn of(node: AnyNodeRef<'_>) -> Option<Kind> {
                match node {
                    $(AnyNodeRef::$node(_) => Some(Kind::$check),)*
                    _ => None,
                }
            }
        }

        impl Check {
            /// The nodes that it looks at; none where it looks at the module.
            pub(crate) fn kind(self) -> Option<Kind> {
                match self {
                    $(Check::$check(_) => Some(Kind::$check),)*
                    Check::Module(_) => None,
                }
            }

            /// Looks at a node of its kind.
            pub(crate) fn visit(self, context: &mut Context<'_, '_>, id: NodeId) {
                match (context.nodes().node(id), self) {
                    $((AnyNodeRef::$node(node), Check::$check(run)) => run(context, id, node),)*
                    _ => {}
                }
            }
        }
    };
}

kinds! {
    "Calls." Call: ExprCall,
    "Comparisons." Compare: ExprCompare,
    "Operators with two sides." Binary: ExprBinOp,
    "Subscripts." Subscript: ExprSubscript,
    "`for` statements." For: StmtFor,
    "The `for`s of comprehensions." Comprehension: Comprehension,
    "Assignments `a = b`." Assign: StmtAssign,
    "Assignments `a += b`." AugAssign: StmtAugAssign,
    "`except` clauses." Except: ExceptHandlerExceptHandler,
    "Functions." Function: StmtFunctionDef,
    "Classes." Class: StmtClassDef,
    "`del` statements." Delete: StmtDelete,
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
