//! The pages of reference know every code and every verb.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every `MS-E` code in a text.
fn codes(text: &str) -> BTreeSet<String> {
    text.match_indices("MS-E")
        .filter_map(|(at, _)| text.get(at..at + 7))
        .filter(|code| code[4..].bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

/// The codes that the sources of the crates give out.
fn given(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            given(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "py") {
            found.extend(codes(&fs::read_to_string(&path).unwrap_or_default()));
        }
    }
}

#[test]
fn every_code_is_explained() {
    let page = fs::read_to_string(root().join("docs/reference/errors.md")).expect("the page of errors");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root().join("crates")).expect("the crates").flatten() {
        given(&entry.path().join("src"), &mut found);
    }
    given(&root().join("python/memsight"), &mut found);
    let explained = codes(&page);
    assert!(found.len() > 30, "{found:?}");
    assert_eq!(found.difference(&explained).collect::<Vec<_>>(), Vec::<&String>::new(), "codes without an explanation");
    assert_eq!(explained.difference(&found).collect::<Vec<_>>(), Vec::<&String>::new(), "codes that nobody gives");
}
