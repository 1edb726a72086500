//! MS201, MS202, MS308, MS309, MS310: many small records that could be of a smaller kind, or share their texts.

use memsight_model::Confidence;

use super::per_call::loops_over_few;
use super::places::{bound_value, call_around, last_name, sole_local};
use crate::context::{Context, Report};
use crate::finding::Saves;
use crate::handling::{self, Handling};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::{BindKind, Symbol};
use crate::syntax::{AnyNodeRef, Expr, Ranged, TextRange, ast};

pub(super) const RULES: &[&Rule] =
    &[&EQUAL_STRINGS, &KEYS_PER_DOCUMENT, &SAME_SHAPE_DICTS, &DICTREADER_KEPT, &NESTED_SMALL_DICTS];

static EQUAL_STRINGS: Rule = Rule {
    id: "MS201",
    name: "equal-strings",
    technique: Technique::FewerObjects,
    summary: "texts that are cut out of others are kept in many objects, equal ones again and again",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "`split`, `group` and `decode` make a new text each time, also where an equal one is there already. A column with few different values is then kept \
              thousands of times. `sys.intern` gives the one that is there.",
        bad: "rows.append(Order(fields[0], fields[1]))",
        good: "rows.append(Order(sys.intern(fields[0]), fields[1]))",
        unless: &[
            "Most values are different: then nothing is saved. It needs a heap that counts them.",
            "On 3.12 `sys.intern` never lets go of a text (3.12.1): `seen.setdefault(text, text)` with a dict of one's own does.",
        ],
        figures: "49 B and the length of the text (41 from 3.12), rounded up to 16, for each copy but the first: 53 to 61 B a field become 8.",
    },
    checks: &[Check::Call(equal_strings)],
};

fn equal_strings<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let is_class = last_name(&call.func).is_some_and(|name| name.starts_with(char::is_uppercase));
    if !is_class || !handling::is_kept_in_loop(context.semantics, id) || loops_over_few(context, id) {
        return;
    }
    let cut = call.arguments.args.iter().chain(call.arguments.keywords.iter().map(|keyword| &keyword.value));
    let Some(text) = cut.into_iter().find(|argument| is_cut_out(context, argument)) else { return };
    let range = text.range();
    let mut report = Report::new(
        range,
        "a text that was cut out is kept in each object, equal ones again and again",
        format!("sys.intern({})", context.text(range)),
        "49 B and the length (41 from 3.12), rounded up to 16, for each copy but the first",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Low;
    report.but = "nothing is saved where most texts are different".to_owned();
    context.report(report);
}

/// Whether an expression is a text that was cut out of another one.
fn is_cut_out(context: &Context<'_, '_>, expr: &Expr) -> bool {
    const CUTS: [&str; 3] = ["split", "rsplit", "partition"];
    match expr {
        Expr::Starred(star) => {
            matches!(&*star.value, Expr::Call(call) if last_name(&call.func).is_some_and(|name| CUTS.contains(&name)))
        }
        Expr::Subscript(subscript) => match &*subscript.value {
            Expr::Call(call) => last_name(&call.func).is_some_and(|name| CUTS.contains(&name)),
            whole @ Expr::Name(_) => {
                let Some(symbol) = context.semantics.symbol_of(whole) else { return false };
                let binds = &context.scopes().symbol(symbol).binds;
                binds.iter().any(|bind| match bind.kind {
                    BindKind::Assign => bound_value(context, bind.node).is_some_and(|value| {
                        value.is_call_expr() && last_name(value).is_some_and(|name| CUTS.contains(&name))
                    }),
                    BindKind::Loop | BindKind::Comprehension => loops_over_rows(context, bind.node),
                    _ => false,
                })
            }
            _ => false,
        },
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "group" || method.attr.as_str() == "decode")
        }
        _ => false,
    }
}

/// Whether a name is bound to the rows of a CSV file.
fn loops_over_rows(context: &Context<'_, '_>, bind: NodeId) -> bool {
    let iter = match context.nodes().node(context.nodes().parent(bind)) {
        AnyNodeRef::StmtFor(node) => &*node.iter,
        AnyNodeRef::Comprehension(node) => &node.iter,
        _ => return false,
    };
    is_reader(context, iter, "csv.reader") || is_reader(context, iter, "csv.DictReader")
}

/// Whether an expression is a reader of a CSV file: the call, or a local that it was bound to.
fn is_reader(context: &Context<'_, '_>, expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Call(call) => context.semantics.is_call_of(call, name),
        Expr::Name(_) => context.semantics.symbol_of(expr).is_some_and(|symbol| {
            let binds = &context.scopes().symbol(symbol).binds;
            matches!(&**binds, [bind] if bound_value(context, bind.node).is_some_and(|value| {
                matches!(value, Expr::Call(call) if context.semantics.is_call_of(call, name))
            }))
        }),
        _ => false,
    }
}

static KEYS_PER_DOCUMENT: Rule = Rule {
    id: "MS202",
    name: "keys-per-document",
    technique: Technique::FewerObjects,
    summary: "each of many JSON documents that are kept has keys of its own",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "`json.loads` shares equal keys within one document. Of a document a line each has its own copy of the same few keys, for as long as it is kept.",
        bad: "rows = [json.loads(line) for line in lines]",
        good: "def shared(pairs):\n    return {sys.intern(key): value for key, value in pairs}\n\n\nrows = [json.loads(line, object_pairs_hook=shared) for line in lines]",
        unless: &[
            "The documents are not kept, or a hook makes them.",
            "The documents are lists or numbers: then there are no keys. It needs a heap that shows how many there are.",
        ],
        figures: "53 B a key (60 up to 3.11): a record of three keys takes 376 B, with shared keys 218.",
    },
    checks: &[Check::Call(keys_per_document)],
};

fn keys_per_document<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let is_loads = context.semantics.is_call_of(call, "json.loads") && call.arguments.keywords.is_empty();
    if !is_loads || !handling::is_kept_in_loop(context.semantics, id) || loops_over_few(context, id) {
        return;
    }
    let mut report = Report::new(
        call.range(),
        "each of these documents is kept with keys of its own",
        "json.loads(text, object_pairs_hook=...), with `sys.intern` for the keys; or keep objects with slots",
        "53 B a key of each document (60 up to 3.11)",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Medium;
    report.but = "a hook in Python makes reading slower".to_owned();
    context.report(report);
}

static SAME_SHAPE_DICTS: Rule = Rule {
    id: "MS308",
    name: "same-shape-dicts",
    technique: Technique::CompactStructures,
    summary: "many dicts with the same written out keys are kept, and only looked up by them",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A dict has a table of its own, also where all of them have the same keys. A tuple, a `NamedTuple` or an object with slots has the values only.",
        bad: "rows = [{\"name\": name, \"price\": price} for name, price in pairs]\nfor row in rows:\n    print(row[\"name\"], row[\"price\"])",
        good: "rows = [Row(name, price) for name, price in pairs]\nfor row in rows:\n    print(row.name, row.price)",
        unless: &[
            "A dict is passed on, changed, unpacked or gone through.",
            "The list of them is returned, passed on or stored.",
        ],
        figures: "A dict of 1 to 5 keys takes 184 B (232 up to 3.10), of 6 to 10 272 (360), from 11 on 464 (640); a tuple 40 and 8 a value (48 from 3.14), an object \
                  with slots 32 and 8 a value.",
    },
    checks: &[Check::Function(same_shape_dicts)],
};

fn same_shape_dicts<'a>(context: &mut Context<'a, '_>, id: NodeId, _: &'a ast::StmtFunctionDef) {
    let Some(scope) = context.scopes().opened_by(id) else { return };
    let mut found: Vec<(TextRange, usize)> = Vec::new();
    for local in context.scopes().symbols_of(scope) {
        let Some(symbol) = sole_local(context, local) else { continue };
        let Some(dict) = made_of_dicts(context, symbol) else { continue };
        if symbol.uses.iter().all(|at| looks_up_only(context, *at))
            && symbol.uses.iter().any(|at| is_gone_through(context, *at))
        {
            found.push((dict.range(), dict.items.len()));
        }
    }
    found.sort_by_key(|(range, _)| range.start());
    for (range, keys) in found {
        let (now, per_tuple) = (
            if keys < 6 {
                184
            } else if keys < 11 {
                272
            } else {
                464
            },
            40 + 8 * keys,
        );
        let mut report = Report::new(
            range,
            "all of these dicts have the same keys, and are only looked up by them",
            "a `NamedTuple`, or a class with slots",
            format!("{now} B a dict (3.11 and later) against {per_tuple} B a tuple"),
        );
        report.saves = Saves::Now;
        context.report(report);
    }
}

/// The dict that a list is made of: in a comprehension, or appended in a loop.
fn made_of_dicts<'a>(context: &Context<'a, '_>, symbol: &Symbol<'_>) -> Option<&'a ast::ExprDict> {
    match bound_value(context, symbol.binds.first()?.node)? {
        Expr::ListComp(comp) if !loops_over_few(context, context.node_of(&comp.elt)) => written_out(&comp.elt),
        Expr::List(list) if list.elts.is_empty() => {
            let mut appended = symbol.uses.iter().filter_map(|at| appended(context, *at));
            let first = appended.next().filter(|(at, _)| handling::in_loop(context.semantics, *at))?;
            let dict = written_out(first.1).filter(|_| !loops_over_few(context, first.0))?;
            appended.next().is_none().then_some(dict)
        }
        _ => None,
    }
}

/// What is appended to a list where its name stands.
fn appended<'a>(context: &Context<'a, '_>, at: NodeId) -> Option<(NodeId, &'a Expr)> {
    let parent = context.nodes().parent(at);
    match context.nodes().node(parent) {
        AnyNodeRef::ExprAttribute(method) if method.attr.as_str() == "append" => {
            call_around(context, parent)?.arguments.find_positional(0).map(|what| (parent, what))
        }
        _ => None,
    }
}

fn written_out(expr: &Expr) -> Option<&ast::ExprDict> {
    match expr {
        Expr::Dict(dict) if !dict.items.is_empty() => {
            dict.items.iter().all(|item| item.key.as_ref().is_some_and(Expr::is_string_literal_expr)).then_some(dict)
        }
        _ => None,
    }
}

/// Whether a use of the list leads to look-ups by written out keys only.
fn looks_up_only(context: &Context<'_, '_>, at: NodeId) -> bool {
    if appended(context, at).is_some() {
        return true;
    }
    let nodes = context.nodes();
    let parent = nodes.parent(at);
    match nodes.node(parent) {
        AnyNodeRef::StmtFor(node) => is_looked_up(context, &node.target),
        AnyNodeRef::Comprehension(node) => is_looked_up(context, &node.target),
        AnyNodeRef::ExprSubscript(_) => is_key_of(context, parent),
        AnyNodeRef::StmtIf(_) | AnyNodeRef::StmtWhile(_) | AnyNodeRef::ExprUnaryOp(_) => true,
        _ => handling::of_use(context.semantics, at) == Handling::COUNTED,
    }
}

fn is_gone_through(context: &Context<'_, '_>, at: NodeId) -> bool {
    let parent = context.nodes().node(context.nodes().parent(at));
    matches!(parent, AnyNodeRef::StmtFor(_) | AnyNodeRef::Comprehension(_) | AnyNodeRef::ExprSubscript(_))
}

/// Whether all uses of a loop's name are `name["key"]`.
fn is_looked_up(context: &Context<'_, '_>, target: &Expr) -> bool {
    let Expr::Name(_) = target else { return false };
    let Some(symbol) = context.semantics.symbol_of(target) else { return false };
    let symbol = context.scopes().symbol(symbol);
    symbol.binds.len() == 1 && symbol.uses.iter().all(|at| is_key_of(context, *at))
}

/// Whether a node is looked up by a written out key.
fn is_key_of(context: &Context<'_, '_>, at: NodeId) -> bool {
    match context.nodes().node(context.nodes().parent(at)) {
        AnyNodeRef::ExprSubscript(subscript) => {
            context.node_of(&subscript.value) == at
                && subscript.ctx.is_load()
                && subscript.slice.is_string_literal_expr()
        }
        _ => false,
    }
}

static DICTREADER_KEPT: Rule = Rule {
    id: "MS309",
    name: "dictreader-kept",
    technique: Technique::CompactStructures,
    summary: "the rows of a CSV file are kept as a dict each",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`csv.DictReader` makes a dict of each row, with a table of its own. Where all rows are kept, a tuple or a `NamedTuple` a row takes less than half.",
        bad: "rows = list(csv.DictReader(file))",
        good: "reader = csv.reader(file)\nRow = namedtuple(\"Row\", next(reader))\nrows = [Row(*cells) for cells in reader]",
        unless: &["The rows are gone through one after the other and not kept."],
        figures: "Rows of 4 columns: 190 to 238 B without their texts, as tuples 80 to 88.",
    },
    checks: &[
        Check::Call(dictreader_listed),
        Check::For(dictreader_looped),
        Check::Comprehension(dictreader_collected),
    ],
};

fn dictreader_listed<'a>(context: &mut Context<'a, '_>, _: NodeId, call: &'a ast::ExprCall) {
    let is_list = ["builtins.list", "builtins.tuple"].iter().any(|name| context.semantics.is_call_of(call, name));
    if let Some(of) = call.arguments.find_positional(0).filter(|of| is_list && is_reader(context, of, "csv.DictReader"))
    {
        rows_kept(context, of.range());
    }
}

fn dictreader_looped<'a>(context: &mut Context<'a, '_>, _: NodeId, node: &'a ast::StmtFor) {
    let Some(row) = context.semantics.symbol_of(&node.target) else { return };
    let uses = &context.scopes().symbol(row).uses;
    let kept = uses.iter().any(|at| handling::is_kept_in_loop(context.semantics, *at));
    if kept && is_reader(context, &node.iter, "csv.DictReader") {
        rows_kept(context, node.iter.range());
    }
}

fn dictreader_collected<'a>(context: &mut Context<'a, '_>, id: NodeId, node: &'a ast::Comprehension) {
    let kept = match context.nodes().node(context.nodes().parent(id)) {
        AnyNodeRef::ExprListComp(comp) => Some(&*comp.elt),
        AnyNodeRef::ExprDictComp(comp) => Some(&*comp.value),
        _ => None,
    };
    let same = |kept: &Expr| match (kept, &node.target) {
        (Expr::Name(kept), Expr::Name(target)) => kept.id == target.id,
        _ => false,
    };
    if kept.is_some_and(same) && is_reader(context, &node.iter, "csv.DictReader") {
        rows_kept(context, node.iter.range());
    }
}

fn rows_kept(context: &mut Context<'_, '_>, range: TextRange) {
    let mut report = Report::new(
        range,
        "each row of the file is kept as a dict of its own",
        "`csv.reader`, and a `NamedTuple` or tuple a row",
        "4 columns: 190 to 238 B a row become 80 to 88",
    );
    report.saves = Saves::Now;
    context.report(report);
}

static NESTED_SMALL_DICTS: Rule = Rule {
    id: "MS310",
    name: "nested-small-dicts",
    technique: Technique::CompactStructures,
    summary: "a dict of dicts, of which the inner ones may be small",
    is_default: false,
    needs: Needs::Heap,
    page: Page {
        why: "A dict of one key takes as much as one of five. Where the inner dicts of a table are small, one dict with pairs for keys takes half.",
        bad: "prices = defaultdict(dict)\nprices[shop][item] = price",
        good: "prices = {}\nprices[shop, item] = price",
        unless: &[
            "An inner dict is passed on or gone through.",
            "It needs a heap: with more than four keys in an inner dict nothing is saved.",
        ],
        figures: "With one inner key 308 B an entry become 155 to 163.",
    },
    checks: &[Check::Call(nested_small_dicts)],
};

fn nested_small_dicts<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let is_table = context.semantics.is_call_of(call, "collections.defaultdict")
        && call.arguments.find_positional(0).is_some_and(|inner| makes_dicts(context, inner));
    let is_default = matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "setdefault")
        && call
            .arguments
            .find_positional(1)
            .is_some_and(|inner| matches!(inner, Expr::Dict(dict) if dict.items.is_empty()))
        && matches!(context.nodes().node(context.nodes().parent(id)), AnyNodeRef::ExprSubscript(it) if it.ctx.is_store());
    if !is_table && !is_default {
        return;
    }
    let mut report = Report::new(
        call.range(),
        "each entry is a dict of its own, which takes as much for one key as for five",
        "one dict, with pairs for keys",
        "308 B an entry with one inner key become 155 to 163",
    );
    report.saves = Saves::Now;
    report.confidence = Confidence::Low;
    context.report(report);
}

fn makes_dicts(context: &Context<'_, '_>, inner: &Expr) -> bool {
    match inner {
        Expr::Lambda(lambda) => match &*lambda.body {
            Expr::Dict(dict) => dict.items.is_empty(),
            Expr::Call(call) => context.semantics.is_call_of(call, "collections.defaultdict"),
            _ => false,
        },
        _ => context.qualified(inner).as_deref() == Some("builtins.dict"),
    }
}
