//! Findings as SARIF 2.1.0: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.
//!
//! Lines and columns count from 1 on, columns in code points (`columnKind`); the end is the column behind the last one. Lines of
//! a cell of a notebook are no lines of its file: such results have a logical location, and no region and no fix.

use memsight_analysis::advise::{AdviceRow, AdviceView, EditRow, FaultRow, FixRow, RulePage, RulesView};
use memsight_model::Severity;
use serde_json::{Value, json};

use crate::advised::{file_from, place, sentences, what};

/// Where the pages of rules are.
const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/rules");

/// The log, with the rules that there are; files begin at `here`.
pub fn advise(view: &AdviceView, rules: &RulesView, here: Option<&str>) -> String {
    let results: Vec<Value> = view.findings.iter().map(|row| result(row, rules, here)).collect();
    let faults: Vec<Value> = view.faults.iter().map(|row| notification(row, here)).collect();
    crate::json(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "memsight",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.rules.iter().map(rule).collect::<Vec<Value>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": faults}],
            "results": results,
        }],
    }))
}

fn rule(rule: &RulePage) -> Value {
    let unless: String = rule.unless.iter().map(|text| format!("- {text}\n")).collect();
    let text = format!("{}\n\nMeasured: {}", rule.why, rule.figures);
    let markdown = format!(
        "{}\n\n```python\n{}\n```\n\nneeds less as\n\n```python\n{}\n```\n\nNot when\n\n{unless}\n{}",
        rule.why, rule.bad, rule.good, rule.figures
    );
    json!({
        "id": rule.rule,
        "name": rule.name,
        "shortDescription": {"text": first_upper(&rule.summary)},
        "fullDescription": {"text": rule.why},
        "help": {"text": text, "markdown": markdown},
        "helpUri": format!("{PAGES}/{}.md", rule.rule),
        "defaultConfiguration": {"enabled": rule.is_default, "level": if rule.technique == "upkeep" { "note" } else { "warning" }},
        "properties": {"tags": ["memory", rule.technique], "needs": rule.needs},
    })
}

fn result(row: &AdviceRow, rules: &RulesView, here: Option<&str>) -> Value {
    let level = match row.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let index = rules.rules.iter().position(|rule| rule.rule == row.rule);
    let mut out = json!({
        "ruleId": row.rule,
        "level": level,
        "message": {"text": sentences(row)},
        "locations": [location(row, here)],
        "partialFingerprints": {"memsight/v1": row.fingerprint},
        "properties": {"confidence": row.confidence, "saves": row.saves, "bytes": row.bytes, "formula": row.formula},
    });
    if let Some(index) = index {
        out["ruleIndex"] = index.into();
    }
    if let Some(fix) = row.fix.as_ref().filter(|_| row.cell.is_none()) {
        out["fixes"] = json!([self::fix(row, fix, here)]);
    }
    out
}

fn location(row: &AdviceRow, here: Option<&str>) -> Value {
    let mut out = json!({"physicalLocation": {"artifactLocation": artifact(&row.file, here)}});
    if row.cell.is_none() {
        out["physicalLocation"]["region"] = region(row.line, row.column, row.end_line, row.end_column);
    }
    let mut logical = Vec::new();
    if row.cell.is_some() {
        logical.push(json!({"name": place(row.cell, row.line, row.column), "kind": "cell"}));
    }
    if let Some((_, name)) =
        (!row.function.is_empty()).then(|| row.function.rsplit_once('.').unwrap_or(("", &row.function)))
    {
        logical.push(json!({"name": name, "fullyQualifiedName": row.function}));
    }
    if !logical.is_empty() {
        out["logicalLocations"] = logical.into();
    }
    out
}

fn fix(row: &AdviceRow, fix: &FixRow, here: Option<&str>) -> Value {
    let replacement = |edit: &EditRow| {
        json!({
            "deletedRegion": region(edit.line, edit.column, edit.end_line, edit.end_column),
            "insertedContent": {"text": edit.text},
        })
    };
    let text = format!("{} ({} fix)", row.advice, fix.safety);
    json!({
        "description": {"text": text},
        "artifactChanges": [{
            "artifactLocation": artifact(&row.file, here),
            "replacements": fix.edits.iter().map(replacement).collect::<Vec<Value>>(),
        }],
    })
}

fn notification(row: &FaultRow, here: Option<&str>) -> Value {
    let mut place = json!({"artifactLocation": artifact(&row.file, here)});
    if let (None, Some(line), Some(column)) = (row.cell, row.line, row.column) {
        place["region"] = json!({"startLine": line, "startColumn": column});
    }
    json!({
        "level": "error",
        "message": {"text": what(row)},
        "locations": [{"physicalLocation": place}],
    })
}

fn region(line: u32, column: u32, end_line: u32, end_column: u32) -> Value {
    json!({"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column})
}

/// A file: from the root of the sources on, which whoever reads the log knows, or from the root of the disk.
fn artifact(file: &str, here: Option<&str>) -> Value {
    let file = file_from(file, here);
    match file.strip_prefix('/') {
        Some(_) => json!({"uri": format!("file://{}", encoded(&file))}),
        None => json!({"uri": encoded(&file), "uriBaseId": "%SRCROOT%"}),
    }
}

/// What may not stand in the path of a URI, by its bytes. A colon may, but not in the first part of a relative one.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_uris() {
        assert_eq!(
            artifact("/p/a b/ü#%.py", Some("/p")),
            json!({"uri": "a%20b/%C3%BC%23%25.py", "uriBaseId": "%SRCROOT%"})
        );
        assert_eq!(artifact("/other/a.py", Some("/p")), json!({"uri": "file:///other/a.py"}));
    }
}
