//! Where the files of a process's group are: `/proc/PID/cgroup` gives the group's path, `/proc/self/mountinfo` where
//! the hierarchy is mounted. Both are written from the view of our control-group namespace (cgroup_namespaces(7)):
//! what lies outside of it begins with `/..`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use super::super::field::words;
use super::files::Group;
use super::{Container, Version, below};
use crate::error::TargetError;

/// The group of a process on the system at `root`.
pub(super) fn container(root: &Path, pid: u32) -> Result<Option<Container>, TargetError> {
    let what = "cgroup";
    let own = match std::fs::read(root.join(format!("proc/{pid}/cgroup"))) {
        Ok(text) => text,
        Err(error) => return missing(root, pid, error, what),
    };
    let Some((version, path)) = controller(&own) else { return Ok(None) };
    let mounts = std::fs::read(root.join("proc/self/mountinfo"))
        .map_err(|source| TargetError::Machine { what: "/proc/self/mountinfo", source })?;
    let found = mounts.split(|&byte| byte == b'\n').filter_map(|line| mount(line, version)).find_map(|mount| {
        let inside = inside(&path, &mount.shows)?;
        let at = below(root, &mount.at);
        at.join(&inside).is_dir().then(|| groups(&at, &inside))
    });
    let Some(groups) = found else {
        // mounted for us, but no longer there
        let gone = path.as_os_str().as_bytes().ends_with(b" (deleted)");
        let path = path.to_string_lossy().into_owned();
        return if gone { Err(TargetError::NoGroup { path }) } else { Ok(None) };
    };
    Ok(charged(version, groups))
}

/// What it means that a process has no such file.
fn missing(root: &Path, pid: u32, source: io::Error, what: &'static str) -> Result<Option<Container>, TargetError> {
    match source.raw_os_error() {
        // a kernel without control groups has no such file for anyone
        Some(libc::ENOENT) if root.join(format!("proc/{pid}")).exists() => Ok(None),
        Some(libc::ENOENT | libc::ESRCH) => Err(TargetError::NoSuchProcess { pid }),
        _ => Err(TargetError::Io { pid, what, source }),
    }
}

/// The version that has the memory controller, and the group's path in it. Lines: `id:controllers:path`, version 2 with
/// the id 0 and no controllers.
fn controller(text: &[u8]) -> Option<(Version, PathBuf)> {
    let lines = || {
        text.split(|&byte| byte == b'\n').filter_map(|line| {
            let mut fields = line.splitn(3, |&byte| byte == b':');
            Some((fields.next()?, fields.next()?, Path::new(OsStr::from_bytes(fields.next()?))))
        })
    };
    let is_memory = |controllers: &[u8]| controllers.split(|&byte| byte == b',').any(|name| name == b"memory");
    let first = lines().find(|(_, controllers, _)| is_memory(controllers));
    let second = || lines().find(|(id, controllers, _)| *id == b"0" && controllers.is_empty());
    match first {
        Some((_, _, path)) => Some((Version::V1, path.to_owned())),
        None => second().map(|(_, _, path)| (Version::V2, path.to_owned())),
    }
}

/// A mount of the hierarchy.
struct Mount {
    /// The group that it shows as its root.
    shows: PathBuf,
    /// Where.
    at: PathBuf,
}

/// `id parent device shows at options tags... - type source options` (proc_pid_mountinfo(5)), if it is of the version.
fn mount(line: &[u8], version: Version) -> Option<Mount> {
    let mut fields = words(line);
    let shows = unescape(fields.nth(3)?);
    let at = unescape(fields.next()?);
    fields.find(|field| *field == b"-")?;
    let (kind, options) = (fields.next()?, fields.nth(1)?);
    let wanted = match version {
        Version::V1 => kind == b"cgroup" && options.split(|&byte| byte == b',').any(|option| option == b"memory"),
        Version::V2 => kind == b"cgroup2",
    };
    wanted.then(|| Mount { shows: shows.into(), at: at.into() })
}

/// The path of a group below the group that a mount shows; `None` when it is not below, or by names that we cannot see.
fn inside(path: &Path, shows: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix(shows).ok()?;
    rest.components().all(|part| matches!(part, Component::Normal(_))).then(|| rest.to_owned())
}

/// The group and all above it, down to the mount.
fn groups(at: &Path, inside: &Path) -> Vec<Group> {
    let named = |below: &Path| Group {
        directory: at.join(below),
        path: Path::new("/").join(below).to_string_lossy().into_owned(),
    };
    inside.ancestors().map(named).collect()
}

/// The group that the memory is charged to: the innermost that has the controller.
fn charged(version: Version, mut groups: Vec<Group>) -> Option<Container> {
    let charges = |group: &Group| match version {
        // the root of the machine is no container; only it has this file
        Version::V1 => group.has("memory.usage_in_bytes") && !group.has("release_agent"),
        Version::V2 => group.has("memory.current"),
    };
    let first = groups.iter().position(charges)?;
    groups.drain(..first);
    Some(Container { version, groups })
}

/// A field of mountinfo, where blanks and the like are written as `\040`.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let octal = |digits: &[u8]| digits.iter().all(|digit| (b'0'..=b'7').contains(digit));
        match after.split_at_checked(3) {
            Some((digits, after)) if first == b'\\' && octal(digits) => {
                bytes.push(digits.iter().fold(0_u8, |sum, digit| sum.wrapping_mul(8).wrapping_add(digit - b'0')));
                rest = after;
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_with_the_memory_controller_is_taken() {
        let hybrid = b"9:name=systemd:/s\n4:cpu,memory:/one:two\n0::/three\n";
        assert_eq!(controller(hybrid), Some((Version::V1, "/one:two".into())));
        assert_eq!(controller(b"9:name=memory:/s\n0::/three\n"), Some((Version::V2, "/three".into())));
        assert_eq!(controller(b"nonsense\n1:\n"), None);
    }

    #[test]
    fn groups_outside_the_mount_are_not_looked_for() {
        let inside = |path: &str, shows: &str| inside(Path::new(path), Path::new(shows));
        assert_eq!(inside("/a/b", "/"), Some("a/b".into()));
        assert_eq!(inside("/docker/x", "/docker/x"), Some("".into()));
        assert_eq!(inside("/docker/xy", "/docker/x"), None);
        assert_eq!(inside("/../other", "/"), None);
        assert_eq!(inside("/../other", "/.."), Some("other".into()));
        assert_eq!(inside("/", "/.."), None);
    }

    #[test]
    fn blanks_in_mount_points() {
        assert_eq!(unescape(b"/a\\040b\\134c\\9"), OsStr::new("/a b\\c\\9"));
        assert_eq!(unescape(b"\\04"), OsStr::new("\\04"));
        let line = b"41 31 0:38 / /sys/fs\\040x rw shared:1 - cgroup2 none rw";
        assert_eq!(mount(line, Version::V2).map(|mount| mount.at), Some("/sys/fs x".into()));
        assert!(mount(line, Version::V1).is_none());
        assert!(mount(b"35 31 0:32 / /m rw - cgroup c rw,memory_x", Version::V1).is_none());
        assert!(mount(b"35 31 0:32 / /m rw - cgroup", Version::V1).is_none());
    }
}
