//! What several looks at a process agree on.
//!
//! One look can be wrong: a thread that was stopped in the middle of its work has taken a reference that it has not
//! counted yet, or counted one that it has not written yet. Such a thing is gone at the next look, or is about another
//! object. What two looks find of the same object, while no thread was at work, is so.

use memsight_model::{Mode, Snapshot};

use super::RefcountsView;
use super::audit::{Account, Audit};
use crate::{Analysis, AnalysisError};

/// Looks after which what was found has to do.
const MOST_LOOKS: u32 = 4;
/// Looks without a thread at work that make what is missing sure.
const FREE_LOOKS: u32 = 2;

/// An object, as another look finds it again: its address and that of its type.
type Identity = (u64, u64);

/// What all looks at a process have found, for the next one to agree with.
#[derive(Debug, Default)]
pub struct Agreement {
    looks: u32,
    /// Looks at which no thread was at work.
    free: u32,
    /// Every look held still.
    live: bool,
    /// References missing from each object, as few as any look has found; ascending.
    missing: Vec<(Identity, u64)>,
    /// References left over, likewise, and those of them that nothing explains.
    surplus: Vec<(Identity, (u64, u64))>,
    /// Another look could tell more.
    open: bool,
}

impl Agreement {
    /// Adds a look: what it finds that those before it have found as well.
    ///
    /// # Errors
    /// Those of [`Analysis::refcounts`].
    pub fn look(&mut self, analysis: &Analysis<'_>, top: usize) -> Result<RefcountsView, AnalysisError> {
        let snapshot = analysis.snapshot;
        let mut audit = analysis.audit()?;
        if self.looks > 0 {
            self.restrict(snapshot, &mut audit);
        }
        let manifest = &snapshot.manifest;
        self.live |= manifest.mode == Mode::Live;
        self.looks += 1;
        self.free += u32::from(!manifest.gil_held && !self.live);
        let identified = |account: &Account| identity(snapshot, account);
        self.missing = audit.deficits.iter().map(|account| (identified(account), account.surplus)).collect();
        self.surplus =
            audit.surplus.iter().map(|account| (identified(account), (account.surplus, account.unexplained))).collect();
        let unsettled = !self.missing.is_empty() && !self.is_sure();
        let in_flux = self.looks == 1 && manifest.gil_held && !self.surplus.is_empty();
        self.open = self.looks < MOST_LOOKS && (unsettled || in_flux) && !snapshot.holders.is_empty();
        Ok(analysis.refcounts_of(&audit, self, top))
    }

    /// Whether another look at the process would tell more.
    pub fn wants_another(&self) -> bool {
        self.open
    }

    /// Looks that were made.
    pub(super) fn looks(&self) -> u32 {
        self.looks
    }

    /// Whether what is missing is missing for sure.
    pub(super) fn is_sure(&self) -> bool {
        self.free >= FREE_LOOKS
    }

    /// Why what is missing is not sure.
    pub(super) fn doubt(&self) -> Option<String> {
        if self.is_sure() {
            return None;
        }
        Some(if self.live {
            "the memory was read while the process ran on".to_owned()
        } else if self.looks == 1 {
            "it is what one look found: a thread may have been about to count a reference, or to let go of one"
                .to_owned()
        } else {
            let busy = self.looks - self.free;
            format!("a thread was in the middle of Python code at {busy} of {} looks", self.looks)
        })
    }

    /// Leaves of an audit what the looks before it have found, too. Objects stand in order of address in both.
    fn restrict(&self, snapshot: &Snapshot, audit: &mut Audit) {
        audit.deficits.retain_mut(|account| {
            let before = find(&self.missing, identity(snapshot, account)).unwrap_or(0);
            account.surplus = account.surplus.min(before);
            account.unexplained = account.surplus;
            account.surplus > 0
        });
        audit.surplus.retain_mut(|account| {
            let (surplus, unexplained) = find(&self.surplus, identity(snapshot, account)).unwrap_or((0, 0));
            account.surplus = account.surplus.min(surplus);
            account.unexplained = account.unexplained.min(unexplained);
            account.surplus > 0
        });
    }
}

fn identity(snapshot: &Snapshot, account: &Account) -> Identity {
    let class = snapshot.type_of(account.object).map_or(0, |record| record.address.0);
    (snapshot.objects.addresses.get(account.object).0, class)
}

fn find<T: Copy>(sorted: &[(Identity, T)], wanted: Identity) -> Option<T> {
    let row = sorted.binary_search_by_key(&wanted, |(identity, _)| *identity).ok()?;
    Some(sorted[row].1)
}
