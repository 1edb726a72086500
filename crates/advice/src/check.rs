//! All rules over one file, or over all.

use rayon::prelude::*;

use crate::context::Context;
use crate::finding::Finding;
use crate::ignore::{Ignore, ignores, keep_back};
use crate::nodes::NodeId;
use crate::project::Project;
use crate::rule::{Check, Rule};
use crate::scopes::Semantics;
use crate::source::{NotText, Position, Source};
use crate::syntax::{AnyNodeRef, Parsed, PythonVersion, STACK, Tokens};

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
    settings: Settings,
}

/// Looks at files, on all processors: once for what they say about each other, once with each rule.
///
/// `advance` is told of each file that is done, twice.
pub fn check_all(files: Vec<(String, Vec<u8>)>, settings: &Settings, advance: &(dyn Fn() + Sync)) -> Checked {
    let run = || {
        let sources: Vec<_> = files
            .into_par_iter()
            .map(|(path, bytes)| {
                let source = Source::decode(&path, &bytes).map_err(|why| (path, why));
                let facts = source.as_ref().map(|source| facts(source, settings)).unwrap_or_default();
                advance();
                (source, facts)
            })
            .collect();
        let mut project = Project::default();
        let mut texts = Vec::with_capacity(sources.len());
        for (source, facts) in sources {
            project.add(facts);
            texts.push(source);
        }
        let one = |source: Result<Source, (String, NotText)>| {
            let report = source.map(|source| check(source, &project, settings));
            advance();
            report
        };
        let reports = texts.into_par_iter().map(one).collect();
        Checked { reports, project, settings: settings.clone() }
    };
    match pool() {
        Some(pool) => pool.install(run),
        None => run(),
    }
}

impl Checked {
    /// Looks at a file once more, as it is after a fix: what the other files say about it holds as before.
    pub fn again(&self, path: &str, bytes: &[u8]) -> Report {
        let look = || {
            let source = Source::decode(path, bytes).map_err(|why| (path.to_owned(), why))?;
            Ok(check(source, &self.project, &self.settings))
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
    let parsed = Parsed::new(source.text(), settings.syntax);
    parsed.tree().map(|tree| Project::of_file(&Semantics::new(tree))).unwrap_or_default()
}

/// Looks at one file. On a thread with [`STACK`].
fn check(source: Source, project: &Project, settings: &Settings) -> FileReport {
    let parsed = Parsed::new(source.text(), settings.syntax);
    let fault = |error: &crate::syntax::SyntaxError| SyntaxFault {
        at: source.position(error.range.start()),
        message: error.message.clone(),
    };
    let faults: Vec<SyntaxFault> = parsed.errors.iter().map(fault).collect();
    let (mut findings, mut kept_back) = (Vec::new(), Vec::new());
    if let Some((tree, tokens)) = parsed.module().filter(|_| faults.is_empty()) {
        let semantics = Semantics::new(tree);
        kept_back = ignores(&source, tokens);
        findings = run_rules(&source, tokens, &semantics, project, settings);
        findings.sort_by_key(|finding| (finding.range.start(), finding.rule.id));
        findings = keep_back(findings, &mut kept_back);
    }
    FileReport { source, findings, faults, ignores: kept_back }
}

fn run_rules<'a>(
    source: &'a Source,
    tokens: &'a Tokens,
    semantics: &Semantics<'a>,
    project: &Project,
    settings: &Settings,
) -> Vec<Finding> {
    let Some(first) = settings.rules.first() else { return Vec::new() };
    let mut context = Context::new(source, tokens, semantics, project, settings.target, first);
    for rule in &settings.rules {
        context.set_rule(rule);
        for check in rule.checks {
            if let Check::Module(run) = check {
                run(&mut context);
            }
        }
    }
    let by_kind = by_kind(&settings.rules);
    for id in semantics.nodes.all() {
        let Some(kind) = kind_of(semantics.nodes.node(id)) else { continue };
        for (rule, check) in &by_kind[kind] {
            context.set_rule(rule);
            visit(&mut context, id, *check);
        }
    }
    context.finish()
}

const KINDS: usize = 11;

/// Most nodes are of no kind that a rule looks at.
fn kind_of(node: AnyNodeRef<'_>) -> Option<usize> {
    Some(match node {
        AnyNodeRef::ExprCall(_) => 0,
        AnyNodeRef::ExprCompare(_) => 1,
        AnyNodeRef::ExprBinOp(_) => 2,
        AnyNodeRef::ExprSubscript(_) => 3,
        AnyNodeRef::StmtFor(_) => 4,
        AnyNodeRef::Comprehension(_) => 5,
        AnyNodeRef::StmtAssign(_) => 6,
        AnyNodeRef::StmtAugAssign(_) => 7,
        AnyNodeRef::ExceptHandlerExceptHandler(_) => 8,
        AnyNodeRef::StmtFunctionDef(_) => 9,
        AnyNodeRef::StmtClassDef(_) => 10,
        _ => return None,
    })
}

fn by_kind(rules: &[&'static Rule]) -> [Vec<(&'static Rule, Check)>; KINDS] {
    let mut by_kind: [Vec<(&'static Rule, Check)>; KINDS] = Default::default();
    for rule in rules {
        for check in rule.checks {
            let kind = match check {
                Check::Call(_) => 0,
                Check::Compare(_) => 1,
                Check::Binary(_) => 2,
                Check::Subscript(_) => 3,
                Check::For(_) => 4,
                Check::Comprehension(_) => 5,
                Check::Assign(_) => 6,
                Check::AugAssign(_) => 7,
                Check::Except(_) => 8,
                Check::Function(_) => 9,
                Check::Class(_) => 10,
                Check::Module(_) => continue,
            };
            by_kind[kind].push((rule, *check));
        }
    }
    by_kind
}

fn visit(context: &mut Context<'_, '_>, id: NodeId, check: Check) {
    match (context.nodes().node(id), check) {
        (AnyNodeRef::ExprCall(node), Check::Call(run)) => run(context, id, node),
        (AnyNodeRef::ExprCompare(node), Check::Compare(run)) => run(context, id, node),
        (AnyNodeRef::ExprBinOp(node), Check::Binary(run)) => run(context, id, node),
        (AnyNodeRef::ExprSubscript(node), Check::Subscript(run)) => run(context, id, node),
        (AnyNodeRef::StmtFor(node), Check::For(run)) => run(context, id, node),
        (AnyNodeRef::Comprehension(node), Check::Comprehension(run)) => run(context, id, node),
        (AnyNodeRef::StmtAssign(node), Check::Assign(run)) => run(context, id, node),
        (AnyNodeRef::StmtAugAssign(node), Check::AugAssign(run)) => run(context, id, node),
        (AnyNodeRef::ExceptHandlerExceptHandler(node), Check::Except(run)) => run(context, id, node),
        (AnyNodeRef::StmtFunctionDef(node), Check::Function(run)) => run(context, id, node),
        (AnyNodeRef::StmtClassDef(node), Check::Class(run)) => run(context, id, node),
        _ => {}
    }
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
