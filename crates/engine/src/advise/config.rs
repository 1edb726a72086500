//! `[tool.memsight]` of `pyproject.toml`, or `memsight.toml`: read into types; what has no meaning is an error with its line.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memsight_format::regular;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::SettingsError;
use super::patterns::Pattern;
use super::{python, select};

/// Settings are written by hand.
const LARGEST: u64 = 4 << 20;

/// What a file of settings says.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// Rules to look for; none: those that are on by default.
    pub(super) select: Option<Vec<String>>,
    /// Rules to look for besides.
    pub(super) extend_select: Vec<String>,
    /// Rules to leave out.
    pub(super) ignore: Vec<String>,
    /// Rules to leave out of some files.
    pub(super) per_file_ignores: Vec<(Pattern, Vec<String>)>,
    /// Files and folders that are left out; none: those that memsight leaves out.
    pub(super) exclude: Option<Vec<Pattern>>,
    /// Files and folders that are left out besides.
    pub(super) extend_exclude: Vec<Pattern>,
    /// The oldest Python that the program runs on.
    pub(super) target: Option<u8>,
    /// Findings that ruff reports as well are left to it.
    pub(super) skip_ruff: bool,
}

/// What a `pyproject.toml` or `memsight.toml` has for us.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Our settings.
    pub(super) config: Option<Config>,
    /// The oldest Python of `[project] requires-python`.
    pub(super) requires: Option<u8>,
}

const KEYS: [&str; 8] =
    ["select", "extend-select", "ignore", "per-file-ignores", "exclude", "extend-exclude", "target-version", "skip"];

/// Reads a file of settings whose patterns begin at `folder`. A `pyproject.toml` that is no TOML is another tool's business
/// unless it speaks of us.
pub(super) fn read(path: &Path, folder: &Path) -> Result<Found, SettingsError> {
    let unreadable = |source| SettingsError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    regular::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).map_err(unreadable)?;
    let is_project = path.file_name().is_some_and(|name| name == "pyproject.toml");
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if is_project && !speaks_of_us(&String::from_utf8_lossy(error.as_bytes())) => {
            return Ok(Found::default());
        }
        Err(error) => return Err(unreadable(std::io::Error::other(error.utf8_error()))),
    };
    let reading = Reading { path, folder, text: &text };
    let root = match DeTable::parse(&text) {
        Ok(root) => root,
        Err(_) if is_project && !speaks_of_us(&text) => return Ok(Found::default()),
        Err(error) => {
            let reason = error.message().lines().next().unwrap_or_default().to_owned();
            return Err(reading.fault(error.span().unwrap_or_default(), reason, "It is not TOML.".to_owned()));
        }
    };
    let root = root.get_ref();
    if !is_project {
        return Ok(Found { config: Some(reading.settings(root)?), requires: None });
    }
    let ours = root.get("tool").and_then(|tool| tool.get_ref().as_table()).and_then(|tool| tool.get("memsight"));
    let config = match ours {
        Some(value) => Some(reading.settings(reading.table(value, "[tool.memsight]")?)?),
        None => None,
    };
    let requires = root.get("project").and_then(|project| project.get_ref().as_table()?.get("requires-python"));
    let requires = match requires.and_then(|value| Some((value.get_ref().as_str()?, value.span()))) {
        None => None,
        Some((text, span)) => match python::oldest(text) {
            Ok(minor) => Some(minor),
            // Whoever says a target needs no other.
            Err(_) if config.as_ref().is_none_or(|config| config.target.is_some()) => None,
            Err(reason) => {
                let hint = "Write requires-python = \">=3.9\", or target-version under [tool.memsight].".to_owned();
                return Err(reading.fault(span, format!("requires-python: {reason}"), hint));
            }
        },
    };
    Ok(Found { config, requires })
}

fn speaks_of_us(text: &str) -> bool {
    text.contains("tool.memsight")
}

type Value<'t> = Spanned<DeValue<'t>>;

/// A file that is being read.
struct Reading<'t> {
    path: &'t Path,
    folder: &'t Path,
    text: &'t str,
}

impl<'t> Reading<'t> {
    fn settings(&self, table: &DeTable<'t>) -> Result<Config, SettingsError> {
        let mut config = Config::default();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "select" => config.select = Some(self.rules(value, "select")?),
                "extend-select" => config.extend_select = self.rules(value, "extend-select")?,
                "ignore" => config.ignore = self.rules(value, "ignore")?,
                "per-file-ignores" => config.per_file_ignores = self.per_file(value)?,
                "exclude" => config.exclude = Some(self.patterns(value, "exclude")?),
                "extend-exclude" => config.extend_exclude = self.patterns(value, "extend-exclude")?,
                "target-version" => config.target = Some(self.version(value)?),
                "skip" => config.skip_ruff = self.skip(value)?,
                other => return Err(self.unknown(key.span(), other)),
            }
        }
        Ok(config)
    }

    fn rules(&self, value: &Value<'t>, key: &str) -> Result<Vec<String>, SettingsError> {
        let texts = self.texts(value, key, "[\"MS1\", \"whole-lines\"]")?;
        for (text, span) in &texts {
            if !select::is_known(text) {
                let hint = "`memsight advise --rules` lists all of them.".to_owned();
                return Err(self.fault(span.clone(), format!("{key}: there is no rule \"{text}\""), hint));
            }
        }
        Ok(texts.into_iter().map(|(text, _)| text).collect())
    }

    fn per_file(&self, value: &Value<'t>) -> Result<Vec<(Pattern, Vec<String>)>, SettingsError> {
        let table = self.table(value, "per-file-ignores")?;
        let entry = |(key, value): (&Spanned<std::borrow::Cow<'t, str>>, &Value<'t>)| {
            let text = key.get_ref().as_ref();
            Ok((self.pattern(text, key.span())?, self.rules(value, &format!("per-file-ignores.\"{text}\""))?))
        };
        table.iter().map(entry).collect()
    }

    fn patterns(&self, value: &Value<'t>, key: &str) -> Result<Vec<Pattern>, SettingsError> {
        let texts = self.texts(value, key, "[\"generated\", \"*_pb2.py\"]")?;
        texts.into_iter().map(|(text, span)| self.pattern(&text, span)).collect()
    }

    fn pattern(&self, text: &str, span: Range<usize>) -> Result<Pattern, SettingsError> {
        Pattern::new(text, self.folder).map_err(|reason| {
            let hint = "Such as \"generated\", \"*_pb2.py\" or \"src/vendor/**\".".to_owned();
            self.fault(span, format!("\"{text}\" is no pattern of files: {reason}"), hint)
        })
    }

    fn version(&self, value: &Value<'t>) -> Result<u8, SettingsError> {
        value.get_ref().as_str().and_then(python::minor_of).ok_or_else(|| {
            let reason = "target-version is no Python that is known".to_owned();
            self.fault(value.span(), reason, "Write target-version = \"3.9\", from 3.8 to 3.15.".to_owned())
        })
    }

    fn skip(&self, value: &Value<'t>) -> Result<bool, SettingsError> {
        match value.get_ref().as_str() {
            Some("ruff") => Ok(true),
            _ => Err(self.fault(
                value.span(),
                "skip knows \"ruff\" alone".to_owned(),
                "Write skip = \"ruff\", or leave it out.".to_owned(),
            )),
        }
    }

    /// A list of texts with their places.
    fn texts(&self, value: &Value<'t>, key: &str, such: &str) -> Result<Vec<(String, Range<usize>)>, SettingsError> {
        let wrong = |span| self.fault(span, format!("{key} is no list of texts"), format!("Write {key} = {such}."));
        let DeValue::Array(list) = value.get_ref() else { return Err(wrong(value.span())) };
        let text = |value: &Value<'t>| {
            value.get_ref().as_str().map(|text| (text.to_owned(), value.span())).ok_or_else(|| wrong(value.span()))
        };
        list.iter().map(text).collect()
    }

    fn table<'v>(&self, value: &'v Value<'t>, what: &str) -> Result<&'v DeTable<'t>, SettingsError> {
        value.get_ref().as_table().ok_or_else(|| {
            self.fault(
                value.span(),
                format!("{what} is no table"),
                "docs/reference/advise-config.md shows all settings.".to_owned(),
            )
        })
    }

    fn unknown(&self, span: Range<usize>, key: &str) -> SettingsError {
        let hint = match key {
            "extend-ignore" => "Write ignore, which adds to nothing and leaves out.".to_owned(),
            "per_file_ignores" | "extend_select" | "extend_exclude" | "target_version" => {
                format!("Write {}.", key.replace('_', "-"))
            }
            _ => format!("There are {}.", KEYS.join(", ")),
        };
        self.fault(span, format!("there is no setting \"{key}\""), hint)
    }

    fn fault(&self, span: Range<usize>, reason: String, hint: String) -> SettingsError {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX);
        SettingsError::Wrong { path: PathBuf::from(self.path), line, reason, hint }
    }
}
