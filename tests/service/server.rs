//! A server with a record of its own and a person of each role, and a client that speaks to it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{OnceLock, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Nullable, Text};
use quittance::app::now;
use quittance::config::{Config, Limits, Mail, Serving, SignIn};
use quittance::domain::names::Role;
use quittance::operations::open_ledger::{self, Lock};
use quittance::operations::{Service, audit_ledger};
use quittance::store::{self, Database, DatabaseUrl, log, people};
use serde_json::{Value, json};
use tempfile::TempDir;

#[path = "../postgres/mod.rs"]
mod databases;

/// Everybody's, and its hash, which takes its time.
pub const PASSWORD: &str = "lantern copper river meadow";
static HASH: OnceLock<String> = OnceLock::new();

/// Waits for something that the service does by itself.
pub fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came about: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Two vendors' people, and one of each role of the organisation.
const PEOPLE: &[(&str, Role, &str)] = &[
    ("coordinator", Role::Coordinator, "district"),
    ("approver", Role::Approver, "district"),
    ("auditor", Role::Auditor, "district"),
    ("reports", Role::Reports, "district"),
    ("administrator", Role::Administrator, "district"),
    ("contact", Role::SchoolContact, "district"),
    ("operator", Role::VendorOperator, "GreenLoop Recycling"),
    ("verifier", Role::VendorVerifier, "GreenLoop Recycling"),
    ("stranger", Role::VendorOperator, "RecycleOne"),
];

pub struct Server {
    pub service: Service,
    pub base: String,
    pub tokens: HashMap<&'static str, String>,
    pub parties: HashMap<&'static str, String>,
    agent: ureq::Agent,
    /// What stops it, and the thread that ends with it.
    stop: (ServerHandle, Option<JoinHandle<()>>),
    _lock: Lock,
    _folder: TempDir,
}

/// A server that nobody needs any more would go on looking for work: hundreds of them, beside the tests that are under way.
impl Drop for Server {
    fn drop(&mut self) {
        let (handle, thread) = &mut self.stop;
        // What is waited for is the thread: the order to stop is given before its future is polled.
        drop(handle.stop(false));
        let ended = thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the server itself failed");
    }
}

/// A column: its table, and how its values are read as bytes.
#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    read: String,
}
#[derive(QueryableByName)]
struct Cell {
    #[diesel(sql_type = Nullable<Binary>)]
    bytes: Option<Vec<u8>>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{} {e}: {}", self.status, String::from_utf8_lossy(&self.body)))
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    /// The answer of a command that must have been taken.
    pub fn taken(self) -> Value {
        assert!(self.status == 200 || self.status == 201, "{}: {}", self.status, String::from_utf8_lossy(&self.body));
        self.json()
    }
    /// The problem of a command that must have been refused so.
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.header("content-type")), (status, "application/problem+json"), "{}", String::from_utf8_lossy(&self.body));
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["type"] == "about:blank" && !problem["detail"].as_str().unwrap().is_empty(), "{problem}");
        problem
    }
}

/// A new database for the module that this is in.
pub fn database(data: &Path) -> DatabaseUrl {
    databases::database(module_path!(), data)
}

impl Server {
    pub fn start() -> Self {
        Self::start_within(Limits::uncounted())
    }
    /// A server that sends its letters so.
    pub fn start_mailing(mail: Mail) -> Self {
        Self::start_as(Limits::uncounted(), Serving::default(), SignIn::default(), mail)
    }
    /// A server that lets nobody ask for more than this.
    pub fn start_within(limits: Limits) -> Self {
        Self::start_as(limits, Serving::default(), SignIn::default(), Mail::default())
    }
    /// The same, reached in another way than in the clear on this machine.
    pub fn start_serving(limits: Limits, serving: Serving) -> Self {
        Self::start_as(limits, serving, SignIn::default(), Mail::default())
    }
    /// The same, where people sign in so.
    pub fn start_signing_in(limits: Limits, sign_in: SignIn) -> Self {
        Self::start_as(limits, Serving::default(), sign_in, Mail::default())
    }
    fn start_as(limits: Limits, serving: Serving, sign_in: SignIn, mail: Mail) -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let database = database(&data);
        let config = Config { keys: folder.path().join("keys"), database, data, bucket: None, listen: String::new(), limits, serving, sign_in, mail };
        let (service, lock) = open_ledger::init(&config, "http://localhost:8080", "Northfield School District", &["Central".to_owned()]).unwrap();
        let mut parties = HashMap::from([("district", service.app.service.party.to_string())]);
        let mut tokens = HashMap::new();
        let mut db = service.app.connect().unwrap();
        let mut add = |name: &'static str, role: Role, party: &str, tokens: &mut HashMap<&'static str, String>| {
            let token = store::tokens::new_token().unwrap();
            let id = format!("urn:uuid:00000000-0000-4000-8000-{:012}", tokens.len() + 1);
            let shown = format!("{}{} Example", name[..1].to_uppercase(), &name[1..]);
            let mut person = people::Person::new(&id, &shown, role.label(), role, party);
            person.email = format!("{name}@northfield.example");
            if role == Role::SchoolContact {
                person.site = "Central".to_owned();
            }
            people::add_with_token(&mut db, &person, &token, now().unix_ms()).unwrap();
            store::accounts::set_password(&mut db, &id, HASH.get_or_init(|| store::accounts::hash(PASSWORD).unwrap())).unwrap();
            tokens.insert(name, token);
        };
        for (name, role, _) in PEOPLE.iter().filter(|(_, _, party)| *party == "district") {
            add(name, *role, &parties["district"], &mut tokens);
        }
        let (tell, told) = mpsc::channel();
        let served = service.clone();
        let thread = std::thread::spawn(move || {
            quittance::web::serve(served, "127.0.0.1:0", |address, handle| tell.send((address, handle)).unwrap()).unwrap()
        });
        let (address, handle) = told.recv().unwrap();
        let base = format!("http://{address}");
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false).build().into();
        let mut server = Self { service, base, tokens, parties: HashMap::new(), agent, stop: (handle, Some(thread)), _lock: lock, _folder: folder };
        server.adopt();
        for vendor in ["GreenLoop Recycling", "RecycleOne"] {
            let command = json!({"kind": "vendor", "name": vendor, "sites": ["Akron"]});
            let receipt = server.command("administrator", "register_party", command).taken();
            let id = receipt["entries"][0]["subjects"][0]["id"].as_str().unwrap().to_owned();
            server.qualify(&id, "Akron");
            parties.insert(vendor, id);
        }
        for (name, role, party) in PEOPLE.iter().filter(|(_, _, party)| *party != "district") {
            add(name, *role, &parties[party], &mut server.tokens);
        }
        server.parties = parties;
        server
    }

    /// A request as one of the people, or as `nobody`.
    pub fn send(&self, who: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if who != "nobody" {
            request = request.header("Authorization", format!("Bearer {}", self.tokens[who]));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // As a browser says of a form of one of the service's own pages.
        if method == "POST" && !path.starts_with("/api/") && !headers.iter().any(|(name, _)| ["Sec-Fetch-Site", "Origin"].contains(name)) {
            request = request.header("Sec-Fetch-Site", "same-origin");
        }
        let response =
            if method == "GET" || method == "HEAD" { self.agent.run(request.body(()).unwrap()) } else { self.agent.run(request.body(body).unwrap()) };
        let (parts, mut body) = response.unwrap_or_else(|e| panic!("{method} {path}: {e}")).into_parts();
        let body = body.with_config().limit(64 << 20).read_to_vec().unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
    pub fn get(&self, who: &str, path: &str) -> Answer {
        self.send(who, "GET", path, &[], b"")
    }
    /// As a browser asks.
    pub fn page(&self, who: &str, path: &str) -> Answer {
        self.send(who, "GET", path, &[("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")], b"")
    }
    pub fn post(&self, who: &str, path: &str, body: &Value) -> Answer {
        self.send(who, "POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }
    pub fn command(&self, who: &str, name: &str, body: Value) -> Answer {
        self.post(who, &format!("/api/v1/commands/{name}"), &body)
    }
    /// The board has adopted the policy in force.
    fn adopt(&self) {
        self.command("approver", "adopt_policy", self.adoption()).taken();
    }
    /// What adopts the policy in force.
    pub fn adoption(&self) -> Value {
        let policy = &self.service.app.policy;
        json!({"name": policy.name, "version": policy.version, "sha256": policy.digest, "reference": "BOARD-0", "decided_on": "2026-01-05"})
    }
    /// A vendor's site is certified to have things with data and without, today and for long.
    pub fn qualify(&self, party: &str, site: &str) {
        let credential = json!({"party": party, "site": site, "scheme": "r2v3", "number": "C2023-01934", "issued_on": "2020-01-01",
            "expires_on": "2100-01-01", "scope": ["data_sanitization_logical", "data_sanitization_physical", "materials_recovery"]});
        self.command("administrator", "record_credential", credential).taken();
    }
    /// The id of one of the people.
    pub fn id_of(&self, who: &str) -> String {
        let mut db = self.service.app.read().unwrap();
        store::tokens::by_token(&mut db, &self.tokens[who]).unwrap().unwrap().1.id
    }
    /// A browser in which one of the people is signed in with a password: the session's id, and the cookie.
    pub fn browser(&self, who: &str) -> (String, String) {
        let (id, token, at) = (people::new_id().unwrap(), store::tokens::new_token().unwrap(), now().unix_ms());
        let session = store::sessions::Session {
            id: id.clone(),
            person: self.id_of(who),
            token_sha256: people::token_digest(&token),
            stage: store::sessions::OPEN.to_owned(),
            signed_in: "password".to_owned(),
            created_at: at,
            seen_at: at,
            proved_at: at,
            agent: "Test/1".to_owned(),
        };
        store::sessions::begin(&mut self.service.app.connect().unwrap(), &session).unwrap();
        (id, format!("sid={token}"))
    }
    /// Another token of one of the people: its id.
    pub fn another_token(&self, who: &str) -> String {
        let token = store::tokens::new_token().unwrap();
        let mut db = self.service.app.connect().unwrap();
        store::tokens::give(&mut db, &self.id_of(who), "another", &token, store::tokens::READ, 1, now().unix_ms()).unwrap().id
    }
    /// The id of the first subject of a kind.
    pub fn subject(receipt: &Value, kind: &str) -> String {
        let entries = receipt["entries"].as_array().unwrap();
        let subjects = entries.iter().flat_map(|entry| entry["subjects"].as_array().unwrap());
        let found = subjects.into_iter().find(|subject| subject["type"] == kind).unwrap_or_else(|| panic!("no {kind} in {receipt}"));
        found["id"].as_str().unwrap().to_owned()
    }
    /// Every value of every table that the database has, as it asks the database itself, in the order of the tables.
    pub fn tables(&self) -> Vec<(String, String)> {
        let mut db = self.service.app.connect().unwrap();
        let shared = !matches!(db, Database::Sqlite(_));
        let columns = if shared {
            "SELECT table_name::text AS place, CASE data_type WHEN 'bytea' THEN quote_ident(column_name) \
             ELSE 'convert_to(' || quote_ident(column_name) || '::text, ''UTF8'')' END AS read \
             FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
        } else {
            "SELECT m.name AS place, 'CAST(\"' || c.name || '\" AS BLOB)' AS read FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid"
        };
        let columns: Vec<Column> = diesel::sql_query(columns).load(&mut db).unwrap();
        let mut tables: Vec<(String, String)> = Vec::new();
        for Column { place, read } in columns {
            let cells: Vec<Cell> = diesel::sql_query(format!("SELECT {read} AS bytes FROM {place}")).load(&mut db).unwrap();
            let mut cells: Vec<String> =
                cells.into_iter().flat_map(|cell| cell.bytes).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
            cells.sort_unstable();
            if tables.last().is_none_or(|(last, _)| *last != place) {
                tables.push((place, String::new()));
            }
            let text = &mut tables.last_mut().unwrap().1;
            text.push_str(&cells.join("\n"));
            text.push('\n');
        }
        tables
    }
    /// How many entries the log has.
    pub fn entries(&self) -> u64 {
        log::head(&mut self.service.app.read().unwrap()).unwrap().unwrap().frontier.size()
    }
    /// Everything is as the log says.
    pub fn audit(&self) {
        let report = audit_ledger::audit(&self.service.app, &mut self.service.app.connect().unwrap(), |_, _| ()).unwrap();
        assert_eq!(report.findings, [], "{report:?}");
    }
}
