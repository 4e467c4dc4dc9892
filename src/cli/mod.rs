//! The command line: parses, calls, prints. The auditor's build has `verify` alone.

mod verify;

#[cfg(feature = "service")]
mod checkup;
#[cfg(feature = "service")]
pub mod demo;
#[cfg(feature = "service")]
mod push;
#[cfg(feature = "service")]
mod read;
#[cfg(feature = "service")]
mod server;
#[cfg(feature = "service")]
mod service;
#[cfg(feature = "service")]
mod sign;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Wrong usage, or nothing to check with.
const USAGE: u8 = 64;

/// Quittance keeps proof of where every retired device went and why its data was declared gone.
#[derive(Parser)]
#[command(name = "quittance", version, about, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Arguments {
    #[cfg(feature = "service")]
    #[command(flatten)]
    settings: crate::config::Given,
    /// A TOML file with the same settings, one a line: data = "/srv/quittance"
    #[cfg(feature = "service")]
    #[arg(long, value_name = "FILE", env = "QUITTANCE_CONFIG", global = true)]
    config: Option<std::path::PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Try it:          quittance demo
Check a paper:   quittance verify certificate.pdf --trust keys/
Check a vendor:  quittance checkup --inventory inventory.csv --paper reports/
Set up for real: quittance init --url https://records.example.org --name \"Example School District\" --site \"District office\"
                 quittance people add --name \"Ana Ortiz\" --title \"Coordinator\" --role coordinator
                 quittance serve";

#[derive(Subcommand)]
enum Command {
    /// Check a certificate offline: a PDF, a credential, a folder, or a ledger entry
    Verify(verify::Verify),
    #[cfg(feature = "service")]
    #[command(flatten)]
    Service(service::Command),
}

/// Runs the program.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap says which.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    #[cfg(feature = "service")]
    crate::operations::read_file::by_children_of("/proc/self/exe".into());
    match arguments.command {
        Command::Verify(verify) => ExitCode::from(verify.run()),
        #[cfg(feature = "service")]
        Command::Service(command) => ExitCode::from(service::run(command, &arguments.settings, arguments.config.as_ref())),
    }
}

/// Why a file or folder that somebody named cannot be read, and what to do about it.
fn unreadable(path: &Path, error: &std::io::Error) -> String {
    use std::io::ErrorKind::{InvalidData, IsADirectory, NotADirectory, NotFound, PermissionDenied};
    let why = match error.kind() {
        NotFound | NotADirectory => "it is not there; look at its name, and whether you are in the folder that you think you are in".to_owned(),
        PermissionDenied => "you may not read it; have its owner allow it, or do this as somebody who may".to_owned(),
        IsADirectory => "it is a folder; name a file in it".to_owned(),
        InvalidData => "it is not text in UTF-8; save it as that, or name another file".to_owned(),
        _ => format!("{error}; copy it again from where it came from, or name another file"),
    };
    format!("{} cannot be read: {why}.", path.display())
}
