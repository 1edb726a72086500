//! Rules and types in, the Rust text of a table out.

use anyhow::{Context, Result, bail};

use super::rules::{Rule, Variant};
use super::universe::{ObjectField, Universe};

/// The text of a struct literal `name { field: value, ... }`, with `extra` fields at its end.
pub fn record(universe: &Universe, name: &str, fields: &[(&str, Rule)], extra: &[(&str, String)]) -> Result<String> {
    let mut lines = Vec::new();
    for (field, rule) in fields {
        let value = value(universe, rule).with_context(|| format!("{name}.{field}"))?;
        lines.push(format!("{field}: {value}"));
    }
    lines.extend(extra.iter().map(|(field, value)| format!("{field}: {value}")));
    Ok(format!("{name} {{ {} }}", lines.join(", ")))
}

/// The text of a slice of `("name", offset)`.
pub fn objects(fields: &[ObjectField]) -> String {
    let items: Vec<String> = fields.iter().map(|(name, offset)| format!("({name:?}, {offset})")).collect();
    format!("&[{}]", items.join(", "))
}

fn value(universe: &Universe, rule: &Rule) -> Result<String> {
    Ok(match rule {
        Rule::At(paths) => offset(universe, paths).with_context(|| format!("none of {paths:?}"))?.to_string(),
        Rule::Maybe(paths) => optional(offset(universe, paths).map(|offset| offset.to_string())),
        Rule::Size(paths) => {
            let place = paths.iter().find_map(|path| universe.find(path));
            universe.size(place.with_context(|| format!("none of {paths:?}"))?.of).to_string()
        }
        Rule::Len(paths) => paths.iter().find_map(|path| universe.array(path)).map_or(0, |(len, _)| len).to_string(),
        Rule::Constant(names, default) => {
            names.iter().find_map(|name| universe.constant(name)).unwrap_or(*default).to_string()
        }
        Rule::Exists(path) => universe.find(path).is_some().to_string(),
        Rule::Bit(path, word) => {
            let place = |path: &str| universe.find(path).with_context(|| format!("no {path}"));
            let (field, word) = (place(path)?, place(word)?);
            (8 * (field.offset - word.offset) + field.bit).to_string()
        }
        Rule::OneOf(variants) => match variants.iter().find_map(|variant| self::variant(universe, variant)) {
            Some(text) => text,
            None => bail!("no variant fits"),
        },
        Rule::Struct(name, fields) => record(universe, name, fields, &[])?,
        Rule::MaybeStruct(name, fields) => optional(record(universe, name, fields, &[]).ok()),
        Rule::Objects(records, without) => {
            let found = records.iter().find_map(|record| universe.records(record).into_iter().next());
            let mut fields = found.map_or_else(Vec::new, |record| universe.object_fields(record));
            fields.retain(|(name, _)| !without.iter().any(|rule| excludes(rule, name)));
            objects(&fields)
        }
    })
}

/// `=name` excludes that name alone, anything else every name that holds it.
fn excludes(rule: &str, name: &str) -> bool {
    match rule.strip_prefix('=') {
        Some(whole) => name == whole,
        None => name.contains(rule),
    }
}

fn offset(universe: &Universe, paths: &[&str]) -> Option<u64> {
    paths.iter().find_map(|path| universe.find(path)).map(|place| place.offset)
}

fn optional(text: Option<String>) -> String {
    text.map_or_else(|| "None".to_owned(), |text| format!("Some({text})"))
}

fn variant(universe: &Universe, variant: &Variant) -> Option<String> {
    let mut named = Vec::new();
    for (name, path) in variant.fields {
        let offset = universe.find(path)?.offset;
        named.push(if name.is_empty() { offset.to_string() } else { format!("{name}: {offset}") });
    }
    let fields = named.join(", ");
    let tuple = variant.fields.iter().all(|(name, _)| name.is_empty());
    Some(if tuple { format!("{}({fields})", variant.name) } else { format!("{} {{ {fields} }}", variant.name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_excludes_by_part_or_whole() {
        assert!(excludes("free", "float_state.free_list"));
        assert!(excludes("=dict", "dict"));
        assert!(!excludes("=dict", "sysdict"));
    }

    #[test]
    fn fields_become_a_slice() {
        assert_eq!(objects(&[("fn".into(), 16), ("args".into(), 24)]), r#"&[("fn", 16), ("args", 24)]"#);
    }
}
