//! Notebooks: the code of their cells as one source, and the way back.
//!
//! Each cell begins with a line of its own, a comment that stands in no cell, so that an edited text falls apart into cells
//! again. Of the file only the sources of changed cells are written anew, in the manner in which they were written.

use std::collections::HashMap;
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The file, and where its cells are in it and in the text.
#[derive(Debug, Clone)]
pub(crate) struct Notebook {
    /// The file as it was read.
    json: String,
    cells: Vec<Cell>,
    /// The line that begins each cell.
    marker: String,
    /// Text of cells that are not read, such as those of `%%bash`: it may use names all the same.
    pub(crate) left_out: String,
}

#[derive(Debug, Clone)]
struct Cell {
    /// From 1 on, all cells of the notebook counted.
    number: u32,
    /// Where its source stands in the file.
    span: Range<usize>,
    /// Its code.
    code: String,
    /// Line of the text that has its marker.
    marker_line: u32,
}

#[derive(Deserialize)]
struct Whole<'a> {
    nbformat: Option<u64>,
    #[serde(default)]
    metadata: Value,
    #[serde(borrow, default)]
    cells: Vec<WholeCell<'a>>,
}

#[derive(Deserialize)]
struct WholeCell<'a> {
    cell_type: String,
    #[serde(default)]
    metadata: Value,
    #[serde(borrow)]
    source: &'a RawValue,
}

/// A source is a text, or a list of lines.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Many(Vec<String>),
}

/// Cell magics of which the rest is Python of the same program.
const PYTHON_MAGICS: [&str; 6] = ["capture", "debug", "memsight_run", "prun", "time", "timeit"];

impl Notebook {
    /// Reads a notebook of format 4: it, and the text of its Python cells.
    pub(crate) fn read(json: String) -> Result<(Notebook, String), String> {
        let whole: Whole<'_> = serde_json::from_str(&json).map_err(|error| error.to_string())?;
        match whole.nbformat {
            Some(4) => {}
            Some(other) => return Err(format!("its format is {other}, and 4 is read")),
            None => return Err("it has no \"nbformat\"".to_owned()),
        }
        let is_python = language(&whole.metadata).is_none_or(|name| name == "python");
        let (mut cells, mut left_out) = (Vec::new(), String::new());
        for (number, cell) in (1..).zip(whole.cells) {
            if cell.cell_type != "code" || !is_python {
                continue;
            }
            let code = match serde_json::from_str(cell.source.get()).map_err(|error| error.to_string())? {
                Lines::One(text) => text,
                Lines::Many(lines) => lines.concat(),
            };
            if is_other_language(&cell.metadata) || is_other_magic(&code) {
                left_out.push_str(&code);
                left_out.push('\n');
                continue;
            }
            // A raw value is a part of the text that it was read from.
            let start = (cell.source.get().as_ptr() as usize).saturating_sub(json.as_ptr() as usize);
            cells.push(Cell { number, span: start..start + cell.source.get().len(), code, marker_line: 0 });
        }
        let mut marker = "# next cell".to_owned();
        while cells.iter().any(|cell| cell.code.lines().any(|line| line == marker)) {
            marker.push('-');
        }
        let text = joined(&mut cells, &marker);
        Ok((Notebook { json, cells, marker, left_out }, text))
    }

    /// The number of the cell that a line of the text is in, and the line within it; lines that begin a cell are line 0.
    pub(crate) fn place(&self, line: u32) -> Option<(u32, u32)> {
        let behind = self.cells.partition_point(|cell| cell.marker_line <= line);
        self.cells[..behind].last().map(|cell| (cell.number, line - cell.marker_line))
    }

    /// How many lines of the text are in no cell.
    pub(crate) fn markers(&self) -> u32 {
        self.cells.last().map_or(0, |_| u32::try_from(self.cells.len()).unwrap_or(u32::MAX))
    }

    /// The cells of a text, with their numbers; none where it has other cells than this notebook.
    pub(crate) fn split<'t>(&self, text: &'t str) -> Option<Vec<(u32, &'t str)>> {
        let mut starts = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if line.trim_end_matches('\n') == self.marker {
                starts.push((at, at + line.len()));
            }
            at += line.len();
        }
        if starts.len() != self.cells.len() || starts.first().is_some_and(|(from, _)| *from != 0) {
            return None;
        }
        let ends = starts.iter().skip(1).map(|(from, _)| *from).chain([text.len()]);
        let code = |(cell, ((_, from), until)): (&Cell, (&(usize, usize), usize))| {
            let code = text.get(*from..until)?;
            // The end of its last line was added.
            let code = if cell.code.ends_with('\n') { code } else { code.strip_suffix('\n').unwrap_or(code) };
            Some((cell.number, code))
        };
        self.cells.iter().zip(starts.iter().zip(ends)).map(code).collect()
    }

    /// The file with the cells of another text.
    pub(crate) fn encode(&self, text: &str) -> Option<Vec<u8>> {
        let mut out = String::with_capacity(self.json.len());
        let mut at = 0;
        for (cell, (_, code)) in self.cells.iter().zip(self.split(text)?) {
            out.push_str(self.json.get(at..cell.span.start)?);
            let raw = self.json.get(cell.span.clone())?;
            if code == cell.code {
                out.push_str(raw)
            } else {
                out.push_str(&rewritten(raw, code)?)
            }
            at = cell.span.end;
        }
        out.push_str(self.json.get(at..)?);
        Some(out.into_bytes())
    }
}

/// The text of all cells.
fn joined(cells: &mut [Cell], marker: &str) -> String {
    let (mut text, mut line) = (String::new(), 1);
    for cell in cells {
        cell.marker_line = line;
        text.push_str(marker);
        text.push('\n');
        text.push_str(&cell.code);
        if !cell.code.ends_with('\n') {
            text.push('\n');
        }
        let lines = line_ends(&cell.code) + usize::from(!cell.code.ends_with('\n'));
        line = line.saturating_add(u32::try_from(lines + 1).unwrap_or(u32::MAX));
    }
    text
}

/// As `Source` counts lines: of `\r\n` the second ends one.
fn line_ends(code: &str) -> usize {
    let bytes = code.as_bytes();
    let ends = |(at, byte): &(usize, &u8)| **byte == b'\n' || **byte == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    bytes.iter().enumerate().filter(ends).count()
}

fn language(metadata: &Value) -> Option<&str> {
    let kernel = metadata.pointer("/kernelspec/language").and_then(Value::as_str);
    kernel.or_else(|| metadata.pointer("/language_info/name").and_then(Value::as_str))
}

/// Editors let single cells be of another language.
fn is_other_language(metadata: &Value) -> bool {
    metadata.pointer("/vscode/languageId").and_then(Value::as_str).is_some_and(|name| name != "python")
}

/// A cell that a magic gives to something else than this program, such as `%%bash`.
fn is_other_magic(code: &str) -> bool {
    let first = code.trim_start().lines().next().unwrap_or_default();
    let Some(magic) = first.strip_prefix("%%") else { return false };
    !PYTHON_MAGICS.contains(&magic.split_whitespace().next().unwrap_or_default())
}

/// A source written anew as the old one is written: lines in a list, with what stands between them, or one text.
fn rewritten(raw: &str, code: &str) -> Option<String> {
    let is_ascii = raw.is_ascii() && raw.contains("\\u");
    if !raw.starts_with('[') {
        return Some(string(code, is_ascii));
    }
    let written = strings(raw);
    let (first, last) = (written.first()?, written.last()?);
    let (open, close) = (raw.get(..first.start)?, raw.get(last.end..)?);
    let between = match written.get(1) {
        Some(second) => raw.get(first.end..second.start)?.to_owned(),
        None => format!(",{}", open.strip_prefix('[')?),
    };
    let known: HashMap<String, &str> = written
        .iter()
        .filter_map(|range| raw.get(range.clone()))
        .filter_map(|text| Some((serde_json::from_str(text).ok()?, text)))
        .collect();
    let line = |line: &str| known.get(line).map_or_else(|| string(line, is_ascii), |raw| (*raw).to_owned());
    let lines: Vec<String> = code.split_inclusive('\n').map(line).collect();
    Some(if lines.is_empty() { "[]".to_owned() } else { format!("{open}{}{close}", lines.join(&between)) })
}

/// Where the strings of a list are, which is known to be JSON.
fn strings(raw: &str) -> Vec<Range<usize>> {
    let bytes = raw.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] != b'"' {
            at += 1;
            continue;
        }
        let start = at;
        at += 1;
        while at < bytes.len() && bytes[at] != b'"' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        at += 1;
        found.push(start..at);
    }
    found
}

/// A string of JSON; in ASCII alone where its neighbours are.
fn string(text: &str, is_ascii: bool) -> String {
    let json = Value::from(text).to_string();
    if !is_ascii || json.is_ascii() {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            out.push(letter);
            continue;
        }
        let mut units = [0; 2];
        letter.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = "{\n \"cells\": [\n  {\"cell_type\": \"markdown\", \"source\": [\"# Title\"], \"metadata\": {}},\n  \
        {\n   \"cell_type\": \"code\",\n   \"source\": [\n    \"%time f()\\n\",\n    \"é = 1\"\n   ], \"outputs\": [ ]\n  },\n  \
        {\"cell_type\": \"code\", \"source\": \"%%bash\\nls\"},\n  {\"source\": \"x = 2\\n\", \"cell_type\": \"code\"}\n ],\n \
        \"nbformat\": 4, \"metadata\": {}\n}\n";

    #[test]
    fn cells_are_one_text_and_the_file_comes_back_as_it_was() {
        let (book, text) = Notebook::read(BOOK.to_owned()).unwrap();
        assert_eq!(text, "# next cell\n%time f()\né = 1\n# next cell\nx = 2\n");
        assert_eq!((book.place(2), book.place(3), book.place(5)), (Some((2, 1)), Some((2, 2)), Some((4, 1))));
        assert_eq!(book.left_out, "%%bash\nls\n");
        assert_eq!(book.encode(&text).unwrap(), BOOK.as_bytes());
    }

    #[test]
    fn only_what_changed_is_written_anew_and_in_the_same_manner() {
        let (book, text) = Notebook::read(BOOK.to_owned()).unwrap();
        let changed = text.replace("é = 1", "é = \"a\"\ny = 3").replace("x = 2", "x = 4");
        let expected = BOOK.replace("\"é = 1\"", "\"é = \\\"a\\\"\\n\",\n    \"y = 3\"").replace("x = 2", "x = 4");
        assert_eq!(String::from_utf8(book.encode(&changed).unwrap()).unwrap(), expected);
        assert!(book.encode("x = 2\n").is_none(), "the cells are lost");
    }

    #[test]
    fn ascii_stays_ascii() {
        assert_eq!(rewritten(r#"["a = \"\u00e9\"\n", "b"]"#, "a = \"é\"\nc = \"😀\"").unwrap(), {
            r#"["a = \"\u00e9\"\n", "c = \"\ud83d\ude00\""]"#
        });
        assert_eq!(rewritten(r#""\u00e9""#, "é = 1").unwrap(), r#""\u00e9 = 1""#);
    }

    #[test]
    fn a_cell_may_have_the_line_that_begins_cells() {
        let book = BOOK.replace("x = 2", "# next cell");
        let (book, text) = Notebook::read(book).unwrap();
        assert!(text.starts_with("# next cell-\n"), "{text}");
        assert_eq!(book.split(&text).unwrap().last(), Some(&(4, "# next cell\n")));
    }

    #[test]
    fn what_is_no_notebook_of_python_is_said_or_has_no_cells() {
        assert!(Notebook::read("{}".to_owned()).is_err());
        assert!(Notebook::read("[]".to_owned()).is_err());
        assert!(Notebook::read(BOOK.replace("\"nbformat\": 4", "\"nbformat\": 3")).unwrap_err().contains('3'));
        let julia = BOOK.replace("\"metadata\": {}\n}", "\"metadata\": {\"kernelspec\": {\"language\": \"julia\"}}\n}");
        assert_eq!(Notebook::read(julia).unwrap().1, "");
    }
}
