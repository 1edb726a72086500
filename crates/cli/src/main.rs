//! The `memsight` command: see the library.
#![forbid(unsafe_code)]

fn main() {
    std::process::exit(memsight_cli::main(std::env::args_os()));
}
