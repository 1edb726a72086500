//! Says which Pythons the tests of this machine covered and which expected ones are missing.
#![allow(clippy::disallowed_macros, reason = "a tool for developers prints")]

use memsight_testkit::{EVERYWHERE, interpreters, missing};

fn main() {
    let found = interpreters();
    for interpreter in &found {
        println!("covered: {interpreter} ({})", interpreter.path.display());
    }
    for expected in missing(&found) {
        println!("NOT COVERED: no Python {expected} found");
    }
    if std::env::var_os(EVERYWHERE).is_none() {
        println!("the longest tests ran on one Python of each two versions (those skipped): `make test-long` runs all");
    }
}
