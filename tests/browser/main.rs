//! The pages in real browsers: the real program serves the demo's record, and scripts in this folder drive Chromium, and Firefox, through it.
#![cfg(feature = "service")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../programs/mod.rs"]
mod programs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use quittance::web::ROUTES;
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_quittance");

/// The demo's record, played once; each script works on a copy of its own.
static PLAYED: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser-demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let output = Command::new(PROGRAM).args(["demo", "--no-serve", "--data"]).arg(&folder).output().unwrap();
    programs::printed("quittance demo", &output);
    folder
});

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser"))
}

fn at_hand() -> bool {
    let installed = folder().join("node_modules/playwright-core").exists();
    programs::have("node", "nodejs npm")
        && programs::have("chromium", "chromium")
        && programs::there("browser_modules", installed, "npm ci --ignore-scripts --prefix tests/browser")
}

/// Runs a script of this folder, which says what it saw and fails where something is wrong.
fn script(name: &str) {
    let every = |method: &str| -> Vec<&str> { ROUTES.iter().filter(|(by, _)| *by == method).map(|(_, path)| *path).collect() };
    let scene = json!({"program": PROGRAM, "played": *PLAYED, "routes": every("get"), "posts": every("post")});
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, scene.to_string()).unwrap();
    let output = Command::new("node").arg(folder().join(name)).arg(file.path()).output().unwrap();
    println!("{}", programs::printed(name, &output));
}

#[test]
fn every_page_is_within_reach_of_everyone() {
    if at_hand() {
        script("routes.mjs");
    }
}

#[test]
fn every_role_gets_its_work_done_with_and_without_script() {
    if at_hand() {
        script("journeys.mjs");
    }
}

#[test]
fn pages_weigh_what_they_may() {
    if at_hand() {
        script("budgets.mjs");
    }
}

#[test]
fn hostile_text_stays_text_and_other_sites_write_nothing() {
    if at_hand() {
        script("hostile.mjs");
    }
}

#[test]
fn scans_are_counted_once_at_every_speed_and_without_a_network() {
    if at_hand() {
        script("scans.mjs");
    }
}

#[test]
fn a_certificate_is_judged_in_two_browsers() {
    if at_hand() && programs::have("firefox-esr", "firefox-esr") {
        script("verify.mjs");
    }
}
