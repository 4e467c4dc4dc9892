//! The desk without any script: forms that record, lists that are narrowed and kept, many devices at once, and the ledger to look into.

use serde_json::json;

use super::matrix::as_form;
use super::server::{Answer, Server};
use super::story;
use quittance::store::log;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn send(server: &Server, who: &str, path: &str, body: &str) -> Answer {
    server.send(who, "POST", path, &[FORM, ("Accept", "text/html")], body.as_bytes())
}

fn size(server: &Server) -> u64 {
    log::head(&mut server.service.app.read().unwrap()).unwrap().unwrap().frontier.size()
}

fn bare(id: &str) -> &str {
    id.strip_prefix("urn:uuid:").unwrap_or(id)
}

/// A page that must say all of this.
fn says(answer: &Answer, words: &[&str]) {
    let text = answer.text();
    for word in words {
        assert!(text.contains(word), "{} does not say “{word}”: {text}", answer.status);
    }
    assert!(!text.contains(" style=") && !text.contains(" onclick="));
}

const CHROMEBOOK: &str = "tag=CB-90001&serial=5CG9482KQ7&category=chromebook&manufacturer=Lenovo&model=100e&site=Central&status=in_service\
     &sensitivity=moderate&media.0.media_type=emmc&media.0.capacity_bytes=32";

#[test]
fn a_form_records_once_and_says_what_is_wrong_at_its_field() {
    let server = Server::start();
    let form = server.page("coordinator", "/assets/new");
    says(&form, &["Register a device", "name=\"idempotency_key\"", "in the name of Coordinator Example", "<option value=\"Central\""]);
    let before = size(&server);
    let first = send(&server, "coordinator", "/assets/new", &format!("idempotency_key=k-1&{CHROMEBOOK}"));
    assert_eq!(first.status, 303, "{}", first.text());
    let there = first.header("location").to_owned();
    assert!(there.starts_with("/assets/") && first.header("set-cookie").starts_with("said="), "{:?}", first.headers);
    let after = size(&server);
    assert!(after > before);
    // Pressed twice: the same answer, and nothing more in the log.
    let second = send(&server, "coordinator", "/assets/new", &format!("idempotency_key=k-1&{CHROMEBOOK}"));
    assert_eq!((second.status, second.header("location"), size(&server)), (303, there.as_str(), after));
    let other = send(&server, "coordinator", "/assets/new", &format!("idempotency_key=k-1&{}", CHROMEBOOK.replace("90001", "90002")));
    assert_eq!(other.status, 422);
    says(&other, &["There is a problem", "value=\"CB-90002\""]);
    // What is missing is said at its field, and what was typed stays.
    let empty = send(&server, "coordinator", "/assets/new", "idempotency_key=k-2&tag=&serial=none&category=boat&model=100e&cost_cents=a");
    assert_eq!(empty.status, 422);
    says(
        &empty,
        &[
            "<title>Problem: Register a device",
            "role=\"alert\"",
            "<a href=\"#f-tag\">Tag</a>: Fill this in.",
            "<a href=\"#f-category\">Kind</a>: Choose one of the list.",
            "id=\"f-cost-cents-error\"",
            "value=\"100e\"",
            "value=\"k-2\"",
        ],
    );
    let serial = send(&server, "coordinator", "/assets/new", &format!("idempotency_key=k-3&{}", CHROMEBOOK.replace("5CG9482KQ7", "unknown")));
    says(&serial, &["<a href=\"#f-serial\">Serial number</a>: ", "not a serial number"]);
    let taken = send(&server, "coordinator", "/assets/new", &format!("idempotency_key=k-4&{CHROMEBOOK}"));
    assert_eq!((taken.status, size(&server)), (422, after));
    let half = send(&server, "coordinator", "/assets/new", &format!("{}&funding.award=S1", CHROMEBOOK.replace("90001", "90003")));
    says(&half, &["<a href=\"#f-funding-source\">"]);
    // Nobody else's page sends it.
    let elsewhere = server.send("coordinator", "POST", "/assets/new", &[FORM, ("Sec-Fetch-Site", "cross-site")], CHROMEBOOK.as_bytes());
    elsewhere.refused(403, "session.other_site");
    assert_eq!(send(&server, "auditor", "/assets/new", CHROMEBOOK).status, 403);
}

#[test]
fn what_is_possible_is_asked_of_the_rules() {
    let server = Server::start();
    let device = story::register(&server, 1);
    let here = format!("/assets/{}", bare(&device.id));
    says(&server.page("coordinator", &here), &[&format!("{here}/actions/retire"), "All next steps"]);
    let steps = server.page("coordinator", &format!("{here}/actions"));
    says(&steps, &[&format!("href=\"{here}/actions/retire\""), "Not possible now", "Take back from repair", "Missing for a certificate"]);
    assert!(!steps.text().contains("Write off"), "a step of another role is shown");
    assert!(!steps.text().contains(&format!("href=\"{here}/actions/return_to_service\"")), "what is not possible is offered");
    let retired = send(&server, "coordinator", &format!("{here}/actions/retire"), "idempotency_key=r&reason=end_of_life");
    assert_eq!((retired.status, retired.header("location")), (303, here.as_str()));
    let steps = server.page("coordinator", &format!("{here}/actions"));
    says(&steps, &[&format!("href=\"{here}/actions/return_to_service\""), &format!("href=\"{here}/actions/evaluate\"")]);
    assert!(!steps.text().contains(&format!("href=\"{here}/actions/retire\"")), "what is not possible is offered");
    // The rules refuse what they refuse everywhere, in the same words.
    let again = send(&server, "coordinator", &format!("{here}/actions/retire"), "idempotency_key=s&reason=end_of_life");
    let api = server.command("coordinator", "retire", json!({"asset": device.id, "reason": "end_of_life"})).json();
    assert_eq!(again.status, 422);
    let plain = again.text().replace("&#39;", "'").replace("&#34;", "\"");
    assert!(plain.contains(api["detail"].as_str().unwrap()), "{plain}");
    // Every better use needs its reason.
    let reasons = "rejected.0.reason=not_broken&rejected.1.reason=end_of_support&rejected.2.reason=no_demand&rejected.3.reason=no_demand\
         &rejected.4.reason=no_demand";
    let judged = send(&server, "coordinator", &format!("{here}/actions/evaluate"), &format!("idempotency_key=e&rung=recycling&{reasons}"));
    assert_eq!(judged.status, 303, "{}", judged.text());
    let held = send(&server, "approver", &format!("{here}/actions/place_legal_hold"), "idempotency_key=h&reason=litigation&reference=CASE-7");
    assert_eq!(held.status, 303, "{}", held.text());
    says(&server.page("approver", &here), &["CASE-7"]);
    assert_eq!(server.page("auditor", &format!("{here}/actions")).status, 200);
    assert_eq!(server.page("coordinator", &format!("{here}/actions/write_off")).status, 403);
    assert_eq!(server.page("coordinator", &format!("{here}/actions/explode")).status, 404);
}

#[test]
fn a_certificate_is_issued_and_revoked_by_forms() {
    let server = Server::start();
    let (story, number) = story::certified(&server);
    let without = format!("/assets/{}/actions/issue_certificate", bare(&story.devices[1].id));
    says(&server.page("coordinator", &without), &["Issue the certificate", "Not possible yet", "no sanitization is recorded"]);
    let refused = send(&server, "coordinator", &without, "idempotency_key=c");
    assert_eq!(refused.status, 422);
    says(&refused, &["role=\"alert\"", "no sanitization is recorded"]);
    let here = format!("/certificates/{number}");
    assert!(!server.page("coordinator", &here).text().contains("/revocation"));
    says(&server.page("approver", &here), &[&format!("{here}/revocation")]);
    let unsaid = send(&server, "approver", &format!("{here}/revocation"), "idempotency_key=v&reason=");
    assert_eq!(unsaid.status, 422);
    let revoked = send(&server, "approver", &format!("{here}/revocation"), "idempotency_key=v&reason=error_in_record");
    assert_eq!((revoked.status, revoked.header("location")), (303, here.as_str()));
    says(&server.page("nobody", &here), &["Do not rely on it"]);
    says(&server.page("approver", &format!("{here}/revocation")), &["revoked already"]);
}

#[test]
fn the_first_page_says_what_waits_and_whose_move_it_is() {
    let server = Server::start();
    says(&server.page("coordinator", "/"), &["Nothing is open.", "Last looked at", "to evaluate", "Look into the ledger"]);
    let device = story::register(&server, 1);
    server.command("coordinator", "retire", json!({"asset": device.id, "reason": "end_of_life"})).taken();
    let text = server.page("coordinator", "/").text();
    assert!(text.contains("href=\"/assets?label=retired\"><b>1</b>"), "{text}");
    let text = server.page("operator", "/").text();
    assert!(text.contains("to receive") && !text.contains("to evaluate") && !text.contains("href=\"/settings\""), "{text}");
    let spanish = server.send("operator", "GET", "/", &[("Accept", "text/html"), ("Accept-Language", "es")], b"").text();
    assert!(spanish.contains("por recibir") && spanish.contains("Requiere atención"), "{spanish}");
    // Whatever has a name of its own is found by it.
    let there = |q: &str| server.page("coordinator", &format!("/search?q={q}")).header("location").to_owned();
    assert_eq!(there(&device.tag), format!("/assets/{}", bare(&device.id)));
    assert_eq!(there("%233"), "/ledger/entries/3");
    assert_eq!(there("CB-"), "/assets?q=CB-");
    assert_eq!(there("%3D1%2B1"), "/assets?q=%3D1%2B1");
    assert_eq!(there(""), "/assets");
}

#[test]
fn a_list_is_narrowed_kept_and_taken_along() {
    let server = Server::start();
    let device = story::register(&server, 1);
    let formula = json!({"tag": "=CMD-1", "category": "laptop", "manufacturer": "Lenovo", "model": "L14", "site": "Central", "status": "in_stock"});
    server.command("coordinator", "register_asset", formula).taken();
    let unknown = server.page("coordinator", "/assets?media=unknown");
    assert!(unknown.text().contains("=CMD-1</a>") && !unknown.text().contains(&format!("{}</a>", device.tag)), "{}", unknown.text());
    says(&unknown, &["media unknown <span", "Save this list as"]);
    says(&server.page("coordinator", "/assets?site=Nowhere&category=laptop"), &["No device fits all of this", "at Nowhere"]);
    says(&server.page("coordinator", "/assets?category=chromebook"), &["Chromebook"]);
    server.send("coordinator", "GET", "/assets?category=boat", &[], b"").refused(422, "names.unknown_code");
    server.send("coordinator", "GET", "/assets?media=some", &[], b"").refused(422, "request.filter");
    // Kept for oneself, or for everybody of a role.
    let kept = send(&server, "coordinator", "/views", "name=Nobody+looked&query=media%3Dunknown&role=auditor");
    assert_eq!((kept.status, kept.header("location")), (303, "/assets?media=unknown"));
    says(&server.page("coordinator", "/assets"), &["Nobody looked", "/removals\""]);
    let shared = server.page("auditor", "/assets").text();
    assert!(shared.contains("href=\"/assets?media=unknown\">Nobody looked") && !shared.contains("/removals\""), "{shared}");
    assert!(!server.page("approver", "/assets").text().contains("Nobody looked"));
    let id = server.page("coordinator", "/assets").text().split("/views/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    assert_eq!(send(&server, "auditor", &format!("/views/{id}/removals"), "").status, 404);
    assert_eq!(send(&server, "coordinator", &format!("/views/{id}/removals"), "").status, 303);
    assert!(!server.page("auditor", "/assets").text().contains("Nobody looked"));
    assert_eq!(send(&server, "coordinator", "/views", "name=x&query=%22%3E%3Cscript%3E").status, 422);
    // As a file: all of it, and nothing in it that calculates.
    let file = server.send("coordinator", "GET", "/assets.csv?category=laptop", &[], b"");
    let text = file.text();
    assert!(
        file.header("content-disposition").starts_with("attachment") && file.header("content-type").starts_with("text/csv"),
        "{:?}",
        file.headers
    );
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("tag,serial,") && text.contains("\"'=CMD-1\""), "{text}");
    let all = server.send("coordinator", "GET", "/assets.csv", &[], b"").text();
    assert_eq!(all.lines().count(), 3, "{all}");
}

#[test]
fn one_command_for_many_is_tried_then_done() {
    let server = Server::start();
    let devices: Vec<_> = (1..=3).map(|n| story::register(&server, n)).collect();
    server.command("coordinator", "retire", json!({"asset": devices[2].id, "reason": "surplus"})).taken();
    let ids: String = devices.iter().map(|device| format!("&ids={}", bare(&device.id))).collect();
    says(&server.page("coordinator", &format!("/bulk/new?{}", &ids[1..])), &["3 devices", "<option value=\"retire\">", "Go on"]);
    let form = server.page("coordinator", &format!("/bulk/new?command=retire{}", ids.replace("&ids", "&of.ids")));
    says(&form, &["name=\"of.ids\"", "See what would happen", "name=\"reason\""]);
    let chosen = ids.replace("&ids", "&of.ids");
    let before = size(&server);
    let preview = send(&server, "coordinator", "/bulk", &format!("idempotency_key=b&command=retire&reason=surplus&step=preview{chosen}"));
    says(&preview, &["2 of 3 would be recorded", &devices[2].tag, "record 2"]);
    assert_eq!((preview.status, size(&server)), (200, before));
    let wrong = send(&server, "coordinator", "/bulk", &format!("idempotency_key=b&command=retire&reason=&step=preview{chosen}"));
    assert_eq!(wrong.status, 422);
    let started = send(&server, "coordinator", "/bulk", &format!("idempotency_key=b&command=retire&reason=surplus&step=start{chosen}"));
    assert_eq!(started.status, 303, "{}", started.text());
    let here = started.header("location").to_owned();
    let twice = send(&server, "coordinator", "/bulk", &format!("idempotency_key=b&command=retire&reason=surplus&step=start{chosen}"));
    assert_eq!(twice.header("location"), here);
    let done = (0..200).find_map(|_| {
        let page = server.page("coordinator", &here).text();
        std::thread::sleep(std::time::Duration::from_millis(50));
        page.contains("data-running=\"false\"").then_some(page)
    });
    let page = done.expect("the job ends");
    assert!(page.contains("2 of 3 recorded, 1 left as they are"), "{page}");
    let file = server.send("coordinator", "GET", &format!("{here}/refused.csv"), &[], b"").text();
    assert!(file.lines().count() == 2 && file.contains(&devices[2].tag), "{file}");
    // All that fit a list, and nothing where nothing was chosen.
    says(&server.page("coordinator", "/bulk/new?all=true&label=retired&command=evaluate"), &["All devices that fit the list"]);
    server.send("coordinator", "GET", "/bulk/new", &[], b"").refused(422, "bulk.nothing_selected");
    server.send("auditor", "GET", "/bulk/new?all=true&label=retired", &[], b"").refused(403, "command.wrong_role");
}

#[test]
fn an_inventory_is_tried_out_then_taken_in() {
    let server = Server::start();
    let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/inventories/snipe-it/asset_list.csv")).unwrap();
    let mut body = b"--line\r\nContent-Disposition: form-data; name=\"sensitivity\"\r\n\r\nlow\r\n".to_vec();
    body.extend_from_slice(b"--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"list.csv\"\r\n\r\n");
    body.extend_from_slice(&file);
    body.extend_from_slice(b"\r\n--line--\r\n");
    let before = size(&server);
    let headers = [("Content-Type", "multipart/form-data; boundary=line"), ("Accept", "text/html")];
    let tried = server.send("coordinator", "POST", "/assets/import", &headers, &body);
    assert_eq!((tried.status, size(&server)), (200, before), "{}", tried.text());
    says(&tried, &["Tried out: nothing was recorded", "name=\"sensitivity\" value=\"low\"", "Would be registered"]);
    let there = tried.text().split("action=\"/assets/import/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let taken = send(&server, "coordinator", &format!("/assets/import/{there}"), "idempotency_key=i&sensitivity=low");
    says(&taken, &["devices registered", "Last entry"]);
    let after = size(&server);
    assert!(after > before);
    let again = send(&server, "coordinator", &format!("/assets/import/{there}"), "idempotency_key=j&sensitivity=low");
    assert_eq!((again.status, size(&server)), (200, after));
    assert_eq!(send(&server, "coordinator", &format!("/assets/import/{}", "0".repeat(64)), "idempotency_key=k").status, 404);
    let empty = b"--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--line--\r\n";
    assert_eq!(server.send("coordinator", "POST", "/assets/import", &headers, empty).status, 422);
}

#[test]
fn the_ledger_is_looked_into() {
    let server = Server::start();
    let device = story::register(&server, 1);
    let last = size(&server) - 1;
    says(&server.page("auditor", "/ledger"), &[&format!("href=\"/ledger/entries/{last}\""), "asset.registered", "Coordinator Example"]);
    let narrowed = server.page("auditor", "/ledger?kind=asset.registered").text();
    assert!(narrowed.contains("Registered:") && !narrowed.contains("href=\"/ledger/entries/0\""), "{narrowed}");
    says(&server.page("auditor", &format!("/ledger?subject={}", device.id)), &["about ", "Registered:"]);
    says(&server.page("auditor", "/ledger?on=2020-01-01"), &["No entry fits."]);
    assert_eq!(server.page("auditor", "/ledger?to=2").header("location"), "/ledger/entries/2");
    let entry = server.page("auditor", "/ledger/entries/1");
    says(&entry, &["Leaf hash", "rel=\"prev\"", "rel=\"next\"", "canonical"]);
    let leaf = entry.text().split("Leaf hash</dt><dd class=\"mono break\">").nth(1).unwrap()[..64].to_owned();
    assert_eq!(server.page("auditor", &format!("/ledger?to={}", &leaf[..12])).header("location"), "/ledger/entries/1");
    says(&server.page("auditor", "/ledger?to=00000000"), &["No leaf hash begins with 00000000"]);
    server.send("auditor", "GET", "/ledger?to=xyz", &[], b"").refused(422, "ledger.jump");
    // Programs, and the check in the browser, get the exact bytes.
    let bytes = server.send("auditor", "GET", "/ledger/entries/1", &[("Accept", "application/json")], b"");
    assert!(bytes.header("content-type").starts_with("application/json") && bytes.json()["seq"] == 1);
    // A vendor sees what concerns it.
    assert!(!server.page("operator", "/ledger").text().contains("Registered:"));
    assert_eq!(server.page("operator", &format!("/ledger/entries/{last}")).status, 404);
    let heads = (0..100).find_map(|_| {
        let page = server.page("auditor", "/ledger/heads?old=0&new=0").text();
        std::thread::sleep(std::time::Duration::from_millis(50));
        page.contains("nothing of the first").then_some(page)
    });
    let heads = heads.expect("a head is signed within seconds");
    assert!(heads.contains("ledger entries") && heads.contains("certificates and status lists"), "{heads}");
    server.send("auditor", "GET", "/ledger/heads?old=0&new=99999", &[], b"").refused(404, "request.unknown");
}

#[test]
fn settings_say_the_policy_and_whether_the_machine_is_well() {
    let server = Server::start();
    says(&server.page("administrator", "/settings"), &["/settings/policy", "/settings/system", "/assets/import"]);
    says(&server.page("auditor", "/settings/policy"), &["The least method", "What each technique reaches", "purge"]);
    says(&server.page("auditor", "/settings/system"), &["Disk", "Clock", "Keys", "readable by their owner alone", "commands are recorded"]);
    says(&server.page("reports", "/reports"), &["/reports/mass-balance"]);
    server.send("operator", "GET", "/settings", &[], b"").refused(403, "command.wrong_role");
}

#[test]
fn a_vendor_is_registered_and_qualified_by_forms() {
    let server = Server::start();
    let body = as_form(&json!({"kind": "vendor", "name": "Third Life", "sites": ["Dayton", "Toledo"]}));
    let made = send(&server, "administrator", "/vendors/new", &format!("idempotency_key=p&{body}"));
    assert_eq!(made.status, 303, "{}", made.text());
    let here = made.header("location").to_owned();
    assert!(here.starts_with("/vendors/"), "{here}");
    says(&server.page("administrator", &here), &["Third Life", "Dayton", "Toledo", &format!("{here}/actions")]);
    let credential = "idempotency_key=q&site=Dayton&scheme=r2v3&number=R2-1&scope=data_sanitization_logical&scope=test_and_repair\
         &issued_on=2026-01-01&expires_on=2029-01-01";
    let recorded = send(&server, "administrator", &format!("{here}/actions/record_credential"), credential);
    assert_eq!(recorded.status, 303, "{}", recorded.text());
    says(&server.page("administrator", &here), &["R2-1"]);
    let none = send(&server, "administrator", &format!("{here}/actions/record_credential"), "site=Dayton&scheme=r2v3&number=R2-2&issued_on=x");
    says(&none, &["Choose at least one.", "href=\"#f-expires-on\""]);
    let contract = "idempotency_key=r&reference=MSA-9&starts_on=2026-01-01&confidentiality=true";
    assert_eq!(send(&server, "administrator", &format!("{here}/actions/record_contract"), contract).status, 303);
    says(&server.page("administrator", &format!("{here}/actions")), &["Suspend a credential", "Add a site"]);
}
