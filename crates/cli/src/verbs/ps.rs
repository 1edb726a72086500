//! `memsight ps`: the Python processes of the machine.

use std::cmp::Reverse;

use memsight_engine::figures::{Handle, now};
use memsight_engine::{PythonProcess, processes};
use memsight_model::SCHEMA_VERSION;
use memsight_render::text;
use memsight_render::{ProcessFigure, ProcessFilter, ProcessRow, ProcessesView};

use crate::args::{Ps, PsSort};
use crate::console::Console;
use crate::error::Error;
use crate::platform::user_id;

pub fn run(args: &Ps, console: &Console) -> Result<(), Error> {
    let user = args.user.as_deref().map(user_of).transpose()?;
    let text = args.filter.as_deref().unwrap_or_default().to_lowercase();
    let fits = |process: &PythonProcess| {
        let has = |where_: &str| where_.to_lowercase().contains(&text);
        let named = has(&process.command) || has(&process.name) || has(&process.pid.to_string());
        named && user.is_none_or(|user| process.user == Some(user))
    };
    let row = |process| row(process, args.sort == PsSort::Uss);
    let mut rows: Vec<ProcessRow> = processes()?.into_iter().filter(fits).map(row).collect();
    sort(&mut rows, args.sort);
    let figure = match args.sort {
        PsSort::Uss => Some(ProcessFigure::Uss),
        PsSort::Cpu => Some(ProcessFigure::Cpu),
        PsSort::Age => Some(ProcessFigure::Age(now().unix_ns as f64 / 1e9)),
        PsSort::Pid | PsSort::Rss | PsSort::Name => None,
    };
    let filter = ProcessFilter { text: args.filter.as_deref(), user: args.user.as_deref() };
    let view = ProcessesView { schema_version: SCHEMA_VERSION, processes: rows };
    if console.is_lines() {
        return console.write(&view.lines());
    }
    console.show(&view, |view, _| text::processes(view, figure, filter, &console.whole_lines()))
}

/// Brings the rows, which are in the order of pids, into another order.
fn sort(rows: &mut [ProcessRow], by: PsSort) {
    match by {
        PsSort::Pid => {}
        PsSort::Rss => rows.sort_by_key(|row| Reverse(row.rss_bytes)),
        PsSort::Uss => rows.sort_by_key(|row| Reverse(row.uss_bytes)),
        PsSort::Cpu => rows.sort_by_key(|row| Reverse(row.cpu_ns)),
        PsSort::Age => rows.sort_by(|one, other| one.created.total_cmp(&other.created)),
        PsSort::Name => rows.sort_by(|one, other| one.name.cmp(&other.name)),
    }
}

fn row(process: PythonProcess, uss: bool) -> ProcessRow {
    let rollup = if uss { Handle::open(process.pid).and_then(|handle| handle.rollup()).ok() } else { None };
    ProcessRow {
        pid: process.pid,
        version: process.version,
        error: process.error.map(str::to_owned),
        rss_bytes: process.rss_bytes,
        uss_bytes: rollup.map(|rollup| rollup.uss_bytes()),
        command: process.command,
        name: process.name,
        user: process.user,
        cpu_ns: process.cpu_ns,
        created: process.created,
    }
}

/// The id of a user that was named.
fn user_of(user: &str) -> Result<u32, Error> {
    let known = user.parse().ok().or_else(|| user_id(user));
    known.ok_or_else(|| Error::NoSuchUser { user: user.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_the_oldest_and_what_is_not_known_last() {
        let row = |pid: u32, uss_bytes, created| ProcessRow {
            pid,
            version: None,
            error: None,
            rss_bytes: u64::from(pid),
            command: String::new(),
            name: format!("python{}", 9 - pid),
            user: None,
            cpu_ns: u64::from(pid % 3),
            created,
            uss_bytes,
        };
        let order = |by| {
            let mut rows = vec![row(1, None, 30.0), row(2, Some(7), 10.0), row(3, Some(8), 20.0)];
            sort(&mut rows, by);
            rows.iter().map(|row| row.pid).collect::<Vec<_>>()
        };
        assert_eq!(order(PsSort::Pid), [1, 2, 3]);
        assert_eq!(order(PsSort::Rss), [3, 2, 1]);
        assert_eq!(order(PsSort::Uss), [3, 2, 1]);
        assert_eq!(order(PsSort::Cpu), [2, 1, 3]);
        assert_eq!(order(PsSort::Age), [2, 3, 1]);
        assert_eq!(order(PsSort::Name), [3, 2, 1]);
    }
}
