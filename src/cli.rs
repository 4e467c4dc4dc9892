//! The command line.
use std::process::ExitCode;
#[cfg(feature = "service")]
pub mod demo;
/// Runs the program.
pub fn run() -> ExitCode { ExitCode::SUCCESS }
