//! Reports from a vendor's folder to the records of those whose devices they are about: two records, one vendor with a token in both.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use quittance::proof::digest::{hex, sha256};

use super::command_line::{quittance, said};
use super::server::Server;
use super::story::{self, Device, nwipe_log};

/// A vendor's machine: tokens, profile, and reports of both organisations' devices, of nobody's, and of no tool.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(organisations: &[(&str, &Server)]) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        let mut profile = String::new();
        for (name, server) in organisations {
            machine.secret(&format!("{name}.token"), &server.tokens["operator"]);
            profile.push_str(&format!("[[organisation]]\nname = \"{name}\"\nurl = \"{}\"\ntoken_file = \"{name}.token\"\n", server.base));
        }
        fs::write(machine.path().join("profile.toml"), profile).unwrap();
        fs::create_dir_all(machine.path().join("reports/older")).unwrap();
        machine
    }
    fn path(&self) -> &Path {
        self.folder.path()
    }
    fn secret(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fn report(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join("reports").join(name), bytes).unwrap();
    }
    fn push(&self, more: &[&str]) -> (i32, String, String) {
        let (reports, profile) = (self.path().join("reports"), self.path().join("profile.toml"));
        let arguments = [&["vendor", "push", reports.to_str().unwrap(), "--profile", profile.to_str().unwrap()], more].concat();
        said(&quittance(&arguments).output().unwrap())
    }
}

/// The line about a file, its spaces made one.
fn line(out: &str, file: &str) -> String {
    let found: Vec<&str> = out.lines().filter(|line| line.starts_with(file)).collect();
    assert_eq!(found.len(), 1, "{file}: {out}");
    found[0].split_whitespace().collect::<Vec<_>>().join(" ")
}

fn stored(server: &Server, bytes: &[u8]) -> bool {
    server.get("operator", &format!("/api/v1/evidence/{}", hex(&sha256(bytes)))).status == 200
}

/// A record whose devices are at the vendor's under a consignment; in the second one they have other serial numbers.
fn another() -> (Server, Device) {
    let server = Server::start();
    let device = story::register(&server, 77);
    server.command("coordinator", "retire", serde_json::json!({"asset": device.id, "reason": "end_of_support"})).taken();
    super::orders::prepare(&server, &device.id);
    let open =
        serde_json::json!({"reference": "S-2026-007", "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron"});
    let id = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
    let pallet = serde_json::json!([{"label": "PALLET-1", "seal": "17", "gross_weight_grams": 9_000}]);
    server.command("coordinator", "add_lines", serde_json::json!({"consignment": id, "assets": [device.id], "container": "PALLET-1"})).taken();
    server.command("coordinator", "seal_consignment", serde_json::json!({"consignment": id, "containers": pallet})).taken();
    server.command("coordinator", "release_consignment", serde_json::json!({"consignment": id})).taken();
    let found = serde_json::json!([{"label": "PALLET-1", "seal_state": "intact", "gross_weight_grams": 9_000}]);
    let scans = serde_json::json!([{"tag": device.tag, "serial": device.serial}]);
    server.command("operator", "receive_consignment", serde_json::json!({"consignment": id, "containers": found, "scans": scans})).taken();
    (server, device)
}

#[test]
fn each_report_goes_to_whom_it_is_about_and_to_nobody_else() {
    let north = Server::start();
    let devices = story::reconciled(&north).devices;
    let (south, device) = another();
    let machine = Machine::new(&[("North", &north), ("South", &south)]);
    let (of_north, of_south, of_nobody) = (nwipe_log(&devices[0].drive), nwipe_log(&device.drive), nwipe_log("NOBODYS0001"));
    let of_both = [nwipe_log(&devices[1].drive), nwipe_log(&device.drive)].concat();
    machine.report("a-north.log", &of_north);
    machine.report("b-south.log", &of_south);
    machine.report("c-nobody.log", &of_nobody);
    machine.report("d-picture.jpg", b"\xff\xd8\xff\xe0 picture");
    machine.report("e-both.log", &of_both);
    machine.report("older/f-below.log", &nwipe_log(&devices[2].drive));
    machine.report(".hidden", b"x");
    let entries = || (north.entries(), south.entries());
    let before = entries();

    let (code, tried, errors) = machine.push(&["--dry-run"]);
    assert_eq!((code, errors.as_str(), entries()), (2, "", before), "{tried}");
    assert_eq!(line(&tried, "a-north.log"), "a-north.log North P-2026-041 1 of 1 would be sent");
    assert!(tried.ends_with("5 files: 4 would be sent, 2 nobody's.\n"), "{tried}");

    let (code, first, errors) = machine.push(&[]);
    assert_eq!((code, errors.as_str()), (2, ""), "{first}");
    assert_eq!(line(&first, "a-north.log"), "a-north.log North P-2026-041 1 of 1 sent");
    assert_eq!(line(&first, "b-south.log"), "b-south.log South S-2026-007 1 of 1 sent");
    assert_eq!(line(&first, "c-nobody.log"), "c-nobody.log – – – nobody's: none of its 1 serial numbers is at hand");
    assert!(line(&first, "d-picture.jpg").starts_with("d-picture.jpg – – – nobody's: "), "{first}");
    let both: Vec<String> = first.lines().filter(|line| line.starts_with("e-both.log")).map(|file| line(file, "e-both.log")).collect();
    assert_eq!(both, ["e-both.log North P-2026-041 1 of 2 sent", "e-both.log South S-2026-007 1 of 2 sent"]);
    assert!(!first.contains("f-below") && !first.contains("hidden"), "{first}");
    assert!(first.ends_with("5 files: 4 sent, 2 nobody's.\n"), "{first}");
    // Who has what: each its own, and nobody what is no business of theirs.
    assert_eq!((stored(&north, &of_north), stored(&south, &of_north)), (true, false));
    assert_eq!((stored(&north, &of_south), stored(&south, &of_south)), (false, true));
    assert_eq!((stored(&north, &of_nobody), stored(&south, &of_nobody)), (false, false));

    // Again: nothing is sent twice.
    let after = entries();
    fs::remove_file(machine.path().join("reports/c-nobody.log")).unwrap();
    fs::remove_file(machine.path().join("reports/d-picture.jpg")).unwrap();
    let (code, second, errors) = machine.push(&[]);
    assert_eq!((code, errors.as_str(), entries()), (0, "", after), "{second}");
    assert_eq!(line(&second, "a-north.log"), "a-north.log North P-2026-041 1 of 1 stored before");
    assert!(second.ends_with("3 files: 4 stored before.\n"), "{second}");
    north.audit();
    south.audit();
}

#[test]
fn trouble_is_said_and_a_token_goes_nowhere_in_the_clear() {
    let server = Server::start();
    let device = &story::reconciled(&server).devices[0];
    let machine = Machine::new(&[("North", &server)]);
    let (code, _, errors) = machine.push(&[]);
    assert!(code == 1 && errors.contains("has no files in it"), "{code} {errors}");
    machine.report("a.log", &nwipe_log(&device.drive));
    let good = fs::read_to_string(machine.path().join("profile.toml")).unwrap();
    let with = |profile: &str| {
        fs::write(machine.path().join("profile.toml"), profile).unwrap();
        let (code, out, errors) = machine.push(&[]);
        assert_eq!(code, 1, "{out} {errors}");
        errors
    };
    assert!(with("").contains("--help"));
    assert!(with(&good.replace("token_file", "token")).contains("--help"));
    assert!(with(&good.replace(&server.base, "http://records.example.org")).contains("in the clear"));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(with(&good.replace(&server.base, &format!("http://{nobody}"))).contains("Nobody answers"));
    machine.secret("North.token", "qtc_wrong");
    assert!(with(&good).contains("does not know this token"));
    // A person of the organisation has no bench.
    machine.secret("North.token", &server.tokens["coordinator"]);
    assert!(with(&good).contains("vendor operator"));
    machine.secret("North.token", &server.tokens["operator"]);
    fs::set_permissions(machine.path().join("North.token"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(with(&good).contains("others can read it"));
    fs::set_permissions(machine.path().join("North.token"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!stored(&server, &nwipe_log(&device.drive)), "nothing was sent meanwhile");
    let (code, out, errors) = machine.push(&[]);
    assert_eq!((code, errors.as_str()), (0, ""), "{out}");
    let help = said(&quittance(&["vendor", "push", "--help"]).output().unwrap()).1;
    assert!(help.contains("Exit codes:") && help.contains("[[organisation]]"), "{help}");
    server.audit();
}
