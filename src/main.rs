//! The program: hands its arguments to [`quittance::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    quittance::cli::run()
}
