//! Traces of the processes of one run, found beside the first, and read as one.
//!
//! ```text
//! heads (who belongs to the run, since when) ──> Merged: the records of all of them, by time ──> one profile
//! ```
//! Each file is open only from its beginning to its end: children that come one after the other are not open at once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use memsight_analysis::profile::At;
use memsight_format::FormatError;
use memsight_format::trace::Reader;
use memsight_model::trace::{Code, End, Event, Frame, Head, Module, NATIVE, Record, Symbol};

use crate::names::is_of_child;

/// A trace of a run.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub path: PathBuf,
    pub head: Head,
}

/// The traces of the run that the trace at `path` is the first of, that one first, the others as they began. Cost: the heads of
/// the files beside it that have such a name.
pub(crate) fn members(path: &Path) -> Result<Vec<Member>, FormatError> {
    let head = Reader::open(path)?.head().clone();
    let run = head.family.map(|family| family.run);
    let mut members = vec![Member { path: path.to_owned(), head }];
    let Some(run) = run else { return Ok(members) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    #[allow(clippy::disallowed_methods, reason = "the engine looks for files")]
    let entries = std::fs::read_dir(folder);
    // (a folder that cannot be listed shows nobody else)
    for entry in entries.into_iter().flatten().flatten().filter(|entry| is_of_child(path, &entry.file_name())) {
        // (what is no trace, or of another run, has nothing to do with this one)
        let Ok(reader) = Reader::open(&path.with_file_name(entry.file_name())) else { continue };
        let head = reader.head().clone();
        if head.family.is_some_and(|family| family.run == run) {
            members.push(Member { path: path.with_file_name(entry.file_name()), head });
        }
    }
    members[1..].sort_by(|a, b| began(a).cmp(&began(b)).then_with(|| a.path.cmp(&b.path)));
    Ok(members)
}

fn began(member: &Member) -> u64 {
    member.head.started.monotonic_ns
}

/// The records of several traces as those of one. Numbers of code objects and frames, and addresses, are given anew, so that those
/// of different processes are different. What a process had is free when it has ended, but where its end is asked for; of the
/// first it stays.
pub(crate) struct Merged {
    at: At,
    /// Those that have not begun, the next one last.
    to_come: Vec<(usize, Member)>,
    open: HashMap<usize, Process>,
    /// When each of these goes on, the first at the top.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    ready: VecDeque<Record>,
    began_ns: u64,
    now_ns: u64,
    frames: u32,
    /// By number of code object: the minor version of its Python.
    minors: Vec<u32>,
    /// So many modules of compiled code have a number.
    modules: u32,
    end: End,
    is_cut: bool,
    is_over: bool,
}

/// A trace that is read.
struct Process {
    reader: Reader,
    number: usize,
    began_ns: u64,
    minor: u32,
    thread: u32,
    codes: HashMap<u32, u32>,
    modules: HashMap<u32, u32>,
    frames: Vec<u32>,
    live: HashSet<u64>,
    resident: u64,
    is_ending: bool,
    has_end: bool,
}

impl Merged {
    pub(crate) fn new(members: Vec<Member>, at: At) -> Merged {
        let began_ns = members.iter().map(began).min().unwrap_or_default();
        let mut to_come: Vec<(usize, Member)> = members.into_iter().enumerate().collect();
        to_come.sort_by_key(|(number, member)| Reverse((began(member), *number)));
        Merged {
            at,
            to_come,
            open: HashMap::new(),
            next: BinaryHeap::new(),
            ready: VecDeque::new(),
            began_ns,
            now_ns: 0,
            frames: 0,
            minors: vec![0],
            modules: 0,
            end: End::default(),
            is_cut: false,
            is_over: false,
        }
    }

    /// Whether one of them has no end. Known after the last record.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The minor version of the Python that a code object is of.
    pub(crate) fn minor(&self, code: u32) -> u32 {
        self.minors.get(code as usize).copied().unwrap_or_default()
    }

    /// Opens those that begin before the others go on.
    fn open(&mut self) -> Result<(), FormatError> {
        while let Some((number, member)) = self.to_come.pop() {
            let began_ns = began(&member) - self.began_ns;
            if self.next.peek().is_some_and(|Reverse((first, _))| *first < began_ns) {
                self.to_come.push((number, member));
                break;
            }
            let reader = Reader::open(&member.path)?;
            self.next.push(Reverse((began_ns, number)));
            self.open.insert(number, Process::new(reader, number, began_ns, member.head.python_minor));
        }
        Ok(())
    }

    /// Reads the process that is first up to where another one is, or its end.
    fn advance(&mut self) -> Result<(), FormatError> {
        self.open()?;
        let Some(Reverse((ns, number))) = self.next.pop() else {
            if !std::mem::replace(&mut self.is_over, true) {
                let duration_ns = self.end.duration_ns.max(self.now_ns);
                self.ready.push_back(Record::End(End { duration_ns, ..self.end }));
            }
            return Ok(());
        };
        let Some(mut process) = self.open.remove(&number) else { return Ok(()) };
        self.time(ns);
        self.ready.push_back(Record::Event(Event::Thread(process.thread)));
        let until = self.next.peek().map_or(u64::MAX, |Reverse((ns, _))| *ns);
        let until = until.min(self.to_come.last().map_or(u64::MAX, |(_, member)| began(member) - self.began_ns));
        // (so much at once that memory stays small)
        for _ in 0..1 << 16 {
            let Some(record) = process.reader.read()? else {
                self.ended(process);
                return Ok(());
            };
            if let Record::Event(Event::Time(at)) = record {
                let at = process.began_ns.saturating_add(at);
                if at > until {
                    self.next.push(Reverse((at, number)));
                    self.open.insert(number, process);
                    return Ok(());
                }
                self.time(at);
                continue;
            }
            self.take(&mut process, record);
        }
        self.next.push(Reverse((self.now_ns, number)));
        self.open.insert(number, process);
        Ok(())
    }

    fn time(&mut self, ns: u64) {
        if ns > self.now_ns {
            self.now_ns = ns;
            self.ready.push_back(Record::Event(Event::Time(ns)));
        }
    }

    fn take(&mut self, process: &mut Process, record: Record) {
        let taken = match record {
            Record::Code(code) => {
                let number = process.code(code.number, &mut self.minors);
                Some(Record::Code(Code { number, ..code }))
            }
            Record::Frame(frame) => {
                let code = match frame.code & NATIVE {
                    0 => process.code(frame.code, &mut self.minors),
                    _ => NATIVE | process.module(frame.code & !NATIVE, &mut self.modules),
                };
                let caller = process.frame(frame.caller);
                self.frames += 1;
                process.frames.push(self.frames);
                Some(Record::Frame(Frame { caller, code, ..frame }))
            }
            Record::Module(module) => {
                let number = process.module(module.number, &mut self.modules);
                Some(Record::Module(Module { number, ..module }))
            }
            Record::Symbol(symbol) => {
                let module = process.module(symbol.module, &mut self.modules);
                Some(Record::Symbol(Symbol { module, ..symbol }))
            }
            Record::End(end) => {
                process.has_end = true;
                self.end.lost_events += end.lost_events;
                if process.number == 0 {
                    (self.end.exit_code, self.end.signal) = (end.exit_code, end.signal);
                }
                let ends = process.began_ns.saturating_add(end.duration_ns);
                self.end.duration_ns = self.end.duration_ns.max(ends);
                None
            }
            Record::Event(Event::Resident(bytes)) => {
                process.resident = bytes;
                let others: u64 = self.open.values().map(|other| other.resident).sum();
                Some(Record::Event(Event::Resident(others.saturating_add(bytes))))
            }
            Record::Event(event) => process.event(event).map(Record::Event),
        };
        self.ready.extend(taken);
    }

    fn ended(&mut self, process: Process) {
        self.is_cut |= !process.has_end;
        let is_kept = process.number == 0 || matches!(self.at, At::End | At::All);
        if !is_kept {
            // (that nobody's next allocation but one was before it)
            self.ready.push_back(Record::Event(Event::Thread(0)));
            self.ready.extend(process.live.into_iter().map(|address| Record::Event(Event::Freed(address))));
        }
    }
}

impl Iterator for Merged {
    type Item = Result<Record, FormatError>;

    fn next(&mut self) -> Option<Result<Record, FormatError>> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Some(Ok(record));
            }
            if self.is_over {
                return None;
            }
            if let Err(error) = self.advance() {
                self.is_over = true;
                return Some(Err(error));
            }
        }
    }
}

impl Process {
    fn new(reader: Reader, number: usize, began_ns: u64, minor: u32) -> Process {
        Process {
            reader,
            number,
            began_ns,
            minor,
            thread: 0,
            codes: HashMap::new(),
            modules: HashMap::new(),
            frames: vec![0],
            live: HashSet::new(),
            resident: 0,
            is_ending: false,
            has_end: false,
        }
    }

    /// What a module of it is called among all, of which there are `count` so far; 0, which is none, stays 0.
    fn module(&mut self, number: u32, count: &mut u32) -> u32 {
        if number == 0 {
            return 0;
        }
        *self.modules.entry(number).or_insert_with(|| {
            *count += 1;
            *count
        })
    }

    /// What a code object of it is called among all.
    fn code(&mut self, code: u32, minors: &mut Vec<u32>) -> u32 {
        if code == 0 {
            return 0;
        }
        *self.codes.entry(code).or_insert_with(|| {
            minors.push(self.minor);
            (minors.len() - 1) as u32
        })
    }

    /// What a frame of it is called among all; one that was not told is none.
    fn frame(&self, frame: u32) -> u32 {
        self.frames.get(frame as usize).copied().unwrap_or_default()
    }

    /// What an event of it is among all; `None` for what follows the end of its interpreter.
    fn event(&mut self, event: Event) -> Option<Event> {
        // user space ends at 2^47
        let address_of = |address: u64| address | (self.number as u64) << 48;
        match event {
            Event::Thread(thread) => {
                self.thread = thread;
                Some(event)
            }
            Event::Ending => {
                self.is_ending = true;
                None
            }
            _ if self.is_ending => None,
            Event::Allocated { domain, address, bytes, stack } => {
                let address = address_of(address);
                self.live.insert(address);
                Some(Event::Allocated { domain, address, bytes, stack: self.frame(stack) })
            }
            Event::Freed(address) => {
                let address = address_of(address);
                self.live.remove(&address);
                Some(Event::Freed(address))
            }
            other => Some(other),
        }
    }
}
