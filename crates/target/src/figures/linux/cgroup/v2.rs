//! The memory controller of version 2.

use memsight_model::ContainerSample;

use super::super::pressure;
use super::files::{Group, entry};
use super::{spare, tightest};
use crate::error::TargetError;

pub(super) fn sample(group: &Group, groups: &[Group]) -> Result<ContainerSample, TargetError> {
    let usage_bytes = group.needed("memory.current")?;
    let stat = group.text("memory.stat");
    let events = group.text("memory.events");
    let (limit_bytes, limit_path) = tightest(groups, own_limit).unzip();
    Ok(ContainerSample {
        version: 2,
        path: group.path.clone(),
        usage_bytes,
        limit_bytes,
        limit_path,
        spare_bytes: spare(groups, own_limit, working_set),
        peak_bytes: group.number("memory.peak"),
        high_bytes: tightest(groups, |group| group.number("memory.high")).map(|(high, _)| high),
        working_set_bytes: less_inactive(usage_bytes, &stat),
        anon_bytes: entry(&stat, "anon"),
        file_bytes: entry(&stat, "file"),
        swap_bytes: group.number("memory.swap.current"),
        swap_limit_bytes: tightest(groups, |group| group.number("memory.swap.max")).map(|(limit, _)| limit),
        oom: entry(&events, "oom"),
        oom_kill: entry(&events, "oom_kill"),
        max_events: entry(&events, "max"),
        pressure: pressure::of(&group.directory.join("memory.pressure")).unwrap_or_default(),
    })
}

fn own_limit(group: &Group) -> Option<u64> {
    group.number("memory.max")
}

fn working_set(group: &Group) -> Option<u64> {
    Some(less_inactive(group.number("memory.current")?, &group.text("memory.stat")))
}

/// As the kubelet counts it: page cache that was not used lately is given back first.
fn less_inactive(usage: u64, stat: &[u8]) -> u64 {
    usage.saturating_sub(entry(stat, "inactive_file").unwrap_or(0))
}
