//! How letters leave: the mail server, how it is spoken to, and in whose name.

use std::path::PathBuf;

use lettre::message::Mailbox;

use super::Given;
use crate::error::{Error, Result};

/// How letters leave. Without a mail server they are written as files.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// The mail server.
    pub server: Option<Smtp>,
    /// In whose name; the service's own where nothing is said.
    pub from: Option<Mailbox>,
}

/// A mail server that takes letters and passes them on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Its name, which its certificate has to bear.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is encrypted.
    pub tls: Tls,
    /// As whom; with the file that holds the password, which is read at every connection.
    pub account: Option<(String, PathBuf)>,
    /// Certificates of authorities that may vouch for it besides the known ones (PEM).
    pub authorities: Option<PathBuf>,
}

/// How the way to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (`smtps://`).
    Whole,
    /// After STARTTLS, or nothing is sent.
    Started,
    /// Not at all: to this machine only.
    None,
}

fn wrong(why: &str) -> Error {
    Error::Fault(format!("smtp-url: {why}; write smtps://name@mail.example.org or smtp://name@mail.example.org:587"))
}

/// `%40` as it is meant.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

impl Smtp {
    /// Reads `smtps://[name@]host[:port]` or `smtp://[name@]host[:port][?tls=required|none]`. The password is never part of it: everybody on the machine
    /// could read it.
    pub fn parse(url: &str, password_file: Option<PathBuf>, authorities: Option<PathBuf>) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it is no address"))?;
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let tls = match (scheme, query) {
            ("smtps", None) => Tls::Whole,
            ("smtp", None | Some("tls=required")) => Tls::Started,
            ("smtp", Some("tls=none")) => Tls::None,
            _ => return Err(wrong("there is no such way to a mail server")),
        };
        let rest = rest.trim_end_matches('/');
        let (name, place) = rest.rsplit_once('@').map_or((None, rest), |(name, place)| (Some(name), place));
        if name.is_some_and(|name| name.contains(':')) {
            return Err(Error::Fault(
                "smtp-url: the password does not belong there; put it into a file and name that with smtp-password-file".to_owned(),
            ));
        }
        let name = name
            .map(|name| decoded(name).filter(|name| !name.is_empty()).ok_or_else(|| wrong("the name in front of @ cannot be read")))
            .transpose()?;
        let ported = place.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
        let (host, port) = match ported {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong("the port is a number"))?),
            None => (place, if tls == Tls::Whole { 465 } else { 587 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b)) {
            return Err(wrong("it names no host"));
        }
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if tls == Tls::None && !here {
            return Err(Error::Fault(
                "smtp-url: tls=none is for a mail server on this machine alone, because letters would travel in the clear".to_owned(),
            ));
        }
        let account = match (name, password_file) {
            (Some(name), Some(file)) => Some((name, file)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(Error::Fault("smtp-url names an account: name the file with its password with smtp-password-file".to_owned()));
            }
            (None, Some(_)) => return Err(wrong("smtp-password-file is given, and no account")),
        };
        Ok(Self { host: host.to_owned(), port, tls, account, authorities })
    }

    /// The password, where there is an account.
    pub fn password(&self) -> Result<Option<(&str, String)>> {
        let Some((name, file)) = &self.account else { return Ok(None) };
        let text = std::fs::read_to_string(file).map_err(|e| Error::fault(&format!("reading the password in {}", file.display()), e))?;
        Ok(Some((name, text.trim_end_matches(['\r', '\n']).to_owned())))
    }
}

impl Mail {
    /// From the settings: flags, then the file.
    pub(super) fn new(given: &Given, filed: &Given) -> Result<Self> {
        let from = given.mail_from.as_ref().or(filed.mail_from.as_ref());
        let from = from.map(|text| {
            text.parse::<Mailbox>().map_err(|e| Error::Fault(format!("mail-from: “{text}” is no address ({e}); write Records <records@example.org>")))
        });
        let from = from.transpose()?;
        let file = |given: &Option<PathBuf>, filed: &Option<PathBuf>| given.clone().or_else(|| filed.clone());
        let password = file(&given.smtp_password_file, &filed.smtp_password_file);
        let authorities = file(&given.smtp_ca_file, &filed.smtp_ca_file);
        let server = match given.smtp_url.as_ref().or(filed.smtp_url.as_ref()) {
            Some(url) => Some(Smtp::parse(url, password, authorities)?),
            None if password.is_some() || authorities.is_some() => return Err(wrong("it is missing, and settings for it are given")),
            None => None,
        };
        if server.is_some() && from.is_none() {
            return Err(Error::Fault(
                "smtp-url is given: say with mail-from in whose name letters are sent, like Records <records@example.org>".to_owned(),
            ));
        }
        if let Some(server) = &server {
            server.password()?;
        }
        Ok(Self { server, from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(url: &str) -> Result<Smtp> {
        Smtp::parse(url, url.contains('@').then(|| PathBuf::from("password")), None)
    }

    #[test]
    fn a_mail_server_is_read_from_its_address() {
        let read = |url: &str| {
            let server = smtp(url).unwrap();
            (server.host, server.port, server.tls, server.account.map(|(name, _)| name))
        };
        assert_eq!(read("smtps://mail.example.org"), ("mail.example.org".to_owned(), 465, Tls::Whole, None));
        assert_eq!(read("smtp://mail.example.org"), ("mail.example.org".to_owned(), 587, Tls::Started, None));
        let named = read("smtp://records%40example.org@mail.example.org:25?tls=required");
        assert_eq!(named, ("mail.example.org".to_owned(), 25, Tls::Started, Some("records@example.org".to_owned())));
        assert_eq!(read("smtp://a@b@mail.example.org").3, Some("a@b".to_owned()));
        assert_eq!(read("smtp://[::1]:2525?tls=none"), ("::1".to_owned(), 2525, Tls::None, None));
    }

    #[test]
    fn letters_do_not_travel_in_the_clear_and_passwords_are_not_in_addresses() {
        for (url, why) in [
            ("smtp://mail.example.org?tls=none", "in the clear"),
            ("smtp://name:secret@mail.example.org", "smtp-password-file"),
            ("smtp://mail.example.org?tls=opportunistic", "no such way"),
            ("http://mail.example.org", "no such way"),
            ("mail.example.org", "no address"),
            ("smtp://mail.example.org:port", "port"),
            ("smtp://", "no host"),
            ("smtp://%zz@mail.example.org", "in front of @"),
        ] {
            let error = smtp(url).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("secret"), "{url}: {error}");
        }
        assert!(Smtp::parse("smtp://name@mail.example.org", None, None).unwrap_err().to_string().contains("smtp-password-file"));
    }
}
