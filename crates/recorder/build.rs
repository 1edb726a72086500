//! Compiles the crate once more, as the library that is loaded into recorded programs: by the compiler alone, since that is
//! another kind of build than the workspace's, without the standard library, and the same for a static command.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods, reason = "so build scripts talk to cargo")]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=build.rs");
    let of = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    if of("CARGO_CFG_TARGET_OS") != "linux" || of("CARGO_CFG_TARGET_ARCH") != "x86_64" {
        return;
    }
    let library = Path::new(&of("OUT_DIR")).join("recorder.so");
    let mut rustc = Command::new(of("RUSTC"));
    rustc.args(["--edition", "2024", "--crate-name", "memsight_recorder", "--crate-type", "cdylib"]);
    rustc.args(["--cfg", "memsight_loaded", "--target", &of("TARGET"), "--cap-lints", "allow"]);
    for option in ["opt-level=3", "panic=abort", "codegen-units=1", "strip=symbols", "link-arg=-nostartfiles"] {
        rustc.args(["-C", option]);
    }
    // by `malloc` the library means its own, whatever the program finds under that name
    rustc.args(["-C", "link-arg=-Wl,-Bsymbolic"]);
    let status = rustc.arg("-o").arg(&library).arg("src/lib.rs").status();
    assert!(status.is_ok_and(|status| status.success()), "the library of the recorder does not compile");
}
