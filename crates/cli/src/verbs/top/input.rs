//! Keys and signals as events of the screen.

use std::sync::mpsc::Sender;

use ratatui::crossterm::event::{self, Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::state::{Event, Failure, Key};
use crate::error::Error;
use crate::platform::{self, Asked, Following};

/// Sends keys and new sizes for as long as the terminal gives any; the thread ends with the process.
pub fn follow_terminal(events: Sender<Event>) {
    std::thread::spawn(move || {
        loop {
            let event = match event::read() {
                Ok(event) => translate(event),
                Err(error) => {
                    // The screen goes on without keys: there is still Ctrl-C from outside.
                    let _ = events.send(Event::Trouble(Failure::of(&Error::Terminal(error))));
                    return;
                }
            };
            if event.is_some_and(|event| events.send(event).is_err()) {
                return;
            }
        }
    });
}

/// Sends signals as events until it is closed.
pub fn follow_signals(events: Sender<Event>) -> Result<Following, Error> {
    let send = move |asked| {
        let event = match asked {
            Asked::Suspend => Event::Key(Key::Suspend),
            Asked::Redraw => Event::Key(Key::Redraw),
            Asked::End(signal) => Event::Terminate(128 + signal),
            Asked::Mark => return true,
        };
        events.send(event).is_ok()
    };
    platform::follow_signals(send).map_err(Error::Terminal)
}

fn translate(event: TerminalEvent) -> Option<Event> {
    match event {
        TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => translate_key(key).map(Event::Key),
        TerminalEvent::Resize(columns, lines) => Some(Event::Resize(columns, lines)),
        _ => None,
    }
}

fn translate_key(key: KeyEvent) -> Option<Key> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'C') => Some(Key::Interrupt),
            KeyCode::Char('z' | 'Z') => Some(Key::Suspend),
            KeyCode::Char('l' | 'L') => Some(Key::Redraw),
            _ => None,
        };
    }
    Some(match key.code {
        KeyCode::Char(letter) => Key::Char(letter),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_terminal_are_keys_of_the_screen() {
        let key = |code, modifiers| translate(TerminalEvent::Key(KeyEvent::new(code, modifiers)));
        let is = |event: Option<Event>, wanted| matches!(event, Some(Event::Key(key)) if key == wanted);
        assert!(is(key(KeyCode::Char('G'), KeyModifiers::SHIFT), Key::Char('G')));
        assert!(is(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Key::Interrupt));
        assert!(is(key(KeyCode::Char('z'), KeyModifiers::CONTROL), Key::Suspend));
        assert!(is(key(KeyCode::BackTab, KeyModifiers::SHIFT), Key::BackTab));
        assert!(key(KeyCode::F(5), KeyModifiers::NONE).is_none());
        assert!(key(KeyCode::Char('x'), KeyModifiers::CONTROL).is_none());
        assert!(translate(TerminalEvent::FocusLost).is_none());
        assert!(matches!(translate(TerminalEvent::Resize(7, 9)), Some(Event::Resize(7, 9))));
    }
}
