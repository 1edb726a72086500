//! What uses what inside of a crate, read from the paths in its sources: the wings of `cpython` as `docs/dev/architecture.md`
//! draws them, and circles between the files of others.
//!
//! ```text
//! sources ──> paths (`crate::...`, `super::...`) ──> edges between rooms ──> edges that go back, circles
//! ```
//! A room is a file of a wing, or a folder of one with all that is in it. Tests and comments may look anywhere. What has no
//! path is not seen: a method that a later wing adds to a type of an earlier one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The sources that have wings.
const SOURCE: &str = "crates/cpython/src/";
/// The sources whose files stand in no circle, and how many words of a module are a room: every file counts by itself, or a
/// folder as one.
const FILES: &[(&str, usize)] =
    &[("crates/cli/src/", usize::MAX), ("crates/analysis/src/", 1), ("crates/recorder/src/", 1)];
/// Words of a module that make a room: a wing and what is in it.
const ROOM: usize = 2;
/// In the order in which data goes through them: each may use those before it. What all may use comes first, what calls
/// all of them last.
const ORDER: &[&str] = &["error", "options", "find", "layout", "object", "walk", "rows", "asked", "build"];
/// What goes back all the same, with the reason.
const KNOWN: &[(&str, &str)] = &[
    // The interpreter is found by trying tables, and the one that fits is what is handed on.
    ("find", "layout"),
    // A table fits when `sys.hexversion`, read through it, says so: an int in a dict, by a str.
    ("find", "object::text"),
];

/// Who uses whom, by rooms, and in which file.
type Edges = BTreeMap<(String, String), String>;

/// What is wrong inside of crates; `files` are those of the workspace, by their paths, with their texts.
pub fn faults(files: &[(String, String)]) -> Vec<String> {
    let of = |source: &str| -> Vec<(String, String)> {
        let inside =
            files.iter().filter_map(|(path, text)| Some((path.strip_prefix(source)?.to_owned(), text.clone())));
        inside.collect()
    };
    let mut faults = wings(&of(SOURCE));
    faults.extend(FILES.iter().flat_map(|(source, depth)| circles_of_files(source, *depth, &of(source))));
    faults
}

/// The circles between files; `files` are those of a crate, by their paths in there.
fn circles_of_files(source: &str, depth: usize, files: &[(String, String)]) -> Vec<String> {
    let edges = edges(files, depth);
    let edges = edges.keys().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    circles(&edges).iter().map(|circle| format!("{source}: a circle of files: {}", circle.join(" -> "))).collect()
}

/// What is wrong with the wings.
fn wings(files: &[(String, String)]) -> Vec<String> {
    let edges = edges(files, ROOM);
    let mut faults: Vec<String> = edges.iter().filter_map(|((from, to), file)| goes_back(from, to, file)).collect();
    for (from, to) in KNOWN.iter().filter(|known| !edges.keys().any(|(from, to)| is_known(known, from, to))) {
        faults.push(format!("{from} no longer uses {to}: take it off the list in xtask's circles.rs"));
    }
    let rooms: BTreeSet<(&str, &str)> = edges.keys().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let wings = rooms.iter().map(|(from, to)| (wing(from), wing(to))).filter(|(from, to)| from != to).collect();
    for (what, circles) in [("wings", circles(&wings)), ("files", circles(&rooms))] {
        faults.extend(circles.iter().map(|circle| format!("a circle of {what}: {}", circle.join(" -> "))));
    }
    faults
}

/// The edge from one room to another, if it is against the order and not known.
fn goes_back(from: &str, to: &str, file: &str) -> Option<String> {
    let place = |room: &str| ORDER.iter().position(|known| *known == wing(room));
    let (Some(user), Some(used)) = (place(from), place(to)) else {
        let stranger = if place(from).is_none() { from } else { to };
        return Some(format!("{SOURCE}{file}: {stranger} is in no wing; they are named in xtask's circles.rs"));
    };
    let may = used <= user || KNOWN.iter().any(|known| is_known(known, from, to));
    (!may).then(|| format!("{SOURCE}{file}: {} must not use {to}", wing(from)))
}

/// Whether an edge is the known one, or part of it.
fn is_known((user, used): &(&str, &str), from: &str, to: &str) -> bool {
    wing(from) == *user && (to == *used || wing(to) == *used)
}

fn wing(room: &str) -> &str {
    room.split("::").next().unwrap_or(room)
}

/// All edges between different rooms, which are the first `depth` words of modules.
fn edges(files: &[(String, String)], depth: usize) -> Edges {
    let modules: Vec<Vec<&str>> = files.iter().map(|(path, _)| module(path)).collect();
    let room = |module: &[&str]| module[..module.len().min(depth)].join("::");
    let rooms: BTreeSet<String> = modules.iter().map(|module| room(module)).collect();
    let mut edges = Edges::new();
    for ((path, text), module) in files.iter().zip(&modules).filter(|(_, module)| !module.is_empty()) {
        let from = room(module);
        for used in used_by(&code(text), module) {
            // `layout::Layout` is an item of `layout` itself
            let longest = (1..=used.len().min(depth)).rev().map(|words| room(&used[..words]));
            let to = longest.into_iter().find(|room| rooms.contains(room));
            let to = to.unwrap_or_else(|| used.first().copied().unwrap_or_default().to_owned());
            if !to.is_empty() && to != from {
                edges.entry((from.clone(), to)).or_insert_with(|| path.clone());
            }
        }
    }
    edges
}

/// The module of a file: `["walk", "mark"]` for `walk/mark.rs`; nothing for `lib.rs`.
fn module(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.last(), Some(&"mod" | &"lib")) {
        parts.pop();
    }
    parts
}

/// A source without its comments and its tests, which stand last.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
    lines.map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What the code of a module names by `crate::` and `super::`, from the root of the crate.
fn used_by<'c>(code: &'c str, module: &[&'c str]) -> Vec<Vec<&'c str>> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        paths(&code[at + "crate::".len()..], &[], &mut used);
    }
    for (at, _) in code.match_indices("super::") {
        // `super::super::x` is read at its first word
        if code[..at].ends_with("::") {
            continue;
        }
        let (mut rest, mut base) = (&code[at..], module);
        while let Some(behind) = rest.strip_prefix("super::") {
            (rest, base) = (behind, &base[..base.len().saturating_sub(1)]);
        }
        paths(rest, base, &mut used);
    }
    used
}

/// Reads a path below `base`, in braces several; what stands behind it.
fn paths<'c>(text: &'c str, base: &[&'c str], found: &mut Vec<Vec<&'c str>>) -> &'c str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = paths(rest, base, found).trim_start();
            match rest.strip_prefix(',') {
                Some(behind) => rest = behind,
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, behind) = text.split_at(end);
    let mut whole = base.to_vec();
    whole.extend((!name.is_empty()).then_some(name));
    match behind.strip_prefix("::") {
        Some(below) if !name.is_empty() => paths(below, &whole, found),
        _ => {
            let all = behind.strip_prefix('*');
            // Nothing stands behind the last comma in braces.
            found.extend((!name.is_empty() || all.is_some()).then_some(whole));
            all.unwrap_or(behind)
        }
    }
}

/// The shortest way round from each that is in a circle, but for those that one told before has met.
fn circles<'e>(edges: &BTreeSet<(&'e str, &'e str)>) -> Vec<Vec<&'e str>> {
    let mut met = BTreeSet::new();
    let mut circles: Vec<Vec<&str>> = Vec::new();
    for start in edges.iter().map(|(from, _)| *from) {
        if met.contains(start) {
            continue;
        }
        if let Some(circle) = way_round(start, edges) {
            met.extend(circle.iter().copied());
            circles.push(circle);
        }
    }
    circles
}

/// The shortest way from a room back to it.
fn way_round<'e>(start: &'e str, edges: &BTreeSet<(&'e str, &'e str)>) -> Option<Vec<&'e str>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let last = way.last().copied().unwrap_or(start);
        for (_, to) in edges.iter().filter(|(from, _)| *from == last) {
            let longer: Vec<&str> = way.iter().copied().chain([*to]).collect();
            if *to == start {
                return Some(longer);
            }
            if seen.insert(*to) {
                ways.push_back(longer);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(all: &[(&str, &str)]) -> Vec<(String, String)> {
        let known =
            [("find/locate.rs", "use crate::layout::Layout;\nuse crate::object::text;"), ("object/text.rs", "")];
        all.iter().chain(&known).map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_follows_the_order_is_fine() {
        let rows = "use crate::walk::{mark, slots::{Bits, Slots}};\nuse super::parts;";
        let fine = files(&[("rows/emit.rs", rows), ("rows/parts.rs", ""), ("build.rs", "use crate::rows::emit;")]);
        assert_eq!(wings(&fine), Vec::<String>::new());
        let edges = edges(&fine, ROOM);
        let used: Vec<&str> = edges.keys().filter(|(from, _)| from == "rows::emit").map(|(_, to)| &**to).collect();
        assert_eq!(used, ["rows::parts", "walk"]);
    }

    #[test]
    fn what_goes_back_is_refused() {
        let back = files(&[("walk/mark.rs", "let x = super::super::rows::emit::x();"), ("rows/emit.rs", "")]);
        assert_eq!(wings(&back), ["crates/cpython/src/walk/mark.rs: walk must not use rows::emit"]);
        let back = files(&[("find/elf.rs", "use crate::object::{\n    sizes, text,\n};"), ("object/sizes.rs", "")]);
        assert_eq!(wings(&back), ["crates/cpython/src/find/elf.rs: find must not use object::sizes"]);
        let stranger = files(&[("attic.rs", "use crate::error::X;")]);
        assert!(wings(&stranger)[0].contains("attic is in no wing"));
    }

    #[test]
    fn circles_are_refused() {
        let files = files(&[
            ("object/types.rs", "use crate::object::sizes;"),
            ("object/sizes.rs", "use super::buffers;"),
            ("object/buffers.rs", "fn f() -> crate::object::types::X {}"),
            ("object/head.rs", "use crate::find::locate;"),
        ]);
        let told = [
            "a circle of wings: find -> object -> find",
            "a circle of files: object::buffers -> object::types -> object::sizes -> object::buffers",
        ];
        assert_eq!(wings(&files), told);
    }

    #[test]
    fn a_folder_is_one_room_and_tests_may_look_anywhere() {
        let inner = "use super::Walk;\n// crate::build\n#[cfg(test)]\nmod tests {\n    use crate::build::X;\n}";
        let room = files(&[("asked/gc/mod.rs", "use rings::X;"), ("asked/gc/rings.rs", inner)]);
        assert_eq!(wings(&room), Vec::<String>::new());
    }

    #[test]
    fn the_list_of_what_is_known_is_kept_short() {
        assert_eq!(wings(&[]).len(), KNOWN.len());
    }

    #[test]
    fn files_of_other_crates_stand_in_no_circle() {
        let file = |path: &str, text: &str| (format!("crates/cli/src/{path}"), text.to_owned());
        let serve = file("verbs/agent/serve.rs", "use super::routes::Routes;\nuse crate::STOPPED;");
        let routes = file("verbs/agent/routes.rs", "use super::serve::Rate;");
        let known = files(&[]).into_iter().map(|(path, text)| (format!("{SOURCE}{path}"), text));
        let mut all: Vec<_> = known.chain([serve, routes]).collect();
        let told = "crates/cli/src/: a circle of files: \
            verbs::agent::routes -> verbs::agent::serve -> verbs::agent::routes";
        assert_eq!(faults(&all), [told]);
        all.pop();
        assert_eq!(faults(&all), Vec::<String>::new());
    }
}
