//! Threads that share a piece of work.

use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;

/// What each of the workers found. A panic of one is a panic here: without its share the result would be wrong.
pub(crate) fn joined<T>(workers: Vec<ScopedJoinHandle<'_, T>>) -> Vec<T> {
    workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_worker_is_not_lost() {
        let work = |fail: bool| {
            std::thread::scope(|scope| {
                joined(vec![scope.spawn(|| 1), scope.spawn(move || if fail { panic!() } else { 2 })])
            })
        };
        assert_eq!(work(false), [1, 2]);
        assert!(std::panic::catch_unwind(|| work(true)).is_err());
    }
}
