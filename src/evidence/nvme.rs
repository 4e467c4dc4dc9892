//! Reads what nvme-cli prints: `sanitize-log` and `id-ctrl` (also `list`), as JSON of every generation, as text, or both in one transcript.
//!
//! A sanitize log names no serial number, so it is bound only by an identification that the same file has for the same device. A status that is
//! missing is not a status of zero.

use serde_json::Value;

use super::members::{self, Object, documents, figure, member, number, words};
use super::reading::{Kind, MediaKind, MediumReading, Notes, Outcome, Reading, short, usable_serial};
use super::{Given, MAX_RECORDS};
use crate::domain::names::Technique;

/// The format's name.
pub const NAME: &str = "nvme-cli";
const READER_VERSION: u32 = 1;

/// What SPROG stands at while nothing is in progress.
const AT_REST: u64 = 65_535;

/// Keys or lines that only nvme-cli writes.
pub fn recognise(given: &Given) -> bool {
    let head = given.head();
    let json = |keys: &[&str]| keys.iter().all(|key| head.contains(&format!("\"{key}\"")));
    json(&["sstat"])
        || json(&["sn", "mn", "fr"])
        || json(&["DevicePath", "SerialNumber", "ModelNumber"])
        || head.contains("(SSTAT)")
        || head.contains("NVME Identify Controller")
        || head.contains("Success formatting namespace")
        || ["sn", "mn"].iter().all(|key| head.lines().any(|line| line.split_once(':').is_some_and(|(name, _)| name.trim() == *key)))
}

/// Reads the whole file.
pub fn read(given: &Given) -> Reading {
    let mut found = Found::default();
    let (documents, rest) = documents(given);
    for (before, value) in &documents {
        found.lines(before);
        let device = found.device.clone();
        found.value(value, device.as_deref());
        found.has_json = true;
    }
    found.lines(rest);
    found.end_log();
    found.reading()
}

/// What `id-ctrl` says.
#[derive(Default)]
struct Identity {
    device: Option<String>,
    serial: Option<String>,
    model: Option<String>,
    capacity: Option<u64>,
}

/// What one `sanitize-log` says; what it does not say is absent, never zero.
#[derive(Default)]
struct Log {
    device: Option<String>,
    /// The three bits of the sanitize status.
    status: Option<u64>,
    words: Option<String>,
    progress: Option<u64>,
    command: Option<u64>,
    passes: Option<u64>,
    global_erased: Option<bool>,
    verification_canceled: bool,
    /// Of the state machine; 0 is idle.
    state: Option<u64>,
    /// Text that ends before it says which operation the status is about.
    is_cut: bool,
}

/// `nvme sanitize` or `nvme format` as it was typed.
struct Order {
    device: Option<String>,
    is_format: bool,
    technique: Technique,
    words: String,
    outcome: Option<Outcome>,
    /// How many logs were read before it.
    after: usize,
}

#[derive(Default)]
struct Found {
    identities: Vec<Identity>,
    logs: Vec<Log>,
    orders: Vec<Order>,
    open: Option<Log>,
    device: Option<String>,
    has_json: bool,
    left_out: bool,
    /// Whether one identification and one device's logs are all that there is, so that names may be missing.
    is_single: bool,
}

impl Found {
    fn value(&mut self, value: &Value, device: Option<&str>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.value(item, device)),
            Value::Object(object) => self.object(object, device),
            _ => {}
        }
    }

    fn object(&mut self, object: &Object, device: Option<&str>) {
        if self.is_full() {
            return;
        }
        let told = words(object, &["controller", "devicepath", "device", "devname", "namespace"]).and_then(|name| device_of(&name));
        // What stands in one object is about one device, also where it goes without a name.
        let beside = |names: &[&str]| {
            object.values().any(|value| value.as_object().is_some_and(|inner| member(inner, names).is_some())) || member(object, names).is_some()
        };
        let unnamed = || (beside(&["sstat"]) && beside(&["sn", "serialnumber"])).then(|| format!("device {}", self.identities.len() + 1));
        let told = told.or_else(|| device.map(str::to_owned)).or_else(unnamed);
        let device = told.as_deref();
        if let Some(status) = member(object, &["sstat"]) {
            self.logs.push(Log::of(object, status, device));
        }
        let serial = words(object, &["sn", "serialnumber"]);
        let model = words(object, &["mn", "modelnumber"]);
        if serial.is_some() && model.is_some() {
            let capacity = member(object, &["tnvmcap", "physicalsize"]).and_then(number).filter(|bytes| *bytes > 0);
            self.identities.push(Identity { device: device.map(str::to_owned), serial, model, capacity });
        }
        for (key, value) in object.iter().filter(|(key, _)| !members::is_named(key, "sstat")) {
            let named = device_of(key);
            self.value(value, named.as_deref().or(device));
        }
    }

    fn lines(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            // Whatever the file ends with may be cut in the middle of a number.
            if line.ends_with('\n') {
                self.line(line.trim());
            }
        }
    }

    fn line(&mut self, line: &str) {
        if self.is_full() || self.order(line) {
            return;
        }
        if line.contains("Success formatting namespace") {
            self.answered(Outcome::Pass);
        } else if line.to_ascii_lowercase().starts_with("nvme status:") {
            self.answered(Outcome::Fail);
        }
        let value = |mark: &str| line.split_once(mark).and_then(|(_, rest)| rest.trim_start().strip_prefix(':')).map(str::trim);
        if let Some(progress) = value("(SPROG)") {
            self.end_log();
            self.open = Some(Log { device: self.device.clone(), progress: figure(progress), ..Log::default() });
        } else if let Some(status) = value("(SSTAT)") {
            self.log().register(figure(status));
        } else if let Some(command) = value("(SCDW10)") {
            self.log().command = figure(command);
        } else if let Some(state) = value("(SSI)") {
            self.log().state = figure(state).map(|state| state & 0xf);
        } else if let Some(words) = line.strip_prefix("[2:0]") {
            if let Some(log) = self.open.as_mut().filter(|log| log.status.is_some() && log.words.is_none()) {
                log.words = Some(words.trim().to_owned());
            }
        } else if let Some((key, value)) = line.split_once(':') {
            self.identified(key.trim(), value.trim());
        }
    }

    fn is_full(&mut self) -> bool {
        self.left_out |= self.logs.len().max(self.identities.len()).max(self.orders.len()) >= MAX_RECORDS;
        self.left_out
    }

    fn log(&mut self) -> &mut Log {
        let device = self.device.clone();
        self.open.get_or_insert_with(|| Log { device, ..Log::default() })
    }

    fn end_log(&mut self) {
        if let Some(log) = self.open.take().filter(|log| log.progress.is_some() || log.status.is_some()) {
            self.logs.push(Log { is_cut: log.command.is_none(), ..log });
        }
    }

    fn identified(&mut self, key: &str, value: &str) {
        let new = || Identity { device: self.device.clone(), ..Identity::default() };
        match key {
            "sn" => {
                let mut identity = new();
                identity.serial = Some(value.to_owned());
                self.end_log();
                self.identities.push(identity);
            }
            "mn" => {
                if let Some(identity) = self.identities.last_mut().filter(|identity| identity.model.is_none()) {
                    identity.model = Some(value.to_owned()).filter(|model| !model.is_empty());
                }
            }
            "tnvmcap" => {
                if let Some(identity) = self.identities.last_mut().filter(|identity| identity.capacity.is_none()) {
                    identity.capacity = figure(value).filter(|bytes| *bytes > 0);
                }
            }
            _ => {}
        }
    }

    /// `# nvme sanitize /dev/nvme0 -a 2`: what follows is about this device.
    fn order(&mut self, line: &str) -> bool {
        let mut tokens = line.split_whitespace().skip_while(|token| *token != "nvme" && !token.ends_with("/nvme")).skip(1);
        let Some(verb) = tokens.next() else { return false };
        let rest: Vec<&str> = tokens.collect();
        let device = rest.iter().find_map(|token| device_of(token));
        if device.is_none() && !matches!(verb, "list" | "id-ctrl" | "sanitize-log" | "sanitize" | "format") {
            return false;
        }
        self.end_log();
        self.device = device.clone();
        if matches!(verb, "sanitize" | "format") {
            let is_format = verb == "format";
            let (technique, words) = if is_format { format_technique(&rest) } else { sanitize_technique(&rest) };
            self.orders.push(Order { device, is_format, technique, words, outcome: None, after: self.logs.len() });
        }
        true
    }

    fn answered(&mut self, outcome: Outcome) {
        // An answer without the order that it answers says nothing of a device.
        if let Some(order) = self.orders.last_mut().filter(|order| order.outcome.is_none()) {
            order.outcome = Some(outcome);
        }
    }

    /// The only identification of the log's device.
    fn identity_of(&self, device: Option<&str>) -> Option<usize> {
        let same: Vec<usize> =
            (0_usize..).zip(&self.identities).filter(|(_, other)| device.is_some() && other.device.as_deref() == device).map(|(i, _)| i).collect();
        if let [first, others @ ..] = same.as_slice() {
            let serial = |index: usize| self.identities.get(index).and_then(|identity| identity.serial.as_deref()).map(str::trim);
            return others.iter().all(|other| serial(*other) == serial(*first)).then_some(*first);
        }
        match self.identities.as_slice() {
            [only] if self.is_single && (device.is_none() || only.device.is_none()) => Some(0),
            _ => None,
        }
    }

    fn single(&self) -> bool {
        let mut devices =
            self.logs.iter().filter_map(|log| log.device.as_deref()).chain(self.orders.iter().filter_map(|order| order.device.as_deref()));
        let first = devices.next();
        self.identities.len() == 1 && devices.all(|device| Some(device) == first)
    }

    fn reading(mut self) -> Reading {
        let mut notes = Notes::default();
        self.is_single = self.single();
        if self.left_out {
            notes.remark("file", format!("There are {MAX_RECORDS} logs or identifications, and whatever follows them was left out."));
        }
        let mut bound = vec![false; self.identities.len()];
        for (index, log) in (0_usize..).zip(&self.logs) {
            let identity = self.identity_of(log.device.as_deref());
            // A later look at the same sanitize operation of the same device replaces an earlier one.
            let known = log.device.is_some() || identity.is_some();
            let replaced =
                self.logs.iter().skip(index + 1).any(|later| later.device == log.device && (!log.is_over() || later.command == log.command));
            if known && replaced {
                continue;
            }
            let record = log.record(&mut notes);
            self.bind(record, identity, &mut bound, &mut notes);
        }
        for order in &self.orders {
            let followed = self.logs.iter().skip(order.after).any(|log| log.device == order.device || log.device.is_none() || order.device.is_none());
            if order.is_format || !followed {
                let record = order.record(&mut notes);
                self.bind(record, self.identity_of(order.device.as_deref()), &mut bound, &mut notes);
            }
        }
        for (identity, _) in self.identities.iter().zip(bound).filter(|(_, bound)| !bound) {
            let mut record = MediumReading::new(Kind::Identity, identity.device.as_deref().unwrap_or("file"));
            identity.put(&mut record, &mut notes);
            notes.record(record);
        }
        if notes.records.is_empty() {
            notes.remark(
                "file",
                if self.has_json {
                    "The file names no NVMe device and no sanitize status."
                } else {
                    "The file is cut off or damaged, and nothing in it was read; ask for the output of nvme-cli again."
                },
            );
        }
        notes.reading(NAME, READER_VERSION, Some("nvme-cli".to_owned()), None)
    }

    fn bind(&self, mut record: MediumReading, identity: Option<usize>, bound: &mut [bool], notes: &mut Notes) {
        if let Some((index, identity)) = identity.and_then(|index| Some((index, self.identities.get(index)?))) {
            if let Some(bound) = bound.get_mut(index) {
                *bound = true;
            }
            identity.put(&mut record, notes);
        } else {
            notes.remark(
                record.place.as_str(),
                "nvme-cli names no serial number beside a sanitize status; ask for the output of “nvme id-ctrl -o json” of the same device, in one file with this.",
            );
        }
        notes.record(record);
    }
}

impl Identity {
    fn put(&self, record: &mut MediumReading, notes: &mut Notes) {
        record.media_kind = Some(MediaKind::Nvme);
        record.media_serial = self.serial.as_deref().and_then(usable_serial);
        record.model = self.model.as_deref().map(|model| model.trim().to_owned());
        record.capacity_bytes = self.capacity;
        if record.media_serial.is_none() {
            notes.remark(record.place.as_str(), format!("“{}” is not a serial number.", short(self.serial.as_deref().unwrap_or_default().trim())));
        }
    }
}

impl Log {
    fn of(object: &Object, status: &Value, device: Option<&str>) -> Self {
        let mut log = Self {
            device: device.map(str::to_owned),
            progress: member(object, &["sprog"]).and_then(number),
            command: member(object, &["cdw10info", "scdw10", "cdw10"]).and_then(number),
            state: member(object, &["sanitizestateinformation", "ssi"]).and_then(|state| match state {
                Value::Object(state) => leading(&words(state, &["sanitizestate", "sans"])?),
                other => number(other).map(|state| state & 0xf),
            }),
            ..Self::default()
        };
        match status {
            Value::Object(parts) => {
                // One generation writes the status under its own words as the key.
                let told = words(parts, &["status", "sanitizestatus", "sos"])
                    .or_else(|| parts.values().filter_map(members::said).find(|text| text.starts_with('(') && leading(text).is_some()));
                log.status = told.as_deref().and_then(leading);
                log.words = told;
                log.global_erased = member(parts, &["globalerased", "globaldataerased", "gde"]).and_then(truth);
                log.passes = member(parts, &["nocmpltedpasses", "completedpasses", "overwritepassescompleted", "opc"]).and_then(number);
                log.verification_canceled = member(parts, &["mediaverificationcanceled", "mvcncld"]).and_then(truth) == Some(true);
            }
            Value::String(text) if text.trim_start().starts_with('(') => {
                log.status = leading(text);
                log.words = Some(text.clone());
            }
            other => log.register(number(other)),
        }
        log
    }

    /// The register as a number (NVM Express base specification, Sanitize Status log page).
    fn register(&mut self, register: Option<u64>) {
        let Some(register) = register.filter(|register| *register <= 0xffff) else { return };
        self.status = Some(register & 7);
        self.passes = Some(register >> 3 & 31);
        self.global_erased = Some(register >> 8 & 1 == 1);
        self.verification_canceled = register >> 9 & 1 == 1;
    }

    fn is_over(&self) -> bool {
        matches!(self.status, Some(1 | 3 | 4))
    }

    fn technique(&self) -> (Technique, Option<String>) {
        match self.command.map(|command| command & 7) {
            Some(2) => (Technique::NvmeSanitizeBlock, Some("Block Erase".to_owned())),
            Some(3) => (Technique::NvmeSanitizeOverwrite, Some("Overwrite".to_owned())),
            Some(4) => (Technique::NvmeSanitizeCrypto, Some("Crypto Erase".to_owned())),
            _ => (Technique::Unknown, None),
        }
    }

    fn record(&self, notes: &mut Notes) -> MediumReading {
        let place = self.device.as_deref().unwrap_or("file");
        let (technique, technique_words) = self.technique();
        let result = self.outcome(place, notes);
        if technique == Technique::Unknown && self.status != Some(0) {
            notes.remark(place, "The log does not say which sanitize action was taken (SCDW10); ask which it was.");
        }
        let overwrite = technique == Technique::NvmeSanitizeOverwrite;
        let asked = self.command.filter(|_| overwrite).map(|command| match command >> 4 & 15 {
            0 => 16,
            passes => passes,
        });
        MediumReading {
            media_kind: Some(MediaKind::Nvme),
            technique,
            technique_words,
            result,
            passes_done: self.passes.filter(|_| overwrite).and_then(|passes| u32::try_from(passes).ok()),
            passes_requested: asked.and_then(|passes| u32::try_from(passes).ok()),
            ..MediumReading::new(Kind::Sanitization, place)
        }
    }

    fn outcome(&self, place: &str, notes: &mut Notes) -> Outcome {
        let said = self.words.as_deref().unwrap_or_default().to_ascii_lowercase();
        let outcome = match self.status {
            Some(1 | 4) => Outcome::Pass,
            Some(2) => Outcome::InProgress,
            Some(3) => Outcome::Fail,
            Some(0) => {
                notes.remark(place, "The drive says that it has never been sanitized.");
                return Outcome::Inconclusive;
            }
            Some(other) => {
                notes.remark(place, format!("{other} is not a sanitize status that this reader knows."));
                return Outcome::Inconclusive;
            }
            None => {
                notes.remark(place, "The sanitize status is missing or not a number; ask for the output of “nvme sanitize-log -o json” again.");
                return Outcome::Inconclusive;
            }
        };
        if outcome == Outcome::InProgress {
            notes.remark(place, "The sanitize operation was accepted and is not finished; ask for the sanitize log after its end.");
        }
        if outcome != Outcome::Pass {
            return outcome;
        }
        if self.is_cut {
            notes.remark(place, "The sanitize log is not whole; ask for the output of “nvme sanitize-log -o json” again.");
            return Outcome::Inconclusive;
        }
        if ["fail", "progress", "never"].iter().any(|word| said.contains(word)) {
            notes.remark(place, format!("The status number says success and its words do not: “{}”.", short(&said)));
            return Outcome::Inconclusive;
        }
        if self.progress.is_some_and(|progress| progress != AT_REST) || self.state.is_some_and(|state| state != 0) {
            notes.remark(
                place,
                "The status says success, yet the progress or state says that the operation goes on; ask for the sanitize log once more.",
            );
            return Outcome::Inconclusive;
        }
        if self.global_erased == Some(false) {
            notes.remark(
                place,
                "The drive does not report its data as globally erased: it has been written to since the sanitize operation, or does not keep track.",
            );
        }
        if self.verification_canceled {
            notes.remark(place, "The drive's own media verification was cancelled.");
        }
        outcome
    }
}

impl Order {
    fn record(&self, notes: &mut Notes) -> MediumReading {
        let place = self.device.as_deref().unwrap_or("file");
        let result = match self.outcome {
            Some(Outcome::Pass) if self.is_format && self.technique != Technique::Unknown => Outcome::Pass,
            Some(Outcome::Fail) => Outcome::Fail,
            _ if self.is_format => {
                notes.remark(place, "The transcript does not show a format with secure erase that ended well; ask for the command with its answer.");
                Outcome::Inconclusive
            }
            _ => {
                notes.remark(
                    place,
                    "A sanitize command was given, and nothing shows its end; ask for the output of “nvme sanitize-log -o json” after it.",
                );
                Outcome::Inconclusive
            }
        };
        MediumReading {
            media_kind: Some(MediaKind::Nvme),
            technique: self.technique,
            technique_words: Some(self.words.clone()),
            result,
            ..MediumReading::new(Kind::Sanitization, place)
        }
    }
}

/// `(1) Most Recent Sanitize Command Completed Successfully.`, `1`, `0x1`: the number; words without one are none.
fn leading(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix('(') {
        Some(rest) => figure(rest.split_once(')')?.0),
        None => figure(text),
    }
}

fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| number(value).map(|number| number != 0))
}

/// `/dev/nvme0n1` and `nvme0n1` are about the controller `nvme0`.
fn device_of(name: &str) -> Option<String> {
    let name = name.trim_matches(['"', '\'', ',', ';']);
    let name = name.strip_prefix("/dev/").unwrap_or(name);
    let digits = name.strip_prefix("nvme")?;
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (number, space) = digits.split_at_checked(count)?;
    let space = space.strip_prefix('n').map_or(space, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    (!number.is_empty() && space.is_empty()).then(|| format!("nvme{number}"))
}

/// The value of `-a 2`, `-a2`, `--sanact=2` or `--sanact 2`.
fn option<'a>(tokens: &[&'a str], short: &str, long: &str) -> Option<&'a str> {
    let mut tokens = tokens.iter();
    while let Some(token) = tokens.next() {
        if *token == short || *token == long {
            return tokens.next().copied();
        }
        let joined = token.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
        if let Some(value) = joined.or_else(|| token.strip_prefix(short).map(|value| value.trim_start_matches('='))) {
            return Some(value);
        }
    }
    None
}

fn sanitize_technique(tokens: &[&str]) -> (Technique, String) {
    let action = option(tokens, "-a", "--sanact").unwrap_or_default();
    let technique = match (figure(action), action) {
        (Some(2), _) | (_, "start-block-erase") => Technique::NvmeSanitizeBlock,
        (Some(3), _) | (_, "start-overwrite") => Technique::NvmeSanitizeOverwrite,
        (Some(4), _) | (_, "start-crypto-erase") => Technique::NvmeSanitizeCrypto,
        _ => Technique::Unknown,
    };
    (technique, format!("nvme sanitize, action {}", short(action)).trim_end_matches(", action ").to_owned())
}

fn format_technique(tokens: &[&str]) -> (Technique, String) {
    let setting = option(tokens, "-s", "--ses").unwrap_or_default();
    let technique = match figure(setting) {
        Some(1) => Technique::NvmeFormat,
        Some(2) => Technique::NvmeFormatCrypto,
        _ => Technique::Unknown,
    };
    (technique, format!("nvme format, secure erase setting {}", short(setting)).trim_end_matches(", secure erase setting ").to_owned())
}
