//! The Python package and its page say the same: every method of a snapshot is on the page, and every function of the
//! package that a page calls is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pages::{self, Code};

const PAGE: &str = "docs/reference/python.md";
const PACKAGE: &str = "python/memsight/__init__.py";
const SNAPSHOT: &str = "python/memsight/_snapshot.py";

/// Methods that the page leaves out, and calls of what the package does not have.
pub fn faults(root: &Path, pages: &BTreeMap<PathBuf, String>) -> Result<Vec<String>> {
    let read = |name| std::fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"));
    let page = pages.get(Path::new(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let mut faults: Vec<String> = Vec::new();
    let snapshot = read(SNAPSHOT)?;
    let missing = methods(&snapshot, "Snapshot").filter(|name| !page.contains(&format!("`{name}(")));
    faults.extend(missing.map(|name| format!("{PAGE}: the method {name} of Snapshot is missing")));
    let package = read(PACKAGE)?;
    let names = exported(&package);
    for (name, text) in pages {
        let unknown =
            pages::code(text).into_iter().flat_map(|code| called(&code)).filter(|call| !names.contains(call.as_str()));
        faults.extend(unknown.map(|call| format!("{}: the package has no {call}", name.display())));
    }
    Ok(faults)
}

/// The public methods of a class; properties are on the page under other words.
fn methods<'a>(source: &'a str, class: &str) -> impl Iterator<Item = &'a str> {
    let head = format!("class {class}:");
    let body = source.lines().skip_while(move |line| *line != head).skip(1);
    let body = body.take_while(|line| line.is_empty() || line.starts_with(' '));
    let names = body.filter_map(|line| line.strip_prefix("    def ")?.split_once('('));
    names.filter(|(name, rest)| !name.starts_with('_') && !rest.starts_with("self) ->")).map(|(name, _)| name)
}

/// What `__all__` lists.
fn exported(package: &str) -> BTreeSet<&str> {
    let list = package.split("__all__ = [").nth(1).unwrap_or_default();
    let list = list.split(']').next().unwrap_or_default();
    list.split(',').map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty()).collect()
}

/// The names in `memsight.NAME(`.
fn called(code: &Code) -> Vec<String> {
    let (Code::Span(text) | Code::Line { text, .. }) = code;
    let calls = text.split("memsight.").skip(1).filter_map(|rest| rest.split_once('('));
    let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty();
    calls.map(|(name, _)| name.to_owned()).filter(|name| is_name(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_sources() {
        let source = "class Other:\n    def gone(self, a):\n\nclass Snapshot:\n    def pid(self) -> int:\n\n\
            \x20   def types(self, top):\n        pass\n    def _view(self, a):\n\ndef load(path):\n";
        assert_eq!(methods(source, "Snapshot").collect::<Vec<_>>(), ["types"]);
        assert_eq!(exported("x\n__all__ = [\n    \"A\",\n    \"b\",\n]\n"), BTreeSet::from(["A", "b"]));
        assert_eq!(called(&Code::Span("memsight.load(memsight.x.y(), memsight.Error".into())), ["load"]);
    }
}
