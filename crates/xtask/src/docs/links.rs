//! Relative links of the pages lead to files and headings that exist, and every page below `docs/` is linked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// A page as far as links care.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

/// Links that lead nowhere, and pages that nobody finds.
pub fn faults(root: &Path, pages: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let pages: BTreeMap<&PathBuf, Page> = pages.iter().map(|(name, text)| (name, parse(text))).collect();
    let mut faults = Vec::new();
    let mut found = BTreeSet::new();
    for (name, page) in &pages {
        for link in &page.links {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { Some((*name).clone()) } else { resolve(name, file) };
            match target.filter(|target| root.join(target).exists()) {
                None => faults.push(format!("{}: {link} leads nowhere", name.display())),
                Some(target) => {
                    if !anchor.is_empty() && pages.get(&target).is_some_and(|page| !page.anchors.contains(anchor)) {
                        faults.push(format!("{}: {link} names no heading", name.display()));
                    }
                    found.insert(target);
                }
            }
        }
    }
    let lost = pages.keys().filter(|name| name.starts_with("docs") && !found.contains(**name));
    faults.extend(lost.map(|name| format!("{}: no page links to it", name.display())));
    faults
}

/// Where a link on page `from` leads, from the root; `None` outside of it.
fn resolve(from: &Path, link: &str) -> Option<PathBuf> {
    let mut path = from.parent()?.to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// Links and headings outside of code.
fn parse(text: &str) -> Page {
    let mut page = Page::default();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            if let Some(heading) = line.strip_prefix('#') {
                page.anchors.insert(anchor(heading.trim_start_matches('#')));
            }
            page.links.extend(links(&without_code(line)).filter(|link| !is_elsewhere(link)));
        }
    }
    page
}

fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The targets of `[text](target "title")`.
fn links(line: &str) -> impl Iterator<Item = String> + '_ {
    line.match_indices("](").filter_map(|(at, found)| {
        let (inside, _) = line[at + found.len()..].split_once(')')?;
        inside.split_whitespace().next().map(str::to_owned)
    })
}

fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

/// The anchor of a heading, as forges make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_headings_in_code_do_not_count() {
        let text =
            "# A: b_c\n[x](y.md) `[no](no.md)` [z](../z.md#a \"t\") [w](https://e.org)\n```\n# no\n[n](n.md)\n```\n";
        let page = parse(text);
        assert_eq!(page.links, ["y.md", "../z.md#a"]);
        assert_eq!(page.anchors, BTreeSet::from(["a-b_c".to_owned()]));
    }

    #[test]
    fn links_are_relative_to_their_page() {
        let from = Path::new("docs/dev/x.md");
        assert_eq!(resolve(from, "../a/y.md"), Some(PathBuf::from("docs/a/y.md")));
        assert_eq!(resolve(from, "../../../y.md"), None);
        assert_eq!(resolve(from, "/etc/passwd"), None);
    }

    #[test]
    fn faults_name_page_and_link() {
        let root = tempfile::tempdir().unwrap();
        let docs = root.path().join("docs");
        std::fs::create_dir(&docs).unwrap();
        std::fs::write(root.path().join("README.md"), "[a](docs/a.md#here) [b](docs/b.md)").unwrap();
        std::fs::write(docs.join("a.md"), "# There\n").unwrap();
        std::fs::write(docs.join("lost.md"), "").unwrap();
        let expected = [
            "README.md: docs/a.md#here names no heading",
            "README.md: docs/b.md leads nowhere",
            "docs/lost.md: no page links to it",
        ];
        let pages = crate::docs::pages::read(root.path()).unwrap();
        assert_eq!(faults(root.path(), &pages), expected);
    }
}
