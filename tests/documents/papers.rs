//! The papers of a consignment and labels: what stands on them, how they are cut, and what scanners by others read from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use quittance::documents::labels::{self, Label, Stock};
use quittance::documents::receipt_pdf::{Difference, Statement};
use quittance::documents::sheet::{Papers, Stated, Thing};
use quittance::documents::{manifest_pdf, pick_list_pdf, receipt_pdf, reconciliation_pdf};
use quittance::domain::consignment::{Consignment, Discrepancy, Line};
use quittance::domain::names::Instant;
use serde_json::{Value, json};

use super::folder;
use super::programs::{have, run};

const ID: &str = "urn:uuid:7d3b7c52-41f6-4b1c-8b6e-0f4f6f7f1a02";
const DISTRICT: &str = "urn:uuid:5b1f1c3e-6a51-4f0e-9a6e-9d5f3f0c2b12";
const VENDOR: &str = "urn:uuid:5b1f1c3e-6a51-4f0e-9a6e-9d5f3f0c2b13";
const PERSON: &str = "urn:uuid:5b1f1c3e-6a51-4f0e-9a6e-9d5f3f0c2b11";

fn asset(n: usize) -> String {
    format!("urn:uuid:0b7c3a52-41f6-4b1c-8b6e-{n:012}")
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn act(seq: u64, occurred: &str) -> Value {
    json!({"by": PERSON, "party": DISTRICT, "seq": seq, "occurred": occurred})
}

/// A consignment on three pallets; open, or sealed and released.
fn consignment(lines: usize, open: bool) -> Consignment {
    let pallet =
        |n: usize| json!({"label": format!("PALLET-{n}"), "seal": format!("00487{n}"), "tare_weight_grams": 21_500, "gross_weight_grams": 151_500});
    let sealed = (!open).then(|| act(812, "2026-11-14T14:02:00Z"));
    let released = (!open).then(|| act(813, "2026-11-14T14:20:00Z"));
    let digest = (!open).then_some("4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945");
    serde_json::from_value(json!({
        "id": ID, "reference": "P-2026-041", "from": {"party": DISTRICT, "site": "Warehouse"}, "to": {"party": VENDOR, "site": "Dayton"},
        "kind": "pickup", "status": if open { "open" } else { "released" }, "containers": [pallet(1), pallet(2), pallet(3)],
        "broken_seals": if open { json!([]) } else { json!(["004869"]) },
        "carrier": "Hale Freight", "carrier_party": null, "driver": "TOUR-17", "presets": {"reason": null, "media_type": null, "rung": null},
        "authorization": null, "lines": lines, "opened_at": "2026-11-12T09:00:00Z", "sealed": sealed, "manifest": digest, "overrides": [],
        "released": released, "received": null, "scanned": null, "open_discrepancies": [], "discrepancies": [], "may_hold_data": true, "last_seq": if open { 640 } else { 813 },
    }))
    .unwrap()
}

fn lines(count: usize) -> Vec<Line> {
    let titles = ["Lenovo 100e Chromebook Gen 3", "HP EliteBook 840 G6", "Dell Latitude 3190 Education 2-in-1", "Epson PowerLite 1781W"];
    let mut lines: Vec<Value> = (0..count)
        .map(|n| {
            json!({"consignment": ID, "item": {"asset": asset(n)}, "name": format!("NSD-{:05}", 20_000 + n * 7 % 9_973), "serial": format!("5CG94{:05}", n * 31 % 99_991),
                "title": titles[n * 5 % 4], "quantity": null, "container": format!("PALLET-{}", n * 3 / count.max(1) + 1), "state": "listed", "added": 100 + n, "last_seq": 100 + n})
        })
        .collect();
    if count > 10 {
        let id = "urn:uuid:0b7c3a52-41f6-4b1c-8b6e-00000000beef";
        let quantity = json!({"what": "charger", "count": 280, "unit_weight_grams": 210});
        lines.push(
            json!({"consignment": ID, "item": {"quantity": id}, "name": "charger", "serial": null, "title": "chargers, counted, without storage",
            "quantity": quantity, "container": "PALLET-3", "state": "listed", "added": 99, "last_seq": 99}),
        );
    }
    lines.into_iter().map(|line| serde_json::from_value(line).unwrap()).collect()
}

fn papers<'a>(consignment: &'a Consignment, lines: &'a [Line]) -> Papers<'a> {
    let sorts = ["chromebook", "laptop", "laptop", "projector"];
    let sites = ["Lincoln High School", "Warehouse", "Roosevelt Middle School"];
    let things: BTreeMap<String, Thing> = lines
        .iter()
        .enumerate()
        .map(|(n, line)| (line.item.id().to_owned(), Thing { sort: sorts[n * 5 % 4].to_owned(), site: sites[n % 3].to_owned() }))
        .collect();
    let stated = |act: &Option<quittance::domain::medium::Act>, who: &str| {
        act.as_ref().map(|act| Stated { who: who.to_owned(), at: act.occurred, entry: act.seq })
    };
    Papers {
        organisation: "North Street School District",
        address: "https://records.northstreet.example/consignments/7d3b7c52-41f6-4b1c-8b6e-0f4f6f7f1a02".to_owned(),
        consignment,
        from: "North Street School District, Warehouse".to_owned(),
        to: "North River Recycling, Dayton".to_owned(),
        lines,
        things,
        as_of: at("2026-11-14T14:20:01.007Z"),
        sealed: stated(&consignment.sealed, "Ana Ortiz, North Street School District"),
        released: stated(&consignment.released, "Ana Ortiz, North Street School District"),
        received: stated(&consignment.received, "Kim Bell, North River Recycling"),
    }
}

fn kept(name: &str, bytes: &[u8]) -> (PathBuf, String) {
    let folder = folder(name);
    let path = folder.join(format!("{name}.pdf"));
    std::fs::write(&path, bytes).unwrap();
    (folder, path.to_string_lossy().into_owned())
}

fn pages(path: &str) -> usize {
    run("pdfinfo", &[path]).lines().find_map(|line| line.strip_prefix("Pages:")).unwrap().trim().parse().unwrap()
}

fn text(path: &str, first: usize, last: usize) -> String {
    let (first, last) = (first.to_string(), last.to_string());
    run("pdftotext", &["-layout", "-f", &first, "-l", &last, path, "-"]).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_manifest_says_what_left_and_where_both_sides_sign() {
    let (consignment, lines) = (consignment(301, false), lines(300));
    let frozen = br#"{"v":1}"#;
    let bytes = manifest_pdf::render(&papers(&consignment, &lines), Some(frozen)).unwrap();
    assert_eq!(bytes, manifest_pdf::render(&papers(&consignment, &lines), Some(frozen)).unwrap());
    let (folder, path) = kept("manifest", &bytes);
    if !have("qpdf", "qpdf") || !have("pdftotext", "poppler-utils") {
        return;
    }
    let said = run("qpdf", &["--check", &path]);
    assert!(said.contains("No syntax or stream encoding errors found"), "{said}");
    let shown = Command::new("qpdf").args(["--show-attachment=manifest.json", &path]).output().unwrap();
    assert_eq!(shown.stdout, frozen);
    let count = pages(&path);
    let all = text(&path, 1, count);
    for words in [
        "Manifest",
        "P-2026-041",
        "North River Recycling, Dayton",
        "Hale Freight",
        "TOUR-17",
        "PALLET-2 · seal 004872",
        "151.500 kg",
        "130.000 kg",
        "280 chargers",
        "chromebook 75",
        "004869",
        "Taken by the carrier",
        "Signature",
        "Released by",
        "Received by",
        "entry 813",
        "as of entry 813",
        "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
    for line in &lines {
        let serial = line.serial.as_ref().map_or("", |serial| serial.as_str());
        assert!(line.quantity.is_some() || (all.contains(&line.name) && all.contains(serial)), "{}", line.name);
    }
    for page in 1..=count {
        let page_text = text(&path, page, page);
        assert!(page_text.contains(&format!("page {page} of {count}")) && !page_text.contains("DRAFT"), "{page_text}");
    }
    if have("zbarimg", "zbar-tools") {
        assert_eq!(scanned(&folder, &path, 1, 1, 150), [format!("QR-Code:{}", papers(&consignment, &lines).address)]);
    }
}

#[test]
fn a_list_that_is_not_sealed_is_a_draft_on_every_page() {
    let (consignment, lines) = (consignment(121, true), lines(120));
    let (_, path) = kept("draft", &manifest_pdf::render(&papers(&consignment, &lines), None).unwrap());
    if !have("pdftotext", "poppler-utils") {
        return;
    }
    let count = pages(&path);
    assert!(count > 2);
    for page in 1..=count {
        assert!(text(&path, page, page).contains("DRAFT of the manifest P-2026-041"), "page {page}");
    }
    assert!(text(&path, 1, 1).contains("This list is not sealed and may still change."));
    // The word across the page is ink: the same page without it is lighter.
    if have("pdftoppm", "poppler-utils") {
        let dark = |path: &str| {
            let image = Command::new("pdftoppm").args(["-r", "40", "-gray", "-f", "2", "-l", "2", path]).output().unwrap().stdout;
            image.iter().filter(|byte| (230..=238).contains(*byte)).count()
        };
        let sealed = self::consignment(121, false);
        let (_, other) = kept("not-a-draft", &manifest_pdf::render(&papers(&sealed, &lines), None).unwrap());
        assert!(dark(&path) > dark(&other) * 2, "{} {}", dark(&path), dark(&other));
    }
}

#[test]
fn from_no_line_to_five_thousand() {
    let started = std::time::Instant::now();
    for count in [0, 1, 5_000] {
        let (consignment, lines) = (consignment(count, count == 0), lines(count));
        let bytes = manifest_pdf::render(&papers(&consignment, &lines), None).unwrap();
        println!("{count} lines: {} KB, {} ms so far", bytes.len() / 1024, started.elapsed().as_millis());
        let (_, path) = kept(&format!("manifest-{count}"), &bytes);
        assert!(bytes.len() < 4 << 20, "{} bytes", bytes.len());
        if !have("pdftotext", "poppler-utils") {
            continue;
        }
        let all = text(&path, 1, pages(&path));
        assert!(lines.iter().all(|line| line.quantity.is_some() || all.contains(&line.name)), "{count}");
        assert_eq!(all.contains("Nothing is on the list yet."), count == 0);
        if count == 5_000 {
            assert!(all.contains("5,001 lines") && all.contains("5,001 280 chargers"), "numbered to the end");
        }
    }
}

#[test]
fn a_pick_list_goes_by_place_and_has_nothing_to_scan() {
    let (consignment, lines) = (consignment(61, true), lines(60));
    let (folder, path) = kept("pick-list", &pick_list_pdf::render(&papers(&consignment, &lines)).unwrap());
    if have("pdftotext", "poppler-utils") {
        let all = text(&path, 1, pages(&path));
        for words in ["Pick list", "Lincoln High School · 21 lines", "Roosevelt Middle School · 20 lines", "5CG94", "scan the thing itself"] {
            assert!(all.contains(words), "{words}: {all}");
        }
    }
    if have("zbarimg", "zbar-tools") && have("pdftoppm", "poppler-utils") {
        assert_eq!(scanned(&folder, &path, 1, pages(&path), 150), Vec::<String>::new());
    }
}

/// Received: one short, one with another serial, one over, one without its drive, a seal and a weight.
fn differing(count: usize) -> (Consignment, Vec<Line>, Vec<Discrepancy>) {
    let mut consignment = serde_json::to_value(consignment(count, false)).unwrap();
    consignment["status"] = json!("received");
    consignment["received"] = act(901, "2026-11-15T09:30:00Z");
    consignment["scanned"] = json!(count);
    consignment["last_seq"] = json!(911);
    consignment["receipts"] = json!([{"act": act(901, "2026-11-15T09:30:00Z"), "scanned": count, "more_to_come": false, "containers": [
        {"label": "PALLET-1", "seal_state": "intact", "gross_weight_grams": 151_300}, {"label": "PALLET-2", "seal_state": "broken", "gross_weight_grams": 138_000},
        {"label": "PALLET-3", "seal_state": "different", "seal": "004899", "gross_weight_grams": null}]}]);
    let mut all = lines(count);
    let states = ["short", "mismatch", "incomplete"];
    for (n, line) in all.iter_mut().enumerate() {
        let mut value = serde_json::to_value(&*line).unwrap();
        value["state"] = json!(states.get(n).copied().unwrap_or("received"));
        if n == 5 {
            value["damage"] = json!("screen");
        }
        *line = serde_json::from_value(value).unwrap();
    }
    let discrepancy = |n: usize, kind: &str, more: Value| {
        let mut value = json!({"id": format!("urn:uuid:1b7c3a52-41f6-4b1c-8b6e-{n:012}"), "consignment": ID, "kind": kind, "asset": null, "scan": null,
            "critical": true, "due_at": "2026-11-17T09:30:00Z", "resolution": null, "resolved": null, "last_seq": 902 + n});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value::<Discrepancy>(value).unwrap()
    };
    let resolved = json!({"asset": asset(3), "resolution": "located_at_receiver", "resolved": act(911, "2026-11-16T08:00:00Z")});
    let discrepancies = vec![
        discrepancy(1, "short", json!({"asset": asset(0)})),
        discrepancy(2, "mismatch", json!({"asset": asset(1), "scan": {"tag": "NSD-20007", "serial": "PF3XBB1"}})),
        discrepancy(3, "incomplete", json!({"asset": asset(2), "scan": {"tag": "NSD-20014", "serial": null}})),
        discrepancy(4, "over", json!({"scan": {"tag": "CB-20733", "serial": "5CG9482KAB"}, "critical": true})),
        discrepancy(5, "seal", json!({"container": "PALLET-2", "seal": ["broken", null], "critical": false})),
        discrepancy(6, "weight", json!({"container": "PALLET-2", "figures": [151_500, 138_000], "critical": false})),
        discrepancy(7, "short", resolved),
    ];
    (serde_json::from_value(consignment).unwrap(), all, discrepancies)
}

fn differences<'a>(lines: &[Line], discrepancies: &'a [Discrepancy]) -> Vec<Difference<'a>> {
    let line = |discrepancy: &Discrepancy| lines.iter().find(|line| line.asset().is_some() && line.asset() == discrepancy.asset.as_ref());
    discrepancies
        .iter()
        .map(|discrepancy| Difference {
            name: line(discrepancy).map(|line| line.name.clone()).unwrap_or_default(),
            serial: line(discrepancy).and_then(|line| line.serial.as_ref().map(ToString::to_string)).unwrap_or_default(),
            title: line(discrepancy).map(|line| line.title.clone()).unwrap_or_default(),
            resolved: discrepancy.resolved.as_ref().map(|act| Stated {
                who: "Abel Approver, North Street School District".to_owned(),
                at: act.occurred,
                entry: act.seq,
            }),
            discrepancy,
        })
        .collect()
}

#[test]
fn a_receipt_says_what_the_receiver_stated_and_what_differs() {
    let (consignment, lines, discrepancies) = differing(40);
    let receipt = &consignment.receipts[0];
    let stated = Stated { who: "Kim Bell, North River Recycling".to_owned(), at: receipt.act.occurred, entry: receipt.act.seq };
    let statements = [Statement { receipt, stated, how: "signed in".to_owned() }];
    let all = differences(&lines, &discrepancies);
    let (_, path) = kept("receipt", &receipt_pdf::render(&papers(&consignment, &lines), &statements, &all).unwrap());
    if !have("pdftotext", "poppler-utils") {
        return;
    }
    let all = text(&path, 1, pages(&path));
    for words in [
        "Receipt",
        "Kim Bell, North River Recycling",
        "40 things scanned; signed in",
        "Received as listed",
        "listed, 004899",
        "Short: listed and not found",
        "tag CB-20733, serial",
        "5CG9482KAB",
        "PF3XBB1",
        "screen broken",
        "138.000 kg",
        "may hold data",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
}

#[test]
fn a_reconciliation_sheet_offers_every_way_to_resolve_a_variance() {
    let (consignment, lines, discrepancies) = differing(40);
    let all = differences(&lines, &discrepancies);
    let (_, path) = kept("reconciliation", &reconciliation_pdf::render(&papers(&consignment, &lines), &all).unwrap());
    if !have("pdftotext", "poppler-utils") {
        return;
    }
    let all = text(&path, 1, pages(&path));
    for discrepancy in &discrepancies[..6] {
        for resolution in discrepancy.kind.resolutions() {
            let label = resolution.label();
            assert!(all.contains(&label[1..]), "{label}: {all}");
        }
    }
    for words in ["Open variances: 6", "-13.500 kg", "Reference or document that shows it", "Resolved", "Abel Approver", "entry 911"] {
        assert!(all.contains(words), "{words}: {all}");
    }
}

/// What zbar reads on these pages, sorted.
fn scanned(folder: &Path, path: &str, first: usize, last: usize, dpi: u32) -> Vec<String> {
    let image = folder.join("page");
    let (first, last, dpi) = (first.to_string(), last.to_string(), dpi.to_string());
    run("pdftoppm", &["-r", &dpi, "-f", &first, "-l", &last, "-png", path, &image.to_string_lossy()]);
    let mut images: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    images.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    let mut found = Vec::new();
    for image in &images {
        let output = Command::new("zbarimg").args(["-q", "--nodbus"]).arg(image).output().unwrap();
        found.extend(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned));
        std::fs::remove_file(image).unwrap();
    }
    found.sort();
    found
}

fn label(tag: &str) -> Label {
    let escaped: String =
        tag.bytes().map(|b| if b.is_ascii_alphanumeric() || b"-._".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    Label { tag: tag.to_owned(), address: format!("https://records.northstreet.example/a/{escaped}") }
}

/// Tags as districts have them, and all that Code 128 can hold.
fn tags() -> Vec<String> {
    let mut tags: Vec<String> =
        ["NSD-77120", "CB-20418", "0012345", "123456", "42", "A1B2C3D4E5", "LINCOLN HS 0417", "20-00417/B", "x", "ROOSEVELT-MIDDLE-000417"]
            .map(str::to_owned)
            .to_vec();
    let printable: Vec<u8> = (b' '..=b'~').collect();
    tags.extend(printable.chunks(12).map(|chunk| format!("[{}]", String::from_utf8_lossy(chunk))));
    tags
}

#[test]
fn labels_are_read_by_a_scanner_as_they_were_meant() {
    if !have("zbarimg", "zbar-tools") || !have("pdftoppm", "poppler-utils") {
        return;
    }
    let labels: Vec<Label> = tags().iter().map(|tag| label(tag)).collect();
    for (stock, dpi) in [(Stock::Avery5160, 600), (Stock::Dymo30252, 600), (Stock::BrotherDk1201, 600)] {
        let bytes = labels::render(stock, "North Street School District", &labels, 1, "2026-11-14T14:20:01Z").unwrap();
        assert_eq!(bytes, labels::render(stock, "North Street School District", &labels, 1, "2026-11-14T14:20:01Z").unwrap());
        let (folder, path) = kept(stock.as_str(), &bytes);
        assert_eq!(pages(&path), if stock == Stock::Avery5160 { labels.len().div_ceil(30) } else { labels.len() });
        let found = scanned(&folder, &path, 1, labels.len(), dpi);
        let mut expected: Vec<String> =
            labels.iter().flat_map(|label| [format!("CODE-128:{}", label.tag), format!("QR-Code:{}", label.address)]).collect();
        expected.sort();
        assert_eq!(found, expected, "{stock}");
    }
}

#[test]
fn a_sheet_that_was_used_before_goes_on_where_it_is_whole() {
    if !have("pdftotext", "poppler-utils") {
        return;
    }
    let labels: Vec<Label> = (1..=32).map(|n| label(&format!("T-{n:03}"))).collect();
    let (_, path) = kept("start", &labels::render(Stock::Avery5160, "North Street", &labels, 29, "2026-11-14T14:20:01Z").unwrap());
    assert_eq!(pages(&path), 2);
    let on = |page: usize| text(&path, page, page);
    assert!(on(1).contains("T-002") && !on(1).contains("T-003") && on(2).contains("T-003") && on(2).contains("T-032"));
    // The 29th place is the second of the last row.
    let boxes = run("pdftotext", &["-f", "1", "-l", "1", "-bbox", &path, "-"]);
    let place = boxes.lines().find(|line| line.contains(">T-001<")).unwrap();
    let number = |name: &str| place.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse::<f64>().unwrap();
    assert!((211.0..401.0).contains(&number("xMin")) && (684.0..756.0).contains(&number("yMin")), "{place}");
}

#[test]
fn what_no_bars_can_say_is_in_the_qr_code() {
    let labels = [label("Łódź-417"), label(&"W".repeat(64))];
    for stock in [Stock::Avery5160, Stock::Dymo30252] {
        let (folder, path) = kept(&format!("no-bars-{stock}"), &labels::render(stock, "North Street", &labels, 1, "2026-11-14T14:20:01Z").unwrap());
        if have("zbarimg", "zbar-tools") && have("pdftoppm", "poppler-utils") {
            let mut expected: Vec<String> = labels.iter().map(|label| format!("QR-Code:{}", label.address)).collect();
            expected.sort();
            assert_eq!(scanned(&folder, &path, 1, 2, 600), expected, "{stock}");
        }
    }
}
