//! How growth at a place is to be read: whether it will end.

use std::collections::HashMap;

use memsight_model::RootKind;

use super::Pair;
use super::account::{Account, Place, signed};
use super::view::{PathGrowth, State};

/// Growth below this is noise in any process: frames, caches of the interpreter, a dictionary that was resized.
const LEAST: u64 = 16 << 10;
/// The part of the heap below which growth is noise.
const LEAST_PART: u64 = 2000;
/// Growth in the last interval, against that before, below which it has stopped and below which it slows down.
const STOPPED: f64 = 0.1;
const SLOWING: f64 = 0.5;

/// Caches of the standard library that bound themselves, by the words of their path.
const KNOWN_CACHES: [(&[&str], &str); 10] = [
    (&["module re", "_cache"], "re keeps at most 512 patterns"),
    (&["module re", "_cache2"], "re keeps at most 512 patterns"),
    (&["module sre_compile"], "compiled once for each pattern that re keeps"),
    (&["module _strptime", "_regex_cache"], "_strptime keeps at most 5 formats"),
    (&["module urllib.parse", "_parse_cache"], "urllib.parse keeps at most 20 results"),
    (&["module linecache", "cache"], "linecache keeps each source file once"),
    (&["module encodings", "_cache"], "each codec is looked up once"),
    (&["module sys", "path_importer_cache"], "one entry for each folder of sys.path"),
    (&["module sys", "modules"], "modules are imported once"),
    (&["interpreter modules"], "modules are imported once"),
];

/// The last interval of more than two looks.
pub(super) struct Recent<'a> {
    pub(super) pair: Pair<'a>,
    /// Bytes and objects that each place has gained in it.
    gains: HashMap<Vec<String>, (i64, i64)>,
    /// Its part of the whole time.
    part: f64,
}

impl<'a> Recent<'a> {
    pub(super) fn new(pair: Pair<'a>, part: f64) -> Recent<'a> {
        let gain = |account: &Account<'_>| (account.words.clone(), (account.growth(), objects(account)));
        let gains = pair.books.accounts.iter().map(gain).collect();
        Recent { pair, gains, part }
    }

    pub(super) fn gain(&self, words: &[String]) -> (i64, i64) {
        self.gains.get(words).copied().unwrap_or_default()
    }
}

fn objects(account: &Account<'_>) -> i64 {
    signed(account.new.objects) - signed(account.gone.objects)
}

/// Reads the accounts.
pub(super) struct Judge<'p, 'a> {
    pub(super) whole: &'p Pair<'a>,
    pub(super) recent: Option<&'p Recent<'a>>,
}

/// An account that has been read.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) number: u32,
    pub(super) growth: i64,
    pub(super) recent: Option<i64>,
    pub(super) state: State,
    pub(super) reason: Option<String>,
}

impl<'p, 'a> Judge<'p, 'a> {
    pub(super) fn new(whole: &'p Pair<'a>, recent: Option<&'p Recent<'a>>) -> Judge<'p, 'a> {
        Judge { whole, recent }
    }

    /// Bytes from which growth at a place matters.
    pub(super) fn threshold(&self) -> u64 {
        (self.whole.after.graph.tree().total_bytes() / LEAST_PART).max(LEAST)
    }

    /// All accounts of a pair in the order of their numbers.
    pub(super) fn all(&self, pair: &Pair<'_>) -> Vec<Judged> {
        let accounts = (0..).zip(&pair.books.accounts);
        accounts.map(|(number, account)| self.read(number, account)).collect()
    }

    /// Merged paths by growth, and how many have changed.
    pub(super) fn paths(&self, top: usize) -> (Vec<PathGrowth>, u64) {
        let mut all = self.all(self.whole);
        all.retain(|judged| judged.growth != 0);
        all.sort_by_key(|judged| (std::cmp::Reverse(judged.growth), judged.number));
        let count = all.len() as u64;
        all.truncate(top);
        let row = |judged: Judged| {
            let account = &self.whole.books.accounts[judged.number as usize];
            PathGrowth {
                path: account.words.clone(),
                state: judged.state,
                new: account.new,
                gone: account.gone,
                growth_bytes: judged.growth,
            }
        };
        (all.into_iter().map(row).collect(), count)
    }

    fn read(&self, number: u32, account: &Account<'_>) -> Judged {
        let growth = account.growth();
        let (state, reason) = at_first_sight(account);
        let mut judged = Judged { number, growth, recent: None, state, reason };
        if let Some(recent) = self.recent {
            let (bytes, count) = recent.gain(&account.words);
            judged.recent = Some(bytes);
            // Tables grow in steps: where the bytes stand still for a while, the objects tell.
            let pace = pace(bytes, growth, recent.part).max(pace(count, objects(account), recent.part));
            judged.slow_down(pace);
        }
        judged
    }
}

impl Judged {
    /// What the last interval says: `pace` is growth there against growth over the whole time.
    fn slow_down(&mut self, pace: f64) {
        let (state, reason) = match self.state {
            State::Bounded => return,
            _ if pace < STOPPED => (State::Stopped, "it has stopped growing"),
            State::Garbage => return,
            _ if pace < SLOWING => (State::Slowing, "it grows more slowly than before"),
            State::FirstUse => (State::Growing, "it was not there at first, and goes on growing"),
            State::InUse => (State::Growing, "a running function holds it, and it goes on growing"),
            _ => return,
        };
        self.state = state;
        self.reason = Some(reason.to_owned());
    }
}

/// The pace of the last interval against that of the time before it; 1 is the same.
fn pace(recent: i64, whole: i64, part: f64) -> f64 {
    let early = (whole - recent).max(0) as f64 / (1.0 - part).max(f64::EPSILON);
    let late = recent.max(0) as f64 / part.max(f64::EPSILON);
    if late == 0.0 { 0.0 } else { late / early.max(f64::MIN_POSITIVE) }
}

/// What the place alone says.
fn at_first_sight(account: &Account<'_>) -> (State, Option<String>) {
    let because = |reason: &str| Some(reason.to_owned());
    if let Some(reason) = known_cache(&account.words) {
        return (State::Bounded, because(reason));
    }
    match account.place {
        Place::Imports => (State::Bounded, because("modules are imported once")),
        Place::Root(RootKind::Interned) => (State::Bounded, because("the table of interned strings holds each once")),
        Place::Root(RootKind::Unreachable) => {
            (State::Garbage, because("nothing but the cycles themselves holds it: no collection has freed it yet"))
        }
        Place::Root(RootKind::FrameLocal | RootKind::FrameStack | RootKind::Frame | RootKind::Thread) => {
            (State::InUse, because("a running function holds it at this moment"))
        }
        _ if is_bounded_lru(&account.words) => {
            (State::Bounded, because("an lru_cache with a maxsize forgets what is used least"))
        }
        Place::Named
            if account.new.bytes > 0
                && account.first_use >= account.new.bytes / 10 * 9
                && !crate::shapes::is_repeated(&account.words) =>
        {
            (State::FirstUse, because("nothing stood there at first: made once, as far as two looks can tell"))
        }
        _ => (State::Growing, None),
    }
}

fn known_cache(words: &[String]) -> Option<&'static str> {
    let is = |known: &[&str]| {
        known.len() <= words.len()
            && known.iter().zip(words).all(|(known, word)| word.split(" (").next() == Some(*known))
    };
    KNOWN_CACHES.iter().find(|(path, _)| is(path)).map(|(_, reason)| *reason)
}

/// A cache without a maxsize keeps its results in a dictionary alone; one with a maxsize in links of a list, too, which
/// hang from it by name.
fn is_bounded_lru(words: &[String]) -> bool {
    match words {
        [.., cache, link] => {
            cache.ends_with("(_lru_cache_wrapper)") && (link.starts_with("result (") || link.starts_with("key ("))
        }
        _ => false,
    }
}
