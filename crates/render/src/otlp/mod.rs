//! Figures for OpenTelemetry: an `ExportMetricsServiceRequest` in protobuf, as OTLP over HTTP carries it.

mod proto;

use memsight_model::metrics::{Behaviour, Entity, Exposition, Family, Key, Metric, Point, Value};
use prost::Message;

use proto::any_value::Value as Any;
use proto::number_data_point::Value as Number;

/// What OpenTelemetry wants as the name of a service that has none.
const UNKNOWN_SERVICE: &str = "unknown_service:python";

/// All figures as one request: each entity is a resource. Cost: linear in the number of points.
pub fn encode(exposition: &Exposition) -> Vec<u8> {
    let mut resources: Vec<_> = exposition.entities.iter().map(resource).collect();
    for family in &exposition.families {
        for points in family.points.chunk_by(|a, b| a.entity == b.entity) {
            let entity = points.first().and_then(|point| exposition.entities.get(point.entity));
            let scope = points.first().and_then(|point| resources.get_mut(point.entity)?.scope_metrics.first_mut());
            if let (Some(entity), Some(scope)) = (entity, scope) {
                scope.metrics.push(metric(family, points, entity, exposition.at.unix_ns));
            }
        }
    }
    resources.retain(|resource| resource.scope_metrics.iter().any(|scope| !scope.metrics.is_empty()));
    proto::ExportMetricsServiceRequest { resource_metrics: resources }.encode_to_vec()
}

/// What a receiver says to points that it did not take: their number and why. `None`: it took all, or said nothing
/// that can be understood.
pub fn rejected(answer: &[u8]) -> Option<(u64, String)> {
    let partial = proto::ExportMetricsServiceResponse::decode(answer).ok()?.partial_success?;
    let points = u64::try_from(partial.rejected_data_points).ok().filter(|&points| points > 0)?;
    Some((points, partial.error_message))
}

fn resource(entity: &Entity) -> proto::ResourceMetrics {
    let mut attributes: Vec<_> = entity
        .attributes
        .iter()
        .filter(|(key, value)| !key.attribute.is_empty() && !value.is_empty())
        .map(|(key, value)| attribute(*key, value))
        .collect();
    if !attributes.iter().any(|attribute| attribute.key == "service.name") {
        attributes.push(attribute(Key { attribute: "service.name", label: "", integer: false }, UNKNOWN_SERVICE));
    }
    let scope =
        proto::InstrumentationScope { name: "memsight".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    proto::ResourceMetrics {
        resource: Some(proto::Resource { attributes }),
        scope_metrics: vec![proto::ScopeMetrics { scope: Some(scope), metrics: Vec::new() }],
    }
}

fn attribute(key: Key, value: &str) -> proto::KeyValue {
    let number = if key.integer { value.parse().ok() } else { None };
    let value = number.map_or_else(|| Any::Text(value.to_owned()), Any::Int);
    proto::KeyValue { key: key.attribute.to_owned(), value: Some(proto::AnyValue { value: Some(value) }) }
}

fn metric(family: &Family, points: &[Point], entity: &Entity, at: u64) -> proto::Metric {
    let Metric { name, unit, behaviour, key, help } = *family.metric;
    // The resource is what identifies the entity, and stays as it is.
    let facts = if behaviour == Behaviour::Info { entity.facts.as_slice() } else { &[] };
    let own: Vec<_> = facts.iter().map(|(key, value)| attribute(*key, value)).collect();
    let since = if behaviour == Behaviour::Counter { entity.since_unix_ns.unwrap_or(0) } else { 0 };
    let data_points = points
        .iter()
        .map(|point| proto::NumberDataPoint {
            start_time_unix_nano: since,
            time_unix_nano: at,
            attributes: own.iter().cloned().chain(key.iter().map(|key| attribute(*key, point.part))).collect(),
            value: Some(match point.value {
                Value::Int(value) => Number::Int(i64::try_from(value).unwrap_or(i64::MAX)),
                Value::Float(value) => Number::Double(value),
            }),
        })
        .collect();
    let sum = |is_monotonic, data_points| {
        proto::metric::Data::Sum(proto::Sum { data_points, aggregation_temporality: proto::CUMULATIVE, is_monotonic })
    };
    let data = match behaviour {
        Behaviour::Gauge | Behaviour::Info => proto::metric::Data::Gauge(proto::Gauge { data_points }),
        Behaviour::UpDown => sum(false, data_points),
        Behaviour::Counter => sum(true, data_points),
    };
    let (name, description, unit) = (name.to_owned(), help.to_owned(), unit.ucum().to_owned());
    proto::Metric { name, description, unit, data: Some(data) }
}

#[cfg(test)]
mod tests {
    use memsight_model::Timestamp;
    use memsight_model::metrics::Unit;

    use super::*;

    static USAGE: Metric = Metric {
        name: "process.memory.usage",
        unit: Unit::Bytes,
        behaviour: Behaviour::UpDown,
        key: None,
        help: "The amount of physical memory in use",
    };

    #[test]
    fn each_entity_is_a_resource_with_a_service() {
        let pid = (Key { attribute: "process.pid", label: "pid", integer: true }, "42".to_owned());
        let exposition = Exposition {
            at: Timestamp { monotonic_ns: 1, unix_ns: 77 },
            entities: vec![Entity::default(), Entity { attributes: vec![pid], ..Entity::default() }],
            families: vec![Family {
                metric: &USAGE,
                points: vec![Point { entity: 1, part: "", value: Value::Int(4096) }],
            }],
        };
        let request = proto::ExportMetricsServiceRequest::decode(&encode(&exposition)[..]).expect("a request");
        assert_eq!(request.resource_metrics.len(), 1, "entities without figures are left out");
        let resource = request.resource_metrics[0].resource.as_ref().expect("a resource");
        let keys: Vec<_> = resource.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(keys, ["process.pid", "service.name"]);
        let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
        assert_eq!((metric.name.as_str(), metric.unit.as_str()), ("process.memory.usage", "By"));
        let Some(proto::metric::Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
        assert!(!sum.is_monotonic);
        assert_eq!(sum.data_points[0].time_unix_nano, 77);
        assert_eq!(sum.data_points[0].value, Some(Number::Int(4096)));
    }

    #[test]
    fn a_fact_is_no_part_of_the_resource() {
        static INFO: Metric = Metric {
            name: "memsight.process.info",
            unit: Unit::Count("1"),
            behaviour: Behaviour::Info,
            key: None,
            help: "What is known of it",
        };
        let python = Key { attribute: "process.runtime.version", label: "python", integer: false };
        let entity = Entity { facts: vec![(python, "3.12.1".to_owned())], ..Entity::default() };
        let points = |metric| Family { metric, points: vec![Point { entity: 0, part: "", value: Value::Int(1) }] };
        let exposition = Exposition {
            entities: vec![entity],
            families: vec![points(&USAGE), points(&INFO)],
            ..Exposition::default()
        };
        let request = proto::ExportMetricsServiceRequest::decode(&encode(&exposition)[..]).expect("a request");
        let resource = &request.resource_metrics[0];
        let keys = |attributes: &[proto::KeyValue]| {
            attributes.iter().map(|attribute| attribute.key.clone()).collect::<Vec<_>>()
        };
        assert_eq!(keys(&resource.resource.as_ref().expect("a resource").attributes), ["service.name"]);
        let [usage, info] = &resource.scope_metrics[0].metrics[..] else { panic!("{resource:?}") };
        let Some(proto::metric::Data::Sum(usage)) = &usage.data else { panic!("{usage:?}") };
        let Some(proto::metric::Data::Gauge(info)) = &info.data else { panic!("{info:?}") };
        assert_eq!(keys(&usage.data_points[0].attributes), [""; 0]);
        assert_eq!(keys(&info.data_points[0].attributes), ["process.runtime.version"]);
    }

    #[test]
    fn a_refusal_in_part_is_understood() {
        let partial = proto::ExportMetricsPartialSuccess { rejected_data_points: 3, error_message: "old".into() };
        let answer = proto::ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(rejected(&answer), Some((3, "old".into())));
        assert_eq!(rejected(b""), None);
        assert_eq!(rejected(b"<html>"), None);
    }
}
