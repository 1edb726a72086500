//! The advisor: rules over Python source and over evidence, giving findings with predicted bytes.
//!
//! ```text
//! bytes ──> source ──> syntax ──> nodes ──> scopes ──> rules ──> finding ──> fix
//!                                   project (all files) ──┘
//! ```
//!
//! Files are given as bytes: nothing here does I/O. All files are parsed twice, once for what they say about each other and
//! once with the rules, so that no tree is kept.
#![forbid(unsafe_code)]

mod check;
mod context;
mod edit;
mod finding;
mod fix;
mod flow;
mod handling;
mod ignore;
mod nodes;
mod notebook;
mod outline;
pub mod part;
mod project;
mod ruff;
mod rule;
pub mod rules;
mod scopes;
mod source;
mod syntax;
mod unused;

pub use check::{Checked, FileReport, Input, Report, Settings, SyntaxFault, check_all, check_each};
pub use edit::{Edit, Fix, Safety, Saves};
pub use finding::{Finding, Saving};
pub use fix::{Fixed, apply};
pub use ignore::Ignore;
pub use outline::{Definition, Lines, Outline};
pub use part::Part;
pub use ruff::also_by_ruff;
pub use rule::{Needs, Page, Rule, Technique};
pub use source::{NotText, Place, Position, Source};
pub use syntax::PythonVersion;
