//! What the forms of other tools say of findings of the advisor.

use memsight_analysis::advise::{AdviceRow, FaultRow};

/// A file as servers of code know it: from the folder where memsight was started on, with `/` between its parts.
pub(crate) fn file_from(file: &str, here: Option<&str>) -> String {
    let inside = here.and_then(|here| file.strip_prefix(here)?.strip_prefix(['/', std::path::MAIN_SEPARATOR]));
    let file = inside.unwrap_or(file).replace(std::path::MAIN_SEPARATOR, "/");
    let file = file.trim_start_matches("./");
    // `a/../b` is `b`; what begins with `..` stays.
    let mut parts: Vec<&str> = Vec::new();
    for part in file.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, ".." | "")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// `line 3, column 5`, of a notebook `cell 2, line 3, column 5`.
pub(crate) fn place(cell: Option<u32>, line: u32, column: u32) -> String {
    let cell = cell.map(|cell| format!("cell {cell}, ")).unwrap_or_default();
    format!("{cell}line {line}, column {column}")
}

/// All that is known of a finding: what it is, a line for what to do, one for why, one for what to know before.
pub(crate) fn sentences(row: &AdviceRow) -> String {
    let cell = row.cell.map(|_| format!(" ({})", place(row.cell, row.line, row.column))).unwrap_or_default();
    let why: Vec<&str> = [row.formula.as_str()].into_iter().chain(row.evidence.iter().map(String::as_str)).collect();
    let why = why.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    let parts = [("do", row.advice.as_str()), ("why", why.as_str()), ("but", row.but.as_str())];
    let lines = parts.iter().filter(|(_, text)| !text.is_empty()).map(|(word, text)| format!("\n{word}: {text}"));
    format!("{}{cell}{}", row.message, lines.collect::<String>())
}

/// What could not be read, and of a notebook where.
pub(crate) fn what(row: &FaultRow) -> String {
    match (row.cell, row.line, row.column) {
        (Some(_), Some(line), Some(column)) => format!("{} ({})", row.message, place(row.cell, line, column)),
        _ => row.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_begin_where_we_are() {
        assert_eq!(file_from("/w/p/src/a.py", Some("/w/p")), "src/a.py");
        assert_eq!(file_from("./src/./a.py", Some("/w/p")), "src/a.py");
        assert_eq!(file_from("../b/../a.py", Some("/w/p")), "../a.py");
        assert_eq!(file_from("/w/pp/a.py", Some("/w/p")), "/w/pp/a.py");
    }
}
