//! Suspects from growth, in words.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use memsight_model::{Bytes, ObjectId, count};

use super::Pair;
use super::account::{Account, Place};
use super::judge::{Judge, Judged};
use super::view::{GrowthSuspect, HeldGrowth, State};
use crate::inventory::is_class;
use crate::route::ends;
use crate::words::{short, short_type};

/// Types listed as what a place grows by.
const HOLDS: usize = 8;

impl Judge<'_, '_> {
    /// Places that have grown by at least the threshold, worst first: at most `top` of them, and all.
    pub(super) fn suspects(&self, top: usize) -> (Vec<GrowthSuspect>, Vec<GrowthSuspect>) {
        let mut suspects = self.of_pair(self.whole, |_| true);
        if let Some(recent) = self.recent {
            // What was not there at first may grow below something that was made in between: a module, a cache. A place
            // that has an account of the whole time is read there.
            let known: HashSet<&[String]> =
                self.whole.books.accounts.iter().map(|account| account.words.as_slice()).collect();
            suspects.extend(self.of_pair(&recent.pair, |account| !known.contains(account.words.as_slice())));
        }
        suspects.sort_by_key(|suspect| (suspect.state, Reverse(suspect.growth_bytes), suspect.path.clone()));
        (suspects.iter().take(top).cloned().collect(), suspects)
    }

    fn of_pair(&self, pair: &Pair<'_>, wanted: impl Fn(&Account<'_>) -> bool) -> Vec<GrowthSuspect> {
        let least = i64::try_from(self.threshold()).unwrap_or(i64::MAX);
        let mut judged = self.all(pair);
        judged.retain(|judged| judged.growth >= least && wanted(&pair.books.accounts[judged.number as usize]));
        let numbers: Vec<u32> = judged.iter().map(|judged| judged.number).collect();
        let mut held: HashMap<u32, Vec<HeldGrowth>> = HashMap::new();
        for ((number, name), (count, bytes)) in pair.books.by_type(&numbers) {
            let growth = HeldGrowth { type_name: name.to_owned(), count, bytes };
            held.entry(number).or_default().push(growth);
        }
        let describe = |judged: Judged| {
            let mut holds = held.remove(&judged.number).unwrap_or_default();
            holds.sort_by(|a, b| (b.bytes, &a.type_name).cmp(&(a.bytes, &b.type_name)));
            describe(pair, judged, holds)
        };
        judged.into_iter().map(describe).collect()
    }
}

fn describe(pair: &Pair<'_>, judged: Judged, mut holds: Vec<HeldGrowth>) -> GrowthSuspect {
    let account = &pair.books.accounts[judged.number as usize];
    let holder = account.top.filter(|(_, growth)| *growth * 2 >= judged.growth).map(|(holder, _)| holder);
    let (type_name, count) = unit(pair, account, &holds, holder);
    holds.retain(|row| row.bytes > 0 || row.count > 0);
    holds.truncate(HOLDS);
    GrowthSuspect {
        summary: summary(pair, account, &judged, holder, &type_name, count),
        state: judged.state,
        reason: judged.reason,
        type_name,
        count,
        growth_bytes: judged.growth,
        recent_bytes: judged.recent,
        path: account.words.clone(),
        holder: holder.map(|object| pair.after.object_ref(object)),
        holders: account.holders,
        new: account.new,
        gone: account.gone,
        resized_bytes: account.resized,
        holds,
    }
}

/// What the place grows by: the type of the entries below which most bytes hang, and how many more of it there are. An
/// object that has only grown itself is its own unit.
fn unit(pair: &Pair<'_>, account: &Account<'_>, holds: &[HeldGrowth], holder: Option<ObjectId>) -> (String, i64) {
    let itself = || holder.map(|object| (crate::words::type_name(pair.after.snapshot, object).to_owned(), 0));
    if account.resized * 2 >= account.growth()
        && let Some(itself) = itself()
    {
        return itself;
    }
    let entry = account.entries.iter().max_by_key(|(name, (_, bytes))| (*bytes, Reverse(**name)));
    let most = || account.top.map(|(object, _)| (crate::words::type_name(pair.after.snapshot, object).to_owned(), 0));
    let Some((name, (entries, _))) = entry else { return itself().or_else(most).unwrap_or_default() };
    // A list that hangs from one object is counted by its links; a single container by what is in it.
    let all = holds.iter().find(|row| row.type_name == *name).map_or(*entries, |row| row.count);
    // Of built-in types one that has most of the bytes says what it is.
    let says = |row: &&HeldGrowth| is_own(pair, &row.type_name) || 2 * row.bytes >= account.growth();
    if all <= 1
        && let Some(most) = holds.iter().filter(|row| row.count > 1).find(says)
    {
        return (most.type_name.clone(), most.count);
    }
    ((*name).to_owned(), all)
}

fn is_own(pair: &Pair<'_>, name: &str) -> bool {
    pair.after.snapshot.types.iter().any(|record| record.name == name && is_class(record))
}

/// "grows by 1,234 Session (12.0 MiB) held by app.cache._entries (dict)".
fn summary(
    pair: &Pair<'_>,
    account: &Account<'_>,
    judged: &Judged,
    holder: Option<ObjectId>,
    unit: &str,
    more: i64,
) -> String {
    let bytes = Bytes(u64::try_from(judged.growth).unwrap_or(0));
    let grows = if matches!(judged.state, State::Growing | State::Garbage) { "grows" } else { "grew" };
    let what = match u64::try_from(more) {
        Ok(more) if more > 0 => format!("{} {} ({bytes})", count(more), short(unit)),
        _ => bytes.to_string(),
    };
    let place = match (account.place, holder) {
        (Place::Imports, _) => {
            return format!("{grows} by {} imported modules ({bytes})", count(account.entries_of("module")));
        }
        (Place::Items, Some(object)) => name(pair, object, &account.words),
        (Place::Items, None) => format!("{} objects at {}", count(account.holders), ends(&account.words)),
        (Place::Named, _) => match account.example {
            Some((example, _)) => name(pair, example, &account.words),
            None => ends(&account.words),
        },
        (Place::Root(_) | Place::Garbage, _) => ends(&account.words),
    };
    match (more, holder) {
        (..=0, Some(_)) if account.place == Place::Items => format!("{place} {grows} by {what} itself"),
        _ if place.starts_with("held by ") => format!("{grows} by {what} {place}"),
        _ => format!("{grows} by {what} held by {place}"),
    }
}

impl Account<'_> {
    fn entries_of(&self, name: &str) -> u64 {
        self.entries.get(name).map_or(0, |(count, _)| u64::try_from(*count).unwrap_or(0))
    }
}

fn name(pair: &Pair<'_>, object: ObjectId, words: &[String]) -> String {
    match pair.after.expression(object) {
        Some(name) => format!("{name} ({})", short_type(pair.after.snapshot, object)),
        None => ends(words),
    }
}
