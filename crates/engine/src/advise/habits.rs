//! What a person says of a run of the advisor besides the paths: where settings are, which files are left out, what is known.

use std::path::{Path, PathBuf};

/// Where settings are read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SettingsFrom {
    /// `memsight.toml` or `[tool.memsight]` of `pyproject.toml`, of each file's own folder or the nearest above it.
    #[default]
    Found,
    /// This file, for all.
    File(PathBuf),
    /// None.
    Nowhere,
}

/// The habits of linters.
#[derive(Debug, Clone, Default)]
pub struct Habits {
    /// Where settings are read from.
    pub settings: SettingsFrom,
    /// Rules to look for besides, by id, name, or the beginning of an id.
    pub extend_select: Vec<String>,
    /// Files and folders that are left out, by globs, in place of those that settings or memsight name.
    pub exclude: Option<Vec<String>>,
    /// Those that are left out besides.
    pub extend_exclude: Vec<String>,
    /// Files that are named on the command line are left out as well where a glob says so.
    pub force_exclude: bool,
    /// What the standard input is called, for its settings and its findings.
    pub stdin_filename: Option<PathBuf>,
    /// Findings that are known already.
    pub baseline: Option<PathBuf>,
    /// The baseline is written and not obeyed.
    pub write_baseline: bool,
}

/// A path from the root on. Links are not followed: settings are looked for where a file was named.
pub(super) fn absolute(path: &Path) -> PathBuf {
    without_dots(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// The folder that relative paths begin at.
pub(super) fn here() -> PathBuf {
    absolute(Path::new("."))
}

/// `a/./b/../c` as `a/c`.
fn without_dots(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// The way from a folder to a path, both from the root on; with `/` between its parts.
pub(super) fn relative(path: &Path, folder: &Path) -> String {
    let same = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    let up = folder.components().skip(same).map(|_| "..".to_owned());
    let down = path.components().skip(same).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_found() {
        let way = |path: &str, folder: &str| relative(Path::new(path), Path::new(folder));
        assert_eq!(way("/a/b/c.py", "/a"), "b/c.py");
        assert_eq!(way("/a/b/c.py", "/a/d"), "../b/c.py");
        assert_eq!(without_dots(Path::new("/a/./b/../c/")), Path::new("/a/c"));
    }
}
