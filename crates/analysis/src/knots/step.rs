//! A step of a cycle, as views show it.

use serde::Serialize;

/// A step of a cycle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CycleStep {
    /// The object.
    pub address: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The reference to the next object: `.parent`, `[3]`, `local exc`.
    pub reference: String,
}
