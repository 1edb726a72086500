//! `memsight watch`: record the memory of a process, a tree or a command, and say what it came to.

mod config;
mod figures;
mod files;
mod live;
mod markers;
mod replay;
mod session;
mod spikes;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use memsight_engine::figures as system;
use memsight_engine::format::monitor::{FORMAT, Header, Host, VERSION, Watched};
use memsight_engine::monitor::{Cadence, Monitor, Options, Pacer, Subject};
use memsight_render::text::Style;
use memsight_render::{WatchView, json, json_line, plot, text};

use crate::args::{Format, Watch};
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::platform::{self, Asked, Wake};
use crate::verbs::command::Command;
use config::{Kind, Output, Source};
use figures::Figures;
use files::Opened;
use live::Live;
use markers::{Markers, VARIABLE};
use session::{Over, Session};
use spikes::{Place, Spikes};

/// Share of a core for USS and PSS when the person asked for them more often than by default.
const DEAR: f64 = 0.25;
/// Lines of the plot where the terminal does not say how many it has.
const PLOT_LINES: usize = 14;
/// Lines that a plot never exceeds.
const MAX_PLOT_LINES: usize = 24;

/// Records or replays, and gives the exit code.
pub fn run(args: &Watch, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let mut outputs = config::outputs(args)?;
    let place = Place::take(&mut outputs, args)?;
    match config::source(args)? {
        Source::Log(path) if place.is_asked_for() => Err(Error::NoHeapInLog { path }),
        Source::Log(log) => replay(&log, &outputs, args, console),
        Source::Process(pid) => interrupt.carefully(|| record(Some(pid), &[], (outputs, place), args, console)),
        Source::Command(command) => {
            interrupt.leave();
            record(None, &command, (outputs, place), args, console)
        }
    }
}

fn replay(log: &Path, outputs: &[Output], args: &Watch, console: &Console) -> Result<i32, Error> {
    let (figures, view) = replay::read(log, console)?;
    replay::convert(log, outputs, &figures, &view, args.force)?;
    show(&view, &figures, args, console, false)?;
    if !console.is_json() && outputs.is_empty() {
        console.remark(|style| text::next_after_log(&log.display().to_string(), style));
    }
    Ok(0)
}

/// Records a process, or a command that is started for it.
fn record(
    pid: Option<u32>,
    command: &[OsString],
    (mut outputs, place): (Vec<Output>, Place),
    args: &Watch,
    console: &Console,
) -> Result<i32, Error> {
    let pacer = Pacer::new(args.interval)?;
    if console.format() == Format::Jsonl && pid.is_some() && !outputs.iter().any(Output::is_stdout) {
        outputs.push(Output { kind: Kind::Log, path: "-".into() });
    }
    // A process that is not there is told before any file is created.
    let monitor = pid.map(|pid| Monitor::new(subject(pid, args), options(args))).transpose()?;
    place.check()?;
    let opened = Opened::open(outputs, args.force)?;
    let to_stderr = pid.is_none() || opened.has_stdout();
    let mut wake = Wake::listen().map_err(Error::Setup)?;
    let markers = match (pid, &args.markers) {
        (Some(_), None) => None,
        (_, path) => Some(Markers::follow(path.as_deref()).map_err(Error::Setup)?),
    };
    let mut command = match &markers {
        Some(markers) if pid.is_none() => Some(Command::start(command, &[(VARIABLE, markers.path().into())])?),
        _ => None,
    };
    let pid = pid.or(command.as_ref().map(Command::pid)).unwrap_or_default();
    wake.follow(pid);
    let monitor = monitor.map_or_else(|| Monitor::new(subject(pid, args), options(args)), Ok)?;
    let header = header(pid, args, pacer.interval());
    let live = (command.is_none() && console.shows_progress()).then_some(console);
    let mut session = Session {
        monitor,
        pacer,
        wake,
        markers,
        files: opened.begin(&header, console),
        live: Live::new(live, args.ascii_only),
        spikes: Spikes::new(place, args, pid, header.at),
        console,
        header,
        duration: args.duration,
        figures: Figures::default(),
        had_memory: false,
    };
    let over = session.run(command.as_mut())?;
    conclude(session, command, over, to_stderr, args)
}

/// The end of a recording: summary, files, exit code.
fn conclude(
    mut session: Session<'_>,
    mut command: Option<Command>,
    over: Over,
    to_stderr: bool,
    args: &Watch,
) -> Result<i32, Error> {
    let console = session.console;
    let code = command.as_mut().filter(|_| over == Over::Ended).map(Command::code);
    let heaps = session.spikes.finish();
    let looked = session.spikes.looked;
    let peak = command.as_ref().filter(|_| code.is_some()).and_then(|command| command.peak(looked));
    let view = session.conclude(code, peak, heaps);
    let left_over = session.left_over();
    let Session { mut wake, files, live, figures, .. } = session;
    drop(live);
    let complete = files.finish(&view, &figures.plot(&view.name, &view.headline()), console);
    if complete {
        written(args, console);
    }
    if over == Over::Ended && left_over > 0 {
        let it =
            if left_over == 1 { "1 process that it started still runs" } else { "processes that it started still run" };
        console.remark(|_| if left_over == 1 { format!("{it}\n") } else { format!("{left_over} {it}\n") });
    }
    // What was found stands last, and the command that goes on from there.
    let shown = show(&view, &figures, args, console, to_stderr);
    next(&view, over, args, console);
    let Some(mut command) = command else {
        shown?;
        return Ok(match over {
            Over::Signal(signal) => 128 + signal,
            Over::Ended | Over::Time if complete => 0,
            Over::Ended | Over::Time => 2,
        });
    };
    // The recording is over, the command need not be.
    while !command.ended() {
        for asked in wake.wait(Duration::from_secs(1)) {
            if let Asked::End(signal) = asked {
                command.forward(signal);
            }
        }
    }
    Ok(command.code())
}

/// What to run next. Of a command that runs on the process can be looked at as well.
fn next(view: &WatchView, over: Over, args: &Watch, console: &Console) {
    if !console.is_json() {
        let words: Vec<String> = args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        console.remark(|style| text::next_after_watch(view, over != Over::Ended, &words, style));
    }
}

/// What was written, and how to see it again.
fn written(args: &Watch, console: &Console) {
    let paths: Vec<_> = args.output.iter().filter(|path| path.as_os_str() != "-" && !config::is_heap(path)).collect();
    let names: Vec<_> = paths.iter().map(|path| console.hint(&path.display().to_string())).collect();
    let log = paths.iter().find(|path| path.extension().is_some_and(|kind| kind == "jsonl" || kind == "log"));
    let again = log.map(|log| console.hint(&format!("memsight watch {}", log.display())));
    if !names.is_empty() {
        let again = again.map(|command| format!("; again with: {command}")).unwrap_or_default();
        console.remark(|_| format!("wrote {}{again}\n", names.join(", ")));
    }
}

fn subject(pid: u32, args: &Watch) -> Subject {
    if args.no_children { Subject::Process(pid) } else { Subject::Tree(pid) }
}

fn options(args: &Watch) -> Options {
    let defaults = Options::default();
    let rollup = args.rollup.0.map_or(Cadence::Never, Cadence::Every);
    Options {
        budget: if matches!(rollup, Cadence::Every(_)) && rollup != defaults.rollup { DEAR } else { defaults.budget },
        rollup,
        gc: if args.gc { Cadence::Every(args.interval) } else { Cadence::Never },
        container: true,
        ..defaults
    }
}

fn header(pid: u32, args: &Watch, interval: Duration) -> Header {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    let program = args.command.first().map(|program| {
        Path::new(program).file_name().map_or_else(|| text(program), |name| name.to_string_lossy().into_owned())
    });
    let arguments = args.command.get(1..).filter(|_| args.arguments);
    Header {
        format: FORMAT.to_owned(),
        schema_version: VERSION,
        memsight: env!("CARGO_PKG_VERSION").to_owned(),
        at: system::now(),
        interval_ns: nanoseconds(interval),
        rollup_interval_ns: args.rollup.0.map(nanoseconds),
        watched: Watched {
            pid,
            tree: !args.no_children,
            program,
            arguments: arguments.map(|words| words.iter().map(text).collect()),
        },
        host: Host {
            kernel: platform::kernel(),
            processors: std::thread::available_parallelism().map_or(0, |count| count.get() as u32),
            memory_bytes: system::virtual_memory().map_or(0, |memory| memory.total_bytes),
        },
    }
}

/// The summary, where the command's own output is not.
fn show(view: &WatchView, figures: &Figures, args: &Watch, console: &Console, to_stderr: bool) -> Result<(), Error> {
    let text = |style: &Style| summary(view, figures, args, style);
    match (console.format(), to_stderr) {
        (Format::Text, false) => console.write(&text(console.style())),
        (Format::Text, true) => {
            console.remark(text);
            Ok(())
        }
        (Format::Json, false) => console.write(&json(view)),
        (Format::Json, true) => {
            console.remark(|_| json(view));
            Ok(())
        }
        // The log on stdout ends with it.
        (Format::Jsonl, _) if args.command.is_empty() && to_stderr => Ok(()),
        (Format::Jsonl, false) => console.write(&json_line(view)),
        (Format::Jsonl, true) => {
            console.remark(|_| json_line(view));
            Ok(())
        }
    }
}

/// The summary and the plot, so that both fit the screen where that is possible.
fn summary(view: &WatchView, figures: &Figures, args: &Watch, style: &Style) -> String {
    let rows = terminal_size::terminal_size().map_or(usize::MAX, |(_, rows)| usize::from(rows.0));
    let (mut out, heaps) = (text::watch(view, style), text::watch_heaps(view, style));
    if !args.no_plot && view.summary.samples > 1 {
        // A blank line before; heaps and the shell's prompt after.
        let room = rows.saturating_sub(out.lines().count() + heaps.lines().count() + 4);
        let lines = if rows == usize::MAX { PLOT_LINES } else { room.clamp(8, MAX_PLOT_LINES) };
        let plot = figures.plot("", "");
        out.push('\n');
        out.push_str(&plot::terminal(&plot, style.width.min(120), lines, style, args.ascii_only));
    }
    if !heaps.is_empty() {
        out.push('\n');
        out.push_str(&heaps);
    }
    out
}
