//! A copy of the folder of a program, to run it in.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use memsight_model::Progress;

use crate::Error;
use crate::error::VerifyError;

/// What says that a folder is that of a project.
const MARKS: [&str; 6] = [".git", ".hg", "pyproject.toml", "setup.py", "setup.cfg", "memsight.toml"];
/// What a program does not run on: histories, and what tools have kept.
const LEFT_OUT: [&str; 8] =
    [".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"];
/// Environments of others: the copy has a link to them.
const LINKED: [&str; 3] = [".tox", ".nox", "node_modules"];
/// A folder with more is not meant to be copied some ten times; a gigabyte takes some seconds a copy.
const MOST_BYTES: u64 = 2 << 30;
const MOST_FILES: u64 = 200_000;

/// The folder of the project that `folder` is in: the nearest one above it with a history or a build file, else itself.
pub(super) fn root_of(folder: &Path) -> PathBuf {
    let is_root = |folder: &&Path| MARKS.iter().any(|mark| folder.join(mark).exists());
    folder.ancestors().find(is_root).unwrap_or(folder).to_owned()
}

/// What of a folder is copied.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// Where files are copied from: the folder, or a copy of it that nobody changes.
    from: PathBuf,
    /// Relative to the root, folders before what is in them.
    entries: Vec<(PathBuf, Kind)>,
}

#[derive(Debug)]
enum Kind {
    Folder,
    File,
    /// A link, and where to.
    Link(PathBuf),
}

impl Tree {
    /// Lists a folder. Named pipes, sockets and what may not be read is left out.
    pub fn of(root: &Path, progress: &dyn Progress) -> Result<Tree, Error> {
        let mut tree = Tree { root: root.to_owned(), from: root.to_owned(), entries: Vec::new() };
        let (mut bytes, mut files) = (0_u64, 0_u64);
        let mut left = vec![PathBuf::new()];
        while let Some(folder) = left.pop() {
            let Ok(listing) = std::fs::read_dir(root.join(&folder)) else { continue };
            for entry in listing.flatten() {
                if progress.cancelled() {
                    return Err(Error::Cancelled);
                }
                let path = folder.join(entry.file_name());
                let Some(kind) = tree.kind(&path) else { continue };
                match kind {
                    Kind::Folder => left.push(path.clone()),
                    Kind::File => bytes += entry.metadata().map_or(0, |about| about.len()),
                    Kind::Link(_) => {}
                }
                files += 1;
                if bytes > MOST_BYTES || files > MOST_FILES {
                    return Err(VerifyError::TooLarge { root: root.to_owned(), bytes, files }.into());
                }
                tree.entries.push((path, kind));
            }
        }
        Ok(tree)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Copies it to `to`, from where it is copied from then on: the person may go on working in the folder.
    pub fn kept(mut self, to: &Path, progress: &dyn Progress) -> Result<Tree, Error> {
        self.copy(to, progress)?;
        self.from = to.to_owned();
        Ok(self)
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let whole = self.root.join(path);
        let about = whole.symlink_metadata().ok()?;
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if about.is_symlink() {
            return std::fs::read_link(&whole).ok().map(Kind::Link);
        }
        if about.is_dir() {
            return match () {
                () if LEFT_OUT.contains(&name) => None,
                () if LINKED.contains(&name) || whole.join("pyvenv.cfg").exists() => Some(Kind::Link(whole)),
                () => Some(Kind::Folder),
            };
        }
        about.is_file().then_some(Kind::File)
    }

    /// Copies it to `to`, which is made. The blocks of files are shared where the file system can do that.
    pub fn copy(&self, to: &Path, progress: &dyn Progress) -> Result<Place, Error> {
        let place = Place { root: self.root.clone(), copy: to.to_owned(), ahead: Vec::new() };
        let failed = |path: &Path, source| VerifyError::NoCopy { path: path.to_owned(), source };
        std::fs::create_dir_all(to).map_err(|source| failed(to, source))?;
        for (path, kind) in &self.entries {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let (from, to) = (self.from.join(path), to.join(path));
            let done = match kind {
                Kind::Folder => std::fs::create_dir(&to),
                Kind::File => match std::fs::copy(&from, &to) {
                    // what this user may not read the command cannot read either; what is gone was not needed
                    Err(error)
                        if matches!(
                            error.kind(),
                            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::NotFound
                        ) =>
                    {
                        Ok(())
                    }
                    done => done.map(drop),
                },
                // a link within the folder leads to what is in the copy
                Kind::Link(target) if self.root.join(path) == *target => std::os::unix::fs::symlink(target, &to),
                Kind::Link(target) => std::os::unix::fs::symlink(place.inside(target), &to),
            };
            done.map_err(|source| failed(&from, source))?;
        }
        Ok(place)
    }
}

/// A copy of a folder.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder.
    pub root: PathBuf,
    /// Its copy.
    pub copy: PathBuf,
    /// Folders of the copy that Python is to look into first, relative to it.
    pub ahead: Vec<PathBuf>,
}

impl Place {
    /// Where a path of the folder is in the copy; others as they are.
    pub fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).map_or_else(|_| path.to_owned(), |rest| self.copy.join(rest))
    }

    /// An argument or a list of paths, with the folder's name made that of the copy wherever a path begins.
    pub fn inside_text(&self, text: &OsStr) -> OsString {
        let (root, copy) = (self.root.as_os_str().as_bytes(), self.copy.as_os_str().as_bytes());
        let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
        while at < bytes.len() {
            let begins = at == 0 || matches!(bytes[at - 1], b'=' | b':' | b',');
            let rest = &bytes[at..];
            let ends = |after: Option<&u8>| after.is_none_or(|&byte| matches!(byte, b'/' | b':' | b','));
            if begins && rest.starts_with(root) && ends(rest.get(root.len())) {
                out.extend_from_slice(copy);
                at += root.len();
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        OsString::from_vec(out)
    }

    /// What a program wrote, as if it had run in the folder itself.
    pub fn outside(&self, written: &[u8]) -> Vec<u8> {
        let (copy, root) = (self.copy.as_os_str().as_bytes(), self.root.as_os_str().as_bytes());
        let (mut out, mut at) = (Vec::with_capacity(written.len()), 0);
        while at < written.len() {
            if written[at] == copy[0] && written[at..].starts_with(copy) {
                out.extend_from_slice(root);
                at += copy.len();
            } else {
                out.push(written[at]);
                at += 1;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memsight_model::Quiet;

    fn place() -> Place {
        Place { root: "/srv/shop".into(), copy: "/tmp/x/0001/shop".into(), ahead: Vec::new() }
    }

    #[test]
    fn paths_of_the_folder_are_those_of_the_copy() {
        let text = |text: &str| place().inside_text(OsStr::new(text)).into_string().unwrap();
        assert_eq!(text("/srv/shop/a.log"), "/tmp/x/0001/shop/a.log");
        assert_eq!(text("--in=/srv/shop"), "--in=/tmp/x/0001/shop");
        assert_eq!(text("/srv/shop/src:/opt/lib:/srv/shop"), "/tmp/x/0001/shop/src:/opt/lib:/tmp/x/0001/shop");
        for other in ["/srv/shopping/a", "x/srv/shop/a", "a.log", "/srv", ""] {
            assert_eq!(text(other), other);
        }
        assert_eq!(place().outside(b"File \"/tmp/x/0001/shop/a.py\", line 1"), b"File \"/srv/shop/a.py\", line 1");
    }

    #[test]
    fn a_copy_has_what_a_program_runs_on_and_shares_nothing() {
        let base = tempfile::tempdir().unwrap();
        let (root, to) = (base.path().join("shop"), base.path().join("copy"));
        for folder in ["src/deep", ".git", "env/bin", "src/__pycache__"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["src/deep/a.py", "pyproject.toml", ".git/HEAD", "env/pyvenv.cfg", "src/__pycache__/a.pyc"] {
            std::fs::write(root.join(file), "one").unwrap();
        }
        std::os::unix::fs::symlink(root.join("src"), root.join("absolute")).unwrap();
        std::os::unix::fs::symlink("src/deep", root.join("relative")).unwrap();
        let place = Tree::of(&root, &Quiet).unwrap().copy(&to, &Quiet).unwrap();
        std::fs::write(to.join("absolute/deep/a.py"), "two").unwrap();
        let text = |path: PathBuf| std::fs::read_to_string(path).unwrap();
        assert_eq!((text(root.join("src/deep/a.py")), text(to.join("relative/a.py"))), ("one".into(), "two".into()));
        assert_eq!(std::fs::read_link(to.join("env")).unwrap(), root.join("env"));
        assert!(!to.join(".git").exists() && !to.join("src/__pycache__").exists());
        assert_eq!(place.inside(&root.join("src")), to.join("src"));
        assert_eq!(root_of(&root.join("src/deep")), root);
    }
}
