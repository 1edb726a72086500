//! MS210, MS212: containers and tables that are made anew to add something to them.

use super::per_call::loops_over_few;
use super::places::is_constant;
use super::shared::is_bytes;
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety, Saves};
use crate::handling;
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::BindKind;
use crate::syntax::{Expr, Ranged, TextRange, ast};

pub(super) const RULES: &[&Rule] = &[&REBUILD_IN_LOOP, &FRAME_GROWN];

static REBUILD_IN_LOOP: Rule = Rule {
    id: "MS210",
    name: "rebuild-in-loop",
    technique: Technique::FewerObjects,
    summary: "a container is made anew in each round of a loop, to add something to it",
    is_default: false,
    needs: Needs::Trace,
    page: Page {
        why: "`rows = rows + [row]` copies all that is there to add one; so do `t += (x,)`, `{**d, k: v}` and `b += more` of bytes. Over a loop that is half its \
              length for each round, and while it is done both are there.",
        bad: "rows = []\nfor line in lines:\n    rows = rows + [parse(line)]",
        good: "rows = []\nfor line in lines:\n    rows.append(parse(line))",
        unless: &[
            "It is begun anew in each round.",
            "The loop goes through fewer than 30 things that are written out.",
            "A key that is written out is set: then it does not grow.",
            "It needs a trace: of dimensions, options and parts of a version there are few, and no line says so.",
            "`s += text` of a local str is done in place, and `rows += [row]` as well.",
        ],
        figures: "n items: n * n * 4 bytes are copied. The peak is two of them instead of one.",
    },
    checks: &[Check::Assign(rebuilt), Check::AugAssign(added_to)],
};

fn rebuilt<'a>(context: &mut Context<'a, '_>, id: NodeId, assign: &'a ast::StmtAssign) {
    let [target] = &*assign.targets else { return };
    if !is_place(target) || !grows_in_loop(context, id, target) {
        return;
    }
    let (advice, fix) = match rebuilds(context, target, &assign.value) {
        Some(By::List(right)) => ("append", in_place(context, assign, target, right)),
        Some(By::Dict) => ("set the key", None),
        Some(By::Tuple) => ("use a list, and `append`", None),
        Some(By::Front) => ("`append`, and turn it round at the end; or a `deque`", None),
        None => return,
    };
    let mut report = found(context, assign.range(), target, advice);
    report.fix = fix;
    context.report(report);
}

/// By what a container is made anew.
enum By<'a> {
    /// `x + [..]`, with what is added.
    List(&'a Expr),
    Tuple,
    Dict,
    /// `[..] + x`.
    Front,
}

fn is_place(expr: &Expr) -> bool {
    matches!(expr, Expr::Name(_) | Expr::Attribute(_))
}

fn rebuilds<'a>(context: &Context<'_, '_>, target: &Expr, value: &'a Expr) -> Option<By<'a>> {
    let same = |expr: &Expr| is_place(expr) && context.text(expr.range()) == context.text(target.range());
    let unpacks = |expr: Option<&Expr>| matches!(expr, Some(Expr::Starred(star)) if same(&star.value));
    match value {
        Expr::BinOp(binary) if binary.op == ast::Operator::Add => match (&*binary.left, &*binary.right) {
            (left, right @ Expr::List(_)) if same(left) => Some(By::List(right)),
            (left, Expr::Tuple(_)) if same(left) => Some(By::Tuple),
            (Expr::List(_) | Expr::Tuple(_), right) if same(right) => Some(By::Front),
            _ => None,
        },
        Expr::BinOp(binary) if binary.op == ast::Operator::BitOr && same(&binary.left) => {
            matches!(&*binary.right, Expr::Dict(_) | Expr::Set(_)).then_some(By::Dict)
        }
        Expr::Dict(dict) => {
            let is_copy = dict.items.first().is_some_and(|item| item.key.is_none() && same(&item.value));
            let is_new = |item: &ast::DictItem| item.key.as_ref().is_none_or(|key| !is_constant(key));
            (is_copy && dict.items.iter().skip(1).any(is_new)).then_some(By::Dict)
        }
        Expr::List(list) if list.elts.len() > 1 && unpacks(list.elts.first()) => Some(By::Tuple),
        Expr::Tuple(tuple) if tuple.elts.len() > 1 && unpacks(tuple.elts.first()) => Some(By::Tuple),
        _ => None,
    }
}

/// `x = x + [..]` as `x += [..]`.
fn in_place(context: &Context<'_, '_>, assign: &ast::StmtAssign, target: &Expr, right: &Expr) -> Option<Fix> {
    let between = TextRange::new(target.end(), right.start());
    let is_plain = !context.has_comment(between)
        && !context.text(between).contains(['(', '\\', '\n', '\r'])
        && right.end() == assign.end();
    is_plain.then(|| Fix::new(Safety::Unsafe, vec![Edit::new(between, " += ")]))
}

fn added_to<'a>(context: &mut Context<'a, '_>, id: NodeId, assign: &'a ast::StmtAugAssign) {
    if assign.op != ast::Operator::Add || !grows_in_loop(context, id, &assign.target) {
        return;
    }
    let is_copied = match &*assign.value {
        Expr::Tuple(_) => true,
        _ => is_bytes(context, &assign.target),
    };
    if is_copied {
        let advice = if assign.value.is_tuple_expr() {
            "use a list, and `append`"
        } else {
            "use a `bytearray`, or join a list at the end"
        };
        let report = found(context, assign.range(), &assign.target, advice);
        context.report(report);
    }
}

fn found(context: &Context<'_, '_>, range: TextRange, target: &Expr, advice: &str) -> Report {
    let mut report = Report::new(
        range,
        format!("all of `{}` is copied in each round, to add something to it", context.text(target.range())),
        advice,
        "n items: n * n * 4 bytes are copied; at the peak there are two",
    );
    report.saves = Saves::Churn;
    report
}

/// Whether what is assigned in a loop is carried from round to round.
fn grows_in_loop(context: &Context<'_, '_>, id: NodeId, target: &Expr) -> bool {
    let Some(around) = handling::loop_of(context.semantics, id) else { return false };
    if loops_over_few(context, id) {
        return false;
    }
    let Some(symbol) = context.semantics.symbol_of(target) else {
        // An attribute: of what is bound in the loop each round has its own.
        return match target {
            Expr::Attribute(attribute) => context.semantics.symbol_of(&attribute.value).is_some_and(|of| {
                let binds = &context.scopes().symbol(of).binds;
                binds.iter().all(|bind| !context.nodes().contains(around, bind.node))
            }),
            _ => false,
        };
    };
    let binds = &context.scopes().symbol(symbol).binds;
    let here = context.node_of(target);
    let is_begun = binds.iter().any(|bind| {
        let is_this =
            bind.node == here || handling::of_store(context.semantics, bind.node) != handling::Handling::default();
        // Bound in the same round, by something else than what it was before.
        !is_this && context.nodes().contains(around, bind.node) && !adds_as_well(context, bind.node, target)
    });
    !is_begun
}

/// Whether a bind of a name is another line that adds to it.
fn adds_as_well(context: &Context<'_, '_>, bind: NodeId, target: &Expr) -> bool {
    use crate::syntax::AnyNodeRef;
    match context.nodes().node(context.nodes().parent(bind)) {
        AnyNodeRef::StmtAssign(assign) => rebuilds(context, target, &assign.value).is_some(),
        AnyNodeRef::StmtAugAssign(_) => true,
        _ => false,
    }
}

static FRAME_GROWN: Rule = Rule {
    id: "MS212",
    name: "frame-grown-in-loop",
    technique: Technique::FewerObjects,
    summary: "a table or array is made anew in each round of a loop, to add rows to it",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`pandas.concat` and `numpy.append` copy everything into a new table. In a loop the first row is copied once for each that follows. Collect the parts in a \
              list, and join them once.",
        bad: "for path in paths:\n    table = pd.concat([table, pd.read_csv(path)])",
        good: "table = pd.concat(pd.read_csv(path) for path in paths)",
        unless: &[
            "It is begun anew in each round.",
            "The loop goes through fewer than 30 things that are written out.",
        ],
        figures: "n parts: n / 2 times the whole table is copied. The peak is two of them instead of one.",
    },
    checks: &[Check::Assign(frame_grown)],
};

/// Functions that copy what they join.
const JOINERS: [&str; 6] =
    ["pandas.concat", "numpy.append", "numpy.concatenate", "numpy.vstack", "numpy.hstack", "numpy.column_stack"];

fn frame_grown<'a>(context: &mut Context<'a, '_>, id: NodeId, assign: &'a ast::StmtAssign) {
    let ([target], Expr::Call(call)) = (&*assign.targets, &*assign.value) else { return };
    let is_joiner = context.qualified(&call.func).is_some_and(|name| JOINERS.contains(&name.as_str()));
    if !is_joiner || !is_place(target) || !grows_in_loop(context, id, target) {
        return;
    }
    let same = |expr: &Expr| context.text(expr.range()) == context.text(target.range());
    // An array that is begun anew in each round of a loop around this one is one of many small ones.
    let is_inner = context.semantics.symbol_of(target).is_some_and(|symbol| {
        let binds = &context.scopes().symbol(symbol).binds;
        binds.iter().any(|bind| {
            bind.kind == BindKind::Loop
                || (bind.node != context.node_of(target) && handling::in_loop(context.semantics, bind.node))
        })
    });
    let joins = match call.arguments.find_positional(0) {
        Some(Expr::List(list)) => list.elts.iter().any(same),
        Some(Expr::Tuple(tuple)) => tuple.elts.iter().any(same),
        Some(first) => same(first),
        None => false,
    };
    if joins && !is_inner {
        let report =
            found(context, assign.range(), target, "collect the parts in a list, and join them once behind the loop");
        context.report(report);
    }
}
