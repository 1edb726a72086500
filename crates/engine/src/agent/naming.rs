//! The name of a process that nobody has named: what its operator or its author calls it. Arguments are no part of it.
//!
//! ```text
//! shop.service                         shop         the unit of systemd that it runs in
//! python -m celery -A shop worker      celery       the module
//! python /srv/shop/manage.py serve     manage       the script
//! gunicorn: master [shop]              gunicorn     the title that it has given itself
//! uwsgi --ini shop.ini                 uwsgi        the program
//! ```

use memsight_target::figures::Handle;

/// Units that start programs of many people: the program says more.
const LAUNCHERS: [&str; 9] =
    ["cron", "crond", "atd", "ssh", "sshd", "docker", "containerd", "supervisor", "supervisord"];
/// Parents that are asked for the name of a helper of `multiprocessing`.
const MOST_PARENTS: usize = 3;

/// The name of a process in `container`. Cost: a read or two of `/proc`.
pub(super) fn own_name(process: &Handle, container: &str) -> String {
    unit(container).or_else(|| by_command(process, MOST_PARENTS)).unwrap_or_else(|| short_name(process))
}

/// The unit of systemd that a control group belongs to, without its kind.
fn unit(container: &str) -> Option<String> {
    // `~2` is ours, where two end alike
    let name = container.split('~').next()?.strip_suffix(".service")?;
    let shared = LAUNCHERS.contains(&name) || name.starts_with("user@") || name.starts_with("getty@");
    (!name.is_empty() && !shared).then(|| name.to_owned())
}

fn by_command(process: &Handle, parents: usize) -> Option<String> {
    let words = process.command().ok()?;
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match Run::of(&words)? {
        Run::Named(name) => Some(name),
        // it was started by `spawn` or `forkserver`, and belongs to who started it
        Run::Helper if parents > 0 => {
            let parent = process.stat().ok()?.parent;
            by_command(&Handle::open(parent).ok()?, parents - 1)
        }
        Run::Helper | Run::Nameless => None,
    }
}

/// The kernel's short name, or `python` where even that is missing.
fn short_name(process: &Handle) -> String {
    let name = process.stat().map(|stat| stat.name.to_str().into_owned()).unwrap_or_default();
    if name.is_empty() { "python".to_owned() } else { name }
}

/// What a command line runs.
#[derive(Debug, PartialEq, Eq)]
enum Run {
    Named(String),
    /// A process of `multiprocessing`.
    Helper,
    /// Code of the command line, standard input, or a prompt.
    Nameless,
}

impl Run {
    fn of(words: &[String]) -> Option<Run> {
        let (program, arguments) = words.split_first()?;
        let name = file_name(program);
        if !(name.starts_with("python") || name.starts_with("pypy")) {
            // a title is a line of its own: `celeryd: worker`, `[celeryd: ...]`
            let title = name.trim_matches(['[', ']', ':']);
            return (!title.is_empty()).then(|| Run::Named(title.to_owned()));
        }
        Some(Run::of_python(arguments))
    }

    /// As CPython takes its command line apart (`Python/getopt.c`, `Python/initconfig.c`).
    fn of_python(arguments: &[String]) -> Run {
        let mut words = arguments.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                return if word == "-" { Run::Nameless } else { Run::script(word) };
            };
            if word == "--check-hash-based-pycs" {
                words.next();
            }
            if letters.starts_with('-') {
                continue;
            }
            for (at, letter) in letters.char_indices() {
                let mut rest = || {
                    Some(&letters[at + letter.len_utf8()..]).filter(|rest| !rest.is_empty()).or_else(|| words.next())
                };
                match letter {
                    'm' => return rest().map_or(Run::Nameless, |module| Run::Named(module.to_owned())),
                    'c' => return rest().map_or(Run::Nameless, Run::code),
                    'W' | 'X' => {
                        rest();
                        break;
                    }
                    _ => {}
                }
            }
        }
        Run::Nameless
    }

    fn script(path: &str) -> Run {
        let name = file_name(path);
        let named = match name.strip_suffix(".py").or_else(|| name.strip_suffix(".pyz")).unwrap_or(name) {
            // `python folder/__main__.py`
            "__main__" => file_name(path.strip_suffix(name).unwrap_or_default().trim_end_matches('/')),
            name => name,
        };
        if named.is_empty() { Run::Nameless } else { Run::Named(named.to_owned()) }
    }

    /// `Lib/multiprocessing/spawn.py`, `forkserver.py` and `resource_tracker.py` start Python with such code.
    fn code(code: &str) -> Run {
        if code.contains("from multiprocessing.") { Run::Helper } else { Run::Nameless }
    }
}

fn file_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &[&str]) -> Option<Run> {
        Run::of(&line.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    fn named(name: &str) -> Option<Run> {
        Some(Run::Named(name.to_owned()))
    }

    #[test]
    fn scripts_and_modules_are_found_behind_the_options() {
        for (line, name) in [
            (&["python3", "/srv/shop/manage.py", "runserver", "--password=x"][..], "manage"),
            (&["/usr/bin/python3.11", "-m", "celery", "-A", "shop"], "celery"),
            (&["python", "-Ium", "http.server", "8000"], "http.server"),
            (&["python", "-mpip"], "pip"),
            (&["python", "-X", "dev", "-W", "error", "-u", "app.py"], "app"),
            (&["python", "-Xdev", "-Werror::DeprecationWarning", "app"], "app"),
            (&["python", "--check-hash-based-pycs", "always", "app.pyz"], "app"),
            (&["/usr/bin/python3", "/usr/local/bin/gunicorn", "shop:app"], "gunicorn"),
            (&["python", "/srv/jobs/__main__.py"], "jobs"),
            (&["python", "/srv/jobs/"], "jobs"),
            (&["gunicorn:", "master", "[shop]"], "gunicorn"),
            (&["[celeryd:", "celery@host:MainProcess]"], "celeryd"),
            (&["/usr/bin/uwsgi", "--ini", "shop.ini"], "uwsgi"),
        ] {
            assert_eq!(run(line), named(name), "{line:?}");
        }
    }

    #[test]
    fn code_and_prompts_have_no_name() {
        for line in [
            &["python3"][..],
            &["python3", "-"],
            &["python3", "-c", "import app"],
            &["python3", "-m"],
            &["python", "-i"],
        ] {
            assert_eq!(run(line), Some(Run::Nameless), "{line:?}");
        }
        assert_eq!(run(&[]), None);
        let helper = "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)";
        assert_eq!(run(&["python3", "-Bc", helper, "--multiprocessing-fork"]), Some(Run::Helper));
    }

    #[test]
    fn units_name_what_runs_in_them() {
        assert_eq!(unit("shop.service"), Some("shop".into()));
        assert_eq!(unit("worker@2.service~2"), Some("worker@2".into()));
        for none in ["cron.service", "user@1000.service", "session-3.scope", "0123456789ab", ""] {
            assert_eq!(unit(none), None, "{none}");
        }
    }

    #[test]
    fn a_process_of_this_machine_has_a_name() {
        let own = Handle::open(std::process::id()).unwrap();
        assert!(!own_name(&own, "").is_empty());
        assert_eq!(own_name(&own, "shop.service"), "shop");
    }
}
