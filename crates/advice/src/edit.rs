//! What a rule says is to be done: edits of the text, how safe they are, and of which figure they take something off.

use crate::syntax::TextRange;

/// Whether an edit can change what a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Safety {
    /// The program does the same, but for memory and time.
    Safe,
    /// It does the same unless something that cannot be seen stands against it; the finding says what.
    Unsafe,
}

/// One replaced stretch of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub range: TextRange,
    /// What comes.
    pub text: String,
}

impl Edit {
    pub(crate) fn new(range: TextRange, text: impl Into<String>) -> Edit {
        Edit { range, text: text.into() }
    }
}

/// Edits that belong together: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Whether it can change what the program does.
    pub safety: Safety,
    /// In the order of the source, apart from each other.
    pub edits: Vec<Edit>,
}

impl Fix {
    pub(crate) fn new(safety: Safety, mut edits: Vec<Edit>) -> Fix {
        edits.sort_by_key(|edit| (edit.range.start(), edit.range.end()));
        Fix { safety, edits }
    }
}

/// Of which figure a saving is a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saves {
    /// What is live at the highest point.
    Peak,
    /// What stays live.
    Now,
    /// What is allocated and freed again: time and fragmentation.
    Churn,
}
