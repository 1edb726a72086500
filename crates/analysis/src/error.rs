//! Questions that have no answer.

use memsight_model::{Address, Bytes, Explain, duration};

/// Threads that a hint names.
const NAMED: usize = 8;

/// Why a question could not be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// No object starts at the address.
    #[error("no object at {address}")]
    NoSuchObject {
        /// The address asked for.
        address: Address,
        /// The last object that starts before it, when the address may lie inside.
        nearest: Option<Address>,
    },
    /// No type has the name, or none of its instances is alive.
    #[error("no live object of a type named '{name}'")]
    NoSuchType {
        /// The name asked for.
        name: String,
        /// The closest names of types with instances, best first.
        closest: Vec<String>,
    },
    /// Neither an address nor the name of a type.
    #[error("'{query}' is neither an address nor the name of a type")]
    BadQuery {
        /// What was asked for.
        query: String,
    },
    /// The snapshot was taken without looking at what objects hold.
    #[error("the snapshot does not say what objects hold")]
    NoContents,
    /// A build without the GIL, whose objects do not tell enough.
    #[error("Python {python} is a free-threaded build: {what}")]
    FreeThreaded {
        /// Its version.
        python: String,
        /// What cannot be told, and why.
        what: &'static str,
    },
    /// Two snapshots by different versions of Python.
    #[error("the snapshots are of different Pythons: {before} and {after}")]
    DifferentPythons {
        /// Version of the earlier one.
        before: String,
        /// Version of the later one.
        after: String,
    },
    /// Two snapshots of different processes.
    #[error("the snapshots are of different processes (pid {before} and pid {after}): {reason}")]
    DifferentProcesses {
        /// Process of the earlier one.
        before: u32,
        /// Process of the later one.
        after: u32,
        /// What shows it.
        reason: &'static str,
    },
    /// Two snapshots of different programs.
    #[error("the snapshots are of different programs: they share {shared} of {all} modules")]
    DifferentPrograms {
        /// Modules of the same name.
        shared: u64,
        /// Modules of the one that has more.
        all: u64,
    },
    /// A snapshot without references: counts and sizes alone.
    #[error("the snapshot of {created} holds types and sizes alone: without references there are no paths to compare")]
    NoReferences {
        /// When it was taken.
        created: String,
    },
    /// Fewer than two looks.
    #[error("a comparison needs two looks, not {given}")]
    TooFewLooks {
        /// Looks given.
        given: usize,
    },
    /// A moment behind the end of a trace.
    #[error("the recording ended after {}, before {}", duration(*duration_ns), duration(*wanted_ns))]
    AfterTheEnd {
        /// The moment, in nanoseconds from the beginning.
        wanted_ns: u64,
        /// How long the recording is.
        duration_ns: u64,
    },
    /// A thread that allocated nothing.
    #[error("no thread {thread} allocated anything in this trace")]
    NoSuchThread {
        /// The thread asked for.
        thread: u32,
        /// Those that did.
        threads: Vec<u32>,
    },
    /// A file in which nothing was allocated.
    #[error("no code of a file '{file}' allocated anything in this trace")]
    NoSuchFile {
        /// The file asked for.
        file: String,
        /// Those that allocated most.
        files: Vec<String>,
    },
    /// A question that needs every allocation.
    #[error("a sample of one in {} does not tell what was free again at once", Bytes(*sample_bytes))]
    NotInASample {
        /// Bytes between samples.
        sample_bytes: u64,
    },
}

impl Explain for AnalysisError {
    fn code(&self) -> &'static str {
        match self {
            AnalysisError::NoSuchObject { .. } => "MS-E070",
            AnalysisError::NoSuchType { .. } => "MS-E071",
            AnalysisError::BadQuery { .. } => "MS-E072",
            AnalysisError::NoContents => "MS-E075",
            AnalysisError::FreeThreaded { .. } => "MS-E034",
            AnalysisError::DifferentPythons { .. } => "MS-E160",
            AnalysisError::DifferentProcesses { .. } => "MS-E161",
            AnalysisError::DifferentPrograms { .. } => "MS-E162",
            AnalysisError::NoReferences { .. } => "MS-E163",
            AnalysisError::TooFewLooks { .. } => "MS-E164",
            AnalysisError::AfterTheEnd { .. } => "MS-E165",
            AnalysisError::NoSuchThread { .. } => "MS-E166",
            AnalysisError::NoSuchFile { .. } => "MS-E167",
            AnalysisError::NotInASample { .. } => "MS-E169",
        }
    }

    fn hint(&self) -> String {
        match self {
            AnalysisError::NoSuchObject { nearest: Some(nearest), .. } => {
                format!("the nearest object before it starts at {nearest}; addresses are those of this snapshot")
            }
            AnalysisError::NoSuchObject { .. } => {
                "take an address from the views `dominators`, `suspects` or `path` of the same snapshot, or hex(id(x)) \
                 in the target"
                    .to_owned()
            }
            AnalysisError::NoSuchType { closest, .. } if closest.is_empty() => {
                "the view `types` lists the names of all types".to_owned()
            }
            AnalysisError::NoSuchType { closest, .. } => format!("did you mean {}?", closest.join(", ")),
            AnalysisError::FreeThreaded { .. } => {
                "run the program with the build that has the GIL (python3.X instead of \
                 python3.Xt) to see it; the other views work"
                    .into()
            }
            AnalysisError::NoContents => {
                "look at the process (memsight heap PID waste), or take a new snapshot of it".to_owned()
            }
            AnalysisError::BadQuery { .. } => {
                "give an address such as 0x7f12a0b3c4d0, or the name of a type such as dict or app.Session".to_owned()
            }
            AnalysisError::DifferentPythons { .. } => {
                "Compare snapshots of one interpreter: layouts and sizes of objects differ between versions.".to_owned()
            }
            AnalysisError::DifferentProcesses { .. } => {
                "Are they two runs of one program? `memsight compare --runs` compares them by type and place."
                    .to_owned()
            }
            AnalysisError::DifferentPrograms { .. } => {
                "Compare two runs of the same program, at the same stage of their work.".to_owned()
            }
            AnalysisError::NoReferences { .. } => "Take it again without `--types-only`.".to_owned(),
            AnalysisError::TooFewLooks { .. } => "Give an earlier and a later one.".to_owned(),
            AnalysisError::AfterTheEnd { .. } => "Give an earlier moment, or `--at end`.".to_owned(),
            AnalysisError::NoSuchThread { threads, .. } => {
                let some: Vec<String> = threads.iter().take(NAMED).map(u32::to_string).collect();
                format!("These did: {}; the view `threads` lists all.", some.join(", "))
            }
            AnalysisError::NoSuchFile { files, .. } if files.is_empty() => {
                "No Python code allocated anything: see the view `lines`.".to_owned()
            }
            AnalysisError::NoSuchFile { files, .. } => {
                format!("These did most: {}; the view `files` lists all.", files.join(", "))
            }
            AnalysisError::NotInASample { .. } => {
                "Record every allocation, or see the view `churn`, which a sample can answer.".to_owned()
            }
        }
    }
}
