//! Whether two snapshots can be compared, and by what.

use std::collections::HashMap;

use memsight_model::{Address, RootKind, Snapshot};

use super::view::Basis;
use crate::AnalysisError;

/// Decides the basis, or says why there is none. `runs` allows two processes.
pub(crate) fn basis(before: &Snapshot, after: &Snapshot, runs: bool) -> Result<Basis, AnalysisError> {
    for snapshot in [before, after] {
        if snapshot.references.is_empty() && !snapshot.objects.is_empty() {
            return Err(AnalysisError::NoReferences { created: snapshot.manifest.created.clone() });
        }
    }
    let (a, b) = (&before.manifest, &after.manifest);
    if a.python != b.python {
        return Err(AnalysisError::DifferentPythons { before: a.python.clone(), after: b.python.clone() });
    }
    let modules = Modules::of(before, after);
    match difference(before, after, &modules) {
        None => Ok(Basis::Address),
        Some(_) if runs && modules.is_one_program() => Ok(Basis::Place),
        Some(_) if runs => {
            Err(AnalysisError::DifferentPrograms { shared: modules.shared, all: modules.before.max(modules.after) })
        }
        Some(reason) => Err(AnalysisError::DifferentProcesses { before: a.pid, after: b.pid, reason }),
    }
}

/// What shows that the snapshots are of two processes.
fn difference(before: &Snapshot, after: &Snapshot, modules: &Modules) -> Option<&'static str> {
    let (a, b) = (&before.manifest, &after.manifest);
    match (&a.process, &b.process) {
        _ if a.pid != b.pid => Some("their ids differ"),
        (Some(a), Some(b)) if a.boot_id != b.boot_id => Some("the machine was started anew in between"),
        (Some(a), Some(b)) if a.started_ticks != b.started_ticks => Some("the id was given to another process"),
        // Old snapshots and cores do not say when the process started; but modules do not move.
        _ if modules.in_place * 2 < modules.shared => Some("its modules are at other addresses"),
        _ => None,
    }
}

/// The modules that two snapshots share.
struct Modules {
    before: u64,
    after: u64,
    shared: u64,
    /// Of the shared ones at the same address.
    in_place: u64,
}

impl Modules {
    fn of(before: &Snapshot, after: &Snapshot) -> Modules {
        let (old, new) = (modules(before), modules(after));
        let both = || old.iter().filter_map(|(name, address)| Some((address, new.get(name)?)));
        Modules {
            before: old.len() as u64,
            after: new.len() as u64,
            shared: both().count() as u64,
            in_place: both().filter(|(a, b)| a == b).count() as u64,
        }
    }

    /// Two runs import much the same, whatever one of them has imported on demand.
    fn is_one_program(&self) -> bool {
        self.shared * 3 >= self.before.max(self.after) * 2
    }
}

fn modules(snapshot: &Snapshot) -> HashMap<&str, Address> {
    let roots = snapshot.roots.iter().filter(|root| root.kind == RootKind::Module);
    roots.map(|root| (snapshot.names.get(root.name), snapshot.objects.addresses.get(root.object))).collect()
}
