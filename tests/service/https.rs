//! HTTPS with the real program: certificates of an authority made here, real clients, and every way in which address, files and proxy may not fit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::fs::{File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

#[path = "../programs/mod.rs"]
mod programs;

use programs::{have, run};

/// A folder with certificates: `ca.pem`, and for each server certificate NAME.pem (with the authority's) and NAME.key.
struct Authority(PathBuf);

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let authority = Self(folder);
        let (key, certificate) = (authority.path("ca.key"), authority.path("ca.pem"));
        let subject = format!("/CN={name}");
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
        run("openssl", &[&new[..], &["-subj", &subject, "-keyout", &key, "-out", &certificate]].concat());
        authority
    }
    fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
    /// A certificate for a host, good for so many days.
    fn issue(&self, name: &str, host: &str, days: i32) -> (String, String) {
        let (certificate, key, request) = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")), self.path("request"));
        let (days, host) = (days.to_string(), format!("subjectAltName=DNS:{host}"));
        let new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=server", "-addext", &host];
        run("openssl", &[&new[..], &["-keyout", &key, "-out", &request]].concat());
        let (root, root_key) = (self.path("ca.pem"), self.path("ca.key"));
        let sign = ["x509", "-req", "-in", &request, "-CA", &root, "-CAkey", &root_key, "-CAcreateserial", "-copy_extensions", "copy"];
        run("openssl", &[&sign[..], &["-days", &days, "-out", &certificate]].concat());
        let chain = [std::fs::read(&certificate).unwrap(), std::fs::read(&root).unwrap()].concat();
        std::fs::write(&certificate, chain).unwrap();
        std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        (certificate, key)
    }
    fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

fn quittance(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quittance"));
    command.args(arguments).arg("--data").arg(folder.join("data")).arg("--keys").arg(folder.join("keys")).env_remove("QUITTANCE_TOKEN");
    command
}

/// A record at this address in a folder of its own.
fn record(url: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = quittance(folder.path(), &["init", "--url", url, "--name", "North District"]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

/// The program while it serves.
struct Serving {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Serving {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let log = folder.join("log");
        let all = [&["serve", "--listen", "127.0.0.1:0", "--public-rate", "0"], arguments].concat();
        let mut child = quittance(folder, &all).stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        // A new record first says with which code its first administrator begins.
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("listening on")).unwrap_or_default();
        let port = line.split("listening on 127.0.0.1:").nth(1).and_then(|rest| rest.split('.').next()).and_then(|port| port.parse().ok());
        let said = || std::fs::read_to_string(&log).unwrap();
        Self { port: port.unwrap_or_else(|| panic!("{line}{}", said())), child, log }
    }
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
    /// Waits until the log says this.
    fn says(&self, words: &str) {
        assert!((0..600).any(|_| wait_for(|| self.said().contains(words))), "{words}: {}", self.said());
    }
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }
    /// A connection over TLS.
    fn secure(&self, client: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
        StreamOwned::new(ClientConnection::new(Arc::clone(client), ServerName::try_from("localhost").unwrap()).unwrap(), self.connect())
    }
    fn curl(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new("curl").args(["-sS", "-i", "--max-time", "30"]).args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(what: impl Fn() -> bool) -> bool {
    let there = what();
    if !there {
        std::thread::sleep(Duration::from_millis(100));
    }
    there
}

const GET: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn answered(stream: &mut (impl Read + Write), request: &[u8]) -> bool {
    let mut first = [0; 12];
    stream.write_all(request).is_ok() && stream.read_exact(&mut first).is_ok() && &first == b"HTTP/1.1 200"
}

#[test]
fn https_from_files_that_are_taken_up_again_when_they_change() {
    if !have("openssl", "openssl") || !have("curl", "curl") {
        return;
    }
    let folder = record("https://localhost");
    let first = Authority::new(folder.path(), "first");
    let second = Authority::new(folder.path(), "second");
    let (certificate, key) = first.issue("server", "localhost", 90);
    let (next, next_key) = second.issue("server", "localhost", 3);
    let serving = Serving::start(folder.path(), &["--tls-certificate", &certificate, "--tls-key", &key]);
    let url = format!("https://localhost:{}", serving.port);
    let with = |authority: &Authority, more: &[&str]| {
        let root = authority.path("ca.pem");
        serving.curl(&[&["--cacert", &root], more].concat())
    };
    let sign_in = format!("{url}/sign-in");
    let (code, said) = with(&first, &[&sign_in]);
    assert_eq!(code, 0, "{said}");
    let said = said.to_lowercase();
    assert!(said.starts_with("http/1.1 200") && said.contains("strict-transport-security: max-age=63072000; includesubdomains"), "{said}");
    assert!(!said.contains("not a secure connection"), "{said}");
    for (version, works) in [("1.3", true), ("1.2", true)] {
        let (code, said) = with(&first, &["--tls-max", version, &sign_in]);
        assert_eq!(code == 0, works, "{version}: {said}");
    }
    // Older versions are refused by the server, whatever the client would do: with `-legacy_renegotiation` and no security level it would.
    let address = format!("localhost:{}", serving.port);
    let old = Command::new("openssl")
        .args(["s_client", "-connect", &address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!old.status.success(), "{}", String::from_utf8_lossy(&old.stdout));
    let (code, _) = with(&second, &[&sign_in]);
    assert_ne!(code, 0, "another authority's certificate is not taken");
    let plain = serving.curl(&[&format!("http://localhost:{}/healthz", serving.port)]);
    assert!(!plain.1.contains("200 OK"), "{}", plain.1);

    // A client in Rust with that root.
    let roots = vec![ureq::tls::Certificate::from_pem(&std::fs::read(first.path("ca.pem")).unwrap()).unwrap()];
    let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::new_with_certs(&roots)).build();
    let agent: ureq::Agent = ureq::Agent::config_builder().tls_config(tls).build().into();
    assert_eq!(agent.get(format!("{url}/healthz")).call().unwrap().body_mut().read_to_string().unwrap(), "ok\n");
    // With the roots of the world it is nobody.
    assert!(ureq::get(format!("{url}/healthz")).call().is_err());

    // New files, one after the other: in between they do not fit, and what was in force stays.
    std::fs::copy(&next, &certificate).unwrap();
    serving.says("the certificate before stays in force");
    assert_eq!(with(&first, &[&sign_in]).0, 0);
    std::fs::copy(&next_key, &key).unwrap();
    serving.says("is in force");
    serving.says("expires on");
    let (code, said) = with(&second, &[&sign_in]);
    assert_eq!(code, 0, "{said}");
    assert_ne!(with(&first, &[&sign_in]).0, 0);
    // Asked to look again, it says so although nothing has changed.
    let before = serving.said().matches("is in force").count();
    run("kill", &["-HUP", &serving.child.id().to_string()]);
    assert!((0..600).any(|_| wait_for(|| serving.said().matches("is in force").count() > before)), "{}", serving.said());
    assert_eq!(with(&second, &[&sign_in]).0, 0);
}

#[test]
fn what_does_not_fit_is_said_with_what_to_do() {
    if !have("openssl", "openssl") {
        return;
    }
    let folder = record("https://records.example.org");
    let authority = Authority::new(folder.path(), "authority");
    let (good, key) = authority.issue("good", "records.example.org", 90);
    let (elsewhere, elsewhere_key) = authority.issue("elsewhere", "www.example.org", 90);
    let (old, old_key) = authority.issue("old", "records.example.org", -1);
    let open_key = authority.path("open.key");
    std::fs::copy(&key, &open_key).unwrap();
    std::fs::set_permissions(&open_key, Permissions::from_mode(0o644)).unwrap();
    let empty = authority.path("empty.pem");
    std::fs::write(&empty, "nothing\n").unwrap();
    let serve = |arguments: &[&str]| {
        let output = quittance(folder.path(), &[&["serve", "--listen", "127.0.0.1:0"], arguments].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(70), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let missing = authority.path("missing.pem");
    for (arguments, words) in [
        (
            &[][..],
            &[
                "nothing here speaks HTTPS",
                "neither are certificate files given, nor is a reverse proxy trusted",
                "--tls-certificate",
                "--trusted-proxy",
            ][..],
        ),
        (&["--tls-certificate", &good], &["tls-key", "private key too"]),
        (&["--tls-key", &key], &["tls-certificate"]),
        (&["--tls-certificate", &missing, "--tls-key", &key], &["missing.pem", "cannot be read"]),
        (&["--tls-certificate", &empty, "--tls-key", &key], &["holds no certificate", "-----BEGIN CERTIFICATE-----"]),
        (&["--tls-certificate", &good, "--tls-key", &empty], &["everyone on this machine"]),
        (&["--tls-certificate", &good, "--tls-key", &open_key], &["everyone on this machine (mode 644)", "chmod o= "]),
        (&["--tls-certificate", &good, "--tls-key", &elsewhere_key], &["is not the key of the certificate"]),
        (&["--tls-certificate", &elsewhere, "--tls-key", &elsewhere_key], &["is not for records.example.org", "subject alternative names"]),
        (&["--tls-certificate", &old, "--tls-key", &elsewhere_key], &["is not the key of the certificate"]),
    ] {
        let said = serve(arguments);
        for word in words {
            assert!(said.contains(word), "{arguments:?}: {word}: {said}");
        }
    }
    // What only waits for its renewal is served, and said.
    let serving = Serving::start(folder.path(), &["--tls-certificate", &old, "--tls-key", &old_key]);
    assert!(serving.said().contains("has expired on") && serving.said().contains("Renew it"), "{}", serving.said());
    drop(serving);
    // Behind a proxy that people connect to, its certificate counts.
    let serving = Serving::start(folder.path(), &["--tls-certificate", &elsewhere, "--tls-key", &elsewhere_key, "--trusted-proxy", "10.0.0.5"]);
    assert!(serving.said().contains("unless only the reverse proxy connects here"), "{}", serving.said());
    drop(serving);

    let local = record("http://localhost:8080");
    let output = quittance(local.path(), &["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(70) && said.contains("in the clear") && said.contains("127.0.0.1 for this machine alone"), "{said}");
}

#[test]
fn behind_a_proxy_only_what_came_to_it_over_https_is_answered() {
    if !have("curl", "curl") {
        return;
    }
    let folder = record("https://records.example.org");
    let serving = Serving::start(folder.path(), &["--trusted-proxy", "127.0.0.1"]);
    let at = |path: &str| format!("http://127.0.0.1:{}{path}", serving.port);
    let (https, http) = ("X-Forwarded-Proto: https", "X-Forwarded-Proto: http");
    let (_, said) = serving.curl(&["-H", https, &at("/sign-in")]);
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("strict-transport-security"), "{said}");
    let (_, said) = serving.curl(&["-H", http, &at("/assets?tag=a%20b")]);
    assert!(said.starts_with("HTTP/1.1 308") && said.contains("location: https://records.example.org/assets?tag=a%20b\r\n"), "{said}");
    assert!(!said.contains("strict-transport-security"), "{said}");
    let (_, said) = serving.curl(&["-H", http, "-d", "token=x", &at("/sign-in")]);
    assert!(said.starts_with("HTTP/1.1 403") && said.contains("request.in_the_clear") && said.contains("x-frame-options"), "{said}");
    let (_, said) = serving.curl(&["-H", http, &at("/healthz")]);
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    // From this machine without a proxy: an operator who looks.
    let (_, said) = serving.curl(&[&at("/sign-in")]);
    assert!(said.starts_with("HTTP/1.1 200") && !said.contains("strict-transport-security"), "{said}");
    drop(serving);
    // Nobody else is believed.
    let serving = Serving::start(folder.path(), &["--trusted-proxy", "10.0.0.5"]);
    let (_, said) = serving.curl(&["-H", https, &format!("http://127.0.0.1:{}/sign-in", serving.port)]);
    assert!(said.starts_with("HTTP/1.1 200") && !said.contains("strict-transport-security"), "{said}");
}

#[test]
fn whoever_insists_is_served_in_the_clear_and_told_on_every_page() {
    if !have("curl", "curl") {
        return;
    }
    let folder = record("https://records.example.org");
    let serving = Serving::start(folder.path(), &["--insecure-http"]);
    assert!(serving.said().contains("Everyone may come in the clear"), "{}", serving.said());
    for path in ["/sign-in", "/verify", "/nothing", "/a/X-1"] {
        let (_, said) = serving.curl(&["-H", "Accept: text/html", &format!("http://127.0.0.1:{}{path}", serving.port)]);
        assert!(said.contains("Not a secure connection.") && !said.contains("strict-transport-security"), "{path}: {said}");
    }
}

#[test]
fn limits_hold_over_tls() {
    if !have("openssl", "openssl") {
        return;
    }
    let folder = record("https://localhost");
    let authority = Authority::new(folder.path(), "authority");
    let (certificate, key) = authority.issue("server", "localhost", 90);
    let client = authority.client();
    let files = ["--tls-certificate", certificate.as_str(), "--tls-key", key.as_str()];
    let serving = Serving::start(folder.path(), &[&files[..], &["--address-connections", "20"]].concat());
    let mut held = Vec::new();
    let mut closed = 0;
    for _ in 0..30 {
        let mut stream = serving.secure(&client);
        if answered(&mut stream, GET) { held.push(stream) } else { closed += 1 }
    }
    assert_eq!((held.len(), closed), (20, 10));
    held.truncate(5);
    assert!((0..200).any(|_| wait_for(|| answered(&mut serving.secure(&client), GET))), "no place became free");
    drop(held);
    drop(serving);

    let serving = Serving::start(folder.path(), &[&files[..], &["--address-connections", "0"]].concat());
    // Some say nothing at all, some begin a handshake, some a request: nobody waits for them, and they are closed.
    let mute: Vec<_> = (0..600).map(|_| serving.connect()).collect();
    let begun: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = serving.connect();
            stream.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
            stream
        })
        .collect();
    let mut slow: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = serving.secure(&client);
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        assert!(answered(&mut serving.secure(&client), GET));
    }
    for stream in &mut slow {
        let mut said = [0; 12];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"HTTP/1.1 408");
    }
    for mut stream in mute.into_iter().chain(begun) {
        let mut rest = Vec::new();
        if let Err(error) = stream.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the connection is still open");
        }
    }
    assert!(answered(&mut serving.secure(&client), GET));
}
