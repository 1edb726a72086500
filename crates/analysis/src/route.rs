//! A path as a list of words: `module app.cache`, `_entries (dict)`, `'user:17'`, `Session`, `history (list)`.
//!
//! The root comes first. An attribute, local, cell or field is one step with the type behind it; a key or an index is a
//! step followed by the type as a step of its own. The dictionary of a module's, class's or instance's attributes is no
//! step. The middle of long paths is left out.

use memsight_heap::{Origin, Path, Step};
use memsight_model::{LabelKind, RootKind, Snapshot};

use crate::code::type_and_code;
use crate::words::{bare_key, is_namespace, key_of, label, root, step};

/// References at the beginning and at the end of a long path that are shown.
const HEAD: usize = 12;
const TAIL: usize = 8;

/// The path in words.
pub(crate) fn words(snapshot: &Snapshot, path: &Path) -> Vec<String> {
    let mut words = start(snapshot, path);
    let globals = is_globals(snapshot, path.origin);
    if path.steps.len() <= HEAD + TAIL {
        append(snapshot, &path.steps, globals, &mut words);
    } else {
        let tail = path.steps.len() - TAIL;
        append(snapshot, &path.steps[..HEAD], globals, &mut words);
        words.push(format!("... {} more ...", memsight_model::count((tail - HEAD) as u64)));
        append(snapshot, &path.steps[tail..], false, &mut words);
    }
    words.into_iter().map(step).collect()
}

/// The root, with the type of what it holds where the root's own words do not say it.
fn start(snapshot: &Snapshot, path: &Path) -> Vec<String> {
    let name = root(snapshot, path.origin);
    let held = type_and_code(snapshot, path.first, "");
    match path.origin.kind(snapshot) {
        RootKind::Module | RootKind::Interpreter | RootKind::Static => vec![name],
        RootKind::Frame if is_globals(snapshot, path.origin) => vec![name],
        RootKind::FrameLocal | RootKind::FrameStack | RootKind::Frame | RootKind::Thread => {
            vec![format!("{name} ({held})")]
        }
        RootKind::Interned | RootKind::External | RootKind::Unreachable | RootKind::NobodyKnown => {
            vec![name, held]
        }
    }
}

/// Whether the root holds a dictionary of variables, whose keys are then names.
pub(crate) fn is_globals(snapshot: &Snapshot, origin: Origin) -> bool {
    origin.record(snapshot).is_some_and(|root| {
        root.kind == RootKind::Frame && matches!(snapshot.names.get(root.name), "globals" | "f_globals")
    })
}

fn append(snapshot: &Snapshot, steps: &[Step], globals: bool, words: &mut Vec<String>) {
    let mut names = globals;
    let mut rest = steps.iter().peekable();
    while let Some(step) = rest.next() {
        if names && step.label.kind() == LabelKind::Value {
            let name = bare_key(snapshot, key_of(step.label));
            words.push(format!("{name} ({})", type_and_code(snapshot, step.target, &name)));
            names = false;
            continue;
        }
        let leads_on = rest.peek().is_some_and(|next| next.label.kind() == LabelKind::Value);
        names = leads_on && is_namespace(snapshot, step.label, step.target);
        if !names {
            describe(snapshot, step, words);
        }
    }
}

fn describe(snapshot: &Snapshot, step: &Step, words: &mut Vec<String>) {
    let name = label(snapshot, step.label);
    let held = type_and_code(snapshot, step.target, &name);
    match step.label.kind() {
        LabelKind::Index | LabelKind::Key | LabelKind::Value | LabelKind::Member => {
            words.extend([name, held]);
        }
        LabelKind::Inferred => words.push(format!("{name} {held}")),
        _ => words.push(format!("{name} ({held})")),
    }
}

/// Longest path that stands whole for the name of an object which has none.
const WHOLE_PATH: usize = 6;
/// Words at the end of a longer one that are given after its beginning.
const LAST_WORDS: usize = 3;

/// The path as a name: `held by C code -> list`; of a long one the ends.
pub(crate) fn ends(words: &[String]) -> String {
    match words {
        [first, second, rest @ ..] if words.len() > WHOLE_PATH => {
            format!("{first} -> {second} -> ... -> {}", rest[rest.len() - LAST_WORDS..].join(" -> "))
        }
        words => words.join(" -> "),
    }
}

/// A list of words with its middle left out when it is long.
pub(crate) fn shortened(mut words: Vec<String>) -> Vec<String> {
    if words.len() > HEAD + TAIL {
        let more = words.len() - HEAD - TAIL;
        words.splice(HEAD..HEAD + more, [format!("... {} more ...", memsight_model::count(more as u64))]);
    }
    words
}
