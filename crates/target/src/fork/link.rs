//! What memsight and its guard say to each other.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::error::Obstacle;
use crate::procfs;
use crate::short::Short;
use crate::sys::spawn::{self, MESSAGE};
use crate::threads::Trouble;

/// What the guard is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// Stop every thread.
    Stop,
    /// The same, but for those whose calls a stop would change.
    StopMost,
    /// Make the copy and let the threads go on.
    Fork,
    /// Let the threads go on.
    LetGo,
    /// End the copy, leave no trace of it, and go.
    End,
}

/// What the guard answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// All threads stand still.
    Stopped,
    /// The copy is there; a file of its memory comes with it.
    Forked { child: u32, pause_ns: u64 },
    /// The threads go on.
    Free { pause_ns: u64 },
    /// They go on, and no copy could be made.
    Unfit { cause: Obstacle, pause_ns: u64 },
    /// They did not stop, and go on. The guard is gone.
    Trouble { trouble: Trouble, pause_ns: u64 },
    /// The copy is ended; whether its entry is gone, too.
    Ended { collected: bool, pause_ns: u64 },
}

/// Eight numbers are a message.
type Words = [u64; MESSAGE / 8];

impl Request {
    fn words(self) -> Words {
        [self as u64, 0, 0, 0, 0, 0, 0, 0]
    }

    fn of(words: Words) -> Option<Request> {
        [Request::Stop, Request::StopMost, Request::Fork, Request::LetGo, Request::End]
            .into_iter()
            .find(|request| request.words() == words)
    }
}

impl Reply {
    fn words(self) -> Words {
        match self {
            Reply::Stopped => [0; 8],
            Reply::Forked { child, pause_ns } => [1, pause_ns, u64::from(child), 0, 0, 0, 0, 0],
            Reply::Free { pause_ns } => [2, pause_ns, 0, 0, 0, 0, 0, 0],
            Reply::Unfit { cause, pause_ns } => {
                let (kind, number) = obstacle_number(cause);
                [3, pause_ns, kind, number, 0, 0, 0, 0]
            }
            Reply::Trouble { trouble, pause_ns } => match trouble {
                Trouble::Gone => [4, pause_ns, 0, 0, 0, 0, 0, 0],
                Trouble::Refused { tid, errno } => [5, pause_ns, u64::from(tid), errno as u64, 0, 0, 0, 0],
                Trouble::Unstoppable { tid, state, vfork, waited } => {
                    let waited = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
                    [6, pause_ns, u64::from(tid), u64::from(u32::from(state)), u64::from(vfork), waited, 0, 0]
                }
            },
            Reply::Ended { collected, pause_ns } => [7, pause_ns, u64::from(collected), 0, 0, 0, 0, 0],
        }
    }

    fn of(words: Words) -> Option<Reply> {
        let [kind, pause_ns, a, b, c, d, ..] = words;
        let tid = u32::try_from(a).unwrap_or(0);
        Some(match kind {
            0 => Reply::Stopped,
            1 => Reply::Forked { child: tid, pause_ns },
            2 => Reply::Free { pause_ns },
            3 => Reply::Unfit { cause: obstacle(a, b)?, pause_ns },
            4 => Reply::Trouble { trouble: Trouble::Gone, pause_ns },
            5 => Reply::Trouble { trouble: Trouble::Refused { tid, errno: i32::try_from(b).ok()? }, pause_ns },
            6 => {
                let state = char::from_u32(u32::try_from(b).ok()?)?;
                let waited = Duration::from_nanos(d);
                Reply::Trouble { trouble: Trouble::Unstoppable { tid, state, vfork: c != 0, waited }, pause_ns }
            }
            7 => Reply::Ended { collected: a != 0, pause_ns },
            _ => return None,
        })
    }
}

/// The obstacles that a guard meets; the others are found before there is one.
fn obstacle_number(cause: Obstacle) -> (u64, u64) {
    match cause {
        Obstacle::Seccomp { mode } => (1, u64::from(mode)),
        Obstacle::Halted => (2, 0),
        Obstacle::Refused { errno } => (3, errno as u64),
        Obstacle::Architecture => (4, 0),
        Obstacle::ShadowStack => (5, 0),
        _ => (0, 0),
    }
}

fn obstacle(kind: u64, number: u64) -> Option<Obstacle> {
    Some(match kind {
        0 => Obstacle::Moment,
        1 => Obstacle::Seccomp { mode: u32::try_from(number).ok()? },
        2 => Obstacle::Halted,
        3 => Obstacle::Refused { errno: i32::try_from(number).ok()? },
        4 => Obstacle::Architecture,
        5 => Obstacle::ShadowStack,
        _ => return None,
    })
}

fn bytes(words: Words) -> [u8; MESSAGE] {
    let mut bytes = [0; MESSAGE];
    for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    bytes
}

fn words(bytes: [u8; MESSAGE]) -> Words {
    let chunks = bytes.as_chunks::<8>().0;
    std::array::from_fn(|i| chunks.get(i).map_or(0, |word| u64::from_le_bytes(*word)))
}

/// Our end of the line.
#[derive(Debug)]
pub(super) struct Near(pub OwnedFd);

impl Near {
    /// Asks, and waits for the answer; an error means that the guard is gone.
    pub fn ask(&self, request: Request) -> io::Result<(Reply, Option<File>)> {
        spawn::send(&self.0, &bytes(request.words()), None)?;
        let (reply, file) = spawn::receive(&self.0)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let reply = Reply::of(words(reply)).ok_or(io::ErrorKind::InvalidData)?;
        Ok((reply, file))
    }
}

/// The guard's end of the line.
pub(super) struct Far {
    line: OwnedFd,
    /// The process that started the guard.
    parent: u32,
}

/// How often the guard looks whether we are still there, besides being told: a process that was forked off us may hold
/// our end of the line open.
const LOOK: Duration = Duration::from_millis(100);

/// How long whoever asks may stand still: the copy holds the memory that the target has changed since.
const STILL: Duration = Duration::from_secs(2);

/// Whether a process stands still, as its stat file says: `T`, or `t` under a debugger.
fn is_halted(pid: u32) -> bool {
    let mut text = [0; 256];
    let path = Short::new(format_args!("/proc/{pid}/stat"));
    let read = File::open(path.as_str()).and_then(|mut file| file.read(&mut text)).unwrap_or(0);
    matches!(procfs::state(text.get(..read).unwrap_or_default()), Some('T' | 't'))
}

impl Far {
    pub fn new(line: OwnedFd, parent: u32) -> Far {
        Far { line, parent }
    }

    /// The next request within `limit`; `None` when there is none, or nobody who could ask: the process that started us has
    /// ended, or stands still (SIGSTOP, Ctrl-Z).
    pub fn next(&self, limit: Duration) -> Option<Request> {
        let (mut waited, mut still) = (Duration::ZERO, Duration::ZERO);
        while !spawn::ready(&self.line, LOOK) {
            waited += LOOK;
            still = if is_halted(self.parent) { still + LOOK } else { Duration::ZERO };
            if waited >= limit || still >= STILL || spawn::parent() != self.parent {
                return None;
            }
        }
        let (request, _) = spawn::receive(&self.line).ok()??;
        Request::of(words(request))
    }

    /// Answers, with a file if there is one; nobody listening is no error.
    pub fn answer(&self, reply: Reply, file: Option<&File>) {
        let _ = spawn::send(&self.line, &bytes(reply.words()), file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_arrives() {
        let waited = Duration::from_millis(2001);
        let replies = [
            Reply::Stopped,
            Reply::Forked { child: 77, pause_ns: 5 },
            Reply::Free { pause_ns: u64::MAX },
            Reply::Unfit { cause: Obstacle::Seccomp { mode: 2 }, pause_ns: 1 },
            Reply::Unfit { cause: Obstacle::Halted, pause_ns: 1 },
            Reply::Unfit { cause: Obstacle::Refused { errno: 11 }, pause_ns: 1 },
            Reply::Unfit { cause: Obstacle::Architecture, pause_ns: 1 },
            Reply::Unfit { cause: Obstacle::ShadowStack, pause_ns: 1 },
            Reply::Unfit { cause: Obstacle::Moment, pause_ns: 1 },
            Reply::Trouble { trouble: Trouble::Gone, pause_ns: 0 },
            Reply::Trouble { trouble: Trouble::Refused { tid: 3, errno: 1 }, pause_ns: 0 },
            Reply::Trouble { trouble: Trouble::Unstoppable { tid: 3, state: 'D', vfork: true, waited }, pause_ns: 9 },
            Reply::Ended { collected: true, pause_ns: 3 },
        ];
        for reply in replies {
            assert_eq!(Reply::of(words(bytes(reply.words()))), Some(reply));
        }
        for request in [Request::Stop, Request::Fork, Request::LetGo, Request::End] {
            assert_eq!(Request::of(request.words()), Some(request));
        }
        assert_eq!(Request::of([9; 8]), None);
        assert_eq!(Reply::of([9; 8]), None);
    }
}
