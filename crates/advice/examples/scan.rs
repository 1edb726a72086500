//! Rules over folders, a line a finding: what precision is measured by.
//!
//! ```console
//! $ cargo run --release -p memsight-advice --example scan -- DIR...              # the default rules
//! $ cargo run --release -p memsight-advice --example scan -- DIR --rules MS405   # these; `all` for all
//! $ cargo run --release -p memsight-advice --example scan -- DIR --sample 50     # of each technique, with their source
//! $ cargo run --release -p memsight-advice --example scan -- DIR --fix           # all fixes, in memory; --write: in the files
//! ```
//! A sample is the same whenever it is drawn: those findings come first of which the hash of rule, path and line is lowest.
//! What of the fixes does not come to an end, or is no Python afterwards, is told.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "an example reads files and prints")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use memsight_advice::{
    Checked, FileReport, Finding, PythonVersion, Rule, Safety, Settings, Technique, apply, check_all, rules,
};

#[derive(Default)]
struct Asked {
    folders: Vec<String>,
    rules: Vec<&'static Rule>,
    sample: Option<usize>,
    fix: bool,
    write: bool,
}

fn asked() -> Asked {
    let mut asked = Asked::default();
    let mut named = Vec::new();
    let mut in_rules = false;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rules" => in_rules = true,
            "--fix" => asked.fix = true,
            "--write" => asked.write = true,
            "--sample" => asked.sample = words.next().and_then(|count| count.parse().ok()),
            _ if in_rules => named.push(word),
            _ => asked.folders.push(word),
        }
    }
    asked.rules = match named.as_slice() {
        [] => rules::defaults(),
        [all] if all == "all" => rules::all(),
        names => names.iter().filter_map(|name| rules::find(name)).collect(),
    };
    asked
}

fn main() {
    let asked = asked();
    let mut paths = Vec::new();
    asked.folders.iter().for_each(|folder| python_files(Path::new(folder), &mut paths));
    paths.sort();
    let files = paths.iter().filter_map(|path| Some((path.display().to_string(), std::fs::read(path).ok()?)));
    let settings = Settings { target: PythonVersion::PY313, syntax: PythonVersion::PY315, rules: asked.rules.clone() };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let checked = check_all(files.collect(), &settings, &|| {});
    let reports = checked.reports.iter().flatten();
    if asked.fix {
        reports.for_each(|report| fix(&checked, report, &asked, &mut counts));
    } else {
        let mut found: Vec<(&FileReport, &Finding)> =
            reports.flat_map(|report| report.findings.iter().map(move |finding| (report, finding))).collect();
        for (_, finding) in &found {
            *counts.entry(finding.rule.id).or_default() += 1;
        }
        if let Some(count) = asked.sample {
            found = sampled(found, count);
        }
        found.iter().for_each(|(report, finding)| show(report, finding, asked.sample.is_some()));
    }
    for (rule, count) in counts {
        eprintln!("{rule} {count}");
    }
}

/// As many of each technique, in the order of the rules.
fn sampled<'f>(found: Vec<(&'f FileReport, &'f Finding)>, count: usize) -> Vec<(&'f FileReport, &'f Finding)> {
    let mut by_technique: BTreeMap<Technique, Vec<_>> = BTreeMap::new();
    for one in found {
        by_technique.entry(one.1.rule.technique).or_default().push(one);
    }
    let mut sample = Vec::new();
    for (_, mut found) in by_technique {
        found.sort_by_key(|(report, finding)| {
            hash(&format!("{} {}:{}", finding.rule.id, name(&report.source.path), finding.start.line))
        });
        found.truncate(count);
        found.sort_by_key(|(report, finding)| (finding.rule.id, report.source.path.clone(), finding.start.line));
        sample.extend(found);
    }
    sample
}

/// The last parts of a path, so that the sample does not depend on where the packages lie.
fn name(path: &str) -> String {
    let mut parts: Vec<&str> = path.rsplit('/').take(3).collect();
    parts.reverse();
    parts.join("/")
}

/// FNV-1a, with its ends mixed.
fn hash(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    (hash ^ (hash >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// Rounds of fixes after which there should be none left.
const ROUNDS: usize = 20;

fn fix(checked: &Checked, report: &FileReport, asked: &Asked, counts: &mut BTreeMap<&str, usize>) {
    let path = &report.source.path;
    let mut text = report.source.text().to_owned();
    for _ in 0..ROUNDS {
        let Some(bytes) = report.source.encode(&text) else { return };
        let Ok(now) = checked.again(path, &bytes) else { return };
        match apply(&now.source, &now.findings, Safety::Unsafe, PythonVersion::PY315) {
            Some(fixed) => {
                for at in &fixed.applied {
                    *counts.entry(now.findings[*at].rule.id).or_default() += 1;
                }
                text = fixed.text;
            }
            None => {
                if now.findings.iter().any(|finding| finding.fix.is_some()) {
                    println!("{path}: the fixes leave no Python behind");
                }
                if asked.write && text != report.source.text() {
                    std::fs::write(path, bytes).unwrap();
                }
                return;
            }
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

/// Lines around a finding that are shown with it.
const AROUND: u32 = 8;

fn show(report: &FileReport, finding: &Finding, with_source: bool) {
    let source = &report.source;
    let line = finding.start.line;
    println!("{} {}:{}: {}", finding.rule.id, source.path, line, source.line(line).trim());
    println!("      {}", finding.message);
    if with_source {
        for at in line.saturating_sub(AROUND).max(1)..=(finding.end.line + AROUND).min(source.line_count()) {
            let mark = if (line..=finding.end.line).contains(&at) { '>' } else { ' ' };
            println!("   {mark}{at:>6} {}", source.line(at));
        }
        println!();
    }
}
