//! Suspects in words.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use memsight_heap::Path;
use memsight_model::{Bytes, ObjectId, RootKind, count};

use super::{Culprit, Group};
use crate::Analysis;
use crate::awaits::commonest_wait;
use crate::code::{Source, commonest};
use crate::code_rows::waits;
use crate::route::{ends, words};
use crate::views::{Inside, Mostly, Suspect, TypeRow};
use crate::words::{by, frame, root, short, short_type};

/// Types listed as what a suspect holds.
const HOLDS: usize = 8;
/// Types beside the one that names a suspect which its summary tells.
const BESIDE: usize = 2;
/// Words to search the source for.
const KEYWORDS: usize = 12;

impl Analysis<'_> {
    pub(super) fn describe_all(&self, culprits: &[Culprit]) -> Vec<Suspect> {
        let mut suspects: Vec<Suspect> = Vec::with_capacity(culprits.len());
        for culprit in culprits {
            let mut suspect = self.describe(culprit);
            let shared =
                |earlier: &Suspect| start_of(&earlier.path).is_some_and(|s| Some(s) == start_of(&suspect.path));
            suspect.shares_path_with =
                (0..).zip(&suspects).filter(|(_, earlier)| shared(earlier)).map(|(at, _)| at).collect();
            suspects.push(suspect);
        }
        suspects
    }

    fn describe(&self, culprit: &Culprit) -> Suspect {
        let example = culprit.keeper.or_else(|| self.example(culprit));
        let path = example.and_then(|object| self.path_to(object));
        let in_words = path.as_ref().map_or_else(Vec::new, |path| words(self.snapshot, path));
        let type_name = self.group_name(culprit.group).to_owned();
        let resident = culprit.resident(self.graph.tree());
        let members = match culprit.keeper.filter(|_| culprit.count == 1) {
            Some(object) => vec![object],
            None => self.of_group(&culprit.parts, culprit.node, culprit.group),
        };
        let code = commonest(self.snapshot, &members);
        let waits_at = waits(&type_name).then(|| commonest_wait(self.snapshot, &members)).flatten();
        let holds = self.holds(culprit);
        let others: Vec<ObjectId> = culprit.others.iter().filter_map(|&part| self.graph.tree().object(part)).collect();
        let kept = match culprit.keeper {
            Some(object) if others.is_empty() => by("kept", &self.keeper(object, &in_words)),
            Some(object) => {
                let kept = count(culprit.count.saturating_sub(others.len() as u64));
                let keeper = by("kept", &self.keeper(object, &in_words));
                format!("{kept} of them {keeper}, {} {}", count(others.len() as u64), self.ways(&others))
            }
            None => self.ways(&members),
        };
        let inside = if culprit.is_mixed() { self.inside(culprit) } else { Vec::new() };
        let what = instances(culprit.count, &type_name, members.len(), code.as_ref());
        Suspect {
            summary: self.summary(culprit, &format!("{what}{}", beside(&inside, culprit.retained)), &kept),
            keywords: self.keywords(path.as_ref(), &type_name, &in_words),
            type_name,
            count: culprit.count,
            code_count: code.as_ref().map(|(_, count)| *count),
            code: code.map(|(source, _)| source),
            waits_at,
            inside,
            kept_count: (!others.is_empty()).then(|| culprit.count.saturating_sub(others.len() as u64)),
            retained_bytes: culprit.retained,
            retained_resident_bytes: resident,
            share: self.share(resident),
            path: in_words,
            accumulation_point: culprit.keeper.map(|object| self.object_ref(object)),
            mostly: Self::mostly(&holds),
            holds: holds.into_iter().take(HOLDS).collect(),
            thread: path.and_then(|path| self.thread_of(&path)),
            shares_path_with: Vec::new(),
        }
    }

    /// A member of a group without keeper that is held as most of its members are: by nothing, by C code, by others.
    fn example(&self, culprit: &Culprit) -> Option<ObjectId> {
        let paths = self.graph.paths(self.snapshot);
        let mut ways: BTreeMap<Option<RootKind>, (Reverse<u64>, ObjectId)> = BTreeMap::new();
        for object in culprit.parts.iter().filter_map(|&part| self.graph.tree().object(part)) {
            let Some(step) = paths.last_step(self.snapshot, self.graph.roots(), object) else { continue };
            let origin = step.err();
            let way = ways.entry(origin.map(|origin| origin.kind(self.snapshot))).or_insert((Reverse(0), object));
            way.0.0 += 1;
        }
        ways.into_values().min().map(|(_, object)| object)
    }

    /// "250,000 instances of Session, kept by app.cache._entries (dict), hold 120.0 MiB (63.1%)".
    fn summary(&self, culprit: &Culprit, instances: &str, kept: &str) -> String {
        let resident = culprit.resident(self.graph.tree());
        format!(
            "{instances}, {kept}, {} {} ({:.1}%){}",
            if culprit.count == 1 { "holds" } else { "hold" },
            Bytes(culprit.retained),
            100.0 * self.share(resident),
            if resident < culprit.retained { format!(", {} of it in memory", Bytes(resident)) } else { String::new() },
        )
    }

    /// What gathers at a suspect, by type.
    fn inside(&self, culprit: &Culprit) -> Vec<Inside> {
        let row = |sum: &Group| Inside {
            type_name: self.group_name(sum.group).to_owned(),
            count: sum.count,
            bytes: sum.bytes,
        };
        culprit.inside.iter().map(row).collect()
    }

    fn keeper(&self, object: ObjectId, in_words: &[String]) -> String {
        match self.expression(object) {
            Some(name) => format!("{name} ({})", short_type(self.snapshot, object)),
            None => ends(in_words),
        }
    }

    /// Types of what the suspect holds, without the object that gives it its name.
    fn holds(&self, culprit: &Culprit) -> Vec<TypeRow> {
        let tree = self.graph.tree();
        let slices = culprit.parts.iter().map(|&part| {
            let Range { start, end } = tree.range(part);
            let itself = part == culprit.node && start.after() < end;
            if itself { start.after()..end } else { start..end }
        });
        self.histogram(slices)
    }

    /// The type that at least half of the bytes are in.
    fn mostly(rows: &[TypeRow]) -> Option<Mostly> {
        let own = |row: &TypeRow| row.shallow_bytes.saturating_add(row.external_bytes).saturating_add(row.native_bytes);
        let all = rows.iter().map(own).fold(0, u64::saturating_add);
        let most = rows.iter().max_by_key(|row| own(row)).filter(|row| own(row) > 0 && own(row) >= all / 2)?;
        Some(Mostly {
            type_name: most.type_name.clone(),
            count: most.count,
            bytes: own(most),
            share: own(most) as f64 / all as f64,
        })
    }

    /// The frame whose local variable holds something on the path.
    fn thread_of(&self, path: &Path) -> Option<String> {
        let held: BTreeSet<ObjectId> = path.objects().collect();
        let own = path.origin.record(self.snapshot).filter(|root| root.frame.is_some());
        let local =
            || self.snapshot.roots.iter().find(|root| root.kind == RootKind::FrameLocal && held.contains(&root.object));
        let root = own.or_else(local)?;
        match self.snapshot.names.get(root.name) {
            "" => Some(frame(self.snapshot, root)),
            name => Some(format!("{} local {name}", frame(self.snapshot, root))),
        }
    }

    /// Names on the path that a person would search the source for.
    fn keywords(&self, path: Option<&Path>, type_name: &str, in_words: &[String]) -> Vec<String> {
        let origin = path.map(|path| root(self.snapshot, path.origin)).unwrap_or_default();
        let mut keywords: Vec<String> = Vec::new();
        let mut add = |word: &str| {
            if is_name(word) && !keywords.iter().any(|known| known == word) {
                keywords.push(word.to_owned());
            }
        };
        add(short(type_name));
        for (at, word) in in_words.iter().enumerate() {
            let word = if at == 0 { origin.as_str() } else { word.split(" (").next().unwrap_or(word) };
            word.split(' ').map(|part| part.trim_end_matches("()")).for_each(&mut add);
        }
        keywords.truncate(KEYWORDS);
        keywords
    }
}

/// `250,000 instances of Session`; `20,000 instances of coroutine Channel.until_closed (ws.py:41)`; `20,000 instances of
/// function, 10,500 of them add.<locals>.<lambda> (app.py:17)`.
fn instances(number: u64, type_name: &str, members: usize, code: Option<&(Source, u64)>) -> String {
    let instances = if number == 1 { "instance" } else { "instances" };
    let start = format!("{} {instances} of {type_name}", count(number));
    match code {
        None => start,
        Some((source, of)) if *of == members as u64 && type_name.ends_with("Task") => {
            format!("{start} running {}", source.in_brackets())
        }
        Some((source, of)) if *of == members as u64 => format!("{start} {}", source.behind_type()),
        Some((source, of)) => format!("{start}, {} of them {}", count(*of), source.in_brackets()),
    }
}

/// The types beside the one that names a suspect, with the bytes of each: ` (17.6 MiB) and 500 of bytes (14.4 MiB)`.
fn beside(inside: &[Inside], all: u64) -> String {
    let Some((first, others)) = inside.split_first() else { return String::new() };
    let told = others.iter().take(BESIDE).take_while(|row| row.bytes >= all / 20).count();
    let (told, rest) = others.split_at(told);
    let mut rows: Vec<String> =
        told.iter().map(|row| format!("{} of {} ({})", count(row.count), row.type_name, Bytes(row.bytes))).collect();
    let (number, bytes) = rest.iter().fold((0, 0u64), |(n, sum), row| (n + row.count, sum.saturating_add(row.bytes)));
    if bytes >= (all / 20).max(1) {
        rows.push(format!("{} of other types ({})", count(number), Bytes(bytes)));
    }
    let last = rows.pop().map(|last| format!(" and {last}")).unwrap_or_default();
    let middle: String = rows.iter().map(|row| format!(", {row}")).collect();
    format!(" ({}){middle}{last}", Bytes(first.bytes))
}

/// The root and the first step: what two paths have in common when they lead to the same place in the source.
fn start_of(path: &[String]) -> Option<&[String]> {
    path.get(..2)
}

/// Whether a word may stand in source and says something: no built-in, no part of our own sentences.
fn is_name(word: &str) -> bool {
    const PLAIN: [&str; 37] = [
        "module",
        "thread",
        "frame",
        "local",
        "at",
        "interpreter",
        "static",
        "type",
        "interned",
        "strings",
        "held",
        "by",
        "nobody",
        "known",
        "C",
        "code",
        "unreachable",
        "cycle",
        "temporary",
        "cell",
        "field",
        "key",
        "member",
        "more",
        "repeated",
        "dict",
        "list",
        "tuple",
        "set",
        "str",
        "bytes",
        "int",
        "float",
        "globals",
        "function",
        "object",
        "NoneType",
    ];
    let identifier = word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    identifier && word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !PLAIN.contains(&word)
}
