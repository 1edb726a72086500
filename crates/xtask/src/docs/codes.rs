//! Every error code that the sources give out is explained, and no page knows another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const PAGE: &str = "docs/reference/errors.md";
/// It may name codes of the past.
const PAST: &str = "CHANGELOG.md";
const PREFIX: &str = "MS-E";
const DIGITS: usize = 3;

/// Codes that only the sources or only a page knows.
pub fn faults(root: &Path, pages: &BTreeMap<PathBuf, String>) -> Result<Vec<String>> {
    let page = pages.get(Path::new(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let explained = codes(page);
    let mut given = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        collect(&entry?.path().join("src"), &mut given)?;
    }
    collect(&root.join("python/memsight"), &mut given)?;
    let mut faults: Vec<String> =
        given.difference(&explained).map(|code| format!("{PAGE}: {code} is not explained")).collect();
    for (name, text) in pages.iter().filter(|(name, _)| **name != Path::new(PAST)) {
        let named = codes(text);
        faults.extend(named.difference(&given).map(|code| format!("{}: nobody gives {code}", name.display())));
    }
    Ok(faults)
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            found.extend(codes(&std::fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

fn codes(text: &str) -> BTreeSet<String> {
    let length = PREFIX.len() + DIGITS;
    let words = text.match_indices(PREFIX).filter_map(|(at, _)| text.get(at..at + length));
    words.filter(|word| word[PREFIX.len()..].bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_three_digits() {
        let [one, two] = ["012", "013"].map(|digits| format!("{PREFIX}{digits}"));
        let text = format!("| {one} | {PREFIX}0| `{two}` {PREFIX}");
        assert_eq!(codes(&text), BTreeSet::from([one, two]));
    }
}
