//! The memory controller of version 1.

use memsight_model::ContainerSample;

use super::files::{Group, entry};
use super::{spare, tightest};
use crate::error::TargetError;

/// "No limit" is the largest number of bytes in whole pages, which depends on the page; nobody has a machine of this size.
const NO_LIMIT: u64 = 1 << 60;

pub(super) fn sample(group: &Group, groups: &[Group]) -> Result<ContainerSample, TargetError> {
    let usage_bytes = group.needed("memory.usage_in_bytes")?;
    let stat = group.text("memory.stat");
    let (limit_bytes, limit_path) = limit(groups, &stat).unzip();
    // usage of memory and swap together, less memory: swap
    let with_swap = group.number("memory.memsw.usage_in_bytes");
    let swap = with_swap.map(|both| both.saturating_sub(usage_bytes)).or_else(|| entry(&stat, "total_swap"));
    let both_limit = entry(&stat, "hierarchical_memsw_limit").filter(|&limit| limit < NO_LIMIT);
    let working_set_bytes = less_inactive(usage_bytes, &stat);
    // the limit may be of a group above those that we see
    let unseen = limit_bytes.map(|limit| limit.saturating_sub(working_set_bytes));
    Ok(ContainerSample {
        version: 1,
        path: group.path.clone(),
        usage_bytes,
        limit_bytes,
        limit_path: limit_path.flatten(),
        spare_bytes: spare(groups, own_limit, working_set).into_iter().chain(unseen).min(),
        peak_bytes: group.number("memory.max_usage_in_bytes"),
        high_bytes: None,
        working_set_bytes,
        anon_bytes: entry(&stat, "total_rss"),
        file_bytes: entry(&stat, "total_cache"),
        swap_bytes: swap,
        swap_limit_bytes: both_limit.zip(limit_bytes).map(|(both, memory)| both.saturating_sub(memory)),
        oom: None,
        oom_kill: entry(&group.text("memory.oom_control"), "oom_kill"),
        max_events: group.number("memory.failcnt"),
        pressure: None,
    })
}

/// The tightest limit, and the group that has it if we can see it: the kernel tells of limits above what is mounted too.
fn limit(groups: &[Group], stat: &[u8]) -> Option<(u64, Option<String>)> {
    match entry(stat, "hierarchical_memory_limit") {
        Some(limit) if limit >= NO_LIMIT => None,
        Some(limit) => {
            let group = groups.iter().find(|group| own_limit(group) == Some(limit));
            Some((limit, group.map(|group| group.path.clone())))
        }
        None => tightest(groups, own_limit).map(|(limit, path)| (limit, Some(path))),
    }
}

fn own_limit(group: &Group) -> Option<u64> {
    group.number("memory.limit_in_bytes").filter(|&limit| limit < NO_LIMIT)
}

fn working_set(group: &Group) -> Option<u64> {
    Some(less_inactive(group.number("memory.usage_in_bytes")?, &group.text("memory.stat")))
}

/// As the kubelet counts it: page cache that was not used lately is given back first.
fn less_inactive(usage: u64, stat: &[u8]) -> u64 {
    usage.saturating_sub(entry(stat, "total_inactive_file").unwrap_or(0))
}
