//! Fixes measured before they are made: the command runs in copies of its folder, as it was and with fixes, in turn.
//!
//! ```text
//! advise::Candidates ──> trial: each fix alone ──> together: all, and those that save ──> changes, view
//!                          run: one run (peak, time, output, trace)     tree: copies
//! ```
//! Nothing of the person's is written here: what is kept is handed back as changes.

mod options;
mod run;
mod together;
mod tree;
mod trial;

use std::path::{Path, PathBuf};
use std::time::Duration;

use memsight_analysis::verify::{Effect, Verdict, VerifiedFix, VerifyView};
use memsight_model::Progress;

use self::run::{Runner, ending};
use self::together::{Kept, settle};
use self::tree::{Place, Tree, root_of};
use self::trial::{Form, Trial};
use crate::Error;
use crate::advise::{AdviseOptions, Advised, Candidates, meant};
use crate::error::VerifyError;

pub use options::{Compare, VerifyOptions};

/// A program with a fix that takes this much longer than without is taken for one that never ends.
const SLOWER: u32 = 20;
/// What it has beside that.
const AT_LEAST: Duration = Duration::from_secs(10);

/// Tries the fixes that `advise` asks for, and keeps those that save memory. The changes are not written.
///
/// Cost: a copy of the folder for each fix and two more; eight runs of the command for each of these, one of them with every
/// allocation recorded, which takes two to ten times as long.
///
/// # Errors
/// Those of [`crate::advise::advise`], and [`VerifyError`].
pub fn verify(advise: &AdviseOptions, options: &VerifyOptions, progress: &dyn Progress) -> Result<Advised, Error> {
    let Some(most) = advise.fix.most() else { return crate::advise::advise(advise, progress) };
    let forced = meant(&options.keep)?;
    let candidates = Candidates::of(advise, most, progress)?;
    let mut view = VerifyView {
        command: options.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        compare: options.compare.name().to_owned(),
        left: candidates.left,
        ..VerifyView::default()
    };
    let mut kept = Vec::new();
    if !candidates.fixes.is_empty() {
        kept = try_all(&candidates, options, &forced, &mut view, progress)?;
    }
    let changes = candidates.changes(&kept);
    view.changed_files = changes.len() as u64;
    let mut whole = candidates.view(&changes, kept.len() as u64);
    whole.verify = Some(view);
    Ok(Advised::new(whole, changes))
}

/// Runs everything; the fixes that are kept, by their places.
fn try_all(
    candidates: &Candidates,
    options: &VerifyOptions,
    forced: &[&str],
    view: &mut VerifyView,
    progress: &dyn Progress,
) -> Result<Vec<usize>, Error> {
    progress.phase("copying the folder", None);
    let root = root(options)?;
    let files = originals(candidates, &root)?;
    let options = &VerifyOptions { folder: real(&options.folder)?, ..options.clone() };
    let tree = Tree::of(&root, progress)?;
    let scratch = tempfile::Builder::new().prefix("memsight-verify-").tempdir();
    let scratch = scratch.map_err(|source| VerifyError::NoCopy { path: std::env::temp_dir(), source })?;
    // (the system may have the folder of temporary files behind a link, and the program would tell of where it leads)
    let base = real(scratch.path())?;
    let tree = tree.kept(&base.join("0000"), progress)?;
    let runner = Runner { options, scratch: &base, limit: options.timeout, progress };
    let mut trial = Trial::new(runner, tree, candidates, files);
    trial.first()?;
    if trial.traces_nothing {
        view.notes.push("no allocations can be recorded of this command: figures of traces are missing".to_owned());
    }
    let alone = trial.alone()?;
    let kept = settle(&mut trial, &alone, forced)?;
    view.runs = trial.runs as u64;
    view.together = kept.together;
    view.fixes = rows(candidates, &alone, &kept, &trial);
    Ok(kept.fixes)
}

/// The folder that is copied.
fn root(options: &VerifyOptions) -> Result<PathBuf, Error> {
    match &options.tree {
        Some(tree) => real(tree),
        None => Ok(root_of(&real(&options.folder)?)),
    }
}

fn real(path: &Path) -> Result<PathBuf, Error> {
    Ok(std::fs::canonicalize(path).map_err(|source| VerifyError::NoCopy { path: path.to_owned(), source })?)
}

/// The real paths of the files with fixes, all of which must be in the folder.
fn originals(candidates: &Candidates, root: &Path) -> Result<Vec<PathBuf>, Error> {
    let one = |fix: &crate::advise::Candidate| {
        let file = real(&fix.path)?;
        match file.starts_with(root) {
            true => Ok(file),
            false => Err(VerifyError::Outside { file, root: root.to_owned() }.into()),
        }
    };
    candidates.fixes.iter().map(one).collect()
}

fn rows(candidates: &Candidates, alone: &[Form], kept: &Kept, trial: &Trial<'_>) -> Vec<VerifiedFix> {
    let one = |(at, fix): (usize, &crate::advise::Candidate)| {
        let form = alone.iter().find(|form| form.fixes == [at]);
        let fault = form.and_then(|form| form.fault.clone());
        let (verdict, reason) = match (&fault, kept.is_kept(at)) {
            (Some(fault), _) => (Verdict::ChangesProgram, fault.clone()),
            (None, true) if kept.forced.contains(&at) => (Verdict::KeptOnRequest, String::new()),
            (None, true) => (Verdict::Kept, kept.why.get(&at).cloned().unwrap_or_default()),
            (None, false) => (kept.verdict(at), kept.why.get(&at).cloned().unwrap_or_else(|| trial.why_nothing(at))),
        };
        let effect = form.filter(|_| fault.is_none()).and_then(|form| Effect::of(&trial.base.samples, &form.samples));
        VerifiedFix {
            rule: fix.row.rule.clone(),
            name: fix.row.name.clone(),
            file: fix.row.file.clone(),
            line: fix.row.line,
            safety: fix.row.fix.as_ref().map(|fix| fix.safety.clone()).unwrap_or_default(),
            saves: fix.row.saves.clone(),
            formula: fix.row.formula.clone(),
            promised_bytes: fix.row.bytes.and_then(|bytes| match fix.row.saves.as_str() {
                "now" => bytes.now,
                "churn" => bytes.churn,
                _ => bytes.peak,
            }),
            effect,
            verdict,
            reason,
        }
    };
    candidates.fixes.iter().enumerate().map(one).collect()
}
