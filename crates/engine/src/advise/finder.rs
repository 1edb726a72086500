//! Whose settings a file has, and whether they leave it out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::config::{self, Config};
use super::fault::SettingsError;
use super::habits::{Habits, SettingsFrom, here};
use super::patterns::Pattern;

/// Folders that are nobody's own code; named by themselves they are looked through all the same.
const LEFT_OUT: [&str; 12] = [
    "__pypackages__",
    "__pycache__",
    "node_modules",
    "site-packages",
    "dist-packages",
    "venv",
    "build",
    "dist",
    "_build",
    "buck-out",
    "target",
    "vendor",
];

/// Files of settings, in the order in which they count.
const NAMES: [&str; 3] = [".memsight.toml", "memsight.toml", "pyproject.toml"];

/// The settings of a folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Of {
    pub(super) config: Arc<Config>,
    /// The oldest Python of the nearest `requires-python`.
    pub(super) requires: Option<u8>,
}

/// Finds settings, each file of them once.
pub(super) struct Finder {
    /// Settings of all files, where they are not looked for.
    fixed: Option<Of>,
    /// Folders that were looked at.
    known: Mutex<HashMap<PathBuf, Of>>,
    exclude: Option<Vec<Pattern>>,
    extend_exclude: Vec<Pattern>,
}

impl Finder {
    pub(super) fn new(habits: &Habits) -> Result<Finder, SettingsError> {
        let here = here();
        let fixed = match &habits.settings {
            SettingsFrom::Found => None,
            SettingsFrom::Nowhere => Some(Of::default()),
            SettingsFrom::File(path) => {
                let found = config::read(path, &here)?;
                Some(Of { config: Arc::new(found.config.unwrap_or_default()), requires: found.requires })
            }
        };
        let pattern = |text: &String| {
            let wrong = |reason| SettingsError::BadPattern { text: text.clone(), reason };
            Pattern::new(text, &here).map_err(wrong)
        };
        let patterns = |texts: &[String]| texts.iter().map(pattern).collect::<Result<Vec<_>, _>>();
        let exclude = habits.exclude.as_deref().map(patterns).transpose()?;
        let extend_exclude = patterns(&habits.extend_exclude)?;
        Ok(Finder { fixed, known: Mutex::default(), exclude, extend_exclude })
    }

    /// The settings of what is in a folder, whose path begins at the root.
    pub(super) fn of(&self, folder: &Path) -> Result<Of, SettingsError> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.clone());
        }
        // From the folder up to one that is known or the root, and down again.
        let mut unknown = Vec::new();
        let mut of = Of::default();
        for folder in folder.ancestors() {
            if let Some(known) = self.known().get(folder) {
                of = known.clone();
                break;
            }
            unknown.push(folder);
        }
        for folder in unknown.into_iter().rev() {
            of = below(of, folder)?;
            self.known().insert(folder.to_owned(), of.clone());
        }
        Ok(of)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Of>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a file or folder, whose path begins at the root, is left out by a pattern.
    pub(super) fn leaves_out(&self, path: &Path, is_folder: bool) -> Result<bool, SettingsError> {
        let of = self.of(path.parent().unwrap_or(path))?;
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(path));
        let instead = self.exclude.as_deref().or(of.config.exclude.as_deref());
        let left_out = match instead {
            Some(patterns) => any(patterns),
            None => {
                is_folder
                    && path.file_name().and_then(|name| name.to_str()).is_some_and(|name| LEFT_OUT.contains(&name))
            }
        };
        Ok(left_out || any(&of.config.extend_exclude) || any(&self.extend_exclude))
    }

    /// Whether something that was named, or a folder on the way to it from where we are, is left out.
    pub(super) fn leaves_out_named(&self, path: &Path, is_folder: bool, here: &Path) -> Result<bool, SettingsError> {
        let way = path.ancestors().skip(1).take_while(|folder| *folder != here && folder.starts_with(here));
        for folder in way {
            if self.leaves_out(folder, true)? {
                return Ok(true);
            }
        }
        Ok(path != here && self.leaves_out(path, is_folder)?)
    }
}

/// The settings of a folder in one whose settings are known.
fn below(above: Of, folder: &Path) -> Result<Of, SettingsError> {
    let mut of = above;
    let mut has_own = false;
    for name in NAMES {
        let path = folder.join(name);
        if !path.is_file() {
            continue;
        }
        let found = config::read(&path, folder)?;
        if let Some(config) = found.config.filter(|_| !has_own) {
            of.config = Arc::new(config);
            has_own = true;
        }
        of.requires = found.requires.or(of.requires);
    }
    Ok(of)
}
