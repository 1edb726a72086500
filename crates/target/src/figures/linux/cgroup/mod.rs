//! The memory controller of a process's control group, of either version (Documentation/admin-guide/cgroup-v2.rst,
//! cgroup-v1/memory.rst).

mod files;
mod locate;
mod v1;
mod v2;

use std::path::{Path, PathBuf};

use memsight_model::ContainerSample;

use crate::error::TargetError;

use files::Group;

/// The control group that a process's memory is charged to. It stays the same group when the process moves on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    version: Version,
    /// The group and those above it that we can see, the innermost first. Never empty.
    groups: Vec<Group>,
}

/// Which memory controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Container {
    /// The group of process `pid`; `None` where there is no memory controller, the process is charged to the machine's root
    /// group, or its group lies outside what is mounted for us. On a hybrid system it is the version that has the memory
    /// controller. Cost: two files of `/proc` and some looks at the file system, 100 µs.
    pub fn of(pid: u32) -> Result<Option<Container>, TargetError> {
        Container::of_below(Path::new("/"), pid)
    }

    /// The same of a system whose root is mounted at `root`, such as `/host` in a container that watches its host.
    pub fn of_below(root: &Path, pid: u32) -> Result<Option<Container>, TargetError> {
        locate::container(root, pid)
    }

    /// Its path below the mount of the controller.
    pub fn path(&self) -> &str {
        self.groups.first().map_or("/", |group| &group.path)
    }

    /// The figures now. A figure that this kernel does not have is `None`. Fails with [`TargetError::NoGroup`] when the
    /// group is gone. Cost: about ten small files, 100 µs; some of them make the kernel gather counts of every CPU.
    pub fn sample(&self) -> Result<ContainerSample, TargetError> {
        let Some(group) = self.groups.first() else {
            return Err(TargetError::NoGroup { path: String::new() });
        };
        match self.version {
            Version::V1 => v1::sample(group, &self.groups),
            Version::V2 => v2::sample(group, &self.groups),
        }
    }

    /// How many more processes and threads the groups may have (`pids.max`, `pids.current`); `None` where nothing limits them,
    /// or the controller is mounted elsewhere (version 1). Cost: two small files for each group.
    pub fn spare_processes(&self) -> Option<u64> {
        let left = |group: &Group| Some(group.number("pids.max")?.saturating_sub(group.number("pids.current")?));
        self.groups.iter().filter_map(left).min()
    }
}

/// The smallest of a figure that a group and those above it may have, and the path of the group that has it; the innermost
/// when several have.
fn tightest(groups: &[Group], limit: impl Fn(&Group) -> Option<u64>) -> Option<(u64, String)> {
    let limits = groups.iter().filter_map(|group| Some((limit(group)?, group)));
    limits.min_by_key(|(limit, _)| *limit).map(|(limit, group)| (limit, group.path.clone()))
}

/// The least distance from the working set to the limit.
fn spare(
    groups: &[Group],
    limit: impl Fn(&Group) -> Option<u64>,
    working_set: impl Fn(&Group) -> Option<u64>,
) -> Option<u64> {
    groups.iter().filter_map(|group| Some(limit(group)?.saturating_sub(working_set(group)?))).min()
}

/// `path` below `root` when `path` is absolute.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}
