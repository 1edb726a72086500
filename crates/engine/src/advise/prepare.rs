//! From settings to what is looked for in each file, and what of it is left out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memsight_advice::{FileReport, Input, PythonVersion, Report, Rule, Settings, also_by_ruff};
use memsight_analysis::advise::AdviceSummary;

use super::AdviseOptions;
use super::baseline::Baseline;
use super::config::Config;
use super::files::Content;
use super::finder::{Finder, Of};
use super::python::KNOWN;
use super::select;
use crate::Error;

/// What holds for a file.
#[derive(Clone)]
struct Held {
    settings: Arc<Settings>,
    skip_ruff: bool,
}

/// What holds for each file of a run.
pub(super) struct Prepare {
    held: HashMap<PathBuf, Held>,
    baseline: Option<Baseline>,
    writes: bool,
}

/// The oldest Python that advice is for where nobody says one.
const TARGET: u8 = 10;

impl Prepare {
    pub(super) fn new(options: &AdviseOptions, finder: &Finder, contents: &[Content]) -> Result<Prepare, Error> {
        // Most files share their settings.
        let mut made: HashMap<(*const Config, Vec<usize>, Option<u8>), Held> = HashMap::new();
        let mut held = HashMap::with_capacity(contents.len());
        for content in contents {
            let of = finder.of(content.absolute.parent().unwrap_or(Path::new("/")))?;
            let ignores: Vec<usize> = (0..of.config.per_file_ignores.len())
                .filter(|at| of.config.per_file_ignores[*at].0.matches(&content.absolute))
                .collect();
            let key = (Arc::as_ptr(&of.config), ignores, of.requires);
            let one = made.entry(key).or_insert_with_key(|(_, ignores, _)| hold(options, &of, ignores));
            held.insert(content.absolute.clone(), one.clone());
        }
        let baseline = Baseline::read(&options.habits)?;
        Ok(Prepare { held, baseline, writes: options.habits.write_baseline })
    }

    /// A file with its settings.
    pub(super) fn input(&self, content: Content) -> Input {
        let settings = self.held.get(&content.absolute).map(|held| held.settings.clone()).unwrap_or_default();
        Input { path: content.name, bytes: content.bytes, settings }
    }

    /// The syntax that a file may have after a fix.
    pub(super) fn syntax_of(&self, content: &Content) -> PythonVersion {
        self.held.get(&content.absolute).map_or_else(|| Settings::default().syntax, |held| held.settings.syntax)
    }

    /// Takes out the findings that are left to ruff or are in the baseline, and counts them.
    pub(super) fn leave_out(&self, report: &mut FileReport, content: &Content, summary: &mut AdviceSummary) {
        if let Some(baseline) = self.baseline.as_ref().filter(|_| !self.writes) {
            summary.in_baseline += baseline.keep_back(report, &content.absolute);
        }
        if self.held.get(&content.absolute).is_some_and(|held| held.skip_ruff) {
            let before = report.findings.len();
            let source = &report.source;
            report.findings.retain(|finding| also_by_ruff(source, finding).is_none());
            summary.left_to_ruff += (before - report.findings.len()) as u64;
        }
    }

    /// Writes the baseline, where that is asked for; gives how many findings it has.
    pub(super) fn write_baseline(&self, reports: &[Report], contents: &[Content]) -> Result<Option<u64>, Error> {
        let Some(baseline) = self.baseline.as_ref().filter(|_| self.writes) else { return Ok(None) };
        let looked_at: Vec<(&FileReport, PathBuf)> = reports
            .iter()
            .zip(contents)
            .filter_map(|(report, content)| Some((report.as_ref().ok()?, content.absolute.clone())))
            .collect();
        Ok(Some(baseline.write(&looked_at)?))
    }
}

fn hold(options: &AdviseOptions, of: &Of, ignores: &[usize]) -> Held {
    let ignored: Vec<&String> = ignores.iter().flat_map(|at| &of.config.per_file_ignores[*at].1).collect();
    let rules: Vec<&'static Rule> = select::rules_for(options, &of.config, &ignored);
    // Whoever names a version means its syntax as well; `requires-python` is about what is installed.
    let said = options.target_minor.or(of.config.target);
    let target = said.or(of.requires).unwrap_or(TARGET);
    let version = |minor| PythonVersion { major: 3, minor };
    let settings = Settings { target: version(target), syntax: version(said.unwrap_or(*KNOWN.end())), rules };
    Held { settings: Arc::new(settings), skip_ruff: of.config.skip_ruff }
}
