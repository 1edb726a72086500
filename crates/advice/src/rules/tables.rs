//! MS311, MS312: sets and dicts of a kind that is larger than what they are used for.

use memsight_model::Confidence;

use super::places::{class_of, function_of, own_attribute, sole_local};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety, Saves};
use crate::handling::{self, CHANGED, Handling};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::syntax::{AnyNodeRef, Expr, Ranged, ast};

pub(super) const RULES: &[&Rule] = &[&SMALL_SETS, &ORDERED_DICT];

static SMALL_SETS: Rule = Rule {
    id: "MS311",
    name: "small-sets",
    technique: Technique::CompactStructures,
    summary: "each of many objects has a small set of its own that nobody changes",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "A set of up to four takes 216 bytes. A tuple of them is as good for `in` and for going through it.",
        bad: "self.ends = {start, end}",
        good: "self.ends = (start, end)",
        unless: &[
            "It is changed, passed on or compared, or tells equal items apart.",
            "It needs a heap that shows that there are many: `in` of a tuple takes longer where it is asked often.",
        ],
        figures: "216 B become 40 and 8 an item (48 from 3.14).",
    },
    checks: &[Check::Assign(small_sets)],
};

fn small_sets<'a>(context: &mut Context<'a, '_>, id: NodeId, assign: &'a ast::StmtAssign) {
    let ([target], Expr::Set(set)) = (&*assign.targets, &*assign.value) else { return };
    let Some((function, def)) = function_of(context, id) else { return };
    let Some(name) = own_attribute(def, target) else { return };
    let is_small = set.elts.len() <= 4 && !set.elts.iter().any(Expr::is_starred_expr);
    let handled = context.project.handling(name);
    if !is_small || class_of(context, function).is_none() || handled.has(CHANGED.and(Handling::ORDERED)) {
        return;
    }
    let mut report = Report::new(
        assign.value.range(),
        format!("each object has a set of its own for `{name}`, which nobody changes"),
        "a tuple",
        "216 B become 40 and 8 an item (48 from 3.14)",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Low;
    context.report(report);
}

static ORDERED_DICT: Rule = Rule {
    id: "MS312",
    name: "ordered-dict",
    technique: Technique::CompactStructures,
    summary: "an `OrderedDict` is used for nothing that a dict cannot do",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A dict keeps the order in which keys came (3.7 and later). An `OrderedDict` has a second table and a linked list besides, for `move_to_end`, `popitem(last=False)` and \
              comparisons in order.",
        bad: "seen = OrderedDict()\nfor word in words:\n    seen[word] = True",
        good: "seen = {}\nfor word in words:\n    seen[word] = True",
        unless: &[
            "`move_to_end`, `popitem` or a comparison is used on something of that name.",
            "It is returned or passed on: who gets it may need that it is one.",
        ],
        figures: "105 B an entry become 52.",
    },
    checks: &[Check::Call(ordered_dict)],
};

fn ordered_dict<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    if !context.semantics.is_call_of(call, "collections.OrderedDict") {
        return;
    }
    let target = match context.nodes().node(context.nodes().parent(id)) {
        AnyNodeRef::StmtAssign(assign) => match &*assign.targets {
            [target] => target,
            _ => return,
        },
        AnyNodeRef::StmtAnnAssign(assign) if !context.text(assign.annotation.range()).contains("Ordered") => {
            &*assign.target
        }
        _ => return,
    };
    if !is_used_as_dict(context, id, target) {
        return;
    }
    let name = context.text(target.range());
    let mut report = Report::new(
        call.range(),
        format!("nothing that is done with `{name}` needs an `OrderedDict`"),
        "dict",
        "105 B an entry become 52",
    );
    report.saves = Saves::Now;
    let scope = context.scopes().of_node(id);
    report.fix = context
        .scopes()
        .is_builtin(scope, "dict")
        .then(|| Fix::new(Safety::Unsafe, vec![Edit::new(call.func.range(), "dict")]));
    context.report(report);
}

fn is_used_as_dict(context: &Context<'_, '_>, id: NodeId, target: &Expr) -> bool {
    let other = Handling::ORDERED.and(Handling::PASSED).and(Handling::RAISED);
    match target {
        Expr::Name(name) => {
            let Some(symbol) = context.semantics.symbol_of(target) else { return false };
            if handling::is_own(context.semantics, context.node_of(target)) {
                return sole_local(context, symbol).is_some_and(|local| {
                    !local.uses.is_empty()
                        && local.uses.iter().all(|at| !handling::of_use(context.semantics, *at).has(other))
                });
            }
            // A name of the module or of a class: whatever is called so, anywhere.
            name.id.starts_with('_') && !context.project.handling(&name.id).has(other)
        }
        Expr::Attribute(attribute) => {
            let is_own = function_of(context, id).is_some_and(|(function, def)| {
                own_attribute(def, target).is_some() && class_of(context, function).is_some()
            });
            let handled = context.project.handling(&attribute.attr);
            is_own
                && attribute.attr.starts_with('_')
                && handled.has(Handling::READ.and(Handling::ADDED))
                && !handled.has(other)
        }
        _ => false,
    }
}
