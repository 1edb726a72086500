//! `--live` of `run` and `attach`: the lines that hold most now, on the screen, while a recording is made.
//!
//! ```text
//! the recording ── now ──┐
//! keys, signals ─────────┴─> state ──> view ──> the terminal
//! ```

mod state;
mod view;

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use memsight_engine::Live;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::style::force_color_output;

use crate::console::Console;
use crate::error::{Error, RunError};
use crate::platform::{Asked, Wake};
use crate::verbs::top::view::theme::Theme;
use state::{Asks, Key, State};

/// Between two figures.
const FIGURES: Duration = Duration::from_millis(500);
/// Between two looks for keys.
const KEYS: Duration = Duration::from_millis(50);

/// What is recorded on the screen.
pub trait Subject {
    /// Why there is nothing more to come, in words; `None` as long as it is recorded.
    fn over(&mut self) -> Option<String>;
    /// Ctrl-C was pressed; whether that ends the screen.
    fn interrupted(&mut self) -> bool;
    /// A signal has come; whether that ends the screen.
    fn signalled(&mut self, signal: i32) -> bool;
    /// What it last wrote, where its output is kept.
    fn last_line(&mut self) -> Option<String>;
    /// Whether the screen ends with it; it stays until a person has seen it otherwise.
    fn ends_screen(&self) -> bool;
}

/// Whether a screen can be shown; an error that says so otherwise.
pub fn check(console: &Console) -> Result<(), Error> {
    match io::stdout().is_terminal() && io::stdin().is_terminal() && !console.is_json() {
        true => Ok(()),
        false => Err(RunError::NoScreen.into()),
    }
}

/// Shows the screen until a person or the subject ends it. `title` is who is recorded, `quits` what `q` does.
pub fn show(
    title: &str,
    quits: &'static str,
    live: &Live,
    wake: &mut Wake,
    subject: &mut dyn Subject,
    console: &Console,
) -> Result<(), Error> {
    let theme = Theme { color: console.style().color, ascii_only: false };
    let mut screen = Screen::open(theme)?;
    let mut state = State::new(title, quits);
    let mut taken: Option<Instant> = None;
    loop {
        if taken.is_none_or(|taken| taken.elapsed() >= FIGURES) {
            taken = Some(now());
            state.take(live.now(), now());
        }
        state.over = subject.over();
        state.output = subject.last_line();
        screen.draw(&mut state)?;
        if state.over.is_some() && subject.ends_screen() {
            return Ok(());
        }
        let signals = wake.wait(Duration::ZERO);
        if signals.iter().any(|asked| matches!(asked, Asked::End(signal) if subject.signalled(*signal))) {
            return Ok(());
        }
        if !event::poll(KEYS).map_err(Error::Terminal)? {
            continue;
        }
        let Some(key) = key(&event::read().map_err(Error::Terminal)?) else { continue };
        if key == Key::Redraw {
            screen.anew()?;
        }
        match state.press(key) {
            Some(Asks::Quit) => return Ok(()),
            Some(Asks::Interrupt) if subject.interrupted() || state.over.is_some() => return Ok(()),
            _ => {}
        }
    }
}

/// What a key of the terminal is here.
fn key(event: &Event) -> Option<Key> {
    let Event::Key(KeyEvent { code, modifiers, kind, .. }) = event else { return None };
    if *kind == KeyEventKind::Release {
        return None;
    }
    Some(match code {
        KeyCode::Char('c' | 'C') if modifiers.contains(KeyModifiers::CONTROL) => Key::Interrupt,
        KeyCode::Char('l' | 'L') if modifiers.contains(KeyModifiers::CONTROL) => Key::Redraw,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char(' ') => Key::Pause,
        KeyCode::Char('1') => Key::Sort(0),
        KeyCode::Char('2') => Key::Sort(1),
        KeyCode::Char('3') => Key::Sort(2),
        KeyCode::Left | KeyCode::Char('<') => Key::Before,
        KeyCode::Right | KeyCode::Char('>' | 's') => Key::Next,
        KeyCode::Up | KeyCode::Char('k') => Key::Move(-1),
        KeyCode::Down | KeyCode::Char('j') => Key::Move(1),
        KeyCode::PageUp => Key::Page(-1),
        KeyCode::PageDown => Key::Page(1),
        KeyCode::Home | KeyCode::Char('g') => Key::Move(isize::MIN),
        KeyCode::End | KeyCode::Char('G') => Key::Move(isize::MAX),
        _ => return None,
    })
}

/// The terminal in the state that a screen needs; given back when it is dropped, and by a panic.
struct Screen {
    terminal: DefaultTerminal,
    theme: Theme,
}

impl Screen {
    fn open(theme: Theme) -> Result<Screen, Error> {
        force_color_output(theme.color);
        let terminal = ratatui::try_init().map_err(Error::Terminal)?;
        Ok(Screen { terminal, theme })
    }

    /// Draws everything the next time.
    fn anew(&mut self) -> Result<(), Error> {
        // (`clear` would ask the terminal where the cursor is, which is answered among the keys)
        let size = self.terminal.size().map_err(Error::Terminal)?;
        self.terminal.resize(size.into()).map_err(Error::of_output)
    }

    fn draw(&mut self, state: &mut State) -> Result<(), Error> {
        self.terminal.draw(|frame| view::draw(state, self.theme, frame)).map_err(Error::of_output)?;
        Ok(())
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
