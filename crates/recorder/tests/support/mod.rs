//! A program that is recorded, and what was written of it.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Failed;
use memsight_recorder::LIBRARY;
use memsight_recorder::wire::{self, CHUNK_BYTES, Event, HEAD_WORDS, HEADER_BYTES, Kind};

/// A code object by what the interpreter says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub name: String,
    pub file: String,
    pub first_line: u32,
}

/// An allocation with its stack, the oldest frame first: numbers of code objects and positions.
#[derive(Debug, Clone)]
pub struct Allocation {
    pub kind: Kind,
    pub address: u64,
    pub bytes: u64,
    pub stack: Vec<(u64, u64)>,
}

/// All that a program's recorder wrote.
#[derive(Debug, Default)]
pub struct Recording {
    pub codes: HashMap<u64, Code>,
    pub allocations: Vec<Allocation>,
    /// What was not freed, by address: the index of its allocation.
    pub live: HashMap<u64, usize>,
    pub frees: u64,
    pub unknown_frees: u64,
    /// Blocks that were allocated where one was.
    pub missed_frees: u64,
    /// Events that were lost.
    pub lost: u64,
    /// How many blocks were live when the interpreter began to end.
    pub ending: Option<usize>,
}

/// The ring of a test, in a file that is gone with it.
pub struct Ring {
    folder: tempfile::TempDir,
}

impl Ring {
    pub fn new(chunks: u32) -> Result<Ring, Failed> {
        Ring::sampled(chunks, 0, 0)
    }

    /// One for a sample with this mean; 0 for every event.
    pub fn sampled(chunks: u32, mean: u64, seed: u64) -> Result<Ring, Failed> {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
        std::fs::write(folder.path().join("recorder.so"), LIBRARY)?;
        let mut file =
            std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(folder.path().join("ring"))?;
        file.set_len((HEADER_BYTES + chunks as usize * CHUNK_BYTES) as u64)?;
        for word in wire::header(chunks, u64::from(chunks), mean, seed) {
            file.write_all(&word.to_le_bytes())?;
        }
        Ok(Ring { folder })
    }

    /// Where the library is.
    pub fn library(&self) -> PathBuf {
        self.folder.path().join("recorder.so")
    }

    /// Where the ring is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("ring")
    }

    /// A command that is recorded.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("LD_PRELOAD", self.folder.path().join("recorder.so"));
        command.env("MEMSIGHT_RECORDER", self.folder.path().join("ring"));
        command
    }

    /// The same with another library besides.
    pub fn command_with(&self, library: &Path, program: &Path) -> Command {
        let mut command = self.command(program);
        let both = [&self.folder.path().join("recorder.so"), library].map(|path| path.display().to_string());
        command.env("LD_PRELOAD", both.join(":"));
        command
    }

    /// What was written, once the program has ended.
    pub fn read(&self) -> Result<Recording, Failed> {
        let bytes = std::fs::read(self.folder.path().join("ring"))?;
        let words: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let (header, chunks) = words.split_at(HEADER_BYTES / 8);
        let mut written: Vec<&[u64]> =
            chunks.chunks(CHUNK_BYTES / 8).filter(|chunk| chunk[0] as u32 != wire::FREE).collect();
        written.sort_by_key(|chunk| chunk[1]);
        let mut recording = Recording { lost: header[4], ..Recording::default() };
        let mut events = Vec::new();
        for chunk in written {
            events.extend(timed(chunk, &mut recording.codes)?);
        }
        // Those of one thread are in order; of several, by the times in between.
        events.sort_by_key(|(stamp, _)| *stamp);
        for (_, event) in events {
            recording.take(event);
        }
        Ok(recording)
    }
}

/// A block that came or went.
enum Change {
    Came(Allocation),
    Went(u64),
    Ending,
}

fn timed(chunk: &[u64], codes: &mut HashMap<u64, Code>) -> Result<Vec<(u64, Change)>, Failed> {
    let mut stamp = chunk[2] & ((1 << 60) - 1);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (mut stack, mut found) = (Vec::new(), Vec::new());
    let mut events = wire::events(&chunk[HEAD_WORDS..]);
    for event in events.by_ref() {
        match event {
            Event::Allocated { kind, address, bytes } => {
                let stack = stack.clone();
                found.push((stamp, Change::Came(Allocation { kind, address, bytes, stack })));
            }
            Event::Freed { address } => found.push((stamp, Change::Went(address))),
            Event::Pop { depth } => stack.truncate(depth as usize),
            Event::Push { code, offset } => stack.push((code, offset)),
            Event::Ending => found.push((stamp, Change::Ending)),
            Event::Time { stamp: now } => stamp = now,
            Event::Code(code) => {
                let (name, file) = (text(code.name().collect()), text(code.file().collect()));
                codes.insert(code.number, Code { name, file, first_line: code.first_line });
            }
        }
    }
    if events.is_whole() { Ok(found) } else { Err("a chunk holds what is no event".into()) }
}

impl Recording {
    fn take(&mut self, change: Change) {
        match change {
            Change::Came(allocation) => {
                let before = self.live.insert(allocation.address, self.allocations.len());
                self.missed_frees += u64::from(before.is_some());
                self.allocations.push(allocation);
            }
            Change::Ending => self.ending = Some(self.live.len()),
            Change::Went(address) => {
                self.frees += 1;
                self.unknown_frees += u64::from(self.live.remove(&address).is_none());
            }
        }
    }

    /// An error unless every free is of a known block, every block's place was free, and nothing was lost.
    pub fn is_consistent(&self) -> Result<(), Failed> {
        let Recording { unknown_frees, missed_frees, lost, frees, .. } = self;
        match (unknown_frees, missed_frees, lost) {
            (0, 0, 0) => Ok(()),
            _ => Err(format!("of {frees} frees {unknown_frees} unknown, {missed_frees} missed; {lost} lost").into()),
        }
    }
}

/// A program of the tests.
pub fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

/// What it printed, once it has ended well.
pub fn printed(output: Output) -> Result<String, Failed> {
    match output.status.success() && output.stderr.is_empty() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into()),
    }
}
