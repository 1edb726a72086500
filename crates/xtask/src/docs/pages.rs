//! The pages of the repository, and what of them is code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders whose pages are not ours.
const FOREIGN: &[&str] = &["target", "dist", "node_modules", "corpus-work"];

/// All pages, by their path from the root.
pub fn read(root: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut pages = BTreeMap::new();
    collect(root, root, &mut pages)?;
    Ok(pages)
}

fn collect(root: &Path, folder: &Path, pages: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && !FOREIGN.contains(&name.as_ref()) {
                collect(root, &path, pages)?;
            }
        } else if name.ends_with(".md") {
            pages.insert(path.strip_prefix(root)?.to_owned(), std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// A piece of code on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// Between backticks, within text.
    Span(String),
    /// A line of a block, with what stands behind the opening fence.
    Line {
        /// `console`, `sh`, `text` ...; empty: none was named.
        language: String,
        /// The line, lines that end in a backslash joined to the next.
        text: String,
    },
}

/// All code of a page, in order.
pub fn code(page: &str) -> Vec<Code> {
    let mut found = Vec::new();
    let mut paragraph = String::new();
    let mut language: Option<String> = None;
    let mut joined = String::new();
    for line in page.lines() {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            found.extend(spans(&std::mem::take(&mut paragraph)));
            language = if language.is_some() { None } else { Some(fence.trim().to_owned()) };
        } else if let Some(language) = &language {
            joined.push_str(line.trim_end_matches('\\'));
            if !line.ends_with('\\') {
                found.push(Code::Line { language: language.clone(), text: std::mem::take(&mut joined) });
            }
        } else if line.trim().is_empty() {
            found.extend(spans(&std::mem::take(&mut paragraph)));
        } else {
            paragraph.push_str(line);
            paragraph.push(' ');
        }
    }
    found.extend(spans(&paragraph));
    found
}

/// What stands between backticks; a pipe is escaped within tables.
fn spans(paragraph: &str) -> Vec<Code> {
    let inside = paragraph.split('`').skip(1).step_by(2);
    inside.map(|span| Code::Span(span.replace("\\|", "|"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_spans_and_lines() {
        let line = |language: &str, text: &str| Code::Line { language: language.into(), text: text.into() };
        let page = "a `b\nc` d | `x \\| y` |\n\n```sh\none \\\ntwo\n```\n```\nthree\n```\n`four`\n";
        let expected = [
            Code::Span("b c".into()),
            Code::Span("x | y".into()),
            line("sh", "one two"),
            line("", "three"),
            Code::Span("four".into()),
        ];
        assert_eq!(code(page), expected);
    }
}
