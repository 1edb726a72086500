//! Names of types, references and roots in words.

use memsight_heap::Origin;
use memsight_model::{Label, LabelKind, ObjectId, ObjectKind, Root, RootKind, Snapshot, quoted};

/// Longest text of a key that is shown whole, in characters.
const KEY_CAP: usize = 48;

/// `Session` of `app.models.Session`.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// `ws.py` of `/srv/app/ws.py`.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `kept by app.cache`; what no object holds says so itself: `held by C code -> list`.
pub(crate) fn by(verb: &str, holder: &str) -> String {
    if holder.starts_with("held by ") { holder.to_owned() } else { format!("{verb} by {holder}") }
}

/// Full type name of `object`.
pub(crate) fn type_name(snapshot: &Snapshot, object: ObjectId) -> &str {
    snapshot.type_of(object).map_or("?", |record| &record.name)
}

/// Last component of the type's name.
pub(crate) fn short_type(snapshot: &Snapshot, object: ObjectId) -> &str {
    short(type_name(snapshot, object))
}

/// What the instances of the type of `object` are.
pub(crate) fn object_kind(snapshot: &Snapshot, object: ObjectId) -> ObjectKind {
    snapshot.type_of(object).map_or(ObjectKind::Other, |record| record.kind)
}

/// Whether the reference leads from an object or a class to the dictionary of its attributes.
pub(crate) fn is_namespace(snapshot: &Snapshot, label: Label, target: ObjectId) -> bool {
    let leads = match label.kind() {
        // `dict` is what the structures of C types call it: futures, partial functions, streams.
        LabelKind::Field => matches!(name(snapshot, label), "__dict__" | "tp_dict" | "md_dict" | "dict" | "ns_dict"),
        LabelKind::Attribute => matches!(name(snapshot, label), "__dict__" | "tp_dict" | "md_dict"),
        _ => false,
    };
    leads && object_kind(snapshot, target) == ObjectKind::Dict
}

/// The name in a label whose payload is one.
fn name(snapshot: &Snapshot, label: Label) -> &str {
    snapshot.names.get(memsight_model::NameId(label.payload()))
}

/// The key object of a dictionary's value.
pub(crate) fn key_of(label: Label) -> ObjectId {
    ObjectId(label.payload())
}

/// A key as it would stand in source: `'user:17'`, `42`; `<str key>` when the look kept no text.
pub(crate) fn key(snapshot: &Snapshot, object: ObjectId) -> String {
    let Some(text) = snapshot.texts.get(object) else {
        return format!("<{} key>", short_type(snapshot, object));
    };
    match text.char_indices().nth(KEY_CAP) {
        // What is cut ends as it began, so that it is seen where it ends.
        Some((end, _)) => {
            let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'));
            format!("{}...{}", &text[..end], quote.map(String::from).unwrap_or_default())
        }
        None => text.to_owned(),
    }
}

/// A key that is the name of an attribute, without its quotes; what could not be one in source keeps them.
pub(crate) fn bare_key(snapshot: &Snapshot, object: ObjectId) -> String {
    let key = key(snapshot, object);
    let is_name = |name: &&str| !name.contains(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\'));
    let bare = key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).filter(is_name);
    bare.map(str::to_owned).unwrap_or(key)
}

/// The text of a str that stands quoted, as `repr` writes it: what a person sees is escaped for the terminal again, and what a
/// program reads is not. `None` for what is no str.
pub(crate) fn unquoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    let mut rest = text.strip_prefix(quote)?.strip_suffix(quote)?.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(next) = rest.next() {
        out.push(if next == '\\' { escape(&mut rest)? } else { next });
    }
    Some(out)
}

/// The character of an escape, behind its backslash.
fn escape(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match rest.next()? {
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        other => return Some(other),
    };
    let code: String = rest.by_ref().take(digits).collect();
    let code = u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == digits)?;
    char::from_u32(code)
}

/// What a reference is called: `_entries`, `[3]`, `'user:17'`, `local request`.
pub(crate) fn label(snapshot: &Snapshot, label: Label) -> String {
    let named = |what: &str| match name(snapshot, label) {
        "" => what.to_owned(),
        name => format!("{what} {name}"),
    };
    match label.kind() {
        LabelKind::Field | LabelKind::Attribute => match name(snapshot, label) {
            "" => "field".to_owned(),
            name => name.to_owned(),
        },
        LabelKind::Index => format!("[{}]", label.payload()),
        LabelKind::Key => "key".to_owned(),
        LabelKind::Value => key(snapshot, key_of(label)),
        LabelKind::Member => "member".to_owned(),
        LabelKind::Local => named("local"),
        LabelKind::Stack => "temporary".to_owned(),
        LabelKind::Cell => named("free variable"),
        LabelKind::Weak => named("weak"),
        LabelKind::Inferred => "(C field)".to_owned(),
    }
}

/// A step of a path, whose parts are names that the program chose: none of these has an arrow as those between two steps.
pub(crate) fn step(text: String) -> String {
    if !text.contains("->") {
        return text;
    }
    let parts: Vec<&str> = text.split("->").collect();
    let mut out = String::with_capacity(text.len() + 8);
    for (at, part) in parts.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| parts.get(at));
        let stands_apart = |text: &str, edge: Option<char>| text.is_empty() || edge.is_some_and(char::is_whitespace);
        match before {
            None => {}
            Some(before) if stands_apart(before, before.chars().last()) || stands_apart(part, part.chars().next()) => {
                out.push_str("-\\x3e");
            }
            Some(_) => out.push_str("->"),
        }
        out.push_str(part);
    }
    out
}

/// The stable word for a kind of reference.
pub(crate) fn label_kind(kind: LabelKind) -> &'static str {
    match kind {
        LabelKind::Field => "field",
        LabelKind::Attribute => "attribute",
        LabelKind::Index => "index",
        LabelKind::Key => "key",
        LabelKind::Value => "value",
        LabelKind::Member => "member",
        LabelKind::Local => "local",
        LabelKind::Stack => "stack",
        LabelKind::Cell => "cell",
        LabelKind::Weak => "weak",
        LabelKind::Inferred => "inferred",
    }
}

/// The stable word for a kind of root.
pub(crate) fn root_kind(kind: RootKind) -> &'static str {
    match kind {
        RootKind::Module => "module",
        RootKind::Interpreter => "interpreter",
        RootKind::Static => "static",
        RootKind::FrameLocal => "frame_local",
        RootKind::FrameStack => "frame_stack",
        RootKind::Frame => "frame",
        RootKind::Thread => "thread",
        RootKind::Interned => "interned",
        RootKind::External => "external",
        RootKind::Unreachable => "unreachable",
        RootKind::NobodyKnown => "nobody_known",
    }
}

/// A root in words: `module app.cache`, `thread 'worker-3' (1234) frame handle() at app.py:17 local request`.
pub(crate) fn root(snapshot: &Snapshot, origin: Origin) -> String {
    let Some(root) = origin.record(snapshot) else {
        return unnamed(origin.kind(snapshot)).to_owned();
    };
    let name = snapshot.names.get(root.name);
    match root.kind {
        RootKind::Module => format!("module {name}"),
        RootKind::Interpreter if name == unnamed(RootKind::Interned) => name.to_owned(),
        RootKind::Interpreter => format!("interpreter {name}"),
        RootKind::Static if object_kind(snapshot, root.object) == ObjectKind::Type => {
            format!("static type {name}").trim_end().to_owned()
        }
        RootKind::Static => format!("static {name}").trim_end().to_owned(),
        RootKind::FrameLocal => format!("{} local {name}", frame(snapshot, root)),
        RootKind::FrameStack => format!("{} temporary", frame(snapshot, root)),
        RootKind::Frame => format!("{} {name}", frame(snapshot, root)),
        RootKind::Thread => format!("{} {name}", thread(snapshot, root.thread)),
        kind => unnamed(kind).to_owned(),
    }
}

/// A root in words that are the same at another moment: `frame handle() local request`.
pub(crate) fn lasting_root(snapshot: &Snapshot, origin: Origin) -> String {
    let record = origin.record(snapshot);
    let Some((root, function)) = record.and_then(|record| Some((record, function(snapshot, record)?))) else {
        return match record.filter(|record| record.kind == RootKind::Thread) {
            Some(record) => format!("thread {}", snapshot.names.get(record.name)),
            None => root(snapshot, origin),
        };
    };
    let name = snapshot.names.get(root.name);
    match root.kind {
        RootKind::FrameLocal => format!("frame {function}() local {name}"),
        RootKind::FrameStack => format!("frame {function}() temporary"),
        _ => format!("frame {function}() {name}"),
    }
}

fn unnamed(kind: RootKind) -> &'static str {
    match kind {
        RootKind::Interned => "interned strings",
        RootKind::Unreachable => "unreachable cycle",
        RootKind::NobodyKnown => "held by nobody known",
        _ => "held by C code",
    }
}

/// `thread 'worker-3' (1234)`, `thread (no name) (1234)` where it is empty; without one where `threading` knows none.
pub(crate) fn thread(snapshot: &Snapshot, row: Option<u32>) -> String {
    match row.and_then(|row| snapshot.threads.get(row as usize)) {
        Some(thread) => {
            let id = thread.native_id.unwrap_or(thread.ident);
            match &thread.name {
                Some(name) => format!("thread {} ({id})", step(quoted(name))),
                None => format!("thread {id}"),
            }
        }
        None => "thread".to_owned(),
    }
}

/// `thread 'worker-3' (1234) frame handle() at app.py:17`.
pub(crate) fn frame(snapshot: &Snapshot, root: &Root) -> String {
    let thread = thread(snapshot, root.thread);
    let Some(frame) = root.frame.and_then(|row| snapshot.frames.get(row as usize)) else {
        return format!("{thread} frame");
    };
    let file = file_name(&frame.file);
    format!("{thread} frame {}() at {file}:{}", frame.function, frame.line)
}

/// The function of a root's frame, for names.
pub(crate) fn function<'s>(snapshot: &'s Snapshot, root: &Root) -> Option<&'s str> {
    let frame = root.frame.and_then(|row| snapshot.frames.get(row as usize))?;
    Some(&frame.function)
}

#[cfg(test)]
mod tests {
    use super::{step, unquoted};

    #[test]
    fn no_name_makes_a_step() {
        for (text, shown) in [
            ("_entries (dict)", "_entries (dict)"),
            ("'src->dst'", "'src->dst'"),
            ("'a -> _secret (dict)'", "'a -\\x3e _secret (dict)'"),
            ("a ->b", "a -\\x3eb"),
            ("-> a", "-\\x3e a"),
            ("a\u{a0}->\u{a0}b->c", "a\u{a0}-\\x3e\u{a0}b->c"),
        ] {
            assert_eq!(step(text.to_owned()), shown);
        }
    }

    #[test]
    fn quotes_and_escapes_go() {
        for (quoted, text) in [
            ("'Task-17'", "Task-17"),
            ("\"it's\"", "it's"),
            (r"'a\\b\n\'\x1b[31m\u202e\U000e0001'", "a\\b\n'\u{1b}[31m\u{202e}\u{e0001}"),
            ("''", ""),
        ] {
            assert_eq!(unquoted(quoted).as_deref(), Some(text), "{quoted}");
        }
        for no_str in ["17", "b'x'", "", "'", r"'\x1'", r"'\'"] {
            assert_eq!(unquoted(no_str), None, "{no_str}");
        }
    }
}
