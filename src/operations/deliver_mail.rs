//! Hands letters of the outbox to the mail server, or writes them as files where there is none. A letter is taken for a while before it is sent and
//! marked afterwards: whoever dies in between leaves one that is sent again, under the same Message-ID.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::{Service, remind};
use crate::app::{App, local_now, now, seed};
use crate::config::{Smtp, Tls};
use crate::documents::mail::{self, About, Mail};
use crate::domain::letters::{Language, LetterKind};
use crate::error::{Error, Result};
use crate::proof::digest::hex;
use crate::store::keyring::hmac;
use crate::store::outbox::{self, Kept, Preferences};
use crate::store::{files, people};

/// Letters that one connection carries at most.
const AT_ONCE: usize = 50;
/// For a connection to come about, and for each answer of the mail server.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a letter is one server's: longer than sending one can take.
const LEASE_MS: i64 = 300_000;
/// From the first failure to the next try, doubled each time up to six hours.
const FIRST_WAIT_MS: i64 = 60_000;
const LONGEST_WAIT_MS: i64 = 6 * 3_600_000;
/// After so long a letter is given up.
const GIVEN_UP_AFTER_MS: i64 = 3 * 24 * 3_600_000;
/// Letters that were sent or given up are kept so long.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// Most characters of what a mail server said.
const SAID: usize = 300;
/// How often letters, and what follows from time alone, are looked for.
const LOOK: Duration = Duration::from_secs(1);
const REMIND_EVERY: Duration = Duration::from_secs(300);

/// What kept a letter from being sent.
#[derive(Debug)]
enum Trouble {
    /// The mail server cannot be reached, or lets nobody in: no letter can be sent now.
    Way(String),
    /// This letter was not taken; it may be later.
    Later(String),
    /// This letter will never be taken.
    Never(String),
}

/// Sends what is due, until `ending`; gives how many letters were tried.
pub fn deliver(service: &Service, runner: &str, ending: &AtomicBool) -> Result<usize> {
    if !outbox::is_due(&mut *service.app.read()?, now().unix_ms())? {
        return Ok(0);
    }
    let mut way = Way::new(&service.app);
    let mut tried = 0;
    while tried < AT_ONCE && !ending.load(Ordering::Relaxed) {
        let claimed = {
            let (runner, at) = (runner.to_owned(), now().unix_ms());
            service.recorder.write_waiting(move |db| outbox::claim(db, &runner, at, at + LEASE_MS))?
        };
        let Some(kept) = claimed else { break };
        tried += 1;
        let trouble = send(&service.app, &mut way, &kept)?.err();
        let (id, runner, at) = (kept.id.clone(), runner.to_owned(), now().unix_ms());
        let Some(trouble) = trouble else {
            service.recorder.write_waiting(move |db| outbox::set_sent(db, &id, at))?;
            continue;
        };
        // What the server said may hold an address: it is for the page, not for the log.
        tracing::warn!(letter = kept.id, kind = kept.kind, "a letter could not be sent: see /mail");
        let next = Some(at + wait_ms(kept.tries)).filter(|next| next - kept.created <= GIVEN_UP_AFTER_MS);
        let (why, next, stop) = match trouble {
            Trouble::Way(why) => (why, next, true),
            Trouble::Later(why) => (why, next, false),
            Trouble::Never(why) => (why, None, false),
        };
        service.recorder.write_waiting(move |db| {
            outbox::set_failed(db, &id, &runner, at, &why, next)?;
            // One attempt at a time: a server that lets nobody in is not asked again for each letter.
            if stop { outbox::postpone(db, at, at + FIRST_WAIT_MS, &why) } else { Ok(()) }
        })?;
        if stop {
            break;
        }
    }
    Ok(tried)
}

/// How long a letter waits after so many tries.
fn wait_ms(tries: i64) -> i64 {
    let doublings = u32::try_from(tries.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
    FIRST_WAIT_MS.saturating_mul(1 << doublings).min(LONGEST_WAIT_MS)
}

/// Sends one letter.
fn send(app: &App, way: &mut Way, kept: &Kept) -> Result<std::result::Result<(), Trouble>> {
    let (to, language) = match (&kept.person, &kept.to_address) {
        (Some(person), _) => {
            let mut db = app.read()?;
            match people::by_id(&mut db, person)? {
                Some(found) if !found.email.is_empty() => (found.email, Preferences::of(&mut db, person)?.language),
                _ => return Ok(Err(Trouble::Never("This person has no e-mail address any more.".to_owned()))),
            }
        }
        (None, Some(address)) => (address.clone(), Language::parse(&kept.language).unwrap_or(Language::English)),
        (None, None) => return Ok(Err(Trouble::Never("This letter is to nobody.".to_owned()))),
    };
    let letter = match kept.letter() {
        Ok(letter) => letter,
        Err(error) => return Ok(Err(Trouble::Never(error.to_string()))),
    };
    let unsubscribe = match &kept.person {
        Some(person) if letter.kind() == LetterKind::WeeklyDigest => Some(unsubscribe_address(app, person)?),
        _ => None,
    };
    let about = About {
        id: &kept.id,
        created: kept.created_at(),
        organisation: app.organisation.as_str(),
        base: &app.identity.public_url,
        language,
        outside: kept.person.is_none(),
        unsubscribe,
    };
    let from = sender(app)?;
    Ok(match mail::write(&about, &letter, &from, &to) {
        Ok(mail) => way.carry(app, kept, &mail),
        Err(error) => Err(Trouble::Never(error.to_string())),
    })
}

/// In whose name letters are sent.
fn sender(app: &App) -> Result<Mailbox> {
    if let Some(from) = &app.mail.from {
        return Ok(from.clone());
    }
    let host = host(app);
    format!("quittance@{host}").parse().map_err(|e| Error::fault("the service's own mail address", e))
}

fn host(app: &App) -> &str {
    let url = &app.identity.public_url;
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}

/// Where letters go: a mail server, with the connection to it while there is one, or a folder.
struct Way {
    server: Option<Smtp>,
    connection: Option<SmtpConnection>,
}

impl Way {
    fn new(app: &App) -> Self {
        Self { server: app.mail.server.clone(), connection: None }
    }

    fn carry(&mut self, app: &App, kept: &Kept, mail: &Mail) -> std::result::Result<(), Trouble> {
        let Some(server) = &self.server else {
            return write_file(&app.data.join("mail"), kept, &mail.bytes).map_err(|error| Trouble::Way(said(&error.to_string())));
        };
        let connection = match &mut self.connection {
            Some(connection) if !connection.has_broken() => connection,
            place => place.insert(connect(server, host(app)).map_err(|why| Trouble::Way(said(&why)))?),
        };
        let Err(error) = connection.send(&mail.envelope, &mail.bytes) else { return Ok(()) };
        self.connection = None;
        let code = error.status().map(u16::from);
        let why = said(&error.to_string());
        Err(match code {
            // It wants somebody else, or a password: that is about us, not about the letter (RFC 4954 §6).
            Some(530 | 534 | 535 | 538) => Trouble::Way(why),
            Some(500..) => Trouble::Never(why),
            _ => Trouble::Later(why),
        })
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            let _ = connection.quit();
        }
    }
}

/// The words of a server on one line, cut.
fn said(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(SAID).collect()
}

fn connect(server: &Smtp, own_name: &str) -> std::result::Result<SmtpConnection, String> {
    let own_name = ClientId::Domain(own_name.to_owned());
    let tls = match server.tls {
        Tls::None => None,
        Tls::Whole | Tls::Started => Some(tls(server)?),
    };
    let place = (server.host.as_str(), server.port);
    let whole = tls.as_ref().filter(|_| server.tls == Tls::Whole);
    let mut connection = SmtpConnection::connect(place, Some(PATIENCE), &own_name, whole, None).map_err(|error| error.to_string())?;
    if let (Tls::Started, Some(tls)) = (server.tls, &tls) {
        connection.starttls(tls, &own_name).map_err(|error| error.to_string())?;
    }
    if let Some((name, password)) = server.password().map_err(|error| error.to_string())? {
        let credentials = Credentials::new(name.to_owned(), password);
        connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).map_err(|error| error.to_string())?;
    }
    Ok(connection)
}

fn tls(server: &Smtp) -> std::result::Result<TlsParameters, String> {
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.authorities {
        let pem = std::fs::read(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
        parameters = parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    parameters.build_rustls().map_err(|error| error.to_string())
}

/// Writes a letter as a file that nobody else on the machine can read: it may hold a link's secret. Written once more where it was written and not
/// marked, with the same bytes.
fn write_file(folder: &Path, kept: &Kept, bytes: &[u8]) -> Result<()> {
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
        files::sync_folder(folder.parent().unwrap_or(folder))?;
    }
    let name = format!("{}-{}.eml", kept.created_at().utc().format("%Y%m%d-%H%M%S"), kept.id);
    let (path, beside) = (folder.join(&name), folder.join(format!(".{name}")));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    };
    write().map_err(|e| Error::fault(&format!("writing {}", path.display()), e))?;
    files::sync_folder(folder)
}

/// What an address for ending the digest is signed for.
const UNSUBSCRIBE: &str = "mail/unsubscribe/weekly_digest";

fn unsubscribe_token(app: &App, person: &str) -> Result<String> {
    let key = app.keys.people(UNSUBSCRIBE)?;
    Ok(hex(&hmac(&key, person.as_bytes())))
}

/// Where one click ends the digest of a person, without signing in.
pub fn unsubscribe_address(app: &App, person: &str) -> Result<String> {
    let id = person.strip_prefix("urn:uuid:").unwrap_or(person);
    Ok(format!("{}/mail/unsubscribe/{id}.{}", app.identity.public_url, unsubscribe_token(app, person)?))
}

/// Whose digest such an address ends; none where it was not made here.
pub fn unsubscriber(app: &App, text: &str) -> Result<Option<String>> {
    let Some((id, token)) = text.split_once('.') else { return Ok(None) };
    let person = format!("urn:uuid:{id}");
    let right = unsubscribe_token(app, &person)?;
    let same = right.len() == token.len() && right.bytes().zip(token.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0;
    Ok(same.then_some(person))
}

/// Ends the digest of a person.
pub fn unsubscribe(service: &Service, person: &str) -> Result<()> {
    let person = person.to_owned();
    service.recorder.write_waiting(move |db| {
        if people::by_id(db, &person)?.is_none() {
            return Ok(());
        }
        let mut preferences = Preferences::of(db, &person)?;
        preferences.switched_off.insert(LetterKind::WeeklyDigest);
        preferences.keep(db, &person)
    })
}

/// Delivers on a thread of its own, until `ending`.
pub fn go_on(service: Service, ending: Arc<AtomicBool>) -> Result<std::thread::JoinHandle<()>> {
    let runner = format!("{:032x}", seed()?);
    let work = move || {
        let mut said = String::new();
        let mut reminded: Option<Instant> = None;
        if !service.app.database.is_shared() {
            // Nobody else can be sending: whoever took a letter is dead.
            let freed = service.recorder.write_waiting(outbox::free_all);
            if let Err(error) = freed {
                tracing::debug!("letters that were taken are free later: {error}");
            }
        }
        while !ending.load(Ordering::Relaxed) {
            let mut step = || -> Result<usize> {
                if reminded.is_none_or(|at| at.elapsed() >= REMIND_EVERY) {
                    remind::remind(&service, local_now())?;
                    let before = now().unix_ms() - KEPT_MS;
                    if outbox::has_old(&mut *service.app.read()?, before)? {
                        service.recorder.write_waiting(move |db| outbox::sweep(db, before))?;
                    }
                    reminded = Some(Instant::now());
                }
                deliver(&service, &runner, &ending)
            };
            match step() {
                Ok(0) => said.clear(),
                Ok(_) => {
                    said.clear();
                    continue;
                }
                // Once for each cause, not once a second.
                Err(error) if error.to_string() != said => {
                    said = error.to_string();
                    tracing::warn!("letters wait: {said}");
                }
                Err(_) => {}
            }
            std::thread::park_timeout(LOOK);
        }
    };
    std::thread::Builder::new().name("mail".to_owned()).spawn(work).map_err(|e| Error::fault("starting the thread that delivers letters", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_a_minute_to_six_hours() {
        let minutes: Vec<i64> = (1..=12).map(|tries| wait_ms(tries) / 60_000).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]);
        assert_eq!(wait_ms(i64::MAX), LONGEST_WAIT_MS);
    }

    #[test]
    fn the_words_of_a_server_are_one_short_line() {
        assert_eq!(said("550 no\r\n such\tuser\u{7}"), "550 no such user");
        assert_eq!(said(&"x".repeat(1_000)).len(), SAID);
    }
}
