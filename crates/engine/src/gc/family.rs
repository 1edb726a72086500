//! The processes that were forked from one and share its memory.

use memsight_analysis::gc::Family;
use memsight_target::{Process, figures};

use crate::Error;

/// Children that are looked at; more tell nothing new.
const MOST: usize = 256;

/// The forked children of a process. A child that started another program has other mappings and is no copy; with its
/// addresses where the parent's are, it is one.
///
/// Cost: a read of every process's `stat`, and of the maps and `smaps_rollup` of each child.
pub fn family(pid: u32) -> Result<Family, Error> {
    let own = layout(pid);
    let mut family = Family::default();
    let children = figures::parents()?.into_iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| child);
    let is_of_a_look = |child: &u32| figures::stat_of(*child).is_some_and(|stat| figures::is_of_a_look(*child, &stat));
    for child in children.filter(|child| !is_of_a_look(child)).take(MOST) {
        let rollup = figures::Handle::open(child).and_then(|child| child.rollup());
        // A child that ends meanwhile, or may not be read, is left out.
        let (Ok(rollup), true) = (rollup, own.is_some() && layout(child) == own) else { continue };
        family.children += 1;
        family.rss_bytes += rollup.rss_bytes;
        family.private_bytes += rollup.private_dirty_bytes;
        family.shared_bytes += rollup.shared_clean_bytes + rollup.shared_dirty_bytes;
    }
    Ok(family)
}

/// Where the program and its first library lie: random for each start of a program, the same after a fork.
fn layout(pid: u32) -> Option<Vec<(u64, u64)>> {
    let maps = Process::open(pid).ok()?.maps().ok()?;
    let files = maps.iter().filter(|region| region.inode != 0 && region.offset == 0);
    let places: Vec<(u64, u64)> = files.map(|region| (region.start.0, region.inode)).take(4).collect();
    (!places.is_empty()).then_some(places)
}
