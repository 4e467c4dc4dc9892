//! What people think of: for each command, who gives it and with what body, fitting or nearly so.

use super::*;

fn coordinator(n: u32) -> Actor {
    actor(Role::Coordinator, DISTRICT, n)
}
fn approver() -> Actor {
    actor(Role::Approver, DISTRICT, 1)
}

fn administrator() -> Actor {
    actor(Role::Administrator, DISTRICT, 1)
}
fn service() -> Actor {
    actor(Role::Service, DISTRICT, 0)
}

/// The people of whoever has a device; for the organisation the n-th coordinator.
fn holder_of(party: &str, n: u32) -> Actor {
    if party == DISTRICT { coordinator(n) } else { actor(Role::VendorOperator, party, n) }
}

fn register_asset(w: &mut World) -> Option<(Actor, Value)> {
    if w.story.known().assets.all().count() > 40 && !w.dice.one_in(6) {
        return None;
    }
    let n = if w.dice.one_in(12) { 1 } else { w.number() };
    let media: Vec<Value> = (0..w.dice.below(3)).map(|_| w.new_medium()).collect();
    let source = w.dice.of(&["general", "e_rate", "federal_award", "lease"]).unwrap();
    let day = w.dice.of(&["2018-05-01", "2025-01-15", "2035-01-01", "2020-02-29"]).unwrap();
    let funding = if w.dice.one_in(2) {
        json!({"source": source, "installed_on": if w.dice.one_in(4) { None } else { Some(day) }, "awarded_on": if w.dice.one_in(2) { None } else { Some(day) }})
    } else {
        Value::Null
    };
    let status = w.dice.of(&["in_stock", "in_service", "in_service", "in_stock", "in_service", "retired"]).unwrap();
    let sensitivity = w.dice.of(&["low", "moderate"]).unwrap();
    let serial = if w.dice.one_in(10) { None } else { Some(format!("SER-{n}")) };
    let cost = w.dice.of(&[Some(40_000), Some(700_000), None]).unwrap();
    let (manufacturer, model) = w
        .dice
        .of(&[
            ("M", "Model"),
            ("M", "Model"),
            ("M", "Model"),
            ("M", "Model"),
            ("Dell", "Chromebook 3100"),
            ("Lenovo", "ThinkPad L14"),
            ("Dell", "WD19S"),
        ])
        .unwrap();
    let media = if manufacturer == "M" || w.dice.one_in(4) { media } else { Vec::new() };
    let mut body = json!({"tag": format!("T-{n}"), "serial": serial, "category": "laptop", "manufacturer": manufacturer, "model": model,
        "sensitivity": sensitivity, "site": "Site", "status": status, "funding": funding, "cost_cents": cost, "media": media});
    match w.dice.below(40) {
        0 => body["purchased_on"] = json!("1960-01-01"),
        1 => body["media"] = (0..201).map(|m| json!({"serial": format!("MANY-{n}-{m}"), "media_type": "hdd_ata"})).collect(),
        2 => body["media"] = json!([{"serial": format!("BIG-{n}"), "media_type": "hdd_ata", "capacity_bytes": 0}]),
        3 => body["asset"] = json!(w.device(|_, _| true).map(|asset| asset.id)),
        4 => body["weight_basis"] = json!("lot"),
        5..=9 => body["weight_grams"] = json!(1_500),
        _ => {}
    }
    Some((coordinator(1), body))
}

fn record_media(w: &mut World) -> Option<(Actor, Value)> {
    let (at_rest, wrong) = (!w.dice.one_in(8), w.dice.one_in(8));
    let expected = |w: &World, asset: &Asset| asset.media.iter().any(|id| w.story.medium(id.as_str()).seen == KnownFrom::Expected);
    let asset = w.device(|w, asset| {
        if wrong {
            return expected(w, asset) && !asset.label().is_gone();
        }
        if !at_rest {
            return !asset.label().is_gone() && (asset.in_transit || asset.is_held_by(HoldKind::Discrepancy));
        }
        asset.media.is_empty()
            && asset.no_storage.is_none()
            && asset.serial.is_some()
            && !asset.in_transit
            && !asset.label().is_gone()
            && asset.holds.is_empty()
    })?;
    let media: Vec<Value> = (0..=w.dice.below(2)).map(|_| w.new_medium()).collect();
    Some((holder_of(asset.holder.party.as_str(), 1), json!({"asset": asset.id, "media": media})))
}

fn attest_no_storage(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| {
        asset.media.is_empty() && asset.no_storage.is_none() && !asset.in_transit && !asset.label().is_gone() && asset.holds.is_empty()
    })?;
    let basis = w.dice.of(&["removed", "removed", "model_has_none"]);
    Some((coordinator(1), json!({"asset": asset.id, "basis": basis})))
}

fn record_loose_media(w: &mut World) -> Option<(Actor, Value)> {
    if w.story.known().media.all().filter(|medium| medium.is_loose()).count() > 10 && !w.dice.one_in(30) {
        return None;
    }
    let soldered = w.dice.one_in(6);
    let mut media: Vec<Value> = (0..w.dice.below(4).max(usize::from(!w.dice.one_in(10)))).map(|_| w.new_medium()).collect();
    media.retain(|medium| soldered || medium["serial"].is_string());
    let who = holder_of(w.dice.of(&[DISTRICT, VENDOR]).unwrap(), 1);
    Some((who, json!({"media": media, "site": "Drawer", "sensitivity": "low"})))
}

fn harvest_medium(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let soldered = w.dice.one_in(10);
    let medium = w.medium(|w, medium| {
        let open = |host: &Asset| matches!(host.status, Status::InStock | Status::InRepair | Status::Retired) && rests(host);
        (medium.identified_by == IdentifiedBy::OwnSerial) != soldered && w.host(medium).is_some_and(open)
    })?;
    let who = if w.dice.one_in(10) { actor(Role::VendorOperator, OTHER, 1) } else { holder_of(&w.medium_holder(&medium), 1) };
    Some((who, json!({"medium": medium.id})))
}

fn install_medium(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|_, medium| medium.is_loose() && matches!(medium.state, MediumState::Cleared | MediumState::Purged))?;
    let at = w.medium_holder(&medium);
    let asset = w.device(|_, asset| {
        asset.no_storage.is_none() && matches!(asset.status, Status::InStock | Status::InRepair | Status::Retired) && rests_with(asset, &at)
    })?;
    Some((coordinator(1), json!({"medium": medium.id, "asset": asset.id})))
}

fn send_to_repair(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.ours(&[Status::InStock, Status::InService])?;
    let mut body = json!({"asset": asset.id, "fault": "board"});
    let mut who = coordinator(1);
    match w.dice.below(11) {
        0..=3 => {}
        4..=6 => body = json!({"asset": asset.id, "fault": "screen", "vendor": VENDOR, "vendor_site": "Site", "contract": "MSA-1"}),
        7 => body = json!({"asset": asset.id, "fault": "screen", "vendor": VENDOR, "vendor_site": "Site"}),
        8 => {
            body = json!({"asset": asset.id, "fault": "screen", "vendor": VENDOR, "vendor_site": "Site", "override": "risk_accepted"});
            who = if w.dice.one_in(3) { coordinator(1) } else { approver() };
        }
        9 => body = json!({"asset": asset.id, "fault": "screen", "vendor": VENDOR, "vendor_site": "Nowhere"}),
        _ => match w.dice.below(3) {
            0 => body = json!({"asset": asset.id, "fault": "screen", "vendor": DISTRICT, "vendor_site": "Site"}),
            1 => body["vendor_site"] = json!("Site"),
            _ => body["contract"] = json!("MSA-1"),
        },
    }
    Some((who, body))
}

fn return_from_repair(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.free(&[Status::InRepair])?;
    let mut media = Vec::new();
    for medium in asset.media.iter().skip(usize::from(w.dice.one_in(10))) {
        let found = w.dice.of(&["same", "same", "returned", "kept", "unaccounted"]).unwrap();
        let replacement = if found == "same" && !w.dice.one_in(5) || w.dice.one_in(2) { Value::Null } else { w.new_medium() };
        media.push(json!({"medium": medium, "found": found, "replacement": replacement}));
    }
    let status = w.dice.of(&["in_stock", "in_service", "in_stock", "in_service", "in_stock", "retired"]).unwrap();
    Some((coordinator(1), json!({"asset": asset.id, "status": status, "media": media})))
}

fn redeploy(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.ours(&[Status::InStock, Status::InService, Status::Retired])?;
    Some((coordinator(1), json!({"asset": asset.id, "site": "School"})))
}

fn retire(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.free(&[Status::InStock, Status::InService, Status::InRepair])?;
    Some((coordinator(1), json!({"asset": asset.id, "reason": "surplus"})))
}

fn return_to_service(w: &mut World) -> Option<(Actor, Value)> {
    let left = w.dice.one_in(4);
    let asset = w.device(|_, asset| asset.status == Status::Retired && rests_with(asset, DISTRICT) && !(left && asset.handoffs.is_empty()))?;
    w.dice.one_in(3).then(|| (coordinator(1), json!({"asset": asset.id, "reason": "needed_again"})))
}

fn assign(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.ours(&[Status::InStock, Status::InService])?;
    let kind = w.dice.of(AssigneeKind::ALL).unwrap();
    let mut body = json!({"asset": asset.id, "kind": kind});
    if matches!(kind, AssigneeKind::Room | AssigneeKind::Cart) != w.dice.one_in(12) {
        body["place"] = json!("ROOM-1");
    }
    if (kind == AssigneeKind::Person) != w.dice.one_in(12) {
        body["assignee_active"] = json!("yes");
        body["active_on"] = json!(if w.dice.one_in(6) { "2090-01-01" } else { "2026-09-01" });
    }
    Some((coordinator(1), body))
}

fn harvest_part(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.ours(&[Status::InRepair, Status::Retired])?;
    if w.story.known().assets.all().count() > 60 || !w.dice.one_in(3) {
        return None;
    }
    let n = w.number();
    let part = w.dice.of(&["screen", "board", "memory"]).unwrap();
    let tag = if w.dice.one_in(2) { Some(format!("PART-{n}")) } else { None };
    let serial = if tag.is_some() || w.dice.one_in(6) { Some(format!("PARTSER-{n}")) } else { None };
    Some((coordinator(1), json!({"asset": asset.id, "part": part, "tag": tag, "serial": serial})))
}

fn evaluate(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.status == Status::Retired && asset.preparation.evaluation.is_none() && asset.consignment.is_none())?;
    let rung = w.dice.of(&[Rung::Redeploy, Rung::Resale, Rung::Recycling, Rung::Donation, Rung::Repair, Rung::Parts]).unwrap();
    let mut rejected = better_than(rung.as_str());
    if w.dice.one_in(8) {
        rejected = better_than("parts");
    }
    Some((coordinator(1), json!({"asset": asset.id, "rung": rung, "rejected": rejected})))
}

fn authorize_surplus(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| {
        let external = asset.preparation.evaluation.as_ref().is_some_and(|evaluation| evaluation.rung >= Rung::Resale);
        asset.status == Status::Retired && external && asset.preparation.authorization.is_none() && asset.holds.is_empty()
    })?;
    let consent = if w.dice.one_in(2) { Some("CONSENT-1") } else { None };
    Some((approver(), json!({"asset": asset.id, "reference": "BOARD-1", "consent": consent})))
}

fn release_accounts(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.status == Status::Retired && asset.preparation.accounts.is_none())?;
    let evidence = if w.dice.one_in(4) { Some(w.file()) } else { None };
    Some((coordinator(1), json!({"asset": asset.id, "reference": "MDM-1", "evidence": evidence})))
}

fn grade(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.status == Status::Retired && asset.data_gone() && rests(asset))?;
    let cosmetic = if w.dice.one_in(10) { 10 } else { 7 };
    Some((holder_of(asset.holder.party.as_str(), 1), json!({"asset": asset.id, "cosmetic": cosmetic, "functional": 5})))
}

fn place_legal_hold(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let (missing, twice) = (w.dice.one_in(3), w.dice.one_in(6));
    let asset = w.device(|_, asset| match missing {
        true => asset.status == Status::Missing,
        false => asset.is_held_by(HoldKind::LegalHold) == twice && !matches!(asset.status, Status::Disposed | Status::WrittenOff),
    })?;
    let reason = w.dice.of(&["litigation", "records_request", "retention", "leak"]).unwrap();
    Some((approver(), json!({"asset": asset.id, "reason": reason, "reference": "CASE-1"})))
}

fn lift(w: &mut World, kind: HoldKind) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.is_held_by(kind))?;
    Some((approver(), json!({"asset": asset.id, "reference": "DONE-1"})))
}
fn lift_legal_hold(w: &mut World) -> Option<(Actor, Value)> {
    lift(w, HoldKind::LegalHold)
}
fn lift_quarantine(w: &mut World) -> Option<(Actor, Value)> {
    lift(w, HoldKind::Quarantine)
}

fn quarantine(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let twice = w.dice.one_in(4);
    let gone = w.dice.one_in(8);
    let asset = w.device(|_, asset| asset.label().is_gone() == gone && asset.is_held_by(HoldKind::Quarantine) == twice)?;
    let container = w.dice.of(&[None, Some("BOX-1"), Some("BOX-2"), Some("BOX-3")]).unwrap();
    let reason = w.dice.of(&["leak", "swollen_battery", "evidence_disputed"]).unwrap();
    Some((coordinator(1), json!({"asset": asset.id, "reason": reason, "container": container})))
}

fn report_missing(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let (listed, travels) = w.dice.of(&[(false, false), (false, false), (true, false), (true, true), (true, true)]).unwrap();
    let gone = w.dice.one_in(8);
    let asset = w.device(|_, asset| asset.label().is_gone() == gone && asset.consignment.is_some() == listed && asset.in_transit == travels)?;
    let last_seen = if w.dice.one_in(5) { "2190-01-01T00:00:00Z" } else { "2026-01-05T08:00:00Z" };
    Some((coordinator(1), json!({"asset": asset.id, "loss": "lost", "last_seen": last_seen, "custodian": "cart", "incident": "INC-1"})))
}

fn record_remote_command(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.status == Status::Missing)?;
    let sent = asset.missing.as_ref().is_some_and(|missing| missing.remote.iter().any(|remote| remote.state.as_str() == "sent"));
    let state = if sent == w.dice.one_in(8) { "sent" } else { w.dice.of(&["confirmed", "expired"]).unwrap() };
    let evidence = if w.dice.one_in(3) { None } else { Some(w.file()) };
    Some((coordinator(1), json!({"asset": asset.id, "command": "lock", "state": state, "evidence": evidence})))
}

fn report_found(w: &mut World) -> Option<(Actor, Value)> {
    let travels = w.dice.one_in(8);
    let asset = w.device(|_, asset| asset.status == Status::Missing && asset.consignment.is_some() == travels)?;
    let party = w.dice.of(&[None, None, Some(VENDOR)]).unwrap();
    w.dice.one_in(2).then(|| (coordinator(1), json!({"asset": asset.id, "site": "Site", "party": party})))
}

fn write_off(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.status == Status::Missing && asset.consignment.is_none())?;
    w.dice.one_in(2).then(|| (approver(), json!({"asset": asset.id, "investigation": "INV-1", "assessment": "BA-1"})))
}

fn report_medium_found(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|_, medium| medium.state == MediumState::Absent)?;
    patiently(w, "report_medium_found", coordinator(1), json!({"medium": medium.id, "site": "Site"}))
}

fn receive_evidence(w: &mut World) -> Option<(Actor, Value)> {
    let n = w.number();
    let digest = format!("{n:064x}");
    let medium = w.medium(|w, medium| w.workable(medium) && !medium.is_destroyed() && medium.state != MediumState::Failed)?;
    let who = holder_of(&w.medium_holder(&medium), 1);
    let serial = medium.serial.clone().or_else(|| w.host(&medium).and_then(|host| host.serial.clone()))?;
    let result = w.dice.of(&["pass", "pass", "aborted"]).unwrap();
    let reading = json!({"technique": "host_overwrite", "result": result, "errors": 0, "complete": true, "hidden_area": "none"});
    w.files.push(digest.clone());
    let mut link = json!({"medium": medium.id, "serial": serial, "reading": reading});
    match w.dice.below(30) {
        0 => link["serial"] = json!("ANOTHER-1"),
        1 => link["medium"] = json!(NOBODY),
        2 => link["reading"]["result"] = json!("inconclusive"),
        _ => {}
    }
    let reader = json!({"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0});
    Some((who, json!({"sha256": digest, "size_bytes": 10, "reader": reader, "links": [link]})))
}

/// A stored file whose bytes are there; once in ten times none that is stored.
fn readable(w: &mut World) -> Option<String> {
    let some: Vec<String> = w
        .story
        .known()
        .evidence
        .all()
        .filter(|file| file.withheld().is_none() && file.reader.is_some())
        .map(|file| file.sha256.to_string())
        .collect();
    if w.dice.one_in(10) { Some("0".repeat(64)) } else { w.dice.of(&some) }
}

fn link_reading(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|w, medium| w.workable(medium) && !medium.is_destroyed() && medium.state != MediumState::Failed)?;
    let own = medium.serial.clone().map(|serial| serial.to_string()).filter(|_| w.dice.one_in(8));
    let serial = own.unwrap_or_else(|| format!("READ-{}", w.dice.below(6)));
    let reading = json!({"technique": "host_overwrite", "result": "pass", "errors": 0, "complete": true, "hidden_area": "none"});
    let reason = w.dice.of(&["bridge_serial", "serial_shortened", "label_misread", "shown_elsewhere"]).unwrap();
    let reference = if w.dice.one_in(3) { None } else { Some("CASE-1") };
    let who = w.dice.of(&[coordinator(1), approver()]).unwrap();
    let sha256 = readable(w)?;
    let body = json!({"sha256": sha256, "serial": serial, "reading": reading, "medium": medium.id, "reason": reason, "reference": reference});
    w.dice.one_in(4).then_some((who, body))
}

fn dismiss_readings(w: &mut World) -> Option<(Actor, Value)> {
    let sha256 = readable(w)?;
    let reason = w.dice.of(&["not_ours", "trial_run", "shown_by_another", "not_kept"]).unwrap();
    let readings: Vec<Value> =
        (0..w.dice.below(3)).map(|n| json!({"place": format!("sd{n}"), "serial": format!("READ-{}", w.dice.below(12))})).collect();
    w.dice.one_in(4).then(|| (coordinator(1), json!({"sha256": sha256, "readings": readings, "reason": reason})))
}

/// A file that was relied upon before and is not needed again: what is withheld is cited by nobody any more.
fn propose_withholding(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let known = w.story.known();
    let waits =
        |medium: &MediumId| known.media.get(medium).is_some_and(|medium| matches!(medium.state, MediumState::DataPresent | MediumState::Failed));
    let some: Vec<String> = known
        .evidence
        .all()
        .filter(|file| file.withholding.is_none() && !file.links.iter().any(|link| waits(&link.medium)))
        .map(|file| file.sha256.to_string())
        .collect();
    let file = w.dice.of(&some)?;
    w.files.retain(|other| *other != file);
    let reason = w.dice.of(&["personal_data", "secrets", "file_of_others"]).unwrap();
    let who = w.dice.of(&[coordinator(1), approver(), administrator()]).unwrap();
    let sha256 = if w.dice.one_in(10) { "0".repeat(64) } else { file };
    Some((who, json!({"sha256": sha256, "reason": reason})))
}

/// A file about whose bytes something was proposed; once in eight times, any.
fn proposed(w: &mut World) -> Option<Value> {
    let wild = w.dice.one_in(8);
    let waits = |file: &Evidence| file.withholding.is_some() && file.withheld().is_none();
    let some: Vec<String> = w.story.known().evidence.all().filter(|file| wild || waits(file)).map(|file| file.sha256.to_string()).collect();
    Some(json!({"sha256": w.dice.of(&some)?}))
}

fn withhold_evidence(w: &mut World) -> Option<(Actor, Value)> {
    let body = proposed(w)?;
    Some((actor(Role::Approver, DISTRICT, w.dice.of(&[1, 2, 2]).unwrap()), body))
}

fn withdraw_withholding(w: &mut World) -> Option<(Actor, Value)> {
    let body = proposed(w)?;
    Some((coordinator(2), body))
}

fn record_sanitization(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|w, medium| w.workable(medium) && matches!(medium.state, MediumState::DataPresent | MediumState::Failed))?;
    let who = holder_of(&w.medium_holder(&medium), 1);
    let failed = medium.state == MediumState::Failed;
    let linked: Vec<String> = w
        .story
        .known()
        .evidence
        .all()
        .filter(|file| file.links.iter().any(|link| link.medium == medium.id))
        .map(|file| file.sha256.to_string())
        .collect();
    let wrong = if w.dice.one_in(5) { w.dice.below(4) } else { 9 };
    let body = match (w.dice.below(6), w.dice.of(&linked)) {
        _ if wrong == 0 => json!({"medium": medium.id, "technique": "host_overwrite"}),
        _ if wrong == 1 => json!({"medium": medium.id, "technique": "host_overwrite", "evidence": w.file()}),
        (_, Some(file)) if wrong == 2 => json!({"medium": medium.id, "technique": "incinerate", "evidence": file}),
        (3, Some(file)) if w.dice.one_in(4) => {
            json!({"medium": medium.id, "technique": "host_overwrite", "evidence": file, "statement": {"operational": "no"}})
        }
        _ if wrong == 3 => json!({"medium": medium.id, "technique": "degauss", "statement": {"equipment": "DG"}}),
        _ if failed && w.dice.one_in(3) => json!({"medium": medium.id, "technique": "degauss",
            "statement": {"completed_without_error": true, "equipment": "DG", "field_oersted": 10_000, "coercivity_oersted": 5_000, "calibrated_on": "2026-01-05"}}),
        (0..=2, Some(file)) if !failed => json!({"medium": medium.id, "technique": "host_overwrite", "evidence": file}),
        (0..=4, _) if medium.media_type == MediaType::HddAta && !failed => json!({"medium": medium.id, "technique": "degauss",
            "statement": {"completed_without_error": true, "equipment": "DG", "field_oersted": 10_000, "coercivity_oersted": 5_000, "calibrated_on": "2026-01-05"}}),
        _ => json!({"medium": medium.id, "technique": "incinerate", "statement": {"facility": "F", "facility_batch": "B"}}),
    };
    Some((who, body))
}

fn record_destruction(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|w, medium| w.workable(medium) && !medium.is_destroyed())?;
    let holder = w.medium_holder(&medium);
    let party = w.story.known().parties.get(&PartyId::parse(&holder).unwrap())?.clone();
    let day = w.story.now().utc().date_naive();
    let some: Vec<_> = party.machines.iter().filter(|machine| machine.serves(day) && machine.is.technique == Technique::Disintegrate).collect();
    let machine = w.dice.of(&some)?.id.clone();
    let serial = medium.serial.clone().or_else(|| w.host(&medium).and_then(|host| host.serial.clone()))?;
    let who = holder_of(&holder, 1);
    let scanned = if w.dice.one_in(16) { Instant::parse("2190-01-01T00:00:00Z").unwrap() } else { w.story.now() };
    let fed = json!({"medium": medium.id, "serial": if w.dice.one_in(16) { json!("ANOTHER-1") } else { json!(serial) }, "scanned_at": scanned});
    let media = match w.dice.below(30) {
        0 => json!([]),
        1 => json!([fed, fed]),
        _ => json!([fed]),
    };
    let witness = if w.dice.one_in(16) { who.person.clone() } else { actor(Role::VendorVerifier, VENDOR, 9).person };
    let kept = if w.dice.one_in(24) { "2026-09-30" } else { "2190-01-01" };
    w.dice
        .one_in(3)
        .then(|| (who, json!({"machine": machine, "media": media, "witness": witness, "video": {"sha256": "e".repeat(64), "kept_until": kept}})))
}

fn verify_sanitization(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|w, medium| {
        let at_hand = w.host(medium).is_none_or(|host| host.holds.is_empty() && !host.in_transit);
        at_hand && medium.sanitization.as_ref().is_some_and(|done| done.verified.is_none())
    })?;
    let n = if w.dice.one_in(10) { 1 } else { 2 };
    Some((holder_of(&w.medium_holder(&medium), n), json!({"medium": medium.id})))
}

fn validate_sanitization(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|w, medium| {
        let at_hand = w.host(medium).is_none_or(|host| host.holds.is_empty());
        at_hand && medium.sanitization.as_ref().is_some_and(|done| done.verified.is_some() && done.validated.is_none())
    })?;
    Some((approver(), json!({"medium": medium.id})))
}

fn record_sample(w: &mut World) -> Option<(Actor, Value)> {
    let again = w.dice.one_in(10);
    let medium = w.medium(|w, medium| {
        let done = medium.sanitization.as_ref().filter(|done| done.technique.is_logical() && done.verified.is_some());
        w.workable(medium) && done.is_some_and(|done| again || done.sampled.is_none())
    })?;
    let who = coordinator(if w.dice.one_in(10) { 1 } else { 3 });
    let result = if w.dice.one_in(6) { "data_recovered" } else { "nothing_recovered" };
    let evidence = w.file();
    w.dice.one_in(3).then(|| (who, json!({"medium": medium.id, "tool": "R-Studio 9", "result": result, "evidence": evidence})))
}

fn accept_residual_risk(w: &mut World) -> Option<(Actor, Value)> {
    let done = |medium: &Medium| medium.sanitization.as_ref().map(|done| done.technique.as_str());
    let medium = w.medium(|w, medium| {
        let moderate = w.host(medium).is_some_and(|host| host.sensitivity.as_str() == "moderate");
        moderate && medium.residual_risk.is_empty() && matches!(done(medium), None | Some("host_overwrite"))
    })?;
    let technique = done(&medium).unwrap_or("shred");
    let technique = if w.dice.one_in(8) { w.dice.of(&["degauss", "host_overwrite", "damage"])? } else { technique };
    let destination = if w.dice.one_in(8) { "internal_reuse" } else { "external_reuse" };
    let mut media = if w.dice.one_in(20) { Vec::new() } else { vec![medium.id] };
    media.extend(media.clone().into_iter().filter(|_| w.dice.one_in(20)));
    let body =
        json!({"media": media, "technique": technique, "destination": destination, "rationale": "no_stronger_technique", "reference": "RISK-1"});
    Some((approver(), body))
}

/// A device that the organisation goes on using, whose outcome nobody has recorded.
fn stays(asset: &Asset) -> bool {
    matches!(asset.status, Status::InService | Status::InStock) && asset.holds.is_empty() && asset.disposition.is_none()
}

fn record_disposition(w: &mut World) -> Option<(Actor, Value)> {
    let mass = json!({"weight_grams": 2_000, "weight_basis": "scale"});
    let balance = json!({"weight_grams": 2_000, "weight_basis": "scale", "recovered_grams": 1_700, "energy_grams": 200, "landfill_grams": 100});
    let ready =
        |_: &World, asset: &Asset| asset.status == Status::Retired && asset.data_gone() && asset.preparation.authorization.is_some() && rests(asset);
    let (asset, mut body) = match w.dice.below(14) {
        0..=4 => (w.device(ready)?, json!({"outcome": "recycled", "mass": balance})),
        5 | 6 => (
            w.device(|w, asset| {
                ready(w, asset) && asset.preparation.grade.is_some() && (asset.preparation.accounts.is_some() || asset.no_storage.is_some())
            })?,
            json!({"outcome": w.dice.of(&["resold", "resold", "traded_in", "returned_to_lessor"]), "mass": mass, "title": "INVOICE-1"}),
        ),
        7 => (w.device(|_, asset| asset.redeployed.is_some() && stays(asset))?, json!({"outcome": "redeployed", "mass": mass})),
        8 => (w.device(|_, asset| asset.repaired.is_some() && stays(asset))?, json!({"outcome": "repaired", "mass": mass})),
        9 => (
            w.device(|_, asset| {
                matches!(asset.status, Status::Missing | Status::WrittenOff) && asset.holds.is_empty() && asset.disposition.is_none()
            })?,
            json!({"outcome": "lost_or_stolen", "mass": mass}),
        ),
        13 => (
            w.device(|_, asset| asset.status == Status::Retired && asset.holds.is_empty() && asset.holder.party.as_str() != DISTRICT)?,
            json!({"outcome": "unknown", "mass": mass}),
        ),
        12 => (w.device(|_, asset| !asset.label().is_gone() && !asset.holds.is_empty())?, json!({"outcome": "recycled", "mass": balance})),
        10 => (
            w.device(|_, asset| matches!(asset.status, Status::InService | Status::InStock) && asset.holds.is_empty())?,
            json!({"outcome": w.dice.of(&["repaired", "redeployed"]), "mass": mass}),
        ),
        _ => (
            w.device(|_, asset| asset.status == Status::Retired && rests(asset))?,
            match w.dice.below(5) {
                0 => json!({"outcome": "unknown", "mass": mass}),
                1 => json!({"outcome": "recycled", "mass": mass}),
                2 => json!({"outcome": "in_storage", "mass": {"weight_grams": 0, "weight_basis": "scale"}}),
                3 => json!({"outcome": "in_storage", "mass": mass}),
                _ => json!({"outcome": "donated", "mass": mass}),
            },
        ),
    };
    body["asset"] = json!(asset.id);
    match w.dice.below(16) {
        0 => body["processor"] = json!(w.dice.of(&[VENDOR, NOBODY])),
        1 => body["file"] = json!(w.file()),
        2 => return Some((coordinator(1), body)),
        _ => {}
    }
    Some((holder_of(asset.holder.party.as_str(), 1), body))
}

fn record_past_disposal(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let n = w.number();
    let untouched = |w: &World, asset: &Asset| {
        let data_present = asset.media_states.iter().all(|state| *state == MediumState::DataPresent);
        rests_with(asset, DISTRICT)
            && data_present
            && (!asset.label().is_gone() || asset.status == Status::Missing)
            && asset.no_storage.is_none()
            && w.made > 60
    };
    let outcome = w.dice.of(&["recycled", "recycled", "donated", "unknown", "resold", "in_storage"]).unwrap();
    let day = w.dice.of(&["2021-06-14", "2019-01-02", "2022-12-31", "2021-06-14", "2030-01-01"]).unwrap();
    let technique = w.dice.of(&[Some("degauss"), Some("host_overwrite"), Some("shred"), None]).unwrap();
    let mut body = json!({"outcome": outcome, "disposed_on": day, "recipient": "Old Recycler", "reference": format!("LOT-{n}"),
        "media": [{"serial": format!("PAST-{n}"), "media_type": "hdd_ata", "technique": technique}]});
    if w.dice.one_in(2) {
        let asset = w.device(untouched)?;
        body["asset"] = json!(asset.id);
        if w.dice.one_in(2) {
            body["media"] = json!([]);
        }
    } else {
        body["device"] = json!({"tag": format!("PT-{n}"), "serial": format!("PS-{n}"), "category": "laptop", "manufacturer": "M", "model": "Model",
            "sensitivity": "low", "site": "Site"});
    }
    match w.dice.below(24) {
        0 => body["document"] = json!(w.file()),
        1 => body["vendor"] = json!(w.party()),
        2 => body["no_storage"] = json!("removed"),
        3 => body["device"] = Value::Null,
        _ => {}
    }
    Some((coordinator(1), body))
}

fn issue_certificate(w: &mut World) -> Option<(Actor, Value)> {
    let uncertified = |asset: &Asset| asset.disposition.is_some() && asset.certificate.is_none();
    let asset = w.device(|w, asset| uncertified(asset) && judge(w.story.known(), &asset.id, w.story.policy()).is_ok());
    let nothing = w.dice.one_in(2);
    let recycled = |asset: &Asset| asset.disposition.as_ref().is_some_and(|disposition| disposition.outcome == Outcome::Recycled);
    let other = w.device(|_, asset| uncertified(asset) && (!nothing || asset.no_storage.is_some() && !recycled(asset)));
    let asset = if w.dice.one_in(8) { other } else { asset }?;
    let basis = judge(w.story.known(), &asset.id, w.story.policy()).map(|verdict| verdict.basis).unwrap_or_default();
    if basis.is_empty() && !w.dice.one_in(3) {
        return None;
    }
    let n = w.number();
    let mut body = json!({"asset": asset.id, "number": format!("N-{n}"), "url": format!("https://x.example/certificates/N-{n}"),
        "credential_sha256": "c".repeat(64), "status_list": "https://x.example/status/1", "status_index": n, "basis": basis, "shown": []});
    let taken = w.story.known().certificates.all().next().map(|other| other.status_index);
    match w.dice.below(12) {
        0 => body["basis"] = json!([]),
        1 => body["status_index"] = json!(taken.unwrap_or(n)),
        _ => {}
    }
    Some((coordinator(1), body))
}

fn revoke_certificate(w: &mut World) -> Option<(Actor, Value)> {
    let wild = w.dice.one_in(4);
    let some: Vec<Certificate> = w.story.known().certificates.all().filter(|certificate| wild || certificate.revoked.is_none()).cloned().collect();
    let certificate = w.dice.of(&some)?;
    w.dice.one_in(4).then(|| (approver(), json!({"number": certificate.number, "reason": "error_in_record"})))
}

fn register_party(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(5) {
        return None;
    }
    let n = w.number();
    let mut body = json!({"kind": w.dice.of(&["vendor", "carrier"]), "name": format!("Party {n}"), "sites": ["Site"]});
    match w.dice.below(9) {
        0 => body["kind"] = json!("organisation"),
        1 => body["sites"] = json!([]),
        2 => body["sites"] = (0..301).map(|n| format!("Site {n}")).collect(),
        3 => body["name"] = json!("Recycler"),
        _ => {}
    }
    Some((administrator(), body))
}

fn add_site(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let n = w.number();
    let site = w.dice.of(&["Site".to_owned(), "Warehouse".to_owned(), format!("Annex {n}"), format!("Plant {n}")]);
    Some((administrator(), json!({"party": w.party(), "site": site})))
}

fn name_signers(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(6) {
        return None;
    }
    let (coordinators, operators) = (|n| coordinator(n).person, |n| actor(Role::VendorOperator, VENDOR, n).person);
    let signers = match w.dice.below(8) {
        0 => (0..501).map(coordinators).collect(),
        1 | 2 => vec![coordinators(2), operators(2)],
        3 | 4 => vec![coordinators(1), coordinators(2), operators(1)],
        _ => Vec::new(),
    };
    Some((approver(), json!({"party": w.party(), "signers": signers})))
}

fn record_credential(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(2) {
        return None;
    }
    let number = format!("C{}", 1 + w.dice.below(2));
    let expires = w.dice.of(&["2100-01-01", "2100-01-01", "2100-01-01", "2021-01-01"]);
    let mut body = json!({"party": w.party(), "site": "Site", "scheme": "r2v3", "number": number, "issued_on": "2020-01-01", "expires_on": expires,
        "scope": ["data_sanitization_logical", "data_sanitization_physical", "materials_recovery"]});
    match w.dice.below(14) {
        0 => body["site"] = json!("Nowhere"),
        1 => body["expires_on"] = json!("2019-01-01"),
        2 => body["scope"] = json!([]),
        3 => body["scope"] = json!(["management"]),
        4 | 5 => body["evidence"] = json!(w.file()),
        _ => {}
    }
    Some((approver(), body))
}

fn suspend_credential(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let wild = w.dice.one_in(4);
    let some: Vec<_> = w.story.known().parties.all().flat_map(|party| party.credentials.iter().map(|own| (party.id.clone(), own.clone()))).collect();
    let some: Vec<_> = some.into_iter().filter(|(_, own)| own.suspended.is_some() == wild).collect();
    let (party, credential) = w.dice.of(&some)?;
    let number = if w.dice.one_in(8) { "C9".to_owned() } else { credential.number.to_string() };
    Some((approver(), json!({"party": party, "site": credential.site, "scheme": credential.scheme, "number": number, "reason": "withdrawn"})))
}

fn record_contract(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let reference = w.dice.of(&["M-1", "M-2"]);
    let ends = w.dice.of(&[None, Some("2099-01-01"), Some("2099-01-01"), Some("2019-01-01"), Some("2022-01-01")]).unwrap();
    let insured = w.dice.of(&[None, Some("2099-01-01"), Some("2021-01-01")]).unwrap();
    let confidentiality = w.dice.one_in(2);
    let body = json!({"party": w.party(), "reference": reference, "starts_on": "2020-01-01", "ends_on": ends, "insured_until": insured,
        "confidentiality": confidentiality});
    Some((approver(), body))
}

fn record_training(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(6) {
        return None;
    }
    let until = w.dice.of(&["2099-01-01", "2026-12-01", "2019-01-01"]);
    let person = actor(Role::VendorOperator, VENDOR, 1).person;
    Some((approver(), json!({"party": w.party(), "person": person, "tool": "nwipe", "trained_on": "2020-01-01", "valid_until": until})))
}

fn register_machine(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let n = w.number();
    let party = w.party();
    let technique = w.dice.of(&["disintegrate", "disintegrate", "degauss"]).unwrap();
    let mut body = machine(party, technique, &format!("MACH-{n}"));
    match w.dice.below(20) {
        0 => body["site"] = json!("Nowhere"),
        1 => body["technique"] = json!("host_overwrite"),
        2 => body["particle_tenths_mm"] = json!(0),
        3..=5 => body["serial"] = json!("MACH-0"),
        _ => {}
    }
    let who = if party == VENDOR && w.dice.one_in(2) { holder_of(VENDOR, 1) } else { coordinator(1) };
    Some((who, body))
}

/// A machine with its party; once in eight times, one that nobody has.
fn some_machine(w: &mut World) -> Option<(PartyId, String)> {
    let some: Vec<_> =
        w.story.known().parties.all().flat_map(|party| party.machines.iter().map(|machine| (party.id.clone(), machine.id.to_string()))).collect();
    let (party, machine) = w.dice.of(&some)?;
    Some((party, if w.dice.one_in(8) { NOBODY.to_owned() } else { machine }))
}

fn record_calibration(w: &mut World) -> Option<(Actor, Value)> {
    let (party, machine) = some_machine(w)?;
    let (from, until) =
        w.dice.of(&[("2026-01-05", "2190-01-05"), ("2026-01-05", "2190-01-05"), ("2024-01-05", "2025-01-05"), ("2189-01-05", "2190-01-05")])?;
    w.dice.one_in(4).then(|| (coordinator(1), json!({"party": party, "machine": machine, "calibrated_on": from, "due_on": until})))
}

fn take_out_of_service(w: &mut World) -> Option<(Actor, Value)> {
    let wild = w.dice.one_in(6);
    let some: Vec<_> =
        w.story.known().parties.all().flat_map(|party| party.machines.iter().map(|machine| (party.id.clone(), machine.clone()))).collect();
    let some: Vec<_> = some.into_iter().filter(|(_, machine)| wild || machine.out_from.is_none()).collect();
    let (party, machine) = w.dice.of(&some)?;
    w.dice.one_in(20).then(|| (coordinator(1), json!({"party": party, "machine": machine.id, "from": "2026-09-21"})))
}

fn approve_downstream(w: &mut World) -> Option<(Actor, Value)> {
    let (from, to) = w.dice.of(&[(VENDOR, OTHER), (VENDOR, OTHER), (OTHER, VENDOR), (VENDOR, VENDOR), (DISTRICT, VENDOR)]).unwrap();
    let done = w.story.known().parties.all().any(|party| party.id.as_str() == from && party.downstream.iter().any(|own| own.party.as_str() == to));
    if !w.dice.one_in(if done { 20 } else { 2 }) {
        return None;
    }
    patiently(w, "approve_downstream", approver(), json!({"party": from, "downstream": to}))
}

fn withdraw_downstream(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(10) {
        return None;
    }
    let (from, to) = w.dice.of(&[(VENDOR, OTHER), (VENDOR, OTHER), (OTHER, VENDOR)]).unwrap();
    Some((approver(), json!({"party": from, "downstream": to})))
}

fn register_key(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let n = w.number();
    let old = w.keys.clone();
    let key = match w.dice.of(&old) {
        Some(old) if w.dice.one_in(6) => old,
        _ => format!("did:key:z6Mk{n:0>44}"),
    };
    if !w.dice.one_in(6) {
        w.signed_by = Some(key.clone());
    }
    w.keys.push(key.clone());
    let party = w.dice.of(&[DISTRICT, VENDOR]).unwrap();
    Some((holder_of(party, 1), json!({"key": key})))
}

fn revoke_key(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let wild = w.dice.one_in(4);
    let some: Vec<_> = w.story.known().parties.all().flat_map(|party| party.keys.iter().map(|own| (party.id.clone(), own.clone()))).collect();
    let some: Vec<_> = some.into_iter().filter(|(_, own)| wild || own.revoked.is_none()).collect();
    let (party, own) = w.dice.of(&some)?;
    if w.dice.one_in(6) {
        w.signed_by = Some(own.key.as_str().to_owned());
    }
    let key = if w.dice.one_in(8) { format!("did:key:z6Mk{:0>44}", 0) } else { own.key.as_str().to_owned() };
    let who = if w.dice.one_in(8) { actor(Role::VendorOperator, OTHER, 1) } else { holder_of(party.as_str(), 1) };
    Some((who, json!({"key": key, "party": party})))
}

fn map_columns(w: &mut World) -> Option<(Actor, Value)> {
    let kind = w.dice.of(&["receipt", "settlement"]).unwrap();
    let mut body = json!({"party": VENDOR, "profile": format!("LIST-{}", w.dice.below(40)), "kind": kind,
        "columns": {"serial": "Serial No.", "outcome": "Disposition", "weight": "Weight"}, "weight_unit": "lb"});
    match w.dice.below(12) {
        0 => body["columns"] = json!({"outcome": "Disposition"}),
        1 => body["columns"] = json!({"serial": "Serial No."}),
        2 => body["weight_unit"] = Value::Null,
        3 => body["party"] = json!(OTHER),
        _ => {}
    }
    let party = w.dice.of(&[DISTRICT, VENDOR]).unwrap();
    Some((holder_of(party, 1), body))
}

fn expect_media(w: &mut World) -> Option<(Actor, Value)> {
    let models: &[&str] = if w.dice.one_in(5) { &["WD19S", "Model"] } else { &["Chromebook 3100", "ThinkPad L14"] };
    let unnumbered = w.dice.one_in(8);
    let fits = |asset: &Asset| {
        let known = models.contains(&asset.model.as_str()) && asset.serial.is_none() == unnumbered;
        known && asset.media.is_empty() && asset.no_storage.is_none() && !asset.label().is_gone()
    };
    let asset = w.device(|_, asset| fits(asset))?;
    patiently(w, "expect_media", coordinator(1), json!({"asset": asset.id}))
}

fn confirm_medium(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|w, medium| medium.seen == KnownFrom::Expected && w.host(medium).is_some_and(|host| !host.in_transit))?;
    if medium.seen != KnownFrom::Expected && !w.dice.one_in(4) {
        return None;
    }
    let own = medium.identified_by == IdentifiedBy::OwnSerial;
    let n = if w.dice.one_in(15) { 1 } else { w.number() };
    let serial = if own == w.dice.one_in(5) { None } else { Some(format!("DRV-{n}")) };
    let basis = w.dice.of(&["seen", "attested", "seen", "attested", "expected"]);
    let media_type = if own { Some("hdd_ata") } else { None };
    let body = json!({"medium": medium.id, "basis": basis, "serial": serial, "media_type": media_type});
    Some((holder_of(&w.medium_holder(&medium), 1), body))
}

fn see_device(w: &mut World) -> Option<(Actor, Value)> {
    let in_use = w.dice.one_in(8);
    let asset = w.device(|_, asset| needs_explanation(asset.status) != in_use)?;
    let source = w.dice.of(&["mdm", "network"]);
    w.dice.one_in(3).then(|| (coordinator(1), json!({"asset": asset.id, "source": source, "site": "Site"})))
}

fn record_count(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let site = w.dice.of(&["Site", "Warehouse", "School"]).unwrap();
    let there = |asset: &&Asset| asset.holder.party.as_str() == DISTRICT && asset.holder.site.as_str() == site;
    let expected: Vec<AssetId> = w.story.known().assets.all().filter(there).map(|asset| asset.id.clone()).collect();
    let any: Vec<AssetId> = w.story.known().assets.all().map(|asset| asset.id.clone()).collect();
    let mut scanned: Vec<AssetId> = expected.iter().filter(|_| !w.dice.one_in(8)).cloned().collect();
    scanned.extend(w.dice.of(&any));
    let n = w.number();
    let unknown = if w.dice.one_in(3) { json!([{"tag": format!("NOBODYS-{n}")}]) } else { json!([]) };
    let room = if w.dice.one_in(4) { Some("ROOM-1") } else { None };
    let mut body = json!({"site": site, "room": room, "expected": expected, "scanned": scanned, "unknown": unknown});
    match w.dice.below(10) {
        0 => body = json!({"site": site, "room": "ROOM-1", "expected": expected, "scanned": [], "unknown": []}),
        1 => body["unknown"] = (0..5_001).map(|n| json!({"tag": format!("X{n}")})).collect(),
        _ => {}
    }
    Some((coordinator(1), body))
}

fn correct_registration(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let bare = w.dice.one_in(2);
    let opened = |asset: &Asset| asset.media.is_empty() && asset.no_storage.is_none() && asset.serial.is_some() && !asset.label().is_gone();
    let asset = w.device(|_, asset| !asset.in_transit && (!bare || opened(asset)))?;
    let n = w.number();
    let mut body = json!({"asset": asset.id, "reason": "misread"});
    match w.dice.below(if bare { 16 } else { 8 }) {
        6 => body["tag"] = json!(format!("T-{n}")),
        7 => body["tag"] = json!(w.device(|_, _| true).map(|other| other.tag)),
        0 => body["serial"] = json!(format!("SER-{n}")),
        1 => body["serial"] = json!(w.device(|_, asset| asset.serial.is_some()).and_then(|other| other.serial)),
        2 => body["site"] = json!(if w.dice.one_in(2) { "Site" } else { "School" }),
        3 => body["sensitivity"] = json!(w.dice.of(&["low", "moderate", "high"])),
        4 => body["model"] = json!(format!("Model {n}")),
        _ => {
            body["manufacturer"] = json!("Dell");
            body["model"] = json!(w.dice.of(&["Chromebook 3100", "WD19S"]));
        }
    }
    Some((approver(), body))
}

fn withdraw_no_storage(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.no_storage.is_some() && !asset.in_transit)?;
    w.dice.one_in(4).then(|| (approver(), json!({"asset": asset.id, "reason": "disproved"})))
}

fn withdraw_medium(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(6) {
        return None;
    }
    let again = w.dice.one_in(6);
    let medium = w.medium(|w, medium| (medium.state == MediumState::Withdrawn) == again && w.host(medium).is_none_or(|host| !host.in_transit))?;
    Some((approver(), json!({"medium": medium.id, "reason": "wrong_thing"})))
}

fn void_sanitization(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(5) {
        return None;
    }
    let medium = w.medium(|w, medium| medium.sanitization.is_some() && w.host(medium).is_none_or(|host| !host.in_transit))?;
    Some((approver(), json!({"medium": medium.id, "reason": "never_happened"})))
}

fn void_disposition(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.disposition.is_some() && !asset.in_transit)?;
    w.dice.one_in(6).then(|| (approver(), json!({"asset": asset.id, "reason": "disproved"})))
}

fn authorize_consignment(w: &mut World) -> Option<(Actor, Value)> {
    let wild = w.dice.one_in(4);
    let pickup = |c: &Consignment| c.status == ConsignmentStatus::Open && (wild || c.kind == ConsignmentKind::Pickup && c.authorization.is_none());
    let consignment = w.consignment_that(pickup)?;
    Some((approver(), json!({"consignment": consignment.id, "reference": "BOARD-2", "consent": w.dice.of(&[None, Some("CONSENT-2")])})))
}

fn grant_override(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let wild = w.dice.one_in(4);
    let consignment = w.consignment_that(|c| {
        let early = matches!(c.status, ConsignmentStatus::Open | ConsignmentStatus::Sealed);
        early && (wild || c.kind == ConsignmentKind::Pickup && c.overrides.is_empty())
    })?;
    let body = json!({"consignment": consignment.id, "guard": "vendor_qualification", "reason": "renewal_pending", "reference": "DECISION-1"});
    Some((approver(), body))
}

/// Presets that can be followed, mostly.
fn presets(w: &mut World) -> Value {
    let mut presets = json!({"reason": "surplus", "rung": "recycling", "rejected": better_than("recycling")});
    match w.dice.below(9) {
        0 | 5 | 6 => presets["no_storage"] = json!(true),
        1 => presets["media_type"] = json!("emmc"),
        2 => presets = json!({"no_storage": true, "media_type": "emmc"}),
        3 => presets = json!({"rung": "repair", "rejected": better_than("repair")}),
        4 => presets["rejected"] = json!([]),
        _ => {}
    }
    presets
}

fn open_consignment(w: &mut World) -> Option<(Actor, Value)> {
    if w.story.known().consignments.all().filter(|c| c.status == ConsignmentStatus::Open).count() > 5 {
        return None;
    }
    let reference = w.reference("C");
    let site = w.dice.of(&["Site", "Site", "Site", "Site", "Site", "Site", "Site", "Nowhere"]);
    let mut body = json!({"reference": reference, "from_site": "Site", "to": w.dice.of(&[VENDOR, VENDOR, VENDOR, OTHER]), "to_site": site});
    let mut who = coordinator(1);
    let known = w.story.known();
    let carrier = known.parties.all().find(|party| party.kind == PartyKind::Carrier).map(|party| party.id.clone());
    let other = known.consignments.all().next().map(|other| (other.id.clone(), other.reference.clone()));
    match w.dice.below(20) {
        0..=3 => body["expected"] = json!(w.dice.of(&[None, Some(40), Some(300), Some(0)]).flatten()),
        18 | 19 => {
            who = holder_of(VENDOR, 1);
            body["to"] = json!(DISTRICT);
        }
        5..=8 => body["presets"] = presets(w),
        4 | 9 | 10 => {
            body["to"] = json!(DISTRICT);
            body["to_site"] = json!(w.dice.of(&["Warehouse", "Warehouse", "Warehouse", "Site"]));
        }
        11 | 12 => {
            who = holder_of(VENDOR, 1);
            body["to"] = json!(OTHER);
        }
        13 => {
            who = holder_of(VENDOR, 1);
            body["to"] = json!(DISTRICT);
        }
        14 => {
            who = holder_of(VENDOR, 1);
            body["to"] = json!(DISTRICT);
            match w.dice.below(3) {
                0 => body["carrier_party"] = json!(carrier?),
                1 => body["consignment"] = json!(other?.0),
                _ => body["presets"] = presets(w),
            }
        }
        15 => body["to"] = json!(carrier?),
        16 => body["carrier_party"] = json!(carrier?),
        _ => body["reference"] = json!(other?.1),
    }
    Some((who, body))
}

/// What would be refused is given once in three times only: it is tried again and again, until what stands in its way has gone.
fn patiently(w: &mut World, name: &str, who: Actor, body: Value) -> Option<(Actor, Value)> {
    let refused = w.story.when(&who, name, body.clone()).is_err();
    (!refused || w.dice.one_in(3)).then_some((who, body))
}

/// The sender's people, or once in a while others.
fn sender(w: &mut World, consignment: &Consignment) -> Actor {
    let party = consignment.from.party.as_str();
    if w.dice.one_in(20) {
        return holder_of(if party == DISTRICT { VENDOR } else { DISTRICT }, 1);
    }
    holder_of(party, w.dice.of(&[1, 1, 2]).unwrap())
}

fn may_travel(asset: &Asset, consignment: &Consignment) -> bool {
    let in_use = matches!(asset.status, Status::InStock | Status::InService | Status::InRepair);
    rests_with(asset, consignment.from.party.as_str())
        && match consignment.kind {
            ConsignmentKind::Pickup => asset.status == Status::Retired && asset.preparation.authorization.is_some(),
            ConsignmentKind::Downstream => asset.status == Status::Retired,
            ConsignmentKind::Internal | ConsignmentKind::Return => asset.status == Status::Retired || in_use,
        }
}

fn loose_at(medium: &Medium, party: &str) -> bool {
    medium.is_loose()
        && medium.consignment.is_none()
        && !medium.in_transit
        && !medium.is_destroyed()
        && !matches!(medium.state, MediumState::Absent | MediumState::Withdrawn)
        && medium.holder.as_ref().is_some_and(|holder| holder.party.as_str() == party)
}

fn add_lines(w: &mut World) -> Option<(Actor, Value)> {
    let consignment = w.consignment(ConsignmentStatus::Open)?;
    let (mut assets, mut media) = (BTreeSet::new(), BTreeSet::new());
    // Inside the organisation what lies in stock or is in use travels, too, though there is little of it.
    let internal = consignment.kind == ConsignmentKind::Internal;
    let wanted = w.dice.of(&[None, Some(Status::InStock), Some(Status::InService)]).unwrap().filter(|_| internal);
    for _ in 0..w.dice.of(&[1, 1, 1, 2]).unwrap() {
        let fits = |asset: &Asset| may_travel(asset, &consignment) && wanted.is_none_or(|status| asset.status == status);
        assets.extend(w.device(|_, asset| fits(asset)).map(|asset| asset.id));
    }
    if assets.is_empty() || w.dice.one_in(4) {
        media.extend(w.medium(|_, medium| loose_at(medium, consignment.from.party.as_str())).map(|medium| medium.id));
    }
    if assets.is_empty() && media.is_empty() && !w.dice.one_in(20) {
        return None;
    }
    let mut assets: Vec<AssetId> = assets.into_iter().collect();
    if w.dice.one_in(25) {
        assets.extend(assets.first().cloned());
    }
    let container = w.dice.of(&[None, None, Some("P"), Some("P"), Some("Q")]).unwrap();
    Some((sender(w, &consignment), json!({"consignment": consignment.id, "assets": assets, "media": media, "container": container})))
}

fn add_quantity(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let consignment = w.consignment(ConsignmentStatus::Open)?;
    let mut body =
        json!({"consignment": consignment.id, "what": "charger", "count": 1 + w.dice.below(50), "unit_weight_grams": 250, "no_data": true});
    match w.dice.below(12) {
        0 => body["count"] = json!(0),
        1 => body["unit_weight_grams"] = json!(0),
        2 => body["no_data"] = json!(false),
        _ => {}
    }
    Some((sender(w, &consignment), body))
}

fn remove_lines(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let consignment = w.consignment_that(|c| c.status == ConsignmentStatus::Open && c.lines > 0)?;
    let wild = w.dice.one_in(4);
    let lines: Vec<Item> = w
        .story
        .known()
        .lines_of(&consignment.id)
        .unwrap()
        .into_iter()
        .filter(|line| wild || line.is_listed())
        .map(|line| line.item.clone())
        .collect();
    let mut body = json!({"consignment": consignment.id, "assets": [], "media": [], "quantities": []});
    let other = w.device(|_, asset| asset.consignment.as_ref() != Some(&consignment.id)).map(|asset| Item::Asset(asset.id));
    let item = if w.dice.one_in(10) { other } else { w.dice.of(&lines) };
    if let Some(item) = item.filter(|_| !w.dice.one_in(15)) {
        let of = match &item {
            Item::Asset(_) => "assets",
            Item::Medium(_) => "media",
            Item::Quantity(_) => "quantities",
        };
        let times = if w.dice.one_in(15) { 2 } else { 1 };
        body[of] = json!(vec![item.id(); times]);
    }
    Some((sender(w, &consignment), body))
}

fn seal_number(w: &mut World, consignment: &Consignment) -> String {
    match w.dice.of(&consignment.broken_seals) {
        Some(broken) if w.dice.one_in(5) => broken.to_string(),
        _ => format!("S-{}", w.dice.below(400)),
    }
}

fn record_container(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(2) {
        return None;
    }
    let consignment = w.consignment(ConsignmentStatus::Open)?;
    let (mut label, mut seal) = (w.dice.of(&["P", "P", "Q"]).unwrap(), seal_number(w, &consignment));
    let sealed = consignment.containers.iter().find_map(|container| Some((container.label.as_str() == "P", container.seal.clone()?)));
    if let Some((is_p, used)) = sealed.filter(|_| w.dice.one_in(4)) {
        (label, seal) = (if is_p { "Q" } else { "P" }, used.to_string());
    }
    let gross = w.dice.of(&[90_000, 90_000, 90_000, 10_000, 0]);
    let body = json!({"consignment": consignment.id, "label": label, "seal": seal, "tare_weight_grams": 20_000, "gross_weight_grams": gross});
    Some((sender(w, &consignment), body))
}

fn scan(w: &mut World) -> Option<(Actor, Value)> {
    let consignment = w.consignment(ConsignmentStatus::Open)?;
    let party = consignment.from.party.to_string();
    let presets = consignment.presets.reason.is_some() && consignment.authorization.is_some();
    let asset = w.device(|_, asset| {
        let begins = presets && matches!(asset.status, Status::InStock | Status::InService | Status::InRepair | Status::Retired);
        may_travel(asset, &consignment) || begins && rests_with(asset, &party)
    });
    let who = sender(w, &consignment);
    let n = w.number();
    let device = json!({"category": "laptop", "manufacturer": "M", "model": "Model", "sensitivity": "low", "media": []});
    let (tag, serial) = (asset.as_ref().map(|asset| asset.tag.clone()), asset.as_ref().and_then(|asset| asset.serial.clone()));
    let mut body = match w.dice.below(20) {
        0 => json!({"tag": tag, "serial": format!("SER-{n}")}),
        1 => json!({}),
        2 => json!({"tag": format!("NEW-{n}")}),
        3 | 4 => json!({"tag": format!("NEW-{n}"), "device": device}),
        5 => json!({"tag": tag?, "device": device}),
        6 | 7 => json!({"serial": w.medium(|_, medium| medium.serial.is_some() && loose_at(medium, &party))?.serial}),
        8 => json!({"serial": w.medium(|_, medium| medium.serial.is_some() && !medium.is_loose())?.serial}),
        9..=13 => json!({"tag": tag?, "serial": serial}),
        _ => json!({"tag": tag?}),
    };
    body["consignment"] = json!(consignment.id);
    Some((who, body))
}

fn seal_consignment(w: &mut World) -> Option<(Actor, Value)> {
    let consignment = w.consignment(ConsignmentStatus::Open).filter(|c| c.lines > 0 || w.dice.one_in(8))?;
    let (one, two) = (seal_number(w, &consignment), seal_number(w, &consignment));
    let containers = match w.dice.below(14) {
        0 => json!([]),
        1 => json!([{"label": "P"}, {"label": "P"}]),
        2 | 3 => json!([{"label": "P", "seal": one}]),
        4 => json!([{"label": "P"}, {"label": "Q"}]),
        _ => json!([{"label": "P", "seal": one, "tare_weight_grams": 20_000, "gross_weight_grams": 90_000}, {"label": "Q", "seal": two}]),
    };
    Some((sender(w, &consignment), json!({"consignment": consignment.id, "containers": containers})))
}

fn unseal_consignment(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let consignment = w.consignment(ConsignmentStatus::Sealed)?;
    Some((sender(w, &consignment), json!({"consignment": consignment.id, "reason": w.dice.of(&["line_missed", "inspection"])})))
}

fn cancel_consignment(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(8) {
        return None;
    }
    let consignment = w.consignment_that(|c| matches!(c.status, ConsignmentStatus::Open | ConsignmentStatus::Sealed))?;
    Some((sender(w, &consignment), json!({"consignment": consignment.id, "reason": "not_needed"})))
}

fn release_consignment(w: &mut World) -> Option<(Actor, Value)> {
    let consignment = w.consignment(ConsignmentStatus::Sealed)?;
    let who = sender(w, &consignment);
    let body = json!({"consignment": consignment.id, "driver": w.dice.of(&[None, Some("TOUR-1")])});
    patiently(w, "release_consignment", who, body)
}

fn offer_acceptance(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let consignment = w.consignment_that(|c| c.status == ConsignmentStatus::Released)?;
    let n = w.number();
    let who = sender(w, &consignment);
    Some((who, json!({"consignment": consignment.id, "link": format!("urn:uuid:00000000-0000-4000-9000-{n:012}")})))
}

fn accept_consignment(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let again = w.dice.one_in(12);
    let consignment = w.consignment_that(|c| c.released.is_some() && (again || c.accepted.is_none()))?;
    let codes: Vec<super::super::links::OneTimeLink> = consignment.links.iter().filter(|link| link.accepts).cloned().collect();
    let paper = if w.dice.one_in(8) { None } else { Some(w.file()) };
    let Some(code) = w.dice.of(&codes).filter(|_| w.dice.one_in(3)) else {
        return Some((sender(w, &consignment), json!({"consignment": consignment.id, "document": paper})));
    };
    let driver = Actor { person: code.id, party: consignment.driver_party().clone(), ..actor(Role::VendorOperator, VENDOR, 1) };
    let document = paper.filter(|_| w.dice.one_in(2));
    Some((driver, json!({"consignment": consignment.id, "document": document})))
}

/// Who speaks for the receiver, and by which document.
fn voice(w: &mut World, consignment: &Consignment, body: &mut Value) -> Actor {
    let to = consignment.to.party.as_str();
    if w.dice.one_in(20) {
        return actor(Role::VendorOperator, if to == OTHER { VENDOR } else { OTHER }, 1);
    }
    match w.dice.below(30) {
        0 => {
            body["transcribed"] = json!({"document": w.file()});
            return holder_of(to, 1);
        }
        1 => return holder_of(consignment.from.party.as_str(), 1),
        _ => {}
    }
    if to == DISTRICT {
        return coordinator(1);
    }
    match w.dice.below(8) {
        0 => body["transcribed"] = json!({"document": w.file()}),
        1 => body["file"] = json!(w.file()),
        2 if w.dice.one_in(4) => {
            body["file"] = json!(w.file());
            body["transcribed"] = json!({"document": w.file()});
        }
        3 | 4 if !consignment.links.is_empty() => {
            let link = w.dice.of(&consignment.links).unwrap();
            return Actor::new(link.id, Role::VendorOperator, consignment.to.party.clone());
        }
        _ => return holder_of(to, w.dice.of(&[1, 1, 2]).unwrap()),
    }
    coordinator(1)
}

fn receive_consignment(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(2) {
        return None;
    }
    let consignment = w.consignment_that(|c| matches!(c.status, ConsignmentStatus::Released | ConsignmentStatus::PartlyReceived))?;
    let more = w.dice.one_in(3);
    let (mut scans, mut quantities, mut containers) = (Vec::new(), Vec::new(), Vec::new());
    let again = w.dice.one_in(6);
    let lines: Vec<Line> = w.story.known().lines_of(&consignment.id).unwrap().into_iter().cloned().collect();
    for line in lines.iter().filter(|line| again || line.state == LineState::Listed) {
        match (&line.item, w.dice.below(if more { 3 } else { 9 })) {
            (_, 0) => {}
            (Item::Quantity(id), way) => {
                let listed = line.quantity.as_ref().map_or(0, |quantity| quantity.count);
                let count = if way == 1 { listed.saturating_sub(1) } else { listed - line.found.unwrap_or(0).min(listed) };
                quantities.push(json!({"line": id, "count": count}));
            }
            (Item::Medium(_), _) => scans.push(json!({"serial": line.serial})),
            (Item::Asset(_), 1) => scans.push(json!({"tag": line.name, "serial": format!("OTHER-{}", w.number())})),
            (Item::Asset(_), 2) if !more => scans.push(json!({"tag": line.name, "damage": w.dice.of(&["drive_absent", "screen"])})),
            (Item::Asset(_), 3) => scans.push(json!({"tag": format!("RELABELLED-{}", w.number()), "serial": line.serial})),
            (Item::Asset(_), _) => scans.push(json!({"tag": line.name})),
        }
    }
    scans.retain(|scan| scan["tag"].is_string() || scan["serial"].is_string());
    for container in &consignment.containers {
        let seen = consignment.receipts.iter().any(|receipt| receipt.containers.iter().any(|found| found.label == container.label));
        if seen != w.dice.one_in(15) || w.dice.one_in(if more { 4 } else { 12 }) {
            continue;
        }
        let state = w.dice.of(&["intact", "intact", "intact", "intact", "intact", "broken", "missing"]);
        let gross = w.dice.of(&[None, container.gross_weight_grams, container.gross_weight_grams, Some(50_000)]).unwrap();
        containers.push(json!({"label": container.label, "seal_state": state, "seal": container.seal, "gross_weight_grams": gross}));
    }
    let n = w.number();
    let counted = scans.len();
    let mut body = json!({"consignment": consignment.id, "more_to_come": more});
    match w.dice.below(26) {
        0 => scans.push(json!({"tag": format!("STRAY-{n}")})),
        1 => scans.extend(w.device(|_, asset| rests_with(asset, DISTRICT)).map(|asset| json!({"tag": asset.tag}))),
        2 | 12 => scans.extend(scans.first().cloned()),
        3 => scans.push(json!({})),
        4 => quantities.push(json!({"line": NOBODY, "count": 1})),
        5 | 13 | 14 => quantities.extend(quantities.first().cloned()),
        6 => containers.extend(containers.first().cloned()),
        7 => containers.push(json!({"label": "STRAY", "seal_state": "intact"})),
        8 => body["counted"] = json!(counted),
        9 => body["counted"] = json!(counted + 1),
        10 if w.dice.one_in(2) => containers = vec![json!({"label": "P", "seal_state": "intact"}); 501],
        11 => {
            (scans, quantities, containers) = (Vec::new(), Vec::new(), Vec::new());
            body["more_to_come"] = json!(true);
        }
        _ => {}
    }
    let who = voice(w, &consignment, &mut body);
    body["scans"] = json!(scans);
    body["quantities"] = json!(quantities);
    body["containers"] = json!(containers);
    Some((who, body))
}

fn create_link(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let wild = w.dice.one_in(4);
    let consignment = w.consignment_that(|c| {
        wild || c.to.party.as_str() != DISTRICT && !matches!(c.status, ConsignmentStatus::Received | ConsignmentStatus::Reconciled)
    })?;
    let n = w.number();
    let link = match w.dice.of(&consignment.links) {
        Some(link) if w.dice.one_in(6) => link.id.to_string(),
        _ => format!("urn:uuid:00000000-0000-4000-9000-{n:012}"),
    };
    Some((coordinator(1), json!({"consignment": consignment.id, "link": link, "days": w.dice.of(&[None, None, None, Some(3), Some(0)])})))
}

fn revoke_link(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let wild = w.dice.one_in(4);
    let consignment = w.consignment_that(|c| c.links.iter().any(|link| wild || link.revoked.is_none()))?;
    let links: Vec<String> = consignment.links.iter().filter(|link| wild || link.revoked.is_none()).map(|link| link.id.to_string()).collect();
    let link = w.dice.of(&links).filter(|_| !w.dice.one_in(8)).unwrap_or_else(|| NOBODY.to_owned());
    Some((coordinator(1), json!({"consignment": consignment.id, "link": link})))
}

fn resolve_discrepancy(w: &mut World) -> Option<(Actor, Value)> {
    let wild = w.dice.one_in(12);
    let some: Vec<Discrepancy> = w.story.known().discrepancies.all().filter(|d| wild || d.resolution.is_none()).cloned().collect();
    let discrepancy = w.dice.of(&some)?;
    let mut fitting: Vec<&str> = match discrepancy.kind {
        DiscrepancyKind::Short => vec!["located_at_receiver", "never_left", "confirmed_missing"],
        DiscrepancyKind::Over if discrepancy.asset.is_some() => vec!["scan_error", "returned_to_sender"],
        DiscrepancyKind::Over => vec!["scan_error", "kept_by_receiver"],
        DiscrepancyKind::Mismatch => vec!["scan_error", "serial_corrected"],
        DiscrepancyKind::Incomplete => vec!["scan_error", "removed_before", "confirmed_missing"],
        DiscrepancyKind::Seal | DiscrepancyKind::Weight => vec!["contents_verified", "record_corrected"],
        DiscrepancyKind::Count => vec!["contents_verified", "record_corrected", "confirmed_missing"],
    };
    if w.dice.one_in(12) {
        fitting = vec!["kept_by_receiver", "never_left"];
    }
    let reference = if w.dice.one_in(6) { None } else { Some("CASE-9") };
    let resolution = w.dice.of(&fitting);
    // The receiver has not confirmed what is located there: a document shows it, mostly.
    let located = resolution == Some("located_at_receiver");
    let document = if w.dice.one_in(if located { 3 } else { 6 }) != located { Some(w.file()) } else { None };
    let id = if w.dice.one_in(25) { NOBODY.to_owned() } else { discrepancy.id.to_string() };
    Some((approver(), json!({"discrepancy": id, "resolution": resolution, "reference": reference, "document": document})))
}

fn record_rendering(w: &mut World) -> Option<(Actor, Value)> {
    let some: Vec<Certificate> = w.story.known().certificates.all().cloned().collect();
    let certificate = w.dice.of(&some)?;
    let number = if w.dice.one_in(5) { "NONE-1".to_owned() } else { certificate.number };
    w.dice.one_in(3).then(|| (service(), json!({"number": number, "pdf_sha256": "d".repeat(64), "template": "certificate/1"})))
}

fn publish_status(w: &mut World) -> Option<(Actor, Value)> {
    let revoked = w.story.known().certificates.all().filter(|certificate| certificate.revoked.is_some()).count();
    let body = json!({"list": "https://x.example/status/1", "credential_sha256": "e".repeat(64), "revoked": revoked});
    w.dice.one_in(6).then(|| (service(), body))
}

fn look_for_exceptions(w: &mut World) -> Option<(Actor, Value)> {
    let known = w.story.known();
    let assets = known.assets.all().map(|asset| json!({"id": asset.id, "type": "Asset"}));
    let consignments = known.consignments.all().map(|consignment| json!({"id": consignment.id, "type": "Consignment"}));
    let discrepancies = known.discrepancies.all().map(|discrepancy| json!({"id": discrepancy.id, "type": "Discrepancy"}));
    let all: Vec<Value> = assets.chain(consignments).chain(discrepancies).collect();
    let about: Vec<Value> = all.into_iter().filter(|_| w.dice.one_in(6)).collect();
    Some((service(), json!({"about": about})))
}

/// An exception that fits; once in five times, any.
fn exception(w: &mut World, fits: impl Fn(&Exception) -> bool) -> Option<Exception> {
    let wild = w.dice.one_in(5);
    let some: Vec<Exception> = w.story.known().exceptions.all().filter(|exception| wild || fits(exception)).cloned().collect();
    w.dice.of(&some)
}

fn is_open(exception: &Exception) -> bool {
    exception.status != ExceptionStatus::Resolved
}

fn assign_exception(w: &mut World) -> Option<(Actor, Value)> {
    let exception = exception(w, is_open)?;
    let person = coordinator(w.dice.of(&[1, 2, 3]).unwrap()).person;
    let id = if w.dice.one_in(12) { format!("{NOBODY}#{}", exception.rule) } else { exception.id.to_string() };
    Some((coordinator(1), json!({"exception": id, "person": person})))
}

fn snooze_exception(w: &mut World) -> Option<(Actor, Value)> {
    let exception = exception(w, is_open)?;
    let hours = w.dice.of(&[24, 24 * 5, 24 * 30, -1]).unwrap();
    let until = Instant::from_unix_ms(w.story.now().unix_ms() + hours * 3_600_000).unwrap();
    w.dice.one_in(2).then(|| (coordinator(1), json!({"exception": exception.id, "until": until, "reason": "waiting_for_vendor"})))
}

fn resolve_exception(w: &mut World) -> Option<(Actor, Value)> {
    let exception = exception(w, is_open)?;
    let how = w.dice.of(&["explained", "corrected", "false_alarm", "explained", "risk_accepted", "condition_ended"]);
    let reference = if w.dice.one_in(6) { None } else { Some("CASE-3") };
    let evidence = if w.dice.one_in(4) { Some(w.file()) } else { None };
    let who = if w.dice.one_in(5) { coordinator(1) } else { approver() };
    w.dice.one_in(2).then(|| (who, json!({"exception": exception.id, "how": how, "reference": reference, "evidence": evidence})))
}

fn reopen_exception(w: &mut World) -> Option<(Actor, Value)> {
    let exception = exception(w, |exception| !is_open(exception) && exception.present)?;
    let reason = w.dice.of(&["evidence_disputed", "resolved_in_error", "resolved_in_error", "snooze_over"]);
    Some((approver(), json!({"exception": exception.id, "reason": reason})))
}

fn add_note(w: &mut World) -> Option<(Actor, Value)> {
    let consignment = w.consignment_that(|_| true)?;
    let line = w.story.known().lines.all().find(|line| line.consignment == consignment.id).and_then(|line| line.asset().cloned());
    let line = line.filter(|_| w.dice.one_in(2)).map(|asset| json!({"id": asset, "type": "Asset"}));
    let about = match w.dice.of(&[0, 1, 2, 2, 2, 2, 2, 3, 4]) {
        Some(3) => json!({"id": format!("urn:sha256:{}", "7".repeat(64)), "type": "Evidence"}),
        Some(4) => json!({"id": VENDOR, "type": "Party"}),
        Some(0) => json!({"id": exception(w, is_open)?.id, "type": "Exception"}),
        Some(1) => json!({"id": format!("urn:sha256:{}", w.file()), "type": "Evidence"}),
        _ => json!({"id": consignment.id, "type": "Consignment"}),
    };
    w.dice.one_in(4).then(|| (coordinator(1), json!({"about": about, "line": line, "salted_sha256": "5".repeat(64)})))
}

macro_rules! plays {
    ($($name:ident),+ $(,)?) => { &[$((stringify!($name), $name),)+] };
}

/// Every command that random people give, chapter by chapter.
pub(super) const PLAYS: &[Play] = plays![
    register_party,
    add_site,
    name_signers,
    record_credential,
    suspend_credential,
    record_contract,
    record_training,
    register_machine,
    record_calibration,
    take_out_of_service,
    approve_downstream,
    withdraw_downstream,
    register_key,
    revoke_key,
    map_columns,
    register_asset,
    record_media,
    attest_no_storage,
    expect_media,
    confirm_medium,
    record_loose_media,
    harvest_medium,
    install_medium,
    send_to_repair,
    return_from_repair,
    redeploy,
    retire,
    return_to_service,
    assign,
    harvest_part,
    evaluate,
    authorize_surplus,
    release_accounts,
    grade,
    place_legal_hold,
    lift_legal_hold,
    quarantine,
    lift_quarantine,
    report_missing,
    record_remote_command,
    report_found,
    write_off,
    report_medium_found,
    open_consignment,
    authorize_consignment,
    grant_override,
    add_lines,
    add_quantity,
    remove_lines,
    record_container,
    scan,
    seal_consignment,
    unseal_consignment,
    cancel_consignment,
    release_consignment,
    offer_acceptance,
    accept_consignment,
    receive_consignment,
    create_link,
    revoke_link,
    resolve_discrepancy,
    receive_evidence,
    link_reading,
    dismiss_readings,
    propose_withholding,
    withhold_evidence,
    withdraw_withholding,
    record_sanitization,
    record_destruction,
    verify_sanitization,
    validate_sanitization,
    record_sample,
    accept_residual_risk,
    record_disposition,
    record_past_disposal,
    issue_certificate,
    record_rendering,
    revoke_certificate,
    publish_status,
    correct_registration,
    withdraw_no_storage,
    withdraw_medium,
    void_sanitization,
    void_disposition,
    see_device,
    record_count,
    look_for_exceptions,
    assign_exception,
    snooze_exception,
    resolve_exception,
    reopen_exception,
    add_note,
];

/// Those that are given more often: most others need what they come to.
pub(super) const OFTEN: &[Play] = plays![
    register_asset,
    retire,
    evaluate,
    authorize_surplus,
    add_lines,
    scan,
    seal_consignment,
    release_consignment,
    receive_consignment,
    receive_consignment,
    resolve_discrepancy,
    receive_evidence,
    record_sanitization,
    verify_sanitization,
    validate_sanitization,
    record_disposition,
    record_disposition,
    issue_certificate,
];
