//! Gives a command to a running service over HTTP, as the person whose token is given: once, however often it is sent.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::unreadable;
use crate::app::seed;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::operations::import_inventory::{Options, Report};
use crate::proof::digest::hex;

/// The environment variable that a token may stand in.
const VARIABLE: &str = "QUITTANCE_TOKEN";
/// How long a connection may take to come about, and the answer to a whole import.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(1_800);
/// Largest answer: a report describes at most 1,000 lines.
const ANSWER_BYTES: u64 = 16 << 20;

/// Which running service, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub struct Server {
    /// Send it to the running service at this address, as the person whose token is given, instead of opening the record here
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A file with the token for --server [default: the environment variable QUITTANCE_TOKEN]
    #[arg(long, value_name = "FILE", requires = "server")]
    pub token_file: Option<PathBuf>,
    /// Send it as a new request, although the same file was sent within the last seven days
    #[arg(long, requires = "server")]
    pub again: bool,
}

/// Sends a file to `POST /api/v1/imports`. Its key follows from its content, so that sending it twice is harmless; the second time the report of the
/// first comes back, with `true`. For `past` disposals a paper goes before it, under evidence; a paper that is only to be tried out stays here.
pub fn import(server: &Server, url: &str, file: &Path, options: Options, past: Option<Option<&Path>>) -> Result<(Report, bool)> {
    let client = Client::new(url, server.token_file.as_deref())?;
    let sensitivity = options.sensitivity.as_str();
    let mut more = if past.is_some() { "&past=true".to_owned() } else { String::new() };
    if let Some(paper) = past.flatten().filter(|_| !options.dry_run) {
        let bytes = std::fs::read(paper).map_err(|e| Error::Unknown(unreadable(paper, &e)))?;
        let digest = hex(&Sha256::digest(&bytes));
        client.post("/api/v1/evidence", "application/octet-stream", &format!("paper-{digest}"), &bytes)?;
        more.push_str(&format!("&document={digest}"));
    }
    let key = if server.again {
        format!("import-{:032x}", seed()?)
    } else {
        format!("import-{}-{sensitivity}{}", sha256_of(file)?, more.replace('&', "-"))
    };
    let body = std::fs::File::open(file).map_err(|e| Error::Unknown(unreadable(file, &e)))?;
    let path = format!("/api/v1/imports?dry_run={}&sensitivity={sensitivity}{more}", options.dry_run);
    let (report, replayed) = client.send(&path, "text/csv", &key, body)?;
    Ok((serde_json::from_value(report).map_err(|e| strange(&client.base, &e.to_string()))?, replayed))
}

/// A running service, and as whom it is spoken to.
pub struct Client {
    base: String,
    token: String,
    agent: ureq::Agent,
}

impl Client {
    /// At this address, with the token of the file or of the environment.
    pub fn new(url: &str, token_file: Option<&Path>) -> Result<Self> {
        let base = address(url)?.to_owned();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A token is sent to nobody but the one it is meant for.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .build()
            .into();
        Ok(Self { base, token: token(token_file)?, agent })
    }

    /// Posts bytes; the answer.
    pub fn post(&self, path: &str, content_type: &str, key: &str, body: &[u8]) -> Result<Value> {
        Ok(self.send(path, content_type, key, body)?.0)
    }

    /// Whether there is something at this path for whoever asks.
    pub fn has(&self, path: &str) -> Result<bool> {
        let asked = self.agent.head(format!("{}{path}", self.base)).header("Authorization", format!("Bearer {}", self.token)).call();
        match asked.map_err(|e| unanswered(&self.base, &e))?.status().as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            401 => Err(signed_out()),
            status => Err(strange(&self.base, &format!("status {status}"))),
        }
    }

    /// Posts a body under a key, so that sending it twice is harmless: the answer, and whether it is that of an earlier time.
    fn send(&self, path: &str, content_type: &str, key: &str, body: impl ureq::AsSendBody) -> Result<(Value, bool)> {
        let base = self.base.as_str();
        let answer = self
            .agent
            .post(format!("{base}{path}"))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Idempotency-Key", key)
            .content_type(content_type)
            .send(body)
            .map_err(|e| unanswered(base, &e))?;
        let replayed = answer.headers().get("idempotency-replayed").is_some();
        let status = answer.status().as_u16();
        let location = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("another address").to_owned();
        let bytes = answer.into_body().into_with_config().limit(ANSWER_BYTES).read_to_vec().map_err(|e| unanswered(base, &e))?;
        if (300..400).contains(&status) {
            return Err(Error::Unknown(format!("{base} sends its visitors on to {location}; give that address instead.")));
        }
        match (status, serde_json::from_slice::<Value>(&bytes)) {
            (200 | 201, Ok(value)) => Ok((value, replayed)),
            (_, Ok(problem)) => Err(refused(base, status, &problem)),
            _ => Err(strange(base, &format!("status {status}"))),
        }
    }
}

/// `https://…`, or `http://` on this machine: a token does not travel in the clear.
fn address(url: &str) -> Result<&str> {
    let base = url.trim_end_matches('/');
    let here = base.strip_prefix("http://").map(|rest| rest.split('/').next().unwrap_or_default()).is_some_and(|authority| {
        let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(authority, |(host, _)| host);
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    });
    if here || base.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) {
        return Ok(base);
    }
    Err(Error::Unknown(format!(
        "{url}: write the address as https://records.example.org; http:// is for this machine only, because the token would travel in the clear."
    )))
}

/// The token, from a file or the environment, never from the command line, which everyone on the machine can read.
fn token(file: Option<&Path>) -> Result<String> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path).map_err(|e| Error::Unknown(unreadable(path, &e)))?,
        None => std::env::var(VARIABLE)
            .map_err(|_| Error::Unknown(format!("--server needs your token: name a file that holds it with --token-file, or set {VARIABLE}.")))?,
    };
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Unknown("The token is one word as it was shown when it was made (qtc_…); look at the file again.".to_owned()));
    }
    Ok(token.to_owned())
}

/// SHA-256 of a file, which may be larger than one wants to hold in memory.
fn sha256_of(path: &Path) -> Result<String> {
    let digest = || -> std::io::Result<[u8; 32]> {
        let mut file = std::fs::File::open(path)?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut chunk)?;
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(hasher.finalize().into()) };
            hasher.update(bytes);
        }
    };
    digest().map(|digest| hex(&digest)).map_err(|e| Error::Unknown(unreadable(path, &e)))
}

fn unanswered(base: &str, error: &ureq::Error) -> Error {
    let refused = matches!(error, ureq::Error::Io(cause) if cause.kind() == std::io::ErrorKind::ConnectionRefused);
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => nobody(base, error),
        _ if refused => nobody(base, error),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => Error::Unknown(format!(
            "{base} does not prove who it is ({error}). Nothing was sent; its operator has to mend its certificate, or you the address."
        )),
        _ => Error::Busy(format!(
            "The connection to {base} ended before the answer came ({error}). Run the same command again: what was recorded is not recorded twice."
        )),
    }
}

fn nobody(base: &str, error: &ureq::Error) -> Error {
    Error::Unknown(format!("Nobody answers at {base} ({error}). Nothing was sent; check the address, and that `quittance serve` runs there."))
}

fn strange(base: &str, what: &str) -> Error {
    Error::Unknown(format!("{base} does not answer like a Quittance service ({what}); check the address."))
}

fn signed_out() -> Error {
    Error::Unknown("The service does not know this token. Use the one that was shown when you were added, or ask for a new one.".to_owned())
}

/// What the service says, by who must act.
fn refused(base: &str, status: u16, problem: &Value) -> Error {
    let Some(detail) = problem.get("detail").and_then(Value::as_str).map(str::to_owned) else { return strange(base, &format!("status {status}")) };
    let missing = problem.get("missing").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    match status {
        401 => signed_out(),
        500.. => Error::Busy(detail),
        _ => Refusal::listing("server.refused", detail, missing).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_token_travels_encrypted_or_not_at_all() {
        for good in ["https://records.example.org", "http://localhost:8080", "http://127.0.0.1:9/base", "http://[::1]:8080", "http://[::1]"] {
            assert_eq!(address(&format!("{good}/")).unwrap(), good);
        }
        let elsewhere =
            ["http://records.example.org", "http://localhost.evil.example", "http://localhost:8080@evil.example", "https://", "records.example.org"];
        for bad in elsewhere {
            assert!(address(bad).unwrap_err().to_string().contains("https://"), "{bad}");
        }
    }
}
