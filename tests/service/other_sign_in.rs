//! Signing in with another sign-in: a small provider that speaks OpenID Connect over HTTP and signs with real keys, well and in every wrong way.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quittance::app::now;
use quittance::config::{Limits, Oidc, SignIn};
use quittance::proof::digest::sha256;
use quittance::store::people;
use serde_json::{Value, json};

use super::server::{Answer, Server};

/// How a token is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    Rsa,
    Ec,
    /// By a key that the provider does not publish, under the name of one that it does.
    OtherKey,
    /// Not at all.
    None,
    /// With the client's secret.
    Hmac,
    /// Well, and then changed.
    Altered,
}

struct Keys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    other: RsaKeyPair,
}

/// What the provider gives for a code: once.
struct Grant {
    challenge: String,
    claims: Value,
    signed: Signed,
}

#[derive(Clone)]
struct Provider {
    issuer: String,
    keys: Arc<Keys>,
    grants: Arc<Mutex<HashMap<String, Grant>>>,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Modulus and exponent of `RSAPublicKey` (RFC 8017 §A.1.1).
fn modulus_and_exponent(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    fn element(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, head) = match der[1] {
            n if n < 0x80 => (usize::from(n), 2),
            0x81 => (usize::from(der[2]), 3),
            _ => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
        };
        (&der[head..head + length], &der[head + length..])
    }
    let (inside, _) = element(der);
    let (modulus, rest) = element(inside);
    let (exponent, _) = element(rest);
    let bare = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    (bare(modulus), bare(exponent))
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let keys = Keys {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            other: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        };
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { issuer, keys: Arc::new(keys), grants: Arc::default() };
        let serving = provider.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serving.answer(stream.unwrap());
            }
        });
        provider
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut line, mut length) = (String::new(), 0);
        reader.read_line(&mut line).unwrap();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            if header.trim().is_empty() {
                break;
            }
            if let Some(("content-length", value)) = header.to_lowercase().trim().split_once(": ") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (status, answer) = match line.split(' ').nth(1).unwrap() {
            "/.well-known/openid-configuration" => (200, self.configuration()),
            "/jwks" => (200, self.published()),
            "/token" => self.token(&String::from_utf8(body).unwrap()),
            other => panic!("nobody asks for {other}"),
        };
        let answer = answer.to_string();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    }

    fn configuration(&self) -> Value {
        json!({"issuer": self.issuer, "authorization_endpoint": format!("{}/authorize", self.issuer), "token_endpoint": format!("{}/token", self.issuer),
            "jwks_uri": format!("{}/jwks", self.issuer), "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"]})
    }

    fn published(&self) -> Value {
        let (n, e) = modulus_and_exponent(self.keys.rsa.public_key().as_ref());
        let point = self.keys.ec.public_key().as_ref().to_vec();
        json!({"keys": [
            {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "rsa", "n": b64(n), "e": b64(e)},
            {"kty": "EC", "use": "sig", "alg": "ES256", "kid": "ec", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])},
        ]})
    }

    /// A code is taken once, with the verifier of its challenge and the client's secret.
    fn token(&self, form: &str) -> (u16, Value) {
        let fields: HashMap<&str, &str> = form.split('&').filter_map(|field| field.split_once('=')).collect();
        let Some(grant) = self.grants.lock().unwrap().remove(fields["code"]) else { return (400, json!({"error": "invalid_grant"})) };
        assert_eq!(fields["redirect_uri"], "http%3A%2F%2Flocalhost%3A8080%2Fsign-in%2Fother%2Fback");
        if b64(sha256(fields["code_verifier"].as_bytes())) != grant.challenge {
            return (400, json!({"error": "invalid_grant"}));
        }
        (200, json!({"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": self.sign(&grant.claims, grant.signed)}))
    }

    fn sign(&self, claims: &Value, signed: Signed) -> String {
        let (alg, kid) = match signed {
            Signed::Ec => ("ES256", "ec"),
            Signed::None => ("none", "rsa"),
            Signed::Hmac => ("HS256", "rsa"),
            _ => ("RS256", "rsa"),
        };
        let head = b64(json!({"alg": alg, "kid": kid, "typ": "JWT"}).to_string());
        let text = format!("{head}.{}", b64(claims.to_string()));
        let random = SystemRandom::new();
        let rsa = |key: &RsaKeyPair| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
            signature
        };
        let signature = match signed {
            Signed::Rsa | Signed::Altered => rsa(&self.keys.rsa),
            Signed::OtherKey => rsa(&self.keys.other),
            Signed::Ec => self.keys.ec.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            Signed::None => Vec::new(),
            Signed::Hmac => {
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
                aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
            }
        };
        let text =
            if signed == Signed::Altered { format!("{head}.{}", b64(claims.to_string().replace("coordinator", "administrator"))) } else { text };
        format!("{text}.{}", b64(signature))
    }
}

const CLIENT: &str = "quittance-client";
const SECRET: &str = "a secret of 32 bytes and some more";

/// Somebody on the way to the provider.
struct Away {
    cookie: String,
    state: String,
    nonce: String,
    challenge: String,
}

fn begin(server: &Server, provider: &Provider) -> Away {
    let answer = server.send("nobody", "GET", "/sign-in/other?next=/consignments", &[], b"");
    let there = answer.header("location").to_owned();
    assert!(answer.status == 303 && there.starts_with(&format!("{}/authorize?", provider.issuer)), "{} {there}", answer.status);
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("oidc=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let query: HashMap<&str, &str> = there.split_once('?').unwrap().1.split('&').filter_map(|field| field.split_once('=')).collect();
    assert_eq!((query["client_id"], query["response_type"], query["code_challenge_method"]), (CLIENT, "code", "S256"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    // The cookie tells a browser nothing.
    assert!(!cookie.contains(query["state"]) && !cookie.contains(query["nonce"]));
    Away { cookie, state: query["state"].to_owned(), nonce: query["nonce"].to_owned(), challenge: query["code_challenge"].to_owned() }
}

fn claims(provider: &Provider, away: &Away, subject: &str, email: &str) -> Value {
    let now = now().unix_ms() / 1000;
    json!({"iss": provider.issuer, "sub": subject, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": away.nonce, "email": email, "email_verified": true})
}

fn back(server: &Server, away: &Away, query: &str) -> Answer {
    server.send("nobody", "GET", &format!("/sign-in/other/back?{query}"), &[("Cookie", &away.cookie)], b"")
}

/// Signs in with a token made of these claims: what came back.
fn come(server: &Server, provider: &Provider, subject: &str, email: &str, signed: Signed, change: impl FnOnce(&mut Value)) -> Answer {
    let away = begin(server, provider);
    let mut claims = claims(provider, &away, subject, email);
    change(&mut claims);
    let code = format!("code-{}", away.state);
    provider.grants.lock().unwrap().insert(code.clone(), Grant { challenge: away.challenge.clone(), claims, signed });
    back(server, &away, &format!("code={code}&state={}", away.state))
}

fn is_in(server: &Server, answer: &Answer) -> bool {
    let cookies: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap().split(';').next().unwrap()).collect();
    let Some(sid) = cookies.iter().find(|cookie| cookie.starts_with("sid=")) else { return false };
    server.send("nobody", "GET", "/assets", &[("Cookie", sid)], b"").status == 200
}

#[test]
fn who_is_invited_signs_in_there_and_nobody_else_by_any_trick() {
    let provider = Provider::start();
    let oidc = Oidc {
        issuer: provider.issuer.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: Some(SECRET.to_owned()),
        domain: Some("northfield.example".to_owned()),
    };
    let server = Server::start_signing_in(Limits::uncounted(), SignIn { oidc: Some(oidc), ..SignIn::default() });
    let mail = |who: &str| format!("{who}@northfield.example");
    assert!(server.page("nobody", "/sign-in").text().contains("Sign in with 127.0.0.1"));

    // By both kinds of keys; bound by the address at first, and by issuer and subject from then on.
    let answer = come(&server, &provider, "s-1", "Coordinator@Northfield.example", Signed::Rsa, |_| ());
    assert_eq!((answer.status, answer.header("location")), (303, "/consignments"), "{}", String::from_utf8_lossy(&answer.body));
    assert!(is_in(&server, &answer));
    assert!(is_in(&server, &come(&server, &provider, "s-2", &mail("auditor"), Signed::Ec, |_| ())));
    let renamed = come(&server, &provider, "s-1", &mail("someone.else"), Signed::Rsa, |_| ());
    assert!(is_in(&server, &renamed), "the subject counts, not the address");
    let entries = server.entries();

    let now = now().unix_ms() / 1000;
    let reports = mail("reports");
    type Change = Box<dyn Fn(&mut Value)>;
    let set = |member: &'static str, value: Value| -> Change { Box::new(move |claims: &mut Value| claims[member] = value.clone()) };
    let nothing = || -> Change { Box::new(|_| ()) };
    let cases: Vec<(&str, &str, String, Signed, Change)> = vec![
        ("another nonce", "s-3", reports.clone(), Signed::Rsa, set("nonce", json!("x"))),
        ("no nonce", "s-3", reports.clone(), Signed::Rsa, set("nonce", Value::Null)),
        ("another issuer", "s-3", reports.clone(), Signed::Rsa, set("iss", json!("https://evil.example"))),
        ("for somebody else", "s-3", reports.clone(), Signed::Rsa, set("aud", json!("another-client"))),
        ("for somebody else too", "s-3", reports.clone(), Signed::Rsa, set("aud", json!([CLIENT, "another-client"]))),
        ("expired", "s-3", reports.clone(), Signed::Rsa, set("exp", json!(now - 120))),
        ("of the future", "s-3", reports.clone(), Signed::Rsa, set("iat", json!(now + 600))),
        ("not signed", "s-3", reports.clone(), Signed::None, nothing()),
        ("signed with the secret", "s-3", reports.clone(), Signed::Hmac, nothing()),
        ("signed with another key", "s-3", reports.clone(), Signed::OtherKey, nothing()),
        ("altered", "s-3", mail("coordinator"), Signed::Altered, nothing()),
        ("address not verified", "s-3", reports.clone(), Signed::Rsa, set("email_verified", json!(false))),
        ("no address", "s-3", reports.clone(), Signed::Rsa, set("email", Value::Null)),
        ("address of another domain", "s-3", "reports@evil.example".to_owned(), Signed::Rsa, nothing()),
        ("address that ends alike", "s-3", "reports@notnorthfield.example".to_owned(), Signed::Rsa, nothing()),
        ("somebody who was not invited", "s-3", mail("nobody.at.all"), Signed::Rsa, nothing()),
        ("somebody bound to another subject", "s-3", mail("coordinator"), Signed::Rsa, nothing()),
    ];
    for (what, subject, email, signed, change) in &cases {
        let answer = come(&server, &provider, subject, email, *signed, change);
        assert!(!is_in(&server, &answer), "{what}");
        let problem = answer.refused(422, "session.other");
        assert!(problem["detail"].as_str().unwrap().starts_with("Signing in with 127.0.0.1 did not work."), "{what}: one sentence for all");
    }

    // What the browser brings back.
    let grant = |away: &Away| {
        let code = format!("code-{}", away.state);
        let claims = claims(&provider, away, "s-3", &reports);
        provider.grants.lock().unwrap().insert(code.clone(), Grant { challenge: away.challenge.clone(), claims, signed: Signed::Rsa });
        code
    };
    let away = begin(&server, &provider);
    let code = grant(&away);
    for (what, query) in [
        ("another state", format!("code={code}&state=x")),
        ("no state", format!("code={code}")),
        ("no code", format!("state={}", away.state)),
        ("an answer of another provider", format!("code={code}&state={}&iss=https://evil.example", away.state)),
        ("an error", format!("error=access_denied&state={}", away.state)),
        ("a code that nobody gave", format!("code=x&state={}", away.state)),
    ] {
        let answer = back(&server, &away, &query);
        assert!(!is_in(&server, &answer), "{what}");
        answer.refused(422, "session.other");
    }
    let other = begin(&server, &provider);
    back(&server, &other, &format!("code={code}&state={}", away.state)).refused(422, "session.other");
    server.send("nobody", "GET", &format!("/sign-in/other/back?code={code}&state={}", away.state), &[], b"").refused(422, "session.other");
    // Somebody else's code in one's own browser: the verifier is not its.
    back(&server, &other, &format!("code={code}&state={}", other.state)).refused(422, "session.other");
    // A code counts once.
    let code = grant(&away);
    let query = format!("code={code}&state={}", away.state);
    assert!(is_in(&server, &back(&server, &away, &query)));
    back(&server, &away, &query).refused(422, "session.other");
    // Whoever is kept out here does not come in there.
    let mut db = server.service.app.connect().unwrap();
    people::set_disabled(&mut db, &server.id_of("reports"), Some(1)).unwrap();
    come(&server, &provider, "s-3", &reports, Signed::Rsa, |_| ()).refused(422, "session.other");
    assert_eq!(server.entries(), entries, "signing in is no entry");
    server.audit();
}
