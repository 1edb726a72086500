//! Findings of source held against what a program did: a trace of its allocations, its heap.
//!
//! ```text
//! reports of files ──> code (is it the code that ran?) ──> trace: bytes at the peak ──┐
//!                                                     └──> heap: bytes now ───────────┴──> rows, ranked
//! ```

mod code;
mod heap;
mod rank;
mod trace;

use std::path::{Path, PathBuf};

use memsight_advice::{Needs, Report};
use memsight_analysis::advise::{AdviceView, EvidenceView};
use memsight_model::Progress;

use super::AdviseOptions;
use crate::{Error, LookOptions};

/// What findings are held against.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// A trace of allocations.
    pub trace: Option<PathBuf>,
    /// The trace was made for this advice, and goes with it: nobody is told its name.
    pub is_own: bool,
    /// Findings in files that the trace has no code of are left out.
    pub only_ran: bool,
    /// A heap: a process by its id, or a file, and how it is looked at.
    pub heap: Option<(String, LookOptions)>,
}

impl Evidence {
    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.trace.is_none() && self.heap.is_none()
    }

    /// Whether it tells what a rule needs to be right.
    pub(super) fn answers(&self, needs: Needs) -> bool {
        match needs {
            Needs::Source => false,
            Needs::Heap => self.heap.is_some(),
            Needs::Trace => self.trace.is_some(),
        }
    }
}

/// What the evidence says of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// It has bytes, or may have.
    Supported,
    /// Nothing is known of it.
    Unknown,
    /// It was not run.
    NotRun,
    /// There is nothing to be saved there.
    Contradicted,
    /// The program did not run the file.
    Elsewhere,
}

/// Holds the rows of `view`, which are those of `reports` in their order, against the evidence. Files that are about to be changed
/// have lines of their own, of which nothing is known.
pub(super) fn join(
    options: &AdviseOptions,
    reports: &[Report],
    changed: &[&Path],
    view: &mut AdviceView,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let reports: Vec<_> = reports.iter().filter_map(|report| report.as_ref().ok()).collect();
    let mut verdicts = vec![Verdict::Unknown; view.findings.len()];
    let mut evidence = EvidenceView::default();
    let subject = trace::Subject { reports: &reports, changed };
    if let Some(path) = &options.evidence.trace {
        evidence.trace = Some(trace::join(
            (path, options.evidence.is_own),
            &subject,
            view,
            &mut verdicts,
            &mut evidence.other_code,
            progress,
        )?);
    }
    if let Some((heap, look)) = &options.evidence.heap {
        let other_code = &mut evidence.other_code;
        evidence.heap = Some(heap::join(heap, look, &subject, view, &mut verdicts, other_code, progress)?);
    }
    view.evidence = Some(evidence);
    rank::rank(options, view, verdicts);
    Ok(())
}
