//! The corpus: each rule on code that it must report and on code that tempts it. `corpus/README.md` says how it is written.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test reads its cases and prints its table")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_advice::{FileReport, PythonVersion, Rule, Safety, Settings, apply, check_all, rules};

/// Cases of each kind that a rule has at least.
const LEAST: usize = 5;

struct Case {
    title: String,
    code: String,
    /// After a safe fix, or an unsafe one.
    fixed: Option<(Safety, String)>,
    target: PythonVersion,
}

#[derive(Default)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
    true_cases: usize,
    false_cases: usize,
}

fn main() {
    let arguments = Arguments::from_args();
    // The table is for people: `make advice`.
    if !arguments.list && !arguments.exact {
        println!("{:8}{:28}{:>6}{:>7}{:>11}{:>9}", "rule", "name", "true", "false", "precision", "recall");
        rules::all().into_iter().for_each(|rule| println!("{}", row(rule)));
    }
    let trials = rules::all().into_iter().map(|rule| Trial::test(rule.id, move || holds(rule)));
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn corpus(rule: &Rule) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    std::fs::read_to_string(folder.join(format!("{}.py", rule.id))).ok()
}

fn row(rule: &'static Rule) -> String {
    let score = score(rule, &corpus(rule).unwrap_or_default(), &mut String::new());
    let percent = |part: usize, rest: usize| 100.0 * part as f64 / (part + rest).max(1) as f64;
    format!(
        "{:8}{:28}{:>6}{:>7}{:>10.1}%{:>8.1}%{}",
        rule.id,
        rule.name,
        score.true_cases,
        score.false_cases,
        percent(score.right, score.wrong),
        percent(score.right, score.missed),
        if rule.is_default { "" } else { "  not by default" },
    )
}

fn holds(rule: &'static Rule) -> Result<(), Failed> {
    let text = corpus(rule).ok_or("there is no corpus")?;
    let mut faults = String::new();
    let score = score(rule, &text, &mut faults);
    if score.true_cases < LEAST || score.false_cases < LEAST {
        writeln!(faults, "{} true and {} false cases, not {LEAST} of each", score.true_cases, score.false_cases)?;
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}

fn score(rule: &'static Rule, text: &str, faults: &mut String) -> Score {
    let mut score = Score::default();
    for case in cases(text) {
        let expected: BTreeSet<u32> = marked(&case.code, rule);
        if expected.is_empty() {
            score.false_cases += 1
        } else {
            score.true_cases += 1
        }
        let mut say = |what: String| writeln!(faults, "{} {:?}: {what}", rule.id, case.title).unwrap();
        let report = report(rule, &case.code, case.target);
        if !report.faults.is_empty() {
            say(format!("is not Python: {:?}", report.faults));
        }
        let found: BTreeSet<u32> = report.findings.iter().map(|finding| finding.start.line).collect();
        score.right += found.intersection(&expected).count();
        for line in found.difference(&expected) {
            score.wrong += 1;
            say(format!("line {line} is reported: {}", report.source.line(*line)));
        }
        for line in expected.difference(&found) {
            score.missed += 1;
            say(format!("line {line} is not reported: {}", report.source.line(*line)));
        }
        if let Err(why) = fixed_as_expected(rule, &case, &report) {
            say(why);
        }
    }
    score
}

fn report(rule: &'static Rule, code: &str, target: PythonVersion) -> FileReport {
    let settings = Settings { target, syntax: target, rules: vec![rule] };
    let files = vec![("case.py".to_owned(), code.as_bytes().to_vec())];
    check_all(files, &settings, &|| {}).reports.remove(0).unwrap()
}

/// Fixes all that can be fixed, round by round.
fn fixed_as_expected(rule: &'static Rule, case: &Case, report: &FileReport) -> Result<(), String> {
    let fixes: Vec<_> = report.findings.iter().filter_map(|finding| finding.fix.as_ref()).collect();
    let Some((safety, expected)) = &case.fixed else {
        return if fixes.is_empty() {
            Ok(())
        } else {
            Err(format!("has a fix that the case does not tell: {fixes:?}"))
        };
    };
    if *safety == Safety::Unsafe && fixes.iter().all(|fix| fix.safety == Safety::Safe) {
        return Err("its fix is a safe one".into());
    }
    let mut text = case.code.clone();
    for _ in 0..5 {
        let now = self::report(rule, &text, case.target);
        match apply(&now.source, &now.findings, *safety, case.target) {
            Some(fixed) => text = fixed.text,
            None => break,
        }
    }
    if text.trim_end() == expected.trim_end() {
        Ok(())
    } else {
        Err(format!("is fixed to\n{text}\nand not to\n{expected}"))
    }
}

/// Lines that end with the id of the rule.
fn marked(code: &str, rule: &Rule) -> BTreeSet<u32> {
    let lines = code.lines().enumerate();
    lines
        .filter(|(_, line)| line.trim_end().ends_with(&format!("# {}", rule.id)))
        .map(|(at, _)| at as u32 + 1)
        .collect()
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut in_fixed = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("# --- ") {
            let target = PythonVersion::PY313;
            cases.push(Case { title: title.to_owned(), code: String::new(), fixed: None, target });
            in_fixed = false;
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if let Some(safety) = line.strip_prefix("# +++ fixed, ") {
            let safety = if safety == "safe" { Safety::Safe } else { Safety::Unsafe };
            case.fixed = Some((safety, String::new()));
            in_fixed = true;
        } else if let Some(version) = line.strip_prefix("# target: 3.") {
            case.target = PythonVersion { major: 3, minor: version.parse().unwrap() };
        } else {
            let text = if in_fixed { &mut case.fixed.as_mut().unwrap().1 } else { &mut case.code };
            text.push_str(line);
            text.push('\n');
        }
    }
    cases
}
