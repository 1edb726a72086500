//! The advisor on damaged Python sources: those of its own corpus, of the standard library, and of folders that are named.
//!
//! Damage that leaves no Python behind shows little. So most of it moves whole lines, words and brackets of real code to
//! where others of their kind stand, and puts comments, continuations and line ends where an edit may meet them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use memsight_advice::{Finding, PythonVersion, Rule, Safety, Settings, apply, check_all, rules};

use crate::random::Random;
use crate::targets::Target;

/// Longer files are cut, so that there are many runs.
const LONGEST: usize = 8 << 10;
/// Rounds of fixes after which there must be none left.
const ROUNDS: usize = 12;
/// As many files of a folder as are read.
const MOST_FILES: usize = 6_000;

pub struct Sources {
    /// Pieces of code of which each was Python once.
    pieces: Vec<String>,
    rules: Vec<&'static Rule>,
}

impl Sources {
    /// The cases of the rules' corpus, and all sources in `folders`.
    pub fn new(folders: &[PathBuf]) -> Result<Sources> {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/advice/tests/corpus");
        let mut pieces = Vec::new();
        for path in python_files(&corpus) {
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            pieces.extend(text.split("# --- ").filter_map(|case| Some(case.split_once('\n')?.1.to_owned())));
        }
        // As likely as all the rest together: they are dense with what rules look for.
        let cases = pieces.clone();
        for path in folders.iter().flat_map(|folder| python_files(folder)) {
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            pieces.extend(cut(&text));
        }
        let others = pieces.len() - cases.len();
        (0..others / cases.len().max(1)).for_each(|_| pieces.extend_from_slice(&cases));
        Ok(Sources { pieces, rules: rules::all() })
    }
}

/// A text in pieces that begin where a definition of the module does.
fn cut(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let begins = ["def ", "class ", "@", "async def "].iter().any(|word| line.starts_with(word));
        match pieces.last_mut() {
            Some(piece) if !begins || piece.len() < LONGEST / 2 => piece.push_str(line),
            _ => pieces.push(line.to_owned()),
        }
    }
    pieces.retain(|piece| piece.len() < LONGEST);
    pieces
}

fn python_files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = left.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() && !path.is_symlink() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "py") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.truncate(MOST_FILES);
    found
}

impl Target for Sources {
    fn name(&self) -> &'static str {
        "source"
    }

    fn run(&self, seed: u64) -> bool {
        let mut random = Random::new(seed);
        let text = damaged(self, &mut random);
        let version = PythonVersion { major: 3, minor: 8 + random.below(8) as u8 };
        let settings = Settings { target: version, syntax: version, rules: self.rules.clone() };
        let checked = check_all(vec![("damaged.py".to_owned(), text.into_bytes())], &settings, &|| {});
        let Some(Ok(report)) = checked.reports.first() else { return false };
        for finding in report.findings.iter().filter(|finding| finding.fix.is_some()) {
            let alone = apply(&report.source, std::slice::from_ref(finding), Safety::Unsafe, version);
            assert!(alone.is_some(), "the fix of {} leaves no Python: {}", said(finding), report.source.text());
        }
        let mut source = report.source.clone();
        let mut findings = report.findings.clone();
        for _ in 0..ROUNDS {
            let fixable = findings.iter().filter(|finding| finding.fix.is_some()).map(said).collect::<Vec<_>>();
            let Some(fixed) = apply(&source, &findings, Safety::Unsafe, version) else {
                assert!(fixable.is_empty(), "fixes leave no Python: {fixable:?} {}", source.text());
                return report.faults.is_empty();
            };
            let bytes = source.encode(&fixed.text).expect("a fix says what the file's encoding cannot");
            let again = checked.again("damaged.py", &bytes).expect("a fix leaves no text");
            assert!(again.faults.is_empty(), "fixes leave no Python: {fixable:?} {}", source.text());
            (source, findings) = (again.source, again.findings);
        }
        panic!("fixes come to no end: {}", source.text());
    }
}

fn said(finding: &Finding) -> String {
    format!("{} in line {}", finding.rule.id, finding.start.line)
}

/// One to three pieces with up to 16 wounds.
fn damaged(sources: &Sources, random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..1 + random.below(3) {
        text.push_str(random.pick(&sources.pieces).map_or("", String::as_str));
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..random.below(5) * random.below(5) {
        wound(&mut lines, sources, random);
    }
    let end = match random.below(12) {
        0 => "\r\n",
        1 => "\r",
        _ => "\n",
    };
    let mut text = lines.join(end);
    if !random.once_in(8) {
        text.push_str(end);
    }
    if random.once_in(16) {
        text.insert(0, '\u{FEFF}');
    }
    text
}

fn wound(lines: &mut Vec<String>, sources: &Sources, random: &mut Random) {
    let (at, other) = (random.below(lines.len() as u64) as usize, random.below(lines.len() as u64) as usize);
    let Some(line) = lines.get(at).cloned() else { return };
    match random.below(14) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, line),
        2 => lines.swap(at, other),
        // A line of other code, as deep as the one that it comes before.
        3 => {
            let piece = random.pick(&sources.pieces).map_or("", String::as_str);
            let all: Vec<&str> = piece.lines().collect();
            let new = random.pick(&all).map_or("", |new| new.trim_start());
            lines.insert(at, format!("{}{new}", indent(&line)));
        }
        4 => lines[at] = format!("    {line}"),
        5 => lines[at] = line.strip_prefix("    ").unwrap_or(&line).to_owned(),
        6 => lines[at] = format!("{line}  # memsight: ignore[MS101] {}", random.below(9)),
        7 => lines[at] = format!("{line}; x = 1"),
        8 => lines.insert(at, format!("{}if x:", indent(&line))),
        9 => lines[at] = inside(&line, random),
        10 => lines[at] = line.replacen("    ", "\t", 1),
        11 => lines[at] = line.replace("\"", "'"),
        _ => lines[at] = other_word(&line, lines.get(other).map_or("", String::as_str), random),
    }
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// Something put where a word or a bracket begins: what an edit may stumble over.
fn inside(line: &str, random: &mut Random) -> String {
    const PIECES: [&str; 16] = [
        "(", ")", "[", "]", " # c\n", "\\\n", "\n", ",", "*", "not ", "await ", "lambda: ", "é", "\u{C}", "f'{x}'", "(x := 1)",
    ];
    let places: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
    let Some(at) = random.pick(&places) else { return line.to_owned() };
    let piece = random.pick(&PIECES).copied().unwrap_or("");
    format!("{}{piece}{}", &line[..*at], &line[*at..])
}

/// A word of one line in the place of one of another.
fn other_word(line: &str, other: &str, random: &mut Random) -> String {
    let (own, foreign) = (words(line), words(other));
    let (Some(own), Some(foreign)) = (random.pick(&own), random.pick(&foreign)) else { return line.to_owned() };
    format!("{}{}{}", &line[..own.0], &other[foreign.0..foreign.1], &line[own.1..])
}

/// Where the words of a line stand, and what stands in brackets.
fn words(line: &str) -> Vec<(usize, usize)> {
    let (mut found, mut open, mut start) = (Vec::new(), Vec::new(), None);
    for (at, letter) in line.char_indices() {
        let is_word = letter.is_alphanumeric() || letter == '_';
        match start {
            None if is_word => start = Some(at),
            Some(from) if !is_word => {
                found.push((from, at));
                start = None;
            }
            _ => {}
        }
        match letter {
            '(' | '[' | '{' => open.push(at + 1),
            ')' | ']' | '}' => found.extend(open.pop().map(|from| (from, at))),
            _ => {}
        }
    }
    found.extend(start.map(|from| (from, line.len())));
    found
}
