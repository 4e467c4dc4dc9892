//! Plays an invented school district through the real write path, once: from its asset list to certificates, with what goes wrong in between.
//! Ids, tokens and keys are fresh each time; everything else is the same story, told back from now.

mod bench;
mod fleet;
mod travels;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use self::bench::Bay;
use self::fleet::{Device, Dice, LISTS, SITES, Storage};
use crate::app::now;
use crate::domain::adoption::AdoptPolicy;
use crate::domain::asset::{Asset, Status};
use crate::domain::assignment::{Assign, AssigneeKind};
use crate::domain::catalogue::{ConfirmMedium, Seen};
use crate::domain::certification::{CertificateKind, RevocationReason};
use crate::domain::consignment::{Container, ContainerReceived, DiscrepancyKind, Resolution, Scan, SealState};
use crate::domain::correction::{CorrectionReason, WithdrawMedium};
use crate::domain::disposition::{Mass, Outcome as Fate, RecordDisposition};
use crate::domain::handoff::ReleaseConsignment;
use crate::domain::holds::{HoldReason, Quarantine};
use crate::domain::lifecycle::{
    Fault, MediumCheck, MediumChecked, Redeploy, Retire, RetireReason, ReturnFromRepair, ReturnReason, ReturnToService, SendToRepair,
};
use crate::domain::loading::{AddLines, OpenConsignment};
use crate::domain::missing::{Custodian, Loss, RecordRemoteCommand, RemoteCommand, RemoteState, ReportFound, ReportMissing, WriteOff};
use crate::domain::names::{
    AssetId, ConsignmentId, Digest, DiscrepancyId, Instant, MediaType, MediumId, Name, PartyId, PersonId, Reference, Role, Serial, Tag, Technique,
    WeightBasis,
};
use crate::domain::parties::{PartyKind, RegisterParty};
use crate::domain::policy::{Known, Statement};
use crate::domain::preparation::{AuthorizeSurplus, Evaluate, Grade, Rejection, RejectionReason, ReleaseAccounts, Rung};
use crate::domain::receipt::ReceiveConsignment;
use crate::domain::reconciliation::ResolveDiscrepancy;
use crate::domain::refusal::Refusal;
use crate::domain::registration::{AttestNoStorage, MediumSeen, NoStorageBasis, RecordMedia};
use crate::domain::sanitization::{RecordSanitization, ValidateSanitization, VerifySanitization};
use crate::domain::sealing::SealConsignment;
use crate::domain::vendors::{RecordContract, RecordCredential, Scheme, Scope};
use crate::domain::{Actor, Command, SubjectKind};
use crate::error::{Error, Result};
use crate::operations::record::Receipt;
use crate::operations::{Service, find_exceptions, import_inventory, issue_certificate, publish_status, receive_evidence};
use crate::proof::bundle::PAGES;
use crate::store::files::{replace_durably, sync_folder, write_durably};
use crate::store::{Database, accounts, inventory, log, people, tables, tokens};

/// The district's name, as the record is set up for it.
pub const ORGANISATION: &str = "North Prairie School District";
/// Its sites.
pub const DISTRICT_SITES: [&str; 4] = SITES;
/// Commands handed over before the first answer is awaited.
const CHUNK: usize = 200;
/// What is told in the end, and that it was: a file in the demonstration's folder.
pub const STORY: &str = "story.json";
/// The password of everybody in it.
pub const PASSWORD: &str = "prairie lantern copper river";

/// Tells what is happening, how much of it is done, and of how much.
pub type Progress<'a> = &'a mut dyn FnMut(&str, u64, u64);

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    /// Name, invented.
    pub name: String,
    /// Title.
    pub title: String,
    /// The role in words.
    pub role: String,
    /// The party's name.
    pub party: String,
    /// What to sign in with, beside [`PASSWORD`].
    pub email: String,
    /// What a program signs in with; kept because this is a demo.
    pub token: String,
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certified {
    /// Its number.
    pub number: String,
    /// Its type in words.
    pub kind: String,
    /// The device's tag.
    pub tag: String,
    /// Whether it was revoked since.
    pub revoked: bool,
    /// Its pages.
    pub pdf: PathBuf,
}

/// A device for which no certificate could be issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its tag.
    pub tag: String,
    /// Its id.
    pub asset: String,
    /// Everything that is missing, each a sentence.
    pub missing: Vec<String>,
}

/// What the story came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Everybody who can sign in.
    pub people: Vec<Player>,
    /// Every certificate, in the order of issue.
    pub certificates: Vec<Certified>,
    /// The certificate whose parts lie beside it in a folder of its number.
    pub unpacked: String,
    /// The device for which none could be issued.
    pub refused: Refused,
    /// The tag of a device that an open discrepancy holds.
    pub held: String,
    /// Entries in the ledger.
    pub entries: u64,
    /// Devices registered.
    pub devices: u64,
}

/// The story that was played to its end into this folder, if one was.
pub fn finished(folder: &Path) -> Result<Option<Outcome>> {
    match fs::read(folder.join(STORY)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).map_err(|e| Error::fault(&format!("reading {}", folder.join(STORY).display()), e))?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::fault(&format!("reading {}", folder.join(STORY).display()), error)),
    }
}

/// Plays the story into a fresh record; one that was played to its end before is only told again. `folder` receives the asset lists, the logs, the
/// certificates' pages and the status list.
///
/// # Errors
/// `demo.not_fresh` where the record holds devices or vendors and no finished story: what a cut run leaves behind, or somebody's real record.
pub fn play(service: &Service, folder: &Path, progress: Progress<'_>) -> Result<Outcome> {
    if let Some(outcome) = finished(folder)? {
        return Ok(outcome);
    }
    let mut db = service.app.connect()?;
    let any = inventory::AssetQuery { limit: 1, ..inventory::AssetQuery::default() };
    if !inventory::assets(&mut db, &any)?.is_empty() || inventory::parties(&mut db, None, None, 2)?.len() > 1 {
        let why = format!(
            "The record in {} holds devices or vendors already, and no demo was played to its end there. If a run of the demo was cut short, delete that \
             folder and start again; if this is a real record, give the demo another folder.",
            service.app.data.display()
        );
        return Err(Refusal::new("demo.not_fresh", why).into());
    }
    fs::create_dir_all(folder.join("evidence"))?;
    fs::create_dir_all(folder.join("certificates"))?;
    let mut stage = Stage { service, folder, progress, db, monday: monday_before(now().utc()), dice: Dice(0x5eed_0f1e), pool: Vec::new() };
    let (cast, players) = stage.cast()?;
    stage.register(&cast)?;
    stage.use_devices(&cast)?;
    let retired = stage.retire(&cast)?;
    let recycled = stage.send_to_recycler(&cast, retired.recycler)?;
    stage.recycle(&cast, &recycled)?;
    let (refurbished, held) = stage.send_to_refurbisher(&cast, retired.refurbisher)?;
    stage.refurbish(&cast, &refurbished)?;
    stage.store(&cast, &retired.kept)?;
    stage.travels(&cast)?;
    let (certificates, unpacked) = stage.certify(&cast, &recycled, &refurbished)?;
    let refused = stage.refuse(&cast, &refurbished)?;
    find_exceptions::all(service)?;
    stage.step("Looking for what should not be so");
    let entries = log::head(&mut stage.db)?.map_or(0, |head| head.frontier.size());
    let devices = count(fleet::KINDS.iter().map(|kind| kind.count).sum());
    let outcome = Outcome { people: players, certificates, unpacked, refused, held, entries, devices };
    // Last, and durable: whoever finds this file finds everything else too.
    replace_durably(&folder.join(STORY), &serde_json::to_vec_pretty(&outcome)?)?;
    only_for_the_owner(&folder.join(STORY))?;
    Ok(outcome)
}

/// The file holds tokens.
fn only_for_the_owner(path: &Path) -> Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let _ = path;
    Ok(())
}

/// Midnight of the last Monday; the story is told in weeks before it, so that nothing of it is still to come.
fn monday_before(at: DateTime<Utc>) -> DateTime<Utc> {
    let midnight = at - TimeDelta::milliseconds(at.timestamp_millis().rem_euclid(86_400_000));
    midnight - Days::new(u64::from(midnight.weekday().num_days_from_monday()))
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn reference(text: &str) -> Result<Reference> {
    Ok(Reference::parse(text)?)
}

/// Who acts.
struct Cast {
    administrator: Actor,
    coordinator: Actor,
    approver: Actor,
    recycler: Actor,
    recycler_verifier: Actor,
    refurbisher: Actor,
    refurbisher_verifier: Actor,
}

/// A registered device of the story, with what was recorded in it.
#[derive(Clone)]
struct Unit {
    id: AssetId,
    key: &'static str,
    tag: Tag,
    serial: Serial,
    storage: Storage,
    drive_serial: Option<Serial>,
    /// As the maker, or a table of defaults, gives it.
    grams: u32,
    /// As a scale shows it: screws, feet and dust make no two equally heavy.
    scale_grams: u32,
    medium: Option<MediumId>,
}

impl Unit {
    fn medium(&self) -> Result<MediumId> {
        self.medium.clone().ok_or_else(|| Error::Fault(format!("the story has no medium for {}", self.tag)))
    }
    fn bay(&self, fails: bool) -> Result<Bay> {
        match (&self.storage, &self.drive_serial) {
            (Storage::Drive(_, model, bytes, _), Some(serial)) => {
                Ok(Bay { model: (*model).to_owned(), serial: serial.to_string(), bytes: *bytes, fails })
            }
            _ => Err(Error::Fault(format!("the story has no drive in {}", self.tag))),
        }
    }
}

/// What was retired, by where it goes.
struct Retired {
    recycler: Vec<Unit>,
    refurbisher: Vec<Unit>,
    kept: Vec<Unit>,
}

/// Devices by what the story does with them, and how many of each were taken for that.
struct Lots(BTreeMap<&'static str, Vec<Unit>>);

impl Lots {
    fn of(units: Vec<Unit>) -> Self {
        let mut lots: BTreeMap<&'static str, Vec<Unit>> = BTreeMap::new();
        for unit in units {
            lots.entry(unit.key).or_default().push(unit);
        }
        Self(lots)
    }
    /// `count` devices of a kind, after the first `skip`.
    fn some(&self, key: &str, skip: usize, count: usize) -> Vec<Unit> {
        self.0.get(key).map(|units| units.iter().skip(skip).take(count).cloned().collect()).unwrap_or_default()
    }
    fn all(&self, key: &str) -> Vec<Unit> {
        self.some(key, 0, usize::MAX)
    }
}

/// How a device's media are sanitized.
struct Work {
    medium: MediumId,
    technique: Technique,
    evidence: Option<Digest>,
    tool: Option<&'static str>,
    statement: Statement,
    at: Instant,
}

struct Stage<'a> {
    service: &'a Service,
    folder: &'a Path,
    progress: Progress<'a>,
    db: Database,
    monday: DateTime<Utc>,
    dice: Dice,
    /// Devices in use that the story has not turned to yet.
    pool: Vec<Unit>,
}

impl Stage<'_> {
    /// So many weeks ago, on a working day (0: Monday), so many minutes after eight in the morning, Central Standard Time.
    fn at(&self, weeks: u64, day: u64, minute: i64) -> Instant {
        Instant::new(self.monday - Days::new(7 * weeks) + Days::new(day) + TimeDelta::minutes(14 * 60 + minute))
    }

    fn one(&self, actor: &Actor, command: impl Into<Command>, at: Instant) -> Result<Receipt> {
        self.service.recorder.record_waiting(command, actor, Some(at), None)
    }

    /// Records many commands; the first that is refused ends the story.
    fn many(&mut self, what: &str, actor: &Actor, commands: Vec<(Command, Instant)>) -> Result<Vec<Receipt>> {
        let total = count(commands.len());
        let mut receipts = Vec::with_capacity(commands.len());
        let mut commands = commands.into_iter().map(|(command, at)| (command, Some(at))).peekable();
        (self.progress)(what, 0, total);
        while commands.peek().is_some() {
            for answer in self.service.recorder.record_many(commands.by_ref().take(CHUNK).collect(), actor) {
                receipts.push(answer?);
            }
            (self.progress)(what, count(receipts.len()), total);
        }
        Ok(receipts)
    }

    fn step(&mut self, what: &str) {
        (self.progress)(what, 1, 1);
    }

    fn cast(&mut self) -> Result<(Cast, Vec<Player>)> {
        self.step("Registering the two vendors and the people of all three parties");
        let mut players = Vec::new();
        let district = self.service.app.service.party.clone();
        let administrator = self.person(&mut players, "Ingrid Salgado", "Systems administrator", Role::Administrator, &district, ORGANISATION)?;
        // Before the others, so that a run cut here is noticed by its vendors.
        let vendor = |stage: &Self, name: &str, site: &str| -> Result<PartyId> {
            let register = RegisterParty { party: None, kind: PartyKind::Vendor, name: Name::parse(name)?, sites: vec![Name::parse(site)?] };
            let receipt = stage.one(&administrator, register, stage.at(21, 1, 30))?;
            Ok(PartyId::parse(receipt.subject(SubjectKind::Party).unwrap_or_default())?)
        };
        let recycler = vendor(self, RECYCLER, RECYCLER_SITE)?;
        let refurbisher = vendor(self, REFURBISHER, REFURBISHER_SITE)?;
        let told = self.at(21, 1, 40);
        let (logical, physical) = (Scope::DataSanitizationLogical, Scope::DataSanitizationPhysical);
        self.qualify(
            &administrator,
            (&recycler, RECYCLER_SITE),
            (Scheme::R2v3, "C2023-01934"),
            &[logical, physical, Scope::MaterialsRecovery],
            told,
        )?;
        self.qualify(&administrator, (&recycler, RECYCLER_SITE), (Scheme::NaidAaa, "NA-20418"), &[logical, physical], told)?;
        self.qualify(&administrator, (&refurbisher, REFURBISHER_SITE), (Scheme::R2v3, "C2022-00871"), &[logical, Scope::TestAndRepair], told)?;
        self.contract(&administrator, &recycler, "NP-C-2214", told)?;
        self.contract(&administrator, &refurbisher, "NP-C-2215", told)?;
        let coordinator = self.person(&mut players, "Marisol Vance", "Technology asset coordinator", Role::Coordinator, &district, ORGANISATION)?;
        let approver =
            self.person(&mut players, "Theodore Okafor", "Assistant superintendent for operations", Role::Approver, &district, ORGANISATION)?;
        // The board has to have a policy before anything is certified by it.
        let policy = self.service.app.policy.reference();
        let adopt = AdoptPolicy {
            name: policy.name,
            version: policy.version,
            sha256: policy.sha256,
            reference: reference("BOARD-2026-087")?,
            decided_on: self.day(22),
        };
        self.one(&approver, adopt, told)?;
        self.person(&mut players, "Wendell Park", "Internal auditor", Role::Auditor, &district, ORGANISATION)?;
        self.person(&mut players, "Priya Lindqvist", "Sustainability officer", Role::Reports, &district, ORGANISATION)?;
        let cast = Cast {
            administrator: administrator.clone(),
            coordinator,
            approver,
            recycler: self.person(&mut players, "Dario Kessler", "Data destruction technician", Role::VendorOperator, &recycler, RECYCLER)?,
            recycler_verifier: self.person(&mut players, "Hana Whitfield", "Quality lead", Role::VendorVerifier, &recycler, RECYCLER)?,
            refurbisher: self.person(&mut players, "Rosalind Achebe", "Refurbishment technician", Role::VendorOperator, &refurbisher, REFURBISHER)?,
            refurbisher_verifier: self.person(
                &mut players,
                "Felix Drummond",
                "Quality inspector",
                Role::VendorVerifier,
                &refurbisher,
                REFURBISHER,
            )?,
        };
        Ok((cast, players))
    }

    /// Records what lets a vendor's site have the district's devices: a credential that began well before the story and ends after it.
    fn qualify(&self, who: &Actor, (party, site): (&PartyId, &str), credential: (Scheme, &str), scope: &[Scope], at: Instant) -> Result<()> {
        let (issued_on, expires_on) = (self.day(60), self.day(60) + Days::new(3 * 365));
        let record = RecordCredential {
            party: party.clone(),
            site: Name::parse(site)?,
            scheme: credential.0,
            number: reference(credential.1)?,
            scope: scope.to_vec(),
            issued_on,
            expires_on,
            evidence: None,
        };
        self.one(who, record, at)?;
        Ok(())
    }

    /// Records the contract with a vendor, as long as its credentials.
    fn contract(&self, who: &Actor, party: &PartyId, number: &str, at: Instant) -> Result<()> {
        let contract = RecordContract {
            party: party.clone(),
            reference: reference(number)?,
            starts_on: self.day(60),
            ends_on: Some(self.day(60) + Days::new(3 * 365)),
            confidentiality: true,
            insured_until: Some(self.day(60) + Days::new(3 * 365)),
        };
        self.one(who, contract, at)?;
        Ok(())
    }

    /// The day so many weeks ago.
    fn day(&self, weeks: u64) -> NaiveDate {
        self.at(weeks, 0, 0).utc().date_naive()
    }

    fn person(&mut self, players: &mut Vec<Player>, name: &str, title: &str, role: Role, party: &PartyId, party_name: &str) -> Result<Actor> {
        let token = tokens::new_token()?;
        let id = PersonId::from_uuid(uuid::Builder::from_random_bytes(crate::app::seed()?.to_be_bytes()).into_uuid());
        let person = people::Person::new(id.as_str(), name, title, role, party.as_str());
        let email = format!("{}@{}.example", name.to_lowercase().replace(' ', "."), party_name.to_lowercase().split(' ').next().unwrap_or_default());
        let person = people::Person { email: people::email(&email)?, ..person };
        people::add_with_token(&mut self.db, &person, &token, now().unix_ms())?;
        accounts::set_password(&mut self.db, &person.id, &accounts::hash(PASSWORD)?)?;
        let (name, title) = (name.to_owned(), title.to_owned());
        players.push(Player { name, title, role: role.label().to_owned(), party: party_name.to_owned(), email, token });
        Ok(Actor::new(id, role, party.clone()))
    }

    fn register(&mut self, cast: &Cast) -> Result<()> {
        let devices = fleet::devices(&mut self.dice);
        for again in [false, true] {
            let mut done_before = 0;
            for (list, (file, sensitivity)) in LISTS.iter().enumerate() {
                let rows: Vec<&Device> = devices.iter().filter(|device| device.kind.list == list).collect();
                let text = fleet::export(&rows);
                if !again {
                    write_durably(&self.folder.join(file), text.as_bytes())?;
                }
                let what = if again { "Importing the same lists again: nothing changes" } else { "Importing the asset manager's lists" };
                let options = import_inventory::Options { dry_run: false, sensitivity: *sensitivity };
                let total = count(devices.len());
                let progress = &mut self.progress;
                let report = import_inventory::import(self.service, &cast.coordinator, text.as_bytes(), options, |done| {
                    progress(what, done_before + done, total);
                })?;
                done_before += report.rows;
                let expected = if again { report.unchanged } else { report.registered };
                if expected != count(rows.len()) {
                    let lines: Vec<String> = report.lines.iter().take(3).map(|line| format!("line {}: {}", line.line, line.what)).collect();
                    return Err(Error::Fault(format!("importing {file}: {expected} of {} rows as expected; {}", rows.len(), lines.join("; "))));
                }
            }
        }
        sync_folder(self.folder)?;
        for device in devices {
            let tag = Tag::parse(&device.tag)?;
            let id = tables::owner(&mut self.db, &Asset::tag_key(&tag))?
                .ok_or_else(|| Error::Fault(format!("{tag} was imported and is not registered")))?;
            self.pool.push(Unit {
                id: AssetId::parse(&id)?,
                key: device.kind.key,
                tag,
                serial: Serial::parse(&device.serial)?,
                storage: device.kind.storage,
                drive_serial: device.drive_serial.as_deref().map(Serial::parse).transpose()?,
                grams: device.kind.grams,
                scale_grams: device.kind.grams + self.dice.roll(device.kind.grams / 40 + 1),
                medium: None,
            });
        }
        Ok(())
    }

    /// The medium that the catalogue expects in a device.
    fn expected(&mut self, asset: &AssetId) -> Result<Option<MediumId>> {
        Ok(tables::find::<Asset>(&mut self.db, asset)?.and_then(|asset| asset.media.first().cloned()))
    }

    /// Takes devices of a kind out of the pool, from all over the district.
    fn take(&mut self, key: &str, count: usize) -> Vec<Unit> {
        let of_kind = self.pool.iter().filter(|unit| unit.key == key).count();
        let every = (of_kind / count.max(1)).clamp(1, 5);
        let (mut seen, mut taken) = (0, Vec::new());
        self.pool.retain(|unit| {
            let wanted = unit.key == key && taken.len() < count && {
                seen += 1;
                seen % every == 0
            };
            if wanted {
                taken.push(unit.clone());
            }
            !wanted
        });
        taken
    }

    fn take_all(&mut self, wanted: &[(&str, usize)]) -> Vec<Unit> {
        wanted.iter().flat_map(|(key, count)| self.take(key, *count)).collect()
    }

    /// Repairs and redeployments: what happens to devices that stay.
    fn use_devices(&mut self, cast: &Cast) -> Result<()> {
        let repaired = self.take_all(&[("chromebook", 8), ("laptop", 4)]);
        let faults = [Fault::Screen, Fault::Keyboard, Fault::Battery, Fault::Board];
        let mut commands: Vec<(Command, Instant)> = Vec::new();
        for ((n, unit), fault) in (0u64..).zip(&repaired).zip(faults.iter().cycle()) {
            // The district mends most of them itself; two screens are the refurbisher's work, who has promised to keep confidential what it sees.
            let outside = *fault == Fault::Screen && n < 6;
            let send = SendToRepair {
                asset: unit.id.clone(),
                fault: *fault,
                vendor: outside.then(|| cast.refurbisher.party.clone()),
                vendor_site: outside.then(|| Name::parse(REFURBISHER_SITE)).transpose()?,
                contract: outside.then(|| reference("NP-MSA-2024-07")).transpose()?,
                overridden: None,
            };
            commands.push((send.into(), self.at(19 - n / 2, n % 3, 35)));
            let same = |medium| MediumChecked { medium, found: MediumCheck::Same, replacement: None };
            let media = self.expected(&unit.id)?.into_iter().map(same).collect();
            let back = ReturnFromRepair { asset: unit.id.clone(), status: Status::InService, media };
            commands.push((back.into(), self.at(18 - n / 2, 1 + n % 3, 210)));
        }
        self.many("Twelve repairs", &cast.coordinator, commands)?;

        let moved = self.take_all(&[("chromebook", 4), ("tablet", 2), ("monitor", 2), ("laptop", 2)]);
        let mut commands: Vec<(Command, Instant)> = Vec::new();
        for ((n, unit), site) in (0u64..).zip(&moved).zip(SITES.iter().cycle()) {
            // The last four had been given up as surplus before another school asked for them.
            if n >= 6 {
                commands.push((Retire { asset: unit.id.clone(), reason: RetireReason::Surplus }.into(), self.at(17, 2, 60)));
                commands.push((ReturnToService { asset: unit.id.clone(), reason: ReturnReason::NeededAgain }.into(), self.at(17, 4, 75)));
            }
            commands.push((Redeploy { asset: unit.id.clone(), site: Name::parse(site)? }.into(), self.at(16, n % 5, 95)));
        }
        self.many("Ten redeployments", &cast.coordinator, commands)?;
        self.lose_and_find(cast)?;
        let kept: Vec<_> =
            repaired.into_iter().take(9).map(|unit| (unit, Fate::Repaired)).chain(moved.into_iter().map(|unit| (unit, Fate::Redeployed))).collect();
        let at = self.at(14, 4, 240);
        self.dispose("Recording what was repaired and redeployed", &cast.coordinator, &kept, WeightBasis::Default, at)
    }

    /// One Chromebook of a cart is lost and turns up in a drawer; another is stolen, locked from afar, never found and written off. A tablet with a
    /// swollen battery lies in a box of its own.
    fn lose_and_find(&mut self, cast: &Cast) -> Result<()> {
        let units = self.take_all(&[("chromebook", 2), ("tablet", 1)]);
        let [drawer, stolen, swollen] = units.as_slice() else { return Err(Error::Fault("the story has nothing to lose".to_owned())) };
        let cart =
            Assign { asset: drawer.id.clone(), kind: AssigneeKind::Cart, place: Some(reference("CART-7")?), assignee_active: None, active_on: None };
        let pupil = Assign {
            asset: stolen.id.clone(),
            kind: AssigneeKind::Person,
            place: None,
            assignee_active: Some(Known::Yes),
            active_on: Some(self.at(19, 0, 0).utc().date_naive()),
        };
        let report = |unit: &Unit, loss: Loss, custodian: Custodian, seen: Instant, incident: &str| -> Result<Command> {
            Ok(ReportMissing { asset: unit.id.clone(), loss, last_seen: Some(seen), custodian, incident: reference(incident)? }.into())
        };
        let lock = |state: RemoteState| RecordRemoteCommand { asset: stolen.id.clone(), command: RemoteCommand::Lock, state, evidence: None };
        let commands: Vec<(Command, Instant)> = vec![
            (cart.into(), self.at(19, 0, 60)),
            (pupil.into(), self.at(19, 0, 62)),
            (report(drawer, Loss::Lost, Custodian::Cart, self.at(18, 0, 0), "INC-0398")?, self.at(18, 1, 30)),
            (report(stolen, Loss::Stolen, Custodian::Person, self.at(18, 1, 0), "INC-0399")?, self.at(18, 2, 30)),
            (lock(RemoteState::Sent).into(), self.at(18, 2, 45)),
            (lock(RemoteState::Expired).into(), self.at(17, 2, 45)),
            (ReportFound { asset: drawer.id.clone(), site: Name::parse("District warehouse")?, party: None }.into(), self.at(17, 3, 200)),
        ];
        self.many("A lost Chromebook is found, a stolen one is not", &cast.coordinator, commands)?;
        let give_up = WriteOff { asset: stolen.id.clone(), investigation: reference("INV-2214")?, assessment: reference("BA-0399")? };
        self.one(&cast.approver, give_up, self.at(15, 0, 30))?;
        let apart = Quarantine { asset: swollen.id.clone(), reason: HoldReason::SwollenBattery, container: Some(reference("FIRE-BOX-2")?) };
        self.one(&cast.coordinator, apart, self.at(16, 1, 15))?;
        self.step("A tablet with a swollen battery is set apart");
        Ok(())
    }

    /// Reuse first: what each lot is best for, on whose authority it goes, and that nobody's account is left on what others will use.
    fn prepare(&mut self, cast: &Cast, recycler: &[Unit], refurbisher: &[Unit]) -> Result<()> {
        let mut evaluated: Vec<(Command, Instant)> = Vec::new();
        let mut authorized: Vec<(Command, Instant)> = Vec::new();
        for (units, rung) in [(recycler, Rung::Recycling), (refurbisher, Rung::Resale)] {
            for unit in units {
                let reasons = [
                    (Rung::Repair, RejectionReason::NotBroken),
                    (Rung::Redeploy, RejectionReason::NoDemand),
                    (Rung::Resale, RejectionReason::EndOfSupport),
                    (Rung::Donation, RejectionReason::EndOfSupport),
                    (Rung::Parts, RejectionReason::Uneconomic),
                ];
                let rejected = reasons.into_iter().filter(|(better, _)| *better < rung).map(|(rung, reason)| Rejection { rung, reason }).collect();
                evaluated.push((Evaluate { asset: unit.id.clone(), rung, rejected }.into(), self.at(10, 3, 20)));
                let board = AuthorizeSurplus { asset: unit.id.clone(), reference: reference("BOARD-2026-114")?, consent: None };
                authorized.push((board.into(), self.at(10, 4, 30)));
            }
        }
        self.many("Evaluated, reuse first", &cast.coordinator, evaluated)?;
        self.many("The board lets them go", &cast.approver, authorized)?;
        let released = refurbisher.iter().map(|unit| {
            let release = ReleaseAccounts { asset: unit.id.clone(), reference: reference("MDM-EXPORT-31")?, evidence: None };
            Ok((release.into(), self.at(10, 4, 90)))
        });
        let released = released.collect::<Result<Vec<_>>>()?;
        self.many("Accounts and management released", &cast.coordinator, released)?;
        Ok(())
    }

    /// 120 devices leave use; what stores data in each is recorded, or that nothing does.
    fn retire(&mut self, cast: &Cast) -> Result<Retired> {
        let mut lots = [
            self.take_all(&[
                ("desktop", 16),
                ("office desktop", 8),
                ("chromebook", 12),
                ("tablet", 4),
                ("monitor", 6),
                ("projector", 4),
                ("dock", 3),
                ("display", 2),
                ("signage player", 2),
                ("printer", 3),
            ]),
            self.take_all(&[("laptop", 18), ("old laptop", 12), ("chromebook", 8), ("tablet", 2)]),
            self.take_all(&[("chromebook", 6), ("laptop", 4), ("office laptop", 4), ("monitor", 3), ("projector", 2), ("display", 1)]),
        ];
        let mut commands: Vec<(Command, Instant)> = Vec::new();
        for (n, unit) in (0u64..).zip(lots.iter().flatten()) {
            let reason = match unit.key {
                "chromebook" | "tablet" => RetireReason::EndOfSupport,
                "projector" | "printer" if n % 2 == 0 => RetireReason::BeyondRepair,
                "laptop" | "dock" | "office laptop" => RetireReason::Surplus,
                _ => RetireReason::EndOfLife,
            };
            commands
                .push((Retire { asset: unit.id.clone(), reason }.into(), self.at(15 - n / 30, n % 5, 40 + i64::try_from(n % 30).unwrap_or(0) * 7)));
        }
        self.many("Retiring 120 devices", &cast.coordinator, commands)?;

        let mut media: Vec<(Command, Instant)> = Vec::new();
        let mut at_media = Vec::new();
        let mut printers = 0u64;
        for (n, unit) in (0i64..).zip(lots.iter().flatten()) {
            let at = self.at(10, 2, 5 + n * 3);
            let (media_type, capacity_bytes) = match unit.storage {
                Storage::Soldered(bytes) => (MediaType::Emmc, bytes),
                Storage::Drive(media_type, _, bytes, _) => (media_type, bytes),
                Storage::Nothing => {
                    media.push((AttestNoStorage { asset: unit.id.clone(), basis: NoStorageBasis::ModelHasNone }.into(), at));
                    continue;
                }
                Storage::NotLooked => {
                    printers += 1;
                    // Nobody opened the third.
                    if printers < 3 {
                        if let Some(medium) = self.expected(&unit.id)? {
                            self.one(&cast.approver, WithdrawMedium { medium, reason: CorrectionReason::Disproved }, at)?;
                        }
                        media.push((AttestNoStorage { asset: unit.id.clone(), basis: NoStorageBasis::Removed }.into(), at));
                    }
                    continue;
                }
            };
            at_media.push((media.len(), unit.id.clone()));
            let seen: Command = match self.expected(&unit.id)? {
                Some(medium) => ConfirmMedium {
                    medium,
                    basis: Seen::Seen,
                    serial: unit.drive_serial.clone(),
                    media_type: Some(media_type),
                    capacity_bytes: Some(capacity_bytes),
                }
                .into(),
                None => {
                    let seen = MediumSeen { serial: unit.drive_serial.clone(), media_type, capacity_bytes: Some(capacity_bytes) };
                    RecordMedia { asset: unit.id.clone(), media: vec![seen] }.into()
                }
            };
            media.push((seen, at));
        }
        let receipts = self.many("Recording what stores data in them", &cast.coordinator, media)?;
        let mut found: BTreeMap<AssetId, MediumId> = BTreeMap::new();
        for (place, id) in at_media {
            if let Some(medium) = receipts.get(place).and_then(|receipt| receipt.subject(SubjectKind::Medium)) {
                found.insert(id, MediumId::parse(medium)?);
            }
        }
        for unit in lots.iter_mut().flatten() {
            unit.medium = found.remove(&unit.id);
        }
        let [recycler, refurbisher, kept] = lots;
        self.prepare(cast, &recycler, &refurbisher)?;
        Ok(Retired { recycler, refurbisher, kept })
    }

    /// Loads, seals and hands over; the containers are named after the reference.
    fn release(
        &mut self,
        cast: &Cast,
        reference_text: &str,
        to: (&PartyId, &str),
        units: &[Unit],
        containers: &[&str],
        week: u64,
    ) -> Result<ConsignmentId> {
        let actor = &cast.coordinator;
        let open = OpenConsignment {
            consignment: None,
            reference: reference(reference_text)?,
            from_site: Name::parse("District warehouse")?,
            to: to.0.clone(),
            to_site: Name::parse(to.1)?,
            carrier: Some(Name::parse("Great Plains Freight")?),
            carrier_party: None,
            presets: None,
            expected: None,
        };
        let receipt = self.one(actor, open, self.at(week, 0, 60))?;
        let consignment = ConsignmentId::parse(receipt.subject(SubjectKind::Consignment).unwrap_or_default())?;
        let per_container = units.len().div_ceil(containers.len().max(1)).max(1);
        let mut commands: Vec<(Command, Instant)> = Vec::new();
        let mut sealed = Vec::new();
        for ((n, label), load) in (0i64..).zip(containers).zip(units.chunks(per_container)) {
            let container = reference(label)?;
            // Two sittings for each: before lunch and after.
            for (half, scans) in (0i64..).zip(load.chunks(load.len().div_ceil(2).max(1))) {
                let assets = scans.iter().map(|unit| unit.id.clone()).collect();
                let add =
                    AddLines { consignment: consignment.clone(), assets, media: Vec::new(), container: Some(container.clone()), captured: None };
                commands.push((add.into(), self.at(week, 1 + u64::try_from(n % 2).unwrap_or(0), 30 + n * 20 + half * 240)));
            }
            let net: u32 = load.iter().map(|unit| unit.scale_grams).sum();
            let seal = reference(&format!("NP-S-{}", 48_210 + self.dice.roll(700)))?;
            sealed.push(Container { label: container, seal: Some(seal), tare_weight_grams: Some(21_500), gross_weight_grams: Some(net + 21_500) });
        }
        self.many(&format!("Loading {reference_text}"), actor, commands)?;
        self.one(actor, SealConsignment { consignment: consignment.clone(), containers: sealed }, self.at(week, 3, 45))?;
        self.one(actor, ReleaseConsignment { consignment: consignment.clone(), driver: Some(reference("GPF-TOUR-17")?) }, self.at(week, 3, 130))?;
        self.step(&format!("{reference_text} sealed and released"));
        Ok(consignment)
    }

    /// The vendor counts for itself: what it scans is not what was listed. Returns the one discrepancy that this makes.
    fn receive(&mut self, actor: &Actor, consignment: &ConsignmentId, scans: Vec<Scan>, containers: &[&str], at: Instant) -> Result<DiscrepancyId> {
        let containers = containers
            .iter()
            .map(|label| Ok(ContainerReceived { label: reference(label)?, seal_state: SealState::Intact, seal: None, gross_weight_grams: None }))
            .collect::<Result<Vec<_>>>()?;
        let receipt = self.one(actor, received(consignment.clone(), containers, scans), at)?;
        Ok(DiscrepancyId::parse(receipt.subject(SubjectKind::Discrepancy).unwrap_or_default())?)
    }

    /// One Chromebook of the pallets does not arrive; it is looked for, and is missing.
    fn send_to_recycler(&mut self, cast: &Cast, units: Vec<Unit>) -> Result<Lots> {
        const PALLETS: [&str; 3] = ["PALLET-1", "PALLET-2", "PALLET-3"];
        let to = cast.recycler.party.clone();
        let consignment = self.release(cast, "NP-PICKUP-001", (&to, RECYCLER_SITE), &units, &PALLETS, 9)?;
        let (lost, arrived) = split_off(units, "chromebook")?;
        let scans = arrived.iter().map(|unit| Scan { tag: Some(unit.tag.clone()), serial: Some(unit.serial.clone()), damage: None }).collect();
        let discrepancy = self.receive(&cast.recycler, &consignment, scans, &PALLETS, self.at(9, 4, 95))?;
        self.step("Received with one Chromebook short: looked for, and confirmed missing");
        let resolve =
            ResolveDiscrepancy { discrepancy, resolution: Resolution::ConfirmedMissing, reference: Some(reference("INC-0417")?), document: None };
        self.one(&cast.approver, resolve, self.at(7, 2, 200))?;
        let at = self.at(7, 2, 260);
        self.dispose("Recording the loss", &cast.coordinator, &[(lost, Fate::LostOrStolen)], WeightBasis::Default, at)?;
        Ok(Lots::of(arrived))
    }

    /// One laptop arrives with another serial number on its label than on record; nobody has resolved that yet. Also returns its tag.
    fn send_to_refurbisher(&mut self, cast: &Cast, units: Vec<Unit>) -> Result<(Lots, String)> {
        const CAGES: [&str; 2] = ["CAGE-1", "CAGE-2"];
        let to = cast.refurbisher.party.clone();
        let consignment = self.release(cast, "NP-PICKUP-002", (&to, REFURBISHER_SITE), &units, &CAGES, 7)?;
        let (held, arrived) = split_off(units, "laptop")?;
        let mut scans: Vec<Scan> =
            arrived.iter().map(|unit| Scan { tag: Some(unit.tag.clone()), serial: Some(unit.serial.clone()), damage: None }).collect();
        scans.push(Scan { tag: Some(held.tag.clone()), serial: Some(Serial::parse("7QK0T93")?), damage: None });
        self.receive(&cast.refurbisher, &consignment, scans, &CAGES, self.at(7, 3, 395))?;
        self.step(&format!("Received with one {}: the laptop is held", DiscrepancyKind::Mismatch.label()));
        Ok((Lots::of(arrived), held.tag.to_string()))
    }

    /// Keeps a file that a vendor uploads, and a copy of it for whoever looks at the demo.
    fn evidence(&self, actor: &Actor, name: &str, text: &str, at: Instant) -> Result<receive_evidence::Received> {
        write_durably(&self.folder.join("evidence").join(name), text.as_bytes())?;
        receive_evidence::receive(self.service, actor, text.as_bytes(), Some(at))
    }

    /// Media are sanitized by one person, and verified by another a day later.
    fn sanitize(&mut self, what: &str, operator: &Actor, verifier: Option<&Actor>, works: Vec<Work>) -> Result<()> {
        let mut performed: Vec<(Command, Instant)> = Vec::new();
        let mut verified: Vec<(Command, Instant)> = Vec::new();
        for work in works {
            let at = work.at;
            verified.push((VerifySanitization { medium: work.medium.clone() }.into(), Instant::new(at.utc() + TimeDelta::minutes(24 * 60 + 25))));
            let tool = work.tool.map(Name::parse).transpose()?;
            let record = RecordSanitization {
                medium: work.medium,
                technique: work.technique,
                evidence: work.evidence,
                tool,
                machine: None,
                statement: work.statement,
            };
            performed.push((record.into(), at));
        }
        self.many(what, operator, performed)?;
        if let Some(verifier) = verifier {
            self.many("… verified by another person", verifier, verified)?;
        }
        Ok(())
    }

    /// The district accepts what was verified.
    fn validate(&mut self, cast: &Cast, units: &[Unit], at: Instant) -> Result<()> {
        let commands = units.iter().map(|unit| Ok((ValidateSanitization { medium: unit.medium()? }.into(), at))).collect::<Result<Vec<_>>>()?;
        self.many("… and accepted by the district", &cast.approver, commands)?;
        Ok(())
    }

    fn dispose(&mut self, what: &str, actor: &Actor, fates: &[(Unit, Fate)], weight_basis: WeightBasis, at: Instant) -> Result<()> {
        let commands = fates.iter().map(|(unit, fate)| {
            let grams = if weight_basis == WeightBasis::Scale { unit.scale_grams } else { unit.grams };
            // What is left over is dust and moisture, which no processor accounts for.
            let part = |percent: u32| (*fate == Fate::Recycled).then(|| grams * percent / 100);
            let mass = Mass { weight_grams: grams, weight_basis, recovered_grams: part(87), energy_grams: part(7), landfill_grams: part(5) };
            let title = fate.changes_hands().then(|| reference(&format!("SB-{}", unit.tag))).transpose()?;
            let disposition = RecordDisposition {
                asset: unit.id.clone(),
                outcome: *fate,
                mass,
                title,
                grade: None,
                proceeds_cents: None,
                processor: None,
                file: None,
            };
            Ok((disposition.into(), at))
        });
        let commands = commands.collect::<Result<Vec<_>>>()?;
        self.many(what, actor, commands)?;
        Ok(())
    }

    fn recycle(&mut self, cast: &Cast, lots: &Lots) -> Result<()> {
        let (operator, verifier) = (&cast.recycler, &cast.recycler_verifier);
        let disks = self.wipe_disks(cast, lots)?;

        // Overwriting is Clear, and materials recovery of these asks for more: what was overwritten is degaussed, or destroyed.
        let degauss = Statement {
            equipment: Some(reference("Degausser DG-3")?),
            field_oersted: Some(10_000),
            coercivity_oersted: Some(5_000),
            calibrated_on: Some(self.day(20)),
            ..Statement::default()
        };
        let disintegrate = Statement { equipment: Some(reference("Disintegrator DI-2")?), particle_tenths_mm: Some(20), ..Statement::default() };
        let shred = Statement { equipment: Some(reference("Shredder SH-1")?), particle_tenths_mm: Some(120), ..Statement::default() };
        let burn =
            Statement { facility: Some(reference("Licensed facility MN-114")?), facility_batch: Some(reference("B-2207")?), ..Statement::default() };
        let (failed, cleared) = (disks.failed, disks.cleared);
        let degaussed: Vec<Unit> = cleared.iter().filter(|unit| unit.key == "desktop").take(11).cloned().collect();
        let office: Vec<Unit> = cleared.iter().filter(|unit| unit.key == "office desktop").take(6).cloned().collect();
        let chromebooks = lots.some("chromebook", 0, 9);
        let tablets = lots.some("tablet", 0, 2);
        let burned = lots.some("tablet", 2, 1);
        let shredded: Vec<Unit> = lots.all("display").into_iter().chain(lots.all("signage player")).collect();
        let destroyed: Vec<Unit> = office.iter().chain(&failed).chain(&chromebooks).chain(&tablets).cloned().collect();
        let plan = [
            (&degaussed, Technique::Degauss, degauss),
            (&destroyed, Technique::Disintegrate, disintegrate),
            (&shredded, Technique::Shred, shred),
            (&burned, Technique::Incinerate, burn),
        ];
        let mut works = Vec::new();
        for (units, technique, statement) in &plan {
            for unit in *units {
                let at = self.at(6, 1, 20 + 6 * i64::try_from(works.len()).unwrap_or(0));
                works.push(Work { medium: unit.medium()?, technique: *technique, evidence: None, tool: None, statement: statement.clone(), at });
            }
        }
        self.sanitize("Disks degaussed, flash disintegrated, signage shredded", operator, Some(verifier), works)?;
        let done: Vec<Unit> = plan.iter().flat_map(|(units, ..)| units.iter().cloned()).collect();
        let at = self.at(6, 4, 150);
        self.validate(cast, &done, at)?;

        let mut fates: Vec<(Unit, Fate)> = Vec::new();
        let no_storage = ["monitor", "dock"].into_iter().flat_map(|key| lots.all(key)).chain(lots.some("projector", 0, 3));
        fates.extend(degaussed.into_iter().chain(destroyed).chain(shredded).chain(no_storage).map(|unit| (unit, Fate::Recycled)));
        fates.extend(burned.into_iter().map(|unit| (unit, Fate::Incinerated)));
        fates.extend(lots.some("projector", 3, 1).into_iter().map(|unit| (unit, Fate::Landfilled)));
        let printers = lots.all("printer");
        fates.extend(printers.iter().take(1).map(|unit| (unit.clone(), Fate::EnergyRecovery)));
        let at = self.at(5, 2, 310);
        self.dispose("The recycler weighs what became of the material", operator, &fates, WeightBasis::Scale, at)?;
        // The one that nobody opened: the recycler's word for it is not accepted.
        let claimed: Vec<(Unit, Fate)> = printers.iter().skip(2).map(|unit| (unit.clone(), Fate::Unknown)).collect();
        self.dispose("An outcome is claimed without evidence", &cast.coordinator, &claimed, WeightBasis::Default, at)
    }

    /// The recycler's bench: six runs of four drives each; one drive fails.
    fn wipe_disks(&mut self, cast: &Cast, lots: &Lots) -> Result<Disks> {
        let (operator, verifier) = (&cast.recycler, &cast.recycler_verifier);
        let disks: Vec<Unit> = lots.all("desktop").into_iter().chain(lots.all("office desktop")).collect();
        let mut works = Vec::new();
        let mut tried = Vec::new();
        let (mut failed, mut cleared) = (Vec::new(), Vec::new());
        for (run, units) in (0u64..).zip(disks.chunks(4)) {
            let start = self.at(8, run % 4, 15 + 20 * i64::try_from(run / 4).unwrap_or(0)).utc();
            let breaks = |place: usize| run == 1 && place == 2;
            let bays = units.iter().enumerate().map(|(place, unit)| unit.bay(breaks(place))).collect::<Result<Vec<_>>>()?;
            // The bench computer's clock shows local time, and its log does not say so.
            let text = bench::nwipe(start - TimeDelta::hours(6), &bays);
            let received = self.evidence(operator, &format!("bench-run-{}.nwipe.txt", run + 1), &text, Instant::new(start + TimeDelta::hours(6)))?;
            if let Some(record) = received.records.iter().find(|record| record.medium.is_none()) {
                return Err(Error::Fault(format!("the log of bench run {run}: {}", record.not_linked.as_deref().unwrap_or("a drive is not linked"))));
            }
            for (place, unit) in units.iter().enumerate() {
                let work = Work {
                    medium: unit.medium()?,
                    technique: Technique::HostOverwrite,
                    evidence: Some(received.sha256.clone()),
                    tool: None,
                    statement: Statement::default(),
                    at: Instant::new(start + bench::run_time()),
                };
                if breaks(place) {
                    tried.push(work);
                    failed.push(unit.clone());
                } else {
                    works.push(work);
                    cleared.push(unit.clone());
                }
            }
            (self.progress)("Six bench runs of four disks each, read from their logs", run + 1, 6);
        }
        self.sanitize("Disks overwritten", operator, Some(verifier), works)?;
        self.sanitize("One disk failed: only destruction is left for it", operator, None, tried)?;
        let rest: Vec<Unit> = cleared.iter().filter(|unit| unit.key == "desktop").skip(11).cloned().collect();
        let at = self.at(7, 4, 100);
        self.validate(cast, &rest, at)?;
        Ok(Disks { failed, cleared })
    }

    fn refurbish(&mut self, cast: &Cast, lots: &Lots) -> Result<()> {
        let (operator, verifier) = (&cast.refurbisher, &cast.refurbisher_verifier);
        let nvme = lots.all("laptop");
        let ssd = lots.some("old laptop", 0, 10);
        let reset = lots.some("chromebook", 0, 4);
        let total = count(nvme.len() + ssd.len() + reset.len());
        let mut works = Vec::new();
        for (n, unit) in (0i64..).zip(nvme.iter().chain(&ssd).chain(&reset)) {
            let at = self.at(6, u64::try_from(n % 4).unwrap_or(0), 25 + n * 11);
            let (technique, tool, text) = match unit.key {
                "laptop" => {
                    let bay = unit.bay(false)?;
                    (Technique::NvmeSanitizeBlock, "nvme-cli 2.8", bench::nvme_block_erase(&bay.model, &bay.serial, at.utc()))
                }
                "old laptop" => {
                    let bay = unit.bay(false)?;
                    (Technique::AtaSanitizeBlock, "hdparm 9.65", bench::hdparm_block_erase(&bay.model, &bay.serial, at.utc()))
                }
                _ => (Technique::FactoryReset, "Admin console", bench::factory_reset(unit.serial.as_str(), at.utc())),
            };
            let received = self.evidence(operator, &format!("{}.{}.txt", unit.tag, technique.as_str()), &text, at)?;
            let statement = Statement {
                completed_without_error: Some(true),
                hidden_areas_absent: (technique == Technique::AtaSanitizeBlock).then_some(true),
                account_removed: (technique == Technique::FactoryReset).then_some(true),
                ..Statement::default()
            };
            works.push(Work { medium: unit.medium()?, technique, evidence: Some(received.sha256), tool: Some(tool), statement, at });
            (self.progress)("Flash erased by its own commands; no reader knows these files, all are kept", count(works.len()), total);
        }
        // Nobody has looked at the last Chromebook yet.
        let unverified = works.pop();
        self.sanitize("Flash erased", operator, Some(verifier), works)?;
        self.sanitize("One more Chromebook reset", operator, None, unverified.into_iter().collect())?;
        // Two of the older laptops still wait for the district.
        let accepted: Vec<Unit> = nvme.iter().chain(ssd.iter().take(8)).chain(reset.iter().take(3)).cloned().collect();
        let at = self.at(5, 1, 170);
        self.validate(cast, &accepted, at)?;

        let fate = |units: &[Unit], skip: usize, count: usize, fate: Fate| -> Vec<(Unit, Fate)> {
            units.iter().skip(skip).take(count).map(|unit| (unit.clone(), fate)).collect()
        };
        let mut fates = fate(&nvme, 0, 10, Fate::Resold);
        fates.extend(fate(&nvme, 10, 2, Fate::Donated));
        fates.extend(fate(&nvme, 12, 1, Fate::TradedIn));
        fates.extend(fate(&nvme, 13, 2, Fate::PartsHarvested));
        fates.extend(fate(&ssd, 0, 5, Fate::Resold));
        fates.extend(fate(&ssd, 5, 3, Fate::Donated));
        let graded = fates.iter().filter(|(_, fate)| fate.changes_hands()).enumerate();
        let graded = graded.map(|(n, (unit, _))| {
            let cosmetic = if n % 3 == 0 { 7 } else { 6 };
            (Grade { asset: unit.id.clone(), cosmetic, functional: 5 }.into(), self.at(3, 2, 60))
        });
        let graded = graded.collect();
        self.many("Tested and graded", operator, graded)?;
        let at = self.at(3, 3, 290);
        self.dispose("The refurbisher sells, gives away and takes apart", operator, &fates, WeightBasis::Spec, at)
    }

    /// What the district keeps for now.
    fn store(&mut self, cast: &Cast, kept: &[Unit]) -> Result<()> {
        let fates: Vec<_> = kept.iter().filter(|unit| matches!(unit.key, "laptop" | "monitor")).map(|unit| (unit.clone(), Fate::InStorage)).collect();
        let at = self.at(4, 4, 120);
        self.dispose("Some stay in the warehouse for now", &cast.coordinator, &fates, WeightBasis::Default, at)
    }

    /// Issues certificates of every kind, revokes one, and lays all of it out in the folder. Also returns the number of the unpacked one.
    fn certify(&mut self, cast: &Cast, recycled: &Lots, refurbished: &Lots) -> Result<(Vec<Certified>, String)> {
        let disks = recycled.some("desktop", 0, 12);
        let asked: Vec<Unit> = [
            refurbished.some("laptop", 0, 13),
            // One of those that were sold is forgotten.
            refurbished.some("old laptop", 0, 7),
            // The disk that failed is the third of the second bench run.
            disks,
            recycled.some("office desktop", 0, 6),
            recycled.some("chromebook", 0, 9),
            recycled.some("tablet", 0, 3),
            recycled.some("signage player", 0, 2),
            recycled.some("display", 0, 2),
            recycled.some("monitor", 0, 3),
            recycled.some("projector", 0, 1),
            recycled.some("dock", 0, 1),
        ]
        .concat();
        let total = count(asked.len());
        let mut certificates = Vec::new();
        for unit in &asked {
            let issued = issue_certificate::issue(self.service, &cast.coordinator, &unit.id)?;
            let kind: CertificateKind = issue_certificate::find(&mut self.db, &issued.number)?.kind;
            let pdf = self.folder.join("certificates").join(format!("{}.pdf", issued.number));
            write_durably(&pdf, &issue_certificate::part(&self.service.app, &issued.number, PAGES)?)?;
            certificates.push(Certified { number: issued.number, kind: kind.label().to_owned(), tag: unit.tag.to_string(), revoked: false, pdf });
            (self.progress)("Issuing certificates", count(certificates.len()), total);
        }
        if let Some(first) = certificates.first_mut() {
            publish_status::revoke(self.service, &cast.approver, &first.number, RevocationReason::DeviceSeen)?;
            first.revoked = true;
            (self.progress)("One laptop was seen in a school again: its certificate is revoked", 1, 1);
        }
        let unpacked = certificates.get(1).map(|certificate| certificate.number.clone()).unwrap_or_default();
        let folder = self.folder.join("certificates").join(&unpacked);
        fs::create_dir_all(folder.join("entries"))?;
        for (name, sha256) in inventory::parts(&mut self.db, &unpacked)? {
            write_durably(&folder.join(name), &self.service.app.files.get(&Digest::parse(&sha256)?)?)?;
        }
        let status = publish_status::newest(&self.service.app)?.ok_or_else(|| Error::Fault("no status list was ever published".to_owned()))?;
        write_durably(&self.folder.join("status.vc.json"), &status)?;
        for names in [folder.join("entries"), folder, self.folder.join("certificates"), self.folder.join("evidence"), self.folder.to_owned()] {
            sync_folder(&names)?;
        }
        Ok((certificates, unpacked))
    }

    /// Asks for a certificate of a Chromebook that was only reset: the answer is the list of what is missing.
    fn refuse(&mut self, cast: &Cast, refurbished: &Lots) -> Result<Refused> {
        let unit = refurbished.some("chromebook", 3, 1).pop().ok_or_else(|| Error::Fault("the story has no Chromebook left".to_owned()))?;
        match issue_certificate::issue(self.service, &cast.coordinator, &unit.id) {
            Err(Error::Refused(refusal)) => {
                self.step("A certificate for a Chromebook that was only reset is refused");
                Ok(Refused { tag: unit.tag.to_string(), asset: unit.id.to_string(), missing: refusal.missing })
            }
            Err(other) => Err(other),
            Ok(issued) => Err(Error::Fault(format!("{} was issued although the record does not support it", issued.number))),
        }
    }
}

const RECYCLER: &str = "Prairie Circular Electronics";
const RECYCLER_SITE: &str = "Harvest Road plant";
const REFURBISHER: &str = "Second Bell Refurbishing";
const REFURBISHER_SITE: &str = "Mill Street workshop";

/// The drives of the recycler's bench.
struct Disks {
    failed: Vec<Unit>,
    cleared: Vec<Unit>,
}

/// A receipt of everything at once, by the receiver's own people.
fn received(consignment: ConsignmentId, containers: Vec<ContainerReceived>, scans: Vec<Scan>) -> ReceiveConsignment {
    ReceiveConsignment { consignment, containers, scans, quantities: Vec::new(), counted: None, more_to_come: false, transcribed: None, file: None }
}

/// The last device of a kind, and the others.
fn split_off(mut units: Vec<Unit>, key: &str) -> Result<(Unit, Vec<Unit>)> {
    let place = units.iter().rposition(|unit| unit.key == key).ok_or_else(|| Error::Fault(format!("the story has no {key} to lose")))?;
    let unit = units.remove(place);
    Ok((unit, units))
}
