//! `docs/rules/`: a page for each rule of the advisor, and a list of them, made from the rules themselves.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use memsight_advice::{Needs, Rule, Technique, rules};

const FOLDER: &str = "docs/rules";

/// Writes the pages, or says which are stale.
pub(super) fn make(root: &Path, check: bool) -> Result<Vec<String>> {
    let mut pages = vec![("README.md".to_owned(), list())];
    pages.extend(rules::all().into_iter().map(|rule| (format!("{}.md", rule.id), page(rule))));
    let mut stale = Vec::new();
    for (name, text) in &pages {
        let path = root.join(FOLDER).join(name);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == *text) {
            continue;
        }
        if check {
            stale.push(format!("{FOLDER}/{name} is stale, run `cargo xtask docs`"));
        } else {
            std::fs::create_dir_all(root.join(FOLDER))?;
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            println!("{FOLDER}/{name}: made anew");
        }
    }
    for entry in std::fs::read_dir(root.join(FOLDER)).into_iter().flatten() {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !pages.iter().any(|(page, _)| *page == name) {
            stale.push(format!("{FOLDER}/{name} is the page of no rule"));
        }
    }
    Ok(stale)
}

const TECHNIQUES: [(Technique, &str); 4] = [
    (Technique::Generators, "Generators and iterators"),
    (Technique::FewerObjects, "No needless objects"),
    (Technique::CompactStructures, "Built-in data structures"),
    (Technique::FreeExplicitly, "Explicit freeing"),
];

fn list() -> String {
    let mut text = String::from(
        "# The rules of the advisor\n\nWhat [`memsight advise`](../reference/cli.md) looks for. `memsight advise --explain MS101` prints a page, \
         `--select` and `--ignore` choose. Rules that are often wrong without a heap or a trace are off unless `--all` or `--select` asks for them.\n",
    );
    for (technique, title) in TECHNIQUES {
        let rules: Vec<_> = rules::all().into_iter().filter(|rule| rule.technique == technique).collect();
        if rules.is_empty() {
            continue;
        }
        write!(text, "\n## {title}\n\n| rule | name | what | |\n|---|---|---|---|\n").unwrap();
        for rule in rules {
            let off = if rule.is_default { "" } else { "off" };
            writeln!(text, "| [{0}]({0}.md) | {1} | {2} | {off} |", rule.id, rule.name, rule.summary).unwrap();
        }
    }
    text
}

fn page(rule: &Rule) -> String {
    let needs = match (rule.is_default, rule.needs) {
        (true, _) => "It is looked for by default.",
        (false, Needs::Source) => "It is off unless it is asked for (`--select`, `--all`).",
        (false, Needs::Heap) => "It is off unless it is asked for: only a heap tells whether it matters.",
        (false, Needs::Trace) => "It is off unless it is asked for: only a trace tells whether it matters.",
    };
    let (_, technique) = TECHNIQUES.iter().find(|(technique, _)| *technique == rule.technique).expect("all four");
    let mut text = format!(
        "# {} {}\n\n{}. {technique}. {needs}\n\n## Why\n\n{}\n\n## Needs more\n\n```python\n{}\n```\n\n## Needs less\n\n```python\n{}\n```\n\n\
         ## Not reported, or not to be done, when\n\n",
        rule.id,
        rule.name,
        first_upper(rule.summary),
        rule.page.why,
        rule.page.bad,
        rule.page.good,
    );
    for sentence in rule.page.unless {
        writeln!(text, "- {sentence}").unwrap();
    }
    write!(text, "\n## Measured\n\n{}\n", rule.page.figures).unwrap();
    text
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
