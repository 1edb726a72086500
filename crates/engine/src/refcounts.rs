//! The audit of reference counts: as many looks at the process as it takes to be sure.

use memsight_analysis::Analysis;
use memsight_analysis::refcounts::{Agreement, RefcountsView};
use memsight_model::Progress;
use memsight_target::TargetError;

use crate::{Error, LookOptions, look};

/// Reference counts of a running process against the references found. Where a look finds references missing, or a thread
/// at work, others follow, and what all of them found of the same objects is told.
///
/// Cost: one look to four, each analysed; one snapshot at a time is in memory.
pub fn refcounts(pid: u32, options: &LookOptions, top: usize, progress: &dyn Progress) -> Result<RefcountsView, Error> {
    let options = LookOptions { holders: true, ..*options };
    let mut agreement = Agreement::default();
    let mut before: Option<RefcountsView> = None;
    loop {
        let snapshot = match (look(pid, &options, progress), before) {
            (Ok(snapshot), _) => snapshot,
            // It has ended meanwhile: what the looks before say is all there will ever be.
            (Err(Error::Target(TargetError::TargetExited { .. })), Some(view)) => return Ok(view),
            (Err(error), _) => return Err(error),
        };
        let view = agreement.look(&Analysis::new(&snapshot, progress), top)?;
        if !agreement.wants_another() {
            return Ok(view);
        }
        before = Some(view);
    }
}
