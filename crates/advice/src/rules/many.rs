//! How many items there are, as far as the source tells: a handful, as many as the program reads from outside, or nobody knows.

use super::ask::plain_method;
use super::places::{bound_value, last_name};
use crate::context::Context;
use crate::handling;
use crate::nodes::NodeId;
use crate::scopes::{BindKind, generators};
use crate::syntax::{AnyNodeRef, Expr, ast};

/// Below about 30 items a generator saves nothing.
const SHORT: usize = 30;

/// Whether there are few items: a literal, a `range` of a small constant.
pub(super) fn is_short(context: &Context<'_, '_>, expr: &Expr) -> bool {
    match expr {
        Expr::List(list) => list.elts.len() < SHORT && !list.elts.iter().any(Expr::is_starred_expr),
        Expr::Tuple(tuple) => tuple.elts.len() < SHORT && !tuple.elts.iter().any(Expr::is_starred_expr),
        Expr::Set(set) => set.elts.len() < SHORT && !set.elts.iter().any(Expr::is_starred_expr),
        Expr::Dict(dict) => dict.items.len() < SHORT && dict.items.iter().all(|item| item.key.is_some()),
        Expr::StringLiteral(text) => text.value.len() < SHORT,
        Expr::Call(call) if context.semantics.is_call_of(call, "builtins.range") => {
            call.arguments.args.iter().all(|bound| small_number(bound).is_some() || counts_handful(context, bound))
        }
        Expr::Call(call) if short_for_short(context, call) => {
            call.arguments.args.iter().any(|of| is_short(context, of))
        }
        // The fields of a line, the hosts of an address.
        Expr::Call(call) if is_split_up(call) => true,
        Expr::Subscript(part) if part.slice.is_slice_expr() => is_short(context, &part.value),
        _ => last_name(expr).is_some_and(is_name_of_handful),
    }
}

fn is_split_up(call: &ast::ExprCall) -> bool {
    let is_split = matches!(&*call.func, Expr::Attribute(method) if matches!(method.attr.as_str(), "split" | "rsplit"));
    let is_mark = |mark: &Expr| matches!(mark, Expr::StringLiteral(mark) if mark.value != *"\n");
    is_split && call.arguments.args.first().is_some_and(is_mark)
}

/// What gives no more items than the shortest that it goes through.
fn short_for_short(context: &Context<'_, '_>, call: &ast::ExprCall) -> bool {
    let name = context.qualified(&call.func);
    matches!(name.as_deref(), Some("builtins.zip" | "builtins.enumerate" | "builtins.reversed" | "builtins.sorted"))
}

/// `len(fields)`, `table.dim`: as many as there are of a handful.
fn counts_handful(context: &Context<'_, '_>, bound: &Expr) -> bool {
    match bound {
        Expr::Call(call) if context.semantics.is_call_of(call, "builtins.len") => {
            call.arguments.args.iter().any(|of| is_short(context, of))
        }
        Expr::BinOp(sum) => {
            let is_small = |side: &Expr| counts_handful(context, side) || small_number(side).is_some();
            is_small(&sum.left) && is_small(&sum.right)
        }
        Expr::Call(_) => false,
        _ => last_name(bound).is_some_and(is_name_of_handful),
    }
}

fn small_number(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Int(number), .. }) => {
            number.as_u64().filter(|number| *number < SHORT as u64)
        }
        Expr::UnaryOp(unary) => small_number(&unary.operand),
        _ => None,
    }
}

/// What things are called of which there are a handful: parts of a call, a class, a table's head, an address.
pub(super) fn is_name_of_handful(name: &str) -> bool {
    const HANDFUL: [&str; 51] = [
        "args",
        "argv",
        "arguments",
        "params",
        "parameters",
        "kwargs",
        "columns",
        "cols",
        "fields",
        "dims",
        "dim",
        "axes",
        "shape",
        "bases",
        "mro",
        "types",
        "options",
        "opts",
        "choices",
        "flags",
        "symbols",
        "signatures",
        "rules",
        "forms",
        "formsets",
        "levels",
        "plugins",
        "extensions",
        "backends",
        "handlers",
        "hosts",
        "servers",
        "parts",
        "operands",
        "decorators",
        "validators",
        "variables",
        "slots",
        "protocols",
        "operations",
        "settings",
        "modules",
        "indexes",
        "permissions",
        "pks",
        "ctes",
        "ndim",
        "workers",
        "formats",
        "dirs",
        "indices",
    ];
    let name = name.trim_matches('_');
    HANDFUL.iter().any(|word| is_last_word(name, word))
}

/// Whether a name is a word, or ends with it: `fields`, `model_fields`, `getFields`.
fn is_last_word(name: &str, word: &str) -> bool {
    let Some((head, tail)) = name.len().checked_sub(word.len()).and_then(|front| name.split_at_checked(front)) else {
        return false;
    };
    tail.eq_ignore_ascii_case(word) && (head.is_empty() || head.ends_with('_') || tail.starts_with(char::is_uppercase))
}

/// Whether the loop around a node has few rounds: they are written out.
pub(super) fn loops_over_few(context: &Context<'_, '_>, id: NodeId) -> bool {
    let Some(at) = handling::loop_of(context.semantics, id) else { return false };
    match context.nodes().node(at) {
        AnyNodeRef::StmtFor(node) => is_short(context, &node.iter),
        node => generators(node).first().is_some_and(|first| is_short(context, &first.iter)),
    }
}

/// Whether a call reads all of something that is outside of the program.
pub(super) fn is_whole_input(context: &Context<'_, '_>, value: &Expr) -> bool {
    let Expr::Call(call) = value else { return false };
    const READS: [&str; 9] = [
        "json.load",
        "pickle.load",
        "marshal.load",
        "tomllib.load",
        "yaml.safe_load",
        "csv.reader",
        "csv.DictReader",
        "numpy.load",
        "pandas.read_csv",
    ];
    let name = context.qualified(&call.func);
    if name.as_deref().is_some_and(|name| READS.contains(&name)) {
        return true;
    }
    if matches!(name.as_deref(), Some("builtins.list" | "builtins.sorted" | "builtins.dict" | "builtins.set")) {
        return call.arguments.args.first().is_some_and(|of| is_whole_input(context, of) && !is_short(context, of));
    }
    let Expr::Attribute(method) = &*call.func else { return false };
    match method.attr.as_str() {
        "read" | "readlines" | "fetchall" | "read_text" | "read_bytes" => call.arguments.args.is_empty(),
        // Of what was read whole.
        "split" | "splitlines" | "decode" => is_whole_input(context, &method.value),
        _ => false,
    }
}

/// Whether a value has as many items as the program is given: lines, rows, files, a long range; or is called like that.
pub(super) fn is_many(context: &Context<'_, '_>, expr: &Expr) -> bool {
    if is_whole_input(context, expr) {
        return true;
    }
    match expr {
        Expr::Call(call) => match context.qualified(&call.func).as_deref() {
            Some("builtins.range") => call.arguments.args.iter().any(|bound| is_large_number(bound)),
            Some(
                "builtins.open" | "os.walk" | "os.scandir" | "os.listdir" | "glob.glob" | "glob.iglob" | "re.finditer",
            ) => true,
            Some(
                "builtins.enumerate" | "builtins.zip" | "builtins.reversed" | "builtins.map" | "builtins.filter"
                | "builtins.sorted" | "builtins.list",
            ) => call.arguments.args.iter().any(|of| is_many(context, of)),
            _ => match &*call.func {
                Expr::Attribute(method) => match method.attr.as_str() {
                    "rglob" | "iterdir" | "finditer" | "iterrows" | "itertuples" => true,
                    "split" => call.arguments.args.is_empty() && plain_method(&method.value, "read").is_some(),
                    "items" | "values" | "keys" | "all" | "iterator" => is_many(context, &method.value),
                    name => is_name_of_many(name),
                },
                Expr::Name(name) => is_name_of_many(&name.id),
                _ => false,
            },
        },
        Expr::Subscript(part) if part.slice.is_slice_expr() => is_many(context, &part.value),
        Expr::Name(name) => is_name_of_many(&name.id) || is_bound_to_many(context, expr),
        Expr::Attribute(attribute) => is_name_of_many(&attribute.attr),
        _ => false,
    }
}

/// Whether a name is that of an open file, or of something else with many items that was bound once.
fn is_bound_to_many(context: &Context<'_, '_>, name: &Expr) -> bool {
    let Some(symbol) = context.semantics.symbol_of(name) else { return false };
    let [bind] = context.scopes().symbol(symbol).binds.as_slice() else { return false };
    let nodes = context.nodes();
    match (bind.kind, nodes.node(nodes.parent(bind.node))) {
        (BindKind::With, AnyNodeRef::WithItem(item)) => {
            last_name(&item.context_expr).is_some_and(|name| name == "open" || name == "scandir")
        }
        (BindKind::Assign, _) => {
            bound_value(context, bind.node).is_some_and(|value| value.is_call_expr() && is_many(context, value))
        }
        _ => false,
    }
}

/// What is called so comes from outside, and nobody knows how much of it.
fn is_name_of_many(name: &str) -> bool {
    const MANY: [&str; 40] = [
        "lines",
        "rows",
        "records",
        "log",
        "logs",
        "entries",
        "messages",
        "documents",
        "docs",
        "words",
        "samples",
        "pixels",
        "users",
        "orders",
        "customers",
        "dataset",
        "corpus",
        "queryset",
        "transactions",
        "measurements",
        "readings",
        "urls",
        "posts",
        "emails",
        "products",
        "prices",
        "accounts",
        "payments",
        "visits",
        "requests",
        "sentences",
        "articles",
        "comments",
        "observations",
        "trades",
        "packets",
        "sequences",
        "reads",
        "ticks",
        "sessions",
    ];
    let name = name.trim_matches('_');
    MANY.iter().any(|word| is_last_word(name, word))
}

fn is_large_number(expr: &Expr) -> bool {
    match expr {
        Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Int(number), .. }) => {
            number.as_u64().is_none_or(|number| number >= 1_000)
        }
        _ => false,
    }
}
