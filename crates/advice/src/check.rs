//! All rules over one file, or over all.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::finding::Finding;
use crate::ignore::{Ignore, ignores, keep_back};
use crate::outline::Outline;
use crate::project::Project;
use crate::rule::{Check, Kind, Rule};
use crate::scopes::Semantics;
use crate::source::{NotText, Position, Source};
use crate::syntax::{Parsed, PythonVersion, STACK, Tokens};
use crate::unused;

/// What to look for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The oldest version that the program runs on: what is advised is there.
    pub target: PythonVersion,
    /// The version whose syntax is read; syntax of later ones is a fault.
    pub syntax: PythonVersion,
    /// The rules.
    pub rules: Vec<&'static Rule>,
}

impl Default for Settings {
    /// No rule: advice that holds from 3.10 on, of all syntax.
    fn default() -> Settings {
        Settings { target: PythonVersion::PY310, syntax: PythonVersion::PY315, rules: Vec::new() }
    }
}

/// Something that is not Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxFault {
    /// Where.
    pub at: Position,
    /// What.
    pub message: String,
}

/// What was found in one file.
#[derive(Debug)]
pub struct FileReport {
    /// The file.
    pub source: Source,
    /// In the order of the source.
    pub findings: Vec<Finding>,
    /// Where it is not Python; nothing is advised then.
    pub faults: Vec<SyntaxFault>,
    /// Comments that keep findings back.
    pub ignores: Vec<Ignore>,
    /// What it defines; nothing where it is not Python.
    pub outline: Outline,
    /// What it was looked through for.
    pub rules: Vec<&'static Rule>,
}

/// A file that is to be looked at, and what for.
#[derive(Debug, Clone)]
pub struct Input {
    /// As it is told in findings; each is given once.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// What to look for.
    pub settings: Arc<Settings>,
}

/// A pool whose threads may walk trees.
fn pool() -> Option<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().stack_size(STACK).build().ok()
}

/// A file that was looked at, or its name and why it is no text.
pub type Report = Result<FileReport, (String, NotText)>;

/// What was found in all files, and what they say about each other.
pub struct Checked {
    /// In the order of the files.
    pub reports: Vec<Report>,
    project: Project,
    settings: FxHashMap<String, Arc<Settings>>,
}

/// [`check_each`] with the same settings for all files.
pub fn check_all(files: Vec<(String, Vec<u8>)>, settings: &Settings, advance: &(dyn Fn() + Sync)) -> Checked {
    let settings = Arc::new(settings.clone());
    let input = |(path, bytes)| Input { path, bytes, settings: settings.clone() };
    check_each(files.into_iter().map(input).collect(), advance)
}

/// Looks at files, on all processors: once for what they say about each other, once with each rule.
///
/// `advance` is told of each file that is done, twice.
pub fn check_each(files: Vec<Input>, advance: &(dyn Fn() + Sync)) -> Checked {
    let settings = files.iter().map(|file| (file.path.clone(), file.settings.clone())).collect();
    let run = || {
        let sources: Vec<_> = files
            .into_par_iter()
            .map(|Input { path, bytes, settings }| {
                let source = Source::decode(&path, &bytes).map_err(|why| (path, why));
                let facts = source.as_ref().map(|source| facts(source, &settings)).unwrap_or_default();
                advance();
                (source, facts, settings)
            })
            .collect();
        let mut project = Project::default();
        let mut texts = Vec::with_capacity(sources.len());
        for (source, facts, settings) in sources {
            project.add(facts);
            texts.push((source, settings));
        }
        let one = |(source, settings): (Result<Source, (String, NotText)>, Arc<Settings>)| {
            let report = source.map(|source| check(source, &project, &settings));
            advance();
            report
        };
        let reports = texts.into_par_iter().map(one).collect();
        Checked { reports, project, settings }
    };
    match pool() {
        Some(pool) => pool.install(run),
        None => run(),
    }
}

impl Checked {
    /// Looks at one of the files once more, as it is after a fix: what the other files say about it holds as before.
    ///
    /// A file that was not among them is looked at for nothing.
    pub fn again(&self, path: &str, bytes: &[u8]) -> Report {
        let settings = self.settings.get(path).cloned().unwrap_or_default();
        let look = || {
            let source = Source::decode(path, bytes).map_err(|why| (path.to_owned(), why))?;
            Ok(check(source, &self.project, &settings))
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, look);
            match thread.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(report)) => report,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => look(),
            }
        })
    }
}

fn facts(source: &Source, settings: &Settings) -> Project {
    let parsed = Parsed::of(source.text(), source.dialect(), settings.syntax);
    parsed.tree().map(|tree| Project::of_file(&Semantics::new(tree))).unwrap_or_default()
}

/// Looks at one file. On a thread with [`STACK`].
fn check(source: Source, project: &Project, settings: &Settings) -> FileReport {
    let parsed = Parsed::of(source.text(), source.dialect(), settings.syntax);
    let fault = |error: &crate::syntax::SyntaxError| SyntaxFault {
        at: source.position(error.range.start()),
        message: error.message.clone(),
    };
    let faults: Vec<SyntaxFault> = parsed.errors.iter().map(fault).collect();
    let (mut findings, mut kept_back, mut outline) = (Vec::new(), Vec::new(), Outline::default());
    if let Some((tree, tokens)) = parsed.module().filter(|_| faults.is_empty()) {
        let semantics = Semantics::new(tree);
        kept_back = ignores(&source, tokens);
        outline = Outline::of(&semantics, &source);
        findings = run_rules(&source, tokens, &semantics, project, settings);
        findings.retain(|finding| !source.in_magic(tokens, finding.range));
        findings.sort_by_key(|finding| (finding.range.start(), finding.rule.id));
        findings = keep_back(findings, &mut kept_back);
        findings.extend(unused::findings(&source, &kept_back, &settings.rules));
        findings.sort_by_key(|finding| (finding.range.start(), finding.rule.id));
    }
    FileReport { source, findings, faults, ignores: kept_back, outline, rules: settings.rules.clone() }
}

fn run_rules<'a>(
    source: &'a Source,
    tokens: &'a Tokens,
    semantics: &Semantics<'a>,
    project: &Project,
    settings: &Settings,
) -> Vec<Finding> {
    let mut context = Context::new(source, tokens, semantics, project, settings.target);
    let mut findings = Vec::new();
    let by_kind = by_kind(&settings.rules);
    for rule in &settings.rules {
        for check in rule.checks {
            if let Check::Module(run) = check {
                run(&mut context);
                findings.extend(context.take().map(|report| Finding::new(rule, source, semantics, report)));
            }
        }
    }
    for id in semantics.nodes.all() {
        let Some(kind) = Kind::of(semantics.nodes.node(id)) else { continue };
        for (rule, check) in &by_kind[kind as usize] {
            check.visit(&mut context, id);
            findings.extend(context.take().map(|report| Finding::new(rule, source, semantics, report)));
        }
    }
    findings
}

fn by_kind(rules: &[&'static Rule]) -> [Vec<(&'static Rule, Check)>; Kind::COUNT] {
    let mut by_kind: [Vec<(&'static Rule, Check)>; Kind::COUNT] = Default::default();
    for rule in rules {
        for check in rule.checks {
            if let Some(kind) = check.kind() {
                by_kind[kind as usize].push((rule, *check));
            }
        }
    }
    by_kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_files_say_holds_in_later_rounds() {
        let built =
            b"def _rows(log):\n    rows = []\n    for line in log:\n        rows.append(line)\n    return rows\n\n\
                      for row in _rows(log):\n    pass\n";
        let other = b"from built import _rows\nprint(len(_rows(log)))\n";
        let rules = crate::rules::find("MS104").into_iter().collect();
        let settings = Settings { target: PythonVersion::PY313, syntax: PythonVersion::PY313, rules };
        let file = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
        let found = |report: &Report| report.as_ref().map_or(0, |report| report.findings.len());
        let alone = check_all(vec![file("built.py", built)], &settings, &|| {});
        assert_eq!((found(&alone.reports[0]), found(&alone.again("built.py", built))), (1, 1));
        let both = check_all(vec![file("built.py", built), file("other.py", other)], &settings, &|| {});
        assert_eq!((found(&both.reports[0]), found(&both.again("built.py", built))), (0, 0));
    }
}
