//! The samples of a page.

const MARK: &str = "<!-- sample: ";
const PROMPT: &str = "$ ";
const COMMAND: &str = "memsight ";

/// Output on a page that is compared with that of the program.
#[derive(Debug, PartialEq, Eq)]
pub struct Sample {
    /// The line of the page where its block begins, from 1.
    pub line: usize,
    /// The program that is looked at.
    pub program: String,
    /// Whether only lines of the output are shown.
    pub in_part: bool,
    /// What is run, one after another.
    pub runs: Vec<Run>,
}

/// A command with what it prints.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// Without `memsight`; `PID` stands for the program.
    pub command: String,
    /// The line of the page where its output begins, from 1.
    pub line: usize,
    pub output: Vec<String>,
}

/// The samples of a page, and the lines with outputs that are none.
pub fn samples(text: &str) -> (Vec<Sample>, Vec<(usize, String)>) {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.iter().skip(at).take_while(|line| !line.starts_with("```")).copied().collect();
        let mark = at.checked_sub(2).and_then(|above| lines.get(above)).and_then(|line| line.strip_prefix(MARK));
        match mark {
            Some(mark) => match sample(mark.trim_end_matches("-->").trim(), &block, at) {
                Ok(sample) => found.extend(sample),
                Err(fault) => wrong.push((at, fault.to_owned())),
            },
            None if is_output(language, &block) => {
                wrong.push((at, format!("output that nobody checks: put {MARK}PROGRAM --> above")));
            }
            None => {}
        }
        at += block.len() + 1;
    }
    (found, wrong)
}

fn sample(mark: &str, block: &[&str], line: usize) -> Result<Option<Sample>, &'static str> {
    let (first, command) = mark.split_once(": ").map_or((mark, None), |(first, rest)| (first, Some(rest)));
    let (program, option) = first.split_once(", ").unwrap_or((first, ""));
    let in_part = match (program, option) {
        ("none", "") => return Err("a sample that is not run says why: none, WHY"),
        ("none", _) => return Ok(None),
        (_, "in part") => true,
        (_, "") => false,
        _ => return Err("behind the program of a sample stands only \"in part\""),
    };
    let mut runs = runs(block, line + 1);
    match (command, runs.as_mut_slice()) {
        (Some(command), [run]) => command.clone_into(&mut run.command),
        (Some(command), []) => {
            let output = block.iter().map(|line| (*line).to_owned()).collect();
            runs.push(Run { command: command.to_owned(), line: line + 1, output });
        }
        (None, [_, ..]) => {}
        (None, []) => return Err("a sample without a command: PROGRAM: COMMAND"),
        (Some(_), _) => return Err("a sample of several commands names none"),
    }
    Ok(Some(Sample { line, program: program.to_owned(), in_part, runs }))
}

/// The commands of a block that have an output there; its first line is the page's line `first`.
fn runs(block: &[&str], first: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (line, at) in block.iter().zip(first..) {
        if let Some(command) = line.strip_prefix(PROMPT).map(|typed| typed.trim_start_matches(COMMAND)) {
            runs.push(Run { command: with_pid(command), line: at + 1, output: Vec::new() });
        } else if let Some(run) = runs.last_mut() {
            run.output.push((*line).to_owned());
        }
    }
    runs.retain(|run| !run.output.is_empty());
    runs
}

/// `heap 4242 types --top 9` with `PID` for the process, which is a number that is no option's.
fn with_pid(command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let replaced = words.iter().enumerate().map(|(at, word)| {
        let is_value = at.checked_sub(1).and_then(|before| words.get(before)).is_some_and(|word| word.starts_with('-'));
        if is_number(word) && !is_value { "PID" } else { *word }
    });
    replaced.collect::<Vec<_>>().join(" ")
}

/// A command of ours with its output, or the head of a view.
fn is_output(language: &str, block: &[&str]) -> bool {
    match language.trim() {
        "console" => {
            let ours = block.iter().any(|line| line.starts_with(&format!("{PROMPT}{COMMAND}")));
            ours && block.iter().any(|line| !line.is_empty() && !line.starts_with(PROMPT))
        }
        "" | "text" => block.first().is_some_and(|line| line.starts_with("Python 3.") && line.contains(", pid ")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_from_the_mark_or_the_block() {
        let page = "<!-- sample: shop -->\n```console\n$ memsight ps\n$ memsight heap 4242 types --top 5\na\nb\n```\n\
            <!-- sample: shop, in part: heap PID rss -->\n```text\nc\n```\n\
            <!-- sample: none, it takes hours -->\n```console\n$ memsight heap 1\nx\n```\n";
        let run = |command: &str, line: usize, output: &[&str]| Run {
            command: command.into(),
            line,
            output: output.iter().map(|&line| line.into()).collect(),
        };
        let (found, wrong) = samples(page);
        assert_eq!(wrong, []);
        let first = vec![run("heap PID types --top 5", 5, &["a", "b"])];
        let second = vec![run("heap PID rss", 10, &["c"])];
        let expected = [
            Sample { line: 2, program: "shop".into(), in_part: false, runs: first },
            Sample { line: 9, program: "shop".into(), in_part: true, runs: second },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn output_without_a_mark_is_a_fault() {
        let page = "```console\n$ memsight heap 1\nx\n```\n\n```text\nPython 3.9.1, pid 4, looked at\n```\n\
            ```console\n$ memsight ps\n```\n```text\nother\n```\n<!-- sample: none -->\n```\n```\n";
        let (found, wrong) = samples(page);
        assert_eq!(found, []);
        assert_eq!(wrong.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 6, 16]);
    }
}
