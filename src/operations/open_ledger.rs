//! Sets a record up, and opens one: identity, keys, log and tables have to agree before anything is served or written.

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant as Moment;

use super::record::{Beside, Recorder};
use super::{Service, govern, grow_catalogue, keep_profiles, rebuild_tables};
use crate::app::{App, Halt, now, open_files};
use crate::config::Config;
use crate::domain::ledger::{KeyUse, OpenLog, PublicKeyFact};
use crate::domain::names::{Digest, Name, PartyId, PersonId, Role};
use crate::domain::parties::{PartyKind, RegisterParty};
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, Event};
use crate::error::{Error, Result};
use crate::proof::checkpoint::Checkpoint;
use crate::proof::digest::{hex, sha256};
use crate::proof::entry::{Entry, GENESIS_PREV};
use crate::store::keyring::{Identity, Keyring};
use crate::store::{Database, Ended, log, pool, to_db};

/// Read connections: one for each thread that may wait for the database.
const READERS: u32 = 16;
/// Entries at the end of the log that are checked before anything is written.
const TAIL: u64 = 256;

/// Held as long as the record is open for writing, so that on SQLite a second program does not write beside the first.
pub struct Lock(#[expect(dead_code, reason = "the lock is released when the file is closed")] File);

/// Takes the data folder's lock: alone for SQLite, together with other servers where the database is PostgreSQL.
pub fn lock(config: &Config) -> Result<Lock> {
    let path = config.data.join("lock");
    let file = File::create(&path).map_err(|e| Error::fault(&format!("making {}", path.display()), e))?;
    let taken = if config.database.is_shared() { file.try_lock_shared() } else { file.try_lock() };
    taken.map_err(|_| {
        Error::Fault(format!(
            "another quittance has {} open for {}. Stop it first (Ctrl-C ends `quittance serve` cleanly) and start it again afterwards; an import can also \
             go through the running service: quittance import … --server URL --token-file FILE",
            config.data.display(),
            if config.database.is_shared() { "a rebuild" } else { "writing, and only one program may write to a record on SQLite" }
        ))
    })?;
    Ok(Lock(file))
}

/// Takes the data folder's lock alone, whatever the database: no server of the record runs meanwhile.
fn lock_alone(config: &Config) -> Result<Lock> {
    let path = config.data.join("lock");
    let file = File::create(&path).map_err(|e| Error::fault(&format!("making {}", path.display()), e))?;
    file.try_lock().map_err(|_| {
        let data = config.data.display();
        Error::Fault(format!("another quittance has {data} open: stop it first (Ctrl-C ends `quittance serve` cleanly), then rebuild"))
    })?;
    Ok(Lock(file))
}

/// Sets up a new record: keys, log, the organisation, the empty status list, the first checkpoint. Identity comes before the first entry.
pub fn init(config: &Config, url: &str, name: &str, sites: &[String]) -> Result<(Service, Lock)> {
    let identity = Identity::of(url)?;
    let name = Name::parse(name)?;
    let sites = sites.iter().map(|site| Name::parse(site)).collect::<std::result::Result<Vec<_>, _>>()?;
    std::fs::create_dir_all(&config.data).map_err(|e| Error::fault(&format!("making {}", config.data.display()), e))?;
    // Before anything begins that could not be finished.
    open_files(config)?.probe()?;
    let lock = lock(config)?;
    let mut db = config.database.open()?;
    db.migrate()?;
    if log::head(&mut db)?.is_some_and(|head| head.frontier.size() > 0) {
        return Err(Error::Fault(format!("there is a record in {} already; `quittance serve` opens it", config.data.display())));
    }
    db.write(|db| log::create(db).map(Ended::Committed))?;
    rebuild_tables::if_outdated(&mut db, &mut |_, _| ())?;
    config.database.sync_folder()?;
    let year = chrono::Datelike::year(&now().utc());
    let keys = Keyring::create(&config.keys, &identity, year)?;
    let fresh = |n: u32| -> Result<uuid::Uuid> {
        Ok(uuid::Builder::from_random_bytes(crate::app::seed()?.wrapping_add(u128::from(n)).to_be_bytes()).into_uuid())
    };
    let service = Actor::new(PersonId::from_uuid(fresh(1)?), Role::Service, PartyId::from_uuid(fresh(2)?));

    let digest = Digest::parse(&hex(&sha256(&keys.did_bytes)))?;
    let public = |signs, id: &str, public_key: String| PublicKeyFact { signs, id: id.to_owned(), public_key };
    let open = OpenLog {
        origin: identity.origin.clone(),
        name: name.clone(),
        did: identity.did.clone(),
        did_document_sha256: digest,
        keys: vec![
            public(KeyUse::Entry, keys.entry.verification_method(), keys.entry.public().multibase()),
            public(KeyUse::Issuer, keys.issuer.verification_method(), keys.issuer.public().multibase()),
            public(KeyUse::Log, &identity.origin, keys.log.vkey()),
        ],
        organisation: RegisterParty { party: Some(service.party.clone()), kind: PartyKind::Organisation, name: name.clone(), sites },
    };
    let app = Arc::new(app(config, identity, name, service.clone(), keys)?);
    let recorder = Recorder::start(Arc::clone(&app))?;
    // Another program may be setting up a record in the same PostgreSQL database.
    let first: Beside = Arc::new(|_, receipt| match receipt.entries.first() {
        Some(entry) if entry.seq == 0 => Ok(()),
        _ => Err(Refusal::new("ledger.exists", "Another program has just set up a record in this database; `quittance serve` opens it.").into()),
    });
    recorder.record_waiting(open, &service, None, Some(first))?;
    let running = Service { app, recorder, profiles: Arc::new(keep_profiles::all(&config.data)?) };
    super::finish_work::finish(&running)?;
    running.recorder.publish_waiting()?;
    Ok((running, lock))
}

/// Opens a record for writing, after the checks of start-up.
pub fn open(config: &Config) -> Result<(Service, Lock)> {
    open_telling(config, &mut |_, _| ())
}

/// The same, and `progress` is told how many entries are done, of how many, while tables of another version are rebuilt.
pub fn open_telling(config: &Config, progress: &mut dyn FnMut(u64, u64)) -> Result<(Service, Lock)> {
    require_record(config)?;
    let lock = lock(config)?;
    let mut db = config.database.open()?;
    db.migrate()?;
    rebuild_tables::if_outdated(&mut db, progress)?;
    let app = Arc::new(open_app(config, &mut db)?);
    app.files.probe()?;
    config.database.sync_folder()?;
    // Read before the snapshot is taken: what this file names was committed before, so the snapshot holds it, whatever other servers do.
    let shown = app.keys.high_water()?;
    db.snapshot(|db| {
        check_high_water(&app, db, shown)?;
        check_tail(&app, db)
    })?;
    let running = Service { recorder: Recorder::start(Arc::clone(&app))?, app, profiles: Arc::new(keep_profiles::all(&config.data)?) };
    super::finish_work::finish(&running)?;
    Ok((running, lock))
}

/// Rebuilds the derived tables of a record that nobody serves; gives the number of entries read.
pub fn rebuild(config: &Config, progress: &mut dyn FnMut(u64, u64)) -> Result<u64> {
    require_record(config)?;
    let _lock = lock_alone(config)?;
    let mut db = config.database.open()?;
    db.migrate()?;
    rebuild_tables::rebuild(&mut db, progress)
}

/// Opens a record for reading only: for `audit`, beside a running service.
pub fn open_app(config: &Config, db: &mut Database) -> Result<App> {
    require_record(config)?;
    if !db.has_tables()? {
        return Err(no_record(config));
    }
    let bytes = log::entry(db, 0)?.ok_or_else(|| no_record(config))?;
    let entry = Entry::parse(&bytes).map_err(|e| Error::fault("the first entry of the log", e))?;
    let frame = entry.frame();
    let url = frame.context.last().and_then(|context| context.strip_suffix("/ns/quittance/v1"));
    let identity = Identity::of(url.ok_or_else(|| Error::Fault("the first entry of the log does not name the record's address".to_owned()))?)?;
    let genesis = match Event::read(&frame.event, &frame.data) {
        Ok(Event::LogGenesis(genesis)) if frame.log == identity.origin => genesis,
        _ => return Err(Error::Fault("the first entry is not the beginning of a log of this address".to_owned())),
    };
    let keys = Keyring::open(&config.keys, &identity)?;
    if hex(&sha256(&keys.did_bytes)) != genesis.did_document_sha256.as_str() {
        return Err(Error::Fault(format!("{} is not the one that the record names", config.keys.join("did.json").display())));
    }
    entry.verify(&keys.did).map_err(|e| Error::fault("the signature of the first entry", e))?;
    let service = Actor::new(PersonId::parse(&frame.actor.id)?, Role::Service, PartyId::parse(&frame.actor.party)?);
    app(config, identity, genesis.name, service, keys)
}

fn app(config: &Config, identity: Identity, organisation: Name, service: Actor, keys: Keyring) -> Result<App> {
    Ok(App {
        data: config.data.clone(),
        database: config.database.clone(),
        pool: pool(&config.database, READERS)?,
        identity,
        organisation,
        service,
        keys,
        files: open_files(config)?,
        policy: govern::in_force(&config.data)?,
        catalogue: grow_catalogue::read(&config.data)?,
        limits: config.limits.clone(),
        sign_in: config.sign_in.clone(),
        mail: config.mail.clone(),
        serving: config.serving.clone(),
        halt: Halt::default(),
        shown: AtomicI64::new(-1),
        unfinished: AtomicBool::new(true),
        status: Mutex::new(()),
        looked: Mutex::new((Moment::now(), 0)),
    })
}

fn no_record(config: &Config) -> Error {
    Error::Fault(format!(
        "there is no record in {}. Set one up first:\n\n  quittance init --data {} --keys {} --url https://records.example.org --name \"Example School District\"\n",
        config.data.display(),
        config.data.display(),
        config.keys.display()
    ))
}

/// Refuses, with the command that sets a record up, where there is none.
pub fn require_record(config: &Config) -> Result<()> {
    let file = if config.database.is_shared() { config.data.clone() } else { config.data.join("quittance.db") };
    let elsewhere = !config.database.is_shared() && config.database != crate::store::DatabaseUrl::in_folder(&config.data);
    if elsewhere || file.exists() { Ok(()) } else { Err(no_record(config)) }
}

/// Yesterday's database under today's keys: the log was shown further than it is now, and going on would make a second history.
fn check_high_water(app: &App, db: &mut Database, shown: Option<String>) -> Result<()> {
    let newest = log::newest_checkpoint(db)?;
    let Some(note) = shown else {
        return match newest {
            None => Ok(()),
            // The first checkpoint may be in the database and not yet in the file; later ones never without it.
            Some(row) if row.number == 0 => {
                app.keys.set_high_water(&row.note)?;
                app.shown.store(0, Ordering::Release);
                Ok(())
            }
            Some(_) => Err(Error::Fault(
                "the file high-water is missing from the key folder, so nobody can tell whether this database is the newest one. Put the newest \
                 checkpoint that was shown to anyone (from a backup of the key folder, an auditor, or /ledger/checkpoint as somebody saved it) into it"
                    .to_owned(),
            )),
        };
    };
    let shown = Checkpoint::open(&note, app.keys.log.verifier()).map_err(|e| Error::fault("the high-water checkpoint in the key folder", e))?;
    let head = log::head(db)?.unwrap_or_else(log::empty_head);
    if shown.size > head.frontier.size() {
        return Err(Error::Fault(format!(
            "this database holds {} entries, and a checkpoint over {} was shown already: it is an older copy. Nothing is written, so that there are \
             never two histories; restore the newest database",
            head.frontier.size(),
            shown.size
        )));
    }
    if log::root_at(db, shown.size)? != shown.root {
        return Err(Error::Fault("the log differs from the checkpoint that was shown last: run `quittance audit`; nothing is written".to_owned()));
    }
    if let Some(row) = newest {
        if row.size > to_db(shown.size) {
            app.keys.set_high_water(&row.note)?;
        }
        app.shown.store(row.number, Ordering::Release);
    }
    Ok(())
}

/// The end of the log, checked before the first write; `audit` checks all of it.
fn check_tail(app: &App, db: &mut Database) -> Result<()> {
    let head = log::head(db)?.unwrap_or_else(log::empty_head);
    let size = head.frontier.size();
    let damaged = |seq: u64, why: &str| Error::Fault(format!("entry {seq}: {why}. Run `quittance audit`; nothing is written"));
    if log::root_at(db, size)? != head.frontier.root() {
        return Err(damaged(size, "the tree does not have the root that the head names"));
    }
    let from = size.saturating_sub(TAIL);
    let mut prev = if from == 0 { GENESIS_PREV } else { log::node(db, 0, from - 1)? };
    let mut expected = from;
    for (seq, bytes, _) in log::entries_from(db, from, i64::MAX)? {
        let entry = Entry::parse(&bytes).map_err(|e| damaged(expected, &e.to_string()))?;
        if seq != to_db(expected) || entry.frame().seq != expected || entry.frame().prev != prev || entry.verify(&app.keys.did).is_err() {
            return Err(damaged(expected, "it is not the entry that belongs here"));
        }
        prev = entry.leaf();
        expected += 1;
    }
    if expected != size || prev != head.last_leaf {
        return Err(damaged(expected, "the log does not end where its head says"));
    }
    Ok(())
}
