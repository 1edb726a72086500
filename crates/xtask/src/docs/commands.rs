//! Every `memsight ...` on a page is one that the command understands: its verbs, views and options are in the help,
//! which the parser makes of what it accepts.
//!
//! ```text
//! help of each verb and view ─> Known ─┐
//! pages ─> code ─> words of commands ──┴─> faults
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::pages::{self, Code};

/// Languages of blocks whose lines are typed, and those whose lines a program wrote; others hold no commands.
const TYPED: &[&str] = &["console", "sh", "bash"];
const WRITTEN: &[&str] = &["", "text"];
/// Options of other programs that stand alone between backticks.
const FOREIGN: &[&str] = &["--native", "--profile", "--security-opt", "--seed", "--target"];
/// Words that may stand before a command without being one of ours.
const BEFORE: &[&str] = &["sudo", "nice", "time"];
/// So many spaces end a command in a block: what follows says what it does.
const GAP: &str = "   ";

/// Options, and whether a value follows.
type Options = BTreeMap<String, bool>;

/// What the command accepts, as its help tells it.
#[derive(Debug, Default)]
pub struct Known {
    whole: Options,
    verbs: BTreeMap<String, Options>,
    views: BTreeMap<String, Options>,
}

impl Known {
    /// The help of the whole command.
    pub fn whole(&mut self, help: &str) {
        self.whole = options(help);
    }

    /// The help of a verb.
    pub fn verb(&mut self, name: &str, help: &str) {
        self.verbs.insert(name.to_owned(), options(help));
    }

    /// The help of a view of `heap`.
    pub fn view(&mut self, name: &str, help: &str) {
        self.views.insert(name.to_owned(), options(help));
    }

    fn all(&self) -> BTreeSet<&str> {
        let every = self.verbs.values().chain(self.views.values()).chain([&self.whole]);
        every.flat_map(|options| options.keys().map(String::as_str)).collect()
    }

    /// What is wrong with the words behind `memsight`. Of what a program wrote, only what begins with a verb is a
    /// command.
    fn fault(&self, words: &[&str], typed: bool) -> Option<String> {
        let (&first, rest) = words.split_first()?;
        if first.starts_with('-') {
            return unknown(words, &[&self.whole], "memsight");
        }
        match self.verbs.get(first) {
            Some(options) if first == "heap" => self.heap_fault(options, rest),
            Some(options) if first == "run" => unknown(before_program(options, rest), &[options], "memsight run"),
            Some(options) => unknown(rest, &[options], &format!("memsight {first}")),
            None if !typed || is_placeholder(first) || first == "help" => None,
            None => Some(format!("memsight has no verb {first:?}")),
        }
    }

    /// `heap` has a view behind its subject, which may be named by an option, too.
    fn heap_fault(&self, options: &Options, words: &[&str]) -> Option<String> {
        let mut places = Vec::new();
        let mut is_value = false;
        let mut named = 0;
        for word in words {
            if word.starts_with('-') {
                let name = option(word);
                named += usize::from(matches!(name.as_str(), "-p" | "--pid"));
                is_value = !word.contains('=') && options.get(&name).copied().unwrap_or_default();
            } else if !std::mem::take(&mut is_value) {
                places.push(*word);
            }
        }
        let Some(&view) = places.get(1 - named.min(1)) else {
            return unknown(words, &[options], "memsight heap");
        };
        match self.views.get(view) {
            Some(own) => unknown(words, &[options, own], &format!("memsight heap PID {view}")),
            None if is_placeholder(view) => unknown(words, &[options], "memsight heap"),
            None => Some(format!("memsight heap has no view {view:?}")),
        }
    }
}

/// Commands and options on the pages that the command does not know.
pub fn faults(pages: &BTreeMap<PathBuf, String>, known: &Known) -> Vec<String> {
    let all = known.all();
    let mut faults = Vec::new();
    for (name, text) in pages {
        for code in pages::code(text) {
            let found = faults_of(&code, known, &all);
            faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", name.display())));
        }
    }
    faults.dedup();
    faults
}

fn faults_of(code: &Code, known: &Known, all: &BTreeSet<&str>) -> Vec<String> {
    let (line, typed) = match code {
        Code::Span(text) if text.starts_with("--") => {
            let name = option(text.split_whitespace().next().unwrap_or_default());
            let is_known = name == "--" || all.contains(name.as_str()) || FOREIGN.contains(&name.as_str());
            return if is_known { Vec::new() } else { vec![format!("no verb has the option {name}")] };
        }
        Code::Span(text) => (text.as_str(), true),
        Code::Line { language, text } if TYPED.contains(&language.as_str()) => match text.trim_start().split_once("$ ")
        {
            Some(("", command)) => (command, true),
            _ if language == "console" => return Vec::new(),
            _ => (text.as_str(), true),
        },
        Code::Line { language, text } if WRITTEN.contains(&language.as_str()) => (text.trim_start(), false),
        Code::Line { .. } => return Vec::new(),
    };
    let parts = parts(line.split(GAP).next().unwrap_or_default());
    let commands = parts.iter().flat_map(|part| commands(part));
    commands.filter_map(|(words, first)| known.fault(&words, typed && first)).collect()
}

/// A line without the commands whose output it takes, `$(...)`, and these.
fn parts(line: &str) -> Vec<String> {
    let Some((before, rest)) = line.split_once("$(") else { return vec![line.to_owned()] };
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let mut parts = parts(&format!("{before}...{after}"));
    parts.push(inside.to_owned());
    parts
}

/// The words behind each `memsight` of a line, up to the end of that command, and whether it surely is a command there.
fn commands(line: &str) -> Vec<(Vec<&str>, bool)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let places = words.iter().enumerate().filter(|(_, word)| word.trim_start_matches(['(', '"']) == "memsight");
    let commands = places.map(|(at, _)| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let first = before.is_none_or(|before| BEFORE.contains(before));
        let rest = words.iter().skip(at + 1).take_while(|word| !ends(word));
        (rest.copied().collect(), first)
    });
    commands.collect()
}

/// A pipe, a redirection, a comment, the command that `watch` runs.
fn ends(word: &str) -> bool {
    word == "--" || word == "memsight" || word.starts_with(['|', '>', '<', '&', '#', ';', '('])
}

/// The words of `run` up to those of the program: `-m`, or what is neither an option nor the value of one.
fn before_program<'a, 'w>(options: &Options, words: &'a [&'w str]) -> &'a [&'w str] {
    let mut is_value = false;
    let mut is_own = |word: &&str| {
        let is_option = word.starts_with('-') && *word != "-m";
        let is_taken = std::mem::take(&mut is_value) || is_option;
        is_value = is_option && !word.contains('=') && options.get(&option(word)).copied().unwrap_or_default();
        is_taken || is_placeholder(word)
    };
    let count = words.iter().take_while(|word| is_own(word)).count();
    words.get(..count).unwrap_or_default()
}

/// The first option that nobody has.
fn unknown(words: &[&str], known: &[&Options], command: &str) -> Option<String> {
    let mut options = words.iter().filter(|word| word.starts_with('-') && word.len() > 1).map(|word| option(word));
    let stale = options.find(|name| !known.iter().any(|known| known.contains_key(name)))?;
    Some(format!("{command} has no option {stale}"))
}

/// The name of an option: without value, punctuation and brackets; of a short one the first letter.
fn option(word: &str) -> String {
    let name = word.split('=').next().unwrap_or_default();
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    if name.starts_with("--") { name.to_owned() } else { name.chars().take(2).collect() }
}

/// `PID`, `[VIEW]`, `<PID|FILE>`, `...`: a word that stands for others.
fn is_placeholder(word: &str) -> bool {
    !word.chars().any(|c| c.is_lowercase())
}

/// The options in a help.
fn options(help: &str) -> Options {
    let mut found = Options::new();
    for line in help.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let own = words.iter().take_while(|word| word.starts_with('-') && word.len() > 1);
        let has_value = words.get(own.clone().count()).is_some_and(|word| word.starts_with('<'));
        let other = words.iter().skip_while(|word| !word.starts_with("[alias")).skip(1);
        for word in own.chain(other) {
            *found.entry(option(word)).or_default() |= has_value;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAP: &str = "\
Usage: memsight heap <PID|FILE> [VIEW] [OPTIONS]

Options:
  -p, --pid <PID>
          Process id, or less - much less
      --types-only
          Only types
      --top <N>
          Rows
";

    fn known() -> Known {
        let mut known = Known::default();
        known.whole("  -V, --version\n");
        known.verb("heap", HEAP);
        known.verb("watch", "  -o, --output <FILE>\n  -d, --duration <TIME>\n");
        known.verb("run", "  -o, --output <FILE>\n      --exact\n");
        known.view("types", "      --shallow\n          Counts\n\n          [alias: --types-only]\n");
        known
    }

    fn faults_on(page: &str) -> Vec<String> {
        let known = known();
        pages::code(page).iter().flat_map(|code| faults_of(code, &known, &known.all())).collect()
    }

    #[test]
    fn options_are_read_from_the_help() {
        let heap = options(HEAP);
        assert_eq!(heap.keys().collect::<Vec<_>>(), ["--pid", "--top", "--types-only", "-p"]);
        assert!(heap["--top"] && heap["-p"] && !heap["--types-only"]);
        assert!(known().views["types"].contains_key("--types-only"));
    }

    #[test]
    fn commands_that_are_known() {
        let page = "`memsight run --exact -o a.trace -m pytest -x` `memsight run [OPTIONS] -m <MODULE>` `memsight run a.py --b`\n\
            `memsight` `memsight --version` `memsight VERB` `memsight heap PID|FILE [VIEW]` `--top 0`, `--native`\n\
            `memsight heap --top 5 42 types --shallow` `memsight heap -p 42 types` `import memsight as psutil`\n\n\
            ```console\n$ sudo memsight heap 42 types --top=3 | jq --raw .x   # --why\nmemsight knows --nothing\n```\n\
            ```sh\nmemsight watch -d10m -- python --gone\n\
            memsight watch \"$(cat -n x)\" -o y\n```\n\
            ```text\nmemsight took 3 s\nmemsight heap 42   what the memory is\n```\n\
            ```python\nmemsight --bad\n```\n";
        assert_eq!(faults_on(page), Vec::<String>::new());
    }

    #[test]
    fn commands_that_are_stale() {
        let page = "`memsight report 42` `memsight heap 42 --shallow` `memsight heap 42 report` `--gone` `memsight -x`\n\
            `run $(memsight watch --gone) -d` `memsight run -o a.trace --exat a.py`\n\n\
            ```console\n$ memsight watch 42 --shallow\n```\n```\nmemsight heap 42 types --gone\n```\n";
        let expected = [
            "memsight has no verb \"report\"",
            "memsight heap has no option --shallow",
            "memsight heap has no view \"report\"",
            "no verb has the option --gone",
            "memsight has no option -x",
            "memsight watch has no option --gone",
            "memsight run has no option --exat",
            "memsight watch has no option --shallow",
            "memsight heap PID types has no option --gone",
        ];
        assert_eq!(faults_on(page), expected);
    }
}
