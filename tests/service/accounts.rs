//! People's access: guessing, sessions, second factors, invitations, tokens, what administrators cannot do, and what is noted of what they do.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use diesel::prelude::*;
use quittance::app::now;
use quittance::store::{accounts, administration, people, sessions, tokens};
use quittance::web::ROUTES;
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::server::{Answer, PASSWORD, Server, until};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const PAGE: (&str, &str) = ("Accept", "text/html");

/// A text in a form.
fn typed(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn fields(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", typed(value))).collect::<Vec<_>>().join("&")
}

/// A browser that keeps cookies.
struct Browser<'a> {
    server: &'a Server,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, cookies: Vec::new() }
    }
    fn signed_in(server: &'a Server, who: &str) -> Self {
        let cookie = server.browser(who).1;
        let (name, value) = cookie.split_once('=').unwrap();
        Self { server, cookies: vec![(name.to_owned(), value.to_owned())] }
    }
    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
    fn sid(&self) -> String {
        self.cookies.iter().find(|(name, _)| name == "sid").map_or_else(String::new, |(_, value)| value.clone())
    }
    fn keep(&mut self, answer: Answer) -> Answer {
        for set in answer.headers.get_all("set-cookie") {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|(other, _)| other != name);
            if !rest.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
    fn get(&mut self, path: &str) -> Answer {
        let cookie = self.cookie();
        let answer = self.server.send("nobody", "GET", path, &[PAGE, ("Cookie", &cookie)], b"");
        self.keep(answer)
    }
    fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let cookie = self.cookie();
        let answer = self.server.send("nobody", "POST", path, &[FORM, PAGE, ("Cookie", &cookie)], fields(form).as_bytes());
        self.keep(answer)
    }
    fn sign_in(&mut self, who: &str, password: &str) -> Answer {
        self.post("/sign-in", &[("email", &format!("{who}@northfield.example")), ("password", password)])
    }
    fn is_in(&mut self) -> bool {
        self.get("/assets").status == 200
    }
}

fn leads_to(answer: &Answer, path: &str) {
    assert_eq!((answer.status, answer.header("location")), (303, path), "{}", String::from_utf8_lossy(&answer.body));
}

/// What stands between two texts.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let from = text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len();
    let end = text[from..].find(after).unwrap();
    &text[from..from + end]
}

fn totp(secret: &str) -> Totp {
    Builder::new().with_secret(Secret::try_from_base32(secret).unwrap().as_ref().to_vec()).build().unwrap()
}

/// The code of the step so many steps from now.
fn code(secret: &str, steps: i64) -> String {
    let seconds = now().unix_ms() / 1000 + 30 * steps;
    totp(secret).generate(u64::try_from(seconds).unwrap()).to_string()
}

/// Signs in somebody who has to set a factor up first; the secret and the recovery codes.
fn enrolled(browser: &mut Browser, who: &str) -> (String, Vec<String>) {
    leads_to(&browser.sign_in(who, PASSWORD), "/account/factor?next=/");
    assert!(!browser.is_in(), "without a second factor");
    let page = browser.get("/account/factor").text();
    let secret = between(&page, "name=\"secret\" value=\"", "\"").to_owned();
    let before = browser.sid();
    assert_eq!(browser.post("/account/factor", &[("secret", &secret), ("code", "000000")]).status, 422);
    let shown = browser.post("/account/factor", &[("secret", &secret), ("code", &code(&secret, -1))]);
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert_ne!(browser.sid(), before, "the session goes on under another token");
    assert!(browser.is_in());
    let text = shown.text();
    let codes: Vec<String> = text.split("<li>").skip(1).map(|rest| rest.split("</li>").next().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10, "{text}");
    (secret, codes)
}

fn act(browser: &mut Browser, person: &str, form: &[(&str, &str)]) -> Answer {
    browser.post(&format!("/people/{}", person.trim_start_matches("urn:uuid:")), form)
}

#[test]
fn guessing_one_account_ends_soon_and_whoever_is_known_still_gets_in() {
    let server = Server::start();
    let mut owner = Browser::new(&server);
    leads_to(&owner.sign_in("coordinator", PASSWORD), "/");
    let mut answers = Vec::new();
    for account in ["coordinator", "nobody.at.all"] {
        let mut guesser = Browser::new(&server);
        let statuses: Vec<u16> = (0..30).map(|n| guesser.sign_in(account, &format!("guess number {n}")).status).collect();
        assert_eq!(statuses[..5], [422; 5], "{account}");
        let looked_at = statuses.iter().filter(|status| **status == 422).count();
        assert!(looked_at <= 8 && statuses.iter().all(|status| [422, 429].contains(status)), "{account}: {statuses:?}");
        let last = guesser.sign_in(account, PASSWORD);
        assert_eq!(last.status, 429, "the right password is not looked at either");
        answers.push(last.text().contains("Too many tries. Try again in"));
    }
    assert_eq!(answers, [true, true]);
    // Wherever the owner was signed in before, others' guesses lock nobody out.
    owner.post("/sign-out", &[]);
    leads_to(&owner.sign_in("coordinator", PASSWORD), "/");
    server.audit();
}

#[test]
fn whether_somebody_has_an_account_is_not_told() {
    let server = Server::start();
    let mut db = server.service.app.connect().unwrap();
    let add = |db: &mut quittance::store::Database, n: u32, name: &str| {
        let id = format!("urn:uuid:00000000-0000-4000-8000-{:012}", 900 + n);
        let mut person = people::Person::new(&id, name, "", quittance::domain::names::Role::Reports, &server.parties["district"]);
        person.email = format!("{name}@northfield.example");
        people::add(db, &person).unwrap();
        id
    };
    add(&mut db, 1, "passwordless");
    let disabled = add(&mut db, 2, "disabled");
    accounts::set_password(&mut db, &disabled, &accounts::hash(PASSWORD).unwrap()).unwrap();
    people::set_disabled(&mut db, &disabled, Some(now().unix_ms())).unwrap();
    let mut pages = BTreeSet::new();
    for (who, password) in
        [("coordinator", "wrong"), ("nobody.at.all", "wrong"), ("passwordless", "wrong"), ("disabled", PASSWORD), ("passwordless", "")]
    {
        let answer = Browser::new(&server).sign_in(who, password);
        assert!(answer.status == 422 && answer.header("set-cookie").is_empty(), "{who}");
        let text = answer.text().replace(&format!("{who}@northfield.example"), "…");
        let nonce = between(&text, "nonce=\"", "\"").to_owned();
        pages.insert(text.replace(&nonce, "N"));
    }
    assert_eq!(pages.len(), 1, "{pages:?}");
}

#[test]
fn many_at_once_are_told_to_come_back_and_nobody_else_waits() {
    let server = Server::start();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..80)
            .map(|n| {
                scope.spawn({
                    let server = &server;
                    move || Browser::new(server).sign_in(&format!("somebody{n}"), "wrong").status
                })
            })
            .collect();
        assert_eq!(server.get("nobody", "/healthz").status, 200);
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| [422, 503].contains(status)), "{statuses:?}");
    let looked_at = statuses.iter().filter(|status| **status == 422).count();
    assert!(looked_at >= 34, "{statuses:?}");
    leads_to(&Browser::new(&server).sign_in("coordinator", PASSWORD), "/");
}

#[test]
fn a_session_is_dead_as_soon_as_anything_it_rests_on_changes() {
    let server = Server::start();
    // Whoever brings a cookie of their own gets another.
    let mut fixed = Browser::new(&server);
    fixed.cookies.push(("sid".to_owned(), "chosenByAnAttacker".to_owned()));
    leads_to(&fixed.sign_in("coordinator", PASSWORD), "/");
    assert_ne!(fixed.sid(), "chosenByAnAttacker");
    // Signing in again ends the session of before.
    let before = fixed.cookie();
    leads_to(&fixed.sign_in("coordinator", PASSWORD), "/");
    assert!(fixed.is_in());
    assert_eq!(server.send("nobody", "GET", "/assets", &[("Cookie", &before)], b"").status, 401);

    let mut administrator = Browser::signed_in(&server, "administrator");
    let person = server.id_of("coordinator");
    let new = "seven orange walls whisper";
    // A password: other browsers are out, this one goes on under another token.
    let mut other = Browser::signed_in(&server, "coordinator");
    assert!(other.is_in());
    let old_cookie = fixed.cookie();
    let wrong = fixed.post("/account/password", &[("old", "wrong"), ("new", new), ("repeated", new)]);
    assert!(wrong.status == 422 && wrong.text().contains("The old password is wrong"), "{}", wrong.text());
    for weak in ["short", "northfield coordinator", "aaaaaaaaaaaaaaaaaaaa", "password password"] {
        assert_eq!(fixed.post("/account/password", &[("old", PASSWORD), ("new", weak), ("repeated", weak)]).status, 422, "{weak}");
    }
    leads_to(&fixed.post("/account/password", &[("old", PASSWORD), ("new", new), ("repeated", new)]), "/account");
    assert!(fixed.is_in() && !other.is_in());
    assert_eq!(server.send("nobody", "GET", "/assets", &[("Cookie", &old_cookie)], b"").status, 401);
    // Ended by its owner, and by an administrator.
    let (id, cookie) = server.browser("coordinator");
    assert_eq!(server.send("nobody", "GET", "/assets", &[("Cookie", &cookie)], b"").status, 200);
    leads_to(&fixed.post("/account/sessions", &[("session", &id)]), "/account");
    assert_eq!(server.send("nobody", "GET", "/assets", &[("Cookie", &cookie)], b"").status, 401);
    assert_eq!(fixed.post("/account/sessions", &[("session", &server.browser("auditor").0)]).status, 404, "somebody else's");
    leads_to(&act(&mut administrator, &person, &[("act", "end_sessions")]), &format!("/people/{}", &person[9..]));
    assert!(!fixed.is_in());
    // Another role, kept out, erased.
    let mut again = Browser::signed_in(&server, "coordinator");
    assert!(again.is_in());
    assert_eq!(act(&mut administrator, &person, &[("act", "role"), ("role", "auditor")]).status, 303);
    assert!(!again.is_in());
    let mut auditor = Browser::signed_in(&server, "coordinator");
    assert!(auditor.is_in());
    assert_eq!(server.get("coordinator", "/api/v1/assets").status, 200, "the token stays, as another role");
    server.command("coordinator", "retire", json!({})).refused(403, "command.wrong_role");
    assert_eq!(act(&mut administrator, &person, &[("act", "disable")]).status, 303);
    assert!(!auditor.is_in());
    server.get("coordinator", "/api/v1/assets").refused(401, "session.signed_out");
    assert_eq!(Browser::new(&server).sign_in("coordinator", new).status, 422);
    assert_eq!(act(&mut administrator, &person, &[("act", "enable")]).status, 303);
    leads_to(&Browser::new(&server).sign_in("coordinator", new), "/");
    assert_eq!(act(&mut administrator, &person, &[("act", "erase")]).status, 303);
    assert_eq!(Browser::new(&server).sign_in("coordinator", new).status, 422);
    server.get("coordinator", "/api/v1/assets").refused(401, "session.signed_out");
    server.audit();
}

#[test]
fn sessions_end_unused_and_are_not_more_than_twenty() {
    let server = Server::start();
    let mut db = server.service.app.connect().unwrap();
    let person = server.id_of("auditor");
    for _ in 0..25 {
        server.browser("auditor");
    }
    assert_eq!(sessions::of(&mut db, &person).unwrap().len(), 20);
    for (column, minutes, alive) in [("seen_at", 59, true), ("seen_at", 61, false), ("created_at", 719, true), ("created_at", 721, false)] {
        let (id, cookie) = server.browser("auditor");
        let at = now().unix_ms() - minutes * 60_000;
        diesel::sql_query(format!("UPDATE sessions SET {column} = {at} WHERE id = '{id}'")).execute(&mut db).unwrap();
        let status = server.send("nobody", "GET", "/assets", &[("Cookie", &cookie)], b"").status;
        assert_eq!(status, if alive { 200 } else { 401 }, "{column} {minutes} minutes ago");
    }
}

#[test]
fn a_code_counts_once_and_only_about_now() {
    let server = Server::start();
    let mut browser = Browser::new(&server);
    let (secret, codes) = enrolled(&mut browser, "approver");
    let enter = |typed: &str| {
        let mut browser = Browser::new(&server);
        leads_to(&browser.sign_in("approver", PASSWORD), "/sign-in/code?next=/");
        assert!(!browser.is_in(), "without the code");
        let before = browser.sid();
        let answer = browser.post("/sign-in/code", &[("code", typed)]);
        assert_eq!(answer.status == 303, browser.is_in(), "{}", answer.text());
        assert!(answer.status != 303 || browser.sid() != before, "the token changes");
        answer.status
    };
    let now_code = code(&secret, 0);
    assert_eq!(enter(&now_code), 303);
    assert_eq!(enter(&now_code), 422, "used before");
    assert_eq!(enter(&code(&secret, -1)), 422, "older than the one that was used");
    assert_eq!(enter(&code(&secret, 2)), 422, "two steps ahead");
    assert_eq!(enter(&code(&secret, 1)), 303, "a clock that is a little fast");
    // Recovery codes, however they are typed, count once.
    assert_eq!(enter(&codes[3].to_lowercase()), 303);
    assert_eq!(enter(&codes[3]), 422);
    assert_eq!(enter(&codes[9].replace('-', " ").replacen(' ', "-", 1)), 303);
    // Five tries, then waiting.
    let mut guesser = Browser::new(&server);
    guesser.sign_in("approver", PASSWORD);
    let tries: Vec<u16> = (0..8).map(|n| guesser.post("/sign-in/code", &[("code", &format!("{n:06}"))]).status).collect();
    assert!(tries[..5] == [422; 5] && tries[5..].contains(&429), "{tries:?}");
    // New recovery codes end the old ones.
    assert_eq!(browser.post("/account/recovery-codes", &[]).status, 200);
    let person = server.id_of("approver");
    assert_eq!(accounts::recovery_codes_left(&mut server.service.app.read().unwrap(), &person).unwrap(), 10);
    // The secret is not in the database as it is.
    let kept = accounts::of(&mut server.service.app.read().unwrap(), &person).unwrap().unwrap();
    let plain = Secret::try_from_base32(&secret).unwrap().as_ref().to_vec();
    assert!(!kept.totp.unwrap().windows(plain.len()).any(|window| window == plain));
}

#[test]
fn an_invitation_is_taken_once_and_in_time() {
    let server = Server::start();
    let mut administrator = Browser::signed_in(&server, "administrator");
    let invite = |administrator: &mut Browser, name: &str, more: &[(&str, &str)]| {
        let form = [&[("name", name), ("role", "reports")], more].concat();
        administrator.post("/people", &form)
    };
    let page = invite(&mut administrator, "Nora New", &[("email", "Nora@Northfield.example"), ("title", "Officer")]);
    let link = between(&page.text(), "/invitations/", "<").to_owned();
    assert!(link.len() >= 40, "{link}");
    let stored: i64 = {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            n: i64,
        }
        let query = format!("SELECT COUNT(*) AS n FROM invitations WHERE secret_sha256 = '{link}'");
        diesel::sql_query(query).get_result::<Number>(&mut server.service.app.connect().unwrap()).unwrap().n
    };
    assert_eq!(stored, 0, "only its hash is kept");
    let mut nora = Browser::new(&server);
    let shown = nora.get(&format!("/invitations/{link}"));
    assert!(
        shown.text().contains("Nora New") && shown.header("referrer-policy") == "same-origin" && shown.header("cache-control") == "private, no-store"
    );
    let take = |browser: &mut Browser, link: &str, password: &str| {
        browser.post(&format!("/invitations/{link}"), &[("email", "nora@northfield.example"), ("password", password), ("repeated", password)])
    };
    assert_eq!(take(&mut nora, &link, "too short").status, 422);
    assert_eq!(take(&mut nora, &format!("{link}x"), PASSWORD).status, 404);
    leads_to(&take(&mut nora, &link, PASSWORD), "/");
    assert!(nora.is_in());
    assert_eq!(take(&mut Browser::new(&server), &link, PASSWORD).status, 404, "once");
    assert_eq!(Browser::new(&server).get(&format!("/invitations/{link}")).status, 404);
    leads_to(&Browser::new(&server).sign_in("nora", PASSWORD), "/");
    // The same address twice, a role that does not fit.
    assert_eq!(invite(&mut administrator, "Nora Other", &[("email", "nora@northfield.example")]).status, 422);
    for (role, party, site) in [
        ("vendor_operator", "", ""),
        ("reports", &server.parties["RecycleOne"] as &str, ""),
        ("school_contact", "", ""),
        ("reports", "", "Central"),
        ("service", "", ""),
    ] {
        let answer = administrator.post("/people", &[("name", "Odd One"), ("role", role), ("party", party), ("site", site)]);
        assert_eq!(answer.status, 422, "{role} {party} {site}");
    }
    // A link to begin anew is good for half an hour, and ends the one before.
    let person = people::by_email(&mut server.service.app.read().unwrap(), "nora@northfield.example").unwrap().unwrap().id;
    let again = |administrator: &mut Browser| between(&act(administrator, &person, &[("act", "invite")]).text(), "/invitations/", "<").to_owned();
    let (first, second) = (again(&mut administrator), again(&mut administrator));
    assert_eq!(Browser::new(&server).get(&format!("/invitations/{first}")).status, 404);
    let over = now().unix_ms() - 1;
    diesel::sql_query(format!("UPDATE invitations SET expires_at = {over}")).execute(&mut server.service.app.connect().unwrap()).unwrap();
    assert_eq!(take(&mut Browser::new(&server), &second, PASSWORD).status, 404, "over");
    server.audit();
}

#[test]
fn a_token_is_good_for_what_it_says_until_it_ends() {
    let server = Server::start();
    let mut browser = Browser::signed_in(&server, "coordinator");
    let page = browser.post("/account/tokens", &[("name", "label printer"), ("scopes", "read"), ("days", "30")]);
    let token = between(&page.text(), "<code class=\"break\">", "<").to_owned();
    assert!(tokens::is_token(&token) && !browser.get("/account").text().contains(&token), "shown once");
    let ask = |token: &str| server.send("nobody", "GET", "/api/v1/assets", &[("Authorization", &format!("Bearer {token}"))], b"");
    assert_eq!(ask(&token).status, 200);
    let write = server.send("nobody", "POST", "/api/v1/commands/retire", &[("Authorization", &format!("Bearer {token}"))], b"{}");
    write.refused(403, "token.scope");
    // Less of it, more of it, elsewhere: nothing.
    for wrong in [&token[..4], &token[..52], &format!("{token}x"), &format!("qtc_{}", "0".repeat(49))] {
        ask(wrong).refused(401, "session.signed_out");
    }
    server.send("nobody", "GET", &format!("/api/v1/assets?token={token}"), &[], b"").refused(401, "session.signed_out");
    server.send("nobody", "GET", "/api/v1/assets", &[("Cookie", &format!("sid={token}"))], b"").refused(401, "session.signed_out");
    // A session is no token.
    let sid = browser.sid();
    ask(&sid).refused(401, "session.signed_out");
    assert!(browser.get("/account").text().contains("label printer"));
    let person = server.id_of("coordinator");
    let printer =
        || tokens::of(&mut server.service.app.read().unwrap(), &person).unwrap().into_iter().find(|token| token.name == "label printer").unwrap();
    // Nobody who shows it waits for that to be written.
    until("when it was used is known", || printer().used_at.is_some());
    let kept = printer();
    assert_eq!(Browser::signed_in(&server, "auditor").post("/account/revocations", &[("token", &kept.id)]).status, 404, "somebody else's");
    leads_to(&browser.post("/account/revocations", &[("token", &kept.id)]), "/account");
    ask(&token).refused(401, "session.signed_out");
    // One that is over.
    let page = browser.post("/account/tokens", &[("name", "old"), ("scopes", "read write"), ("days", "1")]);
    let token = between(&page.text(), "<code class=\"break\">", "<").to_owned();
    diesel::sql_query("UPDATE api_tokens SET expires_at = 1 WHERE name = 'old'").execute(&mut server.service.app.connect().unwrap()).unwrap();
    ask(&token).refused(401, "session.signed_out");
    for (name, scopes, days) in [("x", "read", "0"), ("x", "read", "367"), ("x", "everything", "1"), (" ", "read", "1")] {
        assert_eq!(browser.post("/account/tokens", &[("name", name), ("scopes", scopes), ("days", days)]).status, 422, "{name} {scopes} {days}");
    }
    // It is in no table as it is.
    assert!(server.tables().iter().all(|(_, text)| !text.contains(&token) && !text.contains(&sid)));
}

#[test]
fn whoever_changes_access_shows_again_who_they_are() {
    let server = Server::start();
    let (id, _) = server.browser("administrator");
    let mut browser = Browser::signed_in(&server, "administrator");
    let mut db = server.service.app.connect().unwrap();
    let long_ago = now().unix_ms() - 11 * 60_000;
    diesel::sql_query(format!("UPDATE sessions SET proved_at = {long_ago} WHERE id <> '{id}'")).execute(&mut db).unwrap();
    leads_to(&browser.post("/people", &[("name", "Nora New"), ("role", "reports")]), "/sign-in/again?next=/people");
    leads_to(&browser.post("/account/tokens", &[("name", "x"), ("scopes", "read"), ("days", "1")]), "/sign-in/again?next=/account");
    assert_eq!(browser.get("/people").status, 200, "looking is possible");
    assert_eq!(browser.post("/sign-in/again", &[("password", "wrong"), ("next", "/people")]).status, 422);
    let before = browser.sid();
    leads_to(&browser.post("/sign-in/again", &[("password", PASSWORD), ("next", "/people")]), "/people");
    assert_ne!(browser.sid(), before);
    assert_eq!(browser.post("/people", &[("name", "Nora New"), ("role", "reports")]).status, 200);

    // So does whoever takes back what was certified.
    let number = super::story::certified(&server).1;
    let mut approver = Browser::signed_in(&server, "approver");
    diesel::sql_query(format!("UPDATE sessions SET proved_at = {long_ago}")).execute(&mut db).unwrap();
    let page = format!("/certificates/{number}/revocation");
    leads_to(&approver.post(&page, &[("reason", "error_in_record")]), &format!("/sign-in/again?next={page}"));
    leads_to(&approver.post("/sign-in/again", &[("password", PASSWORD), ("next", &page)]), &page);
    leads_to(&approver.post(&page, &[("reason", "error_in_record")]), &format!("/certificates/{number}"));

    // And whoever says what the organisation is judged by.
    let mut approver = Browser::signed_in(&server, "approver");
    diesel::sql_query(format!("UPDATE sessions SET proved_at = {long_ago}")).execute(&mut db).unwrap();
    let page = "/settings/policy/adoption";
    leads_to(&approver.get(page), &format!("/sign-in/again?next={page}"));
    leads_to(&approver.post(page, &[("reference", "BOARD-2"), ("decided_on", "2026-01-06")]), &format!("/sign-in/again?next={page}"));
    leads_to(&approver.post("/sign-in/again", &[("password", PASSWORD), ("next", page)]), page);
    // It is adopted already, and the form says so.
    assert_eq!(approver.post(page, &[("reference", "BOARD-2"), ("decided_on", "2026-01-06")]).status, 422);

    // And whoever has bytes removed for good.
    let stored = server.send("coordinator", "POST", "/api/v1/evidence", &[], b"Pupils: A. Able").taken();
    let sha256 = stored["sha256"].as_str().unwrap();
    server.command("coordinator", "propose_withholding", json!({"sha256": sha256, "reason": "personal_data"})).taken();
    let mut approver = Browser::signed_in(&server, "approver");
    diesel::sql_query(format!("UPDATE sessions SET proved_at = {long_ago}")).execute(&mut db).unwrap();
    let page = format!("/evidence/{sha256}/actions/withhold_evidence");
    leads_to(&approver.post(&page, &[]), &format!("/sign-in/again?next={page}"));
    leads_to(&approver.post("/sign-in/again", &[("password", PASSWORD), ("next", &page)]), &page);
    leads_to(&approver.post(&page, &[]), &format!("/evidence/{sha256}"));
}

#[test]
fn nobody_makes_themselves_more_and_the_last_administrator_stays() {
    let server = Server::start();
    let mut administrator = Browser::signed_in(&server, "administrator");
    let (me, other) = (server.id_of("administrator"), server.id_of("coordinator"));
    for form in [&[("act", "role"), ("role", "approver")][..], &[("act", "disable")], &[("act", "erase")]] {
        let answer = act(&mut administrator, &me, form);
        assert!(answer.status == 422 && answer.text().contains("Nobody does this to themselves"), "{}", answer.text());
    }
    for who in ["coordinator", "approver", "auditor", "operator"] {
        let mut browser = Browser::signed_in(&server, who);
        for path in ["/people".to_owned(), format!("/people/{}", &other[9..])] {
            assert_eq!(browser.get(&path).status, 403, "{who} {path}");
            assert_eq!(browser.post(&path, &[("act", "role"), ("role", "administrator"), ("name", "x")]).status, 403, "{who} {path}");
        }
    }
    // A vendor's person becomes none of the organisation's, and the other way round.
    for (person, role) in [(server.id_of("operator"), "administrator"), (other.clone(), "vendor_operator")] {
        assert_eq!(act(&mut administrator, &person, &[("act", "role"), ("role", role)]).status, 422, "{role}");
    }
    // Of two administrators one may go; the last one stays, whoever asks.
    assert_eq!(act(&mut administrator, &other, &[("act", "role"), ("role", "administrator")]).status, 303);
    let mut second = Browser::signed_in(&server, "coordinator");
    assert_eq!(act(&mut second, &me, &[("act", "disable")]).status, 303);
    assert!(!administrator.is_in());
    let last = act(&mut second, &other, &[("act", "disable")]);
    assert!(last.status == 422, "{}", last.text());
    let mut db = server.service.app.connect().unwrap();
    assert!(people::is_last_administrator(&mut db, &other).unwrap());
    server.audit();
}

#[test]
fn every_act_about_people_and_access_is_noted() {
    let server = Server::start();
    let mut db = server.service.app.connect().unwrap();
    let mut noted = || administration::list(&mut db, None, 1000).unwrap();
    let mut administrator = Browser::signed_in(&server, "administrator");
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut expect = |door: &'static str, act: &str, answer: Answer| {
        assert!(answer.status == 303 || answer.status == 200, "{door}: {} {}", answer.status, answer.text());
        let acts = noted();
        assert_eq!(acts[0].act, act, "{door}");
        assert_ne!(acts[0].before_sha256, acts[0].after_sha256, "{door}");
        done.insert(door);
    };
    let page = administrator.post("/people", &[("name", "Nora New"), ("role", "reports"), ("email", "nora@northfield.example")]);
    let link = between(&page.text(), "/invitations/", "<").to_owned();
    expect("/people", "person.invited", page);
    let mut nora = Browser::new(&server);
    let taken = nora.post(&format!("/invitations/{link}"), &[("password", PASSWORD), ("repeated", PASSWORD)]);
    expect("/invitations/{secret}", "invitation.taken", taken);
    let person = people::by_email(&mut server.service.app.read().unwrap(), "nora@northfield.example").unwrap().unwrap().id;
    for (form, noted) in [
        (&[("act", "correct"), ("title", "Lead")][..], "person.corrected"),
        (&[("act", "role"), ("role", "auditor")], "person.role_changed"),
        (&[("act", "disable")], "person.disabled"),
        (&[("act", "enable")], "person.enabled"),
        (&[("act", "invite")], "person.invited_again"),
    ] {
        let answer = act(&mut administrator, &person, form);
        expect("/people/{id}", noted, answer);
    }
    let mut nora = Browser::new(&server);
    nora.sign_in("nora", PASSWORD);
    let answer = act(&mut administrator, &person, &[("act", "end_sessions")]);
    expect("/people/{id}", "session.ended", answer);
    nora.sign_in("nora", PASSWORD);
    let new = "seven orange walls whisper";
    let answer = nora.post("/account/password", &[("old", PASSWORD), ("new", new), ("repeated", new)]);
    expect("/account/password", "password.changed", answer);
    let answer = nora.post("/account/tokens", &[("name", "x"), ("scopes", "read"), ("days", "1")]);
    expect("/account/tokens", "token.given", answer);
    let id = tokens::of(&mut server.service.app.read().unwrap(), &person).unwrap()[0].id.clone();
    let answer = nora.post("/account/revocations", &[("token", &id)]);
    expect("/account/revocations", "token.revoked", answer);
    let secret = between(&nora.get("/account/factor").text(), "name=\"secret\" value=\"", "\"").to_owned();
    let answer = nora.post("/account/factor", &[("secret", &secret), ("code", &code(&secret, 0))]);
    expect("/account/factor", "factor.set", answer);
    assert_eq!(nora.post("/account/recovery-codes", &[]).status, 200);
    assert_eq!(noted()[0].act, "recovery_codes.made");
    done.insert("/account/recovery-codes");
    let session = sessions::of(&mut server.service.app.read().unwrap(), &person).unwrap()[0].id.clone();
    let answer = nora.post("/account/sessions", &[("session", &session)]);
    let acts = noted();
    assert!(answer.status == 303 && acts[0].act == "session.ended" && acts[0].person == person, "{acts:?}");
    done.insert("/account/sessions");
    let answer = act(&mut administrator, &person, &[("act", "erase")]);
    assert_eq!((answer.status, noted()[0].after_sha256.as_str()), (303, ""));
    for (door, path) in [("/api/v1/people/{id}/corrections", "corrections"), ("/api/v1/people/{id}/erasures", "erasures")] {
        let body = if path == "corrections" { json!({"title": "Lead"}) } else { json!({}) };
        server.post("administrator", &format!("/api/v1/people/{}/{path}", server.id_of("reports")), &body).taken();
        assert!(["person.corrected", "person.erased"].contains(&noted()[0].act.as_str()));
        done.insert(door);
    }
    // Every door to people and access was tried; which letters somebody wants is neither.
    let doors: BTreeSet<&str> = ROUTES
        .iter()
        .filter(|(method, path)| {
            *method == "post"
                && *path != "/account/mail"
                && ["/people", "/account", "/invitations", "/api/v1/people"].iter().any(|start| path.starts_with(start))
        })
        .map(|(_, path)| *path)
        .collect();
    assert_eq!(done, doors);
    let page = Browser::signed_in(&server, "auditor").get("/administration");
    assert!(page.status == 200 && page.text().contains("Person erased") && page.text().contains("Administrator Example"), "{}", page.text());
    let texts: String = noted().iter().map(|act| format!("{act:?}")).collect();
    assert!(!texts.contains("Nora") && !texts.contains("northfield.example"), "no names");
    server.audit();
}

#[test]
fn an_outside_partys_person_agrees_first_and_entries_say_how_everybody_was_signed_in() {
    let server = Server::start();
    let mut operator = Browser::new(&server);
    leads_to(&operator.sign_in("operator", PASSWORD), "/agreement?next=/");
    assert!(!operator.is_in(), "without having agreed");
    let page = operator.get("/agreement").text();
    let digest = between(&page, "name=\"document\" value=\"", "\"").to_owned();
    assert!(page.contains("Operator Example") && page.contains("GreenLoop Recycling") && page.contains("counts as signed by you"), "{page}");
    let entries = server.entries();
    leads_to(&operator.post("/agreement", &[("document", "another")]), "/agreement?next=/");
    assert_eq!(server.entries(), entries);
    leads_to(&operator.post("/agreement", &[("document", &digest)]), "/");
    assert!(operator.is_in());
    let entry = server.get("auditor", &format!("/ledger/entries/{entries}")).json();
    assert_eq!(entry["event"], "party.signing_agreed");
    assert_eq!(entry["data"], json!({"person": server.id_of("operator"), "document": digest, "signed_in": "password", "v": 1}));
    assert_eq!(entry["subjects"][0]["id"], server.parties["GreenLoop Recycling"]);
    // Once.
    leads_to(&Browser::new(&server).sign_in("operator", PASSWORD), "/");
    assert_eq!(server.entries(), entries + 1);
    // A program says that it was one; the timeline says so too.
    let device = super::story::register(&server, 1);
    let told = server.get("auditor", &format!("/api/v1/assets/{}/entries", device.id)).taken();
    assert_eq!(told["entries"][0]["signed_in"], "token");
    let page = server.page("auditor", &format!("/assets/{}", device.id.trim_start_matches("urn:uuid:"))).text();
    assert!(page.contains("signed in with an API token"), "{page}");
    server.audit();
}

#[test]
fn a_school_contact_sees_what_is_or_was_at_the_own_site() {
    let server = Server::start();
    let district = server.parties["district"].clone();
    for site in ["Elsewhere", "Third"] {
        server.command("administrator", "add_site", json!({"party": district, "site": site})).taken();
    }
    let register = |who: &str, tag: &str, site: &str| {
        let device = json!({"tag": tag, "category": "dock", "manufacturer": "Lenovo", "model": "Dock", "site": site});
        server.command(who, "register_asset", device)
    };
    let own = Server::subject(&register("contact", "OWN-1", "Central").taken(), "Asset");
    register("contact", "OWN-2", "Elsewhere").refused(422, "custody.other_site");
    let foreign = Server::subject(&register("coordinator", "FOREIGN-1", "Elsewhere").taken(), "Asset");
    let open = |reference: &str, from: &str, to: &str| {
        let body = json!({"reference": reference, "from_site": from, "to": district, "to_site": to});
        Server::subject(&server.command("coordinator", "open_consignment", body).taken(), "Consignment")
    };
    let (ours, theirs) = (open("OURS", "Central", "Elsewhere"), open("THEIRS", "Elsewhere", "Third"));
    let tags = |path: &str| {
        let listed = server.get("contact", path).taken();
        listed["assets"].as_array().unwrap().iter().map(|asset| asset["tag"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(tags("/api/v1/assets"), ["OWN-1"]);
    assert_eq!((tags("/api/v1/assets?q=OWN"), tags("/api/v1/assets?q=FOREIGN").len()), (vec!["OWN-1".to_owned()], 0));
    let references = server.get("contact", "/api/v1/consignments").taken();
    assert_eq!(references["consignments"].as_array().unwrap().iter().map(|one| one["reference"].clone()).collect::<Vec<_>>(), ["OURS"]);
    for path in [format!("/api/v1/assets/{foreign}"), format!("/assets/{foreign}"), format!("/api/v1/consignments/{theirs}")] {
        server.get("contact", &path).refused(404, "request.unknown");
        assert_eq!(server.get("coordinator", &path).status, 200, "{path}");
    }
    // Scanned in by the contact, carried away by a coordinator: what was there stays known.
    server.command("contact", "scan", json!({"consignment": ours, "tag": "OWN-1"})).taken();
    server.command("contact", "scan", json!({"consignment": theirs, "tag": "OWN-1"})).refused(422, "consignment.unknown");
    server.command("coordinator", "seal_consignment", json!({"consignment": ours, "containers": [{"label": "CAGE-1", "seal": "000417"}]})).taken();
    server.command("contact", "release_consignment", json!({"consignment": ours})).refused(403, "command.wrong_role");
    server.command("coordinator", "release_consignment", json!({"consignment": ours})).taken();
    assert_eq!(server.get("contact", &format!("/api/v1/assets/{own}")).status, 200);
    server.command("contact", "retire", json!({"asset": own, "reason": "surplus"})).refused(422, "custody.other_site");
    let entries = server.get("contact", &format!("/api/v1/assets/{own}/entries")).taken();
    let seq = entries["entries"][0]["seq"].to_string();
    assert_eq!(server.get("contact", &format!("/ledger/entries/{seq}")).status, 200);
    let foreign = server.get("coordinator", &format!("/api/v1/assets/{foreign}/entries")).taken()["entries"][0]["seq"].to_string();
    server.get("contact", &format!("/ledger/entries/{foreign}")).refused(404, "request.unknown");
    server.audit();
}

#[test]
fn the_first_administrator_begins_with_the_code_that_the_server_prints() {
    if module_path!().contains("postgres") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quittance"));
        command.args(arguments).arg("--data").arg(folder.path().join("data")).arg("--keys").arg(folder.path().join("keys"));
        command
    };
    assert!(run(&["init", "--url", "http://localhost:8080", "--name", "District"]).output().unwrap().status.success());
    let serve = || {
        let mut serving = run(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut code, mut address) = (None, None);
        for line in BufReader::new(serving.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let word = line.trim();
            if word.len() == 23 && word.split('-').all(|part| part.len() == 5) {
                code = Some(word.to_owned());
            }
            if let Some((_, rest)) = line.split_once("listening on ") {
                address = Some(rest.split(". Stop").next().unwrap().to_owned());
                break;
            }
        }
        (serving, code, address.unwrap())
    };
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false).build().into();
    let (mut serving, printed, address) = serve();
    let printed = printed.expect("a code is printed");
    let post = |code: &str| {
        let form = [("code", code), ("name", "Ada First"), ("email", "ada@district.example"), ("password", PASSWORD), ("repeated", PASSWORD)];
        let request = agent.post(format!("http://{address}/setup")).header("Sec-Fetch-Site", "same-origin").header(FORM.0, FORM.1);
        let answer = request.send(fields(&form)).unwrap();
        (answer.status().as_u16(), answer.headers().get("location").map(|there| there.to_str().unwrap().to_owned()))
    };
    let status = |path: &str| agent.get(format!("http://{address}{path}")).call().unwrap().status().as_u16();
    assert_eq!(status("/setup"), 200);
    assert_eq!(post("AAAAA-AAAAA-AAAAA-AAAAA").0, 422);
    assert_eq!(post(&printed.to_lowercase()), (303, Some("/account/factor?next=/people".to_owned())));
    assert_eq!((status("/setup"), post(&printed).0), (404, 404), "there is an administrator now");
    serving.kill().unwrap();
    serving.wait().unwrap();
    let (mut serving, printed, _) = serve();
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert_eq!(printed, None);
}
