//! Which lines made the objects: what a recorder in the process has seen of their allocations.
//!
//! What was made before it began is not known, and in a sample not what is not in it. A block of a sample stands for as many as
//! the inverse of its chance: sums of bytes are estimates then.

use std::collections::HashMap;

use memsight_heap::Node;
use memsight_model::{Birth, BirthFrame, FrameRecord, NameId, ObjectId, RecorderNote, Snapshot};
use serde::Serialize;

use crate::code::{Made, Source};
use crate::profile::{Amount, Scale};
use crate::views::Header;
use crate::{Analysis, AnalysisError, limit};

/// What blocks are called that were allocated while no Python code ran.
const NO_FRAME: &str = "(no Python frame)";

/// What is known of births in a look.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Births {
    /// Whether every allocation was recorded; a sample otherwise.
    pub exact: bool,
    /// Bytes between samples in the mean; 0 where every allocation was recorded.
    pub sample_bytes: u64,
    /// Since when, in nanoseconds since 1970: what was made before is not known.
    pub since_ns: u64,
    /// Allocations and frees that are missing since nobody read them in time.
    pub lost_events: u64,
    /// Objects whose birth is known.
    pub known_objects: u64,
    /// Of all objects, 0 to 1.
    pub known_objects_share: f64,
    /// Bytes of blocks of objects whose allocation is known: of the objects themselves, and of what they own besides.
    pub known_bytes: u64,
    /// Of the bytes of all objects, 0 to 1.
    pub known_bytes_share: f64,
}

/// What one line made of one type.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LineRow {
    /// The type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The line, with its function and file.
    #[serde(flatten)]
    pub source: Source,
    /// Objects whose birth there was recorded; 0 where the line made only what objects own, as by `append` to a list.
    pub count: u64,
    /// As many as that stands for; the same where every allocation was recorded.
    pub estimated_count: u64,
    /// Bytes of the blocks that were recorded: of these objects, and of what objects of the type own that was allocated there.
    pub bytes: u64,
    /// As many as that stands for; the same where every allocation was recorded.
    pub estimated_bytes: u64,
    /// What would be freed with the objects whose birth there was recorded.
    pub retained_bytes: u64,
}

/// `types --by line`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LinesView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// Objects of all types.
    pub objects: u64,
    /// What is known of their births.
    pub births: Births,
    /// Pairs of a type and a line; `lines` may show fewer.
    pub line_count: u64,
    /// Types by the line that made them, most bytes first.
    pub lines: Vec<LineRow>,
}

/// A line of a function of a file.
pub(crate) type Line = (NameId, NameId, u32);

/// What was made, by line and the line that called it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    lines: HashMap<(Line, Line), Amount>,
}

/// Reads births.
pub(crate) struct Maker<'s> {
    snapshot: &'s Snapshot,
    scale: Scale,
    /// By number of frame, the newest of its stack that is of the program itself.
    own: Vec<u32>,
}

impl<'s> Maker<'s> {
    /// `None` where nothing is known. Cost: linear in frames.
    pub(crate) fn new(snapshot: &'s Snapshot) -> Option<Maker<'s>> {
        let note = known(snapshot)?;
        let is_library: HashMap<NameId, bool> = HashMap::new();
        let mut maker = Maker { snapshot, scale: Scale::new(note.sample_bytes), own: vec![0] };
        maker.find_own(is_library);
        Some(maker)
    }

    fn find_own(&mut self, mut is_library: HashMap<NameId, bool>) {
        for (number, frame) in (1..).zip(&self.snapshot.birth_frames) {
            let file = self.snapshot.names.get(frame.file);
            let is_library = *is_library.entry(frame.file).or_insert_with(|| FrameRecord::is_library(file));
            let caller = self.own.get(frame.caller as usize).copied().unwrap_or_default();
            self.own.push(if is_library { caller } else { number });
        }
    }

    /// The line of the program by which a block was made, and the one that called that; up to 3.11 a comprehension has a frame of
    /// its own, which is passed over then.
    fn lines(&self, birth: Birth) -> (Line, Line) {
        let own = |number: u32| self.own.get(number as usize).copied().unwrap_or_default();
        let caller = |number: u32| own(frame(self.snapshot, number).map_or(0, |frame| frame.caller));
        let is_part = |number: u32| {
            frame(self.snapshot, number).is_some_and(|frame| self.text(frame.function).ends_with("comp>"))
        };
        let made = match own(birth.frame) {
            0 => birth.frame,
            own => own,
        };
        let whole = if is_part(made) { caller(made) } else { made };
        (line(self.snapshot, made), line(self.snapshot, caller(whole)))
    }

    fn text(&self, name: NameId) -> &'s str {
        self.snapshot.names.get(name)
    }

    /// Counts a block.
    pub(crate) fn add(&self, tally: &mut Tally, birth: Birth) {
        *tally.lines.entry(self.lines(birth)).or_default() += self.scale.amount(birth.bytes());
    }

    /// The line that made the most; `None` where nothing is known.
    pub(crate) fn most(&self, tally: &Tally) -> Option<Made> {
        self.all(tally).into_iter().next()
    }

    /// The lines, most bytes first.
    pub(crate) fn all(&self, tally: &Tally) -> Vec<Made> {
        let all = tally.lines.values().map(|amount| amount.bytes).fold(0, u64::saturating_add);
        let mut sums: HashMap<Line, (Amount, Vec<(Line, u64)>)> = HashMap::new();
        for ((line, caller), amount) in &tally.lines {
            let sum = sums.entry(*line).or_default();
            sum.0 += *amount;
            sum.1.push((*caller, amount.bytes));
        }
        let made = |(line, (amount, callers)): (Line, (Amount, Vec<(Line, u64)>))| {
            let most = callers
                .into_iter()
                .find(|(caller, bytes)| *caller != NOWHERE && bytes.saturating_mul(2) > amount.bytes);
            Made {
                source: source(self.snapshot, line),
                called_at: most.map(|(caller, _)| source(self.snapshot, caller)),
                bytes: amount.bytes,
                share: amount.bytes as f64 / all.max(1) as f64,
            }
        };
        let mut lines: Vec<Made> = sums.into_iter().map(made).collect();
        lines.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.source.cmp(&b.source)));
        lines
    }
}

/// The line of what no frame made.
const NOWHERE: Line = (NameId(0), NameId(0), 0);

/// The note of a recorder that has told something.
fn known(snapshot: &Snapshot) -> Option<&RecorderNote> {
    snapshot.manifest.recorder.as_ref().filter(|note| note.problem.is_none())
}

fn frame(snapshot: &Snapshot, number: u32) -> Option<&BirthFrame> {
    snapshot.birth_frames.get((number as usize).checked_sub(1)?)
}

fn line(snapshot: &Snapshot, number: u32) -> Line {
    frame(snapshot, number).map_or(NOWHERE, |frame| (frame.function, frame.file, frame.line))
}

fn source(snapshot: &Snapshot, (name, file, line): Line) -> Source {
    let text = |name| snapshot.names.get(name).to_owned();
    match (name, file, line) {
        NOWHERE => Source { name: NO_FRAME.to_owned(), file: String::new(), line },
        _ => Source { name: text(name), file: text(file), line },
    }
}

/// A stack, the newest frame first.
fn stack(snapshot: &Snapshot, newest: u32) -> Vec<Source> {
    let some = |number: u32| (number != 0).then_some(number);
    // (callers have smaller numbers)
    let caller = |number: &u32| some(frame(snapshot, *number).map_or(0, |frame| frame.caller).min(number - 1));
    let frames = std::iter::successors(some(newest), caller);
    frames.map(|number| source(snapshot, line(snapshot, number))).collect()
}

/// The births of an object.
pub(crate) fn births_of(snapshot: &Snapshot, object: ObjectId) -> &[Birth] {
    let start = snapshot.births.partition_point(|birth| birth.object < object);
    let rest = snapshot.births.get(start..).unwrap_or_default();
    rest.get(..rest.partition_point(|birth| birth.object == object)).unwrap_or_default()
}

/// The stack that made an object, and that which made the largest buffer that it owns.
pub(crate) fn stacks_of(snapshot: &Snapshot, object: ObjectId) -> (Option<Vec<Source>>, Option<Vec<Source>>) {
    let births = births_of(snapshot, object);
    let own = births.iter().find(|birth| !birth.is_buffer());
    let largest = births.iter().filter(|birth| birth.is_buffer()).max_by_key(|birth| birth.bytes());
    let told = |birth: Option<&Birth>| birth.map(|birth| stack(snapshot, birth.frame));
    (told(own), told(largest))
}

/// Why nothing is known of the birth of an object, where a recorder was in the process.
pub(crate) fn unborn(snapshot: &Snapshot) -> Option<String> {
    let note = snapshot.manifest.recorder.as_ref()?;
    Some(match &note.problem {
        Some(problem) => problem.clone(),
        None if note.sample_bytes == 0 => {
            "it is older than the recording, or was made of memory kept for reuse".to_owned()
        }
        None => "it is not in the sample, or older than the recording".to_owned(),
    })
}

/// A row before it is put into words.
#[derive(Debug, Default)]
struct Sum {
    count: u64,
    bytes: u64,
    estimated: Amount,
    /// Of the objects alone.
    objects: Amount,
    retained: u64,
    /// End of the subtree of the last outermost one.
    covered: u32,
}

impl Analysis<'_> {
    /// Types by the line that made them. Cost: one pass over the births, and one over the objects.
    ///
    /// # Errors
    /// [`AnalysisError::NoBirths`].
    pub fn types_by_line(&self, top: usize) -> Result<LinesView, AnalysisError> {
        let note = self.recorder()?;
        let sums = self.line_sums(Scale::new(note.sample_bytes));
        let scale = Scale::new(note.sample_bytes);
        let mut lines: Vec<LineRow> = sums
            .into_iter()
            .map(|((group, line), sum)| LineRow {
                type_name: self.group_name(group).to_owned(),
                source: source(self.snapshot, line),
                count: sum.count,
                estimated_count: scale.count(sum.objects),
                bytes: sum.bytes,
                estimated_bytes: sum.estimated.bytes,
                retained_bytes: sum.retained,
            })
            .collect();
        lines.sort_by(|a, b| {
            let size = |row: &LineRow| (row.estimated_bytes, row.retained_bytes);
            size(b).cmp(&size(a)).then_with(|| (&a.source, &a.type_name).cmp(&(&b.source, &b.type_name)))
        });
        let line_count = lines.len() as u64;
        lines.truncate(limit(top));
        let objects = self.snapshot.objects.len() as u64;
        Ok(LinesView { header: self.header(), objects, births: self.births(note), line_count, lines })
    }

    /// The note of the recorder; an error where there is none, or it has told nothing.
    fn recorder(&self) -> Result<&RecorderNote, AnalysisError> {
        match &self.snapshot.manifest.recorder {
            None => Err(AnalysisError::NoBirths { pid: self.snapshot.manifest.pid }),
            Some(RecorderNote { problem: Some(reason), .. }) => {
                Err(AnalysisError::BirthsUnread { pid: self.snapshot.manifest.pid, reason: reason.clone() })
            }
            Some(note) => Ok(note),
        }
    }

    fn births(&self, note: &RecorderNote) -> Births {
        let births = &self.snapshot.births;
        let known_objects = births.iter().filter(|birth| !birth.is_buffer()).count() as u64;
        let known_bytes = births.iter().map(|birth| birth.bytes()).fold(0, u64::saturating_add);
        // (blocks are somewhat larger than what is in them)
        let share = |part: u64, all: u64| (part as f64 / all.max(1) as f64).min(1.0);
        Births {
            exact: note.sample_bytes == 0,
            sample_bytes: note.sample_bytes,
            since_ns: note.since_ns,
            lost_events: note.lost_events,
            known_objects,
            known_objects_share: share(known_objects, self.snapshot.objects.len() as u64),
            known_bytes,
            known_bytes_share: share(known_bytes, self.graph.tree().total_bytes()),
        }
    }

    fn line_sums(&self, scale: Scale) -> HashMap<(u32, Line), Sum> {
        let (snapshot, tree) = (self.snapshot, self.graph.tree());
        let mut sums: HashMap<(u32, Line), Sum> = HashMap::new();
        let mut made: Vec<(Node, u32, Line)> = Vec::new();
        for birth in &snapshot.births {
            let (group, line) = (self.group(birth.object), line(snapshot, birth.frame));
            let sum = sums.entry((group, line)).or_default();
            let amount = scale.amount(birth.bytes());
            sum.bytes = sum.bytes.saturating_add(birth.bytes());
            sum.estimated += amount;
            if !birth.is_buffer() {
                sum.count += 1;
                sum.objects += amount;
                made.push((tree.node(birth.object), group, line));
            }
        }
        // in preorder, where an instance below another one of its row retains nothing more
        made.sort_unstable_by_key(|(node, ..)| *node);
        for (node, group, line) in made {
            let sum = sums.entry((group, line)).or_default();
            if node.0 >= sum.covered {
                sum.retained = sum.retained.saturating_add(tree.retained(node));
                sum.covered = tree.end(node).0;
            }
        }
        sums
    }

    /// The line that made most of what is in some subtrees, ascending and disjoint. Cost: a search for each birth.
    pub(crate) fn made_in(&self, parts: &[Node]) -> Option<Made> {
        let (maker, tree) = (Maker::new(self.snapshot)?, self.graph.tree());
        let is_inside = |node: Node| {
            let next = parts.partition_point(|part| *part <= node);
            next.checked_sub(1).and_then(|last| parts.get(last)).is_some_and(|part| node < tree.end(*part))
        };
        let mut tally = Tally::default();
        for birth in self.snapshot.births.iter().filter(|birth| is_inside(tree.node(birth.object))) {
            maker.add(&mut tally, *birth);
        }
        maker.most(&tally)
    }
}
