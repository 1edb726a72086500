//! How growth at a place is to be read: whether it will end.

use std::collections::HashMap;

use memsight_model::{RootKind, count};

use super::Pair;
use super::account::{Account, Place, signed};
use super::view::{PathGrowth, Pending, State};

/// Growth below this is noise in any process: frames, caches of the interpreter, a dictionary that was resized.
const LEAST: u64 = 16 << 10;
/// The part of the heap below which growth is noise.
const LEAST_PART: u64 = 2000;
/// Growth in the last interval, against that before, below which it has stopped and below which it slows down.
pub(super) const STOPPED: f64 = 0.1;
pub(super) const SLOWING: f64 = 0.5;

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

/// Growth at a place where entries come and go, in standard deviations of their coming and going at random, from which
/// on it is no chance.
const NO_CHANCE: f64 = 3.0;
/// Entries that came and went from which on chance can be reckoned.
const MANY: u64 = 16;

/// Growth before the last interval, against that of an even pace, below which it is one step where entries come and go.
const EARLY: f64 = 0.5;

/// Types whose instances wait for a time, and go when it has come.
const TIMERS: [&str; 6] = [
    "asyncio.events.TimerHandle",
    "uvloop.loop.TimerHandle",
    "tornado.ioloop._Timeout",
    "twisted.internet.base.DelayedCall",
    "threading.Timer",
    "sched.Event",
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
    pub(super) pending: Option<&'p Pending>,
    /// Most timers of the first look have gone since: they take less long than what was watched.
    timers_go: bool,
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
    pub(super) fn new(
        whole: &'p Pair<'a>,
        recent: Option<&'p Recent<'a>>,
        pending: Option<&'p Pending>,
    ) -> Judge<'p, 'a> {
        Judge { whole, recent, pending, timers_go: timers_go(whole) }
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
        let (state, reason) = self.at_first_sight(account);
        let mut judged = Judged { number, growth, recent: None, state, reason };
        if let Some(recent) = self.recent {
            let (bytes, count) = recent.gain(&account.words);
            judged.recent = Some(bytes);
            // Tables grow in steps: where the bytes stand still for a while, the objects tell.
            let more = objects(account);
            let pace = pace(bytes, growth, recent.part).max(pace(count, more, recent.part));
            let early = early(bytes, growth, recent.part).max(early(count, more, recent.part));
            judged.slow_down(pace, account.went == 0, early);
        }
        judged
    }
}

impl Judged {
    /// What the last interval says: `pace` is growth there against growth over the whole time. `stays`: nothing has gone
    /// from the place; `early` is growth before it, against what even growth would have brought.
    fn slow_down(&mut self, pace: f64, stays: bool, early: f64) {
        let (state, reason) = match self.state {
            State::Bounded | State::Waiting | State::Turnover => return,
            _ if pace < STOPPED => (State::Stopped, "it has stopped growing"),
            State::Garbage | State::InFlight => return,
            // what running functions hold goes with each of them
            State::InUse if !stays => return,
            _ if pace < SLOWING => (State::Slowing, "it grows more slowly than before"),
            _ if !stays && early < 0.0 => (State::Turnover, "it has grown and shrunk: entries come and go"),
            _ if !stays && early < EARLY => {
                (State::Step, "entries come and go, and nearly all of it came in the last interval")
            }
            State::FirstUse => (State::Growing, "it was not there at first, and goes on growing"),
            State::InUse => (State::Growing, "a running function holds it, and it goes on growing"),
            _ => return,
        };
        self.state = state;
        self.reason = Some(reason.to_owned());
    }
}

/// Growth before the last interval against what an even pace would have brought; 1 is the same.
pub(super) fn early(recent: i64, whole: i64, part: f64) -> f64 {
    let even = whole.max(1) as f64 * (1.0 - part).max(f64::EPSILON);
    (whole - recent) as f64 / even
}

/// The pace of the last interval against that of the time before it; 1 is the same.
pub(super) fn pace(recent: i64, whole: i64, part: f64) -> f64 {
    let early = (whole - recent).max(0) as f64 / (1.0 - part).max(f64::EPSILON);
    let late = recent.max(0) as f64 / part.max(f64::EPSILON);
    if late == 0.0 { 0.0 } else { late / early.max(f64::MIN_POSITIVE) }
}

impl Judge<'_, '_> {
    /// What the place alone says.
    fn at_first_sight(&self, account: &Account<'_>) -> (State, Option<String>) {
        let because = |state, reason: &str| (state, Some(reason.to_owned()));
        if let Some(reason) = known_cache(&account.words) {
            return because(State::Bounded, reason);
        }
        match account.place {
            Place::Imports => because(State::Bounded, "modules are imported once"),
            Place::Root(RootKind::Interned) if account.immortal * 2 > account.new.bytes => {
                because(State::Growing, "strings that are interned never die in this version of Python")
            }
            // The table keeps none alive: these were interned for good, or references to them leaked.
            Place::Root(RootKind::Interned) => {
                because(State::Growing, "interned strings that nothing else holds: they stay for good")
            }
            Place::Root(RootKind::Unreachable) => self.unfreed(),
            _ if account.is_garbage() => self.garbage(),
            Place::Root(RootKind::FrameLocal | RootKind::FrameStack | RootKind::Frame | RootKind::Thread) => {
                because(State::InUse, "a running function holds it at this moment")
            }
            _ if is_bounded_lru(&account.words) => {
                because(State::Bounded, "an lru_cache with a maxsize forgets what is used least")
            }
            _ if has_timers(account) && self.timers_go => {
                because(State::Turnover, "timers in flight: most of those that were there at first have gone")
            }
            _ if has_timers(account) => because(State::InFlight, "timers that are not due yet: each goes when it is"),
            Place::Named
                if account.new.bytes > 0
                    && account.first_use >= account.new.bytes / 10 * 9
                    && !crate::shapes::is_repeated(&account.words) =>
            {
                because(State::FirstUse, "nothing stood there at first: made once, as far as two looks can tell")
            }
            _ if is_chance(account) => {
                because(State::Turnover, "entries come and go, and there are no more than chance has it")
            }
            _ => (State::Growing, None),
        }
    }

    /// What a full collection frees.
    fn garbage(&self) -> (State, Option<String>) {
        let pending = |of: fn(&Pending) -> Option<bool>| self.pending.and_then(of);
        let (state, reason) = match pending(|pending| pending.automatic) {
            Some(true) => (State::Waiting, self.collections()),
            Some(false) => (State::Garbage, "the collector is off: only gc.collect() frees it".to_owned()),
            None => {
                (State::Garbage, "no collection has freed it yet; whether the collector is on is not known".to_owned())
            }
        };
        (state, Some(reason))
    }

    fn collections(&self) -> String {
        match self.pending.and_then(|pending| pending.full_collections) {
            Some(0) => "it waits for a full collection: there was none in between".to_owned(),
            Some(times) => format!("it waits for the next full collection, after {} in between", count(times)),
            None => "it waits for a full collection".to_owned(),
        }
    }

    /// What nothing reaches, and a full collection does not free.
    fn unfreed(&self) -> (State, Option<String>) {
        match self.pending.and_then(|pending| pending.full_collections) {
            Some(1..) => {
                (State::Growing, Some("nothing that is known holds it, and no collection has freed it".to_owned()))
            }
            _ => {
                let (state, _) = self.garbage();
                (state, Some("nothing that is known holds it; whether a collection frees it is not known".to_owned()))
            }
        }
    }
}

/// Whether at least half of the timers that were there at first have gone. Cost: one pass over the types of the objects.
fn timers_go(pair: &Pair<'_>) -> bool {
    let snapshot = pair.before.snapshot;
    let is_timer: Vec<bool> = snapshot.types.iter().map(|record| TIMERS.contains(&record.name.as_str())).collect();
    if !is_timer.contains(&true) {
        return false;
    }
    let types = snapshot.objects.types.iter().map(|type_| is_timer.get(type_.0 as usize).copied().unwrap_or(false));
    let timers = || snapshot.objects.ids().zip(types.clone()).filter(|(_, timer)| *timer).map(|(id, _)| id);
    let gone = timers().filter(|timer| pair.matching.now(*timer).is_none()).count();
    gone > 0 && gone * 2 >= timers().count()
}

/// Whether most of the growth hangs below timers.
fn has_timers(account: &Account<'_>) -> bool {
    let timers = TIMERS.iter().filter_map(|name| account.entries.get(name)).map(|(_, bytes)| *bytes);
    let timers = timers.sum::<i64>();
    timers > 0 && timers * 2 > account.growth()
}

/// Whether as much growth is to be expected where entries come and go at random, and where what they are kept in is
/// replaced by larger and smaller ones.
fn is_chance(account: &Account<'_>) -> bool {
    let Account { came, went, squares, widened, shrunk, resized_squares, .. } = *account;
    let resized = is_random(account.resized, widened, shrunk, resized_squares);
    is_random(account.growth(), came, went, squares)
        || (is_random(account.growth() - account.resized, came, went, squares) && resized)
        || (account.growth() <= account.resized && account.resized > 0 && resized)
}

/// Whether so many ups and downs, with this sum of their squares, bring as much.
fn is_random(growth: i64, ups: u64, downs: u64, squares: f64) -> bool {
    downs > 0 && ups + downs >= MANY && (growth as f64) < NO_CHANCE * squares.sqrt()
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
