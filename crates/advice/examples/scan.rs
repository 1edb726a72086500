//! Rules over a folder, a line a finding: what precision is measured by.
//!
//! `cargo run --release -p memsight-advice --example scan -- DIR [RULE...]`: the default rules, or those that are named; `all`
//! for all. With `--fix` as the first word all fixes are made, in memory, until a round changes nothing: what does not come to an
//! end is told.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "an example reads files and prints")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use memsight_advice::{Checked, FileReport, PythonVersion, Rule, Safety, Settings, apply, check_all, rules};

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let fixes = arguments.next_if(|first| first == "--fix").is_some();
    let Some(folder) = arguments.next() else {
        eprintln!("say a folder");
        std::process::exit(2);
    };
    let named: Vec<String> = arguments.collect();
    let rules: Vec<&'static Rule> = match named.as_slice() {
        [] => rules::defaults(),
        [all] if all == "all" => rules::all(),
        names => names.iter().filter_map(|name| rules::find(name)).collect(),
    };
    let mut paths = Vec::new();
    python_files(Path::new(&folder), &mut paths);
    paths.sort();
    let files = paths.iter().filter_map(|path| Some((path.display().to_string(), std::fs::read(path).ok()?)));
    let settings = Settings { target: PythonVersion::PY313, syntax: PythonVersion::PY315, rules };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let checked = check_all(files.collect(), &settings, &|| {});
    for report in checked.reports.iter().flatten() {
        if fixes {
            fix(&checked, report, &settings, &mut counts);
        } else {
            show(report, &folder, &mut counts);
        }
    }
    for (rule, count) in counts {
        eprintln!("{rule} {count}");
    }
}

/// Rounds of fixes after which there should be none left.
const ROUNDS: usize = 20;

fn fix(checked: &Checked, report: &FileReport, settings: &Settings, counts: &mut BTreeMap<&str, usize>) {
    let path = &report.source.path;
    let mut text = report.source.text().to_owned();
    for _ in 0..ROUNDS {
        let Ok(now) = checked.again(path, text.as_bytes()) else { return };
        match apply(&now.source, &now.findings, Safety::Unsafe, settings.target) {
            Some(fixed) => {
                *counts.entry("fixed").or_default() += fixed.applied.len();
                text = fixed.text;
            }
            None => return,
        }
    }
    println!("{path}: fixes do not come to an end");
}

fn python_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            python_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            found.push(path);
        }
    }
}

fn show(report: &FileReport, folder: &str, counts: &mut BTreeMap<&str, usize>) {
    let path = report.source.path.strip_prefix(folder).unwrap_or(&report.source.path);
    for finding in &report.findings {
        *counts.entry(finding.rule.id).or_default() += 1;
        let line = report.source.line(finding.start.line).trim();
        println!("{} {}:{}: {}\n      {}", finding.rule.id, path, finding.start.line, line, finding.message);
    }
}
