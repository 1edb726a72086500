//! MS117: what MS101 to MS104, MS108 to MS110 tell, where nothing says how many items there are.

use super::many::Size;
use super::{consumers, copies, once};
use crate::context::Context;
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::syntax::ast;

pub(super) const RULES: &[&Rule] = &[&UNSIZED_LIST];

static UNSIZED_LIST: Rule = Rule {
    id: "MS117",
    name: "unsized-list",
    technique: Technique::Generators,
    summary: "a list of unknown length is made to be gone through once",
    is_default: false,
    needs: Needs::Trace,
    page: Page {
        why: "As [MS101](MS101.md) to [MS104](MS104.md) and [MS108](MS108.md) to [MS110](MS110.md), where no line says that there are many items. \
              Most such lists are short: the arguments of a call, the factors of a number, the parts of an address. A generator takes as much as a \
              list of 20, so nothing is saved there; a trace tells which of these lists are long.",
        bad: "def heaviest(parcels):\n    weights = [parcel.weight for parcel in parcels]\n    return max(weights)",
        good: "def heaviest(parcels):\n    weights = (parcel.weight for parcel in parcels)\n    return max(weights)",
        unless: &[
            "All that the pages of these rules say.",
            "It needs a trace in which the line holds something at the peak: below 30 items nothing is saved.",
        ],
        figures: "A generator takes 176 to 216 B (490 to 504 up to 3.10), a list 56 and 8 an item, and the items that are made for it.",
    },
    checks: &[Check::Call(calls), Check::Compare(comparisons), Check::Assign(variables), Check::Function(functions)],
};

fn calls<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    consumers::for_call(context, call, Size::Unknown);
    consumers::set_or_dict(context, id, call, Size::Unknown);
    consumers::counted(context, call, Size::Unknown);
    copies::of_iterator(context, id, call, Size::Unknown);
    copies::of_range(context, id, call, Size::Unknown);
}

fn comparisons<'a>(context: &mut Context<'a, '_>, _: NodeId, compare: &'a ast::ExprCompare) {
    consumers::for_in(context, compare, Size::Unknown);
}

fn variables<'a>(context: &mut Context<'a, '_>, _: NodeId, assign: &'a ast::StmtAssign) {
    once::used_once(context, assign, Size::Unknown);
}

fn functions<'a>(context: &mut Context<'a, '_>, id: NodeId, def: &'a ast::StmtFunctionDef) {
    once::builds_list(context, id, def, Size::Unknown);
}
