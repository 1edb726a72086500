//! Which rules are looked for in a file.

use memsight_advice::{Needs, Rule, rules};

use super::AdviseOptions;
use super::config::Config;
use crate::Error;

/// The word for all rules, as ruff has it.
const ALL: &str = "ALL";

/// How closely a text names a rule: the letters of its id that it gives; none where it names others.
fn closeness(rule: &Rule, text: &str) -> Option<usize> {
    if text == ALL {
        return Some(1);
    }
    if rule.name == text {
        return Some(rule.id.len());
    }
    let begins = rule.id.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text));
    (text.len() >= 2 && begins).then_some(text.len())
}

/// Whether a text names any rule.
pub(super) fn is_known(text: &str) -> bool {
    rules::all().iter().any(|rule| closeness(rule, text).is_some())
}

/// An error where the person named a rule that is not there.
pub(super) fn are_known<'t>(texts: impl Iterator<Item = &'t String>) -> Result<(), Error> {
    for text in texts {
        if !is_known(text) {
            return Err(Error::NoSuchRule { text: text.clone() });
        }
    }
    Ok(())
}

/// The ids of the rules that are meant.
///
/// # Errors
/// [`Error::NoSuchRule`].
pub(crate) fn meant(texts: &[String]) -> Result<Vec<&'static str>, Error> {
    are_known(texts.iter())?;
    let mut rules = rules::all();
    rules.retain(|rule| texts.iter().any(|text| closeness(rule, text).is_some()));
    Ok(rules.into_iter().map(|rule| rule.id).collect())
}

/// The rules for a file; `ignored` are those that settings leave out of it.
///
/// Of select and ignore the one counts that names the rule more closely, and of two alike the latter. What the command line
/// selects stands in place of what settings select and ignore for all files.
pub(super) fn rules_for(options: &AdviseOptions, config: &Config, ignored: &[&String]) -> Vec<&'static Rule> {
    let anew = options.all || !options.select.is_empty();
    let (extended, left_out): (&[String], &[String]) =
        if anew { (&[], &[]) } else { (&config.extend_select, &config.ignore) };
    let select = if anew { Some(options.select.as_slice()) } else { config.select.as_deref() };
    let best = |rule: &Rule, lists: &[&[String]]| {
        lists.iter().flat_map(|list| list.iter()).filter_map(|text| closeness(rule, text)).max()
    };
    let chosen = |rule: &Rule| {
        let besides = best(rule, &[&options.habits.extend_select]);
        // The command line first: what it leaves out stays out, unless it asks for it more closely itself.
        let asked = best(rule, &[&options.select]).max(besides);
        let is_out = best(rule, &[&options.ignore]).is_some_and(|no| asked.is_none_or(|yes| yes <= no));
        if is_out || ignored.iter().any(|text| closeness(rule, text).is_some()) {
            return false;
        }
        let by_word = best(rule, &[select.unwrap_or_default(), extended]).max(besides);
        let by_itself = options.all || select.is_none() && (rule.is_default || options.evidence.answers(rule.needs));
        let wanted = by_word.or(by_itself.then_some(0));
        // What it asks for besides stands before what settings leave out, if it is as close.
        let unwanted = best(rule, &[left_out]).filter(|no| besides.is_none_or(|yes| yes < *no));
        wanted.is_some_and(|wanted| unwanted.is_none_or(|unwanted| wanted > unwanted))
    };
    let mut rules = rules::all();
    rules.retain(|rule| chosen(rule));
    rules
}

/// How many rules would be looked for if there were evidence. Nobody who has named rules is told of others.
pub(super) fn wanting(options: &AdviseOptions) -> u64 {
    let is_wanting =
        |rule: &&Rule| !rule.is_default && rule.needs != Needs::Source && !options.evidence.answers(rule.needs);
    match options.select.is_empty() && !options.all {
        true => rules::all().into_iter().filter(is_wanting).count() as u64,
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(options: &AdviseOptions, config: &Config, ignored: &[&str]) -> Vec<&'static str> {
        let ignored: Vec<String> = ignored.iter().map(|text| (*text).to_owned()).collect();
        rules_for(options, config, &ignored.iter().collect::<Vec<_>>()).iter().map(|rule| rule.id).collect()
    }

    fn words(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_closer_word_counts_and_the_command_line_before_settings() {
        let mut config = Config { select: Some(words(&["MS1"])), ignore: words(&["MS105"]), ..Config::default() };
        let mut options = AdviseOptions::default();
        assert!(!ids(&options, &config, &[]).contains(&"MS105") && ids(&options, &config, &[]).contains(&"MS101"));
        config.ignore = words(&["MS1"]);
        config.select = Some(words(&["whole-lines", "MS2"]));
        assert!(ids(&options, &config, &[]).contains(&"MS105") && !ids(&options, &config, &[]).contains(&"MS101"));
        assert!(!ids(&options, &config, &["MS105"]).contains(&"MS105"));
        config.extend_select = words(&["MS301"]);
        assert!(ids(&options, &config, &[]).contains(&"MS301"));
        config.ignore = words(&["MS301"]);
        assert!(!ids(&options, &config, &[]).contains(&"MS301"));
        options.habits.extend_select = words(&["MS301"]);
        assert!(ids(&options, &config, &[]).contains(&"MS301"));
        options.ignore = words(&["MS"]);
        assert_eq!(ids(&options, &config, &[]), ["MS301"], "it asks for it more closely");
        options.habits.extend_select.clear();
        assert!(ids(&options, &config, &[]).is_empty(), "settings do not stand against it");
        options.ignore.clear();
        options.select = words(&["ms101"]);
        assert_eq!(ids(&options, &config, &[]), ["MS101"]);
        let all = AdviseOptions { all: true, ..AdviseOptions::default() };
        assert_eq!(ids(&all, &config, &[]).len(), rules::all().len());
        assert!(is_known("ALL") && is_known("MS") && is_known("whole-lines") && !is_known("M") && !is_known("MS9"));
    }
}
