//! The program: hands its arguments to [`quittance::cli`].

use std::process::ExitCode;

#[cfg(feature = "service")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quittance::cli::run()
}
