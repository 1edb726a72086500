//! Which locals are still needed behind a statement: liveness, backwards through the statements of a function.
//!
//! The statements are structured, so no graph is built: a block is gone through from its end to its start, a loop until
//! nothing changes. Whatever may raise may go to each handler around it, so too much is live sometimes, never too little.

use rustc_hash::FxHashMap;

use crate::nodes::{NodeId, Nodes};
use crate::scopes::{Scopes, SymbolId};
use crate::syntax::{Expr, Stmt, ast};

/// As many locals as are followed at once: one bit each.
pub const MOST: usize = 64;

/// Which of the followed locals are live behind each statement of a function.
pub struct Flow {
    after: FxHashMap<NodeId, u64>,
}

/// What is live where control goes when it does not go on.
#[derive(Clone, Copy, Default)]
struct Exits {
    broken: u64,
    continued: u64,
    raised: u64,
    returned: u64,
}

struct Walk<'w, 'a> {
    nodes: &'w Nodes<'a>,
    /// Where followed locals are named, in the order of the source: the place, the bit, whether it gets a value there.
    touched: Vec<(NodeId, u64, bool)>,
    after: FxHashMap<NodeId, u64>,
}

impl Flow {
    /// Follows up to [`MOST`] locals of a function that nothing captures.
    pub fn new<'a>(nodes: &Nodes<'a>, scopes: &Scopes<'a>, body: &'a [Stmt], locals: &[SymbolId]) -> Flow {
        let mut touched = Vec::new();
        for (at, local) in locals.iter().take(MOST).enumerate() {
            let symbol = scopes.symbol(*local);
            touched.extend(symbol.uses.iter().map(|used| (*used, 1 << at, false)));
            touched.extend(symbol.binds.iter().map(|bind| (bind.node, 1 << at, true)));
        }
        touched.sort_unstable();
        let mut walk = Walk { nodes, touched, after: FxHashMap::default() };
        walk.block(body, 0, Exits::default());
        Flow { after: walk.after }
    }

    /// Whether the local at this place of the list may be read behind a statement. What was never reached is live.
    pub fn is_live_after(&self, statement: NodeId, local: usize) -> bool {
        self.after.get(&statement).is_none_or(|live| live & (1 << local) != 0)
    }
}

impl<'a> Walk<'_, 'a> {
    fn block(&mut self, body: &'a [Stmt], after: u64, exits: Exits) -> u64 {
        body.iter().rev().fold(after, |live, stmt| self.statement(stmt, live, exits))
    }

    /// What is live before a statement, given what is live behind it.
    fn statement(&mut self, stmt: &'a Stmt, after: u64, exits: Exits) -> u64 {
        let id = self.nodes.of_stmt(stmt);
        *self.after.entry(id).or_default() |= after;
        let before = match stmt {
            Stmt::If(node) => self.choice(node, after, exits),
            Stmt::For(node) => {
                let (head, exit) = (self.bound(&node.target), self.block(&node.orelse, after, exits));
                self.repeated(&node.body, exit, head, Exits { broken: after, ..exits }) | self.read(&node.iter)
            }
            Stmt::While(node) => {
                let exit = self.block(&node.orelse, after, exits) | self.read(&node.test);
                self.repeated(&node.body, exit, 0, Exits { broken: after, ..exits })
            }
            // What is raised inside may be swallowed.
            Stmt::With(node) => {
                let body = self.block(&node.body, after, Exits { raised: exits.raised | after, ..exits });
                let targets = node.items.iter().filter_map(|item| item.optional_vars.as_deref());
                let bound = targets.fold(0, |bound, target| bound | self.bound(target));
                node.items.iter().fold(body & !bound, |live, item| live | self.read(&item.context_expr))
            }
            Stmt::Try(node) => self.tried(node, after, exits),
            Stmt::Match(node) => node.cases.iter().fold(after | self.read(&node.subject), |live, case| {
                live | self.block(&case.body, after, exits) | case.guard.as_deref().map_or(0, |guard| self.read(guard))
            }),
            Stmt::Return(_) => self.inside(id).0 | exits.returned,
            Stmt::Raise(_) => self.inside(id).0,
            Stmt::Break(_) => exits.broken,
            Stmt::Continue(_) => exits.continued,
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => after | self.inside(id).0,
            _ => {
                let (read, bound) = self.inside(id);
                (after & !bound) | read
            }
        };
        before | exits.raised
    }

    fn choice(&mut self, node: &'a ast::StmtIf, after: u64, exits: Exits) -> u64 {
        let mut before = self.block(&node.body, after, exits) | self.read(&node.test);
        let mut has_else = false;
        for clause in &node.elif_else_clauses {
            before |= self.block(&clause.body, after, exits);
            match &clause.test {
                Some(test) => before |= self.read(test),
                None => has_else = true,
            }
        }
        if has_else { before } else { before | after }
    }

    /// What is live before a loop: `exit` where it ends, `bound` what each round gets anew.
    fn repeated(&mut self, body: &'a [Stmt], exit: u64, bound: u64, exits: Exits) -> u64 {
        let mut head = exit;
        loop {
            let inside = self.block(body, head, Exits { continued: head, ..exits });
            let next = head | (inside & !bound);
            if next == head {
                return head;
            }
            head = next;
        }
    }

    fn tried(&mut self, node: &'a ast::StmtTry, after: u64, exits: Exits) -> u64 {
        let (last, inner) = if node.finalbody.is_empty() {
            (after, exits)
        } else {
            // The last part is gone through whatever leaves the others, and goes on to there.
            let anywhere = after | exits.broken | exits.continued | exits.raised | exits.returned;
            let last = self.block(&node.finalbody, anywhere, exits);
            (last, Exits { broken: last, continued: last, raised: last, returned: last })
        };
        let mut caught = inner.raised;
        for ast::ExceptHandler::ExceptHandler(handler) in &node.handlers {
            caught |= self.block(&handler.body, last, inner);
            caught |= handler.type_.as_deref().map_or(0, |kind| self.read(kind));
        }
        let rest = self.block(&node.orelse, last, inner);
        self.block(&node.body, rest, Exits { raised: caught, ..inner })
    }

    fn read(&self, expr: &Expr) -> u64 {
        self.inside(self.nodes.of_expr(expr)).0
    }

    fn bound(&self, expr: &Expr) -> u64 {
        self.inside(self.nodes.of_expr(expr)).1
    }

    /// What is read and what is bound in a node.
    fn inside(&self, id: NodeId) -> (u64, u64) {
        let end = self.nodes.get(id).end;
        let from = self.touched.partition_point(|(at, ..)| *at < id);
        let inside = self.touched[from..].iter().take_while(|(at, ..)| *at < end);
        inside.fold(
            (0, 0),
            |(read, bound), (_, bit, is_bound)| {
                if *is_bound { (read, bound | bit) } else { (read | bit, bound) }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Flow;
    use crate::nodes::NodeId;
    use crate::scopes::Semantics;
    use crate::syntax::{AnyNodeRef, Parsed, PythonVersion, Ranged};

    /// Lines behind whose statements `x` is live, in a function.
    fn live(body: &str) -> Vec<usize> {
        let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
        let text = format!("def f(a):\n{}", lines.concat());
        let parsed = Parsed::new(&text, PythonVersion::PY313);
        assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
        let semantics = Semantics::new(parsed.tree().unwrap());
        let AnyNodeRef::StmtFunctionDef(def) = semantics.nodes.node(NodeId(1)) else { panic!() };
        let scope = semantics.scopes.opened_by(NodeId(1)).unwrap();
        let x = semantics.scopes.lookup(scope, "x").unwrap();
        let flow = Flow::new(&semantics.nodes, &semantics.scopes, &def.body, &[x]);
        let statements =
            semantics.nodes.within(NodeId(1)).skip(1).filter(|id| semantics.nodes.node(*id).is_statement());
        let live = statements.filter(|id| flow.is_live_after(*id, 0));
        live.map(|id| text[..semantics.nodes.node(id).start().to_usize()].matches('\n').count()).collect()
    }

    #[test]
    fn straight_on() {
        assert_eq!(live("x = a\ng()\nprint(x)\ng()"), [1, 2]);
        assert_eq!(live("x = a\nprint(x)\nx = 2\nprint(x)"), [1, 3]);
    }

    #[test]
    fn branches_and_returns() {
        assert_eq!(live("x = a\nif a:\n    return x\ng()"), [1]);
        assert_eq!(live("x = a\nif a:\n    g()\nelse:\n    h(x)\ng()"), [1]);
        assert_eq!(live("x = a\nif a:\n    g()\nprint(x)"), [1, 2, 3]);
        assert_eq!(live("x = a\nmatch a:\n    case 1:\n        g()\n    case 2:\n        h(x)\ng()"), [1]);
    }

    #[test]
    fn loops_come_back() {
        assert_eq!(live("x = a\nfor b in a:\n    g()\n    h(x)\ng()"), [1, 3, 4]);
        assert_eq!(live("for b in a:\n    x = b\n    h(x)\n    g()"), [2]);
        assert_eq!(live("x = a\nwhile x:\n    x = g()\nh()"), [1, 3]);
        assert_eq!(live("x = a\nwhile True:\n    if a:\n        break\n    g()\nh(x)"), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_raised_goes_to_handlers_and_the_last_part() {
        assert_eq!(live("x = a\ntry:\n    g()\n    h()\nexcept ValueError:\n    p(x)\nq()"), [1, 3]);
        assert_eq!(live("x = a\ntry:\n    return g()\nfinally:\n    p(x)"), [1, 3]);
        assert_eq!(live("x = a\nwith a:\n    p(x)\nq()"), [1]);
    }
}
