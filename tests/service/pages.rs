//! The pages: signing in, what they say, and what a form from elsewhere cannot do.

use serde_json::json;

use super::server::{Answer, PASSWORD, Server};
use super::story;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn a_person_signs_in_reads_and_signs_out() {
    let server = Server::start();
    let answer = server.page("nobody", "/assets?label=retired");
    assert_eq!((answer.status, answer.header("location")), (303, "/sign-in?next=/assets%3Flabel%3Dretired"));
    assert_eq!(server.page("nobody", "/").header("location"), "/sign-in");
    let wrong = server.send("nobody", "POST", "/sign-in", &[FORM], b"email=coordinator%40northfield.example&password=wrong");
    assert!(wrong.status == 422 && wrong.text().contains("E-mail address, password or code is wrong") && wrong.header("set-cookie").is_empty());
    let form = format!("email=Coordinator%40Northfield.example&password={}&next=%2Fconsignments", PASSWORD.replace(' ', "+"));
    let answer = server.send("nobody", "POST", "/sign-in", &[FORM], form.as_bytes());
    assert_eq!((answer.status, answer.header("location")), (303, "/consignments"));
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("sid=") && set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/") && !set.contains("Secure"),
        "{set}"
    );
    let cookie = set.split(';').next().unwrap().to_owned();
    let page = server.send("nobody", "GET", "/assets", &[("Cookie", &cookie)], b"");
    assert!(page.status == 200 && page.text().contains("Coordinator Example"), "{}", page.text());
    // The cookie is good for reading; writing over the API takes a token, which no other site can add.
    let forged = server.send("nobody", "POST", "/api/v1/commands/register_party", &[("Cookie", &cookie)], b"{}");
    forged.refused(401, "session.signed_out");
    let elsewhere = server.send("nobody", "POST", "/sign-out", &[("Cookie", &cookie), ("Sec-Fetch-Site", "cross-site")], b"");
    elsewhere.refused(403, "session.other_site");
    let elsewhere = server.send("nobody", "POST", "/sign-out", &[("Cookie", &cookie), ("Origin", "https://evil.example")], b"");
    elsewhere.refused(403, "session.other_site");
    assert_eq!(server.send("nobody", "GET", "/assets", &[("Cookie", &cookie)], b"").status, 200);
    let out = server.send("nobody", "POST", "/sign-out", &[("Cookie", &cookie), ("Origin", "http://localhost:8080")], b"");
    assert!(out.status == 303 && out.header("set-cookie").contains("Max-Age=0"), "{:?}", out.headers);
    server.send("nobody", "GET", "/assets", &[("Cookie", &cookie)], b"").refused(401, "session.signed_out");
}

#[test]
fn a_reader_chooses_language_and_theme() {
    let server = Server::start();
    let of = |headers: &[(&str, &str)]| server.send("nobody", "GET", "/verify", &[&[("Accept", "text/html")], headers].concat(), b"").text();
    assert!(of(&[]).contains("<html lang=\"en\">") && of(&[]).contains("Skip to the content"));
    let spanish = of(&[("Accept-Language", "es-US,es;q=0.9,en;q=0.5")]);
    assert!(spanish.contains("<html lang=\"es\">") && spanish.contains("Ir al contenido"), "{spanish}");
    let chosen = server.send("nobody", "POST", "/appearance", &[FORM], b"language=es&theme=dark&next=%2Fverify");
    assert_eq!((chosen.status, chosen.header("location")), (303, "/verify"));
    let dark = of(&[("Cookie", "language=es; theme=dark")]);
    assert!(dark.contains("<html lang=\"es\" data-theme=\"dark\">"), "{dark}");
    assert!(of(&[("Cookie", "language=xx; theme=\"><script>")]).contains("<html lang=\"en\">"));
    let elsewhere = server.send("nobody", "POST", "/appearance", &[FORM], b"next=%2F%2Fevil.example");
    assert_eq!(elsewhere.header("location"), "/");
}

#[test]
fn what_a_form_recorded_is_said_once() {
    let server = Server::start();
    let said = |cookie: &str| server.send("auditor", "GET", "/assets", &[("Accept", "text/html"), ("Cookie", cookie)], b"");
    let page = said("said=1234");
    assert!(page.text().contains("Recorded as entry 1,234.") && page.header("set-cookie").starts_with("said=;"), "{:?}", page.headers);
    assert!(!said("said=<b>").text().contains("Recorded as entry"));
    assert!(!said("other=1").text().contains("Recorded as entry"));
}

#[test]
fn pages_say_what_the_record_says() {
    let server = Server::start();
    let (story, number) = story::certified(&server);
    let bare = |id: &str| id.strip_prefix("urn:uuid:").unwrap().to_owned();
    let has = |path: &str, words: &[&str]| {
        let page = server.page("auditor", path);
        assert_eq!(page.status, 200, "{path}");
        let text = page.text();
        for word in words {
            assert!(text.contains(word), "{path} does not say “{word}”: {text}");
        }
        assert!(!text.contains(" style=") && !text.contains(" onclick="), "{path}");
    };
    has("/assets", &["CB-00001", "disposed <b>1</b>", "reconciled <b>2</b>", "GreenLoop Recycling"]);
    has("/assets?tag=CB-00002", &["CB-00002"]);
    has(
        &format!("/assets/{}", bare(&story.devices[0].id)),
        &["purged", "Performed and reported by", "Operator Example", "Registered: Lenovo ThinkPad L14", &number],
    );
    has(&format!("/assets/{}", bare(&story.devices[1].id)), &["Missing for a certificate", "no sanitization is recorded"]);
    has("/consignments", &["P-2026-041", "reconciled"]);
    has(
        &format!("/consignments/{}", bare(&story.consignment)),
        &[
            "004871",
            "intact",
            "18,500 g",
            "3 listed, 2 scanned by the receiver",
            "short: listed and not found",
            "found at the receiver&#39;s after all",
            "serial PF3XBB1",
        ],
    );
    has("/certificates", &[&number, "not revoked"]);
    has(
        &format!("/certificates/{number}"),
        &[
            "Certificate of Sanitization",
            "NVMe Sanitize: block erase",
            "Witnessed by: nobody yet",
            "adopted by the organisation",
            "No gap in the record",
        ],
    );
    server.post("approver", &format!("/api/v1/certificates/{number}/revocations"), &json!({"reason": "device_seen"})).taken();
    has("/certificates", &["revoked</span> the device was seen after its disposition"]);
    has(&format!("/certificates/{number}"), &["Do not rely on it"]);
}

fn upload(server: &Server, file: &[u8]) -> Answer {
    let mut body =
        b"--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"certificate.pdf\"\r\nContent-Type: application/pdf\r\n\r\n".to_vec();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--line--\r\n");
    let headers = [("Content-Type", "multipart/form-data; boundary=line"), ("Accept", "text/html"), ("Sec-Fetch-Site", "same-origin")];
    server.send("nobody", "POST", "/verify", &headers, &body)
}

#[test]
fn anyone_verifies_a_certificate_without_an_account() {
    let server = Server::start();
    let (_, number) = story::certified(&server);
    let pdf = server.get("nobody", &format!("/certificates/{number}.pdf")).body;
    let page = upload(&server, &pdf);
    assert_eq!(page.status, 200);
    let text = page.text();
    for words in [
        "AUTHENTIC · unchanged · not revoked",
        "It does not show that the statement was true.",
        "Witnessed by: nobody yet",
        "The entry is in the log",
        "passed",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(page.header("set-cookie").is_empty());
    let credential = server.get("nobody", &format!("/certificates/{number}")).text();
    let altered = upload(&server, credential.replace("CB-00001", "CB-00009").as_bytes()).text();
    assert!(altered.contains("NOT AUTHENTIC") && !altered.contains("CB-00009"), "{altered}");
    assert!(upload(&server, b"hello").text().contains("CANNOT BE READ"));
    assert!(upload(&server, b"").text().contains("No file was chosen"));
    server.post("approver", &format!("/api/v1/certificates/{number}/revocations"), &json!({"reason": "evidence_disputed"})).taken();
    let revoked = upload(&server, &pdf).text();
    assert!(revoked.contains("GENUINE, BUT REVOKED") && revoked.contains("the evidence is disputed"), "{revoked}");
    let found = server.page("nobody", &format!("/verify?number={}", number.to_lowercase()));
    assert_eq!((found.status, found.header("location")), (303, format!("/certificates/{number}").as_str()));
    assert!(server.page("nobody", "/verify?number=NSD-2026-0000-0000").text().contains("There is no certificate"));
}
