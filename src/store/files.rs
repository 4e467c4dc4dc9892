//! Stored files: each under its SHA-256, durable before it is named, checked again whenever it is read, never rewritten; in a folder or in a bucket.

use std::fs::{self, File};
use std::io::Write;
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

    /// Whether there is a file under this digest.
    pub fn has(&self, digest: &Digest) -> Result<bool> {
        match &self.0 {
            Place::Folder(folder) => Ok(folder.path(digest).exists()),
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
        fs::rename(&incoming, &path)?;
        sync_folder(&folder)
    }

    fn get(&self, digest: &Digest) -> Result<Vec<u8>> {
        fs::read(self.path(digest)).map_err(|e| Error::fault(&format!("reading the stored file {digest}"), e))
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
}
