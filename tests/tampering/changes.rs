//! Whatever is changed behind the program's back is found, and named: 200 random positions of every covered table and file, and the wholesale
//! changes. `QUITTANCE_TEST_POSITIONS` sets the number.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

#[path = "../ledger/mod.rs"]
mod ledger;

use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use ledger::{Ledger, audit, config};
use quittance::config::Config;
use quittance::operations::issue_certificate::part;
use quittance::operations::open_ledger;
use quittance::operations::publish_status;
use quittance::operations::verify_certificate::redraw;
use quittance::proof::bundle::{Bundle, CREDENTIAL, PAGES};
use quittance::proof::verify::{self, Trust, Verdict};
use quittance::store::Database;

/// The tables that `audit` claims to cover.
const TABLES: &[&str] = &[
    "entries",
    "log_head",
    "checkpoints",
    "entry_subjects",
    "record_keys",
    "assets",
    "asset_parties",
    "media",
    "parties",
    "consignments",
    "consignment_lines",
    "consignment_tags",
    "discrepancies",
    "evidence",
    "evidence_lists",
    "evidence_media",
    "media_lists",
    "certificates",
    "certificate_parties",
    "label_counts",
    "asset_search",
    "exceptions",
    "exception_lists",
    "exception_counts",
    "mass_sums",
    "shown_names",
    "certificate_parts",
    "status_lists",
];

/// The others: what no entry says. What readers made of files, which the files themselves are read for again. The directory of people, secrets as hashes, sightings of what is in use, and the progress of work; the version,
/// which has a test of its own. How people sign in, and what was done about that (`tests/service/accounts.rs`). Letters and who wants them; and notes, of which text, author and subject are covered (`tests/service/notes.rs`).
const NOT_COVERED: &[&str] = &[
    "people",
    "people_erased",
    "assignees",
    "one_time_links",
    "last_seen",
    "bulk_jobs",
    "bulk_items",
    "idempotency",
    "tables_version",
    "outbox",
    "outbox_told",
    "mail_preferences",
    "notes",
    "views",
    "readings",
    "credentials",
    "recovery_codes",
    "oidc_identities",
    "invitations",
    "sessions",
    "api_tokens",
    "administration",
];

/// A small seeded generator (splitmix64): the same positions in every run.
struct Seeded(u64);
impl Seeded {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(n).unwrap()).unwrap()
    }
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    r#type: String,
}
#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// A finished record, closed, to be copied and altered.
fn finished() -> (tempfile::TempDir, Vec<String>) {
    let ledger = Ledger::new();
    let (_, first) = ledger.certified("A1");
    let (_, second) = ledger.certified("B2");
    ledger.lost("C3");
    let approver = ledger.someone(quittance::domain::names::Role::Approver, "Second Approver");
    let reason = quittance::domain::certification::RevocationReason::ErrorInRecord;
    publish_status::revoke(&ledger.service, &approver.actor, &second, reason).unwrap();
    ledger.service.recorder.publish_waiting().unwrap();
    assert_eq!(ledger.audit().unwrap().findings, []);
    let (folder, _) = ledger.close();
    (folder, vec![first, second])
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &target) } else { fs::copy(entry.path(), &target).map(|_| ()).unwrap() }
    }
}

/// A copy of a record, with a connection to alter it by.
struct Altered {
    _folder: tempfile::TempDir,
    config: Config,
    db: Database,
}

impl Drop for Altered {
    fn drop(&mut self) {
        #[cfg(feature = "postgres")]
        if self.config.database.is_shared() {
            ledger::databases::shared().remove(&self.config.database);
        }
    }
}

/// The database of the copy of a record: SQLite's file was copied with its folder.
fn copy_database(original: &Path, to: &Path) {
    #[cfg(feature = "postgres")]
    if let database = config(original.to_owned()).database
        && database.is_shared()
    {
        ledger::remember(to, &ledger::databases::shared().copy(&database));
    }
    #[cfg(not(feature = "postgres"))]
    let _ = (original, to);
}

fn altered(original: &Path) -> Altered {
    let folder = tempfile::tempdir().unwrap();
    copy(original, folder.path());
    copy_database(original, folder.path());
    let config = config(folder.path().to_owned());
    let mut db = config.database.open().unwrap();
    db.batch_execute(if config.database.is_shared() {
        "DROP TRIGGER entries_are_never_changed ON entries; DROP TRIGGER entries_are_never_truncated ON entries"
    } else {
        "DROP TRIGGER entries_are_never_changed; DROP TRIGGER entries_are_never_removed"
    })
    .unwrap();
    Altered { _folder: folder, config, db }
}

/// What the audit says: every finding in one text; empty where it finds nothing.
fn findings(config: &Config) -> String {
    match audit(config) {
        Ok(report) => report.findings.iter().map(|finding| format!("{}: {}\n", finding.place, finding.what)).collect(),
        Err(error) => error.to_string(),
    }
}

/// The columns of a table, and those of its key with commas.
fn columns(db: &mut Database, shared: bool, table: &str) -> (Vec<Column>, String) {
    let of = |what: &str| {
        if shared {
            format!(
                "SELECT column_name::text AS name, upper(data_type) AS type FROM information_schema.columns c WHERE table_schema = 'public' AND table_name = '{table}' {what} ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name, type FROM pragma_table_info('{table}') {what}")
        }
    };
    let key = if shared {
        "AND EXISTS (SELECT 1 FROM information_schema.key_column_usage k WHERE k.table_schema = 'public' AND k.table_name = c.table_name AND k.column_name = c.column_name)"
    } else {
        "WHERE pk > 0 ORDER BY pk"
    };
    let keys: Vec<Column> = diesel::sql_query(of(key)).load(db).unwrap();
    (diesel::sql_query(of("")).load(db).unwrap(), keys.into_iter().map(|key| key.name).collect::<Vec<_>>().join(", "))
}

#[test]
fn a_removed_row_of_any_table_is_found() {
    let (original, _) = finished();
    let mut copy = altered(original.path());
    // Salts go when a person is erased: one that is not there shows nothing.
    for table in TABLES.iter().filter(|table| **table != "shown_names") {
        let (_, keys) = columns(&mut copy.db, copy.config.database.is_shared(), table);
        let remove = format!("DELETE FROM {table} WHERE ({keys}) = (SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 1)");
        copy.db.batch_execute(&format!("CREATE TABLE saved AS SELECT * FROM {table}; {remove}")).unwrap();
        let found = findings(&copy.config);
        copy.db.batch_execute(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved; DROP TABLE saved")).unwrap();
        assert!(!found.is_empty(), "not found: {remove}");
    }
    assert_eq!(findings(&copy.config), "", "everything was put back");
}

#[test]
fn every_table_is_covered_or_named_here_as_not() {
    let (original, _) = finished();
    let mut copy = altered(original.path());
    let tables = if copy.config.database.is_shared() {
        "SELECT table_name::text AS name, '' AS type FROM information_schema.tables WHERE table_schema = 'public'"
    } else {
        "SELECT name, '' AS type FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'asset_trigrams%'"
    };
    let tables: Vec<Column> = diesel::sql_query(tables).load(&mut copy.db).unwrap();
    let mut names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).filter(|name| !name.starts_with("__diesel")).collect();
    let mut expected: Vec<&str> = TABLES.iter().chain(NOT_COVERED).copied().collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn every_changed_column_is_found_and_named() {
    let positions = std::env::var("QUITTANCE_TEST_POSITIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let (original, _) = finished();
    let mut seeded = Seeded(2026);
    let mut tried = 0;
    // One copy for all: after each change the table is put back as it was.
    let mut copy = altered(original.path());
    for table in TABLES {
        copy.db.batch_execute(&format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}")).unwrap();
    }
    while tried < positions {
        let shared = copy.config.database.is_shared();
        let table = TABLES[tried % TABLES.len()];
        let (columns, keys) = columns(&mut copy.db, shared, table);
        let rows: Vec<Count> = diesel::sql_query(format!("SELECT COUNT(*) AS n FROM {table}")).load(&mut copy.db).unwrap();
        let rows = usize::try_from(rows[0].n).unwrap();
        assert!(rows > 0, "the record has no row in {table}");
        let column = &columns[seeded.below(columns.len())];
        let (row, at) = (seeded.below(rows), seeded.below(4_000));
        let name = &column.name;
        // A number goes up by one; in text and bytes one character or byte is replaced by another.
        let place = |length: String| format!("({at} % {}(1, {length}))", if shared { "greatest" } else { "max" });
        let change = match column.r#type.as_str() {
            "BIGINT" | "INTEGER" => format!("{name} + 1"),
            "ARRAY" => format!("{name}[2:]"),
            "TEXT" => {
                let k = place(format!("length(coalesce({name}, 'x'))"));
                format!(
                    "CASE WHEN {name} IS NULL THEN 'x' ELSE substr({name}, 1, {k}) || CASE substr({name}, 1 + {k}, 1) WHEN 'q' THEN 'z' ELSE 'q' END || substr({name}, 2 + {k}) END"
                )
            }
            _ => {
                let k = place(format!("length({name})"));
                let (hex, q, r, bytes) =
                    if shared { ("encode", "'\\x51'::bytea", "'\\x52'::bytea", "BYTEA") } else { ("hex", "x'51'", "x'52'", "BLOB") };
                let byte = format!("substr({name}, 1 + {k}, 1)");
                let byte = if shared { format!("{hex}({byte}, 'hex')") } else { format!("{hex}({byte})") };
                format!("CAST(substr({name}, 1, {k}) || CASE {byte} WHEN '51' THEN {r} ELSE {q} END || substr({name}, 2 + {k}) AS {bytes})")
            }
        };
        let update =
            format!("UPDATE {table} SET {name} = {change} WHERE ({keys}) = (SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 1 OFFSET {row})");
        if copy.db.batch_execute(&update).is_err() {
            // The table itself refuses this change (a key that exists, the single head): another position.
            seeded.below(2);
            continue;
        }
        let found = findings(&copy.config);
        copy.db.batch_execute(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}")).unwrap();
        let named = if table == "entries" { "entry" } else { table };
        let elsewhere = ["the first entry", "certificate", "log"];
        assert!(!found.is_empty(), "not found: {update}");
        assert!(found.contains(named) || elsewhere.iter().any(|word| found.contains(word)), "{update}: found, but not named:\n{found}");
        tried += 1;
    }
    assert_eq!(findings(&copy.config), "", "everything was put back");
}

#[test]
fn removed_and_swapped_entries_and_checkpoints_are_found() {
    let (original, _) = finished();
    for (change, named) in [
        ("DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)", "missing"),
        ("DELETE FROM entries WHERE seq = 10", "entry 10: is missing"),
        ("UPDATE entries SET seq = -1 WHERE seq = 8; UPDATE entries SET seq = 8 WHERE seq = 9; UPDATE entries SET seq = 9 WHERE seq = -1", "swapped"),
        ("DELETE FROM checkpoints WHERE number = 0", "checkpoint 0 is missing"),
        ("DELETE FROM checkpoints WHERE number = (SELECT max(number) FROM checkpoints)", "file high-water"),
        ("DELETE FROM assets WHERE id = (SELECT min(id) FROM assets)", "the row is missing"),
        ("DELETE FROM certificate_parts WHERE name = 'certificate.pdf'", "certificate_parts"),
        ("DELETE FROM status_lists WHERE seq = (SELECT max(seq) FROM status_lists)", "status_lists"),
        ("INSERT INTO record_keys VALUES ('asset.tag', 'GHOST', 'urn:x')", "record_keys"),
        ("UPDATE tables_version SET version = 1", "quittance rebuild"),
    ] {
        let mut copy = altered(original.path());
        copy.db.batch_execute(change).unwrap();
        let found = findings(&copy.config);
        assert!(found.contains(named), "{change}:\n{found}");
    }
    // The first device went to a vendor, the last one concerns nobody but the organisation.
    for one in ["min", "max"] {
        let mut copy = altered(original.path());
        let forgotten = if copy.config.database.is_shared() {
            format!("UPDATE asset_search SET trigrams = '{{}}' WHERE number = (SELECT {one}(number) FROM asset_search)")
        } else {
            format!("DELETE FROM asset_trigrams WHERE rowid = (SELECT {one}(number) FROM asset_search)")
        };
        copy.db.batch_execute(&forgotten).unwrap();
        assert!(findings(&copy.config).contains("does not find it"), "{one}");
    }
}

#[test]
fn tables_of_an_older_shape_are_made_anew_at_opening() {
    let (original, _) = finished();
    for change in [
        // What an older program would have left: states that this one cannot read.
        "UPDATE assets SET state = '{}'; UPDATE tables_version SET version = 1",
        // A rebuild that was cut short.
        "DELETE FROM assets; DELETE FROM record_keys; UPDATE tables_version SET version = 0",
        "DELETE FROM tables_version",
    ] {
        let mut copy = altered(original.path());
        // The triggers that this test drops are not part of the shape.
        copy.db.batch_execute(change).unwrap();
        let config = copy.config.clone();
        assert!(findings(&config).contains("quittance rebuild"), "{change}");
        let mut told = Vec::new();
        let opened = open_ledger::open_telling(&config, &mut |done, of| told.push((done, of))).unwrap();
        assert!(told.last().is_some_and(|(done, of)| done == of && *of > 20), "{told:?}");
        assert_eq!(findings(&config), "", "{change}");
        drop(opened);
    }
}

#[test]
fn the_database_itself_refuses_to_change_or_remove_entries() {
    let (original, _) = finished();
    let config = config(original.path().to_owned());
    let mut db = config.database.open().unwrap();
    let replaced: &[&str] = if config.database.is_shared() {
        &["TRUNCATE entries", "INSERT INTO entries SELECT * FROM entries WHERE seq = 1 ON CONFLICT (seq) DO UPDATE SET bytes = excluded.nodes"]
    } else {
        &["REPLACE INTO entries VALUES (1, x'00', x'00')", "INSERT OR REPLACE INTO entries VALUES (1, x'00', x'00')"]
    };
    for change in
        ["UPDATE entries SET bytes = nodes WHERE seq = 1", "DELETE FROM entries WHERE seq = 1", "DELETE FROM entries"].iter().chain(replaced)
    {
        let error = db.batch_execute(change).unwrap_err().to_string();
        assert!(error.contains("never"), "{error}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

#[test]
fn every_changed_stored_file_is_found_by_its_digest() {
    let (original, _) = finished();
    let stored = files(&original.path().join("data/files"));
    assert!(stored.len() >= 20, "{}", stored.len());
    let mut seeded = Seeded(7);
    for file in &stored {
        let bytes = fs::read(file).unwrap();
        let mut changed = bytes.clone();
        let at = seeded.below(bytes.len());
        changed[at] ^= 1;
        fs::write(file, &changed).unwrap();
        let found = findings(&config(original.path().to_owned()));
        let digest = file.file_name().unwrap().to_str().unwrap();
        assert!(found.contains(digest), "byte {at} of {digest}:\n{found}");
        fs::write(file, &bytes).unwrap();
    }
    assert_eq!(findings(&config(original.path().to_owned())), "");
}

/// A certificate with everything that checks it.
struct Issued {
    trust: Trust,
    status: Vec<u8>,
    pdf: Vec<u8>,
    credential: Vec<u8>,
    _ledger: Ledger,
}

fn issued() -> Issued {
    let ledger = Ledger::new();
    let (_, number) = ledger.certified("A1");
    let app = &ledger.service.app;
    Issued {
        trust: Trust::from_files(&app.keys.did_bytes, &app.keys.log.vkey()).unwrap(),
        status: publish_status::newest(app).unwrap().unwrap(),
        pdf: part(app, &number, PAGES).unwrap(),
        credential: part(app, &number, CREDENTIAL).unwrap(),
        _ledger: ledger,
    }
}

fn verdict(bytes: &[u8], trust: &Trust, status: &[u8]) -> Verdict {
    match Bundle::from_bytes(bytes) {
        Ok(bundle) => verify::certificate(&bundle, trust, Some(status), Some(&redraw)).verdict,
        Err(error) => error.verdict(),
    }
}

#[test]
fn a_certificate_is_authentic_until_any_byte_of_it_changes() {
    let issued = issued();
    assert_eq!(verdict(&issued.pdf, &issued.trust, &issued.status), Verdict::Authentic);
    assert_eq!(verdict(&issued.credential, &issued.trust, &issued.status), Verdict::AuthenticNotFullyChecked, "without its entry and proof");
    for at in 0..issued.credential.len() {
        let mut changed = issued.credential.clone();
        changed[at] ^= 1;
        let verdict = verdict(&changed, &issued.trust, &issued.status);
        assert!(matches!(verdict, Verdict::Refused | Verdict::Unreadable), "byte {at}: {verdict:?}");
    }
    let mut seeded = Seeded(3);
    for _ in 0..60 {
        let at = seeded.below(issued.pdf.len());
        let mut changed = issued.pdf.clone();
        changed[at] ^= 1;
        let verdict = verdict(&changed, &issued.trust, &issued.status);
        assert!(matches!(verdict, Verdict::Refused | Verdict::Unreadable | Verdict::AuthenticNotFullyChecked), "byte {at}: {verdict:?}");
        assert_ne!(verdict, Verdict::Authentic, "byte {at}");
    }
}

#[test]
fn a_bundle_signed_wholesale_with_other_keys_is_refused() {
    let (real, forged) = (issued(), issued());
    // Everything about the forgery is in order, only the keys are not those of the issuer.
    assert_eq!(verdict(&forged.pdf, &forged.trust, &forged.status), Verdict::Authentic);
    assert_eq!(verdict(&forged.pdf, &real.trust, &real.status), Verdict::Refused);
    assert_eq!(verdict(&forged.credential, &real.trust, &real.status), Verdict::Refused);
}

#[test]
fn yesterdays_database_is_refused_at_start() {
    let ledger = Ledger::new();
    ledger.certified("A1");
    let yesterday = tempfile::tempdir().unwrap();
    if !ledger.config.database.is_shared() {
        ledger.config.database.open().unwrap().batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
    copy(&ledger.config.data, &yesterday.path().join("data"));
    ledger::remember(yesterday.path(), &ledger.config.database);
    copy_database(ledger.folder.path(), yesterday.path());
    let open = |keys: &str| {
        let folder = tempfile::tempdir().unwrap();
        copy(yesterday.path(), folder.path());
        copy(Path::new(keys), &folder.path().join("keys"));
        let opened = open_ledger::open(&config(folder.path().to_owned()));
        opened.map(|_| ()).map_err(|error| error.to_string())
    };
    let keys = ledger.config.keys.to_str().unwrap();
    assert_eq!(open(keys), Ok(()), "the same day it opens");
    ledger.certified("B2");
    let error = open(keys).unwrap_err();
    assert!(error.contains("older copy"), "{error}");
}
