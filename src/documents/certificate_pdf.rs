//! The pages of a certificate, drawn from its credential and the proof that travels with it, and from nothing else.

use super::certificate_credential::Kind;
use super::layout::{Ink, MARGIN, MEASURE, Sheet, Style};
use super::pdf_file::{About, Attachment, NotDrawable, assemble};
use super::sheet::{self, BODY, Head, SECTION, SMALL, STRONG, capitalised, section, weight, when};
use super::table::{Column, Pair, Row, pairs, table};
use super::typeface::{Cut, Faces};
use crate::domain::names::{Category, IdentifiedBy, Instant, MediaType, Method, Sensitivity, Technique, WeightBasis};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Name of what the pages look like. It pins faces, words and places: whoever changes a byte of the result for the same inputs gives the
/// changed template a new name, so that `certificate.rendered` entries stay true.
pub const TEMPLATE: &str = "certificate-1";

/// What the pages are drawn from; every one of these travels inside the file, byte for byte.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The signed credential: `certificate.vc.json`.
    pub credential: &'a [u8],
    /// Its `certificate.issued` entry: `certificate.entry.json`.
    pub entry: &'a [u8],
    /// That entry's proof against the first checkpoint that covers it: `certificate.tlog-proof`.
    pub tlog_proof: &'a [u8],
    /// The status list credential of that moment: `status.vc.json`.
    pub status: &'a [u8],
    /// Further files by name: cited entries and their proofs (`entries-12.json`, `entries-12.tlog-proof`), `did.json`.
    pub further: &'a [(String, Vec<u8>)],
}

const CLOSING: Style = Style::new(Cut::Bold, 8.4, Ink::Text);

/// What a certificate shows, and what it does not.
const LIMITS: &str = "This shows who stated what and when, and that it is unchanged. It does not show that the statement was true.";

/// Draws the certificate: PDF 1.7 on US Letter, one revision, the same bytes for the same inputs.
///
/// The inputs are checked against each other (the entry against its proof, the status list against the credential), not against any key: that is `verify`'s work.
pub fn render(inputs: &Inputs<'_>) -> Result<Vec<u8>, NotDrawable> {
    let credential = json("credential", inputs.credential)?;
    let entry = json("certificate.issued entry", inputs.entry)?;
    let status = json("status list credential", inputs.status)?;
    let proof = LogProof::read(inputs.tlog_proof)?;
    let certificate = Certificate::new(&credential)?;
    let index = entry.get("seq").and_then(Value::as_u64).ok_or_else(|| NotDrawable::Missing("seq of the entry".to_owned()))?;
    let log = text(&entry, "log").ok_or_else(|| NotDrawable::Missing("log of the entry".to_owned()))?;
    if index != proof.index || log != proof.origin {
        return Err(NotDrawable::Contradiction(format!(
            "the entry is number {index} of {log}, the proof is of number {} of {}",
            proof.index, proof.origin
        )));
    }

    if text(&entry, "event") != Some("certificate.issued") {
        return Err(NotDrawable::Contradiction(format!("entry {index} does not record that a certificate was issued")));
    }
    let list_named = credential.get("credentialStatus").and_then(|s| text(s, "statusListCredential"));
    if list_named.is_none() || list_named != text(&status, "id") {
        return Err(NotDrawable::Contradiction("the status list given is not the one that the credential names".to_owned()));
    }

    let faces = Faces::shared()?;
    let mut sheet = Sheet::new(faces);
    head(&mut sheet, &certificate)?;
    device(&mut sheet, &certificate);
    media(&mut sheet, &certificate);
    sheet.together(|sheet| people(sheet, &certificate));
    sheet.together(|sheet| custody(sheet, &certificate));
    sheet.together(|sheet| disposition(sheet, &certificate));
    policy(&mut sheet, &certificate);
    ledger(&mut sheet, &certificate, &proof, inputs, &status);
    if sheet.stood_in() {
        sheet.skip(6.0);
        sheet.paragraph(
            MARGIN,
            MEASURE,
            "\u{fffd} stands for a character that this document's typeface lacks; the attached certificate.vc.json has it.",
            SMALL,
        );
    }
    let drawn = sheet.finish(&certificate.number, &certificate.issuer);

    let mut fingerprint = Sha256::new();
    let fixed = [
        ("certificate.vc.json", inputs.credential),
        ("certificate.entry.json", inputs.entry),
        ("certificate.tlog-proof", inputs.tlog_proof),
        ("status.vc.json", inputs.status),
    ];
    // By name: whoever draws again has the parts of a bundle in that order, and not in the order in which the log was asked.
    let mut further: Vec<(&str, &[u8])> = inputs.further.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    further.sort_unstable();
    let files = fixed.iter().copied().chain(further);
    fingerprint.update(TEMPLATE.as_bytes());
    let mut attachments = Vec::new();
    for (name, bytes) in files {
        // Each part by its own digest, so that no two sets of parts run into the same stream of bytes.
        fingerprint.update(Sha256::digest(name.as_bytes()));
        fingerprint.update(Sha256::digest(bytes));
        attachments.push(Attachment { name: name.to_owned(), media_type: media_type(name), description: description(name), bytes });
    }
    let about = About {
        title: &certificate.name,
        author: &certificate.issuer,
        subject: &format!("{} for asset {}", certificate.title, certificate.subject_text("assetTag")),
        created: &certificate.valid_from,
        fingerprint: fingerprint.finalize().into(),
    };
    assemble(drawn, faces, &about, attachments)
}

fn media_type(name: &str) -> &'static str {
    match name {
        _ if name.ends_with(".vc.json") => "application/vc",
        _ if name.ends_with(".json") => "application/json",
        _ if name.ends_with(".tlog-proof") || name.ends_with(".txt") => "text/plain",
        _ => "application/octet-stream",
    }
}

fn description(name: &str) -> &'static str {
    match name {
        "certificate.vc.json" => "The signed certificate, a W3C Verifiable Credential",
        "certificate.entry.json" => "The ledger entry that records it",
        "certificate.tlog-proof" => "Proof that the entry is in the log, a C2SP tlog-proof",
        "status.vc.json" => "The status list when the pages were drawn",
        _ if name.ends_with(".tlog-proof") => "Proof that an entry is in the log, a C2SP tlog-proof",
        _ => "Supports the certificate",
    }
}

fn json(input: &'static str, bytes: &[u8]) -> Result<Value, NotDrawable> {
    serde_json::from_slice(bytes).map_err(|e| NotDrawable::Unreadable { input, why: e.to_string() })
}

/// A member's text.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// A member as a list; one object counts as a list of one.
fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    match value.get(name) {
        Some(Value::Array(items)) => items,
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        _ => &[],
    }
}

/// What every certificate has, taken out of the credential.
struct Certificate<'a> {
    credential: &'a Value,
    subject: &'a Value,
    id: String,
    name: String,
    title: String,
    number: String,
    issuer: String,
    valid_from: String,
    kind: Option<Kind>,
}

impl<'a> Certificate<'a> {
    fn new(credential: &'a Value) -> Result<Self, NotDrawable> {
        let missing = |member: &str| NotDrawable::Missing(format!("{member} of the credential"));
        let required = |member: &str| text(credential, member).map(str::to_owned).ok_or_else(|| missing(member));
        let (id, name) = (required("id")?, required("name")?);
        let number = id.rsplit('/').next().filter(|n| !n.is_empty()).ok_or_else(|| missing("a number in the id"))?.to_owned();
        let issuer = credential.get("issuer").and_then(|i| text(i, "name")).ok_or_else(|| missing("issuer.name"))?.to_owned();
        let subject = credential.get("credentialSubject").filter(|s| s.is_object()).ok_or_else(|| missing("credentialSubject"))?;
        let title = name.strip_suffix(&number).unwrap_or(&name).trim().to_owned();
        let kind = [Kind::Sanitization, Kind::Destruction, Kind::Recycling]
            .into_iter()
            .find(|kind| list(credential, "type").iter().any(|t| t == kind.type_name()));
        Ok(Self { credential, subject, title, number, issuer, valid_from: required("validFrom")?, id, name, kind })
    }

    fn subject_text(&self, member: &str) -> &'a str {
        text(self.subject, member).unwrap_or("")
    }
}

/// What the pages quote of a C2SP tlog-proof.
struct LogProof {
    index: u64,
    origin: String,
    size: String,
    root: String,
    /// Names on signature lines other than the log's own.
    cosigners: Vec<String>,
}

impl LogProof {
    fn read(bytes: &[u8]) -> Result<Self, NotDrawable> {
        let refused = |why: &str| NotDrawable::Unreadable { input: "tlog-proof", why: why.to_owned() };
        let whole = std::str::from_utf8(bytes).map_err(|_| refused("it is not UTF-8"))?;
        let (top, checkpoint) = whole.split_once("\n\n").ok_or_else(|| refused("it has no checkpoint"))?;
        let mut lines = top.lines();
        if lines.next() != Some("c2sp.org/tlog-proof@v1") {
            return Err(refused("its first line is not c2sp.org/tlog-proof@v1"));
        }
        let index = lines.find_map(|line| line.strip_prefix("index ")).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let index = index.and_then(|digits| digits.parse().ok()).ok_or_else(|| refused("it has no index"))?;
        let (note, signatures) = checkpoint.split_once("\n\n").ok_or_else(|| refused("its checkpoint is not signed"))?;
        let mut note = note.lines();
        let (Some(origin), Some(size), Some(root)) = (note.next(), note.next(), note.next()) else {
            return Err(refused("its checkpoint is cut short"));
        };
        if size.is_empty() || !size.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refused("its tree size is not a number"));
        }
        let mut cosigners: Vec<String> = Vec::new();
        for name in signatures.lines().filter_map(|line| line.strip_prefix("— ")?.split_once(' ').map(|(name, _)| name)) {
            if name != origin && !cosigners.iter().any(|known| known == name) {
                cosigners.push(name.to_owned());
            }
        }
        Ok(Self { index, origin: origin.to_owned(), size: size.to_owned(), root: root.to_owned(), cosigners })
    }
}

/// `Nov 23, 2026`
fn day(rfc3339: &str) -> String {
    Instant::parse(rfc3339)
        .or_else(|_| Instant::parse(&format!("{rfc3339}T00:00:00Z")))
        .map_or_else(|_| rfc3339.to_owned(), |at| at.utc().format("%b %-d, %Y").to_string())
}

/// Decimal units, as makers print them: `512 GB`, `1.0 TB`.
fn capacity(bytes: u64) -> String {
    const GB: u64 = 1_000_000_000;
    if bytes >= 1000 * GB {
        let tenths = (bytes + 50 * GB) / (100 * GB);
        format!("{}.{} TB", tenths / 10, tenths % 10)
    } else if bytes >= GB {
        format!("{} GB", (bytes + GB / 2) / GB)
    } else {
        format!("{bytes} bytes")
    }
}

/// The words for a code, or the code itself where this version does not know it.
macro_rules! words {
    ($names:ty, $code:expr) => {{
        let code: &str = $code;
        <$names>::parse(code).map_or_else(|_| code.to_owned(), |known| known.label().to_owned())
    }};
}

fn head(sheet: &mut Sheet<'_>, certificate: &Certificate<'_>) -> Result<(), NotDrawable> {
    let mut issued = format!("Issued {}", when(&certificate.valid_from));
    if let Some(previous) = text(certificate.credential, "supersedes") {
        issued.push_str(&format!(" · replaces {}", previous.rsplit('/').next().unwrap_or(previous)));
    }
    let Certificate { issuer, title, number, id, .. } = certificate;
    sheet::head(sheet, &Head { organisation: issuer, title, number, small: &issued, code: Some((id, "check this certificate")) })?;
    let count = list(certificate.subject, "media").len();
    let lead = match (certificate.kind, count, certificate.subject.get("noStorage").is_some()) {
        (_, 0, true) => "The device below was attested to hold no data storage. Who attested it, and what became of the device, stands below.",
        (Some(Kind::Recycling) | None, _, _) | (_, 0, false) => {
            "This certificate is about what became of the material of the device below. By itself it says nothing about data."
        }
        (Some(Kind::Destruction), 1, _) => "The storage medium of the device below was destroyed as stated here.",
        (Some(Kind::Destruction), _, _) => "Every storage medium recorded for the device below was destroyed as stated here.",
        (Some(Kind::Sanitization), 1, _) => "The storage medium of the device below was sanitized as stated here.",
        (Some(Kind::Sanitization), _, _) => "Every storage medium recorded for the device below was sanitized as stated here.",
    };
    sheet.paragraph(MARGIN, MEASURE, lead, BODY);
    sheet.skip(2.0);
    Ok(())
}

fn device(sheet: &mut Sheet<'_>, certificate: &Certificate<'_>) {
    section(sheet, "Device");
    let subject = certificate.subject;
    let get = |name: &str| text(subject, name).unwrap_or("not recorded").to_owned();
    let mut shown = vec![
        Pair::new("Asset tag", get("assetTag")),
        Pair::new("Serial number", get("serialNumber")),
        Pair::new("Maker", get("manufacturer")),
        Pair::new("Model", get("model")),
        Pair::new("Category", capitalised(&words!(Category, &get("category")))),
        Pair::new("Came from", get("site")),
        Pair::new("Sensitivity of its data", capitalised(&words!(Sensitivity, &get("sensitivity")))),
    ];
    if let Some(condition) = text(subject, "condition") {
        shown.push(Pair::new("Condition as found", capitalised(condition)));
    }
    pairs(sheet, MARGIN, MEASURE, 4, &shown);
}

fn media(sheet: &mut Sheet<'_>, certificate: &Certificate<'_>) {
    if let Some(none) = certificate.subject.get("noStorage") {
        section(sheet, "Data storage");
        let who = none.get("attestedBy").map(said_by).filter(|who| !who.is_empty()).unwrap_or_else(|| "Somebody not named".to_owned());
        sheet.paragraph(MARGIN, MEASURE, &format!("{who}, attested that this device holds no data storage.{}", entry_of(none)), BODY);
        if let Some(basis) = text(none, "basis") {
            sheet.paragraph(MARGIN, MEASURE, &format!("Basis: {basis}"), SMALL);
        }
    }
    let media = list(certificate.subject, "media");
    if media.is_empty() {
        return;
    }
    section(sheet, if media.len() == 1 { "Storage medium" } else { "Storage media" });
    let columns = [
        Column::new("Medium, serial number", 23),
        Column::new("Type, capacity", 14),
        Column::new("Method", 14),
        Column::new("Technique, tool", 20),
        Column::new("Verification", 16),
        Column::new("Completed", 13),
    ];
    let rows: Vec<Row> = media.iter().map(medium).collect();
    table(sheet, &columns, &rows);
}

fn medium(medium: &Value) -> Row {
    let empty = Value::Null;
    let act = medium.get("sanitization").unwrap_or(&empty);
    let get = |value: &Value, name: &str| text(value, name).unwrap_or("").to_owned();
    let line = |text: String| (text, Cut::Regular);
    let identified = match text(medium, "identifiedBy") {
        Some("host_serial") => IdentifiedBy::HostSerial.label().to_owned(),
        Some(code) => words!(IdentifiedBy, code),
        None => String::new(),
    };
    let mut identity = vec![(get(medium, "serialNumber"), Cut::Bold)];
    identity.extend(text(medium, "model").map(|model| line(model.to_owned())));
    identity.push(line(identified));
    let mut kind = vec![line(capitalised(&words!(MediaType, &get(medium, "storageType"))))];
    kind.extend(medium.get("capacityBytes").and_then(Value::as_u64).map(|bytes| line(capacity(bytes))));
    let method = vec![
        (capitalised(&words!(Method, &get(act, "method"))), Cut::Bold),
        line(format!("required:\u{a0}{}", words!(Method, &get(medium, "requiredMethod")))),
    ];
    let mut technique = vec![line(capitalised(&words!(Technique, &get(act, "technique"))))];
    if let Some(tool) = text(act, "tool") {
        technique.push(line(match text(act, "toolVersion") {
            Some(version) if version.starts_with(|c: char| c.is_ascii_digit()) => format!("{tool} {version}"),
            Some(version) => format!("{tool}, {version}"),
            None => tool.to_owned(),
        }));
    }
    let mut verification = vec![line(capitalised(text(act, "verificationWords").or(text(act, "verification")).unwrap_or("")))];
    verification.push(line(format!("result: {}", get(act, "result"))));
    let completed = Instant::parse(&get(act, "completedAt")).map_or_else(
        |_| vec![line(get(act, "completedAt"))],
        |at| vec![line(at.utc().format("%b %-d, %Y").to_string()), line(at.utc().format("%H:%M UTC").to_string())],
    );
    let mut note = vec![format!("Basis: {} (rule {})", get(act, "basis"), get(act, "rule"))];
    note.extend(text(act, "residualRisk").map(|risk| format!("Residual risk accepted: {risk}")));
    note.extend(text(medium, "destination").map(|destination| format!("Went to: {destination}")));
    note.extend(text(act, "evidenceSha256").map(|digest| format!("Evidence\u{a0}SHA-256\u{a0}{digest}")));
    note.extend(act.get("ledgerIndex").and_then(Value::as_u64).map(|index| format!("entry\u{a0}{index}")));
    Row { cells: vec![identity, kind, method, technique, verification, completed], note: Some(note.join("\u{a0}· ")) }
}

/// `Dana Reyes, Lead technician, North River Recycling`
fn said_by(person: &Value) -> String {
    [text(person, "name"), text(person, "title"), text(person, "party")].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// ` Entry 12.`, or nothing.
fn entry_of(value: &Value) -> String {
    value.get("ledgerIndex").and_then(Value::as_u64).map_or_else(String::new, |index| format!(" Entry {index}."))
}

fn people(sheet: &mut Sheet<'_>, certificate: &Certificate<'_>) {
    let empty = Value::Null;
    let people = certificate.subject.get("people").unwrap_or(&empty);
    let mut blocks: Vec<(&str, Vec<(String, Style)>)> = Vec::new();
    for (role, member) in [("Performed and reported by", "performedAndReportedBy"), ("Verified by", "verifiedBy"), ("Accepted by", "acceptedBy")] {
        for person in list(people, member) {
            let mut lines = vec![(text(person, "name").unwrap_or("").to_owned(), STRONG)];
            let fine = |member: &str| text(person, member).map(|words| (words.to_owned(), SMALL));
            lines.extend([fine("title"), fine("party"), fine("location")].into_iter().flatten());
            lines.extend(text(person, "at").map(|at| (when(at), SMALL)));
            lines.extend(text(person, "recorded").map(|how| (capitalised(how), SMALL)));
            blocks.push((role, lines));
        }
    }
    if let Some(keeper) = people.get("recordKeptBy").and_then(|k| text(k, "name")) {
        blocks.push(("Record kept by", vec![(keeper.to_owned(), STRONG)]));
    }
    if blocks.is_empty() {
        return;
    }
    section(sheet, "Who stands behind it");
    let width = MEASURE / 4.0;
    for row in blocks.chunks(4) {
        sheet.together(|sheet| {
            let measured: Vec<(&str, Vec<(String, Style)>)> = row
                .iter()
                .map(|(role, lines)| {
                    let wrapped = lines
                        .iter()
                        .flat_map(|(text, style)| sheet.faces.wrap(text, style.cut, style.size, width - 12.0).into_iter().map(|line| (line, *style)));
                    (*role, wrapped.collect())
                })
                .collect();
            let tallest = measured.iter().map(|(_, lines)| lines.iter().map(|(_, style)| style.leading()).sum::<f32>()).fold(0.0, f32::max);
            let height = tallest + SMALL.leading() + 8.0;
            sheet.need(height);
            let mut x = MARGIN;
            for (role, lines) in measured {
                sheet.fill(x, sheet.y, width - 12.0, 1.2, Ink::Accent);
                sheet.within("P", |sheet| {
                    let mut top = sheet.y + 4.0;
                    sheet.line_at(x, top, role, SMALL);
                    top += SMALL.leading();
                    for (line, style) in lines {
                        sheet.line_at(x, top, &line, style);
                        top += style.leading();
                    }
                });
                x += width;
            }
            sheet.skip(height);
        });
    }
}

fn custody(sheet: &mut Sheet<'_>, certificate: &Certificate<'_>) {
    let Some(custody) = certificate.subject.get("custody") else { return };
    section(sheet, "Custody");
    let mut sentence = capitalised(text(custody, "gap").unwrap_or(""));
    if let Some(hours) = custody.get("longestIntervalHours").and_then(Value::as_u64) {
        sentence.push_str(&format!("; longest interval {hours} {}", if hours == 1 { "hour" } else { "hours" }));
    }
    if let Some(between) = text(custody, "longestIntervalBetween") {
        sentence.push_str(&format!(", between {between}"));
    }
    sheet.paragraph(MARGIN, MEASURE, &format!("{sentence}."), BODY);
    let handoffs = list(custody, "handoffs");
    if handoffs.is_empty() {
        return;
    }
    sheet.skip(4.0);
    let columns = [
        Column::new("Released by", 28),
        Column::new("Received by", 28),
        Column::new("Released", 14),
        Column::new("Received", 14),
        Column::new("Consignment, entries", 16),
    ];
    let rows: Vec<Row> = handoffs
        .iter()
        .map(|handoff| {
            let get = |name: &str| text(handoff, name).unwrap_or("").to_owned();
            let date = |name: &str| {
                Instant::parse(&get(name)).map_or_else(
                    |_| vec![(get(name), Cut::Regular)],
                    |at| vec![(at.utc().format("%b %-d, %Y").to_string(), Cut::Regular), (at.utc().format("%H:%M UTC").to_string(), Cut::Regular)],
                )
            };
            let entries: Vec<String> = list(handoff, "ledgerIndexes").iter().map(Value::to_string).collect();
            let consignment = handoff.get("consignment").map_or("", |c| text(c, "name").or(c.as_str()).unwrap_or(""));
            let cells = vec![
                vec![(get("from"), Cut::Regular)],
                vec![(get("to"), Cut::Regular)],
                date("releasedAt"),
                date("receivedAt"),
                vec![(consignment.to_owned(), Cut::Regular), (format!("entries {}", entries.join(", ")), Cut::Regular)],
            ];
            let note = text(handoff, "receiptStatement").map(|statement| format!("Receipt: {statement}."));
            Row { cells, note }
        })
        .collect();
    table(sheet, &columns, &rows);
}

fn disposition(sheet: &mut Sheet<'_>, certificate: &Certificate<'_>) {
    let Some(disposition) = certificate.subject.get("disposition") else { return };
    section(sheet, "What became of the material");
    let grams = |name: &str| disposition.get(name).and_then(Value::as_u64).map(weight);
    let get = |name: &str| text(disposition, name).unwrap_or("not recorded").to_owned();
    let mut shown = vec![
        Pair::new("Outcome", capitalised(text(disposition, "outcomeWords").or(text(disposition, "outcome")).unwrap_or(""))).wide(2),
        Pair::new("Weight", grams("weightGrams").unwrap_or_default()),
        Pair::new("Weight is", capitalised(&words!(WeightBasis, &get("weightBasis")))),
    ];
    let parts = [("Material recovered", "recoveredGrams"), ("Burned, energy recovered", "energyGrams"), ("Landfilled", "landfillGrams")];
    shown.extend(parts.into_iter().filter_map(|(label, name)| grams(name).map(|value| Pair::new(label, value))));
    shown.push(Pair::new("Processor", get("processor")).wide(2));
    let index = disposition.get("ledgerIndex").and_then(Value::as_u64).map_or_else(String::new, |index| format!(", entry {index}"));
    shown.push(Pair::new("Recorded", format!("{}{index}", day(&get("recordedAt")))).wide(2));
    pairs(sheet, MARGIN, MEASURE, 4, &shown);
}

fn policy(sheet: &mut Sheet<'_>, certificate: &Certificate<'_>) {
    let Some(policy) = certificate.subject.get("policy") else { return };
    sheet.together(|sheet| {
        section(sheet, "Policy and entries relied on");
        let get = |name: &str| text(policy, name).unwrap_or("").to_owned();
        let standing = if policy.get("adopted") == Some(&Value::Bool(true)) {
            let on = text(policy, "adoptedOn").map_or_else(String::new, |on| format!(" on {}", day(on)));
            let reference = text(policy, "adoptionReference").map_or_else(String::new, |reference| format!(", {reference}"));
            format!("adopted by {}{on}{reference}", certificate.issuer)
        } else {
            format!("a starter pack that {} has not adopted", certificate.issuer)
        };
        sheet.paragraph(MARGIN, MEASURE, &format!("{}, version {}: {standing}.", get("name"), get("version")), BODY);
        sheet.paragraph(MARGIN, MEASURE, &format!("SHA-256 {}", get("digest")), SMALL);
        let cited: Vec<String> = list(certificate.credential, "evidence")
            .iter()
            .filter_map(|e| Some(format!("{}\u{a0}{}", e.get("ledgerIndex").and_then(Value::as_u64)?, text(e, "name")?)))
            .collect();
        if !cited.is_empty() {
            sheet.skip(2.0);
            sheet.paragraph(MARGIN, MEASURE, &format!("Ledger entries: {}", cited.join("\u{a0}· ")), SMALL);
        }
    });
}

fn ledger(sheet: &mut Sheet<'_>, certificate: &Certificate<'_>, proof: &LogProof, inputs: &Inputs<'_>, status: &Value) {
    let digest: String = Sha256::digest(inputs.credential).iter().map(|byte| format!("{byte:02x}")).collect();
    let witnessed = if proof.cosigners.is_empty() { "nobody yet".to_owned() } else { proof.cosigners.join(", ") };
    let bit = certificate.credential.get("credentialStatus").and_then(|s| text(s, "statusListIndex")).unwrap_or("");
    let shown = [
        Pair::new("Log", proof.origin.clone()).wide(2),
        Pair::new("Entry of this certificate", format!("{} (leaf index)", proof.index)),
        Pair::new("Witnessed by", witnessed),
        Pair::new("Root of the tree", proof.root.clone()).wide(3),
        Pair::new("Tree size", proof.size.clone()),
        Pair::new("SHA-256 of certificate.vc.json", digest).wide(4),
    ];
    let status_line = format!(
        "Status list attached as of {}, bit {bit}: it can show a revocation, never rule out a later one. Today's is online.",
        text(status, "validFrom").map_or_else(|| "an unstated time".to_owned(), when)
    );
    let (inset, width) = (MARGIN + 12.0, MEASURE - 24.0);
    // Drawn twice: once to learn how tall the box is, then upon its ground.
    let draw = |sheet: &mut Sheet<'_>| {
        sheet.skip(8.0);
        sheet.within("H2", |sheet| sheet.line_at(inset, sheet.y, "Record and how to check it", SECTION));
        sheet.skip(SECTION.leading() + 3.0);
        pairs(sheet, inset, width, 4, &shown);
        sheet.paragraph(inset, width, &format!("Online: {}", certificate.id), BODY);
        sheet.paragraph(inset, width, "Offline, with this file and keys that reached you another way: quittance verify FILE --trust keys/", BODY);
        sheet.skip(3.0);
        sheet.paragraph(inset, width, &status_line, SMALL);
        sheet.skip(3.0);
        sheet.paragraph(inset, width, LIMITS, CLOSING);
        sheet.skip(7.0);
    };
    sheet.skip(9.0);
    let mut rehearsal = Sheet::new(sheet.faces);
    let from = rehearsal.y;
    draw(&mut rehearsal);
    let height = rehearsal.y - from;
    sheet.need(height);
    sheet.fill(MARGIN, sheet.y, MEASURE, height, Ink::Tint);
    sheet.fill(MARGIN, sheet.y, 2.4, height, Ink::Accent);
    draw(sheet);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(day("2026-08-02"), "Aug 2, 2026");
        assert_eq!(
            (capacity(512_110_190_592), capacity(1_000_204_886_016), capacity(15_931_539_456)),
            ("512 GB".into(), "1.0 TB".into(), "16 GB".into())
        );
    }

    #[test]
    fn a_proof_is_read_strictly() {
        let good =
            "c2sp.org/tlog-proof@v1\nindex 4\nqq70=\n\nitad.example/ledger\n5\n3o9u=\n\n— itad.example/ledger e2fr\n— witness.example/w1 VniO\n";
        let proof = LogProof::read(good.as_bytes()).unwrap();
        assert_eq!(
            (proof.index, proof.origin.as_str(), proof.size.as_str(), proof.cosigners.as_slice()),
            (4, "itad.example/ledger", "5", &["witness.example/w1".to_owned()][..])
        );
        for bad in
            [good.replace("@v1", "@v2"), good.replace("index 4", "index +4"), good.replace("\n5\n", "\nfive\n"), good.replace("\n\n— ", "\n— ")]
        {
            assert!(LogProof::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
