//! Stored files: each under its SHA-256, durable before it is named, checked again whenever it is read, never rewritten.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::domain::names::Digest;
use crate::error::{Error, Result};
use crate::proof::digest::{hex, sha256};

/// A folder of stored files: `aa/aabb…` by the first two digits of the SHA-256.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// Opens the folder, making it where it is not there: with all its 256 folders, so that storing a file never has to make one.
    pub fn open(root: PathBuf) -> Result<Self> {
        let folders = (0..=u8::MAX).map(|first| format!("{first:02x}")).chain(std::iter::once("incoming".to_owned()));
        for folder in folders {
            fs::create_dir_all(root.join(folder)).map_err(|e| Error::fault(&format!("making {}", root.display()), e))?;
        }
        sync_folder(&root)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        Ok(Self { root })
    }

    /// Where a file with this digest is, or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let folder: String = digest.as_str().chars().take(2).collect();
        self.root.join(folder).join(digest.as_str())
    }

    /// Stores bytes. When this returns, they are on the disk under their name; a crash before leaves at most a file in `incoming`
    /// that nothing names.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::parse(&hex(&sha256(bytes)))?;
        let path = self.path(&digest);
        let folder = path.parent().unwrap_or(&self.root).to_owned();
        if path.exists() && self.get(&digest).is_ok() {
            // Whoever put it there may not have come as far as this.
            sync_folder(&folder)?;
            return Ok(digest);
        }
        let incoming = self.root.join("incoming").join(format!("{digest}-{}", uuid::Builder::from_random_bytes(random()?).into_uuid()));
        write_durably(&incoming, bytes)?;
        fs::rename(&incoming, &path)?;
        sync_folder(&folder)?;
        Ok(digest)
    }

    /// Reads a stored file and checks that its bytes still have the digest.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>> {
        let bytes = fs::read(self.path(digest)).map_err(|e| Error::fault(&format!("reading the stored file {digest}"), e))?;
        if hex(&sha256(&bytes)) == digest.as_str() {
            Ok(bytes)
        } else {
            Err(Error::Fault(format!("the stored file {digest} was altered: its bytes have another SHA-256")))
        }
    }
}

fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes", e))?;
    Ok(bytes)
}

/// Writes a new file and waits until its bytes are on the disk. The name is durable only after [`sync_folder`].
pub fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| Error::fault(&format!("writing {}", path.display()), e))
}

/// Waits until the names in a folder are on the disk.
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| Error::fault(&format!("syncing {}", folder.display()), e))
}

/// Replaces a file so that after a crash either the old or the new bytes are there.
pub fn replace_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = path.with_extension("new");
    write_durably(&beside, bytes)?;
    fs::rename(&beside, path)?;
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_file_is_checked_when_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path().to_owned()).unwrap();
        let digest = files.put(b"log").unwrap();
        assert_eq!(files.put(b"log").unwrap(), digest);
        assert_eq!(files.get(&digest).unwrap(), b"log");
        fs::write(files.path(&digest), b"lag").unwrap();
        assert!(files.get(&digest).unwrap_err().to_string().contains("altered"));
        files.put(b"log").unwrap();
        assert_eq!(files.get(&digest).unwrap(), b"log");
    }
}
