//! HTTPS: certificates from files, taken up again when these change; whether address, files and proxy fit together; and what may come in the clear.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, LOCATION};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::State;
use super::limits::over_tls;
use super::problem::Problem;
use crate::app::now;
use crate::config::{Networks, Serving, TlsFiles};
use crate::domain::names::Instant;
use crate::error::{Error, Result};

/// A certificate that ends sooner than this is worth a word.
const SOON_MS: i64 = 14 * 86_400_000;

fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// The host of an address: `https://records.example.org:8443/x` → `records.example.org`.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}

/// Refuses to serve where address, HTTPS and proxy do not fit together, and says which of them is wrong and what to do. `None` where all is well, a
/// word of warning where it is nearly.
pub fn fit(url: &str, listen: &str, serving: &Serving, proxies: &Networks) -> Result<Option<String>> {
    let secure = url.starts_with("https://");
    if serving.tls.is_some() {
        return Ok(
            (!secure).then(|| format!("The record's address is {url}: links, QR codes and certificates go on naming it, although HTTPS is set up."))
        );
    }
    if serving.insecure_http {
        return Ok(Some(
            "Everyone may come in the clear (insecure-http): whoever is on the way can read tokens and change pages, and browsers give pages no camera, \
             no offline scanning and no checks of certificates. Every page says so."
                .to_owned(),
        ));
    }
    if secure && proxies.is_empty() {
        return Err(Error::Fault(format!(
            "The record's address is {url}, and nothing here speaks HTTPS: neither are certificate files given, nor is a reverse proxy trusted. Do one \
             of these:\n  --tls-certificate chain.pem --tls-key key.pem   Quittance speaks HTTPS itself, with the files of your certificate authority\n  \
             --trusted-proxy 127.0.0.1                       a reverse proxy speaks it; name the address from which it connects, and have it send \
             X-Forwarded-Proto and X-Forwarded-For\n  --insecure-http                                 serve in the clear all the same, to try things out"
        )));
    }
    let local = listen.to_socket_addrs().is_ok_and(|mut addresses| addresses.all(|address| address.ip().to_canonical().is_loopback()));
    if !local && proxies.is_empty() {
        return Err(Error::Fault(format!(
            "Listening on {listen} in the clear: tokens and pages could be read and changed on the way. Listen on 127.0.0.1 for this machine alone; or \
             give --tls-certificate and --tls-key; or name the reverse proxy that speaks HTTPS with --trusted-proxy; or insist with --insecure-http."
        )));
    }
    Ok(None)
}

/// The certificate in force. Read again when its files change; what cannot be used leaves the one before in force.
pub struct Certificates {
    files: TlsFiles,
    host: String,
    /// Whether the address that people know is served by others, who have a certificate for it.
    behind_proxy: bool,
    current: RwLock<Arc<CertifiedKey>>,
    /// What the files were when they were last looked at.
    seen: Mutex<Vec<Option<Stamp>>>,
}

/// When a file was changed, how large it is, and which file it is.
type Stamp = (i64, i64, u64, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|file| (file.mtime(), file.mtime_nsec(), file.size(), file.ino()))
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificates {
    /// Reads the files for the record's address.
    pub fn open(files: &TlsFiles, url: &str, behind_proxy: bool) -> Result<Arc<Self>> {
        let seen = Mutex::new(stamps(files));
        let (key, warnings) = read(files, host(url), behind_proxy, now())?;
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let (files, host) = (files.clone(), host(url).to_owned());
        Ok(Arc::new(Self { files, host, behind_proxy, current: RwLock::new(Arc::new(key)), seen }))
    }

    /// Takes the files up again where they have changed, or where somebody asks for it.
    pub fn renew(&self, asked: bool) {
        let found = stamps(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == found && !asked {
            return;
        }
        *seen = found;
        match read(&self.files, &self.host, self.behind_proxy, now()) {
            Ok((key, warnings)) => {
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                tracing::info!("the certificate in {} is in force", self.files.certificate.display());
            }
            Err(error) => tracing::error!("the certificate before stays in force: {error}"),
        }
    }

    /// TLS 1.2 and 1.3, nobody but the server shows a certificate, HTTP/1.1 alone.
    pub fn config(self: &Arc<Self>) -> Result<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|e| Error::fault("setting up TLS", e))?;
        Ok(builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>))
    }
}

fn stamps(files: &TlsFiles) -> Vec<Option<Stamp>> {
    [&files.certificate, &files.key].map(|path| stamp(path)).into()
}

/// Reads certificate and key and checks that they can be used; with words of warning.
fn read(files: &TlsFiles, host: &str, behind_proxy: bool, at: Instant) -> Result<(CertifiedKey, Vec<String>)> {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    let wrong = |what: String| Error::Fault(what);
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(|found| found.collect::<std::result::Result<Vec<_>, _>>())
        .map_err(|e| wrong(format!("tls-certificate {certificate} cannot be read as PEM: {e}")))?;
    let Some(leaf) = chain.first() else {
        let why = "holds no certificate; it begins with -----BEGIN CERTIFICATE-----, the server's own first, then those of its authority";
        return Err(wrong(format!("tls-certificate {certificate} {why}")));
    };
    let mode = fs::metadata(&files.key).map_err(|e| wrong(format!("tls-key {key} cannot be read: {e}")))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(wrong(format!("tls-key {key} can be read by everyone on this machine (mode {:03o}): chmod o= {key}", mode & 0o777)));
    }
    let private = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|e| wrong(format!("tls-key {key} holds no private key without a passphrase ({e}); it begins with -----BEGIN PRIVATE KEY-----")))?;
    let parsed = ParsedCertificate::try_from(leaf).map_err(|e| wrong(format!("the first certificate in {certificate} cannot be read: {e}")))?;
    let mut warnings = Vec::new();
    let named = ServerName::try_from(host.to_owned()).map_err(|e| wrong(format!("{host} is no name that a certificate can be for: {e}")))?;
    if rustls::client::verify_server_name(&parsed, &named).is_err() {
        let why = format!("the certificate in {certificate} is not for {host}, the host of the record's address: browsers refuse it");
        if !behind_proxy {
            return Err(wrong(format!("{why}. Get one that names {host} among its subject alternative names.")));
        }
        warnings.push(format!("{why}, unless only the reverse proxy connects here."));
    }
    if let Some((from, until)) = validity(leaf) {
        if at < from {
            warnings.push(format!(
                "the certificate in {certificate} is not valid before {}: browsers refuse it; check the clock of this machine",
                from.text()
            ));
        } else if at > until {
            warnings.push(format!(
                "the certificate in {certificate} has expired on {}: browsers refuse it. Renew it; the new files are taken up by themselves",
                until.text()
            ));
        } else if until.unix_ms() - at.unix_ms() < SOON_MS {
            warnings.push(format!("the certificate in {certificate} expires on {}: renew it", until.text()));
        }
    }
    let fitting = CertifiedKey::from_der(chain, private, &provider()).map_err(|e| match e {
        rustls::Error::InconsistentKeys(_) => {
            wrong(format!("tls-key {key} is not the key of the certificate in {certificate}; name the two that belong together"))
        }
        e => wrong(format!("tls-key {key} cannot be used: {e}")),
    })?;
    Ok((fitting, warnings))
}

/// One element of DER: its tag, its content, and what comes after it (X.690 §8.1).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| (1..=4).contains(&bytes.len()))?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

/// From when until when a certificate is valid (RFC 5280 §4.1.2.5).
fn validity(der: &[u8]) -> Option<(Instant, Instant)> {
    let (_, certificate, _) = element(der)?;
    let (_, signed, _) = element(certificate)?;
    // Version (which may be absent), serial number, signature algorithm, issuer; then the validity.
    let mut rest = if signed.first() == Some(&0xa0) { element(signed)?.2 } else { signed };
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, dates, _) = element(rest)?;
    let (tag, from, rest) = element(dates)?;
    let from = date(tag, from)?;
    let (tag, until, _) = element(rest)?;
    Some((from, date(tag, until)?))
}

fn date(tag: u8, text: &[u8]) -> Option<Instant> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match tag {
        // Two digits of the year: from 50 on it is the last century.
        0x17 => format!("{}{text}", if text.get(..2)?.parse::<u8>().ok()? >= 50 { "19" } else { "20" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    Instant::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
}

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Over HTTPS, to here or to a trusted proxy.
    Secure,
    /// From this machine.
    Local,
    /// In the clear, from elsewhere.
    Clear,
    /// From a proxy on another machine that does not say how it came to it.
    Unsaid,
}

fn way(tls: bool, peer: Option<IpAddr>, forwarded: Option<&str>, proxies: &Networks) -> Way {
    if tls {
        return Way::Secure;
    }
    let Some(peer) = peer else { return Way::Clear };
    let proxied = proxies.contain(peer);
    // A chain of proxies lists what each was asked by; the last word is the one of the proxy that is trusted.
    match forwarded.filter(|_| proxied).and_then(|said| said.rsplit(',').next()).map(str::trim) {
        Some(said) if said.eq_ignore_ascii_case("https") => Way::Secure,
        Some(_) => Way::Clear,
        None if peer.to_canonical().is_loopback() => Way::Local,
        None if proxied => Way::Unsaid,
        None => Way::Clear,
    }
}

fn way_of(request: &ServiceRequest) -> Way {
    let Some(state) = request.app_data::<web::Data<State>>() else { return Way::Clear };
    let forwarded = request.headers().get(HeaderName::from_static("x-forwarded-proto")).and_then(|said| said.to_str().ok());
    way(over_tls(request), request.peer_addr().map(|peer| peer.ip()), forwarded, &state.service.app.limits.trusted_proxies)
}

/// Whether a request came over HTTPS all the way: then its answer may say that nothing else is to be used from now on.
pub fn is_secure(request: &ServiceRequest) -> bool {
    way_of(request) == Way::Secure
}

/// Sends on to HTTPS, or refuses, what comes in the clear from elsewhere.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(state) = request.app_data::<web::Data<State>>().cloned() else { return Ok(next.call(request).await?.map_into_boxed_body()) };
    let app = &state.service.app;
    let way = way_of(&request);
    // Whoever looks whether the service is alive learns nothing and tells nothing.
    if matches!(way, Way::Secure | Way::Local) || app.serving.is_insecure() || request.path() == "/healthz" {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    if way == Way::Unsaid {
        let peer = request.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
        say_once(&peer);
        let why = "The reverse proxy does not say whether you came over HTTPS. Its operator has to make it send X-Forwarded-Proto.";
        return Ok(request.error_response(Problem::new(403, "request.unsaid_scheme", why)));
    }
    let url = &app.identity.public_url;
    if url.starts_with("https://") && (request.method() == Method::GET || request.method() == Method::HEAD) {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let answer = HttpResponse::PermanentRedirect().insert_header((LOCATION, format!("{url}{path}"))).finish();
        return Ok(request.into_response(answer));
    }
    let why = format!("This came in the clear, so that others may have read it: nothing was done. Send it to {url} instead, with new tokens.");
    Ok(request.error_response(Problem::new(403, "request.in_the_clear", why)))
}

/// Tells the operator of a proxy that does not say how it was reached, once for each.
fn say_once(peer: &str) {
    static SAID: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let said = said.get_or_insert_default();
    if said.len() < 100 && said.insert(peer.to_owned()) {
        tracing::warn!(
            "the trusted proxy {peer} sends no X-Forwarded-Proto: what comes through it is refused (nginx: proxy_set_header X-Forwarded-Proto $scheme)"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_together_is_said_in_plain_words() {
        let proxy = Networks::parse("10.0.0.5").unwrap();
        let none = Networks::default();
        let tls = Serving { tls: Some(TlsFiles { certificate: "c".into(), key: "k".into() }), ..Serving::default() };
        let insist = Serving { insecure_http: true, ..Serving::default() };
        let plain = Serving::default();
        let (https, local) = ("https://records.example.org", "http://localhost:8080");
        for (url, listen, serving, proxies) in [
            (https, "127.0.0.1:8080", &plain, &proxy),
            (https, "0.0.0.0:8080", &plain, &proxy),
            (https, "0.0.0.0:443", &tls, &none),
            (local, "127.0.0.1:0", &plain, &none),
            (local, "[::1]:0", &plain, &none),
        ] {
            assert_eq!(fit(url, listen, serving, proxies).unwrap(), None, "{url} {listen}");
        }
        for (url, listen, serving, said) in [
            (https, "127.0.0.1:8080", &plain, "neither are certificate files given, nor is a reverse proxy trusted"),
            (local, "0.0.0.0:8080", &plain, "in the clear"),
            (local, "no address", &plain, "in the clear"),
        ] {
            let error = fit(url, listen, serving, &none).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("--tls-key") && error.contains("--insecure-http"), "{error}");
        }
        assert!(fit(https, "0.0.0.0:80", &insist, &none).unwrap().unwrap().contains("in the clear"));
        assert!(fit(local, "0.0.0.0:443", &tls, &none).unwrap().unwrap().contains("http://localhost:8080"));
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let proxies = Networks::parse("10.0.0.5,127.0.0.1").unwrap();
        let asked = |tls: bool, peer: &str, said: Option<&str>| way(tls, Some(peer.parse().unwrap()), said, &proxies);
        assert_eq!(asked(true, "203.0.113.9", None), Way::Secure);
        assert_eq!(asked(false, "203.0.113.9", Some("https")), Way::Clear);
        assert_eq!(asked(false, "10.0.0.5", Some("https")), Way::Secure);
        assert_eq!(asked(false, "10.0.0.5", Some("http, HTTPS")), Way::Secure);
        assert_eq!(asked(false, "10.0.0.5", Some("https, http")), Way::Clear);
        assert_eq!(asked(false, "10.0.0.5", None), Way::Unsaid);
        assert_eq!(asked(false, "127.0.0.1", None), Way::Local);
        assert_eq!(asked(false, "127.0.0.1", Some("http")), Way::Clear);
        assert_eq!(asked(false, "::1", Some("https")), Way::Local);
        assert_eq!(way(false, None, Some("https"), &proxies), Way::Clear);
    }

    #[test]
    fn dates_are_read_in_both_forms() {
        let text = |tag: u8, text: &str| date(tag, text.as_bytes()).map(Instant::whole_seconds);
        assert_eq!(text(0x17, "491231235959Z").as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(text(0x17, "900101000000Z").as_deref(), Some("1990-01-01T00:00:00Z"));
        assert_eq!(text(0x18, "20500101000000Z").as_deref(), Some("2050-01-01T00:00:00Z"));
        for (tag, wrong) in [(0x17, ""), (0x17, "49123123595"), (0x18, "2050"), (0x04, "20500101000000Z"), (0x17, "ééééééZ")] {
            assert_eq!(text(tag, wrong), None, "{wrong}");
        }
        for cut in [&b""[..], &[0x30], &[0x30, 0x82, 1], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 3, 0x30, 9, 1]] {
            assert_eq!(validity(cut), None);
        }
    }
}
