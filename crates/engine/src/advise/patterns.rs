//! Globs of files, as ruff reads them: of a name anywhere, or of a path from the folder of the settings on.

use std::path::Path;

use globset::{Glob, GlobMatcher};

/// A glob. `*` goes over `/` as well.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    name: GlobMatcher,
    path: GlobMatcher,
    /// It began with `!`: what it does not match is meant.
    is_negated: bool,
}

impl Pattern {
    /// A glob that belongs to a folder; `Err` says what is wrong with it.
    pub(super) fn new(text: &str, folder: &Path) -> Result<Pattern, String> {
        let (is_negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let text = text.strip_prefix("./").unwrap_or(text).trim_end_matches('/');
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        let glob =
            |text: &str| Glob::new(text).map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string());
        let path = format!("{}/{text}", globset::escape(&folder.to_string_lossy()).trim_end_matches('/'));
        Ok(Pattern { name: glob(text)?, path: glob(&path)?, is_negated })
    }

    /// Whether it means a file or folder, whose path begins at the root.
    pub(super) fn matches(&self, path: &Path) -> bool {
        let name = path.file_name().is_some_and(|name| self.name.is_match(name));
        (name || self.path.is_match(path)) != self.is_negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_anywhere_or_a_path_from_the_folder_on() {
        let matches =
            |pattern: &str, path: &str| Pattern::new(pattern, Path::new("/p[1]")).unwrap().matches(Path::new(path));
        assert!(matches("vendor", "/p[1]/a/vendor") && matches("vendor/", "/p[1]/vendor"));
        assert!(matches("*_pb2.py", "/p[1]/a/x_pb2.py") && !matches("*_pb2.py", "/p[1]/a/x.py"));
        assert!(matches("tests/*.py", "/p[1]/tests/a/b.py") && !matches("tests/*.py", "/p[1]/src/tests/b.py"));
        assert!(matches("**/tests/*.py", "/p[1]/src/tests/b.py"));
        assert!(matches("!src/**", "/p[1]/tests/b.py") && !matches("!src/**", "/p[1]/src/b.py"));
        assert!(Pattern::new("[", Path::new("/")).is_err() && Pattern::new("", Path::new("/")).is_err());
    }
}
