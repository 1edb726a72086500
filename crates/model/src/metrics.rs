//! Figures for systems of monitoring: what is exported, before it takes the form of OpenMetrics or OTLP.
//!
//! Names and units are those of OpenTelemetry's semantic conventions where these have the figure, and `memsight.*`
//! where they have not. [`Metric::family`] maps a name as the Prometheus compatibility rules say.

use crate::Timestamp;

/// What a figure counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Bytes, `By`.
    Bytes,
    /// Seconds, `s`.
    Seconds,
    /// A number of things, named as UCUM annotates them: `{collection}`.
    Count(&'static str),
}

impl Unit {
    /// The unit as UCUM writes it, which is what OTLP wants.
    pub fn ucum(self) -> &'static str {
        match self {
            Unit::Bytes => "By",
            Unit::Seconds => "s",
            Unit::Count(annotation) => annotation,
        }
    }

    /// The word that ends the name of a family in OpenMetrics, if any.
    pub fn suffix(self) -> Option<&'static str> {
        match self {
            Unit::Bytes => Some("bytes"),
            Unit::Seconds => Some("seconds"),
            Unit::Count(_) => None,
        }
    }
}

/// How a figure behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// A state that it makes no sense to add up: a share, a score, a limit.
    Gauge,
    /// Goes up and down and may be added up, which OpenTelemetry calls an UpDownCounter: a gauge for Prometheus.
    UpDown,
    /// Only grows while what it belongs to lives.
    Counter,
    /// Always 1: it tells the [facts](Entity::facts) of what it belongs to.
    Info,
}

/// A dimension: its key for OpenTelemetry and its label for Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Key of the attribute, such as `process.pid`.
    pub attribute: &'static str,
    /// Name of the label, such as `pid`; empty: OpenMetrics does not get it.
    pub label: &'static str,
    /// Whether OpenTelemetry has a whole number there; what is none stays text.
    pub integer: bool,
}

/// What one series of figures means.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Metric {
    /// Name in OpenTelemetry's spelling, such as `process.memory.usage`.
    pub name: &'static str,
    /// Unit.
    pub unit: Unit,
    /// Behaviour.
    pub behaviour: Behaviour,
    /// What tells the points of one entity apart, if anything does.
    pub key: Option<Key>,
    /// What it is, in one sentence without a full stop.
    pub help: &'static str,
}

impl Metric {
    /// Name of the OpenMetrics family: dots become underscores, the unit ends the name. Samples of a counter have
    /// `_total` after it.
    pub fn family(&self) -> String {
        let mut family = self.name.replace('.', "_");
        if let Some(suffix) = self.unit.suffix().filter(|suffix| !family.ends_with(&format!("_{suffix}"))) {
            family.push('_');
            family.push_str(suffix);
        }
        family
    }
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A count or a size.
    Int(u64),
    /// A time or a share.
    Float(f64),
}

/// What figures belong to: a process, a container, the machine, the agent itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entity {
    /// What identifies it, the same for all its life: a change would end its series and begin others. Values come from
    /// targets: hostile text, to be escaped.
    pub attributes: Vec<(Key, String)>,
    /// What may become known late, and so stands at its [`Behaviour::Info`] alone.
    pub facts: Vec<(Key, String)>,
    /// When its counters began to count, in nanoseconds since 1970; `None`: not known.
    pub since_unix_ns: Option<u64>,
}

/// One number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Index of its entity in [`Exposition::entities`].
    pub entity: usize,
    /// Value of the metric's own dimension, for metrics that have one.
    pub part: &'static str,
    /// The number.
    pub value: Value,
}

/// The points of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// What they mean.
    pub metric: &'static Metric,
    /// The points, those of one entity together.
    pub points: Vec<Point>,
}

/// All figures of one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exposition {
    /// When they were read.
    pub at: Timestamp,
    /// What they belong to.
    pub entities: Vec<Entity>,
    /// The figures; families without points are left out.
    pub families: Vec<Family>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &'static str, unit: Unit) -> Metric {
        Metric { name, unit, behaviour: Behaviour::Gauge, key: None, help: "" }
    }

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        assert_eq!(metric("process.memory.usage", Unit::Bytes).family(), "process_memory_usage_bytes");
        assert_eq!(metric("memsight.agent.history.bytes", Unit::Bytes).family(), "memsight_agent_history_bytes");
        assert_eq!(metric("cpython.gc.collections", Unit::Count("{collection}")).family(), "cpython_gc_collections");
    }
}
