//! The mass balance through the doors: page, JSON and CSV say the same, for everybody what they may see.

use quittance::store::mass::MassRow;
use serde_json::{Value, json};

use super::server::Server;
use super::story;

/// The figures of one row of a table, by the first cell.
fn row<'a>(report: &'a Value, table: &str, name: &str) -> &'a Value {
    let tables = report["report"]["tables"].as_array().unwrap();
    let rows = tables.iter().find(|one| one["id"] == table).unwrap()["rows"].as_array().unwrap();
    rows.iter().find(|row| row[0].as_str().unwrap().starts_with(name)).unwrap_or_else(|| panic!("no {name} in {rows:?}"))
}

#[test]
fn figures_rest_on_evidence_and_add_up() {
    let server = Server::start();
    let (story, _) = story::certified(&server);
    // The second goes to a recycler's statement that leaves 80 g open; the third is at the vendor's, and nobody has said what became of it.
    let second = &story.devices[1];
    let evidence = server.send("operator", "POST", "/api/v1/evidence", &[], &story::nwipe_log(&second.drive)).taken();
    let wiped = json!({"medium": second.medium, "technique": "nvme_sanitize_block", "evidence": evidence["sha256"]});
    server.command("operator", "record_sanitization", wiped).taken();
    server.command("verifier", "verify_sanitization", json!({"medium": second.medium})).taken();
    server.command("approver", "validate_sanitization", json!({"medium": second.medium})).taken();
    let mass = json!({"weight_grams": 2_000, "weight_basis": "lot", "recovered_grams": 1_500, "energy_grams": 300, "landfill_grams": 120});
    server.command("operator", "record_disposition", json!({"asset": second.id, "outcome": "recycled", "mass": mass})).taken();
    // One that is retired and still here, in no rate.
    let kept = story::register(&server, 9);
    server.command("coordinator", "retire", json!({"asset": kept.id, "reason": "surplus"})).taken();

    let report = server.get("reports", "/api/v1/reports/mass-balance").taken();
    let third = 1_680;
    let total = 1_480 + 2_000 + third;
    let cells = |name: &str| row(&report, "T2", name).as_array().unwrap()[1..5].to_vec();
    assert_eq!(cells("Reuse"), [1_480, 1_480, 0, 0]);
    assert_eq!(cells("Material recovered"), [1_500, 0, 1_500, 0]);
    assert_eq!(cells("Energy recovery"), [300, 0, 300, 0]);
    assert_eq!(cells("Landfill"), [120, 0, 120, 0]);
    assert_eq!(cells("Undocumented"), [80 + third, 0, 80, third]);
    assert_eq!(cells("Total"), [total, 1_480, 2_000, third]);
    assert_eq!(row(&report, "T3", "Strict diversion")[1]["fraction"], "149/258");
    assert_eq!(row(&report, "T3", "Documented collection")[1]["fraction"], "25/46");
    assert_eq!(row(&report, "T9", "retired and still here")[2], 1);
    assert_eq!(row(&report, "schools", "Lincoln High")[7], total);
    assert_eq!(row(&report, "vendors", "GreenLoop Recycling")[7], total);

    // The same as CSV and as a page.
    let csv = server.get("reports", "/api/v1/reports/mass-balance.csv?table=T2");
    assert!(
        csv.header("content-type").starts_with("text/csv") && csv.header("content-disposition").contains("mass-balance-T2-"),
        "{:?}",
        csv.headers
    );
    let text = csv.text();
    assert!(text.starts_with("Bucket,Grams,Documented g,Allocated g,Estimated g,Share %\r\nReuse,1480,1480,0,0,28.682171\r\n"), "{text}");
    server.get("reports", "/api/v1/reports/mass-balance.csv?table=T99").refused(422, "reports.table");
    let page = server.page("reports", "/reports/mass-balance").text();
    for words in ["<svg viewBox", "role=\"img\"", "Reuse: 1,480 g, 28.7 %", "This table as CSV", "22.3 %", "not that the statement was true"] {
        assert!(page.contains(words), "no “{words}” in {page}");
    }
    assert!(!page.contains(" style="), "{page}");

    // Another school, another period, another vendor: nothing.
    for query in ["site=Central", "from=2020-01&to=2020-12", &format!("vendor={}", server.parties["RecycleOne"])] {
        let none = server.get("reports", &format!("/api/v1/reports/mass-balance?{query}")).taken();
        assert_eq!((&row(&none, "T2", "Total")[1], &row(&none, "T3", "Reuse rate")[1]), (&json!(0), &Value::Null), "{query}");
    }
    assert_eq!(row(&server.get("reports", "/api/v1/reports/mass-balance?site=Lincoln%20High").taken(), "T2", "Total")[1], total);
    // A vendor's people see what their company had, whatever they ask for.
    let theirs = format!("/api/v1/reports/mass-balance?vendor={}", server.parties["GreenLoop Recycling"]);
    assert_eq!(row(&server.get("operator", &theirs).taken(), "T2", "Total")[1], total);
    assert_eq!(row(&server.get("stranger", &theirs).taken(), "T2", "Total")[1], 0);
    server.get("reports", "/api/v1/reports/mass-balance?from=2026-12&to=2026-01").refused(422, "reports.month");
    server.get("reports", "/api/v1/reports/footprint").refused(404, "request.unknown");
    server.audit();
}

#[test]
fn what_changes_moves_between_the_sums_and_leaves_no_empty_rows() {
    let server = Server::start();
    let device = story::register(&server, 1);
    let rows = || MassRow::all(&mut server.service.app.connect().unwrap()).unwrap();
    assert_eq!(rows(), []);
    server.command("coordinator", "retire", json!({"asset": device.id, "reason": "surplus", "occurred": "2026-01-05T08:00:00Z"})).taken();
    let kept = rows();
    assert_eq!((kept.len(), kept[0].month.as_str(), kept[0].stored_devices, kept[0].devices), (1, "2026-01", 1, 0));
    server.command("coordinator", "return_to_service", json!({"asset": device.id, "reason": "needed_again"})).taken();
    assert_eq!(rows(), []);
    server.command("coordinator", "send_to_repair", json!({"asset": device.id, "fault": "screen"})).taken();
    let back = json!({"asset": device.id, "status": "in_service", "media": [{"medium": device.medium, "found": "same"}]});
    server.command("coordinator", "return_from_repair", back).taken();
    let mass = json!({"weight_grams": 1_480, "weight_basis": "scale"});
    let reuse = json!({"asset": device.id, "outcome": "repaired", "mass": mass, "occurred": "2026-02-01T08:00:00Z"});
    server.command("coordinator", "record_disposition", reuse).taken();
    let reused = rows();
    assert_eq!((reused.len(), reused[0].month.as_str(), reused[0].site.as_str(), reused[0].reuse), (1, "2026-02", "Lincoln High", 1_480));
    server.audit();
}
