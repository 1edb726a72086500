//! Questions that have no answer.

use memsight_model::{Address, Explain};

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
        }
    }
}
