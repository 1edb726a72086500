//! Every error code that the sources give out is explained, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

const PAGE: &str = "docs/reference/errors.md";
const PREFIX: &str = "MS-E";
const DIGITS: usize = 3;

/// Codes that only the sources or only the page knows.
pub fn faults(root: &Path) -> Result<Vec<String>> {
    let page = std::fs::read_to_string(root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let explained = codes(&page);
    let mut given = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        collect(&entry?.path().join("src"), &mut given)?;
    }
    collect(&root.join("python/memsight"), &mut given)?;
    let unexplained = given.difference(&explained).map(|code| format!("{PAGE}: {code} is not explained"));
    let unknown = explained.difference(&given).map(|code| format!("{PAGE}: nobody gives {code}"));
    Ok(unexplained.chain(unknown).collect())
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
