//! Which service a process belongs to.

use std::str::FromStr;

use memsight_target::figures::Handle;
use regex_lite::Regex;

use super::capped;
use super::naming::own_name;

/// Characters of a command line that patterns see.
const COMMAND_CAP: usize = 4096;

/// `NAME=REGEX`: processes whose command line matches belong to the service NAME.
#[derive(Debug, Clone)]
pub struct ServicePattern {
    name: String,
    regex: Regex,
}

/// Why a text is no [`ServicePattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPattern {
    /// No `=`, or nothing before it.
    #[error("write NAME=REGEX")]
    NoName,
    /// Not a regular expression.
    #[error("{reason}")]
    Regex {
        /// What is wrong with it.
        reason: String,
    },
}

impl FromStr for ServicePattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let (name, regex) = text.split_once('=').ok_or(BadPattern::NoName)?;
        let name = capped(name);
        if name.is_empty() || regex.is_empty() {
            return Err(BadPattern::NoName);
        }
        let regex = Regex::new(regex).map_err(|error| BadPattern::Regex { reason: error.to_string() })?;
        Ok(ServicePattern { name, regex })
    }
}

/// How services are found.
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// The variable of a process's environment that names its service; empty: none is read.
    pub variable: String,
    /// Patterns over the command line; the first that matches wins, and wins over the variable.
    pub patterns: Vec<ServicePattern>,
}

impl Services {
    /// The service of a process in `container`: by the operator's patterns, else by its variable, else the name that it
    /// has anyway. Empty only when it is gone. Cost: two or three reads of `/proc`.
    pub(super) fn of(&self, process: &Handle, container: &str) -> String {
        let told = self.by_command(process).or_else(|| self.by_variable(process));
        told.unwrap_or_else(|| capped(&own_name(process, container)))
    }

    fn by_command(&self, process: &Handle) -> Option<String> {
        if self.patterns.is_empty() {
            return None;
        }
        let words = process.command().ok()?;
        let line = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let line: String = line.chars().take(COMMAND_CAP).collect();
        self.named_by(&line)
    }

    fn named_by(&self, command: &str) -> Option<String> {
        let found = self.patterns.iter().find(|pattern| pattern.regex.is_match(command));
        found.map(|pattern| pattern.name.clone())
    }

    fn by_variable(&self, process: &Handle) -> Option<String> {
        if self.variable.is_empty() {
            return None;
        }
        let value = process.variable(&self.variable).ok()??;
        Some(capped(&value.to_string_lossy())).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_matches_names_the_service() {
        let patterns = ["web=gunicorn .*shop", "worker=celery"].map(|text| text.parse().expect("a pattern")).into();
        let services = Services { variable: String::new(), patterns };
        assert_eq!(services.named_by("python -m gunicorn shop.wsgi celery"), Some("web".into()));
        assert_eq!(services.named_by("celery -A shop"), Some("worker".into()));
        assert_eq!(services.named_by("bash"), None);
    }

    #[test]
    fn bad_patterns_say_why() {
        assert_eq!("gunicorn".parse::<ServicePattern>().err(), Some(BadPattern::NoName));
        assert_eq!("=x".parse::<ServicePattern>().err(), Some(BadPattern::NoName));
        assert!(matches!("a=(".parse::<ServicePattern>(), Err(BadPattern::Regex { .. })));
    }
}
