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
mod finding;
mod fix;
mod flow;
mod handling;
mod ignore;
mod nodes;
mod project;
mod rule;
pub mod rules;
mod scopes;
mod source;
mod syntax;

pub use check::{Checked, FileReport, Report, Settings, SyntaxFault, check_all};
pub use finding::{Edit, Finding, Fix, Safety, Saves, Saving};
pub use fix::{Fixed, apply};
pub use ignore::Ignore;
pub use rule::{Needs, Page, Rule, Technique};
pub use source::{NotText, Position, Source};
pub use syntax::PythonVersion;
