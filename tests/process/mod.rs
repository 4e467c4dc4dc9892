//! The real program as a process of its own, and what is asked of it.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use quittance::config::Config;
use quittance::domain::names::Role;
use quittance::proof::entry::Entry;
use quittance::store::log;
use serde_json::{Value, json};

use super::ledger::Ledger;

/// A count from the environment.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A record on the disk with a coordinator, and no process that has it open.
pub struct Record {
    _folder: tempfile::TempDir,
    pub config: Config,
    pub token: String,
}

/// A record on the database of the module that asks.
pub fn record() -> Record {
    of(Ledger::new())
}

/// What is left of a record when nobody has it open.
pub fn of(ledger: Ledger) -> Record {
    let token = ledger.someone(Role::Coordinator, "Cora").token;
    let (folder, config) = ledger.close();
    Record { _folder: folder, config, token }
}

/// The real program, serving.
pub struct Server {
    pub child: Child,
    pub url: String,
}

impl Server {
    pub fn start(config: &Config, wrap: impl FnOnce(&Path) -> Command) -> Self {
        Self::try_start(config, wrap).expect("the service did not start")
    }
    /// `None` where the program ended before it listened.
    pub fn try_start(config: &Config, wrap: impl FnOnce(&Path) -> Command) -> Option<Self> {
        let mut command = wrap(Path::new(env!("CARGO_BIN_EXE_quittance")));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&config.data).arg("--keys").arg(&config.keys);
        // As fast as it goes: here nobody is counted.
        command.args(["--token-rate", "0", "--address-connections", "0"]);
        command.args(["--database-url", config.database.as_str()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.split("listening on ").nth(1).and_then(|rest| rest.split(". ").next()) else {
            child.wait().unwrap();
            return None;
        };
        Some(Self { url: format!("http://{address}"), child })
    }
    pub fn plain(config: &Config) -> Self {
        Self::start(config, |program| Command::new(program))
    }
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that waits at most ten seconds.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(10))).build().into()
}

/// Registers a device; `Some(entry)` where it was acknowledged.
pub fn register(agent: &ureq::Agent, server: &str, token: &str, tag: &str) -> Option<u64> {
    let body = json!({"tag": tag, "category": "laptop", "manufacturer": "Maker", "model": "Model", "site": "Warehouse"});
    let request = agent.post(format!("{server}/api/v1/commands/register_asset")).header("Authorization", format!("Bearer {token}"));
    let mut answer = request.header("Content-Type", "application/json").send(body.to_string()).ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    if answer.status() != 201 {
        return None;
    }
    serde_json::from_str::<Value>(&text).ok()?["entries"][0]["seq"].as_u64()
}

/// Every acknowledged entry is where it was said to be.
pub fn assert_all_there(config: &Config, acknowledged: &[(u64, String)]) {
    let mut db = config.database.open().unwrap();
    for (seq, tag) in acknowledged {
        let bytes = log::entry(&mut db, *seq).unwrap().unwrap_or_else(|| panic!("entry {seq} was acknowledged and is lost"));
        assert_eq!(Entry::parse(&bytes).unwrap().frame().data["tag"], json!(tag), "entry {seq}");
    }
}
