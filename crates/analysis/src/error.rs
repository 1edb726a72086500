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
}

impl Explain for AnalysisError {
    fn code(&self) -> &'static str {
        match self {
            AnalysisError::NoSuchObject { .. } => "MS-E070",
            AnalysisError::NoSuchType { .. } => "MS-E071",
            AnalysisError::BadQuery { .. } => "MS-E072",
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
            AnalysisError::BadQuery { .. } => {
                "give an address such as 0x7f12a0b3c4d0, or the name of a type such as dict or app.Session".to_owned()
            }
        }
    }
}
