//! What to do about a cycle.

use memsight_model::ObjectKind;

use super::Cycle;

/// The rule that fits a cycle, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Name of the rule (`docs/reference/findings.md`).
    pub rule: &'static str,
    /// What to do.
    pub text: String,
}

/// Advice for a cycle: by the kinds of object on it, the most telling first.
pub(crate) fn advise(cycle: &Cycle) -> Advice {
    use ObjectKind::*;
    let has = |kind: ObjectKind| cycle.kinds.contains(&kind);
    if has(Traceback) {
        let text = "an exception that is kept keeps its traceback, and so the frame that holds the exception: `del` the \
                    variable when it is done with (`try: ... finally: del exc`), or keep \
                    `exc.with_traceback(None)`, or a `traceback.TracebackException`, instead";
        return Advice { rule: "cycle-exception", text: text.to_owned() };
    }
    if has(Type) || has(Module) {
        let text = "a class always refers to itself (through its `__mro__`): make classes once, at the top of a module, \
                    not in a function that is called again and again";
        return Advice { rule: "cycle-class", text: text.to_owned() };
    }
    if has(Generator) {
        let text = "a suspended generator or coroutine holds what holds it: `close()` it, or let it not keep its owner in \
                    a local variable";
        return Advice { rule: "cycle-generator", text: text.to_owned() };
    }
    if has(Frame) {
        let text = "a frame that a variable of its own call keeps (`sys._getframe()`, `inspect.currentframe()`): `del` the \
                    variable when it is done with";
        return Advice { rule: "cycle-frame", text: text.to_owned() };
    }
    if has(Method) {
        let text = format!(
            "a bound method holds its instance: keep the function or a `weakref.WeakMethod` in `{}`, or look the method \
             up when it is called",
            holder(cycle)
        );
        return Advice { rule: "cycle-bound-method", text };
    }
    if has(Function) || has(Cell) {
        let text = "a function that refers to itself, or to its owner, by a variable of the function around it: pass it as \
                    an argument, or set the variable to None at the end";
        return Advice { rule: "cycle-closure", text: text.to_owned() };
    }
    parent(cycle)
}

/// A reference that leads back to an owner.
fn parent(cycle: &Cycle) -> Advice {
    let back = cycle.steps.iter().rev().find(|step| step.contains('.'));
    let text = match (back, cycle.steps.len()) {
        (Some(step), _) => format!(
            "make `{step}` weak (`weakref.ref`, `weakref.proxy`), or set it to None where the object is done with \
             (`close()`, `__exit__`)"
        ),
        (None, _) => "take the object out of itself when it is done with (`clear()`), or hold it by a name that is no \
                      part of it"
            .to_owned(),
    };
    Advice { rule: if back.is_some() { "cycle-back-reference" } else { "cycle-container" }, text }
}

/// The step that holds the bound method.
fn holder(cycle: &Cycle) -> &str {
    let at = cycle.kinds.iter().position(|kind| *kind == ObjectKind::Method);
    at.and_then(|at| cycle.steps.get(at)).map_or("it", String::as_str)
}
