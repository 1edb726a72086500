//! How many items there are, as far as the source tells: a handful, as many as the program reads from outside, or nobody knows.

use super::ask::plain_method;
use super::places::{bound_value, is_test_file, last_name};
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

/// Whether what a comprehension makes costs memory at all: not where it goes through a short literal.
pub(super) fn is_worth_it(context: &Context<'_, '_>, id: NodeId) -> bool {
    let first = generators(context.nodes().node(id)).first();
    first.is_none_or(|first| !is_short(context, &first.iter))
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

/// Which lists a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// The source says that there are many items.
    Many,
    /// It says nothing: a trace has to.
    Unknown,
}

impl Size {
    /// Whether something with these sources is of this size.
    pub(super) fn is_of<'e>(self, context: &Context<'_, '_>, sources: impl IntoIterator<Item = &'e Expr>) -> bool {
        let mut sources = sources.into_iter();
        let is_many = !is_test_file(&context.source.path) && sources.any(|source| is_many(context, source));
        (self == Size::Many) == is_many
    }

    /// Whether a comprehension is of this size.
    pub(super) fn is_of_comprehension(self, context: &Context<'_, '_>, id: NodeId) -> bool {
        self.is_of(context, generators(context.nodes().node(id)).iter().map(|part| &part.iter))
    }
}

/// Whether a value has as many items as the program is given: lines, rows, files, a long range; or is called like that.
fn is_many(context: &Context<'_, '_>, expr: &Expr) -> bool {
    many(context, expr, true)
}

/// The same; a name is followed to what it was bound to once only: two may be bound to each other.
fn many(context: &Context<'_, '_>, expr: &Expr, follows: bool) -> bool {
    if is_whole_input(context, expr) {
        return true;
    }
    match expr {
        Expr::Call(call) => match context.qualified(&call.func).as_deref() {
            Some("builtins.range") => call.arguments.args.iter().any(is_large_number),
            Some(
                "builtins.open" | "os.walk" | "os.scandir" | "os.listdir" | "glob.glob" | "glob.iglob" | "re.finditer",
            ) => true,
            Some(
                "builtins.enumerate" | "builtins.zip" | "builtins.reversed" | "builtins.map" | "builtins.filter"
                | "builtins.sorted" | "builtins.list",
            ) => call.arguments.args.iter().any(|of| many(context, of, follows)),
            _ => match &*call.func {
                Expr::Attribute(method) => match method.attr.as_str() {
                    "rglob" | "iterdir" | "finditer" | "iterrows" | "itertuples" => true,
                    "split" => call.arguments.args.is_empty() && plain_method(&method.value, "read").is_some(),
                    "items" | "values" | "keys" | "all" | "iterator" => many(context, &method.value, follows),
                    name => is_name_of_many(name),
                },
                Expr::Name(name) => is_name_of_many(&name.id),
                _ => false,
            },
        },
        Expr::Subscript(part) if part.slice.is_slice_expr() => many(context, &part.value, follows),
        Expr::Name(name) => is_name_of_many(&name.id) || follows && is_bound_to_many(context, expr),
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
            bound_value(context, bind.node).is_some_and(|value| value.is_call_expr() && many(context, value, false))
        }
        _ => false,
    }
}

/// Words for things that come from outside, and of which nobody knows how many there are.
const MANY: [&str; 66] = [
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
    "elements",
    "points",
    "pairs",
    "chunks",
    "batches",
    "files",
    "paths",
    "events",
    "nodes",
    "vertices",
    "pages",
    "images",
    "letters",
    "characters",
    "addresses",
    "jobs",
    "people",
    "students",
    "books",
    "songs",
    "sales",
    "invoices",
    "tickets",
    "tweets",
    "tuples",
    "population",
];

/// What is called so comes from outside, and nobody knows how much of it.
fn is_name_of_many(name: &str) -> bool {
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

/// Whether the function around a query asks for tables, columns or settings of the database: of these there are few.
pub(super) fn is_of_catalogue(context: &Context<'_, '_>, id: NodeId) -> bool {
    const WORDS: [&str; 16] = [
        "pragma ",
        "information_schema",
        "pg_catalog",
        "pg_class",
        "pg_type",
        "pg_attribute",
        "pg_constraint",
        "sqlite_master",
        "sqlite_schema",
        "show ",
        "describe ",
        "user_tab",
        "user_cons",
        "all_tab",
        "sys.",
        "explain ",
    ];
    const ABOUT: [&str; 5] = ["introspect", "schema", "constraint", "catalog", "migrat"];
    let nodes = context.nodes();
    let function = nodes.ancestors(id).find(|at| matches!(nodes.node(*at), AnyNodeRef::StmtFunctionDef(_)));
    let is_about = |name: &str| ABOUT.iter().any(|word| name.contains(word));
    let named = function.is_some_and(|at| match nodes.node(at) {
        AnyNodeRef::StmtFunctionDef(def) => is_about(&def.name),
        _ => false,
    });
    if named || context.source.path.rsplit('/').next().is_some_and(is_about) {
        return true;
    }
    // Of a module its statement alone.
    let around = function.unwrap_or_else(|| nodes.statement(id));
    nodes.within(around).any(|at| {
        let text = match nodes.node(at) {
            AnyNodeRef::StringLiteral(literal) => literal.as_str(),
            AnyNodeRef::InterpolatedStringLiteralElement(part) => &*part.value,
            _ => return false,
        };
        let text = text.to_lowercase();
        WORDS.iter().any(|word| text.contains(word))
    })
}

/// Whether a number says nothing of how large it is: it is the length of something that is not known to be long, or a single
/// letter.
pub(super) fn is_unknown_number(context: &Context<'_, '_>, number: &Expr) -> bool {
    let nodes = context.nodes();
    nodes.within(context.node_of(number)).any(|at| match nodes.node(at) {
        AnyNodeRef::ExprCall(call) if context.semantics.is_call_of(call, "builtins.len") => {
            Size::Unknown.is_of(context, &call.arguments.args)
        }
        AnyNodeRef::ExprName(name) if name.ctx.is_load() => name.id.len() == 1 || is_bound_to_unknown(context, at),
        _ => false,
    })
}

fn is_bound_to_unknown(context: &Context<'_, '_>, name: NodeId) -> bool {
    let Some(symbol) = context.scopes().meaning(name) else { return false };
    context.scopes().symbol(symbol).binds.iter().filter_map(|bind| bound_value(context, bind.node)).any(|value| {
        let nodes = context.nodes();
        nodes.within(context.node_of(value)).any(|at| match nodes.node(at) {
            AnyNodeRef::ExprCall(call) if context.semantics.is_call_of(call, "builtins.len") => {
                Size::Unknown.is_of(context, &call.arguments.args)
            }
            _ => false,
        })
    })
}
