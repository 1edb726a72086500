//! Figures as text for Prometheus: OpenMetrics 1.0, and the older text format 0.0.4.
//!
//! Source: the OpenMetrics 1.0 specification (RFC draft-richih-opsawg-openmetrics) and Prometheus's exposition formats.

use std::fmt::Write;

use memsight_model::is_hidden;
use memsight_model::metrics::{Behaviour, Entity, Exposition, Family, Key, Value};

/// The two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// OpenMetrics 1.0: with units and an end mark, so that a cut answer is seen to be cut.
    OpenMetrics,
    /// Prometheus's text format 0.0.4.
    Text,
}

impl Form {
    /// What the `Content-Type` of an answer says.
    pub fn content_type(self) -> &'static str {
        match self {
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Form::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// All figures as one text. Cost: linear in the number of points.
pub fn render(exposition: &Exposition, form: Form) -> String {
    // Each entity's labels are written once and used for all of its points.
    let labels: Vec<String> = exposition.entities.iter().map(|entity| labels(&entity.attributes)).collect();
    let points: usize = exposition.families.iter().map(|family| family.points.len()).sum();
    let mut out = String::with_capacity(points * 120 + 4096);
    for family in exposition.families.iter().filter(|family| !family.points.is_empty()) {
        if family.metric.behaviour == Behaviour::Info {
            let whole = exposition.entities.iter().map(labels_with_facts);
            write_family(&mut out, family, &whole.collect::<Vec<_>>(), form);
            continue;
        }
        write_family(&mut out, family, &labels, form);
    }
    if form == Form::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

fn write_family(out: &mut String, family: &Family, labels: &[String], form: Form) {
    let metric = family.metric;
    let name = metric.family();
    let (kind, total) = match metric.behaviour {
        Behaviour::Gauge | Behaviour::UpDown | Behaviour::Info => ("gauge", ""),
        Behaviour::Counter => ("counter", "_total"),
    };
    // OpenMetrics names the family, the older format its samples.
    let titled = if form == Form::OpenMetrics { "" } else { total };
    line(out, format_args!("# TYPE {name}{titled} {kind}"));
    if let (Form::OpenMetrics, Some(unit)) = (form, metric.unit.suffix()) {
        line(out, format_args!("# UNIT {name} {unit}"));
    }
    line(out, format_args!("# HELP {name}{titled} {}.", escaped(metric.help)));
    for point in &family.points {
        let entity = labels.get(point.entity).map_or("", String::as_str);
        let own = metric.key.map(|key| format!("{}=\"{}\"", key.label, escaped(point.part))).unwrap_or_default();
        let comma = if entity.is_empty() || own.is_empty() { "" } else { "," };
        let (open, close) = if entity.is_empty() && own.is_empty() { ("", "") } else { ("{", "}") };
        match point.value {
            Value::Int(value) => line(out, format_args!("{name}{total}{open}{entity}{comma}{own}{close} {value}")),
            Value::Float(value) => line(out, format_args!("{name}{total}{open}{entity}{comma}{own}{close} {value}")),
        }
    }
}

fn line(out: &mut String, text: std::fmt::Arguments) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

/// All that is known of an entity, its facts after what identifies it.
fn labels_with_facts(entity: &Entity) -> String {
    labels(&[entity.attributes.as_slice(), &entity.facts].concat())
}

/// Labels as they stand between the braces, those without a name or a value left out.
fn labels(attributes: &[(Key, String)]) -> String {
    let present = attributes.iter().filter(|(key, value)| !key.label.is_empty() && !value.is_empty());
    let pairs: Vec<String> = present.map(|(key, value)| format!("{}=\"{}\"", key.label, escaped(value))).collect();
    pairs.join(",")
}

/// Text as it may stand between quotes. Hidden characters are allowed by the formats, but nobody wants them.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other if is_hidden(other) => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use memsight_model::metrics::{Metric, Point, Unit};

    use super::*;

    static USAGE: Metric = Metric {
        name: "process.memory.usage",
        unit: Unit::Bytes,
        behaviour: Behaviour::Gauge,
        key: None,
        help: "The amount of physical memory in use",
    };
    static FAULTS: Metric = Metric {
        name: "process.paging.faults",
        unit: Unit::Count("{fault}"),
        behaviour: Behaviour::Counter,
        key: Some(Key { attribute: "system.paging.fault.type", label: "type", integer: false }),
        help: "Number of page faults",
    };

    fn exposition() -> Exposition {
        let pid = (Key { attribute: "process.pid", label: "pid", integer: true }, "42".to_owned());
        let service =
            (Key { attribute: "service.name", label: "service", integer: false }, "a\"b\\c\nd\u{1b}".to_owned());
        let point = |part, value| Point { entity: 0, part, value };
        Exposition {
            entities: vec![Entity { attributes: vec![pid, service], ..Entity::default() }],
            families: vec![
                Family { metric: &USAGE, points: vec![point("", Value::Int(4096))] },
                Family {
                    metric: &FAULTS,
                    points: vec![point("major", Value::Int(1)), point("minor", Value::Float(0.5))],
                },
            ],
            ..Exposition::default()
        }
    }

    #[test]
    fn openmetrics_has_units_and_an_end() {
        let wanted = "# TYPE process_memory_usage_bytes gauge\n\
            # UNIT process_memory_usage_bytes bytes\n\
            # HELP process_memory_usage_bytes The amount of physical memory in use.\n\
            process_memory_usage_bytes{pid=\"42\",service=\"a\\\"b\\\\c\\nd\u{fffd}\"} 4096\n\
            # TYPE process_paging_faults counter\n\
            # HELP process_paging_faults Number of page faults.\n\
            process_paging_faults_total{pid=\"42\",service=\"a\\\"b\\\\c\\nd\u{fffd}\",type=\"major\"} 1\n\
            process_paging_faults_total{pid=\"42\",service=\"a\\\"b\\\\c\\nd\u{fffd}\",type=\"minor\"} 0.5\n\
            # EOF\n";
        assert_eq!(render(&exposition(), Form::OpenMetrics), wanted);
    }

    #[test]
    fn the_older_format_names_the_samples() {
        let text = render(&exposition(), Form::Text);
        assert!(text.contains("# TYPE process_paging_faults_total counter\n"), "{text}");
        assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
    }

    #[test]
    fn facts_stand_at_the_info_alone() {
        static INFO: Metric = Metric {
            name: "memsight.process.info",
            unit: Unit::Count("1"),
            behaviour: Behaviour::Info,
            key: None,
            help: "What is known of it",
        };
        let mut told = exposition();
        let python = Key { attribute: "process.runtime.version", label: "python", integer: false };
        told.entities[0].attributes.truncate(1);
        told.entities[0].facts = vec![(python, "3.12.1".to_owned())];
        told.families.push(Family { metric: &INFO, points: vec![Point { entity: 0, part: "", value: Value::Int(1) }] });
        let text = render(&told, Form::OpenMetrics);
        assert!(text.contains("# TYPE memsight_process_info gauge\n"), "{text}");
        assert!(text.contains("\nmemsight_process_info{pid=\"42\",python=\"3.12.1\"} 1\n"), "{text}");
        assert_eq!(text.matches("python=").count(), 1, "{text}");
    }

    #[test]
    fn figures_of_nobody_have_no_braces() {
        let mut bare = exposition();
        bare.entities[0].attributes.clear();
        assert!(render(&bare, Form::Text).contains("\nprocess_memory_usage_bytes 4096\n"));
    }
}
