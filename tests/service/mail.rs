//! Letters through a real mail server: STARTTLS or TLS from the first byte, authentication, lost answers, greylisting, refusals, a wrong password, a
//! service that is killed; none is lost, and none is sent twice under another Message-ID.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chrono::DateTime;
use diesel::prelude::*;
use quittance::config::{Mail, Smtp};
use quittance::operations::remind;
use quittance::store::outbox;
use quittance::store::schema::people;
use serde_json::{Value, json};

use super::orders::{Vendor, Yard};
use super::programs;
use super::server::{self, Server, until};

/// A mail server with a folder of what it took.
struct MailServer {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
    scheme: &'static str,
}

/// A letter that it took.
#[derive(Clone, Debug, PartialEq)]
struct Taken {
    about: Value,
    bytes: String,
}

impl Taken {
    fn to(&self) -> &str {
        self.about["to"][0].as_str().unwrap()
    }
    fn header(&self, name: &str) -> String {
        let head = self.bytes.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
        line.unwrap_or_default()
    }
    /// The plain text and the HTML, as mail programs decode them.
    fn parts(&self) -> [String; 2] {
        let script = "import email,email.policy,sys,json; m=email.message_from_bytes(sys.stdin.buffer.read(),policy=email.policy.default); \
                      print(json.dumps([m.get_body([k]).get_content() for k in ('plain','html')]))";
        let mut child = Command::new("/usr/bin/python3").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), self.bytes.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn have_programs() -> bool {
    let python = Command::new("/usr/bin/python3").args(["-c", "import aiosmtpd"]).output().is_ok_and(|output| output.status.success());
    programs::there("python3-aiosmtpd", python, "apt install python3-aiosmtpd") && programs::have("openssl", "openssl")
}

impl MailServer {
    /// None where what it needs is not at hand.
    fn start(scheme: &'static str) -> Option<Self> {
        if !have_programs() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (key, certificate) = (at("key.pem"), at("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &key, "-out", &certificate])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(folder.path().join("password"), "right horse\n").unwrap();
        std::fs::write(folder.path().join("mode"), "take").unwrap();
        std::fs::create_dir(folder.path().join("spool")).unwrap();
        std::fs::write(folder.path().join("spool/mode"), "take").unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/server.py");
        let mut child = Command::new("/usr/bin/python3")
            .args([script, &at("spool"), &certificate, &key, scheme])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Some(Self { child, port: line.trim().parse().unwrap(), folder, scheme })
    }
    fn url(&self) -> String {
        format!("{}://records@localhost:{}", self.scheme, self.port)
    }
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    /// The settings that lead to it.
    fn settings(&self) -> Mail {
        let server = Smtp::parse(&self.url(), Some(self.file("password")), Some(self.file("certificate.pem"))).unwrap();
        Mail { server: Some(server), from: Some("Northfield Records <records@northfield.example>".parse().unwrap()) }
    }
    fn mode(&self, mode: &str) {
        let new = self.file("spool/mode.new");
        std::fs::write(&new, mode).unwrap();
        std::fs::rename(new, self.file("spool/mode")).unwrap();
    }
    fn log(&self) -> String {
        std::fs::read_to_string(self.file("spool/log")).unwrap_or_default()
    }
    /// What it took, in order.
    fn taken(&self) -> Vec<Taken> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(self.file("spool")).unwrap().map(|item| item.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "eml"));
        paths.sort();
        let read = |path: &Path| Taken {
            about: serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap(),
            bytes: String::from_utf8(std::fs::read(path).unwrap()).unwrap(),
        };
        paths.iter().map(|path| read(path)).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

/// Leaves addresses to these people alone.
fn reach(server: &Server, who: &[&str]) {
    let mut db = server.service.app.connect().unwrap();
    let kept: Vec<String> = who.iter().map(|name| format!("{name}@northfield.example")).collect();
    diesel::update(people::table.filter(people::email.ne_all(kept))).set(people::email.eq("")).execute(&mut db).unwrap();
}

/// Letters that wait, as the administrator is told.
fn waiting(server: &Server) -> Vec<Value> {
    server.get("administrator", "/api/v1/mail").taken()["letters"]["waiting"].as_array().unwrap().clone()
}

fn given_up(server: &Server) -> Vec<Value> {
    server.get("administrator", "/api/v1/mail").taken()["letters"]["given_up"].as_array().unwrap().clone()
}

/// Has every letter tried now.
fn hurry(server: &Server) {
    for letter in waiting(server) {
        let path = format!("/api/v1/mail/{}/retries", letter["id"].as_str().unwrap());
        // It may be on its way by itself.
        let answer = server.post("administrator", &path, &json!({}));
        assert!(answer.status == 200 || answer.status == 404, "{}", answer.text());
    }
}

fn sent(server: &Server) -> usize {
    outbox::sent(&mut server.service.app.read().unwrap(), 1_000).unwrap().len()
}

/// One letter to the coordinator, by the operator's receipt.
fn received(yard: &Yard) -> String {
    let (thing, consignment, ..) = yard.linked(Vendor::GreenLoop);
    let scans = json!([{"tag": thing.tag, "serial": thing.serial}]);
    yard.server
        .command(
            "operator",
            "receive_consignment",
            json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": scans}),
        )
        .taken();
    consignment
}

#[test]
fn everyone_is_told_what_concerns_them_over_an_encrypted_way() {
    let Some(mail) = MailServer::start("smtp") else { return };
    let server = Server::start_mailing(mail.settings());
    let yard = Yard::new(&server);
    reach(&server, &["coordinator", "approver", "operator", "stranger"]);
    assert_eq!(server.send("operator", "POST", "/account/mail", &FORM, b"language=es&want=certificate_issued&want=consignment_released").status, 303);

    let (thing, consignment, ..) = yard.linked(Vendor::GreenLoop);
    // Nothing of it arrives: short.
    server
        .command(
            "operator",
            "receive_consignment",
            json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": []}),
        )
        .taken();
    let (number, certified, _) = yard.certified(Vendor::GreenLoop);
    let revoked = server.post("approver", &format!("/api/v1/certificates/{number}/revocations"), &json!({"reason": "error_in_record"})).taken();
    let other = yard.linked(Vendor::RecycleOne).1;
    let body = json!({"days": 7, "email": "dock@recycleone.example", "language": "es"});
    let link = server.post("coordinator", &format!("/api/v1/consignments/{other}/links"), &body).taken();

    until("all letters are taken", || {
        hurry(&server);
        waiting(&server).is_empty()
    });
    let taken = mail.taken();
    assert!(given_up(&server).is_empty() && taken.len() == sent(&server), "{taken:?}");
    for letter in &taken {
        assert_eq!((&letter.about["tls"], &letter.about["signed_in"]), (&json!(true), &json!(true)));
        assert_eq!(letter.header("From"), "\"Northfield Records\" <records@northfield.example>");
        assert_eq!((letter.header("To").as_str(), letter.header("Auto-Submitted").as_str()), (letter.to(), "auto-generated"));
        let [text, html] = letter.parts();
        for secret in [&thing.serial, &thing.drive, &thing.tag, &certified.serial, &certified.drive] {
            assert!(!letter.bytes.contains(secret.as_str()) && !text.contains(secret.as_str()), "{secret} is in {text}");
        }
        assert!(html.starts_with("<!doctype html>") && html.contains("color-scheme") && !html.contains(" style="), "{html}");
        // Both say the same: every address of the one is in the other.
        for address in text.split_whitespace().filter(|word| word.starts_with("http")) {
            assert!(html.contains(&format!("<a href=\"{address}\">")), "{address} is not in {html}");
        }
    }
    let subjects = |to: &str| {
        let mine = taken.iter().filter(|letter| letter.to() == to);
        let mut subjects: Vec<String> =
            mine.map(|letter| letter.parts()[1].split(['<', '>']).skip_while(|part| *part != "h1").nth(1).unwrap().to_owned()).collect();
        subjects.sort();
        subjects
    };
    let of = |to: &str, words: &str| subjects(to).iter().filter(|subject| subject.contains(words)).count();
    let coordinator = "coordinator@northfield.example";
    assert_eq!(of(coordinator, ": 1 discrepancy"), 1, "{:?}", subjects(coordinator));
    // One for the receipt that found nothing, one for the device that was certified.
    assert_eq!(
        (of(coordinator, "was received"), of(coordinator, "A certificate was issued"), of(coordinator, "A certificate was revoked")),
        (2, 1, 1)
    );
    assert_eq!(of(coordinator, "is on its way to you"), 0);
    // The approver issued and revoked them, and is no coordinator.
    assert_eq!(subjects("approver@northfield.example"), Vec::<String>::new());
    let operator = "operator@northfield.example";
    assert_eq!((of(operator, "está en camino"), of(operator, "Se emitió un certificado")), (2, 1), "{:?}", subjects(operator));
    // Switched off.
    assert_eq!((of(operator, "discrepancia"), of(operator, "revocó")), (0, 0), "{:?}", subjects(operator));
    assert_eq!((of("stranger@northfield.example", "is on its way to you"), subjects("stranger@northfield.example").len()), (1, 1));
    assert_eq!(subjects("dock@recycleone.example").len(), 1);
    let letter = taken.iter().find(|letter| letter.to() == "dock@recycleone.example").unwrap();
    assert!(letter.parts()[0].contains(link["address"].as_str().unwrap()), "{:?}", letter.parts());
    let told = taken.iter().map(|letter| letter.parts()[0].clone()).find(|text| text.contains("revoked:")).unwrap();
    assert!(told.contains(&number) && told.contains(&format!("entry {}", revoked["entries"][0]["seq"])), "{told}");
    // Each is a message of its own, and what it said is forgotten here.
    let mut ids: Vec<String> = taken.iter().map(|letter| letter.header("Message-ID")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), taken.len());
    let secret = link["address"].as_str().unwrap().rsplit('/').next().unwrap();
    let tables = server.tables();
    assert!(!tables.iter().any(|(_, text)| text.contains(secret) || text.contains("dock@recycleone.example")));
    server.audit();
}

#[test]
fn an_answer_that_is_lost_costs_a_copy_of_the_same_message() {
    let Some(mail) = MailServer::start("smtps") else { return };
    let server = Server::start_mailing(mail.settings());
    reach(&server, &["coordinator"]);
    mail.mode("drop");
    received(&Yard::new(&server));
    until("the server has it, and the service does not know", || waiting(&server).iter().any(|letter| letter["last_error"].is_string()));
    assert_eq!((mail.taken().len(), sent(&server)), (1, 0));
    mail.mode("take");
    hurry(&server);
    until("it is sent", || sent(&server) == 1);
    let taken = mail.taken();
    assert_eq!((taken.len(), &taken[0].bytes), (2, &taken[1].bytes), "the very same message");
    assert!(!taken[0].header("Message-ID").is_empty() && taken[0].about["tls"] == true);
}

#[test]
fn who_is_told_to_come_back_comes_back_and_who_is_refused_is_shown() {
    let Some(mail) = MailServer::start("smtp") else { return };
    let server = Server::start_mailing(mail.settings());
    let yard = Yard::new(&server);
    reach(&server, &["coordinator"]);
    mail.mode("grey");
    received(&yard);
    until("it is told to come back", || waiting(&server).iter().any(|letter| letter["last_error"].to_string().contains("Greylisted")));
    let letter = waiting(&server)[0].clone();
    let at = |name: &str| DateTime::parse_from_rfc3339(letter[name].as_str().unwrap()).unwrap();
    assert!((at("next_try_at") - at("written_at")).num_seconds() >= 59, "{letter}");
    assert_eq!((&letter["tries"], &letter["kind"]), (&json!(1), &json!("consignment_received")));
    hurry(&server);
    until("it is taken", || sent(&server) == 1);
    assert_eq!(mail.taken().len(), 1);

    mail.mode("refuse");
    received(&yard);
    until("it is given up", || given_up(&server).len() == 1);
    let page = server.page("administrator", "/mail").text();
    assert!(page.contains("No such person here") && page.contains("Coordinator Example") && page.contains("Given up: 1"), "{page}");
    server.get("coordinator", "/mail").refused(403, "command.wrong_role");
    mail.mode("take");
    let id = given_up(&server)[0]["id"].as_str().unwrap().to_owned();
    assert!(page.contains(&format!("action=\"/mail/{id}/retries\"")), "{page}");
    assert_eq!(server.send("administrator", "POST", &format!("/mail/{id}/retries"), &FORM, b"").status, 303);
    until("it is taken", || sent(&server) == 2);
    assert!(given_up(&server).is_empty() && mail.taken().len() == 2);
    server.post("administrator", &format!("/api/v1/mail/{id}/retries"), &json!({})).refused(404, "request.unknown");
}

#[test]
fn a_wrong_password_holds_all_letters_and_is_not_tried_for_each() {
    let Some(mail) = MailServer::start("smtp") else { return };
    std::fs::write(mail.file("password"), "wrong horse\n").unwrap();
    let server = Server::start_mailing(mail.settings());
    let yard = Yard::new(&server);
    reach(&server, &["coordinator", "operator"]);
    for _ in 0..3 {
        received(&yard);
    }
    until("all of them wait for the same reason", || {
        let letters = waiting(&server);
        letters.len() == 6 && letters.iter().all(|letter| letter["last_error"].to_string().contains("535"))
    });
    let tries: i64 = waiting(&server).iter().map(|letter| letter["tries"].as_i64().unwrap()).sum();
    assert_eq!(mail.log().matches("wrong").count(), usize::try_from(tries).unwrap());
    assert!(tries <= 6, "{tries} attempts for 6 letters");
    // The file is read again for every connection.
    std::fs::write(mail.file("password"), "right horse\n").unwrap();
    hurry(&server);
    until("all are sent", || sent(&server) == 6);
    assert_eq!(mail.taken().len(), 6);
    // Nobody else's certificate is taken, and nothing is said to such a server.
    let Some(stranger) = MailServer::start("smtp") else { return };
    let mut settings = stranger.settings();
    settings.server.as_mut().unwrap().authorities = None;
    let server = Server::start_mailing(settings);
    reach(&server, &["coordinator"]);
    received(&Yard::new(&server));
    until("it waits", || waiting(&server).iter().any(|letter| letter["last_error"].is_string()));
    assert_eq!((stranger.log(), stranger.taken().len()), (String::new(), 0));
}

#[test]
fn without_a_mail_server_letters_are_files_that_nobody_else_reads() {
    let server = Server::start();
    let yard = Yard::new(&server);
    reach(&server, &[]);
    let link = {
        let consignment = yard.linked(Vendor::GreenLoop).1;
        server.post("coordinator", &format!("/api/v1/consignments/{consignment}/links"), &json!({"email": "dock@greenloop.example"})).taken()
    };
    until("it is written", || sent(&server) == 1);
    let folder = server.service.app.data.join("mail");
    let files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert!(file.extension().is_some_and(|kind| kind == "eml"), "{files:?}");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let letter = std::fs::read_to_string(file).unwrap().replace("=\r\n", "");
    assert!(letter.contains("To: dock@greenloop.example\r\n") && letter.contains(link["address"].as_str().unwrap()), "{letter}");
    let page = server.page("administrator", "/mail").text();
    assert!(page.contains("nobody gets mail") && page.contains("A one-time link"), "{page}");
}

#[test]
fn what_follows_from_time_is_told_once_and_ends_by_one_click() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let remind = |local: &str| remind::remind(&server.service, DateTime::parse_from_rfc3339(local).unwrap()).unwrap();
    let (first, _) = yard.stuck(Vendor::GreenLoop);
    let (second, _) = yard.stuck(Vendor::GreenLoop);
    let (sunday, monday) = ("2026-11-29T12:00:00Z", "2026-11-30T07:00:00Z");
    reach(&server, &["coordinator", "approver", "auditor"]);
    let approver = server.get("administrator", "/api/v1/people").taken();
    let approver = approver["people"].as_array().unwrap().iter().find(|person| person["role"] == "approver").unwrap()["id"].clone();
    server.command("coordinator", "assign_exception", json!({"exception": second, "person": approver})).taken();
    // One letter to whoever has one in hand, one to the coordinator for what nobody has; and none again.
    assert_eq!((remind(sunday), remind(sunday)), (2, 0));
    let kept = |kind: &str| {
        let mut db = server.service.app.read().unwrap();
        let all = outbox::sent(&mut db, 100).unwrap().into_iter().chain(outbox::waiting(&mut db, 100).unwrap());
        all.filter(|kept| kept.kind == kind).count()
    };
    assert_eq!(kept("exception_overdue"), 2);
    // The digest: to coordinators and approvers, once a week.
    assert_eq!((remind(monday), remind(monday), kept("weekly_digest")), (2, 0, 2));
    until("all are written", || waiting(&server).is_empty());
    let folder = server.service.app.data.join("mail");
    let letters: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|item| std::fs::read_to_string(item.unwrap().path()).unwrap().replace("=\r\n", "").replace("\r\n ", " "))
        .collect();
    let rule =
        |exception: &str| exception.split_once('#').map(|(id, rule)| format!("/exceptions/{rule}.{}", id.trim_start_matches("urn:uuid:"))).unwrap();
    let about = |to: &str, what: &str| letters.iter().any(|letter| letter.contains(&format!("To: {to}@northfield.example")) && letter.contains(what));
    assert!(about("coordinator", &rule(&first)) && about("approver", &rule(&second)) && !about("coordinator", &rule(&second)));

    let digest = letters.iter().find(|letter| letter.contains("To: approver@") && letter.contains("List-Unsubscribe: <")).unwrap();
    assert!(digest.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click") && digest.contains("2026-11-30"), "{digest}");
    let address = digest.split("List-Unsubscribe: <").nth(1).unwrap().split('>').next().unwrap().replace([' ', '\r', '\n'], "");
    let path = address.strip_prefix("http://localhost:8080").unwrap();
    assert!(server.page("nobody", path).text().contains("End it"), "looking ends nothing");
    let off = || server.page("approver", "/account/mail").text().contains("value=\"weekly_digest\">");
    assert!(!off());
    let ended = server.send("nobody", "POST", path, &FORM, b"List-Unsubscribe=One-Click");
    assert!(ended.status == 200 && off(), "{}", ended.text());
    let (rest, last) = path.split_at(path.len() - 1);
    let other = if last == "0" { "1" } else { "0" };
    server.send("nobody", "POST", &format!("{rest}{other}"), &FORM, b"List-Unsubscribe=One-Click").refused(404, "request.unknown");
    assert_eq!(remind("2026-12-07T08:00:00Z"), 1, "the coordinator's alone");
}

#[test]
fn a_killed_service_loses_no_letter_and_sends_none_as_another_message() {
    let Some(mail) = MailServer::start("smtp") else { return };
    let record = Killed::new(&mail);
    // The server has the first letter and does not answer; then the service is killed.
    mail.mode("hang");
    let mut service = record.serve();
    for n in 0..3 {
        record.write(&format!("outside-{n}@greenloop.example"));
    }
    until("a letter is under way", || !mail.taken().is_empty());
    service.kill().unwrap();
    service.wait().unwrap();
    mail.mode("take");
    record.later();
    let mut service = record.serve();
    until("all are sent", || record.sent() == 3);
    service.kill().unwrap();
    service.wait().unwrap();
    let taken = mail.taken();
    for n in 0..3 {
        let mut ids: Vec<String> =
            taken.iter().filter(|letter| letter.to() == format!("outside-{n}@greenloop.example")).map(|letter| letter.header("Message-ID")).collect();
        assert!(!ids.is_empty(), "letter {n} is lost");
        ids.dedup();
        assert_eq!(ids.len(), 1, "letter {n}");
    }
}

/// A record that the real program serves, and whose outbox is written to beside it.
struct Killed {
    folder: tempfile::TempDir,
    database: quittance::store::DatabaseUrl,
    mail: Vec<String>,
}

impl Killed {
    fn new(mail: &MailServer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let database = server::database(&data);
        let setting = |name: &str, value: &str| [name.to_owned(), value.to_owned()];
        let file = |name: &str| mail.file(name).to_str().unwrap().to_owned();
        let settings = [
            setting("--smtp-url", &mail.url()),
            setting("--smtp-password-file", &file("password")),
            setting("--smtp-ca-file", &file("certificate.pem")),
            setting("--mail-from", "records@northfield.example"),
        ];
        let record = Self { folder, database, mail: settings.concat() };
        let made = record.program(&["init", "--url", "http://localhost:8080", "--name", "Northfield School District"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        record
    }
    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = super::command_line::quittance(arguments);
        command.arg("--data").arg(self.folder.path().join("data")).arg("--keys").arg(self.folder.path().join("keys"));
        command.args(["--database-url", self.database.as_str()]).stderr(Stdio::null());
        command
    }
    fn serve(&self) -> Child {
        let mut child = self.program(&["serve", "--listen", "127.0.0.1:0"]).args(&self.mail).stdout(Stdio::piped()).spawn().unwrap();
        // A new record first says with which code its first administrator begins.
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("listening on")));
        child
    }
    fn write(&self, to: &str) {
        use quittance::domain::letters::{Invitation, Language, Letter};
        let at = quittance::app::now();
        let (address, party) = ("http://localhost:8080/invitations/x".to_owned(), "GreenLoop".to_owned());
        let role = quittance::domain::names::Role::VendorOperator;
        let letter = Letter::Invitation(Invitation { address, role, party, expires_at: at });
        let mut db = self.database.open().unwrap();
        outbox::enqueue(&mut db, &outbox::To::Address(to.to_owned(), Language::Spanish), &letter, at).unwrap();
    }
    fn sent(&self) -> usize {
        outbox::sent(&mut self.database.open().unwrap(), 100).unwrap().len()
    }
    /// The time for which a dead server has taken letters is over. Where nobody else can be sending, the next one does not wait for it.
    fn later(&self) {
        if self.database.is_shared() {
            outbox::free_all(&mut self.database.open().unwrap()).unwrap();
        }
    }
}
