//! Has files read where a hostile one can do no harm: in a child process of the same program that may open nothing, reach nobody and take only so much
//! memory and time. Whatever becomes of the child, whoever asked has an answer.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rlimit::Resource;
use serde::{Deserialize, Serialize};

use crate::evidence::mapped::Profiles;
use crate::evidence::{self, Reading};

/// How long a file may be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// Processor time of a child, in seconds.
const PROCESSOR_SECONDS: u64 = 20;
/// Memory that a child may take beside what it has when it starts.
const MEMORY_BYTES: u64 = 768 << 20;
/// Largest answer of a child about one file.
const MAX_ANSWER_BYTES: u64 = 64 << 20;
/// All profiles of an organisation together.
pub const MAX_PROFILES_BYTES: usize = 1 << 20;
/// Children at work at once; further files wait.
pub const CHILDREN: usize = 4;
/// The hidden commands by which the program is its own reader.
pub const READ_ALONE: &str = "read-alone";
/// Likewise, for archives.
pub const UNPACK_ALONE: &str = "unpack-alone";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// From now on files are read by children of this program. The program says so as it starts; others that use this library read in their own process.
pub fn by_children_of(program: PathBuf) {
    let _ = PROGRAM.set(program);
}

/// What a file came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// A reader knows the format.
    Reading(Box<Reading>),
    /// None does, or it could not be read.
    NotUnderstood {
        /// A sentence that says what was not understood.
        why: String,
        /// The words of a PDF's pages, where they can be made out.
        text: Option<String>,
    },
}

/// What stands before the file on a child's input: the length of the profiles as eight bytes, then their texts as JSON.
fn before_a_file(profiles: &Profiles) -> Vec<u8> {
    let texts = serde_json::to_vec(profiles.texts()).unwrap_or_default();
    [&u64::try_from(texts.len()).unwrap_or(0).to_le_bytes(), texts.as_slice()].concat()
}

/// The same backwards, and the file.
fn and_a_file(input: &[u8]) -> Option<(Profiles, &[u8])> {
    let mut file = input;
    let texts = serde_json::from_slice(piece(&mut file)?).ok()?;
    Some((Profiles::parse(texts).ok()?, file))
}

impl Told {
    fn by_itself(bytes: &[u8], profiles: &Profiles) -> Self {
        match evidence::read_with(bytes, profiles.parsed()) {
            Some(reading) => Self::Reading(Box::new(reading)),
            None => Self::NotUnderstood { why: evidence::why_not(bytes), text: evidence::print_of(bytes) },
        }
    }
    /// The reading, where there is one.
    pub fn reading(&self) -> Option<&Reading> {
        match self {
            Self::Reading(reading) => Some(reading),
            Self::NotUnderstood { .. } => None,
        }
    }
    /// What was not understood, where there is none.
    pub fn why_not(&self) -> Option<&str> {
        match self {
            Self::Reading(_) => None,
            Self::NotUnderstood { why, .. } => Some(why),
        }
    }
}

/// Reads a file; where no reader knows its format, by the first of these profiles that does.
pub fn read(bytes: &[u8], profiles: &Profiles) -> Told {
    let Some(program) = PROGRAM.get() else { return Told::by_itself(bytes, profiles) };
    match child(program, READ_ALONE, &[&before_a_file(profiles), bytes], MAX_ANSWER_BYTES) {
        Ok(answer) => serde_json::from_slice(&answer).unwrap_or_else(|_| not(STOPPED)),
        Err(why) => not(&why),
    }
}

fn not(why: &str) -> Told {
    Told::NotUnderstood { why: why.to_owned(), text: None }
}

/// Whether a file is an archive of files, and not a document that is kept as one (a spreadsheet).
pub fn is_archive(bytes: &[u8]) -> bool {
    let is_document = |name: &[u8]| name == b"[Content_Types].xml" || name == b"mimetype";
    bytes.starts_with(b"PK\x03\x04") && entry_names(bytes).is_some_and(|mut names| !names.any(is_document))
}

/// Names in a ZIP's central directory that are looked at.
const MOST_NAMES: usize = 10_000;

/// The names in a ZIP's central directory, which stands at its end (PKWARE APPNOTE 4.3.12, 4.3.16). Writers put what tells a document anywhere.
fn entry_names(bytes: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let number = |at: usize, size: usize| -> Option<usize> {
        let digits = bytes.get(at..at.checked_add(size)?)?;
        Some(digits.iter().rev().fold(0, |number, digit| number << 8 | usize::from(*digit)))
    };
    // A comment of at most 64 KB may stand behind the record of the end.
    let tail = bytes.len().saturating_sub(66_000);
    let end = tail + bytes.get(tail..)?.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let mut at = number(end + 16, 4)?;
    let next = move || {
        (bytes.get(at..at.checked_add(4)?)? == b"PK\x01\x02").then_some(())?;
        let (name, rest) = (number(at + 28, 2)?, number(at + 30, 2)? + number(at + 32, 2)?);
        let from = at + 46;
        at = from + name + rest;
        bytes.get(from..from + name)
    };
    Some(std::iter::from_fn(next).take(MOST_NAMES))
}

/// A file out of an archive. Its name is shown and is never a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// As the archive has it, without what cannot be shown.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The files of an archive, and what is to be said of those that are left out.
pub fn unpack(bytes: &[u8]) -> Result<(Vec<Member>, Vec<String>), String> {
    let answer = match PROGRAM.get() {
        Some(program) => child(program, UNPACK_ALONE, &[bytes], evidence::archive::MAX_TOTAL_BYTES + MAX_ANSWER_BYTES)?,
        None => evidence::archive::unpack(bytes)?,
    };
    members(&answer).ok_or_else(|| STOPPED.to_owned())
}

fn members(mut answer: &[u8]) -> Option<(Vec<Member>, Vec<String>)> {
    let (mut members, mut left_out) = (Vec::new(), Vec::new());
    while !answer.is_empty() {
        let name = String::from_utf8(piece(&mut answer)?.to_vec()).ok()?;
        let bytes = piece(&mut answer)?.to_vec();
        match name.strip_prefix('!') {
            Some(why) => left_out.push(why.to_owned()),
            None => members.push(Member { name: name.strip_prefix('=')?.to_owned(), bytes }),
        }
    }
    Some((members, left_out))
}

/// A length of eight bytes and as many bytes.
fn piece<'a>(answer: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = answer.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (piece, rest) = rest.split_at_checked(length)?;
    *answer = rest;
    Some(piece)
}

const STOPPED: &str = "The reader stopped in the middle of this file: it may be made to do harm, or it needs more memory or time than one file is given. \
     The file is kept as it is; ask whoever sent it for the report in another format.";

fn child(program: &PathBuf, command: &str, input: &[&[u8]], most: u64) -> Result<Vec<u8>, String> {
    let _place = Place::take();
    let started = Command::new(program).arg(command).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = started.map_err(|e| format!("The reader could not be started: {e}. The file is kept as it is; read it again later."))?;
    let answer = converse(&mut child, input, most);
    // Ended or not: it has nothing left to say.
    let _ = child.kill();
    let ended = child.wait();
    answer.filter(|_| ended.is_ok_and(|status| status.success())).ok_or_else(|| STOPPED.to_owned())
}

fn converse(child: &mut Child, input: &[&[u8]], most: u64) -> Option<Vec<u8>> {
    let (mut to, from) = (child.stdin.take()?, child.stdout.take()?);
    let (tell, told) = sync_channel(1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut answer = Vec::new();
            let read = from.take(most).read_to_end(&mut answer);
            let _ = tell.send(read.ok().map(|_| answer));
        });
        scope.spawn(move || {
            // A child that was stopped reads no further.
            let _ = input.iter().try_for_each(|bytes| to.write_all(bytes));
        });
        let answer = told.recv_timeout(PATIENCE).unwrap_or_default();
        // Both threads end with the child.
        if answer.is_none() {
            let _ = child.kill();
        }
        answer
    })
}

/// One of the places for children.
struct Place;

static TAKEN: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

impl Place {
    fn take() -> Self {
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = FREED.wait_while(taken, |taken| *taken >= CHILDREN).unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}

/// The child's side: shuts itself in, reads from its input, answers on its output.
pub fn alone(command: &str) -> std::io::Result<()> {
    shut_in()?;
    let mut bytes = Vec::new();
    let most = if command == UNPACK_ALONE { evidence::archive::MAX_ARCHIVE_BYTES } else { evidence::MAX_FILE_BYTES + MAX_PROFILES_BYTES };
    std::io::stdin().take(u64::try_from(most).unwrap_or(u64::MAX) + 1).read_to_end(&mut bytes)?;
    let answer = if command == UNPACK_ALONE {
        evidence::archive::unpack(&bytes).unwrap_or_else(|why| evidence::archive::refused(&why))
    } else {
        let input = and_a_file(&bytes);
        serde_json::to_vec(&input.map_or_else(|| not(STOPPED), |(profiles, file)| Told::by_itself(file, &profiles)))?
    };
    let mut out = std::io::stdout().lock();
    out.write_all(&answer)?;
    out.flush()
}

/// Limits that hold until the process ends. With its three streams open and no further descriptor allowed, it can open no file and no connection.
fn shut_in() -> std::io::Result<()> {
    let memory = virtual_bytes()?.saturating_add(MEMORY_BYTES);
    for (resource, most) in [
        (Resource::AS, memory),
        (Resource::CPU, PROCESSOR_SECONDS),
        (Resource::FSIZE, 0),
        (Resource::CORE, 0),
        (Resource::NPROC, 0),
        (Resource::NOFILE, 3),
    ] {
        resource.set(most, most)?;
    }
    Ok(())
}

/// Address space that this process has.
fn virtual_bytes() -> std::io::Result<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = pages.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    Ok(pages.saturating_mul(4096))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_is_no_archive_wherever_its_parts_stand() {
        for workbook in [include_bytes!("../../tests/receipts/receiving.xlsx").as_slice(), include_bytes!("../../tests/receipts/settlement.xlsx")] {
            assert!(!is_archive(workbook));
        }
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in ["a.log", "b/report.pdf"] {
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(b"work").unwrap();
        }
        let archive = writer.finish().unwrap().into_inner();
        assert!(is_archive(&archive));
        assert_eq!(entry_names(&archive).unwrap().collect::<Vec<_>>(), [b"a.log".as_slice(), b"b/report.pdf"]);
        for length in 0..archive.len() {
            let _ = is_archive(&archive[..length]);
        }
    }
}
