//! MS105, MS106, MS107, MS115: whole files and whole results that are read to be gone through once.

use memsight_model::Confidence;

use super::ask::{
    between_items, can_be_lazy, has_attribute, mentions, once, plain_method, sole_argument, sources, without_method,
};
use crate::context::{Context, Report};
use crate::finding::{Edit, Fix, Safety};
use crate::nodes::NodeId;
use crate::rule::{Check, Needs, Page, Rule, Technique};
use crate::scopes::BindKind;
use crate::syntax::{AnyNodeRef, Expr, Ranged, TextRange, ast};

pub(super) const RULES: &[&Rule] = &[&WHOLE_LINES, &WHOLE_FILE, &FETCHALL_ITERATED, &PARSED_FROM_TEXT];

static WHOLE_LINES: Rule = Rule {
    id: "MS105",
    name: "whole-lines",
    technique: Technique::Generators,
    summary: "all lines of a file are in memory, and gone through once",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`readlines()` makes a text of each line before the loop sees the first one; `read().splitlines()` has the whole text in memory as well. A \
              file gives one line after the other by itself.",
        bad: "with open(path) as log:\n    for line in log.readlines():\n        count(line)",
        good: "with open(path) as log:\n    for line in log:\n        count(line)",
        unless: &[
            "The lines are used in another way as well: indexed, counted, sorted, gone through twice.",
            "The loop reads, writes, seeks or closes the file, or opens one.",
            "`splitlines()` splits at ten characters more than a file does (form feed, `\\x1c`, `\\u2028` ...), and takes the line ends off: there the \
             fix is yours.",
        ],
        figures: "3.8 to 3.15, lines of 59 characters: `readlines()` 118 B a line (110 from 3.12), `read().split(\"\\n\")` 177 (169).",
    },
    checks: &[Check::Call(lines_in_a_loop), Check::Assign(lines_in_a_variable)],
};

/// What reads all lines: the file, and whether the file itself gives the same.
fn all_lines(expr: &Expr) -> Option<(&Expr, bool)> {
    expr.as_call_expr().and_then(lines_of)
}

const LINES: &str = "the lines: 58 B and their length each, less one buffer of 8 KiB";

fn lines_in_a_loop<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let Some((file, is_same)) = lines_of(call) else { return };
    if !is_same && !is_file(context, file) {
        return;
    }
    let Some(parts) = between_items(context, id) else { return };
    let names = sources(context, context.node_of(file));
    let touched = parts.iter().any(|part| mentions(context, *part, &names) || opens(context, *part));
    if touched {
        return;
    }
    let edits = is_same.then(|| vec![Edit::new(TextRange::new(file.end(), call.end()), "")]);
    let safety = if is_file(context, file) { Safety::Safe } else { Safety::Unsafe };
    report_lines(context, call.range(), file, is_same, edits.map(|edits| Fix::new(safety, edits)));
}

fn lines_of(call: &ast::ExprCall) -> Option<(&Expr, bool)> {
    let Expr::Attribute(attribute) = &*call.func else { return None };
    match attribute.attr.as_str() {
        "readlines" if call.arguments.is_empty() => Some((&attribute.value, true)),
        "splitlines" if call.arguments.is_empty() => Some((plain_method(&attribute.value, "read")?, false)),
        "split" => match sole_argument(call)? {
            Expr::StringLiteral(text) if text.value == *"\n" => Some((plain_method(&attribute.value, "read")?, false)),
            _ => None,
        },
        _ => None,
    }
}

fn lines_in_a_variable<'a>(context: &mut Context<'a, '_>, _: NodeId, assign: &'a ast::StmtAssign) {
    let Some((file, is_same)) = all_lines(&assign.value) else { return };
    let Some(found) = once(context, assign) else { return };
    let Some(parts) = between_items(context, found.used) else { return };
    let opens = parts.iter().any(|part| opens(context, *part));
    if !can_be_lazy(context, &found, &parts) || opens || !is_same && !is_file(context, file) {
        return;
    }
    let edit = without_method(&assign.value, file);
    let fix = is_same.then(|| Fix::new(Safety::Unsafe, vec![edit]));
    report_lines(context, assign.value.range(), file, is_same, fix);
}

fn report_lines(context: &mut Context<'_, '_>, range: TextRange, file: &Expr, is_same: bool, fix: Option<Fix>) {
    let name = context.text(file.range());
    let advice = if is_same { name.to_owned() } else { format!("(line.rstrip(\"\\n\") for line in {name})") };
    let formula = if is_same { LINES.to_owned() } else { format!("the text of the file, and {LINES}") };
    let mut report =
        Report::new(range, "all lines are in memory at once, and gone through one after the other", advice, formula);
    if !is_same {
        report.but =
            "lines of a file keep their ends, and end at fewer characters than those of `splitlines`".to_owned();
    }
    report.fix = fix;
    context.report(report);
}

/// Whether a piece of code opens a file, which may be the one that is being read.
fn opens(context: &Context<'_, '_>, id: NodeId) -> bool {
    const WRITERS: [&str; 8] =
        ["open", "write_text", "write_bytes", "unlink", "rename", "replace_file", "truncate", "close"];
    has_attribute(context, id, &WRITERS) || calls_open(context, id)
}

fn calls_open(context: &Context<'_, '_>, id: NodeId) -> bool {
    context.nodes().within(id).any(|at| match context.nodes().node(at) {
        AnyNodeRef::ExprCall(call) => matches!(&*call.func, Expr::Name(name) if name.id == "open"),
        _ => false,
    })
}

/// Whether an expression is what `open` has opened: a call of it, or a name that is bound to one and nothing else.
fn is_file(context: &Context<'_, '_>, expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => {
            let name = context.qualified(&call.func);
            let by_name = matches!(
                name.as_deref(),
                Some("builtins.open" | "io.open" | "gzip.open" | "bz2.open" | "lzma.open" | "codecs.open")
            );
            // `Path(...).open()`.
            let is_method =
                matches!(&*call.func, Expr::Attribute(attribute) if attribute.attr == *"open" && name.is_none());
            by_name || is_method
        }
        Expr::Name(_) => {
            let Some(symbol) = context.semantics.symbol_of(expr) else { return false };
            let binds = &context.scopes().symbol(symbol).binds;
            !binds.is_empty() && binds.iter().all(|bind| opened(context, bind.kind, bind.node))
        }
        _ => false,
    }
}

fn opened(context: &Context<'_, '_>, kind: BindKind, node: NodeId) -> bool {
    let nodes = context.nodes();
    match (kind, nodes.node(nodes.parent(node))) {
        (BindKind::With, AnyNodeRef::WithItem(item)) => {
            !item.context_expr.is_name_expr() && is_file(context, &item.context_expr)
        }
        (BindKind::Assign, AnyNodeRef::StmtAssign(assign)) => {
            !assign.value.is_name_expr() && is_file(context, &assign.value)
        }
        _ => false,
    }
}

static WHOLE_FILE: Rule = Rule {
    id: "MS106",
    name: "whole-file",
    technique: Technique::Generators,
    summary: "a whole file is read, only to be handed on",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "A hash, a checksum and a copy take their input piece by piece. `read()` without a size has the whole file in memory for them, however long \
              it is.",
        bad: "with open(path, \"rb\") as file:\n    digest = hashlib.sha256(file.read()).hexdigest()",
        good: "with open(path, \"rb\") as file:\n    digest = hashlib.file_digest(file, \"sha256\").hexdigest()  # 3.11 and later",
        unless: &[
            "`read(size)` bounds it.",
            "The text is kept as well.",
            "It is not known to be a file that was opened.",
        ],
        figures: "The size of the file, less a piece of 256 KiB (`file_digest`) or 64 KiB (`copyfileobj`).",
    },
    checks: &[Check::Call(whole_file)],
};

fn whole_file<'a>(context: &mut Context<'a, '_>, _: NodeId, call: &'a ast::ExprCall) {
    let Some(argument) = call.arguments.find_positional(0) else { return };
    let Some(file) = plain_method(argument, "read").filter(|file| is_file(context, file)) else { return };
    let name = context.text(file.range());
    let qualified = context.qualified(&call.func);
    let advice = match (qualified.as_deref(), &*call.func) {
        (Some("hashlib.new"), _) => return,
        (Some(hash), _) if hash.starts_with("hashlib.") && context.target.minor >= 11 => {
            format!("hashlib.file_digest({name}, \"{}\")", hash.trim_start_matches("hashlib."))
        }
        (Some(hash), _) if hash.starts_with("hashlib.") => {
            format!("for chunk in iter(lambda: {name}.read(1 << 18), b\"\"): digest.update(chunk)")
        }
        (Some("zlib.crc32" | "zlib.adler32" | "binascii.crc32"), _) => {
            format!("for chunk in iter(lambda: {name}.read(1 << 18), b\"\"): sum = crc32(chunk, sum)")
        }
        (None, Expr::Attribute(method)) if method.attr == *"write" => {
            format!("shutil.copyfileobj({name}, {})", context.text(method.value.range()))
        }
        _ => return,
    };
    let mut report = Report::new(
        argument.range(),
        "the whole file is in memory, to be handed on piece by piece",
        advice,
        "the size of the file, less a piece of 64 to 256 KiB",
    );
    report.confidence = Confidence::Medium;
    context.report(report);
}

static FETCHALL_ITERATED: Rule = Rule {
    id: "MS107",
    name: "fetchall-iterated",
    technique: Technique::Generators,
    summary: "all rows of a query are fetched, and gone through once",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`fetchall()` makes a list of all rows. A cursor gives one row after the other by itself (an optional part of DB-API 2.0 that sqlite3, psycopg, \
              PyMySQL, oracledb and SQLAlchemy have).",
        bad: "for name, size in db.execute(\"select name, size from files\").fetchall():\n    show(name, size)",
        good: "for name, size in db.execute(\"select name, size from files\"):\n    show(name, size)",
        unless: &[
            "The loop uses the cursor or the connection again, or executes, commits, rolls back or closes anything: rows that are not fetched yet \
             would be lost.",
            "The rows are used in another way as well.",
        ],
        figures: "sqlite3, rows of two columns: 150 to 158 B a row, 3.8 to 3.15. Client libraries that fetch a whole result by themselves (libpq without a \
                  named cursor) still hold it in their own form.",
    },
    checks: &[Check::Call(fetched_in_a_loop), Check::Assign(fetched_in_a_variable)],
};

const ENDS_CURSOR: [&str; 10] = [
    "execute",
    "executemany",
    "executescript",
    "commit",
    "rollback",
    "close",
    "fetchone",
    "fetchall",
    "fetchmany",
    "callproc",
];

fn fetched_in_a_loop<'a>(context: &mut Context<'a, '_>, id: NodeId, call: &'a ast::ExprCall) {
    let Expr::Attribute(attribute) = &*call.func else { return };
    if attribute.attr != *"fetchall" || !call.arguments.is_empty() {
        return;
    }
    let Some(parts) = between_items(context, id) else { return };
    let cursor = &*attribute.value;
    let names = sources(context, context.node_of(cursor));
    let touched =
        parts.iter().any(|part| mentions(context, *part, &names) || has_attribute(context, *part, &ENDS_CURSOR));
    if awaited(context, id) || touched {
        return;
    }
    let edit = Edit::new(TextRange::new(cursor.end(), call.end()), "");
    report_rows(context, call.range(), cursor, edit);
}

fn fetched_in_a_variable<'a>(context: &mut Context<'a, '_>, _: NodeId, assign: &'a ast::StmtAssign) {
    let Some(cursor) = plain_method(&assign.value, "fetchall") else { return };
    let Some(found) = once(context, assign) else { return };
    let Some(parts) = between_items(context, found.used) else { return };
    let between = super::ask::between(context, found.statement, found.used);
    let ended = parts.iter().chain(&between).any(|part| has_attribute(context, *part, &ENDS_CURSOR));
    if ended || !can_be_lazy(context, &found, &parts) {
        return;
    }
    let edit = without_method(&assign.value, cursor);
    report_rows(context, assign.value.range(), cursor, edit);
}

fn report_rows(context: &mut Context<'_, '_>, range: TextRange, cursor: &Expr, edit: Edit) {
    let mut report = Report::new(
        range,
        "all rows are in memory at once, and gone through one after the other",
        context.text(cursor.range()),
        "the rows: 150 B and more each",
    );
    report.but = "what the loop calls must leave the cursor and its connection alone until its end".to_owned();
    report.confidence = Confidence::Medium;
    report.fix = Some(Fix::new(Safety::Unsafe, vec![edit]));
    context.report(report);
}

/// Cursors of asyncio are gone through by `async for`.
fn awaited(context: &Context<'_, '_>, id: NodeId) -> bool {
    matches!(context.nodes().node(context.nodes().parent(id)), AnyNodeRef::ExprAwait(_))
}

static PARSED_FROM_TEXT: Rule = Rule {
    id: "MS115",
    name: "findall-whole",
    technique: Technique::Generators,
    summary: "a reader of lines is given a whole text",
    is_default: true,
    needs: Needs::Source,
    page: Page {
        why: "`csv.reader` and `csv.DictReader` take lines one after the other, as a file gives them. A text that was read and split has the whole file in memory, \
              twice.",
        bad: "with open(path) as file:\n    for row in csv.reader(file.read().splitlines()):\n        add(row)",
        good: "with open(path, newline=\"\") as file:\n    for row in csv.reader(file):\n        add(row)",
        unless: &["It is not known to be a file that was opened.", "The text is used for something else as well."],
        figures: "3.8 to 3.15: the text, and 58 B and its length for each line.",
    },
    checks: &[Check::Call(parsed_from_text)],
};

fn parsed_from_text<'a>(context: &mut Context<'a, '_>, _: NodeId, call: &'a ast::ExprCall) {
    let is_reader = matches!(context.qualified(&call.func).as_deref(), Some("csv.reader" | "csv.DictReader"));
    let Some(argument) = call.arguments.find_positional(0).filter(|_| is_reader) else { return };
    let Some((file, is_same)) = all_lines(argument).filter(|(file, _)| is_file(context, file)) else { return };
    let mut report = Report::new(
        argument.range(),
        "the whole file is in memory in lines, for a reader that takes one line after the other",
        context.text(file.range()),
        "the text of the file, and 58 B and its length for each line",
    );
    report.but = "a file for `csv` is opened with `newline=\"\"`, or line ends inside of fields change".to_owned();
    let edit = if is_same {
        without_method(argument, file)
    } else {
        Edit::new(TextRange::new(file.end(), argument.end()), "")
    };
    report.fix = Some(Fix::new(Safety::Unsafe, vec![edit]));
    context.report(report);
}
