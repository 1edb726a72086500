//! The advisor: rules over Python source and over evidence, giving findings with predicted bytes.
#![forbid(unsafe_code)]

mod nodes;
mod scopes;
mod source;
mod syntax;

pub use source::{NotText, Position, Source};
