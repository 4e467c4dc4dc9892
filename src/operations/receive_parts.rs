//! Takes an evidence file in piece by piece, so that whoever loses the connection goes on where it was lost. What has come lies in the data folder under
//! the person and the SHA-256 that the file is to have, durable before it is acknowledged; when the last piece is there, the file is received as any other.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::Service;
use super::once::{self, Outcome};
use super::receive_evidence::{self, MAX_BYTES, Received};
use crate::domain::Actor;
use crate::domain::names::Digest;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::proof::digest::{hex, sha256};
use crate::store::idempotency::RequestKey;

/// Where pieces wait.
const FOLDER: &str = "parts";
/// Files that one person may have under way.
const MOST_UNFINISHED: usize = 8;
/// How long pieces wait for the rest.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// A piece of a file.
pub struct Part<'a> {
    /// The SHA-256 that the whole file is to have.
    pub sha256: &'a Digest,
    /// Its size.
    pub size_bytes: u64,
    /// How much comes before this piece.
    pub from: u64,
    /// The piece.
    pub bytes: &'a [u8],
}

/// What a piece came to.
pub enum Arrived {
    /// The rest is missing: so many bytes are durable.
    Part(u64),
    /// The file is whole, and received.
    Whole(Box<Outcome<Received>>),
}

fn folder(service: &Service) -> PathBuf {
    service.app.data.join(FOLDER)
}

fn person(actor: &Actor) -> &str {
    actor.person.as_str().rsplit(':').next().unwrap_or_default()
}

fn path(service: &Service, actor: &Actor, sha256: &Digest) -> PathBuf {
    folder(service).join(format!("{}-{sha256}", person(actor)))
}

fn length(path: &Path) -> Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Some(meta.len())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::fault(&path.display().to_string(), error)),
    }
}

/// How many bytes of a file are here.
pub fn received(service: &Service, actor: &Actor, sha256: &Digest) -> Result<u64> {
    Ok(length(&path(service, actor, sha256))?.unwrap_or(0))
}

/// Takes a piece.
pub fn receive(service: &Service, actor: &Actor, part: &Part, key: Option<&RequestKey>) -> Result<Arrived> {
    service.app.halt.check()?;
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let end = part.from.checked_add(u64::try_from(part.bytes.len()).unwrap_or(u64::MAX));
    if part.size_bytes == 0 || part.size_bytes > most || end.is_none_or(|end| end > part.size_bytes) || part.bytes.is_empty() {
        let why = format!(
            "An evidence file has between 1 byte and {} MB, and each part lies within it; send of, from and the bytes again.",
            MAX_BYTES >> 20
        );
        return Err(Refusal::new("parts.size", why).into());
    }
    // The answer to the last part may have been lost, and what came is gone since.
    if let Some(key) = key
        && let Some(answer) = once::before(&mut *service.app.read()?, key)?
    {
        return Ok(Arrived::Whole(Box::new(Outcome::Before(answer))));
    }
    let path = path(service, actor, part.sha256);
    let here = append(service, actor, &path, part)?;
    if here < part.size_bytes {
        return Ok(Arrived::Part(here));
    }
    let broken = |error| Error::fault(&path.display().to_string(), error);
    let bytes = fs::read(&path).map_err(broken)?;
    if hex(&sha256(&bytes)) != part.sha256.as_str() {
        remove(&path)?;
        let why = "What has come does not have the SHA-256 that it should have. Nothing was stored; send the file again from the beginning.";
        return Err(Refusal::new("parts.altered", why).into());
    }
    let received = receive_evidence::receive_once(service, actor, &bytes, key);
    // What is refused now is refused whenever it comes again; after anything else the last part may be sent once more.
    if matches!(received, Ok(_) | Err(Error::Refused(_))) {
        remove(&path)?;
    }
    Ok(Arrived::Whole(Box::new(received?)))
}

/// One part is written at a time: a client that gave up waiting may have sent the same one again.
static TURN: Mutex<()> = Mutex::new(());

/// Writes a part behind what is here, durable when this returns; how much is here then.
fn append(service: &Service, actor: &Actor, path: &Path, part: &Part) -> Result<u64> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let broken = |error| Error::fault(&path.display().to_string(), error);
    let here = match length(path)? {
        // Of a file that was said to be larger before.
        Some(here) if here > part.size_bytes => {
            remove(path)?;
            0
        }
        // All of it is here, and was not received when its last part came.
        Some(here) if here == part.size_bytes => return Ok(here),
        Some(here) => here,
        None => {
            make_room(service, actor)?;
            0
        }
    };
    if part.from != here {
        let why = format!("{here} bytes of this file are here; go on from there (from={here}).");
        return Err(Refusal::new("parts.elsewhere", why).into());
    }
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(part.bytes)?;
        file.sync_all()?;
        if here == 0 { File::open(folder(service))?.sync_all() } else { Ok(()) }
    };
    service.app.halt.guard(write().map_err(broken))?;
    Ok(here + u64::try_from(part.bytes.len()).unwrap_or(u64::MAX))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::fault(&path.display().to_string(), error)),
        _ => Ok(()),
    }
}

/// Removes what nobody has gone on with, and refuses one file too many of one person.
fn make_room(service: &Service, actor: &Actor) -> Result<()> {
    let folder = folder(service);
    let broken = |error| Error::fault(&folder.display().to_string(), error);
    fs::create_dir_all(&folder).map_err(broken)?;
    let mut own = 0;
    for entry in fs::read_dir(&folder).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let Ok(changed) = entry.metadata().and_then(|meta| meta.modified()) else { continue };
        if SystemTime::now().duration_since(changed).is_ok_and(|age| age > PATIENCE) {
            // Somebody else may have removed it meanwhile.
            let _ = fs::remove_file(entry.path());
        } else if entry.file_name().to_string_lossy().starts_with(person(actor)) {
            own += 1;
        }
    }
    if own >= MOST_UNFINISHED {
        let why =
            format!("{MOST_UNFINISHED} of your files are under way; send the rest of one first. What nobody goes on with is removed after a day.");
        return Err(Refusal::new("parts.too_many", why).into());
    }
    Ok(())
}
