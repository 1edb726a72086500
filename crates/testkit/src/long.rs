//! Tests that take so long that an ordinary run has them on a part of the interpreters.

use crate::Interpreter;

/// Set to run the long tests on every interpreter: `make test-long`.
pub const EVERYWHERE: &str = "MEMSIGHT_TEST_EVERYWHERE";

/// Two versions in a row have one of their interpreters run a long test.
const PAIR: u32 = 2;

/// Whether `interpreter`, one of `found`, runs the long test `name` in this run: one of each two versions does (3.8 and 3.9,
/// 3.10 and 3.11, and so on), another for another test, so that all interpreters have some of them. With
/// `MEMSIGHT_TEST_EVERYWHERE` all do. A test that is not run is to be shown as ignored.
pub fn runs_long(name: &str, interpreter: &Interpreter, found: &[Interpreter]) -> bool {
    if std::env::var_os(EVERYWHERE).is_some() {
        return true;
    }
    let pair = |each: &Interpreter| (each.version.1 / PAIR, each.free_threaded);
    let alike: Vec<&Interpreter> = found.iter().filter(|each| pair(each) == pair(interpreter)).collect();
    let turn = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    alike.get(turn % alike.len().max(1)).is_none_or(|chosen| chosen.path == interpreter.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Build;

    fn interpreter(minor: u32, build: Build) -> Interpreter {
        let path = format!("/python3.{minor}-{build}").into();
        Interpreter { version: (3, minor, 1), free_threaded: false, build, path }
    }

    #[test]
    fn one_of_each_two_versions_runs_a_long_test_and_each_runs_some() {
        let found: Vec<Interpreter> =
            (8..16).flat_map(|minor| [Build::Shared, Build::Static].map(|build| interpreter(minor, build))).collect();
        let mut runs = vec![0; found.len()];
        for number in 0..40 {
            let name = format!("test {number}");
            let chosen: Vec<usize> =
                (0..found.len()).filter(|&index| runs_long(&name, &found[index], &found)).collect();
            assert_eq!(chosen.iter().map(|&index| found[index].version.1 / 2).collect::<Vec<_>>(), [4, 5, 6, 7]);
            chosen.iter().for_each(|&index| runs[index] += 1);
        }
        assert!(runs.iter().all(|&count| count > 0), "{runs:?}");
    }
}
