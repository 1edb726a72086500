//! Findings held against a heap: how many objects there are of what they are about, and what a smaller form of those takes.
//!
//! The heap has findings of its own as well: values of an attribute that are equal, or empty, in many objects of a class. They are
//! told at the line of the class that stores the attribute.

use std::collections::HashSet;

use memsight_advice::{Definition, FileReport, Finding, Rule, rules};
use memsight_analysis::Analysis;
use memsight_analysis::advise::{AdviceBytes, AdviceRow, AdviceView, HeapEvidence, OtherCode};
use memsight_analysis::evidence::{AttributeFacts, ClassFacts, Counted, HeapFacts};
use memsight_model::{Bytes, Confidence, Progress, Severity, count};

use super::Verdict;
use super::code::{Code, Ran};
use super::trace::Subject;
use crate::advise::{fingerprint, rows};
use crate::{Error, LookOptions, open};

/// Less than this is not worth a change.
const LEAST: u64 = 4 << 10;
/// What the heap finds by itself is told from here on, as the findings of `waste` are.
const TOLD: u64 = 16 << 10;

/// A class of a file, as the heap calls it.
struct Class<'a> {
    definition: &'a Definition,
    name: String,
}

/// What was claimed already: the objects of a class, or the values of one of its attributes.
type Claims = HashSet<(String, String)>;

/// Adds bytes and sentences to the rows, and rows of what only the heap shows. Cost: a look with contents.
pub(super) fn join(
    subject: &str,
    look: &LookOptions,
    of: &Subject<'_>,
    view: &mut AdviceView,
    verdicts: &mut Vec<Verdict>,
    other_code: &mut Vec<OtherCode>,
    progress: &dyn Progress,
) -> Result<HeapEvidence, Error> {
    let look = LookOptions { contents: true, shallow: false, ..*look };
    let snapshot = open(subject, &look, progress)?;
    let facts = Analysis::new(&snapshot, progress).evidence();
    let ran = Ran::of_heap(&facts);
    let (mut first, mut claims) = (0, Claims::new());
    let before = now(view);
    for report in of.reports {
        let rows = first..first + report.findings.len();
        first = rows.end;
        match if of.is_changed(report) { Code::None } else { ran.find(report) } {
            Code::Same(file) => {
                let classes = classes(&facts, report, &file);
                for (row, finding) in rows.zip(&report.findings) {
                    let told = tell(&mut view.findings[row], finding, &facts, &classes, &file, &mut claims);
                    if told != Verdict::Unknown {
                        verdicts[row] = told;
                    }
                }
                for row in own(&facts, report, &classes, &mut claims) {
                    view.findings.push(row);
                    verdicts.push(Verdict::Supported);
                }
            }
            Code::Other(reason) => {
                let told = format!("the heap is of other code: {reason}");
                view.findings[rows].iter_mut().for_each(|row| row.evidence.push(told.clone()));
                if other_code.iter().all(|other| other.file != report.source.path) {
                    other_code.push(OtherCode { file: report.source.path.clone(), reason });
                }
            }
            Code::None => {}
        }
    }
    Ok(HeapEvidence {
        subject: subject.to_owned(),
        python: facts.python,
        heap_bytes: facts.bytes,
        // (what a trace says of the end of its run is of another moment)
        saved_bytes: now(view).saturating_sub(before),
    })
}

fn now(view: &AdviceView) -> u64 {
    view.findings.iter().filter_map(|row| row.bytes?.now).sum()
}

/// The classes of a file that have instances: `shop.order.Order` is `Order` of a file that ends in `shop/order.py`, and
/// `__main__.Order` that of a file whose code the program has as its script.
fn classes<'a>(facts: &HeapFacts, report: &'a FileReport, file: &str) -> Vec<Class<'a>> {
    let path = file.trim_end_matches(".py").trim_end_matches("/__init__");
    let dotted: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let dotted = format!(".{}", dotted.join("."));
    let defined = report.outline.definitions.iter().filter(|definition| definition.is_class);
    let found = defined.filter_map(|definition| {
        let fits = |name: &&String| {
            let module = name.strip_suffix(&definition.name).and_then(|rest| rest.strip_suffix('.'));
            module.is_some_and(|module| module == "__main__" || dotted.ends_with(&format!(".{module}")))
        };
        let mut names: Vec<&String> = facts.classes.keys().filter(fits).collect();
        names.sort_by_key(|name| (name.starts_with("__main__."), name.len()));
        // (a script that another file imports has both names: that with the path is the better one)
        names.first().map(|name| Class { definition, name: (*name).clone() })
    });
    found.collect()
}

/// What the heap says of one finding.
fn tell(
    row: &mut AdviceRow,
    finding: &Finding,
    facts: &HeapFacts,
    classes: &[Class<'_>],
    file: &str,
    claims: &mut Claims,
) -> Verdict {
    match finding.rule.id {
        "MS301" | "MS302" | "MS303" => {
            let class = classes.iter().find(|class| class.definition.line == finding.start.line);
            match class.and_then(|class| Some((class, facts.classes.get(&class.name)?))) {
                Some((class, of)) => instances(row, &class.name, of, claims),
                None => none(row, "no instances of it"),
            }
        }
        "MS203" | "MS206" => attribute(row, finding, facts, classes, claims),
        "MS401" | "MS402" => local(row, finding, facts, file),
        _ => Verdict::Unknown,
    }
}

fn none(row: &mut AdviceRow, what: &str) -> Verdict {
    row.evidence.push(format!("heap: {what}"));
    Verdict::NotRun
}

/// Claims bytes once; who comes later is told of it.
fn claim(row: &mut AdviceRow, bytes: u64, key: (String, String), claims: &mut Claims) -> Verdict {
    if !claims.insert(key) {
        row.evidence.push("another finding of the same objects has these bytes".to_owned());
        return Verdict::Supported;
    }
    let known = row.bytes.unwrap_or_default();
    row.bytes = Some(AdviceBytes { now: Some(bytes), ..known });
    if bytes < LEAST { Verdict::Contradicted } else { Verdict::Supported }
}

/// A class that could have slots.
fn instances(row: &mut AdviceRow, name: &str, of: &ClassFacts, claims: &mut Claims) -> Verdict {
    let counted = format!("heap: {} instances", count(of.instances));
    let Some(layout) = of.layout else {
        let why = "their attributes differ, or somebody holds a __dict__ of theirs: what slots save is not known";
        row.evidence.push(format!("{counted}; {why}"));
        return Verdict::Unknown;
    };
    let each = |bytes: u64| Bytes(bytes / of.instances.max(1));
    let weak = if layout.is_weakly_referenced { " and a slot for weak references, which some have" } else { "" };
    row.evidence.push(format!(
        "{counted} of {} with {} attributes; {} with slots{weak}",
        each(layout.bytes),
        layout.attributes,
        each(layout.slots_bytes)
    ));
    row.confidence = row.confidence.max(Confidence::Medium);
    let saved = layout.bytes.saturating_sub(layout.slots_bytes);
    claim(row, saved, (name.to_owned(), String::new()), claims)
}

/// An attribute whose value each object has for itself.
fn attribute(
    row: &mut AdviceRow,
    finding: &Finding,
    facts: &HeapFacts,
    classes: &[Class<'_>],
    claims: &mut Claims,
) -> Verdict {
    let line = finding.start.line;
    let found = classes.iter().find_map(|class| {
        let (name, _) = class.definition.stores.iter().find(|(_, at)| *at == line)?;
        Some((class, name))
    });
    let Some((class, name)) = found else { return Verdict::Unknown };
    let key = (class.name.clone(), name.clone());
    let Some(of) = facts.attributes.get(&key) else { return none(row, "no object has it") };
    let (what, held, saved) = match finding.rule.id {
        "MS206" => ("empty", of.empty, of.empty.bytes),
        // One of them stays, in the class.
        _ => ("of their own", of.containers, of.containers.bytes - of.containers.bytes / of.containers.count.max(1)),
    };
    row.evidence.push(format!("heap: {} objects have one {what}, {} in all", count(held.count), Bytes(held.bytes)));
    claim(row, saved, claimed(key, finding.rule), claims)
}

/// A local that is dead now.
fn local(row: &mut AdviceRow, finding: &Finding, facts: &HeapFacts, file: &str) -> Verdict {
    let Some(name) = finding.advice.strip_prefix("del ") else { return Verdict::Unknown };
    let dead_from = finding.made.last;
    let here = facts.locals.iter().filter(|local| local.name == name && local.file == file && local.line > dead_from);
    let Some(local) = here.max_by_key(|local| local.retained_bytes) else { return Verdict::Unknown };
    row.evidence.push(format!(
        "heap: {} is at line {}, and the local alone holds {}",
        local.function,
        local.line,
        Bytes(local.retained_bytes)
    ));
    Verdict::Supported
}

/// What only the heap shows: equal or empty values of an attribute.
fn own(facts: &HeapFacts, report: &FileReport, classes: &[Class<'_>], claims: &mut Claims) -> Vec<AdviceRow> {
    let mut found = Vec::new();
    for class in classes {
        for (attribute, line) in &class.definition.stores {
            let key = (class.name.clone(), attribute.clone());
            let Some(of) = facts.attributes.get(&key) else { continue };
            for (rule, held) in told(of) {
                let is_meant = |rule: &&'static Rule| {
                    report.rules.contains(rule) && !report.ignores.iter().any(|ignore| ignore.keeps_back(rule, *line))
                };
                let Some(rule) = rules::find(rule).filter(is_meant).filter(|_| held.bytes >= TOLD) else { continue };
                if claims.insert(claimed(key.clone(), rule)) {
                    found.push(row(report, class, attribute, *line, rule, held));
                }
            }
        }
    }
    found
}

/// What a rule claims of an attribute.
fn claimed((class, attribute): (String, String), rule: &Rule) -> (String, String) {
    (class, format!("{attribute}: {}", rule.id))
}

fn told(of: &AttributeFacts) -> [(&'static str, Counted); 2] {
    [("MS201", of.equal), ("MS206", of.empty)]
}

fn row(
    report: &FileReport,
    class: &Class<'_>,
    attribute: &str,
    line: u32,
    rule: &'static Rule,
    held: Counted,
) -> AdviceRow {
    let text = report.source.line(line);
    let column = text.chars().take_while(|letter| letter.is_whitespace()).count() as u32 + 1;
    let name = &class.definition.name;
    let (message, advice) = match rule.id {
        "MS201" => (
            format!("`{attribute}` of many `{name}` objects is equal to that of others, and is an object of its own"),
            "let equal values be one object where they are made: seen.setdefault(value, value)".to_owned(),
        ),
        _ => (
            format!("`{attribute}` of many `{name}` objects is empty, and is there all the same"),
            format!("make `{attribute}` when the first item comes: None, or () of the class, until then"),
        ),
    };
    AdviceRow {
        rule: rule.id.to_owned(),
        name: rule.name.to_owned(),
        technique: rows::technique(rule.technique).to_owned(),
        file: report.source.path.clone(),
        line,
        column,
        end_line: line,
        end_column: text.trim_end().chars().count() as u32 + 1,
        message,
        advice,
        but: String::new(),
        severity: Severity::Warning,
        confidence: Confidence::Medium,
        bytes: Some(AdviceBytes { now: Some(held.bytes), ..AdviceBytes::default() }),
        saves: "now".to_owned(),
        formula: String::new(),
        evidence: vec![
            format!("heap: {} values, {} in all", count(held.count), Bytes(held.bytes)),
            format!("found by class and attribute: `{}` is stored here", class.name),
        ],
        fix: None,
        cell: None,
        function: report.outline.around(line).to_owned(),
        fingerprint: fingerprint::of(report, std::iter::once((rule.id, line))).concat(),
        lines: vec![text.to_owned()],
    }
}
