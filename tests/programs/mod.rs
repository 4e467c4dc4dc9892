//! Programs by others that tests call: whether they are at hand, and what they print.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Whether a program is at hand. If it is not, the test is skipped with a message, unless `QUITTANCE_TEST_REQUIRE` (a list with commas, or
/// `all`) demands it.
pub fn have(program: &str, package: &str) -> bool {
    there(program, Command::new(program).arg("--version").output().is_ok(), &format!("apt install {package}"))
}

/// Whether Node.js and the packages of `tests/interop/package-lock.json` are at hand.
pub fn have_node_modules() -> bool {
    have("node", "nodejs npm") && there("node_modules", interop("node_modules/jsonld").exists(), "npm ci --prefix tests/interop")
}

/// Where moto, a server that speaks S3, is at hand: as `.ci/run` installs it, or on the path.
pub fn moto() -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/moto/bin/moto_server");
    let program = if ours.exists() { ours } else { PathBuf::from("moto_server") };
    let works = Command::new(&program).arg("--help").output().is_ok_and(|output| output.status.success());
    there("moto", works, "python3 -m venv target/moto && target/moto/bin/pip install 'moto[s3]' flask flask-cors").then_some(program)
}

/// A file of `tests/interop`.
pub fn interop(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

/// The folder of the W3C contexts.
pub fn contexts() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/contexts").to_owned()
}

/// Says why a test is skipped, or fails where it may not be.
pub fn there(name: &str, there: bool, how: &str) -> bool {
    let required = std::env::var("QUITTANCE_TEST_REQUIRE").unwrap_or_default();
    let demanded = required.split(',').any(|wanted| wanted == "all" || wanted == name);
    assert!(there || !demanded, "{name} is required and missing ({how})");
    if !there {
        println!("skipped: needs {name} ({how})");
    }
    there
}

/// The same for what a machine may not allow, whatever is installed: only its own name demands it, not `all`.
pub fn allowed(name: &str, allowed: bool, how: &str) -> bool {
    let required = std::env::var("QUITTANCE_TEST_REQUIRE").unwrap_or_default();
    assert!(allowed || !required.split(',').any(|wanted| wanted == name), "{name} is required and not allowed ({how})");
    if !allowed {
        println!("skipped: needs {name} ({how})");
    }
    allowed
}

/// What a program prints; it has to succeed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    printed(program, &Command::new(program).args(arguments).output().unwrap())
}

/// What a program printed that has succeeded.
pub fn printed(program: &str, output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    said
}
