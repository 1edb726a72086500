//! Which part of the bytes that a place makes its change saves: the formula of a rule in a form that evidence can be put into.

use crate::rule::Rule;

/// A part of what a place in the source makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What is let go of together with the container that the place makes, when its statement ends.
    Statement,
    /// The same, whenever that is.
    Container,
    /// All of it.
    All,
    /// All but so many bytes out of so many.
    Share {
        /// Bytes that the new form needs.
        left: u32,
        /// For so many of the old one.
        of: u32,
    },
    /// Of the peak none that could be told, but all that it allocates.
    Churn,
    /// Objects of the class that the rule is about, as a heap has them.
    Instances,
    /// The rule does not say: the bytes of the place are a bound.
    Unknown,
}

/// By rule, in the order of the ids; rules that are not there say nothing of it.
const PARTS: [(&str, Part); 20] = [
    ("MS101", Part::Statement),
    ("MS102", Part::Statement),
    ("MS103", Part::Container),
    ("MS104", Part::Container),
    ("MS105", Part::Container),
    ("MS106", Part::Container),
    ("MS107", Part::Container),
    ("MS108", Part::Container),
    ("MS109", Part::Container),
    ("MS110", Part::Statement),
    ("MS111", Part::Statement),
    ("MS112", Part::Container),
    ("MS115", Part::Container),
    ("MS117", Part::Container),
    ("MS205", Part::All),
    ("MS210", Part::Churn),
    ("MS301", Part::Instances),
    ("MS302", Part::Instances),
    ("MS303", Part::Instances),
    // a pointer a flag becomes a byte
    ("MS306", Part::Share { left: 1, of: 8 }),
];

/// The part that a rule saves.
pub fn of(rule: &Rule) -> Part {
    PARTS.binary_search_by_key(&rule.id, |(id, _)| id).map_or(Part::Unknown, |at| PARTS[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_of_rules_that_there_are() {
        assert!(PARTS.is_sorted_by_key(|(id, _)| *id));
        assert!(PARTS.iter().all(|(id, _)| crate::rules::find(id).is_some()));
    }
}
