//! The program beside a running service: what writes goes through the service or is refused, what reads may read.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::server::Server;

pub fn quittance(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quittance"));
    command.args(arguments).env_remove("QUITTANCE_TOKEN");
    command
}

pub fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn export() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/inventories/snipe-it/asset_list.csv")
}

#[test]
fn an_import_goes_through_a_running_service_once() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, format!("{}\n", server.tokens["coordinator"])).unwrap();
    let token = token.to_str().unwrap();
    let import = |more: &[&str]| {
        let arguments = [&["import", export(), "--server", &server.base, "--token-file", token, "--sensitivity", "moderate"], more].concat();
        said(&quittance(&arguments).output().unwrap())
    };
    let entries = server.entries();
    let (code, tried, _) = import(&["--dry-run"]);
    assert!(code == 0 && tried.contains("would be registered") && server.entries() == entries, "{tried}");
    let (code, first, errors) = import(&[]);
    assert_eq!((code, errors.as_str()), (0, ""));
    let registered = server.entries() - entries;
    assert!(registered > 0 && first.contains(&format!("{registered} registered")) && first.contains("Ledger entries"), "{first}");
    let (code, second, errors) = import(&[]);
    assert_eq!((code, &second), (0, &first));
    assert!(errors.contains("nothing was done now") && errors.contains("--again"), "{errors}");
    let (code, again, errors) = import(&["--again"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(again.contains(&format!("0 registered, {registered} unchanged")), "{again}");
    let (_, json, _) = import(&["--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["registered"], registered);
    assert_eq!(server.entries(), entries + registered);
    server.audit();
}

#[test]
fn the_catalogue_grows_by_a_table_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, keys, table) = (at("data"), at("keys"), at("models.csv"));
    let run = |arguments: &[&str]| said(&quittance(&[arguments, &["--data", &data, "--keys", &keys]].concat()).output().unwrap());
    assert_eq!(run(&["init", "--url", "http://localhost:8080", "--name", "North District"]).0, 0);
    let show = || -> serde_json::Value { serde_json::from_str(&run(&["catalogue", "show", "Acme", "Slate 9"]).1).unwrap() };
    assert_eq!((&show()["model"], &show()["catalogue"]["version"]), (&serde_json::Value::Null, &serde_json::json!("1")));
    let header = "manufacturer,model,category,media,no_storage,weight_grams,weight_basis,weight_source,sensitivity\n";
    fs::write(&table, format!("{header}Acme,Slate *,tablet,emmc embedded,,700,spec,Acme,secret\n")).unwrap();
    let (code, _, errors) = run(&["catalogue", "import", &table]);
    assert!(code == 1 && errors.contains("Line 2") && errors.contains("secret"), "{code} {errors}");
    fs::write(&table, format!("{header}Acme,Slate *,tablet,emmc embedded,,700,spec,Acme,low\n")).unwrap();
    let (code, out, errors) = run(&["catalogue", "import", &table]);
    assert!(code == 0 && out.starts_with("1 models of your own"), "{out} {errors}");
    assert_eq!((&show()["model"], &show()["weight_grams"]), (&serde_json::json!("Slate *"), &serde_json::json!(700)));
    assert!(show()["catalogue"]["version"].as_str().unwrap().starts_with("1+"));
}

#[test]
fn a_policy_is_printed_compared_put_in_force_and_adopted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, keys, own) = (at("data"), at("keys"), at("own.toml"));
    let run = |arguments: &[&str]| said(&quittance(&[arguments, &["--data", &data, "--keys", &keys]].concat()).output().unwrap());
    assert_eq!(run(&["init", "--url", "http://localhost:8080", "--name", "North District"]).0, 0);
    assert!(run(&["policy", "print"]).1.starts_with("# Media sanitization policy\n\nPack `us-k12-starter`, version "));
    let starter = quittance::domain::policy::STARTER;
    let changed = starter.replacen("name = \"us-k12-starter\"", "name = \"north\"", 1);
    fs::write(&own, &changed).unwrap();
    assert_eq!(run(&["policy", "diff", &own]), (0, "name: us-k12-starter becomes north\n".to_owned(), String::new()));
    assert!(run(&["policy", "print", "--pack", &own]).1.contains("Pack `north`"));
    fs::write(&own, changed.replacen("id = \"OW-2\"", "id = \"OW-1\"", 1)).unwrap();
    let (code, _, errors) = run(&["policy", "use", &own]);
    assert!(code == 1 && errors.contains("OW-1"), "{code} {errors}");
    fs::write(&own, &changed).unwrap();
    assert_eq!(run(&["policy", "use", &own]).0, 0);
    assert_eq!(run(&["policy", "diff", &own]).1, "Nothing would change.\n");
    assert_eq!(run(&["people", "add", "--name", "Abel Approver", "--role", "approver"]).0, 0);
    let adopt = ["policy", "adopt", "--as", "Abel Approver", "--reference", "BOARD-1", "--decided-on", "2026-01-05"];
    let (code, out, errors) = run(&adopt);
    assert!(code == 0 && out.starts_with("north version "), "{out} {errors}");
    let (code, _, errors) = run(&adopt);
    assert!(code == 1 && errors.contains("adopted already"), "{code} {errors}");
}

#[test]
fn an_import_that_cannot_go_through_says_who_must_act() {
    let server = Server::start();
    let import = |url: &str, token: Option<&str>| {
        let mut command = quittance(&["import", export(), "--server", url]);
        token.map(|token| command.env("QUITTANCE_TOKEN", token));
        let (code, out, errors) = said(&command.output().unwrap());
        assert_ne!(code, 0, "{out}");
        assert_eq!(out, "");
        errors
    };
    let token = server.tokens["coordinator"].as_str();
    let entries = server.entries();
    assert!(import(&server.base, None).contains("--token-file"));
    assert!(import(&server.base, Some("qtn_wrong")).contains("does not know this token"));
    let said = import(&server.base, Some(&server.tokens["auditor"]));
    assert!(said.contains("role") && said.contains("auditor"), "{said}");
    assert!(import("http://127.0.0.1:1", Some(token)).contains("Nobody answers at http://127.0.0.1:1"));
    assert!(import("http://records.example.org", Some(token)).contains("in the clear"));
    let said = import(&format!("{}/nothing", server.base), Some(token));
    assert!(said.contains("There is nothing at this address"), "{said}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    std::thread::spawn(move || drop(silent.accept()));
    assert!(import(&url, Some(token)).contains("not recorded twice"));
    assert_eq!(server.entries(), entries);
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nosuch.csv").display().to_string();
    let here = folder.path().display().to_string();
    let token = folder.path().join("token").display().to_string();
    fs::write(&token, "qtc_nobody").unwrap();
    for arguments in [
        &["read", &missing][..],
        &["verify", &missing, "--trust", &missing],
        &["checkup", "--inventory", &missing, "--paper", &here],
        &["checkup", "--inventory", export(), "--paper", &missing],
        &["import", &missing, "--server", "http://127.0.0.1:9", "--token-file", &missing],
        &["import", &missing, "--server", "http://127.0.0.1:9", "--token-file", &token],
    ] {
        let Output { status, stdout, stderr } = quittance(arguments).output().unwrap();
        let said = String::from_utf8([stdout, stderr].concat()).unwrap();
        assert!(!status.success() && said.contains("nosuch.csv") && said.contains("look at its name"), "{arguments:?}: {said}");
    }
}

#[test]
fn beside_a_running_service_nothing_writes_and_what_reads_may_read() {
    let server = Server::start();
    let data = server.service.app.data.to_str().unwrap().to_owned();
    let keys = Path::new(&data).with_file_name("keys").to_str().unwrap().to_owned();
    let database = server.service.app.database.as_str();
    let options = ["--data", &data, "--keys", &keys, "--database-url", database];
    let run = |arguments: &[&str]| said(&quittance(&[arguments, &options].concat()).output().unwrap());
    let entries = server.entries();
    let writes: &[&[&str]] = &[
        &["import", export(), "--as", "Coordinator Example"],
        &["people", "add", "--name", "Ana Ortiz", "--role", "coordinator"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["init", "--url", "http://localhost:8080", "--name", "Example School District"],
    ];
    // Several programs may write to a record on PostgreSQL.
    for writes in writes.iter().filter(|_| !server.service.app.database.is_shared()) {
        let (code, out, errors) = run(writes);
        assert_eq!((code, out.as_str()), (70, ""), "{writes:?}");
        assert!(errors.contains("only one program may write") && errors.contains("--server URL"), "{writes:?}: {errors}");
    }
    let (code, out, errors) = run(&["rebuild"]);
    assert_eq!((code, out.as_str()), (70, ""));
    assert!(errors.contains("stop it first") && errors.contains("then rebuild"), "{errors}");
    let (code, people, _) = run(&["people", "list"]);
    assert!(code == 0 && people.contains("Coordinator Example") && !people.contains("Ana Ortiz"), "{people}");
    let (code, audit, _) = run(&["audit"]);
    assert!(code == 0 && audit.contains("WHOLE"), "{audit}");
    assert_eq!(server.entries(), entries);
    server.audit();
}
