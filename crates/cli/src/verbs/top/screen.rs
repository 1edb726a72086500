//! The terminal, and the loop that feeds the state and draws it.

use std::io::{self, Stdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use memsight_engine::monitor::Pacer;
use ratatui::crossterm::execute;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{EnterAlternateScreen, enable_raw_mode};
use ratatui::{DefaultTerminal, crossterm::cursor::Hide};

use super::collect::{Source, Wish, collect};
use super::input::{follow_signals, follow_terminal};
use super::look::Running;
use super::state::{Effect, Event, State};
use super::view::theme::Theme;
use super::view::view;
use crate::error::Error;
use crate::platform;

/// Time between two drawings at least: faster is not seen.
const FRAME: Duration = Duration::from_millis(33);

/// Shows the screen until a person, a signal or the last reading ends it; gives the exit code.
pub fn run(state: &mut State, source: Source, pacer: Pacer, theme: Theme) -> Result<i32, Error> {
    let (events, received) = channel();
    let signals = follow_signals(events.clone())?;
    let mut screen = Screen::open(theme)?;
    let size = screen.terminal.size().map_err(Error::Terminal)?;
    state.update(Event::Resize(size.width, size.height));
    let (wishes, wished) = channel();
    let readings = events.clone();
    let collector = std::thread::spawn(move || {
        let readings = Farewell(readings);
        collect(source, pacer, &wished, &|event| readings.0.send(event).is_ok());
    });
    follow_terminal(events.clone());
    let mut threads = Threads { events, wishes, collector, look: None };
    let code = serve(state, &mut screen, &received, &mut threads);
    drop(screen);
    signals.close();
    threads.end();
    code
}

/// Ends the screen when the thread that has it panics: [`Threads::end`] passes the panic on.
struct Farewell(Sender<Event>);

impl Drop for Farewell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.send(Event::Terminate(2));
        }
    }
}

/// What works in the background.
struct Threads {
    events: Sender<Event>,
    wishes: Sender<Wish>,
    collector: JoinHandle<()>,
    look: Option<Running>,
}

impl Threads {
    /// Waits for all of them: a look must let go of its process.
    fn end(self) {
        let _ = self.wishes.send(Wish::Stop);
        if let Some(look) = self.look {
            look.finish();
        }
        if let Err(panic) = self.collector.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Takes events and draws, until an effect ends it.
fn serve(
    state: &mut State,
    screen: &mut Screen,
    events: &Receiver<Event>,
    threads: &mut Threads,
) -> Result<i32, Error> {
    screen.draw(state)?;
    let mut drawn = now();
    let mut stale = false;
    loop {
        let event = match stale {
            true => events.recv_timeout(FRAME.saturating_sub(drawn.elapsed())),
            false => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(event) => {
                stale = true;
                for effect in state.update(event) {
                    if let Some(code) = carry_out(&effect, screen, threads)? {
                        return Ok(code);
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Cannot be: `threads` holds a sender.
            Err(RecvTimeoutError::Disconnected) => return Ok(2),
        }
        if stale && drawn.elapsed() >= FRAME {
            screen.draw(state)?;
            (drawn, stale) = (now(), false);
        }
    }
}

/// Does what the state wants; gives the exit code when that is the end.
fn carry_out(effect: &Effect, screen: &mut Screen, threads: &mut Threads) -> Result<Option<i32>, Error> {
    // A collector that has ended has no ear for wishes.
    let wish = |wish| drop(threads.wishes.send(wish));
    match effect {
        &Effect::Quit(code) => return Ok(Some(code)),
        &Effect::Interval(interval) => wish(Wish::Interval(interval)),
        Effect::Focus(pids) => wish(Wish::Focus(pids.clone())),
        &Effect::Look { job, pid, kind } => {
            if let Some(before) = threads.look.take_if(|look| !look.is_over()) {
                before.finish();
            }
            let events = threads.events.clone();
            let send = move |event| {
                // Nobody waits for the news of a screen that is closed.
                let _ = events.send(event);
            };
            threads.look = Some(Running::start(job, pid, kind, send));
        }
        &Effect::Cancel { job } => {
            if let Some(look) = threads.look.as_ref().filter(|look| look.job == job) {
                look.cancel();
            }
        }
        Effect::Suspend => screen.suspend()?,
        Effect::Redraw => screen.enter()?,
    }
    Ok(None)
}

/// The terminal in the state that a screen needs; given back when it is dropped, and by a panic.
struct Screen {
    terminal: DefaultTerminal,
    theme: Theme,
}

impl Screen {
    fn open(theme: Theme) -> Result<Screen, Error> {
        // The theme has decided already, by --color, NO_COLOR and the terminal.
        force_color_output(theme.color);
        let terminal = ratatui::try_init().map_err(Error::Terminal)?;
        Ok(Screen { terminal, theme })
    }

    fn draw(&mut self, state: &State) -> Result<(), Error> {
        self.terminal.draw(|frame| view(state, self.theme, frame)).map_err(Error::of_output)?;
        Ok(())
    }

    /// Takes the terminal again and draws everything anew.
    fn enter(&mut self) -> Result<(), Error> {
        enable_raw_mode().map_err(Error::Terminal)?;
        let mut out: Stdout = io::stdout();
        execute!(out, EnterAlternateScreen, Hide).map_err(Error::of_output)?;
        // `clear` would ask the terminal where the cursor is, and the thread that reads keys would take the answer.
        let size = self.terminal.size().map_err(Error::Terminal)?;
        self.terminal.resize(size.into()).map_err(Error::of_output)
    }

    /// Gives the terminal to the shell, stops, and takes it again when a person continues us.
    fn suspend(&mut self) -> Result<(), Error> {
        // A terminal that does not take this has no shell to give it to.
        let _ = ratatui::try_restore();
        let _ = self.terminal.show_cursor();
        platform::suspend().map_err(Error::Terminal)?;
        self.enter()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = ratatui::try_restore();
        let _ = self.terminal.show_cursor();
    }
}

#[allow(clippy::disallowed_methods, reason = "the command is the door to the clock")]
fn now() -> Instant {
    Instant::now()
}
