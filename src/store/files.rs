//! Stored files: each under its SHA-256, durable before it is named, checked again whenever it is read, never rewritten; in a folder or in a bucket.
//! Removed only where the record says that its bytes are withheld.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::domain::names::Digest;
use crate::error::{Error, Result};
use crate::proof::digest::{hex, sha256};

/// The stored files of a record, wherever they are.
#[derive(Clone, Debug)]
pub struct Files(Place);

#[derive(Clone, Debug)]
enum Place {
    Folder(Folder),
    #[cfg(feature = "s3")]
    Bucket(std::sync::Arc<super::bucket::Client>),
}

impl Files {
    /// Opens a folder of stored files, making it where it is not there.
    pub fn open(root: PathBuf) -> Result<Self> {
        Folder::open(root).map(|folder| Self(Place::Folder(folder)))
    }

    /// The files of a bucket. Nothing is asked of it yet.
    #[cfg(feature = "s3")]
    pub fn in_bucket(bucket: &super::bucket::Bucket) -> Result<Self> {
        super::bucket::Client::new(bucket.clone()).map(|client| Self(Place::Bucket(std::sync::Arc::new(client))))
    }

    /// Whether files can be stored there: a bucket is tried out, a folder was when it was opened.
    pub fn probe(&self) -> Result<()> {
        match &self.0 {
            Place::Folder(_) => Ok(()),
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.probe(),
        }
    }

    /// Where they are, for the operator.
    pub fn place(&self) -> String {
        match &self.0 {
            Place::Folder(_) => "the data folder".to_owned(),
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.place(),
        }
    }

    /// Whether a bucket did not do what was asked of it last. A folder that fails stops all writing, and says so itself.
    pub fn fails(&self) -> bool {
        match &self.0 {
            Place::Folder(_) => false,
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.fails(),
        }
    }

    /// Stores bytes. When this returns, they are durable under their name: on the disk, or in a bucket that gave them back. A bucket that cannot do that
    /// now is no fault of this machine: the error is then [`Error::Busy`].
    pub fn put(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::parse(&hex(&sha256(bytes)))?;
        match &self.0 {
            Place::Folder(folder) => folder.put(&digest, bytes)?,
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.put(&digest, bytes)?,
        }
        Ok(digest)
    }

    /// Reads a stored file and checks that its bytes still have the digest.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>> {
        let bytes = match &self.0 {
            Place::Folder(folder) => folder.get(digest)?,
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => {
                bucket.get(digest)?.ok_or_else(|| Error::Fault(format!("reading the stored file {digest}: the bucket does not have it")))?
            }
        };
        checked(digest, bytes)
    }

    /// Removes bytes for good, with what an upload of them that never ended has left; nothing where they are gone. A crash before this returns may bring
    /// them back: whoever has bytes removed asks for it again at every start.
    pub fn remove(&self, digest: &Digest) -> Result<()> {
        match &self.0 {
            Place::Folder(folder) => folder.remove(digest),
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.remove(digest),
        }
    }

    /// Whether there is a file under this digest, or what an upload of it has left; its bytes are not looked at.
    pub fn has(&self, digest: &Digest) -> Result<bool> {
        match &self.0 {
            Place::Folder(folder) => folder.has(digest),
            #[cfg(feature = "s3")]
            Place::Bucket(bucket) => bucket.has(digest),
        }
    }
}

fn checked(digest: &Digest, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if hex(&sha256(&bytes)) == digest.as_str() {
        Ok(bytes)
    } else {
        Err(Error::Fault(format!("the stored file {digest} was altered: its bytes have another SHA-256")))
    }
}

/// A folder of stored files: `aa/aabb…` by the first two digits of the SHA-256.
#[derive(Clone, Debug)]
struct Folder {
    root: PathBuf,
}

impl Folder {
    /// With all its 256 folders, so that storing a file never has to make one.
    fn open(root: PathBuf) -> Result<Self> {
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
    fn path(&self, digest: &Digest) -> PathBuf {
        let folder: String = digest.as_str().chars().take(2).collect();
        self.root.join(folder).join(digest.as_str())
    }

    /// When this returns, the bytes are on the disk under their name; a crash before leaves at most a file in `incoming` that nothing names.
    fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<()> {
        let path = self.path(digest);
        let folder = path.parent().unwrap_or(&self.root).to_owned();
        if path.exists() && self.get(digest).and_then(|there| checked(digest, there)).is_ok() {
            // Whoever put it there may not have come as far as this.
            return sync_folder(&folder);
        }
        let incoming = self.root.join("incoming").join(format!("{digest}-{}", uuid::Builder::from_random_bytes(random()?).into_uuid()));
        write_durably(&incoming, bytes)?;
        if let Err(error) = fs::rename(&incoming, &path) {
            // Bytes that were withheld while they were on their way in: nothing is wrong with the disk.
            return Err(if error.kind() == ErrorKind::NotFound && !incoming.exists() {
                Error::Busy("The file was removed while it was being stored; look at the record before you send it again.".to_owned())
            } else {
                error.into()
            });
        }
        sync_folder(&folder)
    }

    fn get(&self, digest: &Digest) -> Result<Vec<u8>> {
        fs::read(self.path(digest)).map_err(|e| Error::fault(&format!("reading the stored file {digest}"), e))
    }

    /// When this returns, the name is off the disk.
    fn remove(&self, digest: &Digest) -> Result<()> {
        let path = self.path(digest);
        let gone = |removed: std::io::Result<()>| match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::fault(&format!("removing the stored file {digest}"), error)),
            _ => Ok(()),
        };
        gone(fs::remove_file(&path))?;
        sync_folder(path.parent().unwrap_or(&self.root))?;
        let incoming = self.root.join("incoming");
        for entry in fs::read_dir(&incoming)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(digest.as_str()) {
                gone(fs::remove_file(entry.path()))?;
            }
        }
        sync_folder(&incoming)
    }

    fn has(&self, digest: &Digest) -> Result<bool> {
        if self.path(digest).try_exists()? {
            return Ok(true);
        }
        for entry in fs::read_dir(self.root.join("incoming"))? {
            if entry?.file_name().to_string_lossy().starts_with(digest.as_str()) {
                return Ok(true);
            }
        }
        Ok(false)
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
        assert!(files.has(&digest).unwrap() && !files.has(&Digest::parse(&"0".repeat(64)).unwrap()).unwrap());
        assert_eq!(files.put(b"log").unwrap(), digest);
        assert_eq!(files.get(&digest).unwrap(), b"log");
        fs::write(folder.path().join(&digest.as_str()[..2]).join(digest.as_str()), b"lag").unwrap();
        assert!(files.get(&digest).unwrap_err().to_string().contains("altered"));
        files.put(b"log").unwrap();
        assert_eq!(files.get(&digest).unwrap(), b"log");
    }

    #[test]
    fn what_is_removed_is_gone_with_what_its_upload_left() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path().to_owned()).unwrap();
        let (digest, other) = (files.put(b"log").unwrap(), files.put(b"other").unwrap());
        let (left, kept) = (folder.path().join(format!("incoming/{digest}-1")), folder.path().join(format!("incoming/{other}-1")));
        for path in [&left, &kept] {
            fs::write(path, b"lo").unwrap();
        }
        assert!(files.has(&digest).unwrap());
        files.remove(&digest).unwrap();
        assert!(!files.has(&digest).unwrap() && !left.exists() && kept.exists());
        files.remove(&digest).unwrap();
        assert_eq!(files.get(&other).unwrap(), b"other");
    }
}
