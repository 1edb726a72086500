//! MS114: a document that is made as one text, to be written.

use memsight_model::Confidence;

use super::ask::sole_argument;
use crate::context::{Context, Report};
use crate::finding::Saves;
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::syntax::{Expr, Ranged, ast};

pub(super) const RULES: &[&Rule] = &[&DUMPS_THEN_WRITE];

static DUMPS_THEN_WRITE: Rule = Rule {
    id: "MS114",
    name: "dumps-then-write",
    technique: Technique::Generators,
    summary: "a whole document is made as text, to be written to a file",
    is_default: false,
    needs: Needs::Trace,
    page: Page {
        why: "`json.dumps` makes one text of all of it; `json.dump` writes piece by piece.",
        bad: "file.write(json.dumps(records))",
        good: "json.dump(records, file)",
        unless: &[
            "**It is slower**: 3 times on 3.11, 12 times on 3.15. Worth it where the text makes the peak, which only a trace tells: so it is not looked for \
             by default.",
            "Anything is added to the text.",
        ],
        figures: "34 to 37 B a record of two keys that is 29 characters long (89 up to 3.11).",
    },
    checks: &[Check::Call(dumps_then_write)],
};

fn dumps_then_write<'a>(context: &mut Context<'a, '_>, _: NodeId, call: &'a ast::ExprCall) {
    let Expr::Attribute(attribute) = &*call.func else { return };
    let Some(argument @ Expr::Call(dumps)) = sole_argument(call).filter(|_| attribute.attr == *"write") else { return };
    let name = match context.qualified(&dumps.func).as_deref() {
        Some("json.dumps") => "json.dump",
        Some("pickle.dumps") => "pickle.dump",
        Some("marshal.dumps") => "marshal.dump",
        _ => return,
    };
    let (Some(value), true) = (dumps.arguments.find_positional(0), dumps.arguments.args.len() == 1) else { return };
    let file = context.text(attribute.value.range());
    let mut report = Report::new(
        argument.range(),
        "the whole document is in memory as one text, to be written",
        format!("{name}({}, {file})", context.text(value.range())),
        "the length of the text",
    );
    report.saves = Saves::Peak;
    report.confidence = Confidence::Low;
    report.but = "writing piece by piece takes 3 to 12 times as long for JSON".to_owned();
    context.report(report);
}
