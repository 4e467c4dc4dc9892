//! What lists, search and counts cost at a million devices, over HTTP, beside a static file from the same server, in one interleaved run.
//!
//! `cargo bench --bench reads`. The devices are registered by the real recorder in full batches, signed entries and all; a tenth of them is released to
//! a vendor. Then every kind of page is fetched once per round over one connection: medians and 99th percentiles in milliseconds, and the median's
//! ratio to the static file's and to the first page of the same list. Nothing is judged. At the end, what the tables cost per registration.
//! Settings: `QUITTANCE_TEST_BENCH_ASSETS` (1000000), `QUITTANCE_TEST_BENCH_ROUNDS` (300), `QUITTANCE_TEST_BENCH_FOLDER` (a folder to keep the record in
//! and to use again; it must fit the other settings), `QUITTANCE_TEST_DATABASE_URL` (an empty PostgreSQL database, or the one of that folder).
#![cfg(feature = "service")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    missing_docs
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quittance::app::{now, seed};
use quittance::config::{Config, Given, Limits};
use quittance::domain::asset::{Asset, Label};
use quittance::domain::names::{AssetId, PersonId, Role};
use quittance::domain::records::{Record, Records};
use quittance::domain::{Actor, Command};
use quittance::operations::{Service, open_ledger};
use quittance::reports::Question;
use quittance::store::people::{self, Person};
use quittance::store::{DatabaseUrl, Ended, derived, inventory, listings, log, mass, search, tables, tokens};
use serde_json::{Value, json};

/// Lines of the long consignment, entries of the long timeline.
const LONG: usize = 10_000;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() {
    let assets = setting("QUITTANCE_TEST_BENCH_ASSETS", 1_000_000).max(2 * LONG);
    let rounds = setting("QUITTANCE_TEST_BENCH_ROUNDS", 300);
    let kept = std::env::var("QUITTANCE_TEST_BENCH_FOLDER").ok().map(PathBuf::from);
    let passing = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = kept.unwrap_or_else(|| passing.path().to_owned());
    let given = Given { data: Some(folder.join("data")), keys: Some(folder.join("keys")), ..Given::default() };
    let mut config = Config::new(&given, None, ".", None).unwrap();
    config.limits = Limits::uncounted();
    if let Ok(url) = std::env::var("QUITTANCE_TEST_DATABASE_URL") {
        config.database = DatabaseUrl::parse(&url).unwrap();
    }
    let started = Instant::now();
    let (service, lock) = if folder.join("ready").exists() {
        open_ledger::open(&config).unwrap()
    } else {
        let opened = open_ledger::init(&config, "http://localhost:8080", "Benchmark District", &["Warehouse".to_owned()]).unwrap();
        prepare(&opened.0, assets);
        std::fs::write(folder.join("ready"), b"").unwrap();
        opened
    };
    let mut db = service.app.connect().unwrap();
    let entries = log::head(&mut db).unwrap().unwrap().frontier.size();
    println!("{assets} devices, {entries} entries, ready in {:.0} s.\n", started.elapsed().as_secs_f64());

    let vendor = inventory::parties(&mut db, None, None, 10).unwrap().into_iter().find(|party| party.name == "Recycler").unwrap().id;
    let (_, token) = person(&service, Role::Auditor, service.app.service.party.as_str());
    let (_, vendor_token) = person(&service, Role::VendorOperator, &vendor);
    let listening = std::sync::mpsc::channel();
    let server = service.clone();
    std::thread::spawn(move || quittance::web::serve(server, "127.0.0.1:0", move |address, _| listening.0.send(address).unwrap()).unwrap());
    let mut client = Client::new(listening.1.recv().unwrap());

    let cases = cases(&service, assets);
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for round in 0..rounds + 5 {
        for (case, times) in cases.iter().zip(&mut times) {
            let token = if case.vendor { &vendor_token } else { &token };
            let since = Instant::now();
            client.get(&case.path, token);
            // The first rounds fill caches.
            if round >= 5 {
                times.push(since.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    println!("{:<52} {:>9} {:>9} {:>9} {:>9}", "", "median", "p99", "÷ static", "÷ first");
    let middle = |times: &[f64]| times[times.len() / 2];
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let resting = middle(&times[0]);
    let mut first = resting;
    for (case, times) in cases.iter().zip(&times) {
        if !case.follows {
            first = middle(times);
        }
        println!(
            "{:<52} {:>6.3} ms {:>6.3} ms {:>9.1} {:>9}",
            case.name,
            middle(times),
            times[times.len() * 99 / 100],
            middle(times) / resting,
            if case.follows { format!("{:.2}", middle(times) / first) } else { String::new() }
        );
    }
    println!();
    cost_of_the_mass_balance(&service, assets);
    cost_of_registering(&service);
    drop(lock);
}

struct Case {
    name: String,
    path: String,
    vendor: bool,
    /// A later page of the list before it.
    follows: bool,
}

fn after(first: &str, second: &str) -> String {
    URL_SAFE_NO_PAD.encode(json!([first, second]).to_string())
}

fn cases(service: &Service, assets: usize) -> Vec<Case> {
    let case = |name: &str, path: String, vendor: bool, follows: bool| Case { name: name.to_owned(), path, vendor, follows };
    let mut cases = vec![case("static file", "/static/0/style.css".to_owned(), false, false)];
    for (who, vendor, label) in [("all", false, ""), ("label", false, "in_stock"), ("vendor", true, ""), ("vendor + label", true, "released")] {
        for (place, from) in [("first", None), ("middle", Some(assets / 2)), ("last", Some(assets.saturating_sub(600)))] {
            let cursor = from.map_or(String::new(), |from| after(&tag(from), ""));
            cases.push(case(&format!("{who}, {place} page"), format!("/assets?label={label}&after={cursor}"), vendor, from.is_some()));
        }
    }
    let some = assets / 3;
    let sought = [
        ("search, exact tag", tag(some)),
        ("search, exact serial", serial(some, 1)),
        ("search, short prefix that all have", "B-".to_owned()),
        ("search, prefix of few", tag(some)[..tag(some).len() - 2].to_owned()),
        ("search, substring in very many", "-00".to_owned()),
        ("search, substring in about a thousandth", serial(some, 1)[3..5].to_owned() + &serial(some, 1)[5..6]),
        ("search, rare substring", serial(some, 2)[2..9].to_owned()),
        ("search, characters that nobody has", "QQQQQQ".to_owned()),
        ("search, common characters that never meet so", "0000000000".to_owned()),
        ("search, common characters in no such order", "-00-00-00".to_owned()),
    ];
    for (name, q) in sought {
        cases.push(case(name, format!("/assets?q={q}"), false, false));
        cases.push(case(&format!("{name}, vendor"), format!("/assets?q={q}"), true, false));
    }
    cases.push(case(
        "search, in very many, from the middle on",
        format!("/assets?q=-00&after={}", after("search", &assets.to_string())),
        false,
        false,
    ));
    cases.push(case("search, in very many, of a rare label", "/assets?q=-00&label=in_repair".to_owned(), false, false));
    let mut db = service.app.connect().unwrap();
    let query = |from: &str| inventory::AssetQuery { tag_prefix: Some(from.to_owned()), limit: 1, ..inventory::AssetQuery::default() };
    let mut id = |tag: &str| inventory::assets(&mut db, &query(tag)).unwrap().remove(0).id;
    let (plain, long) = (id(&tag(some)), id(&tag(1)));
    cases.push(case("device page", format!("/assets/{plain}"), false, false));
    cases.push(case("timeline of 10,000 entries, first page", format!("/assets/{long}"), false, false));
    let last = inventory::timeline(&mut db, std::slice::from_ref(&long), 0, i64::MAX).unwrap();
    cases.push(case("timeline of 10,000 entries, last page", format!("/assets/{long}?from={}", last[last.len() - 101].0), false, true));
    let consignment = inventory::consignments(&mut db, None, Some(&("LONF".to_owned(), String::new())), 1).unwrap().remove(0);
    cases.push(case("consignment of 10,000 lines, first page", format!("/consignments/{}", consignment.id), false, false));
    let lines = inventory::lines(&mut db, &consignment.id, None, 30_000).unwrap();
    let (name, line) = &lines[lines.len() - 101];
    let path = format!("/consignments/{}?lines_after={}", consignment.id, after(name, &line.item));
    cases.push(case("consignment of 10,000 lines, last page", path, false, true));
    cases.push(case("consignments, first page", "/consignments".to_owned(), false, false));
    cases.push(case("consignments, last page", format!("/consignments?after={}", after("LONF", "")), false, true));
    cases.push(case("consignments of the vendor, first page", "/consignments".to_owned(), true, false));
    cases.push(case("consignments of the vendor, last page", format!("/consignments?after={}", after("LONF", "")), true, true));
    cases.push(case("counts (a page of one device)", "/assets?limit=1".to_owned(), false, false));
    cases.push(case("counts of the vendor (a page of one device)", "/assets?limit=1".to_owned(), true, false));
    cases.push(case("mass balance, all months", "/reports/mass-balance".to_owned(), false, false));
    cases
}

struct Client {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let writer = TcpStream::connect(address).unwrap();
        writer.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(writer.try_clone().unwrap()), writer }
    }
    fn get(&mut self, path: &str, token: &str) -> Vec<u8> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: text/html\r\n\r\n");
        self.writer.write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let status = line.clone();
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        assert!(status.contains(" 200 "), "{path}: {status}{}", String::from_utf8_lossy(&body));
        body
    }
}

/// What the mass balance costs: its sums as they are kept, and made anew from every device, as `rebuild` and `audit` do.
fn cost_of_the_mass_balance(service: &Service, assets: usize) {
    let mut db = service.app.connect().unwrap();
    let question = Question { from: "2000-01".into(), to: "2099-12".into(), site: None, vendor: None };
    let mut kept: Vec<f64> = Vec::new();
    let mut rows = 0;
    for _ in 0..100 {
        let since = Instant::now();
        rows = mass::rows(&mut db, &question).unwrap().len();
        kept.push(since.elapsed().as_secs_f64() * 1e3);
    }
    kept.sort_by(f64::total_cmp);
    // In pages of the list, so that memory holds one of them; reading them counts, too.
    let (mut after, mut devices, mut sums) = (None, 0, Duration::ZERO);
    let since = Instant::now();
    loop {
        let query = inventory::AssetQuery { after: after.take(), limit: 10_000, ..inventory::AssetQuery::default() };
        let page = inventory::assets(&mut db, &query).unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.tag.clone(), last.id.clone()));
        devices += page.len();
        let records: Vec<Asset> = page.iter().map(|row| row.record().unwrap()).collect();
        let folding = Instant::now();
        std::hint::black_box(mass::MassRow::of(&records));
        sums += folding.elapsed();
    }
    assert_eq!(devices, assets);
    println!(
        "Mass balance of {devices} devices: {rows} rows kept, read in {:.3} ms (median of 100); made anew from every device in {:.1} s, of which the sums {:.2} s.",
        kept[kept.len() / 2],
        since.elapsed().as_secs_f64(),
        sums.as_secs_f64()
    );
}

/// What saving costs per registration: 256 devices with a medium each, saved and taken back.
fn cost_of_registering(service: &Service) {
    let mut db = service.app.connect().unwrap();
    let query = inventory::AssetQuery { limit: 1, ..inventory::AssetQuery::default() };
    let pattern: Asset = inventory::assets(&mut db, &query).unwrap().remove(0).record().unwrap();
    let media = inventory::media_of(&mut db, pattern.id.as_str()).unwrap();
    let medium = media[0].record().unwrap();
    let mut parts: [Vec<f64>; 3] = Default::default();
    for round in 0..20usize {
        let mut known = Records::complete();
        for n in 0..256 {
            let at = 10_000_000 + round * 256 + n;
            let mut asset = pattern.clone();
            asset.id = AssetId::from_uuid(fresh());
            asset.tag = serde_json::from_value(json!(tag(at))).unwrap();
            asset.serial = serde_json::from_value(json!(serial(at, 1))).unwrap();
            asset.registered = 1_000_000_000 + at as u64;
            let mut medium = medium.clone();
            medium.id = serde_json::from_value(json!(format!("urn:uuid:{}", fresh().hyphenated()))).unwrap();
            medium.host = Some(asset.id.clone());
            medium.serial = serde_json::from_value(json!(serial(at, 2))).unwrap();
            asset.media = vec![medium.id()];
            known.put(medium, asset.registered);
            known.put(asset, 1_000_000_000 + at as u64);
        }
        let save = |part: usize, parts: &mut [Vec<f64>; 3], db: &mut quittance::store::Database| {
            let ended = db.write(|db| {
                let since = Instant::now();
                match part {
                    0 => tables::save(db, &known)?,
                    1 => search::save(db, &known)?,
                    _ => listings::save(db, &known)?,
                }
                parts[part].push(since.elapsed().as_secs_f64() * 1e6 / 256.0);
                Ok(Ended::Abandoned(()))
            });
            ended.unwrap();
        };
        (0..3).for_each(|part| save(part, &mut parts, &mut db));
    }
    let middle = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let [all, search, lists] = &mut parts;
    println!(
        "Tables of one registration in a batch of 256 (version {}): {:.1} µs, of which the search index {:.1} µs, counts and lists {:.1} µs.",
        derived::VERSION,
        middle(all),
        middle(search),
        middle(lists)
    );
}

fn tag(n: usize) -> String {
    format!("B-{n:07}")
}

/// Ten letters and digits that look random and are the same in every run.
fn serial(n: usize, kind: u64) -> String {
    let mut z = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(kind << 61 | 0x5eed);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let letters = b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ";
    (0..10)
        .map(|_| {
            let letter = letters[(z % letters.len() as u64) as usize];
            z /= letters.len() as u64;
            char::from(letter)
        })
        .collect()
}

fn fresh() -> uuid::Uuid {
    uuid::Builder::from_random_bytes(seed().unwrap().to_be_bytes()).into_uuid()
}

fn prepare(service: &Service, assets: usize) {
    let organisation = service.app.service.party.to_string();
    let (administrator, _) = person(service, Role::Administrator, &organisation);
    let (coordinator, _) = person(service, Role::Coordinator, &organisation);
    let party = json!({"kind": "vendor", "name": "Recycler", "sites": ["Plant"]});
    let vendor = all(service, &administrator, "register_party", std::iter::once(party)).remove(0).remove(0);
    let credential = json!({"party": vendor, "site": "Plant", "scheme": "r2v3", "number": "C1", "issued_on": "2020-01-01", "expires_on": "2100-01-01",
        "scope": ["data_sanitization_logical", "materials_recovery"]});
    all(service, &administrator, "record_credential", std::iter::once(credential));
    let mut registered = Vec::with_capacity(assets);
    for from in (0..assets).step_by(16_384) {
        let to = (from + 16_384).min(assets);
        let bodies = (from..to).map(|n| {
            json!({"tag": tag(n), "serial": serial(n, 1), "category": "laptop", "manufacturer": "Maker", "model": "Model 1", "sensitivity": "low",
                   "site": "Warehouse", "status": "in_stock",
                   "media": [{"serial": serial(n, 2), "media_type": "hdd_ata", "capacity_bytes": 500_107_862_016_u64}]})
        });
        registered.extend(all(service, &coordinator, "register_asset", bodies).into_iter().map(|ids| ids[0].clone()));
        eprint!("\r{to} registered ");
    }
    let travelling: Vec<&String> = registered.iter().step_by(10).collect();
    all(service, &coordinator, "retire", travelling.iter().map(|asset| json!({"asset": asset, "reason": "end_of_life"})));
    let (approver, _) = person(service, Role::Approver, &organisation);
    let rejected = ["repair", "redeploy", "resale", "donation", "parts"].map(|rung| json!({"rung": rung, "reason": "uneconomic"}));
    let evaluate = travelling.iter().map(|asset| json!({"asset": asset, "rung": "recycling", "rejected": rejected}));
    all(service, &coordinator, "evaluate", evaluate);
    all(service, &approver, "authorize_surplus", travelling.iter().map(|asset| json!({"asset": asset, "reference": "BOARD-1"})));
    // One long consignment, and many of a pallet's size.
    let long = LONG.min(travelling.len() / 2);
    let (long, rest) = travelling.split_at(long);
    send(service, &coordinator, &vendor, "LONG".to_owned(), long);
    for (n, some) in rest.chunks(100).enumerate() {
        send(service, &coordinator, &vendor, format!("C-{n:06}"), some);
    }
    eprint!("\rreleased            ");
    let media = inventory::media_of(&mut service.app.connect().unwrap(), &registered[1]).unwrap();
    let same: Vec<Value> = media.iter().map(|medium| json!({"medium": medium.id, "found": "same"})).collect();
    let there_and_back = (0..LONG).map(|n| match n % 2 {
        0 => ("send_to_repair", json!({"asset": registered[1], "fault": "other"})),
        _ => ("return_from_repair", json!({"asset": registered[1], "status": "in_stock", "media": same})),
    });
    each(service, &coordinator, there_and_back);
    // A label that few have: the last ones registered.
    let few = (0..assets).rev().filter(|n| n % 7 == 3 && n % 10 != 0).take(50).map(|n| &registered[n]);
    all(service, &coordinator, "send_to_repair", few.map(|asset| json!({"asset": asset, "fault": "other"})));
    eprintln!("\r{} labels exist", Label::ALL.len());
}

fn send(service: &Service, coordinator: &Actor, vendor: &str, reference: String, assets: &[&String]) {
    let one = |name: &str, body: Value| all(service, coordinator, name, std::iter::once(body)).remove(0);
    let open = json!({"reference": reference, "from_site": "Warehouse", "to": vendor, "to_site": "Plant"});
    let consignment = one("open_consignment", open).remove(0);
    for some in assets.chunks(500) {
        one("add_lines", json!({"consignment": consignment, "assets": some, "container": "BOX"}));
    }
    one("seal_consignment", json!({"consignment": consignment, "containers": [{"label": "BOX"}]}));
    one("release_consignment", json!({"consignment": consignment}));
}

fn person(service: &Service, role: Role, party: &str) -> (Actor, String) {
    let token = tokens::new_token().unwrap();
    let person = Person::new(PersonId::from_uuid(fresh()).as_str(), role.label(), "", role, party);
    people::add_with_token(&mut service.app.connect().unwrap(), &person, &token, now().unix_ms()).unwrap();
    (person.actor().unwrap(), token)
}

/// Records commands of one name; gives for each the ids of what its entries are about.
fn all(service: &Service, actor: &Actor, name: &str, bodies: impl Iterator<Item = Value>) -> Vec<Vec<String>> {
    each(service, actor, bodies.map(|body| (name, body)))
}

fn each<'a>(service: &Service, actor: &Actor, commands: impl Iterator<Item = (&'a str, Value)>) -> Vec<Vec<String>> {
    let commands: Vec<Command> = commands.map(|(name, body)| Command::read(name, body).unwrap()).collect();
    let mut ids = Vec::new();
    for chunk in commands.chunks(2_048) {
        for receipt in service.recorder.record_many(chunk.iter().map(|command| (command.clone(), None)).collect(), actor) {
            let receipt = receipt.unwrap();
            ids.push(receipt.entries.iter().flat_map(|entry| &entry.subjects).map(|subject| subject.id.clone()).collect());
        }
    }
    ids
}
