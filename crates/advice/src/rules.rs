//! The rules, a file for each small family.

use crate::rule::Rule;

mod ask;
mod caches;
mod consumers;
mod copies;
mod dead;
mod dumps;
mod exceptions;
mod files;
mod for_ever;
mod growing;
mod lines;
mod listeners;
mod numbers;
mod once;
mod per_call;
mod places;
mod rebuilt;
mod records;
mod shared;
mod slots;
mod tables;

/// All rules, in the order of their ids.
pub fn all() -> Vec<&'static Rule> {
    let families = [
        caches::RULES,
        consumers::RULES,
        copies::RULES,
        dumps::RULES,
        dead::RULES,
        exceptions::RULES,
        files::RULES,
        for_ever::RULES,
        growing::RULES,
        listeners::RULES,
        numbers::RULES,
        once::RULES,
        per_call::RULES,
        rebuilt::RULES,
        records::RULES,
        shared::RULES,
        slots::RULES,
        tables::RULES,
    ];
    let mut rules: Vec<&'static Rule> = families.concat();
    rules.sort_by_key(|rule| rule.id);
    rules
}

/// Those that are looked for unless others are asked for.
pub fn defaults() -> Vec<&'static Rule> {
    all().into_iter().filter(|rule| rule.is_default).collect()
}

/// A rule by its id or its name.
pub fn find(text: &str) -> Option<&'static Rule> {
    all().into_iter().find(|rule| rule.id.eq_ignore_ascii_case(text) || rule.name == text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_and_names_are_their_own_and_pages_are_written() {
        let rules = super::all();
        for (at, rule) in rules.iter().enumerate() {
            assert!(rule.id.len() == 5 && rule.id.starts_with("MS"), "{}", rule.id);
            assert!(
                rules[..at].iter().all(|other| other.id != rule.id && other.name != rule.name),
                "{} twice",
                rule.id
            );
            let page = &rule.page;
            assert!(
                ![page.why, page.bad, page.good, page.figures].contains(&"") && !page.unless.is_empty(),
                "{}",
                rule.id
            );
        }
    }
}
