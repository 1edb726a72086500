//! From a sample to what is exported.

use std::collections::HashMap;
use std::sync::Arc;

use memsight_format::history::{HistoryRow, HistorySubject};
use memsight_model::metrics::{Behaviour, Entity, Exposition, Family, Key, Point, Value};
use memsight_model::{ProcessSample, Sample, Timestamp};
use memsight_target::figures::Handle;

use super::containers::Containers;
use super::metrics::{AGENT, Agent, CONTAINER, MACHINE, PROCESS, Source, swap};
use super::{OwnFigures, Services, capped};

/// A process is exported once it has lived this long, or was seen for this long: between its birth and the start of its
/// program it has the command line, the environment and the control group of its parent.
const SETTLED_NS: u64 = 1_000_000_000;

const fn key(attribute: &'static str, label: &'static str) -> Key {
    Key { attribute, label, integer: false }
}

const PID: Key = Key { attribute: "process.pid", label: "pid", integer: true };
const SERVICE: Key = key("service.name", "service");
const CONTAINER_ID: Key = key("container.id", "container");
const PYTHON: Key = key("process.runtime.version", "python");
/// For OpenTelemetry alone: Prometheus has `instance`.
const INSTANCE: Key = key("service.instance.id", "");
const RUNTIME: Key = key("process.runtime.name", "");
const HOST: Key = key("host.name", "");

/// What to export.
#[derive(Debug, Clone)]
pub struct CollectorOptions {
    /// How services are found.
    pub services: Services,
    /// Processes that get series of their own, the largest by RSS; the rest is summed up as `pid="other"`.
    pub max_processes: usize,
}

/// Turns samples into expositions and rows, and remembers what it learned of each process.
#[derive(Debug)]
pub struct Collector {
    options: CollectorOptions,
    own: Arc<OwnFigures>,
    known: HashMap<Identity, Known>,
    containers: Containers,
    host: String,
    /// When the agent started, nanoseconds since 1970.
    since_unix_ns: u64,
    /// Itself.
    process: Option<Handle>,
}

/// Process id and start time in milliseconds.
type Identity = (u32, i64);

/// What is known of a process.
#[derive(Debug, Clone)]
struct Known {
    /// When it was first seen (`CLOCK_MONOTONIC`).
    since_ns: u64,
    /// Its short name when its labels were looked up.
    name: String,
    /// Looked up once, when it is exported for the first time: series keep their labels.
    labels: Option<Labels>,
}

#[derive(Debug, Clone, Default)]
struct Labels {
    service: String,
    container: String,
}

impl Collector {
    /// For an agent whose counters are `own`.
    pub fn new(options: CollectorOptions, own: Arc<OwnFigures>) -> Collector {
        Collector {
            options,
            own,
            known: HashMap::new(),
            containers: Containers::default(),
            host: host(),
            since_unix_ns: memsight_target::figures::now().unix_ns,
            process: Handle::open(std::process::id()).ok(),
        }
    }

    /// Everything to export of a sample, and the rows of the history. Cost: a microsecond for each figure, and 0.1 ms
    /// for each new process.
    pub fn collect(&mut self, sample: &Sample) -> (Exposition, Vec<HistoryRow>) {
        let living = sample.processes.iter().filter(|process| process.state != 'Z');
        let mut living: Vec<&ProcessSample> = self.settled(living, sample.at);
        // Of two that are as large the older id stays.
        living.sort_by_key(|process| (std::cmp::Reverse(process.memory.rss_bytes), process.pid));
        let (shown, rest) = living.split_at(living.len().min(self.options.max_processes));
        self.learn(shown);
        let mut out = Builder::new(sample);
        let of_process: Vec<_> = shown.iter().map(|process| (out.entity(self.entity(process)), *process)).collect();
        let other = (!rest.is_empty()).then(|| out.entity(self.other()));
        out.families(PROCESS, of_process.iter().copied());
        if let Some(other) = other {
            out.add_sums(other, rest);
        }
        let of_container: Vec<_> = self
            .containers
            .samples()
            .map(|(name, container)| (out.entity(self.of_host(vec![(CONTAINER_ID, name.to_owned())], name)), container))
            .collect();
        out.families(CONTAINER, of_container.into_iter());
        let machine = out.entity(self.of_host(Vec::new(), "machine"));
        out.families(MACHINE, sample.machine.iter().map(|figures| (machine, figures)));
        let itself = out.entity(Entity {
            since_unix_ns: Some(self.since_unix_ns),
            ..self.of_host(vec![(key("service.name", ""), "memsight".to_owned())], "agent")
        });
        let agent = self.agent(shown.len(), rest.len());
        out.families(AGENT, std::iter::once((itself, &agent)));
        (out.exposition, shown.iter().map(|process| self.row(process)).collect())
    }

    /// Those of the processes whose labels will stay as they are; forgets all others.
    fn settled<'p>(
        &mut self,
        living: impl Iterator<Item = &'p ProcessSample>,
        now: Timestamp,
    ) -> Vec<&'p ProcessSample> {
        let mut before = std::mem::take(&mut self.known);
        let mut settled = Vec::new();
        for process in living {
            let new = || Known { since_ns: now.monotonic_ns, name: process.name.clone(), labels: None };
            let mut known = before.remove(&identity(process)).unwrap_or_else(new);
            // another program, or a title that it gave itself: its name may be another now
            if known.name != process.name {
                known.name.clone_from(&process.name);
                known.labels = None;
            }
            let age_ns = now.unix_ns as f64 - process.created * 1e9;
            let seen_ns = now.monotonic_ns.saturating_sub(known.since_ns);
            if seen_ns >= SETTLED_NS || age_ns >= SETTLED_NS as f64 {
                settled.push(process);
            }
            self.known.insert(identity(process), known);
        }
        settled
    }

    /// Looks up the labels of those that have none.
    fn learn(&mut self, shown: &[&ProcessSample]) {
        for process in shown {
            let Some(known) = self.known.get_mut(&identity(process)) else { continue };
            if known.labels.is_none() {
                let container = self.containers.of(process.pid);
                let service = Handle::open(process.pid).map(|handle| self.options.services.of(&handle, &container));
                known.labels = Some(Labels { service: service.unwrap_or_default(), container });
            }
        }
        let labels = || self.known.values().filter_map(|known| known.labels.as_ref());
        self.containers.read(&|name| labels().any(|labels| labels.container == name));
    }

    fn labels(&self, process: &ProcessSample) -> Labels {
        let known = self.known.get(&identity(process));
        known.and_then(|known| known.labels.clone()).unwrap_or_default()
    }

    fn entity(&self, process: &ProcessSample) -> Entity {
        let Labels { service, container } = self.labels(process);
        let instance = format!("{}-{}-{}", self.host, process.pid, identity(process).1);
        let attributes = vec![
            (PID, process.pid.to_string()),
            (SERVICE, service),
            (CONTAINER_ID, container),
            (INSTANCE, instance),
            (RUNTIME, "cpython".to_owned()),
            (HOST, self.host.clone()),
        ];
        let facts = vec![(PYTHON, process.python.as_deref().map(capped).unwrap_or_default())];
        Entity { attributes, facts, since_unix_ns: Some((process.created * 1e9) as u64) }
    }

    fn other(&self) -> Entity {
        let pid = (PID, "other".to_owned());
        let instance = (INSTANCE, format!("{}-other", self.host));
        Entity { attributes: vec![pid, instance, (HOST, self.host.clone())], ..Entity::default() }
    }

    /// An entity that is told from others of this machine by a word.
    fn of_host(&self, mut attributes: Vec<(Key, String)>, word: &str) -> Entity {
        attributes.push((INSTANCE, format!("{}-{word}", self.host)));
        attributes.push((HOST, self.host.clone()));
        Entity { attributes, ..Entity::default() }
    }

    fn agent(&self, exported: usize, dropped: usize) -> Agent {
        let process = self.process.as_ref();
        Agent {
            own: self.own.clone(),
            exported: exported as u64,
            dropped: dropped as u64,
            rss_bytes: process.and_then(|process| Some(process.memory().ok()?.rss_bytes)),
            cpu_ns: process.and_then(|process| Some(process.stat().ok()?.cpu_ns())),
        }
    }

    fn row(&self, process: &ProcessSample) -> HistoryRow {
        let Labels { service, container } = self.labels(process);
        let subject = HistorySubject {
            pid: process.pid,
            created_ms: identity(process).1,
            name: capped(&process.name),
            service,
            container,
            python: process.python.clone().unwrap_or_default(),
        };
        HistoryRow {
            subject,
            rss_bytes: process.memory.rss_bytes,
            pss_bytes: process.rollup.map(|rollup| rollup.pss_bytes),
            uss_bytes: process.rollup.map(|rollup| rollup.uss_bytes()),
            swap_bytes: swap(process),
            collections: process.gc.as_ref().map(|gc| gc.collections()),
        }
    }
}

fn identity(process: &ProcessSample) -> Identity {
    (process.pid, (process.created * 1e3) as i64)
}

/// Name of this machine, or of the container that we are in.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| capped(&name)).unwrap_or_default()
}

/// An exposition that is being made.
struct Builder {
    exposition: Exposition,
}

impl Builder {
    fn new(sample: &Sample) -> Builder {
        Builder { exposition: Exposition { at: sample.at, ..Exposition::default() } }
    }

    fn entity(&mut self, entity: Entity) -> usize {
        self.exposition.entities.push(entity);
        self.exposition.entities.len() - 1
    }

    /// The points of all entities, family by family.
    fn families<'a, T: 'a>(&mut self, sources: &'static [Source<T>], of: impl Iterator<Item = (usize, &'a T)> + Clone) {
        for source in sources {
            let mut points = Vec::new();
            for (entity, figures) in of.clone() {
                (source.read)(figures, &mut |part, value| points.push(Point { entity, part, value }));
            }
            if !points.is_empty() {
                self.exposition.families.push(Family { metric: &source.metric, points });
            }
        }
    }

    /// Sums over processes without series of their own: of what may be added up and does not only grow, since a counter
    /// that shrinks as processes leave the sum would look like one that began anew.
    fn add_sums(&mut self, entity: usize, processes: &[&ProcessSample]) {
        for source in PROCESS.iter().filter(|source| source.metric.behaviour == Behaviour::UpDown) {
            let mut sum: Option<u64> = None;
            for process in processes {
                (source.read)(process, &mut |_, value| {
                    if let Value::Int(value) = value {
                        sum = Some(sum.unwrap_or(0).saturating_add(value));
                    }
                });
            }
            let families = &mut self.exposition.families;
            let family = families.iter_mut().find(|family| std::ptr::eq(family.metric, &source.metric));
            match (sum, family) {
                (Some(sum), Some(family)) => family.points.push(Point { entity, part: "", value: Value::Int(sum) }),
                (Some(sum), None) => families.push(Family {
                    metric: &source.metric,
                    points: vec![Point { entity, part: "", value: Value::Int(sum) }],
                }),
                (None, _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use memsight_model::MemoryInfo;

    use super::*;

    fn process(pid: u32, rss_bytes: u64) -> ProcessSample {
        let memory = MemoryInfo { rss_bytes, ..MemoryInfo::default() };
        ProcessSample { pid, memory, state: 'S', python: Some("3.12.1".into()), ..ProcessSample::default() }
    }

    fn collect(max_processes: usize, processes: Vec<ProcessSample>) -> (Exposition, Vec<HistoryRow>) {
        let options = CollectorOptions { services: Services::default(), max_processes };
        Collector::new(options, Arc::default()).collect(&sample(60, processes))
    }

    /// A sample so many seconds after the processes were born.
    fn sample(seconds: u64, processes: Vec<ProcessSample>) -> Sample {
        let at = Timestamp { monotonic_ns: (7 + seconds) * 1_000_000_000, unix_ns: seconds * 1_000_000_000 };
        Sample { at, processes, ..Sample::default() }
    }

    /// The labels of every point but those of infos, with what they belong to.
    fn labels(exposition: &Exposition) -> Vec<(String, Vec<(Key, String)>)> {
        let of = |family: &Family| {
            let entity = |point: &Point| exposition.entities[point.entity].attributes.clone();
            family.points.iter().map(|point| (family.metric.family(), entity(point))).collect::<Vec<_>>()
        };
        let families = exposition.families.iter().filter(|family| family.metric.behaviour != Behaviour::Info);
        families.flat_map(of).collect()
    }

    /// The points of a family: pid and number.
    fn points(exposition: &Exposition, name: &str) -> Vec<(String, Value)> {
        let family = exposition.families.iter().find(|family| family.metric.name == name).expect("the family");
        let pid = |point: &Point| exposition.entities[point.entity].attributes[0].1.clone();
        family.points.iter().map(|point| (pid(point), point.value)).collect()
    }

    // Pids beyond the kernel's largest: nobody has them.
    const A: u32 = 0x7000_0001;

    #[test]
    fn the_largest_have_series_and_the_rest_is_summed() {
        let (exposition, rows) =
            collect(2, vec![process(A, 1), process(A + 1, 30), process(A + 2, 20), process(A + 3, 2)]);
        let wanted = [((A + 1).to_string(), 30), ((A + 2).to_string(), 20), ("other".to_owned(), 3)];
        let wanted = wanted.map(|(pid, rss)| (pid, Value::Int(rss)));
        assert_eq!(points(&exposition, "process.memory.usage"), wanted);
        assert_eq!(rows.len(), 2);
        let faults = points(&exposition, "process.paging.faults");
        assert_eq!(faults.len(), 4, "counters are not summed");
        let count = |name| points(&exposition, name)[0].1;
        assert_eq!(count("memsight.agent.dropped_processes"), Value::Int(2));
    }

    #[test]
    fn what_becomes_known_late_changes_no_series() {
        let options = CollectorOptions { services: Services::default(), max_processes: 9 };
        let mut collector = Collector::new(options, Arc::default());
        let late = ProcessSample { python: None, ..process(A, 5) };
        let (before, _) = collector.collect(&sample(60, vec![late]));
        let (after, _) = collector.collect(&sample(61, vec![process(A, 5)]));
        assert_eq!(labels(&before), labels(&after));
        let info = |exposition: &Exposition| {
            let families = exposition.families.iter().filter(|family| family.metric.behaviour == Behaviour::Info);
            let entities = families.flat_map(|family| &family.points).map(|point| &exposition.entities[point.entity]);
            entities.map(|entity| entity.facts.clone()).collect::<Vec<_>>()
        };
        assert!(info(&before).is_empty());
        assert_eq!(info(&after), [vec![(PYTHON, "3.12.1".to_owned())]]);
    }

    #[test]
    fn a_process_of_its_first_moments_is_not_exported() {
        let options = CollectorOptions { services: Services::default(), max_processes: 9 };
        let mut collector = Collector::new(options, Arc::default());
        let mut pids = |seconds: u64| {
            let (exposition, rows) = collector.collect(&sample(seconds, vec![process(A, 5)]));
            let count = |name: &str| exposition.families.iter().filter(|family| family.metric.name == name).count();
            (count("process.memory.usage"), rows.len())
        };
        assert_eq!([pids(0), pids(1), pids(2)], [(0, 0), (1, 1), (1, 1)]);
    }

    /// This very process: what it is called is looked up once, whatever happens to its surroundings.
    #[test]
    fn a_service_stays_until_another_program_runs() {
        let name = |text: &str| text.parse().expect("a pattern");
        let services = Services { variable: String::new(), patterns: vec![name("first=.")] };
        let mut collector = Collector::new(CollectorOptions { services, max_processes: 9 }, Arc::default());
        let mut service = |program: &str, pattern: &str| {
            collector.options.services.patterns = vec![name(pattern)];
            let own = ProcessSample { name: program.to_owned(), ..process(std::process::id(), 5) };
            let (exposition, rows) = collector.collect(&sample(60, vec![own]));
            assert_eq!(exposition.entities[0].attributes[1], (SERVICE, rows[0].subject.service.clone()));
            rows[0].subject.service.clone()
        };
        assert_eq!(service("sh", "first=."), "first");
        assert_eq!(service("sh", "second=."), "first");
        assert_eq!(service("python3", "third=."), "third", "it was a launcher");
        assert_eq!(service("python3", "fourth=no such words"), "third");
    }

    #[test]
    fn zombies_and_the_dead_have_no_series() {
        let zombie = ProcessSample { state: 'Z', ..process(A, 0) };
        let (exposition, rows) = collect(9, vec![zombie, process(A + 1, 5)]);
        assert_eq!(points(&exposition, "process.memory.usage"), [((A + 1).to_string(), Value::Int(5))]);
        assert_eq!(rows.len(), 1);
    }

    #[test]
    fn every_metric_has_a_name_of_its_own() {
        let mut names: Vec<_> = super::super::all_metrics().iter().map(|metric| metric.family()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
