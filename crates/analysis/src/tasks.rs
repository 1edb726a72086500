//! Tasks of asyncio: what they run, where they wait, and who keeps those that are done.

use std::collections::HashMap;

use memsight_model::{ObjectId, ObjectKind, Snapshot};
use serde::Serialize;

use crate::awaits::{TO_CORO, awaits, task_classes};
use crate::code::{Source, attribute, line_of, modules, named, source_of};
use crate::views::Header;
use crate::words::{object_kind, type_name, unquoted};
use crate::{Analysis, limit};

/// Names of tasks that are shown of a group.
const NAMES: usize = 5;

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Not done.
    Pending,
    /// Done, with a result.
    Finished,
    /// Done, with an exception.
    Failed,
    /// Done, for it was cancelled.
    Cancelled,
}

impl TaskState {
    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            TaskState::Pending => "pending",
            TaskState::Finished => "finished",
            TaskState::Failed => "failed",
            TaskState::Cancelled => "cancelled",
        }
    }
}

/// Tasks that run the same coroutine and wait at the same line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskGroup {
    /// How many.
    pub count: u64,
    /// How far they have come.
    pub state: TaskState,
    /// The coroutine that they run; absent where it is no coroutine of Python.
    pub coroutine: Option<Source>,
    /// The type of what they run; absent for tasks that were made without a coroutine.
    pub runs: Option<String>,
    /// Where they wait: the innermost coroutine that is awaited, and its line now.
    pub waits_at: Option<Source>,
    /// What that one waits for: `Future`, `Task worker (app.py:17)`.
    pub waits_for: Option<String>,
    /// Of the example, the coroutines that are awaited, the task's own first, each with its line now.
    pub awaits: Vec<Source>,
    /// What the tasks keep alive.
    pub retained_bytes: u64,
    /// Those of these bytes that are in private memory.
    pub retained_resident_bytes: u64,
    /// Part of all bytes in private memory that they retain, 0 to 1.
    pub share: f64,
    /// Names of some, where the look kept values.
    pub names: Vec<String>,
    /// Who keeps them: an object that holds at least half, or the types of the holders.
    pub kept_by: Option<String>,
    /// Address of one of them, the one that retains the most.
    pub example: String,
}

/// `tasks`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TasksView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// Tasks.
    pub tasks: u64,
    /// Of them, those that are not done.
    pub pending: u64,
    /// Those that have a result.
    pub finished: u64,
    /// Those that have an exception.
    pub failed: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
    /// What all of them keep alive, each byte once.
    pub retained_bytes: u64,
    /// Groups; `groups` may show fewer.
    pub group_count: u64,
    /// Tasks by what they run and where they wait, the most retained first.
    pub groups: Vec<TaskGroup>,
}

/// What tasks of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Kind {
    state: TaskState,
    coroutine: Option<Source>,
    runs: Option<String>,
    waits_at: Option<Source>,
    waits_for: Option<String>,
}

impl Analysis<'_> {
    /// The tasks of asyncio by what they run and where they wait; at most `top` groups. Cost: one pass over the objects, and
    /// a few searches for each task.
    pub fn tasks(&self, top: usize) -> TasksView {
        let snapshot = self.snapshot;
        let classes = task_classes(snapshot);
        let ends = Ends::of(snapshot);
        let is_task = |object: &ObjectId| {
            let row = snapshot.objects.types.get(object.index());
            row.and_then(|row| classes.get(row.0 as usize)).is_some_and(|is_task| *is_task)
        };
        let mut groups: HashMap<Kind, Vec<ObjectId>> = HashMap::new();
        let mut all = Vec::new();
        for task in snapshot.objects.ids().filter(is_task) {
            all.push(task);
            groups.entry(kind(snapshot, task, &ends)).or_default().push(task);
        }
        let count =
            |state| groups.iter().filter(|(kind, _)| kind.state == state).map(|(_, all)| all.len() as u64).sum();
        let mut view = TasksView {
            header: self.header(),
            tasks: all.len() as u64,
            pending: count(TaskState::Pending),
            finished: count(TaskState::Finished),
            failed: count(TaskState::Failed),
            cancelled: count(TaskState::Cancelled),
            retained_bytes: self.graph.tree().retained_by_all(self.nodes_of(&all)),
            group_count: groups.len() as u64,
            groups: Vec::new(),
        };
        let mut rows: Vec<(u64, Kind, Vec<ObjectId>)> = groups
            .into_iter()
            .map(|(kind, tasks)| (self.graph.tree().retained_by_all(self.nodes_of(&tasks)), kind, tasks))
            .collect();
        rows.sort_by(|a, b| (b.0, b.2.len()).cmp(&(a.0, a.2.len())).then_with(|| a.1.cmp(&b.1)));
        rows.truncate(limit(top));
        view.groups = rows.into_iter().map(|(retained, kind, tasks)| self.task_group(retained, kind, &tasks)).collect();
        view
    }

    fn nodes_of(&self, objects: &[ObjectId]) -> Vec<memsight_heap::Node> {
        objects.iter().map(|&object| self.graph.tree().node(object)).collect()
    }

    fn task_group(&self, retained_bytes: u64, kind: Kind, tasks: &[ObjectId]) -> TaskGroup {
        let (snapshot, tree) = (self.snapshot, self.graph.tree());
        let resident = |task: &ObjectId| tree.resident(tree.node(*task));
        // Tasks seldom lie below each other: a task that awaits another one does not hold it alone.
        let resident_bytes = tasks.iter().map(resident).fold(0, u64::saturating_add).min(retained_bytes);
        let example = tasks.iter().copied().max_by_key(|task| (resident(task), std::cmp::Reverse(*task)));
        let pending = kind.state == TaskState::Pending;
        let name = |task: &ObjectId| {
            let text = snapshot.texts.get(attribute(snapshot, *task, &["task_name", "_name"])?)?;
            // From 3.12 on C keeps the number of a task that nobody named.
            Some(unquoted(text).unwrap_or_else(|| format!("Task-{text}")))
        };
        TaskGroup {
            count: tasks.len() as u64,
            state: kind.state,
            coroutine: kind.coroutine,
            runs: kind.runs,
            waits_at: kind.waits_at,
            waits_for: kind.waits_for,
            awaits: example.filter(|_| pending).map(|task| awaits(snapshot, task).0).unwrap_or_default(),
            retained_bytes,
            retained_resident_bytes: resident_bytes,
            share: self.share(resident_bytes),
            names: tasks.iter().filter_map(name).take(NAMES).collect(),
            kept_by: self.holders_of(tasks).map(|holders| holders.words(self)),
            example: example.map_or_else(String::new, |task| snapshot.objects.addresses.get(task).to_string()),
        }
    }
}

fn kind(snapshot: &Snapshot, task: ObjectId, ends: &Ends) -> Kind {
    let state = state(snapshot, task, ends);
    let (chain, waits_for) = match state {
        TaskState::Pending => awaits(snapshot, task),
        _ => Default::default(),
    };
    let runs = attribute(snapshot, task, &TO_CORO).map(|coroutine| type_name(snapshot, coroutine).to_owned());
    Kind { state, coroutine: source_of(snapshot, task), runs, waits_at: chain.last().cloned(), waits_for }
}

/// The words for the state of a task of Python, which are objects of one module.
struct Ends {
    finished: Option<ObjectId>,
    cancelled: Option<ObjectId>,
}

impl Ends {
    fn of(snapshot: &Snapshot) -> Ends {
        let module = modules(snapshot, "asyncio.base_futures").next();
        let word = |name| module.and_then(|module| attribute(snapshot, module, &[name]));
        Ends { finished: word("_FINISHED"), cancelled: word("_CANCELLED") }
    }
}

fn state(snapshot: &Snapshot, task: ObjectId, ends: &Ends) -> TaskState {
    let is_something = |object: &ObjectId| object_kind(snapshot, *object) != ObjectKind::None;
    if let Some(coroutine) = named(snapshot, task, &["task_coro"]) {
        // A result, also None, or an exception are there once it is done.
        return match (named(snapshot, task, &["task_exception"]), named(snapshot, task, &["task_result"])) {
            (Some(_), _) => TaskState::Failed,
            (None, Some(_)) => TaskState::Finished,
            (None, None) => {
                let is_coroutine = object_kind(snapshot, coroutine) == ObjectKind::Generator;
                let ended = is_coroutine && line_of(snapshot, coroutine).is_none() && !snapshot.code.is_empty();
                if ended { TaskState::Cancelled } else { TaskState::Pending }
            }
        };
    }
    match attribute(snapshot, task, &["_state"]) {
        Some(state) if Some(state) == ends.cancelled => TaskState::Cancelled,
        Some(state) if Some(state) == ends.finished => {
            match attribute(snapshot, task, &["_exception"]).filter(is_something) {
                Some(_) => TaskState::Failed,
                None => TaskState::Finished,
            }
        }
        _ => TaskState::Pending,
    }
}
