//! Lists in the order asked for, outputs without a name, stdout as an output, manual pages.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod common;

use std::fs;
use std::path::Path;

use common::{Kept, Python, Run, command, finish, memsight};
use serde_json::Value;

/// Runs the command in a folder.
fn within(folder: &Path, args: &[&str]) -> Run {
    finish(command(args).current_dir(folder).spawn().expect("memsight starts"))
}

fn pids(args: &[&str]) -> Vec<u64> {
    let view = memsight(&[&["ps", "--format", "json"], args].concat()).json();
    let rows = view["processes"].as_array().expect("a list");
    rows.iter().map(|row| row["pid"].as_u64().expect("a pid")).collect()
}

#[test]
fn processes_are_sorted_and_filtered() {
    let marked = |size: u32| {
        Python::start(&format!("marked = 'few-{0}'; data = bytes(range(256)) * {size}", std::process::id()))
    };
    let (small, large) = (marked(4_000), marked(400_000));
    let mark = format!("few-{}", std::process::id());
    let both = [u64::from(small.number()), u64::from(large.number())];
    let largest_first = [both[1], both[0]];
    let mut by_pid = both;
    by_pid.sort_unstable();
    assert_eq!(pids(&["--filter", &mark]), by_pid);
    assert_eq!(pids(&["--filter", &mark.to_uppercase(), "--sort", "rss"]), largest_first);
    assert_eq!(pids(&["--filter", &mark, "--sort", "uss"]), largest_first);
    assert_eq!(pids(&["--filter", &mark, "--sort", "age"]), both, "the oldest first");
    let run = memsight(&["ps", "--filter", &mark, "--sort", "uss", "--format", "json"]).json();
    let row = &run["processes"][0];
    assert!(row["uss_bytes"].as_u64() > Some(100_000_000) && row["cpu_ns"].is_u64(), "{row:#}");
    assert!(row["name"].as_str().is_some_and(|name| name.starts_with("python")), "{row:#}");
    let text = memsight(&["ps", "--filter", &mark, "--sort", "uss"]).ok();
    assert!(text.lines().next().is_some_and(|titles| titles.contains("uss")), "{text}");
    let lines = memsight(&["ps", "--filter", &mark, "--format", "jsonl"]).ok();
    let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("an object a line");
    let line = lines.lines().map(read).find(|line| line["pid"] == row["pid"]).expect("a line of it");
    assert!(line["schema_version"].is_u64() && line["command"] == row["command"], "{lines}");
}

#[test]
fn a_filter_that_leaves_nothing_is_named() {
    let none = "nobody-has-this-in-a-command";
    let said = |args: &[&str]| memsight(args).ok();
    assert!(
        said(&["ps", "--filter", none]).starts_with(&format!("no Python process with \"{none}\" in its command line"))
    );
    let text = said(&["ps", "--filter", none, "--user", "0"]);
    assert!(text.starts_with("no Python process of user 0 with \""), "{text}");
    let text = said(&["ps", "--user", "3999999999"]);
    assert!(text.starts_with("no Python process of user 3999999999 found"), "{text}");
    assert_eq!(said(&["ps", "--filter", none, "--format", "jsonl"]), "");
}

#[test]
fn processes_of_a_user() {
    let target = Python::start("");
    let own = memsight(&["ps", "--filter", &target.pid(), "--format", "json"]).json();
    let user = own["processes"][0]["user"].as_u64().expect("a user").to_string();
    let pid = u64::from(target.number());
    assert!(pids(&["--user", &user]).contains(&pid));
    let passwd = fs::read_to_string("/etc/passwd").expect("users");
    let (mut name, mut other) = (None, None);
    for line in passwd.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if fields.get(2) == Some(&user.as_str()) { name = Some(fields[0]) } else { other = Some(fields[0]) }
    }
    assert!(name.is_none_or(|name| pids(&["--user", name]).contains(&pid)));
    assert!(!pids(&["--user", other.expect("a second user")]).contains(&pid));
    memsight(&["ps", "--user", "no-such-user"]).fails_with("MS-E146");
}

#[test]
fn outputs_without_a_name() {
    let target = Python::start("");
    let folder = tempfile::tempdir().expect("a folder");
    let (heap, file) = (format!("memsight-{}.heap", target.pid()), format!("memsight-{}.heapsnapshot", target.pid()));
    let run = within(folder.path(), &["snapshot", &target.pid()]);
    assert!(run.code == Some(0) && run.stderr.contains(&format!("next: memsight heap {heap}")), "{run:#?}");
    within(folder.path(), &["export", &heap]).ok();
    assert!(folder.path().join(heap).is_dir());
    let text = fs::read_to_string(folder.path().join(file)).expect("a file");
    assert!(text.starts_with("{\"snapshot\""), "{}", &text[..40]);
}

#[test]
fn an_export_to_stdout() {
    let kept = Kept::of(&Python::start("").pid());
    let path = kept.path("before.heap");
    let run = memsight(&["export", &path, "-o", "-"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let text: Value = serde_json::from_str(&run.stdout).expect("JSON, whole");
    assert!(text["nodes"].as_array().is_some_and(|nodes| nodes.len() > 1000));
    assert!(!Path::new("-").exists());
}

#[test]
fn a_comparison_says_its_next_command_once() {
    let kept = Kept::of(&Python::start("").pid());
    let (before, after) = (kept.path("before.heap"), kept.path("after.heap"));
    let run = memsight(&["compare", &before, &after]);
    assert!(run.stderr.contains("\nNext\n") || run.stderr.starts_with("Next\n"), "{run:#?}");
    assert!(!run.stdout.contains("next: "), "{run:#?}");
}

#[test]
fn every_verb_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("man1");
    memsight(&["man", &pages.display().to_string()]).ok();
    let help = memsight(&["--help"]).ok();
    let (_, verbs) = help.split_once("Commands:\n").expect("verbs");
    let verbs = verbs.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    let verbs: Vec<&str> = verbs.filter(|verb| *verb != "help").collect();
    assert!(verbs.len() > 10, "{verbs:?}");
    for verb in verbs {
        let page = fs::read_to_string(pages.join(format!("memsight-{verb}.1")))
            .unwrap_or_else(|error| panic!("{verb}: {error}"));
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(pages.join("memsight-heap-suspects.1").exists());
    let watch = fs::read_to_string(pages.join("memsight-watch.1")).expect("a page");
    assert!(
        watch.contains("Ends when the process does") && watch.contains(".nf\n") && watch.contains(".fi"),
        "{watch}"
    );
    let main = memsight(&["man"]).ok();
    assert!(main.contains(".TH memsight 1") && main.contains("memsight\\-heap(1)"), "{main}");
}

#[test]
fn help_says_more_than_the_list_of_verbs() {
    for (verb, words) in
        [("watch", "Ends when the process does"), ("heap", "stands still"), ("agent", "Prometheus and")]
    {
        let help = memsight(&[verb, "--help"]).ok();
        let (about, _) = help.split_once("Usage:").expect("a usage");
        assert!(about.lines().count() > 2 && about.contains(words), "{about}");
    }
}

#[test]
fn slips_are_answered_with_what_was_meant() {
    for (args, meant) in [
        (&["wach", "1"][..], "'watch'"),
        (&["watch", "--intervall", "5"], "'--interval'"),
        (&["heap", "1", "suspect"], "'suspects'"),
        (&["ps", "--sort", "rs"], "'rss'"),
    ] {
        let run = memsight(args);
        assert_eq!(run.code, Some(2), "{run:#?}");
        assert!(run.stderr.contains("similar") && run.stderr.contains(meant), "{run:#?}");
    }
}
