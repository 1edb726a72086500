//! The `memsight` command: see the library.
#![forbid(unsafe_code)]

#[global_allocator]
static ALLOCATOR: memsight_engine::LargePages = memsight_engine::LargePages;

fn main() {
    std::process::exit(memsight_cli::main(std::env::args_os()));
}
