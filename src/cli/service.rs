//! The commands of the service: set up, serve, import, audit, people, and the demonstration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::checkup;
use super::push::Vendor;
use super::read::Read;
use super::server::{self, Server};
use super::sign::Sign;
use super::unreadable;
use crate::app::now;
use crate::config::{Config, Given};
use crate::documents::policy_text;
use crate::domain::names::{Category, Name, Sensitivity};
use crate::error::{Error, Result};
use crate::operations::administer::{self, Newcomer};
use crate::operations::import_inventory::{self, Options, Report};
use crate::operations::import_past::{self, PastOptions};
use crate::operations::{Service, audit_ledger, govern, grow_catalogue, keep_profiles, open_ledger, read_file};
use crate::store::people::{self, Person};
use crate::store::{Database, Ended, inventory, invitations, log, tokens};
use crate::{cli, web};

/// The service cannot go on: disk, database, keys.
const STORAGE: u8 = 70;

/// What the service can do.
#[derive(Subcommand)]
pub enum Command {
    /// Play a school district in ./quittance-demo and serve it on http://localhost:8080
    Demo {
        /// End after the story instead of serving
        #[arg(long)]
        no_serve: bool,
    },
    /// Set up a record: keys, log and organisation. Its address can never change afterwards
    Init {
        /// The public address, https://records.example.org (http://localhost:8080 to try things out)
        #[arg(long)]
        url: String,
        /// The accountable organisation's name
        #[arg(long)]
        name: String,
        /// A site of the organisation; repeat for each
        #[arg(long = "site", value_name = "SITE", default_values_t = ["Main site".to_owned()])]
        sites: Vec<String>,
    },
    /// Serve pages and API
    Serve,
    /// Import an inventory export (Snipe-IT asset list or custom report, CSV), or with --past a list of past disposals (CSV or XLSX): here, or with
    /// --server through a running service
    Import {
        /// The export
        file: PathBuf,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
        /// These devices were disposed of before: record that afterwards. Columns: tag, serial, model, disposed on, outcome, vendor, certificate,
        /// medium serial, medium type, technique
        #[arg(long)]
        past: bool,
        /// The vendor's paper about all of them: it is stored, and what it says of their media is linked
        #[arg(long, value_name = "PAPER", requires = "past")]
        document: Option<PathBuf>,
        /// How confidential what is on these devices is: low, moderate, high; unknown is what the catalogue says of a model, else treated as high
        #[arg(long, default_value = "unknown")]
        sensitivity: String,
        /// Who imports: the name of a coordinator or administrator, as `people list` shows it
        #[arg(long = "as", value_name = "NAME", required_unless_present = "server", conflicts_with = "server")]
        person: Option<String>,
        #[command(flatten)]
        server: Server,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Check everything: chain, signatures, tree, tables, stored files
    Audit {
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make the tables that pages read anew from the log; the service must be stopped
    Rebuild,
    Checkup(checkup::Arguments),
    Read(Read),
    /// The reader itself: a file comes in, what it says goes out
    #[command(name = read_file::READ_ALONE, hide = true)]
    ReadAlone,
    /// The same for archives
    #[command(name = read_file::UNPACK_ALONE, hide = true)]
    UnpackAlone,
    Sign(Sign),
    /// For vendors, from their own machines: no record is opened here
    #[command(subcommand)]
    Vendor(Vendor),
    /// The model catalogue: what is expected of a model before anybody has looked
    #[command(subcommand)]
    Catalogue(Models),
    /// The policy that the record judges by: print it for a board, compare it with another, put one in force, adopt it
    #[command(subcommand)]
    Policy(Policy),
    /// How files are read that no reader knows: profiles of columns and paths, written by you (`quittance read --profile` tries one)
    #[command(subcommand)]
    Profile(Kept),
    /// The people who can sign in
    #[command(subcommand)]
    People(People),
}

/// Profiles.
#[derive(Subcommand)]
pub enum Kept {
    /// Keep a profile, in the place of an older version of it. A running service reads by it when it is started again
    Add {
        /// The profile, TOML
        file: PathBuf,
    },
    /// Names and versions
    List,
    /// Remove a profile; what it has read stays as it was read
    Remove {
        /// Its name
        name: String,
    },
}

/// The policy.
#[derive(Subcommand)]
pub enum Policy {
    /// Write it in plain words (Markdown), for a board to read and adopt
    Print {
        /// Another pack than the one in force
        #[arg(long, value_name = "FILE")]
        pack: Option<PathBuf>,
    },
    /// Say what another pack would change
    Diff {
        /// The other pack
        file: PathBuf,
    },
    /// Put the organisation's own pack in force. A running service judges by it when it is started again; then it has to be adopted
    Use {
        /// The pack
        file: PathBuf,
    },
    /// Adopt the pack in force, while no service runs on this record: nothing is certified before
    Adopt {
        /// Who adopts it: the name of an approver, as `people list` shows it
        #[arg(long = "as", value_name = "NAME")]
        person: String,
        /// The reference of the decision: the board's resolution
        #[arg(long)]
        reference: String,
        /// The day of the decision, 2026-08-12
        #[arg(long, value_name = "DATE")]
        decided_on: chrono::NaiveDate,
    },
}

/// The model catalogue.
#[derive(Subcommand)]
pub enum Models {
    /// Take the organisation's own models in (CSV); they win over the shipped ones. A running service reads them when it is started again
    Import {
        /// The table: manufacturer,model,category,media,no_storage,weight_grams,weight_basis,weight_source,sensitivity
        file: PathBuf,
    },
    /// Say what is known of a model
    Show {
        /// Who makes it
        manufacturer: String,
        /// Which model
        model: String,
    },
}

/// The directory.
#[derive(Subcommand)]
pub enum People {
    /// Add a person, while no service runs on this record; prints a token for programs, once
    Add {
        /// The name, as certificates show it
        #[arg(long)]
        name: String,
        /// The title, as certificates show it
        #[arg(long, default_value = "")]
        title: String,
        /// The telephone number
        #[arg(long, default_value = "")]
        phone: String,
        /// The e-mail address
        #[arg(long, default_value = "")]
        email: String,
        /// coordinator, approver, vendor_operator, vendor_verifier, auditor, reports, administrator or school_contact
        #[arg(long)]
        role: String,
        /// The site that a school contact acts for
        #[arg(long, default_value = "")]
        site: String,
        /// Also print a link by which the person sets a password and signs in with a browser
        #[arg(long)]
        invite: bool,
        /// The party the person works for, by name [default: the organisation]
        #[arg(long)]
        party: Option<String>,
    },
    /// Correct a name, a title, a telephone number or an e-mail address, while no service runs on this record; certificates that show the old one stay as they are
    Correct {
        /// The person's id, as `people list` shows it
        id: String,
        /// The name
        #[arg(long)]
        name: Option<String>,
        /// The title
        #[arg(long)]
        title: Option<String>,
        /// The telephone number
        #[arg(long)]
        phone: Option<String>,
        /// The e-mail address
        #[arg(long)]
        email: Option<String>,
    },
    /// Erase a person, while no service runs on this record: the id stays in the entries, and nobody can tell any more whose it was
    Erase {
        /// The person's id, as `people list` shows it
        id: String,
    },
    /// List them
    List,
}

/// Runs a command; gives the exit code.
pub fn run(command: Command, given: &Given, file: Option<&PathBuf>) -> u8 {
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(ansi).with_target(false).with_max_level(tracing::Level::INFO).init();
    match carry_out(command, given, file) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            if let Error::Refused(refusal) | Error::Conflict(refusal) = &error {
                refusal.missing.iter().for_each(|missing| eprintln!("  - {missing}"));
                return 1;
            }
            STORAGE
        }
    }
}

fn carry_out(command: Command, given: &Given, file: Option<&PathBuf>) -> Result<u8> {
    if let Command::Demo { no_serve } = command {
        let mut config = Config::new(given, file, "./quittance-demo", None)?;
        // Whoever tries the demonstration has no app for its invented people.
        config.sign_in.second_factor = given.second_factor.unwrap_or(false);
        return demo(&config, no_serve);
    }
    if let Command::Sign(sign) = &command {
        return sign.run();
    }
    match &command {
        Command::Vendor(vendor) => return Ok(vendor.run()),
        Command::Read(read) => return Ok(read.run()),
        Command::Checkup(checkup) => return Ok(checkup.run()),
        Command::ReadAlone => return alone(read_file::READ_ALONE),
        Command::UnpackAlone => return alone(read_file::UNPACK_ALONE),
        _ => {}
    }
    let config = Config::new(given, file, "./quittance-data", Some("./keys"))?;
    match command {
        Command::Demo { .. }
        | Command::Sign(_)
        | Command::Vendor(_)
        | Command::Read(_)
        | Command::Checkup(_)
        | Command::ReadAlone
        | Command::UnpackAlone => Ok(0),
        Command::Init { url, name, sites } => init(&config, &url, &name, &sites),
        Command::Serve => {
            let (service, lock) = open(&config)?;
            let url = service.app.identity.public_url.clone();
            web::serve(service, &config.listen, |address, _| println!("{url}, listening on {address}. Stop with Ctrl-C."))?;
            drop(lock);
            Ok(0)
        }
        Command::Import { file, dry_run, past, document, sensitivity, person, server, json } => {
            let options = Options { dry_run, sensitivity: Sensitivity::parse(&sensitivity)? };
            let document = document.as_deref();
            match &server.server {
                Some(url) => {
                    let (report, replayed) = server::import(&server, url, &file, options, past.then_some(document))?;
                    if replayed {
                        eprintln!("This file was imported before; nothing was done now. This is the report of then (--again imports it anew).");
                    }
                    show(&report, json)
                }
                None => show(&import(&config, &file, options, past.then_some(document), &person.unwrap_or_default())?, json),
            }
        }
        Command::Audit { json } => audit(&config, json),
        Command::Rebuild => rebuild(&config),
        Command::Catalogue(models) => catalogue(&config, &models),
        Command::Policy(policy) => governed(&config, policy),
        Command::Profile(profile) => profiles(&config, &profile),
        Command::People(people) => directory(&config, people),
    }
}

fn alone(command: &str) -> Result<u8> {
    read_file::alone(command).map(|()| 0).map_err(|e| Error::fault("reading alone", e))
}

fn init(config: &Config, url: &str, name: &str, sites: &[String]) -> Result<u8> {
    let (service, _lock) = open_ledger::init(config, url, name, sites)?;
    println!(
        "The record of {name} begins.\n\n  data      {}\n  keys      {}   (back them up; nobody can replace them)\n  address   {}\n  identity  {}\n\n\
         Give did.json and log.vkey from the key folder to everyone who will check your certificates.\n\
         Next: quittance serve. It prints a code by which the first administrator begins.",
        config.data.display(),
        config.keys.display(),
        service.app.identity.public_url,
        service.app.identity.did
    );
    Ok(0)
}

/// A progress bar that says what is happening.
pub fn bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{msg:<44} {wide_bar:.green} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

/// Opens a record for writing. Where its tables are of another version they are rebuilt first, and a bar shows how far that is.
fn open(config: &Config) -> Result<(Service, open_ledger::Lock)> {
    let bar = bar(0);
    let opened = open_ledger::open_telling(config, &mut |done, of| rebuilding(&bar, done, of));
    bar.finish_and_clear();
    opened
}

fn rebuilding(bar: &ProgressBar, done: u64, of: u64) {
    bar.set_message("making the tables anew from the log");
    bar.set_length(of);
    bar.set_position(done);
}

fn rebuild(config: &Config) -> Result<u8> {
    let bar = bar(0);
    let entries = open_ledger::rebuild(config, &mut |done, of| rebuilding(&bar, done, of))?;
    bar.finish_and_clear();
    println!("The tables were made anew from {entries} entries. `quittance audit` compares them with the log.");
    Ok(0)
}

fn import(config: &Config, file: &Path, options: Options, past: Option<Option<&Path>>, person: &str) -> Result<Report> {
    let (service, _lock) = open(config)?;
    let person = named(&service, person)?;
    let bar = bar(0);
    bar.set_style(ProgressStyle::default_spinner());
    if let Some(document) = past {
        let read = |path: &Path| std::fs::read(path).map_err(|e| Error::Unknown(unreadable(path, &e)));
        let document = document.map(read).transpose()?;
        let options = PastOptions { dry_run: options.dry_run, sensitivity: options.sensitivity, document: document.as_deref() };
        let report =
            import_past::import_past(&service, &person.actor()?, &read(file)?, options, |devices| bar.set_message(format!("{devices} devices")))?;
        bar.finish_and_clear();
        return Ok(report);
    }
    let source = std::fs::File::open(file).map_err(|e| Error::Unknown(unreadable(file, &e)))?;
    let report = import_inventory::import(&service, &person.actor()?, std::io::BufReader::new(source), options, |rows| {
        bar.set_message(format!("{rows} rows"))
    })?;
    bar.finish_and_clear();
    Ok(report)
}

fn show(report: &Report, json: bool) -> Result<u8> {
    if json {
        println!("{:#}", serde_json::to_value(report)?);
        return Ok(0);
    }
    let would = match (report.past, report.dry_run) {
        (true, true) => "would be recorded afterwards",
        (true, false) => "recorded afterwards",
        (false, true) => "would be registered",
        (false, false) => "registered",
    };
    println!(
        "{}: {} rows. {} {would}, {} unchanged, {} differ, {} refused.",
        report.format, report.rows, report.registered, report.unchanged, report.differing, report.refused
    );
    if let Some(named) = report.named {
        println!("The paper names {named} of their media.");
    }
    for line in &report.lines {
        println!("  line {}: {}", line.line, line.what);
    }
    if let (Some(first), Some(last)) = (report.first_seq, report.last_seq) {
        println!("Ledger entries {first} to {last}.");
    }
    Ok(0)
}

/// The one person of this name.
fn named(service: &Service, name: &str) -> Result<Person> {
    let mut found: Vec<Person> = people::all(&mut *service.app.read()?)?.into_iter().filter(|person| person.name == name).collect();
    match (found.pop(), found.is_empty()) {
        (Some(person), true) => Ok(person),
        (Some(_), false) => Err(Error::Unknown(format!("More than one person is called {name}; use the API with a token instead."))),
        (None, _) => Err(Error::Unknown(format!("Nobody is called {name}; `quittance people list` shows who there is."))),
    }
}

fn audit(config: &Config, json: bool) -> Result<u8> {
    open_ledger::require_record(config)?;
    let mut db = config.database.open()?;
    let app = open_ledger::open_app(config, &mut db)?;
    let bar = bar(0);
    bar.set_message("entries");
    let report = audit_ledger::audit(&app, &mut db, |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    if json {
        println!("{:#}", serde_json::to_value(&report)?);
    } else {
        println!(
            "{} entries, {} checkpoints, {} rows, {} stored files, {} certificates drawn again. Root {}.",
            report.entries, report.checkpoints, report.rows, report.files, report.pages, report.root
        );
        if report.withheld > 0 {
            println!("{} evidence files withheld: their bytes were removed by two people with a reason, which the entries name.", report.withheld);
        }
        println!("Covered:");
        audit_ledger::COVERED.iter().for_each(|line| println!("  {line}"));
        if report.wrong == 0 {
            println!("\nWHOLE: everything is as the log says. Witnessed by: nobody yet.");
        } else {
            println!("\nNOT WHOLE: {} things are not as the log says.", report.wrong);
            report.findings.iter().for_each(|finding| println!("  {}: {}", finding.place, finding.what));
        }
    }
    Ok(u8::from(report.wrong > 0))
}

fn catalogue(config: &Config, command: &Models) -> Result<u8> {
    open_ledger::require_record(config)?;
    match command {
        Models::Import { file } => {
            let text = std::fs::read_to_string(file).map_err(|e| Error::Unknown(unreadable(file, &e)))?;
            let (models, reference) = grow_catalogue::import(&config.data, &text)?;
            println!(
                "{models} models of your own; the catalogue is {} version {} from the next start of the service on.",
                reference.name, reference.version
            );
        }
        Models::Show { manufacturer, model } => {
            let known = grow_catalogue::read(&config.data)?.knowledge(&Name::parse(manufacturer)?, &Name::parse(model)?, Category::Other);
            println!("{:#}", serde_json::to_value(known)?);
        }
    }
    Ok(0)
}

fn profiles(config: &Config, command: &Kept) -> Result<u8> {
    open_ledger::require_record(config)?;
    match command {
        Kept::Add { file } => {
            let (name, version) = keep_profiles::keep(&config.data, file)?;
            println!(
                "{name} version {version} reads files that no reader knows, from the next start of the service on. Stored files are read by it when somebody has them read again."
            );
        }
        Kept::List => {
            let kept = keep_profiles::all(&config.data)?;
            if kept.named().next().is_none() {
                println!("No profile is kept: quittance profile add FILE.");
            }
            kept.named().for_each(|(name, version)| println!("{name} version {version}"));
        }
        Kept::Remove { name } => {
            keep_profiles::remove(&config.data, name)?;
            println!("{name} is removed. What it has read stays as it was read.");
        }
    }
    Ok(0)
}

fn governed(config: &Config, command: Policy) -> Result<u8> {
    match command {
        Policy::Print { pack } => {
            let pack = pack.map_or_else(|| govern::in_force(&config.data), |file| govern::from_file(&file))?;
            print!("{}", policy_text::written(&pack));
        }
        Policy::Diff { file } => {
            let lines = policy_text::difference(&govern::in_force(&config.data)?, &govern::from_file(&file)?);
            if lines.is_empty() {
                println!("Nothing would change.");
            }
            for line in lines {
                println!("{line}");
            }
        }
        Policy::Use { file } => {
            open_ledger::require_record(config)?;
            let pack = govern::put_in_force(&config.data, &file)?;
            println!(
                "The policy is {} version {} from the next start of the service on. Nothing is certified by it before an approver adopts it: quittance policy \
                 adopt.",
                pack.name, pack.version
            );
        }
        Policy::Adopt { person, reference, decided_on } => {
            let (service, _lock) = open(config)?;
            let actor = named(&service, &person)?.actor()?;
            let entry = govern::adopt(&service, &actor, &reference, decided_on)?;
            println!("{} version {} is adopted (entry {entry}).", service.app.policy.name, service.app.policy.version);
        }
    }
    Ok(0)
}

fn directory(config: &Config, command: People) -> Result<u8> {
    open_ledger::require_record(config)?;
    // Whoever adds people can make anybody anything, so that is for those who have the machine, and not done over the network.
    let _lock = (!matches!(command, People::List)).then(|| open_ledger::lock(config)).transpose()?;
    let mut db = config.database.open()?;
    db.migrate()?;
    let app = open_ledger::open_app(config, &mut db)?;
    // What is done on the machine is done by nobody who has signed in.
    let noted = |act: &str, about: &str, db: &mut Database, work: &mut dyn FnMut(&mut Database) -> Result<()>| {
        let by = app.service.person.as_str();
        db.write(|db| administer::noted(&app.keys, db, by, act, about, |db| work(db)).map(Ended::Committed))?;
        Ok::<_, Error>(())
    };
    match command {
        People::List => {
            for person in people::all(&mut db)? {
                println!("{:<28} {:<18} {:<28} {:<18} {}", person.name, person.role, person.title, person.phone, person.id);
            }
            for (id, role, ..) in people::all_erased(&mut db)? {
                println!("{:<28} {role:<18} {:<28} {:<18} {id}", "name erased", "", "");
            }
        }
        People::Correct { id, name, title, phone, email } => {
            let correction = people::Correction { name, title, phone, email };
            correction.check()?;
            let mut known = false;
            noted("person.corrected", &id, &mut db, &mut |db| {
                known = people::correct(db, &id, &correction)?;
                Ok(())
            })?;
            if !known {
                return Err(nobody(&id));
            }
            println!("Corrected. Certificates that were issued before go on showing what was true then.");
        }
        People::Erase { id } => {
            let mut known = false;
            noted("person.erased", &id, &mut db, &mut |db| {
                known = people::erase(db, &id, now().unix_ms())?;
                Ok(())
            })?;
            if !known {
                return Err(nobody(&id));
            }
            println!(
                "Erased: name, title, phone, e-mail address, whatever they signed in with, and the salts of every shown name. Certificates that name the person are documents of their own."
            );
        }
        People::Add { name, title, phone, email, role, party, site, invite } => {
            let party = match party {
                None => String::new(),
                Some(wanted) => {
                    let parties = inventory::parties(&mut db, None, None, i64::MAX)?;
                    let names = || parties.iter().map(|party| party.name.as_str()).collect::<Vec<_>>().join(", ");
                    let found = parties.iter().find(|party| party.name == wanted);
                    found
                        .map(|party| party.id.clone())
                        .ok_or_else(|| Error::Unknown(format!("No party is called {wanted}; there are: {}.", names())))?
                }
            };
            let new = Newcomer { name, title, phone, email, role, party, site };
            let person = administer::newcomer(&app, &mut db, new)?;
            let (token, secret) = (tokens::new_token()?, invitations::new_secret()?);
            let at = now().unix_ms();
            noted("person.added", &person.id, &mut db, &mut |db| {
                people::add_with_token(db, &person, &token, at)?;
                if invite { invitations::invite(db, &person.id, &secret, at, invitations::INVITED_MS) } else { Ok(()) }
            })?;
            let (name, url) = (&person.name, &app.identity.public_url);
            println!("A program signs in as {name} with this token, for {} days. It is shown only now:\n\n  {token}\n", tokens::DAYS);
            if invite {
                println!("{name} sets a password at this address, once and within seven days:\n\n  {url}/invitations/{secret}\n");
            }
        }
    }
    Ok(0)
}

fn nobody(id: &str) -> Error {
    Error::Unknown(format!("Nobody has the id {id}; `quittance people list` shows who there is."))
}

fn demo(config: &Config, no_serve: bool) -> Result<u8> {
    let folder = config.data.join("demo");
    let story = cli::demo::finished(&folder)?;
    let (service, lock) = if log_exists(config)? {
        open(config)?
    } else {
        let sites = cli::demo::DISTRICT_SITES.map(str::to_owned);
        open_ledger::init(config, "http://localhost:8080", cli::demo::ORGANISATION, &sites)?
    };
    let outcome = match story {
        Some(outcome) => {
            println!("The demonstration in {} goes on where it was.", config.data.display());
            outcome
        }
        None => {
            let started = now();
            let bar = bar(0);
            bar.enable_steady_tick(Duration::from_millis(200));
            let outcome = cli::demo::play(&service, &folder, &mut |what, done, total| {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(what.to_owned());
            })?;
            bar.finish_and_clear();
            let seconds = (now().unix_ms() - started.unix_ms()) / 1000;
            println!("A district's year in {seconds} s: {} signed ledger entries.", outcome.entries);
            outcome
        }
    };
    introduce(&outcome, config);
    if no_serve {
        return Ok(0);
    }
    web::serve(service, &config.listen, |address, _| println!("\nServing on http://localhost:{} — stop with Ctrl-C.", address.port()))?;
    drop(lock);
    Ok(0)
}

/// Says where things are, how to sign in, and what to try.
fn introduce(outcome: &cli::demo::Outcome, config: &Config) {
    let data = config.data.display();
    let url = "http://localhost:8080";
    println!("\n{} — {} devices, {} certificates\n", cli::demo::ORGANISATION, outcome.devices, outcome.certificates.len());
    println!(
        "  data          {data}\n  keys          {}\n  certificates  {}/certificates\n",
        config.keys.display(),
        config.data.join("demo").display()
    );
    println!("Sign in at {url}/sign-in with one of these e-mail addresses and the password “{}”:", cli::demo::PASSWORD);
    for player in &outcome.people {
        println!("  {:<22} {:<20} {:<30} {}", player.name, player.role, player.party, player.email);
    }
    println!("Tokens for programs are in {}.", config.data.join("demo").join(cli::demo::STORY).display());
    let refused = &outcome.refused;
    println!("\nA certificate that the record does not support ({} things are missing): {url}/assets/{}", refused.missing.len(), refused.asset);
    println!("A device held by an unresolved discrepancy: {}", outcome.held);
    if let Some(revoked) = outcome.certificates.iter().find(|certificate| certificate.revoked) {
        println!("A revoked certificate: {url}/certificates/{}", revoked.number);
    }
    if let Some(good) = outcome.certificates.iter().find(|certificate| !certificate.revoked) {
        println!(
            "\nCheck one as an auditor would, without the service:\n  quittance verify {} --trust {} --status {}",
            good.pdf.display(),
            config.keys.display(),
            config.data.join("demo/status.vc.json").display()
        );
    }
}

fn log_exists(config: &Config) -> Result<bool> {
    if open_ledger::require_record(config).is_err() {
        return Ok(false);
    }
    let _lock = open_ledger::lock(config)?;
    let mut db = config.database.open()?;
    db.migrate()?;
    Ok(log::head(&mut db)?.is_some_and(|head| head.frontier.size() > 0))
}
