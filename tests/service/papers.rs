//! Papers and labels over HTTP: who gets them, that they say what the record says, and that a found device's page says nothing of it.

use std::path::Path;
use std::process::Command;

use quittance::config::{Limits, Serving};
use serde_json::json;

use super::programs::{have, run};
use super::server::{Answer, Server};
use super::story;

fn pdf(server: &Server, who: &str, path: &str) -> Vec<u8> {
    let answer = server.get(who, path);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/pdf"), "{path}: {}", String::from_utf8_lossy(&answer.body));
    assert!(answer.header("content-disposition").starts_with("inline; filename=\""), "{path}");
    assert!(answer.body.starts_with(b"%PDF-"));
    answer.body
}

fn text(folder: &Path, bytes: &[u8]) -> String {
    let path = folder.join("paper.pdf");
    std::fs::write(&path, bytes).unwrap();
    run("pdftotext", &["-layout", &path.to_string_lossy(), "-"]).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn papers_follow_a_consignment_from_its_draft_to_its_reconciliation() {
    let server = Server::start();
    let readable = have("pdftotext", "poppler-utils");
    let folder = tempfile::tempdir().unwrap();
    let says = |bytes: &[u8], words: &[&str]| {
        if readable {
            let text = text(folder.path(), bytes);
            words.iter().for_each(|word| assert!(text.contains(word), "{word}: {text}"));
        }
    };
    let device = story::register(&server, 9);
    let open = json!({"reference": "P/7 “x”", "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron"});
    let draft = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
    let bare = draft.trim_start_matches("urn:uuid:").to_owned();
    let of = |id: &str, name: &str| format!("/consignments/{id}/{name}.pdf");
    says(
        &pdf(&server, "coordinator", &of(&bare, "manifest")),
        &["Manifest, draft", "Nothing is on the list yet", "not sealed", "GreenLoop Recycling, Akron"],
    );
    says(&pdf(&server, "auditor", &of(&bare, "pick-list")), &["Pick list", "Nothing is on the list yet"]);
    assert!(server.get("auditor", &of(&bare, "manifest")).header("content-disposition").contains("filename=\"manifest-P-7--x-.pdf\""));
    for name in ["receipt", "reconciliation"] {
        server.get("auditor", &of(&bare, name)).refused(404, "request.unknown");
    }
    assert!(server.page("auditor", &format!("/consignments/{bare}")).text().contains("Draft of the manifest"));
    drop(device);

    let story = story::received(&server);
    let id = story.consignment.trim_start_matches("urn:uuid:").to_owned();
    let manifest = pdf(&server, "operator", &of(&id, "manifest"));
    assert_eq!(manifest, pdf(&server, "auditor", &of(&id, "manifest")), "the same record gives the same bytes");
    let recorded = server.get("auditor", &format!("/api/v1/consignments/{id}/manifest"));
    let digest = recorded.header("etag").trim_matches('"').to_owned();
    says(
        &manifest,
        &["P-2026-041", "CB-00001", "5CG9400001", "Lenovo ThinkPad L14", "seal 004871", "18.500 kg", "laptop 3", "Hale Freight", &digest],
    );
    if have("qpdf", "qpdf") {
        let path = folder.path().join("manifest.pdf");
        std::fs::write(&path, &manifest).unwrap();
        let shown = Command::new("qpdf").arg("--show-attachment=manifest.json").arg(&path).output().unwrap();
        assert_eq!(shown.stdout, recorded.body, "the list travels inside, byte for byte");
    }
    says(
        &pdf(&server, "operator", &of(&id, "receipt")),
        &["Operator Example, GreenLoop Recycling", "2 things scanned", "Short: listed and not found", "PF3XBB1", "18.450 kg"],
    );
    let open = pdf(&server, "approver", &of(&id, "reconciliation"));
    says(&open, &["Open variances: 2", "CB-00002", "Found where it came from: it never left", "-50 g"]);
    let page = server.page("operator", &format!("/consignments/{id}")).text();
    for name in ["manifest", "pick-list", "receipt", "reconciliation"] {
        assert!(page.contains(&of(&id, name)), "{name}");
        // What is not theirs sounds as if it did not exist.
        let unknown = server.get("stranger", &of(&id, name)).refused(404, "request.unknown");
        let nothing = server.get("stranger", &of("00000000-0000-4000-8000-00000000dead", name)).refused(404, "request.unknown");
        assert_eq!(
            unknown["detail"].as_str().unwrap().replace(&id, "…"),
            nothing["detail"].as_str().unwrap().replace("00000000-0000-4000-8000-00000000dead", "…")
        );
        server.get("nobody", &of(&id, name)).refused(401, "session.signed_out");
    }
    let consignment = server.get("approver", &format!("/api/v1/consignments/{id}")).taken();
    for discrepancy in consignment["discrepancies"].as_array().unwrap() {
        let resolution = if discrepancy["kind"] == "short" { "never_left" } else { "scan_error" };
        let resolve = json!({"discrepancy": discrepancy["id"], "resolution": resolution, "reference": "INV-7"});
        server.command("approver", "resolve_discrepancy", resolve).taken();
    }
    let settled = pdf(&server, "approver", &of(&id, "reconciliation"));
    assert_ne!(settled, open);
    says(&settled, &["Open variances: 0", "Nothing is left to find out", "Approver Example, Northfield School District", "A scanning error"]);
    server.audit();
}

/// What zbar reads in a PDF, sorted.
fn scanned(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let (path, image) = (folder.join("labels.pdf"), folder.join("label"));
    std::fs::write(&path, bytes).unwrap();
    run("pdftoppm", &["-r", "600", "-png", &path.to_string_lossy(), &image.to_string_lossy()]);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "png") {
            let said = Command::new("zbarimg").args(["-q", "--nodbus"]).arg(&path).output().unwrap();
            found.extend(String::from_utf8(said.stdout).unwrap().lines().map(str::to_owned));
            std::fs::remove_file(path).unwrap();
        }
    }
    found.sort();
    found
}

#[test]
fn labels_are_made_for_a_device_a_list_or_a_consignment() {
    let server = Server::start();
    let story = story::released(&server);
    let folder = tempfile::tempdir().unwrap();
    let expected = |tags: &[&str]| {
        let mut codes: Vec<String> =
            tags.iter().flat_map(|tag| [format!("CODE-128:{tag}"), format!("QR-Code:http://localhost:8080/a/{tag}")]).collect();
        codes.sort();
        codes
    };
    let consignment = story.consignment.trim_start_matches("urn:uuid:");
    let all = ["CB-00001", "CB-00002", "CB-00003"];
    let one = format!("asset={}", story.devices[1].id);
    for (asked, tags) in [
        (format!("stock=avery-5160&start=29&consignment={consignment}"), &all[..]),
        ("stock=dymo-30252&tags=CB-00003%0D%0Acb-00001%2C".to_owned(), &[all[2], all[0]]),
        (format!("stock=brother-dk-1201&start=7&{one}"), &[all[1]]),
        (one.clone(), &[all[1]]),
    ] {
        let bytes = pdf(&server, "operator", &format!("/labels/download?{asked}"));
        assert_eq!(bytes, pdf(&server, "operator", &format!("/labels/download?{asked}")));
        if have("zbarimg", "zbar-tools") && have("pdftoppm", "poppler-utils") {
            assert_eq!(scanned(folder.path(), &bytes), expected(tags), "{asked}");
        }
    }
    let zpl = server.get("operator", &format!("/labels/download?stock=zebra-203dpi&consignment={consignment}"));
    assert_eq!(zpl.header("content-disposition"), "attachment; filename=\"labels-zebra-203dpi.zpl\"");
    let zpl = zpl.text();
    assert_eq!(zpl.matches("^XA\n").count(), 3);
    assert!(zpl.contains("^FDMA,http://localhost:8080/a/CB-00002^FS") && zpl.contains("^BCN,84,N,N,N,A^FH_^FDCB-00002^FS"), "{zpl}");

    let refused = |who: &str, asked: &str, status: u16, code: &str| server.get(who, &format!("/labels/download?{asked}")).refused(status, code);
    refused("operator", "stock=avery-5160", 422, "labels.nothing");
    refused("operator", "stock=avery-5160&tags=%0A", 422, "labels.nothing");
    refused("operator", &format!("stock=avery-5160&start=31&{one}"), 422, "labels.start");
    refused("operator", &format!("stock=avery-5160&start=0&{one}"), 422, "labels.start");
    refused("operator", &format!("stock=papyrus&{one}"), 422, "names.unknown_code");
    // What is not theirs sounds as if it did not exist.
    let unknown = refused("stranger", "tags=CB-00001", 404, "request.unknown");
    let nothing = refused("stranger", "tags=CB-99999", 404, "request.unknown");
    assert_eq!(unknown["detail"].as_str().unwrap().replace("CB-00001", "…"), nothing["detail"].as_str().unwrap().replace("CB-99999", "…"));
    refused("stranger", &one, 404, "request.unknown");
    refused("stranger", &format!("consignment={consignment}"), 404, "request.unknown");

    let page = server.page("operator", "/labels").text();
    for words in ["Avery 5160", "Dymo 30252", "Brother DK-1201", "Zebra", "Asset tags, one a line"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(server.page("operator", &format!("/labels?consignment={consignment}")).text().contains("every device of P-2026-041"));
    assert!(server.page("operator", &format!("/labels?{one}")).text().contains("CB-00002, Lenovo ThinkPad L14"));
    assert_eq!(server.page("stranger", &format!("/labels?consignment={consignment}")).status, 404);
    assert!(server.page("operator", &format!("/assets/{}", story.devices[1].id)).text().contains("/labels?asset="));
    server.audit();
}

#[test]
fn whoever_finds_a_device_learns_whose_it_is_and_nothing_else() {
    let serving = Serving { found_contact: Some("+1 937 555 0100 <office>".to_owned()), ..Serving::default() };
    let server = Server::start_serving(Limits::uncounted(), serving);
    let device = story::register(&server, 1);
    let seen = |answer: Answer| (answer.status, answer.text(), answer.header("etag").to_owned(), answer.headers.len());
    let found = seen(server.get("nobody", &format!("/a/{}", device.tag)));
    assert_eq!(found.0, 200);
    assert!(
        found.1.contains("Property of Northfield School District") && found.1.contains("Please call +1 937 555 0100 &#60;office&#62;."),
        "{}",
        found.1
    );
    for tag in ["CB-99999", "cb-00001", "%F0%9F%92%A9", "x%2Fy", &"9".repeat(200)] {
        assert_eq!(seen(server.get("nobody", &format!("/a/{tag}"))), found, "{tag}");
    }
    // A vendor whose it never was learns no more than that either; whoever may see the device comes to it.
    assert_eq!(seen(server.page("stranger", &format!("/a/{}", device.tag))).1, found.1);
    let own = server.page("coordinator", &format!("/a/{}", device.tag.to_lowercase()));
    assert_eq!((own.status, own.header("location").to_owned()), (303, format!("/assets/{}", device.id.trim_start_matches("urn:uuid:"))));
    assert_eq!(seen(server.page("coordinator", "/a/CB-99999")).1, found.1);
    assert!(!found.1.contains("CB-") && !found.1.contains("<nav") && !found.1.contains("Sign in"), "{}", found.1);
}
