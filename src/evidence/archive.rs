//! Opens archives (ZIP) of reports, one level deep and within bounds. What is left out is said; names are shown and never used as paths.

use std::io::{Cursor, Read, Write};

use zip::ZipArchive;

use super::MAX_FILE_BYTES;
use super::reading::is_obeyed;

/// Largest archive.
pub const MAX_ARCHIVE_BYTES: usize = 100 << 20;
/// All of its files together, unpacked.
pub const MAX_TOTAL_BYTES: u64 = 200 << 20;
/// Most files.
const MAX_FILES: usize = 2_000;
/// Most that a file may be larger than its packed form.
const MAX_RATIO: u64 = 100;
/// What is small enough that its ratio does not matter.
const SMALL_BYTES: u64 = 1 << 20;

/// The files one after the other: a name (`=` before it), its length before it as eight bytes, then the bytes likewise. A file that is left out has `!`
/// and the reason for a name, and no bytes.
pub fn unpack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    if bytes.len() > MAX_ARCHIVE_BYTES {
        return Err(format!("The archive is larger than {} MB; send its files in several.", MAX_ARCHIVE_BYTES >> 20));
    }
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("The archive cannot be opened ({e}); send the files that are in it."))?;
    let mut out = Vec::new();
    let mut total = 0;
    for at in 0..archive.len() {
        if at >= MAX_FILES {
            piece(&mut out, &format!("!The archive has more than {MAX_FILES} files; the rest was left out. Send it in several."), &[]);
            break;
        }
        match member(&mut archive, at, &mut total) {
            Ok(None) => {}
            Ok(Some((name, bytes))) => piece(&mut out, &format!("={name}"), &bytes),
            Err(why) => piece(&mut out, &format!("!{why}"), &[]),
        }
    }
    if out.is_empty() {
        return Ok(refused("The archive has no files in it; ask whoever sent it for the report itself."));
    }
    Ok(out)
}

/// The same for an archive of which nothing is read.
pub fn refused(why: &str) -> Vec<u8> {
    let mut out = Vec::new();
    piece(&mut out, &format!("!{why}"), &[]);
    out
}

fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, at: usize, total: &mut u64) -> Result<Option<(String, Vec<u8>)>, String> {
    let file = archive.by_index(at).map_err(|e| format!("File {} of the archive cannot be opened ({e}).", at + 1))?;
    let name: String = file.name().chars().filter(|c| !is_obeyed(*c)).take(200).collect();
    if file.is_dir() || name.starts_with("__MACOSX/") || name.ends_with(".DS_Store") {
        return Ok(None);
    }
    if file.is_symlink() {
        return Err(format!("{name} is a link to another file; send that file."));
    }
    let packed = file.compressed_size();
    // The archive's own figures may lie: what counts is what comes out.
    let most = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|e| format!("{name} cannot be unpacked ({e})."))?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > most {
        return Err(format!("{name} is larger than {} MB and was left out.", MAX_FILE_BYTES >> 20));
    }
    if size > SMALL_BYTES && size / MAX_RATIO > packed {
        return Err(format!("{name} unpacks to more than {MAX_RATIO} times its size and was left out."));
    }
    *total += size;
    if *total > MAX_TOTAL_BYTES {
        return Err(format!("{name} and what follows would be more than {} MB together and was left out.", MAX_TOTAL_BYTES >> 20));
    }
    Ok(Some((name, bytes)))
}

fn piece(out: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    for part in [name.as_bytes(), bytes] {
        // Writing to memory does not fail.
        let _ = out.write_all(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        let _ = out.write_all(part);
    }
}
