//! `memsight advise --verify` on programs whose waste is known.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Run, command, finish};
use serde_json::Value;

/// Reads all lines of a log of 200,000 lines, and needs them one at a time.
const LOG: &str = r#"
import os, sys

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "app.log")
if not os.path.exists(PATH):
    with open(PATH, "w") as file:
        file.writelines(f"{number:059}\n" for number in range(200_000))


def longest(path):
    most = 0
    with open(path) as log:
        for line in log.readlines():
            most = max(most, len(line))
    return most


print(longest(PATH), __file__)
"#;
/// What a list of its lines takes, by the rule's page: 118 B a line, 110 from 3.12 on.
const LINES: (f64, f64) = (200_000.0 * 110.0, 200_000.0 * 118.0);

/// A project of files.
struct Project(tempfile::TempDir);

impl Project {
    fn of(files: &[(&str, &str)]) -> Project {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("pyproject.toml"), "").expect("a file");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        Project(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        std::fs::canonicalize(self.0.path()).expect("a folder").join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    /// `memsight advise` in it, with these words.
    fn command(&self, words: &str) -> Command {
        let mut command = command(&["advise"]);
        command.args(words.split_whitespace()).current_dir(self.0.path());
        command
    }

    fn run(&self, words: &str) -> Run {
        finish(self.command(words).spawn().expect("memsight starts"))
    }

    /// The part of the result that is about verifying.
    fn verify(&self, words: &str) -> Value {
        let run = self.run(&format!("--format json {words}"));
        assert!(matches!(run.code, Some(0 | 1)), "{run:#?}");
        let mut whole: Value = serde_json::from_str(&run.stdout).expect("JSON");
        whole["verify"].take()
    }
}

fn verdicts(verify: &Value) -> Vec<(&str, &str)> {
    let fixes = verify["fixes"].as_array().expect("fixes");
    fixes
        .iter()
        .map(|fix| (fix["rule"].as_str().expect("a rule"), fix["verdict"].as_str().expect("a verdict")))
        .collect()
}

#[test]
fn a_fix_that_saves_is_kept_and_saves_what_it_should() {
    let project = Project::of(&[("app.py", LOG)]);
    let verify = project.verify("app.py --fix --verify -- python3 app.py");
    assert_eq!(verdicts(&verify), [("MS105", "kept")], "{verify:#}");
    assert!(project.text("app.py").contains("for line in log:"));
    let together = &verify["together"];
    let saved = together["peak"]["saved"].as_f64().expect("bytes");
    assert!((0.8 * LINES.0..1.2 * LINES.1).contains(&saved), "{together:#}");
    // What is traced is exact: lines and their list, but for what one line and a buffer take.
    let traced = together["traced_peak"]["saved"].as_f64().expect("bytes");
    assert!((0.95 * LINES.0..1.05 * LINES.1).contains(&traced), "{together:#}");
    assert_eq!((&verify["changed_files"], &verify["written"]), (&Value::from(1), &Value::from(true)));
    // The program made its log in copies alone.
    assert!(!project.path("app.log").exists());
}

#[test]
fn without_fix_nothing_is_written_and_a_difference_is_what_would_be_kept() {
    let project = Project::of(&[("app.py", LOG)]);
    let run = project.run("app.py --diff --verify -- python3 app.py");
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(run.stdout.contains("+        for line in log:"), "{run:#?}");
    assert!(run.stderr.contains("kept") && run.stderr.contains("1 file would change (--fix)"), "{run:#?}");
    assert_eq!(project.text("app.py"), LOG);
}

#[test]
fn a_fix_that_changes_the_output_is_undone_and_said_first() {
    let flags = "def run(count):\n    seen = [False] * count\n    seen[5] = True\n    \
                 print(f\"{seen[7]} of {len(seen)}\")\n\n\nrun(4_000_000)\n";
    let project = Project::of(&[("app.py", flags)]);
    let run = project.run("app.py --fix --unsafe-fixes --verify -- python3 app.py");
    assert_eq!(run.code, Some(1), "{run:#?}");
    let first = run.stdout.lines().next().expect("a line");
    assert!(first.starts_with("MS306 app.py:2 is undone: the outputs differ: line 1 is \"0 of"), "{run:#?}");
    assert_eq!(project.text("app.py"), flags);
    // Who does not mind has it.
    let verify = project.verify("app.py --fix --unsafe-fixes --verify --compare exit -- python3 app.py");
    assert_eq!(verdicts(&verify), [("MS306", "kept")], "{verify:#}");
    assert!(project.text("app.py").contains("bytearray(1) * count"));
}

#[test]
fn a_fix_that_saves_nothing_is_undone_unless_it_is_to_be_kept() {
    let few = LOG.replace("200_000", "40");
    let other = "def lines(path):\n    with open(path) as log:\n        for line in log.readlines():\n            print(line)\n";
    let project = Project::of(&[("app.py", &few), ("other.py", other)]);
    let verify = project.verify("--fix --verify -- python3 app.py");
    assert_eq!(verdicts(&verify), [("MS105", "saves-nothing"), ("MS105", "saves-nothing")], "{verify:#}");
    let fixes = verify["fixes"].as_array().expect("fixes");
    assert_eq!(fixes[1]["reason"], "the command does not run this file");
    assert_eq!((project.text("app.py"), project.text("other.py")), (few, other.to_owned()));
    let verify = project.verify("app.py --fix --verify --keep whole-lines -- python3 app.py");
    assert_eq!(verdicts(&verify), [("MS105", "kept-on-request")], "{verify:#}");
    assert!(project.text("app.py").contains("for line in log:"));
}

#[test]
fn a_command_that_cannot_be_compared_is_refused_and_nothing_changed() {
    let cases = [
        ("import time\nwhile True:\n    time.sleep(60)\n", "--timeout 300ms", "MS-E282"),
        ("import sys\nprint('no such order', file=sys.stderr)\nsys.exit(3)\n", "", "MS-E283"),
        ("import os\nprint(os.getpid())\n", "", "MS-E284"),
    ];
    for (end, options, code) in cases {
        let app = format!("{LOG}\n{end}");
        let project = Project::of(&[("app.py", &app)]);
        project.run(&format!("app.py --fix --verify {options} -- python3 app.py")).fails_with(code);
        assert_eq!(project.text("app.py"), app, "{code}");
    }
    let project = Project::of(&[("app.py", LOG)]);
    project.run("app.py --fix --verify -- ./no-such-command").fails_with("MS-E285");
    let outside = Project::of(&[("app.py", LOG)]);
    let words = format!("{} --fix --verify -- python3 app.py", outside.path("app.py").display());
    project.run(&words).fails_with("MS-E280");
}

#[test]
fn a_random_output_need_not_be_compared() {
    let app = format!("{LOG}\nprint(os.getpid())\n");
    let project = Project::of(&[("app.py", &app)]);
    let verify = project.verify("app.py --fix --verify --compare exit -- python3 app.py");
    assert_eq!(verdicts(&verify), [("MS105", "kept")], "{verify:#}");
}

#[test]
fn a_file_that_somebody_changes_meanwhile_is_left_as_it_is() {
    // The program runs in a copy; the name of the file itself comes by a way that is not mapped.
    let app = format!(
        "{LOG}\nwith open(os.environ['ORIGINAL'], 'r+') as file:\n    if not file.read().endswith('# by hand\\n'):\n        file.write('# by hand\\n')\n"
    );
    let project = Project::of(&[("app.py", &app)]);
    let mut command = project.command("app.py --fix --verify -- python3 app.py");
    let run = finish(command.env("ORIGINAL", project.path("app.py")).spawn().expect("memsight starts"));
    run.fails_with("MS-E198");
    assert_eq!(project.text("app.py"), format!("{app}# by hand\n"));
}

#[test]
fn ctrl_c_leaves_the_files_and_no_process() {
    // Its process tells that it is there, and waits for ever.
    let app =
        format!("{LOG}\nimport time\nopen(os.environ['TELLS'], 'w').write(str(os.getpid()))\ntime.sleep(10_000)\n");
    let project = Project::of(&[("app.py", &app)]);
    let told = tempfile::tempdir().expect("a folder");
    let tells = told.path().join("pid");
    assert!(Command::new("mkfifo").arg(&tells).status().expect("mkfifo").success());
    let mut command = project.command("app.py --fix --verify -- python3 app.py");
    let child = command.env("TELLS", &tells).spawn().expect("memsight starts");
    let pid = std::fs::read_to_string(&tells).expect("the program tells");
    let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(asked.success());
    let run = finish(child);
    assert_eq!(run.code, Some(130), "{run:#?}");
    assert_eq!(project.text("app.py"), app);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn source_that_is_found_elsewhere_is_run_from_the_copy() {
    // As a package that is installed to be edited: its folder stands at the end of the path, by its whole name.
    let project = Project::of(&[("src/shop/__init__.py", ""), ("src/shop/report.py", LOG)]);
    let main = format!("import sys\nsys.path.append({:?})\nimport shop.report\n", project.path("src"));
    std::fs::write(project.path("main.py"), &main).expect("a file");
    let verify = project.verify("src --fix --verify -- python3 main.py");
    assert_eq!(verdicts(&verify), [("MS105", "kept")], "{verify:#}");
    assert!(!project.path("src/shop/app.log").exists());
    // Where that cannot be, it is said.
    let project = Project::of(&[("src/shop/__init__.py", ""), ("src/shop/report.py", LOG)]);
    let main = main.replace("sys.path.append(", "sys.path.insert(0, ");
    let main = main.replace(main.split('"').nth(1).expect("a path"), project.path("src").to_str().expect("UTF-8"));
    std::fs::write(project.path("main.py"), main).expect("a file");
    project.run("src --fix --verify -- python3 main.py").fails_with("MS-E288");
}

#[test]
fn fixes_that_save_alone_and_together_are_told_apart() {
    // Two lists of the same file, one after the other: each is the peak without the other.
    let twice = LOG.replace(
        "print(longest(PATH), __file__)",
        "def shortest(path):\n    least = 99\n    with open(path) as log:\n        for line in log.readlines():\n            \
         least = min(least, len(line))\n    return least\n\n\nprint(longest(PATH), shortest(PATH))",
    );
    let project = Project::of(&[("app.py", &twice)]);
    let verify = project.verify("app.py --fix --verify -- python3 app.py");
    assert_eq!(verdicts(&verify), [("MS105", "kept"), ("MS105", "kept")], "{verify:#}");
    let saved = verify["together"]["peak"]["saved"].as_f64().expect("bytes");
    assert!((0.8 * LINES.0..1.2 * LINES.1).contains(&saved), "{verify:#}");
}
